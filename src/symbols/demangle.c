#include "symbols/demangle_parts.h"

static bool
is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

/* How many of the name's first bytes are underscores. */
static size_t
underscores(struct slice name)
{
	size_t n = 0;
	while (n < name.len && name.data[n] == '_')
		n++;
	return n;
}

/* C functions on 32-bit Windows: "_name@8" (stdcall), "@name@8" (fastcall), "name@@8"
 * (vectorcall).  The number of bytes of arguments tells them from names with an "@". */
static bool
undecorate(struct slice name, struct buf *out)
{
	size_t end = name.len;
	while (end > 0 && is_digit(name.data[end - 1]))
		end--;
	if (end == name.len || end < 3 || name.data[end - 1] != '@')
		return false;
	struct slice bare = slice_sub(name, 0, end - 1);
	if (bare.data[bare.len - 1] == '@')
		bare.len--;
	else if (bare.data[0] == '_' || bare.data[0] == '@')
		bare = slice_sub(bare, 1, bare.len);
	else
		return false;
	if (bare.len == 0 || memchr(bare.data, '@', bare.len) != NULL)
		return false;
	buf_append(out, bare);
	return true;
}

static bool
try_all(struct slice name, enum demangle_style style, struct buf *out)
{
	struct slice rest = slice_sub(name, underscores(name), name.len);
	size_t n = name.len - rest.len;
	if (name.data[0] == '?' || slice_starts_with(name, SLICE_LITERAL(".?")))
		return demangle_msvc(name, style, out);
	if (n >= 1 && n <= 4 && slice_starts_with(rest, SLICE_LITERAL("Z"))) {
		struct slice mangled = slice_sub(rest, 1, rest.len);
		return demangle_rust_legacy(mangled, out) || demangle_itanium(mangled, style, out);
	}
	if (n <= 2 && slice_starts_with(rest, SLICE_LITERAL("R")) &&
	    demangle_rust_v0(slice_sub(rest, 1, rest.len), out))
		return true;
	return undecorate(name, out);
}

bool
demangle_as(struct slice name, enum demangle_style style, struct buf *out)
{
	size_t before = out->len;
	if (name.len == 0 || name.len > LIMIT_DEMANGLE_NAME_BYTES || buf_error(out) != OK ||
	    memchr(name.data, '\0', name.len) != NULL)
		return false;
	struct buf text;
	buf_init(&text, LIMIT_DEMANGLE_OUTPUT_BYTES);
	bool is_done = try_all(name, style, &text) && buf_error(&text) == OK && text.len > 0;
	if (is_done)
		buf_append(out, buf_slice(&text));
	buf_done(&text);
	if (is_done && buf_error(out) == OK)
		return true;
	out->len = before;
	return false;
}

bool
demangle(struct slice name, struct buf *out)
{
	return demangle_as(name, DEMANGLE_CALL, out);
}
