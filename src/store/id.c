#include "store/id.h"

#include "base/time.h"

enum {
	TIME_SHIFT = ID_COUNTER_BITS + ID_NODE_BITS,
	COUNTER_MAX = (1 << ID_COUNTER_BITS) - 1
};
static const uint64_t MS_MAX = (UINT64_C(1) << 42) - 1;

static uint64_t
ms_of(int64_t time_us)
{
	uint64_t ms = time_us < 0 ? 0 : (uint64_t)time_us / 1000;
	return ms > MS_MAX ? MS_MAX : ms;
}

void
id_generator_init(struct id_generator *generator, uint8_t node, uint64_t after)
{
	*generator = (struct id_generator){.last = after, .node = node};
}

uint64_t
id_next(struct id_generator *generator, int64_t now_us)
{
	uint64_t last = generator->last;
	uint64_t ms = ms_of(now_us);
	uint64_t counter = 0;
	uint64_t node = (uint64_t)generator->node << ID_COUNTER_BITS;
	if (ms <= last >> TIME_SHIFT) {
		/* In the millisecond of the last id, or the clock was set back behind it. */
		ms = last >> TIME_SHIFT;
		counter = (last & COUNTER_MAX) + 1;
		if (counter > COUNTER_MAX || (ms << TIME_SHIFT | node | counter) <= last) {
			ms++;
			counter = 0;
		}
	}
	if (ms > MS_MAX)
		return 0;
	generator->last = ms << TIME_SHIFT | node | counter;
	return generator->last;
}

int64_t
id_time_us(uint64_t id)
{
	return (int64_t)(id >> TIME_SHIFT & MS_MAX) * 1000;
}

uint64_t
id_first_at(int64_t time_us)
{
	return ms_of(time_us) << TIME_SHIFT;
}

bool
id_parse(struct slice text, uint64_t *ret_id)
{
	uint64_t id;
	if (!slice_to_u64(text, &id) || id == 0 || id > INT64_MAX)
		return false;
	*ret_id = id;
	return true;
}
