/* err.h - the one result type
 *
 * A code is named for what the caller must do.  Text, HTTP status, exit status and whether a
 * client should try again all come from the one table below; werd(8) prints it.
 * Libraries return a code; a longer explanation travels beside it in a struct err_detail.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/*      code             text                          http exit retry */
#define ERR_TABLE(X)                                                                               \
	X(OK, "ok", 200, 0, false)                                                                 \
	X(ERR_TRUNCATED, "input ends early", 400, 65, false)                                       \
	X(ERR_CORRUPT, "input contradicts its format", 400, 65, false)                             \
	X(ERR_LIMIT, "over a limit", 413, 65, false)                                               \
	X(ERR_UNSUPPORTED, "not supported", 415, 65, false)                                        \
	X(ERR_PROTO, "protocol error", 400, 76, false)                                             \
	X(ERR_NOTFOUND, "not found", 404, 66, false)                                               \
	X(ERR_METHOD, "method not allowed", 405, 64, false)                                        \
	X(ERR_EXISTS, "exists already", 409, 73, false)                                            \
	X(ERR_DENIED, "not allowed", 403, 77, false)                                               \
	X(ERR_STALE, "no longer valid", 410, 65, false)                                            \
	X(ERR_TIMEOUT, "took too long", 408, 75, true)                                             \
	X(ERR_RATE, "too many requests", 429, 75, true)                                            \
	X(ERR_BUSY, "try again later", 503, 75, true)                                              \
	X(ERR_FULL, "no space left", 503, 75, true)                                                \
	X(ERR_IO, "input or output failed", 500, 74, true)                                         \
	X(ERR_NOMEM, "out of memory", 503, 71, true)                                               \
	X(ERR_CLOSED, "closed by the other side", 400, 75, true)                                   \
	X(ERR_CONFIG, "configuration refused", 500, 78, false)                                     \
	X(ERR_USAGE, "wrong usage", 400, 64, false)                                                \
	X(ERR_INTERNAL, "internal error", 500, 70, false)

#define ERR_ENUM_(code, text, http, exit, retry) code,
typedef enum err {
	ERR_TABLE(ERR_ENUM_) ERR_N
} err_t;
#undef ERR_ENUM_

#define ERR_CHECK __attribute__((warn_unused_result))

/* Why something failed, for a person: NUL-terminated, cut at the end when it is too long. */
struct err_detail {
	char why[240];
	uint64_t offset; /* where in the input, bytes; 0 if that says nothing */
};

const char *err_text(err_t err);        /* fixed text, never NULL */
const char *err_name(err_t err);        /* "ERR_IO" */
int err_http_status(err_t err);         /* 200, 400 ... */
int err_exit_status(err_t err);         /* sysexits.h values */
bool err_is_retryable(err_t err);       /* may the other side send it again unchanged? */
err_t err_from_errno(int error_number); /* ENOSPC and EDQUOT are ERR_FULL */

/* Writes the detail (when DETAIL is not NULL) and returns ERR: `return err_set(d, ERR_IO, ...)`. */
err_t err_set(struct err_detail *detail, err_t err, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
