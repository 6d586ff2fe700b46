#include "dump/core.h"

#include <gelf.h>
#include <inttypes.h>

#include "dump/core_internal.h"

enum {
	TYPE_OFFSET = 16,
	/* dump_region: what /proc/PID/maps says, in Windows' words */
	STATE_COMMIT = 0x1000,
	TYPE_PRIVATE = 0x20000
};

bool
core_is_core(struct slice file)
{
	if (!slice_starts_with(file, SLICE_LITERAL("\177ELF")) || file.len < TYPE_OFFSET + 2)
		return false;
	const uint8_t *type = file.data + TYPE_OFFSET;
	bool is_big_endian = file.data[EI_DATA] == ELFDATA2MSB;
	return type[is_big_endian ? 1 : 0] == ET_CORE && type[is_big_endian ? 0 : 1] == 0;
}

void
core_add_stream(struct core_parser *c, const struct dump_stream *stream)
{
	struct dump_stream *streams = c->dump->streams.items;
	for (size_t i = 0; i < c->dump->streams.n; i++) {
		if (streams[i].type != stream->type)
			continue;
		streams[i].bytes += stream->bytes;
		if (streams[i].err == OK)
			streams[i].err = stream->err;
		return;
	}
	if (c->dump->streams.n < CORE_STREAMS_MAX)
		streams[c->dump->streams.n++] = *stream;
}

err_t
core_annotate(struct core_parser *c, const char *name, uint64_t value)
{
	if (c->dump->annotations.n == CORE_ANNOTATIONS_MAX)
		return OK;
	char *text = arena_printf(c->arena, "%" PRIu64, value);
	if (text == NULL)
		return ERR_LIMIT;
	c->dump->annotations.items[c->dump->annotations.n++] =
		(struct dump_pair){slice_str(name), slice_str(text)};
	return OK;
}

uint64_t
core_word(const struct core_parser *c, struct reader *r)
{
	return c->word_bytes == 4 ? reader_u32(r) : reader_u64(r);
}

/* ---- segments ---- */

static uint32_t
protection_of(uint32_t flags)
{
	static const uint32_t protections[8] = {
		0x01, /* PAGE_NOACCESS */
		0x10, /* PAGE_EXECUTE */
		0x04, /* write alone counts as read and write */
		0x40, /* PAGE_EXECUTE_READWRITE */
		0x02, /* PAGE_READONLY */
		0x20, /* PAGE_EXECUTE_READ */
		0x04, /* PAGE_READWRITE */
		0x40,
	};
	return protections[flags & 7];
}

/* What the file has of a segment; in *ret_err whether that is all. */
static struct slice
segment_bytes(struct slice file, const GElf_Phdr *segment, err_t *ret_err)
{
	*ret_err = OK;
	if (segment->p_filesz == 0)
		return (struct slice){0};
	if (segment->p_offset >= file.len) {
		*ret_err = ERR_TRUNCATED;
		return (struct slice){0};
	}
	uint64_t left = file.len - segment->p_offset;
	if (segment->p_filesz > left)
		*ret_err = ERR_TRUNCATED;
	return slice_sub(file, (size_t)segment->p_offset,
			 (size_t)(segment->p_filesz > left ? left : segment->p_filesz));
}

static void
add_load(struct core_parser *c, const GElf_Phdr *segment)
{
	err_t err;
	struct dump *dump = c->dump;
	struct slice bytes = segment_bytes(c->file, segment, &err);
	core_add_stream(c, &(struct dump_stream){.type = CORE_PART_LOAD,
						 .name = "PT_LOAD",
						 .offset = segment->p_offset,
						 .bytes = segment->p_filesz,
						 .err = err,
						 .is_read = true});
	if (bytes.len > 0)
		dump->memory.items[dump->memory.n++] =
			(struct dump_memory){segment->p_vaddr, bytes};
	if (segment->p_memsz == 0)
		return;
	dump->regions.items[dump->regions.n++] = (struct dump_region){
		.base = segment->p_vaddr,
		.bytes = segment->p_memsz,
		.allocation_base = segment->p_vaddr,
		.state = STATE_COMMIT,
		.protection = protection_of(segment->p_flags),
		.allocation_protection = protection_of(segment->p_flags),
		.type = TYPE_PRIVATE,
	};
}

/* Calls F for the notes of each PT_NOTE. */
static err_t
each_note_segment(struct core_parser *c, Elf *elf, size_t n,
		  err_t (*f)(struct core_parser *c, struct slice notes))
{
	err_t err = OK;
	for (size_t i = 0; i < n && err == OK; i++) {
		GElf_Phdr segment;
		err_t whole;
		if (gelf_getphdr(elf, (int)i, &segment) != NULL && segment.p_type == PT_NOTE)
			err = f(c, segment_bytes(c->file, &segment, &whole));
	}
	return err;
}

static err_t
make_lists(struct core_parser *c, size_t n_segments)
{
	struct dump *dump = c->dump;
	struct arena *arena = c->arena;
	dump->streams.items = arena_array(arena, CORE_STREAMS_MAX, sizeof(struct dump_stream));
	dump->annotations.items =
		arena_array(arena, CORE_ANNOTATIONS_MAX, sizeof(struct dump_pair));
	dump->memory.items = arena_array(arena, n_segments, sizeof(struct dump_memory));
	dump->regions.items = arena_array(arena, n_segments, sizeof(struct dump_region));
	bool is_made =
		dump->streams.items != NULL && dump->annotations.items != NULL &&
		(n_segments == 0 || (dump->memory.items != NULL && dump->regions.items != NULL));
	return is_made ? OK : ERR_LIMIT;
}

static err_t
read_segments(struct core_parser *c, Elf *elf, size_t n)
{
	err_t err = make_lists(c, n);
	for (size_t i = 0; i < n && err == OK; i++) {
		GElf_Phdr segment;
		if (gelf_getphdr(elf, (int)i, &segment) != NULL && segment.p_type == PT_LOAD)
			add_load(c, &segment);
	}
	if (err == OK)
		err = each_note_segment(c, elf, n, core_notes_count);
	c->dump->threads.items =
		arena_array(c->arena, c->n_threads_max, sizeof(struct dump_thread));
	if (err == OK && c->n_threads_max > 0 && c->dump->threads.items == NULL)
		err = ERR_LIMIT;
	return err == OK ? each_note_segment(c, elf, n, core_notes_read) : err;
}

/* ---- the whole ---- */

static enum arch
arch_of_machine(uint16_t machine)
{
	switch (machine) {
	case EM_386:
		return ARCH_X86;
	case EM_X86_64:
		return ARCH_AMD64;
	case EM_ARM:
		return ARCH_ARM;
	case EM_AARCH64:
		return ARCH_ARM64;
	default:
		return ARCH_UNKNOWN;
	}
}

/* The stack pointer says which mapping is a thread's stack. */
static void
find_stacks(struct dump *dump)
{
	struct memory memory = dump_memory_of(dump);
	for (size_t i = 0; i < dump->threads.n; i++) {
		struct dump_thread *thread = &dump->threads.items[i];
		uint64_t sp = registers_sp(&thread->registers);
		struct slice stack = memory.find(memory.context, sp, SIZE_MAX);
		if (stack.len == 0)
			continue;
		thread->stack_base = sp;
		thread->stack_bytes = stack.len;
	}
}

/* A kernel without NT_SIGINFO (before 3.7) says the signal in NT_PRSTATUS only. */
static void
finish_exception(struct core_parser *c)
{
	struct dump_exception *exception = &c->dump->exception;
	if (c->dump->threads.n == 0)
		return;
	const struct dump_thread *thread = &c->dump->threads.items[0];
	exception->is_there = exception->code != 0;
	exception->thread_id = thread->id;
	exception->has_registers = thread->has_registers;
	exception->registers = thread->registers;
	exception->context = thread->context;
}

/* What the header says; libelf says how many of them lie in the file. */
static size_t
claimed_segments(Elf *elf, const GElf_Ehdr *header)
{
	GElf_Shdr section;
	Elf_Scn *first = header->e_phnum == PN_XNUM ? elf_getscn(elf, 0) : NULL;
	if (first == NULL || gelf_getshdr(first, &section) == NULL)
		return header->e_phnum;
	return section.sh_info;
}

static err_t
read_elf(struct core_parser *c, Elf *elf, struct err_detail *detail)
{
	GElf_Ehdr header;
	size_t n = 0;
	if (gelf_getehdr(elf, &header) == NULL)
		return err_set(detail, ERR_TRUNCATED, "the ELF header is not whole");
	if (elf_getphdrnum(elf, &n) != 0)
		return err_set(detail, ERR_TRUNCATED, "the core's program headers: %s",
			       elf_errmsg(-1));
	if (n < claimed_segments(elf, &header))
		return err_set(detail, ERR_TRUNCATED, "the program headers are not all there");
	if (n > LIMIT_CORE_SEGMENTS)
		return err_set(detail, ERR_LIMIT, "%zu segments, %d at most", n,
			       LIMIT_CORE_SEGMENTS);
	c->word_bytes = gelf_getclass(elf) == ELFCLASS32 ? 4 : 8;
	c->dump->kind = DUMP_CORE;
	c->dump->arch = arch_of_machine(header.e_machine);
	err_t err = read_segments(c, elf, n);
	if (err == OK)
		err = dump_index(c->dump, c->arena);
	if (err == OK)
		err = core_modules_read(c);
	if (err == OK)
		err = dump_index(c->dump, c->arena);
	if (err != OK)
		return err_set(detail, err, "more threads or notes than limits allow, or no room");
	find_stacks(c->dump);
	finish_exception(c);
	return OK;
}

/* libelf allocates for each section that a header claims; a core has none, or the one that
 * counts its segments when they are too many for the header. */
static err_t
check_sections(struct slice file, struct err_detail *detail)
{
	bool is_64 = file.data[EI_CLASS] == ELFCLASS64;
	struct reader r;
	reader_init(&r, file);
	if (file.len < (is_64 ? sizeof(Elf64_Ehdr) : sizeof(Elf32_Ehdr)))
		return err_set(detail, ERR_TRUNCATED, "the ELF header is not whole");
	(void)reader_bytes(&r, is_64 ? 40 : 32);
	uint64_t offset = is_64 ? reader_u64(&r) : reader_u32(&r);
	(void)reader_bytes(&r, 12);
	uint16_t in_header = reader_u16(&r);
	if (in_header != 0 || offset == 0 || offset >= file.len)
		return OK;
	reader_init(&r, slice_sub(file, (size_t)offset, SIZE_MAX));
	(void)reader_bytes(&r, is_64 ? 32 : 20);
	uint64_t sections = is_64 ? reader_u64(&r) : reader_u32(&r);
	if (sections > LIMIT_CORE_SECTIONS)
		return err_set(detail, ERR_LIMIT, "a core with %" PRIu64 " sections", sections);
	return OK;
}

static err_t
check_header(struct slice file, struct err_detail *detail)
{
	if (!core_is_core(file))
		return err_set(detail, ERR_CORRUPT, "not an ELF core file");
	if (file.data[EI_DATA] != ELFDATA2LSB)
		return err_set(detail, ERR_UNSUPPORTED, "a core of a big-endian machine");
	return check_sections(file, detail);
}

err_t
core_parse(struct slice file, struct arena *arena, struct dump *ret_dump, struct err_detail *detail)
{
	struct dump dump = {0};
	struct core_parser c = {.file = file, .arena = arena, .dump = &dump};
	err_t err = check_header(file, detail);
	if (err != OK)
		return err;
	if (elf_version(EV_CURRENT) == EV_NONE)
		return err_set(detail, ERR_INTERNAL, "libelf: %s", elf_errmsg(-1));
	/* Opened for reading only: libelf copies what it must change. */
	Elf *elf = elf_memory((char *)(uintptr_t)file.data, file.len);
	if (elf == NULL)
		return err_set(detail, ERR_CORRUPT, "the core's headers: %s", elf_errmsg(-1));
	err = read_elf(&c, elf, detail);
	(void)elf_end(elf);
	if (err == OK)
		*ret_dump = dump;
	return err;
}
