/* address.h - IP addresses with port, and ranges of them (CIDR) */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/err.h"
#include "base/slice.h"

/* IPv4 is kept as ::ffff:a.b.c.d; all zero: no address. */
struct address {
	uint8_t ip[16];
	uint16_t port;
};

struct address_range {
	uint8_t ip[16];
	uint8_t prefix_bits; /* of the 128 */
};

enum {
	ADDRESS_TEXT_BYTES = 64
};

bool address_is_none(const struct address *address);
/* "192.0.2.1", "2001:db8::1"; without the port. */
const char *address_format(const struct address *address, char text[ADDRESS_TEXT_BYTES]);
/* "192.0.2.1:1273", "[2001:db8::1]:1273". */
const char *address_format_port(const struct address *address, char text[ADDRESS_TEXT_BYTES]);
/* "ADDR:PORT", "[V6]:PORT", ":PORT" or "PORT" (every address, v6 with v4), "localhost:PORT". */
bool address_parse(struct slice text, struct address *ret_address);
bool
address_parse_range(struct slice text, struct address_range *ret_range); /* "10.0.0.0/8", "::1" */
bool address_in_range(const struct address *address, const struct address_range *range);
bool
address_in_any(const struct address *address, const struct address_range *ranges, size_t count);
void address_from_sockaddr(const struct sockaddr *sockaddr, struct address *ret_address);
socklen_t address_to_sockaddr(const struct address *address, struct sockaddr_storage *ret_sockaddr);
/* A listening TCP socket, non-blocking, close-on-exec, SO_REUSEADDR and SO_REUSEPORT. */
err_t
address_listen(const struct address *address, int *ret_fd, struct err_detail *detail) ERR_CHECK;

/* PROXY protocol version 2.  Bytes needed are not yet all there: ERR_TRUNCATED.  Not PROXY v2:
 * ERR_PROTO.  *ret_used: bytes of the header; LOCAL leaves *ret_peer as it is. */
err_t proxy_parse(struct slice in, struct address *ret_peer, size_t *ret_used) ERR_CHECK;
