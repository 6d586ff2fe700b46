/* filter.h - which reports are asked for: from the options, and held against one report
 *
 * Derived answers filters over what is stored (store/derived.h, whose rules these are); tail
 * must judge reports that derived has not seen yet, so the same rules stand here over a report.
 */
#pragma once

#include "werctl/record.h"
#include "werctl/werctl.h"

enum {
	FILTER_TEXT_LEAST_BYTES = 3 /* the index is made of trigrams */
};

/* Texts are borrowed from the command line.  A bucket named by hashed or legacy number is looked
 * up.  ERR_USAGE, ERR_NOTFOUND. */
err_t filter_from_options(struct werctl *w, struct report_filter *ret_filter) ERR_CHECK;
/* The page that --limit and --after ask for. */
err_t filter_page(struct werctl *w, uint64_t default_limit, struct page *ret_page) ERR_CHECK;
bool filter_matches(const struct report_filter *filter, const struct record *record);
/* ID is a bucket's id, hashed number (32 hex digits) or legacy number. */
err_t filter_find_bucket(struct werctl *w, const char *id, uint64_t *ret_bucket) ERR_CHECK;
/* A report's id from the command line: ERR_USAGE with the reason. */
err_t filter_report_id(struct werctl *w, const char *text, uint64_t *ret_id) ERR_CHECK;
