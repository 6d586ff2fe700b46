/* answer.h - the reply's text, from what the rules say and whether a cabinet is asked for
 *
 * Directives that say what to put into a cabinet stand in the reply only when one is asked for;
 * `Response` and its kin always.  iData is left out when none is asked for: absent means no
 * second level, [MS-CER2] 2.2.2.
 */
#pragma once

#include "cer/upload_path.h"
#include "collection/collection.h"

struct answer {
	const struct collection_plan *plan;
	uint64_t bucket;
	uint64_t bucket_table;
	const struct upload_ticket *ticket; /* NULL: no cabinet is asked for */
	const uint8_t *upload_key;          /* UPLOAD_KEY_BYTES; for the ticket */
};

/* Appends the reply.  Rules were checked to be encodable when they were compiled. */
err_t answer_format(const struct answer *answer, struct buf *out) ERR_CHECK;
/* Is it no more than Bucket and BucketTable, which can be made again from the bucket's number? */
bool answer_is_plain(const struct answer *answer);
