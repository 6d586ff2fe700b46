#include "base/time.h"
#include "report/wer_identity.h"
#include "report/wer_table.h"

static void
put_value(const struct wer_key_row *row, const struct wer_value *value, struct json *object)
{
	int64_t time_us;
	bool is_time = row->kind == WER_KIND_FILETIME && value->is_number && value->number >= 0 &&
		       time_from_filetime((uint64_t)value->number, &time_us);
	if (is_time)
		json_put_time(object, row->json, time_us);
	else if (row->kind == WER_KIND_NUMBER && value->is_number)
		json_put_number(object, row->json, value->number);
	else
		json_put_text(object, row->json, value->text);
}

static const char *
part_key(enum wer_key list, unsigned part)
{
	static const char *const file_keys[WER_PART_N] = {"cab_name", "path", "flags", "type",
							  "original_path"};
	if (list == WER_FILE)
		return file_keys[part];
	if (part == WER_PART_NAME)
		return list == WER_STATE || list == WER_OS_INFO ? "key" : "name";
	return "value";
}

/* File's flags and type are numbers, all else is text. */
static void
put_part(enum wer_key list, unsigned part, struct slice text, struct json *object)
{
	int64_t number;
	bool is_number = list == WER_FILE && (part == WER_PART_FLAGS || part == WER_PART_TYPE) &&
			 slice_to_i64(slice_trim(text), &number);
	if (is_number)
		json_put_number(object, part_key(list, part), number);
	else
		json_put_text(object, part_key(list, part), text);
}

static void
put_list(const struct wer_file *file, enum wer_key list, struct json *object)
{
	struct json *items = json_new_list();
	for (size_t i = 0; i < file->lists[list].n; i++) {
		const struct wer_item *item = &file->lists[list].items[i];
		struct json *into = json_new_object();
		json_put_number(into, "index", item->index);
		for (unsigned part = 0; part < WER_PART_N; part++)
			if (!slice_is_absent(wer_part_table[list][part]))
				put_part(list, part, item->parts[part], into);
		json_add(items, into);
	}
	json_put(object, wer_key_table[list].json, items);
}

/* The lines that nothing above speaks of, in order. */
static void
put_other(const struct wer_file *file, struct json *object)
{
	struct json *other = json_new_list();
	for (size_t i = 0; i < file->n_lines; i++) {
		const struct wer_line *line = &file->lines[i];
		if (line->is_known || (slice_is_absent(line->value) && line->key.len == 0))
			continue;
		struct json *into = json_new_object();
		json_put_text(into, "key", line->key);
		json_put_text(into, "value", line->value);
		json_add(other, into);
	}
	json_put(object, "other", other);
}

static void
put_flags(uint32_t flags, struct json *object)
{
	/* The place in this list is the bit. */
	static const char *const names[] = {"bad-number", "duplicate", "unknown-lines", "bad-text"};
	struct json *list = json_new_list();
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if ((flags & 1U << i) != 0)
			json_add_text(list, slice_str(names[i]));
	json_put(object, "flags", list);
}

void
wer_file_put_json(const struct wer_file *file, struct json *object)
{
	json_put_flag(object, "is_known", true);
	text_file_put_json(&file->form, object);
	for (unsigned key = 0; key < WER_KEY_N; key++) {
		if (wer_key_table[key].kind == WER_KIND_LIST)
			put_list(file, key, object);
		else
			put_value(&wer_key_table[key], &file->values[key], object);
	}
	wer_identity_put_json(file->values[WER_APP_SESSION].text,
			      file->values[WER_TARGET_APP_ID].text,
			      file->values[WER_TARGET_APP_VERSION].text, object);
	put_other(file, object);
	put_flags(file->flags, object);
}
