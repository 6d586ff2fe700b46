/* Names of files: modules, sources, and what a message says of them. */
#include "base/limits.h"
#include "base/text.h"
#include "bucket/normalize.h"

static bool
is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static bool
is_letter(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool
is_hex(uint8_t c)
{
	return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool
is_separator(uint8_t c)
{
	return c == '/' || c == '\\';
}

static bool
has_suffix(struct slice s, const char *text)
{
	return slice_ends_with(s, slice_str(text));
}

static bool
has_prefix(struct slice s, const char *text)
{
	return slice_starts_with(s, slice_str(text));
}

static bool
cut_tail(struct slice *s, const char *text)
{
	if (!has_suffix(*s, text) || s->len == strlen(text))
		return false;
	s->len -= strlen(text);
	return true;
}

static struct slice
base_name(struct slice path)
{
	size_t at = path.len;
	while (at > 0 && !is_separator(path.data[at - 1]))
		at--;
	return slice_sub(path, at, path.len);
}

/* Where in NAME the file's extension begins, ".so.6" included; its length when there is none. */
static size_t
extension_at(struct slice name)
{
	for (size_t at = 1; at + 3 <= name.len; at++) {
		bool is_so = memcmp(name.data + at, ".so", 3) == 0 &&
			     (at + 3 == name.len || name.data[at + 3] == '.');
		if (is_so)
			return at;
	}
	for (size_t at = name.len; at > 1; at--) {
		if (name.data[at - 1] == '.')
			return at - 1;
	}
	return name.len;
}

/* "app (2)" and "app[1]" are copies of "app". */
static void
cut_copy_number(struct slice *stem)
{
	static const char brackets[2][2] = {{'(', ')'}, {'[', ']'}};
	for (int i = 0; i < 2; i++) {
		if (stem->len < 4 || stem->data[stem->len - 1] != brackets[i][1])
			continue;
		size_t at = stem->len - 1;
		while (at > 0 && is_digit(stem->data[at - 1]))
			at--;
		if (at + 1 == stem->len || at < 2 || stem->data[at - 1] != brackets[i][0])
			continue;
		stem->len = at - 1;
		*stem = slice_trim(*stem);
		return;
	}
}

/* libc-2.13, libglib-2.0 and libgtk-3: a version, unlike the 64 of ld-linux-x86-64. */
static void
cut_version(struct slice *stem)
{
	size_t at = stem->len;
	bool has_point = false;
	while (at > 0 && (is_digit(stem->data[at - 1]) || stem->data[at - 1] == '.')) {
		has_point |= stem->data[at - 1] == '.';
		at--;
	}
	size_t len = stem->len - at;
	if (at > 1 && stem->data[at - 1] == '-' && len > 0 && (has_point || len == 1))
		stem->len = at - 1;
}

/* A shared library's number: libfoo.1.dylib, libfoo.so.1 (its extension holds it). */
static void
cut_library_number(struct slice *stem)
{
	size_t at = stem->len;
	while (at > 0 && (is_digit(stem->data[at - 1]) || stem->data[at - 1] == '.'))
		at--;
	if (at > 0 && at < stem->len && stem->data[at] == '.')
		stem->len = at;
}

/* What an installer or a web server makes up: a run of 8 or more hex digits, one of them a
 * number, becomes '*'; so does what stands behind these words. */
static void
append_stem(struct slice stem, struct buf *out)
{
	static const char *const made[] = {"app_web_", "app_code.", "is-", "msi", "nsis-"};
	for (size_t i = 0; i < sizeof(made) / sizeof(made[0]); i++) {
		struct slice tail = slice_sub(stem, strlen(made[i]), stem.len);
		bool is_made = has_prefix(stem, made[i]) && tail.len >= 4 && tail.len <= 16;
		for (size_t at = 0; at < tail.len && i != 0 && i != 1; at++)
			is_made &= i == 2 ? is_digit(tail.data[at]) || is_letter(tail.data[at])
					  : is_hex(tail.data[at]);
		if (is_made) {
			buf_append_str(out, made[i]);
			buf_append_byte(out, '*');
			return;
		}
	}
	for (size_t at = 0; at < stem.len;) {
		size_t end = at;
		bool has_digit = false;
		while (end < stem.len && (is_hex(stem.data[end]) || stem.data[end] == '-')) {
			has_digit |= is_digit(stem.data[end]);
			end++;
		}
		if (end - at >= 8 && has_digit) {
			buf_append_byte(out, '*');
			at = end;
			continue;
		}
		end += end == at;
		buf_append(out, slice_sub(stem, at, end - at));
		at = end;
	}
}

/* Marks that a system puts behind the name of a file that was replaced while in use. */
static void
cut_marks(struct slice *name)
{
	static const char prelink[] = ".#prelink#";
	(void)cut_tail(name, " (deleted)");
	for (size_t at = 1; at < name->len; at++) {
		bool is_mark = name->data[at] == ';' ||
			       has_prefix(slice_sub(*name, at, name->len), prelink);
		if (is_mark) {
			name->len = at;
			return;
		}
	}
}

void
normalize_module(struct slice module, struct buf *out)
{
	struct buf lower;
	struct buf made;
	buf_init(&lower, SIZE_MAX); /* both as long as the name, which is cut here */
	buf_init(&made, SIZE_MAX);
	text_fold(base_name(slice_sub(module, 0, LIMIT_TEXT_BYTES)), &lower);
	struct slice name = slice_trim(buf_slice(&lower));
	cut_marks(&name);
	struct slice stem = slice_sub(name, 0, extension_at(name));
	struct slice extension = slice_sub(name, stem.len, name.len);
	bool is_temporary = slice_equal_str(extension, ".tmp");
	cut_copy_number(&stem);
	if (has_prefix(extension, ".so")) {
		extension.len = strlen(".so");
		cut_version(&stem);
	} else if (slice_equal_str(extension, ".dylib")) {
		cut_library_number(&stem);
	} else if (slice_equal_str(extension, ".dll") || slice_equal_str(extension, ".pdb")) {
		extension.len = 0;
		(void)cut_tail(&stem, ".ni"); /* a .NET assembly compiled ahead */
	}
	if (is_temporary && has_prefix(stem, "ns") && stem.len > 4) /* NSIS: nsa1B2C.tmp */
		buf_append_str(&made, "ns*");
	else
		append_stem(stem, &made);
	buf_append(&made, extension);
	normalize_append(buf_slice(&made), out);
	buf_done(&lower);
	buf_done(&made);
}

/* Breakpad's "vcs:root:path:revision": the path; else PATH itself. */
static struct slice
without_revision(struct slice path)
{
	static const char *const kinds[] = {"hg:", "git:", "svn:", "s3:", "cvs:", "p4:"};
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct slice root;
		struct slice rest;
		struct slice file;
		struct slice revision;
		if (has_prefix(path, kinds[i]) &&
		    slice_cut(slice_sub(path, strlen(kinds[i]), path.len), ':', &root, &rest) &&
		    slice_cut(rest, ':', &file, &revision))
			return file;
	}
	return path;
}

static struct slice
without_drive(struct slice path)
{
	if (has_prefix(path, "\\\\?\\"))
		path = slice_sub(path, strlen("\\\\?\\"), path.len);
	if (path.len > 2 && is_letter(path.data[0]) && path.data[1] == ':')
		path = slice_sub(path, 2, path.len);
	return path;
}

/* "-1ecc6299db9ec823" behind a registry's name, "-1.2.3" behind a crate's. */
static struct slice
without_build(struct slice part)
{
	size_t at = part.len;
	size_t digits = 0;
	while (at > 0 && (is_hex(part.data[at - 1]) || part.data[at - 1] == '.')) {
		digits += is_digit(part.data[at - 1]);
		at--;
	}
	size_t len = part.len - at;
	bool is_hash = len >= 12 && digits > 0;
	bool is_version = len >= 3 && is_digit(part.data[at]) && digits + 2 >= len &&
			  memchr(part.data + at, '.', len) != NULL;
	if (at > 1 && part.data[at - 1] == '-' && (is_hash || is_version))
		return slice_sub(part, 0, at - 1);
	return part;
}

static bool
is_hash_part(struct slice part)
{
	for (size_t i = 0; i < part.len; i++) {
		if (!is_hex(part.data[i]))
			return false;
	}
	return part.len >= 32;
}

/* Takes the last part off what OUT has behind FROM. */
static void
pop_part(struct buf *out, size_t from)
{
	while (out->len > from && out->data[out->len - 1] != '/')
		out->len--;
	out->len -= out->len > from;
}

/* One part of a path, after a '/' unless it is the first. */
static void
append_part(struct slice part, size_t from, bool is_absolute, struct buf *out)
{
	if (part.len == 0 || slice_equal_str(part, ".") || is_hash_part(part))
		return;
	if (slice_equal_str(part, "..")) {
		pop_part(out, from);
		return;
	}
	if (is_absolute || out->len > from)
		buf_append_byte(out, '/');
	buf_append(out, without_build(part));
}

/* /home/NAME, /Users/NAME and /Users/NAME of Windows are one place: ~ */
static void
fold_home(struct buf *path)
{
	static const char *const homes[] = {"/home/", "/users/"};
	for (size_t i = 0; i < 2; i++) {
		size_t at = strlen(homes[i]);
		if (!slice_equal_nocase(slice_sub(buf_slice(path), 0, at), slice_str(homes[i])))
			continue;
		while (at < path->len && path->data[at] != '/')
			at++;
		if (at == path->len)
			return;
		memmove(path->data + 1, path->data + at, path->len - at);
		path->data[0] = '~';
		path->len -= at - 1;
	}
}

void
normalize_source(struct slice path, struct buf *out)
{
	struct buf made;
	buf_init(&made, SIZE_MAX); /* as long as the path, which is cut here */
	path = without_drive(without_revision(slice_trim(slice_sub(path, 0, LIMIT_TEXT_BYTES))));
	bool is_absolute = path.len > 0 && is_separator(path.data[0]);
	for (size_t at = 0; at < path.len;) {
		size_t end = at;
		while (end < path.len && !is_separator(path.data[end]))
			end++;
		append_part(slice_sub(path, at, end - at), 0, is_absolute, &made);
		at = end + 1;
	}
	fold_home(&made);
	normalize_append(buf_slice(&made), out);
	buf_done(&made);
}

/* A word of a message: a number, a path, or itself. */
static void
append_word(struct slice word, struct buf *out)
{
	if (memchr(word.data, '/', word.len) != NULL || memchr(word.data, '\\', word.len) != NULL)
		word = base_name(word);
	for (size_t at = 0; at < word.len;) {
		size_t end = at;
		bool is_hexadecimal = has_prefix(slice_sub(word, at, word.len), "0x");
		if (is_hexadecimal)
			end += 2;
		while (end < word.len &&
		       (is_hexadecimal ? is_hex(word.data[end]) : is_digit(word.data[end])))
			end++;
		if (end > at) {
			buf_append_byte(out, 'N');
		} else {
			end = at + 1;
			buf_append_byte(out, word.data[at]);
		}
		at = end;
	}
}

void
normalize_message(struct slice message, struct buf *out)
{
	struct buf made;
	buf_init(&made, SIZE_MAX); /* as long as the message, which is cut here */
	message = slice_sub(message, 0, LIMIT_ABORT_MESSAGE_BYTES);
	for (size_t at = 0; at < message.len;) {
		size_t end = at;
		while (end < message.len && message.data[end] > ' ')
			end++;
		if (end > at) {
			if (made.len > 0)
				buf_append_byte(&made, ' ');
			append_word(slice_sub(message, at, end - at), &made);
		}
		at = end + 1;
	}
	normalize_append(buf_slice(&made), out);
	buf_done(&made);
}
