/* What happens to Windows itself, to its devices and to its updates; and reports that programs
 * make through the WER API.  Of the types whose parameters are not publicly known, each gets a
 * short signature with the default names: a collector must take any. */
#include "werload/draft.h"

#include <string.h>

#define COUNT(table) ((uint32_t)(sizeof(table) / sizeof((table)[0])))

struct weighted_code {
	uint16_t weight;
	uint32_t code;
};

#define DRAW_CODE(draw, table)                                                                     \
	(table)[draw_weighted(draw, &(table)[0].weight, sizeof((table)[0]), COUNT(table))].code

static const struct weighted_code bugchecks[] = {
	{16, 0xa}, {14, 0x9f}, {13, 0x133}, {11, 0x1a}, {11, 0xd1}, {10, 0x139},     {9, 0x3b},
	{9, 0x50}, {8, 0x116}, {8, 0xef},   {7, 0x7e},  {7, 0x1e},  {6, 0x124},      {5, 0x154},
	{5, 0xc2}, {4, 0x7f},  {4, 0x19},   {4, 0x24},  {3, 0xf7},  {3, 0x101},      {3, 0x109},
	{3, 0x7a}, {2, 0xc4},  {2, 0x4e},   {2, 0xfc},  {2, 0x13a}, {2, 0xc000021a}, {1, 0x8e},
	{1, 0x7b}, {1, 0xf4},  {1, 0x10e},  {1, 0x113},
};
static const struct weighted_code live_dumps[] = {
	{40, 0x141}, {20, 0x117}, {12, 0x193}, {8, 0x190}, {6, 0x1a1},
	{5, 0x144},  {4, 0x15e},  {3, 0x156},  {2, 0x1b0}, {1, 0x1a8},
};
static const struct weighted_code update_codes[] = {
	{18, 0x8024402c}, {14, 0x80240438}, {12, 0x8024200d}, {10, 0x800f0922},
	{9, 0x80070643},  {8, 0x8024001e},  {6, 0x80246007},  {6, 0x80242006},
	{5, 0x8024a105},  {5, 0x800f0831},  {4, 0x80073712},  {4, 0x80072ee2},
	{3, 0x80072efd},  {3, 0x80d02002},  {2, 0x80070005},  {2, 0x8024500c},
};
static const struct weighted_code store_codes[] = {
	{20, 0x80072ee7}, {16, 0x80240438}, {14, 0x80073d02}, {12, 0x8024402c}, {8, 0x80070057},
	{6, 0x80073cf9},  {6, 0x87e10bcf},  {4, 0x80d03805},  {3, 0x80004005},
};
static const struct weighted_code servicing_codes[] = {
	{24, 0x80073701}, {20, 0x800f0982}, {16, 0x800f0922}, {12, 0x80073712},
	{8, 0x800f081f},  {6, 0x80070bc9},  {4, 0x80242016},
};

/* The last three values of every kernel report: "10_0_19045", "0_0", "256_1". */
static void
kernel_tail(struct draft *draft, const char *ret_values[3])
{
	const struct machine *machine = &draft->machine;
	unsigned major = 10, minor = 0;
	if (machine->windows->build < 10000) {
		major = 6;
		minor = machine->windows->build == 7601 ? 1 : 3;
	}
	ret_values[0] = draft_text(draft, "%u_%u_%u", major, minor, machine->windows->build);
	ret_values[1] = machine->windows->build == 7601 ? "1_0" : "0_0";
	ret_values[2] = draft_text(draft, "%u_%d", machine->suite_mask,
				   machine->windows->is_server ? 3 : 1);
}

static const char *
kernel_address(struct draft *draft)
{
	static const char *const small[] = {"0", "2", "8", "ff", "3"};
	if (draw_percent(&draft->chance, 40))
		return small[draw_below(&draft->chance, COUNT(small))];
	return draft_text(draft, "%llx", 0xfffff80000000000ULL | (draw_u64(&draft->chance) >> 20));
}

/* Mostly as [MS-CER2] 4.3 has it: BCCode and what belongs to it are secondary parameters.  Some
 * machines send the same as PARAMETER 0 to 7, in the order of event 1001. */
void
draft_bluescreen(struct draft *draft)
{
	static const char *const names[] = {"BCCode", "BCP1",       "BCP2",         "BCP3",
					    "BCP4",   "OS Version", "Service Pack", "Product"};
	const char *values[8];
	values[0] = draft_text(draft, "%x", DRAW_CODE(&draft->bug, bugchecks));
	for (size_t i = 1; i <= 4; i++)
		values[i] = kernel_address(draft);
	kernel_tail(draft, &values[5]);
	bool is_primary = draft->machine.peculiar < 10;
	for (size_t i = 0; i < 8; i++) {
		if (is_primary)
			draft_param_named(draft, names[i], values[i]);
		else
			draft_secondary(draft, names[i], values[i]);
	}
	uint32_t name = draw_u32(&draft->chance);
	draft_friendly(draft, FRIENDLY_BLUESCREEN);
	draft_application(draft, "Windows", "C:\\Windows\\System32\\WerFault.exe",
			  "Microsoft Corporation");
	draft_file(draft, draft_text(draft, "Mini%06u-01.dmp", name % 1000000), 2);
	draft_file(draft, "sysdata.xml", 5);
	draft_file(draft, "Version.txt", 5);
}

void
draft_live_kernel(struct draft *draft)
{
	const char *tail[3];
	draft_param_named(draft, "Code",
			  draft_text(draft, "%x", DRAW_CODE(&draft->bug, live_dumps)));
	for (unsigned i = 1; i <= 4; i++)
		draft_param_named(draft, draft_text(draft, "Parameter %u", i),
				  kernel_address(draft));
	kernel_tail(draft, tail);
	draft_param_named(draft, "OS version", tail[0]);
	draft_param_named(draft, "Service Pack", tail[1]);
	draft_param_named(draft, "Product", tail[2]);
	draft_friendly(draft, FRIENDLY_HARDWARE);
	draft_about(draft, ABOUT_HARDWARE);
	draft_application(draft, "Windows", "C:\\Windows\\System32\\WerFault.exe",
			  "Microsoft Corporation");
	draft_file(draft,
		   draft_text(draft, "WATCHDOG-%08u.dmp", draw_below(&draft->chance, 99999999)), 2);
	draft_file(draft, "sysdata.xml", 5);
}

static void
host_process(struct draft *draft)
{
	draft_application(draft, "Host Process for Windows Services",
			  "C:\\Windows\\System32\\svchost.exe", "Microsoft Corporation");
}

void
draft_windows_update(struct draft *draft)
{
	static const char *const operations[] = {"Install", "Download", "Scan", "Install"};
	static const char *const callers[] = {"AutomaticUpdates", "UpdateOrchestrator", "CcmExec",
					      "Device Driver Retrieval Client"};
	const char *operation = operations[draw_below(&draft->bug, 4)];
	bool is_scan = strcmp(operation, "Scan") == 0;
	uint32_t code = DRAW_CODE(&draft->bug, update_codes);
	draft_param_numbered(draft,
			     machine_file_version(&draft->machine, draft->time_us, draft->arena));
	draft_param_numbered(draft, draft_text(draft, "%08x", code));
	draft_param_numbered(draft, is_scan ? "00000000-0000-0000-0000-000000000000"
					    : draft_guid(draft, &draft->bug));
	draft_param_numbered(draft, operation);
	draft_param_numbered(draft, is_scan ? "0" : "200");
	draft_param_numbered(draft, "0");
	draft_param_numbered(draft, draw_percent(&draft->bug, 70) ? "0" : "80070002");
	draft_param_numbered(draft, callers[draw_below(&draft->bug, 4)]);
	draft_param_numbered(draft, draw_percent(&draft->bug, 60)
					    ? "{7971F918-A847-4430-9279-4A52D1EFE18D}"
					    : "{3DA21691-E39D-4DA6-8A4B-B43877BCB1B7}");
	draft_param_numbered(draft, "0");
	host_process(draft);
}

void
draft_store_agent(struct draft *draft)
{
	static const char *const operations[] = {"Update;", "Update;ScanForUpdatesForUser",
						 "Acquisition;Install", "Update;GetInfo"};
	const struct windows *windows = draft->machine.windows;
	uint32_t patch = machine_patch(&draft->machine, draft->time_us);
	draft_param_numbered(draft, operations[draw_low(&draft->bug, COUNT(operations))]);
	draft_param_numbered(draft, draft_text(draft, "%08x", DRAW_CODE(&draft->bug, store_codes)));
	draft_param_numbered(draft, draft_text(draft, "%u", windows->build));
	draft_param_numbered(draft, draft_text(draft, "%u", windows->first_patch + patch * 131));
	draft_param_numbered(draft, "Windows.Desktop");
	host_process(draft);
}

void
draft_servicing(struct draft *draft)
{
	static const char *const phases[] = {"Resolve", "Stage", "Install", "Plan"};
	const char *version = machine_file_version(&draft->machine, draft->time_us, draft->arena);
	draft_param_numbered(draft, version);
	draft_param_numbered(draft, "Package_for_RollupFix");
	draft_param_numbered(draft, draft_text(draft, "%s.1.9", version));
	draft_param_numbered(draft, "amd64");
	draft_param_numbered(draft, "unknown");
	draft_param_numbered(draft,
			     draft_text(draft, "%08x", DRAW_CODE(&draft->bug, servicing_codes)));
	draft_param_numbered(draft, phases[draw_low(&draft->bug, COUNT(phases))]);
	draft_param_numbered(draft, "Absent");
	draft_param_numbered(draft, "Installed");
	draft_param_numbered(draft, draw_percent(&draft->bug, 70) ? "WindowsUpdateAgent" : "DISM");
	draft_application(draft, "Windows Modules Installer Worker",
			  "C:\\Windows\\servicing\\TrustedInstaller.exe", "Microsoft Corporation");
	draft_file(draft, "CBS.log", 5);
}

void
draft_leak(struct draft *draft)
{
	const struct windows *windows = draft->machine.windows;
	unsigned major = windows->build < 10000 ? 6 : 10;
	draft_param_numbered(draft, draft->app->image);
	draft_param_numbered(draft, draft->version);
	draft_param_numbered(draft, draft_text(draft, "%u.0.%u.2.0.0", major, windows->build));
	draft_file(draft, "WER0001.tmp.hdmp", 3);
}

static const char *const vendors[] = {"8086", "10DE", "1022", "10EC", "14E4", "8087", "046D"};

static const char *
hardware_id(struct draft *draft)
{
	const char *vendor = vendors[draw_below(&draft->bug, COUNT(vendors))];
	uint32_t device = draw_u32(&draft->bug);
	if (draw_percent(&draft->bug, 60))
		return draft_text(draft, "PCI\\VEN_%s&DEV_%04X&SUBSYS_%04X1028&REV_%02X", vendor,
				  device & 0xffff, device >> 16, device >> 28);
	return draft_text(draft, "USB\\VID_%s&PID_%04X", vendor, device & 0xffff);
}

void
draft_driver(struct draft *draft)
{
	draft_param_numbered(draft, "x64");
	draft_param_numbered(draft, hardware_id(draft));
	draft_application(draft, "Windows", "C:\\Windows\\System32\\drvinst.exe",
			  "Microsoft Corporation");
}

void
draft_device_problem(struct draft *draft)
{
	static const uint32_t problems[] = {0xa, 0x1c, 0x2b, 0x12, 0x27, 0x1f, 0x34};
	static const char *const drivers[] = {"nvlddmkm.sys", "iaStorAC.sys", "unknown",
					      "BthUsb.sys", "usbaudio.sys"};
	const char *driver = drivers[draw_below(&draft->bug, COUNT(drivers))];
	bool is_known = strcmp(driver, "unknown") != 0;
	draft_param_numbered(draft, "x64");
	draft_param_numbered(draft, hardware_id(draft));
	draft_param_numbered(draft, "{4d36e968-e325-11ce-bfc1-08002be10318}");
	draft_param_numbered(draft, draft_text(draft, "%08X", problems[draw_low(&draft->bug, 7)]));
	draft_param_numbered(draft, driver);
	draft_param_numbered(
		draft, is_known ? draft_text(draft, "31.0.%u.0", draw_below(&draft->bug, 9000))
				: "unknown");
	draft_param_numbered(draft, is_known ? "04-11-2024" : "unknown");
}

void
draft_crashpad(struct draft *draft)
{
	static const char *const tags[] = {"PostOOBEDiagnostics_0", "UpdateFailed_2",
					   "GpuProcessGone_1"};
	static const char *const results[] = {"80004005", "0x80070490", "80070002"};
	draft_param_numbered(draft, draft->app->image);
	draft_param_numbered(draft, draft->version);
	draft_param_numbered(draft, tags[draw_below(&draft->bug, COUNT(tags))]);
	draft_param_numbered(draft, results[draw_below(&draft->bug, COUNT(results))]);
}

void
draft_office_assert(struct draft *draft)
{
	char tag[5] = {0};
	for (size_t i = 0; i < 4; i++)
		tag[i] = "0123456789abcdefghijklmnopqrstuv"[draw_below(&draft->bug, 32)];
	draft_param_numbered(draft, draft_text(draft, "%s", tag));
	draft_param_numbered(draft, draft->version);
	draft_file(draft, "WER0001.tmp.dmp", 2);
	draft_file(draft, "assert.cvr", 5);
}

void
draft_cluster(struct draft *draft)
{
	static const char *const types[] = {"Physical Disk", "Virtual Machine", "IP Address",
					    "SQL Server Availability Group", "Network Name"};
	static const char *const calls[] = {"ONLINERESOURCE", "ISALIVE", "TERMINATERESOURCE",
					    "OFFLINERESOURCE"};
	draft_param_named(draft, "ResourceType", types[draw_below(&draft->bug, COUNT(types))]);
	draft_param_named(draft, "CallType", calls[draw_below(&draft->bug, COUNT(calls))]);
	draft_param_named(draft, "RHSCallResult", draw_percent(&draft->bug, 70) ? "121" : "0");
	draft_param_named(draft, "ApplicationCallResult",
			  draw_percent(&draft->bug, 50) ? "0" : "5023");
	draft_param_named(draft, "DumpPolicy", "5225058577");
}

void
draft_inventory(struct draft *draft)
{
	draft_param_numbered(draft, draft->app->image);
	draft_param_numbered(draft, draft->version);
	draft_param_numbered(draft, draft->app->company);
}

/* What the public reports of a type do not tell is decided here: a component, a result, a count
 * that follows from the bug. */
void
draft_generic(struct draft *draft)
{
	static const char *const components[] = {"core",    "sync",  "ui",    "startup",
						 "license", "print", "index", "network"};
	uint32_t count = 1 + draw_below(&draft->bug, 4);
	draft_param_numbered(draft, components[draw_below(&draft->bug, COUNT(components))]);
	if (count > 1)
		draft_param_numbered(
			draft, draft_text(draft, "%08x", DRAW_CODE(&draft->bug, store_codes)));
	for (uint32_t i = 2; i < count; i++)
		draft_param_numbered(draft, draft_text(draft, "%u", draw_below(&draft->bug, 5000)));
	if (draw_percent(&draft->chance, 20))
		draft_file(draft, "trace.etl", 9);
}
