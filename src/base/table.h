/* table.h - a map from 64-bit keys to 64-bit values in memory
 *
 * Open addressing with linear probing; grows by doubling.  Key 0 is no key.  Keys that others
 * choose must be hashed with a secret or be ids of ours, else they could be made to collide.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct table {
	uint64_t *slots; /* key, value, key, value ... */
	size_t capacity; /* a power of two, or 0 */
	size_t count;
};

void table_init(struct table *table);
void table_done(struct table *table); /* accepts a zeroed table */
void table_clear(struct table *table);
bool table_find(const struct table *table, uint64_t key, uint64_t *ret_value);
void table_put(struct table *table, uint64_t key, uint64_t value); /* adds or replaces */
bool table_remove(struct table *table, uint64_t key);
/* Adds BY (may be negative as two's complement) and returns the new value; from 0 when new. */
uint64_t table_add(struct table *table, uint64_t key, uint64_t by);
