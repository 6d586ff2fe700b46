/* Cabinets are valid, of exactly the size that was asked for, and hold what a crash would bring. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/reader.h"
#include "scratch.h"
#include "werload/cabinet.h"
#include "werload/evidence.h"
#include "werload/fleet.h"

enum {
	MSCF = 0x4643534d,
	MDMP = 0x504d444d
};

struct unpacked {
	struct buf data; /* of the folder */
	char names[CABINET_MEMBERS][64];
	uint32_t sizes[CABINET_MEMBERS];
	uint32_t offsets[CABINET_MEMBERS];
	size_t n_members;
};

static void
read_file(struct cabinet *cabinet, struct buf *out)
{
	struct slice piece;
	while (!slice_is_absent(piece = cabinet_next(cabinet)))
		buf_append(out, piece);
}

/* [MS-CAB] 3.1, written again: the other implementation shares no code with it. */
static uint32_t
expected_checksum(struct slice bytes, uint32_t sum)
{
	size_t rest = bytes.len % 4, whole = bytes.len - rest;
	uint32_t last = 0;
	for (size_t i = 0; i < whole; i++)
		sum ^= (uint32_t)bytes.data[i] << (8 * (i % 4));
	for (size_t i = 0; i < rest; i++)
		last |= (uint32_t)bytes.data[whole + i] << (8 * (rest - 1 - i));
	return sum ^ last;
}

static void
unpack_blocks(struct reader *r, uint32_t count, struct buf *data)
{
	for (uint32_t i = 0; i < count; i++) {
		uint32_t sum = reader_u32(r);
		size_t lengths_at = r->at;
		uint16_t packed = reader_u16(r), unpacked = reader_u16(r);
		struct slice bytes = reader_bytes(r, packed);
		assert_int_equal(packed, unpacked);
		assert_in_range(packed, 1, CABINET_BLOCK_BYTES);
		uint32_t expected = expected_checksum(bytes, 0);
		expected = expected_checksum(slice_sub(r->in, lengths_at, 4), expected);
		assert_int_equal(sum, expected);
		buf_append(data, bytes);
	}
}

static void
unpack(struct slice file, struct unpacked *unpacked)
{
	struct reader r;
	buf_init(&unpacked->data, SIZE_MAX);
	reader_init(&r, file);
	assert_int_equal(reader_u32(&r), MSCF);
	(void)reader_u32(&r);
	assert_int_equal(reader_u32(&r), file.len);
	(void)reader_u32(&r);
	uint32_t files_at = reader_u32(&r);
	(void)reader_u32(&r);
	assert_int_equal(reader_u16(&r), 0x0103);
	assert_int_equal(reader_u16(&r), 1);
	unpacked->n_members = reader_u16(&r);
	assert_in_range(unpacked->n_members, 1, CABINET_MEMBERS);
	assert_int_equal(reader_u16(&r), 0);
	(void)reader_u32(&r);
	uint32_t data_at = reader_u32(&r);
	uint32_t n_blocks = reader_u16(&r);
	assert_int_equal(reader_u16(&r), 0);
	assert_int_equal(r.at, files_at);
	for (size_t i = 0; i < unpacked->n_members; i++) {
		unpacked->sizes[i] = reader_u32(&r);
		unpacked->offsets[i] = reader_u32(&r);
		assert_int_equal(reader_u16(&r), 0);
		(void)reader_bytes(&r, 6);
		for (size_t at = 0; at < 64; at++) {
			unpacked->names[i][at] = (char)reader_u8(&r);
			if (unpacked->names[i][at] == '\0')
				break;
		}
	}
	assert_int_equal(r.at, data_at);
	unpack_blocks(&r, n_blocks, &unpacked->data);
	assert_int_equal(r.error, OK);
	assert_int_equal(reader_left(&r), 0);
}

static void
assert_members_fill_the_folder(const struct unpacked *unpacked)
{
	uint64_t at = 0;
	for (size_t i = 0; i < unpacked->n_members; i++) {
		assert_int_equal(unpacked->offsets[i], at);
		at += unpacked->sizes[i];
	}
	assert_int_equal(at, unpacked->data.len);
}

static void
make_report(struct arena *arena, int64_t one_bug, uint64_t sequence, struct report *ret_report)
{
	struct fleet *fleet = NULL;
	struct fleet_request request = {
		.sequence = sequence,
		.time_us = INT64_C(1793610000000000),
		.machine = FLEET_ANY,
		.one_bug = one_bug,
	};
	struct fleet_options options = {.seed = 11, .machines = 500};
	struct report report;
	assert_int_equal(fleet_new(&options, &fleet), OK);
	assert_int_equal(fleet_report(fleet, &request, arena, &report, NULL), OK);
	/* Texts of invented programs belong to the fleet. */
	*ret_report = report;
	for (size_t i = 0; i < report.n_params; i++)
		ret_report->params[i].value = slice_dup(arena, report.params[i].value);
	ret_report->app_name = ret_report->app_path = ret_report->app_company =
		SLICE_LITERAL("program");
	fleet_free(fleet);
}

static void
refuses_what_cannot_be(void **state)
{
	struct cabinet cabinet = {0};
	struct cabinet_member members[CABINET_MEMBERS + 1];
	(void)state;
	for (size_t i = 0; i <= CABINET_MEMBERS; i++)
		members[i] = (struct cabinet_member){"name", SLICE_LITERAL("0123456789")};
	assert_int_equal(cabinet_init(&cabinet, members, 0, 1000, 1), ERR_LIMIT);
	assert_int_equal(cabinet_init(&cabinet, members, CABINET_MEMBERS + 1, 1000, 1), ERR_LIMIT);
	assert_int_equal(cabinet_init(&cabinet, members, 1, 0, 1), ERR_LIMIT);
	/* 44 of head, 21 for the member, 8 for the block, 10 of content. */
	assert_int_equal(cabinet_init(&cabinet, members, 1, 82, 1), ERR_LIMIT);
	assert_int_equal(cabinet_init(&cabinet, members, 1, CABINET_MAX_BYTES + 1, 1), ERR_LIMIT);
	assert_int_equal(cabinet_init(&cabinet, members, 1, 83, 1), OK);
	cabinet_done(&cabinet);
	cabinet_done(&cabinet);
}

static void
has_exactly_the_size_that_was_asked_for(void **state)
{
	struct cabinet_member members[] = {{"a.txt", SLICE_LITERAL("hello")},
					   {"b.bin", SLICE_LITERAL("MDMP")}};
	(void)state;
	/* Round the end of the first and of the second block, where leftover bytes are fewest. */
	for (uint64_t bytes = 120; bytes < 66200; bytes += bytes % 32776 < 120 ? 1 : 37) {
		struct cabinet cabinet;
		struct unpacked unpacked = {0};
		struct buf file;
		buf_init(&file, SIZE_MAX);
		assert_int_equal(cabinet_init(&cabinet, members, 2, bytes, bytes), OK);
		read_file(&cabinet, &file);
		assert_int_equal(file.len, bytes);
		unpack(buf_slice(&file), &unpacked);
		assert_members_fill_the_folder(&unpacked);
		assert_memory_equal(unpacked.data.data, "helloMDMP", 9);
		buf_done(&unpacked.data);
		buf_done(&file);
		cabinet_done(&cabinet);
	}
}

static void
is_the_same_again_and_after_a_rewind(void **state)
{
	struct cabinet_member member = {"memory.hdmp", SLICE_LITERAL("MDMP")};
	struct cabinet first, second;
	struct buf a, b, c;
	(void)state;
	buf_init(&a, SIZE_MAX);
	buf_init(&b, SIZE_MAX);
	buf_init(&c, SIZE_MAX);
	assert_int_equal(cabinet_init(&first, &member, 1, 200000, 5), OK);
	assert_int_equal(cabinet_init(&second, &member, 1, 200000, 6), OK);
	read_file(&first, &a);
	cabinet_rewind(&first);
	read_file(&first, &b);
	read_file(&second, &c);
	assert_true(slice_equal(buf_slice(&a), buf_slice(&b)));
	assert_false(slice_equal(buf_slice(&a), buf_slice(&c)));
	buf_done(&a);
	buf_done(&b);
	buf_done(&c);
	cabinet_done(&first);
	cabinet_done(&second);
}

/* Every stream, and the memory that follows them, lies inside the dump. */
static void
assert_is_minidump(struct slice dump)
{
	struct reader r;
	uint64_t memory_end = 0;
	reader_init(&r, dump);
	assert_int_equal(reader_u32(&r), MDMP);
	assert_int_equal(reader_u32(&r) & 0xffff, 0xa793);
	uint32_t n_streams = reader_u32(&r), directory = reader_u32(&r);
	assert_int_equal(n_streams, 5);
	for (uint32_t i = 0; i < n_streams; i++) {
		reader_init(&r, dump);
		(void)reader_bytes(&r, directory + i * 12);
		uint32_t type = reader_u32(&r), size = reader_u32(&r), at = reader_u32(&r);
		assert_true((uint64_t)at + size <= dump.len);
		if (type != 5)
			continue;
		reader_init(&r, slice_sub(dump, at, size));
		uint32_t n_ranges = reader_u32(&r);
		for (uint32_t k = 0; k < n_ranges; k++) {
			(void)reader_u64(&r);
			uint64_t bytes = reader_u32(&r);
			memory_end = reader_u32(&r) + bytes;
		}
		assert_int_equal(r.error, OK);
	}
	assert_int_equal(memory_end, dump.len);
}

static void
check_evidence(const struct report *report, uint64_t bytes, const char *last, bool is_minidump)
{
	struct evidence evidence;
	struct unpacked unpacked = {0};
	struct buf file;
	buf_init(&file, SIZE_MAX);
	assert_int_equal(evidence_init(&evidence, report, 3, bytes), OK);
	read_file(&evidence.cabinet, &file);
	assert_int_equal(file.len, bytes);
	unpack(buf_slice(&file), &unpacked);
	assert_members_fill_the_folder(&unpacked);
	size_t i = unpacked.n_members - 1;
	assert_string_equal(unpacked.names[i], last);
	assert_string_equal(unpacked.names[0], "WERInternalMetadata.xml");
	struct slice dump = slice_of(unpacked.data.data + unpacked.offsets[i], unpacked.sizes[i]);
	if (is_minidump)
		assert_is_minidump(dump);
	else if (report->report_type == REPORT_KERNEL)
		assert_memory_equal(dump.data, "PAGEDU64", 8);
	buf_done(&file);
	buf_done(&unpacked.data);
	evidence_done(&evidence);
}

static void
brings_what_a_crash_brings(void **state)
{
	struct arena arena;
	struct report report;
	(void)state;
	arena_init(&arena, FLEET_REPORT_ARENA_BYTES);
	make_report(&arena, 0, 0, &report);
	check_evidence(&report, EVIDENCE_LEAST_BYTES, "minidump.mdmp", true);
	check_evidence(&report, 100 * 1024, "minidump.mdmp", true);
	check_evidence(&report, EVIDENCE_HEAP_DUMP_BYTES + 3, "memory.hdmp", true);
	arena_done(&arena);
}

static void
fits_any_report_into_the_least_size(void **state)
{
	struct arena arena;
	struct evidence evidence;
	size_t n_kernel = 0;
	(void)state;
	arena_init(&arena, FLEET_REPORT_ARENA_BYTES);
	for (uint64_t i = 0; i < 300; i++) {
		struct report report;
		arena_reset(&arena);
		make_report(&arena, FLEET_ANY, i, &report);
		bool is_dump =
			report.report_type == REPORT_CRASH || report.report_type == REPORT_HANG;
		bool is_kernel = report.report_type == REPORT_KERNEL;
		n_kernel += is_kernel;
		check_evidence(&report, EVIDENCE_LEAST_BYTES,
			       is_dump     ? "minidump.mdmp"
			       : is_kernel ? "Mini110226-01.dmp"
					   : "trace.etl",
			       is_dump);
		assert_int_equal(evidence_init(&evidence, &report, 1, 900), ERR_LIMIT);
	}
	assert_true(n_kernel > 0);
	arena_done(&arena);
}

static int
run_cabextract(const char *path)
{
	pid_t child = fork();
	if (child == 0) {
		(void)execlp("cabextract", "cabextract", "-q", "-t", path, (char *)NULL);
		_exit(127);
	}
	int status = -1;
	assert_true(child > 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void
is_accepted_by_cabextract(void **state)
{
	char folder[SCRATCH_PATH_BYTES], path[SCRATCH_PATH_BYTES + 16];
	struct arena arena;
	struct report report;
	(void)state;
	scratch_make(folder);
	arena_init(&arena, FLEET_REPORT_ARENA_BYTES);
	make_report(&arena, 0, 0, &report);
	(void)snprintf(path, sizeof(path), "%s/a.cab", folder);
	for (uint64_t bytes = 65000; bytes < 131200; bytes += 6007) {
		struct evidence evidence;
		struct slice piece;
		FILE *file = fopen(path, "w");
		assert_non_null(file);
		assert_int_equal(evidence_init(&evidence, &report, bytes, bytes), OK);
		while (!slice_is_absent(piece = cabinet_next(&evidence.cabinet)))
			assert_int_equal(fwrite(piece.data, 1, piece.len, file), piece.len);
		assert_int_equal(fclose(file), 0);
		evidence_done(&evidence);
		int status = run_cabextract(path);
		if (status == 127) {
			print_message("skip: cabextract is not installed\n");
			break;
		}
		assert_int_equal(status, 0);
	}
	arena_done(&arena);
	scratch_remove(folder);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_what_cannot_be),
		cmocka_unit_test(has_exactly_the_size_that_was_asked_for),
		cmocka_unit_test(is_the_same_again_and_after_a_rewind),
		cmocka_unit_test(brings_what_a_crash_brings),
		cmocka_unit_test(fits_any_report_into_the_least_size),
		cmocka_unit_test(is_accepted_by_cabextract),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
