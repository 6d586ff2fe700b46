#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "ext/crypto.h"
#include "scratch.h"
#include "store/blob_dir.h"

/* ---- the disk: these stand before libc's own ---- */

static struct {
	bool has_no_tmpfile; /* a filesystem without O_TMPFILE */
	int write_errno;
	long writes_left; /* that still work */
	int data_sync_errno;
	int folder_sync_errno;
	bool is_noted;
	char order[64]; /* d: data synced, l: linked, f: folder synced */
} disk;

static void
note(char what)
{
	if (!disk.is_noted)
		return;
	size_t len = strlen(disk.order);
	if (len + 1 < sizeof(disk.order))
		disk.order[len] = what;
}

int
openat(int fd, const char *path, int flags, ...)
{
	va_list args;
	va_start(args, flags);
	mode_t mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(args, mode_t) : 0;
	va_end(args);
	if ((flags & O_TMPFILE) == O_TMPFILE && disk.has_no_tmpfile) {
		errno = EOPNOTSUPP;
		return -1;
	}
	return (int)syscall(SYS_openat, fd, path, flags, mode);
}

ssize_t
write(int fd, const void *bytes, size_t count)
{
	if (disk.write_errno != 0 && disk.writes_left-- <= 0) {
		errno = disk.write_errno;
		return -1;
	}
	return syscall(SYS_write, fd, bytes, count);
}

/* Nobody cuts the power here: what does not fail need not wait. */
static int
sync_or_fail(int error_number)
{
	errno = error_number;
	return error_number == 0 ? 0 : -1;
}

int
fdatasync(int fd)
{
	(void)fd;
	note('d');
	return sync_or_fail(disk.data_sync_errno);
}

int
fsync(int fd)
{
	(void)fd;
	note('f');
	return sync_or_fail(disk.folder_sync_errno);
}

int
linkat(int from_fd, const char *from, int to_fd, const char *to, int flags)
{
	note('l');
	return (int)syscall(SYS_linkat, from_fd, from, to_fd, to, flags);
}

/* ---- helpers ---- */

static char data[SCRATCH_PATH_BYTES];
static struct blob_dir *dir;
static struct err_detail detail;

/* One folder for all tests: making 256 subfolders takes its time. */
static int
make_data(void **state)
{
	(void)state;
	scratch_make(data);
	return 0;
}

static int
remove_data(void **state)
{
	(void)state;
	scratch_remove(data);
	return 0;
}

static int
set_up(void **state)
{
	(void)state;
	memset(&disk, 0, sizeof(disk));
	assert_int_equal(blob_dir_open(data, &dir, &detail), OK);
	disk.is_noted = true;
	return 0;
}

static int
remove_file(const char *path, const struct stat *st, int kind, struct FTW *where)
{
	(void)st;
	(void)where;
	return kind == FTW_F ? remove(path) : 0;
}

static int
tear_down(void **state)
{
	(void)state;
	blob_dir_close(dir);
	return nftw(data, remove_file, 16, FTW_PHYS);
}

static void
open_without_tmpfile(void)
{
	blob_dir_close(dir);
	disk.has_no_tmpfile = true;
	assert_int_equal(blob_dir_open(data, &dir, &detail), OK);
}

static size_t n_files;

static int
count_file(const char *path, const struct stat *st, int kind, struct FTW *where)
{
	(void)path;
	(void)where;
	n_files += kind == FTW_F && S_ISREG(st->st_mode);
	return 0;
}

static size_t
files(void)
{
	n_files = 0;
	(void)nftw(data, count_file, 16, FTW_PHYS);
	return n_files;
}

static err_t
store(struct slice content, size_t piece, uint8_t sha256[32])
{
	struct blob_writer *writer;
	err_t err = blob_create(dir, &writer);
	if (err != OK)
		return err;
	for (size_t at = 0; at < content.len; at += piece) {
		err = blob_write(writer, slice_sub(content, at, piece));
		if (err != OK) {
			blob_cancel(writer);
			return err;
		}
	}
	return blob_finish(writer, sha256, &detail);
}

static bool
holds(const uint8_t sha256[32], struct slice content)
{
	int fd;
	uint64_t bytes;
	if (blob_open_read(dir, sha256, &fd, &bytes) != OK || bytes != content.len)
		return false;
	char *back = malloc(content.len + 1);
	ssize_t got = read(fd, back, content.len + 1);
	bool is_same = got == (ssize_t)content.len && memcmp(back, content.data, content.len) == 0;
	free(back);
	(void)close(fd);
	return is_same;
}

/* ---- failing disks ---- */

static void
a_full_disk_leaves_nothing_and_goes_on(void **state)
{
	(void)state;
	static uint8_t content[300000];
	uint8_t sha256[32] = {7};
	for (long allowed = 0; allowed < 4; allowed++) {
		disk.write_errno = allowed % 2 == 0 ? ENOSPC : EDQUOT;
		disk.writes_left = allowed;
		assert_int_equal(store(slice_of(content, sizeof(content)), 1000, sha256), ERR_FULL);
		assert_int_equal(files(), 0);
	}
	assert_int_equal(sha256[0], 7);
	disk.write_errno = 0;
	assert_int_equal(store(slice_of(content, sizeof(content)), 1000, sha256), OK);
	assert_true(holds(sha256, slice_of(content, sizeof(content))));
}

/* The digest has gone on over bytes that the file does not have. */
static void
a_write_that_failed_is_never_finished(void **state)
{
	(void)state;
	static uint8_t content[70000];
	struct blob_writer *writer;
	uint8_t sha256[32];
	disk.write_errno = ENOSPC;
	assert_int_equal(blob_create(dir, &writer), OK);
	assert_int_equal(blob_write(writer, slice_of(content, sizeof(content))), ERR_FULL);
	disk.write_errno = 0;
	assert_int_equal(blob_write(writer, SLICE_LITERAL("more")), ERR_FULL);
	assert_int_equal(blob_finish(writer, sha256, &detail), ERR_FULL);
	assert_int_equal(files(), 0);
}

static void
a_failed_sync_of_the_data_gives_it_no_name(void **state)
{
	(void)state;
	uint8_t sha256[32];
	disk.data_sync_errno = EIO;
	assert_int_equal(store(SLICE_LITERAL("MSCF"), 4, sha256), ERR_IO);
	assert_string_equal(disk.order, "d");
	disk.data_sync_errno = ENOSPC;
	assert_int_equal(store(SLICE_LITERAL("MSCF"), 4, sha256), ERR_FULL);
	assert_int_equal(files(), 0);
}

static void
a_failed_sync_of_the_folder_is_no_success(void **state)
{
	(void)state;
	uint8_t sha256[32] = {7};
	disk.folder_sync_errno = EIO;
	assert_int_equal(store(SLICE_LITERAL("MSCF"), 4, sha256), ERR_IO);
	disk.folder_sync_errno = ENOSPC;
	assert_int_equal(store(SLICE_LITERAL("MSCF"), 4, sha256), ERR_IO);
	assert_int_equal(sha256[0], 7);
}

static void
a_damaged_file_of_that_name_is_no_success(void **state)
{
	(void)state;
	uint8_t sha256[32];
	char path[256];
	assert_int_equal(store(SLICE_LITERAL("abc"), 3, sha256), OK);
	(void)snprintf(path, sizeof(path),
		       "%s/blobs/ba/7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
		       data);
	assert_int_equal(truncate(path, 1), 0);
	assert_int_equal(store(SLICE_LITERAL("abc"), 3, sha256), ERR_IO);
	assert_non_null(strstr(detail.why, "damaged"));
}

/* ---- durable, once ---- */

static void
data_then_name_then_folder(void **state)
{
	(void)state;
	uint8_t sha256[32];
	assert_int_equal(store(SLICE_LITERAL("abc"), 3, sha256), OK);
	assert_string_equal(disk.order, "dlf");
	/* The second time too: whoever was first may not have come to its syncs. */
	memset(disk.order, 0, sizeof(disk.order));
	assert_int_equal(store(SLICE_LITERAL("abc"), 1, sha256), OK);
	assert_string_equal(disk.order, "dlf");
	assert_int_equal(files(), 1);
}

static void
lies_under_its_hash(void **state)
{
	(void)state;
	uint8_t sha256[32];
	char path[256];
	struct stat st;
	assert_int_equal(store(SLICE_LITERAL("abc"), 3, sha256), OK);
	(void)snprintf(path, sizeof(path),
		       "%s/blobs/ba/7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
		       data);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	assert_int_equal(st.st_size, 3);
}

static void
every_size_comes_back(void **state)
{
	(void)state;
	static const size_t sizes[] = {0, 1, 63, 64, 65, 65535, 65536, 65537, 131072, 200000};
	static const size_t pieces[] = {1000, 65535, 65536, 65537, 200000};
	static uint8_t content[200000];
	for (size_t i = 0; i < sizeof(content); i++)
		content[i] = (uint8_t)(i * 7 + i / 256);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		for (size_t k = 0; k < sizeof(pieces) / sizeof(pieces[0]); k++) {
			struct slice part = slice_of(content, sizes[i]);
			uint8_t expected[32];
			uint8_t sha256[32];
			crypto_sha256(part, expected);
			assert_int_equal(store(part, pieces[k], sha256), OK);
			assert_memory_equal(sha256, expected, 32);
			assert_true(holds(sha256, part));
		}
	}
	assert_int_equal(files(), sizeof(sizes) / sizeof(sizes[0]));
}

static void
nothing_is_there_before_it_is_finished(void **state)
{
	(void)state;
	static uint8_t content[100000];
	struct blob_writer *writer;
	assert_int_equal(blob_create(dir, &writer), OK);
	assert_int_equal(blob_write(writer, slice_of(content, sizeof(content))), OK);
	assert_int_equal(blob_written_bytes(writer), sizeof(content));
	assert_int_equal(files(), 0);
	blob_cancel(writer);
	assert_int_equal(files(), 0);
	blob_cancel(NULL);
}

static void
the_head_is_what_came_first(void **state)
{
	(void)state;
	struct blob_writer *writer;
	assert_int_equal(blob_create(dir, &writer), OK);
	assert_int_equal(blob_head(writer).len, 0);
	assert_int_equal(blob_write(writer, SLICE_LITERAL("M")), OK);
	assert_int_equal(blob_write(writer, SLICE_LITERAL("SCF")), OK);
	assert_true(slice_equal_str(blob_head(writer), "MSCF"));
	for (int i = 0; i < 100; i++)
		assert_int_equal(blob_write(writer, SLICE_LITERAL("0123456789")), OK);
	assert_true(slice_starts_with(blob_head(writer), SLICE_LITERAL("MSCF0123456789")));
	assert_true(blob_head(writer).len < 1000);
	blob_cancel(writer);
}

/* ---- without O_TMPFILE ---- */

static void
a_filesystem_without_unnamed_files_will_do(void **state)
{
	(void)state;
	struct blob_writer *writer;
	uint8_t sha256[32];
	open_without_tmpfile();
	memset(disk.order, 0, sizeof(disk.order));
	assert_int_equal(store(SLICE_LITERAL("abc"), 3, sha256), OK);
	assert_string_equal(disk.order, "dlf");
	assert_true(holds(sha256, SLICE_LITERAL("abc")));
	assert_int_equal(files(), 1);
	assert_int_equal(blob_create(dir, &writer), OK);
	assert_int_equal(files(), 2);
	blob_cancel(writer);
	assert_int_equal(files(), 1);
	assert_int_equal(store(SLICE_LITERAL("abc"), 3, sha256), OK);
	assert_int_equal(files(), 1);
}

static void
what_a_dead_process_left_is_cleared_away(void **state)
{
	(void)state;
	uint8_t sha256[32];
	char path[256];
	open_without_tmpfile();
	assert_int_equal(store(SLICE_LITERAL("abc"), 3, sha256), OK);
	(void)snprintf(path, sizeof(path), "%s/blobs/tmp/0123", data);
	FILE *left = fopen(path, "w");
	assert_non_null(left);
	assert_int_equal(fclose(left), 0);
	assert_int_equal(files(), 2);
	blob_dir_close(dir);
	assert_int_equal(blob_dir_open(data, &dir, &detail), OK);
	assert_int_equal(files(), 1);
	assert_true(holds(sha256, SLICE_LITERAL("abc")));
}

/* ---- many at once ---- */

enum {
	THREADS = 8,
	BLOBS = 25
};

static void *
store_many(void *context)
{
	const unsigned *thread = context;
	for (unsigned i = 0; i < BLOBS; i++) {
		char text[64];
		uint8_t sha256[32];
		/* Every second one is the same for all threads. */
		(void)snprintf(text, sizeof(text), "blob %u %u", i % 2 == 0 ? 99 : *thread, i);
		if (store(slice_str(text), 5, sha256) != OK || !holds(sha256, slice_str(text)))
			return context;
	}
	return NULL;
}

static void
threads_do_not_disturb_each_other(void **state)
{
	(void)state;
	pthread_t threads[THREADS];
	unsigned numbers[THREADS];
	disk.is_noted = false;
	for (unsigned i = 0; i < THREADS; i++) {
		numbers[i] = i;
		assert_int_equal(pthread_create(&threads[i], NULL, store_many, &numbers[i]), 0);
	}
	for (unsigned i = 0; i < THREADS; i++) {
		void *failed;
		assert_int_equal(pthread_join(threads[i], &failed), 0);
		assert_null(failed);
	}
	assert_int_equal(files(), 13 + THREADS * 12);
}

/* ---- reading and forgetting ---- */

static void
a_reader_makes_and_changes_nothing(void **state)
{
	(void)state;
	struct blob_dir *reader = NULL;
	struct blob_writer *writer = NULL;
	uint8_t sha256[32];
	char elsewhere[SCRATCH_PATH_BYTES];
	struct stat st;
	assert_int_equal(store(SLICE_LITERAL("abc"), 3, sha256), OK);
	assert_int_equal(blob_dir_open_read(data, &reader, &detail), OK);
	assert_int_equal(blob_create(reader, &writer), ERR_DENIED);
	assert_int_equal(blob_unlink(reader, sha256), ERR_DENIED);
	assert_null(writer);
	int fd;
	uint64_t bytes;
	assert_int_equal(blob_open_read(reader, sha256, &fd, &bytes), OK);
	assert_int_equal(bytes, 3);
	(void)close(fd);
	blob_dir_close(reader);
	scratch_make(elsewhere);
	reader = NULL;
	assert_int_equal(blob_dir_open_read(elsewhere, &reader, &detail), ERR_NOTFOUND);
	assert_null(reader);
	char path[128];
	(void)snprintf(path, sizeof(path), "%s/blobs", elsewhere);
	assert_int_equal(stat(path, &st), -1);
	scratch_remove(elsewhere);
}

/* Two uploads of one content: the file goes only when the last of them got no row. */
static void
nobody_unlinks_what_a_row_is_about_to_name(void **state)
{
	(void)state;
	uint8_t sha256[32];
	assert_int_equal(store(SLICE_LITERAL("abc"), 3, sha256), OK);
	assert_int_equal(store(SLICE_LITERAL("abc"), 3, sha256), OK);
	assert_int_equal(blob_unlink(dir, sha256), ERR_BUSY);
	blob_settle(dir, sha256, false);
	assert_int_equal(blob_unlink(dir, sha256), ERR_BUSY);
	assert_int_equal(files(), 1);
	blob_settle(dir, sha256, false);
	assert_int_equal(files(), 0);
	assert_int_equal(store(SLICE_LITERAL("abc"), 3, sha256), OK);
	blob_settle(dir, sha256, true);
	assert_true(holds(sha256, SLICE_LITERAL("abc")));
}

static void
a_blob_that_failed_is_not_pinned(void **state)
{
	(void)state;
	uint8_t sha256[32];
	assert_int_equal(store(SLICE_LITERAL("abc"), 3, sha256), OK);
	blob_settle(dir, sha256, true);
	disk.folder_sync_errno = EIO;
	uint8_t unused[32];
	assert_int_equal(store(SLICE_LITERAL("abc"), 3, unused), ERR_IO);
	disk.folder_sync_errno = 0;
	assert_int_equal(blob_unlink(dir, sha256), OK);
}

static void
what_is_forgotten_is_gone(void **state)
{
	(void)state;
	uint8_t sha256[32];
	int fd;
	uint64_t bytes;
	assert_int_equal(store(SLICE_LITERAL("abc"), 3, sha256), OK);
	blob_settle(dir, sha256, true);
	assert_int_equal(blob_unlink(dir, sha256), OK);
	assert_int_equal(files(), 0);
	assert_int_equal(blob_open_read(dir, sha256, &fd, &bytes), ERR_NOTFOUND);
	assert_int_equal(blob_unlink(dir, sha256), ERR_NOTFOUND);
	assert_int_equal(store(SLICE_LITERAL("abc"), 3, sha256), OK);
	assert_true(holds(sha256, SLICE_LITERAL("abc")));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_full_disk_leaves_nothing_and_goes_on),
		TEST(a_write_that_failed_is_never_finished),
		TEST(a_failed_sync_of_the_data_gives_it_no_name),
		TEST(a_failed_sync_of_the_folder_is_no_success),
		TEST(a_damaged_file_of_that_name_is_no_success),
		TEST(data_then_name_then_folder),
		TEST(lies_under_its_hash),
		TEST(every_size_comes_back),
		TEST(nothing_is_there_before_it_is_finished),
		TEST(the_head_is_what_came_first),
		TEST(a_filesystem_without_unnamed_files_will_do),
		TEST(what_a_dead_process_left_is_cleared_away),
		TEST(threads_do_not_disturb_each_other),
		TEST(a_reader_makes_and_changes_nothing),
		TEST(nobody_unlinks_what_a_row_is_about_to_name),
		TEST(a_blob_that_failed_is_not_pinned),
		TEST(what_is_forgotten_is_gone),
	};
	return cmocka_run_group_tests(tests, make_data, remove_data);
}
