#include "ingest/peers.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/table.h"
#include "base/time.h"
#include "ext/crypto.h"

struct peers {
	pthread_mutex_t lock;
	uint8_t secret[16]; /* nobody outside can choose which addresses collide */
	int64_t minute;
	struct table reports; /* of this minute */
	struct table entered;
};

struct peers *
peers_new(void)
{
	struct peers *peers = calloc(1, sizeof(*peers));
	if (peers == NULL)
		abort();
	(void)pthread_mutex_init(&peers->lock, NULL);
	crypto_random(peers->secret, sizeof(peers->secret));
	return peers;
}

void
peers_free(struct peers *peers)
{
	if (peers == NULL)
		return;
	table_done(&peers->reports);
	table_done(&peers->entered);
	(void)pthread_mutex_destroy(&peers->lock);
	free(peers);
}

static uint64_t
key_of(const struct peers *peers, const struct address *peer)
{
	uint8_t both[32];
	memcpy(both, peers->secret, 16);
	memcpy(both + 16, peer->ip, 16);
	uint64_t key = hash_64(slice_of(both, sizeof(both)));
	return key == 0 ? 1 : key;
}

bool
peers_may_report(struct peers *peers, const struct address *peer, uint64_t per_minute,
		 int64_t now_us)
{
	if (per_minute == 0)
		return true;
	(void)pthread_mutex_lock(&peers->lock);
	if (now_us / TIME_MINUTE_US != peers->minute) {
		peers->minute = now_us / TIME_MINUTE_US;
		table_clear(&peers->reports);
	}
	bool is_allowed = table_add(&peers->reports, key_of(peers, peer), 1) <= per_minute;
	(void)pthread_mutex_unlock(&peers->lock);
	return is_allowed;
}

bool
peers_enter(struct peers *peers, const struct address *peer, uint64_t max)
{
	(void)pthread_mutex_lock(&peers->lock);
	uint64_t key = key_of(peers, peer);
	bool is_allowed = table_add(&peers->entered, key, 1) <= max || max == 0;
	if (!is_allowed)
		(void)table_add(&peers->entered, key, UINT64_MAX);
	(void)pthread_mutex_unlock(&peers->lock);
	return is_allowed;
}

void
peers_leave(struct peers *peers, const struct address *peer)
{
	(void)pthread_mutex_lock(&peers->lock);
	uint64_t key = key_of(peers, peer);
	if (table_add(&peers->entered, key, UINT64_MAX) == 0)
		(void)table_remove(&peers->entered, key);
	(void)pthread_mutex_unlock(&peers->lock);
}
