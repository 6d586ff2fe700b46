#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "report/file_content.h"
#include "report_files.h"

static void
assert_kind(const char *name, struct slice bytes, enum file_kind expected)
{
	enum file_kind kind = wer_file_detect(slice_str(name), bytes);
	if (kind != expected)
		fail_msg("%s \"%.*s\": %s, not %s", name, SLICE_ARGS(slice_sub(bytes, 0, 40)),
			 file_kind_id(kind), file_kind_id(expected));
}

#define BYTES(text) slice_of(text, sizeof(text) - 1)

/* A name decides nothing where the content speaks. */
static void
content_comes_before_the_name(void **state)
{
	(void)state;
	static const struct {
		struct slice bytes;
		enum file_kind kind;
	} contents[] = {
		{{(const uint8_t *)"MDMP", 4}, FILE_MINIDUMP},
		{{(const uint8_t *)"PAGEDU64", 8}, FILE_KERNEL_DUMP},
		{{(const uint8_t *)"PAGEDUMP", 8}, FILE_KERNEL_DUMP},
		{{(const uint8_t *)"MSCF\0\0\0\0", 8}, FILE_CABINET},
		{{(const uint8_t *)"MZ\x90", 3}, FILE_PE},
		{{(const uint8_t *)"\177ELF", 4}, FILE_ELF},
		{{(const uint8_t *)"<WERREPORT/>", 12}, FILE_LEVEL1},
		{{(const uint8_t *)"<WERReportMetadata/>", 20}, FILE_METADATA},
		{{(const uint8_t *)"<DATABASE><EXE NAME=''/>", 24}, FILE_APPCOMPAT},
		{{(const uint8_t *)"Version=1\r\nEventType=X", 22}, FILE_REPORT_WER},
		{{(const uint8_t *)"ImageName,UniqueProcessId,x", 27}, FILE_PROCESS_LIST},
		{{(const uint8_t *)"REGEDIT4\r\n", 10}, FILE_REGISTRY},
		{{(const uint8_t *)"\x01\x02\x03\x04", 4}, FILE_UNKNOWN},
		{{(const uint8_t *)"", 0}, FILE_EMPTY},
	};
	static const char *const names[] = {"sysinfo.txt",   "Report.wer", "minidump.mdmp", "a.reg",
					    "AppCompat.txt", "",           "wql.txt"};
	for (size_t i = 0; i < sizeof(contents) / sizeof(contents[0]); i++)
		for (size_t k = 0; k < sizeof(names) / sizeof(names[0]); k++)
			assert_kind(names[k], contents[i].bytes, contents[i].kind);
}

static void
the_name_decides_what_a_text_is(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		enum file_kind kind;
	} names[] = {
		{"sysinfo.txt", FILE_SYSINFO},
		{"SYSINFO.TXT", FILE_SYSINFO},
		{"C:\\x\\wql.txt", FILE_WQL},
		{"a/b/FileVer.txt", FILE_FILE_VERSION},
		{"registry.txt", FILE_REGISTRY},
		{"key1.reg", FILE_REGISTRY},
		{".reg", FILE_REGISTRY},
		{"reg", FILE_TEXT},
		{"Version.txt", FILE_VERSION},
		{"WERE035.tmp.sysinfo.txt", FILE_SYSINFO},
		{"WER.11111111-2222-3333-4444-555555555555.tmp.appcompat.txt", FILE_APPCOMPAT},
		{"WER.tmp.sysinfo.txt", FILE_TEXT},
		{"mysysinfo.txt", FILE_TEXT},
		{"WERE035.sysinfo.txt", FILE_TEXT},
		{"sysinfo.txt.bak", FILE_TEXT},
		{"Report.wer", FILE_REPORT_WER},
		{"memory.csv", FILE_PROCESS_LIST},
		{"notes.txt", FILE_TEXT},
		{"", FILE_TEXT},
	};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_kind(names[i].name, SLICE_LITERAL("some words\r\n"), names[i].kind);
	assert_kind("sysdata.xml", SLICE_LITERAL("<x/>"), FILE_SYSDATA);
	assert_kind("LoadedModules.xml", SLICE_LITERAL("<x/>"), FILE_LOADED_MODULES);
	assert_kind("other.xml", SLICE_LITERAL("<x/>"), FILE_XML);
	/* Words may be in any of them; XML is no Report.wer, whatever it is called. */
	assert_kind("sysdata.xml", SLICE_LITERAL("words"), FILE_SYSDATA);
	assert_kind("Report.wer", SLICE_LITERAL("<x/>"), FILE_XML);
	assert_kind("a.reg", SLICE_LITERAL("<x/>"), FILE_XML);
}

static void
a_dump_with_memory_is_told_by_its_flags(void **state)
{
	(void)state;
	uint8_t header[32] = {'M', 'D', 'M', 'P'};
	static const struct {
		uint8_t low;
		uint8_t high;
		enum file_kind kind;
	} flags[] = {
		{0x21, 0x01, FILE_MINIDUMP}, {0x02, 0, FILE_HEAP_DUMP},
		{0, 0x02, FILE_HEAP_DUMP},   {0x25, 0x1b, FILE_HEAP_DUMP},
		{0x21, 0x05, FILE_MINIDUMP},
	};
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		header[24] = flags[i].low;
		header[25] = flags[i].high;
		assert_kind("memory.hdmp", slice_of(header, sizeof(header)), flags[i].kind);
	}
	/* Cut inside the flags: nothing is known of them. */
	for (size_t len = 4; len < sizeof(header); len++)
		assert_kind("a", slice_of(header, len), FILE_MINIDUMP);
}

static void
a_core_is_told_from_a_program(void **state)
{
	(void)state;
	static const uint8_t little[] = {0x7f, 'E', 'L', 'F', 2, 1, 1, 0, 0,
					 0,    0,   0,   0,   0, 0, 0, 4, 0};
	static const uint8_t big[] = {0x7f, 'E', 'L', 'F', 2, 2, 1, 0, 0,
				      0,    0,   0,   0,   0, 0, 0, 0, 4};
	assert_kind("core", slice_of(little, sizeof(little)), FILE_ELF_CORE);
	assert_kind("core", slice_of(big, sizeof(big)), FILE_ELF_CORE);
	for (size_t len = 4; len < sizeof(big); len++) {
		assert_kind("core", slice_of(little, len), FILE_ELF);
		assert_kind("core", slice_of(big, len), FILE_ELF);
	}
}

static void
every_encoding_is_looked_into(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		enum file_kind kind;
	} texts[] = {
		{"Version=1\r\nEventType=APPCRASH\r\n", FILE_REPORT_WER},
		{" \r\n<?xml version='1.0'?><!-- x --><WERREPORT/>", FILE_LEVEL1},
		{"<?xml version=\"1.0\"?>\r\n<WERReportMetadata>", FILE_METADATA},
		{"<?xml version=\"1.0\"?>\r\n<DATABASE>\r\n<EXE", FILE_APPCOMPAT},
		{"<DATABASE><TABLE/>", FILE_XML},
		{"<DATABASE>words", FILE_XML},
		{"<DATABASE>", FILE_XML},
		{"<?xml version='1.0'?>", FILE_XML},
		{"<html>", FILE_XML},
		{"< no tag", FILE_TEXT},
		{"</a>", FILE_TEXT},
		{"Windows Registry Editor Version 5.00\r\n", FILE_REGISTRY},
		{"[HKEY_LOCAL_MACHINE\\a]\r\n", FILE_REGISTRY},
		{"\"ImageName\",\"UniqueProcessId\"\r\n", FILE_PROCESS_LIST},
		{"Version=x\r\nEventType=A\r\n", FILE_TEXT},
		{"Version=1\r\nNoEventType=A\r\n", FILE_TEXT},
		{"Version=1", FILE_TEXT},
		{"Version=", FILE_TEXT},
		{"слово\r\n", FILE_TEXT},
	};
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		for (unsigned form = 0; form < FILES_FORMS; form++) {
			struct buf bytes;
			/* Without a mark nothing tells UTF-16 that begins beyond Latin. */
			bool is_told = form < 2 || form % 2 == 1 || texts[i].text[0] > 0;
			buf_init(&bytes, FILES_BYTES_MAX);
			(void)files_encode(slice_str(texts[i].text), form, &bytes);
			if (is_told)
				assert_kind("x", buf_slice(&bytes), texts[i].kind);
			buf_done(&bytes);
		}
	}
}

static void
text_of_a_code_page_is_text_and_noise_is_not(void **state)
{
	(void)state;
	assert_kind("sysinfo.txt",
		    BYTES("Gr\xfc\xdf"
			  "e aus dem B\xfcro, zehn Jahre sp\xe4ter"),
		    FILE_SYSINFO);
	assert_kind("sysinfo.txt", BYTES("\x80\x81\x82\x83\x84\x85"), FILE_UNKNOWN);
	assert_kind("sysinfo.txt", BYTES("a\x00\x00\x00"), FILE_SYSINFO);
	assert_kind("x", BYTES("\xff\xfe"), FILE_TEXT);
	/* One sign that no text has, in a long one. */
	struct buf bytes;
	buf_init(&bytes, FILES_BYTES_MAX);
	while (bytes.len < 2 * FILE_KIND_BYTES)
		buf_append_str(&bytes,
			       "words and words and words and words and words and words\x01");
	assert_kind("sysinfo.txt", buf_slice(&bytes), FILE_UNKNOWN);
	buf_reset(&bytes);
	buf_append_str(&bytes, "\x1a");
	while (bytes.len < 2 * FILE_KIND_BYTES)
		buf_append_str(&bytes, "words ");
	assert_kind("sysinfo.txt", buf_slice(&bytes), FILE_SYSINFO);
	buf_done(&bytes);
}

static void
every_kind_has_names(void **state)
{
	(void)state;
	for (unsigned kind = 0; kind < FILE_KIND_N; kind++) {
		assert_true(strlen(file_kind_id(kind)) > 0);
		assert_true(strlen(file_kind_name(kind)) > 0);
		for (unsigned other = 0; other < kind; other++)
			assert_string_not_equal(file_kind_id(kind), file_kind_id(other));
	}
}

/* ---- file_content ---- */

static void
assert_content(const char *name, struct slice bytes, enum file_kind form, err_t error)
{
	struct xml_parser *parser = xml_parser_new();
	struct arena arena;
	struct file_content content;
	struct buf json;
	arena_init(&arena, LIMIT_TEXT_FILE_ARENA_BYTES);
	file_content_parse(parser, slice_str(name), bytes, &arena, &content);
	if (content.form != form || content.error != error)
		fail_msg("%s: %s, %s", name, file_kind_id(content.form), err_name(content.error));
	FILES_JSON(file_content_put_json, &content, &json);
	files_assert_has(&json, form == FILE_UNKNOWN ? "\"content\":null" : "\"content\":{");
	files_assert_has(&json, error == OK ? "\"error\":null" : "\"error\":\"");
	buf_done(&json);
	arena_done(&arena);
	xml_parser_free(parser);
}

static void
each_kind_is_read_by_its_reader(void **state)
{
	(void)state;
	assert_content("Report.wer", SLICE_LITERAL("Version=1\nEventType=X\n"), FILE_REPORT_WER,
		       OK);
	assert_content("a", SLICE_LITERAL("<WERReportMetadata/>"), FILE_METADATA, OK);
	assert_content("a", SLICE_LITERAL("<DATABASE><EXE NAME='a'/>"), FILE_APPCOMPAT, OK);
	assert_content("a", SLICE_LITERAL("ImageName,UniqueProcessId,a\n"), FILE_PROCESS_LIST, OK);
	assert_content("sysdata.xml", SLICE_LITERAL("<a/>"), FILE_SYSDATA, OK);
	assert_content("LoadedModules.xml", SLICE_LITERAL("<a/>"), FILE_LOADED_MODULES, OK);
	assert_content("registry.txt", SLICE_LITERAL("words"), FILE_REGISTRY, OK);
	assert_content("sysinfo.txt", SLICE_LITERAL("a: b"), FILE_TEXT, OK);
	assert_content("any.log", SLICE_LITERAL("words"), FILE_TEXT, OK);
	assert_content("a", SLICE_LITERAL("<WERREPORT/>"), FILE_TEXT, OK);
	assert_content("minidump.mdmp", SLICE_LITERAL("MDMP"), FILE_UNKNOWN, OK);
	assert_content("a", SLICE_LITERAL(""), FILE_UNKNOWN, OK);
}

static void
what_a_reader_refuses_is_still_shown_as_text(void **state)
{
	(void)state;
	struct buf large;
	assert_content("a", SLICE_LITERAL("<WERReportMetadata><a>"), FILE_TEXT, ERR_TRUNCATED);
	assert_content("Report.wer", SLICE_LITERAL("no pair"), FILE_TEXT, ERR_CORRUPT);
	buf_init(&large, FILES_BYTES_MAX);
	while (large.len <= LIMIT_TEXT_FILE_BYTES)
		buf_append_str(&large, "word ");
	assert_content("sysinfo.txt", buf_slice(&large), FILE_UNKNOWN, ERR_LIMIT);
	assert_content("sysdata.xml", buf_slice(&large), FILE_UNKNOWN, ERR_LIMIT);
	buf_done(&large);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(content_comes_before_the_name),
		cmocka_unit_test(the_name_decides_what_a_text_is),
		cmocka_unit_test(a_dump_with_memory_is_told_by_its_flags),
		cmocka_unit_test(a_core_is_told_from_a_program),
		cmocka_unit_test(every_encoding_is_looked_into),
		cmocka_unit_test(text_of_a_code_page_is_text_and_noise_is_not),
		cmocka_unit_test(every_kind_has_names),
		cmocka_unit_test(each_kind_is_read_by_its_reader),
		cmocka_unit_test(what_a_reader_refuses_is_still_shown_as_text),
	};
	return cmocka_run_group_tests_name("report_file_kind", tests, NULL, NULL);
}
