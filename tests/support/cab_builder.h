/* cab_builder.h - cabinets for tests, byte by byte, [MS-CAB] 2: valid ones first, broken after
 *
 * Add folders and members, change what is to be wrong in the structs, then finish.  Where tables
 * and blocks lie is told, so that a test can overwrite bytes of the finished cabinet.
 */
#pragma once

#include <stdlib.h>
#include <zlib.h>

#include "base/buf.h"

enum {
	BUILDER_FOLDERS = 16,
	BUILDER_MEMBERS = 64,
	BUILDER_BLOCKS = 64,
	BUILDER_BLOCK_BYTES = 32768,
	BUILDER_STORED = 0,
	BUILDER_MSZIP = 1
};

struct builder_block {
	struct buf packed;
	uint16_t unpacked;
	bool has_checksum;
	size_t at; /* in the finished cabinet */
};

struct builder_folder {
	uint16_t compression;
	struct buf content; /* of members; becomes blocks when it finishes */
	struct builder_block blocks[BUILDER_BLOCKS];
	size_t n_blocks;
	uint16_t claimed_blocks; /* UINT16_MAX: as many as there are */
	uint32_t claimed_offset; /* 0: the right one */
	size_t at;
};

struct builder_member {
	struct slice name;
	uint32_t bytes;
	uint32_t offset;
	uint16_t folder;
	uint16_t date;
	uint16_t time;
	uint16_t attributes;
	size_t at;
};

struct cab_builder {
	struct builder_folder folders[BUILDER_FOLDERS];
	struct builder_member members[BUILDER_MEMBERS];
	size_t n_folders;
	size_t n_members;
	uint16_t flags;
	uint16_t set_id;
	uint16_t set_index;
	const char *previous[2]; /* name and disk; NULL: none */
	const char *next[2];
	uint16_t header_reserve;
	uint8_t folder_reserve;
	uint8_t block_reserve;
	bool has_reserve;
	bool is_without_checksums;
	struct buf out;
};

static inline struct cab_builder *
builder_new(void)
{
	struct cab_builder *b = calloc(1, sizeof(*b));
	if (b == NULL)
		abort();
	buf_init(&b->out, 64U << 20);
	return b;
}

static inline void
builder_free(struct cab_builder *b)
{
	for (size_t i = 0; i < b->n_folders; i++) {
		buf_done(&b->folders[i].content);
		for (size_t k = 0; k < b->folders[i].n_blocks; k++)
			buf_done(&b->folders[i].blocks[k].packed);
	}
	buf_done(&b->out);
	free(b);
}

static inline void
builder_u16(struct buf *out, unsigned value)
{
	uint8_t bytes[2] = {(uint8_t)(value & 0xff), (uint8_t)(value >> 8 & 0xff)};
	buf_append(out, slice_of(bytes, 2));
}

static inline void
builder_u32(struct buf *out, uint32_t value)
{
	builder_u16(out, value & 0xffff);
	builder_u16(out, value >> 16);
}

/* Over bytes that are there already. */
static inline void
builder_poke(struct cab_builder *b, size_t at, uint32_t value, size_t count)
{
	for (size_t i = 0; i < count; i++)
		b->out.data[at + i] = (uint8_t)(value >> (8 * i) & 0xff);
}

static inline struct builder_folder *
builder_folder(struct cab_builder *b, uint16_t compression)
{
	struct builder_folder *folder = &b->folders[b->n_folders++];
	folder->compression = compression;
	folder->claimed_blocks = UINT16_MAX;
	buf_init(&folder->content, 64U << 20);
	return folder;
}

/* A member of the last folder, behind the others; its content is copied. */
static inline struct builder_member *
builder_member(struct cab_builder *b, struct slice name, struct slice content)
{
	struct builder_folder *folder = &b->folders[b->n_folders - 1];
	struct builder_member *member = &b->members[b->n_members++];
	*member = (struct builder_member){
		.name = name,
		.bytes = (uint32_t)content.len,
		.offset = (uint32_t)folder->content.len,
		.folder = (uint16_t)(b->n_folders - 1),
		.date = 0x5b79, /* 2025-11-25 */
		.time = 0x1974, /* 03:11:40 */
		.attributes = 0x20,
	};
	buf_append(&folder->content, content);
	return member;
}

/* A block as it is to lie in the cabinet, behind those of the last folder. */
static inline struct builder_block *
builder_block(struct cab_builder *b, struct slice packed, unsigned unpacked)
{
	struct builder_folder *folder = &b->folders[b->n_folders - 1];
	struct builder_block *block = &folder->blocks[folder->n_blocks++];
	buf_init(&block->packed, 1U << 20);
	buf_append(&block->packed, packed);
	block->unpacked = (uint16_t)unpacked;
	block->has_checksum = !b->is_without_checksums;
	return block;
}

/* "CK" and a deflate stream that may refer to the 32 KiB before it, [MS-MCI]. */
static inline void
builder_mszip(struct slice piece, struct slice before, struct buf *out)
{
	z_stream z = {0};
	uint8_t *room = malloc(BUILDER_BLOCK_BYTES + 1024);
	uint8_t *in = malloc(piece.len + 1);
	if (room == NULL || in == NULL ||
	    deflateInit2(&z, 9, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		abort();
	if (before.len > 0 && deflateSetDictionary(&z, before.data, (unsigned)before.len) != Z_OK)
		abort();
	if (piece.len > 0)
		memcpy(in, piece.data, piece.len);
	z.next_in = in;
	z.avail_in = (unsigned)piece.len;
	z.next_out = room;
	z.avail_out = BUILDER_BLOCK_BYTES + 1024;
	if (deflate(&z, Z_FINISH) != Z_STREAM_END)
		abort();
	buf_append(out, SLICE_LITERAL("CK"));
	buf_append(out, slice_of(room, BUILDER_BLOCK_BYTES + 1024 - z.avail_out));
	(void)deflateEnd(&z);
	free(room);
	free(in);
}

/* What was not made a block by hand becomes blocks of 32 KiB. */
static inline void
builder_pack(struct cab_builder *b, struct builder_folder *folder)
{
	if (folder->n_blocks > 0)
		return;
	struct slice content = buf_slice(&folder->content);
	for (size_t at = 0; at < content.len; at += BUILDER_BLOCK_BYTES) {
		struct slice piece = slice_sub(content, at, BUILDER_BLOCK_BYTES);
		size_t known = at < BUILDER_BLOCK_BYTES ? at : BUILDER_BLOCK_BYTES;
		struct slice before = slice_sub(content, at - known, known);
		struct builder_block *block = &folder->blocks[folder->n_blocks++];
		buf_init(&block->packed, 1U << 20);
		if (folder->compression == BUILDER_MSZIP)
			builder_mszip(piece, before, &block->packed);
		else
			buf_append(&block->packed, piece);
		block->unpacked = (uint16_t)piece.len;
		block->has_checksum = !b->is_without_checksums;
	}
}

/* [MS-CAB] 3.1, word by word. */
static inline uint32_t
builder_checksum(struct slice bytes, uint32_t sum)
{
	size_t i = 0;
	for (; bytes.len - i >= 4; i += 4)
		sum ^= bytes.data[i] | (uint32_t)bytes.data[i + 1] << 8 |
		       (uint32_t)bytes.data[i + 2] << 16 | (uint32_t)bytes.data[i + 3] << 24;
	uint32_t rest = 0;
	for (; i < bytes.len; i++)
		rest = rest << 8 | bytes.data[i];
	return sum ^ rest;
}

static inline void
builder_put_block(struct cab_builder *b, struct builder_block *block)
{
	struct slice packed = buf_slice(&block->packed);
	uint32_t lengths = (uint32_t)packed.len | (uint32_t)block->unpacked << 16;
	block->at = b->out.len;
	builder_u32(&b->out, block->has_checksum ? builder_checksum(packed, 0) ^ lengths : 0);
	builder_u32(&b->out, lengths);
	buf_append_zero(&b->out, b->block_reserve);
	buf_append(&b->out, packed);
}

static inline void
builder_text(struct buf *out, const char *const text[2])
{
	for (size_t i = 0; i < 2; i++) {
		buf_append_str(out, text[i]);
		buf_append_byte(out, 0);
	}
}

static inline void
builder_put_header(struct cab_builder *b)
{
	unsigned flags = b->flags | (b->previous[0] != NULL ? 1U : 0) |
			 (b->next[0] != NULL ? 2U : 0) | (b->has_reserve ? 4U : 0);
	buf_append_str(&b->out, "MSCF");
	buf_append_zero(&b->out, 20);
	builder_u16(&b->out, 0x0103);
	builder_u16(&b->out, (unsigned)b->n_folders);
	builder_u16(&b->out, (unsigned)b->n_members);
	builder_u16(&b->out, flags);
	builder_u16(&b->out, b->set_id);
	builder_u16(&b->out, b->set_index);
	if (b->has_reserve) {
		builder_u16(&b->out, b->header_reserve);
		buf_append_byte(&b->out, b->folder_reserve);
		buf_append_byte(&b->out, b->block_reserve);
		buf_append_zero(&b->out, b->header_reserve);
	}
	if (b->previous[0] != NULL)
		builder_text(&b->out, b->previous);
	if (b->next[0] != NULL)
		builder_text(&b->out, b->next);
}

static inline void
builder_put_member(struct cab_builder *b, struct builder_member *member)
{
	member->at = b->out.len;
	builder_u32(&b->out, member->bytes);
	builder_u32(&b->out, member->offset);
	builder_u16(&b->out, member->folder);
	builder_u16(&b->out, member->date);
	builder_u16(&b->out, member->time);
	builder_u16(&b->out, member->attributes);
	buf_append(&b->out, member->name);
	buf_append_byte(&b->out, 0);
}

/* The cabinet, which lives as long as the builder. */
static inline struct slice
builder_finish(struct cab_builder *b)
{
	builder_put_header(b);
	for (size_t i = 0; i < b->n_folders; i++) {
		struct builder_folder *folder = &b->folders[i];
		builder_pack(b, folder);
		folder->at = b->out.len;
		builder_u32(&b->out, folder->claimed_offset);
		builder_u16(&b->out, folder->claimed_blocks == UINT16_MAX
					     ? (unsigned)folder->n_blocks
					     : folder->claimed_blocks);
		builder_u16(&b->out, folder->compression);
		buf_append_zero(&b->out, b->folder_reserve);
	}
	builder_poke(b, 16, (uint32_t)b->out.len, 4);
	for (size_t i = 0; i < b->n_members; i++)
		builder_put_member(b, &b->members[i]);
	for (size_t i = 0; i < b->n_folders; i++) {
		struct builder_folder *folder = &b->folders[i];
		if (folder->claimed_offset == 0)
			builder_poke(b, folder->at, (uint32_t)b->out.len, 4);
		for (size_t k = 0; k < folder->n_blocks; k++)
			builder_put_block(b, &folder->blocks[k]);
	}
	builder_poke(b, 8, (uint32_t)b->out.len, 4);
	if (buf_error(&b->out) != OK)
		abort();
	return buf_slice(&b->out);
}
