/* key_table.h - which number belongs to a key of 16 random bytes
 *
 * Open addressing; the keys are digests, so that their first bytes serve as the hash.  Grows by
 * doubling; some 50 bytes for each key.  Running out of memory ends the process.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum {
	KEY_TABLE_BYTES = 16
};

struct key_slot {
	uint8_t key[KEY_TABLE_BYTES];
	uint64_t value; /* 0: the slot is empty */
};

struct key_table {
	struct key_slot *slots;
	size_t count, capacity;
};

/* The slot of KEY, made with value 0 when it is new; the caller must then set the value to
 * something else.  Valid until the next call. */
struct key_slot *key_table_at(struct key_table *table, const uint8_t key[KEY_TABLE_BYTES]);
/* NULL: not there. */
struct key_slot *key_table_find(const struct key_table *table, const uint8_t key[KEY_TABLE_BYTES]);
void key_table_done(struct key_table *table);
