#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "ext/json.h"

static void
assert_line(struct json *value, bool is_ascii, const char *expected)
{
	struct buf out;
	buf_init(&out, 65536);
	json_format_line(value, is_ascii, &out);
	buf_append_byte(&out, '\0');
	assert_string_equal((const char *)out.data, expected);
	buf_done(&out);
	json_free(value);
}

static void
mends_text_that_is_no_utf8(void **state)
{
	struct json *object = json_new_object();
	(void)state;
	json_put_text(object, "a", slice_of("x\xff\xc3", 3));
	json_put_text(object, "b", slice_of("\xed\xa0\x80", 3));
	assert_int_equal(json_count(object), 2);
	struct slice text = json_text(json_find(object, "a"));
	assert_true(slice_equal_str(text, "x\xef\xbf\xbd\xef\xbf\xbd"));
	json_free(object);
}

static void
keeps_control_characters_escaped(void **state)
{
	struct json *object = json_new_object();
	(void)state;
	json_put_text(object, "a", slice_of("\0\x1b[2J\n\"\\", 8));
	assert_line(object, false, "{\"a\":\"\\u0000\\u001B[2J\\n\\\"\\\\\"}\n");
}

static void
gives_a_terminal_ascii_alone(void **state)
{
	struct json *object = json_new_object();
	(void)state;
	json_put_str(object, "a",
		     "\xc2\x9b"
		     "5m\xc3\xbc\xf0\x9f\x98\x80");
	assert_line(object, true, "{\"a\":\"\\u009B5m\\u00FC\\uD83D\\uDE00\"}\n");
}

static void
tells_absent_from_empty(void **state)
{
	struct json *object = json_new_object();
	(void)state;
	json_put_text(object, "absent", (struct slice){NULL, 0});
	json_put_text(object, "empty", slice_str(""));
	json_put_str(object, "none", NULL);
	assert_line(object, false, "{\"absent\":null,\"empty\":\"\",\"none\":null}\n");
}

static void
prints_keys_in_the_order_in_which_they_were_put(void **state)
{
	struct json *object = json_new_object();
	struct json *list = json_new_list();
	(void)state;
	json_add_text(list, slice_str("x"));
	json_add_text(list, (struct slice){NULL, 0});
	json_put_id(object, "z", UINT64_MAX);
	json_put_number(object, "a", -5);
	json_put_flag(object, "m", true);
	json_put(object, "list", list);
	json_put_time(object, "t", INT64_C(1764040313123456));
	json_put_hex(object, "h", slice_of("\x00\xff", 2));
	json_put_count(object, "n", UINT64_MAX);
	assert_line(object, false,
		    "{\"z\":\"18446744073709551615\",\"a\":-5,\"m\":true,\"list\":[\"x\",null],"
		    "\"t\":\"2025-11-25T03:11:53.123456Z\",\"h\":\"00ff\","
		    "\"n\":9223372036854775807}\n");
}

static void
refuses_what_is_not_json(void **state)
{
	static const char *const bad[] = {"", "{", "{\"a\":1,\"a\":2}", "[1,]", "nul", "[1] 2"};
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct json *value;
		struct err_detail detail;
		assert_int_equal(json_parse(slice_str(bad[i]), &value, &detail), ERR_CORRUPT);
		assert_true(detail.why[0] != '\0');
	}
}

static void
refuses_deep_nesting(void **state)
{
	char text[4096];
	struct json *value;
	(void)state;
	memset(text, '[', sizeof(text));
	assert_int_equal(json_parse(slice_of(text, sizeof(text)), &value, NULL), ERR_LIMIT);
	/* Brackets inside a text are none. */
	text[0] = '"';
	text[sizeof(text) - 1] = '"';
	assert_int_equal(json_parse(slice_of(text, sizeof(text)), &value, NULL), OK);
	json_free(value);
}

static void
reads_what_it_wrote(void **state)
{
	struct json *value;
	int64_t number;
	(void)state;
	assert_int_equal(json_parse(SLICE_LITERAL("{\"a\":[\"x\",7,null,{\"b\":true}],\"c\":1.5}"),
				    &value, NULL),
			 OK);
	const struct json *list = json_find(value, "a");
	assert_int_equal(json_kind(list), JSON_KIND_LIST);
	assert_int_equal(json_count(list), 4);
	assert_true(slice_equal_str(json_text(json_at(list, 0)), "x"));
	assert_true(json_to_i64(json_at(list, 1), &number));
	assert_int_equal(number, 7);
	assert_int_equal(json_kind(json_at(list, 2)), JSON_KIND_NULL);
	assert_int_equal(json_kind(json_find(json_at(list, 3), "b")), JSON_KIND_FLAG);
	assert_false(json_to_i64(json_find(value, "c"), &number));
	assert_null(json_at(list, 4));
	assert_null(json_find(value, "x"));
	assert_true(slice_is_absent(json_text(NULL)));
	json_free(value);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mends_text_that_is_no_utf8),
		cmocka_unit_test(keeps_control_characters_escaped),
		cmocka_unit_test(gives_a_terminal_ascii_alone),
		cmocka_unit_test(tells_absent_from_empty),
		cmocka_unit_test(prints_keys_in_the_order_in_which_they_were_put),
		cmocka_unit_test(refuses_what_is_not_json),
		cmocka_unit_test(refuses_deep_nesting),
		cmocka_unit_test(reads_what_it_wrote),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
