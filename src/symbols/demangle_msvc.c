/* Microsoft's mangled names: "?" NAME SCOPE... "@" TYPE.
 *
 * A name is read from the inside out: the name itself, then what it lies in.  Single digits refer
 * back to the first ten names, and in lists of parameters to the first ten types; each template
 * has its own ten.
 */
#include "symbols/demangle_msvc.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

enum {
	SCOPES_MAX = 128 /* namespaces and classes inside each other */
};

/* The name of a symbol, before what depends on its type is known. */
enum name_kind {
	NAME_PLAIN,
	NAME_CONSTRUCTOR,
	NAME_DESTRUCTOR,
	NAME_CONVERSION
};

struct name {
	enum name_kind kind;
	struct slice text;      /* plain: all of it; else what follows: template arguments */
	struct slice qualified; /* what it lies in, with "::" behind each */
	struct slice parent;    /* the innermost of that */
};

void
msvc_fail(struct msvc *m)
{
	m->has_failed = true;
	m->rest.len = 0;
}

bool
msvc_enter(struct msvc *m)
{
	m->depth++;
	m->steps++;
	if (m->depth > LIMIT_DEMANGLE_DEPTH || m->steps > LIMIT_DEMANGLE_STEPS || m->has_failed) {
		msvc_fail(m);
		m->depth--;
		return false;
	}
	return true;
}

void
msvc_leave(struct msvc *m)
{
	m->depth--;
}

bool
msvc_take(struct msvc *m, const char *text)
{
	struct slice word = slice_str(text);
	if (!slice_starts_with(m->rest, word))
		return false;
	m->rest = slice_sub(m->rest, word.len, m->rest.len);
	return true;
}

int
msvc_peek(const struct msvc *m)
{
	return m->rest.len == 0 ? -1 : m->rest.data[0];
}

int
msvc_take_byte(struct msvc *m)
{
	int c = msvc_peek(m);
	if (c < 0)
		msvc_fail(m);
	else
		m->rest = slice_sub(m->rest, 1, m->rest.len);
	return c;
}

struct slice
msvc_text(struct msvc *m, const char *format, ...)
{
	va_list args;
	char *text = NULL;
	va_start(args, format);
	int len = m->has_failed ? -1 : vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (len >= 0)
		text = arena_alloc(&m->arena, (size_t)len + 1);
	if (text == NULL) {
		msvc_fail(m);
		return SLICE_LITERAL("");
	}
	va_start(args, format);
	(void)vsnprintf(text, (size_t)len + 1, format, args);
	va_end(args);
	return slice_of(text, (size_t)len);
}

/* "?" makes it negative; 1 to 10 are one digit, others hex digits from A on, ended by "@". */
int64_t
msvc_number(struct msvc *m)
{
	bool is_negative = msvc_take(m, "?");
	int c = msvc_take_byte(m);
	uint64_t value = 0;
	if (c >= '0' && c <= '9')
		return is_negative ? -(c - '0' + 1) : c - '0' + 1;
	while (c != '@') {
		if (c < 'A' || c > 'P' || value >> 60 != 0) {
			msvc_fail(m);
			return 0;
		}
		value = value << 4 | (uint64_t)(c - 'A');
		c = msvc_take_byte(m);
	}
	return (int64_t)(is_negative ? 0 - value : value);
}

void
msvc_remember(struct msvc *m, struct slice name)
{
	if (m->has_failed)
		return;
	for (size_t i = 0; i < m->n_names; i++)
		if (slice_equal(m->names[i], name))
			return;
	if (m->n_names < MSVC_REFERENCES)
		m->names[m->n_names++] = name;
}

/* Up to the next "@". */
static struct slice
fragment(struct msvc *m)
{
	struct slice head;
	struct slice tail;
	if (!slice_cut(m->rest, '@', &head, &tail) || head.len == 0) {
		msvc_fail(m);
		return SLICE_LITERAL("");
	}
	m->rest = tail;
	return head;
}

static struct slice
simple_name(struct msvc *m)
{
	struct slice name = fragment(m);
	msvc_remember(m, name);
	return name;
}

static struct slice
back_reference(struct msvc *m)
{
	size_t at = (size_t)(msvc_take_byte(m) - '0');
	if (at < m->n_names)
		return m->names[at];
	msvc_fail(m);
	return SLICE_LITERAL("");
}

/* Names of functions that are no words, by what follows the "?". */
static const struct {
	const char *code;
	const char *name;
} operators[] = {
	{"2", "operator new"},
	{"3", "operator delete"},
	{"4", "operator="},
	{"5", "operator>>"},
	{"6", "operator<<"},
	{"7", "operator!"},
	{"8", "operator=="},
	{"9", "operator!="},
	{"A", "operator[]"},
	{"C", "operator->"},
	{"D", "operator*"},
	{"E", "operator++"},
	{"F", "operator--"},
	{"G", "operator-"},
	{"H", "operator+"},
	{"I", "operator&"},
	{"J", "operator->*"},
	{"K", "operator/"},
	{"L", "operator%"},
	{"M", "operator<"},
	{"N", "operator<="},
	{"O", "operator>"},
	{"P", "operator>="},
	{"Q", "operator,"},
	{"R", "operator()"},
	{"S", "operator~"},
	{"T", "operator^"},
	{"U", "operator|"},
	{"V", "operator&&"},
	{"W", "operator||"},
	{"X", "operator*="},
	{"Y", "operator+="},
	{"Z", "operator-="},
	{"_0", "operator/="},
	{"_1", "operator%="},
	{"_2", "operator>>="},
	{"_3", "operator<<="},
	{"_4", "operator&="},
	{"_5", "operator|="},
	{"_6", "operator^="},
	{"_D", "`vbase dtor'"},
	{"_E", "`vector deleting dtor'"},
	{"_F", "`default ctor closure'"},
	{"_G", "`scalar deleting dtor'"},
	{"_H", "`vector ctor iterator'"},
	{"_I", "`vector dtor iterator'"},
	{"_J", "`vector vbase ctor iterator'"},
	{"_K", "`virtual displacement map'"},
	{"_L", "`eh vector ctor iterator'"},
	{"_M", "`eh vector dtor iterator'"},
	{"_N", "`eh vector vbase ctor iterator'"},
	{"_O", "`copy ctor closure'"},
	{"_T", "`local vftable ctor closure'"},
	{"_U", "operator new[]"},
	{"_V", "operator delete[]"},
	{"__A", "`managed vector ctor iterator'"},
	{"__B", "`managed vector dtor iterator'"},
	{"__C", "`EH vector copy ctor iterator'"},
	{"__D", "`EH vector vbase copy ctor iterator'"},
	{"__G", "`vector copy ctor iterator'"},
	{"__H", "`vector vbase copy constructor iterator'"},
	{"__I", "`managed vector vbase copy constructor iterator'"},
	{"__L", "operator co_await"},
	{"__M", "operator<=>"},
};

/* Behind the "?" of a function that has no word for a name. */
static struct name
operator_name(struct msvc *m)
{
	struct name name = {.kind = NAME_PLAIN, .text = SLICE_LITERAL("")};
	if (msvc_take(m, "0")) {
		name.kind = NAME_CONSTRUCTOR;
		return name;
	}
	if (msvc_take(m, "1")) {
		name.kind = NAME_DESTRUCTOR;
		return name;
	}
	if (msvc_take(m, "B")) {
		name.kind = NAME_CONVERSION;
		return name;
	}
	if (msvc_take(m, "__K")) {
		struct slice suffix = simple_name(m);
		name.text = msvc_text(m, "operator \"\"%.*s", SLICE_ARGS(suffix));
		return name;
	}
	for (size_t i = 0; i < sizeof(operators) / sizeof(operators[0]); i++) {
		if (msvc_take(m, operators[i].code)) {
			name.text = slice_str(operators[i].name);
			return name;
		}
	}
	msvc_fail(m);
	return name;
}

static struct name unqualified(struct msvc *m, bool is_remembered);

/* Behind "?$": a name and its arguments, with references of their own. */
static struct name
template_name(struct msvc *m)
{
	struct slice names[MSVC_REFERENCES];
	struct msvc_type types[MSVC_REFERENCES];
	size_t n_names = m->n_names;
	size_t n_types = m->n_types;
	memcpy(names, m->names, sizeof(names));
	memcpy(types, m->types, sizeof(types));
	m->n_names = 0;
	m->n_types = 0;
	struct name name = unqualified(m, true);
	struct slice arguments = msvc_template_arguments(m);
	name.text = msvc_text(m, "%.*s%.*s", SLICE_ARGS(name.text), SLICE_ARGS(arguments));
	memcpy(m->names, names, sizeof(names));
	memcpy(m->types, types, sizeof(types));
	m->n_names = n_names;
	m->n_types = n_types;
	return name;
}

static struct name
unqualified(struct msvc *m, bool is_remembered)
{
	struct name name = {.kind = NAME_PLAIN};
	int c = msvc_peek(m);
	if (!msvc_enter(m))
		return name;
	if (c >= '0' && c <= '9')
		name.text = back_reference(m);
	else if (msvc_take(m, "?$"))
		name = template_name(m);
	else if (msvc_take(m, "?"))
		name = operator_name(m);
	else
		name.text = is_remembered ? simple_name(m) : fragment(m);
	msvc_leave(m);
	return name;
}

static struct slice
template_class(struct msvc *m)
{
	struct slice empty = SLICE_LITERAL("");
	if (!msvc_enter(m))
		return empty;
	struct name name = template_name(m);
	msvc_leave(m);
	if (name.kind != NAME_PLAIN) {
		msvc_fail(m);
		return empty;
	}
	msvc_remember(m, name.text);
	return name.text;
}

/* "?1?" and the like: the scope is a function, and the number tells which block in it. */
static bool
is_local_scope(const struct msvc *m)
{
	struct slice rest = m->rest;
	struct slice number;
	struct slice tail;
	if (!slice_starts_with(rest, SLICE_LITERAL("?")) ||
	    !slice_cut(slice_sub(rest, 1, rest.len), '?', &number, &tail) || number.len == 0)
		return false;
	if (number.len == 1)
		return number.data[0] == '@' || (number.data[0] >= '0' && number.data[0] <= '9');
	if (number.data[number.len - 1] != '@' || number.data[0] < 'B' || number.data[0] > 'P')
		return false;
	for (size_t i = 1; i + 1 < number.len; i++)
		if (number.data[i] < 'A' || number.data[i] > 'P')
			return false;
	return true;
}

static struct slice
local_scope(struct msvc *m)
{
	struct slice scope = SLICE_LITERAL("");
	(void)msvc_take(m, "?");
	int64_t number = msvc_number(m);
	(void)msvc_take(m, "?");
	if (!msvc_enter(m))
		return scope;
	/* What a scope is called does not depend on how its inhabitants are shown. */
	enum demangle_style style = m->style;
	m->style = DEMANGLE_FULL;
	scope = msvc_symbol(m);
	m->style = style;
	msvc_leave(m);
	return msvc_text(m, "`%.*s'::`%jd'", SLICE_ARGS(scope), (intmax_t)number);
}

static struct slice
scope_piece(struct msvc *m)
{
	int c = msvc_peek(m);
	if (c >= '0' && c <= '9')
		return back_reference(m);
	if (msvc_take(m, "?$"))
		return template_class(m);
	if (msvc_take(m, "?A")) {
		struct slice head;
		if (!slice_cut(m->rest, '@', &head, &m->rest))
			msvc_fail(m);
		msvc_remember(m, SLICE_LITERAL("`anonymous namespace'"));
		return SLICE_LITERAL("`anonymous namespace'");
	}
	if (is_local_scope(m))
		return local_scope(m);
	return simple_name(m);
}

/* What a name lies in, up to the "@" that ends it: "a::b::".  The innermost comes first. */
static struct slice
scopes(struct msvc *m, struct slice *ret_innermost)
{
	struct slice all = SLICE_LITERAL("");
	*ret_innermost = all;
	for (size_t n = 0; !m->has_failed && !msvc_take(m, "@"); n++) {
		if (n >= SCOPES_MAX) {
			msvc_fail(m);
			break;
		}
		struct slice piece = scope_piece(m);
		if (n == 0)
			*ret_innermost = piece;
		all = msvc_text(m, "%.*s::%.*s", SLICE_ARGS(piece), SLICE_ARGS(all));
	}
	return all;
}

struct slice
msvc_type_name(struct msvc *m)
{
	struct slice innermost;
	struct slice name;
	int c = msvc_peek(m);
	if (c >= '0' && c <= '9')
		name = back_reference(m);
	else if (msvc_take(m, "?$"))
		name = template_class(m);
	else
		name = simple_name(m);
	struct slice qualified = scopes(m, &innermost);
	return msvc_text(m, "%.*s%.*s", SLICE_ARGS(qualified), SLICE_ARGS(name));
}

/* The whole name, when RESULT, the type that a conversion gives, is known. */
static struct slice
name_text(struct msvc *m, const struct name *name, struct slice result)
{
	switch (name->kind) {
	case NAME_CONSTRUCTOR:
	case NAME_DESTRUCTOR:
		if (name->parent.len == 0)
			msvc_fail(m);
		return msvc_text(m, "%.*s%s%.*s%.*s", SLICE_ARGS(name->qualified),
				 name->kind == NAME_DESTRUCTOR ? "~" : "", SLICE_ARGS(name->parent),
				 SLICE_ARGS(name->text));
	case NAME_CONVERSION:
		return msvc_text(m, "%.*soperator%.*s %.*s", SLICE_ARGS(name->qualified),
				 SLICE_ARGS(name->text), SLICE_ARGS(result));
	default:
		return msvc_text(m, "%.*s%.*s", SLICE_ARGS(name->qualified),
				 SLICE_ARGS(name->text));
	}
}

/* What the letter behind a function's name says about it. */
struct function_class {
	const char *access; /* "public: " */
	const char *member; /* "static ", "virtual " */
	bool has_this;
	bool has_type;
	enum {
		ADJUST_NOT,
		ADJUST_STATIC,
		ADJUST_VIRTUAL,
		ADJUST_VIRTUAL_EX
	} adjust;
};

static const char *const accesses[] = {"private: ", "protected: ", "public: "};

static struct function_class
virtual_adjust_class(struct msvc *m)
{
	struct function_class class = {.member = "virtual ",
				       .has_this = true,
				       .has_type = true,
				       .access = "",
				       .adjust = msvc_take(m, "R") ? ADJUST_VIRTUAL_EX
								   : ADJUST_VIRTUAL};
	int c = msvc_take_byte(m);
	if (c < '0' || c > '5')
		msvc_fail(m);
	else
		class.access = accesses[(c - '0') / 2];
	return class;
}

/* A to X: three kinds of access, of each: plain, static, virtual, thunk; each near and far. */
static struct function_class
function_class(struct msvc *m)
{
	static const char *const members[] = {"", "static ", "virtual ", "virtual "};
	struct function_class class = {.access = "", .member = "", .has_type = true};
	int c = msvc_take_byte(m);
	if (c == '$')
		return virtual_adjust_class(m);
	if (c >= 'A' && c <= 'X') {
		int form = (c - 'A') % 8 / 2;
		class.access = accesses[(c - 'A') / 8];
		class.member = members[form];
		class.has_this = form != 1;
		class.adjust = form == 3 ? ADJUST_STATIC : ADJUST_NOT;
	} else if (c == '9') {
		class.member = "extern \"C\" ";
		class.has_type = false;
	} else if (c != 'Y' && c != 'Z') {
		msvc_fail(m);
	}
	return class;
}

static struct slice
adjustment(struct msvc *m, const struct function_class *class)
{
	struct slice text = SLICE_LITERAL("");
	int n = 0;
	switch (class->adjust) {
	case ADJUST_STATIC:
		text = SLICE_LITERAL("`adjustor{");
		n = 1;
		break;
	case ADJUST_VIRTUAL:
		text = SLICE_LITERAL("`vtordisp{");
		n = 2;
		break;
	case ADJUST_VIRTUAL_EX:
		text = SLICE_LITERAL("`vtordispex{");
		n = 4;
		break;
	default:
		return text;
	}
	for (int i = 0; i < n; i++) {
		int32_t number = (int32_t)msvc_number(m);
		text = msvc_text(m, "%.*s%s%" PRId32, SLICE_ARGS(text), i > 0 ? ", " : "", number);
	}
	return msvc_text(m, "%.*s}'", SLICE_ARGS(text));
}

/* What stands behind the name of a function. */
static struct slice
function_symbol(struct msvc *m, const struct name *name)
{
	const char *is_c = msvc_take(m, "$$J0") ? "extern \"C\" " : "";
	struct slice empty = SLICE_LITERAL("");
	struct function_class class = function_class(m);
	const char *thunk = class.adjust == ADJUST_NOT ? "" : "[thunk]: ";
	struct slice adjust = adjustment(m, &class);
	struct msvc_type type = {.behind = empty,
				 .before = empty,
				 .convention = empty,
				 .own = empty,
				 .result = empty};
	if (class.has_type)
		type = msvc_function_type(m, class.has_this);
	struct slice text = name_text(m, name, type.result);
	if (m->style == DEMANGLE_NAME)
		return text;
	if (m->style == DEMANGLE_CALL)
		return msvc_text(m, "%s%.*s%.*s%.*s", thunk, SLICE_ARGS(text), SLICE_ARGS(adjust),
				 SLICE_ARGS(type.own));
	struct slice before = msvc_text(m, "%s%s%s%s%.*s%.*s", thunk, class.access, class.member,
					is_c, SLICE_ARGS(type.before), SLICE_ARGS(type.convention));
	before = msvc_spaced(m, before);
	return msvc_text(m, "%.*s%.*s%.*s%.*s", SLICE_ARGS(before), SLICE_ARGS(text),
			 SLICE_ARGS(adjust), SLICE_ARGS(type.behind));
}

static struct slice
variable_symbol(struct msvc *m, const struct name *name)
{
	int c = msvc_take_byte(m);
	struct msvc_type type = msvc_type(m, MSVC_PLACE_DROP);
	unsigned qualifiers = type.kind == MSVC_POINTER ? msvc_pointer_qualifiers(m) : 0;
	unsigned own = msvc_qualifiers(m);
	/* Of a pointer the second qualifiers are its target's, which its own type told already. */
	type.qualifiers |= type.kind == MSVC_POINTER ? qualifiers : own;
	if (type.is_member_pointer)
		(void)msvc_type_name(m);
	struct slice text = name_text(m, name, SLICE_LITERAL(""));
	if (m->style != DEMANGLE_FULL)
		return text;
	const char *access = c <= '2' ? accesses[c - '0'] : "";
	struct slice before = msvc_before(m, &type);
	before = msvc_spaced(m, before);
	return msvc_text(m, "%s%s%.*s%.*s%.*s", access, c <= '2' ? "static " : "",
			 SLICE_ARGS(before), SLICE_ARGS(text), SLICE_ARGS(type.behind));
}

struct slice
msvc_scopes(struct msvc *m)
{
	struct slice innermost;
	return scopes(m, &innermost);
}

struct slice
msvc_function(struct msvc *m, struct slice name)
{
	struct name plain = {.kind = NAME_PLAIN,
			     .text = name,
			     .qualified = SLICE_LITERAL(""),
			     .parent = SLICE_LITERAL("")};
	return function_symbol(m, &plain);
}

struct slice
msvc_declaration(struct msvc *m, bool is_initializer, bool *ret_is_variable)
{
	struct name name = unqualified(m, true);
	name.qualified = scopes(m, &name.parent);
	int c = msvc_peek(m);
	struct slice text;
	*ret_is_variable = c >= '0' && c <= '4';
	if (*ret_is_variable)
		text = variable_symbol(m, &name);
	else if (is_initializer)
		/* Of an initializer the function's type is its own, not that of what it
		 * initializes. */
		text = name_text(m, &name, SLICE_LITERAL(""));
	else
		text = function_symbol(m, &name);
	m->last_name = name.text;
	return text;
}

struct slice
msvc_symbol(struct msvc *m)
{
	struct slice text = SLICE_LITERAL("");
	bool is_variable;
	if (!msvc_enter(m))
		return text;
	if (!msvc_take(m, "?"))
		msvc_fail(m);
	else if (!msvc_special(m, &text))
		text = msvc_declaration(m, false, &is_variable);
	msvc_leave(m);
	return text;
}

/* ".?AVname@@": what a type is called in its run-time type information. */
static struct slice
type_information_name(struct msvc *m)
{
	(void)msvc_take(m, ".");
	struct msvc_type type = msvc_type(m, MSVC_PLACE_RESULT);
	if (m->rest.len > 0)
		msvc_fail(m);
	struct slice text = msvc_whole(m, &type);
	return msvc_text(m, "%.*s `RTTI Type Descriptor Name'", SLICE_ARGS(text));
}

/* "??@" and a hash: the name was too long, and cannot be had back. */
static struct slice
hashed_name(struct msvc *m, struct slice name)
{
	struct slice head;
	struct slice tail;
	if (!slice_cut(slice_sub(name, 3, name.len), '@', &head, &tail))
		msvc_fail(m);
	return slice_sub(name, 0, head.len + 4);
}

bool
demangle_msvc(struct slice name, enum demangle_style style, struct buf *out)
{
	struct msvc m = {.rest = name, .style = style};
	struct slice text;
	arena_init(&m.arena, LIMIT_DEMANGLE_ARENA_BYTES);
	if (name.data[0] == '.')
		text = type_information_name(&m);
	else if (slice_starts_with(name, SLICE_LITERAL("??@")))
		text = hashed_name(&m, name);
	else
		text = msvc_symbol(&m);
	if (!m.has_failed)
		buf_append(out, text);
	arena_done(&m.arena);
	return !m.has_failed;
}
