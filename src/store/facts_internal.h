/* facts_internal.h - shared by the files of facts; nobody else includes it */
#pragma once

#include "store/facts.h"
#include "store/pack.h"
#include "store/sqlite.h"

enum facts_read_statement {
	READ_META,
	READ_HIGHEST_ID,
	READ_REPORT,
	READ_REPORT_BUCKET,
	READ_REPORTS_AFTER,
	READ_BUCKET,
	READ_BUCKETS_AFTER,
	READ_ASKED_AFTER,
	READ_UPLOADS_AFTER,
	READ_BLOB_NAMED,
	READ_QUARANTINED,
	READ_QUARANTINED_BEFORE,
	READ_COUNTERS_AFTER,
	READ_STATEMENT_N
};

enum facts_write_statement {
	WRITE_META,
	WRITE_BUCKET,
	WRITE_REPORT,
	WRITE_REPLY,
	WRITE_ASK,
	WRITE_UPLOAD,
	WRITE_QUARANTINED,
	WRITE_QUARANTINE_BOUND,
	WRITE_COUNTER,
	WRITE_RESERVE_BUCKET_IDS,
	WRITE_STATEMENT_N
};

extern const char *const facts_read_texts[READ_STATEMENT_N];
extern const char *const facts_write_texts[WRITE_STATEMENT_N];
/* All but the path. */
extern const struct sql_file facts_file;

enum {
	FACTS_FIRST_BUCKET = 1000,    /* smaller numbers meant errors in the old service */
	FACTS_PLAIN_BUCKET_TABLE = 5, /* what [MS-CER2] 4 answers in all its examples */
	FACTS_SOURCE_MAX_BYTES = 16 * 1024
};

struct facts {
	struct sql sql;
	enum facts_mode mode;
	char *data;  /* the folder above */
	int lock_fd; /* -1: none */
	uint8_t upload_key[UPLOAD_KEY_BYTES];
	struct sql_statement read[READ_STATEMENT_N];
	struct sql_statement write[WRITE_STATEMENT_N];
	struct unpack *unpack;
	struct buf source; /* for the row that is being written */
	err_t failed;      /* why the last transaction is no longer open */
	err_t broken;      /* not OK: something failed that only a reopening can judge */
};

/* ---- facts_source.c: how a report came, in few bytes ---- */

struct facts_row_source {
	struct facts_source source;
	bool has_reply;        /* a row in `reply` */
	bool is_asked;         /* a row in `ask` */
	uint64_t bucket_table; /* of the plain reply */
};
void facts_format_source(const struct facts_row_source *row, struct buf *out);
/* Slices point into IN. */
err_t facts_parse_source(struct slice in, struct facts_row_source *ret_row) ERR_CHECK;
/* 0, 6 (IPv4) or 18 bytes. */
void facts_format_peer(const struct address *peer, struct buf *out);
err_t facts_parse_peer(struct slice in, struct address *ret_peer) ERR_CHECK;

/* ---- facts_check.c ---- */

/* After an unclean end: what a crash could have left broken, within seconds. */
err_t facts_check(struct facts *facts, struct err_detail *detail) ERR_CHECK;
