/* The JSON of a cabinet: what others rely on, key by key. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cab/describe.h"
#include "cab_builder.h"

#define SHA256_OF_ABC "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define SHA256_OF_NOTHING "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static void
assert_text(const struct json *object, const char *key, const char *text)
{
	const struct json *value = json_find(object, key);
	assert_non_null(value);
	if (text == NULL)
		assert_int_equal(json_kind(value), JSON_KIND_NULL);
	else if (!slice_equal_str(json_text(value), text))
		fail_msg("%s: \"%.*s\"", key, SLICE_ARGS(json_text(value)));
}

static void
assert_number(const struct json *object, const char *key, int64_t number)
{
	int64_t got;
	assert_true(json_to_i64(json_find(object, key), &got));
	assert_int_equal(got, number);
}

/* The texts of a list, each with a comma behind it. */
static void
assert_list(const struct json *object, const char *key, const char *texts)
{
	struct buf joined;
	const struct json *list = json_find(object, key);
	buf_init(&joined, 4096);
	assert_int_equal(json_kind(list), JSON_KIND_LIST);
	for (size_t i = 0; i < json_count(list); i++) {
		buf_append(&joined, json_text(json_at(list, i)));
		buf_append_byte(&joined, ',');
	}
	if (!slice_equal_str(buf_slice(&joined), texts))
		fail_msg("%s: %.*s", key, SLICE_ARGS(buf_slice(&joined)));
	buf_done(&joined);
}

static void
a_good_cabinet_has_files_with_digests(void **state)
{
	(void)state;
	struct cab_builder *b = builder_new();
	(void)builder_folder(b, BUILDER_MSZIP);
	(void)builder_member(b, SLICE_LITERAL("dir\\abc.txt"), SLICE_LITERAL("abc"));
	struct builder_member *m = builder_member(b, SLICE_LITERAL("\xfc.txt"), SLICE_LITERAL(""));
	m->attributes = CAB_ATTRIBUTE_READ_ONLY | CAB_ATTRIBUTE_HIDDEN;
	m->date = 0;
	m->time = 0;
	struct json *j = cab_describe(builder_finish(b), NULL);
	const struct json *files = json_find(j, "files");
	assert_int_equal(json_count(files), 2);
	const struct json *file = json_at(files, 0);
	assert_text(file, "name", "dir/abc.txt");
	assert_number(file, "bytes", 3);
	assert_text(file, "sha256", SHA256_OF_ABC);
	assert_text(file, "safe_name", "dir_abc.txt");
	assert_text(file, "modified", "2025-11-25T03:11:40");
	assert_text(file, "encoding", "ascii");
	assert_number(file, "folder", 0);
	assert_list(file, "attributes", "archive,");
	assert_list(file, "flags", "");
	assert_null(json_find(file, "raw_name"));
	file = json_at(files, 1);
	assert_text(file, "name", "\xc3\xbc.txt");
	assert_text(file, "raw_name", "fc2e747874");
	assert_text(file, "sha256", SHA256_OF_NOTHING);
	assert_text(file, "modified", NULL);
	assert_list(file, "attributes", "read_only,hidden,");
	assert_list(file, "flags", "hidden,");
	assert_text(j, "error", NULL);
	assert_int_equal(json_count(json_find(j, "failed")), 0);
	assert_list(j, "warnings", "hidden,");
	const struct json *folder = json_at(json_find(json_find(j, "cabinet"), "folders"), 0);
	assert_text(folder, "compression", "mszip");
	assert_number(folder, "bytes", 3);
	assert_text(folder, "error", NULL);
	json_free(j);
	builder_free(b);
}

static void
a_broken_member_is_told_beside_the_others(void **state)
{
	(void)state;
	struct cab_builder *b = builder_new();
	(void)builder_folder(b, BUILDER_STORED);
	(void)builder_member(b, SLICE_LITERAL("broken"), SLICE_LITERAL("xyz"));
	b->members[0].folder = 9;
	(void)builder_member(b, SLICE_LITERAL("..\\abc"), SLICE_LITERAL("abc"));
	(void)builder_member(b, SLICE_LITERAL("long"), SLICE_LITERAL("xyz"));
	b->members[2].bytes = 5;
	b->previous[0] = "before.cab";
	b->previous[1] = "disk 1";
	struct json *j = cab_describe(builder_finish(b), NULL);
	assert_int_equal(json_count(json_find(j, "files")), 1);
	assert_text(json_at(json_find(j, "files"), 0), "sha256", SHA256_OF_ABC);
	const struct json *failed = json_find(j, "failed");
	assert_int_equal(json_count(failed), 2);
	assert_text(json_at(failed, 0), "name", "broken");
	assert_text(json_at(failed, 0), "reason", "bad_folder_index");
	assert_text(json_at(failed, 0), "folder", NULL);
	assert_number(json_at(failed, 0), "offset", (int64_t)b->members[0].at + 8);
	assert_number(json_at(failed, 1), "bytes", 5);
	assert_number(json_at(failed, 1), "got_bytes", 3);
	assert_text(j, "error",
		    "2 of 3 members could not be had: a member names a folder that does not exist, "
		    "at offset 70");
	assert_list(j, "warnings", "has_previous,traversal,");
	assert_text(json_find(j, "cabinet"), "previous", "before.cab");
	assert_text(json_find(j, "cabinet"), "next", NULL);
	json_free(j);
	builder_free(b);
}

static void
what_is_no_cabinet_is_an_error_without_files(void **state)
{
	(void)state;
	struct json *j = cab_describe(SLICE_LITERAL("MDMP"), NULL);
	assert_int_equal(json_kind(json_find(j, "files")), JSON_KIND_LIST);
	assert_int_equal(json_count(json_find(j, "files")), 0);
	assert_text(j, "error", "this is no cabinet, at offset 0");
	assert_text(j, "reason", "not_a_cabinet");
	assert_text(j, "cabinet", NULL);
	json_free(j);
}

static void
lzx_folders_tell_their_window_and_limits_their_words(void **state)
{
	(void)state;
	struct cab_limits limits = cab_limits_default;
	struct cab_builder *b = builder_new();
	(void)builder_folder(b, 0x1203);
	(void)builder_member(b, SLICE_LITERAL("a"), SLICE_LITERAL("abc"));
	limits.member_bytes = 2;
	struct json *j = cab_describe(builder_finish(b), &limits);
	const struct json *folder = json_at(json_find(json_find(j, "cabinet"), "folders"), 0);
	assert_text(folder, "compression", "lzx");
	assert_number(folder, "window_bits", 18);
	assert_text(json_at(json_find(j, "failed"), 0), "reason", "member_too_large");
	json_free(j);
	builder_free(b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_good_cabinet_has_files_with_digests),
		cmocka_unit_test(a_broken_member_is_told_beside_the_others),
		cmocka_unit_test(what_is_no_cabinet_is_an_error_without_files),
		cmocka_unit_test(lzx_folders_tell_their_window_and_limits_their_words),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
