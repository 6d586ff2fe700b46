/* Types in Microsoft's names.  There is no specification; the forms are those that Clang and LLVM
 * write and read. */
#include "symbols/demangle_msvc.h"

static const struct {
	const char *code;
	const char *name;
} primitives[] = {
	{"X", "void"},
	{"D", "char"},
	{"C", "signed char"},
	{"E", "unsigned char"},
	{"F", "short"},
	{"G", "unsigned short"},
	{"H", "int"},
	{"I", "unsigned int"},
	{"J", "long"},
	{"K", "unsigned long"},
	{"M", "float"},
	{"N", "double"},
	{"O", "long double"},
	{"_N", "bool"},
	{"_D", "__int8"},
	{"_E", "unsigned __int8"},
	{"_F", "__int16"},
	{"_G", "unsigned __int16"},
	{"_H", "__int32"},
	{"_I", "unsigned __int32"},
	{"_J", "__int64"},
	{"_K", "unsigned __int64"},
	{"_L", "__int128"},
	{"_M", "unsigned __int128"},
	{"_P", "auto"},
	{"_T", "decltype(auto)"},
	{"_W", "wchar_t"},
	{"_Q", "char8_t"},
	{"_S", "char16_t"},
	{"_U", "char32_t"},
	{"$$T", "std::nullptr_t"},
};

unsigned
msvc_qualifiers(struct msvc *m)
{
	int c = msvc_take_byte(m);
	if (c >= 'A' && c <= 'D')
		return (unsigned)(c - 'A');
	if (c >= 'Q' && c <= 'T')
		return (unsigned)(c - 'Q');
	msvc_fail(m);
	return 0;
}

unsigned
msvc_pointer_qualifiers(struct msvc *m)
{
	unsigned qualifiers = 0;
	(void)msvc_take(m, "E"); /* __ptr64 is not worth a word */
	if (msvc_take(m, "I"))
		qualifiers |= MSVC_RESTRICT;
	if (msvc_take(m, "F"))
		qualifiers |= MSVC_UNALIGNED;
	return qualifiers;
}

/* Up to P each has two letters, of which the second means an exported function. */
struct slice
msvc_convention(struct msvc *m)
{
	static const char *const names[] = {
		['A' - 'A'] = "__cdecl",
		['B' - 'A'] = "__cdecl",
		['C' - 'A'] = "__pascal",
		['D' - 'A'] = "__pascal",
		['E' - 'A'] = "__thiscall",
		['F' - 'A'] = "__thiscall",
		['G' - 'A'] = "__stdcall",
		['H' - 'A'] = "__stdcall",
		['I' - 'A'] = "__fastcall",
		['J' - 'A'] = "__fastcall",
		['M' - 'A'] = "__clrcall",
		['N' - 'A'] = "__clrcall",
		['O' - 'A'] = "__eabi",
		['P' - 'A'] = "__eabi",
		['Q' - 'A'] = "__vectorcall",
		['S' - 'A'] = "__attribute__((__swiftcall__)) ",
		['W' - 'A'] = "__attribute__((__swiftasynccall__)) ",
	};
	int c = msvc_take_byte(m);
	if (c >= 'A' && c <= 'W' && names[c - 'A'] != NULL)
		return slice_str(names[c - 'A']);
	msvc_fail(m);
	return SLICE_LITERAL("");
}

struct slice
msvc_spaced(struct msvc *m, struct slice before)
{
	if (before.len == 0)
		return before;
	uint8_t c = before.data[before.len - 1];
	bool is_word = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
	return is_word || c == '>' ? msvc_text(m, "%.*s ", SLICE_ARGS(before)) : before;
}

/* "const volatile __restrict", with a blank before each, or before each but the first. */
static const char *
qualifier_words(unsigned qualifiers, bool first_has_blank)
{
	static const char *const words[] = {"",
					    " const",
					    " volatile",
					    " const volatile",
					    " __restrict",
					    " const __restrict",
					    " volatile __restrict",
					    " const volatile __restrict"};
	const char *text = words[qualifiers & 7];
	return text[0] == ' ' && !first_has_blank ? text + 1 : text;
}

struct slice
msvc_before(struct msvc *m, const struct msvc_type *type)
{
	if (type->kind == MSVC_FUNCTION)
		return msvc_text(m, "%.*s%.*s", SLICE_ARGS(type->before),
				 SLICE_ARGS(type->convention));
	const char *words = qualifier_words(type->qualifiers, type->kind != MSVC_POINTER);
	return words[0] == '\0' ? type->before
				: msvc_text(m, "%.*s%s", SLICE_ARGS(type->before), words);
}

struct slice
msvc_whole(struct msvc *m, const struct msvc_type *type)
{
	struct slice before = msvc_before(m, type);
	return type->behind.len == 0
		       ? before
		       : msvc_text(m, "%.*s%.*s", SLICE_ARGS(before), SLICE_ARGS(type->behind));
}

static struct msvc_type
plain(struct slice before)
{
	return (struct msvc_type){
		.kind = MSVC_PLAIN, .before = before, .behind = SLICE_LITERAL("")};
}

static struct msvc_type
class_type(struct msvc *m)
{
	const char *word = "enum";
	int c = msvc_take_byte(m);
	if (c == 'W') {
		int size = msvc_take_byte(m); /* of the underlying type; 4 is int */
		if (size < '0' || size > '7')
			msvc_fail(m);
	} else {
		word = c == 'T' ? "union" : c == 'U' ? "struct" : "class";
	}
	struct slice name = msvc_type_name(m);
	return plain(msvc_text(m, "%s %.*s", word, SLICE_ARGS(name)));
}

/* A pointer to POINTEE: SIGN is "*", "&" or "&&", PARENT the class of a member pointer. */
static struct msvc_type
point_to(struct msvc *m, const struct msvc_type *pointee, struct slice parent, const char *sign,
	 unsigned qualifiers)
{
	bool is_function = pointee->kind == MSVC_FUNCTION;
	const char *open = is_function || pointee->kind == MSVC_ARRAY ? "(" : "";
	const char *unaligned = (qualifiers & MSVC_UNALIGNED) != 0 ? "__unaligned " : "";
	struct slice before =
		msvc_spaced(m, is_function ? pointee->before : msvc_before(m, pointee));
	struct slice convention = is_function
					  ? msvc_text(m, "%.*s ", SLICE_ARGS(pointee->convention))
					  : SLICE_LITERAL("");
	struct slice of_class =
		parent.len > 0 ? msvc_text(m, "%.*s::", SLICE_ARGS(parent)) : SLICE_LITERAL("");
	return (struct msvc_type){
		.kind = MSVC_POINTER,
		.qualifiers = qualifiers,
		.is_member_pointer = parent.len > 0,
		.before = msvc_text(m, "%.*s%s%s%.*s%.*s%s", SLICE_ARGS(before), unaligned, open,
				    SLICE_ARGS(convention), SLICE_ARGS(of_class), sign),
		.behind = open[0] == '(' ? msvc_text(m, ")%.*s", SLICE_ARGS(pointee->behind))
					 : pointee->behind,
	};
}

/* Is what stands behind a P, Q, R or S a pointer to a member? */
static bool
is_member_pointer(const struct msvc *m)
{
	struct msvc look = *m;
	int c = msvc_peek(&look);
	if (c >= '0' && c <= '9')
		return c == '8';
	(void)msvc_pointer_qualifiers(&look);
	c = msvc_peek(&look);
	return c >= 'Q' && c <= 'T';
}

static struct msvc_type
member_pointer(struct msvc *m, unsigned qualifiers)
{
	struct msvc_type pointee;
	struct slice parent;
	qualifiers |= msvc_pointer_qualifiers(m);
	if (msvc_take(m, "8")) {
		parent = msvc_type_name(m);
		pointee = msvc_function_type(m, true);
	} else {
		unsigned of_pointee = msvc_qualifiers(m);
		parent = msvc_type_name(m);
		pointee = msvc_type(m, MSVC_PLACE_DROP);
		pointee.qualifiers |= of_pointee;
	}
	return point_to(m, &pointee, parent, "*", qualifiers);
}

static struct msvc_type
pointer_type(struct msvc *m)
{
	const char *sign = "*";
	unsigned qualifiers = 0;
	if (msvc_take(m, "$$Q") || msvc_take(m, "$$R")) {
		sign = "&&";
	} else {
		int c = msvc_take_byte(m);
		if (c == 'A' || c == 'B')
			sign = "&";
		else
			qualifiers = (unsigned)(c - 'P');
		if (c >= 'P' && is_member_pointer(m))
			return member_pointer(m, qualifiers);
	}
	struct msvc_type pointee;
	if (msvc_take(m, "6")) {
		pointee = msvc_function_type(m, false);
	} else {
		qualifiers |= msvc_pointer_qualifiers(m);
		pointee = msvc_type(m, MSVC_PLACE_MANGLE);
	}
	return point_to(m, &pointee, SLICE_LITERAL(""), sign, qualifiers);
}

static struct msvc_type
array_type(struct msvc *m)
{
	struct slice sizes = SLICE_LITERAL("");
	(void)msvc_take(m, "Y");
	int64_t rank = msvc_number(m);
	if (rank < 1)
		msvc_fail(m);
	for (int64_t i = 0; i < rank && !m->has_failed; i++) {
		int64_t size = msvc_number(m);
		if (size < 0)
			msvc_fail(m);
		sizes = size == 0 ? msvc_text(m, "%.*s[]", SLICE_ARGS(sizes))
				  : msvc_text(m, "%.*s[%jd]", SLICE_ARGS(sizes), (intmax_t)size);
	}
	unsigned qualifiers = 0;
	if (msvc_take(m, "$$C"))
		qualifiers = msvc_qualifiers(m);
	struct msvc_type element = msvc_type(m, MSVC_PLACE_DROP);
	element.qualifiers |= qualifiers;
	return (struct msvc_type){
		.kind = MSVC_ARRAY,
		.before = msvc_before(m, &element),
		.behind = msvc_text(m, "%.*s%.*s", SLICE_ARGS(sizes), SLICE_ARGS(element.behind)),
	};
}

/* One type of a list, perhaps as a reference back to an earlier one. */
static struct slice
parameter(struct msvc *m)
{
	int c = msvc_peek(m);
	size_t left = m->rest.len;
	struct msvc_type type;
	if (c >= '0' && c <= '9') {
		(void)msvc_take_byte(m);
		if ((size_t)(c - '0') >= m->n_types) {
			msvc_fail(m);
			return SLICE_LITERAL("");
		}
		type = m->types[c - '0'];
	} else {
		type = msvc_type(m, MSVC_PLACE_DROP);
		if (left - m->rest.len > 1 && m->n_types < MSVC_REFERENCES)
			m->types[m->n_types++] = type;
	}
	return msvc_whole(m, &type);
}

/* "(int, char)" */
static struct slice
parameters(struct msvc *m)
{
	struct slice list = SLICE_LITERAL("(");
	if (msvc_take(m, "X"))
		return SLICE_LITERAL("(void)");
	while (!m->has_failed) {
		const char *comma = list.len > 1 ? ", " : "";
		if (msvc_take(m, "@"))
			return msvc_text(m, "%.*s)", SLICE_ARGS(list));
		if (msvc_take(m, "Z"))
			return msvc_text(m, "%.*s%s...)", SLICE_ARGS(list), comma);
		struct slice one = parameter(m);
		list = msvc_text(m, "%.*s%s%.*s", SLICE_ARGS(list), comma, SLICE_ARGS(one));
	}
	return SLICE_LITERAL("");
}

struct msvc_type
msvc_function_type(struct msvc *m, bool has_this)
{
	const char *reference = "";
	const char *noexcept = "";
	unsigned qualifiers = 0;
	struct msvc_type result = plain(SLICE_LITERAL(""));
	struct msvc_type type = {.kind = MSVC_FUNCTION, .result = SLICE_LITERAL("")};
	if (has_this) {
		qualifiers = msvc_pointer_qualifiers(m);
		reference = msvc_take(m, "G") ? " &" : msvc_take(m, "H") ? " &&" : "";
		qualifiers |= msvc_qualifiers(m);
	}
	type.convention = msvc_convention(m);
	type.before = result.before;
	if (!msvc_take(m, "@")) { /* constructors and destructors have no result */
		result = msvc_type(m, MSVC_PLACE_RESULT);
		type.result = msvc_whole(m, &result);
		type.before = msvc_before(m, &result);
		type.before = msvc_text(m, "%.*s ", SLICE_ARGS(type.before));
	}
	struct slice list = parameters(m);
	if (msvc_take(m, "_E"))
		noexcept = " noexcept";
	else if (!msvc_take(m, "Z"))
		msvc_fail(m);
	type.own = msvc_text(m, "%.*s%s%s%s%s", SLICE_ARGS(list), qualifier_words(qualifiers, true),
			     (qualifiers & MSVC_UNALIGNED) != 0 ? " __unaligned" : "", noexcept,
			     reference);
	type.behind = msvc_text(m, "%.*s%.*s", SLICE_ARGS(type.own), SLICE_ARGS(result.behind));
	return type;
}

static struct msvc_type
custom_type(struct msvc *m)
{
	(void)msvc_take(m, "?");
	struct slice name = msvc_type_name(m);
	return plain(name);
}

static struct msvc_type
primitive_type(struct msvc *m)
{
	for (size_t i = 0; i < sizeof(primitives) / sizeof(primitives[0]); i++)
		if (msvc_take(m, primitives[i].code))
			return plain(slice_str(primitives[i].name));
	msvc_fail(m);
	return plain(SLICE_LITERAL(""));
}

static struct msvc_type
bare_type(struct msvc *m)
{
	int c = msvc_peek(m);
	if (c == 'T' || c == 'U' || c == 'V' || c == 'W')
		return class_type(m);
	if (c == 'A' || c == 'B' || (c >= 'P' && c <= 'S') ||
	    slice_starts_with(m->rest, SLICE_LITERAL("$$Q")) ||
	    slice_starts_with(m->rest, SLICE_LITERAL("$$R")))
		return pointer_type(m);
	if (c == 'Y')
		return array_type(m);
	if (msvc_take(m, "$$A8@@"))
		return msvc_function_type(m, true);
	if (msvc_take(m, "$$A6"))
		return msvc_function_type(m, false);
	return c == '?' ? custom_type(m) : primitive_type(m);
}

struct msvc_type
msvc_type(struct msvc *m, enum msvc_place place)
{
	unsigned qualifiers = 0;
	if (!msvc_enter(m))
		return plain(SLICE_LITERAL(""));
	if (place == MSVC_PLACE_MANGLE || (place == MSVC_PLACE_RESULT && msvc_take(m, "?")))
		qualifiers = msvc_qualifiers(m);
	struct msvc_type type = bare_type(m);
	type.qualifiers |= qualifiers;
	msvc_leave(m);
	return type;
}

static struct slice
constant_symbol(struct msvc *m, const char *before)
{
	struct slice symbol = msvc_symbol(m);
	msvc_remember(m, m->last_name);
	return msvc_text(m, "%s%.*s", before, SLICE_ARGS(symbol));
}

/* "{symbol, 1, 2}" or "{1, 2}": pointers to members, by what they must know of the class. */
static struct slice
member_constant(struct msvc *m, int form)
{
	struct slice text = SLICE_LITERAL("{");
	int n = form - 'G'; /* H: 1, I: 2, J: 3 */
	if (form == 'F' || form == 'G')
		n = form - 'F' + 2;
	else if (msvc_peek(m) == '?')
		text = constant_symbol(m, "{");
	for (int i = 0; i < n; i++) {
		int64_t number = msvc_number(m);
		text = msvc_text(m, "%.*s%s%jd", SLICE_ARGS(text), text.len > 1 ? ", " : "",
				 (intmax_t)number);
	}
	return msvc_text(m, "%.*s}", SLICE_ARGS(text));
}

/* An argument that is no type. */
static struct slice
constant(struct msvc *m)
{
	int form = msvc_take_byte(m);
	switch (form) {
	case '0':
		return msvc_text(m, "%jd", (intmax_t)msvc_number(m));
	case '1':
		return constant_symbol(m, "&");
	case 'E':
		return msvc_symbol(m);
	case 'F':
	case 'G':
	case 'H':
	case 'I':
	case 'J':
		return member_constant(m, form);
	default:
		msvc_fail(m);
		return SLICE_LITERAL("");
	}
}

static struct slice
template_argument(struct msvc *m)
{
	struct msvc_type type;
	if (msvc_take(m, "$$Y"))
		return msvc_type_name(m);
	if (msvc_take(m, "$$B"))
		type = msvc_type(m, MSVC_PLACE_DROP);
	else if (msvc_take(m, "$$C"))
		type = msvc_type(m, MSVC_PLACE_MANGLE);
	else if (slice_starts_with(m->rest, SLICE_LITERAL("$$")) || !msvc_take(m, "$"))
		type = msvc_type(m, MSVC_PLACE_DROP);
	else
		return constant(m);
	return msvc_whole(m, &type);
}

/* Packs without a member leave a mark that is worth nothing to people. */
static bool
take_empty_pack(struct msvc *m)
{
	return msvc_take(m, "$S") || msvc_take(m, "$$V") || msvc_take(m, "$$$V") ||
	       msvc_take(m, "$$Z");
}

struct slice
msvc_template_arguments(struct msvc *m)
{
	struct slice list = SLICE_LITERAL("<");
	while (!m->has_failed && !msvc_take(m, "@")) {
		if (take_empty_pack(m))
			continue;
		struct slice one = template_argument(m);
		list = msvc_text(m, "%.*s%s%.*s", SLICE_ARGS(list), list.len > 1 ? ", " : "",
				 SLICE_ARGS(one));
	}
	return msvc_text(m, "%.*s>", SLICE_ARGS(list));
}
