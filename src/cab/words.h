/* words.h - what can be wrong with a cabinet, and what can be strange: codes, names, words
 *
 * The names are stable: people and programs may rely on them.
 */
#pragma once

#include <stdbool.h>

#include "base/err.h"

/* Why a cabinet, folder or member cannot be had: code, stable name, error, words. */
#define CAB_REASONS(X)                                                                             \
	X(CAB_NOT_A_CABINET, "not_a_cabinet", ERR_UNSUPPORTED, "this is no cabinet")               \
	X(CAB_NOT_AT_START, "not_at_start", ERR_UNSUPPORTED,                                       \
	  "a cabinet begins behind other bytes; only one at the start is read")                    \
	X(CAB_TRUNCATED, "truncated", ERR_TRUNCATED, "the cabinet ends early")                     \
	X(CAB_NO_FOLDERS, "no_folders", ERR_CORRUPT, "the cabinet has no folders")                 \
	X(CAB_NO_MEMBERS, "no_members", ERR_CORRUPT, "the cabinet has no members")                 \
	X(CAB_TABLES_APART, "tables_apart", ERR_CORRUPT,                                           \
	  "the table of members is not where the header says")                                     \
	X(CAB_BAD_NAME, "bad_name", ERR_CORRUPT, "a name is empty or longer than 255 bytes")       \
	X(CAB_BAD_FOLDER_INDEX, "bad_folder_index", ERR_CORRUPT,                                   \
	  "a member names a folder that does not exist")                                           \
	X(CAB_FOLDERS_OVERLAP, "folders_overlap", ERR_CORRUPT,                                     \
	  "a folder's data runs into that of another")                                             \
	X(CAB_DATA_IN_TABLES, "data_in_tables", ERR_CORRUPT,                                       \
	  "a folder's data begins inside the tables")                                              \
	X(CAB_BAD_BLOCK, "bad_block", ERR_CORRUPT, "a block has impossible lengths")               \
	X(CAB_BAD_CHECKSUM, "bad_checksum", ERR_CORRUPT, "the checksum of a block is wrong")       \
	X(CAB_BAD_COMPRESSION, "bad_compression", ERR_UNSUPPORTED,                                 \
	  "a folder is compressed in an unknown way")                                              \
	X(CAB_BAD_DATA, "bad_data", ERR_CORRUPT, "compressed data contradicts itself")             \
	X(CAB_OUTSIDE_FOLDER, "outside_folder", ERR_CORRUPT,                                       \
	  "a member reaches past the end of its folder")                                           \
	X(CAB_NEEDS_PREVIOUS, "needs_previous", ERR_NOTFOUND,                                      \
	  "the member begins in the previous cabinet of a set")                                    \
	X(CAB_NEEDS_NEXT, "needs_next", ERR_NOTFOUND,                                              \
	  "the member goes on in the next cabinet of a set")                                       \
	X(CAB_PARTS_MISMATCH, "parts_mismatch", ERR_CORRUPT,                                       \
	  "the cabinets are not parts of one set that follow each other")                          \
	X(CAB_TOO_MANY_PARTS, "too_many_parts", ERR_LIMIT, "the set has too many cabinets")        \
	X(CAB_TOO_MANY_FOLDERS, "too_many_folders", ERR_LIMIT, "the cabinet has too many folders") \
	X(CAB_TOO_MANY_MEMBERS, "too_many_members", ERR_LIMIT, "the cabinet has too many members") \
	X(CAB_TOO_LARGE, "cabinet_too_large", ERR_LIMIT, "the cabinet has nearly 4 GiB or more")   \
	X(CAB_MEMBER_TOO_LARGE, "member_too_large", ERR_LIMIT, "the member is too large")          \
	X(CAB_ALL_TOO_LARGE, "all_too_large", ERR_LIMIT, "the members together are too large")     \
	X(CAB_BOMB, "bomb", ERR_LIMIT, "the members are too large for so small a cabinet")         \
	X(CAB_MEMORY, "memory", ERR_LIMIT, "the cabinet takes too much memory")                    \
	X(CAB_SINK, "sink", ERR_IO, "what took the member's bytes gave up")
#define CAB_ENUM_(code, name, err, text) code,
enum cab_reason {
	CAB_NO_FAULT,
	CAB_REASONS(CAB_ENUM_) CAB_REASON_N
};
#undef CAB_ENUM_

struct cab_fault {
	enum cab_reason reason; /* CAB_NO_FAULT: all is well */
	uint32_t part;   /* from 0: of a set in its order, or as given while that is not known */
	uint64_t offset; /* in that part, bytes; the block, entry or field that is at fault */
};

const char *cab_reason_name(enum cab_reason reason); /* "bad_checksum"; never NULL */
err_t cab_fault_err(struct cab_fault fault);         /* OK for CAB_NO_FAULT */
/* In words, with the offset; returns the error. */
err_t cab_explain(struct cab_fault fault, struct err_detail *detail);

/* Strange, and kept: bits of cab_member.flags with their stable names. */
#define CAB_MEMBER_FLAGS(X)                                                                        \
	X(CAB_MEMBER_TRAVERSAL, "traversal")     /* ".." in its path */                            \
	X(CAB_MEMBER_ABSOLUTE, "absolute")       /* begins with a slash of either kind */          \
	X(CAB_MEMBER_DRIVE, "drive_letter")      /* "C:" */                                        \
	X(CAB_MEMBER_STREAM, "alternate_stream") /* another colon */                               \
	X(CAB_MEMBER_DEVICE, "device_name")      /* CON, NUL, COM1 ... with any ending */          \
	X(CAB_MEMBER_CONTROL, "control_characters")                                                \
	X(CAB_MEMBER_DIRECTION, "direction_override")   /* characters that turn text around */     \
	X(CAB_MEMBER_FORBIDDEN, "forbidden_characters") /* <>"|?* */                               \
	X(CAB_MEMBER_TRAILING, "trailing_dot_or_blank") /* which Windows drops from a name */      \
	X(CAB_MEMBER_MIXED_SLASHES, "mixed_slashes")    /* both kinds in one name */               \
	X(CAB_MEMBER_BROKEN_TEXT, "broken_text")        /* said to be UTF-8, and is not */         \
	X(CAB_MEMBER_HIDDEN, "hidden")                  /* by attribute or a leading dot */        \
	X(CAB_MEMBER_RUN, "run_after_extraction")       /* the attribute of self-extractors */     \
	X(CAB_MEMBER_DUPLICATE, "duplicate_name")       /* as an earlier one, case apart */        \
	X(CAB_MEMBER_SHARES_BYTES, "shares_bytes")      /* with another member of its folder */    \
	X(CAB_MEMBER_BAD_TIME, "impossible_time")
/* The same for a cabinet: bits of cab_info.flags. */
#define CAB_FLAGS(X)                                                                               \
	X(CAB_HAS_PREVIOUS, "has_previous")  /* part of a set, and not the first */                \
	X(CAB_HAS_NEXT, "has_next")          /* part of a set, and not the last */                 \
	X(CAB_HAS_RESERVE, "has_reserve")    /* space kept for an application */                   \
	X(CAB_ODD_FIELDS, "odd_fields")      /* reserved fields or bits that are set */            \
	X(CAB_ODD_VERSION, "odd_version")    /* not 1.3 */                                         \
	X(CAB_CUT, "cut")                    /* shorter than it says */                            \
	X(CAB_LONGER, "longer_than_it_says") /* its own data ends behind its size */               \
	X(CAB_DATA_BEHIND, "data_behind")    /* bytes behind its end */                            \
	X(CAB_GAPS, "gaps")                  /* bytes that no table speaks of */
#define CAB_BIT_ENUM_(code, name) code##_BIT,
enum cab_member_flag_bit {
	CAB_MEMBER_FLAGS(CAB_BIT_ENUM_) CAB_MEMBER_FLAG_N
};
enum cab_flag_bit {
	CAB_FLAGS(CAB_BIT_ENUM_) CAB_FLAG_N
};
#undef CAB_BIT_ENUM_
#define CAB_FLAG_ENUM_(code, name) code = 1 << code##_BIT,
enum cab_member_flag {
	CAB_MEMBER_FLAGS(CAB_FLAG_ENUM_)
};
enum cab_flag {
	CAB_FLAGS(CAB_FLAG_ENUM_)
};
#undef CAB_FLAG_ENUM_
const char *cab_member_flag_name(unsigned bit); /* of bit 1 << BIT; never NULL */
const char *cab_flag_name(unsigned bit);

enum cab_encoding {
	CAB_ASCII,
	CAB_UTF8,   /* so marked, and it is */
	CAB_CP1252, /* guessed: every byte has a character there */
	CAB_CP437   /* guessed: some byte has none in 1252 */
};
const char *cab_encoding_name(enum cab_encoding encoding);

enum cab_method {
	CAB_STORED,
	CAB_MSZIP,
	CAB_QUANTUM,
	CAB_LZX,
	CAB_METHOD_N
};
const char *cab_method_name(enum cab_method method); /* "mszip"; never NULL */
