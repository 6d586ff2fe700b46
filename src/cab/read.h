/* read.h - cabinets, read from bytes in memory, [MS-CAB] (libmspack decompresses)
 *
 * Reads one cabinet, or all parts of a set at once: stored, MSZIP, Quantum and LZX folders.
 * Opening checks every table, every length and every checksum, and names what is strange; only
 * compressed data can turn out broken later.  A member that cannot be had says why, and the
 * others are given: each member, each folder and the cabinet as a whole have a fault of their own.
 * Refuses as a whole: what does not begin with a cabinet, tables that end early or contradict
 * each other, more members, folders or parts than the limits allow.
 *
 * Nothing of what a member becomes is held: it goes to a sink in pieces of at most 32 KiB.  Never
 * more than the caps is decompressed, whatever the tables say: of one member, of all, and as a
 * multiple of the cabinet's own bytes.  What is skipped to reach a member counts too.
 * A member's names are labels, never paths: `safe_name` is one file name without separators,
 * unlike all others of the cabinet; whoever writes files uses that.
 *
 * Pure: no I/O, no clock.  The bytes are borrowed until cab_close.  Memory beside them: for the
 * tables at most LIMIT_CAB_ARENA_BYTES, some 500 bytes a member; for decompression 200 KiB, and
 * with LZX or Quantum their window, at most 2 MiB, whatever the members' lengths.
 * A struct cab belongs to one thread at a time.
 */
#pragma once

#include <stdbool.h>

#include "base/err.h"
#include "base/limits.h"
#include "base/slice.h"
#include "cab/words.h"

/* [MS-CAB] 2.4, attributes */
enum {
	CAB_ATTRIBUTE_READ_ONLY = 0x01,
	CAB_ATTRIBUTE_HIDDEN = 0x02,
	CAB_ATTRIBUTE_SYSTEM = 0x04,
	CAB_ATTRIBUTE_ARCHIVE = 0x20,
	CAB_ATTRIBUTE_RUN = 0x40,
	CAB_ATTRIBUTE_UTF8 = 0x80
};

#define CAB_NO_FOLDER UINT32_MAX
enum {
	CAB_PIECE_BYTES = 32768,
	CAB_SAFE_NAME_BYTES = 200 /* at most, without what makes it unlike others (5 digits, '~') */
};

struct cab_member {
	struct slice raw_name;  /* as stored, in the borrowed bytes */
	struct slice name;      /* valid UTF-8, '/' between folders, control characters U+FFFD */
	struct slice safe_name; /* one file name: see above; NUL behind it */
	enum cab_encoding encoding;
	uint32_t flags;         /* CAB_MEMBER_... */
	uint32_t index;         /* in cab_info.members */
	uint32_t part;          /* of a set; the first that lists it */
	uint32_t entry_offset;  /* of its entry in that part */
	uint16_t folder_index;  /* as stored: from 0xfffd on it spans cabinets, [MS-CAB] 2.3 */
	uint32_t folder;        /* in cab_info.folders, or CAB_NO_FOLDER */
	uint32_t folder_offset; /* where it begins in what the folder unpacks to */
	uint32_t bytes;         /* unpacked, as the table says */
	uint16_t attributes;
	uint16_t dos_date;      /* year - 1980, month, day: 7, 4 and 5 bits; [MS-CAB] 2.4 */
	uint16_t dos_time;      /* hour, minute, second / 2: 5, 6 and 5 bits */
	int64_t time_us;        /* both, taken for UTC: the sender's zone is not told; 0: none */
	struct cab_fault fault; /* why it cannot be had, as far as opening can tell */
};

struct cab_folder {
	uint16_t compression;   /* typeCompress as stored: method and, from bit 8, window bits */
	enum cab_method method; /* CAB_METHOD_N: unknown */
	uint32_t blocks;        /* that are whole */
	uint64_t packed_bytes;  /* of these, headers aside */
	uint64_t bytes;         /* what they unpack to */
	struct cab_fault fault; /* what ended it early: members before that can be had */
};

/* Texts are UTF-8 and absent when not given.  Of a set: sums, and the outer neighbors. */
struct cab_info {
	uint32_t flags; /* CAB_... */
	uint16_t set_id;
	uint16_t set_index; /* of the first part, from 0 */
	struct slice previous_name;
	struct slice previous_disk;
	struct slice next_name;
	struct slice next_disk;
	uint64_t bytes;         /* that came */
	uint64_t claimed_bytes; /* the size in the header */
	uint64_t bytes_behind;  /* behind its end */
	uint64_t gap_bytes;     /* between tables and data, that no table speaks of */
	uint64_t reserve_bytes; /* in the header; offset 40 */
	const struct cab_folder *folders;
	size_t n_folders;
	const struct cab_member *members; /* in the table's order */
	size_t n_members;
};

struct cab_limits {
	uint32_t members;
	uint32_t folders;
	uint32_t parts;
	uint64_t member_bytes;     /* of one member */
	uint64_t all_bytes;        /* unpacked by one call, with what is skipped or read again */
	uint64_t ratio;            /* the same, at most so many times the cabinet's bytes ... */
	uint64_t ratio_free_bytes; /* ... but these always */
	size_t table_bytes;        /* memory for what the tables become */
};
extern const struct cab_limits cab_limits_default; /* limits.h */

/* Takes members, one at a time, in the order in which their bytes lie in the folders.  Of a member
 * that is broken or cut, what lies before that is written: the beginning of a dump is worth having.
 */
struct cab_sink {
	void *context;
	/* Is this one wanted?  NULL: every one is.  Not asked of one that its fault rules out. */
	bool (*begin)(void *context, const struct cab_member *member);
	/* 1 to CAB_PIECE_BYTES bytes, that last for this call.  Not OK: no more of this member. */
	err_t (*write)(void *context, const struct cab_member *member, struct slice piece);
	/* Once for each member that was wanted, and for each that its fault rules out.
	 * BYTES were written.  FAULT: NULL when it is whole. */
	void (*end)(void *context, const struct cab_member *member, uint64_t bytes,
		    const struct cab_fault *fault);
};

struct cab;

/* Does it begin as a cabinet does?  Clients upload other things too. */
bool cab_is_cabinet(struct slice in);

/* LIMITS NULL: the default.  *ret_cab is the caller's to close. */
err_t cab_open(struct slice cabinet, const struct cab_limits *limits, struct cab **ret_cab,
	       struct cab_fault *reterr) ERR_CHECK;
/* Cabinets of one set, in any order, without a hole between them: their members in one list, and
 * what spans them can be had.  Parts missing at an end are what cab_info.flags say. */
err_t cab_open_set(const struct slice *parts, size_t n_parts, const struct cab_limits *limits,
		   struct cab **ret_cab, struct cab_fault *reterr) ERR_CHECK;
void cab_close(struct cab *cab); /* accepts NULL */

const struct cab_info *cab_info(const struct cab *cab);

/* All members, each folder unpacked once.  The error of the first member that could not be had
 * (its fault in *reterr), OK when every one that the sink wanted is whole. */
err_t
cab_extract_all(struct cab *cab, const struct cab_sink *sink, struct cab_fault *reterr) ERR_CHECK;
/* One.  What lies before it in its folder is unpacked first, so for many use cab_extract_all. */
err_t cab_extract(struct cab *cab, size_t index, const struct cab_sink *sink,
		  struct cab_fault *reterr) ERR_CHECK;
