#include "store/facts_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/time.h"
#include "ext/crypto.h"

/* ---- meta ---- */

static err_t
put_meta(struct facts *facts, const char *name, struct slice blob, int64_t number)
{
	struct sql_statement *s = &facts->write[WRITE_META];
	sql_bind_text(s, slice_str(name));
	if (slice_is_absent(blob))
		sql_bind_i64(s, number);
	else
		sql_bind_blob(s, blob);
	return sql_run(s);
}

static err_t
load_key(struct facts *facts)
{
	struct sql_statement *s = &facts->read[READ_META];
	sql_bind_text(s, SLICE_LITERAL("upload_key"));
	err_t err = sql_step(s);
	if (err != OK)
		return err;
	struct slice key = sql_blob(s, 0);
	if (key.len == UPLOAD_KEY_BYTES)
		memcpy(facts->upload_key, key.data, UPLOAD_KEY_BYTES);
	else
		err = ERR_CORRUPT;
	sql_reset(s);
	return err;
}

/* What a new store begins with; the schema alone says nothing yet. */
static err_t
fill_meta(struct facts *facts)
{
	crypto_random(facts->upload_key, sizeof(facts->upload_key));
	struct slice key = slice_of(facts->upload_key, sizeof(facts->upload_key));
	err_t err = put_meta(facts, "upload_key", key, 0);
	if (err == OK)
		err = put_meta(facts, "next_bucket_id", (struct slice){0}, FACTS_FIRST_BUCKET);
	if (err == OK)
		err = put_meta(facts, "created_us", (struct slice){0}, time_now_us());
	return err;
}

static err_t
was_clean(struct facts *facts, bool *ret_clean)
{
	struct sql_statement *s = &facts->read[READ_META];
	sql_bind_text(s, SLICE_LITERAL("clean"));
	err_t err = sql_step(s);
	if (err != OK && err != ERR_NOTFOUND)
		return err;
	/* Not there: it ended before it was ever open. */
	*ret_clean = err == ERR_NOTFOUND || sql_i64(s, 0) != 0;
	sql_reset(s);
	return OK;
}

static err_t
set_clean(struct facts *facts, bool is_clean, struct err_detail *detail)
{
	err_t err = sql_begin(&facts->sql);
	if (err != OK)
		return sql_failed(&facts->sql, "facts.db", detail);
	err = put_meta(facts, "clean", (struct slice){0}, is_clean);
	if (err == OK && !is_clean && load_key(facts) == ERR_NOTFOUND)
		err = fill_meta(facts);
	if (err == OK)
		return sql_commit(&facts->sql, detail);
	err = err_set(detail, err, "facts.db: %s", sqlite3_errmsg(facts->sql.db));
	sql_rollback(&facts->sql);
	return err;
}

/* ---- opening ---- */

/* The lock goes with the process, however it ends. */
static err_t
take_lock(struct facts *facts, const char *folder, struct err_detail *detail)
{
	char path[PATH_MAX];
	(void)snprintf(path, sizeof(path), "%s/lock", folder);
	facts->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
	if (facts->lock_fd < 0)
		return err_set(detail, err_from_errno(errno), "%s: %s", path, strerror(errno));
	if (flock(facts->lock_fd, LOCK_EX | LOCK_NB) == 0)
		return OK;
	if (errno == EWOULDBLOCK)
		return err_set(detail, ERR_BUSY, "%s: another process writes to this store", path);
	return err_set(detail, err_from_errno(errno), "%s: %s", path, strerror(errno));
}

static err_t
prepare(struct facts *facts, struct err_detail *detail)
{
	err_t err = sql_prepare_all(&facts->sql, facts_read_texts, READ_STATEMENT_N, facts->read,
				    detail);
	if (err == OK && facts->mode == FACTS_WRITE)
		err = sql_prepare_all(&facts->sql, facts_write_texts, WRITE_STATEMENT_N,
				      facts->write, detail);
	return err;
}

static err_t
open_writer(struct facts *facts, const struct sql_file *file, const char *folder,
	    struct err_detail *detail)
{
	bool is_clean = false;
	err_t err = fs_make_folders(folder, 0750, detail);
	if (err == OK)
		err = take_lock(facts, folder, detail);
	if (err == OK)
		err = sql_open_writer(&facts->sql, file, detail);
	if (err == OK && facts->sql.is_new)
		err = fs_sync_folder(folder, detail);
	if (err == OK)
		err = prepare(facts, detail);
	if (err != OK)
		return err;
	err = was_clean(facts, &is_clean);
	if (err != OK)
		return sql_failed(&facts->sql, "facts.db", detail);
	/* After a sync that failed the kernel takes the pages for written, and no later sync of the
	 * WAL tells otherwise.  So everything is written and synced once more, into the file,
	 * before the first new commit builds on it. */
	if (!is_clean)
		err = sql_start_wal_anew(&facts->sql, detail);
	if (err == OK && !is_clean)
		err = facts_check(facts, detail);
	if (err == OK)
		err = set_clean(facts, false, detail);
	return err;
}

static err_t
open_reader(struct facts *facts, const struct sql_file *file, struct err_detail *detail)
{
	err_t err = sql_open_reader(&facts->sql, file, detail);
	if (err == OK)
		err = prepare(facts, detail);
	if (err != OK)
		return err;
	/* The owner fills meta right after the schema; whoever comes in between has no key yet. */
	err = load_key(facts);
	return err == ERR_NOTFOUND ? OK : err;
}

err_t
facts_open(const char *data, enum facts_mode mode, struct facts **ret_facts,
	   struct err_detail *detail)
{
	char folder[PATH_MAX - 32];
	char path[PATH_MAX];
	int len = snprintf(folder, sizeof(folder), "%s/facts", data);
	if (len < 0 || (size_t)len >= sizeof(folder))
		return err_set(detail, ERR_LIMIT, "%s: path too long", data);
	(void)snprintf(path, sizeof(path), "%s/facts.db", folder);
	struct facts *facts = calloc(1, sizeof(*facts));
	if (facts == NULL)
		abort();
	struct sql_file file = facts_file;
	file.path = path;
	facts->data = strdup(data);
	if (facts->data == NULL)
		abort();
	facts->mode = mode;
	facts->lock_fd = -1;
	facts->unpack = unpack_new();
	buf_init(&facts->source, FACTS_SOURCE_MAX_BYTES);
	err_t err = mode == FACTS_WRITE ? open_writer(facts, &file, folder, detail)
					: open_reader(facts, &file, detail);
	if (err != OK) {
		facts->broken = err; /* so that closing does not call it clean */
		facts_close(facts);
		return err;
	}
	*ret_facts = facts;
	return OK;
}

void
facts_close(struct facts *facts)
{
	if (facts == NULL)
		return;
	if (facts->mode == FACTS_WRITE && facts->sql.db != NULL) {
		sql_rollback(&facts->sql);
		/* What failed is left as it is for the next opening to judge. */
		if (facts->broken != OK)
			(void)sqlite3_db_config(facts->sql.db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1,
						NULL);
		else if (set_clean(facts, true, NULL) != OK)
			facts->broken = ERR_IO;
	}
	sql_finalize_all(facts->read, READ_STATEMENT_N);
	sql_finalize_all(facts->write, WRITE_STATEMENT_N);
	sql_close(&facts->sql);
	if (facts->lock_fd >= 0)
		(void)close(facts->lock_fd);
	unpack_free(facts->unpack);
	buf_done(&facts->source);
	free(facts->data);
	free(facts);
}

const char *
facts_data(const struct facts *facts)
{
	return facts->data;
}

const uint8_t *
facts_upload_key(const struct facts *facts)
{
	return facts->upload_key;
}
