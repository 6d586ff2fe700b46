/* slice.h - bytes that somebody else owns: a pointer and a length
 *
 * `data == NULL` means absent, which is not the same as empty (a pointer and length 0).
 * Nothing here allocates, except what slice_dup takes from an arena.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct slice {
	const uint8_t *data; /* NULL: absent */
	size_t len;          /* bytes */
};

#define SLICE_LITERAL(text) ((struct slice){(const uint8_t *)("" text), sizeof(text) - 1})
/* For printf("%.*s", SLICE_ARGS(s)). */
#define SLICE_ARGS(s) (int)((s).len > INT32_MAX ? INT32_MAX : (s).len), (const char *)(s).data

static inline struct slice
slice_of(const void *data, size_t len)
{
	return (struct slice){data, len};
}

static inline struct slice
slice_str(const char *text)
{
	return (struct slice){(const uint8_t *)text, text == NULL ? 0 : strlen(text)};
}

static inline bool
slice_is_absent(struct slice s)
{
	return s.data == NULL;
}

static inline bool
slice_equal(struct slice a, struct slice b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

/* Bytes [from, from + len), clamped to what is there. */
static inline struct slice
slice_sub(struct slice s, size_t from, size_t len)
{
	if (s.data == NULL || from > s.len)
		return (struct slice){s.data, 0};
	if (len > s.len - from)
		len = s.len - from;
	return (struct slice){s.data + from, len};
}

bool slice_equal_nocase(struct slice a, struct slice b); /* ASCII letters fold */
bool slice_equal_str(struct slice a, const char *text);
int slice_compare(struct slice a, struct slice b); /* by bytes, like memcmp; shorter first */
bool slice_starts_with(struct slice s, struct slice prefix);
bool slice_ends_with(struct slice s, struct slice suffix);
/* Cuts at the first BYTE: *ret_head before it, *ret_tail behind.  False: BYTE is not in S. */
bool slice_cut(struct slice s, uint8_t byte, struct slice *ret_head, struct slice *ret_tail);
struct slice slice_trim(struct slice s); /* without blanks, tabs, CR and LF at both ends */
/* Decimal digits only, no sign, whole slice; false when it is not that or overflows. */
bool slice_to_u64(struct slice s, uint64_t *ret_value);
bool slice_to_i64(struct slice s, int64_t *ret_value);      /* as above, one '-' allowed */
bool slice_hex_to_u64(struct slice s, uint64_t *ret_value); /* 1-16 hex digits, "0x" allowed */
