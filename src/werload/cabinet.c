/* The file, from [MS-CAB] 2.1 to 2.4:
 *
 *	CFHEADER  36 bytes      "MSCF", size of the file, offset of the first CFFILE, counts
 *	CFFOLDER   8            offset of the first CFDATA, how many, 0: stored
 *	CFFILE    16 + name     size, offset in the folder, folder 0, date, time, attributes
 *	CFDATA     8 + <= 32768 checksum, size, size: as often as the data needs
 */
#include "werload/cabinet.h"

#include <string.h>

#include "werload/draw.h"
#include "werload/little.h"

enum {
	HEADER_BYTES = 36,
	FOLDER_BYTES = 8,
	FILE_BYTES = 16,
	DATA_HEADER_BYTES = 8,
	FULL_BLOCK = CABINET_BLOCK_BYTES + DATA_HEADER_BYTES,
	LINE_BYTES = 64, /* of filler, made at once */
	DOS_DATE = (2026 - 1980) << 9 | 11 << 5 | 2,
	DOS_TIME = 9 << 11,
	ATTRIBUTE_ARCHIVE = 0x20
};

static uint64_t
overhead(const struct cabinet_member *members, size_t n_members)
{
	uint64_t bytes = HEADER_BYTES + FOLDER_BYTES;
	for (size_t i = 0; i < n_members; i++)
		bytes += FILE_BYTES + strlen(members[i].name) + 1;
	return bytes;
}

err_t
cabinet_filler(const struct cabinet_member *members, size_t n_members, uint64_t content_bytes,
	       uint64_t total_bytes, uint64_t *ret_filler_bytes)
{
	uint64_t head = overhead(members, n_members);
	if (total_bytes > CABINET_MAX_BYTES || total_bytes <= head)
		return ERR_LIMIT;
	uint64_t blocks_bytes = total_bytes - head;
	uint64_t n_blocks = (blocks_bytes + FULL_BLOCK - 1) / FULL_BLOCK;
	/* Every block holds at least one byte, see block_bytes. */
	if (blocks_bytes < n_blocks * (DATA_HEADER_BYTES + 1))
		return ERR_LIMIT;
	uint64_t data_bytes = blocks_bytes - n_blocks * DATA_HEADER_BYTES;
	if (data_bytes < content_bytes)
		return ERR_LIMIT;
	*ret_filler_bytes = data_bytes - content_bytes;
	return OK;
}

err_t
cabinet_init(struct cabinet *cabinet, const struct cabinet_member *members, size_t n_members,
	     uint64_t total_bytes, uint64_t seed)
{
	if (n_members == 0 || n_members > CABINET_MEMBERS)
		return ERR_LIMIT;
	uint64_t content_bytes = 0, filler_bytes;
	for (size_t i = 0; i < n_members; i++)
		content_bytes += members[i].content.len;
	err_t err = cabinet_filler(members, n_members, content_bytes, total_bytes, &filler_bytes);
	if (err != OK)
		return err;
	*cabinet = (struct cabinet){
		.n_members = n_members,
		.total_bytes = total_bytes,
		.data_bytes = content_bytes + filler_bytes,
		.filler_bytes = filler_bytes,
		.seed = seed,
	};
	memcpy(cabinet->members, members, n_members * sizeof(*members));
	uint64_t blocks_bytes = total_bytes - overhead(members, n_members);
	cabinet->n_blocks = (uint32_t)((blocks_bytes + FULL_BLOCK - 1) / FULL_BLOCK);
	buf_init(&cabinet->piece, SIZE_MAX);
	return OK;
}

void
cabinet_done(struct cabinet *cabinet)
{
	buf_done(&cabinet->piece);
	*cabinet = (struct cabinet){0};
}

void
cabinet_rewind(struct cabinet *cabinet)
{
	cabinet->next_block = 0;
	cabinet->is_head_out = false;
	cabinet->at = 0;
}

static uint64_t
member_bytes(const struct cabinet *cabinet, size_t index)
{
	uint64_t bytes = cabinet->members[index].content.len;
	return index + 1 == cabinet->n_members ? bytes + cabinet->filler_bytes : bytes;
}

static void
put_head(struct cabinet *cabinet)
{
	struct buf *out = &cabinet->piece;
	buf_append_str(out, "MSCF");
	little_u32(out, 0);
	little_u32(out, (uint32_t)cabinet->total_bytes);
	little_u32(out, 0);
	little_u32(out, HEADER_BYTES + FOLDER_BYTES); /* offset of the first CFFILE */
	little_u32(out, 0);
	little_u16(out, 0x0103); /* version 1.3 */
	little_u16(out, 1);      /* folders */
	little_u16(out, (uint16_t)cabinet->n_members);
	little_u16(out, 0); /* flags */
	little_u16(out, (uint16_t)cabinet->seed);
	little_u16(out, 0); /* number in its set */
	little_u32(out, (uint32_t)overhead(cabinet->members, cabinet->n_members));
	little_u16(out, (uint16_t)cabinet->n_blocks);
	little_u16(out, 0); /* stored */
	uint64_t offset = 0;
	for (size_t i = 0; i < cabinet->n_members; i++) {
		little_u32(out, (uint32_t)member_bytes(cabinet, i));
		little_u32(out, (uint32_t)offset);
		little_u16(out, 0); /* folder */
		little_u16(out, DOS_DATE);
		little_u16(out, DOS_TIME);
		little_u16(out, ATTRIBUTE_ARCHIVE);
		buf_append(out, slice_of(cabinet->members[i].name,
					 strlen(cabinet->members[i].name) + 1));
		offset += member_bytes(cabinet, i);
	}
}

/* Memory as it is found: a third of the lines empty, the others pointers and small numbers. */
static void
fill_line(uint64_t seed, uint64_t line, uint8_t ret_bytes[LINE_BYTES])
{
	struct draw draw = draw_start(seed, DRAW_CABINET, line);
	uint64_t random = draw_u64(&draw);
	memset(ret_bytes, 0, LINE_BYTES);
	if (random % 3 == 0)
		return;
	for (size_t word = 0; word < LINE_BYTES / 8; word++) {
		uint64_t value = random * (word + 1);
		value = value & 1 ? UINT64_C(0x00007ff600000000) | (value >> 34) : value >> 52;
		for (size_t i = 0; i < 8; i++)
			ret_bytes[word * 8 + i] = (uint8_t)(value >> (8 * i));
	}
}

static void
put_filler(struct cabinet *cabinet, uint64_t from, size_t count)
{
	while (count > 0) {
		uint8_t line[LINE_BYTES];
		size_t skip = (size_t)(from % LINE_BYTES), take = LINE_BYTES - skip;
		fill_line(cabinet->seed, from / LINE_BYTES, line);
		take = take < count ? take : count;
		buf_append(&cabinet->piece, slice_of(line + skip, take));
		from += take;
		count -= take;
	}
}

/* Appends COUNT bytes of the folder's data from cabinet->at on. */
static void
put_data(struct cabinet *cabinet, size_t count)
{
	uint64_t start = 0;
	for (size_t i = 0; i < cabinet->n_members && count > 0; i++) {
		struct slice content = cabinet->members[i].content;
		if (cabinet->at < start + content.len) {
			size_t from = (size_t)(cabinet->at - start);
			struct slice part = slice_sub(content, from, count);
			buf_append(&cabinet->piece, part);
			cabinet->at += part.len;
			count -= part.len;
		}
		start += content.len;
	}
	put_filler(cabinet, cabinet->at - start, count);
	cabinet->at += count;
}

/* Full blocks, but so that every block that follows has a byte left for it: any size of the file
 * can be met then. */
static size_t
block_bytes(const struct cabinet *cabinet)
{
	uint64_t behind = cabinet->n_blocks - cabinet->next_block - 1;
	uint64_t left = cabinet->data_bytes - cabinet->at - behind;
	return (size_t)(left < CABINET_BLOCK_BYTES ? left : CABINET_BLOCK_BYTES);
}

/* [MS-CAB] 3.1: words are XORed; of what is left over the first byte is the highest. */
static uint32_t
checksum(const uint8_t *bytes, size_t count, uint32_t sum)
{
	size_t i = 0;
	for (; i + 4 <= count; i += 4)
		sum ^= (uint32_t)bytes[i] | (uint32_t)bytes[i + 1] << 8 |
		       (uint32_t)bytes[i + 2] << 16 | (uint32_t)bytes[i + 3] << 24;
	uint32_t rest = 0;
	for (; i < count; i++)
		rest = rest << 8 | bytes[i];
	return sum ^ rest;
}

static void
put_block(struct cabinet *cabinet)
{
	size_t count = block_bytes(cabinet);
	buf_append_zero(&cabinet->piece, 4);
	little_u16(&cabinet->piece, (uint16_t)count);
	little_u16(&cabinet->piece, (uint16_t)count);
	put_data(cabinet, count);
	uint8_t *block = cabinet->piece.data;
	uint32_t sum = checksum(block + DATA_HEADER_BYTES, count, 0);
	sum = checksum(block + 4, 4, sum);
	for (size_t i = 0; i < 4; i++)
		block[i] = (uint8_t)(sum >> (8 * i));
	cabinet->next_block++;
}

struct slice
cabinet_next(struct cabinet *cabinet)
{
	buf_reset(&cabinet->piece);
	if (!cabinet->is_head_out) {
		put_head(cabinet);
		cabinet->is_head_out = true;
	} else if (cabinet->next_block < cabinet->n_blocks) {
		put_block(cabinet);
	} else {
		return (struct slice){0};
	}
	return buf_slice(&cabinet->piece);
}
