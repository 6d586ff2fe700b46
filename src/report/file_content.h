/* file_content.h - one file of a cabinet or report folder, read by the reader of its kind
 *
 * For whoever has a name and bytes and wants the facts.  A file that its reader refuses, and text
 * of no known kind, is read as plain text; what is no text (dumps, programs) is not read here.
 */
#pragma once

#include "report/appcompat.h"
#include "report/file_kind.h"
#include "report/loaded_modules.h"
#include "report/plain_text.h"
#include "report/process_list.h"
#include "report/registry_result.h"
#include "report/sysdata.h"
#include "report/wer_file.h"
#include "report/wer_metadata.h"

struct file_content {
	enum file_kind kind; /* as detected */
	enum file_kind form; /* which member below is filled; FILE_UNKNOWN: none */
	err_t error; /* of the kind's own reader; then `form` is FILE_TEXT or FILE_UNKNOWN */
	struct err_detail detail;
	union {
		struct wer_file report_wer;       /* FILE_REPORT_WER */
		struct wer_metadata metadata;     /* FILE_METADATA */
		struct appcompat appcompat;       /* FILE_APPCOMPAT */
		struct process_list process_list; /* FILE_PROCESS_LIST */
		struct sysdata sysdata;           /* FILE_SYSDATA */
		struct loaded_modules modules;    /* FILE_LOADED_MODULES */
		struct registry_result registry;  /* FILE_REGISTRY */
		struct plain_text text;           /* FILE_TEXT */
	};
};

/* Everything lives in ARENA; LIMIT_TEXT_FILE_ARENA_BYTES is enough for one file.  PARSER is used
 * for this call.  Never fails: see `error`. */
void file_content_parse(struct xml_parser *parser, struct slice name, struct slice bytes,
			struct arena *arena, struct file_content *ret_content);
/* "kind", "about", "error", and the facts under "content" (null: not read). */
void file_content_put_json(const struct file_content *content, struct json *object);
