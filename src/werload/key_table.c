#include "werload/key_table.h"

#include <stdlib.h>
#include <string.h>

enum {
	FIRST_CAPACITY = 1024
};

/* Where KEY is, or the empty slot where it would be. */
static size_t
place_of(const struct key_slot *slots, size_t capacity, const uint8_t key[KEY_TABLE_BYTES])
{
	uint64_t hash;
	memcpy(&hash, key, sizeof(hash));
	size_t at = (size_t)hash & (capacity - 1);
	while (slots[at].value != 0 && memcmp(slots[at].key, key, KEY_TABLE_BYTES) != 0)
		at = (at + 1) & (capacity - 1);
	return at;
}

static void
grow(struct key_table *table)
{
	size_t capacity = table->capacity == 0 ? FIRST_CAPACITY : table->capacity * 2;
	struct key_slot *slots = calloc(capacity, sizeof(*slots));
	if (slots == NULL)
		abort();
	for (size_t i = 0; i < table->capacity; i++) {
		if (table->slots[i].value != 0)
			slots[place_of(slots, capacity, table->slots[i].key)] = table->slots[i];
	}
	free(table->slots);
	table->slots = slots;
	table->capacity = capacity;
}

struct key_slot *
key_table_at(struct key_table *table, const uint8_t key[KEY_TABLE_BYTES])
{
	if (table->count * 3 >= table->capacity * 2)
		grow(table);
	struct key_slot *slot = &table->slots[place_of(table->slots, table->capacity, key)];
	if (slot->value == 0) {
		memcpy(slot->key, key, KEY_TABLE_BYTES);
		table->count++;
	}
	return slot;
}

struct key_slot *
key_table_find(const struct key_table *table, const uint8_t key[KEY_TABLE_BYTES])
{
	if (table->capacity == 0)
		return NULL;
	struct key_slot *slot = &table->slots[place_of(table->slots, table->capacity, key)];
	return slot->value == 0 ? NULL : slot;
}

void
key_table_done(struct key_table *table)
{
	free(table->slots);
	*table = (struct key_table){0};
}
