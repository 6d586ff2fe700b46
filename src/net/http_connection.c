/* http_connection.c - one connection: bytes in, TLS, bytes out, its end
 *
 * Every event (bytes, a finished write, a deadline, an answer of the handler) changes the state
 * and ends in http_connection_settle, which alone writes and closes.  Until then (`is_busy`)
 * nothing is torn down, whatever a handler does: it only leaves marks.
 *
 *   PROXY -> HANDSHAKE -> IDLE -> HEAD -> BODY -> ANSWER -> IDLE ...   (the usual way)
 *                                   answered early: DROP -> IDLE, or END
 *                                   refused, last answer given: END -> LINGER or closed
 *
 * Reading never pauses for a request that is being answered (that would be two system calls
 * each): what comes meanwhile is kept in `unread`, and only a peer that sends very much ahead is
 * made to wait.  So a peer's end is noticed at once, too.
 */
#include "net/http_internal.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/time.h"

static int64_t
after(const struct http_server *server, int64_t timeout_us)
{
	/* The time is that of the last tick. */
	return server->now_us + server->tick_us + timeout_us;
}

static void
wait_for(struct http_connection *c, enum http_phase phase, int64_t timeout_us)
{
	c->phase = phase;
	c->deadline_us = after(c->server, timeout_us);
}

static const struct http_limits *
limits_of(const struct http_connection *c)
{
	return &c->server->options.limits;
}

static bool
has_unread(const struct http_connection *c)
{
	return c->unread.len > c->unread_at;
}

static bool
takes_requests(const struct http_connection *c)
{
	return c->phase >= PHASE_IDLE && c->phase <= PHASE_DROP && !c->is_broken &&
	       c->sending.len == 0;
}

/* Bytes out */

struct buf *
http_connection_out(struct http_connection *c)
{
	if (c->out.data == NULL) {
		c->out = c->server->spare;
		buf_init(&c->server->spare, SIZE_MAX);
	}
	return &c->out;
}

static void
give_back(struct http_connection *c, struct buf *buf)
{
	struct http_server *server = c->server;
	if (server->spare.data == NULL && buf->capacity <= HTTP_SPARE_BYTES) {
		server->spare = *buf;
		buf_reset(&server->spare);
	} else {
		free(buf->data);
	}
	buf_init(buf, SIZE_MAX);
}

static void on_written(uv_write_t *write, int status);

static void
send_rest(struct http_connection *c, size_t written)
{
	c->sending = c->out;
	buf_init(&c->out, SIZE_MAX);
	uv_buf_t rest = {.base = (char *)c->sending.data + written,
			 .len = c->sending.len - written};
	c->write_left_bytes = rest.len;
	c->write_deadline_us = after(c->server, limits_of(c)->body_timeout_us);
	if (uv_write(&c->write, (uv_stream_t *)&c->handle, &rest, 1, on_written) != 0) {
		give_back(c, &c->sending);
		c->is_broken = true;
	}
}

static void
flush(struct http_connection *c)
{
	if (c->sending.len > 0 || c->is_broken)
		return;
	if (c->out.len == 0) {
		if (c->out.data != NULL)
			give_back(c, &c->out);
		return;
	}
	uv_buf_t bytes = {.base = (char *)c->out.data, .len = c->out.len};
	int written = uv_try_write((uv_stream_t *)&c->handle, &bytes, 1);
	if (written >= 0 && (size_t)written == c->out.len)
		give_back(c, &c->out);
	else if (written >= 0 || written == UV_EAGAIN)
		send_rest(c, written < 0 ? 0 : (size_t)written);
	else
		c->is_broken = true;
}

static void
on_written(uv_write_t *write, int status)
{
	struct http_connection *c = write->data;
	give_back(c, &c->sending);
	if (c->phase == PHASE_CLOSED)
		return;
	if (status != 0)
		c->is_broken = true;
	if (c->phase == PHASE_IDLE)
		wait_for(c, PHASE_IDLE, limits_of(c)->idle_timeout_us);
	http_connection_settle(c);
}

/* The end */

static void
release(struct http_connection *c)
{
	struct http_server *server = c->server;
	if (server->n_free_connections >= server->spare_most) {
		free(c);
		return;
	}
	c->next = server->free_connections;
	server->free_connections = c;
	server->n_free_connections++;
}

static void
on_closed(uv_handle_t *handle)
{
	struct http_connection *c = handle->data;
	struct http_server *server = c->server;
	give_back(c, &c->out);
	buf_done(&c->unread);
	tls_session_free(c->tls);
	tls_context_unref(c->tls_later);
	release(c);
	server->n_handles--;
	http_server_check_end(server);
}

static void
unlink_connection(struct http_connection *c)
{
	/* Its own pointers stay: a walk over the list may stand on it. */
	if (c->previous == NULL)
		c->server->connections = c->next;
	else
		c->previous->next = c->next;
	if (c->next != NULL)
		c->next->previous = c->previous;
	c->server->n_connections--;
}

void
http_connection_close(struct http_connection *c, err_t why)
{
	if (c->phase == PHASE_CLOSED)
		return;
	if (c->is_busy) {
		c->is_broken = true;
		return;
	}
	c->phase = PHASE_CLOSED;
	unlink_connection(c);
	struct http_exchange *x = c->exchange;
	c->exchange = NULL;
	if (x != NULL)
		http_exchange_abandon(x, why);
	uv_close((uv_handle_t *)&c->handle, on_closed);
}

/* No further request; what is in `out` is still sent. */
static void
end(struct http_connection *c, bool must_linger)
{
	if (c->tls != NULL && !c->is_tls_broken)
		tls_shutdown(c->tls, http_connection_out(c));
	c->must_linger = must_linger;
	c->linger_left_bytes = HTTP_LINGER_BYTES;
	wait_for(c, PHASE_END, limits_of(c)->body_timeout_us);
}

/* A request that came in part ends without `complete`. */
static void
end_refused(struct http_connection *c, err_t why)
{
	struct http_exchange *x = c->exchange;
	c->exchange = NULL;
	end(c, true);
	if (x != NULL)
		http_exchange_abandon(x, why);
}

/* The start of what came: in pieces before, or LAST alone. */
static struct slice
what_came(struct http_connection *c, struct slice last)
{
	struct http_exchange *x = c->exchange;
	if (x == NULL || x->raw.len == 0)
		return last;
	buf_append(&x->raw, last);
	return buf_slice(&x->raw);
}

static void
refuse(struct http_connection *c, struct http_refusal refusal, struct slice bytes)
{
	if (refusal.reason != NULL)
		http_server_report(c->server, &c->peer, refusal.reason, refusal.err,
				   what_came(c, bytes));
	http_respond_refusal(c, refusal.status, refusal.err);
	end_refused(c, refusal.err);
}

/* Requests */

static void
begin(struct http_connection *c)
{
	c->exchange = http_exchange_new(c);
	wait_for(c, PHASE_HEAD, limits_of(c)->head_timeout_us);
}

void
http_connection_answered(struct http_connection *c)
{
	struct http_exchange *x = c->exchange;
	bool is_complete = x->is_complete;
	c->has_answered = true;
	if (!x->will_close && !is_complete) {
		wait_for(c, PHASE_DROP, limits_of(c)->body_timeout_us);
		return;
	}
	c->exchange = NULL;
	if (x->will_close)
		end(c, !is_complete);
	else
		wait_for(c, PHASE_IDLE, limits_of(c)->idle_timeout_us);
	http_exchange_release(x);
}

static void
complete(struct http_connection *c)
{
	struct http_exchange *x = c->exchange;
	struct http_server *server = c->server;
	x->is_complete = true;
	if (!x->is_answered) {
		c->phase = PHASE_ANSWER;
		c->deadline_us = INT64_MAX;
		server->options.handlers.complete(&x->request, server->options.context);
	}
	if (x->is_answered)
		http_connection_answered(c);
}

/* All bytes that are there were taken, and the request is not at its end. */
static void
go_on(struct http_connection *c, struct slice taken)
{
	struct http_exchange *x = c->exchange;
	if (!x->is_head_done) {
		buf_append(&x->raw, taken);
		return;
	}
	if (x->is_answered && c->phase != PHASE_DROP) {
		http_connection_answered(c);
		return;
	}
	if (c->phase != PHASE_HEAD)
		return;
	c->interval_bytes = 0;
	wait_for(c, PHASE_BODY, limits_of(c)->body_timeout_us);
	if (x->expects_continue && x->body_bytes == 0)
		http_respond_continue(c);
}

/* Feeds IN, as far as it goes, to this and the following requests. */
static void
consume(struct http_connection *c, struct slice *in)
{
	while (in->len > 0 && takes_requests(c)) {
		if (c->phase == PHASE_IDLE)
			begin(c);
		struct slice before = *in;
		switch (http_exchange_feed(c->exchange, in)) {
		case FEED_MORE:
			go_on(c, before);
			break;
		case FEED_COMPLETE:
			complete(c);
			break;
		case FEED_STOPPED:
			c->exchange->will_close = true;
			http_connection_answered(c);
			break;
		case FEED_REFUSED:
			refuse(c, c->exchange->refusal, before);
			break;
		}
		if (c->out.len > HTTP_OUT_BYTES)
			flush(c);
	}
}

static void
keep_unread(struct http_connection *c, struct slice bytes)
{
	if (c->phase >= PHASE_END || bytes.len == 0)
		return;
	if (c->unread_at > 0) {
		c->unread.len -= c->unread_at;
		memmove(c->unread.data, c->unread.data + c->unread_at, c->unread.len);
		c->unread_at = 0;
	}
	buf_append(&c->unread, bytes);
}

static void
consume_unread(struct http_connection *c)
{
	while (has_unread(c) && takes_requests(c)) {
		struct slice in = slice_sub(buf_slice(&c->unread), c->unread_at, c->unread.len);
		consume(c, &in);
		c->unread_at = c->unread.len - in.len;
	}
	if (c->phase >= PHASE_END)
		c->unread_at = c->unread.len;
	if (c->unread.data != NULL && !has_unread(c)) {
		buf_done(&c->unread);
		c->unread_at = 0;
	}
}

/* Bytes in */

static void
take_plain(struct http_connection *c, struct slice bytes)
{
	const struct http_server_options *options = &c->server->options;
	if (options->handlers.tap != NULL)
		options->handlers.tap(c->number, &c->peer, true, bytes, options->context);
	if (!has_unread(c))
		consume(c, &bytes);
	keep_unread(c, bytes);
}

static void
tls_failed(struct http_connection *c, struct slice wire)
{
	bool was_handshake = c->phase == PHASE_HANDSHAKE;
	bool is_http = was_handshake && wire.len > 0 && wire.data[0] >= 'A' && wire.data[0] <= 'Z';
	c->is_tls_broken = true;
	http_server_report(c->server, &c->peer,
			   is_http         ? "plain_on_tls_port"
			   : was_handshake ? "tls_handshake"
					   : "tls_record",
			   ERR_PROTO, wire);
	if (c->phase == PHASE_ANSWER)
		c->is_broken = true;
	else
		end_refused(c, ERR_PROTO);
}

static void
take_tls(struct http_connection *c, struct slice wire)
{
	struct http_server *server = c->server;
	buf_reset(&server->plain);
	err_t err = tls_receive(c->tls, wire, &server->plain, http_connection_out(c));
	if (c->phase == PHASE_HANDSHAKE && tls_is_established(c->tls))
		c->phase = PHASE_IDLE; /* the deadline stays: a first request is part of it */
	if (server->plain.len > 0)
		take_plain(c, buf_slice(&server->plain));
	if (err == ERR_CLOSED)
		c->is_eof = true;
	else if (err != OK && c->phase < PHASE_END)
		tls_failed(c, wire);
}

static void take(struct http_connection *c, struct slice wire);

static void
start_tls(struct http_connection *c, struct tls_context *tls)
{
	c->tls = tls_session_new(tls);
	wait_for(c, PHASE_HANDSHAKE, limits_of(c)->head_timeout_us);
}

static void
after_proxy(struct http_connection *c)
{
	const struct http_server_options *options = &c->server->options;
	c->is_denied =
		options->n_allow > 0 && !address_in_any(&c->peer, options->allow, options->n_allow);
	if (c->tls_later == NULL) {
		wait_for(c, PHASE_IDLE, limits_of(c)->idle_timeout_us);
		return;
	}
	start_tls(c, c->tls_later);
	tls_context_unref(c->tls_later);
	c->tls_later = NULL;
}

static void
take_proxy(struct http_connection *c, struct slice wire)
{
	size_t used;
	buf_append(&c->unread, wire);
	err_t err = proxy_parse(buf_slice(&c->unread), &c->peer, &used);
	if (err == ERR_TRUNCATED)
		return;
	if (err != OK) {
		http_server_report(c->server, &c->peer, "no_proxy_header", err,
				   buf_slice(&c->unread));
		c->is_broken = true;
		return;
	}
	struct buf held = c->unread;
	buf_init(&c->unread, SIZE_MAX);
	after_proxy(c);
	take(c, slice_sub(buf_slice(&held), used, held.len));
	buf_done(&held);
}

static void
take_last(struct http_connection *c, struct slice wire)
{
	if (wire.len >= c->linger_left_bytes)
		c->is_broken = true;
	else
		c->linger_left_bytes -= wire.len;
}

static void
take(struct http_connection *c, struct slice wire)
{
	if (wire.len == 0)
		return;
	c->has_received = true;
	if (c->phase == PHASE_PROXY)
		take_proxy(c, wire);
	else if (c->phase >= PHASE_END)
		take_last(c, wire);
	else if (c->tls != NULL)
		take_tls(c, wire);
	else
		take_plain(c, wire);
}

/* What was begun and is not to be ended; a connection that said nothing is no event. */
static const char *
reason_of_end(const struct http_connection *c)
{
	switch (c->phase) {
	case PHASE_PROXY:
		return c->has_received ? "no_proxy_header" : NULL;
	case PHASE_HANDSHAKE:
		return c->has_received ? "tls_handshake" : NULL;
	case PHASE_HEAD:
		return "closed_in_head";
	case PHASE_BODY:
		return "closed_in_body";
	default:
		return NULL;
	}
}

static void
report_end(struct http_connection *c, err_t why)
{
	const char *reason = reason_of_end(c);
	struct slice bytes = c->phase == PHASE_PROXY ? buf_slice(&c->unread) : (struct slice){0};
	if (reason != NULL)
		http_server_report(c->server, &c->peer, reason, why, what_came(c, bytes));
}

static void
on_room(uv_handle_t *handle, size_t suggested, uv_buf_t *ret_buffer)
{
	struct http_connection *c = handle->data;
	(void)suggested;
	*ret_buffer = uv_buf_init(c->server->read_buffer, HTTP_READ_BYTES);
}

static void
reset(struct http_connection *c)
{
	report_end(c, ERR_CLOSED);
	c->is_broken = true;
}

static void
on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *buffer)
{
	struct http_connection *c = stream->data;
	c->is_busy = true;
	if (count > 0)
		take(c, slice_of(buffer->base, (size_t)count));
	else if (count == UV_EOF)
		c->is_eof = true;
	else if (count < 0)
		reset(c);
	c->is_busy = false;
	http_connection_settle(c);
}

/* Settling */

/* A peer that sends much ahead of its answers waits. */
static void
throttle(struct http_connection *c)
{
	bool wants = c->unread.len - c->unread_at <= HTTP_UNREAD_BYTES;
	if (wants == c->is_reading || c->is_eof)
		return;
	c->is_reading = wants;
	if (!wants)
		(void)uv_read_stop((uv_stream_t *)&c->handle);
	else if (uv_read_start((uv_stream_t *)&c->handle, on_room, on_read) != 0)
		c->is_broken = true;
}

/* The first answer on a new connection takes what the handshake left to send along. */
static bool
holds_output(const struct http_connection *c)
{
	return c->phase == PHASE_ANSWER && c->tls != NULL && !c->has_answered;
}

/* The peer has sent its last byte; a request that waits for its answer still gets it. */
static void
settle_eof(struct http_connection *c)
{
	report_end(c, ERR_CLOSED);
	if (c->phase == PHASE_LINGER)
		c->is_broken = true;
	else if (c->phase < PHASE_ANSWER)
		end_refused(c, ERR_CLOSED);
}

static void
settle_end(struct http_connection *c)
{
	int fd;
	bool has_all = !c->must_linger && c->is_reading;
	if (has_all || c->is_eof || uv_fileno((const uv_handle_t *)&c->handle, &fd) != 0 ||
	    shutdown(fd, SHUT_WR) != 0) {
		c->is_broken = true;
		return;
	}
	wait_for(c, PHASE_LINGER, HTTP_LINGER_US);
}

void
http_connection_settle(struct http_connection *c)
{
	if (c->is_busy || c->phase == PHASE_CLOSED)
		return;
	c->is_busy = true;
	do {
		consume_unread(c);
		if (!holds_output(c))
			flush(c);
	} while (has_unread(c) && takes_requests(c));
	bool is_quiet = (c->phase == PHASE_PROXY || !has_unread(c)) && !c->is_broken;
	if (is_quiet && c->is_eof)
		settle_eof(c);
	else if (is_quiet && c->server->is_draining && c->phase == PHASE_IDLE && c->out.len == 0)
		end(c, false);
	if (c->phase == PHASE_END) {
		flush(c);
		if (c->out.len == 0 && c->sending.len == 0)
			settle_end(c);
	}
	throttle(c);
	c->is_busy = false;
	if (c->is_broken)
		http_connection_close(c, ERR_CLOSED);
}

/* Deadlines */

static void
check_body(struct http_connection *c)
{
	uint64_t now = c->exchange->body_bytes;
	if (now == c->interval_bytes || now - c->interval_bytes < limits_of(c)->body_least_bytes) {
		struct http_refusal slow = {ERR_TIMEOUT, 408, "body_timeout"};
		refuse(c, slow, (struct slice){0});
		return;
	}
	c->interval_bytes = now;
	wait_for(c, PHASE_BODY, limits_of(c)->body_timeout_us);
}

static void
phase_deadline(struct http_connection *c)
{
	struct http_refusal slow = {ERR_TIMEOUT, 408, "head_timeout"};
	switch (c->phase) {
	case PHASE_HEAD:
		refuse(c, slow, (struct slice){0});
		break;
	case PHASE_BODY:
		check_body(c);
		break;
	case PHASE_IDLE:
		end(c, false);
		break;
	case PHASE_PROXY:
	case PHASE_HANDSHAKE:
		report_end(c, ERR_TIMEOUT);
		c->is_broken = true;
		break;
	default:
		c->is_broken = true;
		break;
	}
}

/* The peer takes nothing of an answer. */
static void
write_deadline(struct http_connection *c)
{
	size_t left = uv_stream_get_write_queue_size((uv_stream_t *)&c->handle);
	if (left < c->write_left_bytes) {
		c->write_left_bytes = left;
		c->write_deadline_us = after(c->server, limits_of(c)->body_timeout_us);
		return;
	}
	http_server_report(c->server, &c->peer, "answer_timeout", ERR_TIMEOUT, (struct slice){0});
	c->is_broken = true;
}

void
http_connection_deadline(struct http_connection *c)
{
	bool is_sending = c->sending.len > 0;
	if (c->phase == PHASE_CLOSED ||
	    c->server->now_us < (is_sending ? c->write_deadline_us : c->deadline_us))
		return;
	c->is_busy = true;
	if (is_sending)
		write_deadline(c);
	else
		phase_deadline(c);
	c->is_busy = false;
	http_connection_settle(c);
}

/* The beginning */

static struct http_connection *
allocate(struct http_server *server)
{
	struct http_connection *c = server->free_connections;
	if (c != NULL) {
		server->free_connections = c->next;
		server->n_free_connections--;
		*c = (struct http_connection){0};
	} else {
		c = calloc(1, sizeof(*c));
	}
	if (c == NULL)
		abort();
	c->server = server;
	c->handle.data = c;
	c->write.data = c;
	buf_init(&c->out, SIZE_MAX);
	buf_init(&c->sending, SIZE_MAX);
	buf_init(&c->unread, SIZE_MAX);
	return c;
}

static void
link_connection(struct http_connection *c)
{
	struct http_server *server = c->server;
	c->next = server->connections;
	if (c->next != NULL)
		c->next->previous = c;
	server->connections = c;
	server->n_connections++;
	c->number = ++server->last_number;
}

static void
choose_first_phase(struct http_connection *c, struct tls_context *tls)
{
	const struct http_server_options *options = &c->server->options;
	c->tls_later = tls == NULL ? NULL : tls_context_ref(tls);
	if (address_in_any(&c->peer, options->trusted_proxies, options->n_trusted_proxies))
		wait_for(c, PHASE_PROXY, limits_of(c)->head_timeout_us);
	else
		after_proxy(c);
}

void
http_connection_open(struct http_server *server, int fd, const struct address *peer,
		     const struct address *local, struct tls_context *tls)
{
	struct http_connection *c = allocate(server);
	c->peer = *peer;
	c->local = *local;
	if (uv_tcp_init(server->loop, &c->handle) != 0)
		abort();
	server->n_handles++;
	link_connection(c);
	if (uv_tcp_open(&c->handle, fd) != 0) {
		(void)close(fd);
		http_connection_close(c, ERR_IO);
		return;
	}
	c->is_busy = true;
	if (server->n_connections > limits_of(c)->connections) {
		http_server_report(server, peer, "too_many_connections", ERR_BUSY,
				   (struct slice){0});
		http_respond_refusal(c, 503, ERR_BUSY);
		end(c, true);
	} else {
		choose_first_phase(c, tls);
	}
	c->is_busy = false;
	http_connection_settle(c);
}

void
http_connection_pool_done(struct http_server *server)
{
	while (server->free_connections != NULL) {
		struct http_connection *c = server->free_connections;
		server->free_connections = c->next;
		free(c);
	}
}
