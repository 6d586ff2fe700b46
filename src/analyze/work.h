/* work.h - uploads without a result go into the jail, and what comes out into derived
 *
 * For `werd analyze`, `werctl rebuild` and `werctl import`.  An upload is work until its result
 * is committed: whatever dies meanwhile, it is done again, and nothing is lost.
 */
#pragma once

#include "config/config.h"
#include "store/derived_analysis.h"

struct work;

/* Forks the nursery, so it comes before stores are opened and threads are made.  CONFIG must
 * outlive it.  ERR_UNSUPPORTED, ERR_INTERNAL: the sandbox cannot be had here. */
err_t work_open(const struct config *config, bool has_no_jail, struct work **ret_work,
		struct err_detail *detail) ERR_CHECK;
void work_close(struct work *work); /* accepts NULL */

/* Starts what there is room for, waits up to TIMEOUT_US for something to end, and commits what
 * ended.  *ret_is_idle: no work is left and none is under way; then it did not wait.
 * ERR_CLOSED: the nursery is gone. */
err_t work_step(struct work *work, struct derived *derived, int64_t timeout_us, bool *ret_is_idle,
		struct err_detail *detail) ERR_CHECK;
/* All of it.  PROGRESS may be NULL; TOTAL is what was left at the start. */
err_t work_all(struct work *work, struct derived *derived, derived_progress_fn progress,
	       void *context, struct err_detail *detail) ERR_CHECK;
