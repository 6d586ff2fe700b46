/* cfi.h - call frame rules in Breakpad's text form: "NAME: EXPRESSION NAME: EXPRESSION ..."
 *
 * .cfa is the caller's stack pointer, .ra the address it goes on at; every other name is a
 * register of the callee, "$rbx" or "r11", whose value in the caller the expression gives.
 * A later row replaces the rules for the names that it speaks of and keeps the others.
 * Names that the processor does not have are passed over (xmm6, say): no walk needs them.
 * Pure.  Refuses: text that does not begin with a name, and what postfix.h refuses.
 */
#pragma once

#include "symbols/symbols.h"

struct cfi_rule {
	struct slice expression; /* absent: no rule */
	uint64_t row;            /* address of the row it comes from */
};

struct cfi_rules {
	enum arch arch;
	/* Windows x64 keeps rdi and rsi across calls, the other systems do not. */
	bool is_windows;
	struct cfi_rule cfa;
	struct cfi_rule ra;
	struct cfi_rule registers[REGISTERS_MAX];
};

/* Adds the rules of one row, which holds from address ROW on.  A rule of a higher row stays.
 * ERR_CORRUPT: the text is none. */
err_t cfi_add(struct cfi_rules *rules, uint64_t row, struct slice text) ERR_CHECK;

/* Fills unwind->caller and sets the way to UNWIND_CFI.  Registers without a rule keep the
 * callee's value where the processor's calling convention says so.  The expression ".undef"
 * means that the value is lost; for .ra that nothing called this: pc is 0 then.
 * ERR_NOTFOUND		there is no rule for .cfa or .ra
 * ERR_TRUNCATED	a register or memory that is needed is not there
 * ERR_CORRUPT		a broken expression */
err_t cfi_unwind(const struct cfi_rules *rules, struct unwind *unwind) ERR_CHECK;
