/* breakpad_index.h - where the records of a Breakpad file are; of breakpad.c alone
 *
 * An entry is an address range, or a number, and the offset of its line.  Entries are added in
 * the order of the file and sorted once; of two that begin at one address the one that came first
 * in the file counts.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct breakpad_span {
	uint64_t from;   /* address, or number of a FILE or INLINE_ORIGIN */
	uint32_t bytes;  /* of the range, at most UINT32_MAX; 0 for numbers */
	uint32_t offset; /* of the line in the text */
};

struct breakpad_index {
	struct breakpad_span *spans;
	size_t n;
	size_t capacity;
	uint32_t *parents; /* only when nested: the span round this one, or BREAKPAD_NO_PARENT */
};

enum {
	BREAKPAD_NO_PARENT = -1
};

void
breakpad_index_add(struct breakpad_index *index, uint64_t from, uint64_t bytes, uint32_t offset);
/* Sorts; to be called once, after the last add.  IS_NESTED: ranges may lie inside others, and
 * breakpad_index_innermost will be asked. */
void breakpad_index_finish(struct breakpad_index *index, bool is_nested);
void breakpad_index_done(struct breakpad_index *index);
/* The last span that begins at or before ADDRESS; NULL: none. */
const struct breakpad_span *
breakpad_index_before(const struct breakpad_index *index, uint64_t address);
/* That one, if it holds ADDRESS. */
const struct breakpad_span *
breakpad_index_holding(const struct breakpad_index *index, uint64_t address);
/* The smallest span that holds ADDRESS, looked for in a bounded number of spans round it. */
const struct breakpad_span *
breakpad_index_innermost(const struct breakpad_index *index, uint64_t address);
/* The span that begins at exactly FROM. */
const struct breakpad_span *breakpad_index_at(const struct breakpad_index *index, uint64_t from);
size_t breakpad_index_bytes_used(const struct breakpad_index *index);
