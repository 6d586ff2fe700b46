/* The files of this module against real data, where it is present. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "report/file_content.h"
#include "report/wer_identity.h"
#include "report_files.h"

static struct arena arena;
static struct buf text;

static int
set_up(void **state)
{
	(void)state;
	arena_init(&arena, LIMIT_TEXT_FILE_ARENA_BYTES);
	buf_init(&text, FILES_BYTES_MAX);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	arena_done(&arena);
	buf_done(&text);
	return 0;
}

/* Calls EACH for each file of FOLDER whose name ends with ENDING; returns how many they are. */
static size_t
each_file(const char *folder, const char *ending,
	  void (*each)(const char *name, struct slice bytes))
{
	size_t n = 0;
	DIR *dir = opendir(folder);
	for (struct dirent *entry; dir != NULL && (entry = readdir(dir)) != NULL;) {
		struct buf bytes;
		if (!slice_ends_with(slice_str(entry->d_name), slice_str(ending)) ||
		    !files_read(folder, entry->d_name, &bytes))
			continue;
		each(entry->d_name, buf_slice(&bytes));
		buf_done(&bytes);
		n++;
	}
	if (dir != NULL)
		(void)closedir(dir);
	return n;
}

/* Equal bytes: written as it came, and written from the facts alone. */
static void
check_report_wer(const char *name, struct slice bytes)
{
	struct wer_file file;
	struct wer_file again;
	struct buf json;
	struct buf json_again;
	assert_int_equal(wer_file_detect(SLICE_LITERAL("x"), bytes), FILE_REPORT_WER);
	assert_int_equal(wer_file_parse(bytes, &arena, &file), OK);
	if (file.flags != 0)
		fail_msg("%s: flags %x", name, file.flags);
	buf_reset(&text);
	wer_file_format(&file, &text);
	assert_true(slice_equal(bytes, buf_slice(&text)));
	buf_reset(&text);
	assert_int_equal(wer_file_compose(&file, &text), OK);
	if (!slice_equal(bytes, buf_slice(&text)))
		fail_msg("%s is composed otherwise", name);
	assert_int_equal(wer_file_parse(buf_slice(&text), &arena, &again), OK);
	FILES_JSON(wer_file_put_json, &file, &json);
	FILES_JSON(wer_file_put_json, &again, &json_again);
	assert_true(slice_equal(buf_slice(&json), buf_slice(&json_again)));
	buf_done(&json);
	buf_done(&json_again);
}

static void
real_reports_are_written_byte_for_byte(void **state)
{
	char folder[FILES_PATH_BYTES];
	(void)state;
	if (!files_find_corpus("wer-reports-transcribed", folder))
		return;
	size_t n = each_file(folder, ".wer", check_report_wer);
	print_message("%zu reports are equal, written as lines and from their facts\n", n);
	assert_true(n > 0);
}

static void
assert_slice(struct slice got, const char *expected)
{
	if (!slice_equal_str(got, expected))
		fail_msg("\"%.*s\" is not \"%s\"", SLICE_ARGS(got), expected);
}

static void
a_real_hang_in_chinese_says_what_its_author_saw(void **state)
{
	char folder[FILES_PATH_BYTES];
	struct wer_file file;
	struct report report;
	struct wer_session session;
	struct buf bytes;
	(void)state;
	if (!files_find_corpus("wer-reports-transcribed", folder) ||
	    !files_read(folder, "win10_15063_zhCN_MoAppHang_edge.wer", &bytes))
		return;
	assert_int_equal(wer_file_parse(buf_slice(&bytes), &arena, &file), OK);
	assert_int_equal(wer_file_to_report(&file, &arena, &report), OK);
	assert_slice(report.event_type, "MoAppHang");
	assert_slice(report.os, "10.0.15063.2.0.0.256.48");
	assert_int_equal(report.lcid, 2052);
	assert_int_equal(report.n_params, 6);
	assert_int_equal(report.n_secondary, 7);
	assert_int_equal(file.values[WER_METADATA_HASH].number, -1427362016);
	/* It started before it hung. */
	assert_true(wer_session_parse(file.values[WER_APP_SESSION].text, &session));
	assert_true(session.start_filetime < report.event_filetime);
	assert_true(report.event_filetime - session.start_filetime < UINT64_C(10000000) * 86400);
	buf_done(&bytes);
}

static void
a_real_report_with_gaps_keeps_them(void **state)
{
	char folder[FILES_PATH_BYTES];
	struct wer_file file;
	struct buf bytes;
	(void)state;
	if (!files_find_corpus("wer-reports-transcribed", folder) ||
	    !files_read(folder, "win10_19044_APPCRASH_winscp_reduced.wer", &bytes))
		return;
	assert_int_equal(wer_file_parse(buf_slice(&bytes), &arena, &file), OK);
	assert_int_equal(file.lists[WER_OS_INFO].n, 2);
	assert_slice(wer_file_os_info(&file, "edition"), "Professional");
	assert_int_equal(file.lists[WER_LOADED_MODULE].n, 9);
	assert_true(slice_is_absent(file.values[WER_REPORT_TYPE].text));
	buf_done(&bytes);
}

/* ---- the schema of WERInternalMetadata.xml ---- */

struct schema {
	struct buf document; /* an example of what the schema describes */
	size_t n_leaves;
	bool is_leaf[64]; /* of each open element of the schema */
	struct buf names; /* of the elements that the schema has open, parted by '/' */
};

static struct slice
attribute(const struct xml_attribute *attributes, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (slice_equal_str(attributes[i].name, name))
			return attributes[i].value;
	return (struct slice){NULL, 0};
}

static err_t
open_schema(void *context, struct slice name, const struct xml_attribute *attributes, size_t n,
	    size_t depth, uint64_t offset)
{
	struct schema *schema = context;
	struct slice element = attribute(attributes, n, "name");
	(void)offset;
	assert_true(depth < sizeof(schema->is_leaf));
	schema->is_leaf[depth] = false;
	if (!slice_equal_str(name, "xs:element"))
		return OK;
	schema->is_leaf[depth] = !slice_is_absent(attribute(attributes, n, "type"));
	buf_printf(&schema->document, "<%.*s>", SLICE_ARGS(element));
	buf_append_byte(&schema->names, '/');
	buf_append(&schema->names, element);
	if (schema->is_leaf[depth]) {
		schema->n_leaves++;
		buf_printf(&schema->document, "%zu", schema->n_leaves);
	}
	return OK;
}

static void
close_schema(void *context, struct slice name, size_t depth)
{
	struct schema *schema = context;
	struct slice names = buf_slice(&schema->names);
	(void)depth;
	if (!slice_equal_str(name, "xs:element"))
		return;
	while (names.data[names.len - 1] != '/')
		names.len--;
	buf_append_str(&schema->document, "</");
	buf_append(&schema->document, slice_sub(buf_slice(&schema->names), names.len, SIZE_MAX));
	buf_append_byte(&schema->document, '>');
	schema->names.len = names.len - 1;
}

static size_t
count_texts(const struct slice *texts, size_t n)
{
	size_t count = 0;
	for (size_t i = 0; i < n; i++)
		count += !slice_is_absent(texts[i]);
	return count;
}

static void
every_element_of_the_published_schema_has_its_place(void **state)
{
	static const struct xml_limits limits = {64, 16, 1000};
	static const struct xml_handler handler = {.on_open = open_schema,
						   .on_close = close_schema};
	char folder[FILES_PATH_BYTES];
	struct schema schema = {0};
	struct wer_metadata metadata;
	struct err_detail detail;
	struct buf bytes;
	(void)state;
	if (!files_find_corpus("python-wer/src/wer", folder) ||
	    !files_read(folder, "wer-metadata.xsd", &bytes))
		return;
	struct xml_parser *parser = xml_parser_new();
	buf_init(&schema.document, FILES_BYTES_MAX);
	buf_init(&schema.names, FILES_PATH_BYTES);
	assert_int_equal(xml_parse(parser, buf_slice(&bytes), &limits, &handler, &schema, &detail),
			 OK);
	assert_int_equal(
		wer_metadata_parse(parser, buf_slice(&schema.document), &arena, &metadata, &detail),
		OK);
	size_t n = count_texts(metadata.texts, METADATA_TEXT_N) +
		   count_texts(metadata.params, LIMIT_PARAMS);
	for (size_t i = 0; i < metadata.n_processes; i++)
		n += count_texts(metadata.processes[i].texts, METADATA_PROCESS_TEXT_N);
	print_message("%zu of %zu elements of the schema\n", n, schema.n_leaves);
	assert_int_equal(n, schema.n_leaves);
	assert_int_equal(metadata.n_processes, 2);
	/* DynamicSignatures, in which anything may be and nothing is. */
	assert_int_equal(metadata.n_other, 1);
	assert_slice(metadata.other[0].name, "DynamicSignatures");
	buf_done(&schema.document);
	buf_done(&schema.names);
	buf_done(&bytes);
	xml_parser_free(parser);
}

/* ---- what real files are ---- */

static size_t n_kinds;

static void
check_level1(const char *name, struct slice bytes)
{
	(void)name;
	assert_int_equal(wer_file_detect(SLICE_LITERAL("Report.wer"), bytes), FILE_LEVEL1);
	n_kinds++;
}

static void
check_other_message(const char *name, struct slice bytes)
{
	(void)name;
	assert_int_equal(wer_file_detect(SLICE_LITERAL("Report.wer"), bytes), FILE_XML);
	n_kinds++;
}

static void
check_text(const char *name, struct slice bytes)
{
	enum file_kind kind = wer_file_detect(slice_str(name), bytes);
	if (kind != FILE_TEXT)
		fail_msg("%s: %s", name, file_kind_id(kind));
	n_kinds++;
}

static void
check_dump(const char *name, struct slice bytes)
{
	enum file_kind kind = wer_file_detect(SLICE_LITERAL("sysinfo.txt"), bytes);
	/* Those are the text of a log, in spite of their name. */
	bool is_microdump = slice_starts_with(slice_str(name), SLICE_LITERAL("microdump-")) &&
			    slice_ends_with(slice_str(name), SLICE_LITERAL(".dmp"));
	if (is_microdump ? kind != FILE_SYSINFO : kind != FILE_MINIDUMP && kind != FILE_HEAP_DUMP)
		fail_msg("%s: %s", name, file_kind_id(kind));
	n_kinds++;
}

static void
check_kernel_dump(const char *name, struct slice bytes)
{
	(void)name;
	assert_int_equal(wer_file_detect(SLICE_LITERAL("a.mdmp"), bytes), FILE_KERNEL_DUMP);
	n_kinds++;
}

static void
check_cabinet(const char *name, struct slice bytes)
{
	enum file_kind kind = wer_file_detect(SLICE_LITERAL("a.txt"), bytes);
	bool is_other = strstr(name, "search") != NULL || strstr(name, "bad_signature") != NULL ||
			bytes.len < 4;
	if (!is_other && kind != FILE_CABINET)
		fail_msg("%s: %s", name, file_kind_id(kind));
	n_kinds++;
}

static void
real_files_are_known_by_what_is_in_them(void **state)
{
	static const struct {
		const char *folder;
		const char *ending;
		void (*check)(const char *name, struct slice bytes);
	} sets[] = {
		{"ms-cer-spec", "_level1.utf16le.xml", check_level1},
		{"ms-cer-spec", "_level1.utf8.xml", check_level1},
		{"python-wer/tests/data/examples", ".wer", check_level1},
		{"ms-cer-spec", "tpxs_example_1.xml", check_other_message},
		{"ms-cer-spec", "_verbatim.txt", check_text},
		{"ms-cer-spec", ".log", check_text},
		{"breakpad", ".dmp", check_dump},
		{"derived-microdump", ".mdmp", check_dump},
		{"derived-yaml2obj", ".dmp", check_dump},
		{"node-minidump", ".dmp", check_dump},
		{"rizin-triage", ".dmp", check_kernel_dump},
		{"libmspack/libmspack/test/test_files/cabd", ".cab", check_cabinet},
		{"libarchive-cab", ".cab", check_cabinet},
	};
	(void)state;
	n_kinds = 0;
	for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++) {
		char folder[FILES_PATH_BYTES];
		if (files_find_corpus(sets[i].folder, folder))
			(void)each_file(folder, sets[i].ending, sets[i].check);
	}
	print_message("%zu files are what they are\n", n_kinds);
}

/* Every real file at every place that could be read as one of ours: read or refused. */
static void
read_whole(const char *name, struct slice bytes)
{
	static const char *const names[] = {
		"Report.wer",  "WERInternalMetadata.xml", "AppCompat.txt", "memory.csv",
		"sysdata.xml", "LoadedModules.xml",       "registry.txt",  "wql.txt"};
	struct xml_parser *parser = xml_parser_new();
	(void)name;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct file_content content;
		struct buf json;
		arena_reset(&arena);
		file_content_parse(parser, slice_str(names[i]), bytes, &arena, &content);
		FILES_JSON(file_content_put_json, &content, &json);
		buf_done(&json);
	}
	xml_parser_free(parser);
}

static void
real_files_of_other_kinds_are_read_or_refused(void **state)
{
	static const char *const sets[][2] = {
		{"ms-cer-spec", ".xml"},
		{"ms-cer-spec", ".txt"},
		{"ms-cer-spec", ".log"},
		{"python-wer/src/wer", ".xsd"},
		{"wer-reports-transcribed", ".wer"},
		{"rust-minidump/testdata", ".dmp"},
		{"wer-signatures-public", ".json"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++) {
		char folder[FILES_PATH_BYTES];
		if (files_find_corpus(sets[i][0], folder))
			(void)each_file(folder, sets[i][1], read_whole);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		TEST(real_reports_are_written_byte_for_byte),
		TEST(a_real_hang_in_chinese_says_what_its_author_saw),
		TEST(a_real_report_with_gaps_keeps_them),
		TEST(every_element_of_the_published_schema_has_its_place),
		TEST(real_files_are_known_by_what_is_in_them),
		TEST(real_files_of_other_kinds_are_read_or_refused),
#undef TEST
	};
	return cmocka_run_group_tests_name("report_files_corpora", tests, NULL, NULL);
}
