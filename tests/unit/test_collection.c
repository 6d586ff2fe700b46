#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/limits.h"
#include "base/time.h"
#include "collection/collection.h"
#include "source_file.h"

static struct collection *
parse(const char *text)
{
	struct collection *collection = NULL;
	struct err_detail detail = {.why = ""};
	if (collection_parse(slice_str(text), &collection, &detail) != OK)
		fail_msg("\"%s\" was refused: %s", text, detail.why);
	return collection;
}

/* What matches */

static struct report report;
static struct report_label label;
static struct collection_input input;

#define S(text) SLICE_LITERAL(text)

static void
take_label(void)
{
	report_label(&report, &label);
}

/* A crash of winword.exe in ntdll.dll. */
static int
set_up_crash(void **state)
{
	static const char *const params[] = {"WINWORD.EXE", "16.0.4266.1001",  "55ba1c3a",
					     "ntdll.dll",   "10.0.19041.804",  "b29ecf52",
					     "c0000005",    "000000000001d2ee"};
	(void)state;
	report = (struct report){
		.machine = S("PC-17.corp.example"),
		.os = S("10.0.19045.2.0.0.256.48"),
		.user = S("CORP\\jane"),
		.app_name = S("Microsoft Word"),
		.app_path = S("C:\\Program Files\\Office16\\WINWORD.EXE"),
		.event_type = S("appcrash"),
		.has_report_type = true,
		.report_type = 2,
		.n_params = 8,
	};
	for (size_t i = 0; i < 8; i++)
		report.params[i].value = slice_str(params[i]);
	take_label();
	input = (struct collection_input){
		.report = &report, .label = &label, .bucket = 4711, .now_us = 1000000};
	assert_true(address_parse(S("10.1.2.3:50000"), &input.peer));
	return 0;
}

static void
plan_of(const char *text, struct collection_plan *plan)
{
	struct collection *collection = parse(text);
	collection_plan(collection, &input, plan);
	collection_unref(collection);
}

static bool
matches(const char *match)
{
	char text[1024];
	struct collection_plan plan;
	(void)snprintf(text, sizeof(text), "rules:\n- {name: r, match: {%s}, reply: {cabs: 99}}\n",
		       match);
	plan_of(text, &plan);
	assert_true((plan.cabs == 99) == (plan.decided_by[COLLECTION_CABS] == 0));
	return plan.cabs == 99;
}

static void
expect_matches(const char *const *hits, size_t n_hits, const char *const *misses, size_t n_misses)
{
	for (size_t i = 0; i < n_hits; i++)
		if (!matches(hits[i]))
			fail_msg("does not match: %s", hits[i]);
	for (size_t i = 0; i < n_misses; i++)
		if (matches(misses[i]))
			fail_msg("matches: %s", misses[i]);
}
#define EXPECT(hits, misses)                                                                       \
	expect_matches(hits, sizeof(hits) / sizeof((hits)[0]), misses,                             \
		       sizeof(misses) / sizeof((misses)[0]))

static void
event_types_match_by_any_spelling(void **state)
{
	static const char *const hits[] = {"event_type: APPCRASH",   "event_type: appcrash",
					   "event_type: AppCrash64", "event_type: APP*",
					   "event_type: 'appcr?sh'", "event_type: [BEX, APPCRASH]",
					   "event_type: '*'"};
	static const char *const misses[] = {"event_type: BEX", "event_type: APPCRAS",
					     "event_type: '?PPCRAS'", "event_type: [BEX, APPHANG]"};
	static const char *const sent[] = {"event_type: APPCRASH", "event_type: 'appcrash3*'"};
	static const char *const not_sent[] = {"event_type: 'AppCrash6*'"};
	(void)state;
	EXPECT(hits, misses);
	report.event_type = S("AppCrash32");
	take_label();
	EXPECT(sent, not_sent);
	report.event_type = S("MyOwnEvent");
	take_label();
	assert_true(matches("event_type: myownevent"));
	assert_false(matches("event_type: APPCRASH"));
}

static void
texts_match_exactly_or_by_wildcard(void **state)
{
	static const char *const hits[] = {
		"app: winword.exe",
		"app: WinWord.*",
		"app: Microsoft Word",
		"app: 'C:\\Program Files\\Office16\\winword.exe'",
		"app: '*\\office1?\\*'",
		"app: [excel.exe, winword.exe]",
		"module: NTDLL.DLL",
		"module: nt*",
		"machine: PC-17.corp.example",
		"machine: pc-17",
		"machine: pc-1?",
		"machine: '*.corp.example'",
		"user: corp\\JANE",
		"user: '*\\jane'",
		"app: winword.exe, module: ntdll.dll, machine: pc-17",
	};
	static const char *const misses[] = {
		"app: excel.exe",
		"app: word",
		"app: Office16",
		"module: ntdll",
		"module: '?'",
		"machine: corp",
		"machine: pc-1",
		"machine: '*.corp.test'",
		"machine: pc-17.*.test",
		"user: jane",
		"app: winword.exe, module: kernel32.dll",
	};
	(void)state;
	EXPECT(hits, misses);
}

static void
an_application_is_known_by_its_path_when_the_label_has_none(void **state)
{
	(void)state;
	report.event_type = S("werapitest (eventType)");
	report.n_params = 0;
	report.app_name = S("");
	report.app_path = S("C:\\tmp\\werapitest.exe");
	take_label();
	assert_true(matches("app: werapitest.exe"));
	assert_true(matches("app: 'C:\\tmp\\*'"));
	report.app_path = S("/usr/bin/thing");
	take_label();
	assert_true(matches("app: thing"));
}

static void
numbers_match_by_range(void **state)
{
	static const char *const hits[] = {
		"report_type: 2",     "report_type: 1..5",        "report_type: ..2",
		"report_type: 2..",   "report_type: 2..2",        "report_type: [7, 2]",
		"os_build: 19045",    "os_build: 19041 .. 19045", "bucket: 4711",
		"bucket: 4000..5000", "bucket: [1, 4711]",        "report_type: '2'"};
	static const char *const misses[] = {
		"report_type: 3", "report_type: ..1", "report_type: 3..",   "os_build: ..19044",
		"bucket: 4712",   "bucket: 4712..",   "report_type: [1, 3]"};
	(void)state;
	EXPECT(hits, misses);
}

static void
codes_match_as_hex_numbers(void **state)
{
	static const char *const hits[] = {"code: c0000005",     "code: 0xC0000005",
					   "code: 00c0000005",   "code: c0000000..c00000ff",
					   "code: 0xc0000005..", "code: 'c*5'",
					   "code: '0xC000?00?'"};
	static const char *const misses[] = {"code: c0000006",   "code: 5",    "code: c000000",
					     "code: ..c0000004", "code: '8*'", "code: '?0000005?'"};
	(void)state;
	EXPECT(hits, misses);
	report = (struct report){.event_type = S("BlueScreen"),
				 .secondary = &(struct report_pair){S("BCCode"), S("0x0000009F")},
				 .n_secondary = 1};
	take_label();
	assert_true(matches("code: 9f"));
	assert_true(matches("code: 0x9F, event_type: bluescreen"));
	assert_true(matches("code: '9?'"));
	assert_false(matches("code: '*c0000005'"));
	report.secondary->value = S("no number");
	take_label();
	assert_false(matches("code: '*'"));
	report.secondary->value = S("0x0");
	take_label();
	assert_true(matches("code: 0"));
}

static void
versions_match_by_dotted_range(void **state)
{
	static const char *const hits[] = {
		"version: 16.0.4266.1001",
		"version: 16.0.*",
		"version: 16..17",
		"version: 16.0.4266..",
		"version: ..16.0.4266",
		"version: 9..16",
		"version: 16.0.4266.1001..16.0.4266.1001",
		"version: ..16.0.4266.1001.0",
		"param: {5: 10.0.19041..10.0.19045}",
	};
	static const char *const misses[] = {"version: 16.0.4266",
					     "version: 1?.0",
					     "version: ..16.0.4266.1000",
					     "version: 16.0.4267..",
					     "version: ..9",
					     "version: 17..",
					     "version: 16.0.4266.1001.1..",
					     "param: {5: 10.0.19042..}"};
	(void)state;
	EXPECT(hits, misses);
	report.params[1].value = S("16.x");
	take_label();
	assert_false(matches("version: 16.."));
	assert_true(matches("version: 16.X"));
	report.params[1].value = S("16.0.99999999999");
	take_label();
	assert_false(matches("version: 16.."));
}

static void
parameters_count_from_one(void **state)
{
	static const char *const hits[] = {
		"param: {1: winword.exe}",
		"param: {P1: winword.exe}",
		"param: {p8: '*1d2ee'}",
		"param: {'4': [a, ntdll.dll]}",
		"param: {1: WINWORD.*, 4: ntdll.dll}",
		"param: {7: c0000005}",
	};
	static const char *const misses[] = {"param: {2: winword.exe}", "param: {9: '*'}",
					     "param: {1: winword.exe, 4: x}",
					     "param: {7: 0xc0000005}"};
	(void)state;
	EXPECT(hits, misses);
	report.params[0].value = S("a..b");
	report.params[1].value = S("..\\x");
	take_label();
	assert_true(matches("param: {1: a..b}"));
	assert_true(matches("param: {2: '..\\x'}"));
}

static void
peers_match_by_address_and_range(void **state)
{
	static const char *const hits[] = {"peer: 10.1.2.3", "peer: 10.0.0.0/8",
					   "peer: [192.0.2.0/24, 10.1.2.0/30]", "peer: 0.0.0.0/0"};
	static const char *const misses[] = {"peer: 10.1.2.4", "peer: 192.0.2.0/24",
					     "peer: 2001:db8::/32"};
	static const char *const none[] = {"peer: 0.0.0.0/0", "peer: '::/0'"};
	(void)state;
	EXPECT(hits, misses);
	memset(&input.peer, 0, sizeof(input.peer));
	for (size_t i = 0; i < 2; i++)
		assert_false(matches(none[i]));
}

static void
what_a_report_does_not_have_matches_nothing(void **state)
{
	static const char *const misses[] = {
		"report_type: 0..", "app: '*'",  "version: '*'",  "module: '*'", "code: 0..",
		"machine: '*'",     "user: '*'", "os_build: 0..", "bucket: 0..", "param: {1: '*'}"};
	(void)state;
	report = (struct report){.event_type = S("APPCRASH")};
	take_label();
	input.bucket = 0;
	for (size_t i = 0; i < sizeof(misses) / sizeof(misses[0]); i++)
		if (matches(misses[i]))
			fail_msg("matches: %s", misses[i]);
	report.has_report_type = true;
	report.report_type = -1;
	assert_false(matches("report_type: 0.."));
	assert_true(matches(""));
}

/* What applies */

static void
the_built_in_default_asks_for_three_and_never_for_documents(void **state)
{
	struct collection *collection = collection_default();
	struct collection_plan plan;
	(void)state;
	collection_plan(collection, &input, &plan);
	assert_int_equal(plan.cabs, 3);
	assert_true(plan.cabs_then_sample);
	assert_true(plan.cab_bytes_per_machine_day == UINT64_MAX);
	assert_false(plan.directives.fdoc || plan.directives.memory_dump);
	assert_false(plan.directives.has_fdoc || plan.directives.has_memory_dump);
	for (size_t i = 0; i < COLLECTION_DIRECTIVE_N; i++)
		assert_int_equal(plan.decided_by[i], -1);
	assert_int_equal(collection_n_rules(collection), 0);
	assert_string_equal(collection_rule_name(collection, -1), "default");
	assert_int_equal(collection_rule_line(collection, -1), 0);
	collection_unref(collection);
}

static void
the_files_default_changes_only_what_it_names(void **state)
{
	struct collection_plan plan;
	(void)state;
	plan_of("default: {cab_bytes_per_machine_day: 50 MiB, module_info: true}\n", &plan);
	assert_int_equal(plan.cabs, 3);
	assert_true(plan.cabs_then_sample);
	assert_int_equal(plan.cab_bytes_per_machine_day, 50 << 20);
	assert_true(plan.directives.module_info);
	plan_of("default: {cabs: 0}\n", &plan);
	assert_int_equal(plan.cabs, 0);
	assert_true(plan.cabs_then_sample);
}

static const char many_rules[] =
	"default: {cabs: 5, wql: SELECT 1}\n"
	"rules:\n"
	"- name: all\n"
	"  reply: {cabs: 6, memory_dump: yes, get_file: ['%windir%\\a.log', b], response: 1}\n"
	"- name: word\n"
	"  match: {app: winword.exe}\n"
	"  reply: {cabs: 7, get_file: c, response: 'https://help.example/word'}\n"
	"- name: excel\n"
	"  match: {app: excel.exe}\n"
	"  reply: {cabs: 100, wql: SELECT 2, memory_dump: no}\n"
	"- name: crashes\n"
	"  match: {event_type: APPCRASH}\n"
	"  reply:\n"
	"    memory_dump: no\n"
	"    cabs_then: never\n"
	"    dump_server: wer.example\n"
	"    response_server: r.example\n"
	"    response_url: /r\n"
	"    reg_tree: HKLM\\T\n"
	"    get_file_version: v.dll\n"
	"    module_info: true\n"
	"    fdoc: false\n"
	"- name: this bucket\n"
	"  match: {bucket: 4711}\n"
	"  reply: {wql: []}\n";

static void
of_all_rules_that_match_the_last_wins_for_each_directive(void **state)
{
	struct collection *collection = parse(many_rules);
	struct collection_plan plan;
	const struct reply *reply = &plan.directives;
	(void)state;
	collection_plan(collection, &input, &plan);
	assert_int_equal(plan.cabs, 7);
	assert_int_equal(plan.decided_by[COLLECTION_CABS], 1);
	assert_false(plan.cabs_then_sample);
	assert_int_equal(plan.decided_by[COLLECTION_CABS_THEN], 3);
	assert_true(reply->has_memory_dump && !reply->memory_dump);
	assert_int_equal(plan.decided_by[COLLECTION_MEMORY_DUMP], 3);
	assert_true(slice_equal_str(reply->get_file, "c"));
	assert_int_equal(plan.decided_by[COLLECTION_GET_FILE], 1);
	assert_true(slice_equal_str(reply->response, "https://help.example/word"));
	assert_int_equal(reply->wql.len, 0); /* taken back */
	assert_int_equal(plan.decided_by[COLLECTION_WQL], 4);
	assert_true(reply->has_fdoc && !reply->fdoc);
	assert_true(reply->has_module_info && reply->module_info);
	assert_true(slice_equal_str(reply->dump_server, "wer.example"));
	assert_true(slice_equal_str(reply->response_server, "r.example"));
	assert_true(slice_equal_str(reply->response_url, "/r"));
	assert_true(slice_equal_str(reply->reg_tree, "HKLM\\T"));
	assert_true(slice_equal_str(reply->get_file_version, "v.dll"));
	assert_int_equal(plan.decided_by[COLLECTION_REG_KEY], -1);
	assert_string_equal(collection_rule_name(collection, 4), "this bucket");
	assert_int_equal(collection_rule_line(collection, 4), 23);
	assert_int_equal(collection_rule_line(collection, -1), 1);
	assert_string_equal(collection_directive_name(COLLECTION_REG_KEY), "reg_key");

	input.bucket = 0;
	report.event_type = S("APPHANG");
	report.params[0].value = S("x.exe");
	report.app_path = S("x");
	take_label();
	collection_plan(collection, &input, &plan);
	assert_int_equal(plan.cabs, 6);
	assert_true(reply->memory_dump);
	assert_true(slice_equal_str(reply->get_file, "%windir%\\a.log;b"));
	assert_true(slice_equal_str(reply->wql, "SELECT 1"));
	assert_int_equal(plan.decided_by[COLLECTION_WQL], -1);
	collection_unref(collection);
}

static void
what_is_compiled_can_be_sent(void **state)
{
	struct collection *collection =
		parse("default: {reg_key: [\"HKLM\\\\\\u00dcbung\", ' x '], response: 1}\n");
	struct collection_plan plan;
	struct buf out;
	(void)state;
	buf_init(&out, LIMIT_REPLY_BYTES);
	collection_plan(collection, &input, &plan);
	assert_int_equal(reply_format(&plan.directives, &out), OK);
	buf_append_byte(&out, '\0');
	assert_string_equal((const char *)out.data, "Response=1\r\nRegKey=HKLM\\\xdc"
						    "bung;x\r\n");
	buf_done(&out);
	collection_unref(collection);
}

static void
a_rule_ends_when_it_says(void **state)
{
	static const struct {
		const char *until;
		const char *last;  /* moment at which it applies */
		const char *first; /* and no longer */
	} cases[] = {
		{"2026-12-31", "2026-12-31T23:59:59.999999Z", "2027-01-01T00:00:00Z"},
		{"2026-12-31T18:00:00Z", "2026-12-31T17:59:59Z", "2026-12-31T18:00:00Z"},
		{"2026-12-31T18:00:00+02:00", "2026-12-31T15:59:59Z", "2026-12-31T16:00:00Z"},
	};
	static const char *const forms[] = {
		"rules: [{name: r, until: '%s', reply: {cabs: 99}}]\n",
		"rules: [{name: r, reply: {cabs: 99, until: '%s'}}]\n",
		"rules: [{name: r, until: '%s', match: {app: winword.exe}, reply: {cabs: 99}}]\n",
	};
	(void)state;
	for (size_t i = 0; i < 9; i++) {
		char text[256];
		struct collection_plan plan;
		(void)snprintf(text, sizeof(text), forms[i / 3], cases[i % 3].until);
		assert_true(time_parse(slice_str(cases[i % 3].last), 0, &input.now_us));
		plan_of(text, &plan);
		assert_int_equal(plan.cabs, 99);
		assert_true(time_parse(slice_str(cases[i % 3].first), 0, &input.now_us));
		plan_of(text, &plan);
		assert_int_equal(plan.cabs, 3);
	}
}

/* Rules by chance: EXACT as they would be written, DISGUISED with a second pattern that fits
 * nothing and is no exact one, so that the same rule cannot stand in the index. */
static void
write_rules(unsigned *seed, struct buf *exact, struct buf *disguised)
{
	static const struct {
		const char *key;
		const char *suffix;
	} fields[] = {{"app: ", ".exe"},    {"module: ", ".dll"}, {"machine: ", ""},
		      {"user: ", ""},       {"code: ", "0"},      {"param: {3: ", ""},
		      {"event_type: ", ""}, {"version: ", ""},    {"param: {10: ", ""}};
	buf_append_str(exact, "rules:\n");
	buf_append_str(disguised, "rules:\n");
	for (int i = 0; i < 400; i++) {
		bool has_param = false;
		buf_printf(exact, "- {name: r%d, reply: {cabs: %d}, match: {", i, i);
		buf_printf(disguised, "- {name: r%d, reply: {cabs: %d}, match: {", i, i);
		for (size_t f = 0; f < sizeof(fields) / sizeof(fields[0]); f++) {
			bool is_param = strchr(fields[f].key, '{') != NULL;
			const char *end = is_param ? "}" : "";
			int value = 'a' + rand_r(seed) % 4;
			if (rand_r(seed) % 3 != 0 || (is_param && has_param))
				continue;
			has_param = has_param || is_param;
			buf_printf(exact, "%s%c%s%s, ", fields[f].key, value, fields[f].suffix,
				   end);
			buf_printf(disguised, "%s[%c%s, '*e?e']%s, ", fields[f].key, value,
				   fields[f].suffix, end);
		}
		buf_append_str(exact, "}}\n");
		buf_append_str(disguised, "}}\n");
	}
	buf_append_byte(exact, '\0');
	buf_append_byte(disguised, '\0');
}

static struct slice
any_of(unsigned *seed, const char *const values[4])
{
	return slice_str(values[rand_r(seed) % 4]);
}

static void
take_any_report(unsigned *seed)
{
	static const char *const words[] = {"a", "B", "c", "D"};
	static const char *const apps[] = {"a.exe", "b.EXE", "C.exe", "d.exe"};
	static const char *const modules[] = {"a.dll", "b.dll", "c.dll", "d.DLL"};
	static const char *const codes[] = {"0xA0", "b0", "000c0", "0x0d0"};
	report = (struct report){.event_type = any_of(seed, words),
				 .machine = any_of(seed, words),
				 .user = any_of(seed, words),
				 .n_params = 10};
	report.params[2].value = any_of(seed, words);
	report.params[9].value = any_of(seed, words);
	label = (struct report_label){.app = any_of(seed, apps),
				      .module = any_of(seed, modules),
				      .code = any_of(seed, codes),
				      .app_version = any_of(seed, words)};
}

static void
the_index_changes_nothing_but_the_time(void **state)
{
	unsigned seed = 20261125;
	size_t n_decided = 0;
	struct buf exact;
	struct buf disguised;
	(void)state;
	buf_init(&exact, LIMIT_YAML_BYTES);
	buf_init(&disguised, LIMIT_YAML_BYTES);
	write_rules(&seed, &exact, &disguised);
	struct collection *with = parse((const char *)exact.data);
	struct collection *without = parse((const char *)disguised.data);
	for (int i = 0; i < 2000; i++) {
		struct collection_plan left;
		struct collection_plan right;
		take_any_report(&seed);
		collection_plan(with, &input, &left);
		collection_plan(without, &input, &right);
		assert_int_equal(left.cabs, right.cabs);
		assert_memory_equal(left.decided_by, right.decided_by, sizeof(left.decided_by));
		n_decided += left.decided_by[COLLECTION_CABS] >= 0;
	}
	assert_true(n_decided > 500);
	collection_unref(with);
	collection_unref(without);
	buf_done(&exact);
	buf_done(&disguised);
}

/* Asking */

static void
asks_for_the_first_cabinets_and_then_when_hits_have_doubled(void **state)
{
	static const struct {
		uint64_t cabs;
		bool sample;
		uint64_t budget;
		struct collection_counts counts; /* hits, kept, awaited, last asked, bytes */
		bool asks;
	} cases[] = {
		{3, true, UINT64_MAX, {1, 0, 0, 0, 0}, true},
		{3, true, UINT64_MAX, {3, 1, 1, 2, 0}, true},
		{3, true, UINT64_MAX, {3, 2, 1, 2, 0}, false}, /* three are asked */
		{3, true, UINT64_MAX, {6, 2, 1, 3, 0}, false}, /* one is still awaited */
		{3, true, UINT64_MAX, {5, 3, 0, 3, 0}, false},
		{3, true, UINT64_MAX, {6, 3, 0, 3, 0}, true},
		{3, true, UINT64_MAX, {11, 4, 0, 6, 0}, false},
		{3, true, UINT64_MAX, {12, 4, 0, 6, 0}, true},
		{3, true, UINT64_MAX, {12, 4, 1, 6, 0}, false},
		{3, true, UINT64_MAX, {1, 3, 0, 0, 0}, false}, /* never asked, but imported */
		{3, true, UINT64_MAX, {2, 3, 0, 0, 0}, true},
		{3, true, UINT64_MAX, {900, 2, 0, 800, 0}, true}, /* one expired: asks again */
		{3, false, UINT64_MAX, {2, 2, 0, 2, 0}, true},
		{3, false, UINT64_MAX, {1000, 3, 0, 3, 0}, false},
		{0, true, UINT64_MAX, {1000, 0, 0, 0, 0}, false},
		{0, false, UINT64_MAX, {1, 0, 0, 0, 0}, false},
		{3, true, 1000, {1, 0, 0, 0, 999}, true},
		{3, true, 1000, {1, 0, 0, 0, 1000}, false},
		{3, true, 0, {1, 0, 0, 0, 0}, false},
		{3, true, 1000, {6, 3, 0, 3, 5000}, false},
		{UINT64_MAX, true, UINT64_MAX, {1, UINT64_MAX, UINT64_MAX, 1, 0}, false},
		{3, true, UINT64_MAX, {UINT64_MAX, 3, 0, UINT64_MAX / 2 + 1, 0}, true},
		{3, true, UINT64_MAX, {UINT64_MAX - 1, 3, 0, UINT64_MAX / 2 + 1, 0}, false},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct collection_plan plan = {.cabs = cases[i].cabs,
						     .cabs_then_sample = cases[i].sample,
						     .cab_bytes_per_machine_day = cases[i].budget};
		if (collection_should_ask(&plan, &cases[i].counts) != cases[i].asks)
			fail_msg("case %zu", i);
	}
}

/* Played through: every cabinet that is asked for comes at once. */
static void
a_bucket_of_a_million_reports_gives_some_twenty_cabinets(void **state)
{
	const struct collection_plan plan = {
		.cabs = 3, .cabs_then_sample = true, .cab_bytes_per_machine_day = UINT64_MAX};
	struct collection_counts counts = {0};
	(void)state;
	for (counts.hits = 1; counts.hits <= 1000000; counts.hits++) {
		if (collection_should_ask(&plan, &counts)) {
			counts.kept++;
			counts.last_asked_hits = counts.hits;
		}
	}
	assert_int_equal(counts.kept, 3 + 18);
}

/* Sharing */

static void *
plan_and_drop(void *argument)
{
	struct collection *collection = argument;
	for (int i = 0; i < 2000; i++) {
		struct collection *mine = collection_ref(collection);
		struct collection_plan plan;
		collection_plan(mine, &input, &plan);
		assert_int_equal(plan.cabs, 7);
		collection_unref(mine);
	}
	collection_unref(collection);
	return NULL;
}

static void
threads_share_one_collection_and_the_last_frees_it(void **state)
{
	struct collection *collection = parse(many_rules);
	pthread_t threads[4];
	(void)state;
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, plan_and_drop,
						collection_ref(collection)),
				 0);
	collection_unref(collection);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	collection_unref(NULL);
}

/* The manual and the example */

static void
the_manual_has_every_directive(void **state)
{
	char *manual = read_source_file("man/werd-collection.5");
	(void)state;
	for (int i = 0; i < COLLECTION_DIRECTIVE_N; i++) {
		char entry[128];
		(void)snprintf(entry, sizeof(entry), "\n.It Ic %s : ",
			       collection_directive_name((enum collection_directive)i));
		if (strstr(manual, entry) == NULL)
			fail_msg("werd-collection(5) has no entry%s", entry);
	}
	free(manual);
}

/* The text between ".Bd -literal" and ".Ed", which must be whole files. */
static void
the_manuals_examples_are_accepted(void **state)
{
	char *manual = read_source_file("man/werd-collection.5");
	size_t n_examples = 0;
	(void)state;
	for (char *at = manual; (at = strstr(at, "\n.Bd -literal")) != NULL; n_examples++) {
		at = strchr(at + 1, '\n') + 1;
		char *end = strstr(at, "\n.Ed");
		assert_non_null(end);
		struct buf text;
		buf_init(&text, LIMIT_YAML_BYTES);
		for (const char *c = at; c <= end; c++) {
			if (c[0] == '\\' && c[1] == 'e') /* how mdoc writes a backslash */
				buf_append_byte(&text, (uint8_t)*c++);
			else
				buf_append_byte(&text, (uint8_t)*c);
		}
		buf_append_byte(&text, '\0');
		collection_unref(parse((const char *)text.data));
		buf_done(&text);
		at = end;
	}
	assert_true(n_examples >= 2);
	free(manual);
}

static void
the_example_that_is_shipped_is_the_built_in_default(void **state)
{
	char *text = read_source_file("packaging/collection.yaml");
	struct collection *built_in = collection_default();
	struct collection_plan shipped_plan;
	struct collection_plan built_in_plan;
	(void)state;
	plan_of(text, &shipped_plan);
	collection_plan(built_in, &input, &built_in_plan);
	assert_int_equal(shipped_plan.cabs, built_in_plan.cabs);
	assert_int_equal(shipped_plan.cabs_then_sample, built_in_plan.cabs_then_sample);
	assert_false(shipped_plan.directives.fdoc || shipped_plan.directives.memory_dump);
	collection_unref(built_in);
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(event_types_match_by_any_spelling, set_up_crash),
		cmocka_unit_test_setup(texts_match_exactly_or_by_wildcard, set_up_crash),
		cmocka_unit_test_setup(an_application_is_known_by_its_path_when_the_label_has_none,
				       set_up_crash),
		cmocka_unit_test_setup(numbers_match_by_range, set_up_crash),
		cmocka_unit_test_setup(codes_match_as_hex_numbers, set_up_crash),
		cmocka_unit_test_setup(versions_match_by_dotted_range, set_up_crash),
		cmocka_unit_test_setup(parameters_count_from_one, set_up_crash),
		cmocka_unit_test_setup(peers_match_by_address_and_range, set_up_crash),
		cmocka_unit_test_setup(what_a_report_does_not_have_matches_nothing, set_up_crash),
		cmocka_unit_test_setup(the_built_in_default_asks_for_three_and_never_for_documents,
				       set_up_crash),
		cmocka_unit_test_setup(the_files_default_changes_only_what_it_names, set_up_crash),
		cmocka_unit_test_setup(of_all_rules_that_match_the_last_wins_for_each_directive,
				       set_up_crash),
		cmocka_unit_test_setup(what_is_compiled_can_be_sent, set_up_crash),
		cmocka_unit_test_setup(a_rule_ends_when_it_says, set_up_crash),
		cmocka_unit_test_setup(the_index_changes_nothing_but_the_time, set_up_crash),
		cmocka_unit_test(asks_for_the_first_cabinets_and_then_when_hits_have_doubled),
		cmocka_unit_test(a_bucket_of_a_million_reports_gives_some_twenty_cabinets),
		cmocka_unit_test_setup(threads_share_one_collection_and_the_last_frees_it,
				       set_up_crash),
		cmocka_unit_test(the_manual_has_every_directive),
		cmocka_unit_test(the_manuals_examples_are_accepted),
		cmocka_unit_test_setup(the_example_that_is_shipped_is_the_built_in_default,
				       set_up_crash),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
