/* label.h - the label bucket: which reports are the same by level-1 data alone
 *
 * Key text: canonical event type, '/', then each parameter followed by '/', ASCII lower case.
 * A '/' or '\' inside a value is written with a '\' before it, so that the text is unambiguous.
 * A kernel report (event_type.is_kernel) has its type and bugcheck code alone, the code without
 * leading zeros and 0x, whether it came as PARAMETER 0 or as SECONDARYPARAMETER BCCode.
 * A report without parameters has its event type alone.
 * Key: the first 16 bytes of SHA-256 over the key text.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "report/event.h"
#include "report/report.h"

enum {
	LABEL_KEY_BYTES = 16,
	LABEL_HASHED_BYTES = 16
};

/* The values that make the bucket: the parameters, or the bugcheck code alone. */
struct label {
	struct slice event_type;           /* canonical */
	struct slice params[LIMIT_PARAMS]; /* an absent position in between is an empty slice */
	size_t n_params;
};

/* Slices point into REPORT or ARENA. */
void label_of(const struct report *report, struct arena *arena, struct label *ret_label);
void label_key_text(const struct label *label, struct buf *out);
void label_key(struct slice key_text, uint8_t ret_key[LABEL_KEY_BYTES]);

/* Windows' own numbers, by formula: MD5 over lower(type "/" P1 "/" ... Pn "/"), and its last 64
 * bits with the top four set to 0001. */
void label_hashed(const struct label *label, uint8_t ret_hashed[LABEL_HASHED_BYTES]);
uint64_t label_legacy(const uint8_t hashed[LABEL_HASHED_BYTES]);
bool label_is_hashed_verified(const struct label *label);
