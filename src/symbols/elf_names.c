/* Symbol tables: .symtab, .dynsym and the one that .gnu_debugdata has packed.
 *
 * An index by address is made at the first look-up.  Of several names for one address the one
 * counts that others may use; a name whose end is known counts before one whose is not.
 */
#include "symbols/elf_internal.h"

#include <stdlib.h>
#include <string.h>

enum {
	BACKWARD_MOST = 32, /* functions inside each other, or that overlap */
	RANK_LOCAL = 2,
	RANK_NO_TYPE = 4,
	RANK_NO_SIZE = 8
};

struct table {
	Elf *elf;
	Elf_Data *symbols;
	struct slice names; /* ends with NUL */
	size_t n;
};

/* All names end in the string table when its last byte is NUL. */
static bool
open_table(Elf *elf, Elf_Scn *section, struct table *ret_table)
{
	GElf_Shdr header;
	if (gelf_getshdr(section, &header) == NULL ||
	    (header.sh_type != SHT_SYMTAB && header.sh_type != SHT_DYNSYM))
		return false;
	Elf_Data *symbols = elf_getdata(section, NULL);
	Elf_Data *names = elf_getdata(elf_getscn(elf, header.sh_link), NULL);
	size_t each = gelf_fsize(elf, ELF_T_SYM, 1, EV_CURRENT);
	if (symbols == NULL || symbols->d_buf == NULL || names == NULL || names->d_buf == NULL ||
	    names->d_size == 0 || each == 0)
		return false;
	ret_table->elf = elf;
	ret_table->symbols = symbols;
	ret_table->names = slice_of(names->d_buf, names->d_size);
	ret_table->n = symbols->d_size / each;
	return ret_table->names.data[names->d_size - 1] == 0;
}

static uint8_t
rank_of(const GElf_Sym *symbol)
{
	unsigned binding = GELF_ST_BIND(symbol->st_info);
	unsigned rank = binding == STB_GLOBAL ? 0 : binding == STB_WEAK ? 1 : RANK_LOCAL;
	if (GELF_ST_TYPE(symbol->st_info) == STT_NOTYPE)
		rank |= RANK_NO_TYPE;
	if (symbol->st_size == 0)
		rank |= RANK_NO_SIZE;
	return (uint8_t)rank;
}

/* Labels of assembler code count; "$x" and its like tell code from data and are no names. */
static bool
names_code(const struct elf *elf, const GElf_Sym *symbol, const char *name)
{
	unsigned type = GELF_ST_TYPE(symbol->st_info);
	if (type != STT_FUNC && type != STT_GNU_IFUNC && type != STT_NOTYPE)
		return false;
	return symbol->st_shndx != SHN_UNDEF && name[0] != 0 && name[0] != '$' &&
	       elf_is_code(elf, symbol->st_value);
}

/* Nothing says how long a label is; it goes no further than its section. */
static uint64_t
end_of(const struct table *table, const GElf_Sym *symbol)
{
	GElf_Shdr section;
	uint64_t end;
	if (symbol->st_size > 0)
		return __builtin_add_overflow(symbol->st_value, symbol->st_size, &end) ? UINT64_MAX
										       : end;
	if (symbol->st_shndx >= SHN_LORESERVE ||
	    gelf_getshdr(elf_getscn(table->elf, symbol->st_shndx), &section) == NULL)
		return UINT64_MAX;
	return section.sh_addr + section.sh_size;
}

static void
add_symbols(struct elf *elf, const struct table *table)
{
	for (size_t i = 0; i < table->n; i++) {
		GElf_Sym symbol;
		if (gelf_getsym(table->symbols, (int)i, &symbol) == NULL ||
		    symbol.st_name >= table->names.len)
			continue;
		const char *name = (const char *)table->names.data + symbol.st_name;
		if (!names_code(elf, &symbol, name))
			continue;
		/* In arm code bit 0 says Thumb and is no part of the address. */
		if (elf->identity.arch == ARCH_ARM)
			symbol.st_value &= ~(uint64_t)1;
		elf->names[elf->n_names++] = (struct elf_symbol){
			.start = symbol.st_value,
			.end = end_of(table, &symbol),
			.name = name,
			.has_size = symbol.st_size > 0,
			.rank = rank_of(&symbol),
		};
	}
}

static int
compare_symbols(const void *a, const void *b)
{
	const struct elf_symbol *left = a;
	const struct elf_symbol *right = b;
	if (left->start != right->start)
		return left->start < right->start ? -1 : 1;
	if (left->rank != right->rank)
		return left->rank < right->rank ? -1 : 1;
	return left->name < right->name ? -1 : left->name > right->name;
}

static void
keep_one_for_each_address(struct elf *elf)
{
	size_t n = 0;
	qsort(elf->names, elf->n_names, sizeof(*elf->names), compare_symbols);
	for (size_t i = 0; i < elf->n_names; i++)
		if (n == 0 || elf->names[n - 1].start != elf->names[i].start)
			elf->names[n++] = elf->names[i];
	elf->n_names = n;
}

/* Calls for each table of both files: first to count, then to add. */
static size_t
each_table(struct elf *elf, bool adds)
{
	Elf *const files[] = {elf->elf, elf->minidebug_elf};
	size_t n = 0;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		Elf_Scn *section = NULL;
		while (files[i] != NULL && (section = elf_nextscn(files[i], section)) != NULL) {
			struct table table;
			if (!open_table(files[i], section, &table))
				continue;
			n += table.n;
			if (adds)
				add_symbols(elf, &table);
		}
	}
	return n;
}

static err_t
load_names(struct elf *elf)
{
	err_t err = elf_unpack_minidebug(elf);
	if (err != OK && err != ERR_NOTFOUND)
		elf->identity.broken |= ELF_MINIDEBUG;
	size_t n = each_table(elf, false);
	if (n > LIMIT_ELF_SYMBOLS)
		return ERR_LIMIT;
	if (n == 0)
		return OK;
	elf->names = arena_array(&elf->arena, n, sizeof(*elf->names));
	if (elf->names == NULL)
		return ERR_LIMIT;
	(void)each_table(elf, true);
	keep_one_for_each_address(elf);
	return OK;
}

void
elf_free_names(struct elf *elf)
{
	(void)elf_end(elf->minidebug_elf);
	buf_done(&elf->minidebug);
}

/* Index of the last symbol at or before ADDRESS, plus one. */
static size_t
count_before(const struct elf *elf, uint64_t address)
{
	size_t low = 0;
	size_t high = elf->n_names;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (elf->names[middle].start <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* The nearest one before that holds ADDRESS; one without an end holds all up to the next. */
err_t
elf_find_name(struct elf *elf, uint64_t address, const struct elf_symbol **ret_symbol)
{
	if (elf->symbols_state == ELF_UNREAD)
		elf->symbols_state = load_names(elf) == OK ? ELF_READ : ELF_BROKEN;
	if (elf->symbols_state == ELF_BROKEN) {
		elf->identity.broken |= ELF_SYMBOLS;
		return ERR_CORRUPT;
	}
	if (!elf_is_code(elf, address))
		return ERR_NOTFOUND;
	size_t n = count_before(elf, address);
	for (size_t i = n; i > 0 && n - i < BACKWARD_MOST; i--) {
		const struct elf_symbol *symbol = &elf->names[i - 1];
		if (address >= symbol->end || (!symbol->has_size && i < n))
			continue;
		*ret_symbol = symbol;
		return OK;
	}
	return (elf->identity.broken & ELF_MINIDEBUG) != 0 ? ERR_CORRUPT : ERR_NOTFOUND;
}
