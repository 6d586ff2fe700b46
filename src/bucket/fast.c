#include "bucket/fast.h"

#include <math.h>

enum {
	/* exp(-20) is 2e-9: nothing beside a rare frame, yet frames of this weight still compare
	 * with each other. */
	EXPONENT_MAX = 20
};
#define SCANNED_SHARE 0.5

void
fast_prepare(const struct fast_options *options, struct fast_tables *ret_tables)
{
	struct fast_tables tables = {.beta = options->beta};
	for (int position = 1; position < FAST_SCANNED; position++) {
		double weight = pow(position, -options->alpha);
		tables.weight[position] = (float)weight;
		tables.weight[position | FAST_SCANNED] = (float)(weight * SCANNED_SHARE);
	}
	for (int distance = 0; distance <= FAST_FRAMES_MAX; distance++)
		tables.closeness[distance] = (float)exp(-options->gamma * distance);
	*ret_tables = tables;
}

float
fast_rarity(const struct fast_tables *tables, double share)
{
	double exponent = tables->beta * 100 * share;
	return (float)exp(-(exponent < EXPONENT_MAX ? exponent : EXPONENT_MAX));
}

static inline float
weight_of(const struct fast_tables *tables, const struct fast_stack *stack, size_t i,
	  const float *rarity)
{
	return tables->weight[stack->positions[i]] * rarity[stack->frames[i]];
}

static float
weight_of_all(const struct fast_tables *tables, const struct fast_stack *stack, const float *rarity)
{
	float sum = 0;
	for (size_t i = 0; i < stack->n; i++)
		sum += weight_of(tables, stack, i, rarity);
	return sum;
}

static inline float
closeness_of(const struct fast_tables *tables, uint8_t a, uint8_t b)
{
	int distance = (a & (FAST_SCANNED - 1)) - (b & (FAST_SCANNED - 1));
	return tables->closeness[distance < 0 ? -distance : distance];
}

/* Every frame is taken for a gap first, and each pair gives back what it took: so the merge looks
 * at numbers alone until two are equal. */
float
fast_compare(const struct fast_tables *tables, const struct fast_stack *a,
	     const struct fast_stack *b, const float *rarity)
{
	float total = weight_of_all(tables, a, rarity) + weight_of_all(tables, b, rarity);
	float given_back = 0;
	size_t i = 0;
	size_t j = 0;
	while (i < a->n && j < b->n) {
		uint32_t x = a->frames[i];
		uint32_t y = b->frames[j];
		if (x == y) {
			float pair =
				weight_of(tables, a, i, rarity) + weight_of(tables, b, j, rarity);
			given_back +=
				pair * (1 + closeness_of(tables, a->positions[i], b->positions[j]));
		}
		i += x <= y;
		j += y <= x;
	}
	return total > 0 ? (given_back - total) / total : 0;
}
