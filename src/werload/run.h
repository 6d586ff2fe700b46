/* run.h - a load on a collector: what is asked for, what came of it */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "werload/fleet.h"
#include "werload/histogram.h"
#include "werload/ledger.h"
#include "werload/shape.h"

struct run_options {
	const char *server;
	uint16_t port;
	bool is_tls;
	const char *ca;
	bool is_insecure;
	bool is_resuming; /* TLS sessions */
	struct fleet_options fleet;
	enum shape_kind shape;
	uint64_t rate; /* reports a second; 0: as fast as they go */
	int64_t duration_us;
	uint64_t reports;
	uint32_t queued;
	int64_t start_us; /* 0: now */
	uint32_t connections;
	bool is_new_connection; /* said; it is the default */
	bool is_keep_alive;
	bool has_cabs;
	uint64_t cab_bytes;
	int64_t patience_us;
	int64_t timeout_us;
	const char *acknowledged;
	bool is_json;
	bool is_owner;
};

enum {
	RUN_STATUSES = 600 /* HTTP */
};

/* Every report made ends as one of: acknowledged, refused, lost.  Those never made are unsent. */
struct run_stats {
	uint64_t sent; /* requests of stage 1, repeated ones included */
	uint64_t made; /* different reports among them */
	uint64_t retried;
	uint64_t acknowledged;
	uint64_t refused; /* answered with what makes no sense to repeat */
	uint64_t lost;    /* sent, and not acknowledged when patience ended */
	uint64_t unsent;
	uint64_t without_bucket; /* 200, but no Bucket= in the reply */
	uint64_t uploads_asked;  /* by the collector */
	uint64_t uploads_acknowledged;
	uint64_t uploads_refused;
	uint64_t uploads_lost;
	uint64_t body_bytes, upload_bytes; /* acknowledged */
	uint64_t statuses[RUN_STATUSES];   /* of both stages */
	uint64_t errors[ERR_N];            /* no answer at all */
	struct histogram latency;          /* of stage 1, from the moment it was due */
	struct histogram upload_latency;
	int64_t elapsed_us;
	int64_t last_due_us; /* when the last report was due */
};

/* The load itself; fills STATS as it goes. */
err_t
run_load(const struct run_options *options, const struct shape *shape, const struct fleet *fleet,
	 struct ledger *ledger, struct run_stats *stats, struct err_detail *detail) ERR_CHECK;

/* One line on a terminal, over the one before. */
void run_print_progress(const struct run_stats *stats, uint64_t waiting, uint64_t open);
void run_print_summary(const struct run_options *options, const struct run_stats *stats);
