#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/text.h"
#include "minidump_fixture.h"

/* A process's own blocks, at fixed addresses. */
enum {
	TEB = 0x7ffd0000,
	TEB_32 = 0x7ffe0000,
	PEB = 0x7ffc0000,
	PEB_32 = 0x7ffb0000,
	PARAMETERS = 0x20000,
	TEXTS = 0x30000,
	ENVIRONMENT = 0x40000,
	IMAGE = 0x10000000,
	BLOCK_BYTES = 0x1000
};

struct process {
	unsigned pointer_bytes;
	uint8_t teb[BLOCK_BYTES], peb[BLOCK_BYTES], parameters[BLOCK_BYTES], texts[BLOCK_BYTES];
	size_t texts_len;
};

static void
set(uint8_t *block, size_t at, uint64_t value, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		block[at + i] = (uint8_t)(value >> (8 * i));
}

static void
set_pointer(const struct process *p, uint8_t *block, size_t at, uint64_t value)
{
	set(block, at, value, p->pointer_bytes);
}

static size_t
utf16(const char *text, size_t len, uint8_t *out)
{
	for (size_t i = 0; i < len; i++)
		set(out, 2 * i, (uint8_t)text[i], 2);
	return 2 * len;
}

/* A UNICODE_STRING at AT, its text among the texts. */
static void
set_text(struct process *p, size_t at, const char *text, bool is_normalized)
{
	size_t bytes = utf16(text, strlen(text), p->texts + p->texts_len);
	uint64_t address = TEXTS + p->texts_len;
	set(p->parameters, at, bytes, 2);
	set(p->parameters, at + 2, bytes + 2, 2);
	set_pointer(p, p->parameters, at + p->pointer_bytes,
		    is_normalized ? address : address - PARAMETERS);
	p->texts_len += bytes + 2;
}

static void
fill_narrow(struct process *p, bool is_normalized)
{
	p->pointer_bytes = 4;
	set(p->teb, 0x04, 0x7f1000, 4);
	set(p->teb, 0x08, 0x7ee000, 4);
	set(p->teb, 0x18, TEB, 4);
	set(p->teb, 0x30, PEB, 4);
	set(p->teb, 0x34, 5, 4);
	set(p->peb, 0x08, IMAGE, 4);
	set(p->peb, 0x10, PARAMETERS, 4);
	set(p->parameters, 0x08, is_normalized, 4);
	set_text(p, 0x24, "C:\\work\\", is_normalized);
	set_text(p, 0x38, "C:\\windows\\app.exe", is_normalized);
	set_text(p, 0x40, "app.exe --secret", is_normalized);
	set(p->parameters, 0x48, ENVIRONMENT, 4);
}

static void
fill_wide(struct process *p)
{
	p->pointer_bytes = 8;
	set(p->teb, 0x08, 0x7f1000, 8);
	set(p->teb, 0x10, 0x7ee000, 8);
	set(p->teb, 0x30, TEB, 8);
	set(p->teb, 0x60, PEB, 8);
	set(p->teb, 0x68, 5, 4);
	set(p->peb, 0x10, IMAGE, 8);
	set(p->peb, 0x20, PARAMETERS, 8);
	set(p->parameters, 0x08, 1, 4);
	set_text(p, 0x38, "C:\\work\\", true);
	set_text(p, 0x60, "C:\\windows\\app.exe", true);
	set_text(p, 0x70, "app.exe --secret", true);
	set(p->parameters, 0x80, ENVIRONMENT, 8);
}

static struct minidump_builder *
build_process(const struct process *p, struct slice environment)
{
	struct minidump_builder *b =
		build_crash(p->pointer_bytes == 4 ? ARCH_X86 : ARCH_AMD64, DUMP_OS_WINDOWS);
	minidump_builder_memory(b, TEB, slice_of(p->teb, BLOCK_BYTES));
	minidump_builder_memory(b, PEB, slice_of(p->peb, BLOCK_BYTES));
	minidump_builder_memory(b, PARAMETERS, slice_of(p->parameters, BLOCK_BYTES));
	minidump_builder_memory(b, TEXTS, slice_of(p->texts, p->texts_len));
	minidump_builder_memory(b, ENVIRONMENT, environment);
	return b;
}

static const char environment_text[] = "=C:=C:\\work\0PATH=C:\\windows\0KEY=s3cret\0\0";

static struct slice
environment(uint8_t out[2 * sizeof(environment_text)])
{
	return slice_of(out, utf16(environment_text, sizeof(environment_text) - 1, out));
}

static void
assert_process(const struct parsed *p)
{
	assert_slice(p->dump.image_path, "C:\\windows\\app.exe");
	assert_slice(p->dump.command_line, "app.exe --secret");
	assert_slice(p->dump.current_folder, "C:\\work\\");
	assert_slice(p->dump.environment, "=C:=C:\\work\nPATH=C:\\windows\nKEY=s3cret\n");
	assert_false(p->dump.modules.items[0].is_main);
	assert_true(p->dump.modules.items[1].is_main);
}

static void
reads_the_process_of_x86(void **state)
{
	(void)state;
	for (int is_normalized = 0; is_normalized <= 1; is_normalized++) {
		struct process process = {0};
		struct parsed p;
		uint8_t bytes[2 * sizeof(environment_text)];
		fill_narrow(&process, is_normalized != 0);
		struct minidump_builder *b = build_process(&process, environment(bytes));
		parsed_build(&p, b);
		assert_process(&p);
		assert_int_equal(p.dump.threads.items[0].last_error, 5);
		parsed_done(&p);
		minidump_builder_free(b);
	}
}

static void
reads_the_process_of_amd64_and_arm64(void **state)
{
	(void)state;
	for (int is_arm = 0; is_arm <= 1; is_arm++) {
		struct process process = {0};
		struct parsed p;
		uint8_t bytes[2 * sizeof(environment_text)];
		fill_wide(&process);
		struct minidump_builder *b = build_process(&process, environment(bytes));
		if (is_arm != 0)
			b->system.architecture = 12;
		parsed_build(&p, b);
		assert_process(&p);
		assert_int_equal(p.dump.threads.items[0].last_error, 5);
		parsed_done(&p);
		minidump_builder_free(b);
	}
}

/* The narrow TEB is what a 32-bit program's code sees, so its last error counts. */
static void
reads_the_narrow_blocks_of_a_32_bit_program(void **state)
{
	struct process process = {0};
	struct process inner = {0};
	struct parsed p;
	uint8_t bytes[2 * sizeof(environment_text)];
	(void)state;
	fill_wide(&process);
	fill_narrow(&inner, true);
	set(process.teb, 0x00, TEB_32, 8);
	set(inner.teb, 0x18, TEB_32, 4);
	set(inner.teb, 0x30, PEB_32, 4);
	set(inner.teb, 0x34, 1400, 4);
	struct minidump_builder *b = build_process(&process, environment(bytes));
	minidump_builder_memory(b, TEB_32, slice_of(inner.teb, BLOCK_BYTES));
	parsed_build(&p, b);
	assert_process(&p);
	assert_int_equal(p.dump.threads.items[0].last_error, 1400);
	parsed_done(&p);
	minidump_builder_free(b);
	/* Without the wide PEB the narrow one is asked. */
	struct process lost = {0};
	fill_narrow(&lost, true);
	memcpy(lost.teb, process.teb, BLOCK_BYTES);
	set(lost.teb, 0x60, 0x66660000, 8);
	b = build_process(&lost, environment(bytes));
	b->system.architecture = 9;
	minidump_builder_memory(b, TEB_32, slice_of(inner.teb, BLOCK_BYTES));
	minidump_builder_memory(b, PEB_32, slice_of(lost.peb, BLOCK_BYTES));
	parsed_build(&p, b);
	assert_process(&p);
	parsed_done(&p);
	minidump_builder_free(b);
}

static void
does_not_take_other_memory_for_a_teb(void **state)
{
	struct process process = {0};
	struct parsed p;
	uint8_t bytes[2 * sizeof(environment_text)];
	(void)state;
	fill_wide(&process);
	set(process.teb, 0x30, TEB + 8, 8);
	struct minidump_builder *b = build_process(&process, environment(bytes));
	parsed_build(&p, b);
	assert_true(slice_is_absent(p.dump.command_line));
	assert_true(slice_is_absent(p.dump.environment));
	assert_int_equal(p.dump.threads.items[0].last_error, 0);
	assert_slice(p.dump.image_path, "C:\\app\\app.exe");
	parsed_done(&p);
	minidump_builder_free(b);
}

static void
reads_as_much_of_an_environment_as_there_is(void **state)
{
	struct process process = {0};
	struct parsed p;
	uint8_t bytes[2 * sizeof(environment_text)];
	(void)state;
	fill_wide(&process);
	struct slice whole = environment(bytes);
	struct minidump_builder *b = build_process(&process, slice_sub(whole, 0, 31));
	parsed_build(&p, b);
	assert_slice(p.dump.environment, "=C:=C:\\work\nPA\n");
	parsed_done(&p);
	minidump_builder_free(b);
	b = build_process(&process, slice_sub(whole, whole.len - 4, 4));
	parsed_build(&p, b);
	assert_true(slice_is_absent(p.dump.environment));
	parsed_done(&p);
	minidump_builder_free(b);
}

static void
passes_over_texts_that_are_not_there(void **state)
{
	struct process process = {0};
	struct parsed p;
	uint8_t bytes[2 * sizeof(environment_text)];
	(void)state;
	fill_wide(&process);
	set(process.parameters, 0x60, 0, 2);            /* image path: empty */
	set(process.parameters, 0x78, 0x6666000000, 8); /* command line: elsewhere */
	set(process.parameters, 0x80, 0, 8);            /* no environment */
	struct minidump_builder *b = build_process(&process, environment(bytes));
	parsed_build(&p, b);
	assert_slice(p.dump.image_path, "C:\\windows\\ntdll.dll");
	assert_true(slice_is_absent(p.dump.command_line));
	assert_true(slice_is_absent(p.dump.environment));
	assert_slice(p.dump.current_folder, "C:\\work\\");
	parsed_done(&p);
	minidump_builder_free(b);
}

/* Full dumps list memory, and leave it to the reader where in it the stacks are. */
static void
finds_the_stacks_of_full_dumps(void **state)
{
	struct process process = {0};
	struct registers registers = {.arch = ARCH_AMD64};
	struct built_thread thread = {.id = 77, .teb = TEB, .registers = &registers};
	struct parsed p;
	static const uint8_t stack[0x3000];
	(void)state;
	fill_wide(&process);
	for (int has_teb = 0; has_teb <= 1; has_teb++) {
		struct minidump_builder *b = minidump_builder_new(ARCH_AMD64, DUMP_OS_WINDOWS);
		registers_set(&registers, AMD64_RSP, 0x7ef100);
		b->is_memory_64 = true;
		minidump_builder_thread(b, &thread);
		minidump_builder_memory(b, 0x7ee000, slice_of(stack, sizeof(stack)));
		if (has_teb != 0)
			minidump_builder_memory(b, TEB, slice_of(process.teb, BLOCK_BYTES));
		parsed_build(&p, b);
		assert_int_equal(p.dump.threads.items[0].stack_base,
				 has_teb != 0 ? 0x7ee000 : 0x7ef100);
		assert_int_equal(p.dump.threads.items[0].stack_bytes,
				 has_teb != 0 ? 0x3000 : 0x1f00);
		parsed_done(&p);
		minidump_builder_free(b);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_the_process_of_x86),
		cmocka_unit_test(reads_the_process_of_amd64_and_arm64),
		cmocka_unit_test(reads_the_narrow_blocks_of_a_32_bit_program),
		cmocka_unit_test(does_not_take_other_memory_for_a_teb),
		cmocka_unit_test(reads_as_much_of_an_environment_as_there_is),
		cmocka_unit_test(passes_over_texts_that_are_not_there),
		cmocka_unit_test(finds_the_stacks_of_full_dumps),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
