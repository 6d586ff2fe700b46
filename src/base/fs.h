/* fs.h - files, made durable
 *
 * Every failure is reported with the path in the detail.  "Durable" means: data and the entry
 * in the folder survive a power cut, because both were fsynced.
 */
#pragma once

#include <sys/types.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

err_t fs_write_all(int fd, struct slice bytes) ERR_CHECK; /* ERR_FULL on a full disk */
/* The whole file, at most MAX_BYTES (ERR_LIMIT). */
err_t fs_read_file(const char *path, size_t max_bytes, struct buf *out,
		   struct err_detail *detail) ERR_CHECK;
/* Writes beside PATH, fsyncs, renames over it, fsyncs the folder: whole or not at all. */
err_t fs_replace_file(const char *path, struct slice bytes, mode_t mode,
		      struct err_detail *detail) ERR_CHECK;
/* Makes PATH and what is missing above it; what it made is durable. */
err_t fs_make_folders(const char *path, mode_t mode, struct err_detail *detail) ERR_CHECK;
err_t fs_sync_folder(const char *path, struct err_detail *detail) ERR_CHECK;
/* Free space for this user on the filesystem of PATH. */
err_t fs_free_bytes(const char *path, uint64_t *ret_bytes) ERR_CHECK;
/* FOLDER "/" NAME in the arena; NULL at its cap. */
char *fs_join(struct arena *arena, const char *folder, const char *name);
