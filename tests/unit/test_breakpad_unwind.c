#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fake_memory.h"
#include "symbols/breakpad.h"
#include "symbols/cfi.h"
#include "symbols/postfix.h"

#define STACK_BASE UINT64_C(0x12fe00)

/* A stack of words of 8 bytes, the n-th with the value 0x100 + n. */
static struct fake_memory
words8(uint8_t bytes[256])
{
	for (unsigned i = 0; i < 256; i++)
		bytes[i] = i % 8 == 0 ? (uint8_t)(i / 8) : i % 8 == 1;
	return (struct fake_memory){STACK_BASE, slice_of(bytes, 256)};
}

/* The same of 4 bytes: 0x1000 + n, which code_between takes for code. */
static struct fake_memory
words4(uint8_t bytes[256])
{
	for (unsigned i = 0; i < 256; i++)
		bytes[i] = i % 4 == 0 ? (uint8_t)(i / 4) : i % 4 == 1 ? 0x10 : 0;
	return (struct fake_memory){STACK_BASE, slice_of(bytes, 256)};
}

struct bench {
	uint8_t bytes[256];
	struct fake_memory fake;
	struct memory memory;
	struct unwind unwind;
};

static void
prepare(struct bench *bench, enum arch arch, uint64_t rva)
{
	*bench = (struct bench){0};
	bench->fake = arch_pointer_bytes(arch) == 8 ? words8(bench->bytes) : words4(bench->bytes);
	bench->memory = fake_memory(&bench->fake);
	bench->unwind = (struct unwind){.memory = &bench->memory, .rva = rva};
	bench->unwind.callee.arch = arch;
	registers_set(&bench->unwind.callee, registers_sp_index(arch), STACK_BASE);
	registers_set(&bench->unwind.callee, registers_pc_index(arch), rva);
}

static err_t
unwind(struct bench *bench, const char *text)
{
	struct symbols *symbols;
	assert_int_equal(breakpad_open(slice_str(text), &symbols, NULL), OK);
	err_t err = symbols_unwind(symbols, &bench->unwind);
	symbols_free(symbols);
	return err;
}

static void
assert_caller(const struct bench *bench, const char *name, uint64_t value)
{
	const struct registers *caller = &bench->unwind.caller;
	uint64_t got = 0;
	if (!registers_get(caller, registers_find(caller->arch, slice_str(name)), &got))
		fail_msg("%s is not known", name);
	assert_int_equal(got, value);
}

static void
assert_lost(const struct bench *bench, const char *name)
{
	const struct registers *caller = &bench->unwind.caller;
	uint64_t got;
	assert_false(registers_get(caller, registers_find(caller->arch, slice_str(name)), &got));
}

#define RULES "STACK CFI INIT 1000 20 .cfa: $rsp 8 + .ra: .cfa -8 + ^\n"

static void
refuses_broken_rules(void **state)
{
	static const struct {
		const char *rules;
		err_t err;
	} rows[] = {
		{"no_colon", ERR_CORRUPT},
		{".cfa:", ERR_CORRUPT},
		{": 1", ERR_CORRUPT},
		{".cfa: .ra: 1", ERR_CORRUPT},
		{".cfa: 1", ERR_NOTFOUND},
		{".ra: 1", ERR_NOTFOUND},
		{".cfa: + .ra: 1", ERR_CORRUPT},
		{".cfa: 1 2 .ra: 1", ERR_CORRUPT},
		{".cfa: 1 0 / .ra: 1", ERR_CORRUPT},
		{".cfa: 1 0 % .ra: 1", ERR_CORRUPT},
		{".cfa: 1 3 @ .ra: 1", ERR_CORRUPT},
		{".cfa: 1 0 @ .ra: 1", ERR_CORRUPT},
		{".cfa: $rax 1 = .ra: 1", ERR_CORRUPT},
		{".cfa: .cfa .ra: 1", ERR_TRUNCATED},
		{".cfa: $nonsense .ra: 1", ERR_TRUNCATED},
		{".cfa: $rbx .ra: 1", ERR_TRUNCATED},
		{".cfa: 5 ^ .ra: 1", ERR_TRUNCATED},
		{".cfa: .undef .ra: 1", ERR_CORRUPT},
		{".cfa: 99999999999999999999 .ra: 1", ERR_CORRUPT},
		{".cfa: 1 .ra: ^", ERR_CORRUPT},
		{".cfa: 1 .ra: 5 ^", ERR_TRUNCATED},
		{".cfa: 1 .ra: 1 $rbx: ^", ERR_CORRUPT},
		{".cfa: 1 .ra: 1 $rsp: 5 ^", ERR_TRUNCATED},
		{".cfa: 1 .ra: 1 $rip: .undef", ERR_TRUNCATED},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct bench bench;
		struct buf text;
		prepare(&bench, ARCH_AMD64, 0x1000);
		buf_init(&text, 1024);
		buf_printf(&text, "STACK CFI INIT 1000 20 %s\n", rows[i].rules);
		buf_append_byte(&text, '\0');
		err_t got = unwind(&bench, (const char *)text.data);
		if (got != rows[i].err)
			fail_msg("%s: %s", rows[i].rules, err_name(got));
		buf_done(&text);
	}
}

static void
refuses_an_expression_that_overflows_its_stack(void **state)
{
	struct postfix machine = {.pointer_bytes = 8};
	uint64_t value;
	struct buf text;
	(void)state;
	buf_init(&text, 4096);
	for (unsigned i = 0; i < POSTFIX_DEPTH_MAX; i++)
		buf_append_str(&text, "1 ");
	for (unsigned i = 1; i < POSTFIX_DEPTH_MAX; i++)
		buf_append_str(&text, "+ ");
	assert_int_equal(postfix_value(&machine, buf_slice(&text), &value), OK);
	assert_int_equal(value, POSTFIX_DEPTH_MAX);
	buf_reset(&text);
	for (unsigned i = 0; i <= POSTFIX_DEPTH_MAX; i++)
		buf_append_str(&text, "1 ");
	assert_int_equal(postfix_value(&machine, buf_slice(&text), &value), ERR_CORRUPT);
	buf_done(&text);
}

static void
computes_in_the_width_of_the_machine(void **state)
{
	static const struct {
		const char *text;
		uint64_t wide;
		uint64_t narrow;
	} rows[] = {
		{"7 3 -", 4, 4},
		{"3 7 -", UINT64_MAX - 3, UINT32_MAX - 3},
		{"-1", UINT64_MAX, UINT32_MAX},
		{"6 7 *", 42, 42},
		{"17 5 /", 3, 3},
		{"17 5 %", 2, 2},
		{"-1 2 /", INT64_MAX, INT32_MAX},
		{"4660 16 @", 0x1230, 0x1230},
		{"18446744073709551615", UINT64_MAX, UINT32_MAX},
		{" \t8 ", 8, 8},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct postfix machine = {.pointer_bytes = 8};
		uint64_t value = 0;
		assert_int_equal(postfix_value(&machine, slice_str(rows[i].text), &value), OK);
		assert_int_equal(value, rows[i].wide);
		machine.pointer_bytes = 4;
		assert_int_equal(postfix_value(&machine, slice_str(rows[i].text), &value), OK);
		assert_int_equal(value, rows[i].narrow);
	}
}

static void
finds_no_rule_outside_of_the_ranges(void **state)
{
	struct bench bench;
	(void)state;
	prepare(&bench, ARCH_AMD64, 0xfff);
	assert_int_equal(unwind(&bench, RULES), ERR_NOTFOUND);
	prepare(&bench, ARCH_AMD64, 0x1020);
	assert_int_equal(unwind(&bench, RULES), ERR_NOTFOUND);
	prepare(&bench, ARCH_UNKNOWN, 0x1000);
	assert_int_equal(unwind(&bench, RULES), ERR_NOTFOUND);
	prepare(&bench, ARCH_AMD64, 0x1000);
	assert_int_equal(unwind(&bench, "FUNC 1000 20 0 f\n"), ERR_NOTFOUND);
}

static void
applies_the_rows_up_to_the_address(void **state)
{
	static const char text[] = RULES "STACK CFI 1001 .cfa: $rsp 16 + $rbx: .cfa -16 + ^\n"
					 "STACK CFI 1004 $rbp: .cfa -16 + ^ $rbx: 7\n"
					 "STACK CFI 1008 .cfa: $rbp 16 +\n"
					 "STACK CFI INIT 1020 10 .cfa: 1 .ra: 1\n"
					 "STACK CFI 1002 .cfa: 2\n";
	struct bench bench;
	(void)state;
	prepare(&bench, ARCH_AMD64, 0x1000);
	registers_set(&bench.unwind.callee, AMD64_RBX, 0xb);
	registers_set(&bench.unwind.callee, AMD64_RAX, 0xa);
	registers_set(&bench.unwind.callee, AMD64_RSI, 0x51);
	assert_int_equal(unwind(&bench, text), OK);
	assert_int_equal(bench.unwind.way, UNWIND_CFI);
	assert_caller(&bench, "rsp", STACK_BASE + 8);
	assert_caller(&bench, "rip", 0x100);
	assert_caller(&bench, "rbx", 0xb);
	assert_lost(&bench, "rax");
	assert_lost(&bench, "rsi");
	assert_lost(&bench, "rbp"); /* the callee did not know it */

	prepare(&bench, ARCH_AMD64, 0x1003);
	assert_int_equal(unwind(&bench, text), OK);
	assert_caller(&bench, "rsp", STACK_BASE + 16);
	assert_caller(&bench, "rip", 0x101);
	assert_caller(&bench, "rbx", 0x100);

	prepare(&bench, ARCH_AMD64, 0x1007);
	assert_int_equal(unwind(&bench, text), OK);
	assert_caller(&bench, "rbp", 0x100);
	assert_caller(&bench, "rbx", 7);

	prepare(&bench, ARCH_AMD64, 0x1009);
	assert_int_equal(unwind(&bench, text), ERR_TRUNCATED);
	registers_set(&bench.unwind.callee, AMD64_RBP, STACK_BASE + 0x20);
	assert_int_equal(unwind(&bench, text), OK);
	assert_caller(&bench, "rsp", STACK_BASE + 0x30);
	assert_caller(&bench, "rip", 0x105);
}

static void
keeps_the_rule_of_the_higher_row_whatever_the_order(void **state)
{
	static const char text[] = RULES "STACK CFI 1008 .cfa: $rsp 24 +\n"
					 "STACK CFI 1004 .cfa: $rsp 16 +\n";
	struct bench bench;
	(void)state;
	prepare(&bench, ARCH_AMD64, 0x1010);
	assert_int_equal(unwind(&bench, text), OK);
	assert_caller(&bench, "rsp", STACK_BASE + 24);
	prepare(&bench, ARCH_AMD64, 0x1005);
	assert_int_equal(unwind(&bench, text), OK);
	assert_caller(&bench, "rsp", STACK_BASE + 16);
}

static void
keeps_what_the_convention_of_the_system_keeps(void **state)
{
	struct bench bench;
	(void)state;
	prepare(&bench, ARCH_AMD64, 0x1000);
	registers_set(&bench.unwind.callee, AMD64_RSI, 0x51);
	assert_int_equal(unwind(&bench, "MODULE windows x86_64 1 a.pdb\n" RULES), OK);
	assert_caller(&bench, "rsi", 0x51);

	prepare(&bench, ARCH_ARM, 0x1000);
	registers_set(&bench.unwind.callee, 4, 0x44);
	registers_set(&bench.unwind.callee, 3, 0x33);
	registers_set(&bench.unwind.callee, ARM_LR, 0x8001);
	assert_int_equal(unwind(&bench, "STACK CFI INIT 1000 20 .cfa: sp 8 + .ra: lr s16: 1\n"),
			 OK);
	assert_caller(&bench, "r4", 0x44);
	assert_caller(&bench, "pc", 0x8001);
	assert_caller(&bench, "sp", STACK_BASE + 8);
	assert_lost(&bench, "r3");
	assert_lost(&bench, "lr");

	prepare(&bench, ARCH_ARM64, 0x1000);
	registers_set(&bench.unwind.callee, 19, 0x19);
	registers_set(&bench.unwind.callee, ARM64_FP, 0x29);
	registers_set(&bench.unwind.callee, ARM64_LR, 0x8000);
	assert_int_equal(unwind(&bench, "STACK CFI INIT 1000 20 .cfa: sp 0 + .ra: x30\n"
					"STACK CFI 1000 x30: .cfa ^ x20: .undef\n"),
			 OK);
	assert_caller(&bench, "x19", 0x19);
	assert_caller(&bench, "x29", 0x29);
	assert_caller(&bench, "lr", 0x100);
	assert_lost(&bench, "x20");
}

static void
says_that_nothing_called_this(void **state)
{
	struct bench bench;
	(void)state;
	prepare(&bench, ARCH_AMD64, 0x1000);
	assert_int_equal(unwind(&bench, "STACK CFI INIT 1000 20 .cfa: $rsp 8 + .ra: .undef\n"), OK);
	assert_caller(&bench, "rip", 0);
}

static bool
code_between(const void *context, uint64_t address)
{
	const uint64_t *range = context;
	return address >= range[0] && address < range[1];
}

#define STANDARD                                                                                   \
	"$T0 $ebp = $eip $T0 4 + ^ = $ebp $T0 ^ = $esp $T0 8 + = $L $T0 .cbSavedRegs - = "         \
	"$P $T0 4 + .cbParams + ="

static void
runs_a_frame_data_program(void **state)
{
	struct bench bench;
	(void)state;
	prepare(&bench, ARCH_X86, 0x1005);
	registers_set(&bench.unwind.callee, X86_EBP, STACK_BASE + 0x10);
	registers_set(&bench.unwind.callee, X86_EBX, 0xb);
	registers_set(&bench.unwind.callee, X86_EAX, 0xa);
	assert_int_equal(unwind(&bench, "STACK WIN 4 1000 c 1 0 8 0 4 0 1 " STANDARD "\n"), OK);
	assert_int_equal(bench.unwind.way, UNWIND_FRAME_DATA);
	assert_int_equal(bench.unwind.param_bytes, 8);
	assert_caller(&bench, "eip", 0x1005);
	assert_caller(&bench, "esp", STACK_BASE + 0x18);
	assert_caller(&bench, "ebp", 0x1004);
	assert_caller(&bench, "ebx", 0xb);
	assert_lost(&bench, "eax");
	/* Saved registers that the program does not speak of are lost; those it gives are not. */
	assert_int_equal(unwind(&bench, "STACK WIN 4 1000 c 1 0 8 8 4 0 1 " STANDARD
					" $esi $T0 8 - ^ = $24 $T0 12 - ^ =\n"),
			 OK);
	assert_lost(&bench, "ebx");
	assert_caller(&bench, "esi", 0x1002);
	assert_caller(&bench, "edi", 0x1001);
}

static void
goes_on_when_only_saved_registers_cannot_be_read(void **state)
{
	struct bench bench;
	(void)state;
	prepare(&bench, ARCH_X86, 0x1005);
	registers_set(&bench.unwind.callee, X86_EBP, STACK_BASE + 0x10);
	assert_int_equal(unwind(&bench, "STACK WIN 4 1000 c 1 0 8 4 4 0 1 " STANDARD
					" $esi $T0 800 - ^ =\n"),
			 OK);
	assert_lost(&bench, "esi");
}

static void
finds_the_return_address_by_the_sizes_of_an_fpo_record(void **state)
{
	static const uint64_t code[2] = {0x1000, 0x2000};
	static const uint64_t later[2] = {0x1009, 0x2000};
	struct bench bench;
	(void)state;
	/* 8 bytes of arguments of the callee, 4 saved, 12 of locals: 24 bytes, word 6. */
	prepare(&bench, ARCH_X86, 0x1005);
	bench.unwind.callee_param_bytes = 8;
	registers_set(&bench.unwind.callee, X86_EBP, 0xe6b);
	assert_int_equal(unwind(&bench, "STACK WIN 0 1000 c 1 0 10 4 c 0 0 0\n"), OK);
	assert_caller(&bench, "eip", 0x1006);
	assert_caller(&bench, "esp", STACK_BASE + 28);
	assert_caller(&bench, "ebp", 0xe6b);
	assert_int_equal(bench.unwind.param_bytes, 0x10);
	/* ebp is used otherwise: it was saved, and lies at esp + 8 + 4 - 8. */
	assert_int_equal(unwind(&bench, "STACK WIN 0 1000 c 1 0 10 4 c 0 0 1\n"), OK);
	assert_caller(&bench, "ebp", 0x1001);
	/* Only the fourth word on may be code. */
	bench.unwind.is_code = code_between;
	bench.unwind.code_context = later;
	assert_int_equal(unwind(&bench, "STACK WIN 0 1000 c 1 0 10 4 c 0 0 0\n"), OK);
	assert_caller(&bench, "eip", 0x1009);
	/* A system call whose return address is where it stands. */
	bench.unwind.code_context = code;
	bench.unwind.is_innermost = true;
	bench.unwind.callee_param_bytes = 0;
	registers_set(&bench.unwind.callee, X86_EIP, 0x1000);
	assert_int_equal(unwind(&bench, "STACK WIN 0 1000 c 1 0 0 0 0 0 0 0\n"), OK);
	assert_caller(&bench, "eip", 0x1001);
}

static void
takes_the_innermost_of_nested_frame_data(void **state)
{
	static const char text[] = "STACK WIN 4 1000 114 11 0 0 0 0 0 1 $eip 1 = $esp 1 =\n"
				   "STACK WIN 4 100f f5 2 0 0 0 0 0 1 $eip 2 = $esp 1 =\n"
				   "STACK WIN 4 1030 92 0 0 0 0 0 0 1 $eip 3 = $esp 1 =\n"
				   "STACK WIN 4 1030 92 0 0 0 0 0 0 1 $eip 99 = $esp 1 =\n"
				   "STACK WIN 4 1048 a 0 0 0 0 0 0 1 $eip 4 = $esp 1 =\n"
				   "STACK WIN 0 2000 10 0 0 0 0 0 0 0 0\n";
	static const struct {
		uint64_t rva;
		uint64_t pc;
	} rows[] = {{0x1000, 1}, {0x100f, 2}, {0x1030, 3}, {0x1048, 4}, {0x1051, 4}, {0x1052, 3},
		    {0x10c1, 3}, {0x10c2, 2}, {0x1103, 2}, {0x1104, 1}, {0x1113, 1}};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct bench bench;
		prepare(&bench, ARCH_X86, rows[i].rva);
		assert_int_equal(unwind(&bench, text), OK);
		assert_caller(&bench, "eip", rows[i].pc);
	}
	struct bench bench;
	prepare(&bench, ARCH_X86, 0x1114);
	assert_int_equal(unwind(&bench, text), ERR_NOTFOUND);
}

static void
refuses_broken_programs(void **state)
{
	static const struct {
		const char *program;
		err_t err;
	} rows[] = {
		{"", ERR_CORRUPT},
		{"$eip 1 =", ERR_CORRUPT},
		{"$esp 1 =", ERR_CORRUPT},
		{"$eip 1 = $esp 1 = 5", ERR_CORRUPT},
		{"$eip $eip = $esp 1 =", ERR_TRUNCATED},
		{"$eip 1 ^ = $esp 1 =", ERR_TRUNCATED},
		{"eip 1 = $esp 1 =", ERR_CORRUPT},
		{"1 1 =", ERR_CORRUPT},
		{"=", ERR_CORRUPT},
		{"$ 1 =", ERR_CORRUPT},
		{"$a 1 = $b 1 = $c 1 = $d 1 = $e 1 = $f 1 = $g 1 = $h 1 = $i 1 = $j 1 = $k 1 = "
		 "$l 1 = $m 1 = $n 1 = $o 1 = $p 1 = $q 1 =",
		 ERR_CORRUPT},
		{"$eip $99 = $esp 1 =", ERR_TRUNCATED},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct bench bench;
		prepare(&bench, ARCH_X86, 0x1000);
		struct frame_data data = {.program = slice_str(rows[i].program)};
		err_t got = frame_data_unwind(&data, &bench.unwind);
		if (got != rows[i].err)
			fail_msg("%s: %s", rows[i].program, err_name(got));
	}
	struct bench bench;
	struct frame_data data = {0};
	prepare(&bench, ARCH_AMD64, 0x1000);
	assert_int_equal(frame_data_unwind(&data, &bench.unwind), ERR_UNSUPPORTED);
	bench.unwind.callee = (struct registers){.arch = ARCH_X86};
	assert_int_equal(frame_data_unwind(&data, &bench.unwind), ERR_TRUNCATED);
}

static void
tells_the_parameters_of_a_function_without_unwind_rules(void **state)
{
	struct bench bench;
	(void)state;
	prepare(&bench, ARCH_X86, 0x1000);
	assert_int_equal(unwind(&bench, "FUNC 1000 10 c f\n"), ERR_NOTFOUND);
	assert_int_equal(bench.unwind.param_bytes, 12);
	prepare(&bench, ARCH_X86, 0x1000);
	assert_int_equal(unwind(&bench, "PUBLIC 800 8 f\n"), ERR_NOTFOUND);
	assert_int_equal(bench.unwind.param_bytes, 8);
}

/* The numbers of the first frames of Breakpad's own test: `main` called CrashFunction. */
static void
falls_back_from_frame_data_to_cfi(void **state)
{
	struct bench bench;
	(void)state;
	prepare(&bench, ARCH_X86, 0x3d42);
	assert_int_equal(unwind(&bench, "STACK CFI INIT 3d40 af .cfa: $esp 4 + .ra: .cfa 4 - ^\n"
					"STACK CFI 3d41 .cfa: $esp 8 + \n"
					"STACK CFI 3d43 .cfa: $ebp 8 + $ebp: .cfa 8 - ^\n"),
			 OK);
	assert_caller(&bench, "eip", 0x1001);
	assert_caller(&bench, "esp", STACK_BASE + 8);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_broken_rules),
		cmocka_unit_test(refuses_an_expression_that_overflows_its_stack),
		cmocka_unit_test(computes_in_the_width_of_the_machine),
		cmocka_unit_test(finds_no_rule_outside_of_the_ranges),
		cmocka_unit_test(applies_the_rows_up_to_the_address),
		cmocka_unit_test(keeps_the_rule_of_the_higher_row_whatever_the_order),
		cmocka_unit_test(keeps_what_the_convention_of_the_system_keeps),
		cmocka_unit_test(says_that_nothing_called_this),
		cmocka_unit_test(runs_a_frame_data_program),
		cmocka_unit_test(goes_on_when_only_saved_registers_cannot_be_read),
		cmocka_unit_test(finds_the_return_address_by_the_sizes_of_an_fpo_record),
		cmocka_unit_test(takes_the_innermost_of_nested_frame_data),
		cmocka_unit_test(refuses_broken_programs),
		cmocka_unit_test(tells_the_parameters_of_a_function_without_unwind_rules),
		cmocka_unit_test(falls_back_from_frame_data_to_cfi),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
