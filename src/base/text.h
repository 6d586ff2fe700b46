/* text.h - encodings and patterns
 *
 * What leaves this module as text is valid UTF-8.  Nothing here fails on strange content: a
 * broken sequence becomes U+FFFD and is counted, so that the caller can flag it.
 */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "base/slice.h"

enum text_encoding {
	TEXT_UTF8,
	TEXT_UTF16LE,
	TEXT_UTF16BE,
	TEXT_ENCODING_N
};

/* By byte order mark, else by where the zero bytes of the first two characters are, else
 * UTF-8.  *ret_bom_bytes: 0, 2 or 3.  What an XML declaration claims is not asked. */
enum text_encoding text_detect(struct slice in, size_t *ret_bom_bytes);

/* Appends IN as UTF-8.  Returns how many broken sequences became U+FFFD. */
size_t text_to_utf8(struct slice in, enum text_encoding encoding, struct buf *out);
/* Appends UTF-8 as UTF-16 of the byte order; invalid bytes become U+FFFD. */
void text_to_utf16(struct slice utf8, enum text_encoding encoding, struct buf *out);
bool text_is_utf8(struct slice in);
bool text_is_ascii(struct slice in);
/* Appends UTF-8 as Windows code page 1252; false (nothing useful appended) when a character
 * has no place in it. */
bool text_to_cp1252(struct slice utf8, struct buf *out);
/* Appends IN with ASCII control characters (and DEL) as \xHH and backslashes doubled. */
void text_escape(struct slice in, struct buf *out);
/* Appends lower-case; ASCII only, other characters stay as they are. */
void text_fold(struct slice in, struct buf *out);
void text_hex(struct slice in, struct buf *out); /* lower-case hex digits */
/* Hex digits (any case) to bytes; false when the length is odd or a digit is none. */
bool text_from_hex(struct slice in, struct buf *out);
/* '*' any run, '?' one character; ASCII case folds.  Linear in len(pattern) x len(in) at worst. */
bool text_matches(struct slice pattern, struct slice in);
bool text_has_wildcard(struct slice pattern);
