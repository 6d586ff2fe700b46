/* foreign_db.h - a SQLite database that is not ours, read table by table
 *
 * For `import` alone.  Nothing is known of it but that it holds tables: names of columns are
 * looked at, values come as text.  Opened read-only, defensively, and without its own views,
 * triggers and functions.  Values over LIMIT_REPORT_BYTES end the reading with ERR_LIMIT.
 */
#pragma once

#include "base/err.h"
#include "base/slice.h"

struct foreign_db;

enum {
	FOREIGN_TABLES_MAX = 256,
	FOREIGN_COLUMNS_MAX = 256
};

struct foreign_row {
	int64_t rowid; /* 0: the table has none */
	size_t n_columns;
	const struct slice *names;  /* of its columns */
	const struct slice *values; /* absent: NULL */
};

err_t
foreign_db_open(const char *path, struct foreign_db **ret_db, struct err_detail *detail) ERR_CHECK;
void foreign_db_close(struct foreign_db *db); /* accepts NULL */
/* Calls EACH for every row of every ordinary table that has a column which, without case and
 * underscores, is COLUMN.  A row is valid during the call.  An error ends the walk. */
typedef err_t (*foreign_each_fn)(void *context, const char *table, const struct foreign_row *row);
err_t foreign_db_each(struct foreign_db *db, const char *column, foreign_each_fn each,
		      void *context, struct err_detail *detail) ERR_CHECK;
/* Is NAME, without case, underscores, blanks and hyphens, WANTED (lower case)? */
bool foreign_is_named(struct slice name, const char *wanted);
