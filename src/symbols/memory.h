/* memory.h - what a walk may read of a dead process: its memory, as far as a dump has it
 *
 * An address that the dump does not have is refused, never guessed.  Numbers are little-endian.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

struct memory {
	/* The bytes at ADDRESS: as many as lie together from there, at most LEN; absent: none. */
	struct slice (*find)(const void *context, uint64_t address, size_t len);
	const void *context;
};

bool memory_bytes(const struct memory *memory, uint64_t address, void *out, size_t len);
bool memory_u16(const struct memory *memory, uint64_t address, uint16_t *ret_value);
bool memory_u32(const struct memory *memory, uint64_t address, uint32_t *ret_value);
bool memory_u64(const struct memory *memory, uint64_t address, uint64_t *ret_value);
/* POINTER_BYTES: 4 or 8. */
bool memory_pointer(const struct memory *memory, unsigned pointer_bytes, uint64_t address,
		    uint64_t *ret_value);
