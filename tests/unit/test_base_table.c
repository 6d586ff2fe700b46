#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/table.h"

static void
finds_nothing_in_an_empty_table(void **state)
{
	struct table table = {0};
	uint64_t value = 7;
	(void)state;
	assert_false(table_find(&table, 1, &value));
	assert_false(table_remove(&table, 1));
	assert_int_equal(value, 7);
	table_done(&table);
}

static void
refuses_key_0(void **state)
{
	struct table table = {0};
	uint64_t value;
	(void)state;
	table_put(&table, 0, 5);
	assert_int_equal(table.count, 0);
	assert_false(table_find(&table, 0, &value));
	table_done(&table);
}

/* Compared with a plain array over many steps; small keys collide often. */
static void
agrees_with_an_array_through_puts_and_removes(void **state)
{
	enum {
		KEYS = 500,
		STEPS = 200000
	};
	static uint64_t expected[KEYS];
	struct table table = {0};
	uint64_t random = 12345;
	(void)state;
	for (size_t step = 0; step < STEPS; step++) {
		random = random * UINT64_C(6364136223846793005) + 1442695040888963407U;
		uint64_t key = 1 + (random >> 33) % (KEYS - 1);
		uint64_t value = 0;
		if ((random >> 20) % 3 == 0) {
			assert_int_equal(table_remove(&table, key), expected[key] != 0);
			expected[key] = 0;
		} else {
			expected[key] = random | 1;
			table_put(&table, key, expected[key]);
		}
		key = 1 + (random >> 40) % (KEYS - 1);
		assert_int_equal(table_find(&table, key, &value), expected[key] != 0);
		assert_int_equal(value, expected[key]);
	}
	table_done(&table);
}

static void
adds_from_zero_and_may_subtract(void **state)
{
	struct table table = {0};
	(void)state;
	assert_int_equal(table_add(&table, 9, 5), 5);
	assert_int_equal(table_add(&table, 9, 2), 7);
	assert_int_equal(table_add(&table, 9, (uint64_t)-7), 0);
	table_done(&table);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_nothing_in_an_empty_table),
		cmocka_unit_test(refuses_key_0),
		cmocka_unit_test(agrees_with_an_array_through_puts_and_removes),
		cmocka_unit_test(adds_from_zero_and_may_subtract),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
