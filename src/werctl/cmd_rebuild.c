/* `rebuild`: a new derived store beside the old one, then swapped in */
#include "base/time.h"
#include "werctl/command.h"
#include "werctl/progress.h"

static void
on_progress(void *context, uint64_t done, uint64_t total)
{
	progress_show(context, done, total);
}

err_t
cmd_rebuild(struct werctl *w)
{
	const struct config *config;
	struct derived *derived;
	struct derived_totals totals;
	struct progress progress;
	err_t err = werctl_config(w, &config);
	if (err != OK)
		return err;
	progress_begin(&progress, "rebuilding", w->out.is_json);
	err = derived_rebuild(config->data, on_progress, &progress, &w->detail);
	progress_end(&progress);
	if (err == OK)
		err = werctl_derived(w, &derived);
	if (err == OK)
		err = derived_totals(derived, &totals);
	if (err != OK)
		return err;
	double seconds = (double)(time_monotonic_us() - progress.began_us) / TIME_SECOND_US;
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
