/* Any bytes as WERInternalMetadata.xml: refused with a reason inside it, or facts that print. */
#include "report/wer_metadata.h"

#include <stdlib.h>

#include "base/limits.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
need(bool is_true)
{
	if (!is_true)
		abort();
}

static void
check(const struct wer_metadata *metadata)
{
	struct buf line;
	struct json *read;
	struct json *object = json_new_object();
	need(metadata->n_processes <= LIMIT_METADATA_PROCESSES);
	need(metadata->n_params <= LIMIT_PARAMS);
	need(metadata->n_other <= LIMIT_METADATA_OTHER);
	for (size_t i = 0; i < metadata->n_other; i++)
		need(text_is_utf8(metadata->other[i].name) &&
		     metadata->other[i].name.len <= LIMIT_METADATA_PATH_BYTES);
	wer_metadata_put_json(metadata, object);
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
	static struct xml_parser *parser;
	struct arena arena;
	struct wer_metadata metadata;
	struct err_detail detail;
	if (parser == NULL)
		parser = xml_parser_new();
	arena_init(&arena, LIMIT_TEXT_FILE_ARENA_BYTES);
	err_t err = wer_metadata_parse(parser, slice_of(data, size), &arena, &metadata, &detail);
	if (err == OK)
		check(&metadata);
	else
		need(detail.why[0] != '\0' && detail.offset <= size * 3);
	arena_done(&arena);
	return 0;
}
