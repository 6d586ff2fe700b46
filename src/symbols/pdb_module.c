#include "symbols/pdb_module.h"

#include <stdlib.h>

#include "base/limits.h"
#include "symbols/pdb_lines.h"
#include "symbols/pdb_records.h"

enum {
	SIGNATURE_C13 = 4 /* of compilers since 2003; of older ones only publics tell */
};

/* A scope that is in no other: code and its name. */
struct scope {
	uint16_t kind;
	uint32_t at;
	uint32_t end; /* behind its end record */
	uint32_t bytes;
	uint32_t offset;
	uint16_t section;
	uint32_t parent_offset; /* S_SEPCODE: of what it was moved away from */
	uint16_t parent_section;
	uint32_t name;
	uint32_t name_end;
};

/* While a module's procedures are being listed. */
struct listing {
	const struct pdb_addresses *addresses;
	struct pdb_module *module;
	struct pdb_procedure *procedures;
	uint32_t n_procedures;
	struct pdb_chunk *chunks;
	struct pdb_range *ranges;
	size_t n_chunks;
	struct arena *scratch;
};

static bool
is_procedure(uint16_t kind)
{
	switch (kind) {
	case S_LPROC32:
	case S_GPROC32:
	case S_LPROC32_ID:
	case S_GPROC32_ID:
	case S_LPROC32_DPC:
	case S_LPROC32_DPC_ID:
		return true;
	default:
		return false;
	}
}

static bool
opens_scope(uint16_t kind)
{
	switch (kind) {
	case S_THUNK32:
	case S_BLOCK32:
	case S_WITH32:
	case S_LMANPROC:
	case S_GMANPROC:
	case S_SEPCODE:
	case S_INLINESITE:
	case S_INLINESITE2:
		return true;
	default:
		return is_procedure(kind);
	}
}

static bool
closes_scope(uint16_t kind)
{
	return kind == S_END || kind == S_PROC_ID_END || kind == S_INLINESITE_END;
}

static void
read_scope(const struct pdb_record *record, struct scope *scope)
{
	struct reader r;
	reader_init(&r, record->content);
	*scope = (struct scope){.kind = record->kind, .at = record->at};
	(void)reader_u32(&r); /* parent */
	(void)reader_u32(&r); /* end */
	if (is_procedure(record->kind)) {
		(void)reader_u32(&r); /* next */
		scope->bytes = reader_u32(&r);
		(void)reader_bytes(&r, 12); /* where its body begins and ends, type */
		scope->offset = reader_u32(&r);
		scope->section = reader_u16(&r);
		(void)reader_u8(&r); /* flags */
	} else if (record->kind == S_THUNK32) {
		(void)reader_u32(&r); /* next */
		scope->offset = reader_u32(&r);
		scope->section = reader_u16(&r);
		scope->bytes = reader_u16(&r);
		(void)reader_u8(&r); /* ordinal */
	} else if (record->kind == S_SEPCODE) {
		scope->bytes = reader_u32(&r);
		(void)reader_u32(&r); /* flags */
		scope->offset = reader_u32(&r);
		scope->parent_offset = reader_u32(&r);
		scope->section = reader_u16(&r);
		scope->parent_section = reader_u16(&r);
	}
	scope->name = record->at + PDB_RECORD_HEAD_BYTES + (uint32_t)r.at;
	scope->name_end = record->at + PDB_RECORD_HEAD_BYTES + (uint32_t)record->content.len;
	/* One that is too short for its kind holds no code. */
	if (r.error != OK)
		scope->bytes = 0;
}

/* The next scope that is in no other.  False at the end, or R has an error. */
static bool
next_scope(struct reader *r, struct scope *ret_scope)
{
	struct pdb_record record;
	size_t depth = 0;
	while (pdb_record_next(r, &record)) {
		if (opens_scope(record.kind) && depth++ == 0)
			read_scope(&record, ret_scope);
		if (!closes_scope(record.kind))
			continue;
		if (depth == 0) {
			reader_fail(r, ERR_CORRUPT);
			return false;
		}
		if (--depth == 0) {
			ret_scope->end = (uint32_t)r->at;
			return true;
		}
	}
	if (depth > 0)
		reader_fail(r, ERR_CORRUPT);
	return false;
}

static void
begin(const struct pdb_module *module, struct reader *r)
{
	reader_init(r, module->symbols);
	(void)reader_u32(r); /* signature */
}

static err_t
count_scopes(const struct pdb_module *module, size_t *ret_n)
{
	struct reader r;
	struct scope scope;
	size_t n = 0;
	begin(module, &r);
	while (next_scope(&r, &scope))
		n++;
	*ret_n = n;
	return r.error;
}

static void
add_chunk(struct listing *l, uint32_t procedure, uint32_t number, uint32_t start, uint32_t bytes)
{
	l->chunks[l->n_chunks] = (struct pdb_chunk){procedure, number, start};
	l->ranges[l->n_chunks] = (struct pdb_range){start, bytes, (uint32_t)l->n_chunks};
	l->n_chunks++;
}

static void
list_procedures(struct listing *l)
{
	struct reader r;
	struct scope scope;
	begin(l->module, &r);
	while (next_scope(&r, &scope)) {
		uint32_t start;
		if (!is_procedure(scope.kind) && scope.kind != S_THUNK32)
			continue;
		/* Code that the linker left out stays behind without a section. */
		if (scope.bytes == 0 ||
		    !pdb_address_of(l->addresses, scope.section, scope.offset, &start))
			continue;
		l->procedures[l->n_procedures] = (struct pdb_procedure){
			.start = start,
			.record = scope.at,
			.end = scope.end,
			.name = scope.name,
			.name_end = scope.name_end,
		};
		add_chunk(l, l->n_procedures++, 0, start, scope.bytes);
	}
}

/* Code that was moved away from its procedure, cold paths mostly, and lies anywhere. */
static err_t
list_moved_code(struct listing *l)
{
	struct reader r;
	struct scope scope;
	uint32_t *n_moved = arena_array(l->scratch, l->n_procedures, sizeof(*n_moved));
	if (n_moved == NULL)
		return ERR_LIMIT;
	begin(l->module, &r);
	while (next_scope(&r, &scope)) {
		uint32_t start;
		uint32_t parent;
		uint32_t chunk;
		if (scope.kind == S_SEPCODE && scope.bytes > 0 &&
		    pdb_address_of(l->addresses, scope.section, scope.offset, &start) &&
		    pdb_address_of(l->addresses, scope.parent_section, scope.parent_offset,
				   &parent) &&
		    pdb_ranges_find(&l->module->code, parent, &chunk)) {
			uint32_t procedure = l->chunks[chunk].procedure;
			add_chunk(l, procedure, ++n_moved[procedure], start, scope.bytes);
		}
	}
	return OK;
}

static err_t
make_ranges(struct listing *l)
{
	struct pdb_range *sorted = arena_array(l->scratch, l->n_chunks, sizeof(*sorted));
	if (sorted == NULL)
		return ERR_LIMIT;
	if (l->n_chunks > 0)
		memcpy(sorted, l->ranges, l->n_chunks * sizeof(*sorted));
	return pdb_ranges_make(sorted, l->n_chunks, &l->module->arena, l->scratch,
			       &l->module->code);
}

static err_t
index_procedures(struct pdb_module *module, const struct pdb_addresses *addresses,
		 struct arena *scratch)
{
	struct listing l = {.addresses = addresses, .module = module, .scratch = scratch};
	size_t n = 0;
	err_t err = count_scopes(module, &n);
	if (err != OK)
		return err;
	l.procedures = arena_array(&module->arena, n, sizeof(*l.procedures));
	l.chunks = arena_array(&module->arena, n, sizeof(*l.chunks));
	l.ranges = arena_array(scratch, n, sizeof(*l.ranges));
	if (l.procedures == NULL || l.chunks == NULL || l.ranges == NULL)
		return ERR_LIMIT;
	module->procedures = l.procedures;
	module->chunks = l.chunks;
	list_procedures(&l);
	err = make_ranges(&l);
	size_t n_bodies = l.n_chunks;
	if (err == OK)
		err = list_moved_code(&l);
	if (err == OK && l.n_chunks > n_bodies)
		err = make_ranges(&l);
	return err;
}

static err_t
open_parts(const struct msf *msf, const struct pdb_module_place *place,
	   const struct pdb_addresses *addresses, struct pdb_module *module, struct arena *scratch)
{
	struct reader r;
	struct pdb_part lines = {.bytes = place->line_bytes};
	if (msf_bytes(msf, place->stream) > LIMIT_PDB_MODULE_BYTES)
		return ERR_LIMIT;
	/* The stream holds both, or the views below fail: no sum wraps. */
	if (place->symbol_bytes > LIMIT_PDB_MODULE_BYTES ||
	    place->old_line_bytes > LIMIT_PDB_MODULE_BYTES)
		return ERR_TRUNCATED;
	lines.offset = place->symbol_bytes + place->old_line_bytes;
	module->stream = place->stream;
	err_t err = msf_view(msf, place->stream, 0, place->symbol_bytes, &module->arena,
			     &module->symbols);
	if (err != OK)
		return err;
	reader_init(&r, module->symbols);
	if (reader_u32(&r) != SIGNATURE_C13)
		return OK;
	err = index_procedures(module, addresses, scratch);
	if (err == OK)
		err = pdb_lines_read(msf, &lines, addresses, module, scratch);
	return err;
}

err_t
pdb_module_open(const struct msf *msf, const struct pdb_modules *modules, uint32_t index,
		const struct pdb_addresses *addresses, struct pdb_module **ret_module)
{
	struct arena scratch;
	struct pdb_module *module = calloc(1, sizeof(*module));
	if (module == NULL)
		abort();
	arena_init(&module->arena, LIMIT_PDB_MODULE_ARENA_BYTES);
	arena_init(&scratch, LIMIT_PDB_SCRATCH_BYTES);
	module->index = index;
	err_t err = open_parts(msf, &modules->places[index], addresses, module, &scratch);
	arena_done(&scratch);
	if (err == OK)
		*ret_module = module;
	else
		pdb_module_free(module);
	return err;
}

void
pdb_module_free(struct pdb_module *module)
{
	if (module == NULL)
		return;
	arena_done(&module->arena);
	free(module);
}

const struct pdb_chunk *
pdb_module_find(const struct pdb_module *module, uint32_t address)
{
	uint32_t chunk;
	return pdb_ranges_find(&module->code, address, &chunk) ? &module->chunks[chunk] : NULL;
}

const struct pdb_line *
pdb_module_line(const struct pdb_module *module, uint32_t address)
{
	size_t low = 0;
	size_t high = module->n_lines;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (module->lines[middle].address <= address)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == 0 || module->lines[low - 1].file == (uint32_t)PDB_NO_FILE)
		return NULL;
	return &module->lines[low - 1];
}

const struct pdb_inlinee *
pdb_module_inlinee(const struct pdb_module *module, uint32_t id)
{
	size_t low = 0;
	size_t high = module->n_inlinees;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (module->inlinees[middle].id < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low < module->n_inlinees && module->inlinees[low].id == id ? &module->inlinees[low]
									  : NULL;
}

bool
pdb_module_file(const struct pdb_module *module, uint32_t file, uint32_t *ret_name)
{
	struct reader r;
	if (file >= module->files.len)
		return false;
	reader_init(&r, slice_sub(module->files, file, module->files.len));
	*ret_name = reader_u32(&r);
	return r.error == OK;
}
