/* Crashpad's stream: who reported, and what the program told of itself.
 *
 * Layouts of minidump_extensions.h of Crashpad.  Names of a module's own annotations are written
 * "module!name", those of the whole process "name"; a module's lines without a name "module". */
#include "dump/minidump_reader.h"

#include "base/text.h"

enum {
	ANNOTATION_STRING = 1,
	VALUE_SHOWN_BYTES = 256, /* of a value of another type, in hex */
	UUID_BYTES = 16
};

/* MinidumpUTF8String and MinidumpByteArray: a length and bytes. */
static struct slice
counted_bytes(struct minidump *m, uint32_t rva)
{
	struct reader r;
	if (rva == 0)
		return (struct slice){0};
	reader_init(&r, minidump_from(m, rva, SIZE_MAX));
	uint32_t bytes = reader_u32(&r);
	struct slice value = reader_bytes(&r, bytes);
	if (r.error != OK) {
		minidump_fault(m, r.error);
		return (struct slice){0};
	}
	return value;
}

static struct slice
utf8_at(struct minidump *m, uint32_t rva)
{
	return minidump_utf8(m, counted_bytes(m, rva), LIMIT_MINIDUMP_NAME_BYTES);
}

static struct slice
full_name(struct minidump *m, struct slice module, struct slice name)
{
	if (slice_is_absent(module))
		return name;
	buf_reset(&m->scratch);
	buf_append(&m->scratch, module);
	buf_append_str(&m->scratch, "!");
	buf_append(&m->scratch, name);
	return minidump_keep(m);
}

/* Lists may refer to each other's parts a million times over: all end when the pairs do. */
static bool
has_room(struct minidump *m)
{
	if (m->dump->annotations.n < LIMIT_MINIDUMP_PAIRS)
		return true;
	minidump_fault(m, ERR_LIMIT);
	return false;
}

/* A list of offsets, pairs or records of EACH bytes.  Absent location: an empty one. */
static bool
open_list(struct minidump *m, struct minidump_location location, size_t each,
	  struct reader *ret_reader, uint32_t *ret_n)
{
	if (location.bytes == 0 || location.rva == 0)
		return false;
	reader_init(ret_reader, minidump_bytes(m, location));
	uint32_t n = reader_u32(ret_reader);
	if (ret_reader->error != OK || n > reader_left(ret_reader) / each) {
		minidump_fault(m, ERR_CORRUPT);
		return false;
	}
	if (n > LIMIT_MINIDUMP_PAIRS) {
		minidump_fault(m, ERR_LIMIT);
		n = LIMIT_MINIDUMP_PAIRS;
	}
	*ret_n = n;
	return true;
}

/* MinidumpSimpleStringDictionary */
static void
take_simple(struct minidump *m, struct minidump_location location, struct slice module)
{
	struct reader r;
	uint32_t n;
	if (!open_list(m, location, 8, &r, &n))
		return;
	for (uint32_t i = 0; i < n && has_room(m); i++) {
		uint32_t name_rva = reader_u32(&r);
		uint32_t value_rva = reader_u32(&r);
		struct slice name = utf8_at(m, name_rva);
		minidump_annotate(m, full_name(m, module, name), utf8_at(m, value_rva));
	}
}

/* MinidumpRVAList of texts: they have no names, so the module's stands there. */
static void
take_texts(struct minidump *m, struct minidump_location location, struct slice module)
{
	struct reader r;
	uint32_t n;
	if (!open_list(m, location, 4, &r, &n))
		return;
	for (uint32_t i = 0; i < n && has_room(m); i++)
		minidump_annotate(m, module, utf8_at(m, reader_u32(&r)));
}

static struct slice
object_value(struct minidump *m, uint16_t type, uint32_t rva)
{
	struct slice bytes = counted_bytes(m, rva);
	if (type == ANNOTATION_STRING || slice_is_absent(bytes))
		return minidump_utf8(m, bytes, LIMIT_MINIDUMP_NAME_BYTES);
	buf_reset(&m->scratch);
	buf_printf(&m->scratch, "type %u: ", type);
	text_hex(slice_sub(bytes, 0, VALUE_SHOWN_BYTES), &m->scratch);
	return minidump_keep(m);
}

/* MinidumpAnnotationList: objects with name, type and bytes. */
static void
take_objects(struct minidump *m, struct minidump_location location, struct slice module)
{
	struct reader r;
	uint32_t n;
	if (!open_list(m, location, 12, &r, &n))
		return;
	for (uint32_t i = 0; i < n && has_room(m); i++) {
		uint32_t name_rva = reader_u32(&r);
		uint16_t type = reader_u16(&r);
		(void)reader_u16(&r);
		uint32_t value_rva = reader_u32(&r);
		struct slice name = full_name(m, module, utf8_at(m, name_rva));
		minidump_annotate(m, name, object_value(m, type, value_rva));
	}
}

/* MinidumpModuleCrashpadInfo; objects were added later. */
static void
take_module(struct minidump *m, struct minidump_location location, struct slice module)
{
	struct reader r;
	reader_init(&r, minidump_bytes(m, location));
	(void)reader_u32(&r); /* version */
	struct minidump_location texts = minidump_read_location(&r);
	struct minidump_location simple = minidump_read_location(&r);
	if (r.error != OK) {
		minidump_fault(m, r.error);
		return;
	}
	take_texts(m, texts, module);
	take_simple(m, simple, module);
	if (reader_left(&r) >= MINIDUMP_LOCATION_BYTES)
		take_objects(m, minidump_read_location(&r), module);
}

static struct slice
module_name(struct minidump *m, uint32_t index)
{
	if (index < m->dump->modules.n && m->dump->modules.items[index].name.len > 0)
		return dump_base_name(m->dump->modules.items[index].name);
	return minidump_printf(m, "module %u", index);
}

/* MinidumpModuleCrashpadInfoList: index in the module list, and where. */
static void
take_modules(struct minidump *m, struct minidump_location location)
{
	struct reader r;
	uint32_t n;
	if (!open_list(m, location, 12, &r, &n))
		return;
	for (uint32_t i = 0; i < n && has_room(m); i++) {
		uint32_t index = reader_u32(&r);
		struct minidump_location module = minidump_read_location(&r);
		take_module(m, module, module_name(m, index));
	}
}

static void
take_uuid(struct minidump *m, const char *fact, struct slice bytes)
{
	struct reader r;
	reader_init(&r, bytes);
	uint32_t a = reader_u32(&r);
	uint16_t b = reader_u16(&r);
	uint16_t c = reader_u16(&r);
	const uint8_t *d = bytes.data + 8;
	minidump_fact(m, fact,
		      minidump_printf(m, "%08x-%04x-%04x-%02x%02x-%02x%02x%02x%02x%02x%02x", a, b,
				      c, d[0], d[1], d[2], d[3], d[4], d[5], d[6], d[7]));
}

/* MinidumpCrashpadInfo */
err_t
minidump_read_crashpad(struct minidump *m, struct slice stream)
{
	struct reader r;
	reader_init(&r, stream);
	(void)reader_u32(&r); /* version: fields are only ever appended */
	struct slice report_id = reader_bytes(&r, UUID_BYTES);
	struct slice client_id = reader_bytes(&r, UUID_BYTES);
	struct minidump_location simple = minidump_read_location(&r);
	struct minidump_location modules = minidump_read_location(&r);
	if (r.error != OK)
		return r.error;
	take_uuid(m, "crashpad.report_id", report_id);
	take_uuid(m, "crashpad.client_id", client_id);
	take_simple(m, simple, (struct slice){0});
	take_modules(m, modules);
	return OK;
}
