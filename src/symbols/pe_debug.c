/* The debug directory (which PDB belongs to the image) and the load configuration (which code of
 * a hybrid image is ARM64EC).
 */
#include "symbols/pe_internal.h"

enum {
	ENTRY_BYTES = 28,
	KIND_CODEVIEW = 2,
	SIGNATURE_RSDS = 0x53445352,
	SIGNATURE_NB10 = 0x3031424e,
	GUID_BYTES = 16,
	RSDS_BYTES = 24, /* before the name */
	NB10_BYTES = 16,

	LOAD_CONFIG_HYBRID = 0xc8, /* CHPEMetadataPointer, 64 bits */
	HYBRID_VERSION_MOST = 2,
	HYBRID_RANGE_BYTES = 8,
	HYBRID_KIND_MASK = 3,
	HYBRID_KIND_AMD64 = 2
};

static bool
is_zero(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.data[i] != 0)
			return false;
	return true;
}

static err_t
keep_debug_id(struct pe *pe, const char *text)
{
	if (text == NULL)
		return ERR_LIMIT;
	pe->identity.debug_id = slice_str(text);
	return OK;
}

/* An all-zero GUID names no build. */
static err_t
read_rsds(struct pe *pe, struct reader *r)
{
	struct slice guid = slice_sub(r->in, r->at, GUID_BYTES);
	uint32_t a = reader_u32(r);
	uint16_t b = reader_u16(r);
	uint16_t c = reader_u16(r);
	struct slice d = reader_bytes(r, 8);
	uint32_t age = reader_u32(r);
	if (r->error != OK)
		return ERR_CORRUPT;
	if (is_zero(guid))
		return OK;
	return keep_debug_id(pe, arena_printf(&pe->arena,
					      "%08X%04X%04X%02X%02X%02X%02X%02X%02X%02X%02X%x", a,
					      b, c, d.data[0], d.data[1], d.data[2], d.data[3],
					      d.data[4], d.data[5], d.data[6], d.data[7], age));
}

/* PDB 2.0: a time instead of a GUID. */
static err_t
read_nb10(struct pe *pe, struct reader *r)
{
	(void)reader_u32(r);
	uint32_t timestamp = reader_u32(r);
	uint32_t age = reader_u32(r);
	if (r->error != OK)
		return ERR_CORRUPT;
	return keep_debug_id(pe, arena_printf(&pe->arena, "%08X%x", timestamp, age));
}

static err_t
read_codeview(struct pe *pe, struct slice record)
{
	struct reader r;
	reader_init(&r, record);
	uint32_t signature = reader_u32(&r);
	err_t err = OK;
	if (signature == SIGNATURE_RSDS)
		err = read_rsds(pe, &r);
	else if (signature == SIGNATURE_NB10)
		err = read_nb10(pe, &r);
	else
		return OK;
	if (err != OK)
		return err;
	struct slice name = slice_sub(record, r.at, record.len);
	const uint8_t *end = name.len == 0 ? NULL : memchr(name.data, 0, name.len);
	if (end != NULL)
		name.len = (size_t)(end - name.data);
	if (name.len > 0)
		pe->identity.debug_name = name;
	return OK;
}

/* An entry says twice where its data is: in memory, where it need not be, and in the file. */
static err_t
read_debug_entry(struct pe *pe, struct reader *r)
{
	struct slice record;
	(void)reader_bytes(r, 12);
	uint32_t kind = reader_u32(r);
	uint32_t bytes = reader_u32(r);
	uint32_t rva = reader_u32(r);
	uint32_t offset = reader_u32(r);
	if (kind != KIND_CODEVIEW || !slice_is_absent(pe->identity.debug_id))
		return OK;
	if (bytes > LIMIT_PE_NAME_BYTES)
		return ERR_LIMIT;
	if (rva == 0 || !pe_bytes(pe, rva, bytes, &record)) {
		record = slice_sub(pe->image, offset, bytes);
		if (pe->is_mapped || bytes == 0 || record.len < bytes)
			return ERR_CORRUPT;
	}
	return read_codeview(pe, record);
}

err_t
pe_read_debug(struct pe *pe)
{
	struct pe_directory where = pe->directories[PE_DIRECTORY_DEBUG];
	struct slice table;
	struct reader r;
	size_t n = where.bytes / ENTRY_BYTES;
	err_t err = OK;
	if (n == 0)
		return OK;
	if (n > LIMIT_PE_DEBUG_ENTRIES)
		return ERR_LIMIT;
	if (!pe_bytes(pe, where.rva, n * ENTRY_BYTES, &table))
		return ERR_CORRUPT;
	reader_init(&r, table);
	for (size_t i = 0; i < n && err == OK; i++)
		err = read_debug_entry(pe, &r);
	return err;
}

/* The pointer to the description of hybrid code is an address, not an RVA. */
static err_t
hybrid_rva(const struct pe *pe, uint64_t *ret_rva)
{
	struct pe_directory where = pe->directories[PE_DIRECTORY_LOAD_CONFIG];
	uint32_t bytes;
	uint32_t low;
	uint32_t high;
	if (where.bytes == 0 || pe->identity.arch == ARCH_X86 || pe->identity.arch == ARCH_ARM)
		return ERR_NOTFOUND;
	if (!pe_u32(pe, where.rva, &bytes))
		return ERR_CORRUPT;
	if (bytes < LOAD_CONFIG_HYBRID + 8)
		return ERR_NOTFOUND;
	if (!pe_u32(pe, (uint64_t)where.rva + LOAD_CONFIG_HYBRID, &low) ||
	    !pe_u32(pe, (uint64_t)where.rva + LOAD_CONFIG_HYBRID + 4, &high))
		return ERR_CORRUPT;
	uint64_t address = (uint64_t)high << 32 | low;
	if (address == 0)
		return ERR_NOTFOUND;
	if (address < pe->identity.preferred_base)
		return ERR_CORRUPT;
	*ret_rva = address - pe->identity.preferred_base;
	return OK;
}

/* IMAGE_ARM64EC_METADATA of winnt.h: version, then place and length of the list of ranges. */
err_t
pe_read_hybrid(struct pe *pe)
{
	uint64_t rva;
	uint32_t version;
	uint32_t ranges;
	uint32_t n;
	err_t err = hybrid_rva(pe, &rva);
	if (err != OK)
		return err == ERR_NOTFOUND ? OK : err;
	if (!pe_u32(pe, rva, &version) || !pe_u32(pe, rva + 4, &ranges) || !pe_u32(pe, rva + 8, &n))
		return ERR_CORRUPT;
	pe->identity.is_arm64ec = true;
	if (version == 0 || version > HYBRID_VERSION_MOST)
		return ERR_UNSUPPORTED;
	if (n > LIMIT_PE_HYBRID_RANGES)
		return ERR_LIMIT;
	if (n > 0 && !pe_bytes(pe, ranges, (size_t)n * HYBRID_RANGE_BYTES, &pe->hybrid_ranges))
		return ERR_CORRUPT;
	return OK;
}

/* In an image whose header says amd64 the function table is of amd64 code only.  Where the list
 * of ranges is broken nothing of a hybrid image can be told apart. */
bool
pe_is_hybrid_code(const struct pe *pe, uint64_t rva)
{
	if (!pe->identity.is_arm64ec || pe->identity.arch != ARCH_AMD64)
		return false;
	for (size_t i = 0; i < pe->hybrid_ranges.len / HYBRID_RANGE_BYTES; i++) {
		uint32_t start = pe_u32_of(pe->hybrid_ranges, 2 * i);
		uint32_t kind = start & HYBRID_KIND_MASK;
		start -= kind;
		if (rva >= start && rva - start < pe_u32_of(pe->hybrid_ranges, 2 * i + 1))
			return kind != HYBRID_KIND_AMD64;
	}
	return (pe->identity.broken & PE_HYBRID) != 0;
}
