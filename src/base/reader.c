#include "base/reader.h"

void
reader_init(struct reader *r, struct slice in)
{
	*r = (struct reader){.in = in};
}

void
reader_fail(struct reader *r, err_t error)
{
	if (r->error != OK)
		return;
	r->error = error;
	r->error_offset = r->at;
}

size_t
reader_left(const struct reader *r)
{
	return r->error == OK ? r->in.len - r->at : 0;
}

struct slice
reader_bytes(struct reader *r, size_t count)
{
	if (r->error != OK || count > r->in.len - r->at) {
		reader_fail(r, ERR_TRUNCATED);
		return slice_of("", 0);
	}
	struct slice bytes = slice_sub(r->in, r->at, count);
	r->at += count;
	return bytes;
}

static uint64_t
little_endian(struct reader *r, size_t bytes)
{
	struct slice s = reader_bytes(r, bytes);
	uint64_t value = 0;
	for (size_t i = s.len; i > 0; i--)
		value = value << 8 | s.data[i - 1];
	return value;
}

uint8_t
reader_u8(struct reader *r)
{
	return (uint8_t)little_endian(r, 1);
}

uint16_t
reader_u16(struct reader *r)
{
	return (uint16_t)little_endian(r, 2);
}

uint32_t
reader_u32(struct reader *r)
{
	return (uint32_t)little_endian(r, 4);
}

uint64_t
reader_u64(struct reader *r)
{
	return little_endian(r, 8);
}

uint16_t
reader_u16_be(struct reader *r)
{
	return __builtin_bswap16(reader_u16(r));
}
