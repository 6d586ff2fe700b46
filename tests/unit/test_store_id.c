#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store/id.h"

static const int64_t NOW_US = INT64_C(1795577513123456); /* 2026-11-25T03:11:53.123456Z */
static const uint64_t PER_MS = UINT64_C(1) << (ID_NODE_BITS + ID_COUNTER_BITS);

static void
never_goes_back_when_the_clock_does(void **state)
{
	(void)state;
	struct id_generator ids;
	uint64_t last = 0;
	id_generator_init(&ids, 3, 0);
	for (int64_t back = 0; back < 1000; back++) {
		uint64_t id = id_next(&ids, NOW_US - back * 5000);
		assert_true(id > last);
		last = id;
	}
	assert_int_equal(id_time_us(last), NOW_US / 1000 * 1000);
}

static void
a_full_millisecond_borrows_from_the_next(void **state)
{
	(void)state;
	struct id_generator ids;
	uint64_t last = 0;
	id_generator_init(&ids, ID_NODE_MAX, 0);
	for (unsigned i = 0; i < 20000; i++) {
		uint64_t id = id_next(&ids, NOW_US);
		assert_true(id > last);
		assert_int_equal(id >> ID_COUNTER_BITS & ID_NODE_MAX, ID_NODE_MAX);
		last = id;
	}
	assert_int_equal(id_time_us(last), NOW_US / 1000 * 1000 + 2000);
}

static void
goes_on_behind_the_highest_id_of_the_store(void **state)
{
	(void)state;
	static const uint8_t nodes[] = {0, 1, 7, ID_NODE_MAX};
	/* Made by node 7, partly in the future of a clock that was set back. */
	uint64_t highest = id_first_at(NOW_US + 60000000) + (UINT64_C(7) << ID_COUNTER_BITS) + 8191;
	for (size_t i = 0; i < sizeof(nodes); i++) {
		struct id_generator ids;
		id_generator_init(&ids, nodes[i], highest);
		uint64_t first = id_next(&ids, NOW_US);
		assert_true(first > highest);
		assert_true(first - highest < 2 * PER_MS);
		assert_true(id_next(&ids, NOW_US) > first);
	}
}

static void
two_nodes_never_make_the_same_id(void **state)
{
	(void)state;
	struct id_generator one;
	struct id_generator other;
	id_generator_init(&one, 1, 0);
	id_generator_init(&other, 2, 0);
	for (unsigned i = 0; i < 10000; i++) {
		uint64_t a = id_next(&one, NOW_US);
		uint64_t b = id_next(&other, NOW_US);
		assert_int_equal(a >> ID_COUNTER_BITS & ID_NODE_MAX, 1);
		assert_int_equal(b >> ID_COUNTER_BITS & ID_NODE_MAX, 2);
	}
}

static void
there_is_no_id_past_the_end_of_time(void **state)
{
	(void)state;
	struct id_generator ids;
	id_generator_init(&ids, ID_NODE_MAX, INT64_MAX);
	assert_int_equal(id_next(&ids, NOW_US), 0);
	assert_int_equal(id_next(&ids, INT64_MAX), 0);
	id_generator_init(&ids, 0, 0);
	assert_true(id_next(&ids, INT64_MAX) <= INT64_MAX);
}

static void
a_clock_before_1970_still_gives_ids(void **state)
{
	(void)state;
	struct id_generator ids;
	id_generator_init(&ids, 0, 0);
	assert_int_equal(id_next(&ids, -NOW_US), 1);
	assert_int_equal(id_next(&ids, 0), 2);
	assert_int_equal(id_first_at(-1), 0);
}

static void
an_id_tells_its_millisecond(void **state)
{
	(void)state;
	struct id_generator ids;
	id_generator_init(&ids, 200, 0);
	uint64_t id = id_next(&ids, NOW_US);
	assert_int_equal(id_time_us(id), NOW_US / 1000 * 1000);
	assert_true(id_first_at(NOW_US) <= id);
	assert_true(id < id_first_at(NOW_US + 1000));
}

static void
refuses_what_is_no_id(void **state)
{
	(void)state;
	static const char *const texts[] = {"",
					    "0",
					    "-1",
					    "1x",
					    " 1",
					    "0x10",
					    "1.5",
					    "abc",
					    "9223372036854775808",
					    "18446744073709551616"};
	uint64_t id = 77;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_false(id_parse(slice_str(texts[i]), &id));
	assert_false(id_parse((struct slice){0}, &id));
	assert_int_equal(id, 77);
	assert_true(id_parse(SLICE_LITERAL("9223372036854775807"), &id));
	assert_true(id == INT64_MAX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(never_goes_back_when_the_clock_does),
		cmocka_unit_test(a_full_millisecond_borrows_from_the_next),
		cmocka_unit_test(goes_on_behind_the_highest_id_of_the_store),
		cmocka_unit_test(two_nodes_never_make_the_same_id),
		cmocka_unit_test(there_is_no_id_past_the_end_of_time),
		cmocka_unit_test(a_clock_before_1970_still_gives_ids),
		cmocka_unit_test(an_id_tells_its_millisecond),
		cmocka_unit_test(refuses_what_is_no_id),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
