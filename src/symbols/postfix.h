/* postfix.h - the small stack language of Breakpad's CFI rules and of FrameData programs
 *
 * Words are separated by blanks: numbers (decimal, may be negative), names, and the operators
 * + - * / % (on unsigned words of the machine), @ (the first operand rounded down to a multiple
 * of the second, a power of two), ^ (the word in memory at the address), and, in programs only,
 * = (gives the second operand's value to the name that stands before it).
 * Time is linear in the text; the stack is POSTFIX_DEPTH_MAX deep.
 */
#pragma once

#include "base/err.h"
#include "base/slice.h"
#include "symbols/memory.h"

enum {
	POSTFIX_DEPTH_MAX = 32 /* seen: 6 */
};

struct postfix {
	const struct memory *memory;
	unsigned pointer_bytes; /* 4 or 8: of words in memory and of the arithmetic */
	/* The value of NAME.  False: it has none. */
	bool (*find)(const void *context, struct slice name, uint64_t *ret_value);
	/* NULL: `=` is refused.  False: NAME may not be set. */
	bool (*set)(void *context, struct slice name, uint64_t value);
	void *context;
};

/* TEXT must leave exactly one value.
 * ERR_TRUNCATED	a name without a value, or memory that is not there
 * ERR_CORRUPT		the text is none of this language */
err_t
postfix_value(const struct postfix *machine, struct slice text, uint64_t *ret_value) ERR_CHECK;
/* TEXT is a list of assignments and must leave nothing.  Assignments before an error stand. */
err_t postfix_run(const struct postfix *machine, struct slice text) ERR_CHECK;
/* Cuts the first word of *TEXT off, without blanks; absent: there is no more. */
struct slice postfix_word(struct slice *text);
