/* wer_identity.h - what Windows 10 and 11 write into Report.wer about the program: three codes
 *
 * Facts of published reports, none of them documented.  A code of another form gives false: it
 * stays a text.
 */
#pragma once

#include "base/slice.h"
#include "ext/json.h"

/* AppSessionGuid "000025e4-0001-0125-376b-9d822150da01": the process id in the first eight digits,
 * the time when the process started in the last eight bytes, low byte first. */
struct wer_session {
	uint32_t process_id;
	uint64_t start_filetime;
};
bool wer_session_parse(struct slice guid, struct wer_session *ret_session);

/* TargetAppId "W:<program id>!0000<SHA-1>!name.exe" or "U:<package full name>!App". */
struct wer_target {
	bool is_package;
	struct slice program; /* program id, or package full name */
	struct slice file_id; /* of a W: absent in a U: */
	struct slice sha1;    /* of the image, 40 hex digits; absent when FILE_ID has none */
	struct slice name;    /* image, or the app in the package */
};
bool wer_target_parse(struct slice text, struct wer_target *ret_target);
/* The 40 digits behind the "0000" of a file id; absent: it is of another form. */
struct slice wer_file_id_sha1(struct slice file_id);

/* TargetAppVer "2015//09//11:16:37:08!1a2b!name.exe", of a package with its version and a '!'
 * before it. */
struct wer_target_version {
	struct slice package_version; /* absent: no package */
	int64_t link_time_us;         /* the PE header's stamp */
	uint64_t checksum;            /* the PE header's; 0 none */
	struct slice name;
};
bool wer_target_version_parse(struct slice text, struct wer_target_version *ret_version);

/* "process": {id, started}, "target": {...} and "target_version": {...}, null for what is absent or
 * of another form. */
void wer_identity_put_json(struct slice session, struct slice target, struct slice target_version,
			   struct json *object);
