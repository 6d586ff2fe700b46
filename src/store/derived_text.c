#include "store/derived_sieve.h"

#include <stdlib.h>

#include "base/text.h"

/* The index has the texts of the distinct values, three characters at a time and without their
 * places: what it finds can match, and is then compared.  The text that somebody looks for is
 * data: it reaches the engine as quoted strings of three characters each. */
enum {
	TRIGRAMS_MAX = 16, /* of a longer text some are enough */
	EXPRESSION_BYTES = 1024
};

#define TEXT_OF(dimension, table, texts)                                                           \
	[dimension] = "SELECT substr(" texts ", 1, 4096) FROM " table " WHERE id = ?",
static const char *const text_texts[DIM_N] = {DERIVED_TEXTS(TEXT_OF)};
_Static_assert(DERIVED_TEXT_BYTES == 4096, "as above");

static const char match_text[] = "SELECT rowid FROM text_index WHERE text_index MATCH ?";
static const char machines_text[] = "SELECT machine FROM machine_system WHERE system = ?";

enum known {
	KNOWN_NO = 1,
	KNOWN_YES
};

/* Bytes of the character at AT; the text is valid UTF-8. */
static size_t
character_bytes(struct slice text, size_t at)
{
	size_t len = 1;
	while (at + len < text.len && (text.data[at + len] & 0xc0) == 0x80)
		len++;
	return len;
}

static size_t
count_characters(struct slice text)
{
	size_t count = 0;
	for (size_t at = 0; at < text.len; at += character_bytes(text, at))
		count++;
	return count;
}

err_t
text_search_init(struct text_search *search, struct sql *sql, struct slice text)
{
	struct buf valid;
	*search = (struct text_search){.sql = sql};
	if (slice_is_absent(text))
		return OK;
	buf_init(&valid, SIZE_MAX);
	(void)text_to_utf8(text, TEXT_UTF8, &valid);
	buf_init(&search->text, SIZE_MAX);
	text_fold(buf_slice(&valid), &search->text);
	buf_done(&valid);
	search->is_on = true;
	if (count_characters(buf_slice(&search->text)) < DERIVED_TEXT_MIN)
		return ERR_USAGE;
	return sql_prepare_all(sql, text_texts, DIM_N, search->texts, NULL);
}

void
text_search_done(struct text_search *search)
{
	for (size_t i = 0; i < DIM_N; i++) {
		id_set_done(&search->candidates[i]);
		table_done(&search->known[i]);
	}
	sql_finalize_all(search->texts, DIM_N);
	buf_done(&search->text);
	*search = (struct text_search){0};
}

/* ---- the index ---- */

static void
append_quoted(struct slice text, struct buf *out)
{
	if (out->len > 0)
		buf_append_str(out, " AND ");
	buf_append_byte(out, '"');
	for (size_t i = 0; i < text.len; i++) {
		if (text.data[i] == '"')
			buf_append_byte(out, '"');
		buf_append_byte(out, text.data[i]);
	}
	buf_append_byte(out, '"');
}

static void
format_expression(struct slice text, struct buf *out)
{
	size_t n_trigrams = count_characters(text) - 2;
	size_t step = (n_trigrams + TRIGRAMS_MAX - 1) / TRIGRAMS_MAX;
	size_t at = 0;
	for (size_t i = 0; i < n_trigrams; i++) {
		size_t first = character_bytes(text, at);
		size_t end = at + first;
		end += character_bytes(text, end);
		end += character_bytes(text, end);
		if (i % step == 0 || i + 1 == n_trigrams)
			append_quoted(slice_sub(text, at, end - at), out);
		at += first;
	}
}

static err_t
read_candidates(struct text_search *search, struct sql_statement *s, size_t *ret_count)
{
	err_t err;
	size_t count = 0;
	while ((err = sql_step(s)) == OK) {
		uint64_t row = sql_u64(s, 0);
		if (row % 8 < DIM_N) {
			id_set_add(&search->candidates[row % 8], row / 8);
			count++;
		}
	}
	*ret_count = count;
	return err == ERR_NOTFOUND ? OK : err;
}

/* Reports have no index over systems: a system's are those of the machines that had it, among
 * them perhaps machine 0, which stands for reports without a name. */
static err_t
add_machines_of_systems(struct text_search *search)
{
	struct id_set *machines = &search->candidates[DIM_MACHINE];
	bool has_nameless = false;
	struct id_list systems = search->candidates[DIM_SYSTEM].list;
	struct sql_statement s = {0};
	err_t err = sql_prepare(search->sql, machines_text, &s, NULL);
	for (size_t i = 0; i < systems.count && err == OK; i++) {
		sql_bind_u64(&s, systems.ids[i]);
		while ((err = sql_step(&s)) == OK) {
			has_nameless |= sql_u64(&s, 0) == 0;
			id_set_add(machines, sql_u64(&s, 0));
		}
		err = err == ERR_NOTFOUND ? OK : err;
	}
	if (has_nameless)
		id_list_add(&machines->list, 0);
	sql_finalize(&s);
	return err;
}

err_t
text_search_load(struct text_search *search, size_t *ret_count)
{
	struct sql_statement s = {0};
	struct slice text = buf_slice(&search->text);
	struct buf expression;
	size_t count = 0;
	search->is_loaded = true;
	*ret_count = 0;
	if (memchr(text.data, 0, text.len) != NULL)
		return OK; /* no text has one, and the engine would end the expression there */
	buf_init(&expression, EXPRESSION_BYTES);
	format_expression(text, &expression);
	err_t err = buf_error(&expression);
	if (err == OK)
		err = sql_prepare(search->sql, match_text, &s, NULL);
	if (err == OK) {
		sql_bind_text(&s, buf_slice(&expression));
		err = read_candidates(search, &s, &count);
	}
	sql_finalize(&s);
	buf_done(&expression);
	if (err == OK)
		err = add_machines_of_systems(search);
	if (err == OK)
		*ret_count = count;
	return err;
}

/* ---- comparing ---- */

static uint8_t
fold(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c;
}

/* FOLDED is not empty. */
static bool
contains(struct slice in, struct slice folded)
{
	for (size_t at = 0; at + folded.len <= in.len; at++) {
		size_t i = 0;
		while (i < folded.len && fold(in.data[at + i]) == folded.data[i])
			i++;
		if (i == folded.len)
			return true;
	}
	return false;
}

static err_t
compare_row(struct text_search *search, enum dimension dimension, uint64_t id, bool *ret_matches)
{
	struct sql_statement *s = &search->texts[dimension];
	sql_bind_u64(s, id);
	err_t err = sql_step(s);
	*ret_matches = err == OK && contains(sql_text(s, 0), buf_slice(&search->text));
	sql_reset(s);
	return err == ERR_NOTFOUND ? OK : err;
}

err_t
text_search_test(struct text_search *search, enum dimension dimension, uint64_t id,
		 bool *ret_matches)
{
	uint64_t known;
	bool matches = false;
	err_t err = OK;
	if (id == 0) {
		*ret_matches = false;
		return OK;
	}
	if (table_find(&search->known[dimension], id, &known)) {
		*ret_matches = known == KNOWN_YES;
		return OK;
	}
	/* Machines of systems are among the candidates too; comparing says no to them. */
	if (!search->is_loaded || id_set_has(&search->candidates[dimension], id))
		err = compare_row(search, dimension, id, &matches);
	if (err != OK)
		return err;
	table_put(&search->known[dimension], id, matches ? KNOWN_YES : KNOWN_NO);
	*ret_matches = matches;
	return OK;
}
