#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "derived_fixture.h"
#include "source_file.h"
#include "store/derived_internal.h"

static sqlite3 *
open_views(struct fixture *f)
{
	char path[256];
	sqlite3 *db;
	(void)snprintf(path, sizeof(path), "%s/derived/derived.db", f->data);
	assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
	return db;
}

/* The rows of a query: values separated by '|', a line each. */
static void
query_into(sqlite3 *db, const char *query, struct buf *out)
{
	sqlite3_stmt *s;
	if (sqlite3_prepare_v2(db, query, -1, &s, NULL) != SQLITE_OK)
		fail_msg("%s: %s", query, sqlite3_errmsg(db));
	while (sqlite3_step(s) == SQLITE_ROW) {
		for (int i = 0; i < sqlite3_column_count(s); i++) {
			const char *text = (const char *)sqlite3_column_text(s, i);
			buf_append_str(out, i == 0 ? "" : "|");
			buf_append_str(out, text == NULL ? "NULL" : text);
		}
		buf_append_byte(out, '\n');
	}
	(void)sqlite3_finalize(s);
}

static void
expect(sqlite3 *db, const char *query, const char *rows)
{
	struct buf out;
	buf_init(&out, SIZE_MAX);
	query_into(db, query, &out);
	buf_append_byte(&out, 0);
	assert_string_equal((const char *)out.data, rows);
	buf_done(&out);
}

/* Views and columns as the manual lists them, in its order. */
static void
read_manual(struct buf *out)
{
	char *manual = read_source_file("man/werctl-views.5");
	char view[64] = "";
	for (char *line = manual, *next; line != NULL; line = next) {
		next = strchr(line, '\n');
		if (next != NULL)
			*next++ = '\0';
		if (strncmp(line, ".S", 2) == 0)
			(void)snprintf(view, sizeof(view), "%s",
				       strncmp(line, ".Ss ", 4) == 0 ? line + 4 : "");
		else if (strncmp(line, ".It Va ", 7) == 0)
			buf_printf(out, "%s|%s\n", view, line + 7);
	}
	free(manual);
}

static void
the_manual_names_exactly_what_there_is(void **state)
{
	struct fixture *f = fixture_new();
	struct buf there;
	struct buf manual;
	(void)state;
	sqlite3 *db = open_views(f);
	buf_init(&there, SIZE_MAX);
	buf_init(&manual, SIZE_MAX);
	query_into(db,
		   "SELECT v.name, c.name FROM sqlite_schema v JOIN pragma_table_info(v.name) c"
		   " WHERE v.type = 'view' ORDER BY v.rowid, c.cid",
		   &there);
	read_manual(&manual);
	buf_append_byte(&there, 0);
	buf_append_byte(&manual, 0);
	assert_string_equal((const char *)manual.data, (const char *)there.data);
	buf_done(&there);
	buf_done(&manual);
	(void)sqlite3_close(db);
	fixture_free(f);
}

static const struct told CRASH = {
	.machine = "PC-1",
	.user = "CONTOSO\\anna",
	.os = "10.0.19045.2.0.0.256.4",
	.app_name = "Editor",
	.app_path = "C:\\tools\\editor.exe",
	.params = {"editor.exe", "1.0", "5f000001", "ntdll.dll", "10.0", "5f000002", "c0000005",
		   "0001"},
	.is_cab_asked = true,
};

static void
views_show_what_came(void **state)
{
	struct fixture *f = fixture_new();
	struct told nameless = {.type = "BlueScreen", .params = {"0x0000009f", "ffff0001"}};
	(void)state;
	uint64_t id = fixture_tell(f, &CRASH);
	(void)fixture_tell(f, &nameless);
	fixture_upload(f, id, 700);
	(void)fixture_follow(f, 100);
	sqlite3 *db = open_views(f);
	expect(db,
	       "SELECT received, received_us, event_type, report_type, event_time, app_image,"
	       " app_path, app_company, machine, user, os, oem, bucket, module, code, has_cab,"
	       " cab_bytes FROM v_report ORDER BY id",
	       "2025-10-09T08:53:21.000000Z|1760000001000000|APPCRASH|2|"
	       "2025-10-09T08:53:20.000000Z|editor.exe|C:\\tools\\editor.exe|NULL|PC-1|"
	       "CONTOSO\\anna|10.0.19045.2.0.0.256.4|NULL|1000|ntdll.dll|c0000005|1|700\n"
	       "2025-10-09T08:53:22.000000Z|1760000002000000|BlueScreen|2|"
	       "2025-10-09T08:53:20.000000Z|NULL|NULL|NULL|NULL|NULL|NULL|NULL|1001|NULL|9f|0|"
	       "NULL\n");
	expect(db,
	       "SELECT id, event_type, app_image, module, code, p1, p8, p9, hits, machines,"
	       " cabs_asked, cabs, first_seen, last_seen FROM v_bucket ORDER BY id",
	       "1000|APPCRASH|editor.exe|ntdll.dll|c0000005|editor.exe|0001|NULL|1|1|1|1|"
	       "2025-10-09T08:53:21.000000Z|2025-10-09T08:53:21.000000Z\n"
	       "1001|BlueScreen|NULL|NULL|9f|9f|NULL|NULL|1|0|0|0|"
	       "2025-10-09T08:53:22.000000Z|2025-10-09T08:53:22.000000Z\n");
	expect(db, "SELECT machine, os, reports, last_seen FROM v_machine",
	       "PC-1|10.0.19045.2.0.0.256.4|1|2025-10-09T08:53:21.000000Z\n");
	expect(db, "SELECT user, reports FROM v_user", "CONTOSO\\anna|1\n");
	expect(db, "SELECT app_image, app_name, reports FROM v_application",
	       "editor.exe|Editor|1\n");
	expect(db, "SELECT * FROM v_day ORDER BY 2",
	       "2025-10-09|APPCRASH|1\n2025-10-09|BlueScreen|1\n");
	expect(db, "SELECT bucket, bytes, is_cabinet, length(sha256) FROM v_upload",
	       "1000|700|1|64\n");
	expect(db, "SELECT reports, unreadable, buckets, machines, users, cabs FROM v_state",
	       "2|0|2|1|1|1\n");
	(void)sqlite3_close(db);
	fixture_free(f);
}

/* What the manual says is found quickly must not read every report. */
static void
narrow_questions_use_an_index(void **state)
{
	static const char *const conditions[] = {
		"machine = 'PC-1'",
		"user = 'x'",
		"bucket = 1000",
		"app_image = 'editor.exe'",
		"app_name = 'Editor'",
		"app_path = 'x'",
		"id = 7",
	};
	struct fixture *f = fixture_new();
	(void)state;
	sqlite3 *db = open_views(f);
	for (size_t i = 0; i < sizeof(conditions) / sizeof(conditions[0]); i++) {
		struct buf plan;
		char query[256];
		buf_init(&plan, SIZE_MAX);
		(void)snprintf(query, sizeof(query),
			       "EXPLAIN QUERY PLAN SELECT * FROM v_report WHERE %s"
			       " ORDER BY id DESC LIMIT 20",
			       conditions[i]);
		query_into(db, query, &plan);
		buf_append_byte(&plan, 0);
		if (strstr((const char *)plan.data, "SCAN r") != NULL)
			fail_msg("%s:\n%s", query, (const char *)plan.data);
		buf_done(&plan);
	}
	(void)sqlite3_close(db);
	fixture_free(f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_manual_names_exactly_what_there_is),
		cmocka_unit_test(views_show_what_came),
		cmocka_unit_test(narrow_questions_use_an_index),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
