/* What `fill` writes is what ingest would have written, and `verify` misses nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "cer/level1.h"
#include "ext/crypto.h"
#include "facts_fixture.h"
#include "store/blob_dir.h"
#include "store/derived.h"
#include "werload/command.h"
#include "werload/fill.h"
#include "werload/verify.h"

enum {
	REPORTS = 3456
};

static struct fleet *
small_fleet(void)
{
	struct fleet_options options = {.seed = 12, .machines = 700, .no_bom_percent = 10};
	struct fleet *fleet = NULL;
	assert_int_equal(fleet_new(&options, &fleet), OK);
	return fleet;
}

static void
makes_the_same_chunks_with_any_number_of_threads(void **state)
{
	struct fleet *fleet = small_fleet();
	struct fill_plan plan = {
		.fleet = fleet, .reports = REPORTS, .from_us = 1000000, .until_us = 9000000};
	uint8_t digests[4][CRYPTO_SHA256_BYTES];
	(void)state;
	for (unsigned threads = 1; threads <= 4; threads++) {
		struct fill *fill = NULL;
		const struct fill_chunk *chunk;
		struct crypto_sha256_stream *stream = crypto_sha256_new();
		uint64_t count = 0;
		plan.threads = threads;
		assert_int_equal(fill_start(&plan, &fill), OK);
		while ((chunk = fill_next(fill)) != NULL) {
			assert_int_equal(chunk->err, OK);
			assert_int_equal(chunk->first, count);
			count += chunk->count;
			crypto_sha256_add(stream, buf_slice(&chunk->packed));
		}
		assert_int_equal(count, REPORTS);
		fill_stop(fill);
		crypto_sha256_take(stream, digests[threads - 1]);
		assert_memory_equal(digests[threads - 1], digests[0], CRYPTO_SHA256_BYTES);
	}
	fleet_free(fleet);
}

static void
stops_in_the_middle(void **state)
{
	struct fleet *fleet = small_fleet();
	struct fill_plan plan = {
		.fleet = fleet, .reports = UINT64_C(1) << 40, .until_us = 1000, .threads = 3};
	struct fill *fill = NULL;
	(void)state;
	assert_int_equal(fill_start(&plan, &fill), OK);
	assert_non_null(fill_next(fill));
	fill_stop(fill);
	plan.threads = 0;
	assert_int_equal(fill_start(&plan, &fill), ERR_USAGE);
	fleet_free(fleet);
}

static int
fill_folder(const char *data, const char *reports, const char *time)
{
	char data_option[128], reports_option[64], time_option[64];
	char *words[] = {(char[]){"fill"},           data_option, reports_option, time_option,
			 (char[]){"--machines=700"}, NULL};
	(void)snprintf(data_option, sizeof(data_option), "--data=%s", data);
	(void)snprintf(reports_option, sizeof(reports_option), "--reports=%s", reports);
	(void)snprintf(time_option, sizeof(time_option), "--time=%s", time);
	return command_fill(5, words);
}

struct reading {
	struct level1_parser *parser;
	struct arena arena;
	struct facts *facts;
	uint64_t last;
	size_t count;
};

/* The row stands by itself: its body is a report, and its bucket is that report's. */
static err_t
check_row(void *context, const struct facts_report *row)
{
	struct reading *reading = context;
	struct report report;
	struct level1_error error;
	struct label label;
	struct facts_bucket bucket;
	struct buf text;
	uint8_t key[LABEL_KEY_BYTES];
	arena_reset(&reading->arena);
	buf_init(&text, SIZE_MAX);
	assert_int_equal(level1_parse(reading->parser, row->body, &reading->arena, &report, &error),
			 OK);
	label_of(&report, &reading->arena, &label);
	label_key_text(&label, &text);
	label_key(buf_slice(&text), key);
	assert_int_equal(facts_find_bucket(reading->facts, row->bucket, &reading->arena, &bucket),
			 OK);
	assert_memory_equal(bucket.key, key, LABEL_KEY_BYTES);
	assert_true(bucket.first_seen_us <= id_time_us(row->id) + 1000);
	assert_true(row->id > reading->last);
	assert_int_equal(row->source.flags, SOURCE_GENERATED);
	assert_int_equal(row->source.peer.ip[12], 10);
	reading->last = row->id;
	reading->count++;
	buf_done(&text);
	return OK;
}

static void
read_all(const char *data, struct reading *reading)
{
	struct err_detail detail = {0};
	size_t seen = 1000;
	*reading = (struct reading){.parser = level1_parser_new()};
	arena_init(&reading->arena, LIMIT_REPORT_ARENA_BYTES);
	assert_int_equal(facts_open(data, FACTS_READ, &reading->facts, &detail), OK);
	while (seen == 1000)
		assert_int_equal(facts_each_report_after(reading->facts, reading->last, 1000,
							 check_row, reading, &seen),
				 OK);
	facts_close(reading->facts);
	arena_done(&reading->arena);
	level1_parser_free(reading->parser);
}

static void
fills_a_folder_and_goes_on_in_it(void **state)
{
	char data[SCRATCH_PATH_BYTES];
	struct reading reading;
	struct derived *derived = NULL;
	struct derived_totals totals;
	struct err_detail detail = {0};
	(void)state;
	scratch_make(data);
	assert_int_equal(fill_folder(data, "2345", "2026-10-01T00:00:00Z"), 0);
	read_all(data, &reading);
	assert_int_equal(reading.count, 2345);
	assert_true(id_time_us(reading.last) < INT64_C(1790812800000000));
	assert_int_equal(fill_folder(data, "1111", "2026-10-02T00:00:00Z"), 0);
	read_all(data, &reading);
	assert_int_equal(reading.count, 3456);
	assert_int_equal(derived_open(data, DERIVED_READ, &derived, &detail), OK);
	assert_int_equal(derived_totals(derived, &totals), OK);
	assert_int_equal(totals.reports, 3456);
	assert_true(totals.machines > 500 && totals.machines <= 700);
	derived_close(derived);
	/* Time goes forward: nothing may be put before what is there. */
	assert_int_equal(fill_folder(data, "10", "2026-10-01T00:00:00Z"), 64);
	scratch_remove(data);
}

struct told {
	size_t count;
	char why[256];
};

static void
tell(void *context, const struct ledger_entry *entry, const char *why)
{
	struct told *told = context;
	(void)entry;
	told->count++;
	(void)snprintf(told->why, sizeof(told->why), "%s", why);
}

/* A store with two reports, the second with a cabinet, and the list that says so. */
struct kept {
	struct facts_fixture facts;
	struct blob_dir *blobs;
	char list[SCRATCH_PATH_BYTES + 32];
	struct ledger_entry reports[2], upload;
	struct told told;
	struct verify_result result;
};

static void
put_report(struct kept *kept, size_t index, const char *body)
{
	struct ledger_entry *entry = &kept->reports[index];
	struct facts_new_report row = fixture_report(&kept->facts, slice_str(body));
	assert_int_equal(facts_put_report(kept->facts.facts, &row), OK);
	*entry = (struct ledger_entry){.sequence = index, .report = row.id, .number = 1000};
	crypto_sha256(slice_str(body), entry->sha256);
}

static void
put_upload(struct kept *kept)
{
	struct blob_writer *writer = NULL;
	struct slice bytes = SLICE_LITERAL("MSCF and more");
	struct facts_upload upload = {
		.report = kept->reports[1].report, .bucket = 1000, .bytes = bytes.len};
	assert_int_equal(blob_dir_open(kept->facts.data, &kept->blobs, &kept->facts.detail), OK);
	assert_int_equal(blob_create(kept->blobs, &writer), OK);
	assert_int_equal(blob_write(writer, bytes), OK);
	assert_int_equal(blob_finish(writer, upload.sha256, &kept->facts.detail), OK);
	assert_int_equal(facts_put_upload(kept->facts.facts, &upload), OK);
	kept->upload = (struct ledger_entry){.is_upload = true,
					     .sequence = 1,
					     .report = kept->reports[1].report,
					     .number = bytes.len};
	memcpy(kept->upload.sha256, upload.sha256, 32);
}

static struct kept *
kept_new(void)
{
	struct kept *kept = calloc(1, sizeof(*kept));
	assert_non_null(kept);
	fixture_init(&kept->facts);
	(void)snprintf(kept->list, sizeof(kept->list), "%s/acknowledged", kept->facts.data);
	assert_int_equal(facts_begin(kept->facts.facts), OK);
	put_report(kept, 0, "the first body");
	put_report(kept, 1, "the second body");
	put_upload(kept);
	assert_int_equal(facts_commit(kept->facts.facts, &kept->facts.detail), OK);
	return kept;
}

/* Writes the list anew and compares. */
static void
kept_verify(struct kept *kept)
{
	struct ledger ledger;
	struct err_detail detail = {0};
	(void)remove(kept->list);
	assert_int_equal(ledger_open(&ledger, kept->list, &detail), OK);
	ledger_put(&ledger, &kept->reports[0]);
	ledger_put(&ledger, &kept->reports[1]);
	ledger_put(&ledger, &kept->upload);
	assert_int_equal(ledger_flush(&ledger), OK);
	ledger_close(&ledger);
	kept->told = (struct told){0};
	if (verify_store(kept->facts.data, kept->list, tell, &kept->told, &kept->result, &detail) !=
	    OK)
		fail_msg("%s", detail.why);
	assert_int_equal(kept->result.reports, 2);
	assert_int_equal(kept->result.uploads, 1);
}

static void
kept_free(struct kept *kept)
{
	blob_dir_close(kept->blobs);
	fixture_done(&kept->facts);
	free(kept);
}

static void
misses_nothing_that_is_there(void **state)
{
	struct kept *kept = kept_new();
	(void)state;
	kept_verify(kept);
	assert_int_equal(kept->told.count, 0);
	/* The same without ids: found by their content alone. */
	kept->reports[0].report = kept->reports[1].report = kept->upload.report = 0;
	kept->reports[0].number = 0;
	kept_verify(kept);
	assert_int_equal(kept->told.count, 0);
	kept_free(kept);
}

static void
misses_a_report_that_is_not_there(void **state)
{
	struct kept *kept = kept_new();
	(void)state;
	kept->reports[0].report += 1000;
	kept_verify(kept);
	assert_int_equal(kept->result.missing_reports, 1);
	assert_string_equal(kept->told.why, "no such report");
	kept->reports[0].report = 0;
	kept->reports[0].sha256[31] ^= 1;
	kept->reports[0].sha256[0] ^= 1;
	kept_verify(kept);
	assert_int_equal(kept->result.missing_reports, 1);
	assert_string_equal(kept->told.why, "no stored body has this digest");
	kept_free(kept);
}

static void
misses_the_second_of_two_that_were_stored_once(void **state)
{
	struct kept *kept = kept_new();
	(void)state;
	kept->reports[0].report = 0;
	kept->reports[1] = kept->reports[0];
	kept_verify(kept);
	assert_int_equal(kept->result.missing_reports, 1);
	kept_free(kept);
}

static void
notices_other_bytes_and_another_bucket(void **state)
{
	struct kept *kept = kept_new();
	(void)state;
	kept->reports[1].sha256[31] ^= 1;
	kept_verify(kept);
	assert_int_equal(kept->result.missing_reports, 1);
	assert_string_equal(kept->told.why, "its body is another one");
	kept->reports[1].sha256[31] ^= 1;
	kept->reports[1].number = 1001;
	kept_verify(kept);
	assert_int_equal(kept->result.missing_reports, 0);
	assert_int_equal(kept->result.wrong_buckets, 1);
	kept_free(kept);
}

static void
notices_a_cabinet_whose_file_was_changed(void **state)
{
	struct kept *kept = kept_new();
	char path[SCRATCH_PATH_BYTES + 128];
	struct buf hex;
	(void)state;
	buf_init(&hex, 128);
	text_hex(slice_of(kept->upload.sha256, 32), &hex);
	(void)snprintf(path, sizeof(path), "%s/blobs/%.2s/%.62s", kept->facts.data,
		       (const char *)hex.data, (const char *)hex.data + 2);
	FILE *file = fopen(path, "w");
	if (file == NULL)
		fail_msg("%s", path);
	assert_true(fputs("MSCF and mode", file) >= 0);
	assert_int_equal(fclose(file), 0);
	kept_verify(kept);
	assert_int_equal(kept->result.missing_uploads, 1);
	assert_string_equal(kept->told.why, "its file has other bytes");
	assert_int_equal(remove(path), 0);
	kept_verify(kept);
	assert_string_equal(kept->told.why, "its file is not there");
	kept->upload.report = kept->reports[0].report;
	kept_verify(kept);
	assert_string_equal(kept->told.why, "its report has none");
	kept->upload.report = 0;
	kept->upload.sha256[0] ^= 1;
	kept_verify(kept);
	assert_string_equal(kept->told.why, "no row names it");
	buf_done(&hex);
	kept_free(kept);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(makes_the_same_chunks_with_any_number_of_threads),
		cmocka_unit_test(stops_in_the_middle),
		cmocka_unit_test(fills_a_folder_and_goes_on_in_it),
		cmocka_unit_test(misses_nothing_that_is_there),
		cmocka_unit_test(misses_a_report_that_is_not_there),
		cmocka_unit_test(misses_the_second_of_two_that_were_stored_once),
		cmocka_unit_test(notices_other_bytes_and_another_bucket),
		cmocka_unit_test(notices_a_cabinet_whose_file_was_changed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
