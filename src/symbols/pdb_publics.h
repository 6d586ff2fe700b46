/* pdb_publics.h - public names: what the linker could see, by address
 *
 * All that a stripped PDB has.  The publics stream maps addresses to symbol records; without the
 * map the records are searched.  Names of data in data sections are left out.
 */
#pragma once

#include "symbols/pdb_dbi.h"

struct pdb_public {
	uint32_t address; /* source address */
	uint32_t name;    /* offset in the stream of symbol records */
};

struct pdb_publics {
	const struct pdb_public *items; /* by address */
	size_t n;
};

/* The index lies in ARENA.  ERR_CORRUPT, ERR_TRUNCATED, ERR_LIMIT. */
err_t pdb_publics_open(const struct msf *msf, const struct pdb_dbi *dbi,
		       const struct pdb_addresses *addresses, struct arena *arena,
		       struct pdb_publics *ret_publics) ERR_CHECK;

/* The nearest one at or before ADDRESS, in the same section; NULL: none. */
const struct pdb_public *pdb_publics_find(const struct pdb_publics *publics,
					  const struct pdb_addresses *addresses, uint32_t address);
