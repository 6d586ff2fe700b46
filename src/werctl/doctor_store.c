#include <stdio.h>
#include <sys/stat.h>
#include <sys/timex.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/time.h"
#include "store/id.h"
#include "werctl/cell.h"
#include "werctl/doctor.h"

/* Analyze promises 2 s; a busy machine may be forgiven a little. */
static const int64_t LAG_LATE_US = 10 * TIME_SECOND_US;
static const int64_t REPORT_OLD_US = 7 * TIME_DAY_US;
/* 2025-01-01: this program is younger than that. */
static const int64_t CLOCK_LEAST_US = INT64_C(1735689600) * TIME_SECOND_US;

static void
check_private(struct doctor *doctor, const char *path)
{
	struct stat st;
	if (stat(path, &st) != 0) {
		doctor_say(doctor, DOCTOR_FAIL, "files", "%s is not there", path);
		doctor_command(doctor, "systemctl start werd");
	} else if ((st.st_mode & S_IRWXO) != 0) {
		doctor_say(doctor, DOCTOR_WARN, "files", "%s is open to every user of this machine",
			   path);
		doctor_command(doctor, "chmod o-rwx %s", path);
	} else {
		doctor_say(doctor, DOCTOR_OK, "files", "%s is closed to other users", path);
	}
}

static void
check_parts(struct doctor *doctor)
{
	static const char *const parts[] = {"facts/facts.db", "derived", "blobs"};
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		const char *path = fs_join(&doctor->w->arena, doctor->config->data, parts[i]);
		if (path == NULL || access(path, F_OK) == 0)
			continue;
		doctor_say(doctor, DOCTOR_WARN, "files", "%s is not there yet", path);
	}
}

void
doctor_check_files(struct doctor *doctor)
{
	const char *data = doctor->config->data;
	check_private(doctor, data);
	if (access(data, R_OK | X_OK) == 0)
		check_parts(doctor);
	else if (access(data, F_OK) == 0)
		doctor_say(doctor, DOCTOR_WARN, "files",
			   "you may not read %s: run werctl as its owner or in its group", data);
}

void
doctor_check_disk(struct doctor *doctor)
{
	const struct config_ingest *ingest = &doctor->config->ingest;
	uint64_t free_bytes;
	struct buf text;
	if (fs_free_bytes(doctor->config->data, &free_bytes) != OK)
		return; /* said by doctor_check_files */
	buf_init(&text, 64);
	cell_bytes(free_bytes, &text);
	struct slice room = buf_slice(&text);
	if (free_bytes < ingest->disk_reserve_bytes)
		doctor_say(doctor, DOCTOR_FAIL, "disk", "%.*s free: reports are refused",
			   SLICE_ARGS(room));
	else if (free_bytes < ingest->disk_reserve_cab_bytes)
		doctor_say(doctor, DOCTOR_FAIL, "disk", "%.*s free: cabinets are refused",
			   SLICE_ARGS(room));
	else if (free_bytes < 2 * ingest->disk_reserve_cab_bytes)
		doctor_say(doctor, DOCTOR_WARN, "disk",
			   "%.*s free, near ingest.disk_reserve.cabinets", SLICE_ARGS(room));
	else
		doctor_say(doctor, DOCTOR_OK, "disk", "%.*s free", SLICE_ARGS(room));
	buf_done(&text);
}

void
doctor_check_clock(struct doctor *doctor)
{
	struct timex state = {0};
	int result = adjtimex(&state); /* only asks */
	struct buf text;
	buf_init(&text, 64);
	cell_time(doctor->w->now_us, &text);
	struct slice now = buf_slice(&text);
	if (doctor->w->now_us < CLOCK_LEAST_US)
		doctor_say(doctor, DOCTOR_FAIL, "clock", "it is not %.*s", SLICE_ARGS(now));
	else if (result < 0)
		doctor_say(doctor, DOCTOR_OK, "clock", "%.*s", SLICE_ARGS(now));
	else if (result == TIME_ERROR || (state.status & STA_UNSYNC) != 0) {
		doctor_say(doctor, DOCTOR_WARN, "clock",
			   "%.*s, but the kernel knows of no synchronization", SLICE_ARGS(now));
		doctor_command(doctor, "timedatectl status");
	} else {
		doctor_say(doctor, DOCTOR_OK, "clock", "%.*s, synchronized", SLICE_ARGS(now));
	}
	buf_done(&text);
}

static void
check_last(struct doctor *doctor, uint64_t highest)
{
	struct buf text;
	int64_t age_us = doctor->w->now_us - id_time_us(highest);
	if (highest == 0) {
		doctor_say(doctor, DOCTOR_WARN, "reports", "none has come yet");
		return;
	}
	buf_init(&text, 64);
	cell_span(age_us, &text);
	if (age_us < -TIME_MINUTE_US)
		doctor_say(doctor, DOCTOR_FAIL, "clock",
			   "the last report is from the future: the clock was set back");
	else
		doctor_say(doctor, age_us > REPORT_OLD_US ? DOCTOR_WARN : DOCTOR_OK, "reports",
			   "the last one came %.*s ago", SLICE_ARGS(buf_slice(&text)));
	buf_done(&text);
}

static void
check_lag(struct doctor *doctor, uint64_t highest)
{
	struct derived *derived;
	int64_t as_of_us;
	struct buf text;
	if (werctl_derived(doctor->w, &derived) != OK || derived_as_of(derived, &as_of_us) != OK) {
		doctor_say(doctor, DOCTOR_FAIL, "analyze", "no counts: %s", doctor->w->detail.why);
		return;
	}
	buf_init(&text, 64);
	cell_span(time_now_us() - as_of_us, &text);
	bool is_late = time_now_us() - as_of_us > LAG_LATE_US;
	bool is_behind = highest != 0 && as_of_us < id_time_us(highest);
	doctor_say(doctor, is_late ? (is_behind ? DOCTOR_FAIL : DOCTOR_WARN) : DOCTOR_OK, "analyze",
		   "counts are %.*s old%s", SLICE_ARGS(buf_slice(&text)),
		   is_late ? "; does werd analyze run?" : "");
	if (is_late)
		doctor_command(doctor, "systemctl status werd");
	buf_done(&text);
}

void
doctor_check_reports(struct doctor *doctor)
{
	struct facts *facts;
	uint64_t highest;
	if (werctl_facts(doctor->w, &facts) != OK || facts_highest_id(facts, &highest) != OK) {
		doctor_say(doctor, DOCTOR_FAIL, "reports", "%s", doctor->w->detail.why);
		return;
	}
	check_last(doctor, highest);
	check_lag(doctor, highest);
}
