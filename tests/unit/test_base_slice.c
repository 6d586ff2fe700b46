#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/slice.h"

static const struct slice absent = {NULL, 0};

static void
absent_slices_are_safe_everywhere(void **state)
{
	(void)state;
	struct slice head = SLICE_LITERAL("untouched");
	struct slice tail = head;
	uint64_t number = 7;
	assert_true(slice_is_absent(absent));
	assert_false(slice_is_absent(SLICE_LITERAL("")));
	assert_true(slice_equal(absent, SLICE_LITERAL("")));
	assert_true(slice_equal_nocase(absent, SLICE_LITERAL("")));
	assert_int_equal(slice_compare(absent, SLICE_LITERAL("")), 0);
	assert_int_equal(slice_sub(absent, 0, 10).len, 0);
	assert_int_equal(slice_trim(absent).len, 0);
	assert_false(slice_cut(absent, 'x', &head, &tail));
	assert_true(slice_equal_str(head, "untouched"));
	assert_false(slice_to_u64(absent, &number));
	assert_false(slice_hex_to_u64(absent, &number));
	assert_int_equal(number, 7);
	assert_true(slice_is_absent(slice_str(NULL)));
}

static void
parts_beyond_the_end_are_clamped(void **state)
{
	(void)state;
	struct slice s = SLICE_LITERAL("abcdef");
	assert_true(slice_equal_str(slice_sub(s, 2, 2), "cd"));
	assert_true(slice_equal_str(slice_sub(s, 4, 100), "ef"));
	assert_true(slice_equal_str(slice_sub(s, 4, SIZE_MAX), "ef"));
	assert_int_equal(slice_sub(s, 6, 1).len, 0);
	assert_int_equal(slice_sub(s, 7, 1).len, 0);
	assert_int_equal(slice_sub(s, SIZE_MAX, SIZE_MAX).len, 0);
}

static void
decimal_numbers_that_overflow_are_refused(void **state)
{
	(void)state;
	static const char *const refused[] = {"",
					      "-1",
					      "+1",
					      " 1",
					      "1 ",
					      "0x1",
					      "1.0",
					      "18446744073709551616",
					      "99999999999999999999999999"};
	uint64_t value = 7;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		assert_false(slice_to_u64(slice_str(refused[i]), &value));
	assert_int_equal(value, 7);
	assert_true(slice_to_u64(SLICE_LITERAL("18446744073709551615"), &value));
	assert_true(value == UINT64_MAX);
	assert_true(slice_to_u64(SLICE_LITERAL("0000000000000000000000042"), &value));
	assert_int_equal(value, 42);
}

static void
signed_numbers_reach_both_ends(void **state)
{
	(void)state;
	int64_t value = 7;
	assert_false(slice_to_i64(SLICE_LITERAL("9223372036854775808"), &value));
	assert_false(slice_to_i64(SLICE_LITERAL("-9223372036854775809"), &value));
	assert_false(slice_to_i64(SLICE_LITERAL("--1"), &value));
	assert_false(slice_to_i64(SLICE_LITERAL("-"), &value));
	assert_int_equal(value, 7);
	assert_true(slice_to_i64(SLICE_LITERAL("-9223372036854775808"), &value));
	assert_true(value == INT64_MIN);
	assert_true(slice_to_i64(SLICE_LITERAL("9223372036854775807"), &value));
	assert_true(value == INT64_MAX);
}

static void
hex_numbers_have_1_to_16_digits(void **state)
{
	(void)state;
	static const char *const refused[] = {"",      "0x", "x1", "g", "00000000000000001",
					      "0x0x1", "-1"};
	uint64_t value = 7;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		assert_false(slice_hex_to_u64(slice_str(refused[i]), &value));
	assert_int_equal(value, 7);
	assert_true(slice_hex_to_u64(SLICE_LITERAL("0XC0000005"), &value));
	assert_true(value == 0xc0000005);
	assert_true(slice_hex_to_u64(SLICE_LITERAL("0xFFFFffffFFFFffff"), &value));
	assert_true(value == UINT64_MAX);
	assert_true(slice_hex_to_u64(SLICE_LITERAL("0"), &value));
	assert_int_equal(value, 0);
}

static void
comparison_is_by_bytes_and_folds_ascii_alone(void **state)
{
	(void)state;
	assert_true(slice_compare(SLICE_LITERAL("a"), SLICE_LITERAL("ab")) < 0);
	assert_true(slice_compare(SLICE_LITERAL("b"), SLICE_LITERAL("ab")) > 0);
	assert_true(slice_compare(SLICE_LITERAL("\x7f"), SLICE_LITERAL("\x80")) < 0);
	assert_true(slice_equal_nocase(SLICE_LITERAL("NtDll.DLL"), SLICE_LITERAL("ntdll.dll")));
	assert_false(slice_equal_nocase(SLICE_LITERAL("\xc3\x84"), SLICE_LITERAL("\xc3\xa4")));
	assert_false(slice_equal_nocase(SLICE_LITERAL("@"), SLICE_LITERAL("`")));
	assert_false(slice_equal_nocase(SLICE_LITERAL("["), SLICE_LITERAL("{")));
	assert_false(slice_equal(SLICE_LITERAL("a\0b"), SLICE_LITERAL("a\0c")));
}

static void
texts_are_cut_and_trimmed_at_their_ends(void **state)
{
	(void)state;
	struct slice head;
	struct slice tail;
	assert_true(slice_cut(SLICE_LITERAL("key=a=b"), '=', &head, &tail));
	assert_true(slice_equal_str(head, "key"));
	assert_true(slice_equal_str(tail, "a=b"));
	assert_true(slice_cut(SLICE_LITERAL("="), '=', &head, &tail));
	assert_int_equal(head.len + tail.len, 0);
	assert_true(slice_equal_str(slice_trim(SLICE_LITERAL(" \t\r\n a b \n")), "a b"));
	assert_int_equal(slice_trim(SLICE_LITERAL(" \t ")).len, 0);
	assert_true(slice_starts_with(SLICE_LITERAL("abc"), SLICE_LITERAL("ab")));
	assert_false(slice_starts_with(SLICE_LITERAL("a"), SLICE_LITERAL("ab")));
	assert_true(slice_ends_with(SLICE_LITERAL("abc"), SLICE_LITERAL("bc")));
	assert_false(slice_ends_with(SLICE_LITERAL("c"), SLICE_LITERAL("bc")));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(absent_slices_are_safe_everywhere),
		cmocka_unit_test(parts_beyond_the_end_are_clamped),
		cmocka_unit_test(decimal_numbers_that_overflow_are_refused),
		cmocka_unit_test(signed_numbers_reach_both_ends),
		cmocka_unit_test(hex_numbers_have_1_to_16_digits),
		cmocka_unit_test(comparison_is_by_bytes_and_folds_ascii_alone),
		cmocka_unit_test(texts_are_cut_and_trimmed_at_their_ends),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
