/* derived_internal.h - shared by the files of derived; nobody else includes it
 *
 * How the parts fit: derived_schema.c is the law of the tables; derived_folder.c knows which file
 * is the current one and makes new ones; derived.c opens and answers the small questions;
 * derived_intern.c, derived_pairs.c, derived_tally.c, derived_report.c and derived_follow.c write;
 * derived_sieve.c, derived_text.c, derived_walk.c and derived_buckets.c read.
 */
#pragma once

#include <sys/types.h>

#include "base/table.h"
#include "store/derived.h"
#include "store/sqlite.h"

enum {
	/* Reports of one segment.  The indexes begin with the segment, so that a new report
	 * touches only the last one's pages: with indexes over all reports each one of a batch
	 * dirtied five pages of its own, and at 10 million took 650 us. */
	DERIVED_SEGMENT_REPORTS = 65536,
	/* Longer texts are cut here; the fact has all of them.  It also bounds what one report
	 * can cost the text index. */
	DERIVED_TEXT_BYTES = 4096,
	DERIVED_TEXT_MIN = 3, /* characters: the index is over three of them */
	DERIVED_KEY_BYTES = 16,
	/* Values of a set that are looked up one by one in a segment; when there are more,
	 * reading all of its rows is cheaper. */
	DERIVED_LIST_MAX = 8192,
	/* Reports that are read for a text before its index is asked. */
	DERIVED_PROBE_ROWS = 8192
};

/* Interned values.  The number is part of the text index's row ids: id * 8 + dimension. */
enum dimension {
	DIM_MACHINE,
	DIM_USER,
	DIM_APPLICATION,
	DIM_DETAIL,
	DIM_SYSTEM,
	DIM_BUCKET, /* not interned: has the number that the wire has */
	DIM_N
};
enum {
	DIM_INTERNED_N = DIM_BUCKET,
	DIM_COUNTED_N = DIM_APPLICATION + 1
};

/* What buckets are found by. */
enum part {
	PART_EVENT,
	PART_MODULE,
	PART_CODE,
	PART_N
};

/* Whose buckets are kept: derived_pairs.c. */
enum pair_set {
	PAIR_MACHINE = DIM_MACHINE,
	PAIR_USER = DIM_USER,
	PAIR_APPLICATION = DIM_APPLICATION,
	PAIR_N
};

extern const struct sql_file derived_file; /* all but the path */

/* What the text index has of a row, and what is compared with what somebody looks for: dimension,
 * table, texts. */
#define DERIVED_LINE(column) "coalesce(" column " || char(10), '')"
#define DERIVED_LINES(a, b) DERIVED_LINE(a) " || " DERIVED_LINE(b)
#define DERIVED_FOUR_LINES(a, b, c, d) DERIVED_LINES(a, b) " || " DERIVED_LINES(c, d)
#define DERIVED_APPLICATION_TEXT DERIVED_FOUR_LINES("image", "name", "path", "company")
#define DERIVED_DETAIL_TEXT                                                                        \
	DERIVED_FOUR_LINES("event_type", "friendly_event_name", "event_description", "others")
#define DERIVED_SYSTEM_TEXT DERIVED_LINES("os", "lcid") " || " DERIVED_LINE("oem")
#define DERIVED_BUCKET_TEXT                                                                        \
	DERIVED_LINES("event_type", "p1")                                                          \
	" || " DERIVED_LINE("p2") " || " DERIVED_FOUR_LINES(                                       \
		"p3", "p4", "p5", "p6") " || " DERIVED_FOUR_LINES("p7", "p8", "p9", "p10")
#define DERIVED_TEXTS(X)                                                                           \
	X(DIM_MACHINE, "machine", "name")                                                          \
	X(DIM_USER, "user", "name")                                                                \
	X(DIM_APPLICATION, "application", DERIVED_APPLICATION_TEXT)                                \
	X(DIM_DETAIL, "detail", DERIVED_DETAIL_TEXT)                                               \
	X(DIM_SYSTEM, "system", DERIVED_SYSTEM_TEXT)                                               \
	X(DIM_BUCKET, "bucket_label", DERIVED_BUCKET_TEXT)

/* ---- ids, many of them ---- */

struct id_list {
	uint64_t *ids;
	size_t count;
	size_t capacity;
};
void id_list_add(struct id_list *list, uint64_t id);
void id_list_done(struct id_list *list);
void id_list_sort_descending(struct id_list *list);

/* The next one of a packed set: adds its distance to *MEMBER.  False at the end. */
bool derived_next_member(struct slice members, size_t *at, uint64_t *member);

/* Hex digits without "0x" and leading zeros, as the code parts are kept. */
struct slice derived_short_code(struct slice code);

/* ---- the store ---- */

struct derived_writer;

struct derived {
	struct sql sql;
	enum derived_mode mode;
	char *folder;      /* DATA/derived */
	dev_t file_device; /* which file is open: another one may have taken its place since */
	ino_t file_number;
	bool is_aside;                 /* a rebuild's file, which has no place yet */
	int lock_fd;                   /* of the writer or of the rebuild; -1: none */
	size_t list_max;               /* DERIVED_LIST_MAX; tests set it */
	size_t probe_rows;             /* DERIVED_PROBE_ROWS; tests set it */
	unsigned n_lists;              /* being read: their file stays open */
	struct derived_writer *writer; /* DERIVED_WRITE */
};

/* A handle without a file. */
struct derived *derived_new(const char *data, enum derived_mode mode);

/* ---- derived_folder.c: files and their places ---- */

/* Opens the current file.  For writing: when there is none, or it is broken or another version's,
 * a new, empty one takes its place.  ERR_BUSY: another process writes. */
err_t derived_open_current(struct derived *derived, struct err_detail *detail) ERR_CHECK;
/* Goes on with an empty file; a broken one is kept aside as broken.db, for study. */
err_t derived_remake(struct derived *derived, bool is_broken, struct err_detail *detail) ERR_CHECK;
/* Opens the current file when another one has taken the place of the one that is open. */
err_t derived_refresh(struct derived *derived, struct err_detail *detail) ERR_CHECK;
/* An empty file beside the current one, and then into its place.  ERR_BUSY: another rebuild. */
err_t derived_open_aside(struct derived *derived, struct err_detail *detail) ERR_CHECK;
err_t derived_take_place(struct derived *derived, struct err_detail *detail) ERR_CHECK;
/* Does the connection's last failure say that the file itself is broken? */
bool derived_is_broken(const struct derived *derived);
/* Closes the file, not the handle. */
void derived_close_file(struct derived *derived);

/* ---- derived_follow.c and its parts ---- */

struct derived_writer *derived_writer_new(void);
void derived_writer_free(struct derived_writer *writer); /* accepts NULL */
err_t derived_writer_attach(struct derived_writer *writer, struct sql *sql,
			    struct err_detail *detail) ERR_CHECK;
/* Before the file is closed; forgets all that was known of it. */
void derived_writer_detach(struct derived_writer *writer);
