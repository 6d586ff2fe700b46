#include "cer/level1_text.h"

/* Both ends in turn until nothing changes: a NUL may stand behind blanks, and before them. */
static struct slice
trim(struct slice s)
{
	size_t len;
	do {
		len = s.len;
		s = slice_trim(s);
		while (s.len > 0 && s.data[s.len - 1] == 0)
			s.len--;
	} while (s.len != len);
	return s;
}

void
level1_text_decode(struct slice body, struct buf *buf, struct level1_text *ret_text)
{
	struct level1_text text = {0};
	text.encoding = text_detect(body, &text.bom_bytes);
	struct slice rest = slice_sub(body, text.bom_bytes, body.len);
	/* Half a character at the end is no reason to refuse what comes before it. */
	if (text.encoding != TEXT_UTF8 && rest.len % 2 != 0)
		text.is_broken = rest.data[--rest.len] != 0;
	buf_reset(buf);
	if (text_to_utf8(rest, text.encoding, buf) > 0)
		text.is_broken = true;
	struct slice all = buf_slice(buf);
	text.utf8 = trim(all);
	text.leading_bytes = (size_t)(text.utf8.data - all.data);
	*ret_text = text;
}

static uint32_t
unit_at(struct slice in, size_t at, bool big_endian)
{
	if (in.len - at < 2)
		return 0;
	return big_endian ? (uint32_t)(in.data[at] << 8 | in.data[at + 1])
			  : (uint32_t)(in.data[at + 1] << 8 | in.data[at]);
}

/* Bytes of UTF-8 that the UTF-16 character at AT became; *ret_bytes is its length in IN. */
static size_t
step_utf16(struct slice in, size_t at, bool big_endian, size_t *ret_bytes)
{
	uint32_t unit = unit_at(in, at, big_endian);
	uint32_t next = in.len - at >= 4 ? unit_at(in, at + 2, big_endian) : 0;
	bool is_pair = unit >= 0xd800 && unit < 0xdc00 && next >= 0xdc00 && next < 0xe000;
	*ret_bytes = is_pair ? 4 : 2;
	return is_pair ? 4 : unit < 0x80 ? 1 : unit < 0x800 ? 2 : 3;
}

/* The same for UTF-8, in which each broken byte became U+FFFD. */
static size_t
step_utf8(struct slice in, size_t at, size_t *ret_bytes)
{
	uint8_t first = in.data[at];
	size_t count = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
	bool is_whole = in.len - at >= count && text_is_utf8(slice_sub(in, at, count));
	*ret_bytes = is_whole ? count : 1;
	return is_whole ? count : 3;
}

uint64_t
level1_text_offset(const struct level1_text *text, struct slice body, uint64_t utf8_offset)
{
	size_t at = text->bom_bytes;
	uint64_t utf8 = 0;
	while (at < body.len) {
		size_t bytes;
		utf8 += text->encoding == TEXT_UTF8
				? step_utf8(body, at, &bytes)
				: step_utf16(body, at, text->encoding == TEXT_UTF16BE, &bytes);
		if (utf8 > text->leading_bytes + utf8_offset)
			break;
		at += bytes;
	}
	return at < body.len ? at : body.len;
}
