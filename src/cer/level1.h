/* level1.h - the XML of a level-1 report, [MS-CER2] 2.2.1, read and written
 *
 * Lenient in what it reads: UTF-16LE or BE with or without byte order mark, or UTF-8, whatever
 * the declaration claims; elements in any order; absent APPLICATIONINFO, FILES; unknown elements
 * and attributes.  Refuses: what is not well-formed XML, has no WERREPORT root, has no event
 * type, has a document type or passes limits.h.  Exact in what it writes: element order and
 * attributes of the specification's examples.
 * Pure: no I/O, no clock.  A parser belongs to one thread.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/text.h"
#include "report/report.h"

/* Why a body was refused: the counter's name and the quarantine's reason. */
#define LEVEL1_REASONS(X)                                                                          \
	X(LEVEL1_EMPTY, "empty", ERR_TRUNCATED)                                                    \
	X(LEVEL1_TRUNCATED, "truncated", ERR_TRUNCATED)                                            \
	X(LEVEL1_NOT_XML, "not_xml", ERR_CORRUPT)                                                  \
	X(LEVEL1_NOT_WERREPORT, "not_werreport", ERR_CORRUPT)                                      \
	X(LEVEL1_NO_EVENT_TYPE, "no_event_type", ERR_CORRUPT)                                      \
	X(LEVEL1_DOCTYPE, "doctype", ERR_UNSUPPORTED)                                              \
	X(LEVEL1_TOO_DEEP_OR_MANY, "xml_limits", ERR_LIMIT)                                        \
	X(LEVEL1_TOO_LARGE, "too_large", ERR_LIMIT)
#define LEVEL1_ENUM_(code, name, err) code,
enum level1_reason {
	LEVEL1_REASONS(LEVEL1_ENUM_) LEVEL1_REASON_N
};
#undef LEVEL1_ENUM_

struct level1_error {
	enum level1_reason reason;
	struct err_detail detail; /* offset: bytes from the start of the body as it came */
};
const char *level1_reason_name(enum level1_reason reason);

struct level1_parser;
struct level1_parser *level1_parser_new(void);
void level1_parser_free(struct level1_parser *parser); /* accepts NULL */

/* *ret_report's texts live in ARENA.  *reterr is written only on failure. */
err_t level1_parse(struct level1_parser *parser, struct slice body, struct arena *arena,
		   struct report *ret_report, struct level1_error *reterr) ERR_CHECK;

/* Appends the document in the encoding, UTF-16 with byte order mark, lines ended by CRLF.  Texts
 * are cut to the lengths of [MS-CER2] 2.2.1.2; empty optional attributes are left out. */
void level1_format(const struct report *report, enum text_encoding encoding, struct buf *out);
