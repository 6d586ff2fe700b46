/* pe_builder.h - images that a test makes: valid ones first, then it breaks them */
#pragma once

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "symbols/pe_internal.h"

enum {
	PE_BUILDER_NEW_HEADER = 0x80,
	PE_BUILDER_HEADER_BYTES = 0x400,
	PE_BUILDER_ALIGN = 0x200,
	PE_BUILDER_SECTIONS_MOST = 12,
	PE_BUILDER_BYTES_MOST = 64 * 1024 * 1024,
	PE_BUILDER_BASE = 0x10000000,
	PE_BUILDER_CODE = 0x60000020,
	PE_BUILDER_DATA = 0x40000040
};

struct pe_builder {
	uint16_t machine;
	bool is_64;
	uint32_t timestamp;
	uint32_t image_bytes;
	uint32_t n_directories;
	struct pe_directory directories[PE_DIRECTORIES];
	size_t n_sections;
	struct {
		const char *name;
		uint32_t rva;
		uint32_t bytes; /* in memory; 0: as the data */
		uint32_t flags;
		struct buf data;
	} sections[PE_BUILDER_SECTIONS_MOST];
	struct buf out;
};

static inline void
put(struct buf *buf, uint64_t value, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++)
		buf_append_byte(buf, (uint8_t)(value >> (8 * i)));
}

static inline void
put_u16(struct buf *buf, uint16_t value)
{
	put(buf, value, 2);
}

static inline void
put_u32(struct buf *buf, uint32_t value)
{
	put(buf, value, 4);
}

static inline void
put_u64(struct buf *buf, uint64_t value)
{
	put(buf, value, 8);
}

/* Changes what is there already. */
static inline void
poke(struct buf *buf, size_t at, uint64_t value, unsigned bytes)
{
	if (at + bytes > buf->len)
		abort();
	for (unsigned i = 0; i < bytes; i++)
		buf->data[at + i] = (uint8_t)(value >> (8 * i));
}

static inline void
pad_to(struct buf *buf, size_t at)
{
	if (buf->len > at)
		abort();
	buf_append_zero(buf, at - buf->len);
}

static inline void
pe_builder_init(struct pe_builder *b, uint16_t machine)
{
	*b = (struct pe_builder){
		.machine = machine,
		.is_64 = machine == PE_MACHINE_AMD64 || machine == PE_MACHINE_ARM64,
		.timestamp = 0x4549bcba,
		.image_bytes = 0x100000,
		.n_directories = PE_DIRECTORIES,
	};
	buf_init(&b->out, PE_BUILDER_BYTES_MOST);
}

static inline void
pe_builder_done(struct pe_builder *b)
{
	for (size_t i = 0; i < b->n_sections; i++)
		buf_done(&b->sections[i].data);
	buf_done(&b->out);
}

/* An empty section; its bytes are then put into what is returned. */
static inline struct buf *
pe_builder_section(struct pe_builder *b, const char *name, uint32_t rva, uint32_t flags)
{
	size_t i = b->n_sections++;
	if (i == PE_BUILDER_SECTIONS_MOST)
		abort();
	b->sections[i].name = name;
	b->sections[i].rva = rva;
	b->sections[i].flags = flags;
	buf_init(&b->sections[i].data, PE_BUILDER_BYTES_MOST);
	return &b->sections[i].data;
}

static inline void
pe_builder_directory(struct pe_builder *b, unsigned index, uint32_t rva, uint32_t bytes)
{
	b->directories[index] = (struct pe_directory){rva, bytes};
}

static inline void
pe_builder_optional_header(struct pe_builder *b)
{
	struct buf *out = &b->out;
	put_u16(out, b->is_64 ? 0x20b : 0x10b);
	buf_append_zero(out, 14);
	put_u32(out, 0x1000); /* entry */
	buf_append_zero(out, b->is_64 ? 4 : 8);
	put(out, PE_BUILDER_BASE, b->is_64 ? 8 : 4);
	put_u32(out, 0x1000);
	put_u32(out, PE_BUILDER_ALIGN);
	buf_append_zero(out, 16);
	put_u32(out, b->image_bytes);
	put_u32(out, PE_BUILDER_HEADER_BYTES);
	put_u32(out, 0xc0ffee); /* checksum */
	buf_append_zero(out, b->is_64 ? 40 : 24);
	put_u32(out, b->n_directories);
	for (unsigned i = 0; i < PE_DIRECTORIES; i++) {
		put_u32(out, b->directories[i].rva);
		put_u32(out, b->directories[i].bytes);
	}
}

static inline void
pe_builder_headers(struct pe_builder *b)
{
	struct buf *out = &b->out;
	buf_append_str(out, "MZ");
	pad_to(out, 0x3c);
	put_u32(out, PE_BUILDER_NEW_HEADER);
	pad_to(out, PE_BUILDER_NEW_HEADER);
	put_u32(out, 0x4550);
	put_u16(out, b->machine);
	put_u16(out, (uint16_t)b->n_sections);
	put_u32(out, b->timestamp);
	buf_append_zero(out, 8);
	put_u16(out, b->is_64 ? 240 : 224);
	put_u16(out, 0x2002); /* a library */
	pe_builder_optional_header(b);
}

static inline uint32_t
pe_builder_rounded(size_t bytes)
{
	return (uint32_t)((bytes + PE_BUILDER_ALIGN - 1) / PE_BUILDER_ALIGN * PE_BUILDER_ALIGN);
}

/* The file. */
static inline struct slice
pe_builder_file(struct pe_builder *b)
{
	uint32_t offset = PE_BUILDER_HEADER_BYTES;
	buf_reset(&b->out);
	pe_builder_headers(b);
	for (size_t i = 0; i < b->n_sections; i++) {
		char name[8] = {0};
		size_t bytes = b->sections[i].data.len;
		(void)memcpy(name, b->sections[i].name, strnlen(b->sections[i].name, 8));
		buf_append(&b->out, slice_of(name, 8));
		put_u32(&b->out,
			b->sections[i].bytes == 0 ? (uint32_t)bytes : b->sections[i].bytes);
		put_u32(&b->out, b->sections[i].rva);
		put_u32(&b->out, pe_builder_rounded(bytes));
		put_u32(&b->out, offset);
		buf_append_zero(&b->out, 12);
		put_u32(&b->out, b->sections[i].flags);
		offset += pe_builder_rounded(bytes);
	}
	pad_to(&b->out, PE_BUILDER_HEADER_BYTES);
	for (size_t i = 0; i < b->n_sections; i++) {
		buf_append(&b->out, buf_slice(&b->sections[i].data));
		pad_to(&b->out, pe_builder_rounded(b->out.len));
	}
	return buf_slice(&b->out);
}

/* The same as it lies in memory; for pe_open_mapped. */
static inline struct slice
pe_builder_image(struct pe_builder *b)
{
	buf_reset(&b->out);
	(void)pe_builder_file(b);
	b->out.len = PE_BUILDER_HEADER_BYTES;
	for (size_t i = 0; i < b->n_sections; i++) {
		pad_to(&b->out, b->sections[i].rva);
		buf_append(&b->out, buf_slice(&b->sections[i].data));
	}
	return buf_slice(&b->out);
}
