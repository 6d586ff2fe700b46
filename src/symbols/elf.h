/* elf.h - ELF files: symbols, DWARF functions, lines and inlined calls, call frame information
 *
 * Programs, shared libraries and files of separate debug information for x86, amd64, arm and
 * arm64, little-endian.  A program without its debug information and the file that has it are
 * two sources of one module: each answers what it knows.  Addresses are relative to the page of
 * the first PT_LOAD segment, as dumps give a module's base.
 *
 * Reads by elfutils; sizes that cost memory are checked before.  Refuses objects, cores, archives
 * and big-endian files.  Does not look for other files: neither alternate files of dwz nor split
 * units (.dwo) are followed.  arm unwinds by .debug_frame only, not by its exception index.
 * Symbols, DWARF and line tables are read at the first look-up that needs them, so one thread at
 * a time may ask.  A part that is broken costs only itself: names of the symbol table are given
 * though DWARF cannot be read.  The input is never written to.
 *
 * System calls of the libraries, for a jail: readlink (libdw asks for the path of a descriptor
 * that there is not) and sysinfo (qsort).  Both may fail.
 */
#pragma once

#include "base/err.h"
#include "base/slice.h"
#include "symbols/symbols.h"

enum elf_part {
	ELF_SYMBOLS = 1,     /* .symtab or .dynsym */
	ELF_MINIDEBUG = 2,   /* .gnu_debugdata: a symbol table, packed */
	ELF_DWARF = 4,       /* .debug_info */
	ELF_LINES = 8,       /* .debug_line */
	ELF_CALL_FRAMES = 16 /* .eh_frame or .debug_frame */
};

/* Texts are absent where the file does not say. */
struct elf_identity {
	enum arch arch;
	bool is_64;
	uint64_t base;           /* address that an RVA is relative to, as the file has it */
	uint64_t image_bytes;    /* from there to the end of the last segment */
	struct slice build_id;   /* raw bytes */
	struct slice code_id;    /* the same in hex */
	struct slice debug_id;   /* its first 16 bytes as a GUID, age 0; see elf_open */
	struct slice debug_link; /* name of the file with the debug information */
	uint32_t debug_link_crc;
	unsigned parts;  /* of enum elf_part: what the file has */
	unsigned broken; /* of these: what look-ups found unreadable until now */
};

struct elf;

/* A file without build id gets its debug id from its code, as writers of dumps do: 16 bytes that
 * are the exclusive or of the first page of .text.
 * ERR_UNSUPPORTED	no ELF file, or of a kind or for a processor that we do not read
 * ERR_CORRUPT		headers that contradict the file
 * ERR_LIMIT		debug sections that inflate beyond limits.h */
err_t
elf_open(struct slice file, struct symbols **ret_symbols, struct err_detail *detail) ERR_CHECK;

const struct elf *elf_of(const struct symbols *symbols); /* NULL: of another format */
const struct elf_identity *elf_identity(const struct elf *elf);
