/* main.c - werctl: what an operator does with the collector's store */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/time.h"
#include "werctl/cell.h"
#include "werctl/command.h"

static int
fail(const struct werctl *w, err_t err)
{
	werctl_complain("%s", w->detail.why[0] != '\0' ? w->detail.why : err_text(err));
	if (err == ERR_USAGE && w->command != NULL) {
		struct buf usage;
		buf_init(&usage, LIMIT_TEXT_BYTES);
		command_usage(w->command, &usage);
		(void)fprintf(stderr, "%.*s", SLICE_ARGS(buf_slice(&usage)));
		buf_done(&usage);
	}
	return err_exit_status(err);
}

static err_t
run(struct werctl *w, const char *const *arguments, unsigned count, const char **place)
{
	err_t err = options_parse(arguments, count, w->now_us, place, &w->options, &w->operands,
				  &w->detail);
	if (err == OK)
		err = command_find(&w->options, &w->operands, &w->command, &w->detail);
	if (err != OK)
		return err;
	w->out.is_json = option_is_given(&w->options, OPTION_JSON);
	if (option_is_given(&w->options, OPTION_HELP)) {
		if (w->command->run == cmd_help)
			command_list(&w->out.text);
		else
			command_help(w->command, &w->out.text);
		return OK;
	}
	err = command_check(w->command, &w->options, &w->operands, &w->detail);
	return err != OK ? err : w->command->run(w);
}

int
main(int argc, char **argv)
{
	struct werctl w;
	cell_locale();
	werctl_init(&w, time_now_us());
	unsigned count = argc > 1 ? (unsigned)argc - 1 : 0;
	const char **place = calloc(count + 1, sizeof(*place));
	if (place == NULL)
		abort();
	err_t err = run(&w, (const char *const *)argv + 1, count, place);
	err_t written = output_flush(&w.out);
	if (err == OK && written != OK)
		err = err_set(&w.detail, written, "standard output: %s", err_text(written));
	int status = err != OK ? fail(&w, err) : w.exit_status;
	werctl_done(&w);
	free(place);
	return status;
}
