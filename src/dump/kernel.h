/* kernel.h - Windows' kernel crash dumps
 *
 * PAGEDU64 (amd64, arm64): triage dumps ("minidumps" of the kernel) with their drivers, stack and
 * data blocks; full and bitmap dumps, whose pages are found through the page tables on amd64.
 * PAGEDUMP (32 bits): header, bug check, exception and context.
 *
 *	0x0000  header: bug check, context, exception record		always
 *	0x2000  triage block: offsets of everything below		triage
 *	        or the pages of the runs that the header lists		full
 *	        or a header with a bit for each page, then the pages	bitmap
 *	at last "DumpBlob": secondary data of drivers			triage
 *
 * What was not written by the kernel is filled with "PAGE" and counts as absent.
 *
 * In struct dump: `modules` are the drivers; threads[0] is what the crashing processor ran, as it
 * stood in KeBugCheckEx (or with the header's context, where the dump has no other), and further
 * threads are those of the other processors.  `exception` is the record that the bug check's
 * parameters point to, or what they say of a memory access, or the header's; with the registers of
 * the context or trap frame that they point to, or of the trap frame on the stack for the
 * instruction that they name, or the header's: there the stack begins where it went wrong.
 *
 * Refused: files without a whole header, and files of another kind.  Not read yet: the pages of
 * summary dumps of Windows 7 and older, of dumps of types 8 to 10 (live dumps), of arm64, and
 * what a 32-bit triage dump has behind its header; for them the header is all.
 */
#pragma once

#include "dump/dump.h"

enum kernel_type {
	KERNEL_TYPE_FULL = 1,
	KERNEL_TYPE_SUMMARY = 2,
	KERNEL_TYPE_HEADER = 3,
	KERNEL_TYPE_TRIAGE = 4,
	KERNEL_TYPE_BITMAP_FULL = 5,
	KERNEL_TYPE_BITMAP_KERNEL = 6,
	KERNEL_TYPE_AUTOMATIC = 7,
	KERNEL_TYPE_LIVE_KERNEL = 8,
	KERNEL_TYPE_LIVE_KERNEL_AND_USER = 9,
	KERNEL_TYPE_LIVE_COMPLETE = 10
};

struct kernel_record {
	bool is_there;
	uint32_t code;
	uint32_t flags;
	uint64_t next; /* address of a chained record */
	uint64_t address;
	uint32_t n_parameters;
	uint64_t parameters[DUMP_PARAMETERS_MAX];
};

struct kernel_header {
	bool is_64;
	enum arch arch;
	uint32_t type;  /* enum kernel_type, or what else is there */
	uint32_t major; /* 0xf: free build, 0xc: checked build */
	uint32_t minor; /* build number */
	uint64_t directory_table_base;
	uint64_t pfn_database;
	uint64_t loaded_modules;   /* PsLoadedModuleList */
	uint64_t active_processes; /* PsActiveProcessHead */
	uint32_t machine;          /* IMAGE_FILE_MACHINE_* */
	uint32_t processors;
	struct dump_bugcheck bugcheck;
	uint64_t debugger_data; /* address of KDDEBUGGER_DATA64 */
	struct slice context;   /* raw; absent: none */
	struct kernel_record exception;
	uint64_t required_bytes;
	uint64_t system_time; /* FILETIME; 0: none */
	uint64_t up_time;     /* 100 ns units; 0: none */
	struct slice comment; /* absent: none */
	uint32_t fields;      /* MiniDumpFields */
	uint32_t secondary_state;
	uint32_t product_type;
	uint32_t suite_mask;
	uint32_t writer_status;
};

/* TRIAGE_DUMP64.  Offsets count from the start of the file. */
struct kernel_triage {
	uint32_t service_pack_build;
	uint32_t dump_bytes;
	uint32_t valid_offset; /* where "TRGD" says that the writer came to its end */
	uint32_t context_offset;
	uint32_t exception_offset;
	uint32_t mm_offset;
	uint32_t unloaded_offset;
	uint32_t prcb_offset;
	uint32_t process_offset;
	uint32_t thread_offset;
	uint32_t call_stack_offset;
	uint32_t call_stack_bytes;
	uint32_t driver_list_offset;
	uint32_t driver_count;
	uint32_t string_pool_offset;
	uint32_t string_pool_bytes;
	uint32_t broken_driver_offset;
	uint32_t options;
	uint64_t top_of_stack; /* lowest address of the call stack */
	uint64_t data_page_address;
	uint32_t data_page_offset;
	uint32_t data_page_bytes;
	uint32_t debugger_data_offset;
	uint32_t debugger_data_bytes;
	uint32_t data_blocks_offset;
	uint32_t data_blocks_count;
};

bool kernel_is_dump(struct slice file); /* by its first eight bytes */

/* ERR_CORRUPT		neither PAGEDU64 nor PAGEDUMP
 * ERR_TRUNCATED	the header is not whole */
err_t kernel_header_parse(struct slice file, struct kernel_header *ret_header,
			  struct err_detail *detail) ERR_CHECK;

/* Of a 64-bit triage dump.  ERR_TRUNCATED: the block is not whole. */
err_t kernel_triage_parse(struct slice file, struct kernel_triage *ret_triage) ERR_CHECK;

/* FILE must outlive *ret_dump; ARENA holds the lists.
 * As kernel_header_parse, and ERR_LIMIT: the arena's cap. */
err_t kernel_parse(struct slice file, struct arena *arena, struct dump *ret_dump,
		   struct err_detail *detail) ERR_CHECK;
