/* supervisor.c - starts the roles, tells when all are ready, starts again what ended
 *
 * Binds the ports and keeps them, so that connections wait in the kernel while ingest starts
 * again.  Touches no report.  A role that never became ready ends the program: the administrator
 * is to see why.  A role that ends later is started again, after pauses that grow.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>
#include <uv.h>

#include "base/log.h"
#include "base/time.h"
#include "ingest/ingest.h"
#include "store/facts.h"
#include "werd/werd.h"

#define STABLE_US (60 * TIME_SECOND_US)   /* after so long a role's failures are forgotten */
#define SILENT_US (60 * TIME_SECOND_US)   /* a role without a sign of life is killed */
#define WATCHDOG_US (20 * TIME_SECOND_US) /* and systemd is no longer told that all is well */
#define STORE_WAIT_US (10 * TIME_SECOND_US)
enum {
	STORE_RETRY_MS = 100,
	CONFIG_ARENA_BYTES = 16 * 1024 * 1024,
	FIRST_PAUSE_MS = 100,
	LONGEST_PAUSE_MS = 30000,
	STOP_MS = 60000, /* for draining; then SIGKILL */
	ROLES_MAX = 4
};

struct supervisor;

struct role {
	struct supervisor *supervisor;
	const char *name;
	uv_process_t process;
	uv_pipe_t status;
	uv_timer_t pause;
	bool is_running;
	bool was_ready; /* ever */
	bool is_ready;
	unsigned pause_ms;
	int64_t started_us;
	int64_t alive_us;
	char read_buffer[64];
};

struct supervisor {
	const struct werd_options *options;
	struct config config;
	struct arena arena;
	struct ingest_sockets sockets;
	char *socket_list; /* for --sockets */
	char program[4096];
	uv_loop_t loop;
	uv_signal_t terminate, interrupt, hangup;
	uv_timer_t tick, kill_timer;
	struct role roles[ROLES_MAX];
	unsigned n_roles;
	bool is_announced;
	bool is_stopping;
	int exit_status;
};

static void start_role(struct role *role);

/* ---- stopping ---- */

static void
signal_roles(struct supervisor *s, int number)
{
	for (unsigned i = 0; i < s->n_roles; i++)
		if (s->roles[i].is_running)
			(void)uv_process_kill(&s->roles[i].process, number);
}

static void
on_kill_timer(uv_timer_t *timer)
{
	struct supervisor *s = timer->data;
	log_event(LOG_ERROR, "werd.stop_timeout", "action=kill");
	signal_roles(s, SIGKILL);
}

static void
end_when_alone(struct supervisor *s)
{
	for (unsigned i = 0; i < s->n_roles; i++)
		if (s->roles[i].is_running)
			return;
	uv_stop(&s->loop);
}

static void
stop(struct supervisor *s, int exit_status)
{
	if (s->is_stopping)
		return;
	s->is_stopping = true;
	s->exit_status = exit_status;
	(void)sd_notify(0, "STOPPING=1");
	log_event(LOG_INFO, "werd.stopping", "");
	signal_roles(s, SIGTERM);
	(void)uv_timer_start(&s->kill_timer, on_kill_timer, STOP_MS, 0);
	end_when_alone(s);
}

/* ---- one role ---- */

static void
announce_when_ready(struct supervisor *s)
{
	for (unsigned i = 0; i < s->n_roles; i++)
		if (!s->roles[i].is_ready)
			return;
	if (s->is_announced)
		return;
	s->is_announced = true;
	(void)sd_notify(0, "READY=1");
	log_event(LOG_INFO, "werd.ready", "roles=%u", s->n_roles);
	(void)printf("werd " OPENWER_VERSION " is ready\n");
	(void)fflush(stdout);
}

static void
on_status_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
	struct role *role = handle->data;
	(void)suggested;
	*buf = uv_buf_init(role->read_buffer, sizeof(role->read_buffer));
}

static void
on_status(uv_stream_t *stream, ssize_t count, const uv_buf_t *buf)
{
	struct role *role = stream->data;
	if (count <= 0)
		return;
	role->alive_us = time_monotonic_us();
	if (memchr(buf->base, 'R', (size_t)count) != NULL) {
		role->is_ready = role->was_ready = true;
		announce_when_ready(role->supervisor);
	}
}

static void
on_pause_over(uv_timer_t *timer)
{
	struct role *role = timer->data;
	if (!role->supervisor->is_stopping)
		start_role(role);
}

static void
start_again_later(struct role *role)
{
	if (time_monotonic_us() - role->started_us > STABLE_US)
		role->pause_ms = 0;
	role->pause_ms = role->pause_ms == 0 ? FIRST_PAUSE_MS : role->pause_ms * 2;
	if (role->pause_ms > LONGEST_PAUSE_MS)
		role->pause_ms = LONGEST_PAUSE_MS;
	(void)uv_timer_start(&role->pause, on_pause_over, role->pause_ms, 0);
}

static void
on_exit_role(uv_process_t *process, int64_t status, int signal)
{
	struct role *role = process->data;
	struct supervisor *s = role->supervisor;
	role->is_running = role->is_ready = false;
	uv_close((uv_handle_t *)process, NULL);
	uv_close((uv_handle_t *)&role->status, NULL);
	log_event(s->is_stopping ? LOG_INFO : LOG_ERROR, "werd.role_ended",
		  "name=%s status=%d signal=%d", role->name, (int)status, signal);
	if (s->is_stopping)
		end_when_alone(s);
	else if (!role->was_ready)
		stop(s, status != 0 ? (int)status : err_exit_status(ERR_INTERNAL));
	else
		start_again_later(role);
}

static void
start_role(struct role *role)
{
	struct supervisor *s = role->supervisor;
	bool is_ingest = strcmp(role->name, "ingest") == 0;
	size_t n_sockets = is_ingest ? s->sockets.count : 0;
	const char *socket_list = is_ingest ? s->socket_list : "none";
	uv_stdio_container_t *stdio = calloc(WERD_FIRST_SOCKET_FD + n_sockets, sizeof(*stdio));
	if (stdio == NULL)
		abort();
	for (int fd = 0; fd < WERD_STATUS_FD; fd++)
		stdio[fd] = (uv_stdio_container_t){.flags = UV_INHERIT_FD, .data.fd = fd};
	(void)uv_pipe_init(&s->loop, &role->status, 0);
	role->status.data = role->process.data = role;
	stdio[WERD_STATUS_FD].flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE;
	stdio[WERD_STATUS_FD].data.stream = (uv_stream_t *)&role->status;
	for (size_t i = 0; i < n_sockets; i++)
		stdio[WERD_FIRST_SOCKET_FD + i] = (uv_stdio_container_t){
			.flags = UV_INHERIT_FD, .data.fd = s->sockets.sockets[i].fd};
	/* uv_spawn copies nothing and changes nothing, but its type is not const. */
	const char *arguments[] = {s->program,
				   role->name,
				   "-c",
				   s->options->config_path,
				   "--sockets",
				   socket_list,
				   s->options->has_no_jail ? "--no-jail" : NULL,
				   NULL};
	uv_process_options_t options = {
		.exit_cb = on_exit_role,
		.file = s->program,
		.args = (char **)(uintptr_t)arguments,
		.stdio = stdio,
		.stdio_count = WERD_FIRST_SOCKET_FD + (int)n_sockets,
	};
	role->started_us = role->alive_us = time_monotonic_us();
	int failure = uv_spawn(&s->loop, &role->process, &options);
	free(stdio);
	role->is_running = failure == 0;
	if (failure != 0) {
		log_event(LOG_ERROR, "werd.role_not_started", "name=%s reason=\"%s\"", role->name,
			  uv_strerror(failure));
		stop(s, err_exit_status(ERR_INTERNAL));
		return;
	}
	(void)uv_read_start((uv_stream_t *)&role->status, on_status_alloc, on_status);
}

/* ---- the supervisor's own events ---- */

static void
on_tick(uv_timer_t *timer)
{
	struct supervisor *s = timer->data;
	int64_t now_us = time_monotonic_us();
	bool all_well = s->is_announced && !s->is_stopping;
	for (unsigned i = 0; i < s->n_roles; i++) {
		struct role *role = &s->roles[i];
		int64_t silent_us = now_us - role->alive_us;
		all_well = all_well && role->is_running && silent_us < WATCHDOG_US;
		if (role->is_running && role->is_ready && silent_us > SILENT_US) {
			log_event(LOG_ERROR, "werd.role_silent", "name=%s action=kill", role->name);
			role->alive_us = now_us;
			(void)uv_process_kill(&role->process, SIGKILL);
		}
	}
	if (all_well)
		(void)sd_notify(0, "WATCHDOG=1");
}

static void
on_terminate(uv_signal_t *signal, int number)
{
	(void)number;
	stop(signal->data, 0);
}

static void
on_hangup(uv_signal_t *signal, int number)
{
	(void)number;
	signal_roles(signal->data, SIGHUP);
}

static err_t
make_loop(struct supervisor *s)
{
	s->terminate.data = s->interrupt.data = s->hangup.data = s->tick.data = s->kill_timer.data =
		s;
	if (uv_loop_init(&s->loop) != 0 || uv_signal_init(&s->loop, &s->terminate) != 0 ||
	    uv_signal_init(&s->loop, &s->interrupt) != 0 ||
	    uv_signal_init(&s->loop, &s->hangup) != 0 || uv_timer_init(&s->loop, &s->tick) != 0 ||
	    uv_timer_init(&s->loop, &s->kill_timer) != 0 ||
	    uv_signal_start(&s->terminate, on_terminate, SIGTERM) != 0 ||
	    uv_signal_start(&s->interrupt, on_terminate, SIGINT) != 0 ||
	    uv_signal_start(&s->hangup, on_hangup, SIGHUP) != 0 ||
	    uv_timer_start(&s->tick, on_tick, 1000, 1000) != 0)
		return ERR_IO;
	return OK;
}

/* ---- start ---- */

/* An owner's store is made before anybody reads it.  A process that was just killed may hold the
 * store for a moment more, until the kernel has taken it apart: that is waited for. */
static err_t
make_store(const struct config *config, struct err_detail *detail)
{
	struct facts *facts;
	int64_t until_us = time_monotonic_us() + STORE_WAIT_US;
	err_t err;
	while ((err = facts_open(config->data, FACTS_WRITE, &facts, detail)) == ERR_BUSY &&
	       time_monotonic_us() < until_us)
		uv_sleep(STORE_RETRY_MS);
	if (err == OK)
		facts_close(facts);
	return err;
}

/* "2:pppptt": two threads, then a letter for each socket. */
static char *
format_sockets(const struct ingest_sockets *sockets)
{
	struct buf list;
	buf_init(&list, 64 + sockets->count);
	buf_printf(&list, "%u:", sockets->threads);
	for (size_t i = 0; i < sockets->count; i++)
		buf_append_byte(&list, sockets->sockets[i].is_tls ? 't' : 'p');
	buf_append_byte(&list, '\0');
	return (char *)list.data;
}

static void
add_role(struct supervisor *s, const char *name)
{
	struct role *role = &s->roles[s->n_roles++];
	role->supervisor = s;
	role->name = name;
	role->pause.data = role;
	(void)uv_timer_init(&s->loop, &role->pause);
}

static err_t
prepare(struct supervisor *s, struct err_detail *detail)
{
	err_t err = config_load(s->options->config_path, &s->arena, &s->config, detail);
	if (err == OK)
		err = config_check(&s->config, detail);
	if (err != OK)
		return err;
	log_open("werd", werd_log_level(&s->config));
	ssize_t len = readlink("/proc/self/exe", s->program, sizeof(s->program) - 1);
	if (len <= 0 || make_loop(s) != OK)
		return err_set(detail, ERR_IO, "cannot start");
	err = make_store(&s->config, detail);
	if (err == OK && s->config.ingest.is_on) {
		err = ingest_bind(&s->config, &s->sockets, detail);
		if (err == OK)
			s->socket_list = format_sockets(&s->sockets);
		add_role(s, "ingest");
	}
	add_role(s, "analyze");
	return err;
}

static void
close_handle(uv_handle_t *handle, void *context)
{
	(void)context;
	if (!uv_is_closing(handle))
		uv_close(handle, NULL);
}

int
werd_run_supervisor(const struct werd_options *options)
{
	struct supervisor s = {.options = options};
	struct err_detail detail = {0};
	arena_init(&s.arena, CONFIG_ARENA_BYTES);
	err_t err = prepare(&s, &detail);
	if (err != OK)
		return werd_fail(err, &detail);
	if (geteuid() != 0)
		log_event(LOG_INFO, "werd.not_root", "roles_share_user=%u", (unsigned)geteuid());
	for (unsigned i = 0; i < s.n_roles && !s.is_stopping; i++)
		start_role(&s.roles[i]);
	(void)uv_run(&s.loop, UV_RUN_DEFAULT);
	uv_walk(&s.loop, close_handle, NULL);
	(void)uv_run(&s.loop, UV_RUN_DEFAULT);
	(void)uv_loop_close(&s.loop);
	ingest_sockets_done(&s.sockets);
	free(s.socket_list);
	arena_done(&s.arena);
	return s.exit_status;
}
