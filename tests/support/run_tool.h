/* run_tool.h - runs a tool of the system that a test compares with, where it is installed */
#pragma once

#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"

/* False, with a line that says so: the test skips what needs it. */
static inline bool
tool_is_there(const char *name)
{
	char path[256];
	(void)snprintf(path, sizeof(path), "/usr/bin/%s", name);
	if (access(path, X_OK) == 0)
		return true;
	(void)printf("skip: %s is not installed\n", name);
	return false;
}

/* Runs ARGV (found in PATH) without input; its output, and what it says of errors, are appended
 * to OUT.  The exit status; -1: killed, or not started.  Begin ARGV with `timeout`. */
static inline int
tool_run(const char *const argv[], struct buf *out)
{
	extern char **environ;
	posix_spawn_file_actions_t actions;
	int ends[2];
	int status = -1;
	pid_t pid;
	if (pipe2(ends, O_CLOEXEC) != 0)
		abort();
	(void)posix_spawn_file_actions_init(&actions);
	(void)posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	(void)posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
	(void)posix_spawn_file_actions_adddup2(&actions, ends[1], 2);
	int failed = posix_spawnp(&pid, argv[0], &actions, NULL, (char *const *)(uintptr_t)argv,
				  environ);
	(void)posix_spawn_file_actions_destroy(&actions);
	(void)close(ends[1]);
	uint8_t piece[4096];
	for (ssize_t n; failed == 0 && (n = read(ends[0], piece, sizeof(piece))) > 0;)
		buf_append(out, slice_of(piece, (size_t)n));
	(void)close(ends[0]);
	if (failed != 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status);
}

static inline size_t
tool_count(const struct buf *out, const char *word)
{
	size_t len = strlen(word);
	size_t count = 0;
	for (size_t at = 0; at + len <= out->len; at++)
		count += memcmp(out->data + at, word, len) == 0;
	return count;
}

static inline bool
tool_said(const struct buf *out, const char *word)
{
	return tool_count(out, word) > 0;
}

/* The core that gdb writes of Python reading address 0x1230 and above, in PATH; false: it did not
 * (it may not trace here).  It also says `info registers rip rsp`. */
static inline bool
tool_crash_core(const char *path, struct buf *said)
{
	char generate[160];
	(void)snprintf(generate, sizeof(generate), "generate-core-file %s", path);
	const char *const argv[] = {"timeout",
				    "90",
				    "gdb",
				    "-nx",
				    "-batch",
				    "-ex",
				    "run",
				    "-ex",
				    generate,
				    "-ex",
				    "info registers rip rsp",
				    "--args",
				    "/usr/bin/python3",
				    "-c",
				    "import ctypes; ctypes.string_at(0x1230)",
				    NULL};
	return tool_run(argv, said) == 0 && access(path, R_OK) == 0;
}
