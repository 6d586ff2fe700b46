#include "ingest/committer.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "base/log.h"
#include "base/time.h"
#include "collection/answer.h"
#include "ext/crypto.h"
#include "store/id.h"

/* A copy of what was refused, waiting to be written. */
struct note {
	struct note *next;
	struct facts_quarantined item;
	uint8_t bytes[];
};

struct committer {
	struct committer_options o;
	struct id_generator ids;
	uint64_t next_bucket;      /* out of the reserved block */
	unsigned reserved_buckets; /* left in it */
	pthread_t thread;
	_Atomic uint64_t rounds;

	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t wake;
	struct exchange_list waiting;
	struct note *notes;      /* oldest first */
	struct note **notes_end; /* where the next one is linked */
	int64_t notes_second;
	unsigned notes_this_second;
	bool is_stopping;

	/* The open transaction: what to take back when it fails. */
	unsigned new_buckets;
	unsigned new_asks;
	uint64_t reports, uploads, repeated, asks;
	int64_t flush_counters_us; /* not before, by the monotonic clock */
	_Atomic bool has_failed;
};

enum {
	BUCKET_BLOCK = 64,         /* ids reserved at a time; the rest is lost at a restart */
	LEAST_BUDGET_BYTES = 65536 /* less than this is no cabinet */
};

/* ---- one report ---- */

static err_t
new_bucket_id(struct committer *c, uint64_t *ret_id)
{
	if (c->reserved_buckets == 0) {
		err_t err = facts_reserve_bucket_ids(c->o.facts, BUCKET_BLOCK, &c->next_bucket);
		if (err != OK)
			return err;
		c->reserved_buckets = BUCKET_BLOCK;
	}
	c->reserved_buckets--;
	*ret_id = c->next_bucket++;
	return OK;
}

static err_t
find_or_add_bucket(struct committer *c, const struct exchange *x, int64_t now_us,
		   struct bucket **ret_bucket)
{
	struct facts_bucket row = {.label = x->label, .first_seen_us = now_us};
	struct bucket *bucket = buckets_find(c->o.buckets, x->key);
	if (bucket == NULL) {
		err_t err = new_bucket_id(c, &row.id);
		if (err != OK)
			return err;
		memcpy(row.key, x->key, sizeof(row.key));
		err = facts_put_bucket(c->o.facts, &row);
		if (err != OK)
			return err;
		bucket = buckets_add(c->o.buckets, x->key, row.id);
		c->new_buckets++;
	}
	*ret_bucket = bucket;
	return OK;
}

/* May this report be asked for a cabinet, and how large may it be?  0: no. */
static uint64_t
cab_bytes_to_ask(struct committer *c, const struct exchange *x, const struct bucket *bucket,
		 int64_t now_us)
{
	uint64_t most = x->snapshot->config.ingest.max_cab_bytes;
	struct collection_counts counts = {
		.hits = bucket->hits,
		.kept = bucket->kept,
		.awaited = bucket->awaited,
		.last_asked_hits = bucket->last_asked_hits,
	};
	if (x->plan.cabs == 0 || !atomic_load(&c->o.disk->has_room_for_cabs))
		return 0;
	counts.machine_day_bytes = buckets_machine_day_bytes(c->o.buckets, x->machine, now_us);
	if (!collection_should_ask(&x->plan, &counts))
		return 0;
	if (x->plan.cab_bytes_per_machine_day != UINT64_MAX) {
		uint64_t budget = x->plan.cab_bytes_per_machine_day;
		uint64_t left =
			counts.machine_day_bytes >= budget ? 0 : budget - counts.machine_day_bytes;
		most = left < most ? left : most;
	}
	return most < LEAST_BUDGET_BYTES ? 0 : most;
}

static err_t
format_reply(struct committer *c, struct exchange *x, uint64_t bucket_id, bool *ret_is_plain)
{
	struct answer answer = {
		.plan = &x->plan,
		.bucket = bucket_id,
		.bucket_table = x->snapshot->config.ingest.bucket_table,
		.ticket = x->is_cab_asked ? &x->ticket : NULL,
		.upload_key = facts_upload_key(c->o.facts),
	};
	buf_reset(&x->reply);
	*ret_is_plain = answer_is_plain(&answer);
	return answer_format(&answer, &x->reply);
}

static err_t
put_report(struct committer *c, struct exchange *x, int64_t now_us)
{
	struct bucket *bucket = NULL;
	err_t err = find_or_add_bucket(c, x, now_us, &bucket);
	if (err != OK)
		return err;
	bucket->hits++;
	x->id = id_next(&c->ids, now_us);
	x->ticket = (struct upload_ticket){
		.report_id = x->id,
		.expires_us = now_us + x->snapshot->config.ingest.upload_valid_us,
		.max_bytes = cab_bytes_to_ask(c, x, bucket, now_us),
	};
	x->is_cab_asked = x->ticket.max_bytes != 0;
	bool is_plain = false;
	err = format_reply(c, x, bucket->id, &is_plain);
	if (err != OK)
		return err;
	struct facts_new_report row = {
		.id = x->id,
		.bucket = bucket->id,
		.source = x->source,
		.packed_body = buf_slice(&x->packed),
		.is_cab_asked = x->is_cab_asked,
		.cab_max_bytes = x->ticket.max_bytes,
		.cab_expires_us = x->ticket.expires_us,
		.bucket_hits = bucket->hits,
		.bucket_table = x->snapshot->config.ingest.bucket_table,
	};
	if (!is_plain)
		row.reply = buf_slice(&x->reply);
	if (x->is_cab_asked) {
		buckets_asked(c->o.buckets, bucket, x->id, x->machine, x->ticket.max_bytes, now_us);
		c->new_asks++;
		c->asks++;
	}
	c->reports++;
	return facts_put_report(c->o.facts, &row);
}

static err_t
put_upload(struct committer *c, struct exchange *x, int64_t now_us)
{
	struct facts_upload row = {
		.report = x->ticket.report_id,
		.bytes = x->blob_bytes,
		.received_us = now_us,
		.is_cabinet = x->is_cabinet,
		.peer = x->source.peer,
	};
	memcpy(row.sha256, x->sha256, sizeof(row.sha256));
	err_t err = facts_find_report_bucket(c->o.facts, row.report, &row.bucket);
	if (err != OK)
		return err;
	x->bucket = row.bucket;
	err = facts_put_upload(c->o.facts, &row);
	x->is_repeated = err == ERR_EXISTS;
	if (x->is_repeated) {
		c->repeated++;
		return OK;
	}
	c->uploads += err == OK;
	return err;
}

/* A report that is gone (forgotten since) refuses its upload alone, not the whole group. */
static err_t
put_one(struct committer *c, struct exchange *x, int64_t now_us)
{
	if (x->kind == EXCHANGE_LEVEL1)
		return put_report(c, x, now_us);
	x->result = put_upload(c, x, now_us);
	return x->result == ERR_NOTFOUND ? OK : x->result;
}

/* ---- the group ---- */

static void
take_back(struct committer *c)
{
	for (; c->new_asks > 0; c->new_asks--)
		buckets_unask_last(c->o.buckets);
	for (; c->new_buckets > 0; c->new_buckets--)
		buckets_remove_last(c->o.buckets);
	c->reserved_buckets = 0; /* the reservation may have been in the same transaction */
}

static err_t
put_notes(struct committer *c, struct note *notes)
{
	err_t err = OK;
	for (; notes != NULL && err == OK; notes = notes->next)
		err = facts_put_quarantined(c->o.facts, &notes->item);
	return err;
}

/* What is rolled back was not counted.  Into the store they come once a second: a page more in
 * each small transaction would be a fifth of its cost. */
static void
count_group(struct committer *c)
{
	counters_add(c->o.counters, "groups", 1);
	counters_add(c->o.counters, "reports", c->reports);
	counters_add(c->o.counters, "uploads", c->uploads);
	counters_add(c->o.counters, "uploads_repeated", c->repeated);
	counters_add(c->o.counters, "cabs_asked", c->asks);
}

static bool
must_flush_counters(struct committer *c)
{
	return counters_is_dirty(c->o.counters) && time_monotonic_us() >= c->flush_counters_us;
}

static err_t
put_group(struct committer *c, struct exchange_list *group, struct note *notes, int64_t now_us)
{
	err_t err = put_notes(c, notes);
	for (struct exchange *x = group->first; x != NULL && err == OK; x = x->next)
		err = put_one(c, x, now_us);
	if (err == OK && must_flush_counters(c)) {
		err = counters_flush(c->o.counters, c->o.facts);
		c->flush_counters_us = time_monotonic_us() + TIME_SECOND_US;
	}
	return err;
}

static err_t
commit_group(struct committer *c, struct exchange_list *group, struct note *notes,
	     struct err_detail *detail)
{
	c->new_buckets = c->new_asks = 0;
	c->reports = c->uploads = c->repeated = c->asks = 0;
	int64_t now_us = time_now_us();
	buckets_expire(c->o.buckets, now_us);
	err_t err = facts_begin(c->o.facts);
	if (err == OK)
		err = put_group(c, group, notes, now_us);
	if (err == OK)
		err = facts_commit(c->o.facts, detail);
	else
		facts_abort(c->o.facts);
	counters_flushed(c->o.counters, err == OK);
	if (err == OK)
		count_group(c);
	else
		take_back(c);
	return err;
}

/* Does a committed row name this blob?  When that cannot be learnt the file stays. */
static bool
is_blob_named(struct committer *c, const struct exchange *x, err_t err)
{
	bool is_named = true;
	if (err == OK && x->result == OK && !x->is_repeated)
		return true;
	return facts_is_blob_named(c->o.facts, x->sha256, &is_named) != OK || is_named;
}

static void
settle_blobs(struct committer *c, struct exchange_list *group, err_t err)
{
	for (struct exchange *x = group->first; x != NULL; x = x->next)
		if (x->kind == EXCHANGE_UPLOAD)
			blob_settle(c->o.blobs, x->sha256, is_blob_named(c, x, err));
}

/* Only after the commit does a cabinet count as kept. */
static void
finish_group(struct committer *c, struct exchange_list *group, err_t err)
{
	for (struct exchange *x = group->first; x != NULL; x = x->next) {
		if (err != OK)
			x->result = err == ERR_FULL ? ERR_FULL : ERR_BUSY;
		else if (x->kind == EXCHANGE_LEVEL1)
			x->result = OK;
		else if (x->result == OK && !x->is_repeated)
			buckets_answered(c->o.buckets, x->ticket.report_id, x->bucket,
					 x->blob_bytes);
	}
}

static void
give_all_back(struct committer *c, struct exchange_list *group)
{
	while (group->first != NULL) {
		struct exchange_list mine = {0};
		struct exchange_list others = {0};
		struct io *io = group->first->io;
		for (struct exchange *x; (x = exchange_take(group)) != NULL;)
			exchange_append(x->io == io ? &mine : &others, x);
		c->o.give_back(io, &mine);
		*group = others;
	}
}

void
committer_fail(struct committer *c, err_t err, const char *why)
{
	if (!atomic_exchange(&c->has_failed, true))
		c->o.on_failure(c->o.context, err, why);
}

static void
run_group(struct committer *c, struct exchange_list *group, struct note *notes)
{
	struct err_detail detail = {0};
	err_t err = c->has_failed ? ERR_IO : commit_group(c, group, notes, &detail);
	settle_blobs(c, group, err);
	finish_group(c, group, err);
	if (err == ERR_FULL) {
		counters_add(c->o.counters, "disk_full", group->count);
		log_event(LOG_ERROR, "ingest.disk_full", "answered_503=%zu", group->count);
	} else if (err != OK) {
		committer_fail(c, err, detail.why);
	}
	give_all_back(c, group);
}

/* ---- the thread ---- */

static void
free_notes(struct note *notes)
{
	while (notes != NULL) {
		struct note *next = notes->next;
		free(notes);
		notes = next;
	}
}

static void
wait_a_second(struct committer *c)
{
	struct timespec until;
	(void)clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += 1;
	(void)pthread_cond_timedwait(&c->wake, &c->lock, &until);
}

/* On a busy machine the I/O threads first go on with what they have, and the group grows; on an
 * idle one this takes no time. */
static void
let_more_gather(struct committer *c)
{
	(void)pthread_mutex_unlock(&c->lock);
	(void)sched_yield();
	(void)pthread_mutex_lock(&c->lock);
}

/* False: nothing to do and the thread is to end. */
static bool
take_group(struct committer *c, struct exchange_list *group, struct note **ret_notes)
{
	(void)pthread_mutex_lock(&c->lock);
	if (c->waiting.first == NULL && !c->is_stopping) {
		wait_a_second(c);
		let_more_gather(c);
	}
	while (group->count < COMMITTER_GROUP_MAX && c->waiting.first != NULL)
		exchange_append(group, exchange_take(&c->waiting));
	*ret_notes = c->notes;
	c->notes = NULL;
	c->notes_end = &c->notes;
	bool go_on = group->count > 0 || *ret_notes != NULL || !c->is_stopping;
	(void)pthread_mutex_unlock(&c->lock);
	return go_on;
}

static void *
committer_main(void *argument)
{
	struct committer *c = argument;
	struct exchange_list group = {0};
	struct note *notes = NULL;
	while (take_group(c, &group, &notes)) {
		atomic_fetch_add(&c->rounds, 1);
		if (group.count > 0 || notes != NULL || must_flush_counters(c))
			run_group(c, &group, notes);
		free_notes(notes);
	}
	c->flush_counters_us = 0;
	run_group(c, &group, NULL); /* the last counts */
	return NULL;
}

err_t
committer_start(const struct committer_options *options, struct committer **ret_committer)
{
	uint64_t highest;
	pthread_condattr_t attributes;
	err_t err = facts_highest_id(options->facts, &highest);
	if (err != OK)
		return err;
	struct committer *c = calloc(1, sizeof(*c));
	if (c == NULL)
		abort();
	c->o = *options;
	c->notes_end = &c->notes;
	id_generator_init(&c->ids, options->node, highest);
	(void)pthread_mutex_init(&c->lock, NULL);
	(void)pthread_condattr_init(&attributes);
	(void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&c->wake, &attributes);
	(void)pthread_condattr_destroy(&attributes);
	if (pthread_create(&c->thread, NULL, committer_main, c) != 0) {
		free(c);
		return ERR_NOMEM;
	}
	(void)pthread_setname_np(c->thread, "committer");
	*ret_committer = c;
	return OK;
}

void
committer_stop(struct committer *c)
{
	(void)pthread_mutex_lock(&c->lock);
	c->is_stopping = true;
	(void)pthread_cond_signal(&c->wake);
	(void)pthread_mutex_unlock(&c->lock);
	(void)pthread_join(c->thread, NULL);
	free_notes(c->notes);
	(void)pthread_cond_destroy(&c->wake);
	(void)pthread_mutex_destroy(&c->lock);
	free(c);
}

void
committer_push(struct committer *c, struct exchange_list *list)
{
	(void)pthread_mutex_lock(&c->lock);
	bool was_empty = c->waiting.first == NULL;
	exchange_append_all(&c->waiting, list);
	if (was_empty)
		(void)pthread_cond_signal(&c->wake);
	(void)pthread_mutex_unlock(&c->lock);
}

size_t
committer_waiting(struct committer *c)
{
	(void)pthread_mutex_lock(&c->lock);
	size_t count = c->waiting.count;
	(void)pthread_mutex_unlock(&c->lock);
	return count;
}

uint64_t
committer_rounds(struct committer *c)
{
	return atomic_load(&c->rounds);
}

/* ---- quarantine ---- */

static struct slice
put_copy(uint8_t **at, struct slice s)
{
	uint8_t *start = *at;
	if (s.len > 0)
		memcpy(start, s.data, s.len);
	*at += s.len;
	return slice_of(start, s.len);
}

static struct note *
note_new(const struct facts_quarantined *item)
{
	struct slice bytes = slice_sub(item->bytes, 0, LIMIT_QUARANTINE_ITEM_BYTES);
	size_t size = item->stage.len + item->reason.len + item->detail.len + bytes.len;
	struct note *note = calloc(1, sizeof(*note) + size);
	if (note == NULL)
		abort();
	uint8_t *at = note->bytes;
	note->item = *item;
	note->item.stage = put_copy(&at, item->stage);
	note->item.reason = put_copy(&at, item->reason);
	note->item.detail = put_copy(&at, item->detail);
	note->item.bytes = put_copy(&at, bytes);
	return note;
}

void
committer_quarantine(struct committer *c, const struct facts_quarantined *item)
{
	struct note *note = NULL;
	(void)pthread_mutex_lock(&c->lock);
	int64_t second = item->received_us / TIME_SECOND_US;
	if (second != c->notes_second) {
		c->notes_second = second;
		c->notes_this_second = 0;
	}
	bool is_kept = c->notes_this_second < LIMIT_QUARANTINE_PER_SECOND;
	c->notes_this_second += is_kept;
	if (is_kept) {
		note = note_new(item);
		*c->notes_end = note;
		c->notes_end = &note->next;
		(void)pthread_cond_signal(&c->wake);
	}
	(void)pthread_mutex_unlock(&c->lock);
	if (!is_kept)
		counters_add(c->o.counters, "quarantine_skipped", 1);
}
