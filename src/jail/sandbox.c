#include "jail/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

struct sandbox {
	struct sandbox_limits limits;
	int ruleset; /* of Landlock */
	scmp_filter_ctx filter;
};

enum {
	LANDLOCK_ABI_WANTED = 3, /* truncation can be refused; Linux 6.2 */
	OPEN_FILES_MAX = 128,
	RULESET_FD = 100
};

/* ---- Landlock ---- */

/* The C library has no wrappers; the right of ABI 3 is in newer headers than ours. */
static const uint64_t all_rights = ((LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1) | /* ABI 1 */
				   LANDLOCK_ACCESS_FS_REFER |                 /* ABI 2 */
				   UINT64_C(1) << 14;
/* ABI 3: truncate */ /* ABI 3: truncate */

static int
allow_folder(int ruleset, const char *folder)
{
	struct landlock_path_beneath_attr beneath = {
		.allowed_access = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR,
		.parent_fd = open(folder, O_PATH | O_CLOEXEC | O_DIRECTORY),
	};
	if (beneath.parent_fd < 0)
		return -1;
	long status =
		syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &beneath, 0);
	int saved = errno;
	(void)close(beneath.parent_fd);
	errno = saved;
	return (int)status;
}

static err_t
make_ruleset(struct sandbox *sandbox, const char *const *folders, size_t n_folders,
	     struct err_detail *detail)
{
	struct landlock_ruleset_attr attr = {.handled_access_fs = all_rights};
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	if (abi < LANDLOCK_ABI_WANTED)
		return err_set(detail, ERR_UNSUPPORTED,
			       "the kernel has no Landlock, or an old one (Linux 6.2 has it, and "
			       "`lsm=` must name it)");
	int ruleset =
		(int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr.handled_access_fs), 0);
	/* Out of the way of the low numbers that a child gives its files. */
	sandbox->ruleset = ruleset < 0 ? -1 : fcntl(ruleset, F_DUPFD_CLOEXEC, RULESET_FD);
	if (sandbox->ruleset < 0)
		return err_set(detail, ERR_UNSUPPORTED, "Landlock: %s", strerror(errno));
	(void)close(ruleset);
	for (size_t i = 0; i < n_folders; i++)
		if (allow_folder(sandbox->ruleset, folders[i]) != 0)
			return err_set(detail, err_from_errno(errno), "%s: %s", folders[i],
				       strerror(errno));
	return OK;
}

/* ---- seccomp ---- */

static const int allowed[] = {
	SCMP_SYS(read),
	SCMP_SYS(pread64),
	SCMP_SYS(write),
	SCMP_SYS(pwrite64),
	SCMP_SYS(writev),
	SCMP_SYS(lseek),
	SCMP_SYS(close),
	SCMP_SYS(fstat),
	SCMP_SYS(newfstatat),
	SCMP_SYS(statx),
	SCMP_SYS(ftruncate),
	SCMP_SYS(getdents64),
	SCMP_SYS(munmap),
	SCMP_SYS(mremap),
	SCMP_SYS(brk),
	SCMP_SYS(madvise),
	SCMP_SYS(futex),
	SCMP_SYS(clock_gettime),
	SCMP_SYS(gettimeofday),
	SCMP_SYS(time),
	SCMP_SYS(getrandom),
	SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(rt_sigreturn),
	SCMP_SYS(getpid),
	SCMP_SYS(gettid),
	SCMP_SYS(sched_yield),
	SCMP_SYS(restart_syscall),
	SCMP_SYS(exit),
	SCMP_SYS(exit_group),
	SCMP_SYS(rseq),
	SCMP_SYS(getrusage),
	SCMP_SYS(sched_getaffinity),
};

static int
allow_simple(scmp_filter_ctx filter)
{
	for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++) {
		int code = seccomp_rule_add(filter, SCMP_ACT_ALLOW, allowed[i], 0);
		if (code != 0)
			return code;
	}
	return 0;
}

/* Memory that can be executed, files opened for writing and signals to others are refused by what
 * the arguments say. */
static int
allow_by_argument(scmp_filter_ctx filter)
{
	static const unsigned controls[] = {F_GETFL, F_GETFD, F_SETFD, F_DUPFD_CLOEXEC};
	/* O_TMPFILE has the bit of O_DIRECTORY in it, with which folders are read. */
	const unsigned not_reading = O_ACCMODE | O_CREAT | O_TRUNC | O_APPEND |
				     ((unsigned)__O_TMPFILE & ~(unsigned)O_DIRECTORY);
	int code = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
				    SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	if (code == 0)
		code = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
					SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	if (code == 0)
		code = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(openat), 1,
					SCMP_A2(SCMP_CMP_MASKED_EQ, not_reading, 0));
	/* Refused with an error, so that the try below can see that they are. */
	if (code == 0)
		code = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EACCES), SCMP_SYS(openat), 1,
					SCMP_A2(SCMP_CMP_MASKED_EQ, O_WRONLY, O_WRONLY));
	for (size_t i = 0; code == 0 && i < sizeof(controls) / sizeof(controls[0]); i++)
		code = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(fcntl), 1,
					SCMP_A1(SCMP_CMP_EQ, controls[i]));
	/* elfutils asks, and does without: the path of a descriptor, and how much memory there is.
	 */
	if (code == 0)
		code = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EACCES), SCMP_SYS(readlink), 0);
	if (code == 0)
		code = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EACCES), SCMP_SYS(sysinfo), 0);
	/* abort() */
	if (code == 0)
		code = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1,
					SCMP_A2(SCMP_CMP_EQ, 6));
	if (code == 0)
		code = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(rt_sigaction), 1,
					SCMP_A0(SCMP_CMP_EQ, 6));
	return code;
}

static err_t
make_filter(struct sandbox *sandbox, struct err_detail *detail)
{
	sandbox->filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
	if (sandbox->filter == NULL)
		return err_set(detail, ERR_UNSUPPORTED, "seccomp cannot be used");
	int code = allow_simple(sandbox->filter);
	if (code == 0)
		code = allow_by_argument(sandbox->filter);
	return code == 0 ? OK : err_set(detail, ERR_UNSUPPORTED, "seccomp: %s", strerror(-code));
}

/* ---- both ---- */

err_t
sandbox_new(const char *const *folders, size_t n_folders, const struct sandbox_limits *limits,
	    struct sandbox **ret_sandbox, struct err_detail *detail)
{
	struct sandbox *sandbox = calloc(1, sizeof(*sandbox));
	if (sandbox == NULL)
		abort();
	sandbox->limits = *limits;
	sandbox->ruleset = -1;
	err_t err = make_ruleset(sandbox, folders, n_folders, detail);
	if (err == OK)
		err = make_filter(sandbox, detail);
	if (err != OK) {
		sandbox_free(sandbox);
		return err;
	}
	*ret_sandbox = sandbox;
	return OK;
}

int
sandbox_ruleset(const struct sandbox *sandbox)
{
	return sandbox == NULL ? -1 : sandbox->ruleset;
}

void
sandbox_free(struct sandbox *sandbox)
{
	if (sandbox == NULL)
		return;
	if (sandbox->ruleset >= 0)
		(void)close(sandbox->ruleset);
	if (sandbox->filter != NULL)
		seccomp_release(sandbox->filter);
	free(sandbox);
}

static int
limit(int resource, uint64_t soft, uint64_t hard)
{
	struct rlimit limits = {.rlim_cur = soft, .rlim_max = hard};
	return setrlimit((__rlimit_resource_t)resource, &limits);
}

static err_t
enter_limits(const struct sandbox_limits *limits, struct err_detail *detail)
{
	if (limit(RLIMIT_CPU, limits->cpu_seconds, limits->cpu_seconds + 1) != 0 ||
	    limit(RLIMIT_DATA, limits->memory_bytes, limits->memory_bytes) != 0 ||
	    limit(RLIMIT_FSIZE, limits->file_bytes, limits->file_bytes) != 0 ||
	    limit(RLIMIT_NOFILE, OPEN_FILES_MAX, OPEN_FILES_MAX) != 0 ||
	    limit(RLIMIT_MEMLOCK, 0, 0) != 0 || limit(RLIMIT_CORE, 0, 0) != 0)
		return err_set(detail, err_from_errno(errno), "setrlimit: %s", strerror(errno));
	return OK;
}

err_t
sandbox_enter(const struct sandbox *sandbox, struct err_detail *detail)
{
	err_t err = enter_limits(&sandbox->limits, detail);
	if (err != OK)
		return err;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return err_set(detail, ERR_UNSUPPORTED, "PR_SET_NO_NEW_PRIVS: %s", strerror(errno));
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
		return err_set(detail, ERR_UNSUPPORTED, "PR_SET_DUMPABLE: %s", strerror(errno));
	if (syscall(SYS_landlock_restrict_self, sandbox->ruleset, 0) != 0)
		return err_set(detail, ERR_UNSUPPORTED, "Landlock: %s", strerror(errno));
	int code = seccomp_load(sandbox->filter);
	if (code != 0)
		return err_set(detail, ERR_UNSUPPORTED, "seccomp: %s", strerror(-code));
	return OK;
}

err_t
sandbox_try(struct err_detail *detail)
{
	static const char *const paths[] = {"/etc/passwd", "/proc/self/environ", "/", "/tmp"};
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		if (open(paths[i], O_RDONLY | O_CLOEXEC) >= 0)
			return err_set(detail, ERR_INTERNAL, "the sandbox let %s be opened",
				       paths[i]);
	if (open("/dev/null", O_WRONLY | O_CLOEXEC) >= 0)
		return err_set(detail, ERR_INTERNAL,
			       "the sandbox let a file be opened for writing");
	return OK;
}
