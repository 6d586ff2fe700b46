/* config.h - werd.yaml
 *
 * Every key, its type, range, default and text stands in one table (config_table.c), from which
 * the reader works and werd.conf(5) is checked.  Refuses, with file, line and reason: an unknown
 * key, a value out of range, a key twice, one address twice, TLS without a certificate.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "net/address.h"
#include "net/tls.h"

#define CONFIG_DEFAULT_PATH "/etc/openwer/werd.yaml"

struct config_listen {
	struct address *addresses;
	size_t n_addresses;
};

struct config_paths {
	const char **paths;
	size_t n_paths;
};

struct config_ranges {
	struct address_range *ranges;
	size_t n_ranges;
};

struct config_ingest {
	bool is_on;                  /* the `ingest:` mapping is there */
	struct config_listen listen; /* default when neither list is given: [:1273] */
	struct config_listen tls_listen;
	const char *tls_certificate; /* paths: as config_load says */
	const char *tls_key;
	enum tls_version tls_least;
	struct config_ranges allow;
	struct config_ranges trusted_proxies;
	unsigned threads; /* I/O threads; 0: one per core */
	uint64_t max_report_bytes;
	uint64_t max_cab_bytes;
	uint64_t max_connections;
	uint64_t max_queue; /* reports that wait for a commit before 503 */
	int64_t head_timeout_us, body_timeout_us, idle_timeout_us;
	int64_t upload_valid_us;          /* how long an upload path is good */
	uint64_t disk_reserve_cab_bytes;  /* below this much free, cabinets are refused */
	uint64_t disk_reserve_bytes;      /* below this much free, reports are refused */
	uint64_t peer_connections;        /* per peer; 0: no limit */
	uint64_t peer_reports_per_minute; /* per peer; 0: no limit */
	uint64_t bucket_table;            /* BucketTable of replies */
	bool reverse_dns;                 /* look peers' names up, to mark machines as matched */
};

struct config_analyze {
	int64_t poll_us; /* how often the store is looked at when there was nothing */
	unsigned jobs;   /* jailed children at a time */
	struct config_paths symbols;
	int64_t time_us; /* that the reading of one upload may take, by the clock ... */
	int64_t cpu_us;  /* ... and of a processor */
	uint64_t memory_bytes;
	uint64_t scratch_bytes;
	uint64_t answer_bytes;
};

struct config {
	const char *path;       /* of the file itself */
	const char *data;       /* folder of the store */
	const char *collection; /* file of collection rules; NULL: the built-in default */
	unsigned node;          /* 0-255 */
	const char *log_level;
	struct config_ingest ingest;
	struct config_analyze analyze;
};

/* Strings live in ARENA.  Relative paths in the file are relative to its folder, and absolute
 * here.  DETAIL: "FILE:LINE: reason".  ERR_NOTFOUND, ERR_DENIED, ERR_CONFIG. */
err_t config_load(const char *path, struct arena *arena, struct config *ret_config,
		  struct err_detail *detail) ERR_CHECK;
/* The same from memory; paths are relative to the folder part of PATH.  Pure. */
err_t config_parse(struct slice text, const char *path, struct arena *arena,
		   struct config *ret_config, struct err_detail *detail) ERR_CHECK;
/* What config_parse cannot know: the collection rules are there and good, certificate and key
 * fit, the data folder is there and writable, or can be made. */
err_t config_check(const struct config *config, struct err_detail *detail) ERR_CHECK;
/* Prints the table, a line per key: name, type, range, default, text, with tabs between them. */
void config_describe(struct buf *out);
