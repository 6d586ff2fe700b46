/* kernel_full.c - drivers and stacks of dumps that have the kernel's memory
 *
 * Drivers are the kernel's own list of loaded modules: a ring of KLDR_DATA_TABLE_ENTRY64 from
 * PsLoadedModuleList.  A link whose way back does not lead to where it came from ends the walk, so
 * that no ring of a broken dump goes on for ever.
 */
#include "dump/kernel_internal.h"

enum {
	ENTRY_BYTES = 0x68, /* as far as it is read */
	STACK_PAGES = LIMIT_KERNEL_STACK_BYTES / KERNEL_PAGE_BYTES
};

/* The entry at ADDRESS, whose way back must lead to FROM; absent otherwise. */
static struct slice
entry_at(struct kernel_parser *k, uint64_t address, uint64_t from)
{
	struct slice entry = kernel_read(k, address, ENTRY_BYTES);
	return kernel_u64(entry, 8) == from ? entry : (struct slice){0};
}

/* How many there are, and in *ret_err why there are no more. */
static size_t
count_drivers(struct kernel_parser *k, err_t *ret_err)
{
	uint64_t head = k->header.loaded_modules;
	uint64_t from = head;
	uint64_t at = 0;
	size_t n = 0;
	bool is_there = memory_u64(&k->memory, head, &at);
	*ret_err = is_there ? OK : ERR_NOTFOUND;
	while (is_there && at != head) {
		struct slice entry = entry_at(k, at, from);
		if (slice_is_absent(entry) || n == LIMIT_KERNEL_DRIVERS) {
			*ret_err = slice_is_absent(entry) ? ERR_CORRUPT : ERR_LIMIT;
			break;
		}
		from = at;
		at = kernel_u64(entry, 0);
		n++;
	}
	return n;
}

static err_t
driver_of(struct kernel_parser *k, struct slice entry, struct dump_module *ret_module)
{
	uint16_t bytes = kernel_u16(entry, 0x48);
	struct slice name = {0};
	if (bytes > 0 && bytes <= LIMIT_KERNEL_NAME_BYTES)
		name = kernel_read(k, kernel_u64(entry, 0x50), bytes);
	*ret_module = (struct dump_module){
		.base = kernel_u64(entry, 0x30),
		.bytes = kernel_u32(entry, 0x40),
	};
	if (slice_is_absent(name))
		return OK;
	ret_module->name = kernel_text(k->arena, name);
	return slice_is_absent(ret_module->name) ? ERR_LIMIT : OK;
}

static err_t
read_drivers(struct kernel_parser *k)
{
	err_t why;
	uint64_t at;
	size_t n = count_drivers(k, &why);
	k->dump->modules.items = arena_array(k->arena, n, sizeof(struct dump_module));
	if (n > 0 && k->dump->modules.items == NULL)
		return ERR_LIMIT;
	kernel_add_stream(k, KERNEL_PART_DRIVERS, "Drivers", 0, n * ENTRY_BYTES, why);
	if (n == 0 || !memory_u64(&k->memory, k->header.loaded_modules, &at))
		return OK;
	for (size_t i = 0; i < n; i++) {
		struct slice entry = kernel_read(k, at, ENTRY_BYTES);
		if (driver_of(k, entry, &k->dump->modules.items[i]) != OK)
			return ERR_LIMIT;
		k->dump->modules.n++;
		at = kernel_u64(entry, 0);
	}
	return OK;
}

/* The pages from SP up to the first that is not there. */
static void
add_stack(struct kernel_parser *k, uint64_t sp)
{
	uint64_t page = sp & ~(uint64_t)(KERNEL_PAGE_BYTES - 1);
	for (unsigned i = 0; i < STACK_PAGES; i++, page += KERNEL_PAGE_BYTES) {
		struct slice bytes = kernel_pages_virtual(&k->pages, page, KERNEL_PAGE_BYTES);
		if (bytes.len != KERNEL_PAGE_BYTES)
			return;
		k->dump->memory.items[k->dump->memory.n++] = (struct dump_memory){page, bytes};
	}
}

static err_t
read_stacks(struct kernel_parser *k)
{
	size_t n = k->dump->threads.n + 1; /* the exception's stack may be another one */
	k->dump->memory.items = arena_array(k->arena, n * STACK_PAGES, sizeof(struct dump_memory));
	if (k->dump->memory.items == NULL)
		return ERR_LIMIT;
	for (size_t i = 0; i < k->dump->threads.n; i++)
		add_stack(k, registers_sp(&k->dump->threads.items[i].registers));
	add_stack(k, registers_sp(&k->dump->exception.registers));
	return OK;
}

err_t
kernel_full_read(struct kernel_parser *k)
{
	err_t err = read_drivers(k);
	return err == OK ? read_stacks(k) : err;
}
