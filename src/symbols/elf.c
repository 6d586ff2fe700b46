/* Who an ELF file is, and the way from a look-up to what answers it. */
#include "symbols/elf_internal.h"

#include <elfutils/libdwelf.h>
#include <stdlib.h>
#include <string.h>

#include "base/reader.h"
#include "base/text.h"

enum {
	PAGE_BYTES = 4096,
	DEBUG_ID_BYTES = 16,
	OLD_PACKED_HEADER = 12, /* "ZLIB", bytes as 64 bits with the highest first */
	HEX_BYTES_MOST = 1024
};

static const struct {
	uint16_t machine;
	enum arch arch;
	bool is_64;
} machines[] = {
	{EM_386, ARCH_X86, false},
	{EM_X86_64, ARCH_AMD64, true},
	{EM_ARM, ARCH_ARM, false},
	{EM_AARCH64, ARCH_ARM64, true},
};

Elf *
elf_of_bytes(struct slice bytes)
{
	return elf_memory((char *)(uintptr_t)bytes.data, bytes.len);
}

Elf_Scn *
elf_section(Elf *elf, const char *name, GElf_Shdr *ret_header)
{
	size_t names;
	Elf_Scn *section = NULL;
	if (elf_getshdrstrndx(elf, &names) != 0)
		return NULL;
	while ((section = elf_nextscn(elf, section)) != NULL) {
		GElf_Shdr header;
		if (gelf_getshdr(section, &header) == NULL || header.sh_type == SHT_NOBITS)
			continue;
		const char *here = elf_strptr(elf, names, header.sh_name);
		if (here == NULL || strcmp(here, name) != 0)
			continue;
		*ret_header = header;
		return section;
	}
	return NULL;
}

static err_t
check_kind(struct elf *elf, struct err_detail *detail)
{
	GElf_Ehdr header;
	if (elf_kind(elf->elf) != ELF_K_ELF || gelf_getehdr(elf->elf, &header) == NULL)
		return err_set(detail, ERR_UNSUPPORTED, "no ELF file");
	if (header.e_ident[EI_DATA] != ELFDATA2LSB)
		return err_set(detail, ERR_UNSUPPORTED, "not little-endian");
	if (header.e_type != ET_EXEC && header.e_type != ET_DYN)
		return err_set(detail, ERR_UNSUPPORTED, "ELF file of kind %u", header.e_type);
	elf->identity.is_64 = header.e_ident[EI_CLASS] == ELFCLASS64;
	for (size_t i = 0; i < sizeof(machines) / sizeof(machines[0]); i++)
		if (machines[i].machine == header.e_machine &&
		    machines[i].is_64 == elf->identity.is_64)
			elf->identity.arch = machines[i].arch;
	if (elf->identity.arch == ARCH_UNKNOWN)
		return err_set(detail, ERR_UNSUPPORTED, "machine %u", header.e_machine);
	return OK;
}

static err_t
keep_segment(struct elf *elf, const GElf_Phdr *segment, bool is_first)
{
	struct elf_identity *id = &elf->identity;
	uint64_t end = segment->p_vaddr + segment->p_memsz;
	if (end < segment->p_vaddr)
		return ERR_CORRUPT;
	if (is_first)
		id->base = segment->p_vaddr - segment->p_vaddr % PAGE_BYTES;
	if (end > id->base && end - id->base > id->image_bytes)
		id->image_bytes = end - id->base;
	if ((segment->p_flags & PF_X) == 0)
		return OK;
	if (elf->n_code == ELF_CODE_SEGMENTS_MOST)
		return ERR_LIMIT;
	elf->code[elf->n_code++] = (struct elf_range){segment->p_vaddr, end, 0};
	return OK;
}

/* The page of the first segment is where a dump says that the module is. */
static err_t
read_segments(struct elf *elf, struct err_detail *detail)
{
	size_t n;
	bool has_one = false;
	if (elf_getphdrnum(elf->elf, &n) != 0)
		return err_set(detail, ERR_CORRUPT, "program headers outside of the file");
	for (size_t i = 0; i < n; i++) {
		GElf_Phdr segment;
		if (gelf_getphdr(elf->elf, (int)i, &segment) == NULL)
			return err_set(detail, ERR_CORRUPT, "program header %zu", i);
		if (segment.p_type == PT_GNU_EH_FRAME && segment.p_filesz > 0)
			elf->has_eh_frame = true;
		if (segment.p_type != PT_LOAD)
			continue;
		err_t err = keep_segment(elf, &segment, !has_one);
		if (err != OK)
			return err_set(detail, err, "segment %zu", i);
		has_one = true;
	}
	return has_one ? OK : err_set(detail, ERR_CORRUPT, "no segment is loaded");
}

bool
elf_is_code(const struct elf *elf, uint64_t address)
{
	for (size_t i = 0; i < elf->n_code; i++)
		if (address >= elf->code[i].start && address < elf->code[i].end)
			return true;
	return false;
}

/* The bytes that libdw will make of a section, at least 1; 0 when it is not packed. */
static uint64_t
inflated_bytes(const struct elf *elf, const GElf_Shdr *header, Elf_Scn *section, const char *name)
{
	GElf_Chdr packed;
	uint64_t bytes = 0;
	if ((header->sh_flags & SHF_COMPRESSED) != 0) {
		if (gelf_getchdr(section, &packed) != NULL)
			bytes = packed.ch_size;
	} else if (name != NULL && strncmp(name, ".zdebug", 7) == 0) {
		struct slice head = slice_sub(elf->file, header->sh_offset, OLD_PACKED_HEADER);
		for (size_t i = 4; i < head.len; i++)
			bytes = bytes << 8 | head.data[i];
	} else {
		return 0;
	}
	return bytes == 0 ? 1 : bytes;
}

static void
note_part(struct elf *elf, const char *name)
{
	static const struct {
		const char *name;
		enum elf_part part;
	} parts[] = {
		{".symtab", ELF_SYMBOLS},          {".dynsym", ELF_SYMBOLS},
		{".gnu_debugdata", ELF_MINIDEBUG}, {".debug_info", ELF_DWARF},
		{".zdebug_info", ELF_DWARF},       {".debug_line", ELF_LINES},
		{".zdebug_line", ELF_LINES},       {".eh_frame", ELF_CALL_FRAMES},
		{".debug_frame", ELF_CALL_FRAMES}, {".zdebug_frame", ELF_CALL_FRAMES},
	};
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (strcmp(parts[i].name, name) == 0)
			elf->identity.parts |= parts[i].part;
}

/* A stripped file may have no sections at all; a file of separate debug information has none of
 * .eh_frame but its name. */
static err_t
read_sections(struct elf *elf, uint64_t *ret_inflated, struct err_detail *detail)
{
	size_t n;
	size_t names;
	uint64_t inflated = 0;
	Elf_Scn *section = NULL;
	if (elf_getshdrnum(elf->elf, &n) != 0)
		return err_set(detail, ERR_CORRUPT, "section headers outside of the file");
	if (n > LIMIT_ELF_SECTIONS)
		return err_set(detail, ERR_LIMIT, "%zu sections", n);
	*ret_inflated = 0;
	if (n == 0 || elf_getshdrstrndx(elf->elf, &names) != 0) {
		elf->identity.parts = elf->has_eh_frame ? ELF_CALL_FRAMES : 0;
		return OK;
	}
	elf->has_eh_frame = false;
	while ((section = elf_nextscn(elf->elf, section)) != NULL) {
		GElf_Shdr header;
		if (gelf_getshdr(section, &header) == NULL || header.sh_type == SHT_NOBITS)
			continue;
		const char *name = elf_strptr(elf->elf, names, header.sh_name);
		uint64_t bytes = inflated_bytes(elf, &header, section, name);
		if (name != NULL)
			note_part(elf, name);
		if (name != NULL && strcmp(name, ".eh_frame") == 0)
			elf->has_eh_frame = true;
		if (bytes > LIMIT_ELF_INFLATED_BYTES ||
		    (inflated += bytes) > LIMIT_ELF_INFLATED_BYTES)
			return err_set(detail, ERR_LIMIT, "sections inflate to %llu bytes",
				       (unsigned long long)(inflated > bytes ? inflated : bytes));
	}
	*ret_inflated = inflated;
	return OK;
}

/* When libelf unpacks a section it changes the section's header where the file has it. */
static err_t
copy_file(struct elf *elf)
{
	elf->copy = malloc(elf->file.len);
	if (elf->copy == NULL)
		abort();
	memcpy(elf->copy, elf->file.data, elf->file.len);
	elf->file.data = elf->copy;
	(void)elf_end(elf->elf);
	elf->elf = elf_of_bytes(elf->file);
	return elf->elf == NULL ? ERR_INTERNAL : OK;
}

/* As writers of dumps do for a file without build id: 16 bytes, folded from a page of code. */
static bool
fold_code(const struct elf *elf, uint8_t id[DEBUG_ID_BYTES])
{
	GElf_Shdr header;
	if (elf_section(elf->elf, ".text", &header) == NULL)
		return false;
	struct slice code = slice_sub(elf->file, header.sh_offset, header.sh_size);
	code = slice_sub(code, 0, PAGE_BYTES);
	memset(id, 0, DEBUG_ID_BYTES);
	for (size_t i = 0; i < code.len / DEBUG_ID_BYTES * DEBUG_ID_BYTES; i++)
		id[i % DEBUG_ID_BYTES] ^= code.data[i];
	return code.len >= DEBUG_ID_BYTES;
}

/* The first three numbers of a GUID are little-endian. */
static err_t
keep_debug_id(struct elf *elf, const uint8_t id[DEBUG_ID_BYTES])
{
	char *text = arena_printf(
		&elf->arena, "%02X%02X%02X%02X%02X%02X%02X%02X%02X%02X%02X%02X%02X%02X%02X%02X0",
		id[3], id[2], id[1], id[0], id[5], id[4], id[7], id[6], id[8], id[9], id[10],
		id[11], id[12], id[13], id[14], id[15]);
	elf->identity.debug_id = slice_str(text);
	return text == NULL ? ERR_LIMIT : OK;
}

static err_t
keep_build_id(struct elf *elf, struct slice build_id)
{
	uint8_t id[DEBUG_ID_BYTES] = {0};
	struct buf hex;
	buf_init(&hex, HEX_BYTES_MOST);
	text_hex(build_id, &hex);
	elf->identity.build_id = build_id;
	elf->identity.code_id = slice_dup(&elf->arena, buf_slice(&hex));
	buf_done(&hex);
	memcpy(id, build_id.data, build_id.len < sizeof(id) ? build_id.len : sizeof(id));
	return keep_debug_id(elf, id);
}

static err_t
read_ids(struct elf *elf)
{
	const void *build_id;
	uint8_t folded[DEBUG_ID_BYTES];
	GElf_Word crc;
	ssize_t bytes = dwelf_elf_gnu_build_id(elf->elf, &build_id);
	const char *link = dwelf_elf_gnu_debuglink(elf->elf, &crc);
	if (link != NULL) {
		elf->identity.debug_link = slice_str(link);
		elf->identity.debug_link_crc = crc;
	}
	if (bytes > 0 && bytes < HEX_BYTES_MOST / 2)
		return keep_build_id(elf, slice_of(build_id, (size_t)bytes));
	return fold_code(elf, folded) ? keep_debug_id(elf, folded) : OK;
}

static err_t
read_file(struct elf *elf, struct err_detail *detail)
{
	uint64_t inflated = 0;
	(void)elf_version(EV_CURRENT);
	elf->elf = elf_of_bytes(elf->file);
	if (elf->elf == NULL)
		return err_set(detail, ERR_UNSUPPORTED, "no ELF file");
	err_t err = check_kind(elf, detail);
	if (err == OK)
		err = read_segments(elf, detail);
	if (err == OK)
		err = read_sections(elf, &inflated, detail);
	if (err == OK && inflated > 0)
		err = copy_file(elf);
	if (err == OK && read_ids(elf) != OK)
		err = err_set(detail, ERR_LIMIT, "out of room");
	return err;
}

static void
elf_free(struct symbols *symbols)
{
	struct elf *elf = (struct elf *)symbols;
	if (elf->call_frames.eh != NULL)
		(void)dwarf_cfi_end(elf->call_frames.eh);
	elf_free_dwarf(elf);
	elf_free_names(elf);
	(void)elf_end(elf->elf);
	arena_done(&elf->arena);
	free(elf->copy);
	free(elf);
}

/* Functions without DWARF, as those in assembler, have their name from the symbol table.  So has
 * a function of C++ that DWARF names without its class: the symbol says all. */
static void
add_name(struct elf *elf, uint64_t address, struct symbol *symbol)
{
	const struct elf_symbol *name;
	struct symbol_place *outer = &symbol->places[symbol->n_places - 1];
	if (elf_find_name(elf, address, &name) != OK)
		return;
	bool is_absent = slice_is_absent(outer->function);
	bool is_decorated = strncmp(name->name, "_Z", 2) == 0 || strncmp(name->name, "_R", 2) == 0;
	bool is_same = name->start == symbol->function_rva;
	if (!is_absent && !(is_same && is_decorated))
		return;
	outer->function = slice_str(name->name);
	if (is_absent) {
		symbol->function_rva = name->start;
		symbol->is_public = !name->has_size;
	}
}

static err_t
find_in_names(struct elf *elf, uint64_t address, struct symbol *ret_symbol)
{
	const struct elf_symbol *name;
	err_t err = elf_find_name(elf, address, &name);
	if (err != OK)
		return err;
	*ret_symbol = (struct symbol){
		.n_places = 1,
		.function_rva = name->start,
		.is_public = !name->has_size,
	};
	ret_symbol->places[0].function = slice_str(name->name);
	return OK;
}

static err_t
elf_find(const struct symbols *symbols, uint64_t rva, struct symbol *ret_symbol)
{
	struct elf *elf = (struct elf *)(uintptr_t)symbols;
	struct symbol symbol;
	uint64_t address = elf->identity.base + rva;
	if (rva >= elf->identity.image_bytes)
		return ERR_NOTFOUND;
	err_t err = elf_find_places(elf, address, &symbol);
	if (err == OK) {
		add_name(elf, address, &symbol);
	} else {
		err_t err_of_names = find_in_names(elf, address, &symbol);
		if (err_of_names != OK)
			return err == ERR_NOTFOUND ? err_of_names : err;
	}
	if (slice_is_absent(symbol.places[symbol.n_places - 1].function))
		return ERR_NOTFOUND;
	symbol.function_rva -= elf->identity.base;
	*ret_symbol = symbol;
	return OK;
}

static const struct symbols_methods elf_methods = {
	.format = "elf",
	.free = elf_free,
	.find = elf_find,
	.unwind = elf_unwind,
};

err_t
elf_open(struct slice file, struct symbols **ret_symbols, struct err_detail *detail)
{
	struct elf *elf = calloc(1, sizeof(*elf));
	if (elf == NULL)
		abort();
	elf->symbols.methods = &elf_methods;
	elf->file = file;
	arena_init(&elf->arena, LIMIT_ELF_ARENA_BYTES);
	err_t err = read_file(elf, detail);
	if (err == OK)
		*ret_symbols = &elf->symbols;
	else
		elf_free(&elf->symbols);
	return err;
}

const struct elf *
elf_of(const struct symbols *symbols)
{
	return symbols->methods == &elf_methods ? (const struct elf *)symbols : NULL;
}

const struct elf_identity *
elf_identity(const struct elf *elf)
{
	return &elf->identity;
}
