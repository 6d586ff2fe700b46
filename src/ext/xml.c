#include "ext/xml.h"

#include <expat.h>
#include <limits.h>
#include <stdlib.h>

#include "base/text.h"
#include "ext/crypto.h"

enum {
	/* After a document larger than this the parser is made anew, so that one strange document
	 * does not keep its memory for the life of the process. */
	KEEP_BYTES = 64 * 1024
};

struct xml_parser {
	XML_Parser expat;
	unsigned long
		salt; /* of expat's tables; drawn once, or each document costs a getrandom(2) */
	struct xml_attribute *attributes; /* room for `capacity`, given to on_open */
	size_t capacity;

	/* Of the document that is being read. */
	const struct xml_limits *limits;
	const struct xml_handler *handler;
	void *context;
	size_t depth; /* open elements */
	size_t n_elements;
	err_t stopped; /* a handler below stopped the parse, and why */
	const char *why;
	uint64_t stopped_at;
};

static XML_Parser
expat_new(void)
{
	XML_Parser expat = XML_ParserCreate("UTF-8");
	if (expat == NULL)
		abort();
	return expat;
}

struct xml_parser *
xml_parser_new(void)
{
	struct xml_parser *parser = calloc(1, sizeof(*parser));
	if (parser == NULL)
		abort();
	parser->expat = expat_new();
	crypto_random(&parser->salt, sizeof(parser->salt));
	return parser;
}

void
xml_parser_free(struct xml_parser *parser)
{
	if (parser == NULL)
		return;
	XML_ParserFree(parser->expat);
	free(parser->attributes);
	free(parser);
}

static uint64_t
offset_now(struct xml_parser *parser)
{
	XML_Index at = XML_GetCurrentByteIndex(parser->expat);
	return at < 0 ? 0 : (uint64_t)at;
}

static void
stop(struct xml_parser *parser, err_t err, const char *why)
{
	parser->stopped = err;
	parser->why = why;
	parser->stopped_at = offset_now(parser);
	(void)XML_StopParser(parser->expat, XML_FALSE);
}

/* The names and values of one element, counted.  False: too many. */
static bool
collect_attributes(struct xml_parser *parser, const XML_Char **pairs, size_t *ret_count)
{
	size_t count = 0;
	for (; pairs[2 * count] != NULL; count++) {
		if (count == parser->limits->attributes)
			return false;
		parser->attributes[count] = (struct xml_attribute){
			.name = slice_str(pairs[2 * count]),
			.value = slice_str(pairs[2 * count + 1]),
		};
	}
	*ret_count = count;
	return true;
}

static void XMLCALL
open_element(void *data, const XML_Char *name, const XML_Char **pairs)
{
	struct xml_parser *parser = data;
	size_t count = 0;
	if (parser->stopped != OK)
		return;
	if (parser->depth == parser->limits->depth)
		stop(parser, ERR_LIMIT, "elements nested too deep");
	else if (parser->n_elements == parser->limits->elements)
		stop(parser, ERR_LIMIT, "too many elements");
	else if (!collect_attributes(parser, pairs, &count))
		stop(parser, ERR_LIMIT, "too many attributes");
	if (parser->stopped != OK)
		return;
	err_t err = parser->handler->on_open(parser->context, slice_str(name), parser->attributes,
					     count, parser->depth, offset_now(parser));
	if (err != OK)
		stop(parser, err, "refused by the reader of this document");
	parser->depth++;
	parser->n_elements++;
}

static void XMLCALL
close_element(void *data, const XML_Char *name)
{
	struct xml_parser *parser = data;
	if (parser->stopped != OK)
		return;
	parser->depth--;
	if (parser->handler->on_close != NULL)
		parser->handler->on_close(parser->context, slice_str(name), parser->depth);
}

static void XMLCALL
take_text(void *data, const XML_Char *text, int len)
{
	struct xml_parser *parser = data;
	if (parser->stopped == OK && len > 0)
		parser->handler->on_text(parser->context, slice_of(text, (size_t)len));
}

/* Comes before anything inside the document type is looked at, so no entity is ever declared. */
static void XMLCALL
refuse_doctype(void *data, const XML_Char *name, const XML_Char *system_id,
	       const XML_Char *public_id, int has_internal_subset)
{
	(void)name;
	(void)system_id;
	(void)public_id;
	(void)has_internal_subset;
	stop(data, ERR_UNSUPPORTED, "a document type");
}

/* A reset makes expat forget its salt and handlers. */
static void
prepare(struct xml_parser *parser)
{
	if (!XML_ParserReset(parser->expat, "UTF-8"))
		abort();
	(void)XML_SetHashSalt(parser->expat, parser->salt);
	XML_SetUserData(parser->expat, parser);
	XML_SetElementHandler(parser->expat, open_element, close_element);
	XML_SetStartDoctypeDeclHandler(parser->expat, refuse_doctype);
	if (parser->handler->on_text != NULL)
		XML_SetCharacterDataHandler(parser->expat, take_text);
	if (parser->capacity >= parser->limits->attributes)
		return;
	free(parser->attributes);
	parser->capacity = parser->limits->attributes;
	parser->attributes = calloc(parser->capacity, sizeof(*parser->attributes));
	if (parser->attributes == NULL)
		abort();
}

static err_t
err_of_expat(enum XML_Error error)
{
	switch (error) {
	case XML_ERROR_NO_ELEMENTS:
	case XML_ERROR_UNCLOSED_TOKEN:
	case XML_ERROR_UNCLOSED_CDATA_SECTION:
	case XML_ERROR_PARTIAL_CHAR:
		return ERR_TRUNCATED;
	case XML_ERROR_UNDEFINED_ENTITY:
		return ERR_UNSUPPORTED;
	case XML_ERROR_NO_MEMORY:
		abort();
	default:
		return ERR_CORRUPT;
	}
}

static err_t
explain(struct xml_parser *parser, struct err_detail *detail)
{
	uint64_t offset = parser->stopped != OK ? parser->stopped_at : offset_now(parser);
	enum XML_Error error = XML_GetErrorCode(parser->expat);
	if (detail != NULL)
		detail->offset = offset;
	if (parser->stopped != OK)
		return err_set(detail, parser->stopped, "%s", parser->why);
	return err_set(detail, err_of_expat(error), "%s", XML_ErrorString(error));
}

err_t
xml_parse(struct xml_parser *parser, struct slice utf8, const struct xml_limits *limits,
	  const struct xml_handler *handler, void *context, struct err_detail *detail)
{
	if (utf8.len > INT_MAX)
		return err_set(detail, ERR_LIMIT, "document of %zu bytes", utf8.len);
	parser->limits = limits;
	parser->handler = handler;
	parser->context = context;
	parser->depth = 0;
	parser->n_elements = 0;
	parser->stopped = OK;
	prepare(parser);
	err_t err = OK;
	if (XML_Parse(parser->expat, (const char *)utf8.data, (int)utf8.len, XML_TRUE) !=
	    XML_STATUS_OK)
		err = explain(parser, detail);
	if (utf8.len > KEEP_BYTES) {
		XML_ParserFree(parser->expat);
		parser->expat = expat_new();
	}
	return err;
}

static const char replacement[] = "\xef\xbf\xbd";

/* How ASCII character C is written; NULL: as it is. */
static const char *
escape_of(uint8_t c)
{
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\'':
		return "&apos;";
	case '\t':
		return "&#9;";
	case '\n':
		return "&#10;";
	case '\r':
		return "&#13;";
	default:
		return c < 0x20 ? replacement : NULL;
	}
}

/* U+FFFE or U+FFFF, which UTF-8 can write and XML cannot. */
static bool
is_noncharacter(struct slice s, size_t at)
{
	return s.len - at >= 3 && s.data[at] == 0xef && s.data[at + 1] == 0xbf &&
	       s.data[at + 2] >= 0xbe && s.data[at + 2] <= 0xbf;
}

/* A run without ASCII. */
static void
escape_wide(struct slice run, struct buf *out)
{
	size_t from = 0;
	for (size_t i = 0; i < run.len; i++) {
		if (!is_noncharacter(run, i))
			continue;
		(void)text_to_utf8(slice_sub(run, from, i - from), TEXT_UTF8, out);
		buf_append_str(out, replacement);
		i += 2;
		from = i + 1;
	}
	(void)text_to_utf8(slice_sub(run, from, run.len), TEXT_UTF8, out);
}

void
xml_escape(struct slice text, struct buf *out)
{
	size_t i = 0;
	while (i < text.len) {
		size_t from = i;
		while (i < text.len && text.data[i] < 0x80 && escape_of(text.data[i]) == NULL)
			i++;
		buf_append(out, slice_sub(text, from, i - from));
		from = i;
		while (i < text.len && text.data[i] >= 0x80)
			i++;
		if (i > from)
			escape_wide(slice_sub(text, from, i - from), out);
		else if (i < text.len)
			buf_append_str(out, escape_of(text.data[i++]));
	}
}
