/* ledger.h - what was imported, so that nothing is imported twice
 *
 * DATA/facts/imported: a record of 24 bytes for each imported report: half of a SHA-256 over
 * origin and body, and the report's id, little-endian.  A batch's records are made durable
 * before its transaction commits; records at the end whose report is not in facts belong to a
 * batch that never committed, and are cut off when the file is opened again.  It grows with the
 * reports that were imported, and with nothing else.
 * The file belongs to whoever holds facts open for writing.
 */
#pragma once

#include "base/err.h"
#include "base/slice.h"
#include "store/facts.h"

struct ledger;

enum {
	LEDGER_DIGEST_BYTES = 16
};

err_t ledger_open(const char *data, struct facts *facts, struct ledger **ret_ledger,
		  struct err_detail *detail) ERR_CHECK;
void ledger_close(struct ledger *ledger); /* accepts NULL; what was not written is lost */
void ledger_digest(struct slice origin, struct slice body, uint8_t ret_digest[LEDGER_DIGEST_BYTES]);
bool ledger_has(const struct ledger *ledger, const uint8_t digest[LEDGER_DIGEST_BYTES]);
void ledger_add(struct ledger *ledger, const uint8_t digest[LEDGER_DIGEST_BYTES], uint64_t report);
/* Makes what was added durable: before facts_commit. */
err_t ledger_write(struct ledger *ledger, struct err_detail *detail) ERR_CHECK;
