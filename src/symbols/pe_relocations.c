/* Base relocations: what the loader adds to an image that does not lie where it was linked for.
 *
 * Blocks, one a page: page, bytes, then 16-bit entries of four bits kind and twelve bits offset.
 * [PE Format] "The .reloc Section".
 */
#include "symbols/pe_internal.h"

enum {
	BLOCK_HEADER_BYTES = 8,
	PAGE_BYTES = 4096,
	KIND_HIGH = 1, /* upper 16 bits */
	KIND_LOW = 2,  /* lower 16 bits */
	KIND_32 = 3,   /* HIGHLOW */
	KIND_64 = 10,  /* DIR64 */
	FIELD_BYTES_MOST = 8
};

/* The bytes that are to be made as loaded. */
struct window {
	uint64_t rva;
	uint8_t *bytes;
	size_t len;
	uint64_t delta;
};

static unsigned
field_bytes(unsigned kind)
{
	switch (kind) {
	case KIND_HIGH:
	case KIND_LOW:
		return 2;
	case KIND_32:
		return 4;
	case KIND_64:
		return 8;
	default:
		return 0; /* padding, and forms of processors that only have names here */
	}
}

/* A field may lie across an end of the window, so it is read from the image. */
static void
apply(const struct pe *pe, const struct window *w, uint64_t rva, unsigned kind)
{
	unsigned n = field_bytes(kind);
	struct slice field;
	uint64_t value = 0;
	if (n == 0 || rva + n <= w->rva || rva >= w->rva + w->len || !pe_bytes(pe, rva, n, &field))
		return;
	for (unsigned i = 0; i < n; i++)
		value |= (uint64_t)field.data[i] << (8 * i);
	value += kind == KIND_HIGH ? w->delta >> 16 : w->delta;
	for (unsigned i = 0; i < n; i++)
		if (rva + i >= w->rva && rva + i < w->rva + w->len)
			w->bytes[rva + i - w->rva] = (uint8_t)(value >> (8 * i));
}

static void
apply_block(const struct pe *pe, const struct window *w, uint32_t page, struct slice entries)
{
	struct reader r;
	reader_init(&r, entries);
	while (reader_left(&r) >= 2) {
		uint16_t entry = reader_u16(&r);
		apply(pe, w, (uint64_t)page + (entry & 0xfff), entry >> 12);
	}
}

static void
relocate(const struct pe *pe, const struct window *w)
{
	struct reader r;
	reader_init(&r, pe->relocations);
	while (reader_left(&r) > BLOCK_HEADER_BYTES) {
		uint64_t page = reader_u32(&r);
		uint32_t bytes = reader_u32(&r);
		if (bytes < BLOCK_HEADER_BYTES)
			return;
		struct slice entries = reader_bytes(&r, bytes - BLOCK_HEADER_BYTES);
		if (page < w->rva + w->len && page + PAGE_BYTES + FIELD_BYTES_MOST > w->rva)
			apply_block(pe, w, (uint32_t)page, entries);
	}
}

/* An image in memory is loaded already. */
size_t
pe_read_loaded(const struct pe *pe, uint64_t module_base, uint64_t rva, uint8_t *out, size_t len)
{
	struct slice bytes = pe_read(pe, rva, len);
	struct window w = {
		.rva = rva,
		.bytes = out,
		.len = bytes.len,
		.delta = module_base - pe->identity.preferred_base,
	};
	if (bytes.len == 0)
		return 0;
	memcpy(out, bytes.data, bytes.len);
	if (w.delta != 0 && !pe->is_mapped)
		relocate(pe, &w);
	return bytes.len;
}
