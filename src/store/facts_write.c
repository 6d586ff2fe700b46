#include "store/facts_internal.h"

#include "base/limits.h"

/* After a failure inside a transaction the engine may have rolled it back by itself, and the
 * next statement would run, and be committed, alone.  So the rest is rolled back here, and what
 * follows until the next facts_begin gets the same error. */
static err_t
settle(struct facts *facts, err_t err)
{
	if (err == OK || err == ERR_EXISTS || err == ERR_NOTFOUND)
		return err;
	sql_rollback(&facts->sql);
	facts->failed = err;
	if (err != ERR_FULL && err != ERR_LIMIT)
		facts->broken = err;
	return err;
}

static err_t
check_open(const struct facts *facts)
{
	if (facts->mode == FACTS_WRITE && sql_in_transaction(&facts->sql))
		return OK;
	return facts->failed != OK ? facts->failed : ERR_INTERNAL;
}

err_t
facts_begin(struct facts *facts)
{
	if (facts->broken != OK || facts->mode != FACTS_WRITE)
		return facts->broken != OK ? facts->broken : ERR_INTERNAL;
	/* Here, and not after the commit, so that nobody waits for it who could be answered.  On a
	 * full disk the WAL stays as it is; the commit will tell. */
	err_t err = sql_checkpoint_if_due(&facts->sql);
	if (err == OK || err == ERR_FULL)
		err = sql_begin(&facts->sql);
	if (err != OK && err != ERR_BUSY && err != ERR_FULL)
		facts->broken = err;
	facts->failed = err;
	return err;
}

err_t
facts_commit(struct facts *facts, struct err_detail *detail)
{
	err_t err = check_open(facts);
	if (err != OK)
		return err_set(detail, err, "the transaction was rolled back: %s", err_text(err));
	return settle(facts, sql_commit(&facts->sql, detail));
}

void
facts_abort(struct facts *facts)
{
	if (facts->mode == FACTS_WRITE)
		sql_rollback(&facts->sql);
}

err_t
facts_put_bucket(struct facts *facts, const struct facts_bucket *bucket)
{
	struct sql_statement *s = &facts->write[WRITE_BUCKET];
	err_t err = check_open(facts);
	if (err != OK)
		return err;
	sql_bind_u64(s, bucket->id);
	sql_bind_blob(s, slice_of(bucket->key, sizeof(bucket->key)));
	sql_bind_text(s, bucket->label.event_type);
	for (size_t i = 0; i < LIMIT_PARAMS; i++) {
		if (i >= bucket->label.n_params)
			sql_bind_null(s);
		else if (slice_is_absent(bucket->label.params[i]))
			sql_bind_text(s, SLICE_LITERAL(""));
		else
			sql_bind_text(s, bucket->label.params[i]);
	}
	sql_bind_i64(s, bucket->first_seen_us);
	return settle(facts, sql_run(s));
}

static err_t
put_reply(struct facts *facts, const struct facts_new_report *report)
{
	struct sql_statement *s = &facts->write[WRITE_REPLY];
	sql_bind_u64(s, report->id);
	sql_bind_blob(s, report->reply);
	return sql_run(s);
}

static err_t
put_ask(struct facts *facts, const struct facts_new_report *report)
{
	struct sql_statement *s = &facts->write[WRITE_ASK];
	sql_bind_u64(s, report->id);
	sql_bind_u64(s, report->bucket_hits);
	sql_bind_u64(s, report->cab_max_bytes);
	sql_bind_i64(s, report->cab_expires_us);
	return sql_run(s);
}

static err_t
put_report(struct facts *facts, const struct facts_new_report *report)
{
	struct sql_statement *s = &facts->write[WRITE_REPORT];
	struct facts_row_source source = {
		.source = report->source,
		.has_reply = !slice_is_absent(report->reply),
		.is_asked = report->is_cab_asked,
		.bucket_table =
			report->bucket_table == 0 ? FACTS_PLAIN_BUCKET_TABLE : report->bucket_table,
	};
	buf_reset(&facts->source);
	facts_format_source(&source, &facts->source);
	err_t err = buf_error(&facts->source);
	if (err != OK)
		return err;
	sql_bind_u64(s, report->id);
	sql_bind_u64(s, report->bucket);
	sql_bind_blob(s, buf_slice(&facts->source));
	sql_bind_blob(s, report->packed_body);
	err = sql_run(s);
	if (err == OK && source.has_reply)
		err = put_reply(facts, report);
	if (err == OK && source.is_asked)
		err = put_ask(facts, report);
	return err;
}

err_t
facts_put_report(struct facts *facts, const struct facts_new_report *report)
{
	err_t err = check_open(facts);
	if (err != OK)
		return err;
	return settle(facts, report->id == 0 ? ERR_INTERNAL : put_report(facts, report));
}

err_t
facts_put_upload(struct facts *facts, const struct facts_upload *upload)
{
	struct sql_statement *s = &facts->write[WRITE_UPLOAD];
	err_t err = check_open(facts);
	if (err != OK)
		return err;
	buf_reset(&facts->source);
	facts_format_peer(&upload->peer, &facts->source);
	sql_bind_blob(s, slice_of(upload->sha256, sizeof(upload->sha256)));
	sql_bind_u64(s, upload->bytes);
	sql_bind_i64(s, upload->received_us);
	sql_bind_i64(s, upload->is_cabinet);
	sql_bind_blob(s, buf_slice(&facts->source));
	sql_bind_u64(s, upload->report);
	err = sql_run(s);
	if (err == OK && sqlite3_changes(facts->sql.db) == 0)
		err = ERR_NOTFOUND;
	return settle(facts, err);
}

static struct slice
present(struct slice text)
{
	return slice_is_absent(text) ? SLICE_LITERAL("") : text;
}

static err_t
drop_oldest_quarantined(struct facts *facts)
{
	struct sql_statement *s = &facts->write[WRITE_QUARANTINE_BOUND];
	sql_bind_i64(s, sqlite3_last_insert_rowid(facts->sql.db) - LIMIT_QUARANTINE_ITEMS);
	return sql_run(s);
}

err_t
facts_put_quarantined(struct facts *facts, const struct facts_quarantined *item)
{
	struct sql_statement *s = &facts->write[WRITE_QUARANTINED];
	err_t err = check_open(facts);
	if (err != OK)
		return err;
	buf_reset(&facts->source);
	facts_format_peer(&item->peer, &facts->source);
	sql_bind_i64(s, item->received_us);
	sql_bind_blob(s, buf_slice(&facts->source));
	sql_bind_text(s, present(item->stage));
	sql_bind_text(s, present(item->reason));
	sql_bind_text(s, item->detail);
	sql_bind_u64(s, item->offset);
	sql_bind_u64(s, item->total_bytes);
	sql_bind_blob(s, slice_sub(present(item->bytes), 0, LIMIT_QUARANTINE_ITEM_BYTES));
	err = sql_run(s);
	if (err == OK)
		err = drop_oldest_quarantined(facts);
	return settle(facts, err);
}

err_t
facts_add_counter(struct facts *facts, const char *name, uint64_t by)
{
	struct sql_statement *s = &facts->write[WRITE_COUNTER];
	err_t err = check_open(facts);
	if (err != OK)
		return err;
	sql_bind_text(s, slice_str(name));
	sql_bind_u64(s, by);
	return settle(facts, sql_run(s));
}

err_t
facts_reserve_bucket_ids(struct facts *facts, unsigned count, uint64_t *ret_first)
{
	struct sql_statement *s = &facts->write[WRITE_RESERVE_BUCKET_IDS];
	err_t err = check_open(facts);
	if (err != OK)
		return err;
	sql_bind_i64(s, count);
	err = sql_step(s);
	uint64_t first = err == OK ? sql_u64(s, 0) : 0;
	if (err == OK)
		err = sql_run(s); /* to its end: only then is the row changed for good */
	else if (err == ERR_NOTFOUND)
		err = ERR_LIMIT; /* 2^31 buckets were given out */
	if (err == OK)
		*ret_first = first;
	return settle(facts, err);
}
