/* Requests and answers; what ends connections otherwise is in test_net_http_connection.c. */
#include "http_fixture.h"

#include "base/limits.h"

#define OK_HEAD "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: "
#define BAD_REQUEST                                                                                \
	"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=windows-1252\r\n"           \
	"Content-Length: 15\r\nConnection: close\r\n\r\nprotocol error\n"
#define OVER_LIMIT(status)                                                                         \
	"HTTP/1.1 " status "\r\nContent-Type: text/plain; charset=windows-1252\r\n"                \
	"Content-Length: 13\r\nConnection: close\r\n\r\nover a limit\n"

static int
start(void **state)
{
	struct fixture *f = fixture_new();
	fixture_start(f, NULL);
	*state = f;
	return 0;
}

static int
stop(void **state)
{
	fixture_free(*state);
	return 0;
}

/* One request on a connection of its own, byte by byte or at once. */
static int
send_request(struct fixture *f, const char *request, bool in_bytes)
{
	int fd = fixture_dial(f);
	for (const char *at = request; in_bytes && *at != '\0'; at++)
		fixture_put_bytes(f, fd, slice_of(at, 1));
	if (!in_bytes)
		fixture_put(f, fd, request);
	return fd;
}

static void
answers_what_is_not_http_with_its_reason(void **state)
{
	static const struct {
		const char *request;
		const char *log;
	} cases[] = {
		{"FOO / HTTP/1.1\r\n", "refused bad_method; "},
		{"hello\r\n\r\n", "refused bad_method; "},
		{"\x16\x03\x01\x02", "refused tls_on_plain_port; "},
		{"GET /\r\n", "refused bad_target; "},
		{"GET  / HTTP/1.1\r\n", "refused bad_target; "},
		{"GET /\x01 HTTP/1.1\r\n", "refused bad_target; "},
		{"GET /\x7f HTTP/1.1\r\n", "refused bad_target; "},
		{"GET /\t HTTP/1.1\r\n", "refused bad_target; "},
		{"GET /a b HTTP/1.1\r\n", "refused bad_http; "},
		{"POST / RTSP/1.0\r\n", "refused bad_http; "},
		{"SOURCE / ICE/1.0\r\n", "refused bad_http; "},
		{"GET / HTTQ/1.1\r\n", "refused bad_http; "},
		{"GET / HTTP/2.0\r\n\r\n", "refused bad_version; "},
		{"GET / HTTP/0.9\r\n\r\n", "refused bad_version; "},
		{"GET / HTTP/3.7\r\n", "refused bad_version; "},
		{"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "refused bad_http; "},
		{"GET / HTTP/1.1\r\nA : b\r\n", "refused bad_http; "},
		{"GET / HTTP/1.1\r\n: b\r\n\r\n", "refused bad_header; "},
		{"GET / HTTP/1.1\r\nA: \x01\r\n", "refused bad_header; "},
		{"GET / HTTP/1.1\r\nA: b\rC: d\r\n\r\n", "refused bad_header; "},
		{"GET / HTTP/1.1\r\nA: b\n\n", "refused bad_header; "},
		{"POST / HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\n",
		 "refused bad_content_length; "},
		{"POST / HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n",
		 "refused bad_content_length; "},
		{"POST / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
		 "refused bad_content_length; "},
		{"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n",
		 "refused bad_content_length; "},
		{"POST / HTTP/1.1\r\nContent-Length: +3\r\n\r\n", "refused bad_content_length; "},
		{"POST / HTTP/1.1\r\nContent-Length: -3\r\n\r\n", "refused bad_content_length; "},
		{"POST / HTTP/1.1\r\nContent-Length: 3, 3\r\n\r\n", "refused bad_content_length; "},
		{"POST / HTTP/1.1\r\nContent-Length: 0x3\r\n\r\n", "refused bad_content_length; "},
		{"POST / HTTP/1.1\r\nContent-Length:\r\n\r\n", "refused bad_content_length; "},
		{"POST / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n",
		 "refused bad_content_length; "},
		{"POST / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n",
		 "refused bad_transfer_encoding; "},
		{"POST / HTTP/1.1\r\nTransfer-Encoding: chunked, gzip\r\n\r\n",
		 "refused bad_transfer_encoding; "},
		{"POST /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
		 "head POST /x; refused bad_chunk; gone ERR_PROTO; "},
		{"POST /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n",
		 "head POST /x; refused bad_chunk; gone ERR_PROTO; "},
		{"POST /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n11111111111111111\r\n",
		 "head POST /x; refused bad_chunk; gone ERR_PROTO; "},
	};
	struct fixture *f = *state;
	for (size_t i = 0; i < 2 * sizeof(cases) / sizeof(cases[0]); i++) {
		int fd = send_request(f, cases[i / 2].request, i % 2 == 1);
		fixture_expect(f, fd, BAD_REQUEST);
		fixture_expect_log(f, cases[i / 2].log);
		assert_int_equal(f->refused_why, ERR_PROTO);
		(void)shutdown(fd, SHUT_WR);
		fixture_expect_end(f, fd);
	}
	assert_int_equal(http_server_connections(f->server), 0);
}

static void
keeps_what_was_refused_as_it_came(void **state)
{
	static const char request[] = "POST \\a HTTP/1.1\r\nA:   b\r\nC: \x01";
	struct fixture *f = *state;
	for (int i = 0; i < 2; i++) {
		int fd = send_request(f, request, i == 1);
		fixture_expect(f, fd, BAD_REQUEST);
		assert_true(slice_equal_str(buf_slice(&f->refused_bytes), request));
		fixture_reset(fd);
	}
}

static void
refuses_a_long_target(void **state)
{
	struct fixture *f = *state;
	char target[LIMIT_TARGET_BYTES + 1];
	int fd = fixture_dial(f);
	memset(target, 'a', sizeof(target));
	f->text = "fits";
	fixture_put(f, fd, "GET ");
	fixture_put_bytes(f, fd, slice_of(target, LIMIT_TARGET_BYTES));
	fixture_put(f, fd, " HTTP/1.1\r\n\r\n");
	fixture_expect(f, fd, OK_HEAD "4\r\n\r\nfits");
	buf_reset(&f->log);
	fixture_put(f, fd, "GET ");
	fixture_put_bytes(f, fd, slice_of(target, sizeof(target)));
	fixture_expect(f, fd, OVER_LIMIT("414 URI Too Long"));
	fixture_expect_log(f, "refused target_too_long; ");
	fixture_reset(fd);
}

static void
put_times(struct fixture *f, int fd, const char *text, size_t count)
{
	for (size_t i = 0; i < count; i++)
		fixture_put(f, fd, text);
}

static void
refuses_a_long_head_even_of_blanks(void **state)
{
	static const char *const pieces[] = {"x", " ", "\t"};
	struct fixture *f = *state;
	for (size_t i = 0; i < 3; i++) {
		int fd = send_request(f, "GET / HTTP/1.1\r\nA:", false);
		put_times(f, fd, pieces[i], LIMIT_HEADER_BYTES - 18);
		fixture_expect(f, fd, OVER_LIMIT("431 Request Header Fields Too Large"));
		fixture_expect_log(f, "refused head_too_long; ");
		fixture_reset(fd);
	}
	int fd = fixture_dial(f);
	put_times(f, fd, "\r\n", LIMIT_HEADER_BYTES / 2);
	fixture_expect(f, fd, OVER_LIMIT("431 Request Header Fields Too Large"));
	fixture_reset(fd);
}

static void
refuses_a_long_head_that_comes_at_once(void **state)
{
	struct fixture *f = *state;
	size_t len = LIMIT_HEADER_BYTES + 64;
	char *request = calloc(1, len + 1);
	memset(request, 'a', len);
	memcpy(request, "GET / HTTP/1.1\r\nA: ", 19);
	memcpy(request + len - 4, "\r\n\r\n", 4);
	int fd = send_request(f, request, false);
	fixture_expect(f, fd, OVER_LIMIT("431 Request Header Fields Too Large"));
	fixture_expect_log(f, "refused head_too_long; ");
	fixture_reset(fd);
	free(request);
}

static void
refuses_too_many_headers_and_trailers(void **state)
{
	struct fixture *f = *state;
	int fd = send_request(f, "GET /x HTTP/1.1\r\n", false);
	put_times(f, fd, "A: b\r\n", LIMIT_HEADERS);
	fixture_put(f, fd, "\r\n");
	fixture_expect(f, fd, OK_HEAD "0\r\n\r\n");
	fixture_put(f, fd, "GET /x HTTP/1.1\r\n");
	put_times(f, fd, "A: b\r\n", LIMIT_HEADERS + 1);
	fixture_expect(f, fd, OVER_LIMIT("431 Request Header Fields Too Large"));
	fixture_expect_log(f, "head GET /x; complete; refused too_many_headers; ");
	fixture_reset(fd);
	fd = send_request(f, "POST /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", false);
	put_times(f, fd, "A: b\r\n", LIMIT_HEADERS + 1);
	fixture_expect(f, fd, OVER_LIMIT("431 Request Header Fields Too Large"));
	fixture_expect_log(f, "head POST /x; refused too_many_headers; gone ERR_LIMIT; ");
	fixture_reset(fd);
}

static void
takes_a_body_by_length_however_it_is_cut(void **state)
{
	static const char request[] = "\r\nPOST /stage2.htm HTTP/1.1\r\nUser-Agent: MSDW\r\n"
				      "Host: mylaptop:1273\r\nContent-Length: 5\r\n"
				      "Connection: Keep-Alive\r\n\r\nhello";
	struct fixture *f = *state;
	for (size_t cut = 0; cut < sizeof(request); cut++) {
		int fd = fixture_dial(f);
		fixture_put_bytes(f, fd, slice_of(request, cut));
		fixture_put(f, fd, request + cut);
		fixture_expect(f, fd, OK_HEAD "5\r\n\r\nhello");
		fixture_expect_log(f, "head POST /stage2.htm; body hello; complete; ");
		(void)close(fd);
	}
}

static void
takes_a_chunked_body_with_extensions_and_trailers(void **state)
{
	static const char request[] = "POST /x HTTP/1.1\r\nTransfer-Encoding: Chunked\r\n\r\n"
				      "5;name=\"value\"\r\nhello\r\n00001\r\n!\r\n0;last\r\n"
				      "Checksum: 1\r\nOther: 2\r\n\r\n";
	struct fixture *f = *state;
	for (int i = 0; i < 2; i++) {
		int fd = send_request(f, request, i == 1);
		fixture_expect(f, fd, OK_HEAD "6\r\n\r\nhello!");
		fixture_put(f, fd, "GET /next HTTP/1.1\r\n\r\n");
		fixture_expect(f, fd, OK_HEAD "0\r\n\r\n");
		fixture_expect_log(f, "head POST /x; body hello!; complete; "
				      "head GET /next; complete; ");
		(void)close(fd);
	}
}

static void
takes_targets_as_they_came(void **state)
{
	static const char *const targets[] = {
		"/stage2.htm?a=b#c",
		"\\PersistedCabs\\Generic\\x.cab",
		"/cab\\26/\\1.cab",
		"http://server:1273/stage2.htm",
		"*",
		"/\xc3\xa4\xff\x80",
		"x",
		"%5Ccab",
		"/\"<>^`{|}[]",
	};
	struct fixture *f = *state;
	int fd = fixture_dial(f);
	for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
		char text[128];
		(void)snprintf(text, sizeof(text), "PUT %s HTTP/1.1\r\n\r\n", targets[i]);
		fixture_put(f, fd, text);
		fixture_expect(f, fd, OK_HEAD "0\r\n\r\n");
		(void)snprintf(text, sizeof(text), "head PUT %s; complete; ", targets[i]);
		fixture_expect_log(f, text);
	}
	(void)close(fd);
}

static void
other_protocols_are_not_switched_to(void **state)
{
	struct fixture *f = *state;
	int fd = send_request(f,
			      "GET / HTTP/1.1\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n"
			      "CONNECT host:443 HTTP/1.1\r\n\r\nmore",
			      false);
	fixture_expect(f, fd, OK_HEAD "0\r\n\r\n" OK_HEAD "0\r\nConnection: close\r\n\r\n");
	fixture_expect_log(f, "head GET /; complete; head CONNECT host:443; complete; ");
	fixture_expect_end(f, fd);
}

static void
answers_pipelined_requests_in_order(void **state)
{
	struct fixture *f = *state;
	int fd = send_request(f,
			      "POST /1 HTTP/1.1\r\nContent-Length: 1\r\n\r\n1"
			      "POST /2 HTTP/1.1\r\nContent-Length: 1\r\n\r\n2"
			      "GET /3 HTTP/1.1\r\n\r\nGET /4 HT",
			      false);
	fixture_expect(f, fd, OK_HEAD "1\r\n\r\n1" OK_HEAD "1\r\n\r\n2" OK_HEAD "0\r\n\r\n");
	fixture_put(f, fd, "TP/1.1\r\n\r\n");
	fixture_expect(f, fd, OK_HEAD "0\r\n\r\n");
	fixture_expect_log(f, "head POST /1; body 1; complete; head POST /2; body 2; complete; "
			      "head GET /3; complete; head GET /4; complete; ");
	(void)close(fd);
}

static void
a_pipelined_request_waits_for_the_answer_before_it(void **state)
{
	struct fixture *f = *state;
	f->answer = ANSWER_LATER;
	int fd = send_request(f, "GET /1 HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\r\n\r\n", false);
	fixture_put(f, fd, "GET /3 HTTP/1.1\r\n\r\n");
	fixture_expect_silence(f, fd);
	fixture_expect_log(f, "head GET /1; complete; ");
	fixture_answer(f, f->held);
	fixture_expect(f, fd, OK_HEAD "0\r\n\r\n");
	fixture_expect_log(f, "head GET /2; complete; ");
	fixture_answer(f, f->held);
	fixture_expect_log(f, "head GET /3; complete; ");
	fixture_answer(f, f->held);
	fixture_expect(f, fd, OK_HEAD "0\r\n\r\n" OK_HEAD "0\r\n\r\n");
	(void)close(fd);
}

static void
closes_when_the_client_or_the_handler_wants_it(void **state)
{
	struct fixture *f = *state;
	int fd = send_request(f, "GET / HTTP/1.1\r\nConnection: close\r\n\r\n", false);
	fixture_expect(f, fd, OK_HEAD "0\r\nConnection: close\r\n\r\n");
	fixture_expect_end(f, fd);
	f->is_close = true;
	fd = send_request(f, "GET / HTTP/1.1\r\n\r\n", false);
	fixture_expect(f, fd, OK_HEAD "0\r\nConnection: close\r\n\r\n");
	fixture_expect_end(f, fd);
}

static void
http10_closes_unless_it_asks_not_to(void **state)
{
	struct fixture *f = *state;
	int fd = send_request(f, "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", false);
	fixture_expect(f, fd, OK_HEAD "0\r\nConnection: keep-alive\r\n\r\n");
	fixture_put(f, fd, "GET / HTTP/1.0\r\n\r\n");
	fixture_expect(f, fd, OK_HEAD "0\r\nConnection: close\r\n\r\n");
	fixture_expect_end(f, fd);
	/* In HTTP/1.0 a chunked body leaves in doubt where the next request begins. */
	fd = send_request(f,
			  "POST / HTTP/1.0\r\nConnection: keep-alive\r\n"
			  "Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n",
			  false);
	fixture_expect(f, fd, OK_HEAD "1\r\nConnection: close\r\n\r\nx");
	fixture_expect_end(f, fd);
}

#define EXPECT "POST /x HTTP/1.1\r\nContent-Length: 5\r\nExpect: 100-Continue\r\n\r\n"

static void
sends_continue_when_the_body_waits_for_it(void **state)
{
	struct fixture *f = *state;
	int fd = send_request(f, EXPECT, false);
	fixture_expect(f, fd, "HTTP/1.1 100 Continue\r\n\r\n");
	fixture_put(f, fd, "hello");
	fixture_expect(f, fd, OK_HEAD "5\r\n\r\nhello");
	/* The body is there already. */
	fixture_put(f, fd, EXPECT "hello");
	fixture_expect(f, fd, OK_HEAD "5\r\n\r\nhello");
	/* There is no body. */
	fixture_put(f, fd, "POST / HTTP/1.1\r\nExpect: 100-continue\r\n\r\n");
	fixture_expect(f, fd, OK_HEAD "0\r\n\r\n");
	/* HTTP/1.0 knows no such thing. */
	fixture_put(f, fd, "POST / HTTP/1.0\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n");
	fixture_expect_silence(f, fd);
	fixture_put(f, fd, "hello");
	fixture_expect(f, fd, OK_HEAD "5\r\nConnection: close\r\n\r\nhello");
	fixture_expect_end(f, fd);
}

static void
sends_no_continue_when_the_head_is_refused(void **state)
{
	struct fixture *f = *state;
	f->head_result = ERR_LIMIT;
	int fd = send_request(f, EXPECT, false);
	fixture_expect(f, fd, OVER_LIMIT("413 Content Too Large"));
	fixture_expect_log(f, "head POST /x; gone ERR_LIMIT; ");
	(void)shutdown(fd, SHUT_WR);
	fixture_expect_end(f, fd);
	f->head_result = OK;
	f->answer = ANSWER_IN_HEAD;
	fd = send_request(f, EXPECT, false);
	fixture_expect(f, fd, OK_HEAD "0\r\nConnection: close\r\n\r\n");
	(void)shutdown(fd, SHUT_WR);
	fixture_expect_end(f, fd);
}

static void
answers_an_error_of_the_handler_and_says_gone(void **state)
{
	struct fixture *f = *state;
	f->body_result = ERR_BUSY;
	int fd = send_request(f, "POST /x HTTP/1.1\r\nContent-Length: 5\r\n\r\nhel", false);
	fixture_expect(f, fd,
		       "HTTP/1.1 503 Service Unavailable\r\n"
		       "Content-Type: text/plain; charset=windows-1252\r\nContent-Length: 16\r\n"
		       "Connection: close\r\nRetry-After: 30\r\n\r\ntry again later\n");
	fixture_expect_log(f, "head POST /x; gone ERR_BUSY; ");
	fixture_reset(fd);
}

static void
every_error_has_its_status_and_fixed_text(void **state)
{
	struct fixture *f = *state;
	f->answer = ANSWER_LATER;
	for (err_t err = ERR_TRUNCATED; err < ERR_N; err++) {
		char start_line[64];
		char got[512];
		int fd = send_request(f, "GET /secret HTTP/1.1\r\n\r\n", false);
		http_respond_error(f->held, err);
		(void)shutdown(fd, SHUT_WR);
		got[fixture_get(f, fd, got, sizeof(got) - 1)] = '\0';
		(void)snprintf(start_line, sizeof(start_line), "HTTP/1.1 %d ",
			       err_http_status(err));
		assert_memory_equal(got, start_line, strlen(start_line));
		assert_non_null(strstr(got, err_text(err)));
		assert_null(strstr(got, "secret"));
		assert_int_equal(strstr(got, "Retry-After: ") != NULL,
				 err_http_status(err) == 503 || err_http_status(err) == 429);
		(void)close(fd);
	}
}

static void
an_early_answer_to_a_short_body_keeps_the_connection(void **state)
{
	struct fixture *f = *state;
	f->answer = ANSWER_IN_HEAD;
	int fd = send_request(f, "POST /x HTTP/1.1\r\nContent-Length: 9\r\n\r\n12345", false);
	fixture_expect(f, fd, OK_HEAD "0\r\n\r\n");
	fixture_put(f, fd, "6789GET /y HTTP/1.1\r\n\r\n");
	fixture_expect(f, fd, OK_HEAD "0\r\n\r\n");
	f->answer = ANSWER_IN_BODY;
	fixture_put(f, fd, "POST /z HTTP/1.1\r\nContent-Length: 9\r\n\r\n1");
	fixture_expect(f, fd, OK_HEAD "1\r\n\r\n1");
	fixture_put(f, fd, "23456789");
	f->answer = ANSWER_IN_COMPLETE;
	fixture_put(f, fd, "GET /last HTTP/1.1\r\n\r\n");
	fixture_expect(f, fd, OK_HEAD "0\r\n\r\n");
	fixture_expect_log(f, "head POST /x; head GET /y; head POST /z; "
			      "head GET /last; complete; ");
	(void)close(fd);
}

static void
an_early_answer_to_a_broken_body_ends_the_connection(void **state)
{
	struct fixture *f = *state;
	f->answer = ANSWER_IN_HEAD;
	int fd = send_request(f, "POST /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
			      false);
	fixture_expect(f, fd, OK_HEAD "0\r\nConnection: close\r\n\r\n");
	fixture_expect_log(f, "head POST /x; ");
	(void)shutdown(fd, SHUT_WR);
	fixture_expect_end(f, fd);
}

/* The client goes on sending what nobody wants, and only then looks for the answer. */
static void
an_early_error_is_seen_by_a_client_that_still_sends(void **state)
{
	static const uint8_t zeros[100 * 1024];
	struct fixture *f = *state;
	f->head_result = ERR_LIMIT;
	int fd = send_request(f, "PUT /x HTTP/1.1\r\nContent-Length: 1000000\r\n\r\n", false);
	fixture_put_bytes(f, fd, slice_of(zeros, sizeof(zeros)));
	fixture_put_bytes(f, fd, slice_of(zeros, sizeof(zeros)));
	fixture_expect(f, fd, OVER_LIMIT("413 Content Too Large"));
	(void)shutdown(fd, SHUT_WR);
	fixture_expect_end(f, fd);
	assert_int_equal(http_server_connections(f->server), 0);
}

static void
a_client_that_never_stops_sending_is_cut_off(void **state)
{
	static const uint8_t zeros[64 * 1024];
	struct fixture *f = *state;
	f->head_result = ERR_LIMIT;
	int fd = send_request(f, "PUT /x HTTP/1.1\r\nContent-Length: 100000000\r\n\r\n", false);
	for (int i = 0; i < 5; i++)
		fixture_put_bytes(f, fd, slice_of(zeros, sizeof(zeros)));
	fixture_turns(f, 20);
	assert_int_equal(http_server_connections(f->server), 0);
	(void)close(fd);
}

static void
a_head_request_gets_the_length_and_no_body(void **state)
{
	struct fixture *f = *state;
	f->text = "hello";
	int fd = send_request(f, "HEAD / HTTP/1.1\r\n\r\n", false);
	fixture_expect(f, fd, OK_HEAD "5\r\n\r\n");
	fixture_put(f, fd, "GET / HTTP/1.1\r\n\r\n");
	fixture_expect(f, fd, OK_HEAD "5\r\n\r\nhello");
	f->head_result = ERR_METHOD;
	fixture_put(f, fd, "HEAD / HTTP/1.1\r\n\r\n");
	fixture_expect(f, fd,
		       "HTTP/1.1 405 Method Not Allowed\r\n"
		       "Content-Type: text/plain; charset=windows-1252\r\n"
		       "Content-Length: 19\r\nConnection: close\r\n\r\n");
	(void)shutdown(fd, SHUT_WR);
	fixture_expect_end(f, fd);
}

static void
some_statuses_have_no_body_and_some_no_name(void **state)
{
	struct fixture *f = *state;
	f->answer = ANSWER_LATER;
	int fd = send_request(f, "GET / HTTP/1.1\r\n\r\n", false);
	http_respond(f->held, 204, NULL, SLICE_LITERAL(""), NULL, false);
	fixture_expect(f, fd, "HTTP/1.1 204 No Content\r\n\r\n");
	fixture_put(f, fd, "GET / HTTP/1.1\r\n\r\n");
	http_respond(f->held, 299, NULL, SLICE_LITERAL("x"), "Allow: PUT\r\nA: b\r\n", false);
	fixture_expect(f, fd,
		       "HTTP/1.1 299 Status\r\nContent-Length: 1\r\nAllow: PUT\r\nA: b\r\n\r\nx");
	(void)close(fd);
}

static void
check_headers(struct http_request *request, struct fixture *f)
{
	(void)f;
	assert_true(slice_equal_str(http_header(request, "content-type"), "text/xml; a=b"));
	assert_true(slice_equal_str(http_header(request, "CONTENT-TYPE"), "text/xml; a=b"));
	assert_true(slice_equal_str(http_header(request, "Folded"), "one two"));
	assert_true(slice_equal_str(http_header(request, "Twice"), "first"));
	assert_true(slice_is_absent(http_header(request, "Content")));
	assert_true(slice_is_absent(http_header(request, "")));
	struct slice empty = http_header(request, "Empty");
	assert_false(slice_is_absent(empty));
	assert_int_equal(empty.len, 0);
}

static void
finds_headers_whatever_their_case(void **state)
{
	struct fixture *f = *state;
	f->on_head = check_headers;
	for (int i = 0; i < 2; i++) {
		int fd = send_request(f,
				      "GET / HTTP/1.1\r\nContent-Type:  text/xml; a=b \t\r\n"
				      "Empty:\r\nFolded: one\r\n two\r\nTwice: first\r\n"
				      "twice: second\r\n\r\n",
				      i == 1);
		fixture_expect(f, fd, OK_HEAD "0\r\n\r\n");
		(void)close(fd);
	}
}

static void
check_request(struct http_request *request, struct fixture *f)
{
	assert_int_equal(request->local.port, f->at.port);
	assert_memory_equal(request->local.ip, f->at.ip, 16);
	assert_memory_equal(request->peer.ip, f->at.ip, 16);
	assert_int_not_equal(request->peer.port, 0);
	assert_false(request->is_tls);
	assert_false(request->is_http10);
	assert_int_equal(request->connection, 1);
	bool has_length = slice_equal_str(request->target, "/length");
	assert_int_equal(request->has_content_length, has_length);
	assert_int_equal(request->content_length, has_length ? 3 : 0);
	assert_int_equal(request->is_chunked, slice_equal_str(request->target, "/chunked"));
	assert_null(arena_alloc(request->arena, f->options.limits.arena_bytes));
	assert_non_null(arena_alloc(request->arena, f->options.limits.arena_bytes - 1024));
}

static void
tells_the_handler_what_it_needs_to_know(void **state)
{
	struct fixture *f = *state;
	f->on_head = check_request;
	int fd = send_request(f, "POST /length HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc", false);
	fixture_expect(f, fd, OK_HEAD "3\r\n\r\nabc");
	fixture_put(f, fd, "POST /chunked HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
	fixture_expect(f, fd, OK_HEAD "0\r\n\r\n");
	fixture_put(f, fd, "POST /none HTTP/1.1\r\n\r\n");
	fixture_expect(f, fd, OK_HEAD "0\r\n\r\n");
	(void)close(fd);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)
	const struct CMUnitTest tests[] = {
		TEST(answers_what_is_not_http_with_its_reason),
		TEST(keeps_what_was_refused_as_it_came),
		TEST(refuses_a_long_target),
		TEST(refuses_a_long_head_even_of_blanks),
		TEST(refuses_a_long_head_that_comes_at_once),
		TEST(refuses_too_many_headers_and_trailers),
		TEST(an_early_answer_to_a_broken_body_ends_the_connection),
		TEST(an_early_error_is_seen_by_a_client_that_still_sends),
		TEST(a_client_that_never_stops_sending_is_cut_off),
		TEST(takes_a_body_by_length_however_it_is_cut),
		TEST(takes_a_chunked_body_with_extensions_and_trailers),
		TEST(takes_targets_as_they_came),
		TEST(other_protocols_are_not_switched_to),
		TEST(answers_pipelined_requests_in_order),
		TEST(a_pipelined_request_waits_for_the_answer_before_it),
		TEST(closes_when_the_client_or_the_handler_wants_it),
		TEST(http10_closes_unless_it_asks_not_to),
		TEST(sends_continue_when_the_body_waits_for_it),
		TEST(sends_no_continue_when_the_head_is_refused),
		TEST(answers_an_error_of_the_handler_and_says_gone),
		TEST(every_error_has_its_status_and_fixed_text),
		TEST(an_early_answer_to_a_short_body_keeps_the_connection),
		TEST(a_head_request_gets_the_length_and_no_body),
		TEST(some_statuses_have_no_body_and_some_no_name),
		TEST(finds_headers_whatever_their_case),
		TEST(tells_the_handler_what_it_needs_to_know),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
