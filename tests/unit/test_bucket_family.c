#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bucket/family.h"

static struct buf text;

static int
set_up(void **state)
{
	(void)state;
	buf_init(&text, 1 << 20);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	buf_done(&text);
	return 0;
}

static struct report
report_of(const char *event_type, const char *const *values)
{
	struct report report = {.event_type = slice_str(event_type)};
	while (report.n_params < LIMIT_PARAMS && values[report.n_params] != NULL) {
		report.params[report.n_params].value = slice_str(values[report.n_params]);
		report.n_params++;
	}
	return report;
}
#define REPORT_OF(event_type, ...) report_of(event_type, (const char *const[]){__VA_ARGS__, NULL})

static void
assert_text(struct report report, const char *wanted)
{
	buf_reset(&text);
	family_text(&report, &text);
	buf_append_byte(&text, 0);
	assert_string_equal((const char *)text.data, wanted);
}

static void
joins_versions_stamps_and_offsets(void **state)
{
	(void)state;
	const char *wanted = "family-1\ntype appcrash\np1 gpfme.exe\np2 *\np3 *\np4 ntdll\np5 *\n"
			     "p6 *\np7 c0000005\np8 *\n";
	assert_text(REPORT_OF("APPCRASH", "GPFMe.exe", "1.0.0.1", "3fbd64b7", "ntdll.dll",
			      "10.0.19041.546", "a280d1d6", "c0000005", "0001b1f4"),
		    wanted);
	assert_text(REPORT_OF("AppCrash64", "gpfme.exe", "2.0", "5fbd64b7", "NTDLL.dll", "6.1", "1",
			      "C0000005", "PCH_2D_FROM_ntdll+0x0000000000090CBA"),
		    wanted);
}

static void
keeps_codes_and_modules_apart(void **state)
{
	(void)state;
	assert_text(REPORT_OF("BEX64", "a.exe", "1.0", "1", "StackHash_c6d7", "0.0.0.0", "00000000",
			      "00007ff6", "c0000005", "00000008"),
		    "family-1\ntype bex64\np1 a.exe\np2 *\np3 *\np4 stackhash\np5 *\np6 *\np7 *\n"
		    "p8 c0000005\np9 00000008\n");
}

static void
keeps_a_package_without_its_version(void **state)
{
	(void)state;
	buf_reset(&text);
	struct report report =
		REPORT_OF("MoAppCrash",
			  "Microsoft.WindowsCalculator_10.1906.55.0_x64__8wekyb3d8bbwe", "c.exe");
	family_text(&report, &text);
	buf_append_byte(&text, 0);
	assert_non_null(strstr((const char *)text.data,
			       "p1 microsoft.windowscalculator__8wekyb3d8bbwe\np2 c.exe\n"));
	assert_text(REPORT_OF("MoAppCrash", "NoVersion"),
		    "family-1\ntype moappcrash\np1 noversion\n");
	assert_text(REPORT_OF("MoAppCrash", "One_1.0"), "family-1\ntype moappcrash\np1 one\n");
}

static void
guesses_versions_and_stamps_of_unknown_types(void **state)
{
	(void)state;
	assert_text(REPORT_OF("VendorEvent", "tool.exe", "1.2.3", "5fbd64b7", "80070002", "12", "7",
			      "Name"),
		    "family-1\ntype vendorevent\np1 tool.exe\np2 *\np3 *\np4 80070002\np5 12\n"
		    "p6 7\np7 name\n");
}

static void
takes_the_code_alone_of_kernel_reports(void **state)
{
	(void)state;
	assert_text(REPORT_OF("BlueScreen", "d1", "1", "2", "3", "4", "10_0_19041"),
		    "family-1\ntype bluescreen\ncode d1\n");
}

static void
keeps_one_line_for_each_value(void **state)
{
	(void)state;
	assert_text(REPORT_OF("E\nvil", "a\np2 b", ""), "family-1\ntype e vil\np1 a p2 b\np2 \n");
}

static void
has_the_same_key_for_ever(void **state)
{
	(void)state;
	/* sha256sum of the text */
	static const uint8_t wanted[FAMILY_KEY_BYTES] = {0xbe, 0x27, 0xe8, 0xf7, 0x9d, 0xfb,
							 0xd9, 0xd0, 0xe2, 0x67, 0xf7, 0x44,
							 0xe2, 0x7f, 0xbe, 0xb8};
	uint8_t key[FAMILY_KEY_BYTES];
	struct report report = REPORT_OF("APPCRASH", "a.exe");
	buf_reset(&text);
	family_text(&report, &text);
	family_key(buf_slice(&text), key);
	assert_memory_equal(key, wanted, sizeof(key));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(joins_versions_stamps_and_offsets),
		cmocka_unit_test(keeps_codes_and_modules_apart),
		cmocka_unit_test(keeps_a_package_without_its_version),
		cmocka_unit_test(guesses_versions_and_stamps_of_unknown_types),
		cmocka_unit_test(takes_the_code_alone_of_kernel_reports),
		cmocka_unit_test(keeps_one_line_for_each_value),
		cmocka_unit_test(has_the_same_key_for_ever),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
