/* The label bucket of a Report.wer is that of the level-1 report of the same event, and Windows'
 * own numbers follow from it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bucket/label.h"
#include "cer/level1.h"
#include "report/report_folder.h"
#include "report/wer_file.h"
#include "report_files.h"

static struct arena arena;
static struct level1_parser *parser;

static int
set_up(void **state)
{
	(void)state;
	arena_init(&arena, LIMIT_TEXT_FILE_ARENA_BYTES);
	parser = level1_parser_new();
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	arena_done(&arena);
	level1_parser_free(parser);
	return 0;
}

static void
report_of_level1(struct slice xml, struct report *report)
{
	struct level1_error error;
	if (level1_parse(parser, xml, &arena, report, &error) != OK)
		fail_msg("%s", error.detail.why);
}

static void
report_of_wer(struct slice text, struct report *report)
{
	struct wer_file file;
	assert_int_equal(wer_file_parse(text, &arena, &file), OK);
	assert_int_equal(wer_file_to_report(&file, &arena, report), OK);
}

static void
key_text(const struct report *report, struct buf *out)
{
	struct label label;
	label_of(report, &arena, &label);
	buf_init(out, FILES_BYTES_MAX);
	label_key_text(&label, out);
}

static void
assert_one_bucket(const struct report *a, const struct report *b)
{
	struct buf key_a;
	struct buf key_b;
	key_text(a, &key_a);
	key_text(b, &key_b);
	if (!slice_equal(buf_slice(&key_a), buf_slice(&key_b)) || key_a.len == 0)
		fail_msg("%.*s is not %.*s", SLICE_ARGS(buf_slice(&key_a)),
			 SLICE_ARGS(buf_slice(&key_b)));
	buf_done(&key_a);
	buf_done(&key_b);
}

#define HEAD(event, type)                                                                          \
	"<WERREPORT><MACHINEINFO machinename='PC' os='10.0.19045.2.0.0.256.48' lcid='1031'/>"      \
	"<USERINFO username='u'/><EVENTINFO reporttype='" type "' eventtime='1' eventtype='" event \
	"'/><SIGNATURE>"
#define TAIL "</SIGNATURE></WERREPORT>"
#define PARAM(id, value) "<PARAMETER id='" #id "' name='n' value='" value "'/>"

static const struct {
	const char *level1;
	const char *wer;
} events[] = {
	{HEAD("APPCRASH", "2") PARAM(0, "a.exe") PARAM(1, "1.0") PARAM(2, "00000001")
		 PARAM(3, "b.dll") PARAM(4, "2.0") PARAM(5, "00000002") PARAM(6, "c0000005")
			 PARAM(7, "0000000000001234") TAIL,
	 "EventType=APPCRASH\r\nSig[0].Name=Anwendung\r\nSig[0].Value=a.exe\r\nSig[1].Value=1.0\r\n"
	 "Sig[2].Value=00000001\r\nSig[3].Value=b.dll\r\nSig[4].Value=2.0\r\n"
	 "Sig[5].Value=00000002\r\nSig[6].Value=c0000005\r\nSig[7].Value=0000000000001234\r\n"},
	/* Another spelling of the type, an empty value and a position that was not sent. */
	{HEAD("AppCrash64", "2") PARAM(0, "a.exe") PARAM(1, "") PARAM(4, "x/y\\z") TAIL,
	 "EventType=APPCRASH\nSig[4].Value=x/y\\z\nSig[0].Value=A.EXE\nSig[1].Name=Version\n"},
	/* More than ten, which no bucket asks. */
	{HEAD("MyEvent", "1") PARAM(0, "ä") PARAM(9, "j") PARAM(10, "k") TAIL,
	 "EventType=myevent\nSig[0].Value=ä\nSig[9].Value=j\nSig[10].Value=other\n"},
	/* A kernel's code as parameter, and as what only the dynamic signature has. */
	{HEAD("BlueScreen", "4") "<SECONDARYPARAMETER name='BCCode' value='1000007e'/>" TAIL,
	 "EventType=BlueScreen\nSig[0].Name=Code\nSig[0].Value=1000007e\nSig[1].Value=ffff\n"},
	{HEAD("BlueScreen", "4") PARAM(0, "0x0000009f") PARAM(1, "3") TAIL,
	 "EventType=BlueScreen\nDynamicSig[3].Name=BCCode\nDynamicSig[3].Value=9f\n"},
	{HEAD("MikeTest", "1") TAIL, "EventType=MikeTest\nDynamicSig[22].Value=abcd\n"},
};

static void
a_report_on_disk_has_the_bucket_of_level_1(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
		struct report sent;
		struct report kept;
		report_of_level1(slice_str(events[i].level1), &sent);
		report_of_wer(slice_str(events[i].wer), &kept);
		assert_one_bucket(&sent, &kept);
	}
}

/* Writes REPORT as its machine keeps it. */
static void
write_wer(const struct report *report, struct buf *out)
{
	struct wer_file file = {0};
	struct wer_item items[LIMIT_PARAMS] = {0};
	struct wer_item secondary[LIMIT_SECONDARY_PARAMS] = {0};
	file.values[WER_EVENT_TYPE].text = report->event_type;
	file.values[WER_APP_NAME].text = report->app_name;
	file.values[WER_APP_PATH].text = report->app_path;
	file.lists[WER_SIGNATURE].items = items;
	for (uint32_t i = 0; i < report->n_params; i++) {
		if (slice_is_absent(report->params[i].value))
			continue;
		struct wer_item *item = &items[file.lists[WER_SIGNATURE].n++];
		item->index = i;
		item->parts[WER_PART_NAME] = report->params[i].name;
		item->parts[WER_PART_VALUE] = report->params[i].value;
	}
	file.lists[WER_DYNAMIC_SIGNATURE].items = secondary;
	file.lists[WER_DYNAMIC_SIGNATURE].n = report->n_secondary;
	for (uint32_t i = 0; i < report->n_secondary; i++) {
		secondary[i].index = 30 + i;
		secondary[i].parts[WER_PART_NAME] = report->secondary[i].name;
		secondary[i].parts[WER_PART_VALUE] = report->secondary[i].value;
	}
	assert_int_equal(wer_file_compose(&file, out), OK);
}

static void
what_is_composed_of_a_report_has_its_bucket(void **state)
{
	char folder[FILES_PATH_BYTES];
	(void)state;
	if (!files_find_corpus("ms-cer-spec", folder))
		return;
	for (size_t i = 1; i <= 4; i++) {
		char name[64];
		struct buf body;
		struct buf text;
		struct report sent;
		struct report kept;
		(void)snprintf(name, sizeof(name), "cer2_4_%zu_level1.utf16le.xml", i);
		if (!files_read(folder, name, &body))
			continue;
		report_of_level1(buf_slice(&body), &sent);
		buf_init(&text, FILES_BYTES_MAX);
		write_wer(&sent, &text);
		report_of_wer(buf_slice(&text), &kept);
		assert_one_bucket(&sent, &kept);
		assert_true(slice_equal(sent.app_path, kept.app_path));
		buf_done(&body);
		buf_done(&text);
	}
}

/* ---- Windows' own numbers ---- */

static struct report
report_with(const char *event_type, const char *const *values, size_t n)
{
	struct report report = {.event_type = slice_str(event_type), .n_params = n};
	for (size_t i = 0; i < n; i++)
		report.params[i].value = slice_str(values[i]);
	return report;
}
#define VALUES(...)                                                                                \
	(const char *const[]){__VA_ARGS__},                                                        \
		sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *)

static void
assert_folder_hash(struct report report, const char *expected)
{
	struct buf hash;
	buf_init(&hash, 64);
	report_folder_hash(&report, &hash);
	if (!slice_equal_str(buf_slice(&hash), expected))
		fail_msg("%.*s is not %s", SLICE_ARGS(buf_slice(&hash)), expected);
	buf_done(&hash);
}

static void
folder_hashes_are_those_of_windows(void **state)
{
	(void)state;
	assert_folder_hash(
		report_with("", VALUES("Update;", "8024402c", "16299", "847", "Windows.Desktop")),
		"ba86f388d190af6963dbd95b33715448fcb6fd5");
	assert_folder_hash(
		report_with("", VALUES("calc.exe", "6.1.7601.17514", "4ce7979d", "ntdll.dll",
				       "6.1.7601.18247", "521ea91c", "c00000fd", "00052c26")),
		"f3f7aab2e17f591e341b7f5421d4b9a9941592");
	assert_folder_hash(report_with("", VALUES("2oyl", "15.0.4454.0")),
			   "25dcdb56ffd8ab645eec70d5bdb96ce3658fb288");
}

static void
assert_bucket(struct report report, const char *expected, uint64_t legacy)
{
	struct label label;
	uint8_t hashed[LABEL_HASHED_BYTES];
	struct buf hex;
	label_of(&report, &arena, &label);
	label_hashed(&label, hashed);
	buf_init(&hex, 64);
	text_hex(slice_of(hashed, sizeof(hashed)), &hex);
	if (!slice_equal_str(buf_slice(&hex), expected))
		fail_msg("%.*s is not %s", SLICE_ARGS(buf_slice(&hex)), expected);
	if (legacy != 0)
		assert_true(label_legacy(hashed) == legacy);
	buf_done(&hex);
}

/* As a Report.wer has them, so that the way from the file to the number is tested whole. */
static void
assert_bucket_of_wer(const char *event_type, const char *const *values, size_t n,
		     const char *expected, uint64_t legacy)
{
	struct report made = report_with(event_type, values, n);
	struct report kept;
	struct buf text;
	buf_init(&text, FILES_BYTES_MAX);
	write_wer(&made, &text);
	report_of_wer(buf_slice(&text), &kept);
	assert_bucket(kept, expected, legacy);
	buf_done(&text);
}

static void
bucket_numbers_are_those_of_windows(void **state)
{
	(void)state;
	assert_bucket_of_wer("StoreAgentScanForUpdatesFailure0",
			     VALUES("Update;", "8024402c", "16299", "847", "Windows.Desktop"),
			     "e7b725b96c0bab97abd606ca1003a440", UINT64_C(2005798148961969216));
	assert_bucket_of_wer("BEX64",
			     VALUES("RDR.exe", "1.0.40.57107", "6711591d",
				    "CodeRED_Remote_Menu.asi", "0.0.0.0", "6a128d5e",
				    "0000000000006051", "c0000409", "0000000000000002"),
			     "81c8d9a24c5395b85dcb77986f92b707", 0);
	assert_bucket_of_wer("Office11ShipAssert", VALUES("2oyl", "15.0.4454.0"),
			     "328b7c8dcc84b1f1685b7bda847fd531", 0);
	assert_bucket_of_wer("MoAppHang",
			     VALUES("Microsoft.MicrosoftEdge_40.15063.674.0_neutral__8wekyb3d8bbwe",
				    "praid:MicrosoftEdge", "11.0.15063.1418", "5bbdaa8e", "3dd1",
				    "4194304"),
			     "5cb53a2b0bdef924e20a74a0f9ff0353", UINT64_C(1299979677187638099));
}

/* Takes the digits of HEX into a number's last 64 bits, as label_legacy does. */
static void
the_step_from_hash_to_legacy_number_stands_alone(void **state)
{
	(void)state;
	struct buf bytes;
	buf_init(&bytes, LABEL_HASHED_BYTES);
	assert_true(text_from_hex(SLICE_LITERAL("3ddc1eae9ee877864d36eea97bb20406"), &bytes));
	assert_true(label_legacy(bytes.data) == UINT64_C(2105132287534433286));
	buf_done(&bytes);
}

/* ---- the corpora ---- */

static struct report
report_of_signature(const struct json *entry)
{
	const struct json *sig = json_find(entry, "sig");
	struct report report = {.event_type = json_text(json_find(entry, "EventType"))};
	report.n_params = json_count(sig);
	assert_true(report.n_params <= LIMIT_PARAMS);
	for (size_t i = 0; i < report.n_params; i++) {
		report.params[i].name = json_text(json_find(json_at(sig, i), "name"));
		report.params[i].value = json_text(json_find(json_at(sig, i), "value"));
	}
	return report;
}

/* 1: the folder's hash is that of the signature, 0: not, -1: the entry has no folder. */
static int
check_folder(const struct json *entry, const struct report *report)
{
	struct slice name = json_text(json_find(entry, "folder"));
	struct report_folder folder;
	struct buf hash;
	if (slice_is_absent(name))
		return -1;
	report_folder_parse(name, &folder);
	assert_true(folder.is_known);
	assert_true(slice_equal(folder.param, report_folder_param(report)));
	assert_true(folder.kind == REPORT_FOLDER_CRASH || folder.kind == REPORT_FOLDER_CRITICAL);
	buf_init(&hash, 64);
	report_folder_hash(report, &hash);
	int is_equal = slice_equal(buf_slice(&hash), folder.hash);
	buf_done(&hash);
	return is_equal;
}

/* The same way for the number of the bucket; APPCRASH does not follow the formula. */
static int
check_bucket(const struct json *entry, const struct report *report)
{
	struct slice expected = json_text(json_find(entry, "BucketId"));
	struct label label;
	uint8_t hashed[LABEL_HASHED_BYTES];
	struct buf hex;
	label_of(report, &arena, &label);
	if (slice_is_absent(expected) || !label_is_hashed_verified(&label))
		return -1;
	label_hashed(&label, hashed);
	buf_init(&hex, 64);
	text_hex(slice_of(hashed, sizeof(hashed)), &hex);
	int is_equal = slice_equal(buf_slice(&hex), expected);
	buf_done(&hex);
	return is_equal;
}

/* 1: the legacy number follows from the bucket's; -1: one of them is not there. */
static int
check_legacy(const struct json *entry)
{
	struct slice bucket = json_text(json_find(entry, "BucketId"));
	struct slice legacy = json_text(json_find(entry, "LegacyBucketId"));
	struct buf bytes;
	uint64_t number;
	if (slice_is_absent(bucket) || !slice_to_u64(legacy, &number))
		return -1;
	buf_init(&bytes, 64);
	int is_equal = text_from_hex(bucket, &bytes) && bytes.len == LABEL_HASHED_BYTES &&
		       label_legacy(bytes.data) == number;
	buf_done(&bytes);
	return is_equal;
}

static void
count(int result, size_t *n_equal, size_t *n)
{
	*n += result >= 0;
	*n_equal += result == 1;
}

/* Each signature as Report.wer, read again: equal values in order, names of any language. */
static void
check_round_trip(const struct report *report)
{
	struct report kept;
	struct buf text;
	buf_init(&text, FILES_BYTES_MAX);
	write_wer(report, &text);
	report_of_wer(buf_slice(&text), &kept);
	assert_one_bucket(report, &kept);
	for (size_t i = 0; i < report->n_params; i++)
		assert_true(slice_equal(report->params[i].name, kept.params[i].name));
	buf_done(&text);
}

static void
public_signatures_have_their_folders_and_numbers(void **state)
{
	char folder[FILES_PATH_BYTES];
	struct buf text;
	struct json *signatures;
	size_t folders = 0, n_folders = 0, buckets = 0, n_buckets = 0, legacy = 0, n_legacy = 0;
	(void)state;
	if (!files_find_corpus("wer-signatures-public", folder) ||
	    !files_read(folder, "signatures.json", &text))
		return;
	assert_int_equal(json_parse(buf_slice(&text), &signatures, NULL), OK);
	for (size_t i = 0; i < json_count(signatures); i++) {
		const struct json *entry = json_at(signatures, i);
		struct report report = report_of_signature(entry);
		/* Two were published without their last values. */
		if (report.n_params > 0)
			check_round_trip(&report);
		count(check_folder(entry, &report), &folders, &n_folders);
		if (json_find(entry, "truncated") == NULL)
			count(check_bucket(entry, &report), &buckets, &n_buckets);
		count(check_legacy(entry), &legacy, &n_legacy);
	}
	print_message("%zu signatures: folders %zu of %zu, buckets %zu of %zu, legacy %zu of %zu\n",
		      json_count(signatures), folders, n_folders, buckets, n_buckets, legacy,
		      n_legacy);
	assert_int_equal(folders + 2, n_folders);
	assert_int_equal(buckets, n_buckets);
	assert_int_equal(legacy, n_legacy);
	assert_true(n_buckets > 0 && n_legacy > 0);
	json_free(signatures);
	buf_done(&text);
}

/* What a real report says of its own bucket. */
static void
real_reports_have_the_bucket_that_they_name(void **state)
{
	char folder[FILES_PATH_BYTES];
	struct buf text;
	struct report report;
	struct wer_file file;
	(void)state;
	if (!files_find_corpus("wer-reports-transcribed", folder) ||
	    !files_read(folder, "win10_15063_zhCN_MoAppHang_edge.wer", &text))
		return;
	assert_int_equal(wer_file_parse(buf_slice(&text), &arena, &file), OK);
	assert_int_equal(wer_file_to_report(&file, &arena, &report), OK);
	char *bucket = arena_str(&arena, file.values[WER_BUCKET_ID].text);
	assert_non_null(bucket);
	assert_bucket(report, bucket, (uint64_t)file.values[WER_LEGACY_BUCKET_ID].number);
	buf_done(&text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		TEST(a_report_on_disk_has_the_bucket_of_level_1),
		TEST(what_is_composed_of_a_report_has_its_bucket),
		TEST(folder_hashes_are_those_of_windows),
		TEST(bucket_numbers_are_those_of_windows),
		TEST(the_step_from_hash_to_legacy_number_stands_alone),
		TEST(public_signatures_have_their_folders_and_numbers),
		TEST(real_reports_have_the_bucket_that_they_name),
#undef TEST
	};
	return cmocka_run_group_tests_name("report_wer_bucket", tests, NULL, NULL);
}
