/* Real symbol files: counts against what their lines say, round trips, refusals, CFI rows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ftw.h>

#include "symbol_corpora.h"
#include "symbols/breakpad.h"
#include "symbols/cfi.h"

static struct symbols *
open_buf(const struct buf *text, const char *name)
{
	struct symbols *symbols = NULL;
	struct err_detail detail = {.why = ""};
	if (breakpad_open(buf_slice(text), &symbols, &detail) != OK)
		fail_msg("%s: %s", name, detail.why);
	return symbols;
}

/* Lines that begin with WORDS, as `grep -c ^` counts them. */
static size_t
count_lines(struct slice text, const char *words)
{
	struct slice line;
	size_t n = 0;
	while (breakpad_take_line(&text, &line))
		n += slice_starts_with(line, slice_str(words));
	return n;
}

static void
assert_counts(const struct symbols *symbols, struct slice text)
{
	static const struct {
		const char *words;
		enum breakpad_kind kinds[2];
	} rows[] = {
		{"FUNC ", {BREAKPAD_FUNC}},
		{"PUBLIC ", {BREAKPAD_PUBLIC}},
		{"FILE ", {BREAKPAD_FILE}},
		{"INLINE ", {BREAKPAD_INLINE}},
		{"INLINE_ORIGIN ", {BREAKPAD_INLINE_ORIGIN}},
		{"STACK WIN ", {BREAKPAD_WIN}},
		{"STACK CFI ", {BREAKPAD_CFI, BREAKPAD_CFI_INIT}},
		{"STACK CFI INIT ", {BREAKPAD_CFI_INIT}},
	};
	size_t counts[BREAKPAD_KIND_N];
	breakpad_count(symbols, counts);
	counts[0] = 0;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(counts[rows[i].kinds[0]] + counts[rows[i].kinds[1]],
				 count_lines(text, rows[i].words));
}

/* Parse, write, parse: the second writing must be the first. */
static void
assert_round_trip(const struct symbols *symbols, const char *name)
{
	struct buf first;
	struct buf second;
	buf_init(&first, SYMBOL_CORPORA_FILE_BYTES);
	buf_init(&second, SYMBOL_CORPORA_FILE_BYTES);
	if (breakpad_format(symbols, &first) != OK)
		fail_msg("%s cannot be written", name);
	struct symbols *again = open_buf(&first, name);
	size_t counts[BREAKPAD_KIND_N];
	size_t counts_again[BREAKPAD_KIND_N];
	breakpad_count(symbols, counts);
	breakpad_count(again, counts_again);
	assert_memory_equal(counts, counts_again, sizeof(counts));
	assert_int_equal(breakpad_format(again, &second), OK);
	assert_true(slice_equal(buf_slice(&first), buf_slice(&second)));
	symbols_free(again);
	buf_done(&first);
	buf_done(&second);
}

/* Every function and public name is found at its own address, and every line record that begins a
 * place of its own gives its line. */
static size_t
assert_all_found(const struct symbols *symbols, struct slice text)
{
	struct breakpad_record record;
	struct symbol symbol;
	struct slice line;
	const char *why;
	size_t n = 0;
	while (breakpad_take_line(&text, &line)) {
		assert_int_equal(breakpad_record_parse(line, &record, &why), OK);
		bool is_function = record.kind == BREAKPAD_FUNC && record.bytes > 0;
		if (!is_function && (record.kind != BREAKPAD_LINE || record.bytes == 0))
			continue;
		assert_int_equal(symbols_find(symbols, record.rva, &symbol), OK);
		n++;
		if (is_function)
			assert_int_equal(symbol.function_rva, record.rva);
	}
	return n;
}

static size_t n_files;

static int
try_file(const char *path, const struct stat *st, int kind, struct FTW *where)
{
	struct err_detail detail = {.why = ""};
	struct buf text;
	(void)st;
	(void)where;
	if (kind != FTW_F || !slice_ends_with(slice_str(path), SLICE_LITERAL(".sym")))
		return 0;
	assert_int_equal(fs_read_file(path, SYMBOL_CORPORA_FILE_BYTES, &text, &detail), OK);
	struct symbols *symbols = open_buf(&text, path);
	assert_counts(symbols, buf_slice(&text));
	assert_round_trip(symbols, path);
	size_t n = assert_all_found(symbols, buf_slice(&text));
	(void)printf("%s: %zu functions and lines found\n", strrchr(path, '/') + 1, n);
	symbols_free(symbols);
	buf_done(&text);
	n_files++;
	return 0;
}

static void
reads_and_writes_every_symbol_file(void **state)
{
	static const char *const folders[] = {"breakpad", "rust-minidump", "symbolic"};
	char path[CORPORA_PATH_BYTES];
	(void)state;
	n_files = 0;
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
		(void)nftw(corpora_place(folders[i], path), try_file, 16, FTW_PHYS);
	if (n_files == 0)
		(void)printf("skip: symbol files (no corpora)\n");
	else
		(void)printf("%zu files\n", n_files);
}

static void
reads_the_modules_that_are_good(void **state)
{
	static const char *const names[] = {"breakpad/module0.out", "breakpad/module1.out",
					    "breakpad/module2.out"};
	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct buf text;
		if (!symbol_corpora_read(names[i], &text))
			continue;
		struct symbols *symbols = open_buf(&text, names[i]);
		assert_counts(symbols, buf_slice(&text));
		assert_round_trip(symbols, names[i]);
		symbols_free(symbols);
		buf_done(&text);
	}
}

static void
refuses_the_modules_that_are_bad(void **state)
{
	static const struct {
		const char *name;
		const char *why;
	} rows[] = {{"breakpad/module3_bad.out", "line 3: "},
		    {"breakpad/module4_bad.out", "line 4: "}};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct err_detail detail = {.why = ""};
		struct symbols *symbols;
		struct buf text;
		if (!symbol_corpora_read(rows[i].name, &text))
			continue;
		assert_int_equal(breakpad_open(buf_slice(&text), &symbols, &detail), ERR_CORRUPT);
		assert_non_null(strstr(detail.why, rows[i].why));
		buf_done(&text);
	}
}

#define TWINS "rust-minidump/breakpad-symbols/testdata/symbols/test_app.pdb/"

static void
reads_lines_ended_by_crlf_as_those_ended_by_lf(void **state)
{
	struct buf crlf;
	struct buf lf;
	struct buf out_crlf;
	struct buf out_lf;
	(void)state;
	if (!symbol_corpora_read(TWINS "6A9832E5287241C1838ED98914E9B7FF1/test_app.sym", &crlf))
		return;
	assert_true(
		symbol_corpora_read(TWINS "5A9832E5287241C1838ED98914E9B7FF1/test_app.sym", &lf));
	struct symbols *a = open_buf(&crlf, "crlf");
	struct symbols *b = open_buf(&lf, "lf");
	buf_init(&out_crlf, SYMBOL_CORPORA_FILE_BYTES);
	buf_init(&out_lf, SYMBOL_CORPORA_FILE_BYTES);
	assert_int_equal(breakpad_format(a, &out_crlf), OK);
	assert_int_equal(breakpad_format(b, &out_lf), OK);
	assert_true(slice_equal(buf_slice(&out_crlf), buf_slice(&out_lf)));
	symbols_free(a);
	symbols_free(b);
	buf_done(&crlf);
	buf_done(&lf);
	buf_done(&out_crlf);
	buf_done(&out_lf);
}

/* The rules of the CFI records of TEXT, one after the other. */
static bool
next_row(struct slice *text, struct breakpad_record *ret_record, struct cfi_rules *ret_rules)
{
	struct slice line;
	const char *why;
	while (breakpad_take_line(text, &line)) {
		if (!slice_starts_with(line, SLICE_LITERAL("STACK CFI ")))
			continue;
		*ret_rules = (struct cfi_rules){.arch = ARCH_AMD64};
		assert_int_equal(breakpad_record_parse(line, ret_record, &why), OK);
		assert_int_equal(cfi_add(ret_rules, ret_record->rva, ret_record->text), OK);
		return true;
	}
	return false;
}

static void
assert_rules_equal(const struct cfi_rules *a, const struct cfi_rules *b)
{
	assert_true(slice_equal(a->cfa.expression, b->cfa.expression));
	assert_true(slice_equal(a->ra.expression, b->ra.expression));
	for (unsigned i = 0; i < AMD64_N; i++)
		assert_true(slice_equal(a->registers[i].expression, b->registers[i].expression));
}

static void
compare_rows(const char *sym, const char *snapshot, size_t expected)
{
	struct breakpad_record a;
	struct breakpad_record b;
	struct cfi_rules rules_a;
	struct cfi_rules rules_b;
	struct buf left;
	struct buf right;
	size_t n = 0;
	if (!symbol_corpora_read(sym, &left) || !symbol_corpora_read(snapshot, &right))
		return;
	struct slice rest_left = buf_slice(&left);
	struct slice rest_right = buf_slice(&right);
	while (next_row(&rest_left, &a, &rules_a)) {
		assert_true(next_row(&rest_right, &b, &rules_b));
		assert_int_equal(a.kind, b.kind);
		assert_int_equal(a.rva, b.rva);
		assert_int_equal(a.bytes, b.bytes);
		assert_rules_equal(&rules_a, &rules_b);
		n++;
	}
	assert_false(next_row(&rest_right, &b, &rules_b));
	assert_int_equal(n, expected);
	buf_done(&left);
	buf_done(&right);
}

#define SNAPSHOTS "symbolic/symbolic-cfi/tests/snapshots/test_cfi__cfi_sym_"
#define FIXTURES "symbolic/symbolic-testutils/fixtures/"

static void
reads_unwind_rows_as_symbolic_does(void **state)
{
	(void)state;
	compare_rows(FIXTURES "linux/crash.sym", SNAPSHOTS "linux.snap", 1498);
	compare_rows(FIXTURES "macos/crash.sym", SNAPSHOTS "macos.snap", 213);
}

static void
finds_the_inlined_calls_of_a_real_crash(void **state)
{
	static const char *const names[] = {
		"breakpad/symbols/linux_inline/BBA6FA10B8AAB33D00000000000000000/"
		"linux_inline.new.sym",
		"breakpad/symbols/linux_inline/BBA6FA10B8AAB33D00000000000000000/"
		"linux_inline.old.sym"};
	static const struct {
		const char *function;
		const char *file;
		unsigned line;
	} places[] = {{"func()", "linux_inline.cpp", 27},
		      {"bar()", "c.cpp", 32},
		      {"foo()", "b.cpp", 39},
		      {"main", "a.cpp", 42}};
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct symbol symbol;
		struct buf text;
		if (!symbol_corpora_read(names[i], &text))
			continue;
		struct symbols *symbols = open_buf(&text, names[i]);
		assert_int_equal(symbols_find(symbols, 0x161b6, &symbol), OK);
		assert_int_equal(symbol.n_places, 4);
		for (size_t k = 0; k < 4; k++) {
			const struct symbol_place *place = &symbol.places[k];
			assert_true(slice_equal_str(place->function, places[k].function));
			assert_int_equal(place->line, places[k].line);
			/* The old form does not say in which file a call is. */
			assert_true(slice_equal_str(place->file, places[k].file) ||
				    (i == 1 && k > 0 && slice_is_absent(place->file)));
		}
		symbols_free(symbols);
		buf_done(&text);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_and_writes_every_symbol_file),
		cmocka_unit_test(reads_the_modules_that_are_good),
		cmocka_unit_test(refuses_the_modules_that_are_bad),
		cmocka_unit_test(reads_lines_ended_by_crlf_as_those_ended_by_lf),
		cmocka_unit_test(reads_unwind_rows_as_symbolic_does),
		cmocka_unit_test(finds_the_inlined_calls_of_a_real_crash),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
