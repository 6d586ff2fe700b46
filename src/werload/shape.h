/* shape.h - when the fleet reports, and what
 *
 * From a sequence number to a moment after the start and a request for the fleet.  Pure.
 */
#pragma once

#include <stdint.h>

#include "werload/fleet.h"

enum shape_kind {
	SHAPE_STEADY,  /* evenly, all the time */
	SHAPE_MONDAY,  /* a quiet night, then everybody comes to work */
	SHAPE_RELEASE, /* day one: each machine sends the queue that it kept, one after another */
	SHAPE_STORM,   /* from a fifth of the time on, one new crash hits the whole fleet */
	SHAPE_LOOP,    /* one machine sends the same crash again and again, nine times in ten */
	SHAPE_N
};

struct shape {
	enum shape_kind kind;
	uint64_t seed;
	uint32_t machines;
	uint32_t queued;     /* SHAPE_RELEASE: reports of each machine, at least 1 */
	uint64_t reports;    /* in all; 0: no end, the shape repeats itself every SHAPE_CYCLE */
	int64_t duration_us; /* of them all; 0: as fast as they go */
	int64_t start_us;    /* the fleet's clock at the start */
};

enum {
	SHAPE_CYCLE = 20000,
	SHAPE_QUEUED = 50,         /* MaxQueueCount of a Windows client */
	SHAPE_RELEASE_AT_ONCE = 64 /* machines that empty their queues at the same time */
};

struct shape_slot {
	int64_t due_us; /* after the start */
	struct fleet_request request;
};

void shape_at(const struct shape *shape, uint64_t sequence, struct shape_slot *ret_slot);
