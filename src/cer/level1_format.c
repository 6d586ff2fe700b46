/* The document as the examples of [MS-CER2] 4 have it.  It is made in UTF-8, then put into the
 * encoding that was asked for. */
#include "cer/level1.h"

#include <inttypes.h>

#include "ext/xml.h"

enum {
	MAXPATHSTRING = 256, /* characters, [MS-CER2] 2.2.1.2 */
	STRING32 = 32
};

#define CRLF "\r\n"

/* The first so many characters of UTF-8 text. */
static struct slice
cut(struct slice text, size_t characters)
{
	size_t count = 0;
	if (text.data == NULL || text.len <= characters)
		return text;
	for (size_t i = 0; i < text.len; i++) {
		bool is_start = (text.data[i] & 0xc0) != 0x80;
		if (is_start && count++ == characters)
			return slice_sub(text, 0, i);
	}
	return text;
}

static void
put_attribute(struct buf *out, const char *name, struct slice value)
{
	if (value.data == NULL)
		return;
	buf_append_byte(out, ' ');
	buf_append_str(out, name);
	buf_append_str(out, "=\"");
	xml_escape(value, out);
	buf_append_byte(out, '"');
}

static void
put_optional(struct buf *out, const char *name, struct slice value)
{
	if (value.len > 0)
		put_attribute(out, name, value);
}

static void
put_number(struct buf *out, const char *name, bool has_number, int64_t number)
{
	if (has_number)
		buf_printf(out, " %s=\"%" PRId64 "\"", name, number);
}

static void
put_application(const struct report *report, struct buf *out)
{
	if (report->app_name.data == NULL && report->app_path.data == NULL &&
	    report->app_company.len == 0)
		return;
	buf_append_str(out, "<APPLICATIONINFO");
	put_attribute(out, "appname", cut(report->app_name, MAXPATHSTRING));
	put_attribute(out, "apppath", cut(report->app_path, MAXPATHSTRING));
	put_optional(out, "appcompany", cut(report->app_company, MAXPATHSTRING));
	buf_append_str(out, "/>" CRLF);
}

static void
put_info(const struct report *report, struct buf *out)
{
	buf_append_str(out, "<MACHINEINFO");
	put_attribute(out, "machinename", cut(report->machine, MAXPATHSTRING));
	put_attribute(out, "os", report->os);
	put_number(out, "lcid", report->has_lcid, report->lcid);
	put_optional(out, "oem", cut(report->oem, STRING32));
	buf_append_str(out, "/>" CRLF "<USERINFO");
	put_attribute(out, "username", report->user);
	buf_append_str(out, "/>" CRLF);
	put_application(report, out);
	buf_append_str(out, "<EVENTINFO");
	put_number(out, "reporttype", report->has_report_type, report->report_type);
	if (report->has_event_time)
		buf_printf(out, " eventtime=\"%" PRIu64 "\"", report->event_filetime);
	put_attribute(out, "eventtype", report->event_type);
	put_optional(out, "friendlyeventname", report->friendly_event_name);
	put_optional(out, "eventdescription", report->event_description);
	buf_append_str(out, "/>" CRLF);
}

static void
put_signature(const struct report *report, struct buf *out)
{
	buf_append_str(out, "<SIGNATURE>" CRLF);
	for (size_t i = 0; i < report->n_params; i++) {
		if (report->params[i].value.data == NULL)
			continue;
		buf_printf(out, "<PARAMETER id=\"%zu\"", i);
		put_optional(out, "name", report->params[i].name);
		put_attribute(out, "value", report->params[i].value);
		buf_append_str(out, "/>" CRLF);
	}
	for (size_t i = 0; i < report->n_extra_params; i++) {
		buf_append_str(out, "<PARAMETER");
		put_attribute(out, "id", report->extra_params[i].name);
		put_attribute(out, "value", report->extra_params[i].value);
		buf_append_str(out, "/>" CRLF);
	}
	for (size_t i = 0; i < report->n_secondary; i++) {
		buf_append_str(out, "<SECONDARYPARAMETER");
		put_attribute(out, "name", report->secondary[i].name);
		put_attribute(out, "value", report->secondary[i].value);
		buf_append_str(out, "/>" CRLF);
	}
	buf_append_str(out, "</SIGNATURE>" CRLF);
}

static void
put_files(const struct report *report, struct buf *out)
{
	if (report->n_files == 0)
		return;
	buf_append_str(out, "<FILES>" CRLF);
	for (size_t i = 0; i < report->n_files; i++) {
		const struct report_file *file = &report->files[i];
		buf_append_str(out, "<FILE");
		if (file->type_text.data != NULL)
			put_attribute(out, "filetype", file->type_text);
		else
			put_number(out, "filetype", file->has_type, file->type);
		put_attribute(out, "filename", cut(file->name, MAXPATHSTRING));
		buf_append_str(out, "/>" CRLF);
	}
	buf_append_str(out, "</FILES>" CRLF);
}

static void
put_document(const struct report *report, const char *encoding, struct buf *out)
{
	buf_printf(out,
		   "<?xml version=\"1.0\" encoding=\"%s\"?>" CRLF
		   "<WERREPORT xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\">" CRLF,
		   encoding);
	put_info(report, out);
	put_signature(report, out);
	put_files(report, out);
	buf_append_str(out, "</WERREPORT>" CRLF);
}

void
level1_format(const struct report *report, enum text_encoding encoding, struct buf *out)
{
	struct buf utf8;
	if (encoding == TEXT_UTF8) {
		put_document(report, "UTF-8", out);
		return;
	}
	buf_init(&utf8, SIZE_MAX); /* a report is bounded, and OUT has the cap that counts */
	put_document(report, "UTF-16", &utf8);
	buf_append(out, encoding == TEXT_UTF16LE ? SLICE_LITERAL("\xff\xfe")
						 : SLICE_LITERAL("\xfe\xff"));
	text_to_utf16(buf_slice(&utf8), encoding, out);
	buf_done(&utf8);
}
