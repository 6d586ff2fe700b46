/* medoid.h - a stack as near-duplicate search compares it, and its bytes
 *
 * The frames that count, innermost first, each as the hash of its text: what stands above the
 * start of the stack, what is never to blame and repetitions are left out (signature.h).  The
 * bytes hold all of it, need no table beside them, and are the same on every machine.
 *
 *	0	1		version, 1
 *	1	1		frames, 1 to MEDOID_FRAMES_MAX
 *	2	8		bit i: frame i was found by a scan; the first frame is bit 0
 *	10	8 each		hashes, little-endian as all numbers
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

enum {
	/* Deeper frames weigh next to nothing (fast.h), and 64 scan marks are one number. */
	MEDOID_FRAMES_MAX = 64,
	MEDOID_BYTES_MAX = 10 + 8 * MEDOID_FRAMES_MAX
};

struct medoid {
	uint64_t frames[MEDOID_FRAMES_MAX];
	uint64_t scanned; /* bit i: frames[i] */
	size_t n_frames;  /* 0: nothing to compare */
};

/* Adds a frame; false, and nothing added, when MEDOID is full. */
bool medoid_push(struct medoid *medoid, struct slice text, bool is_scanned);
/* Appends the bytes; nothing for a medoid without frames. */
void medoid_format(const struct medoid *medoid, struct buf *out);
/* ERR_TRUNCATED	bytes are missing
 * ERR_UNSUPPORTED	another version
 * ERR_CORRUPT		no frames or too many, marks beyond them, bytes left over */
err_t medoid_parse(struct slice in, struct medoid *ret_medoid) ERR_CHECK;
