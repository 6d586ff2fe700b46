#include "werload/waiting.h"

#include <stdlib.h>

static void
swap(struct waiting_item *a, struct waiting_item *b)
{
	struct waiting_item t = *a;
	*a = *b;
	*b = t;
}

void
waiting_put(struct waiting *waiting, const struct waiting_item *item)
{
	if (waiting->count == waiting->capacity) {
		size_t capacity = waiting->capacity == 0 ? 64 : waiting->capacity * 2;
		struct waiting_item *items = reallocarray(waiting->items, capacity, sizeof(*items));
		if (items == NULL)
			abort();
		waiting->items = items;
		waiting->capacity = capacity;
	}
	struct waiting_item *items = waiting->items;
	size_t i = waiting->count++;
	items[i] = *item;
	for (; i > 0 && items[i].due_us < items[(i - 1) / 2].due_us; i = (i - 1) / 2)
		swap(&items[i], &items[(i - 1) / 2]);
}

const struct waiting_item *
waiting_first(const struct waiting *waiting)
{
	return waiting->count == 0 ? NULL : &waiting->items[0];
}

struct waiting_item
waiting_take(struct waiting *waiting)
{
	struct waiting_item *items = waiting->items;
	struct waiting_item first = items[0];
	items[0] = items[--waiting->count];
	for (size_t i = 0;;) {
		size_t least = i, left = 2 * i + 1, right = 2 * i + 2;
		if (left < waiting->count && items[left].due_us < items[least].due_us)
			least = left;
		if (right < waiting->count && items[right].due_us < items[least].due_us)
			least = right;
		if (least == i)
			return first;
		swap(&items[i], &items[least]);
		i = least;
	}
}

void
waiting_done(struct waiting *waiting)
{
	for (size_t i = 0; i < waiting->count; i++)
		free(waiting->items[i].target);
	free(waiting->items);
	*waiting = (struct waiting){0};
}
