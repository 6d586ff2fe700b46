/* event.h - the event types that Windows and its programs are known to send
 *
 * The table says, for each type, its canonical spelling, other spellings of the same type, what
 * the positions of its parameters mean, and what is known of Windows' own bucket numbers.  An
 * unknown type is no error: any name of up to 64 characters may come.
 * Sources: [MS-CER2] 4, public reports; the manual names the open points.
 */
#pragma once

#include "report/report.h"

/* What a parameter's position means.  ROLE_NONE ends nothing: positions may have no role. */
enum event_role {
	ROLE_NONE,
	ROLE_PACKAGE,
	ROLE_APP,
	ROLE_APP_VERSION,
	ROLE_APP_STAMP, /* PE TimeDateStamp, hex */
	ROLE_MODULE,
	ROLE_MODULE_VERSION,
	ROLE_MODULE_STAMP,
	ROLE_CODE, /* NTSTATUS, HRESULT, bugcheck or device problem: see code_kind */
	ROLE_OFFSET,
	ROLE_DATA,
	ROLE_HANG_SIGNATURE,
	ROLE_HANG_TYPE,
	ROLE_N
};

enum code_kind {
	CODE_NONE,
	CODE_NTSTATUS,
	CODE_HRESULT,
	CODE_BUGCHECK,
	CODE_DEVICE_PROBLEM,
	CODE_LIVE_DUMP
};

struct event_type {
	const char *name;    /* canonical */
	const char *aliases; /* other spellings, separated by blanks; "" when there are none */
	int report_type;     /* the usual one; -1 unknown */
	enum code_kind code_kind;
	uint8_t roles[LIMIT_PARAMS];           /* enum event_role by position */
	const char *param_names[LIMIT_PARAMS]; /* English, for people; NULL past the last */
	uint32_t bucket_table; /* 1, 4 or 5: table in which Windows keeps such buckets */
	bool hashed_verified;  /* the formula of bucket/label.h gives Windows' own number */
	bool is_kernel;        /* label by the bugcheck code alone, see bucket/label.h */
	bool is_order_known;   /* false: the order of the parameters is an open fact */
	const char *about;     /* one line for people */
};

/* By any spelling, ASCII case folds; NULL for a type that the table does not have. */
const struct event_type *event_find(struct slice name);
/* The canonical spelling: the table's, or NAME itself when it is unknown. */
struct slice event_canonical(struct slice name);
const struct event_type *event_at(size_t index); /* NULL past the end: for listing */

/* The parts of a label that people filter by; each absent when the report does not have it.
 * For a kernel report `code` is the bugcheck: PARAMETER 0 or SECONDARYPARAMETER BCCode. */
struct report_label {
	const struct event_type *type; /* NULL: unknown type */
	struct slice app;              /* image name, such as GPFMe.exe; else app_name */
	struct slice app_version;
	struct slice app_stamp;
	struct slice module;
	struct slice module_version;
	struct slice module_stamp;
	struct slice code;
	struct slice offset;
};
void report_label(const struct report *report, struct report_label *ret_label);
