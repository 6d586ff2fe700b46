#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "cer/upload_path.h"

enum {
	PATH_LEN = 5 + 64 + 4 /* "/cab/", digits, ".cab" */
};

static const uint8_t key[UPLOAD_KEY_BYTES] = "the key of these tests, 32 bytes";

static const struct upload_ticket ticket = {
	.report_id = UINT64_C(0x0123456789abcdef),
	.expires_us = INT64_C(1764040313000000),
	.max_bytes = UINT64_C(64) * 1024 * 1024,
};

static void
format(const struct upload_ticket *from, char text[PATH_LEN + 1])
{
	struct buf out;
	buf_init(&out, PATH_LEN);
	upload_path_format(from, key, &out);
	assert_int_equal(buf_error(&out), OK);
	assert_int_equal(out.len, PATH_LEN);
	memcpy(text, out.data, PATH_LEN);
	text[PATH_LEN] = 0;
	buf_done(&out);
}

static err_t
parse(const char *target)
{
	struct upload_ticket got = {.report_id = 4711};
	err_t err = upload_path_parse(slice_str(target), key, &got);
	if (err != OK) {
		assert_int_equal(got.report_id, 4711);
		return err;
	}
	assert_int_equal(got.report_id, ticket.report_id);
	assert_int_equal(got.expires_us, ticket.expires_us);
	assert_int_equal(got.max_bytes, ticket.max_bytes);
	return OK;
}

/* The ticket's digits between BEFORE and BEHIND. */
static err_t
parse_around(const char *before, const char *behind)
{
	char path[PATH_LEN + 1];
	char target[512];
	format(&ticket, path);
	(void)snprintf(target, sizeof(target), "%s%.64s%s", before, path + 5, behind);
	return parse(target);
}

static void
refuses_every_changed_bit(void **state)
{
	char path[PATH_LEN + 1];
	(void)state;
	format(&ticket, path);
	for (size_t i = 0; i < 64; i++) {
		for (const char *digit = "0123456789abcdef"; *digit != 0; digit++) {
			char kept = path[5 + i];
			path[5 + i] = *digit;
			assert_int_equal(parse(path), *digit == kept ? OK : ERR_DENIED);
			path[5 + i] = kept;
		}
	}
}

/* No byte of the path but those that differ in case alone may be another. */
static void
refuses_every_changed_byte(void **state)
{
	char path[PATH_LEN + 1];
	(void)state;
	format(&ticket, path);
	for (size_t i = 0; i < PATH_LEN; i++) {
		for (unsigned byte = 0; byte < 256; byte++) {
			char kept = path[i];
			bool is_separator = kept == '/' && byte == '\\';
			bool is_same = byte == (unsigned char)kept ||
				       (kept >= 'a' && byte == (unsigned char)kept - 32U);
			struct upload_ticket got;
			path[i] = (char)byte;
			err_t err = upload_path_parse(slice_of(path, PATH_LEN), key, &got);
			path[i] = kept;
			if ((err == OK) != (is_same || is_separator))
				fail_msg("byte %zu as %02x: %s", i, byte, err_name(err));
		}
	}
}

static void
refuses_another_key(void **state)
{
	uint8_t other[UPLOAD_KEY_BYTES];
	struct upload_ticket got;
	char path[PATH_LEN + 1];
	(void)state;
	format(&ticket, path);
	for (size_t bit = 0; bit < 8 * UPLOAD_KEY_BYTES; bit++) {
		memcpy(other, key, sizeof(other));
		other[bit / 8] ^= (uint8_t)(1U << bit % 8);
		assert_int_equal(upload_path_parse(slice_of(path, PATH_LEN), other, &got),
				 ERR_DENIED);
	}
}

static void
refuses_other_paths(void **state)
{
	static const char *const around[][2] = {
		{"", ".cab"},
		{"cab/", ".cab"},
		{"/", ".cab"},
		{"/cab", ".cab"},
		{"/cabs/", ".cab"},
		{"/x/cab/", ".cab"},
		{"/cab/x/", ".cab"},
		{"/cab/../cab/", ".cab"},
		{"/%63ab/", ".cab"},
		{"/cab/", ""},
		{"/cab/", ".ca"},
		{"/cab/", ".cabs"},
		{"/cab/", ".cab/"},
		{"/cab/", "%2ecab"},
		{"/cab/", "0.cab"},
		{"/cab/ ", ".cab"},
		{"/cab/0x", ".cab"},
		{"/cab%", ".cab"},
		{"/cab%5", ".cab"},
		{"/cab%255C", ".cab"},
		{"ftp://host/cab/", ".cab"},
		{"http://host", ".cab"},
		{"http:/cab/", ".cab"},
		{"/?/cab/", ".cab"},
		{"/#/cab/", ".cab"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(around) / sizeof(around[0]); i++) {
		err_t err = parse_around(around[i][0], around[i][1]);
		if (err != ERR_NOTFOUND)
			fail_msg("%s...%s: %s", around[i][0], around[i][1], err_name(err));
	}
	assert_int_equal(parse(""), ERR_NOTFOUND);
	assert_int_equal(parse("/"), ERR_NOTFOUND);
	assert_int_equal(parse("/cab/.cab"), ERR_NOTFOUND);
	assert_int_equal(parse("http://"), ERR_NOTFOUND);
	assert_int_equal(parse("*"), ERR_NOTFOUND);
}

/* A path cut anywhere is none. */
static void
refuses_every_cut_path(void **state)
{
	char path[PATH_LEN + 1];
	struct upload_ticket got;
	(void)state;
	format(&ticket, path);
	for (size_t len = 0; len < PATH_LEN; len++)
		assert_int_equal(upload_path_parse(slice_of(path, len), key, &got), ERR_NOTFOUND);
}

static void
takes_it_back_in_every_spelling(void **state)
{
	static const char *const around[][2] = {
		{"/cab/", ".cab"},
		{"/CAB/", ".CAB"},
		{"\\cab\\", ".cab"},
		{"/\\cab\\", ".cab"},
		{"%5Ccab%5C", ".cab"},
		{"/%5ccab%5C", ".cab"},
		{"%2Fcab%2f", ".cab"},
		{"//cab//", ".cab"},
		{"/cab%5C\\/", ".cab"},
		{"http://wer.example.org:1273/cab/", ".cab"},
		{"HTTPS://wer.example.org\\cab\\", ".cab"},
		{"http://wer.example.org:1273%5Ccab%5C", ".cab"},
		{"http://[2001:db8::1]:1273/cab/", ".cab"},
		{"/cab/", ".cab?x=1"},
		{"/cab/", ".cab?"},
		{"/cab/", ".cab#top"},
		{"/cab/", ".cab?/other/path#?"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(around) / sizeof(around[0]); i++) {
		err_t err = parse_around(around[i][0], around[i][1]);
		if (err != OK)
			fail_msg("%s...%s: %s", around[i][0], around[i][1], err_name(err));
	}
}

static void
takes_digits_of_any_case(void **state)
{
	char path[PATH_LEN + 1];
	(void)state;
	format(&ticket, path);
	for (size_t i = 0; i < PATH_LEN; i++)
		if (path[i] >= 'a' && path[i] <= 'z')
			path[i] = (char)(path[i] - 32);
	assert_int_equal(parse(path), OK);
}

static struct upload_ticket
there_and_back(struct upload_ticket from)
{
	char path[PATH_LEN + 1];
	struct upload_ticket got;
	format(&from, path);
	assert_int_equal(upload_path_parse(slice_of(path, PATH_LEN), key, &got), OK);
	return got;
}

static void
keeps_seconds_and_kibibytes(void **state)
{
	(void)state;
	struct upload_ticket got = there_and_back((struct upload_ticket){
		.report_id = UINT64_MAX, .expires_us = 1999999, .max_bytes = 1});
	assert_int_equal(got.report_id, UINT64_MAX);
	assert_int_equal(got.expires_us, 1000000);
	assert_int_equal(got.max_bytes, 1024);
	got = there_and_back((struct upload_ticket){.max_bytes = 1024});
	assert_int_equal(got.max_bytes, 1024);
	got = there_and_back((struct upload_ticket){.max_bytes = 1025});
	assert_int_equal(got.max_bytes, 2048);
	got = there_and_back((struct upload_ticket){0});
	assert_int_equal(got.max_bytes, 0);
	assert_int_equal(got.expires_us, 0);
}

static void
keeps_to_what_its_digits_can_say(void **state)
{
	(void)state;
	struct upload_ticket got = there_and_back(
		(struct upload_ticket){.expires_us = INT64_MAX, .max_bytes = UINT64_MAX});
	assert_int_equal(got.expires_us, INT64_C(1000000) * UINT32_MAX);
	assert_int_equal(got.max_bytes, UINT64_C(1024) * UINT32_MAX);
	got = there_and_back((struct upload_ticket){.expires_us = INT64_MIN});
	assert_int_equal(got.expires_us, 0);
}

/* The layout is a promise to collectors of other versions that share the key. */
static void
writes_the_layout_of_the_header(void **state)
{
	char path[PATH_LEN + 1];
	(void)state;
	format(&ticket, path);
	assert_memory_equal(path, "/cab/0123456789abcdef69251e7900010000", 37);
	assert_string_equal(path + PATH_LEN - 4, ".cab");
}

static void
knows_the_page_of_level_1(void **state)
{
	static const char *const pages[] = {
		"/stage2.htm",
		"/STAGE2.HTM",
		"/a/b/stage2.htm",
		"/dw/Stage2.htm?x=1",
		"/stage2.htm#y",
		"\\stage2.htm",
		"/a%5Cstage2.htm",
		"/a%2fstage2.htm",
		"stage2.htm",
		"http://wer.example.org:1273/stage2.htm",
		"http://wer.example.org/corp/stage2.htm?",
		"//stage2.htm",
	};
	static const char *const others[] = {
		"",
		"/",
		"/stage2.html",
		"/stage2.htm/",
		"/stage2.htm/x",
		"/xstage2.htm",
		"/abstage2.htm",
		"%5cabstage2.htm",
		"/stage1.htm",
		"/?/stage2.htm",
		"/x#/stage2.htm",
		"http://stage2.htm",
		"/stage2%2ehtm",
		"tage2.htm",
	};
	(void)state;
	for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++)
		if (!upload_path_is_stage2(slice_str(pages[i])))
			fail_msg("%s is", pages[i]);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (upload_path_is_stage2(slice_str(others[i])))
			fail_msg("%s is not", others[i]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_every_changed_bit),
		cmocka_unit_test(refuses_every_changed_byte),
		cmocka_unit_test(refuses_another_key),
		cmocka_unit_test(refuses_other_paths),
		cmocka_unit_test(refuses_every_cut_path),
		cmocka_unit_test(takes_it_back_in_every_spelling),
		cmocka_unit_test(takes_digits_of_any_case),
		cmocka_unit_test(keeps_seconds_and_kibibytes),
		cmocka_unit_test(keeps_to_what_its_digits_can_say),
		cmocka_unit_test(writes_the_layout_of_the_header),
		cmocka_unit_test(knows_the_page_of_level_1),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
