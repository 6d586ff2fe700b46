/* tls.c - OpenSSL over bytes in memory
 *
 * A session's BIO reads straight out of the caller's wire bytes and appends straight to the
 * caller's buffer, so nothing is copied between OpenSSL and us, and what a call wants to send is
 * one piece: one write for each flight.  The BIO has bytes only while a call is running.
 *
 * Chosen for a port to which every machine of an organization comes with a new connection:
 * stateless tickets, one for each handshake (TLS 1.3 would send two); no session cache, no
 * renegotiation; buffers released between records, because most connections are idle.
 */
#include "net/tls.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

enum {
	/* A record's plain bytes, so that each read takes a whole one. */
	RECORD_BYTES = SSL3_RT_MAX_PLAIN_LENGTH
};

struct tls_context {
	SSL_CTX *ssl_context;
	BIO_METHOD *method;
	atomic_size_t references;
};

struct tls_session {
	SSL *ssl;
	struct tls_context *context;
	struct slice in;   /* wire bytes not yet read */
	struct buf *out;   /* where wire bytes go; NULL between calls */
	bool is_shut_down; /* close_notify was sent */
};

static int
bio_read(BIO *bio, char *data, size_t want, size_t *ret_read)
{
	struct tls_session *session = BIO_get_data(bio);
	size_t count = want < session->in.len ? want : session->in.len;
	BIO_clear_retry_flags(bio);
	if (count == 0) {
		BIO_set_retry_read(bio);
		return 0;
	}
	memcpy(data, session->in.data, count);
	session->in = slice_sub(session->in, count, session->in.len);
	*ret_read = count;
	return 1;
}

static int
bio_write(BIO *bio, const char *data, size_t count, size_t *ret_written)
{
	struct tls_session *session = BIO_get_data(bio);
	BIO_clear_retry_flags(bio);
	if (session->out == NULL)
		return 0;
	buf_append(session->out, slice_of(data, count));
	if (buf_error(session->out) != OK)
		return 0;
	*ret_written = count;
	return 1;
}

static long
bio_control(BIO *bio, int command, long number, void *pointer)
{
	(void)bio;
	(void)number;
	(void)pointer;
	return command == BIO_CTRL_FLUSH;
}

static BIO_METHOD *
new_method(void)
{
	/* OpenSSL has few numbers for new kinds of BIO and never takes one back; a number serves
	 * only BIO_find_type, which nobody asks here, and there is a context for each reload. */
	BIO_METHOD *method = BIO_meth_new(BIO_TYPE_SOURCE_SINK | BIO_TYPE_START, "memory");
	if (method == NULL)
		return NULL;
	(void)BIO_meth_set_read_ex(method, bio_read);
	(void)BIO_meth_set_write_ex(method, bio_write);
	(void)BIO_meth_set_ctrl(method, bio_control);
	return method;
}

static err_t
openssl_error(struct err_detail *detail, const char *path, const char *what)
{
	const char *reason = ERR_reason_error_string(ERR_peek_last_error());
	err_t err = err_set(detail, ERR_CONFIG, "%s: %s: %s", path, what,
			    reason == NULL ? "unknown reason" : reason);
	ERR_clear_error();
	return err;
}

/* Whoever starts a server has no terminal: an encrypted key is refused, not asked for. */
static int
no_password(char *password, int size, int is_writing, void *context)
{
	(void)password;
	(void)size;
	(void)is_writing;
	(void)context;
	return -1;
}

static int
choose_protocol(SSL *ssl, const unsigned char **ret_chosen, unsigned char *ret_chosen_bytes,
		const unsigned char *offered, unsigned int offered_bytes, void *context)
{
	static const unsigned char http11[] = "\x08http/1.1";
	unsigned char *chosen;
	(void)ssl;
	(void)context;
	if (SSL_select_next_proto(&chosen, ret_chosen_bytes, http11, sizeof(http11) - 1, offered,
				  offered_bytes) != OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_NOACK;
	*ret_chosen = chosen;
	return SSL_TLSEXT_ERR_OK;
}

static err_t
check_readable(const char *path, struct err_detail *detail)
{
	if (access(path, R_OK) == 0)
		return OK;
	return err_set(detail, ERR_CONFIG, "%s: %s", path, strerror(errno));
}

static err_t
load_files(SSL_CTX *ssl_context, const char *certificate, const char *key,
	   struct err_detail *detail)
{
	err_t err = check_readable(certificate, detail);
	if (err == OK)
		err = check_readable(key, detail);
	if (err != OK)
		return err;
	if (SSL_CTX_use_certificate_chain_file(ssl_context, certificate) != 1)
		return openssl_error(detail, certificate, "no usable certificate");
	if (SSL_CTX_use_PrivateKey_file(ssl_context, key, SSL_FILETYPE_PEM) != 1)
		return openssl_error(detail, key, "no usable private key");
	if (SSL_CTX_check_private_key(ssl_context) != 1)
		return openssl_error(detail, key, "does not fit the certificate");
	return OK;
}

static int
version_number(enum tls_version version)
{
	static const int numbers[] = {[TLS_1_0] = TLS1_VERSION,
				      [TLS_1_1] = TLS1_1_VERSION,
				      [TLS_1_2] = TLS1_2_VERSION,
				      [TLS_1_3] = TLS1_3_VERSION};
	return numbers[version];
}

/* With SHA-256 first: processors have instructions for it and none for SHA-384, whose many rounds
 * in the key schedule were a tenth of a whole handshake (callgrind, 2026-11). */
#define SUITES_1_3 "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"
#define MODERN_CIPHERS                                                                             \
	"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE+AESGCM:ECDHE+CHACHA20:"   \
	"ECDHE+AES:!aNULL:!AESCCM"

/* TLS 1.0 and 1.1 sign with MD5 and SHA-1, which OpenSSL 3 has at security level 0 only.  Whoever
 * allows them (Windows Vista, 7 without updates) gets key exchange by RSA with them; certificate
 * and key were checked at level 1 by then. */
static bool
set_strength(SSL_CTX *ssl_context, enum tls_version least)
{
	const char *ciphers =
		least < TLS_1_2 ? MODERN_CIPHERS ":kRSA+AES:@SECLEVEL=0" : MODERN_CIPHERS;
	return SSL_CTX_set_min_proto_version(ssl_context, version_number(least)) == 1 &&
	       SSL_CTX_set_ciphersuites(ssl_context, SUITES_1_3) == 1 &&
	       SSL_CTX_set_cipher_list(ssl_context, ciphers) == 1;
}

static void
set_behavior(SSL_CTX *ssl_context)
{
	static const unsigned char id[] = "openwer";
	SSL_CTX_set_default_passwd_cb(ssl_context, no_password);
	(void)SSL_CTX_set_mode(ssl_context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_AUTO_RETRY);
	(void)SSL_CTX_set_options(ssl_context,
				  SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE |
					  SSL_OP_PRIORITIZE_CHACHA | SSL_OP_NO_COMPRESSION);
	(void)SSL_CTX_set_session_cache_mode(ssl_context, SSL_SESS_CACHE_OFF);
	(void)SSL_CTX_set_session_id_context(ssl_context, id, sizeof(id) - 1);
	(void)SSL_CTX_set_num_tickets(ssl_context, 1);
	SSL_CTX_set_alpn_select_cb(ssl_context, choose_protocol, NULL);
}

err_t
tls_context_load(const char *certificate, const char *key, enum tls_version least,
		 struct tls_context **ret_context, struct err_detail *detail)
{
	struct tls_context *context = calloc(1, sizeof(*context));
	if (context == NULL)
		abort();
	atomic_init(&context->references, 1);
	ERR_clear_error();
	context->ssl_context = SSL_CTX_new(TLS_server_method());
	context->method = new_method();
	if (context->ssl_context == NULL || context->method == NULL)
		abort();
	set_behavior(context->ssl_context);
	SSL_CTX_set_security_level(context->ssl_context, least < TLS_1_2 ? 1 : 2);
	err_t err = load_files(context->ssl_context, certificate, key, detail);
	if (err == OK && !set_strength(context->ssl_context, least))
		err = openssl_error(detail, certificate, "TLS version refused");
	if (err == OK)
		*ret_context = context;
	else
		tls_context_unref(context);
	return err;
}

struct tls_context *
tls_context_ref(struct tls_context *context)
{
	atomic_fetch_add_explicit(&context->references, 1, memory_order_relaxed);
	return context;
}

void
tls_context_unref(struct tls_context *context)
{
	if (context == NULL ||
	    atomic_fetch_sub_explicit(&context->references, 1, memory_order_acq_rel) != 1)
		return;
	SSL_CTX_free(context->ssl_context);
	BIO_meth_free(context->method);
	free(context);
}

struct tls_session *
tls_session_new(struct tls_context *context)
{
	struct tls_session *session = calloc(1, sizeof(*session));
	if (session == NULL)
		abort();
	session->context = tls_context_ref(context);
	session->ssl = SSL_new(context->ssl_context);
	BIO *bio = BIO_new(context->method);
	if (session->ssl == NULL || bio == NULL)
		abort();
	BIO_set_data(bio, session);
	BIO_set_init(bio, 1);
	SSL_set_bio(session->ssl, bio, bio);
	SSL_set_accept_state(session->ssl);
	return session;
}

void
tls_session_free(struct tls_session *session)
{
	if (session == NULL)
		return;
	SSL_free(session->ssl);
	tls_context_unref(session->context);
	free(session);
}

static err_t
result_of(const struct tls_session *session, int result)
{
	switch (SSL_get_error(session->ssl, result)) {
	case SSL_ERROR_NONE:
	case SSL_ERROR_WANT_READ:
		return OK;
	case SSL_ERROR_ZERO_RETURN:
		return ERR_CLOSED;
	default:
		return ERR_PROTO;
	}
}

static err_t
read_records(struct tls_session *session, struct buf *plain)
{
	for (;;) {
		size_t count;
		uint8_t *room = buf_room(plain, RECORD_BYTES);
		if (room == NULL)
			return buf_error(plain);
		int result = SSL_read_ex(session->ssl, room, RECORD_BYTES, &count);
		if (result != 1)
			return result_of(session, result);
		buf_grew(plain, count);
	}
}

err_t
tls_receive(struct tls_session *session, struct slice wire_in, struct buf *plain, struct buf *wire)
{
	ERR_clear_error();
	session->in = wire_in;
	session->out = wire;
	err_t err = read_records(session, plain);
	session->in = (struct slice){0};
	session->out = NULL;
	return err;
}

err_t
tls_send(struct tls_session *session, struct slice plain_in, struct buf *wire)
{
	size_t written;
	if (plain_in.len == 0)
		return OK;
	if (!tls_is_established(session) || session->is_shut_down)
		return ERR_PROTO;
	ERR_clear_error();
	session->out = wire;
	int result = SSL_write_ex(session->ssl, plain_in.data, plain_in.len, &written);
	session->out = NULL;
	return result == 1 ? OK : ERR_PROTO;
}

void
tls_shutdown(struct tls_session *session, struct buf *wire)
{
	if (!tls_is_established(session) || session->is_shut_down)
		return;
	session->is_shut_down = true;
	ERR_clear_error();
	session->out = wire;
	(void)SSL_shutdown(session->ssl);
	session->out = NULL;
}

bool
tls_is_established(const struct tls_session *session)
{
	return SSL_is_init_finished(session->ssl) == 1;
}

const char *
tls_version_text(const struct tls_session *session)
{
	return SSL_get_version(session->ssl);
}
