#include "store/derived_sieve.h"

#include <stdlib.h>

#include "store/id.h"

/* A page of buckets in two steps: which ones, by their numbers alone, in one short read
 * transaction; then their rows, some at a time.
 *
 * The top of a list without narrow filters is read in its own order and ends early: by hits and
 * machines along indexes that leave the long tail out, by first seen along the ids, by last seen
 * along the reports.  What that does not settle is gathered and sorted. */
enum {
	LIST_MAX = 20000,       /* buckets of a part that are listed */
	GATHER_MAX = 20000,     /* ... and sorted without trying the order first */
	REPORTS_TRIED = 200000, /* before the last seen are gathered and sorted instead */
	ROWS_AT_ONCE = 32,
	ROWS_ARENA_BYTES = 16 * 1024 * 1024
};

#define NUMBERS "SELECT id, event, module, code, hits, machines, last_report FROM bucket "
static const char all_text[] = NUMBERS;
static const char one_text[] = NUMBERS "WHERE id = ?";
static const char recent_text[] = "SELECT id, bucket FROM report WHERE id < ? ORDER BY id DESC";
/* In the order of the keys, each ending where its index does. */
static const char *const ordered_texts[BUCKET_SORT_N] = {
	[BUCKET_BY_HITS] = NUMBERS "WHERE hits >= 32 ORDER BY hits DESC, id DESC",
	[BUCKET_BY_MACHINES] = NUMBERS "WHERE machines >= 32 ORDER BY machines DESC, id DESC",
	[BUCKET_BY_FIRST] = NUMBERS "ORDER BY id DESC",
};

#define ROW_COLUMNS                                                                                \
	"SELECT b.id, l.hashed, l.is_hashed_verified, l.event_type, l.app_name, b.hits,"           \
	" b.machines, b.users, b.cabs_asked, b.cabs, l.first_seen_us, b.last_report,"              \
	" p1, p2, p3, p4, p5, p6, p7, p8, p9, p10"                                                 \
	" FROM bucket b JOIN bucket_label l ON l.id = b.id "
static const char row_text[] = ROW_COLUMNS "WHERE b.id = ?";

struct choice {
	uint64_t key; /* what is sorted by, descending, and then by id */
	uint64_t id;
};

struct bucket_list {
	struct sieve sieve;
	enum bucket_sort sort;
	uint64_t low, high; /* of the last report */
	uint64_t after;     /* id or report id before which to begin; 0: anywhere */
	uint64_t offset;    /* of the sorts that count rows */
	size_t wanted;      /* rows to choose, those before the offset and one behind included */
	struct choice *choices;
	size_t count;
	size_t capacity;
};

/* ---- which ones ---- */

static void
add_choice(struct bucket_list *list, uint64_t key, uint64_t id)
{
	if (list->count == list->capacity) {
		list->capacity = list->capacity == 0 ? 256 : list->capacity * 2;
		list->choices = reallocarray(list->choices, list->capacity, sizeof(*list->choices));
		if (list->choices == NULL)
			abort();
	}
	list->choices[list->count++] = (struct choice){key, id};
}

static uint64_t
key_of(enum bucket_sort sort, const struct sql_statement *s)
{
	switch (sort) {
	case BUCKET_BY_HITS:
		return sql_u64(s, 4);
	case BUCKET_BY_MACHINES:
		return sql_u64(s, 5);
	case BUCKET_BY_LAST:
		return sql_u64(s, 6);
	default:
		return sql_u64(s, 0);
	}
}

static bool
passes_numbers(const struct bucket_list *list, const struct sql_statement *s)
{
	uint64_t last = sql_u64(s, 6);
	bool by_key = list->sort == BUCKET_BY_FIRST || list->sort == BUCKET_BY_LAST;
	if (last < list->low || last >= list->high)
		return false;
	if (by_key && list->after != 0 && key_of(list->sort, s) >= list->after)
		return false;
	for (int i = 0; i < PART_N; i++)
		if (list->sieve.parts[i].is_on &&
		    !id_set_has(&list->sieve.parts[i], sql_u64(s, 1 + i)))
			return false;
	return true;
}

/* Adds the bucket of the row when it passes. */
static err_t
consider(struct bucket_list *list, const struct sql_statement *s)
{
	struct sieve *sieve = &list->sieve;
	uint64_t id = sql_u64(s, 0);
	bool passes = passes_numbers(list, s);
	err_t err = OK;
	if (passes && sieve->buckets.is_on)
		passes = id_set_has(&sieve->buckets, id);
	if (passes && sieve->text.is_on)
		err = text_search_test(&sieve->text, DIM_BUCKET, id, &passes);
	if (err == OK && passes)
		add_choice(list, key_of(list->sort, s), id);
	return err;
}

static int
compare_choices(const void *a, const void *b)
{
	const struct choice *left = a;
	const struct choice *right = b;
	if (left->key != right->key)
		return left->key < right->key ? 1 : -1;
	return left->id < right->id ? 1 : left->id > right->id ? -1 : 0;
}

static err_t
consider_ids(struct bucket_list *list, const struct id_list *ids)
{
	struct sql_statement s = {0};
	err_t err = sql_prepare(list->sieve.sql, one_text, &s, NULL);
	for (size_t i = 0; i < ids->count && err == OK; i++) {
		sql_bind_u64(&s, ids->ids[i]);
		err = sql_step(&s);
		if (err == OK)
			err = consider(list, &s);
		else if (err == ERR_NOTFOUND)
			err = OK;
		sql_reset(&s);
	}
	sql_finalize(&s);
	return err;
}

static err_t
consider_all(struct bucket_list *list, const char *text)
{
	struct sql_statement s = {0};
	err_t err = sql_prepare(list->sieve.sql, text, &s, NULL);
	if (err != OK)
		return err;
	while (list->count < list->wanted && err == OK && (err = sql_step(&s)) == OK)
		err = consider(list, &s);
	sql_finalize(&s);
	return err == ERR_NOTFOUND ? OK : err;
}

/* Along the reports: the first one of a bucket that is met is its last. */
static err_t
consider_recent(struct bucket_list *list)
{
	struct sql_statement reports = {0};
	struct id_set met = {0};
	struct id_list one = {0};
	uint64_t before = list->after != 0 && list->after < list->high ? list->after : list->high;
	size_t tried = 0;
	err_t err = sql_prepare(list->sieve.sql, recent_text, &reports, NULL);
	if (err == OK)
		sql_bind_u64(&reports, before);
	while (err == OK && list->count < list->wanted && tried++ < REPORTS_TRIED &&
	       (err = sql_step(&reports)) == OK) {
		uint64_t bucket = sql_u64(&reports, 1);
		if (sql_u64(&reports, 0) < list->low)
			break;
		if (id_set_has(&met, bucket))
			continue;
		id_set_add(&met, bucket);
		one.count = 0;
		id_list_add(&one, bucket);
		err = consider_ids(list, &one);
	}
	sql_finalize(&reports);
	id_set_done(&met);
	id_list_done(&one);
	return err == ERR_NOTFOUND ? OK : err;
}

static err_t
gather(struct bucket_list *list, const struct id_list *ids)
{
	size_t wanted = list->wanted;
	list->count = 0;
	list->wanted = SIZE_MAX;
	err_t err = ids != NULL ? consider_ids(list, ids) : consider_all(list, all_text);
	list->wanted = wanted;
	if (list->count > 1)
		qsort(list->choices, list->count, sizeof(*list->choices), compare_choices);
	if (list->count > wanted)
		list->count = wanted;
	return err;
}

static err_t
choose(struct bucket_list *list)
{
	const struct sieve *sieve = &list->sieve;
	err_t err = OK;
	const struct id_list *listed = NULL;
	if (sieve->text.is_loaded)
		listed = &sieve->text.candidates[DIM_BUCKET].list;
	if (sieve->buckets.is_on && (listed == NULL || sieve->buckets.list.count < listed->count))
		listed = &sieve->buckets.list;
	if (list->wanted == SIZE_MAX || (listed != NULL && listed->count <= GATHER_MAX))
		return gather(list, listed);
	err = list->sort == BUCKET_BY_LAST ? consider_recent(list)
					   : consider_all(list, ordered_texts[list->sort]);
	if (err == OK && list->count < list->wanted)
		err = gather(list, listed);
	return err;
}

static err_t
choose_buckets(struct bucket_list *list)
{
	struct sieve *sieve = &list->sieve;
	size_t count;
	err_t err = sieve_list_buckets(sieve, LIST_MAX, true);
	if (err != OK || sieve->is_empty)
		return err;
	err = sql_begin(sieve->sql);
	if (err == OK && sieve->text.is_on)
		err = text_search_load(&sieve->text, &count);
	if (err == OK)
		err = choose(list);
	sql_rollback(sieve->sql);
	return err;
}

/* ---- their rows ---- */

static err_t
keep(struct slice text, struct arena *arena, struct slice *ret_copy)
{
	struct slice copy = slice_dup(arena, text);
	if (slice_is_absent(copy) && !slice_is_absent(text))
		return ERR_LIMIT;
	*ret_copy = copy;
	return OK;
}

static err_t
read_label(const struct sql_statement *s, struct arena *arena, struct label *label)
{
	err_t err = keep(sql_text(s, 3), arena, &label->event_type);
	for (int i = 0; i < LIMIT_PARAMS && err == OK; i++) {
		err = keep(sql_text(s, 12 + i), arena, &label->params[i]);
		if (err == OK && !slice_is_absent(label->params[i]))
			label->n_params = (size_t)i + 1;
	}
	return err;
}

static err_t
read_bucket(const struct sql_statement *s, struct arena *arena, struct derived_bucket *ret_bucket)
{
	struct slice hashed = sql_blob(s, 1);
	struct derived_bucket bucket = {
		.id = sql_u64(s, 0),
		.hashed_verified = sql_i64(s, 2) != 0,
		.hits = sql_u64(s, 5),
		.machines = sql_u64(s, 6),
		.users = sql_u64(s, 7),
		.cabs_asked = sql_u64(s, 8),
		.cabs = sql_u64(s, 9),
		.first_seen_us = sql_i64(s, 10),
		.last_report = sql_u64(s, 11),
		.last_seen_us = id_time_us(sql_u64(s, 11)),
	};
	if (hashed.len != sizeof(bucket.hashed))
		return ERR_CORRUPT;
	memcpy(bucket.hashed, hashed.data, hashed.len);
	err_t err = keep(sql_text(s, 4), arena, &bucket.app_name);
	if (err == OK)
		err = read_label(s, arena, &bucket.label);
	if (err == OK)
		*ret_bucket = bucket;
	return err;
}

static err_t
read_rows(struct sql *sql, struct sql_statement *s, const struct choice *choices, size_t count,
	  struct arena *arena, struct derived_bucket *rows)
{
	err_t err = sql_begin(sql);
	for (size_t i = 0; i < count && err == OK; i++) {
		sql_bind_u64(s, choices[i].id);
		err = sql_step(s);
		if (err == OK)
			err = read_bucket(s, arena, &rows[i]);
		sql_reset(s);
	}
	sql_rollback(sql);
	return err == ERR_NOTFOUND ? ERR_CORRUPT : err;
}

/* Outside of every transaction EACH is called. */
static err_t
hand_on(struct bucket_list *list, size_t first, size_t end, derived_each_bucket_fn each,
	void *context)
{
	struct derived_bucket rows[ROWS_AT_ONCE];
	struct sql_statement s = {0};
	struct arena arena;
	arena_init(&arena, ROWS_ARENA_BYTES);
	err_t err = sql_prepare(list->sieve.sql, row_text, &s, NULL);
	for (size_t at = first; at < end && err == OK; at += ROWS_AT_ONCE) {
		size_t count = end - at < ROWS_AT_ONCE ? end - at : ROWS_AT_ONCE;
		arena_reset(&arena);
		err = read_rows(list->sieve.sql, &s, list->choices + at, count, &arena, rows);
		for (size_t i = 0; i < count && err == OK; i++)
			err = each(context, &rows[i]);
	}
	sql_finalize(&s);
	arena_done(&arena);
	return err;
}

static uint64_t
next_cursor(const struct bucket_list *list, size_t end)
{
	if (end >= list->count || end == 0)
		return 0;
	if (list->sort == BUCKET_BY_HITS || list->sort == BUCKET_BY_MACHINES)
		return end;
	return list->choices[end - 1].key;
}

static void
set_page(struct bucket_list *list, struct page page)
{
	bool counts_rows = list->sort == BUCKET_BY_HITS || list->sort == BUCKET_BY_MACHINES;
	list->after = counts_rows ? 0 : page.after;
	list->offset = counts_rows ? page.after : 0;
	list->wanted = SIZE_MAX;
	if (page.limit > 0 && page.limit < SIZE_MAX - list->offset - 1)
		list->wanted = list->offset + page.limit + 1;
}

err_t
derived_each_bucket(struct derived *derived, const struct report_filter *filter,
		    enum bucket_sort sort, struct page page, derived_each_bucket_fn each,
		    void *context, uint64_t *ret_next)
{
	struct bucket_list list = {.sort = sort};
	err_t err = derived_refresh(derived, NULL);
	if (err != OK)
		return err;
	derived->n_lists++;
	/* The times are the buckets' own here, not those of their reports. */
	struct report_filter timeless = *filter;
	timeless.since_us = timeless.until_us = 0;
	err = sieve_init(&list.sieve, derived, &timeless);
	list.low = filter->since_us > 0 ? id_first_at(filter->since_us) : 0;
	list.high = filter->until_us > 0 ? id_first_at(filter->until_us) : INT64_MAX;
	set_page(&list, page);
	if (err == OK)
		err = choose_buckets(&list);
	size_t first = list.offset < list.count ? (size_t)list.offset : list.count;
	size_t end = list.count;
	if (page.limit > 0 && end - first > page.limit)
		end = first + page.limit;
	uint64_t next = next_cursor(&list, end);
	if (err == OK)
		err = hand_on(&list, first, end, each, context);
	sieve_done(&list.sieve);
	free(list.choices);
	derived->n_lists--;
	if (err == OK)
		*ret_next = next;
	return err;
}

err_t
derived_find_bucket(struct derived *derived, uint64_t id, struct arena *arena,
		    struct derived_bucket *ret_bucket)
{
	struct sql_statement s = {0};
	err_t err = id > INT64_MAX ? ERR_NOTFOUND : derived_refresh(derived, NULL);
	if (err == OK)
		err = sql_prepare(&derived->sql, row_text, &s, NULL);
	if (err != OK)
		return err;
	sql_bind_u64(&s, id);
	err = sql_step(&s);
	if (err == OK)
		err = read_bucket(&s, arena, ret_bucket);
	sql_finalize(&s);
	return err;
}

/* The legacy number is most of the hashed one, so one index finds both. */
static err_t
find_by_legacy(struct derived *derived, uint64_t legacy, struct slice hashed, uint64_t *ret_id)
{
	static const char text[] = "SELECT id FROM bucket_label WHERE legacy = ?1"
				   " AND (?2 IS NULL OR hashed = ?2) ORDER BY id LIMIT 1";
	struct sql_statement s = {0};
	err_t err = derived_refresh(derived, NULL);
	if (err == OK)
		err = sql_prepare(&derived->sql, text, &s, NULL);
	if (err != OK)
		return err;
	sql_bind_u64(&s, legacy);
	sql_bind_blob(&s, hashed);
	err = sql_step(&s);
	if (err == OK)
		*ret_id = sql_u64(&s, 0);
	sql_finalize(&s);
	return err;
}

err_t
derived_find_bucket_hashed(struct derived *derived, const uint8_t hashed[LABEL_HASHED_BYTES],
			   uint64_t *ret_id)
{
	return find_by_legacy(derived, label_legacy(hashed), slice_of(hashed, LABEL_HASHED_BYTES),
			      ret_id);
}

err_t
derived_find_bucket_legacy(struct derived *derived, uint64_t legacy, uint64_t *ret_id)
{
	return find_by_legacy(derived, legacy, (struct slice){0}, ret_id);
}
