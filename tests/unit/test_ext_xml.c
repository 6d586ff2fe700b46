#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <inttypes.h>

#include "base/buf.h"
#include "ext/xml.h"

enum {
	DOCUMENT_BYTES_MAX = 4 * 1024 * 1024
};

/* Where expat finds the end of a document type's name is its own affair. */
#define ANYWHERE UINT64_MAX

static const struct xml_limits limits = {.depth = 3, .attributes = 4, .elements = 5};

/* What the handler saw, as text; and what it answers. */
struct seen {
	struct buf lines;
	uint64_t last_offset;
	err_t answer;
};

static err_t
on_open(void *context, struct slice name, const struct xml_attribute *attributes,
	size_t n_attributes, size_t depth, uint64_t offset)
{
	struct seen *seen = context;
	seen->last_offset = offset;
	buf_printf(&seen->lines, "%zu<%.*s", depth, SLICE_ARGS(name));
	for (size_t i = 0; i < n_attributes; i++)
		buf_printf(&seen->lines, " %.*s=%.*s", SLICE_ARGS(attributes[i].name),
			   SLICE_ARGS(attributes[i].value));
	buf_append_str(&seen->lines, ">");
	return seen->answer;
}

static void
on_close(void *context, struct slice name, size_t depth)
{
	struct seen *seen = context;
	buf_printf(&seen->lines, "%zu</%.*s>", depth, SLICE_ARGS(name));
}

static void
on_text(void *context, struct slice text)
{
	struct seen *seen = context;
	buf_append(&seen->lines, text);
}

static const struct xml_handler elements_only = {.on_open = on_open};
static const struct xml_handler everything = {on_open, on_close, on_text};

static err_t
parse(struct xml_parser *parser, struct slice document, const struct xml_handler *handler,
      struct seen *seen, struct err_detail *detail)
{
	buf_init(&seen->lines, DOCUMENT_BYTES_MAX);
	return xml_parse(parser, document, &limits, handler, seen, detail);
}

static void
assert_refused(const char *document, err_t expected, uint64_t offset)
{
	struct xml_parser *parser = xml_parser_new();
	struct seen seen = {0};
	struct err_detail detail = {.offset = UINT64_MAX};
	err_t err = parse(parser, slice_str(document), &elements_only, &seen, &detail);
	if (err != expected || (offset != ANYWHERE && detail.offset != offset))
		fail_msg("%s: %s at %" PRIu64 " (%s)", document, err_name(err), detail.offset,
			 detail.why);
	assert_true(detail.why[0] != 0);
	/* The same without a place for the reason. */
	buf_done(&seen.lines);
	assert_int_equal(parse(parser, slice_str(document), &elements_only, &seen, NULL), expected);
	buf_done(&seen.lines);
	xml_parser_free(parser);
}

static void
assert_seen(const char *document, const char *expected)
{
	struct xml_parser *parser = xml_parser_new();
	struct seen seen = {0};
	struct err_detail detail = {0};
	err_t err = parse(parser, slice_str(document), &everything, &seen, &detail);
	if (err != OK)
		fail_msg("%s: %s", document, detail.why);
	buf_append_byte(&seen.lines, 0);
	assert_string_equal((const char *)seen.lines.data, expected);
	buf_done(&seen.lines);
	xml_parser_free(parser);
}

static void
refuses_a_document_type_before_its_entities(void **state)
{
	(void)state;
	assert_refused("<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>", ERR_UNSUPPORTED, ANYWHERE);
	assert_refused("<!DOCTYPE a SYSTEM \"file:///etc/passwd\"><a/>", ERR_UNSUPPORTED, ANYWHERE);
	assert_refused("<!DOCTYPE a><a/>", ERR_UNSUPPORTED, ANYWHERE);
}

static void
refuses_entities_beyond_the_five(void **state)
{
	(void)state;
	assert_refused("<a b=\"&c;\"/>", ERR_UNSUPPORTED, 0);
	assert_refused("<a>&nbsp;</a>", ERR_UNSUPPORTED, 3);
}

static void
refuses_what_ends_early(void **state)
{
	static const char *const documents[] = {
		"",       "<",       "<a",      "<a b=\"c",
		"<a>",    "<a><b/>", "<a></a",  "<a><![CDATA[x",
		"<!-- x", "<?xml",   "<a>\xc3", "<a>&am",
	};
	(void)state;
	for (size_t i = 0; i < sizeof(documents) / sizeof(documents[0]); i++) {
		struct xml_parser *parser = xml_parser_new();
		struct seen seen = {0};
		struct err_detail detail;
		if (parse(parser, slice_str(documents[i]), &elements_only, &seen, &detail) !=
		    ERR_TRUNCATED)
			fail_msg("%s: %s", documents[i], detail.why);
		buf_done(&seen.lines);
		xml_parser_free(parser);
	}
}

static void
refuses_what_is_not_well_formed(void **state)
{
	(void)state;
	assert_refused("plain text", ERR_CORRUPT, 0);
	assert_refused("<a></b>", ERR_CORRUPT, 5);
	assert_refused("<a b=\"1\" b=\"2\"/>", ERR_CORRUPT, 9);
	assert_refused("<a/><b/>", ERR_CORRUPT, 4);
	assert_refused("<a/>x", ERR_CORRUPT, 4);
	assert_refused(" <?xml version=\"1.0\"?><a/>", ERR_CORRUPT, 1);
	assert_refused("<a>&#0;</a>", ERR_CORRUPT, 3);
	assert_refused("<a>\x01</a>", ERR_CORRUPT, 3);
	assert_refused("<a>\xff</a>", ERR_CORRUPT, 3);
	assert_refused("<a>\xef\xbf\xbf</a>", ERR_CORRUPT, 3);
	assert_refused("<a b=\"<\"/>", ERR_CORRUPT, 6);
}

static void
refuses_nul_in_the_middle(void **state)
{
	struct xml_parser *parser = xml_parser_new();
	struct seen seen = {0};
	struct err_detail detail;
	(void)state;
	assert_int_equal(
		parse(parser, SLICE_LITERAL("<a b=\"c\0d\"/>"), &elements_only, &seen, &detail),
		ERR_CORRUPT);
	assert_int_equal(detail.offset, 7);
	buf_done(&seen.lines);
	xml_parser_free(parser);
}

static void
refuses_past_each_limit_and_takes_up_to_it(void **state)
{
	(void)state;
	assert_seen("<a><b><c/></b></a>", "0<a>1<b>2<c>2</c>1</b>0</a>");
	assert_refused("<a><b><c><d/></c></b></a>", ERR_LIMIT, 9);
	assert_seen("<a b='1' c='2' d='3' e='4'/>", "0<a b=1 c=2 d=3 e=4>0</a>");
	assert_refused("<x><a b='1' c='2' d='3' e='4' f='5'/></x>", ERR_LIMIT, 3);
	assert_seen("<a><b/><b/><b/><b/></a>", "0<a>1<b>1</b>1<b>1</b>1<b>1</b>1<b>1</b>0</a>");
	assert_refused("<a><b/><b/><b/><b/><c/></a>", ERR_LIMIT, 19);
}

static void
refuses_a_flood_of_attributes(void **state)
{
	struct buf document;
	struct xml_parser *parser = xml_parser_new();
	struct seen seen = {0};
	struct err_detail detail;
	(void)state;
	buf_init(&document, DOCUMENT_BYTES_MAX);
	buf_append_str(&document, "<a");
	for (unsigned i = 0; i < 50000; i++)
		buf_printf(&document, " a%u=\"\"", i);
	buf_append_str(&document, "/>");
	assert_int_equal(parse(parser, buf_slice(&document), &elements_only, &seen, &detail),
			 ERR_LIMIT);
	buf_done(&seen.lines);
	/* The parser was made anew, and works. */
	assert_int_equal(parse(parser, SLICE_LITERAL("<a/>"), &elements_only, &seen, &detail), OK);
	buf_done(&seen.lines);
	buf_done(&document);
	xml_parser_free(parser);
}

static void
stops_at_the_error_of_the_handler(void **state)
{
	struct xml_parser *parser = xml_parser_new();
	struct seen seen = {.answer = ERR_DENIED};
	struct err_detail detail = {0};
	(void)state;
	assert_int_equal(parse(parser, SLICE_LITERAL(" <a/>"), &everything, &seen, &detail),
			 ERR_DENIED);
	assert_int_equal(detail.offset, 1);
	buf_append_byte(&seen.lines, 0);
	assert_string_equal((const char *)seen.lines.data, "0<a>");
	buf_done(&seen.lines);
	xml_parser_free(parser);
}

static void
overrules_the_declared_encoding(void **state)
{
	(void)state;
	assert_seen("<?xml version='1.0' encoding='UTF-16'?><a b='\xc3\xbc'/>",
		    "0<a b=\xc3\xbc>0</a>");
	assert_seen("<?xml version='1.0' encoding='no-such'?><a b='\xc3\xbc'/>",
		    "0<a b=\xc3\xbc>0</a>");
	assert_seen("<?xml version='1.0' encoding='ISO-8859-1'?><a b='\xc3\xbc'/>",
		    "0<a b=\xc3\xbc>0</a>");
}

static void
gives_text_and_resolved_entities(void **state)
{
	(void)state;
	assert_seen("<a b='&lt;&amp;&gt;&quot;&apos;&#9;&#x20ac;'>t<![CDATA[<u>]]>&amp;v</a>",
		    "0<a b=<&>\"'\t\xe2\x82\xac>t<u>&v0</a>");
	assert_seen("<!-- c --><?p i?><a><!-- d --></a>", "0<a>0</a>");
}

static void
is_used_again_after_any_outcome(void **state)
{
	struct xml_parser *parser = xml_parser_new();
	struct err_detail detail;
	(void)state;
	static const char *const documents[] = {"<a><b>", "<!DOCTYPE a><a/>", "<a></b>",
						"<a><b><c><d/></c></b></a>", "&"};
	for (size_t i = 0; i < 2 * sizeof(documents) / sizeof(documents[0]); i++) {
		struct seen seen = {0};
		err_t err = parse(parser, slice_str(documents[i / 2]), &everything, &seen, &detail);
		assert_int_not_equal(err, OK);
		buf_done(&seen.lines);
		assert_int_equal(
			parse(parser, SLICE_LITERAL("<a><b/></a>"), &everything, &seen, &detail),
			OK);
		buf_append_byte(&seen.lines, 0);
		assert_string_equal((const char *)seen.lines.data, "0<a>1<b>1</b>0</a>");
		assert_int_equal(seen.last_offset, 3);
		buf_done(&seen.lines);
	}
	xml_parser_free(parser);
}

static void
frees_nothing_without_complaint(void **state)
{
	(void)state;
	xml_parser_free(NULL);
}

static void
assert_escaped(struct slice text, const char *expected)
{
	struct buf out;
	buf_init(&out, DOCUMENT_BYTES_MAX);
	xml_escape(text, &out);
	buf_append_byte(&out, 0);
	assert_string_equal((const char *)out.data, expected);
	buf_done(&out);
}

#define FFFD "\xef\xbf\xbd"

static void
escapes_what_xml_reserves(void **state)
{
	(void)state;
	assert_escaped(SLICE_LITERAL("a&b<c>d\"e'f"), "a&amp;b&lt;c&gt;d&quot;e&apos;f");
	assert_escaped(SLICE_LITERAL("\t\r\n"), "&#9;&#13;&#10;");
	assert_escaped(SLICE_LITERAL(""), "");
	assert_escaped((struct slice){0}, "");
}

static void
replaces_what_xml_cannot_carry(void **state)
{
	(void)state;
	assert_escaped(SLICE_LITERAL("a\0b\x01"
				     "c\x1f"),
		       "a" FFFD "b" FFFD "c" FFFD);
	assert_escaped(SLICE_LITERAL("\xef\xbf\xbe|\xef\xbf\xbf"), FFFD "|" FFFD);
	assert_escaped(SLICE_LITERAL("\xc3\xbc\xef\xbf\xbf\xe2\x82\xac"),
		       "\xc3\xbc" FFFD "\xe2\x82\xac");
	assert_escaped(SLICE_LITERAL("\xed\xa0\x80"), FFFD FFFD FFFD);
	assert_escaped(SLICE_LITERAL("caf\xe9 \xe2\x82"), "caf" FFFD " " FFFD FFFD);
	assert_escaped(SLICE_LITERAL("\x7f\xf0\x9f\x98\x80"), "\x7f\xf0\x9f\x98\x80");
}

/* Every byte and every pair of bytes, escaped, is read back as valid text. */
static void
what_it_escapes_is_well_formed(void **state)
{
	static const struct xml_limits wide = {.depth = 1, .attributes = 1, .elements = 1};
	struct xml_parser *parser = xml_parser_new();
	(void)state;
	for (unsigned pair = 0; pair < 0x10000; pair++) {
		const uint8_t bytes[2] = {(uint8_t)(pair >> 8), (uint8_t)pair};
		uint8_t storage[64];
		struct buf document = {.data = storage, .capacity = 64, .cap_bytes = 64};
		struct seen seen = {0};
		struct err_detail detail;
		buf_init(&seen.lines, 64);
		buf_append_str(&document, "<a b=\"");
		xml_escape(slice_of(bytes, 2), &document);
		buf_append_str(&document, "\"/>");
		if (xml_parse(parser, buf_slice(&document), &wide, &elements_only, &seen,
			      &detail) != OK)
			fail_msg("%04x: %s", pair, detail.why);
		buf_done(&seen.lines);
	}
	xml_parser_free(parser);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_a_document_type_before_its_entities),
		cmocka_unit_test(refuses_entities_beyond_the_five),
		cmocka_unit_test(refuses_what_ends_early),
		cmocka_unit_test(refuses_what_is_not_well_formed),
		cmocka_unit_test(refuses_nul_in_the_middle),
		cmocka_unit_test(refuses_past_each_limit_and_takes_up_to_it),
		cmocka_unit_test(refuses_a_flood_of_attributes),
		cmocka_unit_test(stops_at_the_error_of_the_handler),
		cmocka_unit_test(overrules_the_declared_encoding),
		cmocka_unit_test(gives_text_and_resolved_entities),
		cmocka_unit_test(is_used_again_after_any_outcome),
		cmocka_unit_test(frees_nothing_without_complaint),
		cmocka_unit_test(escapes_what_xml_reserves),
		cmocka_unit_test(replaces_what_xml_cannot_carry),
		cmocka_unit_test(what_it_escapes_is_well_formed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
