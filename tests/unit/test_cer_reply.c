#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "base/limits.h"
#include "cer/reply.h"

enum {
	TEXT_BYTES_MAX = 4 * LIMIT_REPLY_BYTES
};

static void
assert_text(struct slice got, const char *expected)
{
	if (!slice_equal_str(got, expected))
		fail_msg("%.*s, not %s", SLICE_ARGS(got), expected);
}

static void
refuses_more_bytes_than_the_limit(void **state)
{
	struct arena arena;
	struct buf text;
	struct reply reply = {.bucket = 4711};
	(void)state;
	arena_init(&arena, TEXT_BYTES_MAX);
	buf_init(&text, TEXT_BYTES_MAX);
	buf_append_str(&text, "Bucket=500\r\nDumpFile=");
	while (text.len < LIMIT_REPLY_BYTES)
		buf_append_byte(&text, 0xfc);
	assert_int_equal(reply_parse(buf_slice(&text), &arena, &reply), OK);
	assert_int_equal(reply.dump_file.len, 2 * (LIMIT_REPLY_BYTES - 21));
	reply = (struct reply){.bucket = 4711};
	buf_append_byte(&text, 'x');
	assert_int_equal(reply_parse(buf_slice(&text), &arena, &reply), ERR_LIMIT);
	assert_int_equal(reply.bucket, 4711);
	buf_done(&text);
	arena_done(&arena);
}

static void
refuses_more_lines_than_the_limit(void **state)
{
	struct arena arena;
	struct buf text;
	struct reply reply;
	(void)state;
	arena_init(&arena, TEXT_BYTES_MAX);
	buf_init(&text, TEXT_BYTES_MAX);
	for (size_t i = 0; i < LIMIT_REPLY_LINES; i++)
		buf_append_str(&text, "x\n");
	assert_int_equal(reply_parse(buf_slice(&text), &arena, &reply), OK);
	assert_int_equal(reply.n_unknown, LIMIT_REPLY_LINES);
	buf_append_str(&text, "\n");
	assert_int_equal(reply_parse(buf_slice(&text), &arena, &reply), ERR_LIMIT);
	buf_done(&text);
	arena_done(&arena);
}

static void
refuses_what_does_not_fit_the_arena(void **state)
{
	struct arena arena;
	struct reply reply;
	(void)state;
	arena_init(&arena, 16);
	assert_int_equal(reply_parse(SLICE_LITERAL("DumpFile=/cab/0123456789.cab"), &arena, &reply),
			 ERR_LIMIT);
	arena_done(&arena);
}

static void
reads_every_byte_of_code_page_1252(void **state)
{
	struct arena arena;
	(void)state;
	arena_init(&arena, TEXT_BYTES_MAX);
	for (unsigned byte = 0; byte < 256; byte++) {
		uint8_t text[] = "GetFile=a?b\nBucket=7";
		struct reply reply;
		struct buf out;
		text[9] = (uint8_t)byte;
		assert_int_equal(reply_parse(slice_of(text, sizeof(text) - 1), &arena, &reply), OK);
		if (byte == '\n')
			continue;
		bool is_refused = byte == 0 || byte == '\r' || byte == 0x81 || byte == 0x8d ||
				  byte == 0x8f || byte == 0x90 || byte == 0x9d;
		assert_int_equal(reply.n_refused, is_refused);
		assert_int_equal(reply.get_file.data == NULL, is_refused);
		assert_int_equal(reply.bucket, 7);
		/* And back. */
		buf_init(&out, 64);
		assert_int_equal(reply_format(&reply, &out), OK);
		if (!is_refused)
			assert_memory_equal(out.data + out.len - 5, text + 8, 3);
		buf_done(&out);
	}
	arena_done(&arena);
}

static void
refuses_to_write_what_cannot_be_encoded(void **state)
{
	static const char *const values[] = {"a\rb",         "a\nb",     "a\r\nBucket=1",
					     "\xe2\x99\xa5", "\xc2\x81", "caf\xe9"};
	(void)state;
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		struct reply reply = {.has_bucket = true, .bucket = 1000};
		struct buf out;
		buf_init(&out, TEXT_BYTES_MAX);
		buf_append_str(&out, "kept");
		reply.wql = slice_str(values[i]);
		assert_int_equal(reply_format(&reply, &out), ERR_UNSUPPORTED);
		assert_text(buf_slice(&out), "kept");
		assert_false(reply_is_encodable(slice_str(values[i]), false));
		buf_done(&out);
	}
	assert_false(reply_is_encodable(SLICE_LITERAL("a\0b"), false));
}

static void
refuses_to_write_past_the_buffer(void **state)
{
	struct reply reply = {.has_bucket = true, .bucket = 1000};
	struct buf out;
	(void)state;
	buf_init(&out, 8);
	assert_int_equal(reply_format(&reply, &out), ERR_LIMIT);
	assert_int_equal(out.len, 0);
	buf_done(&out);
}

static void
knows_what_can_stand_in_a_list(void **state)
{
	(void)state;
	assert_true(reply_is_encodable(SLICE_LITERAL("HKLM\\Software\\B\xc3\xbcro \xe2\x82\xac"),
				       true));
	assert_true(reply_is_encodable(SLICE_LITERAL("a;b"), false));
	assert_false(reply_is_encodable(SLICE_LITERAL("a;b"), true));
	assert_true(reply_is_encodable(SLICE_LITERAL(""), false));
	assert_false(reply_is_encodable(SLICE_LITERAL(""), true));
	assert_false(reply_is_encodable((struct slice){0}, true));
}

static void
knows_that_a_value_can_be_too_long(void **state)
{
	struct buf value;
	(void)state;
	buf_init(&value, TEXT_BYTES_MAX);
	buf_append_zero(&value, LIMIT_REPLY_BYTES + 1);
	memset(value.data, 'x', value.len);
	assert_false(reply_is_encodable(buf_slice(&value), false));
	assert_true(reply_is_encodable(slice_sub(buf_slice(&value), 0, LIMIT_REPLY_BYTES), false));
	buf_done(&value);
}

static struct reply
full_reply(void)
{
	return (struct reply){
		.has_bucket = true,
		.has_bucket_table = true,
		.has_idata = true,
		.has_memory_dump = true,
		.has_fdoc = true,
		.has_module_info = true,
		.idata = true,
		.module_info = true,
		.bucket = -INT64_MAX,
		.bucket_table = INT64_MAX,
		.dump_file = SLICE_LITERAL("/cab/1.cab"),
		.response = SLICE_LITERAL("https://example.org/?a=b"),
		.reg_key = SLICE_LITERAL("HKLM\\A;HKCU\\B"),
		.reg_tree = SLICE_LITERAL("HKLM\\C"),
		.wql = SLICE_LITERAL("SELECT Family FROM Win32_Processor"),
		.get_file = SLICE_LITERAL("%WINDIR%\\B\xc3\xbcro.txt"),
		.get_file_version = SLICE_LITERAL("%WINDIR%\\a.dll"),
		.dump_server = SLICE_LITERAL("wer.example.org"),
		.response_server = SLICE_LITERAL("help.example.org"),
		.response_url = SLICE_LITERAL("/help"),
	};
}

static const char full_text[] = "iData=1\r\n"
				"Bucket=-9223372036854775807\r\n"
				"BucketTable=9223372036854775807\r\n"
				"DumpServer=wer.example.org\r\n"
				"DumpFile=/cab/1.cab\r\n"
				"Response=https://example.org/?a=b\r\n"
				"MemoryDump=0\r\n"
				"RegKey=HKLM\\A;HKCU\\B\r\n"
				"RegTree=HKLM\\C\r\n"
				"WQL=SELECT Family FROM Win32_Processor\r\n"
				"GetFile=%WINDIR%\\B\xfcro.txt\r\n"
				"GetFileVersion=%WINDIR%\\a.dll\r\n"
				"fDoc=0\r\n"
				"ModuleInfo=1\r\n"
				"ResponseServer=help.example.org\r\n"
				"ResponseURL=/help\r\n";

static void
writes_every_line_exactly(void **state)
{
	struct reply reply = full_reply();
	struct buf out;
	(void)state;
	buf_init(&out, TEXT_BYTES_MAX);
	assert_int_equal(reply_format(&reply, &out), OK);
	assert_text(buf_slice(&out), full_text);
	buf_done(&out);
}

static void
reads_back_what_it_wrote(void **state)
{
	struct reply reply;
	struct arena arena;
	struct buf out;
	(void)state;
	arena_init(&arena, TEXT_BYTES_MAX);
	buf_init(&out, TEXT_BYTES_MAX);
	assert_int_equal(reply_parse(slice_str(full_text), &arena, &reply), OK);
	assert_int_equal(reply.n_unknown, 0);
	assert_int_equal(reply.n_refused, 0);
	assert_int_equal(reply.bucket, -INT64_MAX);
	assert_true(slice_equal(reply.get_file, full_reply().get_file));
	assert_int_equal(reply_format(&reply, &out), OK);
	assert_text(buf_slice(&out), full_text);
	buf_done(&out);
	arena_done(&arena);
}

static void
writes_no_line_for_what_is_absent(void **state)
{
	struct reply reply = {.response = SLICE_LITERAL(""), .idata = true, .bucket = 7};
	struct buf out;
	(void)state;
	buf_init(&out, TEXT_BYTES_MAX);
	assert_int_equal(reply_format(&reply, &out), OK);
	assert_int_equal(out.len, 0);
	buf_done(&out);
}

static void
takes_1_or_a_url_for_a_response(void **state)
{
	static const struct {
		const char *value;
		bool is_taken;
	} cases[] = {
		{"1", true},
		{"http://example.org/", true},
		{"https://example.org/a?b=c&d=%20#e", true},
		{"HTTPS://EXAMPLE.ORG", true},
		{"x-help.v2+a:topic", true},
		{"0", false},
		{"11", false},
		{"2http://example.org", false},
		{"://example.org", false},
		{"http:", false},
		{"example.org/help", false},
		{"c:/help", false},
		{"http://example.org/\x01", false},
	};
	struct arena arena;
	(void)state;
	arena_init(&arena, TEXT_BYTES_MAX);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char line[128];
		struct reply reply;
		(void)snprintf(line, sizeof(line), "Response=%s", cases[i].value);
		assert_int_equal(reply_parse(slice_str(line), &arena, &reply), OK);
		if ((reply.response.data != NULL) != cases[i].is_taken)
			fail_msg("%s", line);
		assert_int_equal(reply.n_refused, !cases[i].is_taken);
	}
	arena_done(&arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_more_bytes_than_the_limit),
		cmocka_unit_test(refuses_more_lines_than_the_limit),
		cmocka_unit_test(refuses_what_does_not_fit_the_arena),
		cmocka_unit_test(reads_every_byte_of_code_page_1252),
		cmocka_unit_test(refuses_to_write_what_cannot_be_encoded),
		cmocka_unit_test(refuses_to_write_past_the_buffer),
		cmocka_unit_test(knows_what_can_stand_in_a_list),
		cmocka_unit_test(knows_that_a_value_can_be_too_long),
		cmocka_unit_test(writes_every_line_exactly),
		cmocka_unit_test(reads_back_what_it_wrote),
		cmocka_unit_test(writes_no_line_for_what_is_absent),
		cmocka_unit_test(takes_1_or_a_url_for_a_response),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
