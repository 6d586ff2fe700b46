#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/time.h"
#include "jail/jail_internal.h"

enum {
	NURSERY_SOCKET_FD = 10
};

struct child {
	pid_t pid; /* 0: free */
	int64_t deadline_us;
	bool is_late;
};

struct nursery {
	int socket;
	int signals;
	const struct jail_options *options;
	const struct sandbox *sandbox;
	struct jail_trace *traces;
	struct child children[JAIL_JOBS_MAX];
};

static struct jail_trace *own_trace;

void
jail_note(const char *stage, uint64_t offset)
{
	if (own_trace == NULL)
		return;
	size_t len = strnlen(stage, sizeof(own_trace->stage) - 1);
	memcpy(own_trace->stage, stage, len);
	own_trace->stage[len] = '\0';
	own_trace->offset = offset;
}

/* ---- the child ---- */

/* Nothing but standard error, the job's files and RULESET (-1: none) stays open. */
static void
keep_only(int *fds, size_t n_fds, int ruleset)
{
	enum {
		FIRST = 3
	};
	unsigned after = FIRST + (unsigned)n_fds;
	for (size_t i = 0; i < n_fds; i++) {
		fds[i] = fcntl(fds[i], F_DUPFD, FIRST + JAIL_FDS_MAX);
		if (fds[i] < 0)
			_exit(JAIL_STATUS_NO_SANDBOX);
	}
	for (size_t i = 0; i < n_fds; i++)
		fds[i] = dup2(fds[i], FIRST + (int)i);
	if (ruleset >= 0 && (unsigned)ruleset > after)
		(void)close_range(after, (unsigned)ruleset - 1, 0);
	if (close_range(ruleset < 0 ? after : (unsigned)ruleset + 1, UINT32_MAX, 0) != 0)
		_exit(JAIL_STATUS_NO_SANDBOX);
	(void)close(STDIN_FILENO);
	(void)close(STDOUT_FILENO);
}

static void
default_signals(void)
{
	sigset_t none;
	struct sigaction action = {.sa_handler = SIG_DFL};
	(void)sigemptyset(&none);
	for (int number = 1; number < NSIG; number++)
		(void)sigaction(number, &action, NULL);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

static void
enter(const struct nursery *n)
{
	struct err_detail detail = {0};
	if (n->options->is_open || sandbox_enter(n->sandbox, &detail) == OK)
		return;
	jail_note(detail.why, 0);
	_exit(JAIL_STATUS_NO_SANDBOX);
}

static _Noreturn void
try_sandbox(const struct nursery *n)
{
	struct err_detail detail = {0};
	if (n->options->is_open || sandbox_try(&detail) == OK)
		_exit(0);
	jail_note(detail.why, 0);
	_exit(JAIL_STATUS_NO_SANDBOX);
}

static _Noreturn void
be_child(const struct nursery *n, const struct jail_request *request, int *fds, size_t n_fds)
{
	struct buf answer;
	own_trace = &n->traces[request->slot];
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	default_signals();
	keep_only(fds, n_fds, sandbox_ruleset(n->sandbox));
	enter(n);
	if (request->is_try != 0)
		try_sandbox(n);
	struct jail_input input = {
		.fd = fds[1],
		.scratch_fd = n_fds > 2 ? fds[2] : -1,
		.task = request->task,
		.argument = slice_of(request->argument, request->argument_bytes),
	};
	buf_init(&answer, n->options->answer_bytes);
	err_t err = n->options->work(n->options->context, &input, &answer);
	if (err == OK)
		err = fs_write_all(fds[0], buf_slice(&answer));
	_exit(err == OK ? 0 : err_exit_status(err));
}

/* ---- the nursery ---- */

static void
close_all(int *fds, size_t n_fds)
{
	for (size_t i = 0; i < n_fds; i++)
		(void)close(fds[i]);
}

static void
start_child(struct nursery *n, const struct jail_request *request, int *fds, size_t n_fds)
{
	struct child *child = &n->children[request->slot];
	memset(&n->traces[request->slot], 0, sizeof(n->traces[0]));
	pid_t pid = fork();
	if (pid == 0)
		be_child(n, request, fds, n_fds);
	close_all(fds, n_fds);
	*child = (struct child){.pid = pid,
				.deadline_us = time_monotonic_us() + n->options->time_us};
	if (pid > 0)
		return;
	/* No process can be had: told as a child that could not start. */
	child->pid = 0;
	struct jail_report report = {.slot = request->slot,
				     .wait_status = JAIL_STATUS_NO_SANDBOX << 8};
	(void)snprintf(n->traces[request->slot].stage, JAIL_STAGE_BYTES, "fork: %s",
		       strerror(errno));
	(void)send(n->socket, &report, sizeof(report), MSG_NOSIGNAL);
}

/* False: the other side is gone. */
static bool
take_request(struct nursery *n)
{
	struct jail_request request;
	union {
		struct cmsghdr head;
		char space[CMSG_SPACE(JAIL_FDS_MAX * sizeof(int))];
	} control;
	struct iovec part = {.iov_base = &request, .iov_len = sizeof(request)};
	struct msghdr message = {.msg_iov = &part,
				 .msg_iovlen = 1,
				 .msg_control = &control,
				 .msg_controllen = sizeof(control)};
	int fds[JAIL_FDS_MAX];
	size_t n_fds = 0;
	ssize_t len = recvmsg(n->socket, &message, MSG_CMSG_CLOEXEC);
	if (len <= 0)
		return len < 0 && errno == EINTR;
	struct cmsghdr *head = CMSG_FIRSTHDR(&message);
	if (head != NULL && head->cmsg_type == SCM_RIGHTS) {
		n_fds = (head->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		memcpy(fds, CMSG_DATA(head), n_fds * sizeof(int));
	}
	if (request.is_kill == 0)
		start_child(n, &request, fds, n_fds);
	else if (n->children[request.slot].pid > 0)
		(void)kill(n->children[request.slot].pid, SIGKILL);
	return true;
}

static bool
report_child(struct nursery *n, pid_t pid, int status, const struct rusage *usage)
{
	for (uint32_t slot = 0; slot < n->options->jobs; slot++) {
		struct child *child = &n->children[slot];
		if (child->pid != pid)
			continue;
		struct jail_report report = {
			.slot = slot,
			.wait_status = status,
			.is_late = child->is_late,
			.cpu_us = (uint64_t)(usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) *
					  1000000 +
				  (uint64_t)(usage->ru_utime.tv_usec + usage->ru_stime.tv_usec),
			.memory_bytes = (uint64_t)usage->ru_maxrss * 1024,
		};
		child->pid = 0;
		return send(n->socket, &report, sizeof(report), MSG_NOSIGNAL) > 0;
	}
	return true;
}

static bool
reap(struct nursery *n)
{
	struct signalfd_siginfo info;
	struct rusage usage;
	int status;
	pid_t pid;
	bool goes_on = true;
	(void)!read(n->signals, &info, sizeof(info));
	while (goes_on && (pid = wait4(-1, &status, WNOHANG, &usage)) > 0)
		goes_on = report_child(n, pid, status, &usage);
	return goes_on;
}

/* Milliseconds until the next child is late; -1: none runs. */
static int
end_late_children(struct nursery *n)
{
	int64_t now_us = time_monotonic_us();
	int64_t next_us = INT64_MAX;
	for (uint32_t slot = 0; slot < n->options->jobs; slot++) {
		struct child *child = &n->children[slot];
		if (child->pid == 0 || child->is_late)
			continue;
		if (child->deadline_us <= now_us) {
			child->is_late = true;
			(void)kill(child->pid, SIGKILL);
		} else if (child->deadline_us < next_us) {
			next_us = child->deadline_us;
		}
	}
	return next_us == INT64_MAX ? -1 : (int)((next_us - now_us) / 1000 + 1);
}

static void
close_between(int after, int before)
{
	if (after + 1 < before)
		(void)close_range((unsigned)after + 1, (unsigned)before - 1, 0);
}

/* The caller's descriptors are none of its business, and other jails' sockets among them would
 * keep those jails from ending.  RULESET's number is above the socket's (sandbox.c). */
static void
keep_own(int *socket, int ruleset)
{
	int moved = fcntl(*socket, F_DUPFD_CLOEXEC, NURSERY_SOCKET_FD);
	if (moved < 0)
		_exit(JAIL_STATUS_NO_SANDBOX);
	*socket = moved;
	close_between(STDERR_FILENO, moved);
	close_between(moved, ruleset < 0 ? INT_MAX : ruleset);
	if (ruleset >= 0)
		close_between(ruleset, INT_MAX);
}

static int
catch_children(void)
{
	sigset_t set;
	(void)sigfillset(&set);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGCHLD);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

void
nursery_run(int socket, const struct jail_options *options, const struct sandbox *sandbox,
	    struct jail_trace *traces)
{
	keep_own(&socket, sandbox_ruleset(sandbox));
	struct nursery n = {
		.socket = socket,
		.signals = catch_children(),
		.options = options,
		.sandbox = sandbox,
		.traces = traces,
	};
	bool goes_on = n.signals >= 0;
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (goes_on) {
		struct pollfd fds[] = {{.fd = socket, .events = POLLIN},
				       {.fd = n.signals, .events = POLLIN}};
		int wait_ms = end_late_children(&n);
		if (poll(fds, 2, wait_ms) < 0 && errno != EINTR)
			break;
		if (fds[1].revents != 0)
			goes_on = reap(&n);
		if (goes_on && fds[0].revents != 0)
			goes_on = take_request(&n);
	}
	for (uint32_t slot = 0; slot < options->jobs; slot++)
		if (n.children[slot].pid > 0)
			(void)kill(n.children[slot].pid, SIGKILL);
}
