#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "derived_fixture.h"
#include "store/derived_writer.h"

static const struct told CRASH = {
	.machine = "PC-1",
	.user = "CONTOSO\\anna",
	.os = "10.0.19045.2.0.0.256.4",
	.app_name = "Editor",
	.app_path = "C:\\tools\\editor.exe",
	.params = {"editor.exe", "1.0", "5f000001", "ntdll.dll", "10.0", "5f000002", "c0000005",
		   "0001"},
};

static struct derived_totals
totals_of(struct fixture *f)
{
	struct derived_totals totals;
	MUST(derived_totals(f->derived, &totals));
	return totals;
}

static struct derived_bucket
bucket_of(struct fixture *f, uint64_t id)
{
	static struct arena arena;
	struct derived_bucket bucket;
	arena_done(&arena);
	arena_init(&arena, 1 << 20);
	MUST(derived_find_bucket(f->derived, id, &arena, &bucket));
	return bucket;
}

/* ---- what should not happen ---- */

static void
an_unreadable_body_is_counted_and_stops_nothing(void **state)
{
	struct fixture *f = fixture_new();
	(void)state;
	(void)fixture_tell(f, &CRASH);
	MUST(facts_begin(f->facts));
	(void)fixture_put_body(f, 0, 1000, false, SLICE_LITERAL("this is no report"));
	MUST(facts_commit(f->facts, detail));
	(void)fixture_tell(f, &CRASH);
	assert_int_equal(fixture_follow(f, 100), 3);
	assert_int_equal(totals_of(f).reports, 3);
	assert_int_equal(totals_of(f).machines, 1);
	assert_int_equal(bucket_of(f, 1000).hits, 3);
	fixture_free(f);
}

static void
a_bucket_without_its_row_is_made_from_the_report(void **state)
{
	struct fixture *f = fixture_new();
	struct report report;
	struct report_pair secondary;
	struct buf body;
	(void)state;
	fixture_report(&CRASH, &report, &secondary);
	buf_init(&body, SIZE_MAX);
	level1_format(&report, TEXT_UTF8, &body);
	MUST(facts_begin(f->facts));
	uint64_t id = fixture_put_body(f, 0, 4711, false, buf_slice(&body));
	MUST(facts_commit(f->facts, detail));
	buf_done(&body);
	assert_int_equal(fixture_follow(f, 100), 1);
	struct derived_bucket bucket = bucket_of(f, 4711);
	assert_int_equal(bucket.label.n_params, 8);
	assert_true(slice_equal_str(bucket.label.params[3], "ntdll.dll"));
	assert_int_equal(bucket.first_seen_us, id_time_us(id));
	fixture_free(f);
}

/* Ids are made before their rows are committed. */
static void
a_report_that_appears_behind_a_younger_one_is_taken_in(void **state)
{
	struct fixture *f = fixture_new();
	(void)state;
	(void)fixture_tell(f, &CRASH);
	uint64_t late = id_next(&f->ids, f->now_us);
	(void)fixture_tell(f, &CRASH);
	assert_int_equal(fixture_follow(f, 100), 2);
	MUST(facts_begin(f->facts));
	(void)fixture_put(f, late, &CRASH);
	MUST(facts_commit(f->facts, detail));
	assert_int_equal(fixture_follow(f, 100), 1);
	assert_int_equal(totals_of(f).reports, 3);
	assert_int_equal(bucket_of(f, 1000).hits, 3);
	assert_int_not_equal(bucket_of(f, 1000).last_report, late);
	fixture_free(f);
}

static void
late_reports_lie_in_the_segment_of_their_id(void **state)
{
	struct fixture *f = fixture_new();
	uint64_t late[3];
	uint64_t found = 0;
	uint64_t count;
	(void)state;
	f->derived->writer->segment_max = 4;
	for (size_t i = 0; i < 3; i++) {
		late[i] = id_next(&f->ids, f->now_us);
		for (size_t k = 0; k < 5; k++)
			(void)fixture_tell(f, &CRASH);
	}
	assert_int_equal(fixture_follow(f, 2), 15);
	for (size_t i = 0; i < 3; i++) {
		MUST(facts_begin(f->facts));
		(void)fixture_put(f, late[i], &CRASH);
		MUST(facts_commit(f->facts, detail));
		found += fixture_follow(f, 100);
	}
	/* Far back is looked now and then only. */
	f->now_us += TIME_MINUTE_US;
	found += fixture_follow(f, 100);
	assert_int_equal(found, 3);
	struct report_filter filter = {.machine = SLICE_LITERAL("PC-1"),
				       .user = SLICE_LITERAL("contoso\\*")};
	MUST(derived_count_reports(f->derived, &filter, 100, &count));
	assert_int_equal(count, 18);
	fixture_free(f);
}

/* ---- counting ---- */

static void
machines_and_users_are_counted_once_in_any_spelling(void **state)
{
	struct fixture *f = fixture_new();
	struct told told = CRASH;
	(void)state;
	(void)fixture_tell(f, &told);
	told.machine = "pc-1";
	told.user = "contoso\\ANNA";
	(void)fixture_tell(f, &told);
	told.machine = "PC-2";
	(void)fixture_tell(f, &told);
	told.machine = NULL;
	told.user = NULL;
	(void)fixture_tell(f, &told);
	assert_int_equal(fixture_follow(f, 1), 4);
	assert_int_equal(totals_of(f).machines, 2);
	assert_int_equal(totals_of(f).users, 1);
	struct derived_bucket bucket = bucket_of(f, 1000);
	assert_int_equal(bucket.hits, 4);
	assert_int_equal(bucket.machines, 2);
	assert_int_equal(bucket.users, 1);
	assert_int_equal(bucket.last_seen_us, f->now_us / 1000 * 1000 - 10 * TIME_SECOND_US);
	assert_true(slice_equal_str(bucket.app_name, "Editor"));
	fixture_free(f);
}

static void
following_again_counts_nothing_twice(void **state)
{
	struct fixture *f = fixture_new();
	(void)state;
	uint64_t id = fixture_tell(f, &CRASH);
	fixture_upload(f, id, 500);
	assert_int_equal(fixture_follow(f, 100), 2);
	derived_close(f->derived);
	MUST(derived_open(f->data, DERIVED_WRITE, &f->derived, detail));
	assert_int_equal(fixture_follow(f, 100), 0);
	(void)fixture_tell(f, &CRASH);
	assert_int_equal(fixture_follow(f, 100), 1);
	assert_int_equal(bucket_of(f, 1000).hits, 2);
	assert_int_equal(bucket_of(f, 1000).cabs, 1);
	assert_int_equal(bucket_of(f, 1000).machines, 1);
	fixture_free(f);
}

static void
cabinets_asked_for_and_kept_are_counted(void **state)
{
	struct fixture *f = fixture_new();
	struct told told = CRASH;
	(void)state;
	told.is_cab_asked = true;
	uint64_t first = fixture_tell(f, &told);
	uint64_t second = fixture_tell(f, &told);
	(void)fixture_tell(f, &told);
	fixture_upload(f, second, 700);
	assert_int_equal(fixture_follow(f, 100), 4);
	fixture_upload(f, first, 300);
	assert_int_equal(fixture_follow(f, 100), 1);
	assert_int_equal(bucket_of(f, 1000).cabs_asked, 3);
	assert_int_equal(bucket_of(f, 1000).cabs, 2);
	assert_int_equal(totals_of(f).cabs, 2);
	assert_int_equal(totals_of(f).cab_bytes, 1000);
	fixture_free(f);
}

/* While many reports wait, an upload waits for its own. */
static void
an_upload_is_counted_after_its_report(void **state)
{
	struct fixture *f = fixture_new();
	size_t count;
	uint64_t last = 0;
	(void)state;
	for (int i = 0; i < 5; i++)
		last = fixture_tell(f, &CRASH);
	fixture_upload(f, last, 700);
	MUST(derived_follow(f->derived, f->facts, 3, f->now_us, &count, detail));
	assert_int_equal(count, 3);
	assert_int_equal(totals_of(f).cabs, 0);
	assert_int_equal(fixture_follow(f, 3), 3);
	assert_int_equal(bucket_of(f, 1000).cabs, 1);
	assert_int_equal(bucket_of(f, 1000).hits, 5);
	fixture_free(f);
}

static err_t
add_one(void *context, const struct derived_bucket *bucket)
{
	(void)bucket;
	++*(size_t *)context;
	return OK;
}

/* One machine's buckets are many packed rows; their members come in any order. */
static void
a_machine_with_thousands_of_buckets_has_each_once(void **state)
{
	enum {
		BUCKETS = 3000
	};
	struct fixture *f = fixture_new();
	char offset[16];
	struct told told = CRASH;
	size_t count = 0;
	uint64_t next;
	(void)state;
	told.params[7] = offset;
	MUST(facts_begin(f->facts));
	/* Made ascending, then met again in another order. */
	for (unsigned i = 0; i < 2 * BUCKETS; i++) {
		unsigned bucket = i < BUCKETS ? i : (i * 7919U) % BUCKETS;
		(void)snprintf(offset, sizeof(offset), "%x", bucket);
		told.machine = i < BUCKETS ? "PC-1" : "PC-2";
		(void)fixture_put(f, 0, &told);
	}
	for (unsigned i = 0; i < BUCKETS; i++) {
		(void)snprintf(offset, sizeof(offset), "%x", i);
		(void)fixture_put(f, 0, &told);
	}
	MUST(facts_commit(f->facts, detail));
	assert_int_equal(fixture_follow(f, 1000), 3 * BUCKETS);
	for (uint64_t id = 1000; id < 1000 + BUCKETS; id += 37)
		assert_int_equal(bucket_of(f, id).machines, 2);
	struct report_filter filter = {.machine = SLICE_LITERAL("PC-2")};
	MUST(derived_each_bucket(f->derived, &filter, BUCKET_BY_HITS, (struct page){0}, add_one,
				 &count, &next));
	assert_int_equal(count, BUCKETS);
	fixture_free(f);
}

static void
as_of_moves_when_everything_is_in(void **state)
{
	struct fixture *f = fixture_new();
	size_t count;
	int64_t as_of_us;
	(void)state;
	for (int i = 0; i < 3; i++)
		(void)fixture_tell(f, &CRASH);
	MUST(derived_follow(f->derived, f->facts, 2, f->now_us, &count, detail));
	MUST(derived_as_of(f->derived, &as_of_us));
	assert_int_equal(as_of_us, 0);
	MUST(derived_follow(f->derived, f->facts, 2, f->now_us, &count, detail));
	MUST(derived_as_of(f->derived, &as_of_us));
	assert_int_equal(as_of_us, f->now_us);
	f->now_us += 2 * TIME_SECOND_US;
	MUST(derived_follow(f->derived, f->facts, 2, f->now_us, &count, detail));
	assert_int_equal(count, 0);
	MUST(derived_as_of(f->derived, &as_of_us));
	assert_int_equal(as_of_us, f->now_us);
	fixture_free(f);
}

static void
windows_own_numbers_find_a_bucket(void **state)
{
	struct fixture *f = fixture_new();
	uint64_t id = 0;
	uint8_t other[LABEL_HASHED_BYTES];
	(void)state;
	(void)fixture_tell(f, &CRASH);
	(void)fixture_follow(f, 100);
	struct derived_bucket bucket = bucket_of(f, 1000);
	MUST(derived_find_bucket_hashed(f->derived, bucket.hashed, &id));
	assert_int_equal(id, 1000);
	id = 0;
	MUST(derived_find_bucket_legacy(f->derived, label_legacy(bucket.hashed), &id));
	assert_int_equal(id, 1000);
	memcpy(other, bucket.hashed, sizeof(other));
	other[0] ^= 1;
	assert_int_equal(derived_find_bucket_hashed(f->derived, other, &id), ERR_NOTFOUND);
	fixture_free(f);
}

/* ---- files ---- */

static void
path_of(struct fixture *f, const char *name, char path[256])
{
	(void)snprintf(path, 256, "%s/derived/%s", f->data, name);
}

static void
overwrite(struct fixture *f, const char *name, off_t at)
{
	char path[256];
	char garbage[4096];
	memset(garbage, 0x5a, sizeof(garbage));
	path_of(f, name, path);
	int fd = open(path, O_WRONLY);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, garbage, sizeof(garbage), at), sizeof(garbage));
	(void)close(fd);
}

static bool
is_there(struct fixture *f, const char *name)
{
	char path[256];
	path_of(f, name, path);
	return access(path, F_OK) == 0;
}

/* Everything in the file itself: the log would still have the pages that a test breaks. */
static void
empty_log(struct fixture *f)
{
	char path[256];
	char log[PATH_MAX];
	path_of(f, "derived.db", path);
	assert_non_null(realpath(path, log));
	(void)strncat(log, "-wal", sizeof(log) - strlen(log) - 1);
	assert_int_equal(truncate(log, 0), 0);
}

static void
fill_and_close(struct fixture *f)
{
	for (int i = 0; i < 5; i++)
		(void)fixture_tell(f, &CRASH);
	assert_int_equal(fixture_follow(f, 100), 5);
	derived_close(f->derived);
	f->derived = NULL;
	empty_log(f);
}

static void
open_again_and_expect(struct fixture *f, size_t followed)
{
	MUST(derived_open(f->data, DERIVED_WRITE, &f->derived, detail));
	assert_int_equal(fixture_follow(f, 100), followed);
	assert_int_equal(bucket_of(f, 1000).hits, 5);
}

static void
a_file_that_is_no_database_is_made_anew(void **state)
{
	struct fixture *f = fixture_new();
	(void)state;
	fill_and_close(f);
	overwrite(f, "derived.db", 0);
	open_again_and_expect(f, 5);
	assert_true(is_there(f, "broken.db"));
	fixture_free(f);
}

static void
an_older_version_is_made_anew(void **state)
{
	struct fixture *f = fixture_new();
	sqlite3 *db;
	char path[256];
	(void)state;
	fill_and_close(f);
	path_of(f, "derived.db", path);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "PRAGMA user_version=999", NULL, NULL, NULL), SQLITE_OK);
	(void)sqlite3_close(db);
	open_again_and_expect(f, 5);
	derived_close(f->derived);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "PRAGMA user_version=0", NULL, NULL, NULL), SQLITE_OK);
	(void)sqlite3_close(db);
	open_again_and_expect(f, 5);
	fixture_free(f);
}

static off_t
root_page(struct fixture *f, const char *table)
{
	sqlite3 *db;
	sqlite3_stmt *s;
	char path[256];
	path_of(f, "derived.db", path);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, "SELECT rootpage FROM sqlite_schema WHERE name = ?",
					    -1, &s, NULL),
			 SQLITE_OK);
	(void)sqlite3_bind_text(s, 1, table, -1, SQLITE_STATIC);
	assert_int_equal(sqlite3_step(s), SQLITE_ROW);
	off_t page = sqlite3_column_int64(s, 0);
	(void)sqlite3_finalize(s);
	(void)sqlite3_close(db);
	return page;
}

static void
a_file_that_breaks_in_use_is_made_anew(void **state)
{
	struct fixture *f = fixture_new();
	size_t count;
	struct err_detail why;
	(void)state;
	fill_and_close(f);
	(void)fixture_tell(f, &CRASH);
	overwrite(f, "derived.db", (root_page(f, "report") - 1) * 4096);
	MUST(derived_open(f->data, DERIVED_WRITE, &f->derived, detail));
	err_t err = derived_follow(f->derived, f->facts, 100, f->now_us, &count, &why);
	assert_int_equal(err, ERR_CORRUPT);
	assert_int_equal(fixture_follow(f, 100), 6);
	assert_int_equal(bucket_of(f, 1000).hits, 6);
	fixture_free(f);
}

static void
what_was_made_from_other_facts_is_made_anew(void **state)
{
	struct fixture *f = fixture_new();
	struct fixture *other = fixture_new();
	(void)state;
	(void)fixture_tell(other, &CRASH);
	(void)fixture_tell(f, &CRASH);
	(void)fixture_tell(f, &CRASH);
	assert_int_equal(fixture_follow(f, 100), 2);
	derived_close(f->derived);
	MUST(derived_open(f->data, DERIVED_WRITE, &f->derived, detail));
	struct facts *own = f->facts;
	f->facts = other->facts;
	assert_int_equal(fixture_follow(f, 100), 1);
	assert_int_equal(totals_of(f).reports, 1);
	assert_false(is_there(f, "broken.db"));
	f->facts = own;
	fixture_free(other);
	fixture_free(f);
}

/* The facts were restored from a backup that is older. */
static void
what_is_ahead_of_the_facts_is_made_anew(void **state)
{
	struct fixture *f = fixture_new();
	struct err_detail why;
	char path[256];
	char backup[512];
	sqlite3 *db;
	(void)state;
	(void)fixture_tell(f, &CRASH);
	(void)snprintf(path, sizeof(path), "%s/facts/facts.db", f->data);
	(void)snprintf(backup, sizeof(backup), "VACUUM INTO '%s.old'", path);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, backup, NULL, NULL, NULL), SQLITE_OK);
	(void)sqlite3_close(db);
	(void)fixture_tell(f, &CRASH);
	assert_int_equal(fixture_follow(f, 100), 2);
	facts_close(f->facts);
	(void)snprintf(backup, sizeof(backup), "%s.old", path);
	assert_int_equal(rename(backup, path), 0);
	(void)snprintf(backup, sizeof(backup), "%s-wal", path);
	assert_int_equal(unlink(backup), 0);
	assert_int_equal(facts_open(f->data, FACTS_WRITE, &f->facts, &why), OK);
	derived_close(f->derived);
	MUST(derived_open(f->data, DERIVED_WRITE, &f->derived, detail));
	assert_int_equal(fixture_follow(f, 100), 1);
	assert_int_equal(bucket_of(f, 1000).hits, 1);
	fixture_free(f);
}

static void
two_writers_are_refused(void **state)
{
	struct fixture *f = fixture_new();
	struct derived *second = NULL;
	struct err_detail detail;
	(void)state;
	assert_int_equal(derived_open(f->data, DERIVED_WRITE, &second, &detail), ERR_BUSY);
	fixture_free(f);
}

static void
files_are_not_for_everybody(void **state)
{
	struct fixture *f = fixture_new();
	struct stat status;
	char path[256];
	(void)state;
	path_of(f, "derived.db", path);
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_mode & 0777, 0640);
	path_of(f, "", path);
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_mode & 0777, 0750);
	fixture_free(f);
}

/* ---- rebuilding ---- */

static void
append_row(sqlite3_stmt *row, struct buf *out)
{
	for (int i = 0; i < sqlite3_column_count(row); i++) {
		const void *bytes = sqlite3_column_blob(row, i);
		struct slice value = slice_of(bytes, (size_t)sqlite3_column_bytes(row, i));
		buf_printf(out, "|%d:", sqlite3_column_type(row, i));
		text_hex(value, out);
	}
	buf_append_byte(out, '\n');
}

/* Every row of every table, but for the text index, whose pages depend on the transactions, and
 * the time of the last look. */
static void
dump(const char *path, struct buf *out)
{
	sqlite3 *db;
	sqlite3_stmt *tables;
	assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
	assert_int_equal(
		sqlite3_prepare_v2(db,
				   "SELECT name FROM sqlite_schema WHERE type = 'table' AND name"
				   " NOT LIKE 'text_index%' ORDER BY name",
				   -1, &tables, NULL),
		SQLITE_OK);
	while (sqlite3_step(tables) == SQLITE_ROW) {
		char query[256];
		sqlite3_stmt *rows;
		const char *name = (const char *)sqlite3_column_text(tables, 0);
		bool is_state = strcmp(name, "state") == 0;
		bool has_one_column = strcmp(name, "analyzed_bucket") == 0;
		(void)snprintf(query, sizeof(query), "SELECT %s FROM %s ORDER BY 1%s",
			       is_state ? "facts, position, upload_sequence, reports, unreadable,"
					  " buckets, machines, users, cabs, cab_bytes"
					: "*",
			       name, has_one_column ? "" : ", 2");
		buf_printf(out, "%s\n", name);
		assert_int_equal(sqlite3_prepare_v2(db, query, -1, &rows, NULL), SQLITE_OK);
		while (sqlite3_step(rows) == SQLITE_ROW)
			append_row(rows, out);
		(void)sqlite3_finalize(rows);
	}
	(void)sqlite3_finalize(tables);
	(void)sqlite3_close(db);
}

static unsigned
draw(unsigned *seed, unsigned below)
{
	*seed = *seed * 1664525U + 1013904223U;
	return (*seed >> 8) % below;
}

/* Reports with few different values, so that everything meets everything. */
static void
tell_many(struct fixture *f, unsigned count)
{
	static const char *const modules[] = {"ntdll.dll", "user32.dll", "NTDLL.dll", NULL};
	static const char *const types[] = {NULL, "APPCRASH", "appcrash", "BlueScreen",
					    "MyOwnType"};
	unsigned seed = 7;
	for (unsigned i = 0; i < count; i++) {
		char machine[16];
		char user[16];
		char path[64];
		struct told told = CRASH;
		(void)snprintf(machine, sizeof(machine), "PC-%u", draw(&seed, 30));
		(void)snprintf(user, sizeof(user), "user%u", draw(&seed, 20));
		(void)snprintf(path, sizeof(path), "C:\\%u\\app.exe", draw(&seed, 5));
		told.machine = draw(&seed, 20) == 0 ? NULL : machine;
		told.user = draw(&seed, 10) == 0 ? NULL : user;
		told.app_path = path;
		told.type = types[draw(&seed, 5)];
		told.params[3] = modules[draw(&seed, 4)];
		told.params[7] = draw(&seed, 3) == 0 ? "0001" : "0002";
		told.description = draw(&seed, 4) == 0 ? "it failed" : NULL;
		told.is_cab_asked = draw(&seed, 5) == 0;
		uint64_t id = fixture_tell(f, &told);
		if (told.is_cab_asked && draw(&seed, 2) == 0)
			fixture_upload(f, id, 100 + i);
		if (i % 7 == 0)
			(void)fixture_follow(f, 1 + draw(&seed, 9));
	}
	(void)fixture_follow(f, 3);
}

static void
rebuilding_gives_what_following_gave(void **state)
{
	struct fixture *f = fixture_new();
	struct buf followed;
	struct buf rebuilt;
	char path[256];
	(void)state;
	tell_many(f, 400);
	path_of(f, "derived.db", path);
	buf_init(&followed, SIZE_MAX);
	buf_init(&rebuilt, SIZE_MAX);
	dump(path, &followed);
	MUST(derived_rebuild(f->data, NULL, NULL, NULL, detail));
	dump(path, &rebuilt);
	assert_true(followed.len > 10000);
	assert_true(slice_equal(buf_slice(&followed), buf_slice(&rebuilt)));
	buf_done(&followed);
	buf_done(&rebuilt);
	fixture_free(f);
}

static void
note_progress(void *context, uint64_t done, uint64_t total)
{
	*(uint64_t *)context = done;
	assert_true(total >= done);
}

/* Whoever had the old file open goes on with the new one. */
static void
a_rebuild_takes_the_place_of_an_open_file(void **state)
{
	struct fixture *f = fixture_new();
	struct derived *reader;
	struct derived_totals totals;
	uint64_t done = 0;
	(void)state;
	for (int i = 0; i < 3; i++)
		(void)fixture_tell(f, &CRASH);
	assert_int_equal(fixture_follow(f, 100), 3);
	MUST(derived_open(f->data, DERIVED_READ, &reader, detail));
	(void)fixture_tell(f, &CRASH);
	MUST(derived_rebuild(f->data, note_progress, &done, NULL, detail));
	assert_int_equal(done, 4);
	MUST(derived_totals(reader, &totals));
	assert_int_equal(totals.reports, 4);
	(void)fixture_tell(f, &CRASH);
	assert_int_equal(fixture_follow(f, 100), 1);
	MUST(derived_totals(reader, &totals));
	assert_int_equal(totals.reports, 5);
	assert_false(is_there(f, "rebuild.db"));
	derived_close(reader);
	fixture_free(f);
}

/* In another process, as werctl does it. */
static pid_t
start_rebuilds(struct fixture *f, int times)
{
	pid_t child = fork();
	assert_true(child >= 0);
	if (child > 0)
		return child;
	for (int i = 0; i < times; i++) {
		struct err_detail detail;
		if (derived_rebuild(f->data, NULL, NULL, NULL, &detail) != OK)
			_exit(1);
	}
	_exit(0);
}

static err_t
count_id(void *context, uint64_t id)
{
	(void)id;
	++*(uint64_t *)context;
	return OK;
}

/* A new file may be behind what the old one had, until it is followed; in the end nothing is
 * missing and nothing counted twice. */
static void
rebuilds_disturb_neither_reader_nor_writer(void **state)
{
	struct fixture *f = fixture_new();
	struct report_filter filter = {.machine = SLICE_LITERAL("PC-*")};
	struct derived *reader;
	uint64_t told = 0;
	uint64_t count = 0;
	int status = 0;
	(void)state;
	MUST(derived_open(f->data, DERIVED_READ, &reader, detail));
	pid_t child = start_rebuilds(f, 8);
	while (waitpid(child, &status, WNOHANG) == 0) {
		(void)fixture_tell(f, &CRASH);
		told++;
		(void)fixture_follow(f, 100);
		count = 0;
		MUST(derived_each_report(reader, &filter, (struct page){0}, count_id, &count));
		assert_true(count <= told);
	}
	assert_int_equal(status, 0);
	(void)fixture_follow(f, 100);
	assert_int_equal(totals_of(f).reports, told);
	MUST(derived_count_reports(reader, &filter, 1000000, &count));
	assert_int_equal(count, told);
	derived_close(reader);
	fixture_free(f);
}

static void
catching_up_takes_in_everything(void **state)
{
	struct fixture *f = fixture_new();
	uint64_t done = 0;
	(void)state;
	for (int i = 0; i < 20; i++)
		(void)fixture_tell(f, &CRASH);
	MUST(derived_catch_up(f->derived, f->facts, note_progress, &done, detail));
	assert_int_equal(done, 20);
	assert_int_equal(totals_of(f).reports, 20);
	fixture_free(f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_unreadable_body_is_counted_and_stops_nothing),
		cmocka_unit_test(a_bucket_without_its_row_is_made_from_the_report),
		cmocka_unit_test(a_report_that_appears_behind_a_younger_one_is_taken_in),
		cmocka_unit_test(late_reports_lie_in_the_segment_of_their_id),
		cmocka_unit_test(machines_and_users_are_counted_once_in_any_spelling),
		cmocka_unit_test(following_again_counts_nothing_twice),
		cmocka_unit_test(cabinets_asked_for_and_kept_are_counted),
		cmocka_unit_test(an_upload_is_counted_after_its_report),
		cmocka_unit_test(a_machine_with_thousands_of_buckets_has_each_once),
		cmocka_unit_test(as_of_moves_when_everything_is_in),
		cmocka_unit_test(windows_own_numbers_find_a_bucket),
		cmocka_unit_test(a_file_that_is_no_database_is_made_anew),
		cmocka_unit_test(an_older_version_is_made_anew),
		cmocka_unit_test(a_file_that_breaks_in_use_is_made_anew),
		cmocka_unit_test(what_was_made_from_other_facts_is_made_anew),
		cmocka_unit_test(what_is_ahead_of_the_facts_is_made_anew),
		cmocka_unit_test(two_writers_are_refused),
		cmocka_unit_test(files_are_not_for_everybody),
		cmocka_unit_test(rebuilding_gives_what_following_gave),
		cmocka_unit_test(a_rebuild_takes_the_place_of_an_open_file),
		cmocka_unit_test(rebuilds_disturb_neither_reader_nor_writer),
		cmocka_unit_test(catching_up_takes_in_everything),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
