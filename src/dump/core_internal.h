/* core_internal.h - what the parts of the core reader share */
#pragma once

#include "base/limits.h"
#include "base/reader.h"
#include "dump/core.h"

enum {
	CORE_STREAMS_MAX = 64,
	CORE_ANNOTATIONS_MAX = 16,
	/* as types of dump->streams, beside those of notes */
	CORE_PART_LOAD = 0x10001,
	CORE_PART_NOTES = 0x10004,  /* only where one is broken */
	CORE_PART_FOREIGN = 0x20000 /* added to types of notes that are not the kernel's */
};

/* A line of NT_FILE. */
struct core_file {
	uint64_t start;
	uint64_t end;
	uint64_t offset; /* in the file, bytes */
	struct slice name;
};

struct core_parser {
	struct slice file;
	struct arena *arena;
	struct dump *dump;
	unsigned word_bytes; /* 4 or 8: the class */
	size_t n_threads_max;
	struct core_file *files;
	size_t n_files;
	uint64_t entry; /* AT_ENTRY, AT_PHDR, AT_SYSINFO_EHDR, AT_EXECFN; 0: not known */
	uint64_t headers;
	uint64_t vdso;
	uint64_t exec_name;
	bool has_siginfo; /* of the first thread */
};

/* Lists a kind, or adds to its entry. */
void core_add_stream(struct core_parser *c, const struct dump_stream *stream);
/* ERR_LIMIT: the arena's cap. */
err_t core_annotate(struct core_parser *c, const char *name, uint64_t value) ERR_CHECK;
uint64_t core_word(const struct core_parser *c, struct reader *r);

/* core_notes.c: how many threads NOTES have, and then all that they say. */
err_t core_notes_count(struct core_parser *c, struct slice notes) ERR_CHECK;
err_t core_notes_read(struct core_parser *c, struct slice notes) ERR_CHECK;
/* core_modules.c: after dump_index; then it must be called again. */
err_t core_modules_read(struct core_parser *c) ERR_CHECK;
