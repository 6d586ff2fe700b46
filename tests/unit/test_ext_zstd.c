#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ext/zstd.h"

static const char dictionary_text[] =
	"<PARAMETER id=\"0\" name=\"Application Name\" value=\"\"/> <WERREPORT> </WERREPORT>";
static const char text[] =
	"<WERREPORT><PARAMETER id=\"0\" name=\"Application Name\" value=\"calc.exe\"/></WERREPORT>";

static struct buf frame;
static struct buf out;
static struct zstd_unpacker *unpacker;

static int
set_up(void **state)
{
	(void)state;
	struct zstd_packer *packer =
		zstd_packer_new(slice_of(dictionary_text, sizeof(dictionary_text)), 3);
	buf_init(&frame, 1 << 20);
	buf_init(&out, 1 << 20);
	zstd_pack(packer, slice_of(text, sizeof(text)), &frame);
	zstd_packer_free(packer);
	unpacker = zstd_unpacker_new(slice_of(dictionary_text, sizeof(dictionary_text)));
	return buf_error(&frame) != OK;
}

static int
tear_down(void **state)
{
	(void)state;
	zstd_unpacker_free(unpacker);
	buf_done(&frame);
	buf_done(&out);
	return 0;
}

static void
refuses_a_frame_that_was_cut_anywhere(void **state)
{
	(void)state;
	for (size_t len = 0; len < frame.len; len++) {
		struct slice cut = slice_sub(buf_slice(&frame), 0, len);
		assert_int_equal(zstd_unpack(unpacker, cut, 1000, &out), ERR_CORRUPT);
	}
	assert_int_equal(out.len, 0);
}

/* The checksum is over the content: bits of the head that change nothing may pass. */
static void
never_gives_other_bytes_than_were_packed(void **state)
{
	(void)state;
	for (size_t bit = 0; bit < frame.len * 8; bit++) {
		frame.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		buf_reset(&out);
		if (zstd_unpack(unpacker, buf_slice(&frame), 1000, &out) == OK)
			assert_true(slice_equal(buf_slice(&out), slice_of(text, sizeof(text))));
		frame.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
}

static void
refuses_more_than_was_allowed(void **state)
{
	(void)state;
	struct slice all = buf_slice(&frame);
	assert_int_equal(zstd_unpack(unpacker, all, sizeof(text) - 1, &out), ERR_LIMIT);
	assert_int_equal(zstd_unpack(unpacker, all, sizeof(text), &out), OK);
	struct buf small;
	buf_init(&small, sizeof(text) - 1);
	assert_int_equal(zstd_unpack(unpacker, all, sizeof(text), &small), ERR_LIMIT);
	buf_done(&small);
}

static void
refuses_another_dictionarys_frame(void **state)
{
	(void)state;
	struct zstd_unpacker *without = zstd_unpacker_new((struct slice){0});
	assert_int_equal(zstd_unpack(without, buf_slice(&frame), 1000, &out), ERR_CORRUPT);
	zstd_unpacker_free(without);
}

static void
appends_what_was_packed(void **state)
{
	(void)state;
	buf_append_str(&out, "before ");
	assert_int_equal(zstd_unpack(unpacker, buf_slice(&frame), 1000, &out), OK);
	assert_true(
		slice_equal(slice_sub(buf_slice(&out), 7, SIZE_MAX), slice_of(text, sizeof(text))));
	assert_true(frame.len < sizeof(text) / 2 + 10);
}

static void
packs_nothing_too(void **state)
{
	(void)state;
	struct zstd_packer *packer = zstd_packer_new((struct slice){0}, 1);
	struct zstd_unpacker *without = zstd_unpacker_new((struct slice){0});
	buf_reset(&frame);
	zstd_pack(packer, SLICE_LITERAL(""), &frame);
	assert_int_equal(zstd_unpack(without, buf_slice(&frame), 0, &out), OK);
	assert_int_equal(out.len, 0);
	zstd_packer_free(packer);
	zstd_unpacker_free(without);
}

static void
freeing_nothing_is_fine(void **state)
{
	(void)state;
	zstd_packer_free(NULL);
	zstd_unpacker_free(NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(refuses_a_frame_that_was_cut_anywhere),
		TEST(never_gives_other_bytes_than_were_packed),
		TEST(refuses_more_than_was_allowed),
		TEST(refuses_another_dictionarys_frame),
		TEST(appends_what_was_packed),
		TEST(packs_nothing_too),
		TEST(freeing_nothing_is_fine),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
