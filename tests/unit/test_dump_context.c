#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dump/context.h"
#include "minidump_builder.h"

enum {
	RAW_BYTES = 0x700
};

static const struct {
	enum context_kind kind;
	enum arch arch;
	size_t flags_offset;
	uint32_t flags;
	size_t bytes;
} kinds[] = {
	{CONTEXT_X86, ARCH_X86, 0, 0x1003f, 0x2cc},
	{CONTEXT_AMD64, ARCH_AMD64, 0x30, 0x10001f, 0x4d0},
	{CONTEXT_ARM, ARCH_ARM, 0, 0x40000006, 0x170},
	{CONTEXT_ARM64, ARCH_ARM64, 0, 0x400007, 0x390},
	{CONTEXT_ARM64_OLD, ARCH_ARM64, 0, 0x80000006, 0x31c},
};
enum {
	N_KINDS = sizeof(kinds) / sizeof(kinds[0])
};

/* Each byte of a register's field is its index in struct registers, and one. */
static void
fill(size_t row, uint8_t raw[RAW_BYTES])
{
	size_t n;
	const struct context_field *fields = context_fields(kinds[row].kind, &n);
	memset(raw, 0, RAW_BYTES);
	for (size_t i = 0; i < n; i++)
		if (fields[i].index >= 0)
			memset(raw + fields[i].offset, fields[i].index + 1, fields[i].bytes);
	set_u32(raw + kinds[row].flags_offset, kinds[row].flags);
}

static void
refuses_records_that_are_too_short(void **state)
{
	(void)state;
	for (size_t row = 0; row < N_KINDS; row++) {
		uint8_t raw[RAW_BYTES];
		struct registers registers;
		size_t least = context_bytes(kinds[row].kind);
		fill(row, raw);
		for (size_t len = 0; len < least; len++)
			assert_int_equal(
				context_parse(kinds[row].kind, slice_of(raw, len), &registers),
				ERR_TRUNCATED);
		assert_int_equal(context_parse(kinds[row].kind, slice_of(raw, least), &registers),
				 OK);
	}
}

static void
refuses_records_of_no_known_layout(void **state)
{
	static const uint8_t raw[RAW_BYTES] = {0xff, 0xff, 0xff, 0x0f};
	struct registers registers;
	(void)state;
	assert_int_equal(context_kind(ARCH_UNKNOWN, slice_of(raw, sizeof(raw))), CONTEXT_NONE);
	assert_int_equal(context_kind(ARCH_UNKNOWN, slice_of(raw, 2)), CONTEXT_NONE);
	assert_int_equal(context_kind(ARCH_UNKNOWN, (struct slice){0}), CONTEXT_NONE);
	assert_int_equal(context_parse(CONTEXT_NONE, slice_of(raw, sizeof(raw)), &registers),
			 ERR_UNSUPPORTED);
	assert_int_equal(context_arch(CONTEXT_NONE), ARCH_UNKNOWN);
}

static void
reads_every_register_of_every_layout(void **state)
{
	(void)state;
	for (size_t row = 0; row < N_KINDS; row++) {
		uint8_t raw[RAW_BYTES];
		struct registers registers;
		fill(row, raw);
		assert_int_equal(
			context_parse(kinds[row].kind, slice_of(raw, kinds[row].bytes), &registers),
			OK);
		assert_int_equal(registers.arch, kinds[row].arch);
		for (unsigned i = 0; i < registers_count(kinds[row].arch); i++) {
			uint64_t value;
			if (!registers_get(&registers, (int)i, &value))
				fail_msg("%s is not known", registers_name(kinds[row].arch, i));
			assert_int_equal(value & 0xff, i + 1);
		}
	}
}

static void
keeps_fields_inside_their_record_and_apart(void **state)
{
	(void)state;
	for (size_t row = 0; row < N_KINDS; row++) {
		uint8_t used[RAW_BYTES] = {0};
		size_t n;
		const struct context_field *fields = context_fields(kinds[row].kind, &n);
		for (size_t i = 0; i < n; i++) {
			assert_true((size_t)fields[i].offset + fields[i].bytes <= kinds[row].bytes);
			for (size_t k = 0; k < fields[i].bytes; k++)
				assert_int_equal(used[fields[i].offset + k]++, 0);
		}
	}
}

static void
tells_layouts_by_flags_and_length(void **state)
{
	(void)state;
	for (size_t row = 0; row < N_KINDS; row++) {
		uint8_t raw[RAW_BYTES];
		fill(row, raw);
		assert_int_equal(context_kind(ARCH_UNKNOWN, slice_of(raw, kinds[row].bytes)),
				 kinds[row].kind);
		assert_int_equal(context_kind(kinds[row].arch, slice_of(raw, kinds[row].bytes)),
				 kinds[row].kind);
		/* Without flags only the exact length tells. */
		memset(raw, 0, sizeof(raw));
		assert_int_equal(context_kind(ARCH_UNKNOWN, slice_of(raw, kinds[row].bytes)),
				 kinds[row].kind);
		assert_int_equal(context_kind(ARCH_UNKNOWN, slice_of(raw, kinds[row].bytes + 1)),
				 CONTEXT_NONE);
	}
}

/* Windows uses the bits by which Breakpad names arm for exception reporting. */
static void
is_not_misled_by_bits_of_exception_reporting(void **state)
{
	uint8_t raw[RAW_BYTES];
	(void)state;
	fill(1, raw);
	set_u32(raw + 0x30, 0xd810001f);
	assert_int_equal(context_kind(ARCH_UNKNOWN, slice_of(raw, 0x4d0)), CONTEXT_AMD64);
	fill(3, raw);
	set_u32(raw, 0xd8400007);
	assert_int_equal(context_kind(ARCH_ARM64, slice_of(raw, 0x390)), CONTEXT_ARM64);
	/* Windows' own arm. */
	fill(2, raw);
	set_u32(raw, 0x20000f);
	assert_int_equal(context_kind(ARCH_UNKNOWN, slice_of(raw, 0x1a0)), CONTEXT_ARM);
}

static void
knows_only_the_groups_that_the_flags_name(void **state)
{
	uint8_t raw[RAW_BYTES];
	struct registers registers;
	uint64_t value;
	(void)state;
	fill(1, raw);
	set_u32(raw + 0x30, 0x100001);
	assert_int_equal(context_parse(CONTEXT_AMD64, slice_of(raw, 0x4d0), &registers), OK);
	assert_true(registers_get(&registers, AMD64_RIP, &value));
	assert_true(registers_get(&registers, AMD64_RSP, &value));
	assert_false(registers_get(&registers, AMD64_RAX, &value));
	assert_false(registers_get(&registers, AMD64_RBP, &value));
	set_u32(raw + 0x30, 0x100002);
	assert_int_equal(context_parse(CONTEXT_AMD64, slice_of(raw, 0x4d0), &registers), OK);
	assert_false(registers_get(&registers, AMD64_RIP, &value));
	assert_true(registers_get(&registers, AMD64_RAX, &value));
	fill(0, raw);
	set_u32(raw, 0x10001);
	assert_int_equal(context_parse(CONTEXT_X86, slice_of(raw, 0xcc), &registers), OK);
	assert_true(registers_get(&registers, X86_EBP, &value));
	assert_false(registers_get(&registers, X86_EAX, &value));
}

static void
gives_the_bytes_of_fields_that_are_there(void **state)
{
	uint8_t raw[RAW_BYTES];
	size_t n;
	const struct context_field *fields = context_fields(CONTEXT_X86, &n);
	(void)state;
	fill(0, raw);
	assert_string_equal(fields[n - 1].name, "extended_registers");
	assert_int_equal(context_field_bytes(&fields[n - 1], slice_of(raw, 0x2cc)).len, 512);
	assert_true(slice_is_absent(context_field_bytes(&fields[n - 1], slice_of(raw, 0x2cb))));
	assert_true(slice_is_absent(context_field_bytes(&fields[n - 1], slice_of(raw, 0xcc))));
}

/* ---- CET ---- */

enum {
	CONTEXT_END = 0x4d0,
	AREA = 0x520
};

/* A context with an XSAVE area that has the features of MASK; CET's state is at AT in it. */
static void
fill_xsave(uint8_t raw[RAW_BYTES], uint64_t mask, size_t at)
{
	fill(1, raw);
	memset(raw + CONTEXT_END, 0, RAW_BYTES - CONTEXT_END);
	set_u32(raw + 0x30, 0x10005f);
	set_u32(raw + CONTEXT_END + 16, AREA - CONTEXT_END);
	set_u32(raw + CONTEXT_END + 20, RAW_BYTES - AREA);
	set_u32(raw + AREA, (uint32_t)mask);
	set_u32(raw + AREA + 8, (uint32_t)mask);
	set_u32(raw + AREA + 12, 0x80000000);
	raw[AREA + at] = 1;
	set_u32(raw + AREA + at + 8, 0x12345678);
}

static bool
shadow_stack(const uint8_t raw[RAW_BYTES], size_t len, uint64_t *ret_pointer)
{
	return context_shadow_stack(CONTEXT_AMD64, slice_of(raw, len), ret_pointer);
}

static void
finds_the_shadow_stack_among_other_features(void **state)
{
	static const struct {
		uint64_t mask;
		size_t at;
	} rows[] = {
		{0x800, 64},
		{0x803, 64},
		{0x804, 64 + 256},              /* AVX */
		{0xa00, 64 + 8},                /* protection keys */
		{0x806 | 0x18, 64 + 256 + 128}, /* MPX */
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint8_t raw[RAW_BYTES];
		uint64_t pointer = 0;
		fill_xsave(raw, rows[i].mask, rows[i].at);
		assert_true(shadow_stack(raw, sizeof(raw), &pointer));
		assert_int_equal(pointer, 0x12345678);
	}
}

static void
finds_no_shadow_stack_where_there_is_none(void **state)
{
	uint8_t raw[RAW_BYTES];
	uint64_t pointer;
	(void)state;
	fill_xsave(raw, 0x804, 64 + 256);
	assert_false(context_shadow_stack(CONTEXT_X86, slice_of(raw, sizeof(raw)), &pointer));
	for (size_t len = 0; len < AREA + 64 + 256 + 16; len++)
		assert_false(shadow_stack(raw, len, &pointer));
	assert_true(shadow_stack(raw, AREA + 64 + 256 + 16, &pointer));
	raw[AREA + 64 + 256] = 0; /* switched off */
	assert_false(shadow_stack(raw, sizeof(raw), &pointer));
	fill_xsave(raw, 0x804, 64 + 256);
	set_u32(raw + 0x30, 0x10001f); /* no XSAVE state */
	assert_false(shadow_stack(raw, sizeof(raw), &pointer));
	fill_xsave(raw, 0x004, 64 + 256); /* no CET */
	assert_false(shadow_stack(raw, sizeof(raw), &pointer));
	fill_xsave(raw, 0x804, 64 + 256);
	set_u32(raw + AREA + 12, 0); /* not compacted: supervisor state is never there */
	assert_false(shadow_stack(raw, sizeof(raw), &pointer));
	fill_xsave(raw, 0x804, 64 + 256);
	set_u32(raw + CONTEXT_END + 16, 0xffffff00); /* an offset before the record */
	assert_false(shadow_stack(raw, sizeof(raw), &pointer));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_records_that_are_too_short),
		cmocka_unit_test(refuses_records_of_no_known_layout),
		cmocka_unit_test(reads_every_register_of_every_layout),
		cmocka_unit_test(keeps_fields_inside_their_record_and_apart),
		cmocka_unit_test(tells_layouts_by_flags_and_length),
		cmocka_unit_test(is_not_misled_by_bits_of_exception_reporting),
		cmocka_unit_test(knows_only_the_groups_that_the_flags_name),
		cmocka_unit_test(gives_the_bytes_of_fields_that_are_there),
		cmocka_unit_test(finds_the_shadow_stack_among_other_features),
		cmocka_unit_test(finds_no_shadow_stack_where_there_is_none),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
