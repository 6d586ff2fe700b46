/* xml.h - read XML elements and attributes (expat behind it)
 *
 * Input is UTF-8; whatever encoding the declaration claims is overruled.  Refuses: a document
 * type, entities beyond the five of XML, nesting, attributes or elements past the given limits.
 * Text between tags is passed over unless on_text is set.  Pure; one parser belongs to one
 * thread and is used again for the next document.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "base/slice.h"

struct xml_attribute {
	struct slice name;
	struct slice value; /* entities resolved; valid during the call only */
};

struct xml_limits {
	size_t depth;
	size_t attributes; /* of one element */
	size_t elements;
};

struct xml_handler {
	/* An error from on_open stops the parse and is what xml_parse returns. */
	err_t (*on_open)(void *context, struct slice name, const struct xml_attribute *attributes,
			 size_t n_attributes, size_t depth, uint64_t offset);
	void (*on_close)(void *context, struct slice name, size_t depth); /* may be NULL */
	void (*on_text)(void *context, struct slice text);                /* may be NULL */
};

struct xml_parser;

struct xml_parser *xml_parser_new(void);         /* never NULL */
void xml_parser_free(struct xml_parser *parser); /* accepts NULL */

/* ERR_TRUNCATED	the document ends early
 * ERR_CORRUPT		not well-formed
 * ERR_UNSUPPORTED	a document type or a custom entity
 * ERR_LIMIT		past one of LIMITS
 * DETAIL gets the reason and the byte offset. */
err_t
xml_parse(struct xml_parser *parser, struct slice utf8, const struct xml_limits *limits,
	  const struct xml_handler *handler, void *context, struct err_detail *detail) ERR_CHECK;

/* Appends TEXT with & < > " ' escaped, tab, CR and LF as character references, and what XML 1.0
 * cannot carry as U+FFFD. */
struct buf;
void xml_escape(struct slice text, struct buf *out);
