/* Built without sanitizers, which need system calls and memory that the sandbox refuses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/time.h"
#include "jail/jail.h"

enum task {
	TASK_ECHO,
	TASK_SUM,
	TASK_SCRATCH,
	TASK_LIST_FOLDER,
	TASK_CRASH,
	TASK_ABORT,
	TASK_SPIN,
	TASK_SLEEP,
	TASK_EAT_MEMORY,
	TASK_FILL_SCRATCH,
	TASK_TALK,
	TASK_ENVIRONMENT,
	TASK_OPEN_FILES,
	/* each must kill the child by SIGSYS */
	TASK_SOCKET,
	TASK_FORK,
	TASK_EXEC,
	TASK_PTRACE,
	TASK_KILL_PARENT,
	TASK_WRITABLE_FILE,
	TASK_EXECUTABLE_MEMORY,
	TASK_UNLINK,
	TASK_CHMOD,
	TASK_IOCTL,
	TASK_SETRLIMIT,
};

static int marker; /* a child that changes it must not change it for the next one */

static void
eat_memory(struct buf *answer)
{
	size_t got = 0;
	uint8_t *piece;
	while (got < 4096 && (piece = malloc(1024 * 1024)) != NULL) {
		memset(piece, 1, 1024 * 1024);
		got++;
	}
	buf_printf(answer, "%zu", got);
}

static void
fill_scratch(const struct jail_input *input)
{
	static uint8_t block[65536];
	for (int i = 0; i < 4096; i++)
		if (write(input->scratch_fd, block, sizeof(block)) < 0)
			_exit(1);
}

static void
list_folder(const struct jail_input *input, struct buf *answer)
{
	char path[4096];
	uint8_t text[64];
	(void)snprintf(path, sizeof(path), "%.*s", SLICE_ARGS(input->argument));
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t len = fd < 0 ? -1 : read(fd, text, sizeof(text));
	if (len < 0)
		buf_append_str(answer, "refused");
	else
		buf_append(answer, slice_of(text, (size_t)len));
}

static void
read_input(const struct jail_input *input, struct buf *answer)
{
	uint8_t text[256];
	ssize_t len = read(input->fd, text, sizeof(text));
	buf_printf(answer, "%d:%d:", marker++, len < 0 ? -1 : (int)len);
	if (len > 0)
		buf_append(answer, slice_of(text, (size_t)len));
}

static void
use_scratch(const struct jail_input *input, struct buf *answer)
{
	if (write(input->scratch_fd, "scratch", 7) != 7)
		return;
	const uint8_t *mapped = mmap(NULL, 7, PROT_READ, MAP_PRIVATE, input->scratch_fd, 0);
	if (mapped != MAP_FAILED)
		buf_append(answer, slice_of(mapped, 7));
}

/* As a child would that somebody took over: past its own buffer, straight into the pipe. */
static void
talk(void)
{
	static const uint8_t block[65536];
	while (write(3, block, sizeof(block)) > 0) {
	}
}

/* Which descriptors are open, besides standard error. */
static void
list_open(struct buf *answer)
{
	for (int fd = 0; fd < 100; fd++)
		if (fcntl(fd, F_GETFL) >= 0)
			buf_printf(answer, "%d ", fd);
}

static void
break_out(enum task task)
{
	struct rlimit none = {RLIM_INFINITY, RLIM_INFINITY};
	char *argv[] = {(char[]){"true"}, NULL};
	if (task == TASK_SOCKET)
		(void)socket(AF_INET, SOCK_STREAM, 0);
	else if (task == TASK_FORK)
		(void)fork();
	else if (task == TASK_EXEC)
		(void)execv("/bin/true", argv);
	else if (task == TASK_PTRACE)
		(void)syscall(SYS_ptrace, 0, 0, 0, 0);
	else if (task == TASK_KILL_PARENT)
		(void)syscall(SYS_kill, getppid(), SIGKILL);
	else if (task == TASK_WRITABLE_FILE)
		(void)open("/tmp/made-by-a-jailed-child", O_RDWR | O_CREAT, 0600);
	else if (task == TASK_EXECUTABLE_MEMORY)
		(void)mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	else if (task == TASK_UNLINK)
		(void)unlink("/tmp/made-by-a-jailed-child");
	else if (task == TASK_CHMOD)
		(void)chmod("/tmp", 0777);
	else if (task == TASK_IOCTL)
		(void)syscall(SYS_ioctl, 2, 0x5412, "x");
	else if (task == TASK_SETRLIMIT)
		(void)setrlimit(RLIMIT_CPU, &none);
	_exit(0); /* alive: the test fails */
}

static err_t
work(void *context, const struct jail_input *input, struct buf *answer)
{
	jail_note("the work of a test", input->task);
	switch (input->task) {
	case TASK_ECHO:
		buf_append(answer, input->argument);
		return OK;
	case TASK_SUM:
		read_input(input, answer);
		return OK;
	case TASK_SCRATCH:
		use_scratch(input, answer);
		return OK;
	case TASK_LIST_FOLDER:
		list_folder(input, answer);
		return OK;
	case TASK_CRASH:
		*(volatile int *)(uintptr_t)context = 1;
		return OK;
	case TASK_ABORT:
		abort();
	case TASK_SPIN:
		for (volatile unsigned i = 0;; i++) {
		}
	case TASK_SLEEP:
		for (;;)
			(void)syscall(SYS_futex, &marker, 0, marker, NULL, NULL, 0);
	case TASK_EAT_MEMORY:
		eat_memory(answer);
		return OK;
	case TASK_FILL_SCRATCH:
		fill_scratch(input);
		return OK;
	case TASK_TALK:
		talk();
		return OK;
	case TASK_ENVIRONMENT:
		buf_printf(answer, "%d", (int)syscall(SYS_getpid) > 0);
		return OK;
	case TASK_OPEN_FILES:
		list_open(answer);
		return OK;
	default:
		break_out((enum task)input->task);
		return OK;
	}
}

static const char folder[] = "/usr/share/common-licenses";
static struct jail *jail;
static struct jail *impatient; /* half a second for a job, by the clock */

static err_t
open_with(int64_t time_us, struct jail **ret_jail)
{
	static const char *const folders[] = {folder};
	struct err_detail detail = {0};
	struct jail_options options = {
		.limits = {.cpu_seconds = 1, .memory_bytes = 64 << 20, .file_bytes = 1 << 20},
		.folders = folders,
		.n_folders = 1,
		.jobs = 4,
		.time_us = time_us,
		.answer_bytes = 4 * 1024 * 1024,
		.work = work,
	};
	err_t err = jail_open(&options, ret_jail, &detail);
	if (err != OK)
		print_message("%s: %s\n", err_name(err), detail.why);
	return err;
}

/* A busy machine may give a second of processor time in many seconds. */
static int
open_jail(void **state)
{
	(void)state;
	if (open_with(60 * TIME_SECOND_US, &jail) != OK)
		return -1;
	return open_with(TIME_SECOND_US / 2, &impatient) == OK ? 0 : -1;
}

static int
close_jail(void **state)
{
	(void)state;
	jail_close(jail);
	jail_close(impatient);
	return 0;
}

static int
file_with(const char *text)
{
	int fd = memfd_create("input", MFD_CLOEXEC);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	return fd;
}

static struct jail_result
run_in(struct jail *in, enum task task, const char *argument)
{
	struct jail_result result;
	struct jail_input input = {
		.fd = file_with("bytes to be read"),
		.scratch_fd = memfd_create("scratch", MFD_CLOEXEC),
		.task = task,
		.argument = slice_str(argument),
	};
	assert_int_equal(jail_run(in, &input, &result, NULL), OK);
	return result;
}

static struct jail_result
run(enum task task, const char *argument)
{
	return run_in(jail, task, argument);
}

static void
expect_answer(enum task task, const char *argument, const char *answer)
{
	struct jail_result result = run(task, argument);
	assert_int_equal(result.end, JAIL_ANSWERED);
	if (!slice_equal_str(result.answer, answer))
		fail_msg("%.*s", SLICE_ARGS(result.answer));
}

static void
expect_text(const struct jail_result *result, const char *text)
{
	struct buf out;
	buf_init(&out, 1000);
	jail_explain(result, &out);
	buf_append_byte(&out, '\0');
	assert_string_equal((const char *)out.data, text);
	buf_done(&out);
}

static void
kills_whoever_tries_to_get_out(void **state)
{
	(void)state;
	for (unsigned task = TASK_SOCKET; task <= TASK_SETRLIMIT; task++) {
		struct jail_result result = run((enum task)task, "");
		if (result.end != JAIL_SIGNAL || result.number != SIGSYS)
			fail_msg("task %u: end %d, number %d", task, (int)result.end,
				 result.number);
	}
	assert_int_equal(access("/tmp/made-by-a-jailed-child", F_OK), -1);
}

static void
reads_nothing_but_the_folders_it_was_given(void **state)
{
	(void)state;
	expect_answer(TASK_LIST_FOLDER, "/etc/hostname", "refused");
	expect_answer(TASK_LIST_FOLDER, "/proc/self/maps", "refused");
	expect_answer(TASK_LIST_FOLDER, "/usr/share/common-licenses/../../../etc/passwd",
		      "refused");
	struct jail_result result = run(TASK_LIST_FOLDER, "/usr/share/common-licenses/Apache-2.0");
	assert_int_equal(result.end, JAIL_ANSWERED);
	assert_true(result.answer.len == 64);
}

static void
has_its_files_and_standard_error_open_and_no_other(void **state)
{
	(void)state;
	expect_answer(TASK_OPEN_FILES, "", "2 3 4 5 ");
}

static void
gives_the_answer(void **state)
{
	(void)state;
	expect_answer(TASK_ECHO, "echo", "echo");
	expect_answer(TASK_SCRATCH, "", "scratch");
	expect_answer(TASK_ENVIRONMENT, "", "1");
}

static void
forks_each_child_fresh(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++)
		expect_answer(TASK_SUM, "", "0:16:bytes to be read");
}

static void
tells_of_which_signal_a_child_died_and_where(void **state)
{
	(void)state;
	struct jail_result result = run(TASK_CRASH, "");
	assert_int_equal(result.end, JAIL_SIGNAL);
	assert_int_equal(result.number, SIGSEGV);
	assert_string_equal(result.stage, "the work of a test");
	assert_int_equal(result.offset, TASK_CRASH);
	result = run(TASK_ABORT, "");
	assert_int_equal(result.number, SIGABRT);
	expect_text(&result,
		    "killed by SIGABRT (out of memory, or a library gave up), at offset 5: "
		    "the work of a test");
}

static void
ends_a_child_that_takes_too_long(void **state)
{
	(void)state;
	struct jail_result result = run(TASK_SPIN, "");
	assert_int_equal(result.end, JAIL_SIGNAL);
	assert_int_equal(result.number, SIGXCPU);
	assert_true(result.cpu_us >= 900000 && result.cpu_us < 2500000);
	result = run_in(impatient, TASK_SLEEP, "");
	assert_int_equal(result.end, JAIL_TIMEOUT);
	expect_text(&result, "killed: it took too long, at offset 7: the work of a test");
}

static void
bounds_memory_files_and_answers(void **state)
{
	(void)state;
	uint64_t pieces;
	struct jail_result result = run(TASK_EAT_MEMORY, "");
	assert_int_equal(result.end, JAIL_ANSWERED);
	assert_true(slice_to_u64(result.answer, &pieces));
	assert_true(pieces > 16 && pieces < 64);
	result = run(TASK_FILL_SCRATCH, "");
	assert_int_equal(result.end, JAIL_SIGNAL);
	assert_int_equal(result.number, SIGXFSZ);
	result = run(TASK_TALK, "");
	assert_int_equal(result.end, JAIL_TALKATIVE);
	assert_true(result.answer.len <= 4 * 1024 * 1024);
}

static void
works_on_several_at_once_and_refuses_one_more(void **state)
{
	(void)state;
	struct err_detail detail;
	unsigned seen = 0;
	for (uint64_t job = 0; job < 4; job++) {
		struct jail_input input = {.fd = file_with("x"),
					   .scratch_fd = -1,
					   .task = job == 0 ? TASK_SLEEP : TASK_ECHO,
					   .argument = SLICE_LITERAL("y")};
		assert_int_equal(jail_start(impatient, job, &input, &detail), OK);
	}
	assert_int_equal(jail_free_slots(impatient), 0);
	struct jail_input more = {.fd = file_with("x"), .scratch_fd = -1};
	assert_int_equal(jail_start(impatient, 9, &more, &detail), ERR_BUSY);
	for (int i = 0; i < 4; i++) {
		struct jail_result result;
		assert_int_equal(jail_wait(impatient, 10 * TIME_SECOND_US, &result), OK);
		if (result.job == 0)
			assert_int_equal(result.end, JAIL_TIMEOUT);
		seen |= 1U << result.job;
	}
	assert_int_equal(seen, 15);
	struct jail_result none;
	assert_int_equal(jail_wait(impatient, 1000, &none), ERR_TIMEOUT);
}

static void
does_not_open_when_a_folder_is_missing(void **state)
{
	static const char *const folders[] = {"/nonexistent/symbols"};
	struct err_detail detail = {0};
	struct jail *none = NULL;
	struct jail_options options = {
		.limits = {.cpu_seconds = 1, .memory_bytes = 64 << 20, .file_bytes = 1 << 20},
		.folders = folders,
		.n_folders = 1,
		.jobs = 1,
		.time_us = TIME_SECOND_US,
		.answer_bytes = 1000,
		.work = work,
	};
	(void)state;
	assert_int_equal(jail_open(&options, &none, &detail), ERR_NOTFOUND);
	assert_null(none);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kills_whoever_tries_to_get_out),
		cmocka_unit_test(reads_nothing_but_the_folders_it_was_given),
		cmocka_unit_test(has_its_files_and_standard_error_open_and_no_other),
		cmocka_unit_test(gives_the_answer),
		cmocka_unit_test(forks_each_child_fresh),
		cmocka_unit_test(tells_of_which_signal_a_child_died_and_where),
		cmocka_unit_test(ends_a_child_that_takes_too_long),
		cmocka_unit_test(bounds_memory_files_and_answers),
		cmocka_unit_test(works_on_several_at_once_and_refuses_one_more),
		cmocka_unit_test(does_not_open_when_a_folder_is_missing),
	};
	return cmocka_run_group_tests(tests, open_jail, close_jail);
}
