/* demangle_msvc.h - between the two halves of the reader of Microsoft's names; of them alone
 *
 * A type is two texts: what stands before a declared name, and what stands behind it.  Texts lie
 * in an arena, whose cap bounds what back references can multiply.
 */
#pragma once

#include "symbols/demangle_parts.h"

enum msvc_qualifier {
	MSVC_CONST = 1,
	MSVC_VOLATILE = 2,
	MSVC_RESTRICT = 4,
	MSVC_UNALIGNED = 8
};

enum msvc_kind {
	MSVC_PLAIN,
	MSVC_POINTER,
	MSVC_ARRAY,
	MSVC_FUNCTION
};

struct msvc_type {
	enum msvc_kind kind;
	unsigned qualifiers; /* of a function: those of its `this` */
	struct slice before; /* without the qualifiers */
	struct slice behind;
	struct slice convention; /* of a function: "__cdecl"; may be empty */
	struct slice own;    /* of a function: what stands behind without what is its result's */
	struct slice result; /* of a function: the type it gives; may be empty */
	bool is_member_pointer;
};

/* Where the qualifiers of a type are written, when it stands at this place. */
enum msvc_place {
	MSVC_PLACE_DROP,   /* nowhere */
	MSVC_PLACE_MANGLE, /* before it, always */
	MSVC_PLACE_RESULT  /* before it, behind a "?" */
};

enum {
	MSVC_REFERENCES = 10
};

struct msvc {
	struct slice rest; /* what is not read yet */
	struct arena arena;
	enum demangle_style style;
	bool has_failed;
	unsigned depth;
	unsigned steps;
	/* What single digits refer back to. */
	struct slice names[MSVC_REFERENCES];
	size_t n_names;
	struct msvc_type types[MSVC_REFERENCES];
	size_t n_types;
	struct slice last_name; /* of the symbol read last, without what it lies in */
};

/* Each sets has_failed when the name is broken or a limit is passed; the result is empty then. */
bool msvc_enter(struct msvc *m); /* before anything that may nest; false: too deep */
void msvc_leave(struct msvc *m);
bool msvc_take(struct msvc *m, const char *text); /* cuts TEXT off, if it stands there */
int msvc_take_byte(struct msvc *m);               /* -1 at the end, which fails */
int msvc_peek(const struct msvc *m);              /* -1 at the end */
int64_t msvc_number(struct msvc *m);
struct slice
msvc_text(struct msvc *m, const char *format, ...) __attribute__((format(printf, 2, 3)));
void msvc_fail(struct msvc *m);

/* demangle_msvc_type.c */
struct msvc_type msvc_type(struct msvc *m, enum msvc_place place);
struct msvc_type msvc_function_type(struct msvc *m, bool has_this);
struct slice msvc_before(struct msvc *m, const struct msvc_type *type); /* with qualifiers */
struct slice msvc_whole(struct msvc *m, const struct msvc_type *type);
struct slice msvc_template_arguments(struct msvc *m); /* "<int, 3>" */
unsigned msvc_qualifiers(struct msvc *m);             /* A to D, Q to T */
unsigned msvc_pointer_qualifiers(struct msvc *m);     /* E, F, I */
struct slice msvc_convention(struct msvc *m);
/* BEFORE, then a blank if its last character needs one. */
struct slice msvc_spaced(struct msvc *m, struct slice before);

/* demangle_msvc.c */
struct slice msvc_type_name(struct msvc *m); /* of a class: all of it, with what it lies in */
struct slice msvc_symbol(struct msvc *m);    /* "?..." all of it */
struct slice msvc_scopes(struct msvc *m);    /* what a name lies in, "a::b::" */
/* Makes NAME one of those that digits refer to. */
void msvc_remember(struct msvc *m, struct slice name);
/* What stands behind NAME, a function's, with it. */
struct slice msvc_function(struct msvc *m, struct slice name);
/* A name and its type; of an initializer a function's name alone. */
struct slice msvc_declaration(struct msvc *m, bool is_initializer, bool *ret_is_variable);

/* demangle_msvc_special.c: tables, type information, guards: what compilers add.  False: the name
 * is none of these, and nothing was read. */
bool msvc_special(struct msvc *m, struct slice *ret_text);
