#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "derived_fixture.h"
#include "store/derived_analysis.h"

static const struct told A = {.params = {"a.exe", "1"}, .is_cab_asked = true};
static const struct told B = {.params = {"b.exe", "1"}, .is_cab_asked = true};

static uint64_t
upload(struct fixture *f, const struct told *told)
{
	uint64_t id = fixture_tell(f, told);
	fixture_upload(f, id, 10);
	return id;
}

static struct analysis
done(uint64_t report, const char *class_text)
{
	struct analysis a = {
		.report = report,
		.state = ANALYSIS_DONE,
		.version = 1,
		.rating = RATING_LOW,
		.summary = SLICE_LITERAL("it fell"),
		.document = SLICE_LITERAL("{\"format\":1}"),
		.has_class = class_text != NULL,
	};
	if (class_text == NULL)
		return a;
	a.class_key = (struct class_key){.version = 1,
					 .title = slice_str(class_text),
					 .text = slice_str(class_text),
					 .medoid = slice_str(class_text)};
	memset(a.class_key.key, class_text[0], CLASS_KEY_BYTES);
	return a;
}

static void
put(struct fixture *f, struct analysis analysis)
{
	MUST(derived_put_analyses(f->derived, &analysis, 1, detail));
}

static void
expect_jobs(struct fixture *f, const uint64_t *reports, size_t count)
{
	struct analysis_job jobs[16];
	size_t n;
	MUST(derived_next_jobs(f->derived, jobs, 16, &n, detail));
	assert_int_equal(n, count);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(jobs[i].report, reports[i]);
}

static void
gives_the_first_of_each_bucket_before_its_company(void **state)
{
	struct fixture *f = fixture_new();
	(void)state;
	uint64_t a1 = upload(f, &A), a2 = upload(f, &A), b1 = upload(f, &B), a3 = upload(f, &A);
	(void)fixture_follow(f, 100);
	const uint64_t order[] = {a1, b1, a2, a3};
	expect_jobs(f, order, 4);
	put(f, done(a1, NULL));
	const uint64_t rest[] = {b1, a2, a3};
	expect_jobs(f, rest, 3);
	fixture_free(f);
}

static void
keeps_a_result_and_what_it_says(void **state)
{
	struct fixture *f = fixture_new();
	struct arena arena;
	struct analysis found;
	bool is_pending = false;
	(void)state;
	uint64_t id = upload(f, &A);
	(void)fixture_follow(f, 100);
	arena_init(&arena, 1 << 20);
	assert_int_equal(derived_find_analysis(f->derived, id, true, &arena, &found), ERR_NOTFOUND);
	MUST(derived_is_pending(f->derived, id, &is_pending));
	assert_true(is_pending);
	put(f, done(id, "class-1\nframe a"));
	MUST(derived_is_pending(f->derived, id, &is_pending));
	assert_false(is_pending);
	MUST(derived_find_analysis(f->derived, id, true, &arena, &found));
	assert_int_equal(found.state, ANALYSIS_DONE);
	assert_int_equal(found.rating, RATING_LOW);
	assert_true(slice_equal_str(found.summary, "it fell"));
	assert_true(slice_equal_str(found.document, "{\"format\":1}"));
	assert_true(slice_equal_str(found.class_key.text, "class-1\nframe a"));
	MUST(derived_find_analysis(f->derived, id, false, &arena, &found));
	assert_true(slice_is_absent(found.document));
	arena_done(&arena);
	fixture_free(f);
}

static void
does_not_count_a_result_twice(void **state)
{
	struct fixture *f = fixture_new();
	struct arena arena;
	struct derived_class class;
	(void)state;
	uint64_t id = upload(f, &A);
	(void)fixture_follow(f, 100);
	arena_init(&arena, 1 << 20);
	struct analysis a = done(id, "a");
	put(f, a);
	put(f, a);
	put(f, done(id, "b"));
	MUST(derived_find_class(f->derived, class_id(a.class_key.key), &arena, &class));
	assert_int_equal(class.hits, 1);
	assert_int_equal(derived_find_class(f->derived, class_id(done(id, "b").class_key.key),
					    &arena, &class),
			 ERR_NOTFOUND);
	arena_done(&arena);
	fixture_free(f);
}

static void
tries_what_failed_again_with_another_version_alone(void **state)
{
	struct fixture *f = fixture_new();
	size_t count;
	(void)state;
	uint64_t id = upload(f, &A);
	(void)fixture_follow(f, 100);
	struct analysis failed = done(id, NULL);
	failed.state = ANALYSIS_FAILED;
	put(f, failed);
	expect_jobs(f, NULL, 0);
	MUST(derived_retry_failed(f->derived, 1, &count, detail));
	assert_int_equal(count, 0);
	MUST(derived_retry_failed(f->derived, 2, &count, detail));
	assert_int_equal(count, 1);
	expect_jobs(f, &id, 1);
	failed.version = 2;
	put(f, failed);
	MUST(derived_retry_failed(f->derived, 2, &count, detail));
	assert_int_equal(count, 0);
	fixture_free(f);
}

static err_t
gather(void *context, uint64_t id)
{
	uint64_t **next = context;
	*(*next)++ = id;
	return OK;
}

static void
is_the_same_in_whatever_order_results_come(void **state)
{
	static const size_t orders[][3] = {{0, 1, 2}, {2, 1, 0}, {1, 2, 0}};
	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct fixture *f = fixture_new();
		struct arena arena;
		struct derived_class class;
		uint64_t ids[3];
		for (size_t j = 0; j < 3; j++)
			ids[j] = upload(f, &A);
		(void)fixture_follow(f, 100);
		arena_init(&arena, 1 << 20);
		static const char *const texts[] = {"x first", "x second", "x third"};
		for (size_t j = 0; j < 3; j++)
			put(f, done(ids[orders[i][j]], texts[orders[i][j]]));
		MUST(derived_find_class(f->derived, class_id(done(1, "x").class_key.key), &arena,
					&class));
		assert_int_equal(class.hits, 3);
		assert_int_equal(class.first_report, ids[0]);
		assert_int_equal(class.last_report, ids[2]);
		assert_int_equal(class.medoid_report, ids[0]);
		assert_true(slice_equal_str(class.key.title, "x first"));
		uint64_t listed[3], *next = listed;
		MUST(derived_each_class_report(f->derived, class.id, (struct page){.limit = 3},
					       gather, &next));
		assert_int_equal(next - listed, 3);
		assert_int_equal(listed[0], ids[2]);
		arena_done(&arena);
		fixture_free(f);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(does_not_count_a_result_twice),
		cmocka_unit_test(tries_what_failed_again_with_another_version_alone),
		cmocka_unit_test(gives_the_first_of_each_bucket_before_its_company),
		cmocka_unit_test(keeps_a_result_and_what_it_says),
		cmocka_unit_test(is_the_same_in_whatever_order_results_come),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
