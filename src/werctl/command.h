/* command.h - the commands of werctl
 *
 * One table: the dispatch, `werctl help` and the messages about wrong usage come from it, and a
 * test holds it against the manual.
 */
#pragma once

#include "werctl/werctl.h"

struct command {
	const char *name; /* one or two words */
	const char *operands;
	unsigned least_operands;
	unsigned most_operands;
	uint64_t options;    /* beside OPTIONS_COMMON */
	uint64_t needed;     /* of them */
	const char *summary; /* one line */
	const char *about;   /* further lines for its help; "" when there is nothing to add */
	err_t (*run)(struct werctl *w);
};

const struct command *command_at(size_t index); /* NULL past the end */
/* The command that OPERANDS begin with; it and what it does not take are taken out of them.
 * ERR_USAGE with the reason. */
err_t command_find(const struct options *options, struct operands *operands,
		   const struct command **ret_command, struct err_detail *detail) ERR_CHECK;
/* OPERANDS and OPTIONS are what COMMAND takes: ERR_USAGE with the reason when they are not. */
err_t command_check(const struct command *command, const struct options *options,
		    const struct operands *operands, struct err_detail *detail) ERR_CHECK;
void command_usage(const struct command *command, struct buf *out); /* one line, wrapped */
void command_help(const struct command *command, struct buf *out);
void command_list(struct buf *out); /* all of them, for `werctl help` */

err_t cmd_reports(struct werctl *w) ERR_CHECK;
err_t cmd_report(struct werctl *w) ERR_CHECK;
err_t cmd_buckets(struct werctl *w) ERR_CHECK;
err_t cmd_bucket(struct werctl *w) ERR_CHECK;
err_t cmd_cab(struct werctl *w) ERR_CHECK;
err_t cmd_tail(struct werctl *w) ERR_CHECK;
err_t cmd_diff(struct werctl *w) ERR_CHECK;
err_t cmd_stats(struct werctl *w) ERR_CHECK;
err_t cmd_quarantine(struct werctl *w) ERR_CHECK;
err_t cmd_collection_explain(struct werctl *w) ERR_CHECK;
err_t cmd_collection_check(struct werctl *w) ERR_CHECK;
err_t cmd_import(struct werctl *w) ERR_CHECK;
err_t cmd_export(struct werctl *w) ERR_CHECK;
err_t cmd_rebuild(struct werctl *w) ERR_CHECK;
err_t cmd_client_setup(struct werctl *w) ERR_CHECK;
err_t cmd_doctor(struct werctl *w) ERR_CHECK;
err_t cmd_dump(struct werctl *w) ERR_CHECK;
err_t cmd_cabinet(struct werctl *w) ERR_CHECK;
err_t cmd_inspect(struct werctl *w) ERR_CHECK;
err_t cmd_help(struct werctl *w) ERR_CHECK;
err_t cmd_version(struct werctl *w) ERR_CHECK;
