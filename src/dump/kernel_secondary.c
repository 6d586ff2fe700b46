/* kernel_secondary.c - secondary data: what drivers added to a triage dump
 *
 *	"DumpBlob"  u32 header bytes, u32 build
 *	then, up to the end of the file, pieces of
 *	    u32 header bytes (0x20), 16 bytes tag, u32 data bytes, u32 padding before, u32 behind
 *
 * The data belongs to whoever registered the tag.  Pieces are listed, not read.
 */
#include "dump/kernel_internal.h"

enum {
	FILE_HEADER_BYTES = 16,
	PIECE_HEADER_BYTES = 0x20
};

static const char *
tag_text(struct arena *arena, struct slice piece)
{
	const uint8_t *tail = piece.data + 12;
	return arena_printf(arena,
			    "SecondaryData {%08x-%04x-%04x-%02x%02x-%02x%02x%02x%02x%02x%02x}",
			    kernel_u32(piece, 4), kernel_u16(piece, 8), kernel_u16(piece, 10),
			    tail[0], tail[1], tail[2], tail[3], tail[4], tail[5], tail[6], tail[7]);
}

/* Moves *AT behind the piece there.  ERR_CORRUPT, ERR_TRUNCATED: the rest cannot be read. */
static err_t
read_piece(struct kernel_parser *k, uint64_t *at)
{
	struct slice header = kernel_piece(k->file, *at, PIECE_HEADER_BYTES);
	if (slice_is_absent(header))
		return ERR_TRUNCATED;
	uint32_t header_bytes = kernel_u32(header, 0);
	uint32_t bytes = kernel_u32(header, 0x14);
	if (header_bytes < PIECE_HEADER_BYTES)
		return ERR_CORRUPT;
	uint64_t from = *at + header_bytes + kernel_u32(header, 0x18);
	const char *name = tag_text(k->arena, header);
	if (name == NULL)
		return ERR_LIMIT;
	bool is_whole = from <= k->file.len && bytes <= k->file.len - from;
	kernel_add_stream(k, KERNEL_PART_SECONDARY, name, from, bytes,
			  is_whole ? OK : ERR_TRUNCATED);
	*at = from + bytes + kernel_u32(header, 0x1c);
	return OK;
}

err_t
kernel_secondary_read(struct kernel_parser *k)
{
	uint64_t at = k->triage.dump_bytes;
	struct slice header = kernel_piece(k->file, at, FILE_HEADER_BYTES);
	err_t err = OK;
	if (!slice_starts_with(header, SLICE_LITERAL("DumpBlob")))
		return OK;
	at += kernel_u32(header, 8) < FILE_HEADER_BYTES ? FILE_HEADER_BYTES : kernel_u32(header, 8);
	for (unsigned i = 0; i < LIMIT_KERNEL_SECONDARY && at < k->file.len && err == OK; i++)
		err = read_piece(k, &at);
	if (err == OK && at < k->file.len)
		kernel_add_stream(k, KERNEL_PART_SECONDARY, NULL, at, k->file.len - at, ERR_LIMIT);
	else if (err == ERR_CORRUPT || err == ERR_TRUNCATED)
		kernel_add_stream(k, KERNEL_PART_SECONDARY, NULL, at, k->file.len - at, err);
	return err == ERR_LIMIT ? ERR_LIMIT : OK;
}
