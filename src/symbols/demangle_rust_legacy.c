/* Rust's older names, which are an Itanium nested name whose last part is a hash; and Punycode, by
 * which the newer ones say what is not ASCII. */
#include "symbols/demangle_parts.h"

enum {
	PUNYCODE_MAX = 128, /* characters of one identifier that is not ASCII */
	HASH_DIGITS = 16,
	HASH_DISTINCT = 5 /* fewer different digits are no hash, but a name of C++ */
};

void
demangle_put_character(struct buf *out, uint32_t c)
{
	uint8_t bytes[4];
	size_t n = 0;
	if (c < 0x80) {
		bytes[n++] = (uint8_t)c;
	} else if (c < 0x800) {
		bytes[n++] = (uint8_t)(0xc0 | c >> 6);
		bytes[n++] = (uint8_t)(0x80 | (c & 0x3f));
	} else if (c < 0x10000) {
		bytes[n++] = (uint8_t)(0xe0 | c >> 12);
		bytes[n++] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
		bytes[n++] = (uint8_t)(0x80 | (c & 0x3f));
	} else {
		bytes[n++] = (uint8_t)(0xf0 | c >> 18);
		bytes[n++] = (uint8_t)(0x80 | (c >> 12 & 0x3f));
		bytes[n++] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
		bytes[n++] = (uint8_t)(0x80 | (c & 0x3f));
	}
	buf_append(out, slice_of(bytes, n));
}

bool
demangle_is_character(uint64_t c)
{
	return c <= 0x10ffff && (c < 0xd800 || c > 0xdfff);
}

/* How far the next place is, RFC 3492, 6.3. */
static bool
punycode_delta(struct slice *code, size_t bias, uint64_t *ret_delta)
{
	uint64_t delta = 0;
	uint64_t weight = 1;
	for (size_t k = 36;; k += 36) {
		size_t threshold = k <= bias ? 1 : k - bias < 26 ? k - bias : 26;
		if (code->len == 0)
			return false;
		uint8_t c = code->data[0];
		uint64_t digit = c >= 'a' && c <= 'z'   ? (uint64_t)(c - 'a')
				 : c >= '0' && c <= '9' ? (uint64_t)(c - '0' + 26)
							: UINT64_MAX;
		*code = slice_sub(*code, 1, code->len);
		if (digit > 35 || weight > UINT32_MAX)
			return false;
		delta += digit * weight;
		if (digit < threshold) {
			*ret_delta = delta;
			return true;
		}
		weight *= 36 - threshold;
	}
}

static size_t
punycode_bias(uint64_t delta, size_t n, bool is_first)
{
	size_t k = 0;
	delta /= is_first ? 700 : 2;
	delta += delta / n;
	for (; delta > 35 * 26 / 2; k += 36)
		delta /= 35;
	return k + (size_t)(36 * delta / (delta + 38));
}

bool
demangle_punycode(struct slice ascii, struct slice code, struct buf *out)
{
	uint32_t text[PUNYCODE_MAX];
	size_t n = ascii.len;
	size_t bias = 72;
	uint64_t at = 0;
	uint64_t c = 0x80;
	if (n >= PUNYCODE_MAX)
		return false;
	for (size_t i = 0; i < n; i++)
		text[i] = ascii.data[i];
	for (bool is_first = true; code.len > 0; is_first = false) {
		uint64_t delta;
		if (n >= PUNYCODE_MAX || !punycode_delta(&code, bias, &delta))
			return false;
		bias = punycode_bias(delta, ++n, is_first);
		at += delta;
		c += at / n;
		at %= n;
		if (!demangle_is_character(c))
			return false;
		memmove(&text[at + 1], &text[at], (n - 1 - (size_t)at) * sizeof(text[0]));
		text[at++] = (uint32_t)c;
	}
	for (size_t i = 0; i < n; i++)
		demangle_put_character(out, text[i]);
	return true;
}

/* The escapes of the older form, between "$" and "$". */
static const struct {
	const char *code;
	const char *text;
} escapes[] = {{"SP", "@"}, {"BP", "*"}, {"RF", "&"}, {"LT", "<"},
	       {"GT", ">"}, {"LP", "("}, {"RP", ")"}, {"C", ","}};

/* Cuts an escape off *TEXT, behind its "$". */
static bool
legacy_escape(struct buf *out, struct slice *text)
{
	struct slice code;
	struct slice rest;
	uint64_t c;
	if (!slice_cut(*text, '$', &code, &rest))
		return false;
	for (size_t i = 0; i < sizeof(escapes) / sizeof(escapes[0]); i++) {
		if (slice_equal_str(code, escapes[i].code)) {
			buf_append_str(out, escapes[i].text);
			*text = rest;
			return true;
		}
	}
	if (code.len < 2 || code.data[0] != 'u' ||
	    !slice_hex_to_u64(slice_sub(code, 1, code.len), &c) || !demangle_is_character(c) ||
	    c < 0x20)
		return false;
	demangle_put_character(out, (uint32_t)c);
	*text = rest;
	return true;
}

/* What is no escape, though it looks like one, is left as it is. */
static void
legacy_part(struct buf *out, struct slice text)
{
	if (slice_starts_with(text, SLICE_LITERAL("_$")))
		text = slice_sub(text, 1, text.len);
	while (text.len > 0) {
		struct slice one = slice_sub(text, 0, 1);
		text = slice_sub(text, 1, text.len);
		if (one.data[0] == '$') {
			if (!legacy_escape(out, &text)) {
				buf_append(out, one);
				buf_append(out, text);
				return;
			}
		} else if (one.data[0] == '.' && text.len > 0 && text.data[0] == '.') {
			buf_append_str(out, "::");
			text = slice_sub(text, 1, text.len);
		} else {
			buf_append(out, one);
		}
	}
}

/* "h" and 16 hex digits that are not too much alike. */
static bool
is_hash(struct slice part)
{
	unsigned seen = 0;
	uint64_t value;
	struct slice digits = slice_sub(part, 1, part.len);
	if (part.len != HASH_DIGITS + 1 || part.data[0] != 'h' ||
	    !slice_hex_to_u64(digits, &value) || digits.data[1] == 'x')
		return false;
	for (unsigned i = 0; i < HASH_DIGITS; i++)
		seen |= 1U << (value >> (4 * i) & 15);
	return __builtin_popcount(seen) >= HASH_DISTINCT;
}

/* One length and so many bytes. */
static bool
take_part(struct slice *rest, struct slice *ret_part)
{
	size_t n = 0;
	uint64_t len;
	while (n < rest->len && rest->data[n] >= '0' && rest->data[n] <= '9')
		n++;
	if (!slice_to_u64(slice_sub(*rest, 0, n), &len) || len == 0 || len > rest->len - n)
		return false;
	*ret_part = slice_sub(*rest, n, (size_t)len);
	*rest = slice_sub(*rest, n + (size_t)len, rest->len);
	return true;
}

bool
demangle_rust_legacy(struct slice name, struct buf *out)
{
	struct slice rest = slice_sub(name, 1, name.len);
	struct slice part;
	struct slice next;
	size_t before = out->len;
	if (!slice_starts_with(name, SLICE_LITERAL("N")) || !take_part(&rest, &part))
		return false;
	for (bool is_first = true; take_part(&rest, &next); is_first = false, part = next) {
		buf_append_str(out, is_first ? "" : "::");
		legacy_part(out, part);
	}
	bool is_done = is_hash(part) && slice_starts_with(rest, SLICE_LITERAL("E")) &&
		       (rest.len == 1 || rest.data[1] == '.');
	if (!is_done)
		out->len = before;
	return is_done;
}
