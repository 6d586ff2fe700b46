/* write.h - write a minidump of a program that crashed
 *
 * What is to be said is a struct dump, as the readers leave it (after dump_index): a core can be
 * written as it was read, and what was written reads back equal.  Of it are used: os, os_version
 *("5.10.0": its numbers), os_text, arch, processors, time, process (id, start, times), exception,
 *threads, modules, unloaded modules, memory, regions and comment.  Memory that is not at hand is
 *named by ranges and read while it is written, so that a heap dump of any size takes some 100 KiB.
 *
 *	micro	the crashing thread; the top of its stack, of which only small numbers and
 *		addresses of code and stack are kept (the rest reads as 0); the modules that
 *		these point into, by name without folder; none of the texts about the machine
 *	mini	all threads and the part of their stacks in use, 4 KiB around where registers of
 *		the crashing thread point, 256 bytes around the pc of the others; all modules
 *	heap	all memory, as Memory64List
 *
 * Contexts are those of Windows (arm: Breakpad's).  ELF modules have the record of Breakpad that
 * holds the whole build id, others "RSDS".  Pure but for the callbacks.
 * One description gives the same bytes each time.
 */
#pragma once

#include "base/buf.h"
#include "dump/dump.h"

enum write_kind {
	WRITE_MICRO,
	WRITE_MINI,
	WRITE_HEAP,
	WRITE_KIND_N
};

/* Streams of Breakpad for Linux: the text of a file of /proc, as it is. */
enum write_stream_type {
	WRITE_LINUX_CPU_INFO = 0x47670003,
	WRITE_LINUX_PROC_STATUS = 0x47670004,
	WRITE_LINUX_LSB_RELEASE = 0x47670005,
	WRITE_LINUX_CMD_LINE = 0x47670006,
	WRITE_LINUX_ENVIRON = 0x47670007,
	WRITE_LINUX_AUXV = 0x47670008,
	WRITE_LINUX_MAPS = 0x47670009,
	WRITE_LINUX_DSO_DEBUG = 0x4767000a
};

struct write_stream {
	uint32_t type;
	struct slice bytes;
};

struct write_range {
	uint64_t base;
	uint64_t bytes;
};

struct write_request {
	enum write_kind kind;
	const struct dump *dump;
	/* Memory beside dump->memory, which wins where both have it.  READ fills all of OUT, or
	 * fails: then it is asked for single pages, and those it does not give are zero. */
	const struct write_range *ranges;
	size_t n_ranges;
	err_t (*read)(void *context, uint64_t address, uint8_t *out, size_t len);
	void *read_context;
	/* Written as they are (micro: CPU_INFO and LSB_RELEASE only). */
	const struct write_stream *streams;
	size_t n_streams;
	/* Takes the file from its start to its end, in pieces. */
	err_t (*put)(void *context, struct slice bytes);
	void *put_context;
};

struct write_result {
	uint64_t bytes;        /* of the file */
	uint64_t memory_bytes; /* of them: memory */
	uint64_t unread_bytes; /* of them: zero, because READ failed */
};

/* RET_RESULT may be NULL.
 * ERR_UNSUPPORTED	the processor is unknown
 * ERR_NOTFOUND		micro: there is no crashing thread
 * ERR_LIMIT		too many threads, modules or pieces, or a mini over 4 GiB
 * and what PUT returns. */
err_t write_minidump(const struct write_request *request, struct write_result *ret_result,
		     struct err_detail *detail) ERR_CHECK;

/* A `put` whose context is a struct buf. */
err_t write_put_into_buf(void *buf, struct slice bytes) ERR_CHECK;
