/* core_notes.c - the notes of a core: threads, signal, process, files
 *
 * A note is u32 bytes of its owner's name, u32 bytes of what it says, u32 type; then both, each
 * padded to four bytes.  Structures are those of the kernel's elfcore.h, for each processor.
 */
#include <elf.h>

#include "dump/core_internal.h"

struct note {
	uint32_t type;
	struct slice owner; /* without its NUL */
	struct slice bytes;
	uint64_t offset; /* of the bytes in the file */
};

/* False: there is no other, or the rest is broken, as *ret_err says. */
static bool
next_note(struct core_parser *c, struct reader *r, struct note *ret_note, err_t *ret_err)
{
	*ret_err = OK;
	if (reader_left(r) < 12)
		return false;
	uint32_t owner_bytes = reader_u32(r);
	uint32_t bytes = reader_u32(r);
	ret_note->type = reader_u32(r);
	ret_note->owner = reader_bytes(r, owner_bytes);
	(void)reader_bytes(r, (size_t)(-owner_bytes & 3));
	ret_note->bytes = reader_bytes(r, bytes);
	ret_note->offset = (uint64_t)(ret_note->bytes.data - c->file.data);
	if (r->error != OK) {
		*ret_err = ERR_TRUNCATED;
		return false;
	}
	/* The last one need not be padded. */
	(void)reader_bytes(r, reader_left(r) < 4 ? reader_left(r) : (size_t)(-bytes & 3));
	if (ret_note->owner.len > 0 && ret_note->owner.data[ret_note->owner.len - 1] == 0)
		ret_note->owner.len--;
	return true;
}

static bool
is_of_kernel(const struct note *note)
{
	return slice_equal_str(note->owner, "CORE") || slice_equal_str(note->owner, "LINUX");
}

/* ---- threads ---- */

enum {
	NO = -1 /* a register that is not kept */
};

static const int8_t x86_words[] = {X86_EBX, X86_ECX, X86_EDX,    X86_ESI, X86_EDI, X86_EBP,
				   X86_EAX, NO,      NO,         NO,      NO,      NO,
				   X86_EIP, NO,      X86_EFLAGS, X86_ESP};
static const int8_t amd64_words[] = {AMD64_R15,    AMD64_R8 + 6, AMD64_R8 + 5, AMD64_R8 + 4,
				     AMD64_RBP,    AMD64_RBX,    AMD64_R8 + 3, AMD64_R8 + 2,
				     AMD64_R8 + 1, AMD64_R8,     AMD64_RAX,    AMD64_RCX,
				     AMD64_RDX,    AMD64_RSI,    AMD64_RDI,    NO,
				     AMD64_RIP,    NO,           AMD64_RFLAGS, AMD64_RSP};

/* struct elf_prstatus.  `words`: NULL where registers come in the order of registers.h. */
static const struct status_layout {
	uint16_t bytes;
	uint8_t id_offset;
	uint8_t times_offset; /* user, then kernel: seconds and microseconds, a word each */
	uint8_t registers_offset;
	const int8_t *words;
	size_t n_words;
} status_layouts[ARCH_N] = {
	[ARCH_X86] = {144, 24, 40, 72, x86_words, sizeof(x86_words)},
	[ARCH_AMD64] = {336, 32, 48, 112, amd64_words, sizeof(amd64_words)},
	[ARCH_ARM] = {148, 24, 40, 72, NULL, ARM_N},
	[ARCH_ARM64] = {392, 32, 48, 112, NULL, ARM64_N},
};

static struct reader
reader_at(struct slice bytes, size_t offset)
{
	struct reader r;
	reader_init(&r, slice_sub(bytes, offset, SIZE_MAX));
	return r;
}

static uint64_t
time_of(const struct core_parser *c, struct reader *r)
{
	uint64_t seconds = core_word(c, r);
	return seconds * 10000000 + core_word(c, r) * 10;
}

static void
read_registers(const struct core_parser *c, const struct status_layout *layout, struct slice bytes,
	       struct registers *ret_registers)
{
	struct reader r = reader_at(bytes, layout->registers_offset);
	*ret_registers = (struct registers){.arch = c->dump->arch};
	for (size_t i = 0; i < layout->n_words; i++) {
		uint64_t value = core_word(c, &r);
		registers_set(ret_registers, layout->words == NULL ? (int)i : layout->words[i],
			      value);
	}
}

/* ERR_CORRUPT: shorter than the processor's, which is true of x32 programs too. */
static err_t
read_status(struct core_parser *c, struct slice bytes)
{
	struct dump *dump = c->dump;
	const struct status_layout *layout = &status_layouts[dump->arch];
	struct dump_thread thread = {.context = bytes};
	if (dump->threads.n == c->n_threads_max)
		return OK;
	bool is_known = layout->bytes != 0 && bytes.len >= layout->bytes;
	if (is_known) {
		struct reader r = reader_at(bytes, layout->id_offset);
		thread.id = reader_u32(&r);
		r = reader_at(bytes, layout->times_offset);
		thread.user_time = time_of(c, &r);
		thread.kernel_time = time_of(c, &r);
		thread.has_registers = true;
		read_registers(c, layout, bytes, &thread.registers);
		r = reader_at(bytes, 12);
		uint16_t signal = reader_u16(&r);
		if (dump->threads.n == 0 && !c->has_siginfo)
			dump->exception.code = signal;
	}
	dump->threads.items[dump->threads.n++] = thread;
	return is_known ? OK : ERR_CORRUPT;
}

enum { /* signals, the same on all four processors */
	SIGNAL_ILL = 4,
	SIGNAL_TRAP = 5,
	SIGNAL_BUS = 7,
	SIGNAL_FPE = 8,
	SIGNAL_SEGV = 11,
	SIGNAL_SYS = 31
};

static bool
has_address(uint32_t signal)
{
	return signal == SIGNAL_ILL || signal == SIGNAL_TRAP || signal == SIGNAL_BUS ||
	       signal == SIGNAL_FPE || signal == SIGNAL_SEGV || signal == SIGNAL_SYS;
}

/* siginfo_t of the first thread.  A code of 0 or less: sent by a process, not by the kernel. */
static err_t
read_siginfo(struct core_parser *c, struct slice bytes)
{
	struct reader r = reader_at(bytes, 0);
	struct dump_exception *exception = &c->dump->exception;
	if (c->has_siginfo)
		return OK;
	uint32_t signal = reader_u32(&r);
	(void)reader_u32(&r);
	int32_t code = (int32_t)reader_u32(&r);
	if (c->word_bytes == 8)
		(void)reader_u32(&r);
	struct reader sender = r;
	uint64_t address = core_word(c, &r);
	uint32_t process = reader_u32(&sender);
	uint32_t user = reader_u32(&sender);
	if (r.error != OK || sender.error != OK)
		return ERR_TRUNCATED;
	c->has_siginfo = true;
	exception->code = signal;
	exception->flags = (uint32_t)code;
	if (code > 0 && has_address(signal))
		exception->address = address;
	if (code <= 0) {
		exception->n_parameters = 2;
		exception->parameters[0] = process;
		exception->parameters[1] = user;
	}
	return OK;
}

/* ---- the process ---- */

static struct slice
text_in(struct core_parser *c, struct slice field)
{
	const uint8_t *end = memchr(field.data, 0, field.len);
	if (end != NULL)
		field.len = (size_t)(end - field.data);
	while (field.len > 0 && field.data[field.len - 1] == ' ')
		field.len--;
	return field.len == 0 ? (struct slice){0} : slice_dup(c->arena, field);
}

/* struct elf_prpsinfo: 136 bytes with words of 8, 124 with 4 and ids of two bytes, 128 with 4
 * and ids of four. */
static err_t
read_process(struct core_parser *c, struct slice bytes)
{
	struct reader r = reader_at(bytes, 0);
	struct dump *dump = c->dump;
	bool is_short = c->word_bytes == 4 && bytes.len < 128;
	(void)reader_bytes(&r, 4);
	if (c->word_bytes == 8)
		(void)reader_bytes(&r, 4);
	(void)core_word(c, &r); /* flags */
	uint32_t user = is_short ? reader_u16(&r) : reader_u32(&r);
	uint32_t group = is_short ? reader_u16(&r) : reader_u32(&r);
	uint32_t id = reader_u32(&r);
	uint32_t parent = reader_u32(&r);
	(void)reader_bytes(&r, 8); /* process group and session */
	struct slice name = reader_bytes(&r, 16);
	struct slice arguments = reader_bytes(&r, 80);
	if (r.error != OK)
		return ERR_TRUNCATED;
	dump->process_id = id;
	dump->command_line = text_in(c, arguments);
	if (slice_is_absent(dump->image_path))
		dump->image_path = text_in(c, name);
	err_t err = core_annotate(c, "parent_process_id", parent);
	if (err == OK)
		err = core_annotate(c, "user_id", user);
	return err == OK ? core_annotate(c, "group_id", group) : err;
}

static err_t
read_auxv(struct core_parser *c, struct slice bytes)
{
	struct reader r = reader_at(bytes, 0);
	while (reader_left(&r) >= 2 * (size_t)c->word_bytes) {
		uint64_t type = core_word(c, &r);
		uint64_t value = core_word(c, &r);
		if (type == AT_NULL)
			break;
		if (type == AT_ENTRY)
			c->entry = value;
		else if (type == AT_PHDR)
			c->headers = value;
		else if (type == AT_SYSINFO_EHDR)
			c->vdso = value;
		else if (type == AT_EXECFN)
			c->exec_name = value;
	}
	return OK;
}

/* Names follow the numbers, in their order, each with a NUL behind it. */
static err_t
read_file_names(struct core_parser *c, struct reader *names)
{
	for (size_t i = 0; i < c->n_files; i++) {
		struct slice left = slice_sub(names->in, names->at, SIZE_MAX);
		const uint8_t *end = left.len == 0 ? NULL : memchr(left.data, 0, left.len);
		if (end == NULL) {
			c->n_files = i;
			return ERR_TRUNCATED;
		}
		c->files[i].name = reader_bytes(names, (size_t)(end - left.data));
		(void)reader_u8(names);
	}
	return OK;
}

static err_t
read_files(struct core_parser *c, struct slice bytes)
{
	struct reader r = reader_at(bytes, 0);
	uint64_t n = core_word(c, &r);
	uint64_t page_bytes = core_word(c, &r);
	if (c->files != NULL)
		return ERR_EXISTS;
	if (r.error != OK || n > reader_left(&r) / (3 * (size_t)c->word_bytes))
		return ERR_TRUNCATED;
	if (n > LIMIT_CORE_FILES)
		return ERR_LIMIT;
	struct core_file *files = arena_array(c->arena, (size_t)n, sizeof(*files));
	if (n > 0 && files == NULL)
		return ERR_LIMIT;
	for (size_t i = 0; i < n; i++) {
		files[i].start = core_word(c, &r);
		files[i].end = core_word(c, &r);
		files[i].offset = core_word(c, &r) * page_bytes;
	}
	c->files = files;
	c->n_files = (size_t)n;
	return read_file_names(c, &r);
}

/* ---- all of them ---- */

err_t
core_notes_count(struct core_parser *c, struct slice notes)
{
	struct reader r;
	struct note note;
	err_t err;
	reader_init(&r, notes);
	for (size_t n = 0; next_note(c, &r, &note, &err); n++) {
		bool is_thread = is_of_kernel(&note) && note.type == NT_PRSTATUS;
		if (n == LIMIT_CORE_NOTES || (is_thread && c->n_threads_max == LIMIT_CORE_THREADS))
			return ERR_LIMIT;
		c->n_threads_max += is_thread;
	}
	return OK;
}

struct note_kind {
	uint32_t type;
	const char *name;
	err_t (*read)(struct core_parser *c, struct slice bytes); /* NULL: listed only */
};

/* NULL: not known, or not the kernel's. */
static const struct note_kind *
find_kind(const struct note *note)
{
	static const struct note_kind kinds[] = {
		{NT_PRSTATUS, "NT_PRSTATUS", read_status},
		{NT_SIGINFO, "NT_SIGINFO", read_siginfo},
		{NT_PRPSINFO, "NT_PRPSINFO", read_process},
		{NT_AUXV, "NT_AUXV", read_auxv},
		{NT_FILE, "NT_FILE", read_files},
		{NT_FPREGSET, "NT_FPREGSET", NULL},
		{NT_PRXFPREG, "NT_PRXFPREG", NULL},
		{NT_386_TLS, "NT_386_TLS", NULL},
		{NT_X86_XSTATE, "NT_X86_XSTATE", NULL},
		{NT_ARM_VFP, "NT_ARM_VFP", NULL},
		{NT_ARM_TLS, "NT_ARM_TLS", NULL},
		{NT_ARM_HW_BREAK, "NT_ARM_HW_BREAK", NULL},
		{NT_ARM_HW_WATCH, "NT_ARM_HW_WATCH", NULL},
		{NT_ARM_SYSTEM_CALL, "NT_ARM_SYSTEM_CALL", NULL},
		{NT_ARM_SVE, "NT_ARM_SVE", NULL},
		{NT_ARM_PAC_MASK, "NT_ARM_PAC_MASK", NULL},
	};
	for (size_t i = 0; is_of_kernel(note) && i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (kinds[i].type == note->type)
			return &kinds[i];
	return NULL;
}

static void
read_note(struct core_parser *c, const struct note *note)
{
	const struct note_kind *kind = find_kind(note);
	struct dump_stream stream = {
		.type = is_of_kernel(note) ? note->type : note->type | CORE_PART_FOREIGN,
		.offset = note->offset,
		.bytes = note->bytes.len,
	};
	if (kind != NULL) {
		stream.name = kind->name;
		stream.is_read = kind->read != NULL;
		c->dump->os = DUMP_OS_LINUX;
	}
	if (stream.is_read)
		stream.err = kind->read(c, note->bytes);
	core_add_stream(c, &stream);
}

err_t
core_notes_read(struct core_parser *c, struct slice notes)
{
	struct reader r;
	struct note note;
	err_t broken;
	reader_init(&r, notes);
	while (next_note(c, &r, &note, &broken))
		read_note(c, &note);
	if (broken != OK)
		core_add_stream(c, &(struct dump_stream){.type = CORE_PART_NOTES,
							 .name = "PT_NOTE",
							 .err = broken});
	return OK;
}
