#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"

static char folder[64];
static struct arena arena;

static int
set_up(void **state)
{
	(void)state;
	(void)snprintf(folder, sizeof(folder), "/tmp/openwer-fs-XXXXXX");
	arena_init(&arena, 1 << 20);
	return mkdtemp(folder) == NULL;
}

static int
tear_down(void **state)
{
	(void)state;
	static const char *const files[] = {"file", "file.new", "a/b/file"};
	static const char *const folders[] = {"a/b/c", "a/b", "a", "d"};
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		(void)unlink(fs_join(&arena, folder, files[i]));
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
		(void)rmdir(fs_join(&arena, folder, folders[i]));
	arena_done(&arena);
	return rmdir(folder);
}

static void
failures_name_the_path_and_leave_nothing_to_free(void **state)
{
	(void)state;
	struct err_detail detail = {0};
	struct buf out;
	uint64_t free_bytes = 7;
	char long_path[5000];
	const char *missing = fs_join(&arena, folder, "none/file");
	assert_int_equal(fs_read_file(missing, 10, &out, &detail), ERR_NOTFOUND);
	assert_non_null(strstr(detail.why, missing));
	buf_done(&out);
	assert_int_equal(fs_replace_file(missing, SLICE_LITERAL("x"), 0600, &detail), ERR_NOTFOUND);
	assert_int_equal(fs_sync_folder(missing, NULL), ERR_NOTFOUND);
	assert_int_equal(fs_free_bytes(missing, &free_bytes), ERR_NOTFOUND);
	assert_int_equal(free_bytes, 7);
	memset(long_path, 'x', sizeof(long_path) - 1);
	long_path[sizeof(long_path) - 1] = '\0';
	assert_int_equal(fs_replace_file(long_path, SLICE_LITERAL("x"), 0600, &detail), ERR_LIMIT);
	assert_int_equal(fs_make_folders(long_path, 0700, &detail), ERR_LIMIT);
}

static void
a_file_over_the_limit_is_refused_whole(void **state)
{
	(void)state;
	struct err_detail detail;
	struct buf out;
	const char *path = fs_join(&arena, folder, "file");
	assert_int_equal(fs_replace_file(path, SLICE_LITERAL("12345"), 0600, &detail), OK);
	assert_int_equal(fs_read_file(path, 4, &out, &detail), ERR_LIMIT);
	assert_non_null(strstr(detail.why, "larger than 4"));
	buf_done(&out);
	assert_int_equal(fs_read_file(path, 5, &out, &detail), OK);
	assert_true(slice_equal_str(buf_slice(&out), "12345"));
	buf_done(&out);
	assert_int_equal(fs_read_file(folder, 5, &out, &detail), ERR_IO);
	buf_done(&out);
}

static void
a_file_is_replaced_whole_and_nothing_stays_beside_it(void **state)
{
	(void)state;
	struct err_detail detail;
	struct stat st;
	struct buf out;
	const char *path = fs_join(&arena, folder, "file");
	assert_int_equal(fs_replace_file(path, SLICE_LITERAL("first"), 0640, &detail), OK);
	assert_int_equal(fs_replace_file(path, SLICE_LITERAL("2"), 0640, &detail), OK);
	assert_int_equal(fs_read_file(path, 100, &out, &detail), OK);
	assert_true(slice_equal_str(buf_slice(&out), "2"));
	buf_done(&out);
	assert_int_equal(access(fs_join(&arena, folder, "file.new"), F_OK), -1);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0137, 0);
}

static void
folders_are_made_with_all_above_them(void **state)
{
	(void)state;
	struct err_detail detail;
	struct stat st;
	assert_int_equal(fs_make_folders(fs_join(&arena, folder, "a/b/c/"), 0700, &detail), OK);
	assert_int_equal(fs_make_folders(fs_join(&arena, folder, "a/b/c"), 0700, &detail), OK);
	assert_int_equal(fs_make_folders(fs_join(&arena, folder, "//a//b"), 0700, &detail), OK);
	assert_int_equal(stat(fs_join(&arena, folder, "a/b/c"), &st), 0);
	assert_true(S_ISDIR(st.st_mode));
	assert_int_equal(fs_replace_file(fs_join(&arena, folder, "a/b/file"), SLICE_LITERAL(""),
					 0600, &detail),
			 OK);
	assert_int_equal(fs_make_folders(fs_join(&arena, folder, "a/b/file"), 0700, &detail),
			 ERR_EXISTS);
	assert_int_not_equal(fs_make_folders(fs_join(&arena, folder, "a/b/file/x"), 0700, &detail),
			     OK);
	assert_int_equal(fs_sync_folder(folder, &detail), OK);
}

static void
a_full_disk_is_told_apart(void **state)
{
	(void)state;
	uint64_t free_bytes = 0;
	int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(fs_write_all(fd, SLICE_LITERAL("x")), ERR_FULL);
	assert_int_equal(fs_write_all(fd, SLICE_LITERAL("")), OK);
	(void)close(fd);
	assert_int_equal(fs_write_all(-1, SLICE_LITERAL("x")), ERR_IO);
	assert_int_equal(fs_free_bytes(folder, &free_bytes), OK);
	assert_true(free_bytes > 0);
}

static void
every_error_has_its_row(void **state)
{
	(void)state;
	struct err_detail detail;
	for (int i = 0; i < ERR_N; i++) {
		err_t err = (err_t)i;
		assert_true(strlen(err_text(err)) > 0);
		assert_int_equal(err_http_status(err) == 200, err == OK);
		assert_int_equal(err_exit_status(err) == 0, err == OK);
		assert_memory_equal(err_name(err), err == OK ? "OK" : "ERR_", err == OK ? 3 : 4);
	}
	assert_string_equal(err_name((err_t)1000), "ERR_INTERNAL");
	assert_int_equal(err_from_errno(ENOSPC), ERR_FULL);
	assert_int_equal(err_from_errno(EDQUOT), ERR_FULL);
	assert_int_equal(err_from_errno(0), OK);
	assert_int_equal(err_from_errno(EIO), ERR_IO);
	assert_true(err_is_retryable(ERR_BUSY));
	assert_false(err_is_retryable(ERR_CORRUPT));
	assert_int_equal(err_set(NULL, ERR_IO, "%d", 1), ERR_IO);
	assert_int_equal(err_set(&detail, ERR_IO, "%0500d", 1), ERR_IO);
	assert_int_equal(strlen(detail.why), sizeof(detail.why) - 1);
}

int
main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		CASE(failures_name_the_path_and_leave_nothing_to_free),
		CASE(a_file_over_the_limit_is_refused_whole),
		CASE(a_file_is_replaced_whole_and_nothing_stays_beside_it),
		CASE(folders_are_made_with_all_above_them),
		CASE(a_full_disk_is_told_apart),
		CASE(every_error_has_its_row),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
