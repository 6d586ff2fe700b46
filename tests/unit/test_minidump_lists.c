#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "minidump_fixture.h"

/* ---- threads ---- */

static void
reads_threads_with_stack_and_registers(void **state)
{
	static const enum arch arches[] = {ARCH_X86, ARCH_AMD64, ARCH_ARM, ARCH_ARM64};
	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct parsed p;
		struct minidump_builder *b = build_crash(arches[i], DUMP_OS_WINDOWS);
		parsed_build(&p, b);
		const struct dump_thread *thread = &p.dump.threads.items[0];
		assert_int_equal(p.dump.threads.n, 2);
		assert_int_equal(thread->id, 11);
		assert_slice(thread->name, "worker");
		assert_int_equal(thread->teb, 0x7ffd0000);
		assert_int_equal(thread->stack_base, 0x7f0000);
		assert_int_equal(thread->stack_bytes, 256);
		assert_true(thread->has_registers);
		assert_int_equal(registers_pc(&thread->registers), 0x401234);
		assert_int_equal(registers_sp(&thread->registers), 0x7f0010);
		assert_true(slice_is_absent(p.dump.threads.items[1].name));
		assert_int_equal(dump_crashing_thread(&p.dump), 0);
		assert_int_equal(p.dump.oddities.n, 0);
		parsed_done(&p);
		minidump_builder_free(b);
	}
}

static void
reads_lists_with_padding_behind_their_count(void **state)
{
	struct parsed p;
	struct minidump_builder *b = build_crash(ARCH_AMD64, DUMP_OS_MACOS);
	(void)state;
	b->is_padded = true;
	parsed_build(&p, b);
	assert_int_equal(p.dump.threads.n, 2);
	assert_int_equal(p.dump.threads.items[1].id, 12);
	assert_slice(p.dump.threads.items[0].name, "worker");
	assert_int_equal(p.dump.modules.n, 2);
	assert_slice(p.dump.modules.items[1].name, "C:\\windows\\ntdll.dll");
	assert_int_equal(p.dump.memory.n, 3);
	assert_int_equal(p.dump.memory.items[0].base, 0x401200);
	for (size_t i = 0; i < p.dump.streams.n; i++)
		assert_int_equal(p.dump.streams.items[i].err, OK);
	parsed_done(&p);
	minidump_builder_free(b);
}

static void
reads_the_extended_list_of_threads(void **state)
{
	struct parsed p;
	struct minidump_builder *b = minidump_builder_new(ARCH_AMD64, DUMP_OS_WINDOWS);
	struct buf list = new_stream();
	(void)state;
	put_u32(&list, 2);
	for (uint32_t i = 0; i < 2; i++) {
		put_u32(&list, 70 + i);
		buf_append_zero(&list, 60);
	}
	add_stream(b, MINIDUMP_THREAD_EX_LIST, &list);
	parsed_build(&p, b);
	assert_int_equal(p.dump.threads.n, 2);
	assert_int_equal(p.dump.threads.items[1].id, 71);
	parsed_done(&p);
	minidump_builder_free(b);
}

static void
does_not_list_threads_twice(void **state)
{
	struct parsed p;
	struct minidump_builder *b = build_crash(ARCH_AMD64, DUMP_OS_WINDOWS);
	struct buf list = new_stream();
	(void)state;
	put_u32(&list, 1);
	put_u32(&list, 70);
	buf_append_zero(&list, 60);
	add_stream(b, MINIDUMP_THREAD_EX_LIST, &list);
	parsed_build(&p, b);
	assert_int_equal(p.dump.threads.n, 2);
	assert_stream(&p, MINIDUMP_THREAD_EX_LIST, ERR_EXISTS);
	parsed_done(&p);
	minidump_builder_free(b);
}

static void
keeps_threads_whose_context_is_too_short(void **state)
{
	struct parsed p;
	struct minidump_builder *b = minidump_builder_new(ARCH_AMD64, DUMP_OS_LINUX);
	struct built_thread thread = {.id = 5, .context = SLICE_LITERAL("\1\2")};
	(void)state;
	minidump_builder_thread(b, &thread);
	parsed_build(&p, b);
	assert_int_equal(p.dump.threads.n, 1);
	assert_false(p.dump.threads.items[0].has_registers);
	assert_int_equal(p.dump.threads.items[0].context.len, 2);
	assert_stream(&p, MINIDUMP_THREAD_LIST, OK);
	assert_true(parsed_is_odd(&p, "thread 5: a context of 2 bytes is none of amd64"));
	parsed_done(&p);
	minidump_builder_free(b);
}

static void
keeps_threads_whose_parts_lie_outside_the_file(void **state)
{
	struct parsed p;
	struct minidump_builder *b = build_crash(ARCH_AMD64, DUMP_OS_WINDOWS);
	struct slice file = minidump_builder_finish(b);
	uint8_t *thread = minidump_builder_find(b, MINIDUMP_THREAD_LIST) + 4;
	(void)state;
	set_u32(thread + 36, (uint32_t)file.len + 5); /* stack */
	set_u32(thread + 48 + 44, 0xfffffff0);        /* the second one's context */
	assert_int_equal(parsed_try(&p, file), OK);
	assert_stream(&p, MINIDUMP_THREAD_LIST, ERR_TRUNCATED);
	assert_int_equal(p.dump.threads.n, 2);
	assert_true(p.dump.threads.items[0].has_registers);
	assert_false(p.dump.threads.items[1].has_registers);
	assert_true(parsed_is_odd(&p, "thread 12: its context lies outside the file"));
	parsed_done(&p);
	minidump_builder_free(b);
}

/* ---- ThreadInfoList ---- */

static void
put_thread_info(struct buf *out, uint32_t id, uint32_t flags)
{
	put_u32(out, id);
	put_u32(out, flags);
	put_u32(out, 0);
	put_u32(out, 259); /* still active */
	for (uint64_t i = 0; i < 6; i++)
		put_u64(out, id * UINT64_C(1000) + i);
}

static void
joins_thread_infos_by_id(void **state)
{
	struct parsed p;
	struct minidump_builder *b = build_crash(ARCH_AMD64, DUMP_OS_WINDOWS);
	struct buf list = new_stream();
	(void)state;
	put_u32(&list, 12);
	put_u32(&list, 72); /* longer records than we know */
	put_u32(&list, 3);
	for (uint32_t i = 0; i < 3; i++) {
		put_thread_info(&list, 13 - i, i == 1 ? 2 : 0);
		put_u64(&list, 0xffff);
	}
	add_stream(b, MINIDUMP_THREAD_INFO_LIST, &list);
	parsed_build(&p, b);
	const struct dump_thread *thread = &p.dump.threads.items[0];
	assert_stream(&p, MINIDUMP_THREAD_INFO_LIST, OK);
	assert_int_equal(thread->exit_status, 259);
	assert_int_equal(thread->created, 11000);
	assert_int_equal(thread->kernel_time, 11002);
	assert_int_equal(thread->user_time, 11003);
	assert_int_equal(thread->start_address, 11004);
	assert_int_equal(thread->affinity, 11005);
	assert_int_equal(p.dump.threads.items[1].created, 12000);
	assert_true(parsed_is_odd(&p, "thread 12: it wrote the dump"));
	parsed_done(&p);
	minidump_builder_free(b);
}

static void
refuses_sized_lists_that_contradict_themselves(void **state)
{
	static const struct {
		uint32_t header, each, n;
		err_t err;
	} rows[] = {
		{12, 64, 1, OK},
		{11, 64, 1, ERR_CORRUPT},
		{12, 63, 1, ERR_CORRUPT},
		{12, 0, 1, ERR_CORRUPT},
		{12, 64, 2, ERR_CORRUPT},
		{12, 64, UINT32_MAX, ERR_CORRUPT},
		{77, 64, 0, ERR_CORRUPT},
		{UINT32_MAX, 64, 1, ERR_CORRUPT},
		{12, UINT32_MAX, 1, ERR_CORRUPT},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct parsed p;
		struct minidump_builder *b = build_crash(ARCH_AMD64, DUMP_OS_WINDOWS);
		struct buf list = new_stream();
		put_u32(&list, rows[i].header);
		put_u32(&list, rows[i].each);
		put_u32(&list, rows[i].n);
		put_thread_info(&list, 11, 0);
		add_stream(b, MINIDUMP_THREAD_INFO_LIST, &list);
		parsed_build(&p, b);
		assert_stream(&p, MINIDUMP_THREAD_INFO_LIST, rows[i].err);
		parsed_done(&p);
		minidump_builder_free(b);
	}
}

static void
says_which_named_threads_are_not_there(void **state)
{
	struct parsed p;
	struct minidump_builder *b = build_crash(ARCH_AMD64, DUMP_OS_WINDOWS);
	struct slice file = minidump_builder_finish(b);
	(void)state;
	set_u32(minidump_builder_find(b, MINIDUMP_THREAD_NAMES) + 4, 99);
	assert_int_equal(parsed_try(&p, file), OK);
	assert_true(parsed_is_odd(&p, "a name for thread 99, which is not there"));
	assert_true(slice_is_absent(p.dump.threads.items[0].name));
	parsed_done(&p);
	minidump_builder_free(b);
}

static void
joins_names_when_ids_come_twice(void **state)
{
	struct parsed p;
	struct minidump_builder *b = minidump_builder_new(ARCH_AMD64, DUMP_OS_WINDOWS);
	struct built_thread thread = {.id = 7, .name = "first"};
	(void)state;
	minidump_builder_thread(b, &thread);
	thread.name = "second";
	minidump_builder_thread(b, &thread);
	parsed_build(&p, b);
	assert_int_equal(p.dump.threads.n, 2);
	assert_stream(&p, MINIDUMP_THREAD_NAMES, OK);
	parsed_done(&p);
	minidump_builder_free(b);
}

/* ---- exception ---- */

static void
reads_the_exception(void **state)
{
	struct parsed p;
	struct minidump_builder *b = build_crash(ARCH_X86, DUMP_OS_WINDOWS);
	(void)state;
	parsed_build(&p, b);
	const struct dump_exception *e = &p.dump.exception;
	assert_true(e->is_there);
	assert_int_equal(e->thread_id, 11);
	assert_int_equal(e->code, 0xc0000005);
	assert_int_equal(e->address, 0x401234);
	assert_int_equal(e->n_parameters, 2);
	assert_int_equal(e->parameters[0], 1);
	assert_int_equal(e->parameters[1], 0x45);
	assert_true(e->has_registers);
	assert_int_equal(registers_pc(&e->registers), 0x401234);
	assert_int_equal(e->context.len, 0x2cc);
	parsed_done(&p);
	minidump_builder_free(b);
}

static void
bounds_the_parameters_of_an_exception(void **state)
{
	struct parsed p;
	struct minidump_builder *b = minidump_builder_new(ARCH_X86, DUMP_OS_WINDOWS);
	struct minidump_exception exception = {.code = 5, .n_parameters = UINT32_MAX};
	(void)state;
	exception.parameters[14] = 77;
	minidump_builder_exception(b, &exception, NULL);
	parsed_build(&p, b);
	assert_int_equal(p.dump.exception.n_parameters, 15);
	assert_int_equal(p.dump.exception.parameters[14], 77);
	assert_true(parsed_is_odd(&p, "claims 4294967295 parameters"));
	assert_true(parsed_is_odd(&p, "thread 0 is not there"));
	parsed_done(&p);
	minidump_builder_free(b);
}

static void
takes_no_signal_for_no_crash(void **state)
{
	struct parsed p;
	struct minidump_builder *b = minidump_builder_new(ARCH_AMD64, DUMP_OS_LINUX);
	struct built_thread thread = {.id = 8};
	struct minidump_exception exception = {.thread_id = 8};
	(void)state;
	minidump_builder_thread(b, &thread);
	minidump_builder_exception(b, &exception, NULL);
	parsed_build(&p, b);
	assert_false(p.dump.exception.is_there);
	assert_int_equal(p.dump.requesting_thread, 8);
	assert_int_equal(dump_crashing_thread(&p.dump), -1);
	parsed_done(&p);
	minidump_builder_free(b);
}

static void
refuses_a_short_exception(void **state)
{
	struct parsed p;
	struct minidump_builder *b = minidump_builder_new(ARCH_AMD64, DUMP_OS_LINUX);
	uint8_t bytes[167] = {1, 0, 0, 0, 0, 0, 0, 0, 11};
	(void)state;
	minidump_builder_stream(b, MINIDUMP_EXCEPTION, slice_of(bytes, sizeof(bytes)));
	parsed_build(&p, b);
	assert_stream(&p, MINIDUMP_EXCEPTION, ERR_TRUNCATED);
	assert_false(p.dump.exception.is_there);
	parsed_done(&p);
	minidump_builder_free(b);
}

/* ---- memory ---- */

static void
assert_memory(const struct dump *dump, uint64_t address, uint32_t value)
{
	struct memory memory = dump_memory_of(dump);
	uint32_t got = 0;
	if (!memory_u32(&memory, address, &got) || got != value)
		fail_msg("0x%lx: 0x%x, not 0x%x", (unsigned long)address, got, value);
}

static void
reads_memory_of_both_lists(void **state)
{
	static const uint8_t low[] = {1, 2, 3, 4};
	static const uint8_t high[] = {5, 6, 7, 8};
	(void)state;
	for (int is_64 = 0; is_64 <= 1; is_64++) {
		struct parsed p;
		struct minidump_builder *b = minidump_builder_new(ARCH_AMD64, DUMP_OS_WINDOWS);
		b->is_memory_64 = is_64 != 0;
		minidump_builder_memory(b, UINT64_C(0x7ffe00000000), slice_of(high, 4));
		minidump_builder_memory(b, 0x1000, slice_of(low, 4));
		minidump_builder_memory(b, UINT64_MAX - 3, slice_of(high, 4));
		parsed_build(&p, b);
		assert_int_equal(p.dump.memory.n, 3);
		assert_memory(&p.dump, 0x1000, 0x04030201);
		assert_memory(&p.dump, UINT64_C(0x7ffe00000000), 0x08070605);
		assert_memory(&p.dump, UINT64_MAX - 3, 0x08070605);
		parsed_done(&p);
		minidump_builder_free(b);
	}
}

static void
joins_ranges_that_overlap_or_touch(void **state)
{
	struct parsed p;
	struct minidump_builder *b = minidump_builder_new(ARCH_AMD64, DUMP_OS_WINDOWS);
	uint8_t bytes[16];
	(void)state;
	for (uint8_t i = 0; i < 16; i++)
		bytes[i] = i;
	minidump_builder_memory(b, 0x1008, slice_of(bytes + 8, 8));
	minidump_builder_memory(b, 0x1000, slice_of(bytes, 6));
	minidump_builder_memory(b, 0x1002, slice_of(bytes + 2, 6));
	minidump_builder_memory(b, 0x1000, slice_of(bytes, 2));
	minidump_builder_memory(b, UINT64_MAX - 1, slice_of(bytes, 4)); /* wraps */
	minidump_builder_memory(b, 0x5000, slice_of(bytes, 0));
	parsed_build(&p, b);
	for (uint32_t i = 0; i < 13; i++)
		assert_memory(&p.dump, 0x1000 + i,
			      i | (i + 1) << 8 | (i + 2) << 16 | (i + 3) << 24);
	for (size_t i = 0; i < p.dump.memory.n; i++)
		assert_true(p.dump.memory.items[i].base < 0x2000);
	parsed_done(&p);
	minidump_builder_free(b);
}

static void
refuses_memory64_lists_that_contradict_themselves(void **state)
{
	static const struct {
		uint64_t n, rva, bytes;
		err_t err;
		size_t n_kept;
	} rows[] = {
		{1, 0, 16, OK, 1},
		{2, 0, 16, ERR_CORRUPT, 0},
		{UINT64_MAX, 0, 16, ERR_CORRUPT, 0},
		{1, UINT64_MAX, 16, ERR_CORRUPT, 0}, /* the next one's offset wraps */
		{1, 0x7fffffff, 16, ERR_TRUNCATED, 0},
		{1, 0, UINT64_MAX, ERR_TRUNCATED, 0}, /* to the file's end, and wraps in memory */
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct parsed p;
		struct minidump_builder *b = minidump_builder_new(ARCH_AMD64, DUMP_OS_WINDOWS);
		struct buf list = new_stream();
		put_u64(&list, rows[i].n);
		put_u64(&list, rows[i].rva);
		put_u64(&list, i == 5 ? UINT64_MAX - 8 : 0x1000);
		put_u64(&list, rows[i].bytes);
		add_stream(b, MINIDUMP_MEMORY64_LIST, &list);
		parsed_build(&p, b);
		assert_stream(&p, MINIDUMP_MEMORY64_LIST, rows[i].err);
		assert_int_equal(p.dump.memory.n, rows[i].n_kept);
		parsed_done(&p);
		minidump_builder_free(b);
	}
}

static void
reads_the_list_of_regions(void **state)
{
	struct parsed p;
	struct minidump_builder *b = minidump_builder_new(ARCH_AMD64, DUMP_OS_WINDOWS);
	struct minidump_region region = {.base = 0x20000,
					 .allocation_base = 0x10000,
					 .allocation_protection = 4,
					 .bytes = 0x3000,
					 .state = 0x1000,
					 .protection = 0x104,
					 .type = 0x20000};
	(void)state;
	minidump_builder_region(b, &region);
	region.base = 0x10000;
	minidump_builder_region(b, &region);
	parsed_build(&p, b);
	const struct dump_region *found = dump_find_region(&p.dump, 0x22fff);
	assert_non_null(found);
	assert_int_equal(found->base, 0x20000);
	assert_int_equal(found->allocation_base, 0x10000);
	assert_int_equal(found->allocation_protection, 4);
	assert_int_equal(found->bytes, 0x3000);
	assert_int_equal(found->state, 0x1000);
	assert_int_equal(found->protection, 0x104);
	assert_int_equal(found->type, 0x20000);
	assert_null(dump_find_region(&p.dump, 0x23000));
	parsed_done(&p);
	minidump_builder_free(b);
}

/* ---- /proc/PID/maps ---- */

#define MAPS                                                                                       \
	"00400000-00417000 r-xp 00000000 08:01 1234    /usr/bin/app with blanks\n"                 \
	"00616000-00617000 rw-p 00016000 08:01 1234    /usr/bin/app with blanks\n"                 \
	"00700000-00721000 rw-p 00000000 00:00 0       [heap]\n"                                   \
	"00800000-00801000 rwxp 00000000 00:00 0 \n"                                               \
	"00900000-00901000 ---s 00000000 00:05 9       /dev/zero (deleted)\n"                      \
	"00a00000-00a01000 --xp 00000000 00:00 0\n"

static void
reads_the_maps_of_linux(void **state)
{
	struct parsed p;
	struct minidump_builder *b = minidump_builder_new(ARCH_AMD64, DUMP_OS_LINUX);
	(void)state;
	minidump_builder_stream(b, MINIDUMP_LINUX_MAPS, SLICE_LITERAL(MAPS));
	parsed_build(&p, b);
	const struct dump_region *r = p.dump.regions.items;
	assert_stream(&p, MINIDUMP_LINUX_MAPS, OK);
	assert_int_equal(p.dump.regions.n, 6);
	assert_int_equal(r[0].bytes, 0x17000);
	assert_int_equal(r[0].protection, 0x20);
	assert_int_equal(r[0].type, 0x1000000);
	assert_slice(r[0].name, "/usr/bin/app with blanks");
	assert_int_equal(r[1].allocation_base, 0x400000);
	assert_int_equal(r[1].protection, 0x04);
	assert_slice(r[2].name, "[heap]");
	assert_int_equal(r[2].type, 0x20000);
	assert_int_equal(r[3].protection, 0x40);
	assert_true(slice_is_absent(r[3].name));
	assert_int_equal(r[3].allocation_base, 0x800000);
	assert_int_equal(r[4].type, 0x40000);
	assert_int_equal(r[4].protection, 0x01);
	assert_int_equal(r[5].protection, 0x10);
	parsed_done(&p);
	minidump_builder_free(b);
}

static void
passes_over_lines_that_are_no_maps(void **state)
{
	struct parsed p;
	struct minidump_builder *b = minidump_builder_new(ARCH_AMD64, DUMP_OS_LINUX);
	(void)state;
	minidump_builder_stream(b, MINIDUMP_LINUX_MAPS,
				SLICE_LITERAL("\n\nnonsense\n1000-2000 r-\n2000-1000 r-xp 0 0 0\n"
					      "x-2000 r-xp 0 0 0\n1000-12345678901234567 rw-p\n"
					      "3000-4000 r--p 0 0 0"));
	parsed_build(&p, b);
	assert_stream(&p, MINIDUMP_LINUX_MAPS, ERR_CORRUPT);
	assert_int_equal(p.dump.regions.n, 1);
	assert_int_equal(p.dump.regions.items[0].base, 0x3000);
	parsed_done(&p);
	minidump_builder_free(b);
}

static void
names_regions_by_the_maps(void **state)
{
	struct parsed p;
	struct minidump_builder *b = minidump_builder_new(ARCH_AMD64, DUMP_OS_LINUX);
	struct minidump_region region = {
		.base = 0x400000, .bytes = 0x17000, .state = 0x1000, .protection = 0x20};
	(void)state;
	minidump_builder_region(b, &region);
	region.base = 0x500000;
	minidump_builder_region(b, &region);
	region.base = 0x700000;
	minidump_builder_region(b, &region);
	minidump_builder_stream(b, MINIDUMP_LINUX_MAPS, SLICE_LITERAL(MAPS));
	parsed_build(&p, b);
	assert_int_equal(p.dump.regions.n, 3);
	assert_slice(p.dump.regions.items[0].name, "/usr/bin/app with blanks");
	assert_true(slice_is_absent(p.dump.regions.items[1].name));
	assert_slice(p.dump.regions.items[2].name, "[heap]");
	parsed_done(&p);
	minidump_builder_free(b);
}

/* ---- handles ---- */

static void
put_handle(struct buf *out, uint64_t handle, uint32_t type, uint32_t name)
{
	put_u64(out, handle);
	put_u32(out, type);
	put_u32(out, name);
	put_u32(out, 1);
	put_u32(out, 0x1f0003);
	put_u32(out, 2);
	put_u32(out, 3);
}

static void
reads_handles_of_both_lengths(void **state)
{
	(void)state;
	for (uint32_t each = 32; each <= 40; each += 8) {
		struct parsed p;
		struct minidump_builder *b = minidump_builder_new(ARCH_AMD64, DUMP_OS_WINDOWS);
		struct buf list = new_stream();
		uint32_t type = minidump_builder_string(b, "Event");
		uint32_t name = minidump_builder_string(b, "\\BaseNamedObjects\\go");
		struct buf info = new_stream();
		put_u32(&info, 0);
		put_u32(&info, 6);
		put_u32(&info, 4);
		put_u32(&info, 0x01020304);
		uint32_t info_rva = minidump_builder_blob(b, buf_slice(&info));
		buf_done(&info);
		put_u32(&list, 16);
		put_u32(&list, each);
		put_u32(&list, 2);
		put_u32(&list, 0);
		for (uint64_t i = 0; i < 2; i++) {
			put_handle(&list, 4 + 4 * i, type, i == 0 ? name : 0);
			if (each == 40) {
				put_u32(&list, i == 0 ? info_rva : 0);
				put_u32(&list, 0);
			}
		}
		add_stream(b, MINIDUMP_HANDLE_DATA, &list);
		parsed_build(&p, b);
		const struct dump_handle *handles = p.dump.handles.items;
		assert_stream(&p, MINIDUMP_HANDLE_DATA, OK);
		assert_int_equal(p.dump.handles.n, 2);
		assert_int_equal(handles[1].handle, 8);
		assert_slice(handles[0].type, "Event");
		assert_slice(handles[0].name, "\\BaseNamedObjects\\go");
		assert_true(slice_is_absent(handles[1].name));
		assert_int_equal(handles[0].attributes, 1);
		assert_int_equal(handles[0].access, 0x1f0003);
		assert_int_equal(handles[0].handle_count, 2);
		assert_int_equal(handles[0].pointer_count, 3);
		assert_slice(handles[0].info, each == 40 ? "EventInformation1 04030201" : "");
		parsed_done(&p);
		minidump_builder_free(b);
	}
}

static void
ends_a_chain_of_object_information_that_loops(void **state)
{
	struct parsed p;
	struct minidump_builder *b = minidump_builder_new(ARCH_AMD64, DUMP_OS_WINDOWS);
	struct buf list = new_stream();
	(void)state;
	uint32_t info = minidump_builder_blob(b, SLICE_LITERAL("xxxx\xc8\0\0\0\1\0\0\0z"));
	set_u32(b->file.data + info, info);
	put_u32(&list, 16);
	put_u32(&list, 40);
	put_u32(&list, 2);
	put_u32(&list, 0);
	put_handle(&list, 4, 0, 0);
	put_u64(&list, info);
	put_handle(&list, 8, 0, 0);
	put_u64(&list, 0x7fffffff);
	add_stream(b, MINIDUMP_HANDLE_DATA, &list);
	parsed_build(&p, b);
	assert_stream(&p, MINIDUMP_HANDLE_DATA, ERR_TRUNCATED);
	assert_int_equal(p.dump.handles.n, 2);
	assert_true(slice_starts_with(p.dump.handles.items[0].info,
				      SLICE_LITERAL("type 200 7a; type 200 7a; ")));
	assert_int_equal(p.dump.handles.items[0].info.len, 8 * 11 + 7 * 2);
	assert_true(slice_is_absent(p.dump.handles.items[1].info));
	parsed_done(&p);
	minidump_builder_free(b);
}

static void
counts_handle_operations_and_function_tables(void **state)
{
	struct parsed p;
	struct minidump_builder *b = minidump_builder_new(ARCH_AMD64, DUMP_OS_WINDOWS);
	struct buf list = new_stream();
	(void)state;
	put_u32(&list, 16);
	put_u32(&list, 288);
	put_u32(&list, 2);
	put_u32(&list, 0);
	buf_append_zero(&list, (size_t)2 * 288);
	add_stream(b, MINIDUMP_HANDLE_OPERATION_LIST, &list);
	list = new_stream();
	put_u32(&list, 24);
	put_u32(&list, 32);
	put_u32(&list, 40);
	put_u32(&list, 12);
	put_u32(&list, 7);
	put_u32(&list, 0);
	add_stream(b, MINIDUMP_FUNCTION_TABLE, &list);
	parsed_build(&p, b);
	assert_slice(parsed_fact(&p, "handle_operations"), "2");
	assert_slice(parsed_fact(&p, "function_tables"), "7");
	parsed_done(&p);
	minidump_builder_free(b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_threads_with_stack_and_registers),
		cmocka_unit_test(reads_lists_with_padding_behind_their_count),
		cmocka_unit_test(reads_the_extended_list_of_threads),
		cmocka_unit_test(does_not_list_threads_twice),
		cmocka_unit_test(keeps_threads_whose_context_is_too_short),
		cmocka_unit_test(keeps_threads_whose_parts_lie_outside_the_file),
		cmocka_unit_test(joins_thread_infos_by_id),
		cmocka_unit_test(refuses_sized_lists_that_contradict_themselves),
		cmocka_unit_test(says_which_named_threads_are_not_there),
		cmocka_unit_test(joins_names_when_ids_come_twice),
		cmocka_unit_test(reads_the_exception),
		cmocka_unit_test(bounds_the_parameters_of_an_exception),
		cmocka_unit_test(takes_no_signal_for_no_crash),
		cmocka_unit_test(refuses_a_short_exception),
		cmocka_unit_test(reads_memory_of_both_lists),
		cmocka_unit_test(joins_ranges_that_overlap_or_touch),
		cmocka_unit_test(refuses_memory64_lists_that_contradict_themselves),
		cmocka_unit_test(reads_the_list_of_regions),
		cmocka_unit_test(reads_the_maps_of_linux),
		cmocka_unit_test(passes_over_lines_that_are_no_maps),
		cmocka_unit_test(names_regions_by_the_maps),
		cmocka_unit_test(reads_handles_of_both_lengths),
		cmocka_unit_test(ends_a_chain_of_object_information_that_loops),
		cmocka_unit_test(counts_handle_operations_and_function_tables),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
