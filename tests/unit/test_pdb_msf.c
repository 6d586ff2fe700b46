/* The container: what is no PDB, and PDBs whose blocks, sizes and directories lie. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "base/limits.h"
#include "pdb_program.h"
#include "symbols/pdb.h"
#include "symbols/pdb_msf.h"

/* Where the superblock has what. */
enum {
	AT_BLOCK_BYTES = 32,
	AT_BLOCKS = 40,
	AT_DIRECTORY_BYTES = 44,
	AT_MAP = 52
};

/* The directory: count, sizes, blocks. */
#define AT_SIZE(stream) (4 + 4 * (size_t)(stream))
#define AT_FIRST_BLOCK (4 + 4 * (size_t)PDB_STREAMS)

static void
make(struct pdb_program *program, struct buf *file)
{
	pdb_program_make(program);
	pdb_builder_layout(&program->b, file);
}

static void
done(struct pdb_program *program, struct buf *file)
{
	pdb_builder_done(&program->b);
	buf_done(file);
}

static void
assert_refused(struct slice file, err_t expected, const char *why)
{
	struct symbols *symbols = NULL;
	struct pdb_identity identity;
	struct err_detail detail = {.why = ""};
	err_t err = pdb_open(file, &symbols, &detail);
	if (err != expected || strstr(detail.why, why) == NULL)
		fail_msg("%s: %s (not %s: %s)", err_name(err), detail.why, err_name(expected), why);
	assert_null(symbols);
	assert_int_equal(pdb_identity(file, &identity, NULL), expected);
}

static void
refuses_other_formats_by_their_names(void **state)
{
	static const struct {
		const char *start;
		const char *why;
	} strangers[] = {
		{"Microsoft C/C++ program database 2.00\r\n\x1aJG", "MSF 2.00"},
		{"BSJB\1\0\1\0", ".NET portable PDB"},
		{"Microsoft MSFZ Container\r\n\x1a"
		 "ALD\0\0",
		 "MSFZ"},
		{"MSCF\0\0\0\0", "cabinet"},
		{"MZ\x90", "program"},
		{"!<arch>\n", "library"},
		{"", "not a PDB"},
		{"PK\3\4 something else that is long enough to hold a superblock", "not a PDB"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(strangers) / sizeof(strangers[0]); i++)
		assert_refused(slice_str(strangers[i].start), ERR_UNSUPPORTED, strangers[i].why);
	assert_refused(slice_str("Microsoft C/C++ MSF 7"), ERR_TRUNCATED, "superblock");
}

static void
refuses_a_file_that_is_cut_at_any_byte(void **state)
{
	struct pdb_program program;
	struct buf file;
	(void)state;
	make(&program, &file);
	for (size_t len = 0; len < file.len; len += len < 64 ? 1 : 61) {
		struct symbols *symbols;
		uint8_t *copy = malloc(len + 1);
		assert_non_null(copy);
		memcpy(copy, file.data, len);
		err_t err = pdb_open(slice_of(copy, len), &symbols, NULL);
		assert_int_equal(err, len == 0 ? ERR_UNSUPPORTED : ERR_TRUNCATED);
		free(copy);
	}
	done(&program, &file);
}

static void
refuses_block_sizes_that_are_none(void **state)
{
	static const uint32_t sizes[] = {0, 1, 256, 511, 513, 4095, 65536, UINT32_MAX};
	struct pdb_program program;
	struct buf file;
	(void)state;
	make(&program, &file);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		pdb_set32(&file, AT_BLOCK_BYTES, sizes[i]);
		assert_refused(buf_slice(&file), ERR_CORRUPT, "blocks of");
	}
	done(&program, &file);
}

static void
refuses_more_blocks_than_the_file_has(void **state)
{
	struct pdb_program program;
	struct buf file;
	(void)state;
	make(&program, &file);
	uint32_t n = pdb_get32(&file, AT_BLOCKS);
	pdb_set32(&file, AT_BLOCKS, n + 1);
	assert_refused(buf_slice(&file), ERR_TRUNCATED, "blocks");
	pdb_set32(&file, AT_BLOCKS, UINT32_MAX);
	assert_refused(buf_slice(&file), ERR_TRUNCATED, "blocks");
	/* Fewer: the last ones, where the directory is, are not there. */
	pdb_set32(&file, AT_BLOCKS, n - 1);
	assert_refused(buf_slice(&file), ERR_CORRUPT, "piece of the block map 0 has block");
	done(&program, &file);
}

static void
refuses_directories_of_wrong_sizes(void **state)
{
	struct pdb_program program;
	struct buf file;
	(void)state;
	make(&program, &file);
	pdb_set32(&file, AT_DIRECTORY_BYTES, LIMIT_PDB_DIRECTORY_BYTES + 1);
	assert_refused(buf_slice(&file), ERR_LIMIT, "directory");
	pdb_set32(&file, AT_DIRECTORY_BYTES, (uint32_t)file.len);
	assert_refused(buf_slice(&file), ERR_CORRUPT, "directory");
	pdb_set32(&file, AT_DIRECTORY_BYTES, (uint32_t)AT_FIRST_BLOCK);
	assert_refused(buf_slice(&file), ERR_TRUNCATED, "directory ends early");
	pdb_set32(&file, AT_DIRECTORY_BYTES, 0);
	assert_refused(buf_slice(&file), ERR_TRUNCATED, "PDB stream ends early");
	done(&program, &file);
}

static void
refuses_a_directory_that_points_into_itself(void **state)
{
	struct pdb_program program;
	struct buf file;
	(void)state;
	make(&program, &file);
	uint32_t map_block = pdb_get32(&file, AT_MAP);
	uint32_t directory_block = pdb_get32(&file, program.b.map_at);
	/* The block map lies in the block that it lists. */
	pdb_set32(&file, program.b.map_at, map_block);
	assert_refused(buf_slice(&file), ERR_CORRUPT, "used twice");
	pdb_set32(&file, program.b.map_at, directory_block);
	/* A stream lies in the directory. */
	pdb_set32(&file, program.b.directory_at + AT_FIRST_BLOCK, directory_block);
	assert_refused(buf_slice(&file), ERR_CORRUPT, "used twice, again by stream 1");
	done(&program, &file);
}

static void
refuses_blocks_that_two_streams_share(void **state)
{
	struct pdb_program program;
	struct buf file;
	(void)state;
	make(&program, &file);
	size_t at = program.b.directory_at + AT_FIRST_BLOCK;
	pdb_set32(&file, at + 4, pdb_get32(&file, at));
	assert_refused(buf_slice(&file), ERR_CORRUPT, "used twice");
	done(&program, &file);
}

static void
refuses_blocks_outside_of_the_file(void **state)
{
	struct pdb_program program;
	struct buf file;
	(void)state;
	make(&program, &file);
	size_t at = program.b.directory_at + AT_FIRST_BLOCK;
	uint32_t n = pdb_get32(&file, AT_BLOCKS);
	static const uint32_t wrong[] = {0, UINT32_MAX};
	for (size_t i = 0; i < 2; i++) {
		pdb_set32(&file, at, wrong[i]);
		assert_refused(buf_slice(&file), ERR_CORRUPT, "stream 1 has block");
	}
	pdb_set32(&file, at, n);
	assert_refused(buf_slice(&file), ERR_CORRUPT, "stream 1 has block");
	done(&program, &file);
}

static void
refuses_streams_that_are_longer_than_the_directory_tells(void **state)
{
	struct pdb_program program;
	struct buf file;
	(void)state;
	make(&program, &file);
	size_t at = program.b.directory_at + AT_SIZE(PDB_NAMES);
	pdb_set32(&file, at, 100 * 4096);
	assert_refused(buf_slice(&file), ERR_TRUNCATED, "directory ends early");
	pdb_set32(&file, at, 0xfffffffe);
	assert_refused(buf_slice(&file), ERR_TRUNCATED, "directory ends early");
	/* Many of the longest add up to more than any directory could list. */
	for (size_t i = 0; i < PDB_STREAMS; i++)
		pdb_set32(&file, program.b.directory_at + AT_SIZE(i), 0xfffffffe);
	assert_refused(buf_slice(&file), ERR_CORRUPT, "stream");
	done(&program, &file);
}

static void
refuses_more_streams_than_numbers(void **state)
{
	struct pdb_program program;
	struct buf file;
	(void)state;
	make(&program, &file);
	pdb_set32(&file, program.b.directory_at, LIMIT_PDB_STREAMS + 1);
	assert_refused(buf_slice(&file), ERR_LIMIT, "streams");
	pdb_set32(&file, program.b.directory_at, LIMIT_PDB_STREAMS);
	assert_refused(buf_slice(&file), ERR_TRUNCATED, "directory ends early");
	done(&program, &file);
}

static void
reads_a_directory_whose_map_takes_many_blocks(void **state)
{
	struct pdb_program program;
	struct buf file;
	struct arena arena;
	struct msf msf;
	uint8_t scratch[4];
	struct slice bytes;
	(void)state;
	pdb_program_make(&program);
	program.b.block_bytes = 512;
	program.b.is_scattered = true;
	/* 32 MiB in blocks of 512 bytes: the directory takes 256 KiB, its map 2 KiB. */
	struct buf *stream = &program.b.streams[PDB_FIRST_MODULE + 3];
	for (uint32_t i = 0; i < 8 * 1024 * 1024; i++)
		pdb_put32(stream, i);
	pdb_builder_layout(&program.b, &file);
	arena_init(&arena, LIMIT_PDB_OPEN_BYTES);
	assert_int_equal(msf_open(buf_slice(&file), &arena, &msf, NULL), OK);
	for (uint32_t i = 0; i < 8 * 1024 * 1024; i += 127) {
		assert_true(msf_peek(&msf, PDB_FIRST_MODULE + 3, 4 * i, 4, scratch, &bytes));
		assert_int_equal(bytes.data[0] | bytes.data[1] << 8 | bytes.data[2] << 16, i);
	}
	arena_done(&arena);
	done(&program, &file);
}

static void
does_not_mind_streams_that_were_removed(void **state)
{
	struct pdb_program program;
	struct buf file;
	struct symbols *symbols;
	(void)state;
	make(&program, &file);
	assert_int_equal(pdb_get32(&file, program.b.directory_at + AT_SIZE(PDB_STREAMS - 1)), 0);
	pdb_set32(&file, program.b.directory_at + AT_SIZE(PDB_STREAMS - 1), UINT32_MAX);
	assert_int_equal(pdb_open(buf_slice(&file), &symbols, NULL), OK);
	symbols_free(symbols);
	done(&program, &file);
}

/* In the directory of the previous commit a block may stand that is in use again. */
static void
does_not_mind_what_the_old_directory_says(void **state)
{
	struct pdb_program program;
	struct buf file;
	struct symbols *symbols;
	(void)state;
	pdb_program_make(&program);
	buf_append_zero(&program.b.streams[PDB_OLD_DIRECTORY], 100);
	pdb_builder_layout(&program.b, &file);
	size_t at = program.b.directory_at + AT_FIRST_BLOCK;
	pdb_set32(&file, at, pdb_get32(&file, at + 4));
	assert_int_equal(pdb_open(buf_slice(&file), &symbols, NULL), OK);
	symbols_free(symbols);
	done(&program, &file);
}

static void
hands_out_no_byte_past_a_stream(void **state)
{
	struct pdb_program program;
	struct buf file;
	struct arena arena;
	struct msf msf;
	uint8_t scratch[4096];
	struct slice bytes;
	(void)state;
	make(&program, &file);
	arena_init(&arena, LIMIT_PDB_OPEN_BYTES);
	assert_int_equal(msf_open(buf_slice(&file), &arena, &msf, NULL), OK);
	uint32_t len = msf_bytes(&msf, PDB_NAMES);
	assert_int_equal(len, program.b.streams[PDB_NAMES].len);
	assert_true(msf_peek(&msf, PDB_NAMES, 0, len, scratch, &bytes));
	assert_false(msf_peek(&msf, PDB_NAMES, 1, len, scratch, &bytes));
	assert_false(msf_peek(&msf, PDB_NAMES, len + 1, 0, scratch, &bytes));
	assert_false(msf_peek(&msf, PDB_NAMES, UINT32_MAX, UINT32_MAX, scratch, &bytes));
	assert_true(slice_is_absent(msf_span(&msf, PDB_NAMES, 0, len + 1)));
	assert_int_equal(msf_span(&msf, PDB_NAMES, len, 0).len, 0);
	assert_int_equal(msf_view(&msf, PDB_NAMES, 0, len + 1, &arena, &bytes), ERR_TRUNCATED);
	assert_int_equal(msf_bytes(&msf, PDB_STREAMS), 0);
	assert_int_equal(msf_bytes(&msf, MSF_NO_STREAM), 0);
	assert_int_equal(msf_text_bytes(&msf, PDB_NAMES, len, 10), 0);
	assert_int_equal(msf_text_bytes(&msf, PDB_NAMES, UINT32_MAX, 10), 0);
	arena_done(&arena);
	done(&program, &file);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_other_formats_by_their_names),
		cmocka_unit_test(refuses_a_file_that_is_cut_at_any_byte),
		cmocka_unit_test(refuses_block_sizes_that_are_none),
		cmocka_unit_test(refuses_more_blocks_than_the_file_has),
		cmocka_unit_test(refuses_directories_of_wrong_sizes),
		cmocka_unit_test(refuses_a_directory_that_points_into_itself),
		cmocka_unit_test(refuses_blocks_that_two_streams_share),
		cmocka_unit_test(refuses_blocks_outside_of_the_file),
		cmocka_unit_test(refuses_streams_that_are_longer_than_the_directory_tells),
		cmocka_unit_test(refuses_more_streams_than_numbers),
		cmocka_unit_test(reads_a_directory_whose_map_takes_many_blocks),
		cmocka_unit_test(does_not_mind_streams_that_were_removed),
		cmocka_unit_test(does_not_mind_what_the_old_directory_says),
		cmocka_unit_test(hands_out_no_byte_past_a_stream),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
