/* explain.h - the reply that a report would get now, and what decided each of its lines
 *
 * The same pure functions that ingest asks (collection/), with counts read from the store.  Two
 * things ingest alone knows: hits and asks of the last moments, and the upload path, which is
 * signed when the report comes.
 */
#pragma once

#include "collection/collection.h"
#include "werctl/record.h"

struct explain {
	struct werctl *w;
	const struct record *record;
	struct collection *collection;
	const char *collection_path; /* NULL: the built-in rules */
	const struct config *config; /* NULL: none was found */
	struct collection_plan plan;
	uint64_t bucket; /* 0: it would be new */
	struct collection_counts counts;
	bool has_room; /* for cabinets, on the disk */
	bool is_cab_asked;
	struct buf reply; /* UTF-8 lines */
};

/* Reads rules and counts, makes the reply.  Then explain_done, whatever the result. */
err_t
explain_make(struct werctl *w, const struct record *record, struct explain *ret_explain) ERR_CHECK;
void explain_done(struct explain *explain);
/* Appends why a cabinet is asked for or not. */
void explain_cab(const struct explain *explain, struct buf *out);
/* Appends who decided the line of KEY: "rule office (collection.yaml:12)". */
void explain_key(const struct explain *explain, struct slice key, struct buf *out);
/* The directive behind KEY; COLLECTION_DIRECTIVE_N: none, Bucket and BucketTable. */
enum collection_directive explain_directive(struct slice key);
/* Appends the source of DIRECTIVE, as explain_key. */
void
explain_source(const struct explain *explain, enum collection_directive directive, struct buf *out);
