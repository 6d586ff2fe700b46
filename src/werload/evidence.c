#include "werload/evidence.h"

#include <stdio.h>

#include "base/text.h"
#include "ext/xml.h"
#include "report/event.h"
#include "report/os.h"
#include "werload/draw.h"
#include "werload/dump.h"

enum {
	MEMBERS = 4,
	TEXTS_BYTES = 256 * 1024
};

enum kind {
	KIND_CRASH,
	KIND_KERNEL,
	KIND_OTHER
};

static enum kind
kind_of(const struct report *report)
{
	if (report->report_type == REPORT_KERNEL)
		return KIND_KERNEL;
	bool is_crash = report->report_type == REPORT_CRASH || report->report_type == REPORT_HANG;
	return is_crash ? KIND_CRASH : KIND_OTHER;
}

static void
put_element(struct buf *out, const char *name, struct slice text)
{
	buf_printf(out, "\t\t<%s>", name);
	xml_escape(text, out);
	buf_printf(out, "</%s>\r\n", name);
}

/* As Windows 10 writes it, cut to what says something here. */
static void
put_metadata(const struct report *report, struct buf *out)
{
	struct os_version os = {0};
	char number[32];
	(void)os_parse(report->os, &os);
	(void)snprintf(number, sizeof(number), "%u", os.build);
	buf_append_str(out, "<?xml version=\"1.0\" encoding=\"UTF-16\"?>\r\n<WERReportMetadata>\r\n"
			    "\t<OSVersionInformation>\r\n");
	put_element(out, "Build", slice_str(number));
	put_element(out, "Architecture", SLICE_LITERAL("X64"));
	(void)snprintf(number, sizeof(number), "%lld", (long long)report->lcid);
	put_element(out, "LCID", slice_str(number));
	buf_append_str(out, "\t</OSVersionInformation>\r\n\t<ProblemSignatures>\r\n");
	put_element(out, "EventType", report->event_type);
	for (size_t i = 0; i < report->n_params; i++) {
		(void)snprintf(number, sizeof(number), "Parameter%zu", i);
		put_element(out, number, report->params[i].value);
	}
	buf_append_str(out, "\t</ProblemSignatures>\r\n\t<DynamicSignatures>\r\n");
	put_element(out, "Parameter1", report->os);
	buf_append_str(out, "\t</DynamicSignatures>\r\n\t<SystemInformation>\r\n");
	put_element(out, "SystemManufacturer", report->oem);
	buf_append_str(out, "\t</SystemInformation>\r\n</WERReportMetadata>\r\n");
}

static void
put_compatibility(const struct report *report, struct buf *out)
{
	struct report_label label;
	report_label(report, &label);
	buf_append_str(out,
		       "<?xml version=\"1.0\" encoding=\"UTF-16\"?>\r\n<DATABASE>\r\n<EXE NAME=\"");
	xml_escape(label.app, out);
	buf_append_str(out, "\" FILTER=\"CMI_FILTER_PRIVACY\">\r\n\t<MATCHING_FILE NAME=\"");
	xml_escape(label.app, out);
	buf_append_str(out, "\" BIN_FILE_VERSION=\"");
	xml_escape(label.app_version, out);
	buf_append_str(out, "\" />\r\n</EXE>\r\n</DATABASE>\r\n");
}

/* Appends what PUT makes, as UTF-16 with its mark; notes where it begins and ends. */
static void
add_utf16(const struct report *report, void (*put)(const struct report *, struct buf *),
	  struct buf *texts, size_t *ret_from, size_t *ret_len)
{
	struct buf utf8;
	buf_init(&utf8, TEXTS_BYTES);
	put(report, &utf8);
	*ret_from = texts->len;
	buf_append(texts, SLICE_LITERAL("\xff\xfe"));
	text_to_utf16(buf_slice(&utf8), TEXT_UTF16LE, texts);
	*ret_len = texts->len - *ret_from;
	buf_done(&utf8);
}

static void
put_summary(const struct report *report, struct buf *out)
{
	buf_printf(out, "machine=%.*s\r\nos=%.*s\r\nevent=%.*s\r\n", SLICE_ARGS(report->machine),
		   SLICE_ARGS(report->os), SLICE_ARGS(report->event_type));
}

static void
put_dump(const struct report *report, enum kind kind, uint64_t seed, uint64_t filler_bytes,
	 struct buf *out)
{
	struct buf dump;
	buf_init(&dump, TEXTS_BYTES);
	if (kind == KIND_CRASH)
		dump_minidump(report, seed, filler_bytes, &dump);
	else if (kind == KIND_KERNEL)
		dump_kernel(report, seed, &dump);
	buf_append(out, buf_slice(&dump));
	buf_done(&dump);
}

static size_t
name_members(enum kind kind, bool is_large, struct cabinet_member members[MEMBERS])
{
	static const char *const names[][MEMBERS] = {
		[KIND_CRASH] = {"WERInternalMetadata.xml", "AppCompat.txt", "sysinfo.txt",
				"minidump.mdmp"},
		[KIND_KERNEL] = {"WERInternalMetadata.xml", "sysdata.xml", "Version.txt",
				 "Mini110226-01.dmp"},
		[KIND_OTHER] = {"WERInternalMetadata.xml", "AppCompat.txt", "sysinfo.txt",
				"trace.etl"},
	};
	for (size_t i = 0; i < MEMBERS; i++)
		members[i] = (struct cabinet_member){.name = names[kind][i]};
	if (kind == KIND_CRASH && is_large)
		members[MEMBERS - 1].name = "memory.hdmp";
	return MEMBERS;
}

/* The dump says how much memory follows it, so it is made twice: the first time for its length,
 * which does not depend on that. */
static err_t
put_texts(struct evidence *evidence, const struct report *report, uint64_t seed,
	  uint64_t total_bytes, struct cabinet_member members[MEMBERS])
{
	struct buf *texts = &evidence->texts;
	enum kind kind = kind_of(report);
	size_t from[MEMBERS], len[MEMBERS];
	size_t n = name_members(kind, total_bytes >= EVIDENCE_HEAP_DUMP_BYTES, members);
	add_utf16(report, put_metadata, texts, &from[0], &len[0]);
	add_utf16(report, put_compatibility, texts, &from[1], &len[1]);
	from[2] = texts->len;
	put_summary(report, texts);
	len[2] = from[3] = texts->len;
	len[2] -= from[2];
	put_dump(report, kind, seed, 0, texts);
	uint64_t filler_bytes;
	err_t err = cabinet_filler(members, n, texts->len, total_bytes, &filler_bytes);
	if (err != OK)
		return err;
	texts->len = from[3];
	put_dump(report, kind, seed, filler_bytes, texts);
	len[3] = texts->len - from[3];
	for (size_t i = 0; i < MEMBERS; i++)
		members[i].content = slice_of(texts->data + from[i], len[i]);
	return buf_error(texts);
}

err_t
evidence_init(struct evidence *evidence, const struct report *report, uint64_t seed,
	      uint64_t total_bytes)
{
	struct cabinet_member members[MEMBERS];
	*evidence = (struct evidence){0};
	buf_init(&evidence->texts, TEXTS_BYTES);
	err_t err = put_texts(evidence, report, seed, total_bytes, members);
	if (err == OK)
		err = cabinet_init(&evidence->cabinet, members, MEMBERS, total_bytes, seed);
	if (err != OK)
		evidence_done(evidence);
	return err;
}

void
evidence_done(struct evidence *evidence)
{
	cabinet_done(&evidence->cabinet);
	buf_done(&evidence->texts);
}
