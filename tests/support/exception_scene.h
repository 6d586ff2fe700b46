/* exception_scene.h - a process in which a test raises exceptions, as signals or as Windows does
 *
 * Include after cmocka.h.
 */
#pragma once

#include "dump/exception.h"
#include "minidump_fixture.h"

enum {
	SCENE_TEXT_BYTES = 8192,
	SCENE_ARENA_BYTES = 1 << 20
};

/* A process with one module, one stack and a few regions; a test changes the exception. */
struct scene {
	struct dump dump;
	struct dump_thread threads[2];
	struct dump_module module;
	struct dump_unloaded unloaded;
	struct dump_region regions[4];
	struct arena arena;
	struct buf name;
	struct buf text;
};

static inline void
scene_init(struct scene *s, enum arch arch, enum dump_os os)
{
	*s = (struct scene){
		.threads = {{.id = 7, .stack_base = 0x100000, .stack_bytes = 0x10000},
			    {.id = 8, .stack_base = 0x300000, .stack_bytes = 0x10000}},
		.module = {.name = SLICE_LITERAL("C:\\app\\app.exe"),
			   .base = 0x400000,
			   .bytes = 0x10000},
		.unloaded = {.name = SLICE_LITERAL("gone.dll"), .base = 0x600000, .bytes = 0x1000},
		.regions = {{.base = 0x700000, .bytes = 0x1000, .state = 0x1000, .protection = 2},
			    {.base = 0x701000, .bytes = 0x1000, .state = 0x2000},
			    {.base = 0x702000, .bytes = 0x1000, .state = 0x10000},
			    {.base = 0x703000,
			     .bytes = 0x1000,
			     .state = 0x1000,
			     .protection = 0x40,
			     .type = 0x1000000}},
	};
	s->dump = (struct dump){.arch = arch, .os = os, .process_id = 1234};
	s->dump.threads.items = s->threads;
	s->dump.threads.n = 2;
	s->dump.modules.items = &s->module;
	s->dump.modules.n = 1;
	s->dump.unloaded.items = &s->unloaded;
	s->dump.unloaded.n = 1;
	s->dump.regions.items = s->regions;
	s->dump.regions.n = 4;
	s->dump.exception =
		(struct dump_exception){.is_there = true, .thread_id = 7, .address = 0x401234};
	arena_init(&s->arena, SCENE_ARENA_BYTES);
	buf_init(&s->name, SCENE_TEXT_BYTES);
	buf_init(&s->text, SCENE_TEXT_BYTES);
	assert_int_equal(dump_index(&s->dump, &s->arena), OK);
}

static inline void
scene_done(struct scene *s)
{
	arena_done(&s->arena);
	buf_done(&s->name);
	buf_done(&s->text);
}

static inline void
describe(struct scene *s)
{
	buf_reset(&s->name);
	buf_reset(&s->text);
	exception_describe(&s->dump, &s->name, &s->text);
}

static inline void
raise_windows(struct scene *s, uint32_t code, uint32_t n, const uint64_t *parameters)
{
	s->dump.exception.code = code;
	s->dump.exception.n_parameters = n;
	for (uint32_t i = 0; i < n; i++)
		s->dump.exception.parameters[i] = parameters[i];
	describe(s);
}

static inline void
raise_signal(struct scene *s, uint32_t signal, int32_t si_code, uint64_t address)
{
	s->dump.exception.code = signal;
	s->dump.exception.flags = (uint32_t)si_code;
	s->dump.exception.address = address;
	describe(s);
}

static inline void
assert_described(const struct scene *s, const char *name, const char *text)
{
	assert_slice(buf_slice(&s->name), name);
	assert_slice(buf_slice(&s->text), text);
}
