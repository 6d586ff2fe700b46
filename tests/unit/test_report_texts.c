/* memory.csv, .reg and registry.txt, and text of no known form. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "report/plain_text.h"
#include "report/process_list.h"
#include "report/registry_result.h"
#include "report_files.h"

static struct arena arena;
static struct buf text;

static int
set_up(void **state)
{
	(void)state;
	arena_init(&arena, LIMIT_TEXT_FILE_ARENA_BYTES);
	buf_init(&text, FILES_BYTES_MAX);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	arena_done(&arena);
	buf_done(&text);
	return 0;
}

static void
assert_slice(struct slice got, const char *expected)
{
	if (!slice_equal_str(got, expected) || slice_is_absent(got))
		fail_msg("\"%.*s\" is not \"%s\"", SLICE_ARGS(got), expected);
}

/* ---- memory.csv ---- */

static void
parse_processes(const char *utf8, struct process_list *list)
{
	assert_int_equal(process_list_parse(slice_str(utf8), &arena, list), OK);
}

#define SHORT_HEADER                                                                               \
	"ImageName,UniqueProcessId,CreateTime,InheritedFromUniqueProcessId,Services\r\n"

/* The tree as "image(child(...)sibling)". */
static void
print_tree(const struct process_list *list, struct buf *out)
{
	size_t depth = 0;
	size_t last = 0;
	uint32_t at = PROCESS_NONE;
	size_t n = 0;
	while ((at = process_list_next(list, at, &depth)) != PROCESS_NONE) {
		assert_true(depth <= last + 1);
		for (; last < depth; last++)
			buf_append_byte(out, '(');
		for (; last > depth; last--)
			buf_append_byte(out, ')');
		if (n > 0 && out->data[out->len - 1] != '(')
			buf_append_byte(out, ' ');
		buf_append(out, list->processes[at].fields[PROCESS_IMAGE]);
		n++;
	}
	assert_int_equal(n, list->n_processes);
	for (; last > 0; last--)
		buf_append_byte(out, ')');
}

static void
assert_tree(const char *rows, const char *expected)
{
	struct process_list list;
	struct buf in;
	buf_init(&in, FILES_BYTES_MAX);
	buf_printf(&in, "%s%s", SHORT_HEADER, rows);
	assert_int_equal(process_list_parse(buf_slice(&in), &arena, &list), OK);
	buf_reset(&text);
	print_tree(&list, &text);
	if (!slice_equal_str(buf_slice(&text), expected))
		fail_msg("%.*s, not %s", SLICE_ARGS(buf_slice(&text)), expected);
	buf_done(&in);
}

static void
parents_that_go_round_in_circles_are_cut(void **state)
{
	(void)state;
	assert_tree("\"self\",4,0,4,\n", "self");
	assert_tree("\"a\",1,0,2,\n\"b\",2,0,1,\n", "b(a)");
	assert_tree("\"a\",1,0,3,\n\"b\",2,0,1,\n\"c\",3,0,2,\n\"d\",4,0,1,\n", "b(c(a(d)))");
	assert_tree("\"a\",1,0,1,\n\"b\",1,0,1,\n", "a(b)");
}

static void
a_parent_is_older_than_its_child(void **state)
{
	(void)state;
	assert_tree("\"old\",8,100,0,\n\"new\",12,200,8,\n", "old(new)");
	assert_tree("\"reused\",8,300,0,\n\"orphan\",12,200,8,\n", "reused orphan");
	assert_tree("\"p\",8,at noon,0,\n\"c\",12,200,8,\n", "p(c)");
}

static void
processes_are_a_tree_in_the_order_of_rows(void **state)
{
	(void)state;
	assert_tree("\"idle\",0,0,,\n\"system\",4,0,0,\n\"c2\",16,0,12,\n\"init\",12,0,4,\n"
		    "\"smss\",20,0,4,\n\"c3\",24,0,12,\n\"lost\",28,0,9999,\n",
		    "idle(system(init(c2 c3) smss)) lost");
	assert_tree("", "");
	assert_tree("\"no id\",,0,,\n\"x\",no,0,no,\n", "no id x");
}

static void
a_deep_tree_needs_no_stack(void **state)
{
	(void)state;
	struct process_list list;
	struct buf json;
	size_t depth = 0;
	uint32_t at = PROCESS_NONE;
	uint32_t last = PROCESS_NONE;
	buf_append_str(&text, SHORT_HEADER);
	for (size_t i = 0; i < LIMIT_PROCESSES; i++)
		buf_printf(&text, "\"p\",%zu,0,%zu,\n", i + 1, i);
	assert_int_equal(process_list_parse(buf_slice(&text), &arena, &list), OK);
	while ((at = process_list_next(&list, at, &depth)) != PROCESS_NONE)
		last = at;
	assert_int_equal(last, LIMIT_PROCESSES - 1);
	at = process_list_next(&list, LIMIT_PROCESSES - 2, &depth);
	assert_int_equal(at, LIMIT_PROCESSES - 1);
	FILES_JSON(process_list_put_json, &list, &json);
	buf_done(&json);
	buf_append_str(&text, "\"one more\",1,0,0,\n");
	arena_reset(&arena);
	assert_int_equal(process_list_parse(buf_slice(&text), &arena, &list), ERR_LIMIT);
}

static void
refuses_more_columns_than_the_limit(void **state)
{
	(void)state;
	struct process_list list;
	buf_append_str(&text, "ImageName,UniqueProcessId");
	for (size_t i = 2; i < LIMIT_PROCESS_COLUMNS; i++)
		buf_append_str(&text, ",x");
	assert_int_equal(process_list_parse(buf_slice(&text), &arena, &list), OK);
	assert_true(list.is_known);
	buf_append_byte(&text, ',');
	assert_int_equal(process_list_parse(buf_slice(&text), &arena, &list), ERR_LIMIT);
}

static void
a_file_without_the_header_stays_a_text(void **state)
{
	(void)state;
	static const char *const others[] = {
		"", "\n", "a,b\n1,2\n", "ImageName\n\"a\"\n", "UniqueProcessId\n1\n", "\xff\xfe"};
	struct process_list list;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		parse_processes(others[i], &list);
		assert_false(list.is_known);
		assert_int_equal(list.n_processes, 0);
	}
}

static void
columns_are_found_by_name_in_any_order(void **state)
{
	(void)state;
	struct process_list list;
	struct buf json;
	parse_processes("Services,New,uniqueprocessid,\"ImageName\",ImageName\n"
			"a|b,7,12,\"x.exe\",\"second\"\n",
			&list);
	assert_true(list.is_known);
	assert_true(list.has_unknown_columns);
	assert_slice(list.processes[0].fields[PROCESS_IMAGE], "x.exe");
	assert_int_equal(list.processes[0].id, 12);
	assert_slice(list.processes[0].row, "a|b,7,12,\"x.exe\",\"second\"");
	assert_int_equal(process_list_find(&list, 12), 0);
	assert_int_equal(process_list_find(&list, 13), PROCESS_NONE);
	FILES_JSON(process_list_put_json, &list, &json);
	files_assert_has(&json, "\"services\":[\n    \"a\",\n    \"b\"\n   ]");
	files_assert_has(&json, "\"row\":\"a|b,7,12,");
	buf_done(&json);
}

static void
quotes_hold_commas_and_quotes(void **state)
{
	(void)state;
	static const char *const cases[][2] = {
		{"\"a,b.exe\",1", "a,b.exe"},
		{"\"a\"\"b\"\"\",1", "a\"b\""},
		{"\"\",1", ""},
		{"a.exe,1", "a.exe"},
		{"\"open,1", "open,1"},
		{"\"a\"b\",1", "a\"b"},
		{"\"", ""},
		{"a\"b,1", "a\"b"},
		{",1", ""},
	};
	struct process_list list;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		buf_reset(&text);
		buf_printf(&text, "ImageName,UniqueProcessId\n%s\n", cases[i][0]);
		assert_int_equal(process_list_parse(buf_slice(&text), &arena, &list), OK);
		assert_int_equal(list.n_processes, 1);
		assert_slice(list.processes[0].fields[PROCESS_IMAGE], cases[i][1]);
	}
}

static void
rows_of_another_width_are_counted_and_kept(void **state)
{
	(void)state;
	struct process_list list;
	struct buf json;
	parse_processes(SHORT_HEADER "\"short\",1\n\n\"long\",2,3,4,s,5,6\n\"whole\",3,0,0,\n",
			&list);
	assert_int_equal(list.n_processes, 3);
	assert_int_equal(list.n_odd_rows, 2);
	assert_true(slice_is_absent(list.processes[0].fields[PROCESS_SERVICES]));
	assert_slice(list.processes[2].fields[PROCESS_SERVICES], "");
	FILES_JSON(process_list_put_json, &list, &json);
	files_assert_has(&json, "\"row\":\"\\\"long\\\",2,3,4,s,5,6\"");
	buf_done(&json);
}

static void
every_encoding_of_processes_reads_the_same(void **state)
{
	(void)state;
	struct process_list list;
	for (unsigned form = 0; form < FILES_FORMS; form++) {
		buf_reset(&text);
		(void)files_encode(
			SLICE_LITERAL(
				"ImageName,UniqueProcessId,Services\r\n\"Ämter.exe\",9,x|y\r\n"),
			form, &text);
		assert_int_equal(process_list_parse(buf_slice(&text), &arena, &list), OK);
		assert_slice(list.processes[0].fields[PROCESS_IMAGE], "Ämter.exe");
		assert_slice(list.processes[0].fields[PROCESS_SERVICES], "x|y");
	}
}

/* ---- registry ---- */

static void
parse_registry(const char *utf8, struct registry_result *result)
{
	assert_int_equal(registry_result_parse(slice_str(utf8), &arena, result), OK);
}

#define REG5 "Windows Registry Editor Version 5.00\r\n\r\n"

static void
registry_text_of_another_form_stays_a_text(void **state)
{
	(void)state;
	static const char *const others[] = {"",
					     "\n\n",
					     "HKLM\\Software\\A = 1\r\n",
					     "Windows Registry Editor Version 6.00\n[HKEY_USERS]\n",
					     "[section]\n\"a\"=\"b\"\n",
					     "[HKEY_USERS\n"};
	struct registry_result result;
	struct buf json;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		parse_registry(others[i], &result);
		assert_false(result.is_known);
		assert_int_equal(result.n_keys, 0);
		assert_slice(result.text.utf8, others[i]);
	}
	FILES_JSON(registry_result_put_json, &result, &json);
	files_assert_has(&json, "\"text\":\"[HKEY_USERS\\n\"");
	buf_done(&json);
}

static void
lines_of_no_known_form_are_kept(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"\"a\"",
		"\"a\"=",
		"\"a\"=1",
		"\"a\"=\"b",
		"\"a\"=\"b\\\"",
		"\"a\"=\"b\"c",
		"\"a=\"b\"",
		"\"a\"=dword:",
		"\"a\"=dword:123456789",
		"\"a\"=dword:xyz",
		"\"a\"=hex:1",
		"\"a\"=hex:zz",
		"\"a\"=hex:010",
		"\"a\"=hex:01 02",
		"\"a\"=hex(:01",
		"\"a\"=hex():01",
		"\"a\"=hex(1)x:01",
		"\"a\"=hex",
		"\"a\"=hex(100000000):01",
		"\"a\"=Hex:01",
		"@",
		"@x=1",
		"no value",
		"[HKEY_X",
		"\"a\"=hex:01,0x",
	};
	struct registry_result result;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		buf_reset(&text);
		buf_printf(&text, REG5 "[HKEY_USERS\\A]\r\n%s\r\n\"z\"=\"y\"\r\n", bad[i]);
		assert_int_equal(registry_result_parse(buf_slice(&text), &arena, &result), OK);
		assert_int_equal(result.n_keys, 1);
		if (result.n_other != 1 || result.keys[0].n_values != 1)
			fail_msg("%s: %zu other lines", bad[i], result.n_other);
		assert_slice(result.other[0], bad[i]);
	}
	parse_registry(REG5 "\"before\"=\"any key\"\r\n", &result);
	assert_int_equal(result.n_other, 1);
}

static void
values_of_every_type_are_read(void **state)
{
	(void)state;
	struct registry_result result;
	parse_registry(REG5 "; a comment\r\n[HKEY_LOCAL_MACHINE\\SOFTWARE\\Ä\\[x]]\r\n"
			    "@=\"default\"\r\n"
			    "\"path\"=\"C:\\\\a \\\"b\\\"\\\\\"\r\n"
			    "\"a\\\\b\\\"c\" = \"\"\r\n"
			    "\"number\"=dword:0000ffff\r\n"
			    "\"bytes\"=hex:01,02,\\\r\n  0a,ff\r\n"
			    "\"expand\"=hex(2):25,00,41,00,25,00,00,00\r\n"
			    "\"multi\"=hex(7):61,00,00,00,62,00,00,00,00,00\r\n"
			    "\"big\"=hex(b):01,00,00,00,00,00,00,80\r\n"
			    "\"none\"=hex(0):\r\n"
			    "\"gone\"=-\r\n"
			    "[-HKEY_LOCAL_MACHINE\\SOFTWARE\\Gone]\r\n"
			    "[HKEY_USERS]\r\n\"own\"=hex(12345678):aa\r\n",
		       &result);
	assert_true(result.is_known);
	assert_int_equal(result.n_other, 0);
	assert_int_equal(result.n_keys, 3);
	const struct registry_value *v = result.keys[0].values;
	assert_slice(result.keys[0].path, "HKEY_LOCAL_MACHINE\\SOFTWARE\\Ä\\[x]");
	assert_int_equal(result.keys[0].n_values, 10);
	assert_true(slice_is_absent(v[0].name));
	assert_slice(v[0].text, "default");
	assert_slice(v[1].text, "C:\\a \"b\"\\");
	assert_slice(v[2].name, "a\\b\"c");
	assert_slice(v[2].text, "");
	assert_int_equal(v[3].type, REGISTRY_DWORD);
	assert_int_equal(v[3].number, 0xffff);
	assert_int_equal(v[4].type, REGISTRY_BINARY);
	assert_memory_equal(v[4].bytes.data, "\x01\x02\x0a\xff", 4);
	assert_slice(v[5].text, "%A%");
	assert_slice(v[6].text, "a\nb");
	assert_int_equal(v[7].type, REGISTRY_QWORD);
	assert_true(v[7].number == UINT64_C(0x8000000000000001));
	assert_int_equal(v[8].bytes.len, 0);
	assert_false(slice_is_absent(v[8].bytes));
	assert_true(v[9].is_deleted);
	assert_true(result.keys[1].is_deleted);
	assert_slice(result.keys[1].path, "HKEY_LOCAL_MACHINE\\SOFTWARE\\Gone");
	assert_int_equal(result.keys[2].values[0].type, 0x12345678);
}

static void
the_old_version_has_bytes_for_strings(void **state)
{
	(void)state;
	struct registry_result result;
	struct buf json;
	parse_registry("REGEDIT4\n\n[HKEY_CURRENT_USER]\n\"m\"=hex(7):61,62,00,63,00,00\n",
		       &result);
	assert_slice(result.keys[0].values[0].text, "ab\nc");
	/* Without a header: what begins with a key. */
	parse_registry("\r\n[HKEY_CURRENT_USER\\A]\r\n\"d\"=dword:1", &result);
	assert_true(result.is_known);
	assert_int_equal(result.keys[0].values[0].number, 1);
	FILES_JSON(registry_result_put_json, &result, &json);
	files_assert_has(&json, "\"type_name\":\"REG_DWORD\",\n     \"text\":null,\n     "
				"\"number\":\"1\",\n     \"hex\":null");
	buf_done(&json);
}

static void
refuses_more_of_the_registry_than_the_limits(void **state)
{
	(void)state;
	static const struct {
		const char *each;
		size_t most;
	} lists[] = {
		{"[HKEY_USERS]\n", LIMIT_REGISTRY_KEYS - 1},
		{"@=-\n", LIMIT_REGISTRY_VALUES},
		{"x\n", LIMIT_REGISTRY_LINES},
	};
	struct registry_result result;
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		for (size_t more = 0; more < 2; more++) {
			buf_reset(&text);
			buf_append_str(&text, REG5 "[HKEY_USERS]\n");
			for (size_t k = 0; k < lists[i].most + more; k++)
				buf_append_str(&text, lists[i].each);
			arena_reset(&arena);
			assert_int_equal(registry_result_parse(buf_slice(&text), &arena, &result),
					 more == 0 ? OK : ERR_LIMIT);
		}
	}
}

static void
keys_have_short_names_and_any_case(void **state)
{
	(void)state;
	static const struct {
		const char *a;
		const char *b;
		bool is_same;
		bool is_below; /* a is b or below it */
	} cases[] = {
		{"HKLM\\A", "HKEY_LOCAL_MACHINE\\a", true, true},
		{"hkcu", "HKEY_CURRENT_USER\\", true, true},
		{"HKCR\\x", "HKEY_CLASSES_ROOT", false, true},
		{"HKU\\x\\y", "HKU\\X\\", false, true},
		{"HKCC\\xy", "HKCC\\x", false, false},
		{"HKLM\\A", "HKCU\\A", false, false},
		{"HKLM", "HKLM\\A", false, false},
		{"", "", true, true},
		{"", "HKLM", false, false},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct slice a = slice_str(cases[i].a);
		struct slice b = slice_str(cases[i].b);
		assert_int_equal(registry_is_same_key(a, b), cases[i].is_same);
		assert_int_equal(registry_is_below(a, b), cases[i].is_below);
	}
}

/* ---- plain text ---- */

static void
pairs_are_listed_where_lines_have_them(void **state)
{
	(void)state;
	static const char *const expected[][2] = {
		{"machine", "PC-1"}, {"Total", "16 GB: two"}, {"Path", "C:\\x=y"}, {"end", ""},
		{"a", "b=c"},
	};
	struct plain_text plain;
	assert_int_equal(
		plain_text_parse(SLICE_LITERAL("machine=PC-1\r\n\r\n  Total: 16 GB: two\n"
					       "C:\\no\\pair\nPath:\tC:\\x=y\nend:\n"
					       "= no name\n: none\na=b=c\n<tag a='b'>\nword"),
				 &arena, &plain),
		OK);
	assert_int_equal(plain.n_lines, 11);
	assert_int_equal(plain.n_blank, 1);
	assert_int_equal(plain.n_pairs, sizeof(expected) / sizeof(expected[0]));
	for (size_t i = 0; i < plain.n_pairs; i++) {
		assert_slice(plain.pairs[i].name, expected[i][0]);
		assert_slice(plain.pairs[i].value, expected[i][1]);
	}
}

static void
more_pairs_than_the_limit_are_said_not_listed(void **state)
{
	(void)state;
	struct plain_text plain;
	for (size_t i = 0; i <= LIMIT_TEXT_PAIRS; i++)
		buf_append_str(&text, "a=b\n");
	assert_int_equal(plain_text_parse(buf_slice(&text), &arena, &plain), OK);
	assert_int_equal(plain.n_pairs, LIMIT_TEXT_PAIRS);
	assert_true(plain.has_more_pairs);
	assert_int_equal(plain.n_lines, LIMIT_TEXT_PAIRS + 1);
}

static void
a_long_text_is_shown_up_to_a_whole_character(void **state)
{
	(void)state;
	struct plain_text plain;
	struct buf json;
	buf_append_byte(&text, 'x');
	while (text.len < LIMIT_TEXT_FILE_SHOWN_BYTES)
		buf_append_str(&text, "ä");
	assert_int_equal(plain_text_parse(buf_slice(&text), &arena, &plain), OK);
	FILES_JSON(plain_text_put_json, &plain, &json);
	files_assert_has(&json, "\"text_bytes\":65537,");
	files_assert_has(&json, "ä\",\n \"pairs\":[]");
	assert_true(text_is_utf8(buf_slice(&json)));
	buf_done(&json);
}

typedef err_t parse_fn(struct slice in, struct arena *arena);

static err_t
parse_list(struct slice in, struct arena *into)
{
	struct process_list list;
	return process_list_parse(in, into, &list);
}

static err_t
parse_result(struct slice in, struct arena *into)
{
	struct registry_result result;
	return registry_result_parse(in, into, &result);
}

static err_t
parse_plain(struct slice in, struct arena *into)
{
	struct plain_text plain;
	return plain_text_parse(in, into, &plain);
}

static void
refuses_what_is_too_large_or_does_not_fit(void **state)
{
	(void)state;
	static const struct {
		parse_fn *parse;
		const char *in;
	} readers[] = {
		{parse_list, "ImageName,UniqueProcessId\n\"a\"\"b\",1\n"},
		{parse_result, REG5 "[HKEY_USERS]\n\"a\"=hex(2):\\\n41,00\nother\n"},
		{parse_plain, "a=b\n"},
	};
	while (text.len <= LIMIT_TEXT_FILE_BYTES)
		buf_append_byte(&text, ' ');
	for (size_t i = 0; i < sizeof(readers) / sizeof(readers[0]); i++) {
		bool is_read = false;
		assert_int_equal(readers[i].parse(buf_slice(&text), &arena), ERR_LIMIT);
		for (size_t cap = 0; !is_read; cap += 16) {
			struct arena small;
			arena_init(&small, cap);
			err_t err = readers[i].parse(slice_str(readers[i].in), &small);
			is_read = err == OK;
			assert_true(is_read || err == ERR_LIMIT);
			assert_true(cap < 65536);
			arena_done(&small);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		TEST(parents_that_go_round_in_circles_are_cut),
		TEST(a_parent_is_older_than_its_child),
		TEST(processes_are_a_tree_in_the_order_of_rows),
		TEST(a_deep_tree_needs_no_stack),
		TEST(refuses_more_columns_than_the_limit),
		TEST(a_file_without_the_header_stays_a_text),
		TEST(columns_are_found_by_name_in_any_order),
		TEST(quotes_hold_commas_and_quotes),
		TEST(rows_of_another_width_are_counted_and_kept),
		TEST(every_encoding_of_processes_reads_the_same),
		TEST(registry_text_of_another_form_stays_a_text),
		TEST(lines_of_no_known_form_are_kept),
		TEST(values_of_every_type_are_read),
		TEST(the_old_version_has_bytes_for_strings),
		TEST(refuses_more_of_the_registry_than_the_limits),
		TEST(keys_have_short_names_and_any_case),
		TEST(pairs_are_listed_where_lines_have_them),
		TEST(more_pairs_than_the_limit_are_said_not_listed),
		TEST(a_long_text_is_shown_up_to_a_whole_character),
		TEST(refuses_what_is_too_large_or_does_not_fit),
#undef TEST
	};
	return cmocka_run_group_tests_name("report_texts", tests, NULL, NULL);
}
