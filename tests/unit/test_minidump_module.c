#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "minidump_fixture.h"

/* One module of OS with the debug record. */
static struct minidump_builder *
parse_codeview(struct parsed *p, enum dump_os os, struct slice codeview)
{
	struct minidump_builder *b = minidump_builder_new(ARCH_AMD64, os);
	struct built_module module = {.base = 0x1000,
				      .bytes = 0x2000,
				      .timestamp = 0x5eadbeef,
				      .name = "m",
				      .codeview = codeview};
	minidump_builder_module(b, &module);
	parsed_build(p, b);
	assert_int_equal(p->dump.modules.n, 1);
	return b;
}

static void
done(struct parsed *p, struct minidump_builder *b)
{
	parsed_done(p);
	minidump_builder_free(b);
}

#define GUID "\1\2\3\4\5\6\7\10\11\12\13\14\15\16\17\20"
#define ZEROS "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
#define GUID_TEXT "0403020106050807090A0B0C0D0E0F10"

/* ---- hostile ---- */

static void
takes_a_guid_of_zeros_for_no_identity(void **state)
{
	struct parsed p;
	struct minidump_builder *b =
		parse_codeview(&p, DUMP_OS_WINDOWS, SLICE_LITERAL("RSDS" ZEROS "\1\0\0\0a.pdb\0"));
	(void)state;
	assert_true(slice_is_absent(p.dump.modules.items[0].debug_id));
	assert_slice(p.dump.modules.items[0].debug_name, "a.pdb");
	done(&p, b);
	b = parse_codeview(&p, DUMP_OS_LINUX, SLICE_LITERAL("LEpB" ZEROS));
	assert_true(slice_is_absent(p.dump.modules.items[0].debug_id));
	assert_true(slice_is_absent(p.dump.modules.items[0].build_id));
	done(&p, b);
}

static void
marks_debug_records_that_end_early(void **state)
{
	const struct slice records[] = {
		SLICE_LITERAL("RSDS"),
		SLICE_LITERAL("RSDS" GUID "\1\0\0"),
		SLICE_LITERAL("NB10\0\0\0\0\1\2\3\4\1"),
	};
	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct parsed p;
		struct minidump_builder *b = parse_codeview(&p, DUMP_OS_WINDOWS, records[i]);
		assert_stream(&p, MINIDUMP_MODULE_LIST, ERR_TRUNCATED);
		assert_true(slice_is_absent(p.dump.modules.items[0].debug_id));
		assert_true(slice_is_absent(p.dump.modules.items[0].debug_name));
		done(&p, b);
	}
}

static void
names_unknown_debug_records(void **state)
{
	const struct slice records[] = {SLICE_LITERAL("NB11\0\0\0\0"), SLICE_LITERAL("RS"),
					SLICE_LITERAL("x")};
	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct parsed p;
		struct minidump_builder *b = parse_codeview(&p, DUMP_OS_WINDOWS, records[i]);
		assert_true(slice_is_absent(p.dump.modules.items[0].debug_id));
		assert_true(parsed_is_odd(&p, "module at 0x1000: an unknown kind of debug record"));
		done(&p, b);
	}
}

static void
marks_debug_records_outside_the_file(void **state)
{
	struct parsed p;
	struct minidump_builder *b = build_crash(ARCH_X86, DUMP_OS_WINDOWS);
	struct slice file = minidump_builder_finish(b);
	(void)state;
	set_u32(minidump_builder_find(b, MINIDUMP_MODULE_LIST) + 4 + 80, 0xfffffff0);
	assert_int_equal(parsed_try(&p, file), OK);
	assert_stream(&p, MINIDUMP_MODULE_LIST, ERR_TRUNCATED);
	assert_true(slice_is_absent(p.dump.modules.items[0].debug_id));
	assert_slice(p.dump.modules.items[1].debug_name, "ntdll.pdb");
	done(&p, b);
}

/* Some writers give a size with offset 0, or an offset with size 0: no record. */
static void
takes_half_a_location_for_no_record(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct parsed p;
		struct minidump_builder *b = build_crash(ARCH_X86, DUMP_OS_WINDOWS);
		struct slice file = minidump_builder_finish(b);
		set_u32(minidump_builder_find(b, MINIDUMP_MODULE_LIST) + 4 + 76 + 4 * i, 0);
		assert_int_equal(parsed_try(&p, file), OK);
		assert_stream(&p, MINIDUMP_MODULE_LIST, OK);
		assert_true(slice_is_absent(p.dump.modules.items[0].debug_id));
		assert_int_equal(p.dump.oddities.n, 0);
		done(&p, b);
	}
}

static void
says_what_is_odd_about_modules(void **state)
{
	struct parsed p;
	struct minidump_builder *b = minidump_builder_new(ARCH_AMD64, DUMP_OS_WINDOWS);
	struct built_module module = {.base = 0x1000, .bytes = 0x1000};
	(void)state;
	minidump_builder_module(b, &module);
	module.name = "whole.dll";
	module.bytes = 0;
	minidump_builder_module(b, &module);
	module.base = UINT64_MAX - 5;
	module.bytes = 7;
	minidump_builder_module(b, &module);
	module.base = 0x1800;
	module.bytes = 0x1000;
	minidump_builder_module(b, &module);
	parsed_build(&p, b);
	assert_int_equal(p.dump.modules.n, 4);
	assert_true(parsed_is_odd(&p, "module at 0x1000: no name"));
	assert_true(parsed_is_odd(&p, "module at 0x1000: impossible size 0x0"));
	assert_true(parsed_is_odd(&p, "module at 0xfffffffffffffffa: impossible size 0x7"));
	assert_true(parsed_is_odd(&p, "3 of 4 modules overlap others or have no place"));
	assert_int_equal(dump_find_module(&p.dump, 0x1fff), 0);
	assert_int_equal(dump_find_module(&p.dump, 0x2000), -1);
	done(&p, b);
}

static void
keeps_few_of_many_oddities(void **state)
{
	struct parsed p;
	struct minidump_builder *b = minidump_builder_new(ARCH_AMD64, DUMP_OS_WINDOWS);
	struct built_module module = {.bytes = 0};
	(void)state;
	for (size_t i = 0; i < 1000; i++)
		minidump_builder_module(b, &module);
	parsed_build(&p, b);
	assert_int_equal(p.dump.oddities.n, LIMIT_MINIDUMP_ODDITIES);
	assert_int_equal(p.dump.modules.n, 1000);
	done(&p, b);
}

static void
mends_names_that_are_no_text(void **state)
{
	struct parsed p;
	struct minidump_builder *b = minidump_builder_new(ARCH_AMD64, DUMP_OS_WINDOWS);
	struct built_module module = {.base = 0x1000, .bytes = 1, .name = "abc"};
	(void)state;
	module.codeview = SLICE_LITERAL("RSDS" GUID "\1\0\0\0x\xff\xfe.pdb\0");
	minidump_builder_module(b, &module);
	struct slice file = minidump_builder_finish(b);
	uint8_t *list = minidump_builder_find(b, MINIDUMP_MODULE_LIST) + 4;
	/* Half a surrogate pair in the place of b. */
	uint32_t name_rva = (uint32_t)list[20] | (uint32_t)list[21] << 8;
	b->file.data[name_rva + 4 + 2] = 0x34;
	b->file.data[name_rva + 4 + 3] = 0xd8;
	assert_int_equal(parsed_try(&p, file), OK);
	assert_slice(p.dump.modules.items[0].name, "a\xef\xbf\xbd"
						   "c");
	assert_slice(p.dump.modules.items[0].debug_name, "x\xef\xbf\xbd\xef\xbf\xbd.pdb");
	done(&p, b);
}

/* ---- identities ---- */

static void
reads_rsds(void **state)
{
	struct parsed p;
	struct minidump_builder *b = parse_codeview(
		&p, DUMP_OS_WINDOWS, SLICE_LITERAL("RSDS" GUID "\x2a\0\0\0C:\\b\\a.pdb\0rest"));
	const struct dump_module *m = &p.dump.modules.items[0];
	(void)state;
	assert_slice(m->debug_id, GUID_TEXT "2a");
	assert_slice(m->debug_name, "C:\\b\\a.pdb");
	assert_slice(m->code_id, "5EADBEEF2000");
	assert_true(slice_is_absent(m->build_id));
	done(&p, b);
	b = parse_codeview(&p, DUMP_OS_WINDOWS, SLICE_LITERAL("RSDS" GUID "\0\0\0\0"));
	assert_slice(p.dump.modules.items[0].debug_id, GUID_TEXT "0");
	assert_slice(p.dump.modules.items[0].debug_name, "");
	done(&p, b);
}

static void
reads_rsds_of_linux_as_the_start_of_a_build_id(void **state)
{
	struct parsed p;
	struct minidump_builder *b =
		parse_codeview(&p, DUMP_OS_LINUX, SLICE_LITERAL("RSDS" GUID "\0\0\0\0\0"));
	const struct dump_module *m = &p.dump.modules.items[0];
	(void)state;
	assert_slice(m->debug_id, GUID_TEXT "0");
	assert_true(slice_equal(m->build_id, slice_of(GUID, 16)));
	assert_true(slice_is_absent(m->code_id));
	done(&p, b);
}

static void
reads_uuids_of_macos(void **state)
{
	struct parsed p;
	struct minidump_builder *b =
		parse_codeview(&p, DUMP_OS_MACOS, SLICE_LITERAL("RSDS" GUID "\0\0\0\0app\0"));
	const struct dump_module *m = &p.dump.modules.items[0];
	(void)state;
	assert_slice(m->debug_id, GUID_TEXT "0");
	assert_slice(m->code_id, "0403020106050807090a0b0c0d0e0f10");
	assert_true(slice_is_absent(m->build_id));
	done(&p, b);
}

static void
reads_elf_build_ids_of_any_length(void **state)
{
	static const struct {
		size_t bytes;
		const char *debug_id;
	} rows[] = {
		{1, "000000010000000000000000000000000"},
		{8, "040302010605080700000000000000000"},
		{16, GUID_TEXT "0"},
		{20, GUID_TEXT "0"},
	};
	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct parsed p;
		struct slice record = SLICE_LITERAL("LEpB" GUID "\x11\x12\x13\x14");
		struct minidump_builder *b = parse_codeview(
			&p, DUMP_OS_ANDROID, slice_sub(record, 0, 4 + rows[i].bytes));
		const struct dump_module *m = &p.dump.modules.items[0];
		assert_slice(m->debug_id, rows[i].debug_id);
		assert_int_equal(m->build_id.len, rows[i].bytes);
		assert_int_equal(m->code_id.len, 2 * rows[i].bytes);
		assert_true(slice_starts_with(m->code_id, SLICE_LITERAL("01")));
		done(&p, b);
	}
}

static void
takes_an_empty_elf_record_for_no_identity(void **state)
{
	struct parsed p;
	struct minidump_builder *b = parse_codeview(&p, DUMP_OS_LINUX, SLICE_LITERAL("LEpB"));
	(void)state;
	assert_true(slice_is_absent(p.dump.modules.items[0].debug_id));
	assert_stream(&p, MINIDUMP_MODULE_LIST, OK);
	done(&p, b);
}

static void
reads_nb10(void **state)
{
	struct parsed p;
	struct minidump_builder *b =
		parse_codeview(&p, DUMP_OS_WINDOWS,
			       SLICE_LITERAL("NB10\0\0\0\0\x78\x56\x34\x0a\x0b\0\0\0old.pdb\0"));
	(void)state;
	assert_slice(p.dump.modules.items[0].debug_id, "0A345678b");
	assert_slice(p.dump.modules.items[0].debug_name, "old.pdb");
	done(&p, b);
}

/* IMAGE_DEBUG_MISC: where there is no CodeView record, the name of a .dbg file. */
static void
reads_misc_records_in_both_encodings(void **state)
{
	const struct {
		struct slice record;
		const char *name;
	} rows[] = {
		{SLICE_LITERAL("\1\0\0\0\x18\0\0\0\0\0\0\0narrow.dbg\0"), "narrow.dbg"},
		{SLICE_LITERAL("\1\0\0\0\x18\0\0\0\1\0\0\0w\0i\0d\0e\0\0\0"), "wide"},
		{SLICE_LITERAL("\2\0\0\0\x18\0\0\0\0\0\0\0another type\0"), ""},
		{SLICE_LITERAL("\1\0\0\0\x18\0\0\0\0"), ""},
	};
	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct parsed p;
		struct minidump_builder *b = minidump_builder_new(ARCH_X86, DUMP_OS_WINDOWS);
		struct built_module module = {.base = 0x1000, .bytes = 1, .name = "m"};
		uint32_t rva = minidump_builder_blob(b, rows[i].record);
		minidump_builder_module(b, &module);
		struct slice file = minidump_builder_finish(b);
		uint8_t *list = minidump_builder_find(b, MINIDUMP_MODULE_LIST) + 4;
		set_u32(list + 84, (uint32_t)rows[i].record.len);
		set_u32(list + 88, rva);
		assert_int_equal(parsed_try(&p, file), OK);
		assert_slice(p.dump.modules.items[0].debug_name, rows[i].name);
		done(&p, b);
	}
}

static void
keeps_two_modules_of_one_identity(void **state)
{
	struct parsed p;
	struct minidump_builder *b = minidump_builder_new(ARCH_AMD64, DUMP_OS_LINUX);
	struct built_module module = {.base = 0x1000,
				      .bytes = 0x1000,
				      .name = "/a",
				      .codeview = SLICE_LITERAL("LEpB" GUID)};
	(void)state;
	minidump_builder_module(b, &module);
	module.base = 0x2000;
	module.name = "/b";
	minidump_builder_module(b, &module);
	parsed_build(&p, b);
	assert_int_equal(p.dump.modules.n, 2);
	assert_true(
		slice_equal(p.dump.modules.items[0].debug_id, p.dump.modules.items[1].debug_id));
	assert_int_equal(dump_find_module(&p.dump, 0x2000), 1);
	done(&p, b);
}

static void
reads_versions_and_who_is_the_program(void **state)
{
	struct parsed p;
	struct minidump_builder *b = build_crash(ARCH_X86, DUMP_OS_WINDOWS);
	(void)state;
	minidump_builder_unloaded(b, 0x30000000, 0x5000, "C:\\gone.dll");
	parsed_build(&p, b);
	const struct dump_module *m = p.dump.modules.items;
	assert_slice(m[0].version, "1.2.3.4");
	assert_slice(m[0].product_version, "1.2.3.4");
	assert_slice(m[0].debug_id, GUID_TEXT "a");
	assert_int_equal(m[0].timestamp, 0x60000000);
	assert_true(m[0].is_main);
	assert_false(m[1].is_main);
	assert_slice(p.dump.image_path, "C:\\app\\app.exe");
	const struct dump_unloaded *gone = dump_find_unloaded(&p.dump, 0x30004fff);
	assert_non_null(gone);
	assert_slice(gone->name, "C:\\gone.dll");
	assert_int_equal(gone->checksum, 0x1234);
	assert_int_equal(gone->timestamp, 0x5678);
	done(&p, b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_a_guid_of_zeros_for_no_identity),
		cmocka_unit_test(marks_debug_records_that_end_early),
		cmocka_unit_test(names_unknown_debug_records),
		cmocka_unit_test(marks_debug_records_outside_the_file),
		cmocka_unit_test(takes_half_a_location_for_no_record),
		cmocka_unit_test(says_what_is_odd_about_modules),
		cmocka_unit_test(keeps_few_of_many_oddities),
		cmocka_unit_test(mends_names_that_are_no_text),
		cmocka_unit_test(reads_rsds),
		cmocka_unit_test(reads_rsds_of_linux_as_the_start_of_a_build_id),
		cmocka_unit_test(reads_uuids_of_macos),
		cmocka_unit_test(reads_elf_build_ids_of_any_length),
		cmocka_unit_test(takes_an_empty_elf_record_for_no_identity),
		cmocka_unit_test(reads_nb10),
		cmocka_unit_test(reads_misc_records_in_both_encodings),
		cmocka_unit_test(keeps_two_modules_of_one_identity),
		cmocka_unit_test(reads_versions_and_who_is_the_program),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
