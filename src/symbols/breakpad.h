/* breakpad.h - Breakpad's symbol files (.sym): names, lines, inlined calls, unwind rules
 *
 * Opening makes one pass over the lines and keeps an index of where functions, public names,
 * files, origins and unwind rules are; everything else is read when it is asked for.  The index
 * takes 20 bytes at most for each of these records, which are 9 bytes of text at least: a file
 * never costs more than some twice its size in memory, a usual one a tenth.
 *
 * Lenient: no MODULE line, any id, CRLF, no newline at the end, words of later versions, old and
 * new INLINE forms, functions that overlap (the nearest beginning before an address counts) or
 * have no size (never found).  Refuses, with the line's number: a record whose fields are not as
 * they must be, lines or inlined calls before any function, a text without any record.  Line
 * records, inlined calls and rules are checked when they are read: ERR_CORRUPT then.
 */
#pragma once

#include "symbols/breakpad_record.h"

struct breakpad_module {
	struct slice os;        /* as written: "windows", "Linux", "mac" ...; all absent: no line */
	struct slice arch;      /* "x86", "x86_64", "arm", "arm64" ... */
	struct slice debug_id;  /* usually 32 hex digits of a GUID and the age */
	struct slice name;      /* "app.pdb", "libc-2.13.so" */
	struct slice code_id;   /* of INFO CODE_ID; absent: none */
	struct slice code_name; /* "app.exe"; absent: none */
};

/* TEXT must outlive *ret_symbols.
 * ERR_CORRUPT, ERR_TRUNCATED	not such a file; detail->offset is where the line begins
 * ERR_LIMIT			larger than LIMIT_SYM_BYTES */
err_t
breakpad_open(struct slice text, struct symbols **ret_symbols, struct err_detail *detail) ERR_CHECK;

/* Does TEXT look like one?  From its first line alone. */
bool breakpad_detect(struct slice text);
/* What the lines before the first function say; reads no further. */
void breakpad_read_module(struct slice text, struct breakpad_module *ret_module);

/* How many records of each kind TEXT had, by enum breakpad_kind. */
void breakpad_count(const struct symbols *symbols, size_t ret_counts[BREAKPAD_KIND_N]);
/* Memory of the index. */
size_t breakpad_index_bytes(const struct symbols *symbols);
/* Appends the whole file in the form that breakpad_record_format gives.  ERR_CORRUPT: a record
 * that opening did not look into is broken.  ERR_LIMIT: the cap of OUT. */
err_t breakpad_format(const struct symbols *symbols, struct buf *out) ERR_CHECK;
