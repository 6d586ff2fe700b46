/* The HTTP client against our own server, both in one thread. */
#include "http_fixture.h"

#include "certificate.h"
#include "net/http_client.h"

static char folder[] = "/tmp/test_http_client.XXXXXX";
static char certificate[64];
static char key[64];

static int
make_files(void **state)
{
	(void)state;
	if (mkdtemp(folder) == NULL)
		return -1;
	(void)snprintf(certificate, sizeof(certificate), "%s/certificate.pem", folder);
	(void)snprintf(key, sizeof(key), "%s/key.pem", folder);
	certificate_write(certificate, key, 0, NULL);
	return 0;
}

static int
remove_files(void **state)
{
	(void)state;
	(void)unlink(certificate);
	(void)unlink(key);
	return rmdir(folder);
}

struct world {
	struct fixture *f;
	struct http_client *client;
	struct http_client_options options;
	struct http_client_request request;
	char url[64];
	/* What came of the last request, and of all. */
	struct http_client_result last;
	char why[256];
	struct buf body;
	size_t n_done;
	size_t n_to_send; /* further ones, from within `done` */
};

static void
send_one(struct world *w)
{
	assert_int_equal(http_client_send(w->client, &w->request), OK);
}

static void
on_done(const struct http_client_result *result, void *context)
{
	struct world *w = context;
	w->last = *result;
	(void)snprintf(w->why, sizeof(w->why), "%s", result->why);
	buf_reset(&w->body);
	buf_append(&w->body, result->body);
	w->n_done++;
	if (w->n_to_send > 0) {
		w->n_to_send--;
		send_one(w);
	}
}

static int
prepare(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	w->f = fixture_new();
	w->request = (struct http_client_request){
		.method = "GET",
		.url = w->url,
		.done = on_done,
		.context = w,
	};
	buf_init(&w->body, 64 * 1024 * 1024);
	*state = w;
	return 0;
}

static void
start(struct world *w, bool is_tls)
{
	struct err_detail detail = {0};
	struct tls_context *context = NULL;
	if (is_tls && tls_context_load(certificate, key, TLS_1_2, &context, &detail) != OK)
		fail_msg("%s", detail.why);
	fixture_start(w->f, context);
	tls_context_unref(context);
	if (http_client_new(&w->options, &w->client, &detail) != OK)
		fail_msg("%s", detail.why);
	(void)snprintf(w->url, sizeof(w->url), "%s://127.0.0.1:%u/x", is_tls ? "https" : "http",
		       w->f->at.port);
}

static int
stop(void **state)
{
	struct world *w = *state;
	http_client_free(w->client);
	fixture_free(w->f);
	buf_done(&w->body);
	free(w);
	return 0;
}

static void
run(struct world *w)
{
	int64_t end_us = time_monotonic_us() + 30 * TIME_SECOND_US;
	while (http_client_open(w->client) > 0 && time_monotonic_us() < end_us) {
		assert_int_equal(http_client_run_once(w->client, 1000), OK);
		fixture_turn(w->f);
	}
	assert_int_equal(http_client_open(w->client), 0);
}

static void
send_and_run(struct world *w)
{
	send_one(w);
	run(w);
}

static void
refuses_a_ca_file_that_is_not_there(void **state)
{
	struct world *w = *state;
	struct err_detail detail = {0};
	w->options.ca_file = "/nowhere/ca.pem";
	assert_int_equal(http_client_new(&w->options, &w->client, &detail), ERR_CONFIG);
	assert_non_null(strstr(detail.why, "/nowhere/ca.pem"));
}

static void
refuses_a_request_that_says_nothing(void **state)
{
	struct world *w = *state;
	start(w, false);
	w->request.method = NULL;
	assert_int_equal(http_client_send(w->client, &w->request), ERR_USAGE);
	w->request.method = "GET";
	w->request.url = NULL;
	assert_int_equal(http_client_send(w->client, &w->request), ERR_USAGE);
	w->request.url = "file:///etc/passwd";
	send_and_run(w);
	assert_int_equal(w->last.err, ERR_PROTO);
	assert_int_equal(w->n_done, 1);
}

static void
names_what_went_wrong(void **state)
{
	struct world *w = *state;
	start(w, false);
	w->request.url = "http://127.0.0.1:1/";
	send_and_run(w);
	assert_int_equal(w->last.err, ERR_CLOSED);
	assert_true(w->why[0] != '\0');
	w->request.url = "http://127.0.0.1:x/";
	send_and_run(w);
	assert_int_equal(w->last.err, ERR_USAGE);
	assert_int_equal(w->n_done, 2);
}

static void
a_server_that_goes_without_an_answer_is_closed(void **state)
{
	struct world *w = *state;
	start(w, false);
	w->f->answer = ANSWER_LATER;
	send_one(w);
	while (w->f->held == NULL) {
		assert_int_equal(http_client_run_once(w->client, 1000), OK);
		fixture_turn(w->f);
	}
	fixture_stop_server(w->f);
	run(w);
	assert_int_equal(w->last.err, ERR_CLOSED);
	fixture_answer(w->f, w->f->held);
}

static void
a_server_that_is_silent_times_out(void **state)
{
	struct world *w = *state;
	w->options.timeout_us = 50000;
	start(w, false);
	w->f->answer = ANSWER_LATER;
	send_and_run(w);
	assert_int_equal(w->last.err, ERR_TIMEOUT);
	assert_true(w->last.total_us >= 49000);
	fixture_answer(w->f, w->f->held);
}

static void
an_answer_over_the_limit_is_refused(void **state)
{
	struct world *w = *state;
	w->options.answer_bytes = 5;
	start(w, false);
	w->f->text = "12345";
	send_and_run(w);
	assert_int_equal(w->last.err, OK);
	w->f->text = "123456";
	send_and_run(w);
	assert_int_equal(w->last.err, ERR_LIMIT);
}

static void
takes_no_certificate_that_it_does_not_know(void **state)
{
	struct world *w = *state;
	start(w, true);
	send_and_run(w);
	assert_int_equal(w->last.err, ERR_DENIED);
	assert_int_equal(w->last.status, 0);
	/* The server hears why, as it would from a Windows machine. */
	fixture_wait_log(w->f, "refused tls_handshake; ");
}

static void
takes_a_certificate_it_was_told_of(void **state)
{
	struct world *w = *state;
	w->options.ca_file = certificate;
	start(w, true);
	send_and_run(w);
	assert_int_equal(w->last.err, OK);
	assert_int_equal(w->last.status, 200);
	assert_true(w->last.connected_us > 0);
	assert_true(w->last.first_byte_us >= w->last.connected_us);
	assert_true(w->last.total_us >= w->last.first_byte_us);
	send_and_run(w);
	assert_int_equal(w->last.connected_us, 0);
}

static void
takes_any_certificate_when_told_so(void **state)
{
	struct world *w = *state;
	w->options.is_insecure = true;
	w->options.is_full_handshake = true;
	w->options.is_new_connection = true;
	start(w, true);
	for (int i = 0; i < 3; i++) {
		send_and_run(w);
		assert_int_equal(w->last.err, OK);
		assert_true(w->last.connected_us > 0);
	}
}

static void
sends_what_it_is_told_and_little_else(void **state)
{
	static const char *const headers[] = {"Connection: Keep-Alive"};
	struct world *w = *state;
	char expected[256];
	w->options.user_agent = "MSDW";
	w->f->options.handlers.tap = fixture_tap;
	start(w, false);
	w->request.method = "POST";
	w->request.body = SLICE_LITERAL("hello");
	w->request.headers = headers;
	w->request.n_headers = 1;
	send_and_run(w);
	(void)snprintf(expected, sizeof(expected),
		       "POST /x HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nUser-Agent: MSDW\r\n"
		       "Connection: Keep-Alive\r\nContent-Length: 5\r\n\r\nhello",
		       w->f->at.port);
	buf_append_byte(&w->f->tapped[1], 0);
	assert_string_equal((char *)w->f->tapped[1].data, expected);
	assert_true(slice_equal_str(buf_slice(&w->body), "hello"));
	assert_int_equal(w->last.sent_bytes, 5);
}

static void
sends_any_method_with_and_without_a_body(void **state)
{
	struct world *w = *state;
	start(w, false);
	w->request.method = "PUT";
	w->request.body = SLICE_LITERAL("");
	send_and_run(w);
	w->request.method = "DELETE";
	w->request.body = (struct slice){0};
	send_and_run(w);
	w->request.method = "HEAD";
	w->f->text = "not sent";
	send_and_run(w);
	assert_int_equal(w->last.err, OK);
	assert_int_equal(w->body.len, 0);
	w->request.method = "GET";
	send_and_run(w);
	assert_int_equal(w->body.len, 8);
	fixture_expect_log(w->f, "head PUT /x; complete; head DELETE /x; complete; "
				 "head HEAD /x; complete; head GET /x; complete; ");
}

static void
sends_a_target_as_it_is(void **state)
{
	struct world *w = *state;
	start(w, false);
	w->request.method = "PUT";
	w->request.target = "\\cab\\26\\x.cab";
	send_and_run(w);
	w->request.target = NULL;
	send_and_run(w);
	fixture_expect_log(w->f, "head PUT \\cab\\26\\x.cab; complete; head PUT /x; complete; ");
}

static void
waits_for_continue_when_asked_to(void **state)
{
	static const char *const headers[] = {"Expect: 100-continue"};
	struct world *w = *state;
	w->f->options.handlers.tap = fixture_tap;
	start(w, false);
	w->request.method = "PUT";
	w->request.body = SLICE_LITERAL("hello");
	w->request.headers = headers;
	w->request.n_headers = 1;
	send_and_run(w);
	assert_int_equal(w->last.status, 200);
	assert_true(slice_starts_with(buf_slice(&w->f->tapped[0]),
				      SLICE_LITERAL("HTTP/1.1 100 Continue\r\n\r\n")));
}

static void
tells_status_and_when_to_come_again(void **state)
{
	struct world *w = *state;
	start(w, false);
	w->f->head_result = ERR_BUSY;
	send_and_run(w);
	assert_int_equal(w->last.err, OK);
	assert_int_equal(w->last.status, 503);
	assert_int_equal(w->last.retry_after_s, 30);
	assert_true(slice_equal_str(buf_slice(&w->body), "try again later\n"));
	w->f->head_result = OK;
	send_and_run(w);
	assert_int_equal(w->last.status, 200);
	assert_int_equal(w->last.retry_after_s, 0);
}

static uint64_t last_connection;

static void
note_connection(struct http_request *request, struct fixture *f)
{
	(void)f;
	last_connection = request->connection;
}

static void
uses_a_connection_again_unless_told_not_to(void **state)
{
	struct world *w = *state;
	w->f->on_head = note_connection;
	start(w, false);
	for (int i = 0; i < 3; i++)
		send_and_run(w);
	assert_int_equal(last_connection, 1);
	http_client_free(w->client);
	w->options.is_new_connection = true;
	assert_int_equal(http_client_new(&w->options, &w->client, NULL), OK);
	for (int i = 0; i < 3; i++)
		send_and_run(w);
	assert_int_equal(last_connection, 4);
}

static void
sends_a_big_body_from_memory(void **state)
{
	enum {
		BYTES = 20 * 1024 * 1024
	};
	struct world *w = *state;
	uint8_t *bytes = malloc(BYTES);
	for (size_t i = 0; i < BYTES; i++)
		bytes[i] = (uint8_t)(i * 13 + i / 251);
	start(w, false);
	w->f->text = "fine";
	w->request.method = "PUT";
	w->request.body = slice_of(bytes, BYTES);
	send_one(w);
	run(w);
	assert_true(slice_equal(buf_slice(&w->f->in), w->request.body));
	assert_int_equal(w->last.status, 200);
	free(bytes);
}

static void
keeps_to_its_number_of_connections(void **state)
{
	struct world *w = *state;
	w->options.connections = 10;
	w->f->on_head = note_connection;
	start(w, false);
	w->n_to_send = 500;
	for (int i = 0; i < 500; i++)
		send_one(w);
	assert_int_equal(http_client_open(w->client), 500);
	run(w);
	assert_int_equal(w->n_done, 1000);
	assert_true(last_connection <= 10);
	assert_int_equal(w->last.status, 200);
}

static void
may_be_freed_with_requests_open(void **state)
{
	struct world *w = *state;
	w->options.connections = 1;
	start(w, false);
	w->f->answer = ANSWER_LATER;
	for (int i = 0; i < 3; i++)
		send_one(w);
	while (w->f->held == NULL) {
		assert_int_equal(http_client_run_once(w->client, 1000), OK);
		fixture_turn(w->f);
	}
	http_client_free(w->client);
	w->client = NULL;
	assert_int_equal(w->n_done, 0);
	fixture_turns(w->f, 5);
	fixture_answer(w->f, w->f->held);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, prepare, stop)
	const struct CMUnitTest tests[] = {
		TEST(refuses_a_ca_file_that_is_not_there),
		TEST(refuses_a_request_that_says_nothing),
		TEST(names_what_went_wrong),
		TEST(a_server_that_goes_without_an_answer_is_closed),
		TEST(a_server_that_is_silent_times_out),
		TEST(an_answer_over_the_limit_is_refused),
		TEST(takes_no_certificate_that_it_does_not_know),
		TEST(takes_a_certificate_it_was_told_of),
		TEST(takes_any_certificate_when_told_so),
		TEST(sends_what_it_is_told_and_little_else),
		TEST(sends_any_method_with_and_without_a_body),
		TEST(sends_a_target_as_it_is),
		TEST(waits_for_continue_when_asked_to),
		TEST(tells_status_and_when_to_come_again),
		TEST(uses_a_connection_again_unless_told_not_to),
		TEST(sends_a_big_body_from_memory),
		TEST(keeps_to_its_number_of_connections),
		TEST(may_be_freed_with_requests_open),
	};
	return cmocka_run_group_tests(tests, make_files, remove_files);
}
