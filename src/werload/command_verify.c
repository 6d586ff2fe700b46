#include <inttypes.h>
#include <stdio.h>

#include "base/text.h"
#include "werload/command.h"
#include "werload/options.h"
#include "werload/verify.h"

enum {
	EXIT_MISSING = 1,
	TOLD_MAX = 100 /* then only the count */
};

struct verify_options {
	const char *data;
	const char *acknowledged;
};

#define FIELD(member) offsetof(struct verify_options, member)

static const struct option_row rows[] = {
	{"data", "DIR", option_text, FIELD(data), "the collector's data folder"},
	{"acknowledged", "FILE", option_text, FIELD(acknowledged),
	 "the list that `werload run --acknowledged` made"},
	{0},
};

static void
print_missing(void *context, const struct ledger_entry *entry, const char *why)
{
	unsigned *n_told = context;
	struct buf digest;
	if ((*n_told)++ >= TOLD_MAX)
		return;
	buf_init(&digest, 128);
	text_hex(slice_of(entry->sha256, sizeof(entry->sha256)), &digest);
	(void)printf("%s %" PRIu64 " (id %" PRIu64 ", SHA-256 %.*s): %s\n",
		     entry->is_upload ? "cabinet of report" : "report", entry->sequence,
		     entry->report, SLICE_ARGS(buf_slice(&digest)), why);
	buf_done(&digest);
}

int
command_verify(int argc, char **argv)
{
	struct verify_options options = {0};
	struct err_detail detail = {0};
	struct verify_result result;
	unsigned n_told = 0;
	char reports[COUNT_TEXT_BYTES], uploads[COUNT_TEXT_BYTES];
	options_parse(rows, "werload verify",
		      "Looks for every acknowledged report and cabinet in a data folder.\v"
		      "Exit status: 0 when all are there byte for byte, 1 when not.",
		      argc, argv, &options);
	if (options.data == NULL || options.acknowledged == NULL) {
		(void)err_set(&detail, ERR_USAGE, "--data DIR and --acknowledged FILE are needed");
		return command_failed(ERR_USAGE, &detail);
	}
	err_t err = verify_store(options.data, options.acknowledged, print_missing, &n_told,
				 &result, &detail);
	if (err != OK)
		return command_failed(err, &detail);
	(void)printf("%s reports and %s cabinets were acknowledged; missing: %" PRIu64
		     " reports, %" PRIu64 " cabinets; in another bucket: %" PRIu64 "\n",
		     count_text(result.reports, reports), count_text(result.uploads, uploads),
		     result.missing_reports, result.missing_uploads, result.wrong_buckets);
	bool is_whole = result.missing_reports == 0 && result.missing_uploads == 0 &&
			result.wrong_buckets == 0;
	return is_whole ? 0 : EXIT_MISSING;
}
