/* verify.h - is everything that was acknowledged in the store, byte for byte?
 *
 * A report is looked up by its id when the reply told it, else all stored bodies are compared.
 * Bodies, and the files of cabinets, are hashed again: what the store says of itself does not
 * count.
 */
#pragma once

#include <stdint.h>

#include "base/err.h"
#include "werload/ledger.h"

struct verify_result {
	uint64_t reports, uploads; /* acknowledged */
	uint64_t missing_reports;  /* not there, or other bytes */
	uint64_t wrong_buckets;    /* there, under another bucket than the reply said */
	uint64_t missing_uploads;
};

/* Tells of each thing that is missing; WHY is fixed text. */
typedef void (*verify_missing_fn)(void *context, const struct ledger_entry *entry, const char *why);

/* ERR_* when the store or the list cannot be read; what is missing is no error here. */
err_t
verify_store(const char *data, const char *ledger_path, verify_missing_fn missing, void *context,
	     struct verify_result *ret_result, struct err_detail *detail) ERR_CHECK;
