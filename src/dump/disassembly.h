/* disassembly.h - what an instruction of x86 or amd64 does with registers and memory
 *
 * For triage: only what it asks is told, which is where an operand lies and whether it is read or
 * written, and of which of a few kinds the instruction is.  Bytes may be anything; those that are
 * no instruction, or one that is cut, give none.  Nothing is opened or written: the library behind
 * it (capstone, included nowhere else) only takes memory.
 */
#pragma once

#include "base/slice.h"
#include "symbols/registers.h"

enum {
	INSTRUCTION_BYTES_MAX = 15, /* of any x86 instruction */
	INSTRUCTION_OPERANDS_MAX = 4,
	INSTRUCTION_TEXT_BYTES = 200
};

enum instruction_kind {
	INSTRUCTION_OTHER,
	INSTRUCTION_JUMP,
	INSTRUCTION_CALL,
	INSTRUCTION_RETURN,
	INSTRUCTION_STRING, /* movs, stos, lods, cmps, scas, repeated or not */
	INSTRUCTION_COMPARISON,
	INSTRUCTION_PUSH
};

enum operand_kind {
	OPERAND_OTHER, /* a constant, or a register that struct registers does not have */
	OPERAND_REGISTER,
	OPERAND_MEMORY
};

/* Numbers of registers are those of registers.h for the whole register, -1: none. */
struct operand {
	enum operand_kind kind;
	bool is_read;
	bool is_written;
	unsigned bytes;
	int reg; /* OPERAND_REGISTER */
	/* OPERAND_MEMORY: base + index * scale + displacement. */
	int base; /* the instruction pointer's number: relative to the next instruction */
	int index;
	unsigned scale;
	int64_t displacement;
	bool is_elsewhere; /* relative to fs or gs, or made of registers that are not known here */
};

struct instruction {
	uint64_t address;
	unsigned bytes;
	enum instruction_kind kind;
	struct operand operands[INSTRUCTION_OPERANDS_MAX];
	unsigned n_operands;
	char text[INSTRUCTION_TEXT_BYTES]; /* "mov dword ptr [eax], ecx" */
};

struct disassembler;

/* NULL: for another processor than x86 and amd64.  Aborts when there is no memory. */
struct disassembler *disassembler_new(enum arch arch);
void disassembler_free(struct disassembler *disassembler); /* accepts NULL */

/* The instruction at the start of CODE, which lies at ADDRESS.  False: there is none. */
bool disassembler_read(struct disassembler *disassembler, struct slice code, uint64_t address,
		       struct instruction *ret_instruction);

/* The address that a memory operand of INSTRUCTION means.  False: a register that it is made of is
 * not known, or it is relative to fs or gs. */
bool operand_address(const struct instruction *instruction, const struct operand *operand,
		     const struct registers *registers, uint64_t *ret_address);
