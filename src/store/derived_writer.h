/* derived_writer.h - what the writing files of derived share */
#pragma once

#include "cer/level1.h"
#include "store/derived_ahead.h"
#include "store/derived_internal.h"

/* ---- derived_intern.c: texts to ids ---- */

enum {
	INTERN_PARTS_MAX = 5
};

/* Ids found lately, so that most reports ask the engine nothing.  Whole texts are compared, not
 * their hashes: a sender could make two of those equal. */
struct intern_slot {
	uint64_t hash;
	uint64_t id;
	uint8_t *key; /* NULL: free */
	size_t key_len;
};

struct intern {
	struct sql_statement find[DIM_INTERNED_N], add[DIM_INTERNED_N], read_text[DIM_N];
	struct sql_statement find_part, add_part, count_part, add_text;
	struct intern_slot *slots[DIM_INTERNED_N];
	struct buf key;
	struct id_list texts; /* new rows whose texts are not in the text index yet */
};

void intern_init(struct intern *intern);
void intern_done(struct intern *intern);
err_t intern_prepare(struct intern *intern, struct sql *sql, struct err_detail *detail) ERR_CHECK;
void intern_finalize(struct intern *intern);
void intern_forget(struct intern *intern); /* frees all that it remembers */
/* The id of the values, new ones are added; 0 when all are absent.  REPORT: where they were seen.
 * *ret_is_new may be NULL. */
err_t intern_id(struct intern *intern, enum dimension dimension, const struct slice *values,
		size_t count, uint64_t report, uint64_t *ret_id, bool *ret_is_new) ERR_CHECK;
/* Another bucket has this part. */
err_t
intern_part(struct intern *intern, enum part part, struct slice value, uint64_t *ret_id) ERR_CHECK;
/* Remembers a row, new in this transaction, for the text index. */
void intern_add_text(struct intern *intern, enum dimension dimension, uint64_t id);
/* Puts all of them there.  Last in the transaction: whenever the engine makes a savepoint, as it
 * does for every UPDATE, the index writes down what it has, be it ever so little. */
err_t intern_write_texts(struct intern *intern) ERR_CHECK;

/* ---- derived_pairs.c: sets of buckets ---- */

struct pairs {
	struct sql_statement find[PAIR_N], add[PAIR_N], change[PAIR_N], add_system;
	uint64_t
		*recent[PAIR_N + 1]; /* pairs put lately, owner << 32 | member; the last: systems */
};

err_t pairs_prepare(struct pairs *pairs, struct sql *sql, struct err_detail *detail) ERR_CHECK;
void pairs_finalize(struct pairs *pairs);
void pairs_forget(struct pairs *pairs);
err_t pairs_put(struct pairs *pairs, enum pair_set set, uint64_t owner, uint64_t member,
		bool *ret_is_new) ERR_CHECK;
err_t pairs_put_system(struct pairs *pairs, uint64_t system, uint64_t machine) ERR_CHECK;

/* ---- derived_tally.c: counts of one transaction, written at its end ---- */

struct tally_row {
	uint64_t id;
	uint64_t reports;
	uint64_t last_report;
};

struct tally {
	struct table index; /* id to place in rows, plus one */
	struct tally_row *rows;
	size_t count;
	size_t capacity;
};

/* The numbers of a bucket while a transaction works on it. */
struct bucket_row {
	uint64_t id;
	uint64_t parts[PART_N];
	uint64_t hits, machines, users, cabs_asked, cabs;
	uint64_t last_report;
};

struct tallies {
	struct tally dimensions[DIM_COUNTED_N];
	struct tally parts;
	struct tally days; /* day << 32 | event */
	struct table bucket_index;
	struct bucket_row *buckets;
	size_t n_buckets;
	size_t bucket_capacity;
	struct sql_statement put_dimension[DIM_COUNTED_N], put_part, put_day;
	struct sql_statement find_bucket, put_bucket;
};

err_t
tallies_prepare(struct tallies *tallies, struct sql *sql, struct err_detail *detail) ERR_CHECK;
void tallies_finalize(struct tallies *tallies);
void tallies_clear(struct tallies *tallies); /* nothing to write; keeps no memory */
void tally_add(struct tally *tally, uint64_t id, uint64_t report);
/* The row of a bucket that has one; ERR_NOTFOUND.  Valid until the next bucket is asked for. */
err_t
tallies_find_bucket(struct tallies *tallies, uint64_t id, struct bucket_row **ret_row) ERR_CHECK;
struct bucket_row *tallies_add_bucket(struct tallies *tallies, const struct bucket_row *row);
err_t tallies_write(struct tallies *tallies) ERR_CHECK;

/* ---- derived_follow.c ----
 * Everywhere here ERR_STALE means: the file contradicts itself and has to be made anew. */

enum follow_statement {
	FOLLOW_READ_STATE,
	FOLLOW_WRITE_STATE,
	FOLLOW_REPORT,
	FOLLOW_HAS_REPORT,
	FOLLOW_HIGHEST,
	FOLLOW_IDS,
	FOLLOW_LABEL,
	FOLLOW_UPLOAD,
	FOLLOW_PENDING,
	FOLLOW_ANALYZED_BUCKET,
	FOLLOW_LAST_SEGMENT,
	FOLLOW_COUNT_SEGMENT,
	FOLLOW_SEGMENT_OF,
	FOLLOW_SEGMENT,
	FOLLOW_STATEMENT_N
};

/* The row of the table `state`. */
struct follow_state {
	uint8_t facts[DERIVED_KEY_BYTES];
	bool has_facts;
	uint64_t position, upload_sequence;
	int64_t as_of_us;
	uint64_t reports, unreadable, buckets, machines, users, cabs, cab_bytes;
};

struct derived_writer {
	struct sql *sql;
	struct intern intern;
	struct pairs pairs;
	struct tallies tallies;
	struct sql_statement statements[FOLLOW_STATEMENT_N];

	bool is_loaded; /* the following are what the file says */
	struct follow_state state;
	uint64_t highest;     /* report that is in; above the position when an upload brought it */
	uint64_t segment_max; /* reports; tests set it */
	uint64_t segment;     /* the last one; 0: none yet */
	uint64_t segment_first;   /* its first report */
	uint64_t segment_reports; /* in it */

	struct facts *facts; /* during a follow */
	struct ahead *ahead; /* while catching up, else NULL */
	struct level1_parser *parser;
	struct arena parsed; /* the report that is taken in */
	struct arena arena;  /* its bucket's label */
	struct buf others;   /* its detail's last text */
	size_t n_taken;      /* in this transaction: reports and uploads */
	int64_t late_us;     /* when late reports were last looked for ... */
	int64_t late_far_us; /* ... and far back */
	int64_t work_us;     /* when there was something to do, last */
	bool is_small;       /* nothing is kept for speed */
};

/* ---- derived_report.c: one report into the tables ---- */

err_t derived_has_report(struct derived_writer *writer, uint64_t id, bool *ret_is_in) ERR_CHECK;
/* Begins the transaction when none is open.  A report that is in already changes nothing.
 * READABLE: what its body says; NULL: it could not be read. */
err_t derived_take_in(struct derived_writer *writer, const struct facts_report *fact,
		      const struct report *readable) ERR_CHECK;
