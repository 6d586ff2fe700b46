#include "minidump_builder.h"

#include <stdlib.h>

#include "base/text.h"
#include "dump/context.h"

enum {
	FILE_BYTES_MOST = 512 * 1024 * 1024,
	ALIGN = 8,
	/* Entries that have room right behind the header, as in what most writers write; a longer
	 * directory stands at the end. */
	DIRECTORY_ROOM = 48
};

static void
need(bool is_true)
{
	if (!is_true)
		abort();
}

/* ---- numbers ---- */

static void
put_number(struct buf *out, uint64_t value, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		buf_append_byte(out, (uint8_t)(value >> (8 * i)));
}

void
put_u16(struct buf *out, uint16_t value)
{
	put_number(out, value, 2);
}

void
put_u32(struct buf *out, uint32_t value)
{
	put_number(out, value, 4);
}

void
put_u64(struct buf *out, uint64_t value)
{
	put_number(out, value, 8);
}

void
set_u32(uint8_t *at, uint32_t value)
{
	for (size_t i = 0; i < 4; i++)
		at[i] = (uint8_t)(value >> (8 * i));
}

static uint32_t
get_u32(const uint8_t *at)
{
	return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 |
	       (uint32_t)at[3] << 24;
}

/* ---- new and free ---- */

static struct buf *const *
lists_of(struct minidump_builder *b, struct buf *lists[10])
{
	struct buf *all[10] = {&b->file,   &b->directory, &b->threads, &b->names,   &b->modules,
			       &b->ranges, &b->ranges64,  &b->bytes64, &b->regions, &b->unloaded};
	memcpy(lists, all, sizeof(all));
	return lists;
}

static uint16_t
architecture_of(enum arch arch)
{
	static const uint16_t architectures[ARCH_N] = {
		[ARCH_UNKNOWN] = 0xffff, [ARCH_X86] = 0,    [ARCH_AMD64] = 9,
		[ARCH_ARM] = 5,          [ARCH_ARM64] = 12,
	};
	return architectures[arch];
}

static uint32_t
platform_of(enum dump_os os)
{
	static const uint32_t platforms[DUMP_OS_N] = {
		[DUMP_OS_UNKNOWN] = 0x7777, [DUMP_OS_WINDOWS] = 2,    [DUMP_OS_LINUX] = 0x8201,
		[DUMP_OS_ANDROID] = 0x8203, [DUMP_OS_MACOS] = 0x8101, [DUMP_OS_IOS] = 0x8102,
		[DUMP_OS_SOLARIS] = 0x8202, [DUMP_OS_PS3] = 0x8204,
	};
	return platforms[os];
}

struct minidump_builder *
minidump_builder_new(enum arch arch, enum dump_os os)
{
	struct minidump_builder *b = calloc(1, sizeof(*b));
	struct buf *lists[10];
	need(b != NULL);
	(void)lists_of(b, lists);
	for (size_t i = 0; i < 10; i++)
		buf_init(lists[i], FILE_BYTES_MOST);
	b->version = MINIDUMP_VERSION;
	b->timestamp = 1700000000;
	b->arch = arch;
	b->has_system = true;
	b->stacks_are_memory = true;
	b->system = (struct minidump_system){
		.architecture = architecture_of(arch),
		.platform = platform_of(os),
		.n_processors = 1,
		.level = 6,
		.revision = 0x8c01,
	};
	if (os == DUMP_OS_WINDOWS) {
		b->system.major = 10;
		b->system.build = 19045;
	}
	buf_append_zero(&b->file,
			MINIDUMP_HEADER_BYTES + DIRECTORY_ROOM * MINIDUMP_DIRECTORY_BYTES);
	return b;
}

void
minidump_builder_free(struct minidump_builder *b)
{
	struct buf *lists[10];
	if (b == NULL)
		return;
	(void)lists_of(b, lists);
	for (size_t i = 0; i < 10; i++)
		buf_done(lists[i]);
	free(b);
}

/* ---- pieces ---- */

uint32_t
minidump_builder_blob(struct minidump_builder *b, struct slice bytes)
{
	buf_append_zero(&b->file, (ALIGN - b->file.len % ALIGN) % ALIGN);
	size_t rva = b->file.len;
	buf_append(&b->file, bytes);
	need(buf_error(&b->file) == OK && rva <= UINT32_MAX);
	return (uint32_t)rva;
}

uint32_t
minidump_builder_string(struct minidump_builder *b, const char *text)
{
	struct buf utf16;
	struct buf all;
	buf_init(&utf16, FILE_BYTES_MOST);
	buf_init(&all, FILE_BYTES_MOST);
	text_to_utf16(slice_str(text), TEXT_UTF16LE, &utf16);
	put_u32(&all, (uint32_t)utf16.len);
	buf_append(&all, buf_slice(&utf16));
	put_u16(&all, 0);
	uint32_t rva = minidump_builder_blob(b, buf_slice(&all));
	buf_done(&utf16);
	buf_done(&all);
	return rva;
}

static void
put_location(struct buf *out, struct slice bytes, uint32_t rva)
{
	put_u32(out, (uint32_t)bytes.len);
	put_u32(out, rva);
}

/* ---- streams ---- */

void
minidump_builder_entry(struct minidump_builder *b, uint32_t type, uint32_t bytes, uint32_t rva)
{
	put_u32(&b->directory, type);
	put_u32(&b->directory, bytes);
	put_u32(&b->directory, rva);
	b->n_streams++;
}

void
minidump_builder_stream(struct minidump_builder *b, uint32_t type, struct slice bytes)
{
	uint32_t rva = minidump_builder_blob(b, bytes);
	minidump_builder_entry(b, type, (uint32_t)bytes.len, rva);
}

static void
put_memory(struct minidump_builder *b, uint64_t base, struct slice bytes, uint32_t rva)
{
	put_u64(&b->ranges, base);
	put_location(&b->ranges, bytes, rva);
	put_u64(&b->ranges64, base);
	put_u64(&b->ranges64, bytes.len);
	if (b->is_memory_64)
		buf_append(&b->bytes64, bytes);
	b->n_ranges++;
}

void
minidump_builder_memory(struct minidump_builder *b, uint64_t base, struct slice bytes)
{
	uint32_t rva = b->is_memory_64 ? 0 : minidump_builder_blob(b, bytes);
	put_memory(b, base, bytes, rva);
}

void
minidump_builder_thread(struct minidump_builder *b, const struct built_thread *thread)
{
	struct buf context;
	buf_init(&context, FILE_BYTES_MOST);
	if (thread->registers != NULL)
		minidump_builder_context(b->arch, thread->registers, &context);
	else
		buf_append(&context, thread->context);
	uint32_t stack_rva = 0;
	if (!slice_is_absent(thread->stack)) {
		stack_rva = minidump_builder_blob(b, thread->stack);
		if (b->stacks_are_memory)
			put_memory(b, thread->stack_base, thread->stack, stack_rva);
	}
	uint32_t context_rva = minidump_builder_blob(b, buf_slice(&context));
	put_u32(&b->threads, thread->id);
	buf_append_zero(&b->threads, 12); /* suspend count, priority class, priority */
	put_u64(&b->threads, thread->teb);
	put_u64(&b->threads, thread->stack_base);
	put_location(&b->threads, thread->stack, stack_rva);
	put_location(&b->threads, buf_slice(&context), context_rva);
	b->n_threads++;
	if (thread->name != NULL) {
		put_u32(&b->names, thread->id);
		put_u64(&b->names, minidump_builder_string(b, thread->name));
		b->n_names++;
	}
	buf_done(&context);
}

static struct slice
make_codeview(const struct built_module *module, struct buf *out)
{
	if (!slice_is_absent(module->codeview) || module->pdb == NULL)
		return module->codeview;
	put_u32(out, MINIDUMP_CODEVIEW_RSDS);
	buf_append(out, slice_of(module->guid, sizeof(module->guid)));
	put_u32(out, module->age);
	buf_append_str(out, module->pdb);
	buf_append_byte(out, 0);
	return buf_slice(out);
}

static void
put_version(struct buf *out, const uint16_t v[4])
{
	bool is_there = (v[0] | v[1] | v[2] | v[3]) != 0;
	uint32_t high = (uint32_t)v[0] << 16 | v[1];
	uint32_t low = (uint32_t)v[2] << 16 | v[3];
	put_u32(out, is_there ? MINIDUMP_VERSION_SIGNATURE : 0);
	put_u32(out, is_there ? 0x10000 : 0);
	for (size_t i = 0; i < 2; i++) { /* of the file, of the product */
		put_u32(out, high);
		put_u32(out, low);
	}
	buf_append_zero(out, 28);
}

void
minidump_builder_module(struct minidump_builder *b, const struct built_module *module)
{
	struct buf scratch;
	buf_init(&scratch, FILE_BYTES_MOST);
	struct slice codeview = make_codeview(module, &scratch);
	uint32_t codeview_rva = slice_is_absent(codeview) ? 0 : minidump_builder_blob(b, codeview);
	uint32_t name_rva = module->name == NULL ? 0 : minidump_builder_string(b, module->name);
	put_u64(&b->modules, module->base);
	put_u32(&b->modules, module->bytes);
	put_u32(&b->modules, module->checksum);
	put_u32(&b->modules, module->timestamp);
	put_u32(&b->modules, name_rva);
	put_version(&b->modules, module->version);
	put_location(&b->modules, codeview, codeview_rva);
	buf_append_zero(&b->modules, 24); /* misc record, reserved */
	b->n_modules++;
	buf_done(&scratch);
}

void
minidump_builder_unloaded(struct minidump_builder *b, uint64_t base, uint32_t bytes,
			  const char *name)
{
	uint32_t rva = minidump_builder_string(b, name);
	put_u64(&b->unloaded, base);
	put_u32(&b->unloaded, bytes);
	put_u32(&b->unloaded, 0x1234);
	put_u32(&b->unloaded, 0x5678);
	put_u32(&b->unloaded, rva);
	b->n_unloaded++;
}

void
minidump_builder_region(struct minidump_builder *b, const struct minidump_region *region)
{
	put_u64(&b->regions, region->base);
	put_u64(&b->regions, region->allocation_base);
	put_u32(&b->regions, region->allocation_protection);
	put_u32(&b->regions, 0);
	put_u64(&b->regions, region->bytes);
	put_u32(&b->regions, region->state);
	put_u32(&b->regions, region->protection);
	put_u32(&b->regions, region->type);
	put_u32(&b->regions, 0);
	b->n_regions++;
}

void
minidump_builder_exception(struct minidump_builder *b, const struct minidump_exception *exception,
			   const struct registers *registers)
{
	struct minidump_location context = exception->context;
	struct buf raw;
	struct buf out;
	buf_init(&raw, FILE_BYTES_MOST);
	buf_init(&out, FILE_BYTES_MOST);
	if (registers != NULL) {
		minidump_builder_context(b->arch, registers, &raw);
		context.bytes = (uint32_t)raw.len;
		context.rva = minidump_builder_blob(b, buf_slice(&raw));
	}
	put_u32(&out, exception->thread_id);
	put_u32(&out, 0);
	put_u32(&out, exception->code);
	put_u32(&out, exception->flags);
	put_u64(&out, exception->record);
	put_u64(&out, exception->address);
	put_u32(&out, exception->n_parameters);
	put_u32(&out, 0);
	for (size_t i = 0; i < MINIDUMP_PARAMETERS; i++)
		put_u64(&out, exception->parameters[i]);
	put_u32(&out, context.bytes);
	put_u32(&out, context.rva);
	minidump_builder_stream(b, MINIDUMP_EXCEPTION, buf_slice(&out));
	buf_done(&raw);
	buf_done(&out);
}

/* ---- contexts ---- */

void
minidump_builder_context(enum arch arch, const struct registers *registers, struct buf *out)
{
	static const struct {
		enum context_kind kind;
		uint32_t bytes;
		uint32_t flags; /* of the processor, and all groups */
	} kinds[ARCH_N] = {
		[ARCH_X86] = {CONTEXT_X86, 0x2cc, 0x1003f},
		[ARCH_AMD64] = {CONTEXT_AMD64, 0x4d0, 0x10001f},
		[ARCH_ARM] = {CONTEXT_ARM, 0x170, 0x40000006},
		[ARCH_ARM64] = {CONTEXT_ARM64, 0x390, 0x400007},
	};
	size_t n;
	const struct context_field *fields = context_fields(kinds[arch].kind, &n);
	size_t from = out->len;
	buf_append_zero(out, kinds[arch].bytes);
	need(buf_error(out) == OK);
	for (size_t i = 0; i < n; i++) {
		uint64_t value = 0;
		if (strcmp(fields[i].name, "context_flags") == 0)
			value = kinds[arch].flags;
		else if (!registers_get(registers, fields[i].index, &value))
			continue;
		for (size_t k = 0; k < fields[i].bytes && k < 8; k++)
			out->data[from + fields[i].offset + k] = (uint8_t)(value >> (8 * k));
	}
}

/* ---- finish ---- */

static void
finish_list(struct minidump_builder *b, uint32_t type, uint32_t n, const struct buf *records)
{
	struct buf out;
	if (n == 0)
		return;
	buf_init(&out, FILE_BYTES_MOST);
	put_u32(&out, n);
	if (b->is_padded)
		put_u32(&out, 0);
	buf_append(&out, buf_slice(records));
	minidump_builder_stream(b, type, buf_slice(&out));
	buf_done(&out);
}

static void
finish_sized_list(struct minidump_builder *b, uint32_t type, uint32_t each, uint32_t n,
		  const struct buf *records)
{
	struct buf out;
	if (n == 0)
		return;
	buf_init(&out, FILE_BYTES_MOST);
	put_u32(&out, type == MINIDUMP_MEMORY_INFO_LIST ? 16 : 12);
	put_u32(&out, each);
	if (type == MINIDUMP_MEMORY_INFO_LIST)
		put_u64(&out, n);
	else
		put_u32(&out, n);
	buf_append(&out, buf_slice(records));
	minidump_builder_stream(b, type, buf_slice(&out));
	buf_done(&out);
}

static void
finish_system(struct minidump_builder *b)
{
	const struct minidump_system *s = &b->system;
	struct buf out;
	if (!b->has_system)
		return;
	buf_init(&out, FILE_BYTES_MOST);
	put_u16(&out, s->architecture);
	put_u16(&out, s->level);
	put_u16(&out, s->revision);
	buf_append_byte(&out, s->n_processors);
	buf_append_byte(&out, s->product_type);
	put_u32(&out, s->major);
	put_u32(&out, s->minor);
	put_u32(&out, s->build);
	put_u32(&out, s->platform);
	put_u32(&out, s->csd_rva == 0 ? minidump_builder_string(b, "") : s->csd_rva);
	put_u16(&out, s->suite_mask);
	put_u16(&out, 0);
	for (size_t i = 0; i < 3; i++)
		put_u32(&out, s->cpu.vendor[i]);
	put_u32(&out, s->cpu.version);
	put_u32(&out, s->cpu.features);
	put_u32(&out, s->cpu.amd_features);
	minidump_builder_stream(b, MINIDUMP_SYSTEM_INFO, buf_slice(&out));
	buf_done(&out);
}

/* The bytes of all ranges lie together, as the format wants it. */
static void
finish_memory64(struct minidump_builder *b)
{
	struct buf out;
	if (b->n_ranges == 0)
		return;
	buf_init(&out, FILE_BYTES_MOST);
	uint32_t rva = minidump_builder_blob(b, buf_slice(&b->bytes64));
	put_u64(&out, b->n_ranges);
	put_u64(&out, rva);
	buf_append(&out, buf_slice(&b->ranges64));
	minidump_builder_stream(b, MINIDUMP_MEMORY64_LIST, buf_slice(&out));
	buf_done(&out);
}

static void
finish_header(struct minidump_builder *b, uint32_t directory_rva)
{
	struct buf out;
	buf_init(&out, MINIDUMP_HEADER_BYTES);
	put_u32(&out, MINIDUMP_SIGNATURE);
	put_u32(&out, b->version);
	put_u32(&out, b->n_streams);
	put_u32(&out, directory_rva);
	put_u32(&out, 0);
	put_u32(&out, b->timestamp);
	put_u64(&out, b->flags);
	memcpy(b->file.data, out.data, MINIDUMP_HEADER_BYTES);
	buf_done(&out);
}

struct slice
minidump_builder_finish(struct minidump_builder *b)
{
	finish_system(b);
	finish_list(b, MINIDUMP_THREAD_LIST, b->n_threads, &b->threads);
	finish_list(b, MINIDUMP_THREAD_NAMES, b->n_names, &b->names);
	finish_list(b, MINIDUMP_MODULE_LIST, b->n_modules, &b->modules);
	finish_sized_list(b, MINIDUMP_UNLOADED_MODULE_LIST, MINIDUMP_UNLOADED_BYTES, b->n_unloaded,
			  &b->unloaded);
	finish_sized_list(b, MINIDUMP_MEMORY_INFO_LIST, MINIDUMP_REGION_BYTES, b->n_regions,
			  &b->regions);
	if (b->is_memory_64)
		finish_memory64(b);
	else
		finish_list(b, MINIDUMP_MEMORY_LIST, b->n_ranges, &b->ranges);
	for (unsigned i = 0; i < b->n_unused; i++)
		minidump_builder_entry(b, MINIDUMP_UNUSED, 0, 0);
	uint32_t rva = MINIDUMP_HEADER_BYTES;
	if (b->n_streams <= DIRECTORY_ROOM)
		memcpy(b->file.data + rva, b->directory.data, b->directory.len);
	else
		rva = minidump_builder_blob(b, buf_slice(&b->directory));
	finish_header(b, rva);
	return buf_slice(&b->file);
}

uint8_t *
minidump_builder_find_entry(struct minidump_builder *b, uint32_t type)
{
	uint8_t *entry = b->file.data + get_u32(b->file.data + 12);
	for (uint32_t i = 0; i < b->n_streams; i++, entry += MINIDUMP_DIRECTORY_BYTES)
		if (get_u32(entry) == type)
			return entry;
	abort();
}

uint8_t *
minidump_builder_find(struct minidump_builder *b, uint32_t type)
{
	return b->file.data + get_u32(minidump_builder_find_entry(b, type) + 8);
}
