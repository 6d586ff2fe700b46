/* Any file as an ELF core: refused, or lists that hold together and can be written as minidumps. */
#include <stdlib.h>

#include "dump/core.h"
#include "dump/write.h"

enum {
	ARENA_BYTES = 64 * 1024 * 1024
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
need(bool is_true)
{
	if (!is_true)
		abort();
}

static void
check_memory(const struct dump *dump, struct slice file)
{
	uint64_t end = 0;
	for (size_t i = 0; i < dump->memory.n; i++) {
		const struct dump_memory *piece = &dump->memory.items[i];
		need(piece->bytes.len > 0 && piece->base >= end);
		need(piece->bytes.data >= file.data &&
		     piece->bytes.len <= file.len - (size_t)(piece->bytes.data - file.data));
		end = piece->base + (piece->bytes.len - 1);
	}
}

/* Every byte of what is given can be read. */
static size_t
touch(struct slice bytes)
{
	size_t sum = 0;
	for (size_t i = 0; i < bytes.len; i++)
		sum += bytes.data[i];
	return sum;
}

static void
check_lists(const struct dump *dump)
{
	size_t sum = 0;
	for (size_t i = 0; i < dump->threads.n; i++) {
		const struct dump_thread *thread = &dump->threads.items[i];
		sum += touch(thread->context);
		(void)dump_find_module(dump, registers_pc(&thread->registers));
		(void)dump_find_region(dump, registers_sp(&thread->registers));
	}
	for (size_t i = 0; i < dump->modules.n; i++) {
		const struct dump_module *module = &dump->modules.items[i];
		sum += touch(module->name) + touch(module->build_id) + touch(module->debug_id);
	}
	for (size_t i = 0; i < dump->regions.n; i++)
		sum += touch(dump->regions.items[i].name);
	sum += touch(dump->image_path) + touch(dump->command_line);
	need(sum != SIZE_MAX);
	need(!dump->exception.is_there || dump_crashing_thread(dump) >= 0);
}

static err_t
put(void *context, struct slice bytes)
{
	uint64_t *sum = context;
	*sum += bytes.len;
	return OK;
}

/* The file is as long as is said. */
static void
check_written(const struct dump *dump)
{
	for (enum write_kind kind = WRITE_MICRO; kind < WRITE_KIND_N; kind++) {
		uint64_t sum = 0;
		struct write_result result;
		struct write_request request = {
			.kind = kind, .dump = dump, .put = put, .put_context = &sum};
		err_t err = write_minidump(&request, &result, NULL);
		need(err != OK || sum == result.bytes);
		need(err != ERR_NOTFOUND || kind == WRITE_MICRO);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice file = slice_of(data, size);
	struct err_detail detail = {.why = ""};
	struct arena arena;
	struct dump dump;
	arena_init(&arena, ARENA_BYTES);
	err_t err = core_parse(file, &arena, &dump, &detail);
	if (err == OK) {
		check_memory(&dump, file);
		check_lists(&dump);
		check_written(&dump);
	} else {
		need(detail.why[0] != 0);
	}
	arena_done(&arena);
	return 0;
}
