/* similarity_bench.c - how fast stacks are compared and near duplicates are found
 *
 *	similarity_bench [MEDOIDS]	100,000 when it is not said
 *
 * Not part of the build.  Against a release build:
 *
 *	gcc -O2 -std=gnu17 -D_GNU_SOURCE -Isrc bench/similarity_bench.c -o build/similarity_bench \
 *		build/release/src/bucket/libbucket.a build/release/src/base/libbase.a -lxxhash -lm
 *
 * Stacks are walks over a made-up call graph: 200,000 functions whose popularity follows Zipf's
 * law, each with up to 24 callees of which the first are called most, 300 functions where threads
 * begin, 6 to 60 frames.  A medoid is one walk.  A report is a medoid, chosen by Zipf's law, whose
 * frames were changed as another build or compiler changes them: 0 to 3 frames more, fewer or
 * others, one in ten found by a scan.  Beside FaST stands the measure of ReBucket (PDM), which is
 * a table of all frames against all, on the same pairs.  Times are of the processor.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/hash.h"
#include "bucket/similarity.h"

enum {
	FUNCTIONS = 200000,
	CALLEES = 24,
	BEGINNINGS = 300,
	LEAST_FRAMES = 6,
	MOST_FRAMES = 60,
	REPORTS = 50000,
	PAIRS = 4096,
	ROUNDS = 400
};

static uint64_t seed = UINT64_C(88172645463325252);

static uint64_t
draw(uint64_t below)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (seed >> 11) % below;
}

static double
draw_share(void)
{
	return (double)draw(UINT64_C(1) << 40) / (double)(UINT64_C(1) << 40);
}

/* A rank from 0, by Zipf's law: U from 0 to 1. */
static uint64_t
zipf(double u, double ranks)
{
	return (uint64_t)(pow(ranks, u) - 1);
}

static uint64_t
mix(uint64_t a, uint64_t b)
{
	uint64_t words[2] = {a, b};
	return hash_64(slice_of(words, sizeof(words)));
}

static uint64_t
callee_of(uint64_t function)
{
	uint64_t which = mix(function, zipf(draw_share(), CALLEES));
	return zipf((double)(which >> 24) / (double)(UINT64_C(1) << 40), FUNCTIONS);
}

/* Innermost first. */
static void
walk(struct medoid *stack)
{
	uint64_t frames[MOST_FRAMES];
	size_t n = LEAST_FRAMES + draw(MOST_FRAMES - LEAST_FRAMES + 1);
	frames[0] = FUNCTIONS + zipf(draw_share(), BEGINNINGS);
	for (size_t i = 1; i < n; i++)
		frames[i] = callee_of(frames[i - 1]);
	*stack = (struct medoid){.n_frames = n};
	for (size_t i = 0; i < n; i++)
		stack->frames[i] = mix(frames[n - 1 - i], 0);
}

static void
insert(struct medoid *stack, size_t at, uint64_t frame)
{
	if (stack->n_frames == MEDOID_FRAMES_MAX)
		return;
	for (size_t i = stack->n_frames++; i > at; i--)
		stack->frames[i] = stack->frames[i - 1];
	stack->frames[at] = frame;
}

static void
drop(struct medoid *stack, size_t at)
{
	if (stack->n_frames < 2)
		return;
	stack->n_frames--;
	for (size_t i = at; i < stack->n_frames; i++)
		stack->frames[i] = stack->frames[i + 1];
}

/* What another build makes of it. */
static void
change(struct medoid *stack)
{
	for (uint64_t edits = draw(4); edits > 0; edits--) {
		size_t at = draw(stack->n_frames);
		uint64_t frame = mix(zipf(draw_share(), FUNCTIONS), 0);
		switch (draw(3)) {
		case 0:
			insert(stack, at, frame);
			break;
		case 1:
			drop(stack, at);
			break;
		default:
			stack->frames[at] = frame;
		}
	}
	for (size_t i = 1; i < stack->n_frames; i++)
		stack->scanned |= (uint64_t)(draw(10) == 0) << i;
}

/* The measure of ReBucket, for comparison: c and o as their authors used them. */
static double
pdm(const struct medoid *a, const struct medoid *b, const float *near, const float *deep)
{
	static float table[MEDOID_FRAMES_MAX + 1][MEDOID_FRAMES_MAX + 1];
	size_t least = a->n_frames < b->n_frames ? a->n_frames : b->n_frames;
	double all = 0;
	for (size_t i = 1; i <= a->n_frames; i++) {
		for (size_t j = 1; j <= b->n_frames; j++) {
			float pair = 0;
			if (a->frames[i - 1] == b->frames[j - 1])
				pair = deep[i < j ? i : j] * near[i < j ? j - i : i - j];
			float best = table[i - 1][j - 1] + pair;
			best = table[i - 1][j] > best ? table[i - 1][j] : best;
			table[i][j] = table[i][j - 1] > best ? table[i][j - 1] : best;
		}
	}
	for (size_t i = 1; i <= least; i++)
		all += (double)deep[i];
	return (double)table[a->n_frames][b->n_frames] / all;
}

/* A stack sorted, for fast_compare alone. */
struct sorted {
	uint32_t frames[FAST_FRAMES_MAX];
	uint8_t positions[FAST_FRAMES_MAX];
	size_t n;
};

static void
sort(const struct medoid *stack, struct sorted *sorted)
{
	sorted->n = 0;
	for (size_t i = 0; i < stack->n_frames; i++) {
		uint32_t frame = (uint32_t)(stack->frames[i] % (2 * FUNCTIONS));
		size_t at = sorted->n++;
		for (; at > 0 && sorted->frames[at - 1] > frame; at--) {
			sorted->frames[at] = sorted->frames[at - 1];
			sorted->positions[at] = sorted->positions[at - 1];
		}
		sorted->frames[at] = frame;
		sorted->positions[at] = (uint8_t)(i + 1);
	}
}

/* Of the processor: other work on the machine does not count. */
static int64_t
time_used_ns(void)
{
	struct timespec used;
	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
	return used.tv_sec * INT64_C(1000000000) + used.tv_nsec;
}

static double
per_second(double count, int64_t begin_ns)
{
	return count / ((double)(time_used_ns() - begin_ns) / 1e9);
}

/* Half of the pairs are near duplicates, half are any two. */
static void
measure_comparisons(const struct medoid *medoids, size_t n)
{
	static struct medoid pairs[2 * PAIRS];
	static struct sorted sorted[2 * PAIRS];
	static float rarity[2 * FUNCTIONS];
	static float curve[MEDOID_FRAMES_MAX + 1];
	struct fast_tables tables;
	double frames = 0;
	double sum = 0;
	fast_prepare(&similarity_defaults.fast, &tables);
	for (size_t i = 0; i < 2 * FUNCTIONS; i++)
		rarity[i] = fast_rarity(&tables, 1.0 / (1 + (double)(i % 1000)));
	for (size_t i = 0; i <= MEDOID_FRAMES_MAX; i++)
		curve[i] = (float)exp(-0.1 * (double)i);
	for (size_t i = 0; i < PAIRS; i++) {
		pairs[2 * i] = medoids[draw(n)];
		pairs[2 * i + 1] = i % 2 == 0 ? pairs[2 * i] : medoids[draw(n)];
		change(&pairs[2 * i + 1]);
		sort(&pairs[2 * i], &sorted[2 * i]);
		sort(&pairs[2 * i + 1], &sorted[2 * i + 1]);
		frames += (double)(pairs[2 * i].n_frames + pairs[2 * i + 1].n_frames) / 2;
	}
	int64_t begin_ns = time_used_ns();
	for (int round = 0; round < ROUNDS; round++) {
		for (size_t i = 0; i < PAIRS; i++) {
			const struct sorted *a = &sorted[2 * i];
			const struct sorted *b = &sorted[2 * i + 1];
			struct fast_stack x = {a->frames, a->positions, a->n};
			struct fast_stack y = {b->frames, b->positions, b->n};
			sum += (double)fast_compare(&tables, &x, &y, rarity);
		}
	}
	double fast = per_second((double)PAIRS * ROUNDS, begin_ns);
	begin_ns = time_used_ns();
	for (int round = 0; round < ROUNDS / 10; round++) {
		for (size_t i = 0; i < PAIRS; i++)
			sum += pdm(&pairs[2 * i], &pairs[2 * i + 1], curve, curve);
	}
	double slow = per_second((double)PAIRS * ROUNDS / 10, begin_ns);
	(void)printf("stacks of %.0f frames on average\n", frames / PAIRS);
	(void)printf("FaST comparisons per second      %12.0f   (%.0f ns each)\n", fast,
		     1e9 / fast);
	(void)printf("PDM comparisons per second       %12.0f   FaST is %.1f times faster\n", slow,
		     fast / slow);
	(void)printf("(checksum %g)\n\n", sum);
}

static struct similarity *
measure_filling(const struct medoid *medoids, size_t n)
{
	struct similarity_options options = similarity_defaults;
	struct similarity *similarity = similarity_new(&options);
	int64_t begin_ns = time_used_ns();
	double frames = 0;
	for (size_t i = 0; i < n; i++) {
		if (similarity_put(similarity, i + 1, &medoids[i]) != OK)
			exit(EXIT_FAILURE);
		frames += (double)medoids[i].n_frames;
	}
	(void)printf("medoids put per second           %12.0f\n", per_second((double)n, begin_ns));
	(void)printf("medoids                          %12zu   of %.1f frames\n",
		     similarity_count(similarity), frames / (double)n);
	(void)printf("distinct frames                  %12zu\n", similarity_frames(similarity));
	(void)printf("memory, bytes                    %12zu   (%.0f for each medoid)\n\n",
		     similarity_bytes(similarity),
		     (double)similarity_bytes(similarity) / (double)n);
	return similarity;
}

static int
compare_times(const void *a, const void *b)
{
	const int64_t *x = a;
	const int64_t *y = b;
	return (*x > *y) - (*x < *y);
}

struct outcome {
	size_t n_origin; /* the medoid that the report was made from is the best */
	size_t n_same;   /* some medoid reaches the threshold */
	double candidates;
};

static struct outcome
find_all(struct similarity *similarity, const struct medoid *reports, const uint64_t *origins,
	 const char *what)
{
	static int64_t times_ns[REPORTS];
	struct outcome outcome = {0};
	int64_t begin_ns = time_used_ns();
	for (size_t i = 0; i < REPORTS; i++) {
		struct similarity_match match;
		int64_t one_ns = time_used_ns();
		if (similarity_find(similarity, &reports[i], &match)) {
			outcome.candidates += (double)match.n_candidates;
			outcome.n_same += match.is_same;
			outcome.n_origin += match.id == origins[i];
		}
		times_ns[i] = time_used_ns() - one_ns;
	}
	(void)printf("%s: found per second   %12.0f\n", what, per_second(REPORTS, begin_ns));
	qsort(times_ns, REPORTS, sizeof(times_ns[0]), compare_times);
	(void)printf("  processor time, us: median %" PRId64 ", 99 %% %" PRId64 ", most %" PRId64
		     "\n",
		     times_ns[REPORTS / 2] / 1000, times_ns[REPORTS - REPORTS / 100] / 1000,
		     times_ns[REPORTS - 1] / 1000);
	(void)printf("  candidates: %.1f on average\n", outcome.candidates / REPORTS);
	return outcome;
}

static void
measure_finding(struct similarity *similarity, const struct medoid *medoids, size_t n)
{
	static struct medoid reports[REPORTS];
	static uint64_t origins[REPORTS];
	for (size_t i = 0; i < REPORTS; i++) {
		uint64_t which = zipf(draw_share(), (double)n);
		reports[i] = medoids[which];
		origins[i] = which + 1;
		change(&reports[i]);
	}
	struct outcome known = find_all(similarity, reports, origins, "changed copies of medoids");
	(void)printf("  best is where it came from %.2f %%, reaches the threshold %.2f %%\n",
		     100.0 * (double)known.n_origin / REPORTS,
		     100.0 * (double)known.n_same / REPORTS);
	for (size_t i = 0; i < REPORTS; i++)
		walk(&reports[i]);
	struct outcome fresh = find_all(similarity, reports, origins, "new stacks               ");
	(void)printf("  reaches the threshold %.2f %%\n\n", 100.0 * (double)fresh.n_same / REPORTS);
}

static bool
count_pair(void *context, const struct similarity_pair *pair)
{
	size_t *n = context;
	(void)pair;
	(*n)++;
	return true;
}

static void
measure_proposals(struct similarity *similarity)
{
	size_t n = 0;
	int64_t begin_ns = time_used_ns();
	similarity_propose(similarity, 0.8F, count_pair, &n);
	(void)printf("pairs proposed for all medoids   %12zu   in %.1f s\n", n,
		     (double)(time_used_ns() - begin_ns) / 1e9);
}

int
main(int argc, char **argv)
{
	size_t n = argc > 1 ? strtoul(argv[1], NULL, 10) : 100000;
	struct medoid *medoids = calloc(n, sizeof(*medoids));
	if (n == 0 || medoids == NULL)
		return EXIT_FAILURE;
	for (size_t i = 0; i < n; i++)
		walk(&medoids[i]);
	measure_comparisons(medoids, n);
	struct similarity *similarity = measure_filling(medoids, n);
	measure_finding(similarity, medoids, n);
	measure_proposals(similarity);
	similarity_free(similarity);
	free(medoids);
	return EXIT_SUCCESS;
}
