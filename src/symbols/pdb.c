#include "symbols/pdb.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/limits.h"
#include "base/reader.h"
#include "symbols/pdb_cross.h"
#include "symbols/pdb_frame_data.h"
#include "symbols/pdb_info.h"
#include "symbols/pdb_inlinees.h"
#include "symbols/pdb_publics.h"
#include "symbols/pdb_types.h"

enum {
	MACHINE_I386 = 0x014c,
	MACHINE_ARM = 0x01c0,
	MACHINE_ARMNT = 0x01c4,
	MACHINE_AMD64 = 0x8664,
	MACHINE_ARM64 = 0xaa64
};

/* What is read when it is first asked for, and then kept, its error too. */
struct later {
	bool is_done;
	err_t err;
};

/* A module that was decoded, or could not be. */
struct kept_module {
	uint32_t index;
	err_t err;
	struct pdb_module *module; /* NULL: it could not be decoded */
	uint64_t used;             /* by which look-up it was last */
};

/* What look-ups add. */
struct pdb_kept {
	struct pdb_texts texts;
	struct pdb_publics publics;
	struct later publics_later;
	struct pdb_inlinee_names inlinees;
	struct later inlinees_later;
	struct pdb_cross cross;
	struct pdb_frames frames;
	struct later frames_later;
	struct kept_module modules[LIMIT_PDB_CACHE_MODULES];
	size_t n_modules;
	uint64_t n_lookups;
	struct arena arena;
};

struct pdb {
	struct symbols symbols;
	struct msf msf;
	struct pdb_dbi dbi;
	struct pdb_addresses addresses;
	struct pdb_modules modules;
	struct arena arena;
	struct pdb_kept *kept;
};

static const struct pdb *
pdb_of(const struct symbols *symbols)
{
	return (const struct pdb *)symbols;
}

/* Where nothing said why, the code does. */
static err_t
explain(struct err_detail *detail, err_t err)
{
	if (err != OK && detail != NULL && detail->why[0] == 0)
		return err_set(detail, err, "%s", err_text(err));
	return err;
}

static void
forget(struct err_detail *detail)
{
	if (detail != NULL)
		*detail = (struct err_detail){.why = ""};
}

/* Identity */

static enum arch
arch_of(uint16_t machine)
{
	switch (machine) {
	case MACHINE_I386:
		return ARCH_X86;
	case MACHINE_AMD64:
		return ARCH_AMD64;
	case MACHINE_ARM:
	case MACHINE_ARMNT:
		return ARCH_ARM;
	case MACHINE_ARM64:
		return ARCH_ARM64;
	default:
		return ARCH_UNKNOWN;
	}
}

static void
format_id(const uint8_t guid[PDB_GUID_BYTES], uint32_t age, char out[PDB_DEBUG_ID_BYTES])
{
	struct reader r;
	reader_init(&r, slice_of(guid, PDB_GUID_BYTES));
	uint32_t first = reader_u32(&r);
	unsigned second = reader_u16(&r);
	unsigned third = reader_u16(&r);
	int at = snprintf(out, PDB_DEBUG_ID_BYTES, "%08" PRIX32 "%04X%04X", first, second, third);
	for (int i = 0; i < 8; i++)
		at += snprintf(out + at, PDB_DEBUG_ID_BYTES - (size_t)at, "%02X", reader_u8(&r));
	(void)snprintf(out + at, PDB_DEBUG_ID_BYTES - (size_t)at, "%" PRIX32, age);
}

err_t
pdb_identity(struct slice file, struct pdb_identity *ret_identity, struct err_detail *detail)
{
	struct arena arena;
	struct msf msf;
	struct pdb_info info;
	struct pdb_dbi dbi = {0};
	forget(detail);
	arena_init(&arena, LIMIT_PDB_OPEN_BYTES);
	err_t err = msf_open(file, &arena, &msf, detail);
	if (err == OK)
		err = pdb_info_parse(&msf, &info, detail);
	if (err == OK)
		err = pdb_dbi_parse(&msf, &dbi, detail);
	if (err == ERR_NOTFOUND) {
		dbi.age = info.age;
		err = OK;
	}
	if (err == OK) {
		format_id(info.guid, dbi.age, ret_identity->debug_id);
		ret_identity->machine = dbi.machine;
		ret_identity->arch = arch_of(dbi.machine);
	}
	arena_done(&arena);
	return explain(detail, err);
}

/* Modules that are kept */

static size_t
kept_bytes(const struct pdb_kept *kept)
{
	size_t bytes = 0;
	for (size_t i = 0; i < kept->n_modules; i++)
		if (kept->modules[i].module != NULL)
			bytes += kept->modules[i].module->arena.used_bytes;
	return bytes;
}

/* The one that was not used for longest leaves, until there is room for another. */
static void
make_room(struct pdb_kept *kept)
{
	while (kept->n_modules == LIMIT_PDB_CACHE_MODULES ||
	       kept_bytes(kept) > LIMIT_PDB_CACHE_BYTES) {
		size_t oldest = 0;
		for (size_t i = 1; i < kept->n_modules; i++)
			if (kept->modules[i].used < kept->modules[oldest].used)
				oldest = i;
		pdb_module_free(kept->modules[oldest].module);
		kept->modules[oldest] = kept->modules[--kept->n_modules];
	}
}

static err_t
find_module(const struct pdb *pdb, uint32_t index, const struct pdb_module **ret_module)
{
	struct pdb_kept *kept = pdb->kept;
	struct kept_module *found = NULL;
	for (size_t i = 0; i < kept->n_modules && found == NULL; i++)
		if (kept->modules[i].index == index)
			found = &kept->modules[i];
	if (found == NULL) {
		make_room(kept);
		found = &kept->modules[kept->n_modules++];
		*found = (struct kept_module){.index = index};
		found->err = pdb_module_open(&pdb->msf, &pdb->modules, index, &pdb->addresses,
					     &found->module);
	}
	found->used = ++kept->n_lookups;
	*ret_module = found->module;
	return found->err;
}

/* Look-up */

static err_t
set_line(const struct pdb *pdb, const struct pdb_module *module, uint32_t file, uint32_t line,
	 struct symbol_place *place)
{
	uint32_t name;
	if (line != PDB_LINE_ALWAYS && line != PDB_LINE_NEVER)
		place->line = line;
	if (pdb->kept->texts.names == MSF_NO_STREAM || !pdb_module_file(module, file, &name))
		return OK;
	return pdb_text_of_table(&pdb->kept->texts, name, &place->file);
}

/* ID as the module of number INDEX has it. */
static err_t
inlinee_name(const struct pdb *pdb, uint32_t index, uint32_t id, struct slice *ret_name)
{
	struct pdb_kept *kept = pdb->kept;
	struct later *later = &kept->inlinees_later;
	if (!later->is_done)
		later->err = pdb_inlinee_names_open(&kept->texts, &kept->arena, &kept->inlinees);
	later->is_done = true;
	err_t err = later->err;
	if (err == OK && pdb_is_cross_id(id))
		err = pdb_cross_resolve(&kept->cross, index, id, &id);
	return err == OK ? pdb_inlinee_name(&kept->inlinees, id, ret_name) : err;
}

static err_t
fill_inlined(const struct pdb *pdb, const struct pdb_module *module, const struct pdb_chunk *chunk,
	     uint32_t address, struct symbol *symbol)
{
	struct pdb_site sites[SYMBOL_PLACES_MAX - 1];
	size_t n = 0;
	err_t err = pdb_sites_find(module, chunk, address, sites, SYMBOL_PLACES_MAX - 1, &n);
	for (size_t i = 0; i < n && err == OK; i++) {
		struct symbol_place *place = &symbol->places[symbol->n_places++];
		err = inlinee_name(pdb, module->index, sites[i].inlinee, &place->function);
		if (err == OK && sites[i].has_line)
			err = set_line(pdb, module, sites[i].file, sites[i].line, place);
	}
	return err;
}

static err_t
find_procedure(const struct pdb *pdb, const struct pdb_module *module, uint32_t address,
	       struct symbol *symbol)
{
	const struct pdb_chunk *chunk = pdb_module_find(module, address);
	const struct pdb_line *line = pdb_module_line(module, address);
	uint32_t rva;
	if (chunk == NULL)
		return ERR_NOTFOUND;
	const struct pdb_procedure *procedure = &module->procedures[chunk->procedure];
	err_t err = fill_inlined(pdb, module, chunk, address, symbol);
	if (err != OK)
		return err;
	struct symbol_place *place = &symbol->places[symbol->n_places++];
	if (pdb_address_from_source(&pdb->addresses, procedure->start, &rva))
		symbol->function_rva = rva;
	err = pdb_text(&pdb->kept->texts, module->stream, procedure->name, procedure->name_end,
		       &place->function);
	if (err == OK && line != NULL)
		err = set_line(pdb, module, line->file, line->line, place);
	return err;
}

static err_t
find_public(const struct pdb *pdb, uint32_t address, struct symbol *symbol)
{
	struct pdb_kept *kept = pdb->kept;
	struct later *later = &kept->publics_later;
	uint32_t rva;
	if (!later->is_done)
		later->err = pdb_publics_open(&pdb->msf, &pdb->dbi, &pdb->addresses, &kept->arena,
					      &kept->publics);
	later->is_done = true;
	if (later->err != OK)
		return later->err;
	const struct pdb_public *public =
		pdb_publics_find(&kept->publics, &pdb->addresses, address);
	if (public == NULL)
		return ERR_NOTFOUND;
	if (pdb_address_from_source(&pdb->addresses, public->address, &rva))
		symbol->function_rva = rva;
	symbol->is_public = true;
	symbol->n_places = 1;
	return pdb_text(&kept->texts, pdb->dbi.records, public->name,
			msf_bytes(&pdb->msf, pdb->dbi.records), &symbol->places[0].function);
}

static err_t
find(const struct symbols *symbols, uint64_t rva, struct symbol *ret_symbol)
{
	const struct pdb *pdb = pdb_of(symbols);
	/* A function whose beginning was taken out of the image begins where we look. */
	struct symbol symbol = {.function_rva = rva};
	const struct pdb_module *module;
	uint32_t address;
	uint32_t index;
	err_t err = ERR_NOTFOUND;
	if (rva > UINT32_MAX || !pdb_address_to_source(&pdb->addresses, (uint32_t)rva, &address))
		return ERR_NOTFOUND;
	if (pdb_ranges_find(&pdb->modules.contributions, address, &index)) {
		err = find_module(pdb, index, &module);
		if (err == OK)
			err = find_procedure(pdb, module, address, &symbol);
	}
	if (err == ERR_NOTFOUND)
		err = find_public(pdb, address, &symbol);
	if (err == OK)
		*ret_symbol = symbol;
	return err;
}

/* Only 32-bit x86 has frame data in its PDB: others keep theirs in the image. */
static err_t
unwind_frame(const struct symbols *symbols, struct unwind *unwind)
{
	const struct pdb *pdb = pdb_of(symbols);
	struct pdb_kept *kept = pdb->kept;
	struct later *later = &kept->frames_later;
	struct frame_data data;
	uint32_t address;
	if (unwind->rva > UINT32_MAX ||
	    !pdb_address_to_source(&pdb->addresses, (uint32_t)unwind->rva, &address))
		return ERR_NOTFOUND;
	if (!later->is_done)
		later->err = pdb_frames_open(&pdb->msf, pdb->dbi.frame_data, pdb->dbi.fpo,
					     &kept->arena, &kept->frames);
	later->is_done = true;
	err_t err = later->err;
	if (err == OK)
		err = pdb_frames_find(&kept->frames, &kept->texts, address, &data);
	return err == OK ? frame_data_unwind(&data, unwind) : err;
}

/* Opening */

static void
close_pdb(struct symbols *symbols)
{
	struct pdb *pdb = (struct pdb *)symbols;
	for (size_t i = 0; i < pdb->kept->n_modules; i++)
		pdb_module_free(pdb->kept->modules[i].module);
	pdb_texts_done(&pdb->kept->texts);
	arena_done(&pdb->kept->arena);
	free(pdb->kept);
	arena_done(&pdb->arena);
	free(pdb);
}

static err_t
open_parts(struct pdb *pdb, struct slice file, struct err_detail *detail)
{
	struct pdb_info info;
	err_t err = msf_open(file, &pdb->arena, &pdb->msf, detail);
	if (err == OK)
		err = pdb_info_parse(&pdb->msf, &info, detail);
	if (err != OK)
		return err;
	pdb_texts_init(&pdb->kept->texts, &pdb->msf, info.names);
	pdb->kept->cross = (struct pdb_cross){
		.msf = &pdb->msf,
		.modules = &pdb->modules,
		.texts = &pdb->kept->texts,
		.arena = &pdb->kept->arena,
	};
	err = pdb_dbi_parse(&pdb->msf, &pdb->dbi, detail);
	if (err == OK)
		err = pdb_addresses_open(&pdb->msf, &pdb->dbi.addresses, &pdb->arena,
					 &pdb->addresses, detail);
	if (err == OK)
		err = pdb_modules_open(&pdb->msf, &pdb->dbi, &pdb->addresses, &pdb->arena,
				       &pdb->modules, detail);
	return err;
}

err_t
pdb_open(struct slice file, struct symbols **ret_symbols, struct err_detail *detail)
{
	static const struct symbols_methods methods = {
		.format = "pdb",
		.free = close_pdb,
		.find = find,
		.unwind = unwind_frame,
	};
	struct pdb *pdb = calloc(1, sizeof(*pdb));
	struct pdb_kept *kept = calloc(1, sizeof(*kept));
	if (pdb == NULL || kept == NULL)
		abort();
	forget(detail);
	pdb->symbols.methods = &methods;
	pdb->kept = kept;
	arena_init(&pdb->arena, LIMIT_PDB_OPEN_BYTES);
	arena_init(&kept->arena, LIMIT_PDB_OPEN_BYTES);
	err_t err = open_parts(pdb, file, detail);
	if (err == OK)
		*ret_symbols = &pdb->symbols;
	else
		close_pdb(&pdb->symbols);
	return explain(detail, err);
}
