/* limits.h - every limit on what others may send, and why it is that number */
#pragma once

/* Level 1, [MS-CER2] 2.2.1.  Eight parameters of 260 characters and a long file list are about
 * 20 KiB of UTF-16; 512 KiB leaves room for the strangest program and bounds a request's cost.
 * `ingest.limits.report_bytes` may lower it. */
#define LIMIT_REPORT_BYTES (512 * 1024)
#define LIMIT_REPORT_ARENA_BYTES (4 * 1024 * 1024) /* the parsed report, lists included */
#define LIMIT_PARAMS 10              /* [MS-CER2] 2.2.1.3.8: ids 0-9; WER_MAX_PARAM_COUNT */
#define LIMIT_EXTRA_PARAMS 64        /* parameters beyond ten are kept aside, this many */
#define LIMIT_SECONDARY_PARAMS 256   /* unbounded in [MS-CER2]; seen: 8 */
#define LIMIT_FILES 1024             /* unbounded in [MS-CER2]; seen: 14 */
#define LIMIT_TEXT_BYTES (16 * 1024) /* one attribute's value; paths reach some 1,000 */
#define LIMIT_EVENT_TYPE_BYTES 256   /* WER_MAX_EVENT_NAME_LENGTH is 64 characters */

/* XML: the schema is three deep, its widest element has five attributes. */
#define LIMIT_XML_DEPTH 32
#define LIMIT_XML_ATTRIBUTES 64
#define LIMIT_XML_ELEMENTS 8192

/* HTTP: a WER client sends four or five header lines, some 200 bytes. */
#define LIMIT_HEADER_BYTES (16 * 1024)
#define LIMIT_HEADERS 100
#define LIMIT_TARGET_BYTES 4096 /* the request line's path */
/* PROXY v2: addresses are 36 bytes at most; the rest is for TLVs such as a client certificate's
 * name (the specification asks to keep all of it under 536). */
#define LIMIT_PROXY_HEADER_BYTES 2048

/* Level-1 reply: lists of a few files or keys. */
#define LIMIT_REPLY_BYTES (64 * 1024)
#define LIMIT_REPLY_LINES 256

/* Configuration and collection rules: written by people. */
#define LIMIT_YAML_BYTES (4 * 1024 * 1024)
#define LIMIT_YAML_DEPTH 32
#define LIMIT_YAML_NODES 200000
#define LIMIT_YAML_ARENA_BYTES (64 * 1024 * 1024) /* 200,000 nodes are 40 MiB, and the text */
#define LIMIT_COLLECTION_RULES 10000
#define LIMIT_COLLECTION_ARENA_BYTES (64 * 1024 * 1024) /* compiled: 10,000 rules are 10 MiB */
#define LIMIT_LISTEN_ADDRESSES 64                       /* of one list: more than a machine has */
#define LIMIT_PATHS 64            /* of one list: each is asked for each module of a dump */
#define LIMIT_ADDRESS_RANGES 1024 /* of one list: each connection is compared with all of them */

/* Kept for study, oldest dropped first: enough to see a pattern, too little to fill a disk. */
#define LIMIT_QUARANTINE_ITEMS 1000
#define LIMIT_QUARANTINE_ITEM_BYTES (64 * 1024)
#define LIMIT_QUARANTINE_PER_SECOND 20 /* a flood is counted in full, but kept as a sample */

/* PDB files.  A browser's reaches 2 GiB, with some 20,000 modules, a million contributions and as
 * many public names. */
#define LIMIT_PDB_STREAMS 65536 /* 16 bits number them */
/* Block numbers of 4 GiB in the least blocks, 512 bytes. */
#define LIMIT_PDB_DIRECTORY_BYTES (32U * 1024 * 1024)
#define LIMIT_PDB_INFO_BYTES (1024 * 1024) /* a GUID and the names of some streams */
#define LIMIT_PDB_MODULES 65535            /* 16 bits number them */
#define LIMIT_PDB_SECTIONS 1024            /* Windows loads 96 at most; drivers have some 30 */
#define LIMIT_PDB_CONTRIBUTIONS (4 * 1024 * 1024)
#define LIMIT_PDB_PUBLICS (4 * 1024 * 1024)
#define LIMIT_PDB_OMAP (4 * 1024 * 1024)
#define LIMIT_PDB_FRAMES (4 * 1024 * 1024)
#define LIMIT_PDB_OPEN_BYTES (192 * 1024 * 1024)    /* the lists above, all at their limit */
#define LIMIT_PDB_SCRATCH_BYTES (256 * 1024 * 1024) /* and while they are sorted */
/* One object file; all of a program in one reaches 20 MiB. */
#define LIMIT_PDB_MODULE_BYTES (64 * 1024 * 1024)
#define LIMIT_PDB_MODULE_ARENA_BYTES (192 * 1024 * 1024) /* its stream copied, and its lines */
#define LIMIT_PDB_CACHE_MODULES 256 /* a stack goes through a few modules of an image */
#define LIMIT_PDB_CACHE_BYTES (32 * 1024 * 1024)
#define LIMIT_PDB_TEXT_BYTES 65536 /* 16 bits count the bytes of a record */
#define LIMIT_PDB_TEXTS 65536      /* that had to be copied: some for each frame of a dump */
#define LIMIT_PDB_TEXTS_BYTES (32 * 1024 * 1024)
/* Of one procedure, gone through at each look-up in it: some 50,000 inlined calls and their
 * variables. */
#define LIMIT_PDB_PROCEDURE_BYTES (4 * 1024 * 1024)
#define LIMIT_PDB_INLINE_DEPTH 256 /* Microsoft's compiler stops at 255 */

/* Symbol files of Breakpad's form.  A large browser's library is 1.5 GB of text; offsets into the
 * text are 32 bits. */
#define LIMIT_SYM_BYTES UINT32_MAX
#define LIMIT_SYM_NESTED_FRAMES 256 /* STACK WIN ranges inside each other; seen: 5 */
/* Of one function, looked through at each look-up; a machine-made parser has some 50,000. */
#define LIMIT_SYM_FUNCTION_LINES 500000
/* Rows of one STACK CFI INIT; each push and pop makes one; seen: 300. */
#define LIMIT_SYM_CFI_ROWS 100000

/* Mangled names.  Templates of templates reach some 10 KB, and five times that when readable; what
 * refers back to itself could grow without end. */
#define LIMIT_DEMANGLE_NAME_BYTES (64 * 1024)
#define LIMIT_DEMANGLE_OUTPUT_BYTES (256 * 1024)
#define LIMIT_DEMANGLE_ARENA_BYTES (4 * 1024 * 1024)
#define LIMIT_DEMANGLE_DEPTH 192 /* templates and types inside each other; seen: 40 */
/* ---- minidumps ----
 *
 * All lists at their limits, with what they leave behind while they grow, take some 65 MiB; a
 * dump of 1 GiB is then analysed in less than 100 MB.  What passes a list's limit is left out,
 * and its stream says ERR_LIMIT. */
#define LIMIT_MINIDUMP_ARENA_BYTES (96 * 1024 * 1024)
#define LIMIT_MINIDUMP_STREAMS 4096          /* seen: 14; some 60 types exist */
#define LIMIT_MINIDUMP_THREADS 16384         /* a 32-bit process holds 2,000, a server some more */
#define LIMIT_MINIDUMP_MODULES 16384         /* seen: 187; large programs reach 1,500 */
#define LIMIT_MINIDUMP_MEMORY_RANGES 524288  /* 4 KiB pages of 2 GiB, each a range of its own */
#define LIMIT_MINIDUMP_REGIONS 262144        /* browsers reach 50,000 */
#define LIMIT_MINIDUMP_HANDLES 131072        /* a leak worth a report has some 10,000 */
#define LIMIT_MINIDUMP_PAIRS 8192            /* annotations; Crashpad's programs set some 100 */
#define LIMIT_MINIDUMP_ODDITIES 64           /* enough to see what kind of file it is */
#define LIMIT_MINIDUMP_NAME_BYTES 65536      /* a UNICODE_STRING is never longer */
#define LIMIT_MINIDUMP_TEXT_BYTES (16 << 20) /* all names together */
#define LIMIT_MINIDUMP_BLOCK_BYTES (1 << 20) /* one environment, comment or file of /proc */
#define LIMIT_MINIDUMP_MAPS_BYTES (64 << 20) /* that file of /proc: a line for each region */
/* Cabinets, [MS-CAB].  WER's hold some ten members in one folder; a report may name LIMIT_FILES
 * files, and each may ask for more of its kind. */
#define LIMIT_CAB_MEMBERS 4096
#define LIMIT_CAB_FOLDERS 1024 /* a writer may begin a folder for each large member */
#define LIMIT_CAB_PARTS 32     /* of a set that spans cabinets; WER never sends one; seen: 5 */
#define LIMIT_CAB_MEMBER_BYTES UINT64_C(2147450880) /* 65535 blocks of 32 KiB: the format's end */
#define LIMIT_CAB_ALL_BYTES (UINT64_C(4) << 30)     /* two heap dumps of the largest size */
/* Memory full of zeros packs 600 to 1 with MSZIP, whole dumps 3 to 40: what comes out of a
 * cabinet may be 256 times as long as the cabinet, and the first 16 MiB are free. */
#define LIMIT_CAB_RATIO 256
#define LIMIT_CAB_RATIO_FREE_BYTES (UINT64_C(16) << 20)
#define LIMIT_CAB_SEARCH_BYTES                                                                     \
	(1024 * 1024) /* where a cabinet behind other bytes is looked for                          \
		       */
#define LIMIT_CAB_ARENA_BYTES                                                                      \
	(16 * 1024 * 1024)                        /* 4096 names of 255 bytes in four forms: 9 MiB  \
						   */
#define LIMIT_CAB_LIBRARY_BYTES (4 * 1024 * 1024) /* one allocation of libmspack; window: 2 MiB */
/* Files of a cabinet or a report folder, src/report: texts that Windows wrote. */
/* A Report.wer with 500 modules is 100 KiB of UTF-16, a memory.csv of 1,000 processes 300 KiB; an
 * AppCompat.txt describes many images of a program's folder with some hundred bytes each. */
#define LIMIT_TEXT_FILE_BYTES (8 * 1024 * 1024)
/* Broken UTF-8 grows threefold to 24 MiB; what is read out of it may copy it once. */
#define LIMIT_TEXT_FILE_ARENA_BYTES (96 * 1024 * 1024)
#define LIMIT_TEXT_FILE_SHOWN_BYTES (64 * 1024) /* of a text printed whole; more than one reads */
#define LIMIT_TEXT_PAIRS 16384                  /* name and value lines of a plain text */
#define LIMIT_WER_LINES 32768 /* Report.wer: LoadedModule lines are the most, some hundreds */
/* Elements that are described by attributes or leaves: sysdata.xml has some hundreds of drivers and
 * devices; AppCompat.txt has an image for a file of the program's folder, with some 25 facts each.
 */
#define LIMIT_XML_RECORDS 16384
#define LIMIT_XML_FIELDS (8 * LIMIT_XML_RECORDS)
#define LIMIT_XML_SCAN_DEPTH 64 /* open elements that are told apart; the forms are 4 deep */
/* WERInternalMetadata.xml: each ancestor is two elements deeper.  Shells in shells are some ten. */
#define LIMIT_METADATA_PROCESSES 32
#define LIMIT_METADATA_DEPTH (2 * LIMIT_METADATA_PROCESSES + 8)
#define LIMIT_METADATA_LAYERS 64       /* layers of a Windows build: a handful */
#define LIMIT_METADATA_OTHER 1024      /* elements that we do not know; 8 are the caller's own */
#define LIMIT_METADATA_PATH_BYTES 4096 /* of one element below the root */
#define LIMIT_PROCESSES 16384          /* rows of memory.csv; thousands on a terminal server */
#define LIMIT_PROCESS_COLUMNS 128      /* 33 are known */
#define LIMIT_REGISTRY_KEYS 16384      /* a tree as large as a program's whole settings */
#define LIMIT_REGISTRY_VALUES 65536
#define LIMIT_REGISTRY_LINES 4096 /* lines of no known form that are kept */
/* Files of a report folder, compared with each File[n] of its Report.wer: a report has some ten. */
#define LIMIT_FOLDER_FILES 1024
/* What was asked of a client: our own rules wrote it, into 64 KiB. */
#define LIMIT_EVIDENCE_ITEMS 1024
#define LIMIT_EVIDENCE_FILES 65535 /* a cabinet's header counts in 16 bits */
/* Kernel dumps.  A dump of a small machine has 151 drivers and 1,831 data blocks. */
#define LIMIT_KERNEL_DRIVERS 4096
#define LIMIT_KERNEL_UNLOADED 1024 /* Windows remembers 50 */
#define LIMIT_KERNEL_DATA_BLOCKS (64 * 1024)
#define LIMIT_KERNEL_SECONDARY 1024  /* one for each driver that adds data; seen: 20 */
#define LIMIT_KERNEL_PROCESSORS 2048 /* as many as Windows can run */
#define LIMIT_KERNEL_NAME_BYTES 2048 /* a driver's path in UTF-16; MAX_PATH is 520 bytes */
/* A kernel stack is 24 KiB on 64-bit Windows, 72 KiB when it was enlarged. */
#define LIMIT_KERNEL_STACK_BYTES (128 * 1024)
#define LIMIT_KERNEL_STACK_PIECES 64 /* of memory that make up one stack: pages, data blocks */
/* A bitmap dump has a bit for each page of memory: 16 TiB are 2^32 pages, 512 MiB of bits. */
#define LIMIT_KERNEL_PAGES (UINT64_C(1) << 32)
/* The directories of one image; real ones have two to four entries. */
#define LIMIT_IMAGE_DEBUG_ENTRIES 32
#define LIMIT_IMAGE_DEBUG_NAME_BYTES 512 /* the path of a PDB file */

/* ELF cores.  Linux allows 65,530 mappings unless its administrator raised that. */
#define LIMIT_CORE_SEGMENTS (256 * 1024)
#define LIMIT_CORE_SECTIONS 65536 /* a core has none, or one that counts its segments */
#define LIMIT_CORE_THREADS 65536
#define LIMIT_CORE_NOTES (8 * LIMIT_CORE_THREADS) /* five or six a thread */
#define LIMIT_CORE_FILES (256 * 1024)             /* mapped files: not more than segments */
#define LIMIT_CORE_MODULES 32768                  /* the largest programs have some 3,000 */
#define LIMIT_BUILD_ID_BYTES 64                   /* 20 (SHA-1) or 16 (MD5, UUID) in the field */

/* Written minidumps: what is in reach of their 32-bit offsets.  Memory of a heap dump lies behind
 * and may be longer. */
/* Class buckets.  The longest name that was ever reported to a symbol reader had 155,082 bytes,
 * nearly all of it a return type, so that a cut would lose the name itself. */
#define LIMIT_FUNCTION_NAME_BYTES (256 * 1024)
#define LIMIT_NORMALIZED_BYTES                                                                     \
	512 /* templates and arguments are gone by then; real ones are under 200 */
#define LIMIT_ABORT_MESSAGE_BYTES 4096 /* what is looked at; a message for people is one line */
/* Names of all frames of one crash together; real ones are under 64 KiB.  What comes after that is
 * cut to the second number: 256 names of 256 KiB would be a second of work. */
#define LIMIT_CRASH_NAMES_BYTES (4 * 1024 * 1024)
#define LIMIT_CRASH_NAME_BYTES_THEN 4096
/* Frames of a stack that are looked at: what is to blame is among the first; the cycle of an
 * endless recursion shows within some ten rounds. */
#define LIMIT_CRASH_FRAMES 256
#define LIMIT_FRAME_LIST_BYTES (1024 * 1024) /* one list; ours are a few KiB */
#define LIMIT_FRAME_RULES 20000              /* of all lists; ours are under 2,000 */
#define LIMIT_FRAME_PATTERN_BYTES 256
/* Medoids in memory at once: some 400 bytes each. */
#define LIMIT_MEDOIDS 1000000
#define LIMIT_DEMANGLE_STEPS 500000 /* parts of a name that are visited, again too */

/* Folders of symbol files.  The largest PDBs in the field have some 4 GB. */
#define LIMIT_SYMBOL_FILE_BYTES (UINT64_C(8) * 1024 * 1024 * 1024)
#define LIMIT_SYMBOL_UNPACKED_BYTES ((size_t)1024 * 1024 * 1024) /* out of a cabinet, in memory */
/* Names in a folder that are kept to find one in another case: 200,000 are some 10 MB. */
#define LIMIT_SYMBOL_FOLDER_NAMES 200000
#define LIMIT_SYMBOL_FOLDER_ARENA_BYTES (64 * 1024 * 1024)
#define LIMIT_SYMBOL_FOUND_ARENA_BYTES (1024 * 1024) /* paths and reasons of one module */
/* Written minidumps: their offsets have 32 bits, but for the memory of heap dumps, which lies
 * behind everything else. */
#define LIMIT_WRITE_OFFSET UINT64_C(0xffffffff)
#define LIMIT_WRITE_HEAD_BYTES (512 * 1024 * 1024) /* all but memory: 1,800 bytes a thread */
#define LIMIT_WRITE_LIST (256 * 1024)              /* threads, modules, pieces of memory */
/* Of one thread: the part of a stack that is in use is rarely over 100 KiB; 1 MiB is all that a
 * thread of Windows has, and shows how an endless recursion of Linux (8 MiB) goes. */
#define LIMIT_WRITE_STACK_BYTES (1024 * 1024)
#define LIMIT_WRITE_STACK_PIECES 1024             /* of memory that make up one stack */
#define LIMIT_WRITE_MICRO_STACK_BYTES (16 * 1024) /* the top of the crashing thread's */
/* PE images.  The loader of Windows takes 96 sections, linkers write some 20; 65,535 ordinals
 * are 16 bits.  Company names and descriptions are a line of text. */
#define LIMIT_PE_SECTIONS 1024
#define LIMIT_PE_EXPORTS 65536
#define LIMIT_PE_NAME_BYTES (16 * 1024)        /* decorated C++ names reach 4,096 */
#define LIMIT_PE_DEBUG_ENTRIES 64              /* seen: 5 */
#define LIMIT_PE_RESOURCE_ENTRIES 4096         /* of one folder; seen: some 1,000 icons */
#define LIMIT_PE_VERSION_BYTES (64 * 1024)     /* its length is 16 bits */
#define LIMIT_PE_VERSION_STRINGS 256           /* of one version resource; seen: 14 */
#define LIMIT_PE_ARENA_BYTES (4 * 1024 * 1024) /* 65,536 exports are 1.5 MiB, and the texts */
#define LIMIT_PE_UNWIND_CHAIN 32               /* chained entries; Windows gives up after 32 */
#define LIMIT_PE_HYBRID_RANGES 65536           /* of ARM64EC code; seen: some 20 */

/* ELF files with DWARF.  libdw inflates all debug sections at once, a browser's are 500 MB; of
 * each byte of a line table it makes some 100, and that of a database in one file has 600 KiB. */
#define LIMIT_ELF_SECTIONS 65536 /* seen: 45; one for each function reaches this */
#define LIMIT_ELF_INFLATED_BYTES (512 * 1024 * 1024)
#define LIMIT_ELF_LINE_BYTES (4 * 1024 * 1024)       /* of one unit */
#define LIMIT_ELF_MINIDEBUG_BYTES (64 * 1024 * 1024) /* inflated .gnu_debugdata; seen: 2 MiB */
#define LIMIT_ELF_SYMBOLS (2 * 1024 * 1024)          /* browsers have 1,000,000 */
#define LIMIT_ELF_UNITS (256 * 1024)                 /* browsers have 60,000 */
#define LIMIT_ELF_RANGES (2 * 1024 * 1024)        /* of units, and of the functions of one unit */
#define LIMIT_ELF_DEPTH 128                       /* of entries inside each other; seen: 20 */
#define LIMIT_ELF_LOOKUP_STEPS (1024 * 1024)      /* entries and ranges that one look-up reads */
#define LIMIT_ELF_ARENA_BYTES (256 * 1024 * 1024) /* indexes: 2 Mi symbols are 64 MiB */
#define LIMIT_DWARF_EXPRESSION_STEPS 4096         /* operations with jumps; seen: 12 */
#define LIMIT_DWARF_EXPRESSION_STACK 64           /* DWARF names no number; seen: 4 */
