/* json.h - build JSON values, print one a line, and read them (jansson behind it)
 *
 * A value belongs to whoever made it, until it is put into an object or a list, which then owns
 * it.  Keys print in the order in which they were put.  Text that is no valid UTF-8 is mended
 * (U+FFFD), absent text is null: what leaves here is always one valid document.
 * Reading refuses: what is not JSON, a key twice in one object, nesting past JSON_DEPTH_MAX.
 * When the system has no memory the process aborts, as in arena.h.
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

enum {
	JSON_DEPTH_MAX = 64
};

struct json;

struct json *json_new_object(void);
struct json *json_new_list(void);
struct json *json_new_text(struct slice text);         /* absent: null */
struct json *json_duplicate(const struct json *value); /* all of it, down to the bottom */
void json_free(struct json *value);                    /* accepts NULL */

/* ---- into an object; a key that is there already is replaced ---- */
void json_put(struct json *object, const char *key, struct json *value); /* takes VALUE */
void json_put_text(struct json *object, const char *key, struct slice text);
void json_put_str(struct json *object, const char *key, const char *text); /* NULL: null */
void json_put_number(struct json *object, const char *key, int64_t number);
void json_put_count(struct json *object, const char *key, uint64_t count); /* up to INT64_MAX */
/* 64-bit numbers as text: other languages' numbers lose digits past 2^53. */
void json_put_id(struct json *object, const char *key, uint64_t id);
void json_put_flag(struct json *object, const char *key, bool flag);
void json_put_null(struct json *object, const char *key);
void json_put_time(struct json *object, const char *key, int64_t time_us); /* RFC 3339 */
void json_put_hex(struct json *object, const char *key, struct slice bytes);

/* ---- into a list ---- */
void json_add(struct json *list, struct json *value); /* takes VALUE */
void json_add_text(struct json *list, struct slice text);

/* Appends VALUE without blanks and a newline.  IS_ASCII: every other character as \uXXXX, for
 * a terminal, which takes some of them for orders. */
void json_format_line(const struct json *value, bool is_ascii, struct buf *out);

enum json_kind {
	JSON_KIND_NULL,
	JSON_KIND_FLAG,
	JSON_KIND_NUMBER,
	JSON_KIND_TEXT,
	JSON_KIND_LIST,
	JSON_KIND_OBJECT
};

/* ERR_CORRUPT with reason and offset.  *ret_value is the caller's to free. */
err_t json_parse(struct slice text, struct json **ret_value, struct err_detail *detail) ERR_CHECK;
enum json_kind json_kind(const struct json *value);                /* NULL is a null */
size_t json_count(const struct json *value);                       /* of a list or object, else 0 */
const struct json *json_at(const struct json *list, size_t index); /* NULL past the end */
const struct json *json_find(const struct json *object, const char *key); /* NULL: none */
/* The text of a text; absent for every other kind.  Lives as long as VALUE. */
struct slice json_text(const struct json *value);
/* False for every other kind. */
bool json_is_true(const struct json *value);
/* Each key of an object, in the order in which they were put. */
void
json_each(const struct json *object,
	  void (*each)(void *context, const char *key, const struct json *value), void *context);
bool json_to_i64(const struct json *value, int64_t *ret_number);
