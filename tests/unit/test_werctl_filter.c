#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/time.h"
#include "store/id.h"
#include "werctl/filter.h"

#define S(text) SLICE_LITERAL(text)
#define RECEIVED_US (INT64_C(1764040313) * TIME_SECOND_US)

static struct record record;

static int
set_up_crash(void **state)
{
	static const char *const params[] = {"WINWORD.EXE", "16.0.4266.1001",  "55ba1c3a",
					     "ntdll.dll",   "10.0.19041.804",  "b29ecf52",
					     "c0000005",    "000000000001d2ee"};
	static struct report_pair secondary[1];
	static struct report_file files[1];
	(void)state;
	secondary[0] = (struct report_pair){S("Flags"), S("Zebra[1]")};
	files[0] = (struct report_file){.name = S("minidump.mdmp")};
	record = (struct record){.is_readable = true};
	record.stored.id = id_first_at(RECEIVED_US);
	record.stored.bucket = 1003;
	record.report = (struct report){
		.machine = S("PC-17.corp.example"),
		.user = S("CORP\\jane"),
		.app_name = S("Microsoft Word"),
		.app_path = S("C:\\Program Files\\Office16\\WINWORD.EXE"),
		.event_type = S("appcrash64"),
		.n_params = 8,
		.secondary = secondary,
		.n_secondary = 1,
		.files = files,
		.n_files = 1,
	};
	for (size_t i = 0; i < 8; i++)
		record.report.params[i].value = slice_str(params[i]);
	report_label(&record.report, &record.label);
	return 0;
}

static bool
matches(const struct report_filter *filter)
{
	return filter_matches(filter, &record);
}

static void
takes_everything_without_a_filter(void **state)
{
	(void)state;
	assert_true(matches(&(struct report_filter){0}));
}

static void
bounds_the_time_from_since_to_before_until(void **state)
{
	(void)state;
	assert_true(matches(&(struct report_filter){.since_us = RECEIVED_US}));
	assert_false(matches(&(struct report_filter){.since_us = RECEIVED_US + 1000}));
	assert_false(matches(&(struct report_filter){.until_us = RECEIVED_US}));
	assert_true(matches(&(struct report_filter){.until_us = RECEIVED_US + 1000}));
}

static void
compares_whole_values_without_case(void **state)
{
	(void)state;
	assert_true(matches(&(struct report_filter){.machine = S("pc-17.CORP.example")}));
	assert_false(matches(&(struct report_filter){.machine = S("pc-17")}));
	assert_true(matches(&(struct report_filter){.machine = S("pc-1?.*")}));
	assert_true(matches(&(struct report_filter){.user = S("*\\JANE")}));
	assert_true(matches(&(struct report_filter){.module = S("NTDLL.dll")}));
	assert_false(matches(&(struct report_filter){.module = S("kernel*")}));
}

static void
finds_an_application_by_image_name_or_path(void **state)
{
	(void)state;
	assert_true(matches(&(struct report_filter){.app = S("winword.exe")}));
	assert_true(matches(&(struct report_filter){.app = S("microsoft word")}));
	assert_true(matches(&(struct report_filter){.app = S("c:\\program files\\*")}));
	assert_false(matches(&(struct report_filter){.app = S("excel.exe")}));
}

static void
knows_the_spellings_of_an_event_type(void **state)
{
	(void)state;
	assert_true(matches(&(struct report_filter){.event = S("APPCRASH")}));
	assert_true(matches(&(struct report_filter){.event = S("AppCrash64")}));
	assert_true(matches(&(struct report_filter){.event = S("AppCrash32")}));
	assert_true(matches(&(struct report_filter){.event = S("app*")}));
	assert_false(matches(&(struct report_filter){.event = S("BEX64")}));
}

static void
compares_codes_as_numbers(void **state)
{
	(void)state;
	assert_true(matches(&(struct report_filter){.code = S("0xC0000005")}));
	assert_true(matches(&(struct report_filter){.code = S("00000000c0000005")}));
	assert_false(matches(&(struct report_filter){.code = S("c0000409")}));
}

static void
finds_text_anywhere(void **state)
{
	static const char *const found[] = {"office16", "JANE", "zebra[1]", "55ba1c"};
	(void)state;
	for (size_t i = 0; i < sizeof(found) / sizeof(found[0]); i++)
		assert_true(matches(&(struct report_filter){.text = slice_str(found[i])}));
	assert_false(matches(&(struct report_filter){.text = S("office*")}));
	assert_false(matches(&(struct report_filter){.text = S("minidump")}));
}

static void
wants_all_filters_at_once(void **state)
{
	(void)state;
	assert_true(matches(&(struct report_filter){.bucket = 1003, .machine = S("pc-17*")}));
	assert_false(matches(&(struct report_filter){.bucket = 1004, .machine = S("pc-17*")}));
	assert_false(matches(&(struct report_filter){.bucket = 1003, .machine = S("pc-18*")}));
}

static void
marks_how_sure_the_machine_is(void **state)
{
	(void)state;
	assert_string_equal(record_identity(&record), "claimed");
	assert_int_equal(record_identity_mark(&record), '?');
	record.stored.source.flags = SOURCE_MACHINE_MATCHED;
	assert_string_equal(record_identity(&record), "matched");
	record.stored.source.flags = SOURCE_MACHINE_MATCHED | SOURCE_AUTHENTICATED;
	assert_string_equal(record_identity(&record), "authenticated");
}

static void
turns_the_reply_into_utf8(void **state)
{
	struct buf out;
	(void)state;
	buf_init(&out, 65536);
	record.stored.reply = S("Bucket=1003\r\nGetFile=C:\\B\xfcro\\\x80.txt\r\niData=1\r\n");
	assert_true(record_reply(&record, &out));
	assert_true(slice_equal_str(buf_slice(&out), "Bucket=1003\r\nGetFile=C:\\B\xc3\xbcro\\"
						     "\xe2\x82\xac.txt\r\niData=1\r\n"));
	buf_reset(&out);
	record.stored.reply = S("");
	record.stored.source.flags = SOURCE_IMPORTED;
	assert_false(record_reply(&record, &out));
	buf_done(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(takes_everything_without_a_filter, set_up_crash),
		cmocka_unit_test_setup(bounds_the_time_from_since_to_before_until, set_up_crash),
		cmocka_unit_test_setup(compares_whole_values_without_case, set_up_crash),
		cmocka_unit_test_setup(finds_an_application_by_image_name_or_path, set_up_crash),
		cmocka_unit_test_setup(knows_the_spellings_of_an_event_type, set_up_crash),
		cmocka_unit_test_setup(compares_codes_as_numbers, set_up_crash),
		cmocka_unit_test_setup(finds_text_anywhere, set_up_crash),
		cmocka_unit_test_setup(wants_all_filters_at_once, set_up_crash),
		cmocka_unit_test_setup(marks_how_sure_the_machine_is, set_up_crash),
		cmocka_unit_test_setup(turns_the_reply_into_utf8, set_up_crash),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
