/* derived_bench.c - how fast derived fills, follows and answers, at N reports
 *
 *	derived_bench DIR N	fills DIR with N reports unless it has some, then measures
 *
 * Not part of the build: compile it with -Isrc against the libraries of a release build.  The
 * numbers in docs/store.md come from it.
 *
 * A fleet of 100,000 machines over a year: buckets follow a power law (the top 20 hold a third of
 * all reports), each has a program, a version, a module, a code and an offset of its own; programs
 * lie in one of a few folders or in the user's own.
 */
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "base/table.h"
#include "base/text.h"
#include "base/time.h"
#include "bucket/label.h"
#include "cer/level1.h"
#include "store/derived.h"
#include "store/id.h"
#include "store/pack.h"

enum {
	MACHINES = 100000,
	PROGRAMS = 3000,
	MODULES = 4000,
	CODES = 300,
	BUCKETS = 2000000, /* that could come */
	GROUP = 2000,      /* reports of one commit */
	TEXT = 160
};
static const int64_t BEGIN_US = INT64_C(1760000000) * TIME_SECOND_US;
static const int64_t STEP_US = 3 * TIME_SECOND_US;

static uint64_t seed = UINT64_C(88172645463325252);

static void
check(err_t err, const char *what, const struct err_detail *detail)
{
	if (err == OK)
		return;
	(void)fprintf(stderr, "%s: %s (%s)\n", what, err_text(err), detail->why);
	exit(EXIT_FAILURE);
}

static uint64_t
draw(uint64_t below)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (seed >> 11) % below;
}

/* The same for the same number, always. */
static uint64_t
mix(uint64_t number, uint64_t salt, uint64_t below)
{
	number = (number + salt * 7919) * UINT64_C(0x9e3779b97f4a7c15);
	return (number >> 33) % below;
}

/* Density k^-1.1: k-th bucket, k from 1. */
static uint64_t
draw_bucket(void)
{
	double u = (double)draw(UINT64_C(1) << 50) / (double)(UINT64_C(1) << 50);
	double low = pow(BUCKETS, -0.1);
	return (uint64_t)pow(1 - u * (1 - low), -10);
}

/* ---- one report ---- */

struct made {
	struct report report;
	struct report_pair secondary[4];
	char texts[24][TEXT];
	size_t n_texts;
};

__attribute__((format(printf, 2, 3))) static struct slice
say(struct made *made, const char *format, ...)
{
	char *text = made->texts[made->n_texts++];
	va_list arguments;
	va_start(arguments, format);
	(void)vsnprintf(text, TEXT, format, arguments);
	va_end(arguments);
	return slice_str(text);
}

static void
put_param(struct made *made, const char *name, struct slice value)
{
	made->report.params[made->report.n_params++] =
		(struct report_param){slice_str(name), value};
}

static void
make_crash(struct made *made, uint64_t bucket, const char *type, uint64_t program)
{
	made->report.event_type = slice_str(type);
	put_param(made, "Application Name", say(made, "program%" PRIu64 ".exe", program));
	put_param(made, "Application Version",
		  say(made, "%" PRIu64 ".0.%" PRIu64 ".0", 1 + mix(bucket, 2, 9),
		      mix(bucket, 3, 200)));
	put_param(made, "Application Timestamp",
		  say(made, "5%07" PRIx64, mix(bucket, 4, 0xfffffff)));
	uint64_t module = mix(bucket, 5, 10) < 3 ? 0 : 1 + mix(bucket, 6, MODULES);
	put_param(made, "Fault Module Name",
		  module == 0 ? SLICE_LITERAL("ntdll.dll")
			      : say(made, "module%" PRIu64 ".dll", module));
	put_param(made, "Fault Module Version",
		  say(made, "10.0.%" PRIu64 ".1", 10000 + mix(module, 7, 9000)));
	put_param(made, "Fault Module Timestamp",
		  say(made, "4%07" PRIx64, mix(module, 8, 0xfffffff)));
	put_param(made, "Exception Code",
		  mix(bucket, 9, 10) < 6
			  ? SLICE_LITERAL("c0000005")
			  : say(made, "c00%05" PRIx64, 0x100 + mix(bucket, 10, CODES)));
	put_param(made, "Exception Offset", say(made, "%08" PRIx64, mix(bucket, 11, 0x7fffff)));
}

static void
make_bluescreen(struct made *made, uint64_t bucket)
{
	made->report.event_type = SLICE_LITERAL("BlueScreen");
	made->report.report_type = REPORT_KERNEL;
	put_param(made, "Code", say(made, "%" PRIx64, 0xa + mix(bucket, 12, 200)));
	for (int i = 1; i < 5; i++)
		put_param(made, "Parameter", say(made, "ffff%012" PRIx64, draw(UINT64_C(1) << 40)));
}

static void
make_update(struct made *made, uint64_t bucket)
{
	made->report.event_type = SLICE_LITERAL("WindowsUpdateFailure3");
	made->report.report_type = REPORT_NON_CRITICAL;
	put_param(made, "ClientVersion", SLICE_LITERAL("10.0.19041.2193"));
	put_param(made, "Win32HResult", say(made, "8024%04" PRIx64, mix(bucket, 13, 0x4fff)));
	put_param(made, "UpdateId", say(made, "%08" PRIX64 "-1B2C-4D5E", mix(bucket, 14, 50000)));
	put_param(made, "Scenario", SLICE_LITERAL("Install"));
}

static void
make_report(struct made *made, uint64_t bucket, int64_t now_us)
{
	static const char *const systems[] = {"10.0.19045.2.0.0.256.4", "10.0.22631.2.0.0.256.48",
					      "6.1.7601.2.1.0.256.48", "10.0.26100.2.0.0.256.4"};
	uint64_t machine = draw(MACHINES);
	uint64_t user = draw(10) == 0 ? draw(MACHINES) : machine;
	uint64_t kind = mix(bucket, 1, 100);
	uint64_t program = mix(bucket, 15, PROGRAMS);
	memset(&made->report, 0, sizeof(made->report));
	made->n_texts = 0;
	struct report *r = &made->report;
	r->machine = say(made, "PC-%05" PRIu64, machine);
	r->user = say(made, "CONTOSO\\user%" PRIu64, user);
	r->os = slice_str(systems[mix(machine, 16, 4)]);
	r->oem = say(made, "Vendor %" PRIu64, mix(machine, 17, 40));
	r->has_lcid = r->has_report_type = r->has_event_time = true;
	r->lcid = mix(machine, 18, 3) == 0 ? 1031 : 1033;
	r->report_type = kind < 75 ? REPORT_CRASH : REPORT_HANG;
	r->event_filetime = time_to_filetime(now_us - (int64_t)draw(3600) * TIME_SECOND_US);
	r->friendly_event_name =
		kind < 75 ? SLICE_LITERAL("Stopped working") : SLICE_LITERAL("Hang");
	r->app_name = say(made, "Program number %" PRIu64, program);
	r->app_company = say(made, "Company %" PRIu64, program % 400);
	r->app_path =
		program % 10 != 0
			? say(made, "C:\\Program Files\\Suite%" PRIu64 "\\program%" PRIu64 ".exe",
			      program % 50, program)
			: say(made,
			      "C:\\Users\\user%" PRIu64 "\\AppData\\Local\\program%" PRIu64 ".exe",
			      user, program);
	if (kind < 75)
		make_crash(made, bucket, "APPCRASH", program);
	else if (kind < 88)
		make_crash(made, bucket, "BEX64", program);
	else if (kind < 97)
		make_update(made, bucket);
	else
		make_bluescreen(made, bucket);
	made->secondary[0] = (struct report_pair){SLICE_LITERAL("OS Version"), r->os};
	made->secondary[1] =
		(struct report_pair){SLICE_LITERAL("Locale ID"), SLICE_LITERAL("1033")};
	made->secondary[2] = (struct report_pair){SLICE_LITERAL("Additional Information 1"),
						  say(made, "%04" PRIx64, mix(bucket, 19, 65536))};
	r->secondary = made->secondary;
	r->n_secondary = 3;
}

/* ---- filling the facts ---- */

struct fill {
	struct facts *facts;
	struct pack *pack;
	struct buf body, packed, key_text;
	struct arena arena;
	struct id_generator ids;
	struct table buckets; /* that are there */
	uint64_t n_buckets;
	int64_t now_us;
	uint64_t uploads[GROUP], upload_buckets[GROUP];
	size_t n_uploads;
};

static void
put_bucket(struct fill *f, const struct report *report, uint64_t id)
{
	struct err_detail none = {0};
	struct facts_bucket bucket = {.id = id, .first_seen_us = f->now_us};
	arena_reset(&f->arena);
	buf_reset(&f->key_text);
	label_of(report, &f->arena, &bucket.label);
	/* The generator's kernel and update buckets may be one: the key has to be unique. */
	label_key_text(&bucket.label, &f->key_text);
	buf_printf(&f->key_text, "%" PRIu64, id);
	label_key(buf_slice(&f->key_text), bucket.key);
	f->n_buckets++;
	check(facts_put_bucket(f->facts, &bucket), "bucket", &none);
}

static void
put_report(struct fill *f)
{
	static struct made made;
	struct err_detail none = {0};
	uint64_t number = draw_bucket();
	uint64_t known;
	f->now_us += STEP_US;
	make_report(&made, number, f->now_us);
	uint64_t bucket = 1000 + number;
	if (!table_find(&f->buckets, number, &known)) {
		struct facts_bucket row;
		table_put(&f->buckets, number, 1);
		arena_reset(&f->arena);
		if (facts_find_bucket(f->facts, bucket, &f->arena, &row) != OK)
			put_bucket(f, &made.report, bucket);
	}
	buf_reset(&f->body);
	buf_reset(&f->packed);
	level1_format(&made.report, TEXT_UTF16LE, &f->body);
	pack_body(f->pack, buf_slice(&f->body), &f->packed);
	struct facts_new_report row = {
		.id = id_next(&f->ids, f->now_us),
		.bucket = bucket,
		.source = {.flags = SOURCE_GENERATED},
		.packed_body = buf_slice(&f->packed),
		.is_cab_asked = draw(50) == 0,
		.cab_max_bytes = 1 << 20,
		.cab_expires_us = f->now_us + TIME_DAY_US,
	};
	if (row.is_cab_asked) {
		f->uploads[f->n_uploads] = row.id;
		f->upload_buckets[f->n_uploads++] = bucket;
	}
	check(facts_put_report(f->facts, &row), "report", &none);
}

static void
put_uploads(struct fill *f)
{
	struct err_detail none = {0};
	for (size_t i = 0; i < f->n_uploads; i++) {
		struct facts_upload upload = {.report = f->uploads[i],
					      .bucket = f->upload_buckets[i],
					      .bytes = 100000 + draw(100000),
					      .received_us = f->now_us,
					      .is_cabinet = true};
		memcpy(upload.sha256, &f->uploads[i], sizeof(f->uploads[i]));
		check(facts_put_upload(f->facts, &upload), "upload", &none);
	}
	f->n_uploads = 0;
}

static void
put_group(struct fill *f, uint64_t count)
{
	struct err_detail detail = {0};
	check(facts_begin(f->facts), "begin", &detail);
	for (uint64_t i = 0; i < count; i++)
		put_report(f);
	put_uploads(f);
	check(facts_commit(f->facts, &detail), "commit", &detail);
}

static void
fill_init(struct fill *f, const char *data)
{
	struct err_detail detail = {0};
	check(facts_open(data, FACTS_WRITE, &f->facts, &detail), data, &detail);
	f->pack = pack_new();
	buf_init(&f->body, SIZE_MAX);
	buf_init(&f->packed, SIZE_MAX);
	buf_init(&f->key_text, SIZE_MAX);
	arena_init(&f->arena, 1 << 20);
	f->now_us = BEGIN_US;
}

static double
since(int64_t from_us)
{
	return (double)(time_monotonic_us() - from_us);
}

static double
cpu_us(void)
{
	struct rusage usage;
	(void)getrusage(RUSAGE_SELF, &usage);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e6 +
	       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

static void
fill(struct fill *f, uint64_t count)
{
	int64_t from_us = time_monotonic_us();
	for (uint64_t done = 0; done < count; done += GROUP)
		put_group(f, count - done < GROUP ? count - done : GROUP);
	printf("facts: %" PRIu64 " reports, %" PRIu64 " buckets, %.1f us each\n", count,
	       f->n_buckets, since(from_us) / (double)count);
}

/* ---- derived ---- */

static void
on_progress(void *context, uint64_t done, uint64_t total)
{
	(void)context;
	if (done % (16 * 65536) == 0)
		printf("  %" PRIu64 " of %" PRIu64 "\n", done, total);
	(void)fflush(stdout);
}

static void
print_size(const char *data, const char *name)
{
	char path[4096];
	struct stat status;
	(void)snprintf(path, sizeof(path), "%s/%s", data, name);
	if (stat(path, &status) == 0)
		printf("%s: %.0f MB\n", name, (double)status.st_size / 1e6);
}

static void
rebuild(const char *data)
{
	struct err_detail detail = {0};
	struct derived *derived;
	struct derived_totals totals;
	int64_t from_us = time_monotonic_us();
	double from_cpu_us = cpu_us();
	check(derived_rebuild(data, on_progress, NULL, NULL, &detail), "rebuild", &detail);
	double us = since(from_us);
	double cpu = cpu_us() - from_cpu_us;
	check(derived_open(data, DERIVED_READ, &derived, &detail), "open", &detail);
	check(derived_totals(derived, &totals), "totals", &detail);
	derived_close(derived);
	printf("rebuild: %" PRIu64 " reports, %" PRIu64 " buckets, %" PRIu64 " machines in %.0f s:"
	       " %.1f us each (%.1f us of processor)\n",
	       totals.reports, totals.buckets, totals.machines, us / 1e6,
	       us / (double)totals.reports, cpu / (double)totals.reports);
	print_size(data, "derived/derived.db");
	print_size(data, "facts/facts.db");
}

static void
follow(const char *data, struct fill *f, uint64_t batch, unsigned count)
{
	struct err_detail detail = {0};
	struct derived *derived;
	size_t taken;
	double us = 0;
	double cpu = 0;
	check(derived_open(data, DERIVED_WRITE, &derived, &detail), "open", &detail);
	for (unsigned i = 0; i < count; i++) {
		put_group(f, batch);
		double from_cpu_us = cpu_us();
		int64_t from_us = time_monotonic_us();
		check(derived_follow(derived, f->facts, SIZE_MAX, f->now_us, &taken, &detail),
		      "follow", &detail);
		us += since(from_us);
		cpu += cpu_us() - from_cpu_us;
	}
	derived_close(derived);
	printf("follow, %" PRIu64 " at a time: %.1f us each (%.1f us of processor)\n", batch,
	       us / (double)(batch * count), cpu / (double)(batch * count));
}

/* ---- questions ---- */

static err_t
count_id(void *context, uint64_t report)
{
	(void)report;
	++*(uint64_t *)context;
	return OK;
}

static err_t
count_bucket(void *context, const struct derived_bucket *bucket)
{
	(void)bucket;
	++*(uint64_t *)context;
	return OK;
}

static void
ask_reports(struct derived *derived, const char *name, const struct report_filter *filter)
{
	struct err_detail none = {0};
	uint64_t rows = 0;
	uint64_t count = 0;
	int64_t from_us = time_monotonic_us();
	check(derived_each_report(derived, filter, (struct page){.limit = 50}, count_id, &rows),
	      name, &none);
	double list_us = since(from_us);
	from_us = time_monotonic_us();
	check(derived_count_reports(derived, filter, 10001, &count), name, &none);
	printf("  reports %-44s %8.1f ms (%" PRIu64 " rows), counted %8.1f ms (%" PRIu64 ")\n",
	       name, list_us / 1000, rows, since(from_us) / 1000, count);
}

static void
ask_buckets(struct derived *derived, const char *name, const struct report_filter *filter,
	    enum bucket_sort sort, uint64_t after)
{
	struct err_detail none = {0};
	uint64_t rows = 0;
	uint64_t next;
	int64_t from_us = time_monotonic_us();
	check(derived_each_bucket(derived, filter, sort, (struct page){.limit = 50, .after = after},
				  count_bucket, &rows, &next),
	      name, &none);
	printf("  buckets %-44s %8.1f ms (%" PRIu64 " rows)\n", name, since(from_us) / 1000, rows);
}

#define T(text) SLICE_LITERAL(text)
static void
ask(const char *data, int64_t now_us)
{
	struct err_detail detail = {0};
	struct derived *derived;
	const struct {
		const char *name;
		struct report_filter filter;
	} questions[] = {
		{"all", {0}},
		{"since a day", {.since_us = now_us - TIME_DAY_US}},
		{"until half a year ago", {.until_us = now_us - 180 * TIME_DAY_US}},
		{"event APPCRASH", {.event = T("APPCRASH")}},
		{"event BlueScreen", {.event = T("bluescreen")}},
		{"event unknown", {.event = T("NoSuchType")}},
		{"app program7.exe", {.app = T("program7.exe")}},
		{"app in folders of users", {.app = T("program10.exe")}},
		{"app by path", {.app = T("C:\\Program Files\\Suite7\\program7.exe")}},
		{"app program1*", {.app = T("program1*")}},
		{"module ntdll.dll", {.module = T("ntdll.dll")}},
		{"module module77.dll", {.module = T("module77.dll")}},
		{"module *77.dll", {.module = T("*77.dll")}},
		{"code c0000005", {.code = T("0xC0000005")}},
		{"code c0000123", {.code = T("c0000123")}},
		{"machine PC-00077", {.machine = T("pc-00077")}},
		{"machine PC-0*", {.machine = T("PC-0*")}},
		{"machine PC-0007?", {.machine = T("PC-0007?")}},
		{"user user77", {.user = T("contoso\\user77")}},
		{"user *77", {.user = T("*77")}},
		{"bucket the first", {.bucket = 1001}},
		{"bucket rare", {.bucket = 100001}},
		{"event and machine", {.event = T("APPCRASH"), .machine = T("PC-00077")}},
		{"app and module, rare", {.app = T("program7.exe"), .module = T("module77.dll")}},
		{"app and module", {.app = T("program7.exe"), .module = T("ntdll.dll")}},
		{"app, module and machine",
		 {.app = T("program7.exe"), .module = T("ntdll.dll"), .machine = T("PC-0*")}},
		{"machine and user that never met",
		 {.machine = T("PC-0007?"), .user = T("contoso\\user9?")}},
		{"app and machine, patterns", {.app = T("program1*"), .machine = T("PC-000*")}},
		{"text program77", {.text = T("program77")}},
		{"text exe", {.text = T("exe")}},
		{"text module7 (common)", {.text = T("module7")}},
		{"text Vendor 7", {.text = T("Vendor 7")}},
		{"text of a rare parameter", {.text = T("00123456")}},
		{"text nowhere", {.text = T("nowhere at all")}},
		{"text and machine", {.text = T("ntdll"), .machine = T("PC-00077")}},
		{"text and event", {.text = T("suite7"), .event = T("BlueScreen")}},
	};
	check(derived_open(data, DERIVED_READ, &derived, &detail), "open", &detail);
	for (size_t i = 0; i < sizeof(questions) / sizeof(questions[0]); i++)
		ask_reports(derived, questions[i].name, &questions[i].filter);
	struct report_filter none = {0};
	ask_buckets(derived, "by hits", &none, BUCKET_BY_HITS, 0);
	ask_buckets(derived, "by hits, far behind", &none, BUCKET_BY_HITS, 100000);
	ask_buckets(derived, "by machines", &none, BUCKET_BY_MACHINES, 0);
	ask_buckets(derived, "by first seen", &none, BUCKET_BY_FIRST, 0);
	ask_buckets(derived, "by last seen", &none, BUCKET_BY_LAST, 0);
	for (size_t i = 0; i < sizeof(questions) / sizeof(questions[0]); i++)
		ask_buckets(derived, questions[i].name, &questions[i].filter, BUCKET_BY_HITS, 0);
	derived_close(derived);
}

int
main(int argc, char **argv)
{
	static struct fill f;
	uint64_t highest = 0;
	struct err_detail detail = {0};
	if (argc != 3)
		return EXIT_FAILURE;
	fill_init(&f, argv[1]);
	check(facts_highest_id(f.facts, &highest), "facts", &detail);
	id_generator_init(&f.ids, 1, highest);
	if (highest == 0) {
		fill(&f, strtoull(argv[2], NULL, 10));
		rebuild(argv[1]);
	} else {
		f.now_us = id_time_us(highest);
		seed ^= highest;
	}
	ask(argv[1], f.now_us);
	follow(argv[1], &f, 100, 50);
	follow(argv[1], &f, 1000, 50);
	follow(argv[1], &f, 8192, 20);
	ask(argv[1], f.now_us);
	facts_close(f.facts);
	return EXIT_SUCCESS;
}
