/* draw.h - chance that can be repeated
 *
 * A draw is a stream of numbers that follows from (seed, domain, index) alone: machine 17 of seed 5
 * is the same machine in every program, whatever was drawn before it.  SplitMix64 underneath; the
 * weights use only additions, divisions and square roots, which IEEE 754 rounds exactly, so that
 * the same seed gives the same fleet on every machine.  Not for secrets.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One for each kind of thing that is drawn, so that their streams do not meet. */
enum draw_domain {
	DRAW_MACHINE = 1,
	DRAW_APP,
	DRAW_RELEASE, /* one version of one application */
	DRAW_BUG,
	DRAW_REPORT,
	DRAW_SHAPE,
	DRAW_ENCODING,
	DRAW_CABINET
};

struct draw {
	uint64_t state;
};

struct draw draw_start(uint64_t seed, enum draw_domain domain, uint64_t index);
uint64_t draw_u64(struct draw *draw);
uint32_t draw_u32(struct draw *draw);
uint32_t draw_below(struct draw *draw, uint32_t count); /* 0 .. count - 1; 0 when COUNT is 0 */
bool draw_percent(struct draw *draw, unsigned percent);
/* As draw_below, with low numbers more likely: the square of an even draw. */
uint32_t draw_low(struct draw *draw, uint32_t count);
/* Index of one of COUNT weights that lie STRIDE bytes apart, as likely as it is heavy. */
size_t draw_weighted(struct draw *draw, const uint16_t *weights, size_t stride, size_t count);

/* Ranks 0 .. DRAW_RANKS - 1, rank k weighing 1 / (k + 1)^1.5: few are common, most are rare. */
enum {
	DRAW_RANKS = 1 << 14
};
struct draw_ranks {
	double up_to[DRAW_RANKS]; /* share of all ranks up to this one */
};
void draw_ranks_init(struct draw_ranks *ranks);
uint32_t draw_rank(struct draw *draw, const struct draw_ranks *ranks);
