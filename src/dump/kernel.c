#include "dump/kernel.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/text.h"
#include "base/time.h"
#include "dump/kernel_internal.h"

enum {
	ANNOTATIONS_MAX = 16,
	ANNOTATION_BYTES = 512
};

/* ---- shared ---- */

struct slice
kernel_text(struct arena *arena, struct slice utf16)
{
	struct buf text;
	buf_init(&text, 4 * (size_t)LIMIT_KERNEL_NAME_BYTES);
	(void)text_to_utf8(utf16, TEXT_UTF16LE, &text);
	for (size_t i = 0; i < text.len; i++)
		if (text.data[i] < 0x20 || text.data[i] == 0x7f)
			text.data[i] = '?';
	struct slice copy = slice_dup(arena, text.len == 0 ? SLICE_LITERAL("") : buf_slice(&text));
	buf_done(&text);
	return copy;
}

struct slice
kernel_read(struct kernel_parser *k, uint64_t address, size_t bytes)
{
	if (address == 0 || bytes == 0)
		return (struct slice){0};
	struct slice together = k->memory.find(k->memory.context, address, bytes);
	if (together.len == bytes)
		return together;
	uint8_t *copy = together.len == 0 ? NULL : arena_alloc(k->arena, bytes);
	if (copy == NULL || !memory_bytes(&k->memory, address, copy, bytes))
		return (struct slice){0};
	return slice_of(copy, bytes);
}

void
kernel_add_stream(struct kernel_parser *k, uint32_t type, const char *name, uint64_t offset,
		  uint64_t bytes, err_t err)
{
	if (k->dump->streams.n == KERNEL_STREAMS_MAX)
		return;
	k->dump->streams.items[k->dump->streams.n++] = (struct dump_stream){
		.type = type,
		.name = name,
		.offset = offset,
		.bytes = bytes,
		.err = err,
		.is_read = type != KERNEL_PART_SECONDARY,
	};
}

err_t
kernel_annotate(struct kernel_parser *k, const char *name, const char *format, ...)
{
	char text[ANNOTATION_BYTES];
	va_list args;
	if (k->dump->annotations.n == ANNOTATIONS_MAX)
		return OK;
	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	struct slice value = slice_dup(k->arena, slice_str(text));
	if (slice_is_absent(value))
		return ERR_LIMIT;
	k->dump->annotations.items[k->dump->annotations.n++] =
		(struct dump_pair){slice_str(name), value};
	return OK;
}

/* ---- from the header ---- */

/* Which Windows a build belongs to; builds of 10.0 go on for ever. */
static const char *
version_of_build(uint32_t build)
{
	static const struct {
		uint32_t build;
		const char *version;
	} versions[] = {{10240, "10.0"}, {9600, "6.3"}, {9200, "6.2"}, {7600, "6.1"},
			{6000, "6.0"},   {3790, "5.2"}, {2600, "5.1"}, {2195, "5.0"}};
	for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++)
		if (build >= versions[i].build)
			return versions[i].version;
	return NULL;
}

static const char *
type_name(uint32_t type)
{
	static const char *const names[] = {
		[KERNEL_TYPE_FULL] = "full",
		[KERNEL_TYPE_SUMMARY] = "summary",
		[KERNEL_TYPE_HEADER] = "header",
		[KERNEL_TYPE_TRIAGE] = "triage",
		[KERNEL_TYPE_BITMAP_FULL] = "full bitmap",
		[KERNEL_TYPE_BITMAP_KERNEL] = "kernel bitmap",
		[KERNEL_TYPE_AUTOMATIC] = "automatic",
		[KERNEL_TYPE_LIVE_KERNEL] = "live kernel",
		[KERNEL_TYPE_LIVE_KERNEL_AND_USER] = "live kernel and user",
		[KERNEL_TYPE_LIVE_COMPLETE] = "live complete",
	};
	bool is_known = type < sizeof(names) / sizeof(names[0]) && names[type] != NULL;
	return is_known ? names[type] : "unknown";
}

static err_t
take_header(struct kernel_parser *k)
{
	const struct kernel_header *h = &k->header;
	struct dump *dump = k->dump;
	const char *version = version_of_build(h->minor);
	dump->kind = h->type == KERNEL_TYPE_TRIAGE ? DUMP_KERNEL_TRIAGE : DUMP_KERNEL_FULL;
	dump->os = DUMP_OS_WINDOWS;
	dump->arch = h->arch;
	dump->writer = SLICE_LITERAL("kernel");
	dump->os_suite = h->suite_mask;
	dump->os_product_type = h->product_type;
	dump->processors = h->processors;
	dump->comment = h->comment;
	dump->bugcheck = h->bugcheck;
	if (!time_from_filetime(h->system_time, &dump->time_us) || h->system_time == 0)
		dump->time_us = 0;
	char *text = version == NULL ? arena_printf(k->arena, "build %u", h->minor)
				     : arena_printf(k->arena, "%s.%u", version, h->minor);
	if (text == NULL)
		return ERR_LIMIT;
	dump->os_version = slice_str(text);
	kernel_add_stream(k, KERNEL_PART_HEADER, "Header", 0,
			  h->is_64 ? KERNEL_HEADER_BYTES_64 : KERNEL_HEADER_BYTES_32, OK);
	err_t err = kernel_annotate(k, "dump_type", "%s", type_name(h->type));
	if (err == OK && h->up_time != 0)
		err = kernel_annotate(k, "up_time_seconds", "%" PRIu64, h->up_time / 10000000);
	return err;
}

/* ---- all of it ---- */

static err_t
read_triage(struct kernel_parser *k)
{
	err_t err = kernel_triage_read(k);
	if (err == OK)
		err = kernel_secondary_read(k);
	if (err == OK)
		err = dump_index(k->dump, k->arena);
	k->memory = dump_memory_of(k->dump);
	if (err == OK)
		err = kernel_system_read(k);
	if (err != OK)
		return err;
	kernel_exception_read(k);
	return kernel_images_read(k);
}

enum {
	DEBUGGER_DATA_BYTES = 0x340 /* as far as it is read */
};

static err_t
read_full(struct kernel_parser *k)
{
	k->memory = (struct memory){.find = kernel_pages_virtual, .context = &k->pages};
	kernel_offsets_read(k, kernel_read(k, k->header.debugger_data, DEBUGGER_DATA_BYTES));
	err_t err = kernel_system_read(k);
	if (err != OK)
		return err;
	kernel_exception_read(k);
	err = kernel_full_read(k);
	return err == OK ? kernel_images_read(k) : err;
}

static struct slice
find_nothing(const void *context, uint64_t address, size_t len)
{
	(void)context;
	(void)address;
	(void)len;
	return (struct slice){0};
}

static err_t
read_header_only(struct kernel_parser *k)
{
	k->memory = (struct memory){.find = find_nothing};
	err_t err = kernel_system_read(k);
	if (err == OK)
		kernel_exception_read(k);
	return err;
}

/* The stack of a thread is all memory that lies together from its stack pointer. */
static void
measure_stacks(struct dump *dump)
{
	struct memory memory = dump_memory_of(dump);
	for (size_t i = 0; i < dump->threads.n; i++) {
		struct dump_thread *thread = &dump->threads.items[i];
		uint64_t sp = registers_sp(&thread->registers);
		uint64_t at = sp;
		for (unsigned n = 0; n < LIMIT_KERNEL_STACK_PIECES; n++) {
			struct slice piece =
				memory.find(memory.context, at, LIMIT_KERNEL_STACK_BYTES);
			if (piece.len == 0 || at - sp >= LIMIT_KERNEL_STACK_BYTES)
				break;
			at += piece.len;
		}
		thread->stack_base = at == sp ? 0 : sp;
		thread->stack_bytes = at - sp;
	}
	if (dump->threads.n > 0 && dump->call_stack.len > 0) {
		dump->threads.items[0].stack_base = dump->call_stack_base;
		dump->threads.items[0].stack_bytes = dump->call_stack.len;
	}
}

static err_t
read_all(struct kernel_parser *k)
{
	struct dump *dump = k->dump;
	dump->streams.items = arena_array(k->arena, KERNEL_STREAMS_MAX, sizeof(struct dump_stream));
	dump->annotations.items = arena_array(k->arena, ANNOTATIONS_MAX, sizeof(struct dump_pair));
	if (dump->streams.items == NULL || dump->annotations.items == NULL)
		return ERR_LIMIT;
	err_t err = take_header(k);
	if (err != OK)
		return err;
	if (k->header.is_64 && k->header.type == KERNEL_TYPE_TRIAGE)
		err = read_triage(k);
	else if (k->header.is_64 && k->header.type != KERNEL_TYPE_HEADER &&
		 kernel_pages_open(k) == OK)
		err = read_full(k);
	else
		err = read_header_only(k);
	if (err == OK)
		err = dump_index(dump, k->arena);
	if (err != OK)
		return err;
	measure_stacks(dump);
	dump->exception.thread_id = dump->threads.items[0].id;
	return OK;
}

err_t
kernel_parse(struct slice file, struct arena *arena, struct dump *ret_dump,
	     struct err_detail *detail)
{
	struct dump dump = {0};
	struct kernel_parser k = {.file = file, .arena = arena, .dump = &dump};
	err_t err = kernel_header_parse(file, &k.header, detail);
	if (err != OK)
		return err;
	err = read_all(&k);
	if (err != OK)
		return err_set(detail, err,
			       "the lists of this kernel dump need more than %zu bytes",
			       arena->cap_bytes);
	*ret_dump = dump;
	return OK;
}
