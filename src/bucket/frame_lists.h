/* frame_lists.h - what is known of functions, modules and causes, as data
 *
 * Lists of patterns decide which frame of a stack is to blame.  Ours are in src/bucket/frames and
 * part of the program; the configuration adds lists of its own, and a line that came later
 * goes before one that came earlier.  A list is lines of text:
 *
 *	# a comment
 *	[section]               applies to all programs
 *	[section for PROGRAM]   to programs whose name matches: knowledge of one program as data
 *	MODULE!FUNCTION         either may be missing: "ntdll!" is every frame in ntdll
 *	FUNCTION                in whatever module
 *	PATTERN = VALUE         in sections that say what a thing becomes
 *
 * Patterns have * and ?, fold ASCII case, and are compared with normalized names.  A list is
 * refused whole, with its line, when a line says nothing that could ever apply.  Immutable once
 * it is filled: many threads may look.
 */
#pragma once

#include "base/err.h"
#include "base/slice.h"

enum frame_section {
	/* Of frames. */
	FRAME_RELEVANT,   /* never passed over, whatever the other sections say */
	FRAME_IRRELEVANT, /* never to blame, and not worth a mention */
	FRAME_PREFIX,     /* worth a mention, but its caller is to blame */
	FRAME_SENTINEL,   /* the stack begins here: what it called does not count */
	FRAME_TRAP,     /* a trap or signal came here: the stack begins with what it interrupted */
	FRAME_BELOW,    /* ends the program on purpose: then the stack begins with its caller */
	FRAME_CORE,     /* belongs to the system: blamed only when nothing else is there */
	FRAME_ENTRY,    /* where programs and threads begin: blamed last */
	FRAME_WAITING,  /* waits for something: passed over in hangs */
	FRAME_HEAP,     /* inside of a heap, or its complaint: the heap was corrupt before */
	FRAME_TAG,      /* = TEXT: it becomes part of the key */
	FRAME_ALIAS,    /* = NAME: a function's name as others spell it */
	FRAME_PLACES_N, /* those above are found by frame_lists_find */
	/* Of other texts, found by frame_lists_find_text. */
	FRAME_MODULE_ALIAS = FRAME_PLACES_N, /* MODULE = MODULE */
	FRAME_CAUSE,                         /* exception kind = family */
	FRAME_MESSAGE,                       /* abort message = family */
	FRAME_CONDENSE,  /* family whose crashes are one bucket, wherever they happen */
	FRAME_OLD_IMAGE, /* MODULE = VERSION: known to be bad below that version */
	FRAME_SECTION_N
};

struct frame_rule {
	enum frame_section section;
	struct slice program;  /* pattern; absent: all */
	struct slice module;   /* pattern; absent: all, none included */
	struct slice function; /* pattern; absent: all, none included; of texts: the pattern */
	struct slice value;    /* absent: the section has none */
	const char *list;      /* "windows-user.txt" */
	uint32_t line;         /* from 1 */
	uint32_t next;         /* index + 1 of the next to look at, 0: none */
};

enum {
	FRAME_LISTS_DIGEST_BYTES = 16
};

struct frame_matches {
	const struct frame_rule *rules[FRAME_PLACES_N]; /* NULL: no line of that section */
};

struct frame_lists;

struct frame_lists *frame_lists_new(void); /* with the lists that are part of the program */
struct frame_lists *frame_lists_new_empty(void);
void frame_lists_free(struct frame_lists *lists); /* accepts NULL */
/* Adds TEXT, all of it or nothing.  NAME is what explanations will call it; both are copied.
 * ERR_CONFIG: DETAIL says the line and why.  ERR_LIMIT: too long, or too many lines. */
err_t frame_lists_add(struct frame_lists *lists, const char *name, struct slice text,
		      struct err_detail *detail) ERR_CHECK;

/* Each argument may be absent.  MODULE and FUNCTION are normalized. */
void frame_lists_find(const struct frame_lists *lists, struct slice program, struct slice module,
		      struct slice function, struct frame_matches *ret_matches);
/* The line of SECTION (one behind FRAME_PLACES_N) that TEXT matches; NULL: none. */
const struct frame_rule *
frame_lists_find_text(const struct frame_lists *lists, enum frame_section section,
		      struct slice program, struct slice text);

/* Changes with every list that is added: results that were made with another digest may be other
 * ones today. */
const uint8_t *frame_lists_digest(const struct frame_lists *lists);
const char *frame_section_name(enum frame_section section); /* as lists spell it */
size_t frame_lists_count(const struct frame_lists *lists);
const struct frame_rule *frame_lists_at(const struct frame_lists *lists, size_t index);
