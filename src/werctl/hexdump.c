#include "werctl/hexdump.h"

#include "werctl/cell.h"

enum {
	HEXDUMP_LINE_BYTES = 16,
	DELETE = 0x7f
};

static void
append_picture(uint8_t byte, struct buf *out)
{
	if (byte < 0x20 || byte == DELETE)
		cell_picture(byte, out);
	else if (byte > DELETE)
		buf_append_str(out, "\u00b7");
	else
		buf_append_byte(out, byte);
}

static void
append_line(struct slice line, struct buf *out)
{
	for (size_t i = 0; i < HEXDUMP_LINE_BYTES; i++) {
		buf_append_str(out, i == HEXDUMP_LINE_BYTES / 2 ? "  " : " ");
		if (i < line.len)
			buf_printf(out, "%02x", line.data[i]);
		else
			buf_append_str(out, "  ");
	}
	buf_append_str(out, "  ");
	for (size_t i = 0; i < line.len; i++)
		append_picture(line.data[i], out);
	buf_append_byte(out, '\n');
}

void
hexdump(struct slice bytes, struct buf *out)
{
	for (size_t at = 0; at < bytes.len; at += HEXDUMP_LINE_BYTES) {
		buf_printf(out, "%08zx ", at);
		append_line(slice_sub(bytes, at, HEXDUMP_LINE_BYTES), out);
	}
}
