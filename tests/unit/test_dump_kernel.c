#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "base/limits.h"
#include "kernel_builder.h"

enum {
	ARENA_BYTES = 16 * 1024 * 1024
};

struct bench {
	struct world world;
	struct buf file;
	struct arena arena;
	struct dump dump;
	struct err_detail detail;
};

static struct bench bench;

static int
set_up(void **state)
{
	(void)state;
	bench = (struct bench){0};
	world_init(&bench.world, ARCH_AMD64);
	arena_init(&bench.arena, ARENA_BYTES);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	world_free(&bench.world);
	buf_done(&bench.file);
	arena_done(&bench.arena);
	return 0;
}

/* An exact copy, so that a read past its end is seen by the sanitizer. */
static err_t
parse_slice(struct slice file)
{
	uint8_t *copy = malloc(file.len + 1);
	assert_non_null(copy);
	memcpy(copy, file.data, file.len);
	uint8_t *exact = realloc(copy, file.len == 0 ? 1 : file.len);
	arena_reset(&bench.arena);
	err_t err =
		kernel_parse(slice_of(exact, file.len), &bench.arena, &bench.dump, &bench.detail);
	free(exact);
	return err;
}

static void
parse(void)
{
	arena_reset(&bench.arena);
	assert_int_equal(
		kernel_parse(buf_slice(&bench.file), &bench.arena, &bench.dump, &bench.detail), OK);
}

static const struct dump_stream *
stream_of(const char *name)
{
	for (size_t i = 0; i < bench.dump.streams.n; i++)
		if (bench.dump.streams.items[i].name != NULL &&
		    strcmp(bench.dump.streams.items[i].name, name) == 0)
			return &bench.dump.streams.items[i];
	fail_msg("no stream %s", name);
	return NULL;
}

static uint8_t *
triage_field(unsigned index)
{
	return bench.file.data + WORLD_TRIAGE_OFFSET + 4 * (size_t)index;
}

static struct slice
annotation(const char *name)
{
	for (size_t i = 0; i < bench.dump.annotations.n; i++)
		if (slice_equal_str(bench.dump.annotations.items[i].name, name))
			return bench.dump.annotations.items[i].value;
	return (struct slice){0};
}

/* ---- hostile: any form ---- */

static void
refuses_what_is_no_kernel_dump(void **state)
{
	(void)state;
	assert_int_equal(parse_slice(SLICE_LITERAL("")), ERR_CORRUPT);
	assert_int_equal(parse_slice(SLICE_LITERAL("PAGEDU6")), ERR_CORRUPT);
	assert_int_equal(parse_slice(SLICE_LITERAL("MDMP\x93\xa7")), ERR_CORRUPT);
	assert_false(kernel_is_dump(SLICE_LITERAL("PAGEDUMB")));
	assert_true(kernel_is_dump(SLICE_LITERAL("PAGEDUMP")));
}

static void
refuses_a_header_that_is_not_whole(void **state)
{
	(void)state;
	world_write_triage(&bench.world, &bench.file);
	for (size_t len = 8; len < 0x2000; len += 11) {
		assert_int_equal(parse_slice(slice_sub(buf_slice(&bench.file), 0, len)),
				 ERR_TRUNCATED);
		assert_int_equal(bench.detail.offset, len);
	}
}

static void
survives_every_truncation_of_a_triage_dump(void **state)
{
	(void)state;
	world_write_triage(&bench.world, &bench.file);
	for (size_t len = 0x2000; len < bench.file.len; len += 13)
		assert_int_equal(parse_slice(slice_sub(buf_slice(&bench.file), 0, len)), OK);
}

static void
survives_every_truncation_of_a_full_dump(void **state)
{
	(void)state;
	world_write_full(&bench.world, &bench.file);
	for (size_t len = 0x2000; len < bench.file.len; len += 509)
		assert_int_equal(parse_slice(slice_sub(buf_slice(&bench.file), 0, len)), OK);
	buf_done(&bench.file);
	world_write_bitmap(&bench.world, &bench.file);
	for (size_t len = 0x2000; len < bench.file.len; len += 509)
		assert_int_equal(parse_slice(slice_sub(buf_slice(&bench.file), 0, len)), OK);
}

static void
keeps_to_the_cap_of_the_arena(void **state)
{
	(void)state;
	world_write_triage(&bench.world, &bench.file);
	unsigned refused = 0;
	for (size_t cap = 0; cap < 2 * 1024 * 1024; cap = cap * 3 / 2 + 1000) {
		struct arena small;
		arena_init(&small, cap);
		err_t err =
			kernel_parse(buf_slice(&bench.file), &small, &bench.dump, &bench.detail);
		assert_true(err == OK || err == ERR_LIMIT);
		refused += err == ERR_LIMIT;
		arena_done(&small);
	}
	assert_true(refused > 5);
}

/* ---- hostile: triage ---- */

static void
counts_that_the_file_cannot_hold_cost_only_their_part(void **state)
{
	(void)state;
	world_write_triage(&bench.world, &bench.file);
	poke(triage_field(13), 4, 4000);  /* drivers */
	poke(triage_field(31), 4, 60000); /* data blocks */
	parse();
	assert_int_equal(stream_of("Drivers")->err, ERR_TRUNCATED);
	assert_int_equal(stream_of("DataBlocks")->err, ERR_TRUNCATED);
	poke(triage_field(13), 4, UINT32_MAX);
	poke(triage_field(31), 4, UINT32_MAX);
	parse();
	assert_int_equal(stream_of("Drivers")->err, ERR_LIMIT);
	assert_int_equal(stream_of("DataBlocks")->err, ERR_LIMIT);
	assert_true(bench.dump.modules.n <= LIMIT_KERNEL_DRIVERS);
	assert_true(bench.dump.threads.items[0].has_registers);
}

static void
offsets_outside_the_file_are_named(void **state)
{
	static const struct {
		unsigned field;
		const char *stream;
	} parts[] = {{2, "EndMark"},    {6, "UnloadedDrivers"}, {7, "ProcessorControlBlock"},
		     {8, "Process"},    {9, "Thread"},          {10, "CallStack"},
		     {12, "Drivers"},   {14, "Strings"},        {28, "DebuggerData"},
		     {30, "DataBlocks"}};
	(void)state;
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		world_write_triage(&bench.world, &bench.file);
		poke(triage_field(parts[i].field), 4, UINT32_MAX - 3);
		parse();
		if (stream_of(parts[i].stream)->err != ERR_TRUNCATED)
			fail_msg("%s is not marked", parts[i].stream);
		buf_done(&bench.file);
	}
}

static void
a_block_of_ones_gives_the_header(void **state)
{
	(void)state;
	world_write_triage(&bench.world, &bench.file);
	memset(bench.file.data + 0x2000, 0xff, bench.file.len - 0x2000);
	parse();
	assert_int_equal(bench.dump.bugcheck.code, 0x1000007e);
	assert_int_equal(bench.dump.modules.n, 0);
	assert_int_equal(bench.dump.threads.n, 1);
	assert_int_equal(registers_pc(&bench.dump.exception.registers), WORLD_KERNEL + 0x5001);
}

static void
driver_names_outside_the_file_are_absent(void **state)
{
	(void)state;
	world_write_triage(&bench.world, &bench.file);
	uint64_t list = peek(triage_field(12)) & UINT32_MAX;
	uint8_t *entry = bench.file.data + list;
	poke(entry, 4, UINT32_MAX);
	uint8_t *second = bench.file.data + (peek(entry + 0x90) & UINT32_MAX);
	poke(second, 4, UINT32_MAX); /* longer than a name may be */
	parse();
	assert_int_equal(bench.dump.modules.n, WORLD_MODULES);
	assert_int_equal(stream_of("Drivers")->err, ERR_CORRUPT);
	assert_true(slice_is_absent(bench.dump.modules.items[0].name));
	assert_true(slice_is_absent(bench.dump.modules.items[1].name));
	assert_true(slice_equal_str(bench.dump.modules.items[2].name, world_names[2]));
}

static void
a_wrong_end_mark_is_named(void **state)
{
	(void)state;
	world_write_triage(&bench.world, &bench.file);
	poke(bench.file.data + (peek(triage_field(2)) & UINT32_MAX), 4, 0);
	parse();
	assert_int_equal(stream_of("EndMark")->err, ERR_CORRUPT);
}

static void
secondary_data_that_does_not_move_on_ends(void **state)
{
	(void)state;
	world_write_triage(&bench.world, &bench.file);
	uint8_t *piece = bench.file.data + (peek(triage_field(1)) & UINT32_MAX) + 16;
	poke(piece, 4, 0);
	parse();
	const struct dump_stream *last = &bench.dump.streams.items[bench.dump.streams.n - 1];
	while (last->name != NULL)
		last--;
	assert_int_equal(last->err, ERR_CORRUPT);
}

static void
secondary_data_longer_than_the_file_is_named(void **state)
{
	(void)state;
	world_write_triage(&bench.world, &bench.file);
	uint8_t *piece = bench.file.data + (peek(triage_field(1)) & UINT32_MAX) + 16;
	poke(piece + 0x14, 4, UINT32_MAX);
	parse();
	assert_int_equal(stream_of("SecondaryData {00000010-0000-0000-0000-000000000000}")->err,
			 ERR_TRUNCATED);
}

static void
secondary_pieces_without_end_are_bounded(void **state)
{
	(void)state;
	world_write_triage(&bench.world, &bench.file);
	for (unsigned i = 0; i < 2 * LIMIT_KERNEL_SECONDARY; i++) {
		uint8_t piece[0x20] = {0x20};
		buf_append(&bench.file, slice_of(piece, sizeof(piece)));
	}
	parse();
	assert_int_equal(bench.dump.streams.items[bench.dump.streams.n - 1].err, ERR_LIMIT);
}

static void
a_name_that_is_none_is_not_believed(void **state)
{
	(void)state;
	memcpy(world_at(&bench.world, WORLD_PROCESS + 0x5a8), "\x01\x02", 2);
	world_write_triage(&bench.world, &bench.file);
	parse();
	assert_true(slice_is_absent(bench.dump.image_path));
	assert_int_equal(bench.dump.process_id, 0);
	assert_int_equal(bench.dump.threads.items[0].id, WORLD_THREAD);
}

static void
a_thread_id_that_is_there_twice_is_not_believed(void **state)
{
	(void)state;
	poke(world_at(&bench.world, WORLD_THREAD + 0x2a0), 8, WORLD_PROCESS_ID);
	poke(world_at(&bench.world, WORLD_THREAD + 0x2a8), 8, 0x44);
	world_write_triage(&bench.world, &bench.file);
	parse();
	assert_int_equal(bench.dump.process_id, WORLD_PROCESS_ID);
	assert_int_equal(bench.dump.threads.items[0].id, WORLD_THREAD);
}

static void
processors_that_are_claimed_cost_nothing(void **state)
{
	(void)state;
	world_write_triage(&bench.world, &bench.file);
	poke(bench.file.data + 0x34, 4, UINT32_MAX);
	parse();
	assert_int_equal(bench.dump.threads.n, 2);
}

/* ---- hostile: pages ---- */

static void
runs_that_do_not_fit_are_refused(void **state)
{
	(void)state;
	world_write_full(&bench.world, &bench.file);
	poke(bench.file.data + WORLD_RUNS_OFFSET, 4, 43);
	parse();
	assert_int_equal(stream_of("Pages")->err, ERR_CORRUPT);
	poke(bench.file.data + WORLD_RUNS_OFFSET, 4, 2);
	poke(bench.file.data + WORLD_RUNS_OFFSET + 24, 8, UINT64_MAX);
	parse();
	assert_int_equal(stream_of("Pages")->err, ERR_CORRUPT);
	assert_int_equal(bench.dump.modules.n, 0);
	assert_int_equal(bench.dump.bugcheck.code, 0x1000007e);
}

static void
bitmaps_that_lie_are_refused(void **state)
{
	(void)state;
	world_write_bitmap(&bench.world, &bench.file);
	uint8_t *header = bench.file.data + WORLD_BITMAP_OFFSET;
	poke(header + 0x30, 8, UINT64_MAX);
	parse();
	assert_int_equal(stream_of("Pages")->err, ERR_LIMIT);
	poke(header + 0x30, 8, LIMIT_KERNEL_PAGES);
	parse();
	assert_int_equal(stream_of("Pages")->err, ERR_TRUNCATED);
	memcpy(header, "XXXX", 4);
	parse();
	assert_int_equal(stream_of("Pages")->err, ERR_CORRUPT);
}

static void
first_pages_outside_the_file_are_named(void **state)
{
	(void)state;
	world_write_bitmap(&bench.world, &bench.file);
	poke(bench.file.data + WORLD_BITMAP_OFFSET + 0x20, 8, UINT64_MAX - 100);
	parse();
	assert_int_equal(stream_of("Pages")->err, ERR_TRUNCATED);
	assert_int_equal(bench.dump.memory.n, 0);
}

static void
page_tables_that_point_to_themselves_end(void **state)
{
	(void)state;
	world_write_full(&bench.world, &bench.file);
	for (unsigned i = 0; i < 512; i++)
		poke(bench.file.data + 0x2000 + 8 * (size_t)i, 8, world_frame_number(0) << 12 | 1);
	parse();
	assert_int_equal(bench.dump.bugcheck.code, 0x1000007e);
}

static void
a_list_of_drivers_that_comes_back_ends(void **state)
{
	(void)state;
	/* The last entry leads to the second instead of the head. */
	poke(world_at(&bench.world, WORLD_ENTRY(2)), 8, WORLD_ENTRY(1));
	world_write_full(&bench.world, &bench.file);
	parse();
	assert_int_equal(stream_of("Drivers")->err, ERR_CORRUPT);
	assert_int_equal(bench.dump.modules.n, WORLD_MODULES);
}

static void
a_head_that_is_not_there_gives_no_drivers(void **state)
{
	(void)state;
	world_write_full(&bench.world, &bench.file);
	poke(bench.file.data + 0x20, 8, UINT64_C(0x1234567890abcdef)); /* not canonical */
	parse();
	assert_int_equal(stream_of("Drivers")->err, ERR_NOTFOUND);
	assert_int_equal(bench.dump.modules.n, 0);
}

/* ---- what is read ---- */

static void
assert_crash(void)
{
	const struct dump *dump = &bench.dump;
	const struct dump_thread *thread = &dump->threads.items[0];
	assert_int_equal(dump->os, DUMP_OS_WINDOWS);
	assert_int_equal(dump->arch, bench.world.arch);
	assert_true(dump->bugcheck.is_there);
	assert_int_equal(dump->bugcheck.code, 0x1000007e);
	assert_int_equal(dump->bugcheck.parameters[3], WORLD_STACK + WORLD_CONTEXT);
	assert_int_equal(dump->exception.code, 0xc0000005);
	assert_int_equal(dump->exception.address, WORLD_FAULT);
	assert_int_equal(dump->exception.n_parameters, 2);
	assert_int_equal(dump->exception.parameters[1], 0x18);
	assert_int_equal(registers_pc(&dump->exception.registers), WORLD_FAULT);
	assert_int_equal(dump_crashing_thread(dump), 0);
	assert_int_equal(dump->threads.n, 2);
	assert_int_equal(registers_pc(&thread->registers), WORLD_KERNEL + 0x5001);
	assert_int_equal(registers_sp(&thread->registers), WORLD_STACK + WORLD_SP);
	assert_true(slice_equal_str(thread->name, "processor 1"));
	assert_true(slice_equal_str(dump->threads.items[1].name, "processor 0"));
	assert_int_equal(registers_sp(&dump->threads.items[1].registers),
			 WORLD_OTHER_STACK + WORLD_SP);
	assert_true(slice_equal_str(dump->cpu, "GenuineIntel, 3000 MHz"));
	assert_true(slice_equal_str(dump->os_version, "10.0.19041"));
	assert_true(slice_equal_str(dump->comment, "made by a test"));
	assert_int_equal(dump->time_us, INT64_C(1613871502987765));
	assert_true(slice_equal_str(annotation("up_time_seconds"), "3"));
	assert_int_equal(thread->teb, 0x7ff00000);
}

static void
assert_drivers(void)
{
	const struct dump *dump = &bench.dump;
	assert_int_equal(dump->modules.n, WORLD_MODULES);
	for (unsigned i = 0; i < WORLD_MODULES; i++) {
		assert_true(slice_equal_str(dump->modules.items[i].name, world_names[i]));
		assert_int_equal(dump->modules.items[i].base, world_bases[i]);
		assert_int_equal(dump->modules.items[i].bytes, world_sizes[i]);
	}
	const struct dump_module *driver = &dump->modules.items[1];
	assert_int_equal(dump_find_module(dump, WORLD_FAULT), 1);
	assert_int_equal(driver->timestamp, WORLD_STAMP);
	assert_true(slice_equal_str(driver->code_id, "5F00000010000"));
	assert_true(slice_equal_str(driver->debug_name, "crash.pdb"));
	assert_true(slice_equal_str(driver->debug_id, "0403020106050807090A0B0C0D0E0F102a"));
	assert_true(dump->modules.items[0].is_main);
}

static void
assert_stack_word(uint64_t address, uint64_t expected)
{
	struct memory memory = dump_memory_of(&bench.dump);
	uint64_t value = 0;
	assert_true(memory_u64(&memory, address, &value));
	assert_int_equal(value, expected);
}

static void
a_triage_dump_tells_the_crash(void **state)
{
	(void)state;
	world_write_triage(&bench.world, &bench.file);
	parse();
	assert_int_equal(bench.dump.kind, DUMP_KERNEL_TRIAGE);
	assert_crash();
	assert_drivers();
	for (size_t i = 0; i < bench.dump.streams.n; i++)
		assert_int_equal(bench.dump.streams.items[i].err, OK);
	assert_true(slice_equal_str(bench.dump.image_path, "crasher.exe"));
	assert_int_equal(bench.dump.process_id, WORLD_PROCESS_ID);
	assert_int_equal(bench.dump.threads.items[0].id, WORLD_THREAD_ID);
	assert_int_equal(bench.dump.exception.thread_id, WORLD_THREAD_ID);
	assert_int_equal(bench.dump.call_stack_base, WORLD_STACK);
	assert_int_equal(bench.dump.call_stack.len, WORLD_STACK_BYTES);
	assert_int_equal(bench.dump.threads.items[0].stack_bytes, WORLD_STACK_BYTES);
	assert_int_equal(bench.dump.threads.items[1].stack_base, WORLD_OTHER_STACK + WORLD_SP);
	assert_stack_word(WORLD_STACK + WORLD_FAULT_SP, WORLD_DRIVER + 0x2000);
	assert_stack_word(WORLD_OTHER_STACK + WORLD_SP, WORLD_KERNEL + 0x7000);
	assert_true(slice_equal_str(annotation("dump_type"), "triage"));
	assert_true(slice_equal_str(annotation("verifier_flags"), "0x9bb"));
	assert_true(slice_equal_str(annotation("broken_driver"), world_names[0]));
	assert_int_equal(bench.dump.modules.items[2].checksum, 0x1002);
}

static void
unloaded_drivers_keep_their_names_and_places(void **state)
{
	(void)state;
	world_write_triage(&bench.world, &bench.file);
	parse();
	const struct dump_unloaded *gone =
		dump_find_unloaded(&bench.dump, WORLD_OTHER_DRIVER + 0x101000);
	assert_non_null(gone);
	assert_true(slice_equal_str(gone->name, "gone.sys"));
	assert_int_equal(gone->bytes, 0x4000);
	assert_int_equal(bench.dump.unloaded.n, 2);
	assert_true(slice_equal_str(bench.dump.unloaded.items[1].name, "twelvelett.s"));
	assert_int_equal(bench.dump.unloaded.items[1].bytes, 0);
}

static void
a_triage_dump_of_arm64_tells_the_crash(void **state)
{
	(void)state;
	world_free(&bench.world);
	world_init(&bench.world, ARCH_ARM64);
	world_write_triage(&bench.world, &bench.file);
	parse();
	assert_crash();
	assert_drivers();
	uint64_t value;
	assert_true(registers_get(&bench.dump.exception.registers, ARM64_LR, &value));
	assert_int_equal(value, 0x100 + ARM64_LR);
	assert_int_equal(bench.dump.threads.items[0].context.len, CONTEXT_BYTES_ARM64);
	/* Where a process of arm64 keeps its name is not known. */
	assert_true(slice_is_absent(bench.dump.image_path));
	assert_int_equal(bench.dump.threads.items[0].id, WORLD_THREAD);
}

static void
assert_pages_tell_the_crash(void)
{
	parse();
	assert_int_equal(bench.dump.kind, DUMP_KERNEL_FULL);
	assert_crash();
	assert_drivers();
	assert_int_equal(stream_of("Pages")->err, OK);
	assert_int_equal(stream_of("Drivers")->err, OK);
	assert_true(slice_equal_str(bench.dump.image_path, "crasher.exe"));
	assert_int_equal(bench.dump.threads.items[0].id, WORLD_THREAD_ID);
	assert_stack_word(WORLD_STACK + WORLD_FAULT_SP, WORLD_DRIVER + 0x2000);
	assert_stack_word(WORLD_OTHER_STACK + WORLD_SP, WORLD_KERNEL + 0x7000);
	assert_int_equal(bench.dump.threads.items[0].stack_bytes, WORLD_STACK_BYTES - WORLD_SP);
	assert_int_equal(bench.dump.modules.items[1].checksum, 0xabcd);
}

static void
a_full_dump_tells_the_crash_through_its_page_tables(void **state)
{
	(void)state;
	world_write_full(&bench.world, &bench.file);
	assert_pages_tell_the_crash();
	assert_true(slice_equal_str(annotation("dump_type"), "full"));
}

static void
a_bitmap_dump_tells_the_crash_through_its_page_tables(void **state)
{
	(void)state;
	world_write_bitmap(&bench.world, &bench.file);
	assert_pages_tell_the_crash();
	assert_true(slice_equal_str(annotation("dump_type"), "kernel bitmap"));
}

static void
large_pages_are_followed(void **state)
{
	(void)state;
	world_write_full(&bench.world, &bench.file);
	/* The entry of the top table for user addresses: a table whose first entry is 1 GiB. */
	uint8_t *top = bench.file.data + 0x2000;
	uint8_t *second = bench.file.data + 0x3000;
	poke(top, 8, world_frame_number(1) << 12 | 1);
	memset(second, 0, 4096);
	poke(second, 8, 0x81);
	poke(bench.file.data + 0x20, 8, 0x5008); /* the list's head: physical page 5 */
	poke(bench.file.data + 0x6008, 8, 0x5008);
	parse();
	assert_int_equal(stream_of("Drivers")->err, OK);
	assert_int_equal(bench.dump.modules.n, 0);
}

static void
the_pages_of_other_kinds_wait(void **state)
{
	static const uint32_t types[] = {KERNEL_TYPE_SUMMARY, KERNEL_TYPE_LIVE_KERNEL, 77};
	(void)state;
	world_write_full(&bench.world, &bench.file);
	for (size_t i = 0; i < 3; i++) {
		poke(bench.file.data + 0xf98, 4, types[i]);
		parse();
		assert_int_equal(stream_of("Pages")->err, ERR_UNSUPPORTED);
		assert_int_equal(bench.dump.bugcheck.code, 0x1000007e);
		assert_true(bench.dump.threads.items[0].has_registers);
	}
	assert_true(slice_equal_str(annotation("dump_type"), "unknown"));
	poke(bench.file.data + 0xf98, 4, KERNEL_TYPE_HEADER);
	parse();
	assert_int_equal(bench.dump.streams.n, 1);
}

static void
the_pages_of_arm64_wait(void **state)
{
	(void)state;
	world_free(&bench.world);
	world_init(&bench.world, ARCH_ARM64);
	world_write_full(&bench.world, &bench.file);
	parse();
	assert_int_equal(stream_of("Pages")->err, ERR_UNSUPPORTED);
	assert_int_equal(registers_sp(&bench.dump.exception.registers),
			 WORLD_STACK + WORLD_FAULT_SP);
}

static void
an_unknown_processor_gives_the_bug_check(void **state)
{
	(void)state;
	world_write_triage(&bench.world, &bench.file);
	poke(bench.file.data + 0x30, 4, 0x200); /* Itanium */
	poke(bench.file.data + 0x0c, 4, 1);
	parse();
	assert_int_equal(bench.dump.arch, ARCH_UNKNOWN);
	assert_int_equal(bench.dump.bugcheck.code, 0x1000007e);
	assert_int_equal(bench.dump.exception.code, 0xc0000005);
	assert_false(bench.dump.exception.has_registers);
	assert_int_equal(bench.dump.modules.n, WORLD_MODULES);
	assert_true(slice_equal_str(bench.dump.os_version, "build 1"));
}

static void
names_carry_no_control_characters(void **state)
{
	(void)state;
	world_write_triage(&bench.world, &bench.file);
	uint64_t list = peek(triage_field(12)) & UINT32_MAX;
	uint8_t *name = bench.file.data + (peek(bench.file.data + list) & UINT32_MAX) + 4;
	poke(name, 2, 0x1b);
	poke(name + 2, 2, 0xd800); /* half a pair */
	parse();
	assert_true(slice_starts_with(bench.dump.modules.items[0].name,
				      SLICE_LITERAL("?\xef\xbf\xbdystemRoot")));
}

static void
images_whose_headers_lie_have_no_identity(void **state)
{
	(void)state;
	uint8_t *page = world_at(&bench.world, WORLD_DRIVER);
	poke(page + 0x500 + 4, 8, 0); /* a GUID of zeros */
	poke(page + 0x500 + 12, 8, 0);
	poke(page + 0x400 + 28 + 16, 4, UINT32_MAX); /* bytes of the record */
	world_write_triage(&bench.world, &bench.file);
	parse();
	assert_true(slice_is_absent(bench.dump.modules.items[1].debug_id));
	assert_true(slice_equal_str(bench.dump.modules.items[1].code_id, "5F00000010000"));
	buf_done(&bench.file);
	poke(page + 0x400 + 28 + 16, 4, 23); /* too short for its GUID */
	world_write_triage(&bench.world, &bench.file);
	parse();
	assert_true(slice_is_absent(bench.dump.modules.items[1].debug_name));
	buf_done(&bench.file);
	poke(page + 0x80 + 24, 2, 0x107); /* another kind of image */
	world_write_triage(&bench.world, &bench.file);
	parse();
	assert_true(slice_is_absent(bench.dump.modules.items[1].debug_name));
	buf_done(&bench.file);
	poke(page + 0x3c, 4, UINT32_MAX);
	world_write_triage(&bench.world, &bench.file);
	parse();
	assert_true(slice_is_absent(bench.dump.modules.items[1].debug_name));
}

static void
stacks_in_many_pieces_are_bounded(void **state)
{
	(void)state;
	world_write_triage(&bench.world, &bench.file);
	/* Pieces of one byte, of which the stack of each processor seems to be made. */
	uint32_t table = (uint32_t)bench.file.len;
	for (uint64_t i = 0; i < 50000; i++) {
		uint8_t block[16];
		poke(block, 8, WORLD_OTHER_STACK + 0x1000 + i);
		poke(block + 8, 4, i);
		poke(block + 12, 4, 1);
		buf_append(&bench.file, slice_of(block, sizeof(block)));
	}
	poke(triage_field(30), 4, table);
	poke(triage_field(31), 4, 50000);
	parse();
	for (size_t i = 1; i < bench.dump.threads.n; i++)
		assert_true(bench.dump.threads.items[i].stack_bytes <= LIMIT_KERNEL_STACK_BYTES);
}

static void
the_header_alone_gives_code_and_address_of_the_exception(void **state)
{
	(void)state;
	world_write_full(&bench.world, &bench.file);
	poke(bench.file.data + 0xf98, 4, KERNEL_TYPE_HEADER);
	parse();
	assert_int_equal(bench.dump.exception.code, 0xc0000005);
	assert_int_equal(bench.dump.exception.address, WORLD_FAULT);
	assert_int_equal(registers_sp(&bench.dump.exception.registers),
			 WORLD_STACK + WORLD_FAULT_SP);
}

static void
a_trap_frame_gives_the_registers_that_it_has(void **state)
{
	(void)state;
	bench.world.bugcheck = 0x139;
	bench.world.parameters[0] = 3;
	bench.world.parameters[1] = WORLD_STACK + WORLD_TRAP_FRAME;
	bench.world.parameters[2] = WORLD_STACK + WORLD_RECORD;
	bench.world.parameters[3] = 0;
	world_write_triage(&bench.world, &bench.file);
	parse();
	uint64_t value;
	const struct registers *registers = &bench.dump.exception.registers;
	assert_int_equal(registers_pc(registers), WORLD_FAULT + 0x10);
	assert_int_equal(registers_sp(registers), WORLD_STACK + WORLD_FAULT_SP);
	assert_true(registers_get(registers, AMD64_RAX, &value));
	assert_int_equal(value, 0x77);
	assert_true(registers_get(registers, AMD64_RFLAGS, &value));
	assert_int_equal(value, 0x10246);
	assert_false(registers_get(registers, AMD64_R15, &value));
	assert_false(registers_get(registers, AMD64_RBX, &value));
	assert_int_equal(bench.dump.exception.code, 0xc0000005);
}

/* A driver used memory that was not there at a raised interrupt level. */
static void
use_memory(uint64_t instruction)
{
	bench.world.bugcheck = 0xd1;
	bench.world.parameters[0] = 0x18;
	bench.world.parameters[1] = 2;
	bench.world.parameters[2] = 1;
	bench.world.parameters[3] = instruction;
}

static void
the_trap_frame_of_the_instruction_is_found_on_the_stack(void **state)
{
	(void)state;
	use_memory(WORLD_FAULT + 0x10);
	/* The same address elsewhere is no frame. */
	poke(world_at(&bench.world, WORLD_STACK + 0x400), 8, WORLD_FAULT + 0x10);
	world_write_triage(&bench.world, &bench.file);
	parse();
	const struct dump_exception *exception = &bench.dump.exception;
	uint64_t value;
	assert_int_equal(exception->code, 0xc0000005);
	assert_int_equal(exception->address, WORLD_FAULT + 0x10);
	assert_int_equal(exception->n_parameters, 2);
	assert_int_equal(exception->parameters[0], 1);
	assert_int_equal(exception->parameters[1], 0x18);
	assert_int_equal(registers_pc(&exception->registers), WORLD_FAULT + 0x10);
	assert_int_equal(registers_sp(&exception->registers), WORLD_STACK + WORLD_FAULT_SP);
	assert_true(registers_get(&exception->registers, AMD64_RAX, &value));
	assert_int_equal(value, 0x77);
	assert_int_equal(registers_pc(&bench.dump.threads.items[0].registers),
			 WORLD_KERNEL + 0x5001);
}

static void
without_a_trap_frame_the_registers_are_the_headers(void **state)
{
	(void)state;
	use_memory(WORLD_FAULT + 0x20);
	/* What only looks like one: in user mode, and with a stack below it. */
	uint8_t *frame = world_at(&bench.world, WORLD_STACK + WORLD_TRAP_FRAME);
	poke(frame + 0x168, 8, WORLD_FAULT + 0x20);
	poke(frame + 0x170, 2, 0x33);
	world_write_triage(&bench.world, &bench.file);
	parse();
	assert_int_equal(registers_pc(&bench.dump.exception.registers), WORLD_KERNEL + 0x5001);
	buf_done(&bench.file);
	poke(frame + 0x170, 2, 0x10);
	poke(frame + 0x180, 8, WORLD_STACK);
	world_write_triage(&bench.world, &bench.file);
	parse();
	assert_int_equal(registers_pc(&bench.dump.exception.registers), WORLD_KERNEL + 0x5001);
	assert_int_equal(bench.dump.exception.address, WORLD_FAULT + 0x20);
}

static void
filler_is_absent(void **state)
{
	(void)state;
	world_write_triage(&bench.world, &bench.file);
	world_put_filler(bench.file.data + 0x38, 4);
	world_put_filler(bench.file.data + 0x348, 0xbb8);
	world_put_filler(bench.file.data + 0xf00, 0x98);
	world_put_filler(bench.file.data + 0xfa8, 8);
	world_put_filler(bench.file.data + 0xfb0, 128);
	world_put_filler(bench.file.data + 0x1030, 8);
	struct kernel_header header;
	assert_int_equal(kernel_header_parse(buf_slice(&bench.file), &header, NULL), OK);
	assert_true(slice_is_absent(header.context));
	assert_true(slice_is_absent(header.comment));
	assert_false(header.exception.is_there);
	assert_false(header.bugcheck.is_there);
	parse();
	assert_false(bench.dump.bugcheck.is_there);
	assert_int_equal(bench.dump.time_us, 0);
	assert_true(slice_is_absent(annotation("up_time_seconds")));
	assert_false(bench.dump.exception.is_there);
}

static void
a_dump_of_32_bits_gives_its_header(void **state)
{
	(void)state;
	world_write_32(&bench.file);
	parse();
	assert_int_equal(bench.dump.arch, ARCH_X86);
	assert_int_equal(bench.dump.bugcheck.code, 0xd1);
	assert_int_equal(bench.dump.bugcheck.parameters[3], 0x80000003);
	assert_true(slice_equal_str(bench.dump.os_version, "5.1.2600"));
	assert_int_equal(bench.dump.exception.code, 0xc0000005);
	assert_int_equal(bench.dump.exception.parameters[1], 0x10);
	assert_int_equal(registers_pc(&bench.dump.threads.items[0].registers), 0x80501234);
	assert_int_equal(registers_sp(&bench.dump.threads.items[0].registers), 0xf7a00100);
	assert_true(slice_equal_str(annotation("up_time_seconds"), "60"));
	assert_int_equal(parse_slice(slice_sub(buf_slice(&bench.file), 0, 0xfff)), ERR_TRUNCATED);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(refuses_what_is_no_kernel_dump),
		TEST(refuses_a_header_that_is_not_whole),
		TEST(survives_every_truncation_of_a_triage_dump),
		TEST(survives_every_truncation_of_a_full_dump),
		TEST(keeps_to_the_cap_of_the_arena),
		TEST(counts_that_the_file_cannot_hold_cost_only_their_part),
		TEST(offsets_outside_the_file_are_named),
		TEST(a_block_of_ones_gives_the_header),
		TEST(driver_names_outside_the_file_are_absent),
		TEST(a_wrong_end_mark_is_named),
		TEST(secondary_data_that_does_not_move_on_ends),
		TEST(secondary_data_longer_than_the_file_is_named),
		TEST(secondary_pieces_without_end_are_bounded),
		TEST(a_name_that_is_none_is_not_believed),
		TEST(a_thread_id_that_is_there_twice_is_not_believed),
		TEST(processors_that_are_claimed_cost_nothing),
		TEST(runs_that_do_not_fit_are_refused),
		TEST(bitmaps_that_lie_are_refused),
		TEST(first_pages_outside_the_file_are_named),
		TEST(page_tables_that_point_to_themselves_end),
		TEST(a_list_of_drivers_that_comes_back_ends),
		TEST(a_head_that_is_not_there_gives_no_drivers),
		TEST(a_triage_dump_tells_the_crash),
		TEST(unloaded_drivers_keep_their_names_and_places),
		TEST(a_triage_dump_of_arm64_tells_the_crash),
		TEST(a_full_dump_tells_the_crash_through_its_page_tables),
		TEST(a_bitmap_dump_tells_the_crash_through_its_page_tables),
		TEST(large_pages_are_followed),
		TEST(the_pages_of_other_kinds_wait),
		TEST(the_pages_of_arm64_wait),
		TEST(an_unknown_processor_gives_the_bug_check),
		TEST(names_carry_no_control_characters),
		TEST(images_whose_headers_lie_have_no_identity),
		TEST(stacks_in_many_pieces_are_bounded),
		TEST(the_header_alone_gives_code_and_address_of_the_exception),
		TEST(a_trap_frame_gives_the_registers_that_it_has),
		TEST(the_trap_frame_of_the_instruction_is_found_on_the_stack),
		TEST(without_a_trap_frame_the_registers_are_the_headers),
		TEST(filler_is_absent),
		TEST(a_dump_of_32_bits_gives_its_header),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
