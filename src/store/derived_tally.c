#include "store/derived_writer.h"

#include <stdlib.h>

#define COUNT_TEXT(name)                                                                           \
	"INSERT INTO " name " VALUES(?1, ?2, ?3) ON CONFLICT(id) DO UPDATE SET"                    \
	" reports = reports + ?2, last_report = max(last_report, ?3)"
static const char *const dimension_texts[DIM_COUNTED_N] = {
	[DIM_MACHINE] = COUNT_TEXT("machine_count"),
	[DIM_USER] = COUNT_TEXT("user_count"),
	[DIM_APPLICATION] = COUNT_TEXT("application_count"),
};
static const char part_text[] = "UPDATE part SET reports = reports + ?2,"
				" last_report = max(last_report, ?3) WHERE id = ?1";
static const char day_text[] = "INSERT INTO day_count VALUES(?1 >> 32, ?1 & 4294967295, ?2)"
			       " ON CONFLICT(day, event) DO UPDATE SET reports = reports + ?2";
static const char find_bucket_text[] = "SELECT event, module, code, hits, machines, users,"
				       " cabs_asked, cabs, last_report FROM bucket WHERE id = ?";
static const char put_bucket_text[] =
	"INSERT INTO bucket(id, event, module, code, hits, machines, users, cabs_asked, cabs,"
	" last_report) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT(id) DO UPDATE SET"
	" hits = excluded.hits, machines = excluded.machines, users = excluded.users,"
	" cabs_asked = excluded.cabs_asked, cabs = excluded.cabs,"
	" last_report = excluded.last_report";

err_t
tallies_prepare(struct tallies *tallies, struct sql *sql, struct err_detail *detail)
{
	err_t err = sql_prepare_all(sql, dimension_texts, DIM_COUNTED_N, tallies->put_dimension,
				    detail);
	if (err == OK)
		err = sql_prepare(sql, part_text, &tallies->put_part, detail);
	if (err == OK)
		err = sql_prepare(sql, day_text, &tallies->put_day, detail);
	if (err == OK)
		err = sql_prepare(sql, find_bucket_text, &tallies->find_bucket, detail);
	if (err == OK)
		err = sql_prepare(sql, put_bucket_text, &tallies->put_bucket, detail);
	return err;
}

void
tallies_finalize(struct tallies *tallies)
{
	sql_finalize_all(tallies->put_dimension, DIM_COUNTED_N);
	sql_finalize(&tallies->put_part);
	sql_finalize(&tallies->put_day);
	sql_finalize(&tallies->find_bucket);
	sql_finalize(&tallies->put_bucket);
}

static void
tally_clear(struct tally *tally)
{
	table_done(&tally->index);
	free(tally->rows);
	*tally = (struct tally){0};
}

void
tallies_clear(struct tallies *tallies)
{
	for (size_t i = 0; i < DIM_COUNTED_N; i++)
		tally_clear(&tallies->dimensions[i]);
	tally_clear(&tallies->parts);
	tally_clear(&tallies->days);
	table_done(&tallies->bucket_index);
	free(tallies->buckets);
	tallies->buckets = NULL;
	tallies->n_buckets = tallies->bucket_capacity = 0;
}

/* Room for one more; the old rows move. */
static void *
grow(void *rows, size_t count, size_t *capacity, size_t row_bytes)
{
	if (count < *capacity)
		return rows;
	*capacity = *capacity == 0 ? 64 : *capacity * 2;
	rows = reallocarray(rows, *capacity, row_bytes);
	if (rows == NULL)
		abort();
	return rows;
}

void
tally_add(struct tally *tally, uint64_t id, uint64_t report)
{
	uint64_t place;
	if (id == 0)
		return;
	if (!table_find(&tally->index, id, &place)) {
		tally->rows =
			grow(tally->rows, tally->count, &tally->capacity, sizeof(*tally->rows));
		place = tally->count++;
		tally->rows[place] = (struct tally_row){.id = id};
		table_put(&tally->index, id, place);
	}
	struct tally_row *row = &tally->rows[place];
	row->reports++;
	if (report > row->last_report)
		row->last_report = report;
}

struct bucket_row *
tallies_add_bucket(struct tallies *tallies, const struct bucket_row *row)
{
	tallies->buckets = grow(tallies->buckets, tallies->n_buckets, &tallies->bucket_capacity,
				sizeof(*tallies->buckets));
	struct bucket_row *added = &tallies->buckets[tallies->n_buckets];
	*added = *row;
	table_put(&tallies->bucket_index, row->id, tallies->n_buckets++);
	return added;
}

err_t
tallies_find_bucket(struct tallies *tallies, uint64_t id, struct bucket_row **ret_row)
{
	struct sql_statement *s = &tallies->find_bucket;
	struct bucket_row row = {.id = id};
	uint64_t place;
	if (table_find(&tallies->bucket_index, id, &place)) {
		*ret_row = &tallies->buckets[place];
		return OK;
	}
	sql_bind_u64(s, id);
	err_t err = sql_step(s);
	if (err != OK)
		return err;
	for (int i = 0; i < PART_N; i++)
		row.parts[i] = sql_u64(s, i);
	row.hits = sql_u64(s, 3);
	row.machines = sql_u64(s, 4);
	row.users = sql_u64(s, 5);
	row.cabs_asked = sql_u64(s, 6);
	row.cabs = sql_u64(s, 7);
	row.last_report = sql_u64(s, 8);
	sql_reset(s);
	*ret_row = tallies_add_bucket(tallies, &row);
	return OK;
}

/* ---- writing, in the order of the keys: neighbours share a page ---- */

static int
compare_rows(const void *a, const void *b)
{
	uint64_t left = ((const struct tally_row *)a)->id;
	uint64_t right = ((const struct tally_row *)b)->id;
	return left < right ? -1 : left > right ? 1 : 0;
}

static int
compare_buckets(const void *a, const void *b)
{
	uint64_t left = ((const struct bucket_row *)a)->id;
	uint64_t right = ((const struct bucket_row *)b)->id;
	return left < right ? -1 : left > right ? 1 : 0;
}

static err_t
write_tally(struct tally *tally, struct sql_statement *s, int n_columns)
{
	err_t err = OK;
	if (tally->count > 1)
		qsort(tally->rows, tally->count, sizeof(*tally->rows), compare_rows);
	for (size_t i = 0; i < tally->count && err == OK; i++) {
		sql_bind_u64(s, tally->rows[i].id);
		sql_bind_u64(s, tally->rows[i].reports);
		if (n_columns > 2)
			sql_bind_u64(s, tally->rows[i].last_report);
		err = sql_run(s);
	}
	return err;
}

static err_t
write_buckets(struct tallies *tallies)
{
	struct sql_statement *s = &tallies->put_bucket;
	err_t err = OK;
	if (tallies->n_buckets > 1)
		qsort(tallies->buckets, tallies->n_buckets, sizeof(*tallies->buckets),
		      compare_buckets);
	for (size_t i = 0; i < tallies->n_buckets && err == OK; i++) {
		const struct bucket_row *row = &tallies->buckets[i];
		sql_bind_u64(s, row->id);
		for (size_t k = 0; k < PART_N; k++)
			sql_bind_u64(s, row->parts[k]);
		sql_bind_u64(s, row->hits);
		sql_bind_u64(s, row->machines);
		sql_bind_u64(s, row->users);
		sql_bind_u64(s, row->cabs_asked);
		sql_bind_u64(s, row->cabs);
		sql_bind_u64(s, row->last_report);
		err = sql_run(s);
	}
	return err;
}

err_t
tallies_write(struct tallies *tallies)
{
	err_t err = write_buckets(tallies);
	for (size_t i = 0; i < DIM_COUNTED_N && err == OK; i++)
		err = write_tally(&tallies->dimensions[i], &tallies->put_dimension[i], 3);
	if (err == OK)
		err = write_tally(&tallies->parts, &tallies->put_part, 3);
	if (err == OK)
		err = write_tally(&tallies->days, &tallies->put_day, 2);
	tallies_clear(tallies);
	return err;
}
