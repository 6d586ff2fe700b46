#include "werctl/ledger.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/reader.h"
#include "base/table.h"
#include "ext/crypto.h"

enum {
	LEDGER_RECORD_BYTES = LEDGER_DIGEST_BYTES + 8
};
/* A hundred million imports. */
static const size_t LEDGER_MAX_BYTES = (size_t)100 * 1000 * 1000 * LEDGER_RECORD_BYTES;

struct ledger {
	int fd;
	char path[PATH_MAX];
	struct table digests; /* first half of a digest, second half */
	struct buf added;     /* records not yet written */
};

/* The halves of a digest as numbers; 0 is no key of a table. */
static void
halves(const uint8_t digest[LEDGER_DIGEST_BYTES], uint64_t *ret_key, uint64_t *ret_value)
{
	struct reader r;
	reader_init(&r, slice_of(digest, LEDGER_DIGEST_BYTES));
	uint64_t key = reader_u64(&r);
	*ret_key = key == 0 ? 1 : key;
	*ret_value = reader_u64(&r);
}

static void
remember(struct ledger *ledger, const uint8_t digest[LEDGER_DIGEST_BYTES])
{
	uint64_t key;
	uint64_t value;
	halves(digest, &key, &value);
	table_put(&ledger->digests, key, value);
}

/* The length of the part whose reports were committed. */
static err_t
committed_bytes(struct facts *facts, struct slice records, size_t *ret_len)
{
	size_t len = records.len - records.len % LEDGER_RECORD_BYTES;
	while (len > 0) {
		struct reader r;
		uint64_t bucket;
		reader_init(&r, slice_sub(records, len - 8, 8));
		err_t err = facts_find_report_bucket(facts, reader_u64(&r), &bucket);
		if (err == OK)
			break;
		if (err != ERR_NOTFOUND)
			return err;
		len -= LEDGER_RECORD_BYTES;
	}
	*ret_len = len;
	return OK;
}

static err_t
load(struct ledger *ledger, struct facts *facts, struct err_detail *detail)
{
	struct buf bytes;
	size_t len;
	err_t err = fs_read_file(ledger->path, LEDGER_MAX_BYTES, &bytes, detail);
	if (err != OK)
		return err;
	err = committed_bytes(facts, buf_slice(&bytes), &len);
	if (err == OK && len < bytes.len && ftruncate(ledger->fd, (off_t)len) != 0)
		err = err_set(detail, err_from_errno(errno), "%s: %s", ledger->path,
			      strerror(errno));
	for (size_t at = 0; err == OK && at < len; at += LEDGER_RECORD_BYTES)
		remember(ledger, bytes.data + at);
	buf_done(&bytes);
	return err;
}

err_t
ledger_open(const char *data, struct facts *facts, struct ledger **ret_ledger,
	    struct err_detail *detail)
{
	struct ledger *ledger = calloc(1, sizeof(*ledger));
	if (ledger == NULL)
		abort();
	buf_init(&ledger->added, LEDGER_MAX_BYTES);
	table_init(&ledger->digests);
	(void)snprintf(ledger->path, sizeof(ledger->path), "%s/facts/imported", data);
	ledger->fd = open(ledger->path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
	err_t err = ledger->fd < 0 ? err_set(detail, err_from_errno(errno), "%s: %s", ledger->path,
					     strerror(errno))
				   : load(ledger, facts, detail);
	if (err != OK) {
		ledger_close(ledger);
		return err;
	}
	*ret_ledger = ledger;
	return OK;
}

void
ledger_close(struct ledger *ledger)
{
	if (ledger == NULL)
		return;
	if (ledger->fd >= 0)
		(void)close(ledger->fd);
	table_done(&ledger->digests);
	buf_done(&ledger->added);
	free(ledger);
}

void
ledger_digest(struct slice origin, struct slice body, uint8_t ret_digest[LEDGER_DIGEST_BYTES])
{
	uint8_t whole[CRYPTO_SHA256_BYTES];
	struct crypto_sha256_stream *stream = crypto_sha256_new();
	crypto_sha256_add(stream, origin);
	crypto_sha256_add(stream, slice_of("", 1)); /* a NUL, which no path holds */
	crypto_sha256_add(stream, body);
	crypto_sha256_take(stream, whole);
	memcpy(ret_digest, whole, LEDGER_DIGEST_BYTES);
}

bool
ledger_has(const struct ledger *ledger, const uint8_t digest[LEDGER_DIGEST_BYTES])
{
	uint64_t key;
	uint64_t value;
	uint64_t found;
	halves(digest, &key, &value);
	return table_find(&ledger->digests, key, &found) && found == value;
}

void
ledger_add(struct ledger *ledger, const uint8_t digest[LEDGER_DIGEST_BYTES], uint64_t report)
{
	remember(ledger, digest);
	buf_append(&ledger->added, slice_of(digest, LEDGER_DIGEST_BYTES));
	for (unsigned shift = 0; shift < 64; shift += 8)
		buf_append_byte(&ledger->added, (uint8_t)(report >> shift));
}

err_t
ledger_write(struct ledger *ledger, struct err_detail *detail)
{
	err_t err = fs_write_all(ledger->fd, buf_slice(&ledger->added));
	buf_reset(&ledger->added);
	if (err != OK)
		return err_set(detail, err, "%s: %s", ledger->path, err_text(err));
	if (fdatasync(ledger->fd) != 0)
		return err_set(detail, err_from_errno(errno), "%s: %s", ledger->path,
			       strerror(errno));
	return OK;
}
