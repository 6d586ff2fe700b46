#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/limits.h"
#include "facts_fixture.h"

static struct facts_fixture f;

static int
set_up(void **state)
{
	(void)state;
	fixture_init(&f);
	assert_int_equal(facts_begin(f.facts), OK);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	fixture_done(&f);
	return 0;
}

/* What was put is committed, and the next transaction is open. */
static void
commit(void)
{
	assert_int_equal(facts_commit(f.facts, &f.detail), OK);
	assert_int_equal(facts_begin(f.facts), OK);
}

/* ---- buckets ---- */

static struct facts_bucket
bucket_of(uint64_t id)
{
	struct facts_bucket bucket = {
		.id = id,
		.label = {.event_type = SLICE_LITERAL("APPCRASH"),
			  .params = {SLICE_LITERAL("edit.exe"), SLICE_LITERAL("1.2.3.4")},
			  .n_params = 2},
		.first_seen_us = FIXTURE_NOW_US,
	};
	memcpy(bucket.key, &id, sizeof(id));
	return bucket;
}

static void
a_buckets_key_and_number_are_taken_once(void **state)
{
	(void)state;
	struct facts_bucket bucket = bucket_of(1000);
	assert_int_equal(facts_put_bucket(f.facts, &bucket), OK);
	assert_int_equal(facts_put_bucket(f.facts, &bucket), ERR_EXISTS);
	bucket.id = 1001;
	assert_int_equal(facts_put_bucket(f.facts, &bucket), ERR_EXISTS);
	bucket.id = 1000;
	bucket.key[0] ^= 1;
	assert_int_equal(facts_put_bucket(f.facts, &bucket), ERR_EXISTS);
	/* The transaction is still good. */
	bucket.id = 1001;
	assert_int_equal(facts_put_bucket(f.facts, &bucket), OK);
	commit();
	assert_int_equal(facts_find_bucket(f.facts, 1001, &f.arena, &bucket), OK);
}

static void
a_bucket_comes_back_as_it_was(void **state)
{
	(void)state;
	struct facts_bucket bucket = bucket_of(1000);
	struct facts_bucket back;
	bucket.label.params[2] = (struct slice){0}; /* absent in between: an empty one */
	bucket.label.params[3] = SLICE_LITERAL("\xe9\x9a\x9c\xe5\xae\xb3");
	bucket.label.n_params = 4;
	assert_int_equal(facts_put_bucket(f.facts, &bucket), OK);
	commit();
	assert_int_equal(facts_find_bucket(f.facts, 1000, &f.arena, &back), OK);
	assert_memory_equal(back.key, bucket.key, sizeof(back.key));
	assert_true(slice_equal(back.label.event_type, bucket.label.event_type));
	assert_int_equal(back.label.n_params, 4);
	for (size_t i = 0; i < 4; i++) {
		assert_true(slice_equal(back.label.params[i], bucket.label.params[i]));
		assert_false(slice_is_absent(back.label.params[i]));
	}
	assert_true(slice_is_absent(back.label.params[4]));
	assert_int_equal(back.first_seen_us, FIXTURE_NOW_US);
	assert_int_equal(facts_find_bucket(f.facts, 999, &f.arena, &back), ERR_NOTFOUND);
}

static void
a_bucket_may_have_ten_parameters_or_none(void **state)
{
	(void)state;
	struct facts_bucket none = bucket_of(1000);
	struct facts_bucket ten = bucket_of(1001);
	struct facts_bucket back;
	none.label.n_params = 0;
	ten.label.n_params = LIMIT_PARAMS;
	for (size_t i = 0; i < LIMIT_PARAMS; i++)
		ten.label.params[i] = SLICE_LITERAL("x");
	assert_int_equal(facts_put_bucket(f.facts, &none), OK);
	assert_int_equal(facts_put_bucket(f.facts, &ten), OK);
	commit();
	assert_int_equal(facts_find_bucket(f.facts, 1000, &f.arena, &back), OK);
	assert_int_equal(back.label.n_params, 0);
	assert_int_equal(facts_find_bucket(f.facts, 1001, &f.arena, &back), OK);
	assert_int_equal(back.label.n_params, LIMIT_PARAMS);
}

static err_t
check_next_bucket(void *context, const struct facts_bucket *bucket)
{
	uint64_t *next = context;
	assert_int_equal(bucket->id, *next);
	(*next)++;
	return OK;
}

static void
all_buckets_come_in_order(void **state)
{
	(void)state;
	uint64_t next = 1000;
	for (uint64_t id = 1199; id >= 1000; id--) {
		struct facts_bucket bucket = bucket_of(id);
		assert_int_equal(facts_put_bucket(f.facts, &bucket), OK);
	}
	commit();
	assert_int_equal(facts_each_bucket(f.facts, 0, check_next_bucket, &next), OK);
	assert_int_equal(next, 1200);
	next = 1151;
	assert_int_equal(facts_each_bucket(f.facts, 1150, check_next_bucket, &next), OK);
	assert_int_equal(next, 1200);
}

static void
reserved_numbers_never_overlap(void **state)
{
	(void)state;
	uint64_t first;
	uint64_t second;
	uint64_t third;
	assert_int_equal(facts_reserve_bucket_ids(f.facts, 64, &first), OK);
	assert_int_equal(first, 1000);
	assert_int_equal(facts_reserve_bucket_ids(f.facts, 1, &second), OK);
	assert_int_equal(second, 1064);
	commit();
	facts_abort(f.facts);
	fixture_close(&f);
	fixture_open(&f);
	assert_int_equal(facts_begin(f.facts), OK);
	assert_int_equal(facts_reserve_bucket_ids(f.facts, 10, &third), OK);
	assert_int_equal(third, 1065);
}

static void
gives_no_number_past_the_last(void **state)
{
	(void)state;
	uint64_t first = 0;
	uint64_t next = 7;
	assert_int_equal(facts_reserve_bucket_ids(f.facts, INT32_MAX - 999, &first), OK);
	assert_int_equal(first, 1000); /* up to 2^31-1, which is the last */
	assert_int_equal(facts_reserve_bucket_ids(f.facts, 1, &next), ERR_LIMIT);
	assert_int_equal(next, 7);
}

/* ---- uploads ---- */

static uint64_t
put_asked(size_t hits)
{
	struct facts_new_report report = fixture_report(&f, SLICE_LITERAL("x"));
	report.reply = SLICE_LITERAL("iData=1\r\nBucket=1000\r\n");
	report.is_cab_asked = true;
	report.bucket_hits = hits;
	report.cab_max_bytes = 1 << 20;
	report.cab_expires_us = FIXTURE_NOW_US + TIME_DAY_US;
	assert_int_equal(facts_put_report(f.facts, &report), OK);
	return report.id;
}

static struct facts_upload
upload_of(uint64_t report, uint8_t digest)
{
	struct facts_upload upload = {
		.report = report,
		.bytes = 100000,
		.received_us = FIXTURE_NOW_US + 5,
		.is_cabinet = true,
		.peer = {.ip = {[10] = 0xff, 0xff, 10, 0, 0, 1}, .port = 50000},
	};
	memset(upload.sha256, digest, sizeof(upload.sha256));
	return upload;
}

static void
a_report_has_one_upload(void **state)
{
	(void)state;
	struct facts_upload upload = upload_of(put_asked(1), 1);
	assert_int_equal(facts_put_upload(f.facts, &upload), OK);
	assert_int_equal(facts_put_upload(f.facts, &upload), ERR_EXISTS);
	commit();
	memset(upload.sha256, 2, sizeof(upload.sha256));
	assert_int_equal(facts_put_upload(f.facts, &upload), ERR_EXISTS);
	commit();
	struct facts_report report;
	assert_int_equal(facts_find_report(f.facts, upload.report, &f.arena, &report), OK);
	assert_true(report.has_cab);
	assert_true(report.is_cab_asked);
	assert_int_equal(report.cab_sha256[31], 1);
	assert_int_equal(report.cab_bytes, 100000);
	assert_int_equal(report.cab_received_us, FIXTURE_NOW_US + 5);
	assert_true(report.cab_is_cabinet);
}

static void
an_upload_needs_its_report(void **state)
{
	(void)state;
	struct facts_upload upload = upload_of(77, 1);
	assert_int_equal(facts_put_upload(f.facts, &upload), ERR_NOTFOUND);
	/* The transaction is still good. */
	upload.report = put_asked(1);
	assert_int_equal(facts_put_upload(f.facts, &upload), OK);
	commit();
}

struct seen_uploads {
	struct facts_upload last;
	size_t count;
};

static err_t
see_upload(void *context, const struct facts_upload *upload)
{
	struct seen_uploads *seen = context;
	seen->last = *upload;
	seen->count++;
	return OK;
}

static void
uploads_come_in_the_order_of_their_commits(void **state)
{
	(void)state;
	struct seen_uploads seen = {0};
	uint64_t sequence = 99;
	uint64_t reports[100];
	assert_int_equal(facts_each_upload(f.facts, 3, see_upload, &seen, &sequence), OK);
	assert_int_equal(sequence, 3);
	for (size_t i = 0; i < 100; i++)
		reports[i] = put_asked(i);
	for (size_t i = 0; i < 100; i++) {
		struct facts_upload upload = upload_of(reports[99 - i], (uint8_t)i);
		upload.is_cabinet = i % 2 == 0;
		assert_int_equal(facts_put_upload(f.facts, &upload), OK);
	}
	commit();
	assert_int_equal(facts_each_upload(f.facts, 0, see_upload, &seen, &sequence), OK);
	assert_int_equal(seen.count, 100);
	assert_int_equal(seen.last.report, reports[0]);
	assert_int_equal(seen.last.bucket, 1000);
	assert_int_equal(seen.last.sha256[0], 99);
	assert_false(seen.last.is_cabinet);
	assert_int_equal(seen.last.peer.port, 50000);
	assert_int_equal(seen.last.peer.ip[15], 1);
	uint64_t before = sequence;
	assert_int_equal(facts_each_upload(f.facts, before, see_upload, &seen, &sequence), OK);
	assert_int_equal(seen.count, 100);
	assert_int_equal(sequence, before);
}

static void
knows_whether_an_upload_names_a_blob(void **state)
{
	(void)state;
	struct facts_upload upload = upload_of(put_asked(1), 0xab);
	bool is_named = true;
	assert_int_equal(facts_is_blob_named(f.facts, upload.sha256, &is_named), OK);
	assert_false(is_named);
	assert_int_equal(facts_put_upload(f.facts, &upload), OK);
	assert_int_equal(facts_is_blob_named(f.facts, upload.sha256, &is_named), OK);
	assert_true(is_named);
}

struct seen_asked {
	struct facts_asked last;
	size_t count;
	size_t with_cab;
};

static err_t
see_asked(void *context, const struct facts_asked *asked)
{
	struct seen_asked *seen = context;
	assert_true(asked->report > seen->last.report);
	seen->last = *asked;
	seen->count++;
	seen->with_cab += asked->has_cab;
	return OK;
}

static void
what_was_asked_for_is_remembered(void **state)
{
	(void)state;
	struct seen_asked seen = {0};
	struct facts_new_report plain = fixture_report(&f, SLICE_LITERAL("x"));
	assert_int_equal(facts_put_report(f.facts, &plain), OK);
	for (size_t i = 1; i <= 130; i++) {
		uint64_t report = put_asked(i);
		struct facts_upload upload = upload_of(report, (uint8_t)i);
		if (i % 13 == 0)
			assert_int_equal(facts_put_upload(f.facts, &upload), OK);
	}
	commit();
	assert_int_equal(facts_each_asked(f.facts, 0, see_asked, &seen), OK);
	assert_int_equal(seen.count, 130);
	assert_int_equal(seen.with_cab, 10);
	assert_int_equal(seen.last.bucket, 1000);
	assert_int_equal(seen.last.bucket_hits, 130);
	assert_int_equal(seen.last.asked_us, FIXTURE_NOW_US / 1000 * 1000);
	assert_int_equal(seen.last.expires_us, FIXTURE_NOW_US + TIME_DAY_US);
	assert_int_equal(seen.last.cab_bytes, 100000);
	assert_int_equal(facts_each_asked(f.facts, seen.last.report, see_asked, &seen), OK);
	assert_int_equal(seen.count, 130);
}

/* ---- quarantine ---- */

static void
quarantine(const char *reason, struct slice bytes)
{
	struct facts_quarantined item = {
		.received_us = FIXTURE_NOW_US,
		.peer = {.ip = {0xfe, 0x80, [15] = 9}, .port = 5},
		.stage = SLICE_LITERAL("level1"),
		.reason = slice_str(reason),
		.offset = 17,
		.total_bytes = bytes.len,
		.bytes = bytes,
	};
	assert_int_equal(facts_put_quarantined(f.facts, &item), OK);
}

struct seen_quarantined {
	struct facts_quarantined last;
	size_t count;
};

static err_t
see_quarantined(void *context, const struct facts_quarantined *item)
{
	struct seen_quarantined *seen = context;
	assert_true(seen->count == 0 || item->id < seen->last.id);
	seen->last = *item;
	seen->count++;
	return OK;
}

static void
the_quarantine_keeps_the_newest_alone(void **state)
{
	(void)state;
	struct seen_quarantined seen = {0};
	struct facts_quarantined item;
	for (size_t i = 0; i < LIMIT_QUARANTINE_ITEMS + 250; i++)
		quarantine("not_xml", SLICE_LITERAL("junk"));
	commit();
	assert_int_equal(facts_each_quarantined(f.facts, 0, SIZE_MAX, see_quarantined, &seen), OK);
	assert_int_equal(seen.count, LIMIT_QUARANTINE_ITEMS);
	assert_int_equal(seen.last.id, 251);
	assert_int_equal(facts_find_quarantined(f.facts, 250, &f.arena, &item), ERR_NOTFOUND);
	assert_int_equal(facts_find_quarantined(f.facts, 251, &f.arena, &item), OK);
}

static void
the_quarantine_keeps_a_beginning_of_each(void **state)
{
	(void)state;
	static char bytes[LIMIT_QUARANTINE_ITEM_BYTES + 500];
	struct facts_quarantined item;
	memset(bytes, 'j', sizeof(bytes));
	quarantine("too_large", slice_of(bytes, sizeof(bytes)));
	quarantine("empty", (struct slice){0});
	assert_int_equal(facts_find_quarantined(f.facts, 1, &f.arena, &item), OK);
	assert_int_equal(item.bytes.len, LIMIT_QUARANTINE_ITEM_BYTES);
	assert_int_equal(item.total_bytes, sizeof(bytes));
	assert_int_equal(item.offset, 17);
	assert_int_equal(item.received_us, FIXTURE_NOW_US);
	assert_int_equal(item.peer.ip[15], 9);
	assert_true(slice_equal_str(item.stage, "level1"));
	assert_true(slice_equal_str(item.reason, "too_large"));
	assert_true(slice_is_absent(item.detail));
	assert_int_equal(facts_find_quarantined(f.facts, 2, &f.arena, &item), OK);
	assert_int_equal(item.bytes.len, 0);
}

static void
the_quarantine_is_read_newest_first_by_pages(void **state)
{
	(void)state;
	struct seen_quarantined seen = {0};
	for (int i = 0; i < 150; i++)
		quarantine("not_xml", SLICE_LITERAL("junk"));
	assert_int_equal(facts_each_quarantined(f.facts, 0, 70, see_quarantined, &seen), OK);
	assert_int_equal(seen.count, 70);
	assert_int_equal(seen.last.id, 81);
	assert_int_equal(facts_each_quarantined(f.facts, 81, 1000, see_quarantined, &seen), OK);
	assert_int_equal(seen.count, 150);
	assert_int_equal(seen.last.id, 1);
}

/* ---- counters ---- */

static err_t
add_up(void *context, struct slice name, uint64_t value)
{
	uint64_t *sum = context;
	assert_true(name.len > 0);
	*sum += value;
	return OK;
}

static err_t
check_reports(void *context, struct slice name, uint64_t value)
{
	(void)context;
	if (slice_equal_str(name, "reports"))
		assert_int_equal(value, 7);
	return OK;
}

static void
counters_add_up(void **state)
{
	(void)state;
	uint64_t sum = 0;
	char name[32];
	assert_int_equal(facts_add_counter(f.facts, "reports", 3), OK);
	assert_int_equal(facts_add_counter(f.facts, "reports", 4), OK);
	for (int i = 0; i < 100; i++) {
		(void)snprintf(name, sizeof(name), "reason_%d", i);
		assert_int_equal(facts_add_counter(f.facts, name, 1), OK);
	}
	commit();
	assert_int_equal(facts_each_counter(f.facts, add_up, &sum), OK);
	assert_int_equal(sum, 107);
	assert_int_equal(facts_each_counter(f.facts, check_reports, NULL), OK);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_buckets_key_and_number_are_taken_once),
		TEST(a_bucket_comes_back_as_it_was),
		TEST(a_bucket_may_have_ten_parameters_or_none),
		TEST(all_buckets_come_in_order),
		TEST(reserved_numbers_never_overlap),
		TEST(gives_no_number_past_the_last),
		TEST(a_report_has_one_upload),
		TEST(an_upload_needs_its_report),
		TEST(uploads_come_in_the_order_of_their_commits),
		TEST(knows_whether_an_upload_names_a_blob),
		TEST(what_was_asked_for_is_remembered),
		TEST(the_quarantine_keeps_the_newest_alone),
		TEST(the_quarantine_keeps_a_beginning_of_each),
		TEST(the_quarantine_is_read_newest_first_by_pages),
		TEST(counters_add_up),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
