/* werload fill: reports straight into the store, for benchmarks of what many rows cost
 *
 * The rows are those that ingest would write for the same reports; their source is flagged as
 * generated.  A new bucket is rare: its report is made a second time for the label's texts.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/table.h"
#include "base/time.h"
#include "store/derived.h"
#include "store/facts.h"
#include "store/id.h"
#include "werload/command.h"
#include "werload/fill.h"
#include "werload/follower.h"
#include "werload/options.h"

enum {
	GROUP_REPORTS = 10000, /* of a transaction */
	BUCKET_BLOCK = 1024,   /* ids reserved at once */
	/* A million reports took 530 bytes each, counts and search included; WAL and room. */
	DISK_PER_REPORT_BYTES = 1000,
	PROGRESS_BYTES = 30
};

struct fill_options {
	const char *data;
	struct fleet_options fleet;
	uint64_t reports;
	uint32_t days;
	uint32_t threads;
	int64_t until_us;
	bool is_facts_only;
};

#define FIELD(member) offsetof(struct fill_options, member)

static const struct option_row rows[] = {
	{"data", "DIR", option_text, FIELD(data), "the collector's data folder; it must not run"},
	{"reports", "N", option_u64, FIELD(reports), "how many"},
	{"machines", "N", option_u32, FIELD(fleet.machines), "machines of the fleet (100000)"},
	{"seed", "S", option_u64, FIELD(fleet.seed), "the same seed is the same fleet (1)"},
	{"mix", "fleet|seed", option_mix, FIELD(fleet.mix),
	 "all event types, or the proportions of a corporate collector's table (fleet)"},
	{"days", "D", option_u32, FIELD(days), "spread them over the last D days (30)"},
	{"time", "T", option_time, FIELD(until_us), "when the last of them came (now)"},
	{"threads", "N", option_u32, FIELD(threads), "that make reports (one for each processor)"},
	{"facts-only", NULL, NULL, FIELD(is_facts_only),
	 "leave counts and search to `werd analyze`"},
	{0},
};

struct writer {
	struct facts *facts;
	const struct fill_plan *plan;
	struct table buckets; /* by the start of the key */
	struct id_generator ids;
	uint64_t next_bucket, buckets_left;
	uint64_t written;
	struct arena arena;
	int64_t started_us;
	bool has_terminal;
};

static void
show(const char *what, uint64_t done, uint64_t total, int64_t started_us, bool is_last)
{
	char text[COUNT_TEXT_BYTES], bar[PROGRESS_BYTES + 1] = {0};
	double share = total == 0 ? 1 : (double)done / (double)total;
	double seconds = (double)(time_monotonic_us() - started_us) / 1e6;
	memset(bar, '.', PROGRESS_BYTES);
	memset(bar, '#', (size_t)(share * PROGRESS_BYTES));
	(void)fprintf(stderr, "\r\033[K%-8s [%s] %3.0f %%  %s, %.0f/s%s", what, bar, share * 100,
		      count_text(done, text), seconds > 0 ? (double)done / seconds : 0,
		      is_last ? "\n" : "");
	(void)fflush(stderr);
}

/* Keys are digests: eight bytes of one tell any two buckets of a fleet apart. */
static uint64_t
short_key(const uint8_t key[LABEL_KEY_BYTES])
{
	uint64_t value;
	memcpy(&value, key, sizeof(value));
	return value == 0 ? 1 : value;
}

static err_t
remember_bucket(void *context, const struct facts_bucket *bucket)
{
	struct writer *writer = context;
	table_put(&writer->buckets, short_key(bucket->key), bucket->id);
	return OK;
}

static err_t
put_bucket(struct writer *writer, uint64_t sequence, const struct fill_report *generated,
	   uint64_t *ret_bucket)
{
	struct fleet_request request;
	struct report report;
	if (writer->buckets_left == 0) {
		err_t err =
			facts_reserve_bucket_ids(writer->facts, BUCKET_BLOCK, &writer->next_bucket);
		if (err != OK)
			return err;
		writer->buckets_left = BUCKET_BLOCK;
	}
	struct facts_bucket bucket = {.id = writer->next_bucket,
				      .first_seen_us = generated->time_us};
	memcpy(bucket.key, generated->key, sizeof(bucket.key));
	fill_request(writer->plan, sequence, &request);
	arena_reset(&writer->arena);
	err_t err = fleet_report(writer->plan->fleet, &request, &writer->arena, &report, NULL);
	if (err != OK)
		return err;
	label_of(&report, &writer->arena, &bucket.label);
	err = facts_put_bucket(writer->facts, &bucket);
	if (err != OK)
		return err;
	writer->next_bucket++;
	writer->buckets_left--;
	table_put(&writer->buckets, short_key(bucket.key), bucket.id);
	*ret_bucket = bucket.id;
	return OK;
}

static err_t
put_report(struct writer *writer, const struct fill_chunk *chunk, size_t index)
{
	const struct fill_report *generated = &chunk->reports[index];
	uint64_t bucket;
	if (!table_find(&writer->buckets, short_key(generated->key), &bucket)) {
		err_t err = put_bucket(writer, chunk->first + index, generated, &bucket);
		if (err != OK)
			return err;
	}
	struct facts_new_report report = {
		.id = id_next(&writer->ids, generated->time_us),
		.bucket = bucket,
		.source = {.flags = SOURCE_GENERATED},
		.packed_body = slice_of(chunk->packed.data + generated->packed_at,
					generated->packed_bytes),
	};
	fleet_peer(generated->machine, report.source.peer.ip);
	return facts_put_report(writer->facts, &report);
}

/* One transaction: whole chunks, until it is large enough or there are no more. */
static err_t
write_group(struct writer *writer, struct fill *fill, bool *ret_is_end, struct err_detail *detail)
{
	uint64_t in_group = 0;
	*ret_is_end = false;
	err_t err = facts_begin(writer->facts);
	while (err == OK && in_group < GROUP_REPORTS) {
		const struct fill_chunk *chunk = fill_next(fill);
		if (chunk == NULL) {
			*ret_is_end = true;
			break;
		}
		err = chunk->err;
		for (size_t i = 0; i < chunk->count && err == OK; i++)
			err = put_report(writer, chunk, i);
		in_group += chunk->count;
	}
	if (err != OK) {
		facts_abort(writer->facts);
		return err_set(detail, err, "after %" PRIu64 " reports: %s", writer->written,
			       err_text(err));
	}
	err = facts_commit(writer->facts, detail);
	if (err == OK)
		writer->written += in_group;
	return err;
}

static err_t
write_facts(struct writer *writer, struct err_detail *detail)
{
	struct fill *fill = NULL;
	bool is_end = false;
	err_t err = fill_start(writer->plan, &fill);
	writer->started_us = time_monotonic_us();
	while (err == OK && !is_end) {
		err = write_group(writer, fill, &is_end, detail);
		if (writer->has_terminal || is_end)
			show("reports", writer->written, writer->plan->reports, writer->started_us,
			     is_end);
	}
	fill_stop(fill);
	return err;
}

static void
show_derived(void *context, uint64_t done, uint64_t total)
{
	const struct writer *writer = context;
	if (writer->has_terminal)
		show("derived", done, total, writer->started_us, false);
}

/* Facts, and beside them what is derived from them. */
static err_t
write_both(struct writer *writer, const char *data, struct err_detail *detail)
{
	struct follower *follower = NULL;
	err_t err = follower_start(data, &follower, detail);
	if (err == OK)
		err = write_facts(writer, detail);
	if (err != OK) {
		follower_cancel(follower);
		return err;
	}
	uint64_t total = writer->written;
	err = follower_finish(follower, show_derived, writer, total, detail);
	if (err == OK)
		show("derived", total, total, writer->started_us, true);
	return err;
}

/* Ids go up with time: what is there already pushes the start forward. */
static err_t
plan_times(struct writer *writer, const struct fill_options *options, struct fill_plan *plan,
	   struct err_detail *detail)
{
	uint64_t highest;
	err_t err = facts_highest_id(writer->facts, &highest);
	if (err != OK)
		return err;
	plan->until_us = options->until_us != 0 ? options->until_us : time_now_us();
	plan->from_us = plan->until_us - (int64_t)options->days * TIME_DAY_US;
	if (highest != 0 && id_time_us(highest) >= plan->from_us)
		plan->from_us = id_time_us(highest) + 1000;
	if (plan->from_us >= plan->until_us)
		return err_set(detail, ERR_USAGE,
			       "%s has reports from after --time: choose a later one",
			       options->data);
	id_generator_init(&writer->ids, 0, highest);
	return OK;
}

static err_t
check(const struct fill_options *options, struct err_detail *detail)
{
	uint64_t free_bytes;
	if (options->data == NULL || options->reports == 0)
		return err_set(detail, ERR_USAGE, "--data DIR and --reports N are needed");
	if (options->threads > FILL_THREADS_MAX || options->days > 36500)
		return err_set(detail, ERR_USAGE, "--threads: at most %d; --days: at most 36500",
			       FILL_THREADS_MAX);
	err_t err = fs_make_folders(options->data, 0750, detail);
	if (err == OK)
		err = fs_free_bytes(options->data, &free_bytes);
	if (err == OK && free_bytes / DISK_PER_REPORT_BYTES < options->reports)
		err = err_set(detail, ERR_FULL, "%s: some %d bytes a report will not fit",
			      options->data, DISK_PER_REPORT_BYTES);
	return err;
}

static err_t
fill_store(const struct fill_options *options, struct writer *writer, struct err_detail *detail)
{
	struct fill_plan plan = {.reports = options->reports, .threads = options->threads};
	struct fleet *fleet = NULL;
	err_t err = check(options, detail);
	if (err == OK)
		err = fleet_new(&options->fleet, &fleet);
	if (err == OK)
		err = facts_open(options->data, FACTS_WRITE, &writer->facts, detail);
	if (err == OK)
		err = facts_each_bucket(writer->facts, 0, remember_bucket, writer);
	if (err == OK)
		err = plan_times(writer, options, &plan, detail);
	plan.fleet = fleet;
	writer->plan = &plan;
	if (err == OK)
		err = options->is_facts_only ? write_facts(writer, detail)
					     : write_both(writer, options->data, detail);
	facts_close(writer->facts);
	fleet_free(fleet);
	return err;
}

int
command_fill(int argc, char **argv)
{
	long processors = sysconf(_SC_NPROCESSORS_ONLN);
	struct fill_options options = {
		.fleet = {.seed = 1, .machines = 100000, .no_bom_percent = 10},
		.days = 30,
		.threads = processors < 1                  ? 1
			   : processors > FILL_THREADS_MAX ? FILL_THREADS_MAX
							   : (uint32_t)processors,
	};
	struct err_detail detail = {0};
	struct writer writer = {.has_terminal = isatty(STDERR_FILENO) != 0};
	options_parse(rows, "werload fill",
		      "Writes generated reports into a data folder, as a collector would have.",
		      argc, argv, &options);
	arena_init(&writer.arena, FLEET_REPORT_ARENA_BYTES);
	int64_t started_us = time_monotonic_us();
	err_t err = fill_store(&options, &writer, &detail);
	int64_t elapsed_us = time_monotonic_us() - started_us;
	char text[COUNT_TEXT_BYTES];
	if (err == OK)
		(void)printf("%s reports in %.1f s, %.2f us each, %zu buckets\n",
			     count_text(writer.written, text), (double)elapsed_us / 1e6,
			     (double)elapsed_us / (double)writer.written, writer.buckets.count);
	table_done(&writer.buckets);
	arena_done(&writer.arena);
	return err == OK ? 0 : command_failed(err, &detail);
}
