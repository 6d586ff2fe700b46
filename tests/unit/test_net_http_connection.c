/* How connections begin and end: disconnects, deadlines, PROXY v2, limits, drain.  TLS is in
 * test_net_http_tls.c. */
#include "http_fixture.h"

#include <sys/resource.h>

#define OK_HEAD "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: "
#define GET "GET /x HTTP/1.1\r\n\r\n"
#define POST "POST /x HTTP/1.1\r\nContent-Length: 10\r\n\r\n"
#define ERROR_HEAD "Content-Type: text/plain; charset=windows-1252\r\nContent-Length: "
#define TIMEOUT                                                                                    \
	"HTTP/1.1 408 Request Timeout\r\n" ERROR_HEAD "14\r\nConnection: close\r\n\r\n"            \
	"took too long\n"
#define NOT_ALLOWED                                                                                \
	"HTTP/1.1 403 Forbidden\r\n" ERROR_HEAD "12\r\nConnection: close\r\n\r\nnot allowed\n"
#define TOO_MANY                                                                                   \
	"HTTP/1.1 503 Service Unavailable\r\n" ERROR_HEAD "16\r\nConnection: close\r\n"            \
	"Retry-After: 30\r\n\r\ntry again later\n"

static int
prepare(void **state)
{
	*state = fixture_new();
	return 0;
}

static int
stop(void **state)
{
	fixture_free(*state);
	return 0;
}

/* Disconnects */

static void
is_still_there_after_a_peer_left_at_any_byte(void **state)
{
	static const char *const requests[] = {
		POST "0123456789" GET,
		"POST /x HTTP/1.1\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n"
		"3\r\nabc\r\n0\r\nA: b\r\n\r\n",
	};
	struct fixture *f = *state;
	fixture_start(f, NULL);
	for (size_t i = 0; i < 2; i++) {
		size_t len = strlen(requests[i]);
		for (size_t cut = 0; cut <= 2 * len; cut++) {
			int fd = fixture_dial(f);
			fixture_put_bytes(f, fd, slice_of(requests[i], cut / 2));
			if (cut % 2 == 0)
				fixture_reset(fd);
			else
				(void)close(fd);
			fixture_wait_connections(f, 0);
		}
	}
	int fd = fixture_dial(f);
	fixture_put(f, fd, GET);
	fixture_expect(f, fd, OK_HEAD "0\r\n\r\n");
	(void)close(fd);
}

static void
says_gone_when_a_peer_leaves_within_a_body(void **state)
{
	struct fixture *f = *state;
	fixture_start(f, NULL);
	for (int i = 0; i < 2; i++) {
		int fd = fixture_dial(f);
		fixture_put(f, fd, POST "01234");
		if (i == 0)
			fixture_reset(fd);
		else
			(void)close(fd);
		fixture_wait_log(f, "head POST /x; refused closed_in_body; gone ERR_CLOSED; ");
	}
}

static void
keeps_the_start_of_a_head_that_was_cut(void **state)
{
	struct fixture *f = *state;
	fixture_start(f, NULL);
	int fd = fixture_dial(f);
	fixture_put(f, fd, "POST /stage2.htm HT");
	fixture_put(f, fd, "TP/1.1\r\nHost");
	(void)close(fd);
	fixture_wait_log(f, "refused closed_in_head; ");
	assert_true(
		slice_equal_str(buf_slice(&f->refused_bytes), "POST /stage2.htm HTTP/1.1\r\nHost"));
}

static void
a_request_outlives_its_peer_until_it_is_answered(void **state)
{
	struct fixture *f = *state;
	fixture_start(f, NULL);
	f->answer = ANSWER_LATER;
	int fd = fixture_dial(f);
	fixture_put(f, fd, GET);
	fixture_reset(fd);
	fixture_wait_connections(f, 0);
	assert_true(slice_equal_str(f->held->target, "/x"));
	fixture_answer(f, f->held);
	fixture_expect_log(f, "head GET /x; complete; ");
}

static void
a_peer_that_has_sent_its_last_byte_gets_its_answers(void **state)
{
	struct fixture *f = *state;
	fixture_start(f, NULL);
	f->answer = ANSWER_LATER;
	int fd = fixture_dial(f);
	fixture_put(f, fd, GET GET);
	(void)shutdown(fd, SHUT_WR);
	fixture_turns(f, 5);
	fixture_answer(f, f->held);
	fixture_answer(f, f->held);
	fixture_expect(f, fd, OK_HEAD "0\r\n\r\n" OK_HEAD "0\r\n\r\n");
	fixture_expect_end(f, fd);
}

static void
a_server_may_be_freed_before_its_requests_are_answered(void **state)
{
	struct fixture *f = *state;
	fixture_start(f, NULL);
	f->answer = ANSWER_LATER;
	int fd = fixture_dial(f);
	int half = fixture_dial(f);
	fixture_put(f, fd, GET);
	fixture_put(f, half, POST "01234");
	fixture_expect_log(f, "head GET /x; complete; head POST /x; ");
	fixture_stop_server(f);
	fixture_expect_log(f, "gone ERR_CLOSED; ");
	fixture_answer(f, f->held);
	(void)close(fd);
	(void)close(half);
}

static void
free_within(struct http_request *request, struct fixture *f)
{
	(void)request;
	http_server_free(f->server);
	f->server = NULL;
}

static void
a_server_may_be_freed_by_its_handler(void **state)
{
	struct fixture *f = *state;
	fixture_start(f, NULL);
	f->on_head = free_within;
	int fd = fixture_dial(f);
	fixture_put(f, fd, POST "01234");
	fixture_wait_log(f, "head POST /x; gone ERR_CLOSED; ");
	fixture_turns(f, 5);
	(void)close(fd);
}

static void
refused_and_free(const struct address *peer, const char *reason, err_t why, struct slice bytes,
		 void *context)
{
	struct fixture *f = context;
	fixture_refused(peer, reason, why, bytes, context);
	http_server_free(f->server);
	f->server = NULL;
}

static void
a_server_may_be_freed_when_it_refuses(void **state)
{
	static const char *const starts[] = {"FOO", "POST /x HTTP/1.1\r\nA", POST "0"};
	static const char *const logs[] = {
		"refused bad_method; ", "refused closed_in_head; ",
		"head POST /x; refused closed_in_body; gone ERR_CLOSED; "};
	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct fixture *f = fixture_new();
		f->options.handlers.refused = refused_and_free;
		fixture_start(f, NULL);
		int other = fixture_dial(f);
		int fd = fixture_dial(f);
		fixture_put(f, fd, starts[i]);
		(void)close(fd);
		fixture_wait_log(f, logs[i]);
		fixture_turns(f, 5);
		(void)close(other);
		fixture_free(f);
	}
}

static void
nobody_is_waited_for_very_long_after_a_last_answer(void **state)
{
	struct fixture *f = *state;
	f->options.limits.idle_timeout_us = 100000;
	fixture_start(f, NULL);
	int fd = fixture_dial(f);
	fixture_put(f, fd, "FOO");
	fixture_wait_log(f, "refused bad_method; ");
	int64_t start_us = time_monotonic_us();
	assert_int_equal(http_server_connections(f->server), 1);
	fixture_wait_connections(f, 0);
	assert_in_range(time_monotonic_us() - start_us, 1900000, 10000000);
	(void)close(fd);
}

/* Much ahead, much behind */

static void
a_peer_far_ahead_of_its_answers_is_made_to_wait(void **state)
{
	enum {
		REQUESTS = 20000
	};
	struct fixture *f = *state;
	struct buf requests;
	fixture_start(f, NULL);
	f->answer = ANSWER_LATER;
	buf_init(&requests, 1024 * 1024);
	for (int i = 0; i < REQUESTS; i++)
		buf_append_str(&requests, GET);
	int fd = fixture_dial(f);
	struct slice left = buf_slice(&requests);
	size_t answered = 0;
	while (answered < REQUESTS) {
		char got[4096];
		ssize_t count = left.len == 0 ? 0 : send(fd, left.data, left.len, MSG_DONTWAIT);
		if (count > 0)
			left = slice_sub(left, (size_t)count, left.len);
		fixture_turn(f);
		for (; f->held != NULL; answered++) {
			struct http_request *request = f->held;
			f->held = NULL;
			fixture_answer(f, request);
		}
		while (recv(fd, got, sizeof(got), MSG_DONTWAIT) > 0)
			continue;
	}
	assert_int_equal(left.len, 0);
	buf_done(&requests);
	(void)close(fd);
}

static void
sends_a_long_answer_to_a_slow_reader(void **state)
{
	enum {
		BYTES = 16 * 1024 * 1024
	};
	struct fixture *f = *state;
	char *text = malloc(BYTES + 1);
	char *got = malloc(BYTES + 256);
	memset(text, 'a', BYTES);
	text[BYTES] = '\0';
	fixture_start(f, NULL);
	f->text = text;
	int fd = fixture_dial(f);
	fixture_put(f, fd, GET GET);
	fixture_turns(f, 20);
	fixture_expect_log(f, "head GET /x; complete; ");
	for (int i = 0; i < 2; i++) {
		fixture_expect(f, fd, OK_HEAD "16777216\r\n\r\n");
		assert_int_equal(fixture_get(f, fd, got, BYTES), BYTES);
		assert_memory_equal(got, text, BYTES);
	}
	(void)close(fd);
	free(text);
	free(got);
}

static void
a_reader_that_leaves_within_its_answer_is_let_go(void **state)
{
	enum {
		BYTES = 16 * 1024 * 1024
	};
	struct fixture *f = *state;
	char *text = calloc(1, BYTES + 1);
	memset(text, 'a', BYTES);
	fixture_start(f, NULL);
	f->text = text;
	for (int i = 0; i < 2; i++) {
		int fd = fixture_dial(f);
		fixture_put(f, fd, GET);
		fixture_turns(f, 5);
		assert_int_equal(http_server_connections(f->server), 1);
		if (i == 0)
			fixture_reset(fd);
		else
			(void)close(fd);
		fixture_wait_connections(f, 0);
	}
	free(text);
}

/* Deadlines */

static void
a_slow_head_is_answered_408_however_it_drips(void **state)
{
	struct fixture *f = *state;
	fixture_short_timeouts(f);
	fixture_start(f, NULL);
	int fd = fixture_dial(f);
	int64_t start_us = time_monotonic_us();
	fixture_put(f, fd, "GET / HTTP/1.1\r\nA: ");
	for (int i = 0; i < 200 && f->log.len == 0; i++) {
		(void)send(fd, "x", 1, MSG_DONTWAIT);
		fixture_turns(f, 5);
	}
	assert_true(time_monotonic_us() - start_us >= 100000);
	fixture_expect(f, fd, TIMEOUT);
	fixture_expect_log(f, "refused head_timeout; ");
	assert_true(f->refused_bytes.len >= 19);
	fixture_reset(fd);
}

static void
a_slow_body_is_answered_408(void **state)
{
	struct fixture *f = *state;
	fixture_short_timeouts(f);
	fixture_start(f, NULL);
	int fd = fixture_dial(f);
	fixture_put(f, fd, "POST /x HTTP/1.1\r\nContent-Length: 100000\r\n\r\n");
	for (int i = 0; i < 200 && f->n_body_bytes < 90; i++) {
		(void)send(fd, "x", 1, MSG_DONTWAIT);
		fixture_turns(f, 2);
	}
	fixture_expect(f, fd, TIMEOUT);
	fixture_expect_log(f, "head POST /x; refused body_timeout; gone ERR_TIMEOUT; ");
	fixture_reset(fd);
}

static void
a_body_that_makes_progress_may_take_its_time(void **state)
{
	static const char zeros[50];
	struct fixture *f = *state;
	fixture_short_timeouts(f);
	f->text = "fine";
	f->is_quiet = true;
	fixture_start(f, NULL);
	int fd = fixture_dial(f);
	fixture_put(f, fd, "POST /x HTTP/1.1\r\nContent-Length: 2500\r\n\r\n");
	for (int i = 0; i < 50; i++) {
		fixture_put_bytes(f, fd, slice_of(zeros, sizeof(zeros)));
		fixture_turns(f, 8);
	}
	fixture_expect(f, fd, OK_HEAD "4\r\n\r\nfine");
	(void)close(fd);
}

static void
a_silent_connection_is_closed_without_a_word(void **state)
{
	struct fixture *f = *state;
	fixture_short_timeouts(f);
	fixture_start(f, NULL);
	int fresh = fixture_dial(f);
	int used = fixture_dial(f);
	fixture_put(f, used, GET);
	fixture_expect(f, used, OK_HEAD "0\r\n\r\n");
	fixture_expect_end(f, fresh);
	fixture_expect_end(f, used);
	fixture_expect_log(f, "head GET /x; complete; ");
}

static void
a_handler_may_take_longer_than_any_timeout(void **state)
{
	struct fixture *f = *state;
	fixture_short_timeouts(f);
	f->answer = ANSWER_LATER;
	fixture_start(f, NULL);
	int fd = fixture_dial(f);
	fixture_put(f, fd, GET);
	fixture_turns(f, 300);
	fixture_answer(f, f->held);
	fixture_expect(f, fd, OK_HEAD "0\r\n\r\n");
	fixture_expect_end(f, fd);
}

static void
a_peer_that_takes_no_answer_is_let_go(void **state)
{
	enum {
		BYTES = 16 * 1024 * 1024
	};
	struct fixture *f = *state;
	char *text = calloc(1, BYTES + 1);
	memset(text, 'a', BYTES);
	fixture_short_timeouts(f);
	f->text = text;
	fixture_start(f, NULL);
	int fd = fixture_dial(f);
	fixture_put(f, fd, GET);
	fixture_wait_log(f, "head GET /x; complete; refused answer_timeout; ");
	fixture_wait_connections(f, 0);
	(void)close(fd);
	free(text);
}

static void
new_limits_hold_for_a_running_server(void **state)
{
	struct fixture *f = *state;
	fixture_start(f, NULL);
	struct http_limits limits = f->options.limits;
	limits.head_timeout_us = 100000;
	limits.connections = 1;
	http_server_set_limits(f->server, &limits);
	int fd = fixture_dial(f);
	fixture_put(f, fd, "GET ");
	int second = fixture_dial(f);
	fixture_expect(f, second, TOO_MANY);
	(void)close(second);
	fixture_expect(f, fd, TIMEOUT);
	fixture_reset(fd);
}

/* Who may come */

static void
connections_beyond_the_limit_are_told_so(void **state)
{
	struct fixture *f = *state;
	f->options.limits.connections = 2;
	fixture_start(f, NULL);
	int first = fixture_dial(f);
	int second = fixture_dial(f);
	int third = fixture_dial(f);
	fixture_put(f, third, GET);
	fixture_expect(f, third, TOO_MANY);
	fixture_expect_log(f, "refused too_many_connections; ");
	(void)shutdown(third, SHUT_WR);
	fixture_expect_end(f, third);
	(void)close(first);
	fixture_wait_connections(f, 1);
	third = fixture_dial(f);
	fixture_put(f, third, GET);
	fixture_expect(f, third, OK_HEAD "0\r\n\r\n");
	(void)close(second);
	(void)close(third);
}

static void
connections_far_beyond_the_limit_are_only_closed(void **state)
{
	enum {
		CONNECTIONS = 80
	};
	struct fixture *f = *state;
	int fds[CONNECTIONS];
	f->options.limits.connections = 2;
	fixture_start(f, NULL);
	for (int i = 0; i < CONNECTIONS; i++)
		fds[i] = fixture_dial(f);
	assert_int_equal(http_server_connections(f->server), 2 + 64);
	for (int i = 0; i < CONNECTIONS; i++)
		fixture_reset(fds[i]);
	fixture_wait_connections(f, 0);
}

static void
comes_back_when_descriptors_have_run_out(void **state)
{
	struct fixture *f = *state;
	struct rlimit before;
	struct sockaddr_storage at;
	fixture_start(f, NULL);
	socklen_t at_bytes = address_to_sockaddr(&f->at, &at);
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	struct rlimit none_left = {.rlim_cur = (rlim_t)fd + 1, .rlim_max = before.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none_left), 0);
	assert_int_equal(connect(fd, (const struct sockaddr *)&at, at_bytes), 0);
	fixture_turns(f, 20);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	fixture_expect_log(f, "refused accept_failed; ");
	fixture_put(f, fd, GET);
	fixture_expect(f, fd, OK_HEAD "0\r\n\r\n");
	(void)close(fd);
}

static void
peers_not_in_allow_get_403(void **state)
{
	struct fixture *f = *state;
	struct address_range allow;
	assert_true(address_parse_range(SLICE_LITERAL("192.0.2.0/24"), &allow));
	f->options.allow = &allow;
	f->options.n_allow = 1;
	fixture_start(f, NULL);
	int fd = fixture_dial(f);
	fixture_put(f, fd, POST);
	fixture_expect(f, fd, NOT_ALLOWED);
	fixture_expect_log(f, "refused peer_not_allowed; ");
	assert_int_equal(f->refused_why, ERR_DENIED);
	fixture_reset(fd);
	assert_true(address_parse_range(SLICE_LITERAL("127.0.0.0/8"), &allow));
	fd = fixture_dial(f);
	fixture_put(f, fd, GET);
	fixture_expect(f, fd, OK_HEAD "0\r\n\r\n");
	(void)close(fd);
}

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define PROXY_TCP4 SIGNATURE "\x21\x11\0\x0c\xc0\0\2\1\x0a\0\0\1\x30\x39\4\xf9"
#define PROXY_LOCAL SIGNATURE "\x20\0\0\0"

static void
a_trusted_proxy_names_the_real_peer(void **state)
{
	static const char bytes[] = PROXY_TCP4 GET;
	struct fixture *f = *state;
	struct address_range proxies;
	fixture_trust_loopback(f, &proxies);
	f->on_head = fixture_note_peer;
	fixture_start(f, NULL);
	for (size_t cut = 0; cut < sizeof(bytes); cut++) {
		int fd = fixture_dial(f);
		fixture_put_bytes(f, fd, slice_of(bytes, cut));
		fixture_put_bytes(f, fd, slice_of(bytes + cut, sizeof(bytes) - 1 - cut));
		fixture_expect(f, fd, OK_HEAD "0\r\n\r\n");
		fixture_put(f, fd, GET);
		fixture_expect(f, fd, OK_HEAD "0\r\n\r\n");
		fixture_expect_log(f, "head GET /x; peer 192.0.2.1:12345; complete; "
				      "head GET /x; peer 192.0.2.1:12345; complete; ");
		(void)close(fd);
	}
}

static void
a_trusted_proxy_must_say_who_it_is(void **state)
{
	struct fixture *f = *state;
	struct address_range proxies;
	fixture_short_timeouts(f);
	fixture_trust_loopback(f, &proxies);
	fixture_start(f, NULL);
	int fd = fixture_dial(f);
	fixture_put(f, fd, GET);
	fixture_expect_log(f, "refused no_proxy_header; ");
	assert_true(slice_equal_str(buf_slice(&f->refused_bytes), GET));
	fixture_wait_connections(f, 0);
	(void)close(fd);
	fd = fixture_dial(f);
	fixture_put(f, fd, "\r\n\r\n");
	(void)close(fd);
	fixture_wait_log(f, "refused no_proxy_header; ");
	assert_int_equal(f->refused_why, ERR_CLOSED);
	fd = fixture_dial(f);
	fixture_put(f, fd, "\r\n\r\n");
	fixture_wait_log(f, "refused no_proxy_header; ");
	assert_int_equal(f->refused_why, ERR_TIMEOUT);
	fixture_expect_end(f, fd);
}

static void
a_proxy_that_is_not_trusted_is_not_asked(void **state)
{
	static const char bytes[] = PROXY_TCP4 GET;
	struct fixture *f = *state;
	fixture_start(f, NULL);
	int fd = fixture_dial(f);
	fixture_put_bytes(f, fd, slice_of(bytes, sizeof(bytes) - 1));
	fixture_wait_log(f, "refused bad_method; ");
	fixture_reset(fd);
}

static void
allow_looks_at_the_real_peer(void **state)
{
	static const char named[] = PROXY_TCP4 GET;
	static const char local[] = PROXY_LOCAL GET;
	struct fixture *f = *state;
	struct address_range proxies;
	struct address_range allow;
	fixture_trust_loopback(f, &proxies);
	assert_true(address_parse_range(SLICE_LITERAL("192.0.2.1"), &allow));
	f->options.allow = &allow;
	f->options.n_allow = 1;
	fixture_start(f, NULL);
	int fd = fixture_dial(f);
	fixture_put_bytes(f, fd, slice_of(named, sizeof(named) - 1));
	fixture_expect(f, fd, OK_HEAD "0\r\n\r\n");
	(void)close(fd);
	fd = fixture_dial(f);
	fixture_put_bytes(f, fd, slice_of(local, sizeof(local) - 1));
	fixture_expect(f, fd, NOT_ALLOWED);
	fixture_reset(fd);
}

/* Drain */

static void
drain_lets_requests_end_and_nothing_begin(void **state)
{
	struct fixture *f = *state;
	fixture_start(f, NULL);
	f->answer = ANSWER_LATER;
	f->text = "";
	int idle = fixture_dial(f);
	int busy = fixture_dial(f);
	int half = fixture_dial(f);
	fixture_put(f, busy, GET GET);
	fixture_put(f, half, POST "01234");
	http_server_drain(f->server, fixture_drained);
	fixture_expect_end(f, idle);
	int late = socket(AF_INET, SOCK_STREAM, 0);
	struct sockaddr_storage at;
	socklen_t at_bytes = address_to_sockaddr(&f->at, &at);
	assert_int_not_equal(connect(late, (const struct sockaddr *)&at, at_bytes), 0);
	(void)close(late);
	assert_int_equal(f->n_drained, 0);
	fixture_answer(f, f->held);
	fixture_expect(f, busy, OK_HEAD "0\r\nConnection: close\r\n\r\n");
	fixture_put(f, half, "56789");
	fixture_expect_end(f, busy);
	fixture_reset(half);
	fixture_wait_connections(f, 0);
	assert_int_equal(f->n_drained, 0);
	fixture_answer(f, f->held);
	assert_int_equal(f->n_drained, 1);
	fixture_turns(f, 5);
	assert_int_equal(f->n_drained, 1);
}

static void
drain_of_an_idle_server_is_done_at_once(void **state)
{
	struct fixture *f = *state;
	fixture_start(f, NULL);
	http_server_drain(f->server, fixture_drained);
	fixture_turns(f, 5);
	assert_int_equal(f->n_drained, 1);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, prepare, stop)
	const struct CMUnitTest tests[] = {
		TEST(is_still_there_after_a_peer_left_at_any_byte),
		TEST(says_gone_when_a_peer_leaves_within_a_body),
		TEST(keeps_the_start_of_a_head_that_was_cut),
		TEST(a_request_outlives_its_peer_until_it_is_answered),
		TEST(a_peer_that_has_sent_its_last_byte_gets_its_answers),
		TEST(a_server_may_be_freed_before_its_requests_are_answered),
		TEST(a_server_may_be_freed_by_its_handler),
		TEST(a_server_may_be_freed_when_it_refuses),
		TEST(nobody_is_waited_for_very_long_after_a_last_answer),
		TEST(a_peer_far_ahead_of_its_answers_is_made_to_wait),
		TEST(sends_a_long_answer_to_a_slow_reader),
		TEST(a_reader_that_leaves_within_its_answer_is_let_go),
		TEST(a_slow_head_is_answered_408_however_it_drips),
		TEST(a_slow_body_is_answered_408),
		TEST(a_body_that_makes_progress_may_take_its_time),
		TEST(a_silent_connection_is_closed_without_a_word),
		TEST(a_handler_may_take_longer_than_any_timeout),
		TEST(a_peer_that_takes_no_answer_is_let_go),
		TEST(new_limits_hold_for_a_running_server),
		TEST(connections_beyond_the_limit_are_told_so),
		TEST(connections_far_beyond_the_limit_are_only_closed),
		TEST(comes_back_when_descriptors_have_run_out),
		TEST(peers_not_in_allow_get_403),
		TEST(a_trusted_proxy_names_the_real_peer),
		TEST(a_trusted_proxy_must_say_who_it_is),
		TEST(a_proxy_that_is_not_trusted_is_not_asked),
		TEST(allow_looks_at_the_real_peer),
		TEST(drain_lets_requests_end_and_nothing_begin),
		TEST(drain_of_an_idle_server_is_done_at_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
