/* A tag ends at the first '>' outside quotes.  A '<' inside a tag, even in quotes, is no XML: the
 * tag was cut there, and the next begins.  So no byte is looked at twice for the end of a tag, and
 * a quote that is never closed cannot hide what follows.
 */
#include "report/xml_scan.h"

enum {
	REFERENCE_CHARACTERS = 10 /* "&#1114111;", "&#x10ffff;": the longest, without the '&' */
};

void
xml_scan_init(struct xml_scan *scan, struct slice utf8)
{
	*scan = (struct xml_scan){.in = utf8};
}

static bool
is_blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool
is_name_start(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == ':' ||
	       c >= 0x80;
}

static bool
is_name(uint8_t c)
{
	return is_name_start(c) || (c >= '0' && c <= '9') || c == '-' || c == '.';
}

static size_t
name_bytes(struct slice in)
{
	size_t len = 0;
	if (in.len == 0 || !is_name_start(in.data[0]))
		return 0;
	while (len < in.len && is_name(in.data[len]))
		len++;
	return len;
}

static struct slice
left(const struct xml_scan *scan)
{
	return slice_sub(scan->in, scan->at, scan->in.len);
}

/* Where NEEDLE begins in IN; in.len when it does not.  Looks at nothing behind it, so that many
 * calls over one text cost no more than the text. */
static size_t
find(struct slice in, const char *needle)
{
	struct slice wanted = slice_str(needle);
	size_t at = 0;
	while (in.len - at >= wanted.len) {
		const uint8_t *first = memchr(in.data + at, wanted.data[0], in.len - at);
		if (first == NULL)
			return in.len;
		at = (size_t)(first - in.data);
		if (slice_equal(slice_sub(in, at, wanted.len), wanted))
			return at;
		at++;
	}
	return in.len;
}

/* Passes over what begins with SKIP bytes and ends with END.  Returns what is between. */
static struct slice
take_until(struct xml_scan *scan, size_t skip, const char *end)
{
	struct slice rest = slice_sub(left(scan), skip, scan->in.len);
	size_t len = find(rest, end);
	scan->n_broken += len == rest.len;
	scan->at += skip + len + (len == rest.len ? 0 : strlen(end));
	return slice_sub(rest, 0, len);
}

/* Bytes from the start of REST to the tag's '>', or to a '<' or the end, where it was cut. */
static size_t
tag_bytes(struct slice rest)
{
	uint8_t quote = 0;
	size_t i = 0;
	for (; i < rest.len; i++) {
		uint8_t c = rest.data[i];
		if (c == '<' || (c == '>' && quote == 0))
			break;
		if (quote == 0 && (c == '"' || c == '\''))
			quote = c;
		else if (c == quote)
			quote = 0;
	}
	return i;
}

/* At '<' and, when SKIP is 2, '/', with a name behind it. */
static void
take_tag(struct xml_scan *scan, size_t skip, struct xml_token *ret_token)
{
	struct slice rest = slice_sub(left(scan), skip, scan->in.len);
	size_t len = tag_bytes(rest);
	struct slice body = slice_sub(rest, 0, len);
	bool is_cut = len == rest.len || rest.data[len] != '>';
	struct xml_token token = {.kind = skip == 2 ? XML_TOKEN_CLOSE : XML_TOKEN_OPEN};
	token.name = slice_sub(body, 0, name_bytes(body));
	token.attributes = slice_sub(body, token.name.len, body.len);
	if (token.attributes.len > 0 && token.attributes.data[token.attributes.len - 1] == '/') {
		token.attributes.len--;
		token.is_empty = skip == 1;
	}
	scan->at += skip + len + (is_cut ? 0 : 1);
	scan->n_broken += is_cut;
	*ret_token = token;
}

/* The text up to the next '<', or from one that begins no tag. */
static void
take_text(struct xml_scan *scan, struct xml_token *ret_token)
{
	struct slice rest = left(scan);
	bool is_stray = rest.data[0] == '<';
	size_t len = is_stray + find(slice_sub(rest, is_stray, rest.len), "<");
	scan->n_broken += is_stray;
	scan->at += len;
	*ret_token = (struct xml_token){.kind = XML_TOKEN_TEXT, .text = slice_sub(rest, 0, len)};
}

bool
xml_scan_next(struct xml_scan *scan, struct xml_token *ret_token)
{
	for (;;) {
		struct slice rest = left(scan);
		if (rest.len == 0)
			return false;
		if (slice_starts_with(rest, SLICE_LITERAL("<!--"))) {
			(void)take_until(scan, 4, "-->");
		} else if (slice_starts_with(rest, SLICE_LITERAL("<![CDATA["))) {
			*ret_token = (struct xml_token){.kind = XML_TOKEN_TEXT,
							.text = take_until(scan, 9, "]]>"),
							.is_literal = true};
			return true;
		} else if (slice_starts_with(rest, SLICE_LITERAL("<?"))) {
			(void)take_until(scan, 2, "?>");
		} else if (slice_starts_with(rest, SLICE_LITERAL("<!"))) {
			(void)take_until(scan, 2, ">");
		} else {
			break;
		}
	}
	struct slice rest = left(scan);
	bool is_tag = rest.data[0] == '<';
	bool is_close = is_tag && rest.len > 1 && rest.data[1] == '/';
	size_t skip = is_close ? 2 : 1;
	if (is_tag && name_bytes(slice_sub(rest, skip, rest.len)) > 0)
		take_tag(scan, skip, ret_token);
	else
		take_text(scan, ret_token);
	return true;
}

/* A value at the start of REST: quoted, or up to a blank. */
static struct slice
take_attribute_value(struct slice *rest)
{
	struct slice in = *rest;
	size_t len = 0;
	if (in.len > 0 && (in.data[0] == '"' || in.data[0] == '\'')) {
		uint8_t quote = in.data[0];
		in = slice_sub(in, 1, in.len);
		while (len < in.len && in.data[len] != quote)
			len++;
		*rest = slice_sub(in, len + 1, in.len);
	} else {
		while (len < in.len && !is_blank(in.data[len]))
			len++;
		*rest = slice_sub(in, len, in.len);
	}
	return slice_sub(in, 0, len);
}

bool
xml_scan_attribute(struct slice *rest, struct slice *ret_name, struct slice *ret_value)
{
	struct slice in = *rest;
	while (in.len > 0 && name_bytes(in) == 0)
		in = slice_sub(in, 1, in.len);
	size_t len = name_bytes(in);
	if (len == 0)
		return false;
	*ret_name = slice_sub(in, 0, len);
	in = slice_sub(in, len, in.len);
	while (in.len > 0 && is_blank(in.data[0]))
		in = slice_sub(in, 1, in.len);
	*ret_value = SLICE_LITERAL("");
	if (in.len > 0 && in.data[0] == '=') {
		in = slice_sub(in, 1, in.len);
		while (in.len > 0 && is_blank(in.data[0]))
			in = slice_sub(in, 1, in.len);
		*ret_value = take_attribute_value(&in);
	}
	*rest = in;
	return true;
}

static size_t
put_utf8(uint64_t c, uint8_t *at)
{
	if (c < 0x80) {
		at[0] = (uint8_t)c;
		return 1;
	}
	size_t count = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
	for (size_t i = count; i-- > 1; c >>= 6)
		at[i] = (uint8_t)(0x80 | (c & 0x3f));
	at[0] = (uint8_t)(0xf00 >> count | c);
	return count;
}

/* What stands between '&' and ';' as a character; 0: none that we know. */
static uint64_t
character_of(struct slice name)
{
	static const struct {
		const char *name;
		uint8_t character;
	} entities[] = {{"amp", '&'}, {"lt", '<'}, {"gt", '>'}, {"quot", '"'}, {"apos", '\''}};
	uint64_t c = 0;
	for (size_t i = 0; i < sizeof(entities) / sizeof(entities[0]); i++)
		if (slice_equal_str(name, entities[i].name))
			return entities[i].character;
	if (name.len < 2 || name.data[0] != '#')
		return 0;
	bool is_hex = (name.data[1] | 0x20) == 'x';
	struct slice digits = slice_sub(name, is_hex ? 2 : 1, name.len);
	if (is_hex ? !slice_hex_to_u64(digits, &c) : !slice_to_u64(digits, &c))
		return 0;
	return c > 0x10ffff || (c >= 0xd800 && c < 0xe000) ? 0 : c;
}

struct slice
xml_scan_unescape(struct slice raw, struct arena *arena)
{
	if (raw.len == 0)
		return SLICE_LITERAL("");
	if (memchr(raw.data, '&', raw.len) == NULL)
		return raw;
	uint8_t *text = arena_alloc(arena, raw.len);
	size_t len = 0;
	if (text == NULL)
		return (struct slice){NULL, 0};
	for (size_t i = 0; i < raw.len;) {
		struct slice ahead = slice_sub(raw, i + 1, REFERENCE_CHARACTERS);
		struct slice name;
		uint64_t c = 0;
		if (raw.data[i] == '&' && slice_cut(ahead, ';', &name, &ahead))
			c = character_of(name);
		if (c == 0) {
			text[len++] = raw.data[i++];
		} else {
			len += put_utf8(c, text + len); /* never longer than its reference */
			i += name.len + 2;
		}
	}
	return slice_of(text, len);
}
