/* wer_file.h - Report.wer, the report as its machine keeps it, read and written
 *
 * Lines `Key=Value`, split at the first '=', nothing quoted or escaped; UTF-16LE with byte order
 * mark and CRLF when Windows writes it, any encoding and LF when we read it.  All lines are kept
 * in order, so that what was read can be written again; what is known of them is found by key and
 * index, never by the names in it, which are in the user's language.  Indexes may have gaps.
 * Refuses: an empty file, a file without one `Key=Value` line, what passes limits.h.
 * The keys and their order are those of published reports, Windows 7 to 11.
 */
#pragma once

#include "report/report.h"
#include "report/text_file.h"

/* The keys that stand once, in Windows' order; at a LIST stands an indexed list.
 *   code, key, name in JSON, kind */
#define WER_KEYS(X)                                                                                \
	X(WER_VERSION, "Version", "version", NUMBER)                                               \
	X(WER_EVENT_TYPE, "EventType", "event_type", TEXT)                                         \
	X(WER_EVENT_TIME, "EventTime", "event_time", FILETIME)                                     \
	X(WER_REPORT_TYPE, "ReportType", "report_type", NUMBER)                                    \
	X(WER_CONSENT, "Consent", "consent", NUMBER)                                               \
	X(WER_UPLOAD_TIME, "UploadTime", "upload_time", FILETIME)                                  \
	X(WER_REPORT_STATUS, "ReportStatus", "report_status", NUMBER)                              \
	X(WER_REPORT_ID, "ReportIdentifier", "report_id", TEXT)                                    \
	X(WER_INTEGRATOR_ID, "IntegratorReportIdentifier", "integrator_report_id", TEXT)           \
	X(WER_WOW64, "WOW64", "wow64", NUMBER)                                                     \
	X(WER_WOW64_HOST, "Wow64Host", "wow64_host", NUMBER)                                       \
	X(WER_WOW64_GUEST, "Wow64Guest", "wow64_guest", NUMBER)                                    \
	X(WER_NS_APP_NAME, "NsAppName", "ns_app_name", TEXT)                                       \
	X(WER_ORIGINAL_FILENAME, "OriginalFilename", "original_filename", TEXT)                    \
	X(WER_APP_SESSION, "AppSessionGuid", "app_session", TEXT)                                  \
	X(WER_TARGET_APP_ID, "TargetAppId", "target_app_id", TEXT)                                 \
	X(WER_TARGET_APP_VERSION, "TargetAppVer", "target_app_version", TEXT)                      \
	X(WER_BOOT_ID, "BootId", "boot_id", NUMBER)                                                \
	X(WER_SERVICE_SPLIT, "ServiceSplit", "service_split", TEXT)                                \
	X(WER_HEAP_DUMP_ATTACHED, "HeapdumpAttached", "heap_dump_attached", TEXT)                  \
	X(WER_TARGET_AS_ID, "TargetAsId", "target_as_id", NUMBER)                                  \
	X(WER_USER_IMPACT, "UserImpactVector", "user_impact_vector", NUMBER)                       \
	X(WER_IS_FATAL, "IsFatal", "is_fatal", NUMBER)                                             \
	X(WER_ETW_REASON, "EtwNonCollectReason", "etw_non_collect_reason", NUMBER)                 \
	X(WER_BUCKET_ID, "Response.BucketId", "bucket_id", TEXT)                                   \
	X(WER_BUCKET_TABLE, "Response.BucketTable", "bucket_table", NUMBER)                        \
	X(WER_LEGACY_BUCKET_ID, "Response.LegacyBucketId", "legacy_bucket_id", ID)                 \
	X(WER_RESPONSE_TYPE, "Response.type", "response_type", NUMBER)                             \
	X(WER_CAB_ID, "Response.CabId", "cab_id", TEXT)                                            \
	X(WER_RESPONSE_URL, "Response.url", "response_url", TEXT)                                  \
	X(WER_SIGNATURE, "Sig", "signature", LIST)                                                 \
	X(WER_DYNAMIC_SIGNATURE, "DynamicSig", "dynamic_signature", LIST)                          \
	X(WER_UI, "UI", "ui", LIST)                                                                \
	X(WER_LOADED_MODULE, "LoadedModule", "loaded_modules", LIST)                               \
	X(WER_STATE, "State", "state", LIST)                                                       \
	X(WER_OS_INFO, "OsInfo", "os_info", LIST)                                                  \
	X(WER_FILE, "File", "files", LIST)                                                         \
	X(WER_FRIENDLY_NAME, "FriendlyEventName", "friendly_event_name", TEXT)                     \
	X(WER_CONSENT_KEY, "ConsentKey", "consent_key", TEXT)                                      \
	X(WER_APP_NAME, "AppName", "app_name", TEXT)                                               \
	X(WER_APP_PATH, "AppPath", "app_path", TEXT)                                               \
	X(WER_DESCRIPTION, "ReportDescription", "report_description", TEXT)                        \
	X(WER_NS_PARTNER, "NsPartner", "ns_partner", TEXT)                                         \
	X(WER_NS_GROUP, "NsGroup", "ns_group", TEXT)                                               \
	X(WER_APPLICATION_IDENTITY, "ApplicationIdentity", "application_identity", TEXT)           \
	X(WER_METADATA_HASH, "MetadataHash", "metadata_hash", NUMBER)
#define WER_ENUM_(code, key, json, kind) code,
enum wer_key {
	WER_KEYS(WER_ENUM_) WER_KEY_N
};
#undef WER_ENUM_

/* Parts of an indexed item: what stands behind `Sig[3]`. */
enum wer_part {
	WER_PART_NAME = 0,     /* Sig and DynamicSig: .Name; State and OsInfo: .Key; else unused */
	WER_PART_VALUE = 1,    /* .Value; of UI and LoadedModule what `UI[2]=` has */
	WER_PART_CAB_NAME = 0, /* File: .CabName, .Path, .Flags, .Type, .Original.Path */
	WER_PART_PATH = 1,
	WER_PART_FLAGS = 2,
	WER_PART_TYPE = 3,
	WER_PART_ORIGINAL_PATH = 4,
	WER_PART_N = 5
};

/* What is known of DynamicSig and UI by index. */
enum {
	WER_DYNAMIC_OS = 1,
	WER_DYNAMIC_LCID = 2,
	WER_UI_ICON_PATH = 2 /* WER_REPORT_UI: the program's path */
};

struct wer_item {
	uint32_t index;
	struct slice parts[WER_PART_N]; /* absent: there is no such line */
};

struct wer_value {
	struct slice text; /* absent: the key is not there */
	bool is_number;    /* of a NUMBER, ID or FILETIME: TEXT is decimal */
	int64_t number;    /* 0 otherwise */
};

struct wer_line {
	struct slice key;   /* before the first '='; the whole line when it has none */
	struct slice value; /* absent: the line has no '=' */
	bool is_known;      /* its value is in `values` or `lists` */
};

enum wer_flag {
	WER_FLAG_BAD_NUMBER = 1 << 0, /* a number's value is none */
	WER_FLAG_DUPLICATE = 1 << 1,  /* one key twice: the first counts */
	WER_FLAG_UNKNOWN = 1 << 2,    /* lines with a key that we do not know, or without '=' */
	WER_FLAG_BAD_TEXT = 1 << 3    /* a broken sequence became U+FFFD */
};

struct wer_file {
	struct text_file form; /* its encoding; the text is the lines' */
	bool is_lf;            /* lines end by LF alone */
	bool is_open;          /* the last line has no end */
	struct wer_line *lines;
	size_t n_lines;

	struct wer_value values[WER_KEY_N]; /* those of lists are unused */
	struct {
		struct wer_item *items; /* by index, each once */
		size_t n;
	} lists[WER_KEY_N]; /* those of single keys are empty */
	uint32_t flags;     /* enum wer_flag */
};

/* Texts live in ARENA.
 * ERR_TRUNCATED	nothing is in it
 * ERR_CORRUPT		no line is `Key=Value`: not a Report.wer
 * ERR_LIMIT		bytes, lines, or ARENA is full */
err_t wer_file_parse(struct slice in, struct arena *arena, struct wer_file *ret_file) ERR_CHECK;
/* Appends the lines as they are, in the encoding and with the line ends that they came in: of a
 * file with valid text and one kind of line end these are the same bytes. */
void wer_file_format(const struct wer_file *file, struct buf *out);
/* Appends what the values and lists say, as Windows writes it: UTF-16LE with byte order mark,
 * CRLF, its order of keys.  `lines` are not asked.  Of a report that Windows wrote, and in which
 * nothing is unknown, these are the same bytes.  ERR_UNSUPPORTED: a text has a line end or NUL in
 * it.  ERR_LIMIT: OUT is full. */
err_t wer_file_compose(const struct wer_file *file, struct buf *out) ERR_CHECK;

/* NULL: the list has no such index. */
const struct wer_item *
wer_file_item(const struct wer_file *file, enum wer_key list, uint32_t index);
/* The value of OsInfo's KEY ("verbld"); absent when there is none. */
struct slice wer_file_os_info(const struct wer_file *file, const char *key);

/* The report that level 1 would say of this event, as far as Report.wer has it: not the machine,
 * user and manufacturer.  DynamicSig 1 and 2 are `os` and `lcid`; the others are
 * SECONDARYPARAMETER. Its label bucket is that of the level-1 report.  Texts are FILE's or live in
 * ARENA. ERR_CORRUPT: no event type.  ERR_LIMIT: more, or longer texts, than a report may have. */
err_t wer_file_to_report(const struct wer_file *file, struct arena *arena,
			 struct report *ret_report) ERR_CHECK;

void wer_file_put_json(const struct wer_file *file, struct json *object);
