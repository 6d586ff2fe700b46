/* kernel_triage.c - TRIAGE_DUMP64 and what it points to
 *
 *	drivers		entries of 0x90 bytes: offset of the name, then what the kernel's
 *			list of loaded modules had (KLDR_DATA_TABLE_ENTRY64, cut)
 *	names		u32 count of characters, UTF-16, NUL
 *	unloaded	u32 count, 4 bytes of padding, entries of 0x38 bytes
 *	data blocks	u64 address, u32 offset, u32 bytes: pieces of virtual memory
 *
 * Every offset is checked against the file, not against the sizes that the block claims: a
 * truncated dump still gives what it has.
 */
#include "dump/kernel_internal.h"

enum {
	DRIVER_BYTES = 0x90,
	UNLOADED_BYTES = 0x38,
	UNLOADED_NAME_BYTES = 24,
	DATA_BLOCK_BYTES = 16,
	MM_BYTES = 0x50,
	END_MARK = 0x44475254, /* "TRGD" */
	OTHER_PIECES = 8       /* of memory, beside the data blocks */
};

err_t
kernel_triage_parse(struct slice file, struct kernel_triage *ret_triage)
{
	struct reader r;
	struct kernel_triage t;
	reader_init(&r, file);
	(void)reader_bytes(&r, KERNEL_HEADER_BYTES_64);
	t.service_pack_build = reader_u32(&r);
	t.dump_bytes = reader_u32(&r);
	t.valid_offset = reader_u32(&r);
	t.context_offset = reader_u32(&r);
	t.exception_offset = reader_u32(&r);
	t.mm_offset = reader_u32(&r);
	t.unloaded_offset = reader_u32(&r);
	t.prcb_offset = reader_u32(&r);
	t.process_offset = reader_u32(&r);
	t.thread_offset = reader_u32(&r);
	t.call_stack_offset = reader_u32(&r);
	t.call_stack_bytes = reader_u32(&r);
	t.driver_list_offset = reader_u32(&r);
	t.driver_count = reader_u32(&r);
	t.string_pool_offset = reader_u32(&r);
	t.string_pool_bytes = reader_u32(&r);
	t.broken_driver_offset = reader_u32(&r);
	t.options = reader_u32(&r);
	t.top_of_stack = reader_u64(&r);
	(void)reader_bytes(&r, 16); /* the register stack of Itanium */
	t.data_page_address = reader_u64(&r);
	t.data_page_offset = reader_u32(&r);
	t.data_page_bytes = reader_u32(&r);
	t.debugger_data_offset = reader_u32(&r);
	t.debugger_data_bytes = reader_u32(&r);
	t.data_blocks_offset = reader_u32(&r);
	t.data_blocks_count = reader_u32(&r);
	if (r.error == OK)
		*ret_triage = t;
	return r.error;
}

/* How many of COUNT entries the file has from OFFSET, and in *ret_err why not all of them. */
static uint32_t
entries_there(struct slice file, uint64_t offset, uint32_t count, uint32_t each, uint32_t max,
	      err_t *ret_err)
{
	uint64_t left = offset < file.len ? (file.len - offset) / each : 0;
	*ret_err = OK;
	if (count > max)
		*ret_err = ERR_LIMIT;
	else if (count > left)
		*ret_err = ERR_TRUNCATED;
	if (count > max)
		count = max;
	return count > left ? (uint32_t)left : count;
}

/* ---- drivers ---- */

/* Absent: none; or it lies outside the file or is too long, which is remembered. */
static err_t
name_at(struct kernel_parser *k, uint32_t offset, struct slice *ret_name)
{
	uint64_t bytes = 2 * (uint64_t)kernel_u32(k->file, offset);
	*ret_name = (struct slice){0};
	if (offset == 0)
		return OK;
	struct slice raw = kernel_piece(k->file, (uint64_t)offset + 4, bytes);
	if (slice_is_absent(raw) || bytes > LIMIT_KERNEL_NAME_BYTES) {
		k->is_name_lost = true;
		return OK;
	}
	*ret_name = kernel_text(k->arena, raw);
	return slice_is_absent(*ret_name) ? ERR_LIMIT : OK;
}

static err_t
driver_at(struct kernel_parser *k, uint64_t offset, struct dump_module *ret_module)
{
	struct slice entry = kernel_piece(k->file, offset, DRIVER_BYTES);
	*ret_module = (struct dump_module){
		.base = kernel_u64(entry, 0x38),
		.bytes = kernel_u32(entry, 0x48),
		.checksum = kernel_u32(entry, 0x80),
		.timestamp = kernel_u32(entry, 0x88),
	};
	return name_at(k, kernel_u32(entry, 0), &ret_module->name);
}

static err_t
read_drivers(struct kernel_parser *k)
{
	err_t there;
	uint64_t offset = k->triage.driver_list_offset;
	uint32_t n = entries_there(k->file, offset, k->triage.driver_count, DRIVER_BYTES,
				   LIMIT_KERNEL_DRIVERS, &there);
	k->dump->modules.items = arena_array(k->arena, n, sizeof(struct dump_module));
	if (n > 0 && k->dump->modules.items == NULL)
		return ERR_LIMIT;
	for (uint32_t i = 0; i < n; i++) {
		if (driver_at(k, offset + (uint64_t)i * DRIVER_BYTES, &k->dump->modules.items[i]) !=
		    OK)
			return ERR_LIMIT;
		k->dump->modules.n++;
	}
	if (there == OK && k->is_name_lost)
		there = ERR_CORRUPT;
	kernel_add_stream(k, KERNEL_PART_DRIVERS, "Drivers", offset, (uint64_t)n * DRIVER_BYTES,
			  there);
	return OK;
}

static err_t
unloaded_at(struct kernel_parser *k, uint64_t offset, struct dump_unloaded *ret_unloaded)
{
	struct slice entry = kernel_piece(k->file, offset, UNLOADED_BYTES);
	uint64_t start = kernel_u64(entry, 0x28);
	uint64_t end = kernel_u64(entry, 0x30);
	size_t len = 0;
	while (len < UNLOADED_NAME_BYTES && kernel_u16(entry, 0x10 + len) != 0)
		len += 2;
	*ret_unloaded =
		(struct dump_unloaded){.base = start, .bytes = end > start ? end - start : 0};
	ret_unloaded->name = kernel_text(k->arena, slice_sub(entry, 0x10, len));
	return slice_is_absent(ret_unloaded->name) ? ERR_LIMIT : OK;
}

static err_t
read_unloaded(struct kernel_parser *k)
{
	err_t there;
	uint64_t offset = k->triage.unloaded_offset;
	if (offset == 0)
		return OK;
	uint32_t n = entries_there(k->file, offset + 8, kernel_u32(k->file, offset), UNLOADED_BYTES,
				   LIMIT_KERNEL_UNLOADED, &there);
	if (offset + 8 > k->file.len)
		there = ERR_TRUNCATED;
	k->dump->unloaded.items = arena_array(k->arena, n, sizeof(struct dump_unloaded));
	if (n > 0 && k->dump->unloaded.items == NULL)
		return ERR_LIMIT;
	for (uint32_t i = 0; i < n; i++) {
		if (unloaded_at(k, offset + 8 + (uint64_t)i * UNLOADED_BYTES,
				&k->dump->unloaded.items[i]) != OK)
			return ERR_LIMIT;
		k->dump->unloaded.n++;
	}
	kernel_add_stream(k, KERNEL_PART_UNLOADED, "UnloadedDrivers", offset,
			  8 + (uint64_t)n * UNLOADED_BYTES, there);
	return OK;
}

/* ---- memory ---- */

/* MEMORY has room: OTHER_PIECES more than there are data blocks. */
static void
add_memory(struct kernel_parser *k, uint64_t base, struct slice bytes)
{
	if (base != 0 && bytes.len > 0)
		k->dump->memory.items[k->dump->memory.n++] = (struct dump_memory){base, bytes};
}

static err_t
read_data_blocks(struct kernel_parser *k)
{
	err_t there;
	uint64_t offset = k->triage.data_blocks_offset;
	uint32_t n = entries_there(k->file, offset, k->triage.data_blocks_count, DATA_BLOCK_BYTES,
				   LIMIT_KERNEL_DATA_BLOCKS, &there);
	k->dump->memory.items =
		arena_array(k->arena, (size_t)n + OTHER_PIECES, sizeof(struct dump_memory));
	if (k->dump->memory.items == NULL)
		return ERR_LIMIT;
	for (uint32_t i = 0; i < n; i++) {
		uint64_t at = offset + (uint64_t)i * DATA_BLOCK_BYTES;
		struct slice bytes = kernel_piece(k->file, kernel_u32(k->file, at + 8),
						  kernel_u32(k->file, at + 12));
		if (slice_is_absent(bytes) && there == OK)
			there = ERR_TRUNCATED;
		add_memory(k, kernel_u64(k->file, at), bytes);
	}
	if (offset != 0)
		kernel_add_stream(k, KERNEL_PART_DATA_BLOCKS, "DataBlocks", offset,
				  (uint64_t)n * DATA_BLOCK_BYTES, there);
	return OK;
}

/* Lists a part whose size the block or the debugger data gives; absent: none, or outside the
 * file. */
static struct slice
part(struct kernel_parser *k, enum kernel_part type, const char *name, uint32_t offset,
     uint32_t bytes)
{
	if (offset == 0 || bytes == 0)
		return (struct slice){0};
	struct slice piece = kernel_piece(k->file, offset, bytes);
	kernel_add_stream(k, type, name, offset, bytes,
			  slice_is_absent(piece) ? ERR_TRUNCATED : OK);
	return piece;
}

/* As much of the stack as a truncated file has: its top is what matters. */
static void
read_call_stack(struct kernel_parser *k)
{
	const struct kernel_triage *t = &k->triage;
	if (t->call_stack_offset == 0 || t->call_stack_bytes == 0)
		return;
	bool is_there = t->call_stack_offset < k->file.len;
	struct slice stack = is_there
				     ? slice_sub(k->file, t->call_stack_offset, t->call_stack_bytes)
				     : (struct slice){0};
	kernel_add_stream(k, KERNEL_PART_CALL_STACK, "CallStack", t->call_stack_offset,
			  t->call_stack_bytes,
			  stack.len == t->call_stack_bytes ? OK : ERR_TRUNCATED);
	if (stack.len == 0)
		return;
	k->dump->call_stack_base = t->top_of_stack;
	k->dump->call_stack = stack;
	add_memory(k, t->top_of_stack, stack);
}

/* The thread and the process have addresses, but for finding them their sizes are needed, which
 * only the debugger's data has. */
static void
read_system_parts(struct kernel_parser *k)
{
	const struct kernel_triage *t = &k->triage;
	struct slice data = part(k, KERNEL_PART_DEBUGGER_DATA, "DebuggerData",
				 t->debugger_data_offset, t->debugger_data_bytes);
	add_memory(k, k->header.debugger_data, data);
	kernel_offsets_read(k, data);
	k->prcb = part(k, KERNEL_PART_PROCESSOR, "ProcessorControlBlock", t->prcb_offset,
		       k->offsets.prcb_bytes);
	k->thread =
		part(k, KERNEL_PART_THREAD, "Thread", t->thread_offset, k->offsets.thread_bytes);
	k->process = part(k, KERNEL_PART_PROCESS, "Process", t->process_offset,
			  k->offsets.process_bytes);
	if (!slice_is_absent(k->prcb))
		k->thread_address = kernel_u64(k->prcb, k->offsets.prcb_thread);
	if (!slice_is_absent(k->thread) && k->offsets.thread_process != 0)
		k->process_address = kernel_u64(k->thread, k->offsets.thread_process);
	add_memory(k, k->thread_address, k->thread);
	add_memory(k, k->process_address, k->process);
}

/* ---- the rest ---- */

static void
read_end_mark(struct kernel_parser *k)
{
	uint32_t offset = k->triage.valid_offset;
	err_t err = kernel_u32(k->file, offset) == END_MARK ? OK : ERR_CORRUPT;
	if (offset > k->file.len || k->file.len - offset < 4)
		err = ERR_TRUNCATED;
	kernel_add_stream(k, KERNEL_PART_END_MARK, "EndMark", offset, 4, err);
}

static err_t
annotate(struct kernel_parser *k)
{
	const struct kernel_triage *t = &k->triage;
	struct slice broken;
	err_t err = name_at(k, t->broken_driver_offset, &broken);
	if (err == OK && !slice_is_absent(broken))
		err = kernel_annotate(k, "broken_driver", "%.*s", SLICE_ARGS(broken));
	if (err == OK && t->service_pack_build != 0)
		err = kernel_annotate(k, "service_pack_build", "%u", t->service_pack_build);
	struct slice mm = kernel_piece(k->file, t->mm_offset, MM_BYTES);
	if (err == OK && kernel_u32(mm, 4) == MM_BYTES && kernel_u32(mm, 0x10) != 0)
		err = kernel_annotate(k, "verifier_flags", "0x%x", kernel_u32(mm, 0x10));
	return err;
}

err_t
kernel_triage_read(struct kernel_parser *k)
{
	err_t err = kernel_triage_parse(k->file, &k->triage);
	kernel_add_stream(k, KERNEL_PART_TRIAGE, "Triage", KERNEL_HEADER_BYTES_64, 0x80, err);
	if (err != OK)
		return OK;
	read_end_mark(k);
	err = read_drivers(k);
	if (err == OK)
		err = read_unloaded(k);
	if (err == OK)
		err = read_data_blocks(k);
	if (err != OK)
		return err;
	(void)part(k, KERNEL_PART_STRINGS, "Strings", k->triage.string_pool_offset,
		   k->triage.string_pool_bytes);
	read_call_stack(k);
	read_system_parts(k);
	add_memory(k, k->triage.data_page_address,
		   part(k, KERNEL_PART_DATA_PAGE, "DataPage", k->triage.data_page_offset,
			k->triage.data_page_bytes));
	return annotate(k);
}
