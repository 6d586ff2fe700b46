/* scratch.h - a folder for one test, gone after it */
#pragma once

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
	SCRATCH_PATH_BYTES = 64
};

static inline void
scratch_make(char folder[SCRATCH_PATH_BYTES])
{
	(void)snprintf(folder, SCRATCH_PATH_BYTES, "/tmp/openwer-test-XXXXXX");
	if (mkdtemp(folder) == NULL)
		abort();
}

static inline int
scratch_remove_one(const char *path, const struct stat *st, int kind, struct FTW *where)
{
	(void)st;
	(void)kind;
	(void)where;
	return remove(path);
}

static inline void
scratch_remove(const char *folder)
{
	(void)nftw(folder, scratch_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}
