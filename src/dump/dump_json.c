#include "dump/dump_json.h"

#include <inttypes.h>
#include <stdio.h>

#include "dump/exception.h"

enum {
	HEX_BYTES = 24,
	TEXT_BYTES_MOST = 16 * 1024,
	HANDLE_TYPES_MOST = 64, /* Windows has some 70 kinds of objects */
	NAMED_HANDLES_MOST = 1024
};

const char *
dump_kind_name(enum dump_kind kind)
{
	static const char *const names[DUMP_KIND_N] = {
		[DUMP_MINIDUMP] = "minidump",
		[DUMP_KERNEL_TRIAGE] = "kernel_triage",
		[DUMP_KERNEL_FULL] = "kernel_full",
		[DUMP_CORE] = "core",
	};
	return names[kind];
}

static struct slice
hex(uint64_t value, char text[HEX_BYTES])
{
	(void)snprintf(text, HEX_BYTES, "0x%" PRIx64, value);
	return slice_str(text);
}

static void
put_hex(struct json *object, const char *key, uint64_t value)
{
	char text[HEX_BYTES];
	json_put_text(object, key, hex(value, text));
}

/* Codes of 32 bits keep their zeros: "0x0000007e". */
static void
put_code(struct json *object, const char *key, uint32_t code)
{
	char text[HEX_BYTES];
	(void)snprintf(text, sizeof(text), "0x%08" PRIx32, code);
	json_put_str(object, key, text);
}

static void
put_hex_list(struct json *object, const char *key, const uint64_t *values, size_t n)
{
	struct json *list = json_new_list();
	char text[HEX_BYTES];
	for (size_t i = 0; i < n; i++)
		json_add_text(list, hex(values[i], text));
	json_put(object, key, list);
}

static void
put_time(struct json *object, const char *key, int64_t time_us)
{
	if (time_us == 0)
		json_put_null(object, key);
	else
		json_put_time(object, key, time_us);
}

/* ---- what happened ---- */

static void
put_described(const struct dump *dump, struct json *object,
	      void (*describe)(const struct dump *, struct buf *, struct buf *))
{
	struct buf name;
	struct buf text;
	buf_init(&name, TEXT_BYTES_MOST);
	buf_init(&text, TEXT_BYTES_MOST);
	describe(dump, &name, &text);
	json_put_text(object, "name", buf_slice(&name));
	json_put_text(object, "text", buf_slice(&text));
	buf_done(&name);
	buf_done(&text);
}

static void
put_exception(const struct dump *dump, struct json *object)
{
	const struct dump_exception *e = &dump->exception;
	uint64_t fault;
	if (!e->is_there) {
		json_put_null(object, "exception");
		return;
	}
	struct json *exception = json_new_object();
	put_code(exception, "code", e->code);
	put_described(dump, exception, exception_describe);
	put_hex(exception, "address", e->address);
	if (exception_fault_address(dump, &fault))
		put_hex(exception, "fault_address", fault);
	else
		json_put_null(exception, "fault_address");
	put_hex(exception, "flags", e->flags);
	put_hex_list(exception, "parameters", e->parameters, e->n_parameters);
	json_put(object, "exception", exception);
}

static void
put_bugcheck(const struct dump *dump, struct json *object)
{
	if (!dump->bugcheck.is_there) {
		json_put_null(object, "bugcheck");
		return;
	}
	struct json *bugcheck = json_new_object();
	put_code(bugcheck, "code", dump->bugcheck.code);
	put_described(dump, bugcheck, exception_describe_bugcheck);
	put_hex_list(bugcheck, "parameters", dump->bugcheck.parameters, 4);
	json_put(object, "bugcheck", bugcheck);
}

static void
put_threads(const struct dump *dump, struct json *object)
{
	int crashing = dump_crashing_thread(dump);
	if (crashing >= 0)
		json_put_count(object, "crashing_thread", dump->threads.items[crashing].id);
	else
		json_put_null(object, "crashing_thread");
	if (dump->requesting_thread != 0)
		json_put_count(object, "requesting_thread", dump->requesting_thread);
	else
		json_put_null(object, "requesting_thread");
}

/* ---- modules ---- */

static void
put_modules(const struct dump *dump, struct json *object)
{
	struct json *list = json_new_list();
	for (size_t i = 0; i < dump->modules.n; i++) {
		const struct dump_module *m = &dump->modules.items[i];
		struct json *module = json_new_object();
		json_put_text(module, "name", m->name);
		json_put_text(module, "version", m->version);
		json_put_text(module, "product_version", m->product_version);
		json_put_text(module, "debug_name", m->debug_name);
		json_put_text(module, "debug_id", m->debug_id);
		json_put_text(module, "code_id", m->code_id);
		put_hex(module, "base", m->base);
		json_put_count(module, "size", m->bytes);
		json_put_count(module, "timestamp", m->timestamp);
		put_code(module, "checksum", m->checksum);
		json_put_flag(module, "main", m->is_main);
		json_add(list, module);
	}
	json_put(object, "modules", list);
}

static void
put_unloaded(const struct dump *dump, struct json *object)
{
	struct json *list = json_new_list();
	for (size_t i = 0; i < dump->unloaded.n; i++) {
		const struct dump_unloaded *u = &dump->unloaded.items[i];
		struct json *module = json_new_object();
		json_put_text(module, "name", u->name);
		put_hex(module, "base", u->base);
		json_put_count(module, "size", u->bytes);
		json_put_count(module, "timestamp", u->timestamp);
		json_add(list, module);
	}
	json_put(object, "unloaded", list);
}

static void
put_streams(const struct dump *dump, struct json *object)
{
	struct json *list = json_new_list();
	for (size_t i = 0; i < dump->streams.n; i++) {
		const struct dump_stream *s = &dump->streams.items[i];
		struct json *stream = json_new_object();
		put_hex(stream, "type", s->type);
		json_put_str(stream, "name", s->name);
		put_hex(stream, "offset", s->offset);
		json_put_count(stream, "bytes", s->bytes);
		json_put_flag(stream, "read", s->is_read);
		json_put_str(stream, "error", s->err == OK ? NULL : err_text(s->err));
		json_add(list, stream);
	}
	json_put(object, "streams", list);
}

/* ---- the process ---- */

static void
put_process(const struct dump *dump, struct json *object)
{
	struct json *process = json_new_object();
	if (dump->process_id != 0)
		json_put_count(process, "id", dump->process_id);
	else
		json_put_null(process, "id");
	put_time(process, "started", dump->process_started_us);
	json_put_count(process, "user_us", dump->process_user_us);
	json_put_count(process, "kernel_us", dump->process_kernel_us);
	json_put_text(process, "image_path", dump->image_path);
	json_put_text(process, "integrity", dump->integrity);
	json_put(object, "process", process);
}

static void
put_lines(struct json *object, const char *key, struct slice lines)
{
	struct slice line;
	struct json *list = json_new_list();
	while (slice_cut(lines, '\n', &line, &lines))
		json_add_text(list, line);
	json_put(object, key, list);
}

static void
put_private(const struct dump *dump, struct json *object)
{
	struct json *private = json_new_object();
	json_put_text(private, "command_line", dump->command_line);
	put_lines(private, "environment", dump->environment);
	json_put_text(private, "current_folder", dump->current_folder);
	json_put_text(private, "user", dump->user);
	json_put(object, "private", private);
}

static void
put_memory(const struct dump *dump, struct json *object)
{
	struct json *memory = json_new_object();
	uint64_t bytes = 0;
	for (size_t i = 0; i < dump->memory.n; i++)
		bytes += dump->memory.items[i].bytes.len;
	json_put_count(memory, "ranges", dump->memory.n);
	json_put_count(memory, "bytes", bytes);
	json_put_count(memory, "regions", dump->regions.n);
	json_put(object, "memory", memory);
}

/* How many handles of each type: a leak is seen there.  Types past the most are counted as
 * "others": the list is an attacker's as all of the dump is. */
static void
put_handle_types(const struct dump *dump, struct json *object)
{
	struct slice types[HANDLE_TYPES_MOST];
	uint64_t counts[HANDLE_TYPES_MOST] = {0};
	uint64_t others = 0;
	size_t n = 0;
	struct json *list = json_new_list();
	for (size_t i = 0; i < dump->handles.n; i++) {
		size_t at = 0;
		while (at < n && !slice_equal(types[at], dump->handles.items[i].type))
			at++;
		if (at == HANDLE_TYPES_MOST) {
			others++;
			continue;
		}
		types[at] = dump->handles.items[i].type;
		counts[at]++;
		n = at == n ? n + 1 : n;
	}
	for (size_t i = 0; i < n; i++) {
		struct json *type = json_new_object();
		json_put_text(type, "type", types[i]);
		json_put_count(type, "count", counts[i]);
		json_add(list, type);
	}
	json_put(object, "types", list);
	json_put_count(object, "of_other_types", others);
}

static void
put_handles(const struct dump *dump, struct json *object)
{
	struct json *handles = json_new_object();
	struct json *named = json_new_list();
	size_t n = 0;
	json_put_count(handles, "count", dump->handles.n);
	put_handle_types(dump, handles);
	for (size_t i = 0; i < dump->handles.n && n < NAMED_HANDLES_MOST; i++) {
		const struct dump_handle *h = &dump->handles.items[i];
		if (h->name.len == 0)
			continue;
		struct json *handle = json_new_object();
		put_hex(handle, "handle", h->handle);
		json_put_text(handle, "type", h->type);
		json_put_text(handle, "name", h->name);
		put_hex(handle, "access", h->access);
		json_put_text(handle, "info", h->info);
		json_add(named, handle);
		n++;
	}
	json_put(handles, "named", named);
	json_put(object, "handles", handles);
}

/* ---- what has no place of its own ---- */

static void
put_annotations(const struct dump *dump, struct json *object)
{
	struct json *list = json_new_list();
	for (size_t i = 0; i < dump->annotations.n; i++) {
		struct json *pair = json_new_object();
		json_put_text(pair, "name", dump->annotations.items[i].name);
		json_put_text(pair, "value", dump->annotations.items[i].value);
		json_add(list, pair);
	}
	json_put(object, "annotations", list);
}

/* Their names are ours: literals, so that they end with a NUL. */
static void
put_facts(const struct dump *dump, struct json *object)
{
	struct json *facts = json_new_object();
	for (size_t i = 0; i < dump->facts.n; i++) {
		const struct dump_pair *fact = &dump->facts.items[i];
		char name[64];
		(void)snprintf(name, sizeof(name), "%.*s", SLICE_ARGS(fact->name));
		json_put_text(facts, name, fact->value);
	}
	json_put(object, "facts", facts);
}

static void
put_oddities(const struct dump *dump, struct json *object)
{
	struct json *list = json_new_list();
	for (size_t i = 0; i < dump->oddities.n; i++)
		json_add_text(list, dump->oddities.items[i]);
	json_put(object, "oddities", list);
}

void
dump_put_json(const struct dump *dump, struct json *object)
{
	json_put_str(object, "kind", dump_kind_name(dump->kind));
	json_put_str(object, "os", dump_os_name(dump->os));
	json_put_text(object, "os_version", dump->os_version);
	json_put_text(object, "os_text", dump->os_text);
	json_put_str(object, "arch", arch_name(dump->arch));
	json_put_text(object, "cpu", dump->cpu);
	json_put_count(object, "processors", dump->processors);
	json_put_text(object, "writer", dump->writer);
	put_time(object, "time", dump->time_us);
	put_hex(object, "flags", dump->flags);
	put_exception(dump, object);
	put_bugcheck(dump, object);
	put_threads(dump, object);
	put_modules(dump, object);
	put_unloaded(dump, object);
	put_streams(dump, object);
	put_process(dump, object);
	put_memory(dump, object);
	put_handles(dump, object);
	put_facts(dump, object);
	put_annotations(dump, object);
	json_put_text(object, "comment", dump->comment);
	put_oddities(dump, object);
	put_private(dump, object);
}
