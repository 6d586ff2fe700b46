/* One table drives both directions: each key, what its value is, and where in struct reply it
 * lives.  Its order is the order of writing. */
#include "cer/reply.h"

#include <inttypes.h>

#include "base/limits.h"
#include "base/text.h"

enum kind {
	KIND_FLAG,    /* 0 or 1 */
	KIND_NUMBER,  /* decimal, perhaps with '-', of 64 bits */
	KIND_TEXT,    /* empty is absent */
	KIND_RESPONSE /* 1 or a URL; empty is absent */
};

#define FIELD(name) offsetof(struct reply, name)
static const struct key {
	const char *name;
	enum kind kind;
	size_t value; /* offset of a bool, an int64_t or a struct slice */
	size_t has;   /* offset of a bool; texts have none */
} keys[] = {
	{"iData", KIND_FLAG, FIELD(idata), FIELD(has_idata)},
	{"Bucket", KIND_NUMBER, FIELD(bucket), FIELD(has_bucket)},
	{"BucketTable", KIND_NUMBER, FIELD(bucket_table), FIELD(has_bucket_table)},
	{"DumpServer", KIND_TEXT, FIELD(dump_server), 0},
	{"DumpFile", KIND_TEXT, FIELD(dump_file), 0},
	{"Response", KIND_RESPONSE, FIELD(response), 0},
	{"MemoryDump", KIND_FLAG, FIELD(memory_dump), FIELD(has_memory_dump)},
	{"RegKey", KIND_TEXT, FIELD(reg_key), 0},
	{"RegTree", KIND_TEXT, FIELD(reg_tree), 0},
	{"WQL", KIND_TEXT, FIELD(wql), 0},
	{"GetFile", KIND_TEXT, FIELD(get_file), 0},
	{"GetFileVersion", KIND_TEXT, FIELD(get_file_version), 0},
	{"fDoc", KIND_FLAG, FIELD(fdoc), FIELD(has_fdoc)},
	{"ModuleInfo", KIND_FLAG, FIELD(module_info), FIELD(has_module_info)},
	{"ResponseServer", KIND_TEXT, FIELD(response_server), 0},
	{"ResponseURL", KIND_TEXT, FIELD(response_url), 0},
};
#undef FIELD

enum {
	KEYS = sizeof(keys) / sizeof(keys[0])
};

/* Code page 1252 read: 0x80-0x9f in UTF-8; NULL marks the five bytes that are unassigned. */
static const char *const high_characters[32] = {
	"\u20ac", NULL,     "\u201a", "\u0192", "\u201e", "\u2026", "\u2020", "\u2021",
	"\u02c6", "\u2030", "\u0160", "\u2039", "\u0152", NULL,     "\u017d", NULL,
	NULL,     "\u2018", "\u2019", "\u201c", "\u201d", "\u2022", "\u2013", "\u2014",
	"\u02dc", "\u2122", "\u0161", "\u203a", "\u0153", NULL,     "\u017e", "\u0178",
};

enum {
	CHARACTER_BYTES_MAX = 3 /* of one byte of code page 1252 in UTF-8 */
};

/* Writes the character at AT; returns its bytes, 0 when there is none. */
static size_t
decode_byte(uint8_t byte, uint8_t *at)
{
	if (byte < 0x80) {
		*at = byte;
		return byte == 0 || byte == '\r' || byte == '\n' ? 0 : 1;
	}
	if (byte >= 0xa0) {
		at[0] = (uint8_t)(0xc0 | byte >> 6);
		at[1] = (uint8_t)(0x80 | (byte & 0x3f));
		return 2;
	}
	const char *character = high_characters[byte - 0x80];
	if (character == NULL)
		return 0;
	struct slice bytes = slice_str(character);
	memcpy(at, bytes.data, bytes.len);
	return bytes.len;
}

/* 1, or what begins as a URL does; a drive letter is no scheme. */
static bool
is_response(struct slice value)
{
	size_t i = 0;
	if (slice_equal_str(value, "1"))
		return true;
	for (; i < value.len && value.data[i] != ':'; i++) {
		uint8_t c = value.data[i];
		bool is_letter = (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
		bool is_other = (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.';
		if (!is_letter && (i == 0 || !is_other))
			return false;
	}
	if (i < 2 || i + 1 >= value.len)
		return false;
	for (; i < value.len; i++)
		if (value.data[i] <= ' ')
			return false;
	return true;
}

static err_t
take_text(struct slice value, struct arena *arena, struct slice *text, size_t *n_refused)
{
	uint8_t *utf8 = arena_array(arena, value.len, CHARACTER_BYTES_MAX);
	size_t len = 0;
	if (utf8 == NULL)
		return ERR_LIMIT;
	for (size_t i = 0; i < value.len; i++) {
		size_t bytes = decode_byte(value.data[i], utf8 + len);
		if (bytes == 0) {
			(*n_refused)++;
			return OK;
		}
		len += bytes;
	}
	*text = slice_of(utf8, len);
	return OK;
}

static err_t
take_value(const struct key *key, struct slice value, struct arena *arena, struct reply *reply)
{
	void *field = (uint8_t *)reply + key->value;
	bool *has = (void *)((uint8_t *)reply + key->has);
	bool is_text = key->kind == KIND_TEXT || key->kind == KIND_RESPONSE;
	if (is_text) {
		struct slice *text = field;
		if (text->data != NULL || value.len == 0)
			return OK;
		if (key->kind == KIND_TEXT || is_response(value))
			return take_text(value, arena, text, &reply->n_refused);
		reply->n_refused++;
		return OK;
	}
	if (*has)
		return OK;
	if (key->kind == KIND_NUMBER) {
		*has = slice_to_i64(value, field);
	} else {
		*has = slice_equal_str(value, "0") || slice_equal_str(value, "1");
		*(bool *)field = slice_equal_str(value, "1");
	}
	reply->n_refused += !*has;
	return OK;
}

static err_t
take_line(struct slice line, struct arena *arena, struct reply *reply)
{
	struct slice name;
	struct slice value;
	if (slice_trim(line).len == 0)
		return OK;
	if (slice_cut(line, '=', &name, &value))
		for (size_t i = 0; i < KEYS; i++)
			if (slice_equal_str(slice_trim(name), keys[i].name))
				return take_value(&keys[i], slice_trim(value), arena, reply);
	reply->n_unknown++;
	return OK;
}

err_t
reply_parse(struct slice text, struct arena *arena, struct reply *ret_reply)
{
	struct reply reply = {0};
	if (text.len > LIMIT_REPLY_BYTES)
		return ERR_LIMIT;
	while (text.len > 0 && text.data[text.len - 1] == 0)
		text.len--;
	for (size_t n_lines = 0; text.len > 0; n_lines++) {
		struct slice line = text;
		struct slice rest = {0};
		if (n_lines == LIMIT_REPLY_LINES)
			return ERR_LIMIT;
		(void)slice_cut(text, '\n', &line, &rest);
		err_t err = take_line(line, arena, &reply);
		if (err != OK)
			return err;
		text = rest;
	}
	*ret_reply = reply;
	return OK;
}

/* Writing */

static bool
has_line_end(struct slice value)
{
	for (size_t i = 0; i < value.len; i++)
		if (value.data[i] == 0 || value.data[i] == '\r' || value.data[i] == '\n')
			return true;
	return false;
}

static err_t
put_text(const char *name, struct slice value, struct buf *out)
{
	if (value.len == 0)
		return OK;
	buf_append_str(out, name);
	buf_append_byte(out, '=');
	if (has_line_end(value) || !text_to_cp1252(value, out))
		return ERR_UNSUPPORTED;
	buf_append_str(out, "\r\n");
	return OK;
}

static err_t
put_key(const struct key *key, const struct reply *reply, struct buf *out)
{
	const void *field = (const uint8_t *)reply + key->value;
	const bool *has = (const void *)((const uint8_t *)reply + key->has);
	switch (key->kind) {
	case KIND_FLAG:
		if (*has)
			buf_printf(out, "%s=%d\r\n", key->name, *(const bool *)field);
		return OK;
	case KIND_NUMBER:
		if (*has)
			buf_printf(out, "%s=%" PRId64 "\r\n", key->name, *(const int64_t *)field);
		return OK;
	default:
		return put_text(key->name, *(const struct slice *)field, out);
	}
}

err_t
reply_format(const struct reply *reply, struct buf *out)
{
	size_t start = out->len;
	err_t err = OK;
	for (size_t i = 0; i < KEYS && err == OK; i++)
		err = put_key(&keys[i], reply, out);
	if (err == OK)
		err = buf_error(out);
	if (err != OK)
		out->len = start;
	return err;
}

bool
reply_is_encodable(struct slice value, bool is_item)
{
	struct buf line;
	if (is_item && (value.len == 0 || memchr(value.data, ';', value.len) != NULL))
		return false;
	buf_init(&line, LIMIT_REPLY_BYTES);
	bool is_encodable =
		!has_line_end(value) && text_to_cp1252(value, &line) && buf_error(&line) == OK;
	buf_done(&line);
	return is_encodable;
}
