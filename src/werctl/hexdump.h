/* hexdump.h - bytes for people's eyes, control characters visible and harmless */
#pragma once

#include "base/buf.h"
#include "base/slice.h"

/* Appends lines of 16 bytes: offset, hex digits, characters.  Control characters show as their
 * pictures (U+2400 and on), bytes past ASCII as a middle dot. */
void hexdump(struct slice bytes, struct buf *out);
