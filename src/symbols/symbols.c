#include "symbols/symbols.h"

const char *
symbols_format(const struct symbols *symbols)
{
	return symbols->methods->format;
}

void
symbols_free(struct symbols *symbols)
{
	if (symbols != NULL)
		symbols->methods->free(symbols);
}

err_t
symbols_find(const struct symbols *symbols, uint64_t rva, struct symbol *ret_symbol)
{
	return symbols->methods->find(symbols, rva, ret_symbol);
}

err_t
symbols_unwind(const struct symbols *symbols, struct unwind *unwind)
{
	return symbols->methods->unwind == NULL ? ERR_NOTFOUND
						: symbols->methods->unwind(symbols, unwind);
}
