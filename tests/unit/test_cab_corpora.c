/* Cabinets that others made: every one gives the recorded members or is refused with a reason.
 *
 * EXPECTED_cab.json holds what cabextract said.  Where it found a cabinet behind other bytes ours
 * must say where that begins, and give the members when opened there.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/fs.h"
#include "base/text.h"
#include "cab/describe.h"

enum {
	FILE_BYTES_MAX = 64 * 1024 * 1024,
	SHORT_DIGEST = 16, /* hex digits that are recorded */
	SET_PARTS = 5
};

#define EXPECTED "EXPECTED_cab.json"
#define SET_FOLDER "libmspack/libmspack/test/test_files/cabd/"

/* What was found, for the line that is printed. */
static struct {
	const struct json *expected;
	unsigned n;
	unsigned n_equal;   /* the recorded members, all of them */
	unsigned n_refused; /* with a reason, where cabextract refused or lost members too */
	unsigned
		n_elsewhere; /* a cabinet behind other bytes: refused, and read when opened there */
	unsigned n_wrong;
} seen;

static const char *
corpora_folder(void)
{
	static char path[4096];
	const char *source = getenv("OPENWER_SOURCE");
	const char *set = getenv("OPENWER_CORPORA");
	if (set != NULL)
		return set;
	(void)snprintf(path, sizeof(path), "%s/../shared/corpora", source == NULL ? "." : source);
	return path;
}

static bool
read_corpus(const char *name, struct buf *out)
{
	char path[4096 + 256];
	struct err_detail detail = {.why = ""};
	(void)snprintf(path, sizeof(path), "%s/%s", corpora_folder(), name);
	return fs_read_file(path, FILE_BYTES_MAX, out, &detail) == OK;
}

/* Recorded names show the raw bytes as Latin-1. */
static void
recorded_name(struct slice name, struct buf *out)
{
	struct buf utf16;
	buf_init(&utf16, 4096);
	buf_init(out, 4096);
	for (size_t i = 0; i < name.len; i++) {
		buf_append_byte(&utf16, name.data[i]);
		buf_append_byte(&utf16, 0);
	}
	(void)text_to_utf8(buf_slice(&utf16), TEXT_UTF16LE, out);
	buf_append_byte(out, 0);
	buf_done(&utf16);
}

static bool
is_recorded(const struct json *members, const struct json *file)
{
	struct buf name;
	int64_t bytes;
	int64_t got;
	recorded_name(json_text(json_find(file, "name")), &name);
	const struct json *pair = json_find(members, (const char *)name.data);
	struct slice digest = json_text(json_find(file, "sha256"));
	bool is_same = pair != NULL && json_to_i64(json_at(pair, 0), &bytes) &&
		       json_to_i64(json_find(file, "bytes"), &got) && bytes == got &&
		       slice_equal(slice_sub(digest, 0, SHORT_DIGEST), json_text(json_at(pair, 1)));
	buf_done(&name);
	return is_same;
}

static bool
are_recorded(const struct json *members, const struct json *object)
{
	const struct json *files = json_find(object, "files");
	for (size_t i = 0; i < json_count(files); i++) {
		if (!is_recorded(members, json_at(files, i)))
			return false;
	}
	return true;
}

static bool
has_error(const struct json *object)
{
	return json_text(json_find(object, "error")).len > 0;
}

/* Opened where the refusal says that one begins, until there is no more: each gives recorded
 * members. */
static bool
is_good_elsewhere(struct slice in, const struct json *members)
{
	size_t n_files = 0;
	for (;;) {
		struct json *object = cab_describe(in, NULL);
		int64_t offset = 0;
		bool is_elsewhere =
			slice_equal_str(json_text(json_find(object, "reason")), "not_at_start") &&
			json_to_i64(json_find(object, "offset"), &offset);
		bool is_right = are_recorded(members, object);
		n_files += json_count(json_find(object, "files"));
		int64_t claimed = 0;
		(void)json_to_i64(json_find(json_find(object, "cabinet"), "claimed_bytes"),
				  &claimed);
		json_free(object);
		if (!is_right)
			return false;
		if (!is_elsewhere && claimed == 0)
			return n_files > 0;
		in = slice_sub(in, (size_t)(is_elsewhere ? offset : claimed), in.len);
	}
}

static void
look_at(const char *name, struct slice in)
{
	const struct json *entry = json_find(seen.expected, name);
	const struct json *members = json_find(entry, "files_latin1_names");
	struct json *object = cab_describe(in, NULL);
	int64_t status = -1;
	seen.n++;
	(void)json_to_i64(json_find(entry, "cabextract_rc"), &status);
	bool is_right = are_recorded(members, object);
	bool is_complete = json_count(json_find(object, "files")) == json_count(members);
	if (status == 0 && is_right && is_complete && !has_error(object)) {
		seen.n_equal++;
	} else if (status == 1 && has_error(object)) {
		seen.n_refused++;
	} else if (status == 0 && has_error(object) && is_good_elsewhere(in, members)) {
		seen.n_elsewhere++;
	} else {
		seen.n_wrong++;
		(void)printf("%s: status %d, %zu of %zu members, error \"%.*s\"\n", name,
			     (int)status, json_count(json_find(object, "files")),
			     json_count(members),
			     SLICE_ARGS(json_text(json_find(object, "error"))));
	}
	json_free(object);
}

static int
visit(const char *path, const struct stat *st, int kind, struct FTW *where)
{
	(void)st;
	(void)where;
	const char *name = path + strlen(corpora_folder()) + 1;
	if (kind != FTW_F || !slice_ends_with(slice_str(name), SLICE_LITERAL(".cab")))
		return 0;
	struct buf in;
	assert_true(read_corpus(name, &in));
	assert_non_null(json_find(seen.expected, name));
	look_at(name, buf_slice(&in));
	buf_done(&in);
	return 0;
}

static void
walk(const char *folder)
{
	char path[4096 + 256];
	(void)snprintf(path, sizeof(path), "%s/%s", corpora_folder(), folder);
	(void)nftw(path, visit, 16, FTW_PHYS);
}

static struct json *
read_expected(void)
{
	struct err_detail detail = {.why = ""};
	struct json *expected = NULL;
	struct buf text;
	if (!read_corpus(EXPECTED, &text)) {
		(void)printf("skip: cabinets of others (no corpora)\n");
		return NULL;
	}
	if (json_parse(buf_slice(&text), &expected, &detail) != OK)
		fail_msg("%s", detail.why);
	buf_done(&text);
	return expected;
}

static void
every_cabinet_is_extracted_or_refused_with_a_reason(void **state)
{
	(void)state;
	struct json *expected = read_expected();
	if (expected == NULL)
		skip();
	seen.expected = expected;
	walk("libmspack");
	walk("libarchive-cab");
	(void)printf("cabinets: %u of %u as expected (%u equal to the recorded digests, %u refused "
		     "with a reason as cabextract does, %u behind other bytes refused at the start "
		     "and equal where they begin)\n",
		     seen.n_equal + seen.n_refused + seen.n_elsewhere, seen.n, seen.n_equal,
		     seen.n_refused, seen.n_elsewhere);
	assert_int_equal(seen.n_wrong, 0);
	assert_int_equal(seen.n, json_count(expected));
	json_free(expected);
}

static void
the_set_of_five_is_joined(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		int64_t bytes;
	} members[] = {{"test1.txt", 76}, {"test2.txt", 38}, {"test3.txt", 76}};
	struct slice parts[SET_PARTS];
	struct buf in[SET_PARTS];
	for (size_t i = 0; i < SET_PARTS; i++) {
		char name[256];
		(void)snprintf(name, sizeof(name), SET_FOLDER "multi_basic_pt%zu.cab", i + 1);
		if (!read_corpus(name, &in[i])) {
			(void)printf("skip: a set of others (no corpora)\n");
			skip();
		}
		parts[i] = buf_slice(&in[i]);
	}
	struct json *object = cab_describe_set(parts, SET_PARTS, NULL);
	const struct json *files = json_find(object, "files");
	assert_false(has_error(object));
	assert_int_equal(json_count(files), 3);
	for (size_t i = 0; i < 3; i++) {
		int64_t bytes;
		const struct json *file = json_at(files, i);
		assert_true(slice_equal_str(json_text(json_find(file, "name")), members[i].name));
		assert_true(json_to_i64(json_find(file, "bytes"), &bytes));
		assert_int_equal(bytes, members[i].bytes);
	}
	json_free(object);
	for (size_t i = 0; i < SET_PARTS; i++)
		buf_done(&in[i]);
}

/* A part alone is refused member by member, with the neighbor's name. */
static void
parts_of_the_set_alone_say_what_is_missing(void **state)
{
	(void)state;
	struct buf in;
	if (!read_corpus(SET_FOLDER "multi_basic_pt1.cab", &in)) {
		(void)printf("skip: a set of others (no corpora)\n");
		skip();
	}
	struct json *object = cab_describe(buf_slice(&in), NULL);
	const struct json *failed = json_find(object, "failed");
	assert_int_equal(json_count(failed), 3);
	for (size_t i = 0; i < 3; i++)
		assert_true(slice_equal_str(json_text(json_find(json_at(failed, i), "reason")),
					    "needs_next"));
	assert_true(slice_equal_str(json_text(json_find(json_find(object, "cabinet"), "next")),
				    "cabd_multi_basic_pt2.cab"));
	json_free(object);
	buf_done(&in);
}

/* Every corpus cut at every length: an error or members that are whole. */
static void
cut_anywhere_nothing_wrong_comes_out(void **state)
{
	(void)state;
	static const char *const names[] = {
		"libmspack/cabextract/test/cabs/mixed.cab",
		SET_FOLDER "normal_2files_2folders.cab",
		SET_FOLDER "reserve_HFD.cab",
		"libarchive-cab/test_read_format_cab_2.cab",
	};
	struct json *expected = read_expected();
	if (expected == NULL)
		skip();
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct buf in;
		const struct json *members =
			json_find(json_find(expected, names[i]), "files_latin1_names");
		assert_true(read_corpus(names[i], &in));
		for (size_t len = 0; len < in.len; len++) {
			struct json *object = cab_describe(slice_sub(buf_slice(&in), 0, len), NULL);
			assert_true(has_error(object));
			assert_true(are_recorded(members, object));
			json_free(object);
		}
		buf_done(&in);
	}
	json_free(expected);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_cabinet_is_extracted_or_refused_with_a_reason),
		cmocka_unit_test(the_set_of_five_is_joined),
		cmocka_unit_test(parts_of_the_set_alone_say_what_is_missing),
		cmocka_unit_test(cut_anywhere_nothing_wrong_comes_out),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
