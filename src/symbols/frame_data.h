/* frame_data.h - how a 32-bit x86 function laid out its frame, as Microsoft's tools record it
 *
 * Two kinds share one structure: FPO_DATA (sizes alone) and FrameData (sizes and a program in
 * postfix notation).  Breakpad's STACK WIN lines carry both; the PDB reader fills the same
 * structure from its streams.  Pure.  Refuses programs that underflow or overflow their stack,
 * divide by zero, or do not set $eip and $esp.
 */
#pragma once

#include "symbols/symbols.h"

struct frame_data {
	uint64_t rva; /* where the code begins for which this holds */
	uint32_t code_bytes;
	uint32_t prolog_bytes;
	uint32_t param_bytes; /* pushed by the caller, removed when this function returns */
	uint32_t saved_register_bytes;
	uint32_t local_bytes;
	uint32_t max_stack_bytes;
	struct slice program;   /* FrameData's; absent: an FPO record */
	bool uses_base_pointer; /* FPO: ebp is an ordinary register here, and saved on the stack */
};

/* Fills the caller's registers and param_bytes, and sets the way to UNWIND_FRAME_DATA.
 * ebp that the record does not speak of keeps the callee's value; ebx, esi and edi do when the
 * function saved no registers, else they are lost.
 * ERR_UNSUPPORTED	not an x86 frame
 * ERR_TRUNCATED	a register or memory that is needed is not there
 * ERR_CORRUPT		a broken program */
err_t frame_data_unwind(const struct frame_data *data, struct unwind *unwind) ERR_CHECK;
