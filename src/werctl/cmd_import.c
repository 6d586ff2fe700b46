/* `import`: reports from files, folders and the PHP collector's database */
#include <errno.h>
#include <unistd.h>

#include "werctl/command.h"
#include "werctl/importer.h"

static void
print_counts(struct werctl *w, const struct import_counts *counts)
{
	if (w->out.is_json) {
		struct json *object = json_new_object();
		json_put_count(object, "imported", counts->done);
		json_put_count(object, "rebuilt", counts->rebuilt);
		json_put_count(object, "cabs", counts->cabs);
		json_put_count(object, "known", counts->known);
		json_put_count(object, "refused", counts->refused);
		json_put_count(object, "passed_over", counts->not_report);
		output_json(&w->out, object);
		return;
	}
	output_printf(&w->out, "%llu imported, %llu cabinets", (unsigned long long)counts->done,
		      (unsigned long long)counts->cabs);
	if (counts->rebuilt > 0)
		output_printf(&w->out, ", %llu rebuilt from their rows",
			      (unsigned long long)counts->rebuilt);
	if (counts->known > 0)
		output_printf(&w->out, ", %llu imported before", (unsigned long long)counts->known);
	if (counts->refused > 0)
		output_printf(&w->out, ", %llu refused", (unsigned long long)counts->refused);
	if (counts->not_report > 0)
		output_printf(&w->out, ", %llu other XML files passed over",
			      (unsigned long long)counts->not_report);
	output_printf(&w->out, "\n");
}

/* Before anything is opened: a mistyped path must not stop an import halfway. */
static err_t
check_paths(struct werctl *w)
{
	for (unsigned i = 0; i < w->operands.count; i++) {
		const char *path = w->operands.at[i];
		if (access(path, R_OK) != 0)
			return err_set(&w->detail, err_from_errno(errno), "%s: %s", path,
				       strerror(errno));
	}
	return OK;
}

err_t
cmd_import(struct werctl *w)
{
	struct importer *importer;
	err_t err = check_paths(w);
	if (err == OK)
		err = importer_open(w, &importer);
	if (err != OK)
		return err;
	for (unsigned i = 0; i < w->operands.count && err == OK; i++)
		err = import_path(importer, w, w->operands.at[i]);
	if (err == OK)
		err = importer_finish(importer);
	if (err == OK)
		print_counts(w, importer_counts(importer));
	importer_close(importer);
	return err;
}
