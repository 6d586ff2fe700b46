/* pdb_address.h - sections and offsets, as records name places, and addresses in the image
 *
 * A tool may have moved the code after it was linked (Microsoft's own does for system files).
 * Then the records speak of the image as the linker made it, and two maps (OMAP) lead from its
 * addresses to those of the image that runs, and back.  All tables of this reader are kept in
 * the linker's addresses, here called source addresses.
 */
#pragma once

#include "symbols/pdb_msf.h"

struct pdb_section {
	uint32_t rva; /* source address */
	uint32_t bytes;
	bool is_code;
};

/* From ADDRESS on, up to the next entry's, code lies at TO; 0: code that is on one side only. */
struct pdb_omap_entry {
	uint32_t address;
	uint32_t to;
};

struct pdb_omap {
	const struct pdb_omap_entry *entries;
	size_t n;
};

struct pdb_addresses {
	const struct pdb_section *sections;
	size_t n_sections;
	bool is_moved; /* the maps count */
	struct pdb_omap to_source;
	struct pdb_omap from_source;
};

/* Numbers of the streams, of the DBI stream's optional debug header; MSF_NO_STREAM: none. */
struct pdb_address_streams {
	uint16_t sections;        /* of the image that runs */
	uint16_t source_sections; /* of the image as it was linked */
	uint16_t omap_to_source;
	uint16_t omap_from_source;
};

/* ERR_CORRUPT: a map that is not in order.  ERR_LIMIT: more than limits.h allows. */
err_t pdb_addresses_open(const struct msf *msf, const struct pdb_address_streams *streams,
			 struct arena *arena, struct pdb_addresses *ret_addresses,
			 struct err_detail *detail) ERR_CHECK;

/* The source address of OFFSET in SECTION, which counts from 1.  False: there is no such section.
 */
bool pdb_address_of(const struct pdb_addresses *addresses, uint16_t section, uint32_t offset,
		    uint32_t *ret_source);
/* NULL: SOURCE is in no section. */
const struct pdb_section *pdb_section_at(const struct pdb_addresses *addresses, uint32_t source);
/* False: nothing was linked that is there now. */
bool
pdb_address_to_source(const struct pdb_addresses *addresses, uint32_t rva, uint32_t *ret_source);
bool
pdb_address_from_source(const struct pdb_addresses *addresses, uint32_t source, uint32_t *ret_rva);
