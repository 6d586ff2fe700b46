/* fake_memory.h - a piece of a dead process's memory, for tests of unwinding */
#pragma once

#include "symbols/memory.h"

struct fake_memory {
	uint64_t base;
	struct slice bytes;
};

static inline struct slice
fake_memory_find(const void *context, uint64_t address, size_t len)
{
	const struct fake_memory *fake = context;
	if (address < fake->base || address - fake->base >= fake->bytes.len)
		return (struct slice){0};
	return slice_sub(fake->bytes, (size_t)(address - fake->base), len);
}

static inline struct memory
fake_memory(const struct fake_memory *fake)
{
	return (struct memory){.find = fake_memory_find, .context = fake};
}
