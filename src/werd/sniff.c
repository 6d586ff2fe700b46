#include "werd/sniff.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/log.h"
#include "base/table.h"
#include "base/time.h"
#include "collection/answer.h"
#include "collection/collection.h"
#include "ext/crypto.h"
#include "ingest/buckets.h"
#include "ingest/machine.h"
#include "werd/werd.h"

static const char usage[] =
	"usage: werd sniff [--listen ADDR:PORT]... [--tls ADDR:PORT --certificate FILE --key "
	"FILE]\n"
	"                  [--collection FILE] [--raw] [--record DIR]\n"
	"\n"
	"Listens (on port 1273 unless told otherwise), answers as the collection rules say, keeps\n"
	"nothing, and prints each exchange decoded.\n"
	"  --raw         prints the bytes as they come, and nothing else\n"
	"  --record DIR  also writes each exchange as a test fixture, with names masked\n";

enum {
	LISTEN_MAX = 16,
	HEAD_BYTES = 2 * LIMIT_HEADER_BYTES,
	FIRST_BUCKET = 1000
};
#define UPLOAD_BYTES (512ULL * 1024 * 1024)
#define UPLOAD_VALID_US TIME_HOUR_US

/* What came and went on one connection since its last exchange ended. */
struct wire {
	struct buf in;
	struct buf out;
};

struct sniff {
	struct address listen[LISTEN_MAX];
	bool is_tls[LISTEN_MAX];
	size_t n_listen;
	const char *certificate;
	const char *key;
	const char *collection_path;
	const char *record;
	bool is_raw;

	uv_loop_t loop;
	uv_signal_t interrupt, terminate;
	struct http_server *server;
	struct tls_context *tls;
	struct collection *collection;
	struct level1_parser *parser;
	struct buckets *buckets;
	uint64_t next_bucket;
	uint64_t next_report;
	unsigned n_exchanges;
	uint8_t upload_key[UPLOAD_KEY_BYTES];
	struct table wires; /* connection number: struct wire */
};

/* One request under way. */
struct flow {
	struct buf body;
	struct arena arena;
	struct crypto_sha256_stream *digest; /* of an upload */
	struct upload_ticket ticket;
	uint8_t magic[4];
	uint64_t received_bytes;
	bool is_level1;
};

/* ---- wires ---- */

static struct wire *
wire_of(struct sniff *sniff, uint64_t connection)
{
	uint64_t pointer;
	if (table_find(&sniff->wires, connection + 1, &pointer))
		return (struct wire *)(uintptr_t)pointer;
	struct wire *wire = calloc(1, sizeof(*wire));
	if (wire == NULL)
		abort();
	buf_init(&wire->in, HEAD_BYTES + LIMIT_REPORT_BYTES);
	buf_init(&wire->out, HEAD_BYTES + LIMIT_REPLY_BYTES);
	table_put(&sniff->wires, connection + 1, (uint64_t)(uintptr_t)wire);
	return wire;
}

static void
forget_wire(struct sniff *sniff, uint64_t connection)
{
	struct wire *wire = wire_of(sniff, connection);
	buf_done(&wire->in);
	buf_done(&wire->out);
	(void)table_remove(&sniff->wires, connection + 1);
	free(wire);
}

static void
on_tap(uint64_t connection, const struct address *peer, bool is_incoming, struct slice bytes,
       void *context)
{
	struct sniff *sniff = context;
	(void)peer;
	if (sniff->is_raw && is_incoming) {
		(void)fwrite(bytes.data, 1, bytes.len, stdout);
		(void)fflush(stdout);
	}
	struct wire *wire = wire_of(sniff, connection);
	/* Past its cap a buffer takes no more: an upload's body is not wanted here. */
	buf_append(is_incoming ? &wire->in : &wire->out, bytes);
}

static struct slice
head_of(struct slice in)
{
	const uint8_t *end = in.data == NULL ? NULL : memmem(in.data, in.len, "\r\n\r\n", 4);
	return end == NULL ? in : slice_sub(in, 0, (size_t)(end - in.data) + 4);
}

/* ---- the answer ---- */

static void
plan_report(struct sniff *sniff, const struct report *report, uint64_t bucket, struct address peer,
	    struct collection_plan *ret_plan)
{
	struct report_label label;
	report_label(report, &label);
	struct collection_input input = {.report = report,
					 .label = &label,
					 .peer = peer,
					 .bucket = bucket,
					 .now_us = time_now_us()};
	collection_plan(sniff->collection, &input, ret_plan);
}

static struct bucket *
bucket_of(struct sniff *sniff, struct flow *flow, const struct report *report)
{
	struct label label;
	struct buf text;
	uint8_t key[LABEL_KEY_BYTES];
	buf_init(&text, LIMIT_REPORT_ARENA_BYTES);
	label_of(report, &flow->arena, &label);
	label_key_text(&label, &text);
	label_key(buf_slice(&text), key);
	buf_done(&text);
	struct bucket *bucket = buckets_find(sniff->buckets, key);
	return bucket != NULL ? bucket : buckets_add(sniff->buckets, key, sniff->next_bucket++);
}

static err_t
answer_report(struct sniff *sniff, struct flow *flow, const struct report *report,
	      struct address peer, struct buf *out)
{
	struct collection_plan plan;
	int64_t now_us = time_now_us();
	uint64_t machine = machine_hash(report->machine);
	struct bucket *bucket = bucket_of(sniff, flow, report);
	bucket->hits++;
	plan_report(sniff, report, bucket->id, peer, &plan);
	struct collection_counts counts = {
		.hits = bucket->hits,
		.kept = bucket->kept,
		.awaited = bucket->awaited,
		.last_asked_hits = bucket->last_asked_hits,
		.machine_day_bytes = buckets_machine_day_bytes(sniff->buckets, machine, now_us),
	};
	struct upload_ticket ticket = {.report_id = sniff->next_report++,
				       .expires_us = now_us + UPLOAD_VALID_US,
				       .max_bytes = UPLOAD_BYTES};
	bool is_asked = collection_should_ask(&plan, &counts);
	if (is_asked)
		buckets_asked(sniff->buckets, bucket, ticket.report_id, machine, 0, now_us);
	struct answer answer = {.plan = &plan,
				.bucket = bucket->id,
				.bucket_table = 5,
				.ticket = is_asked ? &ticket : NULL,
				.upload_key = sniff->upload_key};
	return answer_format(&answer, out);
}

static void
finish(struct sniff *sniff, struct http_request *request, struct sniff_exchange *x)
{
	struct err_detail detail = {0};
	struct wire *wire = wire_of(sniff, request->connection);
	x->reply = buf_slice(&wire->out);
	if (!sniff->is_raw)
		sniff_show(x);
	if (sniff->record != NULL && sniff_record(sniff->record, x, &detail) != OK)
		(void)fprintf(stderr, "werd sniff: %s\n", detail.why);
	forget_wire(sniff, request->connection);
}

static struct sniff_exchange
begin_exchange(struct sniff *sniff, const struct http_request *request, const struct flow *flow)
{
	struct wire *wire = wire_of(sniff, request->connection);
	return (struct sniff_exchange){
		.number = ++sniff->n_exchanges,
		.received_us = time_now_us(),
		.peer = request->peer,
		.is_tls = request->is_tls,
		.head = head_of(buf_slice(&wire->in)),
		.is_level1 = flow->is_level1,
		.body_bytes = flow->received_bytes,
	};
}

static void
complete_level1(struct sniff *sniff, struct http_request *request, struct flow *flow)
{
	struct report report;
	struct buf out;
	struct sniff_exchange x = begin_exchange(sniff, request, flow);
	buf_init(&out, LIMIT_REPLY_BYTES);
	x.body = buf_slice(&flow->body);
	x.parse_error = level1_parse(sniff->parser, x.body, &flow->arena, &report, &x.error);
	x.report = &report;
	err_t err = x.parse_error;
	if (err == OK)
		err = answer_report(sniff, flow, &report, request->peer, &out);
	if (err == OK)
		http_respond(request, 200, "text/plain; charset=windows-1252", buf_slice(&out),
			     NULL, false);
	else
		http_respond_error(request, err);
	finish(sniff, request, &x);
	buf_done(&out);
}

static void
complete_upload(struct sniff *sniff, struct http_request *request, struct flow *flow)
{
	struct sniff_exchange x = begin_exchange(sniff, request, flow);
	crypto_sha256_take(flow->digest, x.sha256);
	flow->digest = NULL;
	x.is_cabinet = memcmp(flow->magic, "MSCF", sizeof(flow->magic)) == 0;
	http_respond(request, 200, NULL, SLICE_LITERAL(""), NULL, false);
	finish(sniff, request, &x);
}

/* ---- what the HTTP server calls ---- */

static void
flow_free(struct flow *flow)
{
	buf_done(&flow->body);
	arena_done(&flow->arena);
	crypto_sha256_free(flow->digest);
	free(flow);
}

static err_t
on_head(struct http_request *request, void *context)
{
	struct sniff *sniff = context;
	struct upload_ticket ticket = {0};
	bool is_level1 =
		slice_equal_str(request->method, "POST") && upload_path_is_stage2(request->target);
	if (!is_level1) {
		err_t err = upload_path_parse(request->target, sniff->upload_key, &ticket);
		if (err != OK || !slice_equal_str(request->method, "PUT"))
			return err != OK ? err : ERR_METHOD;
	}
	struct flow *flow = calloc(1, sizeof(*flow));
	if (flow == NULL)
		abort();
	buf_init(&flow->body, LIMIT_REPORT_BYTES);
	arena_init(&flow->arena, LIMIT_REPORT_ARENA_BYTES);
	flow->is_level1 = is_level1;
	flow->ticket = ticket;
	if (!is_level1)
		flow->digest = crypto_sha256_new();
	request->user = flow;
	return OK;
}

static err_t
on_body(struct http_request *request, struct slice bytes, void *context)
{
	struct flow *flow = request->user;
	(void)context;
	uint64_t before = flow->received_bytes;
	flow->received_bytes += bytes.len;
	if (flow->is_level1) {
		buf_append(&flow->body, bytes);
		return buf_error(&flow->body);
	}
	for (size_t i = 0; before + i < sizeof(flow->magic) && i < bytes.len; i++)
		flow->magic[before + i] = bytes.data[i];
	crypto_sha256_add(flow->digest, bytes);
	return flow->received_bytes > UPLOAD_BYTES ? ERR_LIMIT : OK;
}

static void
on_complete(struct http_request *request, void *context)
{
	struct flow *flow = request->user;
	request->user = NULL;
	if (flow->is_level1)
		complete_level1(context, request, flow);
	else
		complete_upload(context, request, flow);
	flow_free(flow);
}

static void
on_gone(struct http_request *request, err_t why, void *context)
{
	struct sniff *sniff = context;
	struct wire *wire = wire_of(sniff, request->connection);
	struct buf line;
	buf_init(&line, HEAD_BYTES * 4 + LIMIT_REPORT_BYTES * 4);
	text_escape(head_of(buf_slice(&wire->in)), &line);
	if (!sniff->is_raw)
		(void)printf("---- not answered with 200 (%s): %.*s\n\n", err_text(why),
			     SLICE_ARGS(buf_slice(&line)));
	(void)fflush(stdout);
	buf_done(&line);
	if (request->user != NULL)
		flow_free(request->user);
	request->user = NULL;
	forget_wire(sniff, request->connection);
}

static void
on_refused(const struct address *peer, const char *reason, err_t why, struct slice bytes,
	   void *context)
{
	struct sniff *sniff = context;
	char text[ADDRESS_TEXT_BYTES];
	char value[LOG_VALUE_BYTES];
	if (sniff->is_raw)
		return;
	(void)printf("---- refused from %s: %s (%s): %s\n\n", address_format_port(peer, text),
		     reason, err_text(why), log_value(bytes, value));
	(void)fflush(stdout);
}

/* ---- start ---- */

static bool
add_listen(struct sniff *sniff, const char *text, bool is_tls)
{
	if (sniff->n_listen == LISTEN_MAX ||
	    !address_parse(slice_str(text), &sniff->listen[sniff->n_listen])) {
		(void)fprintf(stderr, "werd sniff: %s: not an address with a port\n", text);
		return false;
	}
	sniff->is_tls[sniff->n_listen++] = is_tls;
	return true;
}

static bool
read_options(struct sniff *sniff, int argc, char **argv, bool *ret_help)
{
	static const struct option longs[] = {
		{"listen", required_argument, NULL, 'l'},
		{"tls", required_argument, NULL, 't'},
		{"certificate", required_argument, NULL, 'e'},
		{"key", required_argument, NULL, 'k'},
		{"collection", required_argument, NULL, 'c'},
		{"raw", no_argument, NULL, 'r'},
		{"record", required_argument, NULL, 'd'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	bool is_good = true;
	for (int c; is_good && (c = getopt_long(argc, argv, "", longs, NULL)) != -1;) {
		switch (c) {
		case 'l':
		case 't':
			is_good = add_listen(sniff, optarg, c == 't');
			break;
		case 'e':
			sniff->certificate = optarg;
			break;
		case 'k':
			sniff->key = optarg;
			break;
		case 'c':
			sniff->collection_path = optarg;
			break;
		case 'r':
			sniff->is_raw = true;
			break;
		case 'd':
			sniff->record = optarg;
			break;
		case 'h':
			*ret_help = true;
			break;
		default:
			is_good = false;
		}
	}
	return is_good && optind == argc;
}

static err_t
load(struct sniff *sniff, struct err_detail *detail)
{
	struct buf text;
	err_t err = OK;
	for (size_t i = 0; i < sniff->n_listen && err == OK && sniff->tls == NULL; i++)
		if (sniff->is_tls[i])
			err = sniff->certificate == NULL || sniff->key == NULL
				      ? err_set(detail, ERR_USAGE,
						"--tls needs --certificate and --key")
				      : tls_context_load(sniff->certificate, sniff->key, TLS_1_2,
							 &sniff->tls, detail);
	if (err != OK)
		return err;
	if (sniff->collection_path == NULL) {
		sniff->collection = collection_default();
		return OK;
	}
	err = fs_read_file(sniff->collection_path, LIMIT_YAML_BYTES, &text, detail);
	if (err != OK)
		return err;
	err = collection_parse(buf_slice(&text), &sniff->collection, detail);
	buf_done(&text);
	return err;
}

static err_t
listen_all(struct sniff *sniff, struct err_detail *detail)
{
	char text[ADDRESS_TEXT_BYTES];
	for (size_t i = 0; i < sniff->n_listen; i++) {
		int fd;
		err_t err = address_listen(&sniff->listen[i], &fd, detail);
		if (err == OK)
			err = http_server_listen(sniff->server, fd,
						 sniff->is_tls[i] ? sniff->tls : NULL);
		if (err != OK)
			return err;
		(void)fprintf(stderr, "werd sniff: listening on %s (%s)\n",
			      address_format_port(&sniff->listen[i], text),
			      sniff->is_tls[i] ? "https" : "http");
	}
	return OK;
}

static void
on_signal(uv_signal_t *signal, int number)
{
	(void)number;
	uv_stop(signal->loop);
}

static err_t
serve(struct sniff *sniff, struct err_detail *detail)
{
	struct http_server_options options = {
		.handlers = {.head = on_head,
			     .body = on_body,
			     .complete = on_complete,
			     .gone = on_gone,
			     .refused = on_refused,
			     .tap = on_tap},
		.context = sniff,
		.limits = {.connections = 100,
			   .head_timeout_us = 60 * TIME_SECOND_US,
			   .body_timeout_us = 60 * TIME_SECOND_US,
			   .idle_timeout_us = 300 * TIME_SECOND_US,
			   .arena_bytes = HEAD_BYTES},
	};
	(void)signal(SIGPIPE, SIG_IGN);
	if (uv_loop_init(&sniff->loop) != 0 ||
	    uv_signal_init(&sniff->loop, &sniff->interrupt) != 0 ||
	    uv_signal_init(&sniff->loop, &sniff->terminate) != 0 ||
	    uv_signal_start(&sniff->interrupt, on_signal, SIGINT) != 0 ||
	    uv_signal_start(&sniff->terminate, on_signal, SIGTERM) != 0)
		return err_set(detail, ERR_IO, "cannot make an event loop");
	err_t err = http_server_new(&sniff->loop, &options, &sniff->server);
	if (err == OK)
		err = listen_all(sniff, detail);
	if (err != OK)
		return err;
	(void)fprintf(stderr, "werd sniff: ready\n");
	(void)uv_run(&sniff->loop, UV_RUN_DEFAULT);
	return OK;
}

static void
done(struct sniff *sniff)
{
	if (sniff->server != NULL) {
		uv_close((uv_handle_t *)&sniff->interrupt, NULL);
		uv_close((uv_handle_t *)&sniff->terminate, NULL);
		http_server_free(sniff->server);
		(void)uv_run(&sniff->loop, UV_RUN_DEFAULT);
		(void)uv_loop_close(&sniff->loop);
	}
	for (size_t i = 0; i < sniff->wires.capacity; i++) {
		struct wire *wire = (struct wire *)(uintptr_t)sniff->wires.slots[2 * i + 1];
		if (sniff->wires.slots[2 * i] == 0)
			continue;
		buf_done(&wire->in);
		buf_done(&wire->out);
		free(wire);
	}
	table_done(&sniff->wires);
	level1_parser_free(sniff->parser);
	buckets_free(sniff->buckets);
	collection_unref(sniff->collection);
	tls_context_unref(sniff->tls);
}

int
werd_sniff(int argc, char **argv)
{
	struct sniff sniff = {.next_bucket = FIRST_BUCKET, .next_report = 1};
	struct err_detail detail = {0};
	bool is_help = false;
	if (!read_options(&sniff, argc, argv, &is_help) || is_help) {
		(void)fputs(usage, is_help ? stdout : stderr);
		return is_help ? 0 : err_exit_status(ERR_USAGE);
	}
	if (sniff.n_listen == 0 && !add_listen(&sniff, ":1273", false))
		return err_exit_status(ERR_USAGE);
	log_open("sniff", LOG_WARNING);
	crypto_random(sniff.upload_key, sizeof(sniff.upload_key));
	sniff.parser = level1_parser_new();
	sniff.buckets = buckets_new();
	err_t err = load(&sniff, &detail);
	if (err == OK)
		err = serve(&sniff, &detail);
	done(&sniff);
	return err == OK ? 0 : werd_fail(err, &detail);
}
