/* Each code of arm64 unwind data, on a stack that a test wrote, with the registers that must
 * come out; prologs, epilogs, packed entries.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "image_memory.h"
#include "pe_builder.h"
#include "symbols/pe_unwind_arm64.h"

enum {
	CODE_RVA = 0x1000,
	PDATA_RVA = 0x3000,
	XDATA_RVA = 0x4000,
	BEGIN = 0x1100,
	INSTRUCTIONS = 64 /* of the function at BEGIN */
};

#define BASE UINT64_C(0x7ff600000000)
#define SP (FAKE_MEMORY_BASE + 0x1000)
#define LR UINT64_C(0x7ff612345678)
#define FP (SP + 0x400)

struct bench {
	struct pe_builder builder;
	struct buf *pdata;
	struct buf *xdata;
	struct symbols *symbols;
	struct fake_memory stack;
	struct unwind unwind;
};

static struct bench bench;

/* Words of the stack have their address as value, where nothing else is put. */
static int
set_up(void **state)
{
	(void)state;
	bench.symbols = NULL;
	pe_builder_init(&bench.builder, PE_MACHINE_ARM64);
	struct buf *code = pe_builder_section(&bench.builder, ".text", CODE_RVA, PE_BUILDER_CODE);
	buf_append_zero(code, 0x1000);
	bench.pdata = pe_builder_section(&bench.builder, ".pdata", PDATA_RVA, PE_BUILDER_DATA);
	bench.xdata = pe_builder_section(&bench.builder, ".xdata", XDATA_RVA, PE_BUILDER_DATA);
	fake_memory_init(&bench.stack, FAKE_MEMORY_BASE);
	for (uint64_t at = 0; at < FAKE_MEMORY_BYTES; at += 8)
		fake_memory_put(&bench.stack, FAKE_MEMORY_BASE + at, FAKE_MEMORY_BASE + at, 8);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	symbols_free(bench.symbols);
	pe_builder_done(&bench.builder);
	return 0;
}

static void
open_image(void)
{
	struct err_detail detail = {.why = ""};
	symbols_free(bench.symbols);
	bench.symbols = NULL;
	pe_builder_directory(&bench.builder, PE_DIRECTORY_UNWIND, PDATA_RVA,
			     (uint32_t)bench.pdata->len);
	if (pe_open(pe_builder_file(&bench.builder), &bench.symbols, &detail) != OK)
		fail_msg("%s", detail.why);
}

static void
put_function(uint32_t begin, uint32_t data)
{
	put_u32(bench.pdata, begin);
	put_u32(bench.pdata, data);
}

/* The one function, with a full record of these codes.  SCOPES: NULL, and ONE_EPILOG its first
 * code, -1 for none; else N_SCOPES of them. */
static void
full(const char *codes, size_t n_codes, int one_epilog, const uint32_t *scopes, uint32_t n_scopes)
{
	uint32_t words = (uint32_t)(n_codes + 3) / 4;
	uint32_t head = INSTRUCTIONS | words << 27;
	buf_reset(bench.pdata);
	buf_reset(bench.xdata);
	put_function(BEGIN, XDATA_RVA);
	if (one_epilog >= 0)
		head |= UINT32_C(1) << 21 | (uint32_t)one_epilog << 22;
	else
		head |= n_scopes << 22;
	put_u32(bench.xdata, head);
	for (uint32_t i = 0; i < n_scopes; i++)
		put_u32(bench.xdata, scopes[i]);
	buf_append(bench.xdata, slice_of(codes, n_codes));
	while (bench.xdata->len % 4 != 0)
		buf_append_byte(bench.xdata, 0xe3);
	open_image();
}

#define FULL(codes) full(codes, sizeof(codes) - 1, -1, NULL, 0)

static void
packed(uint32_t flag, uint32_t vectors, uint32_t ints, uint32_t homes, uint32_t chain,
       uint32_t frame_bytes)
{
	buf_reset(bench.pdata);
	put_function(BEGIN, flag | INSTRUCTIONS << 2 | vectors << 13 | ints << 16 | homes << 20 |
				    chain << 21 | frame_bytes / 16 << 23);
	open_image();
}

/* At instruction AT of the function.  All registers known: 0x100 and their number. */
static err_t
unwind_at(uint32_t at, bool is_innermost)
{
	bench.unwind = (struct unwind){
		.memory = &bench.stack.memory,
		.callee = {.arch = ARCH_ARM64},
		.module_base = BASE,
		.rva = BEGIN + 4 * (uint64_t)at - !is_innermost,
		.is_innermost = is_innermost,
	};
	for (int i = 0; i < ARM64_N; i++)
		registers_set(&bench.unwind.callee, i, 0x100 + (uint64_t)i);
	registers_set(&bench.unwind.callee, ARM64_PC, BASE + BEGIN + 4 * (uint64_t)at);
	registers_set(&bench.unwind.callee, ARM64_SP, SP);
	registers_set(&bench.unwind.callee, ARM64_FP, FP);
	registers_set(&bench.unwind.callee, ARM64_LR, LR);
	return symbols_unwind(bench.symbols, &bench.unwind);
}

static uint64_t
caller(int index)
{
	uint64_t value;
	if (!registers_get(&bench.unwind.caller, index, &value))
		fail_msg("%s is not known", registers_name(ARCH_ARM64, (unsigned)index));
	return value;
}

static bool
is_known(int index)
{
	uint64_t value;
	return registers_get(&bench.unwind.caller, index, &value);
}

static void
assert_body(uint64_t pc, uint64_t sp)
{
	assert_int_equal(unwind_at(32, true), OK);
	assert_int_equal(caller(ARM64_PC), pc);
	assert_int_equal(caller(ARM64_SP), sp);
	assert_int_equal(bench.unwind.way, UNWIND_CFI);
	assert_false(is_known(ARM64_LR));
	assert_false(is_known(0));
}

/* SP at each instruction from FROM on, in bytes above the one that the thread has. */
static void
assert_moves(uint32_t from, const uint32_t *moves, size_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		assert_int_equal(unwind_at(from + i, true), OK);
		if (caller(ARM64_SP) != SP + moves[i])
			fail_msg("instruction %u: sp + %u, not %u", from + i,
				 (unsigned)(caller(ARM64_SP) - SP), moves[i]);
	}
}

static void
refuses_codes_that_are_reserved_or_cut_off(void **state)
{
	(void)state;
	static const uint8_t reserved[] = {0xed, 0xee, 0xef, 0xf0, 0xf7, 0xf8,
					   0xf9, 0xfa, 0xfb, 0xfd, 0xfe, 0xff};
	for (size_t i = 0; i < sizeof(reserved); i++) {
		char codes[4] = {(char)reserved[i], (char)0xe4, (char)0xe4, (char)0xe4};
		full(codes, 4, -1, NULL, 0);
		assert_int_equal(unwind_at(32, true), ERR_CORRUPT);
	}
	FULL("\xe3\xe3\xe3\xc8"); /* save_regp without its second byte */
	assert_int_equal(unwind_at(32, true), ERR_CORRUPT);
	FULL("\xe3\xe3\xe7\x00"); /* save_any_reg without its third */
	assert_int_equal(unwind_at(32, true), ERR_CORRUPT);
	FULL("\xe0\x00\x00\x01"); /* alloc_l, and no end */
	assert_int_equal(unwind_at(32, true), ERR_CORRUPT);
	FULL("\xe3\xe3\xe3\xe3"); /* no end */
	assert_int_equal(unwind_at(32, true), ERR_CORRUPT);
}

static void
refuses_registers_beyond_lr(void **state)
{
	(void)state;
	FULL("\xca\xc0\xe4"); /* save_regp x30, x31 */
	assert_int_equal(unwind_at(32, true), ERR_CORRUPT);
	FULL("\xd3\x00\xe4"); /* save_reg x31 */
	assert_int_equal(unwind_at(32, true), ERR_CORRUPT);
	FULL("\xd7\xc0\xe4"); /* save_lrpair x33 */
	assert_int_equal(unwind_at(32, true), ERR_CORRUPT);
	FULL("\xe7\x5e\x00\xe4"); /* save_any_reg x30, x31 */
	assert_int_equal(unwind_at(32, true), ERR_CORRUPT);
	FULL("\xe7\x80\x00\xe4"); /* save_any_reg with a bit that is none */
	assert_int_equal(unwind_at(32, true), ERR_CORRUPT);
	FULL("\xe6\xe6\xca\x40\xe4"); /* two pairs behind x28 */
	assert_int_equal(unwind_at(32, true), ERR_CORRUPT);
}

static void
refuses_records_that_are_broken(void **state)
{
	(void)state;
	FULL("\xe4");
	poke(bench.xdata, 0, INSTRUCTIONS | 1 << 18 | 1 << 27, 4); /* another version */
	open_image();
	assert_int_equal(unwind_at(32, true), ERR_CORRUPT);
	poke(bench.xdata, 0, INSTRUCTIONS | 31 << 22 | 31u << 27, 4);
	open_image();
	assert_int_equal(unwind_at(32, true), ERR_CORRUPT);
	poke(bench.xdata, 0, INSTRUCTIONS, 4); /* the long form: 65,535 epilogs */
	poke(bench.xdata, 4, 0xff0000 | 0xffff, 4);
	open_image();
	assert_int_equal(unwind_at(32, true), ERR_CORRUPT);
	poke(bench.xdata, 0, INSTRUCTIONS | 1 << 22, 4); /* no words of codes */
	open_image();
	assert_int_equal(unwind_at(32, true), ERR_CORRUPT);
	poke(bench.pdata, 4, 0xfffffff0, 4);
	open_image();
	assert_int_equal(unwind_at(32, true), ERR_CORRUPT);
	poke(bench.pdata, 4, INSTRUCTIONS << 2 | 3, 4);
	open_image();
	assert_int_equal(unwind_at(32, true), ERR_CORRUPT);
}

static void
refuses_packed_entries_that_contradict_themselves(void **state)
{
	(void)state;
	packed(1, 0, 11, 0, 0, 512); /* eleven registers */
	assert_int_equal(unwind_at(32, true), ERR_CORRUPT);
	packed(1, 7, 10, 1, 1, 16); /* saves more than its frame has */
	assert_int_equal(unwind_at(32, true), ERR_CORRUPT);
	packed(1, 0, 2, 0, 3, 16); /* no room for fp and lr */
	assert_int_equal(unwind_at(32, true), ERR_CORRUPT);
}

static void
epilogs_that_begin_behind_the_codes_are_refused(void **state)
{
	(void)state;
	const uint32_t scope = 40 | 1023u << 22;
	full("\xe4", 1, 31, NULL, 0);
	assert_int_equal(unwind_at(32, true), ERR_CORRUPT);
	full("\xe4", 1, -1, &scope, 1);
	assert_int_equal(unwind_at(32, true), OK);
	assert_int_equal(unwind_at(40, true), ERR_CORRUPT);
}

static void
a_stack_that_is_not_there_is_said_so(void **state)
{
	(void)state;
	FULL("\x81\xe4");
	bench.stack.len = SP - FAKE_MEMORY_BASE + 8;
	assert_int_equal(unwind_at(32, true), ERR_TRUNCATED);
	static const char *const frames[] = {"\xe8\xe4", "\xe9\xe4", "\xea\xe4", "\xeb\xe4"};
	for (size_t i = 0; i < 4; i++) {
		full(frames[i], 2, -1, NULL, 0);
		assert_int_equal(unwind_at(32, true), ERR_TRUNCATED);
	}
	FULL("\xe6\xcc\x03\xe4");
	assert_int_equal(unwind_at(32, true), ERR_TRUNCATED);
	bench.unwind.callee.known = 0;
	assert_int_equal(symbols_unwind(bench.symbols, &bench.unwind), ERR_TRUNCATED);
	FULL("\xe1\xe4");
	(void)unwind_at(32, true);
	registers_forget(&bench.unwind.callee, ARM64_FP);
	assert_int_equal(symbols_unwind(bench.symbols, &bench.unwind), ERR_TRUNCATED);
}

static void
a_vector_length_is_not_known(void **state)
{
	(void)state;
	FULL("\xdf\x02\xe4");
	assert_int_equal(unwind_at(32, true), ERR_TRUNCATED);
}

static void
a_leaf_is_innermost(void **state)
{
	(void)state;
	FULL("\xe4");
	assert_int_equal(unwind_at(INSTRUCTIONS, true), OK);
	assert_int_equal(caller(ARM64_PC), LR);
	assert_int_equal(caller(ARM64_SP), SP);
	assert_int_equal(unwind_at(INSTRUCTIONS + 1, false), ERR_NOTFOUND);
	/* Without a frame a return address cannot have survived a call. */
	assert_int_equal(unwind_at(32, false), OK);
	registers_forget(&bench.unwind.callee, ARM64_LR);
	assert_int_equal(symbols_unwind(bench.symbols, &bench.unwind), ERR_TRUNCATED);
}

static void
each_code_restores_what_it_says(void **state)
{
	(void)state;
	FULL("\x1f\xe4"); /* alloc_s */
	assert_body(LR, SP + 31 * 16);
	FULL("\xc7\xff\xe4"); /* alloc_m */
	assert_body(LR, SP + 2047 * 16);
	FULL("\xe0\x00\x08\x01\xe4"); /* alloc_l */
	assert_body(LR, SP + 0x801 * 16);
	FULL("\x24\xe4"); /* save_r19r20_x */
	assert_body(LR, SP + 32);
	assert_int_equal(caller(19), SP);
	assert_int_equal(caller(20), SP + 8);
	FULL("\x43\xe4"); /* save_fplr */
	assert_body(SP + 32, SP);
	assert_int_equal(caller(ARM64_FP), SP + 24);
	FULL("\x83\xe4"); /* save_fplr_x */
	assert_body(SP + 8, SP + 32);
	assert_int_equal(caller(ARM64_FP), SP);
	FULL("\xc8\x82\xe4"); /* save_regp x21 */
	assert_body(LR, SP);
	assert_int_equal(caller(21), SP + 16);
	assert_int_equal(caller(22), SP + 24);
	FULL("\xcc\x83\xe4"); /* save_regp_x x21 */
	assert_body(LR, SP + 32);
	assert_int_equal(caller(21), SP);
	assert_int_equal(caller(22), SP + 8);
	FULL("\xd2\xc5\xe4"); /* save_reg lr */
	assert_body(SP + 40, SP);
	FULL("\xd5\x63\xe4"); /* save_reg_x lr */
	assert_body(SP, SP + 32);
	FULL("\xd6\x42\xe4"); /* save_lrpair x21 */
	assert_body(SP + 24, SP);
	assert_int_equal(caller(21), SP + 16);
}

static void
vector_registers_only_move_the_stack(void **state)
{
	(void)state;
	FULL("\xd8\x42\xd9\xc3\xe4"); /* save_fregp */
	assert_body(LR, SP);
	FULL("\xda\x43\xe4"); /* save_fregp_x */
	assert_body(LR, SP + 32);
	FULL("\xdc\x42\xe4"); /* save_freg */
	assert_body(LR, SP);
	FULL("\xde\x23\xe4"); /* save_freg_x */
	assert_body(LR, SP + 32);
	FULL("\xe7\x08\x41\xe7\x28\x81\xe7\x08\xc1\xe4"); /* save_any_reg d8; q8, moving; z8 */
	assert_body(LR, SP + 32);
	FULL("\xe6\xe6\xda\x43\xe4"); /* more pairs of them */
	assert_body(LR, SP + 32);
}

static void
any_register_can_be_saved(void **state)
{
	(void)state;
	FULL("\xe7\x1e\x03\xe4"); /* lr at 24 */
	assert_body(SP + 24, SP);
	FULL("\xe7\x54\x03\xe4"); /* x20, x21 at 48 */
	assert_body(LR, SP);
	assert_int_equal(caller(20), SP + 48);
	assert_int_equal(caller(21), SP + 56);
	FULL("\xe7\x7d\x03\xe4"); /* x29, lr, sp moves by 64 */
	assert_body(SP + 8, SP + 64);
	assert_int_equal(caller(ARM64_FP), SP);
	FULL("\xe7\x34\x00\xe4"); /* x20, sp moves by 16 */
	assert_body(LR, SP + 16);
	assert_int_equal(caller(20), SP);
}

static void
pairs_go_on_behind_the_first(void **state)
{
	(void)state;
	FULL("\xe6\xe6\xcc\x07\xe4"); /* x19 to x24 */
	assert_body(LR, SP + 64);
	for (int i = 0; i < 6; i++)
		assert_int_equal(caller(19 + i), SP + 8 * (uint64_t)i);
	static const uint32_t moves[] = {0, 64, 64, 64};
	assert_moves(0, moves, 4);
	assert_int_equal(unwind_at(2, true), OK); /* x23 and x24 are not saved yet */
	assert_int_equal(caller(22), SP + 24);
	assert_int_equal(caller(23), 0x100 + 23);
}

static void
the_frame_pointer_gives_the_stack_pointer(void **state)
{
	(void)state;
	FULL("\xe1\x81\xe4"); /* set_fp, save_fplr_x */
	assert_body(FP + 8, FP + 16);
	FULL("\xe2\x04\x45\x05\xe4"); /* add_fp 32, save_fplr 40, alloc_s */
	assert_body(FP - 32 + 48, FP - 32 + 80);
}

static void
a_signature_is_taken_off_the_return_address(void **state)
{
	(void)state;
	FULL("\x81\xfc\xe4");
	fake_memory_put(&bench.stack, SP + 8, UINT64_C(0x1a357ff612345678), 8);
	assert_body(LR, SP + 16);
	fake_memory_put(&bench.stack, SP + 8, UINT64_C(0x12b5f80612345678), 8);
	assert_body(UINT64_C(0xfffff80612345678), SP + 16); /* of the kernel */
	FULL("\x81\xe4");
	assert_body(UINT64_C(0x12b5f80612345678), SP + 16); /* not signed, so left alone */
}

static void
frames_of_interruptions_give_all_that_they_hold(void **state)
{
	(void)state;
	FULL("\xe9\xe4"); /* machine_frame: sp, pc */
	assert_int_equal(unwind_at(32, true), OK);
	assert_true(bench.unwind.caller_is_interrupted);
	assert_int_equal(caller(ARM64_SP), SP);
	assert_int_equal(caller(ARM64_PC), SP + 8);
	FULL("\x01\xea\xe4"); /* context, above 16 bytes */
	assert_int_equal(unwind_at(32, true), OK);
	assert_true(bench.unwind.caller_is_interrupted);
	assert_int_equal(caller(0), SP + 16 + 8);
	assert_int_equal(caller(ARM64_LR), SP + 16 + 0xf8);
	assert_int_equal(caller(ARM64_SP), SP + 16 + 0x100);
	assert_int_equal(caller(ARM64_PC), SP + 16 + 0x108);
	FULL("\xe8\xe4"); /* trap_frame */
	assert_int_equal(unwind_at(32, true), OK);
	assert_int_equal(caller(18), SP + 0x130);
	assert_int_equal(caller(19), 0x100 + 19);
	assert_int_equal(caller(ARM64_LR), SP + 0x138);
	assert_int_equal(caller(ARM64_FP), SP + 0x140);
	assert_int_equal(caller(ARM64_PC), SP + 0x148);
	assert_int_equal(caller(ARM64_SP), SP + 0x98);
	FULL("\xeb\xe4"); /* ec_context */
	assert_int_equal(unwind_at(32, true), OK);
	assert_int_equal(caller(ARM64_SP), SP + 0x98);
	assert_int_equal(caller(ARM64_PC), SP + 0xf8);
	assert_int_equal(caller(ARM64_LR), SP + 0x120);
	assert_int_equal(caller(19), SP + 0xd8);
	assert_false(is_known(23));
	FULL("\xec\xe4"); /* clear_unwound_to_call */
	assert_int_equal(unwind_at(32, true), OK);
	assert_int_equal(caller(ARM64_PC), LR);
	assert_true(bench.unwind.caller_is_interrupted);
}

/* stp x19, x20, [sp, -32]!; stp x29, lr, [sp, 16]; add x29, sp, 16; sub sp, sp, 64 */
#define CODES "\x04\xe2\x02\x42\x24\xe4"

static void
in_a_prolog_only_what_was_done_is_undone(void **state)
{
	(void)state;
	static const uint32_t moves[] = {0, 32, 32, 0x400 - 16 + 32, 0x400 - 16 + 32};
	FULL(CODES);
	assert_moves(0, moves, 5);
	assert_int_equal(unwind_at(1, true), OK);
	assert_int_equal(caller(ARM64_PC), LR);
	assert_int_equal(unwind_at(2, true), OK);
	assert_int_equal(caller(ARM64_PC), SP + 24);
}

static void
an_epilog_at_the_end_leaves_out_what_it_has_done(void **state)
{
	(void)state;
	/* The epilog has codes of its own: ldp x29, lr; ldp x19, x20; ret. */
	static const uint32_t moves[] = {0x410, 32, 32, 0};
	full(CODES "\x42\x24\xe4", 9, 6, NULL, 0);
	assert_moves(INSTRUCTIONS - 4, moves, 4);
	assert_int_equal(unwind_at(INSTRUCTIONS - 2, true), OK);
	assert_int_equal(caller(ARM64_PC), LR);
	assert_int_equal(unwind_at(INSTRUCTIONS - 3, true), OK);
	assert_int_equal(caller(ARM64_PC), SP + 24);
}

static void
scopes_say_where_epilogs_are(void **state)
{
	(void)state;
	static const uint32_t scopes[] = {20 | 3 << 22, 40 | 6 << 22};
	static const uint32_t first[] = {0x410, 32, 32, 0, 0x410};
	static const uint32_t second[] = {0x410, 32, 0, 0x410};
	full(CODES "\x24\xe4", 8, -1, scopes, 2);
	assert_moves(19, first, 5);
	assert_moves(39, second, 4);
	/* The long form of the same record. */
	uint32_t long_form[2] = {INSTRUCTIONS, 2 | 2 << 16};
	struct buf old = *bench.xdata;
	buf_init(bench.xdata, PE_BUILDER_BYTES_MOST);
	put_u32(bench.xdata, long_form[0]);
	put_u32(bench.xdata, long_form[1]);
	buf_append(bench.xdata, slice_sub(buf_slice(&old), 4, SIZE_MAX));
	buf_done(&old);
	open_image();
	assert_moves(19, first, 5);
	assert_moves(39, second, 4);
}

/* A piece of a function that was split: its codes end at once, the whole one's follow. */
static void
a_piece_has_the_frame_of_the_whole_function(void **state)
{
	(void)state;
	uint32_t begin;
	static const uint32_t moves[] = {0x410, 0x410};
	FULL("\xe5" CODES);
	assert_moves(0, moves, 2);
	assert_int_equal(pe_arm64_function_begin(pe_of(bench.symbols), BEGIN + 4, &begin),
			 ERR_NOTFOUND);
	FULL(CODES);
	assert_int_equal(pe_arm64_function_begin(pe_of(bench.symbols), BEGIN + 4, &begin), OK);
	assert_int_equal(begin, BEGIN);
	packed(2, 0, 2, 0, 1, 64);
	assert_int_equal(pe_arm64_function_begin(pe_of(bench.symbols), BEGIN + 4, &begin),
			 ERR_NOTFOUND);
	packed(1, 0, 2, 0, 1, 64);
	assert_int_equal(pe_arm64_function_begin(pe_of(bench.symbols), BEGIN + 4, &begin), OK);
}

static void
packed_entries_without_a_chain(void **state)
{
	(void)state;
	/* stp x19, x20, [sp, -32]!; str lr, [sp, 16]; sub sp, sp, 64 */
	static const uint32_t prolog[] = {0, 32, 32, 96, 96};
	static const uint32_t epilog[] = {96, 96, 32, 32, 0};
	packed(1, 0, 2, 0, 1, 96);
	assert_moves(0, prolog, 5);
	assert_moves(INSTRUCTIONS - 5, epilog, 5);
	assert_body(SP + 64 + 16, SP + 96);
	assert_int_equal(caller(19), SP + 64);
	assert_int_equal(caller(20), SP + 72);
	packed(2, 0, 2, 0, 1, 96); /* a piece of it: all body */
	assert_int_equal(unwind_at(0, true), OK);
	assert_int_equal(caller(ARM64_SP), SP + 96);
	packed(1, 0, 3, 0, 1, 32); /* x21 and lr are one pair */
	assert_body(SP + 24, SP + 32);
	assert_int_equal(caller(21), SP + 16);
	packed(1, 0, 0, 0, 1, 16); /* lr alone */
	assert_body(SP, SP + 16);
	packed(1, 0, 1, 0, 0, 16); /* x19 alone */
	assert_body(LR, SP + 16);
	assert_int_equal(caller(19), SP);
	packed(1, 0, 0, 0, 0, 8160); /* locals beyond one sub */
	static const uint32_t large[] = {0, 4080, 8160};
	assert_moves(0, large, 3);
}

static void
packed_entries_with_a_frame_chain(void **state)
{
	(void)state;
	/* stp x19, x20, [sp, -16]!; stp x29, lr, [sp, -32]!; mov x29, sp */
	static const uint32_t prolog[] = {0, 16, 48, 0x400 + 48};
	static const uint32_t epilog[] = {0x400 + 48, 48, 16, 0};
	packed(1, 0, 2, 0, 3, 48);
	assert_moves(0, prolog, 4);
	assert_moves(INSTRUCTIONS - 4, epilog, 4);
	assert_body(FP + 8, FP + 48);
	assert_int_equal(caller(ARM64_FP), FP);
	assert_int_equal(caller(19), FP + 32);
	/* More than stp can reach: sub sp, sp, 1024; stp x29, lr, [sp] */
	static const uint32_t large[] = {0, 1024, 1024, 0x400 + 1024};
	packed(1, 0, 0, 0, 3, 1024);
	assert_moves(0, large, 4);
	/* Signed: pacibsp before all that, autibsp before ret. */
	static const uint32_t signed_prolog[] = {0, 0, 16, 48, 0x400 + 48};
	static const uint32_t signed_epilog[] = {0x400 + 48, 48, 16, 0, 0};
	packed(1, 0, 2, 0, 2, 48);
	assert_moves(0, signed_prolog, 5);
	assert_moves(INSTRUCTIONS - 5, signed_epilog, 5);
	fake_memory_put(&bench.stack, FP + 8, UINT64_C(0x1a357ff612345678), 8);
	assert_body(LR, FP + 48);
}

static void
packed_entries_with_vectors_and_homes(void **state)
{
	(void)state;
	/* stp d8, d9, [sp, -32]!; str d10, [sp, 16] */
	static const uint32_t vectors[] = {0, 32, 32, 32};
	packed(1, 2, 0, 0, 0, 32);
	assert_moves(0, vectors, 4);
	/* stp x19, x20, [sp, -80]!; four stp of parameters; sub sp, sp, 16 */
	static const uint32_t homes[] = {0, 80, 80, 80, 80, 80, 96};
	static const uint32_t homes_end[] = {96, 96, 80, 0};
	packed(1, 0, 2, 1, 0, 96);
	assert_moves(0, homes, 7);
	assert_moves(INSTRUCTIONS - 4, homes_end, 4);
	/* Nothing but homes: the first of them moves sp. */
	static const uint32_t only[] = {0, 64, 64, 64, 64};
	packed(1, 0, 0, 1, 0, 64);
	assert_moves(0, only, 5);
	/* All there is. */
	packed(1, 7, 10, 1, 1, 8160);
	assert_int_equal(unwind_at(40, true), OK);
	assert_int_equal(caller(ARM64_SP), SP + 8160);
	assert_int_equal(caller(28), SP + 8160 - 224 + 72);
	assert_int_equal(caller(ARM64_PC), SP + 8160 - 224 + 80);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(refuses_codes_that_are_reserved_or_cut_off),
		TEST(refuses_registers_beyond_lr),
		TEST(refuses_records_that_are_broken),
		TEST(refuses_packed_entries_that_contradict_themselves),
		TEST(epilogs_that_begin_behind_the_codes_are_refused),
		TEST(a_stack_that_is_not_there_is_said_so),
		TEST(a_vector_length_is_not_known),
		TEST(a_leaf_is_innermost),
		TEST(each_code_restores_what_it_says),
		TEST(vector_registers_only_move_the_stack),
		TEST(any_register_can_be_saved),
		TEST(pairs_go_on_behind_the_first),
		TEST(the_frame_pointer_gives_the_stack_pointer),
		TEST(a_signature_is_taken_off_the_return_address),
		TEST(frames_of_interruptions_give_all_that_they_hold),
		TEST(in_a_prolog_only_what_was_done_is_undone),
		TEST(an_epilog_at_the_end_leaves_out_what_it_has_done),
		TEST(scopes_say_where_epilogs_are),
		TEST(a_piece_has_the_frame_of_the_whole_function),
		TEST(packed_entries_without_a_chain),
		TEST(packed_entries_with_a_frame_chain),
		TEST(packed_entries_with_vectors_and_homes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
