/* result.h - a child's answer, made into what derived keeps
 *
 * The answer is hostile: whoever took over the child wrote it.  It is JSON of the form that
 * jail/examine.h describes, or it is no result; what it says may be false all the same, but it is
 * text of bounded length in its place, and a class key is the hash of the text beside it.
 */
#pragma once

#include "base/arena.h"
#include "ext/json.h"
#include "jail/jail.h"
#include "store/derived_analysis.h"

/* Of any end of a job.  Texts live in ARENA or are the result's; what cannot be used makes a
 * failed analysis that says why. */
void result_take(const struct jail_result *result, uint64_t report, struct arena *arena,
		 struct analysis *ret_analysis);
/* A job that could not even be started. */
void
result_fail(uint64_t report, const char *why, struct arena *arena, struct analysis *ret_analysis);
