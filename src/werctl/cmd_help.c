/* `help` and `version` */
#include "werctl/command.h"

err_t
cmd_help(struct werctl *w)
{
	const struct command *command;
	struct operands operands = w->operands;
	if (operands.count == 0) {
		command_list(&w->out.text);
		return OK;
	}
	err_t err = command_find(&(struct options){0}, &operands, &command, &w->detail);
	if (err == OK)
		command_help(command, &w->out.text);
	return err;
}

err_t
cmd_version(struct werctl *w)
{
	output_printf(&w->out, "werctl %s\n", OPENWER_VERSION);
	return OK;
}
