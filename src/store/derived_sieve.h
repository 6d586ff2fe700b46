/* derived_sieve.h - a filter, made ready to test rows and to list what can match
 *
 * Texts of the filter become sets of ids once, at the start; from then on rows are compared by
 * numbers.  Buckets are many, so their parts are tested one bucket at a time and remembered,
 * unless few of them can match.
 */
#pragma once

#include "store/derived_internal.h"

struct id_set {
	bool is_on; /* the filter asks for it */
	struct id_list list;
	struct table members;
	bool is_counted;
	uint64_t reports; /* of all members together, when they are counted */
};

void id_set_add(struct id_set *set, uint64_t id);
bool id_set_has(const struct id_set *set, uint64_t id);
void id_set_done(struct id_set *set);

struct sieve_row {
	uint64_t id;
	uint64_t bucket;
	uint64_t dimensions[DIM_INTERNED_N];
};

enum sieve_statement {
	SIEVE_PARTS,
	SIEVE_BUCKETS_BY_EVENT, /* in the order of enum part */
	SIEVE_BUCKETS_BY_MODULE,
	SIEVE_BUCKETS_BY_CODE,
	SIEVE_MEMBERS_OF_MACHINE, /* in the order of enum pair_set */
	SIEVE_MEMBERS_OF_USER,
	SIEVE_MEMBERS_OF_APPLICATION,
	SIEVE_STATEMENT_N
};

/* ---- derived_text.c: what somebody looks for, anywhere ---- */

struct text_search {
	bool is_on;
	struct buf text; /* folded */
	bool is_loaded;  /* candidates are all rows that can match */
	struct id_set candidates[DIM_N];
	struct table known[DIM_N]; /* id to 1 (does not match) or 2 (matches) */
	struct sql *sql;
	struct sql_statement texts[DIM_N];
};

/* ERR_USAGE: too short. */
err_t text_search_init(struct text_search *search, struct sql *sql, struct slice text) ERR_CHECK;
void text_search_done(struct text_search *search); /* accepts a zeroed one */
/* Asks the index: *ret_count rows of all dimensions can match. */
err_t text_search_load(struct text_search *search, size_t *ret_count) ERR_CHECK;
err_t text_search_test(struct text_search *search, enum dimension dimension, uint64_t id,
		       bool *ret_matches) ERR_CHECK;

/* ---- derived_sieve.c ---- */

struct sieve {
	struct sql *sql;
	bool is_empty;      /* nothing can match */
	uint64_t low, high; /* reports: low <= id < high */
	uint64_t bucket;    /* 0: any */
	struct id_set dimensions[DIM_COUNTED_N];
	struct id_set parts[PART_N];
	struct id_set buckets;      /* is_on: no other bucket can match */
	struct table known_buckets; /* by their parts: id to 1 or 2 */
	struct text_search text;
	struct sql_statement statements[SIEVE_STATEMENT_N];
};

/* Begins and ends its own read transactions. */
err_t sieve_init(struct sieve *sieve, struct derived *derived,
		 const struct report_filter *filter) ERR_CHECK;
void sieve_done(struct sieve *sieve); /* accepts a zeroed one */
/* Lists the buckets that can match when they are at most MAX by their parts, or when the filter
 * names an application, or, with FOR_BUCKETS, a machine or user. */
err_t sieve_list_buckets(struct sieve *sieve, uint64_t max, bool for_buckets) ERR_CHECK;
/* Is SET, one of the sieve's own or NULL, all that it asks for (between low and high)? */
bool sieve_is_only(const struct sieve *sieve, const struct id_set *set);
err_t sieve_test_parts(struct sieve *sieve, uint64_t bucket, bool *ret_passes) ERR_CHECK;
err_t sieve_test_row(struct sieve *sieve, const struct sieve_row *row, bool *ret_passes) ERR_CHECK;
