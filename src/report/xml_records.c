#include "report/xml_records.h"

#include "report/rows.h"
#include "report/xml_scan.h"

#define NO_RECORD SIZE_MAX

/* An element that is open. */
struct frame {
	struct slice name;
	struct slice text; /* absent: none but blanks */
	size_t record;     /* NO_RECORD: it has no fields yet */
	bool has_child;
};

/* A field before the records have theirs together. */
struct field {
	size_t record;
	struct report_pair pair;
};

struct walk {
	struct arena *arena;
	struct rows records;
	struct rows fields;
	struct slice root;
	struct frame open[LIMIT_XML_SCAN_DEPTH];
	size_t n_open;
	size_t n_deeper; /* open elements beyond those */
	size_t n_broken;
};

/* The record of the innermost of the first N open elements that has one. */
static size_t
record_around(const struct walk *w, size_t n)
{
	while (n > 0 && w->open[n - 1].record == NO_RECORD)
		n--;
	return n == 0 ? NO_RECORD : w->open[n - 1].record;
}

/* Makes the record of the open element AT where it has none. */
static err_t
need_record(struct walk *w, size_t at)
{
	struct frame *frame = &w->open[at];
	if (frame->record != NO_RECORD)
		return OK;
	struct xml_record *record = rows_add(&w->records, w->arena);
	if (record == NULL)
		return ERR_LIMIT;
	record->name = frame->name;
	record->parent = record_around(w, at);
	frame->record = w->records.n - 1;
	return OK;
}

static err_t
add_field(struct walk *w, size_t at, struct slice name, struct slice value)
{
	err_t err = need_record(w, at);
	struct field *field = err == OK ? rows_add(&w->fields, w->arena) : NULL;
	if (field == NULL)
		return ERR_LIMIT;
	field->record = w->open[at].record;
	field->pair = (struct report_pair){name, value};
	return OK;
}

/* A leaf that is text alone is a field of the element around it. */
static err_t
close_top(struct walk *w)
{
	struct frame frame = w->open[w->n_open - 1];
	bool is_leaf = !frame.has_child && frame.record == NO_RECORD;
	if (is_leaf && w->n_open > 1) {
		w->n_open--;
		return add_field(w, w->n_open - 1, frame.name,
				 slice_is_absent(frame.text) ? SLICE_LITERAL("") : frame.text);
	}
	if (!slice_is_absent(frame.text)) {
		err_t err = need_record(w, w->n_open - 1);
		if (err != OK)
			return err;
		struct xml_record *records = w->records.items;
		records[w->open[w->n_open - 1].record].text = frame.text;
	}
	w->n_open--;
	return OK;
}

static err_t
take_attributes(struct walk *w, struct slice attributes)
{
	struct slice name;
	struct slice raw;
	err_t err = OK;
	while (err == OK && xml_scan_attribute(&attributes, &name, &raw)) {
		struct slice value = xml_scan_unescape(raw, w->arena);
		err = slice_is_absent(value) ? ERR_LIMIT : add_field(w, w->n_open - 1, name, value);
	}
	return err;
}

static err_t
open_element(struct walk *w, const struct xml_token *token)
{
	if (w->n_open > 0)
		w->open[w->n_open - 1].has_child = true;
	if (slice_is_absent(w->root))
		w->root = token->name;
	if (w->n_open == LIMIT_XML_SCAN_DEPTH) {
		w->n_deeper += !token->is_empty;
		w->n_broken++;
		return OK;
	}
	w->open[w->n_open++] = (struct frame){.name = token->name, .record = NO_RECORD};
	err_t err = take_attributes(w, token->attributes);
	return err == OK && token->is_empty ? close_top(w) : err;
}

/* Closes what is open up to the element NAME; one that is not open closes nothing. */
static err_t
close_element(struct walk *w, struct slice name)
{
	size_t at = w->n_open;
	if (w->n_deeper > 0) {
		w->n_deeper--;
		return OK;
	}
	while (at > 0 && !slice_equal(w->open[at - 1].name, name))
		at--;
	if (at == 0) {
		w->n_broken++;
		return OK;
	}
	w->n_broken += w->n_open - at;
	err_t err = OK;
	while (err == OK && w->n_open >= at)
		err = close_top(w);
	return err;
}

static err_t
take_text(struct walk *w, const struct xml_token *token)
{
	struct slice text = slice_trim(token->text);
	if (text.len == 0)
		return OK;
	if (w->n_open == 0 || w->n_deeper > 0 || !slice_is_absent(w->open[w->n_open - 1].text)) {
		w->n_broken++;
		return OK;
	}
	if (!token->is_literal)
		text = xml_scan_unescape(text, w->arena);
	w->open[w->n_open - 1].text = text;
	return slice_is_absent(text) ? ERR_LIMIT : OK;
}

static err_t
take_token(struct walk *w, const struct xml_token *token)
{
	switch (token->kind) {
	case XML_TOKEN_OPEN:
		return open_element(w, token);
	case XML_TOKEN_CLOSE:
		return close_element(w, token->name);
	case XML_TOKEN_TEXT:
	default:
		return take_text(w, token);
	}
}

/* Each record's fields one behind the other, in the order in which they came. */
static err_t
place_fields(struct walk *w)
{
	struct xml_record *records = w->records.items;
	const struct field *fields = w->fields.items;
	struct report_pair *pairs = arena_array(w->arena, w->fields.n, sizeof(*pairs));
	struct report_pair *next = pairs;
	if (pairs == NULL)
		return ERR_LIMIT;
	for (size_t i = 0; i < w->fields.n; i++)
		records[fields[i].record].n_fields++;
	for (size_t i = 0; i < w->records.n; i++) {
		records[i].fields = next;
		next += records[i].n_fields;
		records[i].n_fields = 0;
	}
	for (size_t i = 0; i < w->fields.n; i++) {
		struct xml_record *record = &records[fields[i].record];
		record->fields[record->n_fields++] = fields[i].pair;
	}
	return OK;
}

err_t
xml_records_parse(struct slice utf8, struct arena *arena, struct xml_records *ret_records)
{
	struct walk w = {
		.arena = arena,
		.records = ROWS_OF(struct xml_record, LIMIT_XML_RECORDS),
		.fields = ROWS_OF(struct field, LIMIT_XML_FIELDS),
	};
	struct xml_scan scan;
	struct xml_token token;
	err_t err = OK;
	xml_scan_init(&scan, utf8);
	while (err == OK && xml_scan_next(&scan, &token))
		err = take_token(&w, &token);
	w.n_broken += w.n_open;
	while (err == OK && w.n_open > 0)
		err = close_top(&w);
	if (err == OK)
		err = place_fields(&w);
	if (err != OK)
		return err;
	*ret_records = (struct xml_records){
		.root = w.root,
		.items = w.records.items,
		.n = w.records.n,
		.n_broken = w.n_broken + scan.n_broken,
	};
	return OK;
}

struct slice
xml_record_field(const struct xml_record *record, const char *name)
{
	struct slice wanted = slice_str(name);
	for (size_t i = 0; i < record->n_fields; i++)
		if (slice_equal_nocase(record->fields[i].name, wanted))
			return record->fields[i].value;
	return (struct slice){NULL, 0};
}

void
xml_record_put_json(const struct xml_record *record, struct json *object)
{
	struct json *fields = json_new_list();
	json_put_text(object, "element", record->name);
	if (!slice_is_absent(record->text))
		json_put_text(object, "text", record->text);
	for (size_t i = 0; i < record->n_fields; i++) {
		struct json *field = json_new_object();
		json_put_text(field, "name", record->fields[i].name);
		json_put_text(field, "value", record->fields[i].value);
		json_add(fields, field);
	}
	json_put(object, "fields", fields);
}
