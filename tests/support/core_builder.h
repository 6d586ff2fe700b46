/* core_builder.h - builds ELF cores for tests: a program, a library, a data file, a vDSO, a stack
 *
 * As the kernel writes them: one PT_NOTE, then a PT_LOAD for each mapping.  What a test wants
 * broken it pokes into the bytes afterwards; offsets are kept in struct core_build.
 */
#pragma once

#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "dump/dump.h"

enum {
	CORE_BYTES_MAX = 1024 * 1024,
	CORE_PAGE_BYTES = 4096,
	CORE_LOADS = 7,
	CORE_THREADS = 2,
	CORE_PROCESS = 4321,
	CORE_PROGRAM = 0x400000,
	CORE_LIBRARY = 0x70000000,
	CORE_DATA = 0x71000000,
	CORE_VDSO = 0x72000000,
	CORE_STACK = 0x7ffe0000,
	CORE_FAULT = 0x1234,
	CORE_EXEC_NAME = CORE_STACK + 0x800
};

struct core_build {
	enum arch arch;
	unsigned word_bytes;
	struct buf file;
	size_t headers; /* offset of the program headers */
	size_t notes;
	size_t notes_bytes;
	size_t file_note; /* of what NT_FILE says */
	size_t siginfo;
	size_t library; /* of the library's first page */
};

static inline void
core_poke(uint8_t *at, unsigned bytes, uint64_t value)
{
	for (unsigned i = 0; i < bytes; i++)
		at[i] = (uint8_t)(value >> (8 * i));
}

static inline void
core_put(struct core_build *b, unsigned bytes, uint64_t value)
{
	uint8_t raw[8];
	core_poke(raw, bytes, value);
	buf_append(&b->file, slice_of(raw, bytes));
}

static inline void
core_word_put(struct core_build *b, uint64_t value)
{
	core_put(b, b->word_bytes, value);
}

/* Begins a note and returns the offset of what it says. */
static inline size_t
core_note(struct core_build *b, const char *owner, uint32_t type, size_t bytes)
{
	core_put(b, 4, strlen(owner) + 1);
	core_put(b, 4, bytes);
	core_put(b, 4, type);
	buf_append(&b->file, slice_of(owner, strlen(owner) + 1));
	buf_append_zero(&b->file, -b->file.len & 3);
	size_t at = b->file.len;
	buf_append_zero(&b->file, (bytes + 3) & ~(size_t)3);
	return at;
}

static inline void
core_put_status(struct core_build *b, unsigned thread)
{
	static const uint16_t bytes[ARCH_N] = {0, 144, 336, 148, 392};
	bool is_64 = b->word_bytes == 8;
	size_t at = core_note(b, "CORE", NT_PRSTATUS, bytes[b->arch]);
	uint8_t *status = b->file.data + at;
	core_poke(status + 12, 2, thread == 0 ? 11 : 0);
	core_poke(status + (is_64 ? 32 : 24), 4, CORE_PROCESS + thread);
	core_poke(status + (is_64 ? 48 : 40), 4, 3); /* user time: 3.5 s */
	core_poke(status + (is_64 ? 56 : 44), 4, 500000);
	uint8_t *registers = status + (is_64 ? 112 : 72);
	for (unsigned i = 0;
	     i < 34 && (i + 1) * b->word_bytes + (is_64 ? 112U : 72U) <= bytes[b->arch]; i++)
		core_poke(registers + i * b->word_bytes, b->word_bytes, 0x100 + i);
	/* Where pc and sp are among the words: amd64, x86, arm, arm64. */
	static const uint8_t pc[ARCH_N] = {0, 12, 16, 15, 32};
	static const uint8_t sp[ARCH_N] = {0, 15, 19, 13, 31};
	core_poke(registers + pc[b->arch] * b->word_bytes, b->word_bytes, CORE_PROGRAM + 0x1010);
	core_poke(registers + sp[b->arch] * b->word_bytes, b->word_bytes,
		  CORE_STACK + 0x100 + 0x100 * thread);
}

static inline void
core_put_process(struct core_build *b)
{
	bool is_64 = b->word_bytes == 8;
	size_t at = core_note(b, "CORE", NT_PRPSINFO, is_64 ? 136 : 124);
	uint8_t *info = b->file.data + at;
	core_poke(info + (is_64 ? 16 : 8), 2, 1000);
	core_poke(info + (is_64 ? 20 : 10), 2, 1001);
	core_poke(info + (is_64 ? 24 : 12), 4, CORE_PROCESS);
	core_poke(info + (is_64 ? 28 : 16), 4, 77);
	memcpy(info + (is_64 ? 40 : 28), "crasher", 7);
	memcpy(info + (is_64 ? 56 : 44), "/opt/crasher --now ", 19);
}

static inline void
core_put_siginfo(struct core_build *b)
{
	b->siginfo = core_note(b, "CORE", NT_SIGINFO, 128);
	uint8_t *info = b->file.data + b->siginfo;
	core_poke(info, 4, 11);
	core_poke(info + 8, 4, 1);
	core_poke(info + (b->word_bytes == 8 ? 16 : 12), b->word_bytes, CORE_FAULT);
}

static inline void
core_put_files(struct core_build *b)
{
	static const struct {
		uint64_t start, pages, offset;
		const char *name;
	} files[] = {{CORE_PROGRAM, 1, 0, "/opt/crasher"},
		     {CORE_PROGRAM + 0x1000, 1, 1, "/opt/crasher"},
		     {CORE_LIBRARY, 1, 0, "/lib/libwork.so"},
		     {CORE_LIBRARY + 0x1000, 1, 1, "/lib/libwork.so"},
		     {CORE_DATA, 1, 0, "/usr/share/data"}};
	struct buf names;
	buf_init(&names, 4096);
	for (size_t i = 0; i < 5; i++)
		buf_append(&names, slice_of(files[i].name, strlen(files[i].name) + 1));
	b->file_note = core_note(b, "CORE", NT_FILE, (2 + 3 * 5) * b->word_bytes + names.len);
	uint8_t *at = b->file.data + b->file_note;
	core_poke(at, b->word_bytes, 5);
	core_poke(at + b->word_bytes, b->word_bytes, CORE_PAGE_BYTES);
	at += 2 * (size_t)b->word_bytes;
	for (size_t i = 0; i < 5; i++, at += 3 * (size_t)b->word_bytes) {
		core_poke(at, b->word_bytes, files[i].start);
		core_poke(at + b->word_bytes, b->word_bytes,
			  files[i].start + files[i].pages * CORE_PAGE_BYTES);
		core_poke(at + 2 * (size_t)b->word_bytes, b->word_bytes, files[i].offset);
	}
	memcpy(at, names.data, names.len);
	buf_done(&names);
}

static inline void
core_put_auxv(struct core_build *b)
{
	static const uint64_t pairs[][2] = {{AT_ENTRY, CORE_PROGRAM + 0x1000},
					    {AT_PHDR, CORE_PROGRAM + 64},
					    {AT_SYSINFO_EHDR, CORE_VDSO},
					    {AT_EXECFN, CORE_EXEC_NAME},
					    {AT_NULL, 0}};
	size_t at = core_note(b, "CORE", NT_AUXV, sizeof(pairs) / 8 * b->word_bytes);
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++, at += 2 * b->word_bytes) {
		core_poke(b->file.data + at, b->word_bytes, pairs[i][0]);
		core_poke(b->file.data + at + b->word_bytes, b->word_bytes, pairs[i][1]);
	}
}

/* The first page of an ELF file that has PAGES pages and a build id of ID_BYTES. */
static inline void
core_put_image(struct core_build *b, uint64_t address, uint64_t pages, unsigned id_bytes)
{
	bool is_64 = b->word_bytes == 8;
	size_t at = b->file.len;
	buf_append_zero(&b->file, CORE_PAGE_BYTES);
	uint8_t *page = b->file.data + at;
	uint8_t *table = page + (is_64 ? 64 : 52);
	size_t each = is_64 ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);
	memcpy(page, ELFMAG, 4);
	page[EI_CLASS] = is_64 ? ELFCLASS64 : ELFCLASS32;
	page[EI_DATA] = ELFDATA2LSB;
	core_poke(page + (is_64 ? 32 : 28), 4, is_64 ? 64 : 52);
	core_poke(page + (is_64 ? 56 : 44), 2, 2);
	core_poke(table, 4, PT_LOAD);
	core_poke(table + (is_64 ? 16 : 8), b->word_bytes, address);
	core_poke(table + (is_64 ? 40 : 20), b->word_bytes, pages * CORE_PAGE_BYTES);
	table += each;
	core_poke(table, 4, PT_NOTE);
	core_poke(table + (is_64 ? 16 : 8), b->word_bytes, address + 0x200);
	core_poke(table + (is_64 ? 40 : 20), b->word_bytes, 16 + id_bytes);
	core_poke(page + 0x200, 4, 4);
	core_poke(page + 0x204, 4, id_bytes);
	core_poke(page + 0x208, 4, NT_GNU_BUILD_ID);
	memcpy(page + 0x20c, "GNU", 4);
	for (unsigned i = 0; i < id_bytes; i++)
		page[0x210 + i] = (uint8_t)(i + 1);
}

struct core_load {
	uint64_t address;
	uint64_t pages; /* in memory */
	bool is_there;  /* in the file */
	uint32_t flags;
};

static const struct core_load core_loads[CORE_LOADS] = {
	{CORE_PROGRAM, 1, true, PF_R},      {CORE_PROGRAM + 0x1000, 1, false, PF_R | PF_X},
	{CORE_LIBRARY, 1, true, PF_R},      {CORE_LIBRARY + 0x1000, 1, false, PF_R | PF_X},
	{CORE_DATA, 1, false, PF_R},        {CORE_VDSO, 1, true, PF_R | PF_X},
	{CORE_STACK, 1, true, PF_R | PF_W},
};

static inline void
core_put_header(struct core_build *b)
{
	static const uint16_t machines[ARCH_N] = {0, EM_386, EM_X86_64, EM_ARM, EM_AARCH64};
	bool is_64 = b->word_bytes == 8;
	uint8_t *header = b->file.data;
	memcpy(header, ELFMAG, 4);
	header[EI_CLASS] = is_64 ? ELFCLASS64 : ELFCLASS32;
	header[EI_DATA] = ELFDATA2LSB;
	header[EI_VERSION] = EV_CURRENT;
	core_poke(header + 16, 2, ET_CORE);
	core_poke(header + 18, 2, machines[b->arch]);
	core_poke(header + 20, 4, EV_CURRENT);
	core_poke(header + (is_64 ? 32 : 28), 4, b->headers);
	core_poke(header + (is_64 ? 52 : 40), 2, b->headers);
	core_poke(header + (is_64 ? 54 : 42), 2, is_64 ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr));
	core_poke(header + (is_64 ? 56 : 44), 2, CORE_LOADS + 1);
}

static inline void
core_put_program_header(struct core_build *b, unsigned index, uint32_t type, uint32_t flags,
			uint64_t offset, uint64_t address, uint64_t in_file, uint64_t in_memory)
{
	bool is_64 = b->word_bytes == 8;
	size_t each = is_64 ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);
	uint8_t *at = b->file.data + b->headers + each * index;
	core_poke(at, 4, type);
	core_poke(at + (is_64 ? 4 : 24), 4, flags);
	core_poke(at + (is_64 ? 8 : 4), b->word_bytes, offset);
	core_poke(at + (is_64 ? 16 : 8), b->word_bytes, address);
	core_poke(at + (is_64 ? 32 : 16), b->word_bytes, in_file);
	core_poke(at + (is_64 ? 40 : 20), b->word_bytes, in_memory);
}

static inline void
core_put_load(struct core_build *b, unsigned index)
{
	const struct core_load *load = &core_loads[index];
	size_t offset = b->file.len;
	if (load->address == CORE_PROGRAM) {
		core_put_image(b, CORE_PROGRAM, 3, 20);
	} else if (load->address == CORE_LIBRARY) {
		b->library = offset;
		core_put_image(b, 0, 2, 16);
	} else if (load->address == CORE_VDSO) {
		core_put_image(b, 0, 1, 20);
	} else if (load->is_there) {
		buf_append_zero(&b->file, CORE_PAGE_BYTES);
		memcpy(b->file.data + offset + CORE_EXEC_NAME - CORE_STACK, "./crasher", 10);
		core_poke(b->file.data + offset + 0x100, 4, CORE_LIBRARY + 0x1111);
	}
	core_put_program_header(b, index + 1, PT_LOAD, load->flags, offset, load->address,
				load->is_there ? CORE_PAGE_BYTES : 0,
				load->pages * CORE_PAGE_BYTES);
}

static inline void
core_build(struct core_build *b, enum arch arch)
{
	*b = (struct core_build){.arch = arch, .word_bytes = arch_pointer_bytes(arch)};
	bool is_64 = b->word_bytes == 8;
	buf_init(&b->file, CORE_BYTES_MAX);
	b->headers = is_64 ? 64 : 52;
	b->notes =
		b->headers + (CORE_LOADS + 1) * (is_64 ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr));
	buf_append_zero(&b->file, b->notes);
	core_put_header(b);
	core_put_status(b, 0);
	core_put_process(b);
	core_put_siginfo(b);
	core_put_auxv(b);
	core_put_files(b);
	(void)core_note(b, "CORE", NT_FPREGSET, 512);
	core_put_status(b, 1);
	(void)core_note(b, "LINUX", NT_X86_XSTATE, 64);
	(void)core_note(b, "OTHER", NT_PRSTATUS, 8);
	b->notes_bytes = b->file.len - b->notes;
	core_put_program_header(b, 0, PT_NOTE, 0, b->notes, 0, b->notes_bytes, 0);
	for (unsigned i = 0; i < CORE_LOADS; i++)
		core_put_load(b, i);
}
