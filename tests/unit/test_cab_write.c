/* What we write, we read again, and so do the readers of others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/time.h"
#include "cab/write.h"
#include "cab_collect.h"
#include "scratch.h"

enum {
	N_MEMBERS = 7,
	LARGE = 1024 * 1024 + 1,
	CABINET_BYTES_MAX = 32 * 1024 * 1024
};

#define NOON (INT64_C(1764072000) * TIME_SECOND_US) /* 2025-11-25T12:00:00Z */

struct fixture {
	struct buf text;
	struct buf noise; /* that does not compress */
	struct cab_write_member members[N_MEMBERS];
	char folder[SCRATCH_PATH_BYTES];
};

static int
set_up(void **state)
{
	static struct fixture f;
	uint32_t seed = 99;
	fill_text(&f.text, 3 * 1024 * 1024, 1);
	buf_init(&f.noise, 200000);
	while (f.noise.len < 200000) {
		seed = seed * 1664525 + 1013904223;
		buf_append_byte(&f.noise, (uint8_t)(seed >> 24));
	}
	struct slice text = buf_slice(&f.text);
	f.members[0] = (struct cab_write_member){SLICE_LITERAL("Report.wer"),
						 slice_sub(text, 0, 5000), -1, NOON, 0x20};
	f.members[1] = (struct cab_write_member){SLICE_LITERAL("minidump.mdmp"),
						 slice_sub(text, 0, LARGE), -1, NOON, 0x20};
	f.members[2] = (struct cab_write_member){SLICE_LITERAL("empty"), SLICE_LITERAL(""), -1,
						 NOON, 0x20};
	f.members[3] = (struct cab_write_member){SLICE_LITERAL("sub/noise.bin"),
						 buf_slice(&f.noise), -1, NOON, 0x21};
	f.members[4] = (struct cab_write_member){SLICE_LITERAL("gr\xc3\xb6\xc3\x9f"
							       "e.txt"),
						 slice_sub(text, 7, 32768), -1, NOON, 0x20};
	f.members[5] = (struct cab_write_member){SLICE_LITERAL("heap.hdmp"), text, -1, NOON, 0x20};
	f.members[6] = (struct cab_write_member){SLICE_LITERAL("memory.csv"),
						 slice_sub(text, 9, 65536), -1, NOON, 0x20};
	scratch_make(f.folder);
	*state = &f;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *f = *state;
	buf_done(&f->text);
	buf_done(&f->noise);
	scratch_remove(f->folder);
	return 0;
}

static void
write_members(const struct cab_write_member *members, size_t n, bool is_stored, struct buf *out)
{
	struct err_detail detail = {.why = ""};
	struct cab_write_options options = {.is_stored = is_stored};
	buf_init(out, CABINET_BYTES_MAX);
	if (cab_write_buf(members, n, &options, out, &detail) != OK)
		fail_msg("%s", detail.why);
}

static void
assert_usage(struct slice name)
{
	struct err_detail detail = {.why = ""};
	struct buf out;
	struct cab_write_member members[] = {
		{SLICE_LITERAL("good"), SLICE_LITERAL("x"), -1, NOON, 0},
		{name, SLICE_LITERAL("x"), -1, NOON, 0},
	};
	buf_init(&out, 1000);
	buf_append_str(&out, "kept");
	if (cab_write_buf(members, 2, NULL, &out, &detail) != ERR_USAGE)
		fail_msg("\"%.*s\" was taken", SLICE_ARGS(name));
	assert_true(detail.why[0] != 0);
	assert_true(slice_equal_str(buf_slice(&out), "kept"));
	buf_done(&out);
}

static void
refuses_names_that_the_reader_would_flag(void **state)
{
	(void)state;
	static const char *const names[] = {
		"..\\x", "a/../b", "/x", "\\x", "C:x",  "x:y",  "nul.txt",       "a\nb",
		"a?",    "a\\b/c", "x.", "x ",  "GOOD", "\xff", "\xe2\x80\xaex",
	};
	uint8_t long_name[256];
	memset(long_name, 'n', sizeof(long_name));
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_usage(slice_str(names[i]));
	assert_usage(SLICE_LITERAL(""));
	assert_usage((struct slice){0});
	assert_usage(SLICE_LITERAL("a\0b"));
	assert_usage(slice_of(long_name, 256));
}

static void
refuses_too_few_and_too_many_members(void **state)
{
	(void)state;
	struct err_detail detail;
	struct buf out;
	buf_init(&out, 1000);
	assert_int_equal(cab_write_buf(NULL, 0, NULL, &out, &detail), ERR_USAGE);
	struct cab_write_member *many = calloc(LIMIT_CAB_MEMBERS + 1, sizeof(*many));
	assert_non_null(many);
	assert_int_equal(cab_write_buf(many, LIMIT_CAB_MEMBERS + 1, NULL, &out, &detail),
			 ERR_LIMIT);
	free(many);
	struct cab_write_member huge = {SLICE_LITERAL("h"),
					slice_of("h", LIMIT_CAB_MEMBER_BYTES + 1), -1, NOON, 0};
	assert_int_equal(cab_write_buf(&huge, 1, NULL, &out, &detail), ERR_LIMIT);
	/* Nothing of them is read before their lengths are added up. */
	struct cab_write_member large[2] = {huge, huge};
	large[0].bytes.len = large[1].bytes.len = LIMIT_CAB_MEMBER_BYTES / 2 + 1;
	large[1].name = SLICE_LITERAL("i");
	assert_int_equal(cab_write_buf(large, 2, NULL, &out, &detail), ERR_LIMIT);
	buf_done(&out);
}

static void
refuses_descriptors_that_are_no_files(void **state)
{
	(void)state;
	struct err_detail detail;
	struct buf out;
	int ends[2];
	buf_init(&out, 1000);
	assert_int_equal(pipe(ends), 0);
	struct cab_write_member members[] = {
		{SLICE_LITERAL("pipe"), {0}, ends[0], NOON, 0},
		{SLICE_LITERAL("none"), {0}, -1, NOON, 0},
	};
	assert_int_equal(cab_write_buf(&members[0], 1, NULL, &out, &detail), ERR_USAGE);
	assert_int_equal(cab_write_buf(&members[1], 1, NULL, &out, &detail), ERR_USAGE);
	/* Nor can a cabinet be written into one. */
	members[0].bytes = SLICE_LITERAL("x");
	uint64_t bytes;
	assert_int_equal(cab_write_fd(members, 1, NULL, ends[1], &bytes, &detail), ERR_IO);
	(void)close(ends[0]);
	(void)close(ends[1]);
	buf_done(&out);
}

static void
stops_at_its_limit_and_on_a_full_disk(void **state)
{
	struct fixture *f = *state;
	struct err_detail detail = {.why = ""};
	struct cab_write_options options = {.max_bytes = 150000};
	uint64_t bytes = 1;
	struct buf out;
	buf_init(&out, CABINET_BYTES_MAX);
	buf_append_str(&out, "kept");
	assert_int_equal(cab_write_buf(&f->members[3], 1, &options, &out, &detail), ERR_LIMIT);
	assert_true(slice_equal_str(buf_slice(&out), "kept"));
	options.max_bytes = 250000;
	assert_int_equal(cab_write_buf(&f->members[3], 1, &options, &out, &detail), OK);
	buf_done(&out);
	buf_init(&out, 150000); /* the buffer's own cap */
	assert_int_equal(cab_write_buf(&f->members[3], 1, &options, &out, &detail), ERR_LIMIT);
	assert_int_equal(out.len, 0);
	assert_int_equal(buf_error(&out), OK);
	buf_done(&out);
	int full = open("/dev/full", O_RDWR | O_CLOEXEC);
	assert_true(full >= 0);
	assert_int_equal(cab_write_fd(&f->members[3], 1, NULL, full, &bytes, &detail), ERR_FULL);
	assert_int_equal(bytes, 1);
	(void)close(full);
}

static void
what_is_written_is_read_again(void **state)
{
	struct fixture *f = *state;
	for (unsigned is_stored = 0; is_stored < 2; is_stored++) {
		struct collection c;
		struct buf out;
		write_members(f->members, N_MEMBERS, is_stored != 0, &out);
		assert_int_equal(collect(&c, buf_slice(&out)), OK);
		const struct cab_info *info = cab_info(c.cab);
		assert_int_equal(info->flags, 0);
		assert_int_equal(info->n_members, N_MEMBERS);
		assert_int_equal(info->folders[0].method, is_stored ? CAB_STORED : CAB_MSZIP);
		assert_int_equal(info->n_folders, 1);
		for (size_t i = 0; i < N_MEMBERS; i++) {
			const struct cab_member *m = &info->members[i];
			assert_whole(&c, i, f->members[i].bytes);
			assert_true(slice_equal(m->name, f->members[i].name));
			assert_int_equal(m->time_us, NOON);
			assert_int_equal(m->flags, 0);
			assert_int_equal(m->attributes, i == 4 ? 0xa0 : f->members[i].attributes);
		}
		assert_int_equal(info->members[4].encoding, CAB_UTF8);
		collection_done(&c);
		buf_done(&out);
	}
}

static void
empty_members_alone_make_a_cabinet(void **state)
{
	struct fixture *f = *state;
	struct collection c;
	struct buf out;
	write_members(&f->members[2], 1, false, &out);
	assert_int_equal(collect(&c, buf_slice(&out)), OK);
	assert_whole(&c, 0, SLICE_LITERAL(""));
	collection_done(&c);
	buf_done(&out);
}

static void
blocks_of_every_length_are_read_again(void **state)
{
	struct fixture *f = *state;
	static const size_t lengths[] = {1, 2, 3, 32767, 32768, 32769, 65535, 65536, 65537, 98304};
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		struct collection c;
		struct buf out;
		struct slice noise = slice_sub(buf_slice(&f->noise), 0, lengths[i]);
		struct cab_write_member member = {SLICE_LITERAL("n"), noise, -1, NOON, 0};
		write_members(&member, 1, i % 2 == 0, &out);
		assert_int_equal(collect(&c, buf_slice(&out)), OK);
		assert_whole(&c, 0, noise);
		collection_done(&c);
		buf_done(&out);
	}
}

static void
the_same_members_give_the_same_bytes_in_every_zone(void **state)
{
	struct fixture *f = *state;
	struct buf first;
	struct buf second;
	write_members(f->members, N_MEMBERS, false, &first);
	assert_int_equal(setenv("TZ", "Asia/Tokyo", 1), 0);
	tzset();
	write_members(f->members, N_MEMBERS, false, &second);
	assert_int_equal(unsetenv("TZ"), 0);
	tzset();
	assert_true(slice_equal(buf_slice(&first), buf_slice(&second)));
	buf_done(&first);
	buf_done(&second);
}

static void
times_outside_the_format_are_its_first_and_last(void **state)
{
	(void)state;
	struct collection c;
	struct buf out;
	struct cab_write_member members[] = {
		{SLICE_LITERAL("before"), SLICE_LITERAL("x"), -1, INT64_MIN, 0},
		{SLICE_LITERAL("behind"), SLICE_LITERAL("x"), -1, INT64_MAX, 0},
		{SLICE_LITERAL("odd"), SLICE_LITERAL("x"), -1, NOON + 3 * TIME_SECOND_US, 0},
	};
	write_members(members, 3, false, &out);
	assert_int_equal(collect(&c, buf_slice(&out)), OK);
	const struct cab_member *m = cab_info(c.cab)->members;
	assert_int_equal(m[0].time_us, INT64_C(315532800) * TIME_SECOND_US);
	assert_int_equal(m[1].time_us, INT64_C(4354819198) * TIME_SECOND_US);
	assert_int_equal(m[2].time_us, NOON + 2 * TIME_SECOND_US);
	collection_done(&c);
	buf_done(&out);
}

static int
open_file(const struct fixture *f, const char *name, struct slice content)
{
	char path[SCRATCH_PATH_BYTES + 64];
	(void)snprintf(path, sizeof(path), "%s/%s", f->folder, name);
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(fs_write_all(fd, content), OK);
	return fd;
}

static void
files_into_a_file_are_as_bytes_into_a_buffer(void **state)
{
	struct fixture *f = *state;
	struct cab_write_member members[3];
	struct err_detail detail = {.why = ""};
	struct buf expected;
	struct buf got;
	uint64_t bytes;
	char path[SCRATCH_PATH_BYTES + 64];
	write_members(f->members, 3, false, &expected);
	for (size_t i = 0; i < 3; i++) {
		char name[] = "member0";
		name[6] = (char)('0' + i);
		members[i] = f->members[i];
		members[i].fd = open_file(f, name, f->members[i].bytes);
		members[i].bytes = (struct slice){0};
	}
	int fd = open_file(f, "files.cab", (struct slice){0});
	if (cab_write_fd(members, 3, NULL, fd, &bytes, &detail) != OK)
		fail_msg("%s", detail.why);
	(void)snprintf(path, sizeof(path), "%s/files.cab", f->folder);
	assert_int_equal(fs_read_file(path, CABINET_BYTES_MAX, &got, &detail), OK);
	assert_int_equal(bytes, got.len);
	assert_true(slice_equal(buf_slice(&got), buf_slice(&expected)));
	for (size_t i = 0; i < 3; i++)
		(void)close(members[i].fd);
	(void)close(fd);
	buf_done(&got);
	buf_done(&expected);
}

/* A sink as the analysis has one: into a descriptor, up to a cap. */
struct file_sink {
	int fd;
	uint64_t left;
	uint64_t bytes; /* of the last member */
	struct cab_fault fault;
};

static bool
is_heap(void *context, const struct cab_member *member)
{
	(void)context;
	return slice_equal_str(member->name, "heap.hdmp");
}

static err_t
into_file(void *context, const struct cab_member *member, struct slice piece)
{
	struct file_sink *sink = context;
	(void)member;
	if (piece.len > sink->left)
		return ERR_LIMIT;
	sink->left -= piece.len;
	return fs_write_all(sink->fd, piece);
}

static void
end_of_file(void *context, const struct cab_member *member, uint64_t bytes,
	    const struct cab_fault *fault)
{
	struct file_sink *sink = context;
	(void)member;
	sink->bytes = bytes;
	sink->fault = fault == NULL ? (struct cab_fault){0} : *fault;
}

static void
a_dump_streams_into_a_file_up_to_a_cap(void **state)
{
	struct fixture *f = *state;
	struct buf in;
	struct cab *cab;
	struct cab_fault fault = {0};
	size_t whole = f->members[5].bytes.len;
	write_members(f->members, N_MEMBERS, false, &in);
	assert_int_equal(cab_open(buf_slice(&in), NULL, &cab, &fault), OK);
	for (unsigned is_short = 0; is_short < 2; is_short++) {
		struct file_sink context = {
			open_file(f, "heap.out", (struct slice){0}), whole, 0, {0}};
		struct cab_sink sink = {&context, is_heap, into_file, end_of_file};
		context.left -= is_short;
		assert_int_equal(cab_extract_all(cab, &sink, &fault), is_short ? ERR_LIMIT : OK);
		assert_int_equal(context.fault.reason, is_short ? CAB_SINK : CAB_NO_FAULT);
		assert_in_range(context.bytes, is_short ? whole - CAB_PIECE_BYTES : whole,
				is_short ? whole - 1 : whole);
		assert_int_equal(lseek(context.fd, 0, SEEK_CUR), context.bytes);
		(void)close(context.fd);
	}
	cab_close(cab);
	buf_done(&in);
}

/* ---- the readers of others ---- */

/* Exit status of a program without input and output; 127: not installed. */
static int
run(const char *const *arguments)
{
	int status;
	char *copies[16] = {NULL};
	for (size_t i = 0; arguments[i] != NULL; i++)
		copies[i] = strdup(arguments[i]);
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		int null = open("/dev/null", O_RDWR);
		(void)dup2(null, 0);
		(void)dup2(null, 1);
		(void)dup2(null, 2);
		(void)unsetenv("LD_PRELOAD");
		(void)execvp(copies[0], copies);
		_exit(127);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	for (size_t i = 0; copies[i] != NULL; i++)
		free(copies[i]);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void
assert_extracted(const struct fixture *f, const char *folder)
{
	for (size_t i = 0; i < N_MEMBERS; i++) {
		char path[2 * SCRATCH_PATH_BYTES + 64];
		struct err_detail detail = {.why = ""};
		struct buf got;
		(void)snprintf(path, sizeof(path), "%s/%.*s", folder,
			       SLICE_ARGS(f->members[i].name));
		if (fs_read_file(path, CABINET_BYTES_MAX, &got, &detail) != OK)
			fail_msg("%s", detail.why);
		assert_true(slice_equal(buf_slice(&got), f->members[i].bytes));
		buf_done(&got);
	}
}

/* Unpacks CABINET with each of them into a folder of its own. */
static void
assert_others_read(const struct fixture *f, const char *cabinet, const char *mark)
{
	static const char *const names[] = {"cabextract", "7z", "gcab"};
	for (size_t i = 0; i < 3; i++) {
		char folder[SCRATCH_PATH_BYTES + 64];
		char output[SCRATCH_PATH_BYTES + 68];
		(void)snprintf(folder, sizeof(folder), "%s/%s%s", f->folder, names[i], mark);
		(void)snprintf(output, sizeof(output), "-o%s", folder);
		assert_int_equal(fs_make_folders(folder, 0700, NULL), OK);
		const char *const commands[][7] = {
			{"cabextract", "-q", "-d", folder, cabinet, NULL},
			{"7z", "x", "-y", output, cabinet, NULL},
			{"gcab", "-x", "-n", "-C", folder, cabinet, NULL},
		};
		int status = run(commands[i]);
		if (status == 127) {
			(void)printf("skip: %s reads our cabinets (not installed)\n", names[i]);
			continue;
		}
		assert_int_equal(status, 0);
		assert_extracted(f, folder);
	}
}

static void
the_readers_of_others_read_it(void **state)
{
	struct fixture *f = *state;
	for (unsigned is_stored = 0; is_stored < 2; is_stored++) {
		char path[SCRATCH_PATH_BYTES + 64];
		struct buf out;
		write_members(f->members, N_MEMBERS, is_stored != 0, &out);
		(void)snprintf(path, sizeof(path), "%s/ours%u.cab", f->folder, is_stored);
		(void)close(open_file(f, path + strlen(f->folder) + 1, buf_slice(&out)));
		assert_others_read(f, path, is_stored != 0 ? "-stored" : "-mszip");
		buf_done(&out);
	}
}

static void
what_gcab_writes_we_read(void **state)
{
	struct fixture *f = *state;
	char cabinet[SCRATCH_PATH_BYTES + 64];
	char member[SCRATCH_PATH_BYTES + 64];
	struct buf in;
	struct err_detail detail = {.why = ""};
	struct collection c;
	(void)snprintf(cabinet, sizeof(cabinet), "%s/theirs.cab", f->folder);
	(void)snprintf(member, sizeof(member), "%s/noise", f->folder);
	(void)close(open_file(f, "noise", buf_slice(&f->noise)));
	const char *const commands[] = {"gcab", "-c", "-z", "-n", cabinet, member, NULL};
	int status = run(commands);
	if (status == 127) {
		(void)printf("skip: we read gcab's cabinets (not installed)\n");
		skip();
	}
	assert_int_equal(status, 0);
	assert_int_equal(fs_read_file(cabinet, CABINET_BYTES_MAX, &in, &detail), OK);
	assert_int_equal(collect(&c, buf_slice(&in)), OK);
	assert_whole(&c, 0, buf_slice(&f->noise));
	collection_done(&c);
	buf_done(&in);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_names_that_the_reader_would_flag),
		cmocka_unit_test(refuses_too_few_and_too_many_members),
		cmocka_unit_test(refuses_descriptors_that_are_no_files),
		cmocka_unit_test(stops_at_its_limit_and_on_a_full_disk),
		cmocka_unit_test(what_is_written_is_read_again),
		cmocka_unit_test(empty_members_alone_make_a_cabinet),
		cmocka_unit_test(blocks_of_every_length_are_read_again),
		cmocka_unit_test(the_same_members_give_the_same_bytes_in_every_zone),
		cmocka_unit_test(times_outside_the_format_are_its_first_and_last),
		cmocka_unit_test(files_into_a_file_are_as_bytes_into_a_buffer),
		cmocka_unit_test(a_dump_streams_into_a_file_up_to_a_cap),
		cmocka_unit_test(the_readers_of_others_read_it),
		cmocka_unit_test(what_gcab_writes_we_read),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
