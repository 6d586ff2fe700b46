#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "symbols/breakpad.h"

enum {
	TEXT_BYTES_MAX = 16 * 1024 * 1024
};

static struct symbols *
open_text(const char *text)
{
	struct symbols *symbols = NULL;
	struct err_detail detail = {.why = ""};
	if (breakpad_open(slice_str(text), &symbols, &detail) != OK)
		fail_msg("%s", detail.why);
	return symbols;
}

static void
assert_refused(const char *text, err_t err, const char *why, uint64_t offset)
{
	struct symbols *symbols = NULL;
	struct err_detail detail = {.why = ""};
	err_t got = breakpad_open(slice_str(text), &symbols, &detail);
	if (got != err)
		fail_msg("%s: %s", text, err_name(got));
	assert_null(symbols);
	assert_non_null(strstr(detail.why, why));
	assert_int_equal(detail.offset, offset);
}

/* "function file:line, function file:line" from the innermost outwards. */
static void
assert_found(const struct symbols *symbols, uint64_t rva, const char *expected)
{
	struct symbol symbol;
	struct buf text;
	buf_init(&text, TEXT_BYTES_MAX);
	assert_int_equal(symbols_find(symbols, rva, &symbol), OK);
	for (size_t i = 0; i < symbol.n_places; i++) {
		const struct symbol_place *place = &symbol.places[i];
		buf_append_str(&text, i == 0 ? "" : ", ");
		buf_append(&text, place->function);
		if (!slice_is_absent(place->file))
			buf_printf(&text, " %.*s", SLICE_ARGS(place->file));
		if (place->line != 0)
			buf_printf(&text, ":%u", place->line);
	}
	if (symbol.is_public)
		buf_append_str(&text, " (public)");
	buf_append_byte(&text, '\0');
	assert_string_equal((const char *)text.data, expected);
	buf_done(&text);
}

static void
assert_not_found(const struct symbols *symbols, uint64_t rva, err_t err)
{
	struct symbol symbol;
	assert_int_equal(symbols_find(symbols, rva, &symbol), err);
}

static void
refuses_what_is_no_symbol_file(void **state)
{
	(void)state;
	assert_refused("", ERR_TRUNCATED, "no record", 0);
	assert_refused("\n\r\n  \n", ERR_TRUNCATED, "no record", 0);
	assert_refused("\x7f"
		       "ELF",
		       ERR_CORRUPT, "line 1", 0);
	assert_refused("MODULE a b C n\nhello world\n", ERR_CORRUPT, "line 2", 15);
	assert_refused("UNKNOWN words alone\n", ERR_TRUNCATED, "no record", 0);
}

static void
refuses_broken_records_with_their_line(void **state)
{
	static const char *const broken[] = {
		"FUNC 1000",
		"FUNC 1000 4",
		"FUNC m",
		"FUNC x 4 0 name",
		"FUNC 1000 11112222333344445 0 name",
		"PUBLIC 1000",
		"PUBLIC zz 0 name",
		"FILE",
		"FILE a name",
		"FILE -1 name",
		"FILE 18446744073709551616 name",
		"INLINE_ORIGIN x name",
		"MODULE windows x86",
		"STACK CFI",
		"STACK CFI INIT 1000 .cfa: $esp 4 +",
		"STACK WIN 4 1000 c 1 0 0 0 0 0",
		"STACK WIN 4 1000 111111111 1 0 0 0 0 0 1 $eip",
		"STACK WIN 100 1000 1 1 0 0 0 0 0 1 $eip",
		"f00 4 44 1",
		"F00 4 44 1",
		"INLINE 0 1 1 1 f00 4",
	};
	(void)state;
	for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
		struct buf text;
		buf_init(&text, TEXT_BYTES_MAX);
		buf_printf(&text, "MODULE windows x86 1 a.pdb\n%s\n", broken[i]);
		buf_append_byte(&text, '\0');
		assert_refused((const char *)text.data, ERR_CORRUPT, "line 2: ", 27);
		buf_done(&text);
	}
}

static void
refuses_line_records_that_belong_to_no_function(void **state)
{
	(void)state;
	assert_refused("FILE 1 a.c\n1000 4 1 1\n", ERR_CORRUPT, "line 2", 11);
	assert_refused("FUNC 1000 4 0 f\nPUBLIC 2000 0 p\n2000 4 1 1\n", ERR_CORRUPT, "line 3", 32);
	assert_refused("FUNC 1000 4 0 f\nSTACK CFI 1000 .ra: 1\n1000 4 1 1\n", ERR_CORRUPT,
		       "line 3", 38);
}

static void
answers_corrupt_for_broken_lines_of_a_function_that_is_asked_for(void **state)
{
	(void)state;
	struct symbols *symbols = open_text("FUNC 1000 10 0 broken\n1000 4 x 1\n"
					    "FUNC 2000 10 0 inline\nINLINE 0 1 1 1 2000\n"
					    "FUNC 3000 10 0 good\n3000 4 7 1\n");
	assert_not_found(symbols, 0x1000, ERR_CORRUPT);
	assert_found(symbols, 0x3001, "good:7");
	symbols_free(symbols);
}

static void
refuses_inlined_calls_with_half_a_range_when_opening(void **state)
{
	(void)state;
	assert_refused("FUNC 2000 10 0 f\nINLINE 0 1 1 2000\n", ERR_CORRUPT, "line 2", 17);
	assert_refused("FUNC 2000 10 0 f\nINLINE 0 1 1 1 2000 4 zz 4\n", ERR_CORRUPT, "line 2", 17);
	assert_refused("FUNC 2000 10 0 f\nINLINE 0\n", ERR_CORRUPT, "line 2", 17);
}

static void
finds_functions_lines_and_public_names(void **state)
{
	(void)state;
	struct symbols *symbols = open_text("MODULE Linux x86_64 1 a\n"
					    "FILE 7 a.c\n"
					    "FILE 9 dir/b with blanks.c\n"
					    "FUNC 1000 20 0 first(int, char)\n"
					    "1000 8 10 7\n"
					    "1008 8 11 9\n"
					    "1018 8 0 3\n"
					    "FUNC m 2000 10 4 `anonymous'::x<y>\n"
					    "PUBLIC 1800 0 between\n"
					    "PUBLIC m 3000 0 behind all\n"
					    "PUBLIC 0 0 nowhere\n"
					    "FUNC 4000 10 0\n"
					    "FUNC 5000 0 0 zero\n");
	assert_not_found(symbols, 0, ERR_NOTFOUND);
	assert_not_found(symbols, 0xfff, ERR_NOTFOUND);
	assert_found(symbols, 0x1000, "first(int, char) a.c:10");
	assert_found(symbols, 0x1007, "first(int, char) a.c:10");
	assert_found(symbols, 0x1008, "first(int, char) dir/b with blanks.c:11");
	assert_found(symbols, 0x1010, "first(int, char)");
	assert_found(symbols, 0x1018, "first(int, char)");
	assert_not_found(symbols, 0x1020, ERR_NOTFOUND);
	assert_found(symbols, 0x17ff + 1, "between (public)");
	assert_found(symbols, 0x1fff, "between (public)");
	assert_found(symbols, 0x2000, "`anonymous'::x<y>");
	assert_not_found(symbols, 0x2010, ERR_NOTFOUND); /* a function lies between */
	assert_found(symbols, 0x3fff, "behind all (public)");
	assert_found(symbols, 0x4000, "");
	assert_not_found(symbols, 0x5000, ERR_NOTFOUND);
	symbols_free(symbols);
}

static void
finds_functions_in_any_order_and_of_two_the_first(void **state)
{
	(void)state;
	struct symbols *symbols = open_text("FUNC 3000 10 0 c\nFUNC 1000 10 0 a\n"
					    "FUNC 1000 80 0 again\nFUNC 2000 10 0 b\n"
					    "PUBLIC 8000 0 y\nPUBLIC 7000 0 x\nPUBLIC 7000 0 z\n");
	assert_found(symbols, 0x1004, "a");
	assert_found(symbols, 0x2004, "b");
	assert_found(symbols, 0x3004, "c");
	assert_not_found(symbols, 0x1010, ERR_NOTFOUND);
	assert_found(symbols, 0x7500, "x (public)");
	symbols_free(symbols);
}

static void
finds_inlined_calls_in_both_forms(void **state)
{
	(void)state;
	struct symbols *symbols = open_text("FILE 0 main.c\nFILE 1 a.h\nFILE 2 b.h\n"
					    "INLINE_ORIGIN 0 outer()\n"
					    "INLINE_ORIGIN 1 -1 inner of old form\n"
					    "INLINE_ORIGIN 2 7 old\n"
					    "FUNC 1000 100 0 main\n"
					    "INLINE 0 42 0 0 1010 40 1080 10\n"
					    "INLINE 1 31 1 1 1020 10\n"
					    "1000 10 5 0\n1010 10 6 1\n1020 10 7 2\n1030 d0 8 1\n"
					    "FUNC 2000 100 0 old_form\n"
					    "INLINE 0 9 2 2000 10\n"
					    "2000 10 3 1\n");
	assert_found(symbols, 0x1000, "main main.c:5");
	assert_found(symbols, 0x1010, "outer() a.h:6, main main.c:42");
	assert_found(symbols, 0x1020, "inner of old form b.h:7, outer() a.h:31, main main.c:42");
	assert_found(symbols, 0x1050, "main a.h:8");
	assert_found(symbols, 0x1085, "outer() a.h:8, main main.c:42");
	assert_found(symbols, 0x2000, "old a.h:3, old_form:9");
	symbols_free(symbols);
}

static void
cuts_inlined_calls_at_the_outside(void **state)
{
	struct symbol symbol;
	struct symbols *symbols;
	struct buf text;
	(void)state;
	buf_init(&text, TEXT_BYTES_MAX);
	buf_append_str(&text, "FUNC 1000 100 0 main\n");
	for (unsigned depth = 100; depth-- > 0;)
		buf_printf(&text, "INLINE %u %u 0 %u 1000 10\n", depth, depth + 1, depth);
	buf_append_str(&text, "1000 10 999 0\n");
	for (unsigned i = 0; i < 100; i++)
		buf_printf(&text, "INLINE_ORIGIN %u origin_%u\n", i, i);
	assert_int_equal(breakpad_open(buf_slice(&text), &symbols, NULL), OK);
	assert_int_equal(symbols_find(symbols, 0x1000, &symbol), OK);
	assert_int_equal(symbol.n_places, SYMBOL_PLACES_MAX);
	assert_true(slice_equal_str(symbol.places[0].function, "origin_99"));
	assert_int_equal(symbol.places[0].line, 999);
	assert_true(slice_equal_str(symbol.places[1].function, "origin_98"));
	assert_int_equal(symbol.places[1].line, 100);
	assert_true(slice_equal_str(symbol.places[SYMBOL_PLACES_MAX - 1].function, "main"));
	symbols_free(symbols);
	buf_done(&text);
}

static void
takes_crlf_blank_lines_and_no_newline_at_the_end(void **state)
{
	(void)state;
	struct symbols *symbols = open_text("MODULE mac x86_64 9DIGITS99 a b c\r\n\r\n"
					    "INFO CODE_ID 5ED439916EB4000 xul.dll\r\n"
					    "SOMETHING new\r\n"
					    "FILE 1 a.c\r\nFUNC 1000 10 0 f g\r\n1000 10 3 1");
	struct breakpad_module module;
	size_t counts[BREAKPAD_KIND_N];
	assert_found(symbols, 0x100f, "f g a.c:3");
	breakpad_count(symbols, counts);
	assert_int_equal(counts[BREAKPAD_OTHER], 1);
	assert_int_equal(counts[BREAKPAD_BLANK], 1);
	assert_int_equal(counts[BREAKPAD_FUNC], 1);
	assert_int_equal(counts[BREAKPAD_LINE], 1);
	symbols_free(symbols);
	breakpad_read_module(SLICE_LITERAL("MODULE mac x86_64 9DIGITS99 a b c\r\n"
					   "INFO CODE_ID 5ED439916EB4000 xul.dll\r\n"
					   "FILE 1 a\r\nINFO CODE_ID 7 late.dll\n"),
			     &module);
	assert_true(slice_equal_str(module.os, "mac"));
	assert_true(slice_equal_str(module.arch, "x86_64"));
	assert_true(slice_equal_str(module.debug_id, "9DIGITS99"));
	assert_true(slice_equal_str(module.name, "a b c"));
	assert_true(slice_equal_str(module.code_id, "5ED439916EB4000"));
	assert_true(slice_equal_str(module.code_name, "xul.dll"));
}

static void
knows_a_symbol_file_by_its_first_word(void **state)
{
	(void)state;
	assert_true(breakpad_detect(SLICE_LITERAL("MODULE Linux x86 1 a")));
	assert_true(breakpad_detect(SLICE_LITERAL("STACK CFI INIT 1 1 .cfa: 1")));
	assert_false(breakpad_detect(SLICE_LITERAL("MODULES")));
	assert_false(breakpad_detect(SLICE_LITERAL("MZ")));
	assert_false(breakpad_detect(SLICE_LITERAL("")));
}

static void
keeps_a_name_of_any_length(void **state)
{
	struct symbols *symbols;
	struct symbol symbol;
	struct buf text;
	(void)state;
	buf_init(&text, TEXT_BYTES_MAX);
	buf_append_str(&text, "FUNC 1000 10 0 ");
	for (unsigned i = 0; i < 1000000; i++)
		buf_append_byte(&text, 'x');
	assert_int_equal(breakpad_open(buf_slice(&text), &symbols, NULL), OK);
	assert_int_equal(symbols_find(symbols, 0x1000, &symbol), OK);
	assert_int_equal(symbol.places[0].function.len, 1000000);
	symbols_free(symbols);
	buf_done(&text);
}

static void
writes_what_it_read(void **state)
{
	static const char text[] =
		"MODULE windows x86 111111111111111111111111111111111 module 1.pdb\n"
		"INFO CODE_ID FFFFFFFF module1.exe\n"
		"INFO\n"
		"FILE 1 file1_1.cc\n"
		"INLINE_ORIGIN 0 bar()\n"
		"INLINE_ORIGIN 1 -1 bar()\n"
		"FUNC m 1000 c 0 Function1_1\n"
		"INLINE 0 42 1 1 15b45 6b1\n"
		"INLINE 1 39 0 15b72 684 1 2\n"
		"1000 4 44 1\n"
		"FUNC 2000 c 10\n"
		"PUBLIC m 2800 0 PublicSymbol\n"
		"PUBLIC 2800 4 PublicSymbol\n"
		"LATER word\n"
		"\n"
		"STACK WIN 4 1000 c 1 0 0 0 0 0 1 $eip 4 + ^ = $esp $ebp 8 + = $ebp $ebp ^ =\n"
		"STACK WIN 0 1000 c 1 2 3 4 5 6 0 1\n"
		"STACK CFI INIT 3d40 af .cfa: $esp 4 + .ra: .cfa 4 - ^\n"
		"STACK CFI 3d41 .cfa: $esp 8 +\n";
	struct buf out;
	(void)state;
	struct symbols *symbols = open_text(text);
	buf_init(&out, TEXT_BYTES_MAX);
	assert_int_equal(breakpad_format(symbols, &out), OK);
	buf_append_byte(&out, '\0');
	assert_string_equal((const char *)out.data, text);
	buf_done(&out);
	buf_init(&out, 100);
	assert_int_equal(breakpad_format(symbols, &out), ERR_LIMIT);
	buf_done(&out);
	symbols_free(symbols);
	symbols = open_text("FUNC 1000 10 0 f\n1000 x\n");
	buf_init(&out, TEXT_BYTES_MAX);
	assert_int_equal(breakpad_format(symbols, &out), ERR_CORRUPT);
	buf_done(&out);
	symbols_free(symbols);
}

/* As many entries as text can hold, all at one address: no look-up may walk over them all. */
static void
survives_a_million_names_at_one_address(void **state)
{
	struct symbols *symbols;
	struct buf text;
	(void)state;
	buf_init(&text, TEXT_BYTES_MAX);
	for (unsigned i = 0; i < 300000; i++)
		buf_printf(&text, "PUBLIC %x 0\nFUNC %x 1 0\nSTACK WIN 0 1 %x 0 0 0 0 0 0 0\n",
			   i % 3 + 1, 10 - i % 9, 300000 - i);
	assert_int_equal(breakpad_open(buf_slice(&text), &symbols, NULL), OK);
	assert_true(breakpad_index_bytes(symbols) < 2 * text.len);
	for (unsigned i = 0; i < 1000; i++) {
		struct symbol symbol;
		struct unwind unwind = {.callee.arch = ARCH_X86, .rva = 5};
		assert_int_equal(symbols_find(symbols, i % 10 + 1, &symbol), OK);
		assert_true(symbols_unwind(symbols, &unwind) != OK);
	}
	symbols_free(symbols);
	buf_done(&text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_what_is_no_symbol_file),
		cmocka_unit_test(refuses_broken_records_with_their_line),
		cmocka_unit_test(refuses_line_records_that_belong_to_no_function),
		cmocka_unit_test(answers_corrupt_for_broken_lines_of_a_function_that_is_asked_for),
		cmocka_unit_test(refuses_inlined_calls_with_half_a_range_when_opening),
		cmocka_unit_test(finds_functions_lines_and_public_names),
		cmocka_unit_test(finds_functions_in_any_order_and_of_two_the_first),
		cmocka_unit_test(finds_inlined_calls_in_both_forms),
		cmocka_unit_test(cuts_inlined_calls_at_the_outside),
		cmocka_unit_test(takes_crlf_blank_lines_and_no_newline_at_the_end),
		cmocka_unit_test(knows_a_symbol_file_by_its_first_word),
		cmocka_unit_test(keeps_a_name_of_any_length),
		cmocka_unit_test(writes_what_it_read),
		cmocka_unit_test(survives_a_million_names_at_one_address),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
