#include "symbols/pdb_publics.h"

#include <stdlib.h>

#include "base/limits.h"
#include "symbols/pdb_records.h"

enum {
	STREAM_HEADER_BYTES = 28,
	PUBLIC_BYTES = 14 /* of a record, before its name */
};

struct opening {
	const struct msf *msf;
	const struct pdb_dbi *dbi;
	const struct pdb_addresses *addresses;
	struct pdb_public *items;
	size_t n;
};

/* Adds the record at OFFSET of the symbol records if it is a public name of code.  False: it is
 * not whole, or no public name. */
static bool
take_public(struct opening *o, uint32_t offset)
{
	uint8_t scratch[PUBLIC_BYTES];
	struct slice bytes;
	struct reader r;
	uint32_t address;
	if (!msf_peek(o->msf, o->dbi->records, offset, PUBLIC_BYTES, scratch, &bytes))
		return false;
	reader_init(&r, bytes);
	(void)reader_u16(&r);
	if (reader_u16(&r) != S_PUB32)
		return false;
	(void)reader_u32(&r); /* whether it is code, which not all writers say */
	uint32_t at = reader_u32(&r);
	uint16_t section = reader_u16(&r);
	if (pdb_address_of(o->addresses, section, at, &address) &&
	    o->addresses->sections[section - 1].is_code)
		o->items[o->n++] = (struct pdb_public){address, offset + PUBLIC_BYTES};
	return true;
}

/* Where the address map is in the publics stream; none: 0 bytes. */
static err_t
find_map(const struct msf *msf, uint32_t stream, struct pdb_part *ret_map)
{
	uint8_t scratch[STREAM_HEADER_BYTES];
	struct slice bytes;
	struct reader r;
	*ret_map = (struct pdb_part){0};
	if (!msf_peek(msf, stream, 0, STREAM_HEADER_BYTES, scratch, &bytes))
		return msf_bytes(msf, stream) == 0 ? OK : ERR_TRUNCATED;
	reader_init(&r, bytes);
	uint32_t hash_bytes = reader_u32(&r);
	uint32_t map_bytes = reader_u32(&r);
	uint32_t left = msf_bytes(msf, stream) - STREAM_HEADER_BYTES;
	if (hash_bytes > left || map_bytes > left - hash_bytes)
		return ERR_TRUNCATED;
	*ret_map = (struct pdb_part){STREAM_HEADER_BYTES + hash_bytes, map_bytes};
	return OK;
}

static err_t
read_map(struct opening *o, const struct pdb_part *map, size_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		uint8_t scratch[sizeof(uint32_t)];
		struct slice bytes = {0};
		struct reader r;
		(void)msf_peek(o->msf, o->dbi->publics,
			       map->offset + i * (uint32_t)sizeof(uint32_t), sizeof(uint32_t),
			       scratch, &bytes);
		reader_init(&r, bytes);
		if (!take_public(o, reader_u32(&r)))
			return ERR_CORRUPT;
	}
	return OK;
}

/* Goes over all symbol records: counts the public ones, or takes them. */
static err_t
search(struct opening *o, bool is_counting, size_t *ret_n)
{
	uint32_t bytes = msf_bytes(o->msf, o->dbi->records);
	size_t n = 0;
	for (uint32_t at = 0; bytes - at >= PDB_RECORD_HEAD_BYTES;) {
		uint8_t scratch[PDB_RECORD_HEAD_BYTES];
		struct slice head = {0};
		struct reader r;
		(void)msf_peek(o->msf, o->dbi->records, at, PDB_RECORD_HEAD_BYTES, scratch, &head);
		reader_init(&r, head);
		uint16_t len = reader_u16(&r);
		uint16_t kind = reader_u16(&r);
		if (len < 2 || len > bytes - at - 2)
			return ERR_CORRUPT;
		n += kind == S_PUB32;
		if (kind == S_PUB32 && !is_counting && !take_public(o, at))
			return ERR_CORRUPT;
		at += 2U + len;
	}
	*ret_n = n;
	return OK;
}

static int
compare_publics(const void *a, const void *b)
{
	const struct pdb_public *x = a;
	const struct pdb_public *y = b;
	if (x->address != y->address)
		return x->address < y->address ? -1 : 1;
	/* Of two names of one address the first record counts. */
	return (x->name < y->name) - (x->name > y->name);
}

static bool
are_sorted(const struct pdb_public *items, size_t n)
{
	for (size_t i = 1; i < n; i++)
		if (compare_publics(&items[i - 1], &items[i]) > 0)
			return false;
	return true;
}

err_t
pdb_publics_open(const struct msf *msf, const struct pdb_dbi *dbi,
		 const struct pdb_addresses *addresses, struct arena *arena,
		 struct pdb_publics *ret_publics)
{
	struct opening o = {.msf = msf, .dbi = dbi, .addresses = addresses};
	struct pdb_part map;
	size_t n = 0;
	err_t err = find_map(msf, dbi->publics, &map);
	bool has_map = err == OK && map.bytes > 0;
	if (has_map)
		n = map.bytes / sizeof(uint32_t);
	else if (err == OK)
		err = search(&o, true, &n);
	if (err != OK)
		return err;
	if (n > LIMIT_PDB_PUBLICS)
		return ERR_LIMIT;
	o.items = arena_array(arena, n, sizeof(*o.items));
	if (o.items == NULL)
		return ERR_LIMIT;
	err = has_map ? read_map(&o, &map, n) : search(&o, false, &n);
	if (err != OK)
		return err;
	if (!are_sorted(o.items, o.n))
		qsort(o.items, o.n, sizeof(*o.items), compare_publics);
	*ret_publics = (struct pdb_publics){o.items, o.n};
	return OK;
}

const struct pdb_public *
pdb_publics_find(const struct pdb_publics *publics, const struct pdb_addresses *addresses,
		 uint32_t address)
{
	const struct pdb_section *section = pdb_section_at(addresses, address);
	size_t low = 0;
	size_t high = publics->n;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (publics->items[middle].address <= address)
			low = middle + 1;
		else
			high = middle;
	}
	if (section == NULL || low == 0 || publics->items[low - 1].address < section->rva)
		return NULL;
	return &publics->items[low - 1];
}
