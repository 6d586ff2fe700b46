#include "base/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

static err_t
failed(struct err_detail *detail, const char *what, const char *path)
{
	int saved = errno;
	return err_set(detail, err_from_errno(saved), "%s: %s: %s", path, what, strerror(saved));
}

err_t
fs_write_all(int fd, struct slice bytes)
{
	while (bytes.len > 0) {
		ssize_t done = write(fd, bytes.data, bytes.len);
		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return err_from_errno(errno);
		if (done == 0)
			return ERR_IO;
		bytes = slice_sub(bytes, (size_t)done, bytes.len);
	}
	return OK;
}

static err_t
read_all(int fd, struct buf *out)
{
	enum {
		STEP = 64 * 1024
	};
	for (;;) {
		uint8_t chunk[STEP / 8];
		ssize_t got = read(fd, chunk, sizeof(chunk));
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_from_errno(errno);
		if (got == 0)
			return buf_error(out);
		buf_append(out, slice_of(chunk, (size_t)got));
		if (buf_error(out) != OK)
			return buf_error(out);
	}
}

err_t
fs_read_file(const char *path, size_t max_bytes, struct buf *out, struct err_detail *detail)
{
	buf_init(out, max_bytes);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return failed(detail, "open", path);
	err_t err = read_all(fd, out);
	(void)close(fd);
	if (err == OK)
		return OK;
	buf_done(out);
	if (err == ERR_LIMIT)
		return err_set(detail, err, "%s: larger than %zu bytes", path, max_bytes);
	return err_set(detail, err, "%s: cannot be read", path);
}

err_t
fs_sync_folder(const char *path, struct err_detail *detail)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return failed(detail, "open", path);
	err_t err = fsync(fd) == 0 ? OK : failed(detail, "fsync", path);
	(void)close(fd);
	return err;
}

static err_t
sync_parent(const char *path, struct err_detail *detail)
{
	char parent[PATH_MAX];
	const char *slash = strrchr(path, '/');
	size_t len = slash == NULL ? 0 : (size_t)(slash - path);
	if (len >= sizeof(parent))
		return err_set(detail, ERR_LIMIT, "%s: path too long", path);
	if (slash == NULL)
		return fs_sync_folder(".", detail);
	memcpy(parent, path, len);
	parent[len] = '\0';
	return fs_sync_folder(len == 0 ? "/" : parent, detail);
}

static err_t
write_and_close(int fd, struct slice bytes, const char *path, struct err_detail *detail)
{
	err_t err = fs_write_all(fd, bytes);
	if (err != OK)
		(void)err_set(detail, err, "%s: %s", path, err_text(err));
	if (err == OK && fsync(fd) != 0)
		err = failed(detail, "fsync", path);
	if (close(fd) != 0 && err == OK)
		err = failed(detail, "close", path);
	return err;
}

err_t
fs_replace_file(const char *path, struct slice bytes, mode_t mode, struct err_detail *detail)
{
	char beside[PATH_MAX];
	int len = snprintf(beside, sizeof(beside), "%s.new", path);
	if (len < 0 || (size_t)len >= sizeof(beside))
		return err_set(detail, ERR_LIMIT, "%s: path too long", path);
	int fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
	if (fd < 0)
		return failed(detail, "open", beside);
	err_t err = write_and_close(fd, bytes, beside, detail);
	if (err == OK && rename(beside, path) != 0)
		err = failed(detail, "rename", path);
	if (err != OK) {
		(void)unlink(beside);
		return err;
	}
	return sync_parent(path, detail);
}

static err_t
make_one(const char *path, mode_t mode, struct err_detail *detail)
{
	struct stat st;
	if (mkdir(path, mode) == 0)
		return sync_parent(path, detail);
	if (errno != EEXIST)
		return failed(detail, "mkdir", path);
	if (stat(path, &st) != 0)
		return failed(detail, "stat", path);
	return S_ISDIR(st.st_mode) ? OK : err_set(detail, ERR_EXISTS, "%s: not a folder", path);
}

err_t
fs_make_folders(const char *path, mode_t mode, struct err_detail *detail)
{
	char part[PATH_MAX];
	size_t len = strlen(path);
	if (len >= sizeof(part))
		return err_set(detail, ERR_LIMIT, "%s: path too long", path);
	memcpy(part, path, len + 1);
	for (size_t i = 1; i < len; i++) {
		if (part[i] != '/')
			continue;
		part[i] = '\0';
		err_t err = make_one(part, mode, detail);
		part[i] = '/';
		if (err != OK)
			return err;
	}
	return make_one(part, mode, detail);
}

err_t
fs_free_bytes(const char *path, uint64_t *ret_bytes)
{
	struct statvfs vfs;
	if (statvfs(path, &vfs) != 0)
		return err_from_errno(errno);
	*ret_bytes = (uint64_t)vfs.f_bavail * vfs.f_frsize;
	return OK;
}

char *
fs_join(struct arena *arena, const char *folder, const char *name)
{
	return arena_printf(arena, "%s/%s", folder, name);
}
