/* follower.h - derives counts and indexes while the facts are still being written
 *
 * A thread with stores of its own, as `werd analyze` is a process with them: on two cores filling
 * takes as long as the slower half, not as both.
 */
#pragma once

#include "store/derived.h"

struct follower;

err_t follower_start(const char *data, struct follower **ret_follower,
		     struct err_detail *detail) ERR_CHECK;
/* How many reports it has taken in. */
uint64_t follower_done(struct follower *follower);
/* All facts are committed.  Waits until they are derived, calling PROGRESS now and then; frees. */
err_t follower_finish(struct follower *follower, derived_progress_fn progress, void *context,
		      uint64_t total, struct err_detail *detail) ERR_CHECK;
/* Gives up; frees.  Accepts NULL. */
void follower_cancel(struct follower *follower);
