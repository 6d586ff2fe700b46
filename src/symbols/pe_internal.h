/* pe_internal.h - what the files of the PE reader share; their tests too */
#pragma once

#include "base/arena.h"
#include "base/limits.h"
#include "base/reader.h"
#include "symbols/pe.h"

enum {
	PE_MACHINE_X86 = 0x14c,
	PE_MACHINE_ARM = 0x1c0,
	PE_MACHINE_THUMB = 0x1c2,
	PE_MACHINE_ARMNT = 0x1c4,
	PE_MACHINE_AMD64 = 0x8664,
	PE_MACHINE_ARM64 = 0xaa64,

	PE_DIRECTORY_EXPORTS = 0,
	PE_DIRECTORY_RESOURCES = 2,
	PE_DIRECTORY_UNWIND = 3,
	PE_DIRECTORY_RELOCATIONS = 5,
	PE_DIRECTORY_DEBUG = 6,
	PE_DIRECTORY_LOAD_CONFIG = 10,
	PE_DIRECTORIES = 16,

	PE_AMD64_FUNCTION_BYTES = 12,
	PE_ARM64_FUNCTION_BYTES = 8,

	PE_ORDINAL_NAME_BYTES = 18 /* "Ordinal4294967295" */
};

struct pe_directory {
	uint32_t rva;
	uint32_t bytes;
};

/* The export directory, [PE Format] "The .edata Section". */
struct pe_export_table {
	struct pe_directory where; /* a function address in here is a forwarder */
	uint32_t ordinal_base;
	struct slice functions; /* 4 bytes each */
	struct slice names;     /* 4 bytes each */
	uint32_t *name_of;      /* by index of the function: index into names, plus one */
	char (*ordinal_names)[PE_ORDINAL_NAME_BYTES]; /* of functions without a name */
	uint32_t *by_rva; /* indexes of functions that are code, by address, one for each */
	size_t n_functions;
	size_t n_by_rva;
};

struct pe {
	struct symbols symbols;
	struct slice image;
	bool is_mapped;
	uint32_t header_bytes;
	struct arena arena;
	struct pe_identity identity;
	struct pe_section *sections;
	size_t n_sections;
	struct pe_directory directories[PE_DIRECTORIES];
	struct pe_export_table exports;
	struct slice functions;     /* the function table; absent: none */
	struct slice relocations;   /* absent: none */
	struct slice hybrid_ranges; /* ARM64EC: 8 bytes each, start with its kind, and length */
};

/* All LEN bytes at RVA. */
bool pe_bytes(const struct pe *pe, uint64_t rva, size_t len, struct slice *ret_bytes);
bool pe_u32(const struct pe *pe, uint64_t rva, uint32_t *ret_value);
/* The text that ends with NUL at RVA, without it; LIMIT_PE_NAME_BYTES at most. */
bool pe_text(const struct pe *pe, uint64_t rva, struct slice *ret_text);
/* Of the table S of little-endian numbers; INDEX must be in it. */
uint32_t pe_u32_of(struct slice s, size_t index);
bool pe_is_code(const struct pe *pe, uint64_t rva);

/* Each reads its directory when the image is opened; OK when there is none. */
err_t pe_read_exports(struct pe *pe) ERR_CHECK;
err_t pe_read_debug(struct pe *pe) ERR_CHECK;
err_t pe_read_version(struct pe *pe) ERR_CHECK;
err_t pe_read_hybrid(struct pe *pe) ERR_CHECK;

err_t pe_find(const struct symbols *symbols, uint64_t rva, struct symbol *ret_symbol) ERR_CHECK;
err_t pe_unwind(const struct symbols *symbols, struct unwind *unwind) ERR_CHECK;
err_t pe_unwind_amd64(const struct pe *pe, struct unwind *unwind) ERR_CHECK;
err_t pe_unwind_arm64(const struct pe *pe, struct unwind *unwind) ERR_CHECK;
/* Is RVA ARM64EC or arm64 code in an image whose header says amd64? */
bool pe_is_hybrid_code(const struct pe *pe, uint64_t rva);

/* Where the function that holds RVA begins, as the function table has it.  ERR_NOTFOUND: in
 * none, or in a piece of a function that does not tell the rest. */
err_t pe_amd64_function_begin(const struct pe *pe, uint64_t rva, uint32_t *ret_begin) ERR_CHECK;
err_t pe_arm64_function_begin(const struct pe *pe, uint64_t rva, uint32_t *ret_begin) ERR_CHECK;
/* The last entry of the function table, EACH_BYTES each, that begins at or before RVA. */
bool pe_function_before(const struct pe *pe, size_t each_bytes, uint64_t rva, size_t *ret_index);
