/* bucket_view.h - a bucket with its counts, as JSON and for people */
#pragma once

#include "werctl/table.h"
#include "werctl/werctl.h"

/* CURSOR: what --after takes to go on behind this one; 0: none. */
struct json *bucket_to_json(const struct derived_bucket *bucket, int64_t as_of_us, uint64_t cursor);
struct table *bucket_table(const struct output *out);
/* At a terminal the label is the summary. */
void bucket_table_row(struct table *table, const struct derived_bucket *bucket, bool is_terminal);
/* "APPCRASH: editor.exe / 1.2.3.4 / ..." */
void bucket_label_text(const struct label *label, struct buf *out);
/* The same for a terminal's line: what people tell buckets by, without stamps and zeros, such as
 * "APPCRASH editor.exe 1.2.3.4 in ntdll.dll+12345, c0000005 STATUS_ACCESS_VIOLATION".  Where the
 * event table names no application the whole label. */
void bucket_summary_text(const struct label *label, struct buf *out);
/* A count of things told apart: "more than 10000" past DERIVED_DISTINCT_MAX. */
void bucket_distinct_text(uint64_t count, struct buf *out);
void bucket_show(const struct derived_bucket *bucket, int64_t as_of_us, int64_t now_us,
		 struct output *out);
