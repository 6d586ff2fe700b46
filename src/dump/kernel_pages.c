/* kernel_pages.c - physical memory in full and bitmap dumps, and virtual memory through it
 *
 *	full	header 0x088: u32 runs, u64 pages at 0x090, from 0x098 pairs of u64: first page of
 *		a run, and how many; the pages of all runs follow each other from 0x2000
 *	bitmap	0x2000: "SDMP" or "FDMP", "DUMP"; 0x2020: u64 offset of the first page, u64 pages
 *		that are there, u64 bits; 0x2038: the bits.  Pages that are there follow each other.
 *
 * A look-up in a bitmap counts the bits before it, from the nearest of counts made once for each
 * block.  Virtual addresses go through the four levels of amd64 page tables.
 */
#include "dump/kernel_internal.h"

enum {
	RUNS_OFFSET = 0x88,
	RUNS_ROOM = 700, /* the field in the header */
	RUN_BYTES = 16,
	RUNS_MAX = (RUNS_ROOM - RUN_BYTES) / RUN_BYTES,
	BITMAP_OFFSET = 0x2000,
	BITS_OFFSET = 0x2038,
	RANK_BYTES = 512, /* of the bitmap for each count */
	LEVELS = 4
};

_Static_assert(RUNS_MAX <= sizeof(((struct kernel_pages *)0)->runs) / sizeof(struct kernel_run),
	       "room for all runs that fit in the header");

/* ---- opening ---- */

static err_t
open_runs(struct kernel_pages *pages)
{
	uint32_t n = kernel_u32(pages->file, RUNS_OFFSET);
	uint64_t first = 0;
	if (n > RUNS_MAX)
		return ERR_CORRUPT;
	for (uint32_t i = 0; i < n; i++) {
		uint64_t at = RUNS_OFFSET + RUN_BYTES * ((uint64_t)i + 1);
		struct kernel_run run = {kernel_u64(pages->file, at),
					 kernel_u64(pages->file, at + 8), first};
		if (run.count > LIMIT_KERNEL_PAGES || run.base > UINT64_MAX - run.count)
			return ERR_CORRUPT;
		pages->runs[pages->n_runs++] = run;
		first += run.count;
	}
	pages->n_pages = first;
	pages->data_offset = KERNEL_HEADER_BYTES_64;
	return OK;
}

static uint64_t
count_bits(struct slice bytes)
{
	uint64_t count = 0;
	size_t i = 0;
	for (uint64_t word; bytes.len - i >= sizeof(word); i += sizeof(word)) {
		memcpy(&word, bytes.data + i, sizeof(word));
		count += (unsigned)__builtin_popcountll(word);
	}
	for (; i < bytes.len; i++)
		count += (unsigned)__builtin_popcount(bytes.data[i]);
	return count;
}

static err_t
open_bitmap(struct kernel_pages *pages, struct arena *arena)
{
	struct slice header = kernel_piece(pages->file, BITMAP_OFFSET, BITS_OFFSET - BITMAP_OFFSET);
	if (!slice_starts_with(header, SLICE_LITERAL("SDMPDUMP")) &&
	    !slice_starts_with(header, SLICE_LITERAL("FDMPDUMP")))
		return slice_is_absent(header) ? ERR_TRUNCATED : ERR_CORRUPT;
	uint64_t bits = kernel_u64(header, 0x30);
	if (bits > LIMIT_KERNEL_PAGES)
		return ERR_LIMIT;
	pages->bitmap = kernel_piece(pages->file, BITS_OFFSET, (bits + 7) / 8);
	pages->data_offset = kernel_u64(header, 0x20);
	if (slice_is_absent(pages->bitmap))
		return ERR_TRUNCATED;
	size_t n_ranks = pages->bitmap.len / RANK_BYTES + 1;
	pages->ranks = arena_array(arena, n_ranks, sizeof(uint64_t));
	if (pages->ranks == NULL)
		return ERR_LIMIT;
	for (size_t i = 0; i < n_ranks; i++) {
		pages->ranks[i] = pages->n_pages;
		pages->n_pages += count_bits(slice_sub(pages->bitmap, i * RANK_BYTES, RANK_BYTES));
	}
	return OK;
}

/* In the file: true when all pages that it should have are there. */
static bool
is_whole(const struct kernel_pages *pages)
{
	uint64_t left = pages->data_offset < pages->file.len
				? (pages->file.len - pages->data_offset) / KERNEL_PAGE_BYTES
				: 0;
	return pages->n_pages <= left;
}

err_t
kernel_pages_open(struct kernel_parser *k)
{
	struct kernel_pages *pages = &k->pages;
	err_t err = ERR_UNSUPPORTED;
	pages->file = k->file;
	pages->directory_table_base = k->header.directory_table_base;
	switch (k->header.type) {
	case KERNEL_TYPE_FULL:
		err = open_runs(pages);
		break;
	case KERNEL_TYPE_BITMAP_FULL:
	case KERNEL_TYPE_BITMAP_KERNEL:
		err = open_bitmap(pages, k->arena);
		break;
	default:
		break;
	}
	if (err == OK && k->header.arch != ARCH_AMD64)
		err = ERR_UNSUPPORTED;
	kernel_add_stream(k, KERNEL_PART_PAGES, "Pages", pages->data_offset,
			  pages->n_pages * KERNEL_PAGE_BYTES,
			  err == OK && !is_whole(pages) ? ERR_TRUNCATED : err);
	return err;
}

/* ---- looking up ---- */

static bool
find_in_runs(const struct kernel_pages *pages, uint64_t page, uint64_t *ret_index)
{
	for (size_t i = 0; i < pages->n_runs; i++) {
		const struct kernel_run *run = &pages->runs[i];
		if (page < run->base || page - run->base >= run->count)
			continue;
		*ret_index = run->first + (page - run->base);
		return true;
	}
	return false;
}

static bool
find_in_bitmap(const struct kernel_pages *pages, uint64_t page, uint64_t *ret_index)
{
	uint64_t byte = page / 8;
	if (byte >= pages->bitmap.len || (pages->bitmap.data[byte] >> (page % 8) & 1) == 0)
		return false;
	size_t block = (size_t)(byte / RANK_BYTES);
	size_t from = block * RANK_BYTES;
	unsigned below = pages->bitmap.data[byte] & ((1U << (page % 8)) - 1);
	*ret_index = pages->ranks[block] +
		     count_bits(slice_sub(pages->bitmap, from, (size_t)byte - from)) +
		     (unsigned)__builtin_popcount(below);
	return true;
}

/* From ADDRESS to the end of its page; absent: the dump does not have the page. */
static struct slice
physical(const struct kernel_pages *pages, uint64_t address)
{
	uint64_t page = address / KERNEL_PAGE_BYTES;
	uint64_t inside = address % KERNEL_PAGE_BYTES;
	uint64_t index;
	bool is_there = slice_is_absent(pages->bitmap) ? find_in_runs(pages, page, &index)
						       : find_in_bitmap(pages, page, &index);
	uint64_t from = pages->data_offset;
	if (!is_there || from > pages->file.len ||
	    index > (pages->file.len - from) / KERNEL_PAGE_BYTES)
		return (struct slice){0};
	return kernel_piece(pages->file, from + index * KERNEL_PAGE_BYTES + inside,
			    KERNEL_PAGE_BYTES - inside);
}

/* Of a page table entry: the bits that are an address of a page. */
static uint64_t
frame_of(uint64_t entry)
{
	return entry & UINT64_C(0x000ffffffffff000);
}

enum {
	PTE_PRESENT = 1,
	PTE_LARGE = 1 << 7,
	PTE_PROTOTYPE = 1 << 10,
	PTE_TRANSITION = 1 << 11
};

/* A page in transition is on its way out, but still where its entry says. */
static bool
is_usable(uint64_t entry, unsigned level)
{
	if ((entry & PTE_PRESENT) != 0)
		return true;
	return level == 0 && (entry & PTE_TRANSITION) != 0 && (entry & PTE_PROTOTYPE) == 0;
}

/* Intel's manual, volume 3, 4.5: 4-level paging. */
static bool
translate(const struct kernel_pages *pages, uint64_t address, uint64_t *ret_physical)
{
	uint64_t table = frame_of(pages->directory_table_base);
	if (address + (UINT64_C(1) << 47) >= UINT64_C(1) << 48)
		return false; /* not a canonical address */
	for (unsigned level = LEVELS; level-- > 0;) {
		unsigned shift = 12 + 9 * level;
		uint64_t at = table + 8 * (address >> shift & 511);
		uint64_t entry = kernel_u64(physical(pages, at), 0);
		uint64_t inside = (UINT64_C(1) << shift) - 1;
		if (!is_usable(entry, level))
			return false;
		if (level == 0 || (level < 3 && (entry & PTE_LARGE) != 0)) {
			*ret_physical = (frame_of(entry) & ~inside) | (address & inside);
			return true;
		}
		table = frame_of(entry);
	}
	return false;
}

struct slice
kernel_pages_virtual(const void *context, uint64_t address, size_t len)
{
	const struct kernel_pages *pages = context;
	uint64_t found;
	if (!translate(pages, address, &found))
		return (struct slice){0};
	return slice_sub(physical(pages, found), 0, len);
}
