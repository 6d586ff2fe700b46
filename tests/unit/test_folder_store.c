#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/limits.h"
#include "folder_fixture.h"
#include "symbol_corpora.h"

#define ID "0123456789ABCDEF0123456789ABCDEF1"

struct bench {
	struct folder_fixture fixture;
	struct arena arena;
	struct buf list; /* one line an entry */
	struct err_detail detail;
};

static int
set_up(void **state)
{
	static struct bench bench;
	bench = (struct bench){0};
	fixture_open(&bench.fixture);
	arena_init(&bench.arena, LIMIT_SYMBOL_FOUND_ARENA_BYTES);
	buf_init(&bench.list, LIMIT_SYMBOL_FOUND_ARENA_BYTES);
	*state = &bench;
	return 0;
}

static int
tear_down(void **state)
{
	struct bench *bench = *state;
	fixture_close(&bench->fixture);
	arena_done(&bench->arena);
	buf_done(&bench->list);
	return 0;
}

static err_t
add(struct bench *bench, const char *file, const char *base_name, bool is_replacing,
    const char **ret_path)
{
	return folder_add(bench->fixture.path, slice_str(file), slice_str(base_name), toy_options(),
			  is_replacing, &bench->arena, ret_path, &bench->detail);
}

static void
assert_added(struct bench *bench, const char *file, const char *base_name, const char *expected)
{
	const char *path = NULL;
	struct slice bytes;
	if (add(bench, file, base_name, false, &path) != OK)
		fail_msg("%s", bench->detail.why);
	assert_string_equal(path, expected);
	assert_int_equal(
		folder_files_system.map(bench->fixture.fd, path, LIMIT_SYMBOL_FILE_BYTES, &bytes),
		OK);
	assert_true(slice_equal_str(bytes, file));
	folder_files_system.unmap(bytes);
}

static void
assert_refused(struct bench *bench, const char *file, const char *base_name, err_t err,
	       const char *why)
{
	const char *path = NULL;
	assert_int_equal(add(bench, file, base_name, false, &path), err);
	assert_null(path);
	assert_non_null(strstr(bench->detail.why, why));
}

static void
refuses_to_add_what_does_not_say_its_build(void **state)
{
	struct bench *bench = *state;
	assert_refused(bench, "anything", "x.pdb", ERR_UNSUPPORTED, "no known format");
	assert_refused(bench, "PUBLIC 1000 0 a\n", "x.sym", ERR_UNSUPPORTED, "no MODULE");
	assert_refused(bench, "PDB - app.pdb", "x.pdb", ERR_UNSUPPORTED, "no identity");
	assert_refused(bench, "PE 5AB3807779000 - ", NULL, ERR_UNSUPPORTED, "which build");
	assert_refused(bench, "ELF ab -", NULL, ERR_UNSUPPORTED, "which build");
}

static void
refuses_to_add_what_cannot_be_read(void **state)
{
	struct bench *bench = *state;
	assert_refused(bench, "MODULE windows x86 " ID " a.pdb\nFUNC 1\n", NULL, ERR_CORRUPT,
		       "line 2");
	assert_refused(bench, "PDB broken", NULL, ERR_CORRUPT, "broken");
	assert_refused(bench, "PDB " ID " unreadable", NULL, ERR_CORRUPT, "does not open");
}

static void
refuses_names_in_files_that_lead_elsewhere(void **state)
{
	struct bench *bench = *state;
	const char *path = NULL;
	assert_refused(bench, "PDB " ID " ..", NULL, ERR_UNSUPPORTED, "which build");
	assert_refused(bench, "MODULE windows x86 " ID " ..\nPUBLIC 1 0 a\n", NULL, ERR_UNSUPPORTED,
		       "which build");
	assert_refused(bench, "MODULE windows x86 ../../x a.pdb\nPUBLIC 1 0 a\n", NULL,
		       ERR_UNSUPPORTED, "which build");
	/* Of a path only the last part is taken. */
	assert_int_equal(add(bench, "PDB " ID " ../../../etc/evil.pdb", NULL, false, &path), OK);
	assert_string_equal(path, "evil.pdb/" ID "/evil.pdb");
}

static void
adds_files_where_they_are_looked_for(void **state)
{
	struct bench *bench = *state;
	assert_added(bench, "MODULE windows x86 " ID " app.pdb\nPUBLIC 1 0 a\n", "any",
		     "app.pdb/" ID "/app.sym");
	assert_added(bench, "MODULE Linux x86 " ID " libc.so.6\nPUBLIC 1 0 a\n", "any",
		     "libc.so.6/" ID "/libc.so.6.sym");
	assert_added(bench, "PDB " ID " c:\\b\\app.pdb", "any", "app.pdb/" ID "/app.pdb");
	assert_added(bench, "PE 5AB3807779000 " ID " app.exe", "any",
		     "app.exe/5AB3807779000/app.exe");
	assert_added(bench, "PE 5AB3807779001 -", "/tmp/other.dll",
		     "other.dll/5AB3807779001/other.dll");
	assert_added(bench, "ELF abcdef01 -", "libx.so", ".build-id/ab/cdef01.debug");
}

static void
keeps_what_is_there_unless_told_otherwise(void **state)
{
	struct bench *bench = *state;
	const char *path = NULL;
	assert_int_equal(add(bench, "PDB " ID " app.pdb", NULL, false, &path), OK);
	assert_int_equal(add(bench, "PDB " ID " app.pdb", NULL, false, &path), ERR_EXISTS);
	assert_string_equal(path, "app.pdb/" ID "/app.pdb");
	assert_int_equal(add(bench, "PDB " ID " x/app.pdb", NULL, false, &path), ERR_STALE);
	assert_int_equal(add(bench, "PDB " ID " app.pdb", NULL, false, &path), ERR_EXISTS);
	assert_int_equal(add(bench, "PDB " ID " x/app.pdb", NULL, true, &path), OK);
	assert_int_equal(add(bench, "PDB " ID " x/app.pdb", NULL, false, &path), ERR_EXISTS);
}

static bool
note_entry(void *context, const struct folder_entry *entry)
{
	struct bench *bench = context;
	struct err_detail detail = {.why = ""};
	enum folder_status status = folder_verify(bench->fixture.fd, toy_options(), entry, &detail);
	buf_printf(&bench->list, "%s %s [%s] %s%s%s\n", entry->path, entry->name, entry->id,
		   folder_status_text(status), detail.why[0] == '\0' ? "" : ": ", detail.why);
	return true;
}

static void
lists_and_verifies_every_file(void **state)
{
	struct bench *bench = *state;
	const struct folder_fixture *fixture = &bench->fixture;
	fixture_put(fixture, "000Admin/0000000001", "\"app.pdb\\" ID "\",x\n");
	fixture_put(fixture, "a.pdb/" ID "/a.pdb", "PDB " ID " a.pdb");
	fixture_put(fixture, "a.pdb/" ID "/a.sym", "MODULE windows x86 77 a.pdb\nPUBLIC 1 0 a\n");
	fixture_put(fixture, "b.pdb/" ID "/b.pd_", "CAB PDB " ID " b.pdb");
	fixture_put(fixture, "c.exe/5AB3807779000/c.exe", "PE 5ab3807779000 - c.exe");
	fixture_put(fixture, "d.pdb/" ID "/d.pdb", "PDB broken");
	fixture_put(fixture, "e.pdb/" ID "/e.sym", "PUBLIC 1 0 a\n");
	fixture_put(fixture, "f/elf-buildid-abcdef01/f", "ELF abcdef01 -");
	fixture_put(fixture, "loose.pdb", "PDB " ID " loose.pdb");
	fixture_put(fixture, "zz/zz.pdb/" ID "/zz.pdb", "PDB " ID " zz.pdb");
	fixture_put(fixture, "zz/zz.pdb/" ID "/deeper/no", "PDB " ID " zz.pdb");
	fixture_put(fixture, ".build-id/ab/cdef01.debug", "ELF abcdef01 -");
	assert_int_equal(folder_list(fixture->fd, NULL, note_entry, bench), OK);
	buf_append_byte(&bench->list, '\0');
	assert_string_equal((const char *)bench->list.data,
			    ".build-id/ab/cdef01.debug .build-id [abcdef01] found\n"
			    "a.pdb/" ID "/a.pdb a.pdb [" ID "] found\n"
			    "a.pdb/" ID "/a.sym a.pdb [" ID "] of another build: it is 77\n"
			    "b.pdb/" ID "/b.pd_ b.pdb [" ID "] found\n"
			    "c.exe/5AB3807779000/c.exe c.exe [5AB3807779000] found\n"
			    "d.pdb/" ID "/d.pdb d.pdb [" ID "] cannot be read: the toy is broken\n"
			    "e.pdb/" ID "/e.sym e.pdb [" ID
			    "] nothing says which build it is: no MODULE line\n"
			    "f/elf-buildid-abcdef01/f f [elf-buildid-abcdef01] found\n"
			    "loose.pdb loose.pdb [] found\n"
			    "zz/zz.pdb/" ID "/zz.pdb zz.pdb [" ID "] found\n");
}

static bool
stop(void *context, const struct folder_entry *entry)
{
	size_t *n = context;
	(void)entry;
	return ++*n < 2;
}

static void
stops_listing_when_told_to(void **state)
{
	struct bench *bench = *state;
	size_t n = 0;
	fixture_put(&bench->fixture, "a/1/x", "x");
	fixture_put(&bench->fixture, "b/1/x", "x");
	fixture_put(&bench->fixture, "c/1/x", "x");
	assert_int_equal(folder_list(bench->fixture.fd, NULL, stop, &n), OK);
	assert_int_equal(n, 2);
}

static void
says_that_a_listed_file_is_gone_or_packed(void **state)
{
	struct bench *bench = *state;
	struct folder_options options = *toy_options();
	struct folder_entry entry = {.path = "a.pdb/1/a.pdb", .name = "a.pdb", .id = "1"};
	options.unpack = NULL;
	assert_int_equal(folder_verify(bench->fixture.fd, &options, &entry, &bench->detail),
			 FOLDER_NOT_FOUND);
	fixture_put(&bench->fixture, "a.pdb/1/a.pd_", "CAB PDB 1 a.pdb");
	entry.path = "a.pdb/1/a.pd_";
	assert_int_equal(folder_verify(bench->fixture.fd, &options, &entry, &bench->detail),
			 FOLDER_BROKEN);
	fixture_put(&bench->fixture, "a.pdb/1/a.pdb", "nothing known");
	entry.path = "a.pdb/1/a.pdb";
	assert_int_equal(folder_verify(bench->fixture.fd, &options, &entry, &bench->detail),
			 FOLDER_BROKEN);
}

static void
reads_the_lines_of_a_symstore_index(void **state)
{
	static const char *const broken[] = {"",       "x",      "a\\b",    "a,b",
					     "..\\b,", "a\\..,", "a\\b/c,", "\\b,"};
	struct slice name;
	struct slice id;
	struct slice comment;
	(void)state;
	for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++)
		assert_false(folder_parse_index_line(slice_str(broken[i]), &name, &id, &comment));
	assert_true(folder_parse_index_line(SLICE_LITERAL("\"kernel32.dll\\590285E9e0000\",\r"),
					    &name, &id, &comment));
	assert_true(slice_equal_str(name, "kernel32.dll"));
	assert_true(slice_equal_str(id, "590285E9e0000"));
	assert_int_equal(comment.len, 0);
	assert_true(folder_parse_index_line(SLICE_LITERAL("\"a.pdb\\1\",\"c:\\b\\a.pdb\""), &name,
					    &id, &comment));
	assert_true(slice_equal_str(comment, "c:\\b\\a.pdb"));
}

static void
reads_a_real_symstore_index(void **state)
{
	struct slice line;
	struct buf text;
	size_t n = 0;
	(void)state;
	if (!symbol_corpora_read("symbolicator-mit/tests/fixtures/symbols/000Admin/0000000001",
				 &text))
		return;
	struct slice rest = buf_slice(&text);
	while (breakpad_take_line(&rest, &line)) {
		struct slice name;
		struct slice id;
		struct slice comment;
		if (line.len == 0)
			continue;
		assert_true(folder_parse_index_line(line, &name, &id, &comment));
		n++;
	}
	assert_true(n >= 2);
	buf_done(&text);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(refuses_to_add_what_does_not_say_its_build),
		CASE(refuses_to_add_what_cannot_be_read),
		CASE(refuses_names_in_files_that_lead_elsewhere),
		CASE(adds_files_where_they_are_looked_for),
		CASE(keeps_what_is_there_unless_told_otherwise),
		CASE(lists_and_verifies_every_file),
		CASE(stops_listing_when_told_to),
		CASE(says_that_a_listed_file_is_gone_or_packed),
		cmocka_unit_test(reads_the_lines_of_a_symstore_index),
		cmocka_unit_test(reads_a_real_symstore_index),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
