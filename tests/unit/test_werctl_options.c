#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "base/time.h"
#include "source_file.h"
#include "werctl/command.h"

#define NOW_US (INT64_C(1764040313) * TIME_SECOND_US)

struct parsed {
	struct options options;
	struct operands operands;
	struct err_detail detail;
	const char *place[32];
	err_t err;
};

/* WORDS ends with NULL. */
static void
parse(struct parsed *p, const char *const *words)
{
	unsigned count = 0;
	while (words[count] != NULL)
		count++;
	*p = (struct parsed){.detail = {.why = ""}};
	p->err = options_parse(words, count, NOW_US, p->place, &p->options, &p->operands,
			       &p->detail);
}

#define PARSE(p, ...) parse(p, (const char *const[]){__VA_ARGS__, NULL})

static void
refuses_what_it_does_not_know(void **state)
{
	struct parsed p;
	(void)state;
	PARSE(&p, "reports", "--sinse", "1d");
	assert_int_equal(p.err, ERR_USAGE);
	assert_string_equal(p.detail.why, "unknown option --sinse");
	PARSE(&p, "-x");
	assert_int_equal(p.err, ERR_USAGE);
	PARSE(&p, "--");
	assert_int_equal(p.err, OK);
	PARSE(&p, "--=x");
	assert_int_equal(p.err, ERR_USAGE);
}

static void
refuses_missing_needless_and_repeated_values(void **state)
{
	struct parsed p;
	(void)state;
	PARSE(&p, "reports", "--limit");
	assert_int_equal(p.err, ERR_USAGE);
	assert_string_equal(p.detail.why, "--limit needs a value: N");
	PARSE(&p, "reports", "--json=yes");
	assert_string_equal(p.detail.why, "--json takes no value");
	PARSE(&p, "--limit=1", "--limit=2");
	assert_string_equal(p.detail.why, "--limit is given twice");
	PARSE(&p, "--app=");
	assert_string_equal(p.detail.why, "--app: the value is empty");
}

static void
refuses_values_of_the_wrong_kind(void **state)
{
	struct parsed p;
	(void)state;
	PARSE(&p, "--limit", "-1");
	assert_string_equal(p.detail.why, "--limit: '-1' is no number");
	PARSE(&p, "--sort", "hit");
	assert_string_equal(p.detail.why, "--sort: 'hit' is none of hits|machines|first|last");
	PARSE(&p, "--since", "yesterday");
	assert_int_equal(p.err, ERR_USAGE);
	PARSE(&p, "--limit", "99999999999999999999");
	assert_int_equal(p.err, ERR_USAGE);
}

static void
takes_options_before_and_behind_the_command(void **state)
{
	struct parsed p;
	(void)state;
	PARSE(&p, "-c", "a.yaml", "cab", "--force", "17", "-oout.cab", "--since=1d");
	assert_int_equal(p.err, OK);
	assert_string_equal(p.options.text[OPTION_CONFIG], "a.yaml");
	assert_string_equal(p.options.text[OPTION_OUTPUT], "out.cab");
	assert_true(option_is_given(&p.options, OPTION_FORCE));
	assert_int_equal(p.options.time_us[OPTION_SINCE], NOW_US - TIME_DAY_US);
	assert_int_equal(p.operands.count, 2);
	assert_string_equal(p.operands.at[1], "17");
}

static void
ends_options_at_two_hyphens_and_takes_one_as_a_value(void **state)
{
	struct parsed p;
	(void)state;
	PARSE(&p, "diff", "-o", "-", "-", "--", "--json");
	assert_int_equal(p.err, OK);
	assert_string_equal(p.options.text[OPTION_OUTPUT], "-");
	assert_int_equal(p.operands.count, 3);
	assert_string_equal(p.operands.at[2], "--json");
	assert_false(option_is_given(&p.options, OPTION_JSON));
}

static const struct command *
find(struct parsed *p)
{
	const struct command *command = NULL;
	p->err = command_find(&p->options, &p->operands, &command, &p->detail);
	return command;
}

static void
finds_commands_of_one_and_two_words(void **state)
{
	struct parsed p;
	(void)state;
	PARSE(&p, "collection", "explain", "x.xml");
	assert_string_equal(find(&p)->name, "collection explain");
	assert_int_equal(p.operands.count, 1);
	PARSE(&p, "reports");
	assert_string_equal(find(&p)->name, "reports");
	PARSE(&p, "collection");
	assert_null(find(&p));
	assert_string_equal(p.detail.why, "`collection` is followed by `explain` or `check`");
	PARSE(&p, "report5");
	assert_null(find(&p));
	PARSE(&p, "--version");
	assert_string_equal(find(&p)->name, "version");
}

static err_t
check(struct parsed *p)
{
	const struct command *command = find(p);
	return command_check(command, &p->options, &p->operands, &p->detail);
}

static void
checks_what_a_command_takes(void **state)
{
	struct parsed p;
	(void)state;
	PARSE(&p, "report", "1", "--sort", "hits");
	assert_int_equal(check(&p), ERR_USAGE);
	assert_string_equal(p.detail.why, "report takes no --sort");
	PARSE(&p, "report");
	assert_int_equal(check(&p), ERR_USAGE);
	assert_string_equal(p.detail.why, "report needs ID");
	PARSE(&p, "report", "1", "2");
	assert_int_equal(check(&p), ERR_USAGE);
	PARSE(&p, "cab", "1");
	assert_int_equal(check(&p), ERR_USAGE);
	assert_string_equal(p.detail.why, "cab needs --output");
	PARSE(&p, "cab", "1", "-o", "x");
	assert_int_equal(check(&p), OK);
}

static void
explains_every_command(void **state)
{
	struct buf out;
	(void)state;
	buf_init(&out, 1 << 20);
	for (size_t i = 0; command_at(i) != NULL; i++) {
		buf_reset(&out);
		command_help(command_at(i), &out);
		assert_true(slice_starts_with(buf_slice(&out), SLICE_LITERAL("usage: werctl ")));
		struct slice rest = buf_slice(&out);
		struct slice line;
		while (slice_cut(rest, '\n', &line, &rest))
			assert_true(line.len < 96);
	}
	buf_done(&out);
}

static void
stands_in_the_manual_with_every_command_and_option(void **state)
{
	char text[128];
	char *manual = read_source_file("man/werctl.1");
	(void)state;
	for (size_t i = 0; command_at(i) != NULL; i++) {
		(void)snprintf(text, sizeof(text), "Cm %s", command_at(i)->name);
		if (strstr(manual, text) == NULL)
			fail_msg("werctl(1) has no command %s", command_at(i)->name);
	}
	for (unsigned code = 0; code < OPTION_N; code++) {
		const char *name = option_at((enum option_code)code)->name;
		(void)snprintf(text, sizeof(text), "Fl -%s", name);
		if (strstr(manual, text) == NULL)
			fail_msg("werctl(1) has no option --%s", name);
	}
	free(manual);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_what_it_does_not_know),
		cmocka_unit_test(refuses_missing_needless_and_repeated_values),
		cmocka_unit_test(refuses_values_of_the_wrong_kind),
		cmocka_unit_test(takes_options_before_and_behind_the_command),
		cmocka_unit_test(ends_options_at_two_hyphens_and_takes_one_as_a_value),
		cmocka_unit_test(finds_commands_of_one_and_two_words),
		cmocka_unit_test(checks_what_a_command_takes),
		cmocka_unit_test(explains_every_command),
		cmocka_unit_test(stands_in_the_manual_with_every_command_and_option),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
