#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "report/report_folder.h"
#include "report_files.h"

static struct arena arena;

static int
set_up(void **state)
{
	(void)state;
	arena_init(&arena, LIMIT_TEXT_FILE_ARENA_BYTES);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	arena_done(&arena);
	return 0;
}

static void
assert_slice(struct slice got, const char *expected)
{
	if (expected == NULL ? !slice_is_absent(got)
			     : slice_is_absent(got) || !slice_equal_str(got, expected))
		fail_msg("\"%.*s\" is not \"%s\"", SLICE_ARGS(got),
			 expected == NULL ? "absent" : expected);
}

#define HASH "0a1b2c3d4e5f60718293a4b5c6d7e8f901234567"
#define SHORT_HASH "0a1b2c3d4e5f60718293"
#define GUID "11111111-2222-3333-4444-5555aaaaBBBB"

static void
names_of_another_form_are_kept(void **state)
{
	(void)state;
	static const char *const others[] = {
		"",
		"_",
		"AppCrash",
		"AppCrash_a.exe",
		"AppCrash_a.exe_" HASH,
		"AppCrash_a.exe_" HASH "_xyz",
		"AppCrash_a.exe_" HASH "_1234567",
		"AppCrash_a.exe_" HASH "_123456789",
		"AppCrash_a.exe_" HASH "0_12345678",
		"AppCrash_a.exe_0a1b2c3d4e5f6071829_12345678",
		"AppCrash_a.exe_" HASH "x_12345678",
		"AppCrash_a.exe_" HASH "_app_12345678",
		"AppCrash_" HASH "_12345678",
		HASH "_12345678",
		"AppCrash_a.exe_" HASH "_00000000_CABx_" GUID,
		"AppCrash_a.exe_" HASH "_11111111x2222-3333-4444-5555aaaaBBBB",
		"AppCrash_a.exe_" HASH "_1111111112222-3333-4444-5555aaaaBBBB",
		"WERE035.tmp",
	};
	struct report_folder folder;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		report_folder_parse(slice_str(others[i]), &folder);
		if (folder.is_known)
			fail_msg("%s", others[i]);
		assert_slice(folder.name, others[i]);
		assert_slice(folder.hash, NULL);
		assert_false(folder.has_cab);
	}
}

static void
every_form_of_the_name_is_read(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		enum report_folder_kind kind;
		const char *prefix, *param, *hash, *app, *unique;
		bool has_cab;
	} forms[] = {
		{"AppCrash_a.exe_" HASH "_89abcdef_" GUID, REPORT_FOLDER_CRASH, "AppCrash", "a.exe",
		 HASH, "89abcdef", GUID, false},
		{"AppCrash_a.exe_" HASH "_89abcdef_cab_" GUID, REPORT_FOLDER_CRASH, "AppCrash",
		 "a.exe", HASH, "89abcdef", GUID, true},
		{"AppHang_a.exe_" HASH "_12345678", REPORT_FOLDER_HANG, "AppHang", "a.exe", HASH,
		 NULL, "12345678", false},
		{"AppHang_a.exe_" HASH "_cab_12345678", REPORT_FOLDER_HANG, "AppHang", "a.exe",
		 HASH, NULL, "12345678", true},
		{"Critical_a.exe_" HASH "_89abcdef_12345678", REPORT_FOLDER_CRITICAL, "Critical",
		 "a.exe", HASH, "89abcdef", "12345678", false},
		{"NonCritical_Update;_" SHORT_HASH "_00000000_cab_" GUID,
		 REPORT_FOLDER_NON_CRITICAL, "NonCritical", "Update;", SHORT_HASH, "00000000", GUID,
		 true},
		{"Kernel_141_" HASH "_00000000_cab_" GUID, REPORT_FOLDER_KERNEL, "Kernel", "141",
		 HASH, "00000000", GUID, true},
		/* P1 with separators in it, or what could be a later part. */
		{"AppCrash_a_b_cab_.exe_" HASH "_89abcdef_" GUID, REPORT_FOLDER_CRASH, "AppCrash",
		 "a_b_cab_.exe", HASH, "89abcdef", GUID, false},
		{"AppCrash__" HASH "_89abcdef_" GUID, REPORT_FOLDER_CRASH, "AppCrash", "", HASH,
		 "89abcdef", GUID, false},
		{"AppCrash_12345678_" HASH "_12345678", REPORT_FOLDER_CRASH, "AppCrash", "12345678",
		 HASH, NULL, "12345678", false},
		{"appcrash_Gärtner_" HASH "_12345678", REPORT_FOLDER_CRASH, "appcrash", "Gärtner",
		 HASH, NULL, "12345678", false},
		{"NewKind_a_" HASH "_12345678", REPORT_FOLDER_OTHER, "NewKind", "a", HASH, NULL,
		 "12345678", false},
		{"C:\\ProgramData\\WER\\ReportQueue\\Kernel_a_" HASH "_12345678",
		 REPORT_FOLDER_KERNEL, "Kernel", "a", HASH, NULL, "12345678", false},
		{"/mnt/disk/ReportArchive/Kernel_a_" HASH "_12345678", REPORT_FOLDER_KERNEL,
		 "Kernel", "a", HASH, NULL, "12345678", false},
	};
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		struct report_folder folder;
		report_folder_parse(slice_str(forms[i].name), &folder);
		if (!folder.is_known)
			fail_msg("%s", forms[i].name);
		assert_int_equal(folder.kind, forms[i].kind);
		assert_slice(folder.prefix, forms[i].prefix);
		assert_slice(folder.param, forms[i].param);
		assert_slice(folder.hash, forms[i].hash);
		assert_slice(folder.app, forms[i].app);
		assert_slice(folder.unique, forms[i].unique);
		assert_int_equal(folder.has_cab, forms[i].has_cab);
	}
	assert_string_equal(report_folder_kind_name(REPORT_FOLDER_NON_CRITICAL), "non_critical");
}

static void
the_first_parameter_is_cut_to_16_characters(void **state)
{
	(void)state;
	static const char *const cases[][2] = {
		{"Siemens.Automation.Portal.exe", "Siemens.Automati"},
		{"short.exe", "short.exe"},
		{"exactly16chars.x", "exactly16chars.x"},
		{"ääääääääääääääääää", "ääääääääääääääää"},
		/* A pair of UTF-16 is two, and is not cut through. */
		{"😀😀😀😀😀😀😀😀😀", "😀😀😀😀😀😀😀😀"},
		{"", ""},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct report report = {.n_params = 1};
		report.params[0].value = slice_str(cases[i][0]);
		assert_slice(report_folder_param(&report), cases[i][1]);
	}
	struct report none = {.n_params = 0};
	assert_slice(report_folder_param(&none), NULL);
}

/* Absent positions are nothing; bytes below 16 have one digit. */
static void
hashes_have_no_leading_zeros(void **state)
{
	(void)state;
	struct buf a;
	struct buf b;
	struct report report = {.n_params = 3};
	buf_init(&a, 64);
	buf_init(&b, 64);
	report.params[0].value = SLICE_LITERAL("ab");
	report.params[2].value = SLICE_LITERAL("c");
	report_folder_hash(&report, &a);
	report.params[0].value = SLICE_LITERAL("a");
	report.params[1].value = SLICE_LITERAL("b");
	report_folder_hash(&report, &b);
	assert_true(slice_equal(buf_slice(&a), buf_slice(&b)));
	/* SHA-1 of nothing is da39a3ee5e6b4b0d3255bfef95601890afd80709. */
	struct report none = {.n_params = 0};
	buf_reset(&a);
	report_folder_hash(&none, &a);
	assert_slice(buf_slice(&a), "da39a3ee5e6b4bd3255bfef95601890afd879");
	buf_done(&a);
	buf_done(&b);
}

static const char report_wer[] =
	"Version=1\r\nEventType=Office11ShipAssert\r\nSig[0].Value=2oyl\r\n"
	"Sig[1].Value=15.0.4454.0\r\nFile[0].CabName=minidump.mdmp\r\n"
	"File[0].Path=WERE035.tmp.mdmp\r\nFile[1].CabName=memory.hdmp\r\n"
	"File[2].Path=C:\\x\\gone.txt\r\nFile[3].CabName=sysinfo.txt\r\n";
#define REAL_NAME "NonCritical_2oyl_25dcdb56ffd8ab645eec70d5bdb96ce3658fb288_00000000_" GUID

static void
describe(const char *name, const struct report_folder_file *files, size_t n,
	 struct report_folder_view *view)
{
	assert_int_equal(report_folder_describe(slice_str(name), files, n, &arena, view), OK);
}

static void
a_folder_is_described_with_what_is_missing(void **state)
{
	(void)state;
	const struct report_folder_file files[] = {
		{SLICE_LITERAL("WERE035.tmp.mdmp"), SLICE_LITERAL("MDMP"), 1000},
		{SLICE_LITERAL("Report.wer"), slice_str(report_wer), sizeof(report_wer) - 1},
		{SLICE_LITERAL("sysinfo.txt"), SLICE_LITERAL("a: b"), 4},
		{SLICE_LITERAL("extra.bin"), SLICE_LITERAL("\x01\x02"), 2},
	};
	struct report_folder_view view;
	struct buf json;
	describe(REAL_NAME, files, 4, &view);
	assert_true(view.has_report);
	assert_true(view.is_hash_equal);
	assert_int_equal(view.n_members, 4);
	assert_int_equal(view.members[0].kind, FILE_MINIDUMP);
	assert_slice(view.members[0].cab_name, "minidump.mdmp");
	assert_int_equal(view.members[0].size_bytes, 1000);
	assert_int_equal(view.members[1].kind, FILE_REPORT_WER);
	assert_slice(view.members[1].cab_name, NULL);
	assert_slice(view.members[2].cab_name, "sysinfo.txt");
	assert_int_equal(view.members[3].kind, FILE_UNKNOWN);
	assert_int_equal(view.n_missing, 2);
	assert_slice(view.missing[0], "memory.hdmp");
	assert_slice(view.missing[1], "C:\\x\\gone.txt");
	FILES_JSON(report_folder_put_json, &view, &json);
	files_assert_has(&json, "\"is_hash_equal\":true");
	files_assert_has(&json, "\"missing\":[\n  \"memory.hdmp\",");
	files_assert_has(&json, "\"kind\":\"non_critical\"");
	buf_done(&json);
}

static void
a_folder_that_belongs_to_another_report_is_told(void **state)
{
	(void)state;
	const struct report_folder_file files[] = {
		{SLICE_LITERAL("Report.wer"), slice_str(report_wer), sizeof(report_wer) - 1},
	};
	struct report_folder_view view;
	describe("NonCritical_2oyl_" HASH "_00000000_" GUID, files, 1, &view);
	assert_true(view.has_report);
	assert_false(view.is_hash_equal);
	describe("renamed", files, 1, &view);
	assert_true(view.has_report);
	assert_false(view.folder.is_known);
	assert_false(view.is_hash_equal);
}

static void
a_folder_without_a_readable_report_is_described_all_the_same(void **state)
{
	(void)state;
	static const struct {
		const char *content;
		err_t err;
	} reports[] = {{"", ERR_TRUNCATED}, {"words", ERR_CORRUPT}, {"Version=1\n", ERR_CORRUPT}};
	struct report_folder_view view;
	struct buf json;
	for (size_t i = 0; i < sizeof(reports) / sizeof(reports[0]); i++) {
		const struct report_folder_file files[] = {
			{SLICE_LITERAL("Report.wer"), slice_str(reports[i].content), 9},
		};
		describe(REAL_NAME, files, 1, &view);
		assert_false(view.has_report);
		assert_int_equal(view.report_error, reports[i].err);
		assert_int_equal(view.n_members, 1);
		assert_int_equal(view.n_missing, 0);
	}
	FILES_JSON(report_folder_put_json, &view, &json);
	files_assert_has(&json, "\"report\":null,\n \"is_hash_equal\":null,\n \"report_error\":\"");
	buf_done(&json);
	describe(REAL_NAME, NULL, 0, &view);
	assert_false(view.has_report);
	assert_int_equal(view.report_error, OK);
}

static void
refuses_more_files_than_the_limit_or_than_fit(void **state)
{
	(void)state;
	static struct report_folder_file files[LIMIT_FOLDER_FILES + 1];
	struct report_folder_view view;
	for (size_t i = 0; i <= LIMIT_FOLDER_FILES; i++)
		files[i].name = SLICE_LITERAL("a.txt");
	describe(REAL_NAME, files, LIMIT_FOLDER_FILES, &view);
	assert_int_equal(report_folder_describe(slice_str(REAL_NAME), files, LIMIT_FOLDER_FILES + 1,
						&arena, &view),
			 ERR_LIMIT);
	struct arena small;
	arena_init(&small, 64);
	assert_int_equal(report_folder_describe(slice_str(REAL_NAME), files, 10, &small, &view),
			 ERR_LIMIT);
	arena_done(&small);
	/* A report that does not fit is one that cannot be read; the rest still may not fit. */
	const struct report_folder_file one[] = {
		{SLICE_LITERAL("Report.wer"), slice_str(report_wer), sizeof(report_wer) - 1},
	};
	bool is_whole = false;
	for (size_t cap = 0; !is_whole; cap += 16) {
		arena_init(&small, cap);
		err_t err = report_folder_describe(slice_str(REAL_NAME), one, 1, &small, &view);
		is_whole = err == OK && view.has_report;
		assert_true(err == ERR_LIMIT || is_whole || view.report_error == ERR_LIMIT);
		assert_true(cap < 65536);
		arena_done(&small);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		TEST(names_of_another_form_are_kept),
		TEST(every_form_of_the_name_is_read),
		TEST(the_first_parameter_is_cut_to_16_characters),
		TEST(hashes_have_no_leading_zeros),
		TEST(a_folder_is_described_with_what_is_missing),
		TEST(a_folder_that_belongs_to_another_report_is_told),
		TEST(a_folder_without_a_readable_report_is_described_all_the_same),
		TEST(refuses_more_files_than_the_limit_or_than_fit),
#undef TEST
	};
	return cmocka_run_group_tests_name("report_folder", tests, NULL, NULL);
}
