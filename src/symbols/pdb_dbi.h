/* pdb_dbi.h - the DBI stream: the modules of the image, and which module owns which code
 *
 * A header of 64 bytes, then substreams one behind the other: modules, section contributions,
 * section map, source files, type servers, edit and continue, numbers of further streams.  Of
 * the section map, the source files and the type servers only the size is read: segments are
 * numbered as section headers are, files are named by each module's own list, and types of
 * other files are not looked for.
 */
#pragma once

#include "symbols/pdb_address.h"
#include "symbols/pdb_ranges.h"

struct pdb_dbi {
	uint32_t age; /* of the build: the linker writes it into the image */
	uint16_t machine;
	uint16_t publics;
	uint16_t records; /* global symbol records */
	uint16_t fpo;
	uint16_t frame_data;
	struct pdb_address_streams addresses;
	struct pdb_part modules; /* of this stream */
	struct pdb_part contributions;
};

/* Where a module's own stream has what: its parts lie one behind the other. */
struct pdb_module_place {
	uint32_t symbol_bytes;
	uint32_t old_line_bytes; /* C11 line tables, which compilers wrote until 2003: not read */
	uint32_t line_bytes;     /* C13 line tables */
	uint16_t stream;         /* MSF_NO_STREAM: only publics tell of this module */
	uint64_t name_hash;      /* pdb_module_name_hash */
};

struct pdb_modules {
	const struct pdb_module_place *places;
	size_t n;
	struct pdb_ranges contributions; /* code, by source address; the values are modules */
};

/* Other modules refer to one by its name, in which the case of letters says nothing. */
uint64_t pdb_module_name_hash(struct slice name);

/* The header and the numbers of streams.  ERR_NOTFOUND: there is no DBI stream. */
err_t
pdb_dbi_parse(const struct msf *msf, struct pdb_dbi *ret_dbi, struct err_detail *detail) ERR_CHECK;

/* Lists lie in ARENA. */
err_t pdb_modules_open(const struct msf *msf, const struct pdb_dbi *dbi,
		       const struct pdb_addresses *addresses, struct arena *arena,
		       struct pdb_modules *ret_modules, struct err_detail *detail) ERR_CHECK;
