#include "ingest/ingest.h"

#include <signal.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/time.h"
#include "ingest/io.h"

enum {
	TICK_MS = 250,       /* how often the disk is looked at */
	TICKS_PER_ALIVE = 4, /* and how many of these make a sign of life */
	STALLED_TICKS = 40   /* a thread that made no round for so long is stuck: 10 s */
};

struct role {
	struct ingest_options o;
	struct snapshot *snapshot;
	struct facts *facts;
	struct blob_dir *blobs;
	struct buckets *buckets;
	struct counters *counters;
	struct peers *peers;
	struct resolver *resolver;
	struct disk disk;
	struct committer *committer;
	struct io **ios;
	unsigned n_ios;

	uv_loop_t loop;
	uv_signal_t terminate, interrupt, hangup;
	uv_timer_t tick;
	uv_async_t failed;
	unsigned ticks;
	uint64_t *seen_rounds; /* per I/O thread, then the committer */
	unsigned stalled_ticks;
	_Atomic int failure; /* err_t */
	bool is_stopping;
};

/* ---- the role's own thread ---- */

static void
look_at_disk(struct role *role)
{
	const struct config *config = &role->snapshot->config;
	if (!disk_look(&role->disk, config->data, config->ingest.disk_reserve_cab_bytes,
		       config->ingest.disk_reserve_bytes))
		return;
	log_event(LOG_WARNING, "ingest.disk", "free_bytes=%llu cabinets=%s reports=%s",
		  (unsigned long long)atomic_load(&role->disk.free_bytes),
		  atomic_load(&role->disk.has_room_for_cabs) ? "taken" : "refused",
		  atomic_load(&role->disk.has_room_for_reports) ? "taken" : "refused");
}

/* Every thread is poked each tick and must have come round since. */
static bool
has_progress(struct role *role)
{
	bool all = true;
	for (unsigned i = 0; i <= role->n_ios; i++) {
		uint64_t rounds = i < role->n_ios ? io_rounds(role->ios[i])
						  : committer_rounds(role->committer);
		all = all && rounds != role->seen_rounds[i];
		role->seen_rounds[i] = rounds;
		if (i < role->n_ios)
			io_poke(role->ios[i]);
	}
	return all;
}

static void
on_tick(uv_timer_t *tick)
{
	struct role *role = tick->data;
	look_at_disk(role);
	if (++role->ticks % TICKS_PER_ALIVE != 0)
		return;
	role->stalled_ticks = has_progress(role) ? 0 : role->stalled_ticks + TICKS_PER_ALIVE;
	if (role->stalled_ticks < STALLED_TICKS && role->o.on_alive != NULL)
		role->o.on_alive(role->o.context);
	if (role->stalled_ticks == STALLED_TICKS)
		log_event(LOG_ERROR, "ingest.stalled", "seconds=%d",
			  STALLED_TICKS * TICK_MS / 1000);
}

static void
on_hangup(uv_signal_t *signal, int number)
{
	struct role *role = signal->data;
	struct snapshot *next;
	struct err_detail detail = {0};
	char why[LOG_VALUE_BYTES];
	(void)number;
	if (snapshot_load(role->o.config_path, &next, &detail) != OK) {
		log_event(LOG_ERROR, "ingest.reload_refused", "reason=%s",
			  log_value(slice_str(detail.why), why));
		return;
	}
	for (unsigned i = 0; i < role->n_ios; i++)
		io_set_snapshot(role->ios[i], next);
	snapshot_unref(role->snapshot);
	role->snapshot = next;
	look_at_disk(role);
	log_event(LOG_INFO, "ingest.reloaded", "rules=%zu", collection_n_rules(next->collection));
}

static void
close_handles(struct role *role)
{
	uv_close((uv_handle_t *)&role->terminate, NULL);
	uv_close((uv_handle_t *)&role->interrupt, NULL);
	uv_close((uv_handle_t *)&role->hangup, NULL);
	uv_close((uv_handle_t *)&role->tick, NULL);
	uv_close((uv_handle_t *)&role->failed, NULL);
}

static void
on_terminate(uv_signal_t *signal, int number)
{
	struct role *role = signal->data;
	if (role->is_stopping)
		return;
	role->is_stopping = true;
	log_event(LOG_INFO, "ingest.draining", "signal=%d", number);
	for (unsigned i = 0; i < role->n_ios; i++)
		io_drain(role->ios[i]);
	close_handles(role);
}

/* On the committer's or an I/O thread. */
static void
on_failure(void *context, err_t err, const char *why)
{
	struct role *role = context;
	char text[LOG_VALUE_BYTES];
	log_event(LOG_ERROR, "ingest.write_failed", "error=%s reason=%s action=stopping",
		  err_name(err), log_value(slice_str(why), text));
	atomic_store(&role->failure, (int)err);
	(void)uv_async_send(&role->failed);
}

static void
on_failed(uv_async_t *async)
{
	struct role *role = async->data;
	if (role->is_stopping)
		return;
	role->is_stopping = true;
	for (unsigned i = 0; i < role->n_ios; i++)
		io_drain(role->ios[i]);
	close_handles(role);
}

/* ---- start ---- */

static err_t
open_store(struct role *role, struct err_detail *detail)
{
	const char *data = role->snapshot->config.data;
	err_t err = facts_open(data, FACTS_WRITE, &role->facts, detail);
	if (err == OK)
		err = blob_dir_open(data, &role->blobs, detail);
	if (err != OK)
		return err;
	role->buckets = buckets_new();
	err = buckets_load(role->buckets, role->facts, time_now_us());
	return err == OK ? OK : err_set(detail, err, "%s: buckets cannot be read", data);
}

static err_t
make_io(struct role *role, unsigned index, struct err_detail *detail)
{
	struct io_options options = {
		.index = index,
		.threads = role->n_ios,
		.sockets = role->o.sockets.sockets,
		.n_sockets = role->o.sockets.count,
		.snapshot = role->snapshot,
		.buckets = role->buckets,
		.counters = role->counters,
		.disk = &role->disk,
		.peers = role->peers,
		.resolver = role->resolver,
		.blobs = role->blobs,
		.upload_key = facts_upload_key(role->facts),
	};
	return io_new(&options, &role->ios[index], detail);
}

static err_t
make_threads(struct role *role, struct err_detail *detail)
{
	struct committer_options options = {
		.facts = role->facts,
		.buckets = role->buckets,
		.counters = role->counters,
		.disk = &role->disk,
		.blobs = role->blobs,
		.node = (uint8_t)role->snapshot->config.node,
		.give_back = io_give_back,
		.on_failure = on_failure,
		.context = role,
	};
	for (unsigned i = 0; i < role->n_ios; i++) {
		err_t err = make_io(role, i, detail);
		if (err != OK)
			return err;
	}
	err_t err = committer_start(&options, &role->committer);
	for (unsigned i = 0; i < role->n_ios && err == OK; i++)
		err = io_start(role->ios[i], role->committer);
	return err == OK ? OK : err_set(detail, err, "cannot start threads");
}

static err_t
make_loop(struct role *role)
{
	role->terminate.data = role->interrupt.data = role->hangup.data = role->tick.data =
		role->failed.data = role;
	if (uv_loop_init(&role->loop) != 0 || uv_signal_init(&role->loop, &role->terminate) != 0 ||
	    uv_signal_init(&role->loop, &role->interrupt) != 0 ||
	    uv_signal_init(&role->loop, &role->hangup) != 0 ||
	    uv_timer_init(&role->loop, &role->tick) != 0 ||
	    uv_async_init(&role->loop, &role->failed, on_failed) != 0 ||
	    uv_signal_start(&role->terminate, on_terminate, SIGTERM) != 0 ||
	    uv_signal_start(&role->interrupt, on_terminate, SIGINT) != 0 ||
	    uv_signal_start(&role->hangup, on_hangup, SIGHUP) != 0 ||
	    uv_timer_start(&role->tick, on_tick, TICK_MS, TICK_MS) != 0)
		return ERR_IO;
	return OK;
}

static void
log_listening(const struct config_listen *listen, const char *scheme)
{
	char address[ADDRESS_TEXT_BYTES];
	for (size_t i = 0; i < listen->n_addresses; i++)
		log_event(LOG_INFO, "ingest.listening", "scheme=%s address=%s", scheme,
			  address_format_port(&listen->addresses[i], address));
}

static err_t
start(struct role *role, struct err_detail *detail)
{
	err_t err = snapshot_load(role->o.config_path, &role->snapshot, detail);
	if (err == OK)
		err = open_store(role, detail);
	if (err != OK)
		return err;
	role->n_ios = role->o.sockets.threads;
	role->ios = calloc(role->n_ios, sizeof(struct io *));
	role->seen_rounds = calloc(role->n_ios + 1, sizeof(uint64_t));
	if (role->ios == NULL || role->seen_rounds == NULL)
		abort();
	role->counters = counters_new();
	role->peers = peers_new();
	if (role->snapshot->config.ingest.reverse_dns)
		role->resolver = resolver_start();
	look_at_disk(role);
	if (make_loop(role) != OK)
		return err_set(detail, ERR_IO, "cannot make an event loop");
	return make_threads(role, detail);
}

/* ---- end ---- */

/* Threads end in the order of the data's way, so that what waits is still committed. */
static void
stop(struct role *role)
{
	for (unsigned i = 0; i < role->n_ios && role->ios != NULL; i++)
		if (role->ios[i] != NULL)
			io_join(role->ios[i]);
	if (role->committer != NULL)
		committer_stop(role->committer);
	for (unsigned i = 0; i < role->n_ios && role->ios != NULL; i++)
		io_free(role->ios[i]);
	free(role->ios);
	free(role->seen_rounds);
	resolver_stop(role->resolver);
	peers_free(role->peers);
	counters_free(role->counters);
	buckets_free(role->buckets);
	blob_dir_close(role->blobs);
	facts_close(role->facts);
	snapshot_unref(role->snapshot);
	ingest_sockets_done(&role->o.sockets);
}

static void
finish_loop(struct role *role)
{
	(void)uv_run(&role->loop, UV_RUN_DEFAULT);
	(void)uv_loop_close(&role->loop);
}

err_t
ingest_run(const struct ingest_options *options)
{
	struct role role = {.o = *options};
	struct err_detail detail = {0};
	char why[LOG_VALUE_BYTES];
	/* Uploads wait for fsync on libuv's workers; the kernel merges what waits together. */
	(void)setenv("UV_THREADPOOL_SIZE", "16", 0);
	(void)signal(SIGPIPE, SIG_IGN);
	err_t err = start(&role, &detail);
	if (err != OK) {
		log_event(LOG_ERROR, "ingest.start_failed", "error=%s reason=%s", err_name(err),
			  log_value(slice_str(detail.why), why));
		return err;
	}
	log_listening(&options->config->ingest.listen, "http");
	log_listening(&options->config->ingest.tls_listen, "https");
	if (role.o.on_ready != NULL)
		role.o.on_ready(role.o.context);
	finish_loop(&role);
	stop(&role);
	err = (err_t)atomic_load(&role.failure);
	log_event(LOG_INFO, "ingest.stopped", "error=%s", err_name(err));
	return err;
}
