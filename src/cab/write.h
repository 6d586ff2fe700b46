/* write.h - cabinets, written with libgcab (MSZIP or stored); GLib stays behind this header
 *
 * A library of its own, cab_write: programs that only read cabinets do not link GLib.
 *
 * The same members give the same bytes, on every machine with the same zlib: no clock, no zone, no
 * user is looked at.  All are one folder in the order given: small files first are reached without
 * unpacking a dump, and are not spoiled by a damaged one.
 * Refuses names that read.h would flag (paths that leave, devices, characters that Windows forbids,
 * a name twice, case apart) and what passes the limits below or limits.h.
 *
 * What libgcab cannot do: more than one folder, so all members together stay under 2 GiB; LZX;
 * sets that span cabinets; output that cannot be rewritten at its start (so no pipes); members
 * that are not there as a whole when it begins.
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

struct cab_write_member {
	struct slice name;   /* UTF-8, up to 255 bytes; '/' or '\' between folders */
	struct slice bytes;  /* the content, or absent: then it is what FD holds */
	int fd;              /* a regular file, mapped while it is read: it must not shrink */
	int64_t time_us;     /* modified; kept to 2 s, in UTC, from 1980 to 2107 */
	uint16_t attributes; /* CAB_ATTRIBUTE_...; the one for UTF-8 names is set as needed */
};

struct cab_write_options {
	bool is_stored; /* not compressed */
	uint64_t
		max_bytes; /* of the cabinet: ERR_LIMIT beyond; 0: only the format's nearly 4 GiB */
};

/* OPTIONS NULL: compressed, no limit of its own.  ERR_USAGE: a member is none; ERR_LIMIT; ERR_FULL,
 * ERR_IO.  OUT is appended to, or left as it was. */
err_t cab_write_buf(const struct cab_write_member *members, size_t n_members,
		    const struct cab_write_options *options, struct buf *out,
		    struct err_detail *detail) ERR_CHECK;
/* Into a file that can be sought in, from its offset 0 on; what it held behind the cabinet stays.
 * Memory beside the mapped members does not grow with them.  Nothing is fsynced.  On failure the
 * file holds a part of a cabinet. */
err_t cab_write_fd(const struct cab_write_member *members, size_t n_members,
		   const struct cab_write_options *options, int fd, uint64_t *ret_bytes,
		   struct err_detail *detail) ERR_CHECK;
