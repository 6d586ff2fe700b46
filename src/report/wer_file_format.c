#include "base/limits.h"
#include "report/wer_table.h"

static size_t
text_bytes(const struct wer_file *file)
{
	size_t bytes = 0;
	for (size_t i = 0; i < file->n_lines; i++)
		bytes += file->lines[i].key.len + file->lines[i].value.len + 3;
	return bytes;
}

void
wer_file_format(const struct wer_file *file, struct buf *out)
{
	struct buf text;
	buf_init(&text, text_bytes(file));
	for (size_t i = 0; i < file->n_lines; i++) {
		const struct wer_line *line = &file->lines[i];
		buf_append(&text, line->key);
		if (!slice_is_absent(line->value)) {
			buf_append_byte(&text, '=');
			buf_append(&text, line->value);
		}
		if (i + 1 < file->n_lines || !file->is_open)
			buf_append_str(&text, file->is_lf ? "\n" : "\r\n");
	}
	text_file_encode(buf_slice(&text), file->form.encoding, file->form.has_mark, out);
	buf_done(&text);
}

/* Could VALUE end its line, or the text? */
static bool
has_end(struct slice value)
{
	for (size_t i = 0; i < value.len; i++)
		if (value.data[i] == 0 || value.data[i] == '\r' || value.data[i] == '\n')
			return true;
	return false;
}

/* Appends the rest of a line whose key is there already. */
static err_t
put_value(struct slice value, struct buf *text)
{
	if (has_end(value))
		return ERR_UNSUPPORTED;
	buf_append_byte(text, '=');
	buf_append(text, value);
	buf_append_str(text, "\r\n");
	return OK;
}

static err_t
put_list(const struct wer_file *file, enum wer_key list, struct buf *text)
{
	err_t err = OK;
	for (size_t i = 0; i < file->lists[list].n; i++) {
		const struct wer_item *item = &file->lists[list].items[i];
		for (unsigned part = 0; part < WER_PART_N && err == OK; part++) {
			if (slice_is_absent(item->parts[part]) ||
			    slice_is_absent(wer_part_table[list][part]))
				continue;
			buf_append(text, wer_key_table[list].key);
			buf_printf(text, "[%u]", item->index);
			buf_append(text, wer_part_table[list][part]);
			err = put_value(item->parts[part], text);
		}
	}
	return err;
}

err_t
wer_file_compose(const struct wer_file *file, struct buf *out)
{
	struct buf text;
	err_t err = OK;
	buf_init(&text, LIMIT_TEXT_FILE_BYTES);
	for (unsigned key = 0; key < WER_KEY_N && err == OK; key++) {
		if (wer_key_table[key].kind == WER_KIND_LIST) {
			err = put_list(file, key, &text);
		} else if (!slice_is_absent(file->values[key].text)) {
			buf_append(&text, wer_key_table[key].key);
			err = put_value(file->values[key].text, &text);
		}
	}
	if (err == OK)
		err = buf_error(&text);
	if (err == OK) {
		text_file_encode(buf_slice(&text), TEXT_UTF16LE, true, out);
		err = buf_error(out);
	}
	buf_done(&text);
	return err;
}
