/* evidence.h - the cabinet that a machine would send for its report
 *
 * Named and laid out as Windows does it: a crash brings minidump.mdmp (memory.hdmp when it is
 * large), WERInternalMetadata.xml, AppCompat.txt and sysinfo.txt; a bugcheck its dump, sysdata.xml
 * and Version.txt; anything else its metadata and a trace.
 */
#pragma once

#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "report/report.h"
#include "werload/cabinet.h"

enum {
	EVIDENCE_HEAP_DUMP_BYTES = 8 * 1024 * 1024, /* from here on it is a heap dump */
	EVIDENCE_LEAST_BYTES = 24 * 1024            /* any report's cabinet fits into this */
};

struct evidence {
	struct cabinet cabinet;
	struct buf texts; /* what the members point into */
};

/* A cabinet of exactly TOTAL_BYTES.  ERR_LIMIT: too small for its members, or over
 * CABINET_MAX_BYTES. */
err_t evidence_init(struct evidence *evidence, const struct report *report, uint64_t seed,
		    uint64_t total_bytes) ERR_CHECK;
void evidence_done(struct evidence *evidence); /* accepts a zeroed one */
