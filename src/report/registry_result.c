#include "report/registry_result.h"

#include "base/limits.h"
#include "report/rows.h"

struct walk {
	struct arena *arena;
	bool has_utf16_strings; /* version 5.00: strings in hex are UTF-16LE, else bytes of a code
				   page */
	struct rows keys;
	struct rows values;
	struct rows other;
	size_t key_from; /* of the values: where those of the last key begin */
};

/* The values of the last key are together at the end of the list. */
static void
end_key(struct walk *w)
{
	struct registry_key *keys = w->keys.items;
	if (w->keys.n > 0)
		keys[w->keys.n - 1].n_values = w->values.n - w->key_from;
	w->key_from = w->values.n;
}

static err_t
take_key(struct walk *w, struct slice line)
{
	end_key(w);
	struct registry_key *key = rows_add(&w->keys, w->arena);
	if (key == NULL)
		return ERR_LIMIT;
	key->path = slice_sub(line, 1, line.len - 2);
	key->is_deleted = slice_starts_with(key->path, SLICE_LITERAL("-"));
	if (key->is_deleted)
		key->path = slice_sub(key->path, 1, key->path.len);
	return OK;
}

/* At the opening quote.  *ret_text without escapes, *ret_len with both quotes.  False: no second
 * quote. */
static bool
take_quoted(struct slice in, struct arena *arena, struct slice *ret_text, size_t *ret_len)
{
	size_t end = 1;
	while (end < in.len && in.data[end] != '"')
		end += in.data[end] == '\\' ? 2 : 1;
	if (end >= in.len)
		return false;
	uint8_t *text = arena_alloc(arena, end);
	size_t len = 0;
	if (text == NULL)
		return false;
	for (size_t i = 1; i < end; i++) {
		i += in.data[i] == '\\';
		text[len++] = in.data[i];
	}
	*ret_text = slice_of(text, len);
	*ret_len = end + 1;
	return true;
}

/* "01,02,0a".  Absent: not that, or ARENA is full. */
static struct slice
parse_bytes(struct slice in, struct arena *arena)
{
	uint8_t *bytes = arena_alloc(arena, in.len / 2 + 1);
	size_t len = 0;
	struct slice digits;
	bool is_last = false;
	if (bytes == NULL)
		return (struct slice){NULL, 0};
	while (!is_last && slice_trim(in).len > 0) {
		uint64_t byte;
		is_last = !slice_cut(in, ',', &digits, &in);
		digits = slice_trim(is_last ? in : digits);
		if (digits.len != 2 || !slice_hex_to_u64(digits, &byte))
			return (struct slice){NULL, 0};
		bytes[len++] = (uint8_t)byte;
	}
	return slice_of(bytes, len);
}

/* Strings in hex: without the NULs at the end, those in between become LF. */
static err_t
decode_strings(struct walk *w, struct registry_value *value)
{
	struct buf text;
	buf_init(&text, value->bytes.len * 3);
	(void)text_to_utf8(value->bytes, w->has_utf16_strings ? TEXT_UTF16LE : TEXT_UTF8, &text);
	while (text.len > 0 && text.data[text.len - 1] == 0)
		text.len--;
	for (size_t i = 0; i < text.len; i++)
		if (text.data[i] == 0)
			text.data[i] = '\n';
	value->text = slice_dup(w->arena, buf_slice(&text));
	buf_done(&text);
	return slice_is_absent(value->text) ? ERR_LIMIT : OK;
}

/* "hex:01,02", "hex(2):25,00".  ERR_CORRUPT: not that. */
static err_t
take_hex(struct walk *w, struct slice data, struct registry_value *value)
{
	struct slice head;
	struct slice type;
	uint64_t number = REGISTRY_BINARY;
	if (!slice_cut(data, ':', &head, &data))
		return ERR_CORRUPT;
	if (!slice_equal_str(head, "hex") &&
	    (!slice_cut(slice_sub(head, 4, head.len), ')', &type, &head) || head.len > 0 ||
	     !slice_hex_to_u64(type, &number) || number > UINT32_MAX))
		return ERR_CORRUPT;
	value->type = (uint32_t)number;
	value->bytes = parse_bytes(data, w->arena);
	if (slice_is_absent(value->bytes))
		return ERR_CORRUPT;
	bool is_text = number == REGISTRY_SZ || number == REGISTRY_EXPAND_SZ ||
		       number == REGISTRY_MULTI_SZ;
	if (is_text)
		return decode_strings(w, value);
	value->has_number = number == REGISTRY_QWORD && value->bytes.len == 8;
	for (size_t i = 0; value->has_number && i < 8; i++)
		value->number |= (uint64_t)value->bytes.data[i] << (8 * i);
	return OK;
}

/* What stands behind the '='.  ERR_CORRUPT: of no known form. */
static err_t
take_data(struct walk *w, struct slice data, struct registry_value *value)
{
	size_t len;
	if (slice_equal_str(data, "-")) {
		value->is_deleted = true;
		return OK;
	}
	if (slice_starts_with(data, SLICE_LITERAL("\""))) {
		value->type = REGISTRY_SZ;
		return take_quoted(data, w->arena, &value->text, &len) && len == data.len
			       ? OK
			       : ERR_CORRUPT;
	}
	if (slice_starts_with(data, SLICE_LITERAL("dword:"))) {
		value->type = REGISTRY_DWORD;
		value->has_number = slice_hex_to_u64(slice_sub(data, 6, data.len), &value->number);
		return value->has_number && value->number <= UINT32_MAX ? OK : ERR_CORRUPT;
	}
	if (slice_starts_with(data, SLICE_LITERAL("hex")))
		return take_hex(w, data, value);
	return ERR_CORRUPT;
}

/* LINE is a value whole, its continued lines joined.  ERR_CORRUPT: of no known form. */
static err_t
take_value(struct walk *w, struct slice line)
{
	struct registry_value value = {0};
	size_t len = 1;
	bool is_default = line.data[0] == '@';
	if (w->keys.n == 0 || (!is_default && !take_quoted(line, w->arena, &value.name, &len)))
		return ERR_CORRUPT;
	line = slice_trim(slice_sub(line, len, line.len));
	if (line.len == 0 || line.data[0] != '=')
		return ERR_CORRUPT;
	err_t err = take_data(w, slice_trim(slice_sub(line, 1, line.len)), &value);
	if (err != OK)
		return err;
	struct registry_value *into = rows_add(&w->values, w->arena);
	if (into == NULL)
		return ERR_LIMIT;
	*into = value;
	return OK;
}

static bool
is_unfinished_hex(struct slice line)
{
	struct slice name;
	struct slice data;
	return slice_ends_with(slice_trim(line), SLICE_LITERAL("\\")) &&
	       slice_cut(line, '=', &name, &data);
}

/* Appends the lines that continue LINE, each without its backslash.  Absent: ARENA is full. */
static struct slice
join_lines(struct slice line, struct slice *rest, struct arena *arena)
{
	struct buf joined;
	bool is_continued = true;
	buf_init(&joined, LIMIT_TEXT_FILE_BYTES * (size_t)3);
	do {
		line = slice_trim(line);
		is_continued = slice_ends_with(line, SLICE_LITERAL("\\"));
		buf_append(&joined, slice_sub(line, 0, line.len - is_continued));
	} while (is_continued && text_file_line(rest, &line));
	struct slice copy = slice_dup(arena, buf_slice(&joined));
	buf_done(&joined);
	return copy;
}

static bool
is_key(struct slice line)
{
	return (slice_starts_with(line, SLICE_LITERAL("[HKEY_")) ||
		slice_starts_with(line, SLICE_LITERAL("[-HKEY_"))) &&
	       slice_ends_with(line, SLICE_LITERAL("]"));
}

static err_t
take_line(struct walk *w, struct slice line, struct slice *rest)
{
	struct slice whole = slice_trim(line);
	err_t err = ERR_CORRUPT;
	if (whole.len == 0 || whole.data[0] == ';')
		return OK;
	if (is_key(whole))
		return take_key(w, whole);
	if (whole.data[0] == '@' || whole.data[0] == '"') {
		if (is_unfinished_hex(whole))
			whole = join_lines(line, rest, w->arena);
		if (slice_is_absent(whole))
			return ERR_LIMIT;
		err = take_value(w, whole);
	}
	if (err != ERR_CORRUPT)
		return err;
	struct slice *other = rows_add(&w->other, w->arena);
	if (other == NULL)
		return ERR_LIMIT;
	*other = whole;
	return OK;
}

/* Are the lines of a .reg file worth reading?  They are when there is a header or a key. */
static bool
is_reg(struct slice text, bool *ret_is_version5, struct slice *ret_rest)
{
	struct slice rest = text;
	struct slice line;
	*ret_is_version5 = true;
	while (text_file_line(&rest, &line)) {
		line = slice_trim(line);
		bool is_4 = slice_equal_str(line, "REGEDIT4");
		if (is_4 || slice_equal_str(line, "Windows Registry Editor Version 5.00")) {
			*ret_is_version5 = !is_4;
			*ret_rest = rest;
			return true;
		}
		*ret_rest = text;
		if (line.len > 0)
			return is_key(line);
	}
	return false;
}

static err_t
parse_lines(struct walk *w, struct slice rest)
{
	struct slice line;
	err_t err = OK;
	while (err == OK && text_file_line(&rest, &line))
		err = take_line(w, line, &rest);
	end_key(w);
	return err;
}

/* Values are one list while it grows; the keys' places in it are known at its end. */
static void
place_values(struct walk *w)
{
	struct registry_value *next = w->values.items;
	struct registry_key *keys = w->keys.items;
	for (size_t i = 0; i < w->keys.n; i++) {
		keys[i].values = next;
		if (keys[i].n_values > 0)
			next += keys[i].n_values;
	}
}

err_t
registry_result_parse(struct slice in, struct arena *arena, struct registry_result *ret_result)
{
	struct registry_result result = {0};
	struct walk w = {
		.arena = arena,
		.keys = ROWS_OF(struct registry_key, LIMIT_REGISTRY_KEYS),
		.values = ROWS_OF(struct registry_value, LIMIT_REGISTRY_VALUES),
		.other = ROWS_OF(struct slice, LIMIT_REGISTRY_LINES),
	};
	struct slice rest;
	err_t err = text_file_decode(in, arena, &result.text);
	if (err != OK)
		return err;
	result.is_known = is_reg(result.text.utf8, &w.has_utf16_strings, &rest);
	if (result.is_known)
		err = parse_lines(&w, rest);
	if (err != OK)
		return err;
	place_values(&w);
	result.keys = w.keys.items;
	result.n_keys = w.keys.n;
	result.other = w.other.items;
	result.n_other = w.other.n;
	*ret_result = result;
	return OK;
}
