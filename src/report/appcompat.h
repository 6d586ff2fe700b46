/* appcompat.h - AppCompat.txt: the images in a crashed program's folder
 *
 * XML of the form DATABASE / EXE NAME= FILTER= / MATCHING_FILE NAME= SIZE= ... FILE_ID=
 * PROGRAM_ID=, which Windows does not always close well: read leniently, see xml_records.h. FILE_ID
 * is "0000" and the image's SHA-1.  A file without this form is kept as a text.
 */
#pragma once

#include "report/text_file.h"
#include "report/xml_records.h"

struct appcompat_file {
	struct slice name;
	struct slice file_version; /* BIN_FILE_VERSION */
	struct slice program_id;
	struct slice file_id;
	struct slice sha1; /* 40 hex digits; absent: FILE_ID has none */
	bool has_size;
	uint64_t size_bytes;
	const struct xml_record *record; /* all attributes */
};

struct appcompat_exe {
	struct slice name;
	struct slice filter;
	struct appcompat_file *files;
	size_t n_files;
};

struct appcompat {
	bool is_known; /* false: TEXT is all there is */
	struct text_file text;
	struct appcompat_exe *exes;
	size_t n_exes;
	const struct xml_record *
		*other; /* records that are neither EXE nor MATCHING_FILE below one */
	size_t n_other;
	size_t n_broken; /* places that are no well-formed XML */
};

/* ERR_LIMIT: too large, or ARENA, in which everything lives, is full. */
err_t appcompat_parse(struct slice in, struct arena *arena, struct appcompat *ret) ERR_CHECK;
void appcompat_put_json(const struct appcompat *appcompat, struct json *object);
