#include "symbols/pdb_inlinees.h"

#include "base/limits.h"
#include "symbols/pdb_records.h"

enum annotation {
	ANNOTATION_END, /* padding */
	ANNOTATION_CODE_OFFSET,
	ANNOTATION_CHUNK,
	ANNOTATION_CODE_DELTA,
	ANNOTATION_CODE_LENGTH,
	ANNOTATION_FILE,
	ANNOTATION_LINE_DELTA,
	ANNOTATION_LINE_END_DELTA,
	ANNOTATION_RANGE_KIND,
	ANNOTATION_COLUMN,
	ANNOTATION_COLUMN_END_DELTA,
	ANNOTATION_CODE_AND_LINE_DELTA,
	ANNOTATION_LENGTH_AND_CODE_DELTA,
	ANNOTATION_COLUMN_END,
};

/* The state of the annotations' program, and what it is run for. */
struct program {
	struct reader r;
	uint32_t chunk; /* wanted */
	uint32_t offset;
	uint32_t at_chunk;
	uint32_t at_offset;
	uint32_t line;
	uint32_t file;
	/* A row that began and whose end is not known yet. */
	bool is_open;
	uint32_t row_offset;
	uint32_t row_line;
	uint32_t row_file;
	/* The row that holds what is wanted. */
	bool is_found;
	uint32_t found_line;
	uint32_t found_file;
};

/* One to four bytes, the first of which says how many.  Wrong: R gets an error. */
static uint32_t
compressed(struct reader *r)
{
	uint32_t first = reader_u8(r);
	if ((first & 0x80) == 0)
		return first;
	if ((first & 0x40) == 0)
		return (first & 0x3f) << 8 | reader_u8(r);
	if ((first & 0x20) != 0)
		reader_fail(r, ERR_CORRUPT);
	uint32_t value = (first & 0x1f) << 24;
	value |= (uint32_t)reader_u8(r) << 16;
	value |= (uint32_t)reader_u8(r) << 8;
	return value | reader_u8(r);
}

/* The lowest bit is the sign.  Added to a number without sign, which wraps, it subtracts. */
static uint32_t
signed_of(uint32_t value)
{
	return (value & 1) != 0 ? -(value >> 1) : value >> 1;
}

static void
open_row(struct program *p)
{
	p->is_open = true;
	p->row_offset = p->at_offset;
	p->row_line = p->line;
	p->row_file = p->file;
}

/* The open row ends before END. */
static void
close_row(struct program *p, uint32_t end)
{
	if (p->is_open && !p->is_found && p->at_chunk == p->chunk && p->offset >= p->row_offset &&
	    p->offset < end) {
		p->is_found = true;
		p->found_line = p->row_line;
		p->found_file = p->row_file;
	}
	p->is_open = false;
}

static void
move_to(struct program *p, uint32_t offset)
{
	close_row(p, offset);
	p->at_offset = offset;
	open_row(p);
}

static void
step(struct program *p, uint32_t annotation)
{
	uint32_t value = compressed(&p->r);
	switch (annotation) {
	case ANNOTATION_CODE_OFFSET:
		move_to(p, value);
		break;
	case ANNOTATION_CHUNK:
		p->is_open = false;
		p->at_chunk = value;
		p->at_offset = 0;
		break;
	case ANNOTATION_CODE_DELTA:
		move_to(p, p->at_offset + value);
		break;
	case ANNOTATION_CODE_LENGTH:
		close_row(p, p->at_offset + value);
		p->at_offset += value;
		break;
	case ANNOTATION_FILE:
		p->file = value;
		break;
	case ANNOTATION_LINE_DELTA:
		p->line += signed_of(value);
		break;
	case ANNOTATION_CODE_AND_LINE_DELTA:
		p->line += signed_of(value >> 4);
		move_to(p, p->at_offset + (value & 0xf));
		break;
	case ANNOTATION_LENGTH_AND_CODE_DELTA:
		move_to(p, p->at_offset + compressed(&p->r));
		close_row(p, p->at_offset + value);
		break;
	case ANNOTATION_LINE_END_DELTA:
	case ANNOTATION_RANGE_KIND:
	case ANNOTATION_COLUMN:
	case ANNOTATION_COLUMN_END_DELTA:
	case ANNOTATION_COLUMN_END:
		break;
	default:
		reader_fail(&p->r, ERR_CORRUPT);
	}
}

/* Runs the program to its end.  A last row without length holds nothing: how far it reaches is
 * told nowhere. */
static err_t
run(struct program *p, struct slice annotations)
{
	reader_init(&p->r, annotations);
	while (reader_left(&p->r) > 0 && !p->is_found) {
		uint32_t annotation = compressed(&p->r);
		if (annotation == ANNOTATION_END)
			break;
		step(p, annotation);
	}
	return p->r.error;
}

static err_t
read_site(const struct pdb_module *module, const struct pdb_record *record,
	  const struct pdb_chunk *chunk, uint32_t address, struct pdb_site *ret_site)
{
	struct reader r;
	reader_init(&r, record->content);
	(void)reader_u32(&r); /* parent */
	(void)reader_u32(&r); /* end */
	*ret_site = (struct pdb_site){.inlinee = reader_u32(&r)};
	if (record->kind == S_INLINESITE2)
		(void)reader_u32(&r); /* how often it was called when it was profiled */
	const struct pdb_inlinee *inlinee = pdb_module_inlinee(module, ret_site->inlinee);
	struct program p = {
		.chunk = chunk->number,
		.offset = address - chunk->start,
		.line = inlinee == NULL ? 0 : inlinee->line,
		.file = inlinee == NULL ? (uint32_t)PDB_NO_FILE : inlinee->file,
	};
	err_t err = run(&p, reader_bytes(&r, reader_left(&r)));
	ret_site->has_line = p.is_found;
	ret_site->line = inlinee == NULL ? 0 : p.found_line;
	ret_site->file = p.found_file;
	return err == OK ? r.error : err;
}

err_t
pdb_sites_find(const struct pdb_module *module, const struct pdb_chunk *chunk, uint32_t address,
	       struct pdb_site *sites, size_t max, size_t *ret_n)
{
	const struct pdb_procedure *procedure = &module->procedures[chunk->procedure];
	struct pdb_site open[LIMIT_PDB_INLINE_DEPTH];
	struct pdb_record record;
	struct reader r;
	size_t depth = 0;
	size_t n = 0;
	size_t deepest = 0;
	uint32_t bytes = procedure->end - procedure->record;
	if (bytes > LIMIT_PDB_PROCEDURE_BYTES)
		return ERR_LIMIT;
	reader_init(&r, slice_sub(module->symbols, procedure->record, bytes));
	while (pdb_record_next(&r, &record)) {
		if (record.kind == S_INLINESITE_END && depth-- == 0)
			return ERR_CORRUPT;
		if (record.kind != S_INLINESITE && record.kind != S_INLINESITE2)
			continue;
		if (depth == LIMIT_PDB_INLINE_DEPTH)
			return ERR_LIMIT;
		err_t err = read_site(module, &record, chunk, address, &open[depth++]);
		if (err != OK)
			return err;
		/* One that holds the address proves that those around it do. */
		if (!open[depth - 1].has_line || depth <= deepest)
			continue;
		deepest = depth;
		n = depth < max ? depth : max;
		for (size_t i = 0; i < n; i++)
			sites[i] = open[depth - 1 - i];
	}
	*ret_n = n;
	return r.error;
}
