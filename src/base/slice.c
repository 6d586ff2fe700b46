#include "base/slice.h"

static uint8_t
fold(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c;
}

bool
slice_equal_nocase(struct slice a, struct slice b)
{
	if (a.len != b.len)
		return false;
	for (size_t i = 0; i < a.len; i++)
		if (fold(a.data[i]) != fold(b.data[i]))
			return false;
	return true;
}

bool
slice_equal_str(struct slice a, const char *text)
{
	return slice_equal(a, slice_str(text));
}

int
slice_compare(struct slice a, struct slice b)
{
	size_t common = a.len < b.len ? a.len : b.len;
	int order = common == 0 ? 0 : memcmp(a.data, b.data, common);
	if (order != 0)
		return order;
	return a.len < b.len ? -1 : a.len > b.len;
}

bool
slice_starts_with(struct slice s, struct slice prefix)
{
	return s.len >= prefix.len && slice_equal(slice_sub(s, 0, prefix.len), prefix);
}

bool
slice_ends_with(struct slice s, struct slice suffix)
{
	return s.len >= suffix.len &&
	       slice_equal(slice_sub(s, s.len - suffix.len, suffix.len), suffix);
}

bool
slice_cut(struct slice s, uint8_t byte, struct slice *ret_head, struct slice *ret_tail)
{
	const uint8_t *at = s.len == 0 ? NULL : memchr(s.data, byte, s.len);
	if (at == NULL)
		return false;
	size_t head = (size_t)(at - s.data);
	*ret_head = slice_sub(s, 0, head);
	*ret_tail = slice_sub(s, head + 1, s.len);
	return true;
}

static bool
is_space(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct slice
slice_trim(struct slice s)
{
	while (s.len > 0 && is_space(s.data[0]))
		s = slice_sub(s, 1, s.len);
	while (s.len > 0 && is_space(s.data[s.len - 1]))
		s.len--;
	return s;
}

bool
slice_to_u64(struct slice s, uint64_t *ret_value)
{
	uint64_t value = 0;
	if (s.len == 0)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		if (s.data[i] < '0' || s.data[i] > '9')
			return false;
		if (__builtin_mul_overflow(value, 10U, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(s.data[i] - '0'), &value))
			return false;
	}
	*ret_value = value;
	return true;
}

bool
slice_to_i64(struct slice s, int64_t *ret_value)
{
	bool negative = s.len > 0 && s.data[0] == '-';
	uint64_t value;
	if (!slice_to_u64(negative ? slice_sub(s, 1, s.len) : s, &value))
		return false;
	if (value > (uint64_t)INT64_MAX + negative) /* there is one negative number more */
		return false;
	*ret_value = (int64_t)(negative ? 0 - value : value);
	return true;
}

bool
slice_hex_to_u64(struct slice s, uint64_t *ret_value)
{
	if (s.len > 2 && s.data[0] == '0' && fold(s.data[1]) == 'x')
		s = slice_sub(s, 2, s.len);
	if (s.len == 0 || s.len > 16)
		return false;
	uint64_t value = 0;
	for (size_t i = 0; i < s.len; i++) {
		uint8_t c = fold(s.data[i]);
		if (c >= '0' && c <= '9')
			value = value << 4 | (uint64_t)(c - '0');
		else if (c >= 'a' && c <= 'f')
			value = value << 4 | (uint64_t)(c - 'a' + 10);
		else
			return false;
	}
	*ret_value = value;
	return true;
}
