/* list.h - reports one after the other: what `reports`, `tail`, `bucket` and `export` share
 *
 * Ids come from derived, by pages, so that no read transaction stays open while a page is
 * printed; a report that was forgotten since is passed over.
 */
#pragma once

#include "werctl/filter.h"
#include "werctl/table.h"

/* RECORD is valid during the call.  An error ends the walk and is returned. */
typedef err_t (*list_each_fn)(void *context, const struct record *record);
/* Newest first, PAGE.limit of them (0: all).  *ret_is_more: the limit ended it.  *ret_last: the
 * last id given, 0 for none. */
err_t
list_each_report(struct werctl *w, const struct report_filter *filter, struct page page,
		 list_each_fn each, void *context, bool *ret_is_more, uint64_t *ret_last) ERR_CHECK;

/* Cells that more than one table has: id, time and marked machine; the cabinet's size. */
void list_head_cells(struct table *table, const struct record *record);
void list_cab_cell(struct table *table, const struct facts_report *stored);
/* The columns of `reports` for people. */
struct table *list_table(const struct output *out);
void list_table_row(struct table *table, const struct record *record);
/* Prints what was gathered when it is a screenful or IS_LAST. */
void list_table_flush(struct table *table, bool is_last, struct output *out);
