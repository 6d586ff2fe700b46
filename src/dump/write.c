#include "dump/write.h"

#include "dump/write_internal.h"

enum {
	ARENA_BYTES = 64 * 1024 * 1024 /* lists of LIMIT_WRITE_LIST */
};

uint64_t
write_word(const uint8_t *bytes, unsigned n)
{
	uint64_t value = 0;
	for (unsigned i = n; i > 0; i--)
		value = value << 8 | bytes[i - 1];
	return value;
}

void
write_poke(uint8_t *at, unsigned bytes, uint64_t value)
{
	for (unsigned i = 0; i < bytes; i++)
		at[i] = (uint8_t)(value >> (8 * i));
}

err_t
write_put_into_buf(void *buf, struct slice bytes)
{
	buf_append(buf, bytes);
	return buf_error(buf);
}

static err_t
check_request(const struct writer *w, struct err_detail *detail)
{
	const struct dump *dump = w->dump;
	if (dump->arch == ARCH_UNKNOWN)
		return err_set(detail, ERR_UNSUPPORTED, "a dump of an unknown processor");
	if (w->request->kind == WRITE_MICRO && w->crashing < 0)
		return err_set(detail, ERR_NOTFOUND, "no thread crashed");
	if (dump->threads.n > LIMIT_WRITE_LIST || dump->modules.n > LIMIT_WRITE_LIST ||
	    dump->unloaded.n > LIMIT_WRITE_LIST || dump->regions.n > LIMIT_WRITE_LIST ||
	    dump->memory.n > LIMIT_WRITE_LIST || w->request->n_ranges > LIMIT_WRITE_LIST)
		return err_set(detail, ERR_LIMIT, "over %d threads, modules or pieces of memory",
			       LIMIT_WRITE_LIST);
	return OK;
}

/* ---- which modules ---- */

static void
mark_module(struct writer *w, uint64_t address)
{
	int module = dump_find_module(w->dump, address);
	if (module >= 0)
		w->is_module_written[module] = true;
}

/* Micro: those that the registers and the stack point into. */
static void
mark_used_modules(struct writer *w)
{
	unsigned bytes = arch_pointer_bytes(w->dump->arch);
	const struct registers *registers = &w->dump->threads.items[w->crashing].registers;
	if (w->dump->exception.has_registers)
		registers = &w->dump->exception.registers;
	for (unsigned i = 0; i < registers_count(w->dump->arch); i++) {
		uint64_t value;
		if (registers_get(registers, (int)i, &value))
			mark_module(w, value);
	}
	for (size_t at = 0; at + bytes <= w->micro_stack.len; at += bytes)
		mark_module(w, write_word(w->micro_stack.data + at, bytes));
}

static err_t
choose_modules(struct writer *w)
{
	size_t n = w->dump->modules.n;
	w->is_module_written = arena_array(&w->arena, n, sizeof(bool));
	if (n > 0 && w->is_module_written == NULL)
		return ERR_LIMIT;
	if (w->request->kind == WRITE_MICRO)
		mark_used_modules(w);
	for (size_t i = 0; w->request->kind != WRITE_MICRO && i < n; i++)
		w->is_module_written[i] = true;
	return OK;
}

/* ---- the file ---- */

/* Memory lies behind the head, whose length is known once it was built; offsets in it do not
 * change its length, so it is built again with them. */
static err_t
build_head(struct writer *w)
{
	err_t err = write_head_build(w);
	if (err != OK)
		return err;
	uint64_t len = w->head.len;
	w->memory_offset = (len + WRITE_HEAD_ALIGNMENT - 1) & ~(uint64_t)(WRITE_HEAD_ALIGNMENT - 1);
	if (w->request->kind != WRITE_HEAP &&
	    w->memory_offset + w->memory_bytes > LIMIT_WRITE_OFFSET)
		return ERR_LIMIT;
	err = write_head_build(w);
	buf_append_zero(&w->head, (size_t)(w->memory_offset - len));
	return err == OK ? buf_error(&w->head) : err;
}

static err_t
put_chosen(struct writer *w, const struct write_chosen *chosen, uint8_t *chunk)
{
	err_t err = OK;
	for (uint64_t done = 0; done < chosen->bytes && err == OK;) {
		uint64_t left = chosen->bytes - done;
		size_t len = left < WRITE_CHUNK_BYTES ? (size_t)left : WRITE_CHUNK_BYTES;
		write_memory_copy(w, chosen->base + done, chunk, len);
		err = w->request->put(w->request->put_context, slice_of(chunk, len));
		done += len;
	}
	return err;
}

static err_t
put_memory(struct writer *w)
{
	err_t err = OK;
	if (w->request->kind == WRITE_MICRO)
		return w->micro_stack.len == 0
			       ? OK
			       : w->request->put(w->request->put_context, w->micro_stack);
	uint8_t *chunk = arena_alloc(&w->arena, WRITE_CHUNK_BYTES);
	if (chunk == NULL)
		return ERR_LIMIT;
	for (size_t i = 0; i < w->n_chosen && err == OK; i++)
		err = put_chosen(w, &w->chosen[i], chunk);
	return err;
}

static err_t
write_all(struct writer *w, struct err_detail *detail)
{
	err_t err = check_request(w, detail);
	if (err != OK)
		return err;
	err = write_memory_collect(w);
	if (err == OK)
		err = write_memory_choose(w);
	if (err == OK)
		err = choose_modules(w);
	if (err == OK)
		err = build_head(w);
	if (err != OK)
		return err_set(detail, err, "what is to be written is too large for a minidump");
	err = w->request->put(w->request->put_context, buf_slice(&w->head));
	if (err == OK)
		err = put_memory(w);
	return err == OK ? OK : err_set(detail, err, "the dump could not be written to its end");
}

err_t
write_minidump(const struct write_request *request, struct write_result *ret_result,
	       struct err_detail *detail)
{
	struct writer w = {
		.request = request,
		.dump = request->dump,
		.crashing = dump_crashing_thread(request->dump),
	};
	arena_init(&w.arena, ARENA_BYTES);
	buf_init(&w.head, LIMIT_WRITE_HEAD_BYTES);
	err_t err = write_all(&w, detail);
	if (err == OK && ret_result != NULL)
		*ret_result = (struct write_result){
			.bytes = w.memory_offset + w.memory_bytes,
			.memory_bytes = w.memory_bytes,
			.unread_bytes = w.unread_bytes,
		};
	buf_done(&w.head);
	arena_done(&w.arena);
	return err;
}
