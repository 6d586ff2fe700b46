/* werctl.h - one run of werctl: what was asked, where it prints, what it has open
 *
 * Configuration and stores are opened when a command first asks for them, closed by main.
 * Everything but `import` and `rebuild` opens them for reading alone.
 */
#pragma once

#include "base/arena.h"
#include "cer/level1.h"
#include "config/config.h"
#include "store/derived.h"
#include "store/facts.h"
#include "werctl/options.h"
#include "werctl/output.h"

struct command;

struct werctl {
	const struct command *command;
	struct options options;
	struct operands operands; /* behind the command's name */
	struct output out;
	struct arena arena; /* for the whole run */
	struct err_detail detail;
	int exit_status; /* of a command that found what it looks for, such as doctor; else 0 */
	int64_t now_us;  /* when the run began */

	/* See werctl_config, _facts, _derived, _parser. */
	struct config config;
	struct facts *facts;
	struct derived *derived;
	struct level1_parser *parser;
};

void werctl_init(struct werctl *w, int64_t now_us);
void werctl_done(struct werctl *w);

/* Each gives the same object again when it is asked again.  The detail says what to do. */
err_t werctl_config(struct werctl *w, const struct config **ret_config) ERR_CHECK;
/* As above, but no configuration at the default path is no error: *ret_config is NULL then. */
err_t werctl_config_if_any(struct werctl *w, const struct config **ret_config) ERR_CHECK;
err_t werctl_facts(struct werctl *w, struct facts **ret_facts) ERR_CHECK;
err_t werctl_derived(struct werctl *w, struct derived **ret_derived) ERR_CHECK;
struct level1_parser *werctl_parser(struct werctl *w);

/* Something beside the point, for people alone: on stderr, not with --json. */
void
werctl_note(const struct werctl *w, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* What went wrong with one of many items, while the command goes on: on stderr. */
void werctl_complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The Nth operand; NULL: not there. */
const char *werctl_operand(const struct werctl *w, unsigned n);
