/* `quarantine`: what was refused, kept for study */
#include "werctl/cell.h"
#include "werctl/command.h"
#include "werctl/hexdump.h"
#include "werctl/table.h"

enum {
	QUARANTINE_DEFAULT_LIMIT = 50
};

static struct json *
item_to_json(const struct facts_quarantined *item)
{
	char peer[ADDRESS_TEXT_BYTES];
	struct json *object = json_new_object();
	json_put_id(object, "id", item->id);
	json_put_time(object, "received", item->received_us);
	json_put_str(object, "peer",
		     address_is_none(&item->peer) ? NULL : address_format(&item->peer, peer));
	json_put_text(object, "stage", item->stage);
	json_put_text(object, "reason", item->reason);
	json_put_text(object, "detail", item->detail);
	json_put_count(object, "offset", item->offset);
	json_put_count(object, "total_bytes", item->total_bytes);
	json_put_count(object, "kept_bytes", item->bytes.len);
	json_put_id(object, "cursor", item->id);
	return object;
}

static void
item_to_row(const struct facts_quarantined *item, struct table *table)
{
	char peer[ADDRESS_TEXT_BYTES];
	struct buf text;
	buf_init(&text, 64);
	table_cell_printf(table, "%llu", (unsigned long long)item->id);
	cell_time(item->received_us, &text);
	table_cell(table, buf_slice(&text));
	table_cell(
		table,
		slice_str(address_is_none(&item->peer) ? NULL : address_format(&item->peer, peer)));
	table_cell(table, item->stage);
	table_cell(table, item->reason);
	table_cell_printf(table, "%llu", (unsigned long long)item->total_bytes);
	table_cell(table, item->detail);
	buf_done(&text);
}

/* ---- the list ---- */

struct quarantine_listing {
	struct output *out;
	struct table *table; /* NULL: JSON */
	size_t most;         /* to print */
	size_t count;
	uint64_t last;
	bool is_more;
};

static err_t
print_item(void *context, const struct facts_quarantined *item)
{
	struct quarantine_listing *listing = context;
	if (listing->count == listing->most) {
		listing->is_more = true;
		return OK;
	}
	listing->count++;
	listing->last = item->id;
	if (listing->table == NULL)
		output_json(listing->out, item_to_json(item));
	else
		item_to_row(item, listing->table);
	return listing->out->error;
}

static err_t
list_items(struct werctl *w, struct facts *facts)
{
	static const struct table_column columns[] = {
		{.title = "ID", .is_right = true},
		{.title = "RECEIVED"},
		{.title = "PEER", .least = 10, .rank = 2},
		{.title = "STAGE", .rank = 1},
		{.title = "REASON"},
		{.title = "BYTES", .is_right = true},
		{.title = "DETAIL", .least = 10, .rank = 3},
	};
	uint64_t limit = option_number(&w->options, OPTION_LIMIT, QUARANTINE_DEFAULT_LIMIT);
	const char *after = w->options.text[OPTION_AFTER];
	uint64_t before = INT64_MAX;
	struct quarantine_listing listing = {.out = &w->out};
	if (after != NULL && (!slice_to_u64(slice_str(after), &before) || before > INT64_MAX))
		return err_set(&w->detail, ERR_USAGE, "--after: '%s' is no cursor", after);
	/* There are never more than LIMIT_QUARANTINE_ITEMS. */
	listing.most = limit == 0 || limit > LIMIT_QUARANTINE_ITEMS ? LIMIT_QUARANTINE_ITEMS
								    : (size_t)limit;
	if (!w->out.is_json)
		listing.table = table_new(columns, 7, w->out.columns);
	err_t err = facts_each_quarantined(facts, before, listing.most + 1, print_item, &listing);
	if (listing.table != NULL)
		table_flush(listing.table, w->out.has_color, &w->out.text);
	table_free(listing.table);
	if (err == OK)
		err = output_flush(&w->out);
	if (err == OK && listing.count == 0)
		werctl_note(w, "nothing in quarantine");
	if (err == OK && listing.is_more)
		werctl_note(w, "%zu shown; the next page: --after %llu", listing.count,
			    (unsigned long long)listing.last);
	return err;
}

/* ---- one item ---- */

static void
show_line(struct output *out, const char *name, struct slice value)
{
	if (slice_is_absent(value))
		return;
	output_styled(out, STYLE_FAINT, "  %-10s", name);
	cell_text(value, &out->text);
	output_printf(out, "\n");
}

static void
show_item(struct werctl *w, const struct facts_quarantined *item)
{
	struct output *out = &w->out;
	char peer[ADDRESS_TEXT_BYTES];
	struct buf text;
	buf_init(&text, 256);
	output_styled(out, STYLE_TITLE, "Quarantined %llu", (unsigned long long)item->id);
	output_printf(out, "\n");
	cell_time(item->received_us, &text);
	show_line(out, "received", buf_slice(&text));
	if (!address_is_none(&item->peer))
		show_line(out, "from", slice_str(address_format(&item->peer, peer)));
	show_line(out, "stage", item->stage);
	show_line(out, "reason", item->reason);
	show_line(out, "detail", item->detail);
	buf_reset(&text);
	buf_printf(&text, "%llu, %zu of them kept; refused at offset %llu",
		   (unsigned long long)item->total_bytes, item->bytes.len,
		   (unsigned long long)item->offset);
	show_line(out, "bytes", buf_slice(&text));
	buf_done(&text);
	output_printf(out, "\n");
	hexdump(item->bytes, &out->text);
}

static err_t
print_bytes(struct werctl *w, const struct facts_quarantined *item)
{
	if (w->out.is_terminal)
		return err_set(&w->detail, ERR_USAGE,
			       "these bytes may give a terminal orders; send them to a file, or "
			       "leave out --raw");
	buf_append(&w->out.text, item->bytes);
	return OK;
}

err_t
cmd_quarantine(struct werctl *w)
{
	struct facts *facts;
	struct facts_quarantined item;
	const char *operand = werctl_operand(w, 0);
	uint64_t id;
	err_t err = werctl_facts(w, &facts);
	if (err != OK || operand == NULL)
		return err != OK ? err : list_items(w, facts);
	if (!slice_to_u64(slice_str(operand), &id) || id > INT64_MAX)
		return err_set(&w->detail, ERR_USAGE, "'%s' is no quarantine id", operand);
	err = facts_find_quarantined(facts, id, &w->arena, &item);
	if (err == ERR_NOTFOUND)
		return err_set(&w->detail, err, "nothing in quarantine has the id %s", operand);
	if (err != OK)
		return err;
	if (option_is_given(&w->options, OPTION_RAW))
		return print_bytes(w, &item);
	if (w->out.is_json) {
		struct json *object = item_to_json(&item);
		json_put_hex(object, "bytes", item.bytes);
		output_json(&w->out, object);
	} else {
		show_item(w, &item);
	}
	return OK;
}
