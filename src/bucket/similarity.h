/* similarity.h - the medoids of class buckets, and which of them a stack is nearest to
 *
 * Exact keys (signature.h) keep most of a bug's crashes together; this finds the rest: stacks that
 * differ in a few frames.  One medoid stands for one bucket.  A look-up takes at most
 * CANDIDATES_MAX medoids out of an index and compares each by FaST; the best one is the same bug
 * when it reaches the threshold.  What is found is a proposal: nothing here merges anything.
 *
 * How common a frame is counts in documents: medoids, and stacks that were observed.  Old ones
 * fade, so that what was common a year ago may be rare today.  The same calls in the same order
 * give the same answers.  Memory is bounded: frames that no medoid has are not kept, and there
 * are at most LIMIT_MEDOIDS medoids.  One thread at a time.  No I/O and no clock.
 */
#pragma once

#include "base/err.h"
#include "bucket/fast.h"
#include "bucket/medoid.h"

struct similarity_options {
	struct fast_options fast;
	float threshold;    /* from this on two stacks are the same bug */
	double half_life;   /* documents after which one counts half */
	size_t medoids_max; /* at most LIMIT_MEDOIDS */
	/* Secret: places in tables depend on it, so that nobody can make frames collide. */
	uint64_t seed;
};

/* For the reasons of each number see docs/bucketing.md.  SEED is 0. */
extern const struct similarity_options similarity_defaults;

struct similarity_match {
	uint64_t id;         /* of the medoid */
	float score;         /* -1 to 1 */
	bool is_same;        /* SCORE reaches the threshold */
	size_t n_candidates; /* medoids that were compared */
};

/* Two buckets that could be one; first_id < second_id. */
struct similarity_pair {
	uint64_t first_id;
	uint64_t second_id;
	float score;
};

struct similarity;

struct similarity *similarity_new(const struct similarity_options *options);
void similarity_free(struct similarity *similarity); /* accepts NULL */

/* Adds the medoid of bucket ID (not 0), or puts it in the place of the one it had.  A document.
 * ERR_FULL: there are options.medoids_max.  ERR_USAGE: ID is 0, or MEDOID has no frames. */
err_t
similarity_put(struct similarity *similarity, uint64_t id, const struct medoid *medoid) ERR_CHECK;
/* False: there is none. */
bool similarity_remove(struct similarity *similarity, uint64_t id);
/* Another stack was seen: counts it as a document.  For stacks that reached the search; many
 * copies of one stack would make its frames common. */
void similarity_observe(struct similarity *similarity, const struct medoid *stack);
/* False: no medoid shares a rare frame with STACK; *ret_match is not written then. */
bool similarity_find(struct similarity *similarity, const struct medoid *stack,
		     struct similarity_match *ret_match);
/* The score of two stacks, whether they are in the index or not. */
float
similarity_score(struct similarity *similarity, const struct medoid *a, const struct medoid *b);

/* Calls EACH for pairs of medoids whose score reaches THRESHOLD, once for each pair, in no
 * order; EACH says whether to go on.  EACH must not change the index.  Remembers the pairs it
 * told, 16 to 32 bytes each, until it returns. */
void
similarity_propose(struct similarity *similarity, float threshold,
		   bool (*each)(void *context, const struct similarity_pair *pair), void *context);

size_t similarity_count(const struct similarity *similarity);  /* medoids */
size_t similarity_frames(const struct similarity *similarity); /* distinct, in medoids */
size_t similarity_bytes(const struct similarity *similarity);  /* of memory, all in all */
