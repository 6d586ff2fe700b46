/* core_modules.c - which files of NT_FILE are modules, and which builds they are
 *
 * A module is a run of mappings of one file, from the one of its beginning.  Its ELF header, where
 * the dump has the first page, says how far it reaches and where its notes are; the one of GNU
 * with type 3 is the build id.
 */
#include <elf.h>
#include <stdlib.h>

#include "base/text.h"
#include "dump/core_internal.h"

enum {
	SEGMENTS_MAX = 64, /* of one module: programs have about a dozen */
	NOTES_BYTES_MAX = 4096,
	GUID_BYTES = 16,
	EXECUTE_ANY = 0xf0 /* PAGE_EXECUTE* */
};

/* The ELF header of a module in memory. */
struct image {
	struct memory memory;
	uint64_t base;
	bool is_64;
	uint64_t table; /* address of the program headers */
	uint16_t n_segments;
	uint64_t bias; /* added to addresses in the headers */
	uint64_t end;  /* of the last segment; 0: not known */
	struct slice build_id;
};

struct segment {
	uint32_t type;
	uint64_t address;
	uint64_t bytes; /* in memory */
};

static bool
open_image(struct image *image)
{
	uint8_t header[sizeof(Elf64_Ehdr)];
	struct reader r;
	if (!memory_bytes(&image->memory, image->base, header, sizeof(Elf32_Ehdr)) ||
	    memcmp(header, "\177ELF", 4) != 0)
		return false;
	image->is_64 = header[EI_CLASS] == ELFCLASS64;
	if (image->is_64 && !memory_bytes(&image->memory, image->base, header, sizeof(header)))
		return false;
	reader_init(&r, slice_of(header, sizeof(header)));
	(void)reader_bytes(&r, image->is_64 ? 32 : 28);
	image->table = image->base + (image->is_64 ? reader_u64(&r) : reader_u32(&r));
	(void)reader_bytes(&r, image->is_64 ? 16 : 12);
	image->n_segments = reader_u16(&r);
	if (image->n_segments > SEGMENTS_MAX)
		image->n_segments = SEGMENTS_MAX;
	return true;
}

static bool
segment_at(const struct image *image, uint16_t index, struct segment *ret_segment)
{
	uint8_t raw[sizeof(Elf64_Phdr)];
	size_t bytes = image->is_64 ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);
	struct reader r;
	if (!memory_bytes(&image->memory, image->table + bytes * index, raw, bytes))
		return false;
	reader_init(&r, slice_of(raw, bytes));
	ret_segment->type = reader_u32(&r);
	(void)reader_bytes(&r, image->is_64 ? 12 : 4); /* flags and offset */
	ret_segment->address = image->is_64 ? reader_u64(&r) : reader_u32(&r);
	(void)reader_bytes(&r, image->is_64 ? 16 : 8); /* physical address, bytes in the file */
	ret_segment->bytes = image->is_64 ? reader_u64(&r) : reader_u32(&r);
	return true;
}

/* The header lies at the beginning of the first segment that is loaded. */
static void
measure_image(struct image *image)
{
	bool is_first = true;
	for (uint16_t i = 0; i < image->n_segments; i++) {
		struct segment segment;
		if (!segment_at(image, i, &segment) || segment.type != PT_LOAD)
			continue;
		if (is_first)
			image->bias = image->base - (segment.address & ~UINT64_C(0xfff));
		is_first = false;
		uint64_t end = image->bias + segment.address + segment.bytes;
		if (end > image->end && end > image->base)
			image->end = end;
	}
}

static struct slice
build_id_in(struct slice notes)
{
	struct reader r;
	reader_init(&r, notes);
	while (reader_left(&r) >= 12) {
		uint32_t owner_bytes = reader_u32(&r);
		uint32_t bytes = reader_u32(&r);
		uint32_t type = reader_u32(&r);
		struct slice owner = reader_bytes(&r, owner_bytes);
		(void)reader_bytes(&r, (size_t)(-owner_bytes & 3));
		struct slice id = reader_bytes(&r, bytes);
		(void)reader_bytes(&r, (size_t)(-bytes & 3));
		if (type == NT_GNU_BUILD_ID && slice_equal(owner, slice_of("GNU", 4)) &&
		    id.len == bytes && id.len > 0 && id.len <= LIMIT_BUILD_ID_BYTES)
			return id;
	}
	return (struct slice){0};
}

/* ERR_LIMIT: the arena's cap. */
static err_t
read_build_id(struct core_parser *c, struct image *image)
{
	for (uint16_t i = 0; i < image->n_segments; i++) {
		struct segment segment;
		uint8_t notes[NOTES_BYTES_MAX];
		if (!segment_at(image, i, &segment) || segment.type != PT_NOTE ||
		    segment.bytes > sizeof(notes) ||
		    !memory_bytes(&image->memory, image->bias + segment.address, notes,
				  (size_t)segment.bytes))
			continue;
		struct slice id = build_id_in(slice_of(notes, (size_t)segment.bytes));
		if (slice_is_absent(id))
			continue;
		image->build_id = slice_dup(c->arena, id);
		return slice_is_absent(image->build_id) ? ERR_LIMIT : OK;
	}
	return OK;
}

/* ---- identity ---- */

/* The first 16 bytes as a GUID, whose first three numbers are little-endian, and age 0. */
static err_t
name_build(struct core_parser *c, struct slice build_id, struct dump_module *module)
{
	uint8_t g[GUID_BYTES] = {0};
	struct buf hex;
	memcpy(g, build_id.data, build_id.len < sizeof(g) ? build_id.len : sizeof(g));
	char *debug_id = arena_printf(c->arena,
				      "%02X%02X%02X%02X%02X%02X%02X%02X"
				      "%02X%02X%02X%02X%02X%02X%02X%02X0",
				      g[3], g[2], g[1], g[0], g[5], g[4], g[7], g[6], g[8], g[9],
				      g[10], g[11], g[12], g[13], g[14], g[15]);
	buf_init(&hex, 2 * LIMIT_BUILD_ID_BYTES);
	text_hex(build_id, &hex);
	module->code_id = slice_dup(c->arena, buf_slice(&hex));
	buf_done(&hex);
	module->build_id = build_id;
	module->debug_id = slice_str(debug_id);
	module->debug_name = dump_base_name(module->name);
	return debug_id == NULL || slice_is_absent(module->code_id) ? ERR_LIMIT : OK;
}

/* Adds what the ELF header at MODULE's base says; *ret_is_elf: there is one. */
static err_t
identify(struct core_parser *c, struct dump_module *module, bool *ret_is_elf)
{
	struct image image = {.memory = dump_memory_of(c->dump), .base = module->base};
	*ret_is_elf = open_image(&image);
	if (!*ret_is_elf)
		return OK;
	measure_image(&image);
	if (image.end > module->base + module->bytes)
		module->bytes = image.end - module->base;
	err_t err = read_build_id(c, &image);
	if (err != OK || slice_is_absent(image.build_id))
		return err;
	return name_build(c, image.build_id, module);
}

/* ---- modules ---- */

static bool
has_code(const struct dump *dump, const struct core_file *file)
{
	const struct dump_region *region = dump_find_region(dump, file->start);
	return region != NULL && (region->protection & EXECUTE_ANY) != 0;
}

/* How many of the files from FROM on are of one module. */
static size_t
count_mappings(const struct core_parser *c, size_t from)
{
	size_t n = 1;
	while (from + n < c->n_files) {
		const struct core_file *file = &c->files[from + n];
		if (!slice_equal(file->name, c->files[from].name) || file->offset == 0 ||
		    file->start < c->files[from + n - 1].end)
			break;
		n++;
	}
	return n;
}

/* Mappings of a file that are neither code nor begin with an ELF header are data: no module.  A
 * header that claims more than there is room for is cut at the next file. */
static err_t
add_module(struct core_parser *c, size_t from, size_t n)
{
	const struct core_file *files = &c->files[from];
	struct dump_module module = {.name = files[0].name, .base = files[0].start};
	bool is_code = false;
	bool is_elf = false;
	if (files[0].offset > files[0].start || files[n - 1].end <= files[0].start)
		return OK;
	module.base -= files[0].offset;
	module.bytes = files[n - 1].end - module.base;
	for (size_t i = 0; i < n; i++)
		is_code |= has_code(c->dump, &files[i]);
	err_t err = identify(c, &module, &is_elf);
	if (err != OK || (!is_code && !is_elf))
		return err;
	if (from + n < c->n_files && c->files[from + n].start > module.base &&
	    module.bytes > c->files[from + n].start - module.base)
		module.bytes = c->files[from + n].start - module.base;
	module.is_main =
		c->entry != 0 && c->entry >= module.base && c->entry - module.base < module.bytes;
	c->dump->modules.items[c->dump->modules.n++] = module;
	return OK;
}

static err_t
add_vdso(struct core_parser *c)
{
	struct dump_module module = {.name = SLICE_LITERAL("linux-gate.so"), .base = c->vdso};
	const struct dump_region *region = dump_find_region(c->dump, c->vdso);
	bool is_elf;
	if (c->vdso == 0 || region == NULL)
		return OK;
	module.bytes = region->base + region->bytes - c->vdso;
	err_t err = identify(c, &module, &is_elf);
	if (err == OK && is_elf)
		c->dump->modules.items[c->dump->modules.n++] = module;
	return err;
}

/* ---- names of other things ---- */

static int
compare_files(const void *a, const void *b)
{
	const struct core_file *x = a;
	const struct core_file *y = b;
	return (x->start > y->start) - (x->start < y->start);
}

/* Both lists are sorted by address. */
static void
name_regions(struct core_parser *c)
{
	size_t at = 0;
	for (size_t i = 0; i < c->n_files; i++) {
		while (at < c->dump->regions.n &&
		       c->dump->regions.items[at].base < c->files[i].start)
			at++;
		if (at == c->dump->regions.n)
			return;
		if (c->dump->regions.items[at].base != c->files[i].start)
			continue;
		c->dump->regions.items[at].name = c->files[i].name;
		c->dump->regions.items[at].type = 0x40000; /* MEM_MAPPED */
	}
}

/* The program's path as execve had it. */
static err_t
read_exec_name(struct core_parser *c)
{
	struct memory memory = dump_memory_of(c->dump);
	struct slice text = c->exec_name == 0
				    ? (struct slice){0}
				    : memory.find(memory.context, c->exec_name, LIMIT_TEXT_BYTES);
	const uint8_t *end = text.len == 0 ? NULL : memchr(text.data, 0, text.len);
	if (end == NULL || end == text.data)
		return OK;
	c->dump->image_path = slice_of(text.data, (size_t)(end - text.data));
	return OK;
}

static void
find_program(struct core_parser *c)
{
	struct dump *dump = c->dump;
	for (size_t i = 0; i < dump->modules.n; i++)
		if (dump->modules.items[i].is_main)
			dump->image_path = dump->modules.items[i].name;
}

err_t
core_modules_read(struct core_parser *c)
{
	struct dump *dump = c->dump;
	err_t err = read_exec_name(c);
	if (c->n_files > 0)
		qsort(c->files, c->n_files, sizeof(c->files[0]), compare_files);
	name_regions(c);
	size_t room = c->n_files < LIMIT_CORE_MODULES ? c->n_files : LIMIT_CORE_MODULES;
	dump->modules.items = arena_array(c->arena, room + 1, sizeof(struct dump_module));
	if (dump->modules.items == NULL)
		return ERR_LIMIT;
	for (size_t i = 0, n; i < c->n_files && err == OK; i += n) {
		n = count_mappings(c, i);
		if (dump->modules.n == LIMIT_CORE_MODULES) {
			core_add_stream(c,
					&(struct dump_stream){.type = NT_FILE, .err = ERR_LIMIT});
			break;
		}
		err = add_module(c, i, n);
	}
	if (err == OK)
		err = add_vdso(c);
	find_program(c);
	return err;
}
