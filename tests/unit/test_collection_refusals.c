#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/limits.h"
#include "collection/collection.h"

/* The refusals: text, line and reason */

#define RULE "rules:\n- name: r\n"
#define REPLY "  reply: {cabs: 1}\n"

static const struct {
	const char *text;
	const char *why; /* how it begins */
} refusals[] = {
	{"- a\n", "line 1: the file must be a mapping with default and rules"},
	{"default: {cabs: [}\n", "line 1: did not find expected node content"},
	{"default: {cabs: 1}\nrule: []\n", "line 2: unknown key \"rule\": did you mean rules?"},
	{"default: [cabs]\n", "line 1: rule \"default\": a reply must be a mapping"},
	{"default: {until: 2030-01-01}\n", "line 1: rule \"default\": unknown key \"until\""},
	{"default: {name: x}\n", "line 1: rule \"default\": unknown key \"name\""},
	{"rules: {a: b}\n", "line 1: rules must be a list"},
	{"rules:\n- a\n", "line 2: a rule must be a mapping"},
	{"rules:\n- match: {app: x}\n" REPLY, "line 2: a rule without a name"},
	{"rules:\n- name:\n" REPLY, "line 2: a rule's name must be"},
	{"rules:\n- name: [x]\n" REPLY, "line 2: a rule's name must be"},
	{"rules:\n- name: \"a\\nb\"\n" REPLY, "line 2: a rule's name must be"},
	{"rules:\n- name: Default\n" REPLY, "line 2: a rule's name must be"},
	{RULE, "line 2: rule \"r\": a rule without a reply"},
	{RULE "  reply: {}\n", "line 2: rule \"r\": the reply says nothing"},
	{RULE "  reply: {until: 2030-01-01}\n", "line 2: rule \"r\": the reply says nothing"},
	{RULE "  reply:\n", "line 3: rule \"r\": a reply must be a mapping"},
	{RULE REPLY "  macth: {app: x}\n",
	 "line 4: rule \"r\": unknown key \"macth\": did you mean "
	 "match?"},
	{RULE REPLY "- name: s\n" REPLY "- name: r\n" REPLY,
	 "line 6: rule \"r\": an earlier rule has this name"},

	{RULE REPLY "  match:\n", "line 4: rule \"r\": match must be a mapping"},
	{RULE REPLY "  match: [app]\n", "line 4: rule \"r\": match must be a mapping"},
	{RULE REPLY "  match:\n    appname: x\n", "line 5: rule \"r\": unknown key \"appname\""},
	{RULE REPLY "  match:\n    report-type: 2\n",
	 "line 5: rule \"r\": unknown key \"report-type\": did you mean report_type?"},
	{RULE REPLY "  match:\n    app:\n", "line 5: rule \"r\": app: the pattern is empty"},
	{RULE REPLY "  match: {app: ''}\n", "line 4: rule \"r\": app: the pattern is empty"},
	{RULE REPLY "  match: {app: []}\n",
	 "line 4: rule \"r\": app: an empty list fits no report"},
	{RULE REPLY "  match: {app: [a, [b]]}\n", "line 4: rule \"r\": app: a pattern must be a"},
	{RULE REPLY "  match: {app: {a: b}}\n", "line 4: rule \"r\": app: a pattern must be a"},
	{RULE REPLY "  match:\n    app:\n    - a\n    - ''\n",
	 "line 7: rule \"r\": app: the pattern is empty"},
	{RULE REPLY "  match: {report_type: 5..1}\n",
	 "line 4: rule \"r\": report_type: \"5..1\" is an empty range"},
	{RULE REPLY "  match: {report_type: ..}\n",
	 "line 4: rule \"r\": report_type: \"..\" is no number or range"},
	{RULE REPLY "  match: {report_type: crash}\n",
	 "line 4: rule \"r\": report_type: \"crash\" is no number or range"},
	{RULE REPLY "  match: {os_build: 190*}\n",
	 "line 4: rule \"r\": os_build: \"190*\" is no number or range"},
	{RULE REPLY "  match: {os_build: 1..2..3}\n",
	 "line 4: rule \"r\": os_build: \"1..2..3\" is no number or range"},
	{RULE REPLY "  match: {bucket: -5}\n",
	 "line 4: rule \"r\": bucket: \"-5\" is no number or range"},
	{RULE REPLY "  match: {bucket: 99999999999999999999}\n",
	 "line 4: rule \"r\": bucket: \"99999999999999999999\" is no number or range"},
	{RULE REPLY "  match: {code: access violation}\n",
	 "line 4: rule \"r\": code: \"access violation\" is no hex number"},
	{RULE REPLY "  match: {code: 0x11112222333344445}\n",
	 "line 4: rule \"r\": code: \"0x11112222333344445\" is no hex number"},
	{RULE REPLY "  match: {code: 0x80xx*}\n",
	 "line 4: rule \"r\": code: \"0x80xx*\" is no hex number"},
	{RULE REPLY "  match: {code: c0000005..c0000004}\n",
	 "line 4: rule \"r\": code: \"c0000005..c0000004\" is an empty range"},
	{RULE REPLY "  match: {version: 10.2..10.1}\n",
	 "line 4: rule \"r\": version: \"10.2..10.1\" is an empty range"},
	{RULE REPLY "  match: {version: a..b}\n",
	 "line 4: rule \"r\": version: \"a..b\" is no range of versions"},
	{RULE REPLY "  match: {version: 1.2.3.4.5.6.7..}\n",
	 "line 4: rule \"r\": version: \"1.2.3.4.5.6.7..\" is no range of versions"},
	{RULE REPLY "  match: {peer: 10.0.0.0/33}\n",
	 "line 4: rule \"r\": peer: \"10.0.0.0/33\" is no address or range"},
	{RULE REPLY "  match: {peer: 10.0.0.1..10.0.0.9}\n",
	 "line 4: rule \"r\": peer: \"10.0.0.1..10.0.0.9\" is no address or range"},
	{RULE REPLY "  match: {param: x}\n", "line 4: rule \"r\": param must be a mapping"},
	{RULE REPLY "  match: {param: {}}\n", "line 4: rule \"r\": param must be a mapping"},
	{RULE REPLY "  match: {param: {0: x}}\n",
	 "line 4: rule \"r\": param: \"0\" is no position"},
	{RULE REPLY "  match: {param: {P11: x}}\n",
	 "line 4: rule \"r\": param: \"P11\" is no position"},
	{RULE REPLY "  match: {param: {app: x}}\n",
	 "line 4: rule \"r\": param: \"app\" is no position"},
	{RULE REPLY "  match: {param: {P: x}}\n",
	 "line 4: rule \"r\": param: \"P\" is no position"},
	{RULE REPLY "  match:\n    param:\n      1: x\n      P1: y\n",
	 "line 7: rule \"r\": param: position 1 is there twice"},
	{RULE REPLY "  match: {param: {3: 2.0..1.0}}\n",
	 "line 4: rule \"r\": param: \"2.0..1.0\" is an empty range"},

	{RULE "  reply: {cab: 1}\n", "line 3: rule \"r\": unknown key \"cab\": did you mean cabs?"},
	{RULE "  reply: {idata: 1}\n", "line 3: rule \"r\": unknown key \"idata\""},
	{RULE "  reply: {cabs: -1}\n", "line 3: rule \"r\": cabs: \"-1\" is no number from 0"},
	{RULE "  reply: {cabs: all}\n", "line 3: rule \"r\": cabs: \"all\" is no number from 0"},
	{RULE "  reply: {cabs: }\n", "line 3: rule \"r\": cabs has no value"},
	{RULE "  reply: {cabs: [1]}\n", "line 3: rule \"r\": cabs: a single value is needed"},
	{RULE "  reply: {cabs_then: sometimes}\n",
	 "line 3: rule \"r\": cabs_then: \"sometimes\" is neither doubling nor never"},
	{RULE "  reply: {cab_bytes_per_machine_day: 0}\n",
	 "line 3: rule \"r\": cab_bytes_per_machine_day: \"0\" is no room for any cabinet"},
	{RULE "  reply: {cab_bytes_per_machine_day: much}\n",
	 "line 3: rule \"r\": cab_bytes_per_machine_day: \"much\" is no size"},
	{RULE "  reply: {memory_dump: 1}\n",
	 "line 3: rule \"r\": memory_dump: \"1\" is neither true"},
	{RULE "  reply: {fdoc: 'true'}\n", "line 3: rule \"r\": fdoc: \"true\" is neither true"},
	{RULE "  reply: {reg_key: 'HKLM\\A;HKLM\\B'}\n",
	 "line 3: rule \"r\": reg_key: \"HKLM\\\\A;HKLM\\\\B\" is not encodable"},
	{RULE "  reply:\n    get_file:\n    - a\n    - \"b\\r\\nBucket=1\"\n",
	 "line 6: rule \"r\": get_file: \"b\\x0d\\x0aBucket=1\" is not encodable"},
	{RULE "  reply: {wql: \"SELECT \\0\"}\n",
	 "line 3: rule \"r\": wql: \"SELECT \\x00\" is not encodable"},
	{RULE "  reply: {wql: \"SELECT \\u6f22\"}\n",
	 "line 3: rule \"r\": wql: \"SELECT \xe6\xbc\xa2\" is not encodable"},
	{RULE "  reply: {get_file: ['']}\n", "line 3: rule \"r\": get_file: \"\" is empty"},
	{RULE "  reply: {get_file: }\n", "line 3: rule \"r\": get_file has no value"},
	{RULE "  reply: {get_file: {a: b}}\n", "line 3: rule \"r\": get_file: a single value"},
	{RULE "  reply: {response: 2}\n",
	 "line 3: rule \"r\": response: \"2\" is neither 1 nor a URL"},
	{RULE "  reply: {response: 'ftp://x/'}\n",
	 "line 3: rule \"r\": response: \"ftp://x/\" is neither 1 nor a URL"},
	{RULE "  reply: {response: 'http:///x'}\n",
	 "line 3: rule \"r\": response: \"http:///x\" is neither 1 nor a URL"},
	{RULE "  reply: {response: 'http://x/a b'}\n",
	 "line 3: rule \"r\": response: \"http://x/a b\" is neither 1 nor a URL"},
	{RULE "  reply: {response: [1]}\n", "line 3: rule \"r\": response: a single value"},
	{RULE "  reply: {dump_server: 'http://x/'}\n",
	 "line 3: rule \"r\": dump_server: \"http://x/\" is no host's name"},
	{RULE "  reply: {response_server: a b}\n",
	 "line 3: rule \"r\": response_server: \"a b\" is no host's name"},
	{RULE "  reply: {response_url: \"/x\\r\\nBucket=1\"}\n",
	 "line 3: rule \"r\": response_url: \"/x\\x0d\\x0aBucket=1\" is no URL"},
	{RULE "  reply: {cabs: 1, until: 7d}\n", "line 3: rule \"r\": until: \"7d\" is no time"},
	{RULE "  reply: {cabs: 1, until: 2026-02-31}\n",
	 "line 3: rule \"r\": until: \"2026-02-31\" is no time"},
	{RULE "  reply: {cabs: 1, until: 2026-01-01 25:00}\n",
	 "line 3: rule \"r\": until: \"2026-01-01 25:00\" is no time"},
	{RULE "  reply: {cabs: 1, until: [2026-01-01]}\n",
	 "line 3: rule \"r\": until: a single value is needed"},
	{RULE "  until: 2030-01-01\n  reply: {cabs: 1, until: 2030-01-01}\n",
	 "line 2: rule \"r\": until is there twice"},

	{"default: {cabs: 0, cabs_then: doubling}\n",
	 "line 1: rule \"default\": cabs: 0 never asks, so cabs_then: doubling contradicts it"},
	{"default: {cabs: 0, memory_dump: true}\n",
	 "line 1: rule \"default\": cabs: 0 contradicts the directives beside it"},
	{RULE "  reply:\n    wql: SELECT Family FROM Win32_Processor\n    cabs: 0\n",
	 "line 5: rule \"r\": cabs: 0 contradicts the directives beside it"},
	{"rules:\n- name: asks\n  reply: {cabs: 5}\n- name: r\n  reply: {fdoc: on, cabs: 0}\n",
	 "line 5: rule \"r\": cabs: 0 contradicts the directives beside it"},
};

static void
refuses_with_line_and_reason(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		struct collection *collection = NULL;
		struct err_detail detail = {.why = ""};
		err_t err = collection_parse(slice_str(refusals[i].text), &collection, &detail);
		if (err != ERR_CONFIG ||
		    strncmp(detail.why, refusals[i].why, strlen(refusals[i].why)) != 0)
			fail_msg("case %zu: %s, \"%s\" instead of \"%s\"", i, err_name(err),
				 detail.why, refusals[i].why);
		assert_null(collection);
	}
}

static void
expect_accepted(const char *text)
{
	struct collection *collection = NULL;
	struct err_detail detail = {.why = ""};
	if (collection_parse(slice_str(text), &collection, &detail) != OK)
		fail_msg("\"%s\" was refused: %s", text, detail.why);
	collection_unref(collection);
}

static void
accepts_what_only_looks_contradictory(void **state)
{
	(void)state;
	expect_accepted("default: {cabs: 0, memory_dump: true}\n"
			"rules: [{name: a, reply: {cabs: 1}}]\n");
	expect_accepted("rules:\n- {name: a, reply: {cabs: 0, wql: SELECT 1}}\n"
			"- {name: b, reply: {cabs: 2}}\n");
	expect_accepted("default: {cabs: 0, cabs_then: never, memory_dump: false, wql: []}\n");
	expect_accepted("default: {cabs: 0, response: 1}\n");
	expect_accepted("default:\nrules:\n");
	expect_accepted("rules: []\n");
	expect_accepted("rules: [{name: a, match: {}, reply: {response: ''}}]\n");
	expect_accepted("rules: [{name: a, match: {version: 10.1.5..10.1}, reply: {cabs: 1}}]\n");
}

static void
refuses_too_many_rules_and_too_long_a_reply(void **state)
{
	struct collection *collection = NULL;
	struct err_detail detail;
	struct buf text;
	(void)state;
	buf_init(&text, LIMIT_YAML_BYTES);
	buf_append_str(&text, "rules:\n");
	for (int i = 0; i < LIMIT_COLLECTION_RULES; i++)
		buf_printf(&text, "- {name: r%d, reply: {cabs: 1}}\n", i);
	assert_int_equal(collection_parse(buf_slice(&text), &collection, &detail), OK);
	assert_int_equal(collection_n_rules(collection), LIMIT_COLLECTION_RULES);
	collection_unref(collection);
	buf_append_str(&text, "- {name: more, reply: {cabs: 1}}\n");
	assert_int_equal(collection_parse(buf_slice(&text), &collection, &detail), ERR_CONFIG);
	assert_string_equal(detail.why, "line 10002: more than 10000 rules");

	buf_reset(&text);
	buf_append_str(&text, "rules:\n- {name: a, reply: {wql: [\"");
	for (int i = 0; i < 40000; i++)
		buf_append_byte(&text, 'x');
	buf_append_str(&text, "\"]}}\n- {name: b, reply: {get_file: [\"");
	for (int i = 0; i < 24500; i++)
		buf_append_byte(&text, 'y');
	size_t fits = text.len;
	buf_append_str(&text, "\"]}}\n");
	assert_int_equal(collection_parse(buf_slice(&text), &collection, &detail), OK);
	collection_unref(collection);
	text.len = fits;
	for (int i = 0; i < 100; i++)
		buf_append_byte(&text, 'y');
	buf_append_str(&text, "\"]}}\n");
	assert_int_equal(collection_parse(buf_slice(&text), &collection, &detail), ERR_CONFIG);
	assert_string_equal(
		detail.why,
		"line 2: rule \"a\": a reply could be 65624 bytes long, more than 65536; "
		"this is the longest part of it");
	buf_done(&text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_with_line_and_reason),
		cmocka_unit_test(accepts_what_only_looks_contradictory),
		cmocka_unit_test(refuses_too_many_rules_and_too_long_a_reply),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
