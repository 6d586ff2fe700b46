/* id.h - report ids: 63 bits, ordered by time, made by ingest alone
 *
 *	42 bits  milliseconds since 1970 UTC (until 2109)
 *	 8 bits  node, from the configuration
 *	13 bits  counter within the millisecond
 *
 * A generator never goes back, not even when the clock does.  Id 0 is no id.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

enum {
	ID_COUNTER_BITS = 13,
	ID_NODE_BITS = 8,
	ID_NODE_MAX = 255
};

struct id_generator {
	uint64_t last;
	uint8_t node;
};

/* AFTER: the highest id that the store has, so that a restart goes on behind it. */
void id_generator_init(struct id_generator *generator, uint8_t node, uint64_t after);
/* 0 past the year 2109. */
uint64_t id_next(struct id_generator *generator, int64_t now_us);
int64_t id_time_us(uint64_t id);                    /* when the report came, to the millisecond */
uint64_t id_first_at(int64_t time_us);              /* the smallest id of that millisecond */
bool id_parse(struct slice text, uint64_t *ret_id); /* decimal */
