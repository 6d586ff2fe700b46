/* Modules, system, registers and crash as other programs reported them of the same dumps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dump_corpora.h"
#include "ext/json.h"
#include "minidump_fixture.h"

#define JSON_SNAPSHOTS "rust-minidump/minidump-stackwalk/tests/snapshots/test_minidump_stackwalk__"
#define YAML_SNAPSHOTS                                                                             \
	"symbolicator-mit/crates/symbolicator-native/tests/integration/snapshots/"                 \
	"integration__process_minidump__"

struct snapshot {
	struct buf dump;
	struct buf text;
	struct parsed parsed;
	size_t n_equal;
};

static bool
snapshot_open(struct snapshot *s, const char *dump, const char *text)
{
	*s = (struct snapshot){.n_equal = 0};
	if (!corpora_read(dump, &s->dump))
		return false;
	if (!corpora_read(text, &s->text)) {
		buf_done(&s->dump);
		return false;
	}
	assert_int_equal(parsed_try(&s->parsed, buf_slice(&s->dump)), OK);
	return true;
}

static void
snapshot_done(struct snapshot *s, const char *name, size_t least)
{
	(void)printf("%s: %zu values equal\n", name, s->n_equal);
	assert_true(s->n_equal >= least);
	parsed_done(&s->parsed);
	buf_done(&s->dump);
	buf_done(&s->text);
}

static void
check_text(struct snapshot *s, struct slice ours, struct slice theirs)
{
	if (!slice_equal_nocase(ours, theirs))
		fail_msg("\"%.*s\", not \"%.*s\"", SLICE_ARGS(ours), SLICE_ARGS(theirs));
	s->n_equal++;
}

static void
check_number(struct snapshot *s, uint64_t ours, struct slice theirs)
{
	uint64_t number;
	assert_true(slice_hex_to_u64(theirs, &number));
	if (ours != number)
		fail_msg("0x%lx, not %.*s", (unsigned long)ours, SLICE_ARGS(theirs));
	s->n_equal++;
}

static const struct dump_module *
module_at(const struct snapshot *s, struct slice base)
{
	uint64_t number;
	assert_true(slice_hex_to_u64(base, &number));
	int index = dump_find_module(&s->parsed.dump, number);
	if (index < 0)
		fail_msg("no module at %.*s", SLICE_ARGS(base));
	return &s->parsed.dump.modules.items[index];
}

/* ---- JSON ---- */

static void
check_json_modules(struct snapshot *s, const struct json *modules)
{
	assert_int_equal(json_count(modules), s->parsed.dump.modules.n);
	for (size_t i = 0; i < json_count(modules); i++) {
		const struct json *theirs = json_at(modules, i);
		const struct dump_module *ours =
			module_at(s, json_text(json_find(theirs, "base_addr")));
		struct slice debug_file = json_text(json_find(theirs, "debug_file"));
		check_number(s, ours->base, json_text(json_find(theirs, "base_addr")));
		check_number(s, ours->base + ours->bytes, json_text(json_find(theirs, "end_addr")));
		check_text(s, dump_base_name(ours->name), json_text(json_find(theirs, "filename")));
		check_text(s, ours->version, json_text(json_find(theirs, "version")));
		check_text(s, ours->code_id, json_text(json_find(theirs, "code_id")));
		/* Where there is no identity they print one of zeros. */
		if (!slice_is_absent(ours->debug_id))
			check_text(s, ours->debug_id, json_text(json_find(theirs, "debug_id")));
		/* Where the dump names no file they take the module's own name. */
		if (!slice_is_absent(ours->debug_name))
			check_text(s, dump_base_name(ours->debug_name), debug_file);
	}
}

static void
check_json_registers(struct snapshot *s, const struct json *root)
{
	const struct registers *registers = &s->parsed.dump.exception.registers;
	const struct json *frames = json_find(json_find(root, "crashing_thread"), "frames");
	const struct json *theirs = json_find(json_at(frames, 0), "registers");
	for (unsigned i = 0; i < registers_count(registers->arch); i++) {
		const struct json *value = json_find(theirs, registers_name(registers->arch, i));
		if (value != NULL)
			check_number(s, registers->value[i], json_text(value));
	}
}

static void
compare_json(const char *dump, const char *name, size_t least)
{
	struct snapshot s;
	struct json *root;
	struct err_detail detail;
	char path[256];
	int64_t number;
	(void)snprintf(path, sizeof(path), JSON_SNAPSHOTS "%s.snap", name);
	if (!snapshot_open(&s, dump, path))
		return;
	struct slice text = buf_slice(&s.text);
	const uint8_t *from = memmem(text.data, text.len, "\n---\n", 5);
	assert_non_null(from);
	size_t skipped = (size_t)(from - text.data) + 5;
	assert_int_equal(json_parse(slice_sub(text, skipped, SIZE_MAX), &root, &detail), OK);
	check_json_modules(&s, json_find(root, "modules"));
	check_json_registers(&s, root);
	assert_true(json_to_i64(json_find(root, "pid"), &number));
	assert_int_equal(number, s.parsed.dump.process_id);
	assert_true(json_to_i64(json_find(root, "thread_count"), &number));
	assert_int_equal(number, s.parsed.dump.threads.n);
	const struct json *system = json_find(root, "system_info");
	check_text(&s, slice_str(arch_name(s.parsed.dump.arch)),
		   json_text(json_find(system, "cpu_arch")));
	assert_true(json_to_i64(json_find(system, "cpu_count"), &number));
	assert_int_equal(number, s.parsed.dump.processors);
	assert_true(slice_starts_with(json_text(json_find(system, "os_ver")),
				      s.parsed.dump.os_version));
	const struct json *crash = json_find(root, "crash_info");
	uint64_t fault = s.parsed.dump.os == DUMP_OS_WINDOWS ? s.parsed.dump.exception.parameters[1]
							     : s.parsed.dump.exception.address;
	check_number(&s, fault, json_text(json_find(crash, "address")));
	assert_true(json_to_i64(json_find(crash, "crashing_thread"), &number));
	assert_int_equal(number, dump_crashing_thread(&s.parsed.dump));
	json_free(root);
	snapshot_done(&s, name, least);
}

static void
agrees_with_reports_in_json(void **state)
{
	(void)state;
	compare_json("rust-minidump/testdata/test.dmp", "json-pretty", 90);
	compare_json("rust-minidump/testdata/linux-mini.dmp", "linux_json_pretty", 60);
}

/* ---- YAML ---- */

static struct slice
plain(struct slice value)
{
	value = slice_trim(value);
	if (value.len >= 2 && value.data[0] == '"')
		value = slice_sub(value, 1, value.len - 2);
	return value;
}

/* They print GUIDs with hyphens, and an age only when it is not 0. */
static void
check_debug_id(struct snapshot *s, const struct dump_module *module, struct slice theirs)
{
	char ours[64];
	size_t n = 0;
	for (size_t i = 0; i < theirs.len && n < sizeof(ours) - 1; i++)
		if (theirs.data[i] != '-')
			ours[n++] = (char)theirs.data[i];
	check_text(s, slice_sub(module->debug_id, 0, 32), slice_of(ours, n));
}

struct yaml_module {
	struct slice code_id, code_file, debug_id, debug_file, base;
};

static void
check_yaml_module(struct snapshot *s, const struct yaml_module *theirs, struct slice size)
{
	const struct dump_module *ours = module_at(s, theirs->base);
	uint64_t bytes;
	check_number(s, ours->base, theirs->base);
	assert_true(slice_to_u64(size, &bytes));
	assert_int_equal(bytes, ours->bytes);
	check_text(s, ours->name, theirs->code_file);
	if (!slice_is_absent(theirs->code_id))
		check_text(s, ours->code_id, theirs->code_id);
	if (!slice_is_absent(ours->debug_id))
		check_debug_id(s, ours, theirs->debug_id);
	if (!slice_is_absent(ours->debug_name))
		check_text(s, dump_base_name(ours->debug_name), theirs->debug_file);
}

/* The lines of a module, in the order of the file; the size is its last. */
static void
read_module_line(struct snapshot *s, struct yaml_module *module, struct slice name,
		 struct slice value)
{
	if (slice_equal_str(name, "code_id"))
		module->code_id = value;
	else if (slice_equal_str(name, "code_file"))
		module->code_file = value;
	else if (slice_equal_str(name, "debug_id"))
		module->debug_id = value;
	else if (slice_equal_str(name, "debug_file"))
		module->debug_file = value;
	else if (slice_equal_str(name, "image_addr"))
		module->base = value;
	else if (slice_equal_str(name, "image_size"))
		check_yaml_module(s, module, value);
}

static void
compare_yaml(const char *dump, const char *name, size_t least)
{
	struct snapshot s;
	struct slice line;
	struct yaml_module module = {.base = {0}};
	char path[256];
	bool is_in_registers = false;
	bool is_in_modules = false;
	(void)snprintf(path, sizeof(path), YAML_SNAPSHOTS "%s.snap", name);
	if (!snapshot_open(&s, dump, path))
		return;
	const struct registers *registers = &s.parsed.dump.exception.registers;
	struct slice rest = buf_slice(&s.text);
	while (slice_cut(rest, '\n', &line, &rest)) {
		struct slice key;
		struct slice value;
		if (slice_equal_str(line, "modules:"))
			is_in_modules = true;
		if (!slice_cut(line, ':', &key, &value))
			continue;
		bool is_item = slice_starts_with(line, SLICE_LITERAL("  - "));
		if (is_in_modules && is_item)
			module = (struct yaml_module){.base = {0}};
		key = slice_trim(key);
		value = plain(value);
		is_in_registers = slice_equal_str(key, "registers") ||
				  (is_in_registers && !slice_equal_str(key, "frames"));
		int index = registers_find(registers->arch, key);
		if (is_in_modules)
			read_module_line(&s, &module, key, value);
		else if (is_in_registers && index >= 0)
			check_number(&s, registers->value[index], value);
		else if (slice_equal_str(key, "os_version"))
			check_text(&s, s.parsed.dump.os_version, value);
	}
	snapshot_done(&s, name, least);
}

static void
agrees_with_reports_in_yaml(void **state)
{
	(void)state;
	compare_yaml("symbolicator-mit/tests/fixtures/linux.dmp", "minidump_linux", 50);
	compare_yaml("symbolicator-mit/tests/fixtures/macos.dmp", "minidump_macos", 150);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(agrees_with_reports_in_json),
		cmocka_unit_test(agrees_with_reports_in_yaml),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
