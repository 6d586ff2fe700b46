#include "store/derived_writer.h"

#include <malloc.h>
#include <stdlib.h>

#include "base/time.h"
#include "ext/crypto.h"
#include "store/id.h"

enum {
	CATCH_UP_REPORTS = 65536 /* of one transaction: the more, the fewer pages are written */
};

/* Ids are made before their rows are committed, so a report may appear behind a younger one: by
 * as much as a commit may take.  Each second the last seconds are compared with the facts, and
 * now and then the last minutes. */
static const int64_t LATE_US = 10 * TIME_SECOND_US;
static const int64_t LATE_EVERY_US = TIME_SECOND_US;
static const int64_t LATE_FAR_US = 2 * TIME_MINUTE_US;
static const int64_t LATE_FAR_EVERY_US = 30 * TIME_SECOND_US;
static const int64_t SHRINK_AFTER_US = 10 * TIME_SECOND_US;

static const char *const texts[FOLLOW_STATEMENT_N] = {
	[FOLLOW_READ_STATE] = "SELECT facts, position, upload_sequence, as_of_us, reports,"
			      " unreadable, buckets, machines, users, cabs, cab_bytes FROM state",
	[FOLLOW_WRITE_STATE] = "UPDATE state SET facts = ?, position = ?, upload_sequence = ?,"
			       " as_of_us = ?, reports = ?, unreadable = ?, buckets = ?,"
			       " machines = ?, users = ?, cabs = ?, cab_bytes = ?",
	[FOLLOW_REPORT] = "INSERT INTO report VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)",
	[FOLLOW_HAS_REPORT] = "SELECT 1 FROM report WHERE id = ?",
	[FOLLOW_HIGHEST] = "SELECT max(id) FROM report",
	[FOLLOW_IDS] = "SELECT id FROM report WHERE id > ? ORDER BY id",
	[FOLLOW_LABEL] = "INSERT INTO bucket_label VALUES(?, ?, ?, ?, ?, ?, ?, ?,"
			 " ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
	[FOLLOW_UPLOAD] = "INSERT INTO upload VALUES(?, ?, ?, ?, ?, ?)",
	[FOLLOW_PENDING] = "INSERT INTO pending VALUES(?, ?)",
	[FOLLOW_ANALYZED_BUCKET] = "INSERT OR IGNORE INTO analyzed_bucket VALUES(?)",
	[FOLLOW_LAST_SEGMENT] = "SELECT id, first_report FROM segment ORDER BY id DESC LIMIT 1",
	[FOLLOW_COUNT_SEGMENT] = "SELECT count(*) FROM report WHERE segment = ?",
	[FOLLOW_SEGMENT_OF] = "SELECT id FROM segment WHERE first_report <= ?"
			      " ORDER BY id DESC LIMIT 1",
	[FOLLOW_SEGMENT] = "INSERT INTO segment VALUES(?, ?)",
};

/* ---- the writer ---- */

struct derived_writer *
derived_writer_new(void)
{
	struct derived_writer *w = calloc(1, sizeof(*w));
	if (w == NULL)
		abort();
	w->segment_max = DERIVED_SEGMENT_REPORTS;
	intern_init(&w->intern);
	w->parser = level1_parser_new();
	arena_init(&w->parsed, LIMIT_REPORT_ARENA_BYTES);
	arena_init(&w->arena, LIMIT_REPORT_ARENA_BYTES);
	buf_init(&w->others, DERIVED_TEXT_BYTES + LIMIT_TEXT_BYTES + 1);
	return w;
}

void
derived_writer_free(struct derived_writer *w)
{
	if (w == NULL)
		return;
	intern_done(&w->intern);
	pairs_forget(&w->pairs);
	tallies_clear(&w->tallies);
	level1_parser_free(w->parser);
	arena_done(&w->parsed);
	arena_done(&w->arena);
	buf_done(&w->others);
	free(w);
}

err_t
derived_writer_attach(struct derived_writer *w, struct sql *sql, struct err_detail *detail)
{
	w->sql = sql;
	err_t err = intern_prepare(&w->intern, sql, detail);
	if (err == OK)
		err = pairs_prepare(&w->pairs, sql, detail);
	if (err == OK)
		err = tallies_prepare(&w->tallies, sql, detail);
	return err == OK ? sql_prepare_all(sql, texts, FOLLOW_STATEMENT_N, w->statements, detail)
			 : err;
}

/* What was not committed, or of another file, must not be remembered. */
static void
forget(struct derived_writer *w)
{
	intern_forget(&w->intern);
	pairs_forget(&w->pairs);
	tallies_clear(&w->tallies);
	w->is_loaded = false;
	w->late_us = w->late_far_us = 0;
}

void
derived_writer_detach(struct derived_writer *w)
{
	forget(w);
	intern_finalize(&w->intern);
	pairs_finalize(&w->pairs);
	tallies_finalize(&w->tallies);
	sql_finalize_all(w->statements, FOLLOW_STATEMENT_N);
}

/* ---- the state ---- */

static err_t
read_state(struct derived_writer *w)
{
	struct sql_statement *s = &w->statements[FOLLOW_READ_STATE];
	err_t err = sql_step(s);
	if (err != OK)
		return err == ERR_NOTFOUND ? ERR_STALE : err;
	struct slice facts = sql_blob(s, 0);
	struct follow_state state = {
		.has_facts = facts.len == DERIVED_KEY_BYTES,
		.position = sql_u64(s, 1),
		.upload_sequence = sql_u64(s, 2),
		.as_of_us = sql_i64(s, 3),
		.reports = sql_u64(s, 4),
		.unreadable = sql_u64(s, 5),
		.buckets = sql_u64(s, 6),
		.machines = sql_u64(s, 7),
		.users = sql_u64(s, 8),
		.cabs = sql_u64(s, 9),
		.cab_bytes = sql_u64(s, 10),
	};
	if (state.has_facts)
		memcpy(state.facts, facts.data, DERIVED_KEY_BYTES);
	sql_reset(s);
	w->state = state;
	return OK;
}

static err_t
write_state(struct derived_writer *w)
{
	struct sql_statement *s = &w->statements[FOLLOW_WRITE_STATE];
	const struct follow_state *state = &w->state;
	sql_bind_blob(s, slice_of(state->has_facts ? state->facts : NULL, DERIVED_KEY_BYTES));
	sql_bind_u64(s, state->position);
	sql_bind_u64(s, state->upload_sequence);
	sql_bind_i64(s, state->as_of_us);
	sql_bind_u64(s, state->reports);
	sql_bind_u64(s, state->unreadable);
	sql_bind_u64(s, state->buckets);
	sql_bind_u64(s, state->machines);
	sql_bind_u64(s, state->users);
	sql_bind_u64(s, state->cabs);
	sql_bind_u64(s, state->cab_bytes);
	return sql_run(s);
}

static err_t
read_number(struct sql_statement *s, uint64_t *ret_number)
{
	err_t err = sql_step(s);
	if (err != OK)
		return err;
	*ret_number = sql_u64(s, 0);
	sql_reset(s);
	return OK;
}

static err_t
read_segment(struct derived_writer *w)
{
	struct sql_statement *s = &w->statements[FOLLOW_LAST_SEGMENT];
	w->segment = w->segment_first = w->segment_reports = 0;
	err_t err = sql_step(s);
	if (err != OK)
		return err == ERR_NOTFOUND ? OK : err;
	w->segment = sql_u64(s, 0);
	w->segment_first = sql_u64(s, 1);
	sql_reset(s);
	s = &w->statements[FOLLOW_COUNT_SEGMENT];
	sql_bind_u64(s, w->segment);
	return read_number(s, &w->segment_reports);
}

/* Which facts these are: never the key itself, which is a secret.  False: a reader that came
 * before the owner had made one. */
static bool
facts_identity(struct facts *facts, uint8_t ret_identity[DERIVED_KEY_BYTES])
{
	static const uint8_t none[UPLOAD_KEY_BYTES];
	uint8_t digest[CRYPTO_SHA256_BYTES];
	const uint8_t *key = facts_upload_key(facts);
	crypto_sha256(slice_of(key, UPLOAD_KEY_BYTES), digest);
	memcpy(ret_identity, digest, DERIVED_KEY_BYTES);
	return memcmp(key, none, sizeof(none)) != 0;
}

/* Made from other facts, or from more than there are since a backup was restored: then it counts
 * what is not there. */
static err_t
is_of_others(const struct derived_writer *w, struct facts *facts, bool *ret_is_of_others)
{
	uint8_t identity[DERIVED_KEY_BYTES];
	uint64_t highest;
	bool has_identity = facts_identity(facts, identity);
	err_t err = facts_highest_id(facts, &highest);
	if (err != OK)
		return err;
	*ret_is_of_others = highest < w->state.position ||
			    (has_identity && w->state.has_facts &&
			     memcmp(w->state.facts, identity, sizeof(identity)) != 0);
	return OK;
}

static err_t
load(struct derived *derived, struct facts *facts, struct err_detail *detail)
{
	struct derived_writer *w = derived->writer;
	bool must_remake = false;
	if (w->is_loaded)
		return OK;
	err_t err = read_state(w);
	if (err == OK)
		err = is_of_others(w, facts, &must_remake);
	if (err == OK && must_remake) {
		err = derived_remake(derived, false, detail);
		if (err == OK)
			err = read_state(w);
	}
	if (!w->state.has_facts)
		w->state.has_facts = facts_identity(facts, w->state.facts);
	if (err == OK)
		err = read_number(&w->statements[FOLLOW_HIGHEST], &w->highest);
	if (err == OK)
		err = read_segment(w);
	w->is_loaded = err == OK;
	return err;
}

/* ---- reports ---- */

static err_t
take_parsed(void *context, const struct facts_report *fact, const struct report *readable)
{
	struct derived_writer *w = context;
	err_t err = derived_take_in(w, fact, readable);
	if (err == OK && fact->id > w->state.position)
		w->state.position = fact->id;
	return err;
}

static const struct report *
parse(struct derived_writer *w, const struct facts_report *fact, struct report *report)
{
	struct level1_error error;
	arena_reset(&w->parsed);
	if (slice_is_absent(fact->body) ||
	    level1_parse(w->parser, fact->body, &w->parsed, report, &error) != OK)
		return NULL;
	return report;
}

static err_t
take_next(void *context, const struct facts_report *fact)
{
	struct report report;
	return take_parsed(context, fact, parse(context, fact, &report));
}

static err_t
take_one(void *context, const struct facts_report *fact)
{
	struct report report;
	return derived_take_in(context, fact, parse(context, fact, &report));
}

static err_t
take_id(struct derived_writer *w, uint64_t id)
{
	bool is_in;
	size_t count;
	err_t err = derived_has_report(w, id, &is_in);
	if (err != OK || is_in)
		return err;
	return facts_each_text_after(w->facts, id - 1, 1, take_one, w, &count);
}

/* Two ascending lists of ids: what the facts have and this file has not. */
struct late {
	struct derived_writer *writer;
	struct sql_statement *ours;
	uint64_t our_id; /* UINT64_MAX: no more */
	struct id_list missing;
};

static err_t
next_of_ours(struct late *late)
{
	err_t err = sql_step(late->ours);
	late->our_id = err == OK ? sql_u64(late->ours, 0) : UINT64_MAX;
	return err == ERR_NOTFOUND ? OK : err;
}

static err_t
compare_id(void *context, uint64_t id)
{
	struct late *late = context;
	err_t err = OK;
	while (err == OK && late->our_id < id)
		err = next_of_ours(late);
	if (err == OK && late->our_id != id && id <= late->writer->state.position)
		id_list_add(&late->missing, id);
	return err;
}

static err_t
take_late(struct derived_writer *w, int64_t window_us)
{
	struct late late = {.writer = w, .ours = &w->statements[FOLLOW_IDS]};
	int64_t from_us = id_time_us(w->state.position) - window_us;
	uint64_t after = id_first_at(from_us > 0 ? from_us : 0);
	sql_bind_u64(late.ours, after);
	err_t err = next_of_ours(&late);
	if (err == OK)
		err = facts_each_id_after(w->facts, after, compare_id, &late);
	sql_reset(late.ours);
	for (size_t i = 0; i < late.missing.count && err == OK; i++)
		err = take_id(w, late.missing.ids[i]);
	id_list_done(&late.missing);
	return err;
}

/* *ret_looked: everything that was committed before NOW_US is in. */
static err_t
look_for_late(struct derived_writer *w, int64_t now_us, bool *ret_looked)
{
	bool is_far = now_us - w->late_far_us >= LATE_FAR_EVERY_US || now_us < w->late_far_us;
	*ret_looked = is_far || now_us - w->late_us >= LATE_EVERY_US || now_us < w->late_us;
	if (!*ret_looked)
		return OK;
	w->late_us = now_us;
	if (is_far)
		w->late_far_us = now_us;
	if (w->state.position == 0)
		return OK;
	return take_late(w, is_far ? LATE_FAR_US : LATE_US);
}

/* ---- uploads ---- */

static err_t
count_upload(struct derived_writer *w, const struct facts_upload *upload)
{
	struct bucket_row *row;
	err_t err = tallies_find_bucket(&w->tallies, upload->bucket, &row);
	if (err != OK)
		return err;
	row->cabs++;
	w->state.cabs++;
	w->state.cab_bytes += upload->bytes;
	w->n_taken++;
	return OK;
}

/* Work for the jail; the first upload of a label bucket comes before all that have company. */
static err_t
put_pending(struct derived_writer *w, const struct facts_upload *upload)
{
	struct sql_statement *s = &w->statements[FOLLOW_ANALYZED_BUCKET];
	sql_bind_u64(s, upload->bucket);
	err_t err = sql_run(s);
	if (err != OK)
		return err;
	bool is_first = sqlite3_changes(w->sql->db) > 0;
	s = &w->statements[FOLLOW_PENDING];
	sql_bind_i64(s, is_first ? 0 : 1);
	sql_bind_u64(s, upload->report);
	return sql_run(s);
}

static err_t
take_upload(void *context, const struct facts_upload *upload)
{
	struct derived_writer *w = context;
	struct sql_statement *s = &w->statements[FOLLOW_UPLOAD];
	err_t err = sql_in_transaction(w->sql) ? OK : sql_begin(w->sql);
	if (err == OK)
		err = take_id(w, upload->report); /* it may be younger than what was read above */
	if (err != OK)
		return err;
	sql_bind_u64(s, upload->report);
	sql_bind_u64(s, upload->bucket);
	sql_bind_i64(s, upload->received_us);
	sql_bind_blob(s, slice_of(upload->sha256, sizeof(upload->sha256)));
	sql_bind_u64(s, upload->bytes);
	sql_bind_i64(s, upload->is_cabinet);
	err = sql_run(s);
	if (err == OK)
		err = put_pending(w, upload);
	return err == OK ? count_upload(w, upload) : err;
}

/* ---- following ---- */

static err_t
take_new(struct derived_writer *w, size_t max, int64_t now_us, size_t *ret_reports)
{
	bool is_complete = false;
	size_t count = 0;
	uint64_t after = w->state.position;
	err_t err = w->ahead != NULL
			    ? ahead_each_report_after(w->ahead, after, max, take_parsed, w, &count)
			    : facts_each_text_after(w->facts, after, max, take_next, w, &count);
	/* Far behind: reports first. */
	if (err == OK && count < max)
		err = facts_each_upload(w->facts, w->state.upload_sequence, take_upload, w,
					&w->state.upload_sequence);
	if (err == OK && count < max)
		err = look_for_late(w, now_us, &is_complete);
	if (err == OK && is_complete)
		w->state.as_of_us = now_us;
	*ret_reports = count;
	if (err == OK && is_complete && !sql_in_transaction(w->sql))
		err = sql_begin(w->sql);
	return err;
}

/* Memory that only speeds up what comes next, when nothing comes. */
static void
shrink_when_idle(struct derived_writer *w, int64_t now_us)
{
	if (w->n_taken > 0 || now_us < w->work_us) {
		w->work_us = now_us;
		w->is_small = false;
	}
	if (w->is_small || now_us - w->work_us < SHRINK_AFTER_US)
		return;
	intern_forget(&w->intern);
	pairs_forget(&w->pairs);
	arena_done(&w->parsed);
	arena_done(&w->arena);
	(void)sqlite3_db_release_memory(w->sql->db);
	(void)malloc_trim(0);
	w->is_small = true;
}

/* Nothing of this transaction stays, here or in the file.  A broken file is made anew at once; the
 * caller is told, because it will take a while until it is full again. */
static err_t
fail(struct derived *derived, err_t err, struct err_detail *detail)
{
	bool is_broken = derived_is_broken(derived) || err == ERR_STALE;
	int code = sqlite3_errcode(derived->sql.db);
	bool is_engine = code != SQLITE_OK && code != SQLITE_ROW && code != SQLITE_DONE;
	(void)err_set(detail, err, "derived.db: %s",
		      is_engine ? sqlite3_errmsg(derived->sql.db) : err_text(err));
	sql_rollback(&derived->sql);
	forget(derived->writer);
	if (!is_broken || derived->is_aside)
		return err;
	err = derived_remake(derived, true, detail);
	if (err != OK)
		return err;
	return err_set(detail, ERR_CORRUPT,
		       "derived.db was broken; it is kept as broken.db and made anew");
}

static err_t
follow(struct derived *derived, struct facts *facts, size_t max, int64_t now_us,
       size_t *ret_reports, struct err_detail *detail)
{
	struct derived_writer *w = derived->writer;
	err_t err = derived_refresh(derived, detail);
	if (err != OK)
		return err;
	w->facts = facts;
	w->n_taken = 0;
	err = load(derived, facts, detail);
	if (err == OK)
		err = take_new(w, max, now_us, ret_reports);
	if (err == OK && sql_in_transaction(w->sql)) {
		err = tallies_write(&w->tallies);
		if (err == OK)
			err = write_state(w);
		if (err == OK)
			err = intern_write_texts(&w->intern);
		if (err == OK)
			err = sql_commit(w->sql, detail);
		if (err == OK)
			err = sql_checkpoint_if_due(w->sql);
	}
	if (err != OK)
		return derived->sql.db == NULL ? err : fail(derived, err, detail);
	shrink_when_idle(w, now_us);
	return OK;
}

err_t
derived_follow(struct derived *derived, struct facts *facts, size_t max, int64_t now_us,
	       size_t *ret_count, struct err_detail *detail)
{
	size_t reports;
	err_t err = follow(derived, facts, max, now_us, &reports, detail);
	if (err == OK)
		*ret_count = derived->writer->n_taken;
	return err;
}

/* How many there will be, as if they came evenly: counting them would read them all. */
static uint64_t
estimate_total(const struct derived_writer *w, uint64_t first, uint64_t last)
{
	double done = (double)(w->state.position - first);
	if (w->state.position >= last || done <= 0)
		return w->state.reports;
	return (uint64_t)((double)w->state.reports * ((double)(last - first) / done));
}

static err_t
note_first(void *context, const struct facts_report *report)
{
	*(uint64_t *)context = report->id;
	return OK;
}

err_t
derived_catch_up(struct derived *derived, struct facts *facts, derived_progress_fn progress,
		 void *context, struct err_detail *detail)
{
	struct derived_writer *w = derived->writer;
	uint64_t first = 0;
	uint64_t last = 0;
	size_t count;
	err_t err = facts_each_report_after(facts, 0, 1, note_first, &first, &count);
	if (err == OK)
		err = facts_highest_id(facts, &last);
	if (err != OK)
		return err_set(detail, err, "facts.db: %s", err_text(err));
	err = ahead_new(facts_data(facts), &w->ahead, detail);
	if (err != OK)
		return err;
	do {
		err = follow(derived, facts, CATCH_UP_REPORTS, time_now_us(), &count, detail);
		if (err == OK && progress != NULL)
			progress(context, w->state.reports, estimate_total(w, first, last));
	} while (err == OK && count == CATCH_UP_REPORTS);
	ahead_free(w->ahead);
	w->ahead = NULL;
	return err;
}

err_t
derived_rebuild(const char *data, derived_progress_fn progress, void *context,
		derived_finish_fn finish, struct err_detail *detail)
{
	struct facts *facts = NULL;
	err_t err = facts_open(data, FACTS_READ, &facts, detail);
	if (err != OK)
		return err;
	struct derived *derived = derived_new(data, DERIVED_WRITE);
	err = derived_open_aside(derived, detail);
	if (err == OK)
		err = derived_catch_up(derived, facts, progress, context, detail);
	if (err == OK && finish != NULL)
		err = finish(context, derived, detail);
	if (err == OK)
		err = derived_take_place(derived, detail);
	derived_close(derived);
	facts_close(facts);
	return err;
}
