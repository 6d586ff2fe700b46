#include "symbols/pdb_cross.h"

#include "base/reader.h"

enum {
	DEBUG_S_CROSSSCOPEIMPORTS = 0xf7,
	DEBUG_S_CROSSSCOPEEXPORTS = 0xf8,
	HEAD_BYTES = 8, /* of a subsection; of an entry of imports; a pair of exports */
	ID_BYTES = 4,
	ENTRY_SHIFT = 20,
	ENTRY_MASK = 0x7ff,
	ID_MASK = 0xfffff
};

/* Two numbers at OFFSET of PART.  False: it is shorter. */
static bool
read_two(const struct msf *msf, uint32_t stream, const struct pdb_part *part, uint32_t offset,
	 uint32_t *ret_first, uint32_t *ret_second)
{
	uint8_t scratch[HEAD_BYTES];
	struct slice bytes;
	struct reader r;
	if (part->bytes < HEAD_BYTES || offset > part->bytes - HEAD_BYTES ||
	    !msf_peek(msf, stream, part->offset + offset, HEAD_BYTES, scratch, &bytes))
		return false;
	reader_init(&r, bytes);
	*ret_first = reader_u32(&r);
	*ret_second = reader_u32(&r);
	return true;
}

/* Goes over the heads of the module's subsections, once. */
static void
find_lists(const struct msf *msf, const struct pdb_module_place *place,
	   struct pdb_cross_lists *lists)
{
	uint64_t offset = (uint64_t)place->symbol_bytes + place->old_line_bytes;
	struct pdb_part part = {(uint32_t)offset, place->line_bytes};
	uint32_t kind;
	uint32_t bytes;
	lists->is_known = true;
	if (offset + place->line_bytes > msf_bytes(msf, place->stream))
		return;
	for (uint32_t at = 0; read_two(msf, place->stream, &part, at, &kind, &bytes);) {
		at += HEAD_BYTES;
		if (bytes > part.bytes - at)
			return;
		struct pdb_part found = {part.offset + at, bytes};
		if (kind == DEBUG_S_CROSSSCOPEIMPORTS)
			lists->imports = found;
		else if (kind == DEBUG_S_CROSSSCOPEEXPORTS)
			lists->exports = found;
		at += bytes;
		at += (4 - at % 4) % 4;
	}
}

static err_t
lists_of(struct pdb_cross *cross, uint32_t index, const struct pdb_cross_lists **ret_lists)
{
	if (cross->lists == NULL)
		cross->lists = arena_array(cross->arena, cross->modules->n, sizeof(*cross->lists));
	if (cross->lists == NULL)
		return ERR_LIMIT;
	struct pdb_cross_lists *lists = &cross->lists[index];
	if (!lists->is_known)
		find_lists(cross->msf, &cross->modules->places[index], lists);
	*ret_lists = lists;
	return OK;
}

/* What the importing module calls it: the name of the other one in "/names", and the id there. */
static err_t
find_import(struct pdb_cross *cross, uint32_t index, uint32_t id, uint32_t *ret_name,
	    uint32_t *ret_local)
{
	const struct pdb_cross_lists *lists;
	uint32_t stream = cross->modules->places[index].stream;
	uint32_t at = 0;
	uint32_t n;
	err_t err = lists_of(cross, index, &lists);
	if (err != OK)
		return err;
	for (uint32_t i = 0; i <= (id >> ENTRY_SHIFT & ENTRY_MASK); i++) {
		if (i > 0)
			at += n * ID_BYTES;
		if (!read_two(cross->msf, stream, &lists->imports, at, ret_name, &n))
			return ERR_CORRUPT;
		at += HEAD_BYTES;
		if (n > (lists->imports.bytes - at) / ID_BYTES)
			return ERR_CORRUPT;
	}
	uint32_t ignored;
	uint32_t which = id & ID_MASK;
	/* The id is read with the number before it, which is there: the count, or another id. */
	if (which >= n || !read_two(cross->msf, stream, &lists->imports,
				    at + which * ID_BYTES - ID_BYTES, &ignored, ret_local))
		return ERR_CORRUPT;
	return OK;
}

/* Pairs, by the module's own id. */
static err_t
find_export(struct pdb_cross *cross, uint32_t index, uint32_t local, uint32_t *ret_id)
{
	const struct pdb_cross_lists *lists;
	uint32_t stream = cross->modules->places[index].stream;
	err_t err = lists_of(cross, index, &lists);
	if (err != OK)
		return err;
	uint32_t low = 0;
	uint32_t high = lists->exports.bytes / HEAD_BYTES;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		uint32_t found;
		if (!read_two(cross->msf, stream, &lists->exports, middle * HEAD_BYTES, &found,
			      ret_id))
			return ERR_CORRUPT;
		if (found == local)
			return OK;
		if (found < local)
			low = middle + 1;
		else
			high = middle;
	}
	return ERR_CORRUPT;
}

err_t
pdb_cross_resolve(struct pdb_cross *cross, uint32_t index, uint32_t id, uint32_t *ret_id)
{
	struct slice name;
	uint32_t name_offset;
	uint32_t local;
	err_t err = find_import(cross, index, id, &name_offset, &local);
	if (err == OK)
		err = pdb_text_of_table(cross->texts, name_offset, &name);
	if (err != OK)
		return err;
	uint64_t hash = pdb_module_name_hash(name);
	for (uint32_t i = 0; i < cross->modules->n; i++)
		if (cross->modules->places[i].name_hash == hash)
			return find_export(cross, i, local, ret_id);
	return ERR_CORRUPT;
}
