/* Names become readable, are judged, and become safe file names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cab_collect.h"

#define F(name) CAB_MEMBER_##name

struct named {
	const char *raw;
	uint16_t attributes;
	const char *name;
	const char *safe;
	uint32_t flags;
	enum cab_encoding encoding;
};

static void
open_names(const struct named *named, size_t n, struct cab_builder **ret_builder,
	   struct cab **ret_cab)
{
	struct cab_fault fault = {0};
	struct cab_builder *b = builder_new();
	(void)builder_folder(b, BUILDER_STORED);
	for (size_t i = 0; i < n; i++)
		builder_member(b, slice_str(named[i].raw), SLICE_LITERAL("x"))->attributes =
			named[i].attributes;
	if (cab_open(builder_finish(b), NULL, ret_cab, &fault) != OK)
		fail_msg("%s", cab_reason_name(fault.reason));
	*ret_builder = b;
}

/* Each in a cabinet of its own. */
static void
assert_named(const struct named *named, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct cab_builder *b;
		struct cab *cab;
		open_names(&named[i], 1, &b, &cab);
		const struct cab_member *m = &cab_info(cab)->members[0];
		if (!slice_equal_str(m->name, named[i].name) ||
		    !slice_equal_str(m->safe_name, named[i].safe) || m->flags != named[i].flags ||
		    m->encoding != named[i].encoding)
			fail_msg("%s: \"%.*s\" \"%.*s\" %x %s", named[i].raw, SLICE_ARGS(m->name),
				 SLICE_ARGS(m->safe_name), m->flags,
				 cab_encoding_name(m->encoding));
		assert_true(slice_equal_str(m->raw_name, named[i].raw));
		assert_int_equal(m->safe_name.data[m->safe_name.len], 0);
		cab_close(cab);
		builder_free(b);
	}
}

static void
paths_never_leave_a_folder(void **state)
{
	(void)state;
	static const struct named named[] = {
		{"..\\evil.exe", 0, "../evil.exe", "___evil.exe", F(TRAVERSAL), CAB_ASCII},
		{"a\\..\\..\\b", 0, "a/../../b", "a_.._.._b", F(TRAVERSAL), CAB_ASCII},
		{"a/..", 0, "a/..", "a___", F(TRAVERSAL), CAB_ASCII},
		{"..", 0, "..", "__", F(TRAVERSAL), CAB_ASCII},
		{"a\\.. \\b", 0, "a/.. /b", "a_.. _b", F(TRAVERSAL) | F(HIDDEN) | F(TRAILING),
		 CAB_ASCII},
		{"a\\...\\b", 0, "a/.../b", "a_..._b", F(TRAVERSAL) | F(HIDDEN) | F(TRAILING),
		 CAB_ASCII},
		{".", 0, ".", "_", 0, CAB_ASCII},
		{"a\\.\\b", 0, "a/./b", "a_._b", 0, CAB_ASCII},
		{"\\x", 0, "/x", "_x", F(ABSOLUTE), CAB_ASCII},
		{"/etc/passwd", 0, "/etc/passwd", "_etc_passwd", F(ABSOLUTE), CAB_ASCII},
		{"\\\\host\\share\\x", 0, "//host/share/x", "__host_share_x", F(ABSOLUTE),
		 CAB_ASCII},
		{"a\\b/c", 0, "a/b/c", "a_b_c", F(MIXED_SLASHES), CAB_ASCII},
		{"C:\\x", 0, "C:/x", "C__x", F(DRIVE), CAB_ASCII},
		{"c:x", 0, "c:x", "c_x", F(DRIVE), CAB_ASCII},
		{"1:x", 0, "1:x", "1_x", F(STREAM), CAB_ASCII},
		{"a.txt:hidden", 0, "a.txt:hidden", "a.txt_hidden", F(STREAM), CAB_ASCII},
	};
	assert_named(named, sizeof(named) / sizeof(named[0]));
}

static void
devices_and_strange_characters_are_flagged(void **state)
{
	(void)state;
	static const struct named named[] = {
		{"CON", 0, "CON", "_CON", F(DEVICE), CAB_ASCII},
		{"nul.txt", 0, "nul.txt", "_nul.txt", F(DEVICE), CAB_ASCII},
		{"d\\aux .c", 0, "d/aux .c", "d_aux .c", F(DEVICE), CAB_ASCII},
		{"Lpt9", 0, "Lpt9", "_Lpt9", F(DEVICE), CAB_ASCII},
		{"COM\xb2.x", 0, "COM\xc2\xb2.x", "_COM\xc2\xb2.x", F(DEVICE), CAB_CP1252},
		{"conout$", 0, "conout$", "_conout$", F(DEVICE), CAB_ASCII},
		{"con:", 0, "con:", "_con_", F(DEVICE) | F(STREAM), CAB_ASCII},
		{"COM0", 0, "COM0", "COM0", 0, CAB_ASCII},
		{"COM", 0, "COM", "COM", 0, CAB_ASCII},
		{"console", 0, "console", "console", 0, CAB_ASCII},
		{"a\x01z\x7f", 0, "a\xef\xbf\xbdz\xef\xbf\xbd", "a_z_", F(CONTROL), CAB_ASCII},
		{"a\nb", 0,
		 "a\xef\xbf\xbd"
		 "b",
		 "a_b", F(CONTROL), CAB_ASCII},
		{"a?b*<>|\"", 0, "a?b*<>|\"", "a_b_____", F(FORBIDDEN), CAB_ASCII},
		{"\xe2\x80\xae"
		 "fdp.exe",
		 CAB_ATTRIBUTE_UTF8,
		 "\xe2\x80\xae"
		 "fdp.exe",
		 "_fdp.exe", F(DIRECTION), CAB_UTF8},
		{"a. ", 0, "a. ", "a__", F(TRAILING), CAB_ASCII},
		{".profile", 0, ".profile", "_profile", F(HIDDEN), CAB_ASCII},
		{"x", CAB_ATTRIBUTE_HIDDEN, "x", "x", F(HIDDEN), CAB_ASCII},
		{"x", CAB_ATTRIBUTE_SYSTEM, "x", "x", F(HIDDEN), CAB_ASCII},
		{"x", CAB_ATTRIBUTE_RUN, "x", "x", F(RUN), CAB_ASCII},
		{" ", 0, " ", "_", F(TRAILING), CAB_ASCII},
		{"12~x", 0, "12~x", "12_x", 0, CAB_ASCII},
		{"a~1.txt", 0, "a~1.txt", "a~1.txt", 0, CAB_ASCII},
	};
	assert_named(named, sizeof(named) / sizeof(named[0]));
}

static void
code_pages_are_guessed_and_readable(void **state)
{
	(void)state;
	static const struct named named[] = {
		{"\xd0\x96.txt", CAB_ATTRIBUTE_UTF8, "\xd0\x96.txt", "\xd0\x96.txt", 0, CAB_UTF8},
		{"\xf0\x9f\x98\x80", CAB_ATTRIBUTE_UTF8, "\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80", 0,
		 CAB_UTF8},
		{"plain", CAB_ATTRIBUTE_UTF8, "plain", "plain", 0, CAB_ASCII},
		{"\xfc"
		 "ber",
		 CAB_ATTRIBUTE_UTF8,
		 "\xc3\xbc"
		 "ber",
		 "\xc3\xbc"
		 "ber",
		 F(BROKEN_TEXT), CAB_CP1252},
		{"\xc0\xae\xc0\xae", CAB_ATTRIBUTE_UTF8, "\xc3\x80\xc2\xae\xc3\x80\xc2\xae",
		 "\xc3\x80\xc2\xae\xc3\x80\xc2\xae", F(BROKEN_TEXT), CAB_CP1252},
		{"\xfc"
		 "ber\x80",
		 0,
		 "\xc3\xbc"
		 "ber\xe2\x82\xac",
		 "\xc3\xbc"
		 "ber\xe2\x82\xac",
		 0, CAB_CP1252},
		{"\x81"
		 "ber\xe1",
		 0,
		 "\xc3\xbc"
		 "ber\xc3\x9f",
		 "\xc3\xbc"
		 "ber\xc3\x9f",
		 0, CAB_CP437},
	};
	assert_named(named, sizeof(named) / sizeof(named[0]));
}

static void
long_names_keep_their_ending(void **state)
{
	(void)state;
	struct cab_builder *b;
	struct cab *cab;
	char ascii[256] = {0};
	char umlauts[256] = {0};
	char bare[256] = {0};
	memset(ascii, 'a', 251);
	memcpy(ascii + 251, ".txt", 4);
	memset(umlauts, 0x81, 255);
	memset(bare, 'b', 255);
	const struct named named[] = {
		{ascii, 0, "", "", 0, CAB_ASCII},
		{umlauts, 0, "", "", 0, CAB_ASCII},
		{bare, 0, "", "", 0, CAB_ASCII},
	};
	open_names(named, 3, &b, &cab);
	const struct cab_member *m = cab_info(cab)->members;
	assert_int_equal(m[0].safe_name.len, CAB_SAFE_NAME_BYTES);
	assert_true(slice_ends_with(m[0].safe_name, SLICE_LITERAL("aa.txt")));
	assert_int_equal(m[1].name.len, 510);
	assert_in_range(m[1].safe_name.len, CAB_SAFE_NAME_BYTES - 3, CAB_SAFE_NAME_BYTES);
	assert_true(slice_ends_with(m[1].safe_name, SLICE_LITERAL("\xc3\xbc_")));
	assert_int_equal(m[2].safe_name.len, CAB_SAFE_NAME_BYTES);
	cab_close(cab);
	builder_free(b);
}

static void
names_that_come_again_are_told_apart(void **state)
{
	(void)state;
	static const struct named named[] = {
		{"a.txt", 0, "a.txt", "a.txt", 0, CAB_ASCII},
		{"A.TXT", 0, "A.TXT", "1~A.TXT", F(DUPLICATE), CAB_ASCII},
		{"d\\a", 0, "d/a", "d_a", 0, CAB_ASCII},
		{"d_a", 0, "d_a", "3~d_a", 0, CAB_ASCII},
		{"a.txt", 0, "a.txt", "4~a.txt", F(DUPLICATE), CAB_ASCII},
		{"1~A.TXT", 0, "1~A.TXT", "1_A.TXT", 0, CAB_ASCII},
		{"d/A", 0, "d/A", "6~d_A", F(DUPLICATE), CAB_ASCII},
		{"\xc4", 0, "\xc3\x84", "\xc3\x84", 0, CAB_CP1252},
		{"\xe4", 0, "\xc3\xa4", "8~\xc3\xa4", F(DUPLICATE), CAB_CP1252},
		{"\xd0\x96", CAB_ATTRIBUTE_UTF8, "\xd0\x96", "\xd0\x96", 0, CAB_UTF8},
		{"\xd0\xb6", CAB_ATTRIBUTE_UTF8, "\xd0\xb6", "10~\xd0\xb6", F(DUPLICATE), CAB_UTF8},
		{"\xd0\x81", CAB_ATTRIBUTE_UTF8, "\xd0\x81", "\xd0\x81", 0, CAB_UTF8},
		{"\xd1\x91", CAB_ATTRIBUTE_UTF8, "\xd1\x91", "12~\xd1\x91", F(DUPLICATE), CAB_UTF8},
	};
	struct cab_builder *b;
	struct cab *cab;
	size_t n = sizeof(named) / sizeof(named[0]);
	open_names(named, n, &b, &cab);
	for (size_t i = 0; i < n; i++) {
		const struct cab_member *m = &cab_info(cab)->members[i];
		if (!slice_equal_str(m->safe_name, named[i].safe) || m->flags != named[i].flags)
			fail_msg("%zu: \"%.*s\" %x", i, SLICE_ARGS(m->safe_name), m->flags);
	}
	cab_close(cab);
	builder_free(b);
}

/* Nearly all of 4096 names of the greatest length are equal when made safe. */
static void
the_largest_tables_stay_inside_their_memory(void **state)
{
	(void)state;
	struct buf in;
	struct cab *cab;
	struct cab_fault fault = {0};
	buf_init(&in, 4 << 20);
	buf_append_str(&in, "MSCF");
	buf_append_zero(&in, 12);
	builder_u32(&in, 44);
	buf_append_zero(&in, 4);
	builder_u16(&in, 0x0103);
	builder_u16(&in, 1);
	builder_u16(&in, LIMIT_CAB_MEMBERS);
	buf_append_zero(&in, 6 + 8);
	for (size_t i = 0; i < LIMIT_CAB_MEMBERS; i++) {
		buf_append_zero(&in, 16);
		for (size_t k = 0; k < 255; k++)
			buf_append_byte(&in, k == 250 ? (uint8_t)(0xb0 + (i & 3)) : 0xb0);
		buf_append_byte(&in, 0);
	}
	/* 0x81 has no place in code page 1252. */
	for (size_t i = 0; i < LIMIT_CAB_MEMBERS; i++)
		in.data[44 + i * 272 + 16] = 0x81;
	assert_int_equal(cab_open(buf_slice(&in), NULL, &cab, &fault), OK);
	const struct cab_info *info = cab_info(cab);
	assert_int_equal(info->n_members, LIMIT_CAB_MEMBERS);
	assert_int_equal(info->members[0].encoding, CAB_CP437);
	assert_true(info->members[0].name.len > 700);
	size_t n_duplicates = 0;
	for (size_t i = 0; i < info->n_members; i++)
		n_duplicates += (info->members[i].flags & CAB_MEMBER_DUPLICATE) != 0;
	assert_int_equal(n_duplicates, LIMIT_CAB_MEMBERS - 4);
	cab_close(cab);
	buf_done(&in);
}

static void
times_are_read_or_called_impossible(void **state)
{
	(void)state;
	static const struct {
		uint16_t date;
		uint16_t time;
		int64_t time_us;
		uint32_t flags;
	} times[] = {
		{0x5b79, 0x1974, INT64_C(1764040300000000), 0}, /* 2025-11-25 03:11:40 */
		{0x0021, 0, INT64_C(315532800000000), 0},       /* 1980-01-01 */
		{0xff9f, 0xbf7d, INT64_C(4354819198000000), 0}, /* 2107-12-31 23:59:58 */
		{0, 0, 0, 0},                                   /* none */
		{0x5a5d, 0, INT64_C(0), F(BAD_TIME)},           /* 2025-02-29 */
		{0x5860, 0, INT64_C(0), F(BAD_TIME)},           /* day 0 */
		{0x5b79, 0xc000, INT64_C(0), F(BAD_TIME)},      /* 24:00 */
		{0x5b79, 0x0780, INT64_C(0), F(BAD_TIME)},      /* 00:60 */
		{0x5b79, 0x001e, INT64_C(0), F(BAD_TIME)},      /* 00:00:60 */
	};
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		struct cab *cab;
		struct cab_fault fault;
		struct cab_builder *b = builder_new();
		(void)builder_folder(b, BUILDER_STORED);
		struct builder_member *m =
			builder_member(b, SLICE_LITERAL("a"), SLICE_LITERAL("x"));
		m->date = times[i].date;
		m->time = times[i].time;
		assert_int_equal(cab_open(builder_finish(b), NULL, &cab, &fault), OK);
		if (cab_info(cab)->members[0].time_us != times[i].time_us ||
		    cab_info(cab)->members[0].flags != times[i].flags)
			fail_msg("%zu: %lld", i, (long long)cab_info(cab)->members[0].time_us);
		cab_close(cab);
		builder_free(b);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(paths_never_leave_a_folder),
		cmocka_unit_test(devices_and_strange_characters_are_flagged),
		cmocka_unit_test(code_pages_are_guessed_and_readable),
		cmocka_unit_test(long_names_keep_their_ending),
		cmocka_unit_test(names_that_come_again_are_told_apart),
		cmocka_unit_test(the_largest_tables_stay_inside_their_memory),
		cmocka_unit_test(times_are_read_or_called_impossible),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
