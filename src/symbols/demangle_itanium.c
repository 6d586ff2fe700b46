/* Encodings and names.  What is printed follows c++filt, which people know. */
#include "symbols/demangle_itanium.h"

#include <stdlib.h>

struct itanium_node *
itanium_source_name(struct itanium *p)
{
	uint64_t len;
	if (!itanium_number(p, &len) || len == 0 || len > p->rest.len) {
		itanium_fail(p);
		return itanium_word(p, "");
	}
	struct slice name = slice_sub(p->rest, 0, (size_t)len);
	p->rest = slice_sub(p->rest, (size_t)len, p->rest.len);
	/* "_GLOBAL_", a separator that assemblers take, and "N". */
	if (len >= 10 && slice_starts_with(name, SLICE_LITERAL("_GLOBAL_")) &&
	    name.data[9] == 'N' && memchr("._$", name.data[8], 3) != NULL)
		name = SLICE_LITERAL("(anonymous namespace)");
	struct itanium_node *node = itanium_text(p, name);
	if (!p->has_failed)
		node->is_simple = true;
	return node;
}

struct itanium_node *
itanium_abi_tags(struct itanium *p, struct itanium_node *name)
{
	while (!p->has_failed && itanium_take(p, "B"))
		name = itanium_sequence(p, "%[abi:%]", name, itanium_source_name(p));
	return name;
}

static struct itanium_node *
text_printf(struct itanium *p, const char *format, uint64_t number)
{
	char *text = arena_printf(&p->arena, format, (uintmax_t)number);
	if (text == NULL) {
		itanium_fail(p);
		return itanium_word(p, "");
	}
	return itanium_word(p, text);
}

/* Ut, Ul: types that have no name. */
static struct itanium_node *
unnamed_type(struct itanium *p)
{
	if (itanium_take(p, "Ut")) {
		uint64_t number = itanium_sequence_number(p, 10);
		return text_printf(p, "{unnamed type#%ju}", number + 1);
	}
	if (!itanium_take(p, "Ul")) {
		itanium_fail(p);
		return itanium_word(p, "");
	}
	p->in_lambda++;
	struct itanium_node *parameters = itanium_parameters(p);
	p->in_lambda--;
	if (!itanium_take(p, "E"))
		itanium_fail(p);
	uint64_t number = itanium_sequence_number(p, 10);
	return itanium_sequence(p, "{lambda(%)#%}", parameters, text_printf(p, "%ju", number + 1));
}

struct itanium_node *
itanium_unqualified(struct itanium *p, struct itanium_name *name)
{
	struct itanium_node *node = NULL;
	(void)itanium_take(p, "L"); /* of internal linkage */
	int c = itanium_peek(p, 0);
	if (c >= '0' && c <= '9') {
		node = itanium_source_name(p);
	} else if (c == 'U') {
		node = unnamed_type(p);
	} else if (itanium_take(p, "DC")) {
		size_t from = p->n_stack;
		while (!p->has_failed && !itanium_take(p, "E"))
			itanium_push(p, itanium_source_name(p));
		node = itanium_sequence(p, "[%]", itanium_list(p, from));
	} else {
		node = itanium_operator_name(p, name);
	}
	if (node == NULL) {
		itanium_fail(p);
		return itanium_word(p, "");
	}
	return itanium_abi_tags(p, node);
}

static const struct {
	char code;
	const char *shorthand;
	const char *full;
	const char *base;
} abbreviations[] = {
	{'t', "std", "std", "std"},
	{'a', "std::allocator", "std::allocator", "allocator"},
	{'b', "std::basic_string", "std::basic_string", "basic_string"},
	{'s', "std::string",
	 "std::basic_string<char, std::char_traits<char>, std::allocator<char> >", "basic_string"},
	{'i', "std::istream", "std::basic_istream<char, std::char_traits<char> >", "basic_istream"},
	{'o', "std::ostream", "std::basic_ostream<char, std::char_traits<char> >", "basic_ostream"},
	{'d', "std::iostream", "std::basic_iostream<char, std::char_traits<char> >",
	 "basic_iostream"},
};

/* Before a constructor or destructor the whole name of the class is written. */
static struct itanium_node *
abbreviation(struct itanium *p)
{
	for (size_t i = 0; i < sizeof(abbreviations) / sizeof(abbreviations[0]); i++) {
		if (itanium_peek(p, 0) != abbreviations[i].code)
			continue;
		p->rest = slice_sub(p->rest, 1, p->rest.len);
		int next = itanium_peek(p, 0);
		struct itanium_node *node =
			itanium_word(p, next == 'C' || next == 'D' ? abbreviations[i].full
								   : abbreviations[i].shorthand);
		if (!p->has_failed) {
			node->base = slice_str(abbreviations[i].base);
			node->is_simple = true;
		}
		struct itanium_node *tagged = itanium_abi_tags(p, node);
		if (tagged != node)
			itanium_substitute(p, tagged);
		return tagged;
	}
	return NULL;
}

static bool
has_argument(const struct itanium *p, uint64_t number)
{
	return number < p->n_arguments - p->first_argument;
}

/* What T_ means depends on where it stands; in the parameters of a lambda they are its own. */
static struct itanium_node *
parameter_here(struct itanium *p, uint64_t number)
{
	struct itanium_node *node = itanium_new(p, ITANIUM_PARAMETER);
	struct itanium_node *argument = NULL;
	if (p->in_lambda > 0)
		argument = text_printf(p, "auto:%ju", number + 1);
	else if (has_argument(p, number))
		argument = p->arguments[p->first_argument + number];
	if (p->has_failed)
		return node;
	node->number = number;
	node->a = argument;
	if (argument == NULL && p->may_forward && p->n_forward < p->max) {
		p->forward[p->n_forward] = node;
		p->forward_numbers[p->n_forward++] = (size_t)number;
	} else if (argument == NULL) {
		itanium_fail(p);
	}
	return node;
}

/* T_, T0_ ... */
struct itanium_node *
itanium_parameter(struct itanium *p)
{
	(void)itanium_take(p, "T");
	if (itanium_take(p, "L")) /* of an outer template: the level does not matter here */
		(void)itanium_sequence_number(p, 10);
	return parameter_here(p, itanium_sequence_number(p, 10));
}

/* S_, S0_ ..., Sa, Ss ... */
struct itanium_node *
itanium_substitution(struct itanium *p)
{
	(void)itanium_take(p, "S");
	struct itanium_node *node = abbreviation(p);
	if (node != NULL)
		return node;
	uint64_t number = itanium_sequence_number(p, 36);
	if (number >= p->n_substitutions) {
		itanium_fail(p);
		return itanium_word(p, "");
	}
	/* A parameter means what it does here, not where it was written first. */
	node = p->substitutions[number];
	if (node->kind == ITANIUM_PARAMETER && (p->in_lambda > 0 || has_argument(p, node->number)))
		return parameter_here(p, node->number);
	return node;
}

static struct itanium_node *
argument(struct itanium *p)
{
	struct itanium_node *node;
	if (!itanium_enter(p))
		return itanium_word(p, "");
	if (itanium_take(p, "X")) {
		node = itanium_expression(p);
		if (!itanium_take(p, "E"))
			itanium_fail(p);
	} else if (itanium_take(p, "J") || itanium_peek(p, 0) == 'I') {
		(void)itanium_take(p, "I");
		size_t from = p->n_stack;
		while (!p->has_failed && !itanium_take(p, "E"))
			itanium_push(p, argument(p));
		node = itanium_list(p, from);
		if (!p->has_failed)
			node->is_pack = true;
	} else if (itanium_peek(p, 0) == 'L') {
		node = itanium_literal(p);
	} else {
		node = itanium_type(p);
	}
	itanium_leave(p);
	return node;
}

static void
tag(struct itanium *p, struct itanium_node *node)
{
	if (p->n_arguments >= p->max)
		itanium_fail(p);
	else
		p->arguments[p->n_arguments++] = node;
}

struct itanium_node *
itanium_arguments(struct itanium *p, bool is_tagged)
{
	size_t from = p->n_stack;
	if (!itanium_take(p, "I") && !itanium_take(p, "J"))
		itanium_fail(p);
	if (is_tagged)
		p->n_arguments = p->first_argument;
	bool no_arguments = p->no_template_arguments;
	p->no_template_arguments = false;
	while (!p->has_failed && !itanium_take(p, "E")) {
		struct itanium_node *node = argument(p);
		itanium_push(p, node);
		if (is_tagged)
			tag(p, node);
	}
	p->no_template_arguments = no_arguments;
	return itanium_list(p, from);
}

static struct itanium_node *
with_arguments(struct itanium *p, struct itanium_node *name, struct itanium_name *info)
{
	struct itanium_node *node = itanium_new(p, ITANIUM_TEMPLATE);
	struct itanium_node *arguments = itanium_arguments(p, info != NULL);
	if (p->has_failed)
		return node;
	node->a = name;
	node->b = arguments;
	if (info != NULL)
		info->ends_with_arguments = true;
	return node;
}

static struct itanium_node *
nest(struct itanium *p, struct itanium_node *outer, struct itanium_node *inner)
{
	if (outer == NULL)
		return inner;
	struct itanium_node *node = itanium_new(p, ITANIUM_NESTED);
	if (p->has_failed)
		return node;
	node->a = outer;
	node->b = inner;
	node->is_simple = true;
	return node;
}

/* C1, C2, D0 ...: constructors and destructors, of which compilers make several. */
static struct itanium_node *
structor(struct itanium *p, struct itanium_node *class, struct itanium_name *info)
{
	struct itanium_node *node = itanium_new(p, ITANIUM_STRUCTOR);
	bool is_destructor = itanium_peek(p, 0) == 'D';
	p->rest = slice_sub(p->rest, 1, p->rest.len);
	bool is_inherited = !is_destructor && itanium_take(p, "I");
	int variant = itanium_peek(p, 0);
	if (variant < '0' || variant > '5' || class == NULL) {
		itanium_fail(p);
		return node;
	}
	p->rest = slice_sub(p->rest, 1, p->rest.len);
	if (is_inherited) /* named for the class that it comes from */
		class = itanium_type(p);
	if (info != NULL)
		info->has_no_result = true;
	if (p->has_failed)
		return node;
	node->a = class;
	node->text = is_destructor ? SLICE_LITERAL("~") : SLICE_LITERAL("");
	return node;
}

/* One step of a nested name: SO_FAR grows by what stands there. */
static struct itanium_node *
nested_step(struct itanium *p, struct itanium_node *so_far, struct itanium_name *info)
{
	int c = itanium_peek(p, 0);
	int next = itanium_peek(p, 1);
	if (c == 'I' && so_far != NULL) {
		so_far = with_arguments(p, so_far, info);
		itanium_substitute(p, so_far);
		return so_far;
	}
	if (info != NULL)
		info->ends_with_arguments = false;
	if (c == 'S' && next == 't' && so_far == NULL) {
		(void)itanium_take(p, "St");
		return itanium_word(p, "std");
	}
	if (c == 'S') {
		struct itanium_node *node = itanium_substitution(p);
		if (so_far == NULL)
			return node;
		so_far = nest(p, so_far, node);
	} else if (c == 'T') {
		so_far = nest(p, so_far, itanium_parameter(p));
	} else if (c == 'D' && (next == 't' || next == 'T')) {
		so_far = nest(p, so_far, itanium_decltype(p));
	} else if (c == 'C' || (c == 'D' && next != 'C')) {
		so_far = nest(p, so_far, structor(p, so_far, info));
		so_far = itanium_abi_tags(p, so_far);
	} else {
		so_far = nest(p, so_far, itanium_unqualified(p, info));
	}
	itanium_substitute(p, so_far);
	return so_far;
}

static struct itanium_node *
nested_name(struct itanium *p, struct itanium_name *info)
{
	struct itanium_node *so_far = NULL;
	unsigned qualifiers = itanium_qualifiers(p);
	if (itanium_take(p, "R"))
		qualifiers |= ITANIUM_LVALUE;
	else if (itanium_take(p, "O"))
		qualifiers |= ITANIUM_RVALUE;
	if (info != NULL)
		info->qualifiers = qualifiers;
	while (!p->has_failed && !itanium_take(p, "E")) {
		if (itanium_take(p, "M")) /* of a member that is being initialized */
			continue;
		so_far = nested_step(p, so_far, info);
	}
	if (so_far == NULL || p->n_substitutions == 0) {
		itanium_fail(p);
		return itanium_word(p, "");
	}
	/* The whole name is the one that cannot be referred to, or by what holds it. */
	p->n_substitutions--;
	return so_far;
}

/* "_3", "__12_", or nothing: which of several equal names it is; people do not ask. */
static void
discriminator(struct itanium *p)
{
	uint64_t number;
	if (itanium_peek(p, 0) != '_')
		return;
	if (itanium_take(p, "__")) {
		if (!itanium_number(p, &number) || !itanium_take(p, "_"))
			itanium_fail(p);
	} else if (itanium_peek(p, 1) >= '0' && itanium_peek(p, 1) <= '9') {
		p->rest = slice_sub(p->rest, 2, p->rest.len);
	}
}

/* Z: a name inside a function. */
static struct itanium_node *
local_name(struct itanium *p, struct itanium_name *info)
{
	struct itanium_node *function = itanium_encoding(p);
	struct itanium_node *inner;
	if (!itanium_take(p, "E"))
		itanium_fail(p);
	/* Of the function only its name and arguments are shown. */
	if (!p->has_failed && function->kind == ITANIUM_ENCODING)
		function->b->a = NULL;
	if (itanium_take(p, "s")) {
		discriminator(p);
		return nest(p, function, itanium_word(p, "string literal"));
	}
	if (itanium_take(p, "d")) {
		uint64_t number = itanium_sequence_number(p, 10);
		inner = nest(p, text_printf(p, "{default arg#%ju}", number + 1),
			     itanium_name(p, info));
		return nest(p, function, inner);
	}
	inner = itanium_name(p, info);
	discriminator(p);
	return nest(p, function, inner);
}

struct itanium_node *
itanium_name(struct itanium *p, struct itanium_name *info)
{
	struct itanium_node *node;
	if (!itanium_enter(p))
		return itanium_word(p, "");
	if (itanium_take(p, "N")) {
		node = nested_name(p, info);
	} else if (itanium_take(p, "Z")) {
		node = local_name(p, info);
	} else if (itanium_peek(p, 0) == 'S' && itanium_peek(p, 1) != 't') {
		node = itanium_substitution(p);
		if (itanium_peek(p, 0) != 'I')
			itanium_fail(p);
		node = with_arguments(p, node, info);
	} else {
		struct itanium_node *outer = itanium_take(p, "St") ? itanium_word(p, "std") : NULL;
		node = nest(p, outer, itanium_unqualified(p, info));
		if (itanium_peek(p, 0) == 'I') {
			itanium_substitute(p, node);
			node = with_arguments(p, node, info);
		}
	}
	itanium_leave(p);
	return node;
}

/* "h12_" or "v12_34_": how a thunk finds `this`. */
static void
call_offset(struct itanium *p)
{
	uint64_t number;
	bool is_virtual = itanium_take(p, "v");
	if (!is_virtual && !itanium_take(p, "h"))
		itanium_fail(p);
	for (int i = 0; i < (is_virtual ? 2 : 1); i++) {
		(void)itanium_take(p, "n");
		if (!itanium_number(p, &number) || !itanium_take(p, "_"))
			itanium_fail(p);
	}
}

static const struct {
	const char *code;
	const char *format;
	bool is_name; /* a name follows, not a type */
} tables[] = {
	{"TV", "vtable for %", false},           {"TT", "VTT for %", false},
	{"TI", "typeinfo for %", false},         {"TS", "typeinfo name for %", false},
	{"TF", "typeinfo fn for %", false},      {"TJ", "java Class for %", false},
	{"TH", "TLS init function for %", true}, {"TW", "TLS wrapper function for %", true},
	{"GV", "guard variable for %", true},
};

/* Tc and its two offsets, Th, Tv. */
static struct itanium_node *
thunk(struct itanium *p)
{
	const char *format = "non-virtual thunk to %";
	if (itanium_take(p, "Tc")) {
		format = "covariant return thunk to %";
		call_offset(p);
	} else {
		if (itanium_peek(p, 1) == 'v')
			format = "virtual thunk to %";
		(void)itanium_take(p, "T");
	}
	call_offset(p);
	return itanium_sequence(p, format, itanium_encoding(p));
}

static struct itanium_node *
special_name(struct itanium *p)
{
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		if (itanium_take(p, tables[i].code))
			return itanium_sequence(p, tables[i].format,
						tables[i].is_name ? itanium_name(p, NULL)
								  : itanium_type(p));
	if (itanium_take(p, "TC")) {
		struct itanium_node *derived = itanium_type(p);
		uint64_t offset;
		if (!itanium_number(p, &offset) || !itanium_take(p, "_"))
			itanium_fail(p);
		return itanium_sequence(p, "construction vtable for %-in-%", itanium_type(p),
					derived);
	}
	if (itanium_take(p, "TA"))
		return itanium_sequence(p, "template parameter object for %", argument(p));
	if (itanium_take(p, "GR")) {
		struct itanium_node *name = itanium_name(p, NULL);
		uint64_t number = itanium_sequence_number(p, 36);
		return itanium_sequence(p, "reference temporary #% for %",
					text_printf(p, "%ju", number), name);
	}
	if (itanium_take(p, "GTt"))
		return itanium_sequence(p, "transaction clone for %", itanium_encoding(p));
	if (itanium_take(p, "GTn"))
		return itanium_sequence(p, "non-transaction clone for %", itanium_encoding(p));
	if (itanium_take(p, "GA"))
		return itanium_sequence(p, "hidden alias for %", itanium_encoding(p));
	int next = itanium_peek(p, 1);
	if (itanium_peek(p, 0) == 'T' && (next == 'h' || next == 'v' || next == 'c'))
		return thunk(p);
	itanium_fail(p);
	return itanium_word(p, "");
}

/* Parameters that stood before the arguments they mean: those of a conversion's type. */
static void
resolve(struct itanium *p, size_t from)
{
	for (size_t i = from; i < p->n_forward; i++) {
		size_t at = p->first_argument + p->forward_numbers[i];
		if (at >= p->n_arguments) {
			itanium_fail(p);
			return;
		}
		p->forward[i]->a = p->arguments[at];
	}
	p->n_forward = from;
}

/* Has everything of an encoding been read that is its name? */
static bool
is_at_end(const struct itanium *p)
{
	int c = itanium_peek(p, 0);
	return c < 0 || c == 'E' || c == '.' || c == '_';
}

static struct itanium_node *
function_encoding(struct itanium *p)
{
	struct itanium_name info = {0};
	size_t forward = p->n_forward;
	struct itanium_node *name = itanium_name(p, &info);
	resolve(p, forward);
	if (is_at_end(p) || p->has_failed)
		return name;
	struct itanium_node *node = itanium_new(p, ITANIUM_ENCODING);
	struct itanium_node *function = itanium_new(p, ITANIUM_FUNCTION);
	struct itanium_node *result = NULL;
	if (info.ends_with_arguments && !info.has_no_result)
		result = itanium_type(p);
	struct itanium_node *parameters = itanium_parameters(p);
	if (p->has_failed)
		return node;
	function->a = result;
	function->b = parameters;
	function->qualifiers = info.qualifiers;
	node->a = name;
	node->b = function;
	return node;
}

struct itanium_node *
itanium_encoding(struct itanium *p)
{
	struct itanium_node *node;
	if (!itanium_enter(p))
		return itanium_word(p, "");
	/* An encoding inside another has arguments of its own, and leaves the others as they were.
	 */
	size_t first = p->first_argument;
	size_t n = p->n_arguments;
	unsigned in_lambda = p->in_lambda;
	p->first_argument = n;
	p->in_lambda = 0;
	int c = itanium_peek(p, 0);
	node = c == 'G' || c == 'T' ? special_name(p) : function_encoding(p);
	p->first_argument = first;
	p->n_arguments = n;
	p->in_lambda = in_lambda;
	itanium_leave(p);
	return node;
}

static bool
is_suffix_byte(int c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

/* ".cold", ".constprop.0": copies of a function that compilers make. */
static struct slice
take_clone(struct itanium *p)
{
	size_t n = 0;
	if (itanium_peek(p, 0) == '.' && is_suffix_byte(itanium_peek(p, 1)))
		for (n = 2; is_suffix_byte(itanium_peek(p, n));)
			n++;
	while (itanium_peek(p, n) == '.' && itanium_peek(p, n + 1) >= '0' &&
	       itanium_peek(p, n + 1) <= '9')
		for (n += 2; itanium_peek(p, n) >= '0' && itanium_peek(p, n) <= '9';)
			n++;
	struct slice clone = slice_sub(p->rest, 0, n);
	p->rest = slice_sub(p->rest, n, p->rest.len);
	return clone;
}

static bool
prepare(struct itanium *p, struct slice name)
{
	size_t max = name.len + 1;
	*p = (struct itanium){.rest = name, .max = max};
	arena_init(&p->arena, LIMIT_DEMANGLE_ARENA_BYTES);
	p->stack = arena_array(&p->arena, max, sizeof(*p->stack));
	p->substitutions = arena_array(&p->arena, max, sizeof(*p->substitutions));
	p->arguments = arena_array(&p->arena, max, sizeof(*p->arguments));
	p->forward = arena_array(&p->arena, max, sizeof(*p->forward));
	p->forward_numbers = arena_array(&p->arena, max, sizeof(*p->forward_numbers));
	return p->stack != NULL && p->substitutions != NULL && p->arguments != NULL &&
	       p->forward != NULL && p->forward_numbers != NULL;
}

/* Appends what follows the encoding, which a name alone does not show.  False: it is none of the
 * known things. */
static bool
append_suffixes(struct itanium *p, enum demangle_style style, struct buf *out)
{
	while (p->rest.len > 0) {
		if (p->rest.data[0] == '@') { /* a version: "@@GLIBCXX_3.4" */
			if (style != DEMANGLE_NAME)
				buf_append(out, p->rest);
			return true;
		}
		struct slice clone = take_clone(p);
		if (clone.len == 0)
			return false;
		if (style != DEMANGLE_NAME)
			buf_printf(out, " [clone %.*s]", SLICE_ARGS(clone));
	}
	return true;
}

/* What Apple's compiler calls the code of a block: "_block_invoke", or that and "_2". */
static bool
take_block(struct itanium *p)
{
	struct itanium look = *p;
	uint64_t number;
	if (!itanium_take(&look, "_block_invoke"))
		return false;
	if (itanium_take(&look, "_") && !itanium_number(&look, &number))
		return false;
	p->rest = look.rest;
	return true;
}

bool
demangle_itanium(struct slice name, enum demangle_style style, struct buf *out)
{
	struct itanium p;
	bool is_done = prepare(&p, name);
	if (is_done) {
		struct itanium_node *node = itanium_encoding(&p);
		if (take_block(&p))
			buf_append_str(out, "invocation function for block in ");
		is_done = !p.has_failed && itanium_print(&p, node, style, out) &&
			  append_suffixes(&p, style, out);
	}
	arena_done(&p.arena);
	return is_done;
}
