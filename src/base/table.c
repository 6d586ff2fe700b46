#include "base/table.h"

#include <stdlib.h>

enum {
	FIRST_CAPACITY = 64
};

void
table_init(struct table *table)
{
	*table = (struct table){0};
}

void
table_done(struct table *table)
{
	free(table->slots);
	*table = (struct table){0};
}

void
table_clear(struct table *table)
{
	table_done(table);
}

/* The finalizer of a well-known 64-bit mixer: neighbours among ids must not be neighbours here. */
static size_t
home_of(const struct table *table, uint64_t key)
{
	key ^= key >> 33;
	key *= UINT64_C(0xff51afd7ed558ccd);
	key ^= key >> 33;
	return (size_t)key & (table->capacity - 1);
}

/* Where KEY is, or the free slot where it would go. */
static size_t
slot_of(const struct table *table, uint64_t key)
{
	size_t at = home_of(table, key);
	while (table->slots[2 * at] != 0 && table->slots[2 * at] != key)
		at = (at + 1) & (table->capacity - 1);
	return at;
}

static void
grow(struct table *table)
{
	struct table larger = {
		.capacity = table->capacity == 0 ? FIRST_CAPACITY : table->capacity * 2,
		.count = table->count,
	};
	larger.slots = calloc(larger.capacity, 2 * sizeof(uint64_t));
	if (larger.slots == NULL)
		abort();
	for (size_t i = 0; i < table->capacity; i++) {
		if (table->slots[2 * i] == 0)
			continue;
		size_t at = slot_of(&larger, table->slots[2 * i]);
		larger.slots[2 * at] = table->slots[2 * i];
		larger.slots[2 * at + 1] = table->slots[2 * i + 1];
	}
	free(table->slots);
	*table = larger;
}

bool
table_find(const struct table *table, uint64_t key, uint64_t *ret_value)
{
	if (table->capacity == 0 || key == 0)
		return false;
	size_t at = slot_of(table, key);
	if (table->slots[2 * at] != key)
		return false;
	*ret_value = table->slots[2 * at + 1];
	return true;
}

void
table_put(struct table *table, uint64_t key, uint64_t value)
{
	if (key == 0)
		return;
	if ((table->count + 1) * 4 > table->capacity * 3)
		grow(table);
	size_t at = slot_of(table, key);
	table->count += table->slots[2 * at] == 0;
	table->slots[2 * at] = key;
	table->slots[2 * at + 1] = value;
}

uint64_t
table_add(struct table *table, uint64_t key, uint64_t by)
{
	uint64_t value = 0;
	(void)table_find(table, key, &value);
	value += by;
	table_put(table, key, value);
	return value;
}

bool
table_remove(struct table *table, uint64_t key)
{
	if (table->capacity == 0 || key == 0)
		return false;
	size_t mask = table->capacity - 1;
	size_t hole = slot_of(table, key);
	if (table->slots[2 * hole] != key)
		return false;
	/* What stood behind it moves up, unless it would pass its home. */
	for (size_t at = (hole + 1) & mask; table->slots[2 * at] != 0; at = (at + 1) & mask) {
		size_t home = home_of(table, table->slots[2 * at]);
		if (((at - home) & mask) < ((at - hole) & mask))
			continue;
		table->slots[2 * hole] = table->slots[2 * at];
		table->slots[2 * hole + 1] = table->slots[2 * at + 1];
		hole = at;
	}
	table->slots[2 * hole] = 0;
	table->count--;
	return true;
}
