/* Types of the Itanium C++ ABI, 5.1.5. */
#include "symbols/demangle_itanium.h"

static const struct {
	const char *code;
	const char *name;
} builtins[] = {
	{"v", "void"},
	{"w", "wchar_t"},
	{"b", "bool"},
	{"c", "char"},
	{"a", "signed char"},
	{"h", "unsigned char"},
	{"s", "short"},
	{"t", "unsigned short"},
	{"i", "int"},
	{"j", "unsigned int"},
	{"l", "long"},
	{"m", "unsigned long"},
	{"x", "long long"},
	{"y", "unsigned long long"},
	{"n", "__int128"},
	{"o", "unsigned __int128"},
	{"f", "float"},
	{"d", "double"},
	{"e", "long double"},
	{"g", "__float128"},
	{"z", "..."},
	{"Dd", "decimal64"},
	{"De", "decimal128"},
	{"Df", "decimal32"},
	{"Dh", "half"},
	{"Di", "char32_t"},
	{"Ds", "char16_t"},
	{"Du", "char8_t"},
	{"Da", "auto"},
	{"Dc", "decltype(auto)"},
	{"Dn", "decltype(nullptr)"},
};

unsigned
itanium_qualifiers(struct itanium *p)
{
	unsigned qualifiers = 0;
	if (itanium_take(p, "r"))
		qualifiers |= ITANIUM_RESTRICT;
	if (itanium_take(p, "V"))
		qualifiers |= ITANIUM_VOLATILE;
	if (itanium_take(p, "K"))
		qualifiers |= ITANIUM_CONST;
	return qualifiers;
}

struct itanium_node *
itanium_parameters(struct itanium *p)
{
	size_t from = p->n_stack;
	int next = itanium_peek(p, 1);
	bool is_reference = (next == 'R' || next == 'O') && itanium_peek(p, 2) == 'E';
	if (itanium_peek(p, 0) == 'v' &&
	    (next < 0 || strchr("E.@_", next) != NULL || is_reference)) {
		(void)itanium_take(p, "v");
		return itanium_list(p, from);
	}
	for (;;) {
		int c = itanium_peek(p, 0);
		next = itanium_peek(p, 1);
		if (c < 0 || strchr("E.@_", c) != NULL || p->has_failed ||
		    ((c == 'R' || c == 'O') && next == 'E'))
			return itanium_list(p, from);
		itanium_push(p, itanium_type(p));
	}
}

static struct itanium_node *
compound(struct itanium *p, enum itanium_kind kind, const char *sign)
{
	struct itanium_node *inner = itanium_type(p);
	struct itanium_node *node = itanium_new(p, kind);
	if (p->has_failed)
		return node;
	node->a = inner;
	node->text = slice_str(sign);
	return node;
}

/* Do, DO, Dw: what a function may throw. */
static struct itanium_node *
exceptions(struct itanium *p)
{
	if (itanium_take(p, "Do"))
		return itanium_word(p, " noexcept");
	if (itanium_take(p, "DO")) {
		struct itanium_node *condition = itanium_expression(p);
		if (!itanium_take(p, "E"))
			itanium_fail(p);
		return itanium_sequence(p, " noexcept(%)", condition);
	}
	if (itanium_take(p, "Dw")) {
		size_t from = p->n_stack;
		while (!p->has_failed && !itanium_take(p, "E"))
			itanium_push(p, itanium_type(p));
		return itanium_sequence(p, " throw(%)", itanium_list(p, from));
	}
	return itanium_take(p, "Dx") ? itanium_word(p, " transaction_safe") : NULL;
}

static struct itanium_node *
function_type(struct itanium *p, unsigned qualifiers)
{
	struct itanium_node *throws = exceptions(p);
	if (!itanium_take(p, "F"))
		itanium_fail(p);
	(void)itanium_take(p, "Y"); /* extern "C" */
	struct itanium_node *result = itanium_type(p);
	struct itanium_node *parameters = itanium_parameters(p);
	if (itanium_take(p, "R"))
		qualifiers |= ITANIUM_LVALUE;
	else if (itanium_take(p, "O"))
		qualifiers |= ITANIUM_RVALUE;
	if (!itanium_take(p, "E"))
		itanium_fail(p);
	struct itanium_node *node = itanium_new(p, ITANIUM_FUNCTION);
	if (p->has_failed)
		return node;
	node->a = result;
	node->b = parameters;
	node->c = throws;
	node->qualifiers = qualifiers;
	return node;
}

static bool
is_function(const struct itanium *p)
{
	int next = itanium_peek(p, 1);
	return itanium_peek(p, 0) == 'F' ||
	       (itanium_peek(p, 0) == 'D' &&
		(next == 'o' || next == 'O' || next == 'w' || next == 'x'));
}

static struct itanium_node *
qualified_type(struct itanium *p)
{
	unsigned qualifiers = itanium_qualifiers(p);
	if (is_function(p))
		return function_type(p, qualifiers);
	struct itanium_node *inner = itanium_type(p);
	struct itanium_node *node = itanium_new(p, ITANIUM_QUALIFIED);
	if (p->has_failed)
		return node;
	node->a = inner;
	node->qualifiers = qualifiers;
	return node;
}

static struct itanium_node *
digits(struct itanium *p)
{
	size_t n = 0;
	while (itanium_peek(p, n) >= '0' && itanium_peek(p, n) <= '9')
		n++;
	struct slice text = slice_sub(p->rest, 0, n);
	p->rest = slice_sub(p->rest, n, p->rest.len);
	return itanium_text(p, text);
}

static struct itanium_node *
array_type(struct itanium *p)
{
	struct itanium_node *bound = NULL;
	int c = itanium_peek(p, 0);
	if (c >= '0' && c <= '9')
		bound = digits(p);
	else if (c != '_')
		bound = itanium_expression(p);
	if (!itanium_take(p, "_"))
		itanium_fail(p);
	struct itanium_node *element = itanium_type(p);
	struct itanium_node *node = itanium_new(p, ITANIUM_ARRAY);
	if (p->has_failed)
		return node;
	node->a = element;
	node->b = bound;
	return node;
}

static struct itanium_node *
member_type(struct itanium *p)
{
	struct itanium_node *class = itanium_type(p);
	struct itanium_node *member = itanium_type(p);
	struct itanium_node *node = itanium_new(p, ITANIUM_MEMBER);
	if (p->has_failed)
		return node;
	node->a = class;
	node->b = member;
	return node;
}

/* Dv: "Dv4_f", or with an expression for the size. */
static struct itanium_node *
vector_type(struct itanium *p)
{
	struct itanium_node *size;
	int c = itanium_peek(p, 0);
	if (c >= '0' && c <= '9') {
		size = digits(p);
	} else {
		(void)itanium_take(p, "_");
		size = itanium_expression(p);
	}
	if (!itanium_take(p, "_"))
		itanium_fail(p);
	return itanium_sequence(p, "% __vector(%)", itanium_type(p), size);
}

struct itanium_node *
itanium_decltype(struct itanium *p)
{
	if (!itanium_take(p, "Dt") && !itanium_take(p, "DT"))
		itanium_fail(p);
	struct itanium_node *expression = itanium_expression(p);
	if (!itanium_take(p, "E"))
		itanium_fail(p);
	return itanium_sequence(p, "decltype (%)", expression);
}

static struct itanium_node *
pack_expansion(struct itanium *p)
{
	struct itanium_node *pattern = itanium_type(p);
	struct itanium_node *node = itanium_new(p, ITANIUM_EXPANSION);
	if (!p->has_failed)
		node->a = pattern;
	return node;
}

/* DF: "DF16_", "DF32x", "DF16b". */
static struct itanium_node *
float_type(struct itanium *p)
{
	struct itanium_node *bits = digits(p);
	if (itanium_take(p, "_"))
		return itanium_sequence(p, "_Float%", bits);
	if (itanium_take(p, "b"))
		return itanium_sequence(p, "std::bfloat%_t", bits);
	if (itanium_take(p, "x"))
		return itanium_sequence(p, "_Float%x", bits);
	itanium_fail(p);
	return bits;
}

/* Those that begin with a D and are no built-in type. */
static struct itanium_node *
d_type(struct itanium *p)
{
	if (is_function(p))
		return function_type(p, 0);
	if (itanium_peek(p, 1) == 't' || itanium_peek(p, 1) == 'T')
		return itanium_decltype(p);
	if (itanium_take(p, "Dp"))
		return pack_expansion(p);
	if (itanium_take(p, "Dv"))
		return vector_type(p);
	if (itanium_take(p, "DF"))
		return float_type(p);
	itanium_fail(p);
	return itanium_word(p, "");
}

/* A name that may be a template, whose arguments follow. */
static struct itanium_node *
with_arguments(struct itanium *p, struct itanium_node *name)
{
	struct itanium_node *arguments = itanium_arguments(p, false);
	struct itanium_node *node = itanium_new(p, ITANIUM_TEMPLATE);
	if (p->has_failed)
		return node;
	node->a = name;
	node->b = arguments;
	return node;
}

static struct itanium_node *
parameter_type(struct itanium *p)
{
	int next = itanium_peek(p, 1);
	if (next == 's' || next == 'u' || next == 'e') { /* "struct X", where X alone is unclear */
		p->rest = slice_sub(p->rest, 2, p->rest.len);
		return itanium_name(p, NULL);
	}
	struct itanium_node *parameter = itanium_parameter(p);
	if (itanium_peek(p, 0) != 'I' || p->no_template_arguments)
		return parameter;
	itanium_substitute(p, parameter);
	return with_arguments(p, parameter);
}

/* U: a qualifier of a vendor's, which c++filt writes behind the type. */
static struct itanium_node *
vendor_qualified(struct itanium *p)
{
	struct itanium_node *name = itanium_source_name(p);
	if (itanium_peek(p, 0) == 'I')
		name = with_arguments(p, name);
	return itanium_sequence(p, "% %", itanium_type(p), name);
}

/* *RET_IS_NEW: substitutions may refer to it. */
static struct itanium_node *
type_by_letter(struct itanium *p, bool *ret_is_new)
{
	int c = itanium_peek(p, 0);
	int next = itanium_peek(p, 1);
	*ret_is_new = true;
	if (c == 'S' && next != 't') {
		struct itanium_node *node = itanium_substitution(p);
		*ret_is_new = itanium_peek(p, 0) == 'I' && !p->no_template_arguments;
		return *ret_is_new ? with_arguments(p, node) : node;
	}
	if (c >= '0' && c <= '9')
		return itanium_name(p, NULL);
	switch (c) {
	case 'r':
	case 'V':
	case 'K':
		return qualified_type(p);
	case 'F':
		return function_type(p, 0);
	case 'D':
		return d_type(p);
	case 'T':
		return parameter_type(p);
	case 'N':
	case 'Z':
	case 'S':
		return itanium_name(p, NULL);
	default:
		break;
	}
	p->rest = slice_sub(p->rest, 1, p->rest.len);
	switch (c) {
	case 'P':
		return compound(p, ITANIUM_POINTER, "*");
	case 'R':
		return compound(p, ITANIUM_REFERENCE, "&");
	case 'O':
		return compound(p, ITANIUM_REFERENCE, "&&");
	case 'C':
		return itanium_sequence(p, "% _Complex", itanium_type(p));
	case 'G':
		return itanium_sequence(p, "% _Imaginary", itanium_type(p));
	case 'A':
		return array_type(p);
	case 'M':
		return member_type(p);
	case 'U':
		return vendor_qualified(p);
	case 'u':
		return itanium_source_name(p);
	default:
		itanium_fail(p);
		return itanium_word(p, "");
	}
}

static struct itanium_node *
builtin_type(struct itanium *p)
{
	int c = itanium_peek(p, 0);
	if (c < 'D' || (c > 'D' && c < 'a'))
		return NULL;
	for (size_t i = 0; i < sizeof(builtins) / sizeof(builtins[0]); i++)
		if (itanium_take(p, builtins[i].code))
			return itanium_word(p, builtins[i].name);
	return NULL;
}

struct itanium_node *
itanium_type(struct itanium *p)
{
	bool is_new;
	if (!itanium_enter(p))
		return itanium_word(p, "");
	struct itanium_node *node = builtin_type(p);
	if (node == NULL) {
		node = type_by_letter(p, &is_new);
		if (is_new)
			itanium_substitute(p, node);
	}
	itanium_leave(p);
	return node;
}
