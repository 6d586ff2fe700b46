#include "store/derived_writer.h"

#include <stdlib.h>

/* Which buckets an owner (a machine, a user, an application) has reported.
 *
 * A row for each pair would be the largest table of all, and each report would touch a page of
 * its own in it.  Packed, a machine's hundred buckets are one row of some 200 bytes: the members
 * ascending, each as the distance from the one before in base 128, the first one's from the row's
 * own `first`.  A row that grew too long is cut in two at its middle, so that no sender can make
 * one look-up long.  An owner's first row begins at 0.
 */
enum {
	ROW_BYTES_MAX = 800, /* longer ones would spill out of their page */
	NUMBER_BYTES_MAX = 10,
	RECENT = 65536 /* slots; a power of two */
};

#define PAIR_TEXTS(name)                                                                           \
	{                                                                                          \
		"SELECT first, members FROM " name " WHERE owner = ? AND first <= ?"               \
		" ORDER BY first DESC LIMIT 1",                                                    \
			"INSERT INTO " name " VALUES(?, ?, ?)",                                    \
			"UPDATE " name " SET members = ?3 WHERE owner = ?1 AND first = ?2"         \
	}
static const char *const pair_texts[PAIR_N][3] = {
	[PAIR_MACHINE] = PAIR_TEXTS("machine_bucket"),
	[PAIR_USER] = PAIR_TEXTS("user_bucket"),
	[PAIR_APPLICATION] = PAIR_TEXTS("application_bucket"),
};
static const char add_system_text[] = "INSERT OR IGNORE INTO machine_system VALUES(?, ?)";

/* A row while it is worked on: the bytes of two, because it may become two. */
struct packed {
	uint8_t bytes[ROW_BYTES_MAX + 3 * NUMBER_BYTES_MAX];
	size_t len;
};

err_t
pairs_prepare(struct pairs *pairs, struct sql *sql, struct err_detail *detail)
{
	err_t err = sql_prepare(sql, add_system_text, &pairs->add_system, detail);
	for (size_t i = 0; i < PAIR_N && err == OK; i++) {
		err = sql_prepare(sql, pair_texts[i][0], &pairs->find[i], detail);
		if (err == OK)
			err = sql_prepare(sql, pair_texts[i][1], &pairs->add[i], detail);
		if (err == OK)
			err = sql_prepare(sql, pair_texts[i][2], &pairs->change[i], detail);
	}
	return err;
}

void
pairs_finalize(struct pairs *pairs)
{
	sql_finalize(&pairs->add_system);
	sql_finalize_all(pairs->find, PAIR_N);
	sql_finalize_all(pairs->add, PAIR_N);
	sql_finalize_all(pairs->change, PAIR_N);
}

void
pairs_forget(struct pairs *pairs)
{
	for (size_t i = 0; i <= PAIR_N; i++) {
		free(pairs->recent[i]);
		pairs->recent[i] = NULL;
	}
}

/* Was this pair put lately?  If not, it is from now on. */
static bool
is_recent(struct pairs *pairs, size_t set, uint64_t owner, uint64_t member)
{
	uint64_t pair = owner << 32 | member;
	uint64_t mixed = (pair ^ pair >> 29) * UINT64_C(0x9e3779b97f4a7c15);
	if (owner > UINT32_MAX || member > UINT32_MAX)
		return false;
	if (pairs->recent[set] == NULL)
		pairs->recent[set] = calloc(RECENT, sizeof(uint64_t));
	if (pairs->recent[set] == NULL)
		abort();
	uint64_t *slot = &pairs->recent[set][mixed >> 48 & (RECENT - 1)];
	if (*slot == pair)
		return true;
	*slot = pair;
	return false;
}

static size_t
format_number(uint64_t number, uint8_t *out)
{
	size_t len = 0;
	while (number >= 0x80) {
		out[len++] = (uint8_t)(number | 0x80);
		number >>= 7;
	}
	out[len++] = (uint8_t)number;
	return len;
}

bool
derived_next_member(struct slice members, size_t *at, uint64_t *member)
{
	uint64_t distance = 0;
	for (unsigned shift = 0; *at < members.len && shift < 64; shift += 7) {
		uint8_t byte = members.data[(*at)++];
		distance |= (uint64_t)(byte & 0x7f) << shift;
		if ((byte & 0x80) == 0) {
			*member += distance;
			return true;
		}
	}
	return false;
}

/* Puts MEMBER where it belongs.  False: it is there already. */
static bool
insert_member(struct slice old, uint64_t first, uint64_t member, struct packed *ret_row)
{
	uint64_t before = first;
	uint64_t next = first;
	size_t at = 0;
	size_t from = 0; /* of NEXT */
	bool has_next;
	while ((has_next = derived_next_member(old, &at, &next)) && next < member) {
		before = next;
		from = at;
	}
	if (has_next && next == member)
		return false;
	memcpy(ret_row->bytes, old.data, from);
	ret_row->len = from;
	ret_row->len += format_number(member - before, ret_row->bytes + ret_row->len);
	if (has_next) {
		ret_row->len += format_number(next - member, ret_row->bytes + ret_row->len);
		memcpy(ret_row->bytes + ret_row->len, old.data + at, old.len - at);
		ret_row->len += old.len - at;
	}
	return true;
}

static err_t
write_row(struct sql_statement *s, uint64_t owner, uint64_t first, struct slice members)
{
	sql_bind_u64(s, owner);
	sql_bind_u64(s, first);
	sql_bind_blob(s, members);
	return sql_run(s);
}

/* The first half stays, the second becomes a row that begins with its own first member. */
static err_t
write_halves(struct pairs *pairs, enum pair_set set, uint64_t owner, uint64_t first,
	     const struct packed *row)
{
	struct slice members = slice_of(row->bytes, row->len);
	struct packed second;
	uint64_t member = first;
	size_t middle = 0;
	size_t at = 0;
	while (at < row->len / 2 && derived_next_member(members, &at, &member))
		middle = at;
	if (!derived_next_member(members, &at, &member))
		return ERR_STALE;
	second.len = format_number(0, second.bytes);
	memcpy(second.bytes + second.len, row->bytes + at, row->len - at);
	second.len += row->len - at;
	err_t err = write_row(&pairs->change[set], owner, first, slice_sub(members, 0, middle));
	return err == OK ? write_row(&pairs->add[set], owner, member,
				     slice_of(second.bytes, second.len))
			 : err;
}

static err_t
put_into_row(struct pairs *pairs, enum pair_set set, uint64_t owner, uint64_t member,
	     bool *ret_is_new)
{
	struct sql_statement *s = &pairs->find[set];
	struct packed row = {.len = 0};
	uint64_t first = 0;
	sql_bind_u64(s, owner);
	sql_bind_u64(s, member);
	err_t err = sql_step(s);
	if (err == ERR_NOTFOUND) {
		*ret_is_new = true;
		row.len = format_number(member, row.bytes);
		return write_row(&pairs->add[set], owner, 0, slice_of(row.bytes, row.len));
	}
	if (err != OK)
		return err;
	first = sql_u64(s, 0);
	struct slice old = sql_blob(s, 1);
	bool is_whole = old.len <= ROW_BYTES_MAX;
	*ret_is_new = is_whole && insert_member(old, first, member, &row);
	sql_reset(s);
	if (!is_whole)
		return ERR_STALE;
	if (!*ret_is_new)
		return OK;
	if (row.len > ROW_BYTES_MAX)
		return write_halves(pairs, set, owner, first, &row);
	return write_row(&pairs->change[set], owner, first, slice_of(row.bytes, row.len));
}

err_t
pairs_put(struct pairs *pairs, enum pair_set set, uint64_t owner, uint64_t member, bool *ret_is_new)
{
	bool is_new = false;
	err_t err = OK;
	if (owner != 0 && !is_recent(pairs, set, owner, member))
		err = put_into_row(pairs, set, owner, member, &is_new);
	if (err == OK)
		*ret_is_new = is_new;
	return err;
}

err_t
pairs_put_system(struct pairs *pairs, uint64_t system, uint64_t machine)
{
	if (system == 0 || is_recent(pairs, PAIR_N, system, machine))
		return OK;
	sql_bind_u64(&pairs->add_system, system);
	sql_bind_u64(&pairs->add_system, machine);
	return sql_run(&pairs->add_system);
}
