/* buf.h - bytes that grow, up to a cap
 *
 * The error is sticky: after an append that would pass the cap nothing more is added and
 * buf_error says ERR_LIMIT, so that a formatter asks once, at its end.
 */
#pragma once

#include "base/err.h"
#include "base/slice.h"

struct buf {
	uint8_t *data;
	size_t len;
	size_t capacity;
	size_t cap_bytes; /* never longer than this */
	err_t error;
};

void buf_init(struct buf *buf, size_t cap_bytes);
void buf_done(struct buf *buf);  /* frees; accepts a zeroed buf */
void buf_reset(struct buf *buf); /* empty, no error; keeps its memory */
err_t buf_error(const struct buf *buf);

void buf_append(struct buf *buf, struct slice bytes);
void buf_append_str(struct buf *buf, const char *text);
void buf_append_byte(struct buf *buf, uint8_t byte);
void buf_append_zero(struct buf *buf, size_t count);
void buf_printf(struct buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Makes room for COUNT bytes that the caller will write; NULL over the cap.  Then buf_grew. */
uint8_t *buf_room(struct buf *buf, size_t count);
void buf_grew(struct buf *buf, size_t count);
struct slice buf_slice(const struct buf *buf);
