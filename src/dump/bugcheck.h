/* bugcheck.h - what a bug check says, in words
 *
 * A bug check has a code and four parameters, whose meaning depends on the code.  Known here are
 * those that machines report most.  Names of codes are in report/code.h.
 */
#pragma once

#include "base/buf.h"
#include "dump/dump.h"

/* A triage dump stores some codes with this bit: 0x1000007e is 0x7e of which only a small dump
 * was written ("M"). */
#define BUGCHECK_SMALL_DUMP UINT32_C(0x10000000)

/* Which parameters are addresses of what tells where it went wrong; -1: none. */
struct bugcheck_places {
	int record;     /* EXCEPTION_RECORD */
	int context;    /* CONTEXT */
	int trap_frame; /* KTRAP_FRAME */
	int code;       /* no address: the exception code itself */
	int address;    /* the instruction itself */
	int memory;     /* what it used */
	int access;     /* and how: see bugcheck_access */
};

uint32_t bugcheck_number(uint32_t code); /* without the bit of small dumps, where it is that */
struct bugcheck_places bugcheck_places(uint32_t code);

/* As EXCEPTION_RECORD says it: 0 read, 1 write, 8 execute.  False: the bug check does not tell. */
bool bugcheck_access(const struct dump_bugcheck *bugcheck, uint64_t *ret_access);

/* "SYSTEM_THREAD_EXCEPTION_NOT_HANDLED_M (0x1000007e: 0x7e of which a small dump was written)". */
void bugcheck_describe(uint32_t code, struct buf *out);
/* What parameter INDEX (0 to 3) of CODE means; NULL: nothing, or not known here. */
const char *bugcheck_parameter(uint32_t code, unsigned index);
/* One parameter as a line without its end: "0xffffffffc0000005  exception code:
 * STATUS_ACCESS_VIOLATION".  The number alone where nothing is known. */
void
bugcheck_describe_parameter(const struct dump_bugcheck *bugcheck, unsigned index, struct buf *out);
