/* exchange.h - one report or upload on its way: from a request to the commit and back
 *
 * An I/O thread fills it, hands it to the committer, and gets it back with a result.  It belongs
 * to one thread at a time; its memory is used again for the next exchange of that I/O thread.
 */
#pragma once

#include "bucket/label.h"
#include "collection/collection.h"
#include "ingest/snapshot.h"
#include "net/http_server.h"
#include "store/blob_dir.h"
#include "store/facts.h"

struct io;

enum exchange_kind {
	EXCHANGE_LEVEL1,
	EXCHANGE_UPLOAD
};

struct exchange {
	struct exchange *next; /* in the list that it waits in */
	struct io *io;
	struct http_request *request;
	struct snapshot *snapshot; /* a reference */
	enum exchange_kind kind;
	struct facts_source source;
	err_t result;            /* OK only after the commit */
	bool has_entered;        /* counted against its peer */
	uint64_t received_bytes; /* of the body */

	/* level 1 */
	struct buf body;
	struct arena arena; /* the parsed report */
	struct report report;
	struct label label;
	uint8_t key[LABEL_KEY_BYTES];
	uint64_t machine; /* machine_hash */
	struct collection_plan plan;
	struct buf packed;
	struct buf reply;  /* the committer's answer */
	uint64_t id;       /* set by the committer */
	bool is_cab_asked; /* set by the committer */

	/* upload */
	struct upload_ticket ticket; /* also the one that a level-1 reply hands out */
	struct blob_writer *blob;
	uv_work_t work; /* blob_finish, on a worker thread */
	uint8_t sha256[32];
	uint64_t blob_bytes;
	bool is_cabinet;
	uint64_t bucket;  /* of the report; set by the committer */
	bool is_repeated; /* set by the committer: the report had its cabinet already */
	struct err_detail detail;
};

/* A first-in first-out list. */
struct exchange_list {
	struct exchange *first;
	struct exchange *last;
	size_t count;
};

static inline void
exchange_append(struct exchange_list *list, struct exchange *exchange)
{
	exchange->next = NULL;
	if (list->last == NULL)
		list->first = exchange;
	else
		list->last->next = exchange;
	list->last = exchange;
	list->count++;
}

static inline struct exchange *
exchange_take(struct exchange_list *list)
{
	struct exchange *exchange = list->first;
	if (exchange == NULL)
		return NULL;
	list->first = exchange->next;
	if (list->first == NULL)
		list->last = NULL;
	list->count--;
	exchange->next = NULL;
	return exchange;
}

/* Moves all of FROM behind TO. */
static inline void
exchange_append_all(struct exchange_list *to, struct exchange_list *from)
{
	if (from->first == NULL)
		return;
	if (to->last == NULL)
		to->first = from->first;
	else
		to->last->next = from->first;
	to->last = from->last;
	to->count += from->count;
	*from = (struct exchange_list){0};
}
