/* write_internal.h - what the parts of the minidump writer share */
#pragma once

#include "base/arena.h"
#include "base/limits.h"
#include "dump/write.h"

enum {
	WRITE_CHUNK_BYTES = 64 * 1024, /* of memory that is read at once */
	WRITE_PAGE_BYTES = 4096,
	WRITE_HEAD_ALIGNMENT = 16
};

/* Memory that could be written: sorted, without overlaps. */
struct write_piece {
	uint64_t base;
	uint64_t bytes;
	const uint8_t *data; /* NULL: by the callback */
};

/* Memory that is written. */
struct write_chosen {
	uint64_t base;
	uint64_t bytes;
	uint64_t offset; /* from the first of them */
};

struct writer {
	const struct write_request *request;
	const struct dump *dump;
	struct arena arena;
	int crashing; /* index of the thread; -1: none */
	struct write_piece *pieces;
	size_t n_pieces;
	/* Sorted, apart from each other, each wholly in pieces. */
	struct write_chosen *chosen;
	size_t n_chosen;
	size_t chosen_room;
	uint64_t memory_bytes;
	uint64_t memory_offset; /* in the file, of the first that is chosen */
	bool *is_module_written;
	struct slice micro_stack; /* filtered */
	struct buf head;          /* all but memory */
	size_t stream_offset;     /* in the head, of the stream that is being put */
	size_t stream_bytes;
	uint64_t unread_bytes;
};

uint64_t write_word(const uint8_t *bytes, unsigned n);
void write_poke(uint8_t *at, unsigned bytes, uint64_t value);

/* write_memory.c */
err_t write_memory_collect(struct writer *w) ERR_CHECK; /* fills `pieces` */
err_t write_memory_choose(struct writer *w) ERR_CHECK;  /* and `micro_stack` */
/* Fills OUT; what cannot be read is zero, and counted. */
void write_memory_copy(struct writer *w, uint64_t address, uint8_t *out, size_t len);
/* The part of the stack of thread INDEX that is written; bytes 0: none. */
struct write_range write_memory_stack(const struct writer *w, size_t index);
/* Where ADDRESS lies in the file; 0: it is not written. */
uint64_t write_memory_offset(const struct writer *w, uint64_t address);

/* write_streams.c: the head, from header to the last stream, at the sizes that it then has. */
err_t write_head_build(struct writer *w) ERR_CHECK;
