#include "symbols/identity.h"

static bool
is_alphanumeric(uint8_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

void
identity_set_id(char id[IDENTITY_ID_BYTES], struct slice text)
{
	size_t n = text.len < IDENTITY_ID_BYTES ? text.len : IDENTITY_ID_BYTES - 1;
	id[0] = '\0';
	for (size_t i = 0; i < n; i++)
		if (!is_alphanumeric(text.data[i]))
			return;
	if (n > 0)
		memcpy(id, text.data, n);
	id[n] = '\0';
}

struct slice
identity_base_name(struct slice path)
{
	size_t from = path.len;
	while (from > 0 && path.data[from - 1] != '/' && path.data[from - 1] != '\\')
		from--;
	return slice_sub(path, from, path.len);
}

/* Folds EQUAL, UNKNOWN and DIFFERENT of one id into what is known until now. */
static void
compare_id(struct slice wanted, const char *found, enum identity_verdict *verdict)
{
	if (wanted.len == 0 || found[0] == '\0')
		return;
	if (!slice_equal_nocase(wanted, slice_str(found)))
		*verdict = IDENTITY_DIFFERENT;
	else if (*verdict == IDENTITY_UNKNOWN)
		*verdict = IDENTITY_EQUAL;
}

static size_t
to_hex(struct slice bytes, char text[IDENTITY_ID_BYTES])
{
	static const char digits[] = "0123456789abcdef";
	size_t n =
		bytes.len < (IDENTITY_ID_BYTES - 1) / 2 ? bytes.len : (IDENTITY_ID_BYTES - 1) / 2;
	for (size_t i = 0; i < n; i++) {
		text[2 * i] = digits[bytes.data[i] >> 4];
		text[2 * i + 1] = digits[bytes.data[i] & 15];
	}
	text[2 * n] = '\0';
	return 2 * n;
}

enum identity_verdict
identity_compare(const struct identity_wanted *wanted, const struct identity *found, bool is_image)
{
	enum identity_verdict verdict = IDENTITY_UNKNOWN;
	char build_id[IDENTITY_ID_BYTES];
	compare_id(wanted->debug_id, found->debug_id, &verdict);
	if (verdict != IDENTITY_UNKNOWN && !is_image)
		return verdict;
	if (wanted->build_id.len > 0)
		compare_id(slice_of(build_id, to_hex(wanted->build_id, build_id)), found->code_id,
			   &verdict);
	else
		compare_id(wanted->code_id, found->code_id, &verdict);
	return verdict;
}
