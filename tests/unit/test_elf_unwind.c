/* Programs of real compilers, unwound at every instruction; and rules that are broken. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "image_memory.h"
#include "image_tools.h"
#include "scratch.h"
#include "stepper.h"
#include "symbols/elf_internal.h"

enum {
	OPTIONS_BYTES = 512,
	COMMAND_BYTES = 2048
};

#define CLANG "clang-14 -fuse-ld=lld -Wl,--build-id -Wl,-Bsymbolic"
#define SHARED "-shared -fPIC -nostdlib -fno-builtin -fno-stack-protector -g -w"

static char folder[SCRATCH_PATH_BYTES];

/* Compiles the program of tests/support into FOLDER/program.so and reads it. */
static struct symbols *
build(const char *compiler, const char *options, struct buf *ret_file)
{
	char command[COMMAND_BYTES];
	char path[COMMAND_BYTES];
	struct symbols *symbols = NULL;
	struct err_detail detail = {.why = ""};
	const char *source = getenv("OPENWER_SOURCE");
	(void)snprintf(command, sizeof(command),
		       "%s " SHARED " %s %s/tests/support/unwind_program.c -o %s/program.so",
		       compiler, options, source == NULL ? "." : source, folder);
	if (!run_tool(command, NULL))
		fail_msg("%s", command);
	(void)snprintf(path, sizeof(path), "%s/program.so", folder);
	read_file(path, ret_file);
	if (elf_open(buf_slice(ret_file), &symbols, &detail) != OK)
		fail_msg("%s", detail.why);
	return symbols;
}

/* As the loader lays it out; what it relocates are addresses of functions and data. */
static void
map(struct stepper *s, const struct elf *elf)
{
	size_t n;
	s->image_bytes = (elf->identity.image_bytes + 4095u) / 4096 * 4096;
	s->image = aligned_alloc(4096, s->image_bytes);
	assert_non_null(s->image);
	memset(s->image, 0, s->image_bytes);
	assert_int_equal(elf_getphdrnum(elf->elf, &n), 0);
	for (size_t i = 0; i < n; i++) {
		GElf_Phdr segment;
		assert_non_null(gelf_getphdr(elf->elf, (int)i, &segment));
		if (segment.p_type == PT_LOAD)
			memcpy(s->image + (segment.p_vaddr - elf->identity.base),
			       elf->file.data + segment.p_offset, segment.p_filesz);
	}
}

static void
relocate_word(struct stepper *s, uint64_t at, uint64_t value)
{
	for (unsigned i = 0; i < arch_pointer_bytes(s->arch); i++)
		s->image[at + i] = (uint8_t)(value >> (8 * i));
}

/* Only relocations that name a symbol of the program itself occur, and relative ones. */
static void
relocate(struct stepper *s, const struct elf *elf)
{
	GElf_Shdr header;
	Elf_Scn *section = NULL;
	Elf_Data *names = elf_getdata(elf_section(elf->elf, ".dynsym", &header), NULL);
	while ((section = elf_nextscn(elf->elf, section)) != NULL) {
		Elf_Data *data = elf_getdata(section, NULL);
		assert_non_null(gelf_getshdr(section, &header));
		bool has_addend = header.sh_type == SHT_RELA;
		if (!has_addend && header.sh_type != SHT_REL)
			continue;
		for (int i = 0; (uint64_t)i < header.sh_size / header.sh_entsize; i++) {
			GElf_Rela r = {0};
			GElf_Rel plain;
			GElf_Sym symbol = {0};
			if (has_addend) {
				assert_non_null(gelf_getrela(data, i, &r));
			} else {
				assert_non_null(gelf_getrel(data, i, &plain));
				r.r_offset = plain.r_offset;
				r.r_info = plain.r_info;
			}
			if (GELF_R_SYM(r.r_info) != 0)
				assert_non_null(
					gelf_getsym(names, (int)GELF_R_SYM(r.r_info), &symbol));
			relocate_word(s, r.r_offset - elf->identity.base,
				      s->base - elf->identity.base + symbol.st_value +
					      (uint64_t)r.r_addend);
		}
	}
}

static const struct elf_symbol *
symbol_of(struct symbols *symbols, const char *name)
{
	struct elf *elf = (struct elf *)symbols;
	const struct elf_symbol *symbol;
	assert_int_equal(elf_find_name(elf, 0, &symbol), ERR_NOTFOUND); /* makes the index */
	for (size_t i = 0; i < elf->n_names; i++)
		if (strcmp(elf->names[i].name, name) == 0)
			return &elf->names[i];
	fail_msg("no symbol %s", name);
	return NULL;
}

/* Compilers describe arm code between calls only: prologs and epilogs say too little.  There only
 * the frames above the function that calls nothing are looked at. */
static void
step(struct symbols *symbols, uint64_t parameter)
{
	const struct elf *elf = elf_of(symbols);
	const struct elf_symbol *leaf = symbol_of(symbols, "leaf");
	struct stepper s = {
		.arch = elf->identity.arch,
		.symbols = symbols,
		.base = elf->identity.is_64 ? UINT64_C(0x140000000) : UINT64_C(0x40000000),
	};
	if (s.arch == ARCH_ARM || s.arch == ARCH_ARM64) {
		s.from = leaf->start - elf->identity.base;
		s.to = leaf->end - elf->identity.base;
	}
	map(&s, elf);
	relocate(&s, elf);
	stepper_call(&s, false, symbol_of(symbols, "entry")->start - elf->identity.base, parameter);
	free(s.image);
	print_message("%s: %zu instructions, %zu frames\n", arch_name(s.arch), s.n_steps,
		      s.n_frames);
	assert_true(s.n_steps > 300 && s.n_steps < STEPPER_STEPS_MOST);
	assert_int_equal(s.n_wrong, 0);
}

static void
unwinds_at_every_instruction(const char *compiler, const char *options)
{
	static const char *const optimizations[] = {"-O0", "-O1", "-O2",
						    "-Os -fno-omit-frame-pointer"};
	char all[OPTIONS_BYTES];
	for (size_t i = 0; i < 4; i++) {
		struct buf file;
		(void)snprintf(all, sizeof(all), "%s %s", options, optimizations[i]);
		struct symbols *symbols = build(compiler, all, &file);
		step(symbols, 7);
		step(symbols, 4);
		symbols_free(symbols);
		buf_done(&file);
	}
}

static void
amd64_programs_unwind_at_every_instruction(void **state)
{
	(void)state;
	unwinds_at_every_instruction("gcc -Wl,--build-id -Wl,-z,now", "");
	unwinds_at_every_instruction(CLANG, "--target=x86_64-linux-gnu");
	unwinds_at_every_instruction(CLANG, "--target=x86_64-linux-gnu -fno-asynchronous-unwind-"
					    "tables -fno-unwind-tables"); /* .debug_frame */
}

static void
x86_programs_unwind_at_every_instruction(void **state)
{
	(void)state;
	unwinds_at_every_instruction(CLANG, "--target=i686-linux-gnu -msse2");
}

static void
arm64_programs_unwind_at_every_instruction(void **state)
{
	(void)state;
	unwinds_at_every_instruction(CLANG, "--target=aarch64-linux-gnu "
					    "-fasynchronous-unwind-tables");
	unwinds_at_every_instruction(CLANG, "--target=aarch64-linux-gnu "
					    "-mbranch-protection=pac-ret");
}

static void
arm_programs_unwind_by_debug_frame(void **state)
{
	(void)state;
	unwinds_at_every_instruction(CLANG, "--target=armv7-linux-gnueabihf -marm");
}

/* Rules by hand: label, rule, and what must come out. */
static const char rules[] =
	".text\n.globl code\ncode:\n.cfi_startproc\n"
	"nop\n.cfi_register %rbx, %r12\n"           /* 1: rbx is in r12 */
	"nop\n.cfi_register %rip, %rax\n"           /* 2: the return address is in rax */
	"nop\n.cfi_undefined %rip\n"                /* 3: nothing called this */
	"nop\n.cfi_escape 0x16, 16, 2, 0x70, 5\n"   /* 4: rip is rax + 5 */
	"nop\n.cfi_escape 0x10, 16, 2, 0x77, 16\n"  /* 5: rip is at rsp + 16 */
	"nop\n.cfi_escape 0x0f, 3, 0x77, 8, 0x06\n" /* 6: the frame's address is at rsp + 8 */
	"nop\n.cfi_escape 0x0f, 1, 0x12\n"          /* 7: and an expression that is broken */
	"nop\n.cfi_escape 0x0f, 1, 0x57\n"          /* 8: or names a register */
	"nop\n.cfi_endproc\n"
	".globl signal\nsignal:\n.cfi_startproc\n.cfi_signal_frame\n"
	".cfi_def_cfa %rsp, 64\n.cfi_offset %rip, -8\n.cfi_offset %rax, -16\n"
	"nop\nnop\n.cfi_endproc\n"
	".globl huge\nhuge:\n.cfi_startproc\n"
	".cfi_escape 0x16, 0xff, 0xff, 0xff, 0xff, 0x0f, 1, 0x30\nnop\n.cfi_endproc\n";

#define SP (FAKE_MEMORY_BASE + 0x1000)

/* Words of the stack have their address as value. */
static err_t
unwind_at(const struct symbols *symbols, uint64_t rva, struct unwind *unwind)
{
	static struct fake_memory stack;
	fake_memory_init(&stack, FAKE_MEMORY_BASE);
	for (uint64_t at = 0; at < FAKE_MEMORY_BYTES; at += 8)
		fake_memory_put(&stack, FAKE_MEMORY_BASE + at, FAKE_MEMORY_BASE + at, 8);
	*unwind = (struct unwind){
		.memory = &stack.memory,
		.callee = {.arch = ARCH_AMD64},
		.rva = rva,
		.is_innermost = true,
	};
	for (int i = 0; i < AMD64_N; i++)
		registers_set(&unwind->callee, i, 0x100 + (uint64_t)i);
	registers_set(&unwind->callee, AMD64_RSP, SP);
	return symbols_unwind(symbols, unwind);
}

static struct symbols *
assemble_rules(struct buf *ret_file)
{
	char command[COMMAND_BYTES];
	char path[COMMAND_BYTES];
	struct symbols *symbols = NULL;
	(void)snprintf(path, sizeof(path), "%s/rules.s", folder);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	assert_true(fputs(rules, file) >= 0);
	assert_int_equal(fclose(file), 0);
	(void)snprintf(command, sizeof(command), "gcc -shared -nostdlib %s/rules.s -o %s/rules.so",
		       folder, folder);
	assert_true(run_tool(command, NULL));
	(void)snprintf(path, sizeof(path), "%s/rules.so", folder);
	read_file(path, ret_file);
	assert_int_equal(elf_open(buf_slice(ret_file), &symbols, NULL), OK);
	return symbols;
}

static void
each_kind_of_rule_is_followed(void **state)
{
	(void)state;
	struct buf file;
	struct unwind u;
	uint64_t value;
	struct symbols *symbols = assemble_rules(&file);
	uint64_t code = symbol_of(symbols, "code")->start - elf_of(symbols)->identity.base;
	assert_int_equal(unwind_at(symbols, code, &u), OK);
	assert_int_equal(registers_pc(&u.caller), SP);
	assert_int_equal(registers_sp(&u.caller), SP + 8);
	assert_false(registers_get(&u.caller, AMD64_RAX, &value));
	assert_int_equal(unwind_at(symbols, code + 1, &u), OK);
	assert_true(registers_get(&u.caller, AMD64_RBX, &value));
	assert_int_equal(value, 0x100 + AMD64_R8 + 4);
	assert_int_equal(unwind_at(symbols, code + 2, &u), OK);
	assert_int_equal(registers_pc(&u.caller), 0x100 + AMD64_RAX);
	assert_int_equal(unwind_at(symbols, code + 3, &u), OK);
	assert_true(registers_get(&u.caller, AMD64_RIP, &value));
	assert_int_equal(value, 0); /* known, and nothing */
	assert_int_equal(unwind_at(symbols, code + 4, &u), OK);
	assert_int_equal(registers_pc(&u.caller), 0x105);
	assert_int_equal(unwind_at(symbols, code + 5, &u), OK);
	assert_int_equal(registers_pc(&u.caller), SP + 16);
	assert_int_equal(unwind_at(symbols, code + 6, &u), OK);
	assert_int_equal(registers_sp(&u.caller), SP + 8);
	assert_int_equal(unwind_at(symbols, code + 7, &u), ERR_CORRUPT);
	assert_int_equal(unwind_at(symbols, code + 8, &u), ERR_CORRUPT);
	assert_int_equal(unwind_at(symbols, 0x10, &u), ERR_NOTFOUND);
	symbols_free(symbols);
	buf_done(&file);
}

static void
a_signal_frame_has_all_registers_and_no_return_address(void **state)
{
	(void)state;
	struct buf file;
	struct unwind u;
	uint64_t value;
	struct symbols *symbols = assemble_rules(&file);
	uint64_t rva = symbol_of(symbols, "signal")->start - elf_of(symbols)->identity.base;
	assert_int_equal(unwind_at(symbols, rva, &u), OK);
	assert_true(u.caller_is_interrupted);
	assert_int_equal(registers_pc(&u.caller), SP + 56);
	assert_true(registers_get(&u.caller, AMD64_RAX, &value));
	assert_int_equal(value, SP + 48);
	u.callee.known = 0;
	assert_int_equal(symbols_unwind(symbols, &u), ERR_TRUNCATED);
	u.callee.arch = ARCH_X86;
	assert_int_equal(symbols_unwind(symbols, &u), ERR_NOTFOUND);
	symbols_free(symbols);
	buf_done(&file);
}

static void
a_rule_for_a_register_beyond_all_reason_is_refused(void **state)
{
	(void)state;
	struct buf file;
	struct unwind u;
	struct symbols *symbols = assemble_rules(&file);
	uint64_t rva = symbol_of(symbols, "huge")->start - elf_of(symbols)->identity.base;
	assert_int_equal(unwind_at(symbols, rva, &u), ERR_NOTFOUND);
	symbols_free(symbols);
	buf_done(&file);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_kind_of_rule_is_followed),
		cmocka_unit_test(a_signal_frame_has_all_registers_and_no_return_address),
		cmocka_unit_test(a_rule_for_a_register_beyond_all_reason_is_refused),
		cmocka_unit_test(amd64_programs_unwind_at_every_instruction),
		cmocka_unit_test(x86_programs_unwind_at_every_instruction),
		cmocka_unit_test(arm64_programs_unwind_at_every_instruction),
		cmocka_unit_test(arm_programs_unwind_by_debug_frame),
	};
	scratch_make(folder);
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	scratch_remove(folder);
	return failed;
}
