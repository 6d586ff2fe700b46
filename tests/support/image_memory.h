/* image_memory.h - the stack of a dead thread, as a test wrote it */
#pragma once

#include <stdlib.h>

#include "symbols/memory.h"

enum {
	FAKE_MEMORY_BYTES = 64 * 1024
};

#define FAKE_MEMORY_BASE UINT64_C(0x7ffe0000)

struct fake_memory {
	uint64_t base;
	size_t len; /* what is there */
	uint8_t bytes[FAKE_MEMORY_BYTES];
	struct memory memory;
};

static inline struct slice
fake_memory_find(const void *context, uint64_t address, size_t len)
{
	const struct fake_memory *fake = context;
	if (address < fake->base || address - fake->base >= fake->len)
		return (struct slice){0};
	return slice_sub(slice_of(fake->bytes, fake->len), address - fake->base, len);
}

/* All of it is there, and zero. */
static inline void
fake_memory_init(struct fake_memory *fake, uint64_t base)
{
	*fake = (struct fake_memory){.base = base, .len = FAKE_MEMORY_BYTES};
	fake->memory = (struct memory){fake_memory_find, fake};
}

static inline void
fake_memory_put(struct fake_memory *fake, uint64_t address, uint64_t value, unsigned bytes)
{
	if (address < fake->base || address - fake->base + bytes > FAKE_MEMORY_BYTES)
		abort();
	for (unsigned i = 0; i < bytes; i++)
		fake->bytes[address - fake->base + i] = (uint8_t)(value >> (8 * i));
}
