/* certificate.h - what a client will find in the collector's certificate (OpenSSL behind it)
 *
 * For `doctor` alone: names, times, and whether the chain leads to an authority that this machine
 * trusts.  Windows clients have a list of authorities of their own.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct certificate_facts {
	char subject[256];
	char names[512]; /* what it is valid for, separated by blanks; cut when longer */
	int64_t not_before_us;
	int64_t not_after_us;
	bool is_for_host;
	bool is_self_signed;
	size_t n_chain; /* certificates in the file */
	bool is_trusted;
	char why_not[128]; /* OpenSSL's words */
};

/* PATH: PEM, the server's certificate first.  HOST: name or address that clients use. */
err_t certificate_look(const char *path, const char *host, struct certificate_facts *ret_facts,
		       struct err_detail *detail) ERR_CHECK;
