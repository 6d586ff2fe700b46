/* analyze.h - the role that follows the facts and keeps what is derived from them
 *
 * Reads facts and blobs, writes derived: counts, the indexes for reading and search, and what the
 * jail found in the uploads.  Talks to no network and changes no fact.  Lags by at most 2 s behind
 * what ingest commits, as long as the machine keeps up; `werctl buckets --json` says `as_of`.
 */
#pragma once

#include "config/config.h"

struct analyze_options {
	const struct config *config;
	bool has_no_jail;                /* builds with sanitizers alone */
	void (*on_ready)(void *context); /* both stores are open */
	void (*on_alive)(void *context); /* between two transactions */
	void *context;
};

/* Runs until SIGTERM or SIGINT (OK) or until something failed that a restart may mend.  A full
 * disk is waited out. */
err_t analyze_run(const struct analyze_options *options) ERR_CHECK;
