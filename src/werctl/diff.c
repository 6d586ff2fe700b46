#include "werctl/diff.h"

#include <stddef.h>
#include <stdio.h>

#include "base/time.h"

struct differ {
	diff_each_fn each;
	void *context;
};

enum {
	ATTRIBUTE_BYTES = 320,
	ATTRIBUTE_NAME_BYTES = 300,
	NUMBER_BYTES = 32
};

static void
emit(const struct differ *differ, const char *attribute, struct slice name, struct slice a,
     struct slice b)
{
	if (slice_is_absent(a) && slice_is_absent(b))
		return;
	struct diff_row row = {
		.attribute = attribute,
		.name = name,
		.a = a,
		.b = b,
		.is_equal = slice_is_absent(a) == slice_is_absent(b) && slice_equal(a, b),
	};
	differ->each(differ->context, &row);
}

static struct slice
number_text(bool has, int64_t number, char text[NUMBER_BYTES])
{
	if (!has)
		return (struct slice){NULL, 0};
	(void)snprintf(text, NUMBER_BYTES, "%lld", (long long)number);
	return slice_str(text);
}

static void
emit_number(const struct differ *differ, const char *attribute, bool has_a, int64_t a, bool has_b,
	    int64_t b)
{
	char text_a[NUMBER_BYTES];
	char text_b[NUMBER_BYTES];
	emit(differ, attribute, (struct slice){NULL, 0}, number_text(has_a, a, text_a),
	     number_text(has_b, b, text_b));
}

static struct slice
event_time_text(const struct report *report, char text[TIME_TEXT_BYTES])
{
	int64_t time_us;
	if (!report->has_event_time || !time_from_filetime(report->event_filetime, &time_us))
		return (struct slice){NULL, 0};
	return slice_str(time_format(time_us, text));
}

static void
emit_event_time(const struct differ *differ, const struct report *a, const struct report *b)
{
	char text_a[TIME_TEXT_BYTES];
	char text_b[TIME_TEXT_BYTES];
	emit(differ, "event_time", (struct slice){NULL, 0}, event_time_text(a, text_a),
	     event_time_text(b, text_b));
}

static void
emit_texts(const struct differ *differ, const struct report *a, const struct report *b)
{
	static const struct {
		const char *name;
		size_t offset;
	} texts[] = {
		{"machine", offsetof(struct report, machine)},
		{"os", offsetof(struct report, os)},
		{"oem", offsetof(struct report, oem)},
		{"user", offsetof(struct report, user)},
		{"app_name", offsetof(struct report, app_name)},
		{"app_path", offsetof(struct report, app_path)},
		{"app_company", offsetof(struct report, app_company)},
		{"event_type", offsetof(struct report, event_type)},
		{"friendly_event_name", offsetof(struct report, friendly_event_name)},
		{"event_description", offsetof(struct report, event_description)},
	};
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct slice text_a;
		struct slice text_b;
		memcpy(&text_a, (const uint8_t *)a + texts[i].offset, sizeof(text_a));
		memcpy(&text_b, (const uint8_t *)b + texts[i].offset, sizeof(text_b));
		emit(differ, texts[i].name, (struct slice){NULL, 0}, text_a, text_b);
	}
}

static struct slice
param_value(const struct report *report, size_t position)
{
	return position < report->n_params ? report->params[position].value
					   : (struct slice){NULL, 0};
}

static void
emit_params(const struct differ *differ, const struct report *a, const struct report *b)
{
	char attribute[NUMBER_BYTES];
	for (size_t i = 0; i < LIMIT_PARAMS; i++) {
		struct slice name =
			a->params[i].name.len > 0 ? a->params[i].name : b->params[i].name;
		(void)snprintf(attribute, sizeof(attribute), "param %zu", i);
		emit(differ, attribute, name, param_value(a, i), param_value(b, i));
	}
}

static const struct report_pair *
find_pair(const struct report_pair *pairs, size_t count, struct slice name)
{
	for (size_t i = 0; i < count; i++) {
		if (slice_equal_nocase(pairs[i].name, name))
			return &pairs[i];
	}
	return NULL;
}

/* "KIND NAME"; a very long name is cut. */
static const char *
attribute_text(const char *kind, struct slice name, char text[ATTRIBUTE_BYTES])
{
	int len = name.len > ATTRIBUTE_NAME_BYTES ? ATTRIBUTE_NAME_BYTES : (int)name.len;
	(void)snprintf(text, ATTRIBUTE_BYTES, "%.16s %.*s", kind, len, (const char *)name.data);
	return text;
}

static void
emit_pairs(const struct differ *differ, const char *kind, const struct report_pair *a, size_t n_a,
	   const struct report_pair *b, size_t n_b)
{
	char attribute[ATTRIBUTE_BYTES];
	for (size_t i = 0; i < n_a; i++) {
		const struct report_pair *other = find_pair(b, n_b, a[i].name);
		emit(differ, attribute_text(kind, a[i].name, attribute), (struct slice){NULL, 0},
		     a[i].value, other == NULL ? (struct slice){NULL, 0} : other->value);
	}
	for (size_t i = 0; i < n_b; i++) {
		if (find_pair(a, n_a, b[i].name) != NULL)
			continue;
		emit(differ, attribute_text(kind, b[i].name, attribute), (struct slice){NULL, 0},
		     (struct slice){NULL, 0}, b[i].value);
	}
}

static const struct report_file *
find_file(const struct report *report, struct slice name)
{
	for (size_t i = 0; i < report->n_files; i++) {
		if (slice_equal_nocase(report->files[i].name, name))
			return &report->files[i];
	}
	return NULL;
}

static void
emit_files(const struct differ *differ, const struct report *a, const struct report *b)
{
	char attribute[ATTRIBUTE_BYTES];
	for (size_t i = 0; i < a->n_files; i++) {
		const struct report_file *other = find_file(b, a->files[i].name);
		emit(differ, attribute_text("file", a->files[i].name, attribute),
		     (struct slice){NULL, 0}, a->files[i].type_text,
		     other == NULL ? (struct slice){NULL, 0} : other->type_text);
	}
	for (size_t i = 0; i < b->n_files; i++) {
		if (find_file(a, b->files[i].name) != NULL)
			continue;
		emit(differ, attribute_text("file", b->files[i].name, attribute),
		     (struct slice){NULL, 0}, (struct slice){NULL, 0}, b->files[i].type_text);
	}
}

void
diff_reports(const struct report *a, const struct report *b, diff_each_fn each, void *context)
{
	const struct differ differ = {each, context};
	emit_texts(&differ, a, b);
	emit_number(&differ, "lcid", a->has_lcid, a->lcid, b->has_lcid, b->lcid);
	emit_number(&differ, "report_type", a->has_report_type, a->report_type, b->has_report_type,
		    b->report_type);
	emit_event_time(&differ, a, b);
	emit_params(&differ, a, b);
	emit_pairs(&differ, "param", a->extra_params, a->n_extra_params, b->extra_params,
		   b->n_extra_params);
	emit_pairs(&differ, "secondary", a->secondary, a->n_secondary, b->secondary,
		   b->n_secondary);
	emit_files(&differ, a, b);
}
