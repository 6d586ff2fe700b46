/* `tail`: reports as they are committed
 *
 * Ids are made in the order of commits, so what is new is what has a higher id than the last one
 * seen.  Facts are asked, for derived lags behind them by up to 2 s.
 */
#include <errno.h>
#include <signal.h>
#include <time.h>

#include "base/time.h"
#include "store/id.h"
#include "werctl/command.h"
#include "werctl/list.h"

enum {
	TAIL_PAGE_REPORTS = 200,
	TAIL_POLL_MS = 300
};

struct tail {
	struct werctl *w;
	struct report_filter filter;
	struct arena arena;
	struct table *table; /* NULL: JSON */
	uint64_t after;
};

static err_t
print_if_wanted(void *context, const struct facts_report *stored)
{
	struct tail *tail = context;
	struct record record;
	struct output *out = &tail->w->out;
	tail->after = stored->id;
	arena_reset(&tail->arena);
	record_read(tail->w, stored, &tail->arena, &record);
	if (!filter_matches(&tail->filter, &record))
		return OK;
	if (tail->table == NULL)
		output_json(out, record_to_json(&record));
	else
		list_table_row(tail->table, &record);
	return out->error;
}

/* Prints a page of what is new.  *ret_count: how many reports were new, wanted or not. */
static err_t
print_page(struct tail *tail, struct facts *facts, size_t *ret_count)
{
	err_t err = facts_each_report_after(facts, tail->after, TAIL_PAGE_REPORTS, print_if_wanted,
					    tail, ret_count);
	if (tail->table != NULL)
		list_table_flush(tail->table, true, &tail->w->out);
	err_t written = output_flush(&tail->w->out);
	return err != OK ? err : written;
}

/* Waits for the next look.  True: SIGINT or SIGTERM came. */
static bool
wait_or_stop(const sigset_t *stops)
{
	const struct timespec pause = {.tv_nsec = TAIL_POLL_MS * 1000000L};
	return sigtimedwait(stops, NULL, &pause) > 0;
}

static bool
is_over(const struct tail *tail)
{
	return tail->filter.until_us != 0 && time_now_us() >= tail->filter.until_us;
}

static err_t
follow(struct tail *tail, struct facts *facts)
{
	sigset_t stops;
	(void)sigemptyset(&stops);
	(void)sigaddset(&stops, SIGINT);
	(void)sigaddset(&stops, SIGTERM);
	(void)sigprocmask(SIG_BLOCK, &stops, NULL);
	for (;;) {
		size_t count = 0;
		bool was_over = is_over(tail); /* before the look, so that it sees all */
		err_t err = print_page(tail, facts, &count);
		if (err != OK)
			return err;
		if (count == 0 && (was_over || wait_or_stop(&stops)))
			return OK;
		const struct timespec now = {0};
		if (count > 0 && sigtimedwait(&stops, NULL, &now) > 0)
			return OK;
	}
}

err_t
cmd_tail(struct werctl *w)
{
	struct tail tail = {.w = w};
	struct facts *facts;
	err_t err = filter_from_options(w, &tail.filter);
	if (err == OK)
		err = werctl_facts(w, &facts);
	if (err == OK)
		err = facts_highest_id(facts, &tail.after);
	if (err != OK)
		return err;
	if (tail.filter.since_us > 0)
		tail.after =
			id_first_at(tail.filter.since_us - 1); /* at least a millisecond back */
	arena_init(&tail.arena, LIMIT_REPORT_ARENA_BYTES);
	if (!w->out.is_json)
		tail.table = list_table(&w->out);
	err = follow(&tail, facts);
	table_free(tail.table);
	arena_done(&tail.arena);
	return err;
}
