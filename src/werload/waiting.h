/* waiting.h - what was put off, soonest first
 *
 * A report can be made again from its sequence number, so that putting it off costs 40 bytes; a
 * cabinet needs its path as well.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum {
	WAITING_MAX = 2 * 1000 * 1000 /* then no new reports are made until some are gone */
};

struct waiting_item {
	int64_t due_us;   /* when to try again */
	int64_t first_us; /* when it was due at first: latency counts from there */
	uint64_t sequence;
	uint64_t report; /* id, when known */
	char *target;    /* of the cabinet; NULL: a report.  The item owns it */
	uint32_t attempts;
};

struct waiting {
	struct waiting_item *items; /* a heap */
	size_t count, capacity;
};

void waiting_put(struct waiting *waiting, const struct waiting_item *item); /* takes target */
const struct waiting_item *waiting_first(const struct waiting *waiting);    /* NULL: none */
struct waiting_item waiting_take(struct waiting *waiting); /* the first; there must be one */
void waiting_done(struct waiting *waiting);
