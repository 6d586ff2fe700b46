/* evidence.h - what the client was asked for, beside what answered it
 *
 * A reply's directives, each item of a list for itself, against the files of the cabinet that came,
 * or did not.  What is missing has the likeliest reason, and the others that are possible: a client
 * does not say why it sent nothing.  Pure: the caller gives what it knows of the client.
 * Names of files: observed by others, not documented; a file that may be the answer is not `sure`.
 * Consent and throttling: the rules of Windows' settings.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "ext/json.h"
#include "report/file_kind.h"
#include "report/registry_result.h"

/* code, key of the reply, name in JSON */
#define EVIDENCE_DIRECTIVES(X)                                                                     \
	X(EVIDENCE_CAB, "iData", "cab")                                                            \
	X(EVIDENCE_MEMORY_DUMP, "MemoryDump", "memory_dump")                                       \
	X(EVIDENCE_REG_KEY, "RegKey", "reg_key")                                                   \
	X(EVIDENCE_REG_TREE, "RegTree", "reg_tree")                                                \
	X(EVIDENCE_WQL, "WQL", "wql")                                                              \
	X(EVIDENCE_GET_FILE, "GetFile", "get_file")                                                \
	X(EVIDENCE_GET_FILE_VERSION, "GetFileVersion", "get_file_version")                         \
	X(EVIDENCE_FDOC, "fDoc", "fdoc")                                                           \
	X(EVIDENCE_MODULE_INFO, "ModuleInfo", "module_info")
#define EVIDENCE_ENUM_(code, key, json) code,
enum evidence_directive {
	EVIDENCE_DIRECTIVES(EVIDENCE_ENUM_) EVIDENCE_DIRECTIVE_N
};
#undef EVIDENCE_ENUM_

enum evidence_state {
	EVIDENCE_ANSWERED,
	EVIDENCE_EMPTY, /* the file that would answer it has no byte */
	EVIDENCE_NOT_SENT,
	EVIDENCE_STATE_N
};

/* code, name in JSON, words for people */
#define EVIDENCE_REASONS(X)                                                                        \
	X(EVIDENCE_NO_REASON, "none", "")                                                          \
	X(EVIDENCE_WAITING, "waiting", "the upload may still come")                                \
	X(EVIDENCE_NOT_ASKED, "not_asked", "the reply did not ask for a cabinet (iData)")          \
	X(EVIDENCE_NO_PATH, "no_path", "the reply named no place for a cabinet (DumpFile)")        \
	X(EVIDENCE_UPLOAD_FAILED, "upload_failed", "the upload began and did not end")             \
	X(EVIDENCE_REPORT_CONSENT, "report_consent", "the user refused to send this report")       \
	X(EVIDENCE_SECOND_LEVEL_OFF, "second_level_off",                                           \
	  "the machine never sends additional data"                                                \
	  " (DontSendAdditionalData)")                                                             \
	X(EVIDENCE_CONSENT_PARAMETERS, "consent_parameters", "consent is for parameters alone")    \
	X(EVIDENCE_CONSENT_SAFE, "consent_safe",                                                   \
	  "consent is for parameters and safe data: no heap, registry, files or documents")        \
	X(EVIDENCE_CONSENT_ASK, "consent_ask", "the user is asked, and did not agree (yet)")       \
	X(EVIDENCE_DATA_THROTTLED, "data_throttled",                                               \
	  "the machine sent a cabinet of this event type before (BypassDataThrottling is off)")    \
	X(EVIDENCE_POWER_THROTTLED, "power_throttled",                                             \
	  "the machine ran on battery (BypassPowerThrottling is off)")                             \
	X(EVIDENCE_NETWORK_THROTTLED, "network_throttled",                                         \
	  "the network was metered (BypassNetworkCostThrottling is off)")                          \
	X(EVIDENCE_MINI_ONLY, "mini_only", "the report holds a minidump alone, which was sent")    \
	X(EVIDENCE_NO_DOCUMENTS, "no_documents", "the program named no document")                  \
	X(EVIDENCE_NOT_THERE, "not_there", "the machine does not have it, or could not read it")   \
	X(EVIDENCE_CLIENT_IGNORES, "client_ignores", "the client may not know this directive")
#define EVIDENCE_ENUM_(code, json, text) code,
enum evidence_reason {
	EVIDENCE_REASONS(EVIDENCE_ENUM_) EVIDENCE_REASON_N
};
#undef EVIDENCE_ENUM_

enum evidence_fact {
	EVIDENCE_UNKNOWN,
	EVIDENCE_NO,
	EVIDENCE_YES
};

/* Consent\DefaultConsent or the event type's own, whichever applies. */
enum {
	EVIDENCE_CONSENT_UNKNOWN = 0,
	EVIDENCE_ALWAYS_ASK = 1,
	EVIDENCE_PARAMETERS = 2,
	EVIDENCE_SAFE_DATA = 3,
	EVIDENCE_ALL_DATA = 4
};

/* What is known of the machine's settings and state; zeroed: nothing. */
struct evidence_client {
	int consent;                         /* as above */
	int64_t report_consent;              /* Consent of its Report.wer; 3 denied, 0 unknown */
	enum evidence_fact second_level_off; /* DontSendAdditionalData */
	enum evidence_fact bypasses_data;    /* BypassDataThrottling */
	enum evidence_fact bypasses_power;   /* BypassPowerThrottling */
	enum evidence_fact bypasses_network; /* BypassNetworkCostThrottling */
	enum evidence_fact sent_cab_before;  /* of this event type */
	enum evidence_fact ran_on_battery;
	enum evidence_fact was_metered;
};

/* What the reply said.  Lists are items joined by ';'; absent or empty: not asked. */
struct evidence_request {
	bool cab;      /* iData=1 */
	bool has_path; /* DumpFile */
	bool memory_dump;
	bool fdoc;
	bool module_info;
	struct slice reg_key;
	struct slice reg_tree;
	struct slice wql;
	struct slice get_file;
	struct slice get_file_version;
};

enum {
	EVIDENCE_TYPE_DOCUMENT = 4 /* WerFileTypeUserDocument */
};

struct evidence_file {
	struct slice name;
	uint64_t size_bytes;
	enum file_kind kind;                    /* see file_kind.h */
	int64_t type;                           /* WER_FILE_TYPE that the report says; 0 unknown */
	const struct registry_result *registry; /* when it is one of known form, else NULL */
};

enum evidence_upload {
	EVIDENCE_UPLOAD_WAITED, /* nothing yet, and it may still come */
	EVIDENCE_UPLOAD_NONE,   /* nothing came in its time */
	EVIDENCE_UPLOAD_BROKEN, /* began, or came and cannot be read */
	EVIDENCE_UPLOAD_CAME
};

struct evidence_input {
	struct evidence_request request;
	struct evidence_client client;
	enum evidence_upload upload;
	const struct evidence_file
		*files; /* of the cabinet; those of UPLOAD_CAME alone are asked */
	size_t n_files;
};

struct evidence_item {
	enum evidence_directive directive;
	struct slice item; /* of a list; absent: the directive has none */
	enum evidence_state state;
	struct slice file; /* the name of the answer; absent: not sent, or the cabinet itself */
	bool is_sure;      /* of an answer: the file can be nothing else */
	enum evidence_reason reason; /* of NOT_SENT: the likeliest */
	uint32_t possible;           /* bits 1 << enum evidence_reason: the others */
};

struct evidence {
	struct evidence_item *items; /* in the order of EVIDENCE_DIRECTIVES, then of the lists */
	size_t n_items;
};

/* Items live in ARENA, their texts are the input's.  ERR_LIMIT: LIMIT_EVIDENCE_ITEMS or _FILES, or
 * ARENA is full. */
err_t evidence_match(const struct evidence_input *input, struct arena *arena,
		     struct evidence *ret_evidence) ERR_CHECK;
const char *evidence_directive_key(enum evidence_directive directive); /* "RegKey" */
const char *evidence_state_name(enum evidence_state state);            /* "not_sent" */
const char *evidence_reason_text(enum evidence_reason reason);         /* for people */
/* "evidence": [{directive, item, state, file, is_sure, reason, reason_text, possible []}]. */
void evidence_put_json(const struct evidence *evidence, struct json *object);
