/* pdb_cross.h - ids that stand for functions of another module
 *
 * When a linker optimizes the whole program, a module may inline what another one defines, and
 * its records name it by the other's own id: the highest bit set, then 11 bits that number an
 * entry of the module's list of imports, then 20 bits that number an id of this entry.  The entry
 * names the other module, whose list of exports leads from that id to one of the IPI stream.
 */
#pragma once

#include "symbols/pdb_dbi.h"
#include "symbols/pdb_text.h"

/* Where a module's lists are in its stream; 0 bytes: it has none. */
struct pdb_cross_lists {
	bool is_known;
	struct pdb_part imports;
	struct pdb_part exports;
};

struct pdb_cross {
	const struct msf *msf;
	const struct pdb_modules *modules;
	struct pdb_texts *texts;
	struct arena *arena;
	struct pdb_cross_lists *lists; /* of each module, when first asked for; NULL: none was */
};

static inline bool
pdb_is_cross_id(uint32_t id)
{
	return id >> 31 != 0;
}

/* The id in the IPI stream that ID stands for in the module of number INDEX.
 * ERR_CORRUPT: no list has it.  ERR_LIMIT: the arena's cap. */
err_t
pdb_cross_resolve(struct pdb_cross *cross, uint32_t index, uint32_t id, uint32_t *ret_id) ERR_CHECK;
