/* Exceptions of Windows, and which of the other tables answers for other systems. */
#include "dump/exception.h"

#include <inttypes.h>
#include <stdio.h>

#include "dump/exception_parts.h"
#include "report/code.h"

#define STATUS_GUARD_PAGE_VIOLATION UINT32_C(0x80000001)
#define STATUS_BREAKPOINT UINT32_C(0x80000003)
#define STATUS_WX86_BREAKPOINT UINT32_C(0x4000001f)
#define STATUS_ACCESS_VIOLATION UINT32_C(0xc0000005)
#define STATUS_IN_PAGE_ERROR UINT32_C(0xc0000006)
#define STATUS_INVALID_HANDLE UINT32_C(0xc0000008)
#define STATUS_ILLEGAL_INSTRUCTION UINT32_C(0xc000001d)
#define STATUS_STACK_OVERFLOW UINT32_C(0xc00000fd)
#define STATUS_HEAP_CORRUPTION UINT32_C(0xc0000374)
#define STATUS_STACK_BUFFER_OVERRUN UINT32_C(0xc0000409)
#define STATUS_STOWED_EXCEPTION UINT32_C(0xc000027b)
#define STATUS_FATAL_APP_EXIT UINT32_C(0x40000015)
#define VCPP_MODULE_NOT_FOUND UINT32_C(0xc06d007e)
#define VCPP_PROCEDURE_NOT_FOUND UINT32_C(0xc06d007f)
#define CHROMIUM_OUT_OF_MEMORY UINT32_C(0xe0000008)
#define CLR_EXCEPTION UINT32_C(0xe0434352)
#define CLR_EXCEPTION_V2 UINT32_C(0xe0434f4d)
#define CPP_EXCEPTION UINT32_C(0xe06d7363)

/* The first parameter of an access violation. */
enum {
	ACCESS_READ = 0,
	ACCESS_WRITE = 1,
	ACCESS_EXECUTE = 8
};

/* Raised by other languages' runtimes; report/code.h has what Windows and WER know. */
static const struct {
	uint32_t code;
	const char *name;
	const char *text;
} runtime_codes[] = {
	{0x20474343, "GCC_THROW", "unhandled C++ exception of a program built with GCC"},
	{0x21474343, "GCC_UNWIND", "GCC's runtime unwinds the stack"},
	{0x22474343, "GCC_FORCED", "GCC's runtime unwinds the stack by force"},
	{0x0eedfade, "DELPHI_EXCEPTION", "unhandled Delphi exception"},
};

/* ---- access ---- */

static const char *
access_verb(uint64_t access)
{
	switch (access) {
	case ACCESS_READ:
		return "read";
	case ACCESS_WRITE:
		return "write to";
	case ACCESS_EXECUTE:
		return "execute code at";
	default:
		return "access";
	}
}

/* Windows on amd64 reports -1 when the address was not canonical: the processor keeps it to
 * itself. */
static bool
is_lost_address(const struct dump *dump, const struct dump_exception *e)
{
	return dump->arch == ARCH_AMD64 && e->parameters[1] == UINT64_MAX &&
	       e->parameters[0] == ACCESS_READ;
}

static void
put_access(const struct dump *dump, struct buf *text)
{
	const struct dump_exception *e = &dump->exception;
	if (e->n_parameters < 2) {
		buf_append_str(text, "access violation; the dump does not say to which address");
		return;
	}
	if (is_lost_address(dump, e)) {
		buf_append_str(text, "tried to use an address that the processor does not have "
				     "(not canonical): which one stands in a register");
		return;
	}
	buf_printf(text, "tried to %s 0x%" PRIx64 ", ", access_verb(e->parameters[0]),
		   e->parameters[1]);
	address_describe(dump, e->parameters[1], text);
	if (e->parameters[0] == ACCESS_EXECUTE)
		buf_append_str(text, " (data execution prevention)");
}

static void
put_in_page(const struct dump *dump, struct buf *text)
{
	const struct dump_exception *e = &dump->exception;
	char code[20];
	buf_append_str(text, "a page of a mapped file or program could not be read from its disk "
			     "or network share");
	if (e->n_parameters >= 2)
		buf_printf(text, ", at 0x%" PRIx64, e->parameters[1]);
	if (e->n_parameters < 3)
		return;
	(void)snprintf(code, sizeof(code), "%" PRIx64, e->parameters[2]);
	buf_printf(text, ", status 0x%" PRIx64 " ", e->parameters[2]);
	code_describe(CODE_NTSTATUS, slice_str(code), text);
}

static void
put_stack_overflow(const struct dump *dump, struct buf *text)
{
	int thread = dump_crashing_thread(dump);
	buf_append_str(text, "the thread's stack is used up: a recursion that does not end, or "
			     "very large local variables");
	if (thread >= 0 && dump->threads.items[thread].stack_bytes > 0)
		buf_printf(text, "; the dump has 0x%" PRIx64 " bytes of it",
			   dump->threads.items[thread].stack_bytes);
}

static void
put_out_of_memory(const struct dump *dump, struct buf *text)
{
	const struct dump_exception *e = &dump->exception;
	buf_append_str(text, "the program ran out of memory");
	if (e->n_parameters > 0)
		buf_printf(text, " when it asked for %" PRIu64 " bytes", e->parameters[0]);
}

/* Either a text, or a function for what the parameters say. */
static const struct {
	uint32_t code;
	void (*put)(const struct dump *dump, struct buf *text);
	const char *text;
} windows[] = {
	{STATUS_GUARD_PAGE_VIOLATION, put_access, NULL},
	{STATUS_ACCESS_VIOLATION, put_access, NULL},
	{STATUS_IN_PAGE_ERROR, put_in_page, NULL},
	{STATUS_STACK_OVERFLOW, put_stack_overflow, NULL},
	{STATUS_HEAP_CORRUPTION, exception_put_heap, NULL},
	{STATUS_STACK_BUFFER_OVERRUN, exception_put_fast_fail, NULL},
	{STATUS_STOWED_EXCEPTION, exception_put_stowed, NULL},
	{VCPP_MODULE_NOT_FOUND, exception_put_delay_load, NULL},
	{VCPP_PROCEDURE_NOT_FOUND, exception_put_delay_load, NULL},
	{CHROMIUM_OUT_OF_MEMORY, put_out_of_memory, NULL},
	{CLR_EXCEPTION, exception_put_clr, NULL},
	{CLR_EXCEPTION_V2, exception_put_clr, NULL},
	{CPP_EXCEPTION, exception_put_cpp, NULL},
	{STATUS_BREAKPOINT, NULL,
	 "a breakpoint: an assertion, DebugBreak(), or a debugger that stopped the program"},
	{STATUS_WX86_BREAKPOINT, NULL,
	 "a breakpoint: an assertion, DebugBreak(), or a debugger that stopped the program"},
	{STATUS_INVALID_HANDLE, NULL,
	 "a handle was used or closed that is not open, perhaps closed twice"},
	{STATUS_ILLEGAL_INSTRUCTION, NULL,
	 "an instruction that the processor does not know: often one that compilers put where code "
	 "must never get to"},
	{STATUS_FATAL_APP_EXIT, NULL,
	 "the program ended itself after a fatal error: abort() or the C runtime"},
};

#define N_WINDOWS (sizeof(windows) / sizeof(windows[0]))

/* ---- names ---- */

static const char *
windows_name(uint32_t code)
{
	for (size_t i = 0; i < sizeof(runtime_codes) / sizeof(runtime_codes[0]); i++)
		if (runtime_codes[i].code == code)
			return runtime_codes[i].name;
	return code_name(CODE_NTSTATUS, code);
}

static void
put_code(uint32_t code, const char *known_name, struct buf *name)
{
	if (known_name != NULL)
		buf_append_str(name, known_name);
	else
		buf_printf(name, "0x%08x", code);
}

/* What report/code.h says of a code, without its name. */
static void
put_plain(const struct dump *dump, struct buf *text)
{
	uint32_t code = dump->exception.code;
	char hex[12];
	struct buf described;
	struct slice head;
	struct slice tail;
	for (size_t i = 0; i < sizeof(runtime_codes) / sizeof(runtime_codes[0]); i++) {
		if (runtime_codes[i].code == code) {
			buf_append_str(text, runtime_codes[i].text);
			return;
		}
	}
	(void)snprintf(hex, sizeof(hex), "%x", code);
	buf_init(&described, 1024);
	code_describe(CODE_NTSTATUS, slice_str(hex), &described);
	if (slice_cut(buf_slice(&described), '(', &head, &tail) && tail.len > 1)
		buf_append(text, slice_sub(tail, 0, tail.len - 1));
	else if (described.len > 0)
		buf_append(text, buf_slice(&described));
	else if (code >> 28 == 0xe)
		buf_append_str(text, "an exception of the program's own or of its runtime");
	else
		buf_append_str(text, "an unknown exception");
	buf_done(&described);
}

void
exception_put_place(const struct dump *dump, struct buf *text)
{
	const struct dump_exception *e = &dump->exception;
	uint64_t pc = e->has_registers ? registers_pc(&e->registers) : 0;
	if (dump->os == DUMP_OS_WINDOWS || pc == 0)
		pc = e->address;
	if (pc == 0 && !e->has_registers)
		return;
	buf_append_str(text, "; by ");
	address_describe_code(dump, pc, text);
}

/* An exception that came while another one was handled, or that stands for it, points to the
 * first one's EXCEPTION_RECORD: code, flags, next record, address. */
static void
put_earlier(const struct dump *dump, struct buf *text)
{
	struct memory memory = dump_memory_of(dump);
	uint64_t record = dump->exception.record;
	unsigned pointer_bytes = arch_pointer_bytes(dump->arch);
	uint32_t code;
	uint64_t address;
	if (record == 0 || !memory_u32(&memory, record, &code) ||
	    !memory_pointer(&memory, pointer_bytes, record + 8 + pointer_bytes, &address))
		return;
	buf_append_str(text, "; after ");
	put_code(code, windows_name(code), text);
	buf_append_str(text, " by ");
	address_describe_code(dump, address, text);
}

static void
describe_windows(const struct dump *dump, struct buf *name, struct buf *text)
{
	const struct dump_exception *e = &dump->exception;
	put_code(e->code, windows_name(e->code), name);
	size_t row = 0;
	while (row < N_WINDOWS && windows[row].code != e->code)
		row++;
	if (row == N_WINDOWS)
		put_plain(dump, text);
	else if (windows[row].put != NULL)
		windows[row].put(dump, text);
	else
		buf_append_str(text, windows[row].text);
	exception_put_place(dump, text);
	put_earlier(dump, text);
}

void
exception_describe_bugcheck(const struct dump *dump, struct buf *name, struct buf *text)
{
	const struct dump_bugcheck *b = &dump->bugcheck;
	char hex[12];
	if (!b->is_there)
		return;
	put_code(b->code, code_name(CODE_BUGCHECK, b->code), name);
	(void)snprintf(hex, sizeof(hex), "%x", b->code);
	buf_printf(text, "bug check 0x%x ", b->code);
	code_describe(CODE_BUGCHECK, slice_str(hex), text);
	buf_append_str(text, ", parameters");
	for (size_t i = 0; i < 4; i++)
		buf_printf(text, " 0x%" PRIx64, b->parameters[i]);
}

void
exception_describe(const struct dump *dump, struct buf *name, struct buf *text)
{
	if (!dump->exception.is_there && dump->bugcheck.is_there) {
		exception_describe_bugcheck(dump, name, text);
		return;
	}
	if (!dump->exception.is_there) {
		buf_append_str(text, "no exception: the dump was asked for");
		return;
	}
	switch (dump->os) {
	case DUMP_OS_LINUX:
	case DUMP_OS_ANDROID:
		exception_describe_signal(dump, name, text);
		break;
	case DUMP_OS_MACOS:
	case DUMP_OS_IOS:
		exception_describe_mach(dump, name, text);
		break;
	case DUMP_OS_SOLARIS:
	case DUMP_OS_PS3:
		put_code(dump->exception.code, NULL, name);
		buf_append_str(text,
			       "a signal or exception of a system whose numbers are not known");
		exception_put_place(dump, text);
		break;
	default:
		describe_windows(dump, name, text);
	}
}

bool
exception_fault_address(const struct dump *dump, uint64_t *ret_address)
{
	const struct dump_exception *e = &dump->exception;
	enum {
		EXC_BAD_ACCESS = 1
	};
	if (!e->is_there)
		return false;
	switch (dump->os) {
	case DUMP_OS_LINUX:
	case DUMP_OS_ANDROID:
		*ret_address = e->address;
		return exception_signal_has_fault(e);
	case DUMP_OS_MACOS:
	case DUMP_OS_IOS:
		*ret_address = e->address;
		return e->code == EXC_BAD_ACCESS;
	default:
		break;
	}
	if ((e->code != STATUS_ACCESS_VIOLATION && e->code != STATUS_IN_PAGE_ERROR &&
	     e->code != STATUS_GUARD_PAGE_VIOLATION) ||
	    e->n_parameters < 2)
		return false;
	*ret_address = e->parameters[1];
	return true;
}
