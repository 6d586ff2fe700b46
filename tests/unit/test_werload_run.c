/* A load on a collector that is only pretended: what is sent, what counts as acknowledged, what is
 * tried again and what is lost. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/table.h"
#include "base/time.h"
#include "ext/crypto.h"
#include "net/http_server.h"
#include "scratch.h"
#include "werload/run.h"

enum {
	REPORTS = 300,
	CAB_BYTES = 30 * 1024
};

enum pretence {
	PRETEND_WELL,
	PRETEND_BUSY,    /* every third request is answered 503 */
	PRETEND_REFUSAL, /* every report is answered 400 */
	PRETEND_NO_BUCKET,
	PRETEND_BROKEN, /* answers 200 with a page that is no reply */
	PRETEND_FULL    /* takes reports, refuses cabinets with 413 */
};

/* The other side, in its own thread; read when that thread has ended. */
struct collector {
	enum pretence pretence;
	pthread_t thread;
	uv_loop_t loop;
	uv_async_t stop;
	struct http_server *server;
	struct http_server_options options;
	struct buf body;
	struct table accepted; /* starts of digests of bodies that were answered 200 */
	uint16_t port;
	uint64_t n_requests, n_posts, n_puts, n_strange;
	uint64_t n_connections, last_connection;
};

static uint64_t
start_of_digest(struct slice body)
{
	uint8_t sha256[CRYPTO_SHA256_BYTES];
	uint64_t start;
	crypto_sha256(body, sha256);
	memcpy(&start, sha256, sizeof(start));
	return start | 1;
}

/* What a corporate client sends, and nothing else. */
static bool
is_as_a_machine_sends_it(const struct http_request *request)
{
	return slice_equal_str(http_header(request, "User-Agent"), "MSDW") &&
	       slice_equal_str(http_header(request, "Connection"), "Keep-Alive") &&
	       slice_is_absent(http_header(request, "Content-Type")) &&
	       slice_is_absent(http_header(request, "Expect")) &&
	       slice_is_absent(http_header(request, "Accept")) && request->has_content_length &&
	       !request->is_chunked;
}

static err_t
on_head(struct http_request *request, void *context)
{
	struct collector *collector = context;
	bool is_post = slice_equal_str(request->method, "POST");
	bool is_stage2 = slice_equal_str(request->target, "/stage2.htm");
	buf_reset(&collector->body);
	collector->n_requests++;
	collector->n_posts += is_post;
	collector->n_puts += !is_post;
	collector->n_strange += is_post != is_stage2 || !is_as_a_machine_sends_it(request);
	collector->n_connections += request->connection != collector->last_connection;
	collector->last_connection = request->connection;
	return OK;
}

static err_t
on_body(struct http_request *request, struct slice bytes, void *context)
{
	struct collector *collector = context;
	(void)request;
	buf_append(&collector->body, bytes);
	return OK;
}

static void
accept_report(struct collector *collector, struct http_request *request)
{
	char reply[256];
	uint64_t id = collector->n_posts << 21;
	(void)snprintf(
		reply, sizeof(reply),
		"iData=1\r\nBucket=1234\r\nBucketTable=5\r\nDumpFile=/cab/%016llx%048d.cab\r\n",
		(unsigned long long)id, 0);
	const char *text = collector->pretence == PRETEND_NO_BUCKET ? "iData=0\r\n"
			   : collector->pretence == PRETEND_BROKEN  ? "<html>\r\nhello</html>"
								    : reply;
	(void)table_add(&collector->accepted, start_of_digest(buf_slice(&collector->body)), 1);
	http_respond(request, 200, "text/plain", slice_str(text), NULL, false);
}

static void
on_complete(struct http_request *request, void *context)
{
	struct collector *collector = context;
	bool is_post = slice_equal_str(request->method, "POST");
	struct slice nothing = SLICE_LITERAL("");
	if (collector->pretence == PRETEND_BUSY && collector->n_requests % 3 == 0)
		http_respond(request, 503, "text/plain", nothing, "Retry-After: 1\r\n", false);
	else if (collector->pretence == PRETEND_REFUSAL)
		http_respond(request, 400, "text/plain", nothing, NULL, false);
	else if (collector->pretence == PRETEND_FULL && !is_post)
		http_respond(request, 413, "text/plain", nothing, NULL, false);
	else if (is_post)
		accept_report(collector, request);
	else
		http_respond(request, 200, "text/plain", nothing, NULL, false);
}

static void
on_gone(struct http_request *request, err_t why, void *context)
{
	(void)request;
	(void)why;
	(void)context;
}

static void
on_refused(const struct address *peer, const char *reason, err_t why, struct slice bytes,
	   void *context)
{
	struct collector *collector = context;
	(void)peer;
	(void)reason;
	(void)why;
	(void)bytes;
	collector->n_strange++;
}

static void
on_stop(uv_async_t *handle)
{
	uv_stop(handle->loop);
}

static void *
serve(void *context)
{
	struct collector *collector = context;
	(void)uv_run(&collector->loop, UV_RUN_DEFAULT);
	http_server_free(collector->server);
	uv_close((uv_handle_t *)&collector->stop, NULL);
	(void)uv_run(&collector->loop, UV_RUN_DEFAULT);
	return NULL;
}

static struct collector *
collector_start(enum pretence pretence)
{
	struct collector *collector = calloc(1, sizeof(*collector));
	struct address address;
	struct sockaddr_storage at;
	socklen_t at_bytes = sizeof(at);
	struct err_detail detail;
	int fd;
	assert_non_null(collector);
	(void)signal(SIGPIPE, SIG_IGN);
	collector->pretence = pretence;
	table_init(&collector->accepted);
	buf_init(&collector->body, 64 * 1024 * 1024);
	collector->options = (struct http_server_options){
		.handlers = {.head = on_head,
			     .body = on_body,
			     .complete = on_complete,
			     .gone = on_gone,
			     .refused = on_refused},
		.context = collector,
		.limits = {.connections = 100,
			   .head_timeout_us = TIME_MINUTE_US,
			   .body_timeout_us = TIME_MINUTE_US,
			   .body_least_bytes = 1,
			   .idle_timeout_us = TIME_MINUTE_US,
			   .arena_bytes = 64 * 1024},
	};
	assert_int_equal(uv_loop_init(&collector->loop), 0);
	assert_int_equal(uv_async_init(&collector->loop, &collector->stop, on_stop), 0);
	assert_int_equal(http_server_new(&collector->loop, &collector->options, &collector->server),
			 OK);
	assert_true(address_parse(SLICE_LITERAL("127.0.0.1:1"), &address));
	address.port = 0;
	assert_int_equal(address_listen(&address, &fd, &detail), OK);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &at_bytes), 0);
	address_from_sockaddr((const struct sockaddr *)&at, &address);
	collector->port = address.port;
	assert_int_equal(http_server_listen(collector->server, fd, NULL), OK);
	assert_int_equal(pthread_create(&collector->thread, NULL, serve, collector), 0);
	return collector;
}

static void
collector_stop(struct collector *collector)
{
	(void)uv_async_send(&collector->stop);
	assert_int_equal(pthread_join(collector->thread, NULL), 0);
	assert_int_equal(uv_loop_close(&collector->loop), 0);
}

static void
collector_free(struct collector *collector)
{
	table_done(&collector->accepted);
	buf_done(&collector->body);
	free(collector);
}

static struct run_options
options_of(uint16_t port)
{
	return (struct run_options){
		.server = "127.0.0.1",
		.port = port,
		.fleet = {.seed = 4, .machines = 100},
		.reports = REPORTS,
		.queued = SHAPE_QUEUED,
		.connections = 8,
		.is_keep_alive = true,
		.cab_bytes = CAB_BYTES,
		.patience_us = 20 * TIME_SECOND_US,
		.timeout_us = 10 * TIME_SECOND_US,
	};
}

static struct run_stats *
run(const struct run_options *options, int64_t duration_us, const char *acknowledged)
{
	struct shape shape = {
		.kind = options->shape,
		.seed = 4,
		.machines = 100,
		.queued = options->queued,
		.reports = options->reports,
		.duration_us = duration_us,
		.start_us = INT64_C(1793610000000000),
	};
	struct run_stats *stats = calloc(1, sizeof(*stats));
	struct fleet *fleet = NULL;
	struct ledger ledger;
	struct err_detail detail = {0};
	assert_non_null(stats);
	assert_int_equal(fleet_new(&options->fleet, &fleet), OK);
	assert_int_equal(ledger_open(&ledger, acknowledged, &detail), OK);
	if (run_load(options, &shape, fleet, &ledger, stats, &detail) != OK)
		fail_msg("%s", detail.why);
	ledger_close(&ledger);
	fleet_free(fleet);
	/* Whatever happened, each report ended as exactly one thing. */
	assert_int_equal(stats->acknowledged + stats->refused + stats->lost, stats->made);
	return stats;
}

static void
loses_everything_when_nobody_listens(void **state)
{
	struct run_options options = options_of(9);
	(void)state;
	options.patience_us = TIME_SECOND_US;
	struct run_stats *stats = run(&options, 0, NULL);
	assert_int_equal(stats->acknowledged, 0);
	assert_true(stats->lost > 0);
	assert_true(stats->retried > 0);
	assert_int_equal(stats->lost + stats->unsent, REPORTS);
	assert_true(stats->errors[ERR_CLOSED] > 0);
	free(stats);
}

static void
does_not_repeat_what_was_refused(void **state)
{
	struct collector *collector = collector_start(PRETEND_REFUSAL);
	struct run_options options = options_of(collector->port);
	(void)state;
	struct run_stats *stats = run(&options, 0, NULL);
	collector_stop(collector);
	assert_int_equal(stats->refused, REPORTS);
	assert_int_equal(stats->statuses[400], REPORTS);
	assert_int_equal(collector->n_posts, REPORTS);
	collector_free(collector);
	free(stats);
}

static void
comes_back_after_503_until_all_is_acknowledged(void **state)
{
	struct collector *collector = collector_start(PRETEND_BUSY);
	struct run_options options = options_of(collector->port);
	(void)state;
	options.reports = 40;
	options.has_cabs = true;
	struct run_stats *stats = run(&options, TIME_SECOND_US / 2, NULL);
	collector_stop(collector);
	assert_int_equal(stats->acknowledged, 40);
	assert_int_equal(stats->uploads_acknowledged, 40);
	assert_true(stats->statuses[503] >= 20);
	assert_int_equal(stats->retried, stats->statuses[503]);
	assert_int_equal(collector->n_requests, 80 + stats->retried);
	assert_int_equal(collector->accepted.count, 40);
	assert_int_equal(collector->n_strange, 0);
	/* Retry-After was a second. */
	assert_true(stats->latency.max_us >= TIME_SECOND_US);
	collector_free(collector);
	free(stats);
}

struct expected {
	struct collector *collector;
	uint64_t reports, uploads;
};

static err_t
look_up(void *context, const struct ledger_entry *entry)
{
	struct expected *expected = context;
	if (entry->is_upload) {
		expected->uploads++;
		assert_int_equal(entry->number, CAB_BYTES);
		assert_true(entry->report != 0);
		return OK;
	}
	uint64_t count, start;
	memcpy(&start, entry->sha256, sizeof(start));
	expected->reports++;
	assert_int_equal(entry->number, 1234);
	assert_true(table_find(&expected->collector->accepted, start | 1, &count));
	return OK;
}

static void
writes_down_what_was_acknowledged(void **state)
{
	char folder[SCRATCH_PATH_BYTES], path[SCRATCH_PATH_BYTES + 16];
	struct collector *collector = collector_start(PRETEND_WELL);
	struct run_options options = options_of(collector->port);
	struct expected expected = {.collector = collector};
	struct err_detail detail;
	(void)state;
	scratch_make(folder);
	(void)snprintf(path, sizeof(path), "%s/list", folder);
	options.has_cabs = true;
	struct run_stats *stats = run(&options, 0, path);
	collector_stop(collector);
	assert_int_equal(stats->acknowledged, REPORTS);
	assert_int_equal(stats->uploads_acknowledged, REPORTS);
	assert_int_equal(stats->upload_bytes, (uint64_t)REPORTS * CAB_BYTES);
	assert_int_equal(stats->latency.total, REPORTS);
	assert_int_equal(collector->n_strange, 0);
	assert_int_equal(ledger_read(path, look_up, &expected, &detail), OK);
	assert_int_equal(expected.reports, REPORTS);
	assert_int_equal(expected.uploads, REPORTS);
	scratch_remove(folder);
	collector_free(collector);
	free(stats);
}

static void
sends_no_cabinets_unless_told_to(void **state)
{
	struct collector *collector = collector_start(PRETEND_WELL);
	struct run_options options = options_of(collector->port);
	(void)state;
	struct run_stats *stats = run(&options, 0, NULL);
	collector_stop(collector);
	assert_int_equal(stats->acknowledged, REPORTS);
	assert_int_equal(stats->uploads_asked, 0);
	assert_int_equal(collector->n_puts, 0);
	collector_free(collector);
	free(stats);
}

static void
makes_a_connection_for_each_report_as_machines_do(void **state)
{
	struct collector *collector = collector_start(PRETEND_WELL);
	struct run_options options = options_of(collector->port);
	(void)state;
	options.is_keep_alive = false;
	options.connections = 1;
	options.reports = 30;
	struct run_stats *stats = run(&options, 0, NULL);
	collector_stop(collector);
	assert_int_equal(stats->acknowledged, 30);
	assert_int_equal(collector->n_connections, 30);
	assert_int_equal(collector->n_strange, 0);
	collector_free(collector);
	free(stats);
}

static void
takes_a_200_without_a_proper_reply_for_what_it_is(void **state)
{
	static const enum pretence pretences[] = {PRETEND_NO_BUCKET, PRETEND_BROKEN};
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct collector *collector = collector_start(pretences[i]);
		struct run_options options = options_of(collector->port);
		options.has_cabs = true;
		struct run_stats *stats = run(&options, 0, NULL);
		collector_stop(collector);
		assert_int_equal(stats->acknowledged, REPORTS);
		assert_int_equal(stats->without_bucket, REPORTS);
		assert_int_equal(stats->uploads_asked, 0);
		collector_free(collector);
		free(stats);
	}
}

static void
counts_cabinets_that_were_refused(void **state)
{
	struct collector *collector = collector_start(PRETEND_FULL);
	struct run_options options = options_of(collector->port);
	(void)state;
	options.has_cabs = true;
	options.reports = 50;
	struct run_stats *stats = run(&options, 0, NULL);
	collector_stop(collector);
	assert_int_equal(stats->acknowledged, 50);
	assert_int_equal(stats->uploads_refused, 50);
	assert_int_equal(stats->uploads_acknowledged, 0);
	collector_free(collector);
	free(stats);
}

static void
keeps_to_its_pace(void **state)
{
	struct collector *collector = collector_start(PRETEND_WELL);
	struct run_options options = options_of(collector->port);
	(void)state;
	int64_t started_us = time_monotonic_us();
	struct run_stats *stats = run(&options, TIME_SECOND_US, NULL);
	int64_t elapsed_us = time_monotonic_us() - started_us;
	collector_stop(collector);
	assert_int_equal(stats->acknowledged, REPORTS);
	assert_true(elapsed_us > TIME_SECOND_US * 9 / 10);
	collector_free(collector);
	free(stats);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(loses_everything_when_nobody_listens),
		cmocka_unit_test(does_not_repeat_what_was_refused),
		cmocka_unit_test(comes_back_after_503_until_all_is_acknowledged),
		cmocka_unit_test(writes_down_what_was_acknowledged),
		cmocka_unit_test(sends_no_cabinets_unless_told_to),
		cmocka_unit_test(makes_a_connection_for_each_report_as_machines_do),
		cmocka_unit_test(takes_a_200_without_a_proper_reply_for_what_it_is),
		cmocka_unit_test(counts_cabinets_that_were_refused),
		cmocka_unit_test(keeps_to_its_pace),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
