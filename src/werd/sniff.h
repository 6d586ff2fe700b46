/* sniff.h - `werd sniff`: listens, answers, keeps nothing, shows what clients send
 *
 * For people who develop against the WER API, and for learning what real clients put on the
 * wire.  sniff.c talks, sniff_show.c prints, sniff_record.c writes test fixtures.
 */
#pragma once

#include "base/buf.h"
#include "cer/level1.h"
#include "net/http_server.h"

/* All bytes of one exchange, as they came and went (plain, after TLS). */
struct sniff_exchange {
	unsigned number; /* from 1 */
	int64_t received_us;
	struct address peer;
	bool is_tls;
	struct slice head;  /* request line and header lines */
	struct slice body;  /* level 1 only */
	struct slice reply; /* as it went out, head and body */
	bool is_level1;
	uint64_t body_bytes;
	/* level 1 */
	err_t parse_error; /* OK: report is valid */
	struct level1_error error;
	const struct report *report;
	/* an upload */
	uint8_t sha256[32];
	bool is_cabinet;
};

/* Prints one exchange, decoded; what machines sent is escaped. */
void sniff_show(const struct sniff_exchange *exchange);

/* Writes FOLDER/NNNN-level1.request, .reply and .about (or NNNN-upload...): the bytes as they
 * came, except that names of machine, user and server are overwritten by as many 'x' wherever
 * they stand, in UTF-8 and UTF-16.  An upload's body is not written: it cannot be masked. */
err_t sniff_record(const char *folder, const struct sniff_exchange *exchange,
		   struct err_detail *detail) ERR_CHECK;
