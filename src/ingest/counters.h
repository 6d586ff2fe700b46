/* counters.h - how often what happened, by stable name; kept in facts, shown by `werctl stats`
 *
 * Names are listed in werd(8).  Adding is cheap but takes a lock: the committer adds once per
 * group, the I/O threads only for what was refused.
 */
#pragma once

#include "base/err.h"
#include "store/facts.h"

enum {
	COUNTERS_MAX = 128
};

struct counters;

struct counters *counters_new(void);
void counters_free(struct counters *counters); /* accepts NULL */
/* NAME is a static string.  Any thread. */
void counters_add(struct counters *counters, const char *name, uint64_t by);
/* Adds what came since the last successful flush to FACTS, inside its open transaction. */
err_t counters_flush(struct counters *counters, struct facts *facts) ERR_CHECK;
/* After the commit: what was flushed is flushed.  After an abort: it is not. */
void counters_flushed(struct counters *counters, bool is_committed);
bool counters_is_dirty(struct counters *counters);
