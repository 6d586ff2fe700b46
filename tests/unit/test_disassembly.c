#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "dump/disassembly.h"

/* Reads from a copy of exactly its length. */
static bool
read_code(enum arch arch, const uint8_t *code, size_t n, struct instruction *ret_instruction)
{
	struct disassembler *d = disassembler_new(arch);
	uint8_t *copy = malloc(n == 0 ? 1 : n);
	assert_non_null(copy);
	if (n > 0)
		memcpy(copy, code, n);
	bool is_read = disassembler_read(d, slice_of(copy, n), 0x401000, ret_instruction);
	free(copy);
	disassembler_free(d);
	return is_read;
}

#define READ_CODE(arch, instruction, ...)                                                          \
	do {                                                                                       \
		static const uint8_t bytes[] = {__VA_ARGS__};                                      \
		assert_true(read_code(arch, bytes, sizeof(bytes), instruction));                   \
	} while (0)

static void
refuses_bytes_that_are_no_instruction(void **state)
{
	static const uint8_t prefixes[32] = {0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66,
					     0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66,
					     0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66,
					     0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x90};
	static const uint8_t cut[] = {0x8b, 0x84};
	struct instruction in;
	(void)state;
	assert_false(read_code(ARCH_X86, cut, 0, &in));
	assert_false(read_code(ARCH_X86, cut, 1, &in));
	assert_false(read_code(ARCH_X86, cut, 2, &in));
	assert_false(read_code(ARCH_AMD64, prefixes, sizeof(prefixes), &in));
}

static void
reads_any_two_bytes_and_what_follows(void **state)
{
	(void)state;
	for (unsigned arch = ARCH_X86; arch <= ARCH_AMD64; arch++) {
		struct disassembler *d = disassembler_new((enum arch)arch);
		for (unsigned i = 0; i < 65536; i++) {
			uint8_t code[15] = {(uint8_t)i, (uint8_t)(i >> 8), 0x80, 0xff, 0x25, 0x7f};
			struct instruction in;
			if (!disassembler_read(d, slice_of(code, sizeof(code)), 0, &in))
				continue;
			assert_in_range(in.bytes, 1, INSTRUCTION_BYTES_MAX);
			assert_in_range(in.n_operands, 0, INSTRUCTION_OPERANDS_MAX);
			for (unsigned o = 0; o < in.n_operands; o++)
				assert_true(in.operands[o].base < REGISTERS_MAX &&
					    in.operands[o].reg < REGISTERS_MAX);
		}
		disassembler_free(d);
	}
}

static void
knows_two_processors(void **state)
{
	(void)state;
	assert_null(disassembler_new(ARCH_ARM));
	assert_null(disassembler_new(ARCH_ARM64));
	assert_null(disassembler_new(ARCH_UNKNOWN));
	disassembler_free(NULL);
}

static void
tells_where_operands_are(void **state)
{
	struct instruction in;
	(void)state;
	/* mov dword ptr [eax + ecx*4 + 0x10], edx */
	READ_CODE(ARCH_X86, &in, 0x89, 0x54, 0x88, 0x10);
	assert_int_equal(in.bytes, 4);
	assert_int_equal(in.n_operands, 2);
	assert_int_equal(in.operands[0].kind, OPERAND_MEMORY);
	assert_int_equal(in.operands[0].base, X86_EAX);
	assert_int_equal(in.operands[0].index, X86_ECX);
	assert_int_equal(in.operands[0].scale, 4);
	assert_int_equal(in.operands[0].displacement, 0x10);
	assert_int_equal(in.operands[0].bytes, 4);
	assert_true(in.operands[0].is_written && !in.operands[0].is_read);
	assert_int_equal(in.operands[1].kind, OPERAND_REGISTER);
	assert_int_equal(in.operands[1].reg, X86_EDX);
	assert_true(in.operands[1].is_read && !in.operands[1].is_written);
	assert_string_equal(in.text, "mov dword ptr [eax + ecx*4 + 0x10], edx");
}

static void
names_whole_registers(void **state)
{
	struct instruction in;
	(void)state;
	READ_CODE(ARCH_X86, &in, 0x88, 0xe0); /* mov al, ah */
	assert_int_equal(in.operands[0].reg, X86_EAX);
	assert_int_equal(in.operands[1].reg, X86_EAX);
	assert_int_equal(in.operands[0].bytes, 1);
	READ_CODE(ARCH_AMD64, &in, 0x45, 0x89, 0xf9); /* mov r9d, r15d */
	assert_int_equal(in.operands[0].reg, AMD64_R8 + 1);
	assert_int_equal(in.operands[1].reg, AMD64_R15);
	READ_CODE(ARCH_AMD64, &in, 0x0f, 0x28, 0xc1); /* movaps xmm0, xmm1 */
	assert_int_equal(in.operands[0].kind, OPERAND_OTHER);
}

static void
tells_kinds_apart(void **state)
{
	static const struct {
		enum instruction_kind kind;
		uint8_t n;
		uint8_t code[4];
	} rows[] = {
		{INSTRUCTION_JUMP, 2, {0xeb, 0xfe}},
		{INSTRUCTION_JUMP, 2, {0x74, 0x00}},
		{INSTRUCTION_CALL, 2, {0xff, 0xd0}},
		{INSTRUCTION_RETURN, 1, {0xc3}},
		{INSTRUCTION_RETURN, 1, {0xcf}},
		{INSTRUCTION_STRING, 2, {0xf3, 0xa4}},
		{INSTRUCTION_STRING, 2, {0xf2, 0xae}},
		{INSTRUCTION_STRING, 1, {0xa7}},
		{INSTRUCTION_COMPARISON, 2, {0x85, 0xc0}},
		{INSTRUCTION_PUSH, 1, {0x55}},
		{INSTRUCTION_OTHER, 4, {0xf2, 0x0f, 0x10, 0x00}},
		{INSTRUCTION_OTHER, 1, {0x90}},
	};
	struct instruction in;
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_true(read_code(ARCH_X86, rows[i].code, rows[i].n, &in));
		if (in.kind != rows[i].kind)
			fail_msg("%s: kind %d", in.text, (int)in.kind);
	}
}

static void
tells_stores_from_loads(void **state)
{
	static const struct {
		bool is_read;
		bool is_written;
		uint8_t n;
		uint8_t code[4];
	} rows[] = {
		{false, true, 3, {0x0f, 0x11, 0x00}},       /* movups [eax], xmm0 */
		{false, true, 4, {0x66, 0x0f, 0x7f, 0x00}}, /* movdqa [eax], xmm0 */
		{false, true, 2, {0xd9, 0x18}},             /* fstp [eax] */
		{true, true, 2, {0x01, 0x08}},              /* add [eax], ecx */
		{true, false, 2, {0x39, 0x08}},             /* cmp [eax], ecx */
		{true, false, 3, {0x0f, 0xa3, 0x08}},       /* bt [eax], ecx */
		{true, false, 2, {0xd9, 0x00}},             /* fld [eax] */
		{true, false, 2, {0xf7, 0x30}},             /* div [eax] */
		{true, false, 2, {0xff, 0x30}},             /* push [eax] */
		{false, true, 3, {0x0f, 0x94, 0x00}},       /* sete [eax] */
	};
	struct instruction in;
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_true(read_code(ARCH_X86, rows[i].code, rows[i].n, &in));
		assert_int_equal(in.operands[0].kind, OPERAND_MEMORY);
		if (in.operands[0].is_read != rows[i].is_read ||
		    in.operands[0].is_written != rows[i].is_written)
			fail_msg("%s", in.text);
	}
}

static void
does_not_take_an_address_for_an_access(void **state)
{
	struct instruction in;
	(void)state;
	READ_CODE(ARCH_X86, &in, 0x8d, 0x50, 0x08); /* lea edx, [eax + 8] */
	assert_int_equal(in.operands[1].kind, OPERAND_OTHER);
	READ_CODE(ARCH_X86, &in, 0x0f, 0x1f, 0x00); /* nop [eax] */
	assert_int_equal(in.operands[0].kind, OPERAND_OTHER);
}

/* ---- addresses ---- */

static void
adds_up_addresses(void **state)
{
	struct registers registers = {.arch = ARCH_AMD64};
	struct instruction in;
	uint64_t address = 1;
	(void)state;
	/* mov rax, [rbx + rcx*8 - 0x10] */
	READ_CODE(ARCH_AMD64, &in, 0x48, 0x8b, 0x44, 0xcb, 0xf0);
	assert_false(operand_address(&in, &in.operands[1], &registers, &address));
	registers_set(&registers, AMD64_RBX, 0x1000);
	assert_false(operand_address(&in, &in.operands[1], &registers, &address));
	registers_set(&registers, AMD64_RCX, UINT64_MAX);
	assert_false(operand_address(&in, &in.operands[0], &registers, &address));
	assert_int_equal(address, 1);
	assert_true(operand_address(&in, &in.operands[1], &registers, &address));
	assert_int_equal(address, 0x1000 - 8 - 0x10);
	/* mov eax, [rip + 0x10]: from the next instruction on */
	READ_CODE(ARCH_AMD64, &in, 0x8b, 0x05, 0x10, 0, 0, 0);
	assert_true(operand_address(&in, &in.operands[1], &registers, &address));
	assert_int_equal(address, 0x401016);
	/* mov rax, gs:[0x60]; mov rax, fs:[rbx] */
	READ_CODE(ARCH_AMD64, &in, 0x65, 0x48, 0x8b, 0x04, 0x25, 0x60, 0, 0, 0);
	assert_false(operand_address(&in, &in.operands[1], &registers, &address));
	READ_CODE(ARCH_AMD64, &in, 0x64, 0x48, 0x8b, 0x03);
	assert_false(operand_address(&in, &in.operands[1], &registers, &address));
}

static void
cuts_addresses_to_32_bits(void **state)
{
	struct registers registers = {.arch = ARCH_X86};
	struct instruction in;
	uint64_t address;
	(void)state;
	registers_set(&registers, X86_EAX, 0xfffffff0);
	READ_CODE(ARCH_X86, &in, 0x8b, 0x40, 0x20); /* mov eax, [eax + 0x20] */
	assert_true(operand_address(&in, &in.operands[1], &registers, &address));
	assert_int_equal(address, 0x10);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_bytes_that_are_no_instruction),
		cmocka_unit_test(reads_any_two_bytes_and_what_follows),
		cmocka_unit_test(knows_two_processors),
		cmocka_unit_test(tells_where_operands_are),
		cmocka_unit_test(names_whole_registers),
		cmocka_unit_test(tells_kinds_apart),
		cmocka_unit_test(tells_stores_from_loads),
		cmocka_unit_test(does_not_take_an_address_for_an_access),
		cmocka_unit_test(adds_up_addresses),
		cmocka_unit_test(cuts_addresses_to_32_bits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
