#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <iconv.h>

#include "base/text.h"

/* A small generator of our own: the same sequence on every machine. */
static uint32_t random_state = 20260101;

static uint32_t
next_random(uint32_t below)
{
	random_state = random_state * 1664525 + 1013904223;
	return (random_state >> 8) % below;
}

static struct buf buf_a;
static struct buf buf_b;

static int
set_up(void **state)
{
	(void)state;
	buf_init(&buf_a, 1 << 16);
	buf_init(&buf_b, 1 << 16);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	buf_done(&buf_a);
	buf_done(&buf_b);
	return 0;
}

/* What iconv makes of IN; false when it refuses. */
static bool
by_iconv(const char *to, const char *from, struct slice in, uint8_t *out, size_t *len)
{
	iconv_t converter = iconv_open(to, from);
	assert_true(converter != (iconv_t)-1);
	uint8_t copy[4096];
	assert_true(in.len <= sizeof(copy));
	memcpy(copy, in.data, in.len);
	char *at = (char *)copy;
	char *out_at = (char *)out;
	size_t left = in.len;
	size_t room = *len;
	size_t result = iconv(converter, &at, &left, &out_at, &room);
	(void)iconv_close(converter);
	*len -= room;
	return result == 0 && left == 0;
}

static void
append_random_character(struct buf *utf8)
{
	static const uint32_t below[] = {0x80, 0x800, 0x10000, 0x110000};
	uint32_t c;
	do
		c = next_random(below[next_random(4)]);
	while (c >= 0xd800 && c < 0xe000);
	uint8_t le[4] = {(uint8_t)c, (uint8_t)(c >> 8), (uint8_t)(c >> 16), 0};
	uint8_t out[8];
	size_t len = sizeof(out);
	assert_true(by_iconv("UTF-8", "UTF-32LE", slice_of(le, 4), out, &len));
	buf_append(utf8, slice_of(out, len));
}

static void
broken_sequences_become_replacement_characters(void **state)
{
	(void)state;
	static const struct {
		const char *in;
		size_t broken;
	} cases[] = {
		{"\x80", 1},
		{"\xc0\x80", 2},
		{"\xc1\xbf", 2},
		{"\xe0\x80\x80", 3},
		{"\xed\xa0\x80", 3},
		{"\xf5\x80\x80\x80", 4},
		{"\xf4\x90\x80\x80", 4},
		{"a\xffz", 1},
		{"\xc3", 1},
		{"\xe2\x82", 2},
		{"\xf0\x9f\x98", 3},
		{"\xf0\x80\x80\x80", 4},
		{"\xc3\xa4\xc3", 1},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		buf_reset(&buf_a);
		assert_false(text_is_utf8(slice_str(cases[i].in)));
		assert_int_equal(text_to_utf8(slice_str(cases[i].in), TEXT_UTF8, &buf_a),
				 cases[i].broken);
		assert_true(text_is_utf8(buf_slice(&buf_a)));
	}
}

static void
lone_surrogates_and_odd_bytes_are_counted(void **state)
{
	(void)state;
	const struct {
		struct slice in;
		enum text_encoding encoding;
		size_t broken;
		const char *out;
	} cases[] = {
		{SLICE_LITERAL("\x00\xd8"), TEXT_UTF16LE, 1, "\xef\xbf\xbd"},
		{SLICE_LITERAL("\x00\xdc"), TEXT_UTF16LE, 1, "\xef\xbf\xbd"},
		{SLICE_LITERAL("\x00\xd8\x41\x00"), TEXT_UTF16LE, 1, "\xef\xbf\xbd\x41"},
		{SLICE_LITERAL("\x00\xd8\x00\xd8\x00\xdc"), TEXT_UTF16LE, 1,
		 "\xef\xbf\xbd\xf0\x90\x80\x80"},
		{SLICE_LITERAL("\x00\x41\x42"), TEXT_UTF16BE, 1, "A\xef\xbf\xbd"},
		{SLICE_LITERAL("\x41"), TEXT_UTF16LE, 1, "\xef\xbf\xbd"},
		{SLICE_LITERAL(""), TEXT_UTF16LE, 0, ""},
		{SLICE_LITERAL("\xd8\x3d\xde\x00"), TEXT_UTF16BE, 0, "\xf0\x9f\x98\x80"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		buf_reset(&buf_a);
		assert_int_equal(text_to_utf8(cases[i].in, cases[i].encoding, &buf_a),
				 cases[i].broken);
		assert_true(slice_equal_str(buf_slice(&buf_a), cases[i].out));
	}
}

static void
a_text_that_fits_its_cap_is_not_refused(void **state)
{
	(void)state;
	struct buf out;
	uint8_t utf16[2000];
	for (size_t i = 0; i < sizeof(utf16); i++)
		utf16[i] = i % 2 == 0 ? 'x' : 0;
	buf_init(&out, 1000);
	assert_int_equal(text_to_utf8(slice_of(utf16, sizeof(utf16)), TEXT_UTF16LE, &out), 0);
	assert_int_equal(buf_error(&out), OK);
	assert_int_equal(buf_slice(&out).len, 1000);
	buf_done(&out);
	buf_init(&out, 999);
	(void)text_to_utf8(slice_of(utf16, sizeof(utf16)), TEXT_UTF16LE, &out);
	assert_int_equal(buf_error(&out), ERR_LIMIT);
	buf_done(&out);
}

static void
utf16_agrees_with_iconv_in_both_directions(void **state)
{
	(void)state;
	for (int round = 0; round < 300; round++) {
		enum text_encoding encoding = round % 2 == 0 ? TEXT_UTF16LE : TEXT_UTF16BE;
		const char *name = round % 2 == 0 ? "UTF-16LE" : "UTF-16BE";
		uint8_t expected[8192];
		size_t len = sizeof(expected);
		buf_reset(&buf_a);
		buf_reset(&buf_b);
		for (uint32_t i = next_random(40); i > 0; i--) {
			append_random_character(&buf_a);
			for (uint32_t k = next_random(60); k > 0 && i % 3 == 0; k--)
				buf_append_byte(&buf_a, (uint8_t)(' ' + next_random(90)));
		}
		assert_true(text_is_utf8(buf_slice(&buf_a)));
		assert_true(by_iconv(name, "UTF-8", buf_slice(&buf_a), expected, &len));
		text_to_utf16(buf_slice(&buf_a), encoding, &buf_b);
		assert_true(slice_equal(buf_slice(&buf_b), slice_of(expected, len)));
		struct buf back;
		buf_init(&back, 1 << 16);
		assert_int_equal(text_to_utf8(buf_slice(&buf_b), encoding, &back), 0);
		assert_true(slice_equal(buf_slice(&back), buf_slice(&buf_a)));
		buf_done(&back);
	}
}

static void
what_is_broken_or_does_not_fit_stays_bounded(void **state)
{
	(void)state;
	struct buf tight;
	text_to_utf16(SLICE_LITERAL("a\xffz\xe2\x82"), TEXT_UTF16BE, &buf_a);
	assert_true(
		slice_equal(buf_slice(&buf_a), SLICE_LITERAL("\0a\xff\xfd\0z\xff\xfd\xff\xfd")));
	assert_int_equal(text_to_utf8(SLICE_LITERAL("gr\xc3\xb6\xc3\x9f"
						    "e"),
				      TEXT_UTF8, &buf_b),
			 0);
	assert_true(slice_equal_str(buf_slice(&buf_b), "gr\xc3\xb6\xc3\x9f"
						       "e"));
	buf_init(&tight, 3);
	text_hex(SLICE_LITERAL("ab"), &tight);
	assert_int_equal(buf_error(&tight), ERR_LIMIT);
	buf_reset(&tight);
	text_fold(SLICE_LITERAL("ABCD"), &tight);
	assert_int_equal(buf_error(&tight), ERR_LIMIT);
	assert_int_equal(buf_slice(&tight).len, 0);
	buf_done(&tight);
}

static void
long_texts_are_whole_at_every_piece_border(void **state)
{
	(void)state;
	for (size_t shift = 0; shift < 16; shift++) {
		struct buf back;
		buf_init(&back, 1 << 16);
		buf_reset(&buf_a);
		buf_reset(&buf_b);
		for (size_t i = 0; i < 1500 + shift; i++)
			buf_append_byte(&buf_a, 'x');
		for (size_t i = 0; i < 600; i++)
			buf_append_str(&buf_a, i % 3 == 0 ? "\xf0\x9f\x98\x80" : "\xe2\x82\xac");
		text_to_utf16(buf_slice(&buf_a), TEXT_UTF16LE, &buf_b);
		assert_int_equal(text_to_utf8(buf_slice(&buf_b), TEXT_UTF16LE, &back), 0);
		assert_true(slice_equal(buf_slice(&back), buf_slice(&buf_a)));
		buf_done(&back);
	}
}

static void
code_page_1252_agrees_with_iconv(void **state)
{
	(void)state;
	for (uint32_t c = 1; c < 0x3000; c++) {
		uint8_t le[4] = {(uint8_t)c, (uint8_t)(c >> 8), 0, 0};
		uint8_t utf8[8];
		uint8_t expected[8];
		size_t utf8_len = sizeof(utf8);
		size_t len = sizeof(expected);
		assert_true(by_iconv("UTF-8", "UTF-32LE", slice_of(le, 4), utf8, &utf8_len));
		buf_reset(&buf_a);
		bool known = by_iconv("CP1252", "UTF-8", slice_of(utf8, utf8_len), expected, &len);
		assert_int_equal(text_to_cp1252(slice_of(utf8, utf8_len), &buf_a), known);
		if (known)
			assert_true(slice_equal(buf_slice(&buf_a), slice_of(expected, len)));
	}
	assert_false(text_to_cp1252(SLICE_LITERAL("\xff"), &buf_a));
}

static void
encodings_are_told_by_mark_and_by_zero_bytes(void **state)
{
	(void)state;
	const struct {
		struct slice in;
		enum text_encoding encoding;
		size_t bom;
	} cases[] = {
		{SLICE_LITERAL("\xff\xfe<\0"), TEXT_UTF16LE, 2},
		{SLICE_LITERAL("\xfe\xff\0<"), TEXT_UTF16BE, 2},
		{SLICE_LITERAL("\xef\xbb\xbf<"), TEXT_UTF8, 3},
		{SLICE_LITERAL("<\0?\0"), TEXT_UTF16LE, 0},
		{SLICE_LITERAL("\0<\0?"), TEXT_UTF16BE, 0},
		{SLICE_LITERAL("<?xml"), TEXT_UTF8, 0},
		{SLICE_LITERAL(""), TEXT_UTF8, 0},
		{SLICE_LITERAL("\xff"), TEXT_UTF8, 0},
		{SLICE_LITERAL("\0\0"), TEXT_UTF8, 0},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t bom = 99;
		assert_int_equal(text_detect(cases[i].in, &bom), cases[i].encoding);
		assert_int_equal(bom, cases[i].bom);
	}
}

static void
hex_escape_and_fold_are_exact(void **state)
{
	(void)state;
	text_hex(SLICE_LITERAL("\x00\xff\x1a"), &buf_a);
	assert_true(slice_equal_str(buf_slice(&buf_a), "00ff1a"));
	assert_true(text_from_hex(SLICE_LITERAL("00FF1a"), &buf_b));
	assert_true(slice_equal(buf_slice(&buf_b), SLICE_LITERAL("\x00\xff\x1a")));
	assert_false(text_from_hex(SLICE_LITERAL("0"), &buf_b));
	assert_false(text_from_hex(SLICE_LITERAL("0x"), &buf_b));
	assert_false(text_from_hex(SLICE_LITERAL("zz"), &buf_b));
	buf_reset(&buf_a);
	text_escape(SLICE_LITERAL("a\\\r\n\x1b[31m\x7f"), &buf_a);
	assert_true(slice_equal_str(buf_slice(&buf_a), "a\\\\\\x0d\\x0a\\x1b[31m\\x7f"));
	buf_reset(&buf_a);
	text_fold(SLICE_LITERAL("AZaz@[\xc3\x84"), &buf_a);
	assert_true(slice_equal_str(buf_slice(&buf_a), "azaz@[\xc3\x84"));
	assert_true(text_is_ascii(SLICE_LITERAL("12345678901234567")));
	assert_false(text_is_ascii(SLICE_LITERAL("1234567890123456\x80")));
	assert_false(text_is_ascii(SLICE_LITERAL("\x80"
						 "234567890123456")));
}

/* The slow and obvious matcher: the pattern's first character against every choice.  Depth is
 * bounded by the few characters of the test. */
static bool
matches_slowly(const char *pattern, const char *in)
{
	size_t step = 1;
	while ((in[0] & 0x80) != 0 && ((uint8_t)in[step] & 0xc0) == 0x80)
		step++;
	if (*pattern == '\0')
		return *in == '\0';
	if (*pattern == '*')
		return matches_slowly(pattern + 1, in) ||
		       (*in != '\0' && matches_slowly(pattern, in + step));
	if (*in == '\0')
		return false;
	if (*pattern == '?')
		return matches_slowly(pattern + 1, in + step);
	return *pattern == *in && matches_slowly(pattern + 1, in + 1);
}

static void
patterns_agree_with_a_slow_matcher(void **state)
{
	(void)state;
	static const char *const of_pattern[] = {"*", "?", "a", "b", "\xc3\xa9"};
	static const char *const of_text[] = {"a", "b", "\xc3\xa9", "\xe2\x82\xac"};
	for (int round = 0; round < 20000; round++) {
		char pattern[32] = "";
		char text[32] = "";
		for (uint32_t i = next_random(6); i > 0; i--)
			strncat(pattern, of_pattern[next_random(5)], 4);
		for (uint32_t i = next_random(7); i > 0; i--)
			strncat(text, of_text[next_random(4)], 4);
		assert_int_equal(text_matches(slice_str(pattern), slice_str(text)),
				 matches_slowly(pattern, text));
	}
}

static void
patterns_fold_case_and_end_in_time(void **state)
{
	(void)state;
	static uint8_t stars[2000];
	static uint8_t letters[4000];
	assert_true(text_matches(SLICE_LITERAL("*.EXE"), SLICE_LITERAL("GPFMe.exe")));
	assert_true(text_matches(SLICE_LITERAL("gpf??.exe"), SLICE_LITERAL("GPFMe.exe")));
	assert_false(text_matches(SLICE_LITERAL("gpf?.exe"), SLICE_LITERAL("GPFMe.exe")));
	assert_true(text_matches(SLICE_LITERAL(""), SLICE_LITERAL("")));
	assert_false(text_matches(SLICE_LITERAL(""), SLICE_LITERAL("a")));
	assert_true(text_matches(SLICE_LITERAL("**"), (struct slice){NULL, 0}));
	assert_true(text_matches(SLICE_LITERAL("?"), SLICE_LITERAL("\xf0\x9f\x98\x80")));
	for (size_t i = 0; i < sizeof(stars); i++)
		stars[i] = i % 2 == 0 ? '*' : 'a';
	memset(letters, 'a', sizeof(letters));
	letters[sizeof(letters) - 1] = 'b';
	assert_false(
		text_matches(slice_of(stars, sizeof(stars)), slice_of(letters, sizeof(letters))));
	assert_true(text_has_wildcard(SLICE_LITERAL("a?")));
	assert_true(text_has_wildcard(SLICE_LITERAL("*")));
	assert_false(text_has_wildcard(SLICE_LITERAL("a.exe")));
	assert_false(text_has_wildcard((struct slice){NULL, 0}));
}

int
main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		CASE(broken_sequences_become_replacement_characters),
		CASE(lone_surrogates_and_odd_bytes_are_counted),
		CASE(a_text_that_fits_its_cap_is_not_refused),
		CASE(utf16_agrees_with_iconv_in_both_directions),
		CASE(what_is_broken_or_does_not_fit_stays_bounded),
		CASE(long_texts_are_whole_at_every_piece_border),
		CASE(code_page_1252_agrees_with_iconv),
		CASE(encodings_are_told_by_mark_and_by_zero_bytes),
		CASE(hex_escape_and_fold_are_exact),
		CASE(patterns_agree_with_a_slow_matcher),
		CASE(patterns_fold_case_and_end_in_time),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
