/* Real dumps: what is known of each, and that none of their cuts does harm. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <time.h>

#include "base/text.h"
#include "base/time.h"
#include "dump/context.h"
#include "dump/dump_json.h"
#include "dump/exception.h"
#include "dump_corpora.h"
#include "minidump_fixture.h"

/* A file of the corpora, parsed. */
struct real {
	struct buf file;
	struct parsed parsed;
	const struct dump *dump;
};

static bool
real_open(struct real *r, const char *name)
{
	if (!corpora_read(name, &r->file))
		return false;
	if (parsed_try(&r->parsed, buf_slice(&r->file)) != OK)
		fail_msg("%s: %s", name, r->parsed.detail.why);
	r->dump = &r->parsed.dump;
	return true;
}

static void
real_done(struct real *r)
{
	parsed_done(&r->parsed);
	buf_done(&r->file);
}

/* ---- robustness ---- */

/* Parses, and asks everything that can be asked.  Returns how long it took, in microseconds. */
static int64_t
use_all(struct slice file)
{
	struct parsed p;
	int64_t from_us = time_monotonic_us();
	if (parsed_try(&p, file) == OK) {
		struct json *object = json_new_object();
		struct buf out;
		buf_init(&out, 256 << 20);
		dump_put_json(&p.dump, object);
		json_format_line(object, true, &out);
		assert_int_equal(buf_error(&out), OK);
		buf_done(&out);
		json_free(object);
	} else {
		assert_true(p.detail.why[0] != 0);
	}
	parsed_done(&p);
	return time_monotonic_us() - from_us;
}

static void
cut_at_every_length(struct slice file)
{
	enum {
		SHORT = 4096
	};
	for (size_t len = 0; len < SHORT && len < file.len; len++) {
		struct parsed p;
		err_t err = parsed_try(&p, slice_sub(file, 0, len));
		assert_true(err == OK || p.detail.why[0] != 0);
		parsed_done(&p);
	}
}

static void
cut_at_stream_borders(struct slice file)
{
	struct parsed p;
	if (parsed_try(&p, file) != OK) {
		parsed_done(&p);
		return;
	}
	for (size_t i = 0; i < p.dump.streams.n; i++) {
		const struct dump_stream *stream = &p.dump.streams.items[i];
		uint64_t borders[] = {stream->offset, stream->offset + stream->bytes};
		for (size_t k = 0; k < 2; k++) {
			for (uint64_t len = borders[k] - 1; len != borders[k] + 2; len++)
				(void)use_all(slice_sub(file, 0, (size_t)len));
		}
	}
	parsed_done(&p);
}

static void
survives_every_cut_of_every_real_dump(void **state)
{
	const struct corpora_list *list = corpora_dumps();
	int64_t longest_us = 0;
	(void)state;
	for (size_t i = 0; i < list->n; i++) {
		struct err_detail detail;
		struct buf file;
		assert_int_equal(fs_read_file(list->names[i], CORPORA_FILE_BYTES, &file, &detail),
				 OK);
		int64_t took_us = use_all(buf_slice(&file));
		longest_us = took_us > longest_us ? took_us : longest_us;
		cut_at_every_length(buf_slice(&file));
		cut_at_stream_borders(buf_slice(&file));
		buf_done(&file);
	}
	(void)printf("%zu dumps, the longest %ld us\n", list->n, (long)longest_us);
	corpora_list_done();
}

static void
answers_broken_dumps_at_once(void **state)
{
	static const struct {
		const char *name;
		err_t err;
		uint64_t offset;
	} rows[] = {
		{"radare2-testbins/fuzzed/npe_r_mdmp.c-364_1.mdmp", ERR_TRUNCATED, 0xffff00},
		{"radare2-testbins/mdmp/trunc_memory64.dmp", OK, 0},
		{"rust-minidump/testdata/invalid-range.dmp", OK, 0},
		{"rust-minidump/testdata/invalid-record-count.dmp", OK, 0},
		{"rizin-triage/triage_x64.dmp", ERR_CORRUPT, 0},
		{"breakpad/microdump-arm64.dmp", ERR_CORRUPT, 0},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buf file;
		struct parsed p;
		if (!corpora_read(rows[i].name, &file))
			continue;
		/* Of the processor, so that a busy machine does not count. */
		clock_t from = clock();
		assert_int_equal(parsed_try(&p, buf_slice(&file)), rows[i].err);
		assert_true(clock() - from < CLOCKS_PER_SEC / 10);
		assert_int_equal(p.detail.offset, rows[i].offset);
		assert_true(p.arena.used_bytes < 1 << 20);
		if (rows[i].err == OK) {
			size_t n_wrong = 0;
			for (size_t k = 0; k < p.dump.streams.n; k++)
				n_wrong += p.dump.streams.items[k].err != OK;
			assert_true(n_wrong > 0);
		}
		parsed_done(&p);
		buf_done(&file);
	}
}

/* ---- module identity ---- */

static void
assert_module(const struct real *r, size_t index, const char *name, const char *debug_id)
{
	assert_true(index < r->dump->modules.n);
	const struct dump_module *module = &r->dump->modules.items[index];
	if (name != NULL)
		assert_slice(module->name, name);
	if (debug_id == NULL)
		assert_true(slice_is_absent(module->debug_id));
	else
		assert_slice(module->debug_id, debug_id);
}

static void
knows_no_identity_by_zeros(void **state)
{
	struct real r;
	(void)state;
	if (!real_open(&r, "derived-yaml2obj/linux-arm-zero-uuids.dmp"))
		return;
	assert_int_equal(r.dump->modules.n, 2);
	assert_module(&r, 0, "/file/does/not/exist/a", NULL);
	assert_module(&r, 1, "/file/does/not/exist/b", NULL);
	real_done(&r);
}

static void
keeps_two_paths_of_one_identity(void **state)
{
	struct real r;
	(void)state;
	if (!real_open(&r, "derived-yaml2obj/linux-arm-same-uuids.dmp"))
		return;
	assert_int_equal(r.dump->modules.n, 2);
	assert_true(
		slice_equal(r.dump->modules.items[0].debug_id, r.dump->modules.items[1].debug_id));
	assert_false(slice_is_absent(r.dump->modules.items[0].debug_id));
	assert_true(slice_starts_with(r.dump->modules.items[0].debug_id,
				      SLICE_LITERAL("44332211221144331122334411223344")));
	real_done(&r);
}

static void
keeps_the_first_bytes_of_a_build_id(void **state)
{
	static const struct {
		const char *name;
		const char *bytes;
	} rows[] = {
		{"derived-yaml2obj/linux-arm-partial-uuids-match.dmp", "\x72\x95\xe1\x7c"},
		{"derived-yaml2obj/linux-arm-partial-uuids-mismatch.dmp", "\x72\x95\xe1\x7c"},
	};
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct real r;
		if (!real_open(&r, rows[i].name))
			continue;
		const struct dump_module *module = &r.dump->modules.items[0];
		assert_int_equal(module->build_id.len, 16);
		assert_memory_equal(module->build_id.data, rows[i].bytes, 4);
		real_done(&r);
	}
}

static void
reads_identities_of_other_writers(void **state)
{
	struct real r;
	(void)state;
	if (real_open(&r, "derived-yaml2obj/macos-arm-uuids-no-age.dmp")) {
		assert_module(&r, 0, NULL, "0403020106050807090A0B0C0D0E0F100");
		real_done(&r);
	}
	if (real_open(&r, "derived-yaml2obj/linux-x86_64.dmp")) {
		assert_int_equal(r.dump->modules.items[0].build_id.len, 20);
		assert_int_equal(r.dump->modules.items[0].code_id.len, 40);
		real_done(&r);
	}
	if (real_open(&r, "derived-yaml2obj/disassemble-no-module.dmp")) {
		assert_int_equal(r.dump->modules.items[0].build_id.len, 20);
		real_done(&r);
	}
	if (real_open(&r, "derived-yaml2obj/find-module.dmp.dmp")) {
		assert_true(slice_starts_with(r.dump->modules.items[0].debug_id,
					      SLICE_LITERAL("897DD83E")));
		assert_true(slice_ends_with(r.dump->modules.items[0].debug_id, SLICE_LITERAL("1")));
		assert_int_equal(r.dump->modules.items[0].debug_id.len, 33);
		real_done(&r);
	}
	if (real_open(&r, "derived-yaml2obj/relative_module_name.dmp")) {
		assert_true(r.dump->modules.items[0].name.len > 0);
		assert_true(slice_is_absent(r.dump->modules.items[0].debug_id));
		real_done(&r);
	}
}

static void
reads_registers_of_both_arm_systems(void **state)
{
	static const char *const names[] = {"derived-yaml2obj/arm-linux.dmp",
					    "derived-yaml2obj/arm-macos.dmp"};
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct real r;
		if (!real_open(&r, names[i]))
			continue;
		const struct registers *registers = &r.dump->threads.items[0].registers;
		assert_int_equal(registers->arch, ARCH_ARM);
		for (int k = 0; k < 16; k++) {
			uint64_t value;
			assert_true(registers_get(registers, k, &value));
			assert_int_equal(value, k + 1);
		}
		assert_int_equal(registers->value[ARM_CPSR], 0x11223344);
		real_done(&r);
	}
}

static void
takes_no_signal_for_no_crash(void **state)
{
	struct real r;
	(void)state;
	if (!real_open(&r, "derived-yaml2obj/linux-x86_64_null_signal.dmp"))
		return;
	assert_false(r.dump->exception.is_there);
	assert_int_equal(r.dump->requesting_thread, 8567);
	assert_true(parsed_is_odd(&r.parsed, "a context of 2 bytes"));
	real_done(&r);
}

/* ---- what is known of single dumps ---- */

static void
reads_a_dump_of_windows_7(void **state)
{
	struct real r;
	size_t n_unused = 0;
	(void)state;
	if (!real_open(&r, "radare2-testbins/mdmp/calc.dmp"))
		return;
	assert_int_equal(r.dump->threads.n, 5);
	assert_int_equal(r.dump->modules.n, 28);
	assert_int_equal(r.dump->memory.n, 9);
	assert_int_equal(r.dump->streams.n, 13);
	for (size_t i = 0; i < 13; i++) {
		n_unused += r.dump->streams.items[i].type == 0;
		assert_int_equal(r.dump->streams.items[i].err, OK);
	}
	assert_int_equal(n_unused, 4);
	assert_int_equal(r.dump->exception.code, 0x80000003);
	assert_int_equal(r.dump->exception.address, 0x7776ae10);
	assert_slice(r.dump->os_version, "6.1.7601");
	assert_slice(r.dump->os_text, "Service Pack 1");
	assert_slice(r.dump->integrity, "medium");
	assert_true(slice_starts_with(r.dump->user, SLICE_LITERAL("S-1-5-21-")));
	assert_slice(parsed_fact(&r.parsed, "system_memory.physical_pages"), "1048446");
	assert_slice(parsed_fact(&r.parsed, "vm.page_faults"), "8177");
	assert_slice(r.dump->writer, "Microsoft");
	real_done(&r);
}

static void
reads_a_dump_of_windows_11_with_shadow_stacks(void **state)
{
	struct real r;
	uint64_t pointer = 0;
	(void)state;
	if (!real_open(&r, "breakpad/tiny-exe-with-cet-xsave.dmp"))
		return;
	const struct dump_thread *thread = &r.dump->threads.items[0];
	assert_int_equal(thread->context.len, 0x57f);
	assert_true(context_shadow_stack(CONTEXT_AMD64, thread->context, &pointer));
	assert_true(pointer == UINT64_C(0xcbc83fefc8));
	assert_false(r.dump->exception.is_there);
	assert_int_equal(dump_crashing_thread(r.dump), -1);
	assert_int_equal(r.dump->regions.n, 557);
	assert_int_equal(r.dump->handles.n, 147);
	assert_int_equal(r.dump->unloaded.n, 1);
	assert_slice(r.dump->writer, "Crashpad");
	/* Out of its PEB: their lengths, not the texts of somebody's machine. */
	assert_int_equal(r.dump->command_line.len, 56);
	assert_true(r.dump->environment.len > 1000);
	assert_slice(r.dump->image_path, "C:\\src\\crashpad\\tiny.exe");
	real_done(&r);
}

static void
reads_memory_lists_of_64_bits(void **state)
{
	struct real r;
	(void)state;
	if (!real_open(&r, "lldb/unittests/Process/minidump/Inputs/regions-memlist64.dmp"))
		return;
	assert_int_equal(r.dump->memory.n, 2);
	assert_int_equal(r.dump->memory.items[0].base, 0x1000);
	assert_int_equal(r.dump->memory.items[0].bytes.len, 16);
	assert_int_equal(r.dump->memory.items[1].base, 0x2000);
	assert_int_equal(r.dump->memory.items[1].bytes.len, 32);
	assert_int_equal(r.dump->arch, ARCH_ARM64);
	assert_int_equal(r.dump->process_id, 123);
	real_done(&r);
}

static void
reads_a_dump_of_many_mappings(void **state)
{
	struct real r;
	(void)state;
	if (!real_open(&r, "node-minidump/linux.dmp"))
		return;
	assert_int_equal(r.dump->threads.n, 11);
	assert_int_equal(r.dump->modules.n, 187);
	assert_int_equal(r.dump->n_modules_by_base, 187);
	for (size_t i = 0; i < r.dump->threads.n; i++)
		assert_true(r.dump->threads.items[i].has_registers);
	assert_int_equal(r.dump->regions.n, 520);
	real_done(&r);
}

static void
tells_who_sent_a_signal(void **state)
{
	struct real r;
	struct buf name;
	struct buf text;
	(void)state;
	if (!real_open(&r, "breakpad/linux_overflow.dmp"))
		return;
	buf_init(&name, 4096);
	buf_init(&text, 4096);
	exception_describe(r.dump, &name, &text);
	assert_slice(buf_slice(&name), "SIGABRT");
	assert_non_null(memmem(text.data, text.len, "sent by itself, user 1000", 25));
	buf_done(&name);
	buf_done(&text);
	real_done(&r);
}

static void
names_the_exceptions_of_real_dumps(void **state)
{
	static const struct {
		const char *name;
		const char *exception;
		const char *text;
	} rows[] = {
		{"breakpad/ascii_write_av.dmp", "STATUS_ACCESS_VIOLATION",
		 "tried to write to 0x41414141, "},
		{"breakpad/null_read_av.dmp", "STATUS_ACCESS_VIOLATION",
		 "tried to read 0x0, a null pointer; by crashme.exe+0xa6cd"},
		{"breakpad/exec_av_on_stack.dmp", "STATUS_ACCESS_VIOLATION",
		 "tried to execute code at 0x3df944, on the thread's own stack "},
		{"breakpad/stack_exhaustion.dmp", "STATUS_STACK_OVERFLOW",
		 "the thread's stack is used up"},
		{"breakpad/linux_divide_by_zero.dmp", "SIGFPE", "arithmetic error"},
		{"breakpad/linux_inline.dmp", "SIGILL / ILL_ILLOPN", "illegal instruction"},
		{"breakpad/linux_outside_module.dmp", "SIGSEGV",
		 "invalid access to memory, at 0x29cd74, in none of the regions"},
		{"symbolicator-mit/tests/fixtures/macos.dmp",
		 "EXC_BAD_ACCESS / KERN_INVALID_ADDRESS",
		 "invalid access to memory, at 0x45, near null: "},
		{"radare2-testbins/mdmp/calc.dmp", "STATUS_BREAKPOINT", "a breakpoint: "},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct real r;
		struct buf name;
		struct buf text;
		if (!real_open(&r, rows[i].name))
			continue;
		buf_init(&name, 4096);
		buf_init(&text, 4096);
		exception_describe(r.dump, &name, &text);
		assert_slice(buf_slice(&name), rows[i].exception);
		if (!slice_starts_with(buf_slice(&text), slice_str(rows[i].text)))
			fail_msg("%s: %.*s", rows[i].name, SLICE_ARGS(buf_slice(&text)));
		buf_done(&name);
		buf_done(&text);
		real_done(&r);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(survives_every_cut_of_every_real_dump),
		cmocka_unit_test(answers_broken_dumps_at_once),
		cmocka_unit_test(knows_no_identity_by_zeros),
		cmocka_unit_test(keeps_two_paths_of_one_identity),
		cmocka_unit_test(keeps_the_first_bytes_of_a_build_id),
		cmocka_unit_test(reads_identities_of_other_writers),
		cmocka_unit_test(reads_registers_of_both_arm_systems),
		cmocka_unit_test(takes_no_signal_for_no_crash),
		cmocka_unit_test(reads_a_dump_of_windows_7),
		cmocka_unit_test(reads_a_dump_of_windows_11_with_shadow_stacks),
		cmocka_unit_test(reads_memory_lists_of_64_bits),
		cmocka_unit_test(reads_a_dump_of_many_mappings),
		cmocka_unit_test(tells_who_sent_a_signal),
		cmocka_unit_test(names_the_exceptions_of_real_dumps),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
