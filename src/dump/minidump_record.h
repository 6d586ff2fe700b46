/* minidump_record.h - the structures of a minidump file, field by field as they lie there
 *
 * For the reader (minidump.h), the writer and their tests.  Names and layouts are those of
 * Windows' minidumpapiset.h, and for the streams of others those of their writers; all numbers are
 * little-endian, nothing is padded but where a field says so.  A read past the end sticks in the
 * struct reader; nothing else is checked here.
 */
#pragma once

#include <stdint.h>

#include "base/reader.h"

enum {
	MINIDUMP_VERSION = 0xa793, /* low half of the header's version */
	MINIDUMP_PARAMETERS = 15,  /* EXCEPTION_MAXIMUM_PARAMETERS */
	MINIDUMP_XSTATE_FEATURES = 64
};
#define MINIDUMP_SIGNATURE UINT32_C(0x504d444d)         /* "MDMP" */
#define MINIDUMP_SIGNATURE_SWAPPED UINT32_C(0x4d444d50) /* of a big-endian writer */
#define MINIDUMP_VERSION_SIGNATURE UINT32_C(0xfeef04bd) /* VS_FIXEDFILEINFO */
#define MINIDUMP_CODEVIEW_RSDS UINT32_C(0x53445352)
#define MINIDUMP_CODEVIEW_NB10 UINT32_C(0x3031424e)
#define MINIDUMP_CODEVIEW_ELF UINT32_C(0x4270454c) /* "LEpB": Breakpad's ELF build id */

/* Bytes of each record. */
enum {
	MINIDUMP_HEADER_BYTES = 32,
	MINIDUMP_DIRECTORY_BYTES = 12,
	MINIDUMP_LOCATION_BYTES = 8,
	MINIDUMP_DESCRIPTOR_BYTES = 16,
	MINIDUMP_THREAD_BYTES = 48,
	MINIDUMP_THREAD_EX_BYTES = 64,
	MINIDUMP_MODULE_BYTES = 108,
	MINIDUMP_UNLOADED_BYTES = 24,
	MINIDUMP_REGION_BYTES = 48,
	MINIDUMP_THREAD_INFO_BYTES = 64,
	MINIDUMP_THREAD_NAME_BYTES = 12,
	MINIDUMP_HANDLE_BYTES = 32, /* 40 with object information */
	MINIDUMP_EXCEPTION_BYTES = 168,
	MINIDUMP_SYSTEM_BYTES = 56,
	MINIDUMP_MISC_1_BYTES = 24,
	MINIDUMP_MISC_2_BYTES = 44,
	MINIDUMP_MISC_3_BYTES = 232,
	MINIDUMP_MISC_4_BYTES = 832,
	MINIDUMP_MISC_5_BYTES = 1364,
	MINIDUMP_BREAKPAD_BYTES = 12
};

/* Stream types. */
enum minidump_stream {
	MINIDUMP_UNUSED = 0,
	MINIDUMP_THREAD_LIST = 3,
	MINIDUMP_MODULE_LIST = 4,
	MINIDUMP_MEMORY_LIST = 5,
	MINIDUMP_EXCEPTION = 6,
	MINIDUMP_SYSTEM_INFO = 7,
	MINIDUMP_THREAD_EX_LIST = 8,
	MINIDUMP_MEMORY64_LIST = 9,
	MINIDUMP_COMMENT_A = 10,
	MINIDUMP_COMMENT_W = 11,
	MINIDUMP_HANDLE_DATA = 12,
	MINIDUMP_FUNCTION_TABLE = 13,
	MINIDUMP_UNLOADED_MODULE_LIST = 14,
	MINIDUMP_MISC_INFO = 15,
	MINIDUMP_MEMORY_INFO_LIST = 16,
	MINIDUMP_THREAD_INFO_LIST = 17,
	MINIDUMP_HANDLE_OPERATION_LIST = 18,
	MINIDUMP_TOKEN = 19,
	MINIDUMP_JAVASCRIPT_DATA = 20,
	MINIDUMP_SYSTEM_MEMORY_INFO = 21,
	MINIDUMP_PROCESS_VM_COUNTERS = 22,
	MINIDUMP_IPT_TRACE = 23,
	MINIDUMP_THREAD_NAMES = 24,
	MINIDUMP_BREAKPAD_INFO = 0x47670001,
	MINIDUMP_BREAKPAD_ASSERTION = 0x47670002,
	MINIDUMP_LINUX_CPUINFO = 0x47670003,
	MINIDUMP_LINUX_STATUS = 0x47670004,
	MINIDUMP_LINUX_LSB_RELEASE = 0x47670005,
	MINIDUMP_LINUX_CMDLINE = 0x47670006,
	MINIDUMP_LINUX_ENVIRON = 0x47670007,
	MINIDUMP_LINUX_AUXV = 0x47670008,
	MINIDUMP_LINUX_MAPS = 0x47670009,
	MINIDUMP_LINUX_DSO_DEBUG = 0x4767000a,
	MINIDUMP_CRASHPAD_INFO = 0x43500001,
};

/* "ThreadList"; NULL: not known. */
const char *minidump_stream_name(uint32_t type);

struct minidump_header {
	uint32_t signature;
	uint32_t version; /* the high half is the writer's own; Microsoft's is not 0 */
	uint32_t n_streams;
	uint32_t directory_rva;
	uint32_t checksum;
	uint32_t timestamp; /* time_t */
	uint64_t flags;     /* MINIDUMP_TYPE */
};

struct minidump_location {
	uint32_t bytes;
	uint32_t rva; /* offset in the file */
};

struct minidump_directory {
	uint32_t type;
	struct minidump_location location;
};

/* MINIDUMP_MEMORY_DESCRIPTOR */
struct minidump_descriptor {
	uint64_t base;
	struct minidump_location location;
};

struct minidump_thread {
	uint32_t id;
	uint32_t suspend_count;
	uint32_t priority_class;
	uint32_t priority;
	uint64_t teb;
	struct minidump_descriptor stack;
	struct minidump_location context;
};

/* VS_FIXEDFILEINFO */
struct minidump_version {
	uint32_t signature;
	uint32_t struct_version;
	uint32_t file_version_high, file_version_low;
	uint32_t product_version_high, product_version_low;
	uint32_t file_flags_mask;
	uint32_t file_flags;
	uint32_t file_os;
	uint32_t file_type;
	uint32_t file_subtype;
	uint32_t file_date_high, file_date_low;
};

struct minidump_module {
	uint64_t base;
	uint32_t bytes;
	uint32_t checksum;
	uint32_t timestamp;
	uint32_t name_rva;
	struct minidump_version version;
	struct minidump_location codeview;
	struct minidump_location misc;
};

struct minidump_unloaded {
	uint64_t base;
	uint32_t bytes;
	uint32_t checksum;
	uint32_t timestamp;
	uint32_t name_rva;
};

struct minidump_region {
	uint64_t base;
	uint64_t allocation_base;
	uint32_t allocation_protection;
	uint64_t bytes;
	uint32_t state;
	uint32_t protection;
	uint32_t type;
};

struct minidump_thread_info {
	uint32_t id;
	uint32_t flags; /* MINIDUMP_THREAD_INFO_* */
	uint32_t error;
	uint32_t exit_status;
	uint64_t created, exited; /* FILETIME */
	uint64_t kernel_time, user_time;
	uint64_t start_address;
	uint64_t affinity;
};

struct minidump_thread_name {
	uint32_t id;
	uint64_t name_rva;
};

struct minidump_handle {
	uint64_t handle;
	uint32_t type_rva;
	uint32_t name_rva;
	uint32_t attributes;
	uint32_t access;
	uint32_t handle_count;
	uint32_t pointer_count;
	uint32_t info_rva; /* 0 in the short form */
};

struct minidump_exception {
	uint32_t thread_id;
	uint32_t code;
	uint32_t flags;
	uint64_t record;
	uint64_t address;
	uint32_t n_parameters;
	uint64_t parameters[MINIDUMP_PARAMETERS];
	struct minidump_location context;
};

/* CPU_INFORMATION: which half is filled depends on processor and writer. */
struct minidump_cpu {
	uint32_t vendor[3];
	uint32_t version;
	uint32_t features;
	uint32_t amd_features;
};

struct minidump_system {
	uint16_t architecture;
	uint16_t level;
	uint16_t revision;
	uint8_t n_processors;
	uint8_t product_type;
	uint32_t major, minor, build;
	uint32_t platform;
	uint32_t csd_rva;
	uint16_t suite_mask;
	struct minidump_cpu cpu;
};

/* Where a feature lies in an XSAVE area, XSTATE_CONFIG_FEATURE_MSC_INFO. */
struct minidump_xstate {
	uint32_t info_bytes;
	uint32_t context_bytes;
	uint64_t enabled;
	struct {
		uint32_t offset, bytes;
	} features[MINIDUMP_XSTATE_FEATURES];
};

/* MINIDUMP_MISC_INFO to _5: what a shorter one does not have is 0. */
struct minidump_misc {
	uint32_t info_bytes; /* some writers leave it 0: the stream's size decides */
	uint32_t flags;
	uint32_t process_id;
	uint32_t created; /* time_t; the two below in seconds */
	uint32_t user_time;
	uint32_t kernel_time;
	uint32_t max_mhz, current_mhz, limit_mhz;
	uint32_t max_idle_state, current_idle_state;
	uint32_t integrity;
	uint32_t execute_flags;
	uint32_t protected_process;
	uint32_t time_zone_id;
	int32_t bias; /* minutes; UTC = local time + bias */
	struct slice standard_name, daylight_name;
	int32_t standard_bias, daylight_bias;
	struct slice build, debugger_build; /* UTF-16, ends at the first NUL */
	struct minidump_xstate xstate;
	uint32_t cookie;
};

enum {
	MINIDUMP_MISC_PROCESS_ID = 0x1,
	MINIDUMP_MISC_PROCESS_TIMES = 0x2,
	MINIDUMP_MISC_POWER = 0x4,
	MINIDUMP_MISC_INTEGRITY = 0x10,
	MINIDUMP_MISC_EXECUTE_FLAGS = 0x20,
	MINIDUMP_MISC_TIME_ZONE = 0x40,
	MINIDUMP_MISC_PROTECTED = 0x80,
	MINIDUMP_MISC_BUILD = 0x100,
	MINIDUMP_MISC_COOKIE = 0x200
};

struct minidump_breakpad {
	uint32_t validity; /* bit 0: dump_thread, bit 1: requesting_thread */
	uint32_t dump_thread;
	uint32_t requesting_thread;
};

struct minidump_header minidump_read_header(struct reader *r);
struct minidump_location minidump_read_location(struct reader *r);
struct minidump_directory minidump_read_directory(struct reader *r);
struct minidump_descriptor minidump_read_descriptor(struct reader *r);
struct minidump_thread minidump_read_thread(struct reader *r);
struct minidump_module minidump_read_module(struct reader *r);
struct minidump_unloaded minidump_read_unloaded(struct reader *r);
struct minidump_region minidump_read_region(struct reader *r);
struct minidump_thread_info minidump_read_thread_info(struct reader *r);
struct minidump_thread_name minidump_read_thread_name(struct reader *r);
/* IS_LONG: with info_rva. */
struct minidump_handle minidump_read_handle(struct reader *r, bool is_long);
struct minidump_exception minidump_read_exception(struct reader *r);
struct minidump_system minidump_read_system(struct reader *r);
/* As many fields as the bytes that are left have; never fails. */
struct minidump_misc minidump_read_misc(struct reader *r);
struct minidump_breakpad minidump_read_breakpad(struct reader *r);
