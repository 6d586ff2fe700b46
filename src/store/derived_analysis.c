#include "store/derived_analysis.h"

#include <stdlib.h>

#include "ext/zstd.h"
#include "store/derived_writer.h"

enum {
	DOCUMENT_LEVEL = 3,
	DOCUMENT_MAX_BYTES = 32 * 1024 * 1024
};

uint64_t
class_id(const uint8_t key[CLASS_KEY_BYTES])
{
	uint64_t id = 0;
	for (size_t i = 0; i < 8; i++)
		id = id << 8 | key[i];
	return id >> 1;
}

/* ---- work ---- */

err_t
derived_next_jobs(struct derived *derived, struct analysis_job *ret_jobs, size_t max,
		  size_t *ret_count, struct err_detail *detail)
{
	struct sql_statement s;
	size_t count = 0;
	err_t err = derived_refresh(derived, detail);
	if (err == OK)
		err = sql_prepare(&derived->sql,
				  "SELECT u.report, u.bucket, u.sha256, u.bytes FROM pending p"
				  " JOIN upload u ON u.report = p.report"
				  " ORDER BY p.priority, p.report LIMIT ?",
				  &s, detail);
	if (err != OK)
		return err;
	sql_bind_u64(&s, max);
	while (count < max && (err = sql_step(&s)) == OK) {
		struct analysis_job *job = &ret_jobs[count++];
		struct slice sha256 = sql_blob(&s, 2);
		*job = (struct analysis_job){.report = sql_u64(&s, 0),
					     .bucket = sql_u64(&s, 1),
					     .bytes = sql_u64(&s, 3)};
		if (sha256.len == sizeof(job->sha256))
			memcpy(job->sha256, sha256.data, sha256.len);
	}
	sql_finalize(&s);
	if (err != OK && err != ERR_NOTFOUND)
		return err_set(detail, err, "derived.db: %s", err_text(err));
	*ret_count = count;
	return OK;
}

static err_t
ask_number(struct derived *derived, const char *text, uint64_t argument, uint64_t *ret_number)
{
	struct sql_statement s;
	err_t err = derived_refresh(derived, NULL);
	if (err == OK)
		err = sql_prepare(&derived->sql, text, &s, NULL);
	if (err != OK)
		return err;
	if (sqlite3_bind_parameter_count(s.handle) > 0)
		sql_bind_u64(&s, argument);
	err = sql_step(&s);
	if (err == OK)
		*ret_number = sql_u64(&s, 0);
	sql_finalize(&s);
	return err;
}

err_t
derived_count_jobs(struct derived *derived, uint64_t *ret_count)
{
	return ask_number(derived, "SELECT count(*) FROM pending", 0, ret_count);
}

err_t
derived_is_pending(struct derived *derived, uint64_t report, bool *ret_is)
{
	uint64_t count = 0;
	err_t err = ask_number(derived,
			       "SELECT count(*) FROM pending WHERE priority IN (0, 1)"
			       " AND report = ?",
			       report, &count);
	if (err == OK)
		*ret_is = count > 0;
	return err;
}

/* ---- results ---- */

enum put_statement {
	PUT_ANALYSIS,
	PUT_DONE,
	PUT_CLASS,
	PUT_MEDOID,
	PUT_STATEMENT_N
};

static const char *const put_texts[PUT_STATEMENT_N] = {
	[PUT_ANALYSIS] = "INSERT INTO analysis VALUES(?, ?, ?, ?, ?, ?, ?)"
			 " ON CONFLICT(report) DO UPDATE SET state = excluded.state,"
			 " version = excluded.version, class = excluded.class,"
			 " rating = excluded.rating, summary = excluded.summary,"
			 " document = excluded.document WHERE state = 2",
	[PUT_DONE] = "DELETE FROM pending WHERE priority IN (0, 1) AND report = ?",
	[PUT_CLASS] = ("INSERT INTO class_bucket VALUES(?1, ?2, ?3, ?4, ?5, 1, ?6, ?6, ?6, NULL)"
		       " ON CONFLICT(id) DO UPDATE SET hits = hits + 1,"
		       " first_report = min(first_report, ?6), last_report = max(last_report, ?6),"
		       " title = CASE WHEN ?6 < first_report THEN ?4 ELSE title END"),
	/* The oldest report that has a stack, whichever came first here. */
	[PUT_MEDOID] = "UPDATE class_bucket SET medoid = ?2, medoid_report = ?3"
		       " WHERE id = ?1 AND (medoid IS NULL OR ?3 < medoid_report)",
};

struct put {
	struct sql_statement statements[PUT_STATEMENT_N];
	struct zstd_packer *packer;
	struct buf packed;
};

static err_t
put_class(struct put *put, const struct analysis *a)
{
	uint64_t id = class_id(a->class_key.key);
	struct sql_statement *s = &put->statements[PUT_CLASS];
	sql_bind_u64(s, id);
	sql_bind_blob(s, slice_of(a->class_key.key, CLASS_KEY_BYTES));
	sql_bind_i64(s, a->class_key.version);
	sql_bind_text(s, a->class_key.title);
	sql_bind_text(s, a->class_key.text);
	sql_bind_u64(s, a->report);
	err_t err = sql_run(s);
	if (err != OK || slice_is_absent(a->class_key.medoid))
		return err;
	s = &put->statements[PUT_MEDOID];
	sql_bind_u64(s, id);
	sql_bind_blob(s, a->class_key.medoid);
	sql_bind_u64(s, a->report);
	return sql_run(s);
}

static err_t
put_one(struct put *put, const struct analysis *a, int *ret_changed)
{
	struct sql_statement *s = &put->statements[PUT_ANALYSIS];
	buf_reset(&put->packed);
	zstd_pack(put->packer, a->document, &put->packed);
	if (buf_error(&put->packed) != OK)
		return buf_error(&put->packed);
	sql_bind_u64(s, a->report);
	sql_bind_i64(s, a->state);
	sql_bind_i64(s, a->version);
	sql_bind_u64(s, a->has_class ? class_id(a->class_key.key) : 0);
	sql_bind_i64(s, a->rating);
	sql_bind_text(s, a->summary);
	sql_bind_blob(s, buf_slice(&put->packed));
	err_t err = sql_run(s);
	if (err != OK)
		return err;
	*ret_changed = sqlite3_changes(sqlite3_db_handle(s->handle));
	s = &put->statements[PUT_DONE];
	sql_bind_u64(s, a->report);
	return sql_run(s);
}

static err_t
put_all(struct derived *derived, struct put *put, const struct analysis *analyses, size_t count,
	struct err_detail *detail)
{
	err_t err = sql_begin(&derived->sql);
	for (size_t i = 0; i < count && err == OK; i++) {
		int changed = 0;
		err = put_one(put, &analyses[i], &changed);
		if (err == OK && changed > 0 && analyses[i].has_class)
			err = put_class(put, &analyses[i]);
	}
	if (err != OK) {
		err = err_set(detail, err, "derived.db: %s", sqlite3_errmsg(derived->sql.db));
		sql_rollback(&derived->sql);
		return err;
	}
	return sql_commit(&derived->sql, detail);
}

err_t
derived_put_analyses(struct derived *derived, const struct analysis *analyses, size_t count,
		     struct err_detail *detail)
{
	struct put put = {.packer = NULL};
	err_t err = derived_refresh(derived, detail);
	if (err == OK)
		err = sql_prepare_all(&derived->sql, put_texts, PUT_STATEMENT_N, put.statements,
				      detail);
	if (err != OK)
		return err;
	put.packer = zstd_packer_new((struct slice){0}, DOCUMENT_LEVEL);
	buf_init(&put.packed, DOCUMENT_MAX_BYTES);
	err = put_all(derived, &put, analyses, count, detail);
	buf_done(&put.packed);
	zstd_packer_free(put.packer);
	sql_finalize_all(put.statements, PUT_STATEMENT_N);
	return err == OK ? sql_checkpoint_if_due(&derived->sql) : err;
}

err_t
derived_retry_failed(struct derived *derived, uint32_t version, size_t *ret_count,
		     struct err_detail *detail)
{
	struct sql_statement s;
	err_t err = derived_refresh(derived, detail);
	if (err == OK)
		err = sql_prepare(&derived->sql,
				  "INSERT OR IGNORE INTO pending SELECT 1, report FROM analysis"
				  " WHERE state = 2 AND version <> ?",
				  &s, detail);
	if (err != OK)
		return err;
	sql_bind_i64(&s, version);
	err = sql_begin(&derived->sql);
	if (err == OK)
		err = sql_run(&s);
	if (err == OK)
		*ret_count = (size_t)sqlite3_changes(derived->sql.db);
	sql_finalize(&s);
	if (err == OK)
		return sql_commit(&derived->sql, detail);
	sql_rollback(&derived->sql);
	return err_set(detail, err, "derived.db: %s", err_text(err));
}

/* ---- reading ---- */

static err_t
keep(struct arena *arena, struct slice in, struct slice *ret_copy)
{
	struct slice copy = slice_dup(arena, in);
	if (slice_is_absent(copy) && !slice_is_absent(in))
		return ERR_LIMIT;
	*ret_copy = copy;
	return OK;
}

static err_t
keep_document(struct arena *arena, struct slice packed, struct slice *ret_document)
{
	struct zstd_unpacker *unpacker = zstd_unpacker_new((struct slice){0});
	struct buf plain;
	buf_init(&plain, DOCUMENT_MAX_BYTES);
	err_t err = zstd_unpack(unpacker, packed, DOCUMENT_MAX_BYTES, &plain);
	if (err == OK)
		err = keep(arena, buf_slice(&plain), ret_document);
	buf_done(&plain);
	zstd_unpacker_free(unpacker);
	return err;
}

/* Key, version, title and text are columns FIRST to FIRST + 3. */
static err_t
read_class_key(const struct sql_statement *s, int first, struct arena *arena,
	       struct class_key *ret_key)
{
	struct slice key = sql_blob(s, first);
	if (key.len != CLASS_KEY_BYTES)
		return ERR_CORRUPT;
	memcpy(ret_key->key, key.data, CLASS_KEY_BYTES);
	ret_key->version = (uint32_t)sql_u64(s, first + 1);
	err_t err = keep(arena, sql_text(s, first + 2), &ret_key->title);
	return err == OK ? keep(arena, sql_text(s, first + 3), &ret_key->text) : err;
}

static err_t
read_analysis(const struct sql_statement *s, bool has_document, struct arena *arena,
	      struct analysis *ret_analysis)
{
	struct analysis a = {
		.report = sql_u64(s, 0),
		.state = sql_i64(s, 1) == ANALYSIS_DONE ? ANALYSIS_DONE : ANALYSIS_FAILED,
		.version = (uint32_t)sql_u64(s, 2),
		.has_class = !sql_is_null(s, 6),
	};
	uint64_t rating = sql_u64(s, 3);
	a.rating = rating < RATING_N ? (enum analysis_rating)rating : RATING_ABSENT;
	err_t err = keep(arena, sql_text(s, 4), &a.summary);
	if (err == OK && has_document)
		err = keep_document(arena, sql_blob(s, 5), &a.document);
	if (err == OK && a.has_class)
		err = read_class_key(s, 6, arena, &a.class_key);
	if (err == OK)
		*ret_analysis = a;
	return err;
}

err_t
derived_find_analysis(struct derived *derived, uint64_t report, bool has_document,
		      struct arena *arena, struct analysis *ret_analysis)
{
	struct sql_statement s;
	err_t err = derived_refresh(derived, NULL);
	if (err == OK)
		err = sql_prepare(&derived->sql,
				  "SELECT a.report, a.state, a.version, a.rating, a.summary,"
				  " a.document, c.key, c.version, c.title, c.text FROM analysis a"
				  " LEFT JOIN class_bucket c ON c.id = a.class WHERE a.report = ?",
				  &s, NULL);
	if (err != OK)
		return err;
	sql_bind_u64(&s, report);
	err = sql_step(&s);
	if (err == OK)
		err = read_analysis(&s, has_document, arena, ret_analysis);
	sql_finalize(&s);
	return err;
}

#define CLASS_COLUMNS                                                                              \
	"SELECT id, key, version, title, text, hits, first_report, last_report, medoid_report"     \
	" FROM class_bucket "

static err_t
read_class(const struct sql_statement *s, struct arena *arena, struct derived_class *ret_class)
{
	*ret_class = (struct derived_class){
		.id = sql_u64(s, 0),
		.hits = sql_u64(s, 5),
		.first_report = sql_u64(s, 6),
		.last_report = sql_u64(s, 7),
		.medoid_report = sql_u64(s, 8),
	};
	return read_class_key(s, 1, arena, &ret_class->key);
}

err_t
derived_find_class(struct derived *derived, uint64_t id, struct arena *arena,
		   struct derived_class *ret_class)
{
	struct sql_statement s;
	err_t err = derived_refresh(derived, NULL);
	if (err == OK)
		err = sql_prepare(&derived->sql, CLASS_COLUMNS "WHERE id = ?", &s, NULL);
	if (err != OK)
		return err;
	sql_bind_u64(&s, id);
	err = sql_step(&s);
	if (err == OK)
		err = read_class(&s, arena, ret_class);
	sql_finalize(&s);
	return err;
}

/* Rows are copied and the statement is reset before each call, so that no snapshot is held. */
enum {
	CLASS_PAGE = 64
};

static err_t
class_page(struct derived *derived, uint64_t offset, size_t most, struct arena *arena,
	   struct derived_class *classes, size_t *ret_count)
{
	struct sql_statement s;
	size_t count = 0;
	err_t err = sql_prepare(&derived->sql,
				CLASS_COLUMNS "ORDER BY hits DESC, id LIMIT ? OFFSET ?", &s, NULL);
	if (err != OK)
		return err;
	sql_bind_u64(&s, most);
	sql_bind_u64(&s, offset);
	while (count < most && (err = sql_step(&s)) == OK) {
		err = read_class(&s, arena, &classes[count]);
		if (err != OK)
			break;
		count++;
	}
	sql_finalize(&s);
	*ret_count = count;
	return err == ERR_NOTFOUND ? OK : err;
}

err_t
derived_each_class(struct derived *derived, struct page page, derived_each_class_fn each,
		   void *context)
{
	struct arena arena;
	struct derived_class classes[CLASS_PAGE];
	uint64_t given = 0;
	size_t count = CLASS_PAGE;
	err_t err = derived_refresh(derived, NULL);
	arena_init(&arena, DOCUMENT_MAX_BYTES);
	while (err == OK && count == CLASS_PAGE && (page.limit == 0 || given < page.limit)) {
		size_t most = page.limit == 0 || page.limit - given > CLASS_PAGE
				      ? CLASS_PAGE
				      : (size_t)(page.limit - given);
		arena_reset(&arena);
		err = class_page(derived, page.after + given, most, &arena, classes, &count);
		for (size_t i = 0; i < count && err == OK; i++)
			err = each(context, &classes[i]);
		given += count;
	}
	arena_done(&arena);
	return err;
}

err_t
derived_each_medoid(struct derived *derived, derived_each_medoid_fn each, void *context)
{
	struct sql_statement s;
	struct buf copy;
	uint64_t after = 0;
	err_t err = derived_refresh(derived, NULL);
	if (err == OK)
		err = sql_prepare(&derived->sql,
				  "SELECT id, medoid FROM class_bucket WHERE id > ? AND medoid IS"
				  " NOT NULL ORDER BY id LIMIT 1",
				  &s, NULL);
	if (err != OK)
		return err;
	buf_init(&copy, DOCUMENT_MAX_BYTES);
	for (;;) {
		sql_bind_u64(&s, after);
		err = sql_step(&s);
		if (err != OK)
			break;
		after = sql_u64(&s, 0);
		buf_reset(&copy);
		buf_append(&copy, sql_blob(&s, 1));
		sql_reset(&s);
		err = each(context, after, buf_slice(&copy));
		if (err != OK)
			break;
	}
	buf_done(&copy);
	sql_finalize(&s);
	return err == ERR_NOTFOUND ? OK : err;
}

err_t
derived_each_class_report(struct derived *derived, uint64_t class_bucket, struct page page,
			  derived_each_id_fn each, void *context)
{
	struct sql_statement s;
	uint64_t before = page.after == 0 ? INT64_MAX : page.after;
	err_t err = derived_refresh(derived, NULL);
	if (err == OK)
		err = sql_prepare(&derived->sql,
				  "SELECT report FROM analysis WHERE class = ? AND report < ?"
				  " ORDER BY report DESC LIMIT 1",
				  &s, NULL);
	if (err != OK)
		return err;
	for (size_t given = 0; page.limit == 0 || given < page.limit; given++) {
		sql_bind_u64(&s, class_bucket);
		sql_bind_u64(&s, before);
		err = sql_step(&s);
		if (err != OK)
			break;
		before = sql_u64(&s, 0);
		sql_reset(&s);
		err = each(context, before);
		if (err != OK)
			break;
	}
	sql_finalize(&s);
	return err == ERR_NOTFOUND ? OK : err;
}
