#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/reader.h"

static void
an_arena_refuses_what_passes_its_cap(void **state)
{
	(void)state;
	struct arena arena;
	arena_init(&arena, 64);
	assert_null(arena_alloc(&arena, 65));
	assert_null(arena_alloc(&arena, SIZE_MAX));
	assert_null(arena_array(&arena, SIZE_MAX / 2, 3));
	assert_null(arena_array(&arena, 1000, 1000));
	assert_non_null(arena_alloc(&arena, 64));
	assert_null(arena_alloc(&arena, 1));
	assert_null(arena_alloc(&arena, 0));
	assert_null(arena_str(&arena, SLICE_LITERAL("x")));
	assert_null(arena_printf(&arena, "%d", 42));
	assert_true(slice_is_absent(slice_dup(&arena, SLICE_LITERAL("x"))));
	arena_done(&arena);
}

static void
an_arena_without_a_cap_survives_absurd_sizes(void **state)
{
	(void)state;
	struct arena arena;
	arena_init(&arena, SIZE_MAX);
	assert_null(arena_alloc(&arena, SIZE_MAX));
	assert_null(arena_alloc(&arena, SIZE_MAX - 14));
	assert_non_null(arena_alloc(&arena, 0));
	arena_done(&arena);
}

static void
allocations_are_zeroed_aligned_and_apart(void **state)
{
	(void)state;
	struct arena arena;
	uint8_t *last = NULL;
	arena_init(&arena, 1 << 20);
	for (int round = 0; round < 3; round++) {
		for (size_t bytes = 1; bytes < 600; bytes += 7) {
			uint8_t *at = arena_alloc(&arena, bytes);
			assert_non_null(at);
			assert_int_equal((uintptr_t)at % 16, 0);
			assert_ptr_not_equal(at, last);
			for (size_t i = 0; i < bytes; i++)
				assert_int_equal(at[i], 0);
			memset(at, 0xa5, bytes);
			last = at;
		}
		arena_reset(&arena);
		assert_int_equal(arena.used_bytes, 0);
	}
	arena_done(&arena);
	struct arena zeroed = {0};
	arena_done(&zeroed);
}

static void
copies_keep_absent_apart_from_empty(void **state)
{
	(void)state;
	struct arena arena;
	arena_init(&arena, 4096);
	assert_true(slice_is_absent(slice_dup(&arena, (struct slice){NULL, 0})));
	struct slice empty = slice_dup(&arena, SLICE_LITERAL(""));
	assert_false(slice_is_absent(empty));
	assert_int_equal(empty.len, 0);
	struct slice copy = slice_dup(&arena, SLICE_LITERAL("a\0b"));
	assert_true(slice_equal(copy, SLICE_LITERAL("a\0b")));
	assert_int_equal(copy.data[3], '\0');
	assert_string_equal(arena_printf(&arena, "%s-%d", "x", 5), "x-5");
	arena_done(&arena);
}

static void
a_buf_holds_its_cap_exactly_and_not_a_byte_more(void **state)
{
	(void)state;
	struct buf buf;
	buf_init(&buf, 5);
	buf_printf(&buf, "%s", "12345");
	assert_int_equal(buf_error(&buf), OK);
	buf_append(&buf, SLICE_LITERAL(""));
	assert_int_equal(buf_error(&buf), OK);
	buf_append_byte(&buf, '6');
	assert_int_equal(buf_error(&buf), ERR_LIMIT);
	assert_true(slice_equal_str(buf_slice(&buf), "12345"));
	buf_done(&buf);
	buf_init(&buf, 0);
	assert_int_equal(buf_slice(&buf).len, 0);
	assert_non_null(buf_slice(&buf).data);
	buf_append_str(&buf, "x");
	assert_int_equal(buf_error(&buf), ERR_LIMIT);
	buf_done(&buf);
}

static void
an_error_of_a_buf_stays_until_reset(void **state)
{
	(void)state;
	struct buf buf;
	buf_init(&buf, 4);
	buf_append_str(&buf, "too long");
	buf_append_str(&buf, "a");
	buf_append_zero(&buf, 1);
	buf_printf(&buf, "b");
	assert_null(buf_room(&buf, 1));
	assert_int_equal(buf_slice(&buf).len, 0);
	buf_reset(&buf);
	assert_int_equal(buf_error(&buf), OK);
	assert_null(buf_room(&buf, SIZE_MAX));
	buf_reset(&buf);
	buf_append_zero(&buf, 2);
	buf_append_byte(&buf, 'x');
	assert_true(slice_equal(buf_slice(&buf), SLICE_LITERAL("\0\0x")));
	buf_done(&buf);
}

static void
a_buf_grows_over_many_appends(void **state)
{
	(void)state;
	struct buf buf;
	buf_init(&buf, 1 << 20);
	for (int i = 0; i < 10000; i++)
		buf_printf(&buf, "%04d", i);
	assert_int_equal(buf_slice(&buf).len, 40000);
	assert_true(slice_equal_str(slice_sub(buf_slice(&buf), 4 * 9876, 4), "9876"));
	buf_done(&buf);
}

static void
a_reader_cut_at_any_length_reads_zero_and_keeps_the_offset(void **state)
{
	(void)state;
	static const uint8_t bytes[17] = {1,  2,  3,  4,  5,  6,  7,  8, 9,
					  10, 11, 12, 13, 14, 15, 16, 17};
	for (size_t len = 0; len <= sizeof(bytes); len++) {
		struct reader r;
		reader_init(&r, slice_of(bytes, len));
		uint8_t u8 = reader_u8(&r);
		uint16_t u16 = reader_u16(&r);
		uint32_t u32 = reader_u32(&r);
		uint64_t u64 = reader_u64(&r);
		uint16_t be = reader_u16_be(&r);
		assert_int_equal(u8, len >= 1 ? 1 : 0);
		assert_int_equal(u16, len >= 3 ? 0x0302 : 0);
		assert_true(u32 == (len >= 7 ? 0x07060504 : 0));
		assert_true(u64 == (len >= 15 ? UINT64_C(0x0f0e0d0c0b0a0908) : 0));
		assert_int_equal(be, len >= 17 ? 0x1011 : 0);
		assert_int_equal(r.error, len >= 17 ? OK : ERR_TRUNCATED);
		if (r.error != OK)
			assert_int_equal(r.error_offset, len < 1    ? 0
							 : len < 3  ? 1
							 : len < 7  ? 3
							 : len < 15 ? 7
								    : 15);
		assert_int_equal(reader_left(&r), 0);
	}
}

static void
a_reader_keeps_its_first_error(void **state)
{
	(void)state;
	struct reader r;
	reader_init(&r, SLICE_LITERAL("abcd"));
	assert_true(slice_equal_str(reader_bytes(&r, 2), "ab"));
	assert_int_equal(reader_left(&r), 2);
	reader_fail(&r, ERR_CORRUPT);
	reader_fail(&r, ERR_LIMIT);
	assert_int_equal(reader_bytes(&r, 1).len, 0);
	assert_non_null(reader_bytes(&r, SIZE_MAX).data);
	assert_int_equal(r.error, ERR_CORRUPT);
	assert_int_equal(r.error_offset, 2);
	reader_init(&r, (struct slice){NULL, 0});
	assert_int_equal(reader_bytes(&r, 0).len, 0);
	assert_int_equal(r.error, OK);
	assert_int_equal(reader_u8(&r), 0);
	assert_int_equal(r.error, ERR_TRUNCATED);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_arena_refuses_what_passes_its_cap),
		cmocka_unit_test(an_arena_without_a_cap_survives_absurd_sizes),
		cmocka_unit_test(allocations_are_zeroed_aligned_and_apart),
		cmocka_unit_test(copies_keep_absent_apart_from_empty),
		cmocka_unit_test(a_buf_holds_its_cap_exactly_and_not_a_byte_more),
		cmocka_unit_test(an_error_of_a_buf_stays_until_reset),
		cmocka_unit_test(a_buf_grows_over_many_appends),
		cmocka_unit_test(a_reader_cut_at_any_length_reads_zero_and_keeps_the_offset),
		cmocka_unit_test(a_reader_keeps_its_first_error),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
