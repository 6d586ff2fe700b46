/* pe.h - Windows images: who they are, what they export, how their functions unwind
 *
 * Reads PE32 and PE32+ from the bytes of a file, or as they lie in memory (a module's image in a
 * heap dump).  Names come from the export directory and are public ones; amd64 and arm64 images
 * unwind by their function table, x86 and arm only have names.  Refuses what has no readable
 * headers or section table.  A directory that is broken costs only what it holds: it is named in
 * `broken`, and look-ups that need it answer ERR_CORRUPT.
 * Pure; the bytes must outlive what is opened here and are never written to.
 * Format: "PE Format" and the pages on x64 and ARM64 exception handling of the Windows manuals.
 */
#pragma once

#include "base/err.h"
#include "base/slice.h"
#include "symbols/symbols.h"

enum pe_part {
	PE_EXPORTS = 1,
	PE_UNWIND = 2,
	PE_DEBUG = 4,
	PE_VERSION = 8,
	PE_RELOCATIONS = 16,
	PE_HYBRID = 32 /* the description of ARM64EC code */
};

enum {
	PE_SECTION_EXECUTABLE = 0x20000000 /* of the flags of a section: IMAGE_SCN_MEM_EXECUTE */
};

/* Texts are absent where the image does not say. */
struct pe_identity {
	enum arch arch;
	uint16_t machine; /* IMAGE_FILE_MACHINE_* */
	bool is_dll;
	bool is_64;         /* PE32+ */
	bool is_arm64ec;    /* amd64 by its header, with ARM64EC code in it (or arm64 with such) */
	uint32_t timestamp; /* a hash of the contents in reproducible builds */
	uint32_t checksum;
	uint32_t image_bytes;
	uint32_t entry_rva; /* 0: none */
	uint64_t preferred_base;
	struct slice code_id;      /* "4549BCBA1000": timestamp as 8 hex digits, size in hex */
	struct slice debug_name;   /* path of the PDB as the CodeView record has it */
	struct slice debug_id;     /* GUID as 32 hex digits in upper case, age in hex */
	struct slice file_version; /* "10.0.19041.1", of the fixed part of the version resource */
	struct slice product_version;
	struct slice company; /* these as UTF-8, of the first language that has strings */
	struct slice description;
	struct slice product;
	struct slice original_name;
	struct slice internal_name;
	struct slice version_text; /* FileVersion in words: "10.0.19041.1 (WinBuild.160101.0800)" */
	unsigned broken;           /* of enum pe_part: what could not be read */
};

struct pe_section {
	struct slice name; /* eight bytes at most */
	uint32_t rva;
	uint32_t bytes; /* in memory */
	uint32_t file_offset;
	uint32_t file_bytes; /* in the file; what is missing is zero in memory */
	uint32_t flags;
};

struct pe_export {
	uint32_t ordinal;
	uint32_t rva;           /* 0: forwarded */
	struct slice name;      /* absent: only an ordinal */
	struct slice forwarder; /* "NTDLL.RtlAllocateHeap"; absent: not forwarded */
};

struct pe;

/* FILE as it lies on a disk.
 * ERR_UNSUPPORTED	no PE image, or for a processor that we do not know
 * ERR_TRUNCATED	headers or section table end early
 * ERR_CORRUPT		they contradict themselves
 * ERR_LIMIT		more sections than limits.h allows */
err_t pe_open(struct slice file, struct symbols **ret_symbols, struct err_detail *detail) ERR_CHECK;
/* IMAGE as the loader laid it out, from its base on; it may end early. */
err_t pe_open_mapped(struct slice image, struct symbols **ret_symbols,
		     struct err_detail *detail) ERR_CHECK;

const struct pe *pe_of(const struct symbols *symbols); /* NULL: of another format */
const struct pe_identity *pe_identity(const struct pe *pe);
size_t pe_n_sections(const struct pe *pe);
const struct pe_section *pe_section(const struct pe *pe, size_t index);
const struct pe_section *pe_section_of(const struct pe *pe, uint64_t rva); /* NULL: in none */
size_t pe_n_exports(const struct pe *pe);
/* In the order of ordinals.  ERR_CORRUPT: what it says lies outside of the image. */
err_t pe_export(const struct pe *pe, size_t index, struct pe_export *ret_export) ERR_CHECK;

/* The bytes at RVA that are there, LEN at most; absent: none, or only zeros that no file has. */
struct slice pe_read(const struct pe *pe, uint64_t rva, size_t len);
/* Copies the bytes at RVA as they are in memory when the image lies at MODULE_BASE: base
 * relocations are applied, so that code can be compared with a dump.  Returns how many. */
size_t
pe_read_loaded(const struct pe *pe, uint64_t module_base, uint64_t rva, uint8_t *out, size_t len);
