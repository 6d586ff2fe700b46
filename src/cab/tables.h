/* tables.h - the tables of one cabinet, [MS-CAB] 2.1-2.5, and where its data lies
 *
 * libmspack tells neither where folders lie nor what is wrong with a table, and reads tables
 * leniently: so they are read here, and libmspack is given new ones (library.h) over data that
 * was checked.
 *
 *   header [reserve] [names of neighbors]   folders   members   blocks of folder 0, 1 ...
 *                                                     ^ coffFiles  ^ coffCabStart of each
 */
#pragma once

#include "base/arena.h"
#include "cab/read.h"

/* What one cabinet has of a folder; a set's folder may be several of these in a row. */
struct cab_segment {
	uint32_t part;
	uint32_t offset; /* of its first block */
	uint16_t compression;
	uint16_t claimed_blocks;
	uint32_t blocks; /* whole ones, from the first on */
	uint64_t packed_bytes;
	uint64_t bytes;         /* what the whole blocks unpack to */
	bool ends_split;        /* its last block goes on in the next cabinet */
	bool is_from_previous;  /* a member says so */
	bool is_to_next;        /* a member says so */
	struct cab_fault fault; /* why there are fewer blocks than claimed */
};

struct cab_tables {
	struct slice in;
	uint32_t part;
	uint32_t flags; /* of struct cab_info */
	uint32_t claimed_bytes;
	uint16_t n_folders;
	uint16_t n_members;
	uint16_t set_id;
	uint16_t set_index;
	uint16_t header_reserve;
	uint8_t folder_reserve;
	uint8_t block_reserve;
	struct slice previous_name; /* raw; absent: none */
	struct slice previous_disk;
	struct slice next_name;
	struct slice next_disk;
	size_t folders_offset;
	size_t members_offset;
	size_t members_end;
	uint64_t bytes_behind;
	uint64_t gap_bytes;
};

/* Offsets are 32 bits wide; libmspack's are moved on by the tables that it is shown. */
#define CAB_BYTES_MAX (UINT32_MAX - 1024 * 1024)
enum {
	CAB_MAGIC = 0x4643534d, /* "MSCF" */
	CAB_HEADER_BYTES = 36,
	CAB_FOLDER_BYTES = 8,
	CAB_MEMBER_BYTES = 16,
	CAB_BLOCK_BYTES = 8,
	CAB_BLOCK_PACKED_MAX = 32768 + 6144, /* what incompressible data may grow to */
	CAB_WITH_PREVIOUS = 1,               /* bits of the header's flags */
	CAB_WITH_NEXT = 2,
	CAB_WITH_RESERVE = 4,
	CAB_FROM_PREVIOUS = 0xfffd, /* instead of a member's folder index */
	CAB_TO_NEXT = 0xfffe,
	CAB_FROM_PREVIOUS_TO_NEXT = 0xffff
};

/* The header; the tables must be given room by its counts.  PART is noted in faults. */
err_t cab_tables_header(struct slice in, uint32_t part, struct cab_tables *ret_tables,
			struct cab_fault *reterr) ERR_CHECK;
err_t cab_tables_folders(const struct cab_tables *tables, struct cab_segment *ret_segments,
			 struct cab_fault *reterr) ERR_CHECK;
/* Members without names made readable; folder: the index in this part's SEGMENTS, which are told
 * that they span cabinets. */
err_t cab_tables_members(struct cab_tables *tables, struct cab_segment *segments,
			 struct cab_member *ret_members, struct cab_fault *reterr) ERR_CHECK;
/* Walks every block once: lengths, checksums, order.  What is wrong is a fault of its segment.
 * False: the arena's cap. */
bool cab_tables_data(struct cab_tables *tables, struct cab_segment *segments,
		     struct arena *arena) ERR_CHECK;
/* The offset of the block of SEGMENT that holds byte AT of what it unpacks to. */
uint64_t cab_tables_block_at(const struct cab_tables *tables, const struct cab_segment *segment,
			     uint64_t at);
