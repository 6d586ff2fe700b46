/* http_server.c - the server: listeners, accepting, deadlines, drain, end
 *
 * Sockets are accepted here, several in a round of the loop, and handed to http_connection.c.
 * One timer, once a second (oftener only when a timeout is shorter than four seconds), looks at
 * every connection's deadline; no event looks at more than its own connection.  The clock is
 * read at those ticks alone, so that a deadline may be up to two ticks late, never early.
 *
 * Reasons that `refused` gets; they are stable, and counted and documented by the roles:
 *
 *   too_many_connections   over limits.connections; answered 503 (TLS: only closed)
 *   accept_failed          no descriptors or memory; tried again at the next tick; no peer
 *   no_proxy_header        a trusted proxy did not open with PROXY v2, or not in time; closed
 *   peer_not_allowed       not in `allow`; answered 403
 *   tls_handshake          not TLS, no common version or cipher, certificate refused by the
 *                          peer, peer gone or silent before the end of the handshake; closed
 *   plain_on_tls_port      an HTTP request where TLS is spoken; closed
 *   tls_on_plain_port      a TLS handshake where HTTP is spoken; answered 400
 *   tls_record             broken bytes after the handshake; closed
 *   bad_method             not a method that llhttp knows; answered 400, as all bad_*
 *   bad_target             no target, or control bytes in it
 *   bad_version            neither HTTP/1.0 nor HTTP/1.1
 *   bad_header             a header line that is none, or with an empty name
 *   bad_content_length     not a number, given twice, or together with Transfer-Encoding
 *   bad_transfer_encoding  chunked is not the last coding
 *   bad_chunk              a chunked body that is none
 *   bad_http               anything else that is not HTTP
 *   target_too_long        over LIMIT_TARGET_BYTES; answered 414
 *   head_too_long          over LIMIT_HEADER_BYTES; answered 431
 *   too_many_headers       over LIMIT_HEADERS; answered 431
 *   head_timeout           the head took longer than head_timeout_us; answered 408
 *   body_timeout           too little of the body in body_timeout_us; answered 408
 *   answer_timeout         the peer takes nothing of its answer; closed
 *   closed_in_head         the peer ended the connection within a head
 *   closed_in_body         the same within a body; `gone` is called too
 */
#include "net/http_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/time.h"

enum {
	ACCEPTS_PER_ROUND = 64, /* so that connections that are there already get their turn */
	SHORTEST_TICK_US = 10 * 1000
};

void
http_server_report(const struct http_server *server, const struct address *peer, const char *reason,
		   err_t why, struct slice bytes)
{
	const struct http_handlers *handlers = &server->options.handlers;
	if (handlers->refused != NULL)
		handlers->refused(peer, reason, why, bytes, server->options.context);
}

static void
destroy(struct http_server *server)
{
	http_connection_pool_done(server);
	http_exchange_pool_done(server);
	buf_done(&server->spare);
	buf_done(&server->plain);
	buf_done(&server->answer);
	free(server);
}

void
http_server_check_end(struct http_server *server)
{
	if (server->n_exchanges > 0)
		return;
	if (server->is_draining && !server->is_drained && server->n_connections == 0) {
		server->is_drained = true;
		if (server->drained != NULL)
			server->drained(server->options.context);
	}
	if (server->is_freed && server->n_handles == 0)
		destroy(server);
}

/* Listeners */

static void
refuse_all(struct http_listener *listener, int error_number)
{
	struct address nobody = {0};
	listener->is_paused = true;
	(void)uv_poll_stop(&listener->poll);
	http_server_report(listener->server, &nobody, "accept_failed", err_from_errno(error_number),
			   (struct slice){0});
}

static void
take_socket(struct http_listener *listener, int fd, const struct sockaddr_storage *from)
{
	struct http_server *server = listener->server;
	size_t most = server->options.limits.connections;
	struct address peer;
	address_from_sockaddr((const struct sockaddr *)from, &peer);
	if (server->n_connections >= most + (listener->tls == NULL ? HTTP_REFUSED_AT_ONCE : 0)) {
		(void)close(fd);
		http_server_report(server, &peer, "too_many_connections", ERR_BUSY,
				   (struct slice){0});
		return;
	}
	http_connection_open(server, fd, &peer, &listener->local, listener->tls);
}

static void
on_acceptable(uv_poll_t *poll, int status, int events)
{
	struct http_listener *listener = poll->data;
	(void)status;
	(void)events;
	for (int i = 0; i < ACCEPTS_PER_ROUND && listener->fd >= 0; i++) {
		struct sockaddr_storage from = {0};
		socklen_t from_bytes = sizeof(from);
		int fd = accept4(listener->fd, (struct sockaddr *)&from, &from_bytes,
				 SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd >= 0) {
			take_socket(listener, fd, &from);
		} else if (errno == EAGAIN) {
			return;
		} else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS ||
			   errno == ENOMEM) {
			refuse_all(listener, errno);
			return;
		}
	}
}

static void
start_listener(struct http_listener *listener)
{
	listener->is_paused = uv_poll_start(&listener->poll, UV_READABLE, on_acceptable) != 0;
}

static void
on_listener_closed(uv_handle_t *handle)
{
	struct http_listener *listener = handle->data;
	struct http_server *server = listener->server;
	tls_context_unref(listener->tls);
	free(listener);
	server->n_handles--;
	http_server_check_end(server);
}

static void
close_listeners(struct http_server *server)
{
	struct http_listener *listener = server->listeners;
	server->listeners = NULL;
	while (listener != NULL) {
		struct http_listener *next = listener->next;
		uv_close((uv_handle_t *)&listener->poll, on_listener_closed);
		(void)close(listener->fd);
		listener->fd = -1;
		listener = next;
	}
}

err_t
http_server_listen(struct http_server *server, int fd, struct tls_context *context)
{
	struct sockaddr_storage at = {0};
	socklen_t at_bytes = sizeof(at);
	struct http_listener *listener = calloc(1, sizeof(*listener));
	if (listener == NULL)
		abort();
	if (getsockname(fd, (struct sockaddr *)&at, &at_bytes) != 0 ||
	    uv_poll_init(server->loop, &listener->poll, fd) != 0) {
		free(listener);
		(void)close(fd);
		return ERR_IO;
	}
	server->n_handles++;
	listener->poll.data = listener;
	listener->fd = fd;
	listener->server = server;
	address_from_sockaddr((const struct sockaddr *)&at, &listener->local);
	listener->tls = context == NULL ? NULL : tls_context_ref(context);
	listener->next = server->listeners;
	server->listeners = listener;
	start_listener(listener);
	return OK;
}

void
http_server_set_tls(struct http_server *server, struct tls_context *context)
{
	for (struct http_listener *l = server->listeners; l != NULL; l = l->next) {
		if (l->tls == NULL)
			continue;
		tls_context_unref(l->tls);
		l->tls = tls_context_ref(context);
	}
}

/* Deadlines */

static int64_t
least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static void
on_tick(uv_timer_t *timer)
{
	struct http_server *server = timer->data;
	int64_t now_us = time_monotonic_us();
	/* When the loop stood still, what the peers sent meanwhile is still to be read. */
	server->now_us += least(now_us - server->ticked_us, 2 * server->tick_us);
	server->ticked_us = now_us;
	for (struct http_listener *l = server->listeners; l != NULL; l = l->next)
		if (l->is_paused)
			start_listener(l);
	/* A connection that is closed meanwhile keeps its `next` until the loop's next phase. */
	for (struct http_connection *c = server->connections; c != NULL; c = c->next)
		http_connection_deadline(c);
}

void
http_server_set_limits(struct http_server *server, const struct http_limits *limits)
{
	int64_t shortest = least(limits->head_timeout_us,
				 least(limits->body_timeout_us, limits->idle_timeout_us));
	server->options.limits = *limits;
	server->tick_us = least(shortest / 4, TIME_SECOND_US);
	if (server->tick_us < SHORTEST_TICK_US)
		server->tick_us = SHORTEST_TICK_US;
	server->ticked_us = time_monotonic_us();
	uint64_t tick_ms = (uint64_t)server->tick_us / 1000;
	(void)uv_timer_start(&server->timer, on_tick, tick_ms, tick_ms);
}

/* Beginning and end */

/* Sanitizers are to see every use after the end. */
static size_t
spare_most(void)
{
#if defined(__SANITIZE_ADDRESS__)
	return 0;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
	return 0;
#endif
#endif
	return HTTP_SPARE_OBJECTS;
}

err_t
http_server_new(uv_loop_t *loop, const struct http_server_options *options,
		struct http_server **ret_server)
{
	struct http_server *server = calloc(1, sizeof(*server));
	if (server == NULL)
		abort();
	server->loop = loop;
	server->options = *options;
	server->spare_most = spare_most();
	buf_init(&server->spare, SIZE_MAX);
	buf_init(&server->plain, SIZE_MAX);
	buf_init(&server->answer, SIZE_MAX);
	if (uv_timer_init(loop, &server->timer) != 0) {
		free(server);
		return ERR_IO;
	}
	server->timer.data = server;
	server->n_handles = 1;
	http_server_set_limits(server, &options->limits);
	*ret_server = server;
	return OK;
}

void
http_server_drain(struct http_server *server, void (*drained)(void *context))
{
	server->is_draining = true;
	server->drained = drained;
	close_listeners(server);
	for (struct http_connection *c = server->connections; c != NULL; c = c->next)
		http_connection_settle(c);
	http_server_check_end(server);
}

size_t
http_server_connections(const struct http_server *server)
{
	return server->n_connections;
}

static void
on_timer_closed(uv_handle_t *handle)
{
	struct http_server *server = handle->data;
	server->n_handles--;
	http_server_check_end(server);
}

void
http_server_free(struct http_server *server)
{
	if (server == NULL || server->is_freed)
		return;
	server->is_freed = true;
	close_listeners(server);
	for (struct http_connection *c = server->connections; c != NULL; c = c->next)
		http_connection_close(c, ERR_CLOSED);
	uv_close((uv_handle_t *)&server->timer, on_timer_closed);
}
