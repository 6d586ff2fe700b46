/* draft.h - a report while it is being made up
 *
 * Two streams of chance feed it: `bug` gives what all reports of one bug share (program, module,
 * code, offset), `chance` what differs from report to report.  Makers, one for each event type,
 * fill in the signature; what every report has is there before they begin.
 */
#pragma once

#include "report/report.h"
#include "werload/catalog.h"
#include "werload/machine.h"

struct draft {
	uint64_t seed;
	uint64_t bug_number; /* event type and rank; what draw_start made `bug` from */
	struct draw bug;
	bool is_common; /* one of the bugs that the whole fleet meets */
	struct draw chance;
	const struct catalog *catalog;
	struct arena *arena;
	struct machine machine;
	int64_t time_us; /* of the event */
	uint32_t app_number;
	const struct app *app;  /* NULL: the event is not a program's */
	struct release release; /* of APP on this machine, then */
	const char *version;    /* of that release; Windows' own for its parts */
	struct report *report;
	size_t max_secondary, max_files; /* places that were allocated */
};

/* A printf into the draft's arena: short, because makers do little else. */
const char *
draft_text(struct draft *draft, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The next PARAMETER, by its localized name or by one that Windows does not translate. */
void draft_param(struct draft *draft, enum language_name name, const char *value);
void draft_param_named(struct draft *draft, const char *name, const char *value);
/* The next PARAMETER, named "Problem Signature NN" as WerReportSetParameter does by default. */
void draft_param_numbered(struct draft *draft, const char *value);
void draft_secondary(struct draft *draft, const char *name, const char *value);
void draft_file(struct draft *draft, const char *name, int type);
void draft_friendly(struct draft *draft, enum language_name name);
void draft_about(struct draft *draft, enum language_name name);
/* appname, apppath and appcompany. */
void
draft_application(struct draft *draft, const char *name, const char *path, const char *company);
const char *draft_guid(struct draft *draft, struct draw *draw);

typedef void (*draft_maker)(struct draft *draft);

/* Which programs an event can happen to; the draft has one of them. */
enum draft_apps {
	APPS_NONE,
	APPS_DESKTOP, /* native, office, Windows' own, servers'; and .NET, whose runtime crashes too
		       */
	APPS_DESKTOP_32,
	APPS_CLR,
	APPS_STORE,
	APPS_SERVER,
	APPS_OFFICE
};

struct draft_event {
	const char *name;
	const char *other_name; /* a spelling that some machines send; NULL: none */
	uint16_t fleet_weight;  /* in ten thousand reports */
	uint16_t seed_weight;   /* in the table of a real collector, see fleet.h */
	int8_t report_type;
	uint8_t apps; /* enum draft_apps */
	draft_maker make;
};
extern const struct draft_event draft_events[];
extern const size_t draft_n_events;

/* draft_crash.c */
void draft_appcrash(struct draft *draft);
void draft_bex(struct draft *draft);
void draft_mo_appcrash(struct draft *draft);
void draft_mo_bex(struct draft *draft);
void draft_clr(struct draft *draft);
void draft_hang(struct draft *draft);
void draft_hang_xproc(struct draft *draft);
void draft_mo_hang(struct draft *draft);
/* draft_system.c */
void draft_bluescreen(struct draft *draft);
void draft_live_kernel(struct draft *draft);
void draft_windows_update(struct draft *draft);
void draft_store_agent(struct draft *draft);
void draft_servicing(struct draft *draft);
void draft_leak(struct draft *draft);
void draft_driver(struct draft *draft);
void draft_device_problem(struct draft *draft);
void draft_crashpad(struct draft *draft);
void draft_office_assert(struct draft *draft);
void draft_cluster(struct draft *draft);
void draft_inventory(struct draft *draft);
void draft_generic(struct draft *draft);
