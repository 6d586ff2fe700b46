/* fuzz_http.c - bytes into a connection of the HTTP server, cut as the input says
 *
 *   byte 0   what the handler does (bits 0-2), how the peer ends (bit 3: reset, not end of file)
 *   byte 1   how many bytes are sent at once, 0: all
 *   the rest what the peer sends
 *
 * A socket pair stands for the network.  Checked besides memory: each request that the handler
 * hears of ends exactly once, everything that is sent looks like answers, and nothing is left
 * when the peer has gone.
 */
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/time.h"
#include "net/http_internal.h"

enum {
	ACTION_COMPLETE,
	ACTION_LATER,
	ACTION_IN_HEAD,
	ACTION_IN_BODY,
	ACTION_HEAD_ERROR,
	ACTION_BODY_ERROR,
	ACTION_CLOSE,
	ACTION_ERROR,
	IS_RESET = 8
};

struct world {
	uv_loop_t loop;
	struct http_server *server;
	struct http_request *held;
	unsigned action;
	size_t n_open; /* requests that have not ended */
};

static void
need(bool condition)
{
	if (!condition)
		abort();
}

static void
answer(struct http_request *request, struct world *world)
{
	world->n_open--;
	if (world->action == ACTION_ERROR)
		http_respond_error(request, ERR_BUSY);
	else
		http_respond(request, 200, "text/plain", request->target, "A: b\r\n",
			     world->action == ACTION_CLOSE);
}

static err_t
on_head(struct http_request *request, void *context)
{
	struct world *world = context;
	need(request->user == NULL && request->target.len > 0);
	need(request->target.len <= LIMIT_TARGET_BYTES);
	request->user = world;
	world->n_open++;
	(void)http_header(request, "Content-Type");
	if (world->action == ACTION_IN_HEAD)
		answer(request, world);
	return world->action == ACTION_HEAD_ERROR ? ERR_LIMIT : OK;
}

static err_t
on_body(struct http_request *request, struct slice bytes, void *context)
{
	struct world *world = context;
	need(request->user == world && bytes.len > 0);
	if (world->action == ACTION_IN_BODY)
		answer(request, world);
	return world->action == ACTION_BODY_ERROR ? ERR_FULL : OK;
}

static void
on_complete(struct http_request *request, void *context)
{
	struct world *world = context;
	need(request->user == world && world->held == NULL);
	if (world->action == ACTION_LATER)
		world->held = request;
	else
		answer(request, world);
}

static void
on_gone(struct http_request *request, err_t why, void *context)
{
	struct world *world = context;
	need(request->user == world && why != OK);
	world->n_open--;
}

static void
on_refused(const struct address *peer, const char *reason, err_t why, struct slice bytes,
	   void *context)
{
	(void)context;
	need(peer != NULL && reason[0] != '\0' && why != OK);
	need(bytes.len == 0 || bytes.data != NULL);
}

static struct world *
start(void)
{
	static struct world world;
	if (world.server != NULL)
		return &world;
	struct http_server_options options = {
		.handlers = {.head = on_head,
			     .body = on_body,
			     .complete = on_complete,
			     .gone = on_gone,
			     .refused = on_refused},
		.context = &world,
		.limits = {.connections = 10,
			   .head_timeout_us = 30 * TIME_SECOND_US,
			   .body_timeout_us = 30 * TIME_SECOND_US,
			   .idle_timeout_us = 30 * TIME_SECOND_US,
			   .arena_bytes = 64 * 1024},
	};
	need(uv_loop_init(&world.loop) == 0);
	need(http_server_new(&world.loop, &options, &world.server) == OK);
	return &world;
}

/* Each write of ours is whole answers as long as the peer reads all of them at once. */
static void
read_answers(int fd)
{
	static char bytes[256 * 1024];
	ssize_t count = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT);
	if (count > 0)
		need(count >= 12 && memcmp(bytes, "HTTP/1.1 ", 9) == 0);
}

static void
turn(struct world *world, int fd)
{
	(void)uv_run(&world->loop, UV_RUN_NOWAIT);
	read_answers(fd);
	while (world->held != NULL) {
		struct http_request *request = world->held;
		world->held = NULL;
		answer(request, world);
		read_answers(fd);
	}
}

static void
finish(struct world *world, int fd, bool is_reset)
{
	if (!is_reset) {
		(void)shutdown(fd, SHUT_WR);
		turn(world, fd);
	}
	(void)close(fd);
	for (int i = 0; i < 10 && http_server_connections(world->server) > 0; i++)
		(void)uv_run(&world->loop, UV_RUN_NOWAIT);
	(void)uv_run(&world->loop, UV_RUN_NOWAIT);
	need(http_server_connections(world->server) == 0);
	need(world->n_open == 0 && world->server->n_exchanges == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct world *world = start();
	struct address peer = {.ip = {[15] = 1}, .port = 9};
	struct slice in = slice_of(data, size);
	int fds[2];
	if (size < 2 || size > 128 * 1024)
		return 0;
	need(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) == 0);
	world->action = data[0] & 7;
	http_connection_open(world->server, fds[1], &peer, &peer, NULL);
	in = slice_sub(in, 2, in.len);
	while (in.len > 0) {
		size_t piece = data[1] == 0 || data[1] > in.len ? in.len : data[1];
		ssize_t count = send(fds[0], in.data, piece, MSG_NOSIGNAL);
		if (count <= 0)
			break;
		in = slice_sub(in, (size_t)count, in.len);
		turn(world, fds[0]);
	}
	finish(world, fds[0], (data[0] & IS_RESET) != 0);
	return 0;
}
