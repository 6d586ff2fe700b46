#include "report/rows.h"

#include <string.h>

enum {
	FIRST_CAPACITY = 8
};

void *
rows_add(struct rows *rows, struct arena *arena)
{
	if (rows->n == rows->max)
		return NULL;
	if (rows->n == rows->capacity) {
		size_t capacity = rows->capacity == 0 ? FIRST_CAPACITY : rows->capacity * 2;
		void *items = arena_array(arena, capacity, rows->each_bytes);
		if (items == NULL)
			return NULL;
		if (rows->n > 0)
			memcpy(items, rows->items, rows->n * rows->each_bytes);
		rows->items = items;
		rows->capacity = capacity;
	}
	return (uint8_t *)rows->items + rows->each_bytes * rows->n++;
}
