/* The streams on machine, system and process as a whole. */
#include "dump/minidump_reader.h"

#include "base/text.h"
#include "base/time.h"

/* PROCESSOR_ARCHITECTURE_*, and those of Breakpad from 0x8000 on. */
static const struct {
	uint16_t architecture;
	enum arch arch;
} architectures[] = {
	{0, ARCH_X86},    {5, ARCH_ARM},  {9, ARCH_AMD64}, {10, ARCH_X86},
	{12, ARCH_ARM64}, {13, ARCH_ARM}, {14, ARCH_X86},  {0x8003, ARCH_ARM64},
};

static const struct {
	uint32_t platform;
	enum dump_os os;
} platforms[] = {
	{0, DUMP_OS_WINDOWS},    {1, DUMP_OS_WINDOWS},      {2, DUMP_OS_WINDOWS},
	{3, DUMP_OS_WINDOWS},    {0x8101, DUMP_OS_MACOS},   {0x8102, DUMP_OS_IOS},
	{0x8201, DUMP_OS_LINUX}, {0x8202, DUMP_OS_SOLARIS}, {0x8203, DUMP_OS_ANDROID},
	{0x8204, DUMP_OS_PS3},
};

static enum arch
arch_of(uint16_t architecture)
{
	for (size_t i = 0; i < sizeof(architectures) / sizeof(architectures[0]); i++)
		if (architectures[i].architecture == architecture)
			return architectures[i].arch;
	return ARCH_UNKNOWN;
}

static enum dump_os
os_of(uint32_t platform)
{
	for (size_t i = 0; i < sizeof(platforms) / sizeof(platforms[0]); i++)
		if (platforms[i].platform == platform)
			return platforms[i].os;
	return DUMP_OS_UNKNOWN;
}

/* The twelve letters of CPUID, when they are letters: Windows has other things there. */
static struct slice
vendor_of(const struct minidump_cpu *cpu, char text[12])
{
	for (size_t i = 0; i < 12; i++) {
		text[i] = (char)(cpu->vendor[i / 4] >> (8 * (i % 4)));
		if (text[i] < ' ' || text[i] > '~')
			return (struct slice){0};
	}
	return slice_of(text, 12);
}

/* x86 and amd64: the revision is model and stepping, a byte each. */
static struct slice
describe_cpu(struct minidump *m, const struct minidump_system *system)
{
	char text[12];
	struct slice vendor = vendor_of(&system->cpu, text);
	enum arch arch = m->dump->arch;
	if (system->level == 0 && system->revision == 0)
		return (struct slice){0};
	if (arch == ARCH_X86 || arch == ARCH_AMD64)
		return minidump_printf(m, "%.*s%sfamily %u model %u stepping %u",
				       SLICE_ARGS(vendor), vendor.len > 0 ? " " : "", system->level,
				       system->revision >> 8, system->revision & 0xffU);
	return minidump_printf(m, "%s level %u revision 0x%x", arch_name(arch), system->level,
			       system->revision);
}

/* Breakpad leaves the numbers 0 on Linux: "Linux 4.9.60-linuxkit #1 SMP ..." has them. */
static struct slice
release_of(struct slice uname)
{
	struct slice system;
	struct slice rest;
	struct slice release;
	if (!slice_cut(uname, ' ', &system, &rest) || !slice_equal_str(system, "Linux"))
		return (struct slice){0};
	return slice_cut(rest, ' ', &release, &rest) ? release : rest;
}

static struct slice
describe_version(struct minidump *m, const struct minidump_system *system)
{
	struct slice release = release_of(m->dump->os_text);
	if ((system->major | system->minor | system->build) == 0)
		return release.len > 0 ? release : (struct slice){0};
	return minidump_printf(m, "%u.%u.%u", system->major, system->minor, system->build);
}

err_t
minidump_read_system_info(struct minidump *m, struct slice stream)
{
	struct reader r;
	struct dump *dump = m->dump;
	reader_init(&r, stream);
	struct minidump_system system = minidump_read_system(&r);
	if (r.error != OK)
		return r.error;
	dump->arch = arch_of(system.architecture);
	dump->os = os_of(system.platform);
	if (dump->arch == ARCH_UNKNOWN)
		minidump_oddity(m, "processor architecture 0x%x is not known", system.architecture);
	if (dump->os == DUMP_OS_UNKNOWN)
		minidump_oddity(m, "platform 0x%x is not known", system.platform);
	dump->processors = system.n_processors;
	dump->os_product_type = system.product_type;
	dump->os_suite = system.suite_mask;
	dump->os_text = minidump_string(m, system.csd_rva);
	if (dump->os_text.len == 0)
		dump->os_text = (struct slice){0};
	dump->os_version = describe_version(m, &system);
	dump->cpu = describe_cpu(m, &system);
	return OK;
}

/* ---- MiscInfo ---- */

static void
take_process(struct dump *dump, const struct minidump_misc *misc)
{
	if ((misc->flags & MINIDUMP_MISC_PROCESS_ID) != 0)
		dump->process_id = misc->process_id;
	if ((misc->flags & MINIDUMP_MISC_PROCESS_TIMES) == 0)
		return;
	dump->process_started_us = misc->created * TIME_SECOND_US;
	dump->process_user_us = (uint64_t)misc->user_time * (uint64_t)TIME_SECOND_US;
	dump->process_kernel_us = (uint64_t)misc->kernel_time * (uint64_t)TIME_SECOND_US;
}

/* SECURITY_MANDATORY_*_RID */
const char *
minidump_integrity_name(uint32_t rid)
{
	if (rid < 0x1000)
		return "untrusted";
	if (rid < 0x2000)
		return "low";
	if (rid < 0x2100)
		return "medium";
	if (rid < 0x3000)
		return "medium plus";
	if (rid < 0x4000)
		return "high";
	return rid < 0x5000 ? "system" : "protected";
}

static void
take_time_zone(struct minidump *m, const struct minidump_misc *misc)
{
	enum {
		TIME_ZONE_ID_DAYLIGHT = 2
	};
	bool is_daylight = misc->time_zone_id == TIME_ZONE_ID_DAYLIGHT;
	int64_t bias =
		misc->bias + (int64_t)(is_daylight ? misc->daylight_bias : misc->standard_bias);
	minidump_fact(m, "time_zone.name",
		      minidump_utf16(m, is_daylight ? misc->daylight_name : misc->standard_name,
				     LIMIT_MINIDUMP_NAME_BYTES));
	minidump_fact(m, "time_zone.minutes_behind_utc",
		      minidump_printf(m, "%lld", (long long)bias));
}

static void
take_flagged(struct minidump *m, const struct minidump_misc *misc)
{
	uint32_t flags = misc->flags;
	if ((flags & MINIDUMP_MISC_POWER) != 0 && misc->max_mhz != 0) {
		minidump_fact_number(m, "processor.max_mhz", misc->max_mhz);
		minidump_fact_number(m, "processor.current_mhz", misc->current_mhz);
	}
	if ((flags & MINIDUMP_MISC_INTEGRITY) != 0)
		m->dump->integrity = slice_str(minidump_integrity_name(misc->integrity));
	if ((flags & MINIDUMP_MISC_EXECUTE_FLAGS) != 0)
		minidump_fact_hex(m, "process.execute_flags", misc->execute_flags);
	if ((flags & MINIDUMP_MISC_PROTECTED) != 0)
		minidump_fact_number(m, "process.protected", misc->protected_process);
	if ((flags & MINIDUMP_MISC_TIME_ZONE) != 0)
		take_time_zone(m, misc);
	if ((flags & MINIDUMP_MISC_BUILD) != 0) {
		minidump_fact(m, "system.build",
			      minidump_utf16(m, misc->build, LIMIT_MINIDUMP_NAME_BYTES));
		m->writer_build =
			minidump_utf16(m, misc->debugger_build, LIMIT_MINIDUMP_NAME_BYTES);
		minidump_fact(m, "writer.build", m->writer_build);
	}
}

err_t
minidump_read_misc_info(struct minidump *m, struct slice stream)
{
	struct reader r;
	reader_init(&r, stream);
	if (stream.len < MINIDUMP_MISC_1_BYTES)
		return ERR_TRUNCATED;
	struct minidump_misc misc = minidump_read_misc(&r);
	take_process(m->dump, &misc);
	take_flagged(m, &misc);
	if (misc.xstate.enabled != 0)
		minidump_fact_hex(m, "processor.xstate", misc.xstate.enabled);
	return OK;
}

/* ---- SystemMemoryInfo: MINIDUMP_SYSTEM_MEMORY_INFO_1, packed to 4 bytes ---- */

static void
take_basic(struct minidump *m, struct reader *r)
{
	(void)reader_u32(r); /* timer resolution */
	uint32_t page_bytes = reader_u32(r);
	uint32_t pages = reader_u32(r);
	(void)reader_bytes(r, 12); /* page numbers, granularity */
	uint64_t lowest = reader_u64(r);
	uint64_t highest = reader_u64(r);
	(void)reader_u64(r); /* affinity */
	uint32_t processors = reader_u32(r);
	if (r->error != OK)
		return;
	minidump_fact_number(m, "system_memory.page_bytes", page_bytes);
	minidump_fact_number(m, "system_memory.physical_pages", pages);
	minidump_fact_hex(m, "system_memory.lowest_user_address", lowest);
	minidump_fact_hex(m, "system_memory.highest_user_address", highest);
	minidump_fact_number(m, "system_memory.processors", processors);
}

static void
take_commit(struct minidump *m, struct reader *r)
{
	uint64_t available = reader_u64(r);
	uint64_t committed = reader_u64(r);
	uint64_t limit = reader_u64(r);
	uint64_t peak = reader_u64(r);
	if (r->error != OK)
		return;
	minidump_fact_number(m, "system_memory.available_pages", available);
	minidump_fact_number(m, "system_memory.committed_pages", committed);
	minidump_fact_number(m, "system_memory.commit_limit_pages", limit);
	minidump_fact_number(m, "system_memory.peak_commit_pages", peak);
}

err_t
minidump_read_system_memory(struct minidump *m, struct slice stream)
{
	enum {
		FLAG_BASIC_PERFORMANCE = 2,
		FILE_CACHE = 60
	};
	struct reader r;
	reader_init(&r, stream);
	uint16_t revision = reader_u16(&r);
	uint16_t flags = reader_u16(&r);
	if (r.error == OK && revision != 1)
		return ERR_UNSUPPORTED;
	take_basic(m, &r);
	(void)reader_bytes(&r, FILE_CACHE);
	if ((flags & FLAG_BASIC_PERFORMANCE) != 0)
		take_commit(m, &r);
	return r.error;
}

/* ---- ProcessVmCounters: MINIDUMP_PROCESS_VM_COUNTERS_1 and _2 ---- */

static const char *const vm_counters[] = {
	"vm.peak_working_set_bytes", "vm.working_set_bytes",        "vm.peak_paged_pool_bytes",
	"vm.paged_pool_bytes",       "vm.peak_nonpaged_pool_bytes", "vm.nonpaged_pool_bytes",
	"vm.page_file_bytes",        "vm.peak_page_file_bytes",
};

static void
take_counter(struct minidump *m, struct reader *r, const char *name)
{
	uint64_t value = reader_u64(r);
	if (r->error == OK && value != 0)
		minidump_fact_number(m, name, value);
}

err_t
minidump_read_vm_counters(struct minidump *m, struct slice stream)
{
	enum {
		FLAG_VIRTUAL_SIZE = 1
	};
	struct reader r;
	reader_init(&r, stream);
	uint16_t revision = reader_u16(&r);
	uint16_t flags = reader_u16(&r);
	uint32_t faults = reader_u32(&r);
	if (r.error == OK && revision != 1 && revision != 2)
		return ERR_UNSUPPORTED;
	if (r.error == OK)
		minidump_fact_number(m, "vm.page_faults", faults);
	for (size_t i = 0; i < sizeof(vm_counters) / sizeof(vm_counters[0]); i++)
		take_counter(m, &r, vm_counters[i]);
	if (revision == 2 && (flags & FLAG_VIRTUAL_SIZE) != 0) {
		take_counter(m, &r, "vm.peak_virtual_bytes");
		take_counter(m, &r, "vm.virtual_bytes");
	} else if (revision == 2) {
		(void)reader_bytes(&r, 16);
	}
	take_counter(m, &r, "vm.private_bytes");
	return r.error;
}
