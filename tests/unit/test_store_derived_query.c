#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "derived_fixture.h"
#include "report/event.h"
#include "store/derived_internal.h"
#include "store/derived_writer.h"

/* ---- a store with reports that differ in everything, and what a plain comparison finds ---- */

enum {
	REPORTS = 500,
	SEGMENT = 40,
	TEXTS = 24
};

struct known {
	struct told told;
	uint64_t id;
	uint64_t bucket;
	const char *event; /* canonical */
	const char *image, *module, *code;
};

struct world {
	struct fixture *f;
	struct known reports[REPORTS]; /* oldest first */
	char texts[REPORTS][4][64];
	unsigned seed;
};

static unsigned
draw(struct world *w, unsigned below)
{
	w->seed = w->seed * 1664525U + 1013904223U;
	return (w->seed >> 8) % below;
}

static const char *
pick(struct world *w, const char *const *from, size_t count)
{
	return from[draw(w, (unsigned)count)];
}
#define PICK(w, list) pick(w, list, sizeof(list) / sizeof((list)[0]))

static const char *const machines[] = {"PC-1",  "pc-1",  "PC-2", "PC-10", "PC-11",
				       "LAB-1", "LAB-2", NULL,   "SRV'1", "ÜBER-1"};
static const char *const users[] = {"CONTOSO\\anna",  "contoso\\ANNA", "CONTOSO\\ben",
				    "FABRIKAM\\anna", "x*y",           NULL};
static const char *const images[] = {"editor.exe", "Editor.EXE", "mail.exe", "a_b.exe"};
static const char *const modules[] = {"ntdll.dll", "NTDLL.DLL", "user32.dll", "mail.dll"};
static const char *const codes[] = {"c0000005", "C0000005", "c0000374", "80000003"};
static const char *const bugchecks[] = {"0x9f", "0000009f", "9F", "1a"};
static const char *const names[] = {"Editor", "Mail Client", NULL};
static const char *const descriptions[] = {"it failed", "ging schief: \"Ärger\"", NULL, NULL};
static const char *const secondaries[] = {"one", "two%", NULL};
static const char *const systems[] = {"10.0.19045.2.0.0.256.4", "6.1.7601.2.1.0.256.48"};
static const char *const oems[] = {"Contoso Ltd", "Rare Vendor", NULL, NULL, NULL};

static void
make_crash(struct world *w, struct known *k)
{
	k->told.type = draw(w, 2) == 0 ? "APPCRASH" : "appcrash";
	k->event = "APPCRASH";
	k->told.params[0] = k->image = PICK(w, images);
	k->told.params[1] = "1.0";
	k->told.params[2] = "5f000001";
	k->told.params[3] = k->module = PICK(w, modules);
	k->told.params[4] = "10.0";
	k->told.params[5] = "5f000002";
	k->told.params[6] = k->code = PICK(w, codes);
	k->told.params[7] = draw(w, 2) == 0 ? "0001" : "0002";
}

static void
make_bluescreen(struct world *w, struct known *k, char text[64])
{
	k->told.type = k->event = "BlueScreen";
	k->told.params[0] = k->code = PICK(w, bugchecks);
	(void)snprintf(text, 64, "ffff%08x", draw(w, 1000000));
	k->told.params[1] = text;
}

static void
make_report(struct world *w, size_t i)
{
	struct known *k = &w->reports[i];
	unsigned kind = draw(w, 10);
	k->told = (struct told){
		.machine = PICK(w, machines),
		.user = PICK(w, users),
		.os = PICK(w, systems),
		.oem = PICK(w, oems),
		.app_name = PICK(w, names),
		.description = PICK(w, descriptions),
		.secondary = PICK(w, secondaries),
	};
	if (kind < 7)
		make_crash(w, k);
	else if (kind < 9)
		make_bluescreen(w, k, w->texts[i][0]);
	else
		k->told.type = k->event = "MyOwnType";
	if (k->image == NULL && draw(w, 2) == 0) {
		k->told.app_path = "C:\\Program Files\\tool.exe";
		k->image = "tool.exe";
	} else if (draw(w, 3) == 0) {
		k->told.app_path = "D:\\bin\\editor.exe";
		k->image = k->image == NULL ? "editor.exe" : k->image;
	}
	if (k->image == NULL)
		k->image = k->told.app_name;
	k->id = fixture_tell(w->f, &k->told);
	MUST(facts_find_report_bucket(w->f->facts, k->id, &k->bucket));
	if (i % 30 == 0)
		w->f->now_us += TIME_HOUR_US;
}

static int
make_world(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	assert_non_null(w);
	w->f = fixture_new();
	w->seed = 11;
	w->f->derived->writer->segment_max = SEGMENT;
	for (size_t i = 0; i < REPORTS; i++)
		make_report(w, i);
	assert_int_equal(fixture_follow(w->f, 70), REPORTS);
	*state = w;
	return 0;
}

static int
free_world(void **state)
{
	struct world *w = *state;
	fixture_free(w->f);
	free(w);
	return 0;
}

/* ---- the plain comparison ---- */

static bool
is_like(struct slice pattern, const char *text)
{
	if (text == NULL)
		return false;
	return text_has_wildcard(pattern) ? text_matches(pattern, slice_str(text))
					  : slice_equal_nocase(pattern, slice_str(text));
}

static bool
has_inside(const char *text, struct slice part)
{
	if (text == NULL)
		return false;
	for (size_t at = 0; at + part.len <= strlen(text); at++)
		if (slice_equal_nocase(slice_of(text + at, part.len), part))
			return true;
	return false;
}

static bool
has_param_inside(const struct known *k, struct slice text)
{
	for (size_t i = 0; i < LIMIT_PARAMS; i++)
		if (has_inside(k->told.params[i], text))
			return true;
	return false;
}

static bool
has_text(const struct known *k, struct slice text)
{
	const struct told *t = &k->told;
	const char *const all[] = {
		t->machine, t->user,  t->os,          t->oem,       t->app_name, t->app_path,
		t->type,    k->event, t->description, t->secondary, k->image,
	};
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (has_inside(all[i], text))
			return true;
	return has_param_inside(k, text);
}

static bool
is_code(struct slice wanted, const char *code)
{
	struct slice digits = derived_short_code(slice_str(code));
	return code != NULL && slice_equal_nocase(derived_short_code(wanted), digits);
}

static bool
passes_bucket(const struct known *k, const struct report_filter *f)
{
	return (slice_is_absent(f->event) || is_like(f->event, k->event)) &&
	       (slice_is_absent(f->module) || is_like(f->module, k->module)) &&
	       (slice_is_absent(f->code) || is_code(f->code, k->code)) &&
	       (f->bucket == 0 || f->bucket == k->bucket);
}

static bool
passes_app(const struct known *k, const struct report_filter *f)
{
	return slice_is_absent(f->app) || is_like(f->app, k->image) ||
	       is_like(f->app, k->told.app_name) || is_like(f->app, k->told.app_path);
}

static bool
passes(const struct known *k, const struct report_filter *f)
{
	return passes_bucket(k, f) && passes_app(k, f) &&
	       (slice_is_absent(f->machine) || is_like(f->machine, k->told.machine)) &&
	       (slice_is_absent(f->user) || is_like(f->user, k->told.user)) &&
	       (slice_is_absent(f->text) || has_text(k, f->text)) &&
	       (f->since_us == 0 || id_time_us(k->id) >= f->since_us) &&
	       (f->until_us == 0 || id_time_us(k->id) < f->until_us);
}

static size_t
find_plainly(const struct world *w, const struct report_filter *f, uint64_t ids[REPORTS])
{
	size_t count = 0;
	for (size_t i = REPORTS; i > 0; i--)
		if (passes(&w->reports[i - 1], f))
			ids[count++] = w->reports[i - 1].id;
	return count;
}

/* ---- what derived finds ---- */

struct found {
	uint64_t ids[REPORTS];
	size_t count;
};

static err_t
add_id(void *context, uint64_t id)
{
	struct found *found = context;
	assert_true(found->count < REPORTS);
	found->ids[found->count++] = id;
	return OK;
}

static void
find_by_pages(struct derived *derived, const struct report_filter *filter, size_t limit,
	      struct found *found)
{
	struct page page = {.limit = limit};
	size_t before;
	found->count = 0;
	do {
		before = found->count;
		MUST(derived_each_report(derived, filter, page, add_id, found));
		if (found->count > before)
			page.after = found->ids[found->count - 1];
		if (limit > 0)
			assert_true(found->count - before <= limit);
	} while (limit > 0 && found->count - before == limit);
}

static void
print_filter(const struct report_filter *f)
{
	print_message("event %.*s app %.*s module %.*s machine %.*s user %.*s code %.*s text %.*s"
		      " bucket %u since %d until %d\n",
		      SLICE_ARGS(f->event), SLICE_ARGS(f->app), SLICE_ARGS(f->module),
		      SLICE_ARGS(f->machine), SLICE_ARGS(f->user), SLICE_ARGS(f->code),
		      SLICE_ARGS(f->text), (unsigned)f->bucket, f->since_us != 0, f->until_us != 0);
}

static void
compare(struct world *w, const struct report_filter *filter, size_t limit)
{
	uint64_t plain[REPORTS];
	struct found found;
	uint64_t counted;
	size_t count = find_plainly(w, filter, plain);
	find_by_pages(w->f->derived, filter, limit, &found);
	if (found.count != count)
		print_filter(filter);
	assert_int_equal(found.count, count);
	assert_memory_equal(found.ids, plain, count * sizeof(plain[0]));
	MUST(derived_count_reports(w->f->derived, filter, 1000, &counted));
	assert_int_equal(counted, count);
	MUST(derived_count_reports(w->f->derived, filter, 7, &counted));
	assert_int_equal(counted, count < 7 ? count : 7);
}

static void
compare_all_ways(struct world *w, const struct report_filter *filter)
{
	struct derived *derived = w->f->derived;
	compare(w, filter, 0);
	derived->probe_rows = 3;
	compare(w, filter, 13);
	derived->list_max = 0;
	compare(w, filter, 5);
	derived->list_max = 3;
	derived->probe_rows = DERIVED_PROBE_ROWS;
	compare(w, filter, 100);
	derived->list_max = DERIVED_LIST_MAX;
}

#define T(text) SLICE_LITERAL(text)

/* ---- hostile texts ---- */

static void
a_text_is_data_whatever_is_in_it(void **state)
{
	static const char *const texts[] = {
		"\"\"\"",     "\" OR \"",
		"nt\"dll",    "NEAR(ntdll user32)",
		"text:ntdll", "^ntdll",
		"ntdll*",     "'; DROP TABLE report; --",
		"-ntdll",     "ntdll AND user32",
		"NOT",        "(((",
		"{a b} : c",  "\\%_",
		"two%",       "x*y",
		"SRV'1",      "a_b",
		"\n\n\n",     "\x80\x81\x82\x83",
		"\"Ärger\"",  "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd",
		"?tdll.dll",  "PC-1\nCONTOSO",
	};
	struct world *w = *state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct report_filter filter = {.text = slice_str(texts[i])};
		compare_all_ways(w, &filter);
	}
	struct report_filter with_zero = {.text = T("ntdll\0.dll")};
	compare_all_ways(w, &with_zero);
}

static void
a_short_text_is_refused(void **state)
{
	struct world *w = *state;
	struct found found = {.count = 0};
	uint64_t next;
	const struct slice texts[] = {T(""), T("a"), T("ab"), T("ÄÖ")};
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct report_filter filter = {.text = texts[i]};
		assert_int_equal(derived_each_report(w->f->derived, &filter, (struct page){0},
						     add_id, &found),
				 ERR_USAGE);
		assert_int_equal(derived_each_bucket(w->f->derived, &filter, BUCKET_BY_HITS,
						     (struct page){0}, NULL, NULL, &next),
				 ERR_USAGE);
	}
}

static void
quotes_and_patterns_in_other_filters_are_data(void **state)
{
	struct world *w = *state;
	const struct slice values[] = {
		T("SRV'1"), T("x*y"), T("' OR 1=1 --"), T("\""), T("%"),
		T("_C-1"),  T(""),    T("*"),           T("?"),  T("\xff\xfe"),
	};
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		compare_all_ways(w, &(struct report_filter){.machine = values[i]});
		compare_all_ways(w, &(struct report_filter){.user = values[i]});
		compare_all_ways(w, &(struct report_filter){.module = values[i]});
		compare_all_ways(w, &(struct report_filter){.app = values[i]});
		compare_all_ways(w, &(struct report_filter){.event = values[i]});
	}
}

/* ---- each filter, and all of them ---- */

static void
each_filter_alone(void **state)
{
	struct world *w = *state;
	const struct report_filter filters[] = {
		{0},
		{.event = T("APPCRASH")},
		{.event = T("bluescreen")},
		{.event = T("myowntype")},
		{.event = T("*CRASH")},
		{.event = T("NoSuchType")},
		{.app = T("editor.exe")},
		{.app = T("C:\\PROGRAM FILES\\TOOL.EXE")},
		{.app = T("mail*")},
		{.app = T("Mail Client")},
		{.module = T("ntdll.dll")},
		{.module = T("*.dll")},
		{.module = T("none.dll")},
		{.machine = T("PC-1")},
		{.machine = T("PC-1*")},
		{.machine = T("über-1")}, /* letters beyond ASCII do not fold */
		{.machine = T("ÜBER-1")},
		{.user = T("contoso\\anna")},
		{.user = T("*\\anna")},
		{.code = T("0xC0000005")},
		{.code = T("9f")},
		{.code = T("0x0000009F")},
		{.code = T("00c0000374")},
		{.text = T("ntdll")},
		{.text = T("Rare Vendor")},
		{.text = T("7601")},
		{.text = T("ffff000")},
		{.text = T("ging schief: \"Ärger")},
		{.text = T("it failed")},
		{.text = T("nowhere at all")},
		{.text = T("appcrash")},
		{.bucket = w->reports[100].bucket},
		{.bucket = 7},
		{.bucket = UINT64_MAX},
		{.since_us = id_time_us(w->reports[300].id)},
		{.until_us = id_time_us(w->reports[300].id)},
		{.since_us = id_time_us(w->reports[200].id),
		 .until_us = id_time_us(w->reports[210].id)},
		{.since_us = id_time_us(w->reports[210].id),
		 .until_us = id_time_us(w->reports[200].id)},
	};
	for (size_t i = 0; i < sizeof(filters) / sizeof(filters[0]); i++)
		compare_all_ways(w, &filters[i]);
}

static struct slice
maybe(struct world *w, unsigned one_in, const struct slice *from, size_t count)
{
	if (draw(w, one_in) != 0)
		return (struct slice){0};
	return from[draw(w, (unsigned)count)];
}
#define MAYBE(w, one_in, ...)                                                                      \
	maybe(w, one_in, (const struct slice[]){__VA_ARGS__},                                      \
	      sizeof((const struct slice[]){__VA_ARGS__}) / sizeof(struct slice))

static struct report_filter
draw_filter(struct world *w)
{
	struct report_filter filter = {
		.event = MAYBE(w, 4, T("APPCRASH"), T("bluescreen"), T("*o*"), T("MyOwnType")),
		.app = MAYBE(w, 4, T("editor.exe"), T("mail*"), T("*tool.exe"), T("Editor")),
		.module = MAYBE(w, 5, T("ntdll.dll"), T("user32.dll"), T("m*"), T("*32*")),
		.machine = MAYBE(w, 3, T("pc-1"), T("PC-*"), T("LAB-?"), T("SRV'1")),
		.user = MAYBE(w, 4, T("contoso\\anna"), T("*anna"), T("x*y")),
		.code = MAYBE(w, 5, T("c0000005"), T("0x9f"), T("1a"), T("80000003")),
		.text = MAYBE(w, 3, T("editor"), T("ffff"), T("vendor"), T("contoso"), T("two"),
			      T("19045")),
	};
	if (draw(w, 8) == 0)
		filter.bucket = w->reports[draw(w, REPORTS)].bucket;
	if (draw(w, 5) == 0)
		filter.since_us = id_time_us(w->reports[draw(w, REPORTS)].id);
	if (draw(w, 5) == 0)
		filter.until_us = id_time_us(w->reports[draw(w, REPORTS)].id);
	return filter;
}

static void
filters_together(void **state)
{
	struct world *w = *state;
	for (int i = 0; i < 250; i++) {
		struct report_filter filter = draw_filter(w);
		compare_all_ways(w, &filter);
	}
}

static err_t
stop_at_second(void *context, uint64_t id)
{
	size_t *count = context;
	(void)id;
	return ++*count == 2 ? ERR_CLOSED : OK;
}

static void
a_list_stops_where_its_reader_says(void **state)
{
	struct world *w = *state;
	size_t count = 0;
	struct report_filter filter = {.event = T("APPCRASH")};
	assert_int_equal(derived_each_report(w->f->derived, &filter, (struct page){0},
					     stop_at_second, &count),
			 ERR_CLOSED);
	assert_int_equal(count, 2);
}

/* ---- buckets ---- */

struct plain_bucket {
	uint64_t id, hits, machines, users, last;
	bool has_app, has_machine, has_user, passes;
};

static bool
is_first_of(const struct world *w, uint64_t bucket, size_t i, bool by_machine)
{
	const char *own = by_machine ? w->reports[i].told.machine : w->reports[i].told.user;
	for (size_t k = 0; own != NULL && k < i; k++) {
		const struct told *t = &w->reports[k].told;
		const char *other = by_machine ? t->machine : t->user;
		if (w->reports[k].bucket == bucket && other != NULL && strcasecmp(own, other) == 0)
			return false;
	}
	return own != NULL;
}

static bool
passes_bucket_text(const struct known *k, struct slice text)
{
	if (slice_is_absent(text) || has_inside(k->event, text))
		return true;
	if (strcmp(k->event, "BlueScreen") == 0) {
		struct slice code = derived_short_code(slice_str(k->code));
		char digits[16] = "";
		(void)snprintf(digits, sizeof(digits), "%.*s", SLICE_ARGS(code));
		return has_inside(digits, text);
	}
	return has_param_inside(k, text);
}

static void
add_to_bucket(const struct world *w, size_t i, const struct report_filter *f,
	      struct plain_bucket *b)
{
	const struct known *k = &w->reports[i];
	b->id = k->bucket;
	b->hits++;
	b->machines += is_first_of(w, k->bucket, i, true);
	b->users += is_first_of(w, k->bucket, i, false);
	b->last = k->id;
	b->has_app |= passes_app(k, f);
	b->has_machine |= slice_is_absent(f->machine) || is_like(f->machine, k->told.machine);
	b->has_user |= slice_is_absent(f->user) || is_like(f->user, k->told.user);
	b->passes = passes_bucket(k, f) && passes_bucket_text(k, f->text) && b->has_app &&
		    b->has_machine && b->has_user &&
		    (f->since_us == 0 || id_time_us(b->last) >= f->since_us) &&
		    (f->until_us == 0 || id_time_us(b->last) < f->until_us);
}

static enum bucket_sort plain_sort;

static uint64_t
key_of(const struct plain_bucket *b)
{
	switch (plain_sort) {
	case BUCKET_BY_HITS:
		return b->hits;
	case BUCKET_BY_MACHINES:
		return b->machines;
	case BUCKET_BY_LAST:
		return b->last;
	default:
		return b->id;
	}
}

static int
compare_plain(const void *a, const void *b)
{
	const struct plain_bucket *left = a;
	const struct plain_bucket *right = b;
	if (left->passes != right->passes)
		return left->passes ? -1 : 1;
	if (key_of(left) != key_of(right))
		return key_of(left) < key_of(right) ? 1 : -1;
	return left->id < right->id ? 1 : -1;
}

/* Those that pass, in order. */
static size_t
sort_plainly(const struct world *w, const struct report_filter *f, enum bucket_sort sort,
	     struct plain_bucket *buckets)
{
	size_t count = 0;
	memset(buckets, 0, REPORTS * sizeof(*buckets));
	for (size_t i = 0; i < REPORTS; i++)
		add_to_bucket(w, i, f, &buckets[w->reports[i].bucket - 1000]);
	plain_sort = sort;
	qsort(buckets, REPORTS, sizeof(*buckets), compare_plain);
	while (count < REPORTS && buckets[count].passes)
		count++;
	return count;
}

struct compared {
	const struct plain_bucket *buckets;
	size_t count;
	size_t at;
};

static err_t
compare_bucket(void *context, const struct derived_bucket *bucket)
{
	struct compared *c = context;
	assert_true(c->at < c->count);
	const struct plain_bucket *plain = &c->buckets[c->at++];
	assert_int_equal(bucket->id, plain->id);
	assert_int_equal(bucket->hits, plain->hits);
	assert_int_equal(bucket->machines, plain->machines);
	assert_int_equal(bucket->users, plain->users);
	assert_int_equal(bucket->last_report, plain->last);
	assert_int_equal(bucket->last_seen_us, id_time_us(plain->last));
	assert_true(bucket->label.event_type.len > 0);
	return OK;
}

static void
compare_buckets(struct world *w, const struct report_filter *filter, enum bucket_sort sort,
		size_t limit)
{
	struct plain_bucket buckets[REPORTS];
	struct compared c = {.buckets = buckets};
	struct page page = {.limit = limit};
	c.count = sort_plainly(w, filter, sort, buckets);
	do {
		MUST(derived_each_bucket(w->f->derived, filter, sort, page, compare_bucket, &c,
					 &page.after));
	} while (page.after != 0);
	if (c.at != c.count)
		print_filter(filter);
	assert_int_equal(c.at, c.count);
}

static void
buckets_in_every_order(void **state)
{
	struct world *w = *state;
	struct report_filter none = {0};
	for (int sort = 0; sort < BUCKET_SORT_N; sort++) {
		compare_buckets(w, &none, (enum bucket_sort)sort, 0);
		compare_buckets(w, &none, (enum bucket_sort)sort, 1);
		compare_buckets(w, &none, (enum bucket_sort)sort, 7);
		compare_buckets(w, &none, (enum bucket_sort)sort, 1000);
	}
}

static void
buckets_by_filters_together(void **state)
{
	struct world *w = *state;
	for (int i = 0; i < 200; i++) {
		struct report_filter filter = draw_filter(w);
		enum bucket_sort sort = (enum bucket_sort)draw(w, BUCKET_SORT_N);
		compare_buckets(w, &filter, sort, draw(w, 3) * 4);
	}
}

static void
an_empty_store_answers(void **state)
{
	struct fixture *f = fixture_new();
	struct found found = {.count = 0};
	struct report_filter filter = {.text = T("anything")};
	struct derived_totals totals;
	struct derived_bucket bucket;
	struct arena arena;
	uint64_t next = 1;
	(void)state;
	arena_init(&arena, 1000);
	MUST(derived_each_report(f->derived, &filter, (struct page){0}, add_id, &found));
	MUST(derived_each_bucket(f->derived, &filter, BUCKET_BY_LAST, (struct page){0}, NULL, NULL,
				 &next));
	assert_int_equal(found.count, 0);
	assert_int_equal(next, 0);
	assert_int_equal(derived_find_bucket(f->derived, 1000, &arena, &bucket), ERR_NOTFOUND);
	assert_int_equal(derived_find_bucket(f->derived, UINT64_MAX, &arena, &bucket),
			 ERR_NOTFOUND);
	MUST(derived_totals(f->derived, &totals));
	assert_int_equal(totals.reports, 0);
	assert_int_equal(totals.first_us, 0);
	arena_done(&arena);
	fixture_free(f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_text_is_data_whatever_is_in_it),
		cmocka_unit_test(a_short_text_is_refused),
		cmocka_unit_test(quotes_and_patterns_in_other_filters_are_data),
		cmocka_unit_test(each_filter_alone),
		cmocka_unit_test(filters_together),
		cmocka_unit_test(a_list_stops_where_its_reader_says),
		cmocka_unit_test(buckets_in_every_order),
		cmocka_unit_test(buckets_by_filters_together),
		cmocka_unit_test(an_empty_store_answers),
	};
	return cmocka_run_group_tests(tests, make_world, free_world);
}
