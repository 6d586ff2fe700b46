#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/time.h"

static const int64_t NOW_US = INT64_C(1700000000) * TIME_SECOND_US; /* 2023-11-14T22:13:20Z */

static void
texts_that_are_no_time_are_refused(void **state)
{
	(void)state;
	static const char *const refused[] = {
		"",
		"x",
		"d",
		"5",
		"-5m",
		"5w",
		"99999999d",
		"2024",
		"2024-13-01",
		"2024-00-01",
		"2024-01-00",
		"2024-01-32",
		"2024-02-30",
		"2023-02-29",
		"2024-04-31T00:00:60Z",
		"2024-01-01T",
		"2024-01-01T24:00:00Z",
		"2024-01-01T00:60:00Z",
		"2024-01-01T00:00:61Z",
		"2024-01-01T00:00:00X",
		"2024-01-01T00:00:x",
		"2024-01-01T00:00:0",
		"2024-01-01T00:00:00+1",
		"2024-01-01T00:00:00+24:00",
		"2024-01-01T00:00:00+00:60",
		"2024-01-01T00:00:00Z ",
		"2024-1-1",
		"20240101",
	};
	int64_t time_us = 7;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		assert_false(time_parse(slice_str(refused[i]), NOW_US, &time_us));
	assert_false(time_parse((struct slice){NULL, 0}, NOW_US, &time_us));
	assert_false(time_parse(SLICE_LITERAL("2024-01-01T00:00:00\0"), NOW_US, &time_us));
	assert_int_equal(time_us, 7);
}

static void
times_in_rfc_3339_and_spans_are_read(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		const char *expected;
	} cases[] = {
		{"2024-03-01T10:00:00Z", "2024-03-01T10:00:00.000000Z"},
		{"2024-03-01t10:00:00.5z", "2024-03-01T10:00:00.500000Z"},
		{"2024-03-01 10:00", "2024-03-01T10:00:00.000000Z"},
		{"2024-02-29", "2024-02-29T00:00:00.000000Z"},
		{"2024-03-01T10:00:00.123456789+02:30", "2024-03-01T07:30:00.123456Z"},
		{"2024-03-01T10:00:00-0100", "2024-03-01T11:00:00.000000Z"},
		{"2016-12-31T23:59:60Z", "2017-01-01T00:00:00.000000Z"},
		{"1900-01-01", "1900-01-01T00:00:00.000000Z"},
		{"90s", "2023-11-14T22:11:50.000000Z"},
		{"15m", "2023-11-14T21:58:20.000000Z"},
		{"36h", "2023-11-13T10:13:20.000000Z"},
		{"7d", "2023-11-07T22:13:20.000000Z"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[TIME_TEXT_BYTES];
		int64_t time_us;
		assert_true(time_parse(slice_str(cases[i].text), NOW_US, &time_us));
		assert_string_equal(time_format(time_us, text), cases[i].expected);
	}
}

static void
years_outside_print_as_the_nearest(void **state)
{
	(void)state;
	char text[TIME_TEXT_BYTES];
	assert_string_equal(time_format(INT64_MIN, text), "0001-01-01T00:00:00.000000Z");
	assert_string_equal(time_format(INT64_MAX, text), "9999-12-31T23:59:59.999999Z");
	assert_string_equal(time_format(-1, text), "1969-12-31T23:59:59.999999Z");
	assert_string_equal(time_format(0, text), "1970-01-01T00:00:00.000000Z");
}

static void
filetimes_outside_say_nothing(void **state)
{
	(void)state;
	int64_t time_us = 7;
	assert_false(time_from_filetime(UINT64_MAX, &time_us));
	assert_false(time_from_filetime(UINT64_C(2650467744000000000), &time_us));
	assert_int_equal(time_us, 7);
	assert_true(time_from_filetime(UINT64_C(2650467743999999999), &time_us));
	assert_true(time_from_filetime(0, &time_us));
	assert_true(time_us == INT64_C(-11644473600) * TIME_SECOND_US);
	assert_true(time_to_filetime(INT64_MIN) == 0);
	assert_true(time_to_filetime(INT64_MAX) == UINT64_C(2650467743999999990));
}

static void
filetimes_are_those_of_public_samples(void **state)
{
	(void)state;
	char text[TIME_TEXT_BYTES];
	int64_t time_us;
	assert_true(time_from_filetime(UINT64_C(128496925196486378), &time_us));
	assert_true(time_us / TIME_SECOND_US == 1205218919);
	assert_string_equal(time_format(time_us, text), "2008-03-11T07:01:59.648637Z");
	assert_true(time_to_filetime(time_us) == UINT64_C(128496925196486370));
	assert_true(time_from_filetime(UINT64_C(128267449141252896), &time_us));
	assert_string_equal(time_format(time_us, text), "2007-06-19T16:41:54.125289Z");
}

static void
the_clock_stands_still_for_a_test_and_runs_again(void **state)
{
	(void)state;
	time_set_for_test(NOW_US);
	assert_true(time_now_us() == NOW_US);
	int64_t monotonic_us = time_monotonic_us();
	assert_true(time_monotonic_us() >= monotonic_us);
	time_set_for_test(0);
	assert_true(time_now_us() > NOW_US);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts_that_are_no_time_are_refused),
		cmocka_unit_test(times_in_rfc_3339_and_spans_are_read),
		cmocka_unit_test(years_outside_print_as_the_nearest),
		cmocka_unit_test(filetimes_outside_say_nothing),
		cmocka_unit_test(filetimes_are_those_of_public_samples),
		cmocka_unit_test(the_clock_stands_still_for_a_test_and_runs_again),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
