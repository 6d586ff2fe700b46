/* derived.h - counts and indexes: everything that can be thrown away and rebuilt
 *
 * SQLite, one writer: `werd analyze`.  It follows the report ids of facts in short transactions,
 * and lags by at most 2 s.  Readers join it with facts; a row here may name a report that was
 * forgotten since: drop it.  docs/store.md has the schema with its reasons.
 * A handle belongs to one thread at a time.  Readers hold no read transaction while a callback
 * runs, so that a callback may take its time and may ask derived and facts.
 */
#pragma once

#include "store/facts.h"

enum derived_mode {
	DERIVED_READ,
	DERIVED_WRITE
};

struct derived;

/* DERIVED_WRITE: a file of another version, a broken one or none at all becomes a new, empty one.
 * ERR_BUSY: another process writes.  DERIVED_READ waits up to 5 s for the writer to make it. */
err_t derived_open(const char *data, enum derived_mode mode, struct derived **ret_derived,
		   struct err_detail *detail) ERR_CHECK;
void derived_close(struct derived *derived); /* accepts NULL */

/* Takes in up to MAX new reports, and when there are no more, all new uploads and reports that
 * appeared behind younger ones; one transaction.  *ret_count: how many of all.  0 says: up to
 * date, and as_of is at most a second behind NOW_US.
 * ERR_CORRUPT: the file was broken; a new one has taken its place and is to be filled. */
err_t derived_follow(struct derived *derived, struct facts *facts, size_t max, int64_t now_us,
		     size_t *ret_count, struct err_detail *detail) ERR_CHECK;
/* Follows until nothing is new, in large transactions: the more reports one has, the fewer pages
 * are written.  TOTAL is an estimate; PROGRESS may be NULL. */
typedef void (*derived_progress_fn)(void *context, uint64_t done, uint64_t total);
err_t derived_catch_up(struct derived *derived, struct facts *facts, derived_progress_fn progress,
		       void *context, struct err_detail *detail) ERR_CHECK;
/* What else belongs into a new file before it takes its place. */
typedef err_t (*derived_finish_fn)(void *context, struct derived *derived,
				   struct err_detail *detail);
/* A new file beside the old one, filled, then swapped in; whoever has the old one open goes on
 * with the new one at its next question.  FINISH may be NULL.  ERR_BUSY: another rebuild. */
err_t derived_rebuild(const char *data, derived_progress_fn progress, void *context,
		      derived_finish_fn finish, struct err_detail *detail) ERR_CHECK;
/* Everything committed before this moment is in the counts. */
err_t derived_as_of(struct derived *derived, int64_t *ret_us) ERR_CHECK;

/* Texts compare without ASCII case.  A text with '*' or '?' is a pattern over the whole value,
 * one without matches the whole value; absent: no filter. */
struct report_filter {
	int64_t since_us;   /* received at or after; 0: no bound */
	int64_t until_us;   /* received before; 0: no bound */
	struct slice event; /* event type, any spelling */
	struct slice app;   /* image name, application name or path */
	struct slice module;
	struct slice machine;
	struct slice user;
	struct slice code; /* hex, with or without 0x and leading zeros */
	struct slice text; /* anywhere in the texts of a report; ERR_USAGE under 3 characters */
	uint64_t bucket;   /* 0: no filter */
};

struct page {
	uint64_t after; /* cursor of the page before; 0: from the start */
	size_t limit;   /* 0: all */
};

/* Ids of matching reports, newest first; AFTER is the last id of the page before.  Stops when
 * EACH returns an error, which is returned. */
typedef err_t (*derived_each_id_fn)(void *context, uint64_t report);
err_t derived_each_report(struct derived *derived, const struct report_filter *filter,
			  struct page page, derived_each_id_fn each, void *context) ERR_CHECK;
/* How many match, counted up to MAX: *ret_count == MAX means "MAX or more". */
err_t derived_count_reports(struct derived *derived, const struct report_filter *filter,
			    uint64_t max, uint64_t *ret_count) ERR_CHECK;

enum bucket_sort {
	BUCKET_BY_HITS,
	BUCKET_BY_MACHINES,
	BUCKET_BY_FIRST,
	BUCKET_BY_LAST,
	BUCKET_SORT_N
};

struct derived_bucket {
	uint64_t id;
	uint8_t hashed[LABEL_HASHED_BYTES];
	bool hashed_verified;
	struct label label;
	struct slice app_name; /* of its first report */
	uint64_t hits;
	uint64_t machines; /* different ones, exactly */
	uint64_t users;
	uint64_t cabs_asked;
	uint64_t cabs; /* kept */
	int64_t first_seen_us;
	int64_t last_seen_us;
	uint64_t last_report;
};
/* Larger counts may be printed as "more than 10000". */
enum {
	DERIVED_DISTINCT_MAX = 10001
};

/* The filter means: the bucket itself has that event type, module, code and text, some report of
 * it that app, machine and user, and its last one came between since and until.  AFTER counts rows
 * (an offset) for the sorts by hits and machines, is a bucket id for BY_FIRST and a report id for
 * BY_LAST; *ret_next is the cursor of the next page, 0 at the end. */
typedef err_t (*derived_each_bucket_fn)(void *context, const struct derived_bucket *bucket);
err_t derived_each_bucket(struct derived *derived, const struct report_filter *filter,
			  enum bucket_sort sort, struct page page, derived_each_bucket_fn each,
			  void *context, uint64_t *ret_next) ERR_CHECK;
err_t derived_find_bucket(struct derived *derived, uint64_t id, struct arena *arena,
			  struct derived_bucket *ret_bucket) ERR_CHECK;
/* By Windows' own numbers, bucket/label.h; the first bucket that has it. */
err_t derived_find_bucket_hashed(struct derived *derived, const uint8_t hashed[LABEL_HASHED_BYTES],
				 uint64_t *ret_id) ERR_CHECK;
err_t
derived_find_bucket_legacy(struct derived *derived, uint64_t legacy, uint64_t *ret_id) ERR_CHECK;

struct derived_totals {
	uint64_t reports, buckets, machines, users, cabs, cab_bytes;
	int64_t first_us, last_us; /* 0: none */
};
err_t derived_totals(struct derived *derived, struct derived_totals *ret_totals) ERR_CHECK;
