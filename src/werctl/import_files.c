/* Files and folders of level 1, as `export` and other collectors leave them. */
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fs.h"
#include "werctl/importer.h"

enum {
	IMPORT_DEPTH_MAX = 16, /* of folders: reports/ab/cd/<id> is 4 deep, date/id 2 */
	MAGIC_BYTES = 16
};

static bool
is_database(const char *path)
{
	static const char magic[] = "SQLite format 3"; /* its NUL belongs to it */
	char head[MAGIC_BYTES] = {0};
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	ssize_t got = read(fd, head, sizeof(head));
	(void)close(fd);
	return got == MAGIC_BYTES && memcmp(head, magic, MAGIC_BYTES) == 0;
}

/* PATH with its ending replaced by ".cab" when there is such a file; else NULL. */
static const char *
cab_beside(const char *path, char place[PATH_MAX])
{
	const char *dot = strrchr(path, '.');
	const char *slash = strrchr(path, '/');
	size_t stem =
		dot == NULL || (slash != NULL && dot < slash) ? strlen(path) : (size_t)(dot - path);
	int len = snprintf(place, PATH_MAX, "%.*s.cab", (int)stem, path);
	if (len < 0 || len >= PATH_MAX || access(place, F_OK) != 0)
		return NULL;
	if (access(place, R_OK) == 0)
		return place;
	werctl_complain("%s: %s; left out", place, strerror(errno));
	return NULL;
}

static err_t
read_body(struct werctl *w, const char *path, char whole[PATH_MAX], struct buf *ret_body)
{
	if (realpath(path, whole) == NULL)
		return err_set(&w->detail, err_from_errno(errno), "%s: %s", path, strerror(errno));
	return fs_read_file(whole, LIMIT_REPORT_BYTES, ret_body, &w->detail);
}

err_t
import_file(struct importer *importer, struct werctl *w, const char *path,
	    enum import_result *ret_result)
{
	char whole[PATH_MAX];
	char cab[PATH_MAX];
	struct buf body;
	if (read_body(w, path, whole, &body) != OK) {
		importer_refuse(importer);
		*ret_result = IMPORT_REFUSED;
		return OK;
	}
	const struct import_item item = {
		.body = buf_slice(&body),
		.origin = whole,
		.cab_path = cab_beside(whole, cab),
	};
	err_t err = importer_put(importer, &item, ret_result);
	buf_done(&body);
	return err;
}

/* ---- folders ---- */

static int
by_name(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

static bool
has_ending(const char *name, const char *ending)
{
	struct slice s = slice_str(name);
	size_t len = strlen(ending);
	return s.len > len && slice_equal_nocase(slice_sub(s, s.len - len, len), slice_str(ending));
}

static err_t
visit_file(struct importer *importer, struct werctl *w, const char *path, bool is_with_databases,
	   bool is_strict)
{
	enum import_result result = IMPORT_NOT_REPORT;
	if (has_ending(path, ".xml")) {
		err_t err = import_file(importer, w, path, &result);
		if (err == OK && result == IMPORT_REFUSED && is_strict) {
			werctl_complain("%s", w->detail.why);
			w->exit_status = err_exit_status(ERR_CORRUPT);
		}
		return err;
	}
	bool may_be_database = has_ending(path, ".sqlite") || has_ending(path, ".sqlite3") ||
			       has_ending(path, ".db");
	if (is_with_databases && may_be_database && is_database(path))
		return import_php(importer, w, path);
	return OK;
}

err_t
import_folder(struct importer *importer, struct werctl *w, const char *folder,
	      bool is_with_databases, bool is_strict)
{
	char place[PATH_MAX];
	char *roots[] = {place, NULL};
	err_t err = OK;
	(void)snprintf(place, sizeof(place), "%s", folder);
	/* Only FOLDER itself may be a link: a tree that came from elsewhere must not reach out. */
	FTS *walk = fts_open(roots, FTS_PHYSICAL | FTS_COMFOLLOW | FTS_NOCHDIR, by_name);
	if (walk == NULL)
		return err_set(&w->detail, err_from_errno(errno), "%s: %s", folder,
			       strerror(errno));
	for (FTSENT *entry; err == OK && (entry = fts_read(walk)) != NULL;) {
		if (entry->fts_info == FTS_D && entry->fts_level > IMPORT_DEPTH_MAX) {
			werctl_complain("%s: folders deeper than %d are left out", entry->fts_path,
					IMPORT_DEPTH_MAX);
			(void)fts_set(walk, entry, FTS_SKIP);
		} else if (entry->fts_info == FTS_DNR || entry->fts_info == FTS_ERR) {
			werctl_complain("%s: %s", entry->fts_path, strerror(entry->fts_errno));
			w->exit_status = err_exit_status(ERR_IO);
		} else if (entry->fts_info == FTS_F) {
			err = visit_file(importer, w, entry->fts_path, is_with_databases,
					 is_strict);
		}
	}
	(void)fts_close(walk);
	return err;
}

err_t
import_path(struct importer *importer, struct werctl *w, const char *path)
{
	enum import_result result;
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0) {
		(void)close(fd);
		return import_folder(importer, w, path, true, true);
	}
	if (is_database(path))
		return import_php(importer, w, path);
	err_t err = import_file(importer, w, path, &result);
	if (err == OK && (result == IMPORT_REFUSED || result == IMPORT_NOT_REPORT)) {
		werctl_complain("%s", w->detail.why);
		w->exit_status = err_exit_status(ERR_CORRUPT);
	}
	return err;
}
