#include <stdio.h>

#include "base/text.h"
#include "base/time.h"
#include "report/code.h"
#include "report/os.h"
#include "store/id.h"
#include "werctl/cell.h"
#include "werctl/record.h"
#include "werctl/show.h"
#include "werctl/table.h"

/* Names of WER_REPORT_TYPE and WER_FILE_TYPE. */
static const char *const report_types[] = {"non-critical", "critical", "application crash",
					   "application hang", "kernel"};
static const char *const file_types[] = {"",
					 "microdump",
					 "minidump",
					 "heap dump",
					 "user document",
					 "other",
					 "triage dump",
					 "custom dump",
					 "auxiliary dump",
					 "event trace",
					 "auxiliary heap dump"};

/* A name and its value; NOTE, when it is not empty, faint behind it. */
static void
show_noted(struct output *out, const char *name, struct slice value, const char *note)
{
	if (slice_is_absent(value))
		return;
	output_styled(out, STYLE_FAINT, "  %-*s", SHOW_LABEL_COLUMNS, name);
	cell_text(value, &out->text);
	if (note[0] != '\0')
		output_styled(out, STYLE_FAINT, "   %s", note);
	output_printf(out, "\n");
}

static void
show(struct output *out, const char *name, struct slice value)
{
	show_noted(out, name, value, "");
}

static void
show_time(struct output *out, const char *name, int64_t time_us, const char *note)
{
	struct buf text;
	buf_init(&text, 64);
	cell_time(time_us, &text);
	show_noted(out, name, buf_slice(&text), note);
	buf_done(&text);
}

static void
show_head(const struct record *record, struct output *out)
{
	const struct facts_source *source = &record->stored.source;
	char peer[ADDRESS_TEXT_BYTES];
	char text[64];
	output_styled(out, STYLE_TITLE, "Report %llu", (unsigned long long)record->stored.id);
	output_printf(out, "\n");
	show_time(out, "received", id_time_us(record->stored.id), "");
	if (!address_is_none(&source->peer))
		show_noted(out, "from", slice_str(address_format(&source->peer, peer)),
			   (source->flags & SOURCE_TLS) != 0 ? "by TLS" : "");
	show(out, "authenticated as", source->auth_name);
	show(out, "imported from", source->origin);
	if ((source->flags & SOURCE_GENERATED) != 0)
		show(out, "made by", slice_str("werload"));
	(void)snprintf(text, sizeof(text), "%llu", (unsigned long long)record->stored.bucket);
	show(out, "bucket", slice_str(text));
}

static void
show_machine(const struct record *record, struct output *out)
{
	static const char *const notes[] = {"claimed by the machine itself",
					    "matched: the peer's reverse name", "authenticated"};
	const struct report *r = &record->report;
	char mark = record_identity_mark(record);
	char text[32];
	struct os_version os;
	struct buf name;
	buf_init(&name, LIMIT_TEXT_BYTES);
	show_group(out, "Machine");
	show_noted(out, "name", r->machine, notes[mark == '?' ? 0 : mark == '~' ? 1 : 2]);
	if (os_parse(r->os, &os))
		os_describe(&os, &name);
	show(out, "system", name.len > 0 ? buf_slice(&name) : r->os);
	if (name.len > 0)
		show(out, "os", r->os);
	(void)snprintf(text, sizeof(text), "%lld", (long long)r->lcid);
	if (r->has_lcid)
		show(out, "locale", slice_str(text));
	show(out, "manufacturer", r->oem);
	show(out, "user", r->user);
	buf_done(&name);
}

static void
show_application(const struct report *r, struct output *out)
{
	if (slice_is_absent(r->app_name) && slice_is_absent(r->app_path))
		return;
	show_group(out, "Application");
	show(out, "name", r->app_name);
	show(out, "path", r->app_path);
	show(out, "company", r->app_company);
}

static void
show_event(const struct record *record, struct output *out)
{
	const struct report *r = &record->report;
	char text[32];
	int64_t time_us;
	show_group(out, "Event");
	show_noted(out, "type", r->event_type,
		   record->label.type == NULL ? "not in the event table"
					      : record->label.type->about);
	if (!slice_equal(record_event_type(record), r->event_type))
		show(out, "known as", record_event_type(record));
	(void)snprintf(text, sizeof(text), "%lld", (long long)r->report_type);
	if (r->has_report_type)
		show_noted(out, "report type", slice_str(text),
			   r->report_type >= REPORT_NON_CRITICAL && r->report_type <= REPORT_KERNEL
				   ? report_types[r->report_type]
				   : "unknown");
	if (r->has_event_time && time_from_filetime(r->event_filetime, &time_us))
		show_time(out, "time", time_us,
			  time_us > id_time_us(record->stored.id) + TIME_DAY_US
				  ? "later than it was received"
				  : "");
	show(out, "name", r->friendly_event_name);
	show(out, "description", r->event_description);
	if (r->flags != 0)
		show(out, "flags", slice_str(report_flags_text(r->flags, (char[256]){0})));
}

/* Prints the rows of TABLE, indented as the rest is. */
static void
show_table(struct table *table, struct output *out)
{
	table_flush(table, out->has_color, &out->text);
	table_free(table);
}

static struct slice
english_name(const struct record *record, size_t position)
{
	const struct event_type *type = record->label.type;
	struct slice sent = record->report.params[position].name;
	if (type == NULL || type->param_names[position] == NULL || sent.len == 0 ||
	    slice_equal_nocase(sent, slice_str(type->param_names[position])))
		return (struct slice){NULL, 0};
	return slice_str(type->param_names[position]);
}

static void
add_param(const struct record *record, size_t position, int64_t now_us, struct table *table)
{
	struct buf text;
	struct slice english = english_name(record, position);
	buf_init(&text, LIMIT_TEXT_BYTES);
	table_cell_printf(table, "%zu", position);
	buf_append(&text, record_param_name(record, position));
	if (english.len > 0)
		buf_printf(&text, " [%.*s]", SLICE_ARGS(english));
	table_cell(table, buf_slice(&text));
	table_cell(table, record->report.params[position].value);
	buf_reset(&text);
	record_describe_param(record, position, now_us, &text);
	table_cell(table, text.len == 0 ? slice_str("") : buf_slice(&text));
	buf_done(&text);
}

static void
show_signature(const struct record *record, int64_t now_us, struct output *out)
{
	static const struct table_column columns[] = {
		{.title = "", .is_right = true},
		{.title = "", .style = STYLE_FAINT},
		{.title = "", .least = 20},
		{.title = "", .least = 12},
	};
	const struct report *r = &record->report;
	if (r->n_params == 0 && r->n_extra_params == 0)
		return;
	show_group(out, "Signature");
	struct table *table = table_new(columns, 4, out->columns);
	table_indent(table, 2);
	for (size_t i = 0; i < r->n_params; i++)
		add_param(record, i, now_us, table);
	for (size_t i = 0; i < r->n_extra_params; i++) {
		table_cell(table, r->extra_params[i].name);
		table_cell(table, slice_str("beyond ten"));
		table_cell(table, r->extra_params[i].value);
		table_cell(table, slice_str(""));
	}
	show_table(table, out);
}

static void
show_secondary(const struct record *record, struct output *out)
{
	const struct report *r = &record->report;
	struct buf note;
	if (r->n_secondary == 0)
		return;
	show_group(out, "Secondary");
	buf_init(&note, LIMIT_TEXT_BYTES);
	for (size_t i = 0; i < r->n_secondary; i++) {
		char name[64];
		struct buf safe;
		bool is_code = slice_equal_nocase(r->secondary[i].name, SLICE_LITERAL("BCCode"));
		buf_init(&safe, SIZE_MAX / 2);
		cell_text(r->secondary[i].name, &safe);
		(void)snprintf(name, sizeof(name), "%.*s ", SLICE_ARGS(buf_slice(&safe)));
		buf_done(&safe);
		buf_reset(&note);
		if (is_code)
			code_describe(record_code_kind(record), r->secondary[i].value, &note);
		buf_append_byte(&note, '\0');
		show_noted(out, name, r->secondary[i].value, (const char *)note.data);
	}
	buf_done(&note);
}

static void
show_files(const struct report *r, struct output *out)
{
	if (r->n_files == 0)
		return;
	show_group(out, "Files");
	for (size_t i = 0; i < r->n_files; i++) {
		const struct report_file *file = &r->files[i];
		bool is_known = file->has_type && file->type > 0 &&
				file->type < (int64_t)(sizeof(file_types) / sizeof(file_types[0]));
		output_printf(out, "  ");
		cell_text(file->name, &out->text);
		output_styled(out, STYLE_FAINT, "   %s (",
			      is_known ? file_types[file->type] : "type");
		cell_text(file->type_text, &out->text);
		output_styled(out, STYLE_FAINT, ")");
		output_printf(out, "\n");
	}
}

static void
show_reply(const struct record *record, struct output *out)
{
	struct buf text;
	buf_init(&text, 4 * LIMIT_REPLY_BYTES);
	show_group(out, "Reply");
	if (!record_reply(record, &text)) {
		output_styled(out, STYLE_FAINT, "  none: the report was imported");
		output_printf(out, "\n");
	}
	struct slice rest = buf_slice(&text);
	while (rest.len > 0) {
		struct slice line = rest;
		if (!slice_cut(rest, '\n', &line, &rest))
			rest = (struct slice){NULL, 0};
		output_printf(out, "  ");
		cell_text(slice_trim(line), &out->text);
		output_printf(out, "\n");
	}
	buf_done(&text);
}

static void
show_cab(const struct facts_report *stored, struct output *out)
{
	struct buf text;
	show_group(out, "Cabinet");
	if (!stored->has_cab) {
		output_styled(out, STYLE_FAINT, "  %s",
			      stored->is_cab_asked ? "asked for, has not come" : "not asked for");
		output_printf(out, "\n");
		return;
	}
	buf_init(&text, 256);
	cell_bytes(stored->cab_bytes, &text);
	buf_append_byte(&text, '\0');
	char number[32];
	(void)snprintf(number, sizeof(number), "%llu", (unsigned long long)stored->cab_bytes);
	show_noted(out, "bytes", slice_str(number), (const char *)text.data);
	buf_reset(&text);
	text_hex(slice_of(stored->cab_sha256, sizeof(stored->cab_sha256)), &text);
	show(out, "sha256", buf_slice(&text));
	show_time(out, "received", stored->cab_received_us,
		  stored->cab_is_cabinet ? "" : "no cabinet: does not begin with MSCF");
	buf_done(&text);
}

/* What the jail found in the cabinet. */
static void
show_analysis(const struct record *record, bool all, struct output *out)
{
	struct json *document = NULL;
	const struct analysis *a = &record->analysis;
	if (!record->stored.has_cab)
		return;
	show_group(out, "Analysis");
	if (!record->has_analysis) {
		output_styled(out, STYLE_FAINT,
			      "  not yet; werd analyze takes one after the other");
		output_printf(out, "\n");
		return;
	}
	if (a->state != ANALYSIS_DONE)
		show(out, "failed", a->summary);
	if (a->has_class) {
		char id[17];
		(void)snprintf(id, sizeof(id), "%016llx",
			       (unsigned long long)class_id(a->class_key.key));
		show_noted(out, "class bucket", slice_str(id), "the same bug, whatever the label");
		show(out, "that is", a->class_key.title);
	}
	if (json_parse(a->document, &document, NULL) == OK)
		show_file(out, document, all);
	json_free(document);
}

void
record_show(const struct record *record, int64_t now_us, bool all, struct output *out)
{
	show_head(record, out);
	if (record->is_readable) {
		show_machine(record, out);
		show_application(&record->report, out);
		show_event(record, out);
		show_signature(record, now_us, out);
		show_secondary(record, out);
		show_files(&record->report, out);
	} else {
		output_styled(out, STYLE_BAD, "\n  The body is damaged: see --raw.");
		output_printf(out, "\n");
	}
	show_reply(record, out);
	show_cab(&record->stored, out);
	show_analysis(record, all, out);
}
