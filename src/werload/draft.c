#include "werload/draft.h"

#include <stdarg.h>
#include <stdio.h>

const char *
draft_text(struct draft *draft, const char *format, ...)
{
	char text[600];
	va_list args;
	va_start(args, format);
	int len = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (len < 0)
		return "";
	size_t used = (size_t)len < sizeof(text) ? (size_t)len : sizeof(text) - 1;
	const char *copy = arena_str(draft->arena, slice_of(text, used));
	return copy == NULL ? "" : copy;
}

void
draft_param_named(struct draft *draft, const char *name, const char *value)
{
	struct report *report = draft->report;
	if (report->n_params == LIMIT_PARAMS)
		return;
	report->params[report->n_params++] =
		(struct report_param){slice_str(name), slice_str(value)};
}

void
draft_param(struct draft *draft, enum language_name name, const char *value)
{
	draft_param_named(draft, draft->machine.language->names[name], value);
}

void
draft_param_numbered(struct draft *draft, const char *value)
{
	const char *name = draft->machine.language->names[NAME_PROBLEM_SIGNATURE];
	draft_param_named(draft, draft_text(draft, "%s %02zu", name, draft->report->n_params + 1),
			  value);
}

void
draft_secondary(struct draft *draft, const char *name, const char *value)
{
	struct report *report = draft->report;
	if (report->n_secondary < draft->max_secondary)
		report->secondary[report->n_secondary++] =
			(struct report_pair){slice_str(name), slice_str(value)};
}

void
draft_file(struct draft *draft, const char *name, int type)
{
	struct report *report = draft->report;
	if (report->n_files == draft->max_files)
		return;
	struct report_file *file = &report->files[report->n_files++];
	*file = (struct report_file){.name = slice_str(name), .has_type = true, .type = type};
	file->type_text = slice_str(draft_text(draft, "%d", type));
}

void
draft_friendly(struct draft *draft, enum language_name name)
{
	draft->report->friendly_event_name = slice_str(draft->machine.language->names[name]);
}

void
draft_about(struct draft *draft, enum language_name name)
{
	draft->report->event_description = slice_str(draft->machine.language->names[name]);
}

void
draft_application(struct draft *draft, const char *name, const char *path, const char *company)
{
	draft->report->app_name = slice_str(name);
	draft->report->app_path = slice_str(path);
	draft->report->app_company = slice_str(company);
}

const char *
draft_guid(struct draft *draft, struct draw *draw)
{
	uint64_t a = draw_u64(draw), b = draw_u64(draw);
	return draft_text(draft, "%08x-%04x-4%03x-%04x-%012llx", (unsigned)(a >> 32),
			  (unsigned)(a >> 16 & 0xffff), (unsigned)(a & 0xfff),
			  (unsigned)(0x8000 | (b >> 48 & 0x3fff)),
			  (unsigned long long)(b & UINT64_C(0xffffffffffff)));
}
