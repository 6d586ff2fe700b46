/* http_client.c - libcurl's multi interface with an epoll of our own
 *
 * curl_multi_poll would look at every request in every turn; here libcurl says which sockets and
 * which time it waits for (on_socket, on_timer), and only those wake it.  A request lives in a
 * `transfer`, which is used again with its libcurl handle: what does not change from one request
 * to the next is set once.
 */
#include "net/http_client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <curl/curl.h>

#include "base/buf.h"
#include "base/time.h"

enum {
	EVENTS_PER_TURN = 256,
	DEFAULT_ANSWER_BYTES = 1024 * 1024
};

static const int64_t DEFAULT_CONNECT_TIMEOUT_US = 30 * TIME_SECOND_US;
static const int64_t DEFAULT_TIMEOUT_US = 60 * TIME_SECOND_US;

struct transfer {
	struct http_client *client;
	struct transfer *next; /* of the list that it is in: open or free */
	struct transfer *previous;
	CURL *easy;
	struct curl_slist *headers;
	struct buf body;
	uint64_t sent_bytes;
	void (*done)(const struct http_client_result *result, void *context);
	void *context;
	char why[CURL_ERROR_SIZE];
};

struct http_client {
	CURLM *multi;
	int epoll_fd;
	int64_t timer_us; /* when libcurl wants to be woken; INT64_MAX: never */
	struct http_client_options options;
	char *ca_file;
	char *user_agent;
	struct transfer *open;
	struct transfer *free;
	size_t n_open;
};

static int
on_socket(CURL *easy, curl_socket_t fd, int what, void *context, void *known)
{
	struct http_client *client = context;
	struct epoll_event event = {.data.fd = fd};
	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		/* libcurl may have closed it already, and then epoll has forgotten it. */
		(void)epoll_ctl(client->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
		return 0;
	}
	event.events = (what & CURL_POLL_IN ? (uint32_t)EPOLLIN : 0) |
		       (what & CURL_POLL_OUT ? (uint32_t)EPOLLOUT : 0);
	if (epoll_ctl(client->epoll_fd, known == NULL ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, fd,
		      &event) != 0 &&
	    epoll_ctl(client->epoll_fd, known == NULL ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd,
		      &event) != 0)
		return -1;
	(void)curl_multi_assign(client->multi, fd, client);
	return 0;
}

static int
on_timer(CURLM *multi, long timeout_ms, void *context)
{
	struct http_client *client = context;
	(void)multi;
	client->timer_us =
		timeout_ms < 0 ? INT64_MAX : time_monotonic_us() + (int64_t)timeout_ms * 1000;
	return 0;
}

static size_t
on_body(char *data, size_t size, size_t count, void *context)
{
	struct transfer *transfer = context;
	size_t len = size * count;
	buf_append(&transfer->body, slice_of(data, len));
	return buf_error(&transfer->body) == OK ? len : 0;
}

static char *
copy_text(const char *text)
{
	char *copy = text == NULL ? NULL : strdup(text);
	if (copy == NULL && text != NULL)
		abort();
	return copy;
}

static long
milliseconds(int64_t us)
{
	return us < 1000 ? 1 : (long)(us / 1000);
}

/* What stays the same for every request of this client. */
static void
set_common(struct transfer *transfer)
{
	const struct http_client_options *options = &transfer->client->options;
	CURL *easy = transfer->easy;
	(void)curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);
	(void)curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->why);
	(void)curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
	(void)curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
	(void)curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	(void)curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	(void)curl_easy_setopt(easy, CURLOPT_PROXY, "");
	(void)curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
	(void)curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	(void)curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
			       milliseconds(options->connect_timeout_us));
	(void)curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, milliseconds(options->timeout_us));
	(void)curl_easy_setopt(easy, CURLOPT_USERAGENT, transfer->client->user_agent);
	(void)curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, (long)options->is_new_connection);
	(void)curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, (long)options->is_new_connection);
	(void)curl_easy_setopt(easy, CURLOPT_SSL_SESSIONID_CACHE,
			       (long)!options->is_full_handshake);
	if (transfer->client->ca_file != NULL || options->is_insecure) {
		(void)curl_easy_setopt(easy, CURLOPT_CAINFO, transfer->client->ca_file);
		(void)curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
	}
	(void)curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, (long)!options->is_insecure);
	(void)curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, options->is_insecure ? 0L : 2L);
}

static void
add_header(struct transfer *transfer, const char *line)
{
	struct curl_slist *headers = curl_slist_append(transfer->headers, line);
	if (headers == NULL)
		abort();
	transfer->headers = headers;
}

static bool
is_header(const char *line, struct slice name)
{
	return slice_equal_nocase(slice_sub(slice_str(line), 0, name.len), name);
}

/* Ours, and without those that libcurl would add for a body. */
static void
set_headers(struct transfer *transfer, const struct http_client_request *request)
{
	bool has_type = false;
	bool has_expect = false;
	for (size_t i = 0; i < request->n_headers; i++) {
		has_type |= is_header(request->headers[i], SLICE_LITERAL("Content-Type:"));
		has_expect |= is_header(request->headers[i], SLICE_LITERAL("Expect:"));
		add_header(transfer, request->headers[i]);
	}
	if (!has_type)
		add_header(transfer, "Content-Type:");
	if (!has_expect)
		add_header(transfer, "Expect:");
	add_header(transfer, "Accept:");
	(void)curl_easy_setopt(transfer->easy, CURLOPT_HTTPHEADER, transfer->headers);
}

static void
set_body(struct transfer *transfer, const struct http_client_request *request)
{
	CURL *easy = transfer->easy;
	bool has_body = !slice_is_absent(request->body);
	transfer->sent_bytes = has_body ? request->body.len : 0;
	(void)curl_easy_setopt(easy, CURLOPT_NOBODY, 0L);
	if (has_body) {
		(void)curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
				       (curl_off_t)request->body.len);
		(void)curl_easy_setopt(easy, CURLOPT_POSTFIELDS, (const char *)request->body.data);
	} else {
		(void)curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
		(void)curl_easy_setopt(easy, CURLOPT_NOBODY,
				       (long)(strcmp(request->method, "HEAD") == 0));
	}
	(void)curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method);
}

static void
destroy(struct transfer *transfer)
{
	curl_slist_free_all(transfer->headers);
	if (transfer->easy != NULL)
		curl_easy_cleanup(transfer->easy);
	buf_done(&transfer->body);
	free(transfer);
}

static struct transfer *
allocate(struct http_client *client)
{
	struct transfer *transfer = client->free;
	if (transfer != NULL) {
		client->free = transfer->next;
		return transfer;
	}
	transfer = calloc(1, sizeof(*transfer));
	if (transfer == NULL)
		abort();
	transfer->client = client;
	buf_init(&transfer->body, client->options.answer_bytes);
	transfer->easy = curl_easy_init();
	if (transfer->easy == NULL)
		abort();
	set_common(transfer);
	return transfer;
}

static void
link_open(struct transfer *transfer)
{
	struct http_client *client = transfer->client;
	transfer->previous = NULL;
	transfer->next = client->open;
	if (client->open != NULL)
		client->open->previous = transfer;
	client->open = transfer;
	client->n_open++;
}

static void
unlink_open(struct transfer *transfer)
{
	struct http_client *client = transfer->client;
	if (transfer->previous == NULL)
		client->open = transfer->next;
	else
		transfer->previous->next = transfer->next;
	if (transfer->next != NULL)
		transfer->next->previous = transfer->previous;
	client->n_open--;
}

static void
release(struct transfer *transfer)
{
	curl_slist_free_all(transfer->headers);
	transfer->headers = NULL;
	buf_reset(&transfer->body);
	transfer->next = transfer->client->free;
	transfer->client->free = transfer;
}

err_t
http_client_send(struct http_client *client, const struct http_client_request *request)
{
	if (request->method == NULL || request->url == NULL || request->done == NULL)
		return ERR_USAGE;
	struct transfer *transfer = allocate(client);
	transfer->done = request->done;
	transfer->context = request->context;
	transfer->why[0] = '\0';
	set_headers(transfer, request);
	set_body(transfer, request);
	CURLcode code = curl_easy_setopt(transfer->easy, CURLOPT_URL, request->url);
	if (code == CURLE_OK)
		code = curl_easy_setopt(transfer->easy, CURLOPT_REQUEST_TARGET, request->target);
	if (code != CURLE_OK || curl_multi_add_handle(client->multi, transfer->easy) != CURLM_OK) {
		release(transfer);
		return ERR_USAGE;
	}
	link_open(transfer);
	return OK;
}

static err_t
err_of(const struct transfer *transfer, CURLcode code)
{
	switch (code) {
	case CURLE_OK:
		return OK;
	case CURLE_WRITE_ERROR:
		return buf_error(&transfer->body) == OK ? ERR_IO : ERR_LIMIT;
	case CURLE_OPERATION_TIMEDOUT:
		return ERR_TIMEOUT;
	case CURLE_COULDNT_RESOLVE_HOST:
		return ERR_NOTFOUND;
	case CURLE_COULDNT_CONNECT:
	case CURLE_GOT_NOTHING:
	case CURLE_SEND_ERROR:
	case CURLE_RECV_ERROR:
	case CURLE_PARTIAL_FILE:
		return ERR_CLOSED;
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
		return ERR_DENIED;
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_WEIRD_SERVER_REPLY:
	case CURLE_UNSUPPORTED_PROTOCOL:
		return ERR_PROTO;
	case CURLE_URL_MALFORMAT:
		return ERR_USAGE;
	case CURLE_OUT_OF_MEMORY:
		return ERR_NOMEM;
	default:
		return ERR_IO;
	}
}

static int64_t
number_of(CURL *easy, CURLINFO info)
{
	curl_off_t value = 0;
	(void)curl_easy_getinfo(easy, info, &value);
	return (int64_t)value;
}

static int64_t
handshake_us(CURL *easy)
{
	long n_connections = 0;
	(void)curl_easy_getinfo(easy, CURLINFO_NUM_CONNECTS, &n_connections);
	if (n_connections == 0)
		return 0;
	int64_t tls_us = number_of(easy, CURLINFO_APPCONNECT_TIME_T);
	return tls_us > 0 ? tls_us : number_of(easy, CURLINFO_CONNECT_TIME_T);
}

static void
finish(struct transfer *transfer, CURLcode code)
{
	CURL *easy = transfer->easy;
	long status = 0;
	(void)curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
	const char *why = transfer->why[0] != '\0' ? transfer->why : curl_easy_strerror(code);
	struct http_client_result result = {
		.err = err_of(transfer, code),
		.why = code == CURLE_OK ? "" : why,
		.status = (int)status,
		.body = buf_slice(&transfer->body),
		.retry_after_s = number_of(easy, CURLINFO_RETRY_AFTER),
		.connected_us = handshake_us(easy),
		.first_byte_us = number_of(easy, CURLINFO_STARTTRANSFER_TIME_T),
		.total_us = number_of(easy, CURLINFO_TOTAL_TIME_T),
		.sent_bytes = transfer->sent_bytes,
	};
	(void)curl_multi_remove_handle(transfer->client->multi, easy);
	unlink_open(transfer);
	transfer->done(&result, transfer->context);
	release(transfer);
}

static void
finish_all(struct http_client *client)
{
	CURLMsg *message;
	int left;
	while ((message = curl_multi_info_read(client->multi, &left)) != NULL) {
		struct transfer *transfer;
		CURLcode code = message->data.result;
		if (message->msg != CURLMSG_DONE ||
		    curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer) !=
			    CURLE_OK)
			continue;
		finish(transfer, code);
	}
}

static int
wait_ms(const struct http_client *client, int64_t timeout_us)
{
	int64_t until_timer_us = INT64_MAX;
	if (client->timer_us != INT64_MAX)
		until_timer_us = client->timer_us - time_monotonic_us();
	int64_t us = until_timer_us < timeout_us ? until_timer_us : timeout_us;
	if (us <= 0)
		return 0;
	return us > TIME_HOUR_US ? 3600 * 1000 : (int)((us + 999) / 1000);
}

static int
curl_events(uint32_t events)
{
	int mask = 0;
	if (events & (uint32_t)EPOLLIN)
		mask |= CURL_CSELECT_IN;
	if (events & (uint32_t)EPOLLOUT)
		mask |= CURL_CSELECT_OUT;
	if (events & (uint32_t)(EPOLLERR | EPOLLHUP))
		mask |= CURL_CSELECT_ERR;
	return mask;
}

err_t
http_client_run_once(struct http_client *client, int64_t timeout_us)
{
	struct epoll_event events[EVENTS_PER_TURN];
	int running;
	CURLMcode code = CURLM_OK;
	int count =
		epoll_wait(client->epoll_fd, events, EVENTS_PER_TURN, wait_ms(client, timeout_us));
	if (count < 0 && errno != EINTR)
		return err_from_errno(errno);
	for (int i = 0; i < count && code == CURLM_OK; i++)
		code = curl_multi_socket_action(client->multi, events[i].data.fd,
						curl_events(events[i].events), &running);
	if (code == CURLM_OK && client->timer_us <= time_monotonic_us()) {
		client->timer_us = INT64_MAX;
		code = curl_multi_socket_action(client->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	}
	finish_all(client);
	return code == CURLM_OK ? OK : ERR_IO;
}

size_t
http_client_open(const struct http_client *client)
{
	return client->n_open;
}

static void
set_multi(struct http_client *client)
{
	CURLM *multi = client->multi;
	long most = (long)client->options.connections;
	(void)curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_socket);
	(void)curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, client);
	(void)curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_timer);
	(void)curl_multi_setopt(multi, CURLMOPT_TIMERDATA, client);
	(void)curl_multi_setopt(multi, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING);
	(void)curl_multi_setopt(multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, most);
	/* libcurl's own choice grows with the open requests, and forgets what it was. */
	if (most > 0)
		(void)curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, most);
}

static void
take_options(struct http_client *client, const struct http_client_options *options)
{
	client->options = *options;
	client->ca_file = copy_text(options->ca_file);
	client->user_agent = copy_text(options->user_agent);
	if (options->connect_timeout_us == 0)
		client->options.connect_timeout_us = DEFAULT_CONNECT_TIMEOUT_US;
	if (options->timeout_us == 0)
		client->options.timeout_us = DEFAULT_TIMEOUT_US;
	if (options->answer_bytes == 0)
		client->options.answer_bytes = DEFAULT_ANSWER_BYTES;
}

err_t
http_client_new(const struct http_client_options *options, struct http_client **ret_client,
		struct err_detail *detail)
{
	if (options->ca_file != NULL && access(options->ca_file, R_OK) != 0)
		return err_set(detail, ERR_CONFIG, "%s: %s", options->ca_file, strerror(errno));
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return err_set(detail, ERR_INTERNAL, "libcurl does not start");
	struct http_client *client = calloc(1, sizeof(*client));
	if (client == NULL)
		abort();
	client->timer_us = INT64_MAX;
	take_options(client, options);
	client->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	client->multi = curl_multi_init();
	if (client->epoll_fd < 0 || client->multi == NULL) {
		err_t err = err_set(detail, ERR_IO, "epoll: %s", strerror(errno));
		http_client_free(client);
		return err;
	}
	set_multi(client);
	*ret_client = client;
	return OK;
}

static void
destroy_all(struct transfer *transfer, CURLM *multi)
{
	while (transfer != NULL) {
		struct transfer *next = transfer->next;
		if (multi != NULL)
			(void)curl_multi_remove_handle(multi, transfer->easy);
		destroy(transfer);
		transfer = next;
	}
}

void
http_client_free(struct http_client *client)
{
	if (client == NULL)
		return;
	destroy_all(client->open, client->multi);
	destroy_all(client->free, NULL);
	if (client->multi != NULL)
		(void)curl_multi_cleanup(client->multi);
	if (client->epoll_fd >= 0)
		(void)close(client->epoll_fd);
	free(client->ca_file);
	free(client->user_agent);
	free(client);
	curl_global_cleanup();
}
