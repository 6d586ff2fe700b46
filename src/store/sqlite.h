/* sqlite.h - the embedded engine, seen by the files of this folder alone (SQLite behind it)
 *
 * Thin on purpose: files are opened with the settings that this store relies on, statements are
 * prepared once, binding goes in order and remembers its first failure, and every result is an
 * err_t.  Whoever needs more uses `db` directly.
 *
 *	SQLITE_FULL, ENOSPC, EDQUOT while writing	ERR_FULL
 *	SQLITE_BUSY, SQLITE_LOCKED			ERR_BUSY
 *	a key that is there already			ERR_EXISTS
 *	SQLITE_NOMEM					ERR_NOMEM
 *	a broken rule of the schema or of this API	ERR_INTERNAL
 *	all else, a failed fsync among it		ERR_IO
 *
 * A connection and its statements belong to one thread at a time.
 */
#pragma once

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"

enum sql_sync {
	SQL_SYNC_FULL,   /* a commit survives a power cut */
	SQL_SYNC_NORMAL, /* the last commits may be gone after a power cut, the file is whole */
	SQL_SYNC_OFF     /* for a file that nobody reads before it is finished and fsynced */
};

struct sql_file {
	const char *path;
	uint32_t application_id;   /* which file this is; checked */
	int version;               /* of the schema; checked */
	const char *schema;        /* run once, in an empty file */
	enum sql_sync sync;        /* writer */
	unsigned page_bytes;       /* of a new file */
	unsigned checkpoint_pages; /* writer: length of the WAL from which a checkpoint is due */
	unsigned cache_kib;
};

struct sql_statement {
	sqlite3_stmt *handle;
	int n_bound; /* parameters bound since the last reset */
	int failed;  /* SQLite's code of the first binding that failed */
};

/* Opened in place: it must not be moved while it is open. */
struct sql {
	sqlite3 *db; /* NULL: not open */
	struct sql_statement begin, commit, rollback;
	unsigned checkpoint_pages;
	unsigned checkpoint_due_pages; /* next checkpoint when the WAL is this long */
	unsigned wal_pages;            /* after the last commit */
	bool is_new;                   /* the schema was made by this open */
};

/* Makes the file (0640) and its schema when missing.  WAL; -wal and -shm stay when it is closed.
 * ERR_STALE: made by a newer version; ERR_UNSUPPORTED: by an older one; ERR_CORRUPT: another
 * application's file.  On failure nothing is left open. */
err_t
sql_open_writer(struct sql *sql, const struct sql_file *file, struct err_detail *detail) ERR_CHECK;
/* Read-only.  Waits up to 5 s for the owner to make the file; ERR_NOTFOUND after that. */
err_t
sql_open_reader(struct sql *sql, const struct sql_file *file, struct err_detail *detail) ERR_CHECK;
void sql_close(struct sql *sql); /* accepts a zeroed one; statements must be finalized before */

/* The err_t for an extended code of SQLite, asked right after the call that gave it. */
err_t sql_error(int code);
/* The connection's last failure as err_t, with "WHAT: SQLite's words" as DETAIL. */
err_t sql_failed(struct sql *sql, const char *what, struct err_detail *detail);
err_t sql_exec(struct sql *sql, const char *text, struct err_detail *detail) ERR_CHECK;

/* IMMEDIATE for a writer, DEFERRED for a reader. */
err_t sql_begin(struct sql *sql) ERR_CHECK;
/* When it fails the transaction is rolled back. */
err_t sql_commit(struct sql *sql, struct err_detail *detail) ERR_CHECK;
void sql_rollback(struct sql *sql); /* does nothing outside of a transaction */
bool sql_in_transaction(const struct sql *sql);
/* Copies the WAL back when it is long enough.  Outside of a transaction; never waits for
 * readers: when one holds an old snapshot it tries again after as many pages more. */
err_t sql_checkpoint_if_due(struct sql *sql) ERR_CHECK;
/* Copies all of the WAL into the file, syncs it, and empties the WAL; waits up to 5 s for readers
 * to let go of old snapshots (ERR_BUSY). */
err_t sql_start_wal_anew(struct sql *sql, struct err_detail *detail) ERR_CHECK;

err_t sql_prepare(struct sql *sql, const char *text, struct sql_statement *ret_statement,
		  struct err_detail *detail) ERR_CHECK;
/* COUNT texts into COUNT statements; on failure none is left. */
err_t sql_prepare_all(struct sql *sql, const char *const *texts, size_t count,
		      struct sql_statement *ret_statements, struct err_detail *detail) ERR_CHECK;
void sql_finalize(struct sql_statement *statement); /* accepts a zeroed one */
void sql_finalize_all(struct sql_statement *statements, size_t count);

/* Binds the next parameter.  Bytes are borrowed until the statement is reset.  An absent slice
 * is NULL, an empty one is not. */
void sql_bind_i64(struct sql_statement *statement, int64_t value);
void sql_bind_u64(struct sql_statement *statement, uint64_t value); /* at most INT64_MAX */
void sql_bind_text(struct sql_statement *statement, struct slice text);
void sql_bind_blob(struct sql_statement *statement, struct slice bytes);
void sql_bind_null(struct sql_statement *statement);

/* OK: there is a row.  ERR_NOTFOUND: no more rows.  After all but OK the statement is reset. */
err_t sql_step(struct sql_statement *statement) ERR_CHECK;
/* Runs a statement that gives no rows (or whose rows do not matter) and resets it. */
err_t sql_run(struct sql_statement *statement) ERR_CHECK;
void sql_reset(struct sql_statement *statement);

/* Columns of the row, from 0.  Slices are valid until the next step or reset; NULL is absent. */
int64_t sql_i64(const struct sql_statement *statement, int column);
uint64_t sql_u64(const struct sql_statement *statement, int column); /* a negative one is 0 */
struct slice sql_text(const struct sql_statement *statement, int column);
struct slice sql_blob(const struct sql_statement *statement, int column);
bool sql_is_null(const struct sql_statement *statement, int column);
