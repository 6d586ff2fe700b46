#include "report/process_list.h"

#include <stdlib.h>

#include "base/limits.h"
#include "report/rows.h"

static const struct {
	const char *name;
	const char *json;
} columns[PROCESS_COLUMN_N] = {
#define PROCESS_ROW_(code, column, json) [code] = {column, json},
	PROCESS_COLUMNS(PROCESS_ROW_)
#undef PROCESS_ROW_
};

/* What each field of a row is, by its place. */
struct header {
	enum process_column columns[LIMIT_PROCESS_COLUMNS]; /* PROCESS_COLUMN_N: unknown */
	size_t n;
};

/* Takes the first field off *rest; a quoted one keeps its quotes off and doubled ones doubled.
 * False: the row has no more. */
static bool
take_field(struct slice *rest, struct slice *ret_field)
{
	struct slice in = *rest;
	size_t len = 0;
	if (slice_is_absent(in))
		return false;
	if (in.len > 0 && in.data[0] == '"') {
		len = 1;
		while (len < in.len &&
		       !(in.data[len] == '"' && (len + 1 == in.len || in.data[len + 1] == ',')))
			len += in.data[len] == '"' ? 2 : 1;
		len = len < in.len ? len : in.len;
		*ret_field = slice_sub(in, 1, len - 1);
		in = slice_sub(in, len + 1, in.len);
	} else {
		while (len < in.len && in.data[len] != ',')
			len++;
		*ret_field = slice_sub(in, 0, len);
		in = slice_sub(in, len, in.len);
	}
	*rest = in.len == 0 ? (struct slice){NULL, 0} : slice_sub(in, 1, in.len);
	return true;
}

static enum process_column
find_column(struct slice name)
{
	for (unsigned i = 0; i < PROCESS_COLUMN_N; i++)
		if (slice_equal_nocase(slice_trim(name), slice_str(columns[i].name)))
			return i;
	return PROCESS_COLUMN_N;
}

static err_t
parse_header(struct slice line, struct header *ret_header, struct process_list *list)
{
	struct header header = {.n = 0};
	uint64_t seen = 0;
	struct slice name;
	while (take_field(&line, &name)) {
		if (header.n == LIMIT_PROCESS_COLUMNS)
			return ERR_LIMIT;
		enum process_column column = find_column(name);
		if (column < PROCESS_COLUMN_N && (seen & UINT64_C(1) << column) != 0)
			column = PROCESS_COLUMN_N; /* twice: the first counts */
		if (column < PROCESS_COLUMN_N)
			seen |= UINT64_C(1) << column;
		else
			list->has_unknown_columns = true;
		header.columns[header.n++] = column;
	}
	list->is_known = (seen & 1 << PROCESS_IMAGE) != 0 && (seen & 1 << PROCESS_ID) != 0;
	*ret_header = header;
	return OK;
}

/* Doubled quotes become one.  Absent: ARENA is full. */
static struct slice
unquote(struct slice field, struct arena *arena)
{
	size_t len = 0;
	if (field.len == 0 || memchr(field.data, '"', field.len) == NULL)
		return field;
	uint8_t *text = arena_alloc(arena, field.len);
	if (text == NULL)
		return (struct slice){NULL, 0};
	for (size_t i = 0; i < field.len; i++) {
		text[len++] = field.data[i];
		if (field.data[i] == '"' && i + 1 < field.len && field.data[i + 1] == '"')
			i++;
	}
	return slice_of(text, len);
}

static err_t
parse_row(struct slice line, const struct header *header, struct arena *arena,
	  struct process_list *list, struct rows *rows)
{
	struct process *process = rows_add(rows, arena);
	struct slice rest = line;
	struct slice field;
	size_t n = 0;
	if (process == NULL)
		return ERR_LIMIT;
	process->row = line;
	for (; take_field(&rest, &field); n++) {
		if (n >= header->n || header->columns[n] == PROCESS_COLUMN_N)
			continue;
		field = unquote(field, arena);
		if (slice_is_absent(field))
			return ERR_LIMIT;
		process->fields[header->columns[n]] = field;
	}
	list->n_odd_rows += n != header->n;
	process->has_id = slice_to_u64(slice_trim(process->fields[PROCESS_ID]), &process->id);
	process->parent = process->first_child = process->next_sibling = PROCESS_NONE;
	return OK;
}

struct by_id {
	uint64_t id;
	uint32_t index;
};

static int
compare_ids(const void *a, const void *b)
{
	const struct by_id *x = a;
	const struct by_id *y = b;
	if (x->id != y->id)
		return x->id < y->id ? -1 : 1;
	return x->index < y->index ? -1 : 1;
}

/* The first process with that id. */
static uint32_t
look_up(const struct by_id *ids, size_t n, uint64_t id)
{
	size_t low = 0;
	size_t high = n;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (ids[middle].id < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low < n && ids[low].id == id ? ids[low].index : PROCESS_NONE;
}

static bool
is_older(const struct process *parent, const struct process *child)
{
	uint64_t a;
	uint64_t b;
	return !slice_to_u64(slice_trim(parent->fields[PROCESS_CREATE_TIME]), &a) ||
	       !slice_to_u64(slice_trim(child->fields[PROCESS_CREATE_TIME]), &b) || a <= b;
}

static void
find_parents(struct process_list *list, const struct by_id *ids, size_t n_ids)
{
	for (size_t i = 0; i < list->n_processes; i++) {
		struct process *process = &list->processes[i];
		uint64_t id;
		if (!slice_to_u64(slice_trim(process->fields[PROCESS_PARENT_ID]), &id))
			continue;
		uint32_t parent = look_up(ids, n_ids, id);
		if (parent != PROCESS_NONE && is_older(&list->processes[parent], process))
			process->parent = parent;
	}
}

/* Follows each chain of parents once; where it comes back to itself it is cut.  MARKS: the number
 * of the walk that passed a process, from 1. */
static void
cut_circles(struct process_list *list, uint32_t *marks)
{
	for (uint32_t i = 0; i < list->n_processes; i++) {
		uint32_t at = i;
		while (marks[at] == 0) {
			marks[at] = i + 1;
			uint32_t parent = list->processes[at].parent;
			if (parent == PROCESS_NONE)
				break;
			if (marks[parent] == i + 1)
				list->processes[at].parent = PROCESS_NONE;
			else
				at = parent;
		}
	}
}

/* From the last row to the first, so that children are in the order of rows. */
static void
link_children(struct process_list *list)
{
	for (uint32_t i = (uint32_t)list->n_processes; i-- > 0;) {
		struct process *process = &list->processes[i];
		if (process->parent == PROCESS_NONE)
			continue;
		struct process *parent = &list->processes[process->parent];
		process->next_sibling = parent->first_child;
		parent->first_child = i;
	}
}

static err_t
make_tree(struct process_list *list, struct arena *arena)
{
	struct by_id *ids = arena_array(arena, list->n_processes, sizeof(*ids));
	uint32_t *marks = arena_array(arena, list->n_processes, sizeof(*marks));
	size_t n = 0;
	if (ids == NULL || marks == NULL)
		return ERR_LIMIT;
	for (uint32_t i = 0; i < list->n_processes; i++)
		if (list->processes[i].has_id)
			ids[n++] = (struct by_id){list->processes[i].id, i};
	qsort(ids, n, sizeof(*ids), compare_ids);
	find_parents(list, ids, n);
	cut_circles(list, marks);
	link_children(list);
	return OK;
}

static err_t
parse_rows(struct slice rest, struct arena *arena, struct process_list *list)
{
	struct rows rows = ROWS_OF(struct process, LIMIT_PROCESSES);
	struct header header;
	struct slice line = {0};
	(void)text_file_line(&rest, &line);
	err_t err = parse_header(line, &header, list);
	if (err != OK || !list->is_known)
		return err;
	while (err == OK && text_file_line(&rest, &line))
		if (slice_trim(line).len > 0)
			err = parse_row(line, &header, arena, list, &rows);
	list->processes = rows.items;
	list->n_processes = rows.n;
	return err == OK ? make_tree(list, arena) : err;
}

err_t
process_list_parse(struct slice in, struct arena *arena, struct process_list *ret_list)
{
	struct process_list list = {0};
	err_t err = text_file_decode(in, arena, &list.text);
	if (err == OK)
		err = parse_rows(list.text.utf8, arena, &list);
	if (err == OK)
		*ret_list = list;
	return err;
}

uint32_t
process_list_find(const struct process_list *list, uint64_t id)
{
	for (uint32_t i = 0; i < list->n_processes; i++)
		if (list->processes[i].has_id && list->processes[i].id == id)
			return i;
	return PROCESS_NONE;
}

/* The first process from FROM on that has no parent. */
static uint32_t
next_root(const struct process_list *list, uint32_t from)
{
	while (from < list->n_processes && list->processes[from].parent != PROCESS_NONE)
		from++;
	return from < list->n_processes ? from : PROCESS_NONE;
}

uint32_t
process_list_next(const struct process_list *list, uint32_t at, size_t *depth)
{
	if (at == PROCESS_NONE) {
		*depth = 0;
		return next_root(list, 0);
	}
	if (list->processes[at].first_child != PROCESS_NONE) {
		(*depth)++;
		return list->processes[at].first_child;
	}
	while (list->processes[at].parent != PROCESS_NONE) {
		if (list->processes[at].next_sibling != PROCESS_NONE)
			return list->processes[at].next_sibling;
		at = list->processes[at].parent;
		(*depth)--;
	}
	return next_root(list, at + 1);
}

/* Times are of 64 bits, which other languages' numbers do not hold. */
static bool
is_text(enum process_column column)
{
	return column == PROCESS_IMAGE || column == PROCESS_CYCLE_TIME ||
	       column == PROCESS_CREATE_TIME || column == PROCESS_USER_TIME ||
	       column == PROCESS_KERNEL_TIME;
}

static void
put_field(enum process_column column, struct slice field, struct json *object)
{
	int64_t number;
	if (!is_text(column) && slice_to_i64(slice_trim(field), &number))
		json_put_number(object, columns[column].json, number);
	else
		json_put_text(object, columns[column].json, field);
}

static struct json *
services_json(struct slice services)
{
	struct json *list = json_new_list();
	struct slice service;
	while (slice_cut(services, '|', &service, &services))
		json_add_text(list, service);
	if (services.len > 0)
		json_add_text(list, services);
	return list;
}

void
process_list_put_json(const struct process_list *list, struct json *object)
{
	struct json *processes = json_new_list();
	size_t depth = 0;
	uint32_t at = PROCESS_NONE;
	json_put_flag(object, "is_known", list->is_known);
	text_file_put_json(&list->text, object);
	json_put_flag(object, "has_unknown_columns", list->has_unknown_columns);
	json_put_count(object, "odd_rows", list->n_odd_rows);
	if (!list->is_known)
		text_file_put_text(list->text.utf8, object);
	while ((at = process_list_next(list, at, &depth)) != PROCESS_NONE) {
		const struct process *process = &list->processes[at];
		struct json *into = json_new_object();
		json_put_count(into, "depth", depth);
		for (unsigned column = 0; column < PROCESS_SERVICES; column++)
			put_field(column, process->fields[column], into);
		json_put(into, "services", services_json(process->fields[PROCESS_SERVICES]));
		if (list->has_unknown_columns || list->n_odd_rows > 0)
			json_put_text(into, "row", process->row);
		json_add(processes, into);
	}
	json_put(object, "processes", processes);
}
