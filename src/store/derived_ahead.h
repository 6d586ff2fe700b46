/* derived_ahead.h - reports read and parsed by a second thread, while the caller writes
 *
 * For catching up: of the work that a report makes there, reading, unpacking and parsing are two
 * fifths.  Few reports are in flight, so that even the largest ones take little memory.
 */
#pragma once

#include "report/report.h"
#include "store/facts.h"

struct ahead;

/* READABLE: NULL when the body was damaged or no report.  FACT has no body, reply or source.
 * Both are valid during the call. */
typedef err_t (*ahead_fn)(void *context, const struct facts_report *fact,
			  const struct report *readable);

/* DATA: the folder of the store, whose facts are opened once more. */
err_t ahead_new(const char *data, struct ahead **ret_ahead, struct err_detail *detail) ERR_CHECK;
void ahead_free(struct ahead *ahead); /* accepts NULL */
/* As facts_each_report_after.  EACH is called on the caller's thread, in the order of ids. */
err_t ahead_each_report_after(struct ahead *ahead, uint64_t after, size_t max, ahead_fn each,
			      void *context, size_t *ret_count) ERR_CHECK;
