/* Signals of Linux and its kin, and Mach exceptions of macOS. */
#include <inttypes.h>

#include "dump/exception_parts.h"

/* ---- signals ---- */

enum {
	SIGNAL_ILL = 4,
	SIGNAL_TRAP = 5,
	SIGNAL_ABRT = 6,
	SIGNAL_BUS = 7,
	SIGNAL_FPE = 8,
	SIGNAL_SEGV = 11,
	SIGNAL_SYS = 31,
	/* si_code of any signal */
	CODE_USER = 0,
	CODE_KERNEL = 0x80,
	CODE_TKILL = -6
};

struct signal_code {
	int32_t code;
	const char *name;
	const char *text;
};

static const struct signal_code segv_codes[] = {
	{1, "SEGV_MAPERR", "nothing is mapped there"},
	{2, "SEGV_ACCERR", "the mapping does not allow it"},
	{3, "SEGV_BNDERR", "outside the bounds that were set"},
	{4, "SEGV_PKUERR", "protection keys do not allow it"},
	{5, "SEGV_ACCADI", "memory tagging is not enabled there"},
	{6, "SEGV_ADIDERR", "memory tags do not match"},
	{7, "SEGV_ADIPERR", "memory tags do not match"},
	{8, "SEGV_MTEAERR", "memory tags do not match, seen later"},
	{9, "SEGV_MTESERR", "memory tags do not match"},
	{10, "SEGV_CPERR", "a return address was changed (shadow stack)"},
	{0},
};

static const struct signal_code bus_codes[] = {
	{1, "BUS_ADRALN", "misaligned address"},
	{2, "BUS_ADRERR", "the file behind the mapping is shorter, or its disk has an error"},
	{3, "BUS_OBJERR", "hardware error of the object"},
	{4, "BUS_MCEERR_AR", "the memory itself is broken"},
	{5, "BUS_MCEERR_AO", "the memory itself is broken, seen before it was used"},
	{0},
};

static const struct signal_code fpe_codes[] = {
	{1, "FPE_INTDIV", "integer division by zero"},
	{2, "FPE_INTOVF", "integer overflow"},
	{3, "FPE_FLTDIV", "floating point: division by zero"},
	{4, "FPE_FLTOVF", "floating point: overflow"},
	{5, "FPE_FLTUND", "floating point: underflow"},
	{6, "FPE_FLTRES", "floating point: inexact result"},
	{7, "FPE_FLTINV", "floating point: invalid operation"},
	{8, "FPE_FLTSUB", "index out of range"},
	{0},
};

static const struct signal_code ill_codes[] = {
	{1, "ILL_ILLOPC", "illegal instruction"},
	{2, "ILL_ILLOPN",
	 "illegal operand: often an instruction that compilers put where code "
	 "must never get to"},
	{3, "ILL_ILLADR", "illegal addressing mode"},
	{4, "ILL_ILLTRP", "illegal trap"},
	{5, "ILL_PRVOPC", "privileged instruction"},
	{6, "ILL_PRVREG", "privileged register"},
	{7, "ILL_COPROC", "coprocessor error"},
	{8, "ILL_BADSTK", "internal stack error"},
	{0},
};

static const struct signal_code trap_codes[] = {
	{1, "TRAP_BRKPT", "breakpoint"},
	{2, "TRAP_TRACE", "single step"},
	{3, "TRAP_BRANCH", "branch trap"},
	{4, "TRAP_HWBKPT", "hardware breakpoint"},
	{0},
};

static const struct signal_code sys_codes[] = {
	{1, "SYS_SECCOMP", "a system call that the sandbox does not allow"},
	{2, "SYS_USER_DISPATCH", "a system call that the program wanted to see"},
	{0},
};

static const struct signal_code any_codes[] = {
	{CODE_KERNEL, "SI_KERNEL", "sent by the kernel"},
	{-1, "SI_QUEUE", "sent by sigqueue()"},
	{-2, "SI_TIMER", "sent by a timer"},
	{-3, "SI_MESGQ", "sent by a message queue"},
	{-4, "SI_ASYNCIO", "sent by asynchronous I/O"},
	{-5, "SI_SIGIO", "sent for I/O"},
	{CODE_TKILL, "SI_TKILL", "sent by tgkill(): abort(), raise() or pthread_kill()"},
	{0},
};

static const struct {
	uint32_t signal;
	const char *name;
	const char *text;
	bool has_address; /* si_addr is an address */
	const struct signal_code *codes;
} signals[] = {
	{1, "SIGHUP", "the terminal is gone", false, NULL},
	{2, "SIGINT", "interrupted from the keyboard", false, NULL},
	{3, "SIGQUIT", "asked to quit from the keyboard", false, NULL},
	{SIGNAL_ILL, "SIGILL", "illegal instruction", true, ill_codes},
	{SIGNAL_TRAP, "SIGTRAP", "a breakpoint, or a program that stopped itself", true,
	 trap_codes},
	{SIGNAL_ABRT, "SIGABRT",
	 "the program ended itself: abort(), a failed assertion or an exception that nobody caught",
	 false, NULL},
	{SIGNAL_BUS, "SIGBUS", "memory that cannot be read", true, bus_codes},
	{SIGNAL_FPE, "SIGFPE", "arithmetic error", true, fpe_codes},
	{9, "SIGKILL", "killed", false, NULL},
	{10, "SIGUSR1", "user signal 1", false, NULL},
	{SIGNAL_SEGV, "SIGSEGV", "invalid access to memory", true, segv_codes},
	{12, "SIGUSR2", "user signal 2", false, NULL},
	{13, "SIGPIPE", "nobody reads what was written", false, NULL},
	{14, "SIGALRM", "a timer ran out", false, NULL},
	{15, "SIGTERM", "asked to end", false, NULL},
	{16, "SIGSTKFLT", "stack fault of a coprocessor", false, NULL},
	{24, "SIGXCPU", "over the limit of processor time", false, NULL},
	{25, "SIGXFSZ", "over the limit of file size", false, NULL},
	{SIGNAL_SYS, "SIGSYS", "a system call that is not allowed", false, sys_codes},
	{0xffffffff, "DUMP_REQUESTED", "no crash: the program asked for a report of itself", false,
	 NULL},
};
#define N_SIGNALS (sizeof(signals) / sizeof(signals[0]))

static size_t
find_signal(uint32_t signal)
{
	size_t row = 0;
	while (row < N_SIGNALS && signals[row].signal != signal)
		row++;
	return row;
}

const char *
exception_signal_name(uint32_t signal)
{
	size_t row = find_signal(signal);
	return row < N_SIGNALS ? signals[row].name : NULL;
}

bool
exception_signal_has_fault(const struct dump_exception *e)
{
	/* What somebody sent has no address but a sender. */
	return (e->code == SIGNAL_SEGV || e->code == SIGNAL_BUS) && (int32_t)e->flags >= 0;
}

static const struct signal_code *
find_in(const struct signal_code *codes, int32_t code)
{
	for (; codes != NULL && codes->name != NULL; codes++)
		if (codes->code == code)
			return codes;
	return NULL;
}

static const struct signal_code *
find_code(size_t row, int32_t code)
{
	const struct signal_code *found =
		row < N_SIGNALS ? find_in(signals[row].codes, code) : NULL;
	return found != NULL ? found : find_in(any_codes, code);
}

/* Who sent it: siginfo's address shares its place with a process and a user id. */
static void
put_sender(const struct dump *dump, struct buf *text)
{
	uint32_t process = (uint32_t)dump->exception.address;
	uint32_t user = (uint32_t)(dump->exception.address >> 32);
	if (process == 0)
		return;
	if (process == dump->process_id)
		buf_append_str(text, "; sent by itself");
	else
		buf_printf(text, "; sent by process %u", process);
	buf_printf(text, ", user %u", user);
}

/* The kernel knows no address for what the processor has none for, and gives 0 then. */
static void
put_address(const struct dump *dump, int32_t code, struct buf *text)
{
	uint64_t address = dump->exception.address;
	if (code == CODE_KERNEL && address == 0) {
		buf_append_str(text, ", the address is not known: on x86 it was one that the "
				     "processor does not have (not canonical)");
		return;
	}
	buf_printf(text, ", at 0x%" PRIx64 ", ", address);
	address_describe(dump, address, text);
}

void
exception_describe_signal(const struct dump *dump, struct buf *name, struct buf *text)
{
	const struct dump_exception *e = &dump->exception;
	size_t row = find_signal(e->code);
	int32_t si_code = (int32_t)e->flags;
	const struct signal_code *code = find_code(row, si_code);
	if (row < N_SIGNALS)
		buf_append_str(name, signals[row].name);
	else
		buf_printf(name, "signal %u", e->code);
	if (code != NULL)
		buf_printf(name, " / %s", code->name);
	buf_append_str(text, row < N_SIGNALS ? signals[row].text : "a signal");
	if (code != NULL)
		buf_printf(text, ": %s", code->text);
	/* Some writers leave the code 0, so a fault is not taken for one that somebody sent. */
	if (exception_signal_has_fault(e))
		put_address(dump, si_code, text);
	else if (si_code <= 0 && row < N_SIGNALS && !signals[row].has_address)
		put_sender(dump, text);
	exception_put_place(dump, text);
}

/* ---- Mach ---- */

enum {
	MACH_BAD_ACCESS = 1,
	MACH_BAD_INSTRUCTION = 2,
	MACH_ARITHMETIC = 3,
	MACH_SOFTWARE = 5,
	MACH_BREAKPOINT = 6,
	MACH_CRASH = 10,
	MACH_SOFT_SIGNAL = 0x10003
};

static const struct {
	uint32_t exception;
	const char *name;
	const char *text;
} mach_exceptions[] = {
	{MACH_BAD_ACCESS, "EXC_BAD_ACCESS", "invalid access to memory"},
	{MACH_BAD_INSTRUCTION, "EXC_BAD_INSTRUCTION",
	 "an instruction that the processor does not know: often one that compilers put where code "
	 "must never get to"},
	{MACH_ARITHMETIC, "EXC_ARITHMETIC", "arithmetic error"},
	{4, "EXC_EMULATION", "emulation"},
	{MACH_SOFTWARE, "EXC_SOFTWARE", "raised by software"},
	{MACH_BREAKPOINT, "EXC_BREAKPOINT", "a breakpoint, or a program that stopped itself"},
	{7, "EXC_SYSCALL", "a system call"},
	{8, "EXC_MACH_SYSCALL", "a Mach system call"},
	{9, "EXC_RPC_ALERT", "an RPC alert"},
	{MACH_CRASH, "EXC_CRASH", "the process ended abnormally"},
	{11, "EXC_RESOURCE", "over a limit of resources"},
	{12, "EXC_GUARD", "a guarded resource was touched"},
	{13, "EXC_CORPSE_NOTIFY", "the process ended abnormally"},
	{0x43507378, "SIMULATED", "no crash: the program asked for a report of itself"},
};

/* By exception and processor; ARCH_N stands for every one. */
static const struct {
	uint32_t exception;
	enum arch arch;
	uint32_t code;
	const char *name;
} mach_codes[] = {
	{MACH_BAD_ACCESS, ARCH_N, 1, "KERN_INVALID_ADDRESS"},
	{MACH_BAD_ACCESS, ARCH_N, 2, "KERN_PROTECTION_FAILURE"},
	{MACH_BAD_ACCESS, ARCH_N, 8, "KERN_NO_ACCESS"},
	{MACH_BAD_ACCESS, ARCH_N, 9, "KERN_MEMORY_FAILURE"},
	{MACH_BAD_ACCESS, ARCH_N, 10, "KERN_MEMORY_ERROR"},
	{MACH_BAD_ACCESS, ARCH_N, 50, "KERN_CODESIGN_ERROR"},
	{MACH_BAD_ACCESS, ARCH_AMD64, 13, "EXC_I386_GPFLT"},
	{MACH_BAD_ACCESS, ARCH_X86, 13, "EXC_I386_GPFLT"},
	{MACH_BAD_ACCESS, ARCH_ARM64, 0x101, "EXC_ARM_DA_ALIGN"},
	{MACH_BAD_ACCESS, ARCH_ARM64, 0x102, "EXC_ARM_DA_DEBUG"},
	{MACH_BAD_ACCESS, ARCH_ARM64, 0x103, "EXC_ARM_SP_ALIGN"},
	{MACH_BAD_ACCESS, ARCH_ARM64, 0x105, "EXC_ARM_PAC_FAIL"},
	{MACH_BAD_ACCESS, ARCH_ARM, 0x101, "EXC_ARM_DA_ALIGN"},
	{MACH_BAD_INSTRUCTION, ARCH_AMD64, 1, "EXC_I386_INVOP"},
	{MACH_BAD_INSTRUCTION, ARCH_X86, 1, "EXC_I386_INVOP"},
	{MACH_BAD_INSTRUCTION, ARCH_AMD64, 12, "EXC_I386_STKFLT"},
	{MACH_BAD_INSTRUCTION, ARCH_AMD64, 13, "EXC_I386_GPFLT"},
	{MACH_BAD_INSTRUCTION, ARCH_X86, 13, "EXC_I386_GPFLT"},
	{MACH_BAD_INSTRUCTION, ARCH_ARM64, 1, "EXC_ARM_UNDEFINED"},
	{MACH_BAD_INSTRUCTION, ARCH_ARM, 1, "EXC_ARM_UNDEFINED"},
	{MACH_ARITHMETIC, ARCH_AMD64, 1, "EXC_I386_DIV"},
	{MACH_ARITHMETIC, ARCH_X86, 1, "EXC_I386_DIV"},
	{MACH_ARITHMETIC, ARCH_AMD64, 2, "EXC_I386_INTO"},
	{MACH_ARITHMETIC, ARCH_X86, 2, "EXC_I386_INTO"},
	{MACH_ARITHMETIC, ARCH_AMD64, 8, "EXC_I386_SSEEXTERR"},
	{MACH_BREAKPOINT, ARCH_AMD64, 1, "EXC_I386_SGL"},
	{MACH_BREAKPOINT, ARCH_X86, 1, "EXC_I386_SGL"},
	{MACH_BREAKPOINT, ARCH_AMD64, 2, "EXC_I386_BPT"},
	{MACH_BREAKPOINT, ARCH_X86, 2, "EXC_I386_BPT"},
	{MACH_BREAKPOINT, ARCH_ARM64, 1, "EXC_ARM_BREAKPOINT"},
	{MACH_BREAKPOINT, ARCH_ARM, 1, "EXC_ARM_BREAKPOINT"},
	{MACH_SOFTWARE, ARCH_N, 0x10000, "EXC_UNIX_BAD_SYSCALL"},
	{MACH_SOFTWARE, ARCH_N, 0x10001, "EXC_UNIX_BAD_PIPE"},
	{MACH_SOFTWARE, ARCH_N, 0x10002, "EXC_UNIX_ABORT"},
	{MACH_SOFTWARE, ARCH_N, MACH_SOFT_SIGNAL, "EXC_SOFT_SIGNAL"},
};

static const char *
find_mach_code(const struct dump *dump)
{
	const struct dump_exception *e = &dump->exception;
	for (size_t i = 0; i < sizeof(mach_codes) / sizeof(mach_codes[0]); i++)
		if (mach_codes[i].exception == e->code && mach_codes[i].code == e->flags &&
		    (mach_codes[i].arch == ARCH_N || mach_codes[i].arch == dump->arch))
			return mach_codes[i].name;
	return NULL;
}

/* macOS numbers two of the signals that matter otherwise than Linux. */
static const char *
mac_signal_name(uint32_t signal)
{
	enum {
		MAC_BUS = 10,
		MAC_SYS = 12
	};
	if (signal == MAC_BUS)
		return "SIGBUS";
	if (signal == MAC_SYS)
		return "SIGSYS";
	return signal == SIGNAL_BUS ? NULL : exception_signal_name(signal);
}

/* The signal that ended the process: EXC_CRASH packs it into its code, EXC_SOFT_SIGNAL gives it
 * as subcode. */
static uint32_t
mach_signal(const struct dump_exception *e)
{
	if (e->code == MACH_CRASH)
		return e->flags >> 24 & 0xff;
	if (e->code == MACH_SOFTWARE && e->flags == MACH_SOFT_SIGNAL)
		return e->n_parameters > 2 ? (uint32_t)e->parameters[2] : (uint32_t)e->address;
	return 0;
}

void
exception_describe_mach(const struct dump *dump, struct buf *name, struct buf *text)
{
	const struct dump_exception *e = &dump->exception;
	const char *code = find_mach_code(dump);
	const char *signal = mac_signal_name(mach_signal(e));
	size_t n = sizeof(mach_exceptions) / sizeof(mach_exceptions[0]);
	size_t row = 0;
	while (row < n && mach_exceptions[row].exception != e->code)
		row++;
	if (row < n)
		buf_append_str(name, mach_exceptions[row].name);
	else
		buf_printf(name, "Mach exception %u", e->code);
	if (code != NULL)
		buf_printf(name, " / %s", code);
	else if (signal == NULL && e->flags != 0)
		buf_printf(name, " / 0x%x", e->flags);
	if (signal != NULL)
		buf_printf(name, " / %s", signal);
	buf_append_str(text, row < n ? mach_exceptions[row].text : "an exception");
	if (e->code == MACH_BAD_ACCESS) {
		buf_printf(text, ", at 0x%" PRIx64 ", ", e->address);
		address_describe(dump, e->address, text);
	}
	exception_put_place(dump, text);
}
