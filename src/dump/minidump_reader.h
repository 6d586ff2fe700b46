/* minidump_reader.h - what the readers of a minidump's streams share; for minidump*.c alone
 *
 * One struct minidump a file.  A reader of a stream fills m->dump; what it returns, or else what
 * stuck in m->odd meanwhile, becomes the stream's error.  What was read until then stays.
 */
#pragma once

#include "base/buf.h"
#include "base/limits.h"
#include "dump/dump.h"
#include "dump/minidump_record.h"

struct minidump {
	struct slice file;
	struct arena *arena;
	struct dump *dump;
	struct minidump_header header;
	struct slice writer_build; /* "crashpad.amd64,0.8.0,win"; absent: not known */
	/* Of the stream that is being read. */
	size_t said_bytes; /* what the directory says; the slice is cut to the file */
	err_t odd;         /* the first thing that was wrong; OK: nothing yet */
	/* While lists grow. */
	size_t memory_capacity;
	size_t annotations_capacity;
	size_t facts_capacity;
	size_t oddities_capacity;
	struct buf scratch;
	size_t text_left; /* of LIMIT_MINIDUMP_TEXT_BYTES */
};

/* Remembers ERR for the stream that is being read, if it is the first. */
void minidump_fault(struct minidump *m, err_t err);

/* ---- bytes ---- */

/* All bytes at LOCATION; absent (and a fault) when they leave the file. */
struct slice minidump_bytes(struct minidump *m, struct minidump_location location);
/* The bytes from RVA on, at most LEN of them; absent past the end. */
struct slice minidump_from(const struct minidump *m, uint64_t rva, size_t len);

/* ---- lists ---- */

struct minidump_table {
	struct slice bytes;
	size_t each; /* bytes of a record */
	size_t n;
};

/* A stream that is a count of 4 bytes and records of EACH, between them perhaps 4 bytes of
 * padding (some writers align what follows to 8): the size in the directory tells.
 * ERR_CORRUPT: the count contradicts that size.  A fault: the file ends before the list does
 * (the records that are there are given), or there are more than MOST. */
err_t minidump_list(struct minidump *m, struct slice stream, size_t each, size_t most,
		    struct minidump_table *ret_table) ERR_CHECK;

/* A stream that begins with the sizes of its header and of a record, and a count of 4 or 8
 * bytes.  Records may be longer than LEAST: newer writers append.  Errors as above. */
struct minidump_shape {
	size_t least_header;
	size_t least;
	size_t most;
	bool is_count_64;
};
err_t minidump_sized_list(struct minidump *m, struct slice stream, struct minidump_shape shape,
			  struct minidump_table *ret_table) ERR_CHECK;
struct reader minidump_entry(const struct minidump_table *table, size_t index);

/* ITEMS (N of them in use) with room for MORE; NULL at the arena's cap. */
void *minidump_grow(struct minidump *m, void *items, size_t n, size_t *capacity, size_t more,
		    size_t each_bytes);

/* ---- text: UTF-8 in the arena or the file; absent when there is none ---- */

struct slice minidump_string(struct minidump *m, uint64_t rva); /* MINIDUMP_STRING; 0 is none */
/* To the first NUL.  A fault: it is longer than MOST bytes, and cut there. */
struct slice minidump_utf16(struct minidump *m, struct slice raw, size_t most);
struct slice minidump_utf8(struct minidump *m, struct slice raw, size_t most);
/* The first MOST bytes; a fault: there are more. */
struct slice minidump_cut(struct minidump *m, struct slice raw, size_t most);
/* What is in m->scratch, kept. */
struct slice minidump_keep(struct minidump *m);
struct slice
minidump_printf(struct minidump *m, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* ---- what has no place of its own ---- */

void minidump_annotate(struct minidump *m, struct slice name, struct slice value);
void minidump_fact(struct minidump *m, const char *name, struct slice value);
void minidump_fact_number(struct minidump *m, const char *name, uint64_t number);
void minidump_fact_hex(struct minidump *m, const char *name, uint64_t number);
/* One line for people on content that is strange. */
void
minidump_oddity(struct minidump *m, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* ---- memory ---- */

void minidump_add_memory(struct minidump *m, uint64_t base, struct slice bytes);
err_t minidump_reserve_memory(struct minidump *m, size_t more) ERR_CHECK;

/* "medium", by the last part of an integrity level's SID. */
const char *minidump_integrity_name(uint32_t rid);

/* ---- readers of streams ---- */

typedef err_t (*minidump_read_t)(struct minidump *m, struct slice stream);

err_t minidump_read_system_info(struct minidump *m, struct slice stream);
err_t minidump_read_misc_info(struct minidump *m, struct slice stream);
err_t minidump_read_system_memory(struct minidump *m, struct slice stream);
err_t minidump_read_vm_counters(struct minidump *m, struct slice stream);

err_t minidump_read_threads(struct minidump *m, struct slice stream);
err_t minidump_read_threads_ex(struct minidump *m, struct slice stream);
err_t minidump_read_thread_infos(struct minidump *m, struct slice stream);
err_t minidump_read_thread_names(struct minidump *m, struct slice stream);
err_t minidump_read_exception_stream(struct minidump *m, struct slice stream);

err_t minidump_read_modules(struct minidump *m, struct slice stream);
err_t minidump_read_unloaded_modules(struct minidump *m, struct slice stream);

err_t minidump_read_memory(struct minidump *m, struct slice stream);
err_t minidump_read_memory64(struct minidump *m, struct slice stream);
err_t minidump_read_memory_info(struct minidump *m, struct slice stream);
err_t minidump_read_linux_maps(struct minidump *m, struct slice stream);

err_t minidump_read_handles(struct minidump *m, struct slice stream);
err_t minidump_read_handle_operations(struct minidump *m, struct slice stream);
err_t minidump_read_token(struct minidump *m, struct slice stream);

err_t minidump_read_comment_a(struct minidump *m, struct slice stream);
err_t minidump_read_comment_w(struct minidump *m, struct slice stream);
err_t minidump_read_function_table(struct minidump *m, struct slice stream);

err_t minidump_read_breakpad_info(struct minidump *m, struct slice stream);
err_t minidump_read_assertion(struct minidump *m, struct slice stream);
err_t minidump_read_linux_cpuinfo(struct minidump *m, struct slice stream);
err_t minidump_read_linux_status(struct minidump *m, struct slice stream);
err_t minidump_read_linux_lsb_release(struct minidump *m, struct slice stream);
err_t minidump_read_linux_cmdline(struct minidump *m, struct slice stream);
err_t minidump_read_linux_environ(struct minidump *m, struct slice stream);
err_t minidump_read_linux_auxv(struct minidump *m, struct slice stream);
err_t minidump_read_linux_dso(struct minidump *m, struct slice stream);
err_t minidump_read_crashpad(struct minidump *m, struct slice stream);

/* When all streams are read and indexed: what the dumped memory itself says of a Windows
 * process (PEB, TEBs), and stacks that only full memory has. */
void minidump_read_process(struct minidump *m);
