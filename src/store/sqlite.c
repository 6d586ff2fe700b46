#include "store/sqlite.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/time.h"

static const int64_t READER_WAIT_US = 5 * TIME_SECOND_US;
static const long READER_PAUSE_NS = 20 * 1000 * 1000;
enum {
	BUSY_MS = 5000
};

/* ---- results ---- */

/* Only where nothing is lost by going on: a page that could not be written.  A sync that failed,
 * with whatever errno, says nothing about what is on the disk.  SQLite itself knows ENOSPC but no
 * quota, and forgets the errno of a failed commit, so it is read here: sql_step cleared it. */
static bool
is_disk_full(int code)
{
	if ((code & 0xff) == SQLITE_FULL)
		return true;
	if (code != SQLITE_IOERR_WRITE && code != SQLITE_IOERR_SHMSIZE &&
	    code != SQLITE_IOERR_TRUNCATE)
		return false;
	return errno == ENOSPC || errno == EDQUOT;
}

err_t
sql_error(int code)
{
	if (is_disk_full(code))
		return ERR_FULL;
	switch (code) {
	case SQLITE_CONSTRAINT_PRIMARYKEY:
	case SQLITE_CONSTRAINT_UNIQUE:
	case SQLITE_CONSTRAINT_ROWID:
		return ERR_EXISTS;
	default:
		break;
	}
	switch (code & 0xff) {
	case SQLITE_OK:
	case SQLITE_ROW:
	case SQLITE_DONE:
		return OK;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return ERR_BUSY;
	case SQLITE_NOMEM:
		return ERR_NOMEM;
	case SQLITE_TOOBIG:
		return ERR_LIMIT;
	case SQLITE_CONSTRAINT:
	case SQLITE_MISMATCH:
	case SQLITE_MISUSE:
	case SQLITE_RANGE:
		return ERR_INTERNAL;
	default:
		return ERR_IO;
	}
}

err_t
sql_failed(struct sql *sql, const char *what, struct err_detail *detail)
{
	return err_set(detail, sql_error(sqlite3_extended_errcode(sql->db)), "%s: %s", what,
		       sqlite3_errmsg(sql->db));
}

err_t
sql_exec(struct sql *sql, const char *text, struct err_detail *detail)
{
	int code = sqlite3_exec(sql->db, text, NULL, NULL, NULL);
	return code == SQLITE_OK ? OK : sql_failed(sql, "store", detail);
}

/* ---- statements ---- */

err_t
sql_prepare(struct sql *sql, const char *text, struct sql_statement *ret_statement,
	    struct err_detail *detail)
{
	struct sql_statement statement = {0};
	int code = sqlite3_prepare_v3(sql->db, text, -1, SQLITE_PREPARE_PERSISTENT,
				      &statement.handle, NULL);
	if (code != SQLITE_OK)
		return sql_failed(sql, text, detail);
	*ret_statement = statement;
	return OK;
}

err_t
sql_prepare_all(struct sql *sql, const char *const *texts, size_t count,
		struct sql_statement *ret_statements, struct err_detail *detail)
{
	for (size_t i = 0; i < count; i++) {
		err_t err = sql_prepare(sql, texts[i], &ret_statements[i], detail);
		if (err != OK) {
			sql_finalize_all(ret_statements, i);
			return err;
		}
	}
	return OK;
}

void
sql_finalize(struct sql_statement *statement)
{
	(void)sqlite3_finalize(statement->handle);
	*statement = (struct sql_statement){0};
}

void
sql_finalize_all(struct sql_statement *statements, size_t count)
{
	for (size_t i = 0; i < count; i++)
		sql_finalize(&statements[i]);
}

/* A binding that fails keeps the value of the last run, so the failure must not be lost. */
static void
bound(struct sql_statement *statement, int code)
{
	if (code != SQLITE_OK && statement->failed == SQLITE_OK)
		statement->failed = code;
}

void
sql_bind_i64(struct sql_statement *statement, int64_t value)
{
	bound(statement, sqlite3_bind_int64(statement->handle, ++statement->n_bound, value));
}

void
sql_bind_u64(struct sql_statement *statement, uint64_t value)
{
	if (value > INT64_MAX)
		bound(statement, SQLITE_RANGE);
	sql_bind_i64(statement, (int64_t)(value & INT64_MAX));
}

void
sql_bind_text(struct sql_statement *statement, struct slice text)
{
	bound(statement,
	      sqlite3_bind_text64(statement->handle, ++statement->n_bound, (const char *)text.data,
				  text.len, SQLITE_STATIC, SQLITE_UTF8));
}

void
sql_bind_blob(struct sql_statement *statement, struct slice bytes)
{
	bound(statement, sqlite3_bind_blob64(statement->handle, ++statement->n_bound, bytes.data,
					     bytes.len, SQLITE_STATIC));
}

void
sql_bind_null(struct sql_statement *statement)
{
	bound(statement, sqlite3_bind_null(statement->handle, ++statement->n_bound));
}

void
sql_reset(struct sql_statement *statement)
{
	(void)sqlite3_reset(statement->handle);
	statement->n_bound = 0;
	statement->failed = SQLITE_OK;
}

err_t
sql_step(struct sql_statement *statement)
{
	int code = statement->failed;
	if (code == SQLITE_OK &&
	    statement->n_bound != sqlite3_bind_parameter_count(statement->handle))
		code = SQLITE_MISUSE;
	errno = 0;
	if (code == SQLITE_OK)
		code = sqlite3_step(statement->handle);
	if (code == SQLITE_ROW)
		return OK;
	err_t err = code == SQLITE_DONE ? ERR_NOTFOUND : sql_error(code);
	sql_reset(statement);
	return err;
}

err_t
sql_run(struct sql_statement *statement)
{
	err_t err = sql_step(statement);
	while (err == OK)
		err = sql_step(statement);
	return err == ERR_NOTFOUND ? OK : err;
}

int64_t
sql_i64(const struct sql_statement *statement, int column)
{
	return sqlite3_column_int64(statement->handle, column);
}

uint64_t
sql_u64(const struct sql_statement *statement, int column)
{
	int64_t value = sql_i64(statement, column);
	return value < 0 ? 0 : (uint64_t)value;
}

/* SQLite gives NULL for an empty value too. */
static struct slice
column_slice(const struct sql_statement *statement, int column, const void *data)
{
	if (sql_is_null(statement, column))
		return (struct slice){0};
	if (data == NULL)
		return SLICE_LITERAL("");
	return slice_of(data, (size_t)sqlite3_column_bytes(statement->handle, column));
}

struct slice
sql_text(const struct sql_statement *statement, int column)
{
	return column_slice(statement, column, sqlite3_column_text(statement->handle, column));
}

struct slice
sql_blob(const struct sql_statement *statement, int column)
{
	return column_slice(statement, column, sqlite3_column_blob(statement->handle, column));
}

bool
sql_is_null(const struct sql_statement *statement, int column)
{
	return sqlite3_column_type(statement->handle, column) == SQLITE_NULL;
}

/* ---- transactions ---- */

err_t
sql_begin(struct sql *sql)
{
	return sql_run(&sql->begin);
}

bool
sql_in_transaction(const struct sql *sql)
{
	return sqlite3_get_autocommit(sql->db) == 0;
}

err_t
sql_commit(struct sql *sql, struct err_detail *detail)
{
	err_t err = sql_run(&sql->commit);
	if (err == OK)
		return OK;
	(void)err_set(detail, err, "commit: %s", sqlite3_errmsg(sql->db));
	sql_rollback(sql);
	return err;
}

void
sql_rollback(struct sql *sql)
{
	/* SQLite rolls back by itself after some failures; then there is nothing left to do. */
	if (sql_in_transaction(sql) && sql_run(&sql->rollback) != OK)
		(void)sqlite3_exec(sql->db, "ROLLBACK", NULL, NULL, NULL);
}

/* Called by SQLite after each commit.  A WAL that became shorter was started anew. */
static int
note_wal_pages(void *context, sqlite3 *db, const char *name, int pages)
{
	struct sql *sql = context;
	unsigned now = pages < 0 ? 0 : (unsigned)pages;
	(void)db;
	(void)name;
	if (now < sql->wal_pages)
		sql->checkpoint_due_pages = sql->checkpoint_pages;
	sql->wal_pages = now;
	return SQLITE_OK;
}

/* SQLite's own autocheckpoint would run inside of the commit: its failure would pass for the
 * commit's, and with a slow reader it would be tried again after each commit, fsync included. */
err_t
sql_checkpoint_if_due(struct sql *sql)
{
	if (sql->wal_pages < sql->checkpoint_due_pages)
		return OK;
	errno = 0;
	int code =
		sqlite3_wal_checkpoint_v2(sql->db, "main", SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
	sql->checkpoint_due_pages = sql->wal_pages + sql->checkpoint_pages;
	return code == SQLITE_BUSY ? OK : sql_error(code);
}

err_t
sql_start_wal_anew(struct sql *sql, struct err_detail *detail)
{
	errno = 0;
	int code =
		sqlite3_wal_checkpoint_v2(sql->db, "main", SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
	return code == SQLITE_OK ? OK : sql_failed(sql, "checkpoint", detail);
}

/* ---- opening ---- */

static int
pragma_i64(sqlite3 *db, const char *text, int64_t *ret_value)
{
	sqlite3_stmt *statement;
	int code = sqlite3_prepare_v2(db, text, -1, &statement, NULL);
	if (code != SQLITE_OK)
		return code;
	code = sqlite3_step(statement);
	if (code == SQLITE_ROW)
		*ret_value = sqlite3_column_int64(statement, 0);
	int end = sqlite3_finalize(statement);
	return code == SQLITE_ROW ? end : code;
}

static err_t
prepare_transactions(struct sql *sql, bool is_writer, struct err_detail *detail)
{
	err_t err = sql_prepare(sql, is_writer ? "BEGIN IMMEDIATE" : "BEGIN", &sql->begin, detail);
	if (err == OK)
		err = sql_prepare(sql, "COMMIT", &sql->commit, detail);
	if (err == OK)
		err = sql_prepare(sql, "ROLLBACK", &sql->rollback, detail);
	return err;
}

/* SQLite would make it readable for everybody.  Only a file that we made is closed here: closing
 * any descriptor of a database drops the locks that this process has on it. */
static err_t
make_file(const char *path, struct err_detail *detail)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
	if (fd < 0 && errno == EEXIST)
		return OK;
	if (fd < 0)
		return err_set(detail, err_from_errno(errno), "%s: %s", path, strerror(errno));
	(void)close(fd);
	return OK;
}

/* Where shared memory does not work SQLite keeps another mode, and says nothing. */
static bool
is_wal(sqlite3 *db)
{
	sqlite3_stmt *statement;
	if (sqlite3_prepare_v2(db, "PRAGMA journal_mode", -1, &statement, NULL) != SQLITE_OK)
		return false;
	bool is = sqlite3_step(statement) == SQLITE_ROW &&
		  strcmp((const char *)sqlite3_column_text(statement, 0), "wal") == 0;
	(void)sqlite3_finalize(statement);
	return is;
}

static err_t
set_up_writer(struct sql *sql, const struct sql_file *file, struct err_detail *detail)
{
	static const char *const sync_names[] = {
		[SQL_SYNC_FULL] = "FULL", [SQL_SYNC_NORMAL] = "NORMAL", [SQL_SYNC_OFF] = "OFF"};
	char text[512];
	int on = 1;
	(void)snprintf(text, sizeof(text),
		       "PRAGMA page_size=%u; PRAGMA journal_mode=WAL; PRAGMA synchronous=%s;"
		       "PRAGMA cache_size=-%u; PRAGMA wal_autocheckpoint=0;"
		       "PRAGMA journal_size_limit=67108864; PRAGMA foreign_keys=OFF;"
		       "PRAGMA trusted_schema=OFF; PRAGMA temp_store=MEMORY;",
		       file->page_bytes, sync_names[file->sync], file->cache_kib);
	(void)sqlite3_file_control(sql->db, "main", SQLITE_FCNTL_PERSIST_WAL, &on);
	err_t err = sql_exec(sql, text, detail);
	if (err == OK && !is_wal(sql->db))
		err = err_set(detail, ERR_IO, "%s: its filesystem cannot hold a WAL", file->path);
	if (err != OK)
		return err;
	sql->checkpoint_pages = file->checkpoint_pages;
	sql->checkpoint_due_pages = file->checkpoint_pages;
	(void)sqlite3_wal_hook(sql->db, note_wal_pages, sql);
	return prepare_transactions(sql, true, detail);
}

static err_t
make_schema(struct sql *sql, const struct sql_file *file, struct err_detail *detail)
{
	char numbers[128];
	(void)snprintf(numbers, sizeof(numbers),
		       "PRAGMA application_id=%" PRIu32 "; PRAGMA user_version=%d;",
		       file->application_id, file->version);
	err_t err = sql_begin(sql);
	if (err != OK)
		return sql_failed(sql, file->path, detail);
	err = sql_exec(sql, file->schema, detail);
	if (err == OK)
		err = sql_exec(sql, numbers, detail);
	if (err == OK)
		err = sql_commit(sql, detail);
	if (err != OK)
		sql_rollback(sql);
	else
		sql->is_new = true;
	return err;
}

static err_t
check_numbers(const struct sql_file *file, int64_t application_id, int64_t version,
	      struct err_detail *detail)
{
	if (application_id != file->application_id)
		return err_set(detail, ERR_CORRUPT, "%s: another application's database",
			       file->path);
	if (version > file->version)
		return err_set(detail, ERR_STALE, "%s: made by a newer version of openwer",
			       file->path);
	if (version < file->version)
		return err_set(detail, ERR_UNSUPPORTED, "%s: made by an older version of openwer",
			       file->path);
	return OK;
}

/* What the file is, before anything in it is changed. */
static err_t
read_numbers(struct sql *sql, int64_t *ret_application_id, int64_t *ret_version,
	     int64_t *ret_n_objects, struct err_detail *detail)
{
	int code = pragma_i64(sql->db, "PRAGMA application_id", ret_application_id);
	if (code == SQLITE_OK)
		code = pragma_i64(sql->db, "PRAGMA user_version", ret_version);
	if (code == SQLITE_OK)
		code = pragma_i64(sql->db, "SELECT count(*) FROM sqlite_schema", ret_n_objects);
	return code == SQLITE_OK ? OK : sql_failed(sql, "store", detail);
}

static err_t
open_writer(struct sql *sql, const struct sql_file *file, struct err_detail *detail)
{
	int64_t application_id = 0;
	int64_t version = 0;
	int64_t n_objects = 0;
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
	if (sqlite3_open_v2(file->path, &sql->db, flags, NULL) != SQLITE_OK)
		return sql->db == NULL ? ERR_NOMEM : sql_failed(sql, file->path, detail);
	(void)sqlite3_busy_timeout(sql->db, BUSY_MS);
	err_t err = read_numbers(sql, &application_id, &version, &n_objects, detail);
	bool is_empty = application_id == 0 && version == 0 && n_objects == 0;
	if (err == OK && !is_empty)
		err = check_numbers(file, application_id, version, detail);
	if (err == OK)
		err = set_up_writer(sql, file, detail);
	if (err == OK && is_empty)
		err = make_schema(sql, file, detail);
	return err;
}

err_t
sql_open_writer(struct sql *sql, const struct sql_file *file, struct err_detail *detail)
{
	*sql = (struct sql){0};
	err_t err = make_file(file->path, detail);
	if (err == OK)
		err = open_writer(sql, file, detail);
	if (err != OK)
		sql_close(sql);
	return err;
}

/* The owner may be just making the file, or recovering it: all of these pass by themselves. */
static bool
is_worth_waiting(int code)
{
	int primary = code & 0xff;
	return primary == SQLITE_CANTOPEN || primary == SQLITE_READONLY || primary == SQLITE_BUSY;
}

static int
try_reader(struct sql *sql, const struct sql_file *file, int64_t *ret_application_id,
	   int64_t *ret_version)
{
	int flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
	int code = sqlite3_open_v2(file->path, &sql->db, flags, NULL);
	if (code == SQLITE_OK)
		code = sqlite3_busy_timeout(sql->db, BUSY_MS);
	if (code == SQLITE_OK)
		code = pragma_i64(sql->db, "PRAGMA application_id", ret_application_id);
	if (code == SQLITE_OK)
		code = pragma_i64(sql->db, "PRAGMA user_version", ret_version);
	/* Made, but its schema is not committed yet. */
	if (code == SQLITE_OK && *ret_application_id == 0 && *ret_version == 0)
		code = SQLITE_BUSY;
	return code;
}

static err_t
wait_for_reader(struct sql *sql, const struct sql_file *file, struct err_detail *detail)
{
	int64_t deadline_us = time_monotonic_us() + READER_WAIT_US;
	int64_t application_id = 0;
	int64_t version = 0;
	for (;;) {
		int code = try_reader(sql, file, &application_id, &version);
		if (code == SQLITE_OK)
			return check_numbers(file, application_id, version, detail);
		if (sql->db == NULL)
			return ERR_NOMEM;
		if (!is_worth_waiting(code))
			return sql_failed(sql, file->path, detail);
		if (time_monotonic_us() >= deadline_us)
			return err_set(detail, ERR_NOTFOUND, "%s: no store there yet (%s)",
				       file->path, sqlite3_errstr(code));
		(void)sqlite3_close(sql->db);
		sql->db = NULL;
		(void)nanosleep(&(struct timespec){.tv_nsec = READER_PAUSE_NS}, NULL);
	}
}

err_t
sql_open_reader(struct sql *sql, const struct sql_file *file, struct err_detail *detail)
{
	char text[128];
	*sql = (struct sql){0};
	err_t err = wait_for_reader(sql, file, detail);
	(void)snprintf(text, sizeof(text), "PRAGMA cache_size=-%u; PRAGMA trusted_schema=OFF;",
		       file->cache_kib);
	if (err == OK)
		err = sql_exec(sql, text, detail);
	if (err == OK)
		err = prepare_transactions(sql, false, detail);
	if (err != OK)
		sql_close(sql);
	return err;
}

void
sql_close(struct sql *sql)
{
	if (sql->db == NULL)
		return;
	sql_finalize(&sql->begin);
	sql_finalize(&sql->commit);
	sql_finalize(&sql->rollback);
	(void)sqlite3_close(sql->db);
	*sql = (struct sql){0};
}
