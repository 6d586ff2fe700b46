#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "jail/jail.h"
#include "werd/werd.h"

static const char usage[] =
	"usage: werd [-c FILE] [--check]         all roles that the configuration names\n"
	"       werd ingest|analyze [-c FILE]    one role\n"
	"       werd sniff [OPTION]...           show what clients send, keep nothing (--help)\n"
	"       werd --help | --version\n"
	"\n"
	"FILE is " CONFIG_DEFAULT_PATH " unless named; werd.conf(5) says what stands in it.\n";

int
werd_fail(err_t err, const struct err_detail *detail)
{
	(void)fprintf(stderr, "werd: %s\n", detail->why[0] != '\0' ? detail->why : err_text(err));
	return err_exit_status(err);
}

enum log_level
werd_log_level(const struct config *config)
{
	static const char *const names[LOG_LEVEL_N] = {"error", "warning", "info", "debug"};
	for (int level = 0; level < LOG_LEVEL_N; level++)
		if (strcmp(config->log_level, names[level]) == 0)
			return (enum log_level)level;
	return LOG_INFO;
}

static int
show(const char *text, FILE *to, int status)
{
	(void)fputs(text, to);
	return status;
}

static bool
is_role(const char *name)
{
	return strcmp(name, "ingest") == 0 || strcmp(name, "analyze") == 0;
}

static int
run(const struct werd_options *options)
{
	if (options->is_check)
		return werd_check(options);
	return options->role == NULL ? werd_run_supervisor(options) : werd_run_role(options);
}

int
main(int argc, char **argv)
{
	static const struct option longs[] = {
		{"config", required_argument, NULL, 'c'},
		{"check", no_argument, NULL, 'k'},
		{"help", no_argument, NULL, 'h'},
		{"version", no_argument, NULL, 'V'},
		{"sockets", required_argument, NULL, 's'},
		{"no-jail", no_argument, NULL, 'J'},
		{NULL, 0, NULL, 0},
	};
	struct werd_options options = {.config_path = CONFIG_DEFAULT_PATH};
	if (argc > 1 && strcmp(argv[1], "sniff") == 0)
		return werd_sniff(argc - 1, argv + 1);
	for (int c; (c = getopt_long(argc, argv, "c:hV", longs, NULL)) != -1;) {
		switch (c) {
		case 'c':
			options.config_path = optarg;
			break;
		case 'k':
			options.is_check = true;
			break;
		case 's':
			options.sockets = optarg;
			break;
		case 'J':
			if (!jail_has_sanitizers())
				return show(usage, stderr, err_exit_status(ERR_USAGE));
			options.has_no_jail = true;
			break;
		case 'h':
			return show(usage, stdout, 0);
		case 'V':
			return show("werd " OPENWER_VERSION "\n", stdout, 0);
		default:
			return show(usage, stderr, err_exit_status(ERR_USAGE));
		}
	}
	if (optind < argc)
		options.role = argv[optind++];
	if (optind < argc || (options.role != NULL && !is_role(options.role)))
		return show(usage, stderr, err_exit_status(ERR_USAGE));
	return run(&options);
}
