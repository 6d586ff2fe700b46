/* peers.h - limits per peer address: connections at a time, reports per minute
 *
 * Off unless configured: behind NAT or a proxy many machines are one address.  Shared by all I/O
 * threads.  A peer that is quiet for a minute is forgotten.
 */
#pragma once

#include "net/address.h"

struct peers;

struct peers *peers_new(void);
void peers_free(struct peers *peers); /* accepts NULL */
/* One more report now; false: this peer is over PER_MINUTE (0: no limit). */
bool peers_may_report(struct peers *peers, const struct address *peer, uint64_t per_minute,
		      int64_t now_us);
/* One more request under way; false: over MAX (0: no limit), and then not counted. */
bool peers_enter(struct peers *peers, const struct address *peer, uint64_t max);
void peers_leave(struct peers *peers, const struct address *peer);
