/* Streams that contradict themselves: refused when the file is opened, or answered at the
 * look-up that meets it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "base/limits.h"
#include "pdb_program.h"
#include "symbols/pdb.h"

enum {
	INSIDE_OUTER = 0x1020 /* where two calls were inlined */
};

/* Lays PROGRAM out and opens it. */
static err_t
open_program(struct pdb_program *program, struct buf *file, struct symbols **ret_symbols,
	     struct err_detail *detail)
{
	pdb_builder_layout(&program->b, file);
	return pdb_open(buf_slice(file), ret_symbols, detail);
}

static void
assert_refused(struct pdb_program *program, err_t expected, const char *why)
{
	struct symbols *symbols = NULL;
	struct err_detail detail = {.why = ""};
	struct buf file;
	err_t err = open_program(program, &file, &symbols, &detail);
	if (err != expected || strstr(detail.why, why) == NULL)
		fail_msg("%s: %s (not %s: %s)", err_name(err), detail.why, err_name(expected), why);
	buf_done(&file);
	pdb_builder_done(&program->b);
}

/* PROGRAM opens; the look-up at RVA says EXPECTED, the second time too. */
static void
assert_answered(struct pdb_program *program, uint64_t rva, err_t expected)
{
	struct symbols *symbols = NULL;
	struct err_detail detail = {.why = ""};
	struct buf file;
	struct symbol symbol;
	if (open_program(program, &file, &symbols, &detail) != OK)
		fail_msg("%s", detail.why);
	for (size_t i = 0; i < 2; i++) {
		err_t err = symbols_find(symbols, rva, &symbol);
		if (err != expected)
			fail_msg("%s, not %s", err_name(err), err_name(expected));
	}
	symbols_free(symbols);
	buf_done(&file);
	pdb_builder_done(&program->b);
}

/* The PDB stream */

static void
refuses_a_pdb_stream_without_guid(void **state)
{
	struct pdb_program p;
	(void)state;
	pdb_program_make(&p);
	for (size_t i = 0; i < 7; i++)
		pdb_put32(&p.b.streams[PDB_INFO], 19970604);
	assert_refused(&p, ERR_UNSUPPORTED, "no GUID");
}

static void
refuses_a_pdb_stream_that_ends_early(void **state)
{
	(void)state;
	for (size_t len = 1; len < 7; len++) {
		struct pdb_program p;
		pdb_program_make(&p);
		for (size_t i = 0; i < len; i++)
			pdb_put32(&p.b.streams[PDB_INFO], 20000404);
		assert_refused(&p, ERR_TRUNCATED, "PDB stream ends early");
	}
}

static void
refuses_names_of_streams_without_end(void **state)
{
	/* Bytes of texts, pairs, slots, words of a bit set. */
	static const uint32_t wrong[][4] = {
		{UINT32_MAX, 0, 0, 0}, {0, UINT32_MAX, 8, 0}, {0, 0, 0, UINT32_MAX}};
	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct pdb_program p;
		pdb_program_make(&p);
		for (size_t j = 0; j < 7; j++)
			pdb_put32(&p.b.streams[PDB_INFO], 20000404);
		for (size_t j = 0; j < 4; j++)
			pdb_put32(&p.b.streams[PDB_INFO], wrong[i][j]);
		assert_refused(&p, ERR_TRUNCATED, "PDB stream ends early");
	}
}

static void
refuses_a_pdb_stream_over_the_limit(void **state)
{
	struct pdb_program p;
	(void)state;
	pdb_program_make(&p);
	buf_append_zero(&p.b.streams[PDB_INFO], LIMIT_PDB_INFO_BYTES + 1);
	assert_refused(&p, ERR_LIMIT, "PDB stream");
}

/* The DBI stream, which a first layout makes, as it does the headers of types. */

static void
make_laid_out(struct pdb_program *p)
{
	struct buf file;
	pdb_program_make(p);
	pdb_builder_layout(&p->b, &file);
	buf_done(&file);
	p->b.has_own_types = true;
}

static void
refuses_dbi_streams_of_other_kinds(void **state)
{
	struct pdb_program p;
	(void)state;
	make_laid_out(&p);
	pdb_set32(&p.b.streams[PDB_DBI], 0, 3);
	assert_refused(&p, ERR_UNSUPPORTED, "before 1997");
	make_laid_out(&p);
	pdb_set32(&p.b.streams[PDB_DBI], 4, 19960307);
	assert_refused(&p, ERR_UNSUPPORTED, "before 1997");
	make_laid_out(&p);
	p.b.streams[PDB_DBI].len = 63;
	assert_refused(&p, ERR_TRUNCATED, "DBI stream ends early");
}

static void
refuses_parts_of_the_dbi_stream_that_it_does_not_have(void **state)
{
	(void)state;
	for (size_t part = 0; part < 5; part++) {
		struct pdb_program p;
		make_laid_out(&p);
		pdb_set32(&p.b.streams[PDB_DBI], 24 + 4 * part, 0xfffffff0);
		assert_refused(&p, ERR_TRUNCATED, "part");
	}
}

static void
tells_the_identity_of_a_file_without_dbi_stream(void **state)
{
	struct pdb_program p;
	struct buf file;
	struct pdb_identity identity;
	struct symbols *symbols;
	(void)state;
	make_laid_out(&p);
	struct buf kept = p.b.streams[PDB_DBI];
	/* Anything but empty, for the builder, and then nothing. */
	buf_init(&p.b.streams[PDB_DBI], 16);
	pdb_put32(&p.b.streams[PDB_DBI], 0);
	pdb_builder_layout(&p.b, &file);
	pdb_set32(&file, p.b.directory_at + 4 + 4 * PDB_DBI, UINT32_MAX);
	/* Its block belongs to nobody then, so the lists behind move up. */
	size_t at = p.b.directory_at + 4 + 4 * (size_t)PDB_STREAMS;
	for (size_t i = 2; i < 12; i++)
		pdb_set32(&file, at + 4 * i, pdb_get32(&file, at + 4 * (i + 1)));
	assert_int_equal(pdb_open(buf_slice(&file), &symbols, NULL), ERR_NOTFOUND);
	assert_int_equal(pdb_identity(buf_slice(&file), &identity, NULL), OK);
	assert_string_equal(identity.debug_id, "443322116655887799AABBCCDDEEFF107");
	assert_int_equal(identity.arch, ARCH_UNKNOWN);
	buf_done(&kept);
	buf_done(&file);
	pdb_builder_done(&p.b);
}

static void
refuses_a_list_of_modules_that_ends_early(void **state)
{
	struct pdb_program p;
	(void)state;
	make_laid_out(&p);
	/* Within the second module's names; the part behind takes what this one loses. */
	struct buf *dbi = &p.b.streams[PDB_DBI];
	const uint32_t lost = 12;
	pdb_set32(dbi, 24, pdb_get32(dbi, 24) - lost);
	pdb_set32(dbi, 28, pdb_get32(dbi, 28) + lost);
	assert_refused(&p, ERR_TRUNCATED, "modules ends early");
}

static void
refuses_contributions_of_an_unknown_version(void **state)
{
	struct pdb_program p;
	(void)state;
	pdb_program_make(&p);
	pdb_set32(&p.b.contributions, 0, 12345);
	assert_refused(&p, ERR_UNSUPPORTED, "contributions");
}

static void
ignores_contributions_that_point_nowhere(void **state)
{
	struct pdb_program p;
	(void)state;
	pdb_program_make(&p);
	pdb_builder_contribution(&p.b, 1, 0x300, 0x100, 99);      /* module */
	pdb_builder_contribution(&p.b, 9, 0x300, 0x100, 0);       /* section */
	pdb_builder_contribution(&p.b, 1, 0xffffffff, 0x100, 0);  /* wraps */
	pdb_builder_contribution(&p.b, 1, 0x2000, 0xffffffff, 0); /* reaches past the end */
	pdb_builder_contribution(&p.b, 1, 0xffffdfff, 0xffffffff, 0);
	assert_answered(&p, INSIDE_OUTER, OK);
}

static void
refuses_files_without_section_headers(void **state)
{
	struct pdb_program p;
	(void)state;
	pdb_program_make(&p);
	p.b.streams[PDB_SECTIONS].len = 39;
	assert_refused(&p, ERR_UNSUPPORTED, "no section headers");
}

static void
refuses_more_sections_than_programs_have(void **state)
{
	struct pdb_program p;
	(void)state;
	pdb_program_make(&p);
	buf_append_zero(&p.b.streams[PDB_SECTIONS], (size_t)40 * LIMIT_PDB_SECTIONS);
	assert_refused(&p, ERR_LIMIT, "sections");
}

static void
refuses_an_address_map_that_goes_backward(void **state)
{
	(void)state;
	for (size_t way = 0; way < 2; way++) {
		static const uint32_t entries[] = {0x1000, 0x1000, 0xfff, 0x2000};
		struct pdb_program p;
		pdb_program_make(&p);
		struct buf *good = &p.b.streams[PDB_OMAP_TO_SOURCE + way];
		struct buf *bad = &p.b.streams[PDB_OMAP_FROM_SOURCE - way];
		pdb_put32(good, 0);
		pdb_put32(good, 0);
		for (size_t i = 0; i < 4; i++)
			pdb_put32(bad, entries[i]);
		assert_refused(&p, ERR_CORRUPT, "goes backward");
	}
}

static void
does_not_follow_an_address_map_past_the_last_address(void **state)
{
	struct pdb_program p;
	(void)state;
	pdb_program_make(&p);
	for (size_t i = 0; i < 2; i++) {
		pdb_put32(&p.b.streams[PDB_OMAP_TO_SOURCE + i], 0);
		pdb_put32(&p.b.streams[PDB_OMAP_TO_SOURCE + i], 0xffffff00);
	}
	assert_answered(&p, 0x1000, ERR_NOTFOUND);
}

/* Modules */

static void
answers_for_a_module_longer_than_its_stream(void **state)
{
	static const size_t sizes[] = {36, 40, 44}; /* symbols, old lines, lines */
	(void)state;
	for (size_t i = 0; i < 3; i++) {
		static const uint32_t wrong[] = {0x10000, 0x4000000, 0x4000001, UINT32_MAX};
		for (size_t j = 0; j < 4; j++) {
			struct pdb_program p;
			make_laid_out(&p);
			pdb_set32(&p.b.streams[PDB_DBI], 64 + sizes[i], wrong[j]);
			assert_answered(&p, INSIDE_OUTER, ERR_TRUNCATED);
		}
	}
}

static void
answers_for_a_module_over_the_limit(void **state)
{
	struct pdb_program p;
	(void)state;
	pdb_program_make(&p);
	buf_append_zero(&p.b.streams[PDB_FIRST_MODULE], LIMIT_PDB_MODULE_BYTES);
	assert_answered(&p, INSIDE_OUTER, ERR_LIMIT);
}

static void
answers_for_records_that_are_cut(void **state)
{
	(void)state;
	for (uint32_t cut = 0; cut < 400; cut++) {
		struct pdb_program p;
		struct symbols *symbols;
		struct symbol symbol;
		struct buf file;
		pdb_program_begin(&p);
		pdb_program_symbols(&p);
		if (cut >= p.symbols->len - 4) {
			pdb_builder_done(&p.b);
			break;
		}
		p.symbols->len -= cut;
		assert_int_equal(open_program(&p, &file, &symbols, NULL), OK);
		err_t err = symbols_find(symbols, 0x1000, &symbol);
		if (err != OK && err != ERR_CORRUPT && err != ERR_TRUNCATED && err != ERR_NOTFOUND)
			fail_msg("%u: %s", cut, err_name(err));
		/* In the middle of a record or of a scope. */
		if (cut % 4 != 0 || cut == 4)
			assert_int_not_equal(err, OK);
		symbols_free(symbols);
		buf_done(&file);
		pdb_builder_done(&p.b);
	}
}

static void
answers_for_records_of_less_than_their_kind(void **state)
{
	static const uint16_t lengths[] = {0, 1};
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct pdb_program p;
		pdb_program_begin(&p);
		pdb_put16(p.symbols, lengths[i]);
		pdb_put16(p.symbols, 0x1110);
		assert_answered(&p, 0x1000, ERR_CORRUPT);
	}
}

static void
ignores_procedures_that_are_too_short_to_say_where_they_are(void **state)
{
	static const uint16_t kinds[] = {0x1110, 0x1102, 0x1132};
	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct pdb_program p;
		pdb_program_begin(&p);
		(void)pdb_put_record(p.symbols, kinds[i], SLICE_LITERAL("\xff\xff\xff\xff\xff"));
		(void)pdb_put_end(p.symbols, 0x0006);
		assert_answered(&p, 0x1000, ERR_NOTFOUND);
	}
}

static void
answers_for_scopes_that_do_not_nest(void **state)
{
	(void)state;
	for (size_t way = 0; way < 3; way++) {
		struct pdb_program p;
		pdb_program_begin(&p);
		if (way == 0) /* an end of nothing */
			(void)pdb_put_end(p.symbols, 0x0006);
		(void)pdb_put_procedure(p.symbols, 0x1110, "outer", 1, 0, 0x100);
		if (way == 1) /* one end for two scopes */
			(void)pdb_put_block(p.symbols);
		if (way == 2) { /* a site that ends before it begins */
			(void)pdb_put_block(p.symbols);
			(void)pdb_put_end(p.symbols, 0x114e);
		}
		(void)pdb_put_end(p.symbols, 0x0006);
		assert_answered(&p, 0x1000, ERR_CORRUPT);
	}
}

static void
answers_for_annotations_that_are_garbage(void **state)
{
	static const struct {
		uint8_t bytes[4];
		err_t err;
	} cases[] = {
		{{14, 0, 0, 0}, ERR_CORRUPT},         /* no such annotation */
		{{0x81, 0, 0, 0}, ERR_CORRUPT},       /* one over two bytes */
		{{0xe0, 0, 0, 0}, ERR_CORRUPT},       /* no such number */
		{{3, 0xff, 0xff, 0xff}, ERR_CORRUPT}, /* its operand neither */
		{{3, 0x10, 3, 0x80}, ERR_TRUNCATED},  /* ends within a number */
		{{3, 0x10, 12, 1}, ERR_TRUNCATED},    /* ends within an annotation */
		{{4, 4, 4, 4}, OK},                   /* lengths of nothing */
		{{2, 1, 3, 1}, OK},                   /* another stretch of code */
	};
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct pdb_program p;
		pdb_program_begin(&p);
		(void)pdb_put_procedure(p.symbols, 0x1110, "outer", 1, 0, 0x100);
		(void)pdb_put_site(p.symbols, p.inner, slice_of(cases[i].bytes, 4));
		(void)pdb_put_end(p.symbols, 0x114e);
		(void)pdb_put_end(p.symbols, 0x0006);
		assert_answered(&p, INSIDE_OUTER, cases[i].err);
	}
}

static void
survives_annotations_that_wrap(void **state)
{
	struct pdb_program p;
	(void)state;
	pdb_program_begin(&p);
	(void)pdb_put_procedure(p.symbols, 0x1110, "outer", 1, 0, 0x100);
	struct buf content;
	buf_init(&content, 4096);
	for (size_t i = 0; i < 200; i++)
		buf_append(&content, ANNOTATIONS(3, 0xdf, 0xff, 0xff, 0xff, 6, 0xdf, 0xff, 0xff,
						 0xff, 4, 0xdf, 0xff, 0xff, 0xff));
	(void)pdb_put_site(p.symbols, p.inner, buf_slice(&content));
	buf_done(&content);
	(void)pdb_put_end(p.symbols, 0x114e);
	(void)pdb_put_end(p.symbols, 0x0006);
	assert_answered(&p, INSIDE_OUTER, OK);
}

static void
answers_for_sites_that_nest_deeper_than_compilers_go(void **state)
{
	(void)state;
	for (size_t depth = LIMIT_PDB_INLINE_DEPTH; depth <= LIMIT_PDB_INLINE_DEPTH + 1; depth++) {
		struct pdb_program p;
		pdb_program_begin(&p);
		(void)pdb_put_procedure(p.symbols, 0x1110, "outer", 1, 0, 0x100);
		for (size_t i = 0; i < depth; i++)
			(void)pdb_put_site(p.symbols, p.inner, ANNOTATIONS(12, 0x40, 0));
		for (size_t i = 0; i < depth; i++)
			(void)pdb_put_end(p.symbols, 0x114e);
		(void)pdb_put_end(p.symbols, 0x0006);
		assert_answered(&p, INSIDE_OUTER, depth > LIMIT_PDB_INLINE_DEPTH ? ERR_LIMIT : OK);
	}
}

static void
answers_for_a_procedure_over_the_limit(void **state)
{
	(void)state;
	for (size_t way = 0; way < 2; way++) {
		struct pdb_program p;
		pdb_program_begin(&p);
		size_t begun = pdb_put_procedure(p.symbols, 0x1110, "outer", 1, 0, 0x100);
		/* The record of the end takes four bytes. */
		while (p.symbols->len - begun < LIMIT_PDB_PROCEDURE_BYTES - 4 + 4 * way)
			(void)pdb_put_record(p.symbols, 0x1012, slice_of("", 0));
		(void)pdb_put_end(p.symbols, 0x0006);
		assert_answered(&p, 0x1000, way == 0 ? OK : ERR_LIMIT);
	}
}

/* Line tables */

static void
answers_for_subsections_that_are_cut(void **state)
{
	(void)state;
	for (uint32_t cut = 1; cut < 60; cut++) {
		struct pdb_program p;
		struct symbols *symbols;
		struct symbol symbol;
		struct buf file;
		pdb_program_make(&p);
		/* The last subsection has 24 bytes; at its edge nothing is missing. */
		p.lines->len -= cut;
		assert_int_equal(open_program(&p, &file, &symbols, NULL), OK);
		err_t err = symbols_find(symbols, 0x1100, &symbol);
		assert_int_equal(err, cut % 24 == 0 ? OK : ERR_TRUNCATED);
		symbols_free(symbols);
		buf_done(&file);
		pdb_builder_done(&p.b);
	}
}

/* Appends a table of one block that says it has N lines in BYTES; there are two. */
static void
put_lying_table(struct buf *lines, uint32_t code_bytes, uint32_t n, uint32_t bytes)
{
	size_t begun = pdb_begin_subsection(lines, 0xf2);
	pdb_put32(lines, 0x100);
	pdb_put32(lines, 1);
	pdb_put32(lines, code_bytes);
	pdb_put32(lines, 0);
	pdb_put32(lines, n);
	pdb_put32(lines, bytes);
	for (uint32_t i = 0; i < 2; i++) {
		pdb_put32(lines, 4 * i);
		pdb_put32(lines, 1 + i);
	}
	pdb_end_subsection(lines, begun);
}

static void
answers_for_blocks_that_lie_about_their_lines(void **state)
{
	static const struct {
		uint32_t n;
		uint32_t bytes;
		err_t err;
	} cases[] = {
		{2, 28, OK},
		{1, 28, OK},
		{3, 28, ERR_CORRUPT},
		{UINT32_MAX, 28, ERR_CORRUPT},
		{0x20000002, 28, ERR_CORRUPT},
		{0, 0, ERR_CORRUPT},
		{0, 11, ERR_CORRUPT},
		{2, 29, ERR_TRUNCATED},
		{2, UINT32_MAX, ERR_TRUNCATED},
		{UINT32_MAX, UINT32_MAX, ERR_CORRUPT},
		{0, 12, ERR_CORRUPT}, /* what follows is read as a block then */
	};
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct pdb_program p;
		pdb_program_begin(&p);
		pdb_program_symbols(&p);
		pdb_program_begin_lines(&p);
		put_lying_table(p.lines, 0x40, cases[i].n, cases[i].bytes);
		assert_answered(&p, 0x1100, cases[i].err);
	}
}

static void
reads_line_tables_that_go_backward(void **state)
{
	static const struct pdb_builder_line lines[] = {{0x30, 3}, {0x10, 1}, {0x20, 2}, {0x50, 9}};
	struct pdb_program p;
	struct buf file;
	struct symbols *symbols;
	(void)state;
	pdb_program_begin(&p);
	pdb_program_symbols(&p);
	pdb_program_begin_lines(&p);
	pdb_put_lines(p.lines, 1, 0x100, 0x40, 0, lines, 4);
	assert_int_equal(open_program(&p, &file, &symbols, NULL), OK);
	for (uint32_t offset = 0; offset < 0x40; offset += 8) {
		struct symbol symbol;
		assert_int_equal(symbols_find(symbols, 0x1100 + offset, &symbol), OK);
		assert_int_equal(symbol.places[0].line, offset < 0x10 ? 1 : offset / 0x10);
		/* No file has a name here. */
		assert_true(slice_is_absent(symbol.places[0].file));
	}
	symbols_free(symbols);
	buf_done(&file);
	pdb_builder_done(&p.b);
}

static void
ignores_line_tables_of_no_code(void **state)
{
	(void)state;
	for (size_t way = 0; way < 2; way++) {
		struct pdb_program p;
		pdb_program_begin(&p);
		pdb_program_symbols(&p);
		pdb_program_begin_lines(&p);
		put_lying_table(p.lines, way == 0 ? 0 : UINT32_MAX, UINT32_MAX, UINT32_MAX);
		assert_answered(&p, 0x1100, OK);
	}
}

static void
answers_for_files_without_names(void **state)
{
	(void)state;
	for (size_t way = 0; way < 3; way++) {
		static const struct pdb_builder_line line[] = {{0, 1}};
		static const err_t expected[] = {ERR_CORRUPT, OK, ERR_CORRUPT};
		struct pdb_program p;
		pdb_program_begin(&p);
		pdb_program_symbols(&p);
		pdb_program_begin_lines(&p);
		const uint32_t names[] = {way == 0 ? 0xfffff : p.name_a};
		pdb_put_lines(p.lines, 1, 0x100, 0x40, way == 1 ? 0xffff0000 : 0, line, 1);
		pdb_put_files(p.lines, names, 1);
		if (way == 2) /* the table of texts has another form */
			pdb_set32(&p.b.streams[PDB_NAMES], 0, 0);
		assert_answered(&p, 0x1100, expected[way]);
	}
}

static void
answers_for_inlinees_that_are_cut(void **state)
{
	struct pdb_program p;
	(void)state;
	pdb_program_begin(&p);
	pdb_program_symbols(&p);
	pdb_program_begin_lines(&p);
	size_t begun = pdb_begin_subsection(p.lines, 0xf6);
	pdb_put32(p.lines, 1); /* with further files */
	pdb_put32(p.lines, p.inner);
	pdb_put32(p.lines, 0);
	pdb_put32(p.lines, 1);
	pdb_put32(p.lines, UINT32_MAX);
	pdb_end_subsection(p.lines, begun);
	assert_answered(&p, 0x1100, ERR_TRUNCATED);
}

/* Types */

static void
answers_for_inlined_functions_that_are_none(void **state)
{
	(void)state;
	for (size_t way = 0; way < 6; way++) {
		struct pdb_program p;
		uint32_t id;
		pdb_program_begin(&p);
		if (way == 0) /* a text */
			id = pdb_builder_id(&p.b, 0x1605, 0, 0, "text");
		else if (way == 1) /* no record has this number */
			id = PDB_FIRST_TYPE + p.b.n_ids;
		else if (way == 2)
			id = 0;
		else if (way == 3) /* its class is none */
			id = pdb_builder_id(&p.b, 0x1602, 0xffffffff, 0, "f");
		else if (way == 4) /* its scope is none */
			id = pdb_builder_id(&p.b, 0x1601, 0xffffffff, 0, "f");
		else { /* too short for a name */
			id = PDB_FIRST_TYPE + p.b.n_ids++;
			(void)pdb_put_record(&p.b.streams[PDB_IDS], 0x1601,
					     SLICE_LITERAL("\0\0\0\0"));
		}
		(void)pdb_put_procedure(p.symbols, 0x1110, "outer", 1, 0, 0x100);
		(void)pdb_put_site(p.symbols, id, ANNOTATIONS(12, 0x40, 0));
		(void)pdb_put_end(p.symbols, 0x114e);
		(void)pdb_put_end(p.symbols, 0x0006);
		assert_answered(&p, INSIDE_OUTER, ERR_CORRUPT);
	}
}

static void
answers_for_type_streams_that_lie(void **state)
{
	static const struct {
		size_t at;
		uint32_t value;
		err_t err;
	} cases[] = {
		{0, 19961031, ERR_UNSUPPORTED},  /* version */
		{4, 55, ERR_TRUNCATED},          /* header too short */
		{4, UINT32_MAX, ERR_TRUNCATED},  /* too long */
		{8, 0x2000, ERR_CORRUPT},        /* begins behind its end */
		{12, UINT32_MAX, ERR_CORRUPT},   /* more records than bytes */
		{16, UINT32_MAX, ERR_TRUNCATED}, /* more bytes than there are */
		{16, 3, ERR_CORRUPT},
	};
	(void)state;
	for (size_t i = 0; i < 2 * sizeof(cases) / sizeof(cases[0]); i++) {
		struct pdb_program p;
		make_laid_out(&p);
		pdb_set32(&p.b.streams[i % 2 == 0 ? PDB_TYPES : PDB_IDS], cases[i / 2].at,
			  cases[i / 2].value);
		assert_answered(&p, INSIDE_OUTER, cases[i / 2].err);
	}
}

static void
makes_an_index_when_the_types_marks_lie(void **state)
{
	static const uint32_t wrong[][4] = {
		{0x1001, 0, 0x1002, 8},          /* not from the first */
		{0x1000, 0, 0xfff, 8},           /* backward */
		{0x1000, 0, 0x1001, 0xffffffff}, /* past the end */
		{0x1000, 4, 0x1001, 8},          /* within a record */
	};
	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct pdb_program p;
		make_laid_out(&p);
		struct buf *hash = &p.b.streams[PDB_IDS_HASH];
		buf_reset(hash);
		for (size_t j = 0; j < 4; j++)
			pdb_put32(hash, wrong[i][j]);
		pdb_set32(&p.b.streams[PDB_IDS], 44, 16);
		assert_answered(&p, INSIDE_OUTER, OK);
	}
}

static void
answers_for_types_that_are_cut(void **state)
{
	(void)state;
	for (size_t way = 0; way < 3; way++) {
		struct pdb_program p;
		make_laid_out(&p);
		struct buf *ids = &p.b.streams[PDB_IDS];
		/* The first record's length: nothing, too much; or no marks to start from. */
		if (way < 2)
			pdb_set32(ids, 56, way == 0 ? 0x16050001 : 0x1605ffff);
		else
			pdb_set32(ids, 56, 0x1605ffff);
		if (way == 2)
			pdb_set32(ids, 44, 0xfffffff8);
		assert_answered(&p, INSIDE_OUTER, ERR_CORRUPT);
	}
}

static void
answers_for_functions_of_other_modules_that_are_none(void **state)
{
	/* What module 0 imports: a name, then a count and ids; which id it inlined. */
	static const struct {
		uint32_t imports[4];
		size_t n;
		uint32_t id;
		uint32_t exported;
		err_t err;
	} cases[] = {
		{{0, 1, 0x80000005}, 3, 0x80000000, 0x80000005, OK},
		{{0, 1, 0x80000005}, 3, 0x80000001, 0x80000005, ERR_CORRUPT}, /* one id only */
		{{0, 1, 0x80000005}, 3, 0x80100000, 0x80000005, ERR_CORRUPT}, /* one entry only */
		{{0, 1, 0x80000005}, 3, 0x80000000, 0x80000004, ERR_CORRUPT}, /* not exported */
		{{0, 2, 0x80000005}, 3, 0x80000000, 0x80000005, ERR_CORRUPT}, /* a lying count */
		{{0, UINT32_MAX, 0x80000005}, 3, 0x80000000, 0x80000005, ERR_CORRUPT},
		{{0, 0, 0, 1}, 4, 0x80100000, 0x80000005, ERR_CORRUPT}, /* ends within an entry */
		{{0}, 1, 0x80000000, 0x80000005, ERR_CORRUPT},
		{{0}, 0, 0x80000000, 0x80000005, ERR_CORRUPT},
		{{99999, 1, 0x80000005}, 3, 0x80000000, 0x80000005, ERR_CORRUPT}, /* no name */
		{{1, 1, 0x80000005}, 3, 0x80000000, 0x80000005, ERR_CORRUPT},     /* of no module */
	};
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct pdb_program p;
		uint32_t imports[4];
		pdb_program_begin(&p);
		memcpy(imports, cases[i].imports, sizeof(imports));
		if (imports[0] == 0)
			imports[0] = pdb_builder_name(&p.b, "module1.obj");
		(void)pdb_put_procedure(p.symbols, 0x1110, "outer", 1, 0, 0x100);
		(void)pdb_put_site(p.symbols, cases[i].id, ANNOTATIONS(12, 0x40, 0));
		(void)pdb_put_end(p.symbols, 0x114e);
		(void)pdb_put_end(p.symbols, 0x0006);
		pdb_program_begin_lines(&p);
		pdb_put_cross_imports(p.lines, imports, cases[i].n);
		struct buf *other = pdb_builder_module(&p.b, 1);
		pdb_builder_end_symbols(&p.b, 1);
		const uint32_t exports[] = {cases[i].exported, p.inner};
		pdb_put_cross_exports(other, exports, 2);
		assert_answered(&p, INSIDE_OUTER, cases[i].err);
	}
}

static void
answers_when_the_other_module_is_cut(void **state)
{
	(void)state;
	for (size_t way = 0; way < 3; way++) {
		struct pdb_program p;
		pdb_program_begin(&p);
		const uint32_t imports[] = {pdb_builder_name(&p.b, "module1.obj"), 1, 0x80000005};
		const uint32_t exports[] = {0x80000005, p.inner};
		(void)pdb_put_procedure(p.symbols, 0x1110, "outer", 1, 0, 0x100);
		(void)pdb_put_site(p.symbols, 0x80000000, ANNOTATIONS(12, 0x40, 0));
		(void)pdb_put_end(p.symbols, 0x114e);
		(void)pdb_put_end(p.symbols, 0x0006);
		pdb_program_begin_lines(&p);
		pdb_put_cross_imports(p.lines, imports, 3);
		struct buf *other = pdb_builder_module(&p.b, 1);
		pdb_builder_end_symbols(&p.b, 1);
		if (way == 0) { /* lines that reach past the stream */
			p.b.symbol_bytes[1] = 1000;
		} else if (way == 1) { /* a subsection that does */
			pdb_put32(other, 0xf2);
			pdb_put32(other, UINT32_MAX);
		}
		pdb_put_cross_exports(other, exports, 2);
		if (way == 2) { /* half a pair */
			other->len -= 4;
			pdb_set32(other, other->len - 8, 4);
		}
		assert_answered(&p, INSIDE_OUTER, ERR_CORRUPT);
	}
}

/* Public names */

static void
answers_for_public_names_that_lie(void **state)
{
	(void)state;
	for (size_t way = 0; way < 6; way++) {
		static const err_t expected[] = {ERR_CORRUPT,   ERR_CORRUPT, ERR_TRUNCATED,
						 ERR_TRUNCATED, ERR_CORRUPT, ERR_TRUNCATED};
		struct pdb_program p;
		pdb_program_make(&p);
		struct buf *map = &p.b.streams[PDB_PUBLICS];
		if (way == 0) /* a record past the end */
			pdb_set32(map, 28, 0xffffffff);
		else if (way == 1) /* within a record */
			pdb_set32(map, 28, 4);
		else if (way == 2) /* a longer map */
			pdb_set32(map, 4, 0xffffffff);
		else if (way == 3) /* a longer hash table */
			pdb_set32(map, 0, 0xffffffff);
		else if (way == 4) { /* no map, and records that are cut */
			map->len = 0;
			p.b.streams[PDB_RECORDS].len -= 3;
		} else
			map->len = 27;
		assert_answered(&p, 0x1200, expected[way]);
	}
}

static void
finds_no_public_name_where_there_is_none(void **state)
{
	struct pdb_program p;
	(void)state;
	pdb_program_begin(&p);
	pdb_builder_public(&p.b, "in_data", 2, 0x10);
	pdb_builder_public(&p.b, "nowhere", 77, 0x10);
	pdb_builder_public(&p.b, "wraps", 1, 0xffffffff);
	assert_answered(&p, 0x1200, ERR_NOTFOUND);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_a_pdb_stream_without_guid),
		cmocka_unit_test(refuses_a_pdb_stream_that_ends_early),
		cmocka_unit_test(refuses_names_of_streams_without_end),
		cmocka_unit_test(refuses_a_pdb_stream_over_the_limit),
		cmocka_unit_test(refuses_dbi_streams_of_other_kinds),
		cmocka_unit_test(refuses_parts_of_the_dbi_stream_that_it_does_not_have),
		cmocka_unit_test(tells_the_identity_of_a_file_without_dbi_stream),
		cmocka_unit_test(refuses_a_list_of_modules_that_ends_early),
		cmocka_unit_test(refuses_contributions_of_an_unknown_version),
		cmocka_unit_test(ignores_contributions_that_point_nowhere),
		cmocka_unit_test(refuses_files_without_section_headers),
		cmocka_unit_test(refuses_more_sections_than_programs_have),
		cmocka_unit_test(refuses_an_address_map_that_goes_backward),
		cmocka_unit_test(does_not_follow_an_address_map_past_the_last_address),
		cmocka_unit_test(answers_for_a_module_longer_than_its_stream),
		cmocka_unit_test(answers_for_a_module_over_the_limit),
		cmocka_unit_test(answers_for_records_that_are_cut),
		cmocka_unit_test(answers_for_records_of_less_than_their_kind),
		cmocka_unit_test(ignores_procedures_that_are_too_short_to_say_where_they_are),
		cmocka_unit_test(answers_for_scopes_that_do_not_nest),
		cmocka_unit_test(answers_for_annotations_that_are_garbage),
		cmocka_unit_test(survives_annotations_that_wrap),
		cmocka_unit_test(answers_for_sites_that_nest_deeper_than_compilers_go),
		cmocka_unit_test(answers_for_a_procedure_over_the_limit),
		cmocka_unit_test(answers_for_subsections_that_are_cut),
		cmocka_unit_test(answers_for_blocks_that_lie_about_their_lines),
		cmocka_unit_test(reads_line_tables_that_go_backward),
		cmocka_unit_test(ignores_line_tables_of_no_code),
		cmocka_unit_test(answers_for_files_without_names),
		cmocka_unit_test(answers_for_inlinees_that_are_cut),
		cmocka_unit_test(answers_for_inlined_functions_that_are_none),
		cmocka_unit_test(answers_for_type_streams_that_lie),
		cmocka_unit_test(makes_an_index_when_the_types_marks_lie),
		cmocka_unit_test(answers_for_types_that_are_cut),
		cmocka_unit_test(answers_for_functions_of_other_modules_that_are_none),
		cmocka_unit_test(answers_when_the_other_module_is_cut),
		cmocka_unit_test(answers_for_public_names_that_lie),
		cmocka_unit_test(finds_no_public_name_where_there_is_none),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
