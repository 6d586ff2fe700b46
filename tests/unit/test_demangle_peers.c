/* What we make readable against what others do, where they are installed: c++filt over the names
 * of libstdc++, llvm-undname over our golden ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "base/fs.h"
#include "symbols/demangle.h"

enum {
	TEXT_BYTES_MAX = 64 * 1024 * 1024
};

/* What COMMAND prints; false: it is not there, or fails. */
static bool
output_of(const char *command, struct buf *out)
{
	char chunk[4096];
	size_t got;
	buf_init(out, TEXT_BYTES_MAX);
	FILE *pipe = popen(command, "r");
	if (pipe == NULL)
		return false;
	while ((got = fread(chunk, 1, sizeof(chunk), pipe)) > 0)
		buf_append(out, slice_of(chunk, got));
	return pclose(pipe) == 0 && out->len > 0;
}

/* Without blanks between angle brackets: some write them there and some do not. */
static void
append_plain(struct slice text, struct buf *out)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.data[i] != ' ' || i + 1 == text.len || text.data[i + 1] != '>')
			buf_append_byte(out, text.data[i]);
}

static bool
is_equal_but_for_blanks(struct slice a, struct slice b)
{
	struct buf left;
	struct buf right;
	buf_init(&left, TEXT_BYTES_MAX);
	buf_init(&right, TEXT_BYTES_MAX);
	append_plain(a, &left);
	append_plain(b, &right);
	bool is_equal = slice_equal(buf_slice(&left), buf_slice(&right));
	buf_done(&left);
	buf_done(&right);
	return is_equal;
}

struct score {
	size_t n;
	size_t n_equal;
};

static void
compare(struct slice name, struct slice theirs, struct score *score)
{
	struct buf ours;
	buf_init(&ours, TEXT_BYTES_MAX);
	if (!demangle_as(name, DEMANGLE_FULL, &ours))
		buf_append(&ours, name);
	score->n++;
	if (is_equal_but_for_blanks(buf_slice(&ours), theirs))
		score->n_equal++;
	else if (score->n - score->n_equal <= 10)
		(void)printf("%.*s\n  ours   %.*s\n  theirs %.*s\n", SLICE_ARGS(name),
			     SLICE_ARGS(buf_slice(&ours)), SLICE_ARGS(theirs));
	buf_done(&ours);
}

#define NAMES                                                                                      \
	"set -e; lib=$(gcc -print-file-name=libstdc++.so.6 2>/dev/null); "                         \
	"names() { nm -D --defined-only \"$lib\" | awk '{print $3}' | sed 's/@.*//' | "            \
	"grep '^_Z' | sort -u; }; "

static void
agrees_with_cxxfilt_on_a_library(void **state)
{
	struct score score = {0};
	struct slice name;
	struct slice theirs;
	struct buf names;
	struct buf readable;
	(void)state;
	bool is_there = output_of(NAMES "names", &names);
	is_there = output_of(NAMES "names | c++filt -i", &readable) && is_there;
	struct slice rest = buf_slice(&names);
	struct slice rest_readable = buf_slice(&readable);
	while (is_there && slice_cut(rest, '\n', &name, &rest)) {
		assert_true(slice_cut(rest_readable, '\n', &theirs, &rest_readable));
		compare(name, theirs, &score);
	}
	buf_done(&names);
	buf_done(&readable);
	if (score.n == 0) {
		(void)printf("skip: c++filt (not installed)\n");
		return;
	}
	(void)printf("%zu of %zu as c++filt\n", score.n_equal, score.n);
	assert_true(score.n_equal * 1000 >= score.n * 999);
}

/* The golden names that llvm-undname reads; it prints each name, what it reads as, and a blank
 * line, and nothing for what it cannot read. */
static void
agrees_with_llvm_undname(void **state)
{
	struct score score = {0};
	struct slice name;
	struct slice theirs;
	struct buf readable;
	char command[4096];
	const char *source = getenv("OPENWER_SOURCE");
	(void)state;
	(void)snprintf(command, sizeof(command),
		       "command -v llvm-undname-14 >/dev/null && cut -f1 "
		       "'%s/tests/golden/demangle/msvc.txt' | llvm-undname-14 2>/dev/null || true",
		       source == NULL ? "." : source);
	(void)output_of(command, &readable);
	struct slice rest = buf_slice(&readable);
	while (slice_cut(rest, '\n', &name, &rest) && slice_cut(rest, '\n', &theirs, &rest)) {
		if (theirs.len == 0)
			continue;
		/* The text of a string is no name. */
		if (!slice_starts_with(name, SLICE_LITERAL("??_C")))
			compare(name, theirs, &score);
		(void)slice_cut(rest, '\n', &theirs, &rest);
	}
	buf_done(&readable);
	if (score.n == 0) {
		(void)printf("skip: llvm-undname-14 (not installed)\n");
		return;
	}
	(void)printf("%zu of %zu as llvm-undname\n", score.n_equal, score.n);
	/* It writes no blank before what it says of a type, and calls a namespace without a name by
	 * its number when it refers back to it. */
	assert_true(score.n - score.n_equal <= 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(agrees_with_cxxfilt_on_a_library),
		cmocka_unit_test(agrees_with_llvm_undname),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
