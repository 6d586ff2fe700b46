#include "werctl/options.h"

#include <string.h>

#include "base/slice.h"
#include "base/time.h"

static const struct option table[OPTION_N] = {
#define OPTION_ROW_(code, name, letter, kind, value, help)                                         \
	[OPTION_##code] = {name, letter, kind, value, help},
	OPTION_TABLE(OPTION_ROW_)
#undef OPTION_ROW_
};

struct reading {
	const char *const *arguments;
	unsigned count;
	unsigned at; /* of the next one */
	int64_t now_us;
	struct options options;
	struct err_detail *detail;
};

const struct option *
option_at(enum option_code code)
{
	return &table[code];
}

bool
option_is_given(const struct options *options, enum option_code code)
{
	return (options->given >> code & 1) != 0;
}

uint64_t
option_number(const struct options *options, enum option_code code, uint64_t otherwise)
{
	return option_is_given(options, code) ? options->number[code] : otherwise;
}

/* OPTION_N: there is no such option. */
static unsigned
find_name(struct slice name)
{
	unsigned code = 0;
	while (code < OPTION_N && !slice_equal_str(name, table[code].name))
		code++;
	return code;
}

static unsigned
find_letter(char letter)
{
	unsigned code = 0;
	while (code < OPTION_N && (table[code].letter != letter || letter == 0))
		code++;
	return code;
}

static bool
find_word(struct slice words, struct slice wanted, uint64_t *ret_index)
{
	struct slice word = words;
	struct slice rest = words;
	for (uint64_t i = 0; rest.len > 0; i++) {
		if (!slice_cut(rest, '|', &word, &rest)) {
			word = rest;
			rest.len = 0;
		}
		if (slice_equal(word, wanted)) {
			*ret_index = i;
			return true;
		}
	}
	return false;
}

static err_t
take_value(struct reading *r, unsigned code, const char *value)
{
	const struct option *option = &table[code];
	struct slice text = slice_str(value);
	switch (option->kind) {
	case VALUE_TIME:
		if (!time_parse(text, r->now_us, &r->options.time_us[code]))
			return err_set(r->detail, ERR_USAGE,
				       "--%s: '%s' is no time; try 2026-11-25, "
				       "2026-11-25T03:11:53Z or a span back such as 36h",
				       option->name, value);
		break;
	case VALUE_NUMBER:
		if (!slice_to_u64(text, &r->options.number[code]))
			return err_set(r->detail, ERR_USAGE, "--%s: '%s' is no number",
				       option->name, value);
		break;
	case VALUE_CHOICE:
		if (!find_word(slice_str(option->value), text, &r->options.number[code]))
			return err_set(r->detail, ERR_USAGE, "--%s: '%s' is none of %s",
				       option->name, value, option->value);
		break;
	case VALUE_TEXTS:
		if (r->options.n_texts == OPTION_TEXTS_MAX)
			return err_set(r->detail, ERR_USAGE, "--%s is given more than %d times",
				       option->name, OPTION_TEXTS_MAX);
		r->options.texts[r->options.n_texts++] = value;
		/* fallthrough */
	case VALUE_TEXT:
		if (text.len == 0)
			return err_set(r->detail, ERR_USAGE, "--%s: the value is empty",
				       option->name);
		break;
	case VALUE_NONE:
	default:
		break;
	}
	r->options.text[code] = value;
	return OK;
}

/* VALUE: what stood behind `=` or the letter; NULL when it must be the next argument. */
static err_t
take_option(struct reading *r, unsigned code, const char *value)
{
	const struct option *option = &table[code];
	if (option_is_given(&r->options, (enum option_code)code) && option->kind != VALUE_TEXTS)
		return err_set(r->detail, ERR_USAGE, "--%s is given twice", option->name);
	r->options.given |= UINT64_C(1) << code;
	if (option->kind == VALUE_NONE && value != NULL)
		return err_set(r->detail, ERR_USAGE, "--%s takes no value", option->name);
	if (option->kind == VALUE_NONE)
		return OK;
	if (value == NULL && r->at == r->count)
		return err_set(r->detail, ERR_USAGE, "--%s needs a value: %s", option->name,
			       option->value);
	return take_value(r, code, value != NULL ? value : r->arguments[r->at++]);
}

static err_t
take_long(struct reading *r, const char *argument)
{
	struct slice name = slice_str(argument + 2);
	struct slice value = {NULL, 0};
	bool has_value = slice_cut(name, '=', &name, &value);
	unsigned code = find_name(name);
	if (code == OPTION_N)
		return err_set(r->detail, ERR_USAGE, "unknown option --%.*s", SLICE_ARGS(name));
	return take_option(r, code, has_value ? argument + 2 + name.len + 1 : NULL);
}

static err_t
take_short(struct reading *r, const char *argument)
{
	unsigned code = find_letter(argument[1]);
	if (code == OPTION_N)
		return err_set(r->detail, ERR_USAGE, "unknown option %s", argument);
	return take_option(r, code, argument[2] == '\0' ? NULL : argument + 2);
}

err_t
options_parse(const char *const *arguments, unsigned count, int64_t now_us, const char **place,
	      struct options *ret_options, struct operands *ret_operands, struct err_detail *detail)
{
	struct reading r = {
		.arguments = arguments, .count = count, .now_us = now_us, .detail = detail};
	unsigned n_operands = 0;
	bool is_ended = false;
	while (r.at < count) {
		const char *argument = arguments[r.at++];
		err_t err = OK;
		if (is_ended || argument[0] != '-' || argument[1] == '\0')
			place[n_operands++] = argument;
		else if (strcmp(argument, "--") == 0)
			is_ended = true;
		else
			err = argument[1] == '-' ? take_long(&r, argument)
						 : take_short(&r, argument);
		if (err != OK)
			return err;
	}
	*ret_options = r.options;
	*ret_operands = (struct operands){place, n_operands};
	return OK;
}
