#include "symbols/pdb_ranges.h"

#include <stdlib.h>

/* While pieces are cut: the ranges that are open at an address, outermost first. */
struct cutting {
	struct pdb_piece *pieces;
	size_t n_pieces;
	struct pdb_range *open;
	size_t n_open;
};

/* By start; of those with one start the longest first, since it is the outermost. */
static int
compare_ranges(const void *a, const void *b)
{
	const struct pdb_range *x = a;
	const struct pdb_range *y = b;
	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	if (x->bytes != y->bytes)
		return x->bytes > y->bytes ? -1 : 1;
	return (x->value < y->value) - (x->value > y->value);
}

static uint64_t
end_of(const struct pdb_range *range)
{
	return (uint64_t)range->start + range->bytes;
}

static void
cut(struct cutting *c, uint64_t at, uint32_t value)
{
	struct pdb_piece *last = c->n_pieces > 0 ? &c->pieces[c->n_pieces - 1] : NULL;
	if (at > UINT32_MAX || (last != NULL && last->value == value))
		return;
	if (last != NULL && last->start == at)
		last->value = value;
	else
		c->pieces[c->n_pieces++] = (struct pdb_piece){(uint32_t)at, value};
}

/* Closes the ranges that end at or before AT; what is open around each comes back. */
static void
close_until(struct cutting *c, uint64_t at)
{
	while (c->n_open > 0 && end_of(&c->open[c->n_open - 1]) <= at) {
		uint64_t end = end_of(&c->open[c->n_open - 1]);
		while (c->n_open > 0 && end_of(&c->open[c->n_open - 1]) <= end)
			c->n_open--;
		cut(c, end,
		    c->n_open > 0 ? c->open[c->n_open - 1].value : (uint32_t)PDB_RANGE_NONE);
	}
}

err_t
pdb_ranges_make(struct pdb_range *ranges, size_t n, struct arena *arena, struct arena *scratch,
		struct pdb_ranges *ret_ranges)
{
	struct cutting c = {0};
	bool is_sorted = true;
	/* Each range begins one piece and ends in another. */
	c.pieces = arena_array(arena, 2 * n, sizeof(*c.pieces));
	c.open = arena_array(scratch, n, sizeof(*c.open));
	if (c.pieces == NULL || c.open == NULL)
		return ERR_LIMIT;
	for (size_t i = 1; i < n && is_sorted; i++)
		is_sorted = compare_ranges(&ranges[i - 1], &ranges[i]) <= 0;
	if (!is_sorted)
		qsort(ranges, n, sizeof(*ranges), compare_ranges);
	for (size_t i = 0; i < n; i++) {
		if (ranges[i].bytes == 0)
			continue;
		close_until(&c, ranges[i].start);
		c.open[c.n_open++] = ranges[i];
		cut(&c, ranges[i].start, ranges[i].value);
	}
	close_until(&c, UINT64_MAX);
	*ret_ranges = (struct pdb_ranges){c.pieces, c.n_pieces};
	return OK;
}

bool
pdb_ranges_find(const struct pdb_ranges *ranges, uint32_t address, uint32_t *ret_value)
{
	size_t low = 0;
	size_t high = ranges->n;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (ranges->pieces[middle].start <= address)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == 0 || ranges->pieces[low - 1].value == (uint32_t)PDB_RANGE_NONE)
		return false;
	*ret_value = ranges->pieces[low - 1].value;
	return true;
}
