/* xml_records.h - what an XML file describes, without knowing its form
 *
 * An element that has attributes, or children that are leaves, is a record; its attributes and
 * leaves are the record's fields, in order:  <DRIVER NAME="a"><SIZE>1</SIZE></DRIVER>  is a record
 * DRIVER with NAME a, SIZE 1.  Reads what is not well-formed, and counts the places: see
 * xml_scan.h.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "ext/json.h"
#include "report/report.h"

struct xml_record {
	struct slice name; /* of the element */
	struct slice text; /* its own, trimmed; absent: none */
	size_t parent;     /* the record of the nearest element around it; SIZE_MAX: none has one */
	struct report_pair *fields;
	size_t n_fields;
};

struct xml_records {
	struct slice root; /* name of the first element; absent: there is none */
	struct xml_record *items;
	size_t n;
	size_t n_broken; /* places that are no well-formed XML, are too deep, or text beside text */
};

/* Texts are slices of UTF8 or live in ARENA.  ERR_LIMIT: LIMIT_XML_RECORDS or _FIELDS, or ARENA is
 * full. */
err_t xml_records_parse(struct slice utf8, struct arena *arena,
			struct xml_records *ret_records) ERR_CHECK;
/* The field of that name, ASCII case folds; absent when there is none. */
struct slice xml_record_field(const struct xml_record *record, const char *name);
/* "element", "text" when it has one, "fields": [{name, value}]. */
void xml_record_put_json(const struct xml_record *record, struct json *object);
