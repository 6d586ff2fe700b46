#include "werctl/list.h"

#include "report/code.h"
#include "store/id.h"
#include "werctl/cell.h"

enum {
	LIST_PAGE_IDS = 500,
	LIST_FLUSH_ROWS = 250 /* as many rows decide the widths of the columns */
};

struct id_page {
	uint64_t ids[LIST_PAGE_IDS + 1];
	size_t count;
};

static err_t
gather_id(void *context, uint64_t report)
{
	struct id_page *page = context;
	page->ids[page->count++] = report;
	return OK;
}

/* Forgotten since: nothing to say.  Damaged on the disk: the others are still worth listing. */
static void
pass_over(struct werctl *w, err_t err)
{
	if (err == ERR_NOTFOUND)
		return;
	werctl_complain("%s", w->detail.why);
	w->exit_status = err_exit_status(err);
}

/* Gives the reports of a page until MOST are given in all. */
static err_t
give_page(struct werctl *w, const struct id_page *page, size_t most, list_each_fn each,
	  void *context, size_t *ret_given, uint64_t *ret_last)
{
	struct arena arena;
	err_t err = OK;
	arena_init(&arena, LIMIT_REPORT_ARENA_BYTES + 2 * LIMIT_REPORT_BYTES);
	for (size_t i = 0; i < page->count && *ret_given < most && err == OK; i++) {
		struct record record;
		arena_reset(&arena);
		err = record_load(w, page->ids[i], &arena, &record);
		if (err == ERR_NOTFOUND || err == ERR_CORRUPT) {
			pass_over(w, err);
			err = OK;
			continue;
		}
		if (err == OK)
			err = each(context, &record);
		*ret_last = page->ids[i];
		(*ret_given)++;
	}
	arena_done(&arena);
	return err;
}

err_t
list_each_report(struct werctl *w, const struct report_filter *filter, struct page page,
		 list_each_fn each, void *context, bool *ret_is_more, uint64_t *ret_last)
{
	struct derived *derived;
	size_t most = page.limit == 0 ? SIZE_MAX : page.limit;
	size_t given = 0;
	uint64_t last = 0;
	struct id_page ids = {0};
	err_t err = werctl_derived(w, &derived);
	/* One more than is wanted is looked for, to know whether there is one. */
	for (bool is_full = true; err == OK && given < most && is_full;) {
		size_t wanted = most - given;
		page.limit = (wanted < LIST_PAGE_IDS ? wanted : LIST_PAGE_IDS) + 1;
		ids.count = 0;
		err = derived_each_report(derived, filter, page, gather_id, &ids);
		if (err == OK)
			err = give_page(w, &ids, most, each, context, &given, &last);
		is_full = ids.count == page.limit;
		if (ids.count > 0)
			page.after = ids.ids[ids.count - 1];
	}
	if (err != OK)
		return err;
	*ret_is_more = given == most && ids.count > 0 && ids.ids[ids.count - 1] != last;
	*ret_last = last;
	return OK;
}

struct table *
list_table(const struct output *out)
{
	static const struct table_column columns[] = {
		{.title = "ID", .style = STYLE_FAINT},
		{.title = "RECEIVED", .rank = 1},
		{.title = "MACHINE", .least = 11},
		{.title = "EVENT", .least = 10},
		{.title = "APPLICATION", .least = 12, .rank = 2, .is_cut_in_middle = true},
		{.title = "MODULE", .least = 11, .rank = 4},
		{.title = "CODE", .least = 9, .rank = 3},
		{.title = "USER", .least = 10, .rank = TABLE_RANK_SPARE + 1},
		{.title = "BUCKET", .is_right = true, .rank = 4},
		{.title = "CAB", .is_right = true, .rank = TABLE_RANK_SPARE},
	};
	return table_new(columns, sizeof(columns) / sizeof(columns[0]), out->columns);
}

static void
code_cell(struct table *table, const struct record *record)
{
	uint64_t code;
	struct slice text = record->label.code;
	const char *name =
		slice_hex_to_u64(text, &code) ? code_name(record_code_kind(record), code) : NULL;
	if (name == NULL)
		table_cell(table, text);
	else
		table_cell_printf(table, "%.*s %s", SLICE_ARGS(text), name);
}

void
list_head_cells(struct table *table, const struct record *record)
{
	struct buf text;
	buf_init(&text, LIMIT_TEXT_BYTES);
	table_cell_printf(table, "%llu", (unsigned long long)record->stored.id);
	cell_time(id_time_us(record->stored.id), &text);
	table_cell(table, buf_slice(&text));
	buf_reset(&text);
	buf_printf(&text, "%c %.*s", record_identity_mark(record),
		   SLICE_ARGS(record->report.machine));
	table_cell(table, buf_slice(&text));
	buf_done(&text);
}

void
list_cab_cell(struct table *table, const struct facts_report *stored)
{
	struct buf text;
	buf_init(&text, 64);
	if (stored->has_cab)
		cell_bytes(stored->cab_bytes, &text);
	else if (stored->is_cab_asked)
		buf_append_str(&text, "asked");
	table_cell(table, text.len == 0 ? slice_str("") : buf_slice(&text));
	buf_done(&text);
}

void
list_table_row(struct table *table, const struct record *record)
{
	const struct facts_report *stored = &record->stored;
	list_head_cells(table, record);
	table_cell(table, record->report.event_type);
	table_cell(table, slice_is_absent(record->label.app) ? record->report.app_name
							     : record->label.app);
	table_cell(table, record->label.module);
	code_cell(table, record);
	table_cell(table, record->report.user);
	table_cell_printf(table, "%llu", (unsigned long long)stored->bucket);
	list_cab_cell(table, stored);
}

void
list_table_flush(struct table *table, bool is_last, struct output *out)
{
	if (!is_last && table_rows(table) < LIST_FLUSH_ROWS)
		return;
	table_flush(table, out->has_color, &out->text);
	output_breathe(out);
}
