#include "werctl/jailed.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/time.h"

enum {
	TIME_S = 120,
	CPU_S = 120,
	MEMORY_MIB = 1024,
	SCRATCH_GIB = 8,
	ANSWER_MIB = 64
};

/* Absolute paths, without links: what the sandbox lets the child read. */
static err_t
resolve_folders(struct werctl *w, const char **folders, size_t *ret_n)
{
	for (size_t i = 0; i < w->options.n_texts; i++) {
		char path[PATH_MAX];
		if (realpath(w->options.texts[i], path) == NULL)
			return err_set(&w->detail, err_from_errno(errno), "%s: %s",
				       w->options.texts[i], strerror(errno));
		folders[i] = arena_str(&w->arena, slice_str(path));
		if (folders[i] == NULL)
			return ERR_LIMIT;
	}
	*ret_n = w->options.n_texts;
	return OK;
}

static int
open_scratch(void)
{
	const char *folder = getenv("TMPDIR");
	return open(folder == NULL ? "/tmp" : folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
}

static err_t
take_answer(struct werctl *w, const char *name, const struct jail_result *result,
	    struct json **ret_document)
{
	struct buf text;
	struct err_detail detail = {0};
	if (result->end == JAIL_ANSWERED && result->answer.len > 0 &&
	    json_parse(result->answer, ret_document, &detail) == OK)
		return OK;
	buf_init(&text, sizeof(w->detail.why));
	jail_explain(result, &text);
	err_t err = err_set(&w->detail, ERR_CORRUPT, "%s: the process that read it was %.*s", name,
			    SLICE_ARGS(buf_slice(&text)));
	buf_done(&text);
	return err;
}

static err_t
run(struct werctl *w, struct jail *jail, int fd, const char *name, enum examine_task task,
    struct json **ret_document)
{
	struct jail_result result;
	struct jail_input input = {
		.fd = fd,
		.scratch_fd = open_scratch(),
		.task = task,
		.argument = slice_sub(slice_str(name), 0, JAIL_ARGUMENT_MAX),
	};
	err_t err = jail_run(jail, &input, &result, &w->detail);
	return err == OK ? take_answer(w, name, &result, ret_document) : err;
}

err_t
jailed_examine_fd(struct werctl *w, int fd, const char *name, enum examine_task task,
		  struct json **ret_document)
{
	const char *folders[OPTION_TEXTS_MAX];
	size_t n_folders = 0;
	struct jail *jail = NULL;
	err_t err = resolve_folders(w, folders, &n_folders);
	if (err != OK) {
		(void)close(fd);
		return err;
	}
	struct examiner *examiner = examiner_new(folders, n_folders);
	const struct jail_options options = {
		.limits = {.cpu_seconds = CPU_S,
			   .memory_bytes = (uint64_t)MEMORY_MIB << 20,
			   .file_bytes = (uint64_t)SCRATCH_GIB << 30},
		.folders = folders,
		.n_folders = n_folders,
		.jobs = 1,
		.time_us = TIME_S * TIME_SECOND_US,
		.answer_bytes = (size_t)ANSWER_MIB << 20,
		.work = examine,
		.context = examiner,
		.is_open = jail_has_sanitizers(),
	};
	err = jail_open(&options, &jail, &w->detail);
	if (err == OK)
		err = run(w, jail, fd, name, task, ret_document);
	else
		(void)close(fd);
	jail_close(jail);
	examiner_free(examiner);
	return err;
}

err_t
jailed_examine(struct werctl *w, const char *path, enum examine_task task,
	       struct json **ret_document)
{
	struct stat status;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_set(&w->detail, err_from_errno(errno), "%s: %s", path, strerror(errno));
	if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode))
		return jailed_examine_fd(w, fd, path, task, ret_document);
	(void)close(fd);
	return err_set(&w->detail, ERR_USAGE, "%s: not a plain file", path);
}
