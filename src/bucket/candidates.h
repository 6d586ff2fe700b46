/* candidates.h - which medoids are worth a comparison: an inverted index over rare frames
 *
 * A medoid is listed under its CANDIDATE_KEYS rarest frames; a stack is looked up under its own.
 * Rare frames have short lists, so that a look-up reads little; what it may read at most is
 * bounded, rarest frames first.  Frames and medoids are numbers of the caller's own.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum {
	CANDIDATE_KEYS = 8,   /* frames under which a medoid is listed and a stack is looked up */
	CANDIDATE_REACH = 32, /* ... of its top frames */
	CANDIDATES_MAX = 64,  /* medoids that are compared */
	/* Medoids of one frame's list: a frame with more tells too little to be listed again. */
	CANDIDATE_LIST_MAX = 2048,
	CANDIDATE_READS_MAX = 4096 /* entries of lists that one look-up reads */
};

struct candidate_list {
	uint32_t *medoids;
	uint32_t n;
	uint32_t capacity;
};

/* What a look-up counts in; one for each medoid there can be. */
struct candidate_mark {
	uint32_t look_up; /* of which SCORE is */
	float score;
};

struct candidates {
	struct candidate_list *lists; /* by frame */
	size_t n_lists;
	struct candidate_mark *marks; /* by medoid */
	size_t n_marks;
	uint32_t look_up;
	uint32_t met[CANDIDATE_READS_MAX]; /* medoids of one look-up */
	size_t n_met;
};

void candidates_init(struct candidates *candidates);
void candidates_done(struct candidates *candidates); /* accepts a zeroed one */
/* Numbers below these can be used from now on. */
void candidates_reserve(struct candidates *candidates, size_t frames, size_t medoids);
void
candidates_add(struct candidates *candidates, const uint32_t *frames, size_t n, uint32_t medoid);
void
candidates_remove(struct candidates *candidates, const uint32_t *frames, size_t n, uint32_t medoid);
/* The medoids that share most with FRAMES, which come rarest first; at most CANDIDATES_MAX, best
 * first, ties by number.  Returns how many. */
size_t candidates_find(struct candidates *candidates, const uint32_t *frames, size_t n,
		       uint32_t ret_medoids[CANDIDATES_MAX]);
/* Medoids listed under FRAME. */
uint32_t candidates_count(const struct candidates *candidates, uint32_t frame);
size_t candidates_bytes(const struct candidates *candidates); /* of memory */
