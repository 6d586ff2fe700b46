/* write_streams.c - the head of a minidump: header, directory, and all streams but memory
 *
 *	header		32 bytes: "MDMP", version, streams, offset of the directory, time, flags
 *	directory	12 bytes each: type, bytes, offset
 *	streams		each with its fixed part, then the strings, contexts and records that it
 *			points to
 *
 * Layouts are those of minidumpapiset.h; of Breakpad's minidump_format.h where Windows has none.
 */
#include "base/text.h"
#include "base/time.h"
#include "dump/context_layout.h"
#include "dump/write_internal.h"

enum {
	HEADER_BYTES = 32,
	ENTRY_BYTES = 12,
	THREAD_BYTES = 48,
	MODULE_BYTES = 108,
	EXCEPTION_BYTES = 168,
	MISC_BYTES = 24,
	SYSTEM_BYTES = 56,
	/* flags of the header, MINIDUMP_TYPE */
	FLAG_FULL_MEMORY = 0x2,
	FLAG_FILTERED_MEMORY = 0x8,
	FLAG_UNLOADED = 0x20,
	FLAG_REFERENCED_MEMORY = 0x40,
	FLAG_NO_PATHS = 0x80,
	FLAG_MEMORY_INFO = 0x800,
	FLAG_THREAD_INFO = 0x1000
};

enum stream {
	STREAM_THREADS = 3,
	STREAM_MODULES = 4,
	STREAM_MEMORY = 5,
	STREAM_EXCEPTION = 6,
	STREAM_SYSTEM = 7,
	STREAM_MEMORY_64 = 9,
	STREAM_COMMENT = 11, /* in UTF-16 */
	STREAM_UNLOADED = 14,
	STREAM_MISC = 15,
	STREAM_MEMORY_INFO = 16,
	STREAM_THREAD_INFO = 17,
	STREAM_THREAD_NAMES = 24
};

/* ---- into the head ---- */

static void
put(struct writer *w, unsigned bytes, uint64_t value)
{
	uint8_t raw[8];
	write_poke(raw, bytes, value);
	buf_append(&w->head, slice_of(raw, bytes));
}

static void
align(struct writer *w, size_t to)
{
	buf_append_zero(&w->head, (to - w->head.len % to) % to);
}

/* Zero bytes to be filled with `set`; the offset of the first. */
static size_t
reserve(struct writer *w, size_t bytes)
{
	align(w, 8);
	size_t at = w->head.len;
	buf_append_zero(&w->head, bytes);
	return at;
}

/* The fixed part of a stream: its bytes are what the directory says, not what it points to. */
static size_t
begin(struct writer *w, size_t bytes)
{
	w->stream_offset = reserve(w, bytes);
	w->stream_bytes = bytes;
	return w->stream_offset;
}

/* Past the cap of the head nothing is there to be set; its error says so at the end. */
static void
set(struct writer *w, size_t at, unsigned bytes, uint64_t value)
{
	if (buf_error(&w->head) == OK)
		write_poke(w->head.data + at, bytes, value);
}

/* MINIDUMP_STRING: bytes, UTF-16, NUL.  The offset; 0 for an absent text. */
static uint32_t
put_text(struct writer *w, struct slice utf8)
{
	if (slice_is_absent(utf8))
		return 0;
	size_t at = reserve(w, 4);
	text_to_utf16(utf8, TEXT_UTF16LE, &w->head);
	set(w, at, 4, w->head.len - at - 4);
	put(w, 2, 0);
	return (uint32_t)at;
}

/* ---- system and process ---- */

static const uint16_t processors[ARCH_N] = {
	[ARCH_X86] = 0, [ARCH_AMD64] = 9, [ARCH_ARM] = 5, [ARCH_ARM64] = 12};

static const uint32_t platforms[DUMP_OS_N] = {
	[DUMP_OS_WINDOWS] = 2,    [DUMP_OS_LINUX] = 0x8201, [DUMP_OS_ANDROID] = 0x8203,
	[DUMP_OS_MACOS] = 0x8101, [DUMP_OS_IOS] = 0x8102,   [DUMP_OS_SOLARIS] = 0x8202,
	[DUMP_OS_PS3] = 0x8204,
};

/* The numbers of "10.0.22000" or "5.10.0-8-amd64", as many as there are; others are 0. */
static void
parse_version(struct slice text, uint32_t *numbers, size_t n)
{
	size_t at = 0;
	for (size_t i = 0; i < n; i++) {
		uint64_t value = 0;
		size_t from = at;
		while (at < text.len && text.data[at] >= '0' && text.data[at] <= '9' &&
		       value < UINT32_MAX)
			value = 10 * value + (uint64_t)(text.data[at++] - '0');
		numbers[i] = (uint32_t)value;
		if (at == from || at == text.len || text.data[at++] != '.')
			break;
	}
}

static void
put_system(struct writer *w)
{
	const struct dump *dump = w->dump;
	uint32_t version[3] = {0};
	size_t at = begin(w, SYSTEM_BYTES);
	parse_version(dump->os_version, version, 3);
	set(w, at, 2, processors[dump->arch]);
	set(w, at + 6, 1, dump->processors > UINT8_MAX ? UINT8_MAX : dump->processors);
	set(w, at + 7, 1, dump->os_product_type);
	set(w, at + 8, 4, version[0]);
	set(w, at + 12, 4, version[1]);
	set(w, at + 16, 4, version[2]);
	set(w, at + 20, 4, platforms[dump->os]);
	set(w, at + 28, 2, dump->os_suite);
	uint32_t text =
		put_text(w, slice_is_absent(dump->os_text) ? SLICE_LITERAL("") : dump->os_text);
	set(w, at + 24, 4, text);
}

static bool
has_misc(const struct writer *w)
{
	return w->dump->process_id != 0;
}

static void
put_misc(struct writer *w)
{
	const struct dump *dump = w->dump;
	size_t at = begin(w, MISC_BYTES);
	bool has_times = dump->process_started_us > 0;
	set(w, at, 4, MISC_BYTES);
	set(w, at + 4, 4, has_times ? 3 : 1);
	set(w, at + 8, 4, dump->process_id);
	if (!has_times)
		return;
	set(w, at + 12, 4, (uint64_t)dump->process_started_us / TIME_SECOND_US);
	set(w, at + 16, 4, dump->process_user_us / TIME_SECOND_US);
	set(w, at + 20, 4, dump->process_kernel_us / TIME_SECOND_US);
}

/* ---- threads ---- */

static bool
is_thread_written(const struct writer *w, size_t index)
{
	return w->request->kind != WRITE_MICRO || (int)index == w->crashing;
}

static size_t
count_threads(const struct writer *w)
{
	return w->request->kind == WRITE_MICRO ? 1 : w->dump->threads.n;
}

/* A core's record is not of Windows' kind; one that was made for another dump is kept whole. */
static void
put_context(struct writer *w, size_t at, const struct registers *registers, struct slice raw)
{
	uint8_t made[CONTEXT_BYTES_MAX];
	struct registers copy = *registers;
	struct slice record = raw;
	copy.arch = w->dump->arch;
	if (w->dump->kind == DUMP_CORE || slice_is_absent(raw)) {
		context_layout_write(&copy, made);
		record = slice_of(made, context_layout_bytes(copy.arch));
	}
	align(w, 16);
	set(w, at, 4, record.len);
	set(w, at + 4, 4, w->head.len);
	buf_append(&w->head, record);
}

static void
put_stack(struct writer *w, size_t at, size_t thread)
{
	struct write_range stack = write_memory_stack(w, thread);
	if (w->request->kind == WRITE_MICRO)
		stack.bytes = w->micro_stack.len;
	uint64_t offset = stack.bytes == 0 ? 0 : write_memory_offset(w, stack.base);
	bool is_in_reach = offset <= LIMIT_WRITE_OFFSET - stack.bytes;
	set(w, at, 8, stack.base);
	set(w, at + 8, 4, is_in_reach ? stack.bytes : 0);
	set(w, at + 12, 4, is_in_reach ? offset : 0);
}

static bool
has_threads(const struct writer *w)
{
	return w->dump->threads.n > 0;
}

static void
put_threads(struct writer *w)
{
	size_t n = count_threads(w);
	size_t at = begin(w, 4 + n * THREAD_BYTES);
	set(w, at, 4, n);
	at += 4;
	for (size_t i = 0; i < w->dump->threads.n; i++) {
		const struct dump_thread *thread = &w->dump->threads.items[i];
		if (!is_thread_written(w, i))
			continue;
		set(w, at, 4, thread->id);
		set(w, at + 4, 4, thread->suspend_count);
		set(w, at + 8, 4, thread->priority_class);
		set(w, at + 12, 4, thread->priority);
		set(w, at + 16, 8, thread->teb);
		put_stack(w, at + 24, i);
		if (thread->has_registers)
			put_context(w, at + 40, &thread->registers, thread->context);
		at += THREAD_BYTES;
	}
}

static bool
has_thread_names(const struct writer *w)
{
	for (size_t i = 0; i < w->dump->threads.n; i++)
		if (is_thread_written(w, i) && !slice_is_absent(w->dump->threads.items[i].name))
			return true;
	return false;
}

static void
put_thread_names(struct writer *w)
{
	size_t n = count_threads(w);
	size_t at = begin(w, 4 + n * 12);
	set(w, at, 4, n);
	at += 4;
	for (size_t i = 0; i < w->dump->threads.n; i++) {
		const struct dump_thread *thread = &w->dump->threads.items[i];
		if (!is_thread_written(w, i))
			continue;
		struct slice name =
			slice_is_absent(thread->name) ? SLICE_LITERAL("") : thread->name;
		set(w, at, 4, thread->id);
		set(w, at + 4, 8, put_text(w, name));
		at += 12;
	}
}

static bool
has_thread_info(const struct writer *w)
{
	return w->request->kind != WRITE_MICRO && has_threads(w);
}

static void
put_thread_info(struct writer *w)
{
	size_t n = w->dump->threads.n;
	size_t at = begin(w, 12 + n * 64);
	set(w, at, 4, 12);
	set(w, at + 4, 4, 64);
	set(w, at + 8, 4, n);
	at += 12;
	for (size_t i = 0; i < n; i++, at += 64) {
		const struct dump_thread *thread = &w->dump->threads.items[i];
		set(w, at, 4, thread->id);
		set(w, at + 12, 4, thread->exit_status);
		set(w, at + 16, 8, thread->created);
		set(w, at + 32, 8, thread->kernel_time);
		set(w, at + 40, 8, thread->user_time);
		set(w, at + 48, 8, thread->start_address);
		set(w, at + 56, 8, thread->affinity);
	}
}

static bool
has_exception(const struct writer *w)
{
	return w->dump->exception.is_there;
}

static void
put_exception(struct writer *w)
{
	const struct dump_exception *exception = &w->dump->exception;
	size_t at = begin(w, EXCEPTION_BYTES);
	uint32_t n = exception->n_parameters;
	n = n > DUMP_PARAMETERS_MAX ? DUMP_PARAMETERS_MAX : n;
	set(w, at, 4, exception->thread_id);
	set(w, at + 8, 4, exception->code);
	set(w, at + 12, 4, exception->flags);
	set(w, at + 16, 8, exception->record);
	set(w, at + 24, 8, exception->address);
	set(w, at + 32, 4, n);
	for (uint32_t i = 0; i < n; i++)
		set(w, at + 40 + 8 * (size_t)i, 8, exception->parameters[i]);
	if (exception->has_registers)
		put_context(w, at + 160, &exception->registers, exception->context);
}

/* ---- modules ---- */

static void
put_version(struct writer *w, size_t at, const struct dump_module *module)
{
	uint32_t v[4] = {0};
	uint32_t product[4] = {0};
	if (slice_is_absent(module->version))
		return;
	parse_version(module->version, v, 4);
	parse_version(slice_is_absent(module->product_version) ? module->version
							       : module->product_version,
		      product, 4);
	set(w, at, 4, 0xfeef04bd);
	set(w, at + 4, 4, 0x10000);
	set(w, at + 8, 4, (v[0] & 0xffff) << 16 | (v[1] & 0xffff));
	set(w, at + 12, 4, (v[2] & 0xffff) << 16 | (v[3] & 0xffff));
	set(w, at + 16, 4, (product[0] & 0xffff) << 16 | (product[1] & 0xffff));
	set(w, at + 20, 4, (product[2] & 0xffff) << 16 | (product[3] & 0xffff));
	set(w, at + 24, 4, 0x3f);
}

/* "LEpB" and the whole build id of an ELF file. */
static void
put_build_id(struct writer *w, size_t at, struct slice build_id)
{
	align(w, 4);
	set(w, at, 4, 4 + build_id.len);
	set(w, at + 4, 4, w->head.len);
	put(w, 4, 0x4270454c);
	buf_append(&w->head, build_id);
}

/* "RSDS": GUID (its first three numbers little-endian), age, name of the PDB. */
static void
put_pdb(struct writer *w, size_t at, const struct dump_module *module)
{
	uint64_t guid[4];
	uint64_t age = 0;
	struct slice id = module->debug_id;
	for (unsigned i = 0; i < 4; i++)
		if (!slice_hex_to_u64(slice_sub(id, 8 * (size_t)i, 8), &guid[i]))
			return;
	if (!slice_hex_to_u64(slice_sub(id, 32, SIZE_MAX), &age))
		return;
	align(w, 4);
	size_t from = w->head.len;
	put(w, 4, 0x53445352);
	put(w, 4, guid[0]);
	put(w, 2, guid[1] >> 16);
	put(w, 2, guid[1]);
	put(w, 4, __builtin_bswap32((uint32_t)guid[2]));
	put(w, 4, __builtin_bswap32((uint32_t)guid[3]));
	put(w, 4, age);
	buf_append(&w->head, module->debug_name);
	put(w, 1, 0);
	set(w, at, 4, w->head.len - from);
	set(w, at + 4, 4, from);
}

static void
put_module(struct writer *w, size_t at, const struct dump_module *module)
{
	struct slice name = module->name;
	uint64_t bytes = module->bytes;
	if (w->request->kind == WRITE_MICRO)
		name = dump_base_name(name);
	set(w, at, 8, module->base);
	set(w, at + 8, 4, bytes > UINT32_MAX ? UINT32_MAX : bytes);
	set(w, at + 12, 4, module->checksum);
	set(w, at + 16, 4, module->timestamp);
	set(w, at + 20, 4, put_text(w, slice_is_absent(name) ? SLICE_LITERAL("") : name));
	put_version(w, at + 24, module);
	if (!slice_is_absent(module->build_id))
		put_build_id(w, at + 76, module->build_id);
	else if (module->debug_id.len > 32)
		put_pdb(w, at + 76, module);
}

/* The program itself first: readers take the first module for it. */
static void
put_modules(struct writer *w)
{
	size_t n = 0;
	for (size_t i = 0; i < w->dump->modules.n; i++)
		n += w->is_module_written[i];
	size_t at = begin(w, 4 + n * MODULE_BYTES);
	set(w, at, 4, n);
	at += 4;
	for (unsigned pass = 0; pass < 2; pass++)
		for (size_t i = 0; i < w->dump->modules.n; i++) {
			const struct dump_module *module = &w->dump->modules.items[i];
			if (!w->is_module_written[i] || module->is_main != (pass == 0))
				continue;
			put_module(w, at, module);
			at += MODULE_BYTES;
		}
}

static bool
has_unloaded(const struct writer *w)
{
	return w->request->kind != WRITE_MICRO && w->dump->unloaded.n > 0;
}

static void
put_unloaded(struct writer *w)
{
	size_t n = w->dump->unloaded.n;
	size_t at = begin(w, 12 + n * 24);
	set(w, at, 4, 12);
	set(w, at + 4, 4, 24);
	set(w, at + 8, 4, n);
	at += 12;
	for (size_t i = 0; i < n; i++, at += 24) {
		const struct dump_unloaded *module = &w->dump->unloaded.items[i];
		struct slice name =
			slice_is_absent(module->name) ? SLICE_LITERAL("") : module->name;
		set(w, at, 8, module->base);
		set(w, at + 8, 4, module->bytes > UINT32_MAX ? UINT32_MAX : module->bytes);
		set(w, at + 12, 4, module->checksum);
		set(w, at + 16, 4, module->timestamp);
		set(w, at + 20, 4, put_text(w, name));
	}
}

/* ---- memory ---- */

static bool
has_memory_list(const struct writer *w)
{
	return w->request->kind != WRITE_HEAP;
}

static void
put_memory_list(struct writer *w)
{
	size_t at = begin(w, 4 + w->n_chosen * 16);
	set(w, at, 4, w->n_chosen);
	at += 4;
	for (size_t i = 0; i < w->n_chosen; i++, at += 16) {
		set(w, at, 8, w->chosen[i].base);
		set(w, at + 8, 4, w->chosen[i].bytes);
		set(w, at + 12, 4, w->memory_offset + w->chosen[i].offset);
	}
}

static bool
has_memory_64(const struct writer *w)
{
	return w->request->kind == WRITE_HEAP;
}

static void
put_memory_64(struct writer *w)
{
	size_t at = begin(w, 16 + w->n_chosen * 16);
	set(w, at, 8, w->n_chosen);
	set(w, at + 8, 8, w->memory_offset);
	at += 16;
	for (size_t i = 0; i < w->n_chosen; i++, at += 16) {
		set(w, at, 8, w->chosen[i].base);
		set(w, at + 8, 8, w->chosen[i].bytes);
	}
}

static bool
has_memory_info(const struct writer *w)
{
	return w->request->kind != WRITE_MICRO && w->dump->regions.n > 0;
}

static void
put_memory_info(struct writer *w)
{
	size_t n = w->dump->regions.n;
	size_t at = begin(w, 16 + n * 48);
	set(w, at, 4, 16);
	set(w, at + 4, 4, 48);
	set(w, at + 8, 8, n);
	at += 16;
	for (size_t i = 0; i < n; i++, at += 48) {
		const struct dump_region *region = &w->dump->regions.items[i];
		set(w, at, 8, region->base);
		set(w, at + 8, 8, region->allocation_base);
		set(w, at + 16, 4, region->allocation_protection);
		set(w, at + 24, 8, region->bytes);
		set(w, at + 32, 4, region->state);
		set(w, at + 36, 4, region->protection);
		set(w, at + 40, 4, region->type);
	}
}

/* ---- texts ---- */

static bool
has_comment(const struct writer *w)
{
	return w->request->kind != WRITE_MICRO && !slice_is_absent(w->dump->comment);
}

static void
put_comment(struct writer *w)
{
	size_t at = begin(w, 0);
	text_to_utf16(w->dump->comment, TEXT_UTF16LE, &w->head);
	put(w, 2, 0);
	w->stream_bytes = w->head.len - at;
}

static bool
is_stream_written(const struct writer *w, const struct write_stream *stream)
{
	return w->request->kind != WRITE_MICRO || stream->type == WRITE_LINUX_CPU_INFO ||
	       stream->type == WRITE_LINUX_LSB_RELEASE;
}

/* ---- the whole ---- */

static bool
always(const struct writer *w)
{
	(void)w;
	return true;
}

static const struct {
	enum stream type;
	bool (*is_there)(const struct writer *w);
	void (*put)(struct writer *w);
} streams[] = {
	{STREAM_SYSTEM, always, put_system},
	{STREAM_MISC, has_misc, put_misc},
	{STREAM_THREADS, has_threads, put_threads},
	{STREAM_THREAD_NAMES, has_thread_names, put_thread_names},
	{STREAM_THREAD_INFO, has_thread_info, put_thread_info},
	{STREAM_MODULES, always, put_modules},
	{STREAM_UNLOADED, has_unloaded, put_unloaded},
	{STREAM_EXCEPTION, has_exception, put_exception},
	{STREAM_MEMORY, has_memory_list, put_memory_list},
	{STREAM_MEMORY_64, has_memory_64, put_memory_64},
	{STREAM_MEMORY_INFO, has_memory_info, put_memory_info},
	{STREAM_COMMENT, has_comment, put_comment},
};

static uint64_t
flags_of(const struct writer *w)
{
	switch (w->request->kind) {
	case WRITE_MICRO:
		return FLAG_FILTERED_MEMORY | FLAG_NO_PATHS;
	case WRITE_HEAP:
		return FLAG_FULL_MEMORY | FLAG_MEMORY_INFO | FLAG_THREAD_INFO | FLAG_UNLOADED;
	default:
		return FLAG_REFERENCED_MEMORY | FLAG_MEMORY_INFO | FLAG_THREAD_INFO | FLAG_UNLOADED;
	}
}

static void
put_header(struct writer *w, size_t n_streams)
{
	size_t at = reserve(w, HEADER_BYTES + n_streams * ENTRY_BYTES);
	set(w, at, 4, 0x504d444d); /* "MDMP" */
	set(w, at + 4, 4, 0xa793);
	set(w, at + 8, 4, n_streams);
	set(w, at + 12, 4, HEADER_BYTES);
	if (w->dump->time_us > 0)
		set(w, at + 20, 4, (uint64_t)w->dump->time_us / TIME_SECOND_US);
	set(w, at + 24, 8, flags_of(w));
}

static void
set_entry(struct writer *w, size_t index, uint32_t type, size_t bytes, size_t offset)
{
	size_t at = HEADER_BYTES + index * ENTRY_BYTES;
	set(w, at, 4, type);
	set(w, at + 4, 4, bytes);
	set(w, at + 8, 4, offset);
}

/* N: how many there are. */
static void
put_streams(struct writer *w, size_t n)
{
	size_t index = 0;
	put_header(w, n);
	for (size_t i = 0; i < sizeof(streams) / sizeof(streams[0]); i++) {
		if (!streams[i].is_there(w))
			continue;
		streams[i].put(w);
		set_entry(w, index++, streams[i].type, w->stream_bytes, w->stream_offset);
	}
	for (size_t i = 0; i < w->request->n_streams; i++) {
		const struct write_stream *stream = &w->request->streams[i];
		if (!is_stream_written(w, stream))
			continue;
		(void)begin(w, 0);
		buf_append(&w->head, stream->bytes);
		set_entry(w, index++, stream->type, stream->bytes.len, w->stream_offset);
	}
}

err_t
write_head_build(struct writer *w)
{
	size_t n = 0;
	buf_reset(&w->head);
	for (size_t i = 0; i < sizeof(streams) / sizeof(streams[0]); i++)
		n += streams[i].is_there(w);
	for (size_t i = 0; i < w->request->n_streams; i++)
		n += is_stream_written(w, &w->request->streams[i]);
	put_streams(w, n);
	return buf_error(&w->head);
}
