#include "werctl/cell.h"

#include <locale.h>
#include <stdio.h>
#include <wchar.h>

#include "base/text.h"
#include "base/time.h"

#define CELL_ELLIPSIS "\xe2\x80\xa6" /* U+2026, one column */

void
cell_locale(void)
{
	/* Only the character classes: numbers and messages stay as they are in C. */
	if (setlocale(LC_CTYPE, "C.UTF-8") == NULL)
		(void)setlocale(LC_CTYPE, "");
}

/* Bytes of the character that begins valid UTF-8, and its number. */
static size_t
next_character(struct slice s, uint32_t *ret_character)
{
	static const uint8_t first_bits[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
	uint8_t first = s.data[0];
	size_t len = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
	if (len > s.len)
		len = s.len;
	uint32_t character = first & first_bits[len];
	for (size_t i = 1; i < len; i++)
		character = character << 6 | (s.data[i] & 0x3f);
	*ret_character = character;
	return len;
}

/* Direction marks and overrides, zero-width and invisible ones, line and paragraph separators. */
static bool
is_deceiving(uint32_t c)
{
	return c == 0xad || c == 0x61c || c == 0x180e || (c >= 0x200b && c <= 0x200f) ||
	       (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) || c == 0xfeff ||
	       (c >= 0xe0000 && c <= 0xe007f);
}

void
cell_picture(uint8_t control, struct buf *out)
{
	/* U+2400 to U+241F, and U+2421 for DEL. */
	uint8_t last = control == 0x7f ? 0xa1 : (uint8_t)(0x80 | control);
	buf_append(out, slice_of((const uint8_t[]){0xe2, 0x90, last}, 3));
}

static void
append_safe(struct slice valid, struct buf *out)
{
	while (valid.len > 0) {
		uint32_t c;
		size_t len = next_character(valid, &c);
		if (c < 0x20 || c == 0x7f)
			cell_picture((uint8_t)c, out);
		else if ((c >= 0x80 && c < 0xa0) || is_deceiving(c))
			buf_printf(out, "<U+%04X>", (unsigned)c);
		else
			buf_append(out, slice_sub(valid, 0, len));
		valid = slice_sub(valid, len, valid.len);
	}
}

void
cell_text(struct slice text, struct buf *out)
{
	struct buf mended;
	if (text.len == 0)
		return;
	if (text_is_utf8(text)) {
		append_safe(text, out);
		return;
	}
	buf_init(&mended, SIZE_MAX / 2);
	(void)text_to_utf8(text, TEXT_UTF8, &mended);
	append_safe(buf_slice(&mended), out);
	buf_done(&mended);
}

static size_t
character_width(uint32_t character)
{
	int width = wcwidth((wchar_t)character);
	return width < 0 ? 1 : (size_t)width;
}

size_t
cell_width(struct slice cell)
{
	size_t width = 0;
	while (cell.len > 0) {
		uint32_t c;
		cell = slice_sub(cell, next_character(cell, &c), cell.len);
		width += character_width(c);
	}
	return width;
}

/* The longest beginning of CELL that takes at most WIDTH columns; its bytes. */
static size_t
head_bytes(struct slice cell, size_t width)
{
	size_t used = 0;
	size_t at = 0;
	while (at < cell.len) {
		uint32_t c;
		size_t len = next_character(slice_sub(cell, at, cell.len), &c);
		used += character_width(c);
		if (used > width)
			break;
		at += len;
	}
	return at;
}

void
cell_cut(struct slice cell, size_t width, struct buf *out)
{
	if (cell_width(cell) <= width) {
		buf_append(out, cell);
		return;
	}
	buf_append(out, slice_sub(cell, 0, head_bytes(cell, width - 1)));
	buf_append_str(out, CELL_ELLIPSIS);
}

void
cell_cut_middle(struct slice cell, size_t width, struct buf *out)
{
	size_t whole = cell_width(cell);
	if (whole <= width) {
		buf_append(out, cell);
		return;
	}
	size_t tail = (width - 1) * 2 / 5;
	size_t head = head_bytes(cell, width - 1 - tail);
	/* What goes before the tail: as many columns as are not shown of it. */
	size_t hidden = head_bytes(cell, whole - tail);
	if (cell_width(slice_sub(cell, hidden, cell.len)) > tail) {
		uint32_t c; /* a wide character straddles the place */
		hidden += next_character(slice_sub(cell, hidden, cell.len), &c);
	}
	buf_append(out, slice_sub(cell, 0, head));
	buf_append_str(out, CELL_ELLIPSIS);
	buf_append(out, slice_sub(cell, hidden, cell.len));
}

void
cell_time(int64_t time_us, struct buf *out)
{
	char text[TIME_TEXT_BYTES];
	(void)time_format(time_us, text);
	buf_printf(out, "%.10s %.8sZ", text, text + 11);
}

void
cell_bytes(uint64_t bytes, struct buf *out)
{
	static const char *const units[] = {"KiB", "MiB", "GiB", "TiB", "PiB"};
	if (bytes < 1024) {
		buf_printf(out, "%u bytes", (unsigned)bytes);
		return;
	}
	size_t unit = 0;
	double scaled = (double)bytes / 1024;
	for (; scaled >= 1024 && unit + 1 < sizeof(units) / sizeof(units[0]); unit++)
		scaled /= 1024;
	buf_printf(out, scaled < 10 ? "%.1f %s" : "%.0f %s", scaled, units[unit]);
}

void
cell_span(int64_t span_us, struct buf *out)
{
	static const struct {
		int64_t us;
		const char *one;
		const char *many;
	} units[] = {{TIME_DAY_US, "day", "days"},
		     {TIME_HOUR_US, "hour", "hours"},
		     {TIME_MINUTE_US, "minute", "minutes"}};
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		int64_t count = span_us / units[i].us;
		if (count > 0) {
			buf_printf(out, "%lld %s", (long long)count,
				   count == 1 ? units[i].one : units[i].many);
			return;
		}
	}
	buf_printf(out, "%.1f s", (double)(span_us < 0 ? 0 : span_us) / TIME_SECOND_US);
}
