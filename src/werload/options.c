#include "werload/options.h"

#include <argp.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/time.h"

enum {
	ROWS_MAX = 48,
	FIRST_KEY = 256, /* above every short option */
	EXIT_USAGE = 64
};

struct parsing {
	const struct option_row *rows;
	size_t n_rows;
	void *target;
};

/* Where something is written has a short name in every program. */
static int
key_of(const struct option_row *row, size_t index)
{
	return strcmp(row->name, "output") == 0 ? 'o' : FIRST_KEY + (int)index;
}

static error_t
on_option(int key, char *value, struct argp_state *state)
{
	const struct parsing *parsing = state->input;
	size_t index = 0;
	if (key == ARGP_KEY_ARG)
		argp_error(state, "%s: not an option", value);
	while (index < parsing->n_rows && key_of(&parsing->rows[index], index) != key)
		index++;
	if (index == parsing->n_rows)
		return ARGP_ERR_UNKNOWN;
	const struct option_row *row = &parsing->rows[index];
	void *field = (char *)parsing->target + row->field;
	if (row->parse == NULL)
		*(bool *)field = true;
	else if (!row->parse(slice_str(value), field))
		argp_error(state, "--%s: cannot be \"%s\"", row->name, value);
	return 0;
}

void
options_parse(const struct option_row *rows, const char *command, const char *about, int argc,
	      char **argv, void *target)
{
	struct parsing parsing = {.rows = rows, .target = target};
	struct argp_option table[ROWS_MAX + 1] = {0};
	for (; rows[parsing.n_rows].name != NULL && parsing.n_rows < ROWS_MAX; parsing.n_rows++) {
		const struct option_row *row = &rows[parsing.n_rows];
		table[parsing.n_rows] = (struct argp_option){.name = row->name,
							     .key = key_of(row, parsing.n_rows),
							     .arg = row->value,
							     .doc = row->help};
	}
	struct argp argp = {.options = table, .parser = on_option, .doc = about};
	char name[64];
	(void)snprintf(name, sizeof(name), "%s", command);
	argv[0] = name;
	argp_err_exit_status = EXIT_USAGE;
	if (argp_parse(&argp, argc, argv, 0, NULL, &parsing) != 0)
		exit(EXIT_USAGE);
}

bool
option_text(struct slice text, void *field)
{
	*(const char **)field = (const char *)text.data;
	return text.len > 0;
}

bool
option_u64(struct slice text, void *field)
{
	return slice_to_u64(text, field);
}

static bool
parse_up_to(struct slice text, uint64_t least, uint64_t most, uint64_t *ret_value)
{
	return slice_to_u64(text, ret_value) && *ret_value >= least && *ret_value <= most;
}

bool
option_u32(struct slice text, void *field)
{
	uint64_t value;
	if (!parse_up_to(text, 1, UINT32_MAX, &value))
		return false;
	*(uint32_t *)field = (uint32_t)value;
	return true;
}

bool
option_port(struct slice text, void *field)
{
	uint64_t value;
	if (!parse_up_to(text, 1, UINT16_MAX, &value))
		return false;
	*(uint16_t *)field = (uint16_t)value;
	return true;
}

bool
option_percent(struct slice text, void *field)
{
	uint64_t value;
	if (!parse_up_to(text, 0, 100, &value))
		return false;
	*(uint8_t *)field = (uint8_t)value;
	return true;
}

bool
option_bytes(struct slice text, void *field)
{
	static const char units[] = "KMG";
	unsigned shift = 0;
	if (text.len > 0) {
		const char *unit = memchr(units, text.data[text.len - 1], sizeof(units) - 1);
		shift = unit == NULL ? 0 : 10 * (unsigned)(unit - units + 1);
	}
	uint64_t value;
	if (!slice_to_u64(slice_sub(text, 0, text.len - (shift > 0)), &value) ||
	    value > UINT64_MAX >> shift)
		return false;
	*(uint64_t *)field = value << shift;
	return true;
}

bool
option_duration(struct slice text, void *field)
{
	int64_t then_us, far_us = INT64_C(8000000000) * TIME_SECOND_US;
	bool is_span = text.len > 1 && text.data[text.len - 1] >= 'a';
	if (!is_span || !time_parse(text, far_us, &then_us) || then_us >= far_us)
		return false;
	*(int64_t *)field = far_us - then_us;
	return true;
}

bool
option_time(struct slice text, void *field)
{
	return time_parse(text, time_now_us(), field);
}

bool
option_choice(struct slice text, const char *const *names, size_t count, unsigned *ret_index)
{
	for (size_t i = 0; i < count; i++) {
		if (slice_equal_str(text, names[i])) {
			*ret_index = (unsigned)i;
			return true;
		}
	}
	return false;
}
