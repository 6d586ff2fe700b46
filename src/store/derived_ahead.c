#include "store/derived_ahead.h"

#include <pthread.h>
#include <stdlib.h>

#include "cer/level1.h"

enum {
	SLOTS = 64,
	GROUP = 16,              /* handed over at once: locks cost more than reports */
	SLOT_KEEP_BYTES = 65536, /* memory that a slot keeps for its next report */
};

struct slot {
	struct facts_report fact;
	struct report report;
	bool is_readable;
	struct arena arena;
};

struct ahead {
	struct facts *facts;
	struct level1_parser *parser;
	struct slot slots[SLOTS];

	/* Of one run; counts of reports since its start. */
	uint64_t after;
	size_t max;
	size_t made; /* the reader's own */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	size_t handed_over; /* under the lock, as all below */
	size_t done;
	bool has_ended;  /* the reader hands over no more */
	bool is_stopped; /* the writer takes no more */
	err_t err;       /* of the reader */
	size_t count;    /* what it read; valid when err is OK */
};

err_t
ahead_new(const char *data, struct ahead **ret_ahead, struct err_detail *detail)
{
	struct ahead *ahead = calloc(1, sizeof(*ahead));
	if (ahead == NULL)
		abort();
	err_t err = facts_open(data, FACTS_READ, &ahead->facts, detail);
	if (err != OK) {
		free(ahead);
		return err;
	}
	ahead->parser = level1_parser_new();
	(void)pthread_mutex_init(&ahead->lock, NULL);
	(void)pthread_cond_init(&ahead->changed, NULL);
	for (size_t i = 0; i < SLOTS; i++)
		arena_init(&ahead->slots[i].arena, LIMIT_REPORT_ARENA_BYTES);
	*ret_ahead = ahead;
	return OK;
}

void
ahead_free(struct ahead *ahead)
{
	if (ahead == NULL)
		return;
	for (size_t i = 0; i < SLOTS; i++)
		arena_done(&ahead->slots[i].arena);
	(void)pthread_cond_destroy(&ahead->changed);
	(void)pthread_mutex_destroy(&ahead->lock);
	level1_parser_free(ahead->parser);
	facts_close(ahead->facts);
	free(ahead);
}

/* ---- the reader's thread ---- */

static void
hand_over(struct ahead *ahead)
{
	(void)pthread_mutex_lock(&ahead->lock);
	ahead->handed_over = ahead->made;
	(void)pthread_cond_signal(&ahead->changed);
	(void)pthread_mutex_unlock(&ahead->lock);
}

/* False: the writer has had enough. */
static bool
wait_for_room(struct ahead *ahead)
{
	(void)pthread_mutex_lock(&ahead->lock);
	while (!ahead->is_stopped && ahead->made - ahead->done > SLOTS - GROUP)
		(void)pthread_cond_wait(&ahead->changed, &ahead->lock);
	bool goes_on = !ahead->is_stopped;
	(void)pthread_mutex_unlock(&ahead->lock);
	return goes_on;
}

static err_t
make(void *context, const struct facts_report *fact)
{
	struct ahead *ahead = context;
	struct level1_error error;
	if (ahead->made % GROUP == 0 && !wait_for_room(ahead))
		return ERR_CLOSED;
	struct slot *slot = &ahead->slots[ahead->made % SLOTS];
	slot->fact = *fact;
	slot->fact.body = slot->fact.reply = (struct slice){0};
	slot->fact.source = (struct facts_source){0};
	if (slot->arena.used_bytes > SLOT_KEEP_BYTES)
		arena_done(&slot->arena);
	arena_reset(&slot->arena);
	slot->is_readable =
		!slice_is_absent(fact->body) &&
		level1_parse(ahead->parser, fact->body, &slot->arena, &slot->report, &error) == OK;
	ahead->made++;
	if (ahead->made % GROUP == 0)
		hand_over(ahead);
	return OK;
}

static void *
read_ahead(void *argument)
{
	struct ahead *ahead = argument;
	size_t count = 0;
	err_t err =
		facts_each_text_after(ahead->facts, ahead->after, ahead->max, make, ahead, &count);
	hand_over(ahead);
	(void)pthread_mutex_lock(&ahead->lock);
	ahead->err = err;
	ahead->count = count;
	ahead->has_ended = true;
	(void)pthread_cond_signal(&ahead->changed);
	(void)pthread_mutex_unlock(&ahead->lock);
	return NULL;
}

/* ---- the writer's ---- */

/* What may be taken now, TAKEN being taken already; the same number: there is no more. */
static size_t
wait_for_more(struct ahead *ahead, size_t taken)
{
	(void)pthread_mutex_lock(&ahead->lock);
	ahead->done = taken;
	(void)pthread_cond_signal(&ahead->changed);
	while (ahead->handed_over == taken && !ahead->has_ended)
		(void)pthread_cond_wait(&ahead->changed, &ahead->lock);
	size_t until = ahead->handed_over;
	(void)pthread_mutex_unlock(&ahead->lock);
	return until;
}

static void
stop(struct ahead *ahead)
{
	(void)pthread_mutex_lock(&ahead->lock);
	ahead->is_stopped = true;
	(void)pthread_cond_signal(&ahead->changed);
	(void)pthread_mutex_unlock(&ahead->lock);
}

static err_t
take_all(struct ahead *ahead, ahead_fn each, void *context)
{
	err_t err = OK;
	size_t taken = 0;
	size_t until;
	while (err == OK && (until = wait_for_more(ahead, taken)) != taken) {
		for (; taken < until && err == OK; taken++) {
			const struct slot *slot = &ahead->slots[taken % SLOTS];
			err = each(context, &slot->fact, slot->is_readable ? &slot->report : NULL);
		}
	}
	return err;
}

err_t
ahead_each_report_after(struct ahead *ahead, uint64_t after, size_t max, ahead_fn each,
			void *context, size_t *ret_count)
{
	pthread_t thread;
	ahead->after = after;
	ahead->max = max;
	ahead->made = ahead->handed_over = ahead->done = 0;
	ahead->has_ended = ahead->is_stopped = false;
	if (pthread_create(&thread, NULL, read_ahead, ahead) != 0)
		return ERR_NOMEM;
	err_t err = take_all(ahead, each, context);
	stop(ahead);
	(void)pthread_join(thread, NULL);
	if (err == OK)
		err = ahead->err;
	if (err == OK)
		*ret_count = ahead->count;
	return err;
}
