/* `inspect`, `dump`, `cabinet`: files that need no store */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "report/report_folder.h"
#include "werctl/command.h"
#include "werctl/jailed.h"
#include "werctl/show.h"

enum {
	FOLDER_FILES_MAX = 1024 /* a report has some ten */
};

static bool
wants_all(const struct werctl *w)
{
	return option_is_given(&w->options, OPTION_ALL);
}

err_t
cmd_dump(struct werctl *w)
{
	struct json *document;
	err_t err = jailed_examine(w, werctl_operand(w, 0), EXAMINE_DUMP, &document);
	if (err != OK)
		return err;
	struct slice error = show_text(document, "error");
	if (!slice_is_absent(error))
		w->exit_status = err_exit_status(
			err_set(&w->detail, ERR_CORRUPT, "%.*s", SLICE_ARGS(error)));
	if (w->out.is_json) {
		output_json(&w->out, document);
		return OK;
	}
	show_dump(&w->out, document, wants_all(w));
	json_free(document);
	return OK;
}

err_t
cmd_cabinet(struct werctl *w)
{
	struct json *document;
	err_t err = jailed_examine(w, werctl_operand(w, 0), EXAMINE_CABINET, &document);
	if (err != OK)
		return err;
	if (!slice_is_absent(show_text(document, "error")))
		w->exit_status = err_exit_status(ERR_CORRUPT);
	if (w->out.is_json) {
		output_json(&w->out, document);
		return OK;
	}
	show_cabinet(&w->out, document);
	json_free(document);
	return OK;
}

/* ---- inspect ---- */

static void
print_file(struct werctl *w, struct json *document)
{
	if (w->out.is_json) {
		output_json(&w->out, document);
		return;
	}
	show_file(&w->out, document, wants_all(w));
	json_free(document);
}

static int
compare_names(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int
is_visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static void
show_folder_name(struct werctl *w, const char *path)
{
	struct report_folder folder;
	report_folder_parse(slice_str(path), &folder);
	if (w->out.is_json || !folder.is_known)
		return;
	show_group(&w->out, "Report folder");
	show_value(&w->out, "kind", slice_str(report_folder_kind_name(folder.kind)));
	show_value(&w->out, "first parameter", folder.param);
	show_value(&w->out, "hash", folder.hash);
	show_value(&w->out, "cabinet", slice_str(folder.has_cab ? "attached" : "none"));
}

static err_t
inspect_entry(struct werctl *w, const char *folder, const char *name)
{
	char path[PATH_MAX];
	struct stat status;
	struct json *document;
	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	if (lstat(path, &status) != 0 || !S_ISREG(status.st_mode))
		return OK;
	err_t err = jailed_examine(w, path, EXAMINE_FILE, &document);
	if (err != OK)
		return err;
	if (!w->out.is_json)
		show_group(&w->out, name);
	print_file(w, document);
	return OK;
}

static err_t
inspect_folder(struct werctl *w, const char *path)
{
	struct dirent **entries;
	int count = scandir(path, &entries, is_visible, compare_names);
	err_t err = OK;
	if (count < 0)
		return err_set(&w->detail, err_from_errno(errno), "%s: %s", path, strerror(errno));
	show_folder_name(w, path);
	for (int i = 0; i < count; i++) {
		if (err == OK && i < FOLDER_FILES_MAX)
			err = inspect_entry(w, path, entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
	return err;
}

err_t
cmd_inspect(struct werctl *w)
{
	const char *path = werctl_operand(w, 0);
	struct stat status;
	struct json *document;
	if (stat(path, &status) != 0)
		return err_set(&w->detail, err_from_errno(errno), "%s: %s", path, strerror(errno));
	if (S_ISDIR(status.st_mode))
		return inspect_folder(w, path);
	err_t err = jailed_examine(w, path, EXAMINE_FILE, &document);
	if (err == OK)
		print_file(w, document);
	return err;
}
