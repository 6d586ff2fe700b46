/* Memory that the dump has, and what it says of the address space. */
#include "dump/minidump_reader.h"

#include "base/text.h"

err_t
minidump_reserve_memory(struct minidump *m, size_t more)
{
	struct dump *dump = m->dump;
	struct dump_memory *grown = minidump_grow(m, dump->memory.items, dump->memory.n,
						  &m->memory_capacity, more, sizeof(*grown));
	if (grown == NULL)
		return ERR_LIMIT;
	dump->memory.items = grown;
	return OK;
}

void
minidump_add_memory(struct minidump *m, uint64_t base, struct slice bytes)
{
	struct dump *dump = m->dump;
	if (dump->memory.n >= LIMIT_MINIDUMP_MEMORY_RANGES || minidump_reserve_memory(m, 1) != OK) {
		minidump_fault(m, ERR_LIMIT);
		return;
	}
	dump->memory.items[dump->memory.n++] = (struct dump_memory){base, bytes};
}

/* A range that the file's end cuts is kept as far as it goes: dumps of full disks end early. */
static void
add_range(struct minidump *m, uint64_t base, uint64_t rva, uint64_t bytes)
{
	struct slice data = minidump_from(m, rva, bytes > SIZE_MAX ? SIZE_MAX : (size_t)bytes);
	if (data.len < bytes)
		minidump_fault(m, ERR_TRUNCATED);
	if (data.len > 0)
		minidump_add_memory(m, base, data);
}

err_t
minidump_read_memory(struct minidump *m, struct slice stream)
{
	struct minidump_table table;
	err_t err = minidump_list(m, stream, MINIDUMP_DESCRIPTOR_BYTES,
				  LIMIT_MINIDUMP_MEMORY_RANGES, &table);
	if (err == OK)
		err = minidump_reserve_memory(m, table.n);
	for (size_t i = 0; err == OK && i < table.n; i++) {
		struct reader r = minidump_entry(&table, i);
		struct minidump_descriptor range = minidump_read_descriptor(&r);
		add_range(m, range.base, range.location.rva, range.location.bytes);
	}
	return err;
}

/* Count, offset of the first range's bytes, then a base and a size each: the bytes of all ranges
 * lie one behind the other. */
err_t
minidump_read_memory64(struct minidump *m, struct slice stream)
{
	enum {
		EACH = 16
	};
	struct reader r;
	reader_init(&r, stream);
	uint64_t n = reader_u64(&r);
	uint64_t rva = reader_u64(&r);
	if (r.error != OK)
		return r.error;
	if (n > (m->said_bytes - r.at) / EACH)
		return ERR_CORRUPT;
	if (n > reader_left(&r) / EACH) {
		minidump_fault(m, ERR_TRUNCATED);
		n = reader_left(&r) / EACH;
	}
	if (n > LIMIT_MINIDUMP_MEMORY_RANGES) {
		minidump_fault(m, ERR_LIMIT);
		n = LIMIT_MINIDUMP_MEMORY_RANGES;
	}
	err_t err = minidump_reserve_memory(m, (size_t)n);
	for (uint64_t i = 0; err == OK && i < n; i++) {
		uint64_t base = reader_u64(&r);
		uint64_t bytes = reader_u64(&r);
		add_range(m, base, rva, bytes);
		if (__builtin_add_overflow(rva, bytes, &rva))
			err = ERR_CORRUPT;
	}
	return err;
}

/* ---- MemoryInfoList ---- */

err_t
minidump_read_memory_info(struct minidump *m, struct slice stream)
{
	static const struct minidump_shape shape = {
		.least_header = 16,
		.least = MINIDUMP_REGION_BYTES,
		.most = LIMIT_MINIDUMP_REGIONS,
		.is_count_64 = true,
	};
	struct minidump_table table;
	struct dump *dump = m->dump;
	err_t err = minidump_sized_list(m, stream, shape, &table);
	if (err != OK)
		return err;
	dump->regions.items = arena_array(m->arena, table.n, sizeof(struct dump_region));
	if (dump->regions.items == NULL)
		return ERR_LIMIT;
	for (size_t i = 0; i < table.n; i++) {
		struct reader r = minidump_entry(&table, i);
		struct minidump_region region = minidump_read_region(&r);
		dump->regions.items[dump->regions.n++] = (struct dump_region){
			.base = region.base,
			.bytes = region.bytes,
			.allocation_base = region.allocation_base,
			.allocation_protection = region.allocation_protection,
			.state = region.state,
			.protection = region.protection,
			.type = region.type,
		};
	}
	return OK;
}

/* ---- /proc/PID/maps ----
 *
 * "00400000-00417000 r-xp 00000000 08:01 1234    /usr/bin/app" */

enum {
	PAGE_NOACCESS = 0x01,
	PAGE_READONLY = 0x02,
	PAGE_READWRITE = 0x04,
	PAGE_EXECUTE = 0x10,
	PAGE_EXECUTE_READ = 0x20,
	PAGE_EXECUTE_READWRITE = 0x40,
	MEM_COMMIT = 0x1000,
	MEM_PRIVATE = 0x20000,
	MEM_MAPPED = 0x40000,
	MEM_IMAGE = 0x1000000
};

/* Writing without reading is written as both: Windows has no word for it, nor have processors. */
static uint32_t
protection_of(struct slice letters)
{
	bool can_read = letters.data[0] == 'r';
	bool can_write = letters.data[1] == 'w';
	if (letters.data[2] == 'x')
		return can_write ? PAGE_EXECUTE_READWRITE
				 : (can_read ? PAGE_EXECUTE_READ : PAGE_EXECUTE);
	return can_write ? PAGE_READWRITE : (can_read ? PAGE_READONLY : PAGE_NOACCESS);
}

/* The next word of a line: blanks before it are passed over. */
static struct slice
next_word(struct slice *line)
{
	struct slice word;
	struct slice text = slice_trim(*line);
	if (!slice_cut(text, ' ', &word, line)) {
		word = text;
		*line = slice_sub(text, text.len, 0);
	}
	return word;
}

static bool
parse_range(struct slice word, struct dump_region *region)
{
	struct slice low;
	struct slice high;
	uint64_t end;
	if (!slice_cut(word, '-', &low, &high) || !slice_hex_to_u64(low, &region->base) ||
	    !slice_hex_to_u64(high, &end) || end <= region->base)
		return false;
	region->bytes = end - region->base;
	return true;
}

/* LAST is the region before, or NULL: parts of one mapped file are one allocation. */
static bool
parse_map(struct minidump *m, struct slice line, const struct dump_region *last,
	  struct dump_region *region)
{
	if (!parse_range(next_word(&line), region))
		return false;
	struct slice letters = next_word(&line);
	(void)next_word(&line);
	(void)next_word(&line);
	struct slice inode = next_word(&line);
	if (letters.len < 4)
		return false;
	bool is_file = inode.len > 0 && !slice_equal_str(inode, "0");
	bool is_shared = letters.data[3] == 's';
	struct slice name = slice_trim(line);
	region->name = name.len == 0 ? (struct slice){0}
				     : minidump_utf8(m, name, LIMIT_MINIDUMP_NAME_BYTES);
	region->state = MEM_COMMIT;
	region->protection = protection_of(letters);
	region->type = is_shared ? MEM_MAPPED : (is_file ? MEM_IMAGE : MEM_PRIVATE);
	region->allocation_protection = region->protection;
	region->allocation_base = region->base;
	if (last != NULL && is_file && slice_equal(last->name, region->name))
		region->allocation_base = last->allocation_base;
	return true;
}

static struct slice
next_line(struct slice *text)
{
	struct slice line;
	if (!slice_cut(*text, '\n', &line, text)) {
		line = *text;
		*text = slice_sub(line, line.len, 0);
	}
	return line;
}

static size_t
count_lines(struct slice text)
{
	size_t n = 1;
	for (size_t i = 0; i < text.len; i++)
		n += text.data[i] == '\n';
	return n;
}

/* A memory info list says more; where both are there the maps give only what it lacks, names.
 * Both come in the order of addresses, so one pass joins them. */
static void
name_regions(struct minidump *m, struct slice text)
{
	struct dump *dump = m->dump;
	size_t at = 0;
	while (text.len > 0) {
		struct dump_region map = {0};
		if (!parse_map(m, next_line(&text), NULL, &map))
			continue;
		while (at < dump->regions.n && dump->regions.items[at].base < map.base)
			at++;
		if (at < dump->regions.n && dump->regions.items[at].base == map.base)
			dump->regions.items[at].name = map.name;
	}
}

err_t
minidump_read_linux_maps(struct minidump *m, struct slice stream)
{
	struct dump *dump = m->dump;
	stream = minidump_cut(m, stream, LIMIT_MINIDUMP_MAPS_BYTES);
	size_t most = count_lines(stream);
	if (dump->regions.items != NULL) {
		name_regions(m, stream);
		return OK;
	}
	if (most > LIMIT_MINIDUMP_REGIONS) {
		minidump_fault(m, ERR_LIMIT);
		most = LIMIT_MINIDUMP_REGIONS;
	}
	dump->regions.items = arena_array(m->arena, most, sizeof(struct dump_region));
	if (dump->regions.items == NULL)
		return ERR_LIMIT;
	while (dump->regions.n < most && stream.len > 0) {
		struct dump_region region = {0};
		struct slice line = next_line(&stream);
		size_t n = dump->regions.n;
		if (parse_map(m, line, n == 0 ? NULL : &dump->regions.items[n - 1], &region))
			dump->regions.items[dump->regions.n++] = region;
		else if (slice_trim(line).len > 0)
			minidump_fault(m, ERR_CORRUPT);
	}
	return OK;
}
