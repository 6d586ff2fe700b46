/* text_file.h - a text file as Windows wrote it, made UTF-8, and cut into lines
 *
 * Files of cabinets and report folders are UTF-16 with or without byte order mark, of either byte
 * order, or UTF-8; lines end by CRLF or LF.  Strange content is no error: a broken sequence becomes
 * U+FFFD and is flagged.  Refuses only what is too large.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/text.h"
#include "ext/json.h"

struct text_file {
	struct slice utf8; /* without byte order mark and NULs at the end; never absent */
	enum text_encoding encoding;
	bool has_mark;  /* a byte order mark */
	bool is_broken; /* something was no valid text */
};

/* The text lives in ARENA.  ERR_LIMIT: over LIMIT_TEXT_FILE_BYTES, or ARENA is full. */
err_t text_file_decode(struct slice in, struct arena *arena, struct text_file *ret_text) ERR_CHECK;
/* Appends UTF-8 in the encoding, with a byte order mark when HAS_MARK. */
void
text_file_encode(struct slice utf8, enum text_encoding encoding, bool has_mark, struct buf *out);
/* Takes the first line off *rest, without its end (LF or CRLF).  False: nothing is left. */
bool text_file_line(struct slice *rest, struct slice *ret_line);
/* "UTF-16LE" */
const char *text_file_encoding_name(enum text_encoding encoding);
/* "encoding", "has_byte_order_mark", "has_broken_text". */
void text_file_put_json(const struct text_file *text, struct json *object);
/* "text", and "text_bytes" when only the first LIMIT_TEXT_FILE_SHOWN_BYTES of that many are in it.
 */
void text_file_put_text(struct slice utf8, struct json *object);
