/* test_store_facts_faults.c - disks that are full, lie or die, and processes that are killed */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include "base/limits.h"
#include "facts_fixture.h"

/* ---- the disk ----
 *
 * These stand before libc's own for the whole program, the engine's library included. */
static struct {
	int write_errno; /* 0: works */
	int sync_errno;
	long writes_left; /* that still work */
	bool is_short;    /* the failing write puts down half of its bytes first */
	unsigned long writes;
	unsigned long syncs;
} disk;

ssize_t
pwrite64(int fd, const void *bytes, size_t count, off64_t at)
{
	disk.writes++;
	if (disk.write_errno != 0 && disk.writes_left-- <= 0) {
		if (disk.is_short && count > 1) {
			disk.is_short = false;
			return syscall(SYS_pwrite64, fd, bytes, count / 2, at);
		}
		errno = disk.write_errno;
		return -1;
	}
	return syscall(SYS_pwrite64, fd, bytes, count, at);
}

/* Nobody cuts the power here: what does not fail need not wait. */
int
fdatasync(int fd)
{
	(void)fd;
	disk.syncs++;
	errno = disk.sync_errno;
	return disk.sync_errno == 0 ? 0 : -1;
}

static struct facts_fixture f;

static int
set_up(void **state)
{
	(void)state;
	memset(&disk, 0, sizeof(disk));
	fixture_init(&f);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	memset(&disk, 0, sizeof(disk));
	fixture_done(&f);
	return 0;
}

static void
the_disk_of_these_tests_is_really_used(void **state)
{
	(void)state;
	unsigned long writes = disk.writes;
	unsigned long syncs = disk.syncs;
	assert_int_equal(fixture_put_group(&f, 0, 1), OK);
	assert_true(disk.writes > writes);
	assert_int_equal(disk.syncs, syncs + 1); /* one group, one sync */
}

/* ---- full ---- */

/* At every write of a group: it is rolled back whole, and the next one works. */
static void
a_full_disk_rolls_back_and_goes_on(void **state)
{
	(void)state;
	size_t stored = 0;
	unsigned failures = 0;
	for (long allowed = 0; allowed < 60; allowed++) {
		disk.write_errno = allowed % 3 == 0 ? EDQUOT : ENOSPC;
		disk.writes_left = allowed;
		disk.is_short = allowed % 2 == 0;
		err_t err = fixture_put_group(&f, stored, 40);
		disk.write_errno = 0;
		if (err == OK) {
			stored += 40;
			continue;
		}
		assert_int_equal(err, ERR_FULL);
		assert_int_equal(fixture_count_reports(f.facts, 0), stored);
		assert_int_equal(fixture_put_group(&f, stored, 1), OK);
		stored++;
		failures++;
	}
	assert_true(failures > 5);
	fixture_close(&f);
	fixture_open(&f);
	assert_int_equal(fixture_count_reports(f.facts, 0), stored);
}

/* What no compression makes smaller. */
static void
random_bytes(struct buf *out, size_t count)
{
	uint32_t seed = 7;
	for (size_t i = 0; i < count; i++) {
		seed = seed * 1664525 + 1013904223;
		buf_append_byte(out, (uint8_t)(seed >> 24 | 1));
	}
}

/* A group so large that the engine writes before the commit: the put itself fails then, and what
 * comes after it must not be committed alone. */
static void
a_full_disk_inside_of_a_group_stops_the_group(void **state)
{
	(void)state;
	err_t err = OK;
	size_t put = 0;
	struct buf body;
	buf_init(&body, LIMIT_REPORT_BYTES);
	random_bytes(&body, 200000);
	struct facts_new_report report = fixture_report(&f, buf_slice(&body));
	disk.write_errno = ENOSPC;
	assert_int_equal(facts_begin(f.facts), OK);
	for (; err == OK && put < 200; put++) {
		report.id = id_next(&f.ids, FIXTURE_NOW_US);
		err = facts_put_report(f.facts, &report);
	}
	disk.write_errno = 0;
	assert_int_equal(err, ERR_FULL);
	report.id = id_next(&f.ids, FIXTURE_NOW_US);
	assert_int_equal(facts_put_report(f.facts, &report), ERR_FULL);
	assert_int_equal(facts_add_counter(f.facts, "reports", 1), ERR_FULL);
	assert_int_equal(facts_commit(f.facts, &f.detail), ERR_FULL);
	assert_int_equal(fixture_count_reports(f.facts, 0), 0);
	assert_int_equal(fixture_put_group(&f, 0, 3), OK);
	assert_int_equal(fixture_count_reports(f.facts, 0), 3);
	buf_done(&body);
}

static off_t
database_bytes(void)
{
	char path[128];
	struct stat st;
	(void)snprintf(path, sizeof(path), "%s/facts/facts.db", f.data);
	return stat(path, &st) == 0 ? st.st_size : 0;
}

static err_t
put_large(struct slice body)
{
	struct facts_new_report report = fixture_report(&f, body);
	err_t err = facts_begin(f.facts);
	if (err == OK)
		err = facts_put_report(f.facts, &report);
	if (err == OK)
		return facts_commit(f.facts, &f.detail);
	facts_abort(f.facts);
	return err;
}

/* Copying the WAL back needs room too; what was committed is not touched by its failure. */
static void
a_full_disk_during_a_checkpoint_loses_nothing(void **state)
{
	(void)state;
	struct fixture_count count = {0};
	size_t seen = 0;
	struct buf body;
	buf_init(&body, LIMIT_REPORT_BYTES);
	random_bytes(&body, LIMIT_REPORT_BYTES);
	/* 130 pages each: checkpoints become due in groups that are let down, then in others. */
	for (size_t stored = 0; stored < 60; stored++) {
		assert_int_equal(put_large(buf_slice(&body)), OK);
		disk.write_errno = stored < 40 ? ENOSPC : 0;
		disk.writes_left = (long)(stored % 10);
		if (disk.write_errno != 0)
			assert_int_equal(put_large(buf_slice(&body)), ERR_FULL);
		disk.write_errno = 0;
	}
	assert_true(database_bytes() > 20 * LIMIT_REPORT_BYTES);
	fixture_close(&f);
	fixture_open(&f);
	assert_int_equal(
		facts_each_report_after(f.facts, 0, SIZE_MAX, fixture_count_one, &count, &seen),
		OK);
	assert_int_equal(seen, 60);
	buf_done(&body);
}

/* ---- broken ---- */

/* MAYBE: reports of the group that failed, which is there whole or not at all. */
static void
expect_broken_until_it_is_opened_again(size_t stored, size_t maybe)
{
	assert_int_equal(facts_begin(f.facts), ERR_IO);
	assert_int_equal(fixture_put_group(&f, stored, 1), ERR_IO);
	assert_int_equal(fixture_count_reports(f.facts, 0), stored);
	fixture_close(&f);
	unsigned long syncs = disk.syncs;
	fixture_open(&f);
	assert_true(disk.syncs >= syncs + 3); /* the WAL, the file, the new state */
	if (fixture_count_reports(f.facts, 0) == stored + maybe)
		stored += maybe;
	assert_int_equal(fixture_count_reports(f.facts, 0), stored);
	assert_int_equal(fixture_put_group(&f, stored, 5), OK);
	assert_int_equal(fixture_count_reports(f.facts, 0), stored + 5);
}

static void
a_failed_sync_stops_everything(void **state)
{
	(void)state;
	assert_int_equal(fixture_put_group(&f, 0, 10), OK);
	disk.sync_errno = EIO;
	assert_int_equal(fixture_put_group(&f, 10, 10), ERR_IO);
	disk.sync_errno = 0;
	expect_broken_until_it_is_opened_again(10, 10);
}

/* Even when it calls itself full: nobody knows then what is on the disk. */
static void
a_sync_that_failed_for_want_of_room_stops_everything(void **state)
{
	(void)state;
	assert_int_equal(fixture_put_group(&f, 0, 10), OK);
	disk.sync_errno = ENOSPC;
	assert_int_equal(fixture_put_group(&f, 10, 10), ERR_IO);
	disk.sync_errno = 0;
	expect_broken_until_it_is_opened_again(10, 10);
}

static void
a_failed_write_stops_everything(void **state)
{
	(void)state;
	assert_int_equal(fixture_put_group(&f, 0, 10), OK);
	disk.write_errno = EIO;
	assert_int_equal(fixture_put_group(&f, 10, 10), ERR_IO);
	disk.write_errno = 0;
	expect_broken_until_it_is_opened_again(10, 10);
}

/* ---- a real full disk ---- */

static int
fill_small_disk(void)
{
	struct facts_fixture small = {0};
	size_t stored = 0;
	err_t err = OK;
	if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
	    mount("none", f.data, "tmpfs", 0, "size=4m") != 0)
		return 77;
	memcpy(small.data, f.data, sizeof(small.data));
	small.pack = pack_new();
	buf_init(&small.packed, LIMIT_REPORT_BYTES * 2);
	id_generator_init(&small.ids, 0, 0);
	if (facts_open(small.data, FACTS_WRITE, &small.facts, NULL) != OK)
		return 1;
	while ((err = fixture_put_group(&small, stored, 100)) == OK)
		stored += 100;
	if (err != ERR_FULL || fixture_count_reports(small.facts, 0) != stored)
		return 2;
	for (int i = 0; i < 10; i++)
		if (fixture_put_group(&small, stored, 100) != ERR_FULL)
			return 3;
	/* Whoever tends the machine makes room. */
	if (mount("none", small.data, "tmpfs", MS_REMOUNT, "size=16m") != 0)
		return 4;
	if (fixture_put_group(&small, stored, 100) != OK)
		return 5;
	facts_close(small.facts);
	if (facts_open(small.data, FACTS_WRITE, &small.facts, NULL) != OK)
		return 6;
	return fixture_count_reports(small.facts, 0) == stored + 100 ? 0 : 7;
}

static void
a_small_filesystem_fills_and_recovers(void **state)
{
	(void)state;
	int status = 0;
	fixture_close(&f);
	pid_t child = fork();
	if (child == 0)
		_exit(fill_small_disk());
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		print_message("skip: a real full disk (may not mount)\n");
	else
		assert_int_equal(WEXITSTATUS(status), 0);
	fixture_open(&f);
}

/* ---- killed ---- */

/* Tells the number of committed reports after each commit, until it is killed. */
static void
commit_for_ever(int told, size_t stored)
{
	fixture_open(&f);
	for (size_t group = 1;; group = group % 50 + 1) {
		if (fixture_put_group(&f, stored, group) != OK)
			_exit(1);
		stored += group;
		if (write(told, &stored, sizeof(stored)) != (ssize_t)sizeof(stored))
			_exit(2);
	}
}

static void
what_was_committed_survives_a_kill(void **state)
{
	(void)state;
	size_t told = 0;
	fixture_close(&f);
	for (long round = 0; round < 10; round++) {
		int pipes[2];
		size_t number;
		assert_int_equal(pipe(pipes), 0);
		pid_t child = fork();
		if (child == 0)
			commit_for_ever(pipes[1], told);
		(void)close(pipes[1]);
		assert_int_equal(read(pipes[0], &number, sizeof(number)), sizeof(number));
		told = number;
		(void)nanosleep(&(struct timespec){.tv_nsec = 7 * round * 1000 * 1000}, NULL);
		assert_int_equal(kill(child, SIGKILL), 0);
		assert_int_equal(waitpid(child, NULL, 0), child);
		while (read(pipes[0], &number, sizeof(number)) == (ssize_t)sizeof(number))
			told = number;
		(void)close(pipes[0]);
		fixture_open(&f);
		/* A group may have been committed and not told; none is half there. */
		size_t stored = fixture_count_reports(f.facts, 0);
		assert_true(stored >= told && stored - told <= 50);
		told = stored;
		assert_int_equal(facts_highest_id(f.facts, &f.ids.last), OK);
		fixture_close(&f);
	}
	print_message("%zu reports in ten rounds\n", told);
	assert_true(told > 0);
	fixture_open(&f);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_disk_of_these_tests_is_really_used),
		TEST(a_full_disk_rolls_back_and_goes_on),
		TEST(a_full_disk_inside_of_a_group_stops_the_group),
		TEST(a_full_disk_during_a_checkpoint_loses_nothing),
		TEST(a_failed_sync_stops_everything),
		TEST(a_sync_that_failed_for_want_of_room_stops_everything),
		TEST(a_failed_write_stops_everything),
		TEST(a_small_filesystem_fills_and_recovers),
		TEST(what_was_committed_survives_a_kill),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
