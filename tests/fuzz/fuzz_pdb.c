/* Any PDB: opened, looked into at many addresses, frames left by it.  What it says is read to the
 * last byte, also after everything else was looked up. */
#include <stdlib.h>

#include "symbols/pdb.h"

enum {
	ADDRESSES = 96,
	STEP = 0x2b, /* so that they do not only meet beginnings */
	FIRST = 0xfe0,
	STACK = 0x10000,
	STACK_BYTES = 256
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
need(bool is_true)
{
	if (!is_true)
		abort();
}

static struct slice
find_memory(const void *context, uint64_t address, size_t len)
{
	const uint8_t *stack = context;
	if (address < STACK || address >= STACK + STACK_BYTES)
		return (struct slice){0};
	return slice_sub(slice_of(stack, STACK_BYTES), address - STACK, len);
}

static unsigned
read_text(struct slice text)
{
	unsigned sum = 0;
	for (size_t i = 0; i < text.len; i++)
		sum += text.data[i];
	return sum;
}

static unsigned
read_symbol(const struct symbol *symbol)
{
	unsigned sum = 0;
	need(symbol->n_places > 0 && symbol->n_places <= SYMBOL_PLACES_MAX);
	for (size_t i = 0; i < symbol->n_places; i++)
		sum += read_text(symbol->places[i].function) + read_text(symbol->places[i].file);
	return sum;
}

static void
unwind_at(const struct symbols *symbols, uint64_t rva)
{
	uint8_t stack[STACK_BYTES];
	for (size_t i = 0; i < STACK_BYTES; i++)
		stack[i] = (uint8_t)(i * 7);
	struct memory memory = {find_memory, stack};
	struct unwind unwind = {.memory = &memory,
				.callee = {.arch = ARCH_X86},
				.module_base = 0x400000,
				.rva = rva};
	registers_set(&unwind.callee, X86_EIP, 0x400000 + rva);
	registers_set(&unwind.callee, X86_ESP, STACK + 16);
	registers_set(&unwind.callee, X86_EBP, STACK + 64);
	if (symbols_unwind(symbols, &unwind) == OK)
		need(unwind.way == UNWIND_FRAME_DATA);
}

static void
look_around(const struct symbols *symbols)
{
	static struct symbol found[ADDRESSES];
	unsigned sums[ADDRESSES];
	err_t errs[ADDRESSES];
	for (size_t i = 0; i < ADDRESSES; i++) {
		uint64_t rva = FIRST + i * STEP;
		errs[i] = symbols_find(symbols, rva, &found[i]);
		sums[i] = errs[i] == OK ? read_symbol(&found[i]) : 0;
		unwind_at(symbols, rva);
	}
	for (size_t i = 0; i < ADDRESSES; i++) {
		struct symbol again;
		need(symbols_find(symbols, FIRST + i * STEP, &again) == errs[i]);
		if (errs[i] == OK)
			need(read_symbol(&again) == sums[i] && read_symbol(&found[i]) == sums[i]);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct symbols *symbols;
	struct pdb_identity identity;
	struct err_detail detail;
	err_t err = pdb_identity(slice_of(data, size), &identity, &detail);
	if (err == OK)
		need(strlen(identity.debug_id) > 32);
	if (pdb_open(slice_of(data, size), &symbols, &detail) != OK)
		return 0;
	need(err == OK);
	look_around(symbols);
	symbols_free(symbols);
	return 0;
}
