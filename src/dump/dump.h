/* dump.h - what a crash dump says, whoever wrote it
 *
 * One structure for minidumps (WER, Breakpad, Crashpad, Wine), kernel triage and full dumps, and
 * ELF cores.  It is filled by the reader of the format (minidump.h, kernel.h, core.h) from bytes
 * that must outlive it; lists lie in the arena that the reader was given, memory is not copied.
 * Structure that is wrong in one stream costs that stream: it is listed in `streams` with its
 * error, and the rest is read.  Only a header or directory that cannot be read refuses the file.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "base/slice.h"
#include "symbols/memory.h"
#include "symbols/registers.h"

enum dump_kind {
	DUMP_MINIDUMP,
	DUMP_KERNEL_TRIAGE,
	DUMP_KERNEL_FULL, /* header, bug check, context; also bitmap dumps */
	DUMP_CORE,
	DUMP_KIND_N
};

enum dump_os {
	DUMP_OS_UNKNOWN,
	DUMP_OS_WINDOWS,
	DUMP_OS_LINUX,
	DUMP_OS_ANDROID,
	DUMP_OS_MACOS,
	DUMP_OS_IOS,
	DUMP_OS_SOLARIS,
	DUMP_OS_PS3,
	DUMP_OS_N
};

struct dump_stream {
	uint32_t type;
	const char *name; /* "ThreadList"; NULL: unknown */
	uint64_t offset;
	uint64_t bytes;
	err_t err;    /* OK: read, or of a type that is only listed */
	bool is_read; /* false: listed only */
};

struct dump_memory {
	uint64_t base;
	struct slice bytes;
};

/* A MEMORY_BASIC_INFORMATION, or a line of /proc/PID/maps with the nearest values. */
struct dump_region {
	uint64_t base;
	uint64_t bytes;
	uint64_t allocation_base;
	uint32_t allocation_protection;
	uint32_t state;      /* MEM_COMMIT 0x1000, MEM_RESERVE 0x2000, MEM_FREE 0x10000 */
	uint32_t protection; /* PAGE_* */
	uint32_t type;       /* MEM_PRIVATE 0x20000, MEM_MAPPED 0x40000, MEM_IMAGE 0x1000000 */
	struct slice name;   /* of the file that is mapped; absent: none or not known */
};

struct dump_module {
	struct slice name; /* as the dump has it: full path or bare name */
	uint64_t base;
	uint64_t bytes;
	uint32_t timestamp; /* PE TimeDateStamp; 0: none */
	uint32_t checksum;
	struct slice version;         /* "6.1.7601.17514"; absent: none */
	struct slice product_version; /* the same */
	struct slice debug_name;      /* "app.pdb", as the CodeView record has it; absent: none */
	/* 32 hex digits of the GUID in upper case and the age in hex, as Breakpad and symbol
	 * servers write it; absent: no identity (an all-zero GUID is none). */
	struct slice debug_id;
	/* PE: timestamp as 8 hex digits and size; ELF: build id in hex; Mach-O: UUID in hex. */
	struct slice code_id;
	/* Raw bytes of an ELF build id, of older Breakpads the first 16 alone; absent: none. */
	struct slice build_id;
	bool is_main; /* the program itself */
};

struct dump_unloaded {
	struct slice name;
	uint64_t base;
	uint64_t bytes;
	uint32_t timestamp;
	uint32_t checksum;
};

struct dump_thread {
	uint64_t id;
	struct slice name; /* absent: none */
	bool has_registers;
	struct registers registers;
	uint64_t stack_base; /* lowest address that the dump has of it */
	uint64_t stack_bytes;
	uint64_t teb;
	uint64_t start_address; /* 0: not known */
	uint32_t suspend_count;
	uint32_t priority_class;
	uint32_t priority;
	uint32_t exit_status;
	uint64_t created; /* FILETIME; 0: not known, as those below */
	uint64_t kernel_time;
	uint64_t user_time; /* 100 ns units */
	uint64_t affinity;
	uint32_t last_error;  /* of the TEB, where the dump has it */
	struct slice context; /* the raw context record: XSAVE and CET state are in it */
};

enum {
	DUMP_PARAMETERS_MAX = 15 /* EXCEPTION_MAXIMUM_PARAMETERS */
};

struct dump_exception {
	bool is_there; /* a dump need not be a crash */
	uint64_t thread_id;
	uint32_t code; /* Windows: exception code; Linux: signal; macOS: Mach exception */
	uint32_t flags;
	uint64_t record;  /* address of a chained record */
	uint64_t address; /* Windows: of the instruction; Linux: si_addr for faults */
	uint32_t n_parameters;
	uint64_t parameters[DUMP_PARAMETERS_MAX];
	bool has_registers;
	struct registers registers;
	struct slice context;
};

struct dump_bugcheck {
	bool is_there;
	uint32_t code; /* as it is stored: the "M" form keeps its 0x10000000 */
	uint64_t parameters[4];
};

struct dump_handle {
	uint64_t handle;
	struct slice type;
	struct slice name;
	uint32_t attributes;
	uint32_t access;
	uint32_t handle_count;
	uint32_t pointer_count;
	struct slice info; /* kinds and bytes of its object information, for people; absent: none */
};

struct dump_pair {
	struct slice name;
	struct slice value;
};

/* A list in the arena. */
#define DUMP_LIST(type)                                                                            \
	struct {                                                                                   \
		type *items;                                                                       \
		size_t n;                                                                          \
	}

struct dump {
	enum dump_kind kind;
	enum dump_os os;
	enum arch arch;
	struct slice writer; /* "Microsoft", "Breakpad", "Crashpad", "Wine", "kernel" ...; absent:
				unknown */
	struct slice os_version; /* "10.0.22000" */
	struct slice os_text;    /* service pack or uname line; absent: none */
	uint32_t os_suite;
	uint32_t os_product_type;
	uint32_t processors;
	struct slice cpu;    /* vendor and model, for people */
	int64_t time_us;     /* when it was written; 0: not known */
	uint64_t flags;      /* MINIDUMP_TYPE */
	uint64_t process_id; /* 0: not known */
	int64_t process_started_us;
	uint64_t process_user_us;
	uint64_t process_kernel_us;
	struct slice image_path;
	struct slice command_line;
	struct slice
		environment;    /* NAME=VALUE, each with a newline behind it: it may hold secrets */
	struct slice comment;   /* comment streams, joined by newlines */
	struct slice integrity; /* "medium"; of the token */
	struct slice user;      /* of the token: a SID */
	struct dump_exception exception;
	struct dump_bugcheck bugcheck;
	DUMP_LIST(struct dump_stream) streams;
	DUMP_LIST(struct dump_thread) threads;
	DUMP_LIST(struct dump_module) modules; /* as the dump lists them */
	DUMP_LIST(struct dump_unloaded) unloaded;
	DUMP_LIST(struct dump_memory) memory; /* by base; those that overlap or wrap are left out */
	DUMP_LIST(struct dump_region) regions;
	DUMP_LIST(struct dump_handle) handles;
	DUMP_LIST(struct dump_pair) annotations; /* of Crashpad, and what is worth a name */
	/* Kernel triage: the stack that was live, as the dump kept it. */
	uint64_t call_stack_base;
	struct slice call_stack;
	/* Modules by base, of those that do not overlap an earlier one: for dump_find_module. */
	uint32_t *modules_by_base;
	size_t n_modules_by_base;
	struct slice current_folder;
	/* The thread that asked for the dump, crash or not; 0: not known. */
	uint64_t requesting_thread;
	/* What has no member of its own: "system_memory.page_bytes", "auxv.entry" ... */
	DUMP_LIST(struct dump_pair) facts;
	/* Content that is strange, a line each for people. */
	DUMP_LIST(struct slice) oddities;
};

/* What the readers call when they are done: sorts memory, regions and modules for the look-ups
 * below.  ERR_LIMIT: the arena's cap. */
err_t dump_index(struct dump *dump, struct arena *arena) ERR_CHECK;

/* The module that holds ADDRESS, or -1. */
int dump_find_module(const struct dump *dump, uint64_t address);
/* NULL: none. */
const struct dump_unloaded *dump_find_unloaded(const struct dump *dump, uint64_t address);
const struct dump_region *dump_find_region(const struct dump *dump, uint64_t address);
/* The thread of the exception, else the one that a kernel dump or core was taken in; -1: none. */
int dump_crashing_thread(const struct dump *dump);
/* For symbols_unwind and stackwalk. */
struct memory dump_memory_of(const struct dump *dump);
/* The last part of a path with / or \. */
struct slice dump_base_name(struct slice path);
const char *dump_os_name(enum dump_os os); /* "windows", "linux" ... "unknown" */
