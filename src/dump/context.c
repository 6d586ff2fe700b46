#include "dump/context.h"

#include "base/reader.h"

enum {
	NO = -1 /* not in struct registers */
};
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* CONTEXT of x86, winnt.h. */
static const struct context_field x86_fields[] = {
	{"context_flags", 0x00, 4, NO},
	{"dr0", 0x04, 4, NO},
	{"dr1", 0x08, 4, NO},
	{"dr2", 0x0c, 4, NO},
	{"dr3", 0x10, 4, NO},
	{"dr6", 0x14, 4, NO},
	{"dr7", 0x18, 4, NO},
	{"float_save.control_word", 0x1c, 4, NO},
	{"float_save.status_word", 0x20, 4, NO},
	{"float_save.tag_word", 0x24, 4, NO},
	{"float_save.error_offset", 0x28, 4, NO},
	{"float_save.error_selector", 0x2c, 4, NO},
	{"float_save.data_offset", 0x30, 4, NO},
	{"float_save.data_selector", 0x34, 4, NO},
	{"float_save.register_area", 0x38, 80, NO},
	{"float_save.cr0_npx_state", 0x88, 4, NO},
	{"gs", 0x8c, 4, NO},
	{"fs", 0x90, 4, NO},
	{"es", 0x94, 4, NO},
	{"ds", 0x98, 4, NO},
	{"edi", 0x9c, 4, X86_EDI},
	{"esi", 0xa0, 4, X86_ESI},
	{"ebx", 0xa4, 4, X86_EBX},
	{"edx", 0xa8, 4, X86_EDX},
	{"ecx", 0xac, 4, X86_ECX},
	{"eax", 0xb0, 4, X86_EAX},
	{"ebp", 0xb4, 4, X86_EBP},
	{"eip", 0xb8, 4, X86_EIP},
	{"cs", 0xbc, 4, NO},
	{"eflags", 0xc0, 4, X86_EFLAGS},
	{"esp", 0xc4, 4, X86_ESP},
	{"ss", 0xc8, 4, NO},
	{"extended_registers", 0xcc, 512, NO}, /* FXSAVE */
};

/* CONTEXT of amd64, winnt.h; CONTEXT_EX follows where there is XSAVE state. */
static const struct context_field amd64_fields[] = {
	{"p1_home", 0x00, 8, NO},
	{"p2_home", 0x08, 8, NO},
	{"p3_home", 0x10, 8, NO},
	{"p4_home", 0x18, 8, NO},
	{"p5_home", 0x20, 8, NO},
	{"p6_home", 0x28, 8, NO},
	{"context_flags", 0x30, 4, NO},
	{"mx_csr", 0x34, 4, NO},
	{"cs", 0x38, 2, NO},
	{"ds", 0x3a, 2, NO},
	{"es", 0x3c, 2, NO},
	{"fs", 0x3e, 2, NO},
	{"gs", 0x40, 2, NO},
	{"ss", 0x42, 2, NO},
	{"rflags", 0x44, 4, AMD64_RFLAGS},
	{"dr0", 0x48, 8, NO},
	{"dr1", 0x50, 8, NO},
	{"dr2", 0x58, 8, NO},
	{"dr3", 0x60, 8, NO},
	{"dr6", 0x68, 8, NO},
	{"dr7", 0x70, 8, NO},
	{"rax", 0x78, 8, AMD64_RAX},
	{"rcx", 0x80, 8, AMD64_RCX},
	{"rdx", 0x88, 8, AMD64_RDX},
	{"rbx", 0x90, 8, AMD64_RBX},
	{"rsp", 0x98, 8, AMD64_RSP},
	{"rbp", 0xa0, 8, AMD64_RBP},
	{"rsi", 0xa8, 8, AMD64_RSI},
	{"rdi", 0xb0, 8, AMD64_RDI},
	{"r8", 0xb8, 8, AMD64_R8},
	{"r9", 0xc0, 8, AMD64_R8 + 1},
	{"r10", 0xc8, 8, AMD64_R8 + 2},
	{"r11", 0xd0, 8, AMD64_R8 + 3},
	{"r12", 0xd8, 8, AMD64_R8 + 4},
	{"r13", 0xe0, 8, AMD64_R8 + 5},
	{"r14", 0xe8, 8, AMD64_R8 + 6},
	{"r15", 0xf0, 8, AMD64_R8 + 7},
	{"rip", 0xf8, 8, AMD64_RIP},
	{"flt_save", 0x100, 512, NO}, /* FXSAVE */
	{"vector_register", 0x300, 416, NO},
	{"vector_control", 0x4a0, 8, NO},
	{"debug_control", 0x4a8, 8, NO},
	{"last_branch_to_rip", 0x4b0, 8, NO},
	{"last_branch_from_rip", 0x4b8, 8, NO},
	{"last_exception_to_rip", 0x4c0, 8, NO},
	{"last_exception_from_rip", 0x4c8, 8, NO},
};

/* Breakpad's record; the first 72 bytes are those of Windows. */
static const struct context_field arm_fields[] = {
	{"context_flags", 0x00, 4, NO},
	{"r0", 0x04, 4, 0},
	{"r1", 0x08, 4, 1},
	{"r2", 0x0c, 4, 2},
	{"r3", 0x10, 4, 3},
	{"r4", 0x14, 4, 4},
	{"r5", 0x18, 4, 5},
	{"r6", 0x1c, 4, 6},
	{"r7", 0x20, 4, 7},
	{"r8", 0x24, 4, 8},
	{"r9", 0x28, 4, 9},
	{"r10", 0x2c, 4, 10},
	{"r11", 0x30, 4, 11},
	{"r12", 0x34, 4, 12},
	{"sp", 0x38, 4, ARM_SP},
	{"lr", 0x3c, 4, ARM_LR},
	{"pc", 0x40, 4, ARM_PC},
	{"cpsr", 0x44, 4, ARM_CPSR},
	{"float_save.fpscr", 0x48, 8, NO},
	{"float_save.regs", 0x50, 256, NO},
};

/* x0 ... sp, each of 8 bytes, from offset AT. */
#define ARM64_X(at, n)                                                                             \
	{                                                                                          \
		"x" #n, (at) + 8 * (n), 8, n                                                       \
	}
#define ARM64_GENERAL(at)                                                                          \
	ARM64_X(at, 0), ARM64_X(at, 1), ARM64_X(at, 2), ARM64_X(at, 3), ARM64_X(at, 4),            \
		ARM64_X(at, 5), ARM64_X(at, 6), ARM64_X(at, 7), ARM64_X(at, 8), ARM64_X(at, 9),    \
		ARM64_X(at, 10), ARM64_X(at, 11), ARM64_X(at, 12), ARM64_X(at, 13),                \
		ARM64_X(at, 14), ARM64_X(at, 15), ARM64_X(at, 16), ARM64_X(at, 17),                \
		ARM64_X(at, 18), ARM64_X(at, 19), ARM64_X(at, 20), ARM64_X(at, 21),                \
		ARM64_X(at, 22), ARM64_X(at, 23), ARM64_X(at, 24), ARM64_X(at, 25),                \
		ARM64_X(at, 26), ARM64_X(at, 27), ARM64_X(at, 28),                                 \
		{"fp", (at) + 232, 8, ARM64_FP}, {"lr", (at) + 240, 8, ARM64_LR},                  \
	{                                                                                          \
		"sp", (at) + 248, 8, ARM64_SP                                                      \
	}

/* ARM64_NT_CONTEXT, winnt.h. */
static const struct context_field arm64_fields[] = {
	{"context_flags", 0x00, 4, NO},
	{"cpsr", 0x04, 4, ARM64_CPSR},
	ARM64_GENERAL(0x08),
	{"pc", 0x108, 8, ARM64_PC},
	{"float_save.regs", 0x110, 512, NO},
	{"float_save.fpcr", 0x310, 4, NO},
	{"float_save.fpsr", 0x314, 4, NO},
	{"bcr", 0x318, 32, NO},
	{"bvr", 0x338, 64, NO},
	{"wcr", 0x378, 8, NO},
	{"wvr", 0x380, 16, NO},
};

/* Breakpad's older record, packed to 4 bytes. */
static const struct context_field arm64_old_fields[] = {
	{"context_flags", 0x00, 8, NO},      ARM64_GENERAL(0x08),
	{"pc", 0x108, 8, ARM64_PC},          {"cpsr", 0x110, 4, ARM64_CPSR},
	{"float_save.fpsr", 0x114, 4, NO},   {"float_save.fpcr", 0x118, 4, NO},
	{"float_save.regs", 0x11c, 512, NO},
};

/* Bits of the flags.  Breakpad's arm and old arm64 call everything `integer`. */
enum {
	FLAG_CONTROL = 1,
	FLAG_INTEGER = 2,
	FLAG_XSTATE = 0x40
};
#define BIT(n) (UINT64_C(1) << (n))

static const struct layout {
	enum arch arch;
	uint16_t bytes;       /* up to the last general register */
	uint16_t whole_bytes; /* of the whole record */
	uint16_t flags_offset;
	uint32_t flags;       /* bits that name the processor */
	uint32_t flags_other; /* another spelling of them; 0: none */
	uint64_t control;     /* registers that FLAG_CONTROL stands for; 0: flags are not asked */
	const struct context_field *fields;
	size_t n_fields;
} layouts[CONTEXT_KIND_N] = {
	[CONTEXT_NONE] = {.arch = ARCH_UNKNOWN},
	[CONTEXT_X86] = {ARCH_X86, 0xcc, 0x2cc, 0, 0x10000, 0,
			 BIT(X86_EBP) | BIT(X86_EIP) | BIT(X86_EFLAGS) | BIT(X86_ESP), x86_fields,
			 COUNT(x86_fields)},
	[CONTEXT_AMD64] = {ARCH_AMD64, 0x100, 0x4d0, 0x30, 0x100000, 0,
			   BIT(AMD64_RSP) | BIT(AMD64_RIP) | BIT(AMD64_RFLAGS), amd64_fields,
			   COUNT(amd64_fields)},
	[CONTEXT_ARM] = {ARCH_ARM, 0x48, 0x170, 0, 0x40000000, 0x200000, 0, arm_fields,
			 COUNT(arm_fields)},
	[CONTEXT_ARM64] = {ARCH_ARM64, 0x110, 0x390, 0, 0x400000, 0,
			   BIT(ARM64_FP) | BIT(ARM64_LR) | BIT(ARM64_SP) | BIT(ARM64_PC) |
				   BIT(ARM64_CPSR),
			   arm64_fields, COUNT(arm64_fields)},
	[CONTEXT_ARM64_OLD] = {ARCH_ARM64, 0x114, 0x31c, 0, 0x80000000, 0, 0, arm64_old_fields,
			       COUNT(arm64_old_fields)},
};

/* All bits that name a processor.  Windows uses Breakpad's two for other things (exception
 * reporting), so they count only where none of Windows' own is there. */
static const uint32_t WINDOWS_BITS = 0x00710000;
static const uint32_t BREAKPAD_BITS = 0xc0000000;

static uint32_t
flags_of(const struct layout *layout, struct slice raw)
{
	struct reader r;
	reader_init(&r, slice_sub(raw, layout->flags_offset, 4));
	return reader_u32(&r);
}

static bool
names_processor(const struct layout *layout, uint32_t flags)
{
	uint32_t bits = flags & WINDOWS_BITS;
	if (bits == 0)
		bits = flags & BREAKPAD_BITS;
	return bits != 0 && (bits == layout->flags || bits == layout->flags_other);
}

/* Some writers leave the flags 0: then the length alone decides. */
static bool
fits(enum context_kind kind, struct slice raw)
{
	const struct layout *layout = &layouts[kind];
	uint32_t flags = flags_of(layout, raw);
	if (raw.len < layout->bytes)
		return false;
	return names_processor(layout, flags) || (flags == 0 && raw.len == layout->whole_bytes);
}

static enum context_kind
guess(struct slice raw)
{
	for (enum context_kind kind = CONTEXT_X86; kind < CONTEXT_KIND_N; kind++)
		if (fits(kind, raw))
			return kind;
	return CONTEXT_NONE;
}

enum context_kind
context_kind(enum arch arch, struct slice raw)
{
	switch (arch) {
	case ARCH_X86:
		return CONTEXT_X86;
	case ARCH_AMD64:
		return CONTEXT_AMD64;
	case ARCH_ARM:
		return CONTEXT_ARM;
	case ARCH_ARM64:
		return fits(CONTEXT_ARM64_OLD, raw) ? CONTEXT_ARM64_OLD : CONTEXT_ARM64;
	case ARCH_UNKNOWN:
	case ARCH_N:
		break;
	}
	return guess(raw);
}

enum arch
context_arch(enum context_kind kind)
{
	return layouts[kind].arch;
}

size_t
context_bytes(enum context_kind kind)
{
	return layouts[kind].bytes;
}

const struct context_field *
context_fields(enum context_kind kind, size_t *ret_n)
{
	*ret_n = layouts[kind].n_fields;
	return layouts[kind].fields;
}

struct slice
context_field_bytes(const struct context_field *field, struct slice raw)
{
	struct slice bytes = slice_sub(raw, field->offset, field->bytes);
	return bytes.len == field->bytes ? bytes : (struct slice){0};
}

static uint64_t
number(struct slice bytes)
{
	uint64_t value = 0;
	for (size_t i = bytes.len; i > 0; i--)
		value = value << 8 | bytes.data[i - 1];
	return value;
}

/* Which registers the record says that it has. */
static uint64_t
known_by_flags(const struct layout *layout, uint32_t flags)
{
	bool has_control = (flags & FLAG_CONTROL) != 0;
	bool has_integer = (flags & FLAG_INTEGER) != 0;
	if (layout->control == 0 || has_control == has_integer)
		return UINT64_MAX;
	return has_control ? layout->control : ~layout->control;
}

err_t
context_parse(enum context_kind kind, struct slice raw, struct registers *ret_registers)
{
	const struct layout *layout = &layouts[kind];
	struct registers registers = {.arch = layout->arch};
	if (kind == CONTEXT_NONE)
		return ERR_UNSUPPORTED;
	if (raw.len < layout->bytes)
		return ERR_TRUNCATED;
	for (size_t i = 0; i < layout->n_fields; i++) {
		const struct context_field *field = &layout->fields[i];
		if (field->index >= 0)
			registers_set(&registers, field->index,
				      number(context_field_bytes(field, raw)));
	}
	registers.known &= known_by_flags(layout, flags_of(layout, raw));
	*ret_registers = registers;
	return OK;
}

/* ---- CET ----
 *
 * CONTEXT, then CONTEXT_EX: three pairs of offset (signed, from CONTEXT_EX) and length, for all,
 * the legacy part and the XSAVE area.  That area has no legacy region here: it begins with the
 * header (mask, compaction mask, 48 bytes), behind which the features lie in the order of their
 * bits, each but those of 64-byte alignment behind the one before (Intel SDM 1, 13.4.3). */

enum {
	XSAVE_HEADER = 64,
	XSAVE_LEGACY_FEATURES = 2, /* x87 and SSE */
	XSAVE_CET_USER = 11
};
static const uint64_t XSAVE_COMPACTED = UINT64_C(1) << 63;

/* Bytes of the features before CET's; AVX is bit 2. */
static const uint16_t feature_bytes[XSAVE_CET_USER] = {
	[2] = 256,  [3] = 64,  [4] = 64, [5] = 64, [6] = 512,
	[7] = 1024, [8] = 128, [9] = 8,  [10] = 8,
};

static struct slice
xsave_area(struct slice raw)
{
	enum {
		XSTATE_PAIR = 16
	};
	struct reader r;
	size_t extra = layouts[CONTEXT_AMD64].whole_bytes;
	reader_init(&r, slice_sub(raw, extra + XSTATE_PAIR, 8));
	uint32_t offset = reader_u32(&r);
	uint32_t bytes = reader_u32(&r);
	if (r.error != OK || offset > raw.len)
		return (struct slice){0};
	return slice_sub(raw, extra + offset, bytes);
}

bool
context_shadow_stack(enum context_kind kind, struct slice raw, uint64_t *ret_pointer)
{
	struct reader r;
	if (kind != CONTEXT_AMD64 || (flags_of(&layouts[kind], raw) & FLAG_XSTATE) == 0)
		return false;
	struct slice area = xsave_area(raw);
	reader_init(&r, area);
	uint64_t mask = reader_u64(&r);
	uint64_t compaction = reader_u64(&r);
	if (r.error != OK || (mask >> XSAVE_CET_USER & 1) == 0 ||
	    (compaction & XSAVE_COMPACTED) == 0)
		return false;
	size_t at = XSAVE_HEADER;
	for (unsigned bit = XSAVE_LEGACY_FEATURES; bit < XSAVE_CET_USER; bit++)
		if ((compaction >> bit & 1) != 0)
			at += feature_bytes[bit];
	reader_init(&r, slice_sub(area, at, 16));
	uint64_t control = reader_u64(&r);
	uint64_t pointer = reader_u64(&r);
	if (r.error != OK || (control & 1) == 0)
		return false;
	*ret_pointer = pointer;
	return true;
}
