/* pdb_module.h - one module of a PDB: its procedures and its line tables, indexed
 *
 * A module is an object file.  Its stream holds symbol records (a procedure opens a scope that
 * its blocks and inlined calls nest in, up to an end record), then line tables by address.
 * Decoded when an address of the module is looked up first.  Addresses are source addresses,
 * pdb_address.h.
 */
#pragma once

#include "symbols/pdb_dbi.h"

struct pdb_procedure {
	uint32_t start;
	uint32_t record; /* offset in the symbols */
	uint32_t end;    /* offset behind its scope */
	uint32_t name;   /* offset */
	uint32_t name_end;
};

/* A stretch of code of a procedure: 0 is its body, others were moved away from it. */
struct pdb_chunk {
	uint32_t procedure;
	uint32_t number;
	uint32_t start;
};

/* From ADDRESS on, up to the next entry's. */
struct pdb_line {
	uint32_t address;
	uint32_t line;
	uint32_t file; /* PDB_NO_FILE: no line from here on */
	uint32_t order;
};

/* Where an inlined function is defined. */
struct pdb_inlinee {
	uint32_t id; /* in the IPI stream */
	uint32_t file;
	uint32_t line;
	uint32_t order;
};

enum {
	PDB_NO_FILE = -1 /* as uint32_t */
};

/* Line numbers by which compilers mark code that has none: always, never step into. */
enum {
	PDB_LINE_ALWAYS = 0xfeefee,
	PDB_LINE_NEVER = 0xf00f00
};

struct pdb_module {
	uint32_t index; /* in the list of modules */
	uint16_t stream;
	struct slice symbols; /* from the stream's start */
	struct slice files;   /* file checksums: a line's `file` is an offset here */
	const struct pdb_procedure *procedures;
	const struct pdb_chunk *chunks;
	struct pdb_ranges code; /* the values are chunks */
	const struct pdb_line *lines;
	size_t n_lines;
	const struct pdb_inlinee *inlinees; /* by id */
	size_t n_inlinees;
	struct arena arena;
};

/* ERR_CORRUPT, ERR_TRUNCATED: the stream contradicts itself.  ERR_LIMIT: too large. */
err_t
pdb_module_open(const struct msf *msf, const struct pdb_modules *modules, uint32_t index,
		const struct pdb_addresses *addresses, struct pdb_module **ret_module) ERR_CHECK;
void pdb_module_free(struct pdb_module *module); /* accepts NULL */

/* NULL: no procedure has code at ADDRESS. */
const struct pdb_chunk *pdb_module_find(const struct pdb_module *module, uint32_t address);
/* NULL: no line. */
const struct pdb_line *pdb_module_line(const struct pdb_module *module, uint32_t address);
/* NULL: not defined here. */
const struct pdb_inlinee *pdb_module_inlinee(const struct pdb_module *module, uint32_t id);
/* The offset in "/names" of a file's name.  False: there is no such file. */
bool pdb_module_file(const struct pdb_module *module, uint32_t file, uint32_t *ret_name);
