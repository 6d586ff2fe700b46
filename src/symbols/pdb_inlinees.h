/* pdb_inlinees.h - which functions were inlined at an address, and the lines they have there
 *
 * A site of an inlined call is a scope of its procedure.  Its annotations are a program of small
 * numbers that walks through code and lines in parallel; it says which code came of that call.
 */
#pragma once

#include "symbols/pdb_module.h"

struct pdb_site {
	uint32_t inlinee; /* id in the IPI stream */
	bool has_line;    /* false: the code belongs to what was inlined into this one in turn,
			     and no line is told */
	uint32_t file;
	uint32_t line;
};

/* The sites of CHUNK's procedure that hold ADDRESS, innermost first: at most MAX of them, those
 * further out are left away.
 * ERR_CORRUPT		sites that do not nest, annotations that are none
 * ERR_LIMIT		nested deeper, or more records, than limits.h allows */
err_t pdb_sites_find(const struct pdb_module *module, const struct pdb_chunk *chunk,
		     uint32_t address, struct pdb_site *sites, size_t max, size_t *ret_n) ERR_CHECK;
