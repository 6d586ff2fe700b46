#include "report/plain_text.h"

#include "report/rows.h"

/* At the first '=', or ':' with a blank or nothing behind it: a drive letter is no name, and
 * neither is a tag. */
static bool
split(struct slice line, struct report_pair *ret_pair)
{
	for (size_t i = 0; i < line.len; i++) {
		uint8_t c = line.data[i];
		bool is_last = i + 1 == line.len;
		bool is_colon = c == ':' &&
				(is_last || line.data[i + 1] == ' ' || line.data[i + 1] == '\t');
		if (c == '<')
			return false;
		if (c != '=' && !is_colon)
			continue;
		ret_pair->name = slice_trim(slice_sub(line, 0, i));
		ret_pair->value = slice_trim(slice_sub(line, i + 1, line.len));
		return ret_pair->name.len > 0;
	}
	return false;
}

err_t
plain_text_parse(struct slice in, struct arena *arena, struct plain_text *ret_text)
{
	struct plain_text text = {0};
	struct rows pairs = ROWS_OF(struct report_pair, LIMIT_TEXT_PAIRS);
	struct report_pair pair;
	struct slice line;
	err_t err = text_file_decode(in, arena, &text.text);
	if (err != OK)
		return err;
	struct slice rest = text.text.utf8;
	for (; text_file_line(&rest, &line); text.n_lines++) {
		text.n_blank += slice_trim(line).len == 0;
		if (!split(line, &pair))
			continue;
		struct report_pair *into = rows_add(&pairs, arena);
		if (into != NULL)
			*into = pair;
		else if (pairs.n == pairs.max)
			text.has_more_pairs = true;
		else
			return ERR_LIMIT;
	}
	text.pairs = pairs.items;
	text.n_pairs = pairs.n;
	*ret_text = text;
	return OK;
}

void
plain_text_put_json(const struct plain_text *text, struct json *object)
{
	struct json *pairs = json_new_list();
	json_put_flag(object, "is_known", false);
	text_file_put_json(&text->text, object);
	json_put_count(object, "lines", text->n_lines);
	json_put_flag(object, "has_more_pairs", text->has_more_pairs);
	text_file_put_text(text->text.utf8, object);
	for (size_t i = 0; i < text->n_pairs; i++) {
		struct json *pair = json_new_object();
		json_put_text(pair, "name", text->pairs[i].name);
		json_put_text(pair, "value", text->pairs[i].value);
		json_add(pairs, pair);
	}
	json_put(object, "pairs", pairs);
}
