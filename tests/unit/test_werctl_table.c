#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "base/time.h"
#include "werctl/cell.h"
#include "werctl/hexdump.h"
#include "werctl/table.h"

static void
assert_text(struct buf *out, const char *expected)
{
	buf_append_byte(out, '\0');
	assert_string_equal((const char *)out->data, expected);
	buf_reset(out);
}

static int
open_buf(void **state)
{
	static struct buf out;
	cell_locale();
	buf_init(&out, 1 << 20);
	*state = &out;
	return 0;
}

static int
close_buf(void **state)
{
	buf_done(*state);
	return 0;
}

static void
lets_no_control_character_through(void **state)
{
	struct buf *out = *state;
	cell_text(slice_of("\x1b[31m\x00\x7f\r\n", 9), out);
	assert_text(out, "\u241b[31m\u2400\u2421\u240d\u240a");
	cell_text(slice_str("\xc2\x9b"
			    "2J \xe2\x80\xae"
			    "exe.txt \xe2\x80\x8b"),
		  out);
	assert_text(out, "<U+009B>2J <U+202E>exe.txt <U+200B>");
	cell_text(slice_of("a\xff"
			   "b",
			   3),
		  out);
	assert_text(out, "a\xef\xbf\xbd"
			 "b");
}

static void
keeps_windows_paths_readable(void **state)
{
	struct buf *out = *state;
	cell_text(slice_str("C:\\tmp\\m\xc3\xbcll.exe"), out);
	assert_text(out, "C:\\tmp\\m\xc3\xbcll.exe");
}

static void
counts_columns_and_not_bytes(void **state)
{
	(void)state;
	assert_int_equal(cell_width(slice_str("abc")), 3);
	assert_int_equal(cell_width(slice_str("\xc3\xbc\xe4\xbd\xa0\xe5\xa5\xbd")), 5);
	assert_int_equal(cell_width(slice_str("e\xcc\x81")), 1); /* combining acute */
	assert_int_equal(cell_width((struct slice){NULL, 0}), 0);
}

static void
cuts_between_characters(void **state)
{
	struct buf *out = *state;
	cell_cut(slice_str("abcdef"), 6, out);
	assert_text(out, "abcdef");
	cell_cut(slice_str("abcdefg"), 6, out);
	assert_text(out, "abcde\xe2\x80\xa6");
	/* A wide character that would only half fit is left out. */
	cell_cut(slice_str("\xe4\xbd\xa0\xe5\xa5\xbd\xe4\xbd\xa0"), 4, out);
	assert_text(out, "\xe4\xbd\xa0\xe2\x80\xa6");
	cell_cut(slice_str("abc"), 1, out);
	assert_text(out, "\xe2\x80\xa6");
}

static void
cuts_in_the_middle_where_the_end_tells_apart(void **state)
{
	struct buf *out = *state;
	cell_cut_middle(slice_str("abcdefghijkl"), 12, out);
	assert_text(out, "abcdefghijkl");
	cell_cut_middle(slice_str("abcdefghijkl"), 11, out);
	assert_text(out, "abcdef\xe2\x80\xa6ijkl");
	cell_cut_middle(slice_str("ab\xe4\xbd\xa0\xe4\xbd\xa0\xe4\xbd\xa0\xe4\xbd\xa0z"), 8, out);
	assert_text(out, "ab\xe4\xbd\xa0\xe2\x80\xa6z");
	cell_cut_middle(slice_str("abc"), 1, out);
	assert_text(out, "\xe2\x80\xa6");
}

static void
writes_times_sizes_and_spans(void **state)
{
	struct buf *out = *state;
	cell_time(INT64_C(1764040313123456), out);
	assert_text(out, "2025-11-25 03:11:53Z");
	cell_bytes(1023, out);
	assert_text(out, "1023 bytes");
	cell_bytes(1536, out);
	assert_text(out, "1.5 KiB");
	cell_bytes(UINT64_C(20) << 30, out);
	assert_text(out, "20 GiB");
	cell_span(TIME_DAY_US * 2, out);
	assert_text(out, "2 days");
	cell_span(TIME_HOUR_US, out);
	assert_text(out, "1 hour");
	cell_span(-5, out);
	assert_text(out, "0.0 s");
}

static void
shows_control_characters_as_pictures(void **state)
{
	struct buf *out = *state;
	hexdump(slice_of("<\0?\r\n\x7f\xff"
			 "0123456789",
			 17),
		out);
	assert_text(out, "00000000  3c 00 3f 0d 0a 7f ff 30  31 32 33 34 35 36 37 38  "
			 "<\xe2\x90\x80?\xe2\x90\x8d\xe2\x90\x8a\xe2\x90\xa1\xc2\xb7"
			 "012345678\n"
			 "00000010  39                                                9\n");
}

/* ---- tables ---- */

static const struct table_column columns[] = {
	{.title = "ID", .is_right = true},
	{.title = "MACHINE", .least = 6},
	{.title = "EVENT", .rank = 1},
};

static void
add_row(struct table *table, const char *id, const char *machine, const char *event)
{
	table_cell(table, slice_str(id));
	table_cell(table, slice_str(machine));
	table_cell(table, slice_str(event));
}

static void
aligns_columns(void **state)
{
	struct buf *out = *state;
	struct table *table = table_new(columns, 3, 0);
	add_row(table, "1", "a-long-machine-name.example.com", "APPCRASH");
	add_row(table, "1000", "\xe4\xbd\xa0", NULL);
	table_flush(table, false, out);
	assert_text(out, "  ID  MACHINE                          EVENT\n"
			 "   1  a-long-machine-name.example.com  APPCRASH\n"
			 "1000  \xe4\xbd\xa0                               -\n");
	table_free(table);
}

static void
cuts_the_widest_column_to_fit_a_terminal(void **state)
{
	struct buf *out = *state;
	struct table *table = table_new(columns, 3, 26);
	add_row(table, "1000", "a-long-machine-name.example.com", "APPCRASH");
	table_flush(table, false, out);
	assert_text(out, "  ID  MACHINE     EVENT\n"
			 "1000  a-long-ma\xe2\x80\xa6  APPCRASH\n");
	table_free(table);
}

static void
leaves_columns_out_when_cutting_does_not_help(void **state)
{
	struct buf *out = *state;
	struct table *table = table_new(columns, 3, 16);
	add_row(table, "1000", "a-long-machine-name.example.com", "APPCRASH");
	table_flush(table, false, out);
	assert_text(out, "  ID  MACHINE\n"
			 "1000  a-long-ma\xe2\x80\xa6\n");
	table_free(table);
}

static void
keeps_its_widths_and_prints_its_titles_once(void **state)
{
	struct buf *out = *state;
	struct table *table = table_new(columns, 3, 0);
	table_flush(table, false, out);
	assert_int_equal(out->len, 0);
	add_row(table, "1", "machine-1", "x");
	table_flush(table, false, out);
	buf_reset(out);
	add_row(table, "2", "m", "");
	table_flush(table, false, out);
	assert_text(out, " 2  m\n");
	table_free(table);
}

static void
colors_only_when_told(void **state)
{
	static const struct table_column colored[] = {{.title = "A", .style = STYLE_BAD},
						      {.title = "B"}};
	struct buf *out = *state;
	struct table *table = table_new(colored, 2, 0);
	table_cell(table, slice_str("x"));
	table_cell(table, slice_str("y"));
	table_flush(table, true, out);
	assert_text(out, "\033[1mA\033[0m  \033[1mB\033[0m\n\033[31mx\033[0m  y\n");
	table_free(table);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lets_no_control_character_through),
		cmocka_unit_test(keeps_windows_paths_readable),
		cmocka_unit_test(counts_columns_and_not_bytes),
		cmocka_unit_test(cuts_between_characters),
		cmocka_unit_test(cuts_in_the_middle_where_the_end_tells_apart),
		cmocka_unit_test(writes_times_sizes_and_spans),
		cmocka_unit_test(shows_control_characters_as_pictures),
		cmocka_unit_test(aligns_columns),
		cmocka_unit_test(cuts_the_widest_column_to_fit_a_terminal),
		cmocka_unit_test(leaves_columns_out_when_cutting_does_not_help),
		cmocka_unit_test(keeps_its_widths_and_prints_its_titles_once),
		cmocka_unit_test(colors_only_when_told),
	};
	return cmocka_run_group_tests(tests, open_buf, close_buf);
}
