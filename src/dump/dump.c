#include "dump/dump.h"

#include <stdlib.h>

static const char *const os_names[DUMP_OS_N] = {
	[DUMP_OS_UNKNOWN] = "unknown", [DUMP_OS_WINDOWS] = "windows", [DUMP_OS_LINUX] = "linux",
	[DUMP_OS_ANDROID] = "android", [DUMP_OS_MACOS] = "macos",     [DUMP_OS_IOS] = "ios",
	[DUMP_OS_SOLARIS] = "solaris", [DUMP_OS_PS3] = "ps3",
};

const char *
dump_os_name(enum dump_os os)
{
	return os_names[os];
}

struct slice
dump_base_name(struct slice path)
{
	size_t at = path.len;
	while (at > 0 && path.data[at - 1] != '/' && path.data[at - 1] != '\\')
		at--;
	return slice_sub(path, at, SIZE_MAX);
}

/* ---- sorting ---- */

static int
compare_u64(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

static int
compare_memory(const void *a, const void *b)
{
	const struct dump_memory *x = a;
	const struct dump_memory *y = b;
	return compare_u64(x->base, y->base);
}

static int
compare_region(const void *a, const void *b)
{
	const struct dump_region *x = a;
	const struct dump_region *y = b;
	return compare_u64(x->base, y->base);
}

static bool
wraps(uint64_t base, uint64_t bytes)
{
	return bytes == 0 || base + (bytes - 1) < base;
}

/* Two writers of one range do happen (a thread's stack, and memory around its pc): what an
 * earlier piece has already is cut off. */
static void
index_memory(struct dump *dump)
{
	struct dump_memory *items = dump->memory.items;
	size_t kept = 0;
	uint64_t end = 0; /* of what is kept; 0 at first and when it reaches the top */
	if (dump->memory.n > 0)
		qsort(items, dump->memory.n, sizeof(items[0]), compare_memory);
	for (size_t i = 0; i < dump->memory.n; i++) {
		struct dump_memory piece = items[i];
		if (wraps(piece.base, piece.bytes.len) || (kept > 0 && end == 0))
			continue;
		uint64_t cut = kept > 0 && end > piece.base ? end - piece.base : 0;
		if (cut >= piece.bytes.len)
			continue;
		piece.base += cut;
		piece.bytes = slice_sub(piece.bytes, (size_t)cut, SIZE_MAX);
		end = piece.base + piece.bytes.len;
		items[kept++] = piece;
	}
	dump->memory.n = kept;
}

struct module_key {
	uint64_t base;
	uint32_t index;
};

/* Of two with one base the one that the dump lists first. */
static int
compare_key(const void *a, const void *b)
{
	const struct module_key *x = a;
	const struct module_key *y = b;
	return x->base != y->base ? compare_u64(x->base, y->base) : compare_u64(x->index, y->index);
}

static err_t
index_modules(struct dump *dump, struct arena *arena)
{
	size_t n = dump->modules.n;
	size_t kept = 0;
	uint64_t last = 0; /* highest address of what is kept */
	struct module_key *keys = arena_array(arena, n, sizeof(*keys));
	dump->modules_by_base = arena_array(arena, n, sizeof(uint32_t));
	if (n > 0 && (keys == NULL || dump->modules_by_base == NULL))
		return ERR_LIMIT;
	for (size_t i = 0; i < n; i++)
		keys[i] = (struct module_key){dump->modules.items[i].base, (uint32_t)i};
	if (n > 0)
		qsort(keys, n, sizeof(keys[0]), compare_key);
	for (size_t i = 0; i < n; i++) {
		const struct dump_module *module = &dump->modules.items[keys[i].index];
		if (wraps(module->base, module->bytes) || (kept > 0 && module->base <= last))
			continue;
		last = module->base + (module->bytes - 1);
		dump->modules_by_base[kept++] = keys[i].index;
	}
	dump->n_modules_by_base = kept;
	return OK;
}

err_t
dump_index(struct dump *dump, struct arena *arena)
{
	index_memory(dump);
	if (dump->regions.n > 0)
		qsort(dump->regions.items, dump->regions.n, sizeof(dump->regions.items[0]),
		      compare_region);
	return index_modules(dump, arena);
}

/* ---- look-ups ---- */

static bool
covers(uint64_t base, uint64_t bytes, uint64_t address)
{
	return address >= base && address - base < bytes;
}

int
dump_find_module(const struct dump *dump, uint64_t address)
{
	size_t low = 0;
	size_t high = dump->n_modules_by_base;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (dump->modules.items[dump->modules_by_base[middle]].base <= address)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == 0)
		return -1;
	uint32_t index = dump->modules_by_base[low - 1];
	const struct dump_module *module = &dump->modules.items[index];
	return covers(module->base, module->bytes, address) ? (int)index : -1;
}

const struct dump_unloaded *
dump_find_unloaded(const struct dump *dump, uint64_t address)
{
	for (size_t i = 0; i < dump->unloaded.n; i++) {
		const struct dump_unloaded *module = &dump->unloaded.items[i];
		if (covers(module->base, module->bytes, address))
			return module;
	}
	return NULL;
}

const struct dump_region *
dump_find_region(const struct dump *dump, uint64_t address)
{
	size_t low = 0;
	size_t high = dump->regions.n;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (dump->regions.items[middle].base <= address)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == 0)
		return NULL;
	const struct dump_region *region = &dump->regions.items[low - 1];
	return covers(region->base, region->bytes, address) ? region : NULL;
}

int
dump_crashing_thread(const struct dump *dump)
{
	for (size_t i = 0; dump->exception.is_there && i < dump->threads.n; i++)
		if (dump->threads.items[i].id == dump->exception.thread_id)
			return (int)i;
	return dump->kind != DUMP_MINIDUMP && dump->threads.n > 0 ? 0 : -1;
}

static struct slice
find_memory(const void *context, uint64_t address, size_t len)
{
	const struct dump *dump = context;
	size_t low = 0;
	size_t high = dump->memory.n;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (dump->memory.items[middle].base <= address)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == 0)
		return (struct slice){0};
	const struct dump_memory *piece = &dump->memory.items[low - 1];
	if (!covers(piece->base, piece->bytes.len, address))
		return (struct slice){0};
	return slice_sub(piece->bytes, (size_t)(address - piece->base), len);
}

struct memory
dump_memory_of(const struct dump *dump)
{
	return (struct memory){.find = find_memory, .context = dump};
}
