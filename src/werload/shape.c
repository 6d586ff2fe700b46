#include "werload/shape.h"

#include "werload/draw.h"

/* Reports in each sixteenth of the time: 9:00 comes after about a third of it. */
static const uint32_t monday[] = {2, 2, 2, 3, 6, 12, 20, 26, 24, 20, 16, 13, 11, 9, 8, 7};
enum {
	MONDAY_PARTS = sizeof(monday) / sizeof(monday[0])
};

/* The share of the time that has gone when SHARE of the reports are sent. */
static double
monday_time(double share)
{
	double total = 0;
	for (size_t i = 0; i < MONDAY_PARTS; i++)
		total += monday[i];
	double wanted = share * total, sum = 0;
	for (size_t i = 0; i < MONDAY_PARTS; i++) {
		if (sum + monday[i] >= wanted)
			return ((double)i + (wanted - sum) / monday[i]) / MONDAY_PARTS;
		sum += monday[i];
	}
	return 1;
}

/* Machines come in cohorts, the last one smaller; inside one, they take turns. */
static uint32_t
releasing_machine(const struct shape *shape, uint64_t sequence)
{
	uint64_t at_once = SHAPE_RELEASE_AT_ONCE, queued = shape->queued;
	sequence %= shape->machines * queued;
	uint64_t first = sequence / (at_once * queued) * at_once;
	uint64_t cohort = shape->machines - first;
	if (cohort > at_once)
		cohort = at_once;
	return (uint32_t)(first + (sequence - first * queued) % cohort);
}

static bool
is_in_storm(double share, struct draw *draw)
{
	if (share < 0.2)
		return false;
	double strength = share > 0.4 ? 80 : (share - 0.2) * 400;
	return draw_percent(draw, (unsigned)strength);
}

static void
choose(const struct shape *shape, uint64_t sequence, double share, struct fleet_request *request)
{
	struct draw draw = draw_start(shape->seed, DRAW_SHAPE, sequence);
	struct draw looping = draw_start(shape->seed, DRAW_SHAPE, UINT64_MAX);
	switch (shape->kind) {
	case SHAPE_RELEASE:
		request->machine = releasing_machine(shape, sequence);
		request->age = FLEET_AGE_QUEUED;
		break;
	case SHAPE_STORM:
		if (is_in_storm(share, &draw)) {
			request->one_bug = 0;
			request->age = FLEET_AGE_FRESH;
		}
		break;
	case SHAPE_LOOP:
		if (draw_percent(&draw, 90)) {
			request->one_bug = 1;
			request->machine = draw_below(&looping, shape->machines);
			request->age = FLEET_AGE_FRESH;
		}
		break;
	default:
		break;
	}
}

void
shape_at(const struct shape *shape, uint64_t sequence, struct shape_slot *ret_slot)
{
	uint64_t total = shape->reports > 0 ? shape->reports : SHAPE_CYCLE;
	double share = (double)(sequence % total) / (double)total;
	double time = shape->kind == SHAPE_MONDAY ? monday_time(share) : share;
	int64_t due_us = (int64_t)(time * (double)shape->duration_us);
	/* Without a pace the fleet's clock still moves, so that no two reports are quite the same.
	 */
	int64_t clock_us = shape->duration_us > 0 ? due_us : (int64_t)sequence;
	*ret_slot = (struct shape_slot){
		.due_us = due_us,
		.request = {.sequence = sequence,
			    .time_us = shape->start_us + clock_us,
			    .machine = FLEET_ANY,
			    .one_bug = FLEET_ANY},
	};
	choose(shape, sequence, share, &ret_slot->request);
}
