/* store_bench.c - what a stored report costs: time, processor and bytes
 *
 *	store_bench FOLDER REPORTS FILE...
 *
 * Puts REPORTS bodies into a new store below FOLDER for each group size, and
 * prints a line each: reports a second, CPU microseconds a report in put and commit, the
 * slowest 1 % of commits, and bytes of database a report.  FILEs are level-1 bodies, as
 * `tools/make-dictionary --samples-only DIR` makes them; they are sent as UTF-16LE with a byte
 * order mark.  Then it packs and unpacks them, and writes blobs.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/limits.h"
#include "base/text.h"
#include "base/time.h"
#include "store/blob_dir.h"
#include "store/facts.h"
#include "store/id.h"
#include "store/pack.h"

enum {
	BODIES_MAX = 4096,
	COMMITS_MAX = 1 << 20
};

static struct slice bodies[BODIES_MAX];
static struct slice packed[BODIES_MAX];
static size_t n_bodies;
static int64_t commit_us[COMMITS_MAX];

static void
need(err_t err, const struct err_detail *detail)
{
	if (err == OK)
		return;
	fprintf(stderr, "store_bench: %s: %s\n", err_text(err), detail == NULL ? "" : detail->why);
	exit(err_exit_status(err));
}

static int64_t
cpu_us(void)
{
	struct timespec now;
	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (int64_t)now.tv_sec * TIME_SECOND_US + now.tv_nsec / 1000;
}

/* ---- bodies ---- */

static void
add_body(const char *path)
{
	struct err_detail detail = {0};
	struct buf utf8;
	struct buf utf16;
	if (n_bodies == BODIES_MAX)
		return;
	need(fs_read_file(path, LIMIT_REPORT_BYTES, &utf8, &detail), &detail);
	buf_init(&utf16, LIMIT_REPORT_BYTES);
	text_to_utf16(SLICE_LITERAL("\xef\xbb\xbf"), TEXT_UTF16LE, &utf16);
	text_to_utf16(buf_slice(&utf8), TEXT_UTF16LE, &utf16);
	bodies[n_bodies++] = buf_slice(&utf16);
	buf_done(&utf8);
}

static void
report_packing(void)
{
	struct pack *pack = pack_new();
	struct unpack *unpack = unpack_new();
	struct buf out;
	size_t bytes = 0;
	size_t packed_bytes = 0;
	int64_t start_us = cpu_us();
	for (size_t i = 0; i < n_bodies; i++) {
		buf_init(&out, LIMIT_REPORT_BYTES * 2);
		pack_body(pack, bodies[i], &out);
		packed[i] = buf_slice(&out);
		bytes += bodies[i].len;
		packed_bytes += packed[i].len;
	}
	int64_t packed_us = cpu_us();
	buf_init(&out, LIMIT_REPORT_BYTES);
	for (size_t i = 0; i < n_bodies; i++) {
		buf_reset(&out);
		need(unpack_body(unpack, packed[i], &out), NULL);
		if (!slice_equal(buf_slice(&out), bodies[i]))
			need(ERR_CORRUPT, NULL);
	}
	double n = (double)n_bodies;
	printf("pack: %zu bodies, %.0f bytes each -> %.0f; pack %.1f us, unpack %.1f us\n",
	       n_bodies, (double)bytes / n, (double)packed_bytes / n,
	       (double)(packed_us - start_us) / n, (double)(cpu_us() - packed_us) / n);
	buf_done(&out);
	pack_free(pack);
	unpack_free(unpack);
}

/* ---- reports ---- */

static int
compare_times(const void *a, const void *b)
{
	const int64_t *x = a;
	const int64_t *y = b;
	return (*x > *y) - (*x < *y);
}

static uint64_t
file_bytes(const char *folder, const char *name)
{
	char path[512];
	struct stat st;
	(void)snprintf(path, sizeof(path), "%s/facts/%s", folder, name);
	return stat(path, &st) == 0 ? (uint64_t)st.st_size : 0;
}

static void
put_group(struct facts *facts, struct id_generator *ids, size_t from, size_t count)
{
	struct err_detail detail = {0};
	need(facts_begin(facts), NULL);
	for (size_t i = from; i < from + count; i++) {
		struct facts_new_report report = {
			.id = id_next(ids, time_now_us()),
			.bucket = 1000 + i * i % 5000,
			.packed_body = packed[i % n_bodies],
			.source.peer = {.ip = {[10] = 0xff, 0xff, 10, 1, 2, (uint8_t)i},
					.port = (uint16_t)i},
		};
		need(facts_put_report(facts, &report), NULL);
	}
	need(facts_commit(facts, &detail), &detail);
}

static void
report_group(const char *folder, size_t group, size_t reports)
{
	struct err_detail detail = {0};
	struct facts *facts;
	struct id_generator ids;
	char data[400];
	size_t commits = 0;
	(void)snprintf(data, sizeof(data), "%s/group-%zu", folder, group);
	need(facts_open(data, FACTS_WRITE, &facts, &detail), &detail);
	id_generator_init(&ids, 0, 0);
	int64_t start_us = time_monotonic_us();
	int64_t start_cpu_us = cpu_us();
	for (size_t done = 0; done + group <= reports && commits < COMMITS_MAX; done += group) {
		int64_t before_us = time_monotonic_us();
		put_group(facts, &ids, done, group);
		commit_us[commits++] = time_monotonic_us() - before_us;
	}
	double took_us = (double)(time_monotonic_us() - start_us);
	double took_cpu_us = (double)(cpu_us() - start_cpu_us);
	facts_close(facts);
	qsort(commit_us, commits, sizeof(commit_us[0]), compare_times);
	double n = (double)(commits * group);
	printf("group %4zu: %7.0f reports/s, %5.2f us CPU each, group p50 %.2f ms p99 %.2f ms "
	       "max %.2f ms, %.0f bytes each\n",
	       group, n / took_us * 1e6, took_cpu_us / n, (double)commit_us[commits / 2] / 1e3,
	       (double)commit_us[commits * 99 / 100] / 1e3, (double)commit_us[commits - 1] / 1e3,
	       (double)file_bytes(data, "facts.db") / n);
}

static err_t
count_report(void *context, const struct facts_report *report)
{
	uint64_t *bytes = context;
	*bytes += report->body.len;
	return OK;
}

static void
report_reading(const char *folder, size_t group)
{
	struct err_detail detail = {0};
	struct facts *facts;
	char data[400];
	uint64_t bytes = 0;
	size_t count;
	(void)snprintf(data, sizeof(data), "%s/group-%zu", folder, group);
	need(facts_open(data, FACTS_READ, &facts, &detail), &detail);
	int64_t start_us = cpu_us();
	need(facts_each_report_after(facts, 0, SIZE_MAX, count_report, &bytes, &count), NULL);
	printf("read: %zu reports, %.2f us CPU each\n", count,
	       (double)(cpu_us() - start_us) / (double)count);
	facts_close(facts);
}

/* ---- blobs ---- */

static void
report_blobs(const char *folder, size_t bytes, unsigned count)
{
	struct err_detail detail = {0};
	struct blob_dir *dir;
	uint8_t *data = malloc(bytes);
	uint8_t sha256[32];
	if (data == NULL)
		abort();
	need(blob_dir_open(folder, &dir, &detail), &detail);
	memset(data, 0x5a, bytes);
	int64_t start_us = time_monotonic_us();
	int64_t start_cpu_us = cpu_us();
	int64_t finish_us = 0;
	for (unsigned i = 0; i < count; i++) {
		struct blob_writer *writer;
		int64_t now_us = time_now_us();
		memcpy(data, &now_us, sizeof(now_us));
		need(blob_create(dir, &writer), NULL);
		for (size_t at = 0; at < bytes; at += 65536)
			need(blob_write(writer, slice_sub(slice_of(data, bytes), at, 65536)), NULL);
		int64_t before_us = time_monotonic_us();
		need(blob_finish(writer, sha256, &detail), &detail);
		finish_us += time_monotonic_us() - before_us;
	}
	double took_us = (double)(time_monotonic_us() - start_us);
	printf("blobs of %zu bytes: %.0f/s, %.0f MB/s, finish %.2f ms, %.0f us CPU each\n", bytes,
	       count / took_us * 1e6, (double)bytes * count / took_us,
	       (double)finish_us / count / 1e3, (double)(cpu_us() - start_cpu_us) / count);
	blob_dir_close(dir);
	free(data);
}

int
main(int argc, char **argv)
{
	static const size_t groups[] = {1, 16, 64, 256};
	if (argc < 4) {
		fprintf(stderr, "usage: store_bench FOLDER REPORTS FILE...\n");
		return 64;
	}
	size_t reports = strtoul(argv[2], NULL, 10);
	for (int i = 3; i < argc; i++)
		add_body(argv[i]);
	report_packing();
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
		report_group(argv[1], groups[i], groups[i] == 1 ? reports / 20 : reports);
	report_reading(argv[1], groups[3]);
	report_blobs(argv[1], 100 * 1000, 300);
	report_blobs(argv[1], 20 * 1000 * 1000, 10);
	return 0;
}
