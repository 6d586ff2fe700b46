/* derived_analysis.h - what came of the uploads in the jail, and the work that is left
 *
 * Part of derived: `werd analyze` and `werctl rebuild` write, one result for each upload.  The same
 * uploads give the same rows in whatever order they are analysed.  Results come from hostile
 * input: whoever puts one has checked its form (analyze/result.h), not its truth.
 */
#pragma once

#include "store/derived.h"

enum analysis_state {
	ANALYSIS_DONE = 1,
	ANALYSIS_FAILED = 2 /* the child died, or its answer was none */
};

/* Exploitability, a weak input; the names are those of Breakpad. */
enum analysis_rating {
	RATING_ABSENT,
	RATING_NONE,
	RATING_INTERESTING,
	RATING_LOW,
	RATING_MEDIUM,
	RATING_HIGH,
	RATING_N
};

enum {
	CLASS_KEY_BYTES = 16
};

struct analysis_job {
	uint64_t report;
	uint64_t bucket;
	uint8_t sha256[32];
	uint64_t bytes;
};

struct class_key {
	uint8_t key[CLASS_KEY_BYTES]; /* the hash of text */
	uint32_t version;             /* of the rules */
	struct slice title;           /* for people: "null read in editor.exe!draw" */
	struct slice text;            /* what was hashed */
	struct slice medoid;          /* absent: no stack */
};

struct analysis {
	uint64_t report;
	enum analysis_state state;
	uint32_t version; /* of the analyser */
	enum analysis_rating rating;
	struct slice summary;  /* one line */
	struct slice document; /* JSON; empty: none */
	bool has_class;
	struct class_key class_key;
};

/* The id of a class bucket: 63 bits of its key. */
uint64_t class_id(const uint8_t key[CLASS_KEY_BYTES]);

/* Uploads without a result: those first whose label bucket has none yet, then the oldest.  Up to
 * MAX of them; *ret_count 0: no work is left. */
err_t derived_next_jobs(struct derived *derived, struct analysis_job *ret_jobs, size_t max,
			size_t *ret_count, struct err_detail *detail) ERR_CHECK;
/* How many are waiting. */
err_t derived_count_jobs(struct derived *derived, uint64_t *ret_count) ERR_CHECK;
/* COUNT results in one transaction; their uploads are no work any more.  A result that is there
 * already stays. */
err_t derived_put_analyses(struct derived *derived, const struct analysis *analyses, size_t count,
			   struct err_detail *detail) ERR_CHECK;
/* Uploads that failed under another version of the analyser become work again. */
err_t derived_retry_failed(struct derived *derived, uint32_t version, size_t *ret_count,
			   struct err_detail *detail) ERR_CHECK;

/* ERR_NOTFOUND: none yet.  Texts live in ARENA; class_key has key, version, title and text.
 * HAS_DOCUMENT: without it `document` is absent, which is much cheaper. */
err_t derived_find_analysis(struct derived *derived, uint64_t report, bool has_document,
			    struct arena *arena, struct analysis *ret_analysis) ERR_CHECK;
/* Is the upload of this report still waiting? */
err_t derived_is_pending(struct derived *derived, uint64_t report, bool *ret_is) ERR_CHECK;

struct derived_class {
	uint64_t id;
	struct class_key key; /* without medoid */
	uint64_t hits;
	uint64_t first_report;
	uint64_t last_report;
	uint64_t medoid_report;
};
/* Most hits first; AFTER of PAGE is an offset. */
typedef err_t (*derived_each_class_fn)(void *context, const struct derived_class *bucket);
err_t derived_each_class(struct derived *derived, struct page page, derived_each_class_fn each,
			 void *context) ERR_CHECK;
/* All class buckets that have a medoid, by id. */
typedef err_t (*derived_each_medoid_fn)(void *context, uint64_t id, struct slice medoid);
err_t
derived_each_medoid(struct derived *derived, derived_each_medoid_fn each, void *context) ERR_CHECK;
err_t derived_find_class(struct derived *derived, uint64_t id, struct arena *arena,
			 struct derived_class *ret_class) ERR_CHECK;
/* Its analysed reports, newest first. */
err_t derived_each_class_report(struct derived *derived, uint64_t class_bucket, struct page page,
				derived_each_id_fn each, void *context) ERR_CHECK;
