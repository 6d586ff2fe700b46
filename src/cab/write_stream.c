/* Types are written here as GObject's macros want them. */
#include "cab/write_stream.h"

#include <errno.h>
#include <gio/gio.h>
#include <unistd.h>

#define CAB_TYPE_WRITE_STREAM (cab_write_stream_get_type())
G_DECLARE_FINAL_TYPE(CabWriteStream, cab_write_stream, CAB, WRITE_STREAM, GOutputStream)

struct _CabWriteStream {
	GOutputStream parent;
	struct buf *buf; /* NULL: into fd */
	size_t buf_start;
	int fd;
	uint64_t max_bytes;
	uint64_t at;
	uint64_t end;
	err_t err;
};

static void cab_write_stream_seekable(GSeekableIface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE(CabWriteStream, cab_write_stream, G_TYPE_OUTPUT_STREAM,
			      G_IMPLEMENT_INTERFACE(G_TYPE_SEEKABLE, cab_write_stream_seekable))

/* Over what is there, then behind it. */
static err_t
put_into_buf(CabWriteStream *s, struct slice bytes)
{
	size_t over = (size_t)(s->end - s->at);
	if (over > bytes.len)
		over = bytes.len;
	if (over > 0)
		memcpy(s->buf->data + s->buf_start + s->at, bytes.data, over);
	buf_append(s->buf, slice_sub(bytes, over, bytes.len));
	return buf_error(s->buf);
}

static err_t
put_into_fd(CabWriteStream *s, struct slice bytes)
{
	size_t done = 0;
	while (done < bytes.len) {
		ssize_t n =
			pwrite(s->fd, bytes.data + done, bytes.len - done, (off_t)(s->at + done));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? err_from_errno(errno) : ERR_IO;
		done += (size_t)n;
	}
	return OK;
}

static gssize
write_bytes(GOutputStream *stream, const void *buffer, gsize count, GCancellable *cancellable,
	    GError **error)
{
	CabWriteStream *s = CAB_WRITE_STREAM(stream);
	struct slice bytes = slice_of(buffer, count);
	(void)cancellable;
	if (s->err == OK && (s->at > s->max_bytes || count > s->max_bytes - s->at))
		s->err = ERR_LIMIT;
	if (s->err == OK)
		s->err = s->buf != NULL ? put_into_buf(s, bytes) : put_into_fd(s, bytes);
	if (s->err != OK) {
		g_set_error_literal(error, G_IO_ERROR, G_IO_ERROR_FAILED, err_text(s->err));
		return -1;
	}
	s->at += count;
	if (s->at > s->end)
		s->end = s->at;
	return (gssize)count;
}

static goffset
tell(GSeekable *seekable)
{
	return (goffset)CAB_WRITE_STREAM(seekable)->at;
}

static gboolean
can_seek(GSeekable *seekable)
{
	(void)seekable;
	return TRUE;
}

/* To where something was written, or the end: there are no holes. */
static gboolean
seek(GSeekable *seekable, goffset offset, GSeekType type, GCancellable *cancellable, GError **error)
{
	CabWriteStream *s = CAB_WRITE_STREAM(seekable);
	goffset origin = type == G_SEEK_CUR   ? (goffset)s->at
			 : type == G_SEEK_END ? (goffset)s->end
					      : 0;
	(void)cancellable;
	if (offset < -origin || offset > (goffset)s->end - origin) {
		g_set_error_literal(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
				    "outside what was written");
		return FALSE;
	}
	s->at = (uint64_t)(origin + offset);
	return TRUE;
}

static gboolean
can_truncate(GSeekable *seekable)
{
	(void)seekable;
	return FALSE;
}

static gboolean
truncate_at(GSeekable *seekable, goffset offset, GCancellable *cancellable, GError **error)
{
	(void)seekable;
	(void)offset;
	(void)cancellable;
	g_set_error_literal(error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED, "not supported");
	return FALSE;
}

static void
cab_write_stream_seekable(GSeekableIface *iface)
{
	iface->tell = tell;
	iface->can_seek = can_seek;
	iface->seek = seek;
	iface->can_truncate = can_truncate;
	iface->truncate_fn = truncate_at;
}

static void
cab_write_stream_class_init(CabWriteStreamClass *class)
{
	G_OUTPUT_STREAM_CLASS(class)->write_fn = write_bytes;
}

static void
cab_write_stream_init(CabWriteStream *s)
{
	s->fd = -1;
}

GOutputStream *
cab_write_stream_new(struct buf *buf, int fd, uint64_t max_bytes)
{
	CabWriteStream *s = g_object_new(CAB_TYPE_WRITE_STREAM, NULL);
	s->buf = buf;
	s->buf_start = buf == NULL ? 0 : buf->len;
	s->fd = fd;
	s->max_bytes = max_bytes;
	return G_OUTPUT_STREAM(s);
}

err_t
cab_write_stream_err(GOutputStream *stream)
{
	return CAB_WRITE_STREAM(stream)->err;
}

uint64_t
cab_write_stream_bytes(GOutputStream *stream)
{
	return CAB_WRITE_STREAM(stream)->end;
}
