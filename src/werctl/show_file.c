#include <stdio.h>

#include "werctl/cell.h"
#include "werctl/show.h"

struct slice
show_text(const struct json *object, const char *key)
{
	return json_text(json_find(object, key));
}

int64_t
show_number(const struct json *object, const char *key, int64_t otherwise)
{
	int64_t number;
	return json_to_i64(json_find(object, key), &number) ? number : otherwise;
}

void
show_group(struct output *out, const char *title)
{
	output_printf(out, "\n");
	output_styled(out, STYLE_TITLE, "%s", title);
	output_printf(out, "\n");
}

void
show_value(struct output *out, const char *name, struct slice value)
{
	if (slice_is_absent(value))
		return;
	output_styled(out, STYLE_FAINT, "  %-*s", SHOW_LABEL_COLUMNS, name);
	cell_text(value, &out->text);
	output_printf(out, "\n");
}

void
show_value_of(struct output *out, const char *name, const struct json *object, const char *key)
{
	show_value(out, name, show_text(object, key));
}

/* ---- what was read of a file, as it is in the document ---- */

enum {
	TREE_ITEMS_MAX = 200, /* of one list; the others are counted */
	TREE_DEPTH_MAX = 8
};

struct tree {
	struct output *out;
	int depth;
};

static void show_tree(struct output *out, const struct json *value, const char *name, int depth);

static void
show_key(void *context, const char *key, const struct json *value)
{
	const struct tree *tree = context;
	show_tree(tree->out, value, key, tree->depth);
}

static void
show_leaf(struct output *out, const char *name, int depth, struct slice value)
{
	output_styled(out, STYLE_FAINT, "  %*s%-*s ", depth * 2, "", SHOW_LABEL_COLUMNS, name);
	cell_text(value, &out->text);
	output_printf(out, "\n");
}

static void
show_number_leaf(struct output *out, const char *name, int depth, const struct json *value)
{
	int64_t number = 0;
	char text[32];
	(void)json_to_i64(value, &number);
	(void)snprintf(text, sizeof(text), "%lld", (long long)number);
	show_leaf(out, name, depth, slice_str(text));
}

static void
show_list(struct output *out, const struct json *list, int depth)
{
	size_t count = json_count(list);
	for (size_t i = 0; i < count && i < TREE_ITEMS_MAX; i++)
		show_tree(out, json_at(list, i), "-", depth);
	if (count > TREE_ITEMS_MAX)
		output_styled(out, STYLE_FAINT, "  %*s%zu more; --json has them\n", depth * 2, "",
			      count - TREE_ITEMS_MAX);
}

static void
show_tree(struct output *out, const struct json *value, const char *name, int depth)
{
	struct tree below = {.out = out, .depth = depth + 1};
	switch (json_kind(value)) {
	case JSON_KIND_TEXT:
		show_leaf(out, name, depth, json_text(value));
		break;
	case JSON_KIND_NUMBER:
		show_number_leaf(out, name, depth, value);
		break;
	case JSON_KIND_FLAG:
		show_leaf(out, name, depth, slice_str(json_is_true(value) ? "yes" : "no"));
		break;
	case JSON_KIND_LIST:
	case JSON_KIND_OBJECT:
		if (json_count(value) == 0 || depth >= TREE_DEPTH_MAX)
			break;
		output_styled(out, STYLE_FAINT, "  %*s%s\n", depth * 2, "", name);
		if (json_kind(value) == JSON_KIND_LIST)
			show_list(out, value, depth + 1);
		else
			json_each(value, show_key, &below);
		break;
	case JSON_KIND_NULL:
	default:
		break;
	}
}

static void
show_content(struct output *out, const struct json *content)
{
	struct tree tree = {.out = out, .depth = 0};
	output_printf(out, "\n");
	output_styled(out, STYLE_TITLE, "%.*s", SLICE_ARGS(show_text(content, "name")));
	output_styled(out, STYLE_FAINT, "   %.*s, %lld bytes",
		      SLICE_ARGS(show_text(content, "about")),
		      (long long)show_number(content, "bytes", 0));
	output_printf(out, "\n");
	show_value_of(out, "error", content, "error");
	json_each(json_find(content, "content"), show_key, &tree);
}

void
show_file(struct output *out, const struct json *document, bool all)
{
	const struct json *contents = json_find(document, "contents");
	const struct json *dumps = json_find(document, "dumps");
	show_value_of(out, "what", document, "about");
	show_value_of(out, "SHA-256", document, "sha256");
	show_value_of(out, "summary", document, "summary");
	if (json_kind(json_find(document, "cabinet")) == JSON_KIND_OBJECT)
		show_cabinet(out, json_find(document, "cabinet"));
	for (size_t i = 0; i < json_count(dumps); i++) {
		const struct json *dump = json_at(dumps, i);
		output_printf(out, "\n");
		output_styled(out, STYLE_TITLE, "%.*s", SLICE_ARGS(show_text(dump, "name")));
		output_printf(out, "\n");
		show_dump(out, dump, all);
	}
	for (size_t i = 0; i < json_count(contents); i++)
		show_content(out, json_at(contents, i));
}
