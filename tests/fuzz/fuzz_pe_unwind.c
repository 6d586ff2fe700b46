/* Any image, unwound at many places with a stack of fake memory: no result is a guess, and none
 * takes long.  The first byte of the stack's pattern is the input's last one.
 */
#include <stdlib.h>

#include "symbols/pe_internal.h"

enum {
	FUNCTIONS_MOST = 64,
	FRAMES_MOST = 16,
	STACK_BYTES = 8192
};

#define STACK UINT64_C(0x7ffe0000)
#define BASE UINT64_C(0x7ff600000000)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct fake {
	uint8_t stack[STACK_BYTES];
};

static struct slice
find(const void *context, uint64_t address, size_t len)
{
	const struct fake *fake = context;
	if (address < STACK || address - STACK >= STACK_BYTES)
		return (struct slice){0};
	return slice_sub(slice_of(fake->stack, STACK_BYTES), address - STACK, len);
}

static void
need(bool is_true)
{
	if (!is_true)
		abort();
}

/* Words that are addresses of the stack and of the image by turns. */
static void
fill(struct fake *fake, const struct pe *pe, uint8_t seed)
{
	uint64_t state = seed;
	for (size_t at = 0; at < STACK_BYTES; at += 8) {
		state = state * UINT64_C(6364136223846793005) + 1442695040888963407u;
		uint64_t value =
			(state >> 33 & 1) != 0
				? STACK + (state >> 40) % STACK_BYTES / 8 * 8
				: BASE + (state >> 34) % ((uint64_t)pe->identity.image_bytes + 1);
		for (unsigned i = 0; i < 8; i++)
			fake->stack[at + i] = (uint8_t)(value >> (8 * i));
	}
}

static void
walk(const struct symbols *symbols, const struct memory *memory, uint64_t rva)
{
	const struct pe *pe = pe_of(symbols);
	struct unwind unwind = {
		.memory = memory,
		.callee = {.arch = pe->identity.arch},
		.module_base = BASE,
		.rva = rva,
		.is_innermost = true,
	};
	for (int i = 0; i < REGISTERS_MAX; i++)
		registers_set(&unwind.callee, i, STACK + 8 * (uint64_t)i);
	registers_set(&unwind.callee, registers_pc_index(pe->identity.arch), BASE + rva);
	for (unsigned i = 0; i < FRAMES_MOST; i++) {
		if (symbols_unwind(symbols, &unwind) != OK)
			break;
		uint64_t value;
		need(registers_get(&unwind.caller, registers_pc_index(pe->identity.arch), &value));
		need(registers_get(&unwind.caller, registers_sp_index(pe->identity.arch), &value));
		need(unwind.caller.arch == pe->identity.arch);
		unwind.callee = unwind.caller;
		unwind.is_innermost = unwind.caller_is_interrupted;
		unwind.rva = registers_pc(&unwind.callee) - BASE - !unwind.is_innermost;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t offsets[] = {0, 1, 4, 8, 12, 20, 40, 100};
	static struct fake fake;
	const struct memory memory = {find, &fake};
	struct symbols *symbols;
	if (size == 0 || pe_open(slice_of(data, size), &symbols, NULL) != OK)
		return 0;
	const struct pe *pe = pe_of(symbols);
	size_t each = pe->identity.arch == ARCH_AMD64 ? (size_t)PE_AMD64_FUNCTION_BYTES
						      : (size_t)PE_ARM64_FUNCTION_BYTES;
	fill(&fake, pe, data[size - 1]);
	for (size_t i = 0; i < FUNCTIONS_MOST && (i + 1) * each <= pe->functions.len; i++) {
		uint32_t begin = pe_u32_of(slice_sub(pe->functions, i * each, 4), 0);
		uint32_t end = pe_u32_of(slice_sub(pe->functions, i * each + 4, 4), 0);
		for (size_t k = 0; k < sizeof(offsets); k++) {
			walk(symbols, &memory, (uint64_t)begin + offsets[k]);
			walk(symbols, &memory, (uint64_t)end - offsets[k]);
		}
	}
	symbols_free(symbols);
	return 0;
}
