/* write_sample.h - a crash to be written as a minidump: three threads, three modules, a heap
 *
 * x86 is a Windows program, the other processors are Linux ones.  The heap is not at hand: it is
 * read while it is written.
 */
#pragma once

#include <stdlib.h>
#include <string.h>

#include "dump/write.h"

enum {
	SAMPLE_BYTES_MAX = 8 * 1024 * 1024,
	SAMPLE_PROGRAM = 0x400000,
	SAMPLE_CODE = 0x401000,
	SAMPLE_LIBRARY = 0x70000000,
	SAMPLE_UNUSED = 0x71000000,
	SAMPLE_HEAP = 0x60000000,
	SAMPLE_HEAP_BYTES = 0x3000,
	SAMPLE_MAIN_STACK = 0x7ffe0000,
	SAMPLE_MAIN_STACK_BYTES = 0x400,
	SAMPLE_STACK = 0x7fff0000,
	SAMPLE_STACK_BYTES = 0x1000,
	SAMPLE_SP = SAMPLE_STACK + 0x200,
	SAMPLE_PC = SAMPLE_CODE + 0x234,
	SAMPLE_THREADS = 3,
	SAMPLE_CRASHED = 1, /* index */
	SAMPLE_STREAMS = 2
};

struct sample {
	struct dump dump;
	struct dump_thread threads[SAMPLE_THREADS];
	struct dump_module modules[3];
	struct dump_unloaded unloaded[1];
	struct dump_memory memory[3];
	struct dump_region regions[2];
	struct write_range ranges[2];
	struct write_stream streams[SAMPLE_STREAMS];
	struct write_request request;
	struct arena arena;
	struct buf file;
	uint64_t bad_page; /* READ fails on it; 0: never */
};

static inline uint8_t
sample_heap_byte(uint64_t address)
{
	return (uint8_t)(address * 7 + (address >> 12) + 3);
}

static inline err_t
sample_read(void *context, uint64_t address, uint8_t *out, size_t len)
{
	const struct sample *sample = context;
	if (sample->bad_page != 0 && sample->bad_page < address + len &&
	    address < sample->bad_page + 4096)
		return ERR_IO;
	for (size_t i = 0; i < len; i++)
		out[i] = sample_heap_byte(address + i);
	return OK;
}

static inline void
sample_poke(uint8_t *at, unsigned bytes, uint64_t value)
{
	for (unsigned i = 0; i < bytes; i++)
		at[i] = (uint8_t)(value >> (8 * i));
}

static inline struct registers
sample_registers(enum arch arch, uint64_t pc, uint64_t sp)
{
	struct registers registers = {.arch = arch};
	for (unsigned i = 0; i < registers_count(arch); i++)
		registers_set(&registers, (int)i, 0x100 + i);
	registers_set(&registers, registers_pc_index(arch), pc);
	registers_set(&registers, registers_sp_index(arch), sp);
	return registers;
}

/* Return addresses, a frame pointer, a small number, and what must not leave the machine. */
static inline void
sample_fill_stack(uint8_t *stack, unsigned word)
{
	static const uint64_t words[] = {
		SAMPLE_CODE + 0x300,    SAMPLE_STACK + 0x280, 7,
		SAMPLE_LIBRARY + 0x123, 0x60012345,           SAMPLE_STACK + 0x800};
	for (size_t i = 0; i < SAMPLE_STACK_BYTES; i++)
		stack[i] = (uint8_t)(0x80 + i % 64);
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		sample_poke(stack + 0x200 + i * word, word, words[i]);
	memcpy(stack + 0x200 + 8 * word, "secret words", 12);
}

static inline void
sample_set_threads(struct sample *s, enum arch arch)
{
	static const uint64_t pcs[] = {SAMPLE_LIBRARY + 0x500, SAMPLE_PC, SAMPLE_HEAP};
	static const uint64_t sps[] = {SAMPLE_MAIN_STACK + 0x100, SAMPLE_SP, 0};
	for (unsigned i = 0; i < SAMPLE_THREADS; i++) {
		struct dump_thread *thread = &s->threads[i];
		thread->id = 101 + i;
		thread->has_registers = true;
		thread->registers = sample_registers(arch, pcs[i], sps[i]);
		thread->teb = 0x7ffd0000 + 0x1000 * (uint64_t)i;
		thread->suspend_count = i;
		thread->start_address = SAMPLE_CODE;
		thread->user_time = 1000 + i;
	}
	s->threads[0].name = SLICE_LITERAL("main");
	registers_set(&s->threads[1].registers, 0, SAMPLE_HEAP + 0x1800);
	s->dump.exception = (struct dump_exception){
		.is_there = true,
		.thread_id = 102,
		.code = arch == ARCH_X86 ? 0xc0000005 : 11,
		.flags = 1,
		.address = arch == ARCH_X86 ? SAMPLE_PC : 0x18,
		.has_registers = true,
		.registers = s->threads[1].registers,
	};
	if (arch == ARCH_X86) {
		s->dump.exception.n_parameters = 2;
		s->dump.exception.parameters[0] = 1;
		s->dump.exception.parameters[1] = 0x18;
	}
}

static inline void
sample_set_modules(struct sample *s, enum arch arch)
{
	static const uint8_t build_id[20] = {1,  2,  3,  4,  5,  6,  7,  8,  9,  10,
					     11, 12, 13, 14, 15, 16, 17, 18, 19, 20};
	s->modules[0] = (struct dump_module){.name = SLICE_LITERAL("/usr/lib/libwork.so.1"),
					     .base = SAMPLE_LIBRARY,
					     .bytes = 0x3000};
	s->modules[1] = (struct dump_module){
		.name = SLICE_LITERAL("/opt/app/crasher"),
		.base = SAMPLE_PROGRAM,
		.bytes = 0x5000,
		.build_id = slice_of(build_id, sizeof(build_id)),
		.is_main = true,
	};
	s->modules[2] = (struct dump_module){.name = SLICE_LITERAL("/opt/app/unused.so"),
					     .base = SAMPLE_UNUSED,
					     .bytes = 0x1000};
	s->unloaded[0] = (struct dump_unloaded){SLICE_LITERAL("gone.so"), 0x72000000, 0x1000, 5, 6};
	if (arch != ARCH_X86)
		return;
	s->modules[1].name = SLICE_LITERAL("C:\\Programs\\crasher.exe");
	s->modules[1].build_id = (struct slice){0};
	s->modules[1].timestamp = 0x5f000000;
	s->modules[1].checksum = 0xabcd;
	s->modules[1].version = SLICE_LITERAL("1.2.3.4");
	s->modules[1].debug_name = SLICE_LITERAL("crasher.pdb");
	s->modules[1].debug_id = SLICE_LITERAL("0403020106050807090A0B0C0D0E0F102a");
}

static inline void
sample_set_memory(struct sample *s, enum arch arch)
{
	uint8_t *code = arena_alloc(&s->arena, 0x1000);
	uint8_t *main_stack = arena_alloc(&s->arena, SAMPLE_MAIN_STACK_BYTES);
	uint8_t *stack = arena_alloc(&s->arena, SAMPLE_STACK_BYTES);
	for (size_t i = 0; i < 0x1000; i++)
		code[i] = (uint8_t)(0x90 + i % 3);
	sample_fill_stack(stack, arch_pointer_bytes(arch));
	sample_poke(main_stack + 0x100, arch_pointer_bytes(arch), SAMPLE_LIBRARY + 0x510);
	s->memory[0] = (struct dump_memory){SAMPLE_CODE, slice_of(code, 0x1000)};
	s->memory[1] = (struct dump_memory){SAMPLE_MAIN_STACK,
					    slice_of(main_stack, SAMPLE_MAIN_STACK_BYTES)};
	s->memory[2] = (struct dump_memory){SAMPLE_STACK, slice_of(stack, SAMPLE_STACK_BYTES)};
	s->regions[0] = (struct dump_region){
		.base = SAMPLE_CODE,
		.bytes = 0x1000,
		.allocation_base = SAMPLE_PROGRAM,
		.allocation_protection = 0x20,
		.state = 0x1000,
		.protection = 0x20,
		.type = 0x1000000,
	};
	s->regions[1] = (struct dump_region){
		.base = SAMPLE_HEAP,
		.bytes = SAMPLE_HEAP_BYTES,
		.allocation_base = SAMPLE_HEAP,
		.allocation_protection = 4,
		.state = 0x1000,
		.protection = 4,
		.type = 0x20000,
	};
	/* The second one also covers what is at hand, and more of the stack behind it. */
	s->ranges[0] = (struct write_range){SAMPLE_HEAP, SAMPLE_HEAP_BYTES};
	s->ranges[1] = (struct write_range){SAMPLE_MAIN_STACK, 0x800};
}

static inline void
sample_init(struct sample *s, enum arch arch)
{
	memset(s, 0, sizeof(*s));
	arena_init(&s->arena, SAMPLE_BYTES_MAX);
	buf_init(&s->file, SAMPLE_BYTES_MAX);
	s->dump = (struct dump){
		.kind = DUMP_CORE,
		.os = arch == ARCH_X86 ? DUMP_OS_WINDOWS : DUMP_OS_LINUX,
		.arch = arch,
		.os_version = arch == ARCH_X86 ? SLICE_LITERAL("10.0.22000")
					       : SLICE_LITERAL("5.10.0-8-amd64"),
		.os_text = arch == ARCH_X86 ? (struct slice){0}
					    : SLICE_LITERAL("Linux 5.10.0-8-amd64 #1 SMP"),
		.processors = 4,
		.time_us = INT64_C(1600000000000000),
		.process_id = 100,
		.process_started_us = INT64_C(1599999990000000),
		.process_user_us = 3000000,
		.process_kernel_us = 1000000,
		.comment = SLICE_LITERAL("gr\303\274\303\237e"),
		.threads = {s->threads, SAMPLE_THREADS},
		.modules = {s->modules, 3},
		.unloaded = {s->unloaded, 1},
		.memory = {s->memory, 3},
		.regions = {s->regions, 2},
	};
	sample_set_threads(s, arch);
	sample_set_modules(s, arch);
	sample_set_memory(s, arch);
	s->streams[0] =
		(struct write_stream){WRITE_LINUX_CPU_INFO, SLICE_LITERAL("processor: 0\n")};
	s->streams[1] = (struct write_stream){WRITE_LINUX_ENVIRON, SLICE_LITERAL("KEY=private")};
	if (dump_index(&s->dump, &s->arena) != OK)
		abort();
	s->request = (struct write_request){
		.dump = &s->dump,
		.ranges = s->ranges,
		.n_ranges = 2,
		.read = sample_read,
		.read_context = s,
		.streams = s->streams,
		.n_streams = arch == ARCH_X86 ? 0 : SAMPLE_STREAMS,
		.put = write_put_into_buf,
		.put_context = &s->file,
	};
}

static inline void
sample_done(struct sample *s)
{
	arena_done(&s->arena);
	buf_done(&s->file);
}
