/* durable_rename.c - preloaded into a peer of the benchmarks: makes its renames durable
 *
 * For targets below DURABLE_BELOW: fdatasync of the file before rename(2), fsync of the folder
 * after it.  That is the least that "stored" can mean, and what the collector does too.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Kept from the start: the peer empties its environment later. */
static char below[PATH_MAX];

__attribute__((constructor)) static void
remember(void)
{
	const char *value = getenv("DURABLE_BELOW");
	if (value != NULL)
		(void)snprintf(below, sizeof(below), "%s", value);
}

static void
sync_path(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC);
	if (fd < 0)
		return;
	(void)((flags & O_DIRECTORY) != 0 ? fsync(fd) : fdatasync(fd));
	(void)close(fd);
}

int
rename(const char *from, const char *to)
{
	typedef int rename_fn(const char *, const char *);
	rename_fn *real;
	char folder[PATH_MAX];
	*(void **)&real = dlsym(RTLD_NEXT, "rename");
	if (below[0] == '\0' || strncmp(to, below, strlen(below)) != 0)
		return real(from, to);
	sync_path(from, O_RDONLY);
	int status = real(from, to);
	(void)snprintf(folder, sizeof(folder), "%s", to);
	char *slash = strrchr(folder, '/');
	if (status == 0 && slash != NULL) {
		*slash = '\0';
		sync_path(folder, O_RDONLY | O_DIRECTORY);
	}
	return status;
}
