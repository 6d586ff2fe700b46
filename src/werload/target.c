#include "werload/target.h"

#include <ifaddrs.h>
#include <netdb.h>
#include <string.h>
#include <sys/socket.h>

#include "net/address.h"

static bool
is_loopback(const struct address *address)
{
	struct address_range loopback[2];
	return address_parse_range(SLICE_LITERAL("127.0.0.0/8"), &loopback[0]) &&
	       address_parse_range(SLICE_LITERAL("::1/128"), &loopback[1]) &&
	       address_in_any(address, loopback, 2);
}

static bool
is_of_interface(const struct address *address, const struct ifaddrs *interfaces)
{
	for (const struct ifaddrs *i = interfaces; i != NULL; i = i->ifa_next) {
		struct address own;
		if (i->ifa_addr == NULL ||
		    (i->ifa_addr->sa_family != AF_INET && i->ifa_addr->sa_family != AF_INET6))
			continue;
		address_from_sockaddr(i->ifa_addr, &own);
		if (memcmp(own.ip, address->ip, sizeof(own.ip)) == 0)
			return true;
	}
	return false;
}

err_t
target_check(const char *host, struct err_detail *detail)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
	struct addrinfo *found = NULL;
	struct ifaddrs *interfaces = NULL;
	err_t err = OK;
	int code = getaddrinfo(host, NULL, &hints, &found);
	if (code != 0)
		return err_set(detail, ERR_NOTFOUND, "%s: %s", host, gai_strerror(code));
	if (getifaddrs(&interfaces) != 0)
		interfaces = NULL;
	for (const struct addrinfo *i = found; i != NULL && err == OK; i = i->ai_next) {
		struct address address;
		char text[ADDRESS_TEXT_BYTES];
		address_from_sockaddr(i->ai_addr, &address);
		if (!is_loopback(&address) && !is_of_interface(&address, interfaces))
			err = err_set(detail, ERR_DENIED,
				      "%s (%s) is not this machine; --i-own-this-server takes "
				      "the responsibility",
				      host, address_format(&address, text));
	}
	freeifaddrs(interfaces);
	freeaddrinfo(found);
	return err;
}
