/* Any text: refused with a line inside it, or look-ups and unwinding at the addresses that it
 * names end, and what is written from it reads the same. */
#include <stdio.h>
#include <stdlib.h>

#include "../support/fake_memory.h"
#include "symbols/breakpad.h"

enum {
	TEXT_BYTES_MAX = 16 * 1024 * 1024,
	ADDRESSES_MAX = 64
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
need(bool is_true)
{
	if (!is_true)
		abort();
}

static void
check_find(const struct symbols *symbols, uint64_t rva)
{
	struct symbol symbol;
	err_t err = symbols_find(symbols, rva, &symbol);
	need(err == OK || err == ERR_NOTFOUND || err == ERR_CORRUPT);
	if (err != OK)
		return;
	need(symbol.n_places > 0 && symbol.n_places <= SYMBOL_PLACES_MAX);
	need(symbol.function_rva <= rva);
}

static void
check_unwind(const struct symbols *symbols, enum arch arch, uint64_t rva, struct slice bytes)
{
	struct fake_memory fake = {.base = 0x1000, .bytes = bytes};
	struct memory memory = fake_memory(&fake);
	struct unwind unwind = {.memory = &memory, .rva = rva, .callee_param_bytes = 4};
	uint64_t value;
	unwind.callee.arch = arch;
	for (unsigned i = 0; i < registers_count(arch); i++)
		registers_set(&unwind.callee, (int)i, 0x1000 + i * 4);
	err_t err = symbols_unwind(symbols, &unwind);
	need(err == OK || err == ERR_NOTFOUND || err == ERR_TRUNCATED || err == ERR_CORRUPT ||
	     err == ERR_LIMIT);
	if (err != OK)
		return;
	need(registers_get(&unwind.caller, registers_pc_index(arch), &value));
	need(registers_get(&unwind.caller, registers_sp_index(arch), &value));
}

static void
check_addresses(const struct symbols *symbols, struct slice text)
{
	struct breakpad_record record;
	struct slice rest = text;
	struct slice line;
	const char *why;
	size_t n = 0;
	while (n < ADDRESSES_MAX && breakpad_take_line(&rest, &line)) {
		if (breakpad_record_parse(line, &record, &why) != OK || record.kind < BREAKPAD_FUNC)
			continue;
		uint64_t rva = record.rva + n % 3;
		check_find(symbols, rva);
		for (unsigned arch = ARCH_UNKNOWN; arch < ARCH_N; arch++)
			check_unwind(symbols, (enum arch)arch, rva, text);
		n++;
	}
}

static void
check_writing(const struct symbols *symbols)
{
	struct symbols *again;
	struct buf first;
	struct buf second;
	buf_init(&first, TEXT_BYTES_MAX);
	buf_init(&second, TEXT_BYTES_MAX);
	if (breakpad_format(symbols, &first) == OK) {
		need(breakpad_open(buf_slice(&first), &again, NULL) == OK);
		need(breakpad_format(again, &second) == OK);
		need(slice_equal(buf_slice(&first), buf_slice(&second)));
		symbols_free(again);
	}
	buf_done(&first);
	buf_done(&second);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = slice_of(data, size);
	struct err_detail detail = {.why = ""};
	struct breakpad_module module;
	struct symbols *symbols;
	breakpad_read_module(text, &module);
	if (breakpad_open(text, &symbols, &detail) != OK) {
		need(detail.why[0] != '\0' && detail.offset <= size);
		return 0;
	}
	need(breakpad_index_bytes(symbols) <= 7 * 64 * 20 + 3 * size);
	check_addresses(symbols, text);
	check_writing(symbols);
	symbols_free(symbols);
	return 0;
}
