/* rows.h - an array in an arena whose length is not known before its last item; for this module
 *
 * Grows by doubling; what it outgrew stays in the arena, which is at most as much again.
 */
#pragma once

#include "base/arena.h"

struct rows {
	void *items;
	size_t n;
	size_t capacity;
	size_t each_bytes;
	size_t max; /* items */
};

#define ROWS_OF(type, most) ((struct rows){.each_bytes = sizeof(type), .max = (most)})

/* Room for one item more, zeroed; valid until the next call.  NULL: MAX are there, or ARENA is
 * full. */
void *rows_add(struct rows *rows, struct arena *arena);
