/* kernel_image.c - which build a driver is, from the headers of its image in memory
 *
 * PE: "MZ", at 0x3c the offset of "PE\0\0"; then the file header (stamp), the optional header
 * (size, directories), the debug directory (entries of 28 bytes) and a CodeView record "RSDS":
 * GUID, age, name of the PDB.  All or some of it may be missing from a dump; what is there counts.
 */
#include <inttypes.h>

#include "base/text.h"
#include "dump/kernel_internal.h"

enum {
	HEADER_OFFSET_MAX = KERNEL_PAGE_BYTES, /* the linker puts it right behind the DOS stub */
	MAGIC_32 = 0x10b,
	MAGIC_64 = 0x20b,
	DEBUG_DIRECTORY = 6,
	DEBUG_ENTRY_BYTES = 28,
	DEBUG_CODEVIEW = 2,
	RSDS_BYTES = 24,
	GUID_BYTES = 16
};

static uint32_t
u32_at(const struct kernel_parser *k, uint64_t address)
{
	uint32_t value;
	return memory_u32(&k->memory, address, &value) ? value : 0;
}

/* Of the PE signature; 0: no image there. */
static uint64_t
find_header(const struct kernel_parser *k, uint64_t base)
{
	uint16_t mark;
	if (base == 0 || !memory_u16(&k->memory, base, &mark) || mark != 0x5a4d)
		return 0;
	uint32_t offset = u32_at(k, base + 0x3c);
	if (offset == 0 || offset > HEADER_OFFSET_MAX || u32_at(k, base + offset) != 0x4550)
		return 0;
	return base + offset;
}

/* Of the RSDS record in the image; 0: none. */
static uint64_t
find_codeview(const struct kernel_parser *k, uint64_t base, uint64_t header, uint32_t *ret_bytes)
{
	uint16_t magic = 0;
	uint64_t optional = header + 24;
	(void)memory_u16(&k->memory, optional, &magic);
	if (magic != MAGIC_32 && magic != MAGIC_64)
		return 0;
	uint64_t directories = optional + (magic == MAGIC_64 ? 112 : 96);
	uint32_t entry = u32_at(k, directories + 8 * DEBUG_DIRECTORY);
	uint32_t n = u32_at(k, directories + 8 * DEBUG_DIRECTORY + 4) / DEBUG_ENTRY_BYTES;
	for (uint32_t i = 0; entry != 0 && i < n && i < LIMIT_IMAGE_DEBUG_ENTRIES; i++) {
		uint64_t at = base + entry + DEBUG_ENTRY_BYTES * (uint64_t)i;
		uint64_t record = base + u32_at(k, at + 20);
		if (u32_at(k, at + 12) != DEBUG_CODEVIEW || u32_at(k, record) != 0x53445352)
			continue;
		*ret_bytes = u32_at(k, at + 16);
		return record;
	}
	return 0;
}

/* As Breakpad and symbol servers write it.  Absent: a GUID of zeros. */
static err_t
debug_id(struct kernel_parser *k, struct slice record, struct slice *ret_id)
{
	static const uint8_t none[GUID_BYTES];
	struct slice guid = slice_sub(record, 4, GUID_BYTES);
	const uint8_t *tail = guid.data + 8;
	*ret_id = (struct slice){0};
	if (memcmp(guid.data, none, sizeof(none)) == 0)
		return OK;
	char *text = arena_printf(k->arena, "%08X%04X%04X%02X%02X%02X%02X%02X%02X%02X%02X%x",
				  kernel_u32(guid, 0), kernel_u16(guid, 4), kernel_u16(guid, 6),
				  tail[0], tail[1], tail[2], tail[3], tail[4], tail[5], tail[6],
				  tail[7], kernel_u32(record, 20));
	*ret_id = slice_str(text);
	return text == NULL ? ERR_LIMIT : OK;
}

static err_t
read_codeview(struct kernel_parser *k, struct dump_module *module, uint64_t address, uint32_t bytes)
{
	if (bytes > RSDS_BYTES + LIMIT_IMAGE_DEBUG_NAME_BYTES)
		bytes = RSDS_BYTES + LIMIT_IMAGE_DEBUG_NAME_BYTES;
	struct slice record = kernel_read(k, address, bytes);
	if (record.len < RSDS_BYTES)
		return OK;
	struct slice name = slice_sub(record, RSDS_BYTES, SIZE_MAX);
	const uint8_t *end = memchr(name.data, 0, name.len);
	if (end != NULL)
		name.len = (size_t)(end - name.data);
	if (name.len > 0 && text_is_utf8(name))
		module->debug_name = name;
	return debug_id(k, record, &module->debug_id);
}

static err_t
read_image(struct kernel_parser *k, struct dump_module *module)
{
	uint32_t bytes = 0;
	uint64_t header = find_header(k, module->base);
	if (header != 0 && module->timestamp == 0)
		module->timestamp = u32_at(k, header + 8);
	if (header != 0 && module->checksum == 0)
		module->checksum = u32_at(k, header + 24 + 64);
	uint64_t record = header == 0 ? 0 : find_codeview(k, module->base, header, &bytes);
	err_t err = record == 0 ? OK : read_codeview(k, module, record, bytes);
	if (err != OK || module->timestamp == 0)
		return err;
	char *id = arena_printf(k->arena, "%08X%" PRIx64, module->timestamp, module->bytes);
	module->code_id = slice_str(id);
	return id == NULL ? ERR_LIMIT : OK;
}

err_t
kernel_images_read(struct kernel_parser *k)
{
	err_t err = OK;
	for (size_t i = 0; i < k->dump->modules.n && err == OK; i++)
		err = read_image(k, &k->dump->modules.items[i]);
	if (k->dump->modules.n > 0 && k->dump->modules.items[0].base == k->offsets.kernel_base)
		k->dump->modules.items[0].is_main = k->offsets.kernel_base != 0;
	return err;
}
