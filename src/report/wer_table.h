/* wer_table.h - the tables behind wer_file.h; for this module alone */
#pragma once

#include "report/wer_file.h"

enum wer_kind {
	WER_KIND_TEXT,
	WER_KIND_NUMBER,
	WER_KIND_ID, /* 64 bits: text in JSON */
	WER_KIND_FILETIME,
	WER_KIND_LIST
};

struct wer_key_row {
	struct slice key;
	const char *json;
	enum wer_kind kind;
};

extern const struct wer_key_row wer_key_table[WER_KEY_N];
/* What stands behind the index, such as ".Name"; absent: the list has no such part. */
extern const struct slice wer_part_table[WER_KEY_N][WER_PART_N];
