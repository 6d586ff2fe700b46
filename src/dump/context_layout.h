/* context_layout.h - where registers lie in the context records of Windows and Breakpad
 *
 * CONTEXT of winnt.h for x86, amd64 and arm64; for arm Breakpad's record, whose general registers
 * lie where those of Windows do.  One table serves the reading of kernel dumps and the writing of
 * minidumps, so that what is written is read back.  Floating point and debug registers are neither
 * read nor written.
 */
#pragma once

#include "base/err.h"
#include "symbols/registers.h"

enum {
	CONTEXT_BYTES_X86 = 0x2cc,
	CONTEXT_BYTES_AMD64 = 0x4d0,
	CONTEXT_BYTES_ARM = 0x170,
	CONTEXT_BYTES_ARM64 = 0x390,
	CONTEXT_BYTES_MAX = CONTEXT_BYTES_AMD64
};

/* Of the record that is written; 0: arch unknown. */
size_t context_layout_bytes(enum arch arch);

/* Reads the registers that the record's flags say are in it.
 * ERR_UNSUPPORTED	arch unknown
 * ERR_TRUNCATED	shorter than the record's general registers
 * ERR_CORRUPT		the flags name another processor, or no set of registers */
err_t
context_layout_read(enum arch arch, struct slice raw, struct registers *ret_registers) ERR_CHECK;

/* Fills OUT, which has context_layout_bytes, from what is known; the rest is zero.  A set of
 * registers is flagged only when all of it that unwinding needs is known. */
void context_layout_write(const struct registers *registers, uint8_t *out);
