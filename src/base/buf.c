#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void
buf_init(struct buf *buf, size_t cap_bytes)
{
	*buf = (struct buf){.cap_bytes = cap_bytes};
}

void
buf_done(struct buf *buf)
{
	free(buf->data);
	*buf = (struct buf){.cap_bytes = buf->cap_bytes};
}

void
buf_reset(struct buf *buf)
{
	buf->len = 0;
	buf->error = OK;
}

err_t
buf_error(const struct buf *buf)
{
	return buf->error;
}

uint8_t *
buf_room(struct buf *buf, size_t count)
{
	size_t need;
	if (buf->error != OK)
		return NULL;
	if (__builtin_add_overflow(buf->len, count, &need) || need > buf->cap_bytes) {
		buf->error = ERR_LIMIT;
		return NULL;
	}
	/* One byte more than is asked for: buf_printf needs it for its NUL. */
	if (need >= buf->capacity) {
		size_t capacity = buf->capacity == 0 ? 256 : buf->capacity * 2;
		if (capacity <= need)
			capacity = need + 1;
		uint8_t *data = realloc(buf->data, capacity);
		if (data == NULL)
			abort();
		buf->data = data;
		buf->capacity = capacity;
	}
	return buf->data + buf->len;
}

void
buf_grew(struct buf *buf, size_t count)
{
	buf->len += count;
}

void
buf_append(struct buf *buf, struct slice bytes)
{
	uint8_t *at = buf_room(buf, bytes.len);
	if (at == NULL || bytes.len == 0)
		return;
	memcpy(at, bytes.data, bytes.len);
	buf_grew(buf, bytes.len);
}

void
buf_append_str(struct buf *buf, const char *text)
{
	buf_append(buf, slice_str(text));
}

void
buf_append_byte(struct buf *buf, uint8_t byte)
{
	buf_append(buf, slice_of(&byte, 1));
}

void
buf_append_zero(struct buf *buf, size_t count)
{
	uint8_t *at = buf_room(buf, count);
	if (at == NULL || count == 0)
		return;
	memset(at, 0, count);
	buf_grew(buf, count);
}

void
buf_printf(struct buf *buf, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	int len = vsnprintf(NULL, 0, format, args);
	va_end(args);
	uint8_t *at = len < 0 ? NULL : buf_room(buf, (size_t)len);
	if (at == NULL)
		return;
	va_start(args, format);
	(void)vsnprintf((char *)at, (size_t)len + 1, format, args);
	va_end(args);
	buf_grew(buf, (size_t)len);
}

struct slice
buf_slice(const struct buf *buf)
{
	static const uint8_t empty[1];
	return slice_of(buf->data == NULL ? empty : buf->data, buf->len);
}
