/* kernel_system.c - what each processor ran, from the kernel's own structures
 *
 * KDDEBUGGER_DATA64 says where fields lie: of the PRCB (one for each processor), the thread and
 * the process.  It does not say where a process keeps its name and id; these are known for each
 * range of builds (amd64), and believed only when what lies there looks like one.
 *
 *	KiProcessorBlock -> PRCB of each processor -> its thread -> its process
 *	                                           -> the context it was stopped with
 */
#include "dump/context_layout.h"
#include "dump/kernel_internal.h"

enum {
	DEBUGGER_TAG = 0x4742444b, /* "KDBG" */
	VENDOR_BYTES = 13,
	IMAGE_NAME_BYTES = 15,
	THREAD_ID_FROM = 0x200, /* the thread's part for the scheduler ends behind this */
	THREAD_ID_MAX = 1 << 24
};

void
kernel_offsets_read(struct kernel_parser *k, struct slice data)
{
	if (kernel_u32(data, 0x10) != DEBUGGER_TAG)
		return;
	k->offsets = (struct kernel_offsets){
		.kernel_base = kernel_u64(data, 0x018),
		.processor_block = kernel_u64(data, 0x218),
		.thread_teb = kernel_u16(data, 0x29a),
		.thread_process = kernel_u16(data, 0x2a0),
		.process_bytes = kernel_u16(data, 0x2a8),
		.process_parent = kernel_u16(data, 0x2ac),
		.prcb_bytes = kernel_u16(data, 0x2b0),
		.prcb_thread = kernel_u16(data, 0x2b4),
		.prcb_mhz = kernel_u16(data, 0x2b6),
		.prcb_vendor = kernel_u16(data, 0x2ba),
		.thread_bytes = kernel_u16(data, 0x2c0),
		.prcb_context = kernel_u16(data, 0x338),
	};
}

/* ---- processors ---- */

static struct slice
processor_name(struct kernel_parser *k, uint32_t number)
{
	char *text = arena_printf(k->arena, "processor %u", number);
	return slice_str(text);
}

struct processor {
	uint64_t prcb;
	struct dump_thread thread;
};

/* False: the dump does not have what processor NUMBER did. */
static bool
read_processor(struct kernel_parser *k, uint32_t number, struct processor *ret_processor)
{
	struct processor p = {.thread.has_registers = true};
	uint64_t context;
	if (!memory_u64(&k->memory, k->offsets.processor_block + 8 * (uint64_t)number, &p.prcb) ||
	    !memory_u64(&k->memory, p.prcb + k->offsets.prcb_thread, &p.thread.id) ||
	    !memory_u64(&k->memory, p.prcb + k->offsets.prcb_context, &context) ||
	    !kernel_read_context(k, context, &p.thread.registers, &p.thread.context))
		return false;
	p.thread.name = processor_name(k, number);
	*ret_processor = p;
	return true;
}

/* How far the stack of PROCESSOR's thread had grown below the header's context, which may be that
 * of an exception some calls before the bug check; UINT64_MAX: that is on no stack of its. */
static uint64_t
distance(const struct kernel_parser *k, const struct processor *processor)
{
	uint64_t from = registers_sp(&k->dump->threads.items[0].registers);
	uint64_t to = registers_sp(&processor->thread.registers);
	if (k->thread_address != 0)
		return processor->thread.id == k->thread_address ? 0 : UINT64_MAX;
	return to <= from && from - to < LIMIT_KERNEL_STACK_BYTES ? from - to : UINT64_MAX;
}

/* The crashing processor is the one whose thread the dump names, or else the one whose stack is
 * that of the header's context. */
static void
read_processors(struct kernel_parser *k, uint32_t n)
{
	struct dump *dump = k->dump;
	struct processor crashing = {0};
	uint64_t nearest = UINT64_MAX;
	size_t at = 0; /* of the crashing one in the list */
	for (uint32_t i = 0; i < n; i++) {
		struct processor processor;
		if (!read_processor(k, i, &processor))
			continue;
		uint64_t away = distance(k, &processor);
		if (away < nearest) {
			nearest = away;
			crashing = processor;
			at = dump->threads.n;
		}
		dump->threads.items[dump->threads.n++] = processor.thread;
	}
	if (at == 0)
		return;
	dump->threads.items[0] = crashing.thread;
	dump->threads.n--;
	memmove(&dump->threads.items[at], &dump->threads.items[at + 1],
		(dump->threads.n - at) * sizeof(struct dump_thread));
	k->thread_address = crashing.thread.id;
	if (slice_is_absent(k->prcb))
		k->prcb = kernel_read(k, crashing.prcb, k->offsets.prcb_bytes);
}

/* ---- process and thread ---- */

/* Offsets in EPROCESS of amd64, from BUILD on. */
static const struct process_layout {
	uint32_t build;
	uint16_t id;
	uint16_t image_name;
} process_layouts[] = {
	{7600, 0x180, 0x2e0},  {9200, 0x2e0, 0x438},  {10240, 0x2e8, 0x448}, {10586, 0x2e8, 0x450},
	{15063, 0x2e0, 0x450}, {18362, 0x2e8, 0x450}, {19041, 0x440, 0x5a8}, {26100, 0x1d0, 0x338},
};

/* NULL: not known for this build. */
static const struct process_layout *
find_process_layout(const struct kernel_header *header)
{
	const struct process_layout *found = NULL;
	size_t n = sizeof(process_layouts) / sizeof(process_layouts[0]);
	for (size_t i = 0; i < n && header->arch == ARCH_AMD64; i++)
		if (header->minor >= process_layouts[i].build)
			found = &process_layouts[i];
	return found;
}

static bool
is_id(uint64_t value)
{
	return value > 0 && value < THREAD_ID_MAX && value % 4 == 0;
}

/* A thread keeps its process' id and its own side by side.  0: not found, or not only once. */
static uint64_t
find_thread_id(struct slice thread, uint64_t process_id)
{
	uint64_t found = 0;
	for (uint64_t at = THREAD_ID_FROM; process_id != 0 && at + 16 <= thread.len; at += 8) {
		uint64_t id = kernel_u64(thread, at + 8);
		if (kernel_u64(thread, at) != process_id || !is_id(id))
			continue;
		if (found != 0)
			return 0;
		found = id;
	}
	return found;
}

/* The name is cut to 14 characters by the kernel; all that follows it in the field is zero. */
static struct slice
image_name(struct slice process, uint16_t offset)
{
	return kernel_ascii(kernel_piece(process, offset, IMAGE_NAME_BYTES));
}

static void
read_process_facts(struct kernel_parser *k)
{
	const struct process_layout *layout = find_process_layout(&k->header);
	struct dump *dump = k->dump;
	if (layout == NULL || slice_is_absent(k->process))
		return;
	struct slice name = image_name(k->process, layout->image_name);
	uint64_t id = kernel_u64(k->process, layout->id);
	if (slice_is_absent(name) || !is_id(id))
		return;
	dump->image_path = name;
	dump->process_id = id;
	uint64_t thread_id = find_thread_id(k->thread, id);
	if (thread_id != 0)
		dump->threads.items[0].id = thread_id;
}

static void
read_thread_and_process(struct kernel_parser *k)
{
	const struct kernel_offsets *o = &k->offsets;
	if (slice_is_absent(k->thread) && o->thread_bytes != 0)
		k->thread = kernel_read(k, k->thread_address, o->thread_bytes);
	if (k->process_address == 0 && o->thread_process != 0)
		k->process_address = kernel_u64(k->thread, o->thread_process);
	if (slice_is_absent(k->process) && o->process_bytes != 0)
		k->process = kernel_read(k, k->process_address, o->process_bytes);
	k->dump->threads.items[0].id = k->thread_address;
	if (o->thread_teb != 0)
		k->dump->threads.items[0].teb = kernel_u64(k->thread, o->thread_teb);
	read_process_facts(k);
}

/* Vendor and clock, as the kernel found them at its start. */
static err_t
read_cpu(struct kernel_parser *k)
{
	const struct kernel_offsets *o = &k->offsets;
	struct slice vendor = kernel_ascii(kernel_piece(k->prcb, o->prcb_vendor, VENDOR_BYTES));
	uint32_t mhz = kernel_u32(k->prcb, o->prcb_mhz);
	if (o->prcb_vendor == 0 || slice_is_absent(vendor))
		return OK;
	char *text = o->prcb_mhz == 0 || mhz == 0
			     ? arena_str(k->arena, vendor)
			     : arena_printf(k->arena, "%.*s, %u MHz", SLICE_ARGS(vendor), mhz);
	if (text == NULL)
		return ERR_LIMIT;
	k->dump->cpu = slice_str(text);
	return OK;
}

err_t
kernel_system_read(struct kernel_parser *k)
{
	struct dump *dump = k->dump;
	uint32_t n = k->header.processors;
	if (n > LIMIT_KERNEL_PROCESSORS)
		n = LIMIT_KERNEL_PROCESSORS;
	dump->threads.items = arena_array(k->arena, (size_t)n + 1, sizeof(struct dump_thread));
	if (dump->threads.items == NULL)
		return ERR_LIMIT;
	dump->threads.n = 1;
	dump->threads.items[0].context = k->header.context;
	dump->threads.items[0].has_registers =
		context_layout_read(k->header.arch, k->header.context,
				    &dump->threads.items[0].registers) == OK;
	if (k->offsets.processor_block != 0 && k->offsets.prcb_context != 0)
		read_processors(k, n);
	read_thread_and_process(k);
	return read_cpu(k);
}
