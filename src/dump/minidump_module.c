/* Modules: who they are (name, version, debug id) and where they lay. */
#include "dump/minidump_reader.h"

#include <inttypes.h>

#include "base/text.h"

enum {
	GUID_BYTES = 16,
	DEBUG_ID_BYTES = 48
};

/* ---- debug ids ----
 *
 * A GUID is printed as three little-endian numbers and eight bytes, in upper case without
 * hyphens, and the age in hex behind it: the key under which symbol servers and Breakpad keep a
 * module's symbols.  A GUID of zeros is what a program without one gets: it names nothing. */

static bool
is_zero(struct slice bytes)
{
	for (size_t i = 0; i < bytes.len; i++)
		if (bytes.data[i] != 0)
			return false;
	return true;
}

static struct slice
format_debug_id(struct minidump *m, const uint8_t guid[GUID_BYTES], uint32_t age)
{
	static const uint8_t order[GUID_BYTES] = {3, 2, 1,  0,  5,  4,  7,  6,
						  8, 9, 10, 11, 12, 13, 14, 15};
	char text[DEBUG_ID_BYTES];
	size_t at = 0;
	for (size_t i = 0; i < GUID_BYTES; i++) {
		static const char digits[] = "0123456789ABCDEF";
		text[at++] = digits[guid[order[i]] >> 4];
		text[at++] = digits[guid[order[i]] & 0xf];
	}
	text[at] = 0;
	return minidump_printf(m, "%s%x", text, age);
}

static struct slice
format_hex(struct minidump *m, struct slice bytes)
{
	buf_reset(&m->scratch);
	text_hex(bytes, &m->scratch);
	return minidump_keep(m);
}

static bool
is_elf(enum dump_os os)
{
	return os == DUMP_OS_LINUX || os == DUMP_OS_ANDROID || os == DUMP_OS_SOLARIS;
}

static bool
is_mach(enum dump_os os)
{
	return os == DUMP_OS_MACOS || os == DUMP_OS_IOS;
}

/* RSDS: GUID, age, name of the PDB.  Off Windows the GUID is the Mach-O's UUID, byte by byte in
 * the order in which it is printed elsewhere, or (older Breakpad) an ELF build id's first bytes. */
static void
take_rsds(struct minidump *m, struct reader *r, struct dump_module *module)
{
	struct slice guid = reader_bytes(r, GUID_BYTES);
	uint32_t age = reader_u32(r);
	if (r->error != OK) {
		minidump_fault(m, r->error);
		return;
	}
	module->debug_name =
		minidump_utf8(m, slice_sub(r->in, r->at, SIZE_MAX), LIMIT_MINIDUMP_NAME_BYTES);
	if (is_zero(guid))
		return;
	module->debug_id = format_debug_id(m, guid.data, age);
	if (is_elf(m->dump->os) && age == 0)
		module->build_id = guid;
	if (is_mach(m->dump->os)) {
		buf_reset(&m->scratch);
		text_fold(slice_sub(module->debug_id, 0, (size_t)2 * GUID_BYTES), &m->scratch);
		module->code_id = minidump_keep(m);
	}
}

/* NB10: offset (0), time stamp, age, name: of Visual C++ 6. */
static void
take_nb10(struct minidump *m, struct reader *r, struct dump_module *module)
{
	(void)reader_u32(r);
	uint32_t timestamp = reader_u32(r);
	uint32_t age = reader_u32(r);
	if (r->error != OK) {
		minidump_fault(m, r->error);
		return;
	}
	module->debug_name =
		minidump_utf8(m, slice_sub(r->in, r->at, SIZE_MAX), LIMIT_MINIDUMP_NAME_BYTES);
	module->debug_id = minidump_printf(m, "%08X%x", timestamp, age);
}

/* An ELF build id of any length.  Breakpad's debug id is its first 16 bytes as a GUID. */
static void
take_elf(struct minidump *m, struct reader *r, struct dump_module *module)
{
	uint8_t guid[GUID_BYTES] = {0};
	struct slice id = slice_sub(r->in, r->at, SIZE_MAX);
	if (id.len == 0 || id.len > LIMIT_MINIDUMP_NAME_BYTES || is_zero(id))
		return;
	memcpy(guid, id.data, id.len < GUID_BYTES ? id.len : GUID_BYTES);
	module->build_id = id;
	module->code_id = format_hex(m, id);
	module->debug_id = format_debug_id(m, guid, 0);
}

static void
take_codeview(struct minidump *m, struct minidump_location location, struct dump_module *module)
{
	struct reader r;
	/* Writers that found no record leave one of the two 0. */
	if (location.bytes == 0 || location.rva == 0)
		return;
	reader_init(&r, minidump_bytes(m, location));
	switch (reader_u32(&r)) {
	case MINIDUMP_CODEVIEW_RSDS:
		take_rsds(m, &r, module);
		break;
	case MINIDUMP_CODEVIEW_NB10:
		take_nb10(m, &r, module);
		break;
	case MINIDUMP_CODEVIEW_ELF:
		take_elf(m, &r, module);
		break;
	default:
		minidump_oddity(m, "module at 0x%" PRIx64 ": an unknown kind of debug record",
				module->base);
	}
}

/* IMAGE_DEBUG_MISC: type, length, whether it is UTF-16, then the name of a .dbg file. */
static void
take_misc(struct minidump *m, struct minidump_location location, struct dump_module *module)
{
	enum {
		IMAGE_DEBUG_MISC_EXENAME = 1
	};
	struct reader r;
	if (location.bytes == 0 || location.rva == 0 || !slice_is_absent(module->debug_name))
		return;
	reader_init(&r, minidump_bytes(m, location));
	uint32_t type = reader_u32(&r);
	(void)reader_u32(&r);
	bool is_utf16 = reader_u8(&r) != 0;
	(void)reader_bytes(&r, 3);
	struct slice name = slice_sub(r.in, r.at, SIZE_MAX);
	if (r.error != OK || type != IMAGE_DEBUG_MISC_EXENAME)
		return;
	module->debug_name = is_utf16 ? minidump_utf16(m, name, LIMIT_MINIDUMP_NAME_BYTES)
				      : minidump_utf8(m, name, LIMIT_MINIDUMP_NAME_BYTES);
}

/* ---- ModuleList ---- */

static struct slice
format_version(struct minidump *m, uint32_t high, uint32_t low)
{
	return minidump_printf(m, "%u.%u.%u.%u", high >> 16, high & 0xffff, low >> 16,
			       low & 0xffff);
}

static void
take_version(struct minidump *m, const struct minidump_version *version, struct dump_module *module)
{
	if (version->signature != MINIDUMP_VERSION_SIGNATURE)
		return;
	module->version = format_version(m, version->file_version_high, version->file_version_low);
	module->product_version =
		format_version(m, version->product_version_high, version->product_version_low);
}

static void
take_module(struct minidump *m, struct reader *r, struct dump_module *module)
{
	struct minidump_module record = minidump_read_module(r);
	module->base = record.base;
	module->bytes = record.bytes;
	module->timestamp = record.timestamp;
	module->checksum = record.checksum;
	module->name = minidump_string(m, record.name_rva);
	if (module->name.len == 0)
		minidump_oddity(m, "module at 0x%" PRIx64 ": no name", record.base);
	if (record.bytes == 0 || record.base + (record.bytes - 1) < record.base)
		minidump_oddity(m, "module at 0x%" PRIx64 ": impossible size 0x%x", record.base,
				record.bytes);
	take_version(m, &record.version, module);
	take_codeview(m, record.codeview, module);
	take_misc(m, record.misc, module);
	/* The key of an image on a symbol server. */
	if (!is_elf(m->dump->os) && !is_mach(m->dump->os) && record.timestamp != 0)
		module->code_id = minidump_printf(m, "%08X%x", record.timestamp, record.bytes);
}

err_t
minidump_read_modules(struct minidump *m, struct slice stream)
{
	struct minidump_table table;
	struct dump *dump = m->dump;
	err_t err = minidump_list(m, stream, MINIDUMP_MODULE_BYTES, LIMIT_MINIDUMP_MODULES, &table);
	if (err != OK)
		return err;
	dump->modules.items = arena_array(m->arena, table.n, sizeof(struct dump_module));
	if (dump->modules.items == NULL)
		return ERR_LIMIT;
	for (size_t i = 0; i < table.n; i++) {
		struct reader r = minidump_entry(&table, i);
		take_module(m, &r, &dump->modules.items[dump->modules.n++]);
	}
	/* Every writer lists the program first. */
	if (table.n > 0)
		dump->modules.items[0].is_main = true;
	return OK;
}

err_t
minidump_read_unloaded_modules(struct minidump *m, struct slice stream)
{
	static const struct minidump_shape shape = {
		.least_header = 12,
		.least = MINIDUMP_UNLOADED_BYTES,
		.most = LIMIT_MINIDUMP_MODULES,
	};
	struct minidump_table table;
	struct dump *dump = m->dump;
	err_t err = minidump_sized_list(m, stream, shape, &table);
	if (err != OK)
		return err;
	dump->unloaded.items = arena_array(m->arena, table.n, sizeof(struct dump_unloaded));
	if (dump->unloaded.items == NULL)
		return ERR_LIMIT;
	for (size_t i = 0; i < table.n; i++) {
		struct reader r = minidump_entry(&table, i);
		struct minidump_unloaded record = minidump_read_unloaded(&r);
		dump->unloaded.items[dump->unloaded.n++] = (struct dump_unloaded){
			.name = minidump_string(m, record.name_rva),
			.base = record.base,
			.bytes = record.bytes,
			.timestamp = record.timestamp,
			.checksum = record.checksum,
		};
	}
	return OK;
}
