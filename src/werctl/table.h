/* table.h - aligned columns for people
 *
 * Rows are gathered and printed together by table_flush; a later flush keeps the widths that
 * the first one found (they only grow), so that a long list can be printed piece by piece.
 * With a width (a terminal) what is too long is cut with an ellipsis, and when even that does
 * not help columns are left out, the highest rank first; without one nothing is lost.
 */
#pragma once

#include "werctl/output.h"

struct table_column {
	const char *title;
	bool is_right; /* numbers */
	bool is_cut_in_middle;
	uint8_t least; /* never cut below this many columns; 0: never cut */
	uint8_t rank;  /* left out in this order, highest first; 0: never */
	enum style style;
};

enum {
	TABLE_COLUMNS_MAX = 16,
	TABLE_RANK_SPARE = 5
};

struct table;

/* COLUMNS is borrowed.  WIDTH 0: no bound. */
struct table *table_new(const struct table_column *columns, size_t n_columns, size_t width);
void table_free(struct table *table);                   /* accepts NULL */
void table_indent(struct table *table, size_t columns); /* blanks before each row */
/* The next cell, left to right, then the next row.  TEXT goes through cell_text; absent shows
 * as "-". */
void table_cell(struct table *table, struct slice text);
void table_cell_printf(struct table *table, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
size_t table_rows(const struct table *table); /* gathered, not yet printed */
/* Appends the titles (the first time, when there are any), then the rows.  A column without
 * title and text takes no room. */
void table_flush(struct table *table, bool has_color, struct buf *out);
