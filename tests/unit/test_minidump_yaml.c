/* Against LLVM's obj2yaml and yaml2obj, where they are installed: another reader of what our
 * builder writes and of real dumps, and another writer of strange ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "base/text.h"
#include "dump_corpora.h"
#include "minidump_fixture.h"
#include "scratch.h"

enum {
	YAML_BYTES_MOST = 64 * 1024 * 1024,
	COMMAND_BYTES = 9000
};

/* Runs COMMAND; false when it failed. */
static bool
run(const char *command, struct buf *out)
{
	uint8_t piece[65536];
	size_t n;
	FILE *pipe = popen(command, "r");
	assert_non_null(pipe);
	while ((n = fread(piece, 1, sizeof(piece), pipe)) > 0)
		buf_append(out, slice_of(piece, n));
	return pclose(pipe) == 0;
}

static bool
is_installed(const char *tool)
{
	char command[128];
	struct buf out;
	buf_init(&out, 4096);
	(void)snprintf(command, sizeof(command), "command -v %s", tool);
	bool is_there = run(command, &out);
	buf_done(&out);
	if (!is_there)
		(void)printf("skip: %s (not installed)\n", tool);
	return is_there;
}

/* ---- the comparison ---- */

struct comparison {
	const struct dump *dump;
	struct memory memory;
	const char *file;
	char stream[64];
	size_t n_streams, n_threads, n_modules; /* seen until now */
	uint64_t base;                          /* of the last memory range */
	size_t n_equal;
};

static void
check(struct comparison *c, bool is_equal, const char *what)
{
	if (!is_equal)
		fail_msg("%s: %s of stream %zu (%s), thread %zu, module %zu differs", c->file, what,
			 c->n_streams, c->stream, c->n_threads, c->n_modules);
	c->n_equal++;
}

static void
check_number(struct comparison *c, struct slice value, uint64_t ours, const char *what)
{
	uint64_t theirs;
	bool is_hex = slice_starts_with(value, SLICE_LITERAL("0x"));
	assert_true(is_hex ? slice_hex_to_u64(value, &theirs) : slice_to_u64(value, &theirs));
	check(c, theirs == ours, what);
}

static struct slice
without_quotes(struct slice value)
{
	if (value.len >= 2 && (value.data[0] == '\'' || value.data[0] == '"'))
		return slice_sub(value, 1, value.len - 2);
	return value;
}

static void
check_bytes(struct comparison *c, struct slice hex)
{
	struct buf theirs;
	buf_init(&theirs, YAML_BYTES_MOST);
	assert_true(text_from_hex(without_quotes(hex), &theirs));
	uint8_t *ours = malloc(theirs.len + 1);
	assert_non_null(ours);
	check(c, memory_bytes(&c->memory, c->base, ours, theirs.len), "presence of memory");
	check(c, theirs.len == 0 || memcmp(ours, theirs.data, theirs.len) == 0, "memory");
	free(ours);
	buf_done(&theirs);
}

static bool
contains_nocase(struct slice id, struct slice hex)
{
	/* The GUID's last eight bytes are printed in the order of the file. */
	return id.len >= 32 && hex.len >= 40 &&
	       slice_equal_nocase(slice_sub(id, 16, 16), slice_sub(hex, 24, 16));
}

/* No identity: no record, or one whose GUID or build id is zeros. */
static bool
is_anonymous(struct slice hex)
{
	bool is_elf = slice_starts_with(hex, SLICE_LITERAL("4C457042"));
	for (size_t i = 8; i < hex.len && (is_elf || i < 40); i++)
		if (hex.data[i] != '0')
			return false;
	return true;
}

static void
check_codeview(struct comparison *c, const struct dump_module *module, struct slice hex)
{
	hex = without_quotes(hex);
	if (slice_is_absent(module->debug_id))
		check(c, is_anonymous(hex), "absent debug id");
	else if (slice_starts_with(hex, SLICE_LITERAL("4C457042")))
		check(c, slice_equal_nocase(module->code_id, slice_sub(hex, 8, SIZE_MAX)),
		      "build id");
	else
		check(c, contains_nocase(module->debug_id, hex), "debug id");
}

static void
compare_stream(struct comparison *c, struct slice type)
{
	assert_true(c->n_streams < c->dump->streams.n);
	const struct dump_stream *ours = &c->dump->streams.items[c->n_streams++];
	(void)snprintf(c->stream, sizeof(c->stream), "%.*s", SLICE_ARGS(type));
	if (slice_starts_with(type, SLICE_LITERAL("0x")))
		check_number(c, type, ours->type, "type");
	else
		check(c, ours->name != NULL && slice_equal_nocase(type, slice_str(ours->name)),
		      "name");
}

static void
compare_thread(struct comparison *c, struct slice name, struct slice value)
{
	if (slice_equal_str(name, "- Thread Id"))
		c->n_threads++;
	if (value.len == 0)
		return;
	assert_true(c->n_threads > 0 && c->n_threads <= c->dump->threads.n);
	const struct dump_thread *thread = &c->dump->threads.items[c->n_threads - 1];
	if (slice_equal_str(name, "- Thread Id"))
		check_number(c, value, thread->id, "id");
	else if (slice_equal_str(name, "Suspend Count"))
		check_number(c, value, thread->suspend_count, "suspend count");
	else if (slice_equal_str(name, "Priority Class"))
		check_number(c, value, thread->priority_class, "priority class");
	else if (slice_equal_str(name, "Environment Block"))
		check_number(c, value, thread->teb, "TEB");
	else if (slice_equal_str(name, "Context"))
		check(c, thread->context.len == without_quotes(value).len / 2, "context size");
}

static void
compare_module(struct comparison *c, struct slice name, struct slice value)
{
	if (slice_equal_str(name, "- Base of Image"))
		c->n_modules++;
	if (value.len == 0)
		return;
	assert_true(c->n_modules > 0 && c->n_modules <= c->dump->modules.n);
	const struct dump_module *module = &c->dump->modules.items[c->n_modules - 1];
	if (slice_equal_str(name, "- Base of Image"))
		check_number(c, value, module->base, "base");
	else if (slice_equal_str(name, "Size of Image"))
		check_number(c, value, module->bytes, "size");
	else if (slice_equal_str(name, "Checksum"))
		check_number(c, value, module->checksum, "checksum");
	else if (slice_equal_str(name, "Time Date Stamp"))
		check_number(c, value, module->timestamp, "time stamp");
	else if (slice_equal_str(name, "Module Name"))
		check(c, slice_equal(without_quotes(value), module->name), "name");
	else if (slice_equal_str(name, "CodeView Record"))
		check_codeview(c, module, value);
}

static void
compare_exception(struct comparison *c, struct slice name, struct slice value)
{
	const struct dump_exception *e = &c->dump->exception;
	if (slice_equal_str(name, "Thread ID"))
		check_number(c, value, e->thread_id, "thread");
	else if (slice_equal_str(name, "Exception Code"))
		check_number(c, value, e->code, "code");
	else if (slice_equal_str(name, "Exception Flags"))
		check_number(c, value, e->flags, "flags");
	else if (slice_equal_str(name, "Exception Address"))
		check_number(c, value, e->address, "address");
	else if (slice_equal_str(name, "Parameter 0"))
		check_number(c, value, e->parameters[0], "first parameter");
	else if (slice_equal_str(name, "Parameter 1"))
		check_number(c, value, e->parameters[1], "second parameter");
}

static void
compare_line(struct comparison *c, struct slice name, struct slice value)
{
	if (slice_equal_str(name, "- Type")) {
		compare_stream(c, value);
		return;
	}
	bool is_memory = strcmp(c->stream, "MemoryList") == 0;
	bool is_thread = strcmp(c->stream, "ThreadList") == 0;
	if (slice_ends_with(name, SLICE_LITERAL("Start of Memory Range")))
		assert_true(slice_hex_to_u64(value, &c->base));
	else if (slice_equal_str(name, "Content") && (is_memory || is_thread))
		check_bytes(c, value);
	else if (is_thread)
		compare_thread(c, name, value);
	else if (strcmp(c->stream, "ModuleList") == 0)
		compare_module(c, name, value);
	else if (strcmp(c->stream, "Exception") == 0)
		compare_exception(c, name, value);
}

/* How much was equal; 0 when the other reader refuses the file. */
static size_t
compare_with_yaml(const char *path, const struct dump *dump)
{
	struct comparison c = {.dump = dump, .memory = dump_memory_of(dump), .file = path};
	char command[COMMAND_BYTES];
	struct buf yaml;
	struct slice line;
	buf_init(&yaml, YAML_BYTES_MOST);
	(void)snprintf(command, sizeof(command), "obj2yaml-14 '%s' 2>/dev/null", path);
	bool is_read = run(command, &yaml);
	struct slice rest = buf_slice(&yaml);
	while (is_read && slice_cut(rest, '\n', &line, &rest)) {
		struct slice name;
		struct slice value;
		if (slice_cut(line, ':', &name, &value))
			compare_line(&c, slice_trim(name), slice_trim(value));
	}
	if (is_read) {
		check(&c, c.n_threads == dump->threads.n, "count of threads");
		check(&c, c.n_modules == dump->modules.n, "count of modules");
	}
	buf_done(&yaml);
	return is_read ? c.n_equal : 0;
}

static void
writes_dumps_that_another_reader_reads_equally(void **state)
{
	static const enum arch arches[] = {ARCH_X86, ARCH_AMD64, ARCH_ARM, ARCH_ARM64};
	char folder[SCRATCH_PATH_BYTES];
	char path[SCRATCH_PATH_BYTES + 16];
	(void)state;
	if (!is_installed("obj2yaml-14"))
		return;
	scratch_make(folder);
	(void)snprintf(path, sizeof(path), "%s/built.dmp", folder);
	for (size_t i = 0; i < 4; i++) {
		struct err_detail detail;
		struct parsed p;
		struct minidump_builder *b = build_crash(arches[i], DUMP_OS_WINDOWS);
		struct minidump_region region = {
			.base = 0x1000, .bytes = 0x1000, .state = 0x1000, .protection = 4};
		minidump_builder_region(b, &region);
		parsed_build(&p, b);
		assert_int_equal(fs_replace_file(path, buf_slice(&b->file), 0600, &detail), OK);
		assert_true(compare_with_yaml(path, &p.dump) > 30);
		parsed_done(&p);
		minidump_builder_free(b);
	}
	scratch_remove(folder);
}

static void
reads_real_dumps_as_another_reader_does(void **state)
{
	size_t n_read = 0;
	size_t n_equal = 0;
	(void)state;
	if (!is_installed("obj2yaml-14"))
		return;
	const struct corpora_list *list = corpora_dumps();
	for (size_t i = 0; i < list->n; i++) {
		struct err_detail detail;
		struct parsed p;
		struct buf file;
		assert_int_equal(fs_read_file(list->names[i], CORPORA_FILE_BYTES, &file, &detail),
				 OK);
		if (parsed_try(&p, buf_slice(&file)) == OK) {
			size_t equal = compare_with_yaml(list->names[i], &p.dump);
			n_read += equal > 0;
			n_equal += equal;
		}
		parsed_done(&p);
		buf_done(&file);
	}
	(void)printf("obj2yaml: %zu dumps, %zu values equal\n", n_read, n_equal);
	assert_true(list->n < 60 || n_read >= 50);
	corpora_list_done();
}

/* ---- strange dumps, written by the other writer ---- */

static bool
make(const char *name, struct buf *file)
{
	char folder[SCRATCH_PATH_BYTES];
	char command[COMMAND_BYTES];
	char path[SCRATCH_PATH_BYTES + 16];
	struct err_detail detail = {.why = ""};
	struct buf out;
	const char *source = getenv("OPENWER_SOURCE");
	if (!is_installed("yaml2obj-14"))
		return false;
	scratch_make(folder);
	buf_init(&out, 4096);
	(void)snprintf(path, sizeof(path), "%s/made.dmp", folder);
	(void)snprintf(command, sizeof(command),
		       "yaml2obj-14 '%s/tests/golden/minidump/%s.yaml' -o '%s'",
		       source == NULL ? "." : source, name, path);
	assert_true(run(command, &out));
	if (fs_read_file(path, CORPORA_FILE_BYTES, file, &detail) != OK)
		fail_msg("%s", detail.why);
	buf_done(&out);
	scratch_remove(folder);
	return true;
}

static void
reads_modules_that_overlap(void **state)
{
	struct parsed p;
	struct buf file;
	(void)state;
	if (!make("overlapping-modules", &file))
		return;
	assert_int_equal(parsed_try(&p, buf_slice(&file)), OK);
	assert_int_equal(p.dump.modules.n, 3);
	assert_int_equal(dump_find_module(&p.dump, 0x402fff), 0);
	assert_int_equal(dump_find_module(&p.dump, 0x403000), -1);
	assert_int_equal(dump_find_module(&p.dump, 0x410000), 2);
	assert_true(parsed_is_odd(&p, "1 of 3 modules overlap"));
	assert_slice(p.dump.modules.items[0].code_id, "1122334455667788");
	assert_true(slice_is_absent(p.dump.modules.items[1].debug_id));
	assert_slice(p.dump.modules.items[2].debug_id, "33221100554477668899AABBCCDDEEFF3");
	assert_slice(p.dump.os_version, "5.10.1");
	parsed_done(&p);
	buf_done(&file);
}

static void
reads_an_exception_without_its_thread(void **state)
{
	struct parsed p;
	struct buf file;
	(void)state;
	if (!make("exception-without-thread", &file))
		return;
	assert_int_equal(parsed_try(&p, buf_slice(&file)), OK);
	assert_true(p.dump.exception.is_there);
	assert_false(p.dump.exception.has_registers);
	assert_int_equal(p.dump.exception.parameters[0], 8);
	assert_int_equal(p.dump.flags, 0x41005);
	assert_slice(p.dump.writer, "Microsoft");
	assert_slice(p.dump.os_text, "Service Pack 1");
	assert_true(parsed_is_odd(&p, "the exception's thread 7 is not there"));
	assert_int_equal(p.dump.regions.n, 2);
	assert_int_equal(dump_find_region(&p.dump, 0x20fff)->protection, 0x104);
	parsed_done(&p);
	buf_done(&file);
}

static void
reads_threads_that_share_id_and_stack(void **state)
{
	struct parsed p;
	struct buf file;
	uint8_t bytes[12];
	(void)state;
	if (!make("threads-share-a-stack", &file))
		return;
	assert_int_equal(parsed_try(&p, buf_slice(&file)), OK);
	struct memory memory = dump_memory_of(&p.dump);
	assert_int_equal(p.dump.threads.n, 2);
	assert_int_equal(p.dump.threads.items[1].stack_base, 0xf0004);
	assert_true(memory_bytes(&memory, 0xf0000, bytes, 12));
	assert_memory_equal(bytes, "\x01\x02\x03\x04\x05\x06\x07\x08\x09\x10\x11\x12", 12);
	assert_true(parsed_is_odd(&p, "thread 1: a context of 1 bytes is none of arm64"));
	assert_false(parsed_stream(&p, 0x4d7a0004)->is_read);
	parsed_done(&p);
	buf_done(&file);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_dumps_that_another_reader_reads_equally),
		cmocka_unit_test(reads_real_dumps_as_another_reader_does),
		cmocka_unit_test(reads_modules_that_overlap),
		cmocka_unit_test(reads_an_exception_without_its_thread),
		cmocka_unit_test(reads_threads_that_share_id_and_stack),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
