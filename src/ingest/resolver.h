/* resolver.h - is the machine name that a report claims the reverse DNS name of its peer?
 *
 * One thread of its own asks the resolver of the system, so that a slow DNS server slows nothing
 * else; answers are kept for ten minutes.  A report from a peer whose name is not known yet is
 * not held up: it stays "claimed".
 */
#pragma once

#include "base/slice.h"
#include "net/address.h"

struct resolver;

enum resolver_answer {
	RESOLVER_UNKNOWN, /* being looked up */
	RESOLVER_NO,      /* no name, or another one */
	RESOLVER_MATCHED
};

struct resolver *resolver_start(void);
/* Accepts NULL.  Does not wait: the thread ends, and frees all, after a look-up under way. */
void resolver_stop(struct resolver *resolver);
/* Any thread; NOW_US by the monotonic clock.  MACHINE matches with its domain, or by its first
 * label alone. */
enum resolver_answer resolver_ask(struct resolver *resolver, const struct address *peer,
				  struct slice machine, int64_t now_us);
