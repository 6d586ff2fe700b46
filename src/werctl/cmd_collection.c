/* `collection explain` and `collection check` */
#include <stdio.h>

#include "base/fs.h"
#include "werctl/command.h"
#include "werctl/explain.h"
#include "werctl/table.h"

#define SIGNED_LATER "/cab/....cab (signed when the report comes)"

typedef void (*each_line_fn)(const struct explain *e, struct slice key, struct slice value,
			     void *context);

static void
each_line(const struct explain *e, each_line_fn each, void *context)
{
	struct slice rest = buf_slice(&e->reply);
	while (rest.len > 0) {
		struct slice line = rest;
		struct slice key;
		struct slice value;
		if (!slice_cut(rest, '\n', &line, &rest))
			rest = (struct slice){NULL, 0};
		if (!slice_cut(slice_trim(line), '=', &key, &value))
			continue;
		if (slice_equal_str(key, "DumpFile"))
			value = slice_str(SIGNED_LATER);
		each(e, key, value, context);
	}
}

/* ---- JSON ---- */

static void
put_source(const struct explain *e, enum collection_directive directive, struct json *object)
{
	int rule = e->plan.decided_by[directive];
	unsigned line = collection_rule_line(e->collection, rule);
	json_put_str(object, "directive", collection_directive_name(directive));
	json_put_str(object, "rule",
		     rule < 0 ? (line == 0 ? "built-in default" : "default")
			      : collection_rule_name(e->collection, rule));
	json_put_str(object, "file", line == 0 ? NULL : e->collection_path);
	if (line == 0)
		json_put_null(object, "line");
	else
		json_put_number(object, "line", line);
}

static void
add_line_json(const struct explain *e, struct slice key, struct slice value, void *list)
{
	struct buf why;
	enum collection_directive directive = explain_directive(key);
	struct json *object = json_new_object();
	buf_init(&why, LIMIT_TEXT_BYTES);
	json_put_text(object, "key", key);
	json_put_text(object, "value", value);
	if (directive != COLLECTION_DIRECTIVE_N)
		put_source(e, directive, object);
	explain_key(e, key, &why);
	json_put_text(object, "decided_by", buf_slice(&why));
	json_add(list, object);
	buf_done(&why);
}

static void
append_line(const struct explain *e, struct slice key, struct slice value, void *out)
{
	(void)e;
	buf_append(out, key);
	buf_append_byte(out, '=');
	buf_append(out, value);
	buf_append_str(out, "\r\n");
}

static void
print_json(struct werctl *w, const struct explain *e)
{
	struct json *object = json_new_object();
	struct json *lines = json_new_list();
	struct json *directives = json_new_list();
	struct buf text;
	buf_init(&text, (size_t)8 * LIMIT_REPLY_BYTES);
	if (e->bucket == 0)
		json_put_null(object, "bucket");
	else
		json_put_id(object, "bucket", e->bucket);
	each_line(e, append_line, &text);
	json_put_text(object, "reply", buf_slice(&text));
	each_line(e, add_line_json, lines);
	json_put(object, "lines", lines);
	json_put_flag(object, "cab_asked", e->is_cab_asked);
	buf_reset(&text);
	explain_cab(e, &text);
	json_put_text(object, "cab_why", buf_slice(&text));
	for (int i = 0; i < COLLECTION_DIRECTIVE_N; i++) {
		struct json *directive = json_new_object();
		put_source(e, (enum collection_directive)i, directive);
		json_add(directives, directive);
	}
	json_put(object, "directives", directives);
	json_put_str(object, "collection", e->collection_path);
	output_json(&w->out, object);
	buf_done(&text);
}

/* ---- for people ---- */

static void
add_line_row(const struct explain *e, struct slice key, struct slice value, void *table)
{
	struct buf text;
	buf_init(&text, (size_t)4 * LIMIT_REPLY_BYTES);
	if (e->bucket == 0 && slice_equal_str(key, "Bucket"))
		value = slice_str("(new)");
	buf_append(&text, key);
	buf_append_byte(&text, '=');
	buf_append(&text, value);
	table_cell(table, buf_slice(&text));
	buf_reset(&text);
	explain_key(e, key, &text);
	table_cell(table, buf_slice(&text));
	buf_done(&text);
}

static bool
is_in_reply(const struct explain *e, enum collection_directive directive)
{
	struct slice rest = buf_slice(&e->reply);
	while (rest.len > 0) {
		struct slice line = rest;
		struct slice key = rest;
		struct slice value;
		if (!slice_cut(rest, '\n', &line, &rest))
			rest = (struct slice){NULL, 0};
		if (slice_cut(line, '=', &key, &value) && explain_directive(key) == directive)
			return true;
	}
	return false;
}

/* What rules set and this reply does not show: amounts, and what belongs to a cabinet that is
 * not asked for. */
static void
show_unseen(struct werctl *w, const struct explain *e)
{
	for (int i = 0; i < COLLECTION_DIRECTIVE_N; i++) {
		enum collection_directive directive = (enum collection_directive)i;
		struct buf source;
		if (e->plan.decided_by[i] < 0 || is_in_reply(e, directive))
			continue;
		buf_init(&source, LIMIT_TEXT_BYTES);
		explain_source(e, directive, &source);
		output_styled(&w->out, STYLE_FAINT, "  %s is set by %.*s\n",
			      collection_directive_name(directive), SLICE_ARGS(buf_slice(&source)));
		buf_done(&source);
	}
}

static void
print_text(struct werctl *w, const struct explain *e)
{
	static const struct table_column columns[] = {{.title = "LINE", .least = 24},
						      {.title = "DECIDED BY", .least = 16}};
	struct table *table = table_new(columns, 2, w->out.columns);
	struct buf why;
	each_line(e, add_line_row, table);
	table_flush(table, w->out.has_color, &w->out.text);
	table_free(table);
	buf_init(&why, LIMIT_TEXT_BYTES);
	explain_cab(e, &why);
	output_printf(&w->out, "\nCabinet %.*s\n", SLICE_ARGS(buf_slice(&why)));
	buf_done(&why);
	show_unseen(w, e);
}

err_t
cmd_collection_explain(struct werctl *w)
{
	struct record record;
	struct explain explain;
	err_t err = record_load_operand(w, werctl_operand(w, 0), &w->arena, &record);
	if (err != OK)
		return err;
	err = explain_make(w, &record, &explain);
	if (err == OK && w->out.is_json)
		print_json(w, &explain);
	else if (err == OK)
		print_text(w, &explain);
	explain_done(&explain);
	return err;
}

/* ---- check ---- */

static err_t
find_file(struct werctl *w, const char **ret_path)
{
	const struct config *config;
	const char *path = werctl_operand(w, 0);
	if (path == NULL) {
		err_t err = werctl_config(w, &config);
		if (err != OK)
			return err;
		path = config->collection;
		if (path == NULL)
			return err_set(&w->detail, ERR_NOTFOUND,
				       "%s names no collection rules: the built-in ones apply",
				       config->path);
	}
	*ret_path = path;
	return OK;
}

err_t
cmd_collection_check(struct werctl *w)
{
	const char *path = NULL;
	struct collection *collection;
	struct buf text = {0};
	struct err_detail why;
	err_t err = find_file(w, &path);
	if (err == OK)
		err = fs_read_file(path, LIMIT_YAML_BYTES, &text, &w->detail);
	if (err != OK)
		return err;
	err = collection_parse(buf_slice(&text), &collection, &why);
	buf_done(&text);
	if (err != OK)
		return err_set(&w->detail, err, "%s: %.200s", path, why.why);
	size_t rules = collection_n_rules(collection);
	collection_unref(collection);
	if (w->out.is_json) {
		struct json *object = json_new_object();
		json_put_str(object, "file", path);
		json_put_count(object, "rules", rules);
		output_json(&w->out, object);
	} else {
		output_printf(&w->out, "%s: %zu rule%s, no errors\n", path, rules,
			      rules == 1 ? "" : "s");
	}
	return OK;
}
