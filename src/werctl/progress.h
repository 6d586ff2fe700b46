/* progress.h - a bar on stderr, at a terminal alone */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct progress {
	const char *what; /* "rebuilding" */
	bool is_on;
	int64_t began_us;
	int64_t shown_us;
};

void progress_begin(struct progress *progress, const char *what, bool is_quiet);
/* TOTAL 0: not known; then the count and the rate alone are shown. */
void progress_show(struct progress *progress, uint64_t done, uint64_t total);
void progress_end(struct progress *progress); /* wipes the line */
