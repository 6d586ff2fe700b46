/* http_fixture.h - an HTTP server and its clients in one thread, over loopback
 *
 * The server's handlers write what they are told into `log`, one event after the other:
 * "head POST /x; body abc; complete; gone ERR_CLOSED; refused bad_http; ".  What they do is
 * chosen by the fields below `log`.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/time.h"
#include "net/http_server.h"

enum fixture_answer {
	ANSWER_IN_COMPLETE,
	ANSWER_IN_HEAD,
	ANSWER_IN_BODY,
	ANSWER_LATER /* the request is in `held` */
};

struct fixture {
	uv_loop_t loop;
	struct http_server *server;
	struct http_server_options options;
	struct address at;
	struct buf log;
	struct buf in; /* of the request's body */
	/* What the handlers do. */
	enum fixture_answer answer;
	err_t head_result;
	err_t body_result;
	const char *text; /* the answer's body; NULL: the request's own */
	const char *extra;
	bool is_close;
	void (*on_head)(struct http_request *request, struct fixture *f);
	/* What happened. */
	struct http_request *held;
	struct buf refused_bytes;
	struct buf tapped[2]; /* out, in */
	err_t refused_why;
	size_t n_drained;
	bool is_quiet; /* body bytes are counted, not kept */
	uint64_t n_body_bytes;
};

static inline struct slice
fixture_text(struct fixture *f)
{
	return f->text == NULL ? buf_slice(&f->in) : slice_str(f->text);
}

static inline void
fixture_answer(struct fixture *f, struct http_request *request)
{
	http_respond(request, 200, "text/plain", fixture_text(f), f->extra, f->is_close);
}

static inline err_t
fixture_head(struct http_request *request, void *context)
{
	struct fixture *f = context;
	buf_printf(&f->log, "head %.*s %.*s; ", SLICE_ARGS(request->method),
		   SLICE_ARGS(request->target));
	buf_reset(&f->in);
	request->user = arena_alloc(request->arena, 100);
	assert_non_null(request->user);
	if (f->on_head != NULL)
		f->on_head(request, f);
	if (f->answer == ANSWER_IN_HEAD)
		fixture_answer(f, request);
	return f->head_result;
}

static inline err_t
fixture_body(struct http_request *request, struct slice bytes, void *context)
{
	struct fixture *f = context;
	f->n_body_bytes += bytes.len;
	if (!f->is_quiet)
		buf_append(&f->in, bytes);
	if (f->answer == ANSWER_IN_BODY)
		fixture_answer(f, request);
	return f->body_result;
}

static inline void
fixture_complete(struct http_request *request, void *context)
{
	struct fixture *f = context;
	if (f->in.len > 0)
		buf_printf(&f->log, "body %.*s; ", SLICE_ARGS(buf_slice(&f->in)));
	buf_append_str(&f->log, "complete; ");
	if (f->answer == ANSWER_LATER)
		f->held = request;
	else
		fixture_answer(f, request);
}

static inline void
fixture_gone(struct http_request *request, err_t why, void *context)
{
	struct fixture *f = context;
	assert_non_null(request->user);
	buf_printf(&f->log, "gone %s; ", err_name(why));
}

static inline void
fixture_refused(const struct address *peer, const char *reason, err_t why, struct slice bytes,
		void *context)
{
	struct fixture *f = context;
	assert_non_null(peer);
	buf_printf(&f->log, "refused %s; ", reason);
	buf_reset(&f->refused_bytes);
	buf_append(&f->refused_bytes, bytes);
	f->refused_why = why;
}

static inline void
fixture_tap(uint64_t connection, const struct address *peer, bool is_incoming, struct slice bytes,
	    void *context)
{
	struct fixture *f = context;
	assert_true(connection > 0);
	assert_false(address_is_none(peer));
	buf_append(&f->tapped[is_incoming], bytes);
}

static inline void
fixture_drained(void *context)
{
	struct fixture *f = context;
	f->n_drained++;
}

static inline struct fixture *
fixture_new(void)
{
	struct fixture *f = calloc(1, sizeof(*f));
	(void)signal(SIGPIPE, SIG_IGN);
	assert_int_equal(uv_loop_init(&f->loop), 0);
	buf_init(&f->log, 64 * 1024 * 1024);
	buf_init(&f->in, 64 * 1024 * 1024);
	buf_init(&f->refused_bytes, 1024 * 1024);
	buf_init(&f->tapped[0], 1024 * 1024);
	buf_init(&f->tapped[1], 1024 * 1024);
	f->options.context = f;
	f->options.handlers = (struct http_handlers){
		.head = fixture_head,
		.body = fixture_body,
		.complete = fixture_complete,
		.gone = fixture_gone,
		.refused = fixture_refused,
	};
	f->options.limits = (struct http_limits){
		.connections = 100,
		.head_timeout_us = 30 * TIME_SECOND_US,
		.body_timeout_us = 30 * TIME_SECOND_US,
		.body_least_bytes = 100,
		.idle_timeout_us = 30 * TIME_SECOND_US,
		.arena_bytes = 64 * 1024,
	};
	return f;
}

static inline void
fixture_listen(struct fixture *f, struct tls_context *tls)
{
	struct err_detail detail = {0};
	struct sockaddr_storage at;
	socklen_t at_bytes = sizeof(at);
	int fd;
	assert_true(address_parse(SLICE_LITERAL("127.0.0.1:1"), &f->at));
	f->at.port = 0;
	if (address_listen(&f->at, &fd, &detail) != OK)
		fail_msg("%s", detail.why);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &at_bytes), 0);
	address_from_sockaddr((const struct sockaddr *)&at, &f->at);
	assert_int_equal(http_server_listen(f->server, fd, tls), OK);
}

/* TLS: NULL for plain HTTP. */
static inline void
fixture_start(struct fixture *f, struct tls_context *tls)
{
	assert_int_equal(http_server_new(&f->loop, &f->options, &f->server), OK);
	fixture_listen(f, tls);
}

static inline void
fixture_turn(struct fixture *f)
{
	(void)uv_run(&f->loop, UV_RUN_NOWAIT);
}

static inline void
fixture_turns(struct fixture *f, int ms)
{
	int64_t end = time_monotonic_us() + ms * 1000;
	do {
		fixture_turn(f);
		(void)poll(NULL, 0, 1);
	} while (time_monotonic_us() < end);
}

static inline void
fixture_stop_server(struct fixture *f)
{
	http_server_free(f->server);
	f->server = NULL;
	for (int i = 0; i < 100 && uv_loop_alive(&f->loop); i++)
		fixture_turn(f);
}

static inline void
fixture_free(struct fixture *f)
{
	if (f->server != NULL)
		fixture_stop_server(f);
	assert_int_equal(uv_loop_close(&f->loop), 0);
	buf_done(&f->log);
	buf_done(&f->in);
	buf_done(&f->refused_bytes);
	buf_done(&f->tapped[0]);
	buf_done(&f->tapped[1]);
	free(f);
}

static inline int
fixture_dial(struct fixture *f)
{
	struct sockaddr_storage at;
	socklen_t at_bytes = address_to_sockaddr(&f->at, &at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (const struct sockaddr *)&at, at_bytes), 0);
	fixture_turn(f);
	return fd;
}

/* All of it, while the server reads. */
static inline void
fixture_put_bytes(struct fixture *f, int fd, struct slice bytes)
{
	int64_t end = time_monotonic_us() + 20 * TIME_SECOND_US;
	while (bytes.len > 0) {
		ssize_t count = send(fd, bytes.data, bytes.len, MSG_DONTWAIT);
		if (count > 0)
			bytes = slice_sub(bytes, (size_t)count, bytes.len);
		else if (errno != EAGAIN)
			return; /* closed: the test sees it by what it reads */
		fixture_turn(f);
		assert_true(time_monotonic_us() < end);
	}
	fixture_turn(f);
}

static inline void
fixture_put(struct fixture *f, int fd, const char *text)
{
	fixture_put_bytes(f, fd, slice_str(text));
}

/* What the server sends, until there are LEN bytes or the end: the number of bytes. */
static inline size_t
fixture_get(struct fixture *f, int fd, char *to, size_t len)
{
	int64_t end = time_monotonic_us() + 20 * TIME_SECOND_US;
	size_t got = 0;
	while (got < len && time_monotonic_us() < end) {
		struct pollfd ready = {.fd = fd, .events = POLLIN};
		fixture_turn(f);
		if (poll(&ready, 1, 1) == 0)
			continue;
		ssize_t count = recv(fd, to + got, len - got, MSG_DONTWAIT);
		if (count == 0 || (count < 0 && errno != EAGAIN))
			break;
		if (count > 0)
			got += (size_t)count;
	}
	return got;
}

static inline void
fixture_expect(struct fixture *f, int fd, const char *text)
{
	static char got[8192];
	size_t len = strlen(text);
	assert_true(len < sizeof(got));
	got[fixture_get(f, fd, got, len)] = '\0';
	assert_string_equal(got, text);
}

/* The server closes, cleanly and without another byte. */
static inline void
fixture_expect_end(struct fixture *f, int fd)
{
	char byte;
	int64_t end = time_monotonic_us() + 20 * TIME_SECOND_US;
	ssize_t count;
	do {
		fixture_turn(f);
		(void)poll(NULL, 0, 1);
		count = recv(fd, &byte, 1, MSG_DONTWAIT);
	} while (count < 0 && errno == EAGAIN && time_monotonic_us() < end);
	assert_int_equal(count, 0);
	(void)close(fd);
	fixture_turn(f);
}

/* Nothing comes, and the connection stays. */
static inline void
fixture_expect_silence(struct fixture *f, int fd)
{
	char byte;
	fixture_turns(f, 20);
	assert_int_equal(recv(fd, &byte, 1, MSG_DONTWAIT), -1);
	assert_int_equal(errno, EAGAIN);
}

static inline void
fixture_expect_log(struct fixture *f, const char *text)
{
	buf_append_byte(&f->log, 0);
	assert_string_equal((const char *)f->log.data, text);
	buf_reset(&f->log);
}

/* Until the log has TEXT as its end. */
static inline void
fixture_wait_log(struct fixture *f, const char *text)
{
	int64_t end = time_monotonic_us() + 20 * TIME_SECOND_US;
	while (!slice_ends_with(buf_slice(&f->log), slice_str(text)) && time_monotonic_us() < end) {
		fixture_turn(f);
		(void)poll(NULL, 0, 1);
	}
	fixture_expect_log(f, text);
}

static inline void
fixture_reset(int fd)
{
	struct linger hard = {.l_onoff = 1};
	(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
	(void)close(fd);
}

static inline void
fixture_wait_connections(struct fixture *f, size_t count)
{
	for (int i = 0; i < 5000 && http_server_connections(f->server) != count; i++)
		fixture_turns(f, 1);
	assert_int_equal(http_server_connections(f->server), count);
}

static inline void
fixture_short_timeouts(struct fixture *f)
{
	f->options.limits.head_timeout_us = 100000;
	f->options.limits.body_timeout_us = 100000;
	f->options.limits.idle_timeout_us = 100000;
}

static inline void
fixture_trust_loopback(struct fixture *f, struct address_range *range)
{
	assert_true(address_parse_range(SLICE_LITERAL("127.0.0.0/8"), range));
	f->options.trusted_proxies = range;
	f->options.n_trusted_proxies = 1;
}

static inline void
fixture_note_peer(struct http_request *request, struct fixture *f)
{
	char text[ADDRESS_TEXT_BYTES];
	buf_printf(&f->log, "peer %s; ", address_format_port(&request->peer, text));
}
