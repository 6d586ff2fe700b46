/* Encodings, escapes and patterns: what leaves base/text.h as text is valid UTF-8, a round trip
 * keeps it, and a pattern comes to an end.  The first byte splits the input for the pattern. */
#include <stdlib.h>

#include "base/log.h"
#include "base/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
	CAP_BYTES = 8 << 20
};

static void
need(bool holds)
{
	if (!holds)
		abort();
}

/* Valid text through UTF-16 and back is the same text. */
static void
check_round_trip(struct slice utf8, enum text_encoding encoding)
{
	struct buf utf16;
	struct buf back;
	buf_init(&utf16, CAP_BYTES);
	buf_init(&back, CAP_BYTES);
	text_to_utf16(utf8, encoding, &utf16);
	need(text_to_utf8(buf_slice(&utf16), encoding, &back) == 0);
	need(slice_equal(buf_slice(&back), utf8));
	buf_done(&utf16);
	buf_done(&back);
}

static void
check_encoding(struct slice in, enum text_encoding encoding)
{
	struct buf utf8;
	buf_init(&utf8, CAP_BYTES);
	size_t broken = text_to_utf8(in, encoding, &utf8);
	need(buf_error(&utf8) == OK);
	need(text_is_utf8(buf_slice(&utf8)));
	need(encoding != TEXT_UTF8 || (broken == 0) == text_is_utf8(in));
	check_round_trip(buf_slice(&utf8), TEXT_UTF16LE);
	check_round_trip(buf_slice(&utf8), TEXT_UTF16BE);
	buf_done(&utf8);
}

static void
check_forms(struct slice in)
{
	char logged[LOG_VALUE_BYTES];
	struct buf out;
	struct buf back;
	buf_init(&out, CAP_BYTES);
	buf_init(&back, CAP_BYTES);
	text_hex(in, &out);
	need(text_from_hex(buf_slice(&out), &back));
	need(slice_equal(buf_slice(&back), in));
	buf_reset(&out);
	text_escape(in, &out);
	for (size_t i = 0; i < buf_slice(&out).len; i++)
		need(buf_slice(&out).data[i] >= 0x20 && buf_slice(&out).data[i] != 0x7f);
	buf_reset(&out);
	text_fold(in, &out);
	need(slice_equal_nocase(buf_slice(&out), in));
	buf_reset(&out);
	need(!text_to_cp1252(in, &out) || (text_is_utf8(in) && buf_slice(&out).len <= in.len));
	need(text_is_utf8(slice_str(log_value(in, logged))));
	buf_done(&out);
	buf_done(&back);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in = slice_of(data, size);
	size_t bom_bytes;
	enum text_encoding encoding = text_detect(in, &bom_bytes);
	need(encoding < TEXT_ENCODING_N && bom_bytes <= size);
	for (int i = 0; i < TEXT_ENCODING_N; i++)
		check_encoding(in, (enum text_encoding)i);
	check_forms(in);
	if (size > 0) {
		struct slice pattern = slice_sub(in, 1, data[0]);
		struct slice text = slice_sub(in, 1 + pattern.len, size);
		bool matches = text_matches(pattern, text);
		need(text_has_wildcard(pattern) || matches == slice_equal_nocase(pattern, text));
	}
	return 0;
}
