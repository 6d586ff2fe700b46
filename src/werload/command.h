/* command.h - the subcommands of werload
 *
 * Each gets its own arguments, its name first, and returns the program's exit status.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"
#include "werload/fleet.h"

int command_run(int argc, char **argv);
int command_fill(int argc, char **argv);
int command_verify(int argc, char **argv);
int command_sample(int argc, char **argv);
int command_cabinet(int argc, char **argv);

/* Options that several have. */
bool option_mix(struct slice text, void *field); /* enum fleet_mix */

/* Prints "werload: why" and returns the exit status that fits. */
int command_failed(err_t err, const struct err_detail *detail);

/* "12,345": for people. */
enum {
	COUNT_TEXT_BYTES = 32
};
const char *count_text(uint64_t count, char text[COUNT_TEXT_BYTES]);
/* "950 us", "4.1 ms", "12 s". */
const char *latency_text(int64_t us, char text[COUNT_TEXT_BYTES]);
