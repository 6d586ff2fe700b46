#include "werctl/table.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "werctl/cell.h"

enum {
	TABLE_GAP = 2,
	TABLE_CELL_BYTES = 256,
	TABLE_ROWS_MAX = 4096 /* gathered at once; lists flush long before */
};

struct table {
	const struct table_column *columns;
	size_t n_columns;
	size_t width;
	size_t indent;
	struct buf cells; /* their texts, one behind the other */
	size_t *ends;     /* of each cell, in `cells` */
	size_t n_cells;
	size_t natural[TABLE_COLUMNS_MAX]; /* widest so far */
	bool is_title_printed;
};

/* How one flush is laid out: 0 is a column left out. */
struct layout {
	size_t widths[TABLE_COLUMNS_MAX];
};

struct table *
table_new(const struct table_column *columns, size_t n_columns, size_t width)
{
	struct table *table = calloc(1, sizeof(*table));
	if (table == NULL || n_columns > TABLE_COLUMNS_MAX)
		abort();
	table->ends = calloc(TABLE_ROWS_MAX * n_columns, sizeof(*table->ends));
	if (table->ends == NULL)
		abort();
	table->columns = columns;
	table->n_columns = n_columns;
	table->width = width;
	buf_init(&table->cells, SIZE_MAX / 2);
	for (size_t i = 0; i < n_columns; i++)
		table->natural[i] = cell_width(slice_str(columns[i].title));
	return table;
}

void
table_free(struct table *table)
{
	if (table == NULL)
		return;
	buf_done(&table->cells);
	free(table->ends);
	free(table);
}

void
table_indent(struct table *table, size_t columns)
{
	table->indent = columns;
}

static struct slice
cell_at(const struct table *table, size_t index)
{
	size_t from = index == 0 ? 0 : table->ends[index - 1];
	return slice_sub(buf_slice(&table->cells), from, table->ends[index] - from);
}

void
table_cell(struct table *table, struct slice text)
{
	if (table->n_cells == TABLE_ROWS_MAX * table->n_columns)
		abort();
	size_t column = table->n_cells % table->n_columns;
	cell_text(slice_is_absent(text) ? slice_str("-") : text, &table->cells);
	table->ends[table->n_cells] = table->cells.len;
	size_t width = cell_width(cell_at(table, table->n_cells));
	if (width > table->natural[column])
		table->natural[column] = width;
	table->n_cells++;
}

void
table_cell_printf(struct table *table, const char *format, ...)
{
	char text[TABLE_CELL_BYTES];
	va_list args;
	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	table_cell(table, slice_str(text));
}

size_t
table_rows(const struct table *table)
{
	return table->n_cells / table->n_columns;
}

static size_t
total_width(const struct table *table, const struct layout *layout)
{
	size_t total = table->indent;
	size_t gap = 0;
	for (size_t i = 0; i < table->n_columns; i++) {
		if (layout->widths[i] == 0)
			continue;
		total += gap + layout->widths[i];
		gap = TABLE_GAP;
	}
	return total;
}

/* Takes one column of width from the widest that may give; false when none may. */
static bool
shrink_widest(const struct table *table, struct layout *layout)
{
	size_t widest = table->n_columns;
	for (size_t i = 0; i < table->n_columns; i++) {
		uint8_t least = table->columns[i].least;
		if (least == 0 || layout->widths[i] <= least)
			continue;
		if (widest == table->n_columns || layout->widths[i] > layout->widths[widest])
			widest = i;
	}
	if (widest == table->n_columns)
		return false;
	layout->widths[widest]--;
	return true;
}

/* The columns that are there at their natural widths. */
static void
widen(const struct table *table, struct layout *layout)
{
	for (size_t i = 0; i < table->n_columns; i++) {
		if (layout->widths[i] > 0)
			layout->widths[i] = table->natural[i];
	}
}

/* Leaves out the column of the highest rank, LEAST_RANK or more; false when there is none. */
static bool
leave_one_out(const struct table *table, struct layout *layout, uint8_t least_rank)
{
	size_t worst = table->n_columns;
	for (size_t i = 0; i < table->n_columns; i++) {
		if (layout->widths[i] == 0 || table->columns[i].rank < least_rank)
			continue;
		if (worst == table->n_columns ||
		    table->columns[i].rank > table->columns[worst].rank)
			worst = i;
	}
	if (worst == table->n_columns)
		return false;
	layout->widths[worst] = 0;
	return true;
}

/* The widths at which nothing is cut much: half as wide again as it must be. */
static bool
is_comfortable(const struct table *table, const struct layout *layout)
{
	struct layout comfortable = *layout;
	for (size_t i = 0; i < table->n_columns; i++) {
		size_t wish = (size_t)table->columns[i].least * 3 / 2;
		if (wish > 0 && comfortable.widths[i] > wish)
			comfortable.widths[i] = wish;
	}
	return total_width(table, &comfortable) <= table->width;
}

static struct layout
lay_out(const struct table *table)
{
	struct layout layout = {0};
	for (size_t i = 0; i < table->n_columns; i++)
		layout.widths[i] = table->natural[i];
	if (table->width == 0)
		return layout;
	while (!is_comfortable(table, &layout) && leave_one_out(table, &layout, TABLE_RANK_SPARE))
		;
	for (;;) {
		bool can_shrink = true;
		while (can_shrink && total_width(table, &layout) > table->width)
			can_shrink = shrink_widest(table, &layout);
		if (can_shrink || !leave_one_out(table, &layout, 1))
			return layout;
		widen(table, &layout);
	}
}

static void
append_blanks(struct buf *out, size_t count)
{
	for (; count > 0; count--)
		buf_append_byte(out, ' ');
}

static bool
is_first(const struct layout *layout, size_t column)
{
	while (column > 0) {
		if (layout->widths[--column] > 0)
			return false;
	}
	return true;
}

static bool
is_last(const struct table *table, const struct layout *layout, size_t column)
{
	for (size_t i = column + 1; i < table->n_columns; i++) {
		if (layout->widths[i] > 0)
			return false;
	}
	return true;
}

static void
append_cell(const struct table *table, const struct layout *layout, size_t column,
	    struct slice cell, enum style style, bool has_color, struct buf *out)
{
	size_t width = layout->widths[column];
	size_t used = cell_width(cell);
	size_t blanks = used < width ? width - used : 0;
	bool is_right = table->columns[column].is_right;
	if (is_first(layout, column))
		append_blanks(out, table->indent);
	append_blanks(out, is_right ? blanks : 0);
	if (used > 0) {
		buf_append_str(out, style_open(has_color, style));
		if (table->columns[column].is_cut_in_middle)
			cell_cut_middle(cell, width, out);
		else
			cell_cut(cell, width, out);
		buf_append_str(out, style_close(has_color, style));
	}
	if (is_last(table, layout, column)) {
		while (out->len > 0 && out->data[out->len - 1] == ' ')
			out->len--;
		buf_append_byte(out, '\n');
		return;
	}
	append_blanks(out, (is_right ? 0 : blanks) + TABLE_GAP);
}

static bool
has_titles(const struct table *table)
{
	for (size_t i = 0; i < table->n_columns; i++) {
		if (table->columns[i].title[0] != '\0')
			return true;
	}
	return false;
}

static void
append_titles(struct table *table, const struct layout *layout, bool has_color, struct buf *out)
{
	for (size_t i = 0; i < table->n_columns; i++) {
		if (layout->widths[i] > 0)
			append_cell(table, layout, i, slice_str(table->columns[i].title),
				    STYLE_TITLE, has_color, out);
	}
	table->is_title_printed = true;
}

void
table_flush(struct table *table, bool has_color, struct buf *out)
{
	struct layout layout = lay_out(table);
	size_t rows = table_rows(table);
	if (rows > 0 && !table->is_title_printed && has_titles(table))
		append_titles(table, &layout, has_color, out);
	for (size_t cell = 0; cell < rows * table->n_columns; cell++) {
		size_t column = cell % table->n_columns;
		if (layout.widths[column] > 0)
			append_cell(table, &layout, column, cell_at(table, cell),
				    table->columns[column].style, has_color, out);
	}
	table->n_cells = 0;
	buf_reset(&table->cells);
}
