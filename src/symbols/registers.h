/* registers.h - a processor's registers, as dumps give them and unwinding needs them
 *
 * Numbers are those of DWARF for the processor, but for the flags, which come last.  A register
 * that a dump does not have, or that a walk lost, is not known; reading it gives nothing.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

enum arch {
	ARCH_UNKNOWN,
	ARCH_X86,
	ARCH_AMD64,
	ARCH_ARM,
	ARCH_ARM64,
	ARCH_N
};

enum {
	REGISTERS_MAX = 34
};

enum { /* ARCH_X86 */
	X86_EAX,
	X86_ECX,
	X86_EDX,
	X86_EBX,
	X86_ESP,
	X86_EBP,
	X86_ESI,
	X86_EDI,
	X86_EIP,
	X86_EFLAGS,
	X86_N
};

enum { /* ARCH_AMD64 */
	AMD64_RAX,
	AMD64_RDX,
	AMD64_RCX,
	AMD64_RBX,
	AMD64_RSI,
	AMD64_RDI,
	AMD64_RBP,
	AMD64_RSP,
	AMD64_R8,
	AMD64_R15 = AMD64_R8 + 7,
	AMD64_RIP,
	AMD64_RFLAGS,
	AMD64_N
};

enum { /* ARCH_ARM: r0 is 0 */
	ARM_R7 = 7,
	ARM_R11 = 11,
	ARM_SP = 13,
	ARM_LR,
	ARM_PC,
	ARM_CPSR,
	ARM_N
};

enum { /* ARCH_ARM64: x0 is 0 */
	ARM64_FP = 29,
	ARM64_LR,
	ARM64_SP,
	ARM64_PC,
	ARM64_CPSR,
	ARM64_N
};

struct registers {
	enum arch arch;
	uint64_t known; /* bit n: value[n] is known */
	uint64_t value[REGISTERS_MAX];
};

const char *arch_name(enum arch arch);       /* "x86", "amd64", "arm", "arm64", "unknown" */
unsigned arch_pointer_bytes(enum arch arch); /* 4 or 8; 8 when unknown */
uint64_t arch_pointer_mask(enum arch arch);  /* addresses are cut to it */
unsigned registers_count(enum arch arch);    /* how many it has */
const char *registers_name(enum arch arch, unsigned index); /* "rip"; NULL past the end */
/* By name, any case, with or without "$" or "%" before it; -1: it has none of this name. */
int registers_find(enum arch arch, struct slice name);
/* Indexes of the instruction, stack and frame pointer (-1: arch unknown). */
int registers_pc_index(enum arch arch);
int registers_sp_index(enum arch arch);
int registers_fp_index(enum arch arch); /* ebp, rbp, r11, x29 */

bool registers_get(const struct registers *r, int index, uint64_t *ret_value);
void registers_set(struct registers *r, int index, uint64_t value);
void registers_forget(struct registers *r, int index);
uint64_t registers_pc(const struct registers *r); /* 0 when it is not known, as those below */
uint64_t registers_sp(const struct registers *r);
uint64_t registers_fp(const struct registers *r);
