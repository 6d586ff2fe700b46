/* Images and programs of the corpora: rules of call frames beside those that others wrote of
 * them, lines beside addr2line, and images that are broken on purpose.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "corpora.h"
#include "image_memory.h"
#include "image_tools.h"
#include "symbols/elf.h"
#include "symbols/pe.h"

enum {
	WORDS_MOST = 64,
	RULES_MOST = 40
};

#define SYMBOLIC "symbolic/"
#define CRASH_LINUX SYMBOLIC "py/tests/res/minidump/crash_linux"
#define CFI_TEST SYMBOLIC "symbolic-testutils/fixtures/linux/arm64/cfi_test"
#define SNAPSHOT SYMBOLIC "symbolic-cfi/tests/snapshots/test_cfi__cfi_elf_arm64.snap"
#define CHAINED_LOOP SYMBOLIC "symbolic-testutils/fixtures/windows/cfi_chained_loop.exe"
#define FIND_MODULE "derived-yaml2obj/find-module.exe.bin"
#define LLDB_PROGRAM                                                                               \
	"lldb/packages/Python/lldbsuite/test/functionalities/postmortem/minidump-new/linux-x86_64"

/* A rule: what a register (or ".cfa", ".ra") was, as words of a postfix expression. */
struct rule {
	struct slice name;
	struct slice words;
};

struct row {
	uint64_t rva;
	struct rule rules[RULES_MOST];
	size_t n;
};

struct bench {
	struct symbols *symbols;
	struct fake_memory stack;
	struct registers registers;
	const uint64_t *known; /* addresses of rows that differ, and why is known; ends with 0 */
	size_t n_rows;
	size_t n_equal;
	size_t n_known;
};

static void
set_rule(struct row *row, struct slice name, struct slice words)
{
	for (size_t i = 0; i < row->n; i++)
		if (slice_equal(row->rules[i].name, name)) {
			row->rules[i].words = words;
			return;
		}
	assert_true(row->n < RULES_MOST);
	row->rules[row->n++] = (struct rule){name, words};
}

static struct slice
next_word(struct slice *text)
{
	struct slice word = *text;
	struct slice rest = {0};
	(void)slice_cut(*text, ' ', &word, &rest);
	*text = rest;
	return word;
}

/* ".cfa: $rsp 8 + .ra: .cfa -8 + ^" */
static void
parse_rules(struct slice text, struct row *row)
{
	struct slice name = {0};
	struct slice words = {0};
	while (text.len > 0) {
		struct slice word = next_word(&text);
		if (word.len > 1 && word.data[word.len - 1] == ':') {
			if (name.len > 0)
				set_rule(row, name, words);
			name = slice_sub(word, 0, word.len - 1);
			words = (struct slice){0};
		} else if (words.len == 0) {
			words = word;
		} else {
			words.len = (size_t)(word.data - words.data) + word.len;
		}
	}
	if (name.len > 0)
		set_rule(row, name, words);
}

/* False: the rule needs what is not known. */
static bool
evaluate(const struct bench *b, struct slice words, uint64_t cfa, uint64_t *ret_value)
{
	uint64_t stack[WORDS_MOST];
	size_t n = 0;
	while (words.len > 0) {
		struct slice word = next_word(&words);
		int index = registers_find(b->registers.arch, word);
		int64_t number;
		if (slice_equal_str(word, "+") || slice_equal_str(word, "-")) {
			n--;
			stack[n - 1] += word.data[0] == '+' ? stack[n] : 0 - stack[n];
		} else if (slice_equal_str(word, "^")) {
			if (!memory_pointer(&b->stack.memory, 8, stack[n - 1], &stack[n - 1]))
				return false;
		} else if (slice_equal_str(word, ".cfa")) {
			stack[n++] = cfa;
		} else if (index >= 0) {
			stack[n++] = b->registers.value[index];
		} else {
			assert_true(slice_to_i64(word, &number));
			stack[n++] = (uint64_t)number;
		}
	}
	assert_int_equal(n, 1);
	*ret_value = stack[0];
	return true;
}

static struct slice
rule_of(const struct row *row, const char *name)
{
	for (size_t i = 0; i < row->n; i++)
		if (slice_equal_str(row->rules[i].name, name))
			return row->rules[i].words;
	return (struct slice){0};
}

/* All that the row says is what our unwinding gives. */
static bool
is_equal(const struct bench *b, const struct row *row)
{
	enum arch arch = b->registers.arch;
	struct unwind unwind = {
		.memory = &b->stack.memory,
		.callee = b->registers,
		.module_base = UINT64_C(0x550000000000),
		.rva = row->rva,
		.is_innermost = true,
	};
	uint64_t cfa = 0;
	uint64_t theirs = 0;
	uint64_t ours;
	if (symbols_unwind(b->symbols, &unwind) != OK ||
	    !evaluate(b, rule_of(row, ".cfa"), 0, &cfa) || registers_sp(&unwind.caller) != cfa)
		return false;
	struct slice pc = rule_of(row, ".ra");
	if (pc.len > 0 && !evaluate(b, pc, cfa, &theirs))
		return false;
	if (registers_pc(&unwind.caller) != theirs)
		return false;
	for (size_t i = 0; i < row->n; i++) {
		int index = registers_find(arch, row->rules[i].name);
		if (index < 0)
			continue;
		if (!evaluate(b, row->rules[i].words, cfa, &theirs) ||
		    !registers_get(&unwind.caller, index, &ours) || ours != theirs)
			return false;
	}
	return true;
}

static void
compare_line(struct bench *b, struct slice line, struct row *row)
{
	uint64_t rva;
	if (!slice_starts_with(line, SLICE_LITERAL("STACK CFI ")))
		return;
	line = slice_sub(line, 10, SIZE_MAX);
	bool is_first = slice_starts_with(line, SLICE_LITERAL("INIT "));
	if (is_first)
		(void)next_word(&line);
	assert_true(slice_hex_to_u64(next_word(&line), &rva));
	if (is_first) {
		(void)next_word(&line);
		*row = (struct row){0};
	}
	row->rva = rva;
	parse_rules(line, row);
	b->n_rows++;
	if (is_equal(b, row)) {
		b->n_equal++;
		return;
	}
	for (const uint64_t *known = b->known; *known != 0; known++)
		if (*known == rva) {
			b->n_known++;
			return;
		}
	print_error("row of 0x%llx differs\n", (unsigned long long)rva);
}

/* Words of the stack have their address as value; registers are a little apart on it. */
static void
open_bench(struct bench *b, const struct buf *file)
{
	struct err_detail detail = {.why = ""};
	*b = (struct bench){0};
	if (elf_open(buf_slice(file), &b->symbols, &detail) != OK)
		fail_msg("%s", detail.why);
	fake_memory_init(&b->stack, FAKE_MEMORY_BASE);
	for (uint64_t at = 0; at < FAKE_MEMORY_BYTES; at += 8)
		fake_memory_put(&b->stack, FAKE_MEMORY_BASE + at, FAKE_MEMORY_BASE + at, 8);
	b->registers.arch = elf_identity(elf_of(b->symbols))->arch;
	for (unsigned i = 0; i < registers_count(b->registers.arch); i++)
		registers_set(&b->registers, (int)i, FAKE_MEMORY_BASE + 0x4000 + 0x100 * i);
}

static void
rules_equal_those_of(const char *program, const char *rows, const uint64_t *known)
{
	char path[CORPORA_PATH_BYTES];
	static struct bench b;
	struct buf file;
	struct buf text;
	struct row row = {0};
	if (!corpora_find(program, path))
		return;
	read_file(path, &file);
	if (!corpora_find(rows, path)) {
		buf_done(&file);
		return;
	}
	read_file(path, &text);
	open_bench(&b, &file);
	b.known = known;
	for (struct slice rest = buf_slice(&text), line; slice_cut(rest, '\n', &line, &rest);)
		compare_line(&b, slice_trim(line), &row);
	print_message("%s: %zu of %zu rows equal, %zu differ as known\n", rows, b.n_equal, b.n_rows,
		      b.n_known);
	assert_true(b.n_rows > 15);
	assert_int_equal(b.n_equal + b.n_known, b.n_rows);
	symbols_free(b.symbols);
	buf_done(&text);
	buf_done(&file);
}

static void
amd64_rules_equal_those_of_breakpad(void **state)
{
	static const uint64_t known[] = {0};
	(void)state;
	rules_equal_those_of(CRASH_LINUX, CRASH_LINUX ".sym", known);
}

static void
arm64_rules_equal_those_of_symbolic(void **state)
{
	/* Registers that were restored: their rows have no way to take a rule back. */
	static const uint64_t known[] = {0x60c, 0x6e8, 0};
	(void)state;
	rules_equal_those_of(CFI_TEST, SNAPSHOT, known);
}

static void
assert_place(const struct symbols *symbols, uint64_t rva, const char *function, const char *file,
	     uint32_t line)
{
	struct symbol symbol;
	assert_int_equal(symbols_find(symbols, rva, &symbol), OK);
	struct symbol_place *place = &symbol.places[symbol.n_places - 1];
	if (!slice_equal_str(place->function, function) ||
	    !slice_ends_with(place->file, slice_str(file)) || place->line != line)
		fail_msg("%.*s %.*s:%u", SLICE_ARGS(place->function), SLICE_ARGS(place->file),
			 place->line);
}

/* The frames of crash_linux.dmp: what its stack has of this program, less one but for the first. */
static void
the_frames_of_a_real_crash_have_their_lines(void **state)
{
	(void)state;
	char path[CORPORA_PATH_BYTES];
	struct buf file;
	struct symbols *symbols = NULL;
	if (!corpora_find(CRASH_LINUX, path))
		return;
	read_file(path, &file);
	assert_int_equal(elf_open(buf_slice(&file), &symbols, NULL), OK);
	const struct elf_identity *id = elf_identity(elf_of(symbols));
	assert_true(slice_equal_str(id->debug_id, "D2554CDB926136C4B9766A086583B9B50"));
	assert_place(symbols, 0x206f, "_ZN12_GLOBAL__N_15crashEv", "crash_linux.cpp", 21);
	assert_place(symbols, 0x2079, "_ZN12_GLOBAL__N_15startEv", "crash_linux.cpp", 25);
	symbols_free(symbols);
	buf_done(&file);
}

static void
a_chain_that_leads_to_itself_ends_with_an_error(void **state)
{
	(void)state;
	char path[CORPORA_PATH_BYTES];
	struct buf file;
	struct symbols *symbols = NULL;
	static struct fake_memory stack;
	if (!corpora_find(CHAINED_LOOP, path))
		return;
	read_file(path, &file);
	assert_int_equal(pe_open(buf_slice(&file), &symbols, NULL), OK);
	fake_memory_init(&stack, FAKE_MEMORY_BASE);
	struct unwind unwind = {
		.memory = &stack.memory,
		.callee = {.arch = ARCH_AMD64},
		.is_innermost = true,
	};
	registers_set(&unwind.callee, AMD64_RSP, FAKE_MEMORY_BASE + 64);
	/* Its section says that it is data, and lies before its code: nothing is claimed. */
	for (unwind.rva = 0; unwind.rva < 0x4000; unwind.rva += 0x10) {
		err_t err = symbols_unwind(symbols, &unwind);
		assert_true(err == ERR_NOTFOUND || err == ERR_CORRUPT);
	}
	symbols_free(symbols);
	buf_done(&file);
}

static void
an_image_of_two_empty_sections_is_read(void **state)
{
	(void)state;
	char path[CORPORA_PATH_BYTES];
	struct buf file;
	struct symbols *symbols = NULL;
	if (!corpora_find(FIND_MODULE, path))
		return;
	read_file(path, &file);
	assert_int_equal(pe_open(buf_slice(&file), &symbols, NULL), OK);
	const struct pe *pe = pe_of(symbols);
	assert_int_equal(pe_identity(pe)->arch, ARCH_X86);
	assert_int_equal(pe_identity(pe)->preferred_base, 4194304);
	assert_int_equal(pe_identity(pe)->broken, 0);
	assert_int_equal(pe_n_sections(pe), 2);
	symbols_free(symbols);
	buf_done(&file);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(amd64_rules_equal_those_of_breakpad),
		cmocka_unit_test(arm64_rules_equal_those_of_symbolic),
		cmocka_unit_test(the_frames_of_a_real_crash_have_their_lines),
		cmocka_unit_test(a_chain_that_leads_to_itself_ends_with_an_error),
		cmocka_unit_test(an_image_of_two_empty_sections_is_read),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
