/* Frames are interned: a number for each distinct hash that some medoid has, from 0 without gaps
 * but for those that were given up, which are used again.  A stack that is looked up may have
 * frames that no medoid has: they get numbers behind those for the length of one call.
 */
#include "bucket/similarity.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/limits.h"
#include "base/table.h"
#include "bucket/candidates.h"

enum {
	FIRST_CAPACITY = 256,
	/* Numbers behind the known ones, for two stacks at once. */
	STRANGERS_MAX = 2 * FAST_FRAMES_MAX,
	/* All weights are computed again after this many documents and a share of all. */
	REFRESH_LEAST = 16,
	REFRESH_SHARE = 32,
	/* Documents that are thought to be there besides, without any of the frames: of three
	 * documents none says that a frame which two have is a common one. */
	DOCUMENTS_BESIDES = 100
};
#define NONE UINT32_MAX
/* Counts are divided by what a new document counts before that passes what doubles can hold. */
#define SHARE_MAX 1e100

const struct similarity_options similarity_defaults = {
	.fast = {.alpha = 1.0, .beta = 0.05, .gamma = 0.1},
	.threshold = 0.6F,
	.half_life = 100000,
	.medoids_max = LIMIT_MEDOIDS,
};

struct known_frame {
	uint64_t hash;
	double documents;    /* that have it, as much as they count today */
	uint32_t references; /* medoids that have it; 0: the number is free */
	uint32_t next_free;
};

struct slot {
	uint64_t id;      /* 0: free */
	uint32_t *frames; /* sorted; positions lie behind them */
	uint8_t n;        /* of frames, repetitions included */
	uint8_t n_keys;   /* frames under which it is listed */
	uint32_t keys[CANDIDATE_KEYS];
	uint32_t next_free;
};

struct similarity {
	struct similarity_options options;
	struct fast_tables tables;
	struct table numbers; /* hash of a frame, keyed, to its number + 1 */
	struct known_frame *known;
	float *rarity; /* of known frames; behind them STRANGERS_MAX times 1 */
	size_t n_known;
	size_t known_capacity;
	uint32_t free_frame;
	size_t n_frames;     /* in use */
	struct table places; /* id of a medoid, keyed, to its slot + 1 */
	struct slot *slots;
	size_t n_slots;
	size_t slot_capacity;
	uint32_t free_slot;
	size_t n_medoids;
	size_t stack_bytes; /* of what slots point to */
	struct candidates candidates;
	double documents;  /* all, as much as they count today */
	double share;      /* what a new document counts */
	double growth;     /* of that, from one document to the next */
	double refresh_in; /* documents until all weights are computed again */
};

/* A stack in numbers. */
struct translated {
	uint32_t frames[FAST_FRAMES_MAX];
	uint8_t positions[FAST_FRAMES_MAX];
	uint32_t in_order[FAST_FRAMES_MAX]; /* from the top */
	size_t n;
};

/* Frames of one call that no medoid has. */
struct strangers {
	uint64_t hashes[STRANGERS_MAX];
	size_t n;
};

_Static_assert((int)FAST_FRAMES_MAX == (int)MEDOID_FRAMES_MAX, "a medoid is one stack");

/* Tables are keyed by this: hostile names cannot be made to meet without the seed. */
static uint64_t
secret_key(const struct similarity *similarity, uint64_t value)
{
	uint64_t words[2] = {similarity->options.seed, value};
	uint64_t key = hash_64(slice_of(words, sizeof(words)));
	return key == 0 ? 1 : key;
}

struct similarity *
similarity_new(const struct similarity_options *options)
{
	struct similarity *similarity = calloc(1, sizeof(*similarity));
	if (similarity == NULL)
		abort();
	similarity->options = *options;
	if (similarity->options.medoids_max > LIMIT_MEDOIDS)
		similarity->options.medoids_max = LIMIT_MEDOIDS;
	fast_prepare(&options->fast, &similarity->tables);
	table_init(&similarity->numbers);
	table_init(&similarity->places);
	candidates_init(&similarity->candidates);
	similarity->free_frame = NONE;
	similarity->free_slot = NONE;
	similarity->share = 1;
	similarity->growth = exp2(1 / options->half_life);
	similarity->refresh_in = REFRESH_LEAST;
	return similarity;
}

void
similarity_free(struct similarity *similarity)
{
	if (similarity == NULL)
		return;
	for (size_t i = 0; i < similarity->n_slots; i++)
		free(similarity->slots[i].frames);
	table_done(&similarity->numbers);
	table_done(&similarity->places);
	candidates_done(&similarity->candidates);
	free(similarity->known);
	free(similarity->rarity);
	free(similarity->slots);
	free(similarity);
}

static void *
grow(void *items, size_t *capacity, size_t each, size_t extra)
{
	*capacity = *capacity == 0 ? FIRST_CAPACITY : 2 * *capacity;
	void *grown = reallocarray(items, *capacity + extra, each);
	if (grown == NULL)
		abort();
	return grown;
}

static void
weigh(struct similarity *similarity, size_t number)
{
	double all = similarity->documents + DOCUMENTS_BESIDES * similarity->share;
	double share = similarity->known[number].documents / all;
	similarity->rarity[number] = fast_rarity(&similarity->tables, share < 1 ? share : 1);
}

static void
weigh_all(struct similarity *similarity)
{
	for (size_t i = 0; i < similarity->n_known; i++)
		weigh(similarity, i);
	similarity->refresh_in =
		REFRESH_LEAST + similarity->documents / similarity->share / REFRESH_SHARE;
}

/* A new document counts more than all before: that is how they fade. */
static void
begin_document(struct similarity *similarity)
{
	similarity->share *= similarity->growth;
	if (similarity->share > SHARE_MAX) {
		for (size_t i = 0; i < similarity->n_known; i++)
			similarity->known[i].documents /= similarity->share;
		similarity->documents /= similarity->share;
		similarity->share = 1;
	}
	similarity->documents += similarity->share;
}

static void
end_document(struct similarity *similarity)
{
	similarity->refresh_in -= 1;
	if (similarity->refresh_in <= 0)
		weigh_all(similarity);
}

/* NONE: no medoid has it. */
static uint32_t
find_number(const struct similarity *similarity, uint64_t hash)
{
	uint64_t number;
	if (!table_find(&similarity->numbers, secret_key(similarity, hash), &number) ||
	    similarity->known[number - 1].hash != hash)
		return NONE;
	return (uint32_t)number - 1;
}

static void
grow_known(struct similarity *similarity)
{
	size_t capacity = similarity->known_capacity;
	similarity->known = grow(similarity->known, &capacity, sizeof(*similarity->known), 0);
	capacity = similarity->known_capacity;
	similarity->rarity =
		grow(similarity->rarity, &capacity, sizeof(*similarity->rarity), STRANGERS_MAX);
	for (size_t i = similarity->known_capacity; i < capacity + STRANGERS_MAX; i++)
		similarity->rarity[i] = 1;
	similarity->known_capacity = capacity;
}

static uint32_t
new_number(struct similarity *similarity)
{
	uint32_t number = similarity->free_frame;
	if (number != NONE) {
		similarity->free_frame = similarity->known[number].next_free;
		return number;
	}
	if (similarity->n_known == similarity->known_capacity)
		grow_known(similarity);
	number = (uint32_t)similarity->n_known++;
	candidates_reserve(&similarity->candidates, similarity->known_capacity, 0);
	return number;
}

/* The number of a frame that a medoid is about to have. */
static uint32_t
intern(struct similarity *similarity, uint64_t hash)
{
	uint32_t number = find_number(similarity, hash);
	if (number == NONE) {
		number = new_number(similarity);
		similarity->known[number] = (struct known_frame){.hash = hash};
		table_put(&similarity->numbers, secret_key(similarity, hash), number + 1);
		similarity->n_frames++;
	}
	return number;
}

static void
give_up(struct similarity *similarity, uint32_t number)
{
	struct known_frame *frame = &similarity->known[number];
	if (--frame->references > 0)
		return;
	(void)table_remove(&similarity->numbers, secret_key(similarity, frame->hash));
	*frame = (struct known_frame){.next_free = similarity->free_frame};
	similarity->rarity[number] = 1;
	similarity->free_frame = number;
	similarity->n_frames--;
}

/* A number behind the known ones for a frame that no medoid has. */
static uint32_t
stranger(const struct similarity *similarity, struct strangers *strangers, uint64_t hash)
{
	size_t i = 0;
	while (i < strangers->n && strangers->hashes[i] != hash)
		i++;
	if (i == strangers->n)
		strangers->hashes[strangers->n++] = hash;
	return (uint32_t)(similarity->n_known + i);
}

/* Sorts what is in order by number, then by position. */
static void
sort(struct translated *stack, const struct medoid *medoid)
{
	uint64_t keys[FAST_FRAMES_MAX];
	for (size_t i = 0; i < stack->n; i++) {
		bool is_scanned = medoid->scanned >> i & 1;
		uint64_t key =
			(uint64_t)stack->in_order[i] << 16 | (uint64_t)(i + 1) << 8 | is_scanned;
		size_t at = i;
		for (; at > 0 && keys[at - 1] > key; at--)
			keys[at] = keys[at - 1];
		keys[at] = key;
	}
	for (size_t i = 0; i < stack->n; i++) {
		stack->frames[i] = (uint32_t)(keys[i] >> 16);
		stack->positions[i] =
			(uint8_t)((keys[i] >> 8 & 0x7f) | (keys[i] & 1 ? FAST_SCANNED : 0));
	}
}

static void
translate(const struct similarity *similarity, const struct medoid *medoid,
	  struct strangers *strangers, struct translated *ret_stack)
{
	ret_stack->n = medoid->n_frames;
	for (size_t i = 0; i < ret_stack->n; i++) {
		uint32_t number = find_number(similarity, medoid->frames[i]);
		if (number == NONE)
			number = stranger(similarity, strangers, medoid->frames[i]);
		ret_stack->in_order[i] = number;
	}
	sort(ret_stack, medoid);
}

static struct fast_stack
stack_of(const struct translated *stack)
{
	return (struct fast_stack){stack->frames, stack->positions, stack->n};
}

static struct fast_stack
stack_of_slot(const struct slot *slot)
{
	return (struct fast_stack){slot->frames, (const uint8_t *)(slot->frames + slot->n),
				   slot->n};
}

/* Is frame A of fewer medoids than B?  Ties by hash, so that it does not depend on numbers. */
static bool
is_rarer(const struct similarity *similarity, uint32_t a, uint32_t b)
{
	const struct known_frame *x = &similarity->known[a];
	const struct known_frame *y = &similarity->known[b];
	return x->references != y->references ? x->references < y->references : x->hash < y->hash;
}

/* The rarest distinct frames of the top of a stack, rarest first; for a look-up those alone under
 * which something is listed. */
static size_t
rarest(const struct similarity *similarity, const struct translated *stack, bool is_look_up,
       uint32_t ret_keys[CANDIDATE_KEYS])
{
	size_t n = 0;
	size_t reach = stack->n < CANDIDATE_REACH ? stack->n : CANDIDATE_REACH;
	for (size_t i = 0; i < reach; i++) {
		uint32_t frame = stack->in_order[i];
		bool is_useless =
			frame >= similarity->n_known ||
			(is_look_up && candidates_count(&similarity->candidates, frame) == 0);
		for (size_t j = 0; !is_useless && j < n; j++)
			is_useless = ret_keys[j] == frame;
		if (is_useless ||
		    (n == CANDIDATE_KEYS && !is_rarer(similarity, frame, ret_keys[n - 1])))
			continue;
		size_t at = n < CANDIDATE_KEYS ? n++ : n - 1;
		for (; at > 0 && is_rarer(similarity, frame, ret_keys[at - 1]); at--)
			ret_keys[at] = ret_keys[at - 1];
		ret_keys[at] = frame;
	}
	return n;
}

/* Each distinct frame of a stack that is known has one more document. */
static void
count_frames(struct similarity *similarity, const struct translated *stack)
{
	for (size_t i = 0; i < stack->n; i++) {
		uint32_t frame = stack->frames[i];
		if (frame >= similarity->n_known || (i > 0 && stack->frames[i - 1] == frame))
			continue;
		similarity->known[frame].documents += similarity->share;
		weigh(similarity, frame);
	}
}

static uint32_t
find_slot(const struct similarity *similarity, uint64_t id)
{
	uint64_t place;
	if (!table_find(&similarity->places, secret_key(similarity, id), &place) ||
	    similarity->slots[place - 1].id != id)
		return NONE;
	return (uint32_t)place - 1;
}

static uint32_t
new_slot(struct similarity *similarity)
{
	uint32_t place = similarity->free_slot;
	if (place != NONE) {
		similarity->free_slot = similarity->slots[place].next_free;
		return place;
	}
	if (similarity->n_slots == similarity->slot_capacity)
		similarity->slots = grow(similarity->slots, &similarity->slot_capacity,
					 sizeof(*similarity->slots), 0);
	candidates_reserve(&similarity->candidates, 0, similarity->slot_capacity);
	return (uint32_t)similarity->n_slots++;
}

static void
fill_slot(struct similarity *similarity, struct slot *slot, const struct translated *stack)
{
	size_t bytes = stack->n * (sizeof(*slot->frames) + 1);
	slot->frames = malloc(bytes);
	if (slot->frames == NULL)
		abort();
	memcpy(slot->frames, stack->frames, stack->n * sizeof(*slot->frames));
	memcpy(slot->frames + stack->n, stack->positions, stack->n);
	slot->n = (uint8_t)stack->n;
	similarity->stack_bytes += bytes;
	for (size_t i = 0; i < stack->n; i++) {
		if (i == 0 || stack->frames[i - 1] != stack->frames[i])
			similarity->known[stack->frames[i]].references++;
	}
}

err_t
similarity_put(struct similarity *similarity, uint64_t id, const struct medoid *medoid)
{
	struct translated stack;
	if (id == 0 || medoid->n_frames == 0)
		return ERR_USAGE;
	bool is_new = !similarity_remove(similarity, id);
	if (is_new && similarity->n_medoids >= similarity->options.medoids_max)
		return ERR_FULL;
	stack.n = medoid->n_frames;
	for (size_t i = 0; i < stack.n; i++)
		stack.in_order[i] = intern(similarity, medoid->frames[i]);
	sort(&stack, medoid);
	uint32_t place = new_slot(similarity);
	struct slot *slot = &similarity->slots[place];
	*slot = (struct slot){.id = id};
	fill_slot(similarity, slot, &stack);
	slot->n_keys = (uint8_t)rarest(similarity, &stack, false, slot->keys);
	candidates_add(&similarity->candidates, slot->keys, slot->n_keys, place);
	table_put(&similarity->places, secret_key(similarity, id), place + 1);
	similarity->n_medoids++;
	begin_document(similarity);
	count_frames(similarity, &stack);
	end_document(similarity);
	return OK;
}

bool
similarity_remove(struct similarity *similarity, uint64_t id)
{
	uint32_t place = find_slot(similarity, id);
	if (place == NONE)
		return false;
	struct slot *slot = &similarity->slots[place];
	candidates_remove(&similarity->candidates, slot->keys, slot->n_keys, place);
	for (size_t i = 0; i < slot->n; i++) {
		if (i == 0 || slot->frames[i - 1] != slot->frames[i])
			give_up(similarity, slot->frames[i]);
	}
	(void)table_remove(&similarity->places, secret_key(similarity, id));
	similarity->stack_bytes -= slot->n * (sizeof(*slot->frames) + 1);
	free(slot->frames);
	*slot = (struct slot){.next_free = similarity->free_slot};
	similarity->free_slot = place;
	similarity->n_medoids--;
	return true;
}

void
similarity_observe(struct similarity *similarity, const struct medoid *stack)
{
	struct strangers strangers = {.n = 0};
	struct translated translated;
	translate(similarity, stack, &strangers, &translated);
	begin_document(similarity);
	count_frames(similarity, &translated);
	end_document(similarity);
}

bool
similarity_find(struct similarity *similarity, const struct medoid *stack,
		struct similarity_match *ret_match)
{
	uint32_t keys[CANDIDATE_KEYS];
	uint32_t found[CANDIDATES_MAX];
	struct strangers strangers = {.n = 0};
	struct translated translated;
	struct similarity_match best = {.score = -2};
	translate(similarity, stack, &strangers, &translated);
	size_t n_keys = rarest(similarity, &translated, true, keys);
	best.n_candidates = candidates_find(&similarity->candidates, keys, n_keys, found);
	struct fast_stack query = stack_of(&translated);
	for (size_t i = 0; i < best.n_candidates; i++) {
		const struct slot *slot = &similarity->slots[found[i]];
		struct fast_stack medoid = stack_of_slot(slot);
		float score =
			fast_compare(&similarity->tables, &query, &medoid, similarity->rarity);
		if (score > best.score || (score == best.score && slot->id < best.id)) {
			best.score = score;
			best.id = slot->id;
		}
	}
	if (best.n_candidates == 0)
		return false;
	best.is_same = best.score >= similarity->options.threshold;
	*ret_match = best;
	return true;
}

float
similarity_score(struct similarity *similarity, const struct medoid *a, const struct medoid *b)
{
	struct strangers strangers = {.n = 0};
	struct translated x;
	struct translated y;
	if (similarity->known_capacity == 0)
		grow_known(similarity);
	translate(similarity, a, &strangers, &x);
	translate(similarity, b, &strangers, &y);
	struct fast_stack first = stack_of(&x);
	struct fast_stack second = stack_of(&y);
	return fast_compare(&similarity->tables, &first, &second, similarity->rarity);
}

/* The stack of a slot, in the order that it had. */
static void
translate_slot(const struct slot *slot, struct translated *ret_stack)
{
	struct fast_stack stack = stack_of_slot(slot);
	ret_stack->n = stack.n;
	for (size_t i = 0; i < stack.n; i++)
		ret_stack->in_order[(stack.positions[i] & (FAST_SCANNED - 1)) - 1] =
			stack.frames[i];
}

/* Tells the pairs of one medoid that were not told yet; false: enough. */
static bool
propose_of(struct similarity *similarity, size_t place, float threshold, struct table *told,
	   bool (*each)(void *context, const struct similarity_pair *pair), void *context)
{
	uint32_t keys[CANDIDATE_KEYS];
	uint32_t found[CANDIDATES_MAX];
	struct translated translated;
	const struct slot *slot = &similarity->slots[place];
	translate_slot(slot, &translated);
	size_t n_keys = rarest(similarity, &translated, true, keys);
	size_t n = candidates_find(&similarity->candidates, keys, n_keys, found);
	struct fast_stack one = stack_of_slot(slot);
	for (size_t i = 0; i < n; i++) {
		const struct slot *peer = &similarity->slots[found[i]];
		struct fast_stack other = stack_of_slot(peer);
		struct similarity_pair pair = {slot->id < peer->id ? slot->id : peer->id,
					       slot->id < peer->id ? peer->id : slot->id, 0};
		uint64_t ids[2] = {pair.first_id, pair.second_id};
		uint64_t key = hash_64(slice_of(ids, sizeof(ids))) | 1;
		uint64_t before;
		if (found[i] == place || table_find(told, key, &before))
			continue;
		pair.score = fast_compare(&similarity->tables, &one, &other, similarity->rarity);
		if (pair.score < threshold)
			continue;
		table_put(told, key, 1);
		if (!each(context, &pair))
			return false;
	}
	return true;
}

void
similarity_propose(struct similarity *similarity, float threshold,
		   bool (*each)(void *context, const struct similarity_pair *pair), void *context)
{
	struct table told;
	bool is_going_on = true;
	table_init(&told);
	for (size_t i = 0; i < similarity->n_slots && is_going_on; i++) {
		if (similarity->slots[i].id != 0)
			is_going_on = propose_of(similarity, i, threshold, &told, each, context);
	}
	table_done(&told);
}

size_t
similarity_count(const struct similarity *similarity)
{
	return similarity->n_medoids;
}

size_t
similarity_frames(const struct similarity *similarity)
{
	return similarity->n_frames;
}

size_t
similarity_bytes(const struct similarity *similarity)
{
	size_t tables =
		(similarity->numbers.capacity + similarity->places.capacity) * 2 * sizeof(uint64_t);
	size_t frames = similarity->known_capacity * sizeof(*similarity->known) +
			(similarity->known_capacity + STRANGERS_MAX) * sizeof(float);
	return sizeof(*similarity) + tables + frames + similarity->stack_bytes +
	       similarity->slot_capacity * sizeof(*similarity->slots) +
	       candidates_bytes(&similarity->candidates);
}
