/* http_respond.c - answers
 *
 * An answer is built in one piece where the connection's output is, or, with TLS, beside it and
 * then encrypted there.  It is written by http_connection_settle, at the end of the event.
 */
#include "net/http_internal.h"

static const char ERROR_TYPE[] = "text/plain; charset=windows-1252";

enum {
	HEAD_ROOM = 256 /* of an ordinary answer */
};

struct answer {
	int status;
	const char *content_type;
	struct slice body;
	const char *extra;
	const char *connection; /* the header's value; NULL: none */
	bool has_no_body;       /* HEAD: the length is said all the same */
};

static const char *
status_text(int status)
{
	static const struct {
		int status;
		const char *text;
	} texts[] = {
		{200, "OK"},
		{201, "Created"},
		{202, "Accepted"},
		{204, "No Content"},
		{301, "Moved Permanently"},
		{302, "Found"},
		{303, "See Other"},
		{304, "Not Modified"},
		{307, "Temporary Redirect"},
		{400, "Bad Request"},
		{401, "Unauthorized"},
		{403, "Forbidden"},
		{404, "Not Found"},
		{405, "Method Not Allowed"},
		{408, "Request Timeout"},
		{409, "Conflict"},
		{410, "Gone"},
		{411, "Length Required"},
		{412, "Precondition Failed"},
		{413, "Content Too Large"},
		{414, "URI Too Long"},
		{415, "Unsupported Media Type"},
		{417, "Expectation Failed"},
		{429, "Too Many Requests"},
		{431, "Request Header Fields Too Large"},
		{500, "Internal Server Error"},
		{501, "Not Implemented"},
		{503, "Service Unavailable"},
		{507, "Insufficient Storage"},
	};
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (texts[i].status == status)
			return texts[i].text;
	return "Status"; /* the phrase means nothing, RFC 9112 4 */
}

static void
append_number(struct buf *out, size_t value)
{
	uint8_t digits[20];
	size_t at = sizeof(digits);
	do {
		digits[--at] = (uint8_t)('0' + value % 10);
		value /= 10;
	} while (value > 0);
	buf_append(out, slice_of(digits + at, sizeof(digits) - at));
}

static void
append_header(struct buf *out, const char *name, const char *value)
{
	if (value == NULL)
		return;
	buf_append_str(out, name);
	buf_append_str(out, value);
	buf_append(out, SLICE_LITERAL("\r\n"));
}

static void
append_answer(struct buf *out, const struct answer *answer, const char *server_name)
{
	/* Room for all of it at once. */
	(void)buf_room(out, HEAD_ROOM + answer->body.len);
	buf_append(out, SLICE_LITERAL("HTTP/1.1 "));
	append_number(out, (size_t)answer->status);
	append_header(out, " ", status_text(answer->status));
	append_header(out, "Server: ", server_name);
	append_header(out, "Content-Type: ", answer->content_type);
	if (answer->status != 204 && answer->status != 304) {
		buf_append(out, SLICE_LITERAL("Content-Length: "));
		append_number(out, answer->body.len);
		buf_append(out, SLICE_LITERAL("\r\n"));
	}
	append_header(out, "Connection: ", answer->connection);
	if (answer->extra != NULL)
		buf_append_str(out, answer->extra);
	buf_append(out, SLICE_LITERAL("\r\n"));
	if (!answer->has_no_body)
		buf_append(out, answer->body);
}

static void
tap(struct http_connection *c, struct slice bytes)
{
	const struct http_server_options *options = &c->server->options;
	if (options->handlers.tap != NULL)
		options->handlers.tap(c->number, &c->peer, false, bytes, options->context);
}

static void
send_plain(struct http_connection *c, struct slice bytes)
{
	struct buf *out = http_connection_out(c);
	tap(c, bytes);
	if (c->tls == NULL)
		buf_append(out, bytes);
	else if (tls_send(c->tls, bytes, out) != OK)
		c->is_broken = true;
}

static void
send_answer(struct http_connection *c, const struct answer *answer)
{
	struct http_server *server = c->server;
	if (c->tls == NULL) {
		struct buf *out = http_connection_out(c);
		size_t before = out->len;
		append_answer(out, answer, server->options.server_name);
		tap(c, slice_sub(buf_slice(out), before, out->len));
		return;
	}
	buf_reset(&server->answer);
	append_answer(&server->answer, answer, server->options.server_name);
	send_plain(c, buf_slice(&server->answer));
	if (server->answer.capacity > HTTP_SPARE_BYTES)
		buf_done(&server->answer);
}

/* What is left of a body whose answer is given: little enough to read on for the connection? */
static bool
may_drop_body(const struct http_exchange *x)
{
	uint64_t left = x->request.content_length - x->body_bytes;
	return !x->request.is_chunked && !x->expects_continue && left <= HTTP_LINGER_BYTES;
}

void
http_respond(struct http_request *request, int status, const char *content_type, struct slice body,
	     const char *extra, bool is_close)
{
	struct http_exchange *x = (struct http_exchange *)request;
	struct http_connection *c = x->connection;
	x->is_answered = true;
	if (c == NULL) {
		http_exchange_release(x);
		return;
	}
	x->will_close = is_close || !x->is_keep_alive || x->server->is_draining ||
			!(x->is_complete || may_drop_body(x));
	struct answer answer = {
		.status = status,
		.content_type = content_type,
		.body = body,
		.extra = extra,
		.connection = x->will_close        ? "close"
			      : request->is_http10 ? "keep-alive"
						   : NULL,
		.has_no_body = x->parser.method == HTTP_HEAD || status == 204 || status == 304,
	};
	send_answer(c, &answer);
	if (c->is_busy)
		return; /* it goes on when the event that this is part of does */
	http_connection_answered(c);
	http_connection_settle(c);
}

static const char *
retry_after(int status)
{
	return status == 503 || status == 429 ? "Retry-After: 30\r\n" : NULL;
}

/* The text and a newline; the longest in the table is 26 bytes. */
static struct slice
error_body(err_t err, char text[64])
{
	size_t len = strnlen(err_text(err), 62);
	memcpy(text, err_text(err), len);
	text[len] = '\n';
	return slice_of(text, len + 1);
}

void
http_respond_error(struct http_request *request, err_t err)
{
	char text[64];
	int status = err_http_status(err);
	http_respond(request, status, ERROR_TYPE, error_body(err, text), retry_after(status),
		     false);
}

void
http_respond_refusal(struct http_connection *c, int status, err_t err)
{
	char text[64];
	struct answer answer = {
		.status = status,
		.content_type = ERROR_TYPE,
		.body = error_body(err, text),
		.extra = retry_after(status),
		.connection = "close",
		.has_no_body = c->exchange != NULL && c->exchange->parser.method == HTTP_HEAD,
	};
	send_answer(c, &answer);
}

void
http_respond_continue(struct http_connection *c)
{
	send_plain(c, SLICE_LITERAL("HTTP/1.1 100 Continue\r\n\r\n"));
}
