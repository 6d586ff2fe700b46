/* Any body: refused with a reason inside it, or a report that is written and read again equal. */
#include <stdlib.h>

#include "../support/report_lines.h"
#include "cer/level1.h"

enum {
	WRITTEN_BYTES_MAX = 16 * LIMIT_REPORT_BYTES
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
need(bool is_true)
{
	if (!is_true)
		abort();
}

static void
forget_if_empty(struct slice *text)
{
	if (text->len == 0)
		*text = (struct slice){0};
}

/* Optional attributes that were sent empty are not written. */
static void
forget_empty(struct report *report)
{
	forget_if_empty(&report->oem);
	forget_if_empty(&report->app_company);
	forget_if_empty(&report->friendly_event_name);
	forget_if_empty(&report->event_description);
	for (size_t i = 0; i < report->n_params; i++)
		forget_if_empty(&report->params[i].name);
}

static void
check_again(struct level1_parser *parser, const struct report *report, enum text_encoding encoding)
{
	struct level1_error error;
	struct report again;
	struct arena arena;
	struct buf written;
	struct buf lines;
	struct buf lines_again;
	arena_init(&arena, LIMIT_REPORT_ARENA_BYTES);
	buf_init(&written, WRITTEN_BYTES_MAX);
	buf_init(&lines, WRITTEN_BYTES_MAX);
	buf_init(&lines_again, WRITTEN_BYTES_MAX);
	level1_format(report, encoding, &written);
	need(buf_error(&written) == OK);
	/* Escaping may take a document past the limit. */
	if (written.len <= LIMIT_REPORT_BYTES) {
		need(level1_parse(parser, buf_slice(&written), &arena, &again, &error) == OK);
		report_lines_facts(report, &lines);
		report_lines_facts(&again, &lines_again);
		need((report->flags & REPORT_FLAG_LONG_TEXT) != 0 ||
		     slice_equal(buf_slice(&lines), buf_slice(&lines_again)));
		need((again.flags & (REPORT_FLAG_BAD_TEXT | REPORT_FLAG_UNKNOWN_PARTS)) == 0);
	}
	buf_done(&written);
	buf_done(&lines);
	buf_done(&lines_again);
	arena_done(&arena);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct level1_parser *parser;
	struct level1_error error;
	struct report report;
	struct arena arena;
	if (parser == NULL)
		parser = level1_parser_new();
	arena_init(&arena, LIMIT_REPORT_ARENA_BYTES);
	err_t err = level1_parse(parser, slice_of(data, size), &arena, &report, &error);
	if (err == OK) {
		forget_empty(&report);
		for (unsigned encoding = 0; encoding < TEXT_ENCODING_N; encoding++)
			check_again(parser, &report, encoding);
	} else {
		need((unsigned)error.reason < LEVEL1_REASON_N);
		need(error.detail.offset <= size);
	}
	arena_done(&arena);
	return 0;
}
