/* pdb_builder.h - small PDB files for tests: valid ones, and then broken ones
 *
 * A builder holds the content of each stream, to be added to or spoiled before the file is laid
 * out.  Numbers are appended by pdb_put16 and pdb_put32.
 */
#pragma once

#include "base/buf.h"

enum {
	PDB_BUILDER_MODULES = 4,
	PDB_BUILDER_BYTES_MAX = 96 * 1024 * 1024
};

/* Numbers of streams. */
enum pdb_builder_stream {
	PDB_OLD_DIRECTORY,
	PDB_INFO,
	PDB_TYPES,
	PDB_DBI,
	PDB_IDS,
	PDB_NAMES,
	PDB_PUBLICS,
	PDB_RECORDS,
	PDB_SECTIONS,
	PDB_SOURCE_SECTIONS,
	PDB_OMAP_TO_SOURCE,
	PDB_OMAP_FROM_SOURCE,
	PDB_FRAME_DATA,
	PDB_FPO,
	PDB_TYPES_HASH,
	PDB_IDS_HASH,
	PDB_FIRST_MODULE,
	PDB_STREAMS = PDB_FIRST_MODULE + PDB_BUILDER_MODULES
};

/* Types and ids count from here. */
enum {
	PDB_FIRST_TYPE = 0x1000
};

struct pdb_builder {
	uint32_t block_bytes;
	bool is_scattered; /* no two blocks of a stream adjoin */
	uint32_t age;      /* of the PDB stream */
	uint32_t dbi_age;
	uint16_t machine;
	/* The DBI stream is made of these when the file is laid out, unless it has bytes already.
	 */
	struct buf contributions;
	size_t n_modules;
	uint32_t symbol_bytes[PDB_BUILDER_MODULES]; /* of a module's stream; the rest are lines */
	bool is_bare[PDB_BUILDER_MODULES];          /* without a stream */
	/* Types are closed by pdb_builder_layout, unless it is told not to. */
	bool has_own_types;
	uint32_t n_types;
	uint32_t n_ids;
	struct buf streams[PDB_STREAMS];
	/* Where things went, for tests that spoil the file: valid after the layout. */
	size_t directory_at; /* of its first block in the file */
	size_t map_at;
};

void pdb_builder_init(struct pdb_builder *b);
void pdb_builder_done(struct pdb_builder *b);

void pdb_put16(struct buf *buf, uint16_t value);
void pdb_put32(struct buf *buf, uint32_t value);
void pdb_set32(struct buf *buf, size_t at, uint32_t value);
uint32_t pdb_get32(const struct buf *buf, size_t at);
void pdb_pad(struct buf *buf);

/* A section header; RVA is where it begins. */
void pdb_builder_section(struct buf *headers, uint32_t rva, uint32_t bytes, bool is_code);
/* Code of MODULE. */
void pdb_builder_contribution(struct pdb_builder *b, uint16_t section, uint32_t offset,
			      uint32_t bytes, uint16_t module);
/* Returns the offset of the text. */
uint32_t pdb_builder_name(struct pdb_builder *b, const char *name);
/* A public name, also in the address map. */
void pdb_builder_public(struct pdb_builder *b, const char *name, uint16_t section, uint32_t offset);
/* Types and ids; they return their index. */
uint32_t pdb_builder_type(struct pdb_builder *b, uint16_t kind, struct slice content);
uint32_t pdb_builder_id(struct pdb_builder *b, uint16_t kind, uint32_t first, uint32_t second,
			const char *name);
uint32_t pdb_builder_class(struct pdb_builder *b, const char *name);
void pdb_builder_frame_data(struct pdb_builder *b, uint32_t rva, uint32_t code_bytes,
			    uint32_t local_bytes, uint32_t param_bytes, uint16_t saved_bytes,
			    uint32_t program);
void pdb_builder_fpo(struct pdb_builder *b, uint32_t rva, uint32_t code_bytes, uint32_t locals,
		     uint16_t params, uint16_t bits);

/* Symbol records, into a module's stream, which must be begun.  Each returns its offset. */
struct buf *pdb_builder_module(struct pdb_builder *b, size_t index); /* begins it */
size_t pdb_put_record(struct buf *symbols, uint16_t kind, struct slice content);
size_t pdb_put_procedure(struct buf *symbols, uint16_t kind, const char *name, uint16_t section,
			 uint32_t offset, uint32_t bytes);
size_t pdb_put_thunk(struct buf *symbols, const char *name, uint16_t section, uint32_t offset,
		     uint16_t bytes);
size_t pdb_put_block(struct buf *symbols);
size_t pdb_put_moved(struct buf *symbols, uint16_t section, uint32_t offset, uint32_t bytes,
		     uint16_t parent_section, uint32_t parent_offset);
size_t pdb_put_site(struct buf *symbols, uint32_t inlinee, struct slice annotations);
size_t pdb_put_end(struct buf *symbols, uint16_t kind);

/* Line tables, behind the symbols. */
void pdb_builder_end_symbols(struct pdb_builder *b, size_t index);
size_t pdb_begin_subsection(struct buf *lines, uint32_t kind);
void pdb_end_subsection(struct buf *lines, size_t begun);
/* The checksums of one file after the other: NAMES are offsets.  Each takes 8 bytes. */
void pdb_put_files(struct buf *lines, const uint32_t *names, size_t n);
struct pdb_builder_line {
	uint32_t offset;
	uint32_t line;
};
/* A table with one block. */
void pdb_put_lines(struct buf *lines, uint16_t section, uint32_t offset, uint32_t bytes,
		   uint32_t file, const struct pdb_builder_line *items, size_t n);
void pdb_put_inlinee(struct buf *lines, uint32_t id, uint32_t file, uint32_t line);
/* Lists of numbers: of imports (name of a module, count, ids ...), of exports (pairs of ids). */
void pdb_put_cross_imports(struct buf *lines, const uint32_t *numbers, size_t n);
void pdb_put_cross_exports(struct buf *lines, const uint32_t *numbers, size_t n);

/* Closes what is open and lays the file out. */
void pdb_builder_layout(struct pdb_builder *b, struct buf *out);
