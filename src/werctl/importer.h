/* importer.h - puts reports that came another way than by the wire into the store
 *
 * The one place where werctl writes facts.  It is facts' only writer while it is open: werd
 * ingest must not run (ERR_BUSY).  Reports are committed in batches; a report is there, with its
 * cabinet, or is not there.  Imported reports get ids of now, for ids are in the order of
 * commits; when the thing happened is the event's own time.
 */
#pragma once

#include "werctl/werctl.h"

enum import_result {
	IMPORT_DONE,
	IMPORT_KNOWN,      /* was imported before from the same place */
	IMPORT_NOT_REPORT, /* well-formed XML of something else */
	IMPORT_REFUSED     /* w->detail says why */
};

struct importer;

struct import_counts {
	uint64_t done, known, not_report, refused, cabs;
	uint64_t rebuilt; /* of done: from a database's row, the original was not there */
};

struct import_item {
	struct slice body;    /* level 1 */
	const char *origin;   /* file or database it came from */
	const char *cab_path; /* NULL: none */
	bool is_rebuilt;
};

/* DETAIL, here and below, is W's. */
err_t importer_open(struct werctl *w, struct importer **ret_importer) ERR_CHECK;
/* An error is one of the store, after which nothing more can be put. */
err_t importer_put(struct importer *importer, const struct import_item *item,
		   enum import_result *ret_result) ERR_CHECK;
/* Counts a file that could not even be read; the detail says why. */
void importer_refuse(struct importer *importer);
/* Commits what is left and brings derived up to date, unless werd analyze does. */
err_t importer_finish(struct importer *importer) ERR_CHECK;
const struct import_counts *importer_counts(const struct importer *importer);
void importer_close(struct importer *importer); /* accepts NULL; rolls back what is left */

/* A file (level-1 XML or a database), or a folder of them. */
err_t import_path(struct importer *importer, struct werctl *w, const char *path) ERR_CHECK;
/* One level-1 file with the cabinet of the same name beside it.  What is wrong with the file
 * itself is a result; an error is one of the store. */
err_t import_file(struct importer *importer, struct werctl *w, const char *path,
		  enum import_result *ret_result) ERR_CHECK;
/* Every *.xml below FOLDER, and databases when IS_WITH_DATABASES.  Without IS_STRICT what is
 * broken is counted and passed over in silence. */
err_t import_folder(struct importer *importer, struct werctl *w, const char *folder,
		    bool is_with_databases, bool is_strict) ERR_CHECK;
/* The database of the PHP collector and the reports tree beside it. */
err_t import_php(struct importer *importer, struct werctl *w, const char *path) ERR_CHECK;
