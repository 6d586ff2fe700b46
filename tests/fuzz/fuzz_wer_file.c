/* Any bytes as Report.wer: refused, or written and read again equal, both as lines and from what
 * the lines say; the report in it is one that level 1 could have brought. */
#include "report/wer_file.h"

#include <stdlib.h>

#include "base/limits.h"

enum {
	WRITTEN_BYTES_MAX = 16 * LIMIT_TEXT_FILE_BYTES
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
need(bool is_true)
{
	if (!is_true)
		abort();
}

static bool
is_same(struct slice a, struct slice b)
{
	return slice_is_absent(a) == slice_is_absent(b) && slice_equal(a, b);
}

static void
need_same_lines(const struct wer_file *a, const struct wer_file *b)
{
	need(a->n_lines == b->n_lines);
	for (size_t i = 0; i < a->n_lines; i++) {
		need(is_same(a->lines[i].key, b->lines[i].key));
		need(is_same(a->lines[i].value, b->lines[i].value));
		need(a->lines[i].is_known == b->lines[i].is_known);
	}
}

static void
need_same_facts(const struct wer_file *a, const struct wer_file *b)
{
	for (unsigned key = 0; key < WER_KEY_N; key++) {
		need(is_same(a->values[key].text, b->values[key].text));
		need(a->values[key].is_number == b->values[key].is_number);
		need(a->values[key].number == b->values[key].number);
		need(a->lists[key].n == b->lists[key].n);
		for (size_t i = 0; i < a->lists[key].n; i++) {
			const struct wer_item *item = &a->lists[key].items[i];
			need(item->index == b->lists[key].items[i].index);
			need(wer_file_item(a, key, item->index) == item);
			for (unsigned part = 0; part < WER_PART_N; part++)
				need(is_same(item->parts[part],
					     b->lists[key].items[i].parts[part]));
		}
	}
}

static void
check_written(const struct wer_file *file, struct arena *arena)
{
	struct wer_file again;
	struct buf written;
	buf_init(&written, WRITTEN_BYTES_MAX);
	wer_file_format(file, &written);
	need(buf_error(&written) == OK);
	/* A broken character of one byte may have become one of three. */
	if (written.len <= LIMIT_TEXT_FILE_BYTES) {
		need(wer_file_parse(buf_slice(&written), arena, &again) == OK);
		need_same_lines(file, &again);
		need_same_facts(file, &again);
	}
	buf_reset(&written);
	err_t err = wer_file_compose(file, &written);
	need(err == OK || err == ERR_UNSUPPORTED);
	if (err == OK && written.len > 2 && written.len <= LIMIT_TEXT_FILE_BYTES) {
		need(wer_file_parse(buf_slice(&written), arena, &again) == OK);
		need_same_facts(file, &again);
		need((again.flags & (WER_FLAG_UNKNOWN | WER_FLAG_DUPLICATE)) == 0);
	}
	buf_done(&written);
}

static void
check_report(const struct wer_file *file, struct arena *arena)
{
	struct report report;
	err_t err = wer_file_to_report(file, arena, &report);
	need(err == OK || err == ERR_CORRUPT || err == ERR_LIMIT);
	if (err != OK)
		return;
	need(report.event_type.len > 0 && report.event_type.len <= LIMIT_EVENT_TYPE_BYTES);
	need(report.n_params <= LIMIT_PARAMS && report.n_extra_params <= LIMIT_EXTRA_PARAMS);
	need(report.n_params == 0 || !slice_is_absent(report.params[report.n_params - 1].value));
	need(report.n_secondary <= LIMIT_SECONDARY_PARAMS && report.n_files <= LIMIT_FILES);
}

static void
check_json(const struct wer_file *file)
{
	struct buf line;
	struct json *read;
	struct json *object = json_new_object();
	wer_file_put_json(file, object);
	buf_init(&line, SIZE_MAX / 2);
	json_format_line(object, false, &line);
	need(json_parse(buf_slice(&line), &read, NULL) == OK);
	json_free(read);
	json_free(object);
	buf_done(&line);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena;
	struct wer_file file;
	arena_init(&arena, (size_t)4 * LIMIT_TEXT_FILE_ARENA_BYTES);
	if (wer_file_parse(slice_of(data, size), &arena, &file) == OK) {
		check_written(&file, &arena);
		check_report(&file, &arena);
		check_json(&file);
	}
	arena_done(&arena);
	return 0;
}
