/* `reports` and `report` */
#include "base/text.h"
#include "werctl/cell.h"
#include "werctl/command.h"
#include "werctl/list.h"

enum {
	REPORTS_DEFAULT_LIMIT = 50
};

struct listing {
	struct output *out;
	struct table *table; /* NULL: JSON */
	size_t count;
};

static err_t
print_report(void *context, const struct record *record)
{
	struct listing *listing = context;
	listing->count++;
	if (listing->table == NULL) {
		output_json(listing->out, record_to_json(record));
	} else {
		list_table_row(listing->table, record);
		list_table_flush(listing->table, false, listing->out);
	}
	return listing->out->error;
}

err_t
cmd_reports(struct werctl *w)
{
	struct report_filter filter;
	struct page page;
	struct listing listing = {.out = &w->out};
	bool is_more = false;
	uint64_t last = 0;
	err_t err = filter_from_options(w, &filter);
	if (err == OK)
		err = filter_page(w, REPORTS_DEFAULT_LIMIT, &page);
	if (err != OK)
		return err;
	if (!w->out.is_json)
		listing.table = list_table(&w->out);
	err = list_each_report(w, &filter, page, print_report, &listing, &is_more, &last);
	if (listing.table != NULL)
		list_table_flush(listing.table, true, &w->out);
	table_free(listing.table);
	if (err == OK)
		err = output_flush(&w->out);
	if (err == OK && listing.count == 0)
		werctl_note(w, "no reports");
	if (err == OK && is_more)
		werctl_note(w, "%zu shown; the next page: --after %llu", listing.count,
			    (unsigned long long)last);
	return err;
}

/* The body as it came; at a terminal as text without control characters, for its bytes are a
 * stranger's. */
static err_t
print_raw(struct werctl *w, const struct record *record)
{
	struct slice body = record->stored.body;
	struct buf utf8;
	size_t bom_bytes;
	if (slice_is_absent(body))
		return err_set(&w->detail, ERR_CORRUPT, "the body is damaged in the store");
	if (!w->out.is_terminal) {
		buf_append(&w->out.text, body);
		return OK;
	}
	buf_init(&utf8, SIZE_MAX / 2);
	enum text_encoding encoding = text_detect(body, &bom_bytes);
	(void)text_to_utf8(slice_sub(body, bom_bytes, body.len), encoding, &utf8);
	struct slice rest = buf_slice(&utf8);
	while (rest.len > 0) {
		struct slice line = rest;
		if (!slice_cut(rest, '\n', &line, &rest))
			rest = (struct slice){NULL, 0};
		cell_text(slice_trim(line), &w->out.text);
		output_printf(&w->out, "\n");
	}
	buf_done(&utf8);
	return OK;
}

err_t
cmd_report(struct werctl *w)
{
	uint64_t id;
	struct record record;
	err_t err = filter_report_id(w, werctl_operand(w, 0), &id);
	if (err == OK)
		err = record_load(w, id, &w->arena, &record);
	if (err != OK)
		return err;
	if (option_is_given(&w->options, OPTION_RAW))
		return print_raw(w, &record);
	err = record_load_analysis(w, &record, &w->arena);
	if (err != OK)
		return err_set(&w->detail, err, "its analysis: %s", err_text(err));
	if (w->out.is_json)
		output_json(&w->out, record_to_json(&record));
	else
		record_show(&record, w->now_us, option_is_given(&w->options, OPTION_ALL), &w->out);
	return OK;
}
