/* crash.h - what a class bucket is made from
 *
 * A crash, a hang or a stop of the kernel, with the frames of the one thread that is to blame:
 * whoever fills this has found the right stack (the thread of the exception, behind trap frames
 * and exception records; for a hang the root of the chain of waits).  Plain values, made from
 * any kind of dump or report; every slice may be absent.
 */
#pragma once

#include "base/slice.h"

/* How a frame was found, best first. */
enum crash_trust {
	CRASH_TRUST_CONTEXT,       /* registers of the exception or thread */
	CRASH_TRUST_RULES,         /* unwind rules, or recorded by whoever wrote the dump */
	CRASH_TRUST_INLINE,        /* inlined into the next frame */
	CRASH_TRUST_FRAME_POINTER, /* a chain of saved frame pointers */
	CRASH_TRUST_SCAN,          /* a word of the stack that looks like a return address */
	CRASH_TRUST_N
};

struct bucket_frame {
	struct slice module;         /* base name of the file; absent: in none */
	struct slice module_id;      /* debug id with its age, or code id; absent: none known */
	struct slice module_version; /* "1.2.3.4"; absent: not known */
	struct slice function;       /* readable; absent: not known */
	uint64_t module_offset;      /* of the instruction that is looked up */
	uint64_t function_offset;
	struct slice file; /* source */
	uint32_t line;     /* 0: not known */
	enum crash_trust trust;
	bool is_public;        /* the name is only that of the nearest export before */
	struct slice unloaded; /* name of the module that was unloaded from here; absent: none */
};

struct bucket_crash {
	struct slice event_type; /* of the report; absent: a crash */
	struct slice exception; /* kind: "access_violation_read_null", "stack_overflow", "assert" */
	struct slice process;   /* base name of the program */
	struct slice abort_message;
	bool is_hang;
	bool has_bugcheck;
	uint32_t bugcheck_code;
	/* What other checks found out; each is enough to explain the crash. */
	bool is_one_bit_corrupt; /* one bit of code differs from the file on disk */
	bool is_image_corrupt;   /* more than one bit does */
	bool is_pc_misaligned;   /* the program counter is not at the start of an instruction */
	const struct bucket_frame *frames; /* innermost first */
	size_t n_frames;
};
