#include "analyze/work.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analyze/result.h"
#include "base/log.h"
#include "base/time.h"
#include "jail/examine.h"
#include "store/blob_dir.h"

enum {
	RESULT_ARENA_BYTES = 4 * 1024 * 1024
};

struct work {
	const struct config *config;
	struct examiner *examiner;
	struct jail *jail;
	struct blob_dir *blobs;          /* NULL: not asked for yet */
	struct arena arena;              /* of the result that is being put */
	uint64_t running[JAIL_JOBS_MAX]; /* reports whose uploads are in the jail */
	size_t n_running;
};

err_t
work_open(const struct config *config, bool has_no_jail, struct work **ret_work,
	  struct err_detail *detail)
{
	const struct config_analyze *a = &config->analyze;
	struct work *work = calloc(1, sizeof(*work));
	if (work == NULL)
		abort();
	work->config = config;
	work->examiner = examiner_new(a->symbols.paths, a->symbols.n_paths);
	arena_init(&work->arena, RESULT_ARENA_BYTES);
	const struct jail_options options = {
		.limits = {.cpu_seconds =
				   (uint64_t)((a->cpu_us + TIME_SECOND_US - 1) / TIME_SECOND_US),
			   .memory_bytes = a->memory_bytes,
			   .file_bytes = a->scratch_bytes},
		.folders = a->symbols.paths,
		.n_folders = a->symbols.n_paths,
		.jobs = a->jobs,
		.time_us = a->time_us,
		.answer_bytes = a->answer_bytes,
		.work = examine,
		.context = work->examiner,
		.is_open = has_no_jail,
	};
	err_t err = jail_open(&options, &work->jail, detail);
	if (err != OK)
		work_close(work);
	else
		*ret_work = work;
	return err;
}

void
work_close(struct work *work)
{
	if (work == NULL)
		return;
	jail_close(work->jail);
	blob_dir_close(work->blobs);
	examiner_free(work->examiner);
	arena_done(&work->arena);
	free(work);
}

static bool
is_running(const struct work *work, uint64_t report)
{
	for (size_t i = 0; i < work->n_running; i++)
		if (work->running[i] == report)
			return true;
	return false;
}

static void
forget_running(struct work *work, uint64_t report)
{
	for (size_t i = 0; i < work->n_running; i++)
		if (work->running[i] == report)
			work->running[i] = work->running[--work->n_running];
}

/* ---- results ---- */

static err_t
put(struct derived *derived, const struct analysis *analysis, struct err_detail *detail)
{
	char summary[LOG_VALUE_BYTES];
	if (analysis->state == ANALYSIS_FAILED)
		log_event(LOG_WARNING, "analyze.upload_failed", "report=%llu reason=%s",
			  (unsigned long long)analysis->report,
			  log_value(analysis->summary, summary));
	return derived_put_analyses(derived, analysis, 1, detail);
}

static err_t
put_result(struct work *work, struct derived *derived, const struct jail_result *result,
	   struct err_detail *detail)
{
	struct analysis analysis;
	/* The disk was full: nothing came of it, and it stays work. */
	if (result->end == JAIL_EXIT && result->number == err_exit_status(ERR_FULL)) {
		forget_running(work, result->job);
		return err_set(detail, ERR_FULL, "no space for what a cabinet unpacks to");
	}
	arena_reset(&work->arena);
	result_take(result, result->job, &work->arena, &analysis);
	err_t err = put(derived, &analysis, detail);
	forget_running(work, result->job);
	return err;
}

static err_t
put_failure(struct work *work, struct derived *derived, uint64_t report, const char *why,
	    struct err_detail *detail)
{
	struct analysis analysis;
	arena_reset(&work->arena);
	result_fail(report, why, &work->arena, &analysis);
	return put(derived, &analysis, detail);
}

/* ---- starting ---- */

static int
open_scratch(const struct work *work)
{
	char path[4096];
	(void)snprintf(path, sizeof(path), "%s/derived", work->config->data);
	return open(path, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
}

static err_t
start(struct work *work, struct derived *derived, const struct analysis_job *job,
      struct err_detail *detail)
{
	uint64_t bytes;
	struct jail_input input = {.task = EXAMINE_FILE, .argument = SLICE_LITERAL("upload.cab")};
	err_t err = OK;
	if (work->blobs == NULL)
		err = blob_dir_open_read(work->config->data, &work->blobs, detail);
	if (err != OK)
		return err;
	err = blob_open_read(work->blobs, job->sha256, &input.fd, &bytes);
	if (err == ERR_NOTFOUND)
		return put_failure(work, derived, job->report, "its file is gone", detail);
	if (err != OK)
		return err_set(detail, err, "a blob: %s", err_text(err));
	input.scratch_fd = open_scratch(work);
	if (input.scratch_fd < 0) {
		(void)close(input.fd);
		return err_set(detail, err_from_errno(errno), "%s/derived: a scratch file: %s",
			       work->config->data, strerror(errno));
	}
	err = jail_start(work->jail, job->report, &input, detail);
	if (err == OK)
		work->running[work->n_running++] = job->report;
	return err;
}

/* Those under way are still work to derived, so as many more are asked for. */
static err_t
start_some(struct work *work, struct derived *derived, struct err_detail *detail)
{
	struct analysis_job jobs[JAIL_JOBS_MAX];
	size_t count = 0;
	if (jail_free_slots(work->jail) == 0)
		return OK;
	err_t err = derived_next_jobs(derived, jobs, work->config->analyze.jobs, &count, detail);
	for (size_t i = 0; i < count && err == OK && jail_free_slots(work->jail) > 0; i++)
		if (!is_running(work, jobs[i].report))
			err = start(work, derived, &jobs[i], detail);
	return err;
}

err_t
work_step(struct work *work, struct derived *derived, int64_t timeout_us, bool *ret_is_idle,
	  struct err_detail *detail)
{
	struct jail_result result;
	err_t err = start_some(work, derived, detail);
	*ret_is_idle = err == OK && work->n_running == 0;
	if (err != OK || work->n_running == 0)
		return err;
	err = jail_wait(work->jail, timeout_us, &result);
	/* Whatever ended meanwhile is put together with it, before the next wait. */
	while (err == OK) {
		err = put_result(work, derived, &result, detail);
		if (err == OK)
			err = jail_wait(work->jail, 0, &result);
	}
	if (err == ERR_CLOSED)
		return err_set(detail, err, "the nursery of the jail is gone");
	return err == ERR_TIMEOUT ? OK : err;
}

err_t
work_all(struct work *work, struct derived *derived, derived_progress_fn progress, void *context,
	 struct err_detail *detail)
{
	uint64_t total = 0;
	uint64_t left = 0;
	bool is_idle = false;
	err_t err = derived_count_jobs(derived, &total);
	while (err == OK && !is_idle) {
		err = work_step(work, derived, TIME_SECOND_US, &is_idle, detail);
		if (err == OK)
			err = derived_count_jobs(derived, &left);
		if (err == OK && progress != NULL)
			progress(context, left > total ? 0 : total - left, total);
	}
	return err;
}
