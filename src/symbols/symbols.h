/* symbols.h - names, lines and unwind rules for the addresses of one module
 *
 * One face for all that can give them: Breakpad's .sym files, PDB files, PE images (exports and
 * unwind data), ELF files with DWARF.  An address is relative to the module's base (RVA).  Each
 * format is opened by its own module (breakpad.h, pdb.h, pe.h, elf.h) from bytes that must
 * outlive it; nothing here does I/O.  Files are hostile: what contradicts its format is refused
 * when it is opened, or, where it is read later, answered with ERR_CORRUPT.
 */
#pragma once

#include "base/err.h"
#include "base/slice.h"
#include "symbols/memory.h"
#include "symbols/registers.h"

enum {
	SYMBOL_PLACES_MAX =
		32 /* inlined calls at one address; deeper ones are cut at the outside */
};

/* Where an address is, as source.  Texts live as long as the symbols. */
struct symbol_place {
	struct slice function; /* as the file spells it: demangle.h makes it readable */
	struct slice file;     /* absent: not known */
	uint32_t line;         /* 0: not known */
};

struct symbol {
	/* Innermost first; the last one is the function that was compiled, those before it were
	 * inlined into it.  In an outer place the line is that of the call. */
	struct symbol_place places[SYMBOL_PLACES_MAX];
	size_t n_places;
	uint64_t function_rva; /* where the compiled function begins */
	/* An export or public name: the nearest one before the address.  Its end is not known. */
	bool is_public;
};

enum unwind_way {
	UNWIND_CFI,        /* call frame information: STACK CFI, DWARF, PE unwind data */
	UNWIND_FRAME_DATA, /* x86: STACK WIN, FPO and frame data of a PDB */
	UNWIND_N
};

struct unwind {
	/* in */
	const struct memory *memory;
	struct registers callee; /* the frame to be left */
	uint64_t module_base;
	uint64_t rva;                /* of the address to look up: behind a call, one less */
	bool is_innermost;           /* the frame of the exception: any instruction may be next */
	uint32_t callee_param_bytes; /* x86: parameters of the frame that this one had called */
	/* out */
	struct registers caller; /* pc and sp known, others as far as the rules say */
	/* x86: parameters that this frame's own caller pushed; 0 unknown.  Set also with an error,
	 * when the name at the address tells. */
	uint32_t param_bytes;
	enum unwind_way way;
	/* in: may code lie at ADDRESS, as far as the walk knows its modules?  x86 records that say
	 * only about where the return address is ask it.  NULL: never asked. */
	bool (*is_code)(const void *code_context, uint64_t address);
	const void *code_context;
	/* The caller did not call: it was interrupted (a signal or machine frame), so its pc is
	 * the next instruction and no return address.  Look it up as that of an innermost frame. */
	bool caller_is_interrupted;
};

struct symbols;

/* Each format's own.  Every member but `unwind` is there. */
struct symbols_methods {
	const char *format; /* "breakpad", "pdb", "pe", "elf" */
	void (*free)(struct symbols *symbols);
	err_t (*find)(const struct symbols *symbols, uint64_t rva, struct symbol *ret_symbol);
	err_t (*unwind)(const struct symbols *symbols, struct unwind *unwind); /* NULL: never */
};

/* The first member of each format's own structure. */
struct symbols {
	const struct symbols_methods *methods;
};

const char *symbols_format(const struct symbols *symbols);
void symbols_free(struct symbols *symbols); /* accepts NULL */

/* ERR_NOTFOUND: no name near RVA.  ERR_CORRUPT: the file contradicts itself there. */
err_t
symbols_find(const struct symbols *symbols, uint64_t rva, struct symbol *ret_symbol) ERR_CHECK;

/* Fills what is marked `out`.
 * ERR_NOTFOUND		no rule for this address
 * ERR_TRUNCATED	the rule needs memory or a register that is not there
 * ERR_CORRUPT		the rule is broken */
err_t symbols_unwind(const struct symbols *symbols, struct unwind *unwind) ERR_CHECK;
