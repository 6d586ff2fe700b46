/* image_tools.h - other programs that a test compiles with or compares itself to */
#pragma once

#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fs.h"

enum {
	RUN_TOOL_ARGUMENTS_MOST = 64,
	RUN_TOOL_OUTPUT_MOST = 64 * 1024 * 1024
};

extern char **environ;

/* Runs COMMAND, which blanks divide; what it prints is appended to OUT.  False: it cannot be
 * run, or fails. */
static inline bool
run_tool(const char *command, struct buf *out)
{
	char *copy = strdup(command);
	char *arguments[RUN_TOOL_ARGUMENTS_MOST] = {0};
	size_t n = 0;
	int ends[2];
	pid_t child;
	int status = -1;
	if (copy == NULL || pipe(ends) != 0)
		abort();
	for (char *rest = copy; rest != NULL && n + 1 < RUN_TOOL_ARGUMENTS_MOST;) {
		char *word = strsep(&rest, " ");
		if (word[0] != 0)
			arguments[n++] = word;
	}
	posix_spawn_file_actions_t actions;
	(void)posix_spawn_file_actions_init(&actions);
	(void)posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
	(void)posix_spawn_file_actions_addclose(&actions, ends[0]);
	bool is_run = posix_spawnp(&child, arguments[0], &actions, NULL, arguments, environ) == 0;
	(void)posix_spawn_file_actions_destroy(&actions);
	(void)close(ends[1]);
	for (char part[4096]; is_run;) {
		ssize_t got = read(ends[0], part, sizeof(part));
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		if (out != NULL)
			buf_append(out, slice_of(part, (size_t)got));
	}
	(void)close(ends[0]);
	if (is_run)
		(void)waitpid(child, &status, 0);
	free(copy);
	return is_run && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static inline bool
has_tool(const char *name)
{
	char command[256];
	struct buf out;
	buf_init(&out, RUN_TOOL_OUTPUT_MOST);
	(void)snprintf(command, sizeof(command), "%s --version", name);
	bool has = run_tool(command, &out);
	buf_done(&out);
	return has;
}

/* Must be freed with buf_done. */
static inline void
read_file(const char *path, struct buf *ret_bytes)
{
	struct err_detail detail = {.why = ""};
	if (fs_read_file(path, RUN_TOOL_OUTPUT_MOST, ret_bytes, &detail) != OK)
		fail_msg("%s", detail.why);
}
