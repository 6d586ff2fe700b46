/* The PHP collector: wer.sqlite, one row a report, and beside it reports/ab/cd/<32 hex digits>/
 * with the report's original bytes (report.xml) and its cabinet (report.cab).
 *
 * The original is what is imported whenever it is there and whole; else level 1 is written anew
 * from the row.  Folders that no row names are taken too: nothing that machines sent is lost. */
#include <fts.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/table.h"
#include "werctl/importer.h"
#include "werctl/php_row.h"

enum {
	PHP_TREE_DEPTH = 6,
	PHP_IDS_MAX = 8, /* values of one row that look like an id */
	PHP_FOLDERS_MAX = 10 * 1000 * 1000
};

struct php {
	struct importer *importer;
	struct werctl *w;
	char database[PATH_MAX];
	char reports[PATH_MAX]; /* folder of the tree */
	struct arena arena;     /* one row */
	/* Folders of the tree that are not where their name says, by id; made when first needed. */
	struct table folders; /* first 16 digits as a number, index in `paths` */
	struct arena paths_arena;
	const char **paths;
	size_t n_paths;
	bool is_tree_known;
};

/* ---- folders ---- */

static bool
id_number(struct slice id, uint64_t *ret_number)
{
	if (id.len != 32 || !slice_hex_to_u64(slice_sub(id, 0, 16), ret_number))
		return false;
	if (*ret_number == 0)
		*ret_number = 1;
	return true;
}

static void
add_folder(struct php *php, const char *name, const char *path)
{
	uint64_t number;
	if (!id_number(slice_str(name), &number) || php->n_paths == PHP_FOLDERS_MAX)
		return;
	if ((php->n_paths & (php->n_paths + 1)) == 0) {
		size_t room = 2 * (php->n_paths + 1);
		const char **paths = reallocarray(php->paths, room, sizeof(*paths));
		if (paths == NULL)
			abort();
		php->paths = paths;
	}
	php->paths[php->n_paths] = arena_printf(&php->paths_arena, "%s", path);
	if (php->paths[php->n_paths] != NULL)
		table_put(&php->folders, number, php->n_paths++);
}

static void
look_at_tree(struct php *php)
{
	char *roots[] = {php->reports, NULL};
	FTS *walk = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR | FTS_NOSTAT, NULL);
	php->is_tree_known = true;
	if (walk == NULL)
		return;
	for (FTSENT *entry; (entry = fts_read(walk)) != NULL;) {
		if (entry->fts_info != FTS_D)
			continue;
		add_folder(php, entry->fts_name, entry->fts_path);
		if (entry->fts_level >= PHP_TREE_DEPTH)
			(void)fts_set(walk, entry, FTS_SKIP);
	}
	(void)fts_close(walk);
}

/* The folder of ID: where its name says (ab/cd/abcd...), else wherever it is.  False: nowhere. */
static bool
find_folder(struct php *php, struct slice id, char folder[PATH_MAX])
{
	uint64_t number;
	uint64_t index;
	int len = snprintf(folder, PATH_MAX, "%s/%.2s/%.2s/%.*s", php->reports,
			   (const char *)id.data, (const char *)id.data + 2, SLICE_ARGS(id));
	if (len > 0 && len < PATH_MAX && access(folder, X_OK) == 0)
		return true;
	if (!php->is_tree_known)
		look_at_tree(php);
	if (!id_number(id, &number) || !table_find(&php->folders, number, &index))
		return false;
	(void)snprintf(folder, PATH_MAX, "%s", php->paths[index]);
	return true;
}

static bool
find_row_folder(struct php *php, const struct foreign_row *row, char folder[PATH_MAX])
{
	for (size_t n = 0; n < PHP_IDS_MAX; n++) {
		struct slice id = php_row_id(row, n);
		if (slice_is_absent(id))
			return false;
		if (find_folder(php, id, folder))
			return true;
	}
	return false;
}

/* FOLDER "/" NAME when it can be read; else NULL. */
static const char *
file_in(struct php *php, const char *folder, const char *name)
{
	const char *path = fs_join(&php->arena, folder, name);
	return path != NULL && access(path, R_OK) == 0 ? path : NULL;
}

/* ---- rows ---- */

static err_t
put_rebuilt(struct php *php, const struct foreign_row *row, const char *origin,
	    const char *cab_path)
{
	struct report report;
	struct buf body;
	enum import_result result;
	struct import_item item = {.origin = origin, .cab_path = cab_path, .is_rebuilt = true};
	buf_init(&body, LIMIT_REPORT_BYTES);
	item.body = php_row_document(row);
	if (slice_is_absent(item.body)) {
		if (!php_row_report(row, werctl_parser(php->w), &php->arena, &report)) {
			importer_refuse(php->importer);
			werctl_complain("%s: no event type, left out", origin);
			return OK;
		}
		level1_format(&report, TEXT_UTF16LE, &body);
		item.body = buf_slice(&body);
	}
	err_t err = importer_put(php->importer, &item, &result);
	if (err == OK && (result == IMPORT_REFUSED || result == IMPORT_NOT_REPORT))
		werctl_complain("%s", php->w->detail.why);
	buf_done(&body);
	return err;
}

/* *ret_is_done: the original was whole, and is imported. */
static err_t
put_original(struct php *php, const char *path, bool *ret_is_done)
{
	struct report report;
	struct level1_error error;
	struct buf body;
	enum import_result result;
	*ret_is_done = false;
	if (fs_read_file(path, LIMIT_REPORT_BYTES, &body, NULL) != OK)
		return OK;
	bool is_whole = level1_parse(werctl_parser(php->w), buf_slice(&body), &php->arena, &report,
				     &error) == OK;
	buf_done(&body);
	if (!is_whole)
		return OK;
	*ret_is_done = true;
	return import_file(php->importer, php->w, path, &result);
}

static err_t
import_row(void *context, const char *table, const struct foreign_row *row)
{
	struct php *php = context;
	char folder[PATH_MAX];
	const char *original = NULL;
	const char *cab = NULL;
	bool is_done = false;
	arena_reset(&php->arena);
	if (find_row_folder(php, row, folder)) {
		original = file_in(php, folder, "report.xml");
		cab = file_in(php, folder, "report.cab");
	}
	if (original != NULL) {
		err_t err = put_original(php, original, &is_done);
		if (err != OK || is_done)
			return err;
	}
	const char *origin = arena_printf(&php->arena, "%s#%.100s/%lld", php->database, table,
					  (long long)row->rowid);
	return origin == NULL ? ERR_LIMIT : put_rebuilt(php, row, origin, cab);
}

/* ---- the whole ---- */

static err_t
find_places(struct php *php, const char *path)
{
	if (realpath(path, php->database) == NULL)
		return err_set(&php->w->detail, ERR_NOTFOUND, "%s: cannot be found", path);
	size_t folder_len = (size_t)(strrchr(php->database, '/') - php->database);
	int len = snprintf(php->reports, sizeof(php->reports), "%.*s/reports", (int)folder_len,
			   php->database);
	if (len < 0 || (size_t)len >= sizeof(php->reports))
		return err_set(&php->w->detail, ERR_LIMIT, "%s: path too long", path);
	return OK;
}

static err_t
import_rows(struct php *php)
{
	struct foreign_db *db;
	err_t err = foreign_db_open(php->database, &db, &php->w->detail);
	if (err != OK)
		return err;
	err = foreign_db_each(db, "eventtype", import_row, php, &php->w->detail);
	foreign_db_close(db);
	return err;
}

err_t
import_php(struct importer *importer, struct werctl *w, const char *path)
{
	struct php *php = calloc(1, sizeof(*php));
	if (php == NULL)
		abort();
	php->importer = importer;
	php->w = w;
	arena_init(&php->arena, 2 * LIMIT_REPORT_ARENA_BYTES);
	arena_init(&php->paths_arena, SIZE_MAX / 2);
	table_init(&php->folders);
	err_t err = find_places(php, path);
	if (err == OK)
		err = import_rows(php);
	/* What is broken there was complained of or rebuilt with its row. */
	if (err == OK && access(php->reports, X_OK) == 0)
		err = import_folder(importer, w, php->reports, false, false);
	table_done(&php->folders);
	arena_done(&php->paths_arena);
	arena_done(&php->arena);
	free(php->paths);
	free(php);
	return err;
}
