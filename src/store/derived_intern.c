#include "store/derived_writer.h"

#include <stdlib.h>

#include "base/hash.h"
#include "base/text.h"
#include "ext/crypto.h"

/* Slots by hash alone: a newer value takes an older one's.  Together at most some 30 MiB. */
static const size_t SLOTS[DIM_INTERNED_N] = {
	[DIM_MACHINE] = 131072, [DIM_USER] = 131072, [DIM_APPLICATION] = 16384,
	[DIM_DETAIL] = 16384,   [DIM_SYSTEM] = 1024,
};

static const char *const find_texts[DIM_INTERNED_N] = {
	[DIM_MACHINE] = "SELECT id FROM machine WHERE name = ?",
	[DIM_USER] = "SELECT id FROM user WHERE name = ?",
	[DIM_APPLICATION] = ("SELECT id FROM application WHERE image IS ? AND name IS ?"
			     " AND path IS ? AND company IS ?"),
	[DIM_DETAIL] = "SELECT id FROM detail WHERE key = ?",
	[DIM_SYSTEM] = "SELECT id FROM system WHERE os IS ? AND lcid IS ? AND oem IS ?",
};

/* The values, for a detail its key, and the report. */
static const char *const add_texts[DIM_INTERNED_N] = {
	[DIM_MACHINE] = "INSERT INTO machine(name, first_report) VALUES(?, ?)",
	[DIM_USER] = "INSERT INTO user(name, first_report) VALUES(?, ?)",
	[DIM_APPLICATION] = "INSERT INTO application(image, name, path, company, first_report)"
			    " VALUES(?, ?, ?, ?, ?)",
	[DIM_DETAIL] = "INSERT INTO detail(event_type, report_type, friendly_event_name,"
		       " event_description, others, key, first_report) VALUES(?, ?, ?, ?, ?, ?, ?)",
	[DIM_SYSTEM] = "INSERT INTO system(os, lcid, oem, first_report) VALUES(?, ?, ?, ?)",
};

#define READ_TEXT(dimension, table, texts)                                                         \
	[dimension] = "SELECT substr(" texts ", 1, 4096) FROM " table " WHERE id = ?",
static const char *const read_text_texts[DIM_N] = {DERIVED_TEXTS(READ_TEXT)};
_Static_assert(DERIVED_TEXT_BYTES == 4096, "as above");

static const char add_text_text[] = "INSERT INTO text_index(rowid, text) VALUES(?, ?)";
static const char find_part_text[] = "SELECT id FROM part WHERE kind = ? AND value = ?";
static const char add_part_text[] = "INSERT INTO part(kind, value, buckets, reports, last_report)"
				    " VALUES(?, ?, 1, 0, 0)";
static const char count_part_text[] = "UPDATE part SET buckets = buckets + 1 WHERE id = ?";

void
intern_init(struct intern *intern)
{
	*intern = (struct intern){0};
	buf_init(&intern->key, INTERN_PARTS_MAX * (DERIVED_TEXT_BYTES + 2));
}

void
intern_forget(struct intern *intern)
{
	for (size_t i = 0; i < DIM_INTERNED_N; i++) {
		for (size_t k = 0; intern->slots[i] != NULL && k < SLOTS[i]; k++)
			free(intern->slots[i][k].key);
		free(intern->slots[i]);
		intern->slots[i] = NULL;
	}
	id_list_done(&intern->texts);
}

void
intern_done(struct intern *intern)
{
	intern_forget(intern);
	buf_done(&intern->key);
}

err_t
intern_prepare(struct intern *intern, struct sql *sql, struct err_detail *detail)
{
	err_t err = sql_prepare_all(sql, find_texts, DIM_INTERNED_N, intern->find, detail);
	if (err == OK)
		err = sql_prepare_all(sql, add_texts, DIM_INTERNED_N, intern->add, detail);
	if (err == OK)
		err = sql_prepare_all(sql, read_text_texts, DIM_N, intern->read_text, detail);
	if (err == OK)
		err = sql_prepare(sql, add_text_text, &intern->add_text, detail);
	if (err == OK)
		err = sql_prepare(sql, find_part_text, &intern->find_part, detail);
	if (err == OK)
		err = sql_prepare(sql, add_part_text, &intern->add_part, detail);
	if (err == OK)
		err = sql_prepare(sql, count_part_text, &intern->count_part, detail);
	return err;
}

void
intern_finalize(struct intern *intern)
{
	sql_finalize_all(intern->find, DIM_INTERNED_N);
	sql_finalize_all(intern->add, DIM_INTERNED_N);
	sql_finalize_all(intern->read_text, DIM_N);
	sql_finalize(&intern->add_text);
	sql_finalize(&intern->find_part);
	sql_finalize(&intern->add_part);
	sql_finalize(&intern->count_part);
}

/* Not through the middle of a character. */
static struct slice
cut(struct slice text)
{
	size_t len = DERIVED_TEXT_BYTES;
	if (text.len <= len)
		return text;
	while (len > 0 && (text.data[len] & 0xc0) == 0x80)
		len--;
	return slice_sub(text, 0, len);
}

/* All values in one: folded, so that spellings are one value; absent is not empty. */
static void
format_key(const struct slice *values, size_t count, struct buf *out)
{
	buf_reset(out);
	for (size_t i = 0; i < count; i++) {
		buf_append_byte(out, slice_is_absent(values[i]) ? 0 : 1);
		text_fold(values[i], out);
		buf_append_byte(out, 0);
	}
}

static struct intern_slot *
slot_of(struct intern *intern, enum dimension dimension, uint64_t hash)
{
	struct intern_slot **slots = &intern->slots[dimension];
	if (*slots == NULL)
		*slots = calloc(SLOTS[dimension], sizeof(**slots));
	if (*slots == NULL)
		abort();
	return &(*slots)[hash & (SLOTS[dimension] - 1)];
}

static void
remember(struct intern_slot *slot, uint64_t hash, struct slice key, uint64_t id)
{
	uint8_t *copy = realloc(slot->key, key.len);
	if (copy == NULL)
		abort();
	memcpy(copy, key.data, key.len);
	*slot = (struct intern_slot){hash, id, copy, key.len};
}

static void
bind_values(struct sql_statement *s, const struct slice *values, size_t count)
{
	for (size_t i = 0; i < count; i++)
		sql_bind_text(s, values[i]);
}

static err_t
find_row(struct sql_statement *s, uint64_t *ret_id)
{
	err_t err = sql_step(s);
	if (err != OK)
		return err;
	*ret_id = sql_u64(s, 0);
	sql_reset(s);
	return OK;
}

static err_t
run_insert(struct sql_statement *s, uint64_t *ret_id)
{
	err_t err = sql_run(s);
	if (err == OK)
		*ret_id = (uint64_t)sqlite3_last_insert_rowid(sqlite3_db_handle(s->handle));
	return err;
}

void
intern_add_text(struct intern *intern, enum dimension dimension, uint64_t id)
{
	id_list_add(&intern->texts, id * 8 + dimension);
}

static err_t
write_text(struct intern *intern, uint64_t row)
{
	struct sql_statement *s = &intern->read_text[row % 8];
	sql_bind_u64(s, row / 8);
	err_t err = sql_step(s);
	if (err != OK)
		return err == ERR_NOTFOUND ? ERR_STALE : err;
	sql_bind_u64(&intern->add_text, row);
	sql_bind_text(&intern->add_text, sql_text(s, 0));
	err = sql_run(&intern->add_text);
	sql_reset(s);
	return err;
}

/* Ascending: at a smaller row than the one before the index writes down what it has, too. */
err_t
intern_write_texts(struct intern *intern)
{
	err_t err = OK;
	id_list_sort_descending(&intern->texts);
	for (size_t i = intern->texts.count; i > 0 && err == OK; i--)
		err = write_text(intern, intern->texts.ids[i - 1]);
	id_list_done(&intern->texts);
	return err;
}

/* What the engine has, or will have from now on. */
static err_t
find_or_add(struct intern *intern, enum dimension dimension, const struct slice *values,
	    size_t count, uint64_t report, uint64_t *ret_id, bool *ret_is_new)
{
	uint8_t digest[CRYPTO_SHA256_BYTES];
	struct sql_statement *s = &intern->find[dimension];
	bool has_key = dimension == DIM_DETAIL;
	if (has_key) {
		crypto_sha256(buf_slice(&intern->key), digest);
		sql_bind_blob(s, slice_of(digest, DERIVED_KEY_BYTES));
	} else {
		bind_values(s, values, count);
	}
	err_t err = find_row(s, ret_id);
	*ret_is_new = err == ERR_NOTFOUND;
	if (err != ERR_NOTFOUND)
		return err;
	s = &intern->add[dimension];
	bind_values(s, values, count);
	if (has_key)
		sql_bind_blob(s, slice_of(digest, DERIVED_KEY_BYTES));
	sql_bind_u64(s, report);
	err = run_insert(s, ret_id);
	if (err == OK)
		intern_add_text(intern, dimension, *ret_id);
	return err;
}

err_t
intern_id(struct intern *intern, enum dimension dimension, const struct slice *values, size_t count,
	  uint64_t report, uint64_t *ret_id, bool *ret_is_new)
{
	struct slice parts[INTERN_PARTS_MAX];
	size_t n_present = 0;
	bool is_new = false;
	uint64_t id = 0;
	for (size_t i = 0; i < count; i++) {
		parts[i] = cut(values[i]);
		n_present += parts[i].len > 0;
	}
	if (n_present > 0) {
		format_key(parts, count, &intern->key);
		struct slice key = buf_slice(&intern->key);
		uint64_t hash = hash_64(key);
		struct intern_slot *slot = slot_of(intern, dimension, hash);
		if (slot->key != NULL && slot->hash == hash &&
		    slice_equal(slice_of(slot->key, slot->key_len), key)) {
			id = slot->id;
		} else {
			err_t err =
				find_or_add(intern, dimension, parts, count, report, &id, &is_new);
			if (err != OK)
				return err;
			remember(slot, hash, key, id);
		}
	}
	*ret_id = id;
	if (ret_is_new != NULL)
		*ret_is_new = is_new;
	return OK;
}

err_t
intern_part(struct intern *intern, enum part part, struct slice value, uint64_t *ret_id)
{
	uint64_t id = 0;
	err_t err = OK;
	if (value.len > 0) {
		sql_bind_i64(&intern->find_part, part);
		sql_bind_text(&intern->find_part, cut(value));
		err = find_row(&intern->find_part, &id);
		if (err == OK) {
			sql_bind_u64(&intern->count_part, id);
			err = sql_run(&intern->count_part);
		} else if (err == ERR_NOTFOUND) {
			sql_bind_i64(&intern->add_part, part);
			sql_bind_text(&intern->add_part, cut(value));
			err = run_insert(&intern->add_part, &id);
		}
	}
	if (err == OK)
		*ret_id = id;
	return err;
}
