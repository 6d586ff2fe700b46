#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "pe_builder.h"

#define OPTIONAL (PE_BUILDER_NEW_HEADER + 24)

static struct symbols *
opened(struct slice file)
{
	struct symbols *symbols = NULL;
	struct err_detail detail = {.why = ""};
	if (pe_open(file, &symbols, &detail) != OK)
		fail_msg("%s", detail.why);
	assert_non_null(pe_of(symbols));
	assert_string_equal(symbols_format(symbols), "pe");
	return symbols;
}

static void
assert_refused(struct slice file, err_t err)
{
	struct symbols *symbols = NULL;
	struct err_detail detail = {.why = ""};
	assert_int_equal(pe_open(file, &symbols, &detail), err);
	assert_null(symbols);
	assert_true(detail.why[0] != 0);
	assert_int_equal(pe_open(file, &symbols, NULL), err);
}

static void
assert_text(struct slice text, const char *expected)
{
	if (!slice_equal_str(text, expected))
		fail_msg("'%.*s' is not '%s'", SLICE_ARGS(text), expected);
}

static void
build_code(struct pe_builder *b, uint16_t machine)
{
	pe_builder_init(b, machine);
	struct buf *code = pe_builder_section(b, ".text", 0x1000, PE_BUILDER_CODE);
	for (unsigned i = 0; i < 0x1000; i++)
		put(code, i, 1);
}

static void
refuses_headers_that_end_early(void **state)
{
	(void)state;
	struct pe_builder b;
	build_code(&b, PE_MACHINE_AMD64);
	struct slice file = pe_builder_file(&b);
	for (size_t n = 0; n < PE_BUILDER_NEW_HEADER + 24 + 240 + 40; n++) {
		struct symbols *symbols = NULL;
		uint8_t *cut = malloc(n + 1);
		assert_non_null(cut);
		memcpy(cut, file.data, n);
		if (pe_open(slice_of(cut, n), &symbols, NULL) == OK)
			fail_msg("%zu bytes", n);
		free(cut);
	}
	pe_builder_done(&b);
}

static void
refuses_what_is_no_image(void **state)
{
	(void)state;
	struct pe_builder b;
	build_code(&b, PE_MACHINE_AMD64);
	(void)pe_builder_file(&b);
	assert_refused(SLICE_LITERAL("\177ELF"), ERR_UNSUPPORTED);
	assert_refused(SLICE_LITERAL(""), ERR_UNSUPPORTED);
	poke(&b.out, 0x3c, 0xfffffff0, 4);
	assert_refused(buf_slice(&b.out), ERR_UNSUPPORTED);
	poke(&b.out, 0x3c, 0x40, 4);
	assert_refused(buf_slice(&b.out), ERR_UNSUPPORTED);
	poke(&b.out, 0x3c, PE_BUILDER_NEW_HEADER, 4);
	poke(&b.out, PE_BUILDER_NEW_HEADER + 4, 0x200, 2); /* Itanium */
	assert_refused(buf_slice(&b.out), ERR_UNSUPPORTED);
	pe_builder_done(&b);
}

static void
refuses_headers_that_contradict_each_other(void **state)
{
	(void)state;
	struct pe_builder b;
	build_code(&b, PE_MACHINE_AMD64);
	(void)pe_builder_file(&b);
	poke(&b.out, OPTIONAL, 0x10b, 2); /* 32 bits, for amd64 */
	assert_refused(buf_slice(&b.out), ERR_CORRUPT);
	poke(&b.out, OPTIONAL, 0x107, 2);
	assert_refused(buf_slice(&b.out), ERR_UNSUPPORTED);
	poke(&b.out, OPTIONAL, 0x20b, 2);
	poke(&b.out, PE_BUILDER_NEW_HEADER + 20, 100, 2);
	assert_refused(buf_slice(&b.out), ERR_CORRUPT);
	pe_builder_done(&b);
}

static void
refuses_more_sections_than_the_limit(void **state)
{
	(void)state;
	struct pe_builder b;
	build_code(&b, PE_MACHINE_AMD64);
	(void)pe_builder_file(&b);
	buf_append_zero(&b.out, 41 * 65536);
	poke(&b.out, PE_BUILDER_NEW_HEADER + 6, LIMIT_PE_SECTIONS + 1, 2);
	assert_refused(buf_slice(&b.out), ERR_LIMIT);
	poke(&b.out, PE_BUILDER_NEW_HEADER + 6, LIMIT_PE_SECTIONS, 2);
	symbols_free(opened(buf_slice(&b.out)));
	pe_builder_done(&b);
}

static void
a_directory_that_lies_outside_costs_only_itself(void **state)
{
	(void)state;
	struct pe_builder b;
	struct symbol symbol;
	build_code(&b, PE_MACHINE_AMD64);
	for (unsigned i = 0; i < PE_DIRECTORIES; i++)
		pe_builder_directory(&b, i, 0xfffffff0, 0x1000);
	struct symbols *symbols = opened(pe_builder_file(&b));
	const struct pe_identity *id = pe_identity(pe_of(symbols));
	assert_int_equal(id->broken, PE_EXPORTS | PE_UNWIND | PE_DEBUG | PE_VERSION |
					     PE_RELOCATIONS | PE_HYBRID);
	assert_text(id->code_id, "4549BCBA100000");
	assert_int_equal(symbols_find(symbols, 0x1000, &symbol), ERR_CORRUPT);
	struct unwind unwind = {.rva = 0x1000, .callee.arch = ARCH_AMD64};
	assert_int_equal(symbols_unwind(symbols, &unwind), ERR_CORRUPT);
	symbols_free(symbols);
	pe_builder_done(&b);
}

static void
reads_who_an_image_is(void **state)
{
	(void)state;
	static const struct {
		uint16_t machine;
		enum arch arch;
	} cases[] = {{PE_MACHINE_X86, ARCH_X86},
		     {PE_MACHINE_AMD64, ARCH_AMD64},
		     {PE_MACHINE_ARMNT, ARCH_ARM},
		     {PE_MACHINE_ARM64, ARCH_ARM64}};
	for (size_t i = 0; i < 4; i++) {
		struct pe_builder b;
		build_code(&b, cases[i].machine);
		struct symbols *symbols = opened(pe_builder_file(&b));
		const struct pe_identity *id = pe_identity(pe_of(symbols));
		assert_int_equal(id->arch, cases[i].arch);
		assert_int_equal(id->is_64, i % 2);
		assert_true(id->is_dll);
		assert_int_equal(id->timestamp, 0x4549bcba);
		assert_int_equal(id->image_bytes, 0x100000);
		assert_int_equal(id->checksum, 0xc0ffee);
		assert_int_equal(id->entry_rva, 0x1000);
		assert_int_equal(id->preferred_base, PE_BUILDER_BASE);
		assert_int_equal(id->broken, 0);
		assert_true(slice_is_absent(id->debug_id) && slice_is_absent(id->company));
		symbols_free(symbols);
		pe_builder_done(&b);
	}
}

static void
reads_bytes_where_the_file_has_them(void **state)
{
	(void)state;
	struct pe_builder b;
	build_code(&b, PE_MACHINE_AMD64);
	(void)pe_builder_section(&b, ".bss", 0x3000, PE_BUILDER_DATA);
	b.sections[1].bytes = 0x1000;
	struct symbols *symbols = opened(pe_builder_file(&b));
	const struct pe *pe = pe_of(symbols);
	assert_int_equal(pe_read(pe, 0x1ff0, 64).len, 16);
	assert_int_equal(pe_read(pe, 0x1234, 1).data[0], 0x34);
	assert_int_equal(pe_read(pe, 0, 2).data[0], 'M');
	assert_true(slice_is_absent(pe_read(pe, 0x3000, 1)));
	assert_true(slice_is_absent(pe_read(pe, 0x2000, 1)));
	assert_true(slice_is_absent(pe_read(pe, UINT64_MAX, 1)));
	assert_true(slice_is_absent(pe_read(pe, 0x100001000, 1)));
	assert_text(pe_section_of(pe, 0x3fff)->name, ".bss");
	assert_null(pe_section_of(pe, 0x4000));
	assert_int_equal(pe_n_sections(pe), 2);
	assert_text(pe_section(pe, 0)->name, ".text");
	assert_null(pe_section(pe, 2));
	symbols_free(symbols);
	pe_builder_done(&b);
}

static void
reads_an_image_as_it_lies_in_memory(void **state)
{
	(void)state;
	struct pe_builder b;
	struct symbols *symbols = NULL;
	build_code(&b, PE_MACHINE_AMD64);
	struct slice image = pe_builder_image(&b);
	assert_int_equal(pe_open_mapped(image, &symbols, NULL), OK);
	const struct pe *pe = pe_of(symbols);
	assert_int_equal(pe_read(pe, 0x1234, 1).data[0], 0x34);
	assert_int_equal(pe_read(pe, 0x1ff0, 64).len, 16);
	assert_true(slice_is_absent(pe_read(pe, 0x2000, 1)));
	symbols_free(symbols);
	/* A dump that has only the first page of it. */
	assert_int_equal(pe_open_mapped(slice_sub(image, 0, 0x400), &symbols, NULL), OK);
	assert_true(slice_is_absent(pe_read(pe_of(symbols), 0x1234, 1)));
	assert_text(pe_identity(pe_of(symbols))->code_id, "4549BCBA100000");
	symbols_free(symbols);
	pe_builder_done(&b);
}

/* Exports: directory at 0x2000, functions behind it, names, ordinals, texts at 0x2800. */
enum {
	EXPORTS_RVA = 0x2000,
	FUNCTIONS_RVA = 0x2040,
	NAMES_RVA = 0x2100,
	ORDINALS_RVA = 0x2200,
	TEXTS_RVA = 0x2800
};

static struct buf *
build_exports(struct pe_builder *b, uint16_t machine)
{
	build_code(b, machine);
	struct buf *d = pe_builder_section(b, ".edata", EXPORTS_RVA, PE_BUILDER_DATA);
	static const uint32_t functions[] = {0x1010, 0, 0x1100, TEXTS_RVA + 0x40, 0x1010, 0x2900};
	static const struct {
		uint32_t text;
		uint16_t index;
	} names[] = {{TEXTS_RVA, 0}, {TEXTS_RVA + 0x10, 3}, {TEXTS_RVA + 0x20, 5}};
	buf_append_zero(d, 16);
	put_u32(d, 100); /* the first ordinal */
	put_u32(d, 6);
	put_u32(d, 3);
	put_u32(d, FUNCTIONS_RVA);
	put_u32(d, NAMES_RVA);
	put_u32(d, ORDINALS_RVA);
	pad_to(d, FUNCTIONS_RVA - EXPORTS_RVA);
	for (unsigned i = 0; i < 6; i++)
		put_u32(d, functions[i]);
	pad_to(d, NAMES_RVA - EXPORTS_RVA);
	for (unsigned i = 0; i < 3; i++)
		put_u32(d, names[i].text);
	pad_to(d, ORDINALS_RVA - EXPORTS_RVA);
	for (unsigned i = 0; i < 3; i++)
		put_u16(d, names[i].index);
	pad_to(d, TEXTS_RVA - EXPORTS_RVA);
	buf_append(d, slice_of("OpenThing\0\0\0\0\0\0\0", 16));
	buf_append(d, slice_of("Elsewhere\0\0\0\0\0\0\0", 16));
	buf_append(d, slice_of("data\0\0\0\0\0\0\0\0\0\0\0\0", 16));
	pad_to(d, TEXTS_RVA + 0x40 - EXPORTS_RVA);
	buf_append(d, slice_of("NTDLL.RtlThing\0", 16));
	pad_to(d, 0x900);
	put_u64(d, 0);
	pe_builder_directory(b, PE_DIRECTORY_EXPORTS, EXPORTS_RVA, 0x880);
	return d;
}

static void
assert_found(const struct symbols *symbols, uint64_t rva, const char *name, uint64_t begin)
{
	struct symbol symbol;
	assert_int_equal(symbols_find(symbols, rva, &symbol), OK);
	assert_int_equal(symbol.n_places, 1);
	assert_text(symbol.places[0].function, name);
	assert_true(slice_is_absent(symbol.places[0].file));
	assert_int_equal(symbol.places[0].line, 0);
	assert_int_equal(symbol.function_rva, begin);
	assert_true(symbol.is_public);
}

static void
assert_nothing_at(const struct symbols *symbols, uint64_t rva)
{
	struct symbol symbol;
	assert_int_equal(symbols_find(symbols, rva, &symbol), ERR_NOTFOUND);
}

static void
exports_are_found_by_the_nearest_one_before(void **state)
{
	(void)state;
	struct pe_builder b;
	(void)build_exports(&b, PE_MACHINE_X86);
	struct symbols *symbols = opened(pe_builder_file(&b));
	assert_nothing_at(symbols, 0x100f);
	assert_found(symbols, 0x1010, "OpenThing", 0x1010); /* the one with a name of the two */
	assert_found(symbols, 0x10ff, "OpenThing", 0x1010);
	assert_found(symbols, 0x1100, "Ordinal102", 0x1100);
	assert_found(symbols, 0x1fff, "Ordinal102", 0x1100);
	assert_nothing_at(symbols, 0x2900); /* data */
	assert_nothing_at(symbols, UINT64_C(0x100001010));
	symbols_free(symbols);
	pe_builder_done(&b);
}

static void
exports_are_listed_with_forwarders(void **state)
{
	(void)state;
	struct pe_builder b;
	struct pe_export e;
	(void)build_exports(&b, PE_MACHINE_X86);
	struct symbols *symbols = opened(pe_builder_file(&b));
	const struct pe *pe = pe_of(symbols);
	assert_int_equal(pe_n_exports(pe), 6);
	assert_int_equal(pe_export(pe, 0, &e), OK);
	assert_int_equal(e.ordinal, 100);
	assert_int_equal(e.rva, 0x1010);
	assert_text(e.name, "OpenThing");
	assert_true(slice_is_absent(e.forwarder));
	assert_int_equal(pe_export(pe, 3, &e), OK);
	assert_text(e.name, "Elsewhere");
	assert_text(e.forwarder, "NTDLL.RtlThing");
	assert_int_equal(e.rva, 0);
	assert_int_equal(pe_export(pe, 4, &e), OK);
	assert_true(slice_is_absent(e.name));
	assert_int_equal(pe_export(pe, 6, &e), ERR_NOTFOUND);
	symbols_free(symbols);
	pe_builder_done(&b);
}

static void
thumb_bits_are_no_part_of_an_address(void **state)
{
	(void)state;
	struct pe_builder b;
	struct buf *d = build_exports(&b, PE_MACHINE_ARMNT);
	poke(d, FUNCTIONS_RVA - EXPORTS_RVA, 0x1011, 4);
	struct symbols *symbols = opened(pe_builder_file(&b));
	assert_found(symbols, 0x1010, "OpenThing", 0x1010);
	symbols_free(symbols);
	pe_builder_done(&b);
}

static void
assert_exports_broken(struct pe_builder *b)
{
	struct symbol symbol;
	struct symbols *symbols = opened(pe_builder_file(b));
	assert_int_equal(pe_identity(pe_of(symbols))->broken, PE_EXPORTS);
	assert_int_equal(symbols_find(symbols, 0x1010, &symbol), ERR_CORRUPT);
	assert_int_equal(pe_n_exports(pe_of(symbols)), 0);
	symbols_free(symbols);
}

static void
refuses_export_tables_outside_of_the_image(void **state)
{
	(void)state;
	static const size_t fields[] = {20, 24, 28, 32, 36};
	static const uint32_t values[] = {0xffffffff, 60000, 0x7fffffff};
	for (size_t field = 0; field < 5; field++)
		for (size_t i = 0; i < 3; i++) {
			struct pe_builder b;
			struct buf *d = build_exports(&b, PE_MACHINE_X86);
			poke(d, fields[field], values[i], 4);
			assert_exports_broken(&b);
			pe_builder_done(&b);
		}
}

static void
a_name_without_an_end_is_refused_when_it_is_read(void **state)
{
	(void)state;
	struct pe_builder b;
	struct pe_export e;
	struct symbol symbol;
	struct buf *d = build_exports(&b, PE_MACHINE_X86);
	poke(d, NAMES_RVA - EXPORTS_RVA, 0x2a00 - 4, 4);
	pad_to(d, 0xa00 - 4);
	buf_append_str(d, "long");
	struct symbols *symbols = opened(pe_builder_file(&b));
	assert_int_equal(pe_identity(pe_of(symbols))->broken, 0);
	assert_int_equal(pe_export(pe_of(symbols), 0, &e), ERR_CORRUPT);
	assert_int_equal(symbols_find(symbols, 0x1010, &symbol), ERR_CORRUPT);
	symbols_free(symbols);
	pe_builder_done(&b);
}

static void
ordinals_beyond_the_table_are_passed_over(void **state)
{
	(void)state;
	struct pe_builder b;
	struct buf *d = build_exports(&b, PE_MACHINE_X86);
	poke(d, ORDINALS_RVA - EXPORTS_RVA, 0xffff, 2);
	struct symbols *symbols = opened(pe_builder_file(&b));
	assert_found(symbols, 0x1010, "Ordinal100", 0x1010);
	symbols_free(symbols);
	pe_builder_done(&b);
}

/* All 65,536 exports at one address, all names one long text: no work follows from it. */
static void
many_exports_of_one_address_cost_nothing(void **state)
{
	(void)state;
	struct pe_builder b;
	struct symbol symbol;
	build_code(&b, PE_MACHINE_X86);
	struct buf *d = pe_builder_section(&b, ".edata", 0x10000, PE_BUILDER_DATA);
	buf_append_zero(d, 20);
	put_u32(d, LIMIT_PE_EXPORTS);
	put_u32(d, LIMIT_PE_EXPORTS);
	put_u32(d, 0x10100);
	put_u32(d, 0x10104);
	put_u32(d, 0x10100);
	pad_to(d, 0x100);
	for (unsigned i = 0; i <= LIMIT_PE_EXPORTS; i++)
		put_u32(d, 0x1500);
	pe_builder_directory(&b, PE_DIRECTORY_EXPORTS, 0x10000, 40);
	struct symbols *symbols = opened(pe_builder_file(&b));
	for (unsigned i = 0; i < 10000; i++)
		assert_int_equal(symbols_find(symbols, 0x1600, &symbol), OK);
	symbols_free(symbols);
	poke(d, 20, LIMIT_PE_EXPORTS + 1, 4);
	assert_exports_broken(&b);
	pe_builder_done(&b);
}

static void
put_codeview(struct buf *d)
{
	buf_append_str(d, "RSDS");
	put_u32(d, 0x5a9832e5);
	put_u16(d, 0x2872);
	put_u16(d, 0x41c1);
	buf_append(d, slice_of("\x83\x8e\xd9\x89\x14\xe9\xb7\xff", 8));
	put_u32(d, 0x1f);
	buf_append(d, slice_of("c:\\test_app.pdb\0behind", 22));
}

static struct buf *
build_debug(struct pe_builder *b)
{
	build_code(b, PE_MACHINE_AMD64);
	struct buf *d = pe_builder_section(b, ".rdata", 0x2000, PE_BUILDER_DATA);
	buf_append_zero(d, 28); /* an entry of another kind */
	buf_append_zero(d, 12);
	put_u32(d, 2);
	put_u32(d, 46);
	put_u32(d, 0x2100);
	put_u32(d, 0x1500); /* in the file: behind 0x1000 bytes of code and the headers */
	pad_to(d, 0x100);
	put_codeview(d);
	pe_builder_directory(b, PE_DIRECTORY_DEBUG, 0x2000, 56);
	return d;
}

static void
assert_debug_id(struct pe_builder *b, const char *id, const char *name)
{
	struct symbols *symbols = opened(pe_builder_file(b));
	const struct pe_identity *identity = pe_identity(pe_of(symbols));
	assert_int_equal(identity->broken, 0);
	if (id == NULL)
		assert_true(slice_is_absent(identity->debug_id));
	else
		assert_text(identity->debug_id, id);
	assert_text(identity->debug_name, name);
	symbols_free(symbols);
}

static void
reads_which_pdb_belongs_to_an_image(void **state)
{
	(void)state;
	const char *id = "5A9832E5287241C1838ED98914E9B7FF1f";
	struct pe_builder b;
	struct symbols *symbols = NULL;
	struct buf *d = build_debug(&b);
	assert_debug_id(&b, id, "c:\\test_app.pdb");
	assert_int_equal(pe_open_mapped(pe_builder_image(&b), &symbols, NULL), OK);
	assert_text(pe_identity(pe_of(symbols))->debug_id, id);
	symbols_free(symbols);
	poke(d, 28 + 20, 0, 4); /* only the file knows where it is */
	assert_debug_id(&b, id, "c:\\test_app.pdb");
	poke(d, 0x104, 0, 8);
	poke(d, 0x10c, 0, 8);
	assert_debug_id(&b, NULL, "c:\\test_app.pdb"); /* no GUID is no identity */
	poke(d, 0x100, 0x3031424e, 4);                 /* NB10 */
	poke(d, 0x108, 0x4549bcba, 4);
	poke(d, 0x10c, 2, 4);
	memcpy(d->data + 0x110, "old.pdb", 8);
	assert_debug_id(&b, "4549BCBA2", "old.pdb");
	pe_builder_done(&b);
}

static void
refuses_debug_records_that_are_cut_off(void **state)
{
	(void)state;
	static const struct {
		size_t at;
		uint32_t value;
	} cases[] = {{28 + 16, 4}, {28 + 16, 23}, {28 + 16, 0xffffff}, {28 + 20, 0x2fff}};
	for (size_t i = 0; i < 4; i++) {
		struct pe_builder b;
		struct buf *d = build_debug(&b);
		poke(d, cases[i].at, cases[i].value, 4);
		poke(d, 28 + 24, 0xffffff, 4);
		struct symbols *symbols = opened(pe_builder_file(&b));
		assert_int_equal(pe_identity(pe_of(symbols))->broken, PE_DEBUG);
		symbols_free(symbols);
		pe_builder_done(&b);
	}
	struct pe_builder b;
	(void)build_debug(&b);
	pe_builder_directory(&b, PE_DIRECTORY_DEBUG, 0x2000, 28 * (LIMIT_PE_DEBUG_ENTRIES + 1));
	struct symbols *symbols = opened(pe_builder_file(&b));
	assert_int_equal(pe_identity(pe_of(symbols))->broken, PE_DEBUG);
	symbols_free(symbols);
	pe_builder_done(&b);
}

static void
put_key(struct buf *d, const char *key)
{
	for (; *key != 0; key++)
		put_u16(d, (uint8_t)*key);
	put_u16(d, 0);
	while (d->len % 4 != 0)
		buf_append_byte(d, 0);
}

/* A node whose length is set by end_node. */
static size_t
begin_node(struct buf *d, uint16_t value_len, uint16_t is_text, const char *key)
{
	while (d->len % 4 != 0)
		buf_append_byte(d, 0);
	size_t start = d->len;
	put_u16(d, 0);
	put_u16(d, value_len);
	put_u16(d, is_text);
	put_key(d, key);
	return start;
}

static void
end_node(struct buf *d, size_t start)
{
	poke(d, start, d->len - start, 2);
}

static void
put_string(struct buf *d, const char *key, const char *value)
{
	size_t node = begin_node(d, (uint16_t)(strlen(value) + 1), 1, key);
	put_key(d, value);
	end_node(d, node);
}

enum {
	RESOURCES_RVA = 0x2000,
	VERSION_AT = 0x100 /* from there */
};

static void
put_folder(struct buf *d, uint32_t id, uint32_t offset)
{
	buf_append_zero(d, 12);
	put_u16(d, 0);
	put_u16(d, 2);
	put_u32(d, 3);
	put_u32(d, 0xfffffff0);
	put_u32(d, id);
	put_u32(d, offset);
}

static struct buf *
build_version(struct pe_builder *b)
{
	build_code(b, PE_MACHINE_AMD64);
	struct buf *d = pe_builder_section(b, ".rsrc", RESOURCES_RVA, PE_BUILDER_DATA);
	put_folder(d, 16, 0x80000020);
	buf_append_zero(d, 14);
	put_u16(d, 1);
	put_u32(d, 1);
	put_u32(d, 0x80000038);
	buf_append_zero(d, 14);
	put_u16(d, 1);
	put_u32(d, 0x407);
	put_u32(d, 0x50);
	put_u32(d, RESOURCES_RVA + VERSION_AT);
	put_u32(d, 0);
	pad_to(d, VERSION_AT);
	size_t root = begin_node(d, 52, 0, "VS_VERSION_INFO");
	put_u32(d, 0xfeef04bd);
	put_u32(d, 0x10000);
	put_u32(d, 10 << 16);
	put_u32(d, 19041u << 16 | 1806);
	put_u32(d, 11 << 16 | 2);
	put_u32(d, 3);
	buf_append_zero(d, 28);
	size_t var = begin_node(d, 0, 1, "VarFileInfo");
	end_node(d, var);
	size_t info = begin_node(d, 0, 1, "StringFileInfo");
	size_t table = begin_node(d, 0, 1, "040704b0");
	put_string(d, "CompanyName", "Contoso AG");
	put_string(d, "FileDescription", "Does things ");
	put_string(d, "FileVersion", "10.0 (rel)");
	put_string(d, "InternalName", "thing");
	put_string(d, "LegalCopyright", "none");
	put_string(d, "OriginalFilename", "thing.dll");
	put_string(d, "ProductName", "");
	end_node(d, table);
	table = begin_node(d, 0, 1, "040904b0");
	put_string(d, "CompanyName", "another language");
	end_node(d, table);
	end_node(d, info);
	end_node(d, root);
	poke(d, 0x54, d->len - VERSION_AT, 4);
	pe_builder_directory(b, PE_DIRECTORY_RESOURCES, RESOURCES_RVA, (uint32_t)d->len);
	return d;
}

static void
reads_the_version_resource(void **state)
{
	(void)state;
	struct pe_builder b;
	(void)build_version(&b);
	struct symbols *symbols = opened(pe_builder_file(&b));
	const struct pe_identity *id = pe_identity(pe_of(symbols));
	assert_int_equal(id->broken, 0);
	assert_text(id->file_version, "10.0.19041.1806");
	assert_text(id->product_version, "11.2.0.3");
	assert_text(id->company, "Contoso AG");
	assert_text(id->description, "Does things");
	assert_text(id->version_text, "10.0 (rel)");
	assert_text(id->internal_name, "thing");
	assert_text(id->original_name, "thing.dll");
	assert_true(slice_is_absent(id->product));
	symbols_free(symbols);
	pe_builder_done(&b);
}

static unsigned
version_broken_by(size_t at, uint64_t value, unsigned bytes)
{
	struct pe_builder b;
	struct buf *d = build_version(&b);
	poke(d, at, value, bytes);
	struct symbols *symbols = opened(pe_builder_file(&b));
	unsigned broken = pe_identity(pe_of(symbols))->broken;
	symbols_free(symbols);
	pe_builder_done(&b);
	return broken;
}

static void
refuses_resources_that_contradict_themselves(void **state)
{
	(void)state;
	assert_int_equal(version_broken_by(14, 0xffff, 2), PE_VERSION); /* entries */
	assert_int_equal(version_broken_by(14, 4000, 2), PE_VERSION);   /* fewer, still more */
	assert_int_equal(version_broken_by(0x1c, 0x20, 4), PE_VERSION); /* no folder */
	assert_int_equal(version_broken_by(0x1c, 0x8fffffff, 4), PE_VERSION);
	assert_int_equal(version_broken_by(0x1c, 0x80000000, 4), PE_VERSION); /* itself */
	assert_int_equal(version_broken_by(0x4c, 0x80000050, 4), PE_VERSION); /* too deep */
	assert_int_equal(version_broken_by(0x50, 0xfffffff0, 4), PE_VERSION);
	assert_int_equal(version_broken_by(0x54, 0xffffff, 4), PE_VERSION);
	assert_int_equal(version_broken_by(VERSION_AT, 4, 2), PE_VERSION); /* length of the root */
	assert_int_equal(version_broken_by(VERSION_AT, 0xffff, 2), PE_VERSION);
	assert_int_equal(version_broken_by(VERSION_AT + 6, 'X', 2), PE_VERSION); /* its key */
	assert_int_equal(version_broken_by(VERSION_AT + 40, 0, 4), PE_VERSION);  /* signature */
	assert_int_equal(version_broken_by(VERSION_AT + 2, 8, 2), PE_VERSION);
	assert_int_equal(version_broken_by(0x18, 17, 4), 0); /* resources without a version */
	assert_int_equal(version_broken_by(VERSION_AT + 2, 0, 2), 0);
	assert_int_equal(version_broken_by(0x2e, 0, 2), 0); /* an empty folder */
}

/* Nodes that claim no bytes, or all: the walk ends. */
static void
version_nodes_cannot_make_a_walk_endless(void **state)
{
	(void)state;
	struct pe_builder b;
	struct buf *d = build_version(&b);
	for (size_t at = VERSION_AT; at + 2 <= d->len; at += 2)
		for (unsigned value = 0; value <= 0xffff; value += 0x3333)
			(void)version_broken_by(at, value, 2);
	pe_builder_done(&b);
}

static struct buf *
build_relocations(struct pe_builder *b, uint16_t machine)
{
	build_code(b, machine);
	struct buf *d = pe_builder_section(b, ".reloc", 0x2000, PE_BUILDER_DATA);
	put_u32(d, 0x1000);
	put_u32(d, 8 + 10);
	put_u16(d, (uint16_t)((b->is_64 ? 10 : 3) << 12 | 0x010));
	put_u16(d, 1 << 12 | 0x020);
	put_u16(d, 2 << 12 | 0x030);
	put_u16(d, 0);
	put_u16(d, 5 << 12 | 0x040);
	pe_builder_directory(b, PE_DIRECTORY_RELOCATIONS, 0x2000, 18);
	return d;
}

static void
applies_base_relocations_as_the_loader_does(void **state)
{
	(void)state;
	struct pe_builder b;
	uint8_t out[64];
	(void)build_relocations(&b, PE_MACHINE_AMD64);
	struct symbols *symbols = opened(pe_builder_file(&b));
	const struct pe *pe = pe_of(symbols);
	uint64_t base = PE_BUILDER_BASE + UINT64_C(0x100020001);
	assert_int_equal(pe_read_loaded(pe, PE_BUILDER_BASE, 0x1000, out, 64), 64);
	assert_memory_equal(out, pe_read(pe, 0x1000, 64).data, 64);
	assert_int_equal(pe_read_loaded(pe, base, 0x1000, out, 64), 64);
	assert_int_equal(out[0x0f], 0x0f);
	assert_memory_equal(out + 0x10, "\x11\x11\x14\x13\x15\x15\x16\x17", 8);
	assert_memory_equal(out + 0x20, "\x22\x21", 2);
	assert_memory_equal(out + 0x30, "\x31\x31\x32", 3);
	/* A window that begins and ends in the middle of a field. */
	assert_int_equal(pe_read_loaded(pe, base, 0x1012, out, 3), 3);
	assert_memory_equal(out, "\x14\x13\x15", 3);
	assert_int_equal(pe_read_loaded(pe, base, 0x9000, out, 3), 0);
	symbols_free(symbols);
	pe_builder_done(&b);
	(void)build_relocations(&b, PE_MACHINE_X86);
	symbols = opened(pe_builder_file(&b));
	assert_int_equal(pe_read_loaded(pe_of(symbols), PE_BUILDER_BASE - 0x10000, 0x1010, out, 4),
			 4);
	assert_memory_equal(out, "\x10\x11\x11\x13", 4);
	symbols_free(symbols);
	pe_builder_done(&b);
}

static void
relocations_that_are_broken_end_the_list(void **state)
{
	(void)state;
	static const uint32_t sizes[] = {0, 7, 0xffffffff};
	uint8_t out[64];
	for (size_t i = 0; i < 3; i++) {
		struct pe_builder b;
		struct buf *d = build_relocations(&b, PE_MACHINE_AMD64);
		poke(d, 4, sizes[i], 4);
		struct symbols *symbols = opened(pe_builder_file(&b));
		assert_int_equal(pe_read_loaded(pe_of(symbols), 0, 0x1000, out, 64), 64);
		assert_int_equal(out[0x11], 0x11);
		symbols_free(symbols);
		pe_builder_done(&b);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_headers_that_end_early),
		cmocka_unit_test(refuses_what_is_no_image),
		cmocka_unit_test(refuses_headers_that_contradict_each_other),
		cmocka_unit_test(refuses_more_sections_than_the_limit),
		cmocka_unit_test(a_directory_that_lies_outside_costs_only_itself),
		cmocka_unit_test(refuses_export_tables_outside_of_the_image),
		cmocka_unit_test(a_name_without_an_end_is_refused_when_it_is_read),
		cmocka_unit_test(ordinals_beyond_the_table_are_passed_over),
		cmocka_unit_test(many_exports_of_one_address_cost_nothing),
		cmocka_unit_test(refuses_debug_records_that_are_cut_off),
		cmocka_unit_test(refuses_resources_that_contradict_themselves),
		cmocka_unit_test(version_nodes_cannot_make_a_walk_endless),
		cmocka_unit_test(relocations_that_are_broken_end_the_list),
		cmocka_unit_test(reads_who_an_image_is),
		cmocka_unit_test(reads_bytes_where_the_file_has_them),
		cmocka_unit_test(reads_an_image_as_it_lies_in_memory),
		cmocka_unit_test(exports_are_found_by_the_nearest_one_before),
		cmocka_unit_test(exports_are_listed_with_forwarders),
		cmocka_unit_test(thumb_bits_are_no_part_of_an_address),
		cmocka_unit_test(reads_which_pdb_belongs_to_an_image),
		cmocka_unit_test(reads_the_version_resource),
		cmocka_unit_test(applies_base_relocations_as_the_loader_does),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
