/* The small parts of werload: options, the list of what was acknowledged, percentiles, the queue
 * of what was put off, and whom it may load. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/time.h"
#include "scratch.h"
#include "werload/command.h"
#include "werload/histogram.h"
#include "werload/ledger.h"
#include "werload/options.h"
#include "werload/target.h"
#include "werload/waiting.h"

static void
refuses_options_that_mean_nothing(void **state)
{
	static const char *const sizes[] = {"", "K", "-1", "1T", "1.5M", "20000000000G", "1 K"};
	static const char *const times[] = {"", "s", "5", "5w", "-5s", "2026-11-25"};
	uint64_t bytes = 7;
	int64_t us = 7;
	uint16_t port = 7;
	uint8_t percent = 7;
	uint32_t count = 7;
	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		assert_false(option_bytes(slice_str(sizes[i]), &bytes));
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++)
		assert_false(option_duration(slice_str(times[i]), &us));
	assert_false(option_port(SLICE_LITERAL("0"), &port));
	assert_false(option_port(SLICE_LITERAL("65536"), &port));
	assert_false(option_percent(SLICE_LITERAL("101"), &percent));
	assert_false(option_u32(SLICE_LITERAL("0"), &count));
	assert_false(option_u32(SLICE_LITERAL("4294967296"), &count));
	assert_true(bytes == 7 && us == 7 && port == 7 && percent == 7 && count == 7);
}

static void
reads_sizes_and_durations(void **state)
{
	uint64_t bytes;
	int64_t us;
	(void)state;
	assert_true(option_bytes(SLICE_LITERAL("100"), &bytes) && bytes == 100);
	assert_true(option_bytes(SLICE_LITERAL("100K"), &bytes) && bytes == 102400);
	assert_true(option_bytes(SLICE_LITERAL("1G"), &bytes) && bytes == UINT64_C(1) << 30);
	assert_true(option_duration(SLICE_LITERAL("90s"), &us) && us == 90 * TIME_SECOND_US);
	assert_true(option_duration(SLICE_LITERAL("15m"), &us) && us == 15 * TIME_MINUTE_US);
	assert_true(option_duration(SLICE_LITERAL("30d"), &us) && us == 30 * TIME_DAY_US);
}

struct target {
	const char *out;
	uint64_t count;
	bool is_fast;
};

static void
reads_a_command_line_by_its_table(void **state)
{
	static const struct option_row rows[] = {
		{"output", "DIR", option_text, offsetof(struct target, out), "where"},
		{"count", "N", option_u64, offsetof(struct target, count), "how many"},
		{"fast", NULL, NULL, offsetof(struct target, is_fast), "in haste"},
		{0},
	};
	char *words[] = {(char[]){"x"},          (char[]){"-o"},     (char[]){"here"},
			 (char[]){"--count=12"}, (char[]){"--fast"}, NULL};
	struct target target = {.count = 5};
	(void)state;
	options_parse(rows, "werload x", "Tests.", 5, words, &target);
	assert_string_equal(target.out, "here");
	assert_int_equal(target.count, 12);
	assert_true(target.is_fast);
}

struct seen {
	struct ledger_entry entries[4];
	size_t count;
};

static err_t
see(void *context, const struct ledger_entry *entry)
{
	struct seen *seen = context;
	assert_true(seen->count < 4);
	seen->entries[seen->count++] = *entry;
	return OK;
}

static void
write_text(const char *path, const char *text)
{
	struct err_detail detail;
	assert_int_equal(fs_replace_file(path, slice_str(text), 0644, &detail), OK);
}

static void
refuses_a_list_with_a_line_that_is_none(void **state)
{
#define DIGEST "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
	static const char *const texts[] = {
		"\n",
		"R 1 " DIGEST " 5\n",
		"X 1 " DIGEST " 5 6\n",
		"R x " DIGEST " 5 6\n",
		"R 1 0011 5 6\n",
		"R 1 " DIGEST " 5 six\n",
		"R 1 " DIGEST " 5 6 7\n",
	};
	char folder[SCRATCH_PATH_BYTES], path[SCRATCH_PATH_BYTES + 16];
	struct seen seen = {0};
	struct err_detail detail;
	(void)state;
	scratch_make(folder);
	(void)snprintf(path, sizeof(path), "%s/list", folder);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		write_text(path, texts[i]);
		assert_int_equal(ledger_read(path, see, &seen, &detail), ERR_CORRUPT);
	}
	(void)snprintf(path, sizeof(path), "%s/none", folder);
	assert_int_equal(ledger_read(path, see, &seen, &detail), ERR_NOTFOUND);
	assert_int_equal(seen.count, 0);
	scratch_remove(folder);
}

static void
keeps_a_list_and_passes_over_a_last_line_without_end(void **state)
{
	char folder[SCRATCH_PATH_BYTES], path[SCRATCH_PATH_BYTES + 16];
	struct ledger_entry report = {.sequence = 3, .sha256 = {0xab, 1}, .number = 1000};
	struct ledger_entry upload = {
		.is_upload = true, .sequence = 3, .report = 77, .number = 102400};
	struct ledger ledger;
	struct seen seen = {0};
	struct err_detail detail;
	(void)state;
	scratch_make(folder);
	(void)snprintf(path, sizeof(path), "%s/list", folder);
	for (size_t times = 0; times < 2; times++) { /* the second run appends */
		assert_int_equal(ledger_open(&ledger, path, &detail), OK);
		ledger_put(&ledger, times == 0 ? &report : &upload);
		assert_int_equal(ledger_flush(&ledger), OK);
		ledger_close(&ledger);
	}
	FILE *file = fopen(path, "a");
	assert_non_null(file);
	assert_true(fputs("R 9 00112", file) >= 0);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(ledger_read(path, see, &seen, &detail), OK);
	assert_int_equal(seen.count, 2);
	assert_false(seen.entries[0].is_upload);
	assert_int_equal(seen.entries[0].report, 0);
	assert_int_equal(seen.entries[0].number, 1000);
	assert_memory_equal(seen.entries[0].sha256, report.sha256, 32);
	assert_true(seen.entries[1].is_upload);
	assert_int_equal(seen.entries[1].report, 77);
	scratch_remove(folder);
}

static void
is_never_more_than_three_percent_off(void **state)
{
	struct histogram *histogram = calloc(1, sizeof(*histogram));
	(void)state;
	assert_non_null(histogram);
	assert_int_equal(histogram_percentile(histogram, 99), 0);
	for (int64_t us = 1; us <= 100000; us++)
		histogram_add(histogram, us);
	for (double percent = 1; percent < 100; percent += 1) {
		int64_t value = histogram_percentile(histogram, percent);
		assert_true(value >= (int64_t)(percent * 1000));
		assert_true((double)value <= percent * 1000 * 1.04 + 1);
	}
	assert_int_equal(histogram_percentile(histogram, 100), 100000);
	histogram_add(histogram, -5);
	histogram_add(histogram, INT64_MAX);
	assert_int_equal(histogram->max_us, INT64_MAX);
	assert_true(histogram_percentile(histogram, 100) > TIME_HOUR_US / 2);
	free(histogram);
}

static void
gives_back_the_soonest_first(void **state)
{
	struct waiting waiting = {0};
	int64_t last_us = -1;
	(void)state;
	assert_null(waiting_first(&waiting));
	for (uint64_t i = 0; i < 1000; i++)
		waiting_put(&waiting, &(struct waiting_item){.due_us = (int64_t)(i * 7919 % 1009),
							     .sequence = i});
	for (size_t i = 0; i < 900; i++) {
		int64_t first_us = waiting_first(&waiting)->due_us;
		struct waiting_item item = waiting_take(&waiting);
		assert_int_equal(item.due_us, first_us);
		assert_int_equal(item.due_us, item.sequence * 7919 % 1009);
		assert_true(item.due_us >= last_us);
		last_us = item.due_us;
	}
	waiting_put(&waiting, &(struct waiting_item){.target = strdup("/cab/1")});
	waiting_done(&waiting);
	assert_null(waiting_first(&waiting));
}

static void
loads_nobody_but_this_machine(void **state)
{
	struct err_detail detail;
	(void)state;
	assert_int_equal(target_check("192.0.2.1", &detail), ERR_DENIED);
	assert_int_equal(target_check("2001:db8::1", &detail), ERR_DENIED);
	assert_int_equal(target_check("8.8.8.8", &detail), ERR_DENIED);
	assert_int_equal(target_check("127.0.0.1", &detail), OK);
	assert_int_equal(target_check("127.8.9.10", &detail), OK);
	assert_int_equal(target_check("::1", &detail), OK);
	assert_int_equal(target_check("localhost", &detail), OK);
	assert_int_equal(target_check("no such name", &detail), ERR_NOTFOUND);
}

static void
prints_numbers_for_people(void **state)
{
	char text[COUNT_TEXT_BYTES];
	(void)state;
	assert_string_equal(count_text(0, text), "0");
	assert_string_equal(count_text(999, text), "999");
	assert_string_equal(count_text(1000, text), "1,000");
	assert_string_equal(count_text(UINT64_MAX, text), "18,446,744,073,709,551,615");
	assert_string_equal(latency_text(950, text), "950 us");
	assert_string_equal(latency_text(4100, text), "4.1 ms");
	assert_string_equal(latency_text(12 * TIME_SECOND_US, text), "12.0 s");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_options_that_mean_nothing),
		cmocka_unit_test(reads_sizes_and_durations),
		cmocka_unit_test(reads_a_command_line_by_its_table),
		cmocka_unit_test(refuses_a_list_with_a_line_that_is_none),
		cmocka_unit_test(keeps_a_list_and_passes_over_a_last_line_without_end),
		cmocka_unit_test(is_never_more_than_three_percent_off),
		cmocka_unit_test(gives_back_the_soonest_first),
		cmocka_unit_test(loads_nobody_but_this_machine),
		cmocka_unit_test(prints_numbers_for_people),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
