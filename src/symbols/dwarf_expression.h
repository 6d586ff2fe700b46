/* dwarf_expression.h - the little stack machine of DWARF, over a frame that is to be left
 *
 * Takes operations as libdw reads them and evaluates those that rules of call frames use.
 * Bounded: LIMIT_DWARF_EXPRESSION_STEPS operations, jumps included.  DWARF 5, 2.5.
 */
#pragma once

#include <elfutils/libdw.h>

#include "base/err.h"
#include "symbols/memory.h"
#include "symbols/registers.h"

struct dwarf_expression {
	const Dwarf_Op *operations;
	size_t n;
	const struct memory *memory;
	const struct registers *registers;
	uint64_t load_bias; /* added to addresses of the file */
	bool has_cfa;
	uint64_t cfa;
};

enum dwarf_result_kind {
	DWARF_ADDRESS, /* of memory that holds the value */
	DWARF_VALUE,   /* the value */
	DWARF_REGISTER /* number of the register that holds it */
};

struct dwarf_result {
	enum dwarf_result_kind kind;
	uint64_t value;
};

/* ERR_TRUNCATED	it needs a register or memory that is not there
 * ERR_CORRUPT		it is broken, unknown or endless */
err_t dwarf_evaluate(const struct dwarf_expression *expression,
		     struct dwarf_result *ret_result) ERR_CHECK;
