/* Two tables drive all of it: the single keys with their kind, and what the parts of an indexed
 * item are called.  Reading goes over the lines twice: single keys find their place at once; the
 * parts of lists are gathered, sorted by list, index and line, and grouped.  So neither gaps nor
 * an order of their own cost more than a sort.
 */
#include "report/wer_file.h"

#include <stdlib.h>

#include "report/rows.h"
#include "report/wer_table.h"

#define NAME(text)                                                                                 \
	{                                                                                          \
		(const uint8_t *)("" text), sizeof(text) - 1                                       \
	}
#define WER_ROW_(code, key, json, kind) [code] = {NAME(key), json, WER_KIND_##kind},
const struct wer_key_row wer_key_table[WER_KEY_N] = {WER_KEYS(WER_ROW_)};
#undef WER_ROW_

#define PAIR_OF(first)                                                                             \
	{                                                                                          \
		NAME(first), NAME(".Value")                                                        \
	}
const struct slice wer_part_table[WER_KEY_N][WER_PART_N] = {
	[WER_SIGNATURE] = PAIR_OF(".Name"),
	[WER_DYNAMIC_SIGNATURE] = PAIR_OF(".Name"),
	[WER_UI] = {{0}, NAME("")},
	[WER_LOADED_MODULE] = {{0}, NAME("")},
	[WER_STATE] = PAIR_OF(".Key"),
	[WER_OS_INFO] = PAIR_OF(".Key"),
	[WER_FILE] = {NAME(".CabName"), NAME(".Path"), NAME(".Flags"), NAME(".Type"),
		      NAME(".Original.Path")},
};
#undef PAIR_OF
#undef NAME

/* One line of a list, before the items are grouped. */
struct entry {
	enum wer_key list;
	uint32_t index;
	unsigned part;
	size_t line;
	struct slice value;
};

/* Returns WER_KEY_N when there is none. */
static enum wer_key
find_key(struct slice key, bool is_list)
{
	for (unsigned i = 0; i < WER_KEY_N; i++)
		if ((wer_key_table[i].kind == WER_KIND_LIST) == is_list &&
		    slice_equal_nocase(wer_key_table[i].key, key))
			return i;
	return WER_KEY_N;
}

/* "File[3].CabName".  False: not of this form, or of no known list or part. */
static bool
parse_entry(struct slice key, struct entry *ret_entry)
{
	struct slice name;
	struct slice rest;
	struct slice digits;
	uint64_t index;
	if (!slice_cut(key, '[', &name, &rest) || !slice_cut(rest, ']', &digits, &rest) ||
	    !slice_to_u64(digits, &index) || index > UINT32_MAX)
		return false;
	enum wer_key list = find_key(name, true);
	if (list == WER_KEY_N)
		return false;
	for (unsigned part = 0; part < WER_PART_N; part++) {
		struct slice wanted = wer_part_table[list][part];
		if (slice_is_absent(wanted) || !slice_equal_nocase(wanted, rest))
			continue;
		*ret_entry = (struct entry){.list = list, .index = (uint32_t)index, .part = part};
		return true;
	}
	return false;
}

static void
note_duplicate(struct wer_file *file, size_t line)
{
	file->lines[line].is_known = false;
	file->flags |= WER_FLAG_DUPLICATE;
}

static void
take_value(struct wer_file *file, enum wer_key key, size_t line)
{
	struct wer_value *value = &file->values[key];
	struct slice text = file->lines[line].value;
	if (!slice_is_absent(value->text)) {
		note_duplicate(file, line);
		return;
	}
	value->text = text;
	if (wer_key_table[key].kind == WER_KIND_TEXT)
		return;
	value->is_number = slice_to_i64(slice_trim(text), &value->number);
	if (!value->is_number)
		file->flags |= WER_FLAG_BAD_NUMBER;
}

/* Adds LINE's entry to ENTRIES when its key belongs to a list.  ERR_LIMIT: ARENA is full. */
static err_t
take_line(struct wer_file *file, size_t at, struct rows *entries, struct arena *arena)
{
	struct wer_line *line = &file->lines[at];
	struct slice key = slice_trim(line->key);
	struct entry entry;
	if (slice_is_absent(line->value)) {
		if (key.len > 0)
			file->flags |= WER_FLAG_UNKNOWN;
		return OK;
	}
	enum wer_key single = find_key(key, false);
	line->is_known = true;
	if (single < WER_KEY_N) {
		take_value(file, single, at);
	} else if (parse_entry(key, &entry)) {
		struct entry *room = rows_add(entries, arena);
		if (room == NULL)
			return ERR_LIMIT;
		entry.line = at;
		entry.value = line->value;
		*room = entry;
	} else {
		line->is_known = false;
		file->flags |= WER_FLAG_UNKNOWN;
	}
	return OK;
}

static int
compare_entries(const void *a, const void *b)
{
	const struct entry *x = a;
	const struct entry *y = b;
	if (x->list != y->list)
		return x->list < y->list ? -1 : 1;
	if (x->index != y->index)
		return x->index < y->index ? -1 : 1;
	return x->line < y->line ? -1 : 1;
}

/* ENTRIES are sorted: the items of a list, and the parts of an item, lie together. */
static err_t
group_entries(struct wer_file *file, const struct entry *entries, size_t n, struct arena *arena)
{
	struct wer_item *items = arena_array(arena, n, sizeof(*items));
	struct wer_item *item = items;
	if (items == NULL)
		return ERR_LIMIT;
	for (size_t i = 0; i < n; i++) {
		const struct entry *entry = &entries[i];
		bool is_new_list = i == 0 || entries[i - 1].list != entry->list;
		if (i > 0 && (is_new_list || entries[i - 1].index != entry->index))
			item++;
		if (is_new_list)
			file->lists[entry->list].items = item;
		file->lists[entry->list].n = (size_t)(item - file->lists[entry->list].items) + 1;
		item->index = entry->index;
		if (slice_is_absent(item->parts[entry->part]))
			item->parts[entry->part] = entry->value;
		else
			note_duplicate(file, entry->line);
	}
	return OK;
}

/* Splits the text into lines.  ERR_CORRUPT: none is `Key=Value`. */
static err_t
split_lines(struct wer_file *file, struct arena *arena)
{
	struct rows lines = ROWS_OF(struct wer_line, LIMIT_WER_LINES);
	struct slice rest = file->form.utf8;
	struct slice text;
	size_t n_pairs = 0;
	file->is_lf = memmem(rest.data, rest.len, "\r\n", 2) == NULL &&
		      memchr(rest.data, '\n', rest.len) != NULL;
	file->is_open = rest.data[rest.len - 1] != '\n';
	while (text_file_line(&rest, &text)) {
		struct wer_line *line = rows_add(&lines, arena);
		if (line == NULL)
			return ERR_LIMIT;
		line->key = text;
		if (slice_cut(text, '=', &line->key, &line->value))
			n_pairs++;
	}
	file->lines = lines.items;
	file->n_lines = lines.n;
	return n_pairs == 0 ? ERR_CORRUPT : OK;
}

err_t
wer_file_parse(struct slice in, struct arena *arena, struct wer_file *ret_file)
{
	struct wer_file file = {0};
	struct rows entries = ROWS_OF(struct entry, LIMIT_WER_LINES);
	err_t err = text_file_decode(in, arena, &file.form);
	if (err == OK && file.form.utf8.len == 0)
		err = ERR_TRUNCATED;
	if (err == OK)
		err = split_lines(&file, arena);
	for (size_t i = 0; err == OK && i < file.n_lines; i++)
		err = take_line(&file, i, &entries, arena);
	if (err == OK && entries.n > 0) {
		qsort(entries.items, entries.n, entries.each_bytes, compare_entries);
		err = group_entries(&file, entries.items, entries.n, arena);
	}
	if (err != OK)
		return err;
	if (file.form.is_broken)
		file.flags |= WER_FLAG_BAD_TEXT;
	*ret_file = file;
	return OK;
}

const struct wer_item *
wer_file_item(const struct wer_file *file, enum wer_key list, uint32_t index)
{
	size_t low = 0;
	size_t high = file->lists[list].n;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct wer_item *item = &file->lists[list].items[middle];
		if (item->index == index)
			return item;
		if (item->index < index)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

struct slice
wer_file_os_info(const struct wer_file *file, const char *key)
{
	for (size_t i = 0; i < file->lists[WER_OS_INFO].n; i++) {
		const struct wer_item *item = &file->lists[WER_OS_INFO].items[i];
		if (slice_equal_str(item->parts[WER_PART_NAME], key))
			return item->parts[WER_PART_VALUE];
	}
	return (struct slice){NULL, 0};
}
