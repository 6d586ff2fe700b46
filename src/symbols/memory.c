#include "symbols/memory.h"

/* A value may lie across two pieces of memory that touch. */
bool
memory_bytes(const struct memory *memory, uint64_t address, void *out, size_t len)
{
	uint8_t *to = out;
	while (len > 0) {
		struct slice piece = memory->find(memory->context, address, len);
		if (piece.len == 0)
			return false;
		memcpy(to, piece.data, piece.len);
		to += piece.len;
		len -= piece.len;
		address += piece.len;
	}
	return true;
}

static bool
number(const struct memory *memory, uint64_t address, unsigned bytes, uint64_t *ret_value)
{
	uint8_t raw[8] = {0};
	uint64_t value = 0;
	if (!memory_bytes(memory, address, raw, bytes))
		return false;
	for (unsigned i = 0; i < bytes; i++)
		value |= (uint64_t)raw[i] << (8 * i);
	*ret_value = value;
	return true;
}

bool
memory_u16(const struct memory *memory, uint64_t address, uint16_t *ret_value)
{
	uint64_t value;
	if (!number(memory, address, 2, &value))
		return false;
	*ret_value = (uint16_t)value;
	return true;
}

bool
memory_u32(const struct memory *memory, uint64_t address, uint32_t *ret_value)
{
	uint64_t value;
	if (!number(memory, address, 4, &value))
		return false;
	*ret_value = (uint32_t)value;
	return true;
}

bool
memory_u64(const struct memory *memory, uint64_t address, uint64_t *ret_value)
{
	return number(memory, address, 8, ret_value);
}

bool
memory_pointer(const struct memory *memory, unsigned pointer_bytes, uint64_t address,
	       uint64_t *ret_value)
{
	return number(memory, address, pointer_bytes == 4 ? 4 : 8, ret_value);
}
