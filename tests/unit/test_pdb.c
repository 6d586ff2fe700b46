#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "base/limits.h"
#include "pdb_program.h"
#include "symbols/pdb.h"

/* A program, its file and what was opened of it. */
struct bench {
	struct pdb_program program;
	struct buf file;
	struct symbols *symbols;
	struct err_detail detail;
};

static void
open_file(struct bench *bench)
{
	pdb_builder_layout(&bench->program.b, &bench->file);
	if (pdb_open(buf_slice(&bench->file), &bench->symbols, &bench->detail) != OK)
		fail_msg("%s", bench->detail.why);
}

static void
close_file(struct bench *bench)
{
	symbols_free(bench->symbols);
	buf_done(&bench->file);
	pdb_builder_done(&bench->program.b);
}

/* "inner b.h:200 < middle a.c:102 < outer a.c:12", without folders; " +0" for a public name. */
static void
describe(const struct symbol *symbol, char *out, size_t bytes)
{
	size_t at = 0;
	for (size_t i = 0; i < symbol->n_places; i++) {
		const struct symbol_place *place = &symbol->places[i];
		struct slice file = place->file;
		if (slice_starts_with(file, SLICE_LITERAL("c:\\src\\")))
			file = slice_sub(file, 7, file.len);
		at += (size_t)snprintf(out + at, bytes - at, "%s%.*s", i == 0 ? "" : " < ",
				       SLICE_ARGS(place->function));
		if (!slice_is_absent(file))
			at += (size_t)snprintf(out + at, bytes - at, " %.*s:%u", SLICE_ARGS(file),
					       place->line);
	}
	(void)snprintf(out + at, bytes - at, "%s", symbol->is_public ? " (public)" : "");
}

static void
assert_found(const struct bench *bench, uint64_t rva, const char *expected, uint64_t function_rva)
{
	struct symbol symbol;
	char said[512];
	err_t err = symbols_find(bench->symbols, rva, &symbol);
	if (err != OK)
		fail_msg("%llx: %s", (unsigned long long)rva, err_name(err));
	describe(&symbol, said, sizeof(said));
	assert_string_equal(said, expected);
	assert_int_equal(symbol.function_rva, function_rva);
}

static void
assert_nothing(const struct bench *bench, uint64_t rva)
{
	struct symbol symbol;
	assert_int_equal(symbols_find(bench->symbols, rva, &symbol), ERR_NOTFOUND);
}

static void
assert_program(const struct bench *bench)
{
	assert_found(bench, 0x1000, "outer a.c:10", 0x1000);
	assert_found(bench, 0x1010, "Class::middle a.c:101 < outer a.c:12", 0x1000);
	assert_found(bench, 0x101f, "Class::middle a.c:101 < outer a.c:12", 0x1000);
	assert_found(bench, 0x1020, "space::inner b.h:200 < Class::middle a.c:102 < outer a.c:12",
		     0x1000);
	assert_found(bench, 0x102f, "space::inner b.h:200 < Class::middle a.c:102 < outer a.c:12",
		     0x1000);
	assert_found(bench, 0x1030, "Class::middle a.c:104 < outer a.c:12", 0x1000);
	assert_found(bench, 0x1040, "outer a.c:14", 0x1000);
	assert_found(bench, 0x10ff, "outer a.c:14", 0x1000);
	assert_found(bench, 0x1100, "second a.c:21", 0x1100);
	assert_found(bench, 0x1110, "second a.c:0", 0x1100);
	assert_found(bench, 0x113f, "second", 0x1100);
	assert_found(bench, 0x1145, "thunk", 0x1140);
	assert_found(bench, 0x1146, "outer_public (public)", 0x1000);
	assert_found(bench, 0x1200, "?public_name@@YAXXZ (public)", 0x1200);
	assert_found(bench, 0x1fff, "?public_name@@YAXXZ (public)", 0x1200);
	assert_found(bench, 0x2000, "Class::middle a.c:109 < outer a.c:30", 0x1000);
	assert_found(bench, 0x2010, "outer a.c:30", 0x1000);
	assert_nothing(bench, 0xfff);
	assert_nothing(bench, 0x8000);
	assert_nothing(bench, 0x123456789);
}

static void
finds_procedures_lines_and_inlined_calls(void **state)
{
	struct bench bench = {0};
	(void)state;
	pdb_program_make(&bench.program);
	open_file(&bench);
	assert_string_equal(symbols_format(bench.symbols), "pdb");
	assert_program(&bench);
	close_file(&bench);
}

static void
finds_the_same_in_blocks_that_do_not_adjoin(void **state)
{
	static const uint32_t sizes[] = {512, 1024, 2048, 4096, 8192, 16384, 32768};
	(void)state;
	for (size_t i = 0; i < 2 * sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct bench bench = {0};
		pdb_program_make(&bench.program);
		bench.program.b.block_bytes = sizes[i / 2];
		bench.program.b.is_scattered = i % 2 != 0;
		/* So that the module's stream, the texts and the directory take many blocks. */
		for (uint32_t j = 0; j < 300; j++)
			(void)pdb_builder_name(&bench.program.b, "c:\\src\\another_file.c");
		open_file(&bench);
		assert_program(&bench);
		close_file(&bench);
	}
}

static void
tells_what_image_it_belongs_to(void **state)
{
	static const struct {
		uint16_t machine;
		enum arch arch;
	} machines[] = {{0x14c, ARCH_X86}, {0x8664, ARCH_AMD64}, {0x1c0, ARCH_ARM},
			{0x1c4, ARCH_ARM}, {0xaa64, ARCH_ARM64}, {0x200, ARCH_UNKNOWN}};
	(void)state;
	for (size_t i = 0; i < sizeof(machines) / sizeof(machines[0]); i++) {
		struct bench bench = {0};
		struct pdb_identity identity;
		pdb_program_make(&bench.program);
		bench.program.b.machine = machines[i].machine;
		bench.program.b.dbi_age = 0x1a;
		open_file(&bench);
		assert_int_equal(pdb_identity(buf_slice(&bench.file), &identity, &bench.detail),
				 OK);
		/* The DBI stream's age, not that of the PDB stream. */
		assert_string_equal(identity.debug_id, "443322116655887799AABBCCDDEEFF101A");
		assert_int_equal(identity.machine, machines[i].machine);
		assert_int_equal(identity.arch, machines[i].arch);
		close_file(&bench);
	}
}

/* Code was moved: 0x1000-0x10ff to 0x5000, 0x1100-0x11ff to 0x4000; the rest is not there. */
static void
follows_code_that_was_moved_after_linking(void **state)
{
	static const uint32_t from[][2] = {{0x1000, 0x5000}, {0x1100, 0x4000}, {0x1200, 0}};
	static const uint32_t to[][2] = {
		{0x4000, 0x1100}, {0x4100, 0}, {0x5000, 0x1000}, {0x5100, 0}};
	struct bench bench = {0};
	struct pdb_builder *b = &bench.program.b;
	(void)state;
	pdb_program_make(&bench.program);
	buf_append(&b->streams[PDB_SOURCE_SECTIONS], buf_slice(&b->streams[PDB_SECTIONS]));
	buf_reset(&b->streams[PDB_SECTIONS]);
	pdb_builder_section(&b->streams[PDB_SECTIONS], 0x4000, 0x2000, true);
	for (size_t i = 0; i < 3; i++)
		for (size_t j = 0; j < 2; j++)
			pdb_put32(&b->streams[PDB_OMAP_FROM_SOURCE], from[i][j]);
	for (size_t i = 0; i < 4; i++)
		for (size_t j = 0; j < 2; j++)
			pdb_put32(&b->streams[PDB_OMAP_TO_SOURCE], to[i][j]);
	open_file(&bench);
	assert_found(&bench, 0x5020, "space::inner b.h:200 < Class::middle a.c:102 < outer a.c:12",
		     0x5000);
	assert_found(&bench, 0x4000, "second a.c:21", 0x4000);
	assert_found(&bench, 0x4050, "outer_public (public)", 0x5000);
	assert_nothing(&bench, 0x1020);
	assert_nothing(&bench, 0x4100);
	assert_nothing(&bench, 0x5100);
	close_file(&bench);
}

static void
searches_public_names_when_their_map_is_absent(void **state)
{
	struct bench bench = {0};
	struct pdb_builder *b = &bench.program.b;
	(void)state;
	pdb_program_begin(&bench.program);
	pdb_program_publics(&bench.program);
	/* A record of another kind among them. */
	(void)pdb_put_record(&b->streams[PDB_RECORDS], 0x1108, SLICE_LITERAL("\0\0\0\0u"));
	pdb_builder_public(b, "last", 1, 0x300);
	buf_reset(&b->streams[PDB_PUBLICS]);
	open_file(&bench);
	assert_found(&bench, 0x1000, "outer_public (public)", 0x1000);
	assert_found(&bench, 0x1200, "?public_name@@YAXXZ (public)", 0x1200);
	assert_found(&bench, 0x1345, "last (public)", 0x1300);
	close_file(&bench);
}

static void
uses_first_contributions_when_there_is_no_list(void **state)
{
	struct bench bench = {0};
	(void)state;
	pdb_program_make(&bench.program);
	bench.program.b.is_bare[1] = true;
	buf_reset(&bench.program.b.contributions);
	open_file(&bench);
	assert_found(&bench, 0x1020, "space::inner b.h:200 < Class::middle a.c:102 < outer a.c:12",
		     0x1000);
	/* Beyond the first contribution. */
	assert_found(&bench, 0x1100, "outer_public (public)", 0x1000);
	close_file(&bench);
}

static void
reads_contributions_of_the_second_version(void **state)
{
	struct bench bench = {0};
	struct buf old;
	struct buf *new = &bench.program.b.contributions;
	(void)state;
	pdb_program_make(&bench.program);
	old = *new;
	buf_init(new, PDB_BUILDER_BYTES_MAX);
	pdb_put32(new, 0xeffe0000U + 20140516U);
	for (size_t at = 4; at < old.len; at += 28) {
		buf_append(new, slice_sub(buf_slice(&old), at, 28));
		pdb_put32(new, 1);
	}
	buf_done(&old);
	open_file(&bench);
	assert_program(&bench);
	close_file(&bench);
}

static void
finds_types_without_an_index_and_with_many_records(void **state)
{
	(void)state;
	for (size_t way = 0; way < 3; way++) {
		struct bench bench = {0};
		struct pdb_program *p = &bench.program;
		pdb_program_begin(p);
		for (uint32_t i = 0; i < 1000; i++)
			(void)pdb_builder_id(&p->b, 0x1601, 0, 0, "filler");
		p->middle = pdb_builder_id(&p->b, 0x1602, pdb_builder_class(&p->b, "Other"), 0,
					   "middle");
		pdb_program_symbols(p);
		pdb_program_lines(p);
		pdb_program_publics(p);
		/* The file's marks; none; out of order. */
		if (way > 0)
			pdb_put32(&p->b.streams[PDB_IDS_HASH], 0);
		open_file(&bench);
		assert_found(&bench, 0x1020,
			     "space::inner b.h:200 < Other::middle a.c:102 < outer a.c:12", 0x1000);
		close_file(&bench);
	}
}

static void
names_an_inlined_function_by_its_scope(void **state)
{
	static const uint8_t union_of[] = {0, 0, 0, 0, 0, 0, 0, 0, 8, 0, 'U', 0};
	static const uint8_t modifier[] = {0, 0, 0, 0, 0, 0, 0, 0};
	(void)state;
	for (size_t way = 0; way < 4; way++) {
		static const char *const expected[] = {"U::f < outer", "f < outer", "f < outer",
						       "f < outer"};
		struct bench bench = {0};
		struct pdb_builder *b = &bench.program.b;
		uint32_t id;
		pdb_program_begin(&bench.program);
		if (way == 0) /* of a union */
			id = pdb_builder_id(
				b, 0x1602,
				pdb_builder_type(b, 0x1506, slice_of(union_of, sizeof(union_of))),
				0, "f");
		else if (way == 1) /* of a type that has no name */
			id = pdb_builder_id(
				b, 0x1602,
				pdb_builder_type(b, 0x1001, slice_of(modifier, sizeof(modifier))),
				0, "f");
		else if (way == 2) /* without scope */
			id = pdb_builder_id(b, 0x1601, 0, 0, "f");
		else /* in a scope that is no text */
			id = pdb_builder_id(b, 0x1601, bench.program.inner, 0, "f");
		struct buf *symbols = bench.program.symbols;
		(void)pdb_put_procedure(symbols, 0x1110, "outer", 1, 0, 0x100);
		(void)pdb_put_site(symbols, id, ANNOTATIONS(12, 0x10, 0));
		(void)pdb_put_end(symbols, 0x114e);
		(void)pdb_put_end(symbols, 0x0006);
		open_file(&bench);
		assert_found(&bench, 0x1008, expected[way], 0x1000);
		/* Kept: the second time it is the same text. */
		assert_found(&bench, 0x1009, expected[way], 0x1000);
		close_file(&bench);
	}
}

static void
keeps_the_innermost_of_calls_that_nest_too_deep(void **state)
{
	enum {
		DEPTH = 100
	};
	struct bench bench = {0};
	struct pdb_builder *b = &bench.program.b;
	struct symbol symbol;
	(void)state;
	pdb_program_begin(&bench.program);
	(void)pdb_put_procedure(bench.program.symbols, 0x1110, "outer", 1, 0, 0x100);
	for (uint32_t i = 0; i < DEPTH; i++) {
		char name[16];
		(void)snprintf(name, sizeof(name), "f%u", i);
		(void)pdb_put_site(bench.program.symbols, pdb_builder_id(b, 0x1601, 0, 0, name),
				   ANNOTATIONS(12, 0x10, 0));
	}
	for (uint32_t i = 0; i < DEPTH; i++)
		(void)pdb_put_end(bench.program.symbols, 0x114e);
	(void)pdb_put_end(bench.program.symbols, 0x0006);
	open_file(&bench);
	assert_int_equal(symbols_find(bench.symbols, 0x1000, &symbol), OK);
	assert_int_equal(symbol.n_places, SYMBOL_PLACES_MAX);
	assert_true(slice_equal_str(symbol.places[0].function, "f99"));
	assert_true(slice_equal_str(symbol.places[30].function, "f69"));
	assert_true(slice_equal_str(symbol.places[31].function, "outer"));
	close_file(&bench);
}

static void
takes_those_around_an_inlined_call_for_inlined_too(void **state)
{
	struct bench bench = {0};
	struct pdb_program *p = &bench.program;
	(void)state;
	pdb_program_begin(p);
	(void)pdb_put_procedure(p->symbols, 0x1110, "outer", 1, 0, 0x100);
	/* The outer site does not say that it holds [0x20, 0x30). */
	(void)pdb_put_site(p->symbols, p->middle, ANNOTATIONS(12, 0x10, 0));
	(void)pdb_put_site(p->symbols, p->inner, ANNOTATIONS(12, 0x10, 0x20));
	(void)pdb_put_end(p->symbols, 0x114e);
	(void)pdb_put_end(p->symbols, 0x114e);
	(void)pdb_put_end(p->symbols, 0x0006);
	pdb_program_begin_lines(p);
	const uint32_t files[] = {p->name_a};
	pdb_put_files(p->lines, files, 1);
	pdb_put_inlinee(p->lines, p->inner, 0, 7);
	open_file(&bench);
	/* No line is told of the middle one, and where it is defined is not known. */
	assert_found(&bench, 0x1020, "space::inner a.c:7 < Class::middle < outer", 0x1000);
	assert_found(&bench, 0x1000, "Class::middle < outer", 0x1000);
	close_file(&bench);
}

static void
reads_every_annotation(void **state)
{
	/* Offset 0x20; line +1; kind, columns; line and code at once: +2, 4 bytes on; end 0x28;
	 * 0x140 further on two bytes of length by a number of two bytes; then one of four bytes. */
	const struct slice annotations =
		ANNOTATIONS(1, 0x20, 6, 2, 7, 1, 8, 1, 9, 3, 10, 3, 13, 9, 3, 0, 11, 0x44, 4, 4, 3,
			    0x80 | 0x01, 0x40, 6, 5, 4, 2, 3, 0xc0, 0, 1, 0, 4, 1);
	static const struct {
		uint32_t offset;
		const char *expected;
	} cases[] = {
		{0x1f, "outer"},
		{0x20, "Class::middle a.c:101 < outer"},
		{0x24, "Class::middle a.c:103 < outer"},
		{0x27, "Class::middle a.c:103 < outer"},
		{0x28, "outer"},
		{0x167, "outer"},
		{0x168, "Class::middle a.c:103 < outer"},
		{0x169, "Class::middle a.c:103 < outer"},
		{0x16a, "outer"},
		{0x26a, "Class::middle a.c:101 < outer"},
		{0x26b, "outer"},
	};
	struct bench bench = {0};
	struct pdb_program *p = &bench.program;
	(void)state;
	pdb_program_begin(p);
	pdb_builder_contribution(&p->b, 1, 0, 0x1000, 0);
	(void)pdb_put_procedure(p->symbols, 0x1110, "outer", 1, 0, 0x1000);
	(void)pdb_put_site(p->symbols, p->middle, annotations);
	(void)pdb_put_end(p->symbols, 0x114e);
	(void)pdb_put_end(p->symbols, 0x0006);
	pdb_program_begin_lines(p);
	const uint32_t files[] = {p->name_a};
	pdb_put_files(p->lines, files, 1);
	pdb_put_inlinee(p->lines, p->middle, 0, 100);
	open_file(&bench);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_found(&bench, PROGRAM_TEXT + cases[i].offset, cases[i].expected, 0x1000);
	close_file(&bench);
}

static void
asks_a_profiled_site_for_the_same(void **state)
{
	struct bench bench = {0};
	struct pdb_program *p = &bench.program;
	struct buf content;
	(void)state;
	pdb_program_begin(p);
	(void)pdb_put_procedure(p->symbols, 0x1110, "outer", 1, 0, 0x100);
	buf_init(&content, 64);
	buf_append_zero(&content, 8);
	pdb_put32(&content, p->inner);
	pdb_put32(&content, 12345); /* calls */
	buf_append(&content, ANNOTATIONS(12, 0x10, 0));
	(void)pdb_put_record(p->symbols, 0x115d, buf_slice(&content));
	buf_done(&content);
	(void)pdb_put_end(p->symbols, 0x114e);
	(void)pdb_put_end(p->symbols, 0x0006);
	open_file(&bench);
	assert_found(&bench, 0x1001, "space::inner < outer", 0x1000);
	close_file(&bench);
}

static void
tells_lines_without_a_table_of_file_names(void **state)
{
	struct bench bench = {0};
	struct symbol symbol;
	struct buf *info = &bench.program.b.streams[PDB_INFO];
	(void)state;
	pdb_program_make(&bench.program);
	pdb_put32(info, 20000404);
	buf_append_zero(info, 2 * 4 + 16);
	buf_append_zero(info, 5 * 4); /* no names of streams */
	open_file(&bench);
	assert_int_equal(symbols_find(bench.symbols, 0x1040, &symbol), OK);
	assert_true(slice_is_absent(symbol.places[0].file));
	assert_int_equal(symbol.places[0].line, 14);
	close_file(&bench);
}

/* Whole-program optimization: the function is of module 1, and module 2 exports others. */
static void
names_what_was_inlined_from_another_module(void **state)
{
	struct bench bench = {0};
	struct pdb_program *p = &bench.program;
	(void)state;
	pdb_program_begin(p);
	const uint32_t imports[] = {pdb_builder_name(&p->b, "Module2.OBJ"),
				    1,
				    0x80000001,
				    pdb_builder_name(&p->b, "MODULE1.obj"),
				    3,
				    0x1234,
				    0x80000777,
				    0x80000999};
	const uint32_t exports[] = {0x1234, 0x1000, 0x80000777, p->inner, 0x80000999, p->middle};
	const uint32_t others[] = {0x80000001, p->middle, 0x80000777, p->middle};
	const uint32_t files[] = {p->name_a};
	(void)pdb_put_procedure(p->symbols, 0x1110, "outer", 1, 0, 0x100);
	(void)pdb_put_site(p->symbols, 0x80000000, ANNOTATIONS(12, 0x40, 0));
	(void)pdb_put_site(p->symbols, 0x80100001, ANNOTATIONS(12, 0x20, 0));
	(void)pdb_put_end(p->symbols, 0x114e);
	(void)pdb_put_end(p->symbols, 0x114e);
	(void)pdb_put_end(p->symbols, 0x0006);
	pdb_program_begin_lines(p);
	pdb_put_files(p->lines, files, 1);
	pdb_put_inlinee(p->lines, 0x80100001, 0, 40);
	pdb_put_cross_imports(p->lines, imports, sizeof(imports) / sizeof(imports[0]));
	for (size_t i = 1; i < 3; i++) {
		struct buf *other = pdb_builder_module(&p->b, i);
		pdb_builder_end_symbols(&p->b, i);
		pdb_put_files(other, files, 1);
		pdb_put_cross_exports(other, i == 1 ? exports : others, i == 1 ? 6 : 4);
	}
	open_file(&bench);
	assert_found(&bench, 0x1000, "space::inner a.c:40 < Class::middle < outer", 0x1000);
	assert_found(&bench, 0x1020, "Class::middle < outer", 0x1000);
	close_file(&bench);
}

static void
skips_modules_of_compilers_that_are_too_old(void **state)
{
	struct bench bench = {0};
	(void)state;
	pdb_program_make(&bench.program);
	pdb_set32(&bench.program.b.streams[PDB_FIRST_MODULE], 0, 2);
	open_file(&bench);
	assert_found(&bench, 0x1020, "outer_public (public)", 0x1000);
	close_file(&bench);
}

static void
keeps_texts_when_modules_leave(void **state)
{
	struct bench bench = {0};
	struct pdb_program *p = &bench.program;
	struct symbol first;
	struct symbol later;
	(void)state;
	/* Two modules whose streams are copied, each larger than what may be kept. */
	pdb_program_begin(p);
	p->b.is_scattered = true;
	p->b.block_bytes = 512;
	/* So that the name lies in two blocks. */
	(void)pdb_put_record(p->symbols, 0x1108, slice_of((const uint8_t[452]){0}, 452));
	(void)pdb_put_procedure(p->symbols, 0x1110, "in_the_first_module", 1, 0, 0x100);
	(void)pdb_put_end(p->symbols, 0x0006);
	struct buf *second = pdb_builder_module(&p->b, 1);
	(void)pdb_put_procedure(second, 0x1110, "in_the_second_module", 1, 0x200, 0x10);
	(void)pdb_put_end(second, 0x0006);
	for (size_t i = 0; i < 2; i++) {
		struct buf *symbols = &p->b.streams[PDB_FIRST_MODULE + i];
		while (symbols->len < LIMIT_PDB_CACHE_BYTES + 1000)
			(void)pdb_put_record(symbols, 0x1108,
					     slice_of((const uint8_t[60000]){0}, 60000));
	}
	open_file(&bench);
	assert_int_equal(symbols_find(bench.symbols, 0x1000, &first), OK);
	assert_int_equal(symbols_find(bench.symbols, 0x1200, &later), OK);
	assert_int_equal(symbols_find(bench.symbols, 0x1000, &later), OK);
	assert_true(slice_equal_str(first.places[0].function, "in_the_first_module"));
	assert_ptr_equal(first.places[0].function.data, later.places[0].function.data);
	close_file(&bench);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_procedures_lines_and_inlined_calls),
		cmocka_unit_test(finds_the_same_in_blocks_that_do_not_adjoin),
		cmocka_unit_test(tells_what_image_it_belongs_to),
		cmocka_unit_test(follows_code_that_was_moved_after_linking),
		cmocka_unit_test(searches_public_names_when_their_map_is_absent),
		cmocka_unit_test(uses_first_contributions_when_there_is_no_list),
		cmocka_unit_test(reads_contributions_of_the_second_version),
		cmocka_unit_test(finds_types_without_an_index_and_with_many_records),
		cmocka_unit_test(names_an_inlined_function_by_its_scope),
		cmocka_unit_test(keeps_the_innermost_of_calls_that_nest_too_deep),
		cmocka_unit_test(takes_those_around_an_inlined_call_for_inlined_too),
		cmocka_unit_test(reads_every_annotation),
		cmocka_unit_test(asks_a_profiled_site_for_the_same),
		cmocka_unit_test(tells_lines_without_a_table_of_file_names),
		cmocka_unit_test(names_what_was_inlined_from_another_module),
		cmocka_unit_test(skips_modules_of_compilers_that_are_too_old),
		cmocka_unit_test(keeps_texts_when_modules_leave),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
