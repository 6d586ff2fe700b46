/* dump_corpora.h - real dumps, where this machine has them
 *
 * In $OPENWER_CORPORA, else beside the repository; never committed.  Without them a test prints
 * one line that it skips.  Include after cmocka.h.
 */
#pragma once

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fs.h"

enum {
	CORPORA_FILE_BYTES = 64 * 1024 * 1024,
	CORPORA_FILES_MOST = 256
};

/* NULL: none. */
static inline const char *
corpora_folder(void)
{
	static char path[4096];
	const char *told = getenv("OPENWER_CORPORA");
	const char *source = getenv("OPENWER_SOURCE");
	if (told != NULL)
		(void)snprintf(path, sizeof(path), "%s", told);
	else
		(void)snprintf(path, sizeof(path), "%s/../shared/corpora",
			       source == NULL ? "." : source);
	return access(path, R_OK) == 0 ? path : NULL;
}

/* False, and a line, when NAME is not there. */
static inline bool
corpora_read(const char *name, struct buf *out)
{
	char path[8192];
	struct err_detail detail = {.why = ""};
	const char *folder = corpora_folder();
	(void)snprintf(path, sizeof(path), "%s/%s", folder == NULL ? "" : folder, name);
	if (folder == NULL || access(path, R_OK) != 0) {
		(void)printf("skip: %s (no corpora)\n", name);
		return false;
	}
	if (fs_read_file(path, CORPORA_FILE_BYTES, out, &detail) != OK)
		fail_msg("%s", detail.why);
	return true;
}

struct corpora_list {
	char *names[CORPORA_FILES_MOST]; /* whole paths */
	size_t n;
};

static struct corpora_list corpora_found;

static inline int
corpora_visit(const char *path, const struct stat *info, int kind, struct FTW *where)
{
	size_t len = strlen(path);
	(void)info;
	(void)where;
	bool is_dump = len > 4 && (strcmp(path + len - 4, ".dmp") == 0 ||
				   (len > 5 && strcmp(path + len - 5, ".mdmp") == 0));
	if (kind == FTW_F && is_dump && corpora_found.n < CORPORA_FILES_MOST)
		corpora_found.names[corpora_found.n++] = strdup(path);
	return 0;
}

/* All dumps that are there; to be freed by corpora_list_done. */
static inline const struct corpora_list *
corpora_dumps(void)
{
	const char *folder = corpora_folder();
	corpora_found.n = 0;
	if (folder == NULL)
		(void)printf("skip: all dumps (no corpora)\n");
	else if (nftw(folder, corpora_visit, 16, FTW_PHYS) != 0)
		fail_msg("cannot walk %s", folder);
	return &corpora_found;
}

static inline void
corpora_list_done(void)
{
	for (size_t i = 0; i < corpora_found.n; i++)
		free(corpora_found.names[i]);
	corpora_found.n = 0;
}
