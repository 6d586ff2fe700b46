#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/stat.h>

#include "base/limits.h"
#include "folder_fixture.h"
#include "symbol_corpora.h"

#define ID "0123456789ABCDEF0123456789ABCDEF1"
#define OTHER_ID "0123456789ABCDEF0123456789ABCDEF2"

static int
set_up(void **state)
{
	static struct folder_fixture fixture;
	fixture_open(&fixture);
	*state = &fixture;
	return 0;
}

static int
tear_down(void **state)
{
	fixture_close(*state);
	return 0;
}

static struct identity_wanted
windows_module(void)
{
	return (struct identity_wanted){
		.debug_name = SLICE_LITERAL("c:\\build\\app.pdb"),
		.debug_id = SLICE_LITERAL(ID),
		.code_name = SLICE_LITERAL("C:\\Program Files\\App\\app.exe"),
		.code_id = SLICE_LITERAL("5AB3807779000"),
	};
}

static struct identity_wanted
linux_module(void)
{
	static const uint8_t build_id[] = {0xab, 0xcd, 0xef, 0x01, 0x23, 0x45, 0x67, 0x89};
	return (struct identity_wanted){
		.code_name = SLICE_LITERAL("/usr/lib/libx.so.1"),
		.debug_id = SLICE_LITERAL("01EFCDAB452389670"),
		.build_id = slice_of(build_id, sizeof(build_id)),
	};
}

/* What folder_find says of a module, as text for people. */
static void
assert_says(struct folder *folder, const struct identity_wanted *wanted, enum folder_status status,
	    const char *expected)
{
	struct folder_found found;
	struct buf text;
	buf_init(&text, LIMIT_SYMBOL_FOUND_ARENA_BYTES);
	folder_find(folder, wanted, &found);
	folder_found_format(&found, &text);
	buf_append_byte(&text, '\0');
	if (expected != NULL)
		assert_string_equal((const char *)text.data, expected);
	assert_int_equal(found.status, status);
	assert_true((status == FOLDER_FOUND) == (found.n_sources > 0));
	for (size_t i = 0; i < found.n_sources; i++)
		assert_non_null(found.sources[i].symbols);
	buf_done(&text);
	folder_found_done(&found);
}

static void
never_proposes_a_path_that_leaves_the_folder(void **state)
{
	static const char *const names[] = {"..",   ".",         "",      "../../etc/passwd",
					    "a/..", "a\\..",     "/",     "\\\\server\\share\\",
					    "a\nb", "x/../..\\", "\x7f.x"};
	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct folder_candidate candidates[FOLDER_CANDIDATES_MAX];
		struct identity_wanted wanted = {.debug_name = slice_str(names[i]),
						 .code_name = slice_str(names[i]),
						 .debug_id = slice_str(names[i]),
						 .code_id = slice_str(names[i]),
						 .build_id = slice_str(names[i])};
		struct arena arena;
		arena_init(&arena, LIMIT_SYMBOL_FOUND_ARENA_BYTES);
		size_t n = folder_candidates(&wanted, true, &arena, candidates);
		for (size_t k = 0; k < n; k++) {
			struct slice rest = slice_str(candidates[k].path);
			struct slice part = rest;
			assert_false(slice_starts_with(rest, SLICE_LITERAL("/")));
			while (slice_cut(rest, '/', &part, &rest))
				assert_true(folder_is_safe_name(part));
			assert_true(folder_is_safe_name(rest));
		}
		arena_done(&arena);
	}
}

static void
never_opens_a_path_that_leaves_the_folder(void **state)
{
	static const char *const paths[] = {"../x", "..", "a/../../x", "/etc/passwd", "a//x", ""};
	struct folder_fixture *fixture = *state;
	fixture_put(fixture, "a/x", "text");
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		struct slice bytes;
		assert_int_equal(folder_files_system.map(fixture->fd, paths[i], UINT64_MAX, &bytes),
				 ERR_DENIED);
	}
}

static void
opens_nothing_but_regular_files(void **state)
{
	struct folder_fixture *fixture = *state;
	struct slice bytes;
	char path[1024];
	fixture_put(fixture, "a/file", "text");
	fixture_put(fixture, "a/empty", "");
	(void)snprintf(path, sizeof(path), "%s/a/pipe", fixture->path);
	assert_int_equal(mkfifo(path, 0600), 0);
	(void)snprintf(path, sizeof(path), "%s/a/link", fixture->path);
	assert_int_equal(symlink("file", path), 0);
	assert_int_equal(folder_files_system.map(fixture->fd, "a/pipe", 100, &bytes), ERR_DENIED);
	assert_int_equal(folder_files_system.map(fixture->fd, "a/link", 100, &bytes), ERR_DENIED);
	assert_int_equal(folder_files_system.map(fixture->fd, "a", 100, &bytes), ERR_NOTFOUND);
	assert_int_equal(folder_files_system.map(fixture->fd, "a/no", 100, &bytes), ERR_NOTFOUND);
	assert_int_equal(folder_files_system.map(fixture->fd, "no/no", 100, &bytes), ERR_NOTFOUND);
	assert_int_equal(folder_files_system.map(fixture->fd, "a/file", 3, &bytes), ERR_LIMIT);
	assert_int_equal(folder_files_system.map(fixture->fd, "a/file", 4, &bytes), OK);
	assert_true(slice_equal_str(bytes, "text"));
	folder_files_system.unmap(bytes);
	assert_int_equal(folder_files_system.map(fixture->fd, "a/empty", 4, &bytes), OK);
	assert_int_equal(bytes.len, 0);
	folder_files_system.unmap(bytes);
}

static void
says_which_files_are_missing(void **state)
{
	struct folder_fixture *fixture = *state;
	struct identity_wanted windows = windows_module();
	struct identity_wanted elf = linux_module();
	struct identity_wanted nameless = {.code_name = SLICE_LITERAL("app.exe")};
	assert_says(fixture->folder, &windows, FOLDER_NOT_FOUND,
		    "not found: S/app.pdb/" ID "/app.sym, S/app.pdb/" ID "/app.pdb, S/app.pdb/" ID
		    "/app.pd_, S/app.sym, S/app.pdb, S/app.exe.debug, "
		    "S/app.exe/5AB3807779000/app.exe, S/app.exe/5AB3807779000/app.ex_, S/app.exe");
	assert_says(fixture->folder, &elf, FOLDER_NOT_FOUND,
		    "not found: S/libx.so.1/01EFCDAB452389670/libx.so.1.sym, "
		    "S/libx.so.1/01EFCDAB452389670/libx.so.1, "
		    "S/libx.so.1/01EFCDAB452389670/libx.so._, "
		    "S/.build-id/ab/cdef0123456789.debug, "
		    "S/_.debug/elf-buildid-sym-abcdef0123456789/_.debug, S/libx.so.1.sym, "
		    "S/libx.so.1, S/libx.so.1.debug, "
		    "S/libx.so.1/elf-buildid-abcdef0123456789/libx.so.1, "
		    "S/.build-id/ab/cdef0123456789, S/libx.so.1");
	assert_says(fixture->folder, &nameless, FOLDER_NO_IDENTITY,
		    "nothing says which build it is");
}

static void
finds_names_and_image_in_the_layout_of_symbol_servers(void **state)
{
	struct folder_fixture *fixture = *state;
	struct identity_wanted wanted = windows_module();
	struct folder_found found;
	struct symbol symbol;
	fixture_put(fixture, "app.pdb/" ID "/app.sym",
		    "MODULE windows x86_64 " ID " app.pdb\nPUBLIC 1000 0 main\n");
	fixture_put(fixture, "app.pdb/" ID "/app.pdb", "PDB " ID " app.pdb");
	fixture_put(fixture, "app.exe/5AB3807779000/app.exe", "PE 5AB3807779000 " ID " app.exe");
	assert_says(fixture->folder, &wanted, FOLDER_FOUND,
		    "found: S/app.pdb/" ID
		    "/app.sym (breakpad), S/app.exe/5AB3807779000/app.exe (pe)");
	folder_find(fixture->folder, &wanted, &found);
	assert_int_equal(found.sources[0].part, FOLDER_NAMES);
	assert_true(found.sources[0].is_proven);
	assert_int_equal(symbols_find(found.sources[0].symbols, 0x1001, &symbol), OK);
	assert_true(slice_equal_str(symbol.places[0].function, "main"));
	assert_int_equal(found.sources[1].part, FOLDER_IMAGE);
	folder_found_done(&found);
}

static void
finds_names_in_another_case(void **state)
{
	struct folder_fixture *fixture = *state;
	struct identity_wanted wanted = windows_module();
	wanted.debug_name = SLICE_LITERAL("APP.PDB");
	fixture_put(fixture, "App.pdb/0123456789abcdef0123456789abcdef1/aPP.pdb",
		    "PDB 0123456789abcdef0123456789abcdef1 app.pdb");
	fixture_put(fixture, "zzz/x", "x");
	fixture_put(fixture, "aaa/x", "x");
	assert_says(fixture->folder, &wanted, FOLDER_FOUND,
		    "found: S/App.pdb/0123456789abcdef0123456789abcdef1/aPP.pdb (pdb)");
}

static void
unpacks_what_is_packed(void **state)
{
	struct folder_fixture *fixture = *state;
	struct identity_wanted wanted = windows_module();
	fixture_put(fixture, "app.pdb/" ID "/app.pd_", "CAB PDB " ID " app.pdb");
	fixture_put(fixture, "app.exe/5AB3807779000/app.ex_", "no cabinet");
	assert_says(fixture->folder, &wanted, FOLDER_FOUND,
		    "found: S/app.pdb/" ID "/app.pd_ (pdb)");
}

static void
says_that_packed_files_cannot_be_read_without_an_unpacker(void **state)
{
	struct folder_fixture *fixture = *state;
	struct identity_wanted wanted = windows_module();
	struct folder_options options = *toy_options();
	struct folder *folder;
	const char *name = "S";
	options.unpack = NULL;
	assert_int_equal(folder_open(&fixture->fd, &name, 1, &options, &folder, NULL), OK);
	fixture_put(fixture, "app.pdb/" ID "/app.pd_", "CAB PDB " ID " app.pdb");
	assert_says(folder, &wanted, FOLDER_BROKEN,
		    "cannot be read: S/app.pdb/" ID "/app.pd_ (it is packed)");
	folder_close(folder);
}

static void
finds_elf_files_by_build_id(void **state)
{
	struct folder_fixture *fixture = *state;
	struct identity_wanted wanted = linux_module();
	fixture_put(fixture, ".build-id/ab/cdef0123456789.debug",
		    "ELF abcdef0123456789 01EFCDAB452389670");
	fixture_put(fixture, "libx.so.1/elf-buildid-abcdef0123456789/libx.so.1",
		    "ELF abcdef0123456789 01EFCDAB452389670");
	assert_says(fixture->folder, &wanted, FOLDER_FOUND,
		    "found: S/.build-id/ab/cdef0123456789.debug (elf), "
		    "S/libx.so.1/elf-buildid-abcdef0123456789/libx.so.1 (elf)");
}

static void
finds_files_in_a_folder_with_two_tiers(void **state)
{
	struct folder_fixture *fixture = *state;
	struct identity_wanted wanted = windows_module();
	struct folder *folder;
	const char *name = "S";
	fixture_put(fixture, "index2.txt", "");
	fixture_put(fixture, "ap/app.pdb/" ID "/app.pdb", "PDB " ID " app.pdb");
	assert_int_equal(folder_open(&fixture->fd, &name, 1, toy_options(), &folder, NULL), OK);
	assert_says(folder, &wanted, FOLDER_FOUND, "found: S/ap/app.pdb/" ID "/app.pdb (pdb)");
	folder_close(folder);
}

static void
refuses_a_file_of_another_build_whatever_its_folder_says(void **state)
{
	struct folder_fixture *fixture = *state;
	struct identity_wanted wanted = windows_module();
	fixture_put(fixture, "app.pdb/" ID "/app.sym",
		    "MODULE windows x86_64 " OTHER_ID " app.pdb\nPUBLIC 1000 0 main\n");
	assert_says(fixture->folder, &wanted, FOLDER_WRONG_IDENTITY,
		    "of another build: S/app.pdb/" ID "/app.sym (it is " OTHER_ID ")");
	/* What lies behind it is tried all the same. */
	fixture_put(fixture, "app.pdb/" ID "/app.pdb", "PDB " ID " app.pdb");
	assert_says(fixture->folder, &wanted, FOLDER_FOUND,
		    "found: S/app.pdb/" ID "/app.pdb (pdb)");
}

static void
takes_a_loose_file_only_when_it_proves_its_build(void **state)
{
	struct folder_fixture *fixture = *state;
	struct identity_wanted wanted = windows_module();
	fixture_put(fixture, "app.sym", "PUBLIC 1000 0 main\n");
	assert_says(fixture->folder, &wanted, FOLDER_WRONG_IDENTITY,
		    "of another build: S/app.sym (it does not say which build it is of)");
	fixture_put(fixture, "app.sym",
		    "MODULE windows x86_64 " ID " app.pdb\nPUBLIC 1000 0 main\n");
	fixture_put(fixture, "app.exe", "PE 5AB3807779000 " OTHER_ID " app.exe");
	assert_says(fixture->folder, &wanted, FOLDER_FOUND, "found: S/app.sym (breakpad)");
	fixture_put(fixture, "app.exe", "PE 5AB3807779000 - app.exe");
	assert_says(fixture->folder, &wanted, FOLDER_FOUND,
		    "found: S/app.sym (breakpad), S/app.exe (pe)");
}

static void
takes_a_file_without_identity_in_its_place_and_says_so(void **state)
{
	struct folder_fixture *fixture = *state;
	struct identity_wanted wanted = windows_module();
	fixture_put(fixture, "app.pdb/" ID "/app.sym", "PUBLIC 1000 0 main\n");
	assert_says(fixture->folder, &wanted, FOLDER_FOUND,
		    "found: S/app.pdb/" ID "/app.sym (breakpad, without an identity)");
}

static void
says_why_a_file_cannot_be_read(void **state)
{
	struct folder_fixture *fixture = *state;
	struct identity_wanted wanted = windows_module();
	fixture_put(fixture, "app.pdb/" ID "/app.sym",
		    "MODULE windows x86_64 " ID " app.pdb\nFUNC 1000\n");
	fixture_put(fixture, "app.pdb/" ID "/app.pdb", "something else");
	fixture_put(fixture, "app.pdb/" ID "/app.pd_", "CAB PDB broken");
	assert_says(fixture->folder, &wanted, FOLDER_BROKEN,
		    "cannot be read: S/app.pdb/" ID
		    "/app.sym (line 2: FUNC needs an address, a size and a size of parameters, in "
		    "hex), S/app.pdb/" ID "/app.pdb (no known format), S/app.pdb/" ID
		    "/app.pd_ (the toy is broken)");
}

static void
looks_in_several_folders_in_their_order(void **state)
{
	struct folder_fixture *first = *state;
	struct folder_fixture second;
	struct identity_wanted wanted = windows_module();
	struct folder *folder;
	fixture_open(&second);
	const int fds[] = {first->fd, second.fd};
	const char *const names[] = {"first", "second"};
	assert_int_equal(folder_open(fds, names, 2, toy_options(), &folder, NULL), OK);
	fixture_put(&second, "app.pdb/" ID "/app.pdb", "PDB " ID " app.pdb");
	assert_says(folder, &wanted, FOLDER_FOUND, "found: second/app.pdb/" ID "/app.pdb (pdb)");
	fixture_put(first, "app.pdb/" ID "/app.pdb", "PDB " ID " app.pdb");
	assert_says(folder, &wanted, FOLDER_FOUND, "found: first/app.pdb/" ID "/app.pdb (pdb)");
	folder_close(folder);
	fixture_close(&second);
}

/* A file system that answers everything with one error. */
static err_t fake_error;

static err_t
fake_map(int folder, const char *path, uint64_t max_bytes, struct slice *ret_bytes)
{
	(void)folder;
	(void)path;
	(void)max_bytes;
	(void)ret_bytes;
	return fake_error;
}

static void
fake_unmap(struct slice bytes)
{
	(void)bytes;
}

static err_t
fake_list(int folder, const char *path,
	  bool (*each)(void *context, const char *name, bool is_folder), void *context)
{
	(void)folder;
	(void)path;
	(void)each;
	(void)context;
	return ERR_IO;
}

static void
tells_what_the_file_system_said(void **state)
{
	static const struct folder_files files = {fake_map, fake_unmap, fake_list};
	struct folder_options options = *toy_options();
	struct identity_wanted wanted = windows_module();
	struct folder *folder;
	const char *name = "S";
	int fd = -1;
	(void)state;
	options.files = &files;
	fake_error = ERR_NOTFOUND;
	assert_int_equal(folder_open(&fd, &name, 1, &options, &folder, NULL), OK);
	assert_says(folder, &wanted, FOLDER_NOT_FOUND, NULL);
	fake_error = ERR_LIMIT;
	wanted.code_id = (struct slice){0};
	wanted.code_name = (struct slice){0};
	assert_says(folder, &wanted, FOLDER_BROKEN,
		    "cannot be read: S/app.pdb/" ID "/app.sym (over a limit), S/app.pdb/" ID
		    "/app.pdb (over a limit), S/app.pdb/" ID
		    "/app.pd_ (over a limit), S/app.sym (over a limit), S/app.pdb (over a limit)");
	folder_close(folder);
}

static void
refuses_more_folders_than_there_is_room_for(void **state)
{
	const char *names[FOLDERS_MAX + 1] = {"S"};
	int fds[FOLDERS_MAX + 1] = {0};
	struct err_detail detail = {.why = ""};
	struct folder *folder;
	(void)state;
	assert_int_equal(folder_open(fds, names, FOLDERS_MAX + 1, toy_options(), &folder, &detail),
			 ERR_LIMIT);
	folder_close(NULL);
}

static void
compares_what_both_sides_know(void **state)
{
	static const struct {
		const char *wanted_debug;
		const char *wanted_code;
		const char *found_debug;
		const char *found_code;
		enum identity_verdict names;
		enum identity_verdict image;
	} rows[] = {
		{"A1", "", "a1", "", IDENTITY_EQUAL, IDENTITY_EQUAL},
		{"A1", "", "A2", "", IDENTITY_DIFFERENT, IDENTITY_DIFFERENT},
		{"A1", "C", "A1", "D", IDENTITY_EQUAL, IDENTITY_DIFFERENT},
		{"A1", "C", "A2", "C", IDENTITY_DIFFERENT, IDENTITY_DIFFERENT},
		{"A1", "C", "", "c", IDENTITY_EQUAL, IDENTITY_EQUAL},
		{"A1", "", "", "C", IDENTITY_UNKNOWN, IDENTITY_UNKNOWN},
		{"", "C", "A1", "D", IDENTITY_DIFFERENT, IDENTITY_DIFFERENT},
		{"", "", "", "", IDENTITY_UNKNOWN, IDENTITY_UNKNOWN},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct identity_wanted wanted = {.debug_id = slice_str(rows[i].wanted_debug),
						 .code_id = slice_str(rows[i].wanted_code)};
		struct identity found = {0};
		identity_set_id(found.debug_id, slice_str(rows[i].found_debug));
		identity_set_id(found.code_id, slice_str(rows[i].found_code));
		assert_int_equal(identity_compare(&wanted, &found, false), rows[i].names);
		assert_int_equal(identity_compare(&wanted, &found, true), rows[i].image);
	}
}

/* Real data: the folder says 6A98..., the file 5A98... */
static void
is_not_fooled_by_the_folder_of_a_real_file(void **state)
{
	struct identity_wanted wanted = {
		.debug_name = SLICE_LITERAL("test_app.pdb"),
		.debug_id = SLICE_LITERAL("6A9832E5287241C1838ED98914E9B7FF1"),
	};
	const char *name = "S";
	char path[CORPORA_PATH_BYTES];
	struct folder *folder;
	(void)state;
	int fd = open(corpora_place("rust-minidump/breakpad-symbols/testdata/symbols", path),
		      O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) {
		(void)printf("skip: symbols of rust-minidump (no corpora)\n");
		return;
	}
	assert_int_equal(folder_open(&fd, &name, 1, toy_options(), &folder, NULL), OK);
	assert_says(folder, &wanted, FOLDER_WRONG_IDENTITY,
		    "of another build: S/test_app.pdb/6A9832E5287241C1838ED98914E9B7FF1/"
		    "test_app.sym (it is 5A9832E5287241C1838ED98914E9B7FF1)");
	wanted.debug_id = SLICE_LITERAL("5a9832e5287241c1838ed98914e9b7ff1");
	assert_says(folder, &wanted, FOLDER_FOUND,
		    "found: S/test_app.pdb/5A9832E5287241C1838ED98914E9B7FF1/test_app.sym "
		    "(breakpad)");
	folder_close(folder);
	(void)close(fd);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(never_proposes_a_path_that_leaves_the_folder),
		CASE(never_opens_a_path_that_leaves_the_folder),
		CASE(opens_nothing_but_regular_files),
		CASE(says_which_files_are_missing),
		CASE(finds_names_and_image_in_the_layout_of_symbol_servers),
		CASE(finds_names_in_another_case),
		CASE(unpacks_what_is_packed),
		CASE(says_that_packed_files_cannot_be_read_without_an_unpacker),
		CASE(finds_elf_files_by_build_id),
		CASE(finds_files_in_a_folder_with_two_tiers),
		CASE(refuses_a_file_of_another_build_whatever_its_folder_says),
		CASE(takes_a_loose_file_only_when_it_proves_its_build),
		CASE(takes_a_file_without_identity_in_its_place_and_says_so),
		CASE(says_why_a_file_cannot_be_read),
		CASE(looks_in_several_folders_in_their_order),
		cmocka_unit_test(tells_what_the_file_system_said),
		cmocka_unit_test(refuses_more_folders_than_there_is_room_for),
		cmocka_unit_test(compares_what_both_sides_know),
		cmocka_unit_test(is_not_fooled_by_the_folder_of_a_real_file),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
