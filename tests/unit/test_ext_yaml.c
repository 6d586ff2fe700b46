#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "base/limits.h"
#include "ext/yaml.h"

enum {
	ARENA_BYTES = LIMIT_YAML_ARENA_BYTES
};

struct parsed {
	struct arena arena;
	err_t err;
	struct yaml_node *root;
	struct err_detail detail;
};

static void
parse_slice(struct parsed *p, struct slice text)
{
	memset(p, 0, sizeof(*p));
	arena_init(&p->arena, ARENA_BYTES);
	p->err = yaml_parse(text, &p->arena, &p->root, &p->detail);
}

static void
parse(struct parsed *p, const char *text)
{
	parse_slice(p, slice_str(text));
}

static void
assert_refused(const char *text, err_t err, const char *why)
{
	struct parsed p;
	parse(&p, text);
	if (p.err != err || strcmp(p.detail.why, why) != 0)
		fail_msg("\"%.60s\": %s, \"%s\" instead of %s, \"%s\"", text, err_name(p.err),
			 p.detail.why, err_name(err), why);
	assert_null(p.root); /* nothing is returned on failure */
	arena_done(&p.arena);
}

static void
refuses_what_it_does_not_know_with_its_line(void **state)
{
	(void)state;
	assert_refused("a: 1\nb: &x 2\n", ERR_UNSUPPORTED, "line 2: anchors (&) are not taken");
	assert_refused("a: 1\nb: *x\n", ERR_UNSUPPORTED, "line 2: aliases (*) are not taken");
	assert_refused("a: !!int 1\n", ERR_UNSUPPORTED, "line 1: tags (!) are not taken");
	assert_refused("a: [! x]\n", ERR_UNSUPPORTED, "line 1: tags (!) are not taken");
	assert_refused("a: {x: 1}\nb: &m {y: 1}\n", ERR_UNSUPPORTED,
		       "line 2: anchors (&) are not taken");
	assert_refused("a: 1\n&k b: 2\n", ERR_UNSUPPORTED, "line 2: a key with an anchor or a tag");
	assert_refused("a: 1\n? [b]\n: 2\n", ERR_UNSUPPORTED, "line 2: a key must be a plain word");
	assert_refused("a: 1\n? {b: c}\n: 2\n", ERR_UNSUPPORTED,
		       "line 2: a key must be a plain word");
	assert_refused("a: 1\n\"\": 2\n", ERR_UNSUPPORTED, "line 2: empty key");
	assert_refused("a: 1\n---\nb: 2\n", ERR_UNSUPPORTED, "line 2: a second document");
}

static void
refuses_a_key_that_is_there_twice(void **state)
{
	(void)state;
	assert_refused("a: 1\nb: 2\na: 3\n", ERR_CORRUPT, "line 3: key \"a\" is there twice");
	assert_refused("x:\n  - {p: 1, q: 2, \"p\": 3}\n", ERR_CORRUPT,
		       "line 2: key \"p\" is there twice");
	/* The first of several is named. */
	assert_refused("b: 1\na: 1\nb: 1\na: 1\n", ERR_CORRUPT, "line 3: key \"b\" is there twice");
}

static void
refuses_broken_syntax_with_its_line(void **state)
{
	static const struct {
		const char *text;
		const char *why;
	} cases[] = {
		{"a: [1, 2\n", "line 2: did not find expected ',' or ']', while parsing a flow "
			       "sequence that begins in line 1"},
		{"a: 1\n  b: 2\n", "line 2: mapping values are not allowed in this context"},
		{"a: 1\nb:\n\t- c\n",
		 "line 3: found character that cannot start any token, while scanning for the next "
		 "token that begins in line 3"},
		{"a: 1\nb: \"x\x01\"\n", "line 2: control characters are not allowed"},
		{"a: 1\n\nb: \xff\n", "line 3: invalid leading UTF-8 octet"},
		{"a: 'x\n",
		 "line 2: found unexpected end of stream, while scanning a quoted scalar "
		 "that begins in line 1"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_refused(cases[i].text, ERR_CORRUPT, cases[i].why);
}

static char *
repeat(const char *head, const char *piece, size_t count)
{
	size_t head_len = strlen(head);
	size_t len = strlen(piece);
	char *text = malloc(head_len + len * count + 1);
	assert_non_null(text);
	memcpy(text, head, head_len + 1);
	for (size_t i = 0; i < count; i++)
		memcpy(text + head_len + i * len, piece, len + 1);
	return text;
}

static void
bounds_depth_count_and_length(void **state)
{
	char *deep = repeat("", "[", 100000);
	char *deep_block = repeat("", "- ", LIMIT_YAML_DEPTH + 1);
	char *many = repeat("", "- a\n", LIMIT_YAML_NODES);
	char *enough = repeat("", "- a\n", LIMIT_YAML_NODES - 1);
	char *is_long = repeat("a: ", "x", LIMIT_YAML_BYTES);
	struct parsed p;
	(void)state;
	assert_refused(deep, ERR_LIMIT, "line 1: nested too deep");
	assert_refused(deep_block, ERR_LIMIT, "line 1: nested too deep");
	assert_refused(many, ERR_LIMIT, "line 200000: too many values");
	assert_refused(is_long, ERR_LIMIT, "line 1: the text is too long");
	parse(&p, enough);
	assert_int_equal(p.err, OK);
	assert_int_equal(p.root->n_entries, LIMIT_YAML_NODES - 1);
	arena_done(&p.arena);
	free(deep);
	free(deep_block);
	free(many);
	free(enough);
	free(is_long);
}

static void
stays_within_the_callers_arena(void **state)
{
	static const char text[] = "a: {b: [1, 2, 3], c: xxxxxxxxxxxxxxxxxxxxxxxxxx}\nd: e\n";
	(void)state;
	for (size_t cap = 16; cap < 2048; cap += 16) {
		struct arena arena;
		struct yaml_node *root = NULL;
		struct err_detail detail;
		arena_init(&arena, cap);
		err_t err = yaml_parse(slice_str(text), &arena, &root, &detail);
		assert_true(err == OK || (err == ERR_LIMIT && root == NULL));
		arena_done(&arena);
	}
}

static void
accepts_no_text_comments_and_an_empty_document_as_an_empty_mapping(void **state)
{
	static const char *const texts[] = {"",           "# nothing\n", "---\n",
					    "---\n...\n", "~\n",         "\n\n"};
	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct parsed p;
		parse(&p, texts[i]);
		assert_int_equal(p.err, OK);
		assert_int_equal(p.root->kind, YAML_MAPPING);
		assert_int_equal(p.root->n_entries, 0);
		arena_done(&p.arena);
	}
}

static void
keeps_order_lines_and_quotes(void **state)
{
	struct parsed p;
	(void)state;
	parse(&p,
	      "b: plain word\na:\n  - 'x'\n  - {y: \"z\\n\"}\n  - |\n    two\n    lines\nnull:\n");
	assert_int_equal(p.err, OK);
	assert_int_equal(p.root->n_entries, 3);
	assert_true(slice_equal_str(p.root->entries[0].key, "b"));
	assert_int_equal(p.root->entries[1].key_line, 2);
	const struct yaml_node *b = yaml_find(p.root, "b");
	assert_true(slice_equal_str(b->text, "plain word"));
	assert_true(b->is_plain);
	const struct yaml_node *a = yaml_find(p.root, "a");
	assert_int_equal(a->kind, YAML_LIST);
	assert_int_equal(a->line, 3);
	assert_int_equal(a->n_entries, 3);
	assert_false(a->entries[0].value->is_plain);
	const struct yaml_node *y = yaml_find(a->entries[1].value, "y");
	assert_true(slice_equal_str(y->text, "z\n"));
	assert_int_equal(y->line, 4);
	assert_true(slice_equal_str(a->entries[2].value->text, "two\nlines\n"));
	assert_true(yaml_is_null(yaml_find(p.root, "null")));
	assert_null(yaml_find(p.root, "c"));
	assert_null(yaml_find(NULL, "c"));
	assert_null(yaml_find(b, "c"));
	arena_done(&p.arena);
}

static void
reads_what_notepad_saves(void **state)
{
	static const uint8_t utf16[] = {0xff, 0xfe, 'a', 0,    ':', 0,    ' ',
					0,    0xfc, 0,   '\r', 0,   '\n', 0};
	static const uint8_t utf8[] = {0xef, 0xbb, 0xbf, 'a', ':', ' ', 0xc3, 0xbc, '\r', '\n'};
	struct parsed p;
	(void)state;
	parse_slice(&p, slice_of(utf16, sizeof(utf16)));
	assert_int_equal(p.err, OK);
	assert_true(slice_equal_str(yaml_find(p.root, "a")->text, "\xc3\xbc"));
	arena_done(&p.arena);
	parse_slice(&p, slice_of(utf8, sizeof(utf8)));
	assert_int_equal(p.err, OK);
	assert_true(slice_equal_str(yaml_find(p.root, "a")->text, "\xc3\xbc"));
	arena_done(&p.arena);
}

static struct yaml_node
scalar(const char *text, bool is_plain)
{
	return (struct yaml_node){YAML_SCALAR, 1, slice_str(text), is_plain, NULL, 0};
}

static void
reads_booleans_and_whole_numbers_only_without_quotes(void **state)
{
	static const char *const no_numbers[] = {"",    "1.0", "0x10", "9223372036854775808",
						 "1e3", "--1", "1 "};
	struct yaml_node node;
	int64_t number = 7;
	bool flag = false;
	(void)state;
	node = scalar("Yes", true);
	assert_true(yaml_to_bool(&node, &flag) && flag);
	node = scalar("off", true);
	assert_true(yaml_to_bool(&node, &flag) && !flag);
	node = scalar("true", false);
	assert_false(yaml_to_bool(&node, &flag));
	node = scalar("1", true);
	assert_false(yaml_to_bool(&node, &flag));
	node = scalar("-42", true);
	assert_true(yaml_to_i64(&node, &number) && number == -42);
	node = scalar("42", false);
	assert_false(yaml_to_i64(&node, &number));
	for (size_t i = 0; i < sizeof(no_numbers) / sizeof(no_numbers[0]); i++) {
		node = scalar(no_numbers[i], true);
		assert_false(yaml_to_i64(&node, &number));
	}
	assert_int_equal(number, -42);
}

static void
reads_sizes(void **state)
{
	static const struct {
		const char *text;
		uint64_t bytes;
	} cases[] = {
		{"0", 0},
		{"500", 500},
		{"64 KiB", 65536},
		{"64kib", 65536},
		{"20MB", 20000000},
		{"1 GiB", UINT64_C(1) << 30},
		{"16 TiB", UINT64_C(16) << 40},
		{"7 B", 7},
	};
	static const char *const bad[] = {"",       "KiB",  "-1",           "1.5 GiB",
					  "1 KiBB", "1 XB", "20000000 TiB", "18446744073709551616"};
	uint64_t bytes;
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct yaml_node node = scalar(cases[i].text, true);
		assert_true(yaml_to_bytes(&node, &bytes));
		assert_int_equal(bytes, cases[i].bytes);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct yaml_node node = scalar(bad[i], true);
		assert_false(yaml_to_bytes(&node, &bytes));
	}
	struct yaml_node list = {.kind = YAML_LIST};
	assert_false(yaml_to_bytes(&list, &bytes));
}

static void
reads_durations(void **state)
{
	static const struct {
		const char *text;
		int64_t us;
	} cases[] = {{"500ms", 500000},
		     {"30s", 30000000},
		     {"15m", INT64_C(900000000)},
		     {"36h", INT64_C(129600000000)},
		     {"7 d", INT64_C(604800000000)},
		     {"0s", 0}};
	static const char *const bad[] = {"",  "30", "s", "-1s", "1.5s", "9223372036854775807d",
					  "1w"};
	int64_t us;
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct yaml_node node = scalar(cases[i].text, true);
		assert_true(yaml_to_duration_us(&node, &us));
		assert_int_equal(us, cases[i].us);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct yaml_node node = scalar(bad[i], true);
		assert_false(yaml_to_duration_us(&node, &us));
	}
}

static void
finds_the_key_that_was_meant(void **state)
{
	static const char *const names[] = {"listen", "tls", "certificate", "key"};
	static const struct {
		const char *key;
		int nearest;
	} cases[] = {{"listne", 0}, {"Listen", 0},  {"tsl", 1},    {"certficate", 2},
		     {"keys", 3},   {"portal", -1}, {"lisp", -1},  {"cert", -1},
		     {"x", -1},     {"ke", 3},      {"listen-", 0}};
	char *is_long = repeat("listen", "x", 1000);
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(yaml_nearest(slice_str(cases[i].key), names, 4), cases[i].nearest);
	assert_int_equal(yaml_nearest(slice_str(is_long), names, 4), -1);
	assert_int_equal(yaml_nearest(SLICE_LITERAL("x"), names, 0), -1);
	free(is_long);
}

static void
quotes_hostile_text_in_few_bytes(void **state)
{
	char quoted[LOG_VALUE_BYTES];
	char *is_long = repeat("", "\x01", 1000);
	(void)state;
	assert_string_equal(yaml_quote(SLICE_LITERAL("a\nb"), quoted), "\"a\\x0ab\"");
	yaml_quote(slice_str(is_long), quoted);
	assert_int_equal(strlen(quoted), 40 * 4 + strlen("\"...\""));
	/* Cut before a character, never in it. */
	yaml_quote(SLICE_LITERAL("123456789012345678901234567890123456789\xc3\xbc more"), quoted);
	assert_string_equal(quoted, "\"123456789012345678901234567890123456789...\"");
	free(is_long);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_what_it_does_not_know_with_its_line),
		cmocka_unit_test(refuses_a_key_that_is_there_twice),
		cmocka_unit_test(refuses_broken_syntax_with_its_line),
		cmocka_unit_test(bounds_depth_count_and_length),
		cmocka_unit_test(stays_within_the_callers_arena),
		cmocka_unit_test(
			accepts_no_text_comments_and_an_empty_document_as_an_empty_mapping),
		cmocka_unit_test(keeps_order_lines_and_quotes),
		cmocka_unit_test(reads_what_notepad_saves),
		cmocka_unit_test(reads_booleans_and_whole_numbers_only_without_quotes),
		cmocka_unit_test(reads_sizes),
		cmocka_unit_test(reads_durations),
		cmocka_unit_test(finds_the_key_that_was_meant),
		cmocka_unit_test(quotes_hostile_text_in_few_bytes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
