/* Each code of amd64 unwind data, on a stack that a test wrote, with the registers that must
 * come out; epilogs by instructions and by list; chains.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "image_memory.h"
#include "pe_builder.h"
#include "symbols/pe_unwind_amd64.h"

enum {
	CODE_RVA = 0x1000,
	CODE_BYTES = 0x1000,
	PDATA_RVA = 0x3000,
	XDATA_RVA = 0x4000,
	HARDWARE_RBX = 3,
	HARDWARE_RBP = 5,
	HARDWARE_R12 = 12
};

#define BASE UINT64_C(0x7ff600000000)
#define SP (FAKE_MEMORY_BASE + 0x1000)
#define RETURN UINT64_C(0x7ff612345678)

struct bench {
	struct pe_builder builder;
	struct buf *code;
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
	pe_builder_init(&bench.builder, PE_MACHINE_AMD64);
	bench.code = pe_builder_section(&bench.builder, ".text", CODE_RVA, PE_BUILDER_CODE);
	for (unsigned i = 0; i < CODE_BYTES; i++)
		buf_append_byte(bench.code, 0x90);
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
put_function(uint32_t begin, uint32_t end, uint32_t info)
{
	put_u32(bench.pdata, begin);
	put_u32(bench.pdata, end);
	put_u32(bench.pdata, info);
}

/* UNWIND_INFO at the end of .xdata; codes are words.  Returns its RVA. */
static uint32_t
put_info(unsigned version, unsigned flags, unsigned prolog_bytes, unsigned frame,
	 const uint16_t *codes, unsigned n)
{
	uint32_t rva = XDATA_RVA + (uint32_t)bench.xdata->len;
	buf_append_byte(bench.xdata, (uint8_t)(version | flags << 3));
	buf_append_byte(bench.xdata, (uint8_t)prolog_bytes);
	buf_append_byte(bench.xdata, (uint8_t)n);
	buf_append_byte(bench.xdata, (uint8_t)frame);
	for (unsigned i = 0; i < n; i++)
		put_u16(bench.xdata, codes[i]);
	if (n % 2 != 0)
		put_u16(bench.xdata, 0);
	return rva;
}

/* A code: offset in the prolog, operation, its info. */
#define CODE(offset, operation, info) ((uint16_t)((offset) | (operation) << 8 | (info) << 12))

static void
open_image(void)
{
	struct err_detail detail = {.why = ""};
	pe_builder_directory(&bench.builder, PE_DIRECTORY_UNWIND, PDATA_RVA,
			     (uint32_t)bench.pdata->len);
	if (pe_open(pe_builder_file(&bench.builder), &bench.symbols, &detail) != OK)
		fail_msg("%s", detail.why);
}

/* A function 0x1100 to 0x1200 with these codes; prolog of 0x20 bytes. */
static void
one_function(unsigned version, unsigned frame, const uint16_t *codes, unsigned n)
{
	put_function(0x1100, 0x1200, put_info(version, 0, 0x20, frame, codes, n));
	open_image();
}

/* All registers known: 0x100 and their number; rsp is SP. */
static err_t
unwind_at(uint64_t rva, bool is_innermost)
{
	bench.unwind = (struct unwind){
		.memory = &bench.stack.memory,
		.callee = {.arch = ARCH_AMD64},
		.module_base = BASE,
		.rva = rva,
		.is_innermost = is_innermost,
	};
	for (int i = 0; i < AMD64_N; i++)
		registers_set(&bench.unwind.callee, i, 0x100 + (uint64_t)i);
	registers_set(&bench.unwind.callee, AMD64_RIP, BASE + rva + !is_innermost);
	registers_set(&bench.unwind.callee, AMD64_RSP, SP);
	return symbols_unwind(bench.symbols, &bench.unwind);
}

static uint64_t
caller(int index)
{
	uint64_t value;
	if (!registers_get(&bench.unwind.caller, index, &value))
		fail_msg("%s is not known", registers_name(ARCH_AMD64, (unsigned)index));
	return value;
}

/* The return address was read at AT, and rsp is behind it. */
static void
assert_returned_from(uint64_t at)
{
	assert_int_equal(caller(AMD64_RIP), at);
	assert_int_equal(caller(AMD64_RSP), at + 8);
	assert_int_equal(bench.unwind.way, UNWIND_CFI);
	assert_false(bench.unwind.caller_is_interrupted);
}

static void
assert_unwinds_to(uint64_t rva, bool is_innermost, uint64_t at)
{
	assert_int_equal(unwind_at(rva, is_innermost), OK);
	assert_returned_from(at);
}

static const uint16_t push_and_alloc[] = {
	CODE(0x10, AMD64_ALLOC_SMALL, 3), /* 32 bytes */
	CODE(8, AMD64_PUSH_NONVOL, HARDWARE_R12),
	CODE(2, AMD64_PUSH_NONVOL, HARDWARE_RBX),
};

static void
refuses_a_chain_that_leads_to_itself(void **state)
{
	(void)state;
	uint32_t info = put_info(1, 4, 0, 0, NULL, 0);
	put_u32(bench.xdata, 0x1100);
	put_u32(bench.xdata, 0x1200);
	put_u32(bench.xdata, info);
	put_function(0x1100, 0x1200, info);
	open_image();
	struct symbol symbol;
	assert_int_equal(unwind_at(0x1150, true), ERR_CORRUPT);
	assert_int_equal(unwind_at(0x1150, false), ERR_CORRUPT);
	assert_int_equal(symbols_find(bench.symbols, 0x1150, &symbol), ERR_NOTFOUND);
}

static void
refuses_indirect_entries_that_lead_in_a_circle(void **state)
{
	(void)state;
	put_function(0x1100, 0x1200, PDATA_RVA + 1);
	open_image();
	assert_int_equal(unwind_at(0x1150, true), ERR_CORRUPT);
}

static void
refuses_unwind_data_outside_of_the_image(void **state)
{
	(void)state;
	put_function(0x1100, 0x1200, 0xfffffff0);
	put_function(0x1200, 0x1300, XDATA_RVA + 0x200 - 4);
	put_function(0x1300, 0x1400, 0xfffffff1);
	put_function(0x1400, 0x1500, put_info(1, 4, 0, 0, NULL, 0)); /* the chain is cut off */
	uint32_t last = XDATA_RVA + 0x200 - 4;
	pad_to(bench.xdata, 0x1fc);
	assert_int_equal(put_info(1, 0, 4, 0, NULL, 0), last);
	poke(bench.xdata, 0x1fe, 0xff, 1); /* codes behind the end */
	open_image();
	assert_int_equal(unwind_at(0x1150, true), ERR_CORRUPT);
	assert_int_equal(unwind_at(0x1250, true), ERR_CORRUPT);
	assert_int_equal(unwind_at(0x1350, true), ERR_CORRUPT);
	assert_int_equal(unwind_at(0x1450, false), ERR_CORRUPT);
}

static void
refuses_codes_that_are_unknown_or_cut_off(void **state)
{
	(void)state;
	static const uint16_t cases[] = {
		CODE(0, 6, 0),                 /* a code of version 2 */
		CODE(0, 7, 0),                 /* was never used */
		CODE(0, 11, 0),                /* beyond the last */
		CODE(0, AMD64_ALLOC_LARGE, 0), /* without its size */
		CODE(0, AMD64_ALLOC_LARGE, 1),
		CODE(0, AMD64_ALLOC_LARGE, 2),
		CODE(0, AMD64_SAVE_NONVOL, 3),
		CODE(0, AMD64_SAVE_NONVOL_FAR, 3),
		CODE(0, AMD64_SAVE_XMM128, 3),
		CODE(0, AMD64_PUSH_MACHFRAME, 2),
		CODE(0, AMD64_SET_FPREG, 0), /* without a frame register */
	};
	const unsigned n = sizeof(cases) / sizeof(cases[0]);
	for (unsigned i = 0; i < n; i++)
		put_function(CODE_RVA + 16 * i, CODE_RVA + 16 * i + 16,
			     put_info(1, 0, 0, 0, &cases[i], 1));
	put_function(0x1800, 0x1900, put_info(3, 0, 0, 0, NULL, 0));
	put_function(0x1900, 0x1a00, put_info(0, 0, 0, 0, NULL, 0));
	open_image();
	for (unsigned i = 0; i < n; i++)
		assert_int_equal(unwind_at(CODE_RVA + 16 * i, false), ERR_CORRUPT);
	assert_int_equal(unwind_at(0x1850, true), ERR_CORRUPT);
	assert_int_equal(unwind_at(0x1950, true), ERR_CORRUPT);
}

static void
a_stack_that_is_not_there_is_said_so(void **state)
{
	(void)state;
	one_function(1, 0, push_and_alloc, 3);
	bench.stack.len = SP - FAKE_MEMORY_BASE + 32 + 8 + 8;
	assert_int_equal(unwind_at(0x1150, true), ERR_TRUNCATED); /* no return address */
	bench.stack.len -= 8;
	assert_int_equal(unwind_at(0x1150, true), ERR_TRUNCATED);
	assert_int_equal(unwind_at(0x1010, true), OK); /* a leaf */
	bench.stack.len = 0;
	assert_int_equal(unwind_at(0x1010, true), ERR_TRUNCATED);
	bench.unwind.callee.known = 0;
	assert_int_equal(symbols_unwind(bench.symbols, &bench.unwind), ERR_TRUNCATED);
}

static void
a_leaf_is_innermost_and_in_code(void **state)
{
	(void)state;
	one_function(1, 0, push_and_alloc, 3);
	assert_unwinds_to(0x10ff, true, SP);
	assert_unwinds_to(0x1200, true, SP);
	assert_int_equal(unwind_at(0x1200, false), ERR_NOTFOUND);
	assert_int_equal(unwind_at(XDATA_RVA, true), ERR_NOTFOUND);
	assert_int_equal(unwind_at(0x9000, true), ERR_NOTFOUND);
	bench.unwind.callee.arch = ARCH_X86;
	bench.unwind.rva = 0x1150;
	assert_int_equal(symbols_unwind(bench.symbols, &bench.unwind), ERR_NOTFOUND);
}

static void
an_image_without_a_function_table_claims_nothing(void **state)
{
	(void)state;
	open_image();
	assert_int_equal(unwind_at(0x1150, true), ERR_NOTFOUND);
}

static void
pushes_and_allocations_are_undone(void **state)
{
	(void)state;
	one_function(1, 0, push_and_alloc, 3);
	assert_unwinds_to(0x1150, false, SP + 48);
	assert_int_equal(caller(AMD64_R8 + 4), SP + 32);
	assert_int_equal(caller(AMD64_RBX), SP + 40);
	assert_int_equal(caller(AMD64_RBP), 0x100 + AMD64_RBP);
	assert_int_equal(caller(AMD64_R15), 0x100 + AMD64_R15);
	uint64_t value;
	for (int i = AMD64_R8; i < AMD64_R8 + 4; i++)
		assert_false(registers_get(&bench.unwind.caller, i, &value));
	assert_false(registers_get(&bench.unwind.caller, AMD64_RAX, &value));
	assert_false(registers_get(&bench.unwind.caller, AMD64_RFLAGS, &value));
}

static void
in_a_prolog_only_what_was_done_is_undone(void **state)
{
	(void)state;
	one_function(1, 0, push_and_alloc, 3);
	assert_unwinds_to(0x1100, true, SP);
	assert_unwinds_to(0x1101, true, SP);
	assert_unwinds_to(0x1102, true, SP + 8);
	assert_int_equal(caller(AMD64_RBX), SP);
	assert_unwinds_to(0x1107, true, SP + 8);
	assert_unwinds_to(0x1108, true, SP + 16);
	assert_unwinds_to(0x110f, true, SP + 16);
	assert_unwinds_to(0x1110, true, SP + 48);
}

static void
large_allocations_of_both_sizes_are_undone(void **state)
{
	(void)state;
	static const uint16_t codes[] = {
		CODE(0x10, AMD64_ALLOC_LARGE, 0),
		0x100, /* in words */
		CODE(0x08, AMD64_ALLOC_LARGE, 1),
		0x2340,
		0x0000, /* in bytes */
		CODE(0x04, AMD64_ALLOC_SMALL, 15),
		CODE(0x02, AMD64_ALLOC_SMALL, 0),
	};
	one_function(1, 0, codes, 7);
	assert_unwinds_to(0x1150, false, SP + 0x800 + 0x2340 + 128 + 8);
	assert_unwinds_to(0x110f, true, SP + 0x2340 + 128 + 8);
}

static void
a_frame_register_gives_the_stack_pointer(void **state)
{
	(void)state;
	static const uint16_t codes[] = {
		CODE(0x14, AMD64_SAVE_NONVOL, HARDWARE_RBX),
		2,
		CODE(0x10, AMD64_SAVE_XMM128, 6),
		1,
		CODE(0x0c, AMD64_SET_FPREG, 0),
		CODE(0x08, AMD64_ALLOC_SMALL, 7),
		CODE(0x02, AMD64_PUSH_NONVOL, HARDWARE_RBP),
	};
	one_function(1, 2 << 4 | HARDWARE_RBP, codes, 7);
	assert_int_equal(unwind_at(0x1150, false), ERR_TRUNCATED); /* rbp is no address */
	registers_set(&bench.unwind.callee, AMD64_RBP, SP + 0x200 + 0x20);
	assert_int_equal(symbols_unwind(bench.symbols, &bench.unwind), OK);
	assert_returned_from(SP + 0x200 + 64 + 8);
	assert_int_equal(caller(AMD64_RBP), SP + 0x200 + 64);
	assert_int_equal(caller(AMD64_RBX), SP + 0x200 + 16);
	/* Between the two saves the frame register is set already. */
	bench.unwind.rva = 0x1112;
	assert_int_equal(symbols_unwind(bench.symbols, &bench.unwind), OK);
	assert_returned_from(SP + 0x200 + 64 + 8);
	assert_int_equal(caller(AMD64_RBX), 0x100 + AMD64_RBX);
	/* Before it is set rsp counts. */
	bench.unwind.rva = 0x110b;
	assert_int_equal(symbols_unwind(bench.symbols, &bench.unwind), OK);
	assert_returned_from(SP + 64 + 8);
	registers_forget(&bench.unwind.callee, AMD64_RBP);
	bench.unwind.rva = 0x1150;
	assert_int_equal(symbols_unwind(bench.symbols, &bench.unwind), ERR_TRUNCATED);
}

static void
registers_saved_far_away_are_restored(void **state)
{
	(void)state;
	static const uint16_t codes[] = {
		CODE(0x18, AMD64_SAVE_NONVOL_FAR, HARDWARE_R12),
		0x3008,
		0x0000,
		CODE(0x10, AMD64_SAVE_XMM128_FAR, 7),
		0x10,
		0x0000,
		CODE(0x08, AMD64_ALLOC_LARGE, 1),
		0x4000,
		0x0000,
	};
	one_function(1, 0, codes, 9);
	assert_unwinds_to(0x1150, false, SP + 0x4000);
	assert_int_equal(caller(AMD64_R8 + 4), SP + 0x3008);
}

static void
a_machine_frame_gives_where_it_interrupted(void **state)
{
	(void)state;
	static const uint16_t codes[] = {
		CODE(0x04, AMD64_ALLOC_SMALL, 1),
		CODE(0x00, AMD64_PUSH_MACHFRAME, 1),
	};
	static const uint16_t without_error[] = {CODE(0, AMD64_PUSH_MACHFRAME, 0)};
	static const uint16_t not_first[] = {CODE(0, AMD64_PUSH_MACHFRAME, 0),
					     CODE(0, AMD64_ALLOC_SMALL, 1)};
	put_function(0x1100, 0x1200, put_info(1, 0, 4, 0, codes, 2));
	put_function(0x1200, 0x1300, put_info(1, 0, 0, 0, without_error, 1));
	put_function(0x1300, 0x1400, put_info(1, 0, 0, 0, not_first, 2));
	open_image();
	fake_memory_put(&bench.stack, SP + 16 + 8, RETURN, 8);
	assert_int_equal(unwind_at(0x1150, false), OK);
	assert_int_equal(caller(AMD64_RIP), RETURN);
	assert_int_equal(caller(AMD64_RSP), SP + 16 + 8 + 24);
	assert_true(bench.unwind.caller_is_interrupted);
	assert_int_equal(unwind_at(0x1250, true), OK);
	assert_int_equal(caller(AMD64_RIP), SP);
	assert_int_equal(caller(AMD64_RSP), RETURN); /* the word at SP + 24 */
	assert_int_equal(unwind_at(0x1350, true), ERR_CORRUPT);
	bench.stack.len = SP - FAKE_MEMORY_BASE + 16;
	assert_int_equal(unwind_at(0x1250, true), ERR_TRUNCATED);
}

static void
chained_entries_are_undone_one_after_the_other(void **state)
{
	(void)state;
	static const uint16_t inner[] = {CODE(0x05, AMD64_SAVE_NONVOL, HARDWARE_RBX), 1};
	uint32_t outer = put_info(1, 0, 0x20, 0, push_and_alloc, 2);
	uint32_t chained = put_info(1, 4, 5, 0, inner, 2);
	put_u32(bench.xdata, 0x1100);
	put_u32(bench.xdata, 0x1200);
	put_u32(bench.xdata, outer);
	put_function(0x1100, 0x1200, outer);
	put_function(0x1300, 0x1400, chained);
	put_function(0x1500, 0x1600, PDATA_RVA + 12 + 1); /* indirect, to the one before */
	open_image();
	uint32_t begin;
	assert_unwinds_to(0x1350, false, SP + 40);
	assert_int_equal(caller(AMD64_RBX), SP + 8);
	assert_int_equal(caller(AMD64_R8 + 4), SP + 32);
	assert_unwinds_to(0x1304, true, SP + 40);
	assert_int_equal(caller(AMD64_RBX), 0x100 + AMD64_RBX);
	assert_unwinds_to(0x1550, false, SP + 40);
	assert_int_equal(pe_amd64_function_begin(pe_of(bench.symbols), 0x1350, &begin), OK);
	assert_int_equal(begin, 0x1100);
	assert_int_equal(pe_amd64_function_begin(pe_of(bench.symbols), 0x1250, &begin),
			 ERR_NOTFOUND);
}

/* Puts an epilog at 0x1180. */
static void
put_code(const char *bytes, size_t n)
{
	memcpy(bench.code->data + 0x180, bytes, n);
}

#define EPILOG(bytes) put_code(bytes, sizeof(bytes) - 1)

static void
an_epilog_is_carried_out_from_where_the_thread_stands(void **state)
{
	(void)state;
	/* add rsp, 32; pop r12; pop rbx; ret */
	EPILOG("\x48\x83\xc4\x20\x41\x5c\x5b\xc3");
	one_function(1, 0, push_and_alloc, 3);
	assert_unwinds_to(0x117f, true, SP + 48); /* not yet: a nop goes before */
	assert_unwinds_to(0x1180, true, SP + 48);
	assert_unwinds_to(0x1184, true, SP + 16);
	assert_int_equal(caller(AMD64_R8 + 4), SP);
	assert_int_equal(caller(AMD64_RBX), SP + 8);
	assert_unwinds_to(0x1186, true, SP + 8);
	assert_int_equal(caller(AMD64_RBX), SP);
	assert_int_equal(caller(AMD64_R8 + 4), 0x100 + AMD64_R8 + 4);
	assert_unwinds_to(0x1187, true, SP);
	/* Behind a call it is not asked for. */
	assert_unwinds_to(0x1187, false, SP + 48);
}

static void
assert_is_epilog(const char *bytes, size_t n, bool is_epilog)
{
	memset(bench.code->data + 0x180, 0x90, 64);
	put_code(bytes, n);
	symbols_free(bench.symbols);
	bench.symbols = NULL;
	open_image();
	assert_unwinds_to(0x1180, true, is_epilog ? SP : SP + 48);
}

#define IS_EPILOG(bytes) assert_is_epilog(bytes, sizeof(bytes) - 1, true)
#define IS_NO_EPILOG(bytes) assert_is_epilog(bytes, sizeof(bytes) - 1, false)

static void
only_the_forms_of_the_manual_are_epilogs(void **state)
{
	(void)state;
	one_function(1, 0, push_and_alloc, 3);
	IS_EPILOG("\xc3");
	IS_EPILOG("\xf3\xc3");
	IS_EPILOG("\xe9\x00\x10\x00\x00");     /* to another function */
	IS_EPILOG("\xe9\x7b\xff\xff\xff");     /* to this one's start: it calls itself */
	IS_EPILOG("\xff\x25\x00\x00\x00\x00"); /* through an import */
	IS_EPILOG("\x48\xff\x25\x00\x00\x00\x00");
	IS_EPILOG("\x48\xff\xe0"); /* jmp rax */
	IS_EPILOG("\x49\xff\xe2");
	IS_NO_EPILOG("\xe9\x00\x00\x00\x00"); /* inside */
	IS_NO_EPILOG("\xeb\x10");
	IS_NO_EPILOG("\xeb\x80");
	IS_NO_EPILOG("\xff\xe0");
	IS_NO_EPILOG("\xff\x15\x00\x00\x00\x00"); /* a call */
	IS_NO_EPILOG("\x48\xff\xd0");
	IS_NO_EPILOG("\x5b\x90\xc3");
	IS_NO_EPILOG("\xf3\x90");
	IS_NO_EPILOG("\x48\x8d\x65\x10\xc3"); /* lea, but no frame register */
	IS_NO_EPILOG("\x48\x83\xec\x20\xc3"); /* sub */
}

static void
an_epilog_may_take_parameters_off(void **state)
{
	(void)state;
	EPILOG("\x48\x81\xc4\x00\x01\x00\x00\xc2\x10\x00"); /* add rsp, 256; ret 16 */
	one_function(1, 0, push_and_alloc, 3);
	assert_int_equal(unwind_at(0x1180, true), OK);
	assert_int_equal(caller(AMD64_RIP), SP + 256);
	assert_int_equal(caller(AMD64_RSP), SP + 256 + 8 + 16);
}

static void
an_epilog_may_begin_with_the_frame_register(void **state)
{
	(void)state;
	static const uint16_t codes[] = {
		CODE(8, AMD64_SET_FPREG, 0),
		CODE(4, AMD64_ALLOC_SMALL, 3),
		CODE(2, AMD64_PUSH_NONVOL, HARDWARE_RBP),
	};
	static const uint16_t r12_codes[] = {
		CODE(8, AMD64_SET_FPREG, 0),
		CODE(4, AMD64_ALLOC_SMALL, 3),
		CODE(2, AMD64_PUSH_NONVOL, HARDWARE_R12),
	};
	EPILOG("\x48\x8d\x65\x20\x5d\xc3"); /* lea rsp, [rbp + 32]; pop rbp; ret */
	memcpy(bench.code->data + 0x380, "\x49\x8d\xa4\x24\x20\x00\x00\x00\x41\x5c\xc3", 11);
	put_function(0x1100, 0x1200, put_info(1, 0, 8, HARDWARE_RBP, codes, 3));
	put_function(0x1300, 0x1400, put_info(1, 0, 8, HARDWARE_R12, r12_codes, 3));
	open_image();
	assert_int_equal(unwind_at(0x1180, true), ERR_TRUNCATED); /* rbp is no address */
	registers_set(&bench.unwind.callee, AMD64_RBP, SP + 0x100);
	assert_int_equal(symbols_unwind(bench.symbols, &bench.unwind), OK);
	assert_returned_from(SP + 0x100 + 32 + 8);
	assert_int_equal(caller(AMD64_RBP), SP + 0x100 + 32);
	bench.unwind.rva = 0x1380;
	registers_set(&bench.unwind.callee, AMD64_RIP, BASE + 0x1380);
	registers_set(&bench.unwind.callee, AMD64_R8 + 4, SP + 0x200);
	assert_int_equal(symbols_unwind(bench.symbols, &bench.unwind), OK);
	assert_returned_from(SP + 0x200 + 32 + 8);
	registers_forget(&bench.unwind.callee, AMD64_R8 + 4);
	assert_int_equal(symbols_unwind(bench.symbols, &bench.unwind), ERR_TRUNCATED);
}

static void
code_in_the_dump_counts_before_code_in_the_image(void **state)
{
	(void)state;
	one_function(1, 0, push_and_alloc, 3); /* the image has nops at 0x1180 */
	static struct fake_memory all;
	fake_memory_init(&all, BASE + CODE_RVA);
	memset(all.bytes, 0xc3, sizeof(all.bytes));
	assert_unwinds_to(0x1180, true, SP + 48);
	bench.unwind.memory = &all.memory;
	/* A stack right behind the code, so that one memory has both. */
	registers_set(&bench.unwind.callee, AMD64_RSP, BASE + CODE_RVA + 0x8000);
	assert_int_equal(symbols_unwind(bench.symbols, &bench.unwind), OK);
	assert_int_equal(caller(AMD64_RSP), BASE + CODE_RVA + 0x8008);
}

static void
a_jump_to_another_piece_of_the_function_is_no_epilog(void **state)
{
	(void)state;
	uint32_t outer = put_info(1, 0, 0x20, 0, push_and_alloc, 3);
	uint32_t chained = put_info(1, 4, 0, 0, NULL, 0);
	put_u32(bench.xdata, 0x1100);
	put_u32(bench.xdata, 0x1200);
	put_u32(bench.xdata, outer);
	put_function(0x1100, 0x1200, outer);
	put_function(0x1300, 0x1400, chained);
	put_function(0x1400, 0x1500, put_info(1, 0, 0x20, 0, push_and_alloc, 3));
	EPILOG("\xe9\xab\x01\x00\x00");                              /* to 0x1330 */
	memcpy(bench.code->data + 0x380, "\xe9\xab\xfd\xff\xff", 5); /* back to 0x1130 */
	memcpy(bench.code->data + 0x390, "\xe9\x6b\xfd\xff\xff", 5); /* to the start, 0x1100 */
	memcpy(bench.code->data + 0x3a0, "\xe9\x8b\x00\x00\x00", 5); /* to 0x1430 */
	memcpy(bench.code->data + 0x3b0, "\xe9\x4b\xff\xff\xff", 5); /* to the piece's start */
	open_image();
	assert_unwinds_to(0x1180, true, SP + 48);
	assert_unwinds_to(0x1380, true, SP + 48);
	assert_unwinds_to(0x1390, true, SP);
	assert_unwinds_to(0x13a0, true, SP);
	assert_unwinds_to(0x13b0, true, SP + 48);
}

/* Version 2: epilogs of 4 bytes (pop r12; pop rbx; ret) at the end and at 0x1150. */
static void
listed_epilogs_undo_the_pushes_that_are_left(void **state)
{
	(void)state;
	static const uint16_t codes[] = {
		CODE(4, AMD64_EPILOG, 1),
		CODE(0xb0, AMD64_EPILOG, 0),
		CODE(0x10, AMD64_ALLOC_SMALL, 3),
		CODE(8, AMD64_PUSH_NONVOL, HARDWARE_R12),
		CODE(2, AMD64_PUSH_NONVOL, HARDWARE_RBX),
	};
	one_function(2, 0, codes, 5);
	for (uint64_t start = 0x1150; start <= 0x11fc; start += 0xac) {
		assert_unwinds_to(start - 1, true, SP + 48);
		assert_unwinds_to(start, true, SP + 16);
		assert_int_equal(caller(AMD64_R8 + 4), SP);
		assert_int_equal(caller(AMD64_RBX), SP + 8);
		assert_unwinds_to(start + 2, true, SP + 8);
		assert_int_equal(caller(AMD64_RBX), SP);
		assert_unwinds_to(start + 3, true, SP);
	}
	assert_unwinds_to(0x1154, true, SP + 48);
	assert_unwinds_to(0x1150, false, SP + 48);
}

static void
listed_epilogs_may_take_the_flags_off_and_go_on_in_a_chain(void **state)
{
	(void)state;
	static const uint16_t flags[] = {
		CODE(3, AMD64_EPILOG, 1),
		CODE(0x10, AMD64_ALLOC_SMALL, 3),
		CODE(8, AMD64_PUSH_NONVOL, HARDWARE_RBX),
		CODE(2, AMD64_ALLOC_SMALL, 0),
	};
	static const uint16_t inner[] = {
		CODE(4, AMD64_EPILOG, 0),
		CODE(4, AMD64_EPILOG, 0),
		CODE(0, AMD64_EPILOG, 0), /* fills up */
		CODE(2, AMD64_PUSH_NONVOL, HARDWARE_R12),
	};
	uint32_t outer = put_info(2, 0, 0x20, 0, flags, 4);
	put_function(0x1100, 0x1200, outer);
	put_function(0x1300, 0x1400, put_info(2, 4, 2, 0, inner, 4));
	put_u32(bench.xdata, 0x1100);
	put_u32(bench.xdata, 0x1200);
	put_u32(bench.xdata, outer);
	open_image();
	assert_unwinds_to(0x11fd, true, SP + 16);
	assert_unwinds_to(0x11fe, true, SP + 8);
	assert_unwinds_to(0x11ff, true, SP);
	assert_unwinds_to(0x13fc, true, SP + 24);
	assert_int_equal(caller(AMD64_R8 + 4), SP);
	assert_int_equal(caller(AMD64_RBX), SP + 8);
	assert_unwinds_to(0x13fe, true, SP + 16);
	assert_unwinds_to(0x1350, true, SP + 8 + 32 + 8 + 8);
}

/* The export at 0x1050 is no name for the function at 0x1100. */
static void
the_function_table_says_where_another_function_begins(void **state)
{
	(void)state;
	struct symbol symbol;
	struct buf *d = pe_builder_section(&bench.builder, ".edata", 0x5000, PE_BUILDER_DATA);
	buf_append_zero(d, 16);
	put_u32(d, 1);
	put_u32(d, 1);
	put_u32(d, 1);
	put_u32(d, 0x5030);
	put_u32(d, 0x5034);
	put_u32(d, 0x5038);
	pad_to(d, 0x30);
	put_u32(d, 0x1050);
	put_u32(d, 0x503a);
	put_u16(d, 0);
	buf_append(d, slice_of("exported", 9));
	pe_builder_directory(&bench.builder, PE_DIRECTORY_EXPORTS, 0x5000, 40);
	one_function(1, 0, push_and_alloc, 3);
	assert_int_equal(symbols_find(bench.symbols, 0x10ff, &symbol), OK);
	assert_int_equal(symbols_find(bench.symbols, 0x1150, &symbol), ERR_NOTFOUND);
	assert_int_equal(symbols_find(bench.symbols, 0x1250, &symbol), OK);
	assert_int_equal(symbol.function_rva, 0x1050);
}

/* Load configuration, description, ranges of hybrid code. */
static void
build_hybrid(uint32_t version, uint32_t n)
{
	struct buf *d = pe_builder_section(&bench.builder, ".rdata", 0x5000, PE_BUILDER_DATA);
	put_u32(d, 0x100);
	pad_to(d, 0xc8);
	put_u64(d, PE_BUILDER_BASE + 0x5100);
	pad_to(d, 0x100);
	put_u32(d, version);
	put_u32(d, 0x5120);
	put_u32(d, n);
	pad_to(d, 0x120);
	put_u32(d, 0x1100 | 1);
	put_u32(d, 0x80);
	put_u32(d, 0x1180 | 2);
	put_u32(d, 0x80);
	pe_builder_directory(&bench.builder, PE_DIRECTORY_LOAD_CONFIG, 0x5000, 0x100);
	one_function(1, 0, push_and_alloc, 3);
	assert_true(pe_identity(pe_of(bench.symbols))->is_arm64ec);
}

static void
arm64ec_code_is_not_unwound_as_amd64(void **state)
{
	(void)state;
	struct symbol symbol;
	build_hybrid(1, 2);
	assert_int_equal(unwind_at(0x1150, true), ERR_NOTFOUND);
	assert_unwinds_to(0x1190, true, SP + 48);
	assert_unwinds_to(0x1010, true, SP);
	assert_int_equal(symbols_find(bench.symbols, 0x1150, &symbol), ERR_NOTFOUND);
}

static void
hybrid_images_with_a_broken_list_unwind_nothing(void **state)
{
	(void)state;
	build_hybrid(9, 2);
	assert_int_equal(pe_identity(pe_of(bench.symbols))->broken, PE_HYBRID);
	assert_int_equal(unwind_at(0x1190, true), ERR_NOTFOUND);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(refuses_a_chain_that_leads_to_itself),
		TEST(refuses_indirect_entries_that_lead_in_a_circle),
		TEST(refuses_unwind_data_outside_of_the_image),
		TEST(refuses_codes_that_are_unknown_or_cut_off),
		TEST(a_stack_that_is_not_there_is_said_so),
		TEST(a_leaf_is_innermost_and_in_code),
		TEST(an_image_without_a_function_table_claims_nothing),
		TEST(pushes_and_allocations_are_undone),
		TEST(in_a_prolog_only_what_was_done_is_undone),
		TEST(large_allocations_of_both_sizes_are_undone),
		TEST(a_frame_register_gives_the_stack_pointer),
		TEST(registers_saved_far_away_are_restored),
		TEST(a_machine_frame_gives_where_it_interrupted),
		TEST(chained_entries_are_undone_one_after_the_other),
		TEST(an_epilog_is_carried_out_from_where_the_thread_stands),
		TEST(only_the_forms_of_the_manual_are_epilogs),
		TEST(an_epilog_may_take_parameters_off),
		TEST(an_epilog_may_begin_with_the_frame_register),
		TEST(code_in_the_dump_counts_before_code_in_the_image),
		TEST(a_jump_to_another_piece_of_the_function_is_no_epilog),
		TEST(listed_epilogs_undo_the_pushes_that_are_left),
		TEST(listed_epilogs_may_take_the_flags_off_and_go_on_in_a_chain),
		TEST(the_function_table_says_where_another_function_begins),
		TEST(arm64ec_code_is_not_unwound_as_amd64),
		TEST(hybrid_images_with_a_broken_list_unwind_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
