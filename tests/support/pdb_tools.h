/* pdb_tools.h - runs compilers and linkers for the tests of PDB files, where they are there */
#pragma once

#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/wait.h>

#include "base/fs.h"

extern char **environ;

/* Waits for ARGV, which ends with NULL; its input and output are files, or NULL: none.  Its exit
 * status; -1: there is no such program, or it died. */
static inline int
run_tool(const char *const argv[], const char *in_path, const char *out_path)
{
	posix_spawn_file_actions_t actions;
	char *copies[32];
	pid_t pid;
	int status = -1;
	size_t n = 0;
	for (; argv[n] != NULL && n + 1 < sizeof(copies) / sizeof(copies[0]); n++)
		copies[n] = strdup(argv[n]);
	copies[n] = NULL;
	(void)posix_spawn_file_actions_init(&actions);
	(void)posix_spawn_file_actions_addopen(&actions, 0, in_path == NULL ? "/dev/null" : in_path,
					       O_RDONLY, 0);
	(void)posix_spawn_file_actions_addopen(&actions, 1,
					       out_path == NULL ? "/dev/null" : out_path,
					       O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (posix_spawnp(&pid, copies[0], &actions, NULL, copies, environ) != 0 ||
	    waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		status = -1;
	else
		status = WEXITSTATUS(status) == 127 ? -1 : WEXITSTATUS(status);
	(void)posix_spawn_file_actions_destroy(&actions);
	for (size_t i = 0; i < n; i++)
		free(copies[i]);
	return status;
}

static inline bool
has_tool(const char *name)
{
	const char *const argv[] = {name, "--version", NULL};
	return run_tool(argv, NULL, NULL) == 0;
}

static inline void
write_text(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");
	if (file == NULL || fputs(text, file) < 0 || fclose(file) != 0)
		abort();
}
