/* Where DWARF has its units and their functions.
 *
 * .debug_aranges is often missing, so the ranges of all units are read once and sorted; the
 * functions of a unit likewise, when an address in it is asked for first.  Entries are walked
 * with a stack of our own: the depth is bounded, and what is read is at most as many entries as
 * the unit has bytes, however its references are crossed.
 */
#include "symbols/elf_internal.h"

#include <dwarf.h>
#include <stdlib.h>
#include <string.h>

enum {
	BACKWARD_MOST = 32, /* ranges inside each other */
	FIRST_RANGES = 256
};

/* Ranges that are collected before their number is known. */
struct collection {
	struct elf_range *items;
	size_t n;
	size_t capacity;
};

static err_t
add_range(struct collection *to, uint64_t start, uint64_t end, uint64_t what)
{
	if (to->n == LIMIT_ELF_RANGES)
		return ERR_LIMIT;
	if (to->n == to->capacity) {
		size_t capacity = to->capacity == 0 ? FIRST_RANGES : 2 * to->capacity;
		struct elf_range *items = reallocarray(to->items, capacity, sizeof(*items));
		if (items == NULL)
			abort();
		to->items = items;
		to->capacity = capacity;
	}
	to->items[to->n++] = (struct elf_range){start, end, what};
	return OK;
}

static int
compare_ranges(const void *a, const void *b)
{
	const struct elf_range *left = a;
	const struct elf_range *right = b;
	if (left->start != right->start)
		return left->start < right->start ? -1 : 1;
	if (left->end != right->end) /* the outer one first */
		return left->end > right->end ? -1 : 1;
	return left->what < right->what ? -1 : left->what > right->what;
}

void
elf_sort_ranges(struct elf_range *ranges, size_t n)
{
	qsort(ranges, n, sizeof(*ranges), compare_ranges);
}

const struct elf_range *
elf_range_of(const struct elf_range *ranges, size_t n, uint64_t address)
{
	size_t low = 0;
	size_t high = n;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (ranges[middle].start <= address)
			low = middle + 1;
		else
			high = middle;
	}
	for (size_t i = low; i > 0 && low - i < BACKWARD_MOST; i--)
		if (address < ranges[i - 1].end)
			return &ranges[i - 1];
	return NULL;
}

/* Takes over what was collected, sorted. */
static err_t
take(struct elf *elf, struct collection *from, struct elf_range **ret_ranges, size_t *ret_n)
{
	struct elf_range *ranges = NULL;
	if (from->n > 0) {
		ranges = arena_array(&elf->arena, from->n, sizeof(*ranges));
		if (ranges == NULL)
			return ERR_LIMIT;
		memcpy(ranges, from->items, from->n * sizeof(*ranges));
		elf_sort_ranges(ranges, from->n);
	}
	*ret_ranges = ranges;
	*ret_n = from->n;
	return OK;
}

/* Functions that the linker left out lie at address 0, or where no code is. */
static err_t
add_ranges_of(struct elf *elf, Dwarf_Die *entry, uint64_t what, struct collection *to)
{
	Dwarf_Addr base;
	Dwarf_Addr start;
	Dwarf_Addr end;
	ptrdiff_t at = 0;
	for (size_t i = 0; i < LIMIT_ELF_RANGES; i++) {
		at = dwarf_ranges(entry, at, &base, &start, &end);
		if (at <= 0)
			return OK;
		if (start >= end || !elf_is_code(elf, start))
			continue;
		err_t err = add_range(to, start, end, what);
		if (err != OK)
			return err;
	}
	return ERR_LIMIT;
}

static bool
can_hold_functions(int tag)
{
	switch (tag) {
	case DW_TAG_namespace:
	case DW_TAG_module:
	case DW_TAG_subprogram:
	case DW_TAG_lexical_block:
	case DW_TAG_class_type:
	case DW_TAG_structure_type:
	case DW_TAG_union_type:
	case DW_TAG_enumeration_type:
	case DW_TAG_interface_type:
		return true;
	default:
		return false;
	}
}

/* Entries in the order in which they stand, those inside others after them. */
struct walk {
	Dwarf_Die open[LIMIT_ELF_DEPTH];
	size_t depth;
};

/* The next entry at this depth, or at the next one outside that has one. */
static bool
go_on(struct walk *w)
{
	while (w->depth > 0) {
		if (dwarf_siblingof(&w->open[w->depth - 1], &w->open[w->depth - 1]) == 0)
			return true;
		w->depth--;
	}
	return false;
}

static bool
go_in(struct walk *w, Dwarf_Die *entry)
{
	if (w->depth == LIMIT_ELF_DEPTH || dwarf_child(entry, &w->open[w->depth]) != 0)
		return false;
	w->depth++;
	return true;
}

static err_t
collect_functions(struct elf *elf, Dwarf_Die *unit, uint64_t budget, struct collection *to)
{
	struct walk w = {.depth = 0};
	bool has_one = go_in(&w, unit);
	for (uint64_t n = 0; has_one; n++) {
		Dwarf_Die *entry = &w.open[w.depth - 1];
		int tag = dwarf_tag(entry);
		if (n > budget)
			return ERR_CORRUPT;
		if (tag == DW_TAG_subprogram) {
			err_t err = add_ranges_of(elf, entry, dwarf_dieoffset(entry), to);
			if (err != OK)
				return err;
		}
		has_one = (can_hold_functions(tag) && go_in(&w, entry)) || go_on(&w);
	}
	return OK;
}

/* Bytes that the unit has from its first entry on. */
static uint64_t
unit_bytes(Dwarf *dwarf, Dwarf_Die *unit)
{
	Dwarf_Off next;
	size_t header;
	Dwarf_Off start = dwarf_dieoffset(unit) - dwarf_cuoffset(unit);
	if (dwarf_nextcu(dwarf, start, &next, &header, NULL, NULL, NULL) != 0)
		return 0;
	return next - start;
}

static err_t
load_functions(struct elf *elf, struct elf_unit *unit)
{
	struct collection collection = {0};
	Dwarf_Die entry;
	if (dwarf_offdie(elf->dwarf, unit->entry, &entry) == NULL)
		return ERR_CORRUPT;
	err_t err = collect_functions(elf, &entry, unit_bytes(elf->dwarf, &entry), &collection);
	if (err == OK)
		err = take(elf, &collection, &unit->functions, &unit->n_functions);
	free(collection.items);
	return err;
}

/* Only whole units have code: partial, type and skeleton units do not count. */
static err_t
load_unit(struct elf *elf, Dwarf_Off offset, struct collection *ranges)
{
	Dwarf_Die entry;
	if (dwarf_offdie(elf->dwarf, offset, &entry) == NULL ||
	    dwarf_tag(&entry) != DW_TAG_compile_unit)
		return OK;
	if (elf->n_units == LIMIT_ELF_UNITS)
		return ERR_LIMIT;
	elf->units[elf->n_units].entry = offset;
	size_t before = ranges->n;
	err_t err = add_ranges_of(elf, &entry, elf->n_units, ranges);
	/* Some assemblers and old compilers give a unit no ranges: its functions have them. */
	if (err == OK && ranges->n == before)
		err = collect_functions(elf, &entry, unit_bytes(elf->dwarf, &entry), ranges);
	for (size_t i = before; i < ranges->n; i++)
		ranges->items[i].what = elf->n_units;
	elf->n_units++;
	return err;
}

static size_t
count_units(Dwarf *dwarf)
{
	size_t n = 0;
	Dwarf_Off at = 0;
	Dwarf_Off next;
	size_t header;
	while (n <= LIMIT_ELF_UNITS &&
	       dwarf_nextcu(dwarf, at, &next, &header, NULL, NULL, NULL) == 0) {
		at = next;
		n++;
	}
	return n;
}

static err_t
load_units(struct elf *elf)
{
	struct collection ranges = {0};
	Dwarf_Off at = 0;
	Dwarf_Off next;
	size_t header;
	err_t err = OK;
	size_t n = count_units(elf->dwarf);
	if (n > LIMIT_ELF_UNITS)
		return ERR_LIMIT;
	if (n == 0)
		return OK;
	elf->units = arena_array(&elf->arena, n, sizeof(*elf->units));
	if (elf->units == NULL)
		return ERR_LIMIT;
	for (size_t i = 0; i < n && err == OK; i++) {
		if (dwarf_nextcu(elf->dwarf, at, &next, &header, NULL, NULL, NULL) != 0)
			break;
		err = load_unit(elf, at + header, &ranges);
		at = next;
	}
	if (err == OK)
		err = take(elf, &ranges, &elf->unit_ranges, &elf->n_unit_ranges);
	free(ranges.items);
	return err;
}

err_t
elf_find_unit(struct elf *elf, uint64_t address, struct elf_unit **ret_unit)
{
	if (elf->units_state == ELF_UNREAD)
		elf->units_state = load_units(elf) == OK ? ELF_READ : ELF_BROKEN;
	if (elf->units_state == ELF_BROKEN) {
		elf->identity.broken |= ELF_DWARF;
		return ERR_CORRUPT;
	}
	const struct elf_range *range = elf_range_of(elf->unit_ranges, elf->n_unit_ranges, address);
	if (range == NULL)
		return ERR_NOTFOUND;
	struct elf_unit *unit = &elf->units[range->what];
	if (unit->functions_state == ELF_UNREAD)
		unit->functions_state = load_functions(elf, unit) == OK ? ELF_READ : ELF_BROKEN;
	if (unit->functions_state == ELF_BROKEN) {
		elf->identity.broken |= ELF_DWARF;
		return ERR_CORRUPT;
	}
	*ret_unit = unit;
	return OK;
}
