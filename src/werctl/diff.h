/* diff.h - two reports, attribute by attribute */
#pragma once

#include "report/report.h"

struct diff_row {
	const char *attribute; /* "machine", "param 3", "secondary BCCode", "file minidump.mdmp" */
	struct slice name;     /* of a parameter, absent for the rest */
	struct slice a;        /* absent: that report has none */
	struct slice b;
	bool is_equal;
};

/* ROW is valid during the call. */
typedef void (*diff_each_fn)(void *context, const struct diff_row *row);
/* Calls EACH for every attribute that at least one of them has: level 1 in its order, then the
 * parameters by position, secondary parameters and files by name. */
void diff_reports(const struct report *a, const struct report *b, diff_each_fn each, void *context);
