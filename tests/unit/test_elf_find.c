/* Functions, lines and inlined calls beside those of addr2line; what stripped files still say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "image_tools.h"
#include "scratch.h"
#include "symbols/elf_internal.h"

enum {
	OPTIONS_BYTES = 512,
	COMMAND_BYTES = 2048,
	ADDRESSES_MOST = 3000
};

static char folder[SCRATCH_PATH_BYTES];

static void
run(const char *format, ...)
{
	char command[COMMAND_BYTES];
	va_list list;
	va_start(list, format);
	(void)vsnprintf(command, sizeof(command), format, list);
	va_end(list);
	if (!run_tool(command, NULL))
		fail_msg("%s", command);
}

static struct symbols *
opened(const char *path, struct buf *ret_file)
{
	struct symbols *symbols = NULL;
	struct err_detail detail = {.why = ""};
	read_file(path, ret_file);
	if (elf_open(buf_slice(ret_file), &symbols, &detail) != OK)
		fail_msg("%s: %s", path, detail.why);
	return symbols;
}

static void
compile(const char *compiler, const char *options)
{
	const char *source = getenv("OPENWER_SOURCE");
	run("%s -shared -fPIC -nostdlib -fno-stack-protector -w -Wl,--build-id %s "
	    "%s/tests/support/unwind_program.c -o %s/program.so",
	    compiler, options, source == NULL ? "." : source, folder);
}

static struct symbols *
opened_in_folder(const char *name, struct buf *ret_file)
{
	char path[COMMAND_BYTES];
	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	return opened(path, ret_file);
}

static void
write_list(const char *list, const uint64_t *addresses, size_t n)
{
	FILE *file = fopen(list, "w");
	assert_non_null(file);
	for (size_t i = 0; i < n; i++)
		(void)fprintf(file, "0x%llx\n", (unsigned long long)addresses[i]);
	assert_int_equal(fclose(file), 0);
}

/* What a tool says for the addresses in FOLDER/addresses, as the file has them. */
static void
ask(const char *tool, const char *path, struct buf *out)
{
	char command[COMMAND_BYTES * 2];
	buf_init(out, RUN_TOOL_OUTPUT_MOST);
	(void)snprintf(command, sizeof(command), "%s -a -f -i -e %s @%s/addresses", tool, path,
		       folder);
	if (!run_tool(command, out))
		fail_msg("%s", command);
}

static struct slice
next_line(struct slice *text)
{
	struct slice line = *text;
	struct slice rest = {0};
	(void)slice_cut(*text, '\n', &line, &rest);
	*text = rest;
	return line;
}

static struct slice
last_part(struct slice path)
{
	for (size_t i = path.len; i > 0; i--)
		if (path.data[i - 1] == '/')
			return slice_sub(path, i, SIZE_MAX);
	return path;
}

/* "file.c:12 (discriminator 3)", "file.c:?", "??:0" */
static bool
is_same_place(const struct symbol_place *ours, struct slice function, struct slice where)
{
	struct slice number = where;
	struct slice rest;
	uint64_t line = 0;
	(void)slice_cut(where, ' ', &where, &rest);
	while (slice_cut(number, ':', &rest, &number))
		continue;
	struct slice file = slice_sub(where, 0, where.len - number.len - 1);
	(void)slice_cut(number, ' ', &number, &rest);
	file = last_part(slice_sub(where, 0, where.len - number.len - 1));
	(void)slice_to_u64(number, &line);
	bool has_file = !slice_equal_str(file, "??");
	return slice_equal(ours->function, function) && ours->line == line &&
	       (!has_file || slice_equal(last_part(ours->file), file));
}

/* The lines of one address; how many of ours differ. */
static bool
is_same(const struct symbol *symbol, struct slice *text)
{
	bool is_equal = true;
	size_t i = 0;
	while (text->len > 0 && !slice_starts_with(*text, SLICE_LITERAL("0x"))) {
		struct slice function = next_line(text);
		struct slice where = next_line(text);
		if (i >= symbol->n_places || !is_same_place(&symbol->places[i], function, where))
			is_equal = false;
		i++;
	}
	return is_equal && i == symbol->n_places;
}

static void
show(const struct symbol *symbol, struct slice theirs)
{
	for (size_t i = 0; i < symbol->n_places; i++)
		print_error("ours: %.*s %.*s:%u\n", SLICE_ARGS(symbol->places[i].function),
			    SLICE_ARGS(symbol->places[i].file), symbol->places[i].line);
	print_error("theirs: %.*s\n", (int)(theirs.len < 400 ? theirs.len : 400), theirs.data);
}

static size_t
list_addresses(struct elf *elf, uint64_t step, uint64_t *addresses)
{
	const struct elf_symbol *name;
	char list[COMMAND_BYTES];
	size_t n = 0;
	(void)!elf_find_name(elf, 0, &name); /* makes the index */
	for (size_t i = 0; i < elf->n_names; i++) {
		const char *here = elf->names[i].name;
		if (strncmp(here, "_sub_", 5) == 0 || strstr(here, "gcov") != NULL)
			continue; /* made by sanitizers and the like: no line of source */
		for (uint64_t at = elf->names[i].start; at < elf->names[i].end; at += step)
			if (elf->names[i].has_size && n < ADDRESSES_MOST)
				addresses[n++] = at;
	}
	(void)snprintf(list, sizeof(list), "%s/addresses", folder);
	write_list(list, addresses, n);
	return n;
}

/* Every STEP bytes of all functions; how many differ, of how many.  The two tools of binutils and
 * of LLVM differ where one of them is wrong, so one of them has to agree. */
static size_t
count_differences(const char *path, const struct symbols *symbols, uint64_t step, size_t *ret_n)
{
	static uint64_t addresses[ADDRESSES_MOST];
	struct elf *elf = (struct elf *)(uintptr_t)symbols;
	struct buf out[2];
	size_t n = list_addresses(elf, step, addresses);
	size_t n_wrong = 0;
	ask("addr2line", path, &out[0]);
	ask("llvm-addr2line-14", path, &out[1]);
	struct slice first = buf_slice(&out[0]);
	struct slice second = buf_slice(&out[1]);
	for (size_t i = 0; i < n; i++) {
		struct symbol symbol;
		(void)next_line(&first);
		(void)next_line(&second);
		struct slice theirs = first;
		if (symbols_find(symbols, addresses[i] - elf->identity.base, &symbol) != OK)
			fail_msg("0x%llx: nothing", (unsigned long long)addresses[i]);
		assert_true(symbol.function_rva <= addresses[i] - elf->identity.base);
		bool is_same_as_first = is_same(&symbol, &first);
		bool is_same_as_second = is_same(&symbol, &second);
		if (!is_same_as_first && !is_same_as_second && n_wrong++ < 5) {
			print_error("at 0x%llx\n", (unsigned long long)addresses[i]);
			show(&symbol, theirs);
		}
	}
	buf_done(&out[0]);
	buf_done(&out[1]);
	*ret_n = n;
	return n_wrong;
}

static void
places_equal_those_of_addr2line(const char *compiler, const char *options)
{
	char path[COMMAND_BYTES];
	struct buf file;
	size_t n;
	compile(compiler, options);
	(void)snprintf(path, sizeof(path), "%s/program.so", folder);
	struct symbols *symbols = opened_in_folder("program.so", &file);
	size_t n_wrong = count_differences(path, symbols, 1, &n);
	print_message("%s %s: %zu of %zu\n", compiler, options, n - n_wrong, n);
	assert_int_equal(n_wrong, 0);
	assert_true(n > 500);
	symbols_free(symbols);
	buf_done(&file);
}

static void
lines_of_functions_equal_those_of_addr2line(void **state)
{
	(void)state;
	places_equal_those_of_addr2line("gcc", "-g -O0");
	places_equal_those_of_addr2line("gcc", "-g -O2");
	places_equal_those_of_addr2line("gcc", "-gdwarf-4 -O2");
	places_equal_those_of_addr2line("clang-14", "-gdwarf-5 -O2");
	places_equal_those_of_addr2line("clang-14", "-gdwarf-4 -O1");
}

static void
inlined_calls_equal_those_of_addr2line(void **state)
{
	(void)state;
	places_equal_those_of_addr2line("gcc", "-g -O2 -DKEEP=");
	places_equal_those_of_addr2line("gcc", "-gdwarf-3 -O3 -DKEEP=");
	places_equal_those_of_addr2line("clang-14", "-g -O2 -DKEEP=");
	places_equal_those_of_addr2line("clang-14", "-g -O2 -DKEEP= -x c++");
}

static void
packed_sections_are_read(void **state)
{
	(void)state;
	places_equal_those_of_addr2line("gcc", "-g -O2 -gz=zlib");
	places_equal_those_of_addr2line("gcc", "-g -O2 -gz=zlib-gnu");
}

/* A program of many units: this one. */
static void
this_program_is_read_as_addr2line_does(void **state)
{
	(void)state;
	struct buf file;
	size_t n;
	struct symbols *symbols = opened("/proc/self/exe", &file);
	char path[COMMAND_BYTES];
	ssize_t len = readlink("/proc/self/exe", path, sizeof(path) - 1);
	assert_true(len > 0);
	path[len] = 0;
	size_t n_wrong = count_differences(path, symbols, 301, &n);
	print_message("this program: %zu of %zu\n", n - n_wrong, n);
	assert_true(n > 300);
	assert_int_equal(n_wrong, 0);
	symbols_free(symbols);
	buf_done(&file);
}

static void
assert_named(const struct symbols *symbols, uint64_t rva, const char *name, uint32_t line)
{
	struct symbol symbol;
	assert_int_equal(symbols_find(symbols, rva, &symbol), OK);
	assert_true(slice_equal_str(symbol.places[symbol.n_places - 1].function, name));
	assert_int_equal(symbol.places[0].line != 0, line);
	assert_int_equal(slice_is_absent(symbol.places[0].file), !line);
}

static uint64_t
rva_of(struct symbols *symbols, const char *name)
{
	struct elf *elf = (struct elf *)symbols;
	const struct elf_symbol *symbol;
	(void)!elf_find_name(elf, 0, &symbol);
	for (size_t i = 0; i < elf->n_names; i++)
		if (strcmp(elf->names[i].name, name) == 0)
			return elf->names[i].start - elf->identity.base;
	fail_msg("no symbol %s", name);
	return 0;
}

/* The program without its debug information, the file that has it, and the program stripped. */
static void
split_files_each_say_what_they_have(void **state)
{
	(void)state;
	struct buf files[3];
	struct symbol symbol;
	compile("gcc", "-g -O2");
	run("objcopy --only-keep-debug %s/program.so %s/program.debug", folder, folder);
	run("objcopy --strip-debug --add-gnu-debuglink=%s/program.debug %s/program.so %s/plain.so",
	    folder, folder, folder);
	run("strip -o %s/stripped.so %s/program.so", folder, folder);
	struct symbols *debug = opened_in_folder("program.debug", &files[0]);
	struct symbols *plain = opened_in_folder("plain.so", &files[1]);
	struct symbols *stripped = opened_in_folder("stripped.so", &files[2]);
	const struct elf_identity *debug_id = elf_identity(elf_of(debug));
	const struct elf_identity *plain_id = elf_identity(elf_of(plain));
	assert_int_equal(debug_id->parts, ELF_SYMBOLS | ELF_DWARF | ELF_LINES);
	assert_int_equal(plain_id->parts, ELF_SYMBOLS | ELF_CALL_FRAMES);
	assert_true(slice_equal(debug_id->debug_id, plain_id->debug_id));
	assert_true(slice_equal_str(plain_id->debug_link, "program.debug"));
	uint64_t rva = rva_of(plain, "recursive") + 5;
	assert_named(debug, rva, "recursive", true);
	assert_named(plain, rva, "recursive", false);
	assert_named(stripped, rva, "recursive", false); /* it is exported */
	assert_int_equal(symbols_find(debug, UINT64_MAX, &symbol), ERR_NOTFOUND);
	assert_int_equal(symbols_find(debug, 0, &symbol), ERR_NOTFOUND);
	struct unwind unwind = {.rva = rva, .callee.arch = ARCH_AMD64};
	assert_int_equal(symbols_unwind(debug, &unwind), ERR_NOTFOUND);
	symbols_free(debug);
	symbols_free(plain);
	symbols_free(stripped);
	for (size_t i = 0; i < 3; i++)
		buf_done(&files[i]);
}

static void
the_build_id_is_the_one_that_readelf_shows(void **state)
{
	(void)state;
	struct buf file;
	struct buf notes;
	char command[COMMAND_BYTES];
	char line[COMMAND_BYTES];
	compile("gcc", "-g -O2");
	struct symbols *symbols = opened_in_folder("program.so", &file);
	const struct elf_identity *id = elf_identity(elf_of(symbols));
	buf_init(&notes, RUN_TOOL_OUTPUT_MOST);
	(void)snprintf(command, sizeof(command), "readelf -nW %s/program.so", folder);
	assert_true(run_tool(command, &notes));
	buf_append_byte(&notes, 0);
	(void)snprintf(line, sizeof(line), "Build ID: %.*s", SLICE_ARGS(id->code_id));
	assert_non_null(strstr((const char *)notes.data, line));
	assert_int_equal(id->build_id.len, 20);
	assert_int_equal(id->debug_id.len, 33);
	buf_done(&notes);
	symbols_free(symbols);
	buf_done(&file);
}

/* Symbols that are not exported, packed as distributions do. */
static void
packed_symbol_tables_name_what_is_not_exported(void **state)
{
	(void)state;
	struct buf file;
	compile("gcc", "-g -O2 -fvisibility=hidden -DEXPORT_NOTHING");
	run("cp %s/program.so %s/mini", folder, folder);
	run("objcopy --strip-debug --keep-symbol=recursive %s/mini", folder);
	run("xz -kf %s/mini", folder);
	run("strip -o %s/stripped.so %s/program.so", folder, folder);
	run("objcopy --add-section .gnu_debugdata=%s/mini.xz %s/stripped.so %s/packed.so", folder,
	    folder, folder);
	struct symbols *symbols = opened_in_folder("packed.so", &file);
	assert_int_equal(elf_identity(elf_of(symbols))->parts,
			 ELF_SYMBOLS | ELF_MINIDEBUG | ELF_CALL_FRAMES);
	assert_named(symbols, rva_of(symbols, "recursive") + 5, "recursive", false);
	symbols_free(symbols);
	/* The same, cut off in the middle of the packed table. */
	GElf_Shdr header;
	Elf *elf = elf_of_bytes(buf_slice(&file));
	assert_non_null(elf_section(elf, ".gnu_debugdata", &header));
	(void)elf_end(elf);
	memset(file.data + header.sh_offset + header.sh_size / 2, 0xff, header.sh_size / 4);
	struct symbol symbol;
	assert_int_equal(elf_open(buf_slice(&file), &symbols, NULL), OK);
	assert_int_equal(symbols_find(symbols, 0x1100, &symbol), ERR_CORRUPT);
	symbols_free(symbols);
	buf_done(&file);
}

static struct symbols *
assemble(const char *const *parts, const char *options, struct buf *ret_file)
{
	char path[COMMAND_BYTES];
	(void)snprintf(path, sizeof(path), "%s/program.s", folder);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	for (; *parts != NULL; parts++)
		assert_true(fputs(*parts, file) >= 0);
	assert_int_equal(fclose(file), 0);
	run("gcc -shared -nostdlib %s %s/program.s -o %s/program.so", options, folder, folder);
	return opened_in_folder("program.so", ret_file);
}

static void
code_of_assembler_has_its_name_from_the_symbol_table(void **state)
{
	(void)state;
	struct buf file;
	struct symbol symbol;
	static const char *const text[] = {
		".text\n.globl label\nlabel:\nnop\nnop\nret\n",
		".globl sized\n.type sized, @function\nsized: nop\nret\n",
		".size sized, . - sized\n",
		NULL,
	};
	struct symbols *symbols = assemble(text, "-g", &file);
	uint64_t rva = rva_of(symbols, "label");
	assert_int_equal(symbols_find(symbols, rva + 2, &symbol), OK);
	assert_true(slice_equal_str(symbol.places[0].function, "label"));
	assert_true(slice_ends_with(symbol.places[0].file, SLICE_LITERAL("program.s")));
	assert_int_equal(symbol.places[0].line, 6);
	assert_int_equal(symbol.function_rva, rva);
	assert_int_equal(symbols_find(symbols, rva + 3, &symbol), OK);
	assert_true(slice_equal_str(symbol.places[0].function, "sized"));
	symbols_free(symbols);
	buf_done(&file);
}

/* DWARF 4 by hand: a unit without ranges, and functions whose names lead astray. */
#define ABBREVIATION(code, tag, children, attributes)                                              \
	".uleb128 " code ", " tag "\n.byte " children "\n.uleb128 " attributes ", 0, 0\n"
#define FUNCTION(code, start, bytes, name)                                                         \
	".uleb128 " code "\n.quad " start "\n.long " bytes "\n" name "\n"
#define LOW_HIGH "0x11, 1, 0x12, 6, "

static const char *const astray[] = {
	".text\n",
	".irp name, plain, itself, elsewhere, unnamed\n",
	".globl \\name\n.type \\name, @function\n\\name: nop\nnop\nnop\nret\n",
	".size \\name, 4\n.endr\n",
	".section .debug_abbrev\nabbreviations:\n",
	ABBREVIATION("1", "0x11", "1", "0x03, 8"),               /* unit */
	ABBREVIATION("2", "0x2e", "0", LOW_HIGH "0x03, 8"),      /* by its name */
	ABBREVIATION("3", "0x2e", "0", LOW_HIGH "0x31, 0x13"),   /* origin: an entry here */
	ABBREVIATION("4", "0x2e", "0", LOW_HIGH "0x31, 0x1f20"), /* origin in another file */
	ABBREVIATION("5", "0x2e", "0", LOW_HIGH "0x03, 0x1f21"), /* name in another file */
	".byte 0\n.section .debug_info\n.long end - start\n",
	"start: .short 4\n.long abbreviations\n.byte 8\n",
	".uleb128 1\n.asciz \"unit\"\n",
	FUNCTION("2", "0", "4", ".asciz \"left_out_by_the_linker\""),
	FUNCTION("2", "plain", "16", ".asciz \"around_all\""),
	FUNCTION("2", "plain", "4", ".asciz \"by_its_name\""),
	"self: ",
	FUNCTION("3", "itself", "4", ".long self - start + 4"),
	FUNCTION("4", "elsewhere", "4", ".long 11"),
	FUNCTION("5", "unnamed", "4", ".long 0"),
	".byte 0\nend:\n",
	NULL,
};

static void
names_that_lead_to_themselves_or_to_other_files_are_left_alone(void **state)
{
	(void)state;
	struct buf file;
	struct symbols *symbols = assemble(astray, "", &file);
	struct symbol symbol;
	static const struct {
		const char *symbol;
		const char *name;
	} cases[] = {{"plain", "by_its_name"},
		     {"itself", "itself"},
		     {"elsewhere", "elsewhere"},
		     {"unnamed", "unnamed"}};
	for (size_t i = 0; i < 4; i++) {
		uint64_t rva = rva_of(symbols, cases[i].symbol);
		assert_int_equal(symbols_find(symbols, rva + 2, &symbol), OK);
		if (!slice_equal_str(symbol.places[0].function, cases[i].name))
			fail_msg("%.*s", SLICE_ARGS(symbol.places[0].function));
		assert_int_equal(symbol.function_rva, rva);
		assert_int_equal(symbol.places[0].line, 0);
	}
	assert_int_equal(elf_identity(elf_of(symbols))->broken, 0);
	symbols_free(symbols);
	buf_done(&file);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_of_functions_equal_those_of_addr2line),
		cmocka_unit_test(inlined_calls_equal_those_of_addr2line),
		cmocka_unit_test(packed_sections_are_read),
		cmocka_unit_test(this_program_is_read_as_addr2line_does),
		cmocka_unit_test(split_files_each_say_what_they_have),
		cmocka_unit_test(the_build_id_is_the_one_that_readelf_shows),
		cmocka_unit_test(packed_symbol_tables_name_what_is_not_exported),
		cmocka_unit_test(code_of_assembler_has_its_name_from_the_symbol_table),
		cmocka_unit_test(names_that_lead_to_themselves_or_to_other_files_are_left_alone),
	};
	scratch_make(folder);
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	scratch_remove(folder);
	return failed;
}
