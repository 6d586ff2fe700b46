/* fast.h - how alike two stacks are: the FaST measure, in time linear in their frames
 *
 * A frame weighs w = p^-alpha x exp(-beta x 100 x df/N): by its position p from 1 at the top, and
 * by the share df/N of documents that have it.  Both stacks are sorted by frame, equal frames by
 * position, and merged; the k-th occurrence of a frame in one meets the k-th in the other.
 *
 *	a pair adds    (w1 + w2) x exp(-gamma x |p1 - p2|)
 *	a gap takes    w
 *	similarity  =  sum / all weights, from -1 (nothing in common) to 1 (equal)
 *
 * Irving Muller Rodrigues and others, MSR 2022; docs/bucketing.md.  One thing is added: a frame
 * that a scan found weighs half.  Symmetric, bit for bit.  Pure.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	FAST_FRAMES_MAX = 64,
	FAST_SCANNED = 0x80 /* or'ed to a position */
};

struct fast_options {
	double alpha; /* how fast deeper frames lose weight */
	double beta;  /* how fast common frames do */
	double gamma; /* how much a pair loses that stands at different depths */
};

/* What is computed once. */
struct fast_tables {
	float weight[256];                    /* of a position, with FAST_SCANNED or without */
	float closeness[FAST_FRAMES_MAX + 1]; /* by the distance of positions */
	double beta;
};

/* N frames sorted by id, those of one id by position. */
struct fast_stack {
	const uint32_t *frames;
	const uint8_t *positions; /* from 1 to FAST_FRAMES_MAX */
	size_t n;
};

void fast_prepare(const struct fast_options *options, struct fast_tables *ret_tables);
/* exp(-beta x 100 x SHARE), SHARE from 0 to 1; never so small that all frames of a stack weigh
 * nothing. */
float fast_rarity(const struct fast_tables *tables, double share);
/* RARITY is indexed by frame.  0 when both are empty. */
float fast_compare(const struct fast_tables *tables, const struct fast_stack *a,
		   const struct fast_stack *b, const float *rarity);
