/* pe_unwind_amd64.h - entries and codes of amd64 unwind data, as the image has them */
#pragma once

#include "symbols/pe_internal.h"

enum pe_amd64_operation {
	AMD64_PUSH_NONVOL,
	AMD64_ALLOC_LARGE,
	AMD64_ALLOC_SMALL,
	AMD64_SET_FPREG,
	AMD64_SAVE_NONVOL,
	AMD64_SAVE_NONVOL_FAR,
	AMD64_EPILOG, /* version 2 only */
	AMD64_SAVE_XMM128 = 8,
	AMD64_SAVE_XMM128_FAR,
	AMD64_PUSH_MACHFRAME
};

struct pe_amd64_function {
	uint32_t begin;
	uint32_t end;
	uint32_t info;
};

struct pe_amd64_code {
	uint8_t prolog_offset; /* of the byte behind the instruction */
	uint8_t operation;
	uint8_t info;
	unsigned n_slots;
	uint32_t operand; /* bytes: what is allocated, or where it is saved */
};

/* The entry that holds RVA, indirect ones followed.  ERR_NOTFOUND: a leaf, or no code. */
err_t pe_amd64_find_function(const struct pe *pe, uint64_t rva,
			     struct pe_amd64_function *ret_function) ERR_CHECK;
/* The code in slot INDEX, which must be in CODES.  ERR_CORRUPT: unknown, or it is cut off. */
err_t pe_amd64_code(struct slice codes, unsigned version, size_t index,
		    struct pe_amd64_code *ret_code) ERR_CHECK;
