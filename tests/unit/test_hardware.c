#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "dump/hardware.h"

static const struct bit_flips no_flips = {.n = 0};

static struct hardware_suspicion
suspect(struct hardware_counts counts)
{
	struct hardware_suspicion s;
	hardware_suspect(&counts, &s);
	return s;
}

static void
survives_any_counts(void **state)
{
	struct hardware_counts counts;
	(void)state;
	memset(&counts, 0xff, sizeof(counts));
	struct hardware_suspicion s = suspect(counts);
	assert_int_equal(s.level, HARDWARE_STRONG);
	assert_int_equal(s.n_reasons, HARDWARE_REASONS_MAX);
	assert_int_equal(s.points, 100 + 80 + 60 + 45 + 45 + 25);
}

static void
suspects_nothing_without_clues(void **state)
{
	(void)state;
	struct hardware_suspicion s = suspect((struct hardware_counts){.crashes = 1});
	assert_int_equal(s.level, HARDWARE_NONE);
	assert_int_equal(s.n_reasons, 0);
	/* One bug, many times. */
	s = suspect((struct hardware_counts){.crashes = 500, .signatures = 1});
	assert_int_equal(s.n_reasons, 0);
	/* One flip may be chance. */
	s = suspect((struct hardware_counts){.crashes = 1, .signatures = 1, .bit_flips = 1});
	assert_int_equal(s.level, HARDWARE_NONE);
	assert_int_equal(s.n_reasons, 1);
}

static void
suspects_more_with_each_clue(void **state)
{
	static const struct {
		struct hardware_counts counts;
		enum hardware_level level;
		const char *reason;
	} rows[] = {
		{{.machine_checks = 1},
		 HARDWARE_STRONG,
		 "errors that the processor reported: 1 (+70)"},
		{{.one_bit_code = 1},
		 HARDWARE_SOME,
		 "crashes with one bit of code changed: 1 (+40)"},
		{{.one_bit_code = 2},
		 HARDWARE_STRONG,
		 "crashes with one bit of code changed: 2 (+80)"},
		{{.bit_flips = 2},
		 HARDWARE_SOME,
		 "crashes that one flipped bit would explain: 2 (+30)"},
		{{.bit_flips = 100},
		 HARDWARE_SOME,
		 "crashes that one flipped bit would explain: 100 (+60)"},
		{{.memory_checks = 2},
		 HARDWARE_SOME,
		 "bug checks of broken memory management: 2 (+30)"},
		{{.in_page_errors = 3},
		 HARDWARE_SOME,
		 "pages that could not be read from disk: 3 (+45)"},
		{{.crashes = 10, .signatures = 8},
		 HARDWARE_NONE,
		 "10 crashes in 8 different places (+25)"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct hardware_suspicion s = suspect(rows[i].counts);
		assert_int_equal(s.level, rows[i].level);
		assert_int_equal(s.n_reasons, 1);
		assert_string_equal(s.reasons[0], rows[i].reason);
	}
}

static void
adds_clues_of_several_kinds(void **state)
{
	(void)state;
	struct hardware_suspicion s = suspect((struct hardware_counts){
		.crashes = 6, .signatures = 6, .bit_flips = 1, .memory_checks = 2});
	assert_int_equal(s.points, 15 + 30 + 25);
	assert_int_equal(s.level, HARDWARE_STRONG);
	assert_string_equal(hardware_level_name(s.level), "strong");
	assert_string_equal(hardware_level_name(HARDWARE_NONE), "none");
	/* Too few to say that they are scattered, or in too few places. */
	s = suspect((struct hardware_counts){.crashes = 4, .signatures = 4});
	assert_int_equal(s.points, 0);
	s = suspect((struct hardware_counts){.crashes = 10, .signatures = 7});
	assert_int_equal(s.points, 0);
}

static struct hardware_counts
count_bugcheck(uint32_t code)
{
	struct dump dump = {.os = DUMP_OS_WINDOWS, .bugcheck = {.is_there = true, .code = code}};
	struct hardware_counts counts = {.crashes = 0};
	hardware_count(&dump, &no_flips, NULL, &counts);
	assert_int_equal(counts.crashes, 1);
	return counts;
}

static void
counts_bug_checks(void **state)
{
	(void)state;
	assert_int_equal(count_bugcheck(0x124).machine_checks, 1);
	assert_int_equal(count_bugcheck(0x9c).machine_checks, 1);
	assert_int_equal(count_bugcheck(0x1a).memory_checks, 1);
	assert_int_equal(count_bugcheck(0x4e).memory_checks, 1);
	assert_int_equal(count_bugcheck(0x12b).memory_checks, 1);
	assert_int_equal(count_bugcheck(0x77).in_page_errors, 1);
	assert_int_equal(count_bugcheck(0x7a).in_page_errors, 1);
	struct hardware_counts other = count_bugcheck(0xd1);
	assert_int_equal(other.machine_checks + other.memory_checks + other.in_page_errors, 0);
}

static void
counts_crashes_of_programs(void **state)
{
	struct dump dump = {.os = DUMP_OS_WINDOWS,
			    .exception = {.is_there = true, .code = 0xc0000006}};
	struct bit_flips flips = {.n = 1, .items = {{.percent = 50}}};
	struct code_difference code = {.kind = CODE_ONE_BIT};
	struct hardware_counts counts = {.crashes = 0};
	(void)state;
	hardware_count(&dump, &flips, &code, &counts);
	assert_int_equal(counts.in_page_errors, 1);
	assert_int_equal(counts.bit_flips, 1);
	assert_int_equal(counts.one_bit_code, 1);
	flips.items[0].percent = 49;
	code.kind = CODE_MORE;
	dump.os = DUMP_OS_LINUX;
	hardware_count(&dump, &flips, &code, &counts);
	assert_int_equal(counts.crashes, 2);
	assert_int_equal(counts.in_page_errors + counts.bit_flips + counts.one_bit_code, 3);
	dump.exception.is_there = false;
	hardware_count(&dump, &flips, &code, &counts);
	assert_int_equal(counts.crashes, 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(survives_any_counts),
		cmocka_unit_test(suspects_nothing_without_clues),
		cmocka_unit_test(suspects_more_with_each_clue),
		cmocka_unit_test(adds_clues_of_several_kinds),
		cmocka_unit_test(counts_bug_checks),
		cmocka_unit_test(counts_crashes_of_programs),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
