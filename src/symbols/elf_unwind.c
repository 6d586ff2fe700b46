/* Unwinding by call frame information: .eh_frame first, which programs keep, then .debug_frame.
 *
 * libdw finds the entry and runs its program; a rule for the frame's address and one for each
 * register come out as expressions.
 */
#include "symbols/elf_internal.h"

#include <stdlib.h>

#include "symbols/dwarf_expression.h"

enum {
	RULE_OPERATIONS = 3,
	CANONICAL_BITS = 48 /* of an address of arm64; a signature stands above them */
};

#define BIT(n) (UINT64_C(1) << (n))

/* What a call gives back, by the ABI of the processor.  libdw has such lists too, but the one
 * for amd64 of 0.188 has rax where it means rbx. */
static const uint64_t kept_registers[ARCH_N] = {
	[ARCH_X86] = BIT(X86_EBX) | BIT(X86_EBP) | BIT(X86_ESI) | BIT(X86_EDI),
	[ARCH_AMD64] = BIT(AMD64_RBX) | BIT(AMD64_RBP) | UINT64_C(15) << (AMD64_R8 + 4),
	[ARCH_ARM] = UINT64_C(0xff) << 4,
	[ARCH_ARM64] = UINT64_C(0x7ff) << 19,
};

/* The frame that is left. */
struct walk {
	const struct elf *elf;
	struct unwind *unwind;
	Dwarf_Frame *frame;
	uint64_t cfa;
	int return_register;
	bool is_signal; /* the kernel made this frame: it has all registers of what it interrupted
			 */
};

static err_t
load_call_frames(struct elf *elf)
{
	if (elf->has_eh_frame)
		elf->call_frames.eh = dwarf_getcfi_elf(elf->elf);
	if ((elf->identity.parts & (ELF_DWARF | ELF_CALL_FRAMES)) != 0 && elf_load_dwarf(elf) == OK)
		elf->call_frames.debug = dwarf_getcfi(elf->dwarf);
	return elf->call_frames.eh != NULL || elf->call_frames.debug != NULL ? OK : ERR_NOTFOUND;
}

/* Must be freed. */
static err_t
find_frame(struct elf *elf, uint64_t address, Dwarf_Frame **ret_frame)
{
	if (elf->call_frames_state == ELF_UNREAD)
		elf->call_frames_state = load_call_frames(elf) == OK ? ELF_READ : ELF_BROKEN;
	if (elf->call_frames.eh != NULL &&
	    dwarf_cfi_addrframe(elf->call_frames.eh, address, ret_frame) == 0)
		return OK;
	if (elf->call_frames.debug != NULL &&
	    dwarf_cfi_addrframe(elf->call_frames.debug, address, ret_frame) == 0)
		return OK;
	/* libdw does not tell what is missing from what is broken. */
	return ERR_NOTFOUND;
}

static struct dwarf_expression
expression_of(const struct walk *w, const Dwarf_Op *operations, size_t n)
{
	return (struct dwarf_expression){
		.operations = operations,
		.n = n,
		.memory = w->unwind->memory,
		.registers = &w->unwind->callee,
		.load_bias = w->unwind->module_base - w->elf->identity.base,
	};
}

static err_t
evaluate_cfa(struct walk *w)
{
	Dwarf_Op *operations;
	size_t n;
	struct dwarf_result result;
	if (dwarf_frame_cfa(w->frame, &operations, &n) != 0 || n == 0)
		return ERR_CORRUPT;
	struct dwarf_expression e = expression_of(w, operations, n);
	err_t err = dwarf_evaluate(&e, &result);
	if (err != OK)
		return err;
	if (result.kind == DWARF_REGISTER)
		return ERR_CORRUPT;
	w->cfa = result.value & arch_pointer_mask(w->elf->identity.arch);
	return OK;
}

static err_t
value_of(const struct walk *w, const struct dwarf_result *result, uint64_t *ret_value)
{
	unsigned bytes = arch_pointer_bytes(w->elf->identity.arch);
	switch (result->kind) {
	case DWARF_VALUE:
		*ret_value = result->value;
		return OK;
	case DWARF_REGISTER:
		return result->value < REGISTERS_MAX && registers_get(&w->unwind->callee,
								      (int)result->value, ret_value)
			       ? OK
			       : ERR_TRUNCATED;
	default:
		return memory_pointer(w->unwind->memory, bytes, result->value, ret_value)
			       ? OK
			       : ERR_TRUNCATED;
	}
}

/* What the register INDEX was in the caller.  ERR_NOTFOUND: the rules say that it is lost. */
static err_t
evaluate_register(const struct walk *w, int index, uint64_t *ret_value)
{
	Dwarf_Op memory[RULE_OPERATIONS];
	Dwarf_Op *operations;
	size_t n;
	struct dwarf_result result;
	if (dwarf_frame_register(w->frame, index, memory, &operations, &n) != 0)
		return ERR_CORRUPT;
	if (n == 0) {
		bool is_kept = (kept_registers[w->elf->identity.arch] >> index & 1) != 0;
		bool is_return = index == w->return_register && operations == NULL;
		if (!is_kept && !is_return)
			return ERR_NOTFOUND;
		return registers_get(&w->unwind->callee, index, ret_value) ? OK : ERR_TRUNCATED;
	}
	struct dwarf_expression e = expression_of(w, operations, n);
	e.has_cfa = true;
	e.cfa = w->cfa;
	err_t err = dwarf_evaluate(&e, &result);
	return err == OK ? value_of(w, &result, ret_value) : err;
}

/* libdw passes over the rule that a return address is signed, so a signature is known by the
 * bits above an address; addresses of the kernel have them all set. */
static uint64_t
without_signature(enum arch arch, uint64_t address)
{
	uint64_t above = ~(((uint64_t)1 << CANONICAL_BITS) - 1);
	if (arch != ARCH_ARM64)
		return address;
	return (address >> 55 & 1) != 0 ? address | above : address & ~above;
}

/* A return address that is lost by rule says that nothing called this: pc becomes 0. */
static err_t
write_pc(const struct walk *w, struct registers *caller)
{
	uint64_t pc = 0;
	enum arch arch = w->elf->identity.arch;
	err_t err = evaluate_register(w, w->return_register, &pc);
	if (err != OK && err != ERR_NOTFOUND)
		return err;
	if (arch == ARCH_ARM)
		pc &= ~(uint64_t)1; /* Thumb */
	registers_set(caller, registers_pc_index(arch), without_signature(arch, pc));
	return OK;
}

/* The link register was spent on the way back, unless the kernel restores it. */
static int
link_register(enum arch arch)
{
	return arch == ARCH_ARM64 ? (int)ARM64_LR : arch == ARCH_ARM ? (int)ARM_LR : -1;
}

static err_t
write_caller(const struct walk *w, struct registers *caller)
{
	enum arch arch = w->elf->identity.arch;
	int sp = registers_sp_index(arch);
	for (int i = 0; i < (int)registers_count(arch); i++) {
		uint64_t value;
		if (i == registers_pc_index(arch) || (i == link_register(arch) && !w->is_signal))
			continue;
		err_t err = evaluate_register(w, i, &value);
		if (err == ERR_CORRUPT)
			return err;
		if (err == OK)
			registers_set(caller, i, value);
	}
	if ((caller->known >> sp & 1) == 0)
		registers_set(caller, sp, w->cfa);
	return write_pc(w, caller);
}

static err_t
leave(struct walk *w)
{
	struct registers caller = {.arch = w->elf->identity.arch};
	Dwarf_Addr start;
	Dwarf_Addr end;
	w->return_register = dwarf_frame_info(w->frame, &start, &end, &w->is_signal);
	if (w->return_register < 0 || w->return_register >= REGISTERS_MAX)
		return ERR_CORRUPT;
	err_t err = evaluate_cfa(w);
	if (err == OK)
		err = write_caller(w, &caller);
	if (err != OK)
		return err;
	w->unwind->caller = caller;
	w->unwind->param_bytes = 0;
	w->unwind->way = UNWIND_CFI;
	w->unwind->caller_is_interrupted = w->is_signal;
	return OK;
}

err_t
elf_unwind(const struct symbols *symbols, struct unwind *unwind)
{
	struct elf *elf = (struct elf *)(uintptr_t)symbols;
	struct walk w = {.elf = elf, .unwind = unwind};
	uint64_t address = elf->identity.base + unwind->rva;
	if (unwind->callee.arch != elf->identity.arch || !elf_is_code(elf, address))
		return ERR_NOTFOUND;
	err_t err = find_frame(elf, address, &w.frame);
	if (err != OK)
		return err;
	err = leave(&w);
	free(w.frame);
	return err;
}
