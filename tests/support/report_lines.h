/* report_lines.h - a report as lines of text, one fact a line, for golden files and comparisons
 *
 * Absent parts have no line.  Texts are quoted, with control characters as \xHH and backslashes
 * doubled, so that two reports are equal when their lines are.
 */
#pragma once

#include <inttypes.h>
#include <stdio.h>

#include "base/text.h"
#include "report/report.h"

static void
report_lines_quote(struct slice text, struct buf *out)
{
	buf_append_str(out, " \"");
	text_escape(text, out);
	buf_append_byte(out, '"');
}

static void
report_lines_text(const char *name, struct slice text, struct buf *out)
{
	if (text.data == NULL)
		return;
	buf_append_str(out, name);
	report_lines_quote(text, out);
	buf_append_byte(out, '\n');
}

static void
report_lines_lists(const struct report *report, struct buf *out)
{
	for (size_t i = 0; i < report->n_params; i++) {
		const struct report_param *param = &report->params[i];
		if (param->value.data == NULL)
			continue;
		buf_printf(out, "param %zu", i);
		report_lines_quote(param->value, out);
		if (param->name.data != NULL) {
			buf_append_str(out, " name");
			report_lines_quote(param->name, out);
		}
		buf_append_byte(out, '\n');
	}
	for (size_t i = 0; i < report->n_extra_params; i++) {
		buf_append_str(out, "extra_param");
		report_lines_quote(report->extra_params[i].name, out);
		report_lines_text("", report->extra_params[i].value, out);
	}
	for (size_t i = 0; i < report->n_secondary; i++) {
		buf_append_str(out, "secondary");
		report_lines_quote(report->secondary[i].name, out);
		report_lines_text("", report->secondary[i].value, out);
	}
	for (size_t i = 0; i < report->n_files; i++) {
		const struct report_file *file = &report->files[i];
		buf_append_str(out, "file");
		report_lines_quote(file->name, out);
		if (file->has_type)
			buf_printf(out, " type %" PRId64, file->type);
		else if (file->type_text.data != NULL)
			report_lines_quote(file->type_text, out);
		buf_append_byte(out, '\n');
	}
}

/* Appends all facts but the flags. */
static void
report_lines_facts(const struct report *report, struct buf *out)
{
	report_lines_text("machine", report->machine, out);
	report_lines_text("os", report->os, out);
	if (report->has_lcid)
		buf_printf(out, "lcid %" PRId64 "\n", report->lcid);
	report_lines_text("oem", report->oem, out);
	report_lines_text("user", report->user, out);
	report_lines_text("app_name", report->app_name, out);
	report_lines_text("app_path", report->app_path, out);
	report_lines_text("app_company", report->app_company, out);
	if (report->has_report_type)
		buf_printf(out, "report_type %" PRId64 "\n", report->report_type);
	if (report->has_event_time)
		buf_printf(out, "event_time %" PRIu64 "\n", report->event_filetime);
	report_lines_text("event_type", report->event_type, out);
	report_lines_text("friendly_event_name", report->friendly_event_name, out);
	report_lines_text("event_description", report->event_description, out);
	report_lines_lists(report, out);
}
