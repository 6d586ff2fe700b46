/* facts.h - what machines told us: facts.db and its rows
 *
 * SQLite, WAL, synchronous=FULL.  One writer: ingest's committer thread.  Rows are appended and
 * may be forgotten, never edited.  docs/store.md has the schema with its reasons.
 * Tables: report (id, bucket, source, packed body), bucket (label buckets), reply (what was
 * answered when it was more than the bucket's number and table), ask (cabinets asked for),
 * upload, quarantine, counter, meta.
 * A body is kept as it came, byte for byte, packed by pack.h.  A handle belongs to one thread at
 * a time.
 *
 * Any failed write or commit leaves the transaction rolled back.  ERR_FULL: the disk is full,
 * go on after there is room.  Any other error: stop the role, reopen, check; the handle refuses
 * everything until then.  After that a group whose sync failed may be there after all, whole.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "base/slice.h"
#include "bucket/label.h"
#include "cer/upload_path.h"
#include "net/address.h"

enum facts_mode {
	FACTS_READ,
	FACTS_WRITE
};

enum facts_source_flag {
	SOURCE_TLS = 1 << 0,
	SOURCE_AUTHENTICATED = 1 << 1,   /* auth_name is proven */
	SOURCE_MACHINE_MATCHED = 1 << 2, /* the peer's reverse DNS name is the machine name */
	SOURCE_IMPORTED = 1 << 3,        /* origin says from where */
	SOURCE_GENERATED = 1 << 4,       /* werload fill */
	SOURCE_CHUNKED = 1 << 5,
	SOURCE_HTTP10 = 1 << 6,
};

struct facts_source {
	struct address peer; /* the real one, behind a trusted proxy; zero for imports */
	uint32_t flags;
	struct slice auth_name; /* absent: nobody was authenticated */
	struct slice origin;    /* import: file or database it came from; absent otherwise */
};

/* For writing: body is already packed (pack.h, on an I/O thread). */
struct facts_new_report {
	uint64_t id;
	uint64_t bucket;
	struct facts_source source;
	struct slice packed_body;
	struct slice reply;    /* full text; absent when it is the plain reply of the bucket */
	uint64_t bucket_table; /* of that plain reply; 0 means 5 */
	bool is_cab_asked;
	uint64_t cab_max_bytes;
	int64_t cab_expires_us;
	uint64_t bucket_hits; /* of this process's count, when a cabinet is asked */
};

struct facts_report {
	uint64_t id;
	uint64_t bucket;
	struct facts_source source;
	struct slice body;  /* as it came */
	struct slice reply; /* full text, always there */
	bool is_cab_asked;
	bool has_cab;
	uint8_t cab_sha256[32];
	uint64_t cab_bytes;
	int64_t cab_received_us;
	bool cab_is_cabinet; /* false: kept and flagged, it does not begin with MSCF */
};

struct facts_bucket {
	uint64_t id; /* 1000 .. 2^31-1 */
	uint8_t key[LABEL_KEY_BYTES];
	struct label label;
	int64_t first_seen_us;
};

struct facts_upload {
	uint64_t report;
	uint64_t bucket; /* of the report */
	uint8_t sha256[32];
	uint64_t bytes;
	int64_t received_us;
	bool is_cabinet;
	struct address peer;
};

struct facts_quarantined {
	uint64_t id;
	int64_t received_us;
	struct address peer;
	struct slice stage;  /* "level1", "upload", "http" */
	struct slice reason; /* a level1_reason name or an error's */
	struct slice detail; /* for people */
	uint64_t offset;
	uint64_t total_bytes; /* the body may be longer than what is kept */
	struct slice bytes;
};

struct facts;

/* Creates the folder and the database in FACTS_WRITE mode; checks the schema version and, for
 * writing, that the WAL was recovered (quick_check after an unclean end).  Sets PERSIST_WAL.
 * FACTS_READ waits up to 5 s for the owner to create it.  ERR_STALE: made by a newer version. */
err_t facts_open(const char *data, enum facts_mode mode, struct facts **ret_facts,
		 struct err_detail *detail) ERR_CHECK;
void facts_close(struct facts *facts); /* accepts NULL */

/* ---- the writer ---- */
err_t facts_begin(struct facts *facts) ERR_CHECK;
err_t facts_commit(struct facts *facts, struct err_detail *detail) ERR_CHECK; /* durable when OK */
void facts_abort(struct facts *facts);
err_t facts_put_bucket(struct facts *facts, const struct facts_bucket *bucket) ERR_CHECK;
err_t facts_put_report(struct facts *facts, const struct facts_new_report *report) ERR_CHECK;
/* ERR_EXISTS: the report has its upload already.  ERR_NOTFOUND: no such report. */
err_t facts_put_upload(struct facts *facts, const struct facts_upload *upload) ERR_CHECK;
/* Bounded: drops the oldest past LIMIT_QUARANTINE_ITEMS. */
err_t facts_put_quarantined(struct facts *facts, const struct facts_quarantined *item) ERR_CHECK;
err_t facts_add_counter(struct facts *facts, const char *name, uint64_t by) ERR_CHECK;
/* COUNT fresh bucket ids, *ret_first and on, reserved for this process (inside a transaction). */
err_t facts_reserve_bucket_ids(struct facts *facts, unsigned count, uint64_t *ret_first) ERR_CHECK;
const char *facts_data(const struct facts *facts); /* the folder of the store */
/* The key that signs upload paths; made at creation. */
const uint8_t *facts_upload_key(const struct facts *facts);

/* ---- readers (either mode) ---- */
err_t facts_highest_id(struct facts *facts, uint64_t *ret_id) ERR_CHECK; /* 0: no report yet */
err_t facts_find_report(struct facts *facts, uint64_t id, struct arena *arena,
			struct facts_report *ret_report) ERR_CHECK;
/* The bucket of a report, without its body.  ERR_NOTFOUND. */
err_t facts_find_report_bucket(struct facts *facts, uint64_t id, uint64_t *ret_bucket) ERR_CHECK;
/* Does an upload name this blob? */
err_t
facts_is_blob_named(struct facts *facts, const uint8_t sha256[32], bool *ret_is_named) ERR_CHECK;
/* Calls EACH for up to MAX reports with id > AFTER, ascending; a report is valid during the call.
 * EACH may stop by returning an error, which is returned.  *ret_count: how many were seen.
 * In all facts_each_*: rows are copied out by pages, no read transaction is open during EACH, and
 * EACH may call every other function here.  A report whose bytes were damaged on the disk comes
 * with an absent body and reply (facts_find_report: ERR_CORRUPT). */
typedef err_t (*facts_each_report_fn)(void *context, const struct facts_report *report);
err_t
facts_each_report_after(struct facts *facts, uint64_t after, size_t max, facts_each_report_fn each,
			void *context, size_t *ret_count) ERR_CHECK;
/* The same for what builds an index: `body` is the text of unpack_text, `reply` is absent. */
err_t facts_each_text_after(struct facts *facts, uint64_t after, size_t max,
			    facts_each_report_fn each, void *context, size_t *ret_count) ERR_CHECK;
err_t facts_find_bucket(struct facts *facts, uint64_t id, struct arena *arena,
			struct facts_bucket *ret_bucket) ERR_CHECK;
/* Their ids alone: all with id > AFTER, ascending. */
typedef err_t (*facts_each_id_fn)(void *context, uint64_t id);
err_t facts_each_id_after(struct facts *facts, uint64_t after, facts_each_id_fn each,
			  void *context) ERR_CHECK;
typedef err_t (*facts_each_bucket_fn)(void *context, const struct facts_bucket *bucket);
err_t facts_each_bucket(struct facts *facts, uint64_t after, facts_each_bucket_fn each,
			void *context) ERR_CHECK; /* ascending id > AFTER */
struct facts_asked {
	uint64_t report, bucket, bucket_hits;
	int64_t asked_us, expires_us;
	bool has_cab;
	uint64_t cab_bytes;
};
typedef err_t (*facts_each_asked_fn)(void *context, const struct facts_asked *asked);
err_t facts_each_asked(struct facts *facts, uint64_t after_report, facts_each_asked_fn each,
		       void *context) ERR_CHECK; /* ascending */
typedef err_t (*facts_each_upload_fn)(void *context, const struct facts_upload *upload);
err_t facts_each_upload(struct facts *facts, uint64_t after_sequence, facts_each_upload_fn each,
			void *context, uint64_t *ret_last_sequence) ERR_CHECK; /* in commit order */
typedef err_t (*facts_each_quarantined_fn)(void *context, const struct facts_quarantined *item);
err_t
facts_each_quarantined(struct facts *facts, uint64_t before_id, size_t max,
		       facts_each_quarantined_fn each, void *context) ERR_CHECK; /* newest first */
err_t facts_find_quarantined(struct facts *facts, uint64_t id, struct arena *arena,
			     struct facts_quarantined *ret_item) ERR_CHECK;
typedef err_t (*facts_each_counter_fn)(void *context, struct slice name, uint64_t value);
err_t facts_each_counter(struct facts *facts, facts_each_counter_fn each, void *context) ERR_CHECK;
