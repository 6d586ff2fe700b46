#include "report/os.h"
#include "report/rows.h"
#include "report/wer_file.h"

/* A part whose line is not there, of an item that is: Windows leaves out lines of empty values. */
static struct slice
or_empty(struct slice value)
{
	return slice_is_absent(value) ? SLICE_LITERAL("") : value;
}

static err_t
take_params(const struct wer_file *file, struct arena *arena, struct report *report)
{
	struct rows extra = ROWS_OF(struct report_pair, LIMIT_EXTRA_PARAMS);
	for (size_t i = 0; i < file->lists[WER_SIGNATURE].n; i++) {
		const struct wer_item *item = &file->lists[WER_SIGNATURE].items[i];
		struct slice value = or_empty(item->parts[WER_PART_VALUE]);
		if (item->index < LIMIT_PARAMS) {
			report->params[item->index] =
				(struct report_param){item->parts[WER_PART_NAME], value};
			report->n_params = item->index + 1;
			continue;
		}
		struct report_pair *pair = rows_add(&extra, arena);
		char *index = arena_printf(arena, "%u", item->index);
		if (pair == NULL || index == NULL)
			return ERR_LIMIT;
		*pair = (struct report_pair){slice_str(index), value};
		report->flags |= REPORT_FLAG_EXTRA_PARAMS;
	}
	report->extra_params = extra.items;
	report->n_extra_params = extra.n;
	return OK;
}

static void
take_lcid(struct slice text, struct report *report)
{
	if (slice_is_absent(text) || report->has_lcid)
		return;
	int64_t lcid;
	if (slice_to_i64(slice_trim(text), &lcid) && lcid >= 0) {
		report->has_lcid = true;
		report->lcid = lcid;
	} else {
		report->flags |= REPORT_FLAG_BAD_NUMBER;
	}
}

static err_t
take_dynamic(const struct wer_file *file, struct arena *arena, struct report *report)
{
	struct rows secondary = ROWS_OF(struct report_pair, LIMIT_SECONDARY_PARAMS);
	struct os_version os;
	for (size_t i = 0; i < file->lists[WER_DYNAMIC_SIGNATURE].n; i++) {
		const struct wer_item *item = &file->lists[WER_DYNAMIC_SIGNATURE].items[i];
		struct slice value = or_empty(item->parts[WER_PART_VALUE]);
		if (item->index == WER_DYNAMIC_OS) {
			report->os = value;
		} else if (item->index == WER_DYNAMIC_LCID) {
			take_lcid(value, report);
		} else {
			struct report_pair *pair = rows_add(&secondary, arena);
			if (pair == NULL)
				return ERR_LIMIT;
			*pair = (struct report_pair){or_empty(item->parts[WER_PART_NAME]), value};
		}
	}
	take_lcid(wer_file_os_info(file, "lcid"), report);
	if (!slice_is_absent(report->os) && !os_parse(report->os, &os))
		report->flags |= REPORT_FLAG_BAD_OS;
	report->secondary = secondary.items;
	report->n_secondary = secondary.n;
	return OK;
}

static err_t
take_files(const struct wer_file *file, struct arena *arena, struct report *report)
{
	struct rows files = ROWS_OF(struct report_file, LIMIT_FILES);
	for (size_t i = 0; i < file->lists[WER_FILE].n; i++) {
		const struct wer_item *item = &file->lists[WER_FILE].items[i];
		struct report_file *into = rows_add(&files, arena);
		if (into == NULL)
			return ERR_LIMIT;
		into->name = or_empty(item->parts[WER_PART_CAB_NAME]);
		into->type_text = item->parts[WER_PART_TYPE];
		if (slice_is_absent(into->type_text))
			continue;
		into->has_type = slice_to_i64(slice_trim(into->type_text), &into->type);
		if (!into->has_type)
			report->flags |= REPORT_FLAG_BAD_NUMBER;
	}
	report->files = files.items;
	report->n_files = files.n;
	return OK;
}

static void
take_event(const struct wer_file *file, struct report *report)
{
	const struct wer_value *values = file->values;
	const struct wer_item *icon = wer_file_item(file, WER_UI, WER_UI_ICON_PATH);
	report->event_type = values[WER_EVENT_TYPE].text;
	report->app_name = values[WER_APP_NAME].text;
	report->app_path = values[WER_APP_PATH].text;
	if (slice_is_absent(report->app_path) && icon != NULL)
		report->app_path = icon->parts[WER_PART_VALUE];
	report->friendly_event_name = values[WER_FRIENDLY_NAME].text;
	report->event_description = values[WER_DESCRIPTION].text;
	report->has_report_type = values[WER_REPORT_TYPE].is_number;
	report->report_type = values[WER_REPORT_TYPE].number;
	report->has_event_time =
		values[WER_EVENT_TIME].is_number && values[WER_EVENT_TIME].number >= 0;
	if (report->has_event_time)
		report->event_filetime = (uint64_t)values[WER_EVENT_TIME].number;
}

/* What level 1 refuses, so that no report is larger than one that came over the wire. */
static bool
is_too_long(const struct report *report)
{
	bool is_long = report->event_type.len > LIMIT_EVENT_TYPE_BYTES ||
		       report->os.len > LIMIT_TEXT_BYTES ||
		       report->app_name.len > LIMIT_TEXT_BYTES ||
		       report->app_path.len > LIMIT_TEXT_BYTES ||
		       report->friendly_event_name.len > LIMIT_TEXT_BYTES ||
		       report->event_description.len > LIMIT_TEXT_BYTES;
	for (size_t i = 0; i < report->n_params; i++)
		is_long |= report->params[i].value.len > LIMIT_TEXT_BYTES ||
			   report->params[i].name.len > LIMIT_TEXT_BYTES;
	for (size_t i = 0; i < report->n_extra_params; i++)
		is_long |= report->extra_params[i].value.len > LIMIT_TEXT_BYTES;
	for (size_t i = 0; i < report->n_secondary; i++)
		is_long |= report->secondary[i].value.len > LIMIT_TEXT_BYTES ||
			   report->secondary[i].name.len > LIMIT_TEXT_BYTES;
	for (size_t i = 0; i < report->n_files; i++)
		is_long |= report->files[i].name.len > LIMIT_TEXT_BYTES;
	return is_long;
}

err_t
wer_file_to_report(const struct wer_file *file, struct arena *arena, struct report *ret_report)
{
	struct report report = {0};
	take_event(file, &report);
	if (slice_trim(report.event_type).len == 0)
		return ERR_CORRUPT;
	err_t err = take_params(file, arena, &report);
	if (err == OK)
		err = take_dynamic(file, arena, &report);
	if (err == OK)
		err = take_files(file, arena, &report);
	if (err == OK && is_too_long(&report))
		err = ERR_LIMIT;
	if (err != OK)
		return err;
	if ((file->flags & WER_FLAG_BAD_TEXT) != 0)
		report.flags |= REPORT_FLAG_BAD_TEXT;
	if ((file->flags & WER_FLAG_BAD_NUMBER) != 0)
		report.flags |= REPORT_FLAG_BAD_NUMBER;
	if ((file->flags & WER_FLAG_DUPLICATE) != 0)
		report.flags |= REPORT_FLAG_DUPLICATE_PARAM;
	*ret_report = report;
	return OK;
}
