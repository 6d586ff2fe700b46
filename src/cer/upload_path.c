#include "cer/upload_path.h"

#include "base/text.h"
#include "ext/crypto.h"

enum {
	ID_BYTES = 8,
	EXPIRY_BYTES = 4,
	SIZE_BYTES = 4,
	SIGNED_BYTES = ID_BYTES + EXPIRY_BYTES + SIZE_BYTES,
	MAC_BYTES = 16,
	TOKEN_BYTES = SIGNED_BYTES + MAC_BYTES,
	TOKEN_DIGITS = 2 * TOKEN_BYTES
};

static const char folder[] = "cab";
static const char suffix[] = ".cab";

/* Most significant byte first. */
static void
put_number(uint8_t *at, size_t bytes, uint64_t number)
{
	for (size_t i = 0; i < bytes; i++)
		at[i] = (uint8_t)(number >> 8 * (bytes - 1 - i));
}

static uint64_t
take_number(const uint8_t *at, size_t bytes)
{
	uint64_t number = 0;
	for (size_t i = 0; i < bytes; i++)
		number = number << 8 | at[i];
	return number;
}

static void
sign(const uint8_t *token, const uint8_t key[UPLOAD_KEY_BYTES],
     uint8_t ret_mac[CRYPTO_SHA256_BYTES])
{
	crypto_hmac_sha256(slice_of(key, UPLOAD_KEY_BYTES), slice_of(token, SIGNED_BYTES), ret_mac);
}

static uint64_t
expiry_seconds(int64_t expires_us)
{
	int64_t seconds = expires_us / 1000000;
	return seconds < 0 ? 0 : seconds > UINT32_MAX ? UINT32_MAX : (uint64_t)seconds;
}

static uint64_t
size_kib(uint64_t bytes)
{
	uint64_t kib = bytes / 1024 + (bytes % 1024 != 0);
	return kib > UINT32_MAX ? UINT32_MAX : kib;
}

void
upload_path_format(const struct upload_ticket *ticket, const uint8_t key[UPLOAD_KEY_BYTES],
		   struct buf *out)
{
	uint8_t token[TOKEN_BYTES];
	uint8_t mac[CRYPTO_SHA256_BYTES];
	put_number(token, ID_BYTES, ticket->report_id);
	put_number(token + ID_BYTES, EXPIRY_BYTES, expiry_seconds(ticket->expires_us));
	put_number(token + ID_BYTES + EXPIRY_BYTES, SIZE_BYTES, size_kib(ticket->max_bytes));
	sign(token, key, mac);
	memcpy(token + SIGNED_BYTES, mac, MAC_BYTES);
	buf_printf(out, "/%s/", folder);
	text_hex(slice_of(token, sizeof(token)), out);
	buf_append_str(out, suffix);
}

/* Takes WORD, in any case, off the front of *S. */
static bool
skip_word(struct slice *s, const char *word)
{
	struct slice expected = slice_str(word);
	if (!slice_equal_nocase(slice_sub(*s, 0, expected.len), expected))
		return false;
	*s = slice_sub(*s, expected.len, s->len);
	return true;
}

static bool
skip_separator(struct slice *s)
{
	return skip_word(s, "/") || skip_word(s, "\\") || skip_word(s, "%5c") ||
	       skip_word(s, "%2f");
}

static bool
skip_separators(struct slice *s)
{
	bool has_one = skip_separator(s);
	while (skip_separator(s))
		continue;
	return has_one;
}

/* The path of TARGET: without query and fragment, scheme and authority. */
static struct slice
path_of(struct slice target)
{
	struct slice rest;
	(void)slice_cut(target, '#', &target, &rest);
	(void)slice_cut(target, '?', &target, &rest);
	if (!skip_word(&target, "http://") && !skip_word(&target, "https://"))
		return target;
	for (struct slice s = target; s.len > 0; s = slice_sub(s, 1, s.len)) {
		struct slice path = s;
		if (skip_separator(&path))
			return s;
	}
	return (struct slice){0};
}

static bool
digit_value(uint8_t c, uint8_t *ret_value)
{
	uint8_t folded = c | 0x20;
	if (c >= '0' && c <= '9')
		*ret_value = (uint8_t)(c - '0');
	else if (folded >= 'a' && folded <= 'f')
		*ret_value = (uint8_t)(folded - 'a' + 10);
	else
		return false;
	return true;
}

/* Takes the digits off the front of *S. */
static bool
take_token(struct slice *s, uint8_t token[TOKEN_BYTES])
{
	if (s->len < TOKEN_DIGITS)
		return false;
	for (size_t i = 0; i < TOKEN_BYTES; i++) {
		uint8_t high;
		uint8_t low;
		if (!digit_value(s->data[2 * i], &high) || !digit_value(s->data[2 * i + 1], &low))
			return false;
		token[i] = (uint8_t)(high << 4 | low);
	}
	*s = slice_sub(*s, TOKEN_DIGITS, s->len);
	return true;
}

err_t
upload_path_parse(struct slice target, const uint8_t key[UPLOAD_KEY_BYTES],
		  struct upload_ticket *ret_ticket)
{
	uint8_t token[TOKEN_BYTES];
	uint8_t mac[CRYPTO_SHA256_BYTES];
	struct slice path = path_of(target);
	if (!skip_separators(&path) || !skip_word(&path, folder) || !skip_separators(&path) ||
	    !take_token(&path, token) || !skip_word(&path, suffix) || path.len > 0)
		return ERR_NOTFOUND;
	sign(token, key, mac);
	if (!crypto_equal(token + SIGNED_BYTES, mac, MAC_BYTES))
		return ERR_DENIED;
	*ret_ticket = (struct upload_ticket){
		.report_id = take_number(token, ID_BYTES),
		.expires_us = (int64_t)take_number(token + ID_BYTES, EXPIRY_BYTES) * 1000000,
		.max_bytes = take_number(token + ID_BYTES + EXPIRY_BYTES, SIZE_BYTES) * 1024,
	};
	return OK;
}

static bool
ends_with_separator(struct slice s)
{
	struct slice last = slice_sub(s, s.len < 1 ? 0 : s.len - 1, 1);
	struct slice escape = slice_sub(s, s.len < 3 ? s.len : s.len - 3, 3);
	return slice_equal_str(last, "/") || slice_equal_str(last, "\\") ||
	       slice_equal_nocase(escape, SLICE_LITERAL("%5c")) ||
	       slice_equal_nocase(escape, SLICE_LITERAL("%2f"));
}

bool
upload_path_is_stage2(struct slice target)
{
	const struct slice page = SLICE_LITERAL("stage2.htm");
	struct slice path = path_of(target);
	if (path.len < page.len)
		return false;
	struct slice before = slice_sub(path, 0, path.len - page.len);
	struct slice last = slice_sub(path, before.len, page.len);
	return slice_equal_nocase(last, page) && (before.len == 0 || ends_with_separator(before));
}
