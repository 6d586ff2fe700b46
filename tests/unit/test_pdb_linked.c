/* PDB files of a real linker, compared with what LLVM's symbolizer says of the same code: of its
 * PDB, and of the DWARF that the compiler wrote beside it.
 *
 * LLVM 14 reads lines of inlined code from a PDB wrongly (it takes the line of the annotation
 * behind the address), so DWARF is the judge of lines where the two differ; where DWARF has line
 * 0, CodeView has none to tell and goes on with the line before.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/reader.h"
#include "pdb_tools.h"
#include "scratch.h"
#include "symbols/pdb.h"
#include "symbols/pdb_dbi.h"
#include "symbols/pdb_frame_data.h"
#include "symbols/pdb_info.h"

enum {
	PATH_BYTES = 256,
	OUTPUT_BYTES_MAX = 64 * 1024 * 1024,
	TEXT_RVA = 0x1000,
	TEXT_BYTES_MAX = 0x1000,
	LINES_EQUAL_PERCENT = 98 /* merged code has more than one line, and each says another */
};

static const char source_cpp[] =
	"extern \"C\" int other(int);\n"
	"namespace space {\n"
	"struct Counter {\n"
	"	int value;\n"
	"	template <typename T> __attribute__((always_inline)) int add(T by)\n"
	"	{\n"
	"		value += (int)by;\n"
	"		if (value > 10)\n"
	"			value = other(value);\n"
	"		return value;\n"
	"	}\n"
	"	__attribute__((noinline)) int twice(int by);\n"
	"};\n"
	"static inline __attribute__((always_inline)) int deeper(Counter &c, int x)\n"
	"{\n"
	"	int y = c.add(x) + c.add((long long)x * 3);\n"
	"	for (int i = 0; i < x; i++)\n"
	"		y ^= c.add((char)i);\n"
	"	return y;\n"
	"}\n"
	"static inline __attribute__((always_inline)) int deep(Counter &c, int x)\n"
	"{\n"
	"	return deeper(c, x) -\n"
	"	       deeper(c, x + 1);\n"
	"}\n"
	"int Counter::twice(int by)\n"
	"{\n"
	"	return add(by) + add(by);\n"
	"}\n"
	"} // namespace space\n"
	"static __attribute__((noinline)) int local(space::Counter *c, int n)\n"
	"{\n"
	"	int sum = 0;\n"
	"	while (n-- > 0) {\n"
	"		sum += deep(*c, n);\n"
	"		if (sum == 77)\n"
	"			__builtin_trap();\n"
	"	}\n"
	"	return sum + c->twice(3);\n"
	"}\n"
	"template <int N> __attribute__((noinline)) int made(int x)\n"
	"{\n"
	"	space::Counter c = {N};\n"
	"	return local(&c, x) + other(N);\n"
	"}\n"
	"extern \"C\" int start(void)\n"
	"{\n"
	"	return made<1>(other(1)) + made<2>(2) + made<3>(other(3));\n"
	"}\n";

static const char source_c[] = "static inline int helper(int a)\n"
			       "{\n"
			       "	return a * 7 + 3;\n"
			       "}\n"
			       "int other(int x)\n"
			       "{\n"
			       "	if (x > 100)\n"
			       "		return helper(x);\n"
			       "	return x ^ helper(x + 1);\n"
			       "}\n"
			       "int unused_by_all(int x)\n"
			       "{\n"
			       "	return helper(x) + 1;\n"
			       "}\n";

/* What one source said of one address. */
struct answer {
	struct slice names[SYMBOL_PLACES_MAX];
	struct slice places[SYMBOL_PLACES_MAX]; /* file:line */
	size_t n;
};

struct bench {
	char folder[SCRATCH_PATH_BYTES];
	struct buf pdb;
	struct buf by_pdb; /* what LLVM said */
	struct buf by_dwarf;
	size_t n_addresses;
	size_t n_code;
	size_t n_names_equal;
	size_t n_lines_equal;
};

static const char *
path_in(const struct bench *bench, const char *name)
{
	static char paths[4][PATH_BYTES];
	static size_t next;
	char *path = paths[next++ % 4];
	(void)snprintf(path, PATH_BYTES, "%s/%s", bench->folder, name);
	return path;
}

static void
compile(const struct bench *bench, const char *target, const char *level, const char *source,
	const char *object)
{
	const char *const argv[] = {
		"clang-14",
		target,
		level,
		"-g",
		"-gcodeview",
		"-gdwarf",
		"-fno-exceptions",
		"-fno-rtti",
		"-ffunction-sections",
		"-c",
		path_in(bench, source),
		"-o",
		path_in(bench, object),
		NULL,
	};
	assert_int_equal(run_tool(argv, NULL, NULL), 0);
}

/* The same code twice: with a PDB, and with DWARF alone. */
static void
link_both(const struct bench *bench, const char *page_size)
{
	char out[PATH_BYTES];
	char pdb[PATH_BYTES];
	char alternative[PATH_BYTES];
	(void)snprintf(out, sizeof(out), "/out:%s", path_in(bench, "a.exe"));
	(void)snprintf(pdb, sizeof(pdb), "/pdb:%s", path_in(bench, "a.pdb"));
	(void)snprintf(alternative, sizeof(alternative), "/pdbaltpath:%s", path_in(bench, "a.pdb"));
	const char *a = path_in(bench, "a.o");
	const char *b = path_in(bench, "b.o");
	const char *const with_pdb[] = {"lld-link-14",
					"/debug",
					"/nodefaultlib",
					"/entry:start",
					"/subsystem:console",
					out,
					pdb,
					alternative,
					page_size,
					"/ignore:longsections",
					a,
					b,
					NULL};
	assert_int_equal(run_tool(with_pdb, NULL, NULL), 0);
	(void)snprintf(out, sizeof(out), "/out:%s", path_in(bench, "dwarf.exe"));
	const char *const with_dwarf[] = {"lld-link-14",
					  "/debug:dwarf",
					  "/nodefaultlib",
					  "/entry:start",
					  out,
					  "/subsystem:console",
					  a,
					  b,
					  "/ignore:longsections",
					  NULL};
	assert_int_equal(run_tool(with_dwarf, NULL, NULL), 0);
}

static void
ask_llvm(const struct bench *bench, const char *program, struct buf *ret_said)
{
	char object[PATH_BYTES];
	struct err_detail detail;
	(void)snprintf(object, sizeof(object), "--obj=%s", path_in(bench, program));
	const char *const argv[] = {"llvm-symbolizer-14", object,          "--relative-address",
				    "--functions=short",  "--no-demangle", NULL};
	const char *said = path_in(bench, "said");
	assert_int_equal(run_tool(argv, path_in(bench, "addresses"), said), 0);
	if (fs_read_file(said, OUTPUT_BYTES_MAX, ret_said, &detail) != OK)
		fail_msg("%s", detail.why);
}

/* Lines of names and places in turn, up to an empty one; the first name may be empty too. */
static void
next_answer(struct slice *text, struct answer *answer)
{
	struct slice name;
	struct slice place;
	answer->n = 0;
	while (slice_cut(*text, '\n', &name, text) && (name.len > 0 || answer->n == 0)) {
		assert_true(slice_cut(*text, '\n', &place, text));
		/* Without the column. */
		while (place.len > 0 && place.data[place.len - 1] != ':')
			place.len--;
		place.len -= place.len > 0;
		if (answer->n == SYMBOL_PLACES_MAX)
			fail_msg("deeper than expected");
		answer->names[answer->n] = name;
		answer->places[answer->n++] = place;
	}
}

/* Without scope and template arguments: DWARF's short names have none. */
static struct slice
short_name(struct slice name)
{
	const uint8_t *angle = memchr(name.data, '<', name.len);
	if (angle != NULL)
		name.len = (size_t)(angle - name.data);
	for (size_t i = name.len; i > 0; i--)
		if (name.data[i - 1] == ':')
			return slice_sub(name, i, name.len);
	return name;
}

static bool
are_names_equal(const struct symbol *symbol, const struct answer *answer)
{
	if (symbol->n_places != answer->n)
		return false;
	for (size_t i = 0; i < answer->n; i++)
		if (!slice_equal(short_name(symbol->places[i].function),
				 short_name(answer->names[i])))
			return false;
	return true;
}

static bool
is_line_equal(const struct symbol_place *place, struct slice expected)
{
	char said[PATH_BYTES];
	if (slice_ends_with(expected, SLICE_LITERAL(":0")))
		return true;
	(void)snprintf(said, sizeof(said), "%.*s:%u", SLICE_ARGS(place->file), place->line);
	return slice_equal_str(expected, said);
}

static bool
are_lines_equal(const struct symbol *symbol, const struct answer *answer)
{
	for (size_t i = 0; i < answer->n; i++)
		if (!is_line_equal(&symbol->places[i], answer->places[i]))
			return false;
	return true;
}

static void
compare(struct bench *bench, const struct symbols *symbols, uint64_t rva,
	const struct answer *by_pdb, const struct answer *by_dwarf)
{
	struct symbol symbol;
	bool is_code = by_pdb->names[0].len > 0;
	err_t err = symbols_find(symbols, rva, &symbol);
	if (err != OK)
		fail_msg("%llx: %s", (unsigned long long)rva, err_name(err));
	/* Between functions there is only what public name was last. */
	if (symbol.is_public == is_code)
		fail_msg("%llx: %.*s, not %.*s", (unsigned long long)rva,
			 SLICE_ARGS(symbol.places[0].function), SLICE_ARGS(by_pdb->names[0]));
	if (!is_code)
		return;
	bench->n_code++;
	bool is_as_dwarf = are_names_equal(&symbol, by_dwarf);
	bool is_as_pdb = are_names_equal(&symbol, by_pdb);
	if (is_as_dwarf || is_as_pdb)
		bench->n_names_equal++;
	else
		print_error("%llx: %.*s\n", (unsigned long long)rva,
			    SLICE_ARGS(symbol.places[0].function));
	bench->n_lines_equal += (is_as_dwarf && are_lines_equal(&symbol, by_dwarf)) ||
				(is_as_pdb && are_lines_equal(&symbol, by_pdb));
}

static void
write_addresses(struct bench *bench, struct slice program)
{
	/* The size of the first section, .text: behind the headers, whose size varies. */
	struct buf addresses;
	uint32_t bytes = 0;
	for (size_t i = 0; i + 16 < program.len && bytes == 0; i++)
		if (memcmp(program.data + i, ".text\0\0\0", 8) == 0)
			for (size_t j = 0; j < 4; j++)
				bytes |= (uint32_t)program.data[i + 8 + j] << (8 * j);
	assert_in_range(bytes, 0x100, TEXT_BYTES_MAX);
	buf_init(&addresses, OUTPUT_BYTES_MAX);
	for (uint32_t i = 0; i < bytes; i++)
		buf_printf(&addresses, "0x%x\n", TEXT_RVA + i);
	buf_append_byte(&addresses, 0);
	write_text(path_in(bench, "addresses"), (const char *)addresses.data);
	buf_done(&addresses);
	bench->n_addresses = bytes;
}

static void
compare_all(struct bench *bench)
{
	struct symbols *symbols;
	struct err_detail detail = {.why = ""};
	struct slice by_pdb = buf_slice(&bench->by_pdb);
	struct slice by_dwarf = buf_slice(&bench->by_dwarf);
	if (pdb_open(buf_slice(&bench->pdb), &symbols, &detail) != OK)
		fail_msg("%s", detail.why);
	for (size_t i = 0; i < bench->n_addresses; i++) {
		struct answer a;
		struct answer b;
		next_answer(&by_pdb, &a);
		next_answer(&by_dwarf, &b);
		compare(bench, symbols, TEXT_RVA + i, &a, &b);
	}
	symbols_free(symbols);
}

/* What the linker wrote into the image: "RSDS", GUID, age. */
static void
assert_identity(const struct bench *bench, struct slice program)
{
	struct pdb_identity identity;
	char expected[PDB_DEBUG_ID_BYTES];
	struct reader r;
	const uint8_t *record = memmem(program.data, program.len, "RSDS", 4);
	assert_non_null(record);
	reader_init(&r, slice_sub(program, (size_t)(record - program.data) + 4, 20));
	unsigned first = reader_u32(&r);
	unsigned second = reader_u16(&r);
	unsigned third = reader_u16(&r);
	int at = snprintf(expected, sizeof(expected), "%08X%04X%04X", first, second, third);
	for (size_t i = 0; i < 8; i++)
		at += snprintf(expected + at, sizeof(expected) - (size_t)at, "%02X", reader_u8(&r));
	(void)snprintf(expected + at, sizeof(expected) - (size_t)at, "%X", reader_u32(&r));
	assert_int_equal(pdb_identity(buf_slice(&bench->pdb), &identity, NULL), OK);
	assert_string_equal(identity.debug_id, expected);
}

/* Links the program into the bench's folder. */
static void
make_program(struct bench *bench, const char *triple, const char *level, const char *page_size)
{
	struct err_detail detail = {.why = ""};
	char target[64];
	scratch_make(bench->folder);
	(void)snprintf(target, sizeof(target), "--target=%s-windows-msvc", triple);
	write_text(path_in(bench, "a.cpp"), source_cpp);
	write_text(path_in(bench, "b.c"), source_c);
	compile(bench, target, level, "a.cpp", "a.o");
	compile(bench, target, level, "b.c", "b.o");
	link_both(bench, page_size);
	if (fs_read_file(path_in(bench, "a.pdb"), OUTPUT_BYTES_MAX, &bench->pdb, &detail) != OK)
		fail_msg("%s", detail.why);
}

static void
judge(const char *triple, const char *level, const char *page_size)
{
	struct bench bench = {.folder = ""};
	struct err_detail detail = {.why = ""};
	struct buf program;
	make_program(&bench, triple, level, page_size);
	if (fs_read_file(path_in(&bench, "a.exe"), OUTPUT_BYTES_MAX, &program, &detail) != OK)
		fail_msg("%s", detail.why);
	write_addresses(&bench, buf_slice(&program));
	ask_llvm(&bench, "a.exe", &bench.by_pdb);
	ask_llvm(&bench, "dwarf.exe", &bench.by_dwarf);
	compare_all(&bench);
	print_message("%s %s %s: of %zu addresses names %zu, lines %zu equal\n", triple, level,
		      page_size, bench.n_code, bench.n_names_equal, bench.n_lines_equal);
	assert_int_equal(bench.n_names_equal, bench.n_code);
	assert_true(bench.n_lines_equal * 100 >= bench.n_code * LINES_EQUAL_PERCENT);
	assert_identity(&bench, buf_slice(&program));
	buf_done(&program);
	buf_done(&bench.pdb);
	buf_done(&bench.by_pdb);
	buf_done(&bench.by_dwarf);
	scratch_remove(bench.folder);
}

/* Frame data */

/* A row of `llvm-pdbutil dump -fpo`: address, sizes, three flags, program. */
static bool
read_row(struct slice line, struct frame_data *row)
{
	uint64_t numbers[7];
	struct slice cell;
	for (size_t i = 0; i < 10; i++) {
		if (!slice_cut(line, '|', &cell, &line))
			return false;
		cell = slice_trim(cell);
		if (i == 0 ? !slice_hex_to_u64(cell, &numbers[i])
			   : i < 7 && !slice_to_u64(cell, &numbers[i]))
			return false;
	}
	*row = (struct frame_data){
		.rva = numbers[0],
		.code_bytes = (uint32_t)numbers[1],
		.local_bytes = (uint32_t)numbers[2],
		.param_bytes = (uint32_t)numbers[3],
		.prolog_bytes = (uint32_t)numbers[5],
		.saved_register_bytes = (uint32_t)numbers[6],
		.program = slice_trim(line),
	};
	return true;
}

static void
assert_frame(const struct pdb_frames *frames, struct pdb_texts *texts,
	     const struct frame_data *expected)
{
	struct frame_data found;
	assert_int_equal(pdb_frames_find(frames, texts, (uint32_t)expected->rva, &found), OK);
	assert_int_equal(found.rva, expected->rva);
	assert_int_equal(found.code_bytes, expected->code_bytes);
	assert_int_equal(found.local_bytes, expected->local_bytes);
	assert_int_equal(found.param_bytes, expected->param_bytes);
	assert_int_equal(found.prolog_bytes, expected->prolog_bytes);
	assert_int_equal(found.saved_register_bytes, expected->saved_register_bytes);
	assert_true(slice_equal(slice_trim(found.program), expected->program));
}

static size_t
compare_frames(const struct bench *bench, struct slice said)
{
	struct arena arena;
	struct msf msf;
	struct pdb_info info;
	struct pdb_dbi dbi;
	struct pdb_texts texts;
	struct pdb_frames frames;
	struct slice line;
	struct frame_data row;
	size_t n = 0;
	arena_init(&arena, LIMIT_PDB_OPEN_BYTES);
	assert_int_equal(msf_open(buf_slice(&bench->pdb), &arena, &msf, NULL), OK);
	assert_int_equal(pdb_info_parse(&msf, &info, NULL), OK);
	assert_int_equal(pdb_dbi_parse(&msf, &dbi, NULL), OK);
	assert_int_equal(pdb_frames_open(&msf, dbi.frame_data, dbi.fpo, &arena, &frames), OK);
	pdb_texts_init(&texts, &msf, info.names);
	while (slice_cut(said, '\n', &line, &said)) {
		if (!read_row(line, &row))
			continue;
		assert_frame(&frames, &texts, &row);
		n++;
	}
	pdb_texts_done(&texts);
	arena_done(&arena);
	return n;
}

static bool
has_tools(void)
{
	if (has_tool("clang-14") && has_tool("llvm-symbolizer-14") && has_tool("lld-link-14"))
		return true;
	print_message("skip: PDB files of a linker (no clang-14, lld-14 or llvm-14)\n");
	return false;
}

static void
agrees_with_llvm_on_every_address(void **state)
{
	static const char *const targets[] = {"x86_64", "i686", "aarch64"};
	(void)state;
	if (!has_tools())
		return;
	for (size_t i = 0; i < 3; i++) {
		judge(targets[i], "-O0", "/pdbpagesize:4096");
		judge(targets[i], "-O2", "/pdbpagesize:4096");
	}
	judge("x86_64", "-O2", "/pdbpagesize:32768");
}

static void
agrees_with_pdbutil_on_frame_data(void **state)
{
	static const char *const levels[] = {"-O0", "-O2"};
	(void)state;
	if (!has_tools())
		return;
	for (size_t i = 0; i < 2; i++) {
		struct bench bench = {.folder = ""};
		struct buf said;
		make_program(&bench, "i686", levels[i], "/pdbpagesize:4096");
		const char *const argv[] = {"llvm-pdbutil-14", "dump", "-fpo",
					    path_in(&bench, "a.pdb"), NULL};
		assert_int_equal(run_tool(argv, NULL, path_in(&bench, "said")), 0);
		assert_int_equal(
			fs_read_file(path_in(&bench, "said"), OUTPUT_BYTES_MAX, &said, NULL), OK);
		size_t n = compare_frames(&bench, buf_slice(&said));
		print_message("i686 %s: %zu of %zu frames equal\n", levels[i], n, n);
		assert_in_range(n, 10, 1000);
		buf_done(&said);
		buf_done(&bench.pdb);
		scratch_remove(bench.folder);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(agrees_with_llvm_on_every_address),
		cmocka_unit_test(agrees_with_pdbutil_on_frame_data),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
