/* upload_path.h - where a cabinet may be PUT: /cab/<64 hex digits>.cab
 *
 * The digits are report id (8 bytes), expiry (4, seconds since 1970), size limit (4, KiB) and
 * the first 16 bytes of an HMAC-SHA-256 over them under a key kept with the store.  Any ingest
 * process can so accept an upload without a look-up, and nobody can guess or change one.
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

enum {
	UPLOAD_KEY_BYTES = 32
};

struct upload_ticket {
	uint64_t report_id;
	int64_t expires_us; /* kept to the second */
	uint64_t max_bytes; /* kept to the KiB, rounded up; at most 4 TiB */
};

void upload_path_format(const struct upload_ticket *ticket, const uint8_t key[UPLOAD_KEY_BYTES],
			struct buf *out);
/* TARGET is the request's target as it came: path, absolute form, with '/', '\', "%5C" or "%2F",
 * any case.  ERR_NOTFOUND: not of this form.  ERR_DENIED: the HMAC does not fit.  The expiry is
 * the caller's to check: this module reads no clock. */
err_t upload_path_parse(struct slice target, const uint8_t key[UPLOAD_KEY_BYTES],
			struct upload_ticket *ret_ticket) ERR_CHECK;
/* Does TARGET's path (query and fragment aside) end in stage2.htm, any case and any prefix? */
bool upload_path_is_stage2(struct slice target);
