#include "dump/minidump_record.h"

static const struct {
	uint32_t type;
	const char *name;
} stream_names[] = {
	{0, "Unused"},
	{1, "Reserved0"},
	{2, "Reserved1"},
	{3, "ThreadList"},
	{4, "ModuleList"},
	{5, "MemoryList"},
	{6, "Exception"},
	{7, "SystemInfo"},
	{8, "ThreadExList"},
	{9, "Memory64List"},
	{10, "CommentA"},
	{11, "CommentW"},
	{12, "HandleData"},
	{13, "FunctionTable"},
	{14, "UnloadedModuleList"},
	{15, "MiscInfo"},
	{16, "MemoryInfoList"},
	{17, "ThreadInfoList"},
	{18, "HandleOperationList"},
	{19, "Token"},
	{20, "JavaScriptData"},
	{21, "SystemMemoryInfo"},
	{22, "ProcessVmCounters"},
	{23, "IptTrace"},
	{24, "ThreadNames"},
	{0xfff0, "WineElfModuleList"},
	{0x43500001, "CrashpadInfo"},
	{0x47670001, "BreakpadInfo"},
	{0x47670002, "BreakpadAssertion"},
	{0x47670003, "LinuxCpuInfo"},
	{0x47670004, "LinuxProcStatus"},
	{0x47670005, "LinuxLsbRelease"},
	{0x47670006, "LinuxCmdLine"},
	{0x47670007, "LinuxEnviron"},
	{0x47670008, "LinuxAuxv"},
	{0x47670009, "LinuxMaps"},
	{0x4767000a, "LinuxDsoDebug"},
	{0x4d7a0001, "MozMacosCrashInfo"},
	{0x4d7a0002, "MozMacosBootArgs"},
	{0x4d7a0003, "MozLinuxLimits"},
	{0x4d7a0004, "MozSoftErrors"},
};

const char *
minidump_stream_name(uint32_t type)
{
	for (size_t i = 0; i < sizeof(stream_names) / sizeof(stream_names[0]); i++)
		if (stream_names[i].type == type)
			return stream_names[i].name;
	return NULL;
}

/* Members of an initializer are evaluated in no order: each read is a statement of its own. */

struct minidump_header
minidump_read_header(struct reader *r)
{
	struct minidump_header header;
	header.signature = reader_u32(r);
	header.version = reader_u32(r);
	header.n_streams = reader_u32(r);
	header.directory_rva = reader_u32(r);
	header.checksum = reader_u32(r);
	header.timestamp = reader_u32(r);
	header.flags = reader_u64(r);
	return header;
}

struct minidump_location
minidump_read_location(struct reader *r)
{
	struct minidump_location location;
	location.bytes = reader_u32(r);
	location.rva = reader_u32(r);
	return location;
}

struct minidump_directory
minidump_read_directory(struct reader *r)
{
	struct minidump_directory directory;
	directory.type = reader_u32(r);
	directory.location = minidump_read_location(r);
	return directory;
}

struct minidump_descriptor
minidump_read_descriptor(struct reader *r)
{
	struct minidump_descriptor descriptor;
	descriptor.base = reader_u64(r);
	descriptor.location = minidump_read_location(r);
	return descriptor;
}

struct minidump_thread
minidump_read_thread(struct reader *r)
{
	struct minidump_thread thread;
	thread.id = reader_u32(r);
	thread.suspend_count = reader_u32(r);
	thread.priority_class = reader_u32(r);
	thread.priority = reader_u32(r);
	thread.teb = reader_u64(r);
	thread.stack = minidump_read_descriptor(r);
	thread.context = minidump_read_location(r);
	return thread;
}

static struct minidump_version
read_version(struct reader *r)
{
	struct minidump_version version;
	version.signature = reader_u32(r);
	version.struct_version = reader_u32(r);
	version.file_version_high = reader_u32(r);
	version.file_version_low = reader_u32(r);
	version.product_version_high = reader_u32(r);
	version.product_version_low = reader_u32(r);
	version.file_flags_mask = reader_u32(r);
	version.file_flags = reader_u32(r);
	version.file_os = reader_u32(r);
	version.file_type = reader_u32(r);
	version.file_subtype = reader_u32(r);
	version.file_date_high = reader_u32(r);
	version.file_date_low = reader_u32(r);
	return version;
}

struct minidump_module
minidump_read_module(struct reader *r)
{
	enum {
		RESERVED = 16
	};
	struct minidump_module module;
	module.base = reader_u64(r);
	module.bytes = reader_u32(r);
	module.checksum = reader_u32(r);
	module.timestamp = reader_u32(r);
	module.name_rva = reader_u32(r);
	module.version = read_version(r);
	module.codeview = minidump_read_location(r);
	module.misc = minidump_read_location(r);
	(void)reader_bytes(r, RESERVED);
	return module;
}

struct minidump_unloaded
minidump_read_unloaded(struct reader *r)
{
	struct minidump_unloaded module;
	module.base = reader_u64(r);
	module.bytes = reader_u32(r);
	module.checksum = reader_u32(r);
	module.timestamp = reader_u32(r);
	module.name_rva = reader_u32(r);
	return module;
}

struct minidump_region
minidump_read_region(struct reader *r)
{
	struct minidump_region region;
	region.base = reader_u64(r);
	region.allocation_base = reader_u64(r);
	region.allocation_protection = reader_u32(r);
	(void)reader_u32(r);
	region.bytes = reader_u64(r);
	region.state = reader_u32(r);
	region.protection = reader_u32(r);
	region.type = reader_u32(r);
	(void)reader_u32(r);
	return region;
}

struct minidump_thread_info
minidump_read_thread_info(struct reader *r)
{
	struct minidump_thread_info info;
	info.id = reader_u32(r);
	info.flags = reader_u32(r);
	info.error = reader_u32(r);
	info.exit_status = reader_u32(r);
	info.created = reader_u64(r);
	info.exited = reader_u64(r);
	info.kernel_time = reader_u64(r);
	info.user_time = reader_u64(r);
	info.start_address = reader_u64(r);
	info.affinity = reader_u64(r);
	return info;
}

struct minidump_thread_name
minidump_read_thread_name(struct reader *r)
{
	struct minidump_thread_name name;
	name.id = reader_u32(r);
	name.name_rva = reader_u64(r);
	return name;
}

struct minidump_handle
minidump_read_handle(struct reader *r, bool is_long)
{
	struct minidump_handle handle = {0};
	handle.handle = reader_u64(r);
	handle.type_rva = reader_u32(r);
	handle.name_rva = reader_u32(r);
	handle.attributes = reader_u32(r);
	handle.access = reader_u32(r);
	handle.handle_count = reader_u32(r);
	handle.pointer_count = reader_u32(r);
	if (is_long) {
		handle.info_rva = reader_u32(r);
		(void)reader_u32(r);
	}
	return handle;
}

struct minidump_exception
minidump_read_exception(struct reader *r)
{
	struct minidump_exception exception;
	exception.thread_id = reader_u32(r);
	(void)reader_u32(r);
	exception.code = reader_u32(r);
	exception.flags = reader_u32(r);
	exception.record = reader_u64(r);
	exception.address = reader_u64(r);
	exception.n_parameters = reader_u32(r);
	(void)reader_u32(r);
	for (size_t i = 0; i < MINIDUMP_PARAMETERS; i++)
		exception.parameters[i] = reader_u64(r);
	exception.context = minidump_read_location(r);
	return exception;
}

struct minidump_system
minidump_read_system(struct reader *r)
{
	struct minidump_system system;
	system.architecture = reader_u16(r);
	system.level = reader_u16(r);
	system.revision = reader_u16(r);
	system.n_processors = reader_u8(r);
	system.product_type = reader_u8(r);
	system.major = reader_u32(r);
	system.minor = reader_u32(r);
	system.build = reader_u32(r);
	system.platform = reader_u32(r);
	system.csd_rva = reader_u32(r);
	system.suite_mask = reader_u16(r);
	(void)reader_u16(r);
	for (size_t i = 0; i < 3; i++)
		system.cpu.vendor[i] = reader_u32(r);
	system.cpu.version = reader_u32(r);
	system.cpu.features = reader_u32(r);
	system.cpu.amd_features = reader_u32(r);
	return system;
}

static void
read_time_zone(struct reader *r, struct minidump_misc *misc)
{
	enum {
		NAME = 64,
		DATE = 16 /* SYSTEMTIME */
	};
	misc->time_zone_id = reader_u32(r);
	misc->bias = (int32_t)reader_u32(r);
	misc->standard_name = reader_bytes(r, NAME);
	(void)reader_bytes(r, DATE);
	misc->standard_bias = (int32_t)reader_u32(r);
	misc->daylight_name = reader_bytes(r, NAME);
	(void)reader_bytes(r, DATE);
	misc->daylight_bias = (int32_t)reader_u32(r);
}

static void
read_xstate(struct reader *r, struct minidump_xstate *xstate)
{
	xstate->info_bytes = reader_u32(r);
	xstate->context_bytes = reader_u32(r);
	xstate->enabled = reader_u64(r);
	for (size_t i = 0; i < MINIDUMP_XSTATE_FEATURES; i++) {
		xstate->features[i].offset = reader_u32(r);
		xstate->features[i].bytes = reader_u32(r);
	}
}

struct minidump_misc
minidump_read_misc(struct reader *r)
{
	enum {
		BUILD = 520,
		DEBUGGER_BUILD = 80
	};
	struct minidump_misc misc = {0};
	size_t bytes = reader_left(r);
	if (bytes >= MINIDUMP_MISC_1_BYTES) {
		misc.info_bytes = reader_u32(r);
		misc.flags = reader_u32(r);
		misc.process_id = reader_u32(r);
		misc.created = reader_u32(r);
		misc.user_time = reader_u32(r);
		misc.kernel_time = reader_u32(r);
	}
	if (bytes >= MINIDUMP_MISC_2_BYTES) {
		misc.max_mhz = reader_u32(r);
		misc.current_mhz = reader_u32(r);
		misc.limit_mhz = reader_u32(r);
		misc.max_idle_state = reader_u32(r);
		misc.current_idle_state = reader_u32(r);
	}
	if (bytes >= MINIDUMP_MISC_3_BYTES) {
		misc.integrity = reader_u32(r);
		misc.execute_flags = reader_u32(r);
		misc.protected_process = reader_u32(r);
		read_time_zone(r, &misc);
	}
	if (bytes >= MINIDUMP_MISC_4_BYTES) {
		misc.build = reader_bytes(r, BUILD);
		misc.debugger_build = reader_bytes(r, DEBUGGER_BUILD);
	}
	if (bytes >= MINIDUMP_MISC_5_BYTES) {
		read_xstate(r, &misc.xstate);
		misc.cookie = reader_u32(r);
	}
	return misc;
}

struct minidump_breakpad
minidump_read_breakpad(struct reader *r)
{
	struct minidump_breakpad breakpad;
	breakpad.validity = reader_u32(r);
	breakpad.dump_thread = reader_u32(r);
	breakpad.requesting_thread = reader_u32(r);
	return breakpad;
}
