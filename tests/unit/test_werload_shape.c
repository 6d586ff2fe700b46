/* When the fleet reports, and what. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/time.h"
#include "werload/shape.h"

enum {
	REPORTS = 20000,
	MACHINES = 400
};

static struct shape
shape_of(enum shape_kind kind)
{
	return (struct shape){
		.kind = kind,
		.seed = 6,
		.machines = MACHINES,
		.queued = SHAPE_QUEUED,
		.reports = REPORTS,
		.duration_us = 100 * TIME_SECOND_US,
		.start_us = INT64_C(1793610000000000),
	};
}

static void
is_in_order_and_within_the_time_in_every_shape(void **state)
{
	(void)state;
	for (unsigned kind = 0; kind < SHAPE_N; kind++) {
		struct shape shape = shape_of((enum shape_kind)kind);
		int64_t last_us = 0;
		for (uint64_t i = 0; i < REPORTS; i++) {
			struct shape_slot slot, again;
			shape_at(&shape, i, &slot);
			shape_at(&shape, i, &again);
			assert_int_equal(slot.due_us, again.due_us);
			assert_int_equal(slot.request.machine, again.request.machine);
			assert_int_equal(slot.request.one_bug, again.request.one_bug);
			assert_true(slot.due_us >= last_us && slot.due_us <= shape.duration_us);
			assert_int_equal(slot.request.sequence, i);
			assert_int_equal(slot.request.time_us, shape.start_us + slot.due_us);
			last_us = slot.due_us;
		}
	}
}

static size_t
count_between(const struct shape *shape, int64_t from_us, int64_t to_us)
{
	size_t count = 0;
	for (uint64_t i = 0; i < REPORTS; i++) {
		struct shape_slot slot;
		shape_at(shape, i, &slot);
		count += slot.due_us >= from_us && slot.due_us < to_us;
	}
	return count;
}

static void
brings_everybody_on_monday_morning(void **state)
{
	struct shape shape = shape_of(SHAPE_MONDAY);
	(void)state;
	size_t night = count_between(&shape, 0, 20 * TIME_SECOND_US);
	size_t morning = count_between(&shape, 35 * TIME_SECOND_US, 55 * TIME_SECOND_US);
	size_t evening = count_between(&shape, 80 * TIME_SECOND_US, 100 * TIME_SECOND_US);
	assert_true(morning > 5 * night);
	assert_true(evening < morning / 2 && evening > night);
}

static void
releases_the_whole_queue_of_each_machine(void **state)
{
	struct shape shape = shape_of(SHAPE_RELEASE);
	unsigned sent[MACHINES] = {0};
	(void)state;
	for (uint64_t i = 0; i < (uint64_t)MACHINES * SHAPE_QUEUED; i++) {
		struct shape_slot slot;
		shape_at(&shape, i, &slot);
		assert_in_range(slot.request.machine, 0, MACHINES - 1);
		assert_int_equal(slot.request.age, FLEET_AGE_QUEUED);
		sent[slot.request.machine]++;
	}
	for (size_t i = 0; i < MACHINES; i++)
		assert_int_equal(sent[i], SHAPE_QUEUED);
}

static void
lets_one_new_crash_hit_everybody_in_a_storm(void **state)
{
	struct shape shape = shape_of(SHAPE_STORM);
	size_t early = 0, late = 0;
	(void)state;
	for (uint64_t i = 0; i < REPORTS; i++) {
		struct shape_slot slot;
		shape_at(&shape, i, &slot);
		bool is_it = slot.request.one_bug == 0;
		assert_int_equal(slot.request.machine, FLEET_ANY);
		early += is_it && i < REPORTS / 5;
		late += is_it && i >= REPORTS / 2;
	}
	assert_int_equal(early, 0);
	assert_in_range(late, REPORTS / 2 * 75 / 100, REPORTS / 2 * 85 / 100);
}

static void
lets_one_machine_send_one_crash_in_a_loop(void **state)
{
	struct shape shape = shape_of(SHAPE_LOOP);
	int64_t machine = FLEET_ANY;
	size_t count = 0;
	(void)state;
	for (uint64_t i = 0; i < REPORTS; i++) {
		struct shape_slot slot;
		shape_at(&shape, i, &slot);
		if (slot.request.one_bug == FLEET_ANY)
			continue;
		if (machine == FLEET_ANY)
			machine = slot.request.machine;
		assert_int_equal(slot.request.machine, machine);
		count++;
	}
	assert_in_range(count, REPORTS * 88 / 100, REPORTS * 92 / 100);
}

static void
never_ends_without_a_number_of_reports(void **state)
{
	struct shape shape = shape_of(SHAPE_STORM);
	size_t stormy = 0;
	(void)state;
	shape.reports = 0;
	shape.duration_us = 0;
	for (uint64_t i = 5 * SHAPE_CYCLE; i < 6 * SHAPE_CYCLE; i++) {
		struct shape_slot slot;
		shape_at(&shape, i, &slot);
		assert_int_equal(slot.due_us, 0);
		stormy += slot.request.one_bug == 0;
	}
	assert_true(stormy > SHAPE_CYCLE / 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(is_in_order_and_within_the_time_in_every_shape),
		cmocka_unit_test(brings_everybody_on_monday_morning),
		cmocka_unit_test(releases_the_whole_queue_of_each_machine),
		cmocka_unit_test(lets_one_new_crash_hit_everybody_in_a_storm),
		cmocka_unit_test(lets_one_machine_send_one_crash_in_a_loop),
		cmocka_unit_test(never_ends_without_a_number_of_reports),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
