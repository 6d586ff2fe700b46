#include "symbols/breakpad_index.h"

#include <stdlib.h>

#include "base/limits.h"

void
breakpad_index_add(struct breakpad_index *index, uint64_t from, uint64_t bytes, uint32_t offset)
{
	if (index->n == index->capacity) {
		index->capacity = index->capacity == 0 ? 64 : index->capacity * 2;
		index->spans = reallocarray(index->spans, index->capacity, sizeof(*index->spans));
		if (index->spans == NULL)
			abort();
	}
	index->spans[index->n++] = (struct breakpad_span){
		.from = from,
		.bytes = bytes > UINT32_MAX ? UINT32_MAX : (uint32_t)bytes,
		.offset = offset,
	};
}

/* By beginning; the larger before the smaller, so that what is nested comes behind what it is
 * nested in; the earlier in the file last, so that it is what is found. */
static int
compare(const void *left, const void *right)
{
	const struct breakpad_span *a = left;
	const struct breakpad_span *b = right;
	if (a->from != b->from)
		return a->from < b->from ? -1 : 1;
	if (a->bytes != b->bytes)
		return a->bytes > b->bytes ? -1 : 1;
	return a->offset > b->offset ? -1 : a->offset < b->offset;
}

/* The same, but of two that begin at one address the first of the file counts whatever its size. */
static int
compare_plain(const void *left, const void *right)
{
	const struct breakpad_span *a = left;
	const struct breakpad_span *b = right;
	if (a->from != b->from)
		return a->from < b->from ? -1 : 1;
	return a->offset > b->offset ? -1 : a->offset < b->offset;
}

static void
sort(struct breakpad_index *index, int (*order)(const void *, const void *))
{
	bool is_sorted = true;
	for (size_t i = 1; i < index->n && is_sorted; i++)
		is_sorted = order(&index->spans[i - 1], &index->spans[i]) <= 0;
	if (!is_sorted)
		qsort(index->spans, index->n, sizeof(*index->spans), order);
}

/* The spans that are still open while one walks from left to right are a stack, which the parents
 * themselves link. */
static void
link_parents(struct breakpad_index *index)
{
	uint32_t open = (uint32_t)BREAKPAD_NO_PARENT;
	index->parents = reallocarray(NULL, index->n, sizeof(*index->parents));
	if (index->parents == NULL)
		abort();
	for (size_t i = 0; i < index->n; i++) {
		uint64_t from = index->spans[i].from;
		while (open != (uint32_t)BREAKPAD_NO_PARENT &&
		       from - index->spans[open].from >= index->spans[open].bytes)
			open = index->parents[open];
		index->parents[i] = open;
		open = (uint32_t)i;
	}
}

void
breakpad_index_finish(struct breakpad_index *index, bool is_nested)
{
	if (index->n == 0)
		return;
	sort(index, is_nested ? compare : compare_plain);
	struct breakpad_span *exact = reallocarray(index->spans, index->n, sizeof(*index->spans));
	if (exact != NULL) {
		index->spans = exact;
		index->capacity = index->n;
	}
	if (is_nested)
		link_parents(index);
}

void
breakpad_index_done(struct breakpad_index *index)
{
	free(index->spans);
	free(index->parents);
	*index = (struct breakpad_index){0};
}

const struct breakpad_span *
breakpad_index_before(const struct breakpad_index *index, uint64_t address)
{
	size_t low = 0;
	size_t high = index->n;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (index->spans[middle].from <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low == 0 ? NULL : &index->spans[low - 1];
}

static bool
holds(const struct breakpad_span *span, uint64_t address)
{
	return address >= span->from && address - span->from < span->bytes;
}

const struct breakpad_span *
breakpad_index_holding(const struct breakpad_index *index, uint64_t address)
{
	const struct breakpad_span *span = breakpad_index_before(index, address);
	return span != NULL && holds(span, address) ? span : NULL;
}

const struct breakpad_span *
breakpad_index_innermost(const struct breakpad_index *index, uint64_t address)
{
	const struct breakpad_span *span = breakpad_index_before(index, address);
	for (unsigned i = 0; span != NULL && i < LIMIT_SYM_NESTED_FRAMES; i++) {
		if (holds(span, address))
			return span;
		uint32_t parent = index->parents[span - index->spans];
		span = parent == (uint32_t)BREAKPAD_NO_PARENT ? NULL : &index->spans[parent];
	}
	return NULL;
}

const struct breakpad_span *
breakpad_index_at(const struct breakpad_index *index, uint64_t from)
{
	const struct breakpad_span *span = breakpad_index_before(index, from);
	return span != NULL && span->from == from ? span : NULL;
}

size_t
breakpad_index_bytes_used(const struct breakpad_index *index)
{
	size_t parents = index->parents == NULL ? 0 : index->n * sizeof(*index->parents);
	return index->capacity * sizeof(*index->spans) + parents;
}
