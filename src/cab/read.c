/* Opening: headers, their order in a set, tables, blocks; then segments are joined to folders,
 * members get folders, names and faults.
 *
 *   parts      0            1             2
 *   segments   0  1         2             3  4
 *   folders    0  1 --------+-------------+  2
 */
#include "cab/read.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/time.h"
#include "cab/names.h"
#include "cab/opened.h"

const struct cab_limits cab_limits_default = {
	.members = LIMIT_CAB_MEMBERS,
	.folders = LIMIT_CAB_FOLDERS,
	.parts = LIMIT_CAB_PARTS,
	.member_bytes = LIMIT_CAB_MEMBER_BYTES,
	.all_bytes = LIMIT_CAB_ALL_BYTES,
	.ratio = LIMIT_CAB_RATIO,
	.ratio_free_bytes = LIMIT_CAB_RATIO_FREE_BYTES,
	.table_bytes = LIMIT_CAB_ARENA_BYTES,
};

static err_t
refuse(enum cab_reason reason, uint32_t part, uint64_t offset, struct cab_fault *reterr)
{
	*reterr = (struct cab_fault){reason, part, offset};
	return cab_fault_err(*reterr);
}

/* ---- headers and tables ---- */

static int
compare_set_index(const void *a, const void *b)
{
	const struct cab_tables *left = a;
	const struct cab_tables *right = b;
	if (left->set_index != right->set_index)
		return left->set_index < right->set_index ? -1 : 1;
	return left->part < right->part ? -1 : 1;
}

static err_t
order_parts(struct cab *cab, struct cab_fault *reterr)
{
	qsort(cab->tables, cab->n_parts, sizeof(*cab->tables), compare_set_index);
	for (uint32_t i = 0; i < cab->n_parts; i++) {
		struct cab_tables *t = &cab->tables[i];
		t->part = i;
		if (i > 0 && (t->set_id != t[-1].set_id || t->set_index != t[-1].set_index + 1))
			return refuse(CAB_PARTS_MISMATCH, i, 32, reterr);
	}
	return OK;
}

static err_t
count(struct cab *cab, struct cab_fault *reterr)
{
	size_t n_folders = 0;
	size_t n_members = 0;
	for (uint32_t i = 0; i < cab->n_parts; i++) {
		n_folders += cab->tables[i].n_folders;
		n_members += cab->tables[i].n_members;
		if (n_folders > cab->limits.folders)
			return refuse(CAB_TOO_MANY_FOLDERS, i, 26, reterr);
		if (n_members > cab->limits.members)
			return refuse(CAB_TOO_MANY_MEMBERS, i, 28, reterr);
	}
	cab->segments = arena_array(&cab->arena, n_folders, sizeof(*cab->segments));
	cab->folders = arena_array(&cab->arena, n_folders, sizeof(*cab->folders));
	cab->states = arena_array(&cab->arena, n_folders, sizeof(*cab->states));
	cab->members = arena_array(&cab->arena, n_members, sizeof(*cab->members));
	cab->by_place = arena_array(&cab->arena, n_members, sizeof(struct cab_member *));
	cab->library_parts = arena_array(&cab->arena, cab->n_parts, sizeof(*cab->library_parts));
	if (cab->segments == NULL || cab->folders == NULL || cab->states == NULL ||
	    cab->members == NULL || cab->by_place == NULL || cab->library_parts == NULL)
		return refuse(CAB_MEMORY, 0, 0, reterr);
	return OK;
}

static err_t
read_headers(struct cab *cab, const struct slice *parts, struct cab_fault *reterr)
{
	err_t err = OK;
	cab->tables = arena_array(&cab->arena, cab->n_parts, sizeof(*cab->tables));
	if (cab->tables == NULL)
		return refuse(CAB_MEMORY, 0, 0, reterr);
	for (uint32_t i = 0; i < cab->n_parts && err == OK; i++)
		err = cab_tables_header(parts[i], i, &cab->tables[i], reterr);
	if (err == OK)
		err = order_parts(cab, reterr);
	return err == OK ? count(cab, reterr) : err;
}

/* Of each part, into the arrays behind those of the part before. */
static err_t
read_tables(struct cab *cab, struct cab_fault *reterr)
{
	struct cab_segment *segments = cab->segments;
	struct cab_member *members = cab->members;
	for (uint32_t i = 0; i < cab->n_parts; i++) {
		struct cab_tables *t = &cab->tables[i];
		err_t err = cab_tables_folders(t, segments, reterr);
		if (err == OK)
			err = cab_tables_members(t, segments, members, reterr);
		if (err != OK)
			return err;
		if (!cab_tables_data(t, segments, &cab->arena))
			return refuse(CAB_MEMORY, i, 0, reterr);
		cab->library_parts[i].tables = t;
		cab->library_parts[i].segments = segments;
		segments += t->n_folders;
		members += t->n_members;
	}
	return OK;
}

/* ---- folders ---- */

static void
add_segment(struct cab_folder *folder, struct folder_state *state, struct cab_segment *segment)
{
	state->n_segments++;
	folder->blocks += segment->blocks;
	folder->packed_bytes += segment->packed_bytes;
	folder->bytes += segment->bytes;
	folder->fault = segment->fault;
	state->goes_on = segment->is_to_next;
}

static void
begin_folder(struct cab *cab, struct cab_segment *segment)
{
	struct cab_folder *folder = &cab->folders[cab->info.n_folders];
	struct folder_state *state = &cab->states[cab->info.n_folders];
	unsigned method = segment->compression & 0x0f;
	cab->info.n_folders++;
	folder->compression = segment->compression;
	folder->method = method < CAB_METHOD_N ? (enum cab_method)method : CAB_METHOD_N;
	state->segments = segment;
	state->starts_before = segment->is_from_previous;
	add_segment(folder, state, segment);
}

/* Goes the last folder on with SEGMENT?  Both sides must say so, [MS-CAB] 2.2.  A folder that
 * is broken before its end stays as it is, and SEGMENT has no beginning then. */
static err_t
join_segment(struct cab *cab, struct cab_segment *segment, bool *ret_joined,
	     struct cab_fault *reterr)
{
	struct cab_folder *folder = &cab->folders[cab->info.n_folders - 1];
	struct folder_state *state = &cab->states[cab->info.n_folders - 1];
	const struct cab_segment *last = &state->segments[state->n_segments - 1];
	*ret_joined = false;
	if (!last->is_to_next && !segment->is_from_previous)
		return OK;
	if (last->is_to_next != segment->is_from_previous ||
	    last->compression != segment->compression ||
	    (!cab_has_fault(last->fault) && !last->ends_split) ||
	    folder->blocks + segment->blocks > UINT16_MAX)
		return refuse(CAB_PARTS_MISMATCH, segment->part,
			      cab->tables[segment->part].folders_offset, reterr);
	if (cab_has_fault(last->fault)) {
		segment->fault = last->fault;
		return OK;
	}
	if (segment->blocks == 0) {
		folder->fault = segment->fault;
		return OK;
	}
	add_segment(folder, state, segment);
	*ret_joined = true;
	return OK;
}

static void
move_members(const struct cab_tables *t, struct cab_member *members, uint32_t first_folder)
{
	for (size_t i = 0; i < t->n_members; i++) {
		if (members[i].folder != CAB_NO_FOLDER)
			members[i].folder += first_folder;
	}
}

/* The same member, listed again in the next part that it reaches into. */
static bool
is_repeated(const struct cab *cab, const struct cab_member *member)
{
	if (member->folder_index != CAB_FROM_PREVIOUS &&
	    member->folder_index != CAB_FROM_PREVIOUS_TO_NEXT)
		return false;
	for (size_t i = 0; i < cab->info.n_members; i++) {
		const struct cab_member *other = &cab->members[i];
		if (other->part < member->part && other->folder_offset == member->folder_offset &&
		    other->bytes == member->bytes && other->folder_index >= CAB_TO_NEXT &&
		    slice_equal(other->raw_name, member->raw_name))
			return true;
	}
	return false;
}

/* MEMBERS lie behind those that were taken already. */
static void
take_members(struct cab *cab, const struct cab_tables *t, const struct cab_member *members)
{
	for (size_t i = 0; i < t->n_members; i++) {
		if (is_repeated(cab, &members[i]))
			continue;
		cab->members[cab->info.n_members++] = members[i];
	}
}

static err_t
join_parts(struct cab *cab, struct cab_fault *reterr)
{
	struct cab_segment *segments = cab->segments;
	struct cab_member *members = cab->members;
	for (uint32_t i = 0; i < cab->n_parts; i++) {
		const struct cab_tables *t = &cab->tables[i];
		bool joined = false;
		err_t err = i == 0 ? OK : join_segment(cab, segments, &joined, reterr);
		if (err != OK)
			return err;
		if (joined) {
			cab->library_parts[i - 1].joins_next = true;
			cab->library_parts[i].joins_previous = true;
		}
		move_members(t, members, (uint32_t)(cab->info.n_folders - joined));
		for (size_t k = joined; k < t->n_folders; k++)
			begin_folder(cab, &segments[k]);
		take_members(cab, t, members);
		segments += t->n_folders;
		members += t->n_members;
	}
	return OK;
}

/* ---- members ---- */

/* Through base/time.h, which knows what days there are. */
static void
read_time(struct cab_member *m)
{
	char text[TIME_TEXT_BYTES];
	if (m->dos_date == 0 && m->dos_time == 0)
		return;
	(void)snprintf(text, sizeof(text), "%04u-%02u-%02uT%02u:%02u:%02uZ",
		       1980U + (m->dos_date >> 9), m->dos_date >> 5 & 0x0fU, m->dos_date & 0x1fU,
		       m->dos_time >> 11 & 0x1fU, m->dos_time >> 5 & 0x3fU,
		       (m->dos_time & 0x1fU) * 2);
	bool is_leap_second = (m->dos_time & 0x1f) > 29; /* which RFC 3339 has */
	if (is_leap_second || !time_parse(slice_str(text), 0, &m->time_us)) {
		m->time_us = 0;
		m->flags |= CAB_MEMBER_BAD_TIME;
	}
}

static enum cab_reason
judge_member(const struct cab *cab, const struct cab_member *m)
{
	const struct cab_folder *folder = &cab->folders[m->folder];
	const struct folder_state *state = &cab->states[m->folder];
	if (m->bytes > cab->limits.member_bytes)
		return CAB_MEMBER_TOO_LARGE;
	if (state->starts_before)
		return CAB_NEEDS_PREVIOUS;
	if (m->bytes == 0 || (uint64_t)m->folder_offset + m->bytes <= folder->bytes)
		return CAB_NO_FAULT;
	return state->goes_on ? CAB_NEEDS_NEXT : CAB_OUTSIDE_FOLDER;
}

static void
find_fault(const struct cab *cab, struct cab_member *m)
{
	if (cab_has_fault(m->fault))
		return;
	enum cab_reason reason = judge_member(cab, m);
	const struct cab_folder *folder = &cab->folders[m->folder];
	bool is_missing = reason == CAB_NEEDS_PREVIOUS || reason == CAB_NEEDS_NEXT ||
			  reason == CAB_OUTSIDE_FOLDER;
	if (is_missing && cab_has_fault(folder->fault))
		m->fault = folder->fault;
	else if (reason != CAB_NO_FAULT)
		m->fault = (struct cab_fault){reason, m->part, m->entry_offset};
}

static int
compare_places(const void *a, const void *b)
{
	const struct cab_member *const *left = a;
	const struct cab_member *const *right = b;
	if ((*left)->folder != (*right)->folder)
		return (*left)->folder < (*right)->folder ? -1 : 1;
	if ((*left)->folder_offset != (*right)->folder_offset)
		return (*left)->folder_offset < (*right)->folder_offset ? -1 : 1;
	return (*left)->index < (*right)->index ? -1 : 1;
}

static void
sort_by_place(struct cab *cab)
{
	size_t n = cab->info.n_members;
	struct cab_member *reaching = NULL; /* of those before, the one that ends last */
	uint64_t end = 0;
	for (size_t i = 0; i < n; i++)
		cab->by_place[i] = &cab->members[i];
	qsort(cab->by_place, n, sizeof(struct cab_member *), compare_places);
	for (size_t i = 0; i < n; i++) {
		struct cab_member *m = cab->by_place[i];
		if (m->bytes == 0)
			continue;
		bool is_same_folder = reaching != NULL && reaching->folder == m->folder;
		if (is_same_folder && m->folder_offset < end) {
			m->flags |= CAB_MEMBER_SHARES_BYTES;
			reaching->flags |= CAB_MEMBER_SHARES_BYTES;
		}
		uint64_t own_end = (uint64_t)m->folder_offset + m->bytes;
		if (!is_same_folder || own_end > end) {
			reaching = m;
			end = own_end;
		}
	}
}

static err_t
finish_members(struct cab *cab, struct cab_fault *reterr)
{
	size_t n = cab->info.n_members;
	for (uint32_t i = 0; i < n; i++) {
		struct cab_member *m = &cab->members[i];
		m->index = i;
		read_time(m);
		find_fault(cab, m);
		if (!cab_name_member(m, &cab->arena))
			return refuse(CAB_MEMORY, m->part, m->entry_offset, reterr);
	}
	if (!cab_name_tell_apart(cab->members, n, &cab->arena))
		return refuse(CAB_MEMORY, 0, 0, reterr);
	sort_by_place(cab);
	return OK;
}

/* ---- what is told of the whole ---- */

static void
fill_info(struct cab *cab)
{
	struct cab_info *info = &cab->info;
	const struct cab_tables *first = &cab->tables[0];
	const struct cab_tables *last = &cab->tables[cab->n_parts - 1];
	for (size_t i = 0; i < cab->n_parts; i++) {
		const struct cab_tables *t = &cab->tables[i];
		info->flags |= t->flags & ~(uint32_t)(CAB_HAS_PREVIOUS | CAB_HAS_NEXT);
		info->bytes += t->in.len;
		info->claimed_bytes += t->claimed_bytes;
		info->bytes_behind += t->bytes_behind;
		info->gap_bytes += t->gap_bytes;
		info->reserve_bytes += t->header_reserve;
	}
	info->flags |= (first->flags & CAB_HAS_PREVIOUS) | (last->flags & CAB_HAS_NEXT);
	info->set_id = first->set_id;
	info->set_index = first->set_index;
	info->previous_name = cab_name_text(first->previous_name, &cab->arena);
	info->previous_disk = cab_name_text(first->previous_disk, &cab->arena);
	info->next_name = cab_name_text(last->next_name, &cab->arena);
	info->next_disk = cab_name_text(last->next_disk, &cab->arena);
	info->folders = cab->folders;
	info->members = cab->members;
}

static err_t
open_parts(struct cab *cab, const struct slice *parts, struct cab_fault *reterr)
{
	err_t err = read_headers(cab, parts, reterr);
	if (err == OK)
		err = read_tables(cab, reterr);
	if (err == OK)
		err = join_parts(cab, reterr);
	if (err == OK)
		err = finish_members(cab, reterr);
	if (err == OK)
		fill_info(cab);
	return err;
}

err_t
cab_open_set(const struct slice *parts, size_t n_parts, const struct cab_limits *limits,
	     struct cab **ret_cab, struct cab_fault *reterr)
{
	if (limits == NULL)
		limits = &cab_limits_default;
	if (n_parts == 0)
		return refuse(CAB_NOT_A_CABINET, 0, 0, reterr);
	if (n_parts > limits->parts || n_parts > LIMIT_CAB_PARTS)
		return refuse(CAB_TOO_MANY_PARTS, 0, 0, reterr);
	struct cab *cab = calloc(1, sizeof(*cab));
	if (cab == NULL)
		abort();
	arena_init(&cab->arena, limits->table_bytes);
	cab->limits = *limits;
	cab->n_parts = n_parts;
	err_t err = open_parts(cab, parts, reterr);
	if (err == OK)
		*ret_cab = cab;
	else
		cab_close(cab);
	return err;
}

err_t
cab_open(struct slice cabinet, const struct cab_limits *limits, struct cab **ret_cab,
	 struct cab_fault *reterr)
{
	return cab_open_set(&cabinet, 1, limits, ret_cab, reterr);
}

void
cab_close(struct cab *cab)
{
	if (cab == NULL)
		return;
	cab_library_close(cab->library);
	arena_done(&cab->arena);
	free(cab);
}

const struct cab_info *
cab_info(const struct cab *cab)
{
	return &cab->info;
}
