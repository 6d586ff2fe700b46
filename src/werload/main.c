/* werload - a simulated fleet of Windows machines, werload(1) */
#include <stdio.h>
#include <string.h>

#include "werload/command.h"

struct subcommand {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *help;
};

static const struct subcommand subcommands[] = {
	{"run", command_run, "send reports to a collector, as a fleet of machines would"},
	{"fill", command_fill, "write generated reports into a data folder, without a network"},
	{"verify", command_verify, "compare a data folder with what `run` saw acknowledged"},
	{"sample", command_sample, "write reports as files, for other load generators"},
	{"cabinet", command_cabinet, "write one cabinet of exact size"},
};
enum {
	N_SUBCOMMANDS = sizeof(subcommands) / sizeof(subcommands[0]),
	EXIT_USAGE = 64
};

static void
print_help(FILE *out)
{
	(void)fprintf(out, "usage: werload COMMAND [OPTION...]\n\n");
	for (size_t i = 0; i < N_SUBCOMMANDS; i++)
		(void)fprintf(out, "  %-8s  %s\n", subcommands[i].name, subcommands[i].help);
	(void)fprintf(out, "\n`werload COMMAND --help` lists the options; see werload(1).\n");
}

int
main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "";
	if (strcmp(name, "--help") == 0 || strcmp(name, "help") == 0) {
		print_help(stdout);
		return 0;
	}
	if (strcmp(name, "--version") == 0) {
		(void)printf("werload %s\n", OPENWER_VERSION);
		return 0;
	}
	for (size_t i = 0; i < N_SUBCOMMANDS; i++) {
		if (strcmp(name, subcommands[i].name) == 0)
			return subcommands[i].run(argc - 1, argv + 1);
	}
	print_help(stderr);
	return EXIT_USAGE;
}
