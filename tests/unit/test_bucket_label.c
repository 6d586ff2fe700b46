#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"
#include "bucket/label.h"

static struct arena arena;
static struct buf text_a;
static struct buf text_b;

static int
set_up(void **state)
{
	(void)state;
	arena_init(&arena, 1 << 20);
	buf_init(&text_a, 1 << 20);
	buf_init(&text_b, 1 << 20);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	arena_done(&arena);
	buf_done(&text_a);
	buf_done(&text_b);
	return 0;
}

static struct report
report_of(const char *event_type, const char *const *values, size_t count)
{
	struct report report = {.event_type = slice_str(event_type), .n_params = count};
	for (size_t i = 0; i < count; i++)
		report.params[i].value = slice_str(values[i]);
	return report;
}
#define REPORT_OF(event_type, ...)                                                                 \
	report_of(event_type, (const char *const[]){__VA_ARGS__},                                  \
		  sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *))

static const char *
key_text_of(const struct report *report, struct buf *out)
{
	struct label label;
	label_of(report, &arena, &label);
	buf_reset(out);
	label_key_text(&label, out);
	buf_append_byte(out, '\0');
	return (const char *)out->data;
}

static void
separators_in_values_never_make_two_lists_equal(void **state)
{
	(void)state;
	static const char *const pieces[] = {"",     "/", "\\", "//", "\\/", "/\\",
					     "\\\\", "a", "a/", "/a", "a\\"};
	enum {
		N = sizeof(pieces) / sizeof(pieces[0]),
		LISTS = N + N * N
	};
	char(*texts)[64] = calloc(LISTS, sizeof(*texts));
	size_t count = 0;
	assert_non_null(texts);
	for (size_t a = 0; a < N; a++) {
		struct report one = REPORT_OF("T", pieces[a]);
		(void)snprintf(texts[count++], sizeof(texts[0]), "%s", key_text_of(&one, &text_a));
		for (size_t b = 0; b < N; b++) {
			struct report two = REPORT_OF("T", pieces[a], pieces[b]);
			(void)snprintf(texts[count++], sizeof(texts[0]), "%s",
				       key_text_of(&two, &text_a));
		}
	}
	for (size_t i = 0; i < count; i++)
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(texts[i], texts[k]);
	free(texts);
}

static void
an_event_type_cannot_pretend_to_be_type_and_parameter(void **state)
{
	(void)state;
	struct report odd = {.event_type = SLICE_LITERAL("T/a")};
	struct report plain = REPORT_OF("T", "a");
	assert_string_equal(key_text_of(&odd, &text_a), "t\\/a/");
	assert_string_equal(key_text_of(&plain, &text_b), "t/a/");
}

static void
values_with_zero_bytes_and_other_scripts_stay_apart(void **state)
{
	(void)state;
	struct label a = {.event_type = SLICE_LITERAL("T"), .n_params = 1};
	struct label b = a;
	a.params[0] = SLICE_LITERAL("x\0y");
	b.params[0] = SLICE_LITERAL("x\0z");
	label_key_text(&a, &text_a);
	label_key_text(&b, &text_b);
	assert_false(slice_equal(buf_slice(&text_a), buf_slice(&text_b)));
	buf_reset(&text_a);
	a.params[0] = SLICE_LITERAL("\xc3\x84PFEL"); /* only ASCII folds */
	label_key_text(&a, &text_a);
	assert_true(slice_equal_str(buf_slice(&text_a), "t/\xc3\x84pfel/"));
}

static void
a_report_without_parameters_has_its_event_type_alone(void **state)
{
	(void)state;
	struct report nothing = {.event_type = SLICE_LITERAL("appcrash64")};
	struct report empty = REPORT_OF("APPCRASH", "");
	assert_string_equal(key_text_of(&nothing, &text_a), "appcrash/");
	assert_string_equal(key_text_of(&empty, &text_b), "appcrash//");
	struct report kernel = {.event_type = SLICE_LITERAL("BlueScreen")};
	assert_string_equal(key_text_of(&kernel, &text_a), "bluescreen/");
	struct report unknown = {0};
	assert_string_equal(key_text_of(&unknown, &text_a), "/");
}

static void
absent_positions_keep_their_place(void **state)
{
	(void)state;
	struct report gap = REPORT_OF("T", "a", NULL, "c");
	struct report order = REPORT_OF("T", "a", "c");
	assert_string_equal(key_text_of(&gap, &text_a), "t/a//c/");
	assert_string_equal(key_text_of(&order, &text_b), "t/a/c/");
}

static void
spelling_and_case_do_not_split_a_bucket(void **state)
{
	(void)state;
	struct report a = REPORT_OF("StoreAgentScanForUpdateFailure0", "Update;", "8024402C");
	struct report b = REPORT_OF("storeagentscanforupdatesfailure0", "update;", "8024402c");
	assert_string_equal(key_text_of(&a, &text_a),
			    "storeagentscanforupdatesfailure0/update;/8024402c/");
	assert_string_equal(key_text_of(&b, &text_b), key_text_of(&a, &text_a));
	/* What is no part of the signature: names, secondary parameters, files, machine. */
	struct report_pair pair = {SLICE_LITERAL("x"), SLICE_LITERAL("y")};
	b.secondary = &pair;
	b.n_secondary = 1;
	b.params[0].name = SLICE_LITERAL("Some name");
	b.machine = SLICE_LITERAL("machine");
	assert_string_equal(key_text_of(&b, &text_b), key_text_of(&a, &text_a));
}

static void
one_bugcheck_is_one_bucket(void **state)
{
	(void)state;
	static const char *const spellings[] = {"0x0000009f", "9F", "9f", "0000009F"};
	for (size_t i = 0; i < sizeof(spellings) / sizeof(spellings[0]); i++) {
		struct report_pair pairs[] = {
			{SLICE_LITERAL("BCCode"), slice_str(spellings[i])},
			{SLICE_LITERAL("BCP1"), slice_str("00000003")},
		};
		struct report old = {.event_type = SLICE_LITERAL("BLUESCREEN"),
				     .secondary = pairs,
				     .n_secondary = 2};
		struct report new = REPORT_OF("BlueScreen", spellings[i], "3", "8C387020", "6_1");
		assert_string_equal(key_text_of(&old, &text_a), "bluescreen/9f/");
		assert_string_equal(key_text_of(&new, &text_b), "bluescreen/9f/");
		struct report live =
			REPORT_OF("LiveKernelEvent", spellings[i], "ffff", "10_0_17763");
		assert_string_equal(key_text_of(&live, &text_a), "livekernelevent/9f/");
	}
}

static void
the_key_is_the_start_of_sha_256(void **state)
{
	(void)state;
	uint8_t key[LABEL_KEY_BYTES];
	label_key(SLICE_LITERAL("abc"), key);
	text_hex(slice_of(key, sizeof(key)), &text_a);
	assert_true(slice_equal_str(buf_slice(&text_a), "ba7816bf8f01cfea414140de5dae2223"));
}

static void
hashed_and_legacy_are_the_numbers_of_windows(void **state)
{
	(void)state;
	static const struct {
		const char *type;
		const char *values[9];
		size_t count;
		const char *hashed;
		uint64_t legacy; /* 0: not published */
	} cases[] = {
		{"StoreAgentScanForUpdatesFailure0",
		 {"Update;", "8024402c", "16299", "847", "Windows.Desktop"},
		 5,
		 "e7b725b96c0bab97abd606ca1003a440",
		 UINT64_C(2005798148961969216)},
		{"BEX64",
		 {"RDR.exe", "1.0.40.57107", "6711591d", "CodeRED_Remote_Menu.asi", "0.0.0.0",
		  "6a128d5e", "0000000000006051", "c0000409", "0000000000000002"},
		 9,
		 "81c8d9a24c5395b85dcb77986f92b707",
		 0},
		{"Office11ShipAssert",
		 {"2oyl", "15.0.4454.0"},
		 2,
		 "328b7c8dcc84b1f1685b7bda847fd531",
		 0},
		{"MoAppHang",
		 {"Microsoft.MicrosoftEdge_40.15063.674.0_neutral__8wekyb3d8bbwe",
		  "praid:MicrosoftEdge", "11.0.15063.1418", "5bbdaa8e", "3dd1", "4194304"},
		 6,
		 "5cb53a2b0bdef924e20a74a0f9ff0353",
		 UINT64_C(1299979677187638099)},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint8_t hashed[LABEL_HASHED_BYTES];
		struct label label;
		struct report report = report_of(cases[i].type, cases[i].values, cases[i].count);
		label_of(&report, &arena, &label);
		label_hashed(&label, hashed);
		buf_reset(&text_a);
		text_hex(slice_of(hashed, sizeof(hashed)), &text_a);
		assert_true(slice_equal_str(buf_slice(&text_a), cases[i].hashed));
		assert_true(cases[i].legacy == 0 || label_legacy(hashed) == cases[i].legacy);
		assert_true(label_is_hashed_verified(&label));
	}
}

static void
legacy_is_made_from_hashed_alone(void **state)
{
	(void)state;
	static const struct {
		const char *hashed;
		uint64_t legacy;
	} cases[] = {
		{"3ddc1eae9ee877864d36eea97bb20406", UINT64_C(2105132287534433286)},
		{"00000000000000000000000000000000", UINT64_C(0x1000000000000000)},
		{"ffffffffffffffffffffffffffffffff", UINT64_C(0x1fffffffffffffff)},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		buf_reset(&text_a);
		assert_true(text_from_hex(slice_str(cases[i].hashed), &text_a));
		assert_true(label_legacy(buf_slice(&text_a).data) == cases[i].legacy);
	}
}

static void
verified_is_claimed_only_where_it_was_seen(void **state)
{
	(void)state;
	static const char *const not_verified[] = {
		"APPCRASH",   "AppCrash64",      "BEX",
		"BlueScreen", "MoBEX",           "MikeTest",
		"",           "LiveKernelEvent", "RADAR_PRE_LEAK_WOW64"};
	static const char *const verified[] = {
		"MoAppCrash", "MoAppHang",          "BEX64",
		"appHANGb1",  "Office11ShipAssert", "StoreAgentScanForUpdatesFailure0"};
	for (size_t i = 0; i < sizeof(not_verified) / sizeof(not_verified[0]); i++) {
		struct label label = {.event_type = slice_str(not_verified[i])};
		assert_false(label_is_hashed_verified(&label));
	}
	for (size_t i = 0; i < sizeof(verified) / sizeof(verified[0]); i++) {
		struct label label = {.event_type = slice_str(verified[i])};
		assert_true(label_is_hashed_verified(&label));
	}
}

static json_t *
load_public_signatures(void)
{
	const char *source = getenv("OPENWER_SOURCE");
	const char *corpora = getenv("OPENWER_CORPORA");
	const char *path =
		corpora != NULL
			? arena_printf(&arena, "%s/wer-signatures-public/signatures.json", corpora)
			: arena_printf(&arena,
				       "%s/../shared/corpora/wer-signatures-public/signatures.json",
				       source == NULL ? "." : source);
	return json_load_file(path, 0, NULL);
}

static bool
label_from_json(json_t *entry, struct report *ret_report, struct label *ret_label)
{
	json_t *values = json_object_get(entry, "sig");
	struct report report = {
		.event_type = slice_str(json_string_value(json_object_get(entry, "EventType")))};
	assert_true(json_array_size(values) <= LIMIT_PARAMS);
	for (size_t i = 0; i < json_array_size(values); i++)
		report.params[i].value = slice_str(
			json_string_value(json_object_get(json_array_get(values, i), "value")));
	report.n_params = json_array_size(values);
	*ret_report = report;
	label_of(ret_report, &arena, ret_label);
	const struct event_type *type = event_find(report.event_type);
	assert_non_null(type);
	/* Some public excerpts end before the last parameter. */
	return type->param_names[report.n_params - 1] != NULL &&
	       (report.n_params == LIMIT_PARAMS || type->param_names[report.n_params] == NULL);
}

/* Public signatures with the number that Microsoft's service gave.  For the types that claim
 * it the formula must give that number; for APPCRASH it must not, or the manual is wrong. */
static void
public_signatures_bear_out_the_claims(void **state)
{
	(void)state;
	json_t *entries = load_public_signatures();
	size_t with_number = 0;
	if (entries == NULL) {
		(void)printf("skip: public signatures (no corpora)\n");
		return;
	}
	for (size_t i = 0; i < json_array_size(entries); i++) {
		uint8_t hashed[LABEL_HASHED_BYTES];
		uint64_t legacy;
		struct label label;
		struct report report;
		json_t *entry = json_array_get(entries, i);
		json_t *number = json_object_get(entry, "LegacyBucketId");
		json_t *bucket = json_object_get(entry, "BucketId");
		bool is_complete = label_from_json(entry, &report, &label);
		if (!json_is_string(number) || !is_complete)
			continue;
		label_hashed(&label, hashed);
		assert_true(slice_to_u64(slice_str(json_string_value(number)), &legacy));
		assert_int_equal(label_legacy(hashed) == legacy, label_is_hashed_verified(&label));
		buf_reset(&text_a);
		text_hex(slice_of(hashed, sizeof(hashed)), &text_a);
		if (json_is_string(bucket))
			assert_int_equal(
				slice_equal_str(buf_slice(&text_a), json_string_value(bucket)),
				label_is_hashed_verified(&label));
		with_number++;
	}
	assert_true(with_number >= 9);
	json_decref(entries);
}

/* Whatever the service answered: the short number follows from the long one. */
static void
public_numbers_follow_from_each_other(void **state)
{
	(void)state;
	json_t *entries = load_public_signatures();
	if (entries == NULL) {
		(void)printf("skip: public numbers (no corpora)\n");
		return;
	}
	for (size_t i = 0; i < json_array_size(entries); i++) {
		json_t *entry = json_array_get(entries, i);
		json_t *number = json_object_get(entry, "LegacyBucketId");
		json_t *bucket = json_object_get(entry, "BucketId");
		uint64_t legacy;
		if (!json_is_string(number) || !json_is_string(bucket))
			continue;
		buf_reset(&text_a);
		assert_true(text_from_hex(slice_str(json_string_value(bucket)), &text_a));
		assert_int_equal(buf_slice(&text_a).len, LABEL_HASHED_BYTES);
		assert_true(slice_to_u64(slice_str(json_string_value(number)), &legacy));
		assert_true(label_legacy(buf_slice(&text_a).data) == legacy);
	}
	json_decref(entries);
}

int
main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		CASE(separators_in_values_never_make_two_lists_equal),
		CASE(an_event_type_cannot_pretend_to_be_type_and_parameter),
		CASE(values_with_zero_bytes_and_other_scripts_stay_apart),
		CASE(a_report_without_parameters_has_its_event_type_alone),
		CASE(absent_positions_keep_their_place),
		CASE(spelling_and_case_do_not_split_a_bucket),
		CASE(one_bugcheck_is_one_bucket),
		CASE(the_key_is_the_start_of_sha_256),
		CASE(hashed_and_legacy_are_the_numbers_of_windows),
		CASE(legacy_is_made_from_hashed_alone),
		CASE(verified_is_claimed_only_where_it_was_seen),
		CASE(public_signatures_bear_out_the_claims),
		CASE(public_numbers_follow_from_each_other),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
