/* report.h - what a machine told us: level 1 of an error report, [MS-CER2] 2.2.1
 *
 * A plain value.  Texts are UTF-8 that live in the arena of whoever made the report.  A slice
 * whose data is NULL was absent, which is not the same as empty.  Structure that was wrong
 * never gets here; content that is strange is kept, and flagged.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/limits.h"
#include "base/slice.h"

/* WER_REPORT_TYPE; others are kept as they came. */
enum {
	REPORT_NON_CRITICAL = 0,
	REPORT_CRITICAL = 1,
	REPORT_CRASH = 2,
	REPORT_HANG = 3,
	REPORT_KERNEL = 4
};

struct report_param {
	struct slice name;  /* localised: never used to find anything */
	struct slice value; /* absent: this position was not sent */
};

struct report_pair {
	struct slice name;
	struct slice value;
};

struct report_file {
	struct slice name;
	struct slice type_text; /* as sent */
	bool has_type;
	int64_t type; /* WER_FILE_TYPE, 1-10 known */
};

enum report_flag {
	REPORT_FLAG_BAD_TEXT = 1 << 0,   /* a broken UTF sequence became U+FFFD */
	REPORT_FLAG_BAD_OS = 1 << 1,     /* `os` is not 7, 8 or 9 fields */
	REPORT_FLAG_BAD_NUMBER = 1 << 2, /* lcid, report type, event time or file type: no number */
	REPORT_FLAG_EXTRA_PARAMS = 1 << 3,    /* parameters beyond ten, kept aside */
	REPORT_FLAG_DUPLICATE_PARAM = 1 << 4, /* one position twice: the first counts */
	REPORT_FLAG_LONG_TEXT = 1 << 5,       /* longer than [MS-CER2] allows */
	REPORT_FLAG_UNKNOWN_PARTS = 1 << 6,   /* elements or attributes that we do not know */
	REPORT_FLAG_MISSING_PARTS = 1 << 7,   /* a required element or attribute is absent */
	REPORT_FLAG_BAD_PARAM_ID =
		1 << 8, /* a PARAMETER whose id is no number: took the next place */
};

struct report {
	struct slice machine; /* machinename; a claim, not an identity */
	struct slice os;
	struct slice oem;
	struct slice user;
	struct slice app_name; /* appname: the product's name, not the image's */
	struct slice app_path;
	struct slice app_company;
	struct slice event_type; /* as sent, see event.h for its canonical spelling */
	struct slice friendly_event_name;
	struct slice event_description;

	bool has_lcid;
	bool has_report_type;
	bool has_event_time;
	int64_t lcid;
	int64_t report_type;
	uint64_t event_filetime; /* 100 ns since 1601 UTC */

	struct report_param params[LIMIT_PARAMS];
	size_t n_params;                  /* highest position sent, plus one */
	struct report_pair *extra_params; /* ids from 10 up; name is the id as sent */
	size_t n_extra_params;
	struct report_pair *secondary; /* SECONDARYPARAMETER, in order */
	size_t n_secondary;
	struct report_file *files;
	size_t n_files;

	uint32_t flags; /* enum report_flag */
};

/* The value of the first SECONDARYPARAMETER of that name (case folds); absent when there is none.
 */
struct slice report_find_secondary(const struct report *report, const char *name);
/* Short names of the flags that are set, comma-separated, for people; "" when there are none. */
const char *report_flags_text(uint32_t flags, char text[256]);
