/* io.h - an I/O thread: one event loop that reads, parses, decides and answers
 *
 * Never waits for a disk: commits and fsyncs happen elsewhere, and their results come back
 * through io_give_back.
 */
#pragma once

#include "ingest/committer.h"
#include "ingest/exchange.h"
#include "ingest/ingest.h"
#include "ingest/peers.h"
#include "ingest/resolver.h"

struct io_options {
	unsigned index;
	unsigned threads;                    /* how many of these there are */
	const struct ingest_socket *sockets; /* those with this index become this thread's */
	size_t n_sockets;
	struct snapshot *snapshot; /* a reference is taken */
	struct buckets *buckets;
	struct counters *counters;
	struct disk *disk;
	struct peers *peers;
	struct resolver *resolver; /* NULL: reverse names are not looked up */
	struct blob_dir *blobs;
	const uint8_t *upload_key;
};

/* Makes the thread's state and listens; io_start runs it once the committer is known. */
err_t
io_new(const struct io_options *options, struct io **ret_io, struct err_detail *detail) ERR_CHECK;
err_t io_start(struct io *io, struct committer *committer) ERR_CHECK;
/* Any thread. */
void io_give_back(struct io *io, struct exchange_list *list);
void io_set_snapshot(struct io *io, struct snapshot *snapshot); /* takes a reference */
void io_drain(struct io *io);      /* no new connections; ends when all is answered */
uint64_t io_rounds(struct io *io); /* counts up when the loop comes round */
void io_poke(struct io *io);       /* makes an idle loop come round */
void io_join(struct io *io);       /* waits for the thread's end */
void io_free(struct io *io);
