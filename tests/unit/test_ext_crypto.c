#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>

#include "base/buf.h"
#include "base/text.h"
#include "ext/crypto.h"

static void
assert_hex(const uint8_t *bytes, size_t count, const char *hex)
{
	struct buf out;
	buf_init(&out, 256);
	text_hex(slice_of(bytes, count), &out);
	buf_append_byte(&out, '\0');
	assert_string_equal((const char *)out.data, hex);
	buf_done(&out);
}

static void
absent_and_empty_input_digest_alike(void **state)
{
	(void)state;
	static const char of_nothing[] =
		"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
	uint8_t digest[CRYPTO_SHA256_BYTES];
	crypto_sha256(slice_of(NULL, 0), digest);
	assert_hex(digest, sizeof(digest), of_nothing);
	crypto_sha256(slice_str(""), digest);
	assert_hex(digest, sizeof(digest), of_nothing);
	crypto_sha256_take(crypto_sha256_new(), digest);
	assert_hex(digest, sizeof(digest), of_nothing);
}

static void
hmac_with_an_empty_key_does_not_use_the_key_before(void **state)
{
	(void)state;
	static const char expected[] =
		"b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad";
	uint8_t mac[CRYPTO_SHA256_BYTES];
	crypto_hmac_sha256(slice_str("some key"), slice_str("text"), mac);
	crypto_hmac_sha256(slice_str(""), slice_str(""), mac);
	assert_hex(mac, sizeof(mac), expected);
	crypto_hmac_sha256(slice_of(NULL, 0), slice_of(NULL, 0), mac);
	assert_hex(mac, sizeof(mac), expected);
}

static void
digests_are_those_of_the_standards(void **state)
{
	(void)state;
	uint8_t digest[CRYPTO_SHA256_BYTES];
	crypto_sha256(slice_str("abc"), digest);
	assert_hex(digest, CRYPTO_SHA256_BYTES,
		   "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	crypto_sha1(slice_str("abc"), digest);
	assert_hex(digest, CRYPTO_SHA1_BYTES, "a9993e364706816aba3e25717850c26c9cd0d89d");
	crypto_md5(slice_str("abc"), digest);
	assert_hex(digest, CRYPTO_MD5_BYTES, "900150983cd24fb0d6963f7d28e17f72");
}

/* RFC 4231, cases 2 and 6: a key shorter and a key longer than the block. */
static void
hmacs_are_those_of_rfc_4231(void **state)
{
	(void)state;
	uint8_t mac[CRYPTO_SHA256_BYTES];
	uint8_t long_key[131];
	crypto_hmac_sha256(slice_str("Jefe"), slice_str("what do ya want for nothing?"), mac);
	assert_hex(mac, sizeof(mac),
		   "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
	memset(long_key, 0xaa, sizeof(long_key));
	crypto_hmac_sha256(slice_of(long_key, sizeof(long_key)),
			   slice_str("Test Using Larger Than Block-Size Key - Hash Key First"),
			   mac);
	assert_hex(mac, sizeof(mac),
		   "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

static void
a_stream_gives_the_same_digest_however_it_is_cut(void **state)
{
	(void)state;
	uint8_t in[300];
	uint8_t whole[CRYPTO_SHA256_BYTES];
	uint8_t pieces[CRYPTO_SHA256_BYTES];
	for (size_t i = 0; i < sizeof(in); i++)
		in[i] = (uint8_t)(i * 7);
	crypto_sha256(slice_of(in, sizeof(in)), whole);
	for (size_t step = 1; step < sizeof(in); step += 13) {
		struct crypto_sha256_stream *stream = crypto_sha256_new();
		for (size_t at = 0; at < sizeof(in); at += step)
			crypto_sha256_add(stream, slice_sub(slice_of(in, sizeof(in)), at, step));
		crypto_sha256_take(stream, pieces);
		assert_memory_equal(pieces, whole, sizeof(whole));
	}
	crypto_sha256_free(crypto_sha256_new());
	crypto_sha256_free(NULL);
}

static void
random_bytes_differ_and_comparison_sees_every_byte(void **state)
{
	(void)state;
	uint8_t a[32];
	uint8_t b[32];
	crypto_random(a, sizeof(a));
	crypto_random(b, sizeof(b));
	assert_false(crypto_equal(a, b, sizeof(a)));
	for (size_t i = 0; i < sizeof(a); i++) {
		memcpy(b, a, sizeof(a));
		assert_true(crypto_equal(a, b, sizeof(a)));
		b[i] ^= 1;
		assert_false(crypto_equal(a, b, sizeof(a)));
	}
	assert_true(crypto_equal(a, b, 0));
}

static void *
digest_many_times(void *result)
{
	for (int i = 0; i < 2000; i++) {
		uint8_t mac[CRYPTO_SHA256_BYTES];
		crypto_sha256(slice_str("abc"), mac);
		crypto_hmac_sha256(slice_of(mac, sizeof(mac)), slice_str("abc"), result);
	}
	return NULL;
}

static void
threads_share_the_algorithms(void **state)
{
	(void)state;
	uint8_t results[4][CRYPTO_SHA256_BYTES];
	pthread_t threads[4];
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, digest_many_times, results[i]),
				 0);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	for (size_t i = 1; i < 4; i++)
		assert_memory_equal(results[0], results[i], CRYPTO_SHA256_BYTES);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(absent_and_empty_input_digest_alike),
		cmocka_unit_test(hmac_with_an_empty_key_does_not_use_the_key_before),
		cmocka_unit_test(digests_are_those_of_the_standards),
		cmocka_unit_test(hmacs_are_those_of_rfc_4231),
		cmocka_unit_test(a_stream_gives_the_same_digest_however_it_is_cut),
		cmocka_unit_test(random_bytes_differ_and_comparison_sees_every_byte),
		cmocka_unit_test(threads_share_the_algorithms),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
