/* Any file: refused with a reason, or a dump that is sorted, can be asked everything, and prints
 * as one valid JSON document. */
#include <stdlib.h>

#include "base/limits.h"
#include "dump/context.h"
#include "dump/dump_json.h"
#include "dump/exception.h"
#include "dump/minidump.h"

enum {
	JSON_BYTES_MOST = 512 * 1024 * 1024
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
need(bool is_true)
{
	if (!is_true)
		abort();
}

static void
check_memory(const struct dump *dump)
{
	struct memory memory = dump_memory_of(dump);
	for (size_t i = 0; i < dump->memory.n; i++) {
		const struct dump_memory *piece = &dump->memory.items[i];
		uint8_t byte;
		need(piece->bytes.len > 0);
		need(i == 0 || piece[-1].base + (piece[-1].bytes.len - 1) < piece->base);
		need(memory_bytes(&memory, piece->base, &byte, 1) && byte == piece->bytes.data[0]);
	}
}

static void
check_modules(const struct dump *dump)
{
	for (size_t i = 0; i < dump->n_modules_by_base; i++) {
		uint32_t index = dump->modules_by_base[i];
		const struct dump_module *module = &dump->modules.items[index];
		need(index < dump->modules.n);
		need(dump_find_module(dump, module->base) == (int)index);
		need(module->debug_id.len == 0 || module->debug_id.len >= 9);
	}
}

static void
check_threads(const struct dump *dump)
{
	for (size_t i = 0; i < dump->threads.n; i++) {
		const struct dump_thread *thread = &dump->threads.items[i];
		uint64_t pointer;
		enum context_kind kind = context_kind(dump->arch, thread->context);
		need(!thread->has_registers || thread->registers.arch != ARCH_UNKNOWN);
		(void)context_shadow_stack(kind, thread->context, &pointer);
		(void)dump_find_region(dump, thread->stack_base);
	}
	need(dump_crashing_thread(dump) < (int)dump->threads.n);
}

static void
check_json(const struct dump *dump)
{
	struct json *object = json_new_object();
	struct json *again;
	struct err_detail detail;
	struct buf out;
	buf_init(&out, JSON_BYTES_MOST);
	dump_put_json(dump, object);
	json_format_line(object, true, &out);
	need(buf_error(&out) == OK);
	need(json_parse(buf_slice(&out), &again, &detail) == OK);
	json_free(again);
	json_free(object);
	buf_done(&out);
}

static void
check_exception(const struct dump *dump)
{
	struct buf name;
	struct buf text;
	uint64_t address;
	buf_init(&name, 1 << 20);
	buf_init(&text, 1 << 20);
	exception_describe(dump, &name, &text);
	if (exception_fault_address(dump, &address))
		address_describe(dump, address, &text);
	need((name.len > 0) == dump->exception.is_there && text.len > 0);
	buf_done(&name);
	buf_done(&text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena;
	struct dump dump;
	struct err_detail detail = {.why = ""};
	arena_init(&arena, LIMIT_MINIDUMP_ARENA_BYTES);
	if (minidump_parse(slice_of(data, size), &arena, &dump, &detail) == OK) {
		check_memory(&dump);
		check_modules(&dump);
		check_threads(&dump);
		check_exception(&dump);
		/* It is nine tenths of the time, and has little of its own to find. */
		if (size % 4 == 0)
			check_json(&dump);
	} else {
		need(detail.why[0] != 0);
	}
	arena_done(&arena);
	return 0;
}
