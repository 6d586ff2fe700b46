/* How a body becomes a report: it is made UTF-8, expat walks the elements, and each known
 * element hands its attributes to one function of the table `elements`.  Those functions cannot
 * fail: the first refusal sticks in the parser, and the walk ends there.
 *
 * An element counts only below its proper parent, so what unknown elements contain is passed
 * over.  What comes twice counts the first time.
 */
#include "cer/level1.h"

#include <stdlib.h>

#include "cer/level1_text.h"
#include "ext/xml.h"
#include "report/os.h"

enum {
	NO_MAXIMUM = 0,
	MAXPATHSTRING = 256, /* characters, [MS-CER2] 2.2.1.2 */
	STRING32 = 32,
	ATTRIBUTES_MAX = 5, /* of an element that we know */
	PENDING_MAX = LIMIT_PARAMS + LIMIT_EXTRA_PARAMS,
	KEEP_BYTES = 64 * 1024 /* a larger buffer is not kept for the next body */
};

#define LCID_MOST INT64_C(9999999999) /* ten digits */

/* A PARAMETER whose id is no number: its place is found when all others have theirs. */
struct pending_param {
	struct slice id;
	struct slice name;
	struct slice value;
};

struct level1_parser {
	struct xml_parser *xml;
	struct buf utf8;

	/* Of the body that is being read. */
	struct arena *arena;
	struct level1_error error; /* reason LEVEL1_REASON_N: not refused */
	struct report report;      /* its lists are the arrays below until the end */
	unsigned open[2];          /* enum element_id of the open root and of its open child */
	unsigned seen;             /* bits 1 << enum element_id */
	size_t n_pending;
	struct pending_param pending[PENDING_MAX];
	struct report_pair extra[LIMIT_EXTRA_PARAMS];
	struct report_pair secondary[LIMIT_SECONDARY_PARAMS];
	struct report_file files[LIMIT_FILES];
};

static const struct {
	const char *name;
	err_t err;
} reasons[LEVEL1_REASON_N] = {
#define LEVEL1_ROW_(code, name, err) [code] = {name, err},
	LEVEL1_REASONS(LEVEL1_ROW_)
#undef LEVEL1_ROW_
};

const char *
level1_reason_name(enum level1_reason reason)
{
	return (unsigned)reason < LEVEL1_REASON_N ? reasons[reason].name : "unknown";
}

struct level1_parser *
level1_parser_new(void)
{
	struct level1_parser *p = calloc(1, sizeof(*p));
	if (p == NULL)
		abort();
	p->xml = xml_parser_new();
	/* At worst each byte is broken and becomes three. */
	buf_init(&p->utf8, (size_t)LIMIT_REPORT_BYTES * 3 + 3);
	return p;
}

void
level1_parser_free(struct level1_parser *p)
{
	if (p == NULL)
		return;
	xml_parser_free(p->xml);
	buf_done(&p->utf8);
	free(p);
}

static bool
is_refused(const struct level1_parser *p)
{
	return p->error.reason != LEVEL1_REASON_N;
}

static void
refuse(struct level1_parser *p, enum level1_reason reason, const char *why)
{
	if (is_refused(p))
		return;
	p->error.reason = reason;
	(void)err_set(&p->error.detail, reasons[reason].err, "%s", why);
}

/* Values: kept in the arena, measured, made numbers. */

static bool
is_longer(struct slice text, size_t characters)
{
	if (characters == NO_MAXIMUM || text.len <= characters)
		return false;
	size_t count = 0;
	for (size_t i = 0; i < text.len; i++)
		count += (text.data[i] & 0xc0) != 0x80;
	return count > characters;
}

static struct slice
keep(struct level1_parser *p, struct slice value)
{
	if (value.len > LIMIT_TEXT_BYTES) {
		refuse(p, LEVEL1_TOO_LARGE, "the value of an attribute is too long");
		return (struct slice){0};
	}
	struct slice copy = slice_dup(p->arena, value);
	if (copy.data == NULL && value.data != NULL)
		refuse(p, LEVEL1_TOO_LARGE, "the report takes too much memory");
	return copy;
}

static void
take_text(struct level1_parser *p, struct slice value, size_t characters, struct slice *text)
{
	if (value.data == NULL || text->data != NULL)
		return;
	if (is_longer(value, characters))
		p->report.flags |= REPORT_FLAG_LONG_TEXT;
	*text = keep(p, value);
}

static void
take_number(struct level1_parser *p, struct slice value, bool *has_number, int64_t *number)
{
	if (value.data == NULL || *has_number)
		return;
	*has_number = slice_to_i64(slice_trim(value), number);
	if (!*has_number)
		p->report.flags |= REPORT_FLAG_BAD_NUMBER;
}

static void
take_lcid(struct level1_parser *p, struct slice value)
{
	struct report *report = &p->report;
	take_number(p, value, &report->has_lcid, &report->lcid);
	if (report->has_lcid && (report->lcid < 0 || report->lcid > LCID_MOST)) {
		report->flags |= REPORT_FLAG_BAD_NUMBER;
		report->has_lcid = false;
		report->lcid = 0;
	}
}

static void
take_event_time(struct level1_parser *p, struct slice value)
{
	struct report *report = &p->report;
	if (value.data == NULL || report->has_event_time)
		return;
	report->has_event_time = slice_to_u64(slice_trim(value), &report->event_filetime);
	if (!report->has_event_time)
		report->flags |= REPORT_FLAG_BAD_NUMBER;
}

static struct slice
or_empty(struct slice value)
{
	return value.data == NULL ? SLICE_LITERAL("") : value;
}

/* One function an element.  VALUE has the attributes in the order of the table below. */

static void
take_machine(struct level1_parser *p, const struct slice *value)
{
	struct os_version os;
	take_text(p, value[0], MAXPATHSTRING, &p->report.machine);
	if (value[1].data != NULL && p->report.os.data == NULL && !os_parse(value[1], &os))
		p->report.flags |= REPORT_FLAG_BAD_OS;
	take_text(p, value[1], NO_MAXIMUM, &p->report.os);
	take_lcid(p, value[2]);
	take_text(p, value[3], STRING32, &p->report.oem);
}

static void
take_user(struct level1_parser *p, const struct slice *value)
{
	take_text(p, value[0], NO_MAXIMUM, &p->report.user);
}

static void
take_application(struct level1_parser *p, const struct slice *value)
{
	take_text(p, value[0], MAXPATHSTRING, &p->report.app_name);
	take_text(p, value[1], MAXPATHSTRING, &p->report.app_path);
	take_text(p, value[2], MAXPATHSTRING, &p->report.app_company);
}

static void
take_event(struct level1_parser *p, const struct slice *value)
{
	struct report *report = &p->report;
	if (value[0].len > LIMIT_EVENT_TYPE_BYTES)
		refuse(p, LEVEL1_TOO_LARGE, "the event type is too long");
	take_text(p, value[0], NO_MAXIMUM, &report->event_type);
	take_number(p, value[1], &report->has_report_type, &report->report_type);
	take_event_time(p, value[2]);
	take_text(p, value[3], NO_MAXIMUM, &report->friendly_event_name);
	take_text(p, value[4], NO_MAXIMUM, &report->event_description);
}

static void
add_extra_param(struct level1_parser *p, struct slice id, struct slice value)
{
	struct report *report = &p->report;
	report->flags |= REPORT_FLAG_EXTRA_PARAMS;
	for (size_t i = 0; i < report->n_extra_params; i++) {
		if (slice_equal(p->extra[i].name, id)) {
			report->flags |= REPORT_FLAG_DUPLICATE_PARAM;
			return;
		}
	}
	if (report->n_extra_params == LIMIT_EXTRA_PARAMS)
		refuse(p, LEVEL1_TOO_DEEP_OR_MANY, "too many parameters");
	else
		p->extra[report->n_extra_params++] = (struct report_pair){id, value};
}

static void
add_pending_param(struct level1_parser *p, const struct slice *value)
{
	if (p->n_pending == PENDING_MAX) {
		refuse(p, LEVEL1_TOO_DEEP_OR_MANY, "too many parameters");
		return;
	}
	p->report.flags |= REPORT_FLAG_BAD_PARAM_ID;
	p->pending[p->n_pending++] = (struct pending_param){
		.id = keep(p, or_empty(value[1])),
		.name = keep(p, value[2]),
		.value = keep(p, or_empty(value[0])),
	};
}

static void
take_param(struct level1_parser *p, const struct slice *value)
{
	uint64_t position;
	if (!slice_to_u64(slice_trim(value[1]), &position)) {
		add_pending_param(p, value);
		return;
	}
	if (position >= LIMIT_PARAMS) {
		add_extra_param(p, keep(p, value[1]), keep(p, or_empty(value[0])));
		return;
	}
	struct report_param *param = &p->report.params[position];
	if (param->value.data != NULL) {
		p->report.flags |= REPORT_FLAG_DUPLICATE_PARAM;
		return;
	}
	param->name = keep(p, value[2]);
	param->value = keep(p, or_empty(value[0]));
}

static void
take_secondary(struct level1_parser *p, const struct slice *value)
{
	if (p->report.n_secondary == LIMIT_SECONDARY_PARAMS) {
		refuse(p, LEVEL1_TOO_DEEP_OR_MANY, "too many secondary parameters");
		return;
	}
	p->secondary[p->report.n_secondary++] = (struct report_pair){
		.name = keep(p, or_empty(value[0])),
		.value = keep(p, or_empty(value[1])),
	};
}

static void
take_file(struct level1_parser *p, const struct slice *value)
{
	if (p->report.n_files == LIMIT_FILES) {
		refuse(p, LEVEL1_TOO_DEEP_OR_MANY, "too many files");
		return;
	}
	struct report_file *file = &p->files[p->report.n_files++];
	*file = (struct report_file){0};
	take_text(p, or_empty(value[0]), MAXPATHSTRING, &file->name);
	take_text(p, value[1], NO_MAXIMUM, &file->type_text);
	take_number(p, value[1], &file->has_type, &file->type);
}

/* What may stand where, [MS-CER2] 2.2.1.3. */

enum element_id {
	ELEMENT_UNKNOWN,
	ELEMENT_ROOT,
	ELEMENT_MACHINE,
	ELEMENT_USER,
	ELEMENT_APPLICATION,
	ELEMENT_EVENT,
	ELEMENT_SIGNATURE,
	ELEMENT_FILES,
	ELEMENT_PARAM,
	ELEMENT_SECONDARY,
	ELEMENT_FILE,
	ELEMENT_N
};

#define NAME(text)                                                                                 \
	{                                                                                          \
		(const uint8_t *)("" text), sizeof(text) - 1                                       \
	}
/* clang-format off */
static const struct element {
	struct slice name;
	enum element_id parent;
	bool is_repeated;  /* may come more than once */
	size_t n_required; /* so many of the attributes, from the first */
	struct slice attributes[ATTRIBUTES_MAX];
	void (*take)(struct level1_parser *p, const struct slice *value);
} elements[ELEMENT_N] = {
	[ELEMENT_ROOT] = {NAME("WERREPORT"), ELEMENT_UNKNOWN, false, 0, {{0}}, NULL},
	[ELEMENT_MACHINE] = {NAME("MACHINEINFO"), ELEMENT_ROOT, false, 3,
		{NAME("machinename"), NAME("os"), NAME("lcid"), NAME("oem")}, take_machine},
	[ELEMENT_USER] = {NAME("USERINFO"), ELEMENT_ROOT, false, 1,
		{NAME("username")}, take_user},
	[ELEMENT_APPLICATION] = {NAME("APPLICATIONINFO"), ELEMENT_ROOT, false, 2,
		{NAME("appname"), NAME("apppath"), NAME("appcompany")}, take_application},
	[ELEMENT_EVENT] = {NAME("EVENTINFO"), ELEMENT_ROOT, false, 3,
		{NAME("eventtype"), NAME("reporttype"), NAME("eventtime"),
		 NAME("friendlyeventname"), NAME("eventdescription")}, take_event},
	[ELEMENT_SIGNATURE] = {NAME("SIGNATURE"), ELEMENT_ROOT, false, 0, {{0}}, NULL},
	[ELEMENT_FILES] = {NAME("FILES"), ELEMENT_ROOT, false, 0, {{0}}, NULL},
	[ELEMENT_PARAM] = {NAME("PARAMETER"), ELEMENT_SIGNATURE, true, 1,
		{NAME("value"), NAME("id"), NAME("name")}, take_param},
	[ELEMENT_SECONDARY] = {NAME("SECONDARYPARAMETER"), ELEMENT_SIGNATURE, true, 2,
		{NAME("name"), NAME("value")}, take_secondary},
	[ELEMENT_FILE] = {NAME("FILE"), ELEMENT_FILES, true, 2,
		{NAME("filename"), NAME("filetype")}, take_file},
};
/* clang-format on */
#undef NAME

typedef bool equal_fn(struct slice a, struct slice b);

static enum element_id
find_element(struct slice name, enum element_id parent, equal_fn *equal)
{
	for (unsigned id = ELEMENT_ROOT; id < ELEMENT_N; id++)
		if (elements[id].parent == parent && equal(elements[id].name, name))
			return id;
	return ELEMENT_UNKNOWN;
}

/* Which element this is, by where it stands and by its name: exact, else without case. */
static enum element_id
recognize(const struct level1_parser *p, struct slice name, size_t depth)
{
	if (depth > 2 || (depth > 0 && p->open[depth - 1] == ELEMENT_UNKNOWN))
		return ELEMENT_UNKNOWN;
	enum element_id parent = depth == 0 ? ELEMENT_UNKNOWN : p->open[depth - 1];
	enum element_id id = find_element(name, parent, slice_equal);
	return id != ELEMENT_UNKNOWN ? id : find_element(name, parent, slice_equal_nocase);
}

/* ATTRIBUTES_MAX: the element has none of this name. */
static size_t
find_attribute(const struct element *element, struct slice name, equal_fn *equal)
{
	for (size_t i = 0; i < ATTRIBUTES_MAX && element->attributes[i].len > 0; i++)
		if (equal(element->attributes[i], name))
			return i;
	return ATTRIBUTES_MAX;
}

/* Namespaces say nothing here; every document of the specification declares one. */
static bool
is_namespace(struct slice name)
{
	return slice_starts_with(name, SLICE_LITERAL("xmlns")) ||
	       slice_starts_with(name, SLICE_LITERAL("xsi:")) ||
	       slice_starts_with(name, SLICE_LITERAL("xml:"));
}

/* Attributes that are not spelled exactly: without case, where the exact one did not come. */
static void
match_misspelled(struct level1_parser *p, const struct element *element,
		 const struct xml_attribute *attributes, size_t n_attributes, struct slice *values)
{
	for (size_t i = 0; i < n_attributes; i++) {
		struct slice name = attributes[i].name;
		if (find_attribute(element, name, slice_equal) < ATTRIBUTES_MAX)
			continue;
		size_t at = find_attribute(element, name, slice_equal_nocase);
		if (at < ATTRIBUTES_MAX && values[at].data == NULL)
			values[at] = attributes[i].value;
		else if (!is_namespace(name))
			p->report.flags |= REPORT_FLAG_UNKNOWN_PARTS;
	}
}

static void
match_attributes(struct level1_parser *p, const struct element *element,
		 const struct xml_attribute *attributes, size_t n_attributes, struct slice *values)
{
	size_t n_exact = 0;
	for (size_t i = 0; i < n_attributes; i++) {
		size_t at = find_attribute(element, attributes[i].name, slice_equal);
		if (at == ATTRIBUTES_MAX)
			continue;
		values[at] = attributes[i].value;
		n_exact++;
	}
	if (n_exact < n_attributes)
		match_misspelled(p, element, attributes, n_attributes, values);
	for (size_t i = 0; i < element->n_required; i++)
		if (values[i].data == NULL)
			p->report.flags |= REPORT_FLAG_MISSING_PARTS;
}

static err_t
open_element(void *context, struct slice name, const struct xml_attribute *attributes,
	     size_t n_attributes, size_t depth, uint64_t offset)
{
	struct level1_parser *p = context;
	struct slice values[ATTRIBUTES_MAX] = {{0}};
	enum element_id id = recognize(p, name, depth);
	const struct element *element = &elements[id];
	(void)offset;
	if (depth < 2)
		p->open[depth] = id;
	if (id == ELEMENT_UNKNOWN && depth == 0)
		refuse(p, LEVEL1_NOT_WERREPORT, "the root element is no WERREPORT");
	if (id == ELEMENT_UNKNOWN || (!element->is_repeated && (p->seen & 1U << id) != 0))
		p->report.flags |= REPORT_FLAG_UNKNOWN_PARTS;
	p->seen |= 1U << id;
	if (id != ELEMENT_UNKNOWN)
		match_attributes(p, element, attributes, n_attributes, values);
	if (element->take != NULL)
		element->take(p, values);
	return is_refused(p) ? reasons[p->error.reason].err : OK;
}

/* The end: every parameter gets its place, the lists go to the arena. */

static void
place_pending(struct level1_parser *p)
{
	struct report_param *params = p->report.params;
	size_t place = 0;
	for (size_t i = 0; i < p->n_pending; i++) {
		const struct pending_param *pending = &p->pending[i];
		while (place < LIMIT_PARAMS && params[place].value.data != NULL)
			place++;
		if (place < LIMIT_PARAMS)
			params[place] = (struct report_param){pending->name, pending->value};
		else
			add_extra_param(p, pending->id, pending->value);
	}
}

static void *
keep_list(struct level1_parser *p, const void *list, size_t count, size_t each_bytes)
{
	if (count == 0)
		return NULL;
	void *copy = arena_array(p->arena, count, each_bytes);
	if (copy == NULL)
		refuse(p, LEVEL1_TOO_LARGE, "the report takes too much memory");
	else
		memcpy(copy, list, count * each_bytes);
	return copy;
}

static void
finish(struct level1_parser *p)
{
	const unsigned required =
		1U << ELEMENT_MACHINE | 1U << ELEMENT_USER | 1U << ELEMENT_SIGNATURE;
	struct report *r = &p->report;
	if (slice_trim(r->event_type).len == 0)
		refuse(p, LEVEL1_NO_EVENT_TYPE, "no event type");
	if ((p->seen & required) != required)
		r->flags |= REPORT_FLAG_MISSING_PARTS;
	place_pending(p);
	for (size_t i = 0; i < LIMIT_PARAMS; i++)
		if (r->params[i].value.data != NULL)
			r->n_params = i + 1;
	r->extra_params = keep_list(p, p->extra, r->n_extra_params, sizeof(p->extra[0]));
	r->secondary = keep_list(p, p->secondary, r->n_secondary, sizeof(p->secondary[0]));
	r->files = keep_list(p, p->files, r->n_files, sizeof(p->files[0]));
}

static enum level1_reason
reason_of(err_t err)
{
	switch (err) {
	case ERR_TRUNCATED:
		return LEVEL1_TRUNCATED;
	case ERR_UNSUPPORTED:
		return LEVEL1_DOCTYPE;
	case ERR_LIMIT:
		return LEVEL1_TOO_DEEP_OR_MANY;
	default:
		return LEVEL1_NOT_XML;
	}
}

static void
read_document(struct level1_parser *p, struct slice body)
{
	static const struct xml_limits limits = {
		.depth = LIMIT_XML_DEPTH,
		.attributes = LIMIT_XML_ATTRIBUTES,
		.elements = LIMIT_XML_ELEMENTS,
	};
	static const struct xml_handler handler = {.on_open = open_element};
	struct level1_text text;
	struct err_detail detail;
	level1_text_decode(body, &p->utf8, &text);
	if (text.is_broken)
		p->report.flags |= REPORT_FLAG_BAD_TEXT;
	if (text.utf8.len == 0) {
		refuse(p, LEVEL1_EMPTY, "nothing in the body");
		return;
	}
	err_t err = xml_parse(p->xml, text.utf8, &limits, &handler, p, &detail);
	if (err == OK) {
		finish(p);
		return;
	}
	refuse(p, reason_of(err), detail.why);
	p->error.detail.offset = level1_text_offset(&text, body, detail.offset);
}

err_t
level1_parse(struct level1_parser *p, struct slice body, struct arena *arena,
	     struct report *ret_report, struct level1_error *reterr)
{
	p->arena = arena;
	p->error.reason = LEVEL1_REASON_N;
	p->error.detail.offset = 0;
	p->report = (struct report){0};
	p->seen = 0;
	p->n_pending = 0;
	if (body.len > LIMIT_REPORT_BYTES)
		refuse(p, LEVEL1_TOO_LARGE, "the body is too large");
	else
		read_document(p, body);
	if (p->utf8.capacity > KEEP_BYTES)
		buf_done(&p->utf8);
	if (is_refused(p)) {
		*reterr = p->error;
		return reasons[p->error.reason].err;
	}
	*ret_report = p->report;
	return OK;
}
