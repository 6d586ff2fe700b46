#include "report/text_file.h"

#include "base/limits.h"

err_t
text_file_decode(struct slice in, struct arena *arena, struct text_file *ret_text)
{
	struct text_file text = {.utf8 = SLICE_LITERAL("")};
	struct buf utf8;
	size_t mark_bytes;
	if (in.len > LIMIT_TEXT_FILE_BYTES)
		return ERR_LIMIT;
	text.encoding = text_detect(in, &mark_bytes);
	text.has_mark = mark_bytes > 0;
	in = slice_sub(in, mark_bytes, in.len);
	/* Half a character at the end, which a writer that counts wrong leaves. */
	if (text.encoding != TEXT_UTF8 && in.len % 2 != 0)
		text.is_broken = in.data[--in.len] != 0;
	buf_init(&utf8, in.len * 3 + 1); /* a broken byte becomes three */
	if (text_to_utf8(in, text.encoding, &utf8) > 0)
		text.is_broken = true;
	struct slice all = buf_slice(&utf8);
	while (all.len > 0 && all.data[all.len - 1] == 0)
		all.len--;
	text.utf8 = slice_dup(arena, all);
	buf_done(&utf8);
	if (slice_is_absent(text.utf8))
		return ERR_LIMIT;
	*ret_text = text;
	return OK;
}

void
text_file_encode(struct slice utf8, enum text_encoding encoding, bool has_mark, struct buf *out)
{
	static const char *const marks[TEXT_ENCODING_N] = {
		[TEXT_UTF8] = "\xef\xbb\xbf",
		[TEXT_UTF16LE] = "\xff\xfe",
		[TEXT_UTF16BE] = "\xfe\xff",
	};
	if (has_mark)
		buf_append_str(out, marks[encoding]);
	if (encoding == TEXT_UTF8)
		buf_append(out, utf8);
	else
		text_to_utf16(utf8, encoding, out);
}

bool
text_file_line(struct slice *rest, struct slice *ret_line)
{
	struct slice line = *rest;
	if (line.len == 0)
		return false;
	if (slice_cut(*rest, '\n', &line, rest)) {
		if (line.len > 0 && line.data[line.len - 1] == '\r')
			line.len--;
	} else {
		*rest = slice_sub(*rest, rest->len, 0);
	}
	*ret_line = line;
	return true;
}

const char *
text_file_encoding_name(enum text_encoding encoding)
{
	static const char *const names[TEXT_ENCODING_N] = {
		[TEXT_UTF8] = "UTF-8",
		[TEXT_UTF16LE] = "UTF-16LE",
		[TEXT_UTF16BE] = "UTF-16BE",
	};
	return names[encoding];
}

void
text_file_put_json(const struct text_file *text, struct json *object)
{
	json_put_str(object, "encoding", text_file_encoding_name(text->encoding));
	json_put_flag(object, "has_byte_order_mark", text->has_mark);
	json_put_flag(object, "has_broken_text", text->is_broken);
}

void
text_file_put_text(struct slice utf8, struct json *object)
{
	struct slice shown = utf8;
	if (shown.len > LIMIT_TEXT_FILE_SHOWN_BYTES) {
		shown.len = LIMIT_TEXT_FILE_SHOWN_BYTES;
		/* Not in the middle of a character. */
		while (shown.len > 0 && (utf8.data[shown.len] & 0xc0) == 0x80)
			shown.len--;
		json_put_count(object, "text_bytes", utf8.len);
	}
	json_put_text(object, "text", shown);
}
