#include "werload/run.h"

#include <inttypes.h>
#include <stdio.h>

#include "ext/json.h"
#include "werload/command.h"

static double
per_second(uint64_t count, int64_t us)
{
	return us <= 0 ? 0 : (double)count * 1e6 / (double)us;
}

void
run_print_progress(const struct run_stats *stats, uint64_t waiting, uint64_t open)
{
	char acknowledged[COUNT_TEXT_BYTES], p99[COUNT_TEXT_BYTES];
	(void)fprintf(stderr,
		      "\r\033[K%s acknowledged, %.0f/s, %" PRIu64 " cabinets, %" PRIu64
		      " open, %" PRIu64 " put off, %" PRIu64 " answered 503, p99 %s",
		      count_text(stats->acknowledged, acknowledged),
		      per_second(stats->acknowledged, stats->elapsed_us),
		      stats->uploads_acknowledged, open, waiting, stats->statuses[503],
		      latency_text(histogram_percentile(&stats->latency, 99), p99));
	(void)fflush(stderr);
}

static void
print_latency(const char *what, const struct histogram *latency)
{
	char p50[COUNT_TEXT_BYTES], p90[COUNT_TEXT_BYTES], p99[COUNT_TEXT_BYTES],
		max[COUNT_TEXT_BYTES];
	if (latency->total == 0)
		return;
	(void)printf("%-16s p50 %s, p90 %s, p99 %s, max %s\n", what,
		     latency_text(histogram_percentile(latency, 50), p50),
		     latency_text(histogram_percentile(latency, 90), p90),
		     latency_text(histogram_percentile(latency, 99), p99),
		     latency_text(latency->max_us, max));
}

static void
print_row(const char *what, uint64_t count)
{
	char text[COUNT_TEXT_BYTES];
	if (count > 0)
		(void)printf("%-16s %s\n", what, count_text(count, text));
}

static void
print_for_people(const struct run_stats *stats)
{
	char what[32];
	print_row("sent", stats->sent);
	print_row("acknowledged", stats->acknowledged);
	print_row("retried", stats->retried);
	print_row("refused", stats->refused);
	print_row("lost", stats->lost);
	print_row("unsent", stats->unsent);
	print_row("without bucket", stats->without_bucket);
	print_row("cabinets asked", stats->uploads_asked);
	print_row("cabinets stored", stats->uploads_acknowledged);
	print_row("cabinets refused", stats->uploads_refused);
	print_row("cabinets lost", stats->uploads_lost);
	for (unsigned i = 0; i < RUN_STATUSES; i++) {
		(void)snprintf(what, sizeof(what), "status %u", i);
		print_row(what, stats->statuses[i]);
	}
	for (unsigned i = 0; i < ERR_N; i++) {
		if (stats->errors[i] > 0)
			(void)printf("%-16s %" PRIu64 " (%s)\n", "no answer", stats->errors[i],
				     err_text((err_t)i));
	}
	(void)printf("%-16s %.2f s, %.1f s of it after the last report was due\n", "time",
		     (double)stats->elapsed_us / 1e6,
		     (double)(stats->elapsed_us - stats->last_due_us) / 1e6);
	(void)printf("%-16s %.1f reports/s, %.1f MB/s of cabinets\n", "rate",
		     per_second(stats->acknowledged, stats->elapsed_us),
		     per_second(stats->upload_bytes, stats->elapsed_us) / 1e6);
	print_latency("reports", &stats->latency);
	print_latency("cabinets", &stats->upload_latency);
}

static void
put_latency(struct json *object, const char *key, const struct histogram *latency)
{
	struct json *values = json_new_object();
	json_put_count(values, "count", latency->total);
	json_put_number(values, "p50", histogram_percentile(latency, 50));
	json_put_number(values, "p90", histogram_percentile(latency, 90));
	json_put_number(values, "p99", histogram_percentile(latency, 99));
	json_put_number(values, "max", latency->max_us);
	json_put(object, key, values);
}

static void
put_counts(struct json *object, const struct run_stats *stats)
{
	json_put_count(object, "sent", stats->sent);
	json_put_count(object, "made", stats->made);
	json_put_count(object, "acknowledged", stats->acknowledged);
	json_put_count(object, "retried", stats->retried);
	json_put_count(object, "refused", stats->refused);
	json_put_count(object, "lost", stats->lost);
	json_put_count(object, "unsent", stats->unsent);
	json_put_count(object, "without_bucket", stats->without_bucket);
	json_put_count(object, "uploads_asked", stats->uploads_asked);
	json_put_count(object, "uploads_acknowledged", stats->uploads_acknowledged);
	json_put_count(object, "uploads_refused", stats->uploads_refused);
	json_put_count(object, "uploads_lost", stats->uploads_lost);
	json_put_count(object, "body_bytes", stats->body_bytes);
	json_put_count(object, "upload_bytes", stats->upload_bytes);
	json_put_number(object, "elapsed_us", stats->elapsed_us);
	json_put_number(object, "drain_us", stats->elapsed_us - stats->last_due_us);
	json_put_count(object, "reports_per_second",
		       (uint64_t)per_second(stats->acknowledged, stats->elapsed_us));
	json_put_count(object, "upload_bytes_per_second",
		       (uint64_t)per_second(stats->upload_bytes, stats->elapsed_us));
}

static void
print_json(const struct run_options *options, const struct run_stats *stats)
{
	struct json *object = json_new_object();
	struct json *statuses = json_new_object(), *errors = json_new_object();
	struct buf line;
	char key[32];
	json_put_count(object, "machines", options->fleet.machines);
	json_put_id(object, "seed", options->fleet.seed);
	json_put_count(object, "connections", options->connections);
	json_put_flag(object, "tls", options->is_tls);
	json_put_flag(object, "keep_alive", options->is_keep_alive);
	put_counts(object, stats);
	for (unsigned i = 0; i < RUN_STATUSES; i++) {
		(void)snprintf(key, sizeof(key), "%u", i);
		if (stats->statuses[i] > 0)
			json_put_count(statuses, key, stats->statuses[i]);
	}
	for (unsigned i = 0; i < ERR_N; i++) {
		if (stats->errors[i] > 0)
			json_put_count(errors, err_name((err_t)i), stats->errors[i]);
	}
	json_put(object, "statuses", statuses);
	json_put(object, "errors", errors);
	put_latency(object, "latency_us", &stats->latency);
	put_latency(object, "upload_latency_us", &stats->upload_latency);
	buf_init(&line, 1024 * 1024);
	json_format_line(object, true, &line);
	(void)fwrite(line.data, 1, line.len, stdout);
	buf_done(&line);
	json_free(object);
}

void
run_print_summary(const struct run_options *options, const struct run_stats *stats)
{
	if (options->is_json)
		print_json(options, stats);
	else
		print_for_people(stats);
}
