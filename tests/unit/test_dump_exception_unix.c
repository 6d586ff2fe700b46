#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "exception_scene.h"

/* ---- signals ---- */

static void
describes_signals(void **state)
{
	static const struct {
		uint32_t signal;
		int32_t code;
		uint64_t address;
		const char *name, *text;
	} rows[] = {
		{11, 1, 0x45, "SIGSEGV / SEGV_MAPERR",
		 "invalid access to memory: nothing is mapped there, at 0x45, near null: a null "
		 "pointer and an offset of 0x45; by app.exe+0x20"},
		{11, 2, 0x700010, "SIGSEGV / SEGV_ACCERR",
		 "invalid access to memory: the mapping does not allow it, at 0x700010, in memory "
		 "that is read-only; by app.exe+0x20"},
		{11, 0, 0x45, "SIGSEGV",
		 "invalid access to memory, at 0x45, near null: a null pointer and an offset of "
		 "0x45; by app.exe+0x20"},
		{11, 0x80, 0, "SIGSEGV / SI_KERNEL",
		 "invalid access to memory: sent by the kernel, the address is not known: on x86 "
		 "it "
		 "was one that the processor does not have (not canonical); by app.exe+0x20"},
		{11, -6, 0x3e8000004d2, "SIGSEGV / SI_TKILL",
		 "invalid access to memory: sent by tgkill(): abort(), raise() or pthread_kill(); "
		 "by app.exe+0x20"},
		{7, 2, 0x700010, "SIGBUS / BUS_ADRERR",
		 "memory that cannot be read: the file behind the mapping is shorter, or its disk "
		 "has an error, at 0x700010, in memory that is read-only; by app.exe+0x20"},
		{6, -6, 0x3e8000004d2, "SIGABRT / SI_TKILL",
		 "the program ended itself: abort(), a failed assertion or an exception that "
		 "nobody "
		 "caught: sent by tgkill(): abort(), raise() or pthread_kill(); sent by itself, "
		 "user 1000; by app.exe+0x20"},
		{6, 0, 0x3e8000004d3, "SIGABRT",
		 "the program ended itself: abort(), a failed assertion or an exception that "
		 "nobody "
		 "caught; sent by process 1235, user 1000; by app.exe+0x20"},
		{8, 1, 0x400020, "SIGFPE / FPE_INTDIV",
		 "arithmetic error: integer division by zero; by app.exe+0x20"},
		{4, 2, 0x400020, "SIGILL / ILL_ILLOPN",
		 "illegal instruction: illegal operand: often an instruction that compilers put "
		 "where code must never get to; by app.exe+0x20"},
		{5, 1, 0x400020, "SIGTRAP / TRAP_BRKPT",
		 "a breakpoint, or a program that stopped itself: breakpoint; by app.exe+0x20"},
		{31, 1, 0, "SIGSYS / SYS_SECCOMP",
		 "a system call that is not allowed: a system call that the sandbox does not "
		 "allow; "
		 "by app.exe+0x20"},
		{15, 0, 0, "SIGTERM", "asked to end; by app.exe+0x20"},
		{64, 0, 0, "signal 64", "a signal; by app.exe+0x20"},
		{0xffffffff, 0, 0, "DUMP_REQUESTED",
		 "no crash: the program asked for a report of itself; by app.exe+0x20"},
	};
	struct scene s;
	(void)state;
	scene_init(&s, ARCH_AMD64, DUMP_OS_LINUX);
	s.dump.exception.has_registers = true;
	s.dump.exception.registers.arch = ARCH_AMD64;
	registers_set(&s.dump.exception.registers, AMD64_RIP, 0x400020);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		raise_signal(&s, rows[i].signal, rows[i].code, rows[i].address);
		assert_described(&s, rows[i].name, rows[i].text);
	}
	scene_done(&s);
}

static void
knows_which_signals_have_a_faulting_address(void **state)
{
	struct scene s;
	(void)state;
	scene_init(&s, ARCH_AMD64, DUMP_OS_ANDROID);
	for (uint32_t signal = 1; signal < 32; signal++) {
		uint64_t address = 0;
		bool has_address = signal == 7 || signal == 11;
		raise_signal(&s, signal, 1, 0x99);
		assert_int_equal(exception_fault_address(&s.dump, &address), has_address);
		assert_true(!has_address || address == 0x99);
	}
	uint64_t address;
	raise_signal(&s, 11, -6, 0x99); /* sent by somebody */
	assert_false(exception_fault_address(&s.dump, &address));
	scene_done(&s);
}

/* ---- Mach ---- */

static void
describes_mach_exceptions(void **state)
{
	static const struct {
		enum arch arch;
		uint32_t code, flags;
		const char *name;
	} rows[] = {
		{ARCH_AMD64, 1, 1, "EXC_BAD_ACCESS / KERN_INVALID_ADDRESS"},
		{ARCH_ARM64, 1, 2, "EXC_BAD_ACCESS / KERN_PROTECTION_FAILURE"},
		{ARCH_AMD64, 1, 13, "EXC_BAD_ACCESS / EXC_I386_GPFLT"},
		{ARCH_ARM64, 1, 13, "EXC_BAD_ACCESS / 0xd"},
		{ARCH_ARM64, 1, 0x105, "EXC_BAD_ACCESS / EXC_ARM_PAC_FAIL"},
		{ARCH_AMD64, 2, 1, "EXC_BAD_INSTRUCTION / EXC_I386_INVOP"},
		{ARCH_AMD64, 3, 1, "EXC_ARITHMETIC / EXC_I386_DIV"},
		{ARCH_AMD64, 6, 2, "EXC_BREAKPOINT / EXC_I386_BPT"},
		{ARCH_ARM64, 6, 1, "EXC_BREAKPOINT / EXC_ARM_BREAKPOINT"},
		{ARCH_AMD64, 5, 0x10003, "EXC_SOFTWARE / EXC_SOFT_SIGNAL / SIGABRT"},
		{ARCH_AMD64, 10, 0x06000000, "EXC_CRASH / SIGABRT"},
		{ARCH_AMD64, 10, 0x0a100000, "EXC_CRASH / SIGBUS"},
		{ARCH_AMD64, 10, 0x07100000, "EXC_CRASH / 0x7100000"},
		{ARCH_AMD64, 12, 0, "EXC_GUARD"},
		{ARCH_AMD64, 0x43507378, 0, "SIMULATED"},
		{ARCH_AMD64, 99, 0, "Mach exception 99"},
	};
	struct scene s;
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint64_t address;
		scene_init(&s, rows[i].arch, DUMP_OS_MACOS);
		s.dump.exception.code = rows[i].code;
		s.dump.exception.flags = rows[i].flags;
		s.dump.exception.address = rows[i].code == 5 ? 6 : 0x45;
		describe(&s);
		assert_slice(buf_slice(&s.name), rows[i].name);
		assert_int_equal(exception_fault_address(&s.dump, &address), rows[i].code == 1);
		scene_done(&s);
	}
}

static void
takes_the_soft_signal_from_the_parameters(void **state)
{
	struct scene s;
	(void)state;
	scene_init(&s, ARCH_AMD64, DUMP_OS_IOS);
	s.dump.exception.code = 5;
	s.dump.exception.flags = 0x10003;
	s.dump.exception.n_parameters = 3;
	s.dump.exception.parameters[2] = 12;
	describe(&s);
	assert_slice(buf_slice(&s.name), "EXC_SOFTWARE / EXC_SOFT_SIGNAL / SIGSYS");
	scene_done(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(describes_signals),
		cmocka_unit_test(knows_which_signals_have_a_faulting_address),
		cmocka_unit_test(describes_mach_exceptions),
		cmocka_unit_test(takes_the_soft_signal_from_the_parameters),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
