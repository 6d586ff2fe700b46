/* A name goes through UTF-16 units: from bytes by its encoding, then judged unit by unit, then to
 * readable UTF-8 and to a safe file name.
 *
 * Safe names: separators, what Windows or a shell minds, control and direction characters become
 * '_', so do dots in front and dots and blanks at the end; the name of a device gets a '_' in
 * front; what is too long loses its middle and keeps its ending.  "N~" in front, N the member's
 * number, tells names apart that would be equal; no other safe name begins with digits and '~'.
 */
#include "cab/names.h"

#include <stdlib.h>

#include "base/text.h"

enum {
	REPLACEMENT = 0xfffd,
	UNITS_MAX = 256, /* never more than bytes, and those are 255 at most */
	UTF8_BYTES_MAX = 3 * UNITS_MAX,
	ENDING_BYTES_MAX = 16 /* of an extension that is kept when a name is cut, dot included */
};

/* A name as UTF-16. */
struct units {
	uint16_t at[UNITS_MAX];
	size_t count;
};

/* What bytes 0x80-0x9f of code page 1252 are; 0: nothing.  The others are as in Unicode. */
static const uint16_t cp1252[32] = {
	0x20ac, 0,      0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021, 0x02c6, 0x2030, 0x0160,
	0x2039, 0x0152, 0,      0x017d, 0,      0,      0x2018, 0x2019, 0x201c, 0x201d, 0x2022,
	0x2013, 0x2014, 0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0,      0x017e, 0x0178,
};

/* Bytes 0x80-0xff of code page 437. */
static const uint16_t cp437[128] = {
	0x00c7, 0x00fc, 0x00e9, 0x00e2, 0x00e4, 0x00e0, 0x00e5, 0x00e7, 0x00ea, 0x00eb, 0x00e8,
	0x00ef, 0x00ee, 0x00ec, 0x00c4, 0x00c5, 0x00c9, 0x00e6, 0x00c6, 0x00f4, 0x00f6, 0x00f2,
	0x00fb, 0x00f9, 0x00ff, 0x00d6, 0x00dc, 0x00a2, 0x00a3, 0x00a5, 0x20a7, 0x0192, 0x00e1,
	0x00ed, 0x00f3, 0x00fa, 0x00f1, 0x00d1, 0x00aa, 0x00ba, 0x00bf, 0x2310, 0x00ac, 0x00bd,
	0x00bc, 0x00a1, 0x00ab, 0x00bb, 0x2591, 0x2592, 0x2593, 0x2502, 0x2524, 0x2561, 0x2562,
	0x2556, 0x2555, 0x2563, 0x2551, 0x2557, 0x255d, 0x255c, 0x255b, 0x2510, 0x2514, 0x2534,
	0x252c, 0x251c, 0x2500, 0x253c, 0x255e, 0x255f, 0x255a, 0x2554, 0x2569, 0x2566, 0x2560,
	0x2550, 0x256c, 0x2567, 0x2568, 0x2564, 0x2565, 0x2559, 0x2558, 0x2552, 0x2553, 0x256b,
	0x256a, 0x2518, 0x250c, 0x2588, 0x2584, 0x258c, 0x2590, 0x2580, 0x03b1, 0x00df, 0x0393,
	0x03c0, 0x03a3, 0x03c3, 0x00b5, 0x03c4, 0x03a6, 0x0398, 0x03a9, 0x03b4, 0x221e, 0x03c6,
	0x03b5, 0x2229, 0x2261, 0x00b1, 0x2265, 0x2264, 0x2320, 0x2321, 0x00f7, 0x2248, 0x00b0,
	0x2219, 0x00b7, 0x221a, 0x207f, 0x00b2, 0x25a0, 0x00a0,
};

/* ---- from and to bytes ---- */

static bool
is_cp1252(struct slice raw)
{
	for (size_t i = 0; i < raw.len; i++) {
		uint8_t byte = raw.data[i];
		if (byte >= 0x80 && byte < 0xa0 && cp1252[byte - 0x80] == 0)
			return false;
	}
	return true;
}

static enum cab_encoding
find_encoding(struct slice raw, bool is_marked_utf8)
{
	if (text_is_ascii(raw))
		return CAB_ASCII;
	if (is_marked_utf8 && text_is_utf8(raw))
		return CAB_UTF8;
	return is_cp1252(raw) ? CAB_CP1252 : CAB_CP437;
}

static uint16_t
unit_of(uint8_t byte, enum cab_encoding encoding)
{
	if (byte < 0x80)
		return byte;
	if (encoding == CAB_CP437)
		return cp437[byte - 0x80];
	return byte < 0xa0 ? cp1252[byte - 0x80] : byte;
}

static void
put_unit(struct units *units, uint16_t unit)
{
	if (units->count < UNITS_MAX)
		units->at[units->count++] = unit;
}

static void
decode(struct slice raw, enum cab_encoding encoding, struct units *out)
{
	struct buf utf16;
	out->count = 0;
	if (encoding != CAB_UTF8) {
		for (size_t i = 0; i < raw.len; i++)
			put_unit(out, unit_of(raw.data[i], encoding));
		return;
	}
	buf_init(&utf16, 2 * (size_t)UNITS_MAX);
	text_to_utf16(raw, TEXT_UTF16LE, &utf16);
	for (size_t i = 0; i + 1 < utf16.len; i += 2)
		put_unit(out, (uint16_t)(utf16.data[i] | utf16.data[i + 1] << 8));
	buf_done(&utf16);
}

/* In the arena; absent: its cap. */
static struct slice
encode(const struct units *units, struct arena *arena)
{
	uint8_t bytes[2 * UNITS_MAX];
	struct buf utf8;
	for (size_t i = 0; i < units->count; i++) {
		bytes[2 * i] = (uint8_t)(units->at[i] & 0xff);
		bytes[2 * i + 1] = (uint8_t)(units->at[i] >> 8);
	}
	buf_init(&utf8, UTF8_BYTES_MAX);
	(void)text_to_utf8(slice_of(bytes, 2 * units->count), TEXT_UTF16LE, &utf8);
	struct slice copy =
		slice_dup(arena, slice_of(utf8.data == NULL ? bytes : utf8.data, utf8.len));
	buf_done(&utf8);
	return copy;
}

/* ---- what a name has in it ---- */

static bool
is_slash(uint16_t c)
{
	return c == '/' || c == '\\';
}

static bool
is_control(uint16_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0);
}

/* Marks, embeddings, overrides and isolates of [UAX 9], and what has no width at all. */
static bool
is_direction(uint16_t c)
{
	return (c >= 0x200b && c <= 0x200f) || (c >= 0x202a && c <= 0x202e) ||
	       (c >= 0x2060 && c <= 0x2069) || c == 0x061c || c == 0xfeff;
}

static bool
is_forbidden(uint16_t c)
{
	return c == '<' || c == '>' || c == '"' || c == '|' || c == '?' || c == '*';
}

static uint16_t
upper(uint16_t c)
{
	return (uint16_t)(c >= 'a' && c <= 'z' ? c - 32 : c);
}

static bool
begins_with(const uint16_t *at, size_t count, const char *word)
{
	size_t len = strlen(word);
	for (size_t i = 0; i < len; i++) {
		if (i >= count || upper(at[i]) != (uint8_t)word[i])
			return false;
	}
	return true;
}

/* CON, PRN, AUX, NUL, CONIN$, CONOUT$, COM1-9, LPT1-9 (the digits 1-3 in superscript too), alone
 * or before a dot, a colon or blanks: Windows opens a device by all of these. */
static bool
is_device(const uint16_t *at, size_t count)
{
	static const char *const words[] = {"CONIN$", "CONOUT$", "CON", "PRN",
					    "AUX",    "NUL",     "COM", "LPT"};
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (!begins_with(at, count, words[i]))
			continue;
		size_t len = strlen(words[i]);
		if (i >= 6) {
			uint16_t digit = len < count ? at[len++] : 0;
			if ((digit < '1' || digit > '9') && digit != 0xb9 && digit != 0xb2 &&
			    digit != 0xb3)
				continue;
		}
		while (len < count && at[len] == ' ')
			len++;
		return len >= count || at[len] == '.' || at[len] == ':';
	}
	return false;
}

static uint32_t
component_flags(const uint16_t *at, size_t count)
{
	uint32_t flags = 0;
	bool is_dots = count > 0 && count <= 2 && at[0] == '.' && at[count - 1] == '.';
	if (is_dots)
		return count == 2 ? CAB_MEMBER_TRAVERSAL : 0;
	if (is_device(at, count))
		flags |= CAB_MEMBER_DEVICE;
	if (count > 0 && at[0] == '.')
		flags |= CAB_MEMBER_HIDDEN;
	if (count > 0 && (at[count - 1] == '.' || at[count - 1] == ' '))
		flags |= CAB_MEMBER_TRAILING;
	/* Windows drops them, and ".. " is ".." then. */
	while (count > 2 && (at[count - 1] == '.' || at[count - 1] == ' '))
		count--;
	if (count == 2 && at[0] == '.' && at[1] == '.')
		flags |= CAB_MEMBER_TRAVERSAL;
	return flags;
}

static uint32_t
unit_flags(const struct units *name)
{
	uint32_t flags = 0;
	bool has_slash = false;
	bool has_backslash = false;
	for (size_t i = 0; i < name->count; i++) {
		uint16_t c = name->at[i];
		has_slash |= c == '/';
		has_backslash |= c == '\\';
		if (is_control(c))
			flags |= CAB_MEMBER_CONTROL;
		if (is_direction(c))
			flags |= CAB_MEMBER_DIRECTION;
		if (is_forbidden(c))
			flags |= CAB_MEMBER_FORBIDDEN;
		if (c == ':')
			flags |= i == 1 && upper(name->at[0]) >= 'A' && upper(name->at[0]) <= 'Z'
					 ? CAB_MEMBER_DRIVE
					 : CAB_MEMBER_STREAM;
	}
	return has_slash && has_backslash ? flags | CAB_MEMBER_MIXED_SLASHES : flags;
}

static uint32_t
name_flags(const struct units *name)
{
	uint32_t flags = unit_flags(name);
	if (name->count > 0 && is_slash(name->at[0]))
		flags |= CAB_MEMBER_ABSOLUTE;
	for (size_t from = 0; from <= name->count;) {
		size_t to = from;
		while (to < name->count && !is_slash(name->at[to]))
			to++;
		flags |= component_flags(name->at + from, to - from);
		from = to + 1;
	}
	return flags;
}

/* ---- readable and safe ---- */

static struct slice
readable(const struct units *name, struct arena *arena)
{
	struct units out = {.count = 0};
	for (size_t i = 0; i < name->count; i++) {
		uint16_t c = name->at[i];
		put_unit(&out, c == '\\' ? '/' : is_control(c) ? REPLACEMENT : c);
	}
	return encode(&out, arena);
}

static bool
is_unsafe(uint16_t c)
{
	return is_slash(c) || c == ':' || c == REPLACEMENT || is_control(c) || is_direction(c) ||
	       is_forbidden(c);
}

/* Digits and '~' in front mark names that were told apart. */
static bool
is_number_mark(const struct units *name)
{
	size_t i = 0;
	while (i < name->count && name->at[i] >= '0' && name->at[i] <= '9')
		i++;
	return i > 0 && i < name->count && name->at[i] == '~';
}

static void
make_safe(const struct units *name, struct units *out)
{
	bool is_marked = is_number_mark(name);
	out->count = 0;
	if (is_device(name->at, name->count))
		put_unit(out, '_');
	for (size_t i = 0; i < name->count; i++) {
		uint16_t c = name->at[i];
		bool is_mark = is_marked && c == '~';
		put_unit(out, is_mark || is_unsafe(c) ? '_' : c);
	}
	for (size_t i = 0; i < out->count && (out->at[i] == '.' || out->at[i] == ' '); i++)
		out->at[i] = '_';
	for (size_t i = out->count; i > 0 && (out->at[i - 1] == '.' || out->at[i - 1] == ' '); i--)
		out->at[i - 1] = '_';
	if (out->count == 0)
		put_unit(out, '_');
}

/* The ending of a long name, with its dot; else one that hides what Windows drops. */
static struct slice
ending(struct slice name)
{
	for (size_t i = name.len - 1; i > name.len - ENDING_BYTES_MAX; i--) {
		if (name.data[i] == '.')
			return slice_sub(name, i, name.len - i);
	}
	return SLICE_LITERAL("_");
}

/* Cuts between characters, not inside one. */
static struct slice
shorten(struct slice name, struct arena *arena)
{
	struct buf out;
	if (name.len <= CAB_SAFE_NAME_BYTES)
		return name;
	struct slice end = ending(name);
	size_t len = CAB_SAFE_NAME_BYTES - end.len;
	while ((name.data[len] & 0xc0) == 0x80)
		len--;
	buf_init(&out, CAB_SAFE_NAME_BYTES);
	buf_append(&out, slice_sub(name, 0, len));
	buf_append(&out, end);
	struct slice copy = slice_dup(arena, buf_slice(&out));
	buf_done(&out);
	return copy;
}

static struct slice
safe(const struct units *name, struct arena *arena)
{
	struct units out;
	make_safe(name, &out);
	struct slice text = encode(&out, arena);
	return slice_is_absent(text) ? text : shorten(text, arena);
}

bool
cab_name_member(struct cab_member *member, struct arena *arena)
{
	struct units name;
	bool is_marked_utf8 = (member->attributes & CAB_ATTRIBUTE_UTF8) != 0;
	member->encoding = find_encoding(member->raw_name, is_marked_utf8);
	decode(member->raw_name, member->encoding, &name);
	member->flags |= name_flags(&name);
	if (is_marked_utf8 && member->encoding > CAB_UTF8)
		member->flags |= CAB_MEMBER_BROKEN_TEXT;
	if ((member->attributes & (CAB_ATTRIBUTE_HIDDEN | CAB_ATTRIBUTE_SYSTEM)) != 0)
		member->flags |= CAB_MEMBER_HIDDEN;
	if ((member->attributes & CAB_ATTRIBUTE_RUN) != 0)
		member->flags |= CAB_MEMBER_RUN;
	member->name = readable(&name, arena);
	member->safe_name = safe(&name, arena);
	return !slice_is_absent(member->name) && !slice_is_absent(member->safe_name);
}

struct slice
cab_name_text(struct slice raw, struct arena *arena)
{
	struct units text;
	if (slice_is_absent(raw))
		return raw;
	decode(raw, find_encoding(raw, true), &text);
	return readable(&text, arena);
}

/* ---- names that come again ---- */

struct ranked {
	struct slice safe; /* folded, as name */
	struct slice name;
	struct cab_member *member;
};

/* Lower case where that is the next letter but some: ASCII, Latin-1, Greek, Cyrillic. */
static uint16_t
fold(uint16_t c)
{
	if ((c >= 'A' && c <= 'Z') || (c >= 0xc0 && c <= 0xde && c != 0xd7) ||
	    (c >= 0x391 && c <= 0x3a9 && c != 0x3a2) || (c >= 0x410 && c <= 0x42f))
		return (uint16_t)(c + 32);
	return c >= 0x400 && c <= 0x40f ? (uint16_t)(c + 80) : c;
}

static struct slice
folded(struct slice text, struct arena *arena)
{
	struct units units;
	decode(text, CAB_UTF8, &units);
	for (size_t i = 0; i < units.count; i++)
		units.at[i] = fold(units.at[i]);
	return encode(&units, arena);
}

static int
compare_ranked(const void *a, const void *b)
{
	const struct ranked *left = a;
	const struct ranked *right = b;
	int order = slice_compare(left->safe, right->safe);
	if (order == 0)
		order = slice_compare(left->name, right->name);
	if (order == 0)
		order = left->member->index < right->member->index ? -1 : 1;
	return order;
}

static bool
tell_apart(struct cab_member *member, struct arena *arena)
{
	const char *text =
		arena_printf(arena, "%u~%.*s", member->index, SLICE_ARGS(member->safe_name));
	if (text != NULL)
		member->safe_name = slice_str(text);
	return text != NULL;
}

bool
cab_name_tell_apart(struct cab_member *members, size_t count, struct arena *arena)
{
	struct ranked *ranked = arena_array(arena, count, sizeof(*ranked));
	if (ranked == NULL)
		return false;
	for (size_t i = 0; i < count; i++) {
		ranked[i] = (struct ranked){folded(members[i].safe_name, arena),
					    folded(members[i].name, arena), &members[i]};
		if (slice_is_absent(ranked[i].safe) || slice_is_absent(ranked[i].name))
			return false;
	}
	qsort(ranked, count, sizeof(*ranked), compare_ranked);
	for (size_t i = 1; i < count; i++) {
		if (!slice_equal(ranked[i].safe, ranked[i - 1].safe))
			continue;
		if (slice_equal(ranked[i].name, ranked[i - 1].name))
			ranked[i].member->flags |= CAB_MEMBER_DUPLICATE;
		if (!tell_apart(ranked[i].member, arena))
			return false;
	}
	return true;
}
