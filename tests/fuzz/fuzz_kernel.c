/* Any file as a kernel dump: refused, or lists that hold together. */
#include <stdlib.h>

#include "dump/bugcheck.h"
#include "dump/kernel.h"

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

/* Every byte that is given can be read, and lies in the file. */
static void
check_memory(const struct dump *dump, struct slice file)
{
	size_t sum = 0;
	uint64_t end = 0;
	for (size_t i = 0; i < dump->memory.n; i++) {
		const struct dump_memory *piece = &dump->memory.items[i];
		need(piece->bytes.len > 0 && piece->base >= end);
		need(piece->bytes.data >= file.data &&
		     piece->bytes.len <= file.len - (size_t)(piece->bytes.data - file.data));
		end = piece->base + (piece->bytes.len - 1);
		sum += piece->bytes.data[piece->bytes.len - 1];
	}
	need(sum != SIZE_MAX);
}

static void
check_threads(const struct dump *dump)
{
	struct memory memory = dump_memory_of(dump);
	need(dump->threads.n > 0);
	for (size_t i = 0; i < dump->threads.n; i++) {
		uint64_t value;
		const struct dump_thread *thread = &dump->threads.items[i];
		(void)memory_u64(&memory, registers_sp(&thread->registers), &value);
		(void)dump_find_module(dump, registers_pc(&thread->registers));
		(void)dump_find_unloaded(dump, registers_pc(&thread->registers));
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice file = slice_of(data, size);
	struct err_detail detail = {.why = ""};
	struct arena arena;
	struct dump dump;
	struct buf text;
	arena_init(&arena, ARENA_BYTES);
	err_t err = kernel_parse(file, &arena, &dump, &detail);
	if (err != OK) {
		need(detail.why[0] != 0 && detail.offset <= size);
		arena_done(&arena);
		return 0;
	}
	check_memory(&dump, file);
	check_threads(&dump);
	buf_init(&text, 1 << 16);
	bugcheck_describe(dump.bugcheck.code, &text);
	for (unsigned i = 0; i < 4; i++)
		bugcheck_describe_parameter(&dump.bugcheck, i, &text);
	need(buf_error(&text) == OK);
	buf_done(&text);
	arena_done(&arena);
	return 0;
}
