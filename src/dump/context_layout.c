#include "dump/context_layout.h"

#include "base/reader.h"

enum {
	CONTROL = 1,
	INTEGER = 2,
	BOTH = CONTROL | INTEGER,
	/* Flags: a record without them is still one of its set. */
	OPTIONAL = 0x80
};

struct place {
	uint8_t number; /* as in registers.h */
	uint8_t bytes;  /* 4 or 8 */
	uint8_t set;    /* read when the record's flags have one of these bits */
	uint16_t offset;
};

struct layout {
	uint16_t bytes;
	uint16_t flags_offset;
	uint32_t flags; /* the processor's bit */
	uint32_t also;  /* another bit that names it */
	const struct place *places;
	size_t n_places;
};

static const struct place x86_places[] = {
	{X86_EDI, 4, INTEGER, 0x9c}, {X86_ESI, 4, INTEGER, 0xa0},
	{X86_EBX, 4, INTEGER, 0xa4}, {X86_EDX, 4, INTEGER, 0xa8},
	{X86_ECX, 4, INTEGER, 0xac}, {X86_EAX, 4, INTEGER, 0xb0},
	{X86_EBP, 4, CONTROL, 0xb4}, {X86_EIP, 4, CONTROL, 0xb8},
	{X86_ESP, 4, CONTROL, 0xc4}, {X86_EFLAGS, 4, CONTROL | OPTIONAL, 0xc0},
};

static const struct place amd64_places[] = {
	{AMD64_RAX, 8, INTEGER, 0x78},    {AMD64_RCX, 8, INTEGER, 0x80},
	{AMD64_RDX, 8, INTEGER, 0x88},    {AMD64_RBX, 8, INTEGER, 0x90},
	{AMD64_RSP, 8, CONTROL, 0x98},    {AMD64_RBP, 8, INTEGER, 0xa0},
	{AMD64_RSI, 8, INTEGER, 0xa8},    {AMD64_RDI, 8, INTEGER, 0xb0},
	{AMD64_R8, 8, INTEGER, 0xb8},     {AMD64_R8 + 1, 8, INTEGER, 0xc0},
	{AMD64_R8 + 2, 8, INTEGER, 0xc8}, {AMD64_R8 + 3, 8, INTEGER, 0xd0},
	{AMD64_R8 + 4, 8, INTEGER, 0xd8}, {AMD64_R8 + 5, 8, INTEGER, 0xe0},
	{AMD64_R8 + 6, 8, INTEGER, 0xe8}, {AMD64_R8 + 7, 8, INTEGER, 0xf0},
	{AMD64_RIP, 8, CONTROL, 0xf8},    {AMD64_RFLAGS, 4, CONTROL | OPTIONAL, 0x44},
};

static const struct place arm_places[] = {
	{0, 4, INTEGER, 0x04},
	{1, 4, INTEGER, 0x08},
	{2, 4, INTEGER, 0x0c},
	{3, 4, INTEGER, 0x10},
	{4, 4, INTEGER, 0x14},
	{5, 4, INTEGER, 0x18},
	{6, 4, INTEGER, 0x1c},
	{7, 4, INTEGER, 0x20},
	{8, 4, INTEGER, 0x24},
	{9, 4, INTEGER, 0x28},
	{10, 4, INTEGER, 0x2c},
	{11, 4, INTEGER, 0x30},
	{12, 4, INTEGER, 0x34},
	{ARM_SP, 4, BOTH, 0x38},
	{ARM_LR, 4, BOTH, 0x3c},
	{ARM_PC, 4, BOTH, 0x40},
	{ARM_CPSR, 4, BOTH | OPTIONAL, 0x44},
};

static const struct place arm64_places[] = {
	{ARM64_CPSR, 4, CONTROL | OPTIONAL, 0x04},
	{0, 8, INTEGER, 0x08},
	{1, 8, INTEGER, 0x10},
	{2, 8, INTEGER, 0x18},
	{3, 8, INTEGER, 0x20},
	{4, 8, INTEGER, 0x28},
	{5, 8, INTEGER, 0x30},
	{6, 8, INTEGER, 0x38},
	{7, 8, INTEGER, 0x40},
	{8, 8, INTEGER, 0x48},
	{9, 8, INTEGER, 0x50},
	{10, 8, INTEGER, 0x58},
	{11, 8, INTEGER, 0x60},
	{12, 8, INTEGER, 0x68},
	{13, 8, INTEGER, 0x70},
	{14, 8, INTEGER, 0x78},
	{15, 8, INTEGER, 0x80},
	{16, 8, INTEGER, 0x88},
	{17, 8, INTEGER, 0x90},
	{18, 8, INTEGER, 0x98},
	{19, 8, INTEGER, 0xa0},
	{20, 8, INTEGER, 0xa8},
	{21, 8, INTEGER, 0xb0},
	{22, 8, INTEGER, 0xb8},
	{23, 8, INTEGER, 0xc0},
	{24, 8, INTEGER, 0xc8},
	{25, 8, INTEGER, 0xd0},
	{26, 8, INTEGER, 0xd8},
	{27, 8, INTEGER, 0xe0},
	{28, 8, INTEGER, 0xe8},
	{ARM64_FP, 8, CONTROL, 0xf0},
	{ARM64_LR, 8, CONTROL, 0xf8},
	{ARM64_SP, 8, CONTROL, 0x100},
	{ARM64_PC, 8, CONTROL, 0x108},
};

#define PLACES(places) (places), sizeof(places) / sizeof((places)[0])

static const struct layout layouts[ARCH_N] = {
	[ARCH_X86] = {CONTEXT_BYTES_X86, 0, 0x10000, 0, PLACES(x86_places)},
	[ARCH_AMD64] = {CONTEXT_BYTES_AMD64, 0x30, 0x100000, 0, PLACES(amd64_places)},
	/* Breakpad's bit; Windows' own is the other one. */
	[ARCH_ARM] = {CONTEXT_BYTES_ARM, 0, 0x40000000, 0x200000, PLACES(arm_places)},
	[ARCH_ARM64] = {CONTEXT_BYTES_ARM64, 0, 0x400000, 0, PLACES(arm64_places)},
};

size_t
context_layout_bytes(enum arch arch)
{
	return layouts[arch].bytes;
}

static uint64_t
number_at(struct slice raw, size_t offset, unsigned bytes)
{
	struct reader r;
	reader_init(&r, slice_sub(raw, offset, bytes));
	return bytes == 4 ? reader_u32(&r) : reader_u64(&r);
}

static size_t
end_of_places(const struct layout *layout)
{
	size_t end = layout->flags_offset + 4U;
	for (size_t i = 0; i < layout->n_places; i++) {
		size_t behind = (size_t)layout->places[i].offset + layout->places[i].bytes;
		if (behind > end)
			end = behind;
	}
	return end;
}

err_t
context_layout_read(enum arch arch, struct slice raw, struct registers *ret_registers)
{
	const struct layout *layout = &layouts[arch];
	struct registers registers = {.arch = arch};
	if (layout->n_places == 0)
		return ERR_UNSUPPORTED;
	if (raw.len < end_of_places(layout))
		return ERR_TRUNCATED;
	uint32_t flags = (uint32_t)number_at(raw, layout->flags_offset, 4);
	if ((flags & (layout->flags | layout->also)) == 0 || (flags & BOTH) == 0)
		return ERR_CORRUPT;
	for (size_t i = 0; i < layout->n_places; i++) {
		const struct place *place = &layout->places[i];
		if ((flags & place->set) != 0)
			registers_set(&registers, place->number,
				      number_at(raw, place->offset, place->bytes));
	}
	*ret_registers = registers;
	return OK;
}

static void
put_number(uint8_t *out, unsigned bytes, uint64_t value)
{
	for (unsigned i = 0; i < bytes; i++)
		out[i] = (uint8_t)(value >> (8 * i));
}

void
context_layout_write(const struct registers *registers, uint8_t *out)
{
	const struct layout *layout = &layouts[registers->arch];
	uint32_t flags = layout->flags | BOTH;
	memset(out, 0, layout->bytes);
	for (size_t i = 0; i < layout->n_places; i++) {
		const struct place *place = &layout->places[i];
		uint64_t value;
		if (registers_get(registers, place->number, &value))
			put_number(out + place->offset, place->bytes, value);
		else if ((place->set & OPTIONAL) == 0)
			flags &= ~(uint32_t)place->set;
	}
	put_number(out + layout->flags_offset, 4, flags);
}
