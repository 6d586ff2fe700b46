#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "werctl/diff.h"

#define S(text) SLICE_LITERAL(text)

static void
append_row(void *context, const struct diff_row *row)
{
	struct buf *out = context;
	buf_printf(out, "%s %s", row->is_equal ? "=" : "!", row->attribute);
	if (row->name.len > 0)
		buf_printf(out, " (%.*s)", SLICE_ARGS(row->name));
	buf_printf(out, ": %.*s", SLICE_ARGS(slice_is_absent(row->a) ? S("-") : row->a));
	buf_printf(out, " | %.*s\n", SLICE_ARGS(slice_is_absent(row->b) ? S("-") : row->b));
}

static void
assert_diff(const struct report *a, const struct report *b, const char *expected)
{
	struct buf out;
	buf_init(&out, 65536);
	diff_reports(a, b, append_row, &out);
	buf_append_byte(&out, '\0');
	assert_string_equal((const char *)out.data, expected);
	buf_done(&out);
}

static void
tells_absent_from_empty(void **state)
{
	const struct report a = {.machine = S(""), .oem = S("x")};
	const struct report b = {.oem = S("x")};
	(void)state;
	assert_diff(&a, &b, "! machine:  | -\n= oem: x | x\n");
}

static void
compares_numbers_and_times(void **state)
{
	const struct report a = {.has_lcid = true,
				 .lcid = 1033,
				 .has_event_time = true,
				 .event_filetime = UINT64_C(128267449141252896)};
	const struct report b = {.has_lcid = true, .lcid = 1031, .has_report_type = true};
	(void)state;
	assert_diff(&a, &b,
		    "! lcid: 1033 | 1031\n"
		    "! report_type: - | 0\n"
		    "! event_time: 2007-06-19T16:41:54.125289Z | -\n");
}

static void
compares_parameters_by_position(void **state)
{
	const struct report a = {.params = {{S("Name"), S("x")}, {S(""), S("1")}}, .n_params = 2};
	const struct report b = {.params = {{S("Anwendung"), S("y")}}, .n_params = 1};
	(void)state;
	assert_diff(&a, &b, "! param 0 (Name): x | y\n! param 1: 1 | -\n");
}

static void
compares_lists_by_name_without_order(void **state)
{
	struct report_pair pairs_a[] = {{S("BCCode"), S("d1")}, {S("BCP1"), S("0")}};
	struct report_pair pairs_b[] = {{S("bcp1"), S("0")}, {S("Product"), S("256_1")}};
	struct report_file files_a[] = {{.name = S("a.dmp"), .type_text = S("2")}};
	struct report_file files_b[] = {{.name = S("b.xml"), .type_text = S("5")}};
	const struct report a = {
		.secondary = pairs_a, .n_secondary = 2, .files = files_a, .n_files = 1};
	const struct report b = {
		.secondary = pairs_b, .n_secondary = 2, .files = files_b, .n_files = 1};
	(void)state;
	assert_diff(&a, &b,
		    "! secondary BCCode: d1 | -\n= secondary BCP1: 0 | 0\n"
		    "! secondary Product: - | 256_1\n! file a.dmp: 2 | -\n! file b.xml: - | 5\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tells_absent_from_empty),
		cmocka_unit_test(compares_numbers_and_times),
		cmocka_unit_test(compares_parameters_by_position),
		cmocka_unit_test(compares_lists_by_name_without_order),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
