/* faults.c - preloaded: makes writes and fsyncs fail when a test says so
 *
 * While the file FAULTS_ORDER exists, the calls that it names fail for files below FAULTS_DATA.
 * It holds one line: "fsync EIO", "write ENOSPC", "write EIO" or "fsync SLOW" (each takes 50 ms).
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

static int
is_watched(int fd)
{
	const char *data = getenv("FAULTS_DATA");
	char link[64];
	char path[PATH_MAX];
	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	ssize_t len = readlink(link, path, sizeof(path) - 1);
	if (data == NULL || len <= 0)
		return 0;
	path[len] = '\0';
	return strncmp(path, data, strlen(data)) == 0;
}

/* 0: go on; else the errno to fail with. */
static int
ordered(const char *kind, int fd)
{
	const char *path = getenv("FAULTS_ORDER");
	char order[64] = "";
	if (path == NULL || access(path, R_OK) != 0 || !is_watched(fd))
		return 0;
	int file = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t len = file < 0 ? 0 : read(file, order, sizeof(order) - 1);
	(void)close(file);
	if (len <= 0 || strncmp(order, kind, strlen(kind)) != 0)
		return 0;
	if (strstr(order, "SLOW") != NULL) {
		(void)usleep(50000);
		return 0;
	}
	return strstr(order, "ENOSPC") != NULL ? ENOSPC : EIO;
}

#define REAL(name, type)                                                                           \
	type real;                                                                                 \
	*(void **)&real = dlsym(RTLD_NEXT, name)

#define FAIL_IF_ORDERED(kind, fd)                                                                  \
	do {                                                                                       \
		int failure = ordered(kind, fd);                                                   \
		if (failure != 0) {                                                                \
			errno = failure;                                                           \
			return -1;                                                                 \
		}                                                                                  \
	} while (0)

typedef int sync_fn(int);
typedef ssize_t write_fn(int, const void *, size_t);
typedef ssize_t pwrite_fn(int, const void *, size_t, off_t);

int
fsync(int fd)
{
	REAL("fsync", sync_fn *);
	FAIL_IF_ORDERED("fsync", fd);
	return real(fd);
}

int
fdatasync(int fd)
{
	REAL("fdatasync", sync_fn *);
	FAIL_IF_ORDERED("fsync", fd);
	return real(fd);
}

ssize_t
write(int fd, const void *bytes, size_t count)
{
	REAL("write", write_fn *);
	FAIL_IF_ORDERED("write", fd);
	return real(fd, bytes, count);
}

ssize_t
pwrite(int fd, const void *bytes, size_t count, off_t offset)
{
	REAL("pwrite", pwrite_fn *);
	FAIL_IF_ORDERED("write", fd);
	return real(fd, bytes, count, offset);
}

ssize_t
pwrite64(int fd, const void *bytes, size_t count, off64_t offset)
{
	REAL("pwrite64", pwrite_fn *);
	FAIL_IF_ORDERED("write", fd);
	return real(fd, bytes, count, offset);
}
