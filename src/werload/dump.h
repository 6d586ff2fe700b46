/* dump.h - the start of a crash dump that fits a report; its memory follows as filler
 *
 * Enough of the formats that any reader of them finds what the report says: program, module,
 * code, address.  What the memory holds means nothing.  Offsets count from the start of OUT, which
 * must be empty.
 */
#pragma once

#include <stdint.h>

#include "base/buf.h"
#include "report/report.h"

/* A minidump with one thread, five modules and MEMORY_BYTES of memory, of which the first 16 KiB
 * are the thread's stack. */
void
dump_minidump(const struct report *report, uint64_t seed, uint64_t memory_bytes, struct buf *out);
/* The header page of a 64-bit kernel triage dump with the bugcheck and its parameters. */
void dump_kernel(const struct report *report, uint64_t seed, struct buf *out);
