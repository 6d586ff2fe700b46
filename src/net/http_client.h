/* http_client.h - many HTTP requests at once, from one thread (libcurl behind it)
 *
 * For programs that talk to our own servers or to receivers: HTTP/1.1 only, HTTP and HTTPS, no
 * redirects, no cookies, no proxies from the environment.  Nothing blocks but
 * http_client_run_once, and that no longer than it is told.  Thousands of requests may be open;
 * the work of a turn depends on what happened, not on how many there are.
 *
 *     http_client_send(client, &request);           as often as wanted, also within `done`
 *     while (http_client_open(client) > 0)
 *             http_client_run_once(client, TIME_SECOND_US);
 *
 * A client belongs to one thread.
 */
#pragma once

#include "base/err.h"
#include "base/slice.h"

struct http_client;

struct http_client_options {
	const char *ca_file;        /* PEM, trusted beside nothing else; NULL: the system's */
	bool is_insecure;           /* takes any certificate */
	bool is_new_connection;     /* each request makes its own connection and closes it */
	bool is_full_handshake;     /* no TLS sessions are resumed */
	size_t connections;         /* at most, further requests wait; 0: no limit */
	int64_t connect_timeout_us; /* TCP and TLS; 0: 30 s */
	int64_t timeout_us;         /* a request with everything; 0: 60 s */
	size_t answer_bytes;        /* the longest body that is taken; 0: 1 MiB */
	const char *user_agent;     /* NULL: no such header */
};

struct http_client_result {
	err_t err;         /* OK: an answer came, whatever its status; body and status are valid */
	const char *why;   /* libcurl's words for a person; "" when there are none */
	int status;        /* 200, 404 ... */
	struct slice body; /* of the answer; valid during `done` */
	int64_t retry_after_s; /* 0: no such header */
	int64_t connected_us;  /* from the start to the end of the handshakes; 0: reused */
	int64_t first_byte_us; /* from the start to the answer's first byte */
	int64_t total_us;
	uint64_t sent_bytes; /* of the body */
};

struct http_client_request {
	const char *method;         /* "POST"; copied, as all text here */
	const char *url;            /* "https://host:1273/stage2.htm" */
	const char *target;         /* sent as it is, in place of the URL's path; NULL: that */
	struct slice body;          /* borrowed until `done`; absent: none, empty: of length 0 */
	const char *const *headers; /* "Name: value"; "Expect: 100-continue" is obeyed */
	size_t n_headers;
	void (*done)(const struct http_client_result *result, void *context);
	void *context;
};

/* OPTIONS is copied. */
err_t http_client_new(const struct http_client_options *options, struct http_client **ret_client,
		      struct err_detail *detail) ERR_CHECK;
/* Requests that are open end without `done`.  Not within `done`.  Accepts NULL. */
void http_client_free(struct http_client *client);
/* ERR_USAGE: no method or URL of ours; then `done` is not called.  Else it is, exactly once, from
 * http_client_run_once. */
err_t
http_client_send(struct http_client *client, const struct http_client_request *request) ERR_CHECK;
size_t http_client_open(const struct http_client *client); /* requests whose `done` is to come */
/* Waits for something to happen, at most TIMEOUT_US, and does all that is to be done then. */
err_t http_client_run_once(struct http_client *client, int64_t timeout_us) ERR_CHECK;
