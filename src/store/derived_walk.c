#include "store/derived_sieve.h"

#include <stdlib.h>

/* Reports, newest first, a segment at a time.
 *
 * In a segment either the values of one set are looked up one by one, because they are few, or
 * all rows are read, newest first, until there are enough: what is common is found at once, and
 * what is rare has a set with few values.  A segment is one short read transaction; nobody is
 * called while it is open.
 */
enum {
	FEW_REPORTS = 50000,   /* a set with so few need not ask the text index */
	TEXT_READ_ROWS = 30000 /* neither when reading so many will be enough */
};

static const char segments_text[] = "SELECT id, first_report FROM segment WHERE first_report < ?"
				    " OR id = 1 ORDER BY id DESC";
#define COLUMNS "id, bucket, machine, user, application, detail, system FROM report WHERE id "
static const char scan_text[] = "SELECT " COLUMNS ">= ? AND id < ? ORDER BY id DESC";
static const char row_text[] = "SELECT " COLUMNS "= ?";
#define SEEK(column)                                                                               \
	"SELECT id FROM report WHERE segment = ? AND " column " = ? AND id >= ? AND id < ?"
static const struct {
	enum dimension dimension;
	const char *text;
} seeks[] = {
	{DIM_MACHINE, SEEK("machine")},         {DIM_USER, SEEK("user")},
	{DIM_APPLICATION, SEEK("application")}, {DIM_DETAIL, SEEK("detail")},
	{DIM_BUCKET, SEEK("bucket")},
};
enum {
	SEEK_N = sizeof(seeks) / sizeof(seeks[0])
};

struct walk {
	struct sieve sieve;
	size_t list_max, probe_rows; /* struct derived */
	size_t wanted;               /* still */
	derived_each_id_fn each;
	void *context;
	struct id_list segments, firsts; /* newest first */
	/* What is looked up; none: all rows are read.  Only the text has more than one. */
	const struct id_set *sets[SEEK_N];
	bool is_seeking;
	bool is_exact;         /* whatever is found by the sets matches */
	struct id_list found;  /* before it is tested */
	struct id_list passed; /* of one segment */
	struct sql_statement scan, row, seek[SEEK_N];
};

static err_t
walk_init(struct walk *walk, struct derived *derived, const struct report_filter *filter)
{
	*walk = (struct walk){.list_max = derived->list_max, .probe_rows = derived->probe_rows};
	err_t err = sieve_init(&walk->sieve, derived, filter);
	if (err == OK)
		err = sql_prepare(&derived->sql, scan_text, &walk->scan, NULL);
	if (err == OK)
		err = sql_prepare(&derived->sql, row_text, &walk->row, NULL);
	for (size_t i = 0; i < SEEK_N && err == OK; i++)
		err = sql_prepare(&derived->sql, seeks[i].text, &walk->seek[i], NULL);
	return err;
}

static void
walk_done(struct walk *walk)
{
	sql_finalize(&walk->scan);
	sql_finalize(&walk->row);
	sql_finalize_all(walk->seek, SEEK_N);
	id_list_done(&walk->segments);
	id_list_done(&walk->firsts);
	id_list_done(&walk->found);
	id_list_done(&walk->passed);
	sieve_done(&walk->sieve);
}

/* ---- one segment ---- */

static void
read_row(const struct sql_statement *s, struct sieve_row *ret_row)
{
	ret_row->id = sql_u64(s, 0);
	ret_row->bucket = sql_u64(s, 1);
	ret_row->dimensions[DIM_MACHINE] = sql_u64(s, 2);
	ret_row->dimensions[DIM_USER] = sql_u64(s, 3);
	ret_row->dimensions[DIM_APPLICATION] = sql_u64(s, 4);
	ret_row->dimensions[DIM_DETAIL] = sql_u64(s, 5);
	ret_row->dimensions[DIM_SYSTEM] = sql_u64(s, 6);
}

static err_t
test_into(struct walk *walk, const struct sql_statement *s)
{
	struct sieve_row row;
	bool passes;
	read_row(s, &row);
	err_t err = sieve_test_row(&walk->sieve, &row, &passes);
	if (err == OK && passes)
		id_list_add(&walk->passed, row.id);
	return err;
}

/* Rows of [LOW, *HIGH), newest first, until enough have passed or MAX were read; *HIGH becomes
 * the place to go on. */
static err_t
scan(struct walk *walk, uint64_t low, uint64_t *high, size_t max)
{
	struct sql_statement *s = &walk->scan;
	uint64_t next = low;
	err_t err = OK;
	sql_bind_u64(s, low);
	sql_bind_u64(s, *high);
	while (err == OK && (err = sql_step(s)) == OK) {
		err = test_into(walk, s);
		if (--max == 0 || walk->passed.count == walk->wanted) {
			next = sql_u64(s, 0);
			break;
		}
	}
	sql_reset(s);
	*high = next;
	return err == ERR_NOTFOUND ? OK : err;
}

static err_t
seek_set(struct walk *walk, size_t place, uint64_t segment, uint64_t low, uint64_t high)
{
	struct sql_statement *s = &walk->seek[place];
	const struct id_list *values = &walk->sets[place]->list;
	err_t err = OK;
	for (size_t i = 0; i < values->count && err == OK; i++) {
		sql_bind_u64(s, segment);
		sql_bind_u64(s, values->ids[i]);
		sql_bind_u64(s, low);
		sql_bind_u64(s, high);
		while ((err = sql_step(s)) == OK)
			id_list_add(&walk->found, sql_u64(s, 0));
		err = err == ERR_NOTFOUND ? OK : err;
	}
	return err;
}

static err_t
test_found(struct walk *walk, uint64_t id)
{
	if (walk->is_exact) {
		id_list_add(&walk->passed, id);
		return OK;
	}
	sql_bind_u64(&walk->row, id);
	err_t err = sql_step(&walk->row);
	if (err == OK)
		err = test_into(walk, &walk->row);
	sql_reset(&walk->row);
	return err == ERR_NOTFOUND ? OK : err;
}

static err_t
seek(struct walk *walk, uint64_t segment, uint64_t low, uint64_t high)
{
	uint64_t before = 0;
	err_t err = OK;
	walk->found.count = 0;
	for (size_t i = 0; i < SEEK_N && err == OK; i++)
		if (walk->sets[i] != NULL)
			err = seek_set(walk, i, segment, low, high);
	id_list_sort_descending(&walk->found);
	for (size_t i = 0; i < walk->found.count && err == OK; i++) {
		if (walk->passed.count == walk->wanted)
			break;
		/* Two sets may name one report. */
		if (walk->found.ids[i] != before)
			err = test_found(walk, walk->found.ids[i]);
		before = walk->found.ids[i];
	}
	return err;
}

/* Outside of every transaction. */
static err_t
hand_on(struct walk *walk)
{
	err_t err = OK;
	for (size_t i = 0; i < walk->passed.count && err == OK; i++)
		err = walk->each(walk->context, walk->passed.ids[i]);
	walk->wanted -= walk->passed.count;
	walk->passed.count = 0;
	return err;
}

static err_t
walk_segment(struct walk *walk, uint64_t segment, uint64_t low, uint64_t high)
{
	err_t err = sql_begin(walk->sieve.sql);
	if (err == OK)
		err = walk->is_seeking ? seek(walk, segment, low, high)
				       : scan(walk, low, &high, SIZE_MAX);
	sql_rollback(walk->sieve.sql);
	return err == OK ? hand_on(walk) : err;
}

/* ---- which way ---- */

/* The set with the fewest reports among those with few values. */
static void
choose_set(struct walk *walk)
{
	const struct id_set *best = NULL;
	size_t place = 0;
	for (size_t i = 0; i < SEEK_N; i++) {
		enum dimension dimension = seeks[i].dimension;
		if (dimension == DIM_DETAIL)
			continue;
		const struct id_set *set = dimension == DIM_BUCKET
						   ? &walk->sieve.buckets
						   : &walk->sieve.dimensions[dimension];
		if (!set->is_on || !set->is_counted || set->list.count > walk->list_max ||
		    (best != NULL && best->reports <= set->reports))
			continue;
		best = set;
		place = i;
	}
	walk->is_seeking = best != NULL;
	walk->sets[place] = best;
	walk->is_exact = best != NULL && sieve_is_only(&walk->sieve, best);
}

static void
choose_text(struct walk *walk)
{
	memset(walk->sets, 0, sizeof(walk->sets));
	for (size_t i = 0; i < SEEK_N; i++) {
		const struct id_set *set = &walk->sieve.text.candidates[seeks[i].dimension];
		walk->sets[i] = set->list.count > 0 ? set : NULL;
	}
	walk->is_seeking = true;
	walk->is_exact = false;
}

static uint64_t
reports_of_choice(const struct walk *walk)
{
	for (size_t i = 0; i < SEEK_N; i++)
		if (walk->sets[i] != NULL)
			return walk->sets[i]->reports;
	return UINT64_MAX;
}

/* Reads the newest rows first: what is in many reports needs no index. */
static err_t
probe_text(struct walk *walk, bool *ret_is_common)
{
	struct sieve *sieve = &walk->sieve;
	err_t err = sql_begin(sieve->sql);
	if (err == OK)
		err = scan(walk, sieve->low, &sieve->high, walk->probe_rows);
	sql_rollback(sieve->sql);
	size_t passed = walk->passed.count;
	if (err == OK)
		err = hand_on(walk);
	*ret_is_common = walk->wanted <= passed * TEXT_READ_ROWS / walk->probe_rows;
	return err;
}

static err_t
choose_with_text(struct walk *walk)
{
	bool is_common;
	size_t count = 0;
	if (walk->is_seeking && reports_of_choice(walk) <= FEW_REPORTS)
		return OK;
	err_t err = probe_text(walk, &is_common);
	if (err != OK || is_common || walk->wanted == 0)
		return err;
	err = sql_begin(walk->sieve.sql);
	if (err == OK)
		err = text_search_load(&walk->sieve.text, &count);
	sql_rollback(walk->sieve.sql);
	if (err == OK && count == 0)
		walk->sieve.is_empty = true;
	if (err == OK && count <= walk->list_max)
		choose_text(walk);
	return err;
}

/* ---- all of them ---- */

static err_t
list_segments(struct walk *walk)
{
	struct sql_statement s = {0};
	err_t err = sql_prepare(walk->sieve.sql, segments_text, &s, NULL);
	if (err != OK)
		return err;
	sql_bind_u64(&s, walk->sieve.high);
	while ((err = sql_step(&s)) == OK) {
		id_list_add(&walk->segments, sql_u64(&s, 0));
		id_list_add(&walk->firsts, sql_u64(&s, 1));
	}
	sql_finalize(&s);
	return err == ERR_NOTFOUND ? OK : err;
}

static err_t
walk_segments(struct walk *walk)
{
	struct sieve *sieve = &walk->sieve;
	uint64_t high = sieve->high;
	err_t err = sieve->is_empty ? OK : list_segments(walk);
	for (size_t i = 0; i < walk->segments.count && err == OK; i++) {
		/* What came late and is older than all is in the first segment. */
		bool is_first = i + 1 == walk->segments.count;
		uint64_t first = is_first ? 0 : walk->firsts.ids[i];
		uint64_t low = first > sieve->low ? first : sieve->low;
		if (walk->wanted == 0 || sieve->low >= high)
			break;
		if (low < high)
			err = walk_segment(walk, walk->segments.ids[i], low, high);
		high = low;
	}
	return err;
}

static err_t
walk_reports(struct walk *walk)
{
	err_t err = sieve_list_buckets(&walk->sieve, walk->list_max, false);
	if (err != OK || walk->sieve.is_empty)
		return err;
	choose_set(walk);
	if (walk->sieve.text.is_on)
		err = choose_with_text(walk);
	return err == OK ? walk_segments(walk) : err;
}

err_t
derived_each_report(struct derived *derived, const struct report_filter *filter, struct page page,
		    derived_each_id_fn each, void *context)
{
	struct walk walk;
	err_t err = derived_refresh(derived, NULL);
	if (err != OK)
		return err;
	derived->n_lists++;
	err = walk_init(&walk, derived, filter);
	if (page.after != 0 && page.after < walk.sieve.high)
		walk.sieve.high = page.after;
	walk.wanted = page.limit == 0 ? SIZE_MAX : page.limit;
	walk.each = each;
	walk.context = context;
	if (err == OK)
		err = walk_reports(&walk);
	walk_done(&walk);
	derived->n_lists--;
	return err;
}

/* ---- counting ---- */

static err_t
count_one(void *context, uint64_t report)
{
	(void)report;
	++*(uint64_t *)context;
	return OK;
}

static err_t
count_all(const struct sieve *sieve, uint64_t *ret_count)
{
	struct sql_statement s = {0};
	err_t err = sql_prepare(sieve->sql, "SELECT reports FROM state", &s, NULL);
	if (err == OK)
		err = sql_step(&s);
	if (err == OK)
		*ret_count = sql_u64(&s, 0);
	sql_finalize(&s);
	return err;
}

/* Without looking at reports: everything, or what is counted for the values of one set. */
static err_t
count_known(const struct sieve *sieve, const struct report_filter *filter, bool *ret_is_known,
	    uint64_t *ret_count)
{
	const struct id_set *set = NULL;
	*ret_is_known = false;
	if (filter->since_us > 0 || filter->until_us > 0)
		return OK;
	for (size_t i = 0; i < DIM_COUNTED_N; i++)
		set = sieve->dimensions[i].is_on ? &sieve->dimensions[i] : set;
	for (size_t i = 0; i < PART_N; i++)
		set = sieve->parts[i].is_on ? &sieve->parts[i] : set;
	set = sieve->buckets.is_on ? &sieve->buckets : set;
	*ret_is_known = sieve_is_only(sieve, set) && (set == NULL || set->is_counted);
	if (!*ret_is_known)
		return OK;
	if (set == NULL)
		return count_all(sieve, ret_count);
	*ret_count = set->reports;
	return OK;
}

err_t
derived_count_reports(struct derived *derived, const struct report_filter *filter, uint64_t max,
		      uint64_t *ret_count)
{
	struct walk walk;
	bool is_known = false;
	uint64_t count = 0;
	err_t err = derived_refresh(derived, NULL);
	if (err != OK)
		return err;
	err = walk_init(&walk, derived, filter);
	walk.wanted = max;
	walk.each = count_one;
	walk.context = &count;
	if (err == OK)
		err = sieve_list_buckets(&walk.sieve, walk.list_max, false);
	if (err == OK && !walk.sieve.is_empty)
		err = count_known(&walk.sieve, filter, &is_known, &count);
	if (err == OK && !walk.sieve.is_empty && !is_known)
		err = walk_reports(&walk);
	walk_done(&walk);
	if (err == OK)
		*ret_count = count > max ? max : count;
	return err;
}
