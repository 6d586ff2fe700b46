/* minidump_builder.h - minidumps for tests: a valid file first, then broken on purpose
 *
 * Lists are gathered and written by minidump_builder_finish; what tests want to be strange is
 * set in the public members, or changed in the finished bytes.  Texts are UTF-8.  Nothing here
 * fails but by abort(): a builder that cannot build is a broken test.
 */
#pragma once

#include "base/buf.h"
#include "dump/dump.h"
#include "dump/minidump_record.h"

struct built_thread {
	uint32_t id;
	uint64_t teb;
	uint64_t stack_base;
	struct slice stack;                /* absent: the record has no stack */
	const struct registers *registers; /* NULL: `context` as it is */
	struct slice context;
	const char *name; /* NULL: none */
};

struct built_module {
	uint64_t base;
	uint32_t bytes;
	uint32_t timestamp;
	uint32_t checksum;
	const char *name;
	uint16_t version[4]; /* all 0: none */
	/* The CodeView record: as it is, or else an RSDS when there is a PDB. */
	struct slice codeview;
	const char *pdb;
	uint8_t guid[16];
	uint32_t age;
};

struct minidump_builder {
	/* To be set before finish. */
	uint32_t version; /* of the header */
	uint32_t timestamp;
	uint64_t flags;
	struct minidump_system system;
	bool has_system;        /* write SystemInfo? */
	bool is_padded;         /* 4 bytes behind each list's count */
	bool is_memory_64;      /* Memory64List in the place of MemoryList */
	bool stacks_are_memory; /* list stacks as memory too, as most writers do */
	unsigned n_unused;      /* directory entries of type 0 at the end */
	/* The builder's own. */
	enum arch arch;
	struct buf file;
	struct buf directory;
	uint32_t n_streams;
	struct buf threads, names, modules, ranges, ranges64, bytes64, regions, unloaded;
	uint32_t n_threads, n_names, n_modules, n_ranges, n_regions, n_unloaded;
};

/* Of ARCH and OS, with SystemInfo: Windows 10.0.19045 or Linux; one processor. */
struct minidump_builder *minidump_builder_new(enum arch arch, enum dump_os os);
void minidump_builder_free(struct minidump_builder *b); /* accepts NULL */

/* ---- pieces: each returns its offset in the file ---- */
uint32_t minidump_builder_blob(struct minidump_builder *b, struct slice bytes);
uint32_t minidump_builder_string(struct minidump_builder *b, const char *text);

/* ---- streams ---- */
void minidump_builder_stream(struct minidump_builder *b, uint32_t type, struct slice bytes);
/* A directory entry that says what it is told. */
void
minidump_builder_entry(struct minidump_builder *b, uint32_t type, uint32_t bytes, uint32_t rva);
void minidump_builder_thread(struct minidump_builder *b, const struct built_thread *thread);
void minidump_builder_module(struct minidump_builder *b, const struct built_module *module);
void minidump_builder_unloaded(struct minidump_builder *b, uint64_t base, uint32_t bytes,
			       const char *name);
void minidump_builder_memory(struct minidump_builder *b, uint64_t base, struct slice bytes);
void minidump_builder_region(struct minidump_builder *b, const struct minidump_region *region);
/* EXCEPTION's context is written from REGISTERS when there are any. */
void
minidump_builder_exception(struct minidump_builder *b, const struct minidump_exception *exception,
			   const struct registers *registers);

/* A context record of ARCH with all groups, from what is known of REGISTERS. */
void minidump_builder_context(enum arch arch, const struct registers *registers, struct buf *out);

/* Writes what was gathered.  The bytes are B's and may be changed. */
struct slice minidump_builder_finish(struct minidump_builder *b);
/* The finished bytes of the first stream of TYPE. */
uint8_t *minidump_builder_find(struct minidump_builder *b, uint32_t type);
/* Its directory entry (12 bytes). */
uint8_t *minidump_builder_find_entry(struct minidump_builder *b, uint32_t type);

/* Little-endian numbers, for streams of a test's own. */
void put_u16(struct buf *out, uint16_t value);
void put_u32(struct buf *out, uint32_t value);
void put_u64(struct buf *out, uint64_t value);
void set_u32(uint8_t *at, uint32_t value);
