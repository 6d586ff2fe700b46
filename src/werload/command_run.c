/* werload run: the options, and everything that is made before the load begins */
#include "werload/run.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/time.h"
#include "werload/cabinet.h"
#include "werload/command.h"
#include "werload/evidence.h"
#include "werload/options.h"
#include "werload/target.h"

enum {
	EXIT_LOST = 1,
	CONNECTIONS_MAX = 20000
};
#define CABS_IN_MEMORY_BYTES (UINT64_C(1) << 30)

static bool
option_shape(struct slice text, void *field)
{
	static const char *const names[SHAPE_N] = {
		[SHAPE_STEADY] = "steady", [SHAPE_MONDAY] = "monday", [SHAPE_RELEASE] = "release",
		[SHAPE_STORM] = "storm",   [SHAPE_LOOP] = "loop",
	};
	unsigned index;
	if (!option_choice(text, names, SHAPE_N, &index))
		return false;
	*(enum shape_kind *)field = (enum shape_kind)index;
	return true;
}

#define FIELD(member) offsetof(struct run_options, member)

static const struct option_row rows[] = {
	{"server", "HOST", option_text, FIELD(server), "the collector (default 127.0.0.1)"},
	{"port", "N", option_port, FIELD(port), "its port (default 1273)"},
	{"tls", NULL, NULL, FIELD(is_tls), "HTTPS"},
	{"ca", "FILE", option_text, FIELD(ca), "PEM: trust these certificates alone"},
	{"insecure", NULL, NULL, FIELD(is_insecure), "take any certificate"},
	{"resume", NULL, NULL, FIELD(is_resuming),
	 "resume TLS sessions; without it every connection makes a full handshake"},
	{"machines", "N", option_u32, FIELD(fleet.machines), "machines of the fleet (1000)"},
	{"seed", "S", option_u64, FIELD(fleet.seed), "the same seed is the same fleet (1)"},
	{"mix", "fleet|seed", option_mix, FIELD(fleet.mix),
	 "all event types, or the proportions of a corporate collector's table (fleet)"},
	{"shape", "steady|monday|release|storm|loop", option_shape, FIELD(shape),
	 "when and what the machines report (steady)"},
	{"rate", "R", option_u64, FIELD(rate), "reports a second; 0: as fast as they go (0)"},
	{"duration", "T", option_duration, FIELD(duration_us), "such as 90s, 15m (60s)"},
	{"reports", "N", option_u64, FIELD(reports), "so many in all, whatever the duration"},
	{"queued", "N", option_u32, FIELD(queued), "release: reports in each machine's queue (50)"},
	{"time", "T", option_time, FIELD(start_us), "the fleet's clock at the start (now)"},
	{"connections", "C", option_u32, FIELD(connections), "at the same time (32)"},
	{"new-connection", NULL, NULL, FIELD(is_new_connection),
	 "a connection for each request, as machines do (the default)"},
	{"keep-alive", NULL, NULL, FIELD(is_keep_alive), "use connections again"},
	{"cabs", NULL, NULL, FIELD(has_cabs), "send a cabinet when the reply asks for one"},
	{"cab-bytes", "N", option_bytes, FIELD(cab_bytes), "its exact size (100K)"},
	{"no-bom", "PERCENT", option_percent, FIELD(fleet.no_bom_percent),
	 "machines that send no byte order mark (10)"},
	{"other-encodings", "PERCENT", option_percent, FIELD(fleet.other_percent),
	 "machines that send UTF-16BE or UTF-8 (0)"},
	{"timeout", "T", option_duration, FIELD(timeout_us), "for one request (60s)"},
	{"patience", "T", option_duration, FIELD(patience_us),
	 "how long after the end what was put off is tried again (5m)"},
	{"acknowledged", "FILE", option_text, FIELD(acknowledged),
	 "append what was acknowledged, for `werload verify`"},
	{"json", NULL, NULL, FIELD(is_json), "print the summary as one JSON object"},
	{"i-own-this-server", NULL, NULL, FIELD(is_owner),
	 "load a server that is not this machine"},
	{0},
};

/* With a rate, reports and duration give each other, and reports win.  Without one, the load ends
 * with whichever comes first. */
static err_t
plan(struct run_options *options, struct shape *ret_shape, struct err_detail *detail)
{
	uint64_t queue_reports = (uint64_t)options->fleet.machines * options->queued;
	if (options->reports == 0 && options->shape == SHAPE_RELEASE)
		options->reports = queue_reports;
	if (options->duration_us == 0 && options->reports == 0)
		options->duration_us = TIME_MINUTE_US;
	struct shape shape = {
		.kind = options->shape,
		.seed = options->fleet.seed,
		.machines = options->fleet.machines,
		.queued = options->queued,
		.reports = options->reports,
		.start_us = options->start_us != 0 ? options->start_us : time_now_us(),
	};
	double seconds = (double)options->duration_us / 1e6;
	if (options->rate > 0 && options->reports == 0)
		shape.reports = (uint64_t)((double)options->rate * seconds);
	if (options->rate > 0)
		shape.duration_us = (int64_t)((double)shape.reports / (double)options->rate * 1e6);
	else if (options->shape == SHAPE_RELEASE)
		shape.duration_us = options->duration_us; /* the window */
	if (options->rate > 0 && shape.reports == 0)
		return err_set(detail, ERR_USAGE, "--rate and --duration make no report at all");
	*ret_shape = shape;
	return OK;
}

static err_t
check(const struct run_options *options, struct err_detail *detail)
{
	if (options->is_keep_alive && options->is_new_connection)
		return err_set(detail, ERR_USAGE,
			       "--keep-alive and --new-connection exclude each other");
	if (options->connections > CONNECTIONS_MAX)
		return err_set(detail, ERR_USAGE, "--connections: at most %d", CONNECTIONS_MAX);
	if (options->has_cabs &&
	    (options->cab_bytes < EVIDENCE_LEAST_BYTES || options->cab_bytes > CABINET_MAX_BYTES))
		return err_set(detail, ERR_USAGE, "--cab-bytes: from 24K to 1G");
	if (options->has_cabs && options->cab_bytes * options->connections > CABS_IN_MEMORY_BYTES)
		return err_set(detail, ERR_USAGE,
			       "--cab-bytes times --connections would need more than 1 GiB");
	return options->is_owner ? OK : target_check(options->server, detail);
}

static bool
is_complete(const struct run_stats *stats)
{
	return stats->refused == 0 && stats->lost == 0 && stats->unsent == 0 &&
	       stats->uploads_refused == 0 && stats->uploads_lost == 0;
}

int
command_run(int argc, char **argv)
{
	struct run_options options = {
		.server = "127.0.0.1",
		.port = 1273,
		.fleet = {.seed = 1, .machines = 1000, .no_bom_percent = 10},
		.queued = SHAPE_QUEUED,
		.connections = 32,
		.cab_bytes = 100 * 1024,
		.patience_us = 5 * TIME_MINUTE_US,
		.timeout_us = TIME_MINUTE_US,
	};
	struct err_detail detail = {0};
	struct fleet *fleet = NULL;
	struct ledger ledger = {.fd = -1};
	struct shape shape;
	options_parse(rows, "werload run",
		      "Sends the reports of a simulated fleet to a collector.\v"
		      "Exit status: 0 when everything was acknowledged, 1 when not.",
		      argc, argv, &options);
	struct run_stats *stats = calloc(1, sizeof(*stats));
	err_t err = stats == NULL ? ERR_NOMEM : plan(&options, &shape, &detail);
	if (err == OK)
		err = check(&options, &detail);
	if (err == OK)
		err = fleet_new(&options.fleet, &fleet);
	if (err == OK)
		err = ledger_open(&ledger, options.acknowledged, &detail);
	if (err == OK)
		err = run_load(&options, &shape, fleet, &ledger, stats, &detail);
	int status = EXIT_LOST;
	if (err != OK) {
		status = command_failed(err, &detail);
	} else {
		run_print_summary(&options, stats);
		if (is_complete(stats))
			status = 0;
	}
	ledger_close(&ledger);
	fleet_free(fleet);
	free(stats);
	return status;
}
