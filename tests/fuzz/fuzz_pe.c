/* Any bytes as an image, from a file and from memory: what is read of it lies in it. */
#include <stdlib.h>

#include "base/text.h"
#include "symbols/pe.h"

enum {
	LOOKED_UP_MOST = 64,
	SECTIONS_MOST = 64,
	EXPORTS_MOST = 256
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
need(bool is_true)
{
	if (!is_true)
		abort();
}

/* Reads every byte, so that one that is not there is found. */
static void
touch(struct slice s)
{
	volatile uint8_t sum = 0;
	for (size_t i = 0; i < s.len; i++)
		sum = (uint8_t)(sum + s.data[i]);
}

static void
check_identity(const struct pe_identity *id)
{
	const struct slice texts[] = {id->company,       id->description,   id->product,
				      id->original_name, id->internal_name, id->version_text};
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		need(text_is_utf8(texts[i]));
	touch(id->debug_name);
	touch(id->debug_id);
	touch(id->code_id);
	touch(id->file_version);
	touch(id->product_version);
	need(id->code_id.len >= 9);
	need(slice_is_absent(id->debug_id) || id->debug_id.len >= 9);
}

static void
check_exports(const struct symbols *symbols)
{
	const struct pe *pe = pe_of(symbols);
	for (size_t i = 0; i < pe_n_exports(pe) && i < EXPORTS_MOST; i++) {
		struct pe_export e;
		struct symbol symbol;
		if (pe_export(pe, i, &e) != OK)
			continue;
		touch(e.name);
		touch(e.forwarder);
		if (symbols_find(symbols, e.rva, &symbol) != OK)
			continue;
		need(symbol.n_places == 1 && symbol.is_public && symbol.function_rva <= e.rva);
		touch(symbol.places[0].function);
	}
}

static void
check_sections(const struct symbols *symbols)
{
	const struct pe *pe = pe_of(symbols);
	uint8_t loaded[100];
	for (size_t i = 0; i < pe_n_sections(pe) && i < SECTIONS_MOST; i++) {
		const struct pe_section *section = pe_section(pe, i);
		struct symbol symbol;
		touch(section->name);
		touch(pe_read(pe, section->rva, section->bytes));
		(void)pe_read_loaded(pe, 0x12345000, section->rva + 1, loaded, sizeof(loaded));
		for (uint64_t at = 0; at < LOOKED_UP_MOST; at++)
			if (symbols_find(symbols, section->rva + at * 7, &symbol) == OK)
				touch(symbol.places[0].function);
	}
}

static void
check(struct symbols *symbols)
{
	check_identity(pe_identity(pe_of(symbols)));
	check_exports(symbols);
	check_sections(symbols);
	symbols_free(symbols);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct symbols *symbols;
	struct err_detail detail;
	if (pe_open(slice_of(data, size), &symbols, &detail) == OK)
		check(symbols);
	if (pe_open_mapped(slice_of(data, size), &symbols, NULL) == OK)
		check(symbols);
	return 0;
}
