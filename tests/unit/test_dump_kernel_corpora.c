/* A real triage dump against what another reader, with Microsoft's symbols, said of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/fs.h"
#include "base/reader.h"
#include "dump/bugcheck.h"
#include "dump/kernel.h"
#include "report/code.h"

enum {
	DUMP_BYTES_MAX = 16 * 1024 * 1024,
	PATH_BYTES = 4096
};

static struct {
	bool is_there;
	struct buf file;
	json_t *expected;
	struct arena arena;
	struct kernel_header header;
	struct kernel_triage triage;
	struct dump dump;
} real;

static void
path_of(const char *name, char path[PATH_BYTES])
{
	const char *source = getenv("OPENWER_SOURCE");
	const char *corpora = getenv("OPENWER_CORPORA");
	if (corpora != NULL)
		(void)snprintf(path, PATH_BYTES, "%s/rizin-triage/%s", corpora, name);
	else
		(void)snprintf(path, PATH_BYTES, "%s/../shared/corpora/rizin-triage/%s",
			       source == NULL ? "." : source, name);
}

static int
set_up(void **state)
{
	char path[PATH_BYTES];
	struct err_detail detail = {0};
	(void)state;
	path_of("EXPECTED.json", path);
	json_t *all = json_load_file(path, 0, NULL);
	path_of("triage_x64.dmp", path);
	if (all == NULL || fs_read_file(path, DUMP_BYTES_MAX, &real.file, &detail) != OK) {
		json_decref(all);
		(void)printf("skip: kernel triage dump (no corpora)\n");
		return 0;
	}
	real.expected = json_incref(json_object_get(all, "triage_x64.dmp"));
	json_decref(all);
	arena_init(&real.arena, 16 * 1024 * 1024);
	struct slice file = buf_slice(&real.file);
	assert_int_equal(kernel_header_parse(file, &real.header, &detail), OK);
	assert_int_equal(kernel_triage_parse(file, &real.triage), OK);
	assert_int_equal(kernel_parse(file, &real.arena, &real.dump, &detail), OK);
	real.is_there = true;
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	json_decref(real.expected);
	buf_done(&real.file);
	arena_done(&real.arena);
	return 0;
}

static uint64_t
number_of(const json_t *value)
{
	uint64_t number = 0;
	if (json_is_integer(value))
		return (uint64_t)json_integer_value(value);
	assert_true(slice_hex_to_u64(slice_str(json_string_value(value)), &number));
	return number;
}

struct field {
	const char *name;
	uint64_t value;
};

/* Every key of PART that is a number must be among FIELDS. */
static void
assert_fields(const char *part, const struct field *fields, size_t n)
{
	const char *key;
	json_t *value;
	size_t equal = 0;
	json_object_foreach(json_object_get(real.expected, part), key, value)
	{
		uint64_t number;
		if (!json_is_integer(value) &&
		    !slice_hex_to_u64(slice_str(json_string_value(value)), &number))
			continue;
		size_t i = 0;
		while (i < n && strcmp(fields[i].name, key) != 0)
			i++;
		if (i == n)
			fail_msg("%s: no field %s", part, key);
		if (fields[i].value != number_of(value))
			fail_msg("%s: %s is 0x%" PRIx64, part, key, fields[i].value);
		equal++;
	}
	(void)printf("%s: %zu of %zu equal\n", part, equal, equal);
	assert_true(equal > 0);
}

static void
the_header_is_equal(void **state)
{
	const struct kernel_header *h = &real.header;
	const struct field fields[] = {
		{"MajorVersion", h->major},
		{"MinorVersion", h->minor},
		{"DirectoryTableBase", h->directory_table_base},
		{"PfnDataBase", h->pfn_database},
		{"PsLoadedModuleList", h->loaded_modules},
		{"PsActiveProcessHead", h->active_processes},
		{"MachineImageType", h->machine},
		{"NumberProcessors", h->processors},
		{"BugCheckCode", h->bugcheck.code},
		{"KdDebuggerDataBlock", h->debugger_data},
		{"ProductType", h->product_type},
		{"SuiteMask", h->suite_mask},
	};
	(void)state;
	if (!real.is_there)
		return;
	assert_fields("header", fields, sizeof(fields) / sizeof(fields[0]));
	json_t *expected = json_object_get(real.expected, "header");
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(h->bugcheck.parameters[i],
				 number_of(json_array_get(
					 json_object_get(expected, "BugCheckParameters"), i)));
	assert_string_equal(code_name(CODE_BUGCHECK, h->bugcheck.code),
			    json_string_value(json_object_get(expected, "BugCheckName")));
}

static void
the_triage_block_is_equal(void **state)
{
	const struct kernel_triage *t = &real.triage;
	const struct field fields[] = {
		{"ServicePackBuild", t->service_pack_build},
		{"SizeOfDump", t->dump_bytes},
		{"ValidOffset", t->valid_offset},
		{"ContextOffset", t->context_offset},
		{"ExceptionOffset", t->exception_offset},
		{"MmOffset", t->mm_offset},
		{"UnloadedDriversOffset", t->unloaded_offset},
		{"PrcbOffset", t->prcb_offset},
		{"ProcessOffset", t->process_offset},
		{"ThreadOffset", t->thread_offset},
		{"CallStackOffset", t->call_stack_offset},
		{"SizeOfCallStack", t->call_stack_bytes},
		{"DriverListOffset", t->driver_list_offset},
		{"DriverCount", t->driver_count},
		{"StringPoolOffset", t->string_pool_offset},
		{"StringPoolSize", t->string_pool_bytes},
		{"TriageOptions", t->options},
		{"TopOfStack", t->top_of_stack},
		{"DebuggerDataOffset", t->debugger_data_offset},
		{"DebuggerDataSize", t->debugger_data_bytes},
		{"DataBlocksOffset", t->data_blocks_offset},
		{"DataBlocksCount", t->data_blocks_count},
	};
	(void)state;
	if (!real.is_there)
		return;
	assert_fields("triage", fields, sizeof(fields) / sizeof(fields[0]));
	assert_int_equal(real.dump.modules.n, t->driver_count);
}

static void
the_registers_are_equal(void **state)
{
	struct field fields[AMD64_N + 1];
	(void)state;
	if (!real.is_there)
		return;
	const struct dump_thread *thread = &real.dump.threads.items[0];
	assert_true(thread->has_registers);
	for (unsigned i = 0; i < AMD64_N; i++) {
		fields[i].name = registers_name(ARCH_AMD64, i);
		assert_true(registers_get(&thread->registers, (int)i, &fields[i].value));
	}
	struct reader r;
	reader_init(&r, slice_sub(thread->context, 0x34, 4));
	fields[AMD64_N] = (struct field){"mxcsr", reader_u32(&r)};
	assert_fields("registers", fields, AMD64_N + 1);
}

static bool
is_word_of(struct slice stack, uint64_t address)
{
	struct reader r;
	reader_init(&r, stack);
	while (reader_left(&r) >= 8)
		if (reader_u64(&r) == address)
			return true;
	return false;
}

/* Names of modules there are those of the PDB files. */
static bool
is_module_named(uint64_t address, const char *name)
{
	int module = dump_find_module(&real.dump, address);
	if (module < 0)
		return false;
	struct slice base = dump_base_name(real.dump.modules.items[module].name);
	if (strcmp(name, "ntkrnlmp") == 0)
		name = "ntoskrnl";
	return slice_equal_nocase(slice_sub(base, 0, base.len - 4), slice_str(name));
}

static void
every_frame_is_a_word_of_the_call_stack_in_its_driver(void **state)
{
	(void)state;
	if (!real.is_there)
		return;
	json_t *frames = json_object_get(real.expected, "stack");
	size_t n = json_array_size(frames);
	for (size_t i = 0; i < n; i++) {
		json_t *frame = json_array_get(frames, i);
		uint64_t address = number_of(json_array_get(frame, 0));
		if (i == 0)
			assert_int_equal(address,
					 registers_pc(&real.dump.threads.items[0].registers));
		else if (!is_word_of(real.dump.call_stack, address))
			fail_msg("frame %zu is not on the stack", i);
		if (!is_module_named(address, json_string_value(json_array_get(frame, 1))))
			fail_msg("frame %zu is in another module", i);
	}
	(void)printf("frames: %zu of %zu on the stack and in their module\n", n, n);
}

/* What the other reader does not say, found by hand in the bytes. */
static void
the_rest_is_as_in_the_bytes(void **state)
{
	const struct dump *dump = &real.dump;
	(void)state;
	if (!real.is_there)
		return;
	assert_int_equal(dump->kind, DUMP_KERNEL_TRIAGE);
	assert_true(slice_equal_str(dump->os_version, "10.0.19041"));
	assert_true(slice_equal_str(dump->image_path, "System"));
	assert_int_equal(dump->process_id, 4);
	assert_true(slice_equal_str(dump->cpu, "AuthenticAMD, 3593 MHz"));
	assert_int_equal(dump->unloaded.n, 4);
	assert_true(slice_equal_str(dump->unloaded.items[2].name, "hwpolicy.sys"));
	/* 1,831 data blocks, of which 33 lie in the stack, thread, process and debugger data (four
	 * pieces); two of the 33 begin one, which is cut behind them. */
	assert_int_equal(dump->memory.n, 1831 - 33 + 4 + 2);
	assert_int_equal(dump->threads.n, 16);
	assert_int_equal(dump->threads.items[0].id, 0x108);
	for (size_t i = 0; i < dump->threads.n; i++)
		assert_true(dump->threads.items[i].stack_bytes >= 0x950);
	assert_int_equal(dump->exception.code, 0xc0000005);
	assert_int_equal(dump->exception.address, UINT64_C(0xfffff8048b58334c));
	assert_int_equal(registers_pc(&dump->exception.registers), dump->exception.address);
	int module = dump_find_module(dump, dump->exception.address);
	assert_true(
		slice_equal_str(dump_base_name(dump->modules.items[module].name), "amdppm.sys"));
	size_t secondary = 0;
	for (size_t i = 0; i < dump->streams.n; i++) {
		assert_int_equal(dump->streams.items[i].err, OK);
		secondary += slice_starts_with(slice_str(dump->streams.items[i].name),
					       SLICE_LITERAL("SecondaryData"));
	}
	assert_int_equal(secondary, 20);
}

/* As if the bug check had only named the instruction: the trap frame that the processor saved for
 * it agrees with the context record, but for what a trap frame does not keep. */
static void
the_trap_frame_on_the_stack_agrees_with_the_context(void **state)
{
	struct err_detail detail;
	struct arena arena;
	struct dump dump;
	(void)state;
	if (!real.is_there)
		return;
	real.file.data[0x38] = 0xd1; /* the code, ... */
	real.file.data[0x3b] = 0;
	memcpy(real.file.data + 0x58, real.file.data + 0x48, 8); /* ... the instruction, ... */
	real.file.data[0x50] = 1;
	memset(real.file.data + 0x51, 0, 7);      /* ... a write */
	memset(real.file.data + 0x348, 0, 0x4d0); /* and no context in the header */
	arena_init(&arena, 16 * 1024 * 1024);
	assert_int_equal(kernel_parse(buf_slice(&real.file), &arena, &dump, &detail), OK);
	assert_int_equal(dump.exception.address, real.dump.exception.address);
	unsigned equal = 0;
	for (int i = 0; i < AMD64_N; i++) {
		uint64_t value, expected;
		if (!registers_get(&dump.exception.registers, i, &value))
			continue;
		assert_true(registers_get(&real.dump.exception.registers, i, &expected));
		assert_int_equal(value, expected);
		equal++;
	}
	assert_int_equal(equal, 11);
	(void)printf("trap frame: %u registers equal\n", equal);
	arena_done(&arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_header_is_equal),
		cmocka_unit_test(the_triage_block_is_equal),
		cmocka_unit_test(the_registers_are_equal),
		cmocka_unit_test(every_frame_is_a_word_of_the_call_stack_in_its_driver),
		cmocka_unit_test(the_rest_is_as_in_the_bytes),
		cmocka_unit_test(the_trap_frame_on_the_stack_agrees_with_the_context),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
