/* http_internal.h - what the files of the HTTP server share
 *
 *   http_server.c      the server: listeners, accepting, deadlines, drain, end
 *   http_connection.c  one connection: bytes in, TLS, bytes out, its end
 *   http_parse.c       one request: llhttp and the limits of a head
 *   http_respond.c     answers
 *
 * Memory in steady state: connections and exchanges come from free lists, answers are built in
 * the connection's `out`, whose memory is lent by the server (`spare`) until it is written.  An
 * idle connection holds no exchange and no buffer.
 */
#pragma once

#include <llhttp/llhttp.h>

#include "base/buf.h"
#include "base/limits.h"
#include "net/http_server.h"

enum {
	HTTP_READ_BYTES = 64 * 1024,
	HTTP_HEAD_BYTES = LIMIT_HEADER_BYTES,
	/* Spare objects and memory kept for the next use; beyond it they are freed. */
	HTTP_SPARE_OBJECTS = 1024,
	HTTP_SPARE_BYTES = 256 * 1024,
	/* Answers to pipelined requests are collected up to this before they are written. */
	HTTP_OUT_BYTES = 64 * 1024,
	/* Bytes of later requests that are kept while one is answered; then reading stops. */
	HTTP_UNREAD_BYTES = 64 * 1024,
	/* What is read and dropped so that the peer sees an answer that came early. */
	HTTP_LINGER_BYTES = 256 * 1024,
	HTTP_LINGER_US = 2 * 1000 * 1000,
	/* Connections beyond the limit that are told so; further ones are only closed. */
	HTTP_REFUSED_AT_ONCE = 64
};

/* What a connection waits for. */
enum http_phase {
	PHASE_PROXY,     /* the PROXY v2 header of a trusted proxy */
	PHASE_HANDSHAKE, /* the end of the TLS handshake */
	PHASE_IDLE,      /* the first byte of a request */
	PHASE_HEAD,      /* the end of its head */
	PHASE_BODY,      /* the end of its body */
	PHASE_DROP,      /* the end of its body; the answer is given already */
	PHASE_ANSWER,    /* http_respond */
	PHASE_END,       /* that the last answer is written */
	PHASE_LINGER,    /* that the peer closes; what it still sends is dropped */
	PHASE_CLOSED     /* that libuv lets the handle go */
};

struct http_header_place { /* in the exchange's `head` */
	uint32_t name_at;
	uint32_t name_len;
	uint32_t value_at;
	uint32_t value_len;
};

/* How far the request line is; see http_parse.c. */
enum http_line {
	LINE_METHOD,
	LINE_TARGET,
	LINE_PROTOCOL,
	LINE_DONE
};

struct http_refusal {
	err_t err;
	int status;
	const char *reason; /* NULL: the handler's error */
};

/* One request and the answer it is owed. */
struct http_exchange {
	struct http_request request; /* first: http_respond gets only this */
	struct http_server *server;
	struct http_connection *connection; /* NULL: gone, though an answer is still to come */
	struct http_exchange *next_free;
	struct arena arena;
	llhttp_t parser;
	struct buf head; /* target, then names and values */
	struct buf raw;  /* a head that came in pieces, as it came */
	size_t head_bytes;
	uint64_t body_bytes;
	size_t n_headers;
	size_t n_trailers;
	enum http_line line;
	struct http_refusal refusal;
	bool is_head_done;
	bool is_head_told; /* the handler knows of this request */
	bool is_complete;
	bool is_answered;
	bool is_keep_alive; /* the client's wish */
	bool will_close;    /* the answer said so */
	bool expects_continue;
	bool is_in_name;
	struct http_header_place headers[LIMIT_HEADERS]; /* the first n_headers */
};

struct http_connection {
	uv_tcp_t handle;
	uv_write_t write;
	struct http_server *server;
	struct http_connection *next;
	struct http_connection *previous;
	struct http_exchange *exchange; /* of the phases HEAD to ANSWER */
	struct tls_session *tls;        /* NULL: plain */
	struct tls_context *tls_later;  /* a TLS listener's, until the PROXY header was read */
	struct address peer;
	struct address local;
	uint64_t number;
	int64_t deadline_us;       /* of the phase */
	int64_t write_deadline_us; /* of `sending` */
	size_t write_left_bytes;   /* of `sending`, when its deadline was set */
	uint64_t interval_bytes;   /* of the body, when its deadline was set */
	size_t linger_left_bytes;
	struct buf out;     /* not yet written */
	struct buf sending; /* libuv writes it */
	struct buf unread;  /* from unread_at: plain bytes (PROXY: wire bytes) not yet looked at */
	size_t unread_at;
	enum http_phase phase;
	bool is_busy;       /* an event is being handled: nothing may be torn down */
	bool is_broken;     /* to be closed when nothing runs */
	bool has_received;  /* at least a byte */
	bool is_eof;        /* the peer sends no more */
	bool is_reading;    /* libuv reads */
	bool is_denied;     /* not in options.allow */
	bool has_answered;  /* at least once */
	bool must_linger;   /* at its end */
	bool is_tls_broken; /* no close_notify any more */
};

struct http_listener {
	uv_poll_t poll;
	int fd;
	struct http_server *server;
	struct http_listener *next;
	struct address local;
	struct tls_context *tls; /* NULL: plain */
	bool is_paused;          /* no descriptors left; tried again at the next tick */
};

struct http_server {
	uv_loop_t *loop;
	struct http_server_options options;
	uv_timer_t timer;
	int64_t tick_us;
	int64_t ticked_us; /* when the last tick was */
	int64_t now_us;    /* the clock of the deadlines, as of the last tick */
	struct http_listener *listeners;
	struct http_connection *connections;
	struct http_connection *free_connections;
	struct http_exchange *free_exchanges;
	size_t n_connections;
	size_t n_free_connections;
	size_t n_free_exchanges;
	size_t n_exchanges; /* in use */
	size_t spare_most;  /* objects in a free list */
	size_t n_handles;   /* that libuv knows */
	uint64_t last_number;
	struct buf spare;  /* memory for the next answer */
	struct buf plain;  /* what one read decrypts to */
	struct buf answer; /* an answer before it is encrypted */
	void (*drained)(void *context);
	bool is_draining;
	bool is_drained;
	bool is_freed;
	char read_buffer[HTTP_READ_BYTES];
};

/* http_server.c */

/* Memory is freed and DRAINED called when the last connection and request are gone. */
void http_server_check_end(struct http_server *server);
void http_server_report(const struct http_server *server, const struct address *peer,
			const char *reason, err_t why, struct slice bytes);

/* http_connection.c */

/* Takes FD, a connected stream socket, and begins to read.  TLS: NULL for plain HTTP. */
void http_connection_open(struct http_server *server, int fd, const struct address *peer,
			  const struct address *local, struct tls_context *tls);
void http_connection_deadline(struct http_connection *c); /* its deadline has passed */
void http_connection_close(struct http_connection *c, err_t why);
/* The last step of every event: goes on with bytes that wait, writes, ends what is to end. */
void http_connection_settle(struct http_connection *c);
/* The exchange was answered: the connection goes on to the next one, or ends. */
void http_connection_answered(struct http_connection *c);
/* Where bytes for the peer are appended. */
struct buf *http_connection_out(struct http_connection *c);
void http_connection_pool_done(struct http_server *server);

/* http_parse.c */

enum http_feed {
	FEED_MORE,     /* all bytes were taken */
	FEED_COMPLETE, /* the request ended; *in is what follows it */
	FEED_STOPPED,  /* answered already, and nothing more is wanted */
	FEED_REFUSED   /* exchange->refusal says why */
};

struct http_exchange *http_exchange_new(struct http_connection *c);
void http_exchange_release(struct http_exchange *x);
/* The connection has ended, or will, without `complete`; releases X unless an answer is owed. */
void http_exchange_abandon(struct http_exchange *x, err_t why);
enum http_feed http_exchange_feed(struct http_exchange *x, struct slice *in);
void http_exchange_pool_done(struct http_server *server);

/* http_respond.c */

/* An answer with the fixed text of ERR, on a connection that ends with it. */
void http_respond_refusal(struct http_connection *c, int status, err_t err);
void http_respond_continue(struct http_connection *c);
