/* committer.h - the one thread that writes facts: takes all that waits, commits once, answers all
 *
 * Natural batching, no timer: while one group is being committed the next one gathers.  Nothing
 * is answered with success before the commit that holds it is durable.  A full disk rolls the
 * group back, answers 503 and goes on; any other failure answers 503 and stops the role.
 */
#pragma once

#include "ingest/buckets.h"
#include "ingest/counters.h"
#include "ingest/disk.h"
#include "ingest/exchange.h"

enum {
	COMMITTER_GROUP_MAX = 4096 /* reports of one transaction: bounds its time to some 50 ms */
};

struct committer;

struct committer_options {
	struct facts *facts;     /* the committer's alone while it runs */
	struct buckets *buckets; /* loaded */
	struct counters *counters;
	struct disk *disk;
	struct blob_dir *blobs;
	uint8_t node;
	size_t max_queue;
	/* Gives exchanges back to their I/O thread. */
	void (*give_back)(struct io *io, struct exchange_list *list);
	/* Called once, on the committer's thread, when the role must stop. */
	void (*on_failure)(void *context, err_t err, const char *why);
	void *context;
};

err_t committer_start(const struct committer_options *options,
		      struct committer **ret_committer) ERR_CHECK;
/* Commits what waits, then ends the thread.  No more pushes by then. */
void committer_stop(struct committer *committer);

/* Hands over a whole list.  Any thread. */
void committer_push(struct committer *committer, struct exchange_list *list);
/* How many wait; for answering 503 before a body is read. */
size_t committer_waiting(struct committer *committer);
/* Counts up whenever the thread comes round: for the watchdog. */
uint64_t committer_rounds(struct committer *committer);

/* A write or fsync elsewhere failed: nothing is acknowledged any more, and the role stops. */
void committer_fail(struct committer *committer, err_t err, const char *why);

/* Keeps ITEM (copied) for study, unless too many came this second.  Not waited for. */
void committer_quarantine(struct committer *committer, const struct facts_quarantined *item);
