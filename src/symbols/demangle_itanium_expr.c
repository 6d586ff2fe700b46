/* Expressions in names: arguments of templates, decltype, sizes of arrays.  They are written as
 * c++filt does, with brackets round all that is not a plain name. */
#include "symbols/demangle_itanium.h"

enum operator_form {
	FORM_NAME,    /* as a name alone, or with a form of its own */
	FORM_PREFIX,  /* one operand behind it */
	FORM_POSTFIX, /* one operand before it, or behind it after a "_" */
	FORM_BINARY,
	FORM_TYPE /* one operand, which is a type */
};

static const struct op {
	const char *code;
	const char *name;
	enum operator_form form;
} operators[] = {
	{"nw", "new", FORM_NAME},        {"na", "new[]", FORM_NAME},
	{"dl", "delete ", FORM_PREFIX},  {"da", "delete[] ", FORM_PREFIX},
	{"aw", "co_await ", FORM_NAME},  {"ps", "+", FORM_PREFIX},
	{"ng", "-", FORM_PREFIX},        {"ad", "&", FORM_PREFIX},
	{"de", "*", FORM_PREFIX},        {"co", "~", FORM_PREFIX},
	{"nt", "!", FORM_PREFIX},        {"pl", "+", FORM_BINARY},
	{"mi", "-", FORM_BINARY},        {"ml", "*", FORM_BINARY},
	{"dv", "/", FORM_BINARY},        {"rm", "%", FORM_BINARY},
	{"an", "&", FORM_BINARY},        {"or", "|", FORM_BINARY},
	{"eo", "^", FORM_BINARY},        {"aS", "=", FORM_BINARY},
	{"pL", "+=", FORM_BINARY},       {"mI", "-=", FORM_BINARY},
	{"mL", "*=", FORM_BINARY},       {"dV", "/=", FORM_BINARY},
	{"rM", "%=", FORM_BINARY},       {"aN", "&=", FORM_BINARY},
	{"oR", "|=", FORM_BINARY},       {"eO", "^=", FORM_BINARY},
	{"ls", "<<", FORM_BINARY},       {"rs", ">>", FORM_BINARY},
	{"lS", "<<=", FORM_BINARY},      {"rS", ">>=", FORM_BINARY},
	{"eq", "==", FORM_BINARY},       {"ne", "!=", FORM_BINARY},
	{"lt", "<", FORM_BINARY},        {"gt", ">", FORM_BINARY},
	{"le", "<=", FORM_BINARY},       {"ge", ">=", FORM_BINARY},
	{"ss", "<=>", FORM_BINARY},      {"aa", "&&", FORM_BINARY},
	{"oo", "||", FORM_BINARY},       {"pp", "++", FORM_POSTFIX},
	{"mm", "--", FORM_POSTFIX},      {"cm", ",", FORM_BINARY},
	{"pm", "->*", FORM_BINARY},      {"pt", "->", FORM_BINARY},
	{"dt", ".", FORM_BINARY},        {"ds", ".*", FORM_BINARY},
	{"cl", "()", FORM_NAME},         {"ix", "[]", FORM_NAME},
	{"qu", "?", FORM_NAME},          {"st", "sizeof ", FORM_TYPE},
	{"sz", "sizeof ", FORM_PREFIX},  {"at", "alignof ", FORM_TYPE},
	{"az", "alignof ", FORM_PREFIX}, {"ti", "typeid ", FORM_TYPE},
	{"te", "typeid ", FORM_PREFIX},  {"nx", "noexcept", FORM_PREFIX},
	{"tw", "throw ", FORM_PREFIX},
};

/* Those that only expressions have: no function is called so. */
static bool
is_function_name(const struct op *op)
{
	static const char *const others[] = {"st", "sz", "at", "az", "ti", "te", "nx", "tw", "dt"};
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (slice_equal_str(slice_str(op->code), others[i]))
			return false;
	return true;
}

static const struct op *
find_operator(const struct itanium *p)
{
	for (size_t i = 0; i < sizeof(operators) / sizeof(operators[0]); i++)
		if (slice_starts_with(p->rest, slice_str(operators[i].code)))
			return &operators[i];
	return NULL;
}

/* cv: the type may use arguments of the template, which follow. */
static struct itanium_node *
conversion_name(struct itanium *p, struct itanium_name *name)
{
	bool may_forward = p->may_forward;
	bool no_arguments = p->no_template_arguments;
	p->may_forward = may_forward || name != NULL;
	p->no_template_arguments = true;
	struct itanium_node *type = itanium_type(p);
	p->may_forward = may_forward;
	p->no_template_arguments = no_arguments;
	if (name != NULL)
		name->has_no_result = true;
	return itanium_sequence(p, "operator %", type);
}

struct itanium_node *
itanium_operator_name(struct itanium *p, struct itanium_name *name)
{
	if (itanium_take(p, "cv"))
		return conversion_name(p, name);
	if (itanium_take(p, "li"))
		return itanium_sequence(p, "operator\"\" %", itanium_source_name(p));
	const struct op *op = find_operator(p);
	if (op == NULL || !is_function_name(op))
		return NULL;
	(void)itanium_take(p, op->code);
	uint8_t first = (uint8_t)op->name[0];
	struct itanium_node *word = itanium_text(p, slice_trim(slice_str(op->name)));
	return itanium_sequence(p, first >= 'a' && first <= 'z' ? "operator %" : "operator%", word);
}

static struct itanium_node *
simple(struct itanium *p, struct itanium_node *node)
{
	if (!p->has_failed)
		node->is_simple = true;
	return node;
}

static struct itanium_node *
bracketed(struct itanium *p, struct itanium_node *node)
{
	return node->is_simple ? node : itanium_sequence(p, "(%)", node);
}

/* Expressions up to an E. */
static struct itanium_node *
expressions(struct itanium *p)
{
	size_t from = p->n_stack;
	while (!p->has_failed && !itanium_take(p, "E"))
		itanium_push(p, itanium_expression(p));
	return itanium_list(p, from);
}

static struct itanium_node *
until_e(struct itanium *p)
{
	struct slice value;
	struct slice tail;
	if (!slice_cut(p->rest, 'E', &value, &tail)) {
		itanium_fail(p);
		return itanium_word(p, "");
	}
	p->rest = tail;
	return itanium_text(p, value);
}

/* Whole numbers: as C++ would write them. */
static const struct {
	const char *code;
	const char *suffix;
} integers[] = {{"i", ""}, {"j", "u"}, {"l", "l"}, {"m", "ul"}, {"x", "ll"}, {"y", "ull"}};

struct itanium_node *
itanium_literal(struct itanium *p)
{
	(void)itanium_take(p, "L");
	(void)itanium_take(p, "_"); /* older compilers write L_Z */
	if (itanium_take(p, "Z")) {
		struct itanium_node *node = itanium_encoding(p);
		if (!itanium_take(p, "E"))
			itanium_fail(p);
		return node;
	}
	if (itanium_take(p, "b0E"))
		return itanium_word(p, "false");
	if (itanium_take(p, "b1E"))
		return itanium_word(p, "true");
	for (size_t i = 0; i < sizeof(integers) / sizeof(integers[0]); i++) {
		if (!itanium_take(p, integers[i].code))
			continue;
		bool is_negative = itanium_take(p, "n");
		return itanium_sequence(p, is_negative ? "-%%" : "%%", until_e(p),
					itanium_word(p, integers[i].suffix));
	}
	struct itanium_node *type = itanium_type(p);
	if (itanium_take(p, "E"))
		return itanium_sequence(p, "(%)", type);
	bool is_negative = itanium_take(p, "n");
	int c = itanium_peek(p, 0);
	bool is_hex = (c >= 'a' && c <= 'f') || p->rest.len > 8;
	struct itanium_node *value = until_e(p);
	/* Floating numbers are the bytes in hex, which c++filt puts in square brackets. */
	bool is_float = slice_equal_str(type->text, "float") ||
			slice_equal_str(type->text, "double") ||
			slice_equal_str(type->text, "long double");
	if (is_float && is_hex)
		return itanium_sequence(p, "(%)[%]", type, value);
	return itanium_sequence(p, is_negative ? "(%)-%" : "(%)%", type, value);
}

/* fp_, fp0_, fL0p_, fpT: parameters of the function whose type this is in. */
static struct itanium_node *
function_parameter(struct itanium *p)
{
	if (itanium_take(p, "fpT"))
		return simple(p, itanium_word(p, "this"));
	if (itanium_take(p, "fL")) {
		uint64_t level;
		if (!itanium_number(p, &level) || !itanium_take(p, "p"))
			itanium_fail(p);
	} else {
		(void)itanium_take(p, "fp");
	}
	(void)itanium_qualifiers(p);
	uint64_t number = itanium_sequence_number(p, 10);
	char *text = arena_printf(&p->arena, "{parm#%ju}", (uintmax_t)number + 1);
	if (text == NULL)
		itanium_fail(p);
	return simple(p, itanium_word(p, text == NULL ? "" : text));
}

/* fl, fr, fL, fR: folds over a pack. */
static struct itanium_node *
fold(struct itanium *p)
{
	int form = itanium_peek(p, 1);
	p->rest = slice_sub(p->rest, 2, p->rest.len);
	const struct op *op = find_operator(p);
	if (op == NULL) {
		itanium_fail(p);
		return itanium_word(p, "");
	}
	(void)itanium_take(p, op->code);
	struct itanium_node *name = itanium_word(p, op->name);
	struct itanium_node *first = bracketed(p, itanium_expression(p));
	if (form == 'l')
		return itanium_sequence(p, "(...%%)", name, first);
	if (form == 'r')
		return itanium_sequence(p, "(%%...)", first, name);
	struct itanium_node *second = bracketed(p, itanium_expression(p));
	return itanium_sequence(p, "(%%...%%)", first, name, name, second);
}

static struct itanium_node *
with_arguments(struct itanium *p, struct itanium_node *name)
{
	if (itanium_peek(p, 0) != 'I')
		return name;
	struct itanium_node *arguments = itanium_arguments(p, false);
	struct itanium_node *node = itanium_new(p, ITANIUM_TEMPLATE);
	if (p->has_failed)
		return node;
	node->a = name;
	node->b = arguments;
	return node;
}

/* The last part of a name that is not resolved: x, x<int>, ~x, operator+. */
static struct itanium_node *
base_name(struct itanium *p)
{
	if (itanium_take(p, "dn")) {
		int c = itanium_peek(p, 0);
		return itanium_sequence(p, "~%",
					c >= '0' && c <= '9'
						? with_arguments(p, itanium_source_name(p))
						: itanium_type(p));
	}
	if (itanium_take(p, "on")) {
		struct itanium_node *name = itanium_operator_name(p, NULL);
		if (name == NULL) {
			itanium_fail(p);
			name = itanium_word(p, "");
		}
		return with_arguments(p, name);
	}
	struct itanium_name info = {0};
	return with_arguments(p, itanium_unqualified(p, &info));
}

static struct itanium_node *
qualify(struct itanium *p, struct itanium_node *outer, struct itanium_node *inner)
{
	struct itanium_node *node = itanium_new(p, ITANIUM_NESTED);
	if (p->has_failed)
		return node;
	node->a = outer;
	node->b = inner;
	node->is_simple = true;
	return node;
}

/* Names up to an E, then the last one. */
static struct itanium_node *
levels(struct itanium *p, struct itanium_node *outer)
{
	while (!p->has_failed && !itanium_take(p, "E")) {
		struct itanium_node *level = with_arguments(p, itanium_source_name(p));
		outer = outer == NULL ? level : qualify(p, outer, level);
	}
	if (outer == NULL)
		itanium_fail(p);
	return p->has_failed ? itanium_word(p, "") : qualify(p, outer, base_name(p));
}

/* sr: a name in something that is known only when the template is used.  Clang writes levels that
 * end with an E, gcc a type; what begins with a digit may be either, and is tried as both. */
static struct itanium_node *
scoped_name(struct itanium *p)
{
	if (itanium_take(p, "N"))
		return levels(p, itanium_type(p));
	int c = itanium_peek(p, 0);
	if (c >= '0' && c <= '9' && p->steps < LIMIT_DEMANGLE_STEPS / 2) {
		struct itanium before = *p;
		/* Each try may hold another: their cost would double with the depth. */
		p->steps += (unsigned)p->rest.len;
		struct itanium_node *node = levels(p, NULL);
		if (!p->has_failed)
			return node;
		p->has_failed = false;
		p->rest = before.rest;
		p->depth = before.depth;
		p->n_stack = before.n_stack;
		p->n_substitutions = before.n_substitutions;
	}
	struct itanium_node *type = itanium_type(p);
	return qualify(p, type, base_name(p));
}

static struct itanium_node *
cast(struct itanium *p)
{
	struct itanium_node *type = itanium_type(p);
	if (itanium_take(p, "_"))
		return itanium_sequence(p, "(%)(%)", type, expressions(p));
	return itanium_sequence(p, "(%)%", type, bracketed(p, itanium_expression(p)));
}

static struct itanium_node *
named_cast(struct itanium *p, const char *format)
{
	struct itanium_node *type = itanium_type(p);
	return itanium_sequence(p, format, type, itanium_expression(p));
}

static struct itanium_node *
call(struct itanium *p)
{
	struct itanium_node *function = itanium_expression(p);
	if (!p->has_failed && function->kind == ITANIUM_ENCODING)
		function = function->a;
	function = bracketed(p, function);
	return itanium_sequence(p, "%(%)", function, expressions(p));
}

/* nw, na: arguments of placement, "_", type, then E or pi with arguments. */
static struct itanium_node *
new_expression(struct itanium *p, const char *format, const char *with_placement)
{
	size_t from = p->n_stack;
	while (!p->has_failed && !itanium_take(p, "_"))
		itanium_push(p, itanium_expression(p));
	struct itanium_node *placement = itanium_list(p, from);
	struct itanium_node *type = itanium_type(p);
	struct itanium_node *initializer = itanium_word(p, "");
	if (itanium_take(p, "pi"))
		initializer = itanium_sequence(p, "(%)", expressions(p));
	else if (!itanium_take(p, "E"))
		itanium_fail(p);
	if (placement->n_items > 0)
		return itanium_sequence(p, with_placement, placement, type, initializer);
	return itanium_sequence(p, format, type, initializer);
}

static struct itanium_node *
pack_size(struct itanium *p)
{
	bool is_type = itanium_peek(p, 0) == 'T';
	struct itanium_node *pack = is_type ? itanium_parameter(p) : function_parameter(p);
	struct itanium_node *node = itanium_new(p, ITANIUM_COUNT);
	if (!p->has_failed)
		node->a = pack;
	return node;
}

static struct itanium_node *
expansion(struct itanium *p)
{
	struct itanium_node *pattern = itanium_expression(p);
	struct itanium_node *node = itanium_new(p, ITANIUM_EXPANSION);
	if (!p->has_failed)
		node->a = pattern;
	return node;
}

/* Forms that are not made of one operator and its operands.  NULL: it is none of them. */
static struct itanium_node *
special_form(struct itanium *p)
{
	if (itanium_take(p, "sr"))
		return scoped_name(p);
	if (itanium_take(p, "cl"))
		return call(p);
	if (itanium_take(p, "cv"))
		return cast(p);
	if (itanium_take(p, "dc"))
		return named_cast(p, "dynamic_cast<%>(%)");
	if (itanium_take(p, "sc"))
		return named_cast(p, "static_cast<%>(%)");
	if (itanium_take(p, "cc"))
		return named_cast(p, "const_cast<%>(%)");
	if (itanium_take(p, "rc"))
		return named_cast(p, "reinterpret_cast<%>(%)");
	if (itanium_take(p, "tl")) {
		struct itanium_node *type = itanium_type(p);
		return simple(p, itanium_sequence(p, "%{%}", type, expressions(p)));
	}
	if (itanium_take(p, "il"))
		return simple(p, itanium_sequence(p, "{%}", expressions(p)));
	if (itanium_take(p, "nw"))
		return new_expression(p, "new %%", "new (%) %%");
	if (itanium_take(p, "na"))
		return new_expression(p, "new[] %%", "new[] (%) %%");
	if (itanium_take(p, "tr"))
		return itanium_word(p, "throw");
	if (itanium_take(p, "sp"))
		return expansion(p);
	return itanium_take(p, "sZ") ? pack_size(p) : NULL;
}

static struct itanium_node *
three_operands(struct itanium *p)
{
	struct itanium_node *condition = bracketed(p, itanium_expression(p));
	struct itanium_node *yes = bracketed(p, itanium_expression(p));
	struct itanium_node *no = bracketed(p, itanium_expression(p));
	return itanium_sequence(p, "%?% : %", condition, yes, no);
}

static struct itanium_node *
prefix(struct itanium *p, const struct op *op)
{
	struct itanium_node *name = itanium_word(p, op->name);
	struct itanium_node *operand = itanium_expression(p);
	if (slice_equal_str(slice_str(op->code), "nx"))
		return itanium_sequence(p, "noexcept (%)", operand);
	/* The address of a function: its arguments tell nothing here. */
	if (!p->has_failed && slice_equal_str(slice_str(op->code), "ad") &&
	    operand->kind == ITANIUM_ENCODING && operand->a->kind == ITANIUM_NESTED)
		operand = operand->a;
	return itanium_sequence(p, "%%", name, bracketed(p, operand));
}

static struct itanium_node *
binary(struct itanium *p, const struct op *op)
{
	struct itanium_node *name = itanium_word(p, op->name);
	struct itanium_node *left = bracketed(p, itanium_expression(p));
	struct itanium_node *right = bracketed(p, itanium_expression(p));
	/* A ">" must not be taken for the end of a list of arguments. */
	bool is_greater = slice_equal_str(slice_str(op->name), ">");
	return itanium_sequence(p, is_greater ? "(%%%)" : "%%%", left, name, right);
}

static struct itanium_node *
operation(struct itanium *p)
{
	const struct op *op = find_operator(p);
	if (op == NULL)
		return base_name(p);
	(void)itanium_take(p, op->code);
	struct itanium_node *name = itanium_word(p, op->name);
	struct slice code = slice_str(op->code);
	if (slice_equal_str(code, "ix")) {
		struct itanium_node *array = bracketed(p, itanium_expression(p));
		return itanium_sequence(p, "%[%]", array, itanium_expression(p));
	}
	if (slice_equal_str(code, "qu"))
		return three_operands(p);
	switch (op->form) {
	case FORM_TYPE:
		return itanium_sequence(p, "%(%)", name, itanium_type(p));
	case FORM_PREFIX:
		return prefix(p, op);
	case FORM_POSTFIX:
		if (itanium_take(p, "_"))
			return prefix(p, op);
		return itanium_sequence(p, "%%", bracketed(p, itanium_expression(p)), name);
	case FORM_BINARY:
		return binary(p, op);
	default:
		itanium_fail(p);
		return name;
	}
}

static struct itanium_node *
primary(struct itanium *p)
{
	int c = itanium_peek(p, 0);
	int next = itanium_peek(p, 1);
	if (c == 'L')
		return itanium_literal(p);
	if (c == 'T')
		return itanium_parameter(p);
	if (c == 'f' && (next == 'p' ||
			 (next == 'L' && itanium_peek(p, 2) >= '0' && itanium_peek(p, 2) <= '9')))
		return function_parameter(p);
	if (c == 'f' && (next == 'l' || next == 'r' || next == 'L' || next == 'R'))
		return fold(p);
	if (itanium_take(p, "gs"))
		return itanium_sequence(p, "::%", itanium_expression(p));
	struct itanium_node *node = special_form(p);
	return node != NULL ? node : operation(p);
}

struct itanium_node *
itanium_expression(struct itanium *p)
{
	if (!itanium_enter(p))
		return itanium_word(p, "");
	struct itanium_node *node = primary(p);
	itanium_leave(p);
	return node;
}
