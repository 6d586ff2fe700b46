/* `export --tree DIR`: reports as plain files, DIR/date/id/{report.xml, reply.txt, report.cab,
 * meta.json}
 *
 * A folder appears whole: it is filled under another name and then moved to its place. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/time.h"
#include "store/id.h"
#include "werctl/blob_copy.h"
#include "werctl/command.h"
#include "werctl/list.h"
#include "werctl/progress.h"

enum {
	EXPORT_PATHS_BYTES = 256 * 1024
};

struct exporting {
	struct werctl *w;
	const char *tree;
	struct blob_dir *blobs;
	struct arena arena; /* paths of one report */
	bool is_forced;
	uint64_t done, present, damaged;
	struct progress progress;
};

static err_t
failed(struct exporting *x, const char *path)
{
	int saved = errno;
	return err_set(&x->w->detail, err_from_errno(saved), "%s: %s", path, strerror(saved));
}

static err_t
write_file(struct exporting *x, const char *folder, const char *name, struct slice bytes)
{
	const char *path = fs_join(&x->arena, folder, name);
	FILE *file = path == NULL ? NULL : fopen(path, "we");
	if (file == NULL)
		return failed(x, folder);
	bool is_written = fwrite(bytes.len == 0 ? "" : (const char *)bytes.data, 1, bytes.len,
				 file) == bytes.len;
	return fclose(file) == 0 && is_written ? OK : failed(x, path);
}

static err_t
write_meta(struct exporting *x, const char *folder, const struct record *record)
{
	struct buf line;
	struct json *object = record_to_json(record);
	buf_init(&line, SIZE_MAX / 2);
	json_format_line(object, false, &line);
	json_free(object);
	err_t err = write_file(x, folder, "meta.json", buf_slice(&line));
	buf_done(&line);
	return err;
}

/* A cabinet that the disk has damaged must not stop the export of all others. */
static err_t
write_cab(struct exporting *x, const char *folder, const struct facts_report *stored)
{
	const char *path = fs_join(&x->arena, folder, "report.cab");
	if (path == NULL)
		return ERR_LIMIT;
	err_t err = blob_copy_file(x->blobs, stored->cab_sha256, path, true, &x->w->detail);
	if (err != ERR_CORRUPT && err != ERR_NOTFOUND)
		return err;
	x->damaged++;
	werctl_complain("report %llu: %s", (unsigned long long)stored->id, x->w->detail.why);
	x->w->exit_status = err_exit_status(err);
	return OK;
}

static err_t
fill(struct exporting *x, const char *folder, const struct record *record)
{
	const struct facts_report *stored = &record->stored;
	err_t err = OK;
	if (!slice_is_absent(stored->body))
		err = write_file(x, folder, "report.xml", stored->body);
	if (err == OK)
		err = write_file(x, folder, "reply.txt", stored->reply);
	if (err == OK && stored->has_cab)
		err = write_cab(x, folder, stored);
	return err == OK ? write_meta(x, folder, record) : err;
}

/* Takes away a folder of ours with its files. */
static err_t
remove_folder(struct exporting *x, const char *folder)
{
	DIR *dir = opendir(folder);
	if (dir == NULL)
		return errno == ENOENT ? OK : failed(x, folder);
	for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			(void)unlinkat(dirfd(dir), entry->d_name, 0);
	}
	(void)closedir(dir);
	return rmdir(folder) == 0 ? OK : failed(x, folder);
}

static err_t
export_new(struct exporting *x, const char *date_folder, const char *place,
	   const struct record *record)
{
	const char *filling = arena_printf(&x->arena, "%s/.%llu.partial", date_folder,
					   (unsigned long long)record->stored.id);
	if (filling == NULL)
		return ERR_LIMIT;
	err_t err = remove_folder(x, filling);
	if (err == OK && mkdir(filling, 0700) != 0)
		err = failed(x, filling);
	if (err == OK)
		err = fill(x, filling, record);
	if (err == OK && x->is_forced)
		err = remove_folder(x, place);
	if (err == OK && rename(filling, place) != 0)
		err = failed(x, place);
	return err;
}

static err_t
export_one(void *context, const struct record *record)
{
	struct exporting *x = context;
	char time_text[TIME_TEXT_BYTES];
	arena_reset(&x->arena);
	const char *date_folder =
		arena_printf(&x->arena, "%s/%.10s", x->tree,
			     time_format(id_time_us(record->stored.id), time_text));
	const char *place = arena_printf(&x->arena, "%s/%llu", date_folder,
					 (unsigned long long)record->stored.id);
	if (date_folder == NULL || place == NULL)
		return ERR_LIMIT;
	progress_show(&x->progress, x->done + x->present, 0);
	if (!x->is_forced && access(place, F_OK) == 0) {
		x->present++;
		return OK;
	}
	err_t err = fs_make_folders(date_folder, 0700, &x->w->detail);
	if (err == OK)
		err = export_new(x, date_folder, place, record);
	x->done += err == OK;
	return err;
}

static void
print_counts(struct exporting *x)
{
	struct werctl *w = x->w;
	if (w->out.is_json) {
		struct json *object = json_new_object();
		json_put_count(object, "exported", x->done);
		json_put_count(object, "present", x->present);
		json_put_count(object, "damaged_cabs", x->damaged);
		json_put_str(object, "tree", x->tree);
		output_json(&w->out, object);
		return;
	}
	output_printf(&w->out, "%llu exported to %s", (unsigned long long)x->done, x->tree);
	if (x->present > 0)
		output_printf(&w->out, ", %llu were there already", (unsigned long long)x->present);
	if (x->damaged > 0)
		output_printf(&w->out, ", %llu cabinets are damaged in the store",
			      (unsigned long long)x->damaged);
	output_printf(&w->out, "\n");
}

err_t
cmd_export(struct werctl *w)
{
	const struct config *config;
	struct report_filter filter;
	struct page page;
	bool is_more;
	uint64_t last;
	struct exporting x = {.w = w,
			      .tree = w->options.text[OPTION_TREE],
			      .is_forced = option_is_given(&w->options, OPTION_FORCE)};
	err_t err = werctl_config(w, &config);
	if (err == OK)
		err = filter_from_options(w, &filter);
	if (err == OK)
		err = filter_page(w, 0, &page);
	if (err == OK)
		err = blob_dir_open_read(config->data, &x.blobs, &w->detail);
	if (err != OK)
		return err;
	arena_init(&x.arena, EXPORT_PATHS_BYTES);
	progress_begin(&x.progress, "exporting", w->out.is_json);
	err = list_each_report(w, &filter, page, export_one, &x, &is_more, &last);
	progress_end(&x.progress);
	arena_done(&x.arena);
	blob_dir_close(x.blobs);
	if (err == OK)
		print_counts(&x);
	return err;
}
