/* Any bytes as an ELF file, looked up and unwound at many addresses with fake memory. */
#include <stdlib.h>

#include "symbols/elf.h"

enum {
	LOOKED_UP = 48,
	STACK_BYTES = 4096
};

#define STACK UINT64_C(0x7ffe0000)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct slice
find(const void *context, uint64_t address, size_t len)
{
	const uint8_t *stack = context;
	if (address < STACK || address - STACK >= STACK_BYTES)
		return (struct slice){0};
	return slice_sub(slice_of(stack, STACK_BYTES), address - STACK, len);
}

static void
need(bool is_true)
{
	if (!is_true)
		abort();
}

static void
touch(struct slice s)
{
	volatile uint8_t sum = 0;
	for (size_t i = 0; i < s.len; i++)
		sum = (uint8_t)(sum + s.data[i]);
}

static void
look_up(const struct symbols *symbols, uint64_t rva)
{
	struct symbol symbol;
	if (symbols_find(symbols, rva, &symbol) != OK)
		return;
	need(symbol.n_places > 0 && symbol.n_places <= SYMBOL_PLACES_MAX);
	need(!slice_is_absent(symbol.places[symbol.n_places - 1].function));
	for (size_t i = 0; i < symbol.n_places; i++) {
		touch(symbol.places[i].function);
		touch(symbol.places[i].file);
	}
}

static void
unwind(const struct symbols *symbols, uint64_t rva)
{
	static uint8_t stack[STACK_BYTES];
	const struct memory memory = {find, stack};
	enum arch arch = elf_identity(elf_of(symbols))->arch;
	struct unwind u = {.memory = &memory, .callee = {.arch = arch}, .rva = rva};
	uint64_t value;
	for (size_t i = 0; i < STACK_BYTES; i += 8)
		for (unsigned k = 0; k < 8; k++)
			stack[i + k] = (uint8_t)((STACK + i) >> (8 * k));
	for (int i = 0; i < REGISTERS_MAX; i++)
		registers_set(&u.callee, i, STACK + 1024 + 8 * (uint64_t)i);
	if (symbols_unwind(symbols, &u) != OK)
		return;
	need(registers_get(&u.caller, registers_pc_index(arch), &value));
	need(registers_get(&u.caller, registers_sp_index(arch), &value));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct symbols *symbols;
	struct err_detail detail;
	if (elf_open(slice_of(data, size), &symbols, &detail) != OK)
		return 0;
	const struct elf_identity *id = elf_identity(elf_of(symbols));
	touch(id->build_id);
	touch(id->debug_link);
	uint64_t bytes = id->image_bytes < 65536 ? id->image_bytes : 65536;
	for (uint64_t i = 0; i < LOOKED_UP; i++) {
		look_up(symbols, bytes * i / LOOKED_UP);
		unwind(symbols, bytes * i / LOOKED_UP);
	}
	symbols_free(symbols);
	return 0;
}
