#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

#include "net/address.h"

static struct address
parsed(const char *text)
{
	struct address address;
	assert_true(address_parse(slice_str(text), &address));
	return address;
}

static bool
in_range(const char *address, const char *range_text)
{
	struct address_range range;
	struct address at = parsed(address);
	assert_true(address_parse_range(slice_str(range_text), &range));
	return address_in_range(&at, &range);
}

static void
refuses_what_is_no_address(void **state)
{
	static const char *const wrong[] = {
		"",
		":",
		"80:",
		"127.0.0.1",
		"127.0.0.1:",
		"127.0.0.1:0",
		"127.0.0.1:65536",
		"127.0.0.1:-1",
		"127.0.0.1:80x",
		"127.0.0:80",
		"::1:80",
		"[::1]",
		"[::1:80",
		"::1]:80",
		"[]:80",
		"[:80",
		"]:80",
		"host:80",
		"localhost",
		" 127.0.0.1:80",
		"256.0.0.1:80",
		"[fe80::1%lo]:80",
	};
	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct address address = {.port = 7};
		if (address_parse(slice_str(wrong[i]), &address))
			fail_msg("took \"%s\"", wrong[i]);
		assert_int_equal(address.port, 7);
	}
	struct address address;
	assert_false(address_parse((struct slice){0}, &address));
	assert_false(address_parse(slice_of("127.0.0.1\0.9:80", 15), &address));
}

static void
refuses_what_is_no_range(void **state)
{
	static const char *const wrong[] = {
		"",         "/",       "/8",           "10.0.0.0/",   "10.0.0.0/33", "10.0.0.0/-1",
		"10.0.0/8", "::1/129", "10.0.0.0/8/8", "10.0.0.0 /8", "all",
	};
	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct address_range range = {.prefix_bits = 7};
		if (address_parse_range(slice_str(wrong[i]), &range))
			fail_msg("took \"%s\"", wrong[i]);
		assert_int_equal(range.prefix_bits, 7);
	}
}

static void
prints_an_address_as_it_was_written(void **state)
{
	static const char *const texts[][3] = {
		{"192.0.2.1:1273", "192.0.2.1", "192.0.2.1:1273"},
		{"[2001:db8::1]:1273", "2001:db8::1", "[2001:db8::1]:1273"},
		{"[::ffff:192.0.2.1]:1", "192.0.2.1", "192.0.2.1:1"},
		{"localhost:80", "127.0.0.1", "127.0.0.1:80"},
		{"LOCALHOST:80", "127.0.0.1", "127.0.0.1:80"},
		{"0.0.0.0:80", "0.0.0.0", "0.0.0.0:80"},
		{":65535", "::", "[::]:65535"},
		{"443", "::", "[::]:443"},
		{"[ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255]:65535",
		 "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
		 "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		char text[ADDRESS_TEXT_BYTES];
		struct address address = parsed(texts[i][0]);
		assert_string_equal(address_format(&address, text), texts[i][1]);
		assert_string_equal(address_format_port(&address, text), texts[i][2]);
		assert_false(address_is_none(&address));
	}
	struct address none = {0};
	assert_true(address_is_none(&none));
}

static void
a_range_ends_where_its_bits_end(void **state)
{
	(void)state;
	assert_true(in_range("10.255.0.1:1", "10.0.0.0/8"));
	assert_false(in_range("11.0.0.0:1", "10.0.0.0/8"));
	assert_true(in_range("10.1.2.3:1", "10.9.9.9/8"));
	assert_true(in_range("192.168.1.127:1", "192.168.1.0/25"));
	assert_false(in_range("192.168.1.128:1", "192.168.1.0/25"));
	assert_true(in_range("192.0.2.1:1", "192.0.2.1"));
	assert_false(in_range("192.0.2.0:1", "192.0.2.1"));
	assert_true(in_range("[2001:db8:8000::1]:1", "2001:db8::/32"));
	assert_false(in_range("[2001:db9::1]:1", "2001:db8::/32"));
	assert_true(in_range("[2001:db8:7fff::]:1", "2001:db8::/33"));
	assert_false(in_range("[2001:db8:8000::]:1", "2001:db8::/33"));
	assert_true(in_range("[::1]:1", "::1"));
}

static void
every_ipv4_address_is_not_every_ipv6_address(void **state)
{
	(void)state;
	assert_true(in_range("203.0.113.9:1", "0.0.0.0/0"));
	assert_false(in_range("[2001:db8::1]:1", "0.0.0.0/0"));
	assert_true(in_range("[2001:db8::1]:1", "::/0"));
	assert_true(in_range("203.0.113.9:1", "::/0"));
	assert_true(in_range("203.0.113.9:1", "::ffff:203.0.113.0/120"));
}

static void
any_of_no_ranges_is_none(void **state)
{
	struct address address = parsed("10.0.0.1:1");
	struct address_range ranges[2];
	(void)state;
	assert_false(address_in_any(&address, NULL, 0));
	assert_true(address_parse_range(SLICE_LITERAL("192.0.2.0/24"), &ranges[0]));
	assert_true(address_parse_range(SLICE_LITERAL("10.0.0.0/24"), &ranges[1]));
	assert_false(address_in_any(&address, ranges, 1));
	assert_true(address_in_any(&address, ranges, 2));
}

static void
sockaddr_and_back_is_the_same(void **state)
{
	static const char *const texts[] = {"192.0.2.1:1273", "[2001:db8::1]:1273", ":80"};
	static const int families[] = {AF_INET, AF_INET6, AF_INET6};
	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct sockaddr_storage sockaddr;
		struct address address = parsed(texts[i]);
		struct address back;
		(void)address_to_sockaddr(&address, &sockaddr);
		assert_int_equal(sockaddr.ss_family, families[i]);
		address_from_sockaddr((const struct sockaddr *)&sockaddr, &back);
		assert_memory_equal(&back, &address, sizeof(back));
	}
	struct sockaddr local = {.sa_family = AF_UNIX};
	struct address none;
	address_from_sockaddr(&local, &none);
	assert_true(address_is_none(&none));
}

static int
listen_at(const struct address *address)
{
	struct err_detail detail = {0};
	int fd;
	if (address_listen(address, &fd, &detail) != OK)
		fail_msg("%s", detail.why);
	return fd;
}

static void
two_threads_may_listen_on_one_address(void **state)
{
	struct address address = parsed("127.0.0.1:1");
	struct sockaddr_storage at;
	socklen_t at_bytes = sizeof(at);
	(void)state;
	address.port = 0;
	int first = listen_at(&address);
	assert_int_equal(getsockname(first, (struct sockaddr *)&at, &at_bytes), 0);
	address_from_sockaddr((const struct sockaddr *)&at, &address);
	assert_int_not_equal(address.port, 0);
	int second = listen_at(&address);
	assert_true(fcntl(second, F_GETFL) & O_NONBLOCK);
	assert_true(fcntl(second, F_GETFD) & FD_CLOEXEC);
	(void)close(first);
	(void)close(second);
}

static void
every_address_means_ipv4_too(void **state)
{
	struct address any = {0};
	struct sockaddr_storage at;
	socklen_t at_bytes = sizeof(at);
	(void)state;
	int fd = listen_at(&any);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &at_bytes), 0);
	struct address local = parsed("127.0.0.1:1");
	struct address bound;
	address_from_sockaddr((const struct sockaddr *)&at, &bound);
	local.port = bound.port;
	at_bytes = address_to_sockaddr(&local, &at);
	int client = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(connect(client, (const struct sockaddr *)&at, at_bytes), 0);
	(void)close(client);
	(void)close(fd);
}

static void
says_which_address_could_not_be_had(void **state)
{
	struct address foreign = parsed("192.0.2.1:1273");
	struct err_detail detail = {0};
	int fd = -7;
	(void)state;
	assert_int_not_equal(address_listen(&foreign, &fd, &detail), OK);
	assert_int_equal(fd, -7);
	assert_non_null(strstr(detail.why, "192.0.2.1:1273"));
}

/* PROXY v2 */

static const char SIGNATURE[] = "\r\n\r\n\0\r\nQUIT\n";

#define TCP4 "\x21\x11\0\x0c\xc0\0\2\1\x0a\0\0\1\x30\x39\4\xf9"

static size_t
header(char *to, const char *rest, size_t rest_bytes)
{
	memcpy(to, SIGNATURE, 12);
	memcpy(to + 12, rest, rest_bytes);
	return 12 + rest_bytes;
}

static void
refuses_what_is_not_proxy_v2(void **state)
{
	static const char *const wrong[] = {
		"GET / HTTP/1.1\r\n",
		"PROXY TCP4 192.0.2.1 10.0.0.1 12345 1273\r\n",
		"\r\n\r\nX",
		"x",
	};
	struct address peer = {.port = 7};
	size_t used = 7;
	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(proxy_parse(slice_str(wrong[i]), &peer, &used), ERR_PROTO);
	assert_int_equal(peer.port, 7);
	assert_int_equal(used, 7);
}

static void
refuses_a_version_a_length_and_addresses_that_do_not_fit(void **state)
{
	char in[64];
	struct address peer;
	size_t used;
	size_t len;
	(void)state;
	len = header(in, "\x11\x11\0\x0c\xc0\0\2\1\x0a\0\0\1\x30\x39\4\xf9", 16);
	assert_int_equal(proxy_parse(slice_of(in, len), &peer, &used), ERR_PROTO);
	len = header(in, "\x22\x11\0\x0c\xc0\0\2\1\x0a\0\0\1\x30\x39\4\xf9", 16);
	assert_int_equal(proxy_parse(slice_of(in, len), &peer, &used), ERR_PROTO);
	len = header(in, "\x21\x11\xff\xff", 4);
	assert_int_equal(proxy_parse(slice_of(in, len), &peer, &used), ERR_PROTO);
	len = header(in, "\x21\x11\0\x0b\xc0\0\2\1\x0a\0\0\1\x30\x39\4", 15);
	assert_int_equal(proxy_parse(slice_of(in, len), &peer, &used), ERR_PROTO);
	len = header(in, "\x21\x21\0\x0c\xc0\0\2\1\x0a\0\0\1\x30\x39\4\xf9", 16);
	assert_int_equal(proxy_parse(slice_of(in, len), &peer, &used), ERR_PROTO);
}

static void
waits_for_the_whole_header(void **state)
{
	char in[64];
	struct address peer = {.port = 7};
	size_t used = 7;
	size_t len = header(in, TCP4, 16);
	(void)state;
	for (size_t i = 0; i < len; i++)
		assert_int_equal(proxy_parse(slice_of(in, i), &peer, &used), ERR_TRUNCATED);
	assert_int_equal(peer.port, 7);
	assert_int_equal(used, 7);
}

static void
names_the_real_peer(void **state)
{
	char in[128];
	char text[ADDRESS_TEXT_BYTES];
	struct address peer;
	size_t used;
	size_t len = header(in, TCP4 "POST", 20);
	(void)state;
	assert_int_equal(proxy_parse(slice_of(in, len), &peer, &used), OK);
	assert_string_equal(address_format_port(&peer, text), "192.0.2.1:12345");
	assert_int_equal(used, 28);
	/* IPv6, with a TLV of three bytes behind the addresses. */
	static const char v6[] = "\x21\x21\0\x27"
				 "\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1"
				 "\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\2"
				 "\x30\x39\4\xf9\x04\0\0POST";
	len = header(in, v6, sizeof(v6) - 1);
	assert_int_equal(proxy_parse(slice_of(in, len), &peer, &used), OK);
	assert_string_equal(address_format_port(&peer, text), "[2001:db8::1]:12345");
	assert_int_equal(used, 55);
}

static void
a_proxy_that_speaks_for_itself_stays_the_peer(void **state)
{
	static const char *const rests[] = {"\x20\0\0\0", "\x20\x11\0\x0c............",
					    "\x21\0\0\0", "\x21\x31\0\1."};
	static const size_t lengths[] = {4, 16, 4, 5};
	(void)state;
	for (size_t i = 0; i < 4; i++) {
		char in[64];
		size_t used;
		struct address peer = parsed("10.0.0.1:9");
		struct address before = peer;
		size_t len = header(in, rests[i], lengths[i]);
		assert_int_equal(proxy_parse(slice_of(in, len), &peer, &used), OK);
		assert_memory_equal(&peer, &before, sizeof(peer));
		assert_int_equal(used, len);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_what_is_no_address),
		cmocka_unit_test(refuses_what_is_no_range),
		cmocka_unit_test(says_which_address_could_not_be_had),
		cmocka_unit_test(prints_an_address_as_it_was_written),
		cmocka_unit_test(a_range_ends_where_its_bits_end),
		cmocka_unit_test(every_ipv4_address_is_not_every_ipv6_address),
		cmocka_unit_test(any_of_no_ranges_is_none),
		cmocka_unit_test(sockaddr_and_back_is_the_same),
		cmocka_unit_test(two_threads_may_listen_on_one_address),
		cmocka_unit_test(every_address_means_ipv4_too),
		cmocka_unit_test(refuses_what_is_not_proxy_v2),
		cmocka_unit_test(refuses_a_version_a_length_and_addresses_that_do_not_fit),
		cmocka_unit_test(waits_for_the_whole_header),
		cmocka_unit_test(names_the_real_peer),
		cmocka_unit_test(a_proxy_that_speaks_for_itself_stays_the_peer),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
