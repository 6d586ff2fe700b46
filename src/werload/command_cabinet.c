#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/time.h"
#include "werload/command.h"
#include "werload/evidence.h"
#include "werload/options.h"

struct cabinet_options {
	const char *out;
	uint64_t bytes;
	uint64_t seed;
};

#define FIELD(member) offsetof(struct cabinet_options, member)

static const struct option_row rows[] = {
	{"output", "FILE", option_text, FIELD(out), "the cabinet"},
	{"bytes", "N", option_bytes, FIELD(bytes), "its exact size (100K)"},
	{"seed", "S", option_u64, FIELD(seed), "the same seed is the same cabinet (1)"},
	{0},
};

/* The first crash that the fleet of this seed reports. */
static err_t
make_evidence(const struct cabinet_options *options, struct arena *arena,
	      struct evidence *ret_evidence)
{
	struct fleet_options fleet_options = {.seed = options->seed, .machines = 1000};
	struct fleet_request request = {
		.time_us = INT64_C(1793610000) * TIME_SECOND_US,
		.machine = FLEET_ANY,
		.one_bug = 0,
	};
	struct fleet *fleet = NULL;
	struct report report;
	err_t err = fleet_new(&fleet_options, &fleet);
	if (err == OK)
		err = fleet_report(fleet, &request, arena, &report, NULL);
	if (err == OK)
		err = evidence_init(ret_evidence, &report, options->seed, options->bytes);
	fleet_free(fleet);
	return err;
}

static err_t
write_cabinet(const char *path, struct cabinet *cabinet, struct err_detail *detail)
{
	struct slice piece;
	err_t err = OK;
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0)
		return err_set(detail, err_from_errno(errno), "%s: %s", path, strerror(errno));
	while (err == OK && !slice_is_absent(piece = cabinet_next(cabinet)))
		err = fs_write_all(fd, piece);
	if (close(fd) != 0 && err == OK)
		err = ERR_IO;
	return err == OK ? OK : err_set(detail, err, "%s: %s", path, err_text(err));
}

int
command_cabinet(int argc, char **argv)
{
	struct cabinet_options options = {.bytes = 100 * 1024, .seed = 1};
	struct err_detail detail = {0};
	struct evidence evidence = {0};
	struct arena arena;
	options_parse(rows, "werload cabinet", "Writes a cabinet as a crash would bring it.", argc,
		      argv, &options);
	if (options.out == NULL) {
		(void)err_set(&detail, ERR_USAGE, "--output FILE is needed");
		return command_failed(ERR_USAGE, &detail);
	}
	arena_init(&arena, FLEET_REPORT_ARENA_BYTES);
	err_t err = make_evidence(&options, &arena, &evidence);
	if (err == ERR_LIMIT)
		(void)err_set(&detail, err, "--bytes: from about 24K to 1G");
	if (err == OK)
		err = write_cabinet(options.out, &evidence.cabinet, &detail);
	evidence_done(&evidence);
	arena_done(&arena);
	return err == OK ? 0 : command_failed(err, &detail);
}
