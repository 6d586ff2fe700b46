#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "certificate.h"
#include "net/tls.h"

static char folder[] = "/tmp/test_net_tls.XXXXXX";
static char certificate[64];
static char key[64];
static char other_certificate[64];
static char other_key[64];

static void
path_of(char path[64], const char *name)
{
	(void)snprintf(path, 64, "%s/%s", folder, name);
}

static int
make_files(void **state)
{
	(void)state;
	if (mkdtemp(folder) == NULL)
		return -1;
	path_of(certificate, "certificate.pem");
	path_of(key, "key.pem");
	path_of(other_certificate, "other-certificate.pem");
	path_of(other_key, "other-key.pem");
	certificate_write(certificate, key, 0, NULL);
	return 0;
}

static int
remove_files(void **state)
{
	(void)state;
	(void)unlink(certificate);
	(void)unlink(key);
	(void)unlink(other_certificate);
	(void)unlink(other_key);
	return rmdir(folder);
}

static struct tls_context *
load(enum tls_version least)
{
	struct tls_context *context = NULL;
	struct err_detail detail = {0};
	if (tls_context_load(certificate, key, least, &context, &detail) != OK)
		fail_msg("%s", detail.why);
	return context;
}

/* Both ends of a connection, without one. */
struct pair {
	struct tls_context *context;
	struct tls_session *server;
	SSL_CTX *client_context;
	SSL *client;
	struct buf plain; /* what the server has read */
	struct buf wire;  /* what the server wants to send */
	err_t err;        /* of the server's last tls_receive */
	size_t piece;     /* most bytes handed to the server at once; 0: all */
};

static int n_tickets;
static SSL_SESSION *ticket;

static int
on_ticket(SSL *client, SSL_SESSION *session)
{
	(void)client;
	n_tickets++;
	SSL_SESSION_free(ticket);
	ticket = session;
	return 1;
}

static void
start(struct pair *p, enum tls_version least, int client_most)
{
	*p = (struct pair){.context = load(least)};
	p->server = tls_session_new(p->context);
	p->client_context = SSL_CTX_new(TLS_client_method());
	(void)SSL_CTX_set_max_proto_version(p->client_context, client_most);
	(void)SSL_CTX_set_min_proto_version(p->client_context, TLS1_VERSION);
	(void)SSL_CTX_set_cipher_list(p->client_context, "ALL:@SECLEVEL=0");
	(void)SSL_CTX_set_session_cache_mode(p->client_context,
					     SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_sess_set_new_cb(p->client_context, on_ticket);
	p->client = SSL_new(p->client_context);
	SSL_set_bio(p->client, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
	SSL_set_connect_state(p->client);
	buf_init(&p->plain, 16 * 1024 * 1024);
	buf_init(&p->wire, 16 * 1024 * 1024);
	n_tickets = 0;
}

static void
finish(struct pair *p)
{
	SSL_free(p->client);
	SSL_CTX_free(p->client_context);
	tls_session_free(p->server);
	tls_context_unref(p->context);
	buf_done(&p->plain);
	buf_done(&p->wire);
	SSL_SESSION_free(ticket);
	ticket = NULL;
	ERR_clear_error();
}

static void
server_takes(struct pair *p, struct slice bytes)
{
	while (bytes.len > 0 && p->err == OK) {
		size_t count = p->piece == 0 ? bytes.len : p->piece;
		p->err = tls_receive(p->server, slice_sub(bytes, 0, count), &p->plain, &p->wire);
		bytes = slice_sub(bytes, count < bytes.len ? count : bytes.len, bytes.len);
	}
}

/* Carries what both ends have to say, once in each direction. */
static void
carry(struct pair *p)
{
	char *sent;
	long count = BIO_get_mem_data(SSL_get_wbio(p->client), &sent);
	server_takes(p, slice_of(sent, (size_t)count));
	(void)BIO_reset(SSL_get_wbio(p->client));
	if (p->wire.len > 0)
		(void)BIO_write(SSL_get_rbio(p->client), p->wire.data, (int)p->wire.len);
	buf_reset(&p->wire);
}

static bool
shake_hands(struct pair *p)
{
	for (int i = 0; i < 10; i++) {
		if (SSL_do_handshake(p->client) == 1 && tls_is_established(p->server))
			return true;
		carry(p);
	}
	return false;
}

static void
refuse_load(const char *certificate_path, const char *key_path, const char *why)
{
	struct tls_context *context = NULL;
	struct err_detail detail = {0};
	assert_int_equal(tls_context_load(certificate_path, key_path, TLS_1_2, &context, &detail),
			 ERR_CONFIG);
	assert_null(context);
	if (strstr(detail.why, why) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", detail.why, why);
	assert_int_equal(ERR_peek_error(), 0);
}

static void
says_which_file_is_not_there(void **state)
{
	(void)state;
	refuse_load("/nowhere/certificate.pem", key, "/nowhere/certificate.pem: No such file");
	refuse_load(certificate, "/nowhere/key.pem", "/nowhere/key.pem: No such file");
}

static void
refuses_a_file_that_is_no_certificate(void **state)
{
	(void)state;
	refuse_load(key, key, "no usable certificate");
	refuse_load(certificate, certificate, "no usable private key");
	refuse_load("/dev/null", key, "no usable certificate");
}

static void
refuses_a_key_that_does_not_fit(void **state)
{
	(void)state;
	certificate_write(other_certificate, other_key, 0, NULL);
	refuse_load(certificate, other_key, other_key);
}

static void
refuses_an_encrypted_key_without_asking(void **state)
{
	(void)state;
	certificate_write(other_certificate, other_key, 0, "secret");
	refuse_load(other_certificate, other_key, "no usable private key");
}

static void
refuses_a_weak_key_unless_old_clients_are_allowed(void **state)
{
	struct tls_context *context;
	(void)state;
	certificate_write(other_certificate, other_key, 1024, NULL);
	refuse_load(other_certificate, other_key, "key too small");
	assert_int_equal(tls_context_load(other_certificate, other_key, TLS_1_0, &context, NULL),
			 OK);
	tls_context_unref(context);
	certificate_write(other_certificate, other_key, 512, NULL);
	assert_int_equal(tls_context_load(other_certificate, other_key, TLS_1_0, &context, NULL),
			 ERR_CONFIG);
}

static void
refuses_bytes_that_are_not_tls(void **state)
{
	static const char *const wrong[] = {"GET / HTTP/1.1\r\n\r\n", "\x16\x03\x01\xff\xff",
					    "\x80\x2e\x01\0\x02", "\0\0\0\0\0\0\0\0"};
	static const size_t lengths[] = {18, 5, 5, 8};
	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct pair p;
		start(&p, TLS_1_2, TLS1_3_VERSION);
		server_takes(&p, slice_of(wrong[i], lengths[i]));
		for (int more = 0; more < 10 && p.err == OK; more++)
			server_takes(&p, SLICE_LITERAL("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"));
		assert_int_equal(p.err, ERR_PROTO);
		assert_int_equal(p.plain.len, 0);
		assert_int_equal(tls_send(p.server, SLICE_LITERAL("x"), &p.wire), ERR_PROTO);
		finish(&p);
	}
}

static void
refuses_a_version_below_the_least(void **state)
{
	struct pair p;
	(void)state;
	start(&p, TLS_1_2, TLS1_1_VERSION);
	assert_false(shake_hands(&p));
	assert_int_equal(p.err, ERR_PROTO);
	finish(&p);
	start(&p, TLS_1_3, TLS1_2_VERSION);
	assert_false(shake_hands(&p));
	finish(&p);
}

static void
refuses_a_broken_record(void **state)
{
	struct pair p;
	(void)state;
	start(&p, TLS_1_2, TLS1_3_VERSION);
	assert_true(shake_hands(&p));
	assert_int_equal(SSL_write(p.client, "hello", 5), 5);
	char *sent;
	long count = BIO_get_mem_data(SSL_get_wbio(p.client), &sent);
	sent[count - 1] ^= 1;
	carry(&p);
	assert_int_equal(p.err, ERR_PROTO);
	assert_int_equal(p.plain.len, 0);
	finish(&p);
}

static void
speaks_every_version_that_is_allowed(void **state)
{
	static const int versions[] = {TLS1_VERSION, TLS1_1_VERSION, TLS1_2_VERSION,
				       TLS1_3_VERSION};
	static const char *const texts[] = {"TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"};
	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct pair p;
		start(&p, TLS_1_0, versions[i]);
		assert_true(shake_hands(&p));
		assert_string_equal(tls_version_text(p.server), texts[i]);
		finish(&p);
	}
}

static void
an_old_client_without_elliptic_curves_gets_in_with_rsa(void **state)
{
	struct pair p;
	(void)state;
	certificate_write(other_certificate, other_key, 2048, NULL);
	start(&p, TLS_1_0, TLS1_VERSION);
	tls_session_free(p.server);
	tls_context_unref(p.context);
	assert_int_equal(tls_context_load(other_certificate, other_key, TLS_1_0, &p.context, NULL),
			 OK);
	p.server = tls_session_new(p.context);
	assert_int_equal(SSL_set_cipher_list(p.client, "AES128-SHA:@SECLEVEL=0"), 1);
	assert_true(shake_hands(&p));
	finish(&p);
}

static void
carries_bytes_both_ways_however_they_are_cut(void **state)
{
	static const size_t pieces[] = {0, 1, 7, 1000};
	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct pair p;
		char answer[16];
		start(&p, TLS_1_2, TLS1_3_VERSION);
		p.piece = pieces[i];
		assert_true(shake_hands(&p));
		assert_int_equal(SSL_write(p.client, "question", 8), 8);
		carry(&p);
		assert_int_equal(p.err, OK);
		assert_true(slice_equal_str(buf_slice(&p.plain), "question"));
		assert_int_equal(tls_send(p.server, SLICE_LITERAL("answer"), &p.wire), OK);
		assert_int_equal(tls_send(p.server, SLICE_LITERAL(""), &p.wire), OK);
		carry(&p);
		assert_int_equal(SSL_read(p.client, answer, sizeof(answer)), 6);
		assert_memory_equal(answer, "answer", 6);
		finish(&p);
	}
}

static void
carries_a_megabyte_in_one_call(void **state)
{
	enum {
		BYTES = 1024 * 1024
	};
	struct pair p;
	(void)state;
	uint8_t *bytes = calloc(2, BYTES);
	for (size_t i = 0; i < BYTES; i++)
		bytes[i] = (uint8_t)(i * 7 + i / 256);
	start(&p, TLS_1_2, TLS1_3_VERSION);
	assert_true(shake_hands(&p));
	assert_int_equal(SSL_write(p.client, bytes, BYTES), BYTES);
	carry(&p);
	assert_true(slice_equal(buf_slice(&p.plain), slice_of(bytes, BYTES)));
	assert_int_equal(tls_send(p.server, slice_of(bytes, BYTES), &p.wire), OK);
	carry(&p);
	size_t got = 0;
	int count;
	while ((count = SSL_read(p.client, bytes + BYTES + got, (int)(BYTES - got))) > 0)
		got += (size_t)count;
	assert_int_equal(got, BYTES);
	assert_memory_equal(bytes, bytes + BYTES, BYTES);
	finish(&p);
	free(bytes);
}

static void
stops_at_the_cap_of_the_plain_bytes(void **state)
{
	struct pair p;
	static const uint8_t zeros[64 * 1024];
	(void)state;
	start(&p, TLS_1_2, TLS1_3_VERSION);
	assert_true(shake_hands(&p));
	p.plain.cap_bytes = 20 * 1024;
	assert_int_equal(SSL_write(p.client, zeros, sizeof(zeros)), sizeof(zeros));
	carry(&p);
	assert_int_equal(p.err, ERR_LIMIT);
	finish(&p);
}

static void
gives_one_ticket_and_resumes_with_it(void **state)
{
	struct pair p;
	char nothing[1];
	(void)state;
	start(&p, TLS_1_2, TLS1_3_VERSION);
	assert_true(shake_hands(&p));
	carry(&p);
	(void)SSL_read(p.client, nothing, sizeof(nothing));
	assert_int_equal(n_tickets, 1);
	struct tls_session *second = tls_session_new(p.context);
	tls_session_free(p.server);
	p.server = second;
	(void)SSL_shutdown(p.client);
	SSL_free(p.client);
	p.client = SSL_new(p.client_context);
	SSL_set_bio(p.client, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
	SSL_set_connect_state(p.client);
	assert_int_equal(SSL_set_session(p.client, ticket), 1);
	assert_true(shake_hands(&p));
	assert_true(SSL_session_reused(p.client));
	finish(&p);
}

static void
offered_http2_too_it_takes_http11(void **state)
{
	struct pair p;
	const unsigned char *chosen;
	unsigned int chosen_bytes;
	(void)state;
	start(&p, TLS_1_2, TLS1_3_VERSION);
	(void)SSL_set_alpn_protos(p.client, (const unsigned char *)"\x02h2\x08http/1.1", 12);
	assert_true(shake_hands(&p));
	SSL_get0_alpn_selected(p.client, &chosen, &chosen_bytes);
	assert_true(slice_equal_str(slice_of(chosen, chosen_bytes), "http/1.1"));
	finish(&p);
	start(&p, TLS_1_2, TLS1_3_VERSION);
	(void)SSL_set_alpn_protos(p.client, (const unsigned char *)"\x02h2", 3);
	assert_true(shake_hands(&p));
	SSL_get0_alpn_selected(p.client, &chosen, &chosen_bytes);
	assert_int_equal(chosen_bytes, 0);
	finish(&p);
}

static void
a_peer_that_says_goodbye_is_closed_not_broken(void **state)
{
	struct pair p;
	(void)state;
	start(&p, TLS_1_2, TLS1_3_VERSION);
	assert_true(shake_hands(&p));
	assert_int_equal(SSL_write(p.client, "last", 4), 4);
	(void)SSL_shutdown(p.client);
	carry(&p);
	assert_int_equal(p.err, ERR_CLOSED);
	assert_true(slice_equal_str(buf_slice(&p.plain), "last"));
	assert_int_equal(tls_send(p.server, SLICE_LITERAL("answer"), &p.wire), OK);
	finish(&p);
}

static void
says_goodbye_once_and_nothing_after_it(void **state)
{
	struct pair p;
	char nothing[1];
	(void)state;
	start(&p, TLS_1_2, TLS1_3_VERSION);
	tls_shutdown(p.server, &p.wire);
	assert_int_equal(p.wire.len, 0);
	assert_true(shake_hands(&p));
	carry(&p);
	tls_shutdown(p.server, &p.wire);
	size_t once = p.wire.len;
	assert_true(once > 0);
	tls_shutdown(p.server, &p.wire);
	assert_int_equal(p.wire.len, once);
	assert_int_equal(tls_send(p.server, SLICE_LITERAL("x"), &p.wire), ERR_PROTO);
	carry(&p);
	int result = SSL_read(p.client, nothing, sizeof(nothing));
	assert_int_equal(SSL_get_error(p.client, result), SSL_ERROR_ZERO_RETURN);
	finish(&p);
}

static void
a_session_outlives_the_context_it_came_from(void **state)
{
	struct pair p;
	(void)state;
	start(&p, TLS_1_2, TLS1_3_VERSION);
	tls_context_unref(p.context);
	p.context = NULL;
	assert_true(shake_hands(&p));
	finish(&p);
}

static void
can_be_reloaded_very_often(void **state)
{
	(void)state;
	for (int i = 0; i < 300; i++) {
		struct tls_context *context = load(TLS_1_2);
		struct tls_session *session = tls_session_new(context);
		tls_session_free(session);
		tls_context_unref(context);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(says_which_file_is_not_there),
		cmocka_unit_test(refuses_a_file_that_is_no_certificate),
		cmocka_unit_test(refuses_a_key_that_does_not_fit),
		cmocka_unit_test(refuses_an_encrypted_key_without_asking),
		cmocka_unit_test(refuses_a_weak_key_unless_old_clients_are_allowed),
		cmocka_unit_test(refuses_bytes_that_are_not_tls),
		cmocka_unit_test(refuses_a_version_below_the_least),
		cmocka_unit_test(refuses_a_broken_record),
		cmocka_unit_test(stops_at_the_cap_of_the_plain_bytes),
		cmocka_unit_test(speaks_every_version_that_is_allowed),
		cmocka_unit_test(an_old_client_without_elliptic_curves_gets_in_with_rsa),
		cmocka_unit_test(carries_bytes_both_ways_however_they_are_cut),
		cmocka_unit_test(carries_a_megabyte_in_one_call),
		cmocka_unit_test(gives_one_ticket_and_resumes_with_it),
		cmocka_unit_test(offered_http2_too_it_takes_http11),
		cmocka_unit_test(a_peer_that_says_goodbye_is_closed_not_broken),
		cmocka_unit_test(says_goodbye_once_and_nothing_after_it),
		cmocka_unit_test(a_session_outlives_the_context_it_came_from),
		cmocka_unit_test(can_be_reloaded_very_often),
	};
	return cmocka_run_group_tests(tests, make_files, remove_files);
}
