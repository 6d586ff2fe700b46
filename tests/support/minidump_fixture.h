/* minidump_fixture.h - parse what a test built, out of a copy of exactly its length
 *
 * Include after cmocka.h.  A read past the file's end is then seen by the sanitizer.
 */
#pragma once

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "dump/minidump.h"
#include "minidump_builder.h"

struct parsed {
	uint8_t *copy;
	struct arena arena;
	struct dump dump;
	struct err_detail detail;
};

static inline err_t
parsed_try(struct parsed *p, struct slice file)
{
	*p = (struct parsed){.copy = malloc(file.len == 0 ? 1 : file.len)};
	assert_non_null(p->copy);
	if (file.len > 0)
		memcpy(p->copy, file.data, file.len);
	arena_init(&p->arena, LIMIT_MINIDUMP_ARENA_BYTES);
	return minidump_parse(slice_of(p->copy, file.len), &p->arena, &p->dump, &p->detail);
}

static inline void
parsed_done(struct parsed *p)
{
	arena_done(&p->arena);
	free(p->copy);
}

/* Parses what B has gathered; fails the test when it is refused. */
static inline void
parsed_build(struct parsed *p, struct minidump_builder *b)
{
	if (parsed_try(p, minidump_builder_finish(b)) != OK)
		fail_msg("refused: %s", p->detail.why);
}

static inline const struct dump_stream *
parsed_stream(const struct parsed *p, uint32_t type)
{
	for (size_t i = 0; i < p->dump.streams.n; i++)
		if (p->dump.streams.items[i].type == type)
			return &p->dump.streams.items[i];
	fail_msg("no stream 0x%x", type);
	return NULL;
}

static inline void
assert_stream(const struct parsed *p, uint32_t type, err_t err)
{
	const struct dump_stream *stream = parsed_stream(p, type);
	if (stream->err != err)
		fail_msg("stream 0x%x: %s, not %s", type, err_name(stream->err), err_name(err));
}

static inline void
assert_slice(struct slice got, const char *wanted)
{
	if (!slice_equal_str(got, wanted))
		fail_msg("\"%.*s\", not \"%s\"", SLICE_ARGS(got), wanted);
}

static inline struct slice
parsed_fact(const struct parsed *p, const char *name)
{
	for (size_t i = 0; i < p->dump.facts.n; i++)
		if (slice_equal_str(p->dump.facts.items[i].name, name))
			return p->dump.facts.items[i].value;
	return (struct slice){0};
}

static inline bool
parsed_is_odd(const struct parsed *p, const char *part)
{
	for (size_t i = 0; i < p->dump.oddities.n; i++) {
		struct slice line = p->dump.oddities.items[i];
		if (memmem(line.data, line.len, part, strlen(part)) != NULL)
			return true;
	}
	return false;
}

/* A stream that a test writes by itself. */
static inline struct buf
new_stream(void)
{
	struct buf out;
	buf_init(&out, (size_t)64 << 20);
	return out;
}

static inline void
add_stream(struct minidump_builder *b, uint32_t type, struct buf *stream)
{
	minidump_builder_stream(b, type, buf_slice(stream));
	buf_done(stream);
}

/* A crash with one of each: two threads, two modules, memory, exception. */
static inline struct minidump_builder *
build_crash(enum arch arch, enum dump_os os)
{
	static const uint8_t stack[256] = {0x11, 0x22};
	static const uint8_t code[64] = {0x90};
	struct minidump_builder *b = minidump_builder_new(arch, os);
	struct registers registers = {.arch = arch};
	registers_set(&registers, registers_pc_index(arch), 0x401234);
	registers_set(&registers, registers_sp_index(arch), 0x7f0010);
	struct built_thread thread = {.id = 11,
				      .teb = 0x7ffd0000,
				      .stack_base = 0x7f0000,
				      .stack = slice_of(stack, sizeof(stack)),
				      .registers = &registers,
				      .name = "worker"};
	struct built_module module = {
		.base = 0x400000,
		.bytes = 0x10000,
		.timestamp = 0x60000000,
		.name = "C:\\app\\app.exe",
		.version = {1, 2, 3, 4},
		.pdb = "C:\\build\\app.pdb",
		.guid = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16},
		.age = 10};
	struct minidump_exception exception = {.thread_id = 11,
					       .code = 0xc0000005,
					       .address = 0x401234,
					       .n_parameters = 2,
					       .parameters = {1, 0x45}};
	minidump_builder_thread(b, &thread);
	thread.id = 12;
	thread.stack_base = 0x7e0000;
	thread.name = NULL;
	minidump_builder_thread(b, &thread);
	minidump_builder_module(b, &module);
	module.base = 0x10000000;
	module.name = "C:\\windows\\ntdll.dll";
	module.pdb = "ntdll.pdb";
	minidump_builder_module(b, &module);
	minidump_builder_memory(b, 0x401200, slice_of(code, sizeof(code)));
	minidump_builder_exception(b, &exception, &registers);
	return b;
}
