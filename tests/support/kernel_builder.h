/* kernel_builder.h - builds kernel dumps for tests: a small crashed system, written in each form
 *
 * The system is a list of pieces of virtual memory (struct world).  A triage dump has them as
 * data blocks, a full dump as pages behind page tables, a bitmap dump as the pages of its bits.
 * What a test wants broken it pokes into the bytes afterwards; offsets are the enums below.
 */
#pragma once

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/text.h"
#include "dump/context_layout.h"
#include "dump/kernel.h"

enum {
	WORLD_PIECES_MAX = 48,
	WORLD_PAGES_MAX = 128,
	WORLD_BYTES_MAX = 4 * 1024 * 1024,
	WORLD_PAGE_BYTES = 4096,
	WORLD_PROCESS_ID = 0x7c4,
	WORLD_THREAD_ID = 0x7d8,
	WORLD_PROCESS_BYTES = 0x600,
	WORLD_THREAD_BYTES = 0x300,
	WORLD_PRCB_BYTES = 0x200,
	WORLD_STACK_BYTES = 0x2000,
	WORLD_MODULES = 3,
	WORLD_STAMP = 0x5f000000,
	/* in the stack */
	WORLD_SP = 0x100,
	WORLD_RECORD = 0x800,
	WORLD_CONTEXT = 0x900,
	WORLD_TRAP_FRAME = 0xe00,
	WORLD_FAULT_SP = 0x1200,
	/* in a triage dump */
	WORLD_TRIAGE_OFFSET = 0x2000,
	WORLD_RUNS_OFFSET = 0x88,
	WORLD_BITMAP_OFFSET = 0x2000
};

#define WORLD_KERNEL UINT64_C(0xfffff80000000000)
#define WORLD_DEBUGGER_DATA (WORLD_KERNEL + 0x100000)
#define WORLD_MODULE_LIST (WORLD_KERNEL + 0x101000)
#define WORLD_PROCESSORS (WORLD_KERNEL + 0x102000)
#define WORLD_PRCB(n) (WORLD_KERNEL + 0x200180 + 0x10000 * (uint64_t)(n))
/* Across the end of a page. */
#define WORLD_SAVED(n) (WORLD_KERNEL + 0x300e00 + 0x1000 * (uint64_t)(n))
#define WORLD_DRIVER UINT64_C(0xfffff80010000000)
#define WORLD_OTHER_DRIVER UINT64_C(0xfffff80020000000)
#define WORLD_THREAD UINT64_C(0xffffc00000001040)
#define WORLD_OTHER_THREAD UINT64_C(0xffffc00000001840)
#define WORLD_PROCESS UINT64_C(0xffffc00000002080)
#define WORLD_ENTRY(n) (UINT64_C(0xffffc00000010000) + 0x100 * (uint64_t)(n))
#define WORLD_NAME(n) (UINT64_C(0xffffc00000011000) + 0x100 * (uint64_t)(n))
#define WORLD_STACK UINT64_C(0xffff800010000000)
#define WORLD_OTHER_STACK UINT64_C(0xffff800030000000)
#define WORLD_FAULT (WORLD_DRIVER + 0x1234)

struct world_piece {
	uint64_t address;
	uint8_t *bytes;
	size_t len;
};

struct world {
	enum arch arch;
	struct world_piece pieces[WORLD_PIECES_MAX];
	size_t n_pieces;
	uint32_t bugcheck;
	uint64_t parameters[4];
};

static inline void
poke(uint8_t *at, unsigned bytes, uint64_t value)
{
	for (unsigned i = 0; i < bytes; i++)
		at[i] = (uint8_t)(value >> (8 * i));
}

/* LEN zero bytes at ADDRESS, to be filled by the caller. */
static inline uint8_t *
world_add(struct world *world, uint64_t address, size_t len)
{
	uint8_t *bytes = calloc(1, len);
	if (bytes == NULL || world->n_pieces == WORLD_PIECES_MAX)
		abort();
	world->pieces[world->n_pieces++] = (struct world_piece){address, bytes, len};
	return bytes;
}

/* The bytes at ADDRESS, for poking. */
static inline uint8_t *
world_at(struct world *world, uint64_t address)
{
	for (size_t i = 0; i < world->n_pieces; i++) {
		struct world_piece *piece = &world->pieces[i];
		if (address >= piece->address && address - piece->address < piece->len)
			return piece->bytes + (address - piece->address);
	}
	abort();
}

static inline void
world_free(struct world *world)
{
	for (size_t i = 0; i < world->n_pieces; i++)
		free(world->pieces[i].bytes);
	world->n_pieces = 0;
}

/* Every register has a value that tells which one it is. */
static inline struct registers
world_registers(enum arch arch, uint64_t pc, uint64_t sp)
{
	struct registers registers = {.arch = arch};
	for (unsigned i = 0; i < registers_count(arch); i++)
		registers_set(&registers, (int)i, 0x100 + i);
	registers_set(&registers, registers_pc_index(arch), pc);
	registers_set(&registers, registers_sp_index(arch), sp);
	return registers;
}

static inline void
world_put_context(enum arch arch, uint8_t *at, uint64_t pc, uint64_t sp)
{
	struct registers registers = world_registers(arch, pc, sp);
	context_layout_write(&registers, at);
}

static inline void
world_put_text(uint8_t *at, const char *text)
{
	for (size_t i = 0; text[i] != 0; i++)
		at[2 * i] = (uint8_t)text[i];
}

static const char *const world_names[WORLD_MODULES] = {
	"\\SystemRoot\\system32\\ntoskrnl.exe",
	"\\SystemRoot\\System32\\drivers\\crash.sys",
	"\\SystemRoot\\System32\\drivers\\other.sys",
};
static const uint64_t world_bases[WORLD_MODULES] = {WORLD_KERNEL, WORLD_DRIVER, WORLD_OTHER_DRIVER};
static const uint32_t world_sizes[WORLD_MODULES] = {0x400000, 0x10000, 0x8000};

/* A PE image with a debug directory: its first page. */
static inline void
world_add_image(struct world *world, uint64_t base)
{
	uint8_t *page = world_add(world, base, WORLD_PAGE_BYTES);
	uint8_t *header = page + 0x80;
	memcpy(page, "MZ", 2);
	poke(page + 0x3c, 4, 0x80);
	memcpy(header, "PE\0\0", 4);
	poke(header + 8, 4, WORLD_STAMP);
	poke(header + 24, 2, 0x20b);
	poke(header + 24 + 64, 4, 0xabcd); /* checksum */
	poke(header + 24 + 112 + 48, 4, 0x400);
	poke(header + 24 + 112 + 52, 4, 2 * 28);
	poke(page + 0x400 + 12, 4, 13); /* of another type */
	poke(page + 0x400 + 28 + 12, 4, 2);
	poke(page + 0x400 + 28 + 16, 4, 24 + 10);
	poke(page + 0x400 + 28 + 20, 4, 0x500);
	memcpy(page + 0x500, "RSDS", 4);
	for (unsigned i = 0; i < 16; i++)
		page[0x504 + i] = (uint8_t)(i + 1);
	poke(page + 0x514, 4, 0x2a);
	memcpy(page + 0x518, "crash.pdb", 10);
}

static inline void
world_add_modules(struct world *world)
{
	uint8_t *head = world_add(world, WORLD_MODULE_LIST, 16);
	poke(head, 8, WORLD_ENTRY(0));
	poke(head + 8, 8, WORLD_ENTRY(WORLD_MODULES - 1));
	for (unsigned i = 0; i < WORLD_MODULES; i++) {
		uint8_t *entry = world_add(world, WORLD_ENTRY(i), 0x100);
		uint8_t *name = world_add(world, WORLD_NAME(i), 0x100);
		poke(entry, 8, i + 1 == WORLD_MODULES ? WORLD_MODULE_LIST : WORLD_ENTRY(i + 1));
		poke(entry + 8, 8, i == 0 ? WORLD_MODULE_LIST : WORLD_ENTRY(i - 1));
		poke(entry + 0x30, 8, world_bases[i]);
		poke(entry + 0x40, 4, world_sizes[i]);
		poke(entry + 0x48, 2, 2 * strlen(world_names[i]));
		poke(entry + 0x50, 8, WORLD_NAME(i));
		world_put_text(name, world_names[i]);
	}
	world_add_image(world, WORLD_DRIVER);
}

static inline void
world_add_system(struct world *world)
{
	static const struct {
		uint16_t offset;
		uint16_t value;
	} offsets[] = {{0x29a, 0xf0},
		       {0x2a0, 0xb8},
		       {0x2a8, WORLD_PROCESS_BYTES},
		       {0x2ac, 0x540},
		       {0x2b0, WORLD_PRCB_BYTES},
		       {0x2b4, 8},
		       {0x2b6, 0x44},
		       {0x2ba, 0x100},
		       {0x2c0, WORLD_THREAD_BYTES},
		       {0x338, 0x120}};
	uint8_t *data = world_add(world, WORLD_DEBUGGER_DATA, 0x380);
	memcpy(data + 0x10, "KDBG", 4);
	poke(data + 0x14, 4, 0x380);
	poke(data + 0x18, 8, WORLD_KERNEL);
	poke(data + 0x218, 8, WORLD_PROCESSORS);
	for (size_t i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++)
		poke(data + offsets[i].offset, 2, offsets[i].value);
	uint8_t *block = world_add(world, WORLD_PROCESSORS, 16);
	for (unsigned i = 0; i < 2; i++) {
		uint8_t *prcb = world_add(world, WORLD_PRCB(i), WORLD_PRCB_BYTES);
		uint8_t *saved = world_add(world, WORLD_SAVED(i), CONTEXT_BYTES_MAX);
		poke(block + 8 * (size_t)i, 8, WORLD_PRCB(i));
		poke(prcb + 8, 8, i == 1 ? WORLD_THREAD : WORLD_OTHER_THREAD);
		poke(prcb + 0x44, 4, 3000);
		memcpy(prcb + 0x100, "GenuineIntel", 12);
		poke(prcb + 0x120, 8, WORLD_SAVED(i));
		world_put_context(world->arch, saved, WORLD_KERNEL + 0x5000 + i,
				  (i == 1 ? WORLD_STACK : WORLD_OTHER_STACK) + WORLD_SP);
	}
}

static inline void
world_add_process(struct world *world)
{
	uint8_t *thread = world_add(world, WORLD_THREAD, WORLD_THREAD_BYTES);
	uint8_t *process = world_add(world, WORLD_PROCESS, WORLD_PROCESS_BYTES);
	poke(thread + 0xb8, 8, WORLD_PROCESS);
	poke(thread + 0xf0, 8, 0x7ff00000);
	poke(thread + 0x278, 8, WORLD_PROCESS_ID);
	poke(thread + 0x280, 8, WORLD_THREAD_ID);
	poke(process + 0x440, 8, WORLD_PROCESS_ID);
	memcpy(process + 0x5a8, "crasher.exe", 11);
}

static inline void
world_add_stacks(struct world *world)
{
	uint8_t *stack = world_add(world, WORLD_STACK, WORLD_STACK_BYTES);
	uint8_t *other = world_add(world, WORLD_OTHER_STACK, WORLD_PAGE_BYTES);
	poke(stack + WORLD_SP, 8, WORLD_KERNEL + 0x6000);
	poke(stack + WORLD_RECORD, 4, 0xc0000005);
	poke(stack + WORLD_RECORD + 0x10, 8, WORLD_FAULT);
	poke(stack + WORLD_RECORD + 0x18, 4, 2);
	poke(stack + WORLD_RECORD + 0x20, 8, 1);
	poke(stack + WORLD_RECORD + 0x28, 8, 0x18);
	world_put_context(world->arch, stack + WORLD_CONTEXT, WORLD_FAULT,
			  WORLD_STACK + WORLD_FAULT_SP);
	poke(stack + WORLD_TRAP_FRAME + 0x30, 8, 0x77);
	poke(stack + WORLD_TRAP_FRAME + 0x168, 8, WORLD_FAULT + 0x10);
	poke(stack + WORLD_TRAP_FRAME + 0x170, 2, 0x10);
	poke(stack + WORLD_TRAP_FRAME + 0x178, 4, 0x10246);
	poke(stack + WORLD_TRAP_FRAME + 0x180, 8, WORLD_STACK + WORLD_FAULT_SP);
	poke(stack + WORLD_FAULT_SP, 8, WORLD_DRIVER + 0x2000);
	poke(other + WORLD_SP, 8, WORLD_KERNEL + 0x7000);
}

static inline void
world_init(struct world *world, enum arch arch)
{
	*world = (struct world){
		.arch = arch,
		.bugcheck = 0x1000007e,
		.parameters = {UINT64_C(0xffffffffc0000005), WORLD_FAULT,
			       WORLD_STACK + WORLD_RECORD, WORLD_STACK + WORLD_CONTEXT},
	};
	world_add_modules(world);
	world_add_system(world);
	world_add_process(world);
	world_add_stacks(world);
}

/* ---- the header ---- */

static inline void
world_put_filler(uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		bytes[i] = (uint8_t) "PAGE"[i % 4];
}

/* 0x2000 bytes. */
static inline void
world_put_header(const struct world *world, uint8_t *h, uint32_t type, uint64_t directory)
{
	world_put_filler(h, 0x2000);
	memcpy(h, "PAGEDU64", 8);
	poke(h + 0x08, 4, 0xf);
	poke(h + 0x0c, 4, 19041);
	poke(h + 0x10, 8, directory);
	poke(h + 0x20, 8, WORLD_MODULE_LIST);
	poke(h + 0x30, 4, world->arch == ARCH_AMD64 ? 0x8664 : 0xaa64);
	poke(h + 0x34, 4, 2);
	poke(h + 0x38, 4, world->bugcheck);
	for (unsigned i = 0; i < 4; i++)
		poke(h + 0x40 + 8 * (size_t)i, 8, world->parameters[i]);
	poke(h + 0x80, 8, WORLD_DEBUGGER_DATA);
	world_put_context(world->arch, h + 0x348, WORLD_KERNEL + 0x5001,
			  WORLD_STACK + WORLD_FAULT_SP);
	poke(h + 0xf00, 4, 0x80000003);
	poke(h + 0xf10, 8, WORLD_KERNEL + 0x5001);
	poke(h + 0xf18, 4, 0);
	poke(h + 0xf98, 4, type);
	poke(h + 0xfa8, 8, UINT64_C(132583451029877657));
	memset(h + 0xfb0, 0, 128);
	memcpy(h + 0xfb0, "made by a test", 14);
	poke(h + 0x1030, 8, 37470697);
	poke(h + 0x1040, 4, 1);
	poke(h + 0x1044, 4, 0x110);
}

/* ---- triage ---- */

/* Appends room for LEN bytes and returns its offset. */
static inline uint32_t
world_room(struct buf *out, size_t len)
{
	uint32_t offset = (uint32_t)out->len;
	buf_append_zero(out, len);
	return offset;
}

static inline uint32_t
world_copy(struct buf *out, const struct world *world, uint64_t address, size_t len)
{
	for (size_t i = 0; i < world->n_pieces; i++)
		if (world->pieces[i].address == address) {
			uint32_t offset = (uint32_t)out->len;
			buf_append(out, slice_of(world->pieces[i].bytes, len));
			return offset;
		}
	abort();
}

static inline void
world_put_drivers(struct buf *out, uint32_t *ret_list, uint32_t *ret_pool)
{
	uint32_t list = world_room(out, WORLD_MODULES * 0x90);
	*ret_list = list;
	*ret_pool = (uint32_t)out->len;
	for (unsigned i = 0; i < WORLD_MODULES; i++) {
		size_t len = strlen(world_names[i]);
		uint32_t name = world_room(out, 4 + 2 * len + 2);
		uint8_t *entry = out->data + list + 0x90 * (size_t)i;
		poke(out->data + name, 4, len);
		world_put_text(out->data + name + 4, world_names[i]);
		poke(entry, 4, name);
		poke(entry + 0x38, 8, world_bases[i]);
		poke(entry + 0x48, 4, world_sizes[i]);
		poke(entry + 0x80, 4, 0x1000 + i);
		poke(entry + 0x88, 4, i == 1 ? WORLD_STAMP : 0x5e000000 + i);
	}
}

static inline uint32_t
world_put_unloaded(struct buf *out)
{
	uint32_t offset = world_room(out, 8 + 2 * 0x38);
	uint8_t *at = out->data + offset;
	poke(at, 4, 2);
	world_put_text(at + 8 + 0x10, "gone.sys");
	poke(at + 8 + 0x28, 8, WORLD_OTHER_DRIVER + 0x100000);
	poke(at + 8 + 0x30, 8, WORLD_OTHER_DRIVER + 0x104000);
	world_put_text(at + 8 + 0x38 + 0x10, "twelvelett.s");
	poke(at + 8 + 0x38 + 0x28, 8, WORLD_OTHER_DRIVER + 0x200000);
	poke(at + 8 + 0x38 + 0x30, 8, WORLD_OTHER_DRIVER + 0x1); /* ends before it begins */
	return offset;
}

/* All pieces but those that have a place of their own. */
static inline uint32_t
world_put_blocks(struct buf *out, const struct world *world, uint32_t *ret_count)
{
	uint32_t table = world_room(out, WORLD_PIECES_MAX * 16);
	*ret_count = 0;
	for (size_t i = 0; i < world->n_pieces; i++) {
		const struct world_piece *piece = &world->pieces[i];
		if (piece->address == WORLD_STACK || piece->address == WORLD_THREAD ||
		    piece->address == WORLD_PROCESS || piece->address == WORLD_DEBUGGER_DATA)
			continue;
		uint32_t offset = world_copy(out, world, piece->address, piece->len);
		uint8_t *block = out->data + table + 16 * (size_t)(*ret_count)++;
		poke(block, 8, piece->address);
		poke(block + 8, 4, offset);
		poke(block + 12, 4, piece->len);
	}
	return table;
}

static inline void
world_put_secondary(struct buf *out)
{
	uint32_t at = world_room(out, 16 + 0x20 + 5 + 3 + 0x20);
	uint8_t *piece = out->data + at + 16;
	memcpy(out->data + at, "DumpBlob", 8);
	poke(out->data + at + 8, 4, 16);
	for (unsigned i = 0; i < 2; i++, piece += 0x28) {
		poke(piece, 4, 0x20);
		piece[4] = (uint8_t)(0x10 + i);
		poke(piece + 0x14, 4, i == 0 ? 5 : 0);
		poke(piece + 0x1c, 4, i == 0 ? 3 : 0);
	}
}

static inline void
world_write_triage(const struct world *world, struct buf *out)
{
	uint32_t list, pool, count;
	uint32_t field[32] = {0};
	buf_init(out, WORLD_BYTES_MAX);
	(void)world_room(out, 0x2080);
	field[5] = world_room(out, 0x50);
	poke(out->data + field[5] + 4, 4, 0x50);
	poke(out->data + field[5] + 0x10, 4, 0x9bb);
	field[6] = world_put_unloaded(out);
	field[7] = world_copy(out, world, WORLD_PRCB(1), WORLD_PRCB_BYTES);
	field[8] = world_copy(out, world, WORLD_PROCESS, WORLD_PROCESS_BYTES);
	field[9] = world_copy(out, world, WORLD_THREAD, WORLD_THREAD_BYTES);
	field[10] = world_copy(out, world, WORLD_STACK, WORLD_STACK_BYTES);
	field[28] = world_copy(out, world, WORLD_DEBUGGER_DATA, 0x380);
	world_put_drivers(out, &list, &pool);
	field[30] = world_put_blocks(out, world, &count);
	field[2] = world_room(out, 4);
	memcpy(out->data + field[2], "TRGD", 4);
	field[1] = (uint32_t)out->len;
	world_put_secondary(out);
	field[3] = 0x348;
	field[4] = 0xf00;
	field[11] = WORLD_STACK_BYTES;
	field[12] = list;
	field[13] = WORLD_MODULES;
	field[14] = pool;
	field[15] = field[30] - pool;
	field[16] = pool; /* the broken driver: the kernel's name */
	field[17] = 0xffffffff;
	field[18] = (uint32_t)WORLD_STACK;
	field[19] = (uint32_t)(WORLD_STACK >> 32);
	field[29] = 0x380;
	field[31] = count;
	world_put_header(world, out->data, KERNEL_TYPE_TRIAGE, 0x1ad000);
	for (unsigned i = 0; i < 32; i++)
		poke(out->data + WORLD_TRIAGE_OFFSET + 4 * (size_t)i, 4, field[i]);
}

/* ---- pages ---- */

/* Physical memory that grows page by page; page 0 is never used, page 1 is the top table. */
struct world_frames {
	uint8_t *pages[WORLD_PAGES_MAX];
	size_t n;
};

enum {
	WORLD_FRAME_GAP = 0x10 /* frames from here on lie in a second run */
};

/* The number of the frame, whose run begins elsewhere for the later ones. */
static inline uint64_t
world_frame_number(size_t index)
{
	return index < WORLD_FRAME_GAP ? index + 1 : index + 0x1000;
}

static inline size_t
world_frame_index(uint64_t number)
{
	return (size_t)(number < 0x1000 ? number - 1 : number - 0x1000);
}

static inline size_t
world_new_frame(struct world_frames *frames)
{
	if (frames->n == WORLD_PAGES_MAX)
		abort();
	frames->pages[frames->n] = calloc(1, WORLD_PAGE_BYTES);
	return frames->n++;
}

static inline uint64_t
peek(const uint8_t *at)
{
	uint64_t value = 0;
	for (unsigned i = 8; i-- > 0;)
		value = value << 8 | at[i];
	return value;
}

/* The page that ADDRESS maps to, made when it is not there. */
static inline uint8_t *
world_map(struct world_frames *frames, uint64_t address)
{
	size_t table = 0;
	for (unsigned level = 4; level-- > 0;) {
		uint8_t *entry = frames->pages[table] + 8 * (address >> (12 + 9 * level) & 511);
		if (peek(entry) == 0) {
			size_t next = world_new_frame(frames);
			/* Stacks are in transition: not valid, still there. */
			bool is_moving = level == 0 && address >> 32 == WORLD_STACK >> 32;
			poke(entry, 8, world_frame_number(next) << 12 | (is_moving ? 0x800 : 0x63));
		}
		table = world_frame_index(peek(entry) >> 12 & 0xffffffffff);
	}
	return frames->pages[table];
}

static inline void
world_map_all(const struct world *world, struct world_frames *frames)
{
	(void)world_new_frame(frames);
	for (size_t i = 0; i < world->n_pieces; i++)
		for (size_t at = 0; at < world->pieces[i].len; at++) {
			uint64_t address = world->pieces[i].address + at;
			world_map(frames, address)[address % WORLD_PAGE_BYTES] =
				world->pieces[i].bytes[at];
		}
}

static inline void
world_put_frames(struct world_frames *frames, struct buf *out)
{
	for (size_t i = 0; i < frames->n; i++) {
		buf_append(out, slice_of(frames->pages[i], WORLD_PAGE_BYTES));
		free(frames->pages[i]);
	}
}

static inline void
world_write_full(const struct world *world, struct buf *out)
{
	struct world_frames frames = {.n = 0};
	uint8_t *runs;
	world_map_all(world, &frames);
	buf_init(out, WORLD_BYTES_MAX);
	(void)world_room(out, 0x2000);
	world_put_header(world, out->data, KERNEL_TYPE_FULL, world_frame_number(0) << 12);
	runs = out->data + WORLD_RUNS_OFFSET;
	poke(runs, 4, 2);
	poke(runs + 8, 8, frames.n);
	poke(runs + 16, 8, world_frame_number(0));
	poke(runs + 24, 8, WORLD_FRAME_GAP);
	poke(runs + 32, 8, world_frame_number(WORLD_FRAME_GAP));
	poke(runs + 40, 8, frames.n - WORLD_FRAME_GAP);
	world_put_frames(&frames, out);
}

static inline void
world_write_bitmap(const struct world *world, struct buf *out)
{
	struct world_frames frames = {.n = 0};
	size_t bits = 0x1000 + WORLD_PAGES_MAX;
	world_map_all(world, &frames);
	buf_init(out, WORLD_BYTES_MAX);
	(void)world_room(out, 0x4000);
	world_put_header(world, out->data, KERNEL_TYPE_BITMAP_KERNEL, world_frame_number(0) << 12);
	uint8_t *header = out->data + WORLD_BITMAP_OFFSET;
	memcpy(header, "SDMPDUMP", 8);
	poke(header + 0x20, 8, 0x4000);
	poke(header + 0x28, 8, frames.n);
	poke(header + 0x30, 8, bits);
	for (size_t i = 0; i < frames.n; i++) {
		uint64_t number = world_frame_number(i);
		header[0x38 + number / 8] |= (uint8_t)(1U << number % 8);
	}
	world_put_frames(&frames, out);
}

/* ---- 32 bits ---- */

static inline void
world_write_32(struct buf *out)
{
	buf_init(out, WORLD_BYTES_MAX);
	(void)world_room(out, 0x1000);
	uint8_t *h = out->data;
	world_put_filler(h, 0x1000);
	memcpy(h, "PAGEDUMP", 8);
	poke(h + 0x0c, 4, 2600);
	poke(h + 0x20, 4, 0x14c);
	poke(h + 0x24, 4, 1);
	poke(h + 0x28, 4, 0xd1);
	for (unsigned i = 0; i < 4; i++)
		poke(h + 0x2c + 4 * (size_t)i, 4, 0x80000000 + i);
	world_put_context(ARCH_X86, h + 0x320, 0x80501234, 0xf7a00100);
	poke(h + 0x7d0, 4, 0xc0000005);
	poke(h + 0x7dc, 4, 0x80501234);
	poke(h + 0x7e0, 4, 2);
	poke(h + 0x7e4, 4, 1);
	poke(h + 0x7e8, 4, 0x10);
	poke(h + 0xf88, 4, KERNEL_TYPE_TRIAGE);
	poke(h + 0xfb8, 8, 600000000);
	poke(h + 0xfc0, 8, UINT64_C(128000000000000000));
}
