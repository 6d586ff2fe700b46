/* breakpad_record.h - one line of a Breakpad symbol file, read and written
 *
 * The format is Breakpad's docs/symbol_files.md.  A text is a sequence of lines ended by LF or
 * CRLF, the last one perhaps by nothing.  Names are the rest of their line and may hold anything.
 * Words that are none of the format's own make a BREAKPAD_OTHER: later versions may add some.
 * Refuses a line whose first word is known and whose fields are not as they must be.  Pure.
 */
#pragma once

#include "base/buf.h"
#include "symbols/frame_data.h"

enum breakpad_kind {
	BREAKPAD_BLANK,
	BREAKPAD_OTHER,
	BREAKPAD_MODULE,
	BREAKPAD_INFO,
	BREAKPAD_FILE,
	BREAKPAD_INLINE_ORIGIN,
	BREAKPAD_FUNC,
	BREAKPAD_INLINE,
	BREAKPAD_LINE,
	BREAKPAD_PUBLIC,
	BREAKPAD_CFI_INIT,
	BREAKPAD_CFI,
	BREAKPAD_WIN,
	BREAKPAD_KIND_N
};

/* What each kind uses; the others stay 0.  Texts point into the line. */
struct breakpad_record {
	enum breakpad_kind kind;
	/* FUNC, PUBLIC, FILE, INLINE_ORIGIN, MODULE: the name; INFO: what follows the key; CFI: the
	 * rules; INLINE: its ranges, for breakpad_take_range; OTHER: the line. */
	struct slice text;
	uint64_t rva;
	uint64_t bytes;
	uint64_t param_bytes; /* FUNC, PUBLIC */
	bool is_multiple;     /* FUNC, PUBLIC: one address of several names */
	/* FILE: its number; INLINE_ORIGIN: likewise; INLINE: the number of its origin. */
	uint64_t id;
	int64_t file;  /* LINE, INLINE (of the call), the old INLINE_ORIGIN */
	bool has_file; /* false: the old INLINE and the new INLINE_ORIGIN have none */
	uint64_t line; /* LINE, INLINE (of the call) */
	uint64_t depth;
	struct slice os, arch, debug_id; /* MODULE */
	struct slice key;                /* INFO */
	uint8_t win_type;                /* WIN: 0 FPO, 4 frame data, others have no use */
	uint32_t epilog_bytes;
	struct frame_data win;
};

/* Cuts the first line off *TEXT, without its end.  False: there is no more. */
bool breakpad_take_line(struct slice *text, struct slice *ret_line);

/* On ERR_CORRUPT *ret_why says what is wrong, for people. */
err_t breakpad_record_parse(struct slice line, struct breakpad_record *ret_record,
			    const char **ret_why) ERR_CHECK;
/* Appends the line and LF. */
void breakpad_record_format(const struct breakpad_record *record, struct buf *out);

/* Cuts the first address range off an INLINE's text.  False: there is no more, or it is broken. */
bool breakpad_take_range(struct slice *ranges, uint64_t *ret_rva, uint64_t *ret_bytes);
