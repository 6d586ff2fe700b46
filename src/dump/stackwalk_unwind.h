/* stackwalk_unwind.h - from one frame to its caller; for stackwalk.c alone */
#pragma once

#include "dump/stackwalk.h"

/* The frame that the walk stands in. */
struct unwinding {
	const struct stackwalk *walk;
	struct registers registers;
	bool is_innermost;    /* or interrupted: its pc is an instruction, not a return address */
	uint32_t param_bytes; /* x86: parameters of the frame called from here */
};

enum unwind_step {
	UNWIND_STEP_CALLER,
	UNWIND_STEP_DONE,    /* nothing called this frame */
	UNWIND_STEP_LOOP,    /* the caller would not lie above this frame */
	UNWIND_STEP_NOTHING, /* no way leads on */
};

/* On UNWIND_STEP_CALLER *u is the caller, and *ret_trust how it was found. */
enum unwind_step unwind_caller(struct unwinding *u, enum frame_trust *ret_trust);

/* Could ADDRESS be behind a call: is it in a module, and, where symbols of it are there, in a
 * function that they name? */
bool stackwalk_is_code(const struct stackwalk *walk, uint64_t address);
/* The symbols of the module that holds ADDRESS; NULL: none. */
const struct symbols_set *
stackwalk_symbols_at(const struct stackwalk *walk, uint64_t address, uint64_t *ret_base);
