#include "collection/collection.h"

#include <stdlib.h>

#include "collection/collection_rules.h"

struct collection *
collection_default(void)
{
	struct collection *collection = calloc(1, sizeof(*collection));
	if (collection == NULL)
		abort(); /* as everywhere, see base/arena.h */
	atomic_init(&collection->references, 1);
	arena_init(&collection->arena, LIMIT_COLLECTION_ARENA_BYTES);
	collection_settings_init(&collection->built_in);
	return collection;
}

struct collection *
collection_ref(struct collection *collection)
{
	(void)atomic_fetch_add_explicit(&collection->references, 1, memory_order_relaxed);
	return collection;
}

void
collection_unref(struct collection *collection)
{
	if (collection == NULL ||
	    atomic_fetch_sub_explicit(&collection->references, 1, memory_order_acq_rel) != 1)
		return;
	arena_done(&collection->arena);
	free(collection);
}

size_t
collection_n_rules(const struct collection *collection)
{
	return collection->n_rules;
}

const char *
collection_rule_name(const struct collection *collection, int rule)
{
	return rule < 0 ? "default" : collection->rules[rule].name;
}

unsigned
collection_rule_line(const struct collection *collection, int rule)
{
	return rule < 0 ? collection->initial_line : collection->rules[rule].line;
}
