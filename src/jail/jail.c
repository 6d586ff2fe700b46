#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/time.h"
#include "jail/jail_internal.h"

struct slot {
	bool is_busy;
	uint64_t job;
	int answer_fd; /* -1: read to its end */
	struct buf answer;
	bool is_talkative;
	bool has_report; /* the child is dead; once the answer is read too, it is a result */
	struct jail_report report;
};

struct jail {
	struct jail_options options;
	pid_t nursery;
	int socket;
	struct jail_trace *traces;
	size_t traces_bytes;
	struct slot slots[JAIL_JOBS_MAX];
	unsigned last; /* slot whose answer the caller may still read */
};

/* ---- opening and closing ---- */

/* gcc tells by a macro, clang by a feature. */
bool
jail_has_sanitizers(void)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	return true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(memory_sanitizer)
	return true;
#endif
#endif
	return false;
}

static err_t
fork_nursery(struct jail *jail, const struct sandbox *sandbox, struct err_detail *detail)
{
	int pair[2];
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
		return err_set(detail, err_from_errno(errno), "socketpair: %s", strerror(errno));
	jail->nursery = fork();
	if (jail->nursery == 0) {
		(void)close(pair[0]);
		nursery_run(pair[1], &jail->options, sandbox, jail->traces);
		_exit(0);
	}
	(void)close(pair[1]);
	jail->socket = pair[0];
	if (jail->nursery > 0)
		return OK;
	return err_set(detail, err_from_errno(errno), "fork: %s", strerror(errno));
}

static err_t
share_traces(struct jail *jail, struct err_detail *detail)
{
	jail->traces_bytes = sizeof(struct jail_trace) * jail->options.jobs;
	jail->traces = mmap(NULL, jail->traces_bytes, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (jail->traces != MAP_FAILED)
		return OK;
	jail->traces = NULL;
	return err_set(detail, ERR_NOMEM, "mmap: %s", strerror(errno));
}

static err_t try_one(struct jail *jail, struct err_detail *detail);

err_t
jail_open(const struct jail_options *options, struct jail **ret_jail, struct err_detail *detail)
{
	struct sandbox *sandbox = NULL;
	struct jail *jail = calloc(1, sizeof(*jail));
	if (jail == NULL)
		abort();
	jail->options = *options;
	jail->options.is_open = options->is_open && jail_has_sanitizers();
	jail->socket = -1;
	for (unsigned i = 0; i < options->jobs; i++) {
		jail->slots[i].answer_fd = -1;
		buf_init(&jail->slots[i].answer, options->answer_bytes);
	}
	err_t err = share_traces(jail, detail);
	if (err == OK && !jail->options.is_open)
		err = sandbox_new(options->folders, options->n_folders, &options->limits, &sandbox,
				  detail);
	if (err == OK)
		err = fork_nursery(jail, sandbox, detail);
	sandbox_free(sandbox); /* the nursery has its own */
	if (err == OK)
		err = try_one(jail, detail);
	if (err != OK) {
		jail_close(jail);
		return err;
	}
	*ret_jail = jail;
	return OK;
}

void
jail_close(struct jail *jail)
{
	if (jail == NULL)
		return;
	if (jail->socket >= 0)
		(void)close(jail->socket); /* the nursery ends at that, and its children with it */
	if (jail->nursery > 0)
		(void)waitpid(jail->nursery, NULL, 0);
	for (unsigned i = 0; i < jail->options.jobs; i++) {
		if (jail->slots[i].answer_fd >= 0)
			(void)close(jail->slots[i].answer_fd);
		buf_done(&jail->slots[i].answer);
	}
	if (jail->traces != NULL)
		(void)munmap(jail->traces, jail->traces_bytes);
	free(jail);
}

/* ---- starting a job ---- */

unsigned
jail_free_slots(const struct jail *jail)
{
	unsigned count = 0;
	for (unsigned i = 0; i < jail->options.jobs; i++)
		count += !jail->slots[i].is_busy;
	return count;
}

static err_t
send_request(struct jail *jail, const struct jail_request *request, const int *fds, size_t n_fds)
{
	union {
		struct cmsghdr head;
		char space[CMSG_SPACE(JAIL_FDS_MAX * sizeof(int))];
	} control = {0};
	union {
		const struct jail_request *request;
		void *base;
	} bytes = {.request = request};
	struct iovec part = {.iov_base = bytes.base, .iov_len = sizeof(*request)};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
	if (n_fds > 0) {
		message.msg_control = &control;
		message.msg_controllen = CMSG_SPACE(n_fds * sizeof(int));
		struct cmsghdr *head = CMSG_FIRSTHDR(&message);
		head->cmsg_level = SOL_SOCKET;
		head->cmsg_type = SCM_RIGHTS;
		head->cmsg_len = CMSG_LEN(n_fds * sizeof(int));
		memcpy(CMSG_DATA(head), fds, n_fds * sizeof(int));
	}
	while (sendmsg(jail->socket, &message, MSG_NOSIGNAL) < 0)
		if (errno != EINTR)
			return ERR_CLOSED;
	return OK;
}

static struct slot *
free_slot(struct jail *jail)
{
	for (unsigned i = 0; i < jail->options.jobs; i++)
		if (!jail->slots[i].is_busy)
			return &jail->slots[i];
	return NULL;
}

static err_t
start(struct jail *jail, struct slot *slot, uint64_t job, struct jail_request *request,
      const int *inputs, size_t n_inputs, struct err_detail *detail)
{
	int answer[2];
	int fds[JAIL_FDS_MAX];
	size_t n_fds = 0;
	if (pipe2(answer, O_CLOEXEC) != 0)
		return err_set(detail, err_from_errno(errno), "pipe: %s", strerror(errno));
	fds[n_fds++] = answer[1];
	for (size_t i = 0; i < n_inputs; i++)
		fds[n_fds++] = inputs[i];
	request->slot = (uint32_t)(slot - jail->slots);
	err_t err = send_request(jail, request, fds, n_fds);
	(void)close(answer[1]);
	if (err != OK) {
		(void)close(answer[0]);
		return err_set(detail, err, "the nursery is gone");
	}
	(void)fcntl(answer[0], F_SETFL, O_NONBLOCK);
	buf_reset(&slot->answer);
	*slot = (struct slot){
		.is_busy = true, .job = job, .answer_fd = answer[0], .answer = slot->answer};
	return OK;
}

err_t
jail_start(struct jail *jail, uint64_t job, const struct jail_input *input,
	   struct err_detail *detail)
{
	struct slot *slot = free_slot(jail);
	const int fds[] = {input->fd, input->scratch_fd};
	struct jail_request request = {.task = input->task,
				       .argument_bytes = (uint32_t)input->argument.len};
	err_t err = OK;
	if (input->argument.len > JAIL_ARGUMENT_MAX)
		err = err_set(detail, ERR_LIMIT, "the argument is too long");
	else if (slot == NULL)
		err = err_set(detail, ERR_BUSY, "no free slot");
	if (err == OK) {
		if (input->argument.len > 0)
			memcpy(request.argument, input->argument.data, input->argument.len);
		err = start(jail, slot, job, &request, fds, input->scratch_fd < 0 ? 1 : 2, detail);
	}
	(void)close(input->fd);
	if (input->scratch_fd >= 0)
		(void)close(input->scratch_fd);
	return err;
}

/* ---- waiting for its end ---- */

static void
end_talkative(struct jail *jail, struct slot *slot)
{
	struct jail_request request = {.slot = (uint32_t)(slot - jail->slots), .is_kill = 1};
	slot->is_talkative = true;
	(void)send_request(jail, &request, NULL, 0);
}

static void
read_answer(struct jail *jail, struct slot *slot)
{
	enum {
		PIECE = 8192
	};
	uint8_t piece[PIECE];
	ssize_t len = read(slot->answer_fd, piece, sizeof(piece));
	if (len < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (len <= 0) {
		(void)close(slot->answer_fd);
		slot->answer_fd = -1;
		return;
	}
	buf_append(&slot->answer, slice_of(piece, (size_t)len));
	if (buf_error(&slot->answer) != OK && !slot->is_talkative)
		end_talkative(jail, slot);
}

static err_t
read_report(struct jail *jail)
{
	struct jail_report report;
	ssize_t len = recv(jail->socket, &report, sizeof(report), 0);
	if (len < 0 && errno == EINTR)
		return OK;
	if (len != (ssize_t)sizeof(report) || report.slot >= jail->options.jobs)
		return ERR_CLOSED;
	struct slot *slot = &jail->slots[report.slot];
	slot->has_report = true;
	slot->report = report;
	return OK;
}

static err_t
wait_and_read(struct jail *jail, int64_t timeout_us)
{
	struct pollfd fds[1 + JAIL_JOBS_MAX] = {{.fd = jail->socket, .events = POLLIN}};
	struct slot *slots[1 + JAIL_JOBS_MAX] = {NULL};
	nfds_t n = 1;
	for (unsigned i = 0; i < jail->options.jobs; i++) {
		if (!jail->slots[i].is_busy || jail->slots[i].answer_fd < 0)
			continue;
		fds[n] = (struct pollfd){.fd = jail->slots[i].answer_fd, .events = POLLIN};
		slots[n++] = &jail->slots[i];
	}
	int ready = poll(fds, n, timeout_us < 0 ? 0 : (int)((timeout_us + 999) / 1000));
	if (ready < 0)
		return errno == EINTR ? OK : ERR_IO;
	for (nfds_t i = 1; i < n; i++)
		if (fds[i].revents != 0)
			read_answer(jail, slots[i]);
	return fds[0].revents != 0 ? read_report(jail) : OK;
}

static enum jail_end
judge(const struct slot *slot, int *ret_number)
{
	int status = slot->report.wait_status;
	*ret_number = WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);
	if (slot->is_talkative)
		return JAIL_TALKATIVE;
	if (slot->report.is_late != 0)
		return JAIL_TIMEOUT;
	if (WIFSIGNALED(status))
		return JAIL_SIGNAL;
	return WEXITSTATUS(status) == 0 ? JAIL_ANSWERED : JAIL_EXIT;
}

/* The child wrote it, so it may be anything. */
static void
copy_trace(const volatile struct jail_trace *trace, struct jail_result *result)
{
	size_t i = 0;
	for (; i < JAIL_STAGE_BYTES - 1 && trace->stage[i] != '\0'; i++) {
		char byte = trace->stage[i];
		result->stage[i] = byte >= ' ' && byte <= '~' ? byte : '?';
	}
	result->stage[i] = '\0';
	result->offset = trace->offset;
}

static bool
take_finished(struct jail *jail, struct jail_result *ret_result)
{
	for (unsigned i = 0; i < jail->options.jobs; i++) {
		struct slot *slot = &jail->slots[i];
		if (!slot->is_busy || !slot->has_report || slot->answer_fd >= 0)
			continue;
		*ret_result = (struct jail_result){
			.job = slot->job,
			.cpu_us = slot->report.cpu_us,
			.memory_bytes = slot->report.memory_bytes,
			.answer = buf_slice(&slot->answer),
		};
		ret_result->end = judge(slot, &ret_result->number);
		copy_trace(&jail->traces[i], ret_result);
		slot->is_busy = false;
		return true;
	}
	return false;
}

err_t
jail_wait(struct jail *jail, int64_t timeout_us, struct jail_result *ret_result)
{
	int64_t until_us = time_monotonic_us() + timeout_us;
	while (!take_finished(jail, ret_result)) {
		int64_t left_us = until_us - time_monotonic_us();
		err_t err = wait_and_read(jail, left_us);
		if (err != OK)
			return err;
		if (left_us <= 0)
			return take_finished(jail, ret_result) ? OK : ERR_TIMEOUT;
	}
	return OK;
}

err_t
jail_run(struct jail *jail, const struct jail_input *input, struct jail_result *ret_result,
	 struct err_detail *detail)
{
	err_t err = jail_start(jail, 0, input, detail);
	if (err != OK)
		return err;
	/* The nursery ends it in time. */
	err = jail_wait(jail, jail->options.time_us + 10 * TIME_SECOND_US, ret_result);
	return err == OK ? OK : err_set(detail, err, "the jail: %s", err_text(err));
}

/* A child enters the sandbox and tries to get out by what can be tried. */
static err_t
try_one(struct jail *jail, struct err_detail *detail)
{
	struct jail_request request = {.is_try = 1};
	struct jail_result result;
	err_t err = start(jail, &jail->slots[0], 0, &request, NULL, 0, detail);
	if (err == OK)
		err = jail_wait(jail, 10 * TIME_SECOND_US, &result);
	if (err != OK)
		return err_set(detail, err, "the sandbox could not be tried");
	if (result.end == JAIL_ANSWERED)
		return OK;
	return err_set(detail, ERR_UNSUPPORTED, "the sandbox: %s",
		       result.stage[0] != '\0' ? result.stage : "a child died in it");
}

/* ---- for people ---- */

static void
explain_signal(const struct jail_result *result, struct buf *out)
{
	const char *name = sigabbrev_np(result->number);
	buf_printf(out, "killed by SIG%s", name == NULL ? "?" : name);
	if (result->number == SIGXCPU)
		buf_append_str(out, " (processor time)");
	else if (result->number == SIGXFSZ)
		buf_append_str(out, " (size of the file that it wrote)");
	else if (result->number == SIGSYS)
		buf_append_str(out, " (a system call that it may not make)");
	else if (result->number == SIGABRT)
		buf_append_str(out, " (out of memory, or a library gave up)");
}

void
jail_explain(const struct jail_result *result, struct buf *out)
{
	switch (result->end) {
	case JAIL_ANSWERED:
		buf_append_str(out, "answered");
		return;
	case JAIL_SIGNAL:
		explain_signal(result, out);
		break;
	case JAIL_TIMEOUT:
		buf_append_str(out, "killed: it took too long");
		break;
	case JAIL_TALKATIVE:
		buf_append_str(out, "killed: its answer was too long");
		break;
	default:
		buf_printf(out, "ended with status %d", result->number);
		break;
	}
	if (result->stage[0] != '\0')
		buf_printf(out, ", at offset %llu: %s", (unsigned long long)result->offset,
			   result->stage);
}
