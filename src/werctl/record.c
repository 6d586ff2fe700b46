#include "werctl/record.h"

#include <unistd.h>

#include "base/fs.h"
#include "base/text.h"
#include "cer/reply.h"
#include "report/code.h"
#include "store/id.h"

void
record_read(struct werctl *w, const struct facts_report *stored, struct arena *arena,
	    struct record *ret_record)
{
	struct record record = {.stored = *stored};
	struct level1_error error;
	if (!slice_is_absent(stored->body))
		record.is_readable = level1_parse(werctl_parser(w), stored->body, arena,
						  &record.report, &error) == OK;
	if (record.is_readable)
		report_label(&record.report, &record.label);
	*ret_record = record;
}

/* Derived may not be there yet, or be made anew just now: then the report is all there is. */
static err_t
load_analysis(struct werctl *w, struct record *record, bool has_document, struct arena *arena)
{
	struct derived *derived;
	struct err_detail kept = w->detail;
	if (!record->stored.has_cab)
		return OK;
	if (werctl_derived(w, &derived) != OK) {
		w->detail = kept;
		return OK;
	}
	err_t err = derived_find_analysis(derived, record->stored.id, has_document, arena,
					  &record->analysis);
	record->has_analysis = err == OK;
	record->is_waiting = err == ERR_NOTFOUND;
	return err == ERR_NOTFOUND ? OK : err;
}

err_t
record_load(struct werctl *w, uint64_t id, struct arena *arena, struct record *ret_record)
{
	struct facts *facts;
	struct facts_report stored;
	err_t err = werctl_facts(w, &facts);
	if (err == OK)
		err = facts_find_report(facts, id, arena, &stored);
	if (err == ERR_NOTFOUND)
		return err_set(&w->detail, err, "there is no report %llu", (unsigned long long)id);
	if (err != OK)
		return err_set(&w->detail, err, "report %llu: %s", (unsigned long long)id,
			       err_text(err));
	record_read(w, &stored, arena, ret_record);
	return load_analysis(w, ret_record, false, arena);
}

err_t
record_load_analysis(struct werctl *w, struct record *record, struct arena *arena)
{
	return load_analysis(w, record, true, arena);
}

err_t
record_parse(struct werctl *w, struct slice body, struct arena *arena, struct record *ret_record)
{
	struct record record = {.stored = {.body = body}, .is_readable = true};
	struct level1_error error;
	err_t err = level1_parse(werctl_parser(w), body, arena, &record.report, &error);
	if (err != OK)
		return err_set(&w->detail, err, "%s: %s", level1_reason_name(error.reason),
			       error.detail.why);
	report_label(&record.report, &record.label);
	*ret_record = record;
	return OK;
}

static err_t
read_standard_input(struct buf *out, struct err_detail *detail)
{
	buf_init(out, LIMIT_REPORT_BYTES);
	for (;;) {
		uint8_t chunk[8192];
		ssize_t got = read(STDIN_FILENO, chunk, sizeof(chunk));
		if (got < 0)
			return err_set(detail, ERR_IO, "standard input cannot be read");
		if (got == 0)
			return OK;
		buf_append(out, slice_of(chunk, (size_t)got));
		if (buf_error(out) != OK)
			return err_set(detail, ERR_LIMIT, "standard input: larger than %d bytes",
				       LIMIT_REPORT_BYTES);
	}
}

err_t
record_load_file(struct werctl *w, const char *path, struct arena *arena, struct record *ret_record)
{
	struct buf bytes = {0};
	err_t err = strcmp(path, "-") == 0
			    ? read_standard_input(&bytes, &w->detail)
			    : fs_read_file(path, LIMIT_REPORT_BYTES, &bytes, &w->detail);
	if (err == OK) {
		struct slice body = slice_dup(arena, slice_of(bytes.data, bytes.len));
		err = record_parse(w, body, arena, ret_record);
		if (err != OK) {
			struct err_detail why = w->detail;
			(void)err_set(&w->detail, err, "%s: %.200s", path, why.why);
		}
	}
	buf_done(&bytes);
	return err;
}

err_t
record_load_operand(struct werctl *w, const char *operand, struct arena *arena,
		    struct record *ret_record)
{
	uint64_t id;
	if (id_parse(slice_str(operand), &id))
		return record_load(w, id, arena, ret_record);
	return record_load_file(w, operand, arena, ret_record);
}

const char *
record_identity(const struct record *record)
{
	uint32_t flags = record->stored.source.flags;
	if ((flags & SOURCE_AUTHENTICATED) != 0)
		return "authenticated";
	return (flags & SOURCE_MACHINE_MATCHED) != 0 ? "matched" : "claimed";
}

char
record_identity_mark(const struct record *record)
{
	uint32_t flags = record->stored.source.flags;
	if ((flags & SOURCE_AUTHENTICATED) != 0)
		return '+';
	return (flags & SOURCE_MACHINE_MATCHED) != 0 ? '~' : '?';
}

/* The reader of replies is asked to turn one value into UTF-8: so there is no second table of
 * code page 1252.  What it refuses stays as it is. */
static void
append_value(struct slice value, struct buf *out)
{
	struct arena arena;
	struct buf line;
	struct reply reply;
	arena_init(&arena, 4 * LIMIT_REPLY_BYTES);
	buf_init(&line, LIMIT_REPLY_BYTES);
	buf_append_str(&line, "WQL=");
	buf_append(&line, value);
	if (reply_parse(buf_slice(&line), &arena, &reply) == OK && reply.wql.len > 0)
		value = reply.wql;
	buf_append(out, value);
	buf_done(&line);
	arena_done(&arena);
}

bool
record_reply(const struct record *record, struct buf *out)
{
	const struct facts_report *stored = &record->stored;
	struct slice rest = stored->reply;
	if ((stored->source.flags & SOURCE_IMPORTED) != 0 && rest.len == 0)
		return false;
	while (rest.len > 0) {
		struct slice line = rest;
		struct slice key;
		struct slice value;
		bool is_ended = slice_cut(rest, '\n', &line, &rest);
		if (!is_ended)
			rest = (struct slice){NULL, 0};
		if (text_is_ascii(line) || !slice_cut(line, '=', &key, &value)) {
			buf_append(out, line);
		} else {
			buf_append(out, key);
			buf_append_byte(out, '=');
			append_value(slice_trim(value), out);
			buf_append_str(out, slice_ends_with(line, SLICE_LITERAL("\r")) ? "\r" : "");
		}
		buf_append_str(out, is_ended ? "\n" : "");
	}
	return true;
}

struct slice
record_event_type(const struct record *record)
{
	return event_canonical(record->report.event_type);
}

struct slice
record_param_name(const struct record *record, size_t position)
{
	struct slice name = record->report.params[position].name;
	const struct event_type *type = record->label.type;
	if (name.len > 0 || type == NULL || position >= LIMIT_PARAMS ||
	    type->param_names[position] == NULL)
		return name;
	return slice_str(type->param_names[position]);
}

enum code_kind
record_code_kind(const struct record *record)
{
	return record->label.type == NULL ? CODE_NONE : record->label.type->code_kind;
}

void
record_describe_param(const struct record *record, size_t position, int64_t now_us, struct buf *out)
{
	struct slice value = record->report.params[position].value;
	if (record->label.type == NULL || position >= LIMIT_PARAMS)
		return;
	switch ((enum event_role)record->label.type->roles[position]) {
	case ROLE_CODE:
		code_describe(record_code_kind(record), value, out);
		break;
	case ROLE_APP_STAMP:
	case ROLE_MODULE_STAMP:
		(void)code_describe_stamp(value, now_us, out);
		break;
	case ROLE_NONE:
	case ROLE_PACKAGE:
	case ROLE_APP:
	case ROLE_APP_VERSION:
	case ROLE_MODULE:
	case ROLE_MODULE_VERSION:
	case ROLE_OFFSET:
	case ROLE_DATA:
	case ROLE_HANG_SIGNATURE:
	case ROLE_HANG_TYPE:
	case ROLE_N:
	default:
		break;
	}
}
