/* reader.h - the one way to look at hostile binary bytes
 *
 * A cursor over a slice with a sticky error: the first read past the end sets it and the
 * failing offset; from then on every read gives zero.  Read a whole structure, ask once.
 */
#pragma once

#include "base/err.h"
#include "base/slice.h"

struct reader {
	struct slice in;
	size_t at; /* offset of the next byte */
	err_t error;
	size_t error_offset; /* valid when error is set */
};

void reader_init(struct reader *r, struct slice in);
uint8_t reader_u8(struct reader *r);
uint16_t reader_u16(struct reader *r); /* little-endian, as all of these */
uint32_t reader_u32(struct reader *r);
uint64_t reader_u64(struct reader *r);
uint16_t reader_u16_be(struct reader *r);
struct slice reader_bytes(struct reader *r, size_t count);
size_t reader_left(const struct reader *r);
void reader_fail(struct reader *r, err_t error); /* at the current offset, if no error is set */
