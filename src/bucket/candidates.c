#include "bucket/candidates.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum {
	FIRST_CAPACITY = 2
};

/* A candidate while the best are kept. */
struct ranked {
	float score;
	uint32_t medoid;
};

void
candidates_init(struct candidates *candidates)
{
	*candidates = (struct candidates){0};
}

void
candidates_done(struct candidates *candidates)
{
	for (size_t i = 0; i < candidates->n_lists; i++)
		free(candidates->lists[i].medoids);
	free(candidates->lists);
	free(candidates->marks);
	*candidates = (struct candidates){0};
}

/* ITEMS with room for COUNT of EACH bytes, the new ones zeroed. */
static void *
grow(void *items, size_t before, size_t count, size_t each)
{
	char *grown = reallocarray(items, count, each);
	if (grown == NULL)
		abort();
	memset(grown + before * each, 0, (count - before) * each);
	return grown;
}

void
candidates_reserve(struct candidates *candidates, size_t frames, size_t medoids)
{
	if (frames > candidates->n_lists) {
		candidates->lists = grow(candidates->lists, candidates->n_lists, frames,
					 sizeof(*candidates->lists));
		candidates->n_lists = frames;
	}
	if (medoids > candidates->n_marks) {
		candidates->marks = grow(candidates->marks, candidates->n_marks, medoids,
					 sizeof(*candidates->marks));
		candidates->n_marks = medoids;
	}
}

static void
put(struct candidate_list *list, uint32_t medoid)
{
	if (list->n == CANDIDATE_LIST_MAX)
		return;
	if (list->n == list->capacity) {
		list->capacity = list->capacity == 0 ? FIRST_CAPACITY : 2 * list->capacity;
		list->medoids = reallocarray(list->medoids, list->capacity, sizeof(*list->medoids));
		if (list->medoids == NULL)
			abort();
	}
	list->medoids[list->n++] = medoid;
}

void
candidates_add(struct candidates *candidates, const uint32_t *frames, size_t n, uint32_t medoid)
{
	for (size_t i = 0; i < n; i++)
		put(&candidates->lists[frames[i]], medoid);
}

static void
take_out(struct candidate_list *list, uint32_t medoid)
{
	for (uint32_t i = 0; i < list->n; i++) {
		if (list->medoids[i] != medoid)
			continue;
		list->medoids[i] = list->medoids[--list->n];
		break;
	}
	if (list->n == 0) {
		free(list->medoids);
		*list = (struct candidate_list){0};
	}
}

void
candidates_remove(struct candidates *candidates, const uint32_t *frames, size_t n, uint32_t medoid)
{
	for (size_t i = 0; i < n; i++)
		take_out(&candidates->lists[frames[i]], medoid);
}

/* Is A a worse candidate than B? */
static bool
is_worse(struct ranked a, struct ranked b)
{
	return a.score != b.score ? a.score < b.score : a.medoid > b.medoid;
}

/* HEAP's worst is at its top: moves the one at AT down to its place. */
static void
sift_down(struct ranked *heap, size_t n, size_t at)
{
	for (;;) {
		size_t worst = at;
		for (size_t child = 2 * at + 1; child <= 2 * at + 2 && child < n; child++) {
			if (is_worse(heap[child], heap[worst]))
				worst = child;
		}
		if (worst == at)
			return;
		struct ranked swap = heap[at];
		heap[at] = heap[worst];
		heap[worst] = swap;
		at = worst;
	}
}

static void
keep_best(struct ranked *heap, size_t *n, struct ranked new)
{
	if (*n < CANDIDATES_MAX) {
		heap[(*n)++] = new;
		for (size_t at = *n / 2; *n == CANDIDATES_MAX && at-- > 0;)
			sift_down(heap, *n, at);
	} else if (is_worse(heap[0], new)) {
		heap[0] = new;
		sift_down(heap, *n, 0);
	}
}

static int
compare_best_first(const void *a, const void *b)
{
	const struct ranked *x = a;
	const struct ranked *y = b;
	return is_worse(*y, *x) ? -1 : is_worse(*x, *y);
}

/* Adds what sharing a frame of LIST is worth to each medoid in it, up to *LEFT of them. */
static void
count_list(struct candidates *candidates, const struct candidate_list *list, size_t *left)
{
	uint32_t n = list->n < *left ? list->n : (uint32_t)*left;
	/* Sharing a frame that few medoids have is worth more. */
	float worth = 1 / (1 + log2f(1 + (float)list->n));
	*left -= n;
	for (uint32_t i = 0; i < n; i++) {
		struct candidate_mark *mark = &candidates->marks[list->medoids[i]];
		if (mark->look_up != candidates->look_up) {
			*mark = (struct candidate_mark){.look_up = candidates->look_up};
			candidates->met[candidates->n_met++] = list->medoids[i];
		}
		mark->score += worth;
	}
}

/* Marks of 2^32 look-ups ago must not be taken for fresh ones. */
static void
begin_look_up(struct candidates *candidates)
{
	candidates->n_met = 0;
	candidates->look_up++;
	if (candidates->look_up == 0) {
		memset(candidates->marks, 0, candidates->n_marks * sizeof(*candidates->marks));
		candidates->look_up = 1;
	}
}

size_t
candidates_find(struct candidates *candidates, const uint32_t *frames, size_t n,
		uint32_t ret_medoids[CANDIDATES_MAX])
{
	struct ranked heap[CANDIDATES_MAX];
	size_t left = CANDIDATE_READS_MAX;
	size_t n_heap = 0;
	begin_look_up(candidates);
	for (size_t i = 0; i < n; i++)
		count_list(candidates, &candidates->lists[frames[i]], &left);
	for (size_t i = 0; i < candidates->n_met; i++) {
		uint32_t medoid = candidates->met[i];
		keep_best(heap, &n_heap, (struct ranked){candidates->marks[medoid].score, medoid});
	}
	qsort(heap, n_heap, sizeof(heap[0]), compare_best_first);
	for (size_t i = 0; i < n_heap; i++)
		ret_medoids[i] = heap[i].medoid;
	return n_heap;
}

uint32_t
candidates_count(const struct candidates *candidates, uint32_t frame)
{
	return candidates->lists[frame].n;
}

size_t
candidates_bytes(const struct candidates *candidates)
{
	size_t bytes = candidates->n_lists * sizeof(*candidates->lists) +
		       candidates->n_marks * sizeof(*candidates->marks);
	for (size_t i = 0; i < candidates->n_lists; i++)
		bytes += candidates->lists[i].capacity * sizeof(uint32_t);
	return bytes;
}
