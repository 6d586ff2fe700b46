/* folder.h - folders of symbol files, and what they have for a module
 *
 * Looks in each folder for what folder_layout.h proposes, reads the file's own identity and
 * compares it with the module's, and says of every file that it tried what became of it: symbols
 * that are missing are of use only to those who are told which.  Letters in names may differ in
 * case.  Refuses files of another build, of no known format, over LIMIT_SYMBOL_FILE_BYTES, links.
 * The one place in this module that does I/O, through folder_files.h.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "symbols/folder_files.h"
#include "symbols/folder_layout.h"
#include "symbols/symbols.h"

/* One format of symbol files. */
struct folder_format {
	const char *name; /* "breakpad", "pdb", "pe", "elf" */
	bool (*detect)(struct slice file);
	err_t (*identify)(struct slice file, struct identity *ret_identity,
			  struct err_detail *detail);
	err_t (*open)(struct slice file, struct symbols **ret_symbols, struct err_detail *detail);
};

extern const struct folder_format folder_format_breakpad;

enum {
	FOLDERS_MAX = 16,
	FOLDER_SOURCES_MAX = FOLDER_PART_N /* one file for each part */
};

struct folder_options {
	const struct folder_format *const *formats;
	size_t n_formats;
	/* The one file in a cabinet; OUT has a cap.  NULL: packed files are named, not read. */
	err_t (*unpack)(struct slice packed, struct buf *out, struct err_detail *detail);
	const struct folder_files *files; /* NULL: the system's */
};

enum folder_status {
	FOLDER_FOUND,
	FOLDER_NOT_FOUND,
	FOLDER_WRONG_IDENTITY, /* there is a file, of another build */
	FOLDER_BROKEN,         /* there is a file that cannot be read */
	FOLDER_NO_IDENTITY,    /* of a module: nothing says which build it is */
	FOLDER_STATUS_N
};

struct folder_attempt {
	const char *path; /* with the folder's name before it */
	enum folder_status status;
	const char *why; /* "" when there is nothing to say */
};

struct folder_source {
	struct symbols *symbols;
	const char *format;
	const char *path;
	enum folder_part part;
	bool is_proven; /* its identity is the module's; false: the file does not say */
	struct slice mapped;
	struct buf unpacked;
};

/* What there is for one module.  Texts live until folder_found_done. */
struct folder_found {
	enum folder_status status;
	struct folder_source sources[FOLDER_SOURCES_MAX];
	size_t n_sources;
	struct folder_attempt *attempts;
	size_t n_attempts;
	struct arena arena;
	const struct folder_files *files;
};

struct folder;

/* FDS are open folders, which must stay open; NAMES say what people call them. */
err_t folder_open(const int *fds, const char *const *names, size_t n,
		  const struct folder_options *options, struct folder **ret_folder,
		  struct err_detail *detail) ERR_CHECK;
void folder_close(struct folder *folder); /* accepts NULL */

/* Fills *ret_found, whatever comes; to be ended with folder_found_done. */
void folder_find(struct folder *folder, const struct identity_wanted *wanted,
		 struct folder_found *ret_found);
void folder_found_done(struct folder_found *found); /* accepts a zeroed one */

const char *folder_status_text(enum folder_status status); /* "found", "not found" ... */
/* Appends one line for people: which file was taken, or each that was tried and why not. */
void folder_found_format(const struct folder_found *found, struct buf *out);

/* The format of FILE; NULL: none of them. */
const struct folder_format *folder_detect(const struct folder_options *options, struct slice file);
