#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "base/limits.h"
#include "bucket/candidates.h"
#include "bucket/similarity.h"

static struct similarity *
new_similarity(void)
{
	struct similarity_options options = similarity_defaults;
	options.seed = 42;
	return similarity_new(&options);
}

static int
set_up(void **state)
{
	*state = new_similarity();
	return 0;
}

static int
tear_down(void **state)
{
	similarity_free(*state);
	return 0;
}

/* A frame for each letter; '~' before it: scanned. */
static struct medoid
stack_of(const char *frames)
{
	struct medoid stack = {0};
	for (size_t i = 0; frames[i] != '\0'; i++) {
		bool is_scanned = frames[i] == '~';
		i += is_scanned;
		assert_true(medoid_push(&stack, slice_of(&frames[i], 1), is_scanned));
	}
	return stack;
}

/* N frames that only the stack NUMBER has, and then the ones that all have. */
static struct medoid
stack_number(uint64_t number, size_t n, size_t n_common)
{
	struct medoid stack = {0};
	for (uint64_t i = 0; i < n + n_common; i++) {
		uint64_t words[2] = {i < n ? number : UINT64_MAX, i};
		assert_true(medoid_push(&stack, slice_of(words, sizeof(words)), false));
	}
	return stack;
}

static void
put(struct similarity *similarity, uint64_t id, struct medoid stack)
{
	assert_int_equal(similarity_put(similarity, id, &stack), OK);
}

static struct similarity_match
find(struct similarity *similarity, struct medoid stack)
{
	struct similarity_match match = {0};
	if (!similarity_find(similarity, &stack, &match))
		assert_int_equal(match.id, 0);
	return match;
}

static void
refuses_what_is_no_medoid(void **state)
{
	struct medoid empty = {0};
	struct medoid stack = stack_of("ab");
	assert_int_equal(similarity_put(*state, 1, &empty), ERR_USAGE);
	assert_int_equal(similarity_put(*state, 0, &stack), ERR_USAGE);
	assert_int_equal(similarity_count(*state), 0);
}

static void
takes_no_more_medoids_than_its_limit(void **state)
{
	(void)state;
	struct similarity_options options = similarity_defaults;
	struct medoid stack = stack_of("ab");
	options.medoids_max = 3;
	struct similarity *similarity = similarity_new(&options);
	for (uint64_t id = 1; id <= 3; id++)
		put(similarity, id, stack);
	assert_int_equal(similarity_put(similarity, 4, &stack), ERR_FULL);
	put(similarity, 2, stack_of("cd")); /* in the place of another */
	assert_true(similarity_remove(similarity, 1));
	put(similarity, 4, stack);
	similarity_free(similarity);
}

static void
finds_nothing_in_nothing(void **state)
{
	struct similarity_match match;
	struct medoid stack = stack_of("abc");
	struct medoid empty = {0};
	assert_false(similarity_find(*state, &stack, &match));
	assert_false(similarity_find(*state, &empty, &match));
	put(*state, 1, stack);
	assert_false(similarity_find(*state, &empty, &match));
	struct medoid other = stack_of("xyz");
	assert_false(similarity_find(*state, &other, &match));
}

static void
finds_the_nearest_medoid(void **state)
{
	put(*state, 10, stack_of("abcdefgh"));
	put(*state, 20, stack_of("ijklmnop"));
	put(*state, 30, stack_of("abcdxyzw"));
	struct similarity_match match = find(*state, stack_of("abcdefgh"));
	assert_int_equal(match.id, 10);
	assert_true(match.is_same && match.score > 0.9999F && match.n_candidates == 2);
	match = find(*state, stack_of("abcdefgx"));
	assert_int_equal(match.id, 10);
	assert_true(match.is_same && match.score < 1);
	match = find(*state, stack_of("qijklmnop"));
	assert_int_equal(match.id, 20);
	match = find(*state, stack_of("zzzzzzzp"));
	assert_false(match.is_same);
}

static void
keeps_apart_what_differs_at_the_top(void **state)
{
	put(*state, 1, stack_of("abcdefghijkl"));
	assert_false(find(*state, stack_of("xbcdefghijkl")).is_same);
	assert_true(find(*state, stack_of("abcdefghijkx")).is_same);
}

static void
forgets_what_was_removed(void **state)
{
	put(*state, 1, stack_of("abc"));
	put(*state, 2, stack_of("abd"));
	assert_true(similarity_remove(*state, 1));
	assert_false(similarity_remove(*state, 1));
	assert_int_equal(similarity_count(*state), 1);
	assert_int_equal(similarity_frames(*state), 3);
	assert_int_equal(find(*state, stack_of("abc")).id, 2);
	assert_true(similarity_remove(*state, 2));
	assert_int_equal(similarity_frames(*state), 0);
	assert_int_equal(find(*state, stack_of("abc")).id, 0);
}

static void
puts_a_medoid_in_the_place_of_another(void **state)
{
	put(*state, 1, stack_of("abc"));
	put(*state, 1, stack_of("xyz"));
	assert_int_equal(similarity_count(*state), 1);
	assert_int_equal(find(*state, stack_of("abc")).id, 0);
	assert_int_equal(find(*state, stack_of("xyz")).id, 1);
}

static void
scores_the_same_both_ways(void **state)
{
	static const char *const stacks[] = {"abc", "abd", "aab", "~abc", "xyz", "cba", "a"};
	put(*state, 1, stack_of("abcdef"));
	for (size_t i = 0; i < 7; i++) {
		for (size_t j = 0; j < 7; j++) {
			struct medoid a = stack_of(stacks[i]);
			struct medoid b = stack_of(stacks[j]);
			float there = similarity_score(*state, &a, &b);
			assert_true(there == similarity_score(*state, &b, &a));
			assert_true(i != j || there > 0.9999F);
		}
	}
}

/* Numbers of frames depend on the order in which they came, answers do not. */
static void
answers_the_same_whatever_the_order(void **state)
{
	(void)state;
	enum {
		N = 200
	};
	struct similarity *forward = new_similarity();
	struct similarity *backward = new_similarity();
	for (uint64_t i = 1; i <= N; i++) {
		put(forward, i, stack_number(i / 4, 6, 10));
		put(backward, N + 1 - i, stack_number((N + 1 - i) / 4, 6, 10));
	}
	for (uint64_t i = 1; i <= N; i++) {
		struct similarity_match one = find(forward, stack_number(i / 4, 5, 11));
		struct similarity_match two = find(backward, stack_number(i / 4, 5, 11));
		assert_int_equal(one.id, two.id);
		assert_true(one.score - two.score < 0.01F && two.score - one.score < 0.01F);
	}
	similarity_free(forward);
	similarity_free(backward);
}

static void
gives_the_same_answers_for_the_same_calls(void **state)
{
	(void)state;
	struct similarity *a = new_similarity();
	struct similarity *b = new_similarity();
	for (uint64_t i = 1; i <= 500; i++) {
		struct medoid stack = stack_number(i % 37, 4, i % 9);
		assert_int_equal(similarity_put(a, i, &stack), similarity_put(b, i, &stack));
		similarity_observe(a, &stack);
		similarity_observe(b, &stack);
		if (i % 3 == 0)
			assert_true(similarity_remove(a, i / 3) == similarity_remove(b, i / 3));
		struct similarity_match one = find(a, stack);
		struct similarity_match two = find(b, stack);
		assert_int_equal(one.id, two.id);
		assert_true(one.score == two.score);
	}
	similarity_free(a);
	similarity_free(b);
}

static void
weighs_frames_less_that_all_have(void **state)
{
	struct medoid a = stack_of("xq");
	struct medoid b = stack_of("yq");
	put(*state, 1, stack_of("q"));
	float before = similarity_score(*state, &a, &b);
	for (uint64_t id = 2; id < 300; id++)
		put(*state, id, stack_number(id, 3, 0));
	float rare = similarity_score(*state, &a, &b);
	assert_true(rare > before);
	struct medoid common = stack_of("q");
	for (int i = 0; i < 300; i++)
		similarity_observe(*state, &common);
	assert_true(similarity_score(*state, &a, &b) < rare);
}

static void
lets_old_documents_fade(void **state)
{
	(void)state;
	struct similarity_options options = similarity_defaults;
	options.half_life = 10;
	struct similarity *similarity = similarity_new(&options);
	struct medoid q = stack_of("q");
	struct medoid z = stack_of("z");
	struct medoid a = stack_of("xq");
	struct medoid b = stack_of("yq");
	put(similarity, 1, q);
	put(similarity, 2, z);
	for (int i = 0; i < 1000; i++)
		similarity_observe(similarity, &q);
	float common = similarity_score(similarity, &a, &b);
	/* Enough to divide all counts by what a document counts, several times. */
	for (int i = 0; i < 20000; i++)
		similarity_observe(similarity, &z);
	assert_true(similarity_score(similarity, &a, &b) > common + 0.1F);
	similarity_free(similarity);
}

static void
finds_what_shares_one_rare_frame_among_many(void **state)
{
	enum {
		N = 5000
	};
	for (uint64_t id = 1; id <= N; id++)
		put(*state, id, stack_number(id, 2, 30));
	for (uint64_t id = 1; id <= N; id += 97) {
		struct similarity_match match = find(*state, stack_number(id, 2, 30));
		assert_int_equal(match.id, id);
		assert_true(match.n_candidates <= CANDIDATES_MAX);
	}
}

/* All medoids share all frames: lists are full, and look-ups read a bounded part of them. */
static void
bounds_a_look_up_when_everything_is_alike(void **state)
{
	enum {
		N = 10000
	};
	for (uint64_t id = 1; id <= N; id++)
		put(*state, id, stack_number(0, 0, 20));
	struct similarity_match match = find(*state, stack_number(0, 0, 20));
	assert_true(match.is_same);
	assert_int_equal(match.n_candidates, CANDIDATES_MAX);
	for (uint64_t id = 1; id <= N; id++)
		assert_true(similarity_remove(*state, id));
	assert_int_equal(similarity_frames(*state), 0);
	assert_int_equal(find(*state, stack_number(0, 0, 20)).id, 0);
}

static void
keeps_no_memory_for_frames_that_come_and_go(void **state)
{
	size_t bytes = 0;
	for (uint64_t i = 1; i <= 20000; i++) {
		struct medoid stack = stack_number(i, 20, 0);
		put(*state, 1 + i % 10, stack);
		similarity_observe(*state, &stack);
		(void)find(*state, stack_number(i + 1, 20, 0));
		if (i == 100)
			bytes = similarity_bytes(*state);
	}
	assert_int_equal(similarity_count(*state), 10);
	assert_int_equal(similarity_frames(*state), 200);
	assert_int_equal(similarity_bytes(*state), bytes);
}

struct pairs {
	struct similarity_pair found[16];
	size_t n;
	size_t enough;
};

static bool
take_pair(void *context, const struct similarity_pair *pair)
{
	struct pairs *pairs = context;
	assert_true(pairs->n < 16);
	pairs->found[pairs->n++] = *pair;
	return pairs->n < pairs->enough;
}

static void
proposes_each_pair_once(void **state)
{
	struct pairs pairs = {.enough = 16};
	put(*state, 7, stack_of("abcdefgh"));
	put(*state, 3, stack_of("abcdefgx"));
	put(*state, 5, stack_of("ijklmnop"));
	put(*state, 9, stack_of("abcdefgh"));
	similarity_propose(*state, 0.7F, take_pair, &pairs);
	assert_int_equal(pairs.n, 3);
	for (size_t i = 0; i < pairs.n; i++) {
		assert_true(pairs.found[i].first_id < pairs.found[i].second_id);
		assert_true(pairs.found[i].score >= 0.7F);
		assert_true(pairs.found[i].first_id != 5 && pairs.found[i].second_id != 5);
	}
	assert_int_equal(similarity_count(*state), 4);
	pairs = (struct pairs){.enough = 1};
	similarity_propose(*state, 0.7F, take_pair, &pairs);
	assert_int_equal(pairs.n, 1);
	pairs = (struct pairs){.enough = 16};
	similarity_propose(*state, 1.01F, take_pair, &pairs);
	assert_int_equal(pairs.n, 0);
}

static void
lists_the_best_candidates_first(void **state)
{
	(void)state;
	struct candidates candidates;
	uint32_t found[CANDIDATES_MAX];
	candidates_init(&candidates);
	candidates_reserve(&candidates, 10, 200);
	for (uint32_t medoid = 0; medoid < 200; medoid++) {
		uint32_t frames[2] = {medoid % 2, 2 + medoid % 5};
		candidates_add(&candidates, frames, 2, medoid);
	}
	uint32_t frames[3] = {2, 0, 9}; /* under 9 nothing is listed */
	size_t n = candidates_find(&candidates, frames, 3, found);
	assert_int_equal(n, CANDIDATES_MAX);
	for (size_t i = 0; i < 20; i++) /* those that have both */
		assert_int_equal(found[i], 10 * i);
	for (size_t i = 20; i < 40; i++) /* then those that have the rarer one */
		assert_int_equal(found[i], 10 * (i - 20) + 5);
	for (size_t i = 40; i < n; i++)
		assert_int_equal(found[i] % 2, 0);
	candidates_done(&candidates);
}

static void
does_not_take_old_marks_for_new_ones(void **state)
{
	(void)state;
	struct candidates candidates;
	uint32_t found[CANDIDATES_MAX];
	uint32_t frame = 0;
	candidates_init(&candidates);
	candidates_reserve(&candidates, 1, 2);
	candidates_add(&candidates, &frame, 1, 1);
	candidates.look_up = UINT32_MAX - 1;
	for (int i = 0; i < 4; i++) {
		assert_int_equal(candidates_find(&candidates, &frame, 1, found), 1);
		assert_int_equal(found[0], 1);
	}
	candidates_done(&candidates);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(refuses_what_is_no_medoid),
		TEST(takes_no_more_medoids_than_its_limit),
		TEST(finds_nothing_in_nothing),
		TEST(finds_the_nearest_medoid),
		TEST(keeps_apart_what_differs_at_the_top),
		TEST(forgets_what_was_removed),
		TEST(puts_a_medoid_in_the_place_of_another),
		TEST(scores_the_same_both_ways),
		cmocka_unit_test(answers_the_same_whatever_the_order),
		cmocka_unit_test(gives_the_same_answers_for_the_same_calls),
		TEST(weighs_frames_less_that_all_have),
		cmocka_unit_test(lets_old_documents_fade),
		TEST(finds_what_shares_one_rare_frame_among_many),
		TEST(bounds_a_look_up_when_everything_is_alike),
		TEST(keeps_no_memory_for_frames_that_come_and_go),
		TEST(proposes_each_pair_once),
		cmocka_unit_test(lists_the_best_candidates_first),
		cmocka_unit_test(does_not_take_old_marks_for_new_ones),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
