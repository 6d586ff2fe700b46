/* Golden cases, one folder each: tests/golden/report_files/CASE/{FILE, out.json, why}.
 *
 * FILE has the name that Windows gives it, UTF-8 and LF.  It is read in each encoding, with LF and
 * with CRLF; out.json is what is read, without the lines that say the encoding.  A case's name as
 * the argument runs it alone.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "report/file_content.h"
#include "report_files.h"

enum {
	CASES_MAX = 128
};

static char names[CASES_MAX][128];

/* Appends JSON without the lines of encoding and byte order mark. */
static void
without_form(struct slice json, struct buf *out)
{
	struct slice line;
	while (text_file_line(&json, &line)) {
		struct slice key = slice_trim(line);
		if (slice_starts_with(key, SLICE_LITERAL("\"encoding\":")) ||
		    slice_starts_with(key, SLICE_LITERAL("\"has_byte_order_mark\":")))
			continue;
		buf_append(out, line);
		buf_append_byte(out, '\n');
	}
}

static void
print(const char *name, struct slice bytes, struct buf *out)
{
	struct xml_parser *parser = xml_parser_new();
	struct arena arena;
	struct file_content content;
	struct buf json;
	arena_init(&arena, LIMIT_TEXT_FILE_ARENA_BYTES);
	file_content_parse(parser, slice_str(name), bytes, &arena, &content);
	FILES_JSON(file_content_put_json, &content, &json);
	without_form(buf_slice(&json), out);
	buf_done(&json);
	arena_done(&arena);
	xml_parser_free(parser);
}

static void
with_cr(struct slice in, struct buf *out)
{
	for (size_t i = 0; i < in.len; i++) {
		if (in.data[i] == '\n')
			buf_append_byte(out, '\r');
		buf_append_byte(out, in.data[i]);
	}
}

static void
expect_each_form(const char *name, struct slice utf8, struct slice expected)
{
	for (unsigned form = 0; form < FILES_FORMS; form++) {
		struct buf bytes;
		struct buf got;
		buf_init(&bytes, FILES_BYTES_MAX);
		buf_init(&got, FILES_BYTES_MAX);
		const char *encoding = files_encode(utf8, form, &bytes);
		print(name, buf_slice(&bytes), &got);
		if (!slice_equal(buf_slice(&got), expected))
			fail_msg("%s in %s:\n%.*s", name, encoding, SLICE_ARGS(buf_slice(&got)));
		buf_done(&bytes);
		buf_done(&got);
	}
}

/* The file of the case that is neither of ours. */
static void
find_input(const char *folder, char name[128])
{
	DIR *dir = opendir(folder);
	size_t count = 0;
	assert_non_null(dir);
	for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
		if (entry->d_name[0] == '.' || strcmp(entry->d_name, "out.json") == 0 ||
		    strcmp(entry->d_name, "why") == 0)
			continue;
		(void)snprintf(name, 128, "%.127s", entry->d_name);
		count++;
	}
	(void)closedir(dir);
	assert_int_equal(count, 1);
}

/* STATE is the case's name. */
static void
golden(void **state)
{
	char folder[FILES_PATH_BYTES];
	char name[128];
	struct buf in;
	struct buf crlf;
	struct buf out;
	struct buf why;
	(void)snprintf(folder, sizeof(folder), "%s/tests/golden/report_files/%s", files_source(),
		       (const char *)*state);
	find_input(folder, name);
	assert_true(files_read(folder, name, &in));
	assert_true(files_read(folder, "out.json", &out));
	assert_true(files_read(folder, "why", &why));
	assert_true(why.len > 0);
	buf_init(&crlf, FILES_BYTES_MAX);
	with_cr(buf_slice(&in), &crlf);
	expect_each_form(name, buf_slice(&in), buf_slice(&out));
	expect_each_form(name, buf_slice(&crlf), buf_slice(&out));
	buf_done(&in);
	buf_done(&crlf);
	buf_done(&out);
	buf_done(&why);
}

int
main(int argc, char **argv)
{
	static struct CMUnitTest tests[CASES_MAX];
	char folder[FILES_PATH_BYTES];
	size_t count = 0;
	(void)snprintf(folder, sizeof(folder), "%s/tests/golden/report_files", files_source());
	DIR *dir = opendir(folder);
	for (struct dirent *entry; dir != NULL && (entry = readdir(dir)) != NULL;) {
		if (entry->d_name[0] == '.' || count == CASES_MAX)
			continue;
		(void)snprintf(names[count], sizeof(names[count]), "%.127s", entry->d_name);
		tests[count] = (struct CMUnitTest){
			.name = names[count],
			.test_func = golden,
			.initial_state = names[count],
		};
		count++;
	}
	if (dir != NULL)
		(void)closedir(dir);
	if (count == 0) {
		print_error("no golden cases below %s\n", files_source());
		return 1;
	}
	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return _cmocka_run_group_tests("report_files_golden", tests, count, NULL, NULL);
}
