/* derived_fixture.h - a store in a temporary folder, and reports that a test puts into it */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/table.h"
#include "base/text.h"
#include "base/time.h"
#include "bucket/label.h"
#include "cer/level1.h"
#include "store/derived.h"
#include "store/id.h"
#include "store/pack.h"

/* What a test says of a report; NULL is absent. */
struct told {
	const char *type; /* NULL: APPCRASH */
	const char *machine, *user, *os, *oem;
	const char *app_name, *app_path, *app_company;
	const char *friendly, *description;
	const char *params[LIMIT_PARAMS];
	const char *secondary; /* the value of one SECONDARYPARAMETER */
	bool is_cab_asked;
};

struct fixture {
	char data[64];
	struct facts *facts;
	struct derived *derived;
	struct pack *pack;
	struct id_generator ids;
	struct table buckets; /* the key's first bytes to the id */
	uint64_t n_buckets;
	int64_t now_us;
};

static const int64_t FIXTURE_BEGIN_US = INT64_C(1760000000) * TIME_SECOND_US;

#define MUST(call)                                                                                 \
	do {                                                                                       \
		struct err_detail must_detail = {.why = ""};                                       \
		struct err_detail *detail = &must_detail;                                          \
		(void)detail;                                                                      \
		err_t must_err = (call);                                                           \
		if (must_err != OK)                                                                \
			fail_msg("%s: %s (%s)", #call, err_name(must_err), must_detail.why);       \
	} while (0)

static inline struct fixture *
fixture_new(void)
{
	struct fixture *f = calloc(1, sizeof(*f));
	assert_non_null(f);
	(void)snprintf(f->data, sizeof(f->data), "/tmp/openwer-derived-XXXXXX");
	assert_non_null(mkdtemp(f->data));
	f->now_us = FIXTURE_BEGIN_US;
	f->pack = pack_new();
	id_generator_init(&f->ids, 1, 0);
	MUST(facts_open(f->data, FACTS_WRITE, &f->facts, detail));
	MUST(derived_open(f->data, DERIVED_WRITE, &f->derived, detail));
	return f;
}

static inline void
fixture_free(struct fixture *f)
{
	char command[128];
	derived_close(f->derived);
	facts_close(f->facts);
	pack_free(f->pack);
	table_done(&f->buckets);
	(void)snprintf(command, sizeof(command), "rm -rf '%s'", f->data);
	FILE *remover = popen(command, "r");
	assert_non_null(remover);
	assert_int_equal(pclose(remover), 0);
	free(f);
}

static inline void
fixture_report(const struct told *told, struct report *ret_report, struct report_pair *secondary)
{
	struct report r = {
		.event_type = slice_str(told->type == NULL ? "APPCRASH" : told->type),
		.machine = slice_str(told->machine),
		.user = slice_str(told->user),
		.os = slice_str(told->os),
		.oem = slice_str(told->oem),
		.app_name = slice_str(told->app_name),
		.app_path = slice_str(told->app_path),
		.app_company = slice_str(told->app_company),
		.friendly_event_name = slice_str(told->friendly),
		.event_description = slice_str(told->description),
		.has_report_type = true,
		.report_type = REPORT_CRASH,
		.has_event_time = true,
		.event_filetime = time_to_filetime(FIXTURE_BEGIN_US),
	};
	for (size_t i = 0; i < LIMIT_PARAMS; i++) {
		if (told->params[i] == NULL)
			continue;
		r.params[i].name = SLICE_LITERAL("name");
		r.params[i].value = slice_str(told->params[i]);
		r.n_params = i + 1;
	}
	if (told->secondary != NULL) {
		*secondary =
			(struct report_pair){SLICE_LITERAL("name"), slice_str(told->secondary)};
		r.secondary = secondary;
		r.n_secondary = 1;
	}
	*ret_report = r;
}

/* The bucket of a report, put into the facts when it is the first. */
static inline uint64_t
fixture_bucket(struct fixture *f, const struct report *report)
{
	struct facts_bucket bucket = {.first_seen_us = f->now_us};
	struct arena arena;
	struct buf text;
	uint64_t key;
	arena_init(&arena, 1 << 20);
	buf_init(&text, 1 << 20);
	label_of(report, &arena, &bucket.label);
	label_key_text(&bucket.label, &text);
	label_key(buf_slice(&text), bucket.key);
	memcpy(&key, bucket.key, sizeof(key));
	if (!table_find(&f->buckets, key, &bucket.id)) {
		bucket.id = 1000 + f->n_buckets++;
		table_put(&f->buckets, key, bucket.id);
		MUST(facts_put_bucket(f->facts, &bucket));
	}
	buf_done(&text);
	arena_done(&arena);
	return bucket.id;
}

/* Inside of a transaction; the id 0 lets the generator make one. */
static inline uint64_t
fixture_put_body(struct fixture *f, uint64_t id, uint64_t bucket, bool is_cab_asked,
		 struct slice body)
{
	struct buf packed;
	buf_init(&packed, SIZE_MAX);
	pack_body(f->pack, body, &packed);
	struct facts_new_report row = {
		.id = id == 0 ? id_next(&f->ids, f->now_us) : id,
		.bucket = bucket,
		.packed_body = buf_slice(&packed),
		.is_cab_asked = is_cab_asked,
		.cab_max_bytes = 1000,
		.cab_expires_us = f->now_us + TIME_DAY_US,
	};
	MUST(facts_put_report(f->facts, &row));
	buf_done(&packed);
	return row.id;
}

static inline uint64_t
fixture_put(struct fixture *f, uint64_t id, const struct told *told)
{
	struct report report;
	struct report_pair secondary;
	struct buf body;
	fixture_report(told, &report, &secondary);
	uint64_t bucket = fixture_bucket(f, &report);
	buf_init(&body, SIZE_MAX);
	level1_format(&report, TEXT_UTF16LE, &body);
	id = fixture_put_body(f, id, bucket, told->is_cab_asked, buf_slice(&body));
	buf_done(&body);
	return id;
}

/* One report, committed, a second after the one before. */
static inline uint64_t
fixture_tell(struct fixture *f, const struct told *told)
{
	f->now_us += TIME_SECOND_US;
	MUST(facts_begin(f->facts));
	uint64_t id = fixture_put(f, 0, told);
	MUST(facts_commit(f->facts, detail));
	return id;
}

static inline void
fixture_upload(struct fixture *f, uint64_t report, uint64_t bytes)
{
	struct facts_upload upload = {
		.report = report, .bytes = bytes, .received_us = f->now_us, .is_cabinet = true};
	memcpy(upload.sha256, &report, sizeof(report));
	MUST(facts_begin(f->facts));
	MUST(facts_find_report_bucket(f->facts, report, &upload.bucket));
	MUST(facts_put_upload(f->facts, &upload));
	MUST(facts_commit(f->facts, detail));
}

/* Until nothing is new. */
static inline size_t
fixture_follow(struct fixture *f, size_t max)
{
	size_t total = 0;
	size_t count;
	do {
		f->now_us += 2 * TIME_SECOND_US;
		MUST(derived_follow(f->derived, f->facts, max, f->now_us, &count, detail));
		total += count;
	} while (count > 0);
	return total;
}
