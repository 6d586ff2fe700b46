/* io_internal.h - what the files of an I/O thread share: io.c, level1.c, upload.c, refuse.c */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "cer/level1.h"
#include "ingest/io.h"
#include "store/pack.h"

struct io {
	struct io_options o;
	struct committer *committer;
	struct snapshot *snapshot; /* the current one */
	struct http_server *server;
	uv_loop_t loop;
	uv_async_t wake;
	uv_check_t after_round;
	pthread_t thread;
	bool is_started;

	struct level1_parser *parser;
	struct pack *pack;
	struct exchange *idle; /* to be used again, linked by next */
	/* Bodies that this round brought.  They are parsed and packed one behind the other at its
	 * end, when expat's and zstd's tables are met warm: between TLS handshakes each would meet
	 * them cold. */
	struct exchange_list received;
	struct exchange_list ready; /* handed to the committer once a round */

	int64_t log_second; /* a flood of refusals is counted in full but logged as a sample */
	unsigned log_lines;

	pthread_mutex_t lock; /* guards what follows */
	struct exchange_list done;
	struct snapshot *next_snapshot;
	bool is_draining;

	_Atomic uint64_t rounds;
};

/* io.c */
struct exchange *
io_take_exchange(struct io *io, struct http_request *request, enum exchange_kind kind);
void io_release(struct exchange *exchange); /* to the idle ones; closes what it holds */
void io_hand_over(struct io *io, struct exchange *exchange);

/* level1.c */
err_t level1_head(struct io *io, struct http_request *request);
err_t level1_body(struct exchange *exchange, struct slice bytes);
void level1_complete(struct exchange *exchange);
void level1_answer(struct exchange *exchange);

/* upload.c */
err_t upload_head(struct io *io, struct http_request *request, const struct upload_ticket *ticket);
err_t upload_body(struct exchange *exchange, struct slice bytes);
void upload_complete(struct exchange *exchange);
void upload_answer(struct exchange *exchange);

/* refuse.c: counts NAME, logs a sample, keeps the bytes for study.  Returns ERR. */
struct refusal {
	const char *name;   /* counter and reason, a static string */
	const char *stage;  /* "level1", "upload", "http" */
	const char *detail; /* for people; may be "" */
	uint64_t offset;
	uint64_t total_bytes;
	struct slice bytes; /* what came */
};
err_t refuse(struct io *io, const struct address *peer, err_t err, const struct refusal *refusal);
/* A request for a path or with a method that this port does not have. */
err_t refuse_unknown(struct io *io, const struct http_request *request);
