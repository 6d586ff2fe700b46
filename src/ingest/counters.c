#include "ingest/counters.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct counter {
	const char *name;
	uint64_t waiting;   /* not yet in the store */
	uint64_t in_flight; /* in the open transaction */
};

struct counters {
	pthread_mutex_t lock;
	struct counter list[COUNTERS_MAX];
	size_t count;
	bool is_dirty;
};

struct counters *
counters_new(void)
{
	struct counters *counters = calloc(1, sizeof(*counters));
	if (counters == NULL)
		abort();
	(void)pthread_mutex_init(&counters->lock, NULL);
	return counters;
}

void
counters_free(struct counters *counters)
{
	if (counters == NULL)
		return;
	(void)pthread_mutex_destroy(&counters->lock);
	free(counters);
}

static struct counter *
find_or_add(struct counters *counters, const char *name)
{
	for (size_t i = 0; i < counters->count; i++)
		if (counters->list[i].name == name || strcmp(counters->list[i].name, name) == 0)
			return &counters->list[i];
	if (counters->count == COUNTERS_MAX)
		return NULL;
	counters->list[counters->count].name = name;
	return &counters->list[counters->count++];
}

void
counters_add(struct counters *counters, const char *name, uint64_t by)
{
	if (by == 0)
		return;
	(void)pthread_mutex_lock(&counters->lock);
	struct counter *counter = find_or_add(counters, name);
	if (counter != NULL)
		counter->waiting += by;
	counters->is_dirty = true;
	(void)pthread_mutex_unlock(&counters->lock);
}

bool
counters_is_dirty(struct counters *counters)
{
	(void)pthread_mutex_lock(&counters->lock);
	bool is_dirty = counters->is_dirty;
	(void)pthread_mutex_unlock(&counters->lock);
	return is_dirty;
}

err_t
counters_flush(struct counters *counters, struct facts *facts)
{
	err_t err = OK;
	(void)pthread_mutex_lock(&counters->lock);
	for (size_t i = 0; i < counters->count && err == OK; i++) {
		struct counter *counter = &counters->list[i];
		if (counter->waiting == 0)
			continue;
		err = facts_add_counter(facts, counter->name, counter->waiting);
		counter->in_flight = counter->waiting;
		counter->waiting = 0;
	}
	counters->is_dirty = false;
	(void)pthread_mutex_unlock(&counters->lock);
	return err;
}

void
counters_flushed(struct counters *counters, bool is_committed)
{
	(void)pthread_mutex_lock(&counters->lock);
	for (size_t i = 0; i < counters->count; i++) {
		struct counter *counter = &counters->list[i];
		if (!is_committed && counter->in_flight > 0) {
			counter->waiting += counter->in_flight;
			counters->is_dirty = true;
		}
		counter->in_flight = 0;
	}
	(void)pthread_mutex_unlock(&counters->lock);
}
