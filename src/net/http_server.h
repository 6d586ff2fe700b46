/* http_server.h - HTTP/1.0 and 1.1 for one thread (libuv, llhttp; TLS by tls.h)
 *
 * One server is one event loop on one thread; run several on the same addresses (SO_REUSEPORT).
 * The server keeps the limits of header bytes, header count, time for head and body, idle time
 * and connections; it answers what is not HTTP with a 400 and ends the connection.  It knows no
 * report.  Requests of one connection are handled one after the other.
 *
 * Life of a request:  head -> body* -> complete -> http_respond, exactly once, then or later, on
 * the same thread.  A handler may also respond during head or body: the rest of the body is read
 * and dropped (up to a limit) or the connection is closed.  If the connection ends before
 * `complete`, `gone` is called instead and there is no answer.  After `complete` the request
 * stays valid until http_respond, whether or not the peer is still there (and the server).
 * After http_respond nothing more is called for that request.
 *
 * The program ignores SIGPIPE.
 */
#pragma once

#include <uv.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/slice.h"
#include "net/address.h"
#include "net/tls.h"

struct http_server;

struct http_request {
	/* Set before `head`; slices are valid until the request ends. */
	struct slice method; /* "POST" */
	struct slice target; /* as it came */
	bool has_content_length;
	bool is_chunked;
	bool is_http10;
	bool is_tls;
	uint64_t content_length;
	struct address peer;  /* the real one: behind a trusted proxy what PROXY v2 says */
	struct address local; /* the listening address */
	uint64_t connection;  /* a number, unique in this server */
	struct arena *arena;  /* reset when the request ends */
	void *user;           /* the handler's own */
};

struct http_handlers {
	/* The head is there.  An error ends the request with that error's status; Expect:
	 * 100-continue is answered after OK. */
	err_t (*head)(struct http_request *request, void *context);
	err_t (*body)(struct http_request *request, struct slice bytes, void *context);
	void (*complete)(struct http_request *request, void *context);
	/* The request ended before `complete`: closed, timed out, over a limit, or a handler's
	 * error was answered.  For releasing what `user` owns. */
	void (*gone)(struct http_request *request, err_t why, void *context);
	/* For counting and quarantine: what the server itself refused.  BYTES: the start of what
	 * came.  REASON: fixed text such as "head_timeout", "bad_http", "too_many_connections". */
	void (*refused)(const struct address *peer, const char *reason, err_t why,
			struct slice bytes, void *context);
	/* Every byte as it came or went, plain; NULL in a collector (werd sniff uses it). */
	void (*tap)(uint64_t connection, const struct address *peer, bool is_incoming,
		    struct slice bytes, void *context);
};

struct http_limits {
	size_t connections;      /* of this server; more are answered 503 and closed */
	int64_t head_timeout_us; /* from the first byte of a request to the end of its head */
	int64_t body_timeout_us; /* without progress of at least body_least_bytes */
	size_t body_least_bytes; /* within body_timeout_us, against slow bodies */
	int64_t idle_timeout_us; /* between requests of one connection */
	size_t arena_bytes;      /* cap of a request's arena */
};

struct http_server_options {
	struct http_handlers handlers;
	void *context;
	struct http_limits limits;
	const struct address_range *trusted_proxies; /* they open with a PROXY v2 header */
	size_t n_trusted_proxies;
	const struct address_range *allow; /* real peers; none given: everybody */
	size_t n_allow;
	const char *server_name; /* "Server:" header; NULL: none */
};

err_t
http_server_new(uv_loop_t *loop, const struct http_server_options *options,
		struct http_server **ret_server) ERR_CHECK; /* options' pointers are borrowed */
/* FD is listening; the server owns it from now on.  CONTEXT: NULL for plain HTTP. */
err_t http_server_listen(struct http_server *server, int fd, struct tls_context *context) ERR_CHECK;
/* New connections of the TLS listeners use CONTEXT from now on. */
void http_server_set_tls(struct http_server *server, struct tls_context *context);
void http_server_set_limits(struct http_server *server, const struct http_limits *limits);
/* No new connections; idle ones are closed; when the last request is answered, DRAINED is called.
 */
void http_server_drain(struct http_server *server, void (*drained)(void *context));
size_t http_server_connections(const struct http_server *server);
void http_server_free(struct http_server *server); /* closes everything; run the loop once after */

/* A header's value by name (case folds), absent when there is none. */
struct slice http_header(const struct http_request *request, const char *name);
/* CONTENT_TYPE may be NULL; BODY is copied.  EXTRA: further header lines, each ended by CRLF, or
 * NULL.  With IS_CLOSE the connection ends after the answer. */
void http_respond(struct http_request *request, int status, const char *content_type,
		  struct slice body, const char *extra, bool is_close);
/* The fixed text of ERR's row in the error table, its status, and Retry-After when it has one. */
void http_respond_error(struct http_request *request, err_t err);
