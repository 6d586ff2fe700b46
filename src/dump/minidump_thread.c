/* Threads, what else is told about them, and the exception. */
#include "dump/minidump_reader.h"

#include <inttypes.h>
#include <stdlib.h>

#include "dump/context.h"

/* ---- ThreadList, ThreadExList ---- */

/* The registers of a context record.  False: none; an oddity says why when there was a record.
 */
static bool
take_context(struct minidump *m, struct minidump_location location, const char *whose,
	     uint64_t thread_id, struct slice *ret_raw, struct registers *ret_registers)
{
	if (location.bytes == 0)
		return false;
	struct slice raw = minidump_bytes(m, location);
	if (slice_is_absent(raw)) {
		minidump_oddity(m, "%s %" PRIu64 ": its context lies outside the file", whose,
				thread_id);
		return false;
	}
	enum context_kind kind = context_kind(m->dump->arch, raw);
	*ret_raw = raw;
	if (context_parse(kind, raw, ret_registers) == OK)
		return true;
	minidump_oddity(m, "%s %" PRIu64 ": a context of %u bytes is none of %s", whose, thread_id,
			location.bytes, arch_name(m->dump->arch));
	return false;
}

/* The stack is listed as memory too, by most writers: what comes twice counts once. */
static void
take_stack(struct minidump *m, const struct minidump_descriptor *stack, struct dump_thread *thread)
{
	thread->stack_base = stack->base;
	if (stack->location.bytes == 0 || stack->location.rva == 0)
		return;
	struct slice bytes = minidump_from(m, stack->location.rva, stack->location.bytes);
	if (bytes.len < stack->location.bytes)
		minidump_fault(m, ERR_TRUNCATED);
	if (bytes.len == 0)
		return;
	thread->stack_bytes = bytes.len;
	minidump_add_memory(m, stack->base, bytes);
}

static void
take_thread(struct minidump *m, struct reader *r, struct dump_thread *thread)
{
	struct minidump_thread record = minidump_read_thread(r);
	thread->id = record.id;
	thread->suspend_count = record.suspend_count;
	thread->priority_class = record.priority_class;
	thread->priority = record.priority;
	thread->teb = record.teb;
	take_stack(m, &record.stack, thread);
	thread->has_registers = take_context(m, record.context, "thread", thread->id,
					     &thread->context, &thread->registers);
}

static err_t
read_threads(struct minidump *m, struct slice stream, size_t each)
{
	struct minidump_table table;
	struct dump *dump = m->dump;
	if (dump->threads.items != NULL)
		return ERR_EXISTS;
	err_t err = minidump_list(m, stream, each, LIMIT_MINIDUMP_THREADS, &table);
	if (err != OK)
		return err;
	dump->threads.items = arena_array(m->arena, table.n, sizeof(struct dump_thread));
	if (dump->threads.items == NULL || minidump_reserve_memory(m, table.n) != OK)
		return ERR_LIMIT;
	for (size_t i = 0; i < table.n; i++) {
		struct reader r = minidump_entry(&table, i);
		take_thread(m, &r, &dump->threads.items[dump->threads.n++]);
	}
	return OK;
}

err_t
minidump_read_threads(struct minidump *m, struct slice stream)
{
	return read_threads(m, stream, MINIDUMP_THREAD_BYTES);
}

/* The same with a second stack behind it, which only Itanium had. */
err_t
minidump_read_threads_ex(struct minidump *m, struct slice stream)
{
	return read_threads(m, stream, MINIDUMP_THREAD_EX_BYTES);
}

/* ---- by id ---- */

struct thread_key {
	uint64_t id;
	uint32_t index;
};

static int
compare_key(const void *a, const void *b)
{
	const struct thread_key *x = a;
	const struct thread_key *y = b;
	if (x->id != y->id)
		return x->id < y->id ? -1 : 1;
	return (x->index > y->index) - (x->index < y->index);
}

static int
compare_id(const void *a, const void *b)
{
	const struct thread_key *x = a;
	const struct thread_key *y = b;
	return (x->id > y->id) - (x->id < y->id);
}

/* Threads sorted by id, so that long lists join in n log n.  NULL: none, or the arena's cap. */
static struct thread_key *
sort_threads(struct minidump *m)
{
	size_t n = m->dump->threads.n;
	struct thread_key *keys = n == 0 ? NULL : arena_array(m->arena, n, sizeof(*keys));
	if (keys == NULL) {
		if (n > 0)
			minidump_fault(m, ERR_LIMIT);
		return NULL;
	}
	for (size_t i = 0; i < n; i++)
		keys[i] = (struct thread_key){m->dump->threads.items[i].id, (uint32_t)i};
	qsort(keys, n, sizeof(*keys), compare_key);
	return keys;
}

static struct dump_thread *
find_thread(struct minidump *m, const struct thread_key *keys, uint64_t id)
{
	struct thread_key wanted = {.id = id};
	const struct thread_key *found = keys == NULL ? NULL
						      : bsearch(&wanted, keys, m->dump->threads.n,
								sizeof(*keys), compare_id);
	return found == NULL ? NULL : &m->dump->threads.items[found->index];
}

/* ---- ThreadInfoList ---- */

static const struct {
	uint32_t flag;
	const char *text;
} info_flags[] = {
	{0x01, "its writer failed to read it"},
	{0x02, "it wrote the dump"},
	{0x04, "it had ended"},
	{0x08, "its information is invalid"},
	{0x10, "its context is invalid"},
	{0x20, "its TEB is invalid"},
};

static void
flag_thread(struct minidump *m, const struct minidump_thread_info *info)
{
	for (size_t i = 0; i < sizeof(info_flags) / sizeof(info_flags[0]); i++)
		if ((info->flags & info_flags[i].flag) != 0)
			minidump_oddity(m, "thread %u: %s", info->id, info_flags[i].text);
}

err_t
minidump_read_thread_infos(struct minidump *m, struct slice stream)
{
	static const struct minidump_shape shape = {
		.least_header = 12,
		.least = MINIDUMP_THREAD_INFO_BYTES,
		.most = LIMIT_MINIDUMP_THREADS,
	};
	struct minidump_table table;
	err_t err = minidump_sized_list(m, stream, shape, &table);
	if (err != OK)
		return err;
	struct thread_key *keys = sort_threads(m);
	for (size_t i = 0; i < table.n; i++) {
		struct reader r = minidump_entry(&table, i);
		struct minidump_thread_info info = minidump_read_thread_info(&r);
		struct dump_thread *thread = find_thread(m, keys, info.id);
		flag_thread(m, &info);
		if (thread == NULL)
			continue;
		thread->exit_status = info.exit_status;
		thread->created = info.created;
		thread->kernel_time = info.kernel_time;
		thread->user_time = info.user_time;
		thread->start_address = info.start_address;
		thread->affinity = info.affinity;
	}
	return OK;
}

/* ---- ThreadNames ---- */

err_t
minidump_read_thread_names(struct minidump *m, struct slice stream)
{
	struct minidump_table table;
	err_t err = minidump_list(m, stream, MINIDUMP_THREAD_NAME_BYTES, LIMIT_MINIDUMP_THREADS,
				  &table);
	if (err != OK)
		return err;
	struct thread_key *keys = sort_threads(m);
	for (size_t i = 0; i < table.n; i++) {
		struct reader r = minidump_entry(&table, i);
		struct minidump_thread_name name = minidump_read_thread_name(&r);
		struct dump_thread *thread = find_thread(m, keys, name.id);
		if (thread != NULL)
			thread->name = minidump_string(m, name.name_rva);
		else
			minidump_oddity(m, "a name for thread %u, which is not there", name.id);
	}
	return OK;
}

/* ---- Exception ---- */

err_t
minidump_read_exception_stream(struct minidump *m, struct slice stream)
{
	struct reader r;
	struct dump_exception *exception = &m->dump->exception;
	reader_init(&r, stream);
	struct minidump_exception record = minidump_read_exception(&r);
	if (r.error != OK)
		return r.error;
	exception->thread_id = record.thread_id;
	exception->code = record.code;
	exception->flags = record.flags;
	exception->record = record.record;
	exception->address = record.address;
	exception->n_parameters = record.n_parameters;
	if (record.n_parameters > DUMP_PARAMETERS_MAX) {
		minidump_oddity(m, "the exception claims %u parameters", record.n_parameters);
		exception->n_parameters = DUMP_PARAMETERS_MAX;
	}
	memcpy(exception->parameters, record.parameters,
	       exception->n_parameters * sizeof(record.parameters[0]));
	exception->has_registers =
		take_context(m, record.context, "exception of thread", record.thread_id,
			     &exception->context, &exception->registers);
	/* No signal is 0: such a dump was asked for.  On Windows a program may raise even that. */
	exception->is_there = record.code != 0 || m->dump->os == DUMP_OS_WINDOWS;
	if (!exception->is_there)
		m->dump->requesting_thread = record.thread_id;
	return OK;
}
