/* little.h - numbers as little-endian bytes, for the formats that werload writes */
#pragma once

#include "base/buf.h"

static inline void
little_u16(struct buf *out, uint16_t value)
{
	uint8_t bytes[2] = {(uint8_t)value, (uint8_t)(value >> 8)};
	buf_append(out, slice_of(bytes, sizeof(bytes)));
}

static inline void
little_u32(struct buf *out, uint32_t value)
{
	little_u16(out, (uint16_t)value);
	little_u16(out, (uint16_t)(value >> 16));
}

static inline void
little_u64(struct buf *out, uint64_t value)
{
	little_u32(out, (uint32_t)value);
	little_u32(out, (uint32_t)(value >> 32));
}
