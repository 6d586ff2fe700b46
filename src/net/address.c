#include "net/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const uint8_t V4_PREFIX[12] = {[10] = 0xff, [11] = 0xff};
static const uint8_t LOCALHOST[16] = {[10] = 0xff, [11] = 0xff, [12] = 127, [15] = 1};

static bool
is_v4(const uint8_t ip[16])
{
	return memcmp(ip, V4_PREFIX, sizeof(V4_PREFIX)) == 0;
}

static bool
is_zero(const uint8_t ip[16])
{
	static const uint8_t zero[16];
	return memcmp(ip, zero, sizeof(zero)) == 0;
}

bool
address_is_none(const struct address *address)
{
	return is_zero(address->ip) && address->port == 0;
}

const char *
address_format(const struct address *address, char text[ADDRESS_TEXT_BYTES])
{
	if (is_v4(address->ip))
		(void)inet_ntop(AF_INET, address->ip + 12, text, ADDRESS_TEXT_BYTES);
	else
		(void)inet_ntop(AF_INET6, address->ip, text, ADDRESS_TEXT_BYTES);
	return text;
}

const char *
address_format_port(const struct address *address, char text[ADDRESS_TEXT_BYTES])
{
	char ip[ADDRESS_TEXT_BYTES];
	(void)address_format(address, ip);
	/* An IPv6 address is at most 45 characters. */
	(void)snprintf(text, ADDRESS_TEXT_BYTES, is_v4(address->ip) ? "%.46s:%u" : "[%.46s]:%u", ip,
		       address->port);
	return text;
}

static bool
parse_ip(struct slice text, uint8_t ret_ip[16])
{
	char copy[INET6_ADDRSTRLEN];
	uint8_t ip[16];
	if (text.len >= sizeof(copy) || text.len == 0 || memchr(text.data, 0, text.len) != NULL)
		return false;
	memcpy(copy, text.data, text.len);
	copy[text.len] = '\0';
	if (inet_pton(AF_INET, copy, ip + 12) == 1)
		memcpy(ip, V4_PREFIX, sizeof(V4_PREFIX));
	else if (inet_pton(AF_INET6, copy, ip) != 1)
		return false;
	memcpy(ret_ip, ip, sizeof(ip));
	return true;
}

/* The part before the port; an IPv6 address needs its brackets there. */
static bool
parse_host(struct slice host, uint8_t ret_ip[16])
{
	if (host.len == 0) {
		memset(ret_ip, 0, 16);
		return true;
	}
	if (slice_equal_nocase(host, SLICE_LITERAL("localhost"))) {
		memcpy(ret_ip, LOCALHOST, sizeof(LOCALHOST));
		return true;
	}
	if (host.data[0] == '[' && host.data[host.len - 1] == ']')
		return parse_ip(slice_sub(host, 1, host.len - 2), ret_ip);
	return memchr(host.data, ':', host.len) == NULL && parse_ip(host, ret_ip);
}

bool
address_parse(struct slice text, struct address *ret_address)
{
	const uint8_t *colon = slice_is_absent(text) ? NULL : memrchr(text.data, ':', text.len);
	size_t host_bytes = colon == NULL ? 0 : (size_t)(colon - text.data);
	struct slice port_text = slice_sub(text, colon == NULL ? 0 : host_bytes + 1, text.len);
	struct address address;
	uint64_t port;
	if (!slice_to_u64(port_text, &port) || port == 0 || port > UINT16_MAX ||
	    !parse_host(slice_sub(text, 0, host_bytes), address.ip))
		return false;
	address.port = (uint16_t)port;
	*ret_address = address;
	return true;
}

bool
address_parse_range(struct slice text, struct address_range *ret_range)
{
	struct address_range range;
	struct slice ip = text;
	struct slice bits_text = {0};
	bool has_bits = slice_cut(text, '/', &ip, &bits_text);
	uint64_t bits;
	if (!parse_ip(ip, range.ip))
		return false;
	uint64_t most = is_v4(range.ip) && memchr(ip.data, ':', ip.len) == NULL ? 32 : 128;
	if (!has_bits)
		bits = most;
	else if (!slice_to_u64(bits_text, &bits) || bits > most)
		return false;
	range.prefix_bits = (uint8_t)(128 - most + bits);
	*ret_range = range;
	return true;
}

bool
address_in_range(const struct address *address, const struct address_range *range)
{
	size_t whole = range->prefix_bits / 8;
	unsigned rest = range->prefix_bits % 8;
	if (memcmp(address->ip, range->ip, whole) != 0)
		return false;
	return rest == 0 || (address->ip[whole] ^ range->ip[whole]) >> (8 - rest) == 0;
}

bool
address_in_any(const struct address *address, const struct address_range *ranges, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (address_in_range(address, &ranges[i]))
			return true;
	return false;
}

void
address_from_sockaddr(const struct sockaddr *sockaddr, struct address *ret_address)
{
	*ret_address = (struct address){0};
	if (sockaddr->sa_family == AF_INET) {
		struct sockaddr_in in;
		memcpy(&in, sockaddr, sizeof(in));
		memcpy(ret_address->ip, V4_PREFIX, sizeof(V4_PREFIX));
		memcpy(ret_address->ip + 12, &in.sin_addr, 4);
		ret_address->port = ntohs(in.sin_port);
	} else if (sockaddr->sa_family == AF_INET6) {
		struct sockaddr_in6 in6;
		memcpy(&in6, sockaddr, sizeof(in6));
		memcpy(ret_address->ip, &in6.sin6_addr, 16);
		ret_address->port = ntohs(in6.sin6_port);
	}
}

static socklen_t
v4_to_sockaddr(const uint8_t ip[4], uint16_t port, struct sockaddr_storage *ret_sockaddr)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};
	memcpy(&in.sin_addr, ip, 4);
	memcpy(ret_sockaddr, &in, sizeof(in));
	return sizeof(in);
}

socklen_t
address_to_sockaddr(const struct address *address, struct sockaddr_storage *ret_sockaddr)
{
	*ret_sockaddr = (struct sockaddr_storage){0};
	if (is_v4(address->ip))
		return v4_to_sockaddr(address->ip + 12, address->port, ret_sockaddr);
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(address->port)};
	memcpy(&in6.sin6_addr, address->ip, 16);
	memcpy(ret_sockaddr, &in6, sizeof(in6));
	return sizeof(in6);
}

static bool
set_option(int fd, int level, int option, int value)
{
	return setsockopt(fd, level, option, &value, sizeof(value)) == 0;
}

/* Accepted sockets inherit TCP_NODELAY. */
static bool
bind_and_listen(int fd, const struct sockaddr_storage *at, socklen_t at_bytes)
{
	if (at->ss_family == AF_INET6 && !set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0))
		return false;
	return set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1) &&
	       set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1) &&
	       set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1) &&
	       bind(fd, (const struct sockaddr *)at, at_bytes) == 0 && listen(fd, SOMAXCONN) == 0;
}

err_t
address_listen(const struct address *address, int *ret_fd, struct err_detail *detail)
{
	char text[ADDRESS_TEXT_BYTES];
	struct sockaddr_storage at;
	socklen_t at_bytes = address_to_sockaddr(address, &at);
	int type = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
	int fd = socket(at.ss_family, type, 0);
	if (fd < 0 && errno == EAFNOSUPPORT && is_zero(address->ip)) {
		/* A kernel without IPv6: every address is every IPv4 address. */
		static const uint8_t any[4];
		at_bytes = v4_to_sockaddr(any, address->port, &at);
		fd = socket(AF_INET, type, 0);
	}
	if (fd < 0 || !bind_and_listen(fd, &at, at_bytes)) {
		int error_number = errno;
		if (fd >= 0)
			(void)close(fd);
		return err_set(detail, err_from_errno(error_number), "%s: %s",
			       address_format_port(address, text), strerror(error_number));
	}
	*ret_fd = fd;
	return OK;
}
