#include "symbols/registers.h"

#include <stddef.h>

static const char *const x86_names[X86_N] = {"eax", "ecx", "edx", "ebx", "esp",
					     "ebp", "esi", "edi", "eip", "eflags"};
static const char *const amd64_names[AMD64_N] = {"rax", "rdx", "rcx", "rbx", "rsi", "rdi",
						 "rbp", "rsp", "r8",  "r9",  "r10", "r11",
						 "r12", "r13", "r14", "r15", "rip", "rflags"};
static const char *const arm_names[ARM_N] = {"r0",  "r1", "r2", "r3", "r4",  "r5",
					     "r6",  "r7", "r8", "r9", "r10", "r11",
					     "r12", "sp", "lr", "pc", "cpsr"};
static const char *const arm64_names[ARM64_N] = {
	"x0",  "x1",  "x2",  "x3",  "x4",  "x5",  "x6",  "x7",  "x8",  "x9",  "x10", "x11",
	"x12", "x13", "x14", "x15", "x16", "x17", "x18", "x19", "x20", "x21", "x22", "x23",
	"x24", "x25", "x26", "x27", "x28", "fp",  "lr",  "sp",  "pc",  "cpsr"};

static const struct {
	const char *name;
	unsigned pointer_bytes;
	unsigned count;
	const char *const *names;
	int pc, sp, fp;
} arches[ARCH_N] = {
	[ARCH_UNKNOWN] = {"unknown", 8, 0, NULL, -1, -1, -1},
	[ARCH_X86] = {"x86", 4, X86_N, x86_names, X86_EIP, X86_ESP, X86_EBP},
	[ARCH_AMD64] = {"amd64", 8, AMD64_N, amd64_names, AMD64_RIP, AMD64_RSP, AMD64_RBP},
	[ARCH_ARM] = {"arm", 4, ARM_N, arm_names, ARM_PC, ARM_SP, ARM_R11},
	[ARCH_ARM64] = {"arm64", 8, ARM64_N, arm64_names, ARM64_PC, ARM64_SP, ARM64_FP},
};

/* Other spellings of one register. */
static const struct {
	enum arch arch;
	const char *name;
	int index;
} aliases[] = {
	{ARCH_ARM, "fp", ARM_R11},     {ARCH_ARM, "r13", ARM_SP},     {ARCH_ARM, "r14", ARM_LR},
	{ARCH_ARM, "r15", ARM_PC},     {ARCH_ARM64, "x29", ARM64_FP}, {ARCH_ARM64, "x30", ARM64_LR},
	{ARCH_ARM64, "x31", ARM64_SP}, {ARCH_ARM64, "x32", ARM64_PC},
};

const char *
arch_name(enum arch arch)
{
	return arches[arch].name;
}

unsigned
arch_pointer_bytes(enum arch arch)
{
	return arches[arch].pointer_bytes;
}

uint64_t
arch_pointer_mask(enum arch arch)
{
	return arches[arch].pointer_bytes == 4 ? UINT32_MAX : UINT64_MAX;
}

unsigned
registers_count(enum arch arch)
{
	return arches[arch].count;
}

const char *
registers_name(enum arch arch, unsigned index)
{
	return index < arches[arch].count ? arches[arch].names[index] : NULL;
}

int
registers_find(enum arch arch, struct slice name)
{
	if (name.len > 0 && (name.data[0] == '$' || name.data[0] == '%'))
		name = slice_sub(name, 1, SIZE_MAX);
	for (unsigned i = 0; i < arches[arch].count; i++)
		if (slice_equal_nocase(name, slice_str(arches[arch].names[i])))
			return (int)i;
	for (size_t i = 0; i < sizeof(aliases) / sizeof(aliases[0]); i++)
		if (aliases[i].arch == arch && slice_equal_nocase(name, slice_str(aliases[i].name)))
			return aliases[i].index;
	return -1;
}

int
registers_pc_index(enum arch arch)
{
	return arches[arch].pc;
}

int
registers_sp_index(enum arch arch)
{
	return arches[arch].sp;
}

int
registers_fp_index(enum arch arch)
{
	return arches[arch].fp;
}

bool
registers_get(const struct registers *r, int index, uint64_t *ret_value)
{
	if (index < 0 || index >= REGISTERS_MAX || (r->known >> index & 1) == 0)
		return false;
	*ret_value = r->value[index];
	return true;
}

void
registers_set(struct registers *r, int index, uint64_t value)
{
	if (index < 0 || index >= REGISTERS_MAX)
		return;
	r->value[index] = value & arch_pointer_mask(r->arch);
	r->known |= (uint64_t)1 << index;
}

void
registers_forget(struct registers *r, int index)
{
	if (index >= 0 && index < REGISTERS_MAX)
		r->known &= ~((uint64_t)1 << index);
}

static uint64_t
value_or_zero(const struct registers *r, int index)
{
	uint64_t value = 0;
	(void)registers_get(r, index, &value);
	return value;
}

uint64_t
registers_pc(const struct registers *r)
{
	return value_or_zero(r, arches[r->arch].pc);
}

uint64_t
registers_sp(const struct registers *r)
{
	return value_or_zero(r, arches[r->arch].sp);
}

uint64_t
registers_fp(const struct registers *r)
{
	return value_or_zero(r, arches[r->arch].fp);
}
