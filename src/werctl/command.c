#include "werctl/command.h"

#include <stdio.h>

#define LIST_OPTIONS (OPTIONS_FILTER | OPTIONS_PAGE | OPTION_BIT(JSON))

static const struct command table[] = {
	{"reports", "", 0, 0, LIST_OPTIONS, 0, "list reports, newest first",
	 "The machine's name is marked: ? claimed by the machine itself, ~ matched by the\n"
	 "peer's reverse name, + authenticated.  A value with * or ? is a pattern; ASCII case\n"
	 "does not count.  --after takes the id of the last report shown.\n",
	 cmd_reports},
	{"report", "ID", 1, 1, OPTION_BIT(JSON) | OPTION_BIT(RAW) | OPTION_BIT(ALL), 0,
	 "show one report: what came, what was in its cabinet, whose bug it is",
	 "--all shows the stacks of all threads.\n", cmd_report},
	{"buckets", "", 0, 0, LIST_OPTIONS | OPTION_BIT(SORT), 0,
	 "list buckets, those with most hits first",
	 "--since and --until ask when a bucket was last seen.  Each line of --json has the\n"
	 "cursor with which --after goes on behind it.\n",
	 cmd_buckets},
	{"bucket", "ID", 1, 1, OPTION_BIT(JSON) | OPTION_BIT(LIMIT), 0,
	 "show one bucket and its recent reports",
	 "ID is the bucket's id, its hashed number (32 hex digits) or its legacy number.\n",
	 cmd_bucket},
	{"cab", "ID", 1, 1, OPTION_BIT(OUTPUT) | OPTION_BIT(FORCE), OPTION_BIT(OUTPUT),
	 "write out the cabinet of a report",
	 "The bytes are checked against their SHA-256 on the way.\n", cmd_cab},
	{"tail", "", 0, 0, OPTIONS_FILTER | OPTION_BIT(JSON), 0,
	 "follow reports as they are committed",
	 "With --since it begins there; it ends at --until, or with ^C.\n", cmd_tail},
	{"diff", "A B", 2, 2, OPTION_BIT(JSON) | OPTION_BIT(ALL), 0,
	 "compare two reports, attribute by attribute",
	 "A and B are ids or level-1 XML files.  --json prints what is equal, too.\n", cmd_diff},
	{"stats", "", 0, 0, OPTION_BIT(JSON), 0, "counters, totals and disk", "", cmd_stats},
	{"quarantine", "[ID]", 0, 1, OPTION_BIT(JSON) | OPTION_BIT(RAW) | OPTIONS_PAGE, 0,
	 "what was refused, or the bytes of one of it", "", cmd_quarantine},
	{"collection explain", "FILE|ID", 1, 1, OPTION_BIT(JSON), 0,
	 "the reply that a report would get now, and why",
	 "FILE is level-1 XML, - standard input; ID a stored report.\n", cmd_collection_explain},
	{"collection check", "[FILE]", 0, 1, OPTION_BIT(JSON), 0,
	 "check a file of collection rules",
	 "Without FILE: the one that the configuration names.\n", cmd_collection_check},
	{"import", "PATH...", 1, OPERANDS_MAX, OPTION_BIT(JSON), 0,
	 "take in reports from files, folders or wer.sqlite",
	 "PATH is a level-1 XML file, a folder of them (what `export` writes too), or the\n"
	 "database of the PHP collector with its reports tree beside it.  What was imported\n"
	 "before from the same place is skipped.  werd ingest must not run meanwhile.\n",
	 cmd_import},
	{"export", "", 0, 0,
	 OPTIONS_FILTER | OPTIONS_PAGE | OPTION_BIT(TREE) | OPTION_BIT(FORCE) | OPTION_BIT(JSON),
	 OPTION_BIT(TREE), "write reports as plain files: DIR/date/id/...",
	 "Each folder gets report.xml, reply.txt, meta.json and, when there is one, report.cab.\n"
	 "Reports that are there already are left as they are.  Without --limit: all.\n",
	 cmd_export},
	{"rebuild", "", 0, 0, OPTION_BIT(JSON), 0, "make counts and indexes anew from the facts",
	 "", cmd_rebuild},
	{"inspect", "FILE", 1, 1, OPTION_BIT(JSON) | OPTION_BIT(SYMBOLS) | OPTION_BIT(ALL), 0,
	 "say what a file is and what is in it",
	 "FILE is a dump, a cabinet, a Report.wer, level-1 XML or any other file that WER\n"
	 "writes, or a folder of ReportArchive or ReportQueue.  It is read by a process that\n"
	 "can do nothing else; no store is needed.\n",
	 cmd_inspect},
	{"dump", "FILE", 1, 1, OPTION_BIT(JSON) | OPTION_BIT(SYMBOLS) | OPTION_BIT(ALL), 0,
	 "show a crash dump: exception, stacks, modules",
	 "FILE is a minidump, a kernel dump or an ELF core.  It is read by a process that can\n"
	 "do nothing else; no store is needed.\n",
	 cmd_dump},
	{"cabinet", "FILE", 1, 1, OPTION_BIT(JSON), 0, "show what is in a cabinet",
	 "Everything is unpacked and hashed, nothing is written.\n", cmd_cabinet},
	{"client-setup", "", 0, 0,
	 OPTION_BIT(FORMAT) | OPTION_BIT(SERVER) | OPTION_BIT(PORT) | OPTION_BIT(TLS) |
		 OPTION_BIT(UNDO) | OPTION_BIT(CA_HINT) | OPTION_BIT(OUTPUT) | OPTION_BIT(FORCE),
	 OPTION_BIT(FORMAT), "write what a Windows machine needs to report here", "",
	 cmd_client_setup},
	{"doctor", "", 0, 0, OPTION_BIT(JSON) | OPTION_BIT(SERVER), 0,
	 "check the collector, and say what to check on Windows",
	 "Exit status 1 when a check fails.\n", cmd_doctor},
	{"help", "[COMMAND]", 0, 2, 0, 0, "explain werctl or one command", "", cmd_help},
	{"version", "", 0, 0, OPTION_BIT(VERSION), 0, "print the version", "", cmd_version},
};

enum {
	COMMAND_N = sizeof(table) / sizeof(table[0]),
	USAGE_COLUMNS = 78
};

const struct command *
command_at(size_t index)
{
	return index < COMMAND_N ? &table[index] : NULL;
}

/* How many operands COMMAND's name takes up; 0: they do not begin with it. */
static unsigned
match_name(const struct command *command, const struct operands *operands)
{
	struct slice rest = slice_str(command->name);
	for (unsigned n = 0; n < operands->count; n++) {
		struct slice word = rest;
		bool is_more = slice_cut(rest, ' ', &word, &rest);
		if (!slice_equal_str(word, operands->at[n]))
			return 0;
		if (!is_more)
			return n + 1;
	}
	return 0;
}

static err_t
unknown_command(const struct operands *operands, struct err_detail *detail)
{
	if (operands->count == 0)
		return err_set(detail, ERR_USAGE, "no command given; `werctl help` lists them");
	if (strcmp(operands->at[0], "collection") == 0)
		return err_set(detail, ERR_USAGE,
			       "`collection` is followed by `explain` or `check`");
	return err_set(detail, ERR_USAGE, "no such command: %s; `werctl help` lists them",
		       operands->at[0]);
}

err_t
command_find(const struct options *options, struct operands *operands,
	     const struct command **ret_command, struct err_detail *detail)
{
	static const char *const help[] = {"help"};
	static const char *const version[] = {"version"};
	struct operands asked = *operands;
	if (option_is_given(options, OPTION_VERSION))
		asked = (struct operands){version, 1};
	else if (asked.count == 0 && option_is_given(options, OPTION_HELP))
		asked = (struct operands){help, 1};
	for (size_t i = 0; i < COMMAND_N; i++) {
		unsigned words = match_name(&table[i], &asked);
		if (words == 0)
			continue;
		*operands = (struct operands){asked.at + words, asked.count - words};
		*ret_command = &table[i];
		return OK;
	}
	return unknown_command(operands, detail);
}

err_t
command_check(const struct command *command, const struct options *options,
	      const struct operands *operands, struct err_detail *detail)
{
	for (unsigned code = 0; code < OPTION_N; code++) {
		uint64_t bit = UINT64_C(1) << code;
		const char *name = option_at((enum option_code)code)->name;
		if ((options->given & bit & ~(command->options | OPTIONS_COMMON)) != 0)
			return err_set(detail, ERR_USAGE, "%s takes no --%s", command->name, name);
		if ((command->needed & bit & ~options->given) != 0)
			return err_set(detail, ERR_USAGE, "%s needs --%s", command->name, name);
	}
	if (operands->count < command->least_operands)
		return err_set(detail, ERR_USAGE, "%s needs %s", command->name, command->operands);
	if (operands->count > command->most_operands)
		return err_set(detail, ERR_USAGE, "%s: one operand too many: %s", command->name,
			       operands->at[command->most_operands]);
	return OK;
}

/* Appends WORD to a line that began in column 0, on a new line when it does not fit. */
static void
append_wrapped(struct buf *out, size_t *column, const char *word)
{
	size_t len = strlen(word);
	if (*column + 1 + len > USAGE_COLUMNS) {
		buf_append_str(out, "\n           ");
		*column = 11;
	}
	buf_printf(out, " %s", word);
	*column += len + 1;
}

void
command_usage(const struct command *command, struct buf *out)
{
	char word[128];
	size_t column = strlen("usage: werctl");
	buf_append_str(out, "usage: werctl");
	append_wrapped(out, &column, command->name);
	if (command->operands[0] != '\0')
		append_wrapped(out, &column, command->operands);
	for (unsigned code = 0; code < OPTION_N; code++) {
		const struct option *option = option_at((enum option_code)code);
		bool is_needed = (command->needed >> code & 1) != 0;
		if ((command->options >> code & 1) == 0)
			continue;
		(void)snprintf(word, sizeof(word), "%s--%s%s%s%s", is_needed ? "" : "[",
			       option->name, option->kind == VALUE_NONE ? "" : " ", option->value,
			       is_needed ? "" : "]");
		append_wrapped(out, &column, word);
	}
	buf_append_byte(out, '\n');
}

void
command_help(const struct command *command, struct buf *out)
{
	command_usage(command, out);
	buf_printf(out, "\n%s\n", command->summary);
	if (command->about[0] != '\0')
		buf_printf(out, "\n%s", command->about);
	buf_append_byte(out, '\n');
	for (unsigned code = 0; code < OPTION_N; code++) {
		char form[64];
		const struct option *option = option_at((enum option_code)code);
		if (((command->options | OPTIONS_COMMON) >> code & 1) == 0)
			continue;
		(void)snprintf(form, sizeof(form), "--%s %s", option->name, option->value);
		if (option->letter != 0)
			(void)snprintf(form, sizeof(form), "-%c, --%s %s", option->letter,
				       option->name, option->value);
		buf_printf(out, "  %-22s %s\n", form, option->help);
	}
}

void
command_list(struct buf *out)
{
	buf_append_str(out, "usage: werctl [-c FILE] COMMAND [OPTION...]\n\n");
	for (size_t i = 0; i < COMMAND_N; i++) {
		char form[64];
		(void)snprintf(form, sizeof(form), "%s %s", table[i].name, table[i].operands);
		buf_printf(out, "  %-28s %s\n", form, table[i].summary);
	}
	buf_append_str(out, "\n`werctl help COMMAND` says more, werctl(1) all.\n");
}
