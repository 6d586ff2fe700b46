#include "werctl/foreign_db.h"

#include <stdio.h>
#include <stdlib.h>

#include <sqlite3.h>

#include "base/buf.h"
#include "base/limits.h"

struct foreign_db {
	sqlite3 *db;
};

static err_t
failed(struct foreign_db *db, struct err_detail *detail)
{
	int code = sqlite3_errcode(db->db);
	err_t err = code == SQLITE_BUSY || code == SQLITE_LOCKED      ? ERR_BUSY
		    : code == SQLITE_TOOBIG                           ? ERR_LIMIT
		    : code == SQLITE_NOTADB || code == SQLITE_CORRUPT ? ERR_CORRUPT
								      : ERR_IO;
	return err_set(detail, err, "%s: %s", sqlite3_db_filename(db->db, "main"),
		       sqlite3_errmsg(db->db));
}

static void
defend(sqlite3 *db)
{
	int was;
	(void)sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, &was);
	(void)sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, &was);
	(void)sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, &was);
	(void)sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_VIEW, 0, &was);
	(void)sqlite3_limit(db, SQLITE_LIMIT_LENGTH, LIMIT_REPORT_BYTES);
	(void)sqlite3_limit(db, SQLITE_LIMIT_COLUMN, FOREIGN_COLUMNS_MAX);
	(void)sqlite3_limit(db, SQLITE_LIMIT_ATTACHED, 0);
	(void)sqlite3_busy_timeout(db, 5000);
}

err_t
foreign_db_open(const char *path, struct foreign_db **ret_db, struct err_detail *detail)
{
	struct foreign_db *db = calloc(1, sizeof(*db));
	if (db == NULL)
		abort();
	int result = sqlite3_open_v2(path, &db->db, SQLITE_OPEN_READONLY, NULL);
	if (result == SQLITE_OK) {
		defend(db->db);
		*ret_db = db;
		return OK;
	}
	err_t err = err_set(detail, ERR_IO, "%s: %s", path, sqlite3_errstr(result));
	foreign_db_close(db);
	return err;
}

void
foreign_db_close(struct foreign_db *db)
{
	if (db == NULL)
		return;
	(void)sqlite3_close_v2(db->db);
	free(db);
}

bool
foreign_is_named(struct slice name, const char *wanted)
{
	struct slice want = slice_str(wanted);
	size_t at = 0;
	for (size_t i = 0; i < name.len; i++) {
		uint8_t c = name.data[i];
		if (c == '_' || c == ' ' || c == '-')
			continue;
		if (c >= 'A' && c <= 'Z')
			c = (uint8_t)(c - 'A' + 'a');
		if (at == want.len || want.data[at++] != c)
			return false;
	}
	return at == want.len;
}

/* Appends NAME as an identifier: "na""me". */
static void
append_identifier(const char *name, struct buf *out)
{
	buf_append_byte(out, '"');
	for (; *name != '\0'; name++) {
		if (*name == '"')
			buf_append_byte(out, '"');
		buf_append_byte(out, (uint8_t)*name);
	}
	buf_append_byte(out, '"');
}

/* Prepares SELECT over TABLE; WITH_ROWID fails for tables that have none. */
static sqlite3_stmt *
prepare_table(struct foreign_db *db, const char *table, bool with_rowid)
{
	struct buf sql;
	sqlite3_stmt *s = NULL;
	buf_init(&sql, LIMIT_TEXT_BYTES);
	buf_append_str(&sql, with_rowid ? "SELECT rowid, * FROM " : "SELECT 0, * FROM ");
	append_identifier(table, &sql);
	if (with_rowid)
		buf_append_str(&sql, " ORDER BY rowid");
	if (buf_error(&sql) == OK)
		(void)sqlite3_prepare_v2(db->db, (const char *)sql.data, (int)sql.len, &s, NULL);
	buf_done(&sql);
	return s;
}

static struct slice
column_value(sqlite3_stmt *s, int column)
{
	if (sqlite3_column_type(s, column) == SQLITE_NULL)
		return (struct slice){NULL, 0};
	const void *data = sqlite3_column_blob(s, column); /* numbers become text */
	int len = sqlite3_column_bytes(s, column);
	return data == NULL ? slice_str("") : slice_of(data, (size_t)len);
}

static err_t
each_row(struct foreign_db *db, sqlite3_stmt *s, const char *table, foreign_each_fn each,
	 void *context, struct err_detail *detail)
{
	struct slice names[FOREIGN_COLUMNS_MAX];
	struct slice values[FOREIGN_COLUMNS_MAX];
	int columns = sqlite3_column_count(s) - 1;
	struct foreign_row row = {.n_columns = (size_t)columns, .names = names, .values = values};
	if (columns < 1 || columns > FOREIGN_COLUMNS_MAX)
		return OK;
	int result;
	while ((result = sqlite3_step(s)) == SQLITE_ROW) {
		row.rowid = sqlite3_column_int64(s, 0);
		for (int i = 0; i < columns; i++) {
			names[i] = slice_str(sqlite3_column_name(s, i + 1));
			values[i] = column_value(s, i + 1);
		}
		err_t err = each(context, table, &row);
		if (err != OK)
			return err;
	}
	return result == SQLITE_DONE ? OK : failed(db, detail);
}

static bool
has_column(sqlite3_stmt *s, const char *wanted)
{
	for (int i = 1; i < sqlite3_column_count(s); i++) {
		if (foreign_is_named(slice_str(sqlite3_column_name(s, i)), wanted))
			return true;
	}
	return false;
}

static err_t
each_of_table(struct foreign_db *db, const char *table, const char *column, foreign_each_fn each,
	      void *context, struct err_detail *detail)
{
	err_t err = OK;
	sqlite3_stmt *s = prepare_table(db, table, true);
	if (s == NULL)
		s = prepare_table(db, table, false);
	if (s == NULL)
		return failed(db, detail);
	if (has_column(s, column))
		err = each_row(db, s, table, each, context, detail);
	(void)sqlite3_finalize(s);
	return err;
}

err_t
foreign_db_each(struct foreign_db *db, const char *column, foreign_each_fn each, void *context,
		struct err_detail *detail)
{
	static const char tables[] = "SELECT name FROM sqlite_schema WHERE type = 'table'"
				     " AND sql NOT LIKE 'CREATE VIRTUAL%' AND name NOT LIKE"
				     " 'sqlite\\_%' ESCAPE '\\' ORDER BY rowid LIMIT ?";
	sqlite3_stmt *s;
	err_t err = OK;
	if (sqlite3_prepare_v2(db->db, tables, -1, &s, NULL) != SQLITE_OK)
		return failed(db, detail);
	(void)sqlite3_bind_int(s, 1, FOREIGN_TABLES_MAX);
	int result = SQLITE_DONE;
	while (err == OK && (result = sqlite3_step(s)) == SQLITE_ROW) {
		const char *name = (const char *)sqlite3_column_text(s, 0);
		err = each_of_table(db, name, column, each, context, detail);
	}
	if (err == OK && result != SQLITE_DONE)
		err = failed(db, detail);
	(void)sqlite3_finalize(s);
	return err;
}
