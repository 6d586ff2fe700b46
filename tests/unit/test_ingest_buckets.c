#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/time.h"
#include "ingest/buckets.h"
#include "ingest/peers.h"

static const int64_t NOON_US = INT64_C(20000) * TIME_DAY_US + TIME_DAY_US / 2;

static void
make_key(uint8_t key[LABEL_KEY_BYTES], uint64_t first, uint8_t last)
{
	memset(key, 0, LABEL_KEY_BYTES);
	memcpy(key, &first, sizeof(first));
	key[LABEL_KEY_BYTES - 1] = last;
}

/* An attacker may search for keys that begin alike: they must stay apart. */
static void
keys_that_begin_alike_are_different_buckets(void **state)
{
	uint8_t key[LABEL_KEY_BYTES];
	struct buckets *buckets = buckets_new();
	(void)state;
	for (uint8_t i = 0; i < 100; i++) {
		make_key(key, 42, i);
		assert_null(buckets_find(buckets, key));
		(void)buckets_add(buckets, key, 1000U + i);
	}
	for (uint8_t i = 0; i < 100; i++) {
		make_key(key, 42, i);
		assert_int_equal(buckets_find_id(buckets, key), 1000 + i);
	}
	buckets_free(buckets);
}

static void
a_rolled_back_bucket_is_gone(void **state)
{
	uint8_t key[LABEL_KEY_BYTES];
	struct buckets *buckets = buckets_new();
	(void)state;
	make_key(key, 1, 1);
	(void)buckets_add(buckets, key, 1000);
	make_key(key, 1, 2);
	(void)buckets_add(buckets, key, 1001);
	buckets_remove_last(buckets);
	assert_int_equal(buckets_find_id(buckets, key), 0);
	assert_null(buckets_find_by_id(buckets, 1001));
	make_key(key, 1, 1);
	assert_int_equal(buckets_find_id(buckets, key), 1000);
	buckets_free(buckets);
}

static struct bucket *
one_bucket(struct buckets *buckets)
{
	uint8_t key[LABEL_KEY_BYTES];
	make_key(key, 7, 7);
	struct bucket *bucket = buckets_add(buckets, key, 1000);
	bucket->hits = 5;
	return bucket;
}

static void
an_ask_is_awaited_until_its_cabinet_comes(void **state)
{
	struct buckets *buckets = buckets_new();
	struct bucket *bucket = one_bucket(buckets);
	(void)state;
	buckets_asked(buckets, bucket, 11, 99, 1000000, NOON_US);
	buckets_asked(buckets, bucket, 12, 99, 1000000, NOON_US + 1);
	assert_int_equal(bucket->awaited, 2);
	assert_int_equal(bucket->last_asked_hits, 5);
	buckets_answered(buckets, 11, 1000, 300);
	assert_int_equal(bucket->awaited, 1);
	assert_int_equal(bucket->kept, 1);
	/* The day is charged with what came, and with what may still come. */
	assert_int_equal(buckets_machine_day_bytes(buckets, 99, NOON_US), 1000300);
	buckets_free(buckets);
}

static void
an_ask_that_nobody_answers_is_given_up(void **state)
{
	struct buckets *buckets = buckets_new();
	struct bucket *bucket = one_bucket(buckets);
	(void)state;
	buckets_asked(buckets, bucket, 11, 99, 1000, NOON_US);
	buckets_expire(buckets, NOON_US + ASK_AWAITED_US - 1);
	assert_int_equal(bucket->awaited, 1);
	buckets_expire(buckets, NOON_US + ASK_AWAITED_US);
	assert_int_equal(bucket->awaited, 0);
	assert_int_equal(buckets_machine_day_bytes(buckets, 99, NOON_US), 0);
	/* It comes after all: kept, and counted once. */
	buckets_answered(buckets, 11, 1000, 300);
	assert_int_equal(bucket->awaited, 0);
	assert_int_equal(bucket->kept, 1);
	buckets_free(buckets);
}

static void
a_rolled_back_ask_charges_nothing(void **state)
{
	struct buckets *buckets = buckets_new();
	struct bucket *bucket = one_bucket(buckets);
	(void)state;
	buckets_asked(buckets, bucket, 11, 99, 1000, NOON_US);
	buckets_unask_last(buckets);
	assert_int_equal(bucket->awaited, 0);
	assert_int_equal(buckets_machine_day_bytes(buckets, 99, NOON_US), 0);
	buckets_free(buckets);
}

static void
a_new_day_begins_with_nothing(void **state)
{
	struct buckets *buckets = buckets_new();
	struct bucket *bucket = one_bucket(buckets);
	(void)state;
	buckets_asked(buckets, bucket, 11, 99, 1000, NOON_US);
	assert_int_equal(buckets_machine_day_bytes(buckets, 99, NOON_US + TIME_DAY_US), 0);
	buckets_asked(buckets, bucket, 12, 98, 500, NOON_US + TIME_DAY_US);
	assert_int_equal(buckets_machine_day_bytes(buckets, 98, NOON_US + TIME_DAY_US), 500);
	/* Yesterday's ask ends without touching today's account. */
	buckets_expire(buckets, NOON_US + ASK_AWAITED_US);
	assert_int_equal(buckets_machine_day_bytes(buckets, 98, NOON_US + TIME_DAY_US), 500);
	buckets_free(buckets);
}

static void
the_ring_of_asks_grows_and_turns(void **state)
{
	struct buckets *buckets = buckets_new();
	struct bucket *bucket = one_bucket(buckets);
	(void)state;
	for (uint64_t i = 1; i <= 3000; i++) {
		int64_t now_us = NOON_US + (int64_t)i * TIME_SECOND_US;
		buckets_expire(buckets, now_us);
		buckets_asked(buckets, bucket, i, 99, 1, now_us);
	}
	assert_int_equal(bucket->awaited, ASK_AWAITED_US / TIME_SECOND_US);
	buckets_answered(buckets, 3000, 1000, 1);
	buckets_answered(buckets, 2500, 1000, 1);
	assert_int_equal(bucket->awaited, ASK_AWAITED_US / TIME_SECOND_US - 2);
	buckets_free(buckets);
}

static struct address
peer_of(uint8_t last)
{
	struct address peer = {.ip = {[10] = 0xff, [11] = 0xff, [12] = 10, [15] = last}};
	return peer;
}

static void
a_peer_over_its_rate_is_refused_until_the_next_minute(void **state)
{
	struct peers *peers = peers_new();
	struct address one = peer_of(1);
	struct address two = peer_of(2);
	(void)state;
	assert_true(peers_may_report(peers, &one, 2, NOON_US));
	assert_true(peers_may_report(peers, &one, 2, NOON_US + 1));
	assert_false(peers_may_report(peers, &one, 2, NOON_US + 2));
	assert_true(peers_may_report(peers, &two, 2, NOON_US + 2));
	assert_true(peers_may_report(peers, &one, 2, NOON_US + TIME_MINUTE_US));
	assert_true(peers_may_report(peers, &one, 0, NOON_US)); /* no limit */
	peers_free(peers);
}

static void
a_refused_entry_does_not_count(void **state)
{
	struct peers *peers = peers_new();
	struct address one = peer_of(1);
	(void)state;
	assert_true(peers_enter(peers, &one, 2));
	assert_true(peers_enter(peers, &one, 2));
	assert_false(peers_enter(peers, &one, 2));
	peers_leave(peers, &one);
	assert_true(peers_enter(peers, &one, 2));
	peers_leave(peers, &one);
	peers_leave(peers, &one);
	peers_free(peers);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_that_begin_alike_are_different_buckets),
		cmocka_unit_test(a_rolled_back_bucket_is_gone),
		cmocka_unit_test(an_ask_is_awaited_until_its_cabinet_comes),
		cmocka_unit_test(an_ask_that_nobody_answers_is_given_up),
		cmocka_unit_test(a_rolled_back_ask_charges_nothing),
		cmocka_unit_test(a_new_day_begins_with_nothing),
		cmocka_unit_test(the_ring_of_asks_grows_and_turns),
		cmocka_unit_test(a_peer_over_its_rate_is_refused_until_the_next_minute),
		cmocka_unit_test(a_refused_entry_does_not_count),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
