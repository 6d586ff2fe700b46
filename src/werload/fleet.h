/* fleet.h - the simulated fleet: from (seed, sequence) to a report
 *
 * Pure: the same options and the same request give the same report and the same bytes, on any
 * machine, in any order, on any thread.  So nothing that was made needs to be kept: a report that
 * must be sent again is made again.
 * The twenty most frequent buckets hold 30-50 % of the reports, and behind them is a long tail.
 * No person, company or machine in it exists, but for well-known products and makers.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "report/report.h"

enum fleet_mix {
	FLEET_MIX_FLEET, /* all event types, as a fleet of offices sends them */
	FLEET_MIX_SEED,  /* 12 APPCRASH, 9 WindowsUpdateFailure3, 2 AEAPPINVV8, 1 BlueScreen:
			    the table of a corporate collector in 2016 */
	FLEET_MIX_N
};

/* How old the event is when its report is sent. */
enum fleet_age {
	FLEET_AGE_USUAL,  /* mostly seconds, some hours: queued while the machine was away */
	FLEET_AGE_QUEUED, /* hours to days */
	FLEET_AGE_FRESH,  /* seconds */
	FLEET_AGE_N
};

struct fleet_options {
	uint64_t seed;
	uint32_t machines; /* 1 .. MACHINE_MAX */
	enum fleet_mix mix;
	uint8_t no_bom_percent; /* machines whose UTF-16 begins without a byte order mark */
	uint8_t other_percent;  /* machines that send UTF-16BE or UTF-8 */
};

enum {
	FLEET_ANY = -1,
	FLEET_REPORT_ARENA_BYTES = 64 * 1024 /* more than any report of the fleet needs */
};

struct fleet_request {
	uint64_t sequence;
	int64_t time_us; /* when it is sent */
	int64_t machine; /* its number; FLEET_ANY: the sequence decides */
	int64_t one_bug; /* always the same crash, number 0 and on; FLEET_ANY: the sequence decides
			  */
	enum fleet_age age;
};

struct fleet;

/* ERR_USAGE: a number out of range.  The fleet is constant afterwards: any number of threads. */
err_t fleet_new(const struct fleet_options *options, struct fleet **ret_fleet) ERR_CHECK;
void fleet_free(struct fleet *fleet); /* accepts NULL */

/* Texts live in ARENA.  *ret_machine (may be NULL): who sends it. */
err_t fleet_report(const struct fleet *fleet, const struct fleet_request *request,
		   struct arena *arena, struct report *ret_report, uint32_t *ret_machine) ERR_CHECK;
/* Appends the report as its machine puts it on the wire. */
void fleet_body(const struct fleet *fleet, const struct report *report, uint32_t machine,
		struct buf *out);
/* 10.x.y.z, where the machine would be. */
void fleet_peer(uint32_t machine, uint8_t ret_ip[16]);
