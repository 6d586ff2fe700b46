#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/limits.h"
#include "werctl/php_row.h"

#define S(text) SLICE_LITERAL(text)

enum {
	COLUMNS_MAX = 16
};

static struct slice names[COLUMNS_MAX];
static struct slice values[COLUMNS_MAX];
static struct foreign_row row;
static struct arena arena;
static struct level1_parser *parser;
static struct report report;

static int
open_row(void **state)
{
	(void)state;
	row = (struct foreign_row){.rowid = 1, .names = names, .values = values};
	arena_init(&arena, LIMIT_REPORT_ARENA_BYTES);
	parser = level1_parser_new();
	return 0;
}

static int
close_row(void **state)
{
	(void)state;
	level1_parser_free(parser);
	arena_done(&arena);
	return 0;
}

static void
column(const char *name, const char *value)
{
	names[row.n_columns] = slice_str(name);
	values[row.n_columns++] = slice_str(value);
}

static bool
read_row(void)
{
	return php_row_report(&row, parser, &arena, &report);
}

static void
refuses_a_row_without_an_event_type(void **state)
{
	(void)state;
	column("machinename", "pc");
	assert_false(read_row());
	column("eventtype", "");
	assert_false(read_row());
}

static void
takes_columns_named_like_attributes(void **state)
{
	(void)state;
	column("id", "7");
	column("MachineName", "pc-1");
	column("event_type", "APPCRASH");
	column("LCID", "1033");
	column("report type", "2");
	column("EventTime", "128267449141252896");
	column("AppPath", "C:\\a.exe");
	column("OEM", NULL);
	assert_true(read_row());
	assert_true(slice_equal_str(report.machine, "pc-1"));
	assert_true(slice_equal_str(report.event_type, "APPCRASH"));
	assert_true(report.has_lcid && report.lcid == 1033);
	assert_true(report.has_report_type && report.report_type == 2);
	assert_true(report.has_event_time && report.event_filetime == 128267449141252896);
	assert_true(slice_equal_str(report.app_path, "C:\\a.exe"));
	assert_true(slice_is_absent(report.oem));
}

static void
takes_times_as_seconds_and_as_text(void **state)
{
	(void)state;
	column("eventtype", "X");
	column("eventtime", "1205218919");
	assert_true(read_row());
	assert_true(report.event_filetime == 128496925190000000);
	values[1] = S("2008-03-11 07:01:59");
	assert_true(read_row());
	assert_true(report.event_filetime == 128496925190000000);
	values[1] = S("soon");
	assert_true(read_row());
	assert_false(report.has_event_time);
}

static void
assert_params(size_t count, const char *first, const char *last)
{
	assert_true(read_row());
	assert_int_equal(report.n_params, count);
	assert_true(slice_equal_str(report.params[0].value, first));
	assert_true(slice_equal_str(report.params[count - 1].value, last));
}

static void
reads_parameters_in_many_forms(void **state)
{
	(void)state;
	column("eventtype", "X");
	column("parameters", "[\"a.exe\",\"1.0\",\"c0000005\"]");
	assert_params(3, "a.exe", "c0000005");
	values[1] =
		S("[{\"id\":\"1\",\"name\":\"N\",\"value\":\"two\"},{\"id\":0,\"value\":\"one\"}]");
	assert_params(2, "one", "two");
	assert_true(slice_equal_str(report.params[1].name, "N"));
	values[1] = S("{\"0\":\"one\",\"1\":\"two\"}");
	assert_params(2, "one", "two");
	values[1] = S("<PARAMETER id=\"0\" name=\"A\" value=\"one\"/>"
		      "<PARAMETER id=\"1\" name=\"B\" value=\"two\"/>");
	assert_params(2, "one", "two");
	values[1] = S("<SIGNATURE><PARAMETER id=\"0\" value=\"one\"/>"
		      "<SECONDARYPARAMETER name=\"BCCode\" value=\"d1\"/></SIGNATURE>");
	assert_params(1, "one", "one");
	assert_int_equal(report.n_secondary, 1);
	values[1] = S("one\r\ntwo\r\n");
	assert_params(2, "one", "two");
	values[1] = S("one|two|three");
	assert_params(3, "one", "three");
	values[1] = S("[broken");
	assert_params(1, "[broken", "[broken");
}

static void
reads_numbered_columns(void **state)
{
	(void)state;
	column("eventtype", "X");
	column("P1", "one");
	column("P2", "two");
	assert_params(2, "one", "two");
	column("p0", "zero");
	assert_params(3, "zero", "two");
}

static void
mends_text_of_another_code_page(void **state)
{
	(void)state;
	column("eventtype", "X");
	column("username", "M\xfcller");
	assert_true(read_row());
	assert_true(slice_equal_str(report.user, "M\xef\xbf\xbdller"));
}

static void
finds_ids_that_stand_alone(void **state)
{
	(void)state;
	column("a", "0123456789abcdef0123456789abcdef0"); /* 33 digits */
	column("dumpfile", "/reports/01/23/0123456789abcdef0123456789ABCDEF/report.cab");
	column("uuid", "ffffffffffffffffffffffffffffffff");
	assert_true(slice_equal_str(php_row_id(&row, 0), "0123456789abcdef0123456789ABCDEF"));
	assert_true(slice_equal_str(php_row_id(&row, 1), "ffffffffffffffffffffffffffffffff"));
	assert_true(slice_is_absent(php_row_id(&row, 2)));
}

static void
finds_a_whole_document_in_a_column(void **state)
{
	(void)state;
	column("eventtype", "X");
	assert_true(slice_is_absent(php_row_document(&row)));
	column("raw", "<?xml version=\"1.0\"?><WERREPORT/>");
	assert_int_equal(php_row_document(&row).len, 33);
	values[1] = slice_of("\xff\xfe<\0", 4);
	assert_int_equal(php_row_document(&row).len, 4);
}

static void
compares_names_without_case_and_separators(void **state)
{
	(void)state;
	assert_true(foreign_is_named(S("Event_Type"), "eventtype"));
	assert_true(foreign_is_named(S("EVENT-TYPE"), "eventtype"));
	assert_false(foreign_is_named(S("eventtypes"), "eventtype"));
	assert_false(foreign_is_named(S("event"), "eventtype"));
	assert_false(foreign_is_named(S(""), "eventtype"));
}

int
main(void)
{
#define ROW_TEST(name) cmocka_unit_test_setup_teardown(name, open_row, close_row)
	const struct CMUnitTest tests[] = {
		ROW_TEST(refuses_a_row_without_an_event_type),
		ROW_TEST(takes_columns_named_like_attributes),
		ROW_TEST(takes_times_as_seconds_and_as_text),
		ROW_TEST(reads_parameters_in_many_forms),
		ROW_TEST(reads_numbered_columns),
		ROW_TEST(mends_text_of_another_code_page),
		ROW_TEST(finds_ids_that_stand_alone),
		ROW_TEST(finds_a_whole_document_in_a_column),
		ROW_TEST(compares_names_without_case_and_separators),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
