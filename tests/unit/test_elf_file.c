/* ELF files that are broken on purpose, and what a reader may not do: write, open, abort. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "image_memory.h"
#include "image_tools.h"
#include "scratch.h"
#include "symbols/elf_internal.h"

enum {
	COMMAND_BYTES = 2048,
	CUT_STEP = 509,
	LOOKED_UP = 64
};

static char folder[SCRATCH_PATH_BYTES];
static struct buf program;
static unsigned n_opened;

/* With large files this is open64, by which the libraries open: ours counts. */
int
open(const char *path, int flags, ...)
{
	n_opened++;
	return (int)syscall(SYS_openat, AT_FDCWD, path, flags, 0600);
}

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

static void
compile(const char *options, struct buf *ret_file)
{
	char path[COMMAND_BYTES];
	const char *source = getenv("OPENWER_SOURCE");
	char absolute[COMMAND_BYTES / 4];
	if (realpath(source == NULL ? "." : source, absolute) == NULL)
		fail_msg("no source");
	run("gcc -shared -fPIC -nostdlib -fno-stack-protector -w -Wl,--build-id -O2 -g %s "
	    "%s/tests/support/unwind_program.c -o %s/program.so",
	    options, absolute, folder);
	(void)snprintf(path, sizeof(path), "%s/program.so", folder);
	read_file(path, ret_file);
}

static err_t
open_bytes(struct slice bytes, struct symbols **ret_symbols)
{
	struct err_detail detail = {.why = ""};
	err_t err = elf_open(bytes, ret_symbols, &detail);
	assert_true(err == OK || detail.why[0] != 0);
	return err;
}

/* Everything that can be asked, at places all over the image. */
static void
ask_all(struct symbols *symbols)
{
	static struct fake_memory stack;
	const struct elf_identity *id = elf_identity(elf_of(symbols));
	fake_memory_init(&stack, FAKE_MEMORY_BASE);
	for (uint64_t i = 0; i < LOOKED_UP; i++) {
		struct symbol symbol;
		struct unwind unwind = {
			.memory = &stack.memory,
			.callee = {.arch = id->arch},
			.rva = (id->image_bytes < 65536 ? id->image_bytes : 65536) * i / LOOKED_UP,
		};
		for (int k = 0; k < REGISTERS_MAX; k++)
			registers_set(&unwind.callee, k, FAKE_MEMORY_BASE + 1024);
		(void)!symbols_find(symbols, unwind.rva, &symbol);
		(void)!symbols_unwind(symbols, &unwind);
	}
}

static void
assert_refused_with(size_t at, uint64_t value, unsigned bytes, err_t err)
{
	struct symbols *symbols = NULL;
	uint8_t *copy = malloc(program.len);
	assert_non_null(copy);
	memcpy(copy, program.data, program.len);
	for (unsigned i = 0; i < bytes; i++)
		copy[at + i] = (uint8_t)(value >> (8 * i));
	assert_int_equal(open_bytes(slice_of(copy, program.len), &symbols), err);
	assert_null(symbols);
	free(copy);
}

static void
refuses_what_is_no_program(void **state)
{
	(void)state;
	struct symbols *symbols = NULL;
	assert_int_equal(open_bytes(SLICE_LITERAL(""), &symbols), ERR_UNSUPPORTED);
	assert_int_equal(open_bytes(SLICE_LITERAL("!<arch>\n"), &symbols), ERR_UNSUPPORTED);
	assert_int_equal(open_bytes(SLICE_LITERAL("\177ELF"), &symbols), ERR_UNSUPPORTED);
	assert_int_equal(open_bytes(slice_of("MZ\0\0\0\0\0\0", 8), &symbols), ERR_UNSUPPORTED);
	assert_refused_with(EI_DATA, ELFDATA2MSB, 1, ERR_UNSUPPORTED);
	assert_refused_with(offsetof(Elf64_Ehdr, e_type), ET_CORE, 2, ERR_UNSUPPORTED);
	assert_refused_with(offsetof(Elf64_Ehdr, e_type), ET_REL, 2, ERR_UNSUPPORTED);
	assert_refused_with(offsetof(Elf64_Ehdr, e_machine), EM_S390, 2, ERR_UNSUPPORTED);
	assert_refused_with(offsetof(Elf64_Ehdr, e_machine), EM_386, 2, ERR_UNSUPPORTED);
}

static void
refuses_program_headers_that_contradict_the_file(void **state)
{
	(void)state;
	size_t first = sizeof(Elf64_Ehdr);
	assert_refused_with(offsetof(Elf64_Ehdr, e_phnum), 0, 2, ERR_CORRUPT);
	assert_refused_with(first + offsetof(Elf64_Phdr, p_vaddr), UINT64_MAX - 1, 8, ERR_CORRUPT);
	assert_refused_with(offsetof(Elf64_Ehdr, e_phoff), program.len - 8, 8, ERR_CORRUPT);
}

/* All code segments of a file that has too many. */
static void
refuses_more_code_segments_than_any_linker_makes(void **state)
{
	(void)state;
	struct symbols *symbols = NULL;
	const Elf64_Phdr segment = {.p_type = PT_LOAD, .p_flags = PF_X, .p_memsz = 16};
	Elf64_Ehdr header;
	struct buf file;
	memcpy(&header, program.data, sizeof(header));
	header.e_phoff = sizeof(header);
	header.e_phnum = ELF_CODE_SEGMENTS_MOST + 1;
	header.e_shnum = 0;
	header.e_shoff = 0;
	header.e_shstrndx = 0;
	buf_init(&file, RUN_TOOL_OUTPUT_MOST);
	buf_append(&file, slice_of(&header, sizeof(header)));
	for (unsigned i = 0; i <= ELF_CODE_SEGMENTS_MOST; i++)
		buf_append(&file, slice_of(&segment, sizeof(segment)));
	assert_int_equal(open_bytes(buf_slice(&file), &symbols), ERR_LIMIT);
	file.data[offsetof(Elf64_Ehdr, e_phnum)]--;
	assert_int_equal(open_bytes(buf_slice(&file), &symbols), OK);
	assert_int_equal(elf_identity(elf_of(symbols))->parts, 0);
	ask_all(symbols);
	symbols_free(symbols);
	buf_done(&file);
}

static size_t
header_of_section(const struct buf *file, const char *name)
{
	Elf64_Ehdr header;
	GElf_Shdr section;
	Elf *elf = elf_of_bytes(buf_slice(file));
	Elf_Scn *found = elf_section(elf, name, &section);
	if (found == NULL)
		fail_msg("no section %s", name);
	memcpy(&header, file->data, sizeof(header));
	size_t at = header.e_shoff + elf_ndxscn(found) * sizeof(Elf64_Shdr);
	(void)elf_end(elf);
	return at;
}

/* What a packed section says that it becomes is asked before libdw allocates it. */
static void
refuses_sections_that_inflate_too_far(void **state)
{
	(void)state;
	static const char *const options[] = {"-gz=zlib", "-gz=zlib-gnu"};
	static const char *const names[] = {".debug_info", ".zdebug_info"};
	static const size_t places[] = {offsetof(Elf64_Chdr, ch_size), 4};
	for (size_t i = 0; i < 2; i++) {
		struct buf file;
		struct symbols *symbols = NULL;
		Elf64_Shdr section;
		compile(options[i], &file);
		memcpy(&section, file.data + header_of_section(&file, names[i]), sizeof(section));
		memset(file.data + section.sh_offset + places[i], 0x7f, 8);
		assert_int_equal(open_bytes(buf_slice(&file), &symbols), ERR_LIMIT);
		buf_done(&file);
	}
}

static void
files_that_end_early_are_read_as_far_as_they_go(void **state)
{
	(void)state;
	for (size_t n = 0; n < program.len; n += n < 1024 ? 7 : CUT_STEP) {
		struct symbols *symbols = NULL;
		uint8_t *cut = malloc(n + 1);
		assert_non_null(cut);
		memcpy(cut, program.data, n);
		if (open_bytes(slice_of(cut, n), &symbols) == OK) {
			ask_all(symbols);
			symbols_free(symbols);
		}
		free(cut);
	}
}

/* Every section in turn becomes noise. */
static void
a_broken_part_costs_only_itself(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		unsigned broken;
		bool has_name;
	} cases[] = {
		{".debug_info", 0, true},     {".debug_abbrev", 0, true}, {".debug_line", 0, true},
		{".debug_rnglists", 0, true}, {".debug_str", 0, true},    {".eh_frame", 0, true},
		{".eh_frame_hdr", 0, true},   {".symtab", 0, true},       {".strtab", 0, true},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct symbols *symbols = NULL;
		struct symbol symbol;
		Elf64_Shdr section;
		uint8_t *copy = malloc(program.len);
		assert_non_null(copy);
		memcpy(copy, program.data, program.len);
		memcpy(&section, copy + header_of_section(&program, cases[i].name),
		       sizeof(section));
		for (size_t k = 0; k < section.sh_size; k++)
			copy[section.sh_offset + k] ^= (uint8_t)(0x55 + 7 * k);
		assert_int_equal(open_bytes(slice_of(copy, program.len), &symbols), OK);
		ask_all(symbols);
		size_t n_found = 0;
		for (uint64_t rva = 0x1000; rva < 0x1800; rva += 16)
			n_found += symbols_find(symbols, rva, &symbol) == OK;
		assert_int_equal(n_found > 10, cases[i].has_name);
		symbols_free(symbols);
		free(copy);
	}
}

/* Lengths and counts of one section after the other become as large as can be. */
static void
section_headers_cannot_be_made_to_lie(void **state)
{
	(void)state;
	static const char *const names[] = {".symtab",           ".strtab",   ".dynsym",
					    ".debug_info",       ".eh_frame", ".debug_line",
					    ".note.gnu.build-id"};
	static const uint64_t values[] = {0, 1, 0x7fffffff, UINT64_MAX, UINT64_MAX - 8};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		for (size_t field = 0; field < sizeof(Elf64_Shdr); field += 8)
			for (size_t k = 0; k < 5; k++) {
				struct symbols *symbols = NULL;
				uint8_t *copy = malloc(program.len);
				assert_non_null(copy);
				memcpy(copy, program.data, program.len);
				memcpy(copy + header_of_section(&program, names[i]) + field,
				       &values[k], 8);
				if (open_bytes(slice_of(copy, program.len), &symbols) == OK) {
					ask_all(symbols);
					symbols_free(symbols);
				}
				free(copy);
			}
}

static void
a_line_table_over_the_limit_is_left_out(void **state)
{
	(void)state;
	struct symbols *symbols = NULL;
	struct symbol symbol;
	Elf64_Shdr section;
	const uint32_t too_long = LIMIT_ELF_LINE_BYTES + 1;
	uint8_t *copy = malloc(program.len);
	assert_non_null(copy);
	memcpy(copy, program.data, program.len);
	memcpy(&section, copy + header_of_section(&program, ".debug_line"), sizeof(section));
	memcpy(copy + section.sh_offset, &too_long, 4);
	assert_int_equal(open_bytes(slice_of(copy, program.len), &symbols), OK);
	assert_int_equal(symbols_find(symbols, 0x1100, &symbol), OK);
	assert_int_equal(symbol.places[0].line, 0);
	assert_true(slice_is_absent(symbol.places[0].file));
	symbols_free(symbols);
	free(copy);
}

static void
the_input_is_never_written_to(void **state)
{
	(void)state;
	struct symbols *symbols = NULL;
	static const char *const options[] = {"", "-gz=zlib", "-gz=zlib-gnu"};
	for (size_t i = 0; i < 3; i++) {
		struct buf file;
		compile(options[i], &file);
		size_t bytes = (file.len + 4095) / 4096 * 4096;
		uint8_t *pages = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
				      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		assert_true(pages != MAP_FAILED);
		memcpy(pages, file.data, file.len);
		assert_int_equal(mprotect(pages, bytes, PROT_READ), 0);
		assert_int_equal(open_bytes(slice_of(pages, file.len), &symbols), OK);
		ask_all(symbols);
		symbols_free(symbols);
		assert_int_equal(munmap(pages, bytes), 0);
		buf_done(&file);
	}
}

/* An odd address: libelf may not take the file's structures as they lie. */
static void
the_input_need_not_be_aligned(void **state)
{
	(void)state;
	struct symbols *symbols = NULL;
	struct symbol symbol;
	uint8_t *copy = malloc(program.len + 1);
	assert_non_null(copy);
	memcpy(copy + 1, program.data, program.len);
	assert_int_equal(open_bytes(slice_of(copy + 1, program.len), &symbols), OK);
	assert_int_equal(symbols_find(symbols, 0x1100, &symbol), OK);
	ask_all(symbols);
	symbols_free(symbols);
	free(copy);
}

/* Split units and alternate files name other files, which lie there and are not opened. */
static void
no_other_file_is_opened(void **state)
{
	(void)state;
	struct buf file;
	struct symbols *symbols = NULL;
	char path[COMMAND_BYTES];
	compile("-gsplit-dwarf", &file);
	buf_done(&file);
	(void)snprintf(path, sizeof(path), "%s/link", folder);
	FILE *link = fopen(path, "w");
	assert_non_null(link);
	(void)fprintf(link, "/etc/passwd%c0123456789abcdefghij", 0);
	assert_int_equal(fclose(link), 0);
	run("objcopy --add-section .gnu_debugaltlink=%s/link %s/program.so %s/linked.so", folder,
	    folder, folder);
	(void)snprintf(path, sizeof(path), "%s/linked.so", folder);
	read_file(path, &file);
	n_opened = 0;
	assert_int_equal(open_bytes(buf_slice(&file), &symbols), OK);
	ask_all(symbols);
	symbols_free(symbols);
	assert_int_equal(n_opened, 0);
	buf_done(&file);
	/* The counter counts what libdw opens. */
	int fd = open("/proc/self/exe", O_RDONLY);
	assert_true(fd >= 0);
	assert_int_equal(n_opened, 1);
	(void)close(fd);
}

static void
a_file_without_build_id_is_known_by_its_code(void **state)
{
	(void)state;
	struct buf file;
	struct symbols *symbols = NULL;
	Elf64_Shdr section;
	uint8_t folded[16] = {0};
	char expected[40];
	compile("-Wl,--build-id=none", &file);
	memcpy(&section, file.data + header_of_section(&file, ".text"), sizeof(section));
	for (size_t i = 0; i < section.sh_size / 16 * 16 && i < 4096; i++)
		folded[i % 16] ^= file.data[section.sh_offset + i];
	(void)snprintf(expected, sizeof(expected), "%02X%02X%02X%02X%02X%02X", folded[3], folded[2],
		       folded[1], folded[0], folded[5], folded[4]);
	assert_int_equal(open_bytes(buf_slice(&file), &symbols), OK);
	const struct elf_identity *id = elf_identity(elf_of(symbols));
	assert_true(slice_is_absent(id->build_id));
	assert_true(slice_is_absent(id->code_id));
	assert_int_equal(id->debug_id.len, 33);
	assert_memory_equal(id->debug_id.data, expected, 12);
	symbols_free(symbols);
	buf_done(&file);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_what_is_no_program),
		cmocka_unit_test(refuses_program_headers_that_contradict_the_file),
		cmocka_unit_test(refuses_more_code_segments_than_any_linker_makes),
		cmocka_unit_test(refuses_sections_that_inflate_too_far),
		cmocka_unit_test(files_that_end_early_are_read_as_far_as_they_go),
		cmocka_unit_test(a_broken_part_costs_only_itself),
		cmocka_unit_test(section_headers_cannot_be_made_to_lie),
		cmocka_unit_test(a_line_table_over_the_limit_is_left_out),
		cmocka_unit_test(the_input_is_never_written_to),
		cmocka_unit_test(the_input_need_not_be_aligned),
		cmocka_unit_test(no_other_file_is_opened),
		cmocka_unit_test(a_file_without_build_id_is_known_by_its_code),
	};
	scratch_make(folder);
	(void)elf_version(EV_CURRENT);
	compile("", &program);
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	buf_done(&program);
	scratch_remove(folder);
	return failed;
}
