#include "werload/draw.h"

#include <math.h>

static uint64_t
mix(uint64_t x)
{
	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	return x ^ (x >> 31);
}

struct draw
draw_start(uint64_t seed, enum draw_domain domain, uint64_t index)
{
	uint64_t state = mix(seed + UINT64_C(0x9e3779b97f4a7c15));
	state = mix(state ^ ((uint64_t)domain << 56));
	return (struct draw){mix(state ^ index)};
}

uint64_t
draw_u64(struct draw *draw)
{
	draw->state += UINT64_C(0x9e3779b97f4a7c15);
	return mix(draw->state);
}

uint32_t
draw_u32(struct draw *draw)
{
	return (uint32_t)(draw_u64(draw) >> 32);
}

uint32_t
draw_below(struct draw *draw, uint32_t count)
{
	return (uint32_t)(((draw_u64(draw) >> 32) * count) >> 32);
}

bool
draw_percent(struct draw *draw, unsigned percent)
{
	return draw_below(draw, 100) < percent;
}

uint32_t
draw_low(struct draw *draw, uint32_t count)
{
	uint64_t even = draw_u64(draw) >> 32;
	uint64_t square = (even * even) >> 32;
	return (uint32_t)((square * count) >> 32);
}

static uint16_t
weight_at(const uint16_t *weights, size_t stride, size_t index)
{
	return *(const uint16_t *)(const void *)((const char *)weights + index * stride);
}

size_t
draw_weighted(struct draw *draw, const uint16_t *weights, size_t stride, size_t count)
{
	uint32_t total = 0;
	for (size_t i = 0; i < count; i++)
		total += weight_at(weights, stride, i);
	uint32_t left = draw_below(draw, total);
	for (size_t i = 0; i < count; i++) {
		uint32_t weight = weight_at(weights, stride, i);
		if (left < weight)
			return i;
		left -= weight;
	}
	return 0;
}

void
draw_ranks_init(struct draw_ranks *ranks)
{
	double sum = 0;
	for (size_t i = 0; i < DRAW_RANKS; i++) {
		double k = (double)(i + 1);
		sum += 1 / (k * sqrt(k));
		ranks->up_to[i] = sum;
	}
	for (size_t i = 0; i < DRAW_RANKS; i++)
		ranks->up_to[i] /= sum;
}

uint32_t
draw_rank(struct draw *draw, const struct draw_ranks *ranks)
{
	double share = (double)(draw_u64(draw) >> 11) / (double)(UINT64_C(1) << 53);
	uint32_t low = 0, high = DRAW_RANKS - 1;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		if (ranks->up_to[middle] > share)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}
