#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "base/buf.h"
#include "base/limits.h"
#include "base/text.h"
#include "bucket/frame_lists.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct slice none = {0};

static int
set_up(void **state)
{
	*state = frame_lists_new_empty();
	return 0;
}

static int
tear_down(void **state)
{
	frame_lists_free(*state);
	return 0;
}

static void
add(struct frame_lists *lists, const char *name, const char *text)
{
	struct err_detail detail = {.why = ""};
	if (frame_lists_add(lists, name, slice_str(text), &detail) != OK)
		fail_msg("%s", detail.why);
}

static const struct frame_rule *
find(const struct frame_lists *lists, enum frame_section section, const char *module,
     const char *function)
{
	struct frame_matches matches;
	frame_lists_find(lists, SLICE_LITERAL("app.exe"), slice_str(module), slice_str(function),
			 &matches);
	return matches.rules[section];
}

static void
refuses_a_list_whole_and_says_the_line(void **state)
{
	static const struct {
		const char *text, *why;
	} lists[] = {
		{"memcpy\n", "l:1: before the first [section]: memcpy"},
		{"[core]\nntdll!\n[nothing]\n", "l:3: no such section: nothing"},
		{"[core]\n\n# x\n!\n", "l:4: neither module nor function: !"},
		{"[core]\nNTDLL.dll!\n", "l:2: 'NTDLL.dll' is compared as 'ntdll'"},
		{"[core]\nfoo(int)\n", "l:2: 'foo(int)' is compared as 'foo'"},
		{"[core]\n??\n[alias]\nfoo\n", "l:4: not of the form PATTERN = VALUE: foo"},
		{"[alias]\nfoo = \n", "l:2: not of the form PATTERN = VALUE: foo ="},
		{"[alias]\n = foo\n", "l:2: not of the form PATTERN = VALUE: = foo"},
		{"[alias]\nfoo = bar(int)\n", "l:2: 'bar(int)' is compared as 'bar'"},
		{"[module alias]\nnt = Kernel.DLL\n", "l:2: 'Kernel.DLL' is compared as 'kernel'"},
		{"[core]\nf\xff!\n", "l:2: not UTF-8: "},
	};
	struct frame_lists *kept = *state;
	add(kept, "before", "[core]\nntdll!\n");
	for (size_t i = 0; i < COUNT(lists); i++) {
		struct err_detail detail = {.why = ""};
		assert_int_equal(frame_lists_add(kept, "l", slice_str(lists[i].text), &detail),
				 ERR_CONFIG);
		assert_string_equal(detail.why, lists[i].why);
		assert_int_equal(frame_lists_count(kept), 1);
	}
	assert_non_null(find(kept, FRAME_CORE, "ntdll", "x"));
}

static void
refuses_lists_over_their_limits(void **state)
{
	struct frame_lists *lists = *state;
	struct err_detail detail = {.why = ""};
	struct buf text;
	buf_init(&text, 2 * LIMIT_FRAME_LIST_BYTES);
	buf_append_str(&text, "[core]\n");
	for (int i = 0; i <= LIMIT_FRAME_RULES; i++)
		buf_printf(&text, "f%d\n", i);
	assert_int_equal(frame_lists_add(lists, "many", buf_slice(&text), &detail), ERR_LIMIT);
	assert_int_equal(frame_lists_count(lists), 0);
	buf_reset(&text);
	while (text.len <= LIMIT_FRAME_LIST_BYTES)
		buf_append_str(&text, "# a comment\n");
	assert_int_equal(frame_lists_add(lists, "long", buf_slice(&text), &detail), ERR_LIMIT);
	buf_reset(&text);
	buf_append_str(&text, "[core]\n*");
	while (text.len < LIMIT_FRAME_PATTERN_BYTES + 20)
		buf_append_byte(&text, 'x');
	assert_int_equal(frame_lists_add(lists, "wide", buf_slice(&text), &detail), ERR_CONFIG);
	buf_done(&text);
}

static void
matches_module_and_function(void **state)
{
	struct frame_lists *lists = *state;
	add(lists, "l",
	    "[core]\nntdll!\nexact\nmod!both\nRtl*\nd3d*!\nwin*!Get*\nUPPER\n*::operator->\n");
	assert_non_null(find(lists, FRAME_CORE, "ntdll", "anything"));
	assert_non_null(find(lists, FRAME_CORE, "ntdll", NULL));
	assert_null(find(lists, FRAME_CORE, "ntdll2", NULL));
	assert_non_null(find(lists, FRAME_CORE, NULL, "exact"));
	assert_non_null(find(lists, FRAME_CORE, "any", "exact"));
	assert_null(find(lists, FRAME_CORE, "any", "exactly"));
	assert_non_null(find(lists, FRAME_CORE, "mod", "both"));
	assert_null(find(lists, FRAME_CORE, "mod2", "both"));
	assert_null(find(lists, FRAME_CORE, NULL, "both"));
	assert_non_null(find(lists, FRAME_CORE, NULL, "RtlFree"));
	assert_non_null(find(lists, FRAME_CORE, "d3d11", NULL));
	assert_non_null(find(lists, FRAME_CORE, "win32u", "GetMessage"));
	assert_null(find(lists, FRAME_CORE, "win32u", NULL));
	assert_non_null(find(lists, FRAME_CORE, "x", "Upper"));
	assert_non_null(find(lists, FRAME_CORE, "x", "std::ptr<T>::operator->"));
	assert_null(find(lists, FRAME_CORE, NULL, NULL));
}

static void
finds_the_line_that_came_last(void **state)
{
	struct frame_lists *lists = *state;
	add(lists, "first", "[core]\nf*\nfoo\nm!foo\n[tag]\nfoo = one\n");
	assert_int_equal(find(lists, FRAME_CORE, "m", "foo")->line, 4);
	add(lists, "second", "[core]\nfo*\n[tag]\nf?o = two\n");
	assert_string_equal(find(lists, FRAME_CORE, "m", "foo")->list, "second");
	assert_int_equal(find(lists, FRAME_CORE, "m", "foo")->line, 2);
	assert_true(slice_equal_str(find(lists, FRAME_TAG, "m", "foo")->value, "two"));
}

static void
tells_programs_apart(void **state)
{
	struct frame_lists *lists = *state;
	struct frame_matches matches;
	add(lists, "l", "[core for app*.exe]\nfoo\n[cause for other]\nx* = y\n");
	assert_non_null(find(lists, FRAME_CORE, "m", "foo"));
	frame_lists_find(lists, SLICE_LITERAL("b.exe"), none, SLICE_LITERAL("foo"), &matches);
	assert_null(matches.rules[FRAME_CORE]);
	frame_lists_find(lists, none, none, SLICE_LITERAL("foo"), &matches);
	assert_null(matches.rules[FRAME_CORE]);
	assert_null(frame_lists_find_text(lists, FRAME_CAUSE, SLICE_LITERAL("app.exe"),
					  SLICE_LITERAL("xx")));
	assert_non_null(frame_lists_find_text(lists, FRAME_CAUSE, SLICE_LITERAL("other"),
					      SLICE_LITERAL("xx")));
}

static void
takes_lines_of_every_end(void **state)
{
	struct frame_lists *lists = *state;
	add(lists, "l", "\r\n[core]\r\n  spaced  \r\n# no\n\nlast");
	assert_int_equal(frame_lists_count(lists), 2);
	assert_int_equal(find(lists, FRAME_CORE, NULL, "spaced")->line, 3);
	assert_non_null(find(lists, FRAME_CORE, NULL, "last"));
}

static void
changes_its_digest_with_every_list(void **state)
{
	struct frame_lists *lists = *state;
	struct frame_lists *same = frame_lists_new_empty();
	struct err_detail detail = {.why = ""};
	uint8_t before[FRAME_LISTS_DIGEST_BYTES];
	memcpy(before, frame_lists_digest(lists), sizeof(before));
	assert_int_equal(frame_lists_add(lists, "l", SLICE_LITERAL("x"), &detail), ERR_CONFIG);
	assert_memory_equal(frame_lists_digest(lists), before, sizeof(before));
	add(lists, "l", "[core]\nfoo\n");
	assert_memory_not_equal(frame_lists_digest(lists), before, sizeof(before));
	add(same, "l", "[core]\nfoo\n");
	assert_memory_equal(frame_lists_digest(lists), frame_lists_digest(same), sizeof(before));
	add(same, "l", "[core]\nbar\n");
	assert_memory_not_equal(frame_lists_digest(lists), frame_lists_digest(same),
				sizeof(before));
	frame_lists_free(same);
}

/* What is never looked up would be a lie in the list: exact names may not be aliases. */
static void
shipped_lines_are_all_within_reach(void **state)
{
	(void)state;
	struct frame_lists *lists = frame_lists_new();
	size_t n_sections[FRAME_SECTION_N] = {0};
	for (size_t i = 0; i < frame_lists_count(lists); i++) {
		const struct frame_rule *rule = frame_lists_at(lists, i);
		struct frame_matches matches;
		n_sections[rule->section]++;
		if (rule->section >= FRAME_PLACES_N || rule->section == FRAME_ALIAS)
			continue;
		frame_lists_find(lists, rule->program, rule->module, rule->function, &matches);
		const struct frame_rule *alias = matches.rules[FRAME_ALIAS];
		const struct frame_rule *module = frame_lists_find_text(
			lists, FRAME_MODULE_ALIAS, rule->program, rule->module);
		if (alias != NULL && !text_has_wildcard(rule->function) &&
		    !slice_equal(alias->value, rule->function))
			fail_msg("%s:%u is an alias", rule->list, rule->line);
		if (rule->module.len > 0 && module != NULL && !text_has_wildcard(rule->module) &&
		    !slice_equal(module->value, rule->module))
			fail_msg("%s:%u is the alias of a module", rule->list, rule->line);
	}
	(void)printf("shipped lines: %zu\n", frame_lists_count(lists));
	for (int i = 0; i < FRAME_SECTION_N; i++) {
		bool is_for_users = i == FRAME_RELEVANT || i == FRAME_TAG || i == FRAME_OLD_IMAGE;
		if (!is_for_users && n_sections[i] == 0)
			fail_msg("no line in [%s]", frame_section_name((enum frame_section)i));
	}
	frame_lists_free(lists);
}

static void
shipped_lines_are_there_once(void **state)
{
	(void)state;
	struct frame_lists *lists = frame_lists_new();
	for (size_t i = 0; i < frame_lists_count(lists); i++) {
		const struct frame_rule *a = frame_lists_at(lists, i);
		for (size_t j = 0; j < i; j++) {
			const struct frame_rule *b = frame_lists_at(lists, j);
			if (a->section == b->section && slice_equal_nocase(a->module, b->module) &&
			    slice_equal_nocase(a->function, b->function) &&
			    slice_equal(a->program, b->program))
				fail_msg("%s:%u repeats %s:%u", a->list, a->line, b->list, b->line);
		}
	}
	frame_lists_free(lists);
}

static void
shipped_lines_give_each_family_of_causes(void **state)
{
	(void)state;
	static const struct {
		const char *kind, *family;
	} kinds[] = {
		{"access_violation_read", "access_violation"},
		{"access_violation_write_null", "null"},
		{"access_violation_exec", "execute"},
		{"access_violation_exec_null", "null"},
		{"sigsegv", "access_violation"},
		{"stack_overflow", "stack_overflow"},
		{"integer_divide_by_zero", "divide_by_zero"},
		{"heap_corruption", "heap_corruption"},
		{"assert", "assert"},
		{"in_page_error_read", "in_page_error"},
	};
	struct frame_lists *lists = frame_lists_new();
	for (size_t i = 0; i < COUNT(kinds); i++) {
		const struct frame_rule *rule =
			frame_lists_find_text(lists, FRAME_CAUSE, none, slice_str(kinds[i].kind));
		if (rule == NULL || !slice_equal_str(rule->value, kinds[i].family))
			fail_msg("%s is not of family %s", kinds[i].kind, kinds[i].family);
	}
	frame_lists_free(lists);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(refuses_a_list_whole_and_says_the_line, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(refuses_lists_over_their_limits, set_up, tear_down),
		cmocka_unit_test_setup_teardown(matches_module_and_function, set_up, tear_down),
		cmocka_unit_test_setup_teardown(finds_the_line_that_came_last, set_up, tear_down),
		cmocka_unit_test_setup_teardown(tells_programs_apart, set_up, tear_down),
		cmocka_unit_test_setup_teardown(takes_lines_of_every_end, set_up, tear_down),
		cmocka_unit_test_setup_teardown(changes_its_digest_with_every_list, set_up,
						tear_down),
		cmocka_unit_test(shipped_lines_are_all_within_reach),
		cmocka_unit_test(shipped_lines_are_there_once),
		cmocka_unit_test(shipped_lines_give_each_family_of_causes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
