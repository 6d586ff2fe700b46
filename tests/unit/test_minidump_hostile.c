#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "minidump_fixture.h"

/* ---- the file as a whole ---- */

static void
assert_refused(struct slice file, err_t err, const char *why)
{
	struct parsed p;
	err_t got = parsed_try(&p, file);
	if (got != err || strstr(p.detail.why, why) == NULL)
		fail_msg("%s: %s", err_name(got), p.detail.why);
	parsed_done(&p);
}

static void
refuses_what_does_not_begin_with_mdmp(void **state)
{
	(void)state;
	assert_refused(SLICE_LITERAL(""), ERR_CORRUPT, "MDMP");
	assert_refused(SLICE_LITERAL("MDM"), ERR_CORRUPT, "MDMP");
	assert_refused(SLICE_LITERAL("PAGEDU64 and more than a header"), ERR_CORRUPT, "MDMP");
}

static void
refuses_a_header_that_ends_early(void **state)
{
	(void)state;
	assert_refused(SLICE_LITERAL("MDMP"), ERR_TRUNCATED, "4 of 32");
	assert_refused(
		SLICE_LITERAL("MDMP\x93\xa7\0\0\1\0\0\0\x20\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
			      "\0"),
		ERR_TRUNCATED, "31 of 32");
}

static void
refuses_a_big_endian_file(void **state)
{
	(void)state;
	assert_refused(SLICE_LITERAL("PMDM0000000000000000000000000000"), ERR_UNSUPPORTED,
		       "big-endian");
}

static void
refuses_another_version(void **state)
{
	struct minidump_builder *b = build_crash(ARCH_X86, DUMP_OS_WINDOWS);
	(void)state;
	b->version = 0x0001a794;
	assert_refused(minidump_builder_finish(b), ERR_CORRUPT, "version 0x1a794");
	minidump_builder_free(b);
}

static void
refuses_a_directory_outside_the_file(void **state)
{
	struct parsed p;
	struct minidump_builder *b = build_crash(ARCH_X86, DUMP_OS_WINDOWS);
	struct slice file = minidump_builder_finish(b);
	(void)state;
	set_u32(b->file.data + 12, (uint32_t)file.len - 11);
	assert_int_equal(parsed_try(&p, file), ERR_TRUNCATED);
	assert_int_equal(p.detail.offset, file.len - 11);
	parsed_done(&p);
	set_u32(b->file.data + 12, UINT32_MAX);
	assert_refused(file, ERR_TRUNCATED, "leaves the file");
	minidump_builder_free(b);
}

/* 60 bytes that claim 16 million streams: refused before anything is allocated for them. */
static void
refuses_a_claim_of_millions_of_streams(void **state)
{
	struct parsed p;
	uint8_t file[60] = "MDMP\x93\xa7";
	(void)state;
	set_u32(file + 8, 16774400);
	set_u32(file + 12, 32);
	assert_int_equal(parsed_try(&p, slice_of(file, sizeof(file))), ERR_TRUNCATED);
	assert_int_equal(p.arena.used_bytes, 0);
	parsed_done(&p);
}

static void
refuses_more_streams_than_the_limit(void **state)
{
	struct parsed p;
	struct minidump_builder *b = minidump_builder_new(ARCH_AMD64, DUMP_OS_WINDOWS);
	(void)state;
	b->n_unused = LIMIT_MINIDUMP_STREAMS - 1;
	parsed_build(&p, b);
	assert_int_equal(p.dump.streams.n, LIMIT_MINIDUMP_STREAMS);
	parsed_done(&p);
	minidump_builder_free(b);
	b = minidump_builder_new(ARCH_AMD64, DUMP_OS_WINDOWS);
	b->n_unused = LIMIT_MINIDUMP_STREAMS;
	assert_refused(minidump_builder_finish(b), ERR_LIMIT, "4097 streams");
	minidump_builder_free(b);
}

static void
refuses_to_pass_the_cap_of_the_arena(void **state)
{
	struct minidump_builder *b = build_crash(ARCH_AMD64, DUMP_OS_WINDOWS);
	struct slice file = minidump_builder_finish(b);
	struct arena arena;
	struct dump dump;
	struct err_detail detail;
	size_t n_refused = 0;
	(void)state;
	/* Whatever the cap, it is an answer: refused, or with streams that say ERR_LIMIT. */
	for (size_t cap = 0; cap < 16384; cap += 16) {
		arena_init(&arena, cap);
		err_t err = minidump_parse(file, &arena, &dump, &detail);
		assert_true(err == OK || err == ERR_LIMIT);
		n_refused += err == ERR_LIMIT;
		arena_done(&arena);
	}
	assert_true(n_refused > 0 && n_refused < 1024);
	minidump_builder_free(b);
}

static bool
has_error(const struct dump *dump)
{
	for (size_t i = 0; i < dump->streams.n; i++)
		if (dump->streams.items[i].err != OK)
			return true;
	return false;
}

/* Every cut of a small dump: refused, or read with a stream that says what is wrong. */
static void
answers_every_cut_of_a_dump(void **state)
{
	static const enum arch arches[] = {ARCH_X86, ARCH_AMD64, ARCH_ARM, ARCH_ARM64};
	(void)state;
	for (size_t a = 0; a < 4; a++) {
		struct minidump_builder *b = build_crash(arches[a], DUMP_OS_WINDOWS);
		struct slice file = minidump_builder_finish(b);
		size_t directory_end = 32 + 12 * (size_t)b->n_streams;
		for (size_t len = 0; len < file.len; len++) {
			struct parsed p;
			err_t err = parsed_try(&p, slice_sub(file, 0, len));
			if (len < directory_end)
				assert_int_equal(err, len < 4 ? ERR_CORRUPT : ERR_TRUNCATED);
			else
				assert_true(err == OK && has_error(&p.dump));
			parsed_done(&p);
		}
		minidump_builder_free(b);
	}
}

static void
keeps_what_a_cut_file_still_has(void **state)
{
	struct parsed p;
	struct minidump_builder *b = minidump_builder_new(ARCH_AMD64, DUMP_OS_WINDOWS);
	uint8_t bytes[4096] = {0};
	(void)state;
	minidump_builder_memory(b, 0x1000, slice_of(bytes, sizeof(bytes)));
	minidump_builder_memory(b, 0x9000, slice_of(bytes, sizeof(bytes)));
	struct slice file = minidump_builder_finish(b);
	/* The second range loses its end, as when a disk was full. */
	uint8_t *list = minidump_builder_find(b, MINIDUMP_MEMORY_LIST);
	set_u32(list + 4 + 16 + 12, (uint32_t)file.len - 100);
	assert_int_equal(parsed_try(&p, file), OK);
	assert_stream(&p, MINIDUMP_MEMORY_LIST, ERR_TRUNCATED);
	assert_true(parsed_stream(&p, MINIDUMP_MEMORY_LIST)->is_read);
	assert_int_equal(p.dump.memory.n, 2);
	assert_int_equal(p.dump.memory.items[0].bytes.len, 4096);
	assert_int_equal(p.dump.memory.items[1].bytes.len, 100);
	parsed_done(&p);
	minidump_builder_free(b);
}

/* ---- lists ---- */

/* Parses the crash after its list of TYPE was given another count. */
static void
parse_with_count(uint32_t type, uint32_t count, struct parsed *p)
{
	struct minidump_builder *b = build_crash(ARCH_X86, DUMP_OS_WINDOWS);
	struct slice file = minidump_builder_finish(b);
	set_u32(minidump_builder_find(b, type), count);
	assert_int_equal(parsed_try(p, file), OK);
	minidump_builder_free(b);
}

static void
refuses_a_list_whose_count_contradicts_its_size(void **state)
{
	static const uint32_t types[] = {MINIDUMP_THREAD_LIST, MINIDUMP_MODULE_LIST,
					 MINIDUMP_MEMORY_LIST, MINIDUMP_THREAD_NAMES};
	static const uint32_t counts[] = {5, 1000, 0x05555556, 0x7fffffff, UINT32_MAX};
	(void)state;
	for (size_t i = 0; i < 4; i++) {
		for (size_t k = 0; k < 5; k++) {
			struct parsed p;
			parse_with_count(types[i], counts[k], &p);
			assert_stream(&p, types[i], ERR_CORRUPT);
			assert_false(parsed_stream(&p, types[i])->is_read);
			/* The rest is there. */
			assert_stream(&p, MINIDUMP_EXCEPTION, OK);
			parsed_done(&p);
		}
	}
}

static void
reads_fewer_records_than_the_stream_has_room_for(void **state)
{
	struct parsed p;
	(void)state;
	parse_with_count(MINIDUMP_THREAD_LIST, 1, &p);
	assert_stream(&p, MINIDUMP_THREAD_LIST, OK);
	assert_int_equal(p.dump.threads.n, 1);
	assert_int_equal(p.dump.threads.items[0].id, 11);
	parsed_done(&p);
	parse_with_count(MINIDUMP_THREAD_LIST, 0, &p);
	assert_int_equal(p.dump.threads.n, 0);
	assert_true(parsed_is_odd(&p, "exception's thread 11 is not there"));
	parsed_done(&p);
}

/* An entry of the directory that is told to be longer than the file. */
static void
marks_streams_that_leave_the_file(void **state)
{
	static const uint32_t rvas[] = {0x7fffffff, UINT32_MAX};
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct parsed p;
		struct minidump_builder *b = build_crash(ARCH_X86, DUMP_OS_WINDOWS);
		struct slice file = minidump_builder_finish(b);
		set_u32(minidump_builder_find_entry(b, MINIDUMP_MODULE_LIST) + 8, rvas[i]);
		assert_int_equal(parsed_try(&p, file), OK);
		assert_stream(&p, MINIDUMP_MODULE_LIST, ERR_TRUNCATED);
		assert_int_equal(p.dump.modules.n, 0);
		assert_int_equal(p.dump.threads.n, 2);
		parsed_done(&p);
		minidump_builder_free(b);
	}
}

static void
marks_listed_streams_that_leave_the_file(void **state)
{
	struct parsed p;
	struct minidump_builder *b = minidump_builder_new(ARCH_X86, DUMP_OS_WINDOWS);
	(void)state;
	minidump_builder_entry(b, 0x4d7a0003, 100, 0x7fffffff);
	minidump_builder_entry(b, 0x4d7a0004, UINT32_MAX, 32);
	minidump_builder_stream(b, 0x1234abcd, SLICE_LITERAL("of a vendor"));
	parsed_build(&p, b);
	assert_stream(&p, 0x4d7a0003, ERR_TRUNCATED);
	assert_stream(&p, 0x4d7a0004, ERR_TRUNCATED);
	assert_stream(&p, 0x1234abcd, OK);
	assert_false(parsed_stream(&p, 0x1234abcd)->is_read);
	assert_null(parsed_stream(&p, 0x1234abcd)->name);
	parsed_done(&p);
	minidump_builder_free(b);
}

static void
takes_the_first_of_two_streams_of_one_type(void **state)
{
	struct parsed p;
	struct minidump_builder *b = build_crash(ARCH_X86, DUMP_OS_WINDOWS);
	struct minidump_exception second = {.thread_id = 12, .code = 0x80000003};
	(void)state;
	minidump_builder_exception(b, &second, NULL);
	parsed_build(&p, b);
	assert_int_equal(p.dump.exception.code, 0xc0000005);
	size_t n_again = 0;
	for (size_t i = 0; i < p.dump.streams.n; i++)
		n_again += p.dump.streams.items[i].err == ERR_EXISTS;
	assert_int_equal(n_again, 1);
	parsed_done(&p);
	minidump_builder_free(b);
}

static void
takes_empty_entries_for_nothing(void **state)
{
	struct parsed p;
	struct minidump_builder *b = build_crash(ARCH_X86, DUMP_OS_WINDOWS);
	(void)state;
	minidump_builder_entry(b, MINIDUMP_UNUSED, 0, 0);
	minidump_builder_entry(b, MINIDUMP_UNUSED, UINT32_MAX, UINT32_MAX);
	b->n_unused = 2;
	parsed_build(&p, b);
	for (size_t i = 0; i < p.dump.streams.n; i++)
		assert_int_equal(p.dump.streams.items[i].err, OK);
	assert_int_equal(p.dump.oddities.n, 0);
	parsed_done(&p);
	minidump_builder_free(b);
}

/* ---- what is dear ---- */

static void
stops_at_the_limit_of_threads(void **state)
{
	struct parsed p;
	struct minidump_builder *b = minidump_builder_new(ARCH_X86, DUMP_OS_WINDOWS);
	struct built_thread thread = {0};
	(void)state;
	for (uint32_t i = 0; i < LIMIT_MINIDUMP_THREADS + 5; i++) {
		thread.id = i;
		minidump_builder_thread(b, &thread);
	}
	parsed_build(&p, b);
	assert_int_equal(p.dump.threads.n, LIMIT_MINIDUMP_THREADS);
	assert_stream(&p, MINIDUMP_THREAD_LIST, ERR_LIMIT);
	parsed_done(&p);
	minidump_builder_free(b);
}

static void
stops_at_the_limit_of_modules(void **state)
{
	struct parsed p;
	struct minidump_builder *b = minidump_builder_new(ARCH_X86, DUMP_OS_WINDOWS);
	struct built_module module = {.bytes = 16, .name = "m"};
	(void)state;
	for (uint32_t i = 0; i < LIMIT_MINIDUMP_MODULES + 5; i++) {
		module.base = 16 * i;
		minidump_builder_module(b, &module);
	}
	parsed_build(&p, b);
	assert_int_equal(p.dump.modules.n, LIMIT_MINIDUMP_MODULES);
	assert_stream(&p, MINIDUMP_MODULE_LIST, ERR_LIMIT);
	parsed_done(&p);
	minidump_builder_free(b);
}

static void
stops_at_the_limit_of_memory_ranges(void **state)
{
	struct parsed p;
	struct minidump_builder *b = minidump_builder_new(ARCH_AMD64, DUMP_OS_WINDOWS);
	(void)state;
	b->is_memory_64 = true;
	for (uint64_t i = 0; i < LIMIT_MINIDUMP_MEMORY_RANGES + 5; i++)
		minidump_builder_memory(b, 0x10000 + 16 * i, slice_of("x", 1));
	parsed_build(&p, b);
	assert_int_equal(p.dump.memory.n, LIMIT_MINIDUMP_MEMORY_RANGES);
	assert_stream(&p, MINIDUMP_MEMORY64_LIST, ERR_LIMIT);
	parsed_done(&p);
	minidump_builder_free(b);
}

static void
stops_at_the_limit_of_regions(void **state)
{
	struct parsed p;
	struct minidump_builder *b = minidump_builder_new(ARCH_AMD64, DUMP_OS_LINUX);
	struct buf maps = new_stream();
	(void)state;
	for (unsigned i = 0; i < LIMIT_MINIDUMP_REGIONS + 5; i++)
		buf_printf(&maps, "%x000-%x000 r--p 0 0 0\n", i + 1, i + 2);
	add_stream(b, MINIDUMP_LINUX_MAPS, &maps);
	parsed_build(&p, b);
	assert_int_equal(p.dump.regions.n, LIMIT_MINIDUMP_REGIONS);
	assert_stream(&p, MINIDUMP_LINUX_MAPS, ERR_LIMIT);
	parsed_done(&p);
	minidump_builder_free(b);
}

/* Both lists together may pass the limit of one. */
static void
stops_at_the_limit_of_memory_over_both_lists(void **state)
{
	struct parsed p;
	struct minidump_builder *b = minidump_builder_new(ARCH_AMD64, DUMP_OS_WINDOWS);
	struct built_thread thread = {
		.id = 1, .stack_base = 0x100, .stack = SLICE_LITERAL("stack")};
	(void)state;
	b->is_memory_64 = true;
	b->stacks_are_memory = false;
	minidump_builder_thread(b, &thread);
	for (uint64_t i = 0; i < LIMIT_MINIDUMP_MEMORY_RANGES; i++)
		minidump_builder_memory(b, 0x10000 + 16 * i, slice_of("x", 1));
	parsed_build(&p, b);
	assert_int_equal(p.dump.memory.n, LIMIT_MINIDUMP_MEMORY_RANGES);
	assert_stream(&p, MINIDUMP_MEMORY64_LIST, ERR_LIMIT);
	assert_int_equal(p.dump.memory.items[0].base, 0x100);
	assert_true(p.arena.used_bytes < LIMIT_MINIDUMP_ARENA_BYTES);
	parsed_done(&p);
	minidump_builder_free(b);
}

static void
add_handles(struct minidump_builder *b, uint32_t n)
{
	struct buf list = new_stream();
	put_u32(&list, 16);
	put_u32(&list, 32);
	put_u32(&list, n);
	put_u32(&list, 0);
	buf_append_zero(&list, (size_t)n * 32);
	add_stream(b, MINIDUMP_HANDLE_DATA, &list);
}

/* What limits.h promises: the arena is enough for any file. */
static void
holds_all_lists_at_their_limits(void **state)
{
	struct parsed p;
	struct minidump_builder *b = minidump_builder_new(ARCH_AMD64, DUMP_OS_WINDOWS);
	struct built_thread thread = {.stack = SLICE_LITERAL("stack")};
	struct built_module module = {.bytes = 1, .pdb = "p.pdb", .guid = {1}};
	struct minidump_region region = {.bytes = 1};
	char name[900] = {0};
	(void)state;
	memset(name, 'n', sizeof(name) - 1);
	module.name = name;
	for (uint32_t i = 0; i < LIMIT_MINIDUMP_THREADS; i++) {
		thread.id = i;
		thread.stack_base = 0x100 * (uint64_t)i;
		minidump_builder_thread(b, &thread);
		module.base = i;
		minidump_builder_module(b, &module);
		minidump_builder_unloaded(b, i, 1, "u");
	}
	for (uint64_t i = LIMIT_MINIDUMP_THREADS; i < LIMIT_MINIDUMP_MEMORY_RANGES; i++)
		minidump_builder_memory(b, UINT64_C(0x100000000) + 16 * i, slice_of("x", 1));
	for (uint64_t i = 0; i < LIMIT_MINIDUMP_REGIONS; i++) {
		region.base = i;
		minidump_builder_region(b, &region);
	}
	add_handles(b, LIMIT_MINIDUMP_HANDLES);
	parsed_build(&p, b);
	assert_int_equal(p.dump.threads.n, LIMIT_MINIDUMP_THREADS);
	assert_int_equal(p.dump.modules.n, LIMIT_MINIDUMP_MODULES);
	assert_int_equal(p.dump.n_modules_by_base, LIMIT_MINIDUMP_MODULES);
	assert_int_equal(p.dump.regions.n, LIMIT_MINIDUMP_REGIONS);
	assert_int_equal(p.dump.handles.n, LIMIT_MINIDUMP_HANDLES);
	/* Stacks come twice, so not every range of the list has a place. */
	assert_true(p.dump.memory.n > LIMIT_MINIDUMP_MEMORY_RANGES - 2 * LIMIT_MINIDUMP_THREADS);
	assert_int_equal(p.dump.modules.items[LIMIT_MINIDUMP_MODULES - 1].debug_id.len, 33);
	(void)printf("arena: %zu bytes\n", p.arena.used_bytes);
	assert_true(p.arena.used_bytes < LIMIT_MINIDUMP_ARENA_BYTES / 10 * 9);
	parsed_done(&p);
	minidump_builder_free(b);
}

/* A thousand modules share one name of 64 KiB: a file of 200 KiB must not become 64 MiB. */
static void
bounds_names_that_many_records_share(void **state)
{
	struct parsed p;
	struct minidump_builder *b = minidump_builder_new(ARCH_X86, DUMP_OS_WINDOWS);
	struct built_module module = {.bytes = 16};
	char name[30001] = {0};
	(void)state;
	memset(name, 'n', sizeof(name) - 1);
	uint32_t rva = minidump_builder_string(b, name);
	for (uint32_t i = 0; i < 1000; i++) {
		module.base = 0x10000 + 16 * i;
		minidump_builder_module(b, &module);
	}
	struct slice file = minidump_builder_finish(b);
	for (uint32_t i = 0; i < 1000; i++)
		set_u32(minidump_builder_find(b, MINIDUMP_MODULE_LIST) + 4 + 108 * i + 20, rva);
	assert_int_equal(parsed_try(&p, file), OK);
	assert_stream(&p, MINIDUMP_MODULE_LIST, ERR_LIMIT);
	assert_int_equal(p.dump.modules.n, 1000);
	assert_int_equal(p.dump.modules.items[0].name.len, 30000);
	assert_int_equal(p.dump.modules.items[999].name.len, 0);
	assert_true(p.arena.used_bytes < LIMIT_MINIDUMP_TEXT_BYTES + (4 << 20));
	parsed_done(&p);
	minidump_builder_free(b);
}

/* The same with debug names, which are not copied but looked at. */
static void
bounds_debug_records_that_many_modules_share(void **state)
{
	struct parsed p;
	struct minidump_builder *b = minidump_builder_new(ARCH_X86, DUMP_OS_WINDOWS);
	static uint8_t record[256 * 1024];
	struct built_module module = {.bytes = 16, .name = "m"};
	(void)state;
	memset(record, 'n', sizeof(record));
	set_u32(record, MINIDUMP_CODEVIEW_RSDS);
	uint32_t rva = minidump_builder_blob(b, slice_of(record, sizeof(record)));
	for (uint32_t i = 0; i < LIMIT_MINIDUMP_MODULES; i++) {
		module.base = 0x10000 + 16 * i;
		minidump_builder_module(b, &module);
	}
	struct slice file = minidump_builder_finish(b);
	uint8_t *list = minidump_builder_find(b, MINIDUMP_MODULE_LIST) + 4;
	for (uint32_t i = 0; i < LIMIT_MINIDUMP_MODULES; i++) {
		set_u32(list + 108 * i + 76, sizeof(record));
		set_u32(list + 108 * i + 80, rva);
	}
	assert_int_equal(parsed_try(&p, file), OK);
	assert_stream(&p, MINIDUMP_MODULE_LIST, ERR_LIMIT);
	assert_int_equal(p.dump.modules.items[0].debug_name.len, LIMIT_MINIDUMP_NAME_BYTES);
	parsed_done(&p);
	minidump_builder_free(b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_what_does_not_begin_with_mdmp),
		cmocka_unit_test(refuses_a_header_that_ends_early),
		cmocka_unit_test(refuses_a_big_endian_file),
		cmocka_unit_test(refuses_another_version),
		cmocka_unit_test(refuses_a_directory_outside_the_file),
		cmocka_unit_test(refuses_a_claim_of_millions_of_streams),
		cmocka_unit_test(refuses_more_streams_than_the_limit),
		cmocka_unit_test(refuses_to_pass_the_cap_of_the_arena),
		cmocka_unit_test(answers_every_cut_of_a_dump),
		cmocka_unit_test(keeps_what_a_cut_file_still_has),
		cmocka_unit_test(refuses_a_list_whose_count_contradicts_its_size),
		cmocka_unit_test(reads_fewer_records_than_the_stream_has_room_for),
		cmocka_unit_test(marks_streams_that_leave_the_file),
		cmocka_unit_test(marks_listed_streams_that_leave_the_file),
		cmocka_unit_test(takes_the_first_of_two_streams_of_one_type),
		cmocka_unit_test(takes_empty_entries_for_nothing),
		cmocka_unit_test(stops_at_the_limit_of_threads),
		cmocka_unit_test(stops_at_the_limit_of_modules),
		cmocka_unit_test(stops_at_the_limit_of_memory_ranges),
		cmocka_unit_test(stops_at_the_limit_of_regions),
		cmocka_unit_test(stops_at_the_limit_of_memory_over_both_lists),
		cmocka_unit_test(holds_all_lists_at_their_limits),
		cmocka_unit_test(bounds_names_that_many_records_share),
		cmocka_unit_test(bounds_debug_records_that_many_modules_share),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
