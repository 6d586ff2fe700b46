/* pdb.h - PDB files of Microsoft's and LLVM's linkers, read natively
 *
 * MSF 7.00, what compilers have written since 2002.  Of the private symbols: procedures, thunks,
 * code that was moved away, inlined calls, lines; else public names.  Refused by name: the old
 * container (MSF 2.00), .NET portable PDBs (BSJB), compressed ones (MSFZ).
 *
 * Opening reads the directory, the list of modules and which module owns which code.  A module's
 * symbols and lines are decoded when an address of it is looked up, and kept while there is room
 * (LIMIT_PDB_CACHE_BYTES); public names and frame data are indexed when they are first asked
 * for.  Pages of the file that no look-up needs are not touched.
 *
 * One address is looked up at a time: symbols_find and symbols_unwind fill what they keep.
 */
#pragma once

#include "symbols/symbols.h"

enum {
	PDB_DEBUG_ID_BYTES = 32 + 8 + 1 /* with a NUL */
};

struct pdb_identity {
	/* As Breakpad and symbol servers write it: the GUID as 32 upper-case hex digits, the age in
	 * hex.  The age is the DBI stream's: the linker writes it into the image beside the GUID.
	 * The PDB stream has one of its own that counts each later writing of the file (by a tool
	 * that adds source server data, say), and no image knows of these. */
	char debug_id[PDB_DEBUG_ID_BYTES];
	uint16_t machine; /* IMAGE_FILE_MACHINE_* */
	enum arch arch;   /* of it */
};

/* Errors as those of pdb_open; a file without DBI stream has the PDB stream's age. */
err_t pdb_identity(struct slice file, struct pdb_identity *ret_identity,
		   struct err_detail *detail) ERR_CHECK;

/* FILE must outlive *ret_symbols.
 * ERR_UNSUPPORTED	another format, or nothing that addresses can be told from
 * ERR_TRUNCATED	the file ends early
 * ERR_CORRUPT		it contradicts itself
 * ERR_LIMIT		more of something than limits.h allows
 * ERR_NOTFOUND		types only: no DBI stream */
err_t
pdb_open(struct slice file, struct symbols **ret_symbols, struct err_detail *detail) ERR_CHECK;
