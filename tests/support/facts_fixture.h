/* facts_fixture.h - a store in a scratch folder, and reports to put into it */
#pragma once

#include "base/time.h"
#include "scratch.h"
#include "store/facts.h"
#include "store/id.h"
#include "store/pack.h"

static const int64_t FIXTURE_NOW_US = INT64_C(1795577513123456);

struct facts_fixture {
	char data[SCRATCH_PATH_BYTES];
	struct facts *facts;
	struct id_generator ids;
	struct pack *pack;
	struct buf packed;
	struct arena arena;
	struct err_detail detail;
};

static inline void
fixture_open(struct facts_fixture *f)
{
	f->detail.why[0] = '\0';
	if (facts_open(f->data, FACTS_WRITE, &f->facts, &f->detail) != OK)
		fail_msg("%s", f->detail.why);
}

static inline void
fixture_close(struct facts_fixture *f)
{
	facts_close(f->facts);
	f->facts = NULL;
}

static inline void
fixture_init(struct facts_fixture *f)
{
	*f = (struct facts_fixture){0};
	scratch_make(f->data);
	f->pack = pack_new();
	buf_init(&f->packed, LIMIT_REPORT_BYTES * 2);
	arena_init(&f->arena, 16 << 20);
	id_generator_init(&f->ids, 0, 0);
	fixture_open(f);
}

static inline void
fixture_done(struct facts_fixture *f)
{
	fixture_close(f);
	pack_free(f->pack);
	buf_done(&f->packed);
	arena_done(&f->arena);
	scratch_remove(f->data);
}

/* A report row with BODY; change it before it is put. */
static inline struct facts_new_report
fixture_report(struct facts_fixture *f, struct slice body)
{
	buf_reset(&f->packed);
	pack_body(f->pack, body, &f->packed);
	return (struct facts_new_report){
		.id = id_next(&f->ids, FIXTURE_NOW_US),
		.bucket = 1000,
		.source = {.peer = {.ip = {[10] = 0xff, 0xff, 192, 0, 2, 7}, .port = 1273}},
		.packed_body = buf_slice(&f->packed),
	};
}

/* Puts COUNT reports in one transaction, body "report N" with N from FROM.  The error is that of
 * the first call that failed. */
static inline err_t
fixture_put_group(struct facts_fixture *f, size_t from, size_t count)
{
	char body[32];
	err_t err = facts_begin(f->facts);
	for (size_t i = from; i < from + count && err == OK; i++) {
		(void)snprintf(body, sizeof(body), "report %zu", i);
		struct facts_new_report report = fixture_report(f, slice_str(body));
		err = facts_put_report(f->facts, &report);
	}
	if (err == OK)
		return facts_commit(f->facts, &f->detail);
	facts_abort(f->facts);
	return err;
}

struct fixture_count {
	size_t count;
	size_t next; /* the number that the next body must have */
	bool is_in_order;
};

static inline err_t
fixture_count_one(void *context, const struct facts_report *report)
{
	struct fixture_count *count = context;
	char body[32];
	(void)snprintf(body, sizeof(body), "report %zu", count->next);
	count->is_in_order = count->is_in_order && slice_equal_str(report->body, body);
	count->count++;
	count->next++;
	return OK;
}

/* How many reports there are; their bodies must be "report FIRST" and on. */
static inline size_t
fixture_count_reports(struct facts *facts, size_t first)
{
	struct fixture_count count = {.next = first, .is_in_order = true};
	size_t seen = 0;
	assert_int_equal(
		facts_each_report_after(facts, 0, SIZE_MAX, fixture_count_one, &count, &seen), OK);
	assert_true(count.is_in_order);
	assert_int_equal(seen, count.count);
	return seen;
}
