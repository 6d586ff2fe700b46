/* hardware.h - is this machine broken?  From what its recent crashes have in common
 *
 * A program's bug crashes many machines in one place; a broken machine crashes many programs in
 * many places.  One such crash says little, so each clue counts up to a bound and the level comes
 * from their sum.  Pure: the caller gathers the counts, of one machine and of a window of time
 * (30 days, say).
 */
#pragma once

#include "dump/bit_flip.h"

enum hardware_level {
	HARDWARE_NONE,
	HARDWARE_SOME,   /* 30 points: look at the machine when it goes on */
	HARDWARE_STRONG, /* 70 points: test memory and disk */
	HARDWARE_N
};

struct hardware_counts {
	unsigned crashes;
	unsigned signatures;     /* that are different, of these crashes */
	unsigned bit_flips;      /* crashes with a candidate of medium or high confidence */
	unsigned one_bit_code;   /* crashes with one bit of code changed */
	unsigned machine_checks; /* bug checks by which the processor itself reports */
	unsigned memory_checks;  /* bug checks of broken page lists and pages */
	unsigned in_page_errors; /* a page could not be read from its disk */
};

enum {
	HARDWARE_REASONS_MAX = 6,
	HARDWARE_REASON_BYTES = 160
};

struct hardware_suspicion {
	enum hardware_level level;
	unsigned points;
	char reasons[HARDWARE_REASONS_MAX][HARDWARE_REASON_BYTES];
	unsigned n_reasons; /* 0: no clue at all */
};

const char *hardware_level_name(enum hardware_level level); /* "none", "some", "strong" */

/* Adds one crash: all but `signatures`, which the caller knows.  CODE: NULL, or how code of the
 * dump differs from its image. */
void hardware_count(const struct dump *dump, const struct bit_flips *flips,
		    const struct code_difference *code, struct hardware_counts *counts);
void
hardware_suspect(const struct hardware_counts *counts, struct hardware_suspicion *ret_suspicion);
