/* tls.h - TLS over bytes in memory (OpenSSL behind it)
 *
 * A context is counted by reference, so that a reload can change it for new connections while
 * old ones go on.  A session turns wire bytes into plain ones and back; it does no I/O.
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

struct tls_context;
struct tls_session;

enum tls_version {
	TLS_1_0,
	TLS_1_1,
	TLS_1_2,
	TLS_1_3
};

/* PEM files.  ERR_CONFIG with the reason: no such file, key does not fit, too weak. */
err_t tls_context_load(const char *certificate, const char *key, enum tls_version least,
		       struct tls_context **ret_context, struct err_detail *detail) ERR_CHECK;
struct tls_context *tls_context_ref(struct tls_context *context);
void tls_context_unref(struct tls_context *context); /* accepts NULL */

struct tls_session *tls_session_new(struct tls_context *context);
void tls_session_free(struct tls_session *session);
/* Wire bytes in.  Plain bytes are appended to PLAIN, wire bytes to send to WIRE.
 * ERR_CLOSED: the peer ended it.  ERR_PROTO: not TLS, or refused; WIRE may hold an alert. */
err_t tls_receive(struct tls_session *session, struct slice wire_in, struct buf *plain,
		  struct buf *wire) ERR_CHECK;
err_t tls_send(struct tls_session *session, struct slice plain_in, struct buf *wire) ERR_CHECK;
void tls_shutdown(struct tls_session *session, struct buf *wire);
bool tls_is_established(const struct tls_session *session);
const char *tls_version_text(const struct tls_session *session); /* "TLSv1.3" */
