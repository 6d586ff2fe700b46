#include "store/derived_internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/time.h"

/* DATA/derived/derived.db is a symbolic link to derived-NUMBER.db: a finished file takes its place
 * by one rename, while whoever reads the old one goes on reading it until the next question.  A
 * plain rename of the file itself would leave it with the other one's write-ahead log. */
static const char LINK[] = "derived.db";
static const char ASIDE[] = "rebuild.db";
static const char BROKEN[] = "broken.db";
static const char *const SUFFIXES[] = {"", "-wal", "-shm"};

enum {
	REBUILD_CACHE_KIB = 128 * 1024
};

static void
path_in(const struct derived *derived, const char *name, const char *suffix, char path[PATH_MAX])
{
	(void)snprintf(path, PATH_MAX, "%s/%s%s", derived->folder, name, suffix);
}

static err_t
failed(const char *path, struct err_detail *detail)
{
	int error_number = errno;
	return err_set(detail, err_from_errno(error_number), "%s: %s", path,
		       strerror(error_number));
}

/* ---- locks ---- */

/* Goes with the process, however it ends. */
static err_t
take_lock(const struct derived *derived, const char *name, int *ret_fd, struct err_detail *detail)
{
	char path[PATH_MAX];
	path_in(derived, name, "", path);
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
	if (fd < 0)
		return failed(path, detail);
	if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
		*ret_fd = fd;
		return OK;
	}
	err_t err = errno == EWOULDBLOCK
			    ? err_set(detail, ERR_BUSY, "%s: another process holds it", path)
			    : failed(path, detail);
	(void)close(fd);
	return err;
}

/* ---- names ---- */

static void
unlink_file(const struct derived *derived, const char *name)
{
	char path[PATH_MAX];
	for (size_t i = 0; i < sizeof(SUFFIXES) / sizeof(SUFFIXES[0]); i++) {
		path_in(derived, name, SUFFIXES[i], path);
		(void)unlink(path);
	}
}

static err_t
rename_file(const struct derived *derived, const char *from, const char *to,
	    struct err_detail *detail)
{
	char old_path[PATH_MAX];
	char new_path[PATH_MAX];
	for (size_t i = 0; i < sizeof(SUFFIXES) / sizeof(SUFFIXES[0]); i++) {
		path_in(derived, from, SUFFIXES[i], old_path);
		path_in(derived, to, SUFFIXES[i], new_path);
		if (rename(old_path, new_path) != 0 && errno != ENOENT)
			return failed(old_path, detail);
	}
	return OK;
}

/* The name to which the link points; "" when there is none. */
static void
current_name(const struct derived *derived, char name[NAME_MAX + 1])
{
	char path[PATH_MAX];
	path_in(derived, LINK, "", path);
	ssize_t len = readlink(path, name, NAME_MAX);
	name[len > 0 ? len : 0] = '\0';
}

static void
fresh_name(const struct derived *derived, char name[NAME_MAX + 1])
{
	char path[PATH_MAX];
	int64_t number = time_now_us();
	do {
		(void)snprintf(name, NAME_MAX + 1, "derived-%" PRId64 ".db", number++);
		path_in(derived, name, "", path);
	} while (access(path, F_OK) == 0);
}

/* Whatever names a generation that is not the current one: of a rebuild that was cut off. */
static void
sweep(const struct derived *derived)
{
	char name[NAME_MAX + 1];
	char path[PATH_MAX];
	struct dirent *entry;
	DIR *folder = opendir(derived->folder);
	if (folder == NULL)
		return;
	current_name(derived, name);
	while ((entry = readdir(folder)) != NULL) {
		if (strncmp(entry->d_name, "derived-", strlen("derived-")) != 0 ||
		    (name[0] != '\0' && strncmp(entry->d_name, name, strlen(name)) == 0))
			continue;
		path_in(derived, entry->d_name, "", path);
		(void)unlink(path);
	}
	(void)closedir(folder);
}

/* NAME is whole and durable; from here on it is the current file, and the old one goes. */
static err_t
point_link(const struct derived *derived, const char *name, struct err_detail *detail)
{
	char old_name[NAME_MAX + 1];
	char next[PATH_MAX];
	char path[PATH_MAX];
	current_name(derived, old_name);
	path_in(derived, LINK, ".next", next);
	path_in(derived, LINK, "", path);
	(void)unlink(next);
	if (symlink(name, next) != 0)
		return failed(next, detail);
	if (rename(next, path) != 0)
		return failed(path, detail);
	err_t err = fs_sync_folder(derived->folder, detail);
	if (err == OK && old_name[0] != '\0' && strcmp(old_name, name) != 0)
		unlink_file(derived, old_name);
	return err;
}

/* ---- files ---- */

static bool
is_broken_code(int code)
{
	return (code & 0xff) == SQLITE_CORRUPT || (code & 0xff) == SQLITE_NOTADB;
}

bool
derived_is_broken(const struct derived *derived)
{
	return derived->sql.db != NULL && is_broken_code(sqlite3_errcode(derived->sql.db));
}

/* Why it could not be opened: is it the file, or the disk? */
static bool
is_broken_file(const char *path)
{
	sqlite3 *db = NULL;
	int code = sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL);
	if (code == SQLITE_OK)
		code = sqlite3_exec(db, "SELECT count(*) FROM sqlite_schema", NULL, NULL, NULL);
	(void)sqlite3_close(db);
	return is_broken_code(code);
}

static void
note_file(struct derived *derived, const char *path)
{
	struct stat status = {0};
	(void)stat(path, &status);
	derived->file_device = status.st_dev;
	derived->file_number = status.st_ino;
}

static err_t
attach(struct derived *derived, struct err_detail *detail)
{
	err_t err = derived_writer_attach(derived->writer, &derived->sql, detail);
	if (err != OK)
		derived_close_file(derived);
	return err;
}

static err_t
open_file(struct derived *derived, const char *name, struct err_detail *detail)
{
	char path[PATH_MAX];
	struct sql_file file = derived_file;
	path_in(derived, name, "", path);
	file.path = path;
	if (derived->is_aside) {
		file.sync = SQL_SYNC_OFF;
		file.cache_kib = REBUILD_CACHE_KIB;
	}
	err_t err = sql_open_writer(&derived->sql, &file, detail);
	if (err == OK && derived->is_aside)
		err = sql_exec(&derived->sql, "PRAGMA journal_mode=OFF", detail);
	note_file(derived, path);
	return err == OK ? attach(derived, detail) : err;
}

static err_t
open_fresh(struct derived *derived, struct err_detail *detail)
{
	char name[NAME_MAX + 1];
	fresh_name(derived, name);
	err_t err = open_file(derived, name, detail);
	return err == OK ? point_link(derived, name, detail) : err;
}

void
derived_close_file(struct derived *derived)
{
	if (derived->writer != NULL)
		derived_writer_detach(derived->writer);
	sql_close(&derived->sql);
}

err_t
derived_remake(struct derived *derived, bool is_broken, struct err_detail *detail)
{
	char name[NAME_MAX + 1];
	derived_close_file(derived);
	current_name(derived, name);
	if (is_broken && name[0] != '\0') {
		unlink_file(derived, BROKEN);
		err_t err = rename_file(derived, name, BROKEN, detail);
		if (err != OK)
			return err;
	}
	return open_fresh(derived, detail);
}

static err_t
open_for_writing(struct derived *derived, struct err_detail *detail)
{
	char name[NAME_MAX + 1];
	char path[PATH_MAX];
	current_name(derived, name);
	path_in(derived, name, "", path);
	if (name[0] == '\0' || access(path, F_OK) != 0)
		return open_fresh(derived, detail);
	err_t err = open_file(derived, name, detail);
	if (err == ERR_STALE || err == ERR_UNSUPPORTED)
		return open_fresh(derived, detail);
	if (err == ERR_CORRUPT || (err != OK && is_broken_file(path)))
		return derived_remake(derived, true, detail);
	return err;
}

static err_t
open_for_reading(struct derived *derived, struct err_detail *detail)
{
	char path[PATH_MAX];
	struct sql_file file = derived_file;
	path_in(derived, LINK, "", path);
	file.path = path;
	/* Before it is opened: when another one takes its place in between, the next look sees
	 * that. */
	note_file(derived, path);
	err_t err = sql_open_reader(&derived->sql, &file, detail);
	/* Lists and sorts of a moment; nothing of them belongs on the disk. */
	if (err == OK)
		err = sql_exec(&derived->sql, "PRAGMA temp_store=MEMORY", detail);
	if (err != OK)
		sql_close(&derived->sql);
	return err;
}

err_t
derived_open_current(struct derived *derived, struct err_detail *detail)
{
	int rebuild_fd;
	if (derived->mode == DERIVED_READ)
		return open_for_reading(derived, detail);
	err_t err = fs_make_folders(derived->folder, 0750, detail);
	if (err == OK && derived->lock_fd < 0)
		err = take_lock(derived, "lock", &derived->lock_fd, detail);
	if (err != OK)
		return err;
	if (take_lock(derived, "rebuild.lock", &rebuild_fd, NULL) == OK) {
		sweep(derived);
		(void)close(rebuild_fd);
	}
	return open_for_writing(derived, detail);
}

err_t
derived_refresh(struct derived *derived, struct err_detail *detail)
{
	char path[PATH_MAX];
	struct stat status;
	if (derived->is_aside || derived->n_lists > 0)
		return OK;
	path_in(derived, LINK, "", path);
	bool is_there = stat(path, &status) == 0;
	if (derived->sql.db != NULL && is_there && status.st_dev == derived->file_device &&
	    status.st_ino == derived->file_number)
		return OK;
	derived_close_file(derived);
	return derived->mode == DERIVED_READ ? open_for_reading(derived, detail)
					     : open_for_writing(derived, detail);
}

/* ---- rebuilding ---- */

err_t
derived_open_aside(struct derived *derived, struct err_detail *detail)
{
	derived->is_aside = true;
	err_t err = fs_make_folders(derived->folder, 0750, detail);
	if (err == OK)
		err = take_lock(derived, "rebuild.lock", &derived->lock_fd, detail);
	if (err != OK)
		return err;
	unlink_file(derived, ASIDE);
	return open_file(derived, ASIDE, detail);
}

static err_t
sync_aside(const struct derived *derived, struct err_detail *detail)
{
	char path[PATH_MAX];
	path_in(derived, ASIDE, "", path);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return failed(path, detail);
	err_t err = fsync(fd) == 0 ? OK : failed(path, detail);
	(void)close(fd);
	return err;
}

err_t
derived_take_place(struct derived *derived, struct err_detail *detail)
{
	char name[NAME_MAX + 1];
	err_t err = sql_exec(&derived->sql, "PRAGMA journal_mode=WAL", detail);
	derived_close_file(derived);
	if (err == OK)
		err = sync_aside(derived, detail);
	if (err != OK)
		return err;
	fresh_name(derived, name);
	err = rename_file(derived, ASIDE, name, detail);
	return err == OK ? point_link(derived, name, detail) : err;
}
