/* Golden explanations: tests/golden/class/CASE.in, lines of tests/support/crash_lines.h, and
 * CASE.out, what signature_explain says.  A new case is two files.  With OPENWER_GOLDEN_WRITE=1 the
 * .out files are written instead of compared: look at every line of the difference.  Numbers of
 * lines in lists are N there, so that a list can grow. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>

#include "bucket/signature.h"
#include "crash_lines.h"
#include "source_file.h"

enum {
	CASES_LEAST = 32,
	ARENA_BYTES = 16 << 20,
	TEXT_BYTES_MAX = 4 << 20,
	PATH_BYTES = 1024
};

static void
explain(const struct frame_lists *lists, const char *lines, struct buf *out)
{
	static struct bucket_frame frames[CRASH_LINES_FRAMES_MAX];
	struct bucket_crash crash;
	struct signature signature;
	struct arena arena;
	arena_init(&arena, ARENA_BYTES);
	crash_lines_parse(slice_str(lines), frames, &crash);
	assert_int_equal(signature_make(lists, &crash, &arena, &signature), OK);
	signature_explain(&signature, out);
	arena_done(&arena);
}

/* "causes.txt:12" becomes "causes.txt:N". */
static void
hide_line_numbers(struct buf *text)
{
	static const char mark[] = ".txt:";
	size_t to = 0;
	for (size_t from = 0; from < text->len;) {
		bool is_number = slice_ends_with(slice_of(text->data, to), slice_str(mark));
		text->data[to++] = is_number ? 'N' : text->data[from];
		from++;
		while (is_number && from < text->len && text->data[from] >= '0' &&
		       text->data[from] <= '9')
			from++;
	}
	text->len = to;
}

static void
write_golden(const char *name, struct slice text)
{
	char path[2 * PATH_BYTES];
	const char *source = getenv("OPENWER_SOURCE");
	(void)snprintf(path, sizeof(path), "%s/%s", source == NULL ? "." : source, name);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(text.data, 1, text.len, file), text.len);
	assert_int_equal(fclose(file), 0);
}

static void
check_case(const struct frame_lists *lists, const char *name, size_t name_len)
{
	char path[PATH_BYTES];
	struct buf out;
	buf_init(&out, TEXT_BYTES_MAX);
	(void)snprintf(path, sizeof(path), "tests/golden/class/%.*s.in", (int)name_len, name);
	char *lines = read_source_file(path);
	explain(lists, lines, &out);
	hide_line_numbers(&out);
	(void)snprintf(path, sizeof(path), "tests/golden/class/%.*s.out", (int)name_len, name);
	if (getenv("OPENWER_GOLDEN_WRITE") != NULL)
		write_golden(path, buf_slice(&out));
	char *wanted = read_source_file(path);
	buf_append_byte(&out, 0);
	if (strcmp((const char *)out.data, wanted) != 0)
		fail_msg("%s\nwanted:\n%s\ngot:\n%s", path, wanted, (const char *)out.data);
	free(wanted);
	free(lines);
	buf_done(&out);
}

static void
explains_each_case_as_it_is_written(void **state)
{
	(void)state;
	char path[PATH_BYTES];
	size_t n_cases = 0;
	const char *source = getenv("OPENWER_SOURCE");
	(void)snprintf(path, sizeof(path), "%s/tests/golden/class", source == NULL ? "." : source);
	DIR *folder = opendir(path);
	assert_non_null(folder);
	struct frame_lists *lists = frame_lists_new();
	for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
		size_t len = strlen(entry->d_name);
		if (len < 4 || strcmp(entry->d_name + len - 3, ".in") != 0)
			continue;
		check_case(lists, entry->d_name, len - 3);
		n_cases++;
	}
	(void)closedir(folder);
	frame_lists_free(lists);
	assert_true(n_cases >= CASES_LEAST);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(explains_each_case_as_it_is_written),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
