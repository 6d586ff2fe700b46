#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "base/limits.h"
#include "facts_fixture.h"
#include "store/facts_internal.h"

static struct facts_fixture f;

static int
set_up(void **state)
{
	(void)state;
	fixture_init(&f);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	fixture_done(&f);
	return 0;
}

/* Past the module, as a damaged disk or another program would. */
static void
change_behind(const char *sql)
{
	char path[128];
	sqlite3 *db;
	(void)snprintf(path, sizeof(path), "%s/facts/facts.db", f.data);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void
put(struct facts_new_report *report)
{
	assert_int_equal(facts_begin(f.facts), OK);
	assert_int_equal(facts_put_report(f.facts, report), OK);
	assert_int_equal(facts_commit(f.facts, &f.detail), OK);
}

static struct facts_report
find(uint64_t id)
{
	struct facts_report report = {0};
	assert_int_equal(facts_find_report(f.facts, id, &f.arena, &report), OK);
	return report;
}

/* ---- who may open it ---- */

static void
refuses_a_second_writer(void **state)
{
	(void)state;
	struct facts *second = NULL;
	assert_int_equal(facts_open(f.data, FACTS_WRITE, &second, &f.detail), ERR_BUSY);
	assert_non_null(strstr(f.detail.why, "another process"));
	assert_null(second);
	/* And did no harm to the first. */
	assert_int_equal(fixture_put_group(&f, 0, 3), OK);
	assert_int_equal(fixture_count_reports(f.facts, 0), 3);
}

static void
refuses_a_store_of_a_newer_version(void **state)
{
	(void)state;
	struct facts *facts = NULL;
	fixture_close(&f);
	change_behind("PRAGMA user_version = 2");
	assert_int_equal(facts_open(f.data, FACTS_WRITE, &facts, &f.detail), ERR_STALE);
	assert_int_equal(facts_open(f.data, FACTS_READ, &facts, &f.detail), ERR_STALE);
	assert_non_null(strstr(f.detail.why, "newer"));
	assert_null(facts);
}

static void
refuses_another_applications_database(void **state)
{
	(void)state;
	struct facts *facts = NULL;
	fixture_close(&f);
	change_behind("PRAGMA application_id = 17");
	assert_int_equal(facts_open(f.data, FACTS_WRITE, &facts, &f.detail), ERR_CORRUPT);
	assert_int_equal(facts_open(f.data, FACTS_READ, &facts, &f.detail), ERR_CORRUPT);
}

static void
refuses_a_file_that_is_no_database(void **state)
{
	(void)state;
	char path[128];
	struct facts *facts = NULL;
	fixture_close(&f);
	(void)snprintf(path, sizeof(path), "%s/facts/facts.db", f.data);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	for (int i = 0; i < 1000; i++)
		(void)fputs("This is not a database. ", file);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(facts_open(f.data, FACTS_WRITE, &facts, &f.detail), ERR_IO);
	assert_int_equal(facts_open(f.data, FACTS_READ, &facts, &f.detail), ERR_IO);
}

static void
a_reader_waits_for_the_owner_but_not_for_ever(void **state)
{
	(void)state;
	char data[SCRATCH_PATH_BYTES];
	struct facts *reader = NULL;
	scratch_make(data);
	int64_t start_us = time_monotonic_us();
	assert_int_equal(facts_open(data, FACTS_READ, &reader, &f.detail), ERR_NOTFOUND);
	assert_true(time_monotonic_us() - start_us >= 4 * TIME_SECOND_US);
	pid_t child = fork();
	if (child == 0) {
		struct facts *owner;
		(void)nanosleep(&(struct timespec){.tv_nsec = 300 * 1000 * 1000}, NULL);
		_exit(facts_open(data, FACTS_WRITE, &owner, NULL) != OK);
	}
	assert_int_equal(facts_open(data, FACTS_READ, &reader, &f.detail), OK);
	assert_int_equal(fixture_count_reports(reader, 0), 0);
	facts_close(reader);
	assert_int_equal(waitpid(child, NULL, 0), child);
	scratch_remove(data);
}

static void
a_reader_cannot_write(void **state)
{
	(void)state;
	struct facts *reader = NULL;
	struct facts_new_report report = fixture_report(&f, SLICE_LITERAL("x"));
	assert_int_equal(facts_open(f.data, FACTS_READ, &reader, &f.detail), OK);
	assert_int_equal(facts_begin(reader), ERR_INTERNAL);
	assert_int_equal(facts_put_report(reader, &report), ERR_INTERNAL);
	assert_int_equal(facts_commit(reader, NULL), ERR_INTERNAL);
	assert_memory_equal(facts_upload_key(reader), facts_upload_key(f.facts), UPLOAD_KEY_BYTES);
	facts_close(reader);
}

static void
nobody_else_may_read_the_files(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		mode_t mode;
	} files[] = {{"facts", 0750},
		     {"facts/facts.db", 0640},
		     {"facts/facts.db-wal", 0640},
		     {"facts/facts.db-shm", 0640},
		     {"facts/lock", 0640}};
	assert_int_equal(fixture_put_group(&f, 0, 1), OK);
	fixture_close(&f);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		char path[128];
		struct stat st;
		(void)snprintf(path, sizeof(path), "%s/%s", f.data, files[i].name);
		assert_int_equal(stat(path, &st), 0); /* -wal and -shm outlive the owner */
		assert_int_equal(st.st_mode & 07777, files[i].mode);
	}
}

/* ---- transactions ---- */

static void
an_aborted_transaction_leaves_nothing(void **state)
{
	(void)state;
	uint64_t first = 0;
	uint64_t again = 0;
	struct facts_new_report report = fixture_report(&f, SLICE_LITERAL("x"));
	assert_int_equal(facts_begin(f.facts), OK);
	assert_int_equal(facts_put_report(f.facts, &report), OK);
	assert_int_equal(facts_reserve_bucket_ids(f.facts, 64, &first), OK);
	assert_int_equal(facts_add_counter(f.facts, "reports", 1), OK);
	facts_abort(f.facts);
	assert_int_equal(fixture_count_reports(f.facts, 0), 0);
	assert_int_equal(facts_begin(f.facts), OK);
	assert_int_equal(facts_reserve_bucket_ids(f.facts, 64, &again), OK);
	assert_int_equal(first, again);
	facts_abort(f.facts);
	facts_abort(f.facts);
}

static void
nothing_is_written_outside_of_a_transaction(void **state)
{
	(void)state;
	uint64_t id = 5;
	struct facts_new_report report = fixture_report(&f, SLICE_LITERAL("x"));
	struct facts_bucket bucket = {.id = 1000, .label.event_type = SLICE_LITERAL("APPCRASH")};
	assert_int_not_equal(facts_put_report(f.facts, &report), OK);
	assert_int_not_equal(facts_put_bucket(f.facts, &bucket), OK);
	assert_int_not_equal(facts_add_counter(f.facts, "x", 1), OK);
	assert_int_not_equal(facts_reserve_bucket_ids(f.facts, 1, &id), OK);
	assert_int_not_equal(facts_commit(f.facts, NULL), OK);
	assert_int_equal(id, 5);
	assert_int_equal(fixture_count_reports(f.facts, 0), 0);
}

static void
an_id_is_taken_once(void **state)
{
	(void)state;
	struct facts_new_report report = fixture_report(&f, SLICE_LITERAL("report 0"));
	put(&report);
	assert_int_equal(facts_begin(f.facts), OK);
	assert_int_equal(facts_put_report(f.facts, &report), ERR_EXISTS);
	assert_int_equal(facts_commit(f.facts, NULL), OK);
	assert_int_equal(fixture_count_reports(f.facts, 0), 1);
}

static void
refuses_ids_that_are_none(void **state)
{
	(void)state;
	struct facts_new_report report = fixture_report(&f, SLICE_LITERAL("x"));
	assert_int_equal(facts_begin(f.facts), OK);
	report.id = UINT64_C(1) << 63;
	assert_int_equal(facts_put_report(f.facts, &report), ERR_INTERNAL);
	facts_abort(f.facts);
	assert_int_equal(fixture_count_reports(f.facts, 0), 0);
}

/* ---- reports ---- */

static void
a_report_comes_back_as_it_was(void **state)
{
	(void)state;
	struct facts_new_report report = fixture_report(&f, SLICE_LITERAL("\xff\xfe<\0a\0/\0>\0"));
	report.source.flags = SOURCE_TLS | SOURCE_AUTHENTICATED | SOURCE_HTTP10;
	report.source.auth_name = SLICE_LITERAL("EXAMPLE\\pc-0815$");
	put(&report);
	struct facts_report back = find(report.id);
	assert_int_equal(back.id, report.id);
	assert_int_equal(back.bucket, 1000);
	assert_int_equal(back.source.flags, report.source.flags);
	assert_memory_equal(&back.source.peer, &report.source.peer, sizeof(struct address));
	assert_true(slice_equal(back.source.auth_name, report.source.auth_name));
	assert_true(slice_is_absent(back.source.origin));
	assert_true(slice_equal(back.body, SLICE_LITERAL("\xff\xfe<\0a\0/\0>\0")));
	assert_false(back.is_cab_asked);
	assert_false(back.has_cab);
}

static void
a_plain_reply_is_made_again_with_its_own_table(void **state)
{
	(void)state;
	struct facts_new_report report = fixture_report(&f, SLICE_LITERAL("x"));
	report.bucket = 123456;
	put(&report);
	assert_true(slice_equal_str(find(report.id).reply, "Bucket=123456\r\nBucketTable=5\r\n"));
	struct facts_new_report other = fixture_report(&f, SLICE_LITERAL("x"));
	other.bucket_table = 4;
	put(&other);
	assert_true(slice_equal_str(find(other.id).reply, "Bucket=1000\r\nBucketTable=4\r\n"));
}

static void
a_full_reply_is_kept_byte_for_byte(void **state)
{
	(void)state;
	struct facts_new_report report = fixture_report(&f, SLICE_LITERAL("x"));
	report.reply = SLICE_LITERAL("Bucket=1000\r\nBucketTable=5\r\nResponse=http://x/\xe4\r\n");
	put(&report);
	assert_true(slice_equal(find(report.id).reply, report.reply));
	assert_false(find(report.id).is_cab_asked);
}

static void
the_peer_may_be_of_either_kind_or_none(void **state)
{
	(void)state;
	struct facts_new_report six = fixture_report(&f, SLICE_LITERAL("x"));
	six.source.peer = (struct address){.ip = {0x20, 1, 0xd, 0xb8, [15] = 1}, .port = 65535};
	put(&six);
	struct facts_report back = find(six.id);
	assert_memory_equal(&back.source.peer, &six.source.peer, sizeof(struct address));
	struct facts_new_report none = fixture_report(&f, SLICE_LITERAL("x"));
	none.source = (struct facts_source){
		.flags = SOURCE_IMPORTED,
		.origin = SLICE_LITERAL("/srv/old/wer.sqlite"),
		.auth_name = SLICE_LITERAL(""),
	};
	put(&none);
	back = find(none.id);
	assert_true(address_is_none(&back.source.peer));
	assert_true(slice_equal(back.source.origin, none.source.origin));
	assert_false(slice_is_absent(back.source.auth_name));
	assert_int_equal(back.source.auth_name.len, 0);
}

static void
there_is_no_report_that_was_not_put(void **state)
{
	(void)state;
	struct facts_report report = {.id = 9};
	uint64_t value = 9;
	assert_int_equal(facts_find_report(f.facts, 1, &f.arena, &report), ERR_NOTFOUND);
	assert_int_equal(facts_find_report(f.facts, UINT64_MAX, &f.arena, &report), ERR_NOTFOUND);
	assert_int_equal(facts_find_report_bucket(f.facts, 1, &value), ERR_NOTFOUND);
	assert_int_equal(facts_find_report_bucket(f.facts, UINT64_MAX, &value), ERR_NOTFOUND);
	assert_int_equal(report.id, 9);
	assert_int_equal(value, 9);
	assert_int_equal(facts_highest_id(f.facts, &value), OK);
	assert_int_equal(value, 0);
}

static void
says_when_the_arena_is_too_small(void **state)
{
	(void)state;
	struct arena small;
	struct facts_report report;
	char body[4096];
	memset(body, 'x', sizeof(body));
	struct facts_new_report large = fixture_report(&f, slice_of(body, sizeof(body)));
	put(&large);
	arena_init(&small, 1024);
	assert_int_equal(facts_find_report(f.facts, large.id, &small, &report), ERR_LIMIT);
	arena_done(&small);
	assert_int_equal(find(large.id).body.len, sizeof(body));
}

static void
every_page_is_read_to_its_end(void **state)
{
	(void)state;
	static const size_t counts[] = {1, 63, 64, 65, 128, 129, 200};
	size_t total = 0;
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		assert_int_equal(fixture_put_group(&f, total, counts[i]), OK);
		total += counts[i];
		assert_int_equal(fixture_count_reports(f.facts, 0), total);
	}
}

static void
large_reports_are_read_in_smaller_pages(void **state)
{
	(void)state;
	struct fixture_count count = {0};
	size_t seen = 0;
	struct buf body;
	uint32_t seed = 1;
	buf_init(&body, LIMIT_REPORT_BYTES);
	for (size_t i = 0; i < LIMIT_REPORT_BYTES; i++) {
		seed = seed * 1664525 + 1013904223;
		buf_append_byte(&body, (uint8_t)(seed >> 24 | 1)); /* does not shrink */
	}
	for (int i = 0; i < 7; i++) {
		struct facts_new_report report = fixture_report(&f, buf_slice(&body));
		put(&report);
	}
	assert_int_equal(
		facts_each_report_after(f.facts, 0, SIZE_MAX, fixture_count_one, &count, &seen),
		OK);
	assert_int_equal(seen, 7);
	buf_done(&body);
}

struct stopper {
	size_t left;
	uint64_t last;
};

static err_t
stop_after(void *context, const struct facts_report *report)
{
	struct stopper *stopper = context;
	struct facts_report again;
	stopper->last = report->id;
	/* A callback may look around. */
	assert_int_equal(facts_find_report(f.facts, report->id, &f.arena, &again), OK);
	assert_true(slice_equal(again.body, report->body));
	return --stopper->left == 0 ? ERR_CLOSED : OK;
}

static void
stops_where_it_is_told_and_goes_on_from_there(void **state)
{
	(void)state;
	struct stopper stopper = {.left = 70};
	size_t count = 12345;
	assert_int_equal(fixture_put_group(&f, 0, 100), OK);
	assert_int_equal(
		facts_each_report_after(f.facts, 0, SIZE_MAX, stop_after, &stopper, &count),
		ERR_CLOSED);
	assert_int_equal(count, 12345);
	stopper.left = SIZE_MAX;
	uint64_t after = stopper.last;
	assert_int_equal(facts_each_report_after(f.facts, after, 10, stop_after, &stopper, &count),
			 OK);
	assert_int_equal(count, 10);
	assert_int_equal(facts_each_report_after(f.facts, stopper.last, SIZE_MAX, stop_after,
						 &stopper, &count),
			 OK);
	assert_int_equal(count, 20);
}

static void
a_reader_sees_what_was_committed_and_nothing_else(void **state)
{
	(void)state;
	struct facts *reader = NULL;
	struct facts_new_report report;
	assert_int_equal(facts_open(f.data, FACTS_READ, &reader, &f.detail), OK);
	for (size_t i = 0; i < 20; i++) {
		assert_int_equal(fixture_put_group(&f, i * 10, 10), OK);
		assert_int_equal(facts_begin(f.facts), OK);
		report = fixture_report(&f, SLICE_LITERAL("not committed"));
		assert_int_equal(facts_put_report(f.facts, &report), OK);
		assert_int_equal(fixture_count_reports(reader, 0), (i + 1) * 10);
		facts_abort(f.facts);
	}
	facts_close(reader);
}

static err_t
check_next_id(void *context, uint64_t id)
{
	uint64_t *last = context;
	assert_true(id > *last);
	*last = id;
	return OK;
}

static void
ids_alone_come_in_order_too(void **state)
{
	(void)state;
	uint64_t highest = 0;
	uint64_t last = 0;
	assert_int_equal(fixture_put_group(&f, 0, 3000), OK);
	assert_int_equal(facts_highest_id(f.facts, &highest), OK);
	assert_int_equal(highest, f.ids.last);
	assert_int_equal(facts_each_id_after(f.facts, 0, check_next_id, &last), OK);
	assert_int_equal(last, highest);
}

/* ---- damage ---- */

static void
a_damaged_row_does_not_hide_the_others(void **state)
{
	(void)state;
	struct facts_report report;
	struct fixture_count count = {0};
	size_t seen = 0;
	assert_int_equal(fixture_put_group(&f, 0, 5), OK);
	uint64_t last = f.ids.last;
	change_behind("UPDATE report SET body = x'0b00' WHERE id = (SELECT max(id) FROM report);"
		      "UPDATE report SET source = x'ff' WHERE id = (SELECT min(id) FROM report)");
	assert_int_equal(facts_find_report(f.facts, last, &f.arena, &report), ERR_CORRUPT);
	assert_int_equal(facts_find_report(f.facts, last - 4, &f.arena, &report), ERR_CORRUPT);
	assert_int_equal(facts_find_report(f.facts, last - 1, &f.arena, &report), OK);
	assert_int_equal(
		facts_each_report_after(f.facts, 0, SIZE_MAX, fixture_count_one, &count, &seen),
		OK);
	assert_int_equal(seen, 5);
}

static void
a_reply_that_is_gone_is_noticed(void **state)
{
	(void)state;
	struct facts_report report;
	struct facts_new_report row = fixture_report(&f, SLICE_LITERAL("x"));
	row.reply = SLICE_LITERAL("iData=1\r\n");
	put(&row);
	change_behind("DELETE FROM reply");
	assert_int_equal(facts_find_report(f.facts, row.id, &f.arena, &report), ERR_CORRUPT);
}

static void
refuses_every_source_that_contradicts_itself(void **state)
{
	(void)state;
	struct facts_row_source row = {
		.source = {.peer = {.ip = {0x20, 1}, .port = 7},
			   .flags = 0x7f,
			   .auth_name = SLICE_LITERAL("somebody"),
			   .origin = SLICE_LITERAL("somewhere")},
		.bucket_table = 300,
	};
	struct facts_row_source back;
	struct buf source;
	buf_init(&source, 1000);
	facts_format_source(&row, &source);
	assert_int_equal(facts_parse_source(buf_slice(&source), &back), OK);
	assert_int_equal(back.bucket_table, 300);
	for (size_t len = 0; len < source.len; len++)
		assert_int_equal(facts_parse_source(slice_sub(buf_slice(&source), 0, len), &back),
				 ERR_CORRUPT);
	buf_append_byte(&source, 0);
	assert_int_equal(facts_parse_source(buf_slice(&source), &back), ERR_CORRUPT);
	/* A length past the end, a number that does not end, a third kind of peer. */
	assert_int_equal(facts_parse_source(SLICE_LITERAL("\x04\0\xff\xff\xff\xff\x0f"), &back),
			 ERR_CORRUPT);
	assert_int_equal(
		facts_parse_source(SLICE_LITERAL("\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
						 "\xff"),
				   &back),
		ERR_CORRUPT);
	assert_int_equal(facts_parse_source(SLICE_LITERAL("\x03\0"), &back), ERR_CORRUPT);
	buf_done(&source);
}

static void
an_unclean_end_with_damage_keeps_it_closed(void **state)
{
	(void)state;
	struct facts *facts = NULL;
	assert_int_equal(fixture_put_group(&f, 0, 5), OK);
	fixture_close(&f);
	change_behind("UPDATE report SET body = x'0b00' WHERE id = (SELECT max(id) FROM report)");
	/* It ended cleanly, so nobody looked. */
	fixture_open(&f);
	fixture_close(&f);
	change_behind("UPDATE meta SET value = 0 WHERE name = 'clean'");
	assert_int_equal(facts_open(f.data, FACTS_WRITE, &facts, &f.detail), ERR_CORRUPT);
	assert_non_null(strstr(f.detail.why, "damaged"));
	/* Again: the refusal must not count as a clean end. */
	assert_int_equal(facts_open(f.data, FACTS_WRITE, &facts, &f.detail), ERR_CORRUPT);
}

static void
an_unclean_end_without_damage_opens(void **state)
{
	(void)state;
	assert_int_equal(fixture_put_group(&f, 0, 5), OK);
	uint8_t key[UPLOAD_KEY_BYTES];
	memcpy(key, facts_upload_key(f.facts), sizeof(key));
	fixture_close(&f);
	change_behind("UPDATE meta SET value = 0 WHERE name = 'clean'");
	fixture_open(&f);
	assert_int_equal(fixture_count_reports(f.facts, 0), 5);
	assert_memory_equal(key, facts_upload_key(f.facts), sizeof(key));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(refuses_a_second_writer),
		TEST(refuses_a_store_of_a_newer_version),
		TEST(refuses_another_applications_database),
		TEST(refuses_a_file_that_is_no_database),
		TEST(a_reader_waits_for_the_owner_but_not_for_ever),
		TEST(a_reader_cannot_write),
		TEST(nobody_else_may_read_the_files),
		TEST(an_aborted_transaction_leaves_nothing),
		TEST(nothing_is_written_outside_of_a_transaction),
		TEST(an_id_is_taken_once),
		TEST(refuses_ids_that_are_none),
		TEST(a_report_comes_back_as_it_was),
		TEST(a_plain_reply_is_made_again_with_its_own_table),
		TEST(a_full_reply_is_kept_byte_for_byte),
		TEST(the_peer_may_be_of_either_kind_or_none),
		TEST(there_is_no_report_that_was_not_put),
		TEST(says_when_the_arena_is_too_small),
		TEST(every_page_is_read_to_its_end),
		TEST(large_reports_are_read_in_smaller_pages),
		TEST(stops_where_it_is_told_and_goes_on_from_there),
		TEST(a_reader_sees_what_was_committed_and_nothing_else),
		TEST(ids_alone_come_in_order_too),
		TEST(a_damaged_row_does_not_hide_the_others),
		TEST(a_reply_that_is_gone_is_noticed),
		TEST(refuses_every_source_that_contradicts_itself),
		TEST(an_unclean_end_with_damage_keeps_it_closed),
		TEST(an_unclean_end_without_damage_opens),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
