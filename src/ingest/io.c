#include "ingest/io.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/time.h"
#include "ingest/io_internal.h"
#include "ingest/machine.h"

enum {
	KEPT_BUFFER_BYTES = 64 * 1024 /* an idle exchange keeps no larger buffer */
};

/* ---- exchanges ---- */

static struct exchange *
exchange_new(struct io *io)
{
	struct exchange *x = calloc(1, sizeof(*x));
	if (x == NULL)
		abort();
	x->io = io;
	buf_init(&x->body, LIMIT_REPORT_BYTES);
	buf_init(&x->packed, 2 * LIMIT_REPORT_BYTES);
	buf_init(&x->reply, LIMIT_REPLY_BYTES);
	arena_init(&x->arena, LIMIT_REPORT_ARENA_BYTES);
	return x;
}

static void
exchange_free(struct exchange *x)
{
	buf_done(&x->body);
	buf_done(&x->packed);
	buf_done(&x->reply);
	arena_done(&x->arena);
	free(x);
}

static uint32_t
source_flags(const struct http_request *request)
{
	return (request->is_tls ? SOURCE_TLS : 0U) | (request->is_chunked ? SOURCE_CHUNKED : 0U) |
	       (request->is_http10 ? SOURCE_HTTP10 : 0U);
}

struct exchange *
io_take_exchange(struct io *io, struct http_request *request, enum exchange_kind kind)
{
	struct exchange *x = io->idle;
	if (x != NULL)
		io->idle = x->next;
	else
		x = exchange_new(io);
	x->next = NULL;
	x->kind = kind;
	x->request = request;
	x->snapshot = snapshot_ref(io->snapshot);
	x->source = (struct facts_source){.peer = request->peer, .flags = source_flags(request)};
	x->result = ERR_INTERNAL;
	x->received_bytes = 0;
	x->is_repeated = false;
	request->user = x;
	return x;
}

static void
empty_buffer(struct buf *buf)
{
	buf_reset(buf);
	if (buf->capacity > KEPT_BUFFER_BYTES)
		buf_done(buf);
}

void
io_release(struct exchange *x)
{
	struct io *io = x->io;
	if (x->has_entered)
		peers_leave(io->o.peers, &x->source.peer);
	x->has_entered = false;
	blob_cancel(x->blob);
	x->blob = NULL;
	snapshot_unref(x->snapshot);
	x->snapshot = NULL;
	empty_buffer(&x->body);
	empty_buffer(&x->packed);
	arena_reset(&x->arena);
	x->next = io->idle;
	io->idle = x;
}

void
io_hand_over(struct io *io, struct exchange *x)
{
	exchange_append(&io->ready, x);
}

/* ---- what the HTTP server calls ---- */

static err_t
on_head(struct http_request *request, void *context)
{
	struct io *io = context;
	struct upload_ticket ticket;
	if (slice_equal_str(request->method, "POST") && upload_path_is_stage2(request->target))
		return level1_head(io, request);
	if (!slice_equal_str(request->method, "PUT"))
		return refuse_unknown(io, request);
	err_t err = upload_path_parse(request->target, io->o.upload_key, &ticket);
	if (err == OK)
		return upload_head(io, request, &ticket);
	if (err == ERR_NOTFOUND)
		return refuse_unknown(io, request);
	return refuse(io, &request->peer, err,
		      &(struct refusal){.name = "upload_path_forged",
					.stage = "upload",
					.detail = "",
					.bytes = request->target});
}

static err_t
on_body(struct http_request *request, struct slice bytes, void *context)
{
	struct exchange *x = request->user;
	(void)context;
	x->received_bytes += bytes.len;
	return x->kind == EXCHANGE_LEVEL1 ? level1_body(x, bytes) : upload_body(x, bytes);
}

static void
on_complete(struct http_request *request, void *context)
{
	struct exchange *x = request->user;
	struct io *io = context;
	if (x->kind == EXCHANGE_LEVEL1)
		exchange_append(&io->received, x);
	else
		upload_complete(x);
}

/* A handler's own refusal was counted there; what ended otherwise is counted here. */
static void
on_gone(struct http_request *request, err_t why, void *context)
{
	struct exchange *x = request->user;
	if (x == NULL)
		return;
	if (why == ERR_CLOSED || why == ERR_TIMEOUT)
		(void)refuse(context, &request->peer, why,
			     &(struct refusal){
				     .name = why == ERR_TIMEOUT ? "body_timeout" : "body_truncated",
				     .stage = x->kind == EXCHANGE_LEVEL1 ? "level1" : "upload",
				     .detail = "",
				     .offset = x->received_bytes,
				     .total_bytes = request->content_length,
				     .bytes = buf_slice(&x->body),
			     });
	request->user = NULL;
	io_release(x);
}

static void
on_refused(const struct address *peer, const char *reason, err_t why, struct slice bytes,
	   void *context)
{
	(void)refuse(context, peer, why,
		     &(struct refusal){.name = reason,
				       .stage = "http",
				       .detail = "",
				       .total_bytes = bytes.len,
				       .bytes = bytes});
}

/* ---- the loop ---- */

static void
answer_done(struct io *io, struct exchange_list *done)
{
	for (struct exchange *x; (x = exchange_take(done)) != NULL;) {
		if (x->kind == EXCHANGE_LEVEL1)
			level1_answer(x);
		else
			upload_answer(x);
		io_release(x);
	}
	(void)io;
}

static void
take_snapshot(struct io *io, struct snapshot *next)
{
	snapshot_unref(io->snapshot);
	io->snapshot = next;
	if (next->tls != NULL)
		http_server_set_tls(io->server, next->tls);
}

static void
on_drained(void *context)
{
	struct io *io = context;
	uv_stop(&io->loop);
}

static void
on_wake(uv_async_t *wake)
{
	struct io *io = wake->data;
	(void)pthread_mutex_lock(&io->lock);
	struct exchange_list done = io->done;
	struct snapshot *next = io->next_snapshot;
	bool is_draining = io->is_draining;
	io->done = (struct exchange_list){0};
	io->next_snapshot = NULL;
	io->is_draining = false;
	(void)pthread_mutex_unlock(&io->lock);
	if (next != NULL)
		take_snapshot(io, next);
	answer_done(io, &done);
	if (is_draining)
		http_server_drain(io->server, on_drained);
}

/* Everything that this round brought goes to the committer at once, under one lock. */
static void
on_after_round(uv_check_t *check)
{
	struct io *io = check->data;
	atomic_fetch_add_explicit(&io->rounds, 1, memory_order_relaxed);
	for (struct exchange *x; (x = exchange_take(&io->received)) != NULL;)
		level1_complete(x);
	if (io->ready.first != NULL)
		committer_push(io->committer, &io->ready);
}

static void *
io_main(void *argument)
{
	struct io *io = argument;
	(void)uv_run(&io->loop, UV_RUN_DEFAULT);
	return NULL;
}

/* ---- life ---- */

static struct http_limits
http_limits_of(const struct config_ingest *ingest, size_t threads)
{
	return (struct http_limits){
		.connections = (size_t)(ingest->max_connections + threads - 1) / threads,
		.head_timeout_us = ingest->head_timeout_us,
		.body_timeout_us = ingest->body_timeout_us,
		.body_least_bytes = 1024,
		.idle_timeout_us = ingest->idle_timeout_us,
		.arena_bytes = 2 * LIMIT_HEADER_BYTES,
	};
}

static err_t
make_server(struct io *io)
{
	const struct config_ingest *ingest = &io->snapshot->config.ingest;
	struct http_server_options options = {
		.handlers = {.head = on_head,
			     .body = on_body,
			     .complete = on_complete,
			     .gone = on_gone,
			     .refused = on_refused},
		.context = io,
		.limits = http_limits_of(ingest, io->o.threads),
		.trusted_proxies = ingest->trusted_proxies.ranges,
		.n_trusted_proxies = ingest->trusted_proxies.n_ranges,
		.allow = ingest->allow.ranges,
		.n_allow = ingest->allow.n_ranges,
	};
	return http_server_new(&io->loop, &options, &io->server);
}

static err_t
listen_all(struct io *io)
{
	for (size_t i = 0; i < io->o.n_sockets; i++) {
		const struct ingest_socket *socket = &io->o.sockets[i];
		if (socket->thread != io->o.index)
			continue;
		err_t err = http_server_listen(io->server, socket->fd,
					       socket->is_tls ? io->snapshot->tls : NULL);
		if (err != OK)
			return err;
	}
	return OK;
}

err_t
io_new(const struct io_options *options, struct io **ret_io, struct err_detail *detail)
{
	struct io *io = calloc(1, sizeof(*io));
	if (io == NULL)
		abort();
	io->o = *options;
	/* The first one is kept for the thread's whole life: the server borrows from it. */
	io->o.snapshot = snapshot_ref(options->snapshot);
	io->snapshot = snapshot_ref(options->snapshot);
	io->parser = level1_parser_new();
	io->pack = pack_new();
	(void)pthread_mutex_init(&io->lock, NULL);
	if (uv_loop_init(&io->loop) != 0 || uv_async_init(&io->loop, &io->wake, on_wake) != 0 ||
	    uv_check_init(&io->loop, &io->after_round) != 0 ||
	    uv_check_start(&io->after_round, on_after_round) != 0)
		return err_set(detail, ERR_IO, "cannot make an event loop");
	io->wake.data = io->after_round.data = io;
	err_t err = make_server(io);
	if (err == OK)
		err = listen_all(io);
	if (err != OK)
		return err_set(detail, err, "cannot listen: %s", err_text(err));
	*ret_io = io;
	return OK;
}

err_t
io_start(struct io *io, struct committer *committer)
{
	io->committer = committer;
	if (pthread_create(&io->thread, NULL, io_main, io) != 0)
		return ERR_NOMEM;
	(void)pthread_setname_np(io->thread, "io");
	io->is_started = true;
	return OK;
}

void
io_give_back(struct io *io, struct exchange_list *list)
{
	(void)pthread_mutex_lock(&io->lock);
	exchange_append_all(&io->done, list);
	(void)pthread_mutex_unlock(&io->lock);
	(void)uv_async_send(&io->wake);
}

void
io_set_snapshot(struct io *io, struct snapshot *snapshot)
{
	(void)pthread_mutex_lock(&io->lock);
	struct snapshot *skipped = io->next_snapshot;
	io->next_snapshot = snapshot_ref(snapshot);
	(void)pthread_mutex_unlock(&io->lock);
	snapshot_unref(skipped);
	(void)uv_async_send(&io->wake);
}

void
io_drain(struct io *io)
{
	(void)pthread_mutex_lock(&io->lock);
	io->is_draining = true;
	(void)pthread_mutex_unlock(&io->lock);
	(void)uv_async_send(&io->wake);
}

uint64_t
io_rounds(struct io *io)
{
	return atomic_load_explicit(&io->rounds, memory_order_relaxed);
}

void
io_poke(struct io *io)
{
	(void)uv_async_send(&io->wake);
}

void
io_join(struct io *io)
{
	if (io->is_started)
		(void)pthread_join(io->thread, NULL);
	io->is_started = false;
}

void
io_free(struct io *io)
{
	if (io == NULL)
		return;
	uv_close((uv_handle_t *)&io->wake, NULL);
	uv_close((uv_handle_t *)&io->after_round, NULL);
	http_server_free(io->server);
	(void)uv_run(&io->loop, UV_RUN_DEFAULT);
	(void)uv_loop_close(&io->loop);
	while (io->idle != NULL) {
		struct exchange *next = io->idle->next;
		exchange_free(io->idle);
		io->idle = next;
	}
	level1_parser_free(io->parser);
	pack_free(io->pack);
	snapshot_unref(io->snapshot);
	snapshot_unref(io->next_snapshot);
	snapshot_unref(io->o.snapshot);
	(void)pthread_mutex_destroy(&io->lock);
	free(io);
}
