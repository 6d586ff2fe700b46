/* triage_fixture.h - one crash as a minidump: registers, code at the pc, mappings
 *
 * Include after cmocka.h.
 */
#pragma once

#include "minidump_fixture.h"

struct crash {
	enum arch arch;
	enum dump_os os;
	struct minidump_exception exception;
	struct registers registers;
	bool has_no_registers;
	struct slice code; /* at the pc; absent: the dump has none */
	const char *maps;  /* lines of /proc/PID/maps; NULL: none */
	uint64_t memory;   /* where a page of zeros is; 0: none */
};

static inline void
crash_set(struct crash *crash, int reg, uint64_t value)
{
	crash->registers.arch = crash->arch;
	registers_set(&crash->registers, reg, value);
}

/* An access violation of a Windows program whose code lies at 0x401000. */
static inline struct crash
crash_access(enum arch arch, uint64_t access, uint64_t address)
{
	struct crash crash = {.arch = arch,
			      .os = DUMP_OS_WINDOWS,
			      .exception = {.thread_id = 1,
					    .code = 0xc0000005,
					    .address = 0x401000,
					    .n_parameters = 2,
					    .parameters = {access, address}}};
	crash_set(&crash, registers_pc_index(arch), 0x401000);
	crash_set(&crash, registers_sp_index(arch), 0x7f0000);
	return crash;
}

static inline struct crash
crash_signal(enum arch arch, uint32_t signal, uint64_t address)
{
	struct crash crash = crash_access(arch, 0, 0);
	crash.os = DUMP_OS_LINUX;
	crash.exception = (struct minidump_exception){
		.thread_id = 1, .code = signal, .flags = 1, .address = address};
	return crash;
}

static inline void
crash_parse(const struct crash *crash, struct parsed *ret_parsed)
{
	static const uint8_t zeros[4096];
	struct minidump_builder *b = minidump_builder_new(crash->arch, crash->os);
	struct built_thread thread = {.id = 1, .registers = &crash->registers};
	minidump_builder_thread(b, &thread);
	if (!slice_is_absent(crash->code))
		minidump_builder_memory(b, registers_pc(&crash->registers), crash->code);
	if (crash->memory != 0)
		minidump_builder_memory(b, crash->memory, slice_of(zeros, sizeof(zeros)));
	if (crash->maps != NULL)
		minidump_builder_stream(b, MINIDUMP_LINUX_MAPS, slice_str(crash->maps));
	minidump_builder_exception(b, &crash->exception,
				   crash->has_no_registers ? NULL : &crash->registers);
	parsed_build(ret_parsed, b);
	minidump_builder_free(b);
}
