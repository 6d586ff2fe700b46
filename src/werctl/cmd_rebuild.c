/* `rebuild`: a new derived store beside the old one, then swapped in */
#include "analyze/work.h"
#include "base/time.h"
#include "jail/jail.h"
#include "werctl/command.h"
#include "werctl/progress.h"

struct rebuild {
	struct progress progress;
	struct work *work;
	bool is_quiet;
};

static void
on_progress(void *context, uint64_t done, uint64_t total)
{
	struct rebuild *rebuild = context;
	progress_show(&rebuild->progress, done, total);
}

/* The uploads too, before the new file takes its place. */
static err_t
analyze_all(void *context, struct derived *derived, struct err_detail *detail)
{
	struct rebuild *rebuild = context;
	progress_end(&rebuild->progress);
	progress_begin(&rebuild->progress, "analyzing", rebuild->is_quiet);
	return work_all(rebuild->work, derived, on_progress, rebuild, detail);
}

err_t
cmd_rebuild(struct werctl *w)
{
	const struct config *config;
	struct derived *derived;
	struct derived_totals totals;
	struct rebuild rebuild = {.is_quiet = w->out.is_json};
	int64_t began_us = time_monotonic_us();
	err_t err = werctl_config(w, &config);
	if (err == OK)
		err = work_open(config, jail_has_sanitizers(), &rebuild.work, &w->detail);
	if (err != OK)
		return err;
	progress_begin(&rebuild.progress, "rebuilding", w->out.is_json);
	err = derived_rebuild(config->data, on_progress, &rebuild, analyze_all, &w->detail);
	progress_end(&rebuild.progress);
	work_close(rebuild.work);
	if (err == OK)
		err = werctl_derived(w, &derived);
	if (err == OK)
		err = derived_totals(derived, &totals);
	if (err != OK)
		return err;
	double seconds = (double)(time_monotonic_us() - began_us) / TIME_SECOND_US;
	if (w->out.is_json) {
		struct json *object = json_new_object();
		json_put_count(object, "reports", totals.reports);
		json_put_count(object, "buckets", totals.buckets);
		json_put_count(object, "cabs", totals.cabs);
		output_json(&w->out, object);
	} else {
		output_printf(&w->out, "%llu reports in %llu buckets, %llu cabinets; %.1f s\n",
			      (unsigned long long)totals.reports,
			      (unsigned long long)totals.buckets, (unsigned long long)totals.cabs,
			      seconds);
	}
	return OK;
}
