/* normalize_scan.h - one walk over a readable name; for normalize.c alone */
#pragma once

#include "base/buf.h"
#include "base/slice.h"

/* Appends the qualified name in IN, with templates as <T>, and nothing of return types,
 * arguments and qualifiers.  Reads forward only; no bracket needs a partner. */
void normalize_scan(struct slice in, struct buf *out);
