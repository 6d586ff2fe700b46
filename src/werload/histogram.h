/* histogram.h - latencies in fixed memory
 *
 * Buckets grow with the value: 32 in each power of two, so that a percentile is never more than
 * 3 % too high.  Values are microseconds, up to about an hour; longer ones count as that.
 */
#pragma once

#include <stdint.h>

enum {
	HISTOGRAM_PART_BITS = 5,
	HISTOGRAM_POWERS = 28,
	HISTOGRAM_BUCKETS = HISTOGRAM_POWERS << HISTOGRAM_PART_BITS
};

struct histogram {
	uint64_t counts[HISTOGRAM_BUCKETS];
	uint64_t total;
	int64_t max_us;
};

void histogram_add(struct histogram *histogram, int64_t us);
/* The smallest bound that PERCENT of the values do not pass; 0 when there are none. */
int64_t histogram_percentile(const struct histogram *histogram, double percent);
