/* .gnu_debugdata: an ELF file with a symbol table and little else, packed with xz.
 *
 * Distributions put it into stripped programs.  liblzma unpacks it into a buffer with a cap, and
 * with a limit on what it may use itself.
 */
#include "symbols/elf_internal.h"

#include <lzma.h>

enum {
	PART_BYTES = 64 * 1024,
	UNPACKER_BYTES = 64 * 1024 * 1024 /* the dictionary of the highest preset */
};

/* A part at a time, until the end of the stream or the cap. */
static err_t
unpack(lzma_stream *stream, struct buf *out)
{
	lzma_ret result = LZMA_OK;
	while (result == LZMA_OK) {
		uint8_t *room = buf_room(out, PART_BYTES);
		if (room == NULL)
			return ERR_LIMIT;
		stream->next_out = room;
		stream->avail_out = PART_BYTES;
		result = lzma_code(stream, LZMA_FINISH);
		buf_grew(out, PART_BYTES - stream->avail_out);
	}
	if (result == LZMA_STREAM_END)
		return OK;
	return result == LZMA_MEMLIMIT_ERROR || result == LZMA_MEM_ERROR ? ERR_LIMIT : ERR_CORRUPT;
}

err_t
elf_unpack_minidebug(struct elf *elf)
{
	GElf_Shdr header;
	lzma_stream stream = LZMA_STREAM_INIT;
	if (elf_section(elf->elf, ".gnu_debugdata", &header) == NULL)
		return ERR_NOTFOUND;
	struct slice packed = slice_sub(elf->file, header.sh_offset, header.sh_size);
	if (packed.len < header.sh_size)
		return ERR_CORRUPT;
	if (lzma_stream_decoder(&stream, UNPACKER_BYTES + PART_BYTES, 0) != LZMA_OK)
		return ERR_NOMEM;
	buf_init(&elf->minidebug, LIMIT_ELF_MINIDEBUG_BYTES);
	stream.next_in = packed.data;
	stream.avail_in = packed.len;
	err_t err = unpack(&stream, &elf->minidebug);
	lzma_end(&stream);
	if (err != OK)
		return err;
	elf->minidebug_elf = elf_of_bytes(buf_slice(&elf->minidebug));
	return elf->minidebug_elf == NULL ? ERR_CORRUPT : OK;
}
