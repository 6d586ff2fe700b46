#include "pdb_builder.h"

#include <stdlib.h>

enum {
	SUPERBLOCK_BYTES = 52,
	MACHINE_AMD64 = 0x8664,
	NO_STREAM = 0xffff,
	TYPES_HEADER_BYTES = 56
};

static const char magic[] = "Microsoft C/C++ MSF 7.00\r\n\x1a"
			    "DS\0\0";

void
pdb_put16(struct buf *buf, uint16_t value)
{
	buf_append_byte(buf, (uint8_t)value);
	buf_append_byte(buf, (uint8_t)(value >> 8));
}

void
pdb_put32(struct buf *buf, uint32_t value)
{
	pdb_put16(buf, (uint16_t)value);
	pdb_put16(buf, (uint16_t)(value >> 16));
}

void
pdb_set32(struct buf *buf, size_t at, uint32_t value)
{
	if (at + sizeof(value) > buf->len)
		abort();
	for (size_t i = 0; i < sizeof(value); i++)
		buf->data[at + i] = (uint8_t)(value >> (8 * i));
}

uint32_t
pdb_get32(const struct buf *buf, size_t at)
{
	uint32_t value = 0;
	if (at + sizeof(value) > buf->len)
		abort();
	for (size_t i = sizeof(value); i > 0; i--)
		value = value << 8 | buf->data[at + i - 1];
	return value;
}

void
pdb_pad(struct buf *buf)
{
	buf_append_zero(buf, (4 - buf->len % 4) % 4);
}

static void
put_text(struct buf *buf, const char *text)
{
	buf_append_str(buf, text);
	buf_append_byte(buf, 0);
}

void
pdb_builder_init(struct pdb_builder *b)
{
	*b = (struct pdb_builder){
		.block_bytes = 4096, .age = 7, .dbi_age = 3, .machine = MACHINE_AMD64};
	for (size_t i = 0; i < PDB_STREAMS; i++)
		buf_init(&b->streams[i], PDB_BUILDER_BYTES_MAX);
	buf_init(&b->contributions, PDB_BUILDER_BYTES_MAX);
	pdb_put32(&b->contributions, 0xeffe0000U + 19970605U);
	struct buf *names = &b->streams[PDB_NAMES];
	pdb_put32(names, 0xeffeeffeU);
	pdb_put32(names, 1);
	pdb_put32(names, 0);
	buf_append_byte(names, 0);
}

void
pdb_builder_done(struct pdb_builder *b)
{
	for (size_t i = 0; i < PDB_STREAMS; i++)
		buf_done(&b->streams[i]);
	buf_done(&b->contributions);
}

void
pdb_builder_section(struct buf *headers, uint32_t rva, uint32_t bytes, bool is_code)
{
	buf_append_zero(headers, 8);
	pdb_put32(headers, bytes);
	pdb_put32(headers, rva);
	buf_append_zero(headers, 20);
	pdb_put32(headers, is_code ? 0x60000020 : 0xc0000040);
}

static void
put_contribution(struct buf *out, uint16_t section, uint32_t offset, uint32_t bytes,
		 uint16_t module)
{
	pdb_put16(out, section);
	pdb_put16(out, 0);
	pdb_put32(out, offset);
	pdb_put32(out, bytes);
	pdb_put32(out, 0x60000020);
	pdb_put16(out, module);
	pdb_put16(out, 0);
	pdb_put32(out, 0);
	pdb_put32(out, 0);
}

void
pdb_builder_contribution(struct pdb_builder *b, uint16_t section, uint32_t offset, uint32_t bytes,
			 uint16_t module)
{
	put_contribution(&b->contributions, section, offset, bytes, module);
}

uint32_t
pdb_builder_name(struct pdb_builder *b, const char *name)
{
	struct buf *names = &b->streams[PDB_NAMES];
	uint32_t at = (uint32_t)names->len - 12;
	put_text(names, name);
	pdb_set32(names, 8, (uint32_t)names->len - 12);
	return at;
}

size_t
pdb_put_record(struct buf *symbols, uint16_t kind, struct slice content)
{
	size_t at = symbols->len;
	size_t padding = (4 - (content.len + 4) % 4) % 4;
	pdb_put16(symbols, (uint16_t)(content.len + 2 + padding));
	pdb_put16(symbols, kind);
	buf_append(symbols, content);
	buf_append_zero(symbols, padding);
	return at;
}

void
pdb_builder_public(struct pdb_builder *b, const char *name, uint16_t section, uint32_t offset)
{
	struct buf content;
	struct buf *map = &b->streams[PDB_PUBLICS];
	if (map->len == 0)
		buf_append_zero(map, 28);
	buf_init(&content, PDB_BUILDER_BYTES_MAX);
	pdb_put32(&content, 2);
	pdb_put32(&content, offset);
	pdb_put16(&content, section);
	put_text(&content, name);
	pdb_put32(map,
		  (uint32_t)pdb_put_record(&b->streams[PDB_RECORDS], 0x110e, buf_slice(&content)));
	pdb_set32(map, 4, (uint32_t)map->len - 28);
	buf_done(&content);
}

uint32_t
pdb_builder_type(struct pdb_builder *b, uint16_t kind, struct slice content)
{
	(void)pdb_put_record(&b->streams[PDB_TYPES], kind, content);
	return PDB_FIRST_TYPE + b->n_types++;
}

uint32_t
pdb_builder_id(struct pdb_builder *b, uint16_t kind, uint32_t first, uint32_t second,
	       const char *name)
{
	struct buf content;
	buf_init(&content, PDB_BUILDER_BYTES_MAX);
	pdb_put32(&content, first);
	if (kind != 0x1605)
		pdb_put32(&content, second);
	put_text(&content, name);
	(void)pdb_put_record(&b->streams[PDB_IDS], kind, buf_slice(&content));
	buf_done(&content);
	return PDB_FIRST_TYPE + b->n_ids++;
}

uint32_t
pdb_builder_class(struct pdb_builder *b, const char *name)
{
	struct buf content;
	buf_init(&content, PDB_BUILDER_BYTES_MAX);
	buf_append_zero(&content, 16);
	pdb_put16(&content, 0x8004); /* its size, as a number of four bytes */
	pdb_put32(&content, 0x12345);
	put_text(&content, name);
	uint32_t index = pdb_builder_type(b, 0x1505, buf_slice(&content));
	buf_done(&content);
	return index;
}

void
pdb_builder_frame_data(struct pdb_builder *b, uint32_t rva, uint32_t code_bytes,
		       uint32_t local_bytes, uint32_t param_bytes, uint16_t saved_bytes,
		       uint32_t program)
{
	struct buf *out = &b->streams[PDB_FRAME_DATA];
	pdb_put32(out, rva);
	pdb_put32(out, code_bytes);
	pdb_put32(out, local_bytes);
	pdb_put32(out, param_bytes);
	pdb_put32(out, 0);
	pdb_put32(out, program);
	pdb_put16(out, 3);
	pdb_put16(out, saved_bytes);
	pdb_put32(out, 4);
}

void
pdb_builder_fpo(struct pdb_builder *b, uint32_t rva, uint32_t code_bytes, uint32_t locals,
		uint16_t params, uint16_t bits)
{
	struct buf *out = &b->streams[PDB_FPO];
	pdb_put32(out, rva);
	pdb_put32(out, code_bytes);
	pdb_put32(out, locals);
	pdb_put16(out, params);
	pdb_put16(out, bits);
}

/* Symbols */

struct buf *
pdb_builder_module(struct pdb_builder *b, size_t index)
{
	struct buf *symbols = &b->streams[PDB_FIRST_MODULE + index];
	if (b->n_modules <= index)
		b->n_modules = index + 1;
	pdb_put32(symbols, 4);
	return symbols;
}

size_t
pdb_put_procedure(struct buf *symbols, uint16_t kind, const char *name, uint16_t section,
		  uint32_t offset, uint32_t bytes)
{
	struct buf content;
	buf_init(&content, PDB_BUILDER_BYTES_MAX);
	buf_append_zero(&content, 12);
	pdb_put32(&content, bytes);
	buf_append_zero(&content, 12);
	pdb_put32(&content, offset);
	pdb_put16(&content, section);
	buf_append_byte(&content, 0);
	put_text(&content, name);
	size_t at = pdb_put_record(symbols, kind, buf_slice(&content));
	buf_done(&content);
	return at;
}

size_t
pdb_put_thunk(struct buf *symbols, const char *name, uint16_t section, uint32_t offset,
	      uint16_t bytes)
{
	struct buf content;
	buf_init(&content, PDB_BUILDER_BYTES_MAX);
	buf_append_zero(&content, 12);
	pdb_put32(&content, offset);
	pdb_put16(&content, section);
	pdb_put16(&content, bytes);
	buf_append_byte(&content, 0);
	put_text(&content, name);
	size_t at = pdb_put_record(symbols, 0x1102, buf_slice(&content));
	buf_done(&content);
	return at;
}

size_t
pdb_put_block(struct buf *symbols)
{
	static const uint8_t content[19];
	return pdb_put_record(symbols, 0x1103, slice_of(content, sizeof(content)));
}

size_t
pdb_put_moved(struct buf *symbols, uint16_t section, uint32_t offset, uint32_t bytes,
	      uint16_t parent_section, uint32_t parent_offset)
{
	struct buf content;
	buf_init(&content, PDB_BUILDER_BYTES_MAX);
	buf_append_zero(&content, 8);
	pdb_put32(&content, bytes);
	pdb_put32(&content, 0);
	pdb_put32(&content, offset);
	pdb_put32(&content, parent_offset);
	pdb_put16(&content, section);
	pdb_put16(&content, parent_section);
	size_t at = pdb_put_record(symbols, 0x1132, buf_slice(&content));
	buf_done(&content);
	return at;
}

size_t
pdb_put_site(struct buf *symbols, uint32_t inlinee, struct slice annotations)
{
	struct buf content;
	buf_init(&content, PDB_BUILDER_BYTES_MAX);
	buf_append_zero(&content, 8);
	pdb_put32(&content, inlinee);
	buf_append(&content, annotations);
	size_t at = pdb_put_record(symbols, 0x114d, buf_slice(&content));
	buf_done(&content);
	return at;
}

size_t
pdb_put_end(struct buf *symbols, uint16_t kind)
{
	return pdb_put_record(symbols, kind, slice_of("", 0));
}

/* Lines */

void
pdb_builder_end_symbols(struct pdb_builder *b, size_t index)
{
	b->symbol_bytes[index] = (uint32_t)b->streams[PDB_FIRST_MODULE + index].len;
}

size_t
pdb_begin_subsection(struct buf *lines, uint32_t kind)
{
	pdb_put32(lines, kind);
	pdb_put32(lines, 0);
	return lines->len;
}

void
pdb_end_subsection(struct buf *lines, size_t begun)
{
	pdb_set32(lines, begun - 4, (uint32_t)(lines->len - begun));
	pdb_pad(lines);
}

void
pdb_put_files(struct buf *lines, const uint32_t *names, size_t n)
{
	size_t begun = pdb_begin_subsection(lines, 0xf4);
	for (size_t i = 0; i < n; i++) {
		pdb_put32(lines, names[i]);
		buf_append_zero(lines, 4); /* no checksum, and padding */
	}
	pdb_end_subsection(lines, begun);
}

void
pdb_put_lines(struct buf *lines, uint16_t section, uint32_t offset, uint32_t bytes, uint32_t file,
	      const struct pdb_builder_line *items, size_t n)
{
	size_t begun = pdb_begin_subsection(lines, 0xf2);
	pdb_put32(lines, offset);
	pdb_put16(lines, section);
	pdb_put16(lines, 0);
	pdb_put32(lines, bytes);
	pdb_put32(lines, file);
	pdb_put32(lines, (uint32_t)n);
	pdb_put32(lines, (uint32_t)(12 + 8 * n));
	for (size_t i = 0; i < n; i++) {
		pdb_put32(lines, items[i].offset);
		pdb_put32(lines, items[i].line | 0x80000000U);
	}
	pdb_end_subsection(lines, begun);
}

void
pdb_put_inlinee(struct buf *lines, uint32_t id, uint32_t file, uint32_t line)
{
	size_t begun = pdb_begin_subsection(lines, 0xf6);
	pdb_put32(lines, 0);
	pdb_put32(lines, id);
	pdb_put32(lines, file);
	pdb_put32(lines, line);
	pdb_end_subsection(lines, begun);
}

static void
put_numbers(struct buf *lines, uint32_t kind, const uint32_t *numbers, size_t n)
{
	size_t begun = pdb_begin_subsection(lines, kind);
	for (size_t i = 0; i < n; i++)
		pdb_put32(lines, numbers[i]);
	pdb_end_subsection(lines, begun);
}

void
pdb_put_cross_imports(struct buf *lines, const uint32_t *numbers, size_t n)
{
	put_numbers(lines, 0xf7, numbers, n);
}

void
pdb_put_cross_exports(struct buf *lines, const uint32_t *numbers, size_t n)
{
	put_numbers(lines, 0xf8, numbers, n);
}

/* Layout */

static void
close_info(struct pdb_builder *b)
{
	struct buf *info = &b->streams[PDB_INFO];
	if (info->len > 0)
		return;
	pdb_put32(info, 20000404);
	pdb_put32(info, 0x5f000000);
	pdb_put32(info, b->age);
	for (uint8_t i = 1; i <= 16; i++)
		buf_append_byte(info, (uint8_t)(i * 0x11));
	pdb_put32(info, sizeof("/LinkInfo") + sizeof("/names"));
	buf_append(info, slice_of("/LinkInfo\0/names", 17));
	pdb_put32(info, 2); /* pairs, slots, bits in use, bits that were */
	pdb_put32(info, 4);
	pdb_put32(info, 1);
	pdb_put32(info, 5);
	pdb_put32(info, 0);
	pdb_put32(info, 0);
	pdb_put32(info, PDB_OLD_DIRECTORY);
	pdb_put32(info, sizeof("/LinkInfo"));
	pdb_put32(info, PDB_NAMES);
	pdb_put32(info, 0);
}

/* A header before the records, and a mark for the first one. */
static void
close_types(struct pdb_builder *b, size_t stream, size_t hash_stream, uint32_t n)
{
	struct buf records = b->streams[stream];
	struct buf *out = &b->streams[stream];
	if (b->has_own_types)
		return;
	buf_init(out, PDB_BUILDER_BYTES_MAX);
	pdb_put32(out, 20040203);
	pdb_put32(out, TYPES_HEADER_BYTES);
	pdb_put32(out, PDB_FIRST_TYPE);
	pdb_put32(out, PDB_FIRST_TYPE + n);
	pdb_put32(out, (uint32_t)records.len);
	pdb_put16(out, (uint16_t)hash_stream);
	buf_append_zero(out, 2 + 8 + 8);
	pdb_put32(out, 0);
	pdb_put32(out, 8);
	buf_append_zero(out, 8);
	buf_append(out, buf_slice(&records));
	buf_done(&records);
	pdb_put32(&b->streams[hash_stream], PDB_FIRST_TYPE);
	pdb_put32(&b->streams[hash_stream], 0);
}

static void
put_modules(const struct pdb_builder *b, struct buf *out)
{
	for (size_t i = 0; i < b->n_modules; i++) {
		uint32_t bytes = (uint32_t)b->streams[PDB_FIRST_MODULE + i].len;
		pdb_put32(out, 0);
		put_contribution(out, 1, 0, 0x100, (uint16_t)i);
		pdb_put16(out, 0);
		pdb_put16(out, b->is_bare[i] ? NO_STREAM : (uint16_t)(PDB_FIRST_MODULE + i));
		pdb_put32(out, b->symbol_bytes[i]);
		pdb_put32(out, 0);
		pdb_put32(out, bytes - b->symbol_bytes[i]);
		buf_append_zero(out, 16);
		buf_printf(out, "module%zu.obj", i);
		buf_append_byte(out, 0);
		put_text(out, i % 2 == 0 ? "a.lib" : "");
		pdb_pad(out);
	}
}

static uint16_t
number_of(const struct pdb_builder *b, enum pdb_builder_stream stream)
{
	return b->streams[stream].len == 0 ? NO_STREAM : (uint16_t)stream;
}

static void
close_dbi(struct pdb_builder *b)
{
	struct buf *dbi = &b->streams[PDB_DBI];
	if (dbi->len > 0)
		return;
	pdb_put32(dbi, UINT32_MAX);
	pdb_put32(dbi, 19990903);
	pdb_put32(dbi, b->dbi_age);
	pdb_put16(dbi, NO_STREAM);
	pdb_put16(dbi, 0);
	pdb_put16(dbi, number_of(b, PDB_PUBLICS));
	pdb_put16(dbi, 0);
	pdb_put16(dbi, number_of(b, PDB_RECORDS));
	pdb_put16(dbi, 0);
	buf_append_zero(dbi, 5 * 4 + 4);
	pdb_put32(dbi, 22); /* eleven numbers of streams */
	pdb_put32(dbi, 0);
	pdb_put16(dbi, 0);
	pdb_put16(dbi, b->machine);
	pdb_put32(dbi, 0);
	put_modules(b, dbi);
	pdb_set32(dbi, 24, (uint32_t)dbi->len - 64);
	pdb_set32(dbi, 28, (uint32_t)b->contributions.len);
	buf_append(dbi, buf_slice(&b->contributions));
	pdb_put16(dbi, number_of(b, PDB_FPO));
	pdb_put16(dbi, NO_STREAM);
	pdb_put16(dbi, NO_STREAM);
	pdb_put16(dbi, number_of(b, PDB_OMAP_TO_SOURCE));
	pdb_put16(dbi, number_of(b, PDB_OMAP_FROM_SOURCE));
	pdb_put16(dbi, number_of(b, PDB_SECTIONS));
	for (size_t i = 6; i < 9; i++)
		pdb_put16(dbi, NO_STREAM);
	pdb_put16(dbi, number_of(b, PDB_FRAME_DATA));
	pdb_put16(dbi, number_of(b, PDB_SOURCE_SECTIONS));
}

static uint32_t
blocks_for(const struct pdb_builder *b, size_t bytes)
{
	return (uint32_t)((bytes + b->block_bytes - 1) / b->block_bytes);
}

/* Which block piece INDEX of N pieces goes to; they begin at FIRST. */
static uint32_t
place_of(const struct pdb_builder *b, uint32_t index, uint32_t n, uint32_t first)
{
	return first + (b->is_scattered ? n - 1 - index : index);
}

static void
write_pieces(const struct pdb_builder *b, const struct buf *in, uint32_t first, struct buf *out)
{
	uint32_t n = blocks_for(b, in->len);
	for (uint32_t i = 0; i < n; i++) {
		struct slice piece =
			slice_sub(buf_slice(in), (size_t)i * b->block_bytes, b->block_bytes);
		memcpy(out->data + (size_t)place_of(b, i, n, first) * b->block_bytes, piece.data,
		       piece.len);
	}
}

static void
put_places(const struct pdb_builder *b, size_t bytes, uint32_t first, struct buf *out)
{
	uint32_t n = blocks_for(b, bytes);
	for (uint32_t i = 0; i < n; i++)
		pdb_put32(out, place_of(b, i, n, first));
}

static void
make_directory(const struct pdb_builder *b, uint32_t first, struct buf *directory)
{
	pdb_put32(directory, PDB_STREAMS);
	for (size_t i = 0; i < PDB_STREAMS; i++)
		pdb_put32(directory, (uint32_t)b->streams[i].len);
	for (size_t i = 0; i < PDB_STREAMS; i++) {
		put_places(b, b->streams[i].len, first, directory);
		first += blocks_for(b, b->streams[i].len);
	}
}

/* Superblock, two free block maps, the streams, the directory, its block map. */
void
pdb_builder_layout(struct pdb_builder *b, struct buf *out)
{
	struct buf directory;
	struct buf map;
	uint32_t first = 3;
	uint32_t n = first;
	for (size_t i = 0; i < PDB_BUILDER_MODULES; i++)
		if (b->symbol_bytes[i] == 0)
			pdb_builder_end_symbols(b, i);
	close_info(b);
	close_types(b, PDB_TYPES, PDB_TYPES_HASH, b->n_types);
	close_types(b, PDB_IDS, PDB_IDS_HASH, b->n_ids);
	close_dbi(b);
	buf_init(&directory, PDB_BUILDER_BYTES_MAX);
	buf_init(&map, PDB_BUILDER_BYTES_MAX);
	make_directory(b, first, &directory);
	for (size_t i = 0; i < PDB_STREAMS; i++)
		n += blocks_for(b, b->streams[i].len);
	uint32_t directory_block = n;
	put_places(b, directory.len, directory_block, &map);
	n += blocks_for(b, directory.len);
	uint32_t map_block = n;
	n += blocks_for(b, map.len);
	buf_init(out, PDB_BUILDER_BYTES_MAX);
	buf_append_zero(out, (size_t)n * b->block_bytes);
	memcpy(out->data, magic, sizeof(magic));
	pdb_set32(out, 32, b->block_bytes);
	pdb_set32(out, 36, 1);
	pdb_set32(out, 40, n);
	pdb_set32(out, 44, (uint32_t)directory.len);
	for (uint32_t i = 0; i < blocks_for(b, map.len); i++)
		pdb_set32(out, SUPERBLOCK_BYTES + 4 * (size_t)i,
			  place_of(b, i, blocks_for(b, map.len), map_block));
	for (size_t i = 0; i < PDB_STREAMS; i++) {
		write_pieces(b, &b->streams[i], first, out);
		first += blocks_for(b, b->streams[i].len);
	}
	write_pieces(b, &directory, directory_block, out);
	write_pieces(b, &map, map_block, out);
	b->directory_at = (size_t)directory_block * b->block_bytes;
	b->map_at = (size_t)map_block * b->block_bytes;
	buf_done(&directory);
	buf_done(&map);
}
