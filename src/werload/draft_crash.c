/* Programs that crash or hang.  The order of the parameters is that of public reports; MoBEX and
 * MoAppHangXProc go by analogy with BEX and MoAppHang. */
#include "werload/draft.h"

#include <string.h>

struct fault {
	const char *module;
	const char *version;
	uint32_t stamp;
	uint32_t code;
	const char *offset; /* hex digits, or what stands there without a module */
};

/* A module that is not the program's own. */
struct library {
	uint16_t weight;
	const char *name;
	const char *version; /* NULL: Windows' own, follows its patch level */
};
static const struct library libraries[] = {
	{30, "ntdll.dll", NULL},
	{22, "KERNELBASE.dll", NULL},
	{12, "ucrtbase.dll", NULL},
	{6, "combase.dll", NULL},
	{5, "USER32.dll", NULL},
	{4, "RPCRT4.dll", NULL},
	{4, "msvcrt.dll", NULL},
	{3, "d3d11.dll", NULL},
	{3, "dxgi.dll", NULL},
	{3, "win32u.dll", NULL},
	{2, "mscorwks.dll", NULL},
	{2, "jscript9.dll", NULL},
	{2, "propsys.dll", NULL},
	{2, "CRYPT32.dll", NULL},
	{8, "VCRUNTIME140.dll", "14.38.33135.0"},
	{5, "MSVCP140.dll", "14.38.33135.0"},
	{6, "igd10iumd64.dll", "31.0.101.4502"},
	{6, "nvwgf2umx.dll", "31.0.15.5161"},
	{4, "atidxx64.dll", "31.0.24002.92"},
	{3, "Qt5Core.dll", "5.15.2.0"},
	{3, "libcef.dll", "119.4.7.0"},
	{2, "halvenaguard64.dll", "7.4.118.0"},
	{2, "ostregashield.dll", "22.3.0.41"},
	{1, "jorvellprint.dll", "4.0.12.0"},
};
enum {
	N_LIBRARIES = sizeof(libraries) / sizeof(libraries[0])
};

struct weighted_code {
	uint16_t weight;
	uint32_t code;
};
static const struct weighted_code codes[] = {
	{620, 0xc0000005}, {90, 0xc0000374}, {60, 0xe06d7363}, {40, 0xc000041d}, {35, 0x80000003},
	{30, 0xe0434352},  {25, 0x40000015}, {20, 0xc000001d}, {15, 0xc0000094}, {12, 0xc0000006},
	{10, 0xc00000fd},  {10, 0xc0000602}, {8, 0xc06d007e},  {5, 0xc06d007f},  {4, 0xc0000008},
	{3, 0xc0000025},   {2, 0xc0000096},
};
enum {
	N_CODES = sizeof(codes) / sizeof(codes[0])
};

static const char *
offset_text(struct draft *draft, uint64_t offset)
{
	bool is_64 = draft->app->bits == 64 && draft->app->kind != APP_CLR;
	return draft_text(draft, is_64 ? "%016llx" : "%08llx", (unsigned long long)offset);
}

/* Where in the module: it moves with every build of it. */
static const char *
fault_offset(struct draft *draft, uint32_t build)
{
	uint32_t offset = 0x1000 + draw_below(&draft->bug, 0x01800000);
	struct draw moved = draw_start(draft->seed, DRAW_BUG, draft->bug_number * 4096 + build);
	return offset_text(draft, offset + draw_below(&moved, 0x8000));
}

static void
fault_in_own_module(struct draft *draft, struct fault *fault)
{
	const struct app *app = draft->app;
	uint32_t count = 0;
	while (count < APP_MODULES && app->modules[count] != NULL)
		count++;
	uint32_t which = draw_below(&draft->bug, count + 1);
	fault->module = which == count ? app->image : app->modules[which];
	fault->version = draft->version;
	fault->stamp = draft->release.stamp - which * 61;
	fault->offset = fault_offset(draft, draft->release.number);
}

static void
fault_in_library(struct draft *draft, size_t which, struct fault *fault)
{
	const struct library *library = &libraries[which];
	uint32_t build = 0;
	fault->module = library->name;
	fault->version = library->version;
	if (library->version == NULL) {
		fault->version =
			machine_file_version(&draft->machine, draft->time_us, draft->arena);
		build = draft->machine.windows->build / 100 * 64 +
			machine_patch(&draft->machine, draft->time_us);
	}
	/* Windows is built reproducibly: its stamps are hashes and no dates. */
	struct draw stamp = draw_start(draft->seed, DRAW_APP, (uint64_t)which << 40 | build);
	fault->stamp = library->version == NULL ? draw_u32(&stamp)
						: 1640000000 + draw_below(&stamp, 80000000);
	fault->offset = fault_offset(draft, build);
}

static void
fault_without_module(struct draft *draft, struct fault *fault)
{
	uint32_t hash = draw_u32(&draft->bug);
	fault->module = draft_text(draft, "StackHash_%04x", hash & 0xffff);
	fault->version = "0.0.0.0";
	fault->stamp = 0;
	fault->offset = draft_text(draft, "PCH_%02X_FROM_ntdll+0x%016X", hash >> 24,
				   0x9d000 + (hash >> 8 & 0xffff));
}

/* A thrown exception or a corrupt heap is noticed in a module of Windows, whoever caused it. */
static size_t
library_of_code(uint32_t code)
{
	switch (code) {
	case 0xe06d7363:
	case 0xe0434352:
	case 0xc06d007e:
	case 0xc06d007f:
		return 1; /* KERNELBASE.dll */
	case 0xc0000374:
	case 0xc0000008:
		return 0; /* ntdll.dll */
	case 0x40000015:
		return 2; /* ucrtbase.dll */
	default:
		return N_LIBRARIES;
	}
}

static void
draw_fault(struct draft *draft, uint32_t code, struct fault *ret_fault)
{
	*ret_fault = (struct fault){.code = code};
	size_t library = library_of_code(code);
	/* What the whole fleet meets sits in the programs: their builds are the same everywhere,
	 * those of Windows and of drivers are not. */
	uint32_t percent = draw_below(&draft->bug, draft->is_common ? 66 : 100);
	if (library < N_LIBRARIES)
		fault_in_library(draft, library, ret_fault);
	else if (percent < 66)
		fault_in_own_module(draft, ret_fault);
	else if (percent < 97)
		fault_in_library(draft,
				 draw_weighted(&draft->bug, &libraries[0].weight,
					       sizeof(libraries[0]), N_LIBRARIES),
				 ret_fault);
	else
		fault_without_module(draft, ret_fault);
}

static void
put_program(struct draft *draft)
{
	draft_param(draft, NAME_APP, draft->app->image);
	draft_param(draft, NAME_APP_VERSION, draft->version);
	draft_param(draft, NAME_APP_STAMP, draft_text(draft, "%08x", draft->release.stamp));
}

static void
put_module(struct draft *draft, const struct fault *fault)
{
	draft_param(draft, NAME_MODULE, fault->module);
	draft_param(draft, NAME_MODULE_VERSION, fault->version);
	draft_param(draft, NAME_MODULE_STAMP, draft_text(draft, "%08x", fault->stamp));
}

static const char *
package_full_name(struct draft *draft)
{
	return draft_text(draft, "%s_%s_x64__%s", draft->app->package, draft->version,
			  draft->app->publisher_id);
}

static void
put_package(struct draft *draft)
{
	draft_param(draft, NAME_PACKAGE, package_full_name(draft));
	draft_param(draft, NAME_APP, draft_text(draft, "praid:%s", draft->app->entry));
	draft_param(draft, NAME_APP_VERSION, draft->version);
	draft_param(draft, NAME_APP_STAMP, draft_text(draft, "%08x", draft->release.stamp));
}

/* What the client would put into a cabinet.  Names in FILES are those of its temporary copies. */
static void
put_crash_files(struct draft *draft)
{
	unsigned name = draw_u32(&draft->chance) & 0xffff;
	bool is_modern = draft->machine.windows->build >= 10000;
	draft_file(draft, draft_text(draft, "WER%04X.tmp.%s", name, is_modern ? "dmp" : "mdmp"), 2);
	draft_file(draft, draft_text(draft, "WER%04X.tmp.WERInternalMetadata.xml", name + 1), 5);
	if (is_modern) {
		draft_file(draft, draft_text(draft, "WER%04X.tmp.csv", name + 2), 5);
		draft_file(draft, draft_text(draft, "WER%04X.tmp.txt", name + 3), 5);
	}
	draft_file(draft, draft_text(draft, "WER%04X.tmp.appcompat.txt", name + 4), 5);
	if (draw_percent(&draft->chance, 10))
		draft_file(draft, draft_text(draft, "WER%04X.tmp.hdmp", name + 5), 3);
	draft_friendly(draft, FRIENDLY_CRASH);
}

void
draft_appcrash(struct draft *draft)
{
	struct fault fault;
	uint32_t code =
		codes[draw_weighted(&draft->bug, &codes[0].weight, sizeof(codes[0]), N_CODES)].code;
	draw_fault(draft, code, &fault);
	put_program(draft);
	put_module(draft, &fault);
	draft_param(draft, NAME_CODE, draft_text(draft, "%08x", fault.code));
	draft_param(draft, NAME_OFFSET, fault.offset);
	put_crash_files(draft);
}

/* Offset before code, and what the processor or the run-time library said: 8 is "execute". */
static void
put_buffer_overrun(struct draft *draft)
{
	static const uint32_t overruns[] = {0xc0000409, 0xc0000409, 0xc0000005, 0xc0000417};
	uint32_t code = overruns[draw_below(&draft->bug, 4)];
	uint32_t data = code == 0xc0000005 ? 8 : code == 0xc0000417 ? 0 : 2;
	if (code == 0xc0000409 && draw_percent(&draft->bug, 40))
		data = 5 + draw_below(&draft->bug, 3);
	struct fault fault;
	draw_fault(draft, code, &fault);
	put_module(draft, &fault);
	draft_param(draft, NAME_OFFSET, fault.offset);
	draft_param(draft, NAME_CODE, draft_text(draft, "%08x", fault.code));
	draft_param(draft, NAME_DATA, offset_text(draft, data));
}

void
draft_bex(struct draft *draft)
{
	put_program(draft);
	put_buffer_overrun(draft);
	put_crash_files(draft);
}

void
draft_mo_appcrash(struct draft *draft)
{
	static const uint32_t store_codes[] = {0xc000027b, 0xc0000005, 0xc000027b,
					       0x80131623, 0xc0000409, 0xe06d7363};
	struct fault fault;
	draw_fault(draft, store_codes[draw_below(&draft->bug, 6)], &fault);
	put_package(draft);
	put_module(draft, &fault);
	draft_param(draft, NAME_CODE, draft_text(draft, "%08x", fault.code));
	draft_param(draft, NAME_OFFSET, fault.offset);
	put_crash_files(draft);
}

void
draft_mo_bex(struct draft *draft)
{
	put_package(draft);
	put_buffer_overrun(draft);
	put_crash_files(draft);
}

/* P1 to P9: program, assembly, MethodDef RID and IL offset in hex, exception.  The run-time
 * cuts program and exception names to 32 characters. */
void
draft_clr(struct draft *draft)
{
	static const char *const exceptions[] = {
		"System.NullReferenceException",   "System.InvalidOperationException",
		"System.IO.FileNotFoundException", "System.OutOfMemoryException",
		"System.ArgumentException",        "System.Data.SqlClient.Sql",
		"System.TypeInitialization",       "System.UnauthorizedAccess",
		"System.Net.Sockets.Socket",       "System.AccessViolation",
		"System.Xml.XmlException",         "System.ObjectDisposedException",
	};
	static const char *const assemblies[] = {"mscorlib",         "System.Windows.Forms",
						 "PresentationCore", "System.Data",
						 "System.Core",      "Newtonsoft.Json"};
	const struct app *app = draft->app;
	bool is_own = draw_percent(&draft->bug, 60);
	const char *assembly = is_own ? app->modules[0] : assemblies[draw_below(&draft->bug, 6)];
	size_t len = strlen(assembly);
	if (is_own && len > 4 && strcmp(assembly + len - 4, ".dll") == 0)
		len -= 4;
	draft_param_numbered(draft, draft_text(draft, "%.32s", app->image));
	draft_param_numbered(draft, draft->version);
	draft_param_numbered(draft, draft_text(draft, "%08x", draft->release.stamp));
	draft_param_numbered(draft, draft_text(draft, "%.*s", (int)len, assembly));
	draft_param_numbered(draft, is_own ? draft->version : "4.8.9037.0");
	draft_param_numbered(draft,
			     draft_text(draft, "%08x", is_own ? draft->release.stamp : 0x62e0b8c1));
	draft_param_numbered(draft, draft_text(draft, "%x", 1 + draw_below(&draft->bug, 0x1800)));
	draft_param_numbered(draft, draft_text(draft, "%x", draw_below(&draft->bug, 0x200)));
	draft_param_numbered(
		draft,
		exceptions[draw_below(&draft->bug, sizeof(exceptions) / sizeof(exceptions[0]))]);
	put_crash_files(draft);
}

static void
put_hang(struct draft *draft)
{
	static const char *const types[] = {"67246080", "0", "4194304", "134217728", "2097152"};
	/* A hang looks a little different each time: one bug has a few signatures. */
	uint32_t signature = draw_u32(&draft->bug);
	if (draw_percent(&draft->chance, draft->is_common ? 10 : 30))
		signature += 1 + draw_below(&draft->chance, 3);
	draft_param(draft, NAME_HANG_SIGNATURE, draft_text(draft, "%04x", signature & 0xffff));
	draft_param(draft, NAME_HANG_TYPE, types[draw_below(&draft->bug, 5)]);
	draft_friendly(draft, FRIENDLY_HANG);
	draft_about(draft, ABOUT_HANG);
	draft_file(draft, "Version.txt", 5);
	draft_file(draft, "AppCompat.txt", 5);
	draft_file(draft, "memory.hdmp", 3);
	draft_file(draft, "minidump.mdmp", 2);
}

void
draft_hang(struct draft *draft)
{
	put_program(draft);
	put_hang(draft);
}

void
draft_hang_xproc(struct draft *draft)
{
	static const char *const awaited[] = {"spoolsv.exe", "svchost.exe", "SearchIndexer.exe",
					      "dllhost.exe", "OUTLOOK.EXE"};
	uint32_t which = draw_below(&draft->bug, 5);
	put_program(draft);
	put_hang(draft);
	draft_param(draft, NAME_WAIT_APP, awaited[which]);
	draft_param(draft, NAME_WAIT_VERSION,
		    which == 4
			    ? "16.0.16327.20214"
			    : machine_file_version(&draft->machine, draft->time_us, draft->arena));
}

void
draft_mo_hang(struct draft *draft)
{
	put_package(draft);
	put_hang(draft);
}
