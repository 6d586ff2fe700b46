/* demangle_itanium.h - between the parts of the reader of Itanium C++ names; of them alone
 *
 * A name is read into a tree, in which substitutions and template parameters are shared subtrees,
 * and the tree is printed.  Reading is linear; printing may repeat what is shared, and is bounded
 * by a count of steps.  Letters in comments are the productions of the Itanium C++ ABI, 5.1.
 */
#pragma once

#include "symbols/demangle_parts.h"

enum itanium_kind {
	ITANIUM_TEXT,      /* text */
	ITANIUM_SEQUENCE,  /* items one behind the other */
	ITANIUM_LIST,      /* items with commas between those that are not empty */
	ITANIUM_EXPANSION, /* a: printed once for each member of the pack in it */
	ITANIUM_PARAMETER, /* a: the template argument that it stands for */
	ITANIUM_NESTED,    /* a::b */
	ITANIUM_TEMPLATE,  /* a<b> */
	ITANIUM_STRUCTOR,  /* a: the class whose last name it has; text: "~" or nothing */
	ITANIUM_QUALIFIED, /* a and qualifiers */
	ITANIUM_POINTER,   /* a; text: "*" */
	ITANIUM_REFERENCE, /* a; text: "&" or "&&" */
	ITANIUM_MEMBER,    /* pointer to a member of type b of class a */
	ITANIUM_ARRAY,     /* of a; b: how many, or NULL */
	ITANIUM_FUNCTION,  /* a: result or NULL; b: list; c: what it may throw, or NULL */
	ITANIUM_ENCODING,  /* a: name; b: function */
	ITANIUM_COUNT      /* how many members the pack a has */
};

enum {
	ITANIUM_RESTRICT = 1,
	ITANIUM_VOLATILE = 2,
	ITANIUM_CONST = 4,
	ITANIUM_LVALUE = 8, /* of functions: & */
	ITANIUM_RVALUE = 16
};

struct itanium_node {
	enum itanium_kind kind;
	unsigned qualifiers;
	bool is_pack;   /* of a list: the arguments for a parameter pack */
	bool is_simple; /* of an expression: needs no brackets */
	struct slice text;
	struct slice base; /* of a text: what a constructor of it is called */
	struct itanium_node *a;
	struct itanium_node *b;
	struct itanium_node *c;
	struct itanium_node **items;
	size_t n_items;
	uint64_t number; /* of a parameter */
};

struct itanium {
	struct slice rest; /* what is not read yet */
	struct arena arena;
	bool has_failed;
	unsigned depth;
	unsigned steps;
	/* Each holds as many as the name has bytes: every entry costs one at least. */
	size_t max;
	struct itanium_node **stack; /* items of lists that are being read */
	size_t n_stack;
	struct itanium_node **substitutions;
	size_t n_substitutions;
	/* Arguments of the templates that parameters may refer to; those of the encoding that is
	 * being read begin at first_argument. */
	struct itanium_node **arguments;
	size_t first_argument;
	size_t n_arguments;
	/* Parameters that were named before their arguments; as many as `arguments`. */
	struct itanium_node **forward;
	size_t *forward_numbers;
	size_t n_forward;
	bool may_forward;
	bool no_template_arguments; /* of the type that is being read */
	unsigned in_lambda;         /* its parameters name the types of generic arguments */
};

/* What is to be known of a name before its type is read. */
struct itanium_name {
	bool has_no_result; /* constructors, destructors, conversions */
	bool ends_with_arguments;
	unsigned qualifiers;
};

void itanium_fail(struct itanium *p);
bool itanium_enter(struct itanium *p); /* false: too deep, or failed already */
void itanium_leave(struct itanium *p);
int itanium_peek(const struct itanium *p, size_t at); /* -1 behind the end */
bool itanium_take(struct itanium *p, const char *text);
bool itanium_number(struct itanium *p, uint64_t *ret_number); /* decimal; false: none there */
/* The number before a "_": nothing is 0, digits are one more.  In base 36 or decimal. */
uint64_t itanium_sequence_number(struct itanium *p, unsigned base);

/* Never NULL: at the arena's cap a node of no use, and has_failed. */
struct itanium_node *itanium_new(struct itanium *p, enum itanium_kind kind);
struct itanium_node *itanium_text(struct itanium *p, struct slice text);
struct itanium_node *itanium_word(struct itanium *p, const char *word);
/* FORMAT's text, with a node for each "%". */
struct itanium_node *itanium_sequence(struct itanium *p, const char *format, ...);
void itanium_push(struct itanium *p, struct itanium_node *node);
/* A list of what was pushed since the stack had FROM entries. */
struct itanium_node *itanium_list(struct itanium *p, size_t from);
void itanium_substitute(struct itanium *p, struct itanium_node *node); /* S_ will mean it */

/* demangle_itanium.c */
struct itanium_node *itanium_encoding(struct itanium *p);
struct itanium_node *itanium_name(struct itanium *p, struct itanium_name *ret_name);
struct itanium_node *itanium_unqualified(struct itanium *p, struct itanium_name *name);
struct itanium_node *itanium_source_name(struct itanium *p);
struct itanium_node *itanium_substitution(struct itanium *p);
/* IS_TAGGED: parameters of the encoding refer to these. */
struct itanium_node *itanium_arguments(struct itanium *p, bool is_tagged);
struct itanium_node *itanium_parameter(struct itanium *p);
struct itanium_node *itanium_abi_tags(struct itanium *p, struct itanium_node *name);

/* demangle_itanium_type.c */
struct itanium_node *itanium_type(struct itanium *p);
struct itanium_node *itanium_decltype(struct itanium *p);
unsigned itanium_qualifiers(struct itanium *p);
/* Types up to what ends a list of parameters; "v" alone is none. */
struct itanium_node *itanium_parameters(struct itanium *p);

/* demangle_itanium_expr.c */
struct itanium_node *itanium_expression(struct itanium *p);
struct itanium_node *itanium_literal(struct itanium *p);
/* "operator+", or NULL when no operator stands there. */
struct itanium_node *itanium_operator_name(struct itanium *p, struct itanium_name *name);

/* demangle_itanium_print.c */
bool itanium_print(struct itanium *p, const struct itanium_node *node, enum demangle_style style,
		   struct buf *out);
