/* pe_unwind_arm64.h - entries and codes of arm64 unwind data, as the image has them */
#pragma once

#include "symbols/pe_internal.h"

enum pe_arm64_operation {
	ARM64_ALLOC,     /* sub sp, sp, #bytes */
	ARM64_SAVE,      /* one register or two at sp + offset, then sp moves by `bytes` */
	ARM64_SAVE_NEXT, /* one pair more of the save that follows */
	ARM64_SET_FP,    /* mov x29, sp */
	ARM64_ADD_FP,    /* add x29, sp, #bytes */
	ARM64_NOP,
	ARM64_END,
	ARM64_END_PIECE,  /* end of a piece's own codes: those of the whole follow */
	ARM64_ALLOC_SVE,  /* by a number that no dump has */
	ARM64_SIGN,       /* pacibsp: the return address is signed */
	ARM64_TRAP_FRAME, /* these generate no instruction */
	ARM64_MACHINE_FRAME,
	ARM64_CONTEXT,
	ARM64_EC_CONTEXT,
	ARM64_INTERRUPTED, /* the return address is that of an interrupted instruction */
	ARM64_OPERATION_N
};

struct pe_arm64_code {
	enum pe_arm64_operation operation;
	uint8_t len;     /* bytes of the code */
	uint8_t reg;     /* ARM64_SAVE: the first register */
	uint8_t second;  /* the other one; equal to `reg`: none */
	bool is_vector;  /* registers d or q: not followed */
	uint32_t offset; /* ARM64_SAVE: from sp */
	uint32_t bytes;  /* by which sp moved */
	uint32_t step;   /* bytes from one register to the other */
};

struct pe_arm64_function {
	uint32_t begin;
	uint32_t bytes;
	uint32_t data; /* packed, or the place of the full record */
};

enum {
	ARM64_PACKED_CODES_MOST = 24
};

/* The parts of a packed entry, and what its prolog does, in the order in which it is undone. */
struct pe_arm64_packed {
	bool is_piece; /* without prolog and epilog of its own */
	struct pe_arm64_code codes[ARM64_PACKED_CODES_MOST];
	size_t n_codes;
};

/* ERR_NOTFOUND: a leaf, or no code.  ERR_CORRUPT: the entry says what is reserved. */
err_t pe_arm64_find_function(const struct pe *pe, uint64_t rva,
			     struct pe_arm64_function *ret_function) ERR_CHECK;
bool pe_arm64_is_packed(const struct pe_arm64_function *function);
/* ERR_CORRUPT: its sizes contradict each other. */
err_t pe_arm64_unpack(const struct pe_arm64_function *function,
		      struct pe_arm64_packed *ret_packed) ERR_CHECK;
/* The code at CODES[AT], which must be in it.  ERR_CORRUPT: reserved, or it is cut off. */
err_t pe_arm64_code(struct slice codes, size_t at, struct pe_arm64_code *ret_code) ERR_CHECK;
