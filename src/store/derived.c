#include "store/derived_internal.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "store/id.h"

/* ---- many ids ---- */

void
id_list_add(struct id_list *list, uint64_t id)
{
	if (list->count == list->capacity) {
		size_t capacity = list->capacity == 0 ? 64 : list->capacity * 2;
		uint64_t *ids = reallocarray(list->ids, capacity, sizeof(*ids));
		if (ids == NULL)
			abort();
		list->ids = ids;
		list->capacity = capacity;
	}
	list->ids[list->count++] = id;
}

void
id_list_done(struct id_list *list)
{
	free(list->ids);
	*list = (struct id_list){0};
}

static int
compare_descending(const void *a, const void *b)
{
	uint64_t left = *(const uint64_t *)a;
	uint64_t right = *(const uint64_t *)b;
	return left < right ? 1 : left > right ? -1 : 0;
}

void
id_list_sort_descending(struct id_list *list)
{
	if (list->count > 1)
		qsort(list->ids, list->count, sizeof(*list->ids), compare_descending);
}

struct slice
derived_short_code(struct slice code)
{
	struct slice digits = code;
	if (digits.len > 2 && digits.data[0] == '0' && (digits.data[1] | 0x20) == 'x')
		digits = slice_sub(digits, 2, digits.len);
	while (digits.len > 1 && digits.data[0] == '0')
		digits = slice_sub(digits, 1, digits.len);
	return digits;
}

/* ---- opening ---- */

struct derived *
derived_new(const char *data, enum derived_mode mode)
{
	struct derived *derived = calloc(1, sizeof(*derived));
	if (derived == NULL || asprintf(&derived->folder, "%s/derived", data) < 0)
		abort();
	derived->mode = mode;
	derived->lock_fd = -1;
	derived->list_max = DERIVED_LIST_MAX;
	derived->probe_rows = DERIVED_PROBE_ROWS;
	if (mode == DERIVED_WRITE)
		derived->writer = derived_writer_new();
	return derived;
}

err_t
derived_open(const char *data, enum derived_mode mode, struct derived **ret_derived,
	     struct err_detail *detail)
{
	if (strlen(data) > PATH_MAX - NAME_MAX)
		return err_set(detail, ERR_LIMIT, "%s: path too long", data);
	struct derived *derived = derived_new(data, mode);
	err_t err = derived_open_current(derived, detail);
	if (err != OK)
		derived_close(derived);
	else
		*ret_derived = derived;
	return err;
}

void
derived_close(struct derived *derived)
{
	if (derived == NULL)
		return;
	derived_close_file(derived);
	derived_writer_free(derived->writer);
	if (derived->lock_fd >= 0)
		(void)close(derived->lock_fd);
	free(derived->folder);
	free(derived);
}

/* ---- small questions ---- */

/* One row, read by a statement of this moment. */
static err_t
ask(struct derived *derived, const char *text, struct sql_statement *ret_statement)
{
	struct sql_statement s;
	err_t err = derived_refresh(derived, NULL);
	if (err == OK)
		err = sql_prepare(&derived->sql, text, &s, NULL);
	if (err != OK)
		return err;
	err = sql_step(&s);
	if (err != OK)
		sql_finalize(&s);
	else
		*ret_statement = s;
	return err;
}

err_t
derived_as_of(struct derived *derived, int64_t *ret_us)
{
	struct sql_statement s;
	err_t err = ask(derived, "SELECT as_of_us FROM state", &s);
	if (err != OK)
		return err;
	*ret_us = sql_i64(&s, 0);
	sql_finalize(&s);
	return OK;
}

err_t
derived_totals(struct derived *derived, struct derived_totals *ret_totals)
{
	struct sql_statement s;
	err_t err = ask(derived,
			"SELECT reports, buckets, machines, users, cabs, cab_bytes,"
			" (SELECT min(id) FROM report), (SELECT max(id) FROM report) FROM state",
			&s);
	if (err != OK)
		return err;
	*ret_totals = (struct derived_totals){
		.reports = sql_u64(&s, 0),
		.buckets = sql_u64(&s, 1),
		.machines = sql_u64(&s, 2),
		.users = sql_u64(&s, 3),
		.cabs = sql_u64(&s, 4),
		.cab_bytes = sql_u64(&s, 5),
		.first_us = id_time_us(sql_u64(&s, 6)),
		.last_us = id_time_us(sql_u64(&s, 7)),
	};
	sql_finalize(&s);
	return OK;
}
