#include "store/facts_internal.h"

#include "base/limits.h"
#include "cer/reply.h"
#include "store/id.h"

/* Rows are copied out of the engine a page at a time, and only then handed on: a callback may
 * take as long as it likes, and no read transaction is open meanwhile, which would keep the WAL
 * from starting anew. */
enum {
	PAGE_ROWS = 64,
	PAGE_BYTES = 1024 * 1024, /* no more rows once their bytes are this many */
	/* ... and the last of them may be the largest there is. */
	PAGE_ARENA_BYTES = PAGE_BYTES + 2 * LIMIT_REPORT_BYTES + LIMIT_REPLY_BYTES
};

/* What a callback is and what it is for. */
struct each {
	struct facts *facts;
	void *context;
	union {
		facts_each_report_fn report;
		facts_each_bucket_fn bucket;
		facts_each_asked_fn asked;
		facts_each_upload_fn upload;
		facts_each_quarantined_fn quarantined;
		facts_each_counter_fn counter;
	} call;
	struct buf body;  /* of the report that is being handed on */
	struct buf plain; /* its reply, made again */
};

/* One kind of rows. */
struct rows {
	enum facts_read_statement statement; /* parameters: key to go on after, most rows */
	size_t row_bytes;
	/* Sets *KEY to this row's. */
	err_t (*read)(const struct sql_statement *s, struct arena *arena, void *row, uint64_t *key);
	err_t (*call)(struct each *each, void *row);
};

static err_t
read_page(struct facts *facts, const struct rows *kind, size_t most, struct arena *arena,
	  uint8_t *rows, uint64_t *key, size_t *ret_count, bool *ret_is_last)
{
	struct sql_statement *s = &facts->read[kind->statement];
	size_t count = 0;
	err_t err = OK;
	sql_bind_u64(s, *key);
	sql_bind_u64(s, most);
	while (arena->used_bytes < PAGE_BYTES && (err = sql_step(s)) == OK) {
		err = kind->read(s, arena, rows + count * kind->row_bytes, key);
		if (err != OK)
			break;
		count++;
	}
	sql_reset(s);
	if (err != OK && err != ERR_NOTFOUND)
		return err;
	*ret_count = count;
	*ret_is_last = err == ERR_NOTFOUND && count < most;
	return OK;
}

/* *KEY is the last row's at the end, *COUNT how many rows there were. */
static err_t
each_row(const struct rows *kind, struct each *each, size_t max, uint64_t *key, size_t *count)
{
	struct arena arena;
	bool is_last = false;
	err_t err = OK;
	arena_init(&arena, PAGE_ARENA_BYTES);
	*count = 0;
	while (err == OK && !is_last && *count < max) {
		size_t n_rows = 0;
		size_t most = max - *count < PAGE_ROWS ? max - *count : PAGE_ROWS;
		arena_reset(&arena);
		uint8_t *rows = arena_array(&arena, most, kind->row_bytes);
		err = rows == NULL ? ERR_LIMIT
				   : read_page(each->facts, kind, most, &arena, rows, key, &n_rows,
					       &is_last);
		for (size_t i = 0; i < n_rows && err == OK; i++)
			err = kind->call(each, rows + i * kind->row_bytes);
		*count += n_rows;
	}
	arena_done(&arena);
	return err;
}

/* One row by its key, without copying a page. */
static err_t
find_row(struct facts *facts, enum facts_read_statement statement, const struct rows *kind,
	 uint64_t key, struct arena *arena, void *row)
{
	struct sql_statement *s = &facts->read[statement];
	if (key > INT64_MAX)
		return ERR_NOTFOUND;
	sql_bind_u64(s, key);
	err_t err = sql_step(s);
	if (err != OK)
		return err;
	err = kind->read(s, arena, row, &key);
	sql_reset(s);
	return err;
}

/* Copies a column's bytes; absent stays absent. */
static err_t
keep(struct slice bytes, struct arena *arena, struct slice *ret_copy)
{
	struct slice copy = slice_dup(arena, bytes);
	if (slice_is_absent(copy) && !slice_is_absent(bytes))
		return ERR_LIMIT;
	*ret_copy = copy;
	return OK;
}

static err_t
read_digest(const struct sql_statement *s, int column, uint8_t *ret_bytes, size_t count)
{
	struct slice bytes = sql_blob(s, column);
	if (bytes.len != count)
		return ERR_CORRUPT;
	memcpy(ret_bytes, bytes.data, count);
	return OK;
}

/* ---- reports ---- */

struct report_row {
	struct facts_report report; /* without body and reply */
	struct facts_row_source source;
	struct slice packed_body;
	struct slice reply; /* absent: the plain one */
	err_t damage;       /* what is wrong with the source */
};

static err_t
read_report_upload(const struct sql_statement *s, struct facts_report *report)
{
	report->has_cab = !sql_is_null(s, 5);
	if (!report->has_cab)
		return OK;
	report->cab_bytes = sql_u64(s, 6);
	report->cab_received_us = sql_i64(s, 7);
	report->cab_is_cabinet = sql_i64(s, 8) != 0;
	return read_digest(s, 5, report->cab_sha256, sizeof(report->cab_sha256));
}

static err_t
read_report(const struct sql_statement *s, struct arena *arena, void *row, uint64_t *key)
{
	struct report_row *r = row;
	struct slice source;
	r->report.id = *key = sql_u64(s, 0);
	r->report.bucket = sql_u64(s, 1);
	err_t err = keep(sql_blob(s, 2), arena, &source);
	if (err == OK)
		err = keep(sql_blob(s, 3), arena, &r->packed_body);
	if (err == OK)
		err = keep(sql_blob(s, 4), arena, &r->reply);
	if (err == OK)
		err = read_report_upload(s, &r->report);
	if (err != OK)
		return err;
	r->damage = facts_parse_source(source, &r->source);
	r->report.source = r->source.source;
	r->report.is_cab_asked = r->source.is_asked;
	return OK;
}

static err_t
format_plain_reply(const struct report_row *row, struct buf *out)
{
	struct reply reply = {
		.has_bucket = true,
		.bucket = (int64_t)row->report.bucket,
		.has_bucket_table = true,
		.bucket_table = (int64_t)row->source.bucket_table,
	};
	return reply_format(&reply, out);
}

/* Body and reply, which then live in the buffers of EACH. */
static err_t
finish_report(struct each *each, struct report_row *row)
{
	buf_reset(&each->body);
	buf_reset(&each->plain);
	if (row->damage != OK)
		return row->damage;
	if (row->source.has_reply && slice_is_absent(row->reply))
		return ERR_CORRUPT;
	err_t err = unpack_body(each->facts->unpack, row->packed_body, &each->body);
	if (err == OK && !row->source.has_reply)
		err = format_plain_reply(row, &each->plain);
	if (err != OK)
		return err;
	row->report.body = buf_slice(&each->body);
	row->report.reply = row->source.has_reply ? row->reply : buf_slice(&each->plain);
	return OK;
}

/* One damaged row must not hide all that came after it. */
static err_t
call_report(struct each *each, void *row)
{
	struct report_row *r = row;
	if (finish_report(each, r) != OK)
		r->report.body = r->report.reply = (struct slice){0};
	return each->call.report(each->context, &r->report);
}

static err_t
call_text(struct each *each, void *row)
{
	struct report_row *r = row;
	buf_reset(&each->body);
	err_t err = r->damage;
	if (err == OK)
		err = unpack_text(each->facts->unpack, r->packed_body, &each->body);
	r->report.body = err == OK ? buf_slice(&each->body) : (struct slice){0};
	return each->call.report(each->context, &r->report);
}

static const struct rows text_rows = {
	.statement = READ_REPORTS_AFTER,
	.row_bytes = sizeof(struct report_row),
	.read = read_report,
	.call = call_text,
};

static const struct rows report_rows = {
	.statement = READ_REPORTS_AFTER,
	.row_bytes = sizeof(struct report_row),
	.read = read_report,
	.call = call_report,
};

static void
open_buffers(struct each *each)
{
	buf_init(&each->body, 2 * LIMIT_REPORT_BYTES); /* the text may be half as long again */
	buf_init(&each->plain, LIMIT_REPLY_BYTES);
}

static void
close_buffers(struct each *each)
{
	buf_done(&each->body);
	buf_done(&each->plain);
}

err_t
facts_find_report(struct facts *facts, uint64_t id, struct arena *arena,
		  struct facts_report *ret_report)
{
	struct report_row row = {0};
	struct each one = {.facts = facts};
	open_buffers(&one);
	err_t err = find_row(facts, READ_REPORT, &report_rows, id, arena, &row);
	if (err == OK)
		err = finish_report(&one, &row);
	if (err == OK)
		err = keep(row.report.body, arena, &row.report.body);
	if (err == OK)
		err = keep(row.report.reply, arena, &row.report.reply);
	if (err == OK)
		*ret_report = row.report;
	close_buffers(&one);
	return err;
}

static err_t
each_after(const struct rows *rows, struct facts *facts, uint64_t after, size_t max,
	   facts_each_report_fn each, void *context, size_t *ret_count)
{
	struct each all = {.facts = facts, .context = context, .call.report = each};
	size_t count;
	if (after > INT64_MAX)
		after = INT64_MAX;
	open_buffers(&all);
	err_t err = each_row(rows, &all, max, &after, &count);
	if (err == OK)
		*ret_count = count;
	close_buffers(&all);
	return err;
}

err_t
facts_each_report_after(struct facts *facts, uint64_t after, size_t max, facts_each_report_fn each,
			void *context, size_t *ret_count)
{
	return each_after(&report_rows, facts, after, max, each, context, ret_count);
}

err_t
facts_each_text_after(struct facts *facts, uint64_t after, size_t max, facts_each_report_fn each,
		      void *context, size_t *ret_count)
{
	return each_after(&text_rows, facts, after, max, each, context, ret_count);
}

static err_t
find_number(struct sql_statement *s, uint64_t *ret_value)
{
	err_t err = sql_step(s);
	if (err != OK)
		return err;
	*ret_value = sql_u64(s, 0);
	sql_reset(s);
	return OK;
}

err_t
facts_highest_id(struct facts *facts, uint64_t *ret_id)
{
	return find_number(&facts->read[READ_HIGHEST_ID], ret_id);
}

err_t
facts_find_report_bucket(struct facts *facts, uint64_t id, uint64_t *ret_bucket)
{
	if (id > INT64_MAX)
		return ERR_NOTFOUND;
	sql_bind_u64(&facts->read[READ_REPORT_BUCKET], id);
	return find_number(&facts->read[READ_REPORT_BUCKET], ret_bucket);
}

err_t
facts_is_blob_named(struct facts *facts, const uint8_t sha256[32], bool *ret_is_named)
{
	uint64_t one;
	sql_bind_blob(&facts->read[READ_BLOB_NAMED], slice_of(sha256, 32));
	err_t err = find_number(&facts->read[READ_BLOB_NAMED], &one);
	if (err != OK && err != ERR_NOTFOUND)
		return err;
	*ret_is_named = err == OK;
	return OK;
}

/* ---- buckets ---- */

static err_t
read_bucket(const struct sql_statement *s, struct arena *arena, void *row, uint64_t *key)
{
	struct facts_bucket *bucket = row;
	bucket->id = *key = sql_u64(s, 0);
	bucket->first_seen_us = sql_i64(s, 3);
	err_t err = read_digest(s, 1, bucket->key, sizeof(bucket->key));
	if (err == OK)
		err = keep(sql_text(s, 2), arena, &bucket->label.event_type);
	for (int i = 0; i < LIMIT_PARAMS && err == OK; i++) {
		err = keep(sql_text(s, 4 + i), arena, &bucket->label.params[i]);
		if (err == OK && !slice_is_absent(bucket->label.params[i]))
			bucket->label.n_params = (size_t)i + 1;
	}
	return err;
}

static err_t
call_bucket(struct each *each, void *row)
{
	return each->call.bucket(each->context, row);
}

static const struct rows bucket_rows = {
	.statement = READ_BUCKETS_AFTER,
	.row_bytes = sizeof(struct facts_bucket),
	.read = read_bucket,
	.call = call_bucket,
};

err_t
facts_find_bucket(struct facts *facts, uint64_t id, struct arena *arena,
		  struct facts_bucket *ret_bucket)
{
	struct facts_bucket bucket = {0};
	err_t err = find_row(facts, READ_BUCKET, &bucket_rows, id, arena, &bucket);
	if (err == OK)
		*ret_bucket = bucket;
	return err;
}

err_t
facts_each_bucket(struct facts *facts, uint64_t after, facts_each_bucket_fn each, void *context)
{
	struct each all = {.facts = facts, .context = context, .call.bucket = each};
	size_t count;
	return each_row(&bucket_rows, &all, SIZE_MAX, &after, &count);
}

/* ---- cabinets asked for and uploads ---- */

static err_t
read_asked(const struct sql_statement *s, struct arena *arena, void *row, uint64_t *key)
{
	struct facts_asked *asked = row;
	(void)arena;
	asked->report = *key = sql_u64(s, 0);
	asked->bucket = sql_u64(s, 1);
	asked->bucket_hits = sql_u64(s, 2);
	asked->asked_us = id_time_us(asked->report);
	asked->expires_us = sql_i64(s, 3);
	asked->has_cab = !sql_is_null(s, 4);
	asked->cab_bytes = sql_u64(s, 4);
	return OK;
}

static err_t
call_asked(struct each *each, void *row)
{
	return each->call.asked(each->context, row);
}

static const struct rows asked_rows = {
	.statement = READ_ASKED_AFTER,
	.row_bytes = sizeof(struct facts_asked),
	.read = read_asked,
	.call = call_asked,
};

err_t
facts_each_asked(struct facts *facts, uint64_t after_report, facts_each_asked_fn each,
		 void *context)
{
	struct each all = {.facts = facts, .context = context, .call.asked = each};
	size_t count;
	return each_row(&asked_rows, &all, SIZE_MAX, &after_report, &count);
}

static err_t
read_upload(const struct sql_statement *s, struct arena *arena, void *row, uint64_t *key)
{
	struct facts_upload *upload = row;
	(void)arena;
	*key = sql_u64(s, 0);
	upload->report = sql_u64(s, 1);
	upload->bucket = sql_u64(s, 2);
	upload->bytes = sql_u64(s, 4);
	upload->received_us = sql_i64(s, 5);
	upload->is_cabinet = sql_i64(s, 6) != 0;
	err_t err = read_digest(s, 3, upload->sha256, sizeof(upload->sha256));
	return err == OK ? facts_parse_peer(sql_blob(s, 7), &upload->peer) : err;
}

static err_t
call_upload(struct each *each, void *row)
{
	return each->call.upload(each->context, row);
}

static const struct rows upload_rows = {
	.statement = READ_UPLOADS_AFTER,
	.row_bytes = sizeof(struct facts_upload),
	.read = read_upload,
	.call = call_upload,
};

err_t
facts_each_upload(struct facts *facts, uint64_t after_sequence, facts_each_upload_fn each,
		  void *context, uint64_t *ret_last_sequence)
{
	struct each all = {.facts = facts, .context = context, .call.upload = each};
	size_t count;
	err_t err = each_row(&upload_rows, &all, SIZE_MAX, &after_sequence, &count);
	if (err == OK)
		*ret_last_sequence = after_sequence;
	return err;
}

/* ---- quarantine and counters ---- */

static err_t
read_quarantined(const struct sql_statement *s, struct arena *arena, void *row, uint64_t *key)
{
	struct facts_quarantined *item = row;
	item->id = *key = sql_u64(s, 0);
	item->received_us = sql_i64(s, 1);
	item->offset = sql_u64(s, 6);
	item->total_bytes = sql_u64(s, 7);
	err_t err = facts_parse_peer(sql_blob(s, 2), &item->peer);
	if (err == OK)
		err = keep(sql_text(s, 3), arena, &item->stage);
	if (err == OK)
		err = keep(sql_text(s, 4), arena, &item->reason);
	if (err == OK)
		err = keep(sql_text(s, 5), arena, &item->detail);
	if (err == OK)
		err = keep(sql_blob(s, 8), arena, &item->bytes);
	return err;
}

static err_t
call_quarantined(struct each *each, void *row)
{
	return each->call.quarantined(each->context, row);
}

static const struct rows quarantined_rows = {
	.statement = READ_QUARANTINED_BEFORE,
	.row_bytes = sizeof(struct facts_quarantined),
	.read = read_quarantined,
	.call = call_quarantined,
};

err_t
facts_each_quarantined(struct facts *facts, uint64_t before_id, size_t max,
		       facts_each_quarantined_fn each, void *context)
{
	struct each all = {.facts = facts, .context = context, .call.quarantined = each};
	size_t count;
	uint64_t key = before_id == 0 || before_id > INT64_MAX ? INT64_MAX : before_id;
	return each_row(&quarantined_rows, &all, max, &key, &count);
}

err_t
facts_find_quarantined(struct facts *facts, uint64_t id, struct arena *arena,
		       struct facts_quarantined *ret_item)
{
	struct facts_quarantined item = {0};
	err_t err = find_row(facts, READ_QUARANTINED, &quarantined_rows, id, arena, &item);
	if (err == OK)
		*ret_item = item;
	return err;
}

struct counter_row {
	struct slice name;
	uint64_t value;
};

/* The key counts rows: names have no numbers, and they are few. */
static err_t
read_counter(const struct sql_statement *s, struct arena *arena, void *row, uint64_t *key)
{
	struct counter_row *counter = row;
	(*key)++;
	counter->value = sql_u64(s, 1);
	return keep(sql_text(s, 0), arena, &counter->name);
}

static err_t
call_counter(struct each *each, void *row)
{
	const struct counter_row *counter = row;
	return each->call.counter(each->context, counter->name, counter->value);
}

static const struct rows counter_rows = {
	.statement = READ_COUNTERS_AFTER,
	.row_bytes = sizeof(struct counter_row),
	.read = read_counter,
	.call = call_counter,
};

err_t
facts_each_counter(struct facts *facts, facts_each_counter_fn each, void *context)
{
	struct each all = {.facts = facts, .context = context, .call.counter = each};
	size_t count;
	uint64_t key = 0;
	return each_row(&counter_rows, &all, SIZE_MAX, &key, &count);
}
