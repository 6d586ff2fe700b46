/* The export directory: which functions others may call, by ordinal and by name.
 *
 * Three tables: addresses by ordinal, names, and the ordinal of each name.  When the image is
 * opened only indexes are made, and a name is read when it is asked for, so that 65,536 names that
 * all point at one long text cost nothing.
 */
#include "symbols/pe_internal.h"

#include <stdio.h>
#include <stdlib.h>

enum {
	DIRECTORY_BYTES = 40
};

struct counts {
	uint32_t functions;
	uint32_t names;
};

static uint32_t
function_rva(const struct pe *pe, size_t index)
{
	uint32_t rva = pe_u32_of(pe->exports.functions, index);
	/* In arm code bit 0 says Thumb and is no part of the address. */
	return pe->identity.arch == ARCH_ARM ? rva & ~(uint32_t)1 : rva;
}

static bool
is_forwarder(const struct pe *pe, uint32_t rva)
{
	const struct pe_directory *where = &pe->exports.where;
	return rva >= where->rva && rva - where->rva < where->bytes;
}

/* The tables may be absent when their count is 0. */
static err_t
read_export_tables(struct pe *pe, struct slice directory, struct slice *ret_ordinals)
{
	struct pe_export_table *t = &pe->exports;
	struct reader r;
	reader_init(&r, directory);
	(void)reader_bytes(&r, 16);
	t->ordinal_base = reader_u32(&r);
	uint32_t n_functions = reader_u32(&r);
	uint32_t n_names = reader_u32(&r);
	uint32_t functions = reader_u32(&r);
	uint32_t names = reader_u32(&r);
	uint32_t ordinals = reader_u32(&r);
	if (n_functions > LIMIT_PE_EXPORTS || n_names > LIMIT_PE_EXPORTS)
		return ERR_LIMIT;
	if (n_functions > 0 && !pe_bytes(pe, functions, (size_t)n_functions * 4, &t->functions))
		return ERR_CORRUPT;
	if (n_names > 0 && (!pe_bytes(pe, names, (size_t)n_names * 4, &t->names) ||
			    !pe_bytes(pe, ordinals, (size_t)n_names * 2, ret_ordinals)))
		return ERR_CORRUPT;
	t->n_functions = n_functions;
	return OK;
}

/* By address; of one address what has a name first. */
static int
compare_rva(const void *a, const void *b, void *context)
{
	const struct pe *pe = context;
	uint32_t left = *(const uint32_t *)a;
	uint32_t right = *(const uint32_t *)b;
	uint32_t left_rva = function_rva(pe, left);
	uint32_t right_rva = function_rva(pe, right);
	bool left_named = pe->exports.name_of[left] != 0;
	bool right_named = pe->exports.name_of[right] != 0;
	if (left_rva != right_rva)
		return left_rva < right_rva ? -1 : 1;
	if (left_named != right_named)
		return left_named ? -1 : 1;
	return left < right ? -1 : left > right;
}

/* Of several names for one function the first counts: names are in the order of the alphabet. */
static void
index_names(struct pe *pe, struct slice ordinals)
{
	struct pe_export_table *t = &pe->exports;
	struct reader r;
	reader_init(&r, ordinals);
	for (uint32_t i = 0; i < ordinals.len / 2; i++) {
		uint16_t index = reader_u16(&r);
		if (index < t->n_functions && t->name_of[index] == 0)
			t->name_of[index] = i + 1;
	}
}

static void
index_addresses(struct pe *pe)
{
	struct pe_export_table *t = &pe->exports;
	size_t n = 0;
	for (uint32_t i = 0; i < t->n_functions; i++) {
		uint32_t rva = function_rva(pe, i);
		if (rva != 0 && !is_forwarder(pe, rva) && pe_is_code(pe, rva))
			t->by_rva[n++] = i;
	}
	qsort_r(t->by_rva, n, sizeof(*t->by_rva), compare_rva, pe);
	for (size_t i = 0; i < n; i++)
		if (i == 0 ||
		    function_rva(pe, t->by_rva[i]) != function_rva(pe, t->by_rva[t->n_by_rva - 1]))
			t->by_rva[t->n_by_rva++] = t->by_rva[i];
}

/* What is exported by ordinal alone is shown as debuggers do. */
static void
write_ordinal_names(struct pe *pe)
{
	struct pe_export_table *t = &pe->exports;
	for (size_t i = 0; i < t->n_functions; i++)
		if (t->name_of[i] == 0)
			(void)snprintf(t->ordinal_names[i], sizeof(t->ordinal_names[i]),
				       "Ordinal%u", t->ordinal_base + (uint32_t)i);
}

err_t
pe_read_exports(struct pe *pe)
{
	struct pe_export_table *t = &pe->exports;
	struct slice directory;
	struct slice ordinals = {0};
	t->where = pe->directories[PE_DIRECTORY_EXPORTS];
	if (t->where.bytes == 0)
		return OK;
	if (!pe_bytes(pe, t->where.rva, DIRECTORY_BYTES, &directory))
		return ERR_CORRUPT;
	err_t err = read_export_tables(pe, directory, &ordinals);
	if (err != OK || t->n_functions == 0)
		return err;
	t->name_of = arena_array(&pe->arena, t->n_functions, sizeof(*t->name_of));
	t->by_rva = arena_array(&pe->arena, t->n_functions, sizeof(*t->by_rva));
	t->ordinal_names = arena_array(&pe->arena, t->n_functions, sizeof(*t->ordinal_names));
	if (t->name_of == NULL || t->by_rva == NULL || t->ordinal_names == NULL) {
		t->n_functions = 0;
		return ERR_LIMIT;
	}
	index_names(pe, ordinals);
	write_ordinal_names(pe);
	index_addresses(pe);
	return OK;
}

size_t
pe_n_exports(const struct pe *pe)
{
	return pe->exports.n_functions;
}

err_t
pe_export(const struct pe *pe, size_t index, struct pe_export *ret_export)
{
	const struct pe_export_table *t = &pe->exports;
	if (index >= t->n_functions)
		return ERR_NOTFOUND;
	uint32_t rva = function_rva(pe, index);
	struct pe_export e = {.ordinal = t->ordinal_base + (uint32_t)index, .rva = rva};
	if (t->name_of[index] != 0 &&
	    !pe_text(pe, pe_u32_of(t->names, t->name_of[index] - 1), &e.name))
		return ERR_CORRUPT;
	if (is_forwarder(pe, rva)) {
		if (!pe_text(pe, rva, &e.forwarder))
			return ERR_CORRUPT;
		e.rva = 0;
	}
	*ret_export = e;
	return OK;
}

/* The last of by_rva at or before RVA. */
static bool
export_before(const struct pe *pe, uint64_t rva, size_t *ret_at)
{
	const struct pe_export_table *t = &pe->exports;
	size_t low = 0;
	size_t high = t->n_by_rva;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (function_rva(pe, t->by_rva[middle]) <= rva)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == 0)
		return false;
	*ret_at = low - 1;
	return true;
}

/* Does the function table say that RVA is of a function that begins behind the export? */
static bool
is_of_another_function(const struct pe *pe, uint64_t rva, uint32_t export_rva)
{
	uint32_t begin = 0;
	if (pe_is_hybrid_code(pe, rva))
		return false;
	if (pe->identity.arch == ARCH_AMD64)
		return pe_amd64_function_begin(pe, rva, &begin) == OK && begin > export_rva;
	if (pe->identity.arch == ARCH_ARM64)
		return pe_arm64_function_begin(pe, rva, &begin) == OK && begin > export_rva;
	return false;
}

static err_t
name_of_export(const struct pe *pe, size_t index, struct slice *ret_name)
{
	struct pe_export e;
	err_t err = pe_export(pe, index, &e);
	if (err != OK)
		return err;
	*ret_name = slice_is_absent(e.name) ? slice_str(pe->exports.ordinal_names[index]) : e.name;
	return OK;
}

err_t
pe_find(const struct symbols *symbols, uint64_t rva, struct symbol *ret_symbol)
{
	const struct pe *pe = (const struct pe *)symbols;
	struct slice name;
	size_t at;
	if (!pe_is_code(pe, rva))
		return ERR_NOTFOUND;
	if ((pe->identity.broken & PE_EXPORTS) != 0)
		return ERR_CORRUPT;
	if (!export_before(pe, rva, &at))
		return ERR_NOTFOUND;
	uint32_t begin = function_rva(pe, pe->exports.by_rva[at]);
	if (pe_section_of(pe, begin) != pe_section_of(pe, rva) ||
	    is_of_another_function(pe, rva, begin))
		return ERR_NOTFOUND;
	err_t err = name_of_export(pe, pe->exports.by_rva[at], &name);
	if (err != OK)
		return err;
	*ret_symbol = (struct symbol){.n_places = 1, .function_rva = begin, .is_public = true};
	ret_symbol->places[0].function = name;
	return OK;
}
