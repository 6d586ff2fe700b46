/* opened.h - a cabinet that was opened: what read.c fills and extract.c uses */
#pragma once

#include "cab/library.h"

/* Beside each struct cab_folder. */
struct folder_state {
	struct cab_segment *segments; /* in a row */
	size_t n_segments;
	bool starts_before;      /* its beginning is in a cabinet that is not here */
	bool goes_on;            /* so is its end */
	bool was_started;        /* some of it was unpacked before */
	struct cab_fault damage; /* found while unpacking ... */
	uint32_t whole_bytes;    /* ... behind these */
};

struct cab {
	struct arena arena;
	struct cab_limits limits;
	struct cab_info info;
	struct cab_tables *tables; /* one a part, in the set's order */
	size_t n_parts;
	struct cab_segment *segments;
	struct cab_folder *folders;
	struct folder_state *states;
	struct cab_member *members;
	struct cab_member **by_place; /* as their bytes lie */
	struct cab_library_part *library_parts;
	struct cab_library *library; /* NULL before the first use */
};

static inline bool
cab_has_fault(struct cab_fault fault)
{
	return fault.reason != CAB_NO_FAULT;
}
