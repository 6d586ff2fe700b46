/* arena.h - memory with one end of life
 *
 * Allocations are zeroed, aligned to 16 bytes, and live until the arena is reset or done.
 * An arena has a cap: an allocation that would pass it returns NULL, which the caller turns
 * into ERR_LIMIT.  When the system itself has no memory the process aborts: what was
 * acknowledged is on the disk already.  One arena belongs to one thread at a time.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

struct arena_chunk;

struct arena {
	struct arena_chunk *chunks; /* newest first */
	size_t used_bytes;          /* of all chunks */
	size_t cap_bytes;
};

void arena_init(struct arena *arena, size_t cap_bytes);
void arena_done(struct arena *arena);  /* accepts a zeroed arena */
void arena_reset(struct arena *arena); /* keeps one chunk for the next use */

void *arena_alloc(struct arena *arena, size_t bytes);                    /* NULL: over the cap */
void *arena_array(struct arena *arena, size_t count, size_t each_bytes); /* NULL: cap or overflow */
/* A copy with a NUL behind it (not counted in len).  Absent stays absent.  When the cap is
 * reached the result is absent too; compare with the input to tell. */
struct slice slice_dup(struct arena *arena, struct slice s);
char *arena_str(struct arena *arena, struct slice s); /* NUL-terminated copy; NULL: cap */
char *
arena_printf(struct arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));
