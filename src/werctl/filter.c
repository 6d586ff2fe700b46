#include "werctl/filter.h"

#include "ext/crypto.h"
#include "store/id.h"

static struct slice
text_option(const struct werctl *w, enum option_code code)
{
	return slice_str(w->options.text[code]);
}

/* ---- buckets by their other numbers ---- */

static err_t
find_legacy(struct werctl *w, uint64_t legacy, uint64_t *ret_bucket)
{
	struct derived *derived;
	err_t err = werctl_derived(w, &derived);
	if (err == OK)
		err = derived_find_bucket_legacy(derived, legacy, ret_bucket);
	if (err == ERR_NOTFOUND)
		return err_set(&w->detail, err, "no bucket has the legacy number %llu",
			       (unsigned long long)legacy);
	return err;
}

static err_t
find_hashed(struct werctl *w, const char *text, const struct buf *hashed, uint64_t *ret_bucket)
{
	struct derived *derived;
	err_t err = werctl_derived(w, &derived);
	if (err == OK)
		err = derived_find_bucket_hashed(derived, hashed->data, ret_bucket);
	if (err == ERR_NOTFOUND)
		return err_set(&w->detail, err, "no bucket has the hashed number %s", text);
	return err;
}

err_t
filter_find_bucket(struct werctl *w, const char *id, uint64_t *ret_bucket)
{
	struct slice text = slice_str(id);
	struct buf hashed;
	uint64_t number;
	buf_init(&hashed, LABEL_HASHED_BYTES);
	if (text.len == (size_t)2 * LABEL_HASHED_BYTES && text_from_hex(text, &hashed)) {
		err_t err = find_hashed(w, id, &hashed, ret_bucket);
		buf_done(&hashed);
		return err;
	}
	buf_done(&hashed);
	if (!slice_to_u64(text, &number) || number == 0)
		return err_set(&w->detail, ERR_USAGE, "'%s' is no bucket number", id);
	if (number > INT32_MAX)
		return find_legacy(w, number, ret_bucket);
	*ret_bucket = number;
	return OK;
}

err_t
filter_report_id(struct werctl *w, const char *text, uint64_t *ret_id)
{
	if (id_parse(slice_str(text), ret_id))
		return OK;
	return err_set(&w->detail, ERR_USAGE, "'%s' is no report id", text);
}

/* ---- from the options ---- */

err_t
filter_from_options(struct werctl *w, struct report_filter *ret_filter)
{
	struct report_filter filter = {
		.since_us = w->options.time_us[OPTION_SINCE],
		.until_us = w->options.time_us[OPTION_UNTIL],
		.event = text_option(w, OPTION_EVENT),
		.app = text_option(w, OPTION_APP),
		.module = text_option(w, OPTION_MODULE),
		.machine = text_option(w, OPTION_MACHINE),
		.user = text_option(w, OPTION_USER),
		.code = text_option(w, OPTION_CODE),
		.text = text_option(w, OPTION_TEXT),
	};
	if (filter.text.len > 0 && filter.text.len < FILTER_TEXT_LEAST_BYTES)
		return err_set(&w->detail, ERR_USAGE, "--text: at least %d characters",
			       FILTER_TEXT_LEAST_BYTES);
	if (option_is_given(&w->options, OPTION_BUCKET)) {
		err_t err = filter_find_bucket(w, w->options.text[OPTION_BUCKET], &filter.bucket);
		if (err != OK)
			return err;
	}
	*ret_filter = filter;
	return OK;
}

err_t
filter_page(struct werctl *w, uint64_t default_limit, struct page *ret_page)
{
	struct page page = {0, option_number(&w->options, OPTION_LIMIT, default_limit)};
	const char *after = w->options.text[OPTION_AFTER];
	if (after != NULL && (!slice_to_u64(slice_str(after), &page.after) || page.after == 0))
		return err_set(&w->detail, ERR_USAGE, "--after: '%s' is no cursor", after);
	*ret_page = page;
	return OK;
}

/* ---- against one report ---- */

static bool
text_matches_value(struct slice wanted, struct slice value)
{
	return text_has_wildcard(wanted) ? text_matches(wanted, value)
					 : slice_equal_nocase(wanted, value);
}

static bool
matches_app(struct slice wanted, const struct record *record)
{
	return text_matches_value(wanted, record->label.app) ||
	       text_matches_value(wanted, record->report.app_name) ||
	       text_matches_value(wanted, record->report.app_path);
}

static bool
matches_event(struct slice wanted, const struct record *record)
{
	return text_matches_value(wanted, record->report.event_type) ||
	       text_matches_value(event_canonical(wanted), record_event_type(record));
}

static bool
matches_code(struct slice wanted, struct slice code)
{
	uint64_t a;
	uint64_t b;
	if (slice_hex_to_u64(wanted, &a) && slice_hex_to_u64(code, &b))
		return a == b;
	return text_matches_value(wanted, code); /* CLR20r3 has an exception's type there */
}

static bool
contains(struct slice text, struct slice wanted)
{
	for (size_t at = 0; at + wanted.len <= text.len; at++) {
		if (slice_equal_nocase(slice_sub(text, at, wanted.len), wanted))
			return true;
	}
	return false;
}

/* Values alone, as in derived: names of parameters and files are the same in every report of a
 * type, or different in every report. */
static bool
list_contains(const struct report *report, struct slice wanted)
{
	for (size_t i = 0; i < report->n_params; i++) {
		if (contains(report->params[i].value, wanted))
			return true;
	}
	for (size_t i = 0; i < report->n_extra_params; i++) {
		if (contains(report->extra_params[i].value, wanted))
			return true;
	}
	for (size_t i = 0; i < report->n_secondary; i++) {
		if (contains(report->secondary[i].value, wanted))
			return true;
	}
	return false;
}

static bool
matches_text(struct slice wanted, const struct report *r)
{
	const struct slice texts[] = {r->machine,
				      r->os,
				      r->oem,
				      r->user,
				      r->app_name,
				      r->app_path,
				      r->app_company,
				      r->event_type,
				      r->friendly_event_name,
				      r->event_description};
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (contains(texts[i], wanted))
			return true;
	}
	return list_contains(r, wanted);
}

static bool
matches_time(const struct report_filter *filter, uint64_t id)
{
	int64_t received_us = id_time_us(id);
	return (filter->since_us == 0 || received_us >= filter->since_us) &&
	       (filter->until_us == 0 || received_us < filter->until_us);
}

bool
filter_matches(const struct report_filter *filter, const struct record *record)
{
	const struct report *report = &record->report;
	return matches_time(filter, record->stored.id) &&
	       (filter->bucket == 0 || filter->bucket == record->stored.bucket) &&
	       (filter->event.len == 0 || matches_event(filter->event, record)) &&
	       (filter->app.len == 0 || matches_app(filter->app, record)) &&
	       (filter->module.len == 0 ||
		text_matches_value(filter->module, record->label.module)) &&
	       (filter->machine.len == 0 || text_matches_value(filter->machine, report->machine)) &&
	       (filter->user.len == 0 || text_matches_value(filter->user, report->user)) &&
	       (filter->code.len == 0 || matches_code(filter->code, record->label.code)) &&
	       (filter->text.len == 0 || matches_text(filter->text, report));
}
