#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dwarf.h>

#include "base/limits.h"
#include "image_memory.h"
#include "symbols/dwarf_expression.h"

enum {
	OPERATIONS_MOST = 128
};

static struct fake_memory memory;
static struct registers registers;
static struct dwarf_result result;
static Dwarf_Op operations[OPERATIONS_MOST];
static size_t n_operations;

static int
set_up(void **state)
{
	(void)state;
	fake_memory_init(&memory, FAKE_MEMORY_BASE);
	registers = (struct registers){.arch = ARCH_AMD64};
	registers_set(&registers, AMD64_RBX, 100);
	n_operations = 0;
	return 0;
}

/* Offsets are as if each operation had three bytes. */
static void
op(uint8_t atom, uint64_t number, uint64_t number2)
{
	operations[n_operations] = (Dwarf_Op){atom, number, number2, 3 * n_operations};
	n_operations++;
}

static err_t
evaluate(void)
{
	const struct dwarf_expression e = {
		.operations = operations,
		.n = n_operations,
		.memory = &memory.memory,
		.registers = &registers,
		.load_bias = 0x1000,
		.has_cfa = true,
		.cfa = 0x7000,
	};
	err_t err = dwarf_evaluate(&e, &result);
	n_operations = 0;
	return err;
}

static void
assert_address(uint64_t value)
{
	assert_int_equal(evaluate(), OK);
	assert_int_equal(result.kind, DWARF_ADDRESS);
	assert_int_equal(result.value, value);
}

static void
refuses_an_expression_without_an_end(void **state)
{
	(void)state;
	op(DW_OP_skip, (uint64_t)-3, 0);
	assert_int_equal(evaluate(), ERR_CORRUPT);
	op(DW_OP_lit1, 0, 0);
	op(DW_OP_bra, (uint64_t)-6, 0);
	assert_int_equal(evaluate(), ERR_CORRUPT);
}

static void
refuses_a_stack_that_is_too_deep_or_empty(void **state)
{
	static const uint8_t takers[] = {DW_OP_deref, DW_OP_dup,        DW_OP_over, DW_OP_swap,
					 DW_OP_rot,   DW_OP_drop,       DW_OP_plus, DW_OP_neg,
					 DW_OP_bra,   DW_OP_stack_value};
	(void)state;
	for (unsigned i = 0; i < LIMIT_DWARF_EXPRESSION_STACK + 1; i++)
		op(DW_OP_lit3, 0, 0);
	assert_int_equal(evaluate(), ERR_CORRUPT);
	for (size_t i = 0; i < sizeof(takers); i++) {
		op(takers[i], 0, 0);
		assert_int_equal(evaluate(), ERR_CORRUPT);
	}
	op(DW_OP_lit1, 0, 0);
	op(DW_OP_pick, 1, 0);
	assert_int_equal(evaluate(), ERR_CORRUPT);
	op(DW_OP_lit1, 0, 0);
	op(DW_OP_plus, 0, 0);
	assert_int_equal(evaluate(), ERR_CORRUPT);
	assert_int_equal(evaluate(), ERR_CORRUPT); /* nothing at all */
}

static void
refuses_what_is_unknown_or_would_trap(void **state)
{
	(void)state;
	static const uint8_t dividers[] = {DW_OP_div, DW_OP_mod};
	op(DW_OP_piece, 4, 0);
	assert_int_equal(evaluate(), ERR_CORRUPT);
	for (size_t i = 0; i < 2; i++) {
		op(DW_OP_lit1, 0, 0);
		op(DW_OP_lit0, 0, 0);
		op(dividers[i], 0, 0);
		assert_int_equal(evaluate(), ERR_CORRUPT);
	}
	op(DW_OP_const8s, (uint64_t)INT64_MIN, 0);
	op(DW_OP_const1s, (uint64_t)-1, 0);
	op(DW_OP_div, 0, 0);
	assert_address((uint64_t)INT64_MIN);
	op(DW_OP_lit1, 0, 0);
	op(DW_OP_deref_size, 9, 0);
	assert_int_equal(evaluate(), ERR_CORRUPT);
	op(DW_OP_lit1, 0, 0);
	op(DW_OP_deref_size, 0, 0);
	assert_int_equal(evaluate(), ERR_CORRUPT);
}

static void
says_what_is_not_there(void **state)
{
	(void)state;
	op(DW_OP_breg0, 0, 0);
	assert_int_equal(evaluate(), ERR_TRUNCATED);
	op(DW_OP_bregx, REGISTERS_MAX, 0);
	assert_int_equal(evaluate(), ERR_CORRUPT);
	op(DW_OP_lit8, 0, 0);
	op(DW_OP_deref, 0, 0);
	assert_int_equal(evaluate(), ERR_TRUNCATED);
}

static void
constants_registers_and_memory_are_pushed(void **state)
{
	(void)state;
	op(DW_OP_lit31, 0, 0);
	assert_address(31);
	op(DW_OP_addr, 0x234, 0);
	assert_address(0x1234);
	op(DW_OP_consts, (uint64_t)-5, 0);
	assert_address((uint64_t)-5);
	op(DW_OP_breg0 + AMD64_RBX, (uint64_t)-8, 0);
	assert_address(92);
	op(DW_OP_bregx, AMD64_RBX, 8);
	assert_address(108);
	op(DW_OP_call_frame_cfa, 0, 0);
	op(DW_OP_plus_uconst, 16, 0);
	assert_address(0x7010);
	fake_memory_put(&memory, FAKE_MEMORY_BASE + 16, UINT64_C(0x1122334455667788), 8);
	op(DW_OP_const8u, FAKE_MEMORY_BASE + 16, 0);
	op(DW_OP_deref, 0, 0);
	assert_address(UINT64_C(0x1122334455667788));
	op(DW_OP_const8u, FAKE_MEMORY_BASE + 16, 0);
	op(DW_OP_nop, 0, 0);
	op(DW_OP_deref_size, 2, 0);
	assert_address(0x7788);
}

static void
results_may_be_values_or_registers(void **state)
{
	(void)state;
	op(DW_OP_lit5, 0, 0);
	op(DW_OP_stack_value, 0, 0);
	op(DW_OP_lit6, 0, 0); /* not reached */
	assert_int_equal(evaluate(), OK);
	assert_int_equal(result.kind, DWARF_VALUE);
	assert_int_equal(result.value, 5);
	op(DW_OP_reg3, 0, 0);
	assert_int_equal(evaluate(), OK);
	assert_int_equal(result.kind, DWARF_REGISTER);
	assert_int_equal(result.value, 3);
	op(DW_OP_regx, 33, 0);
	assert_int_equal(evaluate(), OK);
	assert_int_equal(result.value, 33);
}

static void
the_stack_can_be_turned_over(void **state)
{
	static const struct {
		uint8_t atom;
		uint64_t number;
		uint64_t top;
	} cases[] = {{DW_OP_dup, 0, 3},  {DW_OP_drop, 0, 2}, {DW_OP_over, 0, 2},
		     {DW_OP_pick, 2, 1}, {DW_OP_swap, 0, 2}, {DW_OP_rot, 0, 2}};
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		op(DW_OP_lit1, 0, 0);
		op(DW_OP_lit2, 0, 0);
		op(DW_OP_lit3, 0, 0);
		op(cases[i].atom, cases[i].number, 0);
		assert_address(cases[i].top);
	}
	/* 1 2 3 becomes 3 1 2 */
	op(DW_OP_lit1, 0, 0);
	op(DW_OP_lit2, 0, 0);
	op(DW_OP_lit3, 0, 0);
	op(DW_OP_rot, 0, 0);
	op(DW_OP_drop, 0, 0);
	op(DW_OP_drop, 0, 0);
	assert_address(3);
}

static void
operations_calculate(void **state)
{
	static const struct {
		uint8_t atom;
		int64_t left, right;
		int64_t value;
	} cases[] = {
		{DW_OP_and, 12, 10, 8},   {DW_OP_or, 12, 10, 14},   {DW_OP_xor, 12, 10, 6},
		{DW_OP_plus, 12, -10, 2}, {DW_OP_minus, 3, 5, -2},  {DW_OP_mul, -3, 5, -15},
		{DW_OP_div, -15, 2, -7},  {DW_OP_mod, 17, 5, 2},    {DW_OP_shl, 3, 4, 48},
		{DW_OP_shl, 3, 64, 0},    {DW_OP_shr, -1, 63, 1},   {DW_OP_shr, 1, 99, 0},
		{DW_OP_shra, -16, 2, -4}, {DW_OP_shra, -1, 99, -1}, {DW_OP_eq, 4, 4, 1},
		{DW_OP_ne, 4, 4, 0},      {DW_OP_lt, -1, 0, 1},     {DW_OP_le, 0, 0, 1},
		{DW_OP_gt, -1, 0, 0},     {DW_OP_ge, 1, 0, 1},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		op(DW_OP_const8s, (uint64_t)cases[i].left, 0);
		op(DW_OP_const8s, (uint64_t)cases[i].right, 0);
		op(cases[i].atom, 0, 0);
		assert_address((uint64_t)cases[i].value);
	}
	op(DW_OP_consts, (uint64_t)-7, 0);
	op(DW_OP_abs, 0, 0);
	assert_address(7);
	op(DW_OP_lit7, 0, 0);
	op(DW_OP_abs, 0, 0);
	op(DW_OP_neg, 0, 0);
	op(DW_OP_not, 0, 0);
	assert_address(6);
}

static void
numbers_are_as_wide_as_addresses(void **state)
{
	(void)state;
	registers.arch = ARCH_X86;
	op(DW_OP_lit0, 0, 0);
	op(DW_OP_lit1, 0, 0);
	op(DW_OP_minus, 0, 0);
	op(DW_OP_lit0, 0, 0);
	op(DW_OP_lt, 0, 0);
	assert_address(1);
	op(DW_OP_lit0, 0, 0);
	op(DW_OP_lit1, 0, 0);
	op(DW_OP_minus, 0, 0);
	assert_address(UINT32_MAX);
	op(DW_OP_lit1, 0, 0);
	op(DW_OP_deref_size, 8, 0);
	assert_int_equal(evaluate(), ERR_CORRUPT);
}

/* The rule of an x86-64 procedure linkage table: 8 more behind its first instructions. */
static void
jumps_choose(void **state)
{
	(void)state;
	for (uint64_t condition = 0; condition < 2; condition++) {
		op(DW_OP_const1u, condition, 0);
		op(DW_OP_bra, 6, 0); /* over two operations */
		op(DW_OP_lit10, 0, 0);
		op(DW_OP_skip, 3, 0); /* over one, to the end */
		op(DW_OP_lit20, 0, 0);
		assert_address(condition == 0 ? 10 : 20);
	}
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, set_up)
	const struct CMUnitTest tests[] = {
		TEST(refuses_an_expression_without_an_end),
		TEST(refuses_a_stack_that_is_too_deep_or_empty),
		TEST(refuses_what_is_unknown_or_would_trap),
		TEST(says_what_is_not_there),
		TEST(constants_registers_and_memory_are_pushed),
		TEST(results_may_be_values_or_registers),
		TEST(the_stack_can_be_turned_over),
		TEST(operations_calculate),
		TEST(numbers_are_as_wide_as_addresses),
		TEST(jumps_choose),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
