#include "werctl/bucket_view.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/text.h"
#include "report/code.h"
#include "werctl/cell.h"

enum {
	NAME_COLUMNS = 18
};

void
bucket_label_text(const struct label *label, struct buf *out)
{
	buf_append(out, label->event_type);
	for (size_t i = 0; i < label->n_params; i++) {
		buf_append_str(out, i == 0 ? ": " : " / ");
		buf_append(out, label->params[i]);
	}
}

/* The value that plays ROLE in the label; absent when none does. */
static struct slice
role_value(const struct label *label, const struct event_type *type, enum event_role role)
{
	for (size_t i = 0; i < label->n_params; i++) {
		if (type->roles[i] == role)
			return label->params[i];
	}
	return (struct slice){NULL, 0};
}

static void
append_after(struct buf *out, const char *before, struct slice value)
{
	if (value.len == 0)
		return;
	buf_append_str(out, before);
	buf_append(out, value);
}

static struct slice
without_zeros(struct slice hex)
{
	while (hex.len > 1 && hex.data[0] == '0')
		hex = slice_sub(hex, 1, hex.len);
	return hex;
}

static void
append_code(const struct event_type *type, struct slice code, struct buf *out)
{
	uint64_t number;
	const char *name =
		slice_hex_to_u64(code, &number) ? code_name(type->code_kind, number) : NULL;
	buf_append(out, code);
	if (name != NULL)
		buf_printf(out, " %s", name);
}

void
bucket_summary_text(const struct label *label, struct buf *out)
{
	const struct event_type *type = event_find(label->event_type);
	struct slice app = {NULL, 0};
	if (type != NULL && type->is_kernel && label->n_params == 1) {
		buf_printf(out, "%s ", type->name);
		append_code(type, label->params[0], out);
		return;
	}
	if (type != NULL)
		app = role_value(label, type, ROLE_APP);
	if (app.len == 0) {
		bucket_label_text(label, out);
		return;
	}
	buf_append(out, label->event_type);
	append_after(out, " ", app);
	append_after(out, " ", role_value(label, type, ROLE_APP_VERSION));
	append_after(out, " in ", role_value(label, type, ROLE_MODULE));
	append_after(out, "+", without_zeros(role_value(label, type, ROLE_OFFSET)));
	append_after(out, ", hang ", role_value(label, type, ROLE_HANG_SIGNATURE));
	struct slice code = role_value(label, type, ROLE_CODE);
	buf_append_str(out, code.len > 0 ? ", " : "");
	append_code(type, code, out);
}

void
bucket_distinct_text(uint64_t count, struct buf *out)
{
	if (count >= DERIVED_DISTINCT_MAX)
		buf_printf(out, "more than %d", DERIVED_DISTINCT_MAX - 1);
	else
		buf_printf(out, "%llu", (unsigned long long)count);
}

static const char *
param_name(const struct event_type *type, size_t position)
{
	if (type == NULL || position >= LIMIT_PARAMS)
		return NULL;
	/* The label of a kernel report is its bugcheck alone. */
	return type->is_kernel ? "Bugcheck Code" : type->param_names[position];
}

static struct json *
params_list(const struct label *label, bool is_names)
{
	const struct event_type *type = event_find(label->event_type);
	struct json *list = json_new_list();
	for (size_t i = 0; i < label->n_params; i++)
		json_add_text(list, is_names ? slice_str(param_name(type, i)) : label->params[i]);
	return list;
}

static void
put_key(struct json *object, const struct label *label)
{
	uint8_t key[LABEL_KEY_BYTES];
	struct buf text;
	buf_init(&text, LIMIT_REPORT_ARENA_BYTES);
	label_key_text(label, &text);
	label_key(buf_slice(&text), key);
	json_put_text(object, "key_text", buf_slice(&text));
	json_put_hex(object, "key", slice_of(key, sizeof(key)));
	buf_reset(&text);
	bucket_label_text(label, &text);
	json_put_text(object, "label", buf_slice(&text));
	buf_reset(&text);
	bucket_summary_text(label, &text);
	json_put_text(object, "summary", buf_slice(&text));
	buf_done(&text);
}

struct json *
bucket_to_json(const struct derived_bucket *bucket, int64_t as_of_us, uint64_t cursor)
{
	struct json *object = json_new_object();
	json_put_id(object, "id", bucket->id);
	json_put_hex(object, "hashed", slice_of(bucket->hashed, sizeof(bucket->hashed)));
	json_put_text(object, "event_type", bucket->label.event_type);
	json_put(object, "params", params_list(&bucket->label, false));
	json_put(object, "param_names", params_list(&bucket->label, true));
	json_put_count(object, "hits", bucket->hits);
	json_put_count(object, "machines", bucket->machines);
	json_put_count(object, "cabs", bucket->cabs);
	json_put_time(object, "first_seen", bucket->first_seen_us);
	json_put_time(object, "last_seen", bucket->last_seen_us);
	json_put_flag(object, "hashed_verified", bucket->hashed_verified);
	json_put_id(object, "legacy", label_legacy(bucket->hashed));
	json_put_count(object, "users", bucket->users);
	json_put_flag(object, "machines_is_more", bucket->machines >= DERIVED_DISTINCT_MAX);
	json_put_flag(object, "users_is_more", bucket->users >= DERIVED_DISTINCT_MAX);
	json_put_count(object, "cabs_asked", bucket->cabs_asked);
	json_put_text(object, "app_name", bucket->app_name);
	put_key(object, &bucket->label);
	json_put_id(object, "last_report", bucket->last_report);
	json_put_time(object, "as_of", as_of_us);
	if (cursor != 0)
		json_put_id(object, "cursor", cursor);
	return object;
}

struct table *
bucket_table(const struct output *out)
{
	static const struct table_column columns[] = {
		{.title = "BUCKET", .is_right = true, .style = STYLE_FAINT},
		{.title = "HITS", .is_right = true},
		{.title = "MACHINES", .is_right = true},
		{.title = "USERS", .is_right = true, .rank = TABLE_RANK_SPARE + 1},
		{.title = "CABS", .is_right = true, .rank = 3},
		{.title = "FIRST SEEN", .rank = TABLE_RANK_SPARE},
		{.title = "LAST SEEN", .rank = 1},
		{.title = "LABEL", .least = 36},
	};
	return table_new(columns, sizeof(columns) / sizeof(columns[0]), out->columns);
}

static void
distinct_cell(struct table *table, uint64_t count)
{
	if (count >= DERIVED_DISTINCT_MAX)
		table_cell_printf(table, ">%d", DERIVED_DISTINCT_MAX - 1);
	else
		table_cell_printf(table, "%llu", (unsigned long long)count);
}

static void
time_cell(struct table *table, int64_t time_us)
{
	struct buf text;
	buf_init(&text, 64);
	cell_time(time_us, &text);
	table_cell(table, buf_slice(&text));
	buf_done(&text);
}

void
bucket_table_row(struct table *table, const struct derived_bucket *bucket, bool is_terminal)
{
	struct buf label;
	buf_init(&label, LIMIT_REPORT_ARENA_BYTES);
	table_cell_printf(table, "%llu", (unsigned long long)bucket->id);
	table_cell_printf(table, "%llu", (unsigned long long)bucket->hits);
	distinct_cell(table, bucket->machines);
	distinct_cell(table, bucket->users);
	table_cell_printf(table, "%llu", (unsigned long long)bucket->cabs);
	time_cell(table, bucket->first_seen_us);
	time_cell(table, bucket->last_seen_us);
	if (is_terminal)
		bucket_summary_text(&bucket->label, &label);
	else
		bucket_label_text(&bucket->label, &label);
	table_cell(table, buf_slice(&label));
	buf_done(&label);
}

/* ---- one bucket ---- */

static void
show_name(struct output *out, const char *name)
{
	output_styled(out, STYLE_FAINT, "  %-*s", NAME_COLUMNS, name);
}

static void show_line(struct output *out, const char *name, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void
show_line(struct output *out, const char *name, const char *format, ...)
{
	char text[512];
	va_list args;
	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	show_name(out, name);
	cell_text(slice_str(text), &out->text);
	output_printf(out, "\n");
}

static void
show_time(struct output *out, const char *name, int64_t time_us)
{
	show_name(out, name);
	cell_time(time_us, &out->text);
	output_printf(out, "\n");
}

static void
show_distinct(struct output *out, const char *name, uint64_t count)
{
	show_name(out, name);
	bucket_distinct_text(count, &out->text);
	output_printf(out, "\n");
}

static void
show_numbers(const struct derived_bucket *bucket, struct output *out)
{
	struct buf hashed;
	buf_init(&hashed, 64);
	text_hex(slice_of(bucket->hashed, sizeof(bucket->hashed)), &hashed);
	show_line(out, "hashed", "%.*s   %s", SLICE_ARGS(buf_slice(&hashed)),
		  bucket->hashed_verified ? "Windows' own number"
					  : "by formula; Windows' own number may be another");
	show_line(out, "legacy", "%llu", (unsigned long long)label_legacy(bucket->hashed));
	buf_done(&hashed);
}

static void
show_counts(const struct derived_bucket *bucket, int64_t as_of_us, struct output *out)
{
	show_line(out, "hits", "%llu", (unsigned long long)bucket->hits);
	show_distinct(out, "machines", bucket->machines);
	show_distinct(out, "users", bucket->users);
	show_line(out, "cabinets", "%llu kept of %llu asked for", (unsigned long long)bucket->cabs,
		  (unsigned long long)bucket->cabs_asked);
	show_time(out, "first seen", bucket->first_seen_us);
	show_time(out, "last seen", bucket->last_seen_us);
	show_time(out, "counted as of", as_of_us);
}

static void
describe(const struct event_type *type, size_t position, struct slice value, int64_t now_us,
	 struct buf *out)
{
	if (type == NULL)
		return;
	uint8_t role = type->is_kernel ? ROLE_CODE : type->roles[position];
	if (role == ROLE_CODE)
		code_describe(type->code_kind, value, out);
	else if (role == ROLE_APP_STAMP || role == ROLE_MODULE_STAMP)
		(void)code_describe_stamp(value, now_us, out);
}

static void
show_params(const struct label *label, int64_t now_us, struct output *out)
{
	static const struct table_column columns[] = {{.title = "", .is_right = true},
						      {.title = "", .style = STYLE_FAINT},
						      {.title = "", .least = 20},
						      {.title = "", .least = 12}};
	const struct event_type *type = event_find(label->event_type);
	struct table *table = table_new(columns, 4, out->columns);
	struct buf about;
	buf_init(&about, LIMIT_TEXT_BYTES);
	table_indent(table, 2);
	for (size_t i = 0; i < label->n_params; i++) {
		const char *name = param_name(type, i);
		buf_reset(&about);
		describe(type, i, label->params[i], now_us, &about);
		table_cell_printf(table, "%zu", i);
		table_cell(table, slice_str(name == NULL ? "" : name));
		table_cell(table, label->params[i]);
		table_cell(table, about.len == 0 ? slice_str("") : buf_slice(&about));
	}
	table_flush(table, out->has_color, &out->text);
	table_free(table);
	buf_done(&about);
}

void
bucket_show(const struct derived_bucket *bucket, int64_t as_of_us, int64_t now_us,
	    struct output *out)
{
	const struct event_type *type = event_find(bucket->label.event_type);
	struct buf text;
	output_styled(out, STYLE_TITLE, "Bucket %llu", (unsigned long long)bucket->id);
	output_printf(out, "\n");
	show_name(out, "event type");
	cell_text(bucket->label.event_type, &out->text);
	output_styled(out, STYLE_FAINT, "   %s",
		      type == NULL ? "not in the event table" : type->about);
	output_printf(out, "\n");
	if (!slice_is_absent(bucket->app_name)) {
		show_name(out, "application");
		cell_text(bucket->app_name, &out->text);
		output_printf(out, "\n");
	}
	show_numbers(bucket, out);
	show_counts(bucket, as_of_us, out);
	output_printf(out, "\n");
	output_styled(out, STYLE_TITLE, "Label");
	output_printf(out, "\n");
	show_params(&bucket->label, now_us, out);
	buf_init(&text, LIMIT_REPORT_ARENA_BYTES);
	label_key_text(&bucket->label, &text);
	show_name(out, "made from");
	cell_text(buf_slice(&text), &out->text);
	output_printf(out, "\n");
	buf_done(&text);
}
