/* stackwalk_json.h - stacks as JSON: for `werctl dump --json`, the jail's answer, pages
 *
 * threads [{id, name, crashing, start, end, left_out, frames [...]}], and of each frame {address,
 * trust, module, offset, function, function_offset, nearest, file, line, unloaded}: `offset` is
 * that of the address in its module, `nearest` says that the name is only the nearest one before,
 * `end` why the stack ends, `left_out` how many frames are not listed.  Addresses are text,
 * "0x7ffd1000"; what is not known is null.
 */
#pragma once

#include "dump/stackwalk.h"
#include "ext/json.h"

enum {
	STACKWALK_JSON_FRAMES_MAX = 256 /* of a thread that did not crash */
};

/* STACKS: one for each thread of DUMP. */
void stackwalk_put_json(const struct dump *dump, const struct stack *stacks, struct json *object);
/* The frames of STACK alone, as a list under KEY. */
void stackwalk_put_frames(const struct dump *dump, const struct stack *stack, const char *key,
			  struct json *object);
