/* folder_files.h - the little that a symbol folder asks of the file system
 *
 * A path is relative to an open folder and made of parts without "." and ".."; what is opened is
 * a regular file, never a link, a device or a pipe.  Tests put something else in its place.
 */
#pragma once

#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"

struct folder_files {
	/* The whole file, read-only and private, until it is unmapped.
	 * ERR_NOTFOUND: it is not there, or a folder.  ERR_LIMIT: larger than MAX_BYTES.
	 * ERR_DENIED: not a regular file, or not to be read.  ERR_IO. */
	err_t (*map)(int folder, const char *path, uint64_t max_bytes, struct slice *ret_bytes);
	void (*unmap)(struct slice bytes);
	/* Calls EACH for every entry of the folder at PATH ("." is FOLDER itself), in no order,
	 * until it returns false. */
	err_t (*list)(int folder, const char *path,
		      bool (*each)(void *context, const char *name, bool is_folder), void *context);
};

extern const struct folder_files folder_files_system;
