/* ingest.h - the role that every machine can reach: takes reports and uploads, keeps them, answers
 *
 * Threads: one I/O thread per core (io.h), which reads, parses and decides the reply; one
 * committer (committer.h), which takes everything that waits, commits once and hands the answers
 * back; a resolver of reverse names; the role's own thread, for signals, reloads and the watch
 * over the disk.  Nothing that was stored is ever given back through a port.
 */
#pragma once

#include "config/config.h"

/* A socket that listens, made by ingest_bind before rights are dropped. */
struct ingest_socket {
	int fd;
	bool is_tls;
	unsigned thread; /* index of the I/O thread that will own it */
};

struct ingest_sockets {
	struct ingest_socket *sockets; /* malloc */
	size_t count;
	unsigned threads;
};

/* One socket for every address and I/O thread, plain ones first.  A port 0 becomes the same free
 * port for all threads; CONFIG's addresses are updated to say which. */
err_t ingest_bind(struct config *config, struct ingest_sockets *ret_sockets,
		  struct err_detail *detail) ERR_CHECK;
void ingest_sockets_done(struct ingest_sockets *sockets); /* frees the list, keeps the sockets */

struct ingest_options {
	const char *config_path; /* read again on SIGHUP */
	struct config *config;
	struct ingest_sockets sockets; /* owned from now on */
	/* Called on the role's thread: once when everything listens, then about once a second
	 * while every thread makes progress. */
	void (*on_ready)(void *context);
	void (*on_alive)(void *context);
	void *context;
};

/* Runs until SIGTERM or SIGINT (then drains and returns OK) or until something failed that must
 * not be survived: a write, fsync or commit that did not happen. */
err_t ingest_run(const struct ingest_options *options) ERR_CHECK;
