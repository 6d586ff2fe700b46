#include "symbols/folder_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "symbols/folder_layout.h"

static const uint8_t nothing[1]; /* what an empty file is mapped to */

static err_t
failure(void)
{
	if (errno == ENOENT || errno == ENOTDIR || errno == ENAMETOOLONG)
		return ERR_NOTFOUND;
	/* A link where a file was to be. */
	return errno == EACCES || errno == EPERM || errno == ELOOP ? ERR_DENIED : ERR_IO;
}

/* Every part of the path must be a plain name.  The file system is asked part by part, so that
 * nothing between them is trusted. */
static err_t
open_folder(int folder, struct slice path, int *ret_fd)
{
	struct slice part;
	int fd = fcntl(folder, F_DUPFD_CLOEXEC, 0);
	if (fd < 0)
		return failure();
	while (slice_cut(path, '/', &part, &path)) {
		char name[NAME_MAX + 1];
		if (!folder_is_safe_name(part)) {
			(void)close(fd);
			return ERR_DENIED;
		}
		(void)snprintf(name, sizeof(name), "%.*s", SLICE_ARGS(part));
		int next = openat(fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		err_t err = next < 0 ? failure() : OK;
		(void)close(fd);
		if (err != OK)
			return err;
		fd = next;
	}
	*ret_fd = fd;
	return OK;
}

/* The part behind the last "/", which stays in PATH. */
static struct slice
last_part(const char *path)
{
	return identity_base_name(slice_str(path));
}

static err_t
map_open_file(int fd, uint64_t max_bytes, struct slice *ret_bytes)
{
	struct stat st;
	if (fstat(fd, &st) != 0)
		return ERR_IO;
	if (S_ISDIR(st.st_mode)) /* a name of the layout, not of a file */
		return ERR_NOTFOUND;
	if (!S_ISREG(st.st_mode))
		return ERR_DENIED;
	if ((uint64_t)st.st_size > max_bytes || (uint64_t)st.st_size > SIZE_MAX)
		return ERR_LIMIT;
	if (st.st_size == 0) {
		*ret_bytes = slice_of(nothing, 0);
		return OK;
	}
	size_t bytes = (size_t)st.st_size;
	void *at = mmap(NULL, bytes, PROT_READ, MAP_PRIVATE, fd, 0);
	if (at == MAP_FAILED)
		return ERR_IO;
	*ret_bytes = slice_of(at, bytes);
	return OK;
}

static err_t
system_map(int folder, const char *path, uint64_t max_bytes, struct slice *ret_bytes)
{
	struct slice last = last_part(path);
	int parent;
	if (!folder_is_safe_name(last))
		return ERR_DENIED;
	err_t err = open_folder(folder, slice_of(path, (size_t)(last.data - (const uint8_t *)path)),
				&parent);
	if (err != OK)
		return err;
	/* O_NONBLOCK: a pipe is opened, and refused, rather than waited for. */
	int fd = openat(parent, (const char *)last.data,
			O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	err = fd < 0 ? failure() : map_open_file(fd, max_bytes, ret_bytes);
	if (fd >= 0)
		(void)close(fd);
	(void)close(parent);
	return err;
}

static void
system_unmap(struct slice bytes)
{
	if (bytes.len > 0)
		(void)munmap((void *)(uintptr_t)bytes.data, bytes.len);
}

static bool
is_folder(DIR *dir, const struct dirent *entry)
{
	struct stat st;
	if (entry->d_type != DT_UNKNOWN && entry->d_type != DT_LNK)
		return entry->d_type == DT_DIR;
	return fstatat(dirfd(dir), entry->d_name, &st, 0) == 0 && S_ISDIR(st.st_mode);
}

static bool
is_dots(const char *name)
{
	return name[0] == '.' && (name[1] == '\0' || (name[1] == '.' && name[2] == '\0'));
}

static err_t
system_list(int folder, const char *path,
	    bool (*each)(void *context, const char *name, bool is_folder), void *context)
{
	char with_slash[PATH_MAX];
	int fd;
	bool is_top = slice_equal_str(slice_str(path), ".");
	int len = snprintf(with_slash, sizeof(with_slash), "%s/", path);
	if (len < 0 || (size_t)len >= sizeof(with_slash))
		return ERR_LIMIT;
	err_t err = open_folder(folder, is_top ? slice_str("") : slice_str(with_slash), &fd);
	if (err != OK)
		return err;
	/* A descriptor of its own: duplicates share where they are in the list. */
	int own = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	(void)close(fd);
	DIR *dir = own < 0 ? NULL : fdopendir(own);
	if (dir == NULL) {
		if (own >= 0)
			(void)close(own);
		return ERR_IO;
	}
	for (struct dirent *entry; (entry = readdir(dir)) != NULL;)
		if (!is_dots(entry->d_name) && !each(context, entry->d_name, is_folder(dir, entry)))
			break;
	(void)closedir(dir);
	return OK;
}

const struct folder_files folder_files_system = {
	.map = system_map,
	.unmap = system_unmap,
	.list = system_list,
};
