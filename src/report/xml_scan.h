/* xml_scan.h - tags, attributes and text of what may be no well-formed XML
 *
 * For files that Windows writes badly (AppCompat.txt ends twice) or whose form nobody has
 * published: what expat would refuse is passed over, and counted.  Linear in its input; entities
 * beyond the five and character references are not expanded; nothing is ever loaded.  For XML that
 * has to hold, see ext/xml.h.
 */
#pragma once

#include "base/arena.h"
#include "base/slice.h"

struct xml_scan {
	struct slice in;
	size_t at;
	size_t n_broken; /* places that are no XML */
};

enum xml_token_kind {
	XML_TOKEN_OPEN,
	XML_TOKEN_CLOSE,
	XML_TOKEN_TEXT
};

struct xml_token {
	enum xml_token_kind kind;
	struct slice name;       /* of a tag */
	struct slice attributes; /* of an OPEN: for xml_scan_attribute */
	bool is_empty;           /* of an OPEN: it closes itself, no CLOSE follows */
	struct slice text;       /* of a TEXT, entities as they came unless is_literal */
	bool is_literal;         /* of a TEXT: CDATA */
};

void xml_scan_init(struct xml_scan *scan, struct slice utf8);
/* Comments, instructions and document types are passed over.  False: the end. */
bool xml_scan_next(struct xml_scan *scan, struct xml_token *ret_token);
/* Takes the next attribute off *rest; a value without quotes ends at a blank.  False: none left. */
bool xml_scan_attribute(struct slice *rest, struct slice *ret_name, struct slice *ret_value);
/* RAW with its entities resolved; RAW itself where it has none.  Absent: ARENA is full. */
struct slice xml_scan_unescape(struct slice raw, struct arena *arena);
