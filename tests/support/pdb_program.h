/* pdb_program.h - the program that most tests of PDB files look into
 *
 *	1:0000 outer		0x100 bytes, in a.c; inlined there: Class::middle, in it
 *space::inner 1:0100 second		0x40 bytes, in a.c and b.h 1:0140 thunk		6 bytes,
 *without lines 1:0200 public_name	nothing but a public name 1:1000 (outer)		0x20
 *bytes that were moved away from it
 *
 * Section 1 begins at 0x1000, section 2 (data) at 0x8000.
 */
#pragma once

#include "pdb_builder.h"

enum {
	PROGRAM_TEXT = 0x1000,
	PROGRAM_TEXT_BYTES = 0x3000,
	PROGRAM_DATA = 0x8000,
	PROGRAM_FILE_A = 0, /* offsets in the list of files */
	PROGRAM_FILE_B = 8
};

struct pdb_program {
	struct pdb_builder b;
	uint32_t name_a;
	uint32_t name_b;
	uint32_t inner;
	uint32_t middle;
	struct buf *symbols; /* of module 0, until its lines are begun */
	struct buf *lines;
};

#define ANNOTATIONS(...)                                                                           \
	slice_of((const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

static inline void
pdb_program_begin(struct pdb_program *p)
{
	*p = (struct pdb_program){0};
	pdb_builder_init(&p->b);
	pdb_builder_section(&p->b.streams[PDB_SECTIONS], PROGRAM_TEXT, PROGRAM_TEXT_BYTES, true);
	pdb_builder_section(&p->b.streams[PDB_SECTIONS], PROGRAM_DATA, 0x1000, false);
	p->name_a = pdb_builder_name(&p->b, "c:\\src\\a.c");
	p->name_b = pdb_builder_name(&p->b, "c:\\src\\b.h");
	uint32_t space = pdb_builder_id(&p->b, 0x1605, 0, 0, "space");
	p->inner = pdb_builder_id(&p->b, 0x1601, space, 0x1000, "inner");
	uint32_t class = pdb_builder_class(&p->b, "Class");
	p->middle = pdb_builder_id(&p->b, 0x1602, class, 0x1000, "middle");
	pdb_builder_contribution(&p->b, 1, 0, 0x200, 0);
	pdb_builder_contribution(&p->b, 1, 0x200, 0x100, 1);
	pdb_builder_contribution(&p->b, 1, 0x1000, 0x20, 0);
	pdb_builder_contribution(&p->b, 2, 0, 0x100, 0);
	p->symbols = pdb_builder_module(&p->b, 0);
}

/* Rows: [0x10, 0x20) line +1, [0x20, 0x30) line +2, [0x30, 0x40) line +4; in the moved code
 * [0, 0x10) line +9. */
static inline void
pdb_program_sites(struct pdb_program *p)
{
	(void)pdb_put_site(p->symbols, p->middle,
			   ANNOTATIONS(6, 2, 3, 0x10, 6, 2, 3, 0x10, 6, 4, 12, 0x10, 0x10, 2, 1, 6,
				       10, 3, 0, 4, 0x10, 0, 0));
	(void)pdb_put_block(p->symbols);
	(void)pdb_put_end(p->symbols, 0x0006);
	/* [0x20, 0x30), in b.h; its line is that of the definition. */
	(void)pdb_put_site(p->symbols, p->inner, ANNOTATIONS(5, PROGRAM_FILE_B, 12, 0x10, 0x20));
	(void)pdb_put_end(p->symbols, 0x114e);
	(void)pdb_put_end(p->symbols, 0x114e);
}

static inline void
pdb_program_symbols(struct pdb_program *p)
{
	(void)pdb_put_procedure(p->symbols, 0x1110, "outer", 1, 0, 0x100);
	pdb_program_sites(p);
	(void)pdb_put_end(p->symbols, 0x0006);
	(void)pdb_put_procedure(p->symbols, 0x1146, "second", 1, 0x100, 0x40);
	(void)pdb_put_end(p->symbols, 0x114f);
	(void)pdb_put_thunk(p->symbols, "thunk", 1, 0x140, 6);
	(void)pdb_put_end(p->symbols, 0x0006);
	(void)pdb_put_moved(p->symbols, 1, 0x1000, 0x20, 1, 0);
	(void)pdb_put_end(p->symbols, 0x0006);
	/* Left out by the linker. */
	(void)pdb_put_procedure(p->symbols, 0x110f, "discarded", 0, 0, 0x10);
	(void)pdb_put_end(p->symbols, 0x0006);
}

static inline void
pdb_program_begin_lines(struct pdb_program *p)
{
	pdb_builder_end_symbols(&p->b, 0);
	p->lines = p->symbols;
	p->symbols = NULL;
}

static inline void
pdb_program_lines(struct pdb_program *p)
{
	static const struct pdb_builder_line outer[] = {{0, 10}, {0x10, 12}, {0x40, 14}};
	static const struct pdb_builder_line second[] = {{0, 20}, {0, 21}, {0x10, 0xf00f00}};
	static const struct pdb_builder_line header[] = {{0x20, 5}, {0x80, 6}};
	static const struct pdb_builder_line moved[] = {{8, 30}};
	const uint32_t files[] = {p->name_a, p->name_b};
	pdb_program_begin_lines(p);
	/* The later code first, and a table beside another for the same function. */
	pdb_put_lines(p->lines, 1, 0x1000, 0x20, PROGRAM_FILE_A, moved, 1);
	pdb_put_lines(p->lines, 1, 0x100, 0x20, PROGRAM_FILE_A, second, 3);
	pdb_put_lines(p->lines, 1, 0x120, 0x20, PROGRAM_FILE_B, header, 2);
	pdb_put_lines(p->lines, 1, 0, 0x100, PROGRAM_FILE_A, outer, 3);
	pdb_put_lines(p->lines, 0, 0, 0x100, PROGRAM_FILE_A, outer, 3);
	pdb_put_files(p->lines, files, 2);
	pdb_put_inlinee(p->lines, p->middle, PROGRAM_FILE_A, 100);
	pdb_put_inlinee(p->lines, p->inner, PROGRAM_FILE_A, 200);
}

static inline void
pdb_program_publics(struct pdb_program *p)
{
	p->b.n_modules = 2;
	p->b.is_bare[1] = true;
	pdb_builder_public(&p->b, "data", 2, 0);
	pdb_builder_public(&p->b, "?public_name@@YAXXZ", 1, 0x200);
	pdb_builder_public(&p->b, "public_alias", 1, 0x200);
	pdb_builder_public(&p->b, "outer_public", 1, 0);
}

static inline void
pdb_program_make(struct pdb_program *p)
{
	pdb_program_begin(p);
	pdb_program_symbols(p);
	pdb_program_lines(p);
	pdb_program_publics(p);
}
