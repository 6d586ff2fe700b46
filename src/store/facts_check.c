#include "store/facts_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>

/* After an unclean end the WAL's checksums decide what was committed, so a crash of the process
 * can break nothing.  What is looked for here is what a lying disk or a bad restore leaves.
 * Reading all of a large file would keep a collector down for minutes, so the work is bounded:
 * the newest reports are read to their last byte, for they are what a crash touches, and pages
 * are checked in full only while the file is small enough to do so in seconds (measured: 3.6 s a
 * GiB when cached); beyond that, all tables but `report`. */
enum {
	NEWEST_REPORTS = 2000
};
static const off_t WHOLE_MAX_BYTES = (off_t)512 * 1024 * 1024;

static const char *const small_tables[] = {"meta", "bucket", "ask", "upload", "counter"};

static err_t
quick_check(struct facts *facts, const char *text, struct err_detail *detail)
{
	struct sql_statement s;
	err_t err = sql_prepare(&facts->sql, text, &s, detail);
	if (err != OK)
		return err;
	err = sql_step(&s);
	if (err != OK)
		err = sql_failed(&facts->sql, "check", detail);
	else if (!slice_equal_str(sql_text(&s, 0), "ok"))
		err = err_set(detail, ERR_CORRUPT, "facts.db is damaged: %.*s",
			      SLICE_ARGS(sql_text(&s, 0)));
	sql_finalize(&s);
	return err;
}

static err_t
check_report(void *context, const struct facts_report *report)
{
	struct err_detail *detail = context;
	if (!slice_is_absent(report->body))
		return OK;
	return err_set(detail, ERR_CORRUPT, "facts.db is damaged: report %" PRIu64, report->id);
}

static err_t
check_newest(struct facts *facts, struct err_detail *detail)
{
	struct sql_statement s;
	size_t count;
	err_t err = sql_prepare(
		&facts->sql, "SELECT id FROM report ORDER BY id DESC LIMIT 1 OFFSET ?", &s, detail);
	if (err != OK)
		return err;
	sql_bind_i64(&s, NEWEST_REPORTS);
	err = sql_step(&s);
	uint64_t after = err == OK ? sql_u64(&s, 0) : 0;
	if (err != OK && err != ERR_NOTFOUND)
		err = sql_failed(&facts->sql, "check", detail);
	else
		err = OK;
	sql_finalize(&s);
	if (err != OK)
		return err;
	return facts_each_report_after(facts, after, NEWEST_REPORTS, check_report, detail, &count);
}

err_t
facts_check(struct facts *facts, struct err_detail *detail)
{
	struct stat st;
	char text[64];
	err_t err = check_newest(facts, detail);
	if (err != OK)
		return err;
	if (stat(sqlite3_db_filename(facts->sql.db, "main"), &st) == 0 &&
	    st.st_size <= WHOLE_MAX_BYTES)
		return quick_check(facts, "PRAGMA quick_check(1)", detail);
	for (size_t i = 0; i < sizeof(small_tables) / sizeof(small_tables[0]) && err == OK; i++) {
		(void)snprintf(text, sizeof(text), "PRAGMA quick_check(%s)", small_tables[i]);
		err = quick_check(facts, text, detail);
	}
	return err;
}
