/* Comments, the streams that Breakpad adds, and what it copies from Linux' /proc. */
#include "dump/minidump_reader.h"

#include <inttypes.h>

#include "base/text.h"

/* ---- comments ---- */

static void
add_comment(struct minidump *m, struct slice text)
{
	struct dump *dump = m->dump;
	text = slice_trim(text);
	if (text.len == 0)
		return;
	if (slice_is_absent(dump->comment)) {
		dump->comment = text;
		return;
	}
	buf_reset(&m->scratch);
	buf_append(&m->scratch, dump->comment);
	buf_append_str(&m->scratch, "\n");
	buf_append(&m->scratch, text);
	struct slice joined = minidump_keep(m);
	if (!slice_is_absent(joined))
		dump->comment = joined;
}

err_t
minidump_read_comment_a(struct minidump *m, struct slice stream)
{
	add_comment(m, minidump_utf8(m, stream, LIMIT_MINIDUMP_BLOCK_BYTES));
	return OK;
}

err_t
minidump_read_comment_w(struct minidump *m, struct slice stream)
{
	add_comment(m, minidump_utf16(m, stream, LIMIT_MINIDUMP_BLOCK_BYTES));
	return OK;
}

/* ---- FunctionTable: unwind data of code made at run time.  Counted only. ---- */

err_t
minidump_read_function_table(struct minidump *m, struct slice stream)
{
	struct reader r;
	reader_init(&r, stream);
	(void)reader_bytes(&r, 16); /* sizes of header, descriptor, native descriptor, entry */
	uint32_t n = reader_u32(&r);
	if (r.error == OK)
		minidump_fact_number(m, "function_tables", n);
	return r.error;
}

/* ---- MDRawBreakpadInfo, MDRawAssertionInfo ---- */

err_t
minidump_read_breakpad_info(struct minidump *m, struct slice stream)
{
	enum {
		HAS_DUMP_THREAD = 1,
		HAS_REQUESTING_THREAD = 2
	};
	struct reader r;
	reader_init(&r, stream);
	struct minidump_breakpad breakpad = minidump_read_breakpad(&r);
	if (r.error != OK)
		return r.error;
	if ((breakpad.validity & HAS_DUMP_THREAD) != 0)
		minidump_fact_number(m, "breakpad.dump_thread", breakpad.dump_thread);
	if ((breakpad.validity & HAS_REQUESTING_THREAD) != 0) {
		minidump_fact_number(m, "breakpad.requesting_thread", breakpad.requesting_thread);
		m->dump->requesting_thread = breakpad.requesting_thread;
	}
	return OK;
}

/* Three texts of 128 UTF-16 characters, a line, and which kind it was. */
err_t
minidump_read_assertion(struct minidump *m, struct slice stream)
{
	enum {
		TEXT = 256,
		KINDS = 3
	};
	static const char *const kinds[KINDS] = {"assertion", "invalid parameter",
						 "pure virtual call"};
	struct reader r;
	reader_init(&r, stream);
	struct slice expression = reader_bytes(&r, TEXT);
	struct slice function = reader_bytes(&r, TEXT);
	struct slice file = reader_bytes(&r, TEXT);
	uint32_t line = reader_u32(&r);
	uint32_t kind = reader_u32(&r);
	if (r.error != OK)
		return r.error;
	minidump_fact(m, "assertion.kind", slice_str(kinds[kind < KINDS ? kind : 0]));
	minidump_fact(m, "assertion.expression", minidump_utf16(m, expression, TEXT));
	minidump_fact(m, "assertion.function", minidump_utf16(m, function, TEXT));
	minidump_fact(m, "assertion.file", minidump_utf16(m, file, TEXT));
	if (line != 0)
		minidump_fact_number(m, "assertion.line", line);
	return OK;
}

/* ---- "Name:<tab>value" of /proc/cpuinfo and /proc/PID/status, NAME=value of lsb-release ---- */

/* The first value that NAME has. */
static struct slice
find_value(struct slice text, const char *name, uint8_t separator)
{
	struct slice line;
	struct slice key;
	struct slice value;
	while (text.len > 0) {
		if (!slice_cut(text, '\n', &line, &text)) {
			line = text;
			text = slice_sub(text, text.len, 0);
		}
		if (slice_cut(line, separator, &key, &value) &&
		    slice_equal_str(slice_trim(key), name))
			return slice_trim(value);
	}
	return (struct slice){0};
}

static struct slice
keep_value(struct minidump *m, struct slice text, const char *name, uint8_t separator)
{
	return minidump_utf8(m, find_value(text, name, separator), LIMIT_MINIDUMP_NAME_BYTES);
}

err_t
minidump_read_linux_cpuinfo(struct minidump *m, struct slice stream)
{
	static const char *const names[] = {"model name", "Processor", "Hardware"};
	stream = minidump_cut(m, stream, LIMIT_MINIDUMP_BLOCK_BYTES);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct slice model = keep_value(m, stream, names[i], ':');
		if (model.len == 0)
			continue;
		m->dump->cpu = model;
		break;
	}
	minidump_fact(m, "cpu.microcode", keep_value(m, stream, "microcode", ':'));
	return OK;
}

err_t
minidump_read_linux_status(struct minidump *m, struct slice stream)
{
	static const struct {
		const char *name;
		const char *fact;
	} rows[] = {
		{"Name", "process.name"},       {"State", "process.state"},
		{"PPid", "process.parent"},     {"TracerPid", "process.tracer"},
		{"Uid", "process.uid"},         {"VmPeak", "process.vm_peak"},
		{"VmSize", "process.vm_size"},  {"VmRSS", "process.vm_resident"},
		{"Threads", "process.threads"}, {"Seccomp", "process.seccomp"},
	};
	uint64_t id;
	stream = minidump_cut(m, stream, LIMIT_MINIDUMP_BLOCK_BYTES);
	if (m->dump->process_id == 0 && slice_to_u64(find_value(stream, "Pid", ':'), &id))
		m->dump->process_id = id;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		minidump_fact(m, rows[i].fact, keep_value(m, stream, rows[i].name, ':'));
	return OK;
}

static struct slice
without_quotes(struct slice text)
{
	bool is_quoted = text.len >= 2 && text.data[0] == '"' && text.data[text.len - 1] == '"';
	return is_quoted ? slice_sub(text, 1, text.len - 2) : text;
}

err_t
minidump_read_linux_lsb_release(struct minidump *m, struct slice stream)
{
	static const char *const names[] = {"DISTRIB_DESCRIPTION", "PRETTY_NAME", "DISTRIB_ID"};
	stream = minidump_cut(m, stream, LIMIT_MINIDUMP_BLOCK_BYTES);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct slice name = without_quotes(keep_value(m, stream, names[i], '='));
		if (name.len == 0)
			continue;
		minidump_fact(m, "os.distribution", name);
		break;
	}
	return OK;
}

/* ---- lists of texts, each with a NUL behind it ---- */

/* With SEPARATOR in the place of each NUL, and END behind the last; valid UTF-8. */
static struct slice
join_texts(struct minidump *m, struct slice texts, uint8_t separator, const char *end)
{
	texts = minidump_cut(m, texts, LIMIT_MINIDUMP_BLOCK_BYTES);
	while (texts.len > 0 && texts.data[texts.len - 1] == 0)
		texts.len--;
	buf_reset(&m->scratch);
	(void)text_to_utf8(texts, TEXT_UTF8, &m->scratch);
	for (size_t i = 0; i < m->scratch.len; i++)
		if (m->scratch.data[i] == 0)
			m->scratch.data[i] = separator;
	if (m->scratch.len == 0)
		return (struct slice){0};
	buf_append_str(&m->scratch, end);
	return minidump_keep(m);
}

err_t
minidump_read_linux_cmdline(struct minidump *m, struct slice stream)
{
	m->dump->command_line = join_texts(m, stream, ' ', "");
	return OK;
}

err_t
minidump_read_linux_environ(struct minidump *m, struct slice stream)
{
	m->dump->environment = join_texts(m, stream, '\n', "\n");
	return OK;
}

/* ---- auxv: pairs of type and value, of the processor's size, ended by AT_NULL ---- */

static const struct {
	uint64_t type;
	const char *fact;
} auxv_names[] = {
	{3, "auxv.phdr"},    {5, "auxv.phnum"}, {6, "auxv.page_bytes"}, {7, "auxv.interpreter"},
	{9, "auxv.entry"},   {11, "auxv.uid"},  {12, "auxv.euid"},      {16, "auxv.hwcap"},
	{23, "auxv.secure"}, {33, "auxv.vdso"},
};

static void
take_auxv(struct minidump *m, uint64_t type, uint64_t value)
{
	for (size_t i = 0; i < sizeof(auxv_names) / sizeof(auxv_names[0]); i++)
		if (auxv_names[i].type == type)
			minidump_fact_hex(m, auxv_names[i].fact, value);
}

err_t
minidump_read_linux_auxv(struct minidump *m, struct slice stream)
{
	enum {
		ENTRIES_MOST = 64 /* the kernel writes some 20 */
	};
	struct reader r;
	bool is_wide = arch_pointer_bytes(m->dump->arch) == 8;
	reader_init(&r, stream);
	for (size_t i = 0; i < ENTRIES_MOST; i++) {
		uint64_t type = is_wide ? reader_u64(&r) : reader_u32(&r);
		uint64_t value = is_wide ? reader_u64(&r) : reader_u32(&r);
		if (r.error != OK || type == 0)
			break;
		take_auxv(m, type, value);
	}
	return OK;
}

/* ---- MDRawDebug: what the loader tells debuggers ---- */

err_t
minidump_read_linux_dso(struct minidump *m, struct slice stream)
{
	struct reader r;
	bool is_wide = arch_pointer_bytes(m->dump->arch) == 8;
	reader_init(&r, stream);
	uint32_t version = reader_u32(&r);
	(void)reader_u32(&r); /* offset of the list: modules say the same */
	uint32_t n = reader_u32(&r);
	if (is_wide)
		(void)reader_u32(&r);
	uint64_t breakpoint = is_wide ? reader_u64(&r) : reader_u32(&r);
	uint64_t loader = is_wide ? reader_u64(&r) : reader_u32(&r);
	if (r.error != OK)
		return r.error;
	minidump_fact_number(m, "loader.version", version);
	minidump_fact_number(m, "loader.libraries", n);
	minidump_fact_hex(m, "loader.breakpoint", breakpoint);
	minidump_fact_hex(m, "loader.base", loader);
	return OK;
}
