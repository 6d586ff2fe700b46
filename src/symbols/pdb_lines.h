/* pdb_lines.h - C13 line tables: which line each address of a module has
 *
 * Subsections, one behind the other: line tables, one for each stretch of code; checksums of
 * files, by which tables name theirs; where inlined functions are defined.  Tables of one module
 * come in no order, and blocks of one table (one for each file) may interleave.
 */
#pragma once

#include "symbols/pdb_module.h"

/* Fills the lines, files and inlinees of MODULE from PART of its stream.
 * ERR_CORRUPT, ERR_TRUNCATED, ERR_LIMIT. */
err_t pdb_lines_read(const struct msf *msf, const struct pdb_part *part,
		     const struct pdb_addresses *addresses, struct pdb_module *module,
		     struct arena *scratch) ERR_CHECK;
