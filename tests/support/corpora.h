/* corpora.h - real test data that is not part of the repository: where it is, if it is there */
#pragma once

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
	CORPORA_PATH_BYTES = 4096
};

/* Where NAME would be in the corpora; in PATH. */
static inline const char *
corpora_place(const char *name, char path[CORPORA_PATH_BYTES])
{
	const char *source = getenv("OPENWER_SOURCE");
	const char *corpora = getenv("OPENWER_CORPORA");
	if (corpora != NULL)
		(void)snprintf(path, CORPORA_PATH_BYTES, "%s/%s", corpora, name);
	else
		(void)snprintf(path, CORPORA_PATH_BYTES, "%s/../shared/corpora/%s",
			       source == NULL ? "." : source, name);
	return path;
}

/* The same; false, and a line that says so, when it is not there. */
static inline bool
corpora_find(const char *name, char path[CORPORA_PATH_BYTES])
{
	if (access(corpora_place(name, path), R_OK) == 0)
		return true;
	(void)printf("skip: %s (no corpora)\n", name);
	return false;
}
