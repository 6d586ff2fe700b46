#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "dump/dump_json.h"
#include "minidump_fixture.h"

/* A builder's dump as JSON. */
struct shown {
	struct parsed parsed;
	struct minidump_builder *builder;
	struct json *json;
};

static void
show(struct shown *s, struct minidump_builder *b)
{
	s->builder = b;
	parsed_build(&s->parsed, b);
	s->json = json_new_object();
	dump_put_json(&s->parsed.dump, s->json);
}

static void
shown_done(struct shown *s)
{
	json_free(s->json);
	parsed_done(&s->parsed);
	minidump_builder_free(s->builder);
}

/* PATH is "exception.code" or "modules.0.name". */
static const struct json *
find(const struct shown *s, const char *path)
{
	const struct json *at = s->json;
	struct slice rest = slice_str(path);
	while (rest.len > 0) {
		struct slice part;
		uint64_t index;
		char key[64];
		if (!slice_cut(rest, '.', &part, &rest)) {
			part = rest;
			rest.len = 0;
		}
		(void)snprintf(key, sizeof(key), "%.*s", SLICE_ARGS(part));
		if (json_kind(at) == JSON_KIND_LIST && slice_to_u64(part, &index))
			at = json_at(at, (size_t)index);
		else
			at = json_find(at, key);
	}
	return at;
}

static void
assert_text(const struct shown *s, const char *path, const char *wanted)
{
	struct slice got = json_text(find(s, path));
	if (!slice_equal_str(got, wanted))
		fail_msg("%s: \"%.*s\", not \"%s\"", path, SLICE_ARGS(got), wanted);
}

static void
assert_number(const struct shown *s, const char *path, int64_t wanted)
{
	int64_t got = -1;
	if (!json_to_i64(find(s, path), &got) || got != wanted)
		fail_msg("%s: %ld, not %ld", path, (long)got, (long)wanted);
}

static void
assert_null_at(const struct shown *s, const char *path)
{
	if (json_kind(find(s, path)) != JSON_KIND_NULL)
		fail_msg("%s is not null", path);
}

static void
shows_an_empty_dump(void **state)
{
	static const char *const nulls[] = {"exception",
					    "bugcheck",
					    "crashing_thread",
					    "writer",
					    "comment",
					    "requesting_thread",
					    "process.id",
					    "process.started",
					    "process.image_path",
					    "private.command_line"};
	static const char *const lists[] = {
		"modules",      "unloaded", "annotations", "oddities", "private.environment",
		"handles.named"};
	struct shown s;
	struct minidump_builder *b = minidump_builder_new(ARCH_ARM64, DUMP_OS_LINUX);
	(void)state;
	b->timestamp = 0;
	show(&s, b);
	assert_text(&s, "kind", "minidump");
	assert_text(&s, "os", "linux");
	assert_text(&s, "arch", "arm64");
	for (size_t i = 0; i < sizeof(nulls) / sizeof(nulls[0]); i++)
		assert_null_at(&s, nulls[i]);
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		assert_int_equal(json_kind(find(&s, lists[i])), JSON_KIND_LIST);
		assert_int_equal(json_count(find(&s, lists[i])), 0);
	}
	assert_null_at(&s, "time");
	shown_done(&s);
}

static void
shows_a_crash(void **state)
{
	struct shown s;
	struct minidump_builder *b = build_crash(ARCH_X86, DUMP_OS_WINDOWS);
	(void)state;
	minidump_builder_unloaded(b, 0x30000000, 0x5000, "gone.dll");
	show(&s, b);
	assert_text(&s, "os_version", "10.0.19045");
	assert_text(&s, "time", "2023-11-14T22:13:20.000000Z");
	assert_text(&s, "exception.code", "0xc0000005");
	assert_text(&s, "exception.name", "STATUS_ACCESS_VIOLATION");
	assert_text(&s, "exception.address", "0x401234");
	assert_text(&s, "exception.fault_address", "0x45");
	assert_text(&s, "exception.parameters.1", "0x45");
	assert_true(slice_starts_with(json_text(find(&s, "exception.text")),
				      SLICE_LITERAL("tried to write to 0x45, near null")));
	assert_number(&s, "crashing_thread", 11);
	assert_text(&s, "modules.0.name", "C:\\app\\app.exe");
	assert_text(&s, "modules.0.version", "1.2.3.4");
	assert_text(&s, "modules.0.debug_id", "0403020106050807090A0B0C0D0E0F10a");
	assert_text(&s, "modules.0.debug_name", "C:\\build\\app.pdb");
	assert_text(&s, "modules.0.code_id", "6000000010000");
	assert_text(&s, "modules.0.base", "0x400000");
	assert_number(&s, "modules.0.size", 0x10000);
	assert_number(&s, "modules.0.timestamp", 0x60000000);
	assert_text(&s, "unloaded.0.name", "gone.dll");
	assert_text(&s, "unloaded.0.base", "0x30000000");
	assert_number(&s, "memory.ranges", 3);
	assert_number(&s, "memory.bytes", 64 + 2 * 256);
	assert_text(&s, "streams.0.name", "Exception");
	assert_text(&s, "streams.0.type", "0x6");
	assert_null_at(&s, "streams.0.error");
	shown_done(&s);
}

static void
shows_what_is_wrong_with_streams(void **state)
{
	struct shown s;
	struct minidump_builder *b = minidump_builder_new(ARCH_X86, DUMP_OS_WINDOWS);
	(void)state;
	minidump_builder_stream(b, MINIDUMP_THREAD_LIST, SLICE_LITERAL("\xff\xff\xff\xff"));
	minidump_builder_stream(b, 0x1234, SLICE_LITERAL("of a vendor"));
	show(&s, b);
	assert_text(&s, "streams.0.error", "input contradicts its format");
	assert_null_at(&s, "streams.1.name");
	assert_text(&s, "streams.1.type", "0x1234");
	assert_number(&s, "streams.1.bytes", 11);
	shown_done(&s);
}

static void
keeps_what_is_private_in_one_place(void **state)
{
	struct shown s;
	struct buf out;
	struct minidump_builder *b = minidump_builder_new(ARCH_AMD64, DUMP_OS_LINUX);
	(void)state;
	minidump_builder_stream(b, MINIDUMP_LINUX_CMDLINE, SLICE_LITERAL("app\0--pass=hunter2\0"));
	minidump_builder_stream(b, MINIDUMP_LINUX_ENVIRON,
				SLICE_LITERAL("TOKEN=hunter2\0HOME=/home/hunter2\0"));
	show(&s, b);
	assert_text(&s, "private.command_line", "app --pass=hunter2");
	assert_int_equal(json_count(find(&s, "private.environment")), 2);
	assert_text(&s, "private.environment.1", "HOME=/home/hunter2");
	json_put_null(s.json, "private");
	buf_init(&out, 1 << 20);
	json_format_line(s.json, false, &out);
	assert_null(memmem(out.data, out.len, "hunter2", 7));
	buf_done(&out);
	shown_done(&s);
}

static void
put_handle(struct buf *out, uint64_t handle, uint32_t type, uint32_t name)
{
	put_u64(out, handle);
	put_u32(out, type);
	put_u32(out, name);
	buf_append_zero(out, 16);
}

/* A leak of handles is counted by type; the list itself is bounded. */
static void
counts_handles_by_type(void **state)
{
	struct shown s;
	struct minidump_builder *b = minidump_builder_new(ARCH_AMD64, DUMP_OS_WINDOWS);
	struct buf list = new_stream();
	uint32_t event = minidump_builder_string(b, "Event");
	uint32_t key = minidump_builder_string(b, "Key");
	uint32_t name = minidump_builder_string(b, "\\REGISTRY\\MACHINE");
	(void)state;
	put_u32(&list, 16);
	put_u32(&list, 32);
	put_u32(&list, 3100);
	put_u32(&list, 0);
	for (uint32_t i = 0; i < 3000; i++)
		put_handle(&list, 4 * i, event, 0);
	for (uint32_t i = 0; i < 100; i++)
		put_handle(&list, 4 * i, key, name);
	add_stream(b, MINIDUMP_HANDLE_DATA, &list);
	show(&s, b);
	assert_number(&s, "handles.count", 3100);
	assert_text(&s, "handles.types.0.type", "Event");
	assert_number(&s, "handles.types.0.count", 3000);
	assert_number(&s, "handles.types.1.count", 100);
	assert_int_equal(json_count(find(&s, "handles.named")), 100);
	assert_text(&s, "handles.named.0.name", "\\REGISTRY\\MACHINE");
	shown_done(&s);
}

static void
bounds_the_lists_of_handles(void **state)
{
	struct shown s;
	struct minidump_builder *b = minidump_builder_new(ARCH_AMD64, DUMP_OS_WINDOWS);
	struct buf list = new_stream();
	(void)state;
	put_u32(&list, 16);
	put_u32(&list, 32);
	put_u32(&list, 2000);
	put_u32(&list, 0);
	for (uint32_t i = 0; i < 2000; i++) {
		char text[16];
		(void)snprintf(text, sizeof(text), "type %u", i);
		uint32_t type = minidump_builder_string(b, text);
		put_handle(&list, 4 * i, type, type);
	}
	add_stream(b, MINIDUMP_HANDLE_DATA, &list);
	show(&s, b);
	assert_int_equal(json_count(find(&s, "handles.types")), 64);
	assert_number(&s, "handles.of_other_types", 2000 - 64);
	assert_int_equal(json_count(find(&s, "handles.named")), 1024);
	shown_done(&s);
}

static void
shows_facts_annotations_and_oddities(void **state)
{
	struct shown s;
	struct minidump_builder *b = minidump_builder_new(ARCH_AMD64, DUMP_OS_LINUX);
	struct built_thread thread = {.id = 5, .context = SLICE_LITERAL("xy")};
	struct minidump_exception exception = {.thread_id = 5};
	(void)state;
	minidump_builder_stream(b, MINIDUMP_LINUX_STATUS, SLICE_LITERAL("Name:\tapp\nPid:\t9\n"));
	minidump_builder_stream(b, MINIDUMP_COMMENT_A, SLICE_LITERAL("said\0"));
	minidump_builder_thread(b, &thread);
	minidump_builder_exception(b, &exception, NULL);
	show(&s, b);
	assert_text(&s, "comment", "said");
	assert_number(&s, "process.id", 9);
	assert_number(&s, "requesting_thread", 5);
	assert_null_at(&s, "exception");
	assert_text(&s, "oddities.0", "thread 5: a context of 2 bytes is none of amd64");
	const struct json *facts = json_find(s.json, "facts");
	assert_true(slice_equal_str(json_text(json_find(facts, "process.name")), "app"));
	shown_done(&s);
}

static void
shows_bug_checks_and_annotations(void **state)
{
	struct dump_pair pair = {SLICE_LITERAL("name"), SLICE_LITERAL("bad \xff")};
	struct dump dump = {.kind = DUMP_KERNEL_TRIAGE,
			    .os = DUMP_OS_WINDOWS,
			    .bugcheck = {true, 0x7e, {1, 2, 3, 4}}};
	struct shown s = {.json = json_new_object()};
	(void)state;
	dump.annotations.items = &pair;
	dump.annotations.n = 1;
	dump_put_json(&dump, s.json);
	assert_text(&s, "kind", "kernel_triage");
	assert_text(&s, "bugcheck.code", "0x0000007e");
	assert_text(&s, "bugcheck.name", "SYSTEM_THREAD_EXCEPTION_NOT_HANDLED");
	assert_text(&s, "bugcheck.parameters.3", "0x4");
	assert_text(&s, "annotations.0.value", "bad \xef\xbf\xbd");
	json_free(s.json);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shows_an_empty_dump),
		cmocka_unit_test(shows_a_crash),
		cmocka_unit_test(shows_what_is_wrong_with_streams),
		cmocka_unit_test(keeps_what_is_private_in_one_place),
		cmocka_unit_test(counts_handles_by_type),
		cmocka_unit_test(bounds_the_lists_of_handles),
		cmocka_unit_test(shows_facts_annotations_and_oddities),
		cmocka_unit_test(shows_bug_checks_and_annotations),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
