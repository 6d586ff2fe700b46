/* report_folder.h - a folder of ReportArchive or ReportQueue: what its name says, and what is in it
 *
 * The name, Windows 8 and later:  <prefix>_<P1, 16 characters>_<hash>_<app>_<unique>
 *           Windows 7:            <prefix>_<P1, 16 characters>_<hash>_<unique>
 * with `_cab` before the last part while a cabinet is attached.  The hash is SHA-1 over the
 * UTF-16LE of all parameters one behind the other, its bytes printed in hex without leading zeros,
 * so that it has 20 to 40 digits.  `app` is the same for all reports of one image; what it is made
 * of is not known. A name of another form is no error: it is kept.
 */
#pragma once

#include "base/buf.h"
#include "report/file_kind.h"
#include "report/wer_file.h"

/* What the prefix says, which is WER_REPORT_TYPE nearly always. */
enum report_folder_kind {
	REPORT_FOLDER_OTHER,
	REPORT_FOLDER_CRASH,
	REPORT_FOLDER_HANG,
	REPORT_FOLDER_CRITICAL,
	REPORT_FOLDER_NON_CRITICAL,
	REPORT_FOLDER_KERNEL,
	REPORT_FOLDER_KIND_N
};

struct report_folder {
	bool is_known; /* false: NAME is all there is */
	struct slice name;
	enum report_folder_kind kind;
	struct slice prefix;
	struct slice param; /* P1, cut */
	struct slice hash;
	struct slice app;    /* absent: Windows 7 */
	struct slice unique; /* 8 hex digits or a GUID */
	bool has_cab;
};

/* NAME may have folders before it.  Slices point into NAME. */
void report_folder_parse(struct slice name, struct report_folder *ret_folder);
/* Appends the hash that the folder of REPORT has. */
void report_folder_hash(const struct report *report, struct buf *out);
/* The first 16 characters (of UTF-16, so that a pair is two) of P1.  What stands in a name in place
 * of characters that no name may have is not known. */
struct slice report_folder_param(const struct report *report);
const char *report_folder_kind_name(enum report_folder_kind kind); /* "crash" */

struct report_folder_file {
	struct slice name;
	struct slice bytes; /* the content, or its beginning: FILE_KIND_BYTES, a Report.wer whole */
	uint64_t size_bytes;
};

struct report_folder_member {
	struct slice name;
	uint64_t size_bytes;
	enum file_kind kind;
	struct slice cab_name; /* File[n].CabName, when that is this file */
};

struct report_folder_view {
	struct report_folder folder;
	bool has_report;    /* a Report.wer, readable, with an event type */
	err_t report_error; /* why one that is there could not be read; OK otherwise */
	struct wer_file file;
	struct report report;
	bool is_hash_equal; /* the folder's hash is that of the report; false without either */
	struct report_folder_member *members; /* in the order that was given */
	size_t n_members;
	struct slice *missing; /* CabName, else Path, of a File[n] that is not in the folder */
	size_t n_missing;
};

/* Pure: the files have been read.  Everything lives in ARENA or points into the input.  ERR_LIMIT:
 * more than LIMIT_FOLDER_FILES, or ARENA is full.  A Report.wer that cannot be read is no error. */
err_t
report_folder_describe(struct slice name, const struct report_folder_file *files, size_t n_files,
		       struct arena *arena, struct report_folder_view *ret_view) ERR_CHECK;
void report_folder_put_json(const struct report_folder_view *view, struct json *object);
