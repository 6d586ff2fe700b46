/* stepper.h - runs a program one instruction after the other, and unwinds at each of them
 *
 * The image lies in an emulator with a stack and a return address of its own.  Wherever it
 * stands, unwinding until the image is left must give that return address, the stack pointer of
 * the beginning, and the registers that a call gives back.  Nothing else can prove a prolog, an
 * epilog and all that is between.
 */
#pragma once

#include <stdio.h>
#include <stdlib.h>

#include <unicorn/unicorn.h>

#include "symbols/symbols.h"

enum {
	STEPPER_STACK_BYTES = 1024 * 1024,
	STEPPER_FRAMES_MOST = 64,
	STEPPER_STEPS_MOST = 100000,
	STEPPER_SHOWN_MOST = 10
};

#define STEPPER_STACK UINT64_C(0x7ff00000)
#define STEPPER_RETURN UINT64_C(0x66600000) /* a page of its own */

struct stepper {
	enum arch arch;
	const struct symbols *symbols;
	uint64_t base;
	size_t image_bytes;
	uint8_t *image; /* as the loader lays it out; whole pages */
	uint8_t *stack;
	uc_engine *uc;
	const int *uc_ids; /* by index of registers.h; 0: not followed */
	uint64_t kept;     /* of those: what a call gives back */
	uint64_t from;     /* only code from here on */
	uint64_t to;       /* and before here; 0: all of it */
	uint64_t sp_at_end;
	struct registers start;
	size_t n_steps;
	size_t n_frames;
	size_t n_wrong;
};

static const int stepper_amd64[REGISTERS_MAX] = {
	[AMD64_RAX] = UC_X86_REG_RAX,    [AMD64_RDX] = UC_X86_REG_RDX,
	[AMD64_RCX] = UC_X86_REG_RCX,    [AMD64_RBX] = UC_X86_REG_RBX,
	[AMD64_RSI] = UC_X86_REG_RSI,    [AMD64_RDI] = UC_X86_REG_RDI,
	[AMD64_RBP] = UC_X86_REG_RBP,    [AMD64_RSP] = UC_X86_REG_RSP,
	[AMD64_R8] = UC_X86_REG_R8,      [AMD64_R8 + 1] = UC_X86_REG_R9,
	[AMD64_R8 + 2] = UC_X86_REG_R10, [AMD64_R8 + 3] = UC_X86_REG_R11,
	[AMD64_R8 + 4] = UC_X86_REG_R12, [AMD64_R8 + 5] = UC_X86_REG_R13,
	[AMD64_R8 + 6] = UC_X86_REG_R14, [AMD64_R15] = UC_X86_REG_R15,
	[AMD64_RIP] = UC_X86_REG_RIP,
};
static const int stepper_x86[REGISTERS_MAX] = {
	[X86_EAX] = UC_X86_REG_EAX, [X86_ECX] = UC_X86_REG_ECX, [X86_EDX] = UC_X86_REG_EDX,
	[X86_EBX] = UC_X86_REG_EBX, [X86_ESP] = UC_X86_REG_ESP, [X86_EBP] = UC_X86_REG_EBP,
	[X86_ESI] = UC_X86_REG_ESI, [X86_EDI] = UC_X86_REG_EDI, [X86_EIP] = UC_X86_REG_EIP,
};
static const int stepper_arm64[REGISTERS_MAX] = {
	UC_ARM64_REG_X0,  UC_ARM64_REG_X1,  UC_ARM64_REG_X2,  UC_ARM64_REG_X3,  UC_ARM64_REG_X4,
	UC_ARM64_REG_X5,  UC_ARM64_REG_X6,  UC_ARM64_REG_X7,  UC_ARM64_REG_X8,  UC_ARM64_REG_X9,
	UC_ARM64_REG_X10, UC_ARM64_REG_X11, UC_ARM64_REG_X12, UC_ARM64_REG_X13, UC_ARM64_REG_X14,
	UC_ARM64_REG_X15, UC_ARM64_REG_X16, UC_ARM64_REG_X17, UC_ARM64_REG_X18, UC_ARM64_REG_X19,
	UC_ARM64_REG_X20, UC_ARM64_REG_X21, UC_ARM64_REG_X22, UC_ARM64_REG_X23, UC_ARM64_REG_X24,
	UC_ARM64_REG_X25, UC_ARM64_REG_X26, UC_ARM64_REG_X27, UC_ARM64_REG_X28, UC_ARM64_REG_X29,
	UC_ARM64_REG_X30, UC_ARM64_REG_SP,  UC_ARM64_REG_PC,
};
static const int stepper_arm[REGISTERS_MAX] = {
	UC_ARM_REG_R0,  UC_ARM_REG_R1, UC_ARM_REG_R2, UC_ARM_REG_R3, UC_ARM_REG_R4,  UC_ARM_REG_R5,
	UC_ARM_REG_R6,  UC_ARM_REG_R7, UC_ARM_REG_R8, UC_ARM_REG_R9, UC_ARM_REG_R10, UC_ARM_REG_R11,
	UC_ARM_REG_R12, UC_ARM_REG_SP, UC_ARM_REG_LR, UC_ARM_REG_PC,
};

/* The emulator takes functions as pointers to objects, which C does not know. */
typedef union {
	void (*call)(uc_engine *uc, uint64_t address, uint32_t size, void *context);
	void *object;
} stepper_callback;

static inline struct slice
stepper_find(const void *context, uint64_t address, size_t len)
{
	const struct stepper *s = context;
	if (address >= STEPPER_STACK && address - STEPPER_STACK < STEPPER_STACK_BYTES)
		return slice_sub(slice_of(s->stack, STEPPER_STACK_BYTES), address - STEPPER_STACK,
				 len);
	if (address >= s->base && address - s->base < s->image_bytes)
		return slice_sub(slice_of(s->image, s->image_bytes), address - s->base, len);
	return (struct slice){0};
}

static inline bool
stepper_is_inside(const struct stepper *s, uint64_t pc)
{
	return pc >= s->base && pc - s->base < s->image_bytes;
}

/* From REGISTERS until the image is left; what is wrong then, NULL: nothing. */
static inline const char *
stepper_unwind(struct stepper *s, struct registers *registers)
{
	const struct memory memory = {stepper_find, s};
	bool is_innermost = true;
	for (unsigned depth = 0; stepper_is_inside(s, registers_pc(registers)); depth++) {
		struct unwind unwind = {
			.memory = &memory,
			.callee = *registers,
			.module_base = s->base,
			.rva = registers_pc(registers) - s->base - !is_innermost,
			.is_innermost = is_innermost,
		};
		err_t err = symbols_unwind(s->symbols, &unwind);
		if (err != OK)
			return err_name(err);
		if (depth == STEPPER_FRAMES_MOST)
			return "too deep";
		*registers = unwind.caller;
		is_innermost = unwind.caller_is_interrupted;
		s->n_frames++;
	}
	if (registers_pc(registers) != STEPPER_RETURN)
		return "another return address";
	if (registers_sp(registers) != s->sp_at_end)
		return "another stack pointer";
	for (int i = 0; i < REGISTERS_MAX; i++) {
		uint64_t value;
		if ((s->kept >> i & 1) == 0)
			continue;
		if (!registers_get(registers, i, &value) || value != s->start.value[i])
			return registers_name(s->arch, (unsigned)i);
	}
	return NULL;
}

static inline void
stepper_step(uc_engine *uc, uint64_t address, uint32_t size, void *context)
{
	struct stepper *s = context;
	struct registers registers = {.arch = s->arch};
	(void)size;
	if (++s->n_steps == STEPPER_STEPS_MOST)
		(void)uc_emu_stop(uc);
	if (s->to != 0 && (address - s->base < s->from || address - s->base >= s->to))
		return;
	for (int i = 0; i < REGISTERS_MAX; i++) {
		uint64_t value = 0;
		if (s->uc_ids[i] == 0)
			continue;
		(void)uc_reg_read(uc, s->uc_ids[i], &value);
		registers_set(&registers, i, value);
	}
	registers_set(&registers, registers_pc_index(s->arch), address);
	const char *wrong = stepper_unwind(s, &registers);
	if (wrong != NULL && s->n_wrong++ < STEPPER_SHOWN_MOST)
		(void)fprintf(stderr, "at %#llx: %s\n", (unsigned long long)(address - s->base),
			      wrong);
}

static inline void
stepper_need(uc_err err)
{
	if (err == UC_ERR_OK)
		return;
	(void)fprintf(stderr, "%s\n", uc_strerror(err));
	abort();
}

static inline void
stepper_choose(struct stepper *s, bool is_windows)
{
	switch (s->arch) {
	case ARCH_AMD64:
		stepper_need(uc_open(UC_ARCH_X86, UC_MODE_64, &s->uc));
		s->uc_ids = stepper_amd64;
		s->kept = 1 << AMD64_RBX | 1 << AMD64_RBP | 0xf << (AMD64_R8 + 4);
		if (is_windows)
			s->kept |= 1 << AMD64_RSI | 1 << AMD64_RDI;
		break;
	case ARCH_X86:
		stepper_need(uc_open(UC_ARCH_X86, UC_MODE_32, &s->uc));
		s->uc_ids = stepper_x86;
		s->kept = 1 << X86_EBX | 1 << X86_EBP | 1 << X86_ESI | 1 << X86_EDI;
		break;
	case ARCH_ARM64:
		stepper_need(uc_open(UC_ARCH_ARM64, UC_MODE_ARM, &s->uc));
		s->uc_ids = stepper_arm64;
		s->kept = UINT64_C(0x7ff) << 19;
		break;
	default:
		stepper_need(uc_open(UC_ARCH_ARM, UC_MODE_ARM, &s->uc));
		s->uc_ids = stepper_arm;
		s->kept = 0xff << 4;
		break;
	}
}

static inline void
stepper_put_word(struct stepper *s, uint64_t address, uint64_t value, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++)
		s->stack[address - STEPPER_STACK + i] = (uint8_t)(value >> (8 * i));
}

/* Vector instructions are off at first. */
static inline void
stepper_turn_vectors_on(struct stepper *s)
{
	uint64_t bits = UINT64_C(3) << 20;
	uint64_t fpexc = 0x40000000;
	uint64_t all = 0x00f00000;
	if (s->arch == ARCH_ARM64)
		stepper_need(uc_reg_write(s->uc, UC_ARM64_REG_CPACR_EL1, &bits));
	if (s->arch != ARCH_ARM)
		return;
	stepper_need(uc_reg_write(s->uc, UC_ARM_REG_C1_C0_2, &all));
	stepper_need(uc_reg_write(s->uc, UC_ARM_REG_FPEXC, &fpexc));
}

/* Calls the function at ENTRY_RVA with PARAMETER; the image is in s->image already. */
static inline void
stepper_call(struct stepper *s, bool is_windows, uint64_t entry_rva, uint64_t parameter)
{
	uc_hook hook;
	uint64_t sp = STEPPER_STACK + STEPPER_STACK_BYTES / 2;
	unsigned word = arch_pointer_bytes(s->arch);
	bool is_x86 = s->arch == ARCH_X86 || s->arch == ARCH_AMD64;
	stepper_choose(s, is_windows);
	s->stack = aligned_alloc(4096, STEPPER_STACK_BYTES);
	if (s->stack == NULL)
		abort();
	memset(s->stack, 0, STEPPER_STACK_BYTES);
	stepper_need(uc_mem_map_ptr(s->uc, s->base, s->image_bytes, UC_PROT_ALL, s->image));
	stepper_need(
		uc_mem_map_ptr(s->uc, STEPPER_STACK, STEPPER_STACK_BYTES, UC_PROT_ALL, s->stack));
	stepper_need(uc_mem_map(s->uc, STEPPER_RETURN, 4096, UC_PROT_ALL));
	stepper_turn_vectors_on(s);
	s->start = (struct registers){.arch = s->arch};
	for (int i = 0; i < REGISTERS_MAX; i++)
		if (s->uc_ids[i] != 0)
			registers_set(&s->start, i, 0x11110000 + (uint64_t)i);
	if (is_x86) { /* the call that led here pushed its return address */
		sp -= 8;
		stepper_put_word(s, sp, STEPPER_RETURN, word);
		stepper_put_word(s, sp + word, parameter, word);
		registers_set(&s->start, is_windows ? AMD64_RCX : AMD64_RDI, parameter);
	} else {
		registers_set(&s->start, s->arch == ARCH_ARM ? ARM_LR : ARM64_LR, STEPPER_RETURN);
		registers_set(&s->start, 0, parameter);
	}
	if (s->arch == ARCH_X86)
		registers_set(&s->start, X86_EDI, 0x1111);
	registers_set(&s->start, registers_sp_index(s->arch), sp);
	registers_set(&s->start, registers_pc_index(s->arch), s->base + entry_rva);
	s->sp_at_end = sp + (is_x86 ? word : 0);
	for (int i = 0; i < REGISTERS_MAX; i++)
		if (s->uc_ids[i] != 0)
			stepper_need(uc_reg_write(s->uc, s->uc_ids[i], &s->start.value[i]));
	stepper_callback step = {.call = stepper_step};
	stepper_need(uc_hook_add(s->uc, &hook, UC_HOOK_CODE, step.object, s, s->base,
				 s->base + s->image_bytes - 1));
	stepper_need(uc_emu_start(s->uc, s->base + entry_rva, STEPPER_RETURN, 0, 0));
	stepper_need(uc_close(s->uc));
	free(s->stack);
}
