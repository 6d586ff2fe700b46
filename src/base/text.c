#include "base/text.h"

enum {
	REPLACEMENT = 0xfffd
};
#define REPLACEMENT_UTF8 "\xef\xbf\xbd"

enum text_encoding
text_detect(struct slice in, size_t *ret_bom_bytes)
{
	const uint8_t *b = in.data;
	*ret_bom_bytes = 0;
	if (in.len >= 2 && ((b[0] == 0xff && b[1] == 0xfe) || (b[0] == 0xfe && b[1] == 0xff))) {
		*ret_bom_bytes = 2;
		return b[0] == 0xff ? TEXT_UTF16LE : TEXT_UTF16BE;
	}
	if (in.len >= 3 && b[0] == 0xef && b[1] == 0xbb && b[2] == 0xbf) {
		*ret_bom_bytes = 3;
		return TEXT_UTF8;
	}
	if (in.len >= 2 && b[0] != 0 && b[1] == 0)
		return TEXT_UTF16LE;
	if (in.len >= 2 && b[0] == 0 && b[1] != 0)
		return TEXT_UTF16BE;
	return TEXT_UTF8;
}

static size_t
encode_utf8(uint32_t c, uint8_t out[4])
{
	if (c < 0x80) {
		out[0] = (uint8_t)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (uint8_t)(0xc0 | c >> 6);
		out[1] = (uint8_t)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		out[0] = (uint8_t)(0xe0 | c >> 12);
		out[1] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
		out[2] = (uint8_t)(0x80 | (c & 0x3f));
		return 3;
	}
	out[0] = (uint8_t)(0xf0 | c >> 18);
	out[1] = (uint8_t)(0x80 | (c >> 12 & 0x3f));
	out[2] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
	out[3] = (uint8_t)(0x80 | (c & 0x3f));
	return 4;
}

/* Length of the valid sequence at the start of S, 0 when there is none. */
static size_t
decode_utf8(struct slice s, uint32_t *ret_char)
{
	static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
	if (s.len == 0)
		return 0;
	uint8_t first = s.data[0];
	size_t count = first < 0x80 ? 1 : first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
	if (first < 0x80) {
		*ret_char = first;
		return 1;
	}
	if (first < 0xc2 || first > 0xf4 || s.len < count)
		return 0;
	uint32_t c = first & (0x7fU >> count);
	for (size_t i = 1; i < count; i++) {
		if ((s.data[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (s.data[i] & 0x3f);
	}
	if (c < least[count] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return 0;
	*ret_char = c;
	return count;
}

static size_t
copy_utf8(struct slice in, struct buf *out)
{
	size_t broken = 0;
	for (size_t i = 0; i < in.len;) {
		uint32_t c;
		size_t count = decode_utf8(slice_sub(in, i, 4), &c);
		if (count == 0) {
			broken++;
			buf_append_str(out, REPLACEMENT_UTF8);
			i++;
			continue;
		}
		buf_append(out, slice_sub(in, i, count));
		i += count;
	}
	return broken;
}

static uint32_t
unit_at(struct slice in, size_t i, unsigned big_endian)
{
	return (uint32_t)(in.data[i + big_endian] | in.data[i + 1 - big_endian] << 8);
}

enum {
	PIECE = 1536, /* bytes of output that are gathered before they are appended */
	UNIT_MOST = 4 /* one step never writes more */
};

/* Eight ASCII characters at a time while the other byte of each is zero.  Returns the bytes used.
 */
static size_t
copy_ascii_run(struct slice in, unsigned big_endian, uint8_t *at)
{
	const uint64_t not_ascii =
		big_endian ? UINT64_C(0x80ff80ff80ff80ff) : UINT64_C(0xff80ff80ff80ff80);
	size_t i = 0;
	for (; in.len - i >= 16; i += 16) {
		uint64_t a;
		uint64_t b;
		memcpy(&a, in.data + i, 8);
		memcpy(&b, in.data + i + 8, 8);
		if (((a | b) & not_ascii) != 0)
			break;
		for (size_t k = 0; k < 8; k++)
			*at++ = in.data[i + 2 * k + big_endian];
	}
	return i;
}

/* One character; returns the bytes used, 2 or 4. */
static size_t
take_utf16(struct slice in, size_t i, unsigned big_endian, uint32_t *ret_char, size_t *broken)
{
	uint32_t c = unit_at(in, i, big_endian);
	*ret_char = c;
	if (c < 0xd800 || c >= 0xe000)
		return 2;
	if (c < 0xdc00 && in.len - i >= 4) {
		uint32_t low = unit_at(in, i + 2, big_endian);
		if (low >= 0xdc00 && low < 0xe000) {
			*ret_char = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
			return 4;
		}
	}
	*ret_char = REPLACEMENT;
	(*broken)++;
	return 2;
}

/* Fills PIECE from the start of IN.  Returns the bytes used. */
static size_t
fill_piece(struct slice in, unsigned big_endian, uint8_t piece[PIECE], size_t *ret_len,
	   size_t *broken)
{
	const size_t full = PIECE - 8 * UNIT_MOST; /* the loop writes eight characters at once */
	size_t i = 0;
	size_t len = 0;
	while (i < in.len && len <= full) {
		size_t run =
			copy_ascii_run(slice_sub(in, i, (full - len) * 2), big_endian, piece + len);
		len += run / 2;
		i += run;
		for (size_t k = 0; k < 8 && i < in.len; k++) {
			uint32_t c;
			i += take_utf16(in, i, big_endian, &c, broken);
			len += encode_utf8(c, piece + len);
		}
	}
	*ret_len = len;
	return i;
}

static size_t
copy_utf16(struct slice in, unsigned big_endian, struct buf *out)
{
	size_t broken = in.len % 2;
	struct slice left = slice_sub(in, 0, in.len - in.len % 2);
	while (left.len > 0) {
		uint8_t piece[PIECE];
		size_t len;
		size_t used = fill_piece(left, big_endian, piece, &len, &broken);
		buf_append(out, slice_of(piece, len));
		left = slice_sub(left, used, left.len);
	}
	if (in.len % 2 != 0)
		buf_append_str(out, REPLACEMENT_UTF8);
	return broken;
}

size_t
text_to_utf8(struct slice in, enum text_encoding encoding, struct buf *out)
{
	if (encoding == TEXT_UTF8) {
		if (!text_is_utf8(in))
			return copy_utf8(in, out);
		buf_append(out, in);
		return 0;
	}
	return copy_utf16(in, encoding == TEXT_UTF16BE, out);
}

static void
put_unit(uint32_t unit, bool big_endian, uint8_t *at)
{
	at[0] = (uint8_t)(big_endian ? unit >> 8 : unit);
	at[1] = (uint8_t)(big_endian ? unit : unit >> 8);
}

static size_t
encode_utf16(uint32_t c, bool big_endian, uint8_t out[4])
{
	if (c < 0x10000) {
		put_unit(c, big_endian, out);
		return 2;
	}
	put_unit(0xd800 + ((c - 0x10000) >> 10), big_endian, out);
	put_unit(0xdc00 + ((c - 0x10000) & 0x3ff), big_endian, out + 2);
	return 4;
}

void
text_to_utf16(struct slice utf8, enum text_encoding encoding, struct buf *out)
{
	bool big_endian = encoding == TEXT_UTF16BE;
	for (size_t i = 0; i < utf8.len;) {
		uint8_t piece[PIECE];
		size_t len = 0;
		while (i < utf8.len && len + UNIT_MOST <= PIECE) {
			uint32_t c = utf8.data[i];
			size_t count = 1;
			if (c >= 0x80)
				count = decode_utf8(slice_sub(utf8, i, 4), &c);
			if (count == 0)
				c = REPLACEMENT;
			i += count == 0 ? 1 : count;
			len += encode_utf16(c, big_endian, piece + len);
		}
		buf_append(out, slice_of(piece, len));
	}
}

bool
text_is_ascii(struct slice in)
{
	size_t i = 0;
	for (; in.len - i >= 8; i += 8) {
		uint64_t eight;
		memcpy(&eight, in.data + i, 8);
		if ((eight & UINT64_C(0x8080808080808080)) != 0)
			return false;
	}
	for (; i < in.len; i++)
		if (in.data[i] >= 0x80)
			return false;
	return true;
}

bool
text_is_utf8(struct slice in)
{
	if (text_is_ascii(in))
		return true;
	for (size_t i = 0; i < in.len;) {
		uint32_t c;
		size_t count = decode_utf8(slice_sub(in, i, 4), &c);
		if (count == 0)
			return false;
		i += count;
	}
	return true;
}

/* 0x80-0x9f of code page 1252; 0 marks the five that are unassigned. */
static const uint16_t cp1252_high[32] = {
	0x20ac, 0,      0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021, 0x02c6, 0x2030, 0x0160,
	0x2039, 0x0152, 0,      0x017d, 0,      0,      0x2018, 0x2019, 0x201c, 0x201d, 0x2022,
	0x2013, 0x2014, 0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0,      0x017e, 0x0178,
};

static bool
cp1252_byte(uint32_t c, uint8_t *ret_byte)
{
	if (c < 0x80 || (c >= 0xa0 && c < 0x100)) {
		*ret_byte = (uint8_t)c;
		return true;
	}
	for (size_t i = 0; i < 32; i++) {
		if (cp1252_high[i] != 0 && cp1252_high[i] == c) {
			*ret_byte = (uint8_t)(0x80 + i);
			return true;
		}
	}
	return false;
}

bool
text_to_cp1252(struct slice utf8, struct buf *out)
{
	for (size_t i = 0; i < utf8.len;) {
		uint32_t c;
		uint8_t byte;
		size_t count = decode_utf8(slice_sub(utf8, i, 4), &c);
		if (count == 0 || !cp1252_byte(c, &byte))
			return false;
		buf_append_byte(out, byte);
		i += count;
	}
	return true;
}

void
text_escape(struct slice in, struct buf *out)
{
	for (size_t i = 0; i < in.len; i++) {
		uint8_t c = in.data[i];
		if (c < 0x20 || c == 0x7f)
			buf_printf(out, "\\x%02x", c);
		else if (c == '\\')
			buf_append_str(out, "\\\\");
		else
			buf_append_byte(out, c);
	}
}

static uint8_t
fold(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c;
}

void
text_fold(struct slice in, struct buf *out)
{
	uint8_t *at = buf_room(out, in.len);
	if (at == NULL)
		return;
	for (size_t i = 0; i < in.len; i++)
		at[i] = fold(in.data[i]);
	buf_grew(out, in.len);
}

void
text_hex(struct slice in, struct buf *out)
{
	static const char digits[] = "0123456789abcdef";
	uint8_t *at = buf_room(out, in.len * 2);
	if (at == NULL)
		return;
	for (size_t i = 0; i < in.len; i++) {
		at[2 * i] = (uint8_t)digits[in.data[i] >> 4];
		at[2 * i + 1] = (uint8_t)digits[in.data[i] & 15];
	}
	buf_grew(out, in.len * 2);
}

bool
text_from_hex(struct slice in, struct buf *out)
{
	if (in.len % 2 != 0)
		return false;
	for (size_t i = 0; i < in.len; i += 2) {
		uint64_t byte;
		if (!slice_hex_to_u64(slice_sub(in, i, 2), &byte))
			return false;
		buf_append_byte(out, (uint8_t)byte);
	}
	return true;
}

bool
text_has_wildcard(struct slice pattern)
{
	return pattern.len > 0 && (memchr(pattern.data, '*', pattern.len) != NULL ||
				   memchr(pattern.data, '?', pattern.len) != NULL);
}

/* One step over a whole UTF-8 character, so that '?' is a character and not a byte. */
static size_t
char_bytes(struct slice in, size_t at)
{
	size_t count = 1;
	while (at + count < in.len && (in.data[at + count] & 0xc0) == 0x80)
		count++;
	return count;
}

bool
text_matches(struct slice pattern, struct slice in)
{
	size_t p = 0;
	size_t i = 0;
	size_t star = SIZE_MAX; /* where to take up again after the last '*' */
	size_t star_in = 0;
	while (i < in.len) {
		if (p < pattern.len && pattern.data[p] == '*') {
			star = ++p;
			star_in = i;
		} else if (p < pattern.len && pattern.data[p] == '?') {
			p++;
			i += char_bytes(in, i);
		} else if (p < pattern.len && fold(pattern.data[p]) == fold(in.data[i])) {
			p++;
			i++;
		} else if (star != SIZE_MAX) {
			p = star;
			star_in += char_bytes(in, star_in);
			i = star_in;
		} else {
			return false;
		}
	}
	while (p < pattern.len && pattern.data[p] == '*')
		p++;
	return p == pattern.len;
}
