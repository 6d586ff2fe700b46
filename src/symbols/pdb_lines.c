#include "symbols/pdb_lines.h"

#include <stdlib.h>

#include "base/reader.h"

enum {
	DEBUG_S_LINES = 0xf2,
	DEBUG_S_FILECHKSMS = 0xf4,
	DEBUG_S_INLINEELINES = 0xf6,
	BLOCK_HEAD_BYTES = 12,
	LINE_BYTES = 8,
	LINE_NUMBER = 0xffffff, /* the rest of the word: how many lines on the statement ends */
	INLINEES_WITH_FILES = 1
};

struct subsection {
	uint32_t kind;
	uint32_t at; /* of the content, in the part */
	struct slice content;
};

/* Counted first, filled then. */
struct filling {
	const struct pdb_addresses *addresses;
	struct pdb_line *lines;
	size_t n_lines;
	/* Of the table that is being read, the line that comes first. */
	struct pdb_line first;
	struct pdb_inlinee *inlinees;
	size_t n_inlinees;
	struct subsection files;
};

/* False at the end, or R has an error. */
static bool
next_subsection(struct reader *r, struct subsection *ret_subsection)
{
	if (reader_left(r) == 0)
		return false;
	ret_subsection->kind = reader_u32(r);
	uint32_t bytes = reader_u32(r);
	ret_subsection->at = (uint32_t)r->at;
	ret_subsection->content = reader_bytes(r, bytes);
	size_t padding = (4 - r->at % 4) % 4;
	(void)reader_bytes(r, padding < reader_left(r) ? padding : reader_left(r));
	return r->error == OK;
}

static void
add_line(struct filling *f, uint32_t address, uint32_t line, uint32_t file)
{
	if (f->lines != NULL)
		f->lines[f->n_lines] = (struct pdb_line){
			address, line, file,
			file == (uint32_t)PDB_NO_FILE ? 0 : (uint32_t)f->n_lines + 1};
	f->n_lines++;
}

/* A block of a table: lines in one file.  Columns behind them are not read. */
static void
take_block(struct filling *f, struct reader *r, uint32_t start, uint32_t code_bytes)
{
	struct reader lines;
	uint32_t file = reader_u32(r);
	uint32_t n = reader_u32(r);
	uint32_t bytes = reader_u32(r);
	if (bytes < BLOCK_HEAD_BYTES || n > (bytes - BLOCK_HEAD_BYTES) / LINE_BYTES)
		reader_fail(r, ERR_CORRUPT);
	reader_init(&lines, reader_bytes(r, bytes - BLOCK_HEAD_BYTES));
	for (uint32_t i = 0; i < n && r->error == OK; i++) {
		uint32_t offset = reader_u32(&lines);
		uint32_t line = reader_u32(&lines) & LINE_NUMBER;
		if (offset >= code_bytes)
			continue;
		if (start + offset < f->first.address)
			f->first = (struct pdb_line){start + offset, line, file, 0};
		add_line(f, start + offset, line, file);
	}
}

static err_t
take_table(struct filling *f, struct slice content)
{
	struct reader r;
	uint32_t start;
	reader_init(&r, content);
	uint32_t offset = reader_u32(&r);
	uint16_t section = reader_u16(&r);
	(void)reader_u16(&r); /* whether columns are there */
	uint32_t code_bytes = reader_u32(&r);
	if (r.error != OK)
		return r.error;
	/* Of code that the linker left out; none reaches past the last address. */
	if (!pdb_address_of(f->addresses, section, offset, &start) || code_bytes == 0 ||
	    code_bytes > UINT32_MAX - start)
		return OK;
	f->first = (struct pdb_line){.address = UINT32_MAX, .file = (uint32_t)PDB_NO_FILE};
	while (reader_left(&r) > 0)
		take_block(f, &r, start, code_bytes);
	/* When a function begins with what was inlined into it, the line of that call may be told
	 * only behind it: it is the function's first. */
	if (f->first.address > start && f->first.file != (uint32_t)PDB_NO_FILE)
		add_line(f, start, f->first.line, f->first.file);
	add_line(f, start + code_bytes, 0, (uint32_t)PDB_NO_FILE);
	return r.error;
}

static err_t
take_inlinees(struct filling *f, struct slice content)
{
	struct reader r;
	reader_init(&r, content);
	bool has_files = reader_u32(&r) == INLINEES_WITH_FILES;
	while (reader_left(&r) > 0) {
		struct pdb_inlinee inlinee = {.order = (uint32_t)f->n_inlinees};
		inlinee.id = reader_u32(&r);
		inlinee.file = reader_u32(&r);
		inlinee.line = reader_u32(&r);
		if (has_files)
			(void)reader_bytes(&r, (size_t)reader_u32(&r) * sizeof(uint32_t));
		if (r.error != OK)
			break;
		if (f->inlinees != NULL)
			f->inlinees[f->n_inlinees] = inlinee;
		f->n_inlinees++;
	}
	return r.error;
}

static err_t
take_subsections(struct filling *f, struct slice part)
{
	struct reader r;
	struct subsection subsection;
	err_t err = OK;
	reader_init(&r, part);
	while (err == OK && next_subsection(&r, &subsection)) {
		if (subsection.kind == DEBUG_S_LINES)
			err = take_table(f, subsection.content);
		else if (subsection.kind == DEBUG_S_INLINEELINES)
			err = take_inlinees(f, subsection.content);
		else if (subsection.kind == DEBUG_S_FILECHKSMS && slice_is_absent(f->files.content))
			f->files = subsection;
	}
	return err == OK ? r.error : err;
}

/* Where one table ends the next one may begin: the end comes first.  Of lines with one address
 * the last one counts. */
static int
compare_lines(const void *a, const void *b)
{
	const struct pdb_line *x = a;
	const struct pdb_line *y = b;
	if (x->address != y->address)
		return x->address < y->address ? -1 : 1;
	return (x->order > y->order) - (x->order < y->order);
}

static int
compare_inlinees(const void *a, const void *b)
{
	const struct pdb_inlinee *x = a;
	const struct pdb_inlinee *y = b;
	if (x->id != y->id)
		return x->id < y->id ? -1 : 1;
	return (x->order > y->order) - (x->order < y->order);
}

static void
sort(void *items, size_t n, size_t each_bytes, int (*compare)(const void *, const void *))
{
	const uint8_t *bytes = items;
	for (size_t i = 1; i < n; i++)
		if (compare(bytes + (i - 1) * each_bytes, bytes + i * each_bytes) > 0) {
			qsort(items, n, each_bytes, compare);
			return;
		}
}

err_t
pdb_lines_read(const struct msf *msf, const struct pdb_part *part,
	       const struct pdb_addresses *addresses, struct pdb_module *module,
	       struct arena *scratch)
{
	struct filling count = {.addresses = addresses};
	struct filling fill = {.addresses = addresses};
	struct slice bytes;
	err_t err = msf_view(msf, module->stream, part->offset, part->bytes, scratch, &bytes);
	if (err == OK)
		err = take_subsections(&count, bytes);
	if (err != OK)
		return err;
	fill.lines = arena_array(&module->arena, count.n_lines, sizeof(*fill.lines));
	fill.inlinees = arena_array(&module->arena, count.n_inlinees, sizeof(*fill.inlinees));
	if (fill.lines == NULL || fill.inlinees == NULL)
		return ERR_LIMIT;
	err = take_subsections(&fill, bytes);
	if (err != OK)
		return err;
	sort(fill.lines, fill.n_lines, sizeof(*fill.lines), compare_lines);
	sort(fill.inlinees, fill.n_inlinees, sizeof(*fill.inlinees), compare_inlinees);
	module->lines = fill.lines;
	module->n_lines = fill.n_lines;
	module->inlinees = fill.inlinees;
	module->n_inlinees = fill.n_inlinees;
	/* Kept: lines name their files by offsets there. */
	if (slice_is_absent(fill.files.content))
		return OK;
	return msf_view(msf, module->stream, part->offset + fill.files.at,
			(uint32_t)fill.files.content.len, &module->arena, &module->files);
}
