/* image_corpora.h - real data that others published: looked for, never committed */
#pragma once

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
	CORPORA_PATH_BYTES = 4096
};

/* The path of NAME in the folder.  False, with a line that says so: it is not there. */
static inline bool
corpora_path(const char *name, char path[CORPORA_PATH_BYTES])
{
	const char *corpora = getenv("OPENWER_CORPORA");
	const char *source = getenv("OPENWER_SOURCE");
	if (corpora != NULL)
		(void)snprintf(path, CORPORA_PATH_BYTES, "%s/%s", corpora, name);
	else
		(void)snprintf(path, CORPORA_PATH_BYTES, "%s/../shared/corpora/%s",
			       source == NULL ? "." : source, name);
	if (access(path, R_OK) == 0)
		return true;
	(void)printf("skip: %s (no corpora)\n", name);
	return false;
}
