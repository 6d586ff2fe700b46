#include "werload/fill.h"

#include <pthread.h>
#include <stdlib.h>

#include "store/pack.h"

enum {
	CHUNKS_PER_THREAD = 4,
	BODY_BYTES = 256 * 1024,
	PACKED_BYTES = FILL_CHUNK_REPORTS * 8 * 1024,
	KEY_TEXT_BYTES = 64 * 1024
};

struct place {
	struct fill_chunk chunk;
	bool is_ready;
};

struct fill {
	struct fill_plan plan;
	pthread_t threads[FILL_THREADS_MAX];
	unsigned n_threads; /* that run */
	pthread_mutex_t mutex;
	pthread_cond_t made, taken;
	struct place *places; /* chunk N is made in place N % n_places */
	size_t n_places;
	uint64_t n_chunks;
	uint64_t next;  /* chunk to be made by whoever is free */
	uint64_t first; /* oldest chunk that is not written yet */
	bool has_out;   /* the writer has chunk FIRST in its hands */
	bool is_stopped;
};

/* What one generator needs for itself. */
struct workshop {
	struct pack *pack;
	struct arena arena;
	struct buf body, key_text;
};

void
fill_request(const struct fill_plan *plan, uint64_t sequence, struct fleet_request *ret_request)
{
	double share = (double)sequence / (double)plan->reports;
	double span_us = (double)(plan->until_us - plan->from_us);
	*ret_request = (struct fleet_request){
		.sequence = sequence,
		.time_us = plan->from_us + (int64_t)(span_us * share),
		.machine = FLEET_ANY,
		.one_bug = FLEET_ANY,
	};
}

static err_t
make_one(const struct fill_plan *plan, struct workshop *shop, uint64_t sequence,
	 struct fill_chunk *chunk)
{
	struct fleet_request request;
	struct report report;
	struct label label;
	struct fill_report *out = &chunk->reports[chunk->count];
	fill_request(plan, sequence, &request);
	arena_reset(&shop->arena);
	err_t err = fleet_report(plan->fleet, &request, &shop->arena, &report, &out->machine);
	if (err != OK)
		return err;
	out->time_us = request.time_us;
	label_of(&report, &shop->arena, &label);
	buf_reset(&shop->key_text);
	label_key_text(&label, &shop->key_text);
	label_key(buf_slice(&shop->key_text), out->key);
	buf_reset(&shop->body);
	fleet_body(plan->fleet, &report, out->machine, &shop->body);
	out->packed_at = chunk->packed.len;
	pack_body(shop->pack, buf_slice(&shop->body), &chunk->packed);
	out->packed_bytes = chunk->packed.len - out->packed_at;
	chunk->count++;
	return buf_error(&shop->body) != OK ? ERR_LIMIT : buf_error(&chunk->packed);
}

static void
make_chunk(const struct fill_plan *plan, struct workshop *shop, uint64_t number,
	   struct fill_chunk *chunk)
{
	chunk->count = 0;
	chunk->err = OK;
	chunk->first = number * FILL_CHUNK_REPORTS;
	buf_reset(&chunk->packed);
	for (uint64_t i = 0; i < FILL_CHUNK_REPORTS && chunk->err == OK; i++) {
		if (chunk->first + i < plan->reports)
			chunk->err = make_one(plan, shop, chunk->first + i, chunk);
	}
}

static bool
claim_chunk(struct fill *fill, uint64_t *ret_number)
{
	(void)pthread_mutex_lock(&fill->mutex);
	while (!fill->is_stopped && fill->next < fill->n_chunks &&
	       fill->next >= fill->first + fill->n_places)
		(void)pthread_cond_wait(&fill->taken, &fill->mutex);
	bool has_work = !fill->is_stopped && fill->next < fill->n_chunks;
	if (has_work)
		*ret_number = fill->next++;
	(void)pthread_mutex_unlock(&fill->mutex);
	return has_work;
}

static void *
generate(void *context)
{
	struct fill *fill = context;
	struct workshop shop = {.pack = pack_new()};
	uint64_t number;
	arena_init(&shop.arena, FLEET_REPORT_ARENA_BYTES);
	buf_init(&shop.body, BODY_BYTES);
	buf_init(&shop.key_text, KEY_TEXT_BYTES);
	while (claim_chunk(fill, &number)) {
		struct place *place = &fill->places[number % fill->n_places];
		make_chunk(&fill->plan, &shop, number, &place->chunk);
		(void)pthread_mutex_lock(&fill->mutex);
		place->is_ready = true;
		(void)pthread_cond_signal(&fill->made);
		(void)pthread_mutex_unlock(&fill->mutex);
	}
	pack_free(shop.pack);
	arena_done(&shop.arena);
	buf_done(&shop.body);
	buf_done(&shop.key_text);
	return NULL;
}

err_t
fill_start(const struct fill_plan *plan, struct fill **ret_fill)
{
	if (plan->reports == 0 || plan->threads == 0 || plan->threads > FILL_THREADS_MAX)
		return ERR_USAGE;
	struct fill *fill = calloc(1, sizeof(*fill));
	if (fill == NULL)
		return ERR_NOMEM;
	fill->plan = *plan;
	fill->n_places = (size_t)plan->threads * CHUNKS_PER_THREAD;
	fill->n_chunks = (plan->reports + FILL_CHUNK_REPORTS - 1) / FILL_CHUNK_REPORTS;
	fill->places = calloc(fill->n_places, sizeof(*fill->places));
	(void)pthread_mutex_init(&fill->mutex, NULL);
	(void)pthread_cond_init(&fill->made, NULL);
	(void)pthread_cond_init(&fill->taken, NULL);
	if (fill->places == NULL) {
		fill_stop(fill);
		return ERR_NOMEM;
	}
	for (size_t i = 0; i < fill->n_places; i++)
		buf_init(&fill->places[i].chunk.packed, PACKED_BYTES);
	for (unsigned i = 0; i < plan->threads; i++) {
		if (pthread_create(&fill->threads[i], NULL, generate, fill) != 0)
			break;
		fill->n_threads++;
	}
	if (fill->n_threads == 0) {
		fill_stop(fill);
		return ERR_NOMEM;
	}
	*ret_fill = fill;
	return OK;
}

const struct fill_chunk *
fill_next(struct fill *fill)
{
	const struct fill_chunk *chunk = NULL;
	(void)pthread_mutex_lock(&fill->mutex);
	if (fill->has_out) {
		fill->places[fill->first % fill->n_places].is_ready = false;
		fill->first++;
		fill->has_out = false;
		(void)pthread_cond_broadcast(&fill->taken);
	}
	if (fill->first < fill->n_chunks) {
		struct place *place = &fill->places[fill->first % fill->n_places];
		while (!place->is_ready)
			(void)pthread_cond_wait(&fill->made, &fill->mutex);
		fill->has_out = true;
		chunk = &place->chunk;
	}
	(void)pthread_mutex_unlock(&fill->mutex);
	return chunk;
}

void
fill_stop(struct fill *fill)
{
	if (fill == NULL)
		return;
	(void)pthread_mutex_lock(&fill->mutex);
	fill->is_stopped = true;
	(void)pthread_cond_broadcast(&fill->taken);
	(void)pthread_mutex_unlock(&fill->mutex);
	for (unsigned i = 0; i < fill->n_threads; i++)
		(void)pthread_join(fill->threads[i], NULL);
	for (size_t i = 0; fill->places != NULL && i < fill->n_places; i++)
		buf_done(&fill->places[i].chunk.packed);
	(void)pthread_cond_destroy(&fill->made);
	(void)pthread_cond_destroy(&fill->taken);
	(void)pthread_mutex_destroy(&fill->mutex);
	free(fill->places);
	free(fill);
}
