#include "werctl/importer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/table.h"
#include "base/time.h"
#include "bucket/label.h"
#include "store/blob_dir.h"
#include "store/id.h"
#include "store/pack.h"
#include "werctl/ledger.h"
#include "werctl/progress.h"

enum {
	IMPORT_BATCH_REPORTS = 500,
	IMPORT_BUCKET_BLOCK = 16,
	IMPORT_PIECE_BYTES = 8192,
	IMPORT_CAB_VALID_US = 1 /* an ask that is answered already needs no time */
};
static const int64_t IMPORT_BATCH_US = TIME_SECOND_US / 2;

struct importer {
	struct werctl *w;
	const struct config *config;
	struct facts *facts;
	struct blob_dir *blobs;
	struct ledger *ledger;
	struct pack *pack;
	struct arena arena; /* one report */
	struct buf packed;
	struct id_generator ids;
	struct table buckets; /* 8 bytes of a key (plus steps for collisions), bucket id */
	struct table hits;    /* of a bucket in this run */
	uint64_t next_bucket;
	unsigned reserved_buckets;
	bool is_open; /* a transaction */
	unsigned in_batch;
	int64_t batch_began_us;
	struct import_counts counts;
	struct progress progress;
};

static uint64_t
bucket_table_key(const uint8_t key[LABEL_KEY_BYTES], uint64_t step)
{
	uint64_t first;
	memcpy(&first, key, sizeof(first));
	first += step;
	return first == 0 ? 1 : first;
}

static void
remember_bucket(struct importer *i, const uint8_t key[LABEL_KEY_BYTES], uint64_t id)
{
	uint64_t other;
	uint64_t step = 0;
	while (table_find(&i->buckets, bucket_table_key(key, step), &other))
		step++;
	table_put(&i->buckets, bucket_table_key(key, step), id);
}

static err_t
load_bucket(void *context, const struct facts_bucket *bucket)
{
	remember_bucket(context, bucket->key, bucket->id);
	return OK;
}

static err_t
open_facts(struct importer *i)
{
	err_t err = facts_open(i->config->data, FACTS_WRITE, &i->facts, &i->w->detail);
	if (err == ERR_BUSY)
		return err_set(&i->w->detail, err,
			       "the store of %s is being written by another program; stop werd "
			       "first (systemctl stop werd), then import again",
			       i->config->data);
	return err;
}

err_t
importer_open(struct werctl *w, struct importer **ret_importer)
{
	uint64_t highest;
	struct importer *i = calloc(1, sizeof(*i));
	if (i == NULL)
		abort();
	i->w = w;
	arena_init(&i->arena, LIMIT_REPORT_ARENA_BYTES);
	buf_init(&i->packed, 2 * LIMIT_REPORT_BYTES);
	table_init(&i->buckets);
	table_init(&i->hits);
	i->pack = pack_new();
	progress_begin(&i->progress, "importing", w->out.is_json);
	err_t err = werctl_config(w, &i->config);
	if (err == OK)
		err = open_facts(i);
	if (err == OK)
		err = blob_dir_open(i->config->data, &i->blobs, &w->detail);
	if (err == OK)
		err = ledger_open(i->config->data, i->facts, &i->ledger, &w->detail);
	if (err == OK)
		err = facts_each_bucket(i->facts, 0, load_bucket, i);
	if (err == OK)
		err = facts_highest_id(i->facts, &highest);
	if (err != OK) {
		importer_close(i);
		return err;
	}
	id_generator_init(&i->ids, (uint8_t)i->config->node, highest);
	*ret_importer = i;
	return OK;
}

void
importer_close(struct importer *i)
{
	if (i == NULL)
		return;
	progress_end(&i->progress);
	if (i->is_open)
		facts_abort(i->facts);
	ledger_close(i->ledger);
	blob_dir_close(i->blobs);
	facts_close(i->facts);
	pack_free(i->pack);
	table_done(&i->buckets);
	table_done(&i->hits);
	buf_done(&i->packed);
	arena_done(&i->arena);
	free(i);
}

const struct import_counts *
importer_counts(const struct importer *i)
{
	return &i->counts;
}

/* ---- transactions ---- */

static err_t
begin(struct importer *i)
{
	if (i->is_open)
		return OK;
	err_t err = facts_begin(i->facts);
	if (err != OK)
		return err_set(&i->w->detail, err, "facts.db: %s", err_text(err));
	i->is_open = true;
	i->in_batch = 0;
	i->batch_began_us = time_monotonic_us();
	return OK;
}

static err_t
commit(struct importer *i)
{
	if (!i->is_open)
		return OK;
	err_t err = facts_add_counter(i->facts, "imported", i->in_batch);
	if (err == OK)
		err = ledger_write(i->ledger, &i->w->detail);
	if (err != OK)
		return err;
	i->is_open = false;
	return facts_commit(i->facts, &i->w->detail);
}

static err_t
commit_if_due(struct importer *i)
{
	i->in_batch++;
	progress_show(&i->progress, i->counts.done + i->counts.known, 0);
	if (i->in_batch < IMPORT_BATCH_REPORTS &&
	    time_monotonic_us() - i->batch_began_us < IMPORT_BATCH_US)
		return OK;
	return commit(i);
}

/* ---- one report ---- */

/* *ret_id: 0 when the store has no bucket of this key. */
static err_t
find_bucket(struct importer *i, const uint8_t key[LABEL_KEY_BYTES], uint64_t *ret_id)
{
	uint64_t id;
	for (uint64_t step = 0; table_find(&i->buckets, bucket_table_key(key, step), &id); step++) {
		struct facts_bucket bucket;
		err_t err = facts_find_bucket(i->facts, id, &i->arena, &bucket);
		if (err != OK)
			return err;
		if (memcmp(bucket.key, key, LABEL_KEY_BYTES) == 0) {
			*ret_id = id;
			return OK;
		}
	}
	*ret_id = 0;
	return OK;
}

static err_t
add_bucket(struct importer *i, struct facts_bucket *bucket)
{
	if (i->reserved_buckets == 0) {
		err_t err =
			facts_reserve_bucket_ids(i->facts, IMPORT_BUCKET_BLOCK, &i->next_bucket);
		if (err != OK)
			return err;
		i->reserved_buckets = IMPORT_BUCKET_BLOCK;
	}
	bucket->id = i->next_bucket++;
	i->reserved_buckets--;
	err_t err = facts_put_bucket(i->facts, bucket);
	if (err == OK)
		remember_bucket(i, bucket->key, bucket->id);
	return err;
}

static err_t
find_or_add_bucket(struct importer *i, const struct report *report, int64_t now_us,
		   uint64_t *ret_id)
{
	struct facts_bucket bucket = {.first_seen_us = now_us};
	struct buf text;
	buf_init(&text, LIMIT_REPORT_ARENA_BYTES);
	label_of(report, &i->arena, &bucket.label);
	label_key_text(&bucket.label, &text);
	label_key(buf_slice(&text), bucket.key);
	buf_done(&text);
	err_t err = find_bucket(i, bucket.key, ret_id);
	if (err != OK || *ret_id != 0)
		return err;
	err = add_bucket(i, &bucket);
	if (err == OK)
		*ret_id = bucket.id;
	return err;
}

/* Copies what can be read of FD; false: not to its end. */
static bool
copy_cab(int fd, struct blob_writer *writer, err_t *ret_err)
{
	uint8_t piece[IMPORT_PIECE_BYTES];
	ssize_t got;
	*ret_err = OK;
	while (*ret_err == OK && (got = read(fd, piece, sizeof(piece))) != 0) {
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return false;
		*ret_err = blob_write(writer, slice_of(piece, (size_t)got));
	}
	return true;
}

/* Makes a blob of the file.  *ret_upload->bytes 0: nothing could be read of it, or there was
 * nothing in it. */
static err_t
store_cab(struct importer *i, const char *path, struct facts_upload *ret_upload)
{
	struct blob_writer *writer;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		werctl_complain("%s: %s; left out", path, strerror(errno));
		return OK;
	}
	err_t err = blob_create(i->blobs, &writer);
	if (err != OK) {
		(void)close(fd);
		return err;
	}
	bool is_read = copy_cab(fd, writer, &err);
	(void)close(fd);
	if (err == OK && is_read && blob_written_bytes(writer) > 0) {
		ret_upload->bytes = blob_written_bytes(writer);
		ret_upload->is_cabinet =
			slice_starts_with(blob_head(writer), SLICE_LITERAL("MSCF"));
		return blob_finish(writer, ret_upload->sha256, &i->w->detail);
	}
	blob_cancel(writer);
	if (err == OK)
		werctl_complain("%s: %s; left out", path, is_read ? "empty" : "cannot be read");
	return err;
}

static err_t
put_rows(struct importer *i, const struct import_item *item, const struct report *report,
	 struct facts_upload *upload, uint64_t *ret_id)
{
	int64_t now_us = time_now_us();
	uint64_t bucket = 0;
	err_t err = find_or_add_bucket(i, report, now_us, &bucket);
	if (err != OK)
		return err;
	buf_reset(&i->packed);
	pack_body(i->pack, item->body, &i->packed);
	struct facts_new_report row = {
		.id = id_next(&i->ids, now_us),
		.bucket = bucket,
		.source = {.flags = SOURCE_IMPORTED, .origin = slice_str(item->origin)},
		.packed_body = buf_slice(&i->packed),
		.reply = SLICE_LITERAL(""), /* it got none from us */
		.is_cab_asked = upload->bytes > 0,
		.cab_max_bytes = upload->bytes,
		.cab_expires_us = now_us + IMPORT_CAB_VALID_US,
		.bucket_hits = table_add(&i->hits, bucket, 1),
	};
	err = facts_put_report(i->facts, &row);
	if (err == OK && upload->bytes > 0) {
		upload->report = row.id;
		upload->bucket = bucket;
		upload->received_us = now_us;
		err = facts_put_upload(i->facts, upload);
	}
	if (err == OK)
		*ret_id = row.id;
	return err;
}

static err_t
put_new(struct importer *i, const struct import_item *item, const struct report *report,
	const uint8_t digest[LEDGER_DIGEST_BYTES])
{
	struct facts_upload upload = {0};
	uint64_t id;
	err_t err = OK;
	/* The blob first: it is slow, and may be there without a row, but not the other way. */
	if (item->cab_path != NULL)
		err = store_cab(i, item->cab_path, &upload);
	if (err == OK)
		err = begin(i);
	if (err == OK)
		err = put_rows(i, item, report, &upload, &id);
	if (err != OK)
		return err;
	ledger_add(i->ledger, digest, id);
	i->counts.done++;
	i->counts.cabs += upload.bytes > 0;
	i->counts.rebuilt += item->is_rebuilt;
	return commit_if_due(i);
}

err_t
importer_put(struct importer *i, const struct import_item *item, enum import_result *ret_result)
{
	uint8_t digest[LEDGER_DIGEST_BYTES];
	struct report report;
	struct level1_error error;
	ledger_digest(slice_str(item->origin), item->body, digest);
	if (ledger_has(i->ledger, digest)) {
		i->counts.known++;
		progress_show(&i->progress, i->counts.done + i->counts.known, 0);
		*ret_result = IMPORT_KNOWN;
		return OK;
	}
	arena_reset(&i->arena);
	if (level1_parse(werctl_parser(i->w), item->body, &i->arena, &report, &error) != OK) {
		bool is_other = error.reason == LEVEL1_NOT_WERREPORT;
		i->counts.not_report += is_other;
		i->counts.refused += !is_other;
		(void)err_set(&i->w->detail, ERR_CORRUPT, "%.120s: %s: %.100s", item->origin,
			      level1_reason_name(error.reason), error.detail.why);
		*ret_result = is_other ? IMPORT_NOT_REPORT : IMPORT_REFUSED;
		return OK;
	}
	err_t err = put_new(i, item, &report, digest);
	if (err == OK)
		*ret_result = IMPORT_DONE;
	return err;
}

void
importer_refuse(struct importer *i)
{
	i->counts.refused++;
}

/* ---- the end ---- */

/* Whoever imports wants to see it: derived is brought up to date here, unless analyze holds it,
 * which then does so within 2 s. */
static err_t
follow(struct importer *i)
{
	struct derived *derived;
	size_t count = 1;
	err_t err = derived_open(i->config->data, DERIVED_WRITE, &derived, &i->w->detail);
	if (err == ERR_BUSY)
		return OK;
	if (err != OK)
		return err;
	err = derived_catch_up(derived, i->facts, NULL, NULL, &i->w->detail);
	while (err == OK && count > 0)
		err = derived_follow(derived, i->facts, IMPORT_BATCH_REPORTS, time_now_us(), &count,
				     &i->w->detail);
	derived_close(derived);
	return err;
}

err_t
importer_finish(struct importer *i)
{
	err_t err = commit(i);
	progress_end(&i->progress);
	return err == OK ? follow(i) : err;
}
