#include "ingest/buckets.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/table.h"
#include "base/time.h"
#include "cer/level1.h"
#include "ingest/machine.h"
#include "store/id.h"

/* Asks in the order of time, a ring. */
struct ask {
	uint64_t report;
	uint64_t bucket;
	uint64_t machine;
	uint64_t bytes; /* what the machine's day was charged with */
	int64_t awaited_until_us;
	int64_t day;
	bool is_answered;
};

struct buckets {
	pthread_rwlock_t lock; /* guards by_key and list against growing */
	struct bucket **list;
	size_t count;
	size_t capacity;
	struct table by_key; /* first 8 bytes of the key, plus a step for each collision */
	struct table by_id;

	struct ask *asks;
	size_t asks_first;
	size_t asks_count;
	size_t asks_capacity;

	int64_t day; /* of machine_bytes */
	struct table machine_bytes;
};

struct buckets *
buckets_new(void)
{
	struct buckets *buckets = calloc(1, sizeof(*buckets));
	if (buckets == NULL)
		abort();
	(void)pthread_rwlock_init(&buckets->lock, NULL);
	return buckets;
}

void
buckets_free(struct buckets *buckets)
{
	if (buckets == NULL)
		return;
	for (size_t i = 0; i < buckets->count; i++)
		free(buckets->list[i]);
	free(buckets->list);
	free(buckets->asks);
	table_done(&buckets->by_key);
	table_done(&buckets->by_id);
	table_done(&buckets->machine_bytes);
	(void)pthread_rwlock_destroy(&buckets->lock);
	free(buckets);
}

/* The table's key for the STEP-th bucket that shares these 8 bytes (0 but in a lifetime). */
static uint64_t
table_key(const uint8_t key[LABEL_KEY_BYTES], uint64_t step)
{
	uint64_t first;
	memcpy(&first, key, sizeof(first));
	first += step;
	return first == 0 ? 1 : first;
}

struct bucket *
buckets_find(struct buckets *buckets, const uint8_t key[LABEL_KEY_BYTES])
{
	uint64_t index;
	for (uint64_t step = 0; table_find(&buckets->by_key, table_key(key, step), &index); step++)
		if (memcmp(buckets->list[index]->key, key, LABEL_KEY_BYTES) == 0)
			return buckets->list[index];
	return NULL;
}

uint64_t
buckets_find_id(struct buckets *buckets, const uint8_t key[LABEL_KEY_BYTES])
{
	(void)pthread_rwlock_rdlock(&buckets->lock);
	struct bucket *bucket = buckets_find(buckets, key);
	uint64_t id = bucket == NULL ? 0 : bucket->id;
	(void)pthread_rwlock_unlock(&buckets->lock);
	return id;
}

struct bucket *
buckets_find_by_id(struct buckets *buckets, uint64_t id)
{
	uint64_t index;
	return table_find(&buckets->by_id, id, &index) ? buckets->list[index] : NULL;
}

static uint64_t
free_table_key(struct buckets *buckets, const uint8_t key[LABEL_KEY_BYTES])
{
	uint64_t index;
	uint64_t step = 0;
	while (table_find(&buckets->by_key, table_key(key, step), &index))
		step++;
	return table_key(key, step);
}

static void
make_room(struct buckets *buckets)
{
	if (buckets->count < buckets->capacity)
		return;
	buckets->capacity = buckets->capacity == 0 ? 256 : buckets->capacity * 2;
	struct bucket **list =
		reallocarray(buckets->list, buckets->capacity, sizeof(struct bucket *));
	if (list == NULL)
		abort();
	buckets->list = list;
}

struct bucket *
buckets_add(struct buckets *buckets, const uint8_t key[LABEL_KEY_BYTES], uint64_t id)
{
	struct bucket *bucket = calloc(1, sizeof(*bucket));
	if (bucket == NULL)
		abort();
	memcpy(bucket->key, key, LABEL_KEY_BYTES);
	bucket->id = id;
	(void)pthread_rwlock_wrlock(&buckets->lock);
	make_room(buckets);
	table_put(&buckets->by_key, free_table_key(buckets, key), buckets->count);
	table_put(&buckets->by_id, id, buckets->count);
	buckets->list[buckets->count++] = bucket;
	(void)pthread_rwlock_unlock(&buckets->lock);
	return bucket;
}

void
buckets_remove_last(struct buckets *buckets)
{
	uint64_t index;
	(void)pthread_rwlock_wrlock(&buckets->lock);
	struct bucket *bucket = buckets->list[--buckets->count];
	for (uint64_t step = 0;; step++) {
		uint64_t key = table_key(bucket->key, step);
		if (table_find(&buckets->by_key, key, &index) && index == buckets->count) {
			(void)table_remove(&buckets->by_key, key);
			break;
		}
	}
	(void)table_remove(&buckets->by_id, bucket->id);
	(void)pthread_rwlock_unlock(&buckets->lock);
	free(bucket);
}

static struct ask *
ask_at(struct buckets *buckets, size_t index)
{
	return &buckets->asks[(buckets->asks_first + index) % buckets->asks_capacity];
}

static void
make_room_for_ask(struct buckets *buckets)
{
	if (buckets->asks_count < buckets->asks_capacity)
		return;
	size_t capacity = buckets->asks_capacity == 0 ? 256 : buckets->asks_capacity * 2;
	struct ask *asks = calloc(capacity, sizeof(*asks));
	if (asks == NULL)
		abort();
	for (size_t i = 0; i < buckets->asks_count; i++)
		asks[i] = *ask_at(buckets, i);
	free(buckets->asks);
	buckets->asks = asks;
	buckets->asks_first = 0;
	buckets->asks_capacity = capacity;
}

static void
charge(struct buckets *buckets, uint64_t machine, uint64_t bytes, int64_t day)
{
	if (day > buckets->day) {
		table_clear(&buckets->machine_bytes);
		buckets->day = day;
	}
	if (day == buckets->day)
		(void)table_add(&buckets->machine_bytes, machine, bytes);
}

void
buckets_asked(struct buckets *buckets, struct bucket *bucket, uint64_t report, uint64_t machine,
	      uint64_t bytes, int64_t now_us)
{
	make_room_for_ask(buckets);
	*ask_at(buckets, buckets->asks_count++) = (struct ask){
		.report = report,
		.bucket = bucket->id,
		.machine = machine,
		.bytes = bytes,
		.awaited_until_us = now_us + ASK_AWAITED_US,
		.day = now_us / TIME_DAY_US,
	};
	bucket->awaited++;
	bucket->last_asked_hits = bucket->hits;
	charge(buckets, machine, bytes, now_us / TIME_DAY_US);
}

void
buckets_unask_last(struct buckets *buckets)
{
	struct ask *ask = ask_at(buckets, --buckets->asks_count);
	struct bucket *bucket = buckets_find_by_id(buckets, ask->bucket);
	charge(buckets, ask->machine, -ask->bytes, ask->day);
	if (bucket != NULL)
		bucket->awaited--;
}

/* Report ids grow along the ring. */
static struct ask *
find_ask(struct buckets *buckets, uint64_t report)
{
	size_t low = 0;
	size_t high = buckets->asks_count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (ask_at(buckets, middle)->report < report)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == buckets->asks_count || ask_at(buckets, low)->report != report)
		return NULL;
	return ask_at(buckets, low);
}

void
buckets_answered(struct buckets *buckets, uint64_t report, uint64_t bucket_id, uint64_t bytes)
{
	struct bucket *bucket = buckets_find_by_id(buckets, bucket_id);
	struct ask *ask = find_ask(buckets, report);
	if (bucket == NULL)
		return;
	bucket->kept++;
	if (ask != NULL && !ask->is_answered) {
		ask->is_answered = true;
		bucket->awaited--;
		charge(buckets, ask->machine, bytes - ask->bytes, ask->day);
	}
}

void
buckets_expire(struct buckets *buckets, int64_t now_us)
{
	while (buckets->asks_count > 0 && ask_at(buckets, 0)->awaited_until_us <= now_us) {
		struct ask *ask = ask_at(buckets, 0);
		struct bucket *bucket = buckets_find_by_id(buckets, ask->bucket);
		if (!ask->is_answered) {
			charge(buckets, ask->machine, -ask->bytes, ask->day);
			if (bucket != NULL)
				bucket->awaited--;
		}
		buckets->asks_first = (buckets->asks_first + 1) % buckets->asks_capacity;
		buckets->asks_count--;
	}
}

uint64_t
buckets_machine_day_bytes(struct buckets *buckets, uint64_t machine, int64_t now_us)
{
	uint64_t bytes = 0;
	if (now_us / TIME_DAY_US == buckets->day)
		(void)table_find(&buckets->machine_bytes, machine, &bytes);
	return bytes;
}

/* ---- loading ---- */

static err_t
load_bucket(void *context, const struct facts_bucket *row)
{
	struct buckets *buckets = context;
	(void)buckets_add(buckets, row->key, row->id);
	return OK;
}

struct load {
	struct buckets *buckets;
	struct facts *facts;
	struct level1_parser *parser;
	struct arena arena;
	int64_t now_us;
};

/* What a machine sent today counts against its day again. */
static void
load_machine(struct load *load, const struct facts_asked *asked)
{
	struct facts_report row;
	struct report report;
	struct level1_error error;
	int64_t day = asked->asked_us / TIME_DAY_US;
	if (!asked->has_cab || day != load->now_us / TIME_DAY_US)
		return;
	arena_reset(&load->arena);
	if (facts_find_report(load->facts, asked->report, &load->arena, &row) == OK &&
	    level1_parse(load->parser, row.body, &load->arena, &report, &error) == OK)
		charge(load->buckets, machine_hash(report.machine), asked->cab_bytes, day);
}

static err_t
load_asked(void *context, const struct facts_asked *asked)
{
	struct load *load = context;
	struct bucket *bucket = buckets_find_by_id(load->buckets, asked->bucket);
	if (bucket == NULL)
		return OK;
	if (asked->bucket_hits > bucket->hits)
		bucket->hits = asked->bucket_hits;
	bucket->last_asked_hits = bucket->hits;
	if (asked->has_cab)
		bucket->kept++;
	load_machine(load, asked);
	return OK;
}

err_t
buckets_load(struct buckets *buckets, struct facts *facts, int64_t now_us)
{
	struct load load = {
		.buckets = buckets,
		.facts = facts,
		.parser = level1_parser_new(),
		.now_us = now_us,
	};
	arena_init(&load.arena, LIMIT_REPORT_ARENA_BYTES);
	err_t err = facts_each_bucket(facts, 0, load_bucket, buckets);
	if (err == OK)
		err = facts_each_asked(facts, 0, load_asked, &load);
	arena_done(&load.arena);
	level1_parser_free(load.parser);
	return err;
}
