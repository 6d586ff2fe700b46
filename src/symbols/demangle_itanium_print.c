/* A type is printed in two halves, round the name that it may declare: "int (*" and ") [3]". */
#include "symbols/demangle_itanium.h"

#define NO_PACK UINT32_MAX

struct printer {
	struct itanium *p;
	struct buf *out;
	/* In an expansion: which member of the packs is printed, and how many they have, which is
	 * known when the first of them is met. */
	uint32_t member;
	uint32_t n_members;
	bool in_expansion;
};

static void print(struct printer *x, const struct itanium_node *node);

/* Every node that is visited goes through here; false ends the printing. */
static bool
visit(struct printer *x)
{
	struct itanium *p = x->p;
	if (++p->steps > LIMIT_DEMANGLE_STEPS || p->depth >= LIMIT_DEMANGLE_DEPTH ||
	    buf_error(x->out) != OK)
		p->has_failed = true;
	return !p->has_failed;
}

static void
put(struct printer *x, struct slice text)
{
	buf_append(x->out, text);
}

static void
put_word(struct printer *x, const char *word)
{
	buf_append_str(x->out, word);
}

static int
last_byte(const struct printer *x)
{
	return x->out->len == 0 ? -1 : x->out->data[x->out->len - 1];
}

/* What a parameter stands for at this place.  NULL: nothing, or the list of a pack is empty. */
static const struct itanium_node *
resolve(struct printer *x, const struct itanium_node *node)
{
	for (unsigned i = 0; node != NULL && node->kind == ITANIUM_PARAMETER; i++) {
		if (i >= LIMIT_DEMANGLE_DEPTH) {
			x->p->has_failed = true;
			return NULL;
		}
		node = node->a;
		if (node == NULL || !node->is_pack)
			continue;
		if (!x->in_expansion)
			return node;
		if (x->n_members == NO_PACK) {
			x->n_members = (uint32_t)node->n_items;
			x->member = 0;
		}
		node = x->member < node->n_items ? node->items[x->member] : NULL;
	}
	return node;
}

/* The kind of type that decides how it is written: through parameters and qualifiers. */
static enum itanium_kind
kind_of(struct printer *x, const struct itanium_node *node)
{
	for (unsigned i = 0; i < LIMIT_DEMANGLE_DEPTH; i++) {
		node = resolve(x, node);
		if (node == NULL)
			return ITANIUM_TEXT;
		if (node->kind != ITANIUM_QUALIFIED)
			return node->kind;
		node = node->a;
	}
	return ITANIUM_TEXT;
}

static bool
has_right(struct printer *x, const struct itanium_node *node)
{
	for (unsigned i = 0; i < LIMIT_DEMANGLE_DEPTH; i++) {
		node = resolve(x, node);
		if (node == NULL)
			return false;
		if (node->kind == ITANIUM_FUNCTION || node->kind == ITANIUM_ARRAY)
			return true;
		if (node->kind == ITANIUM_MEMBER)
			node = node->b;
		else if (node->kind == ITANIUM_POINTER || node->kind == ITANIUM_REFERENCE ||
			 node->kind == ITANIUM_QUALIFIED)
			node = node->a;
		else
			return false;
	}
	return false;
}

static void
print_list(struct printer *x, const struct itanium_node *node)
{
	bool is_first = true;
	for (size_t i = 0; i < node->n_items; i++) {
		size_t before = x->out->len;
		if (!is_first)
			put_word(x, ", ");
		size_t start = x->out->len;
		print(x, node->items[i]);
		if (x->out->len == start)
			x->out->len = before;
		else
			is_first = false;
	}
}

static void
print_expansion(struct printer *x, const struct itanium_node *node)
{
	struct printer outer = *x;
	size_t before = x->out->len;
	x->in_expansion = true;
	x->n_members = NO_PACK;
	print(x, node->a);
	if (x->n_members == NO_PACK) {
		put_word(x, "...");
	} else if (x->n_members == 0) {
		x->out->len = before;
	} else {
		for (x->member = 1; x->member < x->n_members && !x->p->has_failed; x->member++) {
			put_word(x, ", ");
			print(x, node->a);
		}
	}
	x->in_expansion = outer.in_expansion;
	x->member = outer.member;
	x->n_members = outer.n_members;
}

static void
print_template(struct printer *x, const struct itanium_node *node)
{
	print(x, node->a);
	/* "operator<" and its arguments must not run together. */
	put_word(x, last_byte(x) == '<' ? " <" : "<");
	print_list(x, node->b);
	put_word(x, last_byte(x) == '>' ? " >" : ">");
}

/* The last name of a class, without arguments: that of its constructors. */
static void
print_base(struct printer *x, const struct itanium_node *node)
{
	for (unsigned i = 0; i < LIMIT_DEMANGLE_DEPTH; i++) {
		node = resolve(x, node);
		if (node == NULL)
			return;
		if (node->kind == ITANIUM_NESTED)
			node = node->b;
		else if (node->kind == ITANIUM_TEMPLATE)
			node = node->a;
		else if (node->kind == ITANIUM_SEQUENCE && node->n_items > 1 &&
			 slice_equal_str(node->items[1]->text, "[abi:"))
			node = node->items[0];
		else
			break;
	}
	if (node->base.len > 0)
		put(x, node->base);
	else
		print(x, node);
}

static void
print_qualifiers(struct printer *x, unsigned qualifiers)
{
	if ((qualifiers & ITANIUM_CONST) != 0)
		put_word(x, " const");
	if ((qualifiers & ITANIUM_VOLATILE) != 0)
		put_word(x, " volatile");
	if ((qualifiers & ITANIUM_RESTRICT) != 0)
		put_word(x, " restrict");
	if ((qualifiers & ITANIUM_LVALUE) != 0)
		put_word(x, " &");
	if ((qualifiers & ITANIUM_RVALUE) != 0)
		put_word(x, " &&");
}

static void print_left(struct printer *x, const struct itanium_node *node);
static void print_right(struct printer *x, const struct itanium_node *node);

/* References to references are one: "&" if any of them is. */
static const struct itanium_node *
collapse(struct printer *x, const struct itanium_node *node, struct slice *ret_sign)
{
	struct slice sign = node->text;
	const struct itanium_node *inner = resolve(x, node->a);
	for (unsigned i = 0; i < LIMIT_DEMANGLE_DEPTH; i++) {
		if (inner == NULL || inner->kind != ITANIUM_REFERENCE)
			break;
		if (inner->text.len < sign.len)
			sign = inner->text;
		inner = resolve(x, inner->a);
	}
	*ret_sign = sign;
	return inner;
}

static void
print_pointer_left(struct printer *x, const struct itanium_node *pointee, struct slice sign)
{
	enum itanium_kind kind = kind_of(x, pointee);
	print_left(x, pointee);
	if (kind == ITANIUM_ARRAY)
		put_word(x, " (");
	else if (kind == ITANIUM_FUNCTION)
		put_word(x, "(");
	put(x, sign);
}

static void
print_pointer_right(struct printer *x, const struct itanium_node *pointee)
{
	enum itanium_kind kind = kind_of(x, pointee);
	if (kind == ITANIUM_ARRAY || kind == ITANIUM_FUNCTION)
		put_word(x, ")");
	print_right(x, pointee);
}

static void
print_member_left(struct printer *x, const struct itanium_node *node)
{
	enum itanium_kind kind = kind_of(x, node->b);
	print_left(x, node->b);
	put_word(x, kind == ITANIUM_FUNCTION ? "(" : kind == ITANIUM_ARRAY ? " (" : " ");
	print(x, node->a);
	put_word(x, "::*");
}

static void
print_function_right(struct printer *x, const struct itanium_node *node)
{
	put_word(x, "(");
	print_list(x, node->b);
	put_word(x, ")");
	if (node->a != NULL)
		print_right(x, node->a);
	print_qualifiers(x, node->qualifiers);
	if (node->c != NULL)
		print(x, node->c);
}

static void
print_array_right(struct printer *x, const struct itanium_node *node)
{
	put_word(x, last_byte(x) == ']' ? "[" : " [");
	if (node->b != NULL)
		print(x, node->b);
	put_word(x, "]");
	print_right(x, node->a);
}

static void
print_function_left(struct printer *x, const struct itanium_node *node)
{
	if (node->a == NULL)
		return;
	print_left(x, node->a);
	if (!has_right(x, node->a))
		put_word(x, " ");
}

static void
print_encoding(struct printer *x, const struct itanium_node *node)
{
	print_function_left(x, node->b);
	print(x, node->a);
	print_function_right(x, node->b);
}

static void
print_sequence(struct printer *x, const struct itanium_node *node)
{
	for (size_t i = 0; i < node->n_items; i++)
		print(x, node->items[i]);
}

static void
print_count(struct printer *x, const struct itanium_node *node)
{
	for (unsigned i = 0; i < LIMIT_DEMANGLE_DEPTH && node != NULL; i++) {
		if (node->kind != ITANIUM_PARAMETER)
			break;
		node = node->a;
	}
	if (node != NULL && node->is_pack)
		buf_printf(x->out, "%zu", node->n_items);
	else
		put_word(x, "sizeof...");
}

static void
print_left_of(struct printer *x, const struct itanium_node *node)
{
	struct slice sign = node->text;
	switch (node->kind) {
	case ITANIUM_TEXT:
		put(x, node->text);
		break;
	case ITANIUM_SEQUENCE:
		print_sequence(x, node);
		break;
	case ITANIUM_LIST:
		print_list(x, node);
		break;
	case ITANIUM_EXPANSION:
		print_expansion(x, node);
		break;
	case ITANIUM_NESTED:
		print(x, node->a);
		put_word(x, "::");
		print(x, node->b);
		break;
	case ITANIUM_TEMPLATE:
		print_template(x, node);
		break;
	case ITANIUM_STRUCTOR:
		put(x, node->text);
		print_base(x, node->a);
		break;
	case ITANIUM_QUALIFIED: {
		/* What an argument has already is not said twice. */
		const struct itanium_node *inner = resolve(x, node->a);
		bool is_again = inner != NULL && inner->kind == ITANIUM_QUALIFIED;
		print_left(x, node->a);
		print_qualifiers(x, node->qualifiers & ~(is_again ? inner->qualifiers : 0));
		break;
	}
	case ITANIUM_POINTER:
		print_pointer_left(x, node->a, sign);
		break;
	case ITANIUM_REFERENCE: {
		const struct itanium_node *inner = collapse(x, node, &sign);
		if (inner != NULL)
			print_pointer_left(x, inner, sign);
		break;
	}
	case ITANIUM_MEMBER:
		print_member_left(x, node);
		break;
	case ITANIUM_ARRAY:
		print_left(x, node->a);
		break;
	case ITANIUM_FUNCTION:
		print_function_left(x, node);
		break;
	case ITANIUM_ENCODING:
		print_encoding(x, node);
		break;
	case ITANIUM_COUNT:
		print_count(x, node->a);
		break;
	default:
		break;
	}
}

static void
print_left(struct printer *x, const struct itanium_node *node)
{
	if (!visit(x))
		return;
	node = resolve(x, node);
	if (node == NULL)
		return;
	x->p->depth++;
	print_left_of(x, node);
	x->p->depth--;
}

static void
print_right_of(struct printer *x, const struct itanium_node *node)
{
	struct slice sign;
	switch (node->kind) {
	case ITANIUM_QUALIFIED:
		print_right(x, node->a);
		break;
	case ITANIUM_POINTER:
		print_pointer_right(x, node->a);
		break;
	case ITANIUM_REFERENCE: {
		const struct itanium_node *inner = collapse(x, node, &sign);
		if (inner != NULL)
			print_pointer_right(x, inner);
		break;
	}
	case ITANIUM_MEMBER:
		print_pointer_right(x, node->b);
		break;
	case ITANIUM_ARRAY:
		print_array_right(x, node);
		break;
	case ITANIUM_FUNCTION:
		print_function_right(x, node);
		break;
	default:
		break;
	}
}

static void
print_right(struct printer *x, const struct itanium_node *node)
{
	if (!visit(x))
		return;
	node = resolve(x, node);
	if (node == NULL)
		return;
	x->p->depth++;
	print_right_of(x, node);
	x->p->depth--;
}

static void
print(struct printer *x, const struct itanium_node *node)
{
	print_left(x, node);
	print_right(x, node);
}

bool
itanium_print(struct itanium *p, const struct itanium_node *node, enum demangle_style style,
	      struct buf *out)
{
	struct printer x = {.p = p, .out = out, .n_members = NO_PACK};
	p->depth = 0;
	p->steps = 0;
	if (node->kind == ITANIUM_ENCODING && style != DEMANGLE_FULL) {
		print(&x, node->a);
		if (style == DEMANGLE_CALL) {
			put_word(&x, "(");
			print_list(&x, node->b->b);
			put_word(&x, ")");
			print_qualifiers(&x, node->b->qualifiers);
		}
	} else {
		print(&x, node);
	}
	return !p->has_failed;
}
