/* The fleet is the same for the same seed, believable, and never refused by our own reader. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/table.h"
#include "base/time.h"
#include "bucket/label.h"
#include "cer/level1.h"
#include "report/os.h"
#include "werload/draft.h"
#include "werload/fleet.h"

enum {
	MACHINES = 5000,
	MANY = 60000
};
static const int64_t NOW_US = INT64_C(1793610000) * INT64_C(1000000);

struct world {
	struct fleet *fleet;
	struct arena arena;
	struct buf body;
};

static void
world_open(struct world *world, const struct fleet_options *options)
{
	*world = (struct world){0};
	assert_int_equal(fleet_new(options, &world->fleet), OK);
	arena_init(&world->arena, FLEET_REPORT_ARENA_BYTES);
	buf_init(&world->body, SIZE_MAX);
}

static void
world_close(struct world *world)
{
	fleet_free(world->fleet);
	arena_done(&world->arena);
	buf_done(&world->body);
}

static uint32_t
make(struct world *world, uint64_t sequence, int64_t time_us, struct report *ret_report)
{
	struct fleet_request request = {
		.sequence = sequence,
		.time_us = time_us,
		.machine = FLEET_ANY,
		.one_bug = FLEET_ANY,
	};
	uint32_t machine;
	arena_reset(&world->arena);
	assert_int_equal(fleet_report(world->fleet, &request, &world->arena, ret_report, &machine),
			 OK);
	return machine;
}

static struct slice
make_body(struct world *world, uint64_t sequence)
{
	struct report report;
	uint32_t machine = make(world, sequence, NOW_US + (int64_t)sequence, &report);
	buf_reset(&world->body);
	fleet_body(world->fleet, &report, machine, &world->body);
	return buf_slice(&world->body);
}

static void
refuses_numbers_out_of_range(void **state)
{
	struct fleet *fleet = NULL;
	struct fleet_options none = {.seed = 1};
	struct fleet_options many = {.seed = 1, .machines = MACHINE_MAX + 1};
	struct fleet_options share = {.seed = 1, .machines = 1, .no_bom_percent = 101};
	(void)state;
	assert_int_equal(fleet_new(&none, &fleet), ERR_USAGE);
	assert_int_equal(fleet_new(&many, &fleet), ERR_USAGE);
	assert_int_equal(fleet_new(&share, &fleet), ERR_USAGE);
	assert_null(fleet);
}

static void
says_so_when_the_arena_is_too_small(void **state)
{
	struct world world;
	struct report report = {.lcid = 7};
	struct fleet_request request = {.machine = FLEET_ANY, .one_bug = FLEET_ANY};
	(void)state;
	world_open(&world, &(struct fleet_options){.seed = 1, .machines = MACHINES});
	for (size_t cap = 0; cap < 5000; cap += 160) {
		struct arena arena;
		arena_init(&arena, cap);
		assert_int_equal(fleet_report(world.fleet, &request, &arena, &report, NULL),
				 ERR_LIMIT);
		assert_int_equal(report.lcid, 7);
		arena_done(&arena);
	}
	world_close(&world);
}

static void
gives_the_same_bytes_for_the_same_seed_in_any_order(void **state)
{
	struct fleet_options options = {.seed = 42, .machines = MACHINES, .other_percent = 20};
	struct world a, b;
	(void)state;
	world_open(&a, &options);
	world_open(&b, &options);
	(void)make_body(&b, 999999);
	for (uint64_t i = 0; i < 500; i++) {
		struct slice of_a = make_body(&a, i);
		(void)make_body(&b, 7777 - i);
		struct slice of_b = make_body(&b, i);
		assert_true(slice_equal(of_a, of_b));
	}
	world_close(&a);
	world_close(&b);
}

static void
add_slice(struct buf *out, struct slice text)
{
	buf_append(out, text);
	buf_append_byte(out, '\n');
}

/* What a seed meant yesterday it means tomorrow, with every compiler: benchmarks and bug reports
 * name seeds.  Who changes the fleet on purpose changes this number, and says so. */
static void
is_the_fleet_that_this_seed_has_always_been(void **state)
{
	struct world world;
	struct buf all;
	(void)state;
	buf_init(&all, SIZE_MAX);
	world_open(&world, &(struct fleet_options){.seed = 1, .machines = MACHINES});
	for (uint64_t i = 0; i < 2000; i++) {
		struct report report;
		make(&world, i, NOW_US, &report);
		add_slice(&all, report.machine);
		add_slice(&all, report.user);
		add_slice(&all, report.os);
		add_slice(&all, report.app_path);
		add_slice(&all, report.event_type);
		buf_printf(&all, "%llu\n", (unsigned long long)report.event_filetime);
		for (size_t k = 0; k < report.n_params; k++)
			add_slice(&all, report.params[k].value);
		for (size_t k = 0; k < report.n_secondary; k++)
			add_slice(&all, report.secondary[k].value);
		for (size_t k = 0; k < report.n_files; k++)
			add_slice(&all, report.files[k].name);
	}
	uint64_t digest = hash_64(buf_slice(&all));
	print_message("fleet of seed 1: 0x%016llx\n", (unsigned long long)digest);
	assert_true(digest == UINT64_C(0xd3c95f1f5775c21c));
	buf_done(&all);
	world_close(&world);
}

static void
gives_another_fleet_for_another_seed(void **state)
{
	struct world a, b;
	size_t n_equal = 0;
	(void)state;
	world_open(&a, &(struct fleet_options){.seed = 1, .machines = MACHINES});
	world_open(&b, &(struct fleet_options){.seed = 2, .machines = MACHINES});
	for (uint64_t i = 0; i < 200; i++)
		n_equal += slice_equal(make_body(&a, i), make_body(&b, i));
	assert_int_equal(n_equal, 0);
	world_close(&a);
	world_close(&b);
}

static void
assert_same_report(const struct report *made, const struct report *parsed)
{
	assert_true(slice_equal(made->machine, parsed->machine));
	assert_true(slice_equal(made->user, parsed->user));
	assert_true(slice_equal(made->app_name, parsed->app_name));
	assert_true(slice_equal(made->event_type, parsed->event_type));
	assert_true(slice_equal(made->friendly_event_name, parsed->friendly_event_name));
	assert_int_equal(made->lcid, parsed->lcid);
	assert_int_equal(made->event_filetime, parsed->event_filetime);
	assert_int_equal(made->n_params, parsed->n_params);
	assert_int_equal(made->n_secondary, parsed->n_secondary);
	assert_int_equal(made->n_files, parsed->n_files);
	for (size_t i = 0; i < made->n_params; i++) {
		assert_true(slice_equal(made->params[i].name, parsed->params[i].name));
		assert_true(slice_equal(made->params[i].value, parsed->params[i].value));
	}
}

/* No flag either: nothing of it is strange. */
static void
sends_what_the_collector_reads_back(void **state)
{
	struct fleet_options options = {
		.seed = 9, .machines = MACHINES, .no_bom_percent = 30, .other_percent = 30};
	struct level1_parser *parser = level1_parser_new();
	struct world world;
	struct arena arena;
	(void)state;
	world_open(&world, &options);
	arena_init(&arena, LIMIT_REPORT_ARENA_BYTES);
	for (uint64_t i = 0; i < 4000; i++) {
		struct report made, parsed;
		struct level1_error error;
		uint32_t machine = make(&world, i, NOW_US, &made);
		buf_reset(&world.body);
		fleet_body(world.fleet, &made, machine, &world.body);
		arena_reset(&arena);
		assert_int_equal(
			level1_parse(parser, buf_slice(&world.body), &arena, &parsed, &error), OK);
		assert_int_equal(parsed.flags, 0);
		assert_same_report(&made, &parsed);
	}
	arena_done(&arena);
	level1_parser_free(parser);
	world_close(&world);
}

static void
sends_utf16_with_a_mark_unless_told_otherwise(void **state)
{
	struct world plain, unmarked;
	(void)state;
	world_open(&plain, &(struct fleet_options){.seed = 3, .machines = MACHINES});
	world_open(&unmarked,
		   &(struct fleet_options){.seed = 3, .machines = MACHINES, .no_bom_percent = 100});
	for (uint64_t i = 0; i < 50; i++) {
		struct slice with = make_body(&plain, i), without = make_body(&unmarked, i);
		assert_memory_equal(with.data, "\xff\xfe<\0", 4);
		assert_true(slice_equal(slice_sub(with, 2, with.len), without));
	}
	world_close(&plain);
	world_close(&unmarked);
}

static size_t
named_params(const struct event_type *type)
{
	size_t count = 0;
	while (count < LIMIT_PARAMS && type->param_names[count] != NULL)
		count++;
	return count;
}

/* What event.h knows of a type is what the fleet sends of it. */
static void
signs_each_event_as_its_type_is_known(void **state)
{
	struct world world;
	(void)state;
	world_open(&world, &(struct fleet_options){.seed = 5, .machines = MACHINES});
	for (uint64_t i = 0; i < MANY; i++) {
		struct report report;
		make(&world, i, NOW_US, &report);
		const struct event_type *type = event_find(report.event_type);
		assert_true(report.n_params + report.n_secondary > 0);
		if (type == NULL) {
			assert_true(slice_equal_str(report.event_type, "ArventoSelfCheck"));
			continue;
		}
		if (type->report_type >= 0)
			assert_int_equal(report.report_type, type->report_type);
		if (type->is_order_known)
			assert_int_equal(report.n_params + report.n_secondary, named_params(type));
	}
	world_close(&world);
}

static void
sends_every_event_type_and_both_spellings(void **state)
{
	static bool is_seen[64], is_other_seen[64];
	struct world world;
	(void)state;
	assert_true(draft_n_events <= 64);
	world_open(&world, &(struct fleet_options){.seed = 1, .machines = MACHINES});
	for (uint64_t i = 0; i < MANY; i++) {
		struct report report;
		make(&world, i, NOW_US, &report);
		for (size_t k = 0; k < draft_n_events; k++) {
			const char *other = draft_events[k].other_name;
			is_seen[k] |= slice_equal_str(report.event_type, draft_events[k].name);
			is_other_seen[k] |=
				other == NULL || slice_equal_str(report.event_type, other);
		}
	}
	for (size_t k = 0; k < draft_n_events; k++) {
		if (!is_seen[k] || !is_other_seen[k])
			fail_msg("%s is not sent", draft_events[k].name);
	}
	/* And the other way round: what the collector knows with its parameters, the fleet sends.
	 */
	for (size_t i = 0; event_at(i) != NULL; i++) {
		const struct event_type *type = event_at(i);
		size_t k = 0;
		while (k < draft_n_events &&
		       !slice_equal_nocase(slice_str(type->name), slice_str(draft_events[k].name)))
			k++;
		if (type->is_order_known && k == draft_n_events)
			fail_msg("%s is known and never sent", type->name);
	}
	world_close(&world);
}

static void
plays_the_proportions_of_a_real_table(void **state)
{
	struct world world;
	double crashes = 0, updates = 0, inventories = 0, screens = 0;
	(void)state;
	world_open(&world,
		   &(struct fleet_options){.seed = 1, .machines = MACHINES, .mix = FLEET_MIX_SEED});
	for (uint64_t i = 0; i < MANY; i++) {
		struct report report;
		make(&world, i, NOW_US, &report);
		crashes += slice_equal_str(report.event_type, "APPCRASH");
		updates += slice_equal_str(report.event_type, "WindowsUpdateFailure3");
		inventories += slice_equal_str(report.event_type, "AEAPPINVV8");
		screens += slice_equal_str(report.event_type, "BlueScreen");
	}
	assert_true(crashes + updates + inventories + screens == MANY);
	assert_true(crashes * 24 / MANY > 11.7 && crashes * 24 / MANY < 12.3);
	assert_true(updates * 24 / MANY > 8.7 && updates * 24 / MANY < 9.3);
	assert_true(inventories * 24 / MANY > 1.8 && inventories * 24 / MANY < 2.2);
	assert_true(screens * 24 / MANY > 0.8 && screens * 24 / MANY < 1.2);
	world_close(&world);
}

static int
compare_counts(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;
	return *x < *y ? 1 : *x > *y ? -1 : 0;
}

/* Percent of COUNT reports, over DAYS, that the twenty largest label buckets hold. */
static double
top_twenty(const struct fleet_options *options, uint64_t count, int64_t days, size_t *ret_buckets)
{
	struct world world;
	struct table table = {0};
	struct buf text;
	uint64_t *hits = calloc(count, sizeof(*hits));
	size_t n_buckets = 0;
	assert_non_null(hits);
	table_init(&table);
	buf_init(&text, SIZE_MAX);
	world_open(&world, options);
	for (uint64_t i = 0; i < count; i++) {
		struct report report;
		struct label label;
		uint8_t digest[LABEL_KEY_BYTES];
		uint64_t key, bucket;
		int64_t back_us = (int64_t)(count - i) * (days * TIME_DAY_US / (int64_t)count);
		make(&world, i, NOW_US - back_us, &report);
		label_of(&report, &world.arena, &label);
		buf_reset(&text);
		label_key_text(&label, &text);
		label_key(buf_slice(&text), digest);
		memcpy(&key, digest, sizeof(key));
		if (!table_find(&table, key | 1, &bucket)) {
			bucket = n_buckets++;
			table_put(&table, key | 1, bucket);
		}
		hits[bucket]++;
	}
	qsort(hits, n_buckets, sizeof(*hits), compare_counts);
	uint64_t top = 0;
	for (size_t i = 0; i < 20 && i < n_buckets; i++)
		top += hits[i];
	free(hits);
	table_done(&table);
	buf_done(&text);
	world_close(&world);
	*ret_buckets = n_buckets;
	return 100.0 * (double)top / (double)count;
}

static void
puts_a_third_to_a_half_into_twenty_buckets(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 3; seed++) {
		for (unsigned mix = 0; mix < FLEET_MIX_N; mix++) {
			struct fleet_options options = {
				.seed = seed, .machines = 50000, .mix = (enum fleet_mix)mix};
			size_t n_buckets;
			double percent = top_twenty(&options, MANY, 20, &n_buckets);
			print_message("seed %u, %s: top twenty hold %.1f %%, %zu buckets\n",
				      (unsigned)seed, mix == FLEET_MIX_SEED ? "seed" : "fleet",
				      percent, n_buckets);
			assert_true(percent >= 30 && percent <= 50);
			assert_true(n_buckets > MANY / 20);
		}
	}
}

static void
rolls_versions_out_over_time(void **state)
{
	struct arena arena;
	struct catalog *catalog = calloc(1, sizeof(*catalog));
	size_t n_changed = 0;
	(void)state;
	assert_non_null(catalog);
	arena_init(&arena, 1024 * 1024);
	assert_true(catalog_init(catalog, &arena));
	for (uint32_t app = 0; app < APP_COUNT; app++) {
		struct release before, after;
		size_t n_new = 0;
		for (uint32_t machine = 0; machine < 100; machine++) {
			catalog_release(catalog, 1, app, machine, NOW_US, &before);
			catalog_release(catalog, 1, app, machine, NOW_US + 30 * TIME_DAY_US,
					&after);
			assert_true(after.number >= before.number);
			assert_true(before.stamp < (uint64_t)NOW_US / TIME_SECOND_US);
			n_new += after.number > before.number;
		}
		n_changed += n_new > 0 && n_new < 100;
	}
	/* In a month most programs reach some machines with a new version and others not. */
	assert_true(n_changed > APP_COUNT / 4);
	arena_done(&arena);
	free(catalog);
}

static void
has_programs_that_are_all_different(void **state)
{
	struct arena arena;
	struct catalog *catalog = calloc(1, sizeof(*catalog));
	(void)state;
	assert_non_null(catalog);
	arena_init(&arena, 1024 * 1024);
	assert_true(catalog_init(catalog, &arena));
	for (size_t i = 0; i < APP_COUNT; i++) {
		assert_non_null(catalog->apps[i].image);
		assert_true(strlen(catalog->apps[i].folder) < 200);
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(catalog->apps[i].image, catalog->apps[k].image);
	}
	for (size_t kind = 0; kind < APP_KIND_N; kind++)
		assert_true(catalog->n_by_kind[kind] > 0);
	arena_done(&arena);
	free(catalog);
}

static void
has_machines_whose_windows_can_be_read(void **state)
{
	struct arena arena;
	size_t n_servers = 0, n_qualified = 0;
	(void)state;
	arena_init(&arena, 4096);
	for (uint32_t i = 0; i < 1600; i++) {
		struct machine machine;
		struct os_version os;
		arena_reset(&arena);
		machine_make(77, i, &arena, &machine);
		assert_true(os_parse(machine.os, &os));
		assert_int_equal(os.build, machine.windows->build);
		assert_true(os.has_sku);
		assert_true(machine.name.len > 3 && machine.name.len < 64);
		assert_true(machine.oem == NULL || strlen(machine.oem) <= 32);
		n_servers += machine.windows->is_server;
		n_qualified += memchr(machine.name.data, '.', machine.name.len) != NULL;
	}
	assert_int_equal(n_servers, 1600 / MACHINE_SERVER_EVERY);
	assert_true(n_qualified > 100);
	arena_done(&arena);
}

static void
has_all_names_in_all_languages(void **state)
{
	(void)state;
	for (size_t i = 0; i < n_languages; i++) {
		for (size_t k = 0; k < LANGUAGE_NAME_N; k++) {
			const char *name = languages[i].names[k];
			if (name == NULL || name[0] == '\0')
				fail_msg("%s has no name %zu", languages[i].tag, k);
		}
	}
	for (size_t i = 0; i < n_locales; i++)
		assert_true(locales[i].language < n_languages);
}

static void
puts_events_before_their_reports(void **state)
{
	struct world world;
	(void)state;
	world_open(&world, &(struct fleet_options){.seed = 8, .machines = MACHINES});
	size_t n_queued = 0;
	for (uint64_t i = 0; i < 2000; i++) {
		struct report report;
		int64_t event_us;
		make(&world, i, NOW_US, &report);
		assert_true(time_from_filetime(report.event_filetime, &event_us));
		assert_true(event_us < NOW_US && event_us > NOW_US - 8 * TIME_DAY_US);
		n_queued += event_us < NOW_US - TIME_HOUR_US;
	}
	assert_true(n_queued > 200 && n_queued < 1000);
	world_close(&world);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_numbers_out_of_range),
		cmocka_unit_test(says_so_when_the_arena_is_too_small),
		cmocka_unit_test(gives_the_same_bytes_for_the_same_seed_in_any_order),
		cmocka_unit_test(is_the_fleet_that_this_seed_has_always_been),
		cmocka_unit_test(gives_another_fleet_for_another_seed),
		cmocka_unit_test(sends_what_the_collector_reads_back),
		cmocka_unit_test(sends_utf16_with_a_mark_unless_told_otherwise),
		cmocka_unit_test(signs_each_event_as_its_type_is_known),
		cmocka_unit_test(sends_every_event_type_and_both_spellings),
		cmocka_unit_test(plays_the_proportions_of_a_real_table),
		cmocka_unit_test(puts_a_third_to_a_half_into_twenty_buckets),
		cmocka_unit_test(rolls_versions_out_over_time),
		cmocka_unit_test(has_programs_that_are_all_different),
		cmocka_unit_test(has_machines_whose_windows_can_be_read),
		cmocka_unit_test(has_all_names_in_all_languages),
		cmocka_unit_test(puts_events_before_their_reports),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
