/* Headers and sections of an image, and the way from an RVA to bytes.
 *
 *     DOS header -> PE signature, COFF header -> optional header, directories -> section table
 *
 * In a file an RVA is found by its section; in memory it is the offset itself.  Each directory
 * is read by a function of its own when the image is opened (the table `parts`), and one that
 * fails is noted and costs no more than itself.
 */
#include "symbols/pe_internal.h"

#include <stdlib.h>

enum {
	DOS_SIGNATURE = 0x5a4d, /* "MZ" */
	DOS_NEW_HEADER = 0x3c,
	PE_SIGNATURE = 0x4550, /* "PE\0\0" */
	COFF_HEADER_BYTES = 20,
	OPTIONAL_MAGIC_32 = 0x10b,
	OPTIONAL_MAGIC_64 = 0x20b,
	OPTIONAL_LEAST_32 = 96, /* with the number of directories */
	OPTIONAL_LEAST_64 = 112,
	SECTION_HEADER_BYTES = 40,
	SECTION_NAME_BYTES = 8,
	CHARACTERISTICS_DLL = 0x2000,
	SECTOR_BYTES = 512 /* the loader rounds places in the file down to it */
};

struct coff_header {
	uint16_t n_sections;
	uint16_t optional_bytes;
};

static const struct {
	uint16_t machine;
	enum arch arch;
} machines[] = {
	{PE_MACHINE_X86, ARCH_X86},     {PE_MACHINE_AMD64, ARCH_AMD64},
	{PE_MACHINE_ARM64, ARCH_ARM64}, {PE_MACHINE_ARMNT, ARCH_ARM},
	{PE_MACHINE_THUMB, ARCH_ARM},   {PE_MACHINE_ARM, ARCH_ARM},
};

static enum arch
arch_of(uint16_t machine)
{
	for (size_t i = 0; i < sizeof(machines) / sizeof(machines[0]); i++)
		if (machines[i].machine == machine)
			return machines[i].arch;
	return ARCH_UNKNOWN;
}

static err_t
read_coff_header(struct pe *pe, struct reader *r, struct coff_header *ret_header,
		 struct err_detail *detail)
{
	if (reader_u16(r) != DOS_SIGNATURE || r->error != OK)
		return err_set(detail, ERR_UNSUPPORTED, "no DOS header");
	(void)reader_bytes(r, DOS_NEW_HEADER - 2);
	uint32_t at = reader_u32(r);
	if (r->error != OK || at > pe->image.len)
		return err_set(detail, ERR_UNSUPPORTED, "a DOS program: no PE header at 0x%x", at);
	r->at = at;
	if (reader_u32(r) != PE_SIGNATURE)
		return err_set(detail, ERR_UNSUPPORTED, "no PE signature at 0x%x", at);
	pe->identity.machine = reader_u16(r);
	ret_header->n_sections = reader_u16(r);
	pe->identity.timestamp = reader_u32(r);
	(void)reader_bytes(r, 8); /* the symbol table of object files */
	ret_header->optional_bytes = reader_u16(r);
	pe->identity.is_dll = (reader_u16(r) & CHARACTERISTICS_DLL) != 0;
	if (r->error != OK)
		return err_set(detail, r->error, "the PE header ends early");
	pe->identity.arch = arch_of(pe->identity.machine);
	if (pe->identity.arch == ARCH_UNKNOWN)
		return err_set(detail, ERR_UNSUPPORTED, "machine 0x%x", pe->identity.machine);
	return OK;
}

static void
read_directories(struct pe *pe, struct reader *r)
{
	uint32_t n = reader_u32(r);
	for (uint32_t i = 0; i < n && i < PE_DIRECTORIES && reader_left(r) >= 8; i++) {
		pe->directories[i].rva = reader_u32(r);
		pe->directories[i].bytes = reader_u32(r);
	}
}

/* [PE Format] "Optional Header": PE32 has 32-bit addresses and one field more. */
static err_t
read_optional_header(struct pe *pe, struct slice header, struct err_detail *detail)
{
	struct reader r;
	reader_init(&r, header);
	uint16_t magic = reader_u16(&r);
	bool is_64 = magic == OPTIONAL_MAGIC_64;
	if (magic != OPTIONAL_MAGIC_32 && !is_64)
		return err_set(detail, ERR_UNSUPPORTED, "optional header of kind 0x%x", magic);
	if (header.len < (is_64 ? (size_t)OPTIONAL_LEAST_64 : (size_t)OPTIONAL_LEAST_32))
		return err_set(detail, ERR_CORRUPT, "optional header of %zu bytes", header.len);
	if (is_64 != (arch_pointer_bytes(pe->identity.arch) == 8))
		return err_set(detail, ERR_CORRUPT, "machine and optional header contradict");
	(void)reader_bytes(&r, 14);
	pe->identity.is_64 = is_64;
	pe->identity.entry_rva = reader_u32(&r);
	(void)reader_bytes(&r, is_64 ? 4 : 8);
	pe->identity.preferred_base = is_64 ? reader_u64(&r) : reader_u32(&r);
	(void)reader_bytes(&r, 24);
	pe->identity.image_bytes = reader_u32(&r);
	pe->header_bytes = reader_u32(&r);
	pe->identity.checksum = reader_u32(&r);
	(void)reader_bytes(&r, is_64 ? 40 : 24);
	read_directories(pe, &r);
	return OK;
}

static struct slice
section_name(struct slice raw)
{
	const uint8_t *end = memchr(raw.data, 0, raw.len);
	return end == NULL ? raw : slice_sub(raw, 0, (size_t)(end - raw.data));
}

static void
read_section(struct reader *r, struct pe_section *section)
{
	section->name = section_name(reader_bytes(r, SECTION_NAME_BYTES));
	section->bytes = reader_u32(r);
	section->rva = reader_u32(r);
	section->file_bytes = reader_u32(r);
	section->file_offset = reader_u32(r);
	(void)reader_bytes(r, 12);
	section->flags = reader_u32(r);
	if (section->bytes == 0)
		section->bytes = section->file_bytes;
	if (section->file_bytes > section->bytes)
		section->file_bytes = section->bytes;
	/* Images for drivers are aligned to less than a sector and laid out as in memory. */
	if (section->file_offset != section->rva)
		section->file_offset -= section->file_offset % SECTOR_BYTES;
}

static err_t
read_sections(struct pe *pe, struct reader *r, size_t n, struct err_detail *detail)
{
	if (n > LIMIT_PE_SECTIONS)
		return err_set(detail, ERR_LIMIT, "%zu sections", n);
	pe->sections = arena_array(&pe->arena, n, sizeof(*pe->sections));
	if (pe->sections == NULL)
		return err_set(detail, ERR_LIMIT, "%zu sections", n);
	for (size_t i = 0; i < n; i++)
		read_section(r, &pe->sections[i]);
	if (r->error != OK)
		return err_set(detail, r->error, "the section table ends early");
	pe->n_sections = n;
	return OK;
}

static err_t
read_headers(struct pe *pe, struct err_detail *detail)
{
	struct reader r;
	struct coff_header header = {0};
	reader_init(&r, pe->image);
	err_t err = read_coff_header(pe, &r, &header, detail);
	if (err == OK) {
		struct slice optional = reader_bytes(&r, header.optional_bytes);
		err = r.error != OK ? err_set(detail, r.error, "the optional header ends early")
				    : read_optional_header(pe, optional, detail);
	}
	if (err == OK)
		err = read_sections(pe, &r, header.n_sections, detail);
	if (err != OK && r.error != OK && detail != NULL)
		detail->offset = r.error_offset;
	return err;
}

static err_t
read_code_id(struct pe *pe)
{
	char *text = arena_printf(&pe->arena, "%08X%x", pe->identity.timestamp,
				  pe->identity.image_bytes);
	pe->identity.code_id = slice_str(text);
	return text == NULL ? ERR_LIMIT : OK;
}

/* A table that the directory names: all of it must be there, as must whole entries. */
static err_t
read_table(const struct pe *pe, unsigned directory, size_t each_bytes, struct slice *ret_table)
{
	struct pe_directory where = pe->directories[directory];
	struct slice table;
	if (where.bytes == 0)
		return OK;
	if (!pe_bytes(pe, where.rva, where.bytes - where.bytes % each_bytes, &table))
		return ERR_CORRUPT;
	*ret_table = table;
	return OK;
}

static err_t
read_functions(struct pe *pe)
{
	if (pe->identity.arch == ARCH_AMD64)
		return read_table(pe, PE_DIRECTORY_UNWIND, PE_AMD64_FUNCTION_BYTES, &pe->functions);
	if (pe->identity.arch == ARCH_ARM64)
		return read_table(pe, PE_DIRECTORY_UNWIND, PE_ARM64_FUNCTION_BYTES, &pe->functions);
	return OK;
}

static err_t
read_relocations(struct pe *pe)
{
	return read_table(pe, PE_DIRECTORY_RELOCATIONS, 1, &pe->relocations);
}

static const struct {
	enum pe_part part;
	err_t (*read)(struct pe *pe);
} parts[] = {
	{PE_EXPORTS, pe_read_exports},      {PE_UNWIND, read_functions},
	{PE_DEBUG, pe_read_debug},          {PE_VERSION, pe_read_version},
	{PE_RELOCATIONS, read_relocations}, {PE_HYBRID, pe_read_hybrid},
};

static err_t
read_image(struct pe *pe, struct err_detail *detail)
{
	err_t err = read_headers(pe, detail);
	if (err == OK && read_code_id(pe) != OK)
		err = err_set(detail, ERR_LIMIT, "out of room");
	for (size_t i = 0; err == OK && i < sizeof(parts) / sizeof(parts[0]); i++)
		if (parts[i].read(pe) != OK)
			pe->identity.broken |= parts[i].part;
	return err;
}

static void
pe_free(struct symbols *symbols)
{
	struct pe *pe = (struct pe *)symbols;
	arena_done(&pe->arena);
	free(pe);
}

static const struct symbols_methods pe_methods = {
	.format = "pe",
	.free = pe_free,
	.find = pe_find,
	.unwind = pe_unwind,
};

static err_t
open_image(struct slice image, bool is_mapped, struct symbols **ret_symbols,
	   struct err_detail *detail)
{
	struct pe *pe = calloc(1, sizeof(*pe));
	if (pe == NULL)
		abort();
	pe->symbols.methods = &pe_methods;
	pe->image = image;
	pe->is_mapped = is_mapped;
	arena_init(&pe->arena, LIMIT_PE_ARENA_BYTES);
	err_t err = read_image(pe, detail);
	if (err == OK)
		*ret_symbols = &pe->symbols;
	else
		pe_free(&pe->symbols);
	return err;
}

err_t
pe_open(struct slice file, struct symbols **ret_symbols, struct err_detail *detail)
{
	return open_image(file, false, ret_symbols, detail);
}

err_t
pe_open_mapped(struct slice image, struct symbols **ret_symbols, struct err_detail *detail)
{
	return open_image(image, true, ret_symbols, detail);
}

const struct pe *
pe_of(const struct symbols *symbols)
{
	return symbols->methods == &pe_methods ? (const struct pe *)symbols : NULL;
}

const struct pe_identity *
pe_identity(const struct pe *pe)
{
	return &pe->identity;
}

size_t
pe_n_sections(const struct pe *pe)
{
	return pe->n_sections;
}

const struct pe_section *
pe_section(const struct pe *pe, size_t index)
{
	return index < pe->n_sections ? &pe->sections[index] : NULL;
}

const struct pe_section *
pe_section_of(const struct pe *pe, uint64_t rva)
{
	for (size_t i = 0; i < pe->n_sections; i++) {
		const struct pe_section *section = &pe->sections[i];
		if (rva >= section->rva && rva - section->rva < section->bytes)
			return section;
	}
	return NULL;
}

bool
pe_is_code(const struct pe *pe, uint64_t rva)
{
	const struct pe_section *section = pe_section_of(pe, rva);
	return section != NULL && (section->flags & PE_SECTION_EXECUTABLE) != 0;
}

struct slice
pe_read(const struct pe *pe, uint64_t rva, size_t len)
{
	const struct pe_section *section = pe_section_of(pe, rva);
	struct slice bytes = {0};
	if (pe->is_mapped)
		bytes = rva < pe->image.len ? slice_sub(pe->image, rva, len) : bytes;
	else if (section != NULL && rva - section->rva < section->file_bytes)
		bytes = slice_sub(slice_sub(pe->image, section->file_offset, section->file_bytes),
				  rva - section->rva, len);
	else if (section == NULL && rva < pe->header_bytes)
		bytes = slice_sub(slice_sub(pe->image, 0, pe->header_bytes), rva, len);
	return bytes.len == 0 ? (struct slice){0} : bytes;
}

bool
pe_bytes(const struct pe *pe, uint64_t rva, size_t len, struct slice *ret_bytes)
{
	struct slice bytes = pe_read(pe, rva, len);
	if (slice_is_absent(bytes) || bytes.len < len)
		return false;
	*ret_bytes = bytes;
	return true;
}

uint32_t
pe_u32_of(struct slice s, size_t index)
{
	struct reader r;
	reader_init(&r, slice_sub(s, index * 4, 4));
	return reader_u32(&r);
}

bool
pe_u32(const struct pe *pe, uint64_t rva, uint32_t *ret_value)
{
	struct slice bytes;
	if (!pe_bytes(pe, rva, 4, &bytes))
		return false;
	*ret_value = pe_u32_of(bytes, 0);
	return true;
}

bool
pe_text(const struct pe *pe, uint64_t rva, struct slice *ret_text)
{
	struct slice bytes = pe_read(pe, rva, LIMIT_PE_NAME_BYTES);
	const uint8_t *end = bytes.len == 0 ? NULL : memchr(bytes.data, 0, bytes.len);
	if (end == NULL)
		return false;
	*ret_text = slice_sub(bytes, 0, (size_t)(end - bytes.data));
	return true;
}

bool
pe_function_before(const struct pe *pe, size_t each_bytes, uint64_t rva, size_t *ret_index)
{
	size_t low = 0;
	size_t high = pe->functions.len / each_bytes;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (pe_u32_of(slice_sub(pe->functions, middle * each_bytes, 4), 0) <= rva)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == 0)
		return false;
	*ret_index = low - 1;
	return true;
}

err_t
pe_unwind(const struct symbols *symbols, struct unwind *unwind)
{
	const struct pe *pe = (const struct pe *)symbols;
	if (unwind->callee.arch != pe->identity.arch || !pe_is_code(pe, unwind->rva))
		return ERR_NOTFOUND;
	if ((pe->identity.broken & PE_UNWIND) != 0)
		return ERR_CORRUPT;
	if (slice_is_absent(pe->functions) || pe_is_hybrid_code(pe, unwind->rva))
		return ERR_NOTFOUND;
	return pe->identity.arch == ARCH_AMD64 ? pe_unwind_amd64(pe, unwind)
					       : pe_unwind_arm64(pe, unwind);
}
