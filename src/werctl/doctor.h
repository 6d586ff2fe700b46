/* doctor.h - one line a check: what was found, and what to do about it */
#pragma once

#include "werctl/werctl.h"

enum doctor_state {
	DOCTOR_OK,
	DOCTOR_WARN,
	DOCTOR_FAIL,
	DOCTOR_HINT /* nothing was checked: what to look at elsewhere */
};

struct doctor {
	struct werctl *w;
	const struct config *config;
	const char *server; /* the name that clients use */
	unsigned failures;
};

void doctor_say(struct doctor *doctor, enum doctor_state state, const char *check,
		const char *format, ...) __attribute__((format(printf, 4, 5)));
/* The command for the line before, or for Windows. */
void doctor_command(struct doctor *doctor, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* doctor_net.c: listeners, firewall, certificate. */
void doctor_check_ports(struct doctor *doctor);
void doctor_check_firewall(struct doctor *doctor);
void doctor_check_certificate(struct doctor *doctor);
/* doctor_store.c: files, disk, clock, what is stored. */
void doctor_check_files(struct doctor *doctor);
void doctor_check_disk(struct doctor *doctor);
void doctor_check_clock(struct doctor *doctor);
void doctor_check_reports(struct doctor *doctor);
