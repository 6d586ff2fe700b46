#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "report/event.h"

static const struct event_type *
find(const char *name)
{
	return event_find(slice_str(name));
}

static void
unknown_and_hostile_names_are_not_found(void **state)
{
	(void)state;
	static uint8_t long_name[LIMIT_EVENT_TYPE_BYTES];
	assert_null(find(""));
	assert_null(event_find((struct slice){NULL, 0}));
	assert_null(find("MikeTest"));
	assert_null(find("APPCRASH "));
	assert_null(find("AppCrash32 AppCrash64"));
	assert_null(event_find(SLICE_LITERAL("APPCRASH\0")));
	memset(long_name, 'A', sizeof(long_name));
	assert_null(event_find(slice_of(long_name, sizeof(long_name))));
	struct slice name = SLICE_LITERAL("MikeTest");
	assert_ptr_equal(event_canonical(name).data, name.data);
	assert_true(slice_is_absent(event_canonical((struct slice){NULL, 0})));
}

static void
every_spelling_leads_to_its_row(void **state)
{
	(void)state;
	size_t count = 0;
	for (const struct event_type *type; (type = event_at(count)) != NULL; count++) {
		char folded[LIMIT_EVENT_TYPE_BYTES] = "";
		for (size_t i = 0; type->name[i] != '\0'; i++)
			folded[i] = (char)(type->name[i] >= 'a' && type->name[i] <= 'z'
						   ? type->name[i] - 32
						   : type->name[i]);
		assert_ptr_equal(find(type->name), type);
		assert_ptr_equal(find(folded), type);
	}
	assert_true(count > 30);
	assert_null(event_at(SIZE_MAX));
	assert_ptr_equal(find("appcrash64"), find("APPCRASH"));
	assert_ptr_equal(find("AppCrash32"), find("APPCRASH"));
	assert_ptr_equal(find("PnpDriverNotFound"), find("PnPDriverNotFound"));
	assert_ptr_equal(find("StoreAgentScanForUpdateFailure0"),
			 find("StoreAgentScanForUpdatesFailure0"));
	assert_true(slice_equal_str(event_canonical(SLICE_LITERAL("pnpdrivernotfound")),
				    "PnPDriverNotFound"));
}

static void
rows_are_sound(void **state)
{
	(void)state;
	const struct event_type *type;
	for (size_t index = 0; (type = event_at(index)) != NULL; index++) {
		bool has_code = false;
		size_t n_names = 0;
		assert_true(strlen(type->name) <= 64 && strchr(type->name, ' ') == NULL);
		assert_non_null(type->aliases);
		assert_true(strlen(type->about) > 10 && strlen(type->about) < 90);
		assert_in_range(type->report_type + 1, 0, 5);
		assert_true(type->bucket_table == 1 || type->bucket_table == 4 ||
			    type->bucket_table == 5);
		while (n_names < LIMIT_PARAMS && type->param_names[n_names] != NULL)
			n_names++;
		for (size_t i = 0; i < LIMIT_PARAMS; i++) {
			assert_true(type->roles[i] < ROLE_N);
			/* A role needs a name, and names have no gap. */
			assert_true(type->roles[i] == ROLE_NONE || i < n_names);
			assert_true(i < n_names || type->param_names[i] == NULL);
			has_code = has_code || type->roles[i] == ROLE_CODE;
		}
		assert_true(type->code_kind == CODE_NONE || has_code);
		assert_true(!type->is_order_known || n_names > 0);
		assert_true(!type->hashed_verified || type->is_order_known);
		assert_true(!type->is_kernel || type->report_type == REPORT_KERNEL);
	}
}

/* Builds a report of the values, NULL for a position that was not sent. */
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

static void
an_empty_report_has_an_empty_label(void **state)
{
	(void)state;
	struct report report = {.event_type = SLICE_LITERAL("BlueScreen")};
	struct report_label label;
	report_label(&report, &label);
	assert_non_null(label.type);
	assert_true(slice_is_absent(label.code) && slice_is_absent(label.app));
	report = (struct report){0};
	report_label(&report, &label);
	assert_null(label.type);
	assert_true(slice_is_absent(label.app) && slice_is_absent(label.module));
}

static void
positions_beyond_what_was_sent_are_absent(void **state)
{
	(void)state;
	struct report report = REPORT_OF("APPCRASH", "a.exe", NULL, "");
	struct report_label label;
	report_label(&report, &label);
	assert_true(slice_equal_str(label.app, "a.exe"));
	assert_true(slice_is_absent(label.app_version));
	assert_false(slice_is_absent(label.app_stamp));
	assert_int_equal(label.app_stamp.len, 0);
	assert_true(slice_is_absent(label.module));
	assert_true(slice_is_absent(label.code));
}

static void
appcrash_has_code_before_offset_and_bex_behind(void **state)
{
	(void)state;
	struct report_label label;
	struct report crash = REPORT_OF("APPCRASH", "GPFMe.exe", "6.0.4082.0", "40ce670d",
					"ntdll.dll", "1.2", "40ce670e", "c0000005", "000031de");
	report_label(&crash, &label);
	assert_true(slice_equal_str(label.app, "GPFMe.exe"));
	assert_true(slice_equal_str(label.app_version, "6.0.4082.0"));
	assert_true(slice_equal_str(label.app_stamp, "40ce670d"));
	assert_true(slice_equal_str(label.module, "ntdll.dll"));
	assert_true(slice_equal_str(label.module_version, "1.2"));
	assert_true(slice_equal_str(label.module_stamp, "40ce670e"));
	assert_true(slice_equal_str(label.code, "c0000005"));
	assert_true(slice_equal_str(label.offset, "000031de"));
	struct report bex =
		REPORT_OF("bex64", "RDR.exe", "1.0.40.57107", "6711591d", "x.asi", "0.0.0.0",
			  "6a128d5e", "0000000000006051", "c0000409", "0000000000000002");
	report_label(&bex, &label);
	assert_true(slice_equal_str(label.code, "c0000409"));
	assert_true(slice_equal_str(label.offset, "0000000000006051"));
	assert_true(slice_equal_str(label.module, "x.asi"));
}

static void
packaged_apps_are_named_by_their_image(void **state)
{
	(void)state;
	struct report_label label;
	struct report report = REPORT_OF("MoAppCrash", "Some.Package_1.0_x64__abc", "praid:App",
					 "1.2.3.4", "5c8ac765", "AppInstaller.exe", "1.2",
					 "5c8ac765", "c000027b", "00001234");
	report_label(&report, &label);
	assert_true(slice_equal_str(label.app, "praid:App"));
	assert_true(slice_equal_str(label.app_version, "1.2.3.4"));
	assert_true(slice_equal_str(label.module, "AppInstaller.exe"));
	assert_true(slice_equal_str(label.code, "c000027b"));
	report.app_path = SLICE_LITERAL("C:\\Program Files\\WindowsApps\\x\\AppInstaller.exe");
	report_label(&report, &label);
	assert_true(slice_equal_str(label.app, "AppInstaller.exe"));
}

static void
other_apps_are_named_by_path_then_by_product(void **state)
{
	(void)state;
	struct report_label label;
	struct report report = REPORT_OF("MikeTest", "1000", "2000");
	report.app_name = SLICE_LITERAL("WER sample");
	report_label(&report, &label);
	assert_null(label.type);
	assert_true(slice_equal_str(label.app, "WER sample"));
	assert_true(slice_is_absent(label.app_version));
	report.app_path = SLICE_LITERAL("E:\\tools/wersample.exe");
	report_label(&report, &label);
	assert_true(slice_equal_str(label.app, "wersample.exe"));
	report.app_path = SLICE_LITERAL("E:\\tools\\");
	report_label(&report, &label);
	assert_true(slice_equal_str(label.app, "WER sample"));
	report.app_path = SLICE_LITERAL("plain.exe");
	report_label(&report, &label);
	assert_true(slice_equal_str(label.app, "plain.exe"));
}

static void
codes_stand_where_each_type_has_them(void **state)
{
	(void)state;
	static const struct {
		const char *type;
		const char *values[LIMIT_PARAMS];
		const char *code;
		enum code_kind kind;
	} cases[] = {
		{"WindowsUpdateFailure3",
		 {"7.9", "8024402c", "guid", "Scan"},
		 "8024402c",
		 CODE_HRESULT},
		{"StoreAgentScanForUpdatesFailure0",
		 {"Update;", "8024402c"},
		 "8024402c",
		 CODE_HRESULT},
		{"StoreAgentInstallFailure1", {"Update;", "80073cf9"}, "80073cf9", CODE_HRESULT},
		{"CbsPackageServicingFailure2",
		 {"1", "2", "3", "amd64", "unknown", "80073701"},
		 "80073701",
		 CODE_HRESULT},
		{"PnPDeviceProblemCode",
		 {"x64", "USB\\VID", "guid", "0000001c"},
		 "0000001c",
		 CODE_DEVICE_PROBLEM},
		{"crashpad_log", {"a.exe", "1.0", "tag", "80004005"}, "80004005", CODE_HRESULT},
		{"LiveKernelEvent", {"141"}, "141", CODE_LIVE_DUMP},
		{"CLR20r3",
		 {"a.exe", "1", "2", "b", "3", "4", "4f3", "6", "System.NullReferenceException"},
		 "System.NullReferenceException",
		 CODE_NONE},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct report_label label;
		struct report report = report_of(cases[i].type, cases[i].values, LIMIT_PARAMS);
		report_label(&report, &label);
		assert_true(slice_equal_str(label.code, cases[i].code));
		assert_int_equal(label.type->code_kind, cases[i].kind);
	}
}

static void
a_bugcheck_is_the_same_wherever_and_however_it_came(void **state)
{
	(void)state;
	static const char *const spellings[] = {"9f", "0x0000009f", "0X9f", "0000009f", " 9f "};
	struct report_label label;
	for (size_t i = 0; i < sizeof(spellings) / sizeof(spellings[0]); i++) {
		struct report_pair pair = {SLICE_LITERAL("bccode"), slice_str(spellings[i])};
		struct report old = {.event_type = SLICE_LITERAL("BlueScreen"),
				     .secondary = &pair,
				     .n_secondary = 1};
		struct report new = REPORT_OF("BlueScreen", spellings[i], "1", "2");
		report_label(&old, &label);
		assert_true(slice_equal_str(label.code, "9f"));
		report_label(&new, &label);
		assert_true(slice_equal_str(label.code, "9f"));
		/* An empty PARAMETER 0 does not hide what stands beside it. */
		old.n_params = 1;
		old.params[0].value = SLICE_LITERAL("");
		report_label(&old, &label);
		assert_true(slice_equal_str(label.code, "9f"));
	}
	struct report zero = REPORT_OF("BlueScreen", "0x00000000");
	report_label(&zero, &label);
	assert_true(slice_equal_str(label.code, "0"));
	struct report no_number = REPORT_OF("BlueScreen", "0x0000zz");
	report_label(&no_number, &label);
	assert_true(slice_equal_str(label.code, "0x0000zz"));
	struct report bare = REPORT_OF("BlueScreen", "0x");
	report_label(&bare, &label);
	assert_true(slice_equal_str(label.code, "0x"));
}

static void
secondary_parameters_and_flags_are_found(void **state)
{
	(void)state;
	char text[256];
	struct report_pair pairs[] = {
		{SLICE_LITERAL("BCCode"), SLICE_LITERAL("f4")},
		{SLICE_LITERAL("BCCODE"), SLICE_LITERAL("second")},
	};
	struct report report = {.secondary = pairs, .n_secondary = 2};
	assert_true(slice_equal_str(report_find_secondary(&report, "bccode"), "f4"));
	assert_true(slice_is_absent(report_find_secondary(&report, "BCP1")));
	assert_string_equal(report_flags_text(0, text), "");
	assert_string_equal(report_flags_text(REPORT_FLAG_BAD_OS | REPORT_FLAG_BAD_PARAM_ID, text),
			    "bad-os, bad-param-id");
	assert_true(strlen(report_flags_text(UINT32_MAX, text)) < 200);
	assert_non_null(strstr(text, "bad-text, bad-os, bad-number, extra-params"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(unknown_and_hostile_names_are_not_found),
		cmocka_unit_test(every_spelling_leads_to_its_row),
		cmocka_unit_test(rows_are_sound),
		cmocka_unit_test(an_empty_report_has_an_empty_label),
		cmocka_unit_test(positions_beyond_what_was_sent_are_absent),
		cmocka_unit_test(appcrash_has_code_before_offset_and_bex_behind),
		cmocka_unit_test(packaged_apps_are_named_by_their_image),
		cmocka_unit_test(other_apps_are_named_by_path_then_by_product),
		cmocka_unit_test(codes_stand_where_each_type_has_them),
		cmocka_unit_test(a_bugcheck_is_the_same_wherever_and_however_it_came),
		cmocka_unit_test(secondary_parameters_and_flags_are_found),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
