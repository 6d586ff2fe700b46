#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <sys/resource.h>

#include "base/fs.h"
#include "base/limits.h"
#include "base/reader.h"
#include "base/text.h"
#include "core_builder.h"
#include "dump/context_layout.h"
#include "dump/core.h"
#include "run_tool.h"
#include "scratch.h"
#include "write_sample.h"

static struct sample sample;

static int
set_up(void **state)
{
	(void)state;
	sample_init(&sample, ARCH_AMD64);
	sample.request.kind = WRITE_MINI;
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	sample_done(&sample);
	return 0;
}

static void
rebuild(enum arch arch, enum write_kind kind)
{
	sample_done(&sample);
	sample_init(&sample, arch);
	sample.request.kind = kind;
}

static struct write_result
write_it(void)
{
	struct write_result result;
	struct err_detail detail = {.why = ""};
	buf_reset(&sample.file);
	if (write_minidump(&sample.request, &result, &detail) != OK)
		fail_msg("%s", detail.why);
	return result;
}

/* ---- a small reader of what was written ---- */

static uint64_t
number_at(uint64_t offset, unsigned bytes)
{
	struct reader r;
	assert_true(offset <= sample.file.len);
	reader_init(&r, slice_sub(buf_slice(&sample.file), (size_t)offset, bytes));
	uint64_t value = bytes == 8 ? reader_u64(&r) : reader_u32(&r);
	assert_int_equal(r.error, OK);
	return value;
}

/* The offset of the stream; 0: there is none. */
static uint64_t
stream_at(uint32_t type, uint64_t *ret_bytes)
{
	uint64_t n = number_at(8, 4);
	for (uint64_t i = 0; i < n; i++) {
		uint64_t entry = 32 + 12 * i;
		if (number_at(entry, 4) != type)
			continue;
		*ret_bytes = number_at(entry + 4, 4);
		return number_at(entry + 8, 4);
	}
	return 0;
}

static uint64_t
need_stream(uint32_t type)
{
	uint64_t bytes;
	uint64_t at = stream_at(type, &bytes);
	if (at == 0)
		fail_msg("no stream %u", type);
	assert_true(at + bytes <= sample.file.len);
	return at;
}

static bool
has_stream(uint32_t type)
{
	uint64_t bytes;
	return stream_at(type, &bytes) != 0;
}

static bool
has_text(const char *text)
{
	return tool_said(&sample.file, text);
}

/* In UTF-16. */
static bool
has_wide_text(const char *text)
{
	size_t len = 2 * strlen(text);
	bool is_there = false;
	struct buf wide;
	buf_init(&wide, 256);
	text_to_utf16(slice_str(text), TEXT_UTF16LE, &wide);
	for (size_t at = 0; at + len <= sample.file.len && !is_there; at++)
		is_there = memcmp(sample.file.data + at, wide.data, len) == 0;
	buf_done(&wide);
	return is_there;
}

/* The word of memory that the file has for ADDRESS. */
static uint64_t
memory_at(uint64_t address, unsigned bytes)
{
	uint64_t list = need_stream(5);
	for (uint64_t i = 0; i < number_at(list, 4); i++) {
		uint64_t entry = list + 4 + 16 * i;
		uint64_t base = number_at(entry, 8);
		if (address >= base && address - base < number_at(entry + 8, 4))
			return number_at(number_at(entry + 12, 4) + (address - base), bytes);
	}
	fail_msg("0x%llx is not written", (unsigned long long)address);
	return 0;
}

/* ---- what goes wrong ---- */

static void
assert_refused(err_t expected)
{
	struct err_detail detail = {.why = ""};
	assert_int_equal(write_minidump(&sample.request, NULL, &detail), expected);
	assert_true(detail.why[0] != 0);
	assert_int_equal(sample.file.len, 0);
}

static void
refuses_what_it_cannot_say(void **state)
{
	(void)state;
	sample.dump.arch = ARCH_UNKNOWN;
	assert_refused(ERR_UNSUPPORTED);
	sample.dump.arch = ARCH_AMD64;
	sample.dump.kind = DUMP_MINIDUMP;
	sample.dump.exception.is_there = false;
	sample.request.kind = WRITE_MICRO;
	assert_refused(ERR_NOTFOUND);
}

static void
refuses_more_than_a_minidump_holds(void **state)
{
	(void)state;
	struct write_request *request = &sample.request;
	request->n_ranges = LIMIT_WRITE_LIST + 1;
	assert_refused(ERR_LIMIT);
	/* 4,200 threads with a stack of 1 MiB each. */
	size_t n = 4200;
	struct dump_thread *threads = calloc(n, sizeof(*threads));
	assert_non_null(threads);
	struct write_range stacks = {UINT64_C(0x100000000), n << 20};
	for (size_t i = 0; i < n; i++) {
		threads[i].id = 1000 + i;
		threads[i].has_registers = true;
		threads[i].registers =
			sample_registers(ARCH_AMD64, SAMPLE_PC, stacks.base + (i << 20));
		threads[i].stack_base = stacks.base + (i << 20);
		threads[i].stack_bytes = 1 << 20;
	}
	sample.dump.threads.items = threads;
	sample.dump.threads.n = n;
	request->ranges = &stacks;
	request->n_ranges = 1;
	assert_refused(ERR_LIMIT);
	free(threads);
}

struct full_disk {
	size_t left;
};

static err_t
put_until_full(void *context, struct slice bytes)
{
	struct full_disk *disk = context;
	if (bytes.len > disk->left)
		return ERR_FULL;
	disk->left -= bytes.len;
	return OK;
}

static void
a_sink_that_fails_ends_it(void **state)
{
	struct full_disk disk = {.left = 0};
	(void)state;
	sample.request.kind = WRITE_HEAP;
	sample.request.put = put_until_full;
	sample.request.put_context = &disk;
	assert_refused(ERR_FULL);
	disk.left = 10000; /* in the middle of memory */
	assert_refused(ERR_FULL);
}

static void
a_page_that_vanished_is_zero_and_counted(void **state)
{
	(void)state;
	sample.request.kind = WRITE_HEAP;
	sample.bad_page = SAMPLE_HEAP + 0x1000;
	struct write_result result = write_it();
	assert_int_equal(result.unread_bytes, 0x1000);
	/* The heap is the second range, behind the page of code. */
	uint64_t heap = number_at(need_stream(9) + 8, 8) + 0x1000;
	for (uint64_t i = 0; i < SAMPLE_HEAP_BYTES; i++) {
		bool is_lost = i >= 0x1000 && i < 0x2000;
		uint8_t expected = is_lost ? 0 : sample_heap_byte(SAMPLE_HEAP + i);
		assert_int_equal(sample.file.data[heap + i], expected);
	}
}

static void
ranges_that_overlap_or_wrap_are_written_once(void **state)
{
	static const struct write_range ranges[] = {
		{SAMPLE_HEAP, 0x1000},         {SAMPLE_HEAP + 0x800, 0x1000},
		{SAMPLE_HEAP + 0x900, 0x10},   {UINT64_MAX - 0xff, UINT64_MAX},
		{SAMPLE_CODE - 0x100, 0x1200}, {0x1000, 0}};
	(void)state;
	sample.request.kind = WRITE_HEAP;
	sample.request.ranges = ranges;
	sample.request.n_ranges = sizeof(ranges) / sizeof(ranges[0]);
	struct write_result result = write_it();
	uint64_t list = need_stream(9);
	assert_int_equal(number_at(list, 8), 5);
	assert_int_equal(number_at(list + 16, 8), SAMPLE_CODE - 0x100);
	assert_int_equal(number_at(list + 24, 8), 0x1200);
	assert_int_equal(number_at(list + 32, 8), SAMPLE_HEAP);
	assert_int_equal(number_at(list + 40, 8), 0x1800);
	assert_int_equal(number_at(list + 80, 8), UINT64_MAX - 0xff);
	assert_int_equal(number_at(list + 88, 8), 0xff);
	uint64_t memory = number_at(list + 8, 8);
	assert_int_equal(number_at(memory + 0x100, 4), 0x90929190); /* at hand: it wins */
	assert_int_equal(sample.file.data[memory], sample_heap_byte(SAMPLE_CODE - 0x100));
	assert_int_equal(result.bytes, sample.file.len);
}

static err_t
read_ones(void *context, uint64_t address, uint8_t *out, size_t len)
{
	(void)context;
	(void)address;
	memset(out, 1, len);
	return OK;
}

static void
a_heap_of_four_gigabytes_takes_little_memory(void **state)
{
	static const struct write_range range = {UINT64_C(0x700000000000), UINT64_C(4) << 30};
	struct full_disk disk = {.left = SIZE_MAX};
	struct rusage before, after;
	struct write_result result;
	(void)state;
	sample.request.kind = WRITE_HEAP;
	sample.request.ranges = &range;
	sample.request.n_ranges = 1;
	sample.request.read = read_ones;
	sample.request.put = put_until_full;
	sample.request.put_context = &disk;
	(void)getrusage(RUSAGE_SELF, &before);
	assert_int_equal(write_minidump(&sample.request, &result, NULL), OK);
	(void)getrusage(RUSAGE_SELF, &after);
	assert_int_equal(result.memory_bytes, range.bytes + 0x1000 + 0x400 + 0x1000);
	assert_int_equal(SIZE_MAX - disk.left, result.bytes);
	assert_true(after.ru_maxrss - before.ru_maxrss < 4096); /* KiB */
}

/* ---- what is written ---- */

static void
assert_golden(const char *name)
{
	char path[256];
	struct buf golden;
	struct err_detail detail = {.why = ""};
	const char *source = getenv("OPENWER_SOURCE");
	const char *renew = getenv("OPENWER_RENEW_GOLDEN"); /* a folder */
	if (renew != NULL) {
		(void)snprintf(path, sizeof(path), "%s/%s", renew, name);
		assert_int_equal(fs_replace_file(path, buf_slice(&sample.file), 0644, &detail), OK);
	}
	(void)snprintf(path, sizeof(path), "%s/tests/golden/minidump/%s",
		       source == NULL ? "." : source, name);
	if (fs_read_file(path, SAMPLE_BYTES_MAX, &golden, &detail) != OK)
		fail_msg("%s", detail.why);
	size_t at = 0;
	while (at < golden.len && at < sample.file.len && golden.data[at] == sample.file.data[at])
		at++;
	if (at < golden.len || at < sample.file.len)
		fail_msg("%s differs at 0x%zx", name, at);
	buf_done(&golden);
}

static const char *const kind_names[WRITE_KIND_N] = {"micro", "mini", "heap"};

static void
the_same_crash_gives_the_same_bytes(void **state)
{
	(void)state;
	for (enum arch arch = ARCH_X86; arch < ARCH_N; arch++)
		for (enum write_kind kind = WRITE_MICRO; kind < WRITE_KIND_N; kind++) {
			char name[64];
			rebuild(arch, kind);
			struct write_result result = write_it();
			assert_int_equal(result.bytes, sample.file.len);
			assert_int_equal(result.unread_bytes, 0);
			(void)snprintf(name, sizeof(name), "%s-%s.dmp", kind_names[kind],
				       arch_name(arch));
			assert_golden(name);
		}
}

static void
contexts_hold_every_register(void **state)
{
	(void)state;
	for (enum arch arch = ARCH_X86; arch < ARCH_N; arch++) {
		struct registers read;
		rebuild(arch, WRITE_MINI);
		(void)write_it();
		uint64_t thread = need_stream(3) + 4 + 48; /* the second */
		struct slice raw = slice_sub(buf_slice(&sample.file), number_at(thread + 44, 4),
					     number_at(thread + 40, 4));
		assert_int_equal(raw.len, context_layout_bytes(arch));
		assert_int_equal(context_layout_read(arch, raw, &read), OK);
		assert_memory_equal(&read, &sample.threads[1].registers, sizeof(read));
	}
}

static void
registers_that_are_not_known_are_not_claimed(void **state)
{
	uint8_t raw[CONTEXT_BYTES_MAX];
	struct registers known = {.arch = ARCH_AMD64};
	struct registers read;
	(void)state;
	registers_set(&known, AMD64_RIP, 0x1234);
	registers_set(&known, AMD64_RSP, 0x5678);
	context_layout_write(&known, raw);
	struct slice record = slice_of(raw, CONTEXT_BYTES_AMD64);
	assert_int_equal(context_layout_read(ARCH_AMD64, record, &read), OK);
	assert_int_equal(registers_pc(&read), 0x1234);
	assert_int_equal(registers_sp(&read), 0x5678);
	uint64_t value;
	assert_false(registers_get(&read, AMD64_RAX, &value));
	/* Another processor's, one without any set, one that is cut. */
	assert_int_equal(context_layout_read(ARCH_ARM64, record, &read), ERR_CORRUPT);
	raw[0x30] = 0;
	assert_int_equal(context_layout_read(ARCH_AMD64, record, &read), ERR_CORRUPT);
	assert_int_equal(context_layout_read(ARCH_AMD64, slice_sub(record, 0, 0xff), &read),
			 ERR_TRUNCATED);
	assert_int_equal(context_layout_read(ARCH_UNKNOWN, record, &read), ERR_UNSUPPORTED);
}

static void
a_record_of_windows_is_kept_whole(void **state)
{
	static uint8_t raw[0x580];
	(void)state;
	for (size_t i = 0; i < sizeof(raw); i++)
		raw[i] = (uint8_t)i;
	sample.dump.kind = DUMP_MINIDUMP;
	sample.threads[1].context = slice_of(raw, sizeof(raw));
	(void)write_it();
	uint64_t thread = need_stream(3) + 4 + 48;
	assert_int_equal(number_at(thread + 40, 4), sizeof(raw));
	assert_memory_equal(sample.file.data + number_at(thread + 44, 4), raw, sizeof(raw));
}

static void
a_micro_keeps_no_texts_and_no_paths(void **state)
{
	(void)state;
	for (enum arch arch = ARCH_X86; arch < ARCH_N; arch++) {
		unsigned word = arch_pointer_bytes(arch);
		rebuild(arch, WRITE_MICRO);
		(void)write_it();
		assert_false(has_text("secret"));
		assert_false(has_text("private"));
		assert_false(has_wide_text("/opt"));
		assert_false(has_wide_text("Programs"));
		assert_true(has_wide_text("crasher"));
		assert_int_equal(has_text("processor: 0"), arch != ARCH_X86);
		assert_false(has_stream(WRITE_LINUX_ENVIRON));
		assert_false(has_stream(11));
		assert_int_equal(number_at(need_stream(3), 4), 1);
		assert_int_equal(number_at(need_stream(3) + 4, 4), 102);
		assert_int_equal(number_at(need_stream(4), 4), 2);
		/* Code, stack and small numbers stay; what points into the heap does not. */
		assert_int_equal(memory_at(SAMPLE_SP, word), SAMPLE_CODE + 0x300);
		assert_int_equal(memory_at(SAMPLE_SP + word, word), SAMPLE_STACK + 0x280);
		assert_int_equal(memory_at(SAMPLE_SP + 2 * word, word), 7);
		assert_int_equal(memory_at(SAMPLE_SP + 3 * word, word), SAMPLE_LIBRARY + 0x123);
		assert_int_equal(memory_at(SAMPLE_SP + 4 * word, word), 0);
	}
}

static void
a_micro_has_the_top_of_a_long_stack(void **state)
{
	(void)state;
	uint8_t *stack = arena_alloc(&sample.arena, 0x10000);
	memset(stack, 0, 0x10000);
	sample.memory[2].bytes = slice_of(stack, 0x10000);
	sample.request.kind = WRITE_MICRO;
	struct write_result result = write_it();
	assert_int_equal(result.memory_bytes, LIMIT_WRITE_MICRO_STACK_BYTES);
	assert_int_equal(number_at(need_stream(5) + 4, 8), SAMPLE_SP - 128);
}

static void
a_mini_has_stacks_and_what_registers_point_to(void **state)
{
	(void)state;
	(void)write_it();
	assert_int_equal(memory_at(SAMPLE_SP, 8), SAMPLE_CODE + 0x300);
	assert_int_equal(memory_at(SAMPLE_MAIN_STACK + 0x100, 8), SAMPLE_LIBRARY + 0x510);
	/* The rest of that stack is read. */
	assert_int_equal(memory_at(SAMPLE_MAIN_STACK + 0x7fc, 4) & 0xff,
			 sample_heap_byte(SAMPLE_MAIN_STACK + 0x7fc));
	assert_int_equal(memory_at(SAMPLE_PC, 4), 0x90929190);
	assert_int_equal(memory_at(SAMPLE_HEAP + 0x1000, 4) & 0xff,
			 sample_heap_byte(SAMPLE_HEAP + 0x1000));
	uint64_t list = need_stream(5);
	assert_int_equal(number_at(list, 4), 5);
	assert_int_equal(number_at(need_stream(4), 4), 3);
	assert_int_equal(number_at(need_stream(4) + 4, 8), SAMPLE_PROGRAM); /* first */
	assert_true(has_stream(WRITE_LINUX_ENVIRON));
	assert_true(has_stream(17));
	assert_true(has_stream(14));
}

static void
stacks_of_a_thread_without_registers_are_where_it_says(void **state)
{
	(void)state;
	sample.threads[0].has_registers = false;
	sample.threads[0].registers = (struct registers){0};
	sample.threads[0].stack_base = SAMPLE_MAIN_STACK + 0x80;
	sample.threads[0].stack_bytes = 0x100;
	(void)write_it();
	uint64_t thread = need_stream(3) + 4;
	assert_int_equal(number_at(thread + 24, 8), SAMPLE_MAIN_STACK);
	assert_int_equal(number_at(thread + 32, 4), 0x180);
	assert_int_equal(number_at(thread + 40, 8), 0);
}

static void
a_crash_without_lists_is_written(void **state)
{
	static const struct dump empty = {.arch = ARCH_X86, .os = DUMP_OS_WINDOWS};
	(void)state;
	sample.request.dump = &empty;
	sample.request.n_ranges = 0;
	sample.request.n_streams = 0;
	for (enum write_kind kind = WRITE_MINI; kind < WRITE_KIND_N; kind++) {
		sample.request.kind = kind;
		struct write_result result = write_it();
		assert_int_equal(result.memory_bytes, 0);
		assert_int_equal(number_at(need_stream(4), 4), 0);
		assert_false(has_stream(3));
	}
}

static void
a_core_is_written_as_it_was_read(void **state)
{
	struct core_build core;
	struct dump dump;
	struct err_detail detail;
	(void)state;
	core_build(&core, ARCH_AMD64);
	assert_int_equal(core_parse(buf_slice(&core.file), &sample.arena, &dump, &detail), OK);
	sample.request.dump = &dump;
	sample.request.n_ranges = 0;
	(void)write_it();
	uint64_t exception = need_stream(6);
	assert_int_equal(number_at(exception, 4), CORE_PROCESS);
	assert_int_equal(number_at(exception + 8, 4), 11);
	assert_int_equal(number_at(exception + 24, 8), CORE_FAULT);
	assert_int_equal(number_at(need_stream(3), 4), CORE_THREADS);
	assert_int_equal(number_at(need_stream(4), 4), 3);
	assert_int_equal(memory_at(CORE_STACK + 0x100, 4), CORE_LIBRARY + 0x1111);
	buf_done(&core.file);
}

/* ---- other readers ---- */

static void
save(const char *folder, char path[128])
{
	struct err_detail detail;
	(void)snprintf(path, 128, "%s/written.dmp", folder);
	assert_int_equal(fs_replace_file(path, buf_slice(&sample.file), 0600, &detail), OK);
}

static void
run(const char *const argv[], struct buf *out)
{
	buf_reset(out);
	if (tool_run(argv, out) != 0)
		fail_msg("%s: %.*s", argv[2], SLICE_ARGS(slice_sub(buf_slice(out), 0, 2000)));
}

static void
need_said(const struct buf *out, const char *what)
{
	if (!tool_said(out, what))
		fail_msg("not said: %s", what);
}

/* Its YAML, turned into a dump by its counterpart and back, must not change. */
static void
check_obj2yaml(const char *folder, const char *path, enum arch arch)
{
	static const char *const processors[ARCH_N] = {
		"", "Processor Arch:  X86", "Processor Arch:  AMD64", "Processor Arch:  ARM",
		"Processor Arch:  ARM64"};
	char yaml_path[128], again_path[128];
	struct err_detail detail;
	struct buf yaml, again;
	buf_init(&yaml, SAMPLE_BYTES_MAX);
	buf_init(&again, SAMPLE_BYTES_MAX);
	(void)snprintf(yaml_path, sizeof(yaml_path), "%s/written.yaml", folder);
	(void)snprintf(again_path, sizeof(again_path), "%s/again.dmp", folder);
	const char *const to_yaml[] = {"timeout", "60", "obj2yaml-14", path, NULL};
	const char *const to_dump[] = {"timeout", "60",       "yaml2obj-14", yaml_path,
				       "-o",      again_path, NULL};
	const char *const to_yaml_again[] = {"timeout", "60", "obj2yaml-14", again_path, NULL};
	run(to_yaml, &yaml);
	need_said(&yaml, processors[arch]);
	need_said(&yaml, "Thread Id:       0x66");
	need_said(&yaml, "Thread ID:       0x66");
	need_said(&yaml, "Base of Image:   0x400000");
	need_said(&yaml, arch == ARCH_X86 ? "525344530102030405060708090A0B0C0D0E0F102A000000"
					  : "4C4570420102030405060708090A0B0C0D0E0F1011121314");
	assert_int_equal(fs_replace_file(yaml_path, buf_slice(&yaml), 0600, &detail), OK);
	/* It keeps a Memory64List as bytes, so offsets in it would not fit. */
	if (sample.request.kind != WRITE_HEAP) {
		run(to_dump, &again);
		run(to_yaml_again, &again);
		assert_int_equal(tool_count(&again, "Start of Memory Range"),
				 tool_count(&yaml, "Start of Memory Range"));
		assert_int_equal(tool_count(&again, "Thread Id"), tool_count(&yaml, "Thread Id"));
	}
	buf_done(&yaml);
	buf_done(&again);
}

static void
obj2yaml_reads_every_kind_of_every_processor(void **state)
{
	char folder[SCRATCH_PATH_BYTES], path[128];
	(void)state;
	if (!tool_is_there("obj2yaml-14") || !tool_is_there("yaml2obj-14"))
		return;
	scratch_make(folder);
	for (enum arch arch = ARCH_X86; arch < ARCH_N; arch++)
		for (enum write_kind kind = WRITE_MICRO; kind < WRITE_KIND_N; kind++) {
			rebuild(arch, kind);
			(void)write_it();
			save(folder, path);
			check_obj2yaml(folder, path, arch);
		}
	scratch_remove(folder);
}

static void
check_lldb(const char *path, enum arch arch, enum write_kind kind)
{
	struct buf said;
	buf_init(&said, SAMPLE_BYTES_MAX);
	const char *const argv[] = {"timeout",
				    "60",
				    "lldb-14",
				    "--no-lldbinit",
				    "--batch",
				    "-c",
				    path,
				    "-o",
				    "thread list",
				    "-o",
				    "image list",
				    "-o",
				    "register read pc sp",
				    "-o",
				    "memory read -f x -s 4 -c 1 0x7fff0200",
				    kind == WRITE_MICRO ? NULL : "-o",
				    "memory read -f x -s 1 -c 4 0x60001800",
				    NULL};
	run(argv, &said);
	need_said(&said,
		  arch == ARCH_X86 ? "Exception 0xc0000005" : "stop reason = signal SIGSEGV");
	need_said(&said, arch == ARCH_X86 ? "04030201-0605-0807-090A-0B0C0D0E0F10-0000002A"
					  : "01020304-0506-0708-090A-0B0C0D0E0F10-11121314");
	need_said(&said, kind == WRITE_MICRO ? "libwork.so.1" : "unused.so");
	need_said(&said, arch_pointer_bytes(arch) == 4 ? "= 0x00401234" : "= 0x0000000000401234");
	need_said(&said, arch_pointer_bytes(arch) == 4 ? "= 0x7fff0200" : "= 0x000000007fff0200");
	need_said(&said, "0x7fff0200: 0x00401300");
	if (kind != WRITE_MICRO) {
		char heap[64];
		(void)snprintf(heap, sizeof(heap), "0x60001800: 0x%02x 0x%02x 0x%02x",
			       sample_heap_byte(0x60001800), sample_heap_byte(0x60001801),
			       sample_heap_byte(0x60001802));
		need_said(&said, heap);
		assert_int_equal(tool_count(&said, "thread #"), SAMPLE_THREADS);
	}
	buf_done(&said);
}

static void
lldb_reads_every_kind_of_every_processor(void **state)
{
	char folder[SCRATCH_PATH_BYTES], path[128];
	(void)state;
	if (!tool_is_there("lldb-14"))
		return;
	(void)setenv("PYTHONPATH", "/usr/lib/llvm-14/lib/python3.11/dist-packages", 1);
	scratch_make(folder);
	for (enum arch arch = ARCH_X86; arch < ARCH_N; arch++)
		for (enum write_kind kind = WRITE_MICRO; kind < WRITE_KIND_N; kind++) {
			rebuild(arch, kind);
			(void)write_it();
			save(folder, path);
			check_lldb(path, arch, kind);
		}
	scratch_remove(folder);
}

/* The address of lldb's frame N; absent: it shows none. */
static struct slice
frame_of(const struct buf *said, unsigned n)
{
	char frame[32];
	(void)snprintf(frame, sizeof(frame), "frame #%u: 0x", n);
	size_t len = strlen(frame);
	for (size_t at = 0; at + len + 16 <= said->len; at++)
		if (memcmp(said->data + at, frame, len) == 0)
			return slice_of(said->data + at + len, 16);
	return (struct slice){0};
}

static void
backtrace(const char *path, struct buf *out)
{
	char create[256];
	(void)snprintf(create, sizeof(create), "target create /usr/bin/python3 --core %s", path);
	const char *const argv[] = {"timeout", "60",   "lldb-14", "--no-lldbinit", "--batch",
				    "-o",      create, "-o",      "bt 5",          NULL};
	run(argv, out);
}

static void
a_real_core_and_its_mini_show_one_stack(void **state)
{
	char folder[SCRATCH_PATH_BYTES], core_path[128], path[128];
	struct buf core, of_core, of_mini;
	struct err_detail detail;
	struct dump dump;
	struct arena arena;
	(void)state;
	if (!tool_is_there("gdb") || !tool_is_there("python3") || !tool_is_there("lldb-14"))
		return;
	scratch_make(folder);
	arena_init(&arena, 64 * 1024 * 1024);
	buf_init(&core, 0);
	buf_init(&of_core, 1 << 20);
	buf_init(&of_mini, 1 << 20);
	(void)snprintf(core_path, sizeof(core_path), "%s/core", folder);
	if (tool_crash_core(core_path, &of_core) &&
	    fs_read_file(core_path, 256 * 1024 * 1024, &core, &detail) == OK) {
		assert_int_equal(core_parse(buf_slice(&core), &arena, &dump, &detail), OK);
		sample.request.dump = &dump;
		sample.request.n_ranges = 0;
		(void)write_it();
		assert_true(sample.file.len < 200000);
		save(folder, path);
		backtrace(core_path, &of_core);
		backtrace(path, &of_mini);
		for (unsigned i = 0; i < 4; i++) {
			assert_false(slice_is_absent(frame_of(&of_core, i)));
			assert_true(slice_equal(frame_of(&of_core, i), frame_of(&of_mini, i)));
		}
	} else {
		(void)printf("skip: gdb may not trace here\n");
	}
	buf_done(&core);
	buf_done(&of_core);
	buf_done(&of_mini);
	arena_done(&arena);
	scratch_remove(folder);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(refuses_what_it_cannot_say),
		TEST(refuses_more_than_a_minidump_holds),
		TEST(a_sink_that_fails_ends_it),
		TEST(a_page_that_vanished_is_zero_and_counted),
		TEST(ranges_that_overlap_or_wrap_are_written_once),
		TEST(a_heap_of_four_gigabytes_takes_little_memory),
		TEST(the_same_crash_gives_the_same_bytes),
		TEST(contexts_hold_every_register),
		TEST(registers_that_are_not_known_are_not_claimed),
		TEST(a_record_of_windows_is_kept_whole),
		TEST(a_micro_keeps_no_texts_and_no_paths),
		TEST(a_micro_has_the_top_of_a_long_stack),
		TEST(a_mini_has_stacks_and_what_registers_point_to),
		TEST(stacks_of_a_thread_without_registers_are_where_it_says),
		TEST(a_crash_without_lists_is_written),
		TEST(a_core_is_written_as_it_was_read),
		TEST(obj2yaml_reads_every_kind_of_every_processor),
		TEST(lldb_reads_every_kind_of_every_processor),
		TEST(a_real_core_and_its_mini_show_one_stack),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
