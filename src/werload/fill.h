/* fill.h - generated reports, packed and in order, from several threads
 *
 * Generators make chunks of consecutive reports; the one writer takes them in order.  The number
 * of chunks is fixed, so that memory is too.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "bucket/label.h"
#include "werload/fleet.h"

enum {
	FILL_CHUNK_REPORTS = 1000,
	FILL_THREADS_MAX = 64
};

struct fill_plan {
	const struct fleet *fleet;
	uint64_t reports;
	int64_t from_us, until_us; /* the reports are spread evenly over it */
	unsigned threads;          /* that generate, 1 .. FILL_THREADS_MAX */
};

struct fill_report {
	int64_t time_us;
	uint32_t machine;
	uint8_t key[LABEL_KEY_BYTES];
	size_t packed_at, packed_bytes; /* in the chunk's `packed` */
};

struct fill_chunk {
	struct fill_report reports[FILL_CHUNK_REPORTS];
	size_t count;
	uint64_t first; /* sequence of reports[0] */
	struct buf packed;
	err_t err;
};

/* The request from which report SEQUENCE was made. */
void
fill_request(const struct fill_plan *plan, uint64_t sequence, struct fleet_request *ret_request);

struct fill;
err_t fill_start(const struct fill_plan *plan, struct fill **ret_fill) ERR_CHECK;
/* The next chunk, in order; NULL behind the last.  Valid until the next call. */
const struct fill_chunk *fill_next(struct fill *fill);
void fill_stop(struct fill *fill); /* ends the threads; accepts NULL */
