#include "report/wer_identity.h"

#include <stdio.h>

#include "base/time.h"
#include "ext/crypto.h"

enum {
	GUID_CHARACTERS = 36,
	START_BYTES = 8,
	SHA1_DIGITS = 2 * CRYPTO_SHA1_BYTES,
	FILE_ID_ZEROS = 4,
	LINK_TIME_CHARACTERS = 21 /* 2015//09//11:16:37:08 */
};

/* LEN hex digits at AT; "0x" is none. */
static bool
hex_at(struct slice text, size_t at, size_t len, uint64_t *ret_value)
{
	struct slice digits = slice_sub(text, at, len);
	for (size_t i = 0; i < digits.len; i++)
		if ((digits.data[i] | 0x20) == 'x')
			return false;
	return digits.len == len && slice_hex_to_u64(digits, ret_value);
}

bool
wer_session_parse(struct slice guid, struct wer_session *ret_session)
{
	static const uint8_t byte_at[START_BYTES] = {19, 21, 24, 26, 28, 30, 32, 34};
	static const uint8_t dash_at[] = {8, 13, 18, 23};
	struct wer_session session = {0};
	uint64_t value;
	if (guid.len != GUID_CHARACTERS || !hex_at(guid, 0, 8, &value) ||
	    !hex_at(guid, 9, 4, &(uint64_t){0}) || !hex_at(guid, 14, 4, &(uint64_t){0}))
		return false;
	session.process_id = (uint32_t)value;
	for (size_t i = 0; i < sizeof(dash_at); i++)
		if (guid.data[dash_at[i]] != '-')
			return false;
	for (size_t i = 0; i < START_BYTES; i++) {
		if (!hex_at(guid, byte_at[i], 2, &value))
			return false;
		session.start_filetime |= value << (8 * i);
	}
	*ret_session = session;
	return true;
}

struct slice
wer_file_id_sha1(struct slice file_id)
{
	struct slice digits = slice_sub(file_id, FILE_ID_ZEROS, file_id.len);
	uint64_t value;
	if (digits.len != SHA1_DIGITS || !slice_starts_with(file_id, SLICE_LITERAL("0000")))
		return (struct slice){NULL, 0};
	for (size_t i = 0; i < digits.len; i++)
		if (!hex_at(digits, i, 1, &value))
			return (struct slice){NULL, 0};
	return digits;
}

bool
wer_target_parse(struct slice text, struct wer_target *ret_target)
{
	struct wer_target target = {0};
	struct slice rest = slice_sub(text, 2, text.len);
	target.is_package = slice_starts_with(text, SLICE_LITERAL("U:"));
	if (!target.is_package && !slice_starts_with(text, SLICE_LITERAL("W:")))
		return false;
	if (!slice_cut(rest, '!', &target.program, &target.name))
		return false;
	if (!target.is_package) {
		rest = target.name;
		if (!slice_cut(rest, '!', &target.file_id, &target.name))
			return false;
		target.sha1 = wer_file_id_sha1(target.file_id);
	}
	*ret_target = target;
	return true;
}

/* Cuts at the last '!'. */
static bool
cut_last(struct slice text, struct slice *ret_head, struct slice *ret_tail)
{
	const uint8_t *at = text.data == NULL ? NULL : memrchr(text.data, '!', text.len);
	if (at == NULL)
		return false;
	size_t head = (size_t)(at - text.data);
	*ret_head = slice_sub(text, 0, head);
	*ret_tail = slice_sub(text, head + 1, text.len);
	return true;
}

/* "2015//09//11:16:37:08" */
static bool
parse_link_time(struct slice text, int64_t *ret_time_us)
{
	char iso[LINK_TIME_CHARACTERS + 1];
	const char *t = (const char *)text.data;
	if (text.len != LINK_TIME_CHARACTERS || memcmp(t + 4, "//", 2) != 0 ||
	    memcmp(t + 8, "//", 2) != 0 || t[12] != ':')
		return false;
	(void)snprintf(iso, sizeof(iso), "%.4s-%.2s-%.2sT%.8sZ", t, t + 6, t + 10, t + 13);
	return time_parse(slice_str(iso), 0, ret_time_us);
}

bool
wer_target_version_parse(struct slice text, struct wer_target_version *ret_version)
{
	struct wer_target_version version = {0};
	struct slice head;
	struct slice checksum;
	struct slice date;
	if (!cut_last(text, &head, &version.name) || !cut_last(head, &head, &checksum) ||
	    !slice_hex_to_u64(checksum, &version.checksum))
		return false;
	date = head;
	if (cut_last(head, &head, &date))
		version.package_version = head;
	if (!parse_link_time(date, &version.link_time_us))
		return false;
	*ret_version = version;
	return true;
}

static struct json *
session_json(struct slice text)
{
	struct wer_session session;
	int64_t start_us;
	if (!wer_session_parse(text, &session))
		return json_new_text(slice_of(NULL, 0));
	struct json *object = json_new_object();
	json_put_number(object, "id", session.process_id);
	if (time_from_filetime(session.start_filetime, &start_us))
		json_put_time(object, "started", start_us);
	else
		json_put_null(object, "started");
	return object;
}

static struct json *
target_json(struct slice text)
{
	struct wer_target target;
	if (!wer_target_parse(text, &target))
		return json_new_text(slice_of(NULL, 0));
	struct json *object = json_new_object();
	json_put_flag(object, "is_package", target.is_package);
	json_put_text(object, "program", target.program);
	json_put_text(object, "file_id", target.file_id);
	json_put_text(object, "sha1", target.sha1);
	json_put_text(object, "name", target.name);
	return object;
}

static struct json *
version_json(struct slice text)
{
	struct wer_target_version version;
	if (!wer_target_version_parse(text, &version))
		return json_new_text(slice_of(NULL, 0));
	struct json *object = json_new_object();
	json_put_text(object, "package_version", version.package_version);
	json_put_time(object, "link_time", version.link_time_us);
	json_put_count(object, "checksum", version.checksum);
	json_put_text(object, "name", version.name);
	return object;
}

void
wer_identity_put_json(struct slice session, struct slice target, struct slice target_version,
		      struct json *object)
{
	json_put(object, "process", session_json(session));
	json_put(object, "target", target_json(target));
	json_put(object, "target_version", version_json(target_version));
}
