#include "werload/histogram.h"

#include <stddef.h>

enum {
	PARTS = 1 << HISTOGRAM_PART_BITS
};

static size_t
bucket_of(uint64_t us)
{
	if (us < PARTS)
		return (size_t)us;
	unsigned power = 63U - (unsigned)__builtin_clzll(us) - HISTOGRAM_PART_BITS;
	size_t bucket = ((size_t)power << HISTOGRAM_PART_BITS) + (size_t)(us >> power);
	return bucket < HISTOGRAM_BUCKETS ? bucket : HISTOGRAM_BUCKETS - 1;
}

static int64_t
bound_of(size_t bucket)
{
	if (bucket < 2 * PARTS)
		return (int64_t)bucket;
	size_t power = (bucket >> HISTOGRAM_PART_BITS) - 1;
	return (int64_t)((bucket - (power << HISTOGRAM_PART_BITS) + 1) << power) - 1;
}

void
histogram_add(struct histogram *histogram, int64_t us)
{
	if (us < 0)
		us = 0;
	histogram->counts[bucket_of((uint64_t)us)]++;
	histogram->total++;
	if (us > histogram->max_us)
		histogram->max_us = us;
}

int64_t
histogram_percentile(const struct histogram *histogram, double percent)
{
	double wanted = (double)histogram->total * percent / 100;
	uint64_t sum = 0;
	for (size_t i = 0; i < HISTOGRAM_BUCKETS && histogram->total > 0; i++) {
		sum += histogram->counts[i];
		if ((double)sum < wanted || sum == 0)
			continue;
		int64_t bound = bound_of(i);
		return bound < histogram->max_us ? bound : histogram->max_us;
	}
	return histogram->max_us;
}
