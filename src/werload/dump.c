/* MINIDUMP_HEADER (32 bytes), the directory, then the streams; every number little-endian:
 *
 *	7 system    56 bytes, and the name of a service pack
 *	4 modules   4 + 108 each, names behind them
 *	6 exception 168
 *	3 threads   4 + 48, and a CONTEXT
 *	5 memory    4 + 16 each, pointing behind the end of what is made here
 */
#include "werload/dump.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "report/event.h"
#include "report/os.h"
#include "werload/draw.h"
#include "werload/little.h"

enum {
	STREAM_THREADS = 3,
	STREAM_MODULES = 4,
	STREAM_MEMORY = 5,
	STREAM_EXCEPTION = 6,
	STREAM_SYSTEM = 7,
	N_STREAMS = 5,
	HEADER_BYTES = 32,
	DIRECTORY_BYTES = 12,
	N_MODULES = 5,
	MODULE_BYTES = 108,
	STACK_BYTES = 16 * 1024,
	CONTEXT_64_BYTES = 0x4d0,
	CONTEXT_32_BYTES = 0x2cc,
	PROCESSOR_X86 = 0,
	PROCESSOR_X64 = 9,
	THREAD_ID = 0x1a2c,
	KERNEL_HEADER_BYTES = 0x2000
};

struct picture {
	struct report_label label;
	struct os_version os;
	struct draw draw;
	bool is_64;
	uint64_t bases[N_MODULES]; /* 0 the program, 1 the faulting module, then Windows' own */
	uint64_t offset;
	uint64_t stack; /* lowest address of the stack's memory */
	uint64_t stack_bytes, heap_bytes;
	size_t n_streams;
	size_t thread_stack_at; /* where the RVA of the stack is written when it is known */
	struct buf *out;
};

static void
patch_u32(struct buf *out, size_t at, uint32_t value)
{
	for (size_t i = 0; i < 4; i++)
		out->data[at + i] = (uint8_t)(value >> (8 * i));
}

static void
begin_stream(struct picture *picture, uint32_t type)
{
	size_t entry = HEADER_BYTES + picture->n_streams * DIRECTORY_BYTES;
	patch_u32(picture->out, entry, type);
	patch_u32(picture->out, entry + 8, (uint32_t)picture->out->len);
}

static void
end_stream(struct picture *picture, size_t size)
{
	size_t entry = HEADER_BYTES + picture->n_streams++ * DIRECTORY_BYTES;
	patch_u32(picture->out, entry + 4, (uint32_t)size);
}

/* MINIDUMP_STRING: bytes without the NUL, UTF-16, NUL. */
static void
put_string(struct buf *out, struct slice text)
{
	size_t at = out->len;
	little_u32(out, 0);
	text_to_utf16(text, TEXT_UTF16LE, out);
	patch_u32(out, at, (uint32_t)(out->len - at - 4));
	little_u16(out, 0);
}

static void
put_system(struct picture *picture)
{
	struct buf *out = picture->out;
	const struct os_version *os = &picture->os;
	begin_stream(picture, STREAM_SYSTEM);
	little_u16(out, picture->is_64 ? PROCESSOR_X64 : PROCESSOR_X86);
	little_u16(out, 6);      /* processor level */
	little_u16(out, 0x8e0c); /* revision */
	buf_append_byte(out, 8); /* processors */
	buf_append_byte(out, 1); /* workstation */
	little_u32(out, os->major);
	little_u32(out, os->minor);
	little_u32(out, os->build);
	little_u32(out, 2); /* NT */
	little_u32(out, (uint32_t)(out->len + 4 + 2 + 2 + 24));
	little_u16(out, (uint16_t)os->suite_mask);
	little_u16(out, 0);
	buf_append_zero(out, 24); /* processor features */
	end_stream(picture, 56);
	put_string(out, os->sp_major > 0 ? SLICE_LITERAL("Service Pack 1") : SLICE_LITERAL(""));
}

/* VS_FIXEDFILEINFO of a version in dotted form. */
static void
put_version(struct buf *out, struct slice version)
{
	uint64_t parts[4] = {0};
	for (size_t i = 0; i < 4; i++) {
		struct slice part = version;
		bool is_last = !slice_cut(version, '.', &part, &version);
		(void)slice_to_u64(part, &parts[i]);
		if (is_last)
			break;
	}
	little_u32(out, 0xfeef04bd);
	little_u32(out, 0x10000);
	for (size_t times = 0; times < 2; times++) { /* of the file, of the product */
		little_u32(out, (uint32_t)(parts[0] << 16 | (parts[1] & 0xffff)));
		little_u32(out, (uint32_t)(parts[2] << 16 | (parts[3] & 0xffff)));
	}
	little_u32(out, 0x3f);
	little_u32(out, 0);
	little_u32(out, 0x40004); /* Windows NT */
	little_u32(out, 1);       /* application */
	buf_append_zero(out, 12);
}

struct module {
	struct slice name, version, stamp;
};

/* Returns where the RVA of the name must be written. */
static size_t
put_module(struct picture *picture, const struct module *module, uint64_t base)
{
	struct buf *out = picture->out;
	uint64_t stamp = 0;
	(void)slice_hex_to_u64(module->stamp, &stamp);
	little_u64(out, base);
	little_u32(out, 0x02000000); /* larger than any offset of the fleet */
	little_u32(out, 0);
	little_u32(out, (uint32_t)stamp);
	size_t name_at = out->len;
	little_u32(out, 0);
	put_version(out, module->version);
	buf_append_zero(out, 16); /* no CodeView record, none of the other kind */
	buf_append_zero(out, 16); /* reserved */
	return name_at;
}

static void
put_modules(struct picture *picture)
{
	const struct report_label *label = &picture->label;
	struct slice windows = SLICE_LITERAL("10.0.19041.5007");
	struct module modules[N_MODULES] = {
		{label->app, label->app_version, label->app_stamp},
		{label->module, label->module_version, label->module_stamp},
		{SLICE_LITERAL("C:\\Windows\\System32\\ntdll.dll"), windows,
		 SLICE_LITERAL("c0a3f1d2")},
		{SLICE_LITERAL("C:\\Windows\\System32\\kernel32.dll"), windows,
		 SLICE_LITERAL("9f4b77e1")},
		{SLICE_LITERAL("C:\\Windows\\System32\\KERNELBASE.dll"), windows,
		 SLICE_LITERAL("b25dbb05")},
	};
	size_t names[N_MODULES];
	begin_stream(picture, STREAM_MODULES);
	little_u32(picture->out, N_MODULES);
	for (size_t i = 0; i < N_MODULES; i++)
		names[i] = put_module(picture, &modules[i], picture->bases[i]);
	end_stream(picture, 4 + N_MODULES * MODULE_BYTES);
	for (size_t i = 0; i < N_MODULES; i++) {
		patch_u32(picture->out, names[i], (uint32_t)picture->out->len);
		put_string(picture->out, modules[i].name);
	}
}

static uint64_t
fault_address(const struct picture *picture)
{
	return picture->bases[1] + picture->offset;
}

/* CONTEXT: only the flags, the instruction pointer and the stack pointer. */
static void
put_context(struct picture *picture)
{
	struct buf *out = picture->out;
	size_t at = out->len;
	uint64_t stack = picture->stack + 0x200;
	buf_append_zero(out, picture->is_64 ? CONTEXT_64_BYTES : CONTEXT_32_BYTES);
	if (picture->is_64) {
		patch_u32(out, at + 0x30, 0x10000b);
		patch_u32(out, at + 0x98, (uint32_t)stack);
		patch_u32(out, at + 0x9c, (uint32_t)(stack >> 32));
		patch_u32(out, at + 0xf8, (uint32_t)fault_address(picture));
		patch_u32(out, at + 0xfc, (uint32_t)(fault_address(picture) >> 32));
	} else {
		patch_u32(out, at, 0x10007);
		patch_u32(out, at + 0xb8, (uint32_t)fault_address(picture));
		patch_u32(out, at + 0xc4, (uint32_t)stack);
	}
}

static void
put_exception_and_thread(struct picture *picture)
{
	struct buf *out = picture->out;
	uint32_t context_bytes = picture->is_64 ? CONTEXT_64_BYTES : CONTEXT_32_BYTES;
	uint64_t code = 0;
	(void)slice_hex_to_u64(picture->label.code, &code);
	begin_stream(picture, STREAM_EXCEPTION);
	uint32_t context_rva = (uint32_t)(out->len + 168 + 4 + 48);
	little_u32(out, THREAD_ID);
	little_u32(out, 0);
	little_u32(out, (uint32_t)code);
	little_u32(out, 0);
	little_u64(out, 0);
	little_u64(out, fault_address(picture));
	little_u32(out, 2); /* read, from: */
	little_u32(out, 0);
	little_u64(out, 0);
	little_u64(out, draw_below(&picture->draw, 0x1000));
	buf_append_zero(out, 13 * 8);
	little_u32(out, context_bytes);
	little_u32(out, context_rva);
	end_stream(picture, 168);

	begin_stream(picture, STREAM_THREADS);
	little_u32(out, 1);
	little_u32(out, THREAD_ID);
	buf_append_zero(out, 4 + 4 + 4);
	little_u64(out, picture->is_64 ? 0x000000e5a1b20000 : 0x7efdd000);
	little_u64(out, picture->stack);
	little_u32(out, (uint32_t)picture->stack_bytes);
	picture->thread_stack_at = out->len;
	little_u32(out, 0);
	little_u32(out, context_bytes);
	little_u32(out, context_rva);
	end_stream(picture, 4 + 48);
	put_context(picture);
}

/* Last, because the memory itself comes right behind it. */
static void
put_memory(struct picture *picture)
{
	struct buf *out = picture->out;
	begin_stream(picture, STREAM_MEMORY);
	uint32_t memory_rva = (uint32_t)(out->len + 4 + 2 * 16);
	patch_u32(out, picture->thread_stack_at, memory_rva);
	little_u32(out, 2);
	little_u64(out, picture->stack);
	little_u32(out, (uint32_t)picture->stack_bytes);
	little_u32(out, memory_rva);
	little_u64(out, picture->is_64 ? 0x000001f300000000 : 0x10000000);
	little_u32(out, (uint32_t)picture->heap_bytes);
	little_u32(out, memory_rva + (uint32_t)picture->stack_bytes);
	end_stream(picture, 4 + 2 * 16);
}

static void
draw_addresses(struct picture *picture)
{
	for (size_t i = 0; i < N_MODULES; i++) {
		uint64_t place = draw_below(&picture->draw, 0x100);
		picture->bases[i] =
			picture->is_64 ? UINT64_C(0x00007ff500000000) + ((i * 0x100 + place) << 25)
				       : 0x00400000 + (uint64_t)i * 0x10000000 + (place << 16);
	}
	/* The program may be the faulting module itself. */
	if (slice_equal_nocase(picture->label.app, picture->label.module))
		picture->bases[1] = picture->bases[0];
	picture->stack = picture->is_64 ? 0x000000e5a1af0000 : 0x0019c000;
}

void
dump_minidump(const struct report *report, uint64_t seed, uint64_t memory_bytes, struct buf *out)
{
	struct picture picture = {.draw = draw_start(seed, DRAW_CABINET, 0), .out = out};
	report_label(report, &picture.label);
	(void)os_parse(report->os, &picture.os);
	(void)slice_hex_to_u64(picture.label.offset, &picture.offset);
	picture.is_64 = picture.label.offset.len != 8;
	picture.stack_bytes = memory_bytes < STACK_BYTES ? memory_bytes : STACK_BYTES;
	picture.heap_bytes = memory_bytes - picture.stack_bytes;
	draw_addresses(&picture);
	buf_append_str(out, "MDMP");
	little_u32(out, 0x0000a793);
	little_u32(out, N_STREAMS);
	little_u32(out, HEADER_BYTES);
	little_u32(out, 0);
	little_u32(out, (uint32_t)(report->event_filetime / 10000000 - 11644473600));
	little_u64(out, 0x40121); /* data segments, unloaded modules, process data, token */
	buf_append_zero(out, (size_t)N_STREAMS * DIRECTORY_BYTES);
	put_system(&picture);
	put_modules(&picture);
	put_exception_and_thread(&picture);
	put_memory(&picture);
}

void
dump_kernel(const struct report *report, uint64_t seed, struct buf *out)
{
	struct draw draw = draw_start(seed, DRAW_CABINET, 1);
	struct report_label label;
	struct os_version os = {0};
	uint64_t code = 0;
	report_label(report, &label);
	(void)slice_hex_to_u64(label.code, &code);
	(void)os_parse(report->os, &os);
	buf_append_str(out, "PAGEDU64");
	little_u32(out, 15);
	little_u32(out, os.build);
	little_u64(out, 0x1ad000); /* page directory */
	for (size_t i = 0; i < 3; i++)
		little_u64(out, 0xfffff80000000000 | (draw_u64(&draw) >> 20));
	little_u32(out, 0x8664);
	little_u32(out, 8); /* processors */
	little_u32(out, (uint32_t)code);
	little_u32(out, 0);
	for (char name[] = "BCP1"; name[3] <= '4'; name[3]++) {
		struct slice text = report_find_secondary(report, name);
		if (slice_is_absent(text) && report->n_params > (size_t)(name[3] - '0'))
			text = report->params[name[3] - '0'].value;
		uint64_t value = 0;
		(void)slice_hex_to_u64(text, &value);
		little_u64(out, value);
	}
	while (out->len < KERNEL_HEADER_BYTES)
		buf_append_str(out, "PAGE");
	patch_u32(out, 0xf98, 4); /* a triage dump */
}
