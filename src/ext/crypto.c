#include "ext/crypto.h"

#include <limits.h>
#include <pthread.h>
#include <stdlib.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

struct crypto_sha256_stream {
	EVP_MD_CTX *context;
};

/* Fetched once: a look-up by name at each call costs more than digesting a short text. */
static struct {
	EVP_MD *sha256;
	EVP_MD *sha1;
	EVP_MD *md5;              /* NULL where policy forbids it; only its users abort then */
	EVP_MAC_CTX *hmac_sha256; /* keyless, and never used itself: copied for each call */
} crypto_algorithms;

static pthread_once_t crypto_once = PTHREAD_ONCE_INIT;

static void
need(bool worked)
{
	if (!worked)
		abort();
}

static void
fetch_algorithms(void)
{
	char digest_name[] = "SHA256";
	const OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest_name, 0),
		OSSL_PARAM_construct_end()};
	EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	need(hmac != NULL);
	crypto_algorithms.hmac_sha256 = EVP_MAC_CTX_new(hmac);
	EVP_MAC_free(hmac); /* the context holds it */
	need(crypto_algorithms.hmac_sha256 != NULL &&
	     EVP_MAC_CTX_set_params(crypto_algorithms.hmac_sha256, params) == 1);
	crypto_algorithms.sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	crypto_algorithms.sha1 = EVP_MD_fetch(NULL, "SHA1", NULL);
	crypto_algorithms.md5 = EVP_MD_fetch(NULL, "MD5", NULL);
}

static void
fetch_once(void)
{
	need(pthread_once(&crypto_once, fetch_algorithms) == 0);
}

static void
digest(const EVP_MD *algorithm, struct slice in, uint8_t *ret_digest)
{
	need(algorithm != NULL &&
	     EVP_Digest(in.data, in.len, ret_digest, NULL, algorithm, NULL) == 1);
}

void
crypto_sha256(struct slice in, uint8_t ret_digest[CRYPTO_SHA256_BYTES])
{
	fetch_once();
	digest(crypto_algorithms.sha256, in, ret_digest);
}

void
crypto_sha1(struct slice in, uint8_t ret_digest[CRYPTO_SHA1_BYTES])
{
	fetch_once();
	digest(crypto_algorithms.sha1, in, ret_digest);
}

void
crypto_md5(struct slice in, uint8_t ret_digest[CRYPTO_MD5_BYTES])
{
	fetch_once();
	digest(crypto_algorithms.md5, in, ret_digest);
}

void
crypto_hmac_sha256(struct slice key, struct slice in, uint8_t ret_mac[CRYPTO_SHA256_BYTES])
{
	/* OpenSSL takes a NULL key as "keep the key of last time". */
	static const uint8_t no_key[1];
	size_t written = 0;
	fetch_once();
	EVP_MAC_CTX *context = EVP_MAC_CTX_dup(crypto_algorithms.hmac_sha256);
	need(context != NULL &&
	     EVP_MAC_init(context, key.len == 0 ? no_key : key.data, key.len, NULL) == 1 &&
	     EVP_MAC_update(context, in.data, in.len) == 1 &&
	     EVP_MAC_final(context, ret_mac, &written, CRYPTO_SHA256_BYTES) == 1 &&
	     written == CRYPTO_SHA256_BYTES);
	EVP_MAC_CTX_free(context);
}

void
crypto_random(void *bytes, size_t count)
{
	uint8_t *at = bytes;
	while (count > 0) {
		int step = count > INT_MAX ? INT_MAX : (int)count;
		need(RAND_bytes(at, step) == 1);
		at += step;
		count -= (size_t)step;
	}
}

bool
crypto_equal(const void *a, const void *b, size_t count)
{
	return CRYPTO_memcmp(a, b, count) == 0;
}

struct crypto_sha256_stream *
crypto_sha256_new(void)
{
	struct crypto_sha256_stream *stream = malloc(sizeof(*stream));
	need(stream != NULL);
	fetch_once();
	stream->context = EVP_MD_CTX_new();
	need(stream->context != NULL &&
	     EVP_DigestInit_ex2(stream->context, crypto_algorithms.sha256, NULL) == 1);
	return stream;
}

void
crypto_sha256_add(struct crypto_sha256_stream *stream, struct slice in)
{
	need(EVP_DigestUpdate(stream->context, in.data, in.len) == 1);
}

void
crypto_sha256_take(struct crypto_sha256_stream *stream, uint8_t ret_digest[CRYPTO_SHA256_BYTES])
{
	need(EVP_DigestFinal_ex(stream->context, ret_digest, NULL) == 1);
	crypto_sha256_free(stream);
}

void
crypto_sha256_free(struct crypto_sha256_stream *stream)
{
	if (stream == NULL)
		return;
	EVP_MD_CTX_free(stream->context);
	free(stream);
}
