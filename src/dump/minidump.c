/* How a file becomes a dump: the directory is listed, then each kind of stream that we read is
 * looked for in the order of the table `streams`, because later ones need what earlier ones said
 * (contexts the processor, names of threads the threads).  A reader cannot fail the file. */
#include "dump/minidump.h"

#include <inttypes.h>

#include "base/time.h"
#include "dump/minidump_reader.h"

static const struct {
	uint32_t type;
	minidump_read_t read;
	bool is_repeatable;
} streams[] = {
	{MINIDUMP_SYSTEM_INFO, minidump_read_system_info, false},
	{MINIDUMP_MISC_INFO, minidump_read_misc_info, false},
	{MINIDUMP_MODULE_LIST, minidump_read_modules, false},
	{MINIDUMP_UNLOADED_MODULE_LIST, minidump_read_unloaded_modules, false},
	{MINIDUMP_THREAD_LIST, minidump_read_threads, false},
	{MINIDUMP_THREAD_EX_LIST, minidump_read_threads_ex, false},
	{MINIDUMP_THREAD_INFO_LIST, minidump_read_thread_infos, false},
	{MINIDUMP_THREAD_NAMES, minidump_read_thread_names, false},
	{MINIDUMP_EXCEPTION, minidump_read_exception_stream, false},
	{MINIDUMP_MEMORY_LIST, minidump_read_memory, false},
	{MINIDUMP_MEMORY64_LIST, minidump_read_memory64, false},
	{MINIDUMP_MEMORY_INFO_LIST, minidump_read_memory_info, false},
	{MINIDUMP_LINUX_MAPS, minidump_read_linux_maps, false},
	{MINIDUMP_HANDLE_DATA, minidump_read_handles, false},
	{MINIDUMP_HANDLE_OPERATION_LIST, minidump_read_handle_operations, false},
	{MINIDUMP_FUNCTION_TABLE, minidump_read_function_table, false},
	{MINIDUMP_TOKEN, minidump_read_token, false},
	{MINIDUMP_SYSTEM_MEMORY_INFO, minidump_read_system_memory, false},
	{MINIDUMP_PROCESS_VM_COUNTERS, minidump_read_vm_counters, false},
	{MINIDUMP_COMMENT_A, minidump_read_comment_a, true},
	{MINIDUMP_COMMENT_W, minidump_read_comment_w, true},
	{MINIDUMP_BREAKPAD_INFO, minidump_read_breakpad_info, false},
	{MINIDUMP_BREAKPAD_ASSERTION, minidump_read_assertion, false},
	{MINIDUMP_LINUX_CPUINFO, minidump_read_linux_cpuinfo, false},
	{MINIDUMP_LINUX_STATUS, minidump_read_linux_status, false},
	{MINIDUMP_LINUX_LSB_RELEASE, minidump_read_linux_lsb_release, false},
	{MINIDUMP_LINUX_CMDLINE, minidump_read_linux_cmdline, false},
	{MINIDUMP_LINUX_ENVIRON, minidump_read_linux_environ, false},
	{MINIDUMP_LINUX_AUXV, minidump_read_linux_auxv, false},
	{MINIDUMP_LINUX_DSO_DEBUG, minidump_read_linux_dso, false},
	{MINIDUMP_CRASHPAD_INFO, minidump_read_crashpad, false},
};

/* ---- header and directory ---- */

static err_t
read_header(struct minidump *m, struct err_detail *detail)
{
	struct reader r;
	reader_init(&r, m->file);
	m->header = minidump_read_header(&r);
	if (m->file.len >= 4 && m->header.signature == MINIDUMP_SIGNATURE_SWAPPED)
		return err_set(detail, ERR_UNSUPPORTED, "a minidump of a big-endian machine");
	if (m->file.len < 4 || m->header.signature != MINIDUMP_SIGNATURE)
		return err_set(detail, ERR_CORRUPT, "not a minidump: it does not begin with MDMP");
	if (r.error != OK)
		return err_set(detail, ERR_TRUNCATED, "the header ends after %zu of %d bytes",
			       m->file.len, MINIDUMP_HEADER_BYTES);
	if ((m->header.version & 0xffff) != MINIDUMP_VERSION)
		return err_set(detail, ERR_CORRUPT, "version 0x%x is no minidump's",
			       m->header.version);
	return OK;
}

static err_t
read_directory(struct minidump *m, struct err_detail *detail)
{
	const struct minidump_header *header = &m->header;
	uint64_t bytes = (uint64_t)header->n_streams * MINIDUMP_DIRECTORY_BYTES;
	struct slice directory = minidump_from(m, header->directory_rva, (size_t)bytes);
	struct dump *dump = m->dump;
	struct reader r;
	if (directory.len < bytes) {
		err_t err =
			err_set(detail, ERR_TRUNCATED,
				"the directory of %u streams leaves the file", header->n_streams);
		if (detail != NULL)
			detail->offset = header->directory_rva;
		return err;
	}
	if (header->n_streams > LIMIT_MINIDUMP_STREAMS)
		return err_set(detail, ERR_LIMIT, "%u streams", header->n_streams);
	dump->streams.items = arena_array(m->arena, header->n_streams, sizeof(struct dump_stream));
	if (dump->streams.items == NULL)
		return err_set(detail, ERR_LIMIT, "%u streams", header->n_streams);
	reader_init(&r, directory);
	for (uint32_t i = 0; i < header->n_streams; i++) {
		struct minidump_directory entry = minidump_read_directory(&r);
		dump->streams.items[dump->streams.n++] = (struct dump_stream){
			.type = entry.type,
			.name = minidump_stream_name(entry.type),
			.offset = entry.location.rva,
			.bytes = entry.location.bytes,
		};
	}
	return OK;
}

/* ---- streams ---- */

static void
read_stream(struct minidump *m, struct dump_stream *stream, minidump_read_t read)
{
	struct slice bytes = minidump_from(m, stream->offset, (size_t)stream->bytes);
	m->said_bytes = (size_t)stream->bytes;
	m->odd = OK;
	if (slice_is_absent(bytes) || (bytes.len == 0 && stream->bytes > 0)) {
		stream->err = ERR_TRUNCATED;
		return;
	}
	if (bytes.len < stream->bytes)
		minidump_fault(m, ERR_TRUNCATED);
	err_t err = read(m, bytes);
	stream->is_read = err == OK;
	stream->err = err != OK ? err : m->odd;
}

static void
read_streams_of(struct minidump *m, size_t row)
{
	bool is_first = true;
	for (size_t i = 0; i < m->dump->streams.n; i++) {
		struct dump_stream *stream = &m->dump->streams.items[i];
		if (stream->type != streams[row].type)
			continue;
		if (is_first || streams[row].is_repeatable)
			read_stream(m, stream, streams[row].read);
		else
			stream->err = ERR_EXISTS;
		is_first = false;
	}
}

/* Those that are only listed are still looked at: do they lie in the file? */
static void
check_listed(struct minidump *m)
{
	for (size_t i = 0; i < m->dump->streams.n; i++) {
		struct dump_stream *stream = &m->dump->streams.items[i];
		if (stream->is_read || stream->err != OK || stream->type == MINIDUMP_UNUSED)
			continue;
		if (minidump_from(m, stream->offset, (size_t)stream->bytes).len < stream->bytes)
			stream->err = ERR_TRUNCATED;
	}
}

/* ---- what follows from all of it ---- */

static bool
has_stream(const struct dump *dump, uint32_t least, uint32_t most)
{
	for (size_t i = 0; i < dump->streams.n; i++)
		if (dump->streams.items[i].type >= least && dump->streams.items[i].type <= most)
			return true;
	return false;
}

/* Microsoft's library writes a number of its own into the upper half of the version. */
static struct slice
find_writer(const struct minidump *m)
{
	enum {
		WINE_STREAM = 0xfff0 /* the host's own libraries */
	};
	if (has_stream(m->dump, 0x43500000, 0x4350ffff) ||
	    slice_starts_with(m->writer_build, SLICE_LITERAL("crashpad")))
		return SLICE_LITERAL("Crashpad");
	if (m->header.version >> 16 != 0 && has_stream(m->dump, 0x47670001, 0x47670002))
		return SLICE_LITERAL("Breakpad, by Microsoft's library");
	if (has_stream(m->dump, 0x47670000, 0x4767ffff))
		return SLICE_LITERAL("Breakpad");
	if (has_stream(m->dump, WINE_STREAM, WINE_STREAM))
		return SLICE_LITERAL("Wine");
	if (m->header.version >> 16 != 0)
		return SLICE_LITERAL("Microsoft");
	return (struct slice){0};
}

static void
look_at_exception(struct minidump *m)
{
	const struct dump *dump = m->dump;
	if (dump->exception.is_there && dump_crashing_thread(dump) < 0)
		minidump_oddity(m, "the exception's thread %" PRIu64 " is not there",
				dump->exception.thread_id);
}

static void
look_at_modules(struct minidump *m)
{
	const struct dump *dump = m->dump;
	if (dump->n_modules_by_base < dump->modules.n)
		minidump_oddity(m, "%zu of %zu modules overlap others or have no place",
				dump->modules.n - dump->n_modules_by_base, dump->modules.n);
}

/* Contexts tell the processor when the stream that should is missing. */
static void
guess_arch(struct minidump *m)
{
	struct dump *dump = m->dump;
	if (dump->arch != ARCH_UNKNOWN)
		return;
	if (dump->exception.has_registers)
		dump->arch = dump->exception.registers.arch;
	for (size_t i = 0; dump->arch == ARCH_UNKNOWN && i < dump->threads.n; i++)
		if (dump->threads.items[i].has_registers)
			dump->arch = dump->threads.items[i].registers.arch;
	if (dump->arch != ARCH_UNKNOWN)
		minidump_oddity(m, "the processor is told from the contexts alone");
}

static err_t
read_all(struct minidump *m, struct err_detail *detail)
{
	struct dump *dump = m->dump;
	err_t err = read_header(m, detail);
	if (err == OK)
		err = read_directory(m, detail);
	if (err != OK)
		return err;
	dump->flags = m->header.flags;
	dump->time_us = m->header.timestamp * TIME_SECOND_US;
	for (size_t row = 0; row < sizeof(streams) / sizeof(streams[0]); row++)
		read_streams_of(m, row);
	check_listed(m);
	guess_arch(m);
	dump->writer = find_writer(m);
	if (dump_index(dump, m->arena) != OK)
		return err_set(detail, ERR_LIMIT, "no room to sort %zu modules", dump->modules.n);
	minidump_read_process(m);
	look_at_exception(m);
	look_at_modules(m);
	return OK;
}

err_t
minidump_parse(struct slice file, struct arena *arena, struct dump *ret_dump,
	       struct err_detail *detail)
{
	struct dump dump = {.kind = DUMP_MINIDUMP};
	struct minidump m = {
		.file = file,
		.arena = arena,
		.dump = &dump,
		.text_left = LIMIT_MINIDUMP_TEXT_BYTES,
	};
	/* Worst case of one text: each byte is broken and becomes three. */
	buf_init(&m.scratch, 4 * (size_t)LIMIT_MINIDUMP_BLOCK_BYTES);
	err_t err = read_all(&m, detail);
	buf_done(&m.scratch);
	if (err == OK)
		*ret_dump = dump;
	return err;
}
