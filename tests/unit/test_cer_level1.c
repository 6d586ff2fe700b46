#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cer/level1.h"
#include "report_lines.h"

enum {
	BODY_BYTES_MAX = 4 * 1024 * 1024
};

#define MACHINE "<MACHINEINFO machinename='m' os='10.0.19045.2.0.0.256.48' lcid='1033'/>"
#define USER "<USERINFO username='u'/>"
#define EVENT "<EVENTINFO reporttype='2' eventtime='1' eventtype='APPCRASH'/>"
#define BEFORE "<WERREPORT>" MACHINE USER EVENT "<SIGNATURE>"
#define BEHIND "</SIGNATURE></WERREPORT>"

/* One parser, arena, report and error for a test. */
struct bench {
	struct level1_parser *parser;
	struct arena arena;
	struct report report;
	struct level1_error error;
};

static int
set_up(void **state)
{
	static struct bench bench;
	bench = (struct bench){.parser = level1_parser_new()};
	arena_init(&bench.arena, LIMIT_REPORT_ARENA_BYTES);
	*state = &bench;
	return 0;
}

static int
tear_down(void **state)
{
	struct bench *bench = *state;
	level1_parser_free(bench->parser);
	arena_done(&bench->arena);
	return 0;
}

static err_t
parse(struct bench *bench, struct slice body)
{
	arena_reset(&bench->arena);
	return level1_parse(bench->parser, body, &bench->arena, &bench->report, &bench->error);
}

static void
assert_accepted(struct bench *bench, struct slice body)
{
	if (parse(bench, body) != OK)
		fail_msg("%s: %s", level1_reason_name(bench->error.reason),
			 bench->error.detail.why);
}

static void
assert_refused(struct bench *bench, struct slice body, enum level1_reason reason, err_t err)
{
	err_t got = parse(bench, body);
	if (got != err || (got != OK && bench->error.reason != reason))
		fail_msg("%.80s: %s, not %s", (const char *)body.data, err_name(got),
			 level1_reason_name(reason));
	assert_true(bench->error.detail.why[0] != 0);
}

/* Appends BEFORE, COUNT times FORMAT with its number, BEHIND. */
static void
repeat(struct buf *out, const char *format, unsigned count)
{
	buf_init(out, BODY_BYTES_MAX);
	buf_append_str(out, BEFORE);
	for (unsigned i = 0; i < count; i++)
		buf_printf(out, format, i);
	buf_append_str(out, BEHIND);
}

/* BEFORE with one attribute of LEN characters, BEHIND. */
static void
long_value(struct buf *out, const char *before, size_t len, const char *behind)
{
	buf_init(out, BODY_BYTES_MAX);
	buf_append_str(out, before);
	for (size_t i = 0; i < len; i++)
		buf_append_byte(out, 'x');
	buf_append_str(out, behind);
}

static void
refuses_a_body_over_the_limit(void **state)
{
	struct bench *bench = *state;
	struct buf body;
	buf_init(&body, BODY_BYTES_MAX);
	buf_append_str(&body, BEFORE BEHIND);
	while (body.len < LIMIT_REPORT_BYTES)
		buf_append_byte(&body, ' ');
	assert_accepted(bench, buf_slice(&body));
	buf_append_byte(&body, ' ');
	assert_refused(bench, buf_slice(&body), LEVEL1_TOO_LARGE, ERR_LIMIT);
	buf_done(&body);
}

static void
refuses_a_value_over_the_limit(void **state)
{
	struct bench *bench = *state;
	struct buf body;
	const char *before = BEFORE "<PARAMETER id='0' value='";
	long_value(&body, before, LIMIT_TEXT_BYTES, "'/>" BEHIND);
	assert_accepted(bench, buf_slice(&body));
	assert_int_equal(bench->report.params[0].value.len, LIMIT_TEXT_BYTES);
	buf_done(&body);
	long_value(&body, before, LIMIT_TEXT_BYTES + 1, "'/>" BEHIND);
	assert_refused(bench, buf_slice(&body), LEVEL1_TOO_LARGE, ERR_LIMIT);
	assert_int_equal(bench->error.detail.offset, strlen(BEFORE));
	buf_done(&body);
}

static void
refuses_an_event_type_over_the_limit(void **state)
{
	struct bench *bench = *state;
	struct buf body;
	const char *before = "<WERREPORT><EVENTINFO eventtype='";
	long_value(&body, before, LIMIT_EVENT_TYPE_BYTES, "'/></WERREPORT>");
	assert_accepted(bench, buf_slice(&body));
	buf_done(&body);
	long_value(&body, before, LIMIT_EVENT_TYPE_BYTES + 1, "'/></WERREPORT>");
	assert_refused(bench, buf_slice(&body), LEVEL1_TOO_LARGE, ERR_LIMIT);
	buf_done(&body);
}

static void
refuses_lists_over_their_limits(void **state)
{
	static const struct {
		const char *format;
		unsigned most;
	} lists[] = {
		{"<PARAMETER id='%u' value=''/>", LIMIT_PARAMS + LIMIT_EXTRA_PARAMS},
		{"<PARAMETER id='p%u' value=''/>", LIMIT_PARAMS + LIMIT_EXTRA_PARAMS},
		{"<SECONDARYPARAMETER name='%u' value=''/>", LIMIT_SECONDARY_PARAMS},
		{"</SIGNATURE><FILES><FILE filename='%u' filetype='2'/></FILES><SIGNATURE>",
		 LIMIT_FILES},
		/* Around them: the root, three of its children and SIGNATURE. */
		{"<X/>", LIMIT_XML_ELEMENTS - 5},
	};
	struct bench *bench = *state;
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		struct buf body;
		repeat(&body, lists[i].format, lists[i].most);
		assert_accepted(bench, buf_slice(&body));
		buf_done(&body);
		repeat(&body, lists[i].format, lists[i].most + 1);
		assert_refused(bench, buf_slice(&body), LEVEL1_TOO_DEEP_OR_MANY, ERR_LIMIT);
		buf_done(&body);
	}
}

static void
keeps_every_item_of_a_full_list(void **state)
{
	struct bench *bench = *state;
	struct buf body;
	repeat(&body, "<PARAMETER id='%u' value='v'/>", LIMIT_PARAMS + LIMIT_EXTRA_PARAMS);
	assert_accepted(bench, buf_slice(&body));
	assert_int_equal(bench->report.n_params, LIMIT_PARAMS);
	assert_int_equal(bench->report.n_extra_params, LIMIT_EXTRA_PARAMS);
	assert_true(slice_equal_str(bench->report.extra_params[LIMIT_EXTRA_PARAMS - 1].name, "73"));
	buf_done(&body);
	repeat(&body, "<SECONDARYPARAMETER name='%u' value=''/>", LIMIT_SECONDARY_PARAMS);
	assert_accepted(bench, buf_slice(&body));
	assert_int_equal(bench->report.n_secondary, LIMIT_SECONDARY_PARAMS);
	assert_true(slice_equal_str(bench->report.secondary[255].name, "255"));
	buf_done(&body);
}

/* With any less memory than it takes a report is refused, and the parser works afterwards. */
static void
refuses_what_does_not_fit_the_arena(void **state)
{
	struct bench *bench = *state;
	struct buf body;
	struct report report;
	size_t cap = 0;
	err_t err;
	repeat(&body,
	       "<PARAMETER id='%u' value='v'/><SECONDARYPARAMETER name='n' value='v'/>"
	       "</SIGNATURE><FILES><FILE filename='f' filetype='2'/></FILES><SIGNATURE>",
	       12);
	do {
		struct arena small;
		arena_init(&small, cap);
		err = level1_parse(bench->parser, buf_slice(&body), &small, &report, &bench->error);
		if (err != OK) {
			assert_int_equal(err, ERR_LIMIT);
			assert_int_equal(bench->error.reason, LEVEL1_TOO_LARGE);
		}
		arena_done(&small);
		cap += 16;
	} while (err != OK);
	assert_true(cap > 1000);
	buf_done(&body);
}

static void
writes_only_the_result_that_counts(void **state)
{
	struct bench *bench = *state;
	bench->report.lcid = 4711;
	bench->error.reason = LEVEL1_REASON_N;
	assert_int_equal(parse(bench, SLICE_LITERAL("<WERREPORT/>")), ERR_CORRUPT);
	assert_int_equal(bench->report.lcid, 4711);
	assert_int_equal(bench->error.reason, LEVEL1_NO_EVENT_TYPE);
	bench->error.reason = LEVEL1_EMPTY;
	assert_accepted(bench, SLICE_LITERAL(BEFORE BEHIND));
	assert_int_equal(bench->error.reason, LEVEL1_EMPTY);
}

static void
refuses_a_body_cut_at_any_byte(void **state)
{
	struct bench *bench = *state;
	struct buf body;
	buf_init(&body, BODY_BYTES_MAX);
	buf_append_str(&body, "\xff\xfe");
	text_to_utf16(
		SLICE_LITERAL("<?xml version='1.0'?>" BEFORE
			      "<PARAMETER id='0' value='\xe2\x82\xac \xf0\x9f\x98\x80'/>" BEHIND),
		TEXT_UTF16LE, &body);
	for (size_t len = 0; len + 1 < body.len; len++) {
		enum level1_reason reason = len < 4 ? LEVEL1_EMPTY : LEVEL1_TRUNCATED;
		if (len == 0)
			continue;
		/* One byte of the mark is a broken byte of UTF-8. */
		if (len == 1)
			reason = LEVEL1_NOT_XML;
		if (reason == LEVEL1_NOT_XML)
			assert_refused(bench, slice_sub(buf_slice(&body), 0, len), reason,
				       ERR_CORRUPT);
		else
			assert_refused(bench, slice_sub(buf_slice(&body), 0, len), reason,
				       ERR_TRUNCATED);
	}
	assert_accepted(bench, buf_slice(&body));
	buf_done(&body);
}

/* The offset of an error is that of the same character, whatever the encoding. */
static void
says_where_in_the_body_the_error_is(void **state)
{
	static const char text[] = " \r\n<?xml version='1.0'?><WERREPORT "
				   "a='\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80'><A></B>";
	static const struct {
		enum text_encoding encoding;
		const char *mark;
		uint64_t offset; /* of the B */
	} forms[] = {
		{TEXT_UTF8, "", 54},    {TEXT_UTF8, "\xef\xbb\xbf", 57},
		{TEXT_UTF16LE, "", 98}, {TEXT_UTF16LE, "\xff\xfe", 100},
		{TEXT_UTF16BE, "", 98}, {TEXT_UTF16BE, "\xfe\xff", 100},
	};
	struct bench *bench = *state;
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		struct buf body;
		buf_init(&body, BODY_BYTES_MAX);
		buf_append_str(&body, forms[i].mark);
		if (forms[i].encoding == TEXT_UTF8)
			buf_append_str(&body, text);
		else
			text_to_utf16(slice_str(text), forms[i].encoding, &body);
		assert_refused(bench, buf_slice(&body), LEVEL1_NOT_XML, ERR_CORRUPT);
		assert_int_equal(bench->error.detail.offset, forms[i].offset);
		uint8_t at =
			body.data[forms[i].offset + (forms[i].encoding == TEXT_UTF16BE ? 1 : 0)];
		assert_int_equal(at, 'B');
		buf_done(&body);
	}
}

static void
says_where_behind_broken_text(void **state)
{
	struct bench *bench = *state;
	const char *latin1 = "<WERREPORT a='caf\xe9 \xe2\x82 \xf0\x9f\x98'><A></B>";
	assert_refused(bench, slice_str(latin1), LEVEL1_NOT_XML, ERR_CORRUPT);
	assert_int_equal(latin1[bench->error.detail.offset], 'B');
	/* A high surrogate alone, and a low one. */
	static const uint8_t utf16[] = {'<',  0,    'A',  0,    ' ',  0,    'b',  0,    '=', 0,
					'"',  0,    0x3d, 0xd8, 0x00, 0xde, 0x3d, 0xd8, 'x', 0,
					0x00, 0xde, '"',  0,    '>',  0,    'C',  0};
	assert_refused(bench, slice_of(utf16, sizeof(utf16)), LEVEL1_NOT_WERREPORT, ERR_CORRUPT);
	assert_int_equal(bench->error.detail.offset, 0);
	assert_refused(bench,
		       SLICE_LITERAL("<\0W\0E\0R\0R\0E\0P\0O\0R\0T\0>\0\x3d\xd8\x20\0<\0"
				     "/\0B\0"
				     ">\0"),
		       LEVEL1_NOT_XML, ERR_CORRUPT);
	assert_int_equal(bench->error.detail.offset, 30);
}

static void
says_that_what_ends_early_ends_at_its_end(void **state)
{
	struct bench *bench = *state;
	struct slice body = SLICE_LITERAL(BEFORE);
	assert_refused(bench, body, LEVEL1_TRUNCATED, ERR_TRUNCATED);
	assert_int_equal(bench->error.detail.offset, body.len);
}

static void
works_after_every_refusal(void **state)
{
	static const char *const bodies[] = {
		"",
		"<WERREPORT>",
		"text",
		"<!DOCTYPE a><a/>",
		"<A/>",
		"<WERREPORT/>",
		("<WERREPORT><EVENTINFO eventtype='X'/><SIGNATURE><PARAMETER value='1'/>"
		 "<PARAMETER id='12' value='12'/><SECONDARYPARAMETER/></SIGNATURE><FILES><FILE/>"),
	};
	struct bench *bench = *state;
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		assert_int_not_equal(parse(bench, slice_str(bodies[i])), OK);
		assert_accepted(bench, SLICE_LITERAL(BEFORE BEHIND));
		assert_int_equal(bench->report.flags, 0);
		assert_int_equal(bench->report.n_params, 0);
		assert_int_equal(bench->report.n_extra_params, 0);
		assert_int_equal(bench->report.n_secondary, 0);
		assert_int_equal(bench->report.n_files, 0);
	}
}

static void
keeps_nothing_of_the_body(void **state)
{
	struct bench *bench = *state;
	struct buf body;
	buf_init(&body, BODY_BYTES_MAX);
	buf_append_str(&body, BEFORE "<PARAMETER id='0' name='n' value='v'/>" BEHIND);
	assert_accepted(bench, buf_slice(&body));
	struct report first = bench->report;
	memset(body.data, '#', body.len);
	struct arena other;
	arena_init(&other, LIMIT_REPORT_ARENA_BYTES);
	assert_int_equal(
		level1_parse(bench->parser,
			     SLICE_LITERAL("<WERREPORT><EVENTINFO eventtype='Y'/></WERREPORT>"),
			     &other, &bench->report, &bench->error),
		OK);
	assert_true(slice_equal_str(first.event_type, "APPCRASH"));
	assert_true(slice_equal_str(first.params[0].value, "v"));
	arena_done(&other);
	buf_done(&body);
}

static void
names_every_reason(void **state)
{
	(void)state;
	assert_string_equal(level1_reason_name(LEVEL1_EMPTY), "empty");
	assert_string_equal(level1_reason_name(LEVEL1_TOO_LARGE), "too_large");
	assert_string_equal(level1_reason_name(LEVEL1_REASON_N), "unknown");
	level1_parser_free(NULL);
}

/* Writing */

static struct report_pair extra[] = {{{0}, {0}}, {{0}, {0}}};
static struct report_pair secondary[] = {{{0}, {0}}, {{0}, {0}}};
static struct report_file files[] = {{.has_type = true, .type = 2}, {.has_type = false}};

/* Every field set, with what needs escaping. */
static struct report
full_report(void)
{
	extra[0] = (struct report_pair){SLICE_LITERAL("10"), SLICE_LITERAL("ten")};
	extra[1] = (struct report_pair){SLICE_LITERAL("11"), SLICE_LITERAL("")};
	secondary[0] = (struct report_pair){SLICE_LITERAL("BCCode"), SLICE_LITERAL("9f")};
	secondary[1] = (struct report_pair){SLICE_LITERAL(""), SLICE_LITERAL("<>&\"'")};
	files[0].name = SLICE_LITERAL("minidump.mdmp");
	files[1].name = SLICE_LITERAL("x");
	files[1].type_text = SLICE_LITERAL("none");
	return (struct report){
		.machine = SLICE_LITERAL("PC-0815"),
		.os = SLICE_LITERAL("10.0.19045.2.0.0.256.48"),
		.oem = SLICE_LITERAL("Example"),
		.user = SLICE_LITERAL("EXAMPLE\\J\xc3\xb6rg \xf0\x9f\x98\x80"),
		.app_name = SLICE_LITERAL("Ledger & Sons"),
		.app_path = SLICE_LITERAL("C:\\Ledger\\ledger.exe"),
		.app_company = SLICE_LITERAL("Example Inc."),
		.event_type = SLICE_LITERAL("APPCRASH"),
		.friendly_event_name = SLICE_LITERAL("Stopped \"working\""),
		.event_description = SLICE_LITERAL("line 1\r\nline 2\t."),
		.has_lcid = true,
		.has_report_type = true,
		.has_event_time = true,
		.lcid = 1033,
		.report_type = 2,
		.event_filetime = UINT64_MAX,
		.params = {[0] = {SLICE_LITERAL("Name"), SLICE_LITERAL("ledger.exe")},
			   [3] = {{0}, SLICE_LITERAL("")}},
		.n_params = 4,
		.extra_params = extra,
		.n_extra_params = 2,
		.secondary = secondary,
		.n_secondary = 2,
		.files = files,
		.n_files = 2,
	};
}

static void
writes_the_document_of_the_specification(void **state)
{
	struct report report = full_report();
	struct buf out;
	(void)state;
	buf_init(&out, BODY_BYTES_MAX);
	level1_format(&report, TEXT_UTF8, &out);
	buf_append_byte(&out, 0);
	assert_string_equal(
		(const char *)out.data,
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n"
		"<WERREPORT xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\">\r\n"
		"<MACHINEINFO machinename=\"PC-0815\" os=\"10.0.19045.2.0.0.256.48\" lcid=\"1033\""
		" oem=\"Example\"/>\r\n"
		"<USERINFO username=\"EXAMPLE\\J\xc3\xb6rg \xf0\x9f\x98\x80\"/>\r\n"
		"<APPLICATIONINFO appname=\"Ledger &amp; Sons\" apppath=\"C:\\Ledger\\ledger.exe\""
		" appcompany=\"Example Inc.\"/>\r\n"
		"<EVENTINFO reporttype=\"2\" eventtime=\"18446744073709551615\""
		" eventtype=\"APPCRASH\" friendlyeventname=\"Stopped &quot;working&quot;\""
		" eventdescription=\"line 1&#13;&#10;line 2&#9;.\"/>\r\n"
		"<SIGNATURE>\r\n"
		"<PARAMETER id=\"0\" name=\"Name\" value=\"ledger.exe\"/>\r\n"
		"<PARAMETER id=\"3\" value=\"\"/>\r\n"
		"<PARAMETER id=\"10\" value=\"ten\"/>\r\n"
		"<PARAMETER id=\"11\" value=\"\"/>\r\n"
		"<SECONDARYPARAMETER name=\"BCCode\" value=\"9f\"/>\r\n"
		"<SECONDARYPARAMETER name=\"\" value=\"&lt;&gt;&amp;&quot;&apos;\"/>\r\n"
		"</SIGNATURE>\r\n"
		"<FILES>\r\n"
		"<FILE filetype=\"2\" filename=\"minidump.mdmp\"/>\r\n"
		"<FILE filetype=\"none\" filename=\"x\"/>\r\n"
		"</FILES>\r\n"
		"</WERREPORT>\r\n");
	buf_done(&out);
}

static void
writes_utf16_with_its_byte_order_mark(void **state)
{
	struct report report = full_report();
	static const uint8_t little[] = {0xff, 0xfe, '<', 0, '?', 0};
	static const uint8_t big[] = {0xfe, 0xff, 0, '<', 0, '?'};
	struct buf utf16;
	struct buf utf8;
	(void)state;
	buf_init(&utf16, BODY_BYTES_MAX);
	buf_init(&utf8, BODY_BYTES_MAX);
	level1_format(&report, TEXT_UTF16LE, &utf16);
	assert_memory_equal(utf16.data, little, sizeof(little));
	(void)text_to_utf8(slice_sub(buf_slice(&utf16), 2, utf16.len), TEXT_UTF16LE, &utf8);
	struct slice declaration = SLICE_LITERAL("<?xml version=\"1.0\" encoding=\"UTF-16\"?>\r\n");
	assert_true(slice_starts_with(buf_slice(&utf8), declaration));
	buf_reset(&utf16);
	level1_format(&report, TEXT_UTF16BE, &utf16);
	assert_memory_equal(utf16.data, big, sizeof(big));
	buf_done(&utf16);
	buf_done(&utf8);
}

static void
reads_back_what_it_wrote(void **state)
{
	struct bench *bench = *state;
	struct report report = full_report();
	struct buf expected;
	buf_init(&expected, BODY_BYTES_MAX);
	report_lines_facts(&report, &expected);
	for (unsigned encoding = 0; encoding < TEXT_ENCODING_N; encoding++) {
		struct buf body;
		struct buf got;
		buf_init(&body, BODY_BYTES_MAX);
		buf_init(&got, BODY_BYTES_MAX);
		level1_format(&report, encoding, &body);
		assert_accepted(bench, buf_slice(&body));
		report_lines_facts(&bench->report, &got);
		if (!slice_equal(buf_slice(&expected), buf_slice(&got)))
			fail_msg("%.*s", SLICE_ARGS(buf_slice(&got)));
		assert_int_equal(bench->report.flags,
				 REPORT_FLAG_EXTRA_PARAMS | REPORT_FLAG_BAD_NUMBER);
		buf_done(&body);
		buf_done(&got);
	}
	buf_done(&expected);
}

static void
leaves_out_what_is_absent_or_optional_and_empty(void **state)
{
	const struct slice empty = SLICE_LITERAL("");
	struct report report = {
		.machine = empty,
		.oem = empty,
		.app_company = empty,
		.event_type = SLICE_LITERAL("X"),
		.friendly_event_name = empty,
		.event_description = empty,
		.params = {{.name = empty, .value = empty}},
		.n_params = 1,
	};
	struct buf out;
	(void)state;
	buf_init(&out, BODY_BYTES_MAX);
	level1_format(&report, TEXT_UTF8, &out);
	buf_append_byte(&out, 0);
	const char *root = strstr((const char *)out.data, "<MACHINEINFO");
	assert_non_null(root);
	assert_string_equal(root, "<MACHINEINFO machinename=\"\"/>\r\n<USERINFO/>\r\n"
				  "<EVENTINFO eventtype=\"X\"/>\r\n<SIGNATURE>\r\n"
				  "<PARAMETER id=\"0\" value=\"\"/>\r\n</SIGNATURE>\r\n"
				  "</WERREPORT>\r\n");
	buf_done(&out);
}

static void
cuts_between_characters(void **state)
{
	struct bench *bench = *state;
	struct report report = full_report();
	struct buf wide;
	struct buf body;
	buf_init(&wide, BODY_BYTES_MAX);
	buf_init(&body, BODY_BYTES_MAX);
	for (size_t i = 0; i < 300; i++)
		buf_append_str(&wide, "\xf0\x9f\x98\x80");
	report.machine = report.oem = report.app_name = report.app_path = report.app_company =
		files[0].name = buf_slice(&wide);
	report.user = buf_slice(&wide);
	level1_format(&report, TEXT_UTF16LE, &body);
	assert_accepted(bench, buf_slice(&body));
	assert_int_equal(bench->report.machine.len, 4 * 256);
	assert_int_equal(bench->report.oem.len, 4 * 32);
	assert_int_equal(bench->report.app_name.len, 4 * 256);
	assert_int_equal(bench->report.app_path.len, 4 * 256);
	assert_int_equal(bench->report.app_company.len, 4 * 256);
	assert_int_equal(bench->report.files[0].name.len, 4 * 256);
	assert_int_equal(bench->report.user.len, 4 * 300);
	assert_int_equal(bench->report.flags & (REPORT_FLAG_BAD_TEXT | REPORT_FLAG_LONG_TEXT), 0);
	/* The longest that is not cut. */
	report.machine = slice_sub(report.machine, 0, 4 * 256);
	buf_reset(&body);
	level1_format(&report, TEXT_UTF8, &body);
	assert_accepted(bench, buf_slice(&body));
	assert_true(slice_equal(bench->report.machine, report.machine));
	buf_done(&wide);
	buf_done(&body);
}

static void
says_that_the_document_does_not_fit(void **state)
{
	struct report report = full_report();
	(void)state;
	for (unsigned encoding = 0; encoding < TEXT_ENCODING_N; encoding++) {
		struct buf out;
		buf_init(&out, 500);
		level1_format(&report, encoding, &out);
		assert_int_equal(buf_error(&out), ERR_LIMIT);
		buf_done(&out);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(refuses_a_body_over_the_limit),
		TEST(refuses_a_value_over_the_limit),
		TEST(refuses_an_event_type_over_the_limit),
		TEST(refuses_lists_over_their_limits),
		TEST(keeps_every_item_of_a_full_list),
		TEST(refuses_what_does_not_fit_the_arena),
		TEST(writes_only_the_result_that_counts),
		TEST(refuses_a_body_cut_at_any_byte),
		TEST(says_where_in_the_body_the_error_is),
		TEST(says_where_behind_broken_text),
		TEST(says_that_what_ends_early_ends_at_its_end),
		TEST(works_after_every_refusal),
		TEST(keeps_nothing_of_the_body),
		TEST(names_every_reason),
		TEST(writes_the_document_of_the_specification),
		TEST(writes_utf16_with_its_byte_order_mark),
		TEST(reads_back_what_it_wrote),
		TEST(leaves_out_what_is_absent_or_optional_and_empty),
		TEST(cuts_between_characters),
		TEST(says_that_the_document_does_not_fit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
