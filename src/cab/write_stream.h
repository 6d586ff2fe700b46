/* write_stream.h - where libgcab writes: a buffer or a descriptor, bounded, as a GOutputStream
 *
 * libgcab writes data first and goes back for the tables, so it needs a stream that can seek;
 * GLib's own for descriptors cannot, and its memory stream has no bound.
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"

struct _GOutputStream; /* what GLib calls GOutputStream */

/* Into BUF from where it ends now, or into FD from 0 on when BUF is NULL. */
struct _GOutputStream *cab_write_stream_new(struct buf *buf, int fd, uint64_t max_bytes);
/* Why the last write failed; OK when none did. */
err_t cab_write_stream_err(struct _GOutputStream *stream);
/* Where the written bytes end. */
uint64_t cab_write_stream_bytes(struct _GOutputStream *stream);
