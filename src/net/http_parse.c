/* http_parse.c - one request: llhttp, and what llhttp leaves to us
 *
 * llhttp (strict) splits a request but limits nothing and refuses targets that clients do send:
 * one that begins with a backslash, which the examples of [MS-CER2] 4 do, or holds bytes above
 * 0x7f.  So the target is taken out here, as it came, and llhttp gets "/" in its place:
 *
 *     POST \cab\1.cab HTTP/1.1      METHOD   "POST "   to llhttp
 *     ----------------              TARGET   kept; ends at the first blank; no control bytes
 *                                            "/ "      to llhttp
 *                                   PROTOCOL "H", because llhttp would take RTSP/ and ICE/ too
 *                                   DONE     everything else to llhttp
 *
 * A head is at most LIMIT_HEADER_BYTES as it came, blanks included: llhttp is given no more than
 * that before the head ends.  Header names and values are copied together into `head`, because
 * the bytes they came in are reused by the next read.  Trailers are counted and dropped.
 * Both Transfer-Encoding and Content-Length, lengths that differ or repeat, and codings whose
 * last is not chunked are refused before the handler hears of the request.
 */
#include "net/http_internal.h"

#include <stdlib.h>

enum {
	TLS_HANDSHAKE = 0x16, /* the first byte of a ClientHello's record */
	/* What a spare exchange may keep: an ordinary report's head and arena. */
	SPARE_HEAD_BYTES = 4 * 1024,
	SPARE_ARENA_BYTES = 64 * 1024
};

static int
refuse(struct http_exchange *x, err_t err, int status, const char *reason)
{
	x->refusal = (struct http_refusal){err, status, reason};
	return HPE_USER;
}

static int
on_header_field(llhttp_t *parser, const char *at, size_t len)
{
	struct http_exchange *x = parser->data;
	if (x->is_head_done) {
		x->n_trailers += !x->is_in_name;
		x->is_in_name = true;
		return x->n_trailers <= LIMIT_HEADERS
			       ? HPE_OK
			       : refuse(x, ERR_LIMIT, 431, "too_many_headers");
	}
	if (!x->is_in_name) {
		if (x->n_headers == LIMIT_HEADERS)
			return refuse(x, ERR_LIMIT, 431, "too_many_headers");
		x->headers[x->n_headers].name_at = (uint32_t)x->head.len;
		x->is_in_name = true;
	}
	buf_append(&x->head, slice_of(at, len));
	return HPE_OK;
}

static int
on_header_field_complete(llhttp_t *parser)
{
	struct http_exchange *x = parser->data;
	x->is_in_name = false;
	if (x->is_head_done)
		return HPE_OK;
	struct http_header_place *place = &x->headers[x->n_headers++];
	place->name_len = (uint32_t)x->head.len - place->name_at;
	place->value_at = (uint32_t)x->head.len;
	place->value_len = 0;
	return place->name_len > 0 ? HPE_OK : refuse(x, ERR_PROTO, 400, "bad_header");
}

static int
on_header_value(llhttp_t *parser, const char *at, size_t len)
{
	struct http_exchange *x = parser->data;
	if (x->is_head_done)
		return HPE_OK;
	buf_append(&x->head, slice_of(at, len));
	x->headers[x->n_headers - 1].value_len += (uint32_t)len;
	return HPE_OK;
}

static bool
expects_continue(const struct http_exchange *x)
{
	return !x->request.is_http10 && slice_equal_nocase(http_header(&x->request, "Expect"),
							   SLICE_LITERAL("100-continue"));
}

static void
fill_request(struct http_exchange *x)
{
	struct http_request *request = &x->request;
	const llhttp_t *parser = &x->parser;
	request->method = slice_str(llhttp_method_name(parser->method));
	request->target = slice_of(x->head.data, request->target.len);
	request->has_content_length = (parser->flags & F_CONTENT_LENGTH) != 0;
	request->content_length = request->has_content_length ? parser->content_length : 0;
	request->is_chunked = (parser->flags & F_CHUNKED) != 0;
	request->is_http10 = parser->http_minor == 0;
	/* A chunked body in HTTP/1.0 and a tunnel leave in doubt what follows (RFC 9112 6.1). */
	x->is_keep_alive = llhttp_should_keep_alive(parser) != 0 &&
			   !(request->is_http10 && request->is_chunked) &&
			   parser->method != HTTP_CONNECT;
	if (request->is_chunked || request->content_length > 0)
		x->expects_continue = expects_continue(x);
}

static int
on_headers_complete(llhttp_t *parser)
{
	struct http_exchange *x = parser->data;
	parser->upgrade = 0; /* no other protocol is spoken here */
	if (parser->http_major != 1 || parser->http_minor > 1)
		return refuse(x, ERR_PROTO, 400, "bad_version");
	if ((parser->flags & F_TRANSFER_ENCODING) != 0 && (parser->flags & F_CHUNKED) == 0)
		return refuse(x, ERR_PROTO, 400, "bad_transfer_encoding");
	if (buf_error(&x->head) != OK)
		return refuse(x, ERR_LIMIT, 431, "head_too_long");
	x->is_head_done = true;
	fill_request(x);
	if (x->connection->is_denied)
		return refuse(x, ERR_DENIED, 403, "peer_not_allowed");
	x->is_head_told = true;
	const struct http_handlers *handlers = &x->server->options.handlers;
	err_t err = handlers->head(&x->request, x->server->options.context);
	if (x->is_answered)
		return x->will_close ? HPE_USER : HPE_OK;
	return err == OK ? HPE_OK : refuse(x, err, err_http_status(err), NULL);
}

static int
on_body(llhttp_t *parser, const char *at, size_t len)
{
	struct http_exchange *x = parser->data;
	x->body_bytes += len;
	if (x->is_answered)
		return x->will_close ? HPE_USER : HPE_OK;
	const struct http_handlers *handlers = &x->server->options.handlers;
	err_t err = handlers->body(&x->request, slice_of(at, len), x->server->options.context);
	if (x->is_answered)
		return x->will_close ? HPE_USER : HPE_OK;
	return err == OK ? HPE_OK : refuse(x, err, err_http_status(err), NULL);
}

static int
on_message_complete(llhttp_t *parser)
{
	(void)parser;
	return HPE_PAUSED;
}

static const llhttp_settings_t settings = {
	.on_header_field = on_header_field,
	.on_header_field_complete = on_header_field_complete,
	.on_header_value = on_header_value,
	.on_headers_complete = on_headers_complete,
	.on_body = on_body,
	.on_message_complete = on_message_complete,
};

static const char *
reason_of(const struct http_exchange *x, llhttp_errno_t error)
{
	switch (error) {
	case HPE_INVALID_METHOD:
		return "bad_method";
	case HPE_INVALID_VERSION:
		return "bad_version";
	case HPE_UNEXPECTED_CONTENT_LENGTH:
	case HPE_INVALID_CONTENT_LENGTH:
		return "bad_content_length";
	case HPE_INVALID_TRANSFER_ENCODING:
		return "bad_transfer_encoding";
	default:
		return x->is_head_done ? "bad_chunk" : x->n_headers > 0 ? "bad_header" : "bad_http";
	}
}

/* Hands LEN bytes to llhttp; *ret_used is meant for FEED_COMPLETE. */
static enum http_feed
execute(struct http_exchange *x, const void *data, size_t len, size_t *ret_used)
{
	const char *text = data;
	llhttp_errno_t error = llhttp_execute(&x->parser, text, len);
	if (error == HPE_OK)
		return FEED_MORE;
	if (error == HPE_PAUSED) {
		*ret_used = (size_t)(llhttp_get_error_pos(&x->parser) - text);
		return FEED_COMPLETE;
	}
	if (x->is_answered)
		return FEED_STOPPED;
	if (x->refusal.err == OK)
		(void)refuse(x, ERR_PROTO, 400, reason_of(x, error));
	return FEED_REFUSED;
}

/* As many bytes as the head may still have; anything once it is done. */
static enum http_feed
feed_llhttp(struct http_exchange *x, struct slice *in, size_t len)
{
	size_t used = len;
	if (!x->is_head_done) {
		size_t left = HTTP_HEAD_BYTES - x->head_bytes;
		used = len < left ? len : left;
		x->head_bytes += used;
	}
	enum http_feed result = execute(x, in->data, used, &used);
	*in = slice_sub(*in, used, in->len);
	if (result == FEED_MORE && !x->is_head_done && x->head_bytes >= HTTP_HEAD_BYTES) {
		(void)refuse(x, ERR_LIMIT, 431, "head_too_long");
		return FEED_REFUSED;
	}
	return result;
}

static enum http_feed
feed_method(struct http_exchange *x, struct slice *in)
{
	const uint8_t *blank = memchr(in->data, ' ', in->len);
	if (x->head_bytes == 0 && in->data[0] == TLS_HANDSHAKE) {
		(void)refuse(x, ERR_PROTO, 400, "tls_on_plain_port");
		return FEED_REFUSED;
	}
	size_t len = blank == NULL ? in->len : (size_t)(blank - in->data) + 1;
	enum http_feed result = feed_llhttp(x, in, len);
	if (result == FEED_MORE && blank != NULL)
		x->line = LINE_TARGET;
	return result;
}

static enum http_feed
feed_target(struct http_exchange *x, struct slice *in)
{
	size_t len = 0;
	while (len < in->len && in->data[len] > 0x20 && in->data[len] != 0x7f)
		len++;
	x->request.target.len += len;
	x->head_bytes += len;
	if (x->request.target.len > LIMIT_TARGET_BYTES) {
		(void)refuse(x, ERR_LIMIT, 414, "target_too_long");
		return FEED_REFUSED;
	}
	buf_append(&x->head, slice_sub(*in, 0, len));
	*in = slice_sub(*in, len, in->len);
	if (in->len == 0)
		return FEED_MORE;
	if (in->data[0] != ' ' || x->request.target.len == 0) {
		(void)refuse(x, ERR_PROTO, 400, "bad_target");
		return FEED_REFUSED;
	}
	if (x->head_bytes >= HTTP_HEAD_BYTES) {
		(void)refuse(x, ERR_LIMIT, 431, "head_too_long");
		return FEED_REFUSED;
	}
	*in = slice_sub(*in, 1, in->len);
	x->head_bytes++;
	x->line = LINE_PROTOCOL;
	struct slice stand_in =
		x->parser.method == HTTP_CONNECT ? SLICE_LITERAL("peer:1 ") : SLICE_LITERAL("/ ");
	size_t used;
	return execute(x, stand_in.data, stand_in.len, &used);
}

static enum http_feed
feed_protocol(struct http_exchange *x, const struct slice *in)
{
	if (in->data[0] != 'H') {
		(void)refuse(x, ERR_PROTO, 400, "bad_http");
		return FEED_REFUSED;
	}
	x->line = LINE_DONE;
	return FEED_MORE;
}

enum http_feed
http_exchange_feed(struct http_exchange *x, struct slice *in)
{
	enum http_feed result = FEED_MORE;
	while (in->len > 0 && result == FEED_MORE) {
		switch (x->line) {
		case LINE_METHOD:
			result = feed_method(x, in);
			break;
		case LINE_TARGET:
			result = feed_target(x, in);
			break;
		case LINE_PROTOCOL:
			result = feed_protocol(x, in);
			break;
		case LINE_DONE:
			result = feed_llhttp(x, in, in->len);
			break;
		}
	}
	return result;
}

static struct http_exchange *
allocate(struct http_server *server)
{
	struct http_exchange *x = server->free_exchanges;
	if (x != NULL) {
		server->free_exchanges = x->next_free;
		server->n_free_exchanges--;
		return x;
	}
	x = calloc(1, sizeof(*x));
	if (x == NULL)
		abort();
	buf_init(&x->head, HTTP_HEAD_BYTES);
	buf_init(&x->raw, HTTP_HEAD_BYTES + HTTP_READ_BYTES);
	x->server = server;
	return x;
}

struct http_exchange *
http_exchange_new(struct http_connection *c)
{
	struct http_server *server = c->server;
	struct http_exchange *x = allocate(server);
	server->n_exchanges++;
	x->connection = c;
	x->request = (struct http_request){
		.is_tls = c->tls != NULL,
		.peer = c->peer,
		.local = c->local,
		.connection = c->number,
		.arena = &x->arena,
	};
	x->arena.cap_bytes = server->options.limits.arena_bytes;
	llhttp_init(&x->parser, HTTP_REQUEST, &settings);
	x->parser.data = x;
	x->head_bytes = 0;
	x->body_bytes = 0;
	x->n_headers = 0;
	x->n_trailers = 0;
	x->line = LINE_METHOD;
	x->refusal = (struct http_refusal){0};
	x->is_head_done = false;
	x->is_head_told = false;
	x->is_complete = false;
	x->is_answered = false;
	x->is_keep_alive = false;
	x->will_close = false;
	x->expects_continue = false;
	x->is_in_name = false;
	return x;
}

static void
destroy(struct http_exchange *x)
{
	arena_done(&x->arena);
	buf_done(&x->head);
	buf_done(&x->raw);
	free(x);
}

void
http_exchange_release(struct http_exchange *x)
{
	struct http_server *server = x->server;
	server->n_exchanges--;
	if (server->n_free_exchanges >= server->spare_most) {
		destroy(x);
	} else {
		if (x->arena.used_bytes > SPARE_ARENA_BYTES)
			arena_done(&x->arena);
		else
			arena_reset(&x->arena);
		if (x->head.capacity > SPARE_HEAD_BYTES)
			buf_done(&x->head);
		buf_reset(&x->head);
		buf_done(&x->raw);
		x->next_free = server->free_exchanges;
		server->free_exchanges = x;
		server->n_free_exchanges++;
	}
	http_server_check_end(server);
}

void
http_exchange_abandon(struct http_exchange *x, err_t why)
{
	x->connection = NULL;
	if (x->is_complete && !x->is_answered)
		return;
	if (x->is_head_told && !x->is_answered)
		x->server->options.handlers.gone(&x->request, why, x->server->options.context);
	http_exchange_release(x);
}

void
http_exchange_pool_done(struct http_server *server)
{
	while (server->free_exchanges != NULL) {
		struct http_exchange *x = server->free_exchanges;
		server->free_exchanges = x->next_free;
		destroy(x);
	}
}

struct slice
http_header(const struct http_request *request, const char *name)
{
	const struct http_exchange *x = (const struct http_exchange *)request;
	struct slice wanted = slice_str(name);
	for (size_t i = 0; i < x->n_headers; i++) {
		const struct http_header_place *place = &x->headers[i];
		if (slice_equal_nocase(slice_of(x->head.data + place->name_at, place->name_len),
				       wanted))
			return slice_trim(
				slice_of(x->head.data + place->value_at, place->value_len));
	}
	return (struct slice){0};
}
