/* http_echo.c - the HTTP server alone, for measuring it beside others
 *
 *     http_echo ADDR:PORT THREADS [CERTIFICATE KEY]
 *
 * Takes any request, counts its body and answers 200 with a reply as long as a level-1 reply.
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "net/http_server.h"

static const char REPLY[] = "Bucket=123456\r\nBucketTable=1\r\niData=1\r\n"
			    "DumpFile=/cab/0123456789abcdef0123456789abcdef01234567.cab\r\n"
			    "Response=https://wer.example/r/123456\r\n";

struct worker {
	struct address address;
	struct tls_context *tls;
	pthread_t thread;
};

static err_t
head(struct http_request *request, void *context)
{
	(void)request;
	(void)context;
	return OK;
}

static err_t
body(struct http_request *request, struct slice bytes, void *context)
{
	uint64_t *total = context;
	(void)request;
	*total += bytes.len;
	return OK;
}

static void
complete(struct http_request *request, void *context)
{
	(void)context;
	http_respond(request, 200, "text/plain; charset=windows-1252", slice_str(REPLY), NULL,
		     false);
}

static void
gone(struct http_request *request, err_t why, void *context)
{
	(void)request;
	(void)why;
	(void)context;
}

static void *
work(void *argument)
{
	struct worker *worker = argument;
	struct http_server *server;
	struct err_detail detail = {0};
	uint64_t total = 0;
	uv_loop_t loop;
	int fd;
	struct http_server_options options = {
		.handlers = {.head = head, .body = body, .complete = complete, .gone = gone},
		.context = &total,
		.limits = {.connections = 20000,
			   .head_timeout_us = 30000000,
			   .body_timeout_us = 30000000,
			   .body_least_bytes = 1024,
			   .idle_timeout_us = 60000000,
			   .arena_bytes = 1024 * 1024},
	};
	if (uv_loop_init(&loop) != 0 || http_server_new(&loop, &options, &server) != OK ||
	    address_listen(&worker->address, &fd, &detail) != OK ||
	    http_server_listen(server, fd, worker->tls) != OK) {
		(void)fprintf(stderr, "http_echo: %s\n", detail.why);
		exit(1);
	}
	(void)uv_run(&loop, UV_RUN_DEFAULT);
	return NULL;
}

int
main(int argc, char **argv)
{
	struct worker workers[16] = {0};
	struct tls_context *tls = NULL;
	struct err_detail detail = {0};
	uint64_t n_workers;
	if ((argc != 3 && argc != 5) || !address_parse(slice_str(argv[1]), &workers[0].address) ||
	    !slice_to_u64(slice_str(argv[2]), &n_workers) || n_workers < 1 || n_workers > 16) {
		(void)fprintf(stderr, "usage: http_echo ADDR:PORT THREADS [CERTIFICATE KEY]\n");
		return 64;
	}
	if (argc == 5 && tls_context_load(argv[3], argv[4], TLS_1_2, &tls, &detail) != OK) {
		(void)fprintf(stderr, "http_echo: %s\n", detail.why);
		return 78;
	}
	(void)signal(SIGPIPE, SIG_IGN);
	for (uint64_t i = 0; i < n_workers; i++) {
		workers[i].address = workers[0].address;
		workers[i].tls = tls;
		if (pthread_create(&workers[i].thread, NULL, work, &workers[i]) != 0)
			return 71;
	}
	for (uint64_t i = 0; i < n_workers; i++)
		(void)pthread_join(workers[i].thread, NULL);
	return 0;
}
