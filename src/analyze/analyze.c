#include "analyze/analyze.h"

#include <signal.h>
#include <stdatomic.h>
#include <time.h>

#include "analyze/work.h"
#include "base/log.h"
#include "base/time.h"
#include "jail/examine.h"
#include "store/derived_analysis.h"

enum {
	FOLLOW_MAX = 8192,    /* reports of one transaction: some 300 ms */
	FULL_DISK_WAIT_S = 5, /* before the next try */
	REMAKES_MAX = 2,      /* broken files that are made anew before a restart is tried */
};

struct role {
	struct analyze_options o;
	struct facts *facts;
	struct derived *derived;
	struct work *work;
	int64_t alive_us;
};

static _Atomic bool must_stop;

static void
on_signal(int number)
{
	(void)number;
	atomic_store(&must_stop, true);
}

static void
catch_signals(void)
{
	struct sigaction action = {.sa_handler = on_signal};
	(void)sigaction(SIGTERM, &action, NULL);
	(void)sigaction(SIGINT, &action, NULL);
	action.sa_handler = SIG_IGN; /* nothing to read again: the next follow sees what is new */
	(void)sigaction(SIGHUP, &action, NULL);
	(void)sigaction(SIGPIPE, &action, NULL);
}

/* Ends early when a signal comes. */
static void
nap(int64_t span_us)
{
	struct timespec span = {.tv_sec = span_us / TIME_SECOND_US,
				.tv_nsec = span_us % TIME_SECOND_US * 1000};
	(void)nanosleep(&span, NULL);
}

static void
say_alive(struct role *role)
{
	int64_t now_us = time_monotonic_us();
	if (now_us - role->alive_us < TIME_SECOND_US || role->o.on_alive == NULL)
		return;
	role->alive_us = now_us;
	role->o.on_alive(role->o.context);
}

static void
on_progress(void *context, uint64_t done, uint64_t total)
{
	(void)done;
	(void)total;
	say_alive(context);
}

static err_t
follow_once(struct role *role, size_t *ret_count)
{
	struct err_detail detail = {0};
	char why[LOG_VALUE_BYTES];
	err_t err = derived_follow(role->derived, role->facts, FOLLOW_MAX, time_now_us(), ret_count,
				   &detail);
	if (err == OK)
		return OK;
	log_event(LOG_ERROR, "analyze.follow_failed", "error=%s reason=%s", err_name(err),
		  log_value(slice_str(detail.why), why));
	if (err != ERR_FULL)
		return err;
	*ret_count = 0;
	nap(FULL_DISK_WAIT_S * TIME_SECOND_US);
	return OK;
}

/* What the jail found; a full disk is waited out as above. */
static err_t
work_once(struct role *role, int64_t timeout_us, bool *ret_is_idle)
{
	struct err_detail detail = {0};
	char why[LOG_VALUE_BYTES];
	err_t err = work_step(role->work, role->derived, timeout_us, ret_is_idle, &detail);
	if (err == OK)
		return OK;
	log_event(LOG_ERROR, "analyze.work_failed", "error=%s reason=%s", err_name(err),
		  log_value(slice_str(detail.why), why));
	if (err != ERR_FULL)
		return err;
	nap(FULL_DISK_WAIT_S * TIME_SECOND_US);
	return OK;
}

static err_t
follow(struct role *role)
{
	while (!atomic_load(&must_stop)) {
		size_t count = 0;
		bool is_idle = false;
		err_t err = follow_once(role, &count);
		if (err != OK)
			return err;
		say_alive(role);
		/* Whatever came meanwhile is taken together: small transactions cost most. */
		int64_t pause_us = count < FOLLOW_MAX ? role->o.config->analyze.poll_us : 0;
		err = work_once(role, pause_us, &is_idle);
		if (err != OK)
			return err;
		if (is_idle && pause_us > 0)
			nap(pause_us);
	}
	return OK;
}

static err_t
open_stores(struct role *role, struct err_detail *detail)
{
	const char *data = role->o.config->data;
	size_t again;
	/* The nursery first: its children shall not know of what is opened here. */
	err_t err = work_open(role->o.config, role->o.has_no_jail, &role->work, detail);
	if (err == OK)
		err = facts_open(data, FACTS_READ, &role->facts, detail);
	if (err == OK)
		err = derived_open(data, DERIVED_WRITE, &role->derived, detail);
	return err == OK ? derived_retry_failed(role->derived, EXAMINE_VERSION, &again, detail)
			 : err;
}

static err_t
catch_up(struct role *role)
{
	struct err_detail detail = {0};
	char why[LOG_VALUE_BYTES];
	err_t err = derived_catch_up(role->derived, role->facts, on_progress, role, &detail);
	if (err != OK)
		log_event(LOG_ERROR, "analyze.catch_up_failed", "error=%s reason=%s", err_name(err),
			  log_value(slice_str(detail.why), why));
	return err;
}

/* A file that was broken has an empty one in its place, which is filled as at the start. */
static err_t
catch_up_and_follow(struct role *role)
{
	err_t err = OK;
	for (int remakes = 0; remakes <= REMAKES_MAX; remakes++) {
		err = catch_up(role);
		if (err == OK)
			err = follow(role);
		if (err != ERR_CORRUPT)
			return err;
	}
	return err;
}

err_t
analyze_run(const struct analyze_options *options)
{
	struct role role = {.o = *options};
	struct err_detail detail = {0};
	char why[LOG_VALUE_BYTES];
	catch_signals();
	err_t err = open_stores(&role, &detail);
	if (err == OK) {
		if (options->on_ready != NULL)
			options->on_ready(options->context);
		err = catch_up_and_follow(&role);
	} else {
		log_event(LOG_ERROR, "analyze.start_failed", "error=%s reason=%s", err_name(err),
			  log_value(slice_str(detail.why), why));
	}
	work_close(role.work);
	derived_close(role.derived);
	facts_close(role.facts);
	log_event(LOG_INFO, "analyze.stopped", "error=%s", err_name(err));
	return err;
}
