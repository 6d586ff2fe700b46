/* werd.h - what the files of the collector's main program share */
#pragma once

#include "config/config.h"

/* The command line, whichever of its forms. */
struct werd_options {
	const char *config_path;
	const char *role;    /* NULL: all that the configuration names, under one supervisor */
	bool is_check;       /* --check: read everything, say what is wrong, do nothing */
	bool has_no_jail;    /* --no-jail: builds with sanitizers alone */
	const char *sockets; /* set by the supervisor: "plain,tls,..." for descriptors from 4 on */
};

enum {
	WERD_STATUS_FD = 3, /* a supervised role says 'R' (ready) and '.' (alive) here */
	WERD_FIRST_SOCKET_FD = 4
};

int werd_check(const struct werd_options *options);
int werd_run_role(const struct werd_options *options); /* the exit status */
int werd_run_supervisor(const struct werd_options *options);
int werd_sniff(int argc, char **argv);

/* Prints "werd: WHY" to stderr and gives ERR's exit status. */
int werd_fail(err_t err, const struct err_detail *detail);
enum log_level werd_log_level(const struct config *config);
