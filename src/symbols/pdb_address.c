#include "symbols/pdb_address.h"

#include "base/limits.h"
#include "base/reader.h"

enum {
	SECTION_BYTES = 40, /* IMAGE_SECTION_HEADER */
	SECTION_NAME_BYTES = 8,
	SECTION_REST_BYTES = 20, /* raw data, relocations, line numbers */
	SECTION_CODE = 0x00000020,
	SECTION_EXECUTE = 0x20000000,
	OMAP_BYTES = 8
};

static err_t
read_sections(const struct msf *msf, uint16_t stream, struct arena *arena,
	      struct pdb_addresses *addresses, struct err_detail *detail)
{
	size_t n = msf_bytes(msf, stream) / SECTION_BYTES;
	if (n == 0)
		return err_set(detail, ERR_UNSUPPORTED,
			       "no section headers: where its symbols are cannot be told");
	if (n > LIMIT_PDB_SECTIONS)
		return err_set(detail, ERR_LIMIT, "%zu sections, %u at most", n,
			       LIMIT_PDB_SECTIONS);
	struct pdb_section *sections = arena_array(arena, n, sizeof(*sections));
	if (sections == NULL)
		return ERR_LIMIT;
	for (uint32_t i = 0; i < n; i++) {
		uint8_t scratch[SECTION_BYTES];
		struct slice bytes = {0};
		struct reader r;
		(void)msf_peek(msf, stream, i * SECTION_BYTES, SECTION_BYTES, scratch, &bytes);
		reader_init(&r, bytes);
		(void)reader_bytes(&r, SECTION_NAME_BYTES);
		sections[i].bytes = reader_u32(&r);
		sections[i].rva = reader_u32(&r);
		(void)reader_bytes(&r, SECTION_REST_BYTES);
		sections[i].is_code =
			(reader_u32(&r) & (SECTION_CODE | (uint32_t)SECTION_EXECUTE)) != 0;
	}
	addresses->sections = sections;
	addresses->n_sections = n;
	return OK;
}

static err_t
read_omap(const struct msf *msf, uint16_t stream, struct arena *arena, struct pdb_omap *ret_map,
	  struct err_detail *detail)
{
	size_t n = msf_bytes(msf, stream) / OMAP_BYTES;
	if (n > LIMIT_PDB_OMAP)
		return err_set(detail, ERR_LIMIT, "an address map of %zu entries, %u at most", n,
			       LIMIT_PDB_OMAP);
	struct pdb_omap_entry *entries = arena_array(arena, n, sizeof(*entries));
	if (entries == NULL)
		return ERR_LIMIT;
	for (uint32_t i = 0; i < n; i++) {
		uint8_t scratch[OMAP_BYTES];
		struct slice bytes = {0};
		struct reader r;
		(void)msf_peek(msf, stream, i * OMAP_BYTES, OMAP_BYTES, scratch, &bytes);
		reader_init(&r, bytes);
		entries[i].address = reader_u32(&r);
		entries[i].to = reader_u32(&r);
		if (i > 0 && entries[i].address < entries[i - 1].address)
			return err_set(detail, ERR_CORRUPT,
				       "entry %u of an address map goes backward", i);
	}
	*ret_map = (struct pdb_omap){entries, n};
	return OK;
}

err_t
pdb_addresses_open(const struct msf *msf, const struct pdb_address_streams *streams,
		   struct arena *arena, struct pdb_addresses *ret_addresses,
		   struct err_detail *detail)
{
	struct pdb_addresses addresses = {0};
	addresses.is_moved = msf_bytes(msf, streams->omap_to_source) > 0 &&
			     msf_bytes(msf, streams->omap_from_source) > 0;
	bool has_source = addresses.is_moved && msf_bytes(msf, streams->source_sections) > 0;
	err_t err = read_sections(msf, has_source ? streams->source_sections : streams->sections,
				  arena, &addresses, detail);
	if (err == OK && addresses.is_moved)
		err = read_omap(msf, streams->omap_to_source, arena, &addresses.to_source, detail);
	if (err == OK && addresses.is_moved)
		err = read_omap(msf, streams->omap_from_source, arena, &addresses.from_source,
				detail);
	if (err == OK)
		*ret_addresses = addresses;
	return err;
}

bool
pdb_address_of(const struct pdb_addresses *addresses, uint16_t section, uint32_t offset,
	       uint32_t *ret_source)
{
	if (section == 0 || section > addresses->n_sections)
		return false;
	return !__builtin_add_overflow(addresses->sections[section - 1].rva, offset, ret_source);
}

const struct pdb_section *
pdb_section_at(const struct pdb_addresses *addresses, uint32_t source)
{
	for (size_t i = 0; i < addresses->n_sections; i++) {
		const struct pdb_section *section = &addresses->sections[i];
		if (source >= section->rva && source - section->rva < section->bytes)
			return section;
	}
	return NULL;
}

static bool
follow(const struct pdb_omap *map, uint32_t address, uint32_t *ret_to)
{
	size_t low = 0;
	size_t high = map->n;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (map->entries[middle].address <= address)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == 0 || map->entries[low - 1].to == 0)
		return false;
	const struct pdb_omap_entry *entry = &map->entries[low - 1];
	return !__builtin_add_overflow(entry->to, address - entry->address, ret_to);
}

bool
pdb_address_to_source(const struct pdb_addresses *addresses, uint32_t rva, uint32_t *ret_source)
{
	*ret_source = rva;
	return !addresses->is_moved || follow(&addresses->to_source, rva, ret_source);
}

bool
pdb_address_from_source(const struct pdb_addresses *addresses, uint32_t source, uint32_t *ret_rva)
{
	*ret_rva = source;
	return !addresses->is_moved || follow(&addresses->from_source, source, ret_rva);
}
