/* powercut.c - preloaded: keeps a copy of exactly what a power cut would leave
 *
 * Below POWERCUT_DATA, each fsync and fdatasync of a file copies its content to
 * POWERCUT_SHADOW/file/KEY, each fsync of a folder writes its entries, as lines of "KEY KIND NAME",
 * to POWERCUT_SHADOW/dir/KEY.  What was never covered by such a call is not there.  A key is the
 * inode with its time of birth: filesystems give an inode's number away again, and the copy of a
 * file that is gone must not stand for another.
 * tests/e2e/test_durability.py builds the tree again from the root folder's entries: an entry
 * without a copy of its content becomes garbage, content without an entry is lost.
 */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEY_SIZE 64

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static int
is_watched(int fd)
{
	const char *data = getenv("POWERCUT_DATA");
	char link[64];
	char path[PATH_MAX];
	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	ssize_t len = readlink(link, path, sizeof(path) - 1);
	if (data == NULL || len <= 0)
		return 0;
	path[len] = '\0';
	return strncmp(path, data, strlen(data)) == 0;
}

static int
look(int dir, const char *name, struct statx *st)
{
	return statx(dir, name, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW,
		     STATX_BASIC_STATS | STATX_BTIME, st);
}

static void
spell_key(const struct statx *st, char key[KEY_SIZE])
{
	(void)snprintf(key, KEY_SIZE, "%llu-%lld.%09u", (unsigned long long)st->stx_ino,
		       (long long)st->stx_btime.tv_sec, st->stx_btime.tv_nsec);
}

static int
create(char path[PATH_MAX], char final[PATH_MAX], const char *kind, const struct statx *st)
{
	const char *shadow = getenv("POWERCUT_SHADOW");
	char key[KEY_SIZE];
	spell_key(st, key);
	(void)snprintf(final, PATH_MAX, "%s/%s/%s", shadow, kind, key);
	(void)snprintf(path, PATH_MAX, "%s/new-%d-%s", shadow, (int)getpid(), key);
	return open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
}

/* The copy takes its name only when it is whole. */
static void
finish(int out, const char *path, const char *final)
{
	(void)close(out);
	if (rename(path, final) != 0)
		abort();
}

static void
keep_file(int fd, const struct statx *st)
{
	char path[PATH_MAX];
	char final[PATH_MAX];
	char proc[64];
	char block[65536];
	int out = create(path, final, "file", st);
	/* Opened again: the position of FD is not ours, and it may be write-only. */
	(void)snprintf(proc, sizeof(proc), "/proc/self/fd/%d", fd);
	int in = open(proc, O_RDONLY | O_CLOEXEC);
	if (out < 0 || in < 0)
		abort();
	for (ssize_t got; (got = read(in, block, sizeof(block))) > 0;)
		if (write(out, block, (size_t)got) != got)
			abort();
	(void)close(in);
	finish(out, path, final);
}

static void
keep_entry(int out, int dir, const char *name)
{
	struct statx st;
	char key[KEY_SIZE];
	/* One that was renamed meanwhile has a sync of this folder still to come. */
	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || look(dir, name, &st) != 0)
		return;
	spell_key(&st, key);
	(void)dprintf(out, "%s %c %s\n", key, S_ISDIR(st.stx_mode) ? 'd' : 'f', name);
}

static void
keep_folder(int fd, const struct statx *st)
{
	char path[PATH_MAX];
	char final[PATH_MAX];
	int out = create(path, final, "dir", st);
	int again = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = again < 0 ? NULL : fdopendir(again);
	if (out < 0 || dir == NULL)
		abort();
	for (struct dirent *entry; (entry = readdir(dir)) != NULL;)
		keep_entry(out, dirfd(dir), entry->d_name);
	(void)closedir(dir);
	finish(out, path, final);
}

static void
keep(int fd)
{
	struct statx st;
	int saved = errno;
	if (is_watched(fd) && look(fd, "", &st) == 0) {
		(void)pthread_mutex_lock(&lock);
		if (S_ISDIR(st.stx_mode))
			keep_folder(fd, &st);
		else
			keep_file(fd, &st);
		(void)pthread_mutex_unlock(&lock);
	}
	errno = saved;
}

static int
call(const char *name, int fd)
{
	int (*real)(int);
	*(void **)&real = dlsym(RTLD_NEXT, name);
	return real(fd);
}

int fsync(int fd);
int fdatasync(int fd);

int
fsync(int fd)
{
	int status = call("fsync", fd);
	if (status == 0)
		keep(fd);
	return status;
}

int
fdatasync(int fd)
{
	int status = call("fdatasync", fd);
	if (status == 0)
		keep(fd);
	return status;
}
