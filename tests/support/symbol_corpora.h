/* symbol_corpora.h - files of real test data, where they are; a skip line where they are not */
#pragma once

#include <stdio.h>
#include <stdlib.h>

#include "base/fs.h"

enum {
	SYMBOL_CORPORA_PATH_BYTES = 4096,
	SYMBOL_CORPORA_FILE_BYTES = 64 * 1024 * 1024
};

/* The path of NAME below the folder of real test data. */
static inline const char *
symbol_corpora_path(const char *name, char path[SYMBOL_CORPORA_PATH_BYTES])
{
	const char *folder = getenv("OPENWER_CORPORA");
	const char *source = getenv("OPENWER_SOURCE");
	if (folder != NULL)
		(void)snprintf(path, SYMBOL_CORPORA_PATH_BYTES, "%s/%s", folder, name);
	else
		(void)snprintf(path, SYMBOL_CORPORA_PATH_BYTES, "%s/../shared/corpora/%s",
			       source == NULL ? "." : source, name);
	return path;
}

/* False, with a skip line, when the file is not there.  OUT must be done with buf_done. */
static inline bool
symbol_corpora_read(const char *name, struct buf *out)
{
	char path[SYMBOL_CORPORA_PATH_BYTES];
	struct err_detail detail = {.why = ""};
	if (fs_read_file(symbol_corpora_path(name, path), SYMBOL_CORPORA_FILE_BYTES, out,
			 &detail) == OK)
		return true;
	(void)printf("skip: %s (no corpora)\n", name);
	return false;
}
