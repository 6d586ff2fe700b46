/* Images of clang and lld: what llvm-readobj says of them, and a walk at every instruction. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "image_tools.h"
#include "scratch.h"
#include "base/text.h"
#include "stepper.h"
#include "symbols/pe_unwind_amd64.h"
#include "symbols/pe_unwind_arm64.h"

enum {
	COMMAND_BYTES = 1024
};

#define OPTIONS "-funwind-tables -fno-builtin -g -gcodeview -Wno-everything"

static char folder[SCRATCH_PATH_BYTES];

/* Compiles the program of tests/support into FOLDER/program.dll and reads it. */
static void
build(const char *triple, const char *options, struct buf *ret_file)
{
	char command[COMMAND_BYTES];
	char path[COMMAND_BYTES];
	const char *source = getenv("OPENWER_SOURCE");
	(void)snprintf(command, sizeof(command),
		       "clang-14 --target=%s-pc-windows-msvc " OPTIONS
		       " %s -c %s/tests/support/unwind_program.c -o %s/program.obj",
		       triple, options, source == NULL ? "." : source, folder);
	if (!run_tool(command, NULL))
		fail_msg("%s", command);
	(void)snprintf(command, sizeof(command),
		       "lld-link-14 /dll /noentry /nodefaultlib /debug /pdbaltpath:program.pdb "
		       "/out:%s/program.dll %s/program.obj",
		       folder, folder);
	if (!run_tool(command, NULL))
		fail_msg("%s", command);
	(void)snprintf(path, sizeof(path), "%s/program.dll", folder);
	read_file(path, ret_file);
}

/* The same with gcc, which lays out frames in another way. */
static void
build_with_gcc(const char *options, struct buf *ret_file)
{
	char command[COMMAND_BYTES];
	char path[COMMAND_BYTES];
	const char *source = getenv("OPENWER_SOURCE");
	(void)snprintf(command, sizeof(command),
		       "x86_64-w64-mingw32-gcc -shared -nostdlib -fno-builtin -w -e entry %s "
		       "%s/tests/support/unwind_program.c -o %s/program.dll",
		       options, source == NULL ? "." : source, folder);
	if (!run_tool(command, NULL))
		fail_msg("%s", command);
	(void)snprintf(path, sizeof(path), "%s/program.dll", folder);
	read_file(path, ret_file);
}

static void
describe(const char *options, struct buf *out)
{
	char command[COMMAND_BYTES];
	buf_init(out, RUN_TOOL_OUTPUT_MOST);
	(void)snprintf(command, sizeof(command), "llvm-readobj-14 %s %s/program.dll", options,
		       folder);
	if (!run_tool(command, out))
		fail_msg("%s", command);
}

static struct symbols *
opened(const struct buf *file)
{
	struct symbols *symbols = NULL;
	struct err_detail detail = {.why = ""};
	if (pe_open(buf_slice(file), &symbols, &detail) != OK)
		fail_msg("%s", detail.why);
	assert_int_equal(pe_identity(pe_of(symbols))->broken, 0);
	return symbols;
}

static uint64_t
export_rva(const struct symbols *symbols, const char *name)
{
	struct pe_export e;
	for (size_t i = 0; i < pe_n_exports(pe_of(symbols)); i++)
		if (pe_export(pe_of(symbols), i, &e) == OK && slice_equal_str(e.name, name))
			return e.rva;
	fail_msg("%s is not exported", name);
	return 0;
}

static void
exports_equal_those_of_readobj(const struct symbols *symbols)
{
	struct buf theirs;
	struct buf ours;
	const struct pe *pe = pe_of(symbols);
	describe("--coff-exports", &theirs);
	buf_init(&ours, RUN_TOOL_OUTPUT_MOST);
	for (size_t i = 0; i < pe_n_exports(pe); i++) {
		struct pe_export e;
		assert_int_equal(pe_export(pe, i, &e), OK);
		buf_printf(&ours, "Export {\n  Ordinal: %u\n  Name: %.*s\n  RVA: 0x%X\n}\n",
			   e.ordinal, SLICE_ARGS(e.name), e.rva);
	}
	struct slice there = buf_slice(&theirs);
	assert_true(slice_ends_with(there, buf_slice(&ours)));
	assert_true(pe_n_exports(pe) > 10);
	buf_done(&ours);
	buf_done(&theirs);
}

/* Lines of readobj that say something of unwind data, without blanks, comments and addresses
 * of the data; one line each in OUT. */
static void
keep_lines(struct slice text, const char *const *words, size_t n_words, struct buf *out)
{
	while (text.len > 0) {
		struct slice line = text;
		struct slice rest = {0};
		(void)slice_cut(text, '\n', &line, &rest);
		text = rest;
		line = slice_trim(line);
		for (size_t i = 0; i < n_words; i++) {
			if (!slice_starts_with(line, slice_str(words[i])))
				continue;
			buf_append(out, line);
			buf_append_byte(out, '\n');
			break;
		}
	}
}

static const char *
upper_name(unsigned hardware)
{
	static const char *const names[16] = {"RAX", "RCX", "RDX", "RBX", "RSP", "RBP",
					      "RSI", "RDI", "R8",  "R9",  "R10", "R11",
					      "R12", "R13", "R14", "R15"};
	return names[hardware];
}

static void
write_amd64_code(struct buf *out, const struct pe_amd64_code *code, struct slice head)
{
	buf_printf(out, "0x%02X: ", code->prolog_offset);
	switch (code->operation) {
	case AMD64_PUSH_NONVOL:
		buf_printf(out, "PUSH_NONVOL reg=%s\n", upper_name(code->info));
		break;
	case AMD64_ALLOC_LARGE:
		buf_printf(out, "ALLOC_LARGE size=%u\n", code->operand);
		break;
	case AMD64_ALLOC_SMALL:
		buf_printf(out, "ALLOC_SMALL size=%u\n", code->operand);
		break;
	case AMD64_SET_FPREG:
		buf_printf(out, "SET_FPREG reg=%s, offset=0x%X\n", upper_name(head.data[3] & 15),
			   (head.data[3] >> 4) * 16);
		break;
	case AMD64_SAVE_NONVOL:
		buf_printf(out, "SAVE_NONVOL reg=%s, offset=0x%X\n", upper_name(code->info),
			   code->operand);
		break;
	case AMD64_SAVE_XMM128:
		buf_printf(out, "SAVE_XMM128 reg=XMM%u, offset=0x%X\n", code->info, code->operand);
		break;
	default:
		buf_printf(out, "operation %u\n", code->operation);
		break;
	}
}

static void
write_amd64(const struct pe *pe, struct buf *out)
{
	struct slice head;
	struct slice codes;
	struct pe_amd64_code code;
	for (size_t at = 0; at < pe->functions.len; at += PE_AMD64_FUNCTION_BYTES) {
		struct pe_amd64_function f;
		uint32_t begin = pe_u32_of(pe->functions, at / 4);
		assert_int_equal(pe_amd64_find_function(pe, begin, &f), OK);
		assert_true(pe_bytes(pe, f.info, 4, &head));
		uint64_t base = pe->identity.preferred_base;
		buf_printf(out, "StartAddress: (0x%llX)\n", (unsigned long long)(base + f.begin));
		buf_printf(out, "EndAddress: (0x%llX)\n", (unsigned long long)(base + f.end));
		buf_printf(out, "PrologSize: %u\n", head.data[1]);
		if (head.data[2] == 0)
			continue;
		assert_true(pe_bytes(pe, f.info + 4, head.data[2] * 2, &codes));
		for (size_t i = 0; i < head.data[2]; i += code.n_slots) {
			assert_int_equal(pe_amd64_code(codes, head.data[0] & 7, i, &code), OK);
			write_amd64_code(out, &code, head);
		}
	}
}

static void
assert_same_text(const struct buf *ours, const struct buf *theirs)
{
	size_t n = 0;
	while (n < ours->len && n < theirs->len && ours->data[n] == theirs->data[n])
		n++;
	if (n == ours->len && n == theirs->len)
		return;
	size_t from = n < 100 ? 0 : n - 100;
	fail_msg("ours:\n%.200s\ntheirs:\n%.200s", (const char *)ours->data + from,
		 (const char *)theirs->data + from);
}

static void
amd64_data_equals_that_of_readobj(const struct symbols *symbols)
{
	static const char *const words[] = {"StartAddress", "EndAddress", "PrologSize", "0x"};
	struct buf theirs;
	struct buf kept;
	struct buf ours;
	describe("--unwind", &theirs);
	buf_init(&kept, RUN_TOOL_OUTPUT_MOST);
	buf_init(&ours, RUN_TOOL_OUTPUT_MOST);
	keep_lines(buf_slice(&theirs), words, 4, &kept);
	write_amd64(pe_of(symbols), &ours);
	buf_append_byte(&ours, 0);
	buf_append_byte(&kept, 0);
	assert_same_text(&ours, &kept);
	buf_done(&ours);
	buf_done(&kept);
	buf_done(&theirs);
}

/* As readobj spells the entries of packed data. */
static void
write_arm64_code(struct buf *out, const struct pe_arm64_code *code)
{
	char second[16] = "";
	const char *kind = code->is_vector ? "d" : "x";
	switch (code->operation) {
	case ARM64_ALLOC:
		buf_printf(out, "sub sp, sp, #%u\n", code->bytes);
		return;
	case ARM64_SET_FP:
		buf_printf(out, "mov x29, sp\n");
		return;
	case ARM64_SAVE:
		break;
	case ARM64_END:
		buf_printf(out, "end\n");
		return;
	default:
		buf_printf(out, "operation %u\n", code->operation);
		return;
	}
	if (code->second != code->reg)
		(void)snprintf(second, sizeof(second), code->second == ARM64_LR ? ", lr" : ", %s%u",
			       kind, code->second);
	buf_printf(out, "%s ", second[0] == 0 ? "str" : "stp");
	if (code->reg == ARM64_LR)
		buf_printf(out, "lr");
	else
		buf_printf(out, "%s%u", kind, code->reg);
	if (code->bytes != 0)
		buf_printf(out, "%s, [sp, #-%u]!\n", second, code->bytes);
	else
		buf_printf(out, "%s, [sp, #%u]\n", second, code->offset);
}

static void
write_packed(const struct pe_arm64_function *f, struct buf *out)
{
	struct pe_arm64_packed packed;
	assert_int_equal(pe_arm64_unpack(f, &packed), OK);
	for (size_t i = 0; i < packed.n_codes; i++)
		write_arm64_code(out, &packed.codes[i]);
}

/* The codes of the prolog, each in hex. */
static void
write_full(const struct pe *pe, const struct pe_arm64_function *f, struct buf *out)
{
	uint32_t head;
	struct slice codes;
	struct pe_arm64_code code = {.operation = ARM64_NOP};
	assert_true(pe_u32(pe, f->data, &head));
	uint32_t scopes = (head >> 21 & 1) != 0 ? 0 : head >> 22 & 31;
	assert_true(pe_bytes(pe, (uint64_t)f->data + 4 + scopes * 4, (head >> 27) * 4, &codes));
	for (size_t at = 0; code.operation != ARM64_END; at += code.len) {
		assert_int_equal(pe_arm64_code(codes, at, &code), OK);
		buf_append_str(out, "0x");
		text_hex(slice_sub(codes, at, code.len), out);
		buf_append_byte(out, '\n');
	}
}

static size_t
write_arm64(const struct pe *pe, struct buf *out)
{
	size_t n_packed = 0;
	for (size_t at = 0; at < pe->functions.len; at += PE_ARM64_FUNCTION_BYTES) {
		struct pe_arm64_function f;
		uint32_t begin = pe_u32_of(pe->functions, at / 4);
		assert_int_equal(pe_arm64_find_function(pe, begin, &f), OK);
		buf_printf(out, "Function: 0x%llX\n",
			   (unsigned long long)(pe->identity.preferred_base + begin));
		buf_printf(out, "FunctionLength: %u\n", f.bytes);
		n_packed += pe_arm64_is_packed(&f);
		if (pe_arm64_is_packed(&f))
			write_packed(&f, out);
		else
			write_full(pe, &f, out);
	}
	return n_packed;
}

/* Without the part behind the hex digits of a code, and without the codes of epilogs. */
static void
keep_arm64_lines(struct slice text, struct buf *out)
{
	static const char *const words[] = {"Function",   "0x",        "mov", "stp",
					    "str",        "sub",       "end", "EpilogueScopes [",
					    "Epilogue [", "Prologue ["};
	struct buf lines;
	buf_init(&lines, RUN_TOOL_OUTPUT_MOST);
	keep_lines(text, words, 10, &lines);
	bool is_epilog = false;
	for (struct slice rest = buf_slice(&lines), line; slice_cut(rest, '\n', &line, &rest);) {
		struct slice code = line;
		struct slice behind;
		if (line.data[0] == 'E' || line.data[0] == 'P' || line.data[0] == 'F')
			is_epilog = line.data[0] == 'E';
		if (is_epilog || line.data[0] == 'P')
			continue;
		(void)slice_cut(line, ';', &code, &behind);
		buf_append(out, slice_trim(code));
		buf_append_byte(out, '\n');
	}
	buf_done(&lines);
}

static void
arm64_data_equals_that_of_readobj(const struct symbols *symbols)
{
	struct buf theirs;
	struct buf kept;
	struct buf ours;
	describe("--unwind", &theirs);
	buf_init(&kept, RUN_TOOL_OUTPUT_MOST);
	buf_init(&ours, RUN_TOOL_OUTPUT_MOST);
	keep_arm64_lines(buf_slice(&theirs), &kept);
	assert_true(write_arm64(pe_of(symbols), &ours) >= 3);
	buf_append_byte(&ours, 0);
	buf_append_byte(&kept, 0);
	assert_same_text(&ours, &kept);
	buf_done(&ours);
	buf_done(&kept);
	buf_done(&theirs);
}

/* As the loader lays it out. */
static void
map(struct stepper *s, const struct pe *pe)
{
	s->image_bytes = (pe->identity.image_bytes + 4095u) / 4096 * 4096;
	s->image = aligned_alloc(4096, s->image_bytes);
	assert_non_null(s->image);
	memset(s->image, 0, s->image_bytes);
	for (size_t at = 0; at < s->image_bytes; at += 512)
		(void)pe_read_loaded(pe, s->base, at, s->image + at, 512);
}

static void
step(const struct symbols *symbols, uint64_t parameter)
{
	const struct pe *pe = pe_of(symbols);
	struct stepper s = {
		.arch = pe->identity.arch,
		.symbols = symbols,
		.base = UINT64_C(0x140000000),
	};
	map(&s, pe);
	stepper_call(&s, true, export_rva(symbols, "entry"), parameter);
	free(s.image);
	print_message("%zu instructions, %zu frames\n", s.n_steps, s.n_frames);
	assert_true(s.n_steps > 400 && s.n_steps < STEPPER_STEPS_MOST);
	assert_int_equal(s.n_wrong, 0);
}

static const char *const optimizations[] = {"-O0", "-O1", "-O2", "-Os -fno-omit-frame-pointer",
					    "-O2 -fno-optimize-sibling-calls"};

enum {
	N_OPTIMIZATIONS = sizeof(optimizations) / sizeof(optimizations[0])
};

static void
amd64_images_unwind_at_every_instruction(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_OPTIMIZATIONS; i++) {
		struct buf file;
		build("x86_64", optimizations[i], &file);
		struct symbols *symbols = opened(&file);
		exports_equal_those_of_readobj(symbols);
		amd64_data_equals_that_of_readobj(symbols);
		step(symbols, 7);
		step(symbols, 4);
		symbols_free(symbols);
		buf_done(&file);
	}
}

static void
amd64_images_of_gcc_unwind_at_every_instruction(void **state)
{
	(void)state;
	if (!has_tool("x86_64-w64-mingw32-gcc")) {
		print_message("skip: images of gcc (no gcc-mingw-w64-x86-64)\n");
		return;
	}
	for (size_t i = 0; i < N_OPTIMIZATIONS; i++) {
		struct buf file;
		build_with_gcc(optimizations[i], &file);
		struct symbols *symbols = opened(&file);
		step(symbols, 7);
		step(symbols, 4);
		symbols_free(symbols);
		buf_done(&file);
	}
}

static void
arm64_images_unwind_at_every_instruction(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_OPTIMIZATIONS; i++) {
		struct buf file;
		build("aarch64", optimizations[i], &file);
		struct symbols *symbols = opened(&file);
		exports_equal_those_of_readobj(symbols);
		if (i == 2)
			arm64_data_equals_that_of_readobj(symbols);
		step(symbols, 7);
		step(symbols, 4);
		symbols_free(symbols);
		buf_done(&file);
	}
}

static void
x86_images_have_names_only(void **state)
{
	(void)state;
	struct buf file;
	struct symbol symbol;
	build("i686", "-O2", &file);
	struct symbols *symbols = opened(&file);
	exports_equal_those_of_readobj(symbols);
	uint64_t rva = export_rva(symbols, "recursive");
	assert_int_equal(symbols_find(symbols, rva + 3, &symbol), OK);
	assert_true(slice_equal_str(symbol.places[0].function, "recursive"));
	struct unwind unwind = {.callee.arch = ARCH_X86, .rva = rva, .is_innermost = true};
	assert_int_equal(symbols_unwind(symbols, &unwind), ERR_NOTFOUND);
	symbols_free(symbols);
	buf_done(&file);
}

/* The GUID that the linker printed into the image, as readobj shows it. */
static void
the_identity_equals_that_of_readobj(void **state)
{
	(void)state;
	struct buf file;
	struct buf theirs;
	char line[128];
	build("x86_64", "-O2", &file);
	struct symbols *symbols = opened(&file);
	const struct pe_identity *id = pe_identity(pe_of(symbols));
	assert_true(slice_equal_str(id->debug_name, "program.pdb"));
	assert_int_equal(id->debug_id.len, 33);
	describe("--coff-debug-directory --file-headers", &theirs);
	buf_append_byte(&theirs, 0);
	/* They print the bytes as they lie: the first three numbers are turned round. */
	static const uint8_t order[16] = {3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};
	const char *g = (const char *)id->debug_id.data;
	size_t n = (size_t)snprintf(line, sizeof(line), "PDBGUID: (");
	for (size_t i = 0; i < 16; i++)
		n += (size_t)snprintf(line + n, sizeof(line) - n, "%.2s%s", g + 2 * order[i],
				      i == 15 ? ")" : " ");
	assert_non_null(strstr((const char *)theirs.data, line));
	(void)snprintf(line, sizeof(line), "PDBAge: %c\n", g[32]);
	assert_non_null(strstr((const char *)theirs.data, line));
	(void)snprintf(line, sizeof(line), "SizeOfImage: %u\n", id->image_bytes);
	assert_non_null(strstr((const char *)theirs.data, line));
	(void)snprintf(line, sizeof(line), "(0x%X)\n", id->timestamp);
	assert_non_null(strstr((const char *)theirs.data, line));
	symbols_free(symbols);
	buf_done(&theirs);
	buf_done(&file);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(amd64_images_unwind_at_every_instruction),
		cmocka_unit_test(amd64_images_of_gcc_unwind_at_every_instruction),
		cmocka_unit_test(arm64_images_unwind_at_every_instruction),
		cmocka_unit_test(x86_images_have_names_only),
		cmocka_unit_test(the_identity_equals_that_of_readobj),
	};
	if (!has_tool("clang-14") || !has_tool("lld-link-14") || !has_tool("llvm-readobj-14")) {
		print_message("skip: images of a real compiler (no clang-14, lld-14, llvm-14)\n");
		return 0;
	}
	scratch_make(folder);
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	scratch_remove(folder);
	return failed;
}
