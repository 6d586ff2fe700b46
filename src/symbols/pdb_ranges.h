/* pdb_ranges.h - which of many ranges holds an address
 *
 * Ranges may nest, as frame data of a prologue does in that of its function: the innermost
 * counts.  They are cut once into pieces that do not overlap, so that no look-up walks a nest.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"

enum {
	PDB_RANGE_NONE = -1 /* as uint32_t: no value */
};

struct pdb_range {
	uint32_t start;
	uint32_t bytes; /* 0: it holds nothing */
	uint32_t value; /* what a look-up gives; of equal ranges the lowest */
};

struct pdb_piece {
	uint32_t start; /* up to the start of the next one */
	uint32_t value;
};

struct pdb_ranges {
	const struct pdb_piece *pieces;
	size_t n;
};

/* Sorts RANGES in place; the pieces lie in ARENA.  ERR_LIMIT: the cap of ARENA or SCRATCH. */
err_t pdb_ranges_make(struct pdb_range *ranges, size_t n, struct arena *arena,
		      struct arena *scratch, struct pdb_ranges *ret_ranges) ERR_CHECK;
/* False: no range holds ADDRESS. */
bool pdb_ranges_find(const struct pdb_ranges *ranges, uint32_t address, uint32_t *ret_value);
