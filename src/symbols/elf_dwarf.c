/* Functions, lines and inlined calls of DWARF, read by libdw.
 *
 * libdw follows references to other files on its own: it is given an empty alternate file, and
 * is never asked for split units.  Names are followed through their origin here and not by its
 * dwarf_attr_integrate, so that forms that lead to another file are left alone.
 */
#include "symbols/elf_internal.h"

#include <dwarf.h>
#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "base/reader.h"

enum {
	ORIGINS_MOST = 16 /* from a call to its function and on to its declaration: 3 are usual */
};

/* The least ELF file that libdw opens: an empty .debug_info. */
struct no_alternate {
	Elf64_Ehdr header;
	Elf64_Shdr sections[3];
	char names[32];
	uint8_t info[8];
};

static Elf *
open_no_alternate(void)
{
	static const struct no_alternate image = {
		.header =
			{
				.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64,
					    ELFDATA2LSB, EV_CURRENT},
				.e_type = ET_DYN,
				.e_machine = EM_X86_64,
				.e_version = EV_CURRENT,
				.e_shoff = offsetof(struct no_alternate, sections),
				.e_ehsize = sizeof(Elf64_Ehdr),
				.e_shentsize = sizeof(Elf64_Shdr),
				.e_shnum = 3,
				.e_shstrndx = 1,
			},
		.sections =
			{
				{0},
				{.sh_name = 1,
				 .sh_type = SHT_STRTAB,
				 .sh_offset = offsetof(struct no_alternate, names),
				 .sh_size = sizeof(image.names)},
				{.sh_name = 7,
				 .sh_type = SHT_PROGBITS,
				 .sh_offset = offsetof(struct no_alternate, info),
				 .sh_size = sizeof(image.info)},
			},
		.names = "\0names\0.debug_info",
	};
	return elf_of_bytes(slice_of(&image, sizeof(image)));
}

static void
keep_lines(struct elf *elf)
{
	GElf_Shdr header;
	Elf_Scn *section = elf_section(elf->elf, ".debug_line", &header);
	if (section == NULL)
		section = elf_section(elf->elf, ".zdebug_line", &header);
	Elf_Data *data = section == NULL ? NULL : elf_getdata(section, NULL);
	if (data != NULL && data->d_buf != NULL)
		elf->lines = slice_of(data->d_buf, data->d_size);
}

static err_t
open_dwarf(struct elf *elf)
{
	elf->no_alternate_elf = open_no_alternate();
	elf->no_alternate = dwarf_begin_elf(elf->no_alternate_elf, DWARF_C_READ, NULL);
	if (elf->no_alternate == NULL)
		return ERR_INTERNAL;
	elf->dwarf = dwarf_begin_elf(elf->elf, DWARF_C_READ, NULL);
	if (elf->dwarf == NULL)
		return ERR_CORRUPT;
	dwarf_setalt(elf->dwarf, elf->no_alternate);
	keep_lines(elf);
	return OK;
}

err_t
elf_load_dwarf(struct elf *elf)
{
	if ((elf->identity.parts & (ELF_DWARF | ELF_CALL_FRAMES)) == 0)
		return ERR_NOTFOUND;
	if (elf->dwarf_state == ELF_UNREAD)
		elf->dwarf_state = open_dwarf(elf) == OK ? ELF_READ : ELF_BROKEN;
	if (elf->dwarf_state == ELF_BROKEN)
		elf->identity.broken |= elf->identity.parts & ELF_DWARF;
	return elf->dwarf_state == ELF_READ ? OK : ERR_CORRUPT;
}

void
elf_free_dwarf(struct elf *elf)
{
	(void)dwarf_end(elf->dwarf);
	(void)dwarf_end(elf->no_alternate);
	(void)elf_end(elf->no_alternate_elf);
}

/* The table is as long as its head says; libdw makes a list of all its rows. */
bool
elf_may_read_lines(const struct elf *elf, Dwarf_Die *unit)
{
	Dwarf_Attribute attribute;
	Dwarf_Word offset;
	struct reader r;
	if (dwarf_attr(unit, DW_AT_stmt_list, &attribute) == NULL ||
	    dwarf_formudata(&attribute, &offset) != 0 || offset >= elf->lines.len)
		return false;
	reader_init(&r, slice_sub(elf->lines, offset, SIZE_MAX));
	uint64_t bytes = reader_u32(&r);
	if (bytes == UINT32_MAX)
		bytes = reader_u64(&r);
	return r.error == OK && bytes <= LIMIT_ELF_LINE_BYTES;
}

static bool
leads_to_another_file(unsigned form)
{
	switch (form) {
	case DW_FORM_GNU_ref_alt:
	case DW_FORM_GNU_strp_alt:
	case DW_FORM_ref_sup4:
	case DW_FORM_ref_sup8:
	case DW_FORM_strp_sup:
		return true;
	default:
		return false;
	}
}

static struct slice
text_of(Dwarf_Die *entry, unsigned name)
{
	Dwarf_Attribute attribute;
	if (dwarf_attr(entry, name, &attribute) == NULL ||
	    leads_to_another_file(dwarf_whatform(&attribute)))
		return (struct slice){0};
	return slice_str(dwarf_formstring(&attribute));
}

/* The entry that this one is an instance of, or that declares it. */
static bool
origin_of(Dwarf_Die *entry, Dwarf_Die *ret_origin)
{
	Dwarf_Attribute attribute;
	if (dwarf_attr(entry, DW_AT_abstract_origin, &attribute) == NULL &&
	    dwarf_attr(entry, DW_AT_specification, &attribute) == NULL)
		return false;
	return !leads_to_another_file(dwarf_whatform(&attribute)) &&
	       dwarf_formref_die(&attribute, ret_origin) != NULL;
}

/* The linkage name says classes and types; without one the plain name has to do. */
static struct slice
name_of(Dwarf_Die *entry)
{
	Dwarf_Die here = *entry;
	struct slice plain = {0};
	for (unsigned i = 0; i < ORIGINS_MOST; i++) {
		struct slice linkage = text_of(&here, DW_AT_linkage_name);
		Dwarf_Die next;
		if (slice_is_absent(linkage))
			linkage = text_of(&here, DW_AT_MIPS_linkage_name);
		if (!slice_is_absent(linkage))
			return linkage;
		if (slice_is_absent(plain))
			plain = text_of(&here, DW_AT_name);
		if (!origin_of(&here, &next))
			break;
		here = next;
	}
	return plain;
}

/* Is ADDRESS in the entry?  Each range that is read takes one off *STEPS. */
static bool
holds(Dwarf_Die *entry, uint64_t address, size_t *steps)
{
	Dwarf_Addr base;
	Dwarf_Addr start;
	Dwarf_Addr end;
	ptrdiff_t at = 0;
	while (*steps > 0) {
		--*steps;
		at = dwarf_ranges(entry, at, &base, &start, &end);
		if (at <= 0)
			return false;
		if (address >= start && address < end)
			return true;
	}
	return false;
}

/* Of the entries inside *ENTRY the block or inlined call that holds ADDRESS. */
static bool
step_in(Dwarf_Die *entry, uint64_t address, size_t *steps)
{
	Dwarf_Die child;
	int result = dwarf_child(entry, &child);
	while (result == 0 && *steps > 0) {
		int tag = dwarf_tag(&child);
		--*steps;
		if ((tag == DW_TAG_inlined_subroutine || tag == DW_TAG_lexical_block) &&
		    holds(&child, address, steps)) {
			*entry = child;
			return true;
		}
		result = dwarf_siblingof(&child, &child);
	}
	return false;
}

/* The function and the calls that were inlined at ADDRESS, outermost first. */
struct chain {
	Dwarf_Die entries[LIMIT_ELF_DEPTH];
	size_t n;
};

static err_t
build_chain(Dwarf_Die *function, uint64_t address, struct chain *chain)
{
	size_t steps = LIMIT_ELF_LOOKUP_STEPS;
	Dwarf_Die entry = *function;
	chain->entries[0] = entry;
	chain->n = 1;
	for (unsigned depth = 0; depth < LIMIT_ELF_DEPTH && step_in(&entry, address, &steps);
	     depth++)
		if (dwarf_tag(&entry) == DW_TAG_inlined_subroutine && chain->n < LIMIT_ELF_DEPTH)
			chain->entries[chain->n++] = entry;
	return steps == 0 ? ERR_CORRUPT : OK;
}

static uint64_t
number_of(Dwarf_Die *entry, unsigned name)
{
	Dwarf_Attribute attribute;
	Dwarf_Word value;
	if (dwarf_attr(entry, name, &attribute) == NULL || dwarf_formudata(&attribute, &value) != 0)
		return 0;
	return value;
}

static void
set_line(struct symbol_place *place, uint64_t line)
{
	place->line = line > UINT32_MAX ? 0 : (uint32_t)line;
}

/* Where the innermost code is. */
static void
place_at(Dwarf_Die *unit, uint64_t address, struct symbol_place *place)
{
	Dwarf_Line *line = dwarf_getsrc_die(unit, address);
	int number = 0;
	if (line == NULL)
		return;
	place->file = slice_str(dwarf_linesrc(line, NULL, NULL));
	if (dwarf_lineno(line, &number) == 0 && number > 0)
		set_line(place, (uint64_t)number);
}

/* Where the call is that ENTRY was inlined for. */
static void
place_of_call(Dwarf_Die *unit, Dwarf_Die *entry, struct symbol_place *place)
{
	Dwarf_Files *files;
	size_t n;
	if (dwarf_getsrcfiles(unit, &files, &n) != 0)
		return;
	uint64_t index = number_of(entry, DW_AT_call_file);
	if (index < n)
		place->file = slice_str(dwarf_filesrc(files, index, NULL, NULL));
	set_line(place, number_of(entry, DW_AT_call_line));
}

/* Innermost first; of too many the outer ones are cut off. */
static void
write_places(const struct elf *elf, Dwarf_Die *unit, struct chain *chain, uint64_t address,
	     struct symbol *symbol)
{
	bool has_lines = elf_may_read_lines(elf, unit);
	for (size_t i = 0; i < chain->n && i < SYMBOL_PLACES_MAX; i++) {
		struct symbol_place *place = &symbol->places[i];
		Dwarf_Die *entry = &chain->entries[chain->n - 1 - i];
		*place = (struct symbol_place){.function = name_of(entry)};
		if (has_lines && i == 0)
			place_at(unit, address, place);
		else if (has_lines)
			place_of_call(unit, &chain->entries[chain->n - i], place);
		symbol->n_places = i + 1;
	}
}

/* Code of assembler has lines but no function: the symbol table names it. */
static err_t
find_line_only(const struct elf *elf, Dwarf_Die *unit, uint64_t address, struct symbol *ret_symbol)
{
	struct symbol symbol = {.n_places = 1, .function_rva = address};
	if (!elf_may_read_lines(elf, unit))
		return ERR_NOTFOUND;
	place_at(unit, address, &symbol.places[0]);
	if (slice_is_absent(symbol.places[0].file))
		return ERR_NOTFOUND;
	*ret_symbol = symbol;
	return OK;
}

err_t
elf_find_places(struct elf *elf, uint64_t address, struct symbol *ret_symbol)
{
	struct elf_unit *unit;
	struct chain chain;
	Dwarf_Die unit_entry;
	Dwarf_Die function;
	if ((elf->identity.parts & ELF_DWARF) == 0)
		return ERR_NOTFOUND;
	err_t err = elf_load_dwarf(elf);
	if (err == OK)
		err = elf_find_unit(elf, address, &unit);
	if (err != OK)
		return err;
	if (dwarf_offdie(elf->dwarf, unit->entry, &unit_entry) == NULL)
		return ERR_CORRUPT;
	const struct elf_range *range = elf_range_of(unit->functions, unit->n_functions, address);
	if (range == NULL)
		return find_line_only(elf, &unit_entry, address, ret_symbol);
	if (dwarf_offdie(elf->dwarf, range->what, &function) == NULL)
		return ERR_CORRUPT;
	err = build_chain(&function, address, &chain);
	if (err != OK)
		return err;
	ret_symbol->function_rva = range->start;
	ret_symbol->is_public = false;
	write_places(elf, &unit_entry, &chain, address, ret_symbol);
	return OK;
}
