#include "symbols/pdb_msf.h"

#include "base/limits.h"
#include "base/reader.h"

enum {
	MAGIC_BYTES = 32,
	SUPERBLOCK_BYTES = 52, /* without the block map's numbers behind it */
	BLOCK_BYTES_LEAST = 512,
	BLOCK_BYTES_MOST = 32768, /* of link.exe /PDBPAGESIZE */
	OLD_DIRECTORY = 0
};

static const char magic[] = "Microsoft C/C++ MSF 7.00\r\n\x1a"
			    "DS\0\0";
_Static_assert(sizeof(magic) == MAGIC_BYTES, "the last NUL is the literal's own");

/* Formats that go by the same file name. */
static const struct {
	const char *start;
	const char *why;
} strangers[] = {
	{"Microsoft C/C++ program database 2.00", "a PDB of the old format MSF 2.00 (before 2002)"},
	{"BSJB", "a .NET portable PDB: it names no native code"},
	{"Microsoft MSFZ Container", "a compressed PDB (MSFZ)"},
	{"MSCF", "a cabinet: it must be unpacked before"},
	{"!<arch>", "a library, not a PDB"},
	{"MZ", "a program, not a PDB"},
};

/* What is being read of a file while its directory is built. */
struct opening {
	struct slice file;
	uint32_t block_bytes;
	uint32_t n_blocks;
	uint32_t directory_bytes;
	uint8_t *used; /* one bit for each block that something lies in */
	struct err_detail *detail;
};

static uint32_t
blocks_for(const struct opening *o, uint32_t bytes)
{
	return (uint32_t)(((uint64_t)bytes + o->block_bytes - 1) / o->block_bytes);
}

static err_t
refuse_stranger(struct slice file, struct err_detail *detail)
{
	for (size_t i = 0; i < sizeof(strangers) / sizeof(strangers[0]); i++)
		if (slice_starts_with(file, slice_str(strangers[i].start)))
			return err_set(detail, ERR_UNSUPPORTED, "this is %s", strangers[i].why);
	if (file.len < MAGIC_BYTES && file.len > 0 && memcmp(file.data, magic, file.len) == 0)
		return err_set(detail, ERR_TRUNCATED, "the superblock ends early");
	return err_set(detail, ERR_UNSUPPORTED, "this is not a PDB");
}

static err_t
read_superblock(struct opening *o, struct reader *r)
{
	if (o->file.len < MAGIC_BYTES || memcmp(o->file.data, magic, MAGIC_BYTES) != 0)
		return refuse_stranger(o->file, o->detail);
	reader_init(r, o->file);
	(void)reader_bytes(r, MAGIC_BYTES);
	o->block_bytes = reader_u32(r);
	(void)reader_u32(r); /* which of two free block maps counts: for writers */
	o->n_blocks = reader_u32(r);
	o->directory_bytes = reader_u32(r);
	(void)reader_u32(r);
	if (r->error != OK)
		return err_set(o->detail, ERR_TRUNCATED, "the superblock ends early");
	if (o->block_bytes < BLOCK_BYTES_LEAST || o->block_bytes > BLOCK_BYTES_MOST ||
	    (o->block_bytes & (o->block_bytes - 1)) != 0)
		return err_set(o->detail, ERR_CORRUPT, "blocks of %u bytes", o->block_bytes);
	if ((uint64_t)o->n_blocks * o->block_bytes > o->file.len)
		return err_set(o->detail, ERR_TRUNCATED,
			       "the file has %zu bytes of %u blocks of %u bytes", o->file.len,
			       o->n_blocks, o->block_bytes);
	if (o->directory_bytes > LIMIT_PDB_DIRECTORY_BYTES)
		return err_set(o->detail, ERR_LIMIT, "a directory of %u bytes, %u at most",
			       o->directory_bytes, LIMIT_PDB_DIRECTORY_BYTES);
	if (blocks_for(o, o->directory_bytes) >= o->n_blocks)
		return err_set(o->detail, ERR_CORRUPT, "a directory of %u bytes in %u blocks",
			       o->directory_bytes, o->n_blocks);
	return OK;
}

/* Block 0 is the superblock's own. */
static err_t
take_block(struct opening *o, uint32_t block, const char *what, uint32_t which)
{
	if (block == 0 || block >= o->n_blocks)
		return err_set(o->detail, ERR_CORRUPT, "%s %u has block %u of %u", what, which,
			       block, o->n_blocks);
	if ((o->used[block / 8] >> (block % 8) & 1) != 0)
		return err_set(o->detail, ERR_CORRUPT, "block %u is used twice, again by %s %u",
			       block, what, which);
	o->used[block / 8] |= (uint8_t)(1U << (block % 8));
	return OK;
}

/* Follows one arrow: R gives the numbers of the blocks in which OUT's bytes lie. */
static err_t
gather(struct opening *o, struct reader *r, uint8_t *out, uint32_t bytes, const char *what)
{
	for (uint32_t at = 0; at < bytes; at += o->block_bytes) {
		uint32_t block = reader_u32(r);
		if (r->error != OK)
			return err_set(o->detail, ERR_TRUNCATED, "the list ends before %s %u", what,
				       at / o->block_bytes);
		err_t err = take_block(o, block, what, at / o->block_bytes);
		if (err != OK)
			return err;
		struct slice in =
			slice_sub(o->file, (size_t)block * o->block_bytes, o->block_bytes);
		memcpy(out + at, in.data, bytes - at < in.len ? bytes - at : in.len);
	}
	return OK;
}

static err_t
read_directory(struct opening *o, struct reader *superblock, struct arena *scratch,
	       struct slice *ret_directory)
{
	uint32_t map_bytes = blocks_for(o, o->directory_bytes) * (uint32_t)sizeof(uint32_t);
	uint8_t *map = arena_alloc(scratch, map_bytes);
	uint8_t *directory = arena_alloc(scratch, o->directory_bytes);
	struct reader list;
	if (map == NULL || directory == NULL)
		return ERR_LIMIT;
	/* The list must end with the superblock's block. */
	superblock->in.len = o->block_bytes;
	err_t err = gather(o, superblock, map, map_bytes, "piece of the block map");
	if (err != OK)
		return err;
	reader_init(&list, slice_of(map, map_bytes));
	err = gather(o, &list, directory, o->directory_bytes, "piece of the directory");
	if (err == OK)
		*ret_directory = slice_of(directory, o->directory_bytes);
	return err;
}

static err_t
read_sizes(struct opening *o, struct reader *r, struct arena *arena, struct msf *msf,
	   uint32_t *ret_n_blocks)
{
	struct msf_stream *streams;
	uint64_t n_blocks = 0;
	msf->n_streams = reader_u32(r);
	if (msf->n_streams > LIMIT_PDB_STREAMS)
		return err_set(o->detail, ERR_LIMIT, "%u streams, %u at most", msf->n_streams,
			       LIMIT_PDB_STREAMS);
	streams = arena_array(arena, msf->n_streams, sizeof(*streams));
	if (streams == NULL)
		return ERR_LIMIT;
	for (uint32_t i = 0; i < msf->n_streams && r->error == OK; i++) {
		uint32_t bytes = reader_u32(r);
		streams[i].bytes = bytes == UINT32_MAX ? 0 : bytes; /* a stream that was removed */
		streams[i].first = (uint32_t)n_blocks;
		n_blocks += blocks_for(o, streams[i].bytes);
		/* The directory would have to be as long. */
		if (n_blocks > LIMIT_PDB_DIRECTORY_BYTES / sizeof(uint32_t))
			return err_set(o->detail, ERR_CORRUPT, "stream %u has %u bytes", i,
				       streams[i].bytes);
	}
	msf->streams = streams;
	*ret_n_blocks = (uint32_t)n_blocks;
	return OK;
}

static err_t
read_streams(struct opening *o, struct slice directory, struct arena *arena, struct msf *msf)
{
	struct reader r;
	uint32_t n_blocks = 0;
	reader_init(&r, directory);
	err_t err = read_sizes(o, &r, arena, msf, &n_blocks);
	if (err != OK)
		return err;
	if (reader_left(&r) / sizeof(uint32_t) < n_blocks)
		return err_set(o->detail, ERR_TRUNCATED, "the directory ends early");
	uint32_t *blocks = arena_array(arena, n_blocks, sizeof(*blocks));
	if (blocks == NULL)
		return ERR_LIMIT;
	for (uint32_t i = 0; i < msf->n_streams; i++) {
		uint32_t first = msf->streams[i].first;
		uint32_t end = first + blocks_for(o, msf->streams[i].bytes);
		for (uint32_t j = first; j < end && err == OK; j++) {
			blocks[j] = reader_u32(&r);
			if (i != OLD_DIRECTORY)
				err = take_block(o, blocks[j], "stream", i);
		}
	}
	msf->blocks = blocks;
	return err;
}

err_t
msf_open(struct slice file, struct arena *arena, struct msf *ret_msf, struct err_detail *detail)
{
	struct opening o = {.file = file, .detail = detail};
	struct msf msf = {.file = file};
	struct arena scratch;
	struct reader superblock;
	struct slice directory;
	err_t err = read_superblock(&o, &superblock);
	if (err != OK)
		return err;
	msf.block_bytes = o.block_bytes;
	arena_init(&scratch, 2 * LIMIT_PDB_DIRECTORY_BYTES + file.len / 8 / BLOCK_BYTES_LEAST + 64);
	o.used = arena_alloc(&scratch, o.n_blocks / 8 + 1);
	err = o.used == NULL ? ERR_LIMIT : read_directory(&o, &superblock, &scratch, &directory);
	if (err == OK)
		err = read_streams(&o, directory, arena, &msf);
	arena_done(&scratch);
	if (err == OK)
		*ret_msf = msf;
	return err;
}

/* Streams */

uint32_t
msf_bytes(const struct msf *msf, uint32_t stream)
{
	return stream < msf->n_streams && stream != OLD_DIRECTORY ? msf->streams[stream].bytes : 0;
}

static bool
holds(const struct msf *msf, uint32_t stream, uint32_t offset, uint32_t len)
{
	uint32_t bytes = msf_bytes(msf, stream);
	return offset <= bytes && len <= bytes - offset;
}

/* As many of LEN bytes as adjoin from OFFSET on; the stream holds them all, and LEN is not 0. */
static struct slice
adjoining(const struct msf *msf, uint32_t stream, uint32_t offset, uint32_t len)
{
	const uint32_t *block =
		msf->blocks + msf->streams[stream].first + offset / msf->block_bytes;
	uint32_t inside = offset % msf->block_bytes;
	size_t at = (size_t)block[0] * msf->block_bytes + inside;
	uint64_t run = msf->block_bytes - inside;
	for (; run < len && block[1] == block[0] + 1; block++)
		run += msf->block_bytes;
	return slice_of(msf->file.data + at, run < len ? (size_t)run : len);
}

struct slice
msf_span(const struct msf *msf, uint32_t stream, uint32_t offset, uint32_t len)
{
	if (!holds(msf, stream, offset, len))
		return (struct slice){0};
	if (len == 0)
		return slice_of("", 0);
	struct slice bytes = adjoining(msf, stream, offset, len);
	return bytes.len == len ? bytes : (struct slice){0};
}

static void
copy(const struct msf *msf, uint32_t stream, uint32_t offset, uint32_t len, uint8_t *out)
{
	while (len > 0) {
		struct slice bytes = adjoining(msf, stream, offset, len);
		memcpy(out, bytes.data, bytes.len);
		out += bytes.len;
		offset += (uint32_t)bytes.len;
		len -= (uint32_t)bytes.len;
	}
}

bool
msf_peek(const struct msf *msf, uint32_t stream, uint32_t offset, uint32_t len, void *scratch,
	 struct slice *ret_bytes)
{
	if (!holds(msf, stream, offset, len))
		return false;
	struct slice bytes = msf_span(msf, stream, offset, len);
	if (slice_is_absent(bytes)) {
		copy(msf, stream, offset, len, scratch);
		bytes = slice_of(scratch, len);
	}
	*ret_bytes = bytes;
	return true;
}

err_t
msf_view(const struct msf *msf, uint32_t stream, uint32_t offset, uint32_t len, struct arena *arena,
	 struct slice *ret_bytes)
{
	if (!holds(msf, stream, offset, len))
		return ERR_TRUNCATED;
	struct slice bytes = msf_span(msf, stream, offset, len);
	if (slice_is_absent(bytes)) {
		uint8_t *out = arena_alloc(arena, len);
		if (out == NULL)
			return ERR_LIMIT;
		copy(msf, stream, offset, len, out);
		bytes = slice_of(out, len);
	}
	*ret_bytes = bytes;
	return OK;
}

uint32_t
msf_text_bytes(const struct msf *msf, uint32_t stream, uint32_t offset, uint32_t max)
{
	uint32_t bytes = msf_bytes(msf, stream);
	uint32_t left = offset < bytes ? bytes - offset : 0;
	uint32_t end = offset + (left < max ? left : max);
	for (uint32_t at = offset; at < end;) {
		uint32_t in_block = msf->block_bytes - at % msf->block_bytes;
		uint32_t len = end - at < in_block ? end - at : in_block;
		struct slice piece = adjoining(msf, stream, at, len);
		const uint8_t *nul = memchr(piece.data, 0, piece.len);
		if (nul != NULL)
			return at - offset + (uint32_t)(nul - piece.data);
		at += len;
	}
	return end - offset;
}
