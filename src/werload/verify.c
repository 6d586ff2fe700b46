#include "werload/verify.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/table.h"
#include "ext/crypto.h"
#include "store/blob_dir.h"
#include "store/facts.h"

enum {
	SHA256_BYTES = 32,
	REPORT_ARENA_BYTES = 4 * 1024 * 1024,
	PAGE_REPORTS = 1000,
	READ_BYTES = 256 * 1024
};

struct verify {
	struct facts *facts;
	struct blob_dir *blobs;
	struct ledger_entry *entries;
	size_t count, capacity;
	/* By the start of the digest. */
	struct table bodies; /* how many must still be found */
	struct table stored_uploads;
	uint64_t last_seen; /* report id of a scan */
	struct arena arena;
	verify_missing_fn missing;
	void *context;
	struct verify_result result;
};

/* A stored body would have to share these with one that is missing to hide that. */
static uint64_t
short_key(const uint8_t sha256[SHA256_BYTES])
{
	uint64_t value;
	memcpy(&value, sha256, sizeof(value));
	return value == 0 ? 1 : value;
}

static err_t
remember(void *context, const struct ledger_entry *entry)
{
	struct verify *verify = context;
	if (verify->count == verify->capacity) {
		size_t capacity = verify->capacity == 0 ? 1024 : verify->capacity * 2;
		struct ledger_entry *entries =
			reallocarray(verify->entries, capacity, sizeof(*entries));
		if (entries == NULL)
			return ERR_NOMEM;
		verify->entries = entries;
		verify->capacity = capacity;
	}
	verify->entries[verify->count++] = *entry;
	verify->result.reports += !entry->is_upload;
	verify->result.uploads += entry->is_upload;
	return OK;
}

static void
tell_report(struct verify *verify, const struct ledger_entry *entry, const char *why)
{
	verify->result.missing_reports++;
	verify->missing(verify->context, entry, why);
}

static void
tell_upload(struct verify *verify, const struct ledger_entry *entry, const char *why)
{
	verify->result.missing_uploads++;
	verify->missing(verify->context, entry, why);
}

static err_t
check_report(struct verify *verify, const struct ledger_entry *entry)
{
	struct facts_report report;
	uint8_t sha256[SHA256_BYTES];
	arena_reset(&verify->arena);
	err_t err = facts_find_report(verify->facts, entry->report, &verify->arena, &report);
	if (err == ERR_NOTFOUND) {
		tell_report(verify, entry, "no such report");
		return OK;
	}
	if (err != OK)
		return err;
	crypto_sha256(report.body, sha256);
	if (memcmp(sha256, entry->sha256, SHA256_BYTES) != 0) {
		tell_report(verify, entry, "its body is another one");
	} else if (entry->number != 0 && entry->number != report.bucket) {
		verify->result.wrong_buckets++;
		verify->missing(verify->context, entry, "it lies in another bucket");
	}
	return OK;
}

static err_t
check_known_reports(struct verify *verify, bool *ret_has_unknown)
{
	*ret_has_unknown = false;
	for (size_t i = 0; i < verify->count; i++) {
		const struct ledger_entry *entry = &verify->entries[i];
		if (entry->is_upload)
			continue;
		if (entry->report == 0) {
			(void)table_add(&verify->bodies, short_key(entry->sha256), 1);
			*ret_has_unknown = true;
			continue;
		}
		err_t err = check_report(verify, entry);
		if (err != OK)
			return err;
	}
	return OK;
}

static err_t
cross_off(void *context, const struct facts_report *report)
{
	struct verify *verify = context;
	uint8_t sha256[SHA256_BYTES];
	crypto_sha256(report->body, sha256);
	uint64_t expected, key = short_key(sha256);
	if (table_find(&verify->bodies, key, &expected) && expected > 0)
		table_put(&verify->bodies, key, expected - 1);
	verify->last_seen = report->id;
	return OK;
}

/* Every stored body once; what is then still expected is not there. */
static err_t
check_unknown_reports(struct verify *verify)
{
	size_t seen = PAGE_REPORTS;
	while (seen == PAGE_REPORTS) {
		err_t err = facts_each_report_after(verify->facts, verify->last_seen, PAGE_REPORTS,
						    cross_off, verify, &seen);
		if (err != OK)
			return err;
	}
	for (size_t i = 0; i < verify->count; i++) {
		const struct ledger_entry *entry = &verify->entries[i];
		if (entry->is_upload || entry->report != 0)
			continue;
		uint64_t expected, key = short_key(entry->sha256);
		if (table_find(&verify->bodies, key, &expected) && expected > 0) {
			table_put(&verify->bodies, key, expected - 1);
			tell_report(verify, entry, "no stored body has this digest");
		}
	}
	return OK;
}

static err_t
remember_upload(void *context, const struct facts_upload *upload)
{
	struct verify *verify = context;
	table_put(&verify->stored_uploads, short_key(upload->sha256), 1);
	return OK;
}

static err_t
hash_file(int fd, uint8_t ret_sha256[SHA256_BYTES])
{
	struct crypto_sha256_stream *stream = crypto_sha256_new();
	uint8_t *bytes = malloc(READ_BYTES);
	ssize_t len = bytes == NULL ? -1 : read(fd, bytes, READ_BYTES);
	for (; len > 0; len = read(fd, bytes, READ_BYTES))
		crypto_sha256_add(stream, slice_of(bytes, (size_t)len));
	free(bytes);
	crypto_sha256_take(stream, ret_sha256);
	return len < 0 ? ERR_IO : OK;
}

static err_t
check_file(struct verify *verify, const struct ledger_entry *entry)
{
	uint8_t sha256[SHA256_BYTES];
	uint64_t bytes;
	int fd;
	err_t err = blob_open_read(verify->blobs, entry->sha256, &fd, &bytes);
	if (err == ERR_NOTFOUND) {
		tell_upload(verify, entry, "its file is not there");
		return OK;
	}
	if (err != OK)
		return err;
	err = hash_file(fd, sha256);
	(void)close(fd);
	if (err == OK &&
	    (bytes != entry->number || memcmp(sha256, entry->sha256, SHA256_BYTES) != 0))
		tell_upload(verify, entry, "its file has other bytes");
	return err;
}

static err_t
check_upload(struct verify *verify, const struct ledger_entry *entry)
{
	struct facts_report report;
	arena_reset(&verify->arena);
	if (entry->report == 0) {
		uint64_t known;
		if (table_find(&verify->stored_uploads, short_key(entry->sha256), &known))
			return check_file(verify, entry);
		tell_upload(verify, entry, "no row names it");
		return OK;
	}
	err_t err = facts_find_report(verify->facts, entry->report, &verify->arena, &report);
	if (err != OK && err != ERR_NOTFOUND)
		return err;
	if (err == ERR_NOTFOUND || !report.has_cab)
		tell_upload(verify, entry, "its report has none");
	else if (memcmp(report.cab_sha256, entry->sha256, SHA256_BYTES) != 0)
		tell_upload(verify, entry, "its report has another one");
	else
		return check_file(verify, entry);
	return OK;
}

static err_t
check_uploads(struct verify *verify)
{
	uint64_t last;
	err_t err = OK;
	if (verify->result.uploads > 0)
		err = facts_each_upload(verify->facts, 0, remember_upload, verify, &last);
	for (size_t i = 0; i < verify->count && err == OK; i++) {
		if (verify->entries[i].is_upload)
			err = check_upload(verify, &verify->entries[i]);
	}
	return err;
}

err_t
verify_store(const char *data, const char *ledger_path, verify_missing_fn missing, void *context,
	     struct verify_result *ret_result, struct err_detail *detail)
{
	struct verify verify = {.missing = missing, .context = context};
	bool has_unknown = false;
	arena_init(&verify.arena, REPORT_ARENA_BYTES);
	err_t err = ledger_read(ledger_path, remember, &verify, detail);
	if (err == OK)
		err = facts_open(data, FACTS_READ, &verify.facts, detail);
	if (err == OK && verify.result.uploads > 0)
		err = blob_dir_open(data, &verify.blobs, detail);
	if (err == OK)
		err = check_known_reports(&verify, &has_unknown);
	if (err == OK && has_unknown)
		err = check_unknown_reports(&verify);
	if (err == OK)
		err = check_uploads(&verify);
	if (err == OK)
		*ret_result = verify.result;
	blob_dir_close(verify.blobs);
	facts_close(verify.facts);
	table_done(&verify.bodies);
	table_done(&verify.stored_uploads);
	arena_done(&verify.arena);
	free(verify.entries);
	return err;
}
