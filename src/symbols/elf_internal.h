/* elf_internal.h - what the files of the ELF reader share */
#pragma once

#include <elfutils/libdw.h>
#include <gelf.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/limits.h"
#include "symbols/elf.h"

enum {
	ELF_CODE_SEGMENTS_MOST = 64 /* more than linkers make by far: one, or two */
};

/* A part that is read at the first look-up: what came of it is remembered. */
enum elf_state {
	ELF_UNREAD,
	ELF_READ,
	ELF_BROKEN
};

/* A name with an address.  Names lie in the string table of one of two ELF files: the one that
 * was opened, or the one unpacked from .gnu_debugdata. */
struct elf_symbol {
	uint64_t start; /* as the file has it */
	uint64_t end;   /* where it is not known: that of its section */
	const char *name;
	bool has_size;
	uint8_t rank; /* of several at one address the smallest counts */
};

struct elf_range {
	uint64_t start;
	uint64_t end;
	uint64_t what; /* of a unit: its index; of a function: offset of its entry */
};

/* A compilation unit, and its functions once they were asked for. */
struct elf_unit {
	Dwarf_Off entry;
	enum elf_state functions_state;
	struct elf_range *functions; /* by start */
	size_t n_functions;
};

struct elf_call_frames {
	Dwarf_CFI *eh;    /* ours to end; NULL: none */
	Dwarf_CFI *debug; /* of the Dwarf */
};

struct elf {
	struct symbols symbols;
	struct elf_identity identity;
	struct slice file;
	Elf *elf;
	struct arena arena;
	struct elf_range code[ELF_CODE_SEGMENTS_MOST]; /* segments that can be executed */
	size_t n_code;
	bool has_eh_frame;
	uint8_t *copy; /* of the file, when libelf is going to write to it */

	enum elf_state symbols_state;
	struct elf_symbol *names; /* by start */
	size_t n_names;
	struct buf minidebug; /* unpacked; another ELF file */
	Elf *minidebug_elf;

	enum elf_state dwarf_state;
	Dwarf *dwarf;
	Dwarf *no_alternate; /* stands for the file of dwz that is not followed */
	Elf *no_alternate_elf;
	struct slice lines; /* .debug_line */

	enum elf_state units_state;
	struct elf_unit *units;
	size_t n_units;
	struct elf_range *unit_ranges; /* by start */
	size_t n_unit_ranges;

	enum elf_state call_frames_state;
	struct elf_call_frames call_frames;
};

/* A section by name, NULL: none, or nothing of it is in the file. */
Elf_Scn *elf_section(Elf *elf, const char *name, GElf_Shdr *ret_header);
/* Is ADDRESS, as the file has it, in a segment that can be executed? */
bool elf_is_code(const struct elf *elf, uint64_t address);
/* elf_memory of libelf takes bytes that may be written to; ours may not, and are not. */
Elf *elf_of_bytes(struct slice bytes);

/* The last of N ranges at or before ADDRESS that holds it; NULL: none. */
const struct elf_range *elf_range_of(const struct elf_range *ranges, size_t n, uint64_t address);
void elf_sort_ranges(struct elf_range *ranges, size_t n);

/* The symbol for ADDRESS as the file has it.  ERR_NOTFOUND, ERR_CORRUPT, ERR_LIMIT. */
err_t
elf_find_name(struct elf *elf, uint64_t address, const struct elf_symbol **ret_symbol) ERR_CHECK;
void elf_free_names(struct elf *elf);
/* Unpacks .gnu_debugdata.  ERR_NOTFOUND: none. */
err_t elf_unpack_minidebug(struct elf *elf) ERR_CHECK;

/* Makes elf->dwarf.  ERR_NOTFOUND: the file has none. */
err_t elf_load_dwarf(struct elf *elf) ERR_CHECK;
void elf_free_dwarf(struct elf *elf);
/* Function, lines and inlined calls at ADDRESS as the file has it. */
err_t elf_find_places(struct elf *elf, uint64_t address, struct symbol *ret_symbol) ERR_CHECK;
/* The unit that holds ADDRESS, with its functions. */
err_t elf_find_unit(struct elf *elf, uint64_t address, struct elf_unit **ret_unit) ERR_CHECK;
/* May libdw read the line table that the unit names? */
bool elf_may_read_lines(const struct elf *elf, Dwarf_Die *unit);

err_t elf_unwind(const struct symbols *symbols, struct unwind *unwind) ERR_CHECK;
