#include "dump/minidump_reader.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/text.h"

void
minidump_fault(struct minidump *m, err_t err)
{
	if (m->odd == OK)
		m->odd = err;
}

/* ---- bytes ---- */

struct slice
minidump_from(const struct minidump *m, uint64_t rva, size_t len)
{
	if (rva > m->file.len)
		return (struct slice){0};
	return slice_sub(m->file, (size_t)rva, len);
}

struct slice
minidump_bytes(struct minidump *m, struct minidump_location location)
{
	struct slice bytes = minidump_from(m, location.rva, location.bytes);
	if (slice_is_absent(bytes) || bytes.len < location.bytes) {
		minidump_fault(m, ERR_TRUNCATED);
		return (struct slice){0};
	}
	return bytes;
}

/* ---- lists ---- */

/* N records of EACH from AT on, as far as the stream and MOST go. */
static void
cut_table(struct minidump *m, struct slice stream, size_t at, size_t each, uint64_t n, size_t most,
	  struct minidump_table *ret_table)
{
	struct slice records = slice_sub(stream, at, SIZE_MAX);
	if (n > records.len / each) {
		minidump_fault(m, ERR_TRUNCATED);
		n = records.len / each;
	}
	if (n > most) {
		minidump_fault(m, ERR_LIMIT);
		n = most;
	}
	*ret_table = (struct minidump_table){records, each, (size_t)n};
}

err_t
minidump_list(struct minidump *m, struct slice stream, size_t each, size_t most,
	      struct minidump_table *ret_table)
{
	enum {
		COUNT = 4,
		PADDED = 8
	};
	struct reader r;
	reader_init(&r, stream);
	uint64_t n = reader_u32(&r);
	uint64_t bytes = n * each;
	if (r.error != OK)
		return r.error;
	if (bytes + COUNT > m->said_bytes)
		return ERR_CORRUPT;
	size_t at = bytes + PADDED == m->said_bytes && n > 0 ? PADDED : COUNT;
	cut_table(m, stream, at, each, n, most, ret_table);
	return OK;
}

err_t
minidump_sized_list(struct minidump *m, struct slice stream, struct minidump_shape shape,
		    struct minidump_table *ret_table)
{
	struct reader r;
	reader_init(&r, stream);
	uint32_t header = reader_u32(&r);
	uint32_t each = reader_u32(&r);
	uint64_t n = shape.is_count_64 ? reader_u64(&r) : reader_u32(&r);
	if (r.error != OK)
		return r.error;
	if (header < shape.least_header || header > m->said_bytes || each < shape.least)
		return ERR_CORRUPT;
	if (n > (m->said_bytes - header) / each)
		return ERR_CORRUPT;
	cut_table(m, stream, header, each, n, shape.most, ret_table);
	return OK;
}

struct reader
minidump_entry(const struct minidump_table *table, size_t index)
{
	struct reader r;
	reader_init(&r, slice_sub(table->bytes, index * table->each, table->each));
	return r;
}

void *
minidump_grow(struct minidump *m, void *items, size_t n, size_t *capacity, size_t more,
	      size_t each_bytes)
{
	if (*capacity - n >= more)
		return items;
	size_t wanted = n + more > 2 * *capacity ? n + more : 2 * *capacity;
	void *grown = arena_array(m->arena, wanted, each_bytes);
	if (grown == NULL)
		return NULL;
	if (n > 0)
		memcpy(grown, items, n * each_bytes);
	*capacity = wanted;
	return grown;
}

/* ---- text ----
 *
 * All text that is looked at counts against one budget, whether it is copied or not: many records
 * that point to one long text must not make a small file dear. */

static bool
spend(struct minidump *m, size_t bytes)
{
	if (bytes <= m->text_left) {
		m->text_left -= bytes;
		return true;
	}
	m->text_left = 0;
	minidump_fault(m, ERR_LIMIT);
	return false;
}

struct slice
minidump_cut(struct minidump *m, struct slice raw, size_t most)
{
	if (raw.len > most)
		minidump_fault(m, ERR_LIMIT);
	return slice_sub(raw, 0, most);
}

struct slice
minidump_keep(struct minidump *m)
{
	struct slice text = buf_slice(&m->scratch);
	if (buf_error(&m->scratch) != OK)
		minidump_fault(m, ERR_LIMIT);
	if (buf_error(&m->scratch) != OK || !spend(m, text.len))
		return (struct slice){0};
	struct slice kept = slice_dup(m->arena, text);
	if (slice_is_absent(kept))
		minidump_fault(m, ERR_LIMIT);
	return kept;
}

static struct slice
keep_as_utf8(struct minidump *m, struct slice raw, enum text_encoding encoding)
{
	buf_reset(&m->scratch);
	(void)text_to_utf8(raw, encoding, &m->scratch);
	return minidump_keep(m);
}

struct slice
minidump_utf16(struct minidump *m, struct slice raw, size_t most)
{
	size_t len = 0;
	if (slice_is_absent(raw) || m->text_left == 0)
		return (struct slice){0};
	raw = minidump_cut(m, raw, most);
	while (raw.len - len >= 2 && (raw.data[len] | raw.data[len + 1]) != 0)
		len += 2;
	return keep_as_utf8(m, slice_sub(raw, 0, len), TEXT_UTF16LE);
}

struct slice
minidump_utf8(struct minidump *m, struct slice raw, size_t most)
{
	if (slice_is_absent(raw) || m->text_left == 0)
		return (struct slice){0};
	struct slice text = slice_sub(raw, 0, most);
	const uint8_t *end = text.len == 0 ? NULL : memchr(text.data, 0, text.len);
	if (end != NULL)
		text.len = (size_t)(end - text.data);
	else if (raw.len > most)
		minidump_fault(m, ERR_LIMIT);
	if (!text_is_utf8(text))
		return keep_as_utf8(m, text, TEXT_UTF8);
	return spend(m, text.len) ? text : (struct slice){0};
}

struct slice
minidump_string(struct minidump *m, uint64_t rva)
{
	struct reader r;
	if (rva == 0)
		return (struct slice){0};
	reader_init(&r, minidump_from(m, rva, SIZE_MAX));
	uint32_t bytes = reader_u32(&r);
	struct slice text = reader_bytes(&r, bytes);
	if (r.error != OK) {
		minidump_fault(m, r.error);
		return (struct slice){0};
	}
	return minidump_utf16(m, text, LIMIT_MINIDUMP_NAME_BYTES);
}

struct slice
minidump_printf(struct minidump *m, const char *format, ...)
{
	char text[512];
	va_list args;
	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	buf_reset(&m->scratch);
	/* A name that was cut may have lost half a character. */
	(void)text_to_utf8(slice_str(text), TEXT_UTF8, &m->scratch);
	return minidump_keep(m);
}

/* ---- pairs ---- */

static void
put_pair(struct minidump *m, struct dump_pair **items, size_t *n, size_t *capacity,
	 struct dump_pair pair)
{
	if (*n >= LIMIT_MINIDUMP_PAIRS) {
		minidump_fault(m, ERR_LIMIT);
		return;
	}
	struct dump_pair *grown = minidump_grow(m, *items, *n, capacity, 1, sizeof(pair));
	if (grown == NULL) {
		minidump_fault(m, ERR_LIMIT);
		return;
	}
	*items = grown;
	grown[(*n)++] = pair;
}

void
minidump_annotate(struct minidump *m, struct slice name, struct slice value)
{
	put_pair(m, &m->dump->annotations.items, &m->dump->annotations.n, &m->annotations_capacity,
		 (struct dump_pair){name, value});
}

void
minidump_fact(struct minidump *m, const char *name, struct slice value)
{
	if (value.len > 0)
		put_pair(m, &m->dump->facts.items, &m->dump->facts.n, &m->facts_capacity,
			 (struct dump_pair){slice_str(name), value});
}

void
minidump_fact_number(struct minidump *m, const char *name, uint64_t number)
{
	minidump_fact(m, name, minidump_printf(m, "%llu", (unsigned long long)number));
}

void
minidump_fact_hex(struct minidump *m, const char *name, uint64_t number)
{
	minidump_fact(m, name, minidump_printf(m, "0x%llx", (unsigned long long)number));
}

void
minidump_oddity(struct minidump *m, const char *format, ...)
{
	char text[256];
	va_list args;
	struct dump *dump = m->dump;
	if (dump->oddities.n >= LIMIT_MINIDUMP_ODDITIES)
		return;
	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	struct slice *grown = minidump_grow(m, dump->oddities.items, dump->oddities.n,
					    &m->oddities_capacity, 1, sizeof(*grown));
	struct slice line = minidump_printf(m, "%s", text);
	if (grown == NULL || slice_is_absent(line))
		return;
	dump->oddities.items = grown;
	grown[dump->oddities.n++] = line;
}
