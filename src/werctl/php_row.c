#include "werctl/php_row.h"

#include <stdio.h>

#include "base/text.h"
#include "base/time.h"
#include "ext/json.h"

enum {
	ID_DIGITS = 32,
	ID_SEARCH_BYTES = 1024 /* ids stand in short values: themselves, paths, URLs */
};
/* A FILETIME of 1900 and the seconds of the year 5138: what is larger is one, what is smaller
 * the other. */
static const uint64_t FILETIME_LEAST = UINT64_C(94354848000000000);
static const uint64_t SECONDS_MOST = UINT64_C(100000000000);

/* The value of the first column that has one of NAMES, separated by blanks; the best name
 * first. */
static struct slice
find_value(const struct foreign_row *row, const char *names)
{
	struct slice rest = slice_str(names);
	while (rest.len > 0) {
		char wanted[64];
		struct slice name = rest;
		if (!slice_cut(rest, ' ', &name, &rest))
			rest = (struct slice){NULL, 0};
		(void)snprintf(wanted, sizeof(wanted), "%.*s", SLICE_ARGS(name));
		for (size_t i = 0; i < row->n_columns; i++) {
			if (foreign_is_named(row->names[i], wanted) &&
			    !slice_is_absent(row->values[i]))
				return row->values[i];
		}
	}
	return (struct slice){NULL, 0};
}

static bool
begins_document(struct slice value)
{
	return slice_starts_with(value, SLICE_LITERAL("\xff\xfe<")) ||
	       slice_starts_with(value, SLICE_LITERAL("\xfe\xff\0<")) ||
	       slice_starts_with(value, SLICE_LITERAL("<\0")) ||
	       slice_starts_with(value, SLICE_LITERAL("<?xml")) ||
	       slice_starts_with(value, SLICE_LITERAL("\xef\xbb\xbf<")) ||
	       slice_starts_with(value, SLICE_LITERAL("<WERREPORT"));
}

struct slice
php_row_document(const struct foreign_row *row)
{
	for (size_t i = 0; i < row->n_columns; i++) {
		if (begins_document(row->values[i]))
			return row->values[i];
	}
	return (struct slice){NULL, 0};
}

/* ---- ids ---- */

static bool
is_hex(uint8_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* The first run of exactly 32 hex digits; absent when there is none. */
static struct slice
find_id(struct slice value)
{
	size_t run = 0;
	for (size_t i = 0; i <= value.len; i++) {
		if (i < value.len && is_hex(value.data[i])) {
			run++;
			continue;
		}
		if (run == ID_DIGITS)
			return slice_sub(value, i - ID_DIGITS, ID_DIGITS);
		run = 0;
	}
	return (struct slice){NULL, 0};
}

struct slice
php_row_id(const struct foreign_row *row, size_t n)
{
	for (size_t i = 0; i < row->n_columns; i++) {
		if (slice_is_absent(row->values[i]) || row->values[i].len > ID_SEARCH_BYTES)
			continue;
		struct slice id = find_id(row->values[i]);
		if (!slice_is_absent(id) && n-- == 0)
			return id;
	}
	return (struct slice){NULL, 0};
}

/* ---- parameters ---- */

static void
set_param(struct report *report, size_t position, struct slice name, struct slice value)
{
	if (position >= LIMIT_PARAMS || slice_is_absent(value))
		return;
	report->params[position] = (struct report_param){name, value};
	if (position >= report->n_params)
		report->n_params = position + 1;
}

/* p0..p9, or p1..p10 where there is no p0; with other stems too. */
static void
read_numbered(const struct foreign_row *row, struct report *report)
{
	static const char *const stems[] = {"p", "param", "parameter", "sig", "problemsignature"};
	for (size_t s = 0; s < sizeof(stems) / sizeof(stems[0]) && report->n_params == 0; s++) {
		char name[32];
		(void)snprintf(name, sizeof(name), "%s0", stems[s]);
		size_t first = slice_is_absent(find_value(row, name)) ? 1 : 0;
		for (size_t i = 0; i < LIMIT_PARAMS; i++) {
			(void)snprintf(name, sizeof(name), "%s%zu", stems[s], first + i);
			set_param(report, i, (struct slice){NULL, 0}, find_value(row, name));
		}
	}
}

static void
read_json_item(const struct json *item, size_t index, struct arena *arena, struct report *report)
{
	int64_t position;
	if (json_kind(item) != JSON_KIND_OBJECT) {
		set_param(report, index, (struct slice){NULL, 0},
			  slice_dup(arena, json_text(item)));
		return;
	}
	struct slice value = slice_dup(arena, json_text(json_find(item, "value")));
	struct slice name = slice_dup(arena, json_text(json_find(item, "name")));
	const struct json *id = json_find(item, "id");
	if (json_to_i64(id, &position) || slice_to_i64(json_text(id), &position))
		index = position < 0 ? LIMIT_PARAMS : (size_t)position;
	set_param(report, index, name, value);
}

/* A list of values or of {id, name, value}, or an object {"0": value, ...}. */
static bool
read_json(struct slice text, struct arena *arena, struct report *report)
{
	struct json *root;
	if (json_parse(text, &root, NULL) != OK)
		return false;
	for (size_t i = 0; i < LIMIT_PARAMS; i++) {
		char key[4];
		(void)snprintf(key, sizeof(key), "%zu", i);
		const struct json *item =
			json_kind(root) == JSON_KIND_LIST ? json_at(root, i) : json_find(root, key);
		if (item != NULL)
			read_json_item(item, i, arena, report);
	}
	json_free(root);
	return report->n_params > 0;
}

/* A piece of level-1 XML: made whole, it goes through the reader of level 1. */
static bool
read_xml(struct slice text, struct level1_parser *parser, struct arena *arena,
	 struct report *report)
{
	struct report part;
	struct level1_error error;
	struct buf whole;
	bool is_signature = slice_starts_with(text, SLICE_LITERAL("<SIGNATURE"));
	buf_init(&whole, LIMIT_REPORT_BYTES);
	buf_append_str(&whole, "<WERREPORT><EVENTINFO eventtype=\"x\"/>");
	buf_append_str(&whole, is_signature ? "" : "<SIGNATURE>");
	buf_append(&whole, text);
	buf_append_str(&whole, is_signature ? "</WERREPORT>" : "</SIGNATURE></WERREPORT>");
	bool is_read = buf_error(&whole) == OK &&
		       level1_parse(parser, buf_slice(&whole), arena, &part, &error) == OK;
	buf_done(&whole);
	if (!is_read)
		return false;
	memcpy(report->params, part.params, sizeof(report->params));
	report->n_params = part.n_params;
	report->secondary = part.secondary;
	report->n_secondary = part.n_secondary;
	return true;
}

static void
read_lines(struct slice text, struct report *report)
{
	uint8_t separator = memchr(text.data, '\n', text.len) != NULL ? '\n' : '|';
	for (size_t i = 0; text.len > 0 && i < LIMIT_PARAMS; i++) {
		struct slice line = text;
		if (!slice_cut(text, separator, &line, &text))
			text = (struct slice){NULL, 0};
		set_param(report, i, (struct slice){NULL, 0}, slice_trim(line));
	}
}

static void
read_params(const struct foreign_row *row, struct level1_parser *parser, struct arena *arena,
	    struct report *report)
{
	struct slice text = slice_trim(find_value(row, "parameters parameter params signature"));
	read_numbered(row, report);
	if (report->n_params > 0 || text.len == 0)
		return;
	if (text.data[0] == '<' && read_xml(text, parser, arena, report))
		return;
	if ((text.data[0] == '[' || text.data[0] == '{') && read_json(text, arena, report))
		return;
	read_lines(text, report);
}

/* ---- the rest ---- */

/* FILETIME, seconds since 1970, or a time as text. */
static void
read_event_time(struct slice text, struct report *report)
{
	uint64_t number;
	int64_t time_us;
	if (slice_to_u64(text, &number)) {
		if (number < FILETIME_LEAST && number <= SECONDS_MOST)
			number = time_to_filetime((int64_t)number * TIME_SECOND_US);
		report->event_filetime = number;
		report->has_event_time = true;
	} else if (time_parse(text, 0, &time_us)) {
		report->event_filetime = time_to_filetime(time_us);
		report->has_event_time = true;
	}
}

static struct slice
text_value(const struct foreign_row *row, const char *names, struct arena *arena)
{
	struct slice value = find_value(row, names);
	struct buf mended;
	if (slice_is_absent(value) || text_is_utf8(value))
		return value;
	buf_init(&mended, LIMIT_REPORT_ARENA_BYTES);
	(void)text_to_utf8(value, TEXT_UTF8, &mended);
	value = slice_dup(arena, buf_slice(&mended));
	buf_done(&mended);
	return value;
}

bool
php_row_report(const struct foreign_row *row, struct level1_parser *parser, struct arena *arena,
	       struct report *ret_report)
{
	struct report r = {
		.machine = text_value(row, "machinename machine computername computer", arena),
		.os = text_value(row, "os osversion", arena),
		.oem = text_value(row, "oem", arena),
		.user = text_value(row, "username user", arena),
		.app_name = text_value(row, "appname application", arena),
		.app_path = text_value(row, "apppath applicationpath", arena),
		.app_company = text_value(row, "appcompany company", arena),
		.event_type = text_value(row, "eventtype", arena),
		.friendly_event_name = text_value(row, "friendlyeventname", arena),
		.event_description = text_value(row, "eventdescription description", arena),
	};
	if (r.event_type.len == 0)
		return false;
	r.has_lcid = slice_to_i64(find_value(row, "lcid"), &r.lcid);
	r.has_report_type = slice_to_i64(find_value(row, "reporttype"), &r.report_type);
	read_event_time(slice_trim(find_value(row, "eventtime")), &r);
	read_params(row, parser, arena, &r);
	*ret_report = r;
	return true;
}
