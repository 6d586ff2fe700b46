#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "analyze/analyze.h"
#include "base/log.h"
#include "ingest/ingest.h"
#include "werd/werd.h"

enum {
	CONFIG_ARENA_BYTES = 16 * 1024 * 1024
};

/* ---- signs to the supervisor, or to systemd when the role runs alone ---- */

static void
say(const struct werd_options *options, char sign)
{
	if (options->sockets != NULL) {
		/* When nobody listens any more the death signal is on its way. */
		ssize_t ignored = write(WERD_STATUS_FD, &sign, 1);
		(void)ignored;
		return;
	}
	(void)sd_notify(0, sign == 'R' ? "READY=1" : "WATCHDOG=1");
}

static void
on_ready(void *context)
{
	say(context, 'R');
}

static void
on_alive(void *context)
{
	say(context, '.');
}

/* ---- ingest ---- */

/* "plain,tls,...": what the descriptors from WERD_FIRST_SOCKET_FD on are, thread by thread
 * within each address. */
static err_t
sockets_from_supervisor(const char *list, struct ingest_sockets *ret_sockets)
{
	struct ingest_sockets sockets = {0};
	struct slice rest = slice_str(list);
	struct slice item;
	uint64_t threads;
	if (!slice_cut(rest, ':', &item, &rest) || !slice_to_u64(item, &threads) || threads == 0 ||
	    threads > 1024)
		return ERR_USAGE;
	sockets.threads = (unsigned)threads;
	sockets.sockets = calloc(rest.len + 1, sizeof(*sockets.sockets));
	if (sockets.sockets == NULL)
		abort();
	for (size_t i = 0; i < rest.len; i++) {
		sockets.sockets[i] = (struct ingest_socket){
			.fd = WERD_FIRST_SOCKET_FD + (int)i,
			.is_tls = rest.data[i] == 't',
			.thread = (unsigned)(i % sockets.threads),
		};
	}
	sockets.count = rest.len;
	*ret_sockets = sockets;
	return OK;
}

static err_t
run_ingest(const struct werd_options *options, struct config *config, struct err_detail *detail)
{
	struct werd_options context = *options;
	struct ingest_options ingest = {
		.config_path = options->config_path,
		.config = config,
		.on_ready = on_ready,
		.on_alive = on_alive,
		.context = &context,
	};
	if (!config->ingest.is_on)
		return err_set(detail, ERR_CONFIG, "%s: there is no ingest: section",
			       options->config_path);
	err_t err = options->sockets != NULL
			    ? sockets_from_supervisor(options->sockets, &ingest.sockets)
			    : ingest_bind(config, &ingest.sockets, detail);
	return err == OK ? ingest_run(&ingest) : err;
}

static err_t
run_analyze(const struct werd_options *options, struct config *config)
{
	struct werd_options context = *options;
	struct analyze_options analyze = {
		.config = config,
		.has_no_jail = options->has_no_jail,
		.on_ready = on_ready,
		.on_alive = on_alive,
		.context = &context,
	};
	return analyze_run(&analyze);
}

/* A role without its supervisor would hold the ports and the store against the next one. */
static void
die_with_supervisor(const struct werd_options *options)
{
	if (options->sockets == NULL)
		return;
	(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() == 1)
		(void)raise(SIGTERM);
}

int
werd_run_role(const struct werd_options *options)
{
	struct config config;
	struct err_detail detail = {0};
	struct arena arena;
	arena_init(&arena, CONFIG_ARENA_BYTES);
	die_with_supervisor(options);
	err_t err = config_load(options->config_path, &arena, &config, &detail);
	if (err == OK) {
		log_open(options->role, werd_log_level(&config));
		err = strcmp(options->role, "ingest") == 0 ? run_ingest(options, &config, &detail)
							   : run_analyze(options, &config);
	}
	int status = err == OK ? 0 : werd_fail(err, &detail);
	arena_done(&arena);
	return status;
}
