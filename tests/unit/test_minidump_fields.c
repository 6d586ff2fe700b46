/* Field by field against what another reader printed of the same dump: sections, and in them
 * lines `name = value`.  Both sides become a list of pairs "section.name", value. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <inttypes.h>

#include "base/text.h"
#include "dump/context.h"
#include "dump_corpora.h"
#include "minidump_fixture.h"

enum {
	PAIRS_MOST = 2048,
	TEXT_BYTES_MOST = 1 << 20
};

struct pair {
	char *key;
	char *value;
};

struct pairs {
	struct pair items[PAIRS_MOST];
	size_t n;
};

static void
add(struct pairs *pairs, const char *section, const char *name, struct slice value)
{
	char key[256];
	(void)snprintf(key, sizeof(key), "%s.%s", section, name);
	assert_true(pairs->n < PAIRS_MOST);
	pairs->items[pairs->n].key = strdup(key);
	pairs->items[pairs->n++].value = strndup((const char *)value.data, value.len);
}

static void
add_number(struct pairs *pairs, const char *section, const char *name, uint64_t value)
{
	char text[32];
	(void)snprintf(text, sizeof(text), "%" PRIu64, value);
	add(pairs, section, name, slice_str(text));
}

static const char *
find(const struct pairs *pairs, const char *key)
{
	for (size_t i = 0; i < pairs->n; i++)
		if (strcmp(pairs->items[i].key, key) == 0)
			return pairs->items[i].value;
	return NULL;
}

static void
pairs_free(struct pairs *pairs)
{
	for (size_t i = 0; i < pairs->n; i++) {
		free(pairs->items[i].key);
		free(pairs->items[i].value);
	}
	free(pairs);
}

/* ---- theirs ---- */

/* "0x45 (what it means)" is 69; text loses its quotes, bytes in hex stay. */
static void
add_theirs(struct pairs *pairs, const char *section, const char *name, struct slice value)
{
	struct slice word = value;
	struct slice rest;
	uint64_t number;
	if (slice_starts_with(value, SLICE_LITERAL("\""))) {
		add(pairs, section, name, slice_sub(value, 1, value.len - 2));
		return;
	}
	/* A field that the dump does not have. */
	if (slice_equal_str(value, "(invalid)"))
		return;
	(void)slice_cut(value, ' ', &word, &rest);
	bool is_hex = slice_starts_with(word, SLICE_LITERAL("0x"));
	if (is_hex ? slice_hex_to_u64(word, &number) : slice_to_u64(word, &number))
		add_number(pairs, section, name, number);
	else
		add(pairs, section, name, word);
}

static void
without_blanks(struct slice text, char out[64])
{
	size_t n = 0;
	for (size_t i = 0; i < text.len && n < 63; i++)
		if (text.data[i] != ' ')
			out[n++] = (char)text.data[i];
	out[n] = 0;
}

/* A line without "=" opens a section, or a part of one.  The two prints have names of their own. */
static void
open_section(struct slice line, char section[64], char part[64])
{
	static const struct {
		const char *theirs;
		const char *name;
	} sections[] = {
		{"MDRawHeader", "MDRawHeader"},
		{"MDException", "MDException"},
		{"MDRawSystemInfo", "MDRawSystemInfo"},
		{"MDRawMiscInfo", "MDRawMiscInfo"},
		{"MDRawBreakpadInfo", "MDRawBreakpadInfo"},
		{"MinidumpThreadList", "MinidumpThreadList"},
		{"MinidumpModuleList", "MinidumpModuleList"},
		{"MinidumpMemoryList", "MinidumpMemoryList"},
		{"MINIDUMP_EXCEPTION", "MDException"},
		{"MINIDUMP_SYSTEM_INFO", "MDRawSystemInfo"},
		{"MINIDUMP_MISC_INFO", "MDRawMiscInfo"},
		{"MINIDUMP_BREAKPAD_INFO", "MDRawBreakpadInfo"},
	};
	const char *name = NULL;
	for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++)
		if (slice_equal_str(line, sections[i].theirs))
			name = sections[i].name;
	if (name != NULL || (line.len > 0 && line.data[line.len - 1] == ']')) {
		(void)snprintf(section, 64, "%.*s",
			       SLICE_ARGS(name != NULL ? slice_str(name) : line));
		part[0] = 0;
	} else if (slice_equal_str(line, "MDRawContextX86") ||
		   slice_equal_str(line, "CONTEXT_X86")) {
		(void)snprintf(part, 64, "context.");
	} else if (slice_equal_str(line, "Stack") || slice_equal_str(line, "Memory")) {
		(void)snprintf(part, 64, "bytes");
	}
}

static void
read_theirs(struct slice text, struct pairs *pairs)
{
	struct slice line;
	char section[64] = "";
	char part[64] = "";
	while (slice_cut(text, '\n', &line, &text)) {
		struct slice name;
		struct slice value;
		char full[160];
		char plain[64];
		line = slice_trim(line);
		if (slice_starts_with(line, SLICE_LITERAL("0x"))) {
			/* Of the second print: the same words, one a line. */
			if (memchr(line.data, ':', line.len) == NULL)
				add(pairs, section, part, line);
			continue;
		}
		if (!slice_cut(line, '=', &name, &value)) {
			open_section(line, section, part);
			continue;
		}
		without_blanks(slice_trim(name), plain);
		(void)snprintf(full, sizeof(full), "%s%s", part, plain);
		add_theirs(pairs, section, full, slice_trim(value));
	}
}

/* ---- ours ---- */

static void
add_text(struct pairs *pairs, const char *section, const char *name, struct slice text)
{
	add(pairs, section, name, slice_is_absent(text) ? SLICE_LITERAL("") : text);
}

static void
add_hex(struct pairs *pairs, const char *section, const char *name, struct slice bytes)
{
	struct buf out;
	buf_init(&out, TEXT_BYTES_MOST);
	buf_append_str(&out, "0x");
	text_hex(bytes, &out);
	add(pairs, section, name, buf_slice(&out));
	buf_done(&out);
}

static void
add_location(struct pairs *pairs, const char *section, const char *name,
	     struct minidump_location location)
{
	char full[96];
	(void)snprintf(full, sizeof(full), "%s.data_size", name);
	add_number(pairs, section, full, location.bytes);
	(void)snprintf(full, sizeof(full), "%s.rva", name);
	add_number(pairs, section, full, location.rva);
}

static void
add_context(struct pairs *pairs, const char *section, struct slice raw)
{
	size_t n;
	const struct context_field *fields = context_fields(CONTEXT_X86, &n);
	for (size_t i = 0; i < n; i++) {
		struct slice bytes = context_field_bytes(&fields[i], raw);
		char name[96];
		uint64_t number = 0;
		(void)snprintf(name, sizeof(name), "context.%s", fields[i].name);
		if (fields[i].bytes > 8) {
			(void)snprintf(name, sizeof(name), "context.%s[%u]", fields[i].name,
				       fields[i].bytes);
			add_hex(pairs, section, name, bytes);
			continue;
		}
		for (size_t k = bytes.len; k > 0; k--)
			number = number << 8 | bytes.data[k - 1];
		add_number(pairs, section, name, number);
	}
}

static void
add_header(struct pairs *pairs, struct slice file)
{
	struct reader r;
	reader_init(&r, file);
	struct minidump_header h = minidump_read_header(&r);
	add_number(pairs, "MDRawHeader", "signature", h.signature);
	add_number(pairs, "MDRawHeader", "version", h.version);
	add_number(pairs, "MDRawHeader", "stream_count", h.n_streams);
	add_number(pairs, "MDRawHeader", "stream_directory_rva", h.directory_rva);
	add_number(pairs, "MDRawHeader", "checksum", h.checksum);
	add_number(pairs, "MDRawHeader", "time_date_stamp", h.timestamp);
	add_number(pairs, "MDRawHeader", "flags", h.flags);
}

static void
add_directory(struct pairs *pairs, const struct dump *dump)
{
	for (size_t i = 0; i < dump->streams.n; i++) {
		const struct dump_stream *s = &dump->streams.items[i];
		char section[64];
		(void)snprintf(section, sizeof(section), "mDirectory[%zu]", i);
		add_number(pairs, section, "stream_type", s->type);
		add_number(pairs, section, "location.data_size", s->bytes);
		add_number(pairs, section, "location.rva", s->offset);
	}
}

/* The stream's bytes from its first record on. */
static struct reader
records(const struct parsed *p, struct slice file, uint32_t type, size_t skipped)
{
	const struct dump_stream *stream = parsed_stream(p, type);
	struct reader r;
	reader_init(&r, slice_sub(file, (size_t)stream->offset, (size_t)stream->bytes));
	(void)reader_bytes(&r, skipped);
	return r;
}

static void
add_threads(struct pairs *pairs, const struct parsed *p, struct slice file)
{
	struct reader r = records(p, file, MINIDUMP_THREAD_LIST, 4);
	add_number(pairs, "MinidumpThreadList", "thread_count", p->dump.threads.n);
	for (size_t i = 0; i < p->dump.threads.n; i++) {
		const struct dump_thread *thread = &p->dump.threads.items[i];
		struct minidump_thread t = minidump_read_thread(&r);
		struct memory memory = dump_memory_of(&p->dump);
		char section[64];
		(void)snprintf(section, sizeof(section), "thread[%zu]", i);
		add_number(pairs, section, "thread_id", thread->id);
		add_number(pairs, section, "suspend_count", thread->suspend_count);
		add_number(pairs, section, "priority_class", thread->priority_class);
		add_number(pairs, section, "priority", thread->priority);
		add_number(pairs, section, "teb", thread->teb);
		add_number(pairs, section, "stack.start_of_memory_range", thread->stack_base);
		add_location(pairs, section, "stack.memory", t.stack.location);
		add_location(pairs, section, "thread_context", t.context);
		add_context(pairs, section, thread->context);
		add_hex(pairs, section, "bytes",
			memory.find(memory.context, thread->stack_base,
				    (size_t)thread->stack_bytes));
	}
}

static void
add_version(struct pairs *pairs, const char *section, const struct minidump_version *v)
{
	char text[64];
	add_number(pairs, section, "version_info.signature", v->signature);
	add_number(pairs, section, "version_info.struct_version", v->struct_version);
	add_number(pairs, section, "version_info.file_flags_mask", v->file_flags_mask);
	add_number(pairs, section, "version_info.file_flags", v->file_flags);
	add_number(pairs, section, "version_info.file_os", v->file_os);
	add_number(pairs, section, "version_info.file_type", v->file_type);
	add_number(pairs, section, "version_info.file_subtype", v->file_subtype);
	(void)snprintf(text, sizeof(text), "0x%x:0x%x", v->file_version_high, v->file_version_low);
	add(pairs, section, "version_info.file_version", slice_str(text));
	(void)snprintf(text, sizeof(text), "0x%x:0x%x", v->product_version_high,
		       v->product_version_low);
	add(pairs, section, "version_info.product_version", slice_str(text));
	(void)snprintf(text, sizeof(text), "0x%x:0x%x", v->file_date_high, v->file_date_low);
	add(pairs, section, "version_info.file_date", slice_str(text));
}

/* The other reader's names for what our module has: GUID and age are parts of its debug id. */
static void
add_identity(struct pairs *pairs, const char *section, const struct dump_module *m)
{
	const char *id = (const char *)m->debug_id.data;
	char guid[64];
	size_t n = 0;
	for (size_t i = 0; i < 32; i++) {
		if (i == 8 || i == 12 || i == 16 || i == 20)
			guid[n++] = '-';
		guid[n++] = id[i] >= 'A' && id[i] <= 'F' ? (char)(id[i] - 'A' + 'a') : id[i];
	}
	uint64_t age = 0;
	assert_true(slice_hex_to_u64(slice_sub(m->debug_id, 32, SIZE_MAX), &age));
	add(pairs, section, "(cv_record).signature", slice_of(guid, n));
	add_number(pairs, section, "(cv_record).age", age);
	add_number(pairs, section, "(cv_record).cv_signature", MINIDUMP_CODEVIEW_RSDS);
	add_text(pairs, section, "(cv_record).pdb_file_name", m->debug_name);
	add(pairs, section, "(misc_record)", SLICE_LITERAL("(null)"));
	add_text(pairs, section, "(debug_file)", m->debug_name);
	add_text(pairs, section, "(debug_identifier)", m->debug_id);
	add_text(pairs, section, "(code_file)", m->name);
	add_text(pairs, section, "(code_identifier)", m->code_id);
	add_text(pairs, section, "(version)", m->version);
}

static void
add_modules(struct pairs *pairs, const struct parsed *p, struct slice file)
{
	struct reader r = records(p, file, MINIDUMP_MODULE_LIST, 4);
	add_number(pairs, "MinidumpModuleList", "module_count", p->dump.modules.n);
	for (size_t i = 0; i < p->dump.modules.n; i++) {
		const struct dump_module *module = &p->dump.modules.items[i];
		struct minidump_module m = minidump_read_module(&r);
		char section[64];
		(void)snprintf(section, sizeof(section), "module[%zu]", i);
		add_number(pairs, section, "base_of_image", module->base);
		add_number(pairs, section, "size_of_image", module->bytes);
		add_number(pairs, section, "checksum", module->checksum);
		add_number(pairs, section, "time_date_stamp", module->timestamp);
		add_number(pairs, section, "module_name_rva", m.name_rva);
		add_version(pairs, section, &m.version);
		add_location(pairs, section, "cv_record", m.codeview);
		add_location(pairs, section, "misc_record", m.misc);
		add_identity(pairs, section, module);
	}
}

static void
add_memory(struct pairs *pairs, const struct parsed *p, struct slice file)
{
	struct reader r = records(p, file, MINIDUMP_MEMORY_LIST, 4);
	struct memory memory = dump_memory_of(&p->dump);
	add_number(pairs, "MinidumpMemoryList", "region_count", p->dump.memory.n);
	for (size_t i = 0; i < p->dump.memory.n; i++) {
		struct minidump_descriptor d = minidump_read_descriptor(&r);
		char section[64];
		(void)snprintf(section, sizeof(section), "region[%zu]", i);
		add_number(pairs, section, "start_of_memory_range", d.base);
		add_location(pairs, section, "memory", d.location);
		add_hex(pairs, section, "bytes",
			memory.find(memory.context, d.base, d.location.bytes));
	}
}

static void
add_exception(struct pairs *pairs, const struct parsed *p, struct slice file)
{
	const struct dump_exception *e = &p->dump.exception;
	struct reader r = records(p, file, MINIDUMP_EXCEPTION, 0);
	struct minidump_exception x = minidump_read_exception(&r);
	const char *section = "MDException";
	add_number(pairs, section, "thread_id", e->thread_id);
	add_number(pairs, section, "exception_record.exception_code", e->code);
	add_number(pairs, section, "exception_record.exception_flags", e->flags);
	add_number(pairs, section, "exception_record.exception_record", e->record);
	add_number(pairs, section, "exception_record.exception_address", e->address);
	add_number(pairs, section, "exception_record.number_parameters", e->n_parameters);
	for (uint32_t i = 0; i < e->n_parameters; i++) {
		char name[96];
		(void)snprintf(name, sizeof(name), "exception_record.exception_information[%u]", i);
		add_number(pairs, section, name, e->parameters[i]);
	}
	add_location(pairs, section, "thread_context", x.context);
	add_context(pairs, section, e->context);
}

static void
add_system(struct pairs *pairs, const struct parsed *p, struct slice file)
{
	struct reader r = records(p, file, MINIDUMP_SYSTEM_INFO, 0);
	struct minidump_system s = minidump_read_system(&r);
	const char *section = "MDRawSystemInfo";
	add_number(pairs, section, "processor_architecture", s.architecture);
	add_number(pairs, section, "processor_level", s.level);
	add_number(pairs, section, "processor_revision", s.revision);
	add_number(pairs, section, "number_of_processors", p->dump.processors);
	add_number(pairs, section, "product_type", p->dump.os_product_type);
	add_number(pairs, section, "major_version", s.major);
	add_number(pairs, section, "minor_version", s.minor);
	add_number(pairs, section, "build_number", s.build);
	add_number(pairs, section, "platform_id", s.platform);
	add_number(pairs, section, "csd_version_rva", s.csd_rva);
	add_number(pairs, section, "suite_mask", p->dump.os_suite);
	for (size_t i = 0; i < 3; i++) {
		char name[64];
		(void)snprintf(name, sizeof(name), "cpu.x86_cpu_info.vendor_id[%zu]", i);
		add_number(pairs, section, name, s.cpu.vendor[i]);
	}
	add_number(pairs, section, "cpu.x86_cpu_info.version_information", s.cpu.version);
	add_number(pairs, section, "cpu.x86_cpu_info.feature_information", s.cpu.features);
	add_number(pairs, section, "cpu.x86_cpu_info.amd_extended_cpu_features",
		   s.cpu.amd_features);
	add_text(pairs, section, "(csd_version)", p->dump.os_text);
	add_text(pairs, section, "(cpu_vendor)", slice_sub(p->dump.cpu, 0, 12));
	add_text(pairs, section, "(cpu_info)", slice_sub(p->dump.cpu, 0, 12));
	add_text(pairs, section, "(version)", p->dump.os_version);
}

static void
add_misc(struct pairs *pairs, const struct parsed *p, struct slice file)
{
	struct reader r = records(p, file, MINIDUMP_MISC_INFO, 0);
	struct minidump_misc m = minidump_read_misc(&r);
	const char *section = "MDRawMiscInfo";
	add_number(pairs, section, "size_of_info", m.info_bytes);
	add_number(pairs, section, "flags1", m.flags);
	add_number(pairs, section, "process_id", p->dump.process_id);
	add_number(pairs, section, "process_create_time", m.created);
	add_number(pairs, section, "process_user_time", m.user_time);
	add_number(pairs, section, "process_kernel_time", m.kernel_time);
	r = records(p, file, MINIDUMP_BREAKPAD_INFO, 0);
	struct minidump_breakpad b = minidump_read_breakpad(&r);
	section = "MDRawBreakpadInfo";
	add_number(pairs, section, "validity", b.validity);
	add_number(pairs, section, "dump_thread_id", b.dump_thread);
	add_number(pairs, section, "requesting_thread_id", b.requesting_thread);
}

static void
read_ours(const struct parsed *p, struct slice file, struct pairs *pairs)
{
	add_header(pairs, file);
	add_directory(pairs, &p->dump);
	add_threads(pairs, p, file);
	add_modules(pairs, p, file);
	add_memory(pairs, p, file);
	add_exception(pairs, p, file);
	add_system(pairs, p, file);
	add_misc(pairs, p, file);
}

/* ---- the comparison ---- */

/* Ids are printed in both cases, with hyphens and without. */
static bool
is_equal(const char *a, const char *b)
{
	for (;; a++, b++) {
		while (*a == '-')
			a++;
		while (*b == '-')
			b++;
		int x = *a >= 'A' && *a <= 'Z' ? *a + 32 : *a;
		int y = *b >= 'A' && *b <= 'Z' ? *b + 32 : *b;
		if (x != y)
			return false;
		if (x == 0)
			return true;
	}
}

static void
compare(const char *dump_name, const char *print_name, size_t least)
{
	struct buf dump;
	struct buf print;
	struct parsed p;
	size_t n_equal = 0;
	size_t n_different = 0;
	if (!corpora_read(print_name, &print))
		return;
	if (!corpora_read(dump_name, &dump)) {
		buf_done(&print);
		return;
	}
	struct pairs *theirs = calloc(1, sizeof(*theirs));
	struct pairs *ours = calloc(1, sizeof(*ours));
	assert_non_null(theirs);
	assert_non_null(ours);
	assert_int_equal(parsed_try(&p, buf_slice(&dump)), OK);
	read_theirs(buf_slice(&print), theirs);
	read_ours(&p, buf_slice(&dump), ours);
	for (size_t i = 0; i < theirs->n; i++) {
		const char *value = find(ours, theirs->items[i].key);
		if (value != NULL && is_equal(value, theirs->items[i].value)) {
			n_equal++;
			continue;
		}
		n_different++;
		(void)printf("%s: %.32s, not %.32s\n", theirs->items[i].key,
			     value == NULL ? "nothing" : value, theirs->items[i].value);
	}
	(void)printf("%s: %zu fields equal, %zu different\n", print_name, n_equal, n_different);
	assert_int_equal(n_different, 0);
	assert_true(n_equal >= least);
	pairs_free(theirs);
	pairs_free(ours);
	parsed_done(&p);
	buf_done(&dump);
	buf_done(&print);
}

static void
reads_a_dump_as_its_own_reader_does(void **state)
{
	(void)state;
	compare("breakpad/minidump2.dmp", "breakpad/minidump2.dump.out", 585);
}

static void
reads_a_dump_as_another_reader_does(void **state)
{
	(void)state;
	compare("rust-minidump/testdata/test.dmp",
		"rust-minidump/minidump-stackwalk/tests/snapshots/"
		"test_minidump_stackwalk__dump.snap",
		571);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_a_dump_as_its_own_reader_does),
		cmocka_unit_test(reads_a_dump_as_another_reader_does),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
