/* report_files.h - what the tests of src/report's files share: encodings, JSON as lines, corpora */
#pragma once

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/limits.h"
#include "report/text_file.h"

enum {
	FILES_PATH_BYTES = 4096,
	FILES_BYTES_MAX = 4 * LIMIT_TEXT_FILE_BYTES,
	FILES_FORMS = 6
};

/* Each encoding with and without byte order mark. */
static inline const char *
files_encode(struct slice utf8, unsigned form, struct buf *out)
{
	static const char *const names[FILES_FORMS] = {
		"UTF-8",    "UTF-8 with byte order mark",
		"UTF-16LE", "UTF-16LE with byte order mark",
		"UTF-16BE", "UTF-16BE with byte order mark",
	};
	text_file_encode(utf8, form / 2, form % 2 == 1, out);
	return names[form];
}

/* Appends JSON with a line for each member and item, so that it can be read and compared.  Of texts
 * with CRLF the CR is left out. */
static inline void
files_pretty(struct slice json, struct buf *out)
{
	size_t depth = 0;
	for (size_t i = 0; i < json.len; i++) {
		uint8_t c = json.data[i];
		bool is_empty =
			i + 1 < json.len && (json.data[i + 1] == ']' || json.data[i + 1] == '}');
		if (c == '"') {
			do {
				size_t len = json.data[i] == '\\' ? 2 : 1;
				if (len != 2 || json.data[i + 1] != 'r')
					buf_append(out, slice_sub(json, i, len));
				i += len;
			} while (json.data[i] != '"');
		}
		bool is_end = (c == ']' || c == '}') && json.data[i - 1] != '[' &&
			      json.data[i - 1] != '{';
		if (c == ']' || c == '}')
			depth--;
		if (is_end)
			buf_printf(out, "\n%*s", (int)depth, "");
		buf_append_byte(out, json.data[i]);
		if (c == '[' || c == '{')
			depth++;
		if (c == ',' || ((c == '[' || c == '{') && !is_empty))
			buf_printf(out, "\n%*s", (int)depth, "");
	}
}

/* What PUT writes of THING, pretty.  OUT is made here. */
#define FILES_JSON(put, thing, out)                                                                \
	do {                                                                                       \
		struct json *object_ = json_new_object();                                          \
		put(thing, object_);                                                               \
		files_print(object_, out);                                                         \
	} while (false)

/* Takes OBJECT. */
static inline void
files_print(struct json *object, struct buf *out)
{
	struct buf line;
	buf_init(&line, FILES_BYTES_MAX);
	buf_init(out, FILES_BYTES_MAX);
	json_format_line(object, false, &line);
	files_pretty(buf_slice(&line), out);
	buf_append_byte(out, '\0');
	out->len--;
	buf_done(&line);
	json_free(object);
}

static inline void
files_assert_has(const struct buf *json, const char *part)
{
	if (strstr((const char *)json->data, part) == NULL)
		fail_msg("no %s in\n%s", part, (const char *)json->data);
}

static inline const char *
files_source(void)
{
	const char *folder = getenv("OPENWER_SOURCE");
	return folder == NULL ? "." : folder;
}

/* False, and a line that says so: the corpora are not here. */
static inline bool
files_find_corpus(const char *name, char path[FILES_PATH_BYTES])
{
	const char *corpora = getenv("OPENWER_CORPORA");
	if (corpora != NULL)
		(void)snprintf(path, FILES_PATH_BYTES, "%s/%s", corpora, name);
	else
		(void)snprintf(path, FILES_PATH_BYTES, "%s/../shared/corpora/%s", files_source(),
			       name);
	if (access(path, R_OK) == 0)
		return true;
	print_message("skip: %s (no corpora)\n", name);
	return false;
}

/* Reads FOLDER/NAME.  False: there is none. */
static inline bool
files_read(const char *folder, const char *name, struct buf *out)
{
	char path[2 * FILES_PATH_BYTES];
	struct err_detail detail;
	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	buf_init(out, FILES_BYTES_MAX);
	if (access(path, R_OK) != 0)
		return false;
	if (fs_read_file(path, FILES_BYTES_MAX, out, &detail) != OK)
		fail_msg("%s", detail.why);
	return true;
}
