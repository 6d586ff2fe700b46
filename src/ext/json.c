#include "ext/json.h"

#include <stdio.h>
#include <stdlib.h>

#include <jansson.h>

#include "base/text.h"
#include "base/time.h"

/* `struct json` is jansson's own value under a name of ours; only these two know. */
static json_t *
inner(const struct json *value)
{
	union {
		const struct json *ours;
		json_t *theirs;
	} both = {.ours = value};
	return both.theirs;
}

static struct json *
outer(json_t *value)
{
	if (value == NULL)
		abort();
	return (struct json *)value;
}

static void
need(int result)
{
	if (result != 0)
		abort();
}

static json_t *
mended_text(struct slice text)
{
	struct buf mended;
	buf_init(&mended, SIZE_MAX / 2);
	(void)text_to_utf8(text, TEXT_UTF8, &mended);
	json_t *value = json_stringn((const char *)mended.data, mended.len);
	buf_done(&mended);
	return value;
}

static json_t *
new_text(struct slice text)
{
	if (slice_is_absent(text))
		return json_null();
	if (text.len == 0)
		return json_string("");
	json_t *value = json_stringn((const char *)text.data, text.len);
	return value != NULL ? value : mended_text(text);
}

struct json *
json_new_object(void)
{
	return outer(json_object());
}

struct json *
json_new_list(void)
{
	return outer(json_array());
}

struct json *
json_new_text(struct slice text)
{
	return outer(new_text(text));
}

struct json *
json_duplicate(const struct json *value)
{
	return outer(json_deep_copy(inner(value)));
}

void
json_free(struct json *value)
{
	json_decref(inner(value));
}

void
json_put(struct json *object, const char *key, struct json *value)
{
	need(json_object_set_new(inner(object), key, inner(value)));
}

void
json_put_text(struct json *object, const char *key, struct slice text)
{
	json_put(object, key, outer(new_text(text)));
}

void
json_put_str(struct json *object, const char *key, const char *text)
{
	json_put_text(object, key, slice_str(text));
}

void
json_put_number(struct json *object, const char *key, int64_t number)
{
	json_put(object, key, outer(json_integer(number)));
}

void
json_put_count(struct json *object, const char *key, uint64_t count)
{
	json_put_number(object, key, count > INT64_MAX ? INT64_MAX : (int64_t)count);
}

void
json_put_id(struct json *object, const char *key, uint64_t id)
{
	char text[24];
	(void)snprintf(text, sizeof(text), "%llu", (unsigned long long)id);
	json_put_str(object, key, text);
}

void
json_put_flag(struct json *object, const char *key, bool flag)
{
	json_put(object, key, outer(json_boolean(flag)));
}

void
json_put_null(struct json *object, const char *key)
{
	json_put(object, key, outer(json_null()));
}

void
json_put_time(struct json *object, const char *key, int64_t time_us)
{
	char text[TIME_TEXT_BYTES];
	json_put_str(object, key, time_format(time_us, text));
}

void
json_put_hex(struct json *object, const char *key, struct slice bytes)
{
	struct buf hex;
	buf_init(&hex, SIZE_MAX / 2);
	text_hex(bytes, &hex);
	json_put_text(object, key, hex.len == 0 ? slice_str("") : buf_slice(&hex));
	buf_done(&hex);
}

void
json_add(struct json *list, struct json *value)
{
	need(json_array_append_new(inner(list), inner(value)));
}

void
json_add_text(struct json *list, struct slice text)
{
	json_add(list, outer(new_text(text)));
}

static int
append_dump(const char *bytes, size_t count, void *out)
{
	buf_append(out, slice_of(bytes, count));
	return 0;
}

void
json_format_line(const struct json *value, bool is_ascii, struct buf *out)
{
	size_t flags = JSON_COMPACT | JSON_ENCODE_ANY;
	need(json_dump_callback(inner(value), append_dump, out,
				flags | (is_ascii ? JSON_ENSURE_ASCII : 0)));
	buf_append_byte(out, '\n');
}

static size_t
deepest(struct slice text)
{
	size_t depth = 0;
	size_t most = 0;
	bool is_text = false;
	for (size_t i = 0; i < text.len; i++) {
		uint8_t byte = text.data[i];
		if (is_text && byte == '\\')
			i++;
		else if (byte == '"')
			is_text = !is_text;
		else if (!is_text && (byte == '[' || byte == '{'))
			most = ++depth > most ? depth : most;
		else if (!is_text && (byte == ']' || byte == '}') && depth > 0)
			depth--;
	}
	return most;
}

err_t
json_parse(struct slice text, struct json **ret_value, struct err_detail *detail)
{
	json_error_t error;
	if (deepest(text) > JSON_DEPTH_MAX)
		return err_set(detail, ERR_LIMIT, "nested deeper than %d", JSON_DEPTH_MAX);
	json_t *value =
		json_loadb(text.data == NULL ? "" : (const char *)text.data, text.len,
			   JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL | JSON_DECODE_ANY, &error);
	if (value != NULL) {
		*ret_value = outer(value);
		return OK;
	}
	if (detail != NULL)
		detail->offset = error.position < 0 ? 0 : (uint64_t)error.position;
	return err_set(detail, ERR_CORRUPT, "line %d: %s", error.line, error.text);
}

enum json_kind
json_kind(const struct json *value)
{
	if (value == NULL)
		return JSON_KIND_NULL;
	switch (json_typeof(inner(value))) {
	case JSON_OBJECT:
		return JSON_KIND_OBJECT;
	case JSON_ARRAY:
		return JSON_KIND_LIST;
	case JSON_STRING:
		return JSON_KIND_TEXT;
	case JSON_INTEGER:
	case JSON_REAL:
		return JSON_KIND_NUMBER;
	case JSON_TRUE:
	case JSON_FALSE:
		return JSON_KIND_FLAG;
	case JSON_NULL:
	default:
		return JSON_KIND_NULL;
	}
}

size_t
json_count(const struct json *value)
{
	switch (json_kind(value)) {
	case JSON_KIND_LIST:
		return json_array_size(inner(value));
	case JSON_KIND_OBJECT:
		return json_object_size(inner(value));
	case JSON_KIND_NULL:
	case JSON_KIND_FLAG:
	case JSON_KIND_NUMBER:
	case JSON_KIND_TEXT:
	default:
		return 0;
	}
}

const struct json *
json_at(const struct json *list, size_t index)
{
	json_t *value = list == NULL ? NULL : json_array_get(inner(list), index);
	return value == NULL ? NULL : outer(value);
}

const struct json *
json_find(const struct json *object, const char *key)
{
	json_t *value = object == NULL ? NULL : json_object_get(inner(object), key);
	return value == NULL ? NULL : outer(value);
}

struct slice
json_text(const struct json *value)
{
	if (json_kind(value) != JSON_KIND_TEXT)
		return (struct slice){NULL, 0};
	return slice_of(json_string_value(inner(value)), json_string_length(inner(value)));
}

bool
json_to_i64(const struct json *value, int64_t *ret_number)
{
	if (value == NULL || !json_is_integer(inner(value)))
		return false;
	*ret_number = json_integer_value(inner(value));
	return true;
}

#undef json_is_true /* jansson has a macro of this name */
bool
json_is_true(const struct json *value)
{
	return value != NULL && json_typeof(inner(value)) == JSON_TRUE;
}

void
json_each(const struct json *object,
	  void (*each)(void *context, const char *key, const struct json *value), void *context)
{
	const char *key;
	json_t *value;
	if (json_kind(object) != JSON_KIND_OBJECT)
		return;
	json_object_foreach(inner(object), key, value) each(context, key, outer(value));
}
