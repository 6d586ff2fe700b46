/* ledger.h - the list of what a collector acknowledged
 *
 * A text file that only grows; one line for each report that was answered 200 and one for each
 * cabinet, written after the answer came, so that what it holds was promised:
 *
 *	R  sequence  SHA-256 of the body  report id or -  bucket or -
 *	U  sequence  SHA-256 of the file  report id or -  bytes
 *
 * Fields are separated by one blank.  A last line without its end (this program was killed) is
 * passed over when reading.
 */
#pragma once

#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

struct ledger {
	int fd; /* -1: nobody wants a list */
	struct buf waiting;
};

struct ledger_entry {
	bool is_upload;
	uint64_t sequence;
	uint8_t sha256[32];
	uint64_t report; /* id, 0: not known */
	uint64_t number; /* bucket (0: not known) or bytes */
};

/* PATH NULL: a ledger that writes nothing.  An existing file is continued. */
err_t ledger_open(struct ledger *ledger, const char *path, struct err_detail *detail) ERR_CHECK;
void ledger_put(struct ledger *ledger, const struct ledger_entry *entry);
err_t ledger_flush(struct ledger *ledger) ERR_CHECK; /* once a turn: what was put is in the file */
void ledger_close(struct ledger *ledger);

/* Calls EACH for every line; stops when it returns an error, which is returned.  ERR_CORRUPT: a
 * line that is none. */
typedef err_t (*ledger_each_fn)(void *context, const struct ledger_entry *entry);
err_t ledger_read(const char *path, ledger_each_fn each, void *context,
		  struct err_detail *detail) ERR_CHECK;
