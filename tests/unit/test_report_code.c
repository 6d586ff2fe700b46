#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/time.h"
#include "report/code.h"
#include "report/code_table.h"
#include "report/os.h"

static const int64_t NOW_US = INT64_C(1764000000) * TIME_SECOND_US; /* 2025-11-24 */

static struct buf out;

static int
set_up(void **state)
{
	(void)state;
	buf_init(&out, 4096);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	buf_done(&out);
	return 0;
}

static const char *
text_of_out(void)
{
	buf_append_byte(&out, '\0');
	assert_int_equal(buf_error(&out), OK);
	return (const char *)out.data;
}

static const char *
described(enum code_kind kind, const char *code)
{
	buf_reset(&out);
	code_describe(kind, slice_str(code), &out);
	return text_of_out();
}

static void
tables_are_sorted_and_each_code_is_there_once(void **state)
{
	(void)state;
	static const struct {
		const struct code_table *table;
		size_t at_least;
	} tables[] = {
		{&code_ntstatus, 120}, {&code_hresult, 100},  {&code_win32, 100},
		{&code_facility, 60},  {&code_bugcheck, 200}, {&code_device, 56},
	};
	for (size_t t = 0; t < sizeof(tables) / sizeof(tables[0]); t++) {
		const struct code_table *table = tables[t].table;
		assert_true(table->count >= tables[t].at_least);
		for (size_t i = 0; i < table->count; i++) {
			const struct code_entry *entry = &table->entries[i];
			assert_true(i == 0 || table->entries[i - 1].code < entry->code);
			assert_true(strlen(entry->name) > 1 && strlen(entry->name) < 64);
			assert_null(strchr(entry->name, ' '));
			if (entry->about != NULL)
				assert_true(strlen(entry->about) > 1 &&
					    strchr(entry->about, '(') == NULL);
		}
	}
}

static void
what_is_no_number_or_not_known_gives_nothing(void **state)
{
	(void)state;
	static const char *const codes[] = {"",
					    "xyz",
					    "c0000005g",
					    "0x",
					    "System.Exception",
					    "c000000500000000000",
					    "00000001c0000005"};
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		assert_string_equal(described(CODE_NTSTATUS, codes[i]), "");
		assert_string_equal(described(CODE_HRESULT, codes[i]), "");
	}
	assert_string_equal(described(CODE_NONE, "c0000005"), "");
	assert_string_equal(described((enum code_kind)99, "c0000005"), "");
	assert_string_equal(described(CODE_NTSTATUS, "c0001234"), "");
	assert_string_equal(described(CODE_BUGCHECK, "fffe"), "");
	assert_string_equal(described(CODE_DEVICE_PROBLEM, "0"), "");
	assert_null(code_name(CODE_NTSTATUS, UINT64_C(0x1c0000005)));
	assert_null(code_name(CODE_NONE, 5));
}

static void
statuses_have_names(void **state)
{
	(void)state;
	static const struct {
		uint64_t code;
		const char *name;
	} cases[] = {
		{0xc0000005, "STATUS_ACCESS_VIOLATION"},
		{0xc00000fd, "STATUS_STACK_OVERFLOW"},
		{0xc0000374, "STATUS_HEAP_CORRUPTION"},
		{0xc0000409, "STATUS_STACK_BUFFER_OVERRUN"},
		{0xc0000006, "STATUS_IN_PAGE_ERROR"},
		{0xc0000135, "STATUS_DLL_NOT_FOUND"},
		{0xc0000139, "STATUS_ENTRYPOINT_NOT_FOUND"},
		{0xc000001d, "STATUS_ILLEGAL_INSTRUCTION"},
		{0xc0000096, "STATUS_PRIVILEGED_INSTRUCTION"},
		{0xc0000094, "STATUS_INTEGER_DIVIDE_BY_ZERO"},
		{0x80000001, "STATUS_GUARD_PAGE_VIOLATION"},
		{0x80000003, "STATUS_BREAKPOINT"},
		{0xe06d7363, "CPP_EXCEPTION"},
		{0xe0434352, "CLR_EXCEPTION"},
		{0x40000015, "STATUS_FATAL_APP_EXIT"},
		{0xcfffffff, "APPLICATION_HANG"},
		{0x0eedfade, "DELPHI_EXCEPTION"},
		{0xc000013a, "STATUS_CONTROL_C_EXIT"},
		{0x4000001f, "STATUS_WX86_BREAKPOINT"},
		{0xc0000420, "STATUS_ASSERTION_FAILURE"},
		{0xc000041d, "STATUS_FATAL_USER_CALLBACK_EXCEPTION"},
		{UINT64_C(0xffffffffc0000005), "STATUS_ACCESS_VIOLATION"},
		{0x80131623, "COR_E_FAILFAST"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(code_name(CODE_NTSTATUS, cases[i].code), cases[i].name);
	assert_string_equal(described(CODE_NTSTATUS, "C0000005"),
			    "STATUS_ACCESS_VIOLATION (access violation)");
	assert_string_equal(described(CODE_NTSTATUS, " 0xc0000005 "),
			    "STATUS_ACCESS_VIOLATION (access violation)");
}

static void
hresults_have_names_or_at_least_a_facility(void **state)
{
	(void)state;
	assert_string_equal(code_name(CODE_HRESULT, 0x8024402c),
			    "WU_E_PT_WINHTTP_NAME_NOT_RESOLVED");
	assert_string_equal(code_name(CODE_HRESULT, 0x800f0922), "CBS_E_INSTALLERS_FAILED");
	assert_string_equal(code_name(CODE_HRESULT, 0x80070005), "ERROR_ACCESS_DENIED");
	assert_string_equal(code_name(CODE_HRESULT, 0x80073701), "ERROR_SXS_ASSEMBLY_MISSING");
	assert_string_equal(code_name(CODE_HRESULT, 0x80072ee2), "ERROR_WINHTTP_TIMEOUT");
	assert_string_equal(code_name(CODE_HRESULT, 0x80131500), "COR_E_EXCEPTION");
	assert_string_equal(code_name(CODE_HRESULT, 0xd0000022), "STATUS_ACCESS_DENIED");
	assert_null(code_name(CODE_HRESULT, 0x80244abc));
	assert_null(code_name(CODE_HRESULT, 0x00070005)); /* a success, whatever the number */
	assert_string_equal(described(CODE_HRESULT, "80244abc"),
			    "facility WindowsUpdate (36), code 0x4abc");
	assert_string_equal(described(CODE_HRESULT, "0x80070abc"),
			    "facility Win32 (7), code 0xabc");
	assert_string_equal(described(CODE_HRESULT, "8fff0001"), "facility 4095, code 0x1");
	assert_string_equal(described(CODE_HRESULT, "88890001"),
			    "facility AudioClient (2185), code 0x1");
	assert_string_equal(described(CODE_HRESULT, "0"), "S_OK (no error)");
}

static void
bugchecks_live_dumps_and_device_problems_have_names(void **state)
{
	(void)state;
	assert_string_equal(code_name(CODE_BUGCHECK, 0x9f), "DRIVER_POWER_STATE_FAILURE");
	assert_string_equal(code_name(CODE_BUGCHECK, 0x1), "APC_INDEX_MISMATCH");
	assert_string_equal(code_name(CODE_BUGCHECK, 0xf4), "CRITICAL_OBJECT_TERMINATION");
	assert_string_equal(code_name(CODE_BUGCHECK, 0xc000021a),
			    "STATUS_SYSTEM_PROCESS_TERMINATED");
	assert_string_equal(code_name(CODE_BUGCHECK, 0x1000007e),
			    "SYSTEM_THREAD_EXCEPTION_NOT_HANDLED_M");
	assert_string_equal(code_name(CODE_BUGCHECK, 0x100000d1), "DRIVER_IRQL_NOT_LESS_OR_EQUAL");
	assert_string_equal(code_name(CODE_LIVE_DUMP, 0x141), "VIDEO_ENGINE_TIMEOUT_DETECTED");
	assert_string_equal(code_name(CODE_LIVE_DUMP, 0x1a1), "WIN32K_CALLOUT_WATCHDOG_LIVEDUMP");
	assert_string_equal(code_name(CODE_LIVE_DUMP, 0x15e), "BUGCODE_NDIS_DRIVER_LIVE_DUMP");
	assert_string_equal(described(CODE_DEVICE_PROBLEM, "0000001c"),
			    "CM_PROB_FAILED_INSTALL (no driver installed)");
	for (uint32_t code = 1; code <= 56; code++)
		assert_non_null(code_name(CODE_DEVICE_PROBLEM, code));
}

static void
stamps_are_dates_and_marked_when_they_cannot_be(void **state)
{
	(void)state;
	static const struct {
		const char *stamp;
		const char *expected;
	} cases[] = {
		{"40ce670d", "2004-06-15T03:03:41Z"},
		{"0x65e1a6a0", "2024-03-01T09:57:52Z"},
		{"00000000", "1970-01-01T00:00:00Z (implausible)"},
		{"2a425e19", "1992-06-19T22:22:17Z"}, /* what Delphi writes into every program */
		{"259e9d7f", "1989-12-31T23:59:59Z (implausible)"},
		{"259e9d80", "1990-01-01T00:00:00Z"},
		{"ffffffff", "2106-02-07T06:28:15Z (implausible)"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		buf_reset(&out);
		assert_true(code_describe_stamp(slice_str(cases[i].stamp), NOW_US, &out));
		assert_string_equal(text_of_out(), cases[i].expected);
	}
	buf_reset(&out);
	assert_false(code_describe_stamp(SLICE_LITERAL("100000000"), NOW_US, &out));
	assert_false(code_describe_stamp(SLICE_LITERAL("missing"), NOW_US, &out));
	assert_false(code_describe_stamp(SLICE_LITERAL(""), NOW_US, &out));
	assert_int_equal(buf_slice(&out).len, 0);
}

static void
os_texts_of_other_shapes_are_refused(void **state)
{
	(void)state;
	static const char *const refused[] = {
		"",
		"6",
		"6.1.7601.2.1.0",
		"6.1.7601.2.1.0.256.48.1.1",
		"6.1.7601.2.1.0.256.",
		".1.7601.2.1.0.256.48",
		"6.1.7601.2.1.0.256.x",
		"6.1.7601.2.1.0.256.4294967296",
		"6.1.7601.2.1.0.256.-1",
		"6.1.7601.2.256.1.0",      /* seven fields: the suite has eight hex digits */
		"6.1.7601.2.0x010100.1.0", /* and no 0x */
		"6.1.7601.2.0001010g.1.0",
	};
	struct os_version os = {.build = 7};
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		assert_false(os_parse(slice_str(refused[i]), &os));
	assert_int_equal(os.build, 7);
}

static void
os_texts_of_7_8_and_9_fields_are_read(void **state)
{
	(void)state;
	struct os_version os;
	assert_true(os_parse(SLICE_LITERAL("6.1.7601.2.1.0.256.48"), &os));
	assert_true(os.major == 6 && os.minor == 1 && os.build == 7601 && os.platform == 2);
	assert_true(os.sp_major == 1 && os.sp_minor == 0 && os.suite_mask == 256);
	assert_true(os.has_sku && os.sku == 48 && !os.has_revision);
	assert_true(os_parse(SLICE_LITERAL("6.1.7601.2.00010100.1.0.48.17514"), &os));
	assert_true(os.suite_mask == 0x10100 && os.sp_major == 1 && os.sp_minor == 0);
	assert_true(os.has_sku && os.sku == 48 && os.has_revision && os.revision == 17514);
	assert_true(os_parse(SLICE_LITERAL("6.1.7601.2.00010100.1.0"), &os));
	assert_true(os.suite_mask == 0x10100 && os.sp_major == 1 && !os.has_sku &&
		    !os.has_revision);
}

static void
systems_have_the_names_that_people_know(void **state)
{
	(void)state;
	static const struct {
		const char *os;
		const char *expected;
	} cases[] = {
		{"6.1.6561.2.0.0.256.1", "Windows 7 Ultimate (6.1.6561)"},
		{"6.1.7601.2.1.0.256.48", "Windows 7 SP1 Professional (6.1.7601)"},
		{"10.0.10586.2.0.0.256.72", "Windows 10 1511 Enterprise Evaluation (10.0.10586)"},
		{"10.0.19045.2.0.0.768.101", "Windows 10 22H2 Core (10.0.19045)"},
		{"6.0.6000.2.0.0.256.16", "Windows Vista Business N (6.0.6000)"},
		{"6.1.7601.2.00010100.1.0.48.17514", "Windows 7 SP1 Professional (6.1.7601.17514)"},
		{"6.1.7601.2.00010100.1.0", "Windows 7 SP1 (6.1.7601)"},
		{"6.3.9600.2.0.0.272.7", "Windows Server 2012 R2 Standard (6.3.9600)"},
		{"10.0.20348.2.0.0.272.8", "Windows Server 2022 Datacenter (10.0.20348)"},
		{"10.0.17134.2.0.0.272.12", "Windows Server 1803 Datacenter (core) (10.0.17134)"},
		{"10.0.26200.2.0.0.256.48", "Windows 11 25H2 Professional (10.0.26200)"},
		{"10.0.26300.2.0.0.768.101", "Windows 11 Core (10.0.26300)"},
		{"10.0.22000.2.0.0.256.9999", "Windows 11 21H2 SKU 9999 (10.0.22000)"},
		{"99.9.1.2.0.0.256.0", "Windows (99.9.1)"},
		{"4294967295.0.1.2.0.0.256.1", "Windows Ultimate (4294967295.0.1)"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct os_version os;
		buf_reset(&out);
		assert_true(os_parse(slice_str(cases[i].os), &os));
		os_describe(&os, &out);
		assert_string_equal(text_of_out(), cases[i].expected);
	}
}

int
main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		CASE(tables_are_sorted_and_each_code_is_there_once),
		CASE(what_is_no_number_or_not_known_gives_nothing),
		CASE(statuses_have_names),
		CASE(hresults_have_names_or_at_least_a_facility),
		CASE(bugchecks_live_dumps_and_device_problems_have_names),
		CASE(stamps_are_dates_and_marked_when_they_cannot_be),
		CASE(os_texts_of_other_shapes_are_refused),
		CASE(os_texts_of_7_8_and_9_fields_are_read),
		CASE(systems_have_the_names_that_people_know),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
