/* jail.h - hostile bytes are read by a child that can do nothing else
 *
 * A nursery is forked early, before the caller opens anything; it forks one fresh child for each
 * job, which enters the sandbox, works on its input, writes one answer and ends.  Nothing that a
 * child learned reaches the next one.  A child that dies, or takes too long, or says too much, is
 * a result like any other: how it ended, and what it was doing.  The answer is hostile input.
 */
#pragma once

#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"
#include "jail/sandbox.h"

/* What a child works with; all of it is its own. */
struct jail_input {
	int fd;         /* read-only: the bytes to be looked at */
	int scratch_fd; /* an unlinked file; -1: none */
	uint32_t task;  /* what is to be done, the caller's number */
	struct slice argument;
};

/* Runs in the child.  ANSWER is sent whatever is returned; an error is worth less than an answer
 * that says what was wrong. */
typedef err_t (*jail_work_fn)(void *context, const struct jail_input *input, struct buf *answer);

struct jail_options {
	struct sandbox_limits limits;
	const char *const *folders; /* that may be read: symbols */
	size_t n_folders;
	unsigned jobs;       /* children at a time; 1 to JAIL_JOBS_MAX */
	int64_t time_us;     /* that one may take, by the clock on the wall */
	size_t answer_bytes; /* a longer answer ends it */
	jail_work_fn work;
	void *context; /* of work; made before jail_open, so that children find it ready */
	bool is_open;  /* no sandbox: for builds with sanitizers, which need more */
};

enum {
	JAIL_JOBS_MAX = 64,
	JAIL_ARGUMENT_MAX = 4096,
	JAIL_STAGE_BYTES = 96
};

enum jail_end {
	JAIL_ANSWERED,
	JAIL_SIGNAL,    /* died of one; `number` says which */
	JAIL_TIMEOUT,   /* killed: too long by the clock */
	JAIL_TALKATIVE, /* killed: the answer was too long */
	JAIL_EXIT,      /* ended with a status that is none of ours */
	JAIL_END_N
};

struct jail_result {
	uint64_t job;
	enum jail_end end;
	int number;            /* signal or exit status */
	uint64_t cpu_us;       /* that it used */
	uint64_t memory_bytes; /* its largest resident set */
	struct slice answer;   /* until the next call of this module */
	/* What it was doing last, and where: hostile like the answer, but printable ASCII. */
	char stage[JAIL_STAGE_BYTES];
	uint64_t offset;
};

struct jail;

/* Is this a build with sanitizers, which cannot be jailed?  No other build knows `is_open`. */
bool jail_has_sanitizers(void);
/* Forks the nursery and has a child try the sandbox.  Whoever calls this has one thread.
 * ERR_UNSUPPORTED or ERR_INTERNAL: the sandbox cannot be installed, or does not hold. */
err_t jail_open(const struct jail_options *options, struct jail **ret_jail,
		struct err_detail *detail) ERR_CHECK;
void jail_close(struct jail *jail); /* ends the children; accepts NULL */

unsigned jail_free_slots(const struct jail *jail);
/* Takes both descriptors; they are closed here.  ERR_BUSY: no free slot. */
err_t jail_start(struct jail *jail, uint64_t job, const struct jail_input *input,
		 struct err_detail *detail) ERR_CHECK;
/* The next one that ended, waiting up to TIMEOUT_US.  ERR_TIMEOUT: none did.  ERR_CLOSED: the
 * nursery is gone; nothing can be done but to start the process again. */
err_t jail_wait(struct jail *jail, int64_t timeout_us, struct jail_result *ret_result) ERR_CHECK;
/* One job from start to end. */
err_t jail_run(struct jail *jail, const struct jail_input *input, struct jail_result *ret_result,
	       struct err_detail *detail) ERR_CHECK;
/* "killed by SIGSEGV while it read the thread list, at offset 4711" */
void jail_explain(const struct jail_result *result, struct buf *out);

/* In a child: what it is about to do, for the case that it dies of it. */
void jail_note(const char *stage, uint64_t offset);
