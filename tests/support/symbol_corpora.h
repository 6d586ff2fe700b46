/* symbol_corpora.h - files of real test data, where they are; a skip line where they are not */
#pragma once

#include "base/fs.h"
#include "corpora.h"

enum {
	SYMBOL_CORPORA_FILE_BYTES = 64 * 1024 * 1024
};

/* False, with a skip line, when the file is not there.  OUT must be done with buf_done. */
static inline bool
symbol_corpora_read(const char *name, struct buf *out)
{
	char path[CORPORA_PATH_BYTES];
	struct err_detail detail = {.why = ""};
	if (fs_read_file(corpora_place(name, path), SYMBOL_CORPORA_FILE_BYTES, out, &detail) == OK)
		return true;
	(void)printf("skip: %s (no corpora)\n", name);
	return false;
}
