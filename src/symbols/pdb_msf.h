/* pdb_msf.h - the container of a PDB: MSF 7.00, a file of blocks that holds numbered streams
 *
 *     superblock ──▶ block map ──▶ directory ──▶ blocks of stream 0, 1, 2 ...
 *
 * Each arrow is a list of block numbers, and no two blocks need adjoin.  Bytes are handed out
 * where they lie in the file when they adjoin, else copied, and only those asked for.
 * Refused: a file that is shorter than its superblock says, blocks outside of it, a block that two
 * streams would share (what writes one would change the other, so no writer does it).  Stream 0 is
 * the directory of the previous commit: its blocks may be in use again and are not looked at.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "base/slice.h"

enum {
	MSF_NO_STREAM = 0xffff /* where another stream's number would stand */
};

/* A part of a stream. */
struct pdb_part {
	uint32_t offset;
	uint32_t bytes;
};

struct msf_stream {
	uint32_t bytes;
	uint32_t first; /* index in `blocks` of its first block number */
};

struct msf {
	struct slice file;
	uint32_t block_bytes;
	uint32_t n_streams;
	const struct msf_stream *streams;
	const uint32_t *blocks; /* block numbers of all streams */
};

/* FILE must outlive *ret_msf; the directory lies in ARENA.
 * ERR_UNSUPPORTED	another format, which *detail names
 * ERR_TRUNCATED	the file ends early
 * ERR_CORRUPT		it contradicts itself
 * ERR_LIMIT		more streams or a larger directory than limits.h allows */
err_t msf_open(struct slice file, struct arena *arena, struct msf *ret_msf,
	       struct err_detail *detail) ERR_CHECK;

/* 0: there is no such stream, or it is empty. */
uint32_t msf_bytes(const struct msf *msf, uint32_t stream);

/* The bytes where they lie in the file; absent: they do not adjoin, or the stream is shorter. */
struct slice msf_span(const struct msf *msf, uint32_t stream, uint32_t offset, uint32_t len);

/* LEN bytes in the file, or copied into SCRATCH, which has room for them.  False: the stream is
 * shorter. */
bool msf_peek(const struct msf *msf, uint32_t stream, uint32_t offset, uint32_t len, void *scratch,
	      struct slice *ret_bytes);

/* LEN bytes in the file, or copied into ARENA.
 * ERR_TRUNCATED: the stream is shorter.  ERR_LIMIT: the arena's cap. */
err_t msf_view(const struct msf *msf, uint32_t stream, uint32_t offset, uint32_t len,
	       struct arena *arena, struct slice *ret_bytes) ERR_CHECK;

/* How many bytes before the first NUL from OFFSET on, at most MAX and at most to the stream's end.
 */
uint32_t msf_text_bytes(const struct msf *msf, uint32_t stream, uint32_t offset, uint32_t max);
