/* jailed.h - files that may be hostile, read by a jailed child of werctl */
#pragma once

#include "ext/json.h"
#include "jail/examine.h"
#include "werctl/werctl.h"

/* The document of TASK for the file at PATH (jail/examine.h), with the symbols that the options
 * and the configuration name.  The caller frees it.
 * ERR_UNSUPPORTED	the sandbox cannot be had here
 * ERR_CORRUPT		the child died, or gave no answer: the detail says how */
err_t jailed_examine(struct werctl *w, const char *path, enum examine_task task,
		     struct json **ret_document) ERR_CHECK;
/* The same for a descriptor, which is taken; NAME is the file's. */
err_t jailed_examine_fd(struct werctl *w, int fd, const char *name, enum examine_task task,
			struct json **ret_document) ERR_CHECK;
