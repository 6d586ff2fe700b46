#include <stdio.h>

#include "base/text.h"
#include "base/time.h"
#include "report/code.h"
#include "report/event.h"
#include "report/os.h"
#include "werd/sniff.h"

enum {
	SHOW_BYTES = 1024 * 1024
};

static void
put_line(struct buf *out, const char *name, struct slice value)
{
	if (slice_is_absent(value))
		return;
	buf_printf(out, "    %-22s ", name);
	text_escape(value, out);
	buf_append_byte(out, '\n');
}

/* Each line of HEAD or a reply, indented and escaped. */
static void
put_lines(struct buf *out, struct slice text)
{
	struct slice line;
	while (slice_cut(text, '\n', &line, &text)) {
		line = slice_trim(line);
		if (line.len == 0)
			continue;
		buf_append_str(out, "    ");
		text_escape(line, out);
		buf_append_byte(out, '\n');
	}
}

static const char *
encoding_text(struct slice body)
{
	static const char *const names[TEXT_ENCODING_N][2] = {
		[TEXT_UTF8] = {"UTF-8", "UTF-8 with byte order mark"},
		[TEXT_UTF16LE] = {"UTF-16LE without byte order mark",
				  "UTF-16LE with byte order mark"},
		[TEXT_UTF16BE] = {"UTF-16BE without byte order mark",
				  "UTF-16BE with byte order mark"},
	};
	size_t bom_bytes;
	enum text_encoding encoding = text_detect(body, &bom_bytes);
	return names[encoding][bom_bytes > 0];
}

static void
put_event(struct buf *out, const struct report *r)
{
	char when[TIME_TEXT_BYTES];
	int64_t event_us;
	const struct event_type *type = event_find(r->event_type);
	put_line(out, "event type", r->event_type);
	if (type != NULL)
		put_line(out, "", slice_str(type->about));
	if (r->has_report_type)
		buf_printf(out, "    %-22s %lld\n", "report type", (long long)r->report_type);
	if (r->has_event_time && time_from_filetime(r->event_filetime, &event_us))
		buf_printf(out, "    %-22s %s\n", "event time", time_format(event_us, when));
	put_line(out, "friendly name", r->friendly_event_name);
	put_line(out, "description", r->event_description);
}

static void
put_machine(struct buf *out, const struct report *r)
{
	struct os_version os;
	put_line(out, "machine (claimed)", r->machine);
	put_line(out, "os", r->os);
	if (os_parse(r->os, &os)) {
		buf_printf(out, "    %-22s ", "");
		os_describe(&os, out);
		buf_append_byte(out, '\n');
	}
	if (r->has_lcid)
		buf_printf(out, "    %-22s %lld\n", "lcid", (long long)r->lcid);
	put_line(out, "oem", r->oem);
	put_line(out, "user", r->user);
	put_line(out, "application", r->app_name);
	put_line(out, "path", r->app_path);
	put_line(out, "company", r->app_company);
}

static void
put_signature(struct buf *out, const struct report *r)
{
	struct report_label label;
	for (size_t i = 0; i < r->n_params; i++) {
		buf_printf(out, "    P%-2zu ", i + 1);
		text_escape(r->params[i].name, out);
		buf_append_str(out, " = ");
		text_escape(r->params[i].value, out);
		buf_append_byte(out, '\n');
	}
	for (size_t i = 0; i < r->n_secondary; i++) {
		buf_append_str(out, "    secondary ");
		text_escape(r->secondary[i].name, out);
		buf_append_str(out, " = ");
		text_escape(r->secondary[i].value, out);
		buf_append_byte(out, '\n');
	}
	for (size_t i = 0; i < r->n_files; i++) {
		buf_append_str(out, "    file ");
		text_escape(r->files[i].name, out);
		buf_append_str(out, ", type ");
		text_escape(r->files[i].type_text, out);
		buf_append_byte(out, '\n');
	}
	report_label(r, &label);
	if (label.type == NULL || label.code.len == 0)
		return;
	buf_printf(out, "    %-22s ", "code");
	code_describe(label.type->code_kind, label.code, out);
	buf_append_byte(out, '\n');
}

static void
put_level1(struct buf *out, const struct sniff_exchange *x)
{
	char flags[256];
	buf_printf(out, "  report: %zu bytes, %s\n", x->body.len, encoding_text(x->body));
	if (x->parse_error != OK) {
		buf_printf(out,
			   "    REFUSED %s at byte %llu: ", level1_reason_name(x->error.reason),
			   (unsigned long long)x->error.detail.offset);
		text_escape(slice_str(x->error.detail.why), out);
		buf_append_byte(out, '\n');
		return;
	}
	put_event(out, x->report);
	put_machine(out, x->report);
	put_signature(out, x->report);
	if (x->report->flags != 0)
		buf_printf(out, "    %-22s %s\n", "strange",
			   report_flags_text(x->report->flags, flags));
}

static void
put_upload(struct buf *out, const struct sniff_exchange *x)
{
	buf_printf(out, "  upload: %llu bytes, %s, SHA-256 ", (unsigned long long)x->body_bytes,
		   x->is_cabinet ? "a cabinet" : "NOT a cabinet");
	text_hex(slice_of(x->sha256, sizeof(x->sha256)), out);
	buf_append_byte(out, '\n');
}

void
sniff_show(const struct sniff_exchange *x)
{
	struct buf out;
	char when[TIME_TEXT_BYTES];
	char peer[ADDRESS_TEXT_BYTES];
	buf_init(&out, SHOW_BYTES);
	buf_printf(&out, "---- exchange %u, %s, from %s, %s\n", x->number,
		   time_format(x->received_us, when), address_format_port(&x->peer, peer),
		   x->is_tls ? "https" : "http");
	buf_append_str(&out, "  request:\n");
	put_lines(&out, x->head);
	if (x->is_level1)
		put_level1(&out, x);
	else if (x->body_bytes > 0)
		put_upload(&out, x);
	buf_append_str(&out, "  reply:\n");
	put_lines(&out, x->reply);
	buf_append_byte(&out, '\n');
	struct slice text = buf_slice(&out);
	(void)fwrite(text.data, 1, text.len, stdout);
	(void)fflush(stdout);
	buf_done(&out);
}
