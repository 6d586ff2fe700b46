/* context.h - the registers of a thread, out of the record that its dump has of them
 *
 * Records of Windows (CONTEXT of winnt.h) and of Breakpad, which uses Windows' layouts but for the
 * old one of arm64.  A record may be longer than its layout (XSAVE state follows).  One that is
 * too short, or whose flags name another processor, is refused; the dump is not: the caller
 * leaves the registers unknown.  Pure.
 */
#pragma once

#include "base/err.h"
#include "base/slice.h"
#include "symbols/registers.h"

enum context_kind {
	CONTEXT_NONE,
	CONTEXT_X86,
	CONTEXT_AMD64,
	CONTEXT_ARM, /* also Windows' longer one, which begins the same */
	CONTEXT_ARM64,
	CONTEXT_ARM64_OLD, /* Breakpad's, of architecture 0x8003 */
	CONTEXT_KIND_N
};

/* A field of the record, little-endian; those over 8 bytes are arrays of bytes. */
struct context_field {
	const char *name; /* of winnt.h in lower case: "eip", "dr0", "float_save.control_word" */
	uint16_t offset;
	uint16_t bytes;
	int8_t index; /* in struct registers; -1: not there */
};

/* Which layout RAW has.  ARCH_UNKNOWN: told from its flags and length.  CONTEXT_NONE: none. */
enum context_kind context_kind(enum arch arch, struct slice raw);
enum arch context_arch(enum context_kind kind);
size_t context_bytes(enum context_kind kind); /* the least that registers need */

/* Registers of the groups that the record's flags name; all of them when it names none.
 * ERR_TRUNCATED	too short, nothing is known
 * ERR_UNSUPPORTED	CONTEXT_NONE */
err_t
context_parse(enum context_kind kind, struct slice raw, struct registers *ret_registers) ERR_CHECK;

/* All fields of a layout, general registers first, in the order of the record. */
const struct context_field *context_fields(enum context_kind kind, size_t *ret_n);
/* The bytes of a field; absent when the record is too short to have it. */
struct slice context_field_bytes(const struct context_field *field, struct slice raw);

/* amd64: the shadow stack pointer of CET (SSP), in the XSAVE area that CONTEXT_EX points to.
 * False: the record has none, or shadow stacks are off. */
bool context_shadow_stack(enum context_kind kind, struct slice raw, uint64_t *ret_pointer);
