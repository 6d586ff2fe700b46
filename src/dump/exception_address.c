/* What an address belongs to. */
#include <inttypes.h>

#include "dump/exception.h"

enum {
	NULL_BYTES = 64 * 1024,      /* Windows maps nothing there; offsets into structures */
	STACK_EDGE_BYTES = 64 * 1024 /* guard pages, and what one large frame skips */
};
static const uint64_t X86_KERNEL = 0x80000000; /* unless the program may use 3 GiB or more */
static const uint64_t ARM64_KERNEL = UINT64_C(0xffff000000000000);

enum {
	MEM_COMMIT = 0x1000,
	MEM_RESERVE = 0x2000,
	MEM_FREE = 0x10000,
	MEM_PRIVATE = 0x20000,
	MEM_MAPPED = 0x40000,
	MEM_IMAGE = 0x1000000,
	PAGE_GUARD = 0x100
};

/* What runtime libraries fill memory with, so that its use is seen. */
static const struct {
	uint32_t value;
	const char *text;
} patterns[] = {
	{0xabababab, "the guard behind a heap block"},
	{0xbaadf00d, "heap memory that was never written"},
	{0xcccccccc, "stack memory that was never written, debug build"},
	{0xcdcdcdcd, "heap memory that was never written, debug build"},
	{0xdddddddd, "heap memory that was freed, debug build"},
	{0xfdfdfdfd, "the guard around a heap block, debug build"},
	{0xfeeefeee, "heap memory that was freed"},
	{0xe5e5e5e5, "heap memory that was freed, mozjemalloc"},
	{0xefefefef, "heap memory that was freed, PartitionAlloc"},
	{0xdeadbeef, "a marker for memory that was freed"},
};

static const char *
find_pattern(enum arch arch, uint64_t address)
{
	bool is_wide = arch_pointer_bytes(arch) == 8;
	for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) {
		uint64_t value = patterns[i].value;
		if (is_wide)
			value |= value << 32;
		if (address - value < NULL_BYTES || value - address < NULL_BYTES)
			return patterns[i].text;
	}
	return NULL;
}

static bool
is_canonical(enum arch arch, uint64_t address)
{
	return arch != ARCH_AMD64 || address >> 47 == 0 || address >> 47 == 0x1ffff;
}

static bool
is_kernel(enum arch arch, uint64_t address)
{
	switch (arch) {
	case ARCH_X86:
	case ARCH_ARM:
		return address >= X86_KERNEL;
	case ARCH_AMD64:
		return address >> 47 == 0x1ffff;
	case ARCH_ARM64:
		return address >= ARM64_KERNEL;
	case ARCH_UNKNOWN:
	case ARCH_N:
		break;
	}
	return false;
}

static bool
is_near_null(enum arch arch, uint64_t address)
{
	return address < NULL_BYTES || (arch_pointer_mask(arch) & (0 - address)) < NULL_BYTES;
}

static int
find_stack(const struct dump *dump, uint64_t address, uint64_t below_bytes)
{
	for (size_t i = 0; i < dump->threads.n; i++) {
		const struct dump_thread *thread = &dump->threads.items[i];
		uint64_t base = thread->stack_base;
		if (thread->stack_bytes == 0)
			continue;
		if (below_bytes == 0 ? address >= base && address - base < thread->stack_bytes
				     : address < base && base - address <= below_bytes)
			return (int)i;
	}
	return -1;
}

static enum address_class
class_of_region(const struct dump *dump, const struct dump_region *region)
{
	if (region == NULL)
		return dump->regions.n == 0 ? ADDRESS_UNKNOWN : ADDRESS_UNMAPPED;
	if ((region->state & MEM_FREE) != 0)
		return ADDRESS_FREE;
	return (region->state & MEM_COMMIT) != 0 ? ADDRESS_COMMITTED : ADDRESS_RESERVED;
}

/* In this order: what is certain of any process, what the dump lists, what regions say. */
static enum address_class
classify(const struct dump *dump, uint64_t address, struct address *a)
{
	enum arch arch = dump->arch;
	if (address == 0)
		return ADDRESS_NULL;
	if (is_near_null(arch, address))
		return ADDRESS_NEAR_NULL;
	if (a->pattern != NULL)
		return ADDRESS_PATTERN;
	if (!is_canonical(arch, address))
		return ADDRESS_NOT_CANONICAL;
	if (a->module >= 0)
		return ADDRESS_MODULE;
	if (a->thread >= 0)
		return ADDRESS_STACK;
	a->thread = find_stack(dump, address, STACK_EDGE_BYTES);
	if (a->thread >= 0 && class_of_region(dump, a->region) != ADDRESS_COMMITTED)
		return ADDRESS_STACK_EDGE;
	if (a->region != NULL && (a->region->protection & PAGE_GUARD) != 0 && a->thread >= 0)
		return ADDRESS_STACK_EDGE;
	a->thread = -1;
	if (a->unloaded != NULL)
		return ADDRESS_UNLOADED;
	if (a->region == NULL && is_kernel(arch, address))
		return ADDRESS_KERNEL;
	return class_of_region(dump, a->region);
}

void
address_classify(const struct dump *dump, uint64_t address, struct address *ret_address)
{
	struct address a = {
		.module = dump_find_module(dump, address),
		.thread = find_stack(dump, address, 0),
		.unloaded = dump_find_unloaded(dump, address),
		.region = dump_find_region(dump, address),
		.pattern = find_pattern(dump->arch, address),
	};
	a.class = classify(dump, address, &a);
	*ret_address = a;
}

/* ---- words ---- */

static void
put_offset(struct slice path, const char *before, uint64_t offset, struct buf *text)
{
	struct slice name = dump_base_name(path);
	if (name.len == 0)
		name = SLICE_LITERAL("a module without a name");
	buf_printf(text, "%s%.*s+0x%" PRIx64, before, SLICE_ARGS(name), offset);
}

void
address_describe_code(const struct dump *dump, uint64_t address, struct buf *text)
{
	int module = dump_find_module(dump, address);
	const struct dump_unloaded *unloaded = dump_find_unloaded(dump, address);
	if (module >= 0)
		put_offset(dump->modules.items[module].name, "",
			   address - dump->modules.items[module].base, text);
	else if (unloaded != NULL)
		put_offset(unloaded->name, "unloaded ", address - unloaded->base, text);
	else
		buf_printf(text, "0x%" PRIx64 ", which is in no module", address);
}

static const char *
access_text(uint32_t protection)
{
	if ((protection & PAGE_GUARD) != 0)
		return "guarded";
	switch (protection & 0xff) {
	case 0x01:
		return "without any access";
	case 0x02:
		return "read-only";
	case 0x04:
		return "writable";
	case 0x08:
		return "writable (copy on write)";
	case 0x10:
		return "execute-only";
	case 0x20:
		return "executable";
	case 0x40:
		return "writable and executable";
	case 0x80:
		return "executable, writable (copy on write)";
	default:
		return "of unknown protection";
	}
}

static void
put_committed(const struct dump_region *region, struct buf *text)
{
	buf_printf(text, "in memory that is %s", access_text(region->protection));
	if (region->name.len > 0)
		buf_printf(text, ", of %.*s", SLICE_ARGS(region->name));
	else if (region->type == MEM_IMAGE)
		buf_append_str(text, ", of an image that is not in the module list");
	else if (region->type == MEM_MAPPED)
		buf_append_str(text, ", of a mapped file");
}

static void
put_near_null(const struct dump *dump, uint64_t address, struct buf *text)
{
	if (address < NULL_BYTES)
		buf_printf(text, "near null: a null pointer and an offset of 0x%" PRIx64, address);
	else
		buf_printf(text, "just below null: a null pointer and an offset of -0x%" PRIx64,
			   arch_pointer_mask(dump->arch) & (0 - address));
}

static void
put_stack(const struct dump *dump, const struct address *a, struct buf *text)
{
	const struct dump_thread *thread = &dump->threads.items[a->thread];
	bool is_own = thread->id == dump->exception.thread_id;
	if (a->class == ADDRESS_STACK && is_own)
		buf_append_str(text, "on the thread's own stack");
	else if (a->class == ADDRESS_STACK)
		buf_printf(text, "on the stack of thread %" PRIu64, thread->id);
	else if (is_own)
		buf_append_str(text, "just below the thread's stack, where its guard is");
	else
		buf_printf(text, "just below the stack of thread %" PRIu64, thread->id);
}

void
address_describe(const struct dump *dump, uint64_t address, struct buf *text)
{
	static const char *const fixed[ADDRESS_CLASS_N] = {
		[ADDRESS_NULL] = "a null pointer",
		[ADDRESS_NOT_CANONICAL] = "no address that the processor has (not canonical)",
		[ADDRESS_KERNEL] = "in the part of memory that belongs to the kernel",
		[ADDRESS_FREE] = "in memory that is not allocated",
		[ADDRESS_RESERVED] = "in memory that is reserved but not committed",
		[ADDRESS_UNMAPPED] = "in none of the regions of the process",
		[ADDRESS_UNKNOWN] = "of which the dump says nothing",
	};
	struct address a;
	address_classify(dump, address, &a);
	switch (a.class) {
	case ADDRESS_NEAR_NULL:
		put_near_null(dump, address, text);
		break;
	case ADDRESS_PATTERN:
		buf_printf(text, "the pattern of %s", a.pattern);
		break;
	case ADDRESS_MODULE:
		buf_append_str(text, "inside ");
		address_describe_code(dump, address, text);
		break;
	case ADDRESS_UNLOADED:
		buf_append_str(text, "inside ");
		put_offset(a.unloaded->name, "unloaded ", address - a.unloaded->base, text);
		break;
	case ADDRESS_STACK:
	case ADDRESS_STACK_EDGE:
		put_stack(dump, &a, text);
		break;
	case ADDRESS_COMMITTED:
		put_committed(a.region, text);
		break;
	default:
		buf_append_str(text, fixed[a.class]);
	}
}
