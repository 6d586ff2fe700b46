/* crypto.h - digests, keyed digests and randomness (OpenSSL behind it)
 *
 * A failure inside OpenSSL here has no sensible handling: the process aborts.
 */
#pragma once

#include "base/slice.h"

enum {
	CRYPTO_SHA256_BYTES = 32,
	CRYPTO_SHA1_BYTES = 20,
	CRYPTO_MD5_BYTES = 16
};

void crypto_sha256(struct slice in, uint8_t ret_digest[CRYPTO_SHA256_BYTES]);
void crypto_sha1(struct slice in, uint8_t ret_digest[CRYPTO_SHA1_BYTES]);
void crypto_md5(struct slice in,
		uint8_t ret_digest[CRYPTO_MD5_BYTES]); /* only for Windows' own numbers */
void crypto_hmac_sha256(struct slice key, struct slice in, uint8_t ret_mac[CRYPTO_SHA256_BYTES]);
void crypto_random(void *bytes, size_t count);
bool crypto_equal(const void *a, const void *b, size_t count); /* in constant time */

/* A digest over what comes piece by piece. */
struct crypto_sha256_stream;
struct crypto_sha256_stream *crypto_sha256_new(void);
void crypto_sha256_add(struct crypto_sha256_stream *stream, struct slice in);
/* Finishes and frees. */
void
crypto_sha256_take(struct crypto_sha256_stream *stream, uint8_t ret_digest[CRYPTO_SHA256_BYTES]);
void crypto_sha256_free(struct crypto_sha256_stream *stream); /* without a result; accepts NULL */
