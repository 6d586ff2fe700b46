#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dump/bugcheck.h"

static void
assert_described(uint32_t code, const char *expected)
{
	struct buf out;
	buf_init(&out, 4096);
	bugcheck_describe(code, &out);
	buf_append_byte(&out, 0);
	assert_string_equal((const char *)out.data, expected);
	buf_done(&out);
}

static void
assert_parameter(uint32_t code, unsigned index, uint64_t value, const char *expected)
{
	struct dump_bugcheck bugcheck = {.is_there = true, .code = code};
	struct buf out;
	buf_init(&out, 4096);
	if (index < 4)
		bugcheck.parameters[index] = value;
	bugcheck_describe_parameter(&bugcheck, index, &out);
	buf_append_byte(&out, 0);
	assert_string_equal((const char *)out.data, expected);
	buf_done(&out);
}

static void
only_the_bit_of_small_dumps_is_taken_off(void **state)
{
	(void)state;
	assert_int_equal(bugcheck_number(0x1000007e), 0x7e);
	assert_int_equal(bugcheck_number(0x7e), 0x7e);
	assert_int_equal(bugcheck_number(0xc000021a), 0xc000021a);
	assert_int_equal(bugcheck_number(0xd0000144), 0xd0000144);
}

static void
the_small_dumps_form_is_shown_both_ways(void **state)
{
	(void)state;
	assert_described(0x1000007e, "SYSTEM_THREAD_EXCEPTION_NOT_HANDLED_M "
				     "(0x1000007e: 0x7e of which a small dump was written)");
	assert_described(0xd1, "DRIVER_IRQL_NOT_LESS_OR_EQUAL (0xd1)");
	assert_described(0xfffffff0, "bug check (0xfffffff0)");
}

static void
parameters_read_as_words(void **state)
{
	(void)state;
	assert_parameter(0x1000007e, 0, UINT64_C(0xffffffffc0000005),
			 "0xffffffffc0000005  exception code: STATUS_ACCESS_VIOLATION");
	assert_parameter(0xd1, 2, 1, "0x0000000000000001  kind of access: write");
	assert_parameter(0xd1, 1, 2, "0x0000000000000002  interrupt level");
	assert_parameter(0x50, 1, 2, "0x0000000000000002  kind of access: write");
	assert_parameter(0x139, 0, 3, "0x0000000000000003  check that failed: linked list corrupt");
	assert_parameter(0x9f, 0, 3,
			 "0x0000000000000003  kind of violation: a device holds a power request "
			 "for too long");
}

static void
what_is_not_known_is_a_number(void **state)
{
	(void)state;
	assert_parameter(0x7777, 0, 5, "0x0000000000000005");
	assert_parameter(0x139, 3, 5, "0x0000000000000005");
	assert_parameter(0x139, 0, 999, "0x00000000000003e7  check that failed");
	assert_parameter(0x139, 4, 0, "");
	assert_null(bugcheck_parameter(0x139, 4));
	assert_null(bugcheck_parameter(0x7777, 0));
	assert_string_equal(bugcheck_parameter(0x139, 1), "trap frame");
}

static void
places_of_records_are_known(void **state)
{
	(void)state;
	assert_int_equal(bugcheck_places(0x1000007e).record, 2);
	assert_int_equal(bugcheck_places(0x7e).context, 3);
	assert_int_equal(bugcheck_places(0x3b).context, 2);
	assert_int_equal(bugcheck_places(0x139).trap_frame, 1);
	assert_int_equal(bugcheck_places(0x7777).record, -1);
}

static void
assert_access(uint32_t code, unsigned index, uint64_t value, uint64_t expected)
{
	struct dump_bugcheck bugcheck = {.is_there = true, .code = code};
	uint64_t access;
	bugcheck.parameters[index] = value;
	assert_true(bugcheck_access(&bugcheck, &access));
	assert_int_equal(access, expected);
}

static void
access_reads_as_in_exception_records(void **state)
{
	struct dump_bugcheck strange = {
		.is_there = true, .code = 0xd1, .parameters = {0, 0, 77, 0}};
	uint64_t access;
	(void)state;
	assert_access(0xd1, 2, 0, 0);
	assert_access(0xd1, 2, 1, 1);
	assert_access(0x0a, 2, 8, 8);
	assert_access(0x50, 1, 2, 1);
	assert_access(0x50, 1, 0x10, 8);
	assert_false(bugcheck_access(&strange, &access));
	strange.code = 0x7e;
	assert_false(bugcheck_access(&strange, &access));
}

static void
at_least_the_25_that_machines_report_most_are_known(void **state)
{
	static const uint32_t most[] = {0x0a,  0x18,  0x19,  0x1a,  0x1e,  0x3b, 0x50,  0x7a,
					0x7b,  0x7e,  0x7f,  0x8e,  0x9f,  0xc2, 0xc4,  0xc5,
					0xd1,  0xea,  0xef,  0xf4,  0xf7,  0xfc, 0x101, 0x109,
					0x116, 0x124, 0x133, 0x139, 0x13a, 0x154};
	(void)state;
	for (size_t i = 0; i < sizeof(most) / sizeof(most[0]); i++) {
		bool is_known = false;
		for (unsigned index = 0; index < 4; index++)
			is_known |= bugcheck_parameter(most[i], index) != NULL;
		assert_true(is_known);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_the_bit_of_small_dumps_is_taken_off),
		cmocka_unit_test(the_small_dumps_form_is_shown_both_ways),
		cmocka_unit_test(parameters_read_as_words),
		cmocka_unit_test(what_is_not_known_is_a_number),
		cmocka_unit_test(places_of_records_are_known),
		cmocka_unit_test(access_reads_as_in_exception_records),
		cmocka_unit_test(at_least_the_25_that_machines_report_most_are_known),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
