/* Opening walks over the lines once.  Line records, which are most of a file, and rows of unwind
 * rules are known by their first bytes and only counted; the others are parsed and put into an
 * index.
 *
 * What belongs to a function follows it: its inlined calls, then its line records.  They are read
 * at look-up, from the function's line on, and end where the next function, public name or unwind
 * rule begins.  The rows of a STACK CFI INIT follow it in the same way.
 */
#include "symbols/breakpad.h"

#include <stdlib.h>

#include "base/limits.h"
#include "symbols/breakpad_index.h"
#include "symbols/cfi.h"

enum {
	WIN_FPO = 0,
	WIN_FRAME_DATA = 4
};

struct breakpad {
	struct symbols base;
	struct slice text;
	struct breakpad_module module;
	struct breakpad_index functions;
	struct breakpad_index publics;
	struct breakpad_index files;
	struct breakpad_index origins;
	struct breakpad_index cfi;
	struct breakpad_index fpo;
	struct breakpad_index frame_data;
	size_t counts[BREAKPAD_KIND_N];
};

/* The walk over the lines of a file that is being opened. */
struct opening {
	struct breakpad *file;
	bool in_function;
	uint64_t line_number; /* from 1 */
	size_t offset;        /* of the line */
};

static const struct breakpad *
file_of(const struct symbols *symbols)
{
	return (const struct breakpad *)(const void *)symbols;
}

static void
file_free(struct symbols *symbols)
{
	struct breakpad *file = (struct breakpad *)(void *)symbols;
	breakpad_index_done(&file->functions);
	breakpad_index_done(&file->publics);
	breakpad_index_done(&file->files);
	breakpad_index_done(&file->origins);
	breakpad_index_done(&file->cfi);
	breakpad_index_done(&file->fpo);
	breakpad_index_done(&file->frame_data);
	free(file);
}

static void
note_module(struct breakpad_module *module, const struct breakpad_record *record)
{
	if (record->kind == BREAKPAD_MODULE && slice_is_absent(module->os)) {
		module->os = record->os;
		module->arch = record->arch;
		module->debug_id = record->debug_id;
		module->name = record->text;
	}
	if (record->kind == BREAKPAD_INFO && slice_equal_str(record->key, "CODE_ID") &&
	    slice_is_absent(module->code_id)) {
		struct slice rest = record->text;
		if (!slice_cut(rest, ' ', &module->code_id, &module->code_name))
			module->code_id = rest;
	}
}

/* Is this the walk's first byte of a line record?  Capital hex digits are left to the parser:
 * FUNC and FILE begin with one. */
static bool
begins_line_record(uint8_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

/* A row of unwind rules, which is read with the STACK CFI INIT before it. */
static bool
is_cfi_row(struct slice line)
{
	const struct slice words = SLICE_LITERAL("STACK CFI ");
	return line.len > words.len && slice_starts_with(line, words) &&
	       begins_line_record(line.data[words.len]);
}

static void
note_record(struct opening *walk, const struct breakpad_record *record)
{
	struct breakpad *file = walk->file;
	uint32_t offset = (uint32_t)walk->offset;
	switch (record->kind) {
	case BREAKPAD_FILE:
		breakpad_index_add(&file->files, record->id, 0, offset);
		break;
	case BREAKPAD_INLINE_ORIGIN:
		breakpad_index_add(&file->origins, record->id, 0, offset);
		break;
	case BREAKPAD_FUNC:
		if (record->bytes > 0)
			breakpad_index_add(&file->functions, record->rva, record->bytes, offset);
		break;
	case BREAKPAD_PUBLIC:
		/* Old dumps of ntdll.pdb have names at 0, which is no place for code. */
		if (record->rva > 0)
			breakpad_index_add(&file->publics, record->rva, 0, offset);
		break;
	case BREAKPAD_CFI_INIT:
		if (record->bytes > 0)
			breakpad_index_add(&file->cfi, record->rva, record->bytes, offset);
		break;
	case BREAKPAD_WIN:
		if (record->win_type == WIN_FRAME_DATA && record->bytes > 0)
			breakpad_index_add(&file->frame_data, record->rva, record->bytes, offset);
		if (record->win_type == WIN_FPO && record->bytes > 0)
			breakpad_index_add(&file->fpo, record->rva, record->bytes, offset);
		break;
	default:
		note_module(&file->module, record);
	}
}

/* Does the record end the lines of a function? */
static bool
ends_function(enum breakpad_kind kind)
{
	return kind == BREAKPAD_PUBLIC || kind == BREAKPAD_CFI_INIT || kind == BREAKPAD_CFI ||
	       kind == BREAKPAD_WIN || kind == BREAKPAD_MODULE;
}

static const char *
walk_line(struct opening *walk, struct slice line)
{
	struct breakpad_record record;
	const char *why = NULL;
	if (line.len > 0 && begins_line_record(line.data[0])) {
		walk->file->counts[BREAKPAD_LINE]++;
		return walk->in_function ? NULL : "a line record before any function";
	}
	if (is_cfi_row(line)) {
		walk->file->counts[BREAKPAD_CFI]++;
		walk->in_function = false;
		return NULL;
	}
	if (breakpad_record_parse(line, &record, &why) != OK)
		return why;
	walk->file->counts[record.kind]++;
	if ((record.kind == BREAKPAD_INLINE || record.kind == BREAKPAD_LINE) && !walk->in_function)
		return "a record of a function's lines before any function";
	if (record.kind == BREAKPAD_FUNC)
		walk->in_function = true;
	else if (ends_function(record.kind))
		walk->in_function = false;
	note_record(walk, &record);
	return NULL;
}

static err_t
walk_lines(struct opening *walk, struct slice text, struct err_detail *detail)
{
	struct slice rest = text;
	struct slice line;
	while (breakpad_take_line(&rest, &line)) {
		walk->line_number++;
		walk->offset = (size_t)(line.data - text.data);
		const char *why = walk_line(walk, line);
		if (why == NULL)
			continue;
		if (detail != NULL)
			detail->offset = walk->offset;
		return err_set(detail, ERR_CORRUPT, "line %ju: %s", (uintmax_t)walk->line_number,
			       why);
	}
	return OK;
}

static bool
has_records(const struct breakpad *file)
{
	for (unsigned kind = BREAKPAD_MODULE; kind < BREAKPAD_KIND_N; kind++)
		if (file->counts[kind] > 0)
			return true;
	return false;
}

static const struct symbols_methods methods;

err_t
breakpad_open(struct slice text, struct symbols **ret_symbols, struct err_detail *detail)
{
	if (text.len > LIMIT_SYM_BYTES)
		return err_set(detail, ERR_LIMIT, "larger than 4 GiB");
	struct breakpad *file = calloc(1, sizeof(*file));
	if (file == NULL)
		abort();
	file->base.methods = &methods;
	file->text = text;
	struct opening walk = {.file = file};
	err_t err = walk_lines(&walk, text, detail);
	if (err == OK && !has_records(file))
		err = err_set(detail, ERR_TRUNCATED, "no record of a symbol file");
	if (err != OK) {
		file_free(&file->base);
		return err;
	}
	breakpad_index_finish(&file->functions, false);
	breakpad_index_finish(&file->publics, false);
	breakpad_index_finish(&file->files, false);
	breakpad_index_finish(&file->origins, false);
	breakpad_index_finish(&file->cfi, false);
	breakpad_index_finish(&file->fpo, true);
	breakpad_index_finish(&file->frame_data, true);
	*ret_symbols = &file->base;
	return OK;
}

static bool
is_head(enum breakpad_kind kind)
{
	return kind == BREAKPAD_MODULE || kind == BREAKPAD_INFO || kind == BREAKPAD_BLANK;
}

bool
breakpad_detect(struct slice text)
{
	static const char *const beginnings[] = {"MODULE ", "INFO ",  "FILE ",         "FUNC ",
						 "PUBLIC ", "STACK ", "INLINE_ORIGIN "};
	for (size_t i = 0; i < sizeof(beginnings) / sizeof(beginnings[0]); i++)
		if (slice_starts_with(text, slice_str(beginnings[i])))
			return true;
	return false;
}

void
breakpad_read_module(struct slice text, struct breakpad_module *ret_module)
{
	struct breakpad_record record;
	struct slice line;
	const char *why;
	*ret_module = (struct breakpad_module){0};
	while (breakpad_take_line(&text, &line) &&
	       breakpad_record_parse(line, &record, &why) == OK && is_head(record.kind))
		note_module(ret_module, &record);
}

void
breakpad_count(const struct symbols *symbols, size_t ret_counts[BREAKPAD_KIND_N])
{
	memcpy(ret_counts, file_of(symbols)->counts, sizeof(file_of(symbols)->counts));
}

size_t
breakpad_index_bytes(const struct symbols *symbols)
{
	const struct breakpad *file = file_of(symbols);
	return breakpad_index_bytes_used(&file->functions) +
	       breakpad_index_bytes_used(&file->publics) + breakpad_index_bytes_used(&file->files) +
	       breakpad_index_bytes_used(&file->origins) + breakpad_index_bytes_used(&file->cfi) +
	       breakpad_index_bytes_used(&file->fpo) + breakpad_index_bytes_used(&file->frame_data);
}

err_t
breakpad_format(const struct symbols *symbols, struct buf *out)
{
	struct slice rest = file_of(symbols)->text;
	struct breakpad_record record;
	struct slice line;
	const char *why;
	while (breakpad_take_line(&rest, &line)) {
		err_t err = breakpad_record_parse(line, &record, &why);
		if (err != OK)
			return err;
		breakpad_record_format(&record, out);
	}
	return buf_error(out);
}

static err_t
read_record(const struct breakpad *file, const struct breakpad_span *span,
	    struct breakpad_record *ret_record, struct slice *ret_rest)
{
	struct slice rest = slice_sub(file->text, span->offset, file->text.len);
	struct slice line;
	const char *why;
	if (!breakpad_take_line(&rest, &line))
		return ERR_CORRUPT;
	if (ret_rest != NULL)
		*ret_rest = rest;
	return breakpad_record_parse(line, ret_record, &why);
}

static struct slice
name_of(const struct breakpad *file, const struct breakpad_index *index, int64_t id)
{
	struct breakpad_record record;
	const struct breakpad_span *span = NULL;
	if (id >= 0)
		span = breakpad_index_at(index, (uint64_t)id);
	if (span == NULL || read_record(file, span, &record, NULL) != OK)
		return (struct slice){0};
	return record.text;
}

static uint32_t
line_of(uint64_t line)
{
	return line > UINT32_MAX ? 0 : (uint32_t)line;
}

/* What a function's lines say about one address. */
struct lookup {
	uint64_t rva;
	bool has_line;
	struct breakpad_record line;
	/* Inlined calls that hold the address, by depth, the outermost first; when there are too
	 * many the outermost are dropped. */
	struct breakpad_record calls[SYMBOL_PLACES_MAX - 1];
	size_t n_calls;
};

static bool
inline_holds(const struct breakpad_record *record, uint64_t rva)
{
	struct slice ranges = record->text;
	uint64_t from;
	uint64_t bytes;
	while (breakpad_take_range(&ranges, &from, &bytes))
		if (rva >= from && rva - from < bytes)
			return true;
	return false;
}

static void
note_call(struct lookup *lookup, const struct breakpad_record *record)
{
	size_t at = lookup->n_calls;
	while (at > 0 && lookup->calls[at - 1].depth > record->depth)
		at--;
	if (at > 0 && lookup->calls[at - 1].depth == record->depth)
		return; /* two of one depth contradict each other: the first counts */
	if (lookup->n_calls < SYMBOL_PLACES_MAX - 1) {
		memmove(&lookup->calls[at + 1], &lookup->calls[at],
			(lookup->n_calls - at) * sizeof(*record));
		lookup->n_calls++;
	} else if (at == 0) {
		return;
	} else {
		memmove(&lookup->calls[0], &lookup->calls[1], --at * sizeof(*record));
	}
	lookup->calls[at] = *record;
}

/* REST: what follows the function's own line. */
static err_t
read_lines(struct slice rest, struct lookup *lookup)
{
	struct breakpad_record record;
	struct slice line;
	const char *why;
	for (size_t n = 0; n < LIMIT_SYM_FUNCTION_LINES && breakpad_take_line(&rest, &line); n++) {
		if (breakpad_record_parse(line, &record, &why) != OK)
			return ERR_CORRUPT;
		if (record.kind == BREAKPAD_FUNC || ends_function(record.kind))
			break;
		if (record.kind == BREAKPAD_INLINE && inline_holds(&record, lookup->rva))
			note_call(lookup, &record);
		if (record.kind == BREAKPAD_LINE && lookup->rva >= record.rva &&
		    lookup->rva - record.rva < record.bytes) {
			lookup->line = record;
			lookup->has_line = true;
			break;
		}
	}
	return OK;
}

/* From the innermost outwards: the line record says where the innermost place is, each inlined
 * call where it was called. */
static void
fill_places(const struct breakpad *file, const struct lookup *lookup, struct slice function,
	    struct symbol *symbol)
{
	const struct breakpad_record *where = lookup->has_line ? &lookup->line : NULL;
	for (size_t i = lookup->n_calls + 1; i-- > 0;) {
		struct symbol_place *place = &symbol->places[symbol->n_places++];
		const struct breakpad_record *call = i > 0 ? &lookup->calls[i - 1] : NULL;
		place->function =
			call == NULL ? function : name_of(file, &file->origins, (int64_t)call->id);
		if (where != NULL) {
			place->line = line_of(where->line);
			if (where->has_file)
				place->file = name_of(file, &file->files, where->file);
		}
		where = call;
	}
}

static err_t
find_function(const struct breakpad *file, const struct breakpad_span *span, uint64_t rva,
	      struct symbol *ret_symbol)
{
	struct breakpad_record function;
	struct lookup lookup = {.rva = rva};
	struct slice rest;
	err_t err = read_record(file, span, &function, &rest);
	if (err == OK)
		err = read_lines(rest, &lookup);
	if (err != OK)
		return err;
	struct symbol symbol = {.function_rva = span->from};
	fill_places(file, &lookup, function.text, &symbol);
	*ret_symbol = symbol;
	return OK;
}

static err_t
find_public(const struct breakpad *file, const struct breakpad_span *span,
	    struct symbol *ret_symbol)
{
	struct breakpad_record record;
	err_t err = read_record(file, span, &record, NULL);
	if (err != OK)
		return err;
	struct symbol symbol = {.function_rva = span->from, .n_places = 1, .is_public = true};
	symbol.places[0].function = record.text;
	*ret_symbol = symbol;
	return OK;
}

/* The public name for an address that no function holds: not one before the last function, whose
 * code would lie between. */
static const struct breakpad_span *
public_before(const struct breakpad *file, uint64_t rva)
{
	const struct breakpad_span *name = breakpad_index_before(&file->publics, rva);
	const struct breakpad_span *function = breakpad_index_before(&file->functions, rva);
	return name != NULL && (function == NULL || name->from > function->from) ? name : NULL;
}

static err_t
file_find(const struct symbols *symbols, uint64_t rva, struct symbol *ret_symbol)
{
	const struct breakpad *file = file_of(symbols);
	const struct breakpad_span *span = breakpad_index_holding(&file->functions, rva);
	if (span != NULL)
		return find_function(file, span, rva, ret_symbol);
	span = public_before(file, rva);
	return span == NULL ? ERR_NOTFOUND : find_public(file, span, ret_symbol);
}

static err_t
read_rules(const struct breakpad *file, const struct breakpad_span *span, uint64_t rva,
	   struct cfi_rules *rules)
{
	struct breakpad_record record;
	struct slice rest;
	struct slice line;
	const char *why;
	err_t err = read_record(file, span, &record, &rest);
	if (err == OK)
		err = cfi_add(rules, record.rva, record.text);
	for (size_t n = 0; err == OK && breakpad_take_line(&rest, &line); n++) {
		err = breakpad_record_parse(line, &record, &why);
		if (err != OK || record.kind != BREAKPAD_CFI)
			break;
		if (n >= LIMIT_SYM_CFI_ROWS)
			return ERR_LIMIT;
		if (record.rva <= rva)
			err = cfi_add(rules, record.rva, record.text);
	}
	return err;
}

static err_t
unwind_cfi(const struct breakpad *file, struct unwind *unwind)
{
	const struct breakpad_span *span = breakpad_index_holding(&file->cfi, unwind->rva);
	struct cfi_rules rules = {
		.arch = unwind->callee.arch,
		.is_windows = slice_equal_nocase(file->module.os, SLICE_LITERAL("windows")),
	};
	if (span == NULL)
		return ERR_NOTFOUND;
	err_t err = read_rules(file, span, unwind->rva, &rules);
	return err == OK ? cfi_unwind(&rules, unwind) : err;
}

static err_t
unwind_win(const struct breakpad *file, struct unwind *unwind)
{
	struct breakpad_record record;
	const struct breakpad_span *span = breakpad_index_innermost(&file->frame_data, unwind->rva);
	if (span == NULL)
		span = breakpad_index_innermost(&file->fpo, unwind->rva);
	if (span == NULL)
		return ERR_NOTFOUND;
	err_t err = read_record(file, span, &record, NULL);
	return err == OK ? frame_data_unwind(&record.win, unwind) : err;
}

/* What the name at the address says about its parameters: without an unwind rule too, the caller
 * of this frame must be told. */
static uint32_t
param_bytes(const struct breakpad *file, uint64_t rva)
{
	struct breakpad_record record;
	const struct breakpad_span *span = breakpad_index_holding(&file->functions, rva);
	if (span == NULL)
		span = public_before(file, rva);
	if (span == NULL || read_record(file, span, &record, NULL) != OK ||
	    record.param_bytes > UINT32_MAX)
		return 0;
	return (uint32_t)record.param_bytes;
}

static err_t
file_unwind(const struct symbols *symbols, struct unwind *unwind)
{
	const struct breakpad *file = file_of(symbols);
	err_t err = ERR_NOTFOUND;
	if (unwind->callee.arch == ARCH_UNKNOWN || unwind->callee.arch >= ARCH_N)
		return ERR_NOTFOUND;
	if (unwind->callee.arch == ARCH_X86) {
		unwind->param_bytes = param_bytes(file, unwind->rva);
		err = unwind_win(file, unwind);
	}
	return err == ERR_NOTFOUND ? unwind_cfi(file, unwind) : err;
}

static const struct symbols_methods methods = {
	.format = "breakpad",
	.free = file_free,
	.find = file_find,
	.unwind = file_unwind,
};
