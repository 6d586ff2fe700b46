/* options.h - the command line of one subcommand, from one table
 *
 * A row says name, value, how to read it, where to put it, and what `--help` prints; defaults are
 * what the target holds before.  argp(3) underneath: `--name value`, `--name=value`, unique
 * beginnings; `output` is also -o.  A wrong command line ends the program with status 64.
 */
#pragma once

#include <stddef.h>

#include "base/slice.h"

struct option_row {
	const char *name;
	const char *value; /* what --help calls it; NULL: a flag, FIELD is a bool */
	bool (*parse)(struct slice text, void *field); /* false: refused; NULL for a flag */
	size_t field;                                  /* offset in the target */
	const char *help;
};

/* The last row has no name.  COMMAND: "werload run".  ABOUT: what it does, one sentence. */
void options_parse(const struct option_row *rows, const char *command, const char *about, int argc,
		   char **argv, void *target);

bool option_text(struct slice text, void *field);    /* const char *; not empty */
bool option_u64(struct slice text, void *field);     /* uint64_t */
bool option_u32(struct slice text, void *field);     /* uint32_t, at least 1 */
bool option_port(struct slice text, void *field);    /* uint16_t, at least 1 */
bool option_percent(struct slice text, void *field); /* uint8_t, 0-100 */
bool
option_bytes(struct slice text, void *field); /* uint64_t; "100K", "20M", "1G": powers of 1024 */
bool option_duration(struct slice text, void *field); /* int64_t, us; "90s", "15m", "2h", "30d" */
bool option_time(struct slice text, void *field);     /* int64_t, us since 1970; RFC 3339 */
/* Index of TEXT among NAMES; false when it is none. */
bool option_choice(struct slice text, const char *const *names, size_t count, unsigned *ret_index);
