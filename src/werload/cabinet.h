/* cabinet.h - a cabinet of exact size, made piece by piece
 *
 * For speed and for exact sizes members are stored, not compressed: one folder, no reserve, no
 * chain.  The last member is followed by filler that looks like memory, as much as the wanted
 * size needs, so that a cabinet of any size costs the memory of one block.  The same members and
 * seed give the same bytes.  [MS-CAB] 2.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

enum {
	CABINET_MEMBERS = 8,
	CABINET_BLOCK_BYTES = 32768 /* uncompressed bytes of a CFDATA, at most */
};
#define CABINET_MAX_BYTES (UINT64_C(1) << 30) /* the format ends at 65,535 blocks */

struct cabinet_member {
	const char *name;     /* ASCII */
	struct slice content; /* of the last member: what comes before the filler */
};

struct cabinet {
	struct cabinet_member members[CABINET_MEMBERS];
	size_t n_members;
	uint64_t total_bytes; /* of the file */
	uint64_t data_bytes;  /* of all members */
	uint64_t filler_bytes;
	uint64_t seed;
	uint32_t n_blocks;
	/* Where cabinet_next is. */
	uint32_t next_block;
	bool is_head_out;
	uint64_t at; /* in the data */
	struct buf piece;
};

/* The filler that members whose contents have CONTENT_BYTES in all would get in a file of
 * TOTAL_BYTES.  ERR_LIMIT: it would be negative, or TOTAL_BYTES passes CABINET_MAX_BYTES. */
err_t cabinet_filler(const struct cabinet_member *members, size_t n_members, uint64_t content_bytes,
		     uint64_t total_bytes, uint64_t *ret_filler_bytes) ERR_CHECK;
/* MEMBERS' texts are borrowed until cabinet_done.  Errors as above. */
err_t cabinet_init(struct cabinet *cabinet, const struct cabinet_member *members, size_t n_members,
		   uint64_t total_bytes, uint64_t seed) ERR_CHECK;
void cabinet_done(struct cabinet *cabinet); /* accepts a zeroed cabinet */
/* The next bytes of the file, valid until the next call; absent at its end. */
struct slice cabinet_next(struct cabinet *cabinet);
void cabinet_rewind(struct cabinet *cabinet);
