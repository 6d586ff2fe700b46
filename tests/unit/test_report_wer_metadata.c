#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "report/wer_metadata.h"
#include "report_files.h"

static struct arena arena;
static struct buf text;
static struct xml_parser *parser;
static struct wer_metadata metadata;
static struct err_detail detail;

static int
set_up(void **state)
{
	(void)state;
	arena_init(&arena, LIMIT_TEXT_FILE_ARENA_BYTES);
	buf_init(&text, FILES_BYTES_MAX);
	parser = xml_parser_new();
	metadata = (struct wer_metadata){.n_params = 99};
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	arena_done(&arena);
	buf_done(&text);
	xml_parser_free(parser);
	return 0;
}

static err_t
parse(struct slice in)
{
	return wer_metadata_parse(parser, in, &arena, &metadata, &detail);
}

static void
assert_parses(struct slice in)
{
	if (parse(in) != OK)
		fail_msg("%.*s: %s at %llu", SLICE_ARGS(in), detail.why,
			 (unsigned long long)detail.offset);
}

static void
assert_slice(struct slice got, const char *expected)
{
	if (!slice_equal_str(got, expected) || slice_is_absent(got))
		fail_msg("\"%.*s\" is not \"%s\"", SLICE_ARGS(got), expected);
}

static void
refuses_what_is_no_metadata(void **state)
{
	(void)state;
	static const struct {
		const char *in;
		err_t err;
	} bad[] = {
		{"", ERR_TRUNCATED},
		{" \r\n", ERR_TRUNCATED},
		{"<WERReportMetadata>", ERR_TRUNCATED},
		{"<WERReportMetadata><a", ERR_TRUNCATED},
		{"<WERReportMetadata><a></WERReportMetadata>", ERR_CORRUPT},
		{"<WERReportMetadata/><x/>", ERR_CORRUPT},
		{"text", ERR_CORRUPT},
		{"<WERREPORT/>", ERR_CORRUPT},
		{"<werreportmetadata/>", ERR_CORRUPT},
		{"<!DOCTYPE x [<!ENTITY a 'b'>]><WERReportMetadata>&a;</WERReportMetadata>",
		 ERR_UNSUPPORTED},
		{"<WERReportMetadata>&a;</WERReportMetadata>", ERR_UNSUPPORTED},
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		err_t err = parse(slice_str(bad[i].in));
		if (err != bad[i].err)
			fail_msg("%s: %s", bad[i].in, err_name(err));
		assert_true(detail.why[0] != '\0');
		assert_true(detail.offset <= strlen(bad[i].in));
	}
	assert_int_equal(metadata.n_params, 99);
	assert_int_equal(wer_metadata_parse(parser, SLICE_LITERAL("<a/>"), &arena, &metadata, NULL),
			 ERR_CORRUPT);
}

static void
refuses_a_file_over_the_limit(void **state)
{
	(void)state;
	buf_append_str(&text, "<WERReportMetadata/>");
	while (text.len < LIMIT_TEXT_FILE_BYTES)
		buf_append_byte(&text, '\n');
	assert_parses(buf_slice(&text));
	buf_append_byte(&text, '\n');
	assert_int_equal(parse(buf_slice(&text)), ERR_LIMIT);
}

static void
open_ancestors(size_t n)
{
	buf_append_str(&text, "<WERReportMetadata><ProcessInformation><Pid>1</Pid>");
	for (size_t i = 1; i < n; i++)
		buf_printf(&text, "<ParentProcess><ProcessInformation><Pid>%zu</Pid>", i + 1);
	for (size_t i = 1; i < n; i++)
		buf_append_str(&text, "</ProcessInformation></ParentProcess>");
	buf_append_str(&text, "</ProcessInformation></WERReportMetadata>");
}

static void
ancestors_are_read_up_to_the_limit(void **state)
{
	(void)state;
	open_ancestors(LIMIT_METADATA_PROCESSES);
	assert_parses(buf_slice(&text));
	assert_int_equal(metadata.n_processes, LIMIT_METADATA_PROCESSES);
	for (size_t i = 0; i < metadata.n_processes; i++) {
		char id[32];
		(void)snprintf(id, sizeof(id), "%zu", i + 1);
		assert_int_equal(metadata.processes[i].generation, i);
		assert_slice(metadata.processes[i].texts[METADATA_PROCESS_ID], id);
	}
	buf_reset(&text);
	open_ancestors(LIMIT_METADATA_PROCESSES + 1);
	assert_int_equal(parse(buf_slice(&text)), ERR_LIMIT);
	buf_reset(&text);
	open_ancestors(1000);
	assert_int_equal(parse(buf_slice(&text)), ERR_LIMIT);
}

static void
refuses_more_of_anything_than_the_limits(void **state)
{
	(void)state;
	static const struct {
		const char *before;
		const char *each;
		const char *behind;
		size_t most;
	} lists[] = {
		{"", "<ProcessInformation/>", "", LIMIT_METADATA_PROCESSES},
		{"<Custom>", "<Key>v</Key>", "</Custom>", LIMIT_METADATA_OTHER},
		{"<Custom>", "<Key a='v'></Key>", "</Custom>", LIMIT_METADATA_OTHER / 2},
		{"<DynamicSignatures>", "<Parameter1>v</Parameter1>", "</DynamicSignatures>",
		 LIMIT_METADATA_OTHER},
		{"<OSVersionInformation><BuildLayers>", "<BuildLayer LayerName='a'/>",
		 "</BuildLayers></OSVersionInformation>", LIMIT_METADATA_LAYERS},
	};
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		for (size_t more = 0; more < 2; more++) {
			buf_reset(&text);
			buf_printf(&text, "<WERReportMetadata>%s", lists[i].before);
			for (size_t k = 0; k < lists[i].most + more; k++)
				buf_append_str(&text, lists[i].each);
			buf_printf(&text, "%s</WERReportMetadata>", lists[i].behind);
			err_t err = parse(buf_slice(&text));
			if (err != (more == 0 ? OK : ERR_LIMIT))
				fail_msg("%s: %s", lists[i].each, err_name(err));
		}
	}
}

static void
refuses_a_path_longer_than_the_limit(void **state)
{
	(void)state;
	for (size_t more = 0; more < 2; more++) {
		buf_reset(&text);
		buf_append_str(&text, "<WERReportMetadata><");
		for (size_t i = 0; i < LIMIT_METADATA_PATH_BYTES + more; i++)
			buf_append_byte(&text, 'e');
		buf_append_str(&text, "/></WERReportMetadata>");
		assert_int_equal(parse(buf_slice(&text)), more == 0 ? OK : ERR_LIMIT);
		/* The same for what an attribute adds. */
		buf_reset(&text);
		buf_append_str(&text, "<WERReportMetadata><e ");
		for (size_t i = 0; i < LIMIT_METADATA_PATH_BYTES - 2 + more; i++)
			buf_append_byte(&text, 'a');
		buf_append_str(&text, "=''/></WERReportMetadata>");
		assert_int_equal(parse(buf_slice(&text)), more == 0 ? OK : ERR_LIMIT);
	}
}

static void
refuses_what_does_not_fit_its_arena(void **state)
{
	(void)state;
	struct slice in = SLICE_LITERAL(
		"<WERReportMetadata a='b'><OSVersionInformation><Build>1</Build><BuildLayers>"
		"<BuildLayer "
		"LayerName='x'/></BuildLayers></OSVersionInformation><ProcessInformation>"
		"<Pid>1</Pid></ProcessInformation><DynamicSignatures><Parameter1>o</Parameter1>"
		"</DynamicSignatures><Own><Key at='v'>w</Key></Own></WERReportMetadata>");
	bool is_read = false;
	for (size_t cap = 0; !is_read; cap += 16) {
		struct arena small;
		arena_init(&small, cap);
		err_t err = wer_metadata_parse(parser, in, &small, &metadata, &detail);
		is_read = err == OK;
		assert_true(is_read || err == ERR_LIMIT);
		assert_true(cap < 65536);
		arena_done(&small);
	}
}

/* "WERReportMetadata" cut at every byte: an error, never half a result. */
static void
refuses_every_beginning_of_a_document(void **state)
{
	(void)state;
	static const char whole[] =
		"<?xml version=\"1.0\" encoding=\"UTF-16\"?><WERReportMetadata><ProcessInformation>"
		"<Pid>12</Pid><ProcessVmInformation><VirtualSize>3</VirtualSize>"
		"</ProcessVmInformation></ProcessInformation></WERReportMetadata>";
	for (size_t len = 0; len + 1 < sizeof(whole) - 1; len++) {
		err_t err = parse(slice_of(whole, len));
		assert_true(err == ERR_TRUNCATED || err == ERR_CORRUPT);
	}
	assert_parses(slice_str(whole));
}

static void
what_has_no_place_is_kept_by_its_path(void **state)
{
	(void)state;
	assert_parses(SLICE_LITERAL(
		"<WERReportMetadata "
		"form='3'><OSVersionInformation><NewThing>n</NewThing><Build>1</Build>"
		"<Build>2</Build></OSVersionInformation><Own>x</Own><ProblemSignatures>"
		"<Parameter10>ten</Parameter10><Parameter1>one</Parameter1><Parameter1>again"
		"</Parameter1><ParameterX>y</ParameterX></ProblemSignatures><DynamicSignatures>"
		"<Parameter4294967296>big</Parameter4294967296></DynamicSignatures>"
		"<ProcessInformation flag='f'><Pid>1</Pid><Wow>w</Wow></ProcessInformation>"
		"<Deep><Deeper a='&lt;' b=''/></Deep></WERReportMetadata>"));
	static const char *const others[][2] = {
		{"@form", "3"},
		{"OSVersionInformation/NewThing", "n"},
		{"OSVersionInformation/Build", "2"},
		{"Own", "x"},
		{"ProblemSignatures/Parameter10", "ten"},
		{"ProblemSignatures/Parameter1", "again"},
		{"ProblemSignatures/ParameterX", "y"},
		{"DynamicSignatures/Parameter4294967296", "big"},
		{"ProcessInformation@flag", "f"},
		{"ProcessInformation/Wow", "w"},
		{"Deep/Deeper@a", "<"},
		{"Deep/Deeper@b", ""},
		{"Deep/Deeper", ""},
	};
	assert_int_equal(metadata.n_other, sizeof(others) / sizeof(others[0]));
	for (size_t i = 0; i < metadata.n_other; i++) {
		assert_slice(metadata.other[i].name, others[i][0]);
		assert_slice(metadata.other[i].value, others[i][1]);
	}
	assert_slice(metadata.texts[METADATA_BUILD], "1");
	assert_int_equal(metadata.n_params, 2);
	assert_true(slice_is_absent(metadata.params[0]));
	assert_slice(metadata.params[1], "one");
	assert_false(metadata.has_mixed_text);
}

static void
text_beside_elements_is_flagged(void **state)
{
	(void)state;
	static const char *const mixed[] = {
		"<WERReportMetadata>a<Own/></WERReportMetadata>",
		"<WERReportMetadata><Own>a<b/></Own></WERReportMetadata>",
		"<WERReportMetadata><Own><b/>a</Own></WERReportMetadata>",
		"<WERReportMetadata>a</WERReportMetadata>",
		"<WERReportMetadata><ProcessInformation>a</ProcessInformation></WERReportMetadata>",
	};
	for (size_t i = 0; i < sizeof(mixed) / sizeof(mixed[0]); i++) {
		assert_parses(slice_str(mixed[i]));
		if (!metadata.has_mixed_text)
			fail_msg("%s", mixed[i]);
	}
}

/* Elements of a process elsewhere are no process. */
static void
a_process_is_one_by_its_place(void **state)
{
	(void)state;
	assert_parses(
		SLICE_LITERAL("<WERReportMetadata><Own><ProcessInformation><Pid>1</Pid></"
			      "ProcessInformation></Own>"
			      "<ParentProcess><ProcessInformation><Pid>2</Pid></ProcessInformation>"
			      "</ParentProcess></WERReportMetadata>"));
	assert_int_equal(metadata.n_processes, 0);
	assert_int_equal(metadata.n_other, 2);
	assert_slice(metadata.other[0].name, "Own/ProcessInformation/Pid");
}

static void
the_form_of_windows_7_has_the_parent_alone(void **state)
{
	(void)state;
	struct buf json;
	assert_parses(SLICE_LITERAL(
		"<WERReportMetadata>\r\n\t<ParentProcessInformation>\r\n\t\t<ParentProcessId>1432"
		"</ParentProcessId><ParentProcessPath>C:\\Windows\\explorer.exe</ParentProcessPath>"
		"<ParentProcessCmdLine>C:\\Windows\\Explorer.EXE</ParentProcessCmdLine>"
		"</ParentProcessInformation></WERReportMetadata>"));
	assert_true(metadata.is_windows7);
	assert_int_equal(metadata.n_processes, 1);
	assert_int_equal(metadata.processes[0].generation, 1);
	assert_slice(metadata.processes[0].texts[METADATA_PROCESS_ID], "1432");
	assert_slice(metadata.processes[0].texts[METADATA_PROCESS_PATH],
		     "C:\\Windows\\explorer.exe");
	assert_slice(metadata.processes[0].texts[METADATA_PROCESS_COMMAND],
		     "C:\\Windows\\Explorer.EXE");
	assert_int_equal(metadata.n_other, 0);
	FILES_JSON(wer_metadata_put_json, &metadata, &json);
	files_assert_has(&json, "\"form\":\"windows7\"");
	files_assert_has(&json, "\"process_id\":1432");
	buf_done(&json);
}

static void
every_encoding_reads_the_same(void **state)
{
	(void)state;
	static const char in[] =
		"<?xml version=\"1.0\" encoding=\"UTF-16\"?>\r\n<WERReportMetadata>"
		"<ProcessInformation><ImageName>Программа &amp; 程序.exe</ImageName>"
		"</ProcessInformation></WERReportMetadata>\r\n";
	for (unsigned form = 0; form < FILES_FORMS; form++) {
		buf_reset(&text);
		(void)files_encode(slice_str(in), form, &text);
		assert_parses(buf_slice(&text));
		assert_slice(metadata.processes[0].texts[METADATA_PROCESS_IMAGE],
			     "Программа & 程序.exe");
		assert_int_equal(metadata.form.has_mark, form % 2);
		assert_int_equal(metadata.form.encoding, form / 2);
	}
}

static void
times_are_times_only_when_they_are(void **state)
{
	(void)state;
	static const struct {
		const char *install;
		const char *created;
		const char *expected;
	} times[] = {
		{"1447000000", "2016-03-01T10:20:30Z",
		 "\"installed\":\"2015-11-08T16:26:40.000000Z\",\n "
		 "\"created\":\"2016-03-01T10:20:30.000000Z\""},
		{"-1", "7d", "\"installed\":null,\n \"created\":null"},
		{"9223372036854775807", "yesterdaT", "\"installed\":null,\n \"created\":null"},
		{"", "", "\"installed\":null,\n \"created\":null"},
	};
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		struct buf json;
		buf_reset(&text);
		buf_printf(&text,
			   "<WERReportMetadata><SystemInformation><OSInstallDate>%s</OSInstallDate>"
			   "</SystemInformation><ReportInformation><CreationTime>%s</CreationTime>"
			   "</ReportInformation></WERReportMetadata>",
			   times[i].install, times[i].created);
		assert_parses(buf_slice(&text));
		FILES_JSON(wer_metadata_put_json, &metadata, &json);
		files_assert_has(&json, times[i].expected);
		buf_done(&json);
	}
}

static void
json_has_every_key_even_of_an_empty_document(void **state)
{
	(void)state;
	static const char *const keys[] = {
#define KEY_(code, path, json) "\"" json "\":",
		METADATA_TEXTS(KEY_)
#undef KEY_
	};
	struct buf json;
	assert_parses(SLICE_LITERAL("<WERReportMetadata/>"));
	FILES_JSON(wer_metadata_put_json, &metadata, &json);
	for (size_t i = 0; i < METADATA_TEXT_N; i++)
		files_assert_has(&json, keys[i]);
	files_assert_has(&json, "\"form\":null");
	buf_done(&json);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		TEST(refuses_what_is_no_metadata),
		TEST(refuses_a_file_over_the_limit),
		TEST(ancestors_are_read_up_to_the_limit),
		TEST(refuses_more_of_anything_than_the_limits),
		TEST(refuses_a_path_longer_than_the_limit),
		TEST(refuses_what_does_not_fit_its_arena),
		TEST(refuses_every_beginning_of_a_document),
		TEST(what_has_no_place_is_kept_by_its_path),
		TEST(text_beside_elements_is_flagged),
		TEST(a_process_is_one_by_its_place),
		TEST(the_form_of_windows_7_has_the_parent_alone),
		TEST(every_encoding_reads_the_same),
		TEST(times_are_times_only_when_they_are),
		TEST(json_has_every_key_even_of_an_empty_document),
#undef TEST
	};
	return cmocka_run_group_tests_name("report_wer_metadata", tests, NULL, NULL);
}
