/* level1_text.h - a level-1 body as UTF-8, and the way back for an offset
 *
 * Finds the encoding, undoes it, and takes off what clients put round a document: a byte order
 * mark, blanks, the NUL that ended their string, half a UTF-16 character.  Refuses nothing.
 */
#pragma once

#include "base/text.h"

struct level1_text {
	struct slice utf8; /* the document, in the buffer that was given */
	bool is_broken;    /* something was no valid text, and became U+FFFD or was left out */
	enum text_encoding encoding;
	size_t bom_bytes;
	size_t leading_bytes; /* blanks taken off the front, in UTF-8 */
};

/* BUF is emptied first; its error is set when BODY does not fit. */
void level1_text_decode(struct slice body, struct buf *buf, struct level1_text *ret_text);
/* Where in BODY the character is that stands at UTF8_OFFSET of the document.  Walks over BODY:
 * for the error path only. */
uint64_t
level1_text_offset(const struct level1_text *text, struct slice body, uint64_t utf8_offset);
