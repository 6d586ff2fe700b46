#include "store/blob_dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fs.h"
#include "base/table.h"
#include "base/text.h"
#include "ext/crypto.h"

enum {
	FOLDERS = 256,
	HEAD_BYTES = 64,
	WRITE_BYTES = 64 * 1024, /* what comes in smaller pieces is gathered */
	NAME_BYTES = 2 + 1 + 62 + 1
};
static const char tmp_name[] = "tmp";

struct blob_dir {
	char *path;
	int fd; /* of the folder; names below are relative to it */
	bool is_writer;
	bool has_unnamed; /* the filesystem knows O_TMPFILE, and /proc is there to link one */
	pthread_mutex_t link_lock; /* of linking and unlinking, and of the pins */
	struct table pins;         /* first 8 bytes of the name: how many blob_finish wait */
};

struct blob_writer {
	struct blob_dir *dir;
	int fd;
	char tmp[64]; /* its name when it has one, else "" */
	struct crypto_sha256_stream *digest;
	uint64_t written_bytes;
	uint8_t sha256[CRYPTO_SHA256_BYTES]; /* once it is finished */
	err_t failed;                        /* of a write: digest and file no longer agree */
	uint8_t head[HEAD_BYTES];
	size_t head_bytes;
	size_t gathered_bytes;
	uint8_t gathered[WRITE_BYTES];
};

static err_t
failed(struct err_detail *detail, const struct blob_dir *dir, const char *what, const char *name)
{
	int saved = errno;
	return err_set(detail, err_from_errno(saved), "%s/%s: %s: %s", dir->path, name, what,
		       strerror(saved));
}

/* "ab/cdef..." */
static void
name_of(const uint8_t sha256[32], char name[NAME_BYTES])
{
	static const char digits[] = "0123456789abcdef";
	char *at = name;
	for (size_t i = 0; i < 32; i++) {
		*at++ = digits[sha256[i] >> 4];
		*at++ = digits[sha256[i] & 15];
		if (i == 0)
			*at++ = '/';
	}
	*at = '\0';
}

/* ---- the folder ---- */

static err_t
make_folders(struct blob_dir *dir, struct err_detail *detail)
{
	bool made = false;
	for (unsigned i = 0; i < FOLDERS; i++) {
		char name[8];
		(void)snprintf(name, sizeof(name), "%02x", i);
		if (mkdirat(dir->fd, name, 0750) == 0)
			made = true;
		else if (errno != EEXIST)
			return failed(detail, dir, "mkdir", name);
	}
	if (made && fsync(dir->fd) != 0)
		return failed(detail, dir, "fsync", ".");
	return OK;
}

/* Unnamed files vanish by themselves, named ones of a process that died do not. */
static err_t
clean_tmp(struct blob_dir *dir, struct err_detail *detail)
{
	int fd = openat(dir->fd, tmp_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? OK : failed(detail, dir, "open", tmp_name);
	DIR *tmp = fdopendir(fd);
	if (tmp == NULL) {
		(void)close(fd);
		return failed(detail, dir, "open", tmp_name);
	}
	for (struct dirent *entry; (entry = readdir(tmp)) != NULL;)
		if (entry->d_name[0] != '.')
			(void)unlinkat(fd, entry->d_name, 0);
	(void)closedir(tmp);
	return OK;
}

static err_t
probe_unnamed(struct blob_dir *dir, struct err_detail *detail)
{
	int fd = openat(dir->fd, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0640);
	if (fd >= 0) {
		char link[48];
		(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
		dir->has_unnamed = access(link, F_OK) == 0;
		(void)close(fd);
	}
	if (dir->has_unnamed || mkdirat(dir->fd, tmp_name, 0750) == 0 || errno == EEXIST)
		return OK;
	return failed(detail, dir, "mkdir", tmp_name);
}

static err_t
open_folder(const char *path, struct blob_dir **ret_dir, struct err_detail *detail)
{
	struct blob_dir *dir = calloc(1, sizeof(*dir));
	char *copy = strdup(path);
	if (dir == NULL || copy == NULL)
		abort();
	dir->path = copy;
	(void)pthread_mutex_init(&dir->link_lock, NULL);
	dir->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir->fd < 0) {
		err_t err = failed(detail, dir, "open", ".");
		blob_dir_close(dir);
		return err;
	}
	*ret_dir = dir;
	return OK;
}

static err_t
path_of(const char *data, char path[PATH_MAX], struct err_detail *detail)
{
	int len = snprintf(path, PATH_MAX, "%s/blobs", data);
	if (len < 0 || len >= PATH_MAX)
		return err_set(detail, ERR_LIMIT, "%s: path too long", data);
	return OK;
}

err_t
blob_dir_open(const char *data, struct blob_dir **ret_dir, struct err_detail *detail)
{
	char path[PATH_MAX];
	struct blob_dir *dir = NULL;
	err_t err = path_of(data, path, detail);
	if (err == OK)
		err = fs_make_folders(path, 0750, detail);
	if (err == OK)
		err = open_folder(path, &dir, detail);
	if (dir == NULL)
		return err;
	dir->is_writer = true;
	err = make_folders(dir, detail);
	if (err == OK)
		err = clean_tmp(dir, detail);
	if (err == OK)
		err = probe_unnamed(dir, detail);
	if (err != OK) {
		blob_dir_close(dir);
		return err;
	}
	*ret_dir = dir;
	return OK;
}

err_t
blob_dir_open_read(const char *data, struct blob_dir **ret_dir, struct err_detail *detail)
{
	char path[PATH_MAX];
	err_t err = path_of(data, path, detail);
	return err == OK ? open_folder(path, ret_dir, detail) : err;
}

void
blob_dir_close(struct blob_dir *dir)
{
	if (dir == NULL)
		return;
	if (dir->fd >= 0)
		(void)close(dir->fd);
	table_done(&dir->pins);
	(void)pthread_mutex_destroy(&dir->link_lock);
	free(dir->path);
	free(dir);
}

/* ---- writing ---- */

static int
open_named(struct blob_writer *writer)
{
	uint64_t random[2];
	crypto_random(random, sizeof(random));
	(void)snprintf(writer->tmp, sizeof(writer->tmp), "%s/%016llx%016llx", tmp_name,
		       (unsigned long long)random[0], (unsigned long long)random[1]);
	int fd =
		openat(writer->dir->fd, writer->tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
	if (fd < 0)
		writer->tmp[0] = '\0';
	return fd;
}

err_t
blob_create(struct blob_dir *dir, struct blob_writer **ret_writer)
{
	if (!dir->is_writer)
		return ERR_DENIED;
	struct blob_writer *writer = malloc(sizeof(*writer));
	if (writer == NULL)
		abort();
	memset(writer, 0, offsetof(struct blob_writer, gathered));
	writer->dir = dir;
	writer->fd = dir->has_unnamed ? openat(dir->fd, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0640)
				      : open_named(writer);
	if (writer->fd < 0) {
		err_t err = err_from_errno(errno);
		free(writer);
		return err == ERR_FULL ? ERR_FULL : ERR_IO;
	}
	writer->digest = crypto_sha256_new();
	*ret_writer = writer;
	return OK;
}

static err_t
flush(struct blob_writer *writer)
{
	err_t err = fs_write_all(writer->fd, slice_of(writer->gathered, writer->gathered_bytes));
	if (err == OK)
		writer->gathered_bytes = 0;
	return err;
}

static void
keep_head(struct blob_writer *writer, struct slice bytes)
{
	struct slice first = slice_sub(bytes, 0, HEAD_BYTES - writer->head_bytes);
	if (first.len == 0)
		return;
	memcpy(writer->head + writer->head_bytes, first.data, first.len);
	writer->head_bytes += first.len;
}

static err_t
gather(struct blob_writer *writer, struct slice bytes)
{
	while (!slice_is_absent(bytes) && bytes.len > 0) {
		if (writer->gathered_bytes == 0 && bytes.len >= WRITE_BYTES)
			return fs_write_all(writer->fd, bytes);
		struct slice part = slice_sub(bytes, 0, WRITE_BYTES - writer->gathered_bytes);
		memcpy(writer->gathered + writer->gathered_bytes, part.data, part.len);
		writer->gathered_bytes += part.len;
		bytes = slice_sub(bytes, part.len, bytes.len);
		err_t err = writer->gathered_bytes == WRITE_BYTES ? flush(writer) : OK;
		if (err != OK)
			return err;
	}
	return OK;
}

err_t
blob_write(struct blob_writer *writer, struct slice bytes)
{
	if (writer->failed != OK)
		return writer->failed;
	keep_head(writer, bytes);
	crypto_sha256_add(writer->digest, bytes);
	writer->written_bytes += bytes.len;
	writer->failed = gather(writer, bytes);
	return writer->failed;
}

uint64_t
blob_written_bytes(const struct blob_writer *writer)
{
	return writer->written_bytes;
}

struct slice
blob_head(const struct blob_writer *writer)
{
	return slice_of(writer->head, writer->head_bytes);
}

static void
free_writer(struct blob_writer *writer)
{
	if (writer->tmp[0] != '\0')
		(void)unlinkat(writer->dir->fd, writer->tmp, 0);
	(void)close(writer->fd);
	free(writer);
}

void
blob_cancel(struct blob_writer *writer)
{
	if (writer == NULL)
		return;
	crypto_sha256_free(writer->digest);
	free_writer(writer);
}

/* ---- making it durable ---- */

/* Two blobs that share 8 bytes of SHA-256 would share their pins: the file would stay longer. */
static uint64_t
pin_of(const uint8_t sha256[CRYPTO_SHA256_BYTES])
{
	uint64_t pin;
	memcpy(&pin, sha256, sizeof(pin));
	return pin == 0 ? 1 : pin;
}

/* Under the lock.  True when nobody else has it pinned. */
static bool
unpin(struct blob_dir *dir, const uint8_t sha256[CRYPTO_SHA256_BYTES])
{
	if (table_add(&dir->pins, pin_of(sha256), UINT64_MAX) != 0)
		return false;
	(void)table_remove(&dir->pins, pin_of(sha256));
	return true;
}

static err_t
link_file(struct blob_writer *writer, const char *name, struct err_detail *detail)
{
	struct blob_dir *dir = writer->dir;
	char from[64];
	int flags = 0;
	(void)memcpy(from, writer->tmp, sizeof(from));
	if (from[0] == '\0') {
		(void)snprintf(from, sizeof(from), "/proc/self/fd/%d", writer->fd);
		flags = AT_SYMLINK_FOLLOW;
	}
	(void)pthread_mutex_lock(&dir->link_lock);
	int result = linkat(dir->fd, from, dir->fd, name, flags);
	err_t err = result == 0 ? OK : failed(detail, dir, "link", name);
	if (err == OK || err == ERR_EXISTS)
		(void)table_add(&dir->pins, pin_of(writer->sha256), 1);
	(void)pthread_mutex_unlock(&dir->link_lock);
	return err;
}

/* The name says that the content is the same.  A size that says otherwise means a file that was
 * damaged after it was written: nothing may be acknowledged on top of it. */
static err_t
check_same(struct blob_writer *writer, const char *name, struct err_detail *detail)
{
	struct stat st;
	if (fstatat(writer->dir->fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return failed(detail, writer->dir, "stat", name);
	if (S_ISREG(st.st_mode) && (uint64_t)st.st_size == writer->written_bytes)
		return OK;
	return err_set(detail, ERR_IO, "%s/%s: damaged: %lld bytes instead of %llu",
		       writer->dir->path, name, (long long)st.st_size,
		       (unsigned long long)writer->written_bytes);
}

static err_t
sync_folder_of(struct blob_dir *dir, const char *name, struct err_detail *detail)
{
	char folder[3] = {name[0], name[1], '\0'};
	int fd = openat(dir->fd, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return failed(detail, dir, "open", folder);
	err_t err = fsync(fd) == 0 ? OK : failed(detail, dir, "fsync", folder);
	(void)close(fd);
	return err;
}

/* ENOSPC from fdatasync is ERR_FULL (delayed allocation, a quota): the file has no name yet, and
 * the client sends it again.  From the folder's fsync it is not: the name may be half there. */
static err_t
make_durable(struct blob_writer *writer, const char *name, struct err_detail *detail)
{
	err_t err = writer->failed == OK ? flush(writer) : writer->failed;
	if (err != OK)
		return err_set(detail, err, "%s: write: %s", writer->dir->path, err_text(err));
	if (fdatasync(writer->fd) != 0)
		return failed(detail, writer->dir, "fdatasync", name);
	err = link_file(writer, name, detail);
	if (err != OK && err != ERR_EXISTS)
		return err;
	err = err == OK ? OK : check_same(writer, name, detail);
	/* Also when it was there: whoever linked it may not have come to its fsync. */
	if (err == OK && sync_folder_of(writer->dir, name, detail) != OK)
		err = ERR_IO;
	if (err != OK) {
		(void)pthread_mutex_lock(&writer->dir->link_lock);
		(void)unpin(writer->dir, writer->sha256);
		(void)pthread_mutex_unlock(&writer->dir->link_lock);
	}
	return err;
}

err_t
blob_finish(struct blob_writer *writer, uint8_t ret_sha256[32], struct err_detail *detail)
{
	uint8_t sha256[32];
	char name[NAME_BYTES];
	crypto_sha256_take(writer->digest, sha256);
	memcpy(writer->sha256, sha256, sizeof(sha256));
	name_of(sha256, name);
	err_t err = make_durable(writer, name, detail);
	free_writer(writer);
	if (err == OK)
		memcpy(ret_sha256, sha256, sizeof(sha256));
	return err;
}

/* ---- reading and forgetting ---- */

err_t
blob_open_read(struct blob_dir *dir, const uint8_t sha256[32], int *ret_fd, uint64_t *ret_bytes)
{
	char name[NAME_BYTES];
	struct stat st;
	name_of(sha256, name);
	int fd = openat(dir->fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return err_from_errno(errno);
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
		(void)close(fd);
		return ERR_IO;
	}
	*ret_fd = fd;
	*ret_bytes = (uint64_t)st.st_size;
	return OK;
}

void
blob_settle(struct blob_dir *dir, const uint8_t sha256[32], bool is_named)
{
	char name[NAME_BYTES];
	name_of(sha256, name);
	(void)pthread_mutex_lock(&dir->link_lock);
	/* Not fsynced: should it come back after a power cut, it is only a spare copy. */
	if (unpin(dir, sha256) && !is_named)
		(void)unlinkat(dir->fd, name, 0);
	(void)pthread_mutex_unlock(&dir->link_lock);
}

err_t
blob_unlink(struct blob_dir *dir, const uint8_t sha256[32])
{
	char name[NAME_BYTES];
	uint64_t pins;
	err_t err = OK;
	if (!dir->is_writer)
		return ERR_DENIED;
	name_of(sha256, name);
	(void)pthread_mutex_lock(&dir->link_lock);
	if (table_find(&dir->pins, pin_of(sha256), &pins))
		err = ERR_BUSY;
	else if (unlinkat(dir->fd, name, 0) != 0)
		err = err_from_errno(errno);
	(void)pthread_mutex_unlock(&dir->link_lock);
	return err == OK ? sync_folder_of(dir, name, NULL) : err;
}
