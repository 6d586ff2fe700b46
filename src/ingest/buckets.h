/* buckets.h - every label bucket in memory: its id by its key, and what was asked and kept
 *
 * I/O threads look ids up (for rules that name a bucket); the committer alone adds and changes.
 * Some 100 bytes a bucket: a million buckets are 100 MB, which is far past any fleet.
 * An ask is awaited until its cabinet came or its time is over (ASK_AWAITED_US): meanwhile it
 * counts as if it had come, so that a storm is not asked by every machine at once.
 */
#pragma once

#include "bucket/label.h"
#include "store/facts.h"

#define ASK_AWAITED_US (10 * TIME_MINUTE_US)

struct bucket {
	uint8_t key[LABEL_KEY_BYTES];
	uint64_t id;
	uint64_t hits; /* since this process began, on top of the last ask's */
	uint32_t kept;
	uint32_t awaited;
	uint64_t last_asked_hits;
};

struct buckets;

struct buckets *buckets_new(void);
void buckets_free(struct buckets *buckets); /* accepts NULL */
/* Reads all buckets, and what was asked and kept. */
err_t buckets_load(struct buckets *buckets, struct facts *facts, int64_t now_us) ERR_CHECK;

/* 0 when there is none yet.  Any thread. */
uint64_t buckets_find_id(struct buckets *buckets, const uint8_t key[LABEL_KEY_BYTES]);

/* ---- the committer's ---- */
struct bucket *buckets_find(struct buckets *buckets, const uint8_t key[LABEL_KEY_BYTES]);
struct bucket *buckets_find_by_id(struct buckets *buckets, uint64_t id); /* NULL: none */
struct bucket *
buckets_add(struct buckets *buckets, const uint8_t key[LABEL_KEY_BYTES], uint64_t id);
/* Takes back a bucket whose transaction was rolled back: the newest one only. */
void buckets_remove_last(struct buckets *buckets);

/* An ask of REPORT, made now; machine is a hash of its name, for the budget of its day. */
void buckets_asked(struct buckets *buckets, struct bucket *bucket, uint64_t report,
		   uint64_t machine, uint64_t bytes, int64_t now_us);
void buckets_unask_last(struct buckets *buckets); /* rolled back */
/* The cabinet of REPORT came and was kept: BYTES are what the machine's day is charged now. */
void buckets_answered(struct buckets *buckets, uint64_t report, uint64_t bucket, uint64_t bytes);
/* Ends the waiting for asks that are too old. */
void buckets_expire(struct buckets *buckets, int64_t now_us);
/* What this machine was asked for since midnight UTC. */
uint64_t buckets_machine_day_bytes(struct buckets *buckets, uint64_t machine, int64_t now_us);
