/* kernel_internal.h - what the parts of the kernel dump reader share */
#pragma once

#include "base/limits.h"
#include "base/reader.h"
#include "dump/kernel.h"

enum {
	KERNEL_PAGE_BYTES = 4096,
	KERNEL_HEADER_BYTES_32 = 0x1000,
	KERNEL_HEADER_BYTES_64 = 0x2000,
	KERNEL_RECORD_BYTES = 0x98,
	KERNEL_STREAMS_MAX = 16 + LIMIT_KERNEL_SECONDARY
};

/* Parts of a kernel dump, as types of dump->streams. */
enum kernel_part {
	KERNEL_PART_HEADER = 1,
	KERNEL_PART_TRIAGE,
	KERNEL_PART_DRIVERS,
	KERNEL_PART_UNLOADED,
	KERNEL_PART_STRINGS,
	KERNEL_PART_CALL_STACK,
	KERNEL_PART_THREAD,
	KERNEL_PART_PROCESS,
	KERNEL_PART_PROCESSOR,
	KERNEL_PART_DEBUGGER_DATA,
	KERNEL_PART_DATA_BLOCKS,
	KERNEL_PART_DATA_PAGE,
	KERNEL_PART_END_MARK,
	KERNEL_PART_PAGES,
	KERNEL_PART_SECONDARY
};

/* Where pages of physical memory lie in the file. */
struct kernel_pages {
	struct slice file;
	uint64_t directory_table_base;
	/* full: runs; each has pages [base, base + count) from page `first` of the file's pages */
	struct kernel_run {
		uint64_t base;
		uint64_t count;
		uint64_t first;
	} runs[64];
	size_t n_runs;
	/* bitmap: a bit for each page that is there, and how many are there before each block */
	struct slice bitmap;
	uint64_t *ranks;
	uint64_t n_pages;
	uint64_t data_offset; /* of the first page in the file */
};

/* What is known of the offsets in kernel structures, from KDDEBUGGER_DATA64. */
struct kernel_offsets {
	uint64_t kernel_base;
	uint64_t processor_block; /* address of the array of PRCB addresses */
	uint16_t thread_teb;
	uint16_t thread_process;
	uint16_t process_bytes;
	uint16_t process_parent;
	uint16_t prcb_bytes;
	uint16_t prcb_thread;
	uint16_t prcb_mhz;
	uint16_t prcb_vendor;
	uint16_t prcb_context; /* address of a context */
	uint16_t thread_bytes;
};

struct kernel_parser {
	struct slice file;
	struct arena *arena;
	struct dump *dump;
	struct kernel_header header;
	struct kernel_triage triage;   /* type 4 */
	struct kernel_pages pages;     /* types 1, 5, 6 */
	struct memory memory;          /* virtual memory, from either */
	struct kernel_offsets offsets; /* zero: not known */
	/* What the crashing processor ran; absent or 0: not known. */
	uint64_t thread_address;
	uint64_t process_address;
	struct slice thread;
	struct slice process;
	struct slice prcb;
	bool is_name_lost; /* of a driver */
};

/* 0 past the end. */
uint32_t kernel_u32(struct slice in, uint64_t offset);
uint64_t kernel_u64(struct slice in, uint64_t offset);
uint16_t kernel_u16(struct slice in, uint64_t offset);
/* Absent when not all of it is there. */
struct slice kernel_piece(struct slice in, uint64_t offset, uint64_t bytes);
/* UTF-8 in the arena of UTF-16LE; absent at the arena's cap. */
struct slice kernel_text(struct arena *arena, struct slice utf16);
/* Printable ASCII up to a NUL in FIELD; absent: empty, not ended, or something else. */
struct slice kernel_ascii(struct slice field);

struct kernel_record kernel_record_parse_64(struct slice raw);
/* Virtual memory: a piece of the file where it lies together, else a copy in the arena; absent:
 * not all of it is in the dump, or the arena is full. */
struct slice kernel_read(struct kernel_parser *k, uint64_t address, size_t bytes);
/* False: no context of this processor at ADDRESS. */
bool kernel_read_context(struct kernel_parser *k, uint64_t address, struct registers *ret_registers,
			 struct slice *ret_raw);

/* Lists a part; NAME: NULL or of static storage or the arena. */
void kernel_add_stream(struct kernel_parser *k, uint32_t type, const char *name, uint64_t offset,
		       uint64_t bytes, err_t err);
/* ERR_LIMIT: the arena's cap. */
err_t kernel_annotate(struct kernel_parser *k, const char *name, const char *format, ...)
	__attribute__((format(printf, 3, 4))) ERR_CHECK;

/* kernel_triage.c: drivers, unloaded drivers, memory, the stack. */
err_t kernel_triage_read(struct kernel_parser *k) ERR_CHECK;
/* kernel_secondary.c: what drivers added behind the dump. */
err_t kernel_secondary_read(struct kernel_parser *k) ERR_CHECK;
/* kernel_pages.c: ERR_UNSUPPORTED: pages of this kind of dump are not read. */
err_t kernel_pages_open(struct kernel_parser *k) ERR_CHECK;
struct slice kernel_pages_virtual(const void *pages, uint64_t address, size_t len);
/* kernel_full.c: drivers from the kernel's list, stacks. */
err_t kernel_full_read(struct kernel_parser *k) ERR_CHECK;
/* kernel_system.c: processors, process, thread, from virtual memory. */
void kernel_offsets_read(struct kernel_parser *k, struct slice debugger_data);
err_t kernel_system_read(struct kernel_parser *k) ERR_CHECK;
/* kernel_exception.c: after threads and memory are there. */
void kernel_exception_read(struct kernel_parser *k);
/* kernel_image.c: stamps and debug ids from the images' headers, where memory has them. */
err_t kernel_images_read(struct kernel_parser *k) ERR_CHECK;
