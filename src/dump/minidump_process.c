/* What the dumped memory says of a Windows process: the blocks that ntdll keeps for each thread
 * (TEB) and for the process (PEB), whose layouts below have been the same from Windows XP to 11.
 * All of it is the process's own memory: a broken process may have written anything there. */
#include "dump/minidump_reader.h"

#include "base/text.h"

/* Offsets in TEB, PEB and RTL_USER_PROCESS_PARAMETERS. */
struct layout {
	unsigned pointer_bytes;
	unsigned teb_stack_base, teb_stack_limit;
	unsigned teb_self, teb_peb, teb_last_error;
	unsigned peb_image_base, peb_parameters;
	unsigned flags;
	unsigned current_folder, image_path, command_line; /* UNICODE_STRING */
	unsigned environment;
};

static const struct layout narrow = {
	.pointer_bytes = 4,
	.teb_stack_base = 0x04,
	.teb_stack_limit = 0x08,
	.teb_self = 0x18,
	.teb_peb = 0x30,
	.teb_last_error = 0x34,
	.peb_image_base = 0x08,
	.peb_parameters = 0x10,
	.flags = 0x08,
	.current_folder = 0x24,
	.image_path = 0x38,
	.command_line = 0x40,
	.environment = 0x48,
};

static const struct layout wide = {
	.pointer_bytes = 8,
	.teb_stack_base = 0x08,
	.teb_stack_limit = 0x10,
	.teb_self = 0x30,
	.teb_peb = 0x60,
	.teb_last_error = 0x68,
	.peb_image_base = 0x10,
	.peb_parameters = 0x20,
	.flags = 0x08,
	.current_folder = 0x38,
	.image_path = 0x60,
	.command_line = 0x70,
	.environment = 0x80,
};

struct process {
	struct minidump *m;
	struct memory memory;
	struct buf raw;
};

static bool
read_pointer(const struct process *p, const struct layout *layout, uint64_t address,
	     uint64_t *ret_value)
{
	return memory_pointer(&p->memory, layout->pointer_bytes, address, ret_value) &&
	       *ret_value != 0;
}

/* As many of BYTES as lie together from ADDRESS, into p->raw. */
static void
read_raw(struct process *p, uint64_t address, size_t bytes)
{
	buf_reset(&p->raw);
	while (p->raw.len < bytes) {
		struct slice piece =
			p->memory.find(p->memory.context, address + p->raw.len, bytes - p->raw.len);
		if (piece.len == 0)
			break;
		buf_append(&p->raw, piece);
	}
}

/* PARAMETERS: until they are normalized, texts are offsets from there. */
static struct slice
read_text(struct process *p, const struct layout *layout, uint64_t address, uint64_t parameters)
{
	enum {
		NORMALIZED = 1
	};
	uint32_t flags;
	uint16_t bytes;
	uint64_t buffer;
	if (!memory_u32(&p->memory, parameters + layout->flags, &flags) ||
	    !memory_u16(&p->memory, address, &bytes) || bytes == 0 ||
	    !read_pointer(p, layout, address + layout->pointer_bytes, &buffer))
		return (struct slice){0};
	read_raw(p, (flags & NORMALIZED) != 0 ? buffer : parameters + buffer, bytes);
	if (p->raw.len == 0)
		return (struct slice){0};
	return minidump_utf16(p->m, buf_slice(&p->raw), LIMIT_MINIDUMP_NAME_BYTES);
}

/* Texts with a NUL behind each, ended by an empty one. */
static struct slice
read_environment(struct process *p, uint64_t address)
{
	struct buf *scratch = &p->m->scratch;
	size_t len = 0;
	read_raw(p, address, LIMIT_MINIDUMP_BLOCK_BYTES);
	while (p->raw.len - len >= 4 && memcmp(p->raw.data + len, "\0\0\0", 4) != 0)
		len += 2;
	if (len == 0)
		return (struct slice){0};
	buf_reset(scratch);
	(void)text_to_utf8(slice_sub(buf_slice(&p->raw), 0, len), TEXT_UTF16LE, scratch);
	for (size_t i = 0; i < scratch->len; i++)
		if (scratch->data[i] == 0)
			scratch->data[i] = '\n';
	buf_append_str(scratch, "\n");
	return minidump_keep(p->m);
}

static void
read_parameters(struct process *p, const struct layout *layout, uint64_t parameters)
{
	struct dump *dump = p->m->dump;
	uint64_t environment;
	struct slice image = read_text(p, layout, parameters + layout->image_path, parameters);
	if (image.len > 0)
		dump->image_path = image;
	dump->command_line = read_text(p, layout, parameters + layout->command_line, parameters);
	dump->current_folder =
		read_text(p, layout, parameters + layout->current_folder, parameters);
	if (read_pointer(p, layout, parameters + layout->environment, &environment))
		dump->environment = read_environment(p, environment);
}

static void
find_main_module(struct dump *dump, uint64_t image_base)
{
	int main_module = dump_find_module(dump, image_base);
	if (main_module < 0 || dump->modules.items[main_module].base != image_base)
		return;
	for (size_t i = 0; i < dump->modules.n; i++)
		dump->modules.items[i].is_main = i == (size_t)main_module;
}

/* False: the dump does not have the PEB. */
static bool
read_peb(struct process *p, const struct layout *layout, uint64_t peb)
{
	uint64_t image_base;
	uint64_t parameters;
	if (!read_pointer(p, layout, peb + layout->peb_image_base, &image_base))
		return false;
	find_main_module(p->m->dump, image_base);
	if (read_pointer(p, layout, peb + layout->peb_parameters, &parameters))
		read_parameters(p, layout, parameters);
	return true;
}

/* A TEB holds its own address; what does not is none. */
static bool
is_teb(const struct process *p, const struct layout *layout, uint64_t teb)
{
	uint64_t self;
	return teb != 0 && read_pointer(p, layout, teb + layout->teb_self, &self) && self == teb;
}

/* A 32-bit program on 64-bit Windows has a second TEB, to which the first field of the wide one
 * points; its code knows only that one. */
static bool
find_narrow_teb(const struct process *p, uint64_t teb, uint64_t *ret_teb)
{
	return read_pointer(p, &wide, teb, ret_teb) && *ret_teb <= UINT32_MAX &&
	       is_teb(p, &narrow, *ret_teb);
}

/* Full dumps do not say where in their memory a stack lies. */
static void
find_stack(const struct process *p, const struct layout *layout, struct dump_thread *thread)
{
	uint64_t sp = registers_sp(&thread->registers);
	uint64_t base;
	uint64_t limit;
	if (thread->stack_bytes != 0 || !thread->has_registers)
		return;
	if (layout != NULL &&
	    read_pointer(p, layout, thread->teb + layout->teb_stack_base, &base) &&
	    read_pointer(p, layout, thread->teb + layout->teb_stack_limit, &limit) && limit <= sp &&
	    sp < base) {
		thread->stack_base = limit;
		thread->stack_bytes = base - limit;
		return;
	}
	struct slice bytes = p->memory.find(p->memory.context, sp, SIZE_MAX);
	if (bytes.len == 0)
		return;
	thread->stack_base = sp;
	thread->stack_bytes = bytes.len;
}

static void
read_thread(struct process *p, const struct layout *layout, struct dump_thread *thread,
	    bool *has_peb)
{
	uint64_t peb;
	uint64_t narrow_teb;
	if (!is_teb(p, layout, thread->teb)) {
		find_stack(p, NULL, thread);
		return;
	}
	find_stack(p, layout, thread);
	(void)memory_u32(&p->memory, thread->teb + layout->teb_last_error, &thread->last_error);
	if (!*has_peb && read_pointer(p, layout, thread->teb + layout->teb_peb, &peb))
		*has_peb = read_peb(p, layout, peb);
	if (layout->pointer_bytes == 8 && find_narrow_teb(p, thread->teb, &narrow_teb)) {
		(void)memory_u32(&p->memory, narrow_teb + narrow.teb_last_error,
				 &thread->last_error);
		if (!*has_peb && read_pointer(p, &narrow, narrow_teb + narrow.teb_peb, &peb))
			*has_peb = read_peb(p, &narrow, peb);
	}
}

static struct slice
main_module_name(const struct dump *dump)
{
	for (size_t i = 0; i < dump->modules.n; i++)
		if (dump->modules.items[i].is_main)
			return dump->modules.items[i].name;
	return (struct slice){0};
}

void
minidump_read_process(struct minidump *m)
{
	struct dump *dump = m->dump;
	struct process p = {.m = m, .memory = dump_memory_of(dump)};
	const struct layout *layout = arch_pointer_bytes(dump->arch) == 4 ? &narrow : &wide;
	bool has_peb = false;
	buf_init(&p.raw, LIMIT_MINIDUMP_BLOCK_BYTES);
	for (size_t i = 0; i < dump->threads.n; i++) {
		if (dump->os == DUMP_OS_WINDOWS)
			read_thread(&p, layout, &dump->threads.items[i], &has_peb);
		else
			find_stack(&p, NULL, &dump->threads.items[i]);
	}
	if (slice_is_absent(dump->image_path))
		dump->image_path = main_module_name(dump);
	buf_done(&p.raw);
}
