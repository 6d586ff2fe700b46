/* jail_internal.h - what both sides of the socket to the nursery know */
#pragma once

#include "jail/jail.h"

/* Written by a child, read by the parent when it is dead. */
struct jail_trace {
	char stage[JAIL_STAGE_BYTES];
	uint64_t offset;
};

struct jail_request {
	uint32_t slot;
	uint32_t task;
	uint32_t is_kill; /* end the child of this slot */
	uint32_t is_try;  /* only try the sandbox */
	uint32_t has_scratch;
	uint32_t argument_bytes;
	uint8_t argument[JAIL_ARGUMENT_MAX];
};

struct jail_report {
	uint32_t slot;
	int32_t wait_status;
	uint32_t is_late; /* the nursery killed it */
	uint64_t cpu_us;
	uint64_t memory_bytes;
};

enum {
	JAIL_FDS_MAX = 3 /* answer, input, scratch */
};

/* The exit status of a child that could not enter the sandbox. */
enum {
	JAIL_STATUS_NO_SANDBOX = 99
};

/* The nursery's process; returns when the socket closes.  TRACES: one for each slot, shared. */
void nursery_run(int socket, const struct jail_options *options, const struct sandbox *sandbox,
		 struct jail_trace *traces);
