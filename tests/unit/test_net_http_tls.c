/* The HTTP server over TLS: its clients are OpenSSL's. */
#include "http_fixture.h"

#include <sys/ioctl.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "certificate.h"

#define OK_HEAD "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: "
#define GET "GET /x HTTP/1.1\r\n\r\n"
#define POST "POST /x HTTP/1.1\r\nContent-Length: 10\r\n\r\n"
#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define PROXY_TCP4 SIGNATURE "\x21\x11\0\x0c\xc0\0\2\1\x0a\0\0\1\x30\x39\4\xf9"

static char folder[] = "/tmp/test_net_http.XXXXXX";
static char certificate[64];
static char key[64];

static int
make_files(void **state)
{
	(void)state;
	if (mkdtemp(folder) == NULL)
		return -1;
	(void)snprintf(certificate, sizeof(certificate), "%s/certificate.pem", folder);
	(void)snprintf(key, sizeof(key), "%s/key.pem", folder);
	certificate_write(certificate, key, 0, NULL);
	return 0;
}

static int
remove_files(void **state)
{
	(void)state;
	(void)unlink(certificate);
	(void)unlink(key);
	return rmdir(folder);
}

static int
prepare(void **state)
{
	*state = fixture_new();
	return 0;
}

static int
stop(void **state)
{
	fixture_free(*state);
	return 0;
}

static struct tls_context *
load(void)
{
	struct tls_context *context;
	struct err_detail detail = {0};
	if (tls_context_load(certificate, key, TLS_1_2, &context, &detail) != OK)
		fail_msg("%s", detail.why);
	return context;
}

static void
start_tls(struct fixture *f)
{
	struct tls_context *context = load();
	fixture_start(f, context);
	tls_context_unref(context);
}

struct client {
	SSL_CTX *context;
	SSL *ssl;
	int fd;
};

static struct client
connect_tls(struct fixture *f, int fd)
{
	struct client c = {.context = SSL_CTX_new(TLS_client_method()), .fd = fd};
	int on = 1;
	int result;
	int turns = 0;
	(void)ioctl(fd, FIONBIO, &on);
	c.ssl = SSL_new(c.context);
	(void)SSL_set_fd(c.ssl, fd);
	while ((result = SSL_connect(c.ssl)) != 1 && turns++ < 1000 &&
	       SSL_get_error(c.ssl, result) == SSL_ERROR_WANT_READ)
		fixture_turns(f, 1);
	assert_int_equal(result, 1);
	return c;
}

static void
expect_tls(struct fixture *f, struct client *c, const char *text)
{
	char got[1024] = "";
	size_t len = strlen(text);
	size_t at = 0;
	for (int i = 0; i < 1000 && at < len; i++) {
		int count = SSL_read(c->ssl, got + at, (int)(len - at));
		if (count > 0)
			at += (size_t)count;
		else
			fixture_turns(f, 1);
	}
	assert_string_equal(got, text);
}

static void
put_tls(struct fixture *f, struct client *c, const char *text)
{
	assert_int_equal(SSL_write(c->ssl, text, (int)strlen(text)), (int)strlen(text));
	fixture_turn(f);
}

static void
disconnect(struct client *c)
{
	SSL_free(c->ssl);
	SSL_CTX_free(c->context);
	(void)close(c->fd);
	ERR_clear_error();
}

static void
note_tls(struct http_request *request, struct fixture *f)
{
	(void)f;
	assert_true(request->is_tls);
}

static void
answers_over_tls_and_says_goodbye(void **state)
{
	struct fixture *f = *state;
	start_tls(f);
	f->on_head = note_tls;
	struct client c = connect_tls(f, fixture_dial(f));
	put_tls(f, &c, POST "0123456789");
	expect_tls(f, &c, OK_HEAD "10\r\n\r\n0123456789");
	f->answer = ANSWER_LATER;
	put_tls(f, &c, GET);
	fixture_turns(f, 5);
	f->is_close = true;
	fixture_answer(f, f->held);
	expect_tls(f, &c, OK_HEAD "0\r\nConnection: close\r\n\r\n");
	fixture_turns(f, 5);
	char nothing;
	int result = SSL_read(c.ssl, &nothing, 1);
	assert_int_equal(SSL_get_error(c.ssl, result), SSL_ERROR_ZERO_RETURN);
	disconnect(&c);
}

static void
a_tls_client_that_says_goodbye_first_gets_its_answer(void **state)
{
	struct fixture *f = *state;
	start_tls(f);
	f->answer = ANSWER_LATER;
	struct client c = connect_tls(f, fixture_dial(f));
	put_tls(f, &c, GET);
	(void)SSL_shutdown(c.ssl);
	fixture_turns(f, 5);
	fixture_answer(f, f->held);
	expect_tls(f, &c, OK_HEAD "0\r\n\r\n");
	disconnect(&c);
	fixture_wait_connections(f, 0);
}

static void
tls_connections_may_end_at_any_point(void **state)
{
	struct fixture *f = *state;
	static const char *const requests[] = {"", "POST /x HT", POST, POST "0123"};
	start_tls(f);
	for (size_t i = 0; i < 2 * sizeof(requests) / sizeof(requests[0]); i++) {
		struct client c = connect_tls(f, fixture_dial(f));
		if (requests[i / 2][0] != '\0')
			put_tls(f, &c, requests[i / 2]);
		if (i % 2 == 0)
			(void)SSL_shutdown(c.ssl);
		disconnect(&c);
		fixture_wait_connections(f, 0);
	}
	fixture_expect_log(f, "refused closed_in_head; refused closed_in_head; "
			      "head POST /x; refused closed_in_body; gone ERR_CLOSED; "
			      "head POST /x; refused closed_in_body; gone ERR_CLOSED; "
			      "head POST /x; refused closed_in_body; gone ERR_CLOSED; "
			      "head POST /x; refused closed_in_body; gone ERR_CLOSED; ");
}

static void
what_is_not_tls_is_named(void **state)
{
	struct fixture *f = *state;
	fixture_short_timeouts(f);
	start_tls(f);
	int fd = fixture_dial(f);
	fixture_put(f, fd, GET);
	fixture_wait_log(f, "refused plain_on_tls_port; ");
	fixture_reset(fd);
	fd = fixture_dial(f);
	fixture_put(f, fd, "\x16\x03\x01\xff\xff");
	fixture_wait_log(f, "refused tls_handshake; ");
	fixture_reset(fd);
	fd = fixture_dial(f);
	fixture_put(f, fd, "\x16\x03");
	(void)close(fd);
	fixture_wait_log(f, "refused tls_handshake; ");
	assert_int_equal(f->refused_why, ERR_CLOSED);
	fd = fixture_dial(f);
	fixture_put(f, fd, "\x16\x03");
	fixture_wait_log(f, "refused tls_handshake; ");
	assert_int_equal(f->refused_why, ERR_TIMEOUT);
	(void)close(fd);
	/* Who says nothing at all is no news. */
	fd = fixture_dial(f);
	fixture_expect_end(f, fd);
	fd = fixture_dial(f);
	(void)close(fd);
	fixture_wait_connections(f, 0);
	assert_int_equal(f->log.len, 0);
}

static void
a_broken_record_ends_the_request(void **state)
{
	static const char broken[] = "\x17\x03\x03\0\x20................................";
	struct fixture *f = *state;
	start_tls(f);
	struct client c = connect_tls(f, fixture_dial(f));
	put_tls(f, &c, POST "01234");
	fixture_put_bytes(f, c.fd, slice_of(broken, sizeof(broken) - 1));
	fixture_wait_log(f, "head POST /x; refused tls_record; gone ERR_PROTO; ");
	disconnect(&c);
	f->answer = ANSWER_LATER;
	c = connect_tls(f, fixture_dial(f));
	put_tls(f, &c, GET);
	fixture_put_bytes(f, c.fd, slice_of(broken, sizeof(broken) - 1));
	fixture_wait_log(f, "head GET /x; complete; refused tls_record; ");
	fixture_answer(f, f->held);
	disconnect(&c);
}

static void
tls_connections_beyond_the_limit_are_closed(void **state)
{
	struct fixture *f = *state;
	f->options.limits.connections = 1;
	start_tls(f);
	int first = fixture_dial(f);
	int second = fixture_dial(f);
	fixture_expect_end(f, second);
	fixture_expect_log(f, "refused too_many_connections; ");
	(void)close(first);
}

static void
a_new_certificate_is_for_new_connections(void **state)
{
	struct fixture *f = *state;
	start_tls(f);
	struct client old = connect_tls(f, fixture_dial(f));
	X509 *old_certificate = SSL_get1_peer_certificate(old.ssl);
	certificate_write(certificate, key, 0, NULL);
	struct tls_context *context = load();
	http_server_set_tls(f->server, context);
	tls_context_unref(context);
	struct client new = connect_tls(f, fixture_dial(f));
	X509 *new_certificate = SSL_get1_peer_certificate(new.ssl);
	assert_int_not_equal(X509_cmp(old_certificate, new_certificate), 0);
	put_tls(f, &old, GET);
	expect_tls(f, &old, OK_HEAD "0\r\n\r\n");
	put_tls(f, &new, GET);
	expect_tls(f, &new, OK_HEAD "0\r\n\r\n");
	X509_free(old_certificate);
	X509_free(new_certificate);
	disconnect(&old);
	disconnect(&new);
}

static void
tls_comes_after_the_proxy_header(void **state)
{
	struct fixture *f = *state;
	struct address_range proxies;
	fixture_trust_loopback(f, &proxies);
	f->on_head = fixture_note_peer;
	start_tls(f);
	int fd = fixture_dial(f);
	fixture_put_bytes(f, fd, slice_of(PROXY_TCP4, sizeof(PROXY_TCP4) - 1));
	struct client c = connect_tls(f, fd);
	put_tls(f, &c, GET);
	expect_tls(f, &c, OK_HEAD "0\r\n\r\n");
	fixture_expect_log(f, "head GET /x; peer 192.0.2.1:12345; complete; ");
	disconnect(&c);
}

static void
the_tap_sees_plain_bytes_both_ways(void **state)
{
	struct fixture *f = *state;
	f->options.handlers.tap = fixture_tap;
	start_tls(f);
	struct client c = connect_tls(f, fixture_dial(f));
	put_tls(f, &c, POST "01234");
	put_tls(f, &c, "56789");
	expect_tls(f, &c, OK_HEAD "10\r\n\r\n0123456789");
	assert_true(slice_equal_str(buf_slice(&f->tapped[1]), POST "0123456789"));
	assert_true(slice_equal_str(buf_slice(&f->tapped[0]), OK_HEAD "10\r\n\r\n0123456789"));
	disconnect(&c);
	fixture_listen(f, NULL);
	buf_reset(&f->tapped[0]);
	int fd = fixture_dial(f);
	fixture_put(f, fd, GET);
	fixture_expect(f, fd, OK_HEAD "0\r\n\r\n");
	assert_true(slice_equal_str(buf_slice(&f->tapped[0]), OK_HEAD "0\r\n\r\n"));
	(void)close(fd);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, prepare, stop)
	const struct CMUnitTest tests[] = {
		TEST(answers_over_tls_and_says_goodbye),
		TEST(a_tls_client_that_says_goodbye_first_gets_its_answer),
		TEST(tls_connections_may_end_at_any_point),
		TEST(what_is_not_tls_is_named),
		TEST(a_broken_record_ends_the_request),
		TEST(tls_connections_beyond_the_limit_are_closed),
		TEST(a_new_certificate_is_for_new_connections),
		TEST(tls_comes_after_the_proxy_header),
		TEST(the_tap_sees_plain_bytes_both_ways),
	};
	return cmocka_run_group_tests(tests, make_files, remove_files);
}
