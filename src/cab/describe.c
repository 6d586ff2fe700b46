/* Members come in the order of their bytes and are shown in the order of the table, so a result
 * is kept for each.
 */
#include "cab/describe.h"

#include <stdio.h>
#include <stdlib.h>

#include "ext/crypto.h"

struct result {
	uint8_t sha256[CRYPTO_SHA256_BYTES];
	uint64_t got_bytes;
	struct cab_fault fault;
};

struct hashing {
	struct result *results;              /* one a member */
	struct crypto_sha256_stream *stream; /* of the member that is being taken; NULL: none yet */
};

/* ---- hashing ---- */

static err_t
hash_piece(void *context, const struct cab_member *member, struct slice piece)
{
	struct hashing *hashing = context;
	(void)member;
	if (hashing->stream == NULL)
		hashing->stream = crypto_sha256_new();
	crypto_sha256_add(hashing->stream, piece);
	return OK;
}

static void
end_hash(void *context, const struct cab_member *member, uint64_t bytes,
	 const struct cab_fault *fault)
{
	struct hashing *hashing = context;
	struct result *result = &hashing->results[member->index];
	result->got_bytes = bytes;
	if (hashing->stream != NULL)
		crypto_sha256_take(hashing->stream, result->sha256);
	else
		crypto_sha256(SLICE_LITERAL(""), result->sha256);
	hashing->stream = NULL;
	if (fault != NULL)
		result->fault = *fault;
}

/* ---- parts of the object ---- */

static void
put_flags(struct json *object, const char *key, uint32_t flags, const char *(*name)(unsigned))
{
	struct json *list = json_new_list();
	for (unsigned bit = 0; bit < 32; bit++) {
		if ((flags & 1U << bit) != 0)
			json_add_text(list, slice_str(name(bit)));
	}
	json_put(object, key, list);
}

static void
put_attributes(struct json *object, uint16_t attributes)
{
	static const struct {
		uint16_t bit;
		const char *name;
	} names[] = {
		{CAB_ATTRIBUTE_READ_ONLY, "read_only"},
		{CAB_ATTRIBUTE_HIDDEN, "hidden"},
		{CAB_ATTRIBUTE_SYSTEM, "system"},
		{CAB_ATTRIBUTE_ARCHIVE, "archive"},
		{CAB_ATTRIBUTE_RUN, "run"},
		{CAB_ATTRIBUTE_UTF8, "utf8_name"},
	};
	struct json *list = json_new_list();
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if ((attributes & names[i].bit) != 0)
			json_add_text(list, slice_str(names[i].name));
	}
	json_put(object, "attributes", list);
}

static void
put_modified(struct json *object, const struct cab_member *m)
{
	char text[32];
	if (m->time_us == 0) {
		json_put_null(object, "modified");
		return;
	}
	(void)snprintf(text, sizeof(text), "%04u-%02u-%02uT%02u:%02u:%02u",
		       1980U + (m->dos_date >> 9), m->dos_date >> 5 & 0x0fU, m->dos_date & 0x1fU,
		       m->dos_time >> 11 & 0x1fU, m->dos_time >> 5 & 0x3fU,
		       (m->dos_time & 0x1fU) * 2);
	json_put_str(object, "modified", text);
}

static void
put_fault(struct json *object, struct cab_fault fault)
{
	struct err_detail detail = {.why = ""};
	if (fault.reason == CAB_NO_FAULT) {
		json_put_null(object, "error");
		return;
	}
	(void)cab_explain(fault, &detail);
	json_put_str(object, "error", detail.why);
	json_put_str(object, "reason", cab_reason_name(fault.reason));
	json_put_count(object, "offset", fault.offset);
	json_put_count(object, "part", fault.part);
}

/* What files and failed have in common. */
static void
put_member(struct json *object, const struct cab_member *m)
{
	json_put_text(object, "safe_name", m->safe_name);
	if (m->encoding > CAB_UTF8 || (m->flags & CAB_MEMBER_CONTROL) != 0)
		json_put_hex(object, "raw_name", m->raw_name);
	json_put_str(object, "encoding", cab_encoding_name(m->encoding));
	if (m->folder == CAB_NO_FOLDER)
		json_put_null(object, "folder");
	else
		json_put_count(object, "folder", m->folder);
	put_modified(object, m);
	put_attributes(object, m->attributes);
	put_flags(object, "flags", m->flags, cab_member_flag_name);
}

static struct json *
whole_member(const struct cab_member *m, const struct result *result)
{
	struct json *object = json_new_object();
	json_put_text(object, "name", m->name);
	json_put_count(object, "bytes", m->bytes);
	json_put_hex(object, "sha256", slice_of(result->sha256, sizeof(result->sha256)));
	put_member(object, m);
	return object;
}

static struct json *
failed_member(const struct cab_member *m, const struct result *result)
{
	struct json *object = json_new_object();
	json_put_text(object, "name", m->name);
	json_put_count(object, "bytes", m->bytes);
	json_put_count(object, "got_bytes", result->got_bytes);
	put_fault(object, result->fault);
	put_member(object, m);
	return object;
}

static struct json *
describe_folder(const struct cab_folder *folder)
{
	struct json *object = json_new_object();
	json_put_str(object, "compression", cab_method_name(folder->method));
	if (folder->method == CAB_LZX || folder->method == CAB_QUANTUM)
		json_put_count(object, "window_bits", folder->compression >> 8 & 0x1fU);
	json_put_count(object, "blocks", folder->blocks);
	json_put_count(object, "packed_bytes", folder->packed_bytes);
	json_put_count(object, "bytes", folder->bytes);
	put_fault(object, folder->fault);
	return object;
}

static struct json *
describe_whole(const struct cab_info *info)
{
	struct json *object = json_new_object();
	struct json *folders = json_new_list();
	json_put_count(object, "bytes", info->bytes);
	json_put_count(object, "claimed_bytes", info->claimed_bytes);
	json_put_count(object, "bytes_behind", info->bytes_behind);
	json_put_count(object, "gap_bytes", info->gap_bytes);
	json_put_count(object, "reserve_bytes", info->reserve_bytes);
	json_put_count(object, "set_id", info->set_id);
	json_put_count(object, "set_index", info->set_index);
	json_put_text(object, "previous", info->previous_name);
	json_put_text(object, "previous_disk", info->previous_disk);
	json_put_text(object, "next", info->next_name);
	json_put_text(object, "next_disk", info->next_disk);
	put_flags(object, "flags", info->flags, cab_flag_name);
	for (size_t i = 0; i < info->n_folders; i++)
		json_add(folders, describe_folder(&info->folders[i]));
	json_put(object, "folders", folders);
	return object;
}

static void
put_warnings(struct json *object, const struct cab_info *info)
{
	struct json *list = json_new_list();
	uint32_t flags = 0;
	for (unsigned bit = 0; bit < CAB_FLAG_N; bit++) {
		if ((info->flags & 1U << bit) != 0)
			json_add_text(list, slice_str(cab_flag_name(bit)));
	}
	for (size_t i = 0; i < info->n_members; i++)
		flags |= info->members[i].flags;
	for (unsigned bit = 0; bit < CAB_MEMBER_FLAG_N; bit++) {
		if ((flags & 1U << bit) != 0)
			json_add_text(list, slice_str(cab_member_flag_name(bit)));
	}
	json_put(object, "warnings", list);
}

/* ---- the object ---- */

/* The words of the first fault in the table's order, and how many there are. */
static void
put_error(struct json *object, const struct cab_info *info, const struct result *results)
{
	struct err_detail detail = {.why = ""};
	char text[sizeof(detail.why) + 128];
	size_t n_failed = 0;
	for (size_t i = 0; i < info->n_members; i++) {
		if (results[i].fault.reason == CAB_NO_FAULT)
			continue;
		if (n_failed++ == 0)
			(void)cab_explain(results[i].fault, &detail);
	}
	if (n_failed == 0) {
		json_put_null(object, "error");
		return;
	}
	(void)snprintf(text, sizeof(text), "%zu of %zu members could not be had: %s", n_failed,
		       info->n_members, detail.why);
	json_put_str(object, "error", text);
}

void
cab_put_json(struct json *object, struct cab *cab)
{
	const struct cab_info *info = cab_info(cab);
	struct hashing hashing = {.results = calloc(info->n_members, sizeof(struct result))};
	struct cab_sink sink = {&hashing, NULL, hash_piece, end_hash};
	struct json *files = json_new_list();
	struct json *failed = json_new_list();
	struct cab_fault first;
	if (hashing.results == NULL)
		abort();
	/* Each member's own fault is kept; the first says nothing more. */
	(void)!cab_extract_all(cab, &sink, &first);
	for (size_t i = 0; i < info->n_members; i++) {
		const struct result *result = &hashing.results[i];
		if (result->fault.reason == CAB_NO_FAULT)
			json_add(files, whole_member(&info->members[i], result));
		else
			json_add(failed, failed_member(&info->members[i], result));
	}
	json_put(object, "files", files);
	put_error(object, info, hashing.results);
	json_put(object, "failed", failed);
	put_warnings(object, info);
	json_put(object, "cabinet", describe_whole(info));
	free(hashing.results);
}

struct json *
cab_describe_set(const struct slice *parts, size_t n_parts, const struct cab_limits *limits)
{
	struct json *object = json_new_object();
	struct cab_fault fault;
	struct cab *cab;
	if (cab_open_set(parts, n_parts, limits, &cab, &fault) == OK) {
		cab_put_json(object, cab);
		cab_close(cab);
	} else {
		json_put(object, "files", json_new_list());
		put_fault(object, fault);
		json_put(object, "failed", json_new_list());
		json_put(object, "warnings", json_new_list());
		json_put_null(object, "cabinet");
	}
	return object;
}

struct json *
cab_describe(struct slice cabinet, const struct cab_limits *limits)
{
	return cab_describe_set(&cabinet, 1, limits);
}
