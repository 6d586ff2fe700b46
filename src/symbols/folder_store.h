/* folder_store.h - a folder of symbol files as its operator sees it: add, list, verify
 *
 * For `werctl symbols`.  What a file says of itself decides where it lies; a file that does not
 * say which build it is of is refused.  Names in files are hostile, and never lead out of the
 * folder (folder_layout.h).
 */
#pragma once

#include "symbols/folder.h"

/* One file of a folder. */
struct folder_entry {
	const char *path; /* relative: "app.pdb/ID/app.pdb" */
	const char *name; /* of the part that the folders above it are called for: "app.pdb" */
	const char *id;   /* as its folder says; "" for a file in the folder itself */
};

/* Copies FILE, durably, to where it belongs below FOLDER, which is there.  BASE_NAME is what it
 * was called, for images that do not know their own name; may be absent.  *ret_path lives in
 * ARENA.
 * ERR_EXISTS		it is there already, and the same
 * ERR_STALE		another file is there, and is kept; IS_REPLACING writes over it
 * ERR_UNSUPPORTED	no known format, or it does not say which build it is of
 * ERR_CORRUPT ...	it cannot be read; DETAIL says why, in all cases */
err_t folder_add(const char *folder, struct slice file, struct slice base_name,
		 const struct folder_options *options, bool is_replacing, struct arena *arena,
		 const char **ret_path, struct err_detail *detail) ERR_CHECK;

/* Calls EACH for every file, folder by folder, in the order of their names, until it returns
 * false.  Of a SymStore index (000Admin) nothing is listed.  ERR_LIMIT: more names in one folder
 * than LIMIT_SYMBOL_FOLDER_NAMES, of which the first were listed. */
err_t
folder_list(int fd, const struct folder_files *files,
	    bool (*each)(void *context, const struct folder_entry *entry), void *context) ERR_CHECK;

/* Reads a listed file again and compares its own identity with that of its place.
 * FOLDER_FOUND: it is what its place says. */
enum folder_status folder_verify(int fd, const struct folder_options *options,
				 const struct folder_entry *entry, struct err_detail *detail);

/* One line of a SymStore transaction, 000Admin/0000000001: a quoted `name\id`, a comma and
 * perhaps where it came from.  False: it is none. */
bool folder_parse_index_line(struct slice line, struct slice *ret_name, struct slice *ret_id,
			     struct slice *ret_comment);
