/* `stats`: what happened since the store was made, and how large it is */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "base/time.h"
#include "werctl/cell.h"
#include "werctl/command.h"
#include "werctl/table.h"

struct stats {
	struct derived_totals totals;
	int64_t as_of_us;
	uint64_t highest_id;
	uint64_t free_bytes;
	uint64_t facts_bytes;
	uint64_t derived_bytes;
};

/* Files of FOLDER below the data folder, without what lies deeper. */
static uint64_t
folder_bytes(struct werctl *w, const char *data, const char *folder)
{
	uint64_t total = 0;
	const char *path = fs_join(&w->arena, data, folder);
	DIR *dir = path == NULL ? NULL : opendir(path);
	if (dir == NULL)
		return 0;
	for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
		struct stat st;
		if (fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    S_ISREG(st.st_mode))
			total += (uint64_t)st.st_blocks * 512;
	}
	(void)closedir(dir);
	return total;
}

static err_t
gather(struct werctl *w, struct stats *stats)
{
	const struct config *config;
	struct facts *facts;
	struct derived *derived;
	err_t err = werctl_config(w, &config);
	if (err == OK)
		err = werctl_facts(w, &facts);
	if (err == OK)
		err = werctl_derived(w, &derived);
	if (err == OK)
		err = facts_highest_id(facts, &stats->highest_id);
	if (err == OK)
		err = derived_totals(derived, &stats->totals);
	if (err == OK)
		err = derived_as_of(derived, &stats->as_of_us);
	if (err == OK)
		err = fs_free_bytes(config->data, &stats->free_bytes);
	if (err != OK)
		return err;
	stats->facts_bytes = folder_bytes(w, config->data, "facts");
	stats->derived_bytes = folder_bytes(w, config->data, "derived");
	return OK;
}

static err_t
put_counter(void *context, struct slice name, uint64_t value)
{
	char key[128];
	(void)snprintf(key, sizeof(key), "%.*s", SLICE_ARGS(name));
	json_put_count(context, key, value);
	return OK;
}

static void
put_time_if(struct json *object, const char *key, int64_t time_us)
{
	if (time_us == 0)
		json_put_null(object, key);
	else
		json_put_time(object, key, time_us);
}

static err_t
print_json(struct werctl *w, const struct stats *stats)
{
	const struct derived_totals *totals = &stats->totals;
	struct json *object = json_new_object();
	struct json *disk = json_new_object();
	struct json *counters = json_new_object();
	json_put_count(object, "reports", totals->reports);
	json_put_count(object, "buckets", totals->buckets);
	json_put_count(object, "machines", totals->machines);
	json_put_count(object, "users", totals->users);
	json_put_count(object, "cabs", totals->cabs);
	json_put_count(object, "cab_bytes", totals->cab_bytes);
	put_time_if(object, "first_received", totals->first_us);
	put_time_if(object, "last_received", totals->last_us);
	put_time_if(object, "as_of", stats->as_of_us);
	json_put_count(disk, "facts_bytes", stats->facts_bytes);
	json_put_count(disk, "derived_bytes", stats->derived_bytes);
	json_put_count(disk, "blob_bytes", totals->cab_bytes);
	json_put_count(disk, "free_bytes", stats->free_bytes);
	json_put(object, "disk", disk);
	err_t err = facts_each_counter(w->facts, put_counter, counters);
	json_put(object, "counters", counters);
	output_json(&w->out, object);
	return err;
}

/* ---- for people ---- */

static const struct table_column columns[] = {
	{.title = "", .style = STYLE_FAINT}, {.title = "", .is_right = true}, {.title = ""}};

static void
number_row(struct table *table, const char *name, uint64_t value)
{
	table_cell(table, slice_str(name));
	table_cell_printf(table, "%llu", (unsigned long long)value);
	table_cell(table, slice_str(""));
}

static void
time_row(struct table *table, const char *name, int64_t time_us, int64_t now_us)
{
	struct buf text;
	buf_init(&text, 64);
	table_cell(table, slice_str(name));
	table_cell(table, slice_str(""));
	if (time_us == 0) {
		buf_append_str(&text, "never");
	} else {
		cell_time(time_us, &text);
		buf_append_str(&text, ", ");
		cell_span(now_us - time_us, &text);
		buf_append_str(&text, " ago");
	}
	table_cell(table, buf_slice(&text));
	buf_done(&text);
}

static void
bytes_row(struct table *table, const char *name, uint64_t bytes)
{
	struct buf text;
	buf_init(&text, 64);
	cell_bytes(bytes, &text);
	table_cell(table, slice_str(name));
	table_cell_printf(table, "%llu", (unsigned long long)bytes);
	table_cell(table, buf_slice(&text));
	buf_done(&text);
}

static err_t
counter_row(void *context, struct slice name, uint64_t value)
{
	char text[128];
	(void)snprintf(text, sizeof(text), "%.*s", SLICE_ARGS(name));
	number_row(context, text, value);
	return OK;
}

static struct table *
begin_group(struct output *out, const char *title)
{
	struct table *table = table_new(columns, 3, out->columns);
	table_indent(table, 2);
	output_styled(out, STYLE_TITLE, "%s", title);
	output_printf(out, "\n");
	return table;
}

static void
end_group(struct output *out, struct table *table)
{
	table_flush(table, out->has_color, &out->text);
	table_free(table);
}

static err_t
print_text(struct werctl *w, const struct stats *stats)
{
	const struct derived_totals *totals = &stats->totals;
	struct table *table = begin_group(&w->out, "Kept");
	number_row(table, "reports", totals->reports);
	number_row(table, "buckets", totals->buckets);
	number_row(table, "machines", totals->machines);
	number_row(table, "users", totals->users);
	number_row(table, "cabinets", totals->cabs);
	time_row(table, "first report", totals->first_us, w->now_us);
	time_row(table, "last report", totals->last_us, w->now_us);
	time_row(table, "counted as of", stats->as_of_us, w->now_us);
	end_group(&w->out, table);
	output_printf(&w->out, "\n");
	table = begin_group(&w->out, "Disk");
	bytes_row(table, "facts", stats->facts_bytes);
	bytes_row(table, "derived", stats->derived_bytes);
	bytes_row(table, "cabinets", totals->cab_bytes);
	bytes_row(table, "free", stats->free_bytes);
	end_group(&w->out, table);
	output_printf(&w->out, "\n");
	table = begin_group(&w->out, "Counters since the store was made");
	err_t err = facts_each_counter(w->facts, counter_row, table);
	end_group(&w->out, table);
	return err;
}

err_t
cmd_stats(struct werctl *w)
{
	struct stats stats = {0};
	err_t err = gather(w, &stats);
	if (err != OK)
		return err;
	return w->out.is_json ? print_json(w, &stats) : print_text(w, &stats);
}
