#include "ingest/resolver.h"

#include <netdb.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/time.h"

enum {
	ENTRIES = 16384, /* one set of 4 MB at most; older answers are overwritten */
	QUEUE = 1024,    /* peers waiting for an answer; more are asked about next time */
	NAME_BYTES = 256
};
#define KEPT_US (10 * TIME_MINUTE_US)

struct entry {
	struct address peer;
	int64_t until_us; /* 0: empty */
	bool is_waiting;
	char name[NAME_BYTES]; /* "" when the peer has none */
};

struct resolver {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool is_stopping;
	struct entry *entries; /* a cache with one place for each hash */
	struct address queue[QUEUE];
	size_t queue_first;
	size_t queue_count;
};

static struct entry *
entry_of(struct resolver *r, const struct address *peer)
{
	return &r->entries[hash_64(slice_of(peer->ip, sizeof(peer->ip))) % ENTRIES];
}

static bool
is_same_peer(const struct address *a, const struct address *b)
{
	return memcmp(a->ip, b->ip, sizeof(a->ip)) == 0;
}

static void
look_up(const struct address *peer, char name[NAME_BYTES])
{
	struct sockaddr_storage sockaddr;
	socklen_t len = address_to_sockaddr(peer, &sockaddr);
	if (getnameinfo((struct sockaddr *)&sockaddr, len, name, NAME_BYTES, NULL, 0,
			NI_NAMEREQD) != 0)
		name[0] = '\0';
}

static void
answer_one(struct resolver *r)
{
	char name[NAME_BYTES];
	struct address peer = r->queue[r->queue_first];
	r->queue_first = (r->queue_first + 1) % QUEUE;
	r->queue_count--;
	(void)pthread_mutex_unlock(&r->lock);
	look_up(&peer, name);
	(void)pthread_mutex_lock(&r->lock);
	struct entry *entry = entry_of(r, &peer);
	*entry = (struct entry){.peer = peer, .until_us = time_monotonic_us() + KEPT_US};
	memcpy(entry->name, name, sizeof(entry->name));
}

static void *
resolver_main(void *argument)
{
	struct resolver *r = argument;
	(void)pthread_mutex_lock(&r->lock);
	while (!r->is_stopping) {
		if (r->queue_count == 0)
			(void)pthread_cond_wait(&r->wake, &r->lock);
		else
			answer_one(r);
	}
	(void)pthread_mutex_unlock(&r->lock);
	(void)pthread_cond_destroy(&r->wake);
	(void)pthread_mutex_destroy(&r->lock);
	free(r->entries);
	free(r);
	return NULL;
}

struct resolver *
resolver_start(void)
{
	struct resolver *r = calloc(1, sizeof(*r));
	if (r == NULL || (r->entries = calloc(ENTRIES, sizeof(*r->entries))) == NULL)
		abort();
	(void)pthread_mutex_init(&r->lock, NULL);
	(void)pthread_cond_init(&r->wake, NULL);
	if (pthread_create(&r->thread, NULL, resolver_main, r) != 0)
		abort();
	(void)pthread_detach(r->thread);
	return r;
}

void
resolver_stop(struct resolver *r)
{
	if (r == NULL)
		return;
	(void)pthread_mutex_lock(&r->lock);
	r->is_stopping = true;
	(void)pthread_cond_signal(&r->wake);
	(void)pthread_mutex_unlock(&r->lock);
}

static struct slice
first_label(struct slice name)
{
	struct slice head;
	struct slice tail;
	return slice_cut(name, '.', &head, &tail) ? head : name;
}

static bool
names_match(struct slice machine, struct slice name)
{
	bool has_domain = first_label(machine).len != machine.len;
	return slice_equal_nocase(machine, has_domain ? name : first_label(name));
}

static void
enqueue(struct resolver *r, struct entry *entry, const struct address *peer)
{
	if (r->queue_count == QUEUE)
		return;
	*entry = (struct entry){.peer = *peer, .is_waiting = true};
	r->queue[(r->queue_first + r->queue_count++) % QUEUE] = *peer;
	(void)pthread_cond_signal(&r->wake);
}

enum resolver_answer
resolver_ask(struct resolver *r, const struct address *peer, struct slice machine, int64_t now_us)
{
	enum resolver_answer answer = RESOLVER_UNKNOWN;
	if (machine.len == 0)
		return RESOLVER_NO;
	(void)pthread_mutex_lock(&r->lock);
	struct entry *entry = entry_of(r, peer);
	bool is_peers = is_same_peer(&entry->peer, peer);
	if (is_peers && !entry->is_waiting && entry->until_us > now_us)
		answer = entry->name[0] != '\0' && names_match(machine, slice_str(entry->name))
				 ? RESOLVER_MATCHED
				 : RESOLVER_NO;
	else if (!is_peers || !entry->is_waiting)
		enqueue(r, entry, peer);
	(void)pthread_mutex_unlock(&r->lock);
	return answer;
}
