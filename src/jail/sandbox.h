/* sandbox.h - what a process that reads hostile bytes may still do: nearly nothing
 *
 * Rlimits, then Landlock (read below the given folders, nothing else of any filesystem, no
 * network), then a seccomp allow-list: read and write what is open, memory without execution,
 * open for reading, end.  Whatever else is called kills the process (SIGSYS).  There is no half:
 * when one part cannot be had, entering fails, and the process must end.
 * Linux 6.2 or later for all of Landlock that is used.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct sandbox_limits {
	uint64_t cpu_seconds;
	uint64_t memory_bytes; /* private memory; files that are mapped for reading do not count */
	uint64_t file_bytes;   /* of a file that it writes */
};

struct sandbox;

/* Prepares everything that can be prepared before a fork.  FOLDERS: absolute paths that may be
 * read; one that does not exist is refused.  ERR_UNSUPPORTED: the kernel lacks a part. */
err_t sandbox_new(const char *const *folders, size_t n_folders, const struct sandbox_limits *limits,
		  struct sandbox **ret_sandbox, struct err_detail *detail) ERR_CHECK;
/* A descriptor that has to stay open until sandbox_enter; -1 for NULL. */
int sandbox_ruleset(const struct sandbox *sandbox);
void sandbox_free(struct sandbox *sandbox); /* accepts NULL */

/* Restricts this process for ever.  Only one thread may run. */
err_t sandbox_enter(const struct sandbox *sandbox, struct err_detail *detail) ERR_CHECK;

/* Inside: tries what must be refused with an error (opening files outside, opening for writing).
 * ERR_INTERNAL names what was allowed.  Forbidden system calls cannot be tried: they kill. */
err_t sandbox_try(struct err_detail *detail) ERR_CHECK;
