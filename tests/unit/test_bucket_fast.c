/* The FaST measure against values of an independent program (tests/golden/similarity/fast.py). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#include "bucket/fast.h"
#include "source_file.h"

enum {
	FRAMES = 10 /* of golden cases, from 1 */
};
static const double TOLERANCE = 2e-5;

struct stack {
	uint32_t frames[FAST_FRAMES_MAX];
	uint8_t positions[FAST_FRAMES_MAX];
	size_t n;
};

static const struct fast_options plain = {.alpha = 1, .beta = 0.05, .gamma = 0.1};

/* Keeps the stack sorted: by frame, then by position. */
static void
push(struct stack *stack, uint32_t frame, size_t position, bool is_scanned)
{
	size_t at = stack->n++;
	for (; at > 0 && stack->frames[at - 1] > frame; at--) {
		stack->frames[at] = stack->frames[at - 1];
		stack->positions[at] = stack->positions[at - 1];
	}
	stack->frames[at] = frame;
	stack->positions[at] = (uint8_t)(position | (is_scanned ? FAST_SCANNED : 0));
}

static struct fast_stack
view(const struct stack *stack)
{
	return (struct fast_stack){stack->frames, stack->positions, stack->n};
}

static float
compare(const struct fast_options *options, const struct stack *a, const struct stack *b,
	const float *rarity)
{
	struct fast_tables tables;
	struct fast_stack x = view(a);
	struct fast_stack y = view(b);
	fast_prepare(options, &tables);
	return fast_compare(&tables, &x, &y, rarity);
}

static struct stack
stack_of(const char *frames)
{
	struct stack stack = {.n = 0};
	for (size_t i = 0; frames[i] != '\0'; i++)
		push(&stack, (uint32_t)(frames[i] - 'a'), i + 1, false);
	return stack;
}

static const float *
equally_rare(void)
{
	static float rarity[32];
	for (size_t i = 0; i < 32; i++)
		rarity[i] = 1;
	return rarity;
}

static float
compare_texts(const char *a, const char *b)
{
	struct stack x = stack_of(a);
	struct stack y = stack_of(b);
	return compare(&plain, &x, &y, equally_rare());
}

static void
parse_stack(char *text, struct stack *stack)
{
	char *rest = NULL;
	*stack = (struct stack){.n = 0};
	for (char *word = strtok_r(text, " ", &rest); word != NULL;
	     word = strtok_r(NULL, " ", &rest)) {
		bool is_scanned = *word == '~';
		push(stack, (uint32_t)strtoul(word + is_scanned, NULL, 10), stack->n + 1,
		     is_scanned);
	}
}

struct golden {
	struct fast_options options;
	float rarity[FRAMES];
	struct stack a, b;
	size_t n_cases;
};

static void
parse_shares(const char *text, struct golden *golden)
{
	struct fast_tables tables;
	char *at = NULL;
	fast_prepare(&golden->options, &tables);
	for (size_t i = 1; i < FRAMES; i++) {
		golden->rarity[i] = fast_rarity(&tables, strtod(text, &at));
		text = at;
	}
}

static void
check_score(const char *text, struct golden *golden)
{
	double wanted = strtod(text, NULL);
	float score = compare(&golden->options, &golden->a, &golden->b, golden->rarity);
	float mirrored = compare(&golden->options, &golden->b, &golden->a, golden->rarity);
	golden->n_cases++;
	if (fabs((double)score - wanted) > TOLERANCE)
		fail_msg("case %zu: %f, not %f", golden->n_cases, (double)score, wanted);
	assert_true(score == mirrored);
}

static void
gives_the_values_of_another_program(void **state)
{
	(void)state;
	struct golden golden = {.n_cases = 0};
	char *text = read_source_file("tests/golden/similarity/fast.txt");
	char *rest = text;
	for (char *line = strsep(&rest, "\n"); line != NULL; line = strsep(&rest, "\n")) {
		char *value = strchr(line, ' ');
		if (value == NULL)
			continue;
		*value++ = '\0';
		if (strcmp(line, "settings") == 0) {
			golden.options.alpha = strtod(value, &value);
			golden.options.beta = strtod(value, &value);
			golden.options.gamma = strtod(value, &value);
		} else if (strcmp(line, "shares") == 0) {
			parse_shares(value, &golden);
		} else if (strcmp(line, "a") == 0) {
			parse_stack(value, &golden.a);
		} else if (strcmp(line, "b") == 0) {
			parse_stack(value, &golden.b);
		} else if (strcmp(line, "score") == 0) {
			check_score(value, &golden);
		}
	}
	assert_int_equal(golden.n_cases, 60);
	free(text);
}

static void
is_0_without_frames(void **state)
{
	(void)state;
	assert_true(compare_texts("", "") == 0);
}

static void
reaches_from_nothing_in_common_to_equal(void **state)
{
	(void)state;
	assert_true(compare_texts("abcabc", "abcabc") == 1);
	assert_true(compare_texts("abc", "def") == -1);
	assert_true(compare_texts("abc", "") == -1);
}

static void
weighs_the_top_more(void **state)
{
	(void)state;
	float top = compare_texts("xbcdef", "abcdef");
	float bottom = compare_texts("abcdex", "abcdef");
	assert_true(top < bottom);
}

static void
weighs_rare_frames_more(void **state)
{
	(void)state;
	float rarity[3] = {1, 0.01F, 1}; /* b is common */
	struct stack ab = stack_of("ab");
	struct stack b = stack_of("b");
	struct stack a = stack_of("a");
	assert_true(compare(&plain, &ab, &b, rarity) < 0);
	assert_true(compare(&plain, &ab, &a, rarity) > 0.9F);
}

static void
pairs_the_kth_occurrence_with_the_kth(void **state)
{
	(void)state;
	/* One more round of a recursion costs the frames that have no partner, and distances. */
	float once_more = compare_texts("ababc", "abababc");
	assert_true(once_more > 0.5F && once_more < 1);
}

static void
gives_a_scanned_frame_half_its_weight(void **state)
{
	(void)state;
	/* A junk frame does less harm when a scan found it. */
	struct stack junk = stack_of("bx");
	struct stack scanned_junk = stack_of("b");
	push(&scanned_junk, 'x' - 'a', 2, true);
	struct stack b = stack_of("b");
	assert_true(compare(&plain, &junk, &b, equally_rare()) <
		    compare(&plain, &scanned_junk, &b, equally_rare()));
}

static void
still_compares_frames_that_everything_has(void **state)
{
	(void)state;
	struct fast_options harsh = {.alpha = 1, .beta = 100, .gamma = 0};
	struct fast_tables tables;
	float rarity[2];
	fast_prepare(&harsh, &tables);
	rarity[0] = fast_rarity(&tables, 1);
	rarity[1] = fast_rarity(&tables, 1);
	assert_true(rarity[0] > 0);
	struct stack a = stack_of("ab");
	assert_true(compare(&harsh, &a, &a, rarity) == 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gives_the_values_of_another_program),
		cmocka_unit_test(is_0_without_frames),
		cmocka_unit_test(reaches_from_nothing_in_common_to_equal),
		cmocka_unit_test(weighs_the_top_more),
		cmocka_unit_test(weighs_rare_frames_more),
		cmocka_unit_test(pairs_the_kth_occurrence_with_the_kth),
		cmocka_unit_test(gives_a_scanned_frame_half_its_weight),
		cmocka_unit_test(still_compares_frames_that_everything_has),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
