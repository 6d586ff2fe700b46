/* bugcheck.c - a table of bug checks: what their parameters mean, and how values read */
#include "dump/bugcheck.h"

#include <inttypes.h>

#include "report/code.h"

enum value_kind {
	VALUE_PLAIN,
	VALUE_STATUS,      /* NTSTATUS */
	VALUE_ACCESS,      /* 0 read, 1 write, 8 execute */
	VALUE_PAGE_FAULT,  /* as above, on amd64 2 write, 0x10 execute */
	VALUE_TRAP,        /* number of an x86 trap */
	VALUE_POWER,       /* 0x9f */
	VALUE_REGION,      /* 0x109 */
	VALUE_HARDWARE,    /* 0x124 */
	VALUE_WATCHDOG,    /* 0x133 */
	VALUE_FAST_FAIL,   /* 0x139 */
	VALUE_OBJECT,      /* 0xf4 */
	VALUE_PROCESS,     /* 0xef */
	VALUE_POOL_HEADER, /* 0x19 */
	VALUE_POOL_CALLER, /* 0xc2 */
	VALUE_MEMORY,      /* 0x1a */
	VALUE_KIND_N
};

struct value_word {
	uint32_t value;
	const char *text;
};

static const struct value_word access_words[] = {
	{0, "read"}, {1, "write"}, {2, "execute"}, {8, "execute"}, {0, NULL}};
static const struct value_word page_fault_words[] = {{0, "read"},    {1, "write"},    {2, "write"},
						     {8, "execute"}, {16, "execute"}, {0, NULL}};
static const struct value_word trap_words[] = {{0, "division by zero"},
					       {1, "single step"},
					       {2, "non-maskable interrupt"},
					       {3, "breakpoint"},
					       {4, "overflow"},
					       {5, "bounds exceeded"},
					       {6, "invalid instruction"},
					       {7, "no coprocessor"},
					       {8, "double fault, often a stack overflow"},
					       {10, "invalid task state segment"},
					       {11, "segment not present"},
					       {12, "stack segment fault"},
					       {13, "general protection fault"},
					       {14, "page fault"},
					       {16, "floating-point error"},
					       {17, "misaligned access"},
					       {18, "machine check"},
					       {0, NULL}};
static const struct value_word power_words[] = {
	{1, "a device object was freed with a power request outstanding"},
	{2, "a device completed a power request without starting the next"},
	{3, "a device holds a power request for too long"},
	{4, "the power transition waited too long for Plug and Play"},
	{5, "a device did not finish a directed transition in time"},
	{6, "the callback of a device for a directed transition failed"},
	{0, NULL}};
static const struct value_word region_words[] = {{0, "data"},
						 {1, "code of a function"},
						 {2, "interrupt descriptor table"},
						 {3, "global descriptor table"},
						 {4, "process list"},
						 {5, "process list"},
						 {6, "debugging routine"},
						 {7, "model-specific register"},
						 {8, "object type"},
						 {9, "interrupt vector table"},
						 {10, "system service function"},
						 {11, "session data"},
						 {12, "session function"},
						 {13, "import table"},
						 {14, "session import table"},
						 {0x19, "list of loaded modules"},
						 {0x1a, "process list"},
						 {0, NULL}};
static const struct value_word hardware_words[] = {{0, "machine check"},
						   {1, "corrected machine check"},
						   {2, "corrected platform error"},
						   {3, "non-maskable interrupt"},
						   {4, "PCI Express error"},
						   {5, "hardware error of another kind"},
						   {6, "processor initialization"},
						   {7, "error at boot"},
						   {0, NULL}};
static const struct value_word watchdog_words[] = {
	{0, "one deferred call or interrupt took too long"},
	{1, "the time at raised interrupt level added up to too much"},
	{0, NULL}};
static const struct value_word fast_fail_words[] = {
	{0, "stack cookie wrong (older compilers)"},
	{1, "virtual function table wrong"},
	{2, "stack cookie wrong: a buffer on the stack overran"},
	{3, "linked list corrupt"},
	{4, "stack pointer outside the stack"},
	{5, "invalid argument given to a function that checks"},
	{6, "stack cookie not initialized safely"},
	{7, "a program ended itself"},
	{8, "array index out of bounds"},
	{9, "unsafe access to the registry"},
	{10, "indirect call to an invalid target"},
	{11, "write check failed"},
	{12, "invalid fiber switch"},
	{13, "invalid set of context"},
	{14, "reference count invalid"},
	{18, "invalid jump buffer"},
	{19, "read-only data modified"},
	{20, "certification failed"},
	{21, "invalid exception chain"},
	{22, "cryptographic library failed"},
	{23, "invalid call in a DLL callout"},
	{24, "invalid image base"},
	{25, "download protection failed"},
	{26, "unsafe call of an extension"},
	{29, "invalid balanced tree"},
	{30, "invalid next thread"},
	{37, "jump table of a guarded call invalid"},
	{39, "invalid dispatch context"},
	{44, "shadow stack failed"},
	{57, "return to an address that the shadow stack does not have"},
	{0, NULL}};
static const struct value_word object_words[] = {{3, "process"}, {6, "thread"}, {0, NULL}};
static const struct value_word process_words[] = {{0, "process"}, {1, "thread"}, {0, NULL}};
static const struct value_word pool_header_words[] = {
	{3, "the free list is corrupt"},
	{0x20, "the size in a block is wrong"},
	{0x21, "data behind a block is corrupt"},
	{0x22, "a block freed is not known"},
	{0xe, "a block was changed after it was freed"},
	{0, NULL}};
static const struct value_word pool_caller_words[] = {
	{0, "a pool of size 0 was asked for"},
	{1, "the header of the block freed is corrupt"},
	{6, "the block was freed before"},
	{7, "the block was freed before"},
	{8, "allocation at too high an interrupt level"},
	{9, "freeing at too high an interrupt level"},
	{0xa, "freed with the wrong tag"},
	{0x40, "freeing of a user-mode address"},
	{0x41, "freeing of an address that is not allocated"},
	{0x42, "freeing of an address in no pool"},
	{0x43, "freeing of an address in no pool"},
	{0x46, "freeing of an invalid address"},
	{0x99, "freeing of an invalid address"},
	{0, NULL}};
static const struct value_word memory_words[] = {
	{0x31, "code of an image is corrupt"},
	{0x3f, "a page that was paged in has a wrong checksum"},
	{0x403, "page table and page database disagree"},
	{0x411, "a page table entry is corrupt"},
	{0x888, "structures of memory management are corrupt"},
	{0x3451, "page table entries of a kernel stack are corrupt"},
	{0x5003, "the free list of a working set is corrupt"},
	{0x5100, "an allocation bitmap is corrupt"},
	{0x6001, "the store of compressed memory is corrupt"},
	{0x8884, "two pages on the standby list disagree"},
	{0x41283, "an index of a working set is wrong"},
	{0x41284, "a page table entry or a working set is corrupt"},
	{0x41287, "illegal page fault while a working set was locked"},
	{0x41790, "the count of a page table page is corrupt"},
	{0x41792, "a corrupt page table entry: often one flipped bit"},
	{0x61940, "a page directory entry is corrupt"},
	{0, NULL}};

static const struct value_word *const words[VALUE_KIND_N] = {
	[VALUE_ACCESS] = access_words,
	[VALUE_PAGE_FAULT] = page_fault_words,
	[VALUE_TRAP] = trap_words,
	[VALUE_POWER] = power_words,
	[VALUE_REGION] = region_words,
	[VALUE_HARDWARE] = hardware_words,
	[VALUE_WATCHDOG] = watchdog_words,
	[VALUE_FAST_FAIL] = fast_fail_words,
	[VALUE_OBJECT] = object_words,
	[VALUE_PROCESS] = process_words,
	[VALUE_POOL_HEADER] = pool_header_words,
	[VALUE_POOL_CALLER] = pool_caller_words,
	[VALUE_MEMORY] = memory_words,
};

struct parameter {
	const char *about; /* NULL: nothing, or it depends */
	enum value_kind kind;
};

struct bugcheck_entry {
	uint32_t number;
	struct parameter parameters[4];
	struct bugcheck_places places;
};

/* Where nothing points to what happened. */
/* clang-format off */
#define NOWHERE {-1, -1, -1, -1, -1, -1, -1}
#define USED_MEMORY                                                                                \
	{{"address that was used", VALUE_PLAIN}, {"interrupt level", VALUE_PLAIN},                 \
	 {"kind of access", VALUE_ACCESS}, {"address of the instruction", VALUE_PLAIN}}
#define VIDEO_TIMEOUT                                                                              \
	{{"recovery context of the display", VALUE_PLAIN},                                         \
	 {"address in the driver of the display", VALUE_PLAIN},                                    \
	 {"error of the last operation that failed", VALUE_STATUS},                                \
	 {"data of the display system", VALUE_PLAIN}}
#define SAY(text) {text, VALUE_PLAIN}
#define NOTHING {NULL, VALUE_PLAIN}
#define EXCEPTION_CODE {"exception code", VALUE_STATUS}
#define INSTRUCTION {"address of the instruction", VALUE_PLAIN}

/* By number. */
static const struct bugcheck_entry entries[] = {
	{0x01, {SAY("system call or worker routine"), SAY("index of the thread's APC state"),
		SAY("disable counts of the thread"), SAY("0: system call, 1: worker routine")}, NOWHERE},
	{0x0a, USED_MEMORY, {-1, -1, -1, -1, 3, 0, 2}},
	{0x18, {SAY("type of the object"), SAY("object"), NOTHING, NOTHING}, NOWHERE},
	{0x19, {{"kind of damage", VALUE_POOL_HEADER}, SAY("block or free list"), NOTHING, NOTHING},
	 NOWHERE},
	{0x1a, {{"kind of damage", VALUE_MEMORY}, NOTHING, NOTHING, NOTHING}, NOWHERE},
	{0x1e, {EXCEPTION_CODE, INSTRUCTION, SAY("first parameter of the exception"),
		SAY("second parameter of the exception")}, {-1, -1, -1, 0, 1, -1, -1}},
	{0x24, {SAY("source file and line of the file system"), SAY("exception record"),
		SAY("context record"), NOTHING}, {1, 2, -1, -1, -1, -1, -1}},
	{0x3b, {EXCEPTION_CODE, INSTRUCTION, SAY("context record"), NOTHING}, {-1, 2, -1, 0, 1, -1, -1}},
	{0x4e, {SAY("kind of damage"), SAY("page number, or list head"), NOTHING, NOTHING}, NOWHERE},
	{0x50, {SAY("address that was used"), {"kind of access", VALUE_PAGE_FAULT},
		SAY("address of the instruction"), NOTHING}, {-1, -1, -1, -1, 2, 0, 1}},
	{0x7a, {SAY("kind of lock, or page table entry"), {"status of the read", VALUE_STATUS},
		SAY("process, or page table entry"), SAY("address that could not be paged in")}, NOWHERE},
	{0x7b, {SAY("name or device object of the boot device"),
		{"status (newer systems)", VALUE_STATUS}, NOTHING, NOTHING}, NOWHERE},
	{0x7e, {EXCEPTION_CODE, INSTRUCTION, SAY("exception record"), SAY("context record")},
	 {2, 3, -1, 0, 1, -1, -1}},
	{0x7f, {{"trap", VALUE_TRAP}, NOTHING, NOTHING, NOTHING}, NOWHERE},
	{0x8e, {EXCEPTION_CODE, INSTRUCTION, SAY("trap frame"), NOTHING}, {-1, -1, 2, 0, 1, -1, -1}},
	{0x9f, {{"kind of violation", VALUE_POWER}, SAY("device object, or time-out in seconds"),
		SAY("triage block, device object, or thread that holds the lock"),
		SAY("request packet, or triage block")}, NOWHERE},
	{0xbe, {SAY("address that was to be written"), SAY("page table entry"), NOTHING, NOTHING}, NOWHERE},
	{0xc2, {{"kind of violation", VALUE_POOL_CALLER}, NOTHING, NOTHING,
		NOTHING}, NOWHERE},
	{0xc4, {SAY("rule of Driver Verifier that was broken"), NOTHING, NOTHING, NOTHING}, NOWHERE},
	{0xc5, USED_MEMORY, {-1, -1, -1, -1, 3, 0, 2}},
	{0xd1, USED_MEMORY, {-1, -1, -1, -1, 3, 0, 2}},
	{0xea, {SAY("thread that loops"), SAY("watchdog"), SAY("context of the display driver"), NOTHING},
	 NOWHERE},
	{0xed, {SAY("device object of the volume"), {"status", VALUE_STATUS}, NOTHING, NOTHING}, NOWHERE},
	{0xef, {SAY("process object"), {"what ended", VALUE_PROCESS}, NOTHING, NOTHING}, NOWHERE},
	{0xf4, {{"what ended", VALUE_OBJECT}, SAY("object"), SAY("name of its image"),
		SAY("message")}, NOWHERE},
	{0xf7, {SAY("stack cookie found"), SAY("stack cookie expected"), SAY("its complement"), NOTHING},
	 NOWHERE},
	{0xfc, {SAY("address that was to be executed"), SAY("page table entry"), NOTHING, NOTHING}, NOWHERE},
	{0xfe, {SAY("kind of violation"), NOTHING, NOTHING, NOTHING}, NOWHERE},
	{0x101, {SAY("time-out in clock ticks"), NOTHING, SAY("control block of the hung processor"),
		 SAY("number of the hung processor")}, NOWHERE},
	{0x109, {NOTHING, NOTHING, SAY("depends on the region"), {"what was changed", VALUE_REGION}},
	 NOWHERE},
	{0x116, VIDEO_TIMEOUT, NOWHERE},
	{0x117, VIDEO_TIMEOUT, NOWHERE},
	{0x119, {SAY("kind of violation"), NOTHING, NOTHING, NOTHING}, NOWHERE},
	{0x124, {{"source of the error", VALUE_HARDWARE}, SAY("error record"),
		 SAY("high half of the machine check status"),
		 SAY("low half of the machine check status")}, NOWHERE},
	{0x12b, {SAY("address that maps the damaged page"), SAY("number of the page"), NOTHING, NOTHING},
	 NOWHERE},
	{0x133, {{"kind of delay", VALUE_WATCHDOG}, SAY("time taken, or watchdog period, in ticks"),
		 SAY("time allowed in ticks, or triage block"), NOTHING}, NOWHERE},
	{0x139, {{"check that failed", VALUE_FAST_FAIL}, SAY("trap frame"), SAY("exception record"),
		 NOTHING}, {2, -1, 1, -1, -1, -1, -1}},
	{0x13a, {SAY("kind of damage"), SAY("heap"), SAY("address of the damage"), NOTHING}, NOWHERE},
	{0x141, VIDEO_TIMEOUT, NOWHERE},
	{0x144, {SAY("kind of violation"), NOTHING, NOTHING, NOTHING}, NOWHERE},
	{0x154, {SAY("store of compressed memory"), SAY("exception information"), NOTHING, NOTHING}, NOWHERE},
	{0xc000021a, {SAY("text that names what ended"), {"status", VALUE_STATUS}, NOTHING, NOTHING},
	 NOWHERE},
};
/* clang-format on */

/* Codes from 0xc0000000 on are NTSTATUS values, to which the bit belongs. */
uint32_t
bugcheck_number(uint32_t code)
{
	return code >> 28 == 1 ? code & ~BUGCHECK_SMALL_DUMP : code;
}

static const struct bugcheck_entry *
find(uint32_t code)
{
	uint32_t number = bugcheck_number(code);
	for (size_t i = 0; i < sizeof(entries) / sizeof(entries[0]); i++)
		if (entries[i].number == number)
			return &entries[i];
	return NULL;
}

struct bugcheck_places
bugcheck_places(uint32_t code)
{
	static const struct bugcheck_places nowhere = NOWHERE;
	const struct bugcheck_entry *entry = find(code);
	return entry == NULL ? nowhere : entry->places;
}

static const char *
word_for(enum value_kind kind, uint64_t value)
{
	if (kind == VALUE_STATUS)
		return code_name(CODE_NTSTATUS, value);
	for (const struct value_word *w = words[kind]; w != NULL && w->text != NULL; w++)
		if (w->value == value)
			return w->text;
	return NULL;
}

bool
bugcheck_access(const struct dump_bugcheck *bugcheck, uint64_t *ret_access)
{
	const struct bugcheck_entry *entry = find(bugcheck->code);
	int index = entry == NULL ? -1 : entry->places.access;
	const char *word =
		index < 0 ? NULL
			  : word_for(entry->parameters[index].kind, bugcheck->parameters[index]);
	if (word == NULL)
		return false;
	*ret_access = strcmp(word, "read") == 0 ? 0 : strcmp(word, "write") == 0 ? 1 : 8;
	return true;
}

void
bugcheck_describe(uint32_t code, struct buf *out)
{
	const char *name = code_name(CODE_BUGCHECK, code);
	uint32_t number = bugcheck_number(code);
	buf_append_str(out, name == NULL ? "bug check" : name);
	if (number == code)
		buf_printf(out, " (0x%x)", code);
	else
		buf_printf(out, " (0x%x: 0x%x of which a small dump was written)", code, number);
}

const char *
bugcheck_parameter(uint32_t code, unsigned index)
{
	const struct bugcheck_entry *entry = index < 4 ? find(code) : NULL;
	return entry == NULL ? NULL : entry->parameters[index].about;
}

void
bugcheck_describe_parameter(const struct dump_bugcheck *bugcheck, unsigned index, struct buf *out)
{
	if (index >= 4)
		return;
	uint64_t value = bugcheck->parameters[index];
	const struct bugcheck_entry *entry = find(bugcheck->code);
	buf_printf(out, "0x%016" PRIx64, value);
	if (entry == NULL || entry->parameters[index].about == NULL)
		return;
	buf_printf(out, "  %s", entry->parameters[index].about);
	const char *word = word_for(entry->parameters[index].kind, value);
	if (word != NULL)
		buf_printf(out, ": %s", word);
}
