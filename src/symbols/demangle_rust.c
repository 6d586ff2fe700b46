/* Rust's names of today, "v0" (RFC 2603).  They are printed while they are read; what a back
 * reference means is read again where it is used. */
#include "symbols/demangle_parts.h"

#include <inttypes.h>
#include <stdio.h>

struct rust {
	struct slice in; /* behind "_R": positions count from here */
	size_t at;
	struct buf *out;
	bool has_failed;
	bool is_silent; /* read on, but print nothing */
	unsigned depth;
	unsigned steps;
	uint64_t n_lifetimes; /* bound by the "for<...>" round this place */
};

struct identifier {
	struct slice ascii;
	struct slice punycode; /* absent: none */
};

static void
fail(struct rust *r)
{
	r->has_failed = true;
	r->at = r->in.len;
}

static bool
enter(struct rust *r)
{
	r->depth++;
	r->steps++;
	if (r->depth > LIMIT_DEMANGLE_DEPTH || r->steps > LIMIT_DEMANGLE_STEPS ||
	    buf_error(r->out) != OK)
		fail(r);
	if (r->has_failed)
		r->depth--;
	return !r->has_failed;
}

static void
leave(struct rust *r)
{
	r->depth--;
}

static int
peek(const struct rust *r)
{
	return r->at < r->in.len ? r->in.data[r->at] : -1;
}

static int
take_byte(struct rust *r)
{
	int c = peek(r);
	if (c < 0)
		fail(r);
	else
		r->at++;
	return c;
}

static bool
take(struct rust *r, int c)
{
	if (peek(r) != c)
		return false;
	r->at++;
	return true;
}

static void
put(struct rust *r, struct slice text)
{
	if (!r->is_silent && !r->has_failed)
		buf_append(r->out, text);
}

static void
put_word(struct rust *r, const char *word)
{
	put(r, slice_str(word));
}

static void
put_number(struct rust *r, uint64_t number)
{
	char text[24];
	(void)snprintf(text, sizeof(text), "%" PRIu64, number);
	put_word(r, text);
}

/* "_" is 0, digits and "_" are one more. */
static uint64_t
base62(struct rust *r)
{
	uint64_t value = 0;
	if (take(r, '_'))
		return 0;
	for (;;) {
		int c = take_byte(r);
		int digit = c >= '0' && c <= '9'   ? c - '0'
			    : c >= 'a' && c <= 'z' ? c - 'a' + 10
			    : c >= 'A' && c <= 'Z' ? c - 'A' + 36
						   : -1;
		if (c == '_')
			return value + 1;
		if (digit < 0 || value > UINT64_MAX / 62 - 2) {
			fail(r);
			return 0;
		}
		value = value * 62 + (unsigned)digit;
	}
}

/* A number in base 62 behind TAG; without it 0, with it one more. */
static uint64_t
tagged_number(struct rust *r, int tag)
{
	return take(r, tag) ? base62(r) + 1 : 0;
}

static struct identifier
identifier(struct rust *r)
{
	struct identifier id = {.ascii = SLICE_LITERAL("")};
	bool is_punycode = take(r, 'u');
	uint64_t len = 0;
	int c = take_byte(r);
	if (c < '0' || c > '9') {
		fail(r);
		return id;
	}
	len = (uint64_t)(c - '0');
	while (len > 0 && peek(r) >= '0' && peek(r) <= '9' && len <= r->in.len)
		len = len * 10 + (uint64_t)(take_byte(r) - '0');
	(void)take(r, '_');
	if (len > r->in.len - r->at) {
		fail(r);
		return id;
	}
	id.ascii = slice_sub(r->in, r->at, (size_t)len);
	r->at += (size_t)len;
	if (!is_punycode)
		return id;
	/* What is behind the last "_" says where which other characters go. */
	size_t cut = id.ascii.len;
	while (cut > 0 && id.ascii.data[cut - 1] != '_')
		cut--;
	id.punycode = slice_sub(id.ascii, cut, id.ascii.len);
	id.ascii.len = cut == 0 ? 0 : cut - 1;
	if (id.punycode.len == 0)
		fail(r);
	return id;
}

static void
put_identifier(struct rust *r, const struct identifier *id)
{
	if (slice_is_absent(id->punycode)) {
		put(r, id->ascii);
		return;
	}
	struct buf decoded;
	buf_init(&decoded, LIMIT_DEMANGLE_OUTPUT_BYTES);
	if (demangle_punycode(id->ascii, id->punycode, &decoded)) {
		put(r, buf_slice(&decoded));
	} else {
		put_word(r, "punycode{");
		put(r, id->ascii);
		put_word(r, id->ascii.len > 0 ? "-" : "");
		put(r, id->punycode);
		put_word(r, "}");
	}
	buf_done(&decoded);
}

static void path(struct rust *r, bool in_value);
static void type(struct rust *r);
static void constant(struct rust *r);

/* Reads again what stands at an earlier place.  Returns where to go on; false: nothing to read. */
static bool
begin_reference(struct rust *r, size_t *ret_after)
{
	size_t start = r->at - 1;
	uint64_t to = base62(r);
	if (to >= start) {
		fail(r);
		return false;
	}
	*ret_after = r->at;
	if (r->is_silent)
		return false;
	r->at = (size_t)to;
	return true;
}

static void
end_reference(struct rust *r, size_t after)
{
	if (!r->has_failed)
		r->at = after;
}

/* 0 is a lifetime without a name; others count from the innermost that is bound. */
static void
put_lifetime(struct rust *r, uint64_t index)
{
	if (index > r->n_lifetimes) {
		fail(r);
		return;
	}
	put_word(r, "'");
	if (index == 0) {
		put_word(r, "_");
		return;
	}
	uint64_t depth = r->n_lifetimes - index;
	if (depth < 26) {
		uint8_t letter = (uint8_t)('a' + depth);
		put(r, slice_of(&letter, 1));
	} else {
		put_word(r, "_");
		put_number(r, depth);
	}
}

static void
generic_argument(struct rust *r)
{
	if (take(r, 'L'))
		put_lifetime(r, base62(r));
	else if (take(r, 'K'))
		constant(r);
	else
		type(r);
}

static void
generic_arguments(struct rust *r)
{
	for (bool is_first = true; !r->has_failed && !take(r, 'E'); is_first = false) {
		put_word(r, is_first ? "" : ", ");
		generic_argument(r);
	}
}

/* The path of an impl is of no use to people: its type is printed instead. */
static void
skip_impl_path(struct rust *r)
{
	bool is_silent = r->is_silent;
	r->is_silent = true;
	(void)tagged_number(r, 's');
	path(r, false);
	r->is_silent = is_silent;
}

static void
nested_path(struct rust *r, bool in_value)
{
	int space = take_byte(r);
	if ((space < 'a' || space > 'z') && (space < 'A' || space > 'Z')) {
		fail(r);
		return;
	}
	path(r, in_value);
	uint64_t number = tagged_number(r, 's');
	struct identifier name = identifier(r);
	bool has_name = name.ascii.len > 0 || !slice_is_absent(name.punycode);
	if (space >= 'a') {
		put_word(r, has_name ? "::" : "");
		put_identifier(r, &name);
		return;
	}
	uint8_t letter = (uint8_t)space;
	put_word(r, "::{");
	if (space == 'C')
		put_word(r, "closure");
	else if (space == 'S')
		put_word(r, "shim");
	else
		put(r, slice_of(&letter, 1));
	put_word(r, has_name ? ":" : "");
	put_identifier(r, &name);
	put_word(r, "#");
	put_number(r, number);
	put_word(r, "}");
}

static void
path_by_letter(struct rust *r, int tag, bool in_value)
{
	size_t after;
	switch (tag) {
	case 'C': {
		(void)tagged_number(r, 's');
		struct identifier name = identifier(r);
		put_identifier(r, &name);
		break;
	}
	case 'M':
	case 'X':
		skip_impl_path(r);
		__attribute__((fallthrough));
	case 'Y':
		put_word(r, "<");
		type(r);
		if (tag != 'M') {
			put_word(r, " as ");
			path(r, false);
		}
		put_word(r, ">");
		break;
	case 'N':
		nested_path(r, in_value);
		break;
	case 'I':
		path(r, in_value);
		put_word(r, in_value ? "::<" : "<");
		generic_arguments(r);
		put_word(r, ">");
		break;
	case 'B':
		if (begin_reference(r, &after)) {
			path(r, in_value);
			end_reference(r, after);
		}
		break;
	default:
		fail(r);
	}
}

static void
path(struct rust *r, bool in_value)
{
	if (!enter(r))
		return;
	int tag = take_byte(r);
	path_by_letter(r, tag, in_value);
	leave(r);
}

static const char *
basic_type(int tag)
{
	static const char *const names[26] = {
		['a' - 'a'] = "i8",   ['b' - 'a'] = "bool",  ['c' - 'a'] = "char",
		['d' - 'a'] = "f64",  ['e' - 'a'] = "str",   ['f' - 'a'] = "f32",
		['h' - 'a'] = "u8",   ['i' - 'a'] = "isize", ['j' - 'a'] = "usize",
		['l' - 'a'] = "i32",  ['m' - 'a'] = "u32",   ['n' - 'a'] = "i128",
		['o' - 'a'] = "u128", ['p' - 'a'] = "_",     ['s' - 'a'] = "i16",
		['t' - 'a'] = "u16",  ['u' - 'a'] = "()",    ['v' - 'a'] = "...",
		['x' - 'a'] = "i64",  ['y' - 'a'] = "u64",   ['z' - 'a'] = "!",
	};
	return tag >= 'a' && tag <= 'z' ? names[tag - 'a'] : NULL;
}

/* G: "for<'a, 'b> ". */
static void
binder(struct rust *r)
{
	uint64_t n = tagged_number(r, 'G');
	if (n > r->in.len) { /* more than a name of this length could use */
		fail(r);
		return;
	}
	if (n == 0)
		return;
	put_word(r, "for<");
	for (uint64_t i = 0; i < n && !r->has_failed; i++) {
		put_word(r, i == 0 ? "" : ", ");
		r->n_lifetimes++;
		put_lifetime(r, 1);
	}
	put_word(r, "> ");
}

static void
function_abi(struct rust *r)
{
	put_word(r, "extern \"");
	if (take(r, 'C')) {
		put_word(r, "C");
	} else {
		struct identifier abi = identifier(r);
		if (abi.ascii.len == 0)
			fail(r);
		for (size_t i = 0; i < abi.ascii.len; i++)
			put(r, abi.ascii.data[i] == '_' ? SLICE_LITERAL("-")
							: slice_sub(abi.ascii, i, 1));
	}
	put_word(r, "\" ");
}

static void
function_type(struct rust *r)
{
	uint64_t n_lifetimes = r->n_lifetimes;
	binder(r);
	if (take(r, 'U'))
		put_word(r, "unsafe ");
	if (take(r, 'K'))
		function_abi(r);
	put_word(r, "fn(");
	for (bool is_first = true; !r->has_failed && !take(r, 'E'); is_first = false) {
		put_word(r, is_first ? "" : ", ");
		type(r);
	}
	put_word(r, ")");
	if (!take(r, 'u')) {
		put_word(r, " -> ");
		type(r);
	}
	r->n_lifetimes = n_lifetimes;
}

/* The path of a trait, whose list of arguments stays open for what it is bound to.  Returns
 * whether it is open. */
static bool
open_path(struct rust *r)
{
	bool is_open = false;
	size_t after;
	if (!enter(r))
		return false;
	if (take(r, 'B')) {
		if (begin_reference(r, &after)) {
			is_open = open_path(r);
			end_reference(r, after);
		}
	} else if (take(r, 'I')) {
		path(r, false);
		put_word(r, "<");
		generic_arguments(r);
		is_open = true;
	} else {
		path(r, false);
	}
	leave(r);
	return is_open;
}

static void
dyn_trait(struct rust *r)
{
	bool is_open = open_path(r);
	while (take(r, 'p')) {
		put_word(r, is_open ? ", " : "<");
		is_open = true;
		struct identifier name = identifier(r);
		put_identifier(r, &name);
		put_word(r, " = ");
		type(r);
	}
	put_word(r, is_open ? ">" : "");
}

static void
dyn_type(struct rust *r)
{
	uint64_t n_lifetimes = r->n_lifetimes;
	put_word(r, "dyn ");
	binder(r);
	for (bool is_first = true; !r->has_failed && !take(r, 'E'); is_first = false) {
		put_word(r, is_first ? "" : " + ");
		dyn_trait(r);
	}
	r->n_lifetimes = n_lifetimes;
	if (!take(r, 'L')) {
		fail(r);
		return;
	}
	uint64_t lifetime = base62(r);
	if (lifetime != 0) {
		put_word(r, " + ");
		put_lifetime(r, lifetime);
	}
}

static void
tuple_type(struct rust *r)
{
	size_t n = 0;
	put_word(r, "(");
	for (; !r->has_failed && !take(r, 'E'); n++) {
		put_word(r, n == 0 ? "" : ", ");
		type(r);
	}
	put_word(r, n == 1 ? ",)" : ")");
}

static void
reference_type(struct rust *r, const char *mutable)
{
	put_word(r, "&");
	if (take(r, 'L')) {
		uint64_t lifetime = base62(r);
		if (lifetime != 0) {
			put_lifetime(r, lifetime);
			put_word(r, " ");
		}
	}
	put_word(r, mutable);
	type(r);
}

static void
type_by_letter(struct rust *r, int tag)
{
	size_t after;
	switch (tag) {
	case 'R':
		reference_type(r, "");
		break;
	case 'Q':
		reference_type(r, "mut ");
		break;
	case 'P':
	case 'O':
		put_word(r, tag == 'P' ? "*const " : "*mut ");
		type(r);
		break;
	case 'A':
	case 'S':
		put_word(r, "[");
		type(r);
		if (tag == 'A') {
			put_word(r, "; ");
			constant(r);
		}
		put_word(r, "]");
		break;
	case 'T':
		tuple_type(r);
		break;
	case 'F':
		function_type(r);
		break;
	case 'D':
		dyn_type(r);
		break;
	case 'B':
		if (begin_reference(r, &after)) {
			type(r);
			end_reference(r, after);
		}
		break;
	default:
		r->at--;
		path(r, false);
	}
}

static void
type(struct rust *r)
{
	if (!enter(r))
		return;
	int tag = take_byte(r);
	const char *basic = basic_type(tag);
	if (basic != NULL)
		put_word(r, basic);
	else if (!r->has_failed)
		type_by_letter(r, tag);
	leave(r);
}

/* Hex digits up to a "_".  Values that 64 bits do not hold are printed as they are. */
static bool
hex_value(struct rust *r, struct slice *ret_digits, uint64_t *ret_value)
{
	size_t from = r->at;
	int c = take_byte(r);
	while ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'))
		c = take_byte(r);
	if (c != '_') {
		fail(r);
		return false;
	}
	struct slice digits = slice_sub(r->in, from, r->at - 1 - from);
	while (digits.len > 1 && digits.data[0] == '0')
		digits = slice_sub(digits, 1, digits.len);
	*ret_digits = digits;
	*ret_value = 0;
	return digits.len == 0 || slice_hex_to_u64(digits, ret_value);
}

static void
number_constant(struct rust *r, bool is_signed)
{
	struct slice digits;
	uint64_t value;
	if (is_signed && take(r, 'n'))
		put_word(r, "-");
	bool is_small = hex_value(r, &digits, &value);
	if (is_small) {
		put_number(r, value);
	} else {
		put_word(r, "0x");
		put(r, digits);
	}
}

static void
bool_constant(struct rust *r)
{
	struct slice digits;
	uint64_t value;
	if (!hex_value(r, &digits, &value) || value > 1)
		fail(r);
	else
		put_word(r, value == 1 ? "true" : "false");
}

static void
char_constant(struct rust *r)
{
	struct slice digits;
	uint64_t value;
	if (!hex_value(r, &digits, &value) || !demangle_is_character(value)) {
		fail(r);
		return;
	}
	put_word(r, "'");
	if (value >= 0x20 && value < 0x7f && value != '\'' && value != '\\') {
		uint8_t character = (uint8_t)value;
		put(r, slice_of(&character, 1));
	} else {
		char text[16];
		(void)snprintf(text, sizeof(text), "\\u{%" PRIx64 "}", value);
		put_word(r, text);
	}
	put_word(r, "'");
}

static void
constant(struct rust *r)
{
	size_t after;
	if (!enter(r))
		return;
	int tag = take_byte(r);
	if (tag == 'B') {
		if (begin_reference(r, &after)) {
			constant(r);
			end_reference(r, after);
		}
	} else if (tag == 'p') {
		put_word(r, "_");
	} else if (tag == 'b') {
		bool_constant(r);
	} else if (tag == 'c') {
		char_constant(r);
	} else if (tag > 0 && strchr("aslxni", tag) != NULL) {
		number_constant(r, true);
	} else if (tag > 0 && strchr("htmyoj", tag) != NULL) {
		number_constant(r, false);
	} else {
		fail(r);
	}
	leave(r);
}

bool
demangle_rust_v0(struct slice name, struct buf *out)
{
	struct rust r = {.in = name, .out = out};
	struct slice head;
	struct slice tail;
	if (slice_cut(name, '.', &head, &tail)) /* what LLVM calls copies, ".cold", ".llvm.1" */
		r.in = head;
	path(&r, true);
	/* The crate that it was instantiated in says nothing to people. */
	if (!r.has_failed && r.at < r.in.len) {
		r.is_silent = true;
		path(&r, false);
	}
	return !r.has_failed && r.at == r.in.len;
}
