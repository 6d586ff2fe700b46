#include "bucket/normalize.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/hash.h"
#include "base/limits.h"
#include "base/text.h"
#include "bucket/normalize_scan.h"

enum {
	HASH_TEXT_BYTES = 18, /* '~', 16 hex digits, NUL */
	RUST_HASH_BYTES = 19  /* "::h" and 16 hex digits */
};

static bool
is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static bool
is_upper(uint8_t c)
{
	return c >= 'A' && c <= 'Z';
}

static bool
is_lower_hex(uint8_t c)
{
	return is_digit(c) || (c >= 'a' && c <= 'f');
}

static bool
has_prefix(struct slice s, const char *text)
{
	return slice_starts_with(s, slice_str(text));
}

/* Valid UTF-8 with a blank for each control character. */
static void
clean(struct slice in, struct buf *out)
{
	size_t from = out->len;
	(void)text_to_utf8(in, TEXT_UTF8, out);
	for (size_t i = from; i < out->len; i++) {
		if (out->data[i] < 0x20 || out->data[i] == 0x7f)
			out->data[i] = ' ';
	}
}

/* VALID is what clean gave. */
static void
append_within_limit(struct slice valid, struct buf *out)
{
	char hash[HASH_TEXT_BYTES];
	size_t end = LIMIT_NORMALIZED_BYTES - HASH_TEXT_BYTES + 1;
	struct slice s = slice_trim(valid);
	if (s.len <= LIMIT_NORMALIZED_BYTES) {
		buf_append(out, s);
		return;
	}
	while ((s.data[end] & 0xc0) == 0x80) /* not inside a character */
		end--;
	(void)snprintf(hash, sizeof(hash), "~%016" PRIx64, hash_64(s));
	buf_append(out, slice_sub(s, 0, end));
	buf_append_str(out, hash);
}

void
normalize_append(struct slice text, struct buf *out)
{
	struct buf cleaned;
	buf_init(&cleaned, SIZE_MAX); /* three times what has its own limit */
	clean(text, &cleaned);
	append_within_limit(buf_slice(&cleaned), out);
	buf_done(&cleaned);
}

/* What compilers and linkers put behind a name: foo.isra.0, foo.cold, foo.llvm.123, foo.7. */
static bool
cut_suffix(struct slice *name)
{
	static const char *const words[] = {
		".isra",       ".part",     ".constprop", ".cold",      ".llvm",     ".lto_priv",
		".localalias", ".unlikely", ".__uniq",    ".extracted", ".outlined", ".warm",
		".hot",        ".eh",       ".resolver",  ".ifunc",     ".clone",
	};
	struct slice s = *name;
	while (s.len > 0 && is_digit(s.data[s.len - 1]))
		s.len--;
	if (s.len < name->len && s.len > 1 && s.data[s.len - 1] == '.') {
		s.len--;
		*name = s;
		return true;
	}
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (name->len > strlen(words[i]) && slice_ends_with(*name, slice_str(words[i]))) {
			name->len -= strlen(words[i]);
			return true;
		}
	}
	return false;
}

/* rustc's hash of a crate: foo::bar::h7f635057bfba806a */
static bool
cut_rust_hash(struct slice *name)
{
	if (name->len <= RUST_HASH_BYTES)
		return false;
	struct slice tail = slice_sub(*name, name->len - RUST_HASH_BYTES, RUST_HASH_BYTES);
	if (!has_prefix(tail, "::h"))
		return false;
	for (size_t i = 3; i < tail.len; i++) {
		if (!is_lower_hex(tail.data[i]))
			return false;
	}
	name->len -= RUST_HASH_BYTES;
	return true;
}

/* Words by which libc names the variants of one function for one processor each. */
static bool
is_processor_word(struct slice word)
{
	static const char *const words[] = {
		"avx",       "avx2",      "avx512",  "evex",    "evex256",    "evex512", "sse2",
		"sse3",      "sse42",     "ssse3",   "fma",     "fma4",       "rtm",     "erms",
		"unaligned", "aligned",   "back",    "no",      "vzeroupper", "ia32",    "i386",
		"i586",      "i686",      "neon",    "sve",     "mte",        "nomte",   "mops",
		"thunderx",  "thunderx2", "falkor",  "kunpeng", "a64fx",      "zva64",   "simd",
		"asimd",     "advsimd",   "vfp",     "power7",  "power8",     "power9",  "z13",
		"lsx",       "lasx",      "generic", "slow",    "prefetchw",  "haswell",
	};
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (slice_equal_str(word, words[i]))
			return true;
	}
	return false;
}

/* Behind the last '_'. */
static struct slice
last_word(struct slice name)
{
	size_t at = name.len;
	while (at > 0 && name.data[at - 1] != '_')
		at--;
	return slice_sub(name, at, name.len);
}

/* __memmove_avx_unaligned_erms is memmove, __GI_raise is raise, __sin_fma is sin. */
static void
cut_libc_variant(struct slice *name)
{
	static const char *const roots[] = {
		"mem",  "str",  "stp", "wcs",       "wmem",  "rawmem", "bcopy", "bzero",
		"sin",  "cos",  "tan", "exp",       "log",   "pow",    "atan",  "floor",
		"ceil", "rint", "fma", "nearbyint", "trunc", "ieee754"};
	if (has_prefix(*name, "__GI_"))
		*name = slice_sub(*name, strlen("__GI_"), name->len);
	struct slice root = *name;
	if (!has_prefix(root, "__"))
		return;
	for (struct slice word = last_word(root); word.len + 1 < root.len; word = last_word(root)) {
		struct slice before = slice_sub(root, 0, root.len - word.len - 1);
		/* sse4_1 and sse4_2 */
		bool is_sse4 = word.len == 1 && slice_ends_with(before, SLICE_LITERAL("_sse4"));
		if (is_sse4)
			before.len -= strlen("_sse4");
		else if (!is_processor_word(word))
			break;
		root = before;
	}
	if (root.len == name->len)
		return;
	while (root.len > 0 && root.data[0] == '_')
		root = slice_sub(root, 1, root.len);
	for (size_t i = 0; i < sizeof(roots) / sizeof(roots[0]); i++) {
		if (has_prefix(root, roots[i])) {
			*name = root;
			return;
		}
	}
}

/* A name that a tool made from the address says nothing about the function. */
static bool
is_no_name(struct slice name)
{
	static const char *const texts[] = {"??",         "???",       "?",
					    "unknown",    "<unknown>", "[unknown]",
					    "<redacted>", "(unknown)", "<deduplicated_symbol>",
					    "{unknown}"};
	static const char *const made[] = {"sub_",
					   "FUN_",
					   "loc_",
					   "fn_",
					   "0x",
					   "lldb_unnamed_symbol",
					   "___lldb_unnamed_symbol"};
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (slice_equal_str(name, texts[i]))
			return true;
	}
	for (size_t i = 0; i < sizeof(made) / sizeof(made[0]); i++) {
		uint64_t number;
		struct slice tail = slice_sub(name, strlen(made[i]), name.len);
		bool is_long = tail.len >= 4 || i >= 4;
		if (has_prefix(name, made[i]) && is_long && slice_hex_to_u64(tail, &number))
			return true;
	}
	return false;
}

static bool
is_mangled(struct slice name)
{
	static const char *const starts[] = {"?", "_Z", "__Z", "___Z", "_R", "$s", "_$s"};
	for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
		if (has_prefix(name, starts[i]) && name.len > strlen(starts[i]) + 1 &&
		    (i != 4 || is_upper(name.data[2])))
			return memchr(name.data, ' ', name.len) == NULL;
	}
	return false;
}

/* -[NSView(Private) drawRect:] and blocks in it keep their blanks and brackets. */
static bool
is_objective_c(struct slice name)
{
	size_t at = 0;
	while (at < name.len && (name.data[at] == '_' || is_digit(name.data[at])))
		at++;
	struct slice tail = slice_sub(name, at, name.len);
	return has_prefix(tail, "-[") || has_prefix(tail, "+[");
}

/* Stubs of the linker: @ILT+1234(_main) and __imp_CreateFileW. */
static struct slice
without_stub(struct slice name)
{
	struct slice before;
	struct slice behind;
	if (has_prefix(name, "@ILT+") && slice_cut(name, '(', &before, &behind)) {
		if (slice_ends_with(behind, SLICE_LITERAL(")")))
			behind.len--;
		return behind;
	}
	if (has_prefix(name, "__imp_") && name.len > strlen("__imp_"))
		return slice_sub(name, strlen("__imp_"), name.len);
	return name;
}

/* Whole, but for a version that the linker put behind it. */
static struct slice
mangled_core(struct slice name)
{
	struct slice before;
	struct slice behind;
	if (name.data[0] != '?' && slice_cut(name, '@', &before, &behind))
		name = before;
	return name;
}

static struct slice
without_variant(struct slice name)
{
	size_t at;
	for (at = 0; at + strlen("$VARIANT$") < name.len; at++) {
		if (name.data[at] == '$' && has_prefix(slice_sub(name, at, name.len), "$VARIANT$"))
			break;
	}
	return at + strlen("$VARIANT$") < name.len ? slice_sub(name, 0, at) : name;
}

void
normalize_function(struct slice function, struct buf *out)
{
	struct buf cleaned;
	struct buf scanned;
	buf_init(&cleaned, SIZE_MAX); /* both grow with the input, which has its limit */
	buf_init(&scanned, SIZE_MAX);
	clean(slice_sub(function, 0, LIMIT_FUNCTION_NAME_BYTES), &cleaned);
	struct slice name = without_stub(slice_trim(buf_slice(&cleaned)));
	if (is_mangled(name)) {
		name = mangled_core(name);
	} else if (!is_objective_c(name)) {
		normalize_scan(name, &scanned);
		name = slice_trim(buf_slice(&scanned));
	}
	while (cut_rust_hash(&name) || cut_suffix(&name))
		;
	name = without_variant(name);
	cut_libc_variant(&name);
	if (!is_no_name(name)) {
		/* ZwX and NtX of the kernel's interface are one function with two names. */
		if (has_prefix(name, "Zw") && name.len > 2 && is_upper(name.data[2])) {
			buf_append_str(out, "Nt");
			name = slice_sub(name, 2, name.len);
		}
		append_within_limit(name, out);
	}
	buf_done(&cleaned);
	buf_done(&scanned);
}
