/* Golden cases, one folder each: tests/golden/{level1,reply}/CASE/{in.*, out.txt, why}.
 *
 * in.xml is UTF-8 text, run in each encoding that clients may send.  in.escaped is bytes as they
 * come, with \xHH for what text cannot show and \\ for a backslash.  out.txt is what is read.
 * A case's name as the argument runs it alone.
 * The exchanges of the corpora ms-cer-spec and python-wer are read too, where they are present.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fs.h"
#include "cer/level1.h"
#include "cer/reply.h"
#include "report_lines.h"

enum {
	CASES_MAX = 256,
	FILE_BYTES_MAX = 4 * 1024 * 1024,
	PATH_BYTES = 4096
};

static char names[CASES_MAX][128];

static const char *
source(void)
{
	const char *folder = getenv("OPENWER_SOURCE");
	return folder == NULL ? "." : folder;
}

/* Reads FOLDER/NAME; false when there is no such file. */
static bool
read_file(const char *folder, const char *name, struct buf *out)
{
	char path[PATH_BYTES];
	struct err_detail detail;
	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	buf_init(out, FILE_BYTES_MAX);
	if (access(path, R_OK) != 0)
		return false;
	if (fs_read_file(path, FILE_BYTES_MAX, out, &detail) != OK)
		fail_msg("%s", detail.why);
	return true;
}

static void
unescape(struct slice in, struct buf *out)
{
	for (size_t i = 0; i < in.len; i++) {
		uint64_t byte = in.data[i];
		if (byte == '\\' && i + 1 < in.len && in.data[i + 1] == '\\') {
			i++;
		} else if (byte == '\\') {
			assert_true(slice_hex_to_u64(slice_sub(in, i + 2, 2), &byte));
			i += 3;
		}
		buf_append_byte(out, (uint8_t)byte);
	}
}

static void
print_level1(struct slice body, struct buf *out)
{
	struct level1_parser *parser = level1_parser_new();
	struct arena arena;
	struct report report;
	struct level1_error error;
	char flags[256];
	arena_init(&arena, LIMIT_REPORT_ARENA_BYTES);
	if (level1_parse(parser, body, &arena, &report, &error) == OK) {
		report_lines_facts(&report, out);
		if (report.flags != 0)
			buf_printf(out, "flags %s\n", report_flags_text(report.flags, flags));
	} else {
		buf_printf(out, "refused %s\n", level1_reason_name(error.reason));
	}
	arena_done(&arena);
	level1_parser_free(parser);
}

static void
print_reply(struct slice text, struct buf *out)
{
	struct arena arena;
	struct reply reply;
	arena_init(&arena, LIMIT_REPORT_ARENA_BYTES);
	assert_int_equal(reply_parse(text, &arena, &reply), OK);
	if (reply.has_idata)
		buf_printf(out, "idata %d\n", reply.idata);
	if (reply.has_bucket)
		buf_printf(out, "bucket %" PRId64 "\n", reply.bucket);
	if (reply.has_bucket_table)
		buf_printf(out, "bucket_table %" PRId64 "\n", reply.bucket_table);
	report_lines_text("dump_server", reply.dump_server, out);
	report_lines_text("dump_file", reply.dump_file, out);
	report_lines_text("response", reply.response, out);
	if (reply.has_memory_dump)
		buf_printf(out, "memory_dump %d\n", reply.memory_dump);
	report_lines_text("reg_key", reply.reg_key, out);
	report_lines_text("reg_tree", reply.reg_tree, out);
	report_lines_text("wql", reply.wql, out);
	report_lines_text("get_file", reply.get_file, out);
	report_lines_text("get_file_version", reply.get_file_version, out);
	if (reply.has_fdoc)
		buf_printf(out, "fdoc %d\n", reply.fdoc);
	if (reply.has_module_info)
		buf_printf(out, "module_info %d\n", reply.module_info);
	report_lines_text("response_server", reply.response_server, out);
	report_lines_text("response_url", reply.response_url, out);
	if (reply.n_unknown > 0)
		buf_printf(out, "unknown_lines %zu\n", reply.n_unknown);
	if (reply.n_refused > 0)
		buf_printf(out, "refused_lines %zu\n", reply.n_refused);
	arena_done(&arena);
}

static void
expect(void (*print)(struct slice in, struct buf *out), struct slice in, struct slice expected,
       const char *form)
{
	struct buf printed;
	buf_init(&printed, FILE_BYTES_MAX);
	print(in, &printed);
	if (!slice_equal(buf_slice(&printed), expected))
		fail_msg("%s: expected\n%.*sbut got\n%.*s", form, SLICE_ARGS(expected),
			 SLICE_ARGS(buf_slice(&printed)));
	buf_done(&printed);
}

/* TEXT in UTF-8 and both byte orders of UTF-16, each with and without its byte order mark. */
static void
expect_in_each_encoding(struct slice text, struct slice expected)
{
	static const struct {
		const char *name;
		enum text_encoding encoding;
		const char *mark;
	} forms[] = {
		{"UTF-8", TEXT_UTF8, ""},
		{"UTF-8 with byte order mark", TEXT_UTF8, "\xef\xbb\xbf"},
		{"UTF-16LE", TEXT_UTF16LE, ""},
		{"UTF-16LE with byte order mark", TEXT_UTF16LE, "\xff\xfe"},
		{"UTF-16BE", TEXT_UTF16BE, ""},
		{"UTF-16BE with byte order mark", TEXT_UTF16BE, "\xfe\xff"},
	};
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		struct buf body;
		buf_init(&body, FILE_BYTES_MAX);
		buf_append_str(&body, forms[i].mark);
		if (forms[i].encoding == TEXT_UTF8)
			buf_append(&body, text);
		else
			text_to_utf16(text, forms[i].encoding, &body);
		expect(print_level1, buf_slice(&body), expected, forms[i].name);
		buf_done(&body);
	}
}

/* What was read is written, and read again: equal, but for texts that are cut and for optional
 * ones that were sent empty. */
static void
expect_round_trip(struct slice body)
{
	struct level1_parser *parser = level1_parser_new();
	struct arena arena;
	struct report report;
	struct level1_error error;
	arena_init(&arena, LIMIT_REPORT_ARENA_BYTES);
	err_t err = level1_parse(parser, body, &arena, &report, &error);
	for (unsigned encoding = 0; err == OK && encoding < TEXT_ENCODING_N; encoding++) {
		struct report again;
		struct buf written;
		struct buf lines;
		struct buf lines_again;
		if ((report.flags & REPORT_FLAG_LONG_TEXT) != 0)
			break;
		buf_init(&written, FILE_BYTES_MAX);
		buf_init(&lines, FILE_BYTES_MAX);
		buf_init(&lines_again, FILE_BYTES_MAX);
		level1_format(&report, encoding, &written);
		assert_int_equal(level1_parse(parser, buf_slice(&written), &arena, &again, &error),
				 OK);
		report_lines_facts(&report, &lines);
		report_lines_facts(&again, &lines_again);
		if (!slice_equal(buf_slice(&lines), buf_slice(&lines_again)))
			fail_msg("written as\n%.*sread as\n%.*s", SLICE_ARGS(buf_slice(&written)),
				 SLICE_ARGS(buf_slice(&lines_again)));
		buf_done(&written);
		buf_done(&lines);
		buf_done(&lines_again);
	}
	arena_done(&arena);
	level1_parser_free(parser);
}

/* STATE is the case's folder below tests/golden. */
static void
golden(void **state)
{
	char folder[PATH_BYTES];
	struct buf in;
	struct buf out;
	struct buf why;
	struct buf bytes;
	(void)snprintf(folder, sizeof(folder), "%s/tests/golden/%s", source(),
		       (const char *)*state);
	assert_true(read_file(folder, "out.txt", &out));
	assert_true(read_file(folder, "why", &why));
	assert_true(why.len > 0);
	if (read_file(folder, "in.xml", &in)) {
		expect_in_each_encoding(buf_slice(&in), buf_slice(&out));
		expect_round_trip(buf_slice(&in));
	} else {
		assert_true(read_file(folder, "in.escaped", &in));
		buf_init(&bytes, FILE_BYTES_MAX);
		unescape(buf_slice(&in), &bytes);
		bool is_reply = strncmp(*state, "reply/", 6) == 0;
		expect(is_reply ? print_reply : print_level1, buf_slice(&bytes), buf_slice(&out),
		       "as it came");
		buf_done(&bytes);
	}
	buf_done(&in);
	buf_done(&out);
	buf_done(&why);
}

static size_t
list_cases(const char *kind, struct CMUnitTest *tests, size_t count)
{
	char folder[PATH_BYTES];
	(void)snprintf(folder, sizeof(folder), "%s/tests/golden/%s", source(), kind);
	DIR *dir = opendir(folder);
	if (dir == NULL)
		return count;
	for (struct dirent *entry; (entry = readdir(dir)) != NULL && count < CASES_MAX;) {
		if (entry->d_name[0] == '.')
			continue;
		(void)snprintf(names[count], sizeof(names[count]), "%s/%.100s", kind,
			       entry->d_name);
		tests[count] = (struct CMUnitTest){
			.name = names[count],
			.test_func = golden,
			.initial_state = names[count],
		};
		count++;
	}
	(void)closedir(dir);
	return count;
}

/* The corpora: real exchanges that are not ours to keep here. */

static bool
find_corpus(const char *name, char path[PATH_BYTES])
{
	const char *corpora = getenv("OPENWER_CORPORA");
	if (corpora != NULL)
		(void)snprintf(path, PATH_BYTES, "%s/%s", corpora, name);
	else
		(void)snprintf(path, PATH_BYTES, "%s/../shared/corpora/%s", source(), name);
	if (access(path, R_OK) == 0)
		return true;
	print_message("skip: %s (no corpora)\n", name);
	return false;
}

static void
corpus_lines(const char *folder, const char *name, struct buf *lines)
{
	struct buf body;
	if (!read_file(folder, name, &body))
		fail_msg("%s/%s is not there", folder, name);
	buf_init(lines, FILE_BYTES_MAX);
	print_level1(buf_slice(&body), lines);
	buf_done(&body);
}

static void
assert_has(const struct buf *lines, const char *line)
{
	struct slice rest = buf_slice(lines);
	struct slice first;
	while (slice_cut(rest, '\n', &first, &rest))
		if (slice_equal_str(first, line))
			return;
	fail_msg("no line %s in\n%.*s", line, SLICE_ARGS(buf_slice(lines)));
}

static void
assert_same_report(const char *folder_a, const char *a, const char *folder_b, const char *b)
{
	struct buf lines_a;
	struct buf lines_b;
	corpus_lines(folder_a, a, &lines_a);
	corpus_lines(folder_b, b, &lines_b);
	if (!slice_equal(buf_slice(&lines_a), buf_slice(&lines_b)))
		fail_msg("%s:\n%.*s%s:\n%.*s", a, SLICE_ARGS(buf_slice(&lines_a)), b,
			 SLICE_ARGS(buf_slice(&lines_b)));
	buf_done(&lines_a);
	buf_done(&lines_b);
}

static void
reads_the_reports_of_the_specification(void **state)
{
	static const char *const facts[4][6] = {
		{"event_type \"APPCRASH\"", "report_type 2", "event_time 128496925196486378",
		 "param 6 \"c0000005\" name \"Exception Code\"", "file \"Version.txt\" type 5",
		 "os \"6.1.6561.2.0.0.256.1\""},
		{"event_type \"APPCRASH\"", "app_name \"WER GPF Test Utility\"",
		 "app_path \"E:\\\\tools\\\\GPFMe.exe\"", "user \"Username\"", "lcid 1033",
		 "machine \"client-machine.corp.cliendomain.com\""},
		{"event_type \"BlueScreen\"", "report_type 4", "event_time 128496996179046077",
		 "secondary \"BCCode\" \"f4\"", "secondary \"Product\" \"256_1\"",
		 "file \"Mini031108-01.dmp\" type 2"},
		{"event_type \"MikeTest\"", "report_type 1", "event_time 128497001160460289",
		 "param 0 \"1000\" name \"Problem Signature 01\"",
		 "param 2 \"3000\" name \"Problem Signature 03\"",
		 "friendly_event_name \"MikeTest\""},
	};
	char folder[PATH_BYTES];
	(void)state;
	if (!find_corpus("ms-cer-spec", folder))
		return;
	for (size_t i = 0; i < 4; i++) {
		char utf16[64];
		char utf8[64];
		struct buf lines;
		(void)snprintf(utf16, sizeof(utf16), "cer2_4_%zu_level1.utf16le.xml", i + 1);
		(void)snprintf(utf8, sizeof(utf8), "cer2_4_%zu_level1.utf8.xml", i + 1);
		assert_same_report(folder, utf16, folder, utf8);
		corpus_lines(folder, utf16, &lines);
		for (size_t k = 0; k < 6; k++)
			assert_has(&lines, facts[i][k]);
		buf_done(&lines);
	}
}

static void
reads_the_same_reports_in_other_spellings(void **state)
{
	char spec[PATH_BYTES];
	char python[PATH_BYTES];
	(void)state;
	if (!find_corpus("ms-cer-spec", spec) ||
	    !find_corpus("python-wer/tests/data/examples", python))
		return;
	assert_same_report(python, "001.wer", spec, "cer2_4_1_level1.utf16le.xml");
	assert_same_report(python, "002.wer", spec, "cer2_4_3_level1.utf16le.xml");
}

static void
refuses_messages_of_another_protocol(void **state)
{
	char folder[PATH_BYTES];
	struct buf lines;
	(void)state;
	if (!find_corpus("ms-cer-spec", folder))
		return;
	corpus_lines(folder, "tpxs_example_1.xml", &lines);
	assert_has(&lines, "refused not_werreport");
	buf_done(&lines);
}

static void
reads_the_replies_of_the_specification(void **state)
{
	static const char *const facts[4][6] = {
		{"bucket 500", "bucket_table 5", "idata 1",
		 "response \"http://oca.microsoft.com/resredir.aspx?SID=32\"",
		 "wql \"SELECT Family FROM Win32_Processor\"", NULL},
		{"bucket 500", "bucket_table 5", NULL, NULL, NULL, NULL},
		{"bucket 501", "bucket_table 5", "idata 1",
		 ("dump_file \"\\\\PersistedCabs\\\\Blue\\\\c2428d43-b50a-4622-9d55-cce4602834b3"
		  ".cab\""),
		 NULL, NULL},
		{"bucket 502", "idata 1",
		 ("dump_file \"\\\\PersistedCabs\\\\Generic\\\\MikeTest\\\\1000\\\\2000\\\\3000\\\\"
		  "41ed848b-30fe-4db5-92e9-7745d2ceb2b8\""),
		 NULL, NULL, NULL},
	};
	char folder[PATH_BYTES];
	(void)state;
	if (!find_corpus("ms-cer-spec", folder))
		return;
	for (size_t i = 0; i < 4; i++) {
		char name[64];
		struct buf text;
		struct buf lines;
		(void)snprintf(name, sizeof(name), "cer2_4_%zu_response_verbatim.txt", i + 1);
		assert_true(read_file(folder, name, &text));
		buf_init(&lines, FILE_BYTES_MAX);
		print_reply(buf_slice(&text), &lines);
		for (size_t k = 0; k < 6 && facts[i][k] != NULL; k++)
			assert_has(&lines, facts[i][k]);
		buf_done(&lines);
		buf_done(&text);
	}
}

int
main(int argc, char **argv)
{
	static struct CMUnitTest tests[CASES_MAX] = {
		cmocka_unit_test(reads_the_reports_of_the_specification),
		cmocka_unit_test(reads_the_same_reports_in_other_spellings),
		cmocka_unit_test(refuses_messages_of_another_protocol),
		cmocka_unit_test(reads_the_replies_of_the_specification),
	};
	size_t corpora = 4;
	size_t count = list_cases("level1", tests, corpora);
	count = list_cases("reply", tests, count);
	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	if (count == corpora) {
		print_error("no golden cases below %s\n", source());
		return 1;
	}
	return _cmocka_run_group_tests("cer_golden", tests, count, NULL, NULL);
}
