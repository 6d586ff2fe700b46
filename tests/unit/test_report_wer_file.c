#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "report/wer_file.h"
#include "report/wer_identity.h"
#include "report_files.h"

static struct arena arena;
static struct buf text;
static struct wer_file file;

static int
set_up(void **state)
{
	(void)state;
	arena_init(&arena, LIMIT_TEXT_FILE_ARENA_BYTES);
	buf_init(&text, FILES_BYTES_MAX);
	file = (struct wer_file){0};
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	arena_done(&arena);
	buf_done(&text);
	return 0;
}

static void
parse(const char *utf8)
{
	err_t err = wer_file_parse(slice_str(utf8), &arena, &file);
	if (err != OK)
		fail_msg("%s: %s", utf8, err_name(err));
}

static void
assert_slice(struct slice got, const char *expected)
{
	if (!slice_equal_str(got, expected) || slice_is_absent(got))
		fail_msg("\"%.*s\" is not \"%s\"", SLICE_ARGS(got), expected);
}

static struct slice
part(enum wer_key list, uint32_t index, unsigned which)
{
	const struct wer_item *item = wer_file_item(&file, list, index);
	assert_non_null(item);
	return item->parts[which];
}

static void
assert_flags(uint32_t flags)
{
	assert_int_equal(file.flags, flags);
}

static void
refuses_what_is_empty(void **state)
{
	(void)state;
	static const char *const empty[] = {"", "\xff\xfe", "\xef\xbb\xbf"};
	for (size_t i = 0; i < sizeof(empty) / sizeof(empty[0]); i++)
		assert_int_equal(wer_file_parse(slice_str(empty[i]), &arena, &file), ERR_TRUNCATED);
	assert_int_equal(wer_file_parse(slice_of(NULL, 0), &arena, &file), ERR_TRUNCATED);
	assert_int_equal(wer_file_parse(slice_of("\0\0\0", 3), &arena, &file), ERR_TRUNCATED);
}

static void
refuses_a_text_without_any_pair(void **state)
{
	(void)state;
	assert_int_equal(wer_file_parse(SLICE_LITERAL("Version 1\r\nhello\r\n"), &arena, &file),
			 ERR_CORRUPT);
	assert_int_equal(wer_file_parse(SLICE_LITERAL("\n\n\n"), &arena, &file), ERR_CORRUPT);
	assert_int_equal(wer_file_parse(SLICE_LITERAL("MDMP\x93\xa7"), &arena, &file), ERR_CORRUPT);
}

static void
refuses_more_bytes_than_the_limit(void **state)
{
	(void)state;
	buf_append_str(&text, "Version=1\n");
	while (text.len < LIMIT_TEXT_FILE_BYTES)
		buf_append_byte(&text, 'x');
	assert_int_equal(wer_file_parse(buf_slice(&text), &arena, &file), OK);
	buf_append_byte(&text, 'x');
	assert_int_equal(wer_file_parse(buf_slice(&text), &arena, &file), ERR_LIMIT);
}

static void
refuses_more_lines_than_the_limit(void **state)
{
	(void)state;
	for (size_t i = 0; i < LIMIT_WER_LINES; i++)
		buf_printf(&text, "LoadedModule[%zu]=m\n", LIMIT_WER_LINES - i);
	assert_int_equal(wer_file_parse(buf_slice(&text), &arena, &file), OK);
	assert_int_equal(file.lists[WER_LOADED_MODULE].n, LIMIT_WER_LINES);
	buf_append_byte(&text, '\n');
	assert_int_equal(wer_file_parse(buf_slice(&text), &arena, &file), ERR_LIMIT);
}

static void
refuses_what_does_not_fit_its_arena(void **state)
{
	(void)state;
	struct slice in = SLICE_LITERAL("Version=1\nSig[0].Value=a\nUI[2]=b\nSig[11].Value=c\n"
					"DynamicSig[3].Value=d\nFile[0].CabName=e\n");
	bool is_read = false;
	for (size_t cap = 0; !is_read; cap += 16) {
		struct arena small;
		struct report report;
		arena_init(&small, cap);
		err_t err = wer_file_parse(in, &small, &file);
		is_read = err == OK;
		if (is_read)
			err = wer_file_to_report(&file, &small, &report);
		assert_true(err == ERR_LIMIT || (is_read && err == ERR_CORRUPT));
		arena_done(&small);
	}
}

/* Of 32768 different indexes in the worst order: sorted, not searched. */
static void
indexes_in_any_order_are_found(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 10000; i++)
		buf_printf(&text, "Sig[%u].Value=v%u\n", i * 2654435761U, i);
	assert_int_equal(wer_file_parse(buf_slice(&text), &arena, &file), OK);
	assert_int_equal(file.lists[WER_SIGNATURE].n, 10000);
	for (uint32_t i = 0; i < 10000; i += 999) {
		char expected[16];
		(void)snprintf(expected, sizeof(expected), "v%u", i);
		assert_slice(part(WER_SIGNATURE, i * 2654435761U, WER_PART_VALUE), expected);
	}
	assert_null(wer_file_item(&file, WER_SIGNATURE, 5));
}

static void
keys_that_are_nearly_known_stay_lines(void **state)
{
	(void)state;
	static const char *const keys[] = {
		"Sig[].Value",   "Sig[-1].Value",      "Sig[4294967296].Value",
		"Sig[1]",        "Sig[1].Values",      "Sig1.Value",
		"Sig[1.Value",   "Sigs[1].Value",      "[1].Value",
		"Sig[ 1].Value", "Sig[0x1].Value",     "UI[1].Value",
		"File[0]",       "OsInfo[0].Name",     "State[0].Name",
		"Versions",      "Response.bucketidx", "Sig[18446744073709551617].Value",
	};
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		buf_reset(&text);
		buf_printf(&text, "%s=x\n", keys[i]);
		assert_int_equal(wer_file_parse(buf_slice(&text), &arena, &file), OK);
		assert_flags(WER_FLAG_UNKNOWN);
		assert_false(file.lines[0].is_known);
		assert_slice(file.lines[0].key, keys[i]);
	}
}

static void
the_first_of_two_counts_and_the_second_is_kept(void **state)
{
	(void)state;
	struct buf json;
	parse("EventType=A\nEventType=B\nSig[0].Value=a\nSig[0].Value=b\nUI[1]=\nUI[1]=c\n");
	assert_flags(WER_FLAG_DUPLICATE);
	assert_slice(file.values[WER_EVENT_TYPE].text, "A");
	assert_slice(part(WER_SIGNATURE, 0, WER_PART_VALUE), "a");
	assert_slice(part(WER_UI, 1, WER_PART_VALUE), "");
	FILES_JSON(wer_file_put_json, &file, &json);
	files_assert_has(&json, "\"key\":\"EventType\",\n   \"value\":\"B\"");
	files_assert_has(&json, "\"key\":\"Sig[0].Value\",\n   \"value\":\"b\"");
	files_assert_has(&json, "\"key\":\"UI[1]\",\n   \"value\":\"c\"");
	buf_done(&json);
}

static void
numbers_are_numbers_or_flagged(void **state)
{
	(void)state;
	parse("MetadataHash=-1427362016\nBootId=4294967295\nReportStatus=268435456\n"
	      "EventTime=132097464135465240\nResponse.LegacyBucketId=1299979677187638099\n");
	assert_flags(0);
	assert_true(file.values[WER_METADATA_HASH].is_number);
	assert_int_equal(file.values[WER_METADATA_HASH].number, -1427362016);
	assert_int_equal(file.values[WER_BOOT_ID].number, 4294967295);
	assert_true(file.values[WER_EVENT_TIME].number == 132097464135465240);
	assert_true(file.values[WER_LEGACY_BUCKET_ID].number == 1299979677187638099);
	parse("ReportType=two\nConsent=\nBootId=9223372036854775808\nEventTime=0x10\n");
	assert_flags(WER_FLAG_BAD_NUMBER);
	assert_false(file.values[WER_REPORT_TYPE].is_number);
	assert_slice(file.values[WER_REPORT_TYPE].text, "two");
	assert_int_equal(file.values[WER_REPORT_TYPE].number, 0);
	assert_false(file.values[WER_BOOT_ID].is_number);
}

static void
splits_at_the_first_equals_sign_and_unquotes_nothing(void **state)
{
	(void)state;
	parse("AppName=\"a\" = b=c\nAppPath= C:\\x\\y=z\\w.exe \nEventType==\n=nothing\n");
	assert_slice(file.values[WER_APP_NAME].text, "\"a\" = b=c");
	assert_slice(file.values[WER_APP_PATH].text, " C:\\x\\y=z\\w.exe ");
	assert_slice(file.values[WER_EVENT_TYPE].text, "=");
	assert_slice(file.lines[3].key, "");
	assert_slice(file.lines[3].value, "nothing");
	assert_flags(WER_FLAG_UNKNOWN);
}

static void
keys_fold_but_values_do_not(void **state)
{
	(void)state;
	parse("eventtype=AppCrash\nresponse.bucketID=AB\nsig[0].VALUE=V\n osinfo[3].key=ubr\n");
	assert_slice(file.values[WER_EVENT_TYPE].text, "AppCrash");
	assert_slice(file.values[WER_BUCKET_ID].text, "AB");
	assert_slice(part(WER_SIGNATURE, 0, WER_PART_VALUE), "V");
	assert_slice(part(WER_OS_INFO, 3, WER_PART_NAME), "ubr");
	assert_flags(0);
}

static void
gaps_and_missing_parts_stay_gaps(void **state)
{
	(void)state;
	parse("EventType=X\nSig[2].Value=c\nSig[22].Value=w\nOsInfo[29].Key=osver\n"
	      "OsInfo[31].Key=edition\nOsInfo[31].Value=Core\nUI[2]=C:\\a.exe\n");
	assert_int_equal(file.lists[WER_SIGNATURE].n, 2);
	assert_null(wer_file_item(&file, WER_SIGNATURE, 0));
	assert_true(slice_is_absent(part(WER_OS_INFO, 29, WER_PART_VALUE)));
	assert_true(slice_is_absent(wer_file_os_info(&file, "osver")));
	assert_slice(wer_file_os_info(&file, "edition"), "Core");
	assert_true(slice_is_absent(wer_file_os_info(&file, "ubr")));
	assert_true(slice_is_absent(part(WER_SIGNATURE, 2, WER_PART_NAME)));
}

static void
names_in_any_script_are_never_asked(void **state)
{
	(void)state;
	struct report report;
	parse("EventType=APPCRASH\nSig[0].Name=Имя приложения\nSig[0].Value=приложение.exe\n"
	      "Sig[1].Name=\nSig[1].Value=1.0\nDynamicSig[1].Name=OS 版本\n"
	      "DynamicSig[1].Value=10.0.15063.2.0.0.256.48\nDynamicSig[2].Name=区域设置 ID\n"
	      "DynamicSig[2].Value=2052\n");
	assert_int_equal(wer_file_to_report(&file, &arena, &report), OK);
	assert_int_equal(report.n_params, 2);
	assert_slice(report.params[0].name, "Имя приложения");
	assert_slice(report.params[0].value, "приложение.exe");
	assert_slice(report.os, "10.0.15063.2.0.0.256.48");
	assert_true(report.has_lcid);
	assert_int_equal(report.lcid, 2052);
	assert_int_equal(report.flags, 0);
}

static const char whole[] = "Version=1\r\n"
			    "EventType=AppHangB1\r\n"
			    "EventTime=133000000000000000\r\n"
			    "ReportType=3\r\n"
			    "Consent=1\r\n"
			    "ReportStatus=268435456\r\n"
			    "ReportIdentifier=11111111-2222-3333-4444-555555555555\r\n"
			    "Wow64Host=34404\r\n"
			    "NsAppName=gärtner.exe\r\n"
			    "Response.BucketId=0123456789abcdef0123456789abcdef\r\n"
			    "Response.BucketTable=5\r\n"
			    "Response.type=4\r\n"
			    "Sig[0].Name=Anwendungsname\r\n"
			    "Sig[0].Value=gärtner.exe\r\n"
			    "Sig[3].Name=Hängesignatur\r\n"
			    "Sig[3].Value=1b87\r\n"
			    "DynamicSig[1].Name=Betriebssystemversion\r\n"
			    "DynamicSig[1].Value=10.0.19045.2.0.0.256.48\r\n"
			    "DynamicSig[22].Name=Zusätzliche Hängesignatur 1\r\n"
			    "DynamicSig[22].Value=1b870c10\r\n"
			    "UI[2]=C:\\Programme\\Gärtner\\gärtner.exe\r\n"
			    "LoadedModule[0]=C:\\Programme\\Gärtner\\gärtner.exe\r\n"
			    "LoadedModule[1]=C:\\Windows\\SYSTEM32\\ntdll.dll\r\n"
			    "State[0].Key=Transport.DoneStage1\r\n"
			    "State[0].Value=1\r\n"
			    "OsInfo[0].Key=vermaj\r\n"
			    "OsInfo[0].Value=10\r\n"
			    "OsInfo[37].Key=edu\r\n"
			    "File[0].CabName=minidump.mdmp\r\n"
			    "File[0].Path=WER1234.tmp.mdmp\r\n"
			    "File[0].Flags=539033600\r\n"
			    "File[0].Type=2\r\n"
			    "File[0].Original.Path=\\\\?\\C:\\ProgramData\\WER1234.tmp.mdmp\r\n"
			    "FriendlyEventName=reagiert nicht mehr\r\n"
			    "ConsentKey=AppHangB1\r\n"
			    "AppName=Gärtner\r\n"
			    "AppPath=C:\\Programme\\Gärtner\\gärtner.exe\r\n"
			    "ReportDescription=Ein Problem 😀\r\n"
			    "ApplicationIdentity=00112233445566778899AABBCCDDEEFF\r\n"
			    "MetadataHash=-7\r\n";

/* Appends IN with bare LF. */
static void
without_cr(struct slice in, struct buf *out)
{
	for (size_t i = 0; i < in.len; i++)
		if (in.data[i] != '\r')
			buf_append_byte(out, in.data[i]);
}

static void
every_encoding_and_line_end_reads_the_same_and_writes_itself(void **state)
{
	(void)state;
	struct buf lf;
	struct buf expected;
	buf_init(&lf, FILES_BYTES_MAX);
	without_cr(slice_str(whole), &lf);
	parse(whole);
	assert_flags(0);
	buf_init(&expected, FILES_BYTES_MAX);
	assert_int_equal(wer_file_compose(&file, &expected), OK);
	for (unsigned i = 0; i < 4 * FILES_FORMS; i++) {
		struct slice lines = i % 2 == 0 ? slice_str(whole) : buf_slice(&lf);
		struct buf in;
		struct buf out;
		/* Without the end of the last line too. */
		if (i >= 2 * FILES_FORMS)
			lines.len -= i % 2 == 0 ? 2 : 1;
		buf_init(&in, FILES_BYTES_MAX);
		buf_init(&out, FILES_BYTES_MAX);
		const char *name = files_encode(lines, i / 2 % FILES_FORMS, &in);
		assert_int_equal(wer_file_parse(buf_slice(&in), &arena, &file), OK);
		wer_file_format(&file, &out);
		if (!slice_equal(buf_slice(&in), buf_slice(&out)))
			fail_msg("%s is written otherwise", name);
		buf_reset(&out);
		assert_int_equal(wer_file_compose(&file, &out), OK);
		if (!slice_equal(buf_slice(&expected), buf_slice(&out)))
			fail_msg("%s is read otherwise", name);
		buf_done(&in);
		buf_done(&out);
	}
	buf_done(&lf);
	buf_done(&expected);
}

static void
composes_what_windows_would_write(void **state)
{
	(void)state;
	struct buf windows;
	buf_init(&windows, FILES_BYTES_MAX);
	(void)files_encode(slice_str(whole), 3, &windows);
	parse(whole);
	assert_int_equal(wer_file_compose(&file, &text), OK);
	assert_true(slice_equal(buf_slice(&windows), buf_slice(&text)));
	buf_done(&windows);
}

static void
refuses_to_compose_what_would_be_another_line(void **state)
{
	(void)state;
	static const char *const ends[] = {"a\nConsent=4", "a\r", "\r\n"};
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		struct wer_item item = {.parts = {[WER_PART_VALUE] = slice_str(ends[i])}};
		struct wer_file one = {0};
		one.values[WER_APP_NAME].text = slice_str(ends[i]);
		assert_int_equal(wer_file_compose(&one, &text), ERR_UNSUPPORTED);
		struct wer_file two = {0};
		two.lists[WER_SIGNATURE].items = &item;
		two.lists[WER_SIGNATURE].n = 1;
		assert_int_equal(wer_file_compose(&two, &text), ERR_UNSUPPORTED);
	}
	struct wer_file three = {0};
	three.values[WER_APP_NAME].text = SLICE_LITERAL("a\0b");
	assert_int_equal(wer_file_compose(&three, &text), ERR_UNSUPPORTED);
	assert_int_equal(text.len, 0);
}

static void
refuses_to_compose_more_than_fits(void **state)
{
	(void)state;
	struct buf small;
	parse(whole);
	buf_init(&small, 100);
	assert_int_equal(wer_file_compose(&file, &small), ERR_LIMIT);
	buf_done(&small);
}

static void
unknown_keys_stay_where_they_were(void **state)
{
	(void)state;
	static const char in[] = "Version=1\nNewKey=\nnot a pair\n\nEventType=X\nNew[1].Key=v\n";
	struct buf json;
	parse(in);
	assert_flags(WER_FLAG_UNKNOWN);
	wer_file_format(&file, &text);
	assert_true(slice_equal_str(buf_slice(&text), in));
	FILES_JSON(wer_file_put_json, &file, &json);
	files_assert_has(&json,
			 "\"other\":[\n  {\n   \"key\":\"NewKey\",\n   \"value\":\"\"\n  },\n"
			 "  {\n   \"key\":\"not a pair\",\n   \"value\":null\n  },\n"
			 "  {\n   \"key\":\"New[1].Key\",\n   \"value\":\"v\"\n  }\n ]");
	buf_done(&json);
}

static void
broken_text_is_flagged(void **state)
{
	(void)state;
	parse("AppName=a\x80z\n");
	assert_flags(WER_FLAG_BAD_TEXT);
	assert_slice(file.values[WER_APP_NAME].text, "a\xef\xbf\xbdz");
	assert_int_equal(wer_file_parse(SLICE_LITERAL("\xff\xfe"
						      "A\0=\0\x00\xd8x\0\n\0"),
					&arena, &file),
			 OK);
	assert_flags(WER_FLAG_BAD_TEXT | WER_FLAG_UNKNOWN);
	/* Half a character at the end. */
	assert_int_equal(wer_file_parse(slice_of("\xff\xfe"
						 "A\0=\0b\0c",
						 9),
					&arena, &file),
			 OK);
	assert_flags(WER_FLAG_BAD_TEXT | WER_FLAG_UNKNOWN);
	assert_slice(file.lines[0].value, "b");
}

static void
refuses_a_report_without_event_type(void **state)
{
	(void)state;
	struct report report;
	parse("Version=1\nSig[0].Value=a\n");
	assert_int_equal(wer_file_to_report(&file, &arena, &report), ERR_CORRUPT);
	parse("Version=1\nEventType= \t\n");
	assert_int_equal(wer_file_to_report(&file, &arena, &report), ERR_CORRUPT);
}

static void
refuses_a_report_that_no_level_1_could_be(void **state)
{
	(void)state;
	static const struct {
		const char *format;
		size_t most;
	} lists[] = {
		{"Sig[%zu].Value=\n", LIMIT_PARAMS + LIMIT_EXTRA_PARAMS},
		{"DynamicSig[1%zu].Value=\n", LIMIT_SECONDARY_PARAMS},
		{"File[%zu].CabName=\n", LIMIT_FILES},
	};
	struct report report;
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		for (size_t more = 0; more < 2; more++) {
			buf_reset(&text);
			buf_append_str(&text, "EventType=X\n");
			for (size_t k = 0; k < lists[i].most + more; k++)
				buf_printf(&text, lists[i].format, k);
			assert_int_equal(wer_file_parse(buf_slice(&text), &arena, &file), OK);
			assert_int_equal(wer_file_to_report(&file, &arena, &report),
					 more == 0 ? OK : ERR_LIMIT);
		}
	}
}

static void
refuses_texts_longer_than_a_report_has(void **state)
{
	(void)state;
	static const char *const keys[] = {
		"EventType=",
		"AppName=",
		"AppPath=",
		"FriendlyEventName=",
		"ReportDescription=",
		"Sig[3].Name=",
		"Sig[3].Value=",
		"Sig[12].Value=",
		"DynamicSig[1].Value=",
		"DynamicSig[3].Name=",
		"DynamicSig[3].Value=",
		"File[0].CabName=",
	};
	struct report report;
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		size_t most = i == 0 ? LIMIT_EVENT_TYPE_BYTES : LIMIT_TEXT_BYTES;
		for (size_t more = 0; more < 2; more++) {
			buf_reset(&text);
			buf_append_str(&text, keys[i]);
			for (size_t k = 0; k < most + more; k++)
				buf_append_byte(&text, 'x');
			buf_append_str(&text, "\nEventType=X\n");
			assert_int_equal(wer_file_parse(buf_slice(&text), &arena, &file), OK);
			assert_int_equal(wer_file_to_report(&file, &arena, &report),
					 more == 0 ? OK : ERR_LIMIT);
		}
	}
}

static void
becomes_the_report_that_level_1_would_say(void **state)
{
	(void)state;
	struct report report;
	parse(whole);
	assert_int_equal(wer_file_to_report(&file, &arena, &report), OK);
	assert_true(slice_is_absent(report.machine));
	assert_true(slice_is_absent(report.user));
	assert_slice(report.event_type, "AppHangB1");
	assert_int_equal(report.report_type, REPORT_HANG);
	assert_true(report.event_filetime == 133000000000000000);
	assert_slice(report.os, "10.0.19045.2.0.0.256.48");
	assert_false(report.has_lcid);
	assert_slice(report.app_name, "Gärtner");
	assert_slice(report.app_path, "C:\\Programme\\Gärtner\\gärtner.exe");
	assert_slice(report.friendly_event_name, "reagiert nicht mehr");
	assert_slice(report.event_description, "Ein Problem 😀");
	assert_int_equal(report.n_params, 4);
	assert_true(slice_is_absent(report.params[1].value));
	assert_slice(report.params[3].value, "1b87");
	assert_int_equal(report.n_secondary, 1);
	assert_slice(report.secondary[0].name, "Zusätzliche Hängesignatur 1");
	assert_slice(report.secondary[0].value, "1b870c10");
	assert_int_equal(report.n_files, 1);
	assert_slice(report.files[0].name, "minidump.mdmp");
	assert_int_equal(report.files[0].type, 2);
	assert_int_equal(report.flags, 0);
}

static void
a_report_says_what_was_strange(void **state)
{
	(void)state;
	struct report report;
	parse("EventType=X\nSig[0].Name=only a name\nSig[12].Value=l\nDynamicSig[1].Value=eleven\n"
	      "DynamicSig[2].Value=de\nFile[0].Type=two\nFile[0].CabName=a\nFile[1].CabName=b\n"
	      "AppName=a\nAppName=\x80\n");
	assert_int_equal(wer_file_to_report(&file, &arena, &report), OK);
	assert_slice(report.params[0].value, "");
	assert_int_equal(report.n_extra_params, 1);
	assert_slice(report.extra_params[0].name, "12");
	assert_slice(report.extra_params[0].value, "l");
	assert_slice(report.os, "eleven");
	assert_false(report.has_lcid);
	assert_false(report.files[0].has_type);
	assert_slice(report.files[0].type_text, "two");
	assert_true(slice_is_absent(report.files[1].type_text));
	assert_int_equal(report.flags, REPORT_FLAG_EXTRA_PARAMS | REPORT_FLAG_BAD_OS |
					       REPORT_FLAG_BAD_NUMBER | REPORT_FLAG_BAD_TEXT |
					       REPORT_FLAG_DUPLICATE_PARAM);
}

static void
lcid_and_path_have_a_second_place(void **state)
{
	(void)state;
	struct report report;
	parse("EventType=X\nEventTime=-1\nOsInfo[6].Key=lcid\nOsInfo[6].Value=9\nUI[2]=C:\\a."
	      "exe\n");
	assert_int_equal(wer_file_to_report(&file, &arena, &report), OK);
	assert_true(report.has_lcid);
	assert_int_equal(report.lcid, 9);
	assert_slice(report.app_path, "C:\\a.exe");
	assert_false(report.has_event_time);
	parse("EventType=X\nDynamicSig[2].Value=-5\nAppPath=\nUI[2]=C:\\a.exe\n");
	assert_int_equal(wer_file_to_report(&file, &arena, &report), OK);
	assert_false(report.has_lcid);
	assert_slice(report.app_path, "");
}

static void
refuses_session_codes_of_another_form(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"",
		"000025e4-0001-0125-376b-9d822150da0",
		"000025e4-0001-0125-376b-9d822150da011",
		"000025e4-0001-0125-376b_9d822150da01",
		"g00025e4-0001-0125-376b-9d822150da01",
		"000025e4-0001-0125-376b-9d822150dag1",
		"0x0025e4-0001-0125-376b-9d822150da01",
		"000025e4-00x1-0125-376b-9d822150da01",
		"000025e4-0001-01 5-376b-9d822150da01",
	};
	struct wer_session session;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(wer_session_parse(slice_str(bad[i]), &session));
}

/* The vector of a published report. */
static void
a_session_code_has_process_and_start(void **state)
{
	(void)state;
	struct wer_session session;
	assert_true(
		wer_session_parse(SLICE_LITERAL("000025e4-0001-0125-376b-9d822150da01"), &session));
	assert_int_equal(session.process_id, 9700);
	assert_true(session.start_filetime == 133507243816348471);
}

#define SHA1_TEXT "0123456789abcdef0123456789abcdef01234567"

static void
a_target_has_the_hash_of_the_image(void **state)
{
	(void)state;
	struct wer_target target;
	assert_true(wer_target_parse(SLICE_LITERAL("W:0006aabb!0000" SHA1_TEXT "!C!lient.exe"),
				     &target));
	assert_false(target.is_package);
	assert_slice(target.program, "0006aabb");
	assert_slice(target.sha1, SHA1_TEXT);
	assert_slice(target.name, "C!lient.exe");
	assert_true(wer_target_parse(SLICE_LITERAL("U:Pack_1.0_x64__abc!App"), &target));
	assert_true(target.is_package);
	assert_slice(target.program, "Pack_1.0_x64__abc");
	assert_slice(target.name, "App");
	assert_true(slice_is_absent(target.sha1));
	assert_false(wer_target_parse(SLICE_LITERAL("X:a!b!c"), &target));
	assert_false(wer_target_parse(SLICE_LITERAL("W:a!b"), &target));
	assert_false(wer_target_parse(SLICE_LITERAL("U:a"), &target));
	assert_false(wer_target_parse(slice_of(NULL, 0), &target));
	assert_true(slice_is_absent(wer_file_id_sha1(SLICE_LITERAL("0001" SHA1_TEXT))));
	assert_true(slice_is_absent(wer_file_id_sha1(SLICE_LITERAL("0000" SHA1_TEXT "0"))));
	assert_true(slice_is_absent(
		wer_file_id_sha1(SLICE_LITERAL("0000x123456789abcdef0123456789abcdef01234567"))));
}

static void
a_target_version_has_time_and_checksum(void **state)
{
	(void)state;
	struct wer_target_version version;
	assert_true(wer_target_version_parse(SLICE_LITERAL("2015//09//11:16:37:08!1a2b!Some.exe"),
					     &version));
	assert_true(slice_is_absent(version.package_version));
	assert_true(version.link_time_us == INT64_C(1441989428) * 1000000);
	assert_int_equal(version.checksum, 0x1a2b);
	assert_slice(version.name, "Some.exe");
	assert_true(wer_target_version_parse(
		SLICE_LITERAL("1.2.7.0_x64_!2015//09//11:16:37:08!0!Some.exe"), &version));
	assert_slice(version.package_version, "1.2.7.0_x64_");
	static const char *const bad[] = {
		"",
		"Some.exe",
		"0!Some.exe",
		"2015//09//11:16:37:08!zz!Some.exe",
		"2015/09/11:16:37:08!0!Some.exe",
		"2015//13//11:16:37:08!0!Some.exe",
		"2015//09//11 16:37:08!0!Some.exe",
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(wer_target_version_parse(slice_str(bad[i]), &version));
}

static void
json_has_every_key_even_of_an_empty_report(void **state)
{
	(void)state;
	static const char *const keys[] = {
#define KEY_(code, key, json, kind) "\"" json "\":",
		WER_KEYS(KEY_)
#undef KEY_
	};
	struct buf json;
	parse("a=b");
	FILES_JSON(wer_file_put_json, &file, &json);
	for (size_t i = 0; i < WER_KEY_N; i++)
		files_assert_has(&json, keys[i]);
	files_assert_has(&json, "\"process\":null");
	buf_done(&json);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		TEST(refuses_what_is_empty),
		TEST(refuses_a_text_without_any_pair),
		TEST(refuses_more_bytes_than_the_limit),
		TEST(refuses_more_lines_than_the_limit),
		TEST(refuses_what_does_not_fit_its_arena),
		TEST(indexes_in_any_order_are_found),
		TEST(keys_that_are_nearly_known_stay_lines),
		TEST(the_first_of_two_counts_and_the_second_is_kept),
		TEST(numbers_are_numbers_or_flagged),
		TEST(splits_at_the_first_equals_sign_and_unquotes_nothing),
		TEST(keys_fold_but_values_do_not),
		TEST(gaps_and_missing_parts_stay_gaps),
		TEST(names_in_any_script_are_never_asked),
		TEST(every_encoding_and_line_end_reads_the_same_and_writes_itself),
		TEST(composes_what_windows_would_write),
		TEST(refuses_to_compose_what_would_be_another_line),
		TEST(refuses_to_compose_more_than_fits),
		TEST(unknown_keys_stay_where_they_were),
		TEST(broken_text_is_flagged),
		TEST(refuses_a_report_without_event_type),
		TEST(refuses_a_report_that_no_level_1_could_be),
		TEST(refuses_texts_longer_than_a_report_has),
		TEST(becomes_the_report_that_level_1_would_say),
		TEST(a_report_says_what_was_strange),
		TEST(lcid_and_path_have_a_second_place),
		TEST(refuses_session_codes_of_another_form),
		TEST(a_session_code_has_process_and_start),
		TEST(a_target_has_the_hash_of_the_image),
		TEST(a_target_version_has_time_and_checksum),
		TEST(json_has_every_key_even_of_an_empty_report),
#undef TEST
	};
	return cmocka_run_group_tests_name("report_wer_file", tests, NULL, NULL);
}
