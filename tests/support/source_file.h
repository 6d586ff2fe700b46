/* source_file.h - files of the repository that a test compares with: manuals, examples */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/limits.h"

/* NAME from the top of the repository.  Must be freed. */
static inline char *
read_source_file(const char *name)
{
	char path[4096];
	struct err_detail detail = {.why = ""};
	struct buf text;
	const char *source = getenv("OPENWER_SOURCE");
	(void)snprintf(path, sizeof(path), "%s/%s", source == NULL ? "." : source, name);
	if (fs_read_file(path, LIMIT_YAML_BYTES, &text, &detail) != OK)
		fail_msg("%s", detail.why);
	buf_append_byte(&text, '\0');
	char *copy = strdup((const char *)text.data);
	buf_done(&text);
	assert_non_null(copy);
	return copy;
}
