/* Names and stacks of others, where they are there: each case is compared with what its authors
 * expect, and the count is printed.  docs/bucketing.md lists where ours differ and why. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>

#include <ftw.h>

#include "base/limits.h"
#include "bucket/frame_lists.h"
#include "bucket/normalize.h"
#include "bucket/signature.h"
#include "bucket/similarity.h"
#include "corpora.h"

enum {
	FRAMES_MAX = 64,
	ARENA_BYTES = 1 << 20,
	SYM_LINE_BYTES = 1 << 20,
	NAMES_MAX = 100000
};

static struct buf got;
static struct buf wanted;

static int
set_up(void **state)
{
	(void)state;
	buf_init(&got, LIMIT_NORMALIZED_BYTES);
	buf_init(&wanted, LIMIT_NORMALIZED_BYTES);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	buf_done(&got);
	buf_done(&wanted);
	return 0;
}

static struct slice
text_of(json_t *value)
{
	const char *text = json_string_value(value);
	return slice_str(text == NULL ? "" : text);
}

/* Cases of socorro: the first value of each goes in, the last one is expected. */
struct socorro {
	const char *file;
	const char *function;
	size_t n_cases;
	void (*normalize)(struct slice, struct buf *);
	/* Theirs does one step of ours: what they expect is normalized, too. */
	bool is_step;
};

static const struct socorro socorro[] = {
	{"socorro/signature/tests/test_rules.py", "test_normalize_cpp_function", 15,
	 normalize_function, false},
	{"socorro/signature/tests/test_rules.py", "test_normalize_rust_function", 4,
	 normalize_function, false},
	{"socorro/signature/tests/test_utils.py", "test_collapse_types", 8, normalize_function,
	 true},
	{"socorro/signature/tests/test_utils.py", "test_collapse_arguments", 5, normalize_function,
	 false},
	{"socorro/signature/tests/test_utils.py", "test_drop_prefix_and_return_type", 21,
	 normalize_function, true},
	/* They keep the separators of the system on which a file was compiled. */
	{"socorro/signature/tests/test_utils.py", "test_parse_source_file", 5, normalize_source,
	 true},
};

/* What a step leaves at the front stays at the front: it may not be thrown away later. */
static void
assert_front_kept(struct slice expected, struct slice normal)
{
	size_t end = 0;
	while (end < expected.len && strchr("<({`[\\/", expected.data[end]) == NULL)
		end++;
	if (!slice_starts_with(normal, slice_sub(expected, 0, end)))
		fail_msg("%.*s became %.*s", SLICE_ARGS(expected), SLICE_ARGS(normal));
}

static size_t
compare_socorro(json_t *cases, const struct socorro *what)
{
	size_t n_equal = 0;
	assert_int_equal(json_array_size(cases), what->n_cases);
	for (size_t i = 0; i < json_array_size(cases); i++) {
		json_t *one = json_array_get(cases, i);
		struct slice in = text_of(json_array_get(one, 0));
		struct slice expected = text_of(json_array_get(one, json_array_size(one) - 1));
		buf_reset(&got);
		buf_reset(&wanted);
		what->normalize(in, &got);
		if (what->is_step) {
			what->normalize(expected, &wanted);
			assert_front_kept(expected, buf_slice(&wanted));
		} else {
			buf_append(&wanted, expected);
		}
		if (slice_equal(buf_slice(&got), buf_slice(&wanted)))
			n_equal++;
		else
			(void)printf("%s: %.*s gives %.*s\n", what->function, SLICE_ARGS(in),
				     SLICE_ARGS(buf_slice(&got)));
	}
	(void)printf("%s: %zu of %zu\n", what->function, n_equal, what->n_cases);
	return n_equal;
}

static void
agrees_with_the_names_of_socorro(void **state)
{
	(void)state;
	char path[CORPORA_PATH_BYTES];
	size_t n = 0;
	size_t n_equal = 0;
	if (!corpora_find("socorro/cases.json", path))
		return;
	json_t *all = json_load_file(path, 0, NULL);
	assert_non_null(all);
	for (size_t i = 0; i < sizeof(socorro) / sizeof(socorro[0]); i++) {
		json_t *file = json_object_get(all, socorro[i].file);
		json_t *test = json_object_get(file, socorro[i].function);
		n_equal += compare_socorro(json_object_get(test, "cases"), &socorro[i]);
		n += socorro[i].n_cases;
	}
	(void)printf("names of socorro: %zu of %zu\n", n_equal, n);
	assert_int_equal(n_equal, n);
	json_decref(all);
}

/* How many of the plain names in their list are known to ours; most are of Mozilla's own code. */
static void
knows_many_plain_names_of_socorros_list(void **state)
{
	(void)state;
	static char line[4096];
	char path[CORPORA_PATH_BYTES];
	size_t n = 0;
	size_t n_known = 0;
	if (!corpora_find("socorro/siglists/irrelevant_signature_re.txt", path))
		return;
	struct frame_lists *lists = frame_lists_new();
	FILE *file = fopen(path, "r");
	assert_non_null(file);
	while (fgets(line, sizeof(line), file) != NULL) {
		struct slice name = slice_trim(slice_str(line));
		struct frame_matches matches;
		bool is_plain = name.len > 0 && name.data[0] != '#' &&
				strpbrk(line, "\\[]().*?$^|@+") == NULL;
		if (!is_plain)
			continue;
		frame_lists_find(lists, (struct slice){0}, (struct slice){0}, name, &matches);
		bool is_known = false;
		for (int i = 0; i < FRAME_PLACES_N; i++)
			is_known |= matches.rules[i] != NULL;
		n_known += is_known;
		n++;
	}
	(void)fclose(file);
	frame_lists_free(lists);
	(void)printf("irrelevant names of socorro that are known here: %zu of %zu\n", n_known, n);
	assert_true(n_known * 3 > n);
}

static size_t n_names;

/* The name in a FUNC, PUBLIC or INLINE_ORIGIN line of a .sym file; absent for other lines. */
static struct slice
name_of_line(struct slice line)
{
	static const struct {
		const char *word;
		int fields; /* between word and name */
	} kinds[] = {{"FUNC ", 3}, {"PUBLIC ", 2}, {"INLINE_ORIGIN ", 1}};
	for (size_t i = 0; i < 3; i++) {
		struct slice rest = slice_sub(line, strlen(kinds[i].word), line.len);
		if (!slice_starts_with(line, slice_str(kinds[i].word)))
			continue;
		for (int field = 0;
		     field < kinds[i].fields + slice_starts_with(rest, slice_str("m ")); field++) {
			struct slice head;
			if (!slice_cut(rest, ' ', &head, &rest))
				return (struct slice){0};
		}
		return slice_trim(rest);
	}
	return (struct slice){0};
}

/* A normal form is its own normal form, and has no arguments left. */
static void
check_name(struct slice name)
{
	buf_reset(&got);
	buf_reset(&wanted);
	normalize_function(name, &got);
	normalize_function(buf_slice(&got), &wanted);
	if (!slice_equal(buf_slice(&got), buf_slice(&wanted)))
		fail_msg("%.*s\n -> %.*s\n -> %.*s", SLICE_ARGS(name), SLICE_ARGS(buf_slice(&got)),
			 SLICE_ARGS(buf_slice(&wanted)));
	if (got.len == 0)
		fail_msg("nothing left of %.*s", SLICE_ARGS(name));
	n_names++;
}

static int
walk_sym(const char *path, const struct stat *st, int kind, struct FTW *where)
{
	static char line[SYM_LINE_BYTES];
	(void)st;
	(void)where;
	if (kind != FTW_F || !slice_ends_with(slice_str(path), SLICE_LITERAL(".sym")))
		return 0;
	FILE *file = fopen(path, "r");
	assert_non_null(file);
	while (n_names < NAMES_MAX && fgets(line, sizeof(line), file) != NULL) {
		struct slice name = name_of_line(slice_str(line));
		if (name.len > 0)
			check_name(name);
	}
	(void)fclose(file);
	return 0;
}

static void
normal_forms_of_real_names_are_final(void **state)
{
	(void)state;
	static const char *const folders[] = {"breakpad/symbols", "symbolic", "rust-minidump"};
	char path[CORPORA_PATH_BYTES];
	for (size_t i = 0; i < 3; i++) {
		n_names = 0;
		if (!corpora_find(folders[i], path))
			continue;
		assert_int_equal(nftw(path, walk_sym, 16, FTW_PHYS), 0);
		(void)printf("%s: %zu names\n", folders[i], n_names);
		assert_true(n_names > 0);
	}
}

/* Frames that nobody knows ("??") are no frames here. */
static void
stack_from_json(json_t *names, struct medoid *ret_stack)
{
	*ret_stack = (struct medoid){0};
	for (size_t i = 0; i < json_array_size(names); i++) {
		buf_reset(&got);
		normalize_function(text_of(json_array_get(names, i)), &got);
		if (got.len > 0)
			assert_true(medoid_push(ret_stack, buf_slice(&got), false));
	}
}

/* Their distances are other measures: ours must agree where any measure has to.  A frame without
 * a name has no place in our stacks, so that those which differ by it alone are equal. */
static bool
agrees(float score, const struct medoid *a, const struct medoid *b, json_t *one)
{
	json_t *jaccard = json_object_get(one, "jaccard");
	bool is_apart = json_is_number(jaccard) && json_number_value(jaccard) > 1 - 1e-6;
	if (a->n_frames == 0 || b->n_frames == 0)
		return score == 0 || score == -1;
	if (memcmp(a, b, sizeof(*a)) == 0)
		return score > 0.9999F;
	if (is_apart)
		return score < -0.9999F;
	return score > -0.9999F && score < 0.9999F;
}

static void
agrees_with_the_distances_of_satyr_where_measures_must(void **state)
{
	(void)state;
	char path[CORPORA_PATH_BYTES];
	size_t n_equal = 0;
	if (!corpora_find("satyr/EXPECTED_distances.json", path))
		return;
	json_t *all = json_load_file(path, 0, NULL);
	assert_non_null(all);
	json_t *cases = json_object_get(all, "cases");
	struct similarity *similarity = similarity_new(&similarity_defaults);
	for (size_t i = 0; i < json_array_size(cases); i++) {
		json_t *one = json_array_get(cases, i);
		struct medoid a;
		struct medoid b;
		stack_from_json(json_object_get(one, "a"), &a);
		stack_from_json(json_object_get(one, "b"), &b);
		float score = similarity_score(similarity, &a, &b);
		bool is_good = agrees(score, &a, &b, one);
		n_equal += is_good;
		if (!is_good)
			(void)printf("satyr %zu: %g\n", i, (double)score);
	}
	(void)printf("distances of satyr: %zu of %zu\n", n_equal, json_array_size(cases));
	assert_int_equal(n_equal, json_array_size(cases));
	similarity_free(similarity);
	json_decref(all);
}

/* The thread that crashed, or the only stack, of a report to ABRT's server. */
static json_t *
stack_of_ureport(json_t *report)
{
	json_t *problem = json_object_get(report, "problem");
	json_t *stack = json_object_get(problem, "stacktrace");
	for (size_t i = 0; i < json_array_size(stack); i++) {
		json_t *thread = json_array_get(stack, i);
		if (json_is_true(json_object_get(thread, "crash_thread")))
			return json_object_get(thread, "frames");
	}
	return stack == NULL ? json_object_get(report, "core_backtrace") : stack;
}

static struct slice
first_of(json_t *frame, const char *one, const char *other)
{
	json_t *value = json_object_get(frame, one);
	if (value == NULL)
		value = json_object_get(frame, other);
	return json_is_string(value) ? text_of(value) : (struct slice){0};
}

static uint64_t
number_of(json_t *frame, const char *name)
{
	return (uint64_t)json_integer_value(json_object_get(frame, name));
}

/* The key of the report NAME; false: it is not there. */
static bool
key_of_ureport(const char *name, uint8_t ret_key[SIGNATURE_KEY_BYTES])
{
	char path[CORPORA_PATH_BYTES];
	struct bucket_frame frames[FRAMES_MAX] = {0};
	struct bucket_crash crash = {.frames = frames};
	struct signature signature;
	struct arena arena;
	if (!corpora_find("faf/sample_reports", path))
		return false;
	(void)strncat(path, name, sizeof(path) - strlen(path) - 1);
	json_t *report = json_load_file(path, 0, NULL);
	assert_non_null(report);
	json_t *stack = stack_of_ureport(report);
	for (; crash.n_frames < json_array_size(stack) && crash.n_frames < FRAMES_MAX;
	     crash.n_frames++) {
		json_t *frame = json_array_get(stack, crash.n_frames);
		struct slice file = first_of(frame, "file_name", "path");
		struct slice id = first_of(frame, "build_id", "buildid");
		frames[crash.n_frames] = (struct bucket_frame){
			.function = first_of(frame, "function_name", "funcname"),
			.module = slice_is_absent(id) ? (struct slice){0} : file,
			.file = file,
			.line = (uint32_t)number_of(frame, "file_line"),
			.module_id = id,
			.module_offset = number_of(frame, "build_id_offset"),
			.trust = CRASH_TRUST_RULES,
		};
	}
	struct frame_lists *lists = frame_lists_new();
	arena_init(&arena, ARENA_BYTES);
	assert_int_equal(signature_make(lists, &crash, &arena, &signature), OK);
	(void)printf("%s: %.*s\n", name + 1, SLICE_ARGS(signature.title));
	memcpy(ret_key, signature.key, SIGNATURE_KEY_BYTES);
	arena_done(&arena);
	frame_lists_free(lists);
	json_decref(report);
	return true;
}

/* Of each pair it is known whether it is one bug. */
static void
groups_reports_of_abrt_as_they_are_known_to_be(void **state)
{
	(void)state;
	static const struct {
		const char *one, *other;
		bool is_same;
	} pairs[] = {
		{"/ureport_duplicate", "/ureport_duplicate2", true},
		{"/ureport_duplicate", "/ureport_duplicate3", true},
		{"/ureport_duplicate", "/ureport_duplicate4", true},
		{"/ureport1", "/ureport_solution_99", true},
		{"/ureport_core", "/ureport_core1", false},
		{"/ureport_core", "/ureport_solution", false},
		{"/ureport_duplicate", "/ureport_python", false},
		{"/ureport_python", "/ureport_ruby", false},
	};
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		uint8_t one[SIGNATURE_KEY_BYTES];
		uint8_t other[SIGNATURE_KEY_BYTES];
		if (!key_of_ureport(pairs[i].one, one) || !key_of_ureport(pairs[i].other, other))
			return;
		if ((memcmp(one, other, sizeof(one)) == 0) != pairs[i].is_same)
			fail_msg("%s and %s", pairs[i].one, pairs[i].other);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(agrees_with_the_names_of_socorro),
		cmocka_unit_test(knows_many_plain_names_of_socorros_list),
		cmocka_unit_test(normal_forms_of_real_names_are_final),
		cmocka_unit_test(groups_reports_of_abrt_as_they_are_known_to_be),
		cmocka_unit_test(agrees_with_the_distances_of_satyr_where_measures_must),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
