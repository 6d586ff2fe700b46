/* kernel_exception.c - where it went wrong, before KeBugCheckEx
 *
 * A bug check's parameters often point to an exception record, a context or a trap frame, which
 * lie in the stack.  Where they only name the instruction (page faults at a raised interrupt level,
 * the commonest of all), the trap frame that was saved for it is looked for on the stack.
 */
#include "dump/bugcheck.h"
#include "dump/context_layout.h"
#include "dump/kernel_internal.h"

enum {
	FRAME_BYTES = 0x190, /* KTRAP_FRAME of amd64 */
	FRAME_PC = 0x168,
	FRAME_CS = 0x170,
	FRAME_FLAGS = 0x178,
	FRAME_SP = 0x180,
	KERNEL_CS = 0x10,
	FLAGS_ALWAYS_SET = 2
};

static const uint32_t STATUS_BREAKPOINT = 0x80000003U; /* KeBugCheckEx itself leaves it */
static const uint32_t STATUS_ACCESS_VIOLATION = 0xc0000005U;

static bool
read_record(struct kernel_parser *k, uint64_t address, struct kernel_record *ret_record)
{
	struct slice raw = kernel_read(k, address, KERNEL_RECORD_BYTES);
	struct kernel_record record = kernel_record_parse_64(raw);
	if (!record.is_there)
		return false;
	*ret_record = record;
	return true;
}

bool
kernel_read_context(struct kernel_parser *k, uint64_t address, struct registers *ret_registers,
		    struct slice *ret_raw)
{
	size_t bytes = context_layout_bytes(k->header.arch);
	struct slice raw = kernel_read(k, address, bytes);
	if (context_layout_read(k->header.arch, raw, ret_registers) != OK)
		return false;
	*ret_raw = raw;
	return true;
}

/* What the processor and the trap handler saved.  The frame has room for rbx, rsi and rdi, but
 * exceptions leave it unset, and the others that functions keep are not in it. */
static bool
parse_trap_frame(struct slice raw, struct registers *ret_registers)
{
	static const struct {
		uint16_t offset;
		uint8_t number;
	} places[] = {
		{0x30, AMD64_RAX},     {0x38, AMD64_RCX},    {0x40, AMD64_RDX},
		{0x48, AMD64_R8},      {0x50, AMD64_R8 + 1}, {0x58, AMD64_R8 + 2},
		{0x60, AMD64_R8 + 3},  {0x158, AMD64_RBP},   {FRAME_PC, AMD64_RIP},
		{FRAME_SP, AMD64_RSP},
	};
	struct registers registers = {.arch = ARCH_AMD64};
	if (raw.len < FRAME_BYTES)
		return false;
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		registers_set(&registers, places[i].number, kernel_u64(raw, places[i].offset));
	registers_set(&registers, AMD64_RFLAGS, kernel_u32(raw, FRAME_FLAGS));
	if (registers_pc(&registers) == 0 || registers_sp(&registers) == 0)
		return false;
	*ret_registers = registers;
	return true;
}

/* On the stack of the crashing thread: a frame of kernel code whose instruction is PC and whose
 * stack lies above it. */
static bool
find_trap_frame(struct kernel_parser *k, uint64_t pc, struct registers *ret_registers)
{
	const struct registers *thread = &k->dump->threads.items[0].registers;
	uint64_t from = registers_sp(thread) & ~UINT64_C(7);
	for (uint64_t at = from; at - from < LIMIT_KERNEL_STACK_BYTES; at += 8) {
		uint64_t word;
		if (!memory_u64(&k->memory, at, &word))
			return false;
		if (word != pc)
			continue;
		struct slice frame = kernel_read(k, at - FRAME_PC, FRAME_BYTES);
		uint64_t sp = kernel_u64(frame, FRAME_SP);
		if (kernel_u16(frame, FRAME_CS) == KERNEL_CS &&
		    (kernel_u32(frame, FRAME_FLAGS) & FLAGS_ALWAYS_SET) != 0 && sp > at &&
		    sp - at < LIMIT_KERNEL_STACK_BYTES)
			return parse_trap_frame(frame, ret_registers);
	}
	return false;
}

/* The parameter that INDEX names; 0: none. */
static uint64_t
parameter(const struct dump_bugcheck *bugcheck, int index)
{
	return index < 0 ? 0 : bugcheck->parameters[index];
}

static void
take_record(struct dump_exception *exception, const struct kernel_record *record)
{
	exception->is_there = record->is_there;
	exception->code = record->code;
	exception->flags = record->flags;
	exception->record = record->next;
	exception->address = record->address;
	exception->n_parameters = record->n_parameters;
	memcpy(exception->parameters, record->parameters, sizeof(exception->parameters));
}

/* Without a record: the parameters name code and address, or which memory was used and how. */
static void
take_parameters(const struct dump_bugcheck *bugcheck, const struct bugcheck_places *places,
		struct dump_exception *exception)
{
	uint64_t access;
	bool is_of_bugcheck = !exception->is_there || exception->code == STATUS_BREAKPOINT;
	if (places->code >= 0) {
		exception->is_there = true;
		exception->code = (uint32_t)parameter(bugcheck, places->code);
		exception->address = parameter(bugcheck, places->address);
		exception->n_parameters = 0;
	} else if (is_of_bugcheck && places->memory >= 0 && bugcheck_access(bugcheck, &access)) {
		exception->is_there = true;
		exception->code = STATUS_ACCESS_VIOLATION;
		exception->address = parameter(bugcheck, places->address);
		exception->n_parameters = 2;
		exception->parameters[0] = access;
		exception->parameters[1] = parameter(bugcheck, places->memory);
	}
}

static void
read_registers(struct kernel_parser *k, const struct bugcheck_places *places,
	       struct dump_exception *exception)
{
	const struct dump_bugcheck *bugcheck = &k->header.bugcheck;
	uint64_t context = parameter(bugcheck, places->context);
	uint64_t frame = parameter(bugcheck, places->trap_frame);
	uint64_t pc = parameter(bugcheck, places->address);
	bool is_amd64 = k->header.arch == ARCH_AMD64;
	if (kernel_read_context(k, context, &exception->registers, &exception->context)) {
		exception->has_registers = true;
		return;
	}
	bool is_found = is_amd64 &&
			parse_trap_frame(kernel_read(k, frame, FRAME_BYTES), &exception->registers);
	if (!is_found && is_amd64 && pc != 0 && registers_pc(&exception->registers) != pc)
		is_found = find_trap_frame(k, pc, &exception->registers);
	if (!is_found)
		return;
	exception->has_registers = true;
	exception->context = (struct slice){0};
}

void
kernel_exception_read(struct kernel_parser *k)
{
	const struct dump_bugcheck *bugcheck = &k->header.bugcheck;
	struct bugcheck_places places = bugcheck_places(bugcheck->code);
	struct dump_exception *exception = &k->dump->exception;
	struct kernel_record record;
	take_record(exception, &k->header.exception);
	exception->has_registers =
		context_layout_read(k->header.arch, k->header.context, &exception->registers) == OK;
	exception->context = k->header.context;
	if (!bugcheck->is_there)
		return;
	if (read_record(k, parameter(bugcheck, places.record), &record))
		take_record(exception, &record);
	else
		take_parameters(bugcheck, &places, exception);
	read_registers(k, &places, exception);
}
