/* `buckets` and `bucket` */
#include "report/os.h"
#include "werctl/bucket_view.h"
#include "werctl/command.h"
#include "werctl/list.h"

enum {
	BUCKETS_DEFAULT_LIMIT = 50,
	BUCKET_RECENT_REPORTS = 10,
	BUCKETS_FLUSH_ROWS = 250
};

struct bucket_listing {
	struct output *out;
	struct table *table; /* NULL: JSON */
	enum bucket_sort sort;
	uint64_t after; /* cursor of the page */
	uint64_t count;
	int64_t as_of_us;
};

/* What --after takes to go on behind BUCKET: see derived_each_bucket. */
static uint64_t
cursor_behind(const struct bucket_listing *listing, const struct derived_bucket *bucket)
{
	switch (listing->sort) {
	case BUCKET_BY_FIRST:
		return bucket->id;
	case BUCKET_BY_LAST:
		return bucket->last_report;
	case BUCKET_BY_HITS:
	case BUCKET_BY_MACHINES:
	case BUCKET_SORT_N:
	default:
		return listing->after + listing->count;
	}
}

static err_t
print_bucket(void *context, const struct derived_bucket *bucket)
{
	struct bucket_listing *listing = context;
	listing->count++;
	if (listing->table == NULL) {
		output_json(listing->out, bucket_to_json(bucket, listing->as_of_us,
							 cursor_behind(listing, bucket)));
		return listing->out->error;
	}
	bucket_table_row(listing->table, bucket, listing->out->is_terminal);
	if (table_rows(listing->table) >= BUCKETS_FLUSH_ROWS) {
		table_flush(listing->table, listing->out->has_color, &listing->out->text);
		output_breathe(listing->out);
	}
	return listing->out->error;
}

err_t
cmd_buckets(struct werctl *w)
{
	struct derived *derived;
	struct report_filter filter;
	struct page page;
	struct bucket_listing listing = {
		.out = &w->out,
		.sort = (enum bucket_sort)option_number(&w->options, OPTION_SORT, BUCKET_BY_HITS),
	};
	uint64_t next = 0;
	err_t err = filter_from_options(w, &filter);
	if (err == OK)
		err = filter_page(w, BUCKETS_DEFAULT_LIMIT, &page);
	if (err == OK)
		err = werctl_derived(w, &derived);
	if (err == OK)
		err = derived_as_of(derived, &listing.as_of_us);
	if (err != OK)
		return err;
	listing.after = page.after;
	if (!w->out.is_json)
		listing.table = bucket_table(&w->out);
	err = derived_each_bucket(derived, &filter, listing.sort, page, print_bucket, &listing,
				  &next);
	if (listing.table != NULL)
		table_flush(listing.table, w->out.has_color, &w->out.text);
	table_free(listing.table);
	if (err == OK)
		err = output_flush(&w->out);
	if (err == OK && listing.count == 0)
		werctl_note(w, "no buckets");
	if (err == OK && next != 0)
		werctl_note(w, "%llu shown; the next page: --after %llu",
			    (unsigned long long)listing.count, (unsigned long long)next);
	return err;
}

/* ---- one bucket ---- */

struct recent {
	struct output *out;
	struct json *list;   /* NULL: for people */
	struct table *table; /* NULL: JSON */
};

/* What differs between reports of one bucket. */
static struct table *
recent_table(const struct output *out)
{
	static const struct table_column columns[] = {
		{.title = "ID", .style = STYLE_FAINT},
		{.title = "RECEIVED"},
		{.title = "MACHINE", .least = 11},
		{.title = "USER", .least = 10, .rank = 2},
		{.title = "SYSTEM", .least = 12, .rank = 1},
		{.title = "PEER", .least = 10, .rank = 3},
		{.title = "CAB", .is_right = true, .rank = 4},
	};
	return table_new(columns, sizeof(columns) / sizeof(columns[0]), out->columns);
}

static void
recent_row(struct table *table, const struct record *record)
{
	const struct address *peer = &record->stored.source.peer;
	char peer_text[ADDRESS_TEXT_BYTES];
	struct os_version os;
	struct buf system;
	buf_init(&system, LIMIT_TEXT_BYTES);
	list_head_cells(table, record);
	table_cell(table, record->report.user);
	if (os_parse(record->report.os, &os))
		os_describe(&os, &system);
	table_cell(table, system.len == 0 ? record->report.os : buf_slice(&system));
	table_cell(table,
		   slice_str(address_is_none(peer) ? NULL : address_format(peer, peer_text)));
	list_cab_cell(table, &record->stored);
	buf_done(&system);
}

static err_t
print_recent(void *context, const struct record *record)
{
	struct recent *recent = context;
	if (recent->table == NULL) {
		json_add(recent->list, record_to_json(record));
		return OK;
	}
	recent_row(recent->table, record);
	list_table_flush(recent->table, false, recent->out);
	return recent->out->error;
}

static void
begin_bucket(struct werctl *w, const struct derived_bucket *bucket, int64_t as_of_us,
	     struct recent *recent)
{
	if (w->out.is_json) {
		recent->list = json_new_list();
		return;
	}
	recent->table = recent_table(&w->out);
	bucket_show(bucket, as_of_us, w->now_us, &w->out);
	output_styled(&w->out, STYLE_TITLE, "\nRecent reports\n");
}

static void
end_bucket(struct werctl *w, const struct derived_bucket *bucket, int64_t as_of_us,
	   struct recent *recent)
{
	if (recent->list != NULL) {
		struct json *object = bucket_to_json(bucket, as_of_us, 0);
		json_put(object, "recent_reports", recent->list);
		output_json(&w->out, object);
		return;
	}
	list_table_flush(recent->table, true, &w->out);
	table_free(recent->table);
}

static err_t
find_bucket(struct werctl *w, struct derived_bucket *ret_bucket, int64_t *ret_as_of_us)
{
	struct derived *derived;
	uint64_t id;
	err_t err = filter_find_bucket(w, werctl_operand(w, 0), &id);
	if (err == OK)
		err = werctl_derived(w, &derived);
	if (err == OK)
		err = derived_as_of(derived, ret_as_of_us);
	if (err != OK)
		return err;
	err = derived_find_bucket(derived, id, &w->arena, ret_bucket);
	if (err == ERR_NOTFOUND)
		return err_set(&w->detail, err, "there is no bucket %s", werctl_operand(w, 0));
	return err;
}

err_t
cmd_bucket(struct werctl *w)
{
	struct derived_bucket bucket;
	struct recent recent = {.out = &w->out};
	struct report_filter filter = {0};
	struct page page = {0, option_number(&w->options, OPTION_LIMIT, BUCKET_RECENT_REPORTS)};
	int64_t as_of_us;
	bool is_more;
	uint64_t last;
	err_t err = find_bucket(w, &bucket, &as_of_us);
	if (err != OK)
		return err;
	filter.bucket = bucket.id;
	begin_bucket(w, &bucket, as_of_us, &recent);
	err = list_each_report(w, &filter, page, print_recent, &recent, &is_more, &last);
	end_bucket(w, &bucket, as_of_us, &recent);
	return err;
}
