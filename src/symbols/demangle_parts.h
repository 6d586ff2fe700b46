/* demangle_parts.h - what the readers of the different manglings share; of demangle*.c alone */
#pragma once

#include "base/arena.h"
#include "base/limits.h"
#include "symbols/demangle.h"

/* Each appends to OUT, or returns false with OUT as it then is: the caller cuts it back. */
bool demangle_itanium(struct slice name, enum demangle_style style, struct buf *out);
bool demangle_rust_legacy(struct slice name, struct buf *out);
bool demangle_rust_v0(struct slice name, struct buf *out);
bool demangle_msvc(struct slice name, enum demangle_style style, struct buf *out);

/* RFC 3492: ASCII with what CODE adds, as UTF-8.  False: it is none, or too long. */
bool demangle_punycode(struct slice ascii, struct slice code, struct buf *out);
bool demangle_is_character(uint64_t c); /* a Unicode scalar value */
void demangle_put_character(struct buf *out, uint32_t c);
