#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bucket/medoid.h"

static struct buf bytes;

static int
set_up(void **state)
{
	(void)state;
	buf_init(&bytes, 2 * MEDOID_BYTES_MAX);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	buf_done(&bytes);
	return 0;
}

static struct medoid
medoid_of(size_t n)
{
	struct medoid medoid = {0};
	for (size_t i = 0; i < n; i++)
		assert_true(medoid_push(&medoid, slice_of(&i, sizeof(i)), i % 3 == 0));
	return medoid;
}

static void
format(const struct medoid *medoid)
{
	buf_reset(&bytes);
	medoid_format(medoid, &bytes);
	assert_int_equal(buf_error(&bytes), OK);
}

static void
assert_refused(err_t err)
{
	struct medoid kept = medoid_of(2);
	struct medoid before = kept;
	assert_int_equal(medoid_parse(buf_slice(&bytes), &kept), err);
	assert_memory_equal(&kept, &before, sizeof(kept));
}

static void
refuses_bytes_that_end_anywhere(void **state)
{
	(void)state;
	struct medoid medoid = medoid_of(5);
	format(&medoid);
	while (bytes.len > 0) {
		bytes.len--;
		assert_refused(ERR_TRUNCATED);
	}
}

static void
refuses_another_version(void **state)
{
	(void)state;
	struct medoid medoid = medoid_of(1);
	format(&medoid);
	bytes.data[0] = 2;
	assert_refused(ERR_UNSUPPORTED);
}

static void
refuses_counts_that_cannot_be(void **state)
{
	(void)state;
	struct medoid medoid = medoid_of(MEDOID_FRAMES_MAX);
	format(&medoid);
	bytes.data[1] = MEDOID_FRAMES_MAX + 1;
	assert_refused(ERR_CORRUPT);
	bytes.data[1] = 0;
	assert_refused(ERR_CORRUPT);
}

static void
refuses_marks_of_frames_that_are_not_there(void **state)
{
	(void)state;
	struct medoid medoid = medoid_of(3);
	format(&medoid);
	bytes.data[2] |= 1 << 3;
	assert_refused(ERR_CORRUPT);
}

static void
refuses_bytes_left_over(void **state)
{
	(void)state;
	struct medoid medoid = medoid_of(3);
	format(&medoid);
	buf_append_byte(&bytes, 0);
	assert_refused(ERR_CORRUPT);
}

static void
comes_back_from_its_bytes(void **state)
{
	(void)state;
	for (size_t n = 1; n <= MEDOID_FRAMES_MAX; n++) {
		struct medoid medoid = medoid_of(n);
		struct medoid back;
		format(&medoid);
		assert_int_equal(bytes.len, 10 + 8 * n);
		assert_int_equal(medoid_parse(buf_slice(&bytes), &back), OK);
		assert_memory_equal(&back, &medoid, sizeof(back));
	}
}

static void
takes_no_more_than_its_frames(void **state)
{
	(void)state;
	struct medoid medoid = medoid_of(MEDOID_FRAMES_MAX);
	assert_false(medoid_push(&medoid, SLICE_LITERAL("one more"), true));
	assert_int_equal(medoid.n_frames, MEDOID_FRAMES_MAX);
}

static void
writes_nothing_for_no_frames(void **state)
{
	(void)state;
	struct medoid medoid = {0};
	format(&medoid);
	assert_int_equal(bytes.len, 0);
}

/* The bytes are kept in stores: they may not change with a build or a machine. */
static void
has_the_same_bytes_for_ever(void **state)
{
	(void)state;
	static const uint8_t wanted[] = {
		0x01, 0x02, 0x02, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0xa4, 0xd5, 0xfd,
		0x6e, 0xf6, 0xbe, 0x04, 0xdd, 0x13, 0x55, 0x41, 0x89, 0x42, 0xa7, 0x80, 0x6f,
	};
	struct medoid medoid = {0};
	assert_true(medoid_push(&medoid, SLICE_LITERAL("app.exe!main"), false));
	assert_true(medoid_push(&medoid, SLICE_LITERAL("ntdll!RtlUserThreadStart"), true));
	format(&medoid);
	assert_int_equal(bytes.len, sizeof(wanted));
	assert_memory_equal(bytes.data, wanted, sizeof(wanted));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_bytes_that_end_anywhere),
		cmocka_unit_test(refuses_another_version),
		cmocka_unit_test(refuses_counts_that_cannot_be),
		cmocka_unit_test(refuses_marks_of_frames_that_are_not_there),
		cmocka_unit_test(refuses_bytes_left_over),
		cmocka_unit_test(comes_back_from_its_bytes),
		cmocka_unit_test(takes_no_more_than_its_frames),
		cmocka_unit_test(writes_nothing_for_no_frames),
		cmocka_unit_test(has_the_same_bytes_for_ever),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
