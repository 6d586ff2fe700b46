#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "symbols/pdb_ranges.h"

enum {
	RANGES_MAX = 12,
	ADDRESSES = 40,
	ROUNDS = 20000
};

struct bench {
	struct arena arena;
	struct arena scratch;
	struct pdb_ranges ranges;
};

static void
make(struct bench *bench, const struct pdb_range *items, size_t n)
{
	struct pdb_range sorted[RANGES_MAX];
	memcpy(sorted, items, n * sizeof(*items));
	arena_init(&bench->arena, 65536);
	arena_init(&bench->scratch, 65536);
	assert_int_equal(pdb_ranges_make(sorted, n, &bench->arena, &bench->scratch, &bench->ranges),
			 OK);
}

static void
done(struct bench *bench)
{
	arena_done(&bench->arena);
	arena_done(&bench->scratch);
}

/* The innermost of ITEMS that holds ADDRESS: the one that begins last, of these the shortest, of
 * these the one of lowest value; or -1. */
static int
innermost(const struct pdb_range *items, size_t n, uint32_t address)
{
	int best = -1;
	for (size_t i = 0; i < n; i++) {
		const struct pdb_range *x = &items[i];
		if (address < x->start || address - x->start >= x->bytes)
			continue;
		if (best >= 0) {
			const struct pdb_range *y = &items[best];
			if (x->start < y->start || (x->start == y->start && x->bytes > y->bytes) ||
			    (x->start == y->start && x->bytes == y->bytes && x->value > y->value))
				continue;
		}
		best = (int)i;
	}
	return best;
}

static uint32_t
next_random(uint64_t *state)
{
	*state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(*state >> 33);
}

static void
gives_the_innermost_of_any_ranges(void **state)
{
	uint64_t seed = 1;
	(void)state;
	for (size_t round = 0; round < ROUNDS; round++) {
		struct pdb_range items[RANGES_MAX];
		struct bench bench;
		size_t n = next_random(&seed) % (RANGES_MAX + 1);
		for (size_t i = 0; i < n; i++) {
			uint32_t start = next_random(&seed) % ADDRESSES;
			items[i] = (struct pdb_range){start, next_random(&seed) % 16, (uint32_t)i};
		}
		make(&bench, items, n);
		for (uint32_t address = 0; address < ADDRESSES + 20; address++) {
			int expected = innermost(items, n, address);
			uint32_t value = 99;
			bool is_found = pdb_ranges_find(&bench.ranges, address, &value);
			if (is_found != (expected >= 0) ||
			    (is_found && value != (uint32_t)expected))
				fail_msg("round %zu, address %u: %u, not %d", round, address,
					 is_found ? value : 999, expected);
		}
		done(&bench);
	}
}

static void
holds_ranges_at_the_last_address(void **state)
{
	static const struct pdb_range items[] = {{UINT32_MAX, 1, 1},
						 {UINT32_MAX - 9, 10, 2},
						 {UINT32_MAX - 99, UINT32_MAX, 3},
						 {0, UINT32_MAX, 4}};
	struct bench bench;
	uint32_t value;
	(void)state;
	make(&bench, items, 4);
	assert_true(pdb_ranges_find(&bench.ranges, UINT32_MAX, &value));
	assert_int_equal(value, 1);
	assert_true(pdb_ranges_find(&bench.ranges, UINT32_MAX - 1, &value));
	assert_int_equal(value, 2);
	assert_true(pdb_ranges_find(&bench.ranges, UINT32_MAX - 50, &value));
	assert_int_equal(value, 3);
	assert_true(pdb_ranges_find(&bench.ranges, 0, &value));
	assert_int_equal(value, 4);
	done(&bench);
}

static void
needs_room_for_its_pieces(void **state)
{
	struct pdb_range items[] = {{0, 10, 0}, {20, 10, 1}};
	struct arena small;
	struct arena large;
	struct pdb_ranges ranges;
	(void)state;
	arena_init(&small, 16);
	arena_init(&large, 4096);
	assert_int_equal(pdb_ranges_make(items, 2, &small, &large, &ranges), ERR_LIMIT);
	assert_int_equal(pdb_ranges_make(items, 2, &large, &small, &ranges), ERR_LIMIT);
	arena_done(&small);
	arena_done(&large);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gives_the_innermost_of_any_ranges),
		cmocka_unit_test(holds_ranges_at_the_last_address),
		cmocka_unit_test(needs_room_for_its_pieces),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
