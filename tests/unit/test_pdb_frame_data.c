#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/limits.h"
#include "pdb_program.h"
#include "symbols/pdb.h"

enum {
	MODULE_BASE = 0x400000,
	STACK = 0x7f0000, /* its lowest word holds 0xa0000000, the next 0xa0000001 ... */
	STACK_WORDS = 32,
	WORD_BYTES = 4
};

/* FPO_DATA's last word: prologue of 2 bytes, registers, ebp allocated, kind. */
#define FPO_BITS(registers, has_ebp, kind)                                                         \
	(uint16_t)(2 | (registers) << 8 | (has_ebp) << 12 | (kind) << 14)

struct bench {
	struct pdb_program program;
	struct buf file;
	struct symbols *symbols;
	uint8_t words[STACK_WORDS * WORD_BYTES];
	struct memory memory;
};

static struct slice
find_memory(const void *context, uint64_t address, size_t len)
{
	const struct bench *bench = context;
	if (address < STACK || address >= STACK + sizeof(bench->words))
		return (struct slice){0};
	return slice_sub(slice_of(bench->words, sizeof(bench->words)), address - STACK, len);
}

static bool
is_code(const void *context, uint64_t address)
{
	(void)context;
	return address >> 28 == 0xa;
}

static void
begin(struct bench *bench)
{
	*bench = (struct bench){0};
	pdb_program_make(&bench->program);
	bench->program.b.machine = 0x14c;
	for (size_t i = 0; i < STACK_WORDS; i++) {
		bench->words[i * WORD_BYTES] = (uint8_t)i;
		bench->words[i * WORD_BYTES + 3] = 0xa0;
	}
	bench->memory = (struct memory){find_memory, bench};
}

static void
open_file(struct bench *bench)
{
	struct err_detail detail;
	pdb_builder_layout(&bench->program.b, &bench->file);
	if (pdb_open(buf_slice(&bench->file), &bench->symbols, &detail) != OK)
		fail_msg("%s", detail.why);
}

static void
close_file(struct bench *bench)
{
	symbols_free(bench->symbols);
	buf_done(&bench->file);
	pdb_builder_done(&bench->program.b);
}

static err_t
unwind_at(const struct bench *bench, uint64_t rva, struct unwind *unwind)
{
	*unwind = (struct unwind){
		.memory = &bench->memory,
		.callee = {.arch = ARCH_X86},
		.module_base = MODULE_BASE,
		.rva = rva,
		.is_code = is_code,
		.way = UNWIND_N,
	};
	registers_set(&unwind->callee, X86_EIP, MODULE_BASE + rva);
	registers_set(&unwind->callee, X86_ESP, STACK);
	registers_set(&unwind->callee, X86_EBP, STACK + 10 * WORD_BYTES);
	registers_set(&unwind->callee, X86_EBX, 0xb);
	return symbols_unwind(bench->symbols, unwind);
}

static void
assert_unwound(const struct bench *bench, uint64_t rva, uint64_t pc, uint64_t sp,
	       uint32_t param_bytes)
{
	struct unwind unwind;
	err_t err = unwind_at(bench, rva, &unwind);
	if (err != OK)
		fail_msg("%llx: %s", (unsigned long long)rva, err_name(err));
	assert_int_equal(registers_pc(&unwind.caller), pc);
	assert_int_equal(registers_sp(&unwind.caller), sp);
	assert_int_equal(unwind.param_bytes, param_bytes);
	assert_int_equal(unwind.way, UNWIND_FRAME_DATA);
}

static void
assert_not_unwound(const struct bench *bench, uint64_t rva, err_t expected)
{
	struct unwind unwind;
	assert_int_equal(unwind_at(bench, rva, &unwind), expected);
}

static void
runs_the_program_of_the_innermost_record(void **state)
{
	struct bench bench;
	struct pdb_builder *b = &bench.program.b;
	(void)state;
	begin(&bench);
	uint32_t first = pdb_builder_name(b, "$T0 .raSearch = $eip $T0 ^ = $esp $T0 4 + =");
	uint32_t pushed = pdb_builder_name(b, "$T0 .raSearch = $eip $T0 ^ = $esp $T0 4 + = "
					      "$ebx $T0 4 - ^ =");
	/* As compilers write them: one more for each push of the prologue, up to the same end. */
	pdb_builder_frame_data(b, 0x1001, 0xff, 0, 8, 4, pushed);
	pdb_builder_frame_data(b, 0x1000, 0x100, 0, 8, 0, first);
	pdb_builder_frame_data(b, 0x1003, 0xfd, 0x10, 8, 4, pushed);
	open_file(&bench);
	assert_unwound(&bench, 0x1000, 0xa0000000, STACK + 4, 8);
	assert_unwound(&bench, 0x1001, 0xa0000001, STACK + 8, 8);
	assert_unwound(&bench, 0x1002, 0xa0000001, STACK + 8, 8);
	assert_unwound(&bench, 0x1003, 0xa0000005, STACK + 24, 8);
	assert_unwound(&bench, 0x10ff, 0xa0000005, STACK + 24, 8);
	struct unwind unwind;
	uint64_t ebx = 0;
	assert_int_equal(unwind_at(&bench, 0x1050, &unwind), OK);
	assert_true(registers_get(&unwind.caller, X86_EBX, &ebx));
	assert_int_equal(ebx, 0xa0000004);
	assert_not_unwound(&bench, 0xfff, ERR_NOTFOUND);
	assert_not_unwound(&bench, 0x1100, ERR_NOTFOUND);
	assert_not_unwound(&bench, 0x100001000, ERR_NOTFOUND);
	close_file(&bench);
}

static void
goes_by_sizes_when_there_is_no_program(void **state)
{
	struct bench bench;
	(void)state;
	begin(&bench);
	pdb_builder_frame_data(&bench.program.b, 0x1000, 0x100, 8, 4, 4, 0);
	open_file(&bench);
	assert_unwound(&bench, 0x1000, 0xa0000003, STACK + 16, 4);
	close_file(&bench);
}

static void
reads_records_of_sizes_alone(void **state)
{
	struct bench bench;
	struct pdb_builder *b = &bench.program.b;
	struct unwind unwind;
	uint64_t ebp;
	(void)state;
	begin(&bench);
	pdb_builder_fpo(b, 0x1000, 0x20, 3, 2, FPO_BITS(2, 0, 0));
	pdb_builder_fpo(b, 0x1020, 0x20, 1, 0, FPO_BITS(2, 1, 0));
	/* These say that ebp is the frame pointer, or speak of traps: others know better. */
	pdb_builder_fpo(b, 0x1040, 0x20, 0, 0, FPO_BITS(0, 0, 3));
	pdb_builder_fpo(b, 0x1060, 0x20, 0, 0, FPO_BITS(0, 0, 1));
	open_file(&bench);
	assert_unwound(&bench, 0x1000, 0xa0000005, STACK + 24, 8);
	assert_unwound(&bench, 0x1020, 0xa0000003, STACK + 16, 0);
	assert_int_equal(unwind_at(&bench, 0x1020, &unwind), OK);
	assert_true(registers_get(&unwind.caller, X86_EBP, &ebp));
	assert_int_equal(ebp, 0xa0000000);
	assert_int_equal(unwind_at(&bench, 0x1000, &unwind), OK);
	assert_true(registers_get(&unwind.caller, X86_EBP, &ebp));
	assert_int_equal(ebp, STACK + 10 * WORD_BYTES);
	assert_not_unwound(&bench, 0x1040, ERR_NOTFOUND);
	assert_not_unwound(&bench, 0x1060, ERR_NOTFOUND);
	close_file(&bench);
}

static void
prefers_programs_to_sizes(void **state)
{
	struct bench bench;
	struct pdb_builder *b = &bench.program.b;
	(void)state;
	begin(&bench);
	uint32_t program = pdb_builder_name(b, "$eip $esp 8 + ^ = $esp $esp 12 + =");
	pdb_builder_frame_data(b, 0x1000, 0x10, 0, 0, 0, program);
	pdb_builder_fpo(b, 0x1000, 0x20, 0, 0, FPO_BITS(0, 0, 0));
	open_file(&bench);
	assert_unwound(&bench, 0x1000, 0xa0000002, STACK + 12, 0);
	assert_unwound(&bench, 0x1010, 0xa0000000, STACK + 4, 0);
	close_file(&bench);
}

static void
finds_frame_data_of_code_that_was_moved(void **state)
{
	struct bench bench;
	struct pdb_builder *b = &bench.program.b;
	(void)state;
	begin(&bench);
	pdb_builder_fpo(b, 0x1000, 0x20, 1, 0, FPO_BITS(0, 0, 0));
	pdb_put32(&b->streams[PDB_OMAP_TO_SOURCE], 0x5000);
	pdb_put32(&b->streams[PDB_OMAP_TO_SOURCE], 0x1000);
	pdb_put32(&b->streams[PDB_OMAP_FROM_SOURCE], 0x1000);
	pdb_put32(&b->streams[PDB_OMAP_FROM_SOURCE], 0x5000);
	open_file(&bench);
	assert_unwound(&bench, 0x5010, 0xa0000001, STACK + 8, 0);
	assert_not_unwound(&bench, 0x1010, ERR_NOTFOUND);
	close_file(&bench);
}

static void
answers_for_programs_that_are_broken(void **state)
{
	struct bench bench;
	struct pdb_builder *b = &bench.program.b;
	(void)state;
	begin(&bench);
	pdb_builder_frame_data(b, 0x1000, 0x10, 0, 0, 0, 0xfffffff0); /* no such text */
	pdb_builder_frame_data(b, 0x1010, 0x10, 0, 0, 0, pdb_builder_name(b, "$esp + + + ="));
	pdb_builder_frame_data(b, 0x1020, 0x10, 0, 0, 0,
			       pdb_builder_name(b, "$eip 0 ^ = $esp 4 ="));
	pdb_builder_fpo(b, 0x1030, 0x10, 0x3fffffff, 0xffff, FPO_BITS(7, 0, 0)); /* wraps */
	open_file(&bench);
	assert_not_unwound(&bench, 0x1000, ERR_CORRUPT);
	assert_not_unwound(&bench, 0x1010, ERR_CORRUPT);
	assert_not_unwound(&bench, 0x1020, ERR_TRUNCATED);
	assert_unwound(&bench, 0x1030, 0xa0000006, STACK + 28, 0xffff * WORD_BYTES);
	close_file(&bench);
}

static void
has_no_frames_without_these_streams(void **state)
{
	struct bench bench;
	(void)state;
	begin(&bench);
	open_file(&bench);
	assert_not_unwound(&bench, 0x1000, ERR_NOTFOUND);
	close_file(&bench);
}

static void
refuses_more_records_than_the_limit(void **state)
{
	struct bench bench;
	(void)state;
	begin(&bench);
	buf_append_zero(&bench.program.b.streams[PDB_FPO], (size_t)16 * (LIMIT_PDB_FRAMES + 1));
	open_file(&bench);
	assert_not_unwound(&bench, 0x1000, ERR_LIMIT);
	assert_not_unwound(&bench, 0x1000, ERR_LIMIT);
	close_file(&bench);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(runs_the_program_of_the_innermost_record),
		cmocka_unit_test(goes_by_sizes_when_there_is_no_program),
		cmocka_unit_test(reads_records_of_sizes_alone),
		cmocka_unit_test(prefers_programs_to_sizes),
		cmocka_unit_test(finds_frame_data_of_code_that_was_moved),
		cmocka_unit_test(answers_for_programs_that_are_broken),
		cmocka_unit_test(has_no_frames_without_these_streams),
		cmocka_unit_test(refuses_more_records_than_the_limit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
