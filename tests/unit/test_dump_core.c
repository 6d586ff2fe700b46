#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>

#include "base/fs.h"
#include "base/limits.h"
#include "base/reader.h"
#include "core_builder.h"
#include "dump/core.h"
#include "run_tool.h"
#include "scratch.h"

enum {
	ARENA_BYTES = 64 * 1024 * 1024,
	REAL_CORE_BYTES_MAX = 256 * 1024 * 1024
};

static struct {
	struct core_build core;
	struct arena arena;
	struct dump dump;
	struct err_detail detail;
} bench;

static int
set_up(void **state)
{
	(void)state;
	memset(&bench, 0, sizeof(bench));
	arena_init(&bench.arena, ARENA_BYTES);
	core_build(&bench.core, ARCH_AMD64);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	buf_done(&bench.core.file);
	arena_done(&bench.arena);
	return 0;
}

static err_t
parse_slice(struct slice file)
{
	uint8_t *exact = malloc(file.len == 0 ? 1 : file.len);
	assert_non_null(exact);
	memcpy(exact, file.data, file.len);
	arena_reset(&bench.arena);
	bench.detail = (struct err_detail){.why = ""};
	err_t err = core_parse(slice_of(exact, file.len), &bench.arena, &bench.dump, &bench.detail);
	assert_true(err == OK || bench.detail.why[0] != 0);
	free(exact);
	return err;
}

static void
parse(void)
{
	arena_reset(&bench.arena);
	err_t err =
		core_parse(buf_slice(&bench.core.file), &bench.arena, &bench.dump, &bench.detail);
	if (err != OK)
		fail_msg("%s: %s", err_name(err), bench.detail.why);
}

static void
rebuild(enum arch arch)
{
	buf_done(&bench.core.file);
	core_build(&bench.core, arch);
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

static const struct dump_module *
module_of(const char *name)
{
	for (size_t i = 0; i < bench.dump.modules.n; i++)
		if (slice_equal_str(bench.dump.modules.items[i].name, name))
			return &bench.dump.modules.items[i];
	fail_msg("no module %s", name);
	return NULL;
}

/* ---- hostile ---- */

static void
refuses_what_is_no_core(void **state)
{
	uint8_t *header = bench.core.file.data;
	(void)state;
	assert_int_equal(parse_slice(SLICE_LITERAL("")), ERR_CORRUPT);
	assert_int_equal(parse_slice(SLICE_LITERAL("\177ELF")), ERR_CORRUPT);
	header[16] = ET_DYN;
	assert_int_equal(parse_slice(buf_slice(&bench.core.file)), ERR_CORRUPT);
	header[16] = ET_CORE;
	header[EI_CLASS] = 7;
	assert_int_equal(parse_slice(buf_slice(&bench.core.file)), ERR_TRUNCATED);
	header[EI_CLASS] = ELFCLASS64;
	header[EI_DATA] = ELFDATA2MSB;
	header[16] = 0;
	header[17] = ET_CORE;
	assert_int_equal(parse_slice(buf_slice(&bench.core.file)), ERR_UNSUPPORTED);
}

static void
survives_every_truncation(void **state)
{
	(void)state;
	size_t headers_end = bench.core.notes;
	for (size_t len = 18; len < bench.core.file.len; len += len < 2048 ? 1 : 61) {
		err_t err = parse_slice(slice_sub(buf_slice(&bench.core.file), 0, len));
		if (len < headers_end ? err != ERR_TRUNCATED : err != OK)
			fail_msg("%zu bytes: %s", len, err_name(err));
	}
}

static void
segments_outside_the_file_are_named(void **state)
{
	(void)state;
	core_put_program_header(&bench.core, 3, PT_LOAD, PF_R, UINT64_MAX - 5, CORE_LIBRARY,
				UINT64_MAX, 4096);
	parse();
	assert_int_equal(stream_of("PT_LOAD")->err, ERR_TRUNCATED);
	assert_int_equal(bench.dump.memory.n, 3);
}

static void
segments_that_wrap_or_overlap_are_left_out(void **state)
{
	(void)state;
	core_put_program_header(&bench.core, 1, PT_LOAD, PF_R, bench.core.library, UINT64_MAX - 10,
				4096, UINT64_MAX);
	core_put_program_header(&bench.core, 2, PT_LOAD, PF_R, bench.core.library,
				CORE_STACK + 0x10, 4096, 4096);
	parse();
	uint64_t value;
	struct memory memory = dump_memory_of(&bench.dump);
	assert_false(memory_u64(&memory, UINT64_MAX - 10, &value));
	assert_true(memory_u64(&memory, CORE_STACK + 0x100, &value));
	assert_int_equal(value, CORE_LIBRARY + 0x1111);
}

static void
more_segments_than_the_file_has_are_refused(void **state)
{
	(void)state;
	core_poke(bench.core.file.data + 56, 2, 0xfffe);
	assert_int_equal(parse_slice(buf_slice(&bench.core.file)), ERR_TRUNCATED);
	/* Counted in a section that is not there. */
	core_poke(bench.core.file.data + 56, 2, PN_XNUM);
	assert_int_equal(parse_slice(buf_slice(&bench.core.file)), ERR_TRUNCATED);
}

static void
sections_without_end_are_refused(void **state)
{
	(void)state;
	size_t at = bench.core.file.len;
	buf_append_zero(&bench.core.file, 64);
	core_poke(bench.core.file.data + 40, 8, at);
	core_poke(bench.core.file.data + at + 32, 8, UINT64_MAX / 2);
	assert_int_equal(parse_slice(buf_slice(&bench.core.file)), ERR_LIMIT);
}

static void
segments_counted_in_a_section_are_read(void **state)
{
	(void)state;
	size_t at = bench.core.file.len;
	buf_append_zero(&bench.core.file, 64);
	core_poke(bench.core.file.data + 40, 8, at);
	core_poke(bench.core.file.data + 56, 2, PN_XNUM);
	core_poke(bench.core.file.data + 58, 2, 64);
	core_poke(bench.core.file.data + 60, 2, 1);
	core_poke(bench.core.file.data + at + 44, 4, CORE_LOADS + 1);
	parse();
	assert_int_equal(bench.dump.threads.n, CORE_THREADS);
	core_poke(bench.core.file.data + at + 44, 4, UINT32_MAX);
	err_t err = parse_slice(buf_slice(&bench.core.file));
	assert_true(err == ERR_LIMIT || err == ERR_TRUNCATED);
}

static void
a_note_longer_than_its_segment_ends_the_notes(void **state)
{
	(void)state;
	core_poke(bench.core.file.data + bench.core.notes + 4, 4, UINT32_MAX - 2);
	parse();
	assert_int_equal(bench.dump.threads.n, 0);
	assert_int_equal(stream_of("PT_NOTE")->err, ERR_TRUNCATED);
	assert_false(bench.dump.exception.is_there);
	assert_true(bench.dump.memory.n > 0);
}

static void
files_that_are_claimed_cost_the_note(void **state)
{
	(void)state;
	core_poke(bench.core.file.data + bench.core.file_note, 8, UINT64_MAX);
	parse();
	assert_int_equal(stream_of("NT_FILE")->err, ERR_TRUNCATED);
	assert_int_equal(bench.dump.modules.n, 1); /* the vDSO */
	/* Names that do not end. */
	rebuild(ARCH_AMD64);
	size_t names = bench.core.file_note + 17 * 8;
	memset(bench.core.file.data + names + 13, 'x',
	       bench.core.notes + bench.core.notes_bytes - names - 13);
	parse();
	assert_int_equal(stream_of("NT_FILE")->err, ERR_TRUNCATED);
	assert_non_null(module_of("/opt/crasher"));
}

static void
pages_of_any_size_do_not_overflow(void **state)
{
	(void)state;
	core_poke(bench.core.file.data + bench.core.file_note + 8, 8, UINT64_MAX);
	parse();
	core_poke(bench.core.file.data + bench.core.file_note + 8, 8, UINT64_C(1) << 63);
	parse();
	assert_int_equal(stream_of("NT_FILE")->err, OK);
}

static void
headers_of_modules_that_lie_cost_the_identity(void **state)
{
	(void)state;
	uint8_t *page = bench.core.file.data + bench.core.library;
	core_poke(page + 32, 8, UINT64_MAX - 3); /* the table of segments */
	core_poke(page + 56, 2, 0xffff);
	parse();
	assert_true(slice_is_absent(module_of("/lib/libwork.so")->build_id));
	core_poke(page + 32, 8, 64);
	core_poke(page + 64 + 56 + 40, 8, UINT64_MAX); /* bytes of notes */
	core_poke(page + 64 + 40, 8, UINT64_MAX);      /* bytes of the segment */
	parse();
	assert_true(slice_is_absent(module_of("/lib/libwork.so")->build_id));
	assert_true(module_of("/lib/libwork.so")->bytes <= CORE_DATA - CORE_LIBRARY);
	core_poke(page + 64 + 40, 8, 0x2000);
	core_poke(page + 64 + 56 + 40, 8, 16 + 16);
	core_poke(page + 0x204, 4, UINT32_MAX); /* bytes of the build id */
	parse();
	assert_true(slice_is_absent(module_of("/lib/libwork.so")->build_id));
}

static void
a_status_that_is_too_short_gives_a_thread_without_registers(void **state)
{
	(void)state;
	core_poke(bench.core.file.data + 18, 2, EM_AARCH64); /* whose status is longer */
	parse();
	assert_int_equal(stream_of("NT_PRSTATUS")->err, ERR_CORRUPT);
	assert_int_equal(bench.dump.threads.n, CORE_THREADS);
	assert_false(bench.dump.threads.items[0].has_registers);
}

/* The offset of what the N-th note of TYPE says. */
static uint8_t *
note_of(uint32_t type, unsigned n)
{
	struct slice notes =
		slice_sub(buf_slice(&bench.core.file), bench.core.notes, bench.core.notes_bytes);
	struct reader r;
	reader_init(&r, notes);
	while (reader_left(&r) > 0) {
		size_t at = bench.core.notes + r.at;
		uint32_t owner = (reader_u32(&r) + 3) & ~3U;
		uint32_t bytes = (reader_u32(&r) + 3) & ~3U;
		if (reader_u32(&r) == type && n-- == 0)
			return bench.core.file.data + at;
		(void)reader_bytes(&r, owner + bytes);
	}
	fail_msg("no note 0x%x", type);
	return NULL;
}

static void
notes_that_are_too_short_or_twice_are_named(void **state)
{
	(void)state;
	/* An NT_SIGINFO and an NT_PRPSINFO of no bytes; the registers' note taken for files. */
	core_poke(note_of(NT_AUXV, 0) + 8, 4, NT_PRPSINFO);
	core_poke(note_of(NT_FPREGSET, 0) + 8, 4, NT_FILE);
	parse();
	assert_int_equal(stream_of("NT_PRPSINFO")->err, ERR_TRUNCATED);
	assert_int_equal(stream_of("NT_FILE")->err, ERR_EXISTS);
	rebuild(ARCH_AMD64);
	core_poke(note_of(NT_X86_XSTATE, 0) + 8, 4, NT_SIGINFO); /* a second one */
	parse();
	assert_int_equal(stream_of("NT_SIGINFO")->err, OK);
	assert_int_equal(bench.dump.exception.code, 11);
	rebuild(ARCH_AMD64);
	core_poke(note_of(NT_SIGINFO, 0) + 4, 4, 12);
	parse();
	assert_int_equal(stream_of("NT_SIGINFO")->err, ERR_TRUNCATED);
}

static void
an_unknown_processor_gives_memory(void **state)
{
	(void)state;
	core_poke(bench.core.file.data + 18, 2, EM_S390);
	parse();
	assert_int_equal(bench.dump.arch, ARCH_UNKNOWN);
	assert_int_equal(bench.dump.memory.n, 4);
	assert_false(bench.dump.threads.items[0].has_registers);
}

static void
modules_do_not_reach_into_the_next(void **state)
{
	(void)state;
	/* The library's header claims more than there is up to the data. */
	core_poke(bench.core.file.data + bench.core.library + 64 + 40, 8, 0x10000000);
	parse();
	assert_int_equal(module_of("/lib/libwork.so")->bytes, CORE_DATA - CORE_LIBRARY);
}

static void
keeps_to_the_cap_of_the_arena(void **state)
{
	unsigned refused = 0;
	(void)state;
	for (size_t cap = 0; cap < 65536; cap = cap * 3 / 2 + 200) {
		struct arena small;
		arena_init(&small, cap);
		err_t err =
			core_parse(buf_slice(&bench.core.file), &small, &bench.dump, &bench.detail);
		assert_true(err == OK || err == ERR_LIMIT);
		refused += err == ERR_LIMIT;
		arena_done(&small);
	}
	assert_true(refused > 3);
}

/* A write into the file would end the test with a signal. */
static void
the_file_is_only_read(void **state)
{
	(void)state;
	size_t len = bench.core.file.len;
	uint8_t *map = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_true(map != MAP_FAILED);
	memcpy(map, bench.core.file.data, len);
	assert_int_equal(mprotect(map, len, PROT_READ), 0);
	assert_int_equal(core_parse(slice_of(map, len), &bench.arena, &bench.dump, &bench.detail),
			 OK);
	assert_int_equal(bench.dump.threads.n, CORE_THREADS);
	assert_int_equal(munmap(map, len), 0);
}

/* ---- what is read ---- */

static void
assert_register(const char *name, uint64_t expected)
{
	uint64_t value;
	const struct registers *registers = &bench.dump.threads.items[0].registers;
	int index = registers_find(registers->arch, slice_str(name));
	if (!registers_get(registers, index, &value) || value != expected)
		fail_msg("%s of %s", name, arch_name(registers->arch));
}

static void
assert_threads(enum arch arch)
{
	const struct dump *dump = &bench.dump;
	assert_int_equal(dump->kind, DUMP_CORE);
	assert_int_equal(dump->os, DUMP_OS_LINUX);
	assert_int_equal(dump->arch, arch);
	assert_int_equal(dump->threads.n, CORE_THREADS);
	for (unsigned i = 0; i < CORE_THREADS; i++) {
		const struct dump_thread *thread = &dump->threads.items[i];
		assert_int_equal(thread->id, CORE_PROCESS + i);
		assert_int_equal(registers_pc(&thread->registers), CORE_PROGRAM + 0x1010);
		assert_int_equal(registers_sp(&thread->registers), CORE_STACK + 0x100 + 0x100 * i);
		assert_int_equal(thread->stack_base, CORE_STACK + 0x100 + 0x100 * i);
		assert_int_equal(thread->stack_bytes, 0xf00 - 0x100 * i);
		assert_int_equal(thread->user_time, 35000000);
	}
	assert_true(dump->exception.is_there);
	assert_int_equal(dump->exception.code, 11);
	assert_int_equal(dump->exception.flags, 1);
	assert_int_equal(dump->exception.address, CORE_FAULT);
	assert_int_equal(dump->exception.thread_id, CORE_PROCESS);
	assert_int_equal(dump_crashing_thread(dump), 0);
	assert_int_equal(dump->process_id, CORE_PROCESS);
	assert_true(slice_equal_str(dump->command_line, "/opt/crasher --now"));
	assert_true(slice_equal_str(dump->image_path, "/opt/crasher"));
}

static void
threads_of_every_processor_are_read(void **state)
{
	(void)state;
	for (enum arch arch = ARCH_X86; arch < ARCH_N; arch++) {
		rebuild(arch);
		parse();
		assert_threads(arch);
		for (size_t i = 0; i < bench.dump.streams.n; i++)
			assert_int_equal(bench.dump.streams.items[i].err, OK);
	}
}

/* Registers hold 0x100 and the number of their word in NT_PRSTATUS. */
static void
registers_are_where_the_kernel_puts_them(void **state)
{
	(void)state;
	parse();
	assert_register("r15", 0x100);
	assert_register("rbp", 0x104);
	assert_register("r8", 0x109);
	assert_register("rax", 0x10a);
	assert_register("rdi", 0x10e);
	assert_register("rflags", 0x112);
	rebuild(ARCH_X86);
	parse();
	assert_register("ebx", 0x100);
	assert_register("ebp", 0x105);
	assert_register("eax", 0x106);
	assert_register("eflags", 0x10e);
	rebuild(ARCH_ARM);
	parse();
	assert_register("r0", 0x100);
	assert_register("lr", 0x10e);
	assert_register("cpsr", 0x110);
	rebuild(ARCH_ARM64);
	parse();
	assert_register("x0", 0x100);
	assert_register("lr", 0x11e);
	assert_register("cpsr", 0x121);
}

static void
mapped_files_are_modules_with_build_ids(void **state)
{
	(void)state;
	for (enum arch arch = ARCH_X86; arch < ARCH_N; arch++) {
		rebuild(arch);
		parse();
		assert_int_equal(bench.dump.modules.n, 3);
		const struct dump_module *program = module_of("/opt/crasher");
		assert_int_equal(program->base, CORE_PROGRAM);
		assert_int_equal(program->bytes, 0x3000); /* as its header says */
		assert_true(program->is_main);
		assert_int_equal(program->build_id.len, 20);
		assert_true(slice_equal_str(program->debug_name, "crasher"));
		assert_true(slice_equal_str(program->code_id,
					    "0102030405060708090a0b0c0d0e0f1011121314"));
		assert_true(
			slice_equal_str(program->debug_id, "0403020106050807090A0B0C0D0E0F100"));
		const struct dump_module *library = module_of("/lib/libwork.so");
		assert_int_equal(library->base, CORE_LIBRARY);
		assert_int_equal(library->bytes, 0x2000);
		assert_int_equal(library->build_id.len, 16);
		assert_false(library->is_main);
		assert_int_equal(module_of("linux-gate.so")->base, CORE_VDSO);
		assert_int_equal(dump_find_module(&bench.dump, CORE_LIBRARY + 0x1111), 1);
	}
}

static void
mappings_without_memory_are_regions(void **state)
{
	(void)state;
	parse();
	assert_int_equal(bench.dump.regions.n, CORE_LOADS);
	assert_int_equal(bench.dump.memory.n, 4);
	const struct dump_region *code = dump_find_region(&bench.dump, CORE_PROGRAM + 0x1010);
	assert_int_equal(code->protection, 0x20);
	assert_true(slice_equal_str(code->name, "/opt/crasher"));
	const struct dump_region *stack = dump_find_region(&bench.dump, CORE_STACK);
	assert_int_equal(stack->protection, 0x04);
	assert_true(slice_is_absent(stack->name));
}

static void
every_kind_of_note_is_listed(void **state)
{
	(void)state;
	parse();
	assert_true(stream_of("NT_PRSTATUS")->is_read);
	assert_int_equal(stream_of("NT_PRSTATUS")->bytes, 2 * 336);
	assert_false(stream_of("NT_FPREGSET")->is_read);
	assert_int_equal(stream_of("NT_X86_XSTATE")->bytes, 64);
	const struct dump_stream *foreign = &bench.dump.streams.items[bench.dump.streams.n - 1];
	assert_null(foreign->name);
	assert_int_equal(foreign->bytes, 8);
	assert_int_equal(bench.dump.streams.n, 9);
}

static void
a_signal_that_was_sent_has_its_sender(void **state)
{
	(void)state;
	uint8_t *info = bench.core.file.data + bench.core.siginfo;
	core_poke(info, 4, 6);
	core_poke(info + 8, 4, (uint32_t)-6); /* SI_TKILL */
	core_poke(info + 16, 4, CORE_PROCESS);
	core_poke(info + 20, 4, 1000);
	parse();
	assert_int_equal(bench.dump.exception.code, 6);
	assert_int_equal(bench.dump.exception.address, 0);
	assert_int_equal(bench.dump.exception.n_parameters, 2);
	assert_int_equal(bench.dump.exception.parameters[0], CORE_PROCESS);
	assert_int_equal(bench.dump.exception.parameters[1], 1000);
}

static void
without_siginfo_the_signal_is_that_of_the_first_thread(void **state)
{
	(void)state;
	core_poke(bench.core.file.data + bench.core.siginfo - 12, 4, 0x7777); /* its type */
	parse();
	assert_int_equal(bench.dump.exception.code, 11);
	assert_int_equal(bench.dump.exception.address, 0);
}

static void
without_files_the_program_is_named_by_its_stack(void **state)
{
	(void)state;
	core_poke(bench.core.file.data + bench.core.file_note, 8, 0);
	parse();
	assert_true(slice_equal_str(bench.dump.image_path, "./crasher"));
	assert_int_equal(bench.dump.modules.n, 1);
}

/* ---- real cores, made by gdb ---- */

/* gdb's words on a core differ from ours by nothing: it wrote the core, we read it. */
static struct slice
map_file(const char *path)
{
	static struct buf file;
	struct err_detail detail;
	buf_done(&file);
	if (fs_read_file(path, REAL_CORE_BYTES_MAX, &file, &detail) != OK)
		return (struct slice){0};
	return buf_slice(&file);
}

static pid_t
start(const char *const argv[])
{
	extern char **environ;
	pid_t pid;
	int ends[2];
	uint8_t byte;
	posix_spawn_file_actions_t actions;
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	(void)posix_spawn_file_actions_init(&actions);
	(void)posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
	assert_int_equal(posix_spawnp(&pid, argv[0], &actions, NULL, (char *const *)(uintptr_t)argv,
				      environ),
			 0);
	(void)posix_spawn_file_actions_destroy(&actions);
	(void)close(ends[1]);
	assert_int_equal(read(ends[0], &byte, 1), 1); /* it is ready */
	(void)close(ends[0]);
	return pid;
}

/* Every module must be a file that the process has mapped there. */
static void
assert_mapped(const char *maps_path)
{
	struct err_detail detail;
	struct buf maps;
	assert_int_equal(fs_read_file(maps_path, 1 << 20, &maps, &detail), OK);
	for (size_t i = 0; i < bench.dump.modules.n; i++) {
		char line[64];
		const struct dump_module *module = &bench.dump.modules.items[i];
		(void)snprintf(line, sizeof(line), "%llx-", (unsigned long long)module->base);
		if (!tool_said(&maps, line))
			fail_msg("no mapping for module %zu", i);
	}
	buf_done(&maps);
}

static void
a_process_with_threads_is_read_as_proc_shows_it(void **state)
{
	static const char program[] =
		"import threading, time\n"
		"for _ in range(3): threading.Thread(target=time.sleep, args=(60,)).start()\n"
		"print('x', end='', flush=True); time.sleep(60)";
	const char *const argv[] = {"/usr/bin/python3", "-c", program, NULL};
	char folder[SCRATCH_PATH_BYTES], path[128], pid_text[16], maps[64];
	(void)state;
	if (!tool_is_there("gcore") || !tool_is_there("python3"))
		return;
	scratch_make(folder);
	pid_t pid = start(argv);
	(void)snprintf(path, sizeof(path), "%s/core", folder);
	(void)snprintf(pid_text, sizeof(pid_text), "%d", pid);
	(void)snprintf(maps, sizeof(maps), "/proc/%d/maps", pid);
	const char *const gcore[] = {"timeout", "60", "gcore", "-o", path, pid_text, NULL};
	struct buf said;
	buf_init(&said, 1 << 20);
	int status = tool_run(gcore, &said);
	(void)snprintf(path, sizeof(path), "%s/core.%d", folder, pid);
	struct slice file = map_file(path);
	if (status == 0 && file.len > 0) {
		assert_int_equal(core_parse(file, &bench.arena, &bench.dump, &bench.detail), OK);
		assert_int_equal(bench.dump.threads.n, 4);
		assert_int_equal(bench.dump.process_id, pid);
		assert_mapped(maps);
		assert_true(bench.dump.modules.n > 5);
		assert_true(slice_starts_with(dump_base_name(bench.dump.image_path),
					      SLICE_LITERAL("python3")));
	} else {
		(void)printf("skip: gcore may not trace here\n");
	}
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
	buf_done(&said);
	scratch_remove(folder);
}

static void
a_real_fault_is_read_with_its_address_and_build_ids(void **state)
{
	char folder[SCRATCH_PATH_BYTES], path[128], rip[64];
	struct buf said;
	(void)state;
	if (!tool_is_there("gdb") || !tool_is_there("python3") || !tool_is_there("readelf"))
		return;
	scratch_make(folder);
	(void)snprintf(path, sizeof(path), "%s/core", folder);
	buf_init(&said, 1 << 20);
	if (tool_crash_core(path, &said)) {
		struct slice file = map_file(path);
		assert_int_equal(core_parse(file, &bench.arena, &bench.dump, &bench.detail), OK);
		const struct dump *dump = &bench.dump;
		assert_int_equal(dump->exception.code, SIGSEGV);
		assert_int_equal(dump->exception.flags, SEGV_MAPERR);
		assert_int_equal(dump->exception.address & ~UINT64_C(0x3f), 0x1200);
		(void)snprintf(rip, sizeof(rip), "0x%llx",
			       (unsigned long long)registers_pc(&dump->threads.items[0].registers));
		assert_true(tool_said(&said, rip));
		int module =
			dump_find_module(dump, registers_pc(&dump->threads.items[0].registers));
		assert_true(module >= 0);
		assert_true(dump->modules.items[module].build_id.len == 20);
		/* The build id of the file on the disk. */
		struct buf notes;
		char *name = arena_str(&bench.arena, dump->modules.items[module].name);
		const char *const readelf[] = {"timeout", "20", "readelf", "-n", name, NULL};
		buf_init(&notes, 1 << 20);
		assert_int_equal(tool_run(readelf, &notes), 0);
		assert_true(tool_said(
			&notes, arena_str(&bench.arena, dump->modules.items[module].code_id)));
		buf_done(&notes);
	} else {
		(void)printf("skip: gdb may not trace here: %.*s\n", SLICE_ARGS(buf_slice(&said)));
	}
	buf_done(&said);
	scratch_remove(folder);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(refuses_what_is_no_core),
		TEST(survives_every_truncation),
		TEST(segments_outside_the_file_are_named),
		TEST(segments_that_wrap_or_overlap_are_left_out),
		TEST(more_segments_than_the_file_has_are_refused),
		TEST(sections_without_end_are_refused),
		TEST(segments_counted_in_a_section_are_read),
		TEST(a_note_longer_than_its_segment_ends_the_notes),
		TEST(files_that_are_claimed_cost_the_note),
		TEST(pages_of_any_size_do_not_overflow),
		TEST(headers_of_modules_that_lie_cost_the_identity),
		TEST(a_status_that_is_too_short_gives_a_thread_without_registers),
		TEST(notes_that_are_too_short_or_twice_are_named),
		TEST(an_unknown_processor_gives_memory),
		TEST(modules_do_not_reach_into_the_next),
		TEST(keeps_to_the_cap_of_the_arena),
		TEST(the_file_is_only_read),
		TEST(threads_of_every_processor_are_read),
		TEST(registers_are_where_the_kernel_puts_them),
		TEST(mapped_files_are_modules_with_build_ids),
		TEST(mappings_without_memory_are_regions),
		TEST(every_kind_of_note_is_listed),
		TEST(a_signal_that_was_sent_has_its_sender),
		TEST(without_siginfo_the_signal_is_that_of_the_first_thread),
		TEST(without_files_the_program_is_named_by_its_stack),
		TEST(a_process_with_threads_is_read_as_proc_shows_it),
		TEST(a_real_fault_is_read_with_its_address_and_build_ids),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
